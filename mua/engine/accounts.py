"""Accounts: added, changed, removed, tried; who writes from them, which ways their mail goes, and their passwords.

Rules of the file: an account that cannot be kept safely (``checked``) never reaches the store; what changes how
its servers are reached starts its worker anew.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from mua import wire
from mua.errors import Kind, MailError, Retry
from mua.model.account import Account, AccountId, Incoming, Route, Security, Server, Side
from mua.model.folder import Role
from mua.model.way import Hop, Rule, rules_from, rules_text
from mua.plan import identities
from mua.store import read, write
from mua.store.db import Tx

if TYPE_CHECKING:
    from mua.engine.main import Engine

WEAKER = "weaker-log-in"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def find(engine: Engine, account_id: int) -> Account:
    """An account; raises MailError "no-such-account"."""
    found = read.account(engine.store.reader(), AccountId(account_id))
    if found is None:
        raise MailError(Kind.ACCOUNT, Retry.NEVER, "That account is not there any more.", code="no-such-account")
    return found


def find_sending(engine: Engine, account_id: int, *, direct: bool = False) -> Account:
    """An account that can send, by itself or (``direct``) in any case; raises "no-such-account" or "no-route"."""
    found = find(engine, account_id)
    if found.route is Route.NONE and not (found.rules or direct):
        text = f"“{found.name}” has no way to send mail; add a submission server in its settings."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="no-route")
    return found


def checked(account: Account) -> Account:
    """The account, if it is one that may be kept.  Raises MailError."""
    if not account.name or "@" not in account.email:
        raise MailError(Kind.ACCOUNT, Retry.ASK, "An account needs a name and a mail address.", code="incomplete")
    for server in (account.incoming_server, account.submission):
        if server is not None and server.security is Security.NONE and not _may_be_plain(account, server):
            text = (
                f"{server.host} would get your password and mail unprotected; Mua refuses that."
                " Choose TLS or STARTTLS, or allow plain text for this account."
            )
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="plaintext-refused")
    if account.route is Route.DIRECT:
        from mua.engine import direct

        direct.check(account)
    return account


def _check_inbox(engine: Engine, account: Account) -> None:
    """Another account's inbox has to live on this computer: what POP3 fetches is never put on another server."""
    target = read.account(engine.store.reader(), account.pop.inbox_of) if account.pop.inbox_of else None
    if account.pop.inbox_of and (target is None or target.incoming is Incoming.IMAP or target.id == account.id):
        text = (
            "New mail can go into the inbox of another POP3 account, or of one on this computer only; choose such one."
        )
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="inbox-elsewhere")


def _may_be_plain(account: Account, server: Server) -> bool:
    return account.allow_plaintext or server.host in LOOPBACK


# ---- added and removed
def add_account(engine: Engine, command: wire.AddAccount) -> wire.AccountAdded:
    """Store the account, then its password; without the password there is no account."""
    account = checked(command.account)
    grant = None
    if command.sign_in:
        from mua.engine import sign_in

        oauth, grant = sign_in.brought(engine, command.sign_in)
        account = dataclasses.replace(account, oauth=oauth)
    _check_inbox(engine, account)
    if read.account_named(engine.store.reader(), account.name) is not None:
        text = f"There is an account named “{account.name}” already; choose another name."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="name-taken")
    with engine.store.write(durable=True) as tx:
        account_id = write.add_account(tx, account)
        make_local_folders(tx, dataclasses.replace(account, id=account_id))
    try:
        if command.password:
            engine.remember_password(dataclasses.replace(account, id=account_id), command.password)
        if grant is not None:
            engine.tokens.keep(account_id, grant)
    except MailError:
        with engine.store.write(durable=True) as tx:
            write.remove_account(tx, account_id)
        raise
    engine.sign_ins.pop(command.sign_in, None)
    engine.start_worker(account_id)
    return wire.AccountAdded(account_id)


def make_local_folders(tx: Tx, account: Account) -> None:
    """The folders of an account whose mail lives on this computer."""
    if account.incoming is Incoming.IMAP:
        return
    names = {
        "INBOX": Role.INBOX,
        "Drafts": Role.DRAFTS,
        "Sent": Role.SENT,
        "Archive": Role.ARCHIVE,
        "Junk": Role.JUNK,
        "Trash": Role.TRASH,
    }
    for name, role in names.items():
        write.put_folder(tx, account.id, name, role=role, local=True)


def remove_account(engine: Engine, command: wire.RemoveAccount) -> wire.Done:
    """Stop its worker, then forget its password, rows and bytes."""
    account = find(engine, command.account_id)
    engine.stop_worker(account.id)
    engine.secrets.delete(str(account.id), "password")
    if account.oauth is not None:
        engine.tokens.forget(account.id)
    with engine.store.write(durable=True) as tx:
        ids = write.remove_account(tx, account.id)
    engine.bodies.delete(ids)
    from mua.engine import dkim

    dkim.forget_unused(engine)
    return wire.Done()


def order_accounts(engine: Engine, command: wire.OrderAccounts) -> wire.Done:
    """The order in which accounts are listed."""
    with engine.store.write(durable=True) as tx:
        write.order_accounts(tx, [AccountId(one) for one in command.account_ids])
    return wire.Done()


# ---- changed
def update_account(engine: Engine, command: wire.UpdateAccount) -> wire.Done:
    """Replace the settings and start its worker anew.  How it signs in is changed by SetSecret and AwaitSignIn only."""
    before = find(engine, command.account.id)
    account = checked(dataclasses.replace(command.account, oauth=before.oauth))
    _check_inbox(engine, account)
    with engine.store.write(durable=True) as tx:
        write.update_account(tx, account)
        if account.policy != before.policy:
            write.set_policy(tx, account.id, None, account.policy)
        for side in _elsewhere(before, account):
            write.set_mechanism(tx, account.id, side, "")
        write.clear_problem(tx, account.id)
    engine.restart_worker(account.id)
    return wire.Done()


def _elsewhere(before: Account, account: Account) -> list[Side]:
    """The sides where another server, user or certificate is set now: what the old one let us in by says nothing."""
    pairs = {
        Side.INCOMING: (before.incoming_server, account.incoming_server),
        Side.OUTGOING: (before.submission, account.submission),
    }
    by_other_means = (before.client_cert, before.oauth) != (account.client_cert, account.oauth)
    return [side for side, (old, new) in pairs.items() if old != new or by_other_means]


def allow_weaker(engine: Engine, command: wire.AllowWeaker) -> wire.Done:
    """By a person's word: the side that was refused takes what its server offers now; then that is the measure."""
    account = find(engine, command.account_id)
    refused = [
        one.side for one in read.problems(engine.store.reader()) if one.account_id == account.id and one.code == WEAKER
    ]
    with engine.store.write(durable=True) as tx:
        for side in refused:
            write.set_mechanism(tx, account.id, side, "")
            write.clear_problem(tx, account.id, side)
    engine.restart_worker(account.id)
    engine.sender.poke()
    return wire.Done()


def set_rules(engine: Engine, command: wire.SetRules) -> wire.Done:
    """For some domains another way; what waits goes that way, too."""
    account = dataclasses.replace(find(engine, command.account_id), rules=_checked_rules(engine, command))
    with engine.store.write(durable=True) as tx:
        write.update_account(tx, account)
    engine.sender.poke()
    return wire.Done()


def _checked_rules(engine: Engine, command: wire.SetRules) -> tuple[Rule, ...]:
    try:
        rules = rules_from(rules_text(command.rules))
    except ValueError as error:
        text = f"None of the rules was changed, because one of them leads nowhere: {error}."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, str(error), "bad-rule") from error
    for one in rules:
        if one.way.hop is Hop.ACCOUNT:
            other = find(engine, int(one.way.host))
            if other.id == command.account_id or other.route is not Route.SMTP:
                text = f"“{other.name}” has no submission server that mail could go by, so nothing was changed."
                raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="no-route")
    return rules


def set_identities(engine: Engine, command: wire.SetIdentities) -> wire.Done:
    """Who writes from an account."""
    account = dataclasses.replace(find(engine, command.account_id), identities=command.identities)
    problem = identities.problem(command.identities)
    if problem:
        raise MailError(Kind.ACCOUNT, Retry.ASK, problem, code="bad-identity")
    with engine.store.write(durable=True) as tx:
        write.update_account(tx, account)
    return wire.Done()


# ---- how it signs in
def set_secret(engine: Engine, command: wire.SetSecret) -> wire.Done:
    """A new password; what waited for it goes on."""
    account = find(engine, command.account_id)
    engine.remember_password(account, command.password)
    with engine.store.write() as tx:
        if account.oauth is not None:
            write.update_account(tx, dataclasses.replace(account, oauth=None))
            for side in Side:
                write.set_mechanism(tx, account.id, side, "")
        write.clear_problem(tx, account.id)
    if account.oauth is not None:
        engine.tokens.forget(account.id)
    engine.restart_worker(account.id)
    engine.sender.poke()
    return wire.Done()


def choose_secrets(engine: Engine, command: wire.ChooseSecrets) -> wire.Done:
    """Where secrets live from now on."""
    engine.choose_secrets(command.place, command.passphrase)
    return wire.Done()


def check_account(engine: Engine, command: wire.CheckAccount) -> wire.Checked:
    """Try the servers of a stored account, or of one that is being set up."""
    from mua.engine import doctor, sign_in

    token = ""
    if command.account is not None:
        account, password = checked(command.account), command.password
        if command.sign_in:
            oauth, grant = sign_in.brought(engine, command.sign_in)
            account, token = dataclasses.replace(account, oauth=oauth), grant.access
    else:
        account = find(engine, command.account_id)
        password = command.password or ("" if account.oauth else engine.password(account))
        token = engine.tokens.access(account) if account.oauth and not command.password else ""
    before = {side: engine.context.mechanism(account.id, side) for side in Side}
    return wire.Checked(tuple(doctor.check(account, password, before, token)))
