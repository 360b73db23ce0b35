"""``./run bench drain``: a queue of mail to 50 domains, directly to their exchangers, against Postfix's.

Both find the exchangers through the same resolver and hand the same mails (2 KB, one recipient each, in turn over the
domains) to the same sinks of Postfix in the laboratory's network; one domain more is dead, a hundred mails go there
too.  Ours is a real engine on a profile whose outbox was filled before; Postfix's queue was filled while it deferred
all of its SMTP, and is flushed.  Measured is the time until nothing but the dead domain's mail is left, as each program
keeps its books.  ``spread``: at half the time, how much of its mail the slowest and the fastest domain had.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent), str(ROOT)]

import lab_config  # noqa: E402
from lab import Lab, missing, until  # noqa: E402
from post_office import PostOffice  # noqa: E402
from sending import durability  # noqa: E402

from mua.mime.freeze import freeze  # noqa: E402
from mua.paths import Profile  # noqa: E402
from mua.store import dispatch, read  # noqa: E402
from mua.store.db import open_reader  # noqa: E402

MAILS = int(os.environ.get("MUA_BENCH_MAILS", "10000"))
DOMAINS, DEAD_MAILS, SINKS = 50, 100, 5
BODY = "The quick brown fox jumps over the lazy dog, and writes about it home.\r\n" * 28
SUBMIT = "127.0.25.20"  # where the other Postfix listens, on port PORT
PORT = 2525
MAIN = """\
compatibility_level = 3.6
maillog_file = {folder}/drain.log
maillog_file_prefixes = /
queue_directory = {folder}/drain-queue
data_directory = {folder}/drain-data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
myhostname = drain.test
mydestination =
local_recipient_maps =
alias_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = {submit}
inet_protocols = ipv4
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
in_flow_delay = 0
smtp_tls_security_level = may
"""


def recipients(mails: int) -> Iterator[str]:
    """One after the other, over all domains; the dead one's come first of all."""
    yield from (f"x{n}@dead.own.test" for n in range(DEAD_MAILS))
    yield from (f"u{n}@d{n % DOMAINS}.own.test" for n in range(mails))


@contextlib.contextmanager
def world() -> Iterator[Lab]:
    """The laboratory, with sinks and names for all domains."""
    with Lab() as lab:
        sinks = [f"127.0.27.{number}" for number in range(1, SINKS + 1)]
        for address in sinks:
            lab.start(f"sink-{address}", "/usr/sbin/smtp-sink", "-u", "nobody", f"{address}:25", "1000")
        lines = [f"mx{number} IN A {sinks[number % SINKS]}" for number in range(DOMAINS)]
        lines += [f"d{number} IN MX 10 mx{number}" for number in range(DOMAINS)]
        lab.publish(*lines, "dead IN MX 10 gone", f"gone IN A {lab_config.DEAD}")
        yield lab


# -- ours


def fill(profile: Path, mails: int) -> None:
    """An account that delivers by itself, and its outbox."""
    with PostOffice.direct(profile, "", 25) as post, durability(False):
        account = read.account(post.store.reader(), post.account_id)
        assert account is not None
        now = int(time.time())
        for number, to in enumerate(recipients(mails)):
            raw = f"From: me@example.org\r\nTo: {to}\r\nMessage-ID: <{number}@drain.test>\r\n\r\n{BODY}".encode()
            frozen = freeze(raw, now=now, message_id_if_missing="unused@example.org")
            dispatch.queue(post.store, account, frozen, now=now, not_before=now)


def ours(lab: Lab, mails: int) -> tuple[float, str]:
    """(seconds until only the dead domain's mail is left, the spread at half of it)."""
    profile = lab.profile()
    fill(profile, mails)
    left = "SELECT count(*) FROM recipient WHERE state <> 'accepted' AND domain <> 'dead.own.test'"
    each = "SELECT count(*) FROM recipient WHERE state = 'accepted' AND domain LIKE 'd%.own.test' GROUP BY domain"
    with contextlib.closing(open_reader(Profile(profile))) as db:
        began, spread = time.monotonic(), ""
        with lab.engine(profile):
            while count := db.value(left):
                if count <= mails / 2 and not spread:
                    shares = [row[0] * DOMAINS / mails for row in db.rows(each)]
                    spread = f"{min(shares):.0%} to {max(shares):.0%}"
                time.sleep(0.05)
            took = time.monotonic() - began
    return took, spread


# -- Postfix


def postfix(lab: Lab, mails: int) -> float:
    """Seconds until only the dead domain's mail is left in Postfix's queue, from its flush."""
    conf, queue = lab.folder / "drain", lab.folder / "drain-queue"
    conf.mkdir()
    lab_config.make_queue(queue, lab.folder / "drain-data")
    main = MAIN.format(folder=lab.folder, daemons=lab_config.postfix_daemons(), submit=SUBMIT)
    (conf / "master.cf").write_text(f"{SUBMIT}:{PORT} inet n - n - - smtpd{lab_config.MASTER}")
    _start(lab, conf, main + "defer_transports = smtp\n")
    per_domain = [(f"u@d{number}.own.test", mails // DOMAINS) for number in range(DOMAINS)]
    for to, count in [("x@dead.own.test", DEAD_MAILS), *per_domain]:
        source = ["smtp-source", "-s", "5", "-m", str(count), "-l", str(len(BODY)), "-f", "me@example.org"]
        done = lab.exec(*source, "-t", to, f"{SUBMIT}:{PORT}", timeout=300)
        assert done.returncode == 0, done.stderr
    until(lambda: _files(queue, "deferred") == mails + DEAD_MAILS, "Postfix to defer everything", 600)
    lab.stop_server("drain")
    _start(lab, conf, main)
    began = time.monotonic()
    done = lab.exec("postqueue", "-c", str(conf), "-f")
    assert done.returncode == 0, done.stderr
    while _files(queue, "deferred", "active", "incoming") > DEAD_MAILS:
        time.sleep(0.05)
    took = time.monotonic() - began
    lab.stop_server("drain")
    return took


def _start(lab: Lab, conf: Path, main: str) -> None:
    (conf / "main.cf").write_text(main)
    lab.start("drain", str(lab_config.postfix_daemons() / "master"), "-d", "-c", str(conf))
    lab.await_port(SUBMIT, PORT)


def _files(queue: Path, *names: str) -> int:
    return sum(len(files) for name in names for _, _, files in os.walk(queue / name))


def main() -> int:
    """Print the comparison."""
    if os.geteuid():
        print("Postfix needs several users, which only root can give it", file=sys.stderr)
        return 2
    if reason := missing():
        print(f"the mail laboratory {reason}", file=sys.stderr)
        return 2
    with world() as lab:
        peer = postfix(lab, MAILS)
        mine, spread = ours(lab, MAILS)
    print(f"{MAILS} mails to {DOMAINS} domains and {DEAD_MAILS} to a dead one: ours {mine:.1f} s, Postfix {peer:.1f} s")
    print(f"{peer / mine:.2f}x Postfix's rate; at half of it each domain had {spread} of its mail")
    return 0


if __name__ == "__main__":
    sys.exit(main())
