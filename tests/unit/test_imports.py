"""What a start may not load: each module here costs every start its milliseconds and its memory.

A module that is needed is loaded by whoever needs it, when that is so; a module in these lists that is loaded at once
fails the test, and names itself.
"""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from lab import answers, until

from mua.model.account import Account, AccountId
from mua.model.folder import Role
from mua.paths import Profile
from mua.store import write
from mua.store.db import Store

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "asyncio aiosmtplib dns email.message http imapclient keyring cryptography idna tinycss2 nh3 selectolax cchardet"
    " xml tomllib PySide6"
).split()
COMMAND_LINE = [*HEAVY, *"ssl email logging zstandard mua.net mua.engine mua.gui mua.mime mua.demo".split()]


def imported(*argv: str, environment: dict[str, str] | None = None) -> list[str]:
    """The modules that ``python ARGV`` loads until it ends."""
    done = subprocess.run(
        [sys.executable, "-P", "-X", "importtime", *argv],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return modules_of(done.stderr)


def modules_of(words: str) -> list[str]:
    return re.findall(r"^import time: +\d+ \| +\d+ \| +(\S+)$", words, re.MULTILINE)


def guilty(found: Sequence[str], forbidden: Sequence[str]) -> list[str]:
    assert "mua.errors" in found, "nothing was measured"
    return [one for one in found if any(one == name or one.startswith(f"{name}.") for name in forbidden)]


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """A profile with one local account and an empty inbox."""
    store = Store(Profile(tmp_path / "profile"))
    with store.write() as tx:
        account = write.add_account(tx, Account(AccountId(0), "here", "ann@example.org"))
        write.put_folder(tx, account, "INBOX", role=Role.INBOX, local=True)
    store.close()
    return tmp_path / "profile"


def test_the_version_is_told_without_loading_what_tells_mail():
    found = imported("-m", "mua", "--version")
    assert not guilty(found, [*COMMAND_LINE, "apsw", "dataclasses", "json", "socket", "mua.store", "mua.wire"])


def test_a_list_is_the_store_and_nothing_else(profile):
    found = imported("-m", "mua", "list", "INBOX", "--profile", str(profile))
    assert not guilty(found, [*COMMAND_LINE, "socket", "subprocess", "mua.wire", "mua.store.write", "hashlib"])


def test_a_client_of_the_engine_loads_a_socket_and_the_store():
    found = imported("-c", "from mua.cli.main import command; command('sync'); import mua.cli.client")
    assert "mua.wire" in found
    assert not guilty(found, [*COMMAND_LINE, "subprocess", "mua.store.write", "mua.store.blobs"])


def test_the_window_is_painted_before_what_it_does_is_loaded(profile):
    """From the command to the first paint: the store, and Qt's widgets; nothing that speaks or reads mail."""
    pytest.importorskip("PySide6.QtWidgets")
    painted = {"QT_QPA_PLATFORM": "offscreen", "MUA_BENCH_PAINTED": "1", "XDG_RUNTIME_DIR": str(profile)}
    found = imported("-m", "mua", "--profile", str(profile), environment=painted)
    assert "mua.gui.sidebar" in found
    late = "rooms engine_client composer settings setup outbox web_view desktop notify status acting".split()
    forbidden = sorted({*COMMAND_LINE} - {"PySide6", "logging", "mua.gui"})
    modules = ["PySide6.QtNetwork", "PySide6.QtDBus", "PySide6.QtWebEngineCore", "socket", "hashlib", "mua.wire"]
    assert not guilty(found, [*forbidden, *modules, *(f"mua.gui.{one}" for one in late)])


def test_an_engine_with_nothing_to_do_loads_nothing_to_do_it_with(profile):
    """Running, with one local account: no network, no mail is read or written, no child indexes."""
    argv = [sys.executable, "-P", "-X", "importtime", "-m", "mua", "--profile", str(profile), "--stay", "engine"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "MUA_SECRETS": "session"}
    with subprocess.Popen(argv, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as engine:
        try:
            until(lambda: answers(profile / "engine.sock"), "the engine", 60)
            assert not Path(f"/proc/{engine.pid}/task/{engine.pid}/children").read_text()
        finally:
            engine.terminate()
        _, words = engine.communicate(timeout=30)
    parts = "doctor files imap_worker indexing lane pop_worker posting reading sender viewer".split()
    forbidden = [*HEAVY, "ssl", "email", "mua.mime", "mua.net.imap", "mua.net.smtp", "mua.net.tls"]
    assert not guilty(modules_of(words), [*forbidden, *(f"mua.engine.{one}" for one in parts)])


def test_an_imap_account_loads_what_speaks_imap():
    found = imported("-c", "import mua.engine.main, mua.engine.imap_worker")
    assert "imapclient" in found
    forbidden = sorted(
        {*HEAVY, "mua.mime", "mua.net.smtp", "mua.engine.sender", "mua.engine.reading"}
        - {"imapclient", "email.message"}
    )
    assert not guilty(found, forbidden)


def test_mail_to_exchangers_loads_nothing_that_it_does_not_use():
    """A server's engine that sent its first mail keeps all of it for months."""
    found = imported("-c", "import mua.engine.main, mua.engine.pickup, mua.engine.sender")
    assert "dns.resolver" in found
    unused = "http html.entities xml tomllib keyring cryptography imapclient PySide6 selectolax cchardet"
    assert not guilty(found, [*unused.split(), "mua.plan.discover", "mua.net.https"])
    assert len([one for one in found if one.startswith(("encodings.cp", "encodings.iso", "encodings.mac"))]) < 3


def test_every_command_has_a_room():
    from mua.cli.arguments import parser
    from mua.cli.main import ROOMS, command

    [words] = [action.choices for action in parser()._actions if action.dest == "command"]
    assert set(words) == {*ROOMS, "engine", "sendmail"}  # the last two are not commands to an engine
    assert all(callable(command(name)) for name in ROOMS)


def test_a_command_is_known_by_its_name_alone():
    from mua.cli.arguments import parser

    def commands(one):
        [words] = [action.choices for action in one._actions if action.dest == "command"]
        return words

    whole = commands(parser())
    for name in whole:
        alone = commands(parser([name]))
        assert len(alone) < len(whole) and alone[name].format_help() == whole[name].format_help()


def test_the_lists_above_can_fail():
    assert guilty(["mua.errors", "ssl"], COMMAND_LINE) == ["ssl"]
    assert guilty(["mua.errors", "sslx"], COMMAND_LINE) == []
