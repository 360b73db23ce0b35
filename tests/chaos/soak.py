"""``./run soak [--minutes M]``: continuous traffic from three clients; fails when one leaks or they do not agree.

Every few seconds mail arrives, is read, starred, archived, searched and sent: by an engine of ours, by a second profile
of ours, and by somebody else's program, all on one mailbox.  Memory (RSS of the engine and its children), open files
and threads of the first are sampled; the medians of the second and of the last quarter must agree.  At the end both
profiles must show what the server has, nothing twice and nothing less.
"""

import argparse
import contextlib
import imaplib
import random
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from lab import Lab, message, missing  # noqa: E402
from mailgen import letters  # noqa: E402

LEAK = {"rss_mb": 1.15, "fds": 1.1, "threads": 1.1}  # the last quarter may be this much above the second
SLACK = {"rss_mb": 12.0, "fds": 4, "threads": 2}


@dataclass(frozen=True, slots=True)
class Sample:
    """The engine and its children at one moment."""

    minute: float
    rss_mb: float
    fds: int
    threads: int
    messages: int


class Soak:
    """One engine, one mailbox, and the traffic."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.dice = random.Random(1)
        self.alice, self.bob = lab.user("alice"), lab.user("bob")
        self.profile, self.second = lab.profile(), lab.profile()
        self.letters = letters(1_000_000, seed=99)
        self.began = time.monotonic()
        self.differences: list[str] = []

    def run(self, minutes: float) -> list[Sample]:
        """Traffic for ``minutes``; a sample about every twentieth of that."""
        for profile in (self.profile, self.second):
            self.lab.add_account(profile, self.alice).ok()
            self.lab.stop_engine(profile)
        samples: list[Sample] = []
        with self.lab.engine(self.profile) as engine, self.lab.engine(self.second):
            self.began = time.monotonic()
            while (spent := (time.monotonic() - self.began) / 60) < minutes:
                self._traffic()
                self._second_profile()
                self._other_program()
                if not samples or spent - samples[-1].minute > minutes / 24:
                    samples.append(self._sample(engine.pid))
                    print(_line(samples[-1]), flush=True)
            self.differences = self._compare()
        return samples

    def _second_profile(self) -> None:
        """What the same person does at another computer, without waiting for either server or first."""
        rows = self.lab.mua("list", "INBOX", "--limit", 20, profile=self.second).ok()
        some = [row["id"] for row in self.dice.sample(rows, min(3, len(rows)))]
        if some:
            self.lab.mua("act", self.dice.choice(("flag", "read", "unread")), *some, profile=self.second)
            self.lab.mua("act", "archive", some[0], profile=self.second)  # it may have been archived by the other

    def _other_program(self) -> None:
        """What somebody else's program does to the same mailbox."""
        client = self.lab.imap(self.alice)
        client.select(self.dice.choice(("INBOX", "Archive")))
        uids = client.uid("SEARCH", "ALL")[1][0].split()
        for uid in self.dice.sample(uids, min(3, len(uids))):
            what = self.dice.choice(("+FLAGS", "-FLAGS", "move"))
            if what == "move":
                client.uid("MOVE", uid.decode(), "Archive")
            else:
                client.uid("STORE", uid.decode(), what, "(\\Flagged)")
        with contextlib.suppress(imaplib.IMAP4.error):
            client.logout()

    def _compare(self) -> list[str]:
        """Sentences about where either profile does not show what the server has."""
        found = []
        for _ in range(3):  # what one has pushed, the other has to see
            for profile in (self.second, self.profile):
                self.lab.mua("sync", "--until-complete", profile=profile).ok()
        for folder in ("INBOX", "Archive"):
            there = {
                uid: frozenset(flags) & {"\\Seen", "\\Flagged"}
                for uid, (_, flags) in self.lab.messages(self.alice, folder).items()
            }
            for name, profile in (("first", self.profile), ("second", self.second)):
                rows = self.lab.mua("list", folder, profile=profile).ok()
                here = {row["uid"]: frozenset(row["flags"]) & {"\\Seen", "\\Flagged"} for row in rows}
                wrong = {uid for uid in here.keys() | there.keys() if here.get(uid) != there.get(uid)}
                if wrong or len(rows) != len(there):
                    counts = f"{len(rows)} messages, on the server {len(there)}"
                    found.append(
                        f"{folder} of the {name} profile: {counts}; not the same: {sorted(wrong, key=str)[:10]}"
                    )
        return found

    def _traffic(self) -> None:
        self.lab.deliver_all(self.alice, (next(self.letters).raw for _ in range(self.dice.randint(1, 8))))
        lab, profile = self.lab, self.profile
        lab.mua("sync", "--until-complete", profile=profile).ok()
        rows = lab.mua("list", "INBOX", "--limit", 50, profile=profile).ok()
        some = [row["id"] for row in self.dice.sample(rows, min(5, len(rows)))]
        lab.mua("show", some[0], profile=profile).ok()
        lab.mua("search", "meeting", profile=profile).ok()
        lab.mua("act", self.dice.choice(("flag", "unflag", "read", "unread")), *some, profile=profile).ok()
        lab.mua("act", "archive", *some[:3], profile=profile).ok()
        raw = message("Soaking", self.alice.address, to=self.bob.address)
        lab.mua("send", "-", "--wait", profile=profile, stdin=raw).ok()

    def _sample(self, pid: int) -> Sample:
        family = [pid, *_children(pid)]
        held = self.lab.mua("folders", profile=self.profile).ok()
        return Sample(
            minute=(time.monotonic() - self.began) / 60,
            rss_mb=sum(_status(each, "VmRSS:") for each in family) / 1024,
            fds=sum(len(list(Path(f"/proc/{each}/fd").iterdir())) for each in family),
            threads=sum(_status(each, "Threads:") for each in family),
            messages=sum(row["total"] for row in held),
        )


def leaks(samples: list[Sample]) -> list[str]:
    """Sentences about what grew between the second and the last quarter."""
    quarter = max(1, len(samples) // 4)
    early, late = samples[quarter : 2 * quarter] or samples, samples[-quarter:]
    found = []
    for name, factor in LEAK.items():
        before, after = (statistics.median(getattr(each, name) for each in some) for some in (early, late))
        if after > before * factor + SLACK[name]:
            found.append(f"{name} grew from {before:.0f} to {after:.0f}")
    return found


def _line(sample: Sample) -> str:
    return (
        f"{sample.minute:6.1f} min  {sample.rss_mb:6.1f} MB  {sample.fds:4d} fds  {sample.threads:3d} threads"
        f"  {sample.messages:6d} messages"
    )


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    direct = [int(word) for task in tasks for word in task.read_text().split()]
    return direct + [each for child in direct for each in _children(child)]


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def main() -> int:
    """Exit 0 when nothing grew."""
    parser = argparse.ArgumentParser(prog="./run soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    options = parser.parse_args()
    if reason := missing():
        print(f"the mail laboratory {reason}", file=sys.stderr)
        return 2
    with Lab() as lab:
        soak = Soak(lab)
        found = leaks(soak.run(options.minutes)) + soak.differences
    print("\n".join(found) or "no leak, and three clients agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
