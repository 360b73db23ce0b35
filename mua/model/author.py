"""What is odd about the author of a message."""

from mua.records import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to know: ``kind`` for programs, ``text`` a sentence for people; ``grave``: honest mail is not so."""

    kind: str
    text: str
    grave: bool = True
