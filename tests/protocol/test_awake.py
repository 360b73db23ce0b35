"""The computer is kept awake while a message is handed over, and at no other time: with the real systemd-logind."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mua.net import awake
from mua.net.awake import Awake

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0  # seconds


class Keeper:
    """Counts locks that are held."""

    def __init__(self) -> None:
        self.held = self.taken = 0
        self._changed = threading.Condition()

    def __call__(self) -> "Keeper":
        with self._changed:
            self.held += 1
            self.taken += 1
            self._changed.notify_all()
        return self

    def close(self) -> None:
        with self._changed:
            self.held -= 1
            self._changed.notify_all()

    def until(self, held: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.held == held, PATIENCE)


def test_a_lock_lasts_as_long_as_any_transaction_and_many_small_ones_take_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awake, "LINGER", 3.0)  # no pause between two of the small ones is that long
    keeper = Keeper()
    kept = Awake(keeper)
    with kept:
        keeper.until(1)
        with kept:
            pass
        assert keeper.held == 1
    for _ in range(100):
        with kept:
            assert keeper.held == 1
    keeper.until(0)
    assert keeper.taken == 1
    with kept:
        keeper.until(1)
    keeper.until(0)
    assert keeper.taken == 2


def test_what_cannot_be_locked_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Keeper()

    def broken() -> awake.Lock:
        raise OSError("no bus")

    with Awake(broken, keeper):
        keeper.until(1)
    keeper.until(0)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    for locker in (awake.logind, awake.portal):
        assert awake._taken(locker) is None


# A sender, and a server that stops before the body, at the verdict, and then defers; asked meanwhile: who blocks?
TALK = """\
import json, sys, tempfile, threading
from pathlib import Path
sys.path[:0] = [{root!r}, {tests!r}]
from mail_sink import MailSink
from post_office import PostOffice
from mua.net.awake import Awake, logind, portal
{ask}
seen = {{}}
stops = {{"body": threading.Event(), "dot": threading.Event()}}
goes = {{"body": threading.Event(), "dot": threading.Event()}}

def plan(event, what):
    if event in stops and not goes[event].is_set():
        stops[event].set()
        goes[event].wait(30)
    return None

def settled(wanted):
    import time
    end = time.monotonic() + 20
    while bool(asked()) is not wanted and time.monotonic() < end:
        time.sleep(0.05)
    return asked()

with MailSink() as sink, PostOffice.submitting(Path(tempfile.mkdtemp()), sink.port) as post:
    post.options = {{"awake": Awake({locker})}}
    post.restart()
    post.queue("later@example.net", delay=9999, scheduled=True)
    assert post.sender.drain(20)
    seen["queued"] = asked()
    sink.plan = plan
    post.queue("ann@example.net")
    post.sender.poke()
    for event in ("body", "dot"):
        assert stops[event].wait(20), event
        seen[event] = settled(True)
        goes[event].set()
    assert post.sender.drain(20)
    seen["after"] = settled(False)
    seen["copies"] = len(sink.copies("ann@example.net"))
print(json.dumps(seen))
"""

ASK_LOGIND = """
from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection
from jeepney.wrappers import unwrap_msg

def asked():
    where = DBusAddress("/org/freedesktop/login1", "org.freedesktop.login1", "org.freedesktop.login1.Manager")
    with open_dbus_connection("SYSTEM") as bus:
        (found,) = unwrap_msg(bus.send_and_get_reply(new_method_call(where, "ListInhibitors"), timeout=10))
    return [one[:4] for one in found]
"""

ASK_PORTAL = """
import os
def asked():
    return json.loads(Path(os.environ["HELD"]).read_text())
"""

# The portal's part: who asked for what, as long as they are on the bus (no portal runs without a desktop).
PORTAL = """\
import json, os
from pathlib import Path
from jeepney import DBusAddress, MatchRule, message_bus, new_method_call, new_method_return
from jeepney.io.blocking import open_dbus_connection
held, file = {}, Path(os.environ["HELD"])
bus = open_dbus_connection("SESSION")
rule = MatchRule(type="signal", sender="org.freedesktop.DBus", member="NameOwnerChanged")
bus.send_and_get_reply(message_bus.AddMatch(rule))
def tell():
    file.with_suffix(".new").write_text(json.dumps(list(held.values())))
    file.with_suffix(".new").rename(file)
tell()
bus.send_and_get_reply(message_bus.RequestName("org.freedesktop.portal.Desktop"))
print("ready", flush=True)
while True:
    message = bus.receive()
    fields = {key.name: value for key, value in message.header.fields.items()}
    if fields.get("member") == "Inhibit" and fields.get("interface") == "org.freedesktop.portal.Inhibit":
        window, flags, options = message.body
        held[fields["sender"]] = [window, flags, options["reason"][1]]
        tell()
        bus.send(new_method_return(message, "o", ("/org/freedesktop/portal/desktop/request/1/1",)))
    elif fields.get("member") == "NameOwnerChanged" and not message.body[2]:
        if held.pop(message.body[0], None):
            tell()
"""

BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>
"""

# A system bus and a logind of our own, behind a /run of our own.
HOUSE = """\
mount -t tmpfs tmpfs /run && mkdir -p /run/dbus /run/systemd/inhibit /run/systemd/seats /run/systemd/sessions \\
  /run/systemd/users /run/systemd/machines /run/udev || exit 77
dbus-daemon --config-file="$1/bus.conf" --nofork >"$1/bus.log" 2>&1 & bus=$!
while [ ! -S /run/dbus/system_bus_socket ]; do kill -0 $bus || exit 78; sleep 0.05; done
"$2" >"$1/logind.log" 2>&1 & logind=$!
until dbus-send --system --print-reply --dest=org.freedesktop.login1 /org/freedesktop/login1 \\
  org.freedesktop.login1.Manager.ListInhibitors >/dev/null 2>&1; do kill -0 $logind || exit 78; sleep 0.1; done
"$3" "$1/talk.py"; code=$?
kill $logind $bus; wait
exit $code
"""


def write_talk(folder: Path, ask: str, locker: str) -> Path:
    path = folder / "talk.py"
    path.write_text(TALK.format(root=str(ROOT), tests=str(ROOT / "tests"), ask=ask, locker=locker), "utf-8")
    return path


def outcome(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


LOGIND = next(
    (path for path in ("/usr/lib/systemd/systemd-logind", "/lib/systemd/systemd-logind") if Path(path).exists()), ""
)


@pytest.mark.may_skip("needs systemd-logind, a dbus-daemon, and root for a /run of its own")
def test_logind_is_asked_while_octets_are_on_their_way_and_only_then(tmp_path: Path) -> None:
    missing = [tool for tool in ("unshare", "dbus-daemon", "dbus-send") if shutil.which(tool) is None]
    if missing or not LOGIND or os.geteuid() != 0:
        pytest.skip("no systemd-logind could be started here")
    (tmp_path / "bus.conf").write_text(BUS, "utf-8")
    write_talk(tmp_path, ASK_LOGIND, "logind")
    command = ["unshare", "-m", "sh", "-c", HOUSE, "sh", str(tmp_path), LOGIND, sys.executable]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DBUS_")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == 77:
        pytest.skip("mounting is not allowed here")
    found = outcome(done)
    lock = ["shutdown:sleep", "Mua", "A message is being sent", "block"]
    assert found == {"queued": [], "body": [lock], "dot": [lock], "after": [], "copies": 1}


@pytest.mark.may_skip("needs dbus-run-session")
def test_the_portal_is_asked_for_log_out_too(tmp_path: Path) -> None:
    runner = shutil.which("dbus-run-session")
    if runner is None:
        pytest.skip("dbus-run-session is not installed")
    talk = write_talk(tmp_path, ASK_PORTAL, "portal")
    (tmp_path / "portal.py").write_text(PORTAL, "utf-8")
    both = (
        f'"{sys.executable}" "{tmp_path}/portal.py" >"{tmp_path}/said" & portal=$!; '
        f'until grep -q ready "{tmp_path}/said"; do kill -0 $portal || exit 1; sleep 0.05; done; '
        f'"{sys.executable}" "{talk}"; code=$?; kill $portal; exit $code'
    )
    environment = {**os.environ, "HELD": str(tmp_path / "held")}
    command = [runner, "--", "sh", "-c", both]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    found = outcome(done)
    lock = ["", 5, "A message is being sent"]
    assert found == {"queued": [], "body": [lock], "dot": [lock], "after": [], "copies": 1}


def test_waiting_for_a_service_holds_up_nobody() -> None:
    asked = threading.Event()
    answer = threading.Event()

    def slow() -> awake.Lock:
        asked.set()
        answer.wait(PATIENCE)
        raise TimeoutError

    begun = time.monotonic()
    with Awake(slow):
        assert asked.wait(PATIENCE)
    assert time.monotonic() - begun < PATIENCE / 2
    answer.set()
