"""The engine's socket: who may enter, what nonsense is answered, and how events reach those who listen."""

import json
import re
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from commands import PASSPHRASE, Mua

from mua import wire
from mua.engine.server import CLIENTS, WORKING, Client, Server
from mua.paths import Profile


class Line:
    """A client that speaks the wire by hand."""

    def __init__(self, profile: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(profile / "engine.sock"))  # waits while the door's queue is full
        self.socket.settimeout(30)
        self.lines: IO[bytes] = self.socket.makefile("rb")

    def say(self, line: bytes) -> None:
        self.socket.sendall(line)

    def hear(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.lines.readline())
        return found

    def until(self, key: str, value: object) -> dict[str, Any]:
        while (heard := self.hear()).get(key) != value:
            pass
        return heard

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


@pytest.fixture(scope="module")
def mua(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mua]:
    found = Mua(tmp_path_factory.mktemp("door") / "profile")
    with found.engine():
        found.json("account", "add", "--name", "home", "--email", "maya@example.org", "--local")
        yield found


@pytest.fixture
def line(mua: Mua) -> Iterator[Line]:
    found = Line(mua.profile)
    yield found
    found.close()


def test_only_the_owner_may_enter(mua: Mua) -> None:
    assert stat.S_IMODE((mua.profile / "engine.sock").stat().st_mode) == 0o600
    assert stat.S_IMODE(mua.profile.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "nonsense", [b"\n", b"{}\n", b"[1]\n", b"\xff\n", b'{"n":1,"do":"SetFlags"}\n', b"x" * 70000 + b"\n"]
)
def test_nonsense_is_answered_and_the_line_stays_open(line: Line, nonsense: bytes) -> None:
    line.say(nonsense)
    assert line.hear()["error"]["code"] == "wire"
    line.say(wire.command_line(5, wire.Hello("test")))
    assert line.until("re", 5)["ok"]["is"] == "Welcome"


def test_who_is_refused_is_not_served(line: Line) -> None:
    """Neither before a Hello, nor after one of another protocol; a proper one mends it."""
    line.say(wire.command_line(1, wire.Raise()))
    assert line.hear()["error"]["code"] == "not-welcome"
    line.say(wire.command_line(2, wire.Hello("test", events=True, protocol=99)))
    assert line.hear()["error"]["code"] == "protocol"
    for number, command in ((3, wire.Undo()), (4, wire.Sync()), (5, wire.Shutdown())):
        line.say(wire.command_line(number, command))
        assert line.until("re", number)["error"]["code"] == "not-welcome"
    line.say(wire.command_line(6, wire.Hello("test")))
    assert line.hear()["ok"]["is"] == "Welcome"


def test_the_surplus_of_clients_gets_a_sentence(mua: Mua, line: Line) -> None:
    """A program that connects without end makes no threads without end, and whoever was here is served."""
    line.say(wire.command_line(1, wire.Hello("test")))
    assert line.until("re", 1)
    crowd = [Line(mua.profile) for _ in range(400)]
    assert crowd[-1].hear()["error"]["code"] == "too-many-clients"
    assert crowd[-1].lines.readline() == b""
    status = Path(f"/proc/{mua.engine_pid()}/status").read_text()
    assert int(re.findall(r"Threads:\s+(\d+)", status)[0]) < 2 * CLIENTS + 50
    line.say(wire.command_line(2, wire.Health()))
    assert line.until("re", 2)["ok"]["is"] == "HealthTold"
    done = mua.run("health")
    assert (done.returncode, b"Too many programs" in done.stderr) == (1, True)
    for one in crowd:
        one.close()


def test_the_surplus_of_slow_commands_gets_a_sentence(tmp_path: Path) -> None:
    """A quick one is served meanwhile, and there is room again when the slow ones are done."""
    go_on, surplus = threading.Event(), 5

    def handle(_: Client, command: wire.Command) -> wire.Answer:
        if isinstance(command, wire.Sync):
            assert go_on.wait(30)
        return wire.Done()

    server = Server(tmp_path / "engine.sock", handle, lambda: None)
    server.start()
    line = Line(tmp_path)
    line.say(wire.command_line(0, wire.Hello("test")))
    line.say(b"".join(wire.command_line(n, wire.Sync()) for n in range(1, WORKING + surplus + 1)))
    line.say(wire.command_line(9999, wire.Undo()))
    heard = {one["re"]: one for one in (line.hear() for _ in range(surplus + 2))}
    refused = range(WORKING + 1, WORKING + surplus + 1)
    assert [heard[number]["error"]["code"] for number in refused] == ["busy"] * surplus
    assert "ok" in heard[9999]
    go_on.set()
    assert {line.hear()["re"] for _ in range(WORKING)} == set(range(1, WORKING + 1))
    line.say(wire.command_line(10_000, wire.Sync()))
    assert "ok" in line.hear()
    line.close()
    server.stop()


def test_the_passphrase_of_the_secrets_file_can_be_changed(mua: Mua, line: Line) -> None:
    line.say(wire.command_line(0, wire.Hello("test")))
    line.until("re", 0)
    line.say(wire.command_line(1, wire.ChooseSecrets("file", "another horse")))
    assert line.until("re", 1)["ok"]["is"] == "Done"
    stranger = Line(mua.profile)
    stranger.say(wire.command_line(1, wire.Hello("test", events=True, passphrase=PASSPHRASE)))
    assert stranger.hear()["error"]["code"] == "wrong-passphrase"
    stranger.say(wire.command_line(2, wire.Undo()))
    assert stranger.hear()["error"]["code"] == "not-welcome"
    stranger.close()
    line.say(wire.command_line(2, wire.Hello("test", passphrase=PASSPHRASE)))
    assert line.until("re", 2)["error"]["code"] == "wrong-passphrase"
    line.say(wire.command_line(3, wire.ChooseSecrets("file", PASSPHRASE)))
    assert line.until("re", 3)["ok"]["is"] == "Done"
    line.say(wire.command_line(4, wire.Hello("test", passphrase=PASSPHRASE)))
    assert line.until("re", 4)["ok"]["is"] == "Welcome"


def test_a_change_reaches_those_who_listen(mua: Mua, line: Line, tmp_path: Path) -> None:
    line.say(wire.command_line(1, wire.Hello("test", events=True)))
    line.until("re", 1)
    (tmp_path / "one.eml").write_bytes(b"Subject: news\r\n\r\nhello\r\n")
    mua.json("import", str(tmp_path / "one.eml"), "Inbox")
    while not (changed := line.until("on", "Changed")).get("messages"):
        pass  # the account, which is a moment older, may be told first
    assert changed["folders"]


def test_a_second_window_raises_the_first(mua: Mua, line: Line) -> None:
    second = Line(mua.profile)
    second.say(wire.command_line(0, wire.Hello("test")) + wire.command_line(1, wire.Raise()))
    second.until("re", 0)
    assert second.hear()["error"]["code"] == "no-window"
    line.say(wire.command_line(1, wire.Hello("window", events=True)))
    line.until("re", 1)
    second.say(wire.command_line(2, wire.Raise()))
    assert second.until("re", 2)["ok"]["is"] == "Done"
    assert line.until("on", "Raise")
    second.close()


def test_a_client_that_does_not_read_holds_nobody_up(mua: Mua, tmp_path: Path) -> None:
    deaf = Line(mua.profile)
    deaf.say(wire.command_line(1, wire.Hello("deaf", events=True)))
    deaf.say(b"".join(wire.command_line(n, wire.Undo(999_999)) for n in range(2, 5000)))
    (tmp_path / "two.eml").write_bytes(b"Subject: more\r\n\r\nhello\r\n")
    assert mua.json("import", str(tmp_path / "two.eml"), "Inbox")["imported"] == 1
    deaf.close()


def test_an_engine_that_nobody_joins_ends(tmp_path: Path) -> None:
    """A window that waits long starts a second one, which gets the lock when the window and the first have gone."""
    mua = Mua(tmp_path / "profile")
    mua.json("account", "add", "--name", "home", "--email", "maya@example.org", "--local")
    assert subprocess.run(mua.command("engine"), env=mua.settings(), timeout=100, check=False).returncode == 0
    assert mua.engine_pid() == 0


def test_nothing_is_told_to_an_engine_in_a_folder_of_everybody(tmp_path: Path) -> None:
    """Whoever can write there could listen in the engine's place, and would be given the password."""
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile").chmod(0o777)
    mua = Mua(tmp_path / "profile")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as false:
        false.bind(str(tmp_path / "profile" / "engine.sock"))
        false.listen()
        words = ("account", "add", "--name", "home", "--email", "maya@example.org", "--imap", "mail.example.org")
        found = mua.json(*words, "--password-stdin", stdin=b"secret\n", code=1)
        false.settimeout(0.1)
        with pytest.raises(TimeoutError):
            false.accept()
    assert found["error"]["code"] == "unsafe-profile"
    assert subprocess.run(mua.command("engine"), env=mua.settings(), timeout=60, check=False).returncode == 1


def test_an_engine_is_joined_by_a_link_to_its_folder(mua: Mua, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(mua.profile)
    with_link = Mua(tmp_path / "link")
    assert [one["name"] for one in with_link.json("account", "list")] == ["home"]
    assert with_link.json("health") is not None
    assert with_link.engine_pid() == mua.engine_pid()


def test_a_folder_that_came_up_meanwhile_is_the_one_that_was_asked_for(mua: Mua, line: Line) -> None:
    """Who looked before the server's folders arrived asks for one that is there by now."""
    line.say(wire.command_line(1, wire.Hello("test")))
    made = set[int]()
    for number in range(2, 6):
        line.say(wire.command_line(number, wire.CreateFolder(1, "Taxes" if number % 2 else "Archive")))
        made.add(line.until("re", number)["ok"]["folder_id"])
    folders = {int(one["id"]): one["name"] for one in mua.json("folders")}
    assert sorted(folders[one] for one in made) == ["Archive", "Taxes"]


def test_an_engine_of_an_older_mua_makes_room_for_ours(tmp_path: Path) -> None:
    """It was left running by an update: it ends in order, and the command goes to a new one."""
    mua = Mua(tmp_path / "profile")
    mua.json("account", "add", "--name", "home", "--email", "maya@example.org", "--local")
    profile = Profile(mua.profile)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)  # its process, so to speak

    def older(client: Client, command: wire.Command) -> wire.Answer:
        if isinstance(command, wire.Shutdown):
            threading.Thread(target=end).start()
            return wire.Done()
        return wire.Welcome(process.pid, "0")

    def end() -> None:
        old.stop()
        process.communicate()

    assert subprocess.run(mua.command("engine"), env=mua.settings(), timeout=100, check=False).returncode == 0
    old = Server(profile.socket, older, lambda: None)
    old.start()
    assert mua.json("sync") is not None
    assert process.returncode is not None
