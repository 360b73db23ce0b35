"""The settings of a profile as one file for another computer: accounts, client ids, the window's settings; secrets only
if asked, sealed under a passphrase.

Rules of the file: the file is complete or not there; what is there already when it is read (an account of that name)
stays as it is, and is told; nothing of the mail is in it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mua import wire
from mua.engine import contacts, sign_in
from mua.engine.tokens import SECRET
from mua.errors import Kind, MailError, Retry
from mua.jsonable import from_json, to_json
from mua.model.account import Account, AccountId
from mua.model.way import Hop, Rule, Way
from mua.net.sealed import SealedFile
from mua.store import read, write

if TYPE_CHECKING:
    from mua.engine.main import Engine

FORMAT = "mua-settings-1"
MAX_FILE = 16 << 20  # octets
_KINDS = ("password", SECRET)


def export(engine: Engine, command: wire.ExportSettings) -> wire.Done:
    """Write the file.  Raises MailError "file-unreadable", and what the secrets' place raises where it is asked."""
    db = engine.store.reader()
    accounts = [one for one in read.accounts(db) if not one.demo]
    told: dict[str, Any] = {
        "format": FORMAT,
        "accounts": [to_json(one) for one in accounts],
        "clients": {key: read.setting(db, sign_in.CLIENT + key) for _, key in sign_in.secret_names(engine)},
        "window": _window(engine),
    }
    if command.passphrase:
        told["secrets"] = base64.b64encode(sealed_secrets(engine, command.passphrase)).decode("ascii")
    with _files():
        _write(Path(command.file), json.dumps(told, indent=1, ensure_ascii=False).encode())
    return wire.Done()


def sealed_secrets(engine: Engine, passphrase: str, *, books: bool = False) -> bytes:
    """What is kept of all accounts but the demo's, sealed; of address ``books`` too.  Raises what the secrets' place
    raises.
    """
    accounts = [one for one in read.accounts(engine.store.reader()) if not one.demo]
    table = {
        f"{name}/{what}": value
        for name, what in [*_names(engine, accounts), *(contacts.secret_names(engine) if books else [])]
        if (value := engine.secrets.get(name, what)) is not None
    }
    return _sealed(passphrase, table)


def _names(engine: Engine, accounts: list[Account]) -> list[tuple[str, str]]:
    return [(str(one.id), what) for one in accounts for what in _KINDS] + sign_in.secret_names(engine)


def _window(engine: Engine) -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return engine.profile.settings.read_text("utf-8")
    return ""


def _sealed(passphrase: str, table: dict[str, str]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="mua-") as folder:
        path = Path(folder) / "sealed"
        SealedFile(path, passphrase).change(lambda inside: inside.update(table))
        return path.read_bytes()


def opened(passphrase: str, sealed: bytes) -> dict[str, str]:
    """The secrets again.  Raises MailError "wrong-passphrase"."""
    with tempfile.TemporaryDirectory(prefix="mua-") as folder:
        path = Path(folder) / "sealed"
        path.write_bytes(sealed)
        return SealedFile(path, passphrase).read()


def _write(path: Path, content: bytes) -> None:
    """Whole, or not at all; for its owner's eyes."""
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


@contextlib.contextmanager
def _files() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        text = f"{error.filename or 'The file'} cannot be read or written: {error.strerror}."
        raise MailError(Kind.LOCAL, Retry.ASK, text, str(error), "file-unreadable") from error


def take(engine: Engine, command: wire.ImportSettings) -> wire.SettingsImported:
    """Add what the file has and this profile has not.  Raises MailError "bad-settings", "wrong-passphrase" ..."""
    told = _read(Path(command.file))
    try:
        accounts = [from_json(Account, one) for one in told["accounts"]]
        clients = {str(key): str(value) for key, value in dict(told.get("clients") or {}).items()}
        window, sealed = str(told.get("window") or ""), str(told.get("secrets") or "")
    except (ValueError, TypeError, KeyError) as error:
        raise _bad(str(error)) from error
    if sealed and not command.passphrase and not command.without_secrets:
        text = "This file holds passwords; give the passphrase that it was written with, or leave them out."
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="secrets-locked")
    secrets = opened(command.passphrase, base64.b64decode(sealed)) if sealed and command.passphrase else {}
    ids, skipped = add(engine, accounts)
    kept = keep(engine, ids, secrets)
    with engine.store.write(durable=True) as tx:
        for key, value in clients.items():
            if value and not read.setting(tx, sign_in.CLIENT + key):
                write.set_setting(tx, sign_in.CLIENT + key, value)
    if window and not engine.profile.settings.exists():
        with _files():
            _write(engine.profile.settings, window.encode())
    for account_id in ids.values():
        engine.start_worker(account_id)
    return wire.SettingsImported(len(ids), tuple(skipped), kept)


def _read(path: Path) -> dict[str, Any]:
    with _files():
        if path.stat().st_size > MAX_FILE:
            raise _bad("too big")
        content = path.read_bytes()
    try:
        told = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _bad(str(error)[:200]) from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise _bad("another format")
    return told


def _bad(why: str) -> MailError:
    text = "This is no file of Mua's settings, or it was damaged; nothing was changed."
    return MailError(Kind.LOCAL, Retry.ASK, text, why, "bad-settings")


def add(engine: Engine, accounts: list[Account]) -> tuple[dict[int, AccountId], list[str]]:
    """(id there -> id here of what was added, names of what is here already), in one change."""
    from mua.engine.accounts import checked, make_local_folders

    ids: dict[int, AccountId] = {}
    here: dict[int, AccountId] = {}
    skipped: list[str] = []
    with engine.store.write(durable=True) as tx:
        for one in accounts:
            known = read.account_named(tx, one.name)
            if known is not None:
                skipped.append(one.name)
                here[one.id] = known.id
                continue
            alone = replace(checked(one), rules=(), pop=replace(one.pop, inbox_of=AccountId(0)), demo=False)
            ids[one.id] = here[one.id] = write.add_account(tx, alone)
            make_local_folders(tx, replace(alone, id=ids[one.id]))
        for one in accounts:  # now everybody has a number here
            if one.id in ids:
                inbox = here.get(one.pop.inbox_of, AccountId(0))
                made = replace(one, id=ids[one.id], demo=False, rules=_rules(one.rules, here))
                write.update_account(tx, replace(made, pop=replace(one.pop, inbox_of=inbox)))
    return ids, skipped


def _rules(rules: tuple[Rule, ...], here: dict[int, AccountId]) -> tuple[Rule, ...]:
    """The same, with the numbers that accounts have here."""
    found: list[Rule] = []
    for one in rules:
        if one.way.hop is not Hop.ACCOUNT:
            found.append(one)
        elif one.way.host.isdecimal() and int(one.way.host) in here:
            found.append(Rule(one.pattern, Way(Hop.ACCOUNT, str(here[int(one.way.host)]))))
    return tuple(found)


def keep(engine: Engine, ids: dict[int, AccountId], secrets: dict[str, str], *, books: bool = False) -> int:
    """Keep what belongs to the accounts that were added, to the providers, and to address ``books`` that have the same
    ids here; says how many.
    """
    kept = 0
    here = {name for name, _ in contacts.secret_names(engine)} if books else set()
    for name, value in secrets.items():
        owner, _, what = name.partition("/")
        if owner == sign_in.PLACE or (owner in here and what == "password"):
            engine.secrets.set(owner, what, value)
        elif owner.isdecimal() and int(owner) in ids and what in _KINDS:
            engine.secrets.set(str(ids[int(owner)]), what, value)
        else:
            continue
        kept += 1
    return kept
