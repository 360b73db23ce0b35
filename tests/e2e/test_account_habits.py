"""How Mua goes about an account, the order of accounts, and their settings on another computer."""

import json
import stat
from pathlib import Path

import apsw
from commands import Mua


def made(tmp_path: Path, *names: str) -> Mua:
    mua = Mua(tmp_path / "profile")
    for name in names:
        words = ["--name", name, "--email", f"{name}@example.org", "--local", "--smtp", "127.0.0.1:1"]
        mua.json("account", "add", *words, "--password-stdin", stdin=f"secret of {name}\n".encode())
    return mua


def test_habits_are_kept_and_shown(tmp_path: Path) -> None:
    mua = made(tmp_path, "home")
    mua.json("account", "set", "home", "--colour", "#3366CC", "--every", "15", "--pause")
    (told,) = mua.json("account", "list")
    assert (told["colour"], told["paused"], told["every_minutes"]) == ("#3366cc", True, 15)
    mua.json("account", "set", "home", "--colour", "none", "--every", "asked", "--go-on")
    (told,) = mua.json("account", "list")
    assert (told["colour"], told["paused"], told["only_when_asked"]) == (None, False, True)
    for wrong in (("--colour", "blue"), ("--every", "0"), ("--every", "often")):
        assert mua.run("account", "set", "home", *wrong).returncode == 2


def test_accounts_are_listed_as_a_person_orders_them(tmp_path: Path) -> None:
    mua = made(tmp_path, "a", "b", "c")
    told = mua.json("account", "order", "c", "a")
    assert [one["name"] for one in told] == ["c", "a", "b"]
    assert [one["name"] for one in mua.json("account", "list")] == ["c", "a", "b"]


def test_a_folder_is_used_for_what_a_person_says(tmp_path: Path) -> None:
    mua = made(tmp_path, "home")
    mua.json("folder", "create", "Versand")
    mua.json("folder", "use", "Versand", "sent")
    roles = {one["name"]: one["role"] for one in mua.json("folders")}
    assert (roles["Versand"], roles["Sent"]) == ("sent", "")
    assert mua.run("folder", "use", "INBOX", "trash").returncode == 1


def test_settings_go_to_another_computer_with_passwords_only_if_asked(tmp_path: Path) -> None:
    mua = made(tmp_path, "home", "work")
    mua.json("account", "set", "home", "--colour", "#336699")
    mua.json("account", "client", "google", "the-id", "--secret-stdin", stdin=b"the secret\n")
    mua.json("--account", "work", "route", "set", "example.net", "account:home")
    (mua.profile / "settings.toml").write_text('[appearance]\ntheme = "dark"\n')
    bare, whole = tmp_path / "bare.json", tmp_path / "whole.json"
    mua.json("account", "export", str(bare))
    mua.json("account", "export", str(whole), "--with-passwords", stdin=b"a phrase of mine\n")
    for file in (bare, whole):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert b"secret of home" not in file.read_bytes()
        assert b"the secret" not in file.read_bytes()
    assert "secrets" not in json.loads(bare.read_text())

    other = Mua(tmp_path / "other")
    other.json("account", "add", "--name", "work", "--email", "own@example.org", "--local")
    wrong = other.run("--json", "account", "import", str(whole), "--with-passwords", stdin=b"not that one\n")
    assert wrong.returncode == 1
    assert b"wrong-passphrase" in wrong.stdout + wrong.stderr
    assert [one["name"] for one in other.json("account", "list")] == ["work"]
    told = other.json("account", "import", str(whole), "--with-passwords", stdin=b"a phrase of mine\n")
    assert told == {"accounts": 1, "skipped": ["work"], "secrets": 2}  # of home, and of the client
    found = {one["name"]: one for one in other.json("account", "list")}
    assert found["home"]["colour"] == "#336699"
    assert found["work"]["email"] == "own@example.org"
    assert (other.profile / "settings.toml").read_text() == (mua.profile / "settings.toml").read_text()
    with apsw.Connection(str(other.profile / "cache.db")) as db:
        assert list(db.execute("SELECT value FROM setting WHERE key = 'oauth-client/google'")) == [("the-id",)]

    third = Mua(tmp_path / "third")
    assert third.json("account", "import", str(whole))["secrets"] == 0
    (rule,) = third.json("--account", "work", "route", "list")["rules"]
    assert rule == {"domains": "example.net", "way": "account:home"}


def test_what_is_no_such_file_changes_nothing(tmp_path: Path) -> None:
    mua = made(tmp_path, "home")
    for content in (
        "",
        "[]",
        '{"format": "mua-settings-1"}',
        '{"format": "mua-settings-1", "accounts": [{"id": "x"}]}',
    ):
        file = tmp_path / "x.json"
        file.write_text(content)
        done = mua.run("--json", "account", "import", str(file))
        assert done.returncode == 1, content
        assert b"bad-settings" in done.stdout + done.stderr
    assert len(mua.json("account", "list")) == 1
