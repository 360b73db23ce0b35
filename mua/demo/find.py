"""SEARCH: from the client's criteria to the messages that match (RFC 3501 s.6.4.4, RFC 7162 s.3.1.5).

Rule of the file: a criterion is a function of (sequence number, message); reading a message waits until one needs it.
"""

from collections.abc import Callable, Sequence
from email import message_from_bytes
from email.utils import parsedate_to_datetime

from mua.demo import parts
from mua.demo.mailbox import Message
from mua.demo.syntax import Bad, Token, date, is_set, members, number, text

Test = Callable[[int, Message], bool]
DAY = 86400
DEPTH_LIMIT = 40

_FLAGS = {
    "ANSWERED": "\\Answered",
    "DELETED": "\\Deleted",
    "DRAFT": "\\Draft",
    "FLAGGED": "\\Flagged",
    "SEEN": "\\Seen",
}


class Criteria:
    """Reads the tokens of one SEARCH; ``uses_modseq`` says afterwards that MODSEQ was among them."""

    def __init__(self, tokens: Sequence[Token], sequences: Sequence[int], uids: Sequence[int]) -> None:
        self.uses_modseq = False
        self._tokens = list(tokens)
        self._sequences = sequences
        self._uids = uids

    def test(self) -> Test:
        """All of them together.  Raises Bad."""
        return self._all(self._tokens, 0)

    def _all(self, tokens: list[Token], depth: int) -> Test:
        left = list(reversed(tokens))
        if not left or depth > DEPTH_LIMIT:
            raise Bad("Search criteria were expected")
        tests = []
        while left:
            tests.append(self._one(left, depth))
        return lambda seq, message: all(test(seq, message) for test in tests)

    def _one(self, left: list[Token], depth: int) -> Test:
        if not left or depth > DEPTH_LIMIT:
            raise Bad("A search criterion was expected")
        token = left.pop()
        if isinstance(token, list):
            return self._all(token, depth + 1)
        key = text(token).upper()
        if key == "NOT":
            inner = self._one(left, depth + 1)
            return lambda seq, message: not inner(seq, message)
        if key == "OR":
            first, second = self._one(left, depth + 1), self._one(left, depth + 1)
            return lambda seq, message: first(seq, message) or second(seq, message)
        return _flag(key, left) or _moment(key, left) or _words(key, left) or self._number(key, left)

    def _number(self, key: str, left: list[Token]) -> Test:
        if key == "MODSEQ":
            self.uses_modseq = True
            return _modseq(left)
        if key in ("LARGER", "SMALLER"):
            size = number(_next(left))
            return lambda _, message: message.size > size if key == "LARGER" else message.size < size
        if key == "UID":
            uids = set(members(text(_next(left)), self._uids))
            return lambda _, message: message.uid in uids
        if is_set(key):
            chosen = set(members(key, self._sequences))
            return lambda seq, _: seq in chosen
        raise Bad(f"Unknown criterion {key[:40]}")


def _next(left: list[Token]) -> Token:
    if not left:
        raise Bad("The criterion needs a value")
    return left.pop()


def _flag(key: str, left: list[Token]) -> Test | None:
    if key == "ALL" or key == "OLD":
        return lambda _, __: True
    if key in ("RECENT", "NEW"):
        return lambda _, __: False  # \Recent is not kept: IMAP4rev2 dropped it
    if key in ("KEYWORD", "UNKEYWORD"):
        word = text(_next(left)).lower()
        return lambda _, message: (word in {flag.lower() for flag in message.flags}) == (key == "KEYWORD")
    flag, wanted = _FLAGS.get(key.removeprefix("UN")), not key.startswith("UN")
    return (lambda _, message: (flag in message.flags) == wanted) if flag else None


def _moment(key: str, left: list[Token]) -> Test | None:
    kind = key.removeprefix("SENT")
    if kind not in ("SINCE", "BEFORE", "ON"):
        return None
    day = date(text(_next(left)))
    when = _sent if key.startswith("SENT") else (lambda message: message.date)
    if kind == "SINCE":
        return lambda _, message: when(message) >= day
    if kind == "BEFORE":
        return lambda _, message: when(message) < day
    return lambda _, message: day <= when(message) < day + DAY


def _sent(message: Message) -> int:
    try:
        return int(parsedate_to_datetime(str(message_from_bytes(message.data)["Date"])).timestamp())
    except (ValueError, TypeError, OverflowError):
        return message.date


def _words(key: str, left: list[Token]) -> Test | None:
    if key in ("SUBJECT", "FROM", "TO", "CC", "BCC", "HEADER"):
        name = text(_next(left)) if key == "HEADER" else key
        wanted = text(_next(left)).casefold()
        return lambda _, message: _in_header(message, name, wanted)
    if key in ("BODY", "TEXT"):
        wanted = text(_next(left)).casefold()
        return lambda _, message: _in_text(message, wanted, with_header=key == "TEXT")
    return None


def _in_header(message: Message, name: str, wanted: str) -> bool:
    values = parts.parse(message.data).fields.get_all(name, [])
    return any(wanted in parts.decoded(value).casefold() for value in values)


def _in_text(message: Message, wanted: str, with_header: bool) -> bool:
    root = parts.parse(message.data)
    if wanted in parts.readable(root).casefold():
        return True
    return with_header and any(wanted in parts.decoded(value).casefold() for value in root.fields.values())


def _modseq(left: list[Token]) -> Test:
    token = _next(left)
    if isinstance(token, bytes):  # "/flags/\\Seen" all 17: the entry is named; we keep one modseq per message
        _next(left)
        token = _next(left)
    least = number(token)
    return lambda _, message: message.modseq >= least
