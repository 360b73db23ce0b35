"""Which messages belong to one conversation: what each says that ties it to others.

Rules of the file: no I/O; every tie is a matter of one message, or of two of them, whatever else there is and in
whichever order they came.  So a conversation, everything that is tied together, is the same in the end however mail
arrives: late, twice, or the answer before its question.

In this order of strength: a person's word; the server's (THREADID of RFC 8474, Gmail's X-GM-THRID), which then stands
in place of the next two; References and In-Reply-To; for an answer by its subject that refers to nothing, the subject.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from mua.records import dataclass

MAX_NAME = 512  # octets of a Message-ID that are kept; longer ones exist only in attacks
BEFORE = 30 * 86_400  # seconds before an answer in which its question may have come
AFTER = 86_400  # and after it: the question took longer
_PREFIX = "\t"  # of names that are no Message-IDs: none can hold it


@dataclass(frozen=True, slots=True)
class Letter:
    """What a message says of its conversation.  ``names``: see ``ties``; ``time`` is UTC seconds.

    ``bare``: it says by its subject that it answers, and nothing else says what; ``people`` are those it is from and
    to, in lower case, ``authors`` those it is from; ``list_id`` the mailing list it came by.
    """

    names: tuple[str, ...]
    time: int = 0
    account: int = 0
    topic: str = ""
    bare: bool = False
    authors: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    list_id: str = ""
    own: str = ""
    """Its own name, of ``names``; empty: none."""


class Tie(StrEnum):
    """Why two messages are in one conversation."""

    JOINED = "joined"
    """A person said so."""
    SAME = "same"
    """They are one message, twice."""
    ANSWERS = "answers"
    """It refers to the other; of several the nearest."""
    ANSWERED = "answered"
    """The other refers to it."""
    SERVER = "server"
    """The server says so."""
    MISSING = "missing"
    """Both refer to a message that is not here."""
    SUBJECT = "subject"
    """One answers by its subject, and refers to nothing."""


@dataclass(frozen=True, slots=True)
class Word:
    """A person's word on a message: it begins a conversation of its own; it goes with that one (a Message-ID)."""

    apart: bool = False
    joined: str = ""


NO_WORDS: Mapping[str, Word] = {}


def own_name(message_id: str, number: int) -> str:
    """By which name a person's word finds a message: its Message-ID, or where it has none, its number here."""
    return message_id[:MAX_NAME] or f"{_PREFIX}number {number}"


def server_name(account: int, server_thread: str) -> str:
    """What all messages share that the server says are one conversation."""
    return f"{_PREFIX}server {account} {server_thread}"


def ties(
    own: str, references: Sequence[str], shared: str = "", words: Mapping[str, Word] = NO_WORDS
) -> tuple[tuple[str, ...], bool]:
    """The names that tie a message to others, its own first, and whether only they do (no subject besides).

    ``own`` as of ``own_name`` (empty: none), ``references`` the oldest first, ``shared`` of ``server_name``.  Whoever
    answers what was set apart belongs to that, not to what that had answered.
    """
    if not (references or shared or words):  # as most mail
        return ((own,) if own else (), False)
    chain = [name[:MAX_NAME] for name in references if name]
    word = words.get(own)
    set_apart = (place for place, name in enumerate(chain) if (found := words.get(name)) and found.apart)
    cut = max(set_apart, default=-1) if words else -1
    if word is not None and word.apart:
        names, alone = [own], True
    elif cut >= 0:
        names, alone = [own, *chain[cut:]], True
    elif shared:
        names, alone = [own, shared], True
    else:
        names, alone = [own, *chain], bool(chain)
    if word is not None and word.joined:
        names.append(word.joined)
    return tuple(dict.fromkeys(name for name in names if name)), alone


def answers(bare: Letter, other: Letter) -> bool:
    """Whether an answer that refers to nothing can be one to ``other``: its subject, its time, and whom it is for."""
    return (
        bare.bare
        and bool(bare.topic)
        and bare.topic == other.topic
        and bare.account == other.account
        and -BEFORE <= other.time - bare.time <= AFTER
        and ((bool(bare.list_id) and bare.list_id == other.list_id) or not other.authors.isdisjoint(bare.people))
    )


def subject_ties(letters: Sequence[Letter], earlier: Sequence[Letter]) -> list[tuple[int, int]]:
    """Pairs of places that subjects tie together, of ``letters`` (from 0) and, behind them, ``earlier``.

    Of two that were ``earlier`` nothing new is to be said.
    """
    by_topic: dict[str, list[int]] = {}
    everybody = [*letters, *earlier]
    for place, one in enumerate(everybody):
        if one.topic:
            by_topic.setdefault(one.topic, []).append(place)
    found: list[tuple[int, int]] = []
    for place, one in enumerate(everybody):
        if one.bare:
            others: Collection[int] = by_topic.get(one.topic, ())
            found += [
                (place, other)
                for other in others
                if other != place and (place < len(letters) or other < len(letters)) and answers(one, everybody[other])
            ]
    return found


def why(letters: Sequence[Letter], place: int, words: Mapping[str, Word] = NO_WORDS) -> list[tuple[Tie, list[int]]]:
    """What ties one of the messages of a conversation to others of it, and to which; the strongest first."""
    one, others = letters[place], [number for number in range(len(letters)) if number != place]
    owned = {letters[number].own for number in others} - {""}
    found: dict[Tie, list[int]] = {}

    def tie(kind: Tie, number: int) -> None:
        found.setdefault(kind, []).append(number)

    nearest = next((name for name in reversed(one.names) if name in owned and name != one.own), "")
    for number in others:
        other = letters[number]
        shared = {*one.names} & {*other.names} - {one.own, other.own, *owned}
        if (other.own and words.get(one.own, _NOTHING).joined == other.own) or (
            one.own and words.get(other.own, _NOTHING).joined == one.own
        ):
            tie(Tie.JOINED, number)
        elif one.own and one.own == other.own:
            tie(Tie.SAME, number)
        elif other.own and other.own == nearest:
            tie(Tie.ANSWERS, number)
        elif one.own and one.own in other.names:
            tie(Tie.ANSWERED, number)
        elif answers(one, other) or answers(other, one):
            tie(Tie.SUBJECT, number)
        elif any(name.startswith(_PREFIX) for name in shared):
            tie(Tie.SERVER, number)
        elif shared:
            tie(Tie.MISSING, number)
    return [(kind, found[kind]) for kind in Tie if kind in found]


_NOTHING = Word()
