"""``route``: for some domains another way than the account's own."""

from dataclasses import replace

from mua import wire
from mua.cli.documents import Document, table
from mua.cli.session import Result, Session
from mua.errors import Kind, MailError, Retry, UsageError
from mua.model.account import Account
from mua.model.way import Hop, Rule, Way, way_from
from mua.plan.routes import pattern_typed
from mua.store import read


def route(session: Session) -> Result:
    """``route list|set PATTERN WAY|remove PATTERN``."""
    given, chosen = session.arguments, session.account()
    if given.verb != "list":
        pattern = _pattern(given.pattern)
        rest = tuple(one for one in chosen.rules if one.pattern != pattern)
        if given.verb == "set":
            rest += (Rule(pattern, _way(session, given.way)),)
        elif rest == chosen.rules:
            text = f"“{chosen.name}” has no way of its own for {given.pattern}."
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="no-such-rule")
        session.engine.ask(wire.SetRules(chosen.id, rest), wire.Done)
        chosen = replace(chosen, rules=rest)
    lines = [*((one.pattern, _words(session, one.way)) for one in chosen.rules), ("all others", chosen.route.value)]
    return Result(_document(session, chosen), table(lines))


def _document(session: Session, account: Account) -> Document:
    rules = [{"domains": one.pattern, "way": _words(session, one.way)} for one in account.rules]
    return {"account": account.name, "rules": rules, "others": account.route.value}


def _pattern(text: str) -> str:
    try:
        return pattern_typed(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no domain, no .domain for all below it, and not *") from error


def _way(session: Session, text: str) -> Way:
    if name := text.removeprefix("account:") if text.startswith("account:") else "":
        return Way(Hop.ACCOUNT, str(session.account(name).id))
    try:
        return way_from(text)
    except ValueError as error:
        ways = "direct, submission, account:NAME, smtp://HOST:PORT, lmtp://HOST:PORT or lmtp:/SOCKET"
        raise UsageError(f"{text!r} is no way for mail: say {ways}") from error


def _words(session: Session, way: Way) -> str:
    """The way as it was typed: an account by its name."""
    names = {str(one.id): one.name for one in read.accounts(session.db)}
    return f"account:{names.get(way.host, '?')}" if way.hop is Hop.ACCOUNT else str(way)


COMMANDS = {"route": route}
