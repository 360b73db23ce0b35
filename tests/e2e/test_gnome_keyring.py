"""The whole program with the real gnome-keyring, headless: kept, moved to a file and back, locked, killed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = """
import json, os, signal, sys, time
from pathlib import Path
sys.path[:0] = [sys.argv[1] + "/tests", sys.argv[1]]
import keyring, secretstorage
from commands import Mua
from mua.net.sealed import SealedFile

profile = Path(sys.argv[2])
mua = Mua(profile, (("MUA_SECRETS", ""), ("MUA_PASSPHRASE", "")))
service = f"Mua ({profile})"
told = {}

def kept(name):
    return keyring.get_password(service, name)

def run(name, *words, stdin=b""):
    before = time.monotonic()
    done = mua.run("--json", *words, stdin=stdin)
    told[name] = {"code": done.returncode, "said": done.stdout.decode(), "seconds": time.monotonic() - before}

with mua.engine():
    words = ["--name", "home", "--email", "ada@example.org", "--local", "--smtp", "127.0.0.1:1"]
    run("add", "account", "add", *words, "--password-stdin", stdin=b"correct horse\\n")
    told["in the keyring"] = kept("1/password")
    run("to the file", "secrets", "file", stdin=b"open sesame 1\\n")
    told["after the move"] = kept("1/password")
    told["in the file"] = SealedFile(profile / "secrets.enc", "open sesame 1").read()
    run("back", "secrets", "keyring")
    told["in the keyring again"] = kept("1/password")
    told["left in the file"] = SealedFile(profile / "secrets.enc", "open sesame 1").read()
    run("where", "secrets")

    connection = secretstorage.dbus_init()
    secretstorage.get_default_collection(connection).lock()
    run("list while it is locked", "account", "list")
    run("check while it is locked", "account", "check", "home")
    run("health while it is locked", "health")

    os.kill(int(os.environ["KEYRING"]), signal.SIGKILL)
    run("check without it", "account", "check", "home")
    run("to the session", "secrets", "session")
    run("list at last", "account", "list")
print(json.dumps(told))
"""

pytestmark = pytest.mark.skipif(
    not (shutil.which("gnome-keyring-daemon") and shutil.which("dbus-run-session")),
    reason="gnome-keyring and dbus-run-session are not installed",
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What happened, in a session of its own with a keyring that a password opened."""
    folder = tmp_path_factory.mktemp("keyring")
    (folder / "run").mkdir(mode=0o700)
    keep = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    folders = {f"XDG_{name}_HOME": str(folder / name) for name in ("DATA", "CONFIG", "CACHE")}
    environment = keep | folders | {"XDG_RUNTIME_DIR": str(folder / "run"), "HOME": str(folder)}
    start = "printf 'login\\n' | gnome-keyring-daemon --unlock --components=secrets --foreground"
    script = (
        f"{start} >/dev/null 2>&1 & export KEYRING=$!; "
        "until dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner"
        " string:org.freedesktop.secrets | grep -q true; do :; done; "
        '"$@"; code=$?; kill $KEYRING 2>/dev/null; exit $code'
    )
    command = ["dbus-run-session", "--", "sh", "-c", script, "sh"]
    argv = [*command, sys.executable, "-c", HERE, str(ROOT), str(folder / "profile")]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_password_lives_in_the_keyring(told: dict[str, Any]) -> None:
    assert told["add"]["code"] == 0, told["add"]
    assert told["in the keyring"] == "correct horse"


def test_it_moves_to_a_file_and_back_and_is_in_one_place_only(told: dict[str, Any]) -> None:
    assert told["after the move"] is None
    assert told["in the file"] == {"1/password": "correct horse"}
    assert told["in the keyring again"] == "correct horse"
    assert told["left in the file"] == {}
    assert json.loads(told["where"]["said"]) == {"place": "keyring"}


@pytest.mark.parametrize("when", ["while it is locked", "without it"])
def test_a_keyring_that_does_not_answer_is_a_sentence_and_never_a_hang(told: dict[str, Any], when: str) -> None:
    answer = told[f"check {when}"]
    assert answer["code"] == 1
    assert "secrets-locked" in answer["said"] or "keyring-unavailable" in answer["said"], answer
    assert "Traceback" not in answer["said"]


def test_what_needs_no_password_goes_on(told: dict[str, Any]) -> None:
    for name in ("list while it is locked", "health while it is locked", "to the session", "list at last"):
        assert told[name]["code"] == 0, (name, told[name])
