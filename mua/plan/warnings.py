"""What should be looked at before a letter goes: decided from what is in it.

Rules of the file: pure; each warning is one sentence that says what is odd, never that something is forbidden; the
person's own words are looked at, not those that are quoted.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from mua.language import tr
from mua.model.address import Address
from mua.records import dataclass

MANY_ANSWERED: Final = 10  # recipients of an answer to all, from which on it is asked
MANY_SEEN: Final = 25  # people who would see one another's addresses
_CUT: Final = ("-------- Forwarded message", "-----Original Message")

HINTS: Final = {
    "en": r"attach(?:ed|ment|ments|ing)?\b|enclos(?:ed|ure)\b",
    "de": r"\banhang\b|\banhänge\b|\bangehängt|\bbeigefügt|\banlage\b|\banbei\b|\bim anhang\b",
    "fr": r"pi[eè]ces? jointes?|ci-joint|en annexe|joins? à ce",
    "es": r"\badjunt[oa]s?\b|\badjuntamos\b|archivo adjunto",
    "it": r"\ballegat[oi]\b|\ballego\b|in allegato",
    "pt": r"em anexo|\banexos?\b|\banexei\b|\banexad[oa]",
    "nl": r"\bbijlagen?\b|\bbijgevoegd",
    "sv": r"\bbifoga[rdt]?\w*|\bbilaga\b|\bbilagor\b",
    "da": r"\bvedhæft\w*|\bvedlagt\b|\bbilag\b",
    "pl": r"\bzałącz\w*|w załączeniu",
    "ru": r"вложен\w*|прикрепл\w*|прилага\w*|во вложении",
    "ja": r"添付|同封",
    "zh": r"附件|附上|隨信|随信",
    "cs": r"\bpřílo[hz]\w*|\bpřikládám|\bpřiložen",
    "tr": r"\bekte\b|\bekli\b|\bilişikte",
}
"""Words that speak of an attachment, by language."""
_HINT = re.compile("|".join(HINTS.values()), re.IGNORECASE)


class Kind(StrEnum):
    """What a warning is about; what is forgiven once is not asked again."""

    FROM = "from"
    MANY = "many"
    HIDDEN = "hidden"
    SEEN = "seen"
    FILE = "file"
    SUBJECT = "subject"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class Oddity:
    """One thing to look at: a sentence."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """A letter as far as it is judged.  ``to``, ``cc``, ``bcc`` and ``mine`` in full; ``octets`` as it is sent.

    ``answers``: it answers a message; ``came_to`` is the person's own address which that one came to (empty: not
    known), ``hidden``: it came to them by Bcc, so the others do not know; ``limit``: octets that the server takes (0:
    not known).
    """

    sender: str = ""
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    subject: str = ""
    text: str = ""
    files: int = 0
    octets: int = 0
    limit: int = 0
    answers: bool = False
    came_to: str = ""
    hidden: bool = False


def warnings(facts: Facts) -> list[Oddity]:
    """What to look at, the gravest first."""
    found = [
        _from(facts), _hidden(facts), _many(facts), _seen(facts), _size(facts), _file(facts), _subject(facts)
    ]  # fmt: skip
    return [one for one in found if one is not None]


def _from(facts: Facts) -> Oddity | None:
    came, sender = facts.came_to.lower(), facts.sender.lower()
    if not facts.answers or not came or came == sender:
        return None
    text = tr("You answer as {sender}, and the message came to {came_to}.", sender=facts.sender, came_to=facts.came_to)
    return Oddity(Kind.FROM, text)


def _hidden(facts: Facts) -> Oddity | None:
    others = [one for one in (*facts.to, *facts.cc) if one.address.lower() != facts.sender.lower()]
    if not (facts.answers and facts.hidden and len(others) > 1):
        return None
    return Oddity(Kind.HIDDEN, tr("You got this as a blind copy; answering all tells the others that you did."))


def _many(facts: Facts) -> Oddity | None:
    reached = len({one.address.lower() for one in (*facts.to, *facts.cc)})
    if not facts.answers or reached < MANY_ANSWERED:
        return None
    return Oddity(Kind.MANY, tr("This answer goes to {reached} people.", reached=reached))


def _seen(facts: Facts) -> Oddity | None:
    """Bcc was a mistake where somebody is in both, and is missing where many strangers would see one another."""
    seen = {one.address.lower() for one in (*facts.to, *facts.cc)}
    twice = next((one for one in facts.bcc if one.address.lower() in seen), None)
    if twice is not None:
        return Oddity(
            Kind.SEEN,
            tr("{address} gets a blind copy, and everybody sees the address in To or Cc.", address=twice.address[:80]),
        )
    if not facts.answers and len(seen) >= MANY_SEEN:
        return Oddity(
            Kind.SEEN, tr("All {number} people will see one another's addresses; Bcc hides them.", number=len(seen))
        )
    return None


def _size(facts: Facts) -> Oddity | None:
    if not facts.limit or facts.octets <= facts.limit:
        return None
    whole, most = facts.octets / 1_000_000, facts.limit / 1_000_000
    return Oddity(
        Kind.SIZE,
        tr(
            "The message has {whole:,.1f} MB as it is sent, and your server takes {most:,.1f} MB.",
            whole=whole,
            most=most,
        ),
    )


def _file(facts: Facts) -> Oddity | None:
    if facts.files or not speaks_of_attachment(facts.text, facts.subject):
        return None
    return Oddity(Kind.FILE, tr("You write of an attachment, and nothing is attached."))


def _subject(facts: Facts) -> Oddity | None:
    return None if facts.subject.strip() else Oddity(Kind.SUBJECT, tr("The message has no subject."))


def speaks_of_attachment(text: str, subject: str) -> bool:
    """Whether the person's own words (not what is quoted, nor a signature) speak of an attachment."""
    own: list[str] = []
    for line in text.split("\n-- \n")[0].splitlines():
        if line.startswith(_CUT):
            break
        if not line.startswith(">"):
            own.append(line)
    return _HINT.search(f"{subject}\n" + "\n".join(own)) is not None


def hidden_from(mine: Sequence[str], named: Sequence[Address], is_list: bool) -> bool:
    """Whether a message came by Bcc: none of the person's addresses (``mine``) is named, and no list sent it."""
    own = {one.lower() for one in mine}
    return not is_list and bool(named) and not any(one.address.lower() in own for one in named)
