"""Runs ``leak_window`` or ``leak_control`` in a network namespace of its own, beside a sink, and tells what left.

``leak_run.py [NUMBER]`` reads NUMBER mails (all) of the collection, has the control show them, and prints the account.
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from lab_net import OWN  # noqa: E402
from leak_sink import ADDRESS  # noqa: E402
from leaks import places, vectors  # noqa: E402

from mua.paths import child_environment  # noqa: E402

SEED = 45
WINDOWS = 3  # at once: each waits more than it works
PATIENCE = 3600.0  # seconds for all that one of them reads
INSIDE = f"""\
ip link set lo up
ip addr add {ADDRESS}/24 dev lo
ip route add default dev lo 2>/dev/null || true
ip -6 route add default dev lo 2>/dev/null || true
printf 'nameserver 127.0.0.1\\noptions timeout:1 attempts:1\\n' >"$1/resolv.conf"
mount --bind "$1/resolv.conf" /etc/resolv.conf
python=$2
"$python" "$3" "$1/sink.log" >"$1/up" & sink=$!
while [ ! -s "$1/up" ]; do sleep 0.05; done
cat /proc/net/snmp /proc/net/snmp6 >"$1/before"
shift 3
code=0
"$python" "$@" || code=$?
cat /proc/net/snmp /proc/net/snmp6 >"{{folder}}/after"
kill $sink
exit $code
"""


@dataclass(frozen=True, slots=True)
class Account:
    """What left: ``packets`` by the kernel's count (connections begun, datagrams), ``hosts`` that the sink heard of,
    of ``places`` that the mails name; ``read``: each reading and what was done.
    """

    packets: int
    hosts: frozenset[str]
    lines: tuple[str, ...]
    places: int
    read: tuple[tuple[str, tuple[str, ...]], ...]
    words: str


def sample(mails: Sequence[tuple[str, str]], number: int) -> list[tuple[str, str]]:
    """The pages that hold all, and some of the others, always the same."""
    whole = [one for one in mails if "whole" in one[0]]
    rest = [one for one in mails if "whole" not in one[0]]
    return whole + random.Random(SEED).sample(rest, min(len(rest), max(0, number - len(whole))))


def run(
    mails: Sequence[tuple[str, str]], *, control: bool = False, load: bool = False, patience: float = 280.0
) -> Account:
    """Show ``mails`` (``load``: and ask for their pictures); AssertionError with what was said when that failed."""
    with tempfile.TemporaryDirectory(prefix="mua-leaks-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "mails.json").write_text(json.dumps(list(mails)), "utf-8")
        script = ROOT / "tests" / ("leak_control.py" if control else "leak_window.py")
        own = list(OWN) if os.geteuid() else ["unshare", "--net", "--mount"]
        inside = INSIDE.replace("{folder}", name)
        sink = str(ROOT / "tests" / "leak_sink.py")
        words = [str(script), str(folder / "mails.json"), *([] if control else [str(folder / "profile")])]
        words += ["--load"] * load
        environment = child_environment() | {
            "QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1", "MUA_SECRETS": "session", "HOME": name,
            "XDG_RUNTIME_DIR": name, "CUPS_SERVER": f"{name}/none",  # else a printer is looked for at localhost:631
        }  # fmt: skip
        environment.pop("QTWEBENGINE_CHROMIUM_FLAGS", None)  # ours, where a view was opened in this process
        environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
        done = subprocess.run(
            [*own, "sh", "-ec", inside, "sh", name, sys.executable, sink, *words],
            env=environment, capture_output=True, text=True, timeout=patience, check=False,
        )  # fmt: skip
        if done.returncode:
            last = done.stdout.splitlines()[-1:]
            raise AssertionError(f"{script.name} ended with {done.returncode} after {last}: {done.stderr[-3000:]}")
        lines = tuple((folder / "sink.log").read_text("utf-8").splitlines())
        packets = _counted(folder / "after") - _counted(folder / "before")
    read = tuple((str(one), tuple(steps)) for one, steps in map(json.loads, done.stdout.splitlines()))
    named = {place for _, html in mails for place in re.findall(r"v\d+-\d+\.leak\.test", html)}
    heard = frozenset(re.findall(r"v\d+-\d+\.leak\.test", "\n".join(lines)))
    return Account(packets, heard, lines, len(named), read, done.stderr)


def _counted(path: Path) -> int:
    """Connections that were begun and datagrams that were sent, by IPv4 and IPv6."""
    found: dict[str, int] = {}
    titles: list[str] = []
    for line in path.read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if not kind.endswith(":"):
            found[kind] = int(rest)
        elif titles and titles[0] == kind:
            found |= {f"{kind}{title}": int(value) for title, value in zip(titles[1:], rest.split(), strict=False)}
            titles = []
        else:
            titles = [kind, *rest.split()]
    return found["Tcp:ActiveOpens"] + found["Udp:OutDatagrams"] + found["Udp6OutDatagrams"]


def run_all(mails: Sequence[tuple[str, str]], *, control: bool = False) -> Account:
    """``run`` in ``WINDOWS`` windows at once, each in a namespace of its own; what left of all of them."""
    with ThreadPoolExecutor(WINDOWS) as windows:
        shares = [mails[start::WINDOWS] for start in range(min(WINDOWS, len(mails)))]
        told = list(windows.map(partial(run, control=control, patience=PATIENCE), shares))
    return Account(
        sum(one.packets for one in told),
        frozenset().union(*(one.hosts for one in told)),
        tuple(line for one in told for line in one.lines),
        sum(one.places for one in told),
        tuple(reading for one in told for reading in one.read),
        "".join(one.words for one in told),
    )


def collection() -> list[tuple[str, str]]:
    """All mails of the collection beside the checkout."""
    from conftest import SHARED

    return vectors(SHARED / "attack/httpleaks/leak.html", SHARED / "spikes/gui/vectors.py")


def table(mails: Sequence[tuple[str, str]], guarded: Account, control: Account) -> str:
    """What was read and what left, by where the mails are from."""
    titles = ("mails", "", "places", "read in the browser", "as text", "places asked for", "by the control")
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for source in ("httpleaks", "ours", "css"):
        own = [(name, html) for name, html in mails if name.startswith(source)]
        named = places("".join(html for _, html in own))
        numbers = {name.rpartition("#")[2] for name, _ in own}
        shown = Counter(steps[0] for name, steps in guarded.read if name.startswith(source))
        heard = [sum(host[1:].partition("-")[0] in numbers for host in one.hosts) for one in (guarded, control)]
        lines.append(
            f"| {source} | {len(own)} | {named} | {shown['browser']} | {shown['text']} | {heard[0]} | {heard[1]} |"
        )
    return "\n".join([*lines, "", f"Packets that left: {guarded.packets}; of the control: {control.packets:,}."])


def main() -> int:
    """See the module."""
    mails = collection()
    if len(sys.argv) > 1:
        mails = sample(mails, int(sys.argv[1]))
    began = time.monotonic()
    guarded = run_all(mails)
    minutes = (time.monotonic() - began) / 60
    print(table(mails, guarded, run_all(mails, control=True)))
    print(f"\n{len(guarded.read):,} readings in {minutes:.0f} minutes.")
    print(*guarded.lines[:20], sep="\n")
    return int(guarded.packets > 0)


if __name__ == "__main__":
    sys.exit(main())
