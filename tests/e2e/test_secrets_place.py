"""Where passwords live can be chosen also when the old place cannot be opened."""

import socket
from pathlib import Path

from commands import Mua

from mua import wire


def ask(profile: Path, *commands: wire.Command) -> list[object]:
    """Answers of the engine, in order."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(60)
        line.connect(str(profile / "engine.sock"))
        heard: list[object] = []
        with line.makefile("rb") as lines:
            for number, command in enumerate(commands):
                line.sendall(wire.command_line(number, command))
                reply = wire.parse_reply(lines.readline())
                assert isinstance(reply, tuple)
                heard.append(reply[1])
        return heard


def test_a_keyring_that_is_not_there_is_left_behind(tmp_path: Path) -> None:
    nowhere = (("MUA_SECRETS", ""), ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent"))
    mua = Mua(tmp_path / "profile", nowhere)
    with mua.engine():
        mua.json("account", "add", "--name", "home", "--email", "maya@example.org", "--local")
        chosen = ask(mua.profile, wire.Hello("test"), wire.ChooseSecrets("session"), wire.SetSecret(1, "correct horse"))
    assert chosen[1:] == [wire.Done(), wire.Done()]
