"""``rule``: rules for new mail, and what one would have done to the mail of the last year."""

from dataclasses import replace

from mua import wire
from mua.cli.acting import tags
from mua.cli.documents import Document, table
from mua.cli.session import Result, Session
from mua.errors import Kind, MailError, Retry, UsageError
from mua.model.mail_rule import Deed, Do, MailRule
from mua.model.tag import keyword_of, tag_named
from mua.plan import rules as plan
from mua.plan.junk import ENOUGH
from mua.store import junk as learned
from mua.store import read, rules


def rule(session: Session) -> Result:
    """``rule list|add|remove|try``."""
    verbs = {"list": _list, "add": _add, "remove": _remove, "try": _try, "on": _switch, "off": _switch}
    return verbs[session.arguments.verb](session)


def _list(session: Session) -> Result:
    known = rules.rules(session.db)
    lines = [
        (one.name, "" if one.enabled else "off", *(" ".join(_parts(one)[key]) for key in ("if", "then")))
        for one in known
    ]
    return Result([_document(one) for one in known], table(lines) or "No rule yet.")


def _parts(one: MailRule) -> dict[str, list[str]]:
    return {
        "if": [plan.condition_text(part) for part in one.conditions],
        "then": [plan.deed_text(part) for part in one.deeds],
    }


def _document(one: MailRule) -> Document:
    return {
        "id": str(one.id),
        "name": one.name,
        "enabled": one.enabled,
        "every": one.every,
        "last": one.last,
        **_parts(one),
    }


def _add(session: Session) -> Result:
    made = _given(session)
    kept = session.engine.ask(wire.PutRule(made), wire.RuleKept)
    return Result(_document(replace(made, id=kept.rule_id)), f"New mail meets the rule “{made.name}” from now on.")


def _given(session: Session) -> MailRule:
    given = session.arguments
    try:
        conditions = tuple(plan.condition_from(one) for one in given.conditions)
        deeds = tuple(_tagged(session, plan.deed_from(one)) for one in given.deeds)
    except ValueError as error:
        raise UsageError(str(error)) from error
    account_id = session.account().id if given.account else 0
    return MailRule(0, given.name, conditions, deeds, not given.any, account_id, last=given.last)


def _tagged(session: Session, deed: Deed) -> Deed:
    """A tag by the name that the person gave it."""
    if deed.do is not Do.TAG or not deed.value or deed.value.startswith("$"):
        return deed
    known = tag_named(deed.value, tags(session.profile))
    return Deed(Do.TAG, known.keyword if known else keyword_of(deed.value))


def _named(session: Session) -> MailRule:
    wanted = session.arguments.name
    found = [one for one in rules.rules(session.db) if wanted in (one.name, str(one.id))]
    if not found:
        raise MailError(Kind.LOCAL, Retry.ASK, f"There is no rule “{wanted}”.", code="no-such-rule")
    return found[0]


def _remove(session: Session) -> Result:
    found = _named(session)
    session.engine.ask(wire.RemoveRule(found.id), wire.Done)
    return Result(_document(found), f"Removed the rule “{found.name}”; what it did stays.")


def _switch(session: Session) -> Result:
    found = replace(_named(session), enabled=session.arguments.verb == "on")
    session.engine.ask(wire.PutRule(found), wire.RuleKept)
    return Result(_document(found), f"The rule “{found.name}” is {'on' if found.enabled else 'off'}.")


def _try(session: Session) -> Result:
    """One that there is, or one that is typed; nothing is done."""
    given = session.arguments
    tried = _given(session) if given.conditions else _named(session)
    if not tried.deeds:
        tried = replace(tried, deeds=(Deed(Do.STAR),))
    told = session.engine.ask(wire.TryRule(tried, given.days), wire.RuleTried)
    rows = read.rows(session.db, list(told.messages))
    text = f"It fits {told.fitting:,} of {told.looked:,} messages of the last {given.days} days."
    examples = [(row.sender[0].address if row.sender else "", row.subject) for row in rows[:20]]
    document = {"looked": told.looked, "fitting": told.fitting, "messages": [str(one) for one in told.messages]}
    return Result(document, "\n".join([text, table(examples)]).strip())


def junk(session: Session) -> Result:
    """``junk [on|off]``."""
    if session.arguments.choice:
        session.engine.ask(wire.SetJunkFilter(session.arguments.choice == "on"), wire.Done)
    enabled = read.setting(session.db, learned.SETTING) != "off"
    bad, good = learned.counts(session.db)
    judging = enabled and min(bad, good) >= ENOUGH
    text = f"Learned from {bad} junk and {good} good messages. "
    if not enabled:
        text += "New mail is not judged."
    elif judging:
        text += "New mail is judged where no server was seen to do that."
    else:
        text += f"New mail is judged from {ENOUGH} of each on."
    return Result({"enabled": enabled, "judging": judging, "junk": bad, "good": good}, text)


COMMANDS = {"rule": rule, "junk": junk}
