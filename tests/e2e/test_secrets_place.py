"""Where passwords live can be chosen also when the old place cannot be opened."""

import socket
from pathlib import Path

import apsw
from commands import Mua
from dkim_verifier import verify

from mua import wire
from mua.errors import MailError
from mua.net.sealed import SealedFile


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


RAW = b"From: ada@example.org\r\nTo: bob@example.net\r\nSubject: x\r\n\r\nx\r\n"


def made(mua: Mua) -> dict[str, str]:
    """An account with keys, whose records count as seen; the secrets are in a file."""
    mua.json("account", "add", "--name", "own", "--email", "ada@example.org", "--local", "--smtp", "127.0.0.1:1")
    records = mua.json("dkim", "keygen")["records"]
    return {one["name"]: one["value"] for one in records if one["what"] == "dkim"}


def seen(profile: Path) -> None:
    """As if a look-up had found every key."""
    with apsw.Connection(str(profile / "cache.db")) as db:
        db.execute("UPDATE dkim SET seen_at = 1")


def frozen(profile: Path) -> bytes:
    (file,) = (profile / "big").glob("outgoing-*.eml")
    return file.read_bytes()


def test_keys_that_sign_are_where_passwords_are_and_never_for_one_session_only(tmp_path: Path) -> None:
    mua = Mua(tmp_path / "profile", (("MUA_SECRETS", ""), ("MUA_PASSPHRASE", "one two three")))
    with mua.engine():
        chosen = ask(mua.profile, wire.Hello("test"), wire.ChooseSecrets("file", "one two three"))
        assert chosen[1] == wire.Done()
        records = made(mua)
        refused = ask(mua.profile, wire.Hello("test"), wire.ChooseSecrets("session"))[1]
        assert isinstance(refused, MailError)
        assert refused.code == "secrets-place-session"
        changed = ask(mua.profile, wire.Hello("test"), wire.ChooseSecrets("file", "another one"))[1]
        assert changed == wire.Done()
        seen(mua.profile)
        mua = Mua(mua.profile, (("MUA_SECRETS", ""), ("MUA_PASSPHRASE", "another one")))
        mua.json("send", "-", stdin=RAW)
    assert set(verify(frozen(mua.profile), records).values()) == {True}


def test_a_locked_place_keeps_the_message_with_its_writer(tmp_path: Path) -> None:
    secrets = ("MUA_SECRETS", "file")
    with Mua(tmp_path / "profile", (secrets, ("MUA_PASSPHRASE", "one two three"))).engine():
        mua = Mua(tmp_path / "profile", (secrets, ("MUA_PASSPHRASE", "one two three")))
        records = made(mua)
        seen(mua.profile)
    locked = Mua(tmp_path / "profile", (secrets, ("MUA_PASSPHRASE", "")))
    with locked.engine():
        said = locked.run("send", "-", "--json", stdin=RAW)
        assert said.returncode == 1
        assert b"secrets-locked" in said.stdout
        assert locked.json("outbox", "--all") == []
        assert not list((mua.profile / "big").glob("outgoing-*"))
        opened = ask(mua.profile, wire.Hello("test", passphrase="one two three"))[0]
        assert isinstance(opened, wire.Welcome)
        locked.json("send", "-", stdin=RAW)
        assert set(verify(frozen(mua.profile), records).values()) == {True}


def test_keys_go_when_they_are_removed_and_with_the_last_account_of_their_domain(tmp_path: Path) -> None:
    mua = Mua(tmp_path / "profile", (("MUA_SECRETS", "file"), ("MUA_PASSPHRASE", "one two three")))
    with mua.engine():
        first = made(mua)
        assert len(first) == 2
        assert {one["what"] for one in mua.json("dkim", "remove")["records"]} == {"spf", "dmarc"}
        second = {one["name"] for one in mua.json("dkim", "keygen")["records"] if one["what"] == "dkim"}
        assert len(second) == 2
        assert not second & set(first)
        mua.json("account", "add", "--name", "two", "--email", "bob@example.org", "--local")
        mua.json("account", "remove", "own")
        assert len(mua.json("dkim", "show", "--account", "two")["records"]) == 4
        mua.json("account", "remove", "two")
    with apsw.Connection(str(mua.profile / "cache.db")) as db:
        assert list(db.execute("SELECT * FROM dkim")) == []
    assert SealedFile(mua.profile / "secrets.enc", "one two three").read() == {}
    with mua.engine():
        mua.json("account", "add", "--name", "g", "--email", "ada@gmail.com", "--local")
        assert b"freemail-dkim" in mua.run("dkim", "keygen", "--json").stdout
        assert b"bad-address" in mua.run("doctor", "--address", "nowhere", "--json").stdout
