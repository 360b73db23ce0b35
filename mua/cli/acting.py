"""Commands that change something here: accounts, acts and undo."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mua import wire
from mua.cli import identity, policies, setup, signing_in
from mua.cli.documents import account_document, table
from mua.cli.session import Result, Session, passphrase
from mua.errors import Kind, MailError, Retry, UsageError
from mua.masking import mask
from mua.model.folder import Folder
from mua.model.message import Flag
from mua.paths import Profile
from mua.store import read

if TYPE_CHECKING:
    from mua.model.tag import Tag


def account(session: Session) -> Result:
    """``account add|list|remove|check|policy``."""
    verbs = {
        "add": _account_add,
        "list": _account_list,
        "remove": _account_remove,
        "check": _account_check,
        "allow-weaker": _account_allow_weaker,
        "policy": policies.account_policy,
        "set": _account_set,
        "order": _account_order,
        "export": _account_export,
        "import": _account_import,
        "identity": identity.account_identity,
        "sign-in": _account_sign_in,
        "client": _account_client,
    }
    return verbs[session.arguments.verb](session)


def _account_add(session: Session) -> Result:
    given = setup.account(session.arguments)
    if session.arguments.inbox_of:
        target = session.account(session.arguments.inbox_of)
        given = replace(given, pop=replace(given.pop, inbox_of=target.id))
    password = sys.stdin.readline().rstrip("\r\n") if session.arguments.password_stdin else ""
    mask(password)
    if session.arguments.discover:
        discover = wire.Discover(given.email, given.ca_file, session.arguments.ask_database)
        found = session.engine.ask(discover, wire.Discovered)
        given = setup.with_servers(given, found, session.arguments.oauth)
    name = ""
    if session.arguments.oauth:
        name, oauth = signing_in.sign_in(session, wire.BeginSignIn(given.email, ca_file=given.ca_file))
        given = replace(given, oauth=oauth)
    added = session.engine.ask(wire.AddAccount(given, password, name), wire.AccountAdded)
    stored = read.account_named(session.db, given.name) or given
    return Result(account_document(stored) | {"id": str(added.account_id)}, f"Added “{given.name}”.")


def _account_sign_in(session: Session) -> Result:
    found = session.account(session.arguments.name)
    _, oauth = signing_in.sign_in(session, wire.BeginSignIn(found.email, found.id))
    document = {"account": found.name, "signed_in": oauth.name}
    return Result(document, f"“{found.name}” is signed in at {oauth.name}.")


def _account_client(session: Session) -> Result:
    given = session.arguments
    secret = sys.stdin.readline().rstrip("\r\n") if given.secret_stdin else ""
    mask(secret)
    session.engine.ask(wire.SetClient(given.provider, given.client_id, secret, given.tenant), wire.Done)
    document = {"provider": given.provider, "client_id": given.client_id, "tenant": given.tenant}
    return Result(document, "Kept." if given.client_id else "Forgotten.")


def _account_set(session: Session) -> Result:
    found, given = session.account(session.arguments.name), session.arguments
    changed = replace(found, habits=setup.habits(found.habits, given))
    session.engine.ask(wire.UpdateAccount(changed), wire.Done)
    return Result(account_document(changed), "Kept.")


def _account_export(session: Session) -> Result:
    file = str(Path(session.arguments.file).absolute())
    session.engine.ask(wire.ExportSettings(file, passphrase(session)), wire.Done)
    return Result({"file": file, "with_passwords": session.arguments.with_passwords}, f"Written to {file}.")


def _account_import(session: Session) -> Result:
    file, phrase = str(Path(session.arguments.file).absolute()), passphrase(session)
    told = session.engine.ask(wire.ImportSettings(file, phrase, not phrase), wire.SettingsImported)
    document = {"accounts": told.accounts, "skipped": list(told.skipped), "secrets": told.secrets}
    here = f" Here already, and left as they are: {', '.join(told.skipped)}." if told.skipped else ""
    return Result(document, f"{told.accounts} accounts and {told.secrets} secrets were added.{here}")


def _account_order(session: Session) -> Result:
    ids = tuple(int(session.account(name).id) for name in session.arguments.names)
    session.engine.ask(wire.OrderAccounts(ids), wire.Done)
    return _account_list(session)


def secrets(session: Session) -> Result:
    """``secrets [keyring|file|session]``."""
    place = session.arguments.place
    if place:
        phrase = sys.stdin.readline().rstrip("\r\n") if place == "file" else ""
        mask(phrase)
        if place == "file" and not phrase:
            raise UsageError("the first line of stdin has to be the passphrase of the file")
        session.engine.ask(wire.ChooseSecrets(place, phrase), wire.Done)
    place = place or session.engine.welcome.secrets
    return Result({"place": place}, f"Passwords are kept in: {place}.")


def _account_list(session: Session) -> Result:
    if not session.profile.cache_db.exists():
        return Result([], "No account yet.")
    known = session.accounts()
    lines = [(one.name, one.email, one.incoming, one.route) for one in known]
    return Result([account_document(one) for one in known], table(lines) or "No account yet.")


def _account_remove(session: Session) -> Result:
    found = session.account(session.arguments.name)
    session.engine.ask(wire.RemoveAccount(found.id), wire.Done)
    return Result({"removed": found.name}, f"Removed “{found.name}” from this computer; its servers were not touched.")


def _account_allow_weaker(session: Session) -> Result:
    found = session.account(session.arguments.name)
    session.engine.ask(wire.AllowWeaker(found.id), wire.Done)
    return Result({"allowed": found.name}, f"“{found.name}” takes the log-in that its server offers now.")


def _account_check(session: Session) -> Result:
    found = session.account(session.arguments.name)
    findings = session.engine.ask(wire.CheckAccount(found.id), wire.Checked).findings
    documents = [
        {"what": one.what, "ok": one.ok, "code": one.code, "text": one.text, "detail": one.detail} for one in findings
    ]
    text = "\n".join(f"{'ok' if one.ok else 'NO':3} {one.what}: {one.text}" for one in findings)
    wrong = [one for one in findings if not one.ok]
    return Result({"ok": not wrong, "findings": documents}, text, failed=wrong[0].text if wrong else "")


def act(session: Session) -> Result:
    """``act VERB ID...``."""
    given = session.arguments
    ids = tuple(int(session.message(one).id) for one in given.ids)
    if (given.act == "move") != bool(given.to):
        raise UsageError("move needs --to FOLDER, and nothing else takes it")
    if given.act.endswith("tag") != bool(given.tag):
        raise UsageError("tag and untag need --tag NAME, and nothing else takes it")
    if (given.act == "snooze") != bool(given.until):
        raise UsageError("snooze needs --until TIME, and nothing else takes it")
    if given.act in ("pin", "unpin"):
        session.engine.ask(wire.PinMessages(ids, given.act == "pin"), wire.Done)
        label = "Kept in sight." if given.act == "pin" else "Not kept in sight any more."
        return Result({"label": label, "messages": [str(one) for one in ids], "history_id": ""}, label)
    commands: dict[str, Callable[[], wire.Command]] = {
        "archive": lambda: wire.ArchiveMessages(ids, given.years),
        "snooze": lambda: wire.SnoozeMessages(ids, _until(given.until)),
        "wake": lambda: wire.SnoozeMessages(ids, 0),
        "delete": lambda: wire.DeleteMessages(ids),
        "junk": lambda: wire.JunkMessages(ids),
        "notjunk": lambda: wire.JunkMessages(ids, junk=False),
        "move": lambda: wire.MoveMessages(ids, _target(session, ids[0], given.to).id),
        "flag": lambda: wire.SetFlags(ids, add=Flag.FLAGGED),
        "unflag": lambda: wire.SetFlags(ids, remove=Flag.FLAGGED),
        "read": lambda: wire.SetFlags(ids, add=Flag.SEEN),
        "unread": lambda: wire.SetFlags(ids, remove=Flag.SEEN),
        "tag": lambda: _tagging(session, ids, adds=True),
        "untag": lambda: _tagging(session, ids, adds=False),
    }
    return _acted(session.engine.ask(commands[given.act](), wire.Acted))


def _until(text: str) -> int:
    from mua.plan.snooze import parse

    found = parse(text, int(time.time()))
    if found is None:
        raise UsageError(f"{text!r} is no time to come; one is 3h, tomorrow, friday 9:00 or 2026-12-01 09:00")
    return found


def _tagging(session: Session, ids: tuple[int, ...], *, adds: bool) -> wire.TagMessages:
    """By the name that the person gave the tag, by its keyword, or as a new one."""
    from mua.model import tag

    name = session.arguments.tag
    known = tag.tag_named(name, tags(session.profile))
    keyword = known.keyword if known else name if name.startswith("$") else tag.keyword_of(name)
    shown = known.name if known else name
    return wire.TagMessages(ids, (keyword,), (), shown) if adds else wire.TagMessages(ids, (), (keyword,), shown)


def tags(profile: Profile) -> "tuple[Tag, ...]":
    """The person's tags, as the settings have them."""
    import tomllib

    from mua.model.tag import tags_from

    try:
        return tags_from(tomllib.loads(profile.settings.read_text("utf-8")).get("tags"))
    except (OSError, ValueError):
        return tags_from(None)


def _target(session: Session, message_id: int, name: str) -> Folder:
    row = session.message(str(message_id))
    found = read.folder_named(session.db, row.account_id, name)
    if found is None:
        raise MailError(Kind.FOLDER, Retry.ASK, f"There is no folder “{name}”.", code="no-such-folder")
    return found


def undo(session: Session) -> Result:
    """``undo``."""
    return _acted(session.engine.ask(wire.Undo(), wire.Acted))


def _acted(done: wire.Acted) -> Result:
    ids = [str(one) for one in done.messages]
    return Result({"label": done.label, "messages": ids, "history_id": str(done.history_id)}, done.label)


COMMANDS = {"account": account, "secrets": secrets, "act": act, "undo": undo}
