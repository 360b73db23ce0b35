"""Which rules a message fits, and what is done to it.  Pure.

A message follows every rule that it fits, in the person's order, until one says that it is the last; where two say
where it goes, the first counts.  What is typed (``from:shop.example``, ``-subject:"draft"``, ``move:Receipts``) is read
and written here, too.
"""

import re
from collections.abc import Iterable, Sequence

from mua.language import tr
from mua.model.mail_rule import PLACES, WITH_VALUE, Condition, Deed, Do, Facts, Field, MailRule
from mua.records import dataclass

MAX_RULES, MAX_PARTS, MAX_VALUE = 200, 20, 500
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_SIZE = re.compile(r"(\d{1,12})\s*([kmg]?)b?", re.ASCII)
_ADDRESS = re.compile(r"[^@\s<>,]+@[^@\s<>,]+\.?[^@\s<>,]*")
NEVER_FORWARDED = "x-mua-rule"  # a field of what a rule forwarded, in lower case


@dataclass(frozen=True, slots=True)
class Fate:
    """What is done to a message: deeds in order, and the names of the rules that say so."""

    deeds: tuple[tuple[Deed, MailRule], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The rules, each once."""
        return tuple(dict.fromkeys(rule.name for _, rule in self.deeds))


def fate(rules: Iterable[MailRule], facts: Facts) -> Fate:
    """What becomes of a message."""
    deeds: list[tuple[Deed, MailRule]] = []
    placed = False
    for rule in rules:
        if not rule.enabled or not fits(rule, facts):
            continue
        for deed in rule.deeds:
            if deed.do in PLACES and placed:
                continue
            placed |= deed.do in PLACES
            deeds.append((deed, rule))
        if rule.last:
            break
    return Fate(tuple(deeds))


def fits(rule: MailRule, facts: Facts) -> bool:
    """Whether a rule's conditions hold; a rule without conditions fits nothing."""
    if rule.account_id not in (0, facts.account_id) or not rule.conditions:
        return False
    return (all if rule.every else any)(holds(one, facts) for one in rule.conditions)


def holds(condition: Condition, facts: Facts) -> bool:
    """Whether one condition holds."""
    return _holds(condition, facts) is not condition.negated


def _holds(condition: Condition, facts: Facts) -> bool:
    if condition.field is Field.HAS:
        return facts.has_attachment
    if condition.field in (Field.LARGER, Field.SMALLER):
        limit = octets(condition.value)
        if limit is None:
            return False
        return facts.size > limit if condition.field is Field.LARGER else facts.size < limit
    texts = {
        Field.FROM: facts.sender,
        Field.TO: facts.recipients,
        Field.SUBJECT: facts.subject,
        Field.LIST: facts.list_id,
    }
    return condition.value.casefold() in texts[condition.field].casefold()


def octets(text: str) -> int | None:
    """A size as it is typed: ``500k``, ``10 MB``; None: it is none."""
    found = _SIZE.fullmatch(text.strip().lower())
    return int(found[1]) * _UNITS[found[2]] if found else None


def problem(rule: MailRule) -> str:
    """Why a rule cannot be kept, in a sentence; empty: it can."""
    if not rule.name.strip() or not rule.conditions or not rule.deeds:
        return tr("A rule needs a name, something to look for, and something to do.")
    if max(len(rule.conditions), len(rule.deeds)) > MAX_PARTS:
        return tr("A rule has at most {max_parts} conditions and as many deeds.", max_parts=MAX_PARTS)
    for one in rule.conditions:
        if not one.value.strip() or len(one.value) > MAX_VALUE:
            return tr("A condition needs something to look for, or it would fit every message.")
        if one.field in (Field.LARGER, Field.SMALLER) and octets(one.value) is None:
            return tr("“{value}” is no size; one is 500k or 10M.", value=one.value)
    for deed in rule.deeds:
        if deed.do in WITH_VALUE and not deed.value.strip():
            return tr("“{do}” needs to be told where, or which.", do=deed.do)
        if deed.do is Do.FORWARD and not _ADDRESS.fullmatch(deed.value):
            return tr("“{value}” is no address that mail could be forwarded to.", value=deed.value)
    return ""


def may_forward(headers: Sequence[tuple[str, str]], senders: Iterable[str], target: str, mine: Iterable[str]) -> bool:
    """Whether a message may be forwarded by a rule, so that no two programs ever send it back and forth.

    Never what was forwarded by a rule, what another program sent by itself (RFC 3834), what came without a sender, or
    what would go to one's own address or back to its author.
    """
    fields = {name.strip().lower(): value for name, value in headers}
    if NEVER_FORWARDED in fields:
        return False
    automatic = fields.get("auto-submitted", "no").split(";")[0].strip().lower()
    if automatic not in ("", "no"):
        return False
    if fields.get("return-path", "").strip() == "<>":
        return False
    own, goal = {one.lower() for one in mine}, target.lower()
    authors = {one.lower() for one in senders if one}
    return bool(authors) and goal not in own and goal not in authors


# ---- as it is typed
def condition_from(text: str) -> Condition:
    """``from:shop.example``, ``-subject:draft``, ``larger:5M``, ``has:attachment``.  Raises ValueError."""
    negated, rest = text.startswith("-"), text.removeprefix("-")
    name, colon, value = rest.partition(":")
    if not colon or not value.strip():
        raise ValueError(f"{text!r} is no condition; one is from:shop.example or -subject:draft")
    try:
        return Condition(Field(name.strip().lower()), value.strip().strip('"'), negated)
    except ValueError as error:
        fields = ", ".join(one.value for one in Field)
        raise ValueError(f"{name!r} is nothing to look at; there are {fields}") from error


def deed_from(text: str) -> Deed:
    """``move:Receipts``, ``tag:Work``, ``star``, ``forward:a@example.org``.  Raises ValueError."""
    name, _, value = text.partition(":")
    try:
        return Deed(Do(name.strip().lower()), value.strip().strip('"'))
    except ValueError as error:
        deeds = ", ".join(one.value for one in Do)
        raise ValueError(f"{name!r} is nothing to do; there are {deeds}") from error


def condition_text(one: Condition) -> str:
    """The reverse of ``condition_from``."""
    return f"{'-' if one.negated else ''}{one.field}:{one.value}"


def deed_text(one: Deed) -> str:
    """The reverse of ``deed_from``."""
    return f"{one.do}:{one.value}" if one.value else one.do.value


_WORDS = {
    Do.MOVE: tr("moved it to {}"),
    Do.TAG: tr("tagged it {}"),
    Do.STAR: tr("starred it"),
    Do.READ: tr("marked it as read"),
    Do.FORWARD: tr("forwarded it to {}"),
    Do.ARCHIVE: tr("archived it"),
    Do.JUNK: tr("moved it to Junk"),
    Do.DELETE: tr("moved it to the bin"),
}


def words(deeds: Iterable[Deed]) -> str:
    """What was done, for people: "moved it to Receipts and starred it"."""
    said = [_WORDS[one.do].format(one.value) for one in deeds]
    return " and ".join(filter(None, (", ".join(said[:-1]), said[-1]))) if said else ""
