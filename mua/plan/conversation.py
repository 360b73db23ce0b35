"""How a conversation is laid out in the reader: which messages are open, which are one line, which are only counted.

Pure.  However long a thread is, what is laid out is bounded: ``OPEN`` messages, and at most ``AROUND`` lines of each
stretch of folded ones between them.
"""

from collections.abc import Collection, Sequence

from mua.model.folder import FolderId
from mua.model.message import Flag, MessageId, MessageRow
from mua.records import dataclass

OPEN = 8  # messages that are open at first
AROUND = 2  # lines that stay at either end of a long stretch of folded messages
MORE = 40  # lines that a click on what is only counted brings


@dataclass(frozen=True, slots=True)
class Letter:
    """One message: open, or one line."""

    row: MessageRow
    open: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages that are only counted, oldest first."""

    rows: tuple[MessageRow, ...]


Piece = Letter | Gap


def members(rows: Sequence[MessageRow], chosen: MessageId, aside: Collection[FolderId]) -> list[MessageRow]:
    """The messages that are shown of a thread, oldest first.

    ``aside`` are bins and junk folders: what lies there is left out, unless the chosen message lies there, too.  Of
    several copies (one Message-ID) one is shown: the chosen one, else the first.
    """
    home = next((row.folder_id for row in rows if row.id == chosen), None)
    kept: dict[str, MessageRow] = {}
    for row in rows:
        key = row.message_id or f"#{row.id}"
        if row.folder_id in aside and home not in aside:
            continue
        if key not in kept or row.id == chosen:
            kept[key] = row
    return sorted(kept.values(), key=lambda row: row.id)


def opened_first(rows: Sequence[MessageRow], chosen: MessageId) -> set[MessageId]:
    """Which are open at first: the chosen one, the newest, and the newest unread ones."""
    unread = [row.id for row in rows if not row.flags & (Flag.SEEN | Flag.DRAFT)]
    newest = [rows[-1].id] if rows else []
    wanted = dict.fromkeys([chosen, *newest, *reversed(unread)])
    there = {row.id for row in rows}
    return set([one for one in wanted if one in there][:OPEN])


def lay_out(
    rows: Sequence[MessageRow], opened: Collection[MessageId], listed: Collection[MessageId] = ()
) -> list[Piece]:
    """Letters and gaps in order; ``listed`` are folded messages that keep a line of their own."""
    pieces: list[Piece] = []
    stretch: list[MessageRow] = []
    for row in rows:
        if row.id in opened:
            pieces += _folded(stretch, listed)
            pieces.append(Letter(row, open=True))
            stretch = []
        else:
            stretch.append(row)
    return pieces + _folded(stretch, listed)


def _folded(stretch: Sequence[MessageRow], listed: Collection[MessageId]) -> list[Piece]:
    """A stretch of folded messages: its ends and what is ``listed`` as lines, the rest as gaps (never of only one)."""
    last = len(stretch) - AROUND
    pieces: list[Piece] = []
    hidden: list[MessageRow] = []

    def close() -> None:
        if len(hidden) == 1:
            pieces.append(Letter(hidden[0], open=False))
        elif hidden:
            pieces.append(Gap(tuple(hidden)))
        hidden.clear()

    for place, row in enumerate(stretch):
        if AROUND <= place < last and row.id not in listed:
            hidden.append(row)
        else:
            close()
            pieces.append(Letter(row, open=False))
    close()
    return pieces


def more(gap: Gap) -> list[MessageId]:
    """Which messages of a gap get a line when the person asks for them: its newest ``MORE``."""
    return [row.id for row in gap.rows[-MORE:]]
