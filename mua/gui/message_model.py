"""The model behind the message list: an order vector with day headings, and pages of rows read when they are shown.

Rules of the file: one column; ``CARD`` is the only role the delegate asks; a row that was never shown is never read.

Theory of operation: ``rows`` holds one integer a row (``day_rows``).  ``data`` fetches the 128 rows around the one
asked for and keeps the last 64 such pages by id.  ``refresh`` re-reads the vector and applies the difference as
insertions and removals, so that selection and scroll position survive; rows whose content changed are dropped from
the cache.
"""

import time
from array import array
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QMimeData, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from mua.gui import words
from mua.gui.day_rows import find, heading_rows, is_heading, steps, with_headings
from mua.gui.places import Row, Source
from mua.model.address import Address
from mua.model.message import Flag, MessageId
from mua.records import dataclass

CARD = Qt.ItemDataRole.UserRole + 1
MESSAGE_IDS = "application/x-mua-messages"
_PAGE, _KEPT = 128, 64 * 128
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Card:
    """What the delegate paints of one message; all strings are harmless."""

    id: int
    who: str
    address: str
    time: str
    subject: str
    snippet: str
    unread: bool
    starred: bool
    clip: bool
    answered: bool
    forwarded: bool
    in_thread: int
    size: str
    spoken: str


class MessageModel(QAbstractTableModel):
    """The rows of what ``source`` shows."""

    refreshing = Signal()
    refreshed = Signal()

    def __init__(self, source: Source, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.source = source
        self.rows: array[int] = array("q")
        self.messages = 0
        self.outgoing = False
        """Show recipients instead of senders (Sent, Drafts)."""
        self._now = time.time()
        self._periods: list[tuple[int, str]] = []
        self._names: dict[int, str] = {}
        self._cards: OrderedDict[int, Card] = OrderedDict()

    def show(self, source: Source, outgoing: bool = False) -> None:
        """Show something else."""
        self.beginResetModel()
        self.source, self.outgoing = source, outgoing
        self._cards.clear()
        self.rows = self._read()
        self.endResetModel()
        self.refreshed.emit()

    def refresh(self, changed: Iterable[int] | None = None) -> None:
        """Read again; ``changed`` are the ids whose rows differ (None: any may).

        One that has no card yet may belong to any conversation shown, so every card counts its conversation again.
        """
        self.refreshing.emit()
        ids = list(self._cards) if changed is None else list(changed)
        known = ids if all(one in self._cards for one in ids) else list(self._cards)
        for one in known:
            del self._cards[one]
        new = self._read()
        found = steps(self.rows, new)
        if found is None:
            self.beginResetModel()
            self.rows = new
            self.endResetModel()
        else:
            for step in found:
                if step.keys is None:
                    self.beginRemoveRows(QModelIndex(), step.first, step.last)
                    del self.rows[step.first : step.last + 1]
                    self.endRemoveRows()
                else:
                    self.beginInsertRows(QModelIndex(), step.first, step.last)
                    self.rows[step.first : step.first] = step.keys
                    self.endInsertRows()
        self._tell(known)
        self.refreshed.emit()

    def row_of(self, message_id: int) -> int:
        """The row of a message, or -1."""
        return find(self.rows, message_id)

    def id_at(self, row: int) -> MessageId | None:
        """The message of a row; None for a heading or no row."""
        if 0 <= row < len(self.rows) and not is_heading(self.rows[row]):
            return MessageId(self.rows[row])
        return None

    def heading_rows(self) -> list[int]:
        """Where the headings are."""
        return heading_rows(self.rows, self._periods)

    def card(self, row: int) -> Card | None:
        """What to paint for a row; None when the message is gone meanwhile."""
        key = self.rows[row]
        card = self._cards.get(key)
        if card is None:
            self._fetch(row)
            card = self._cards.get(key)
        return card

    # ---- Qt's model interface
    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = index.row()
        if not 0 <= row < len(self.rows):
            return None
        key = self.rows[row]
        if is_heading(key):
            heading = role in (CARD, Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
            return self._names.get(-key, "") if heading else None
        if role == CARD:
            return self.card(row)
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.DisplayRole):
            card = self.card(row)
            return card.spoken if card else ""
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flag = Qt.ItemFlag
        if not index.isValid():
            return flag.NoItemFlags
        if is_heading(self.rows[index.row()]):
            return flag.ItemIsEnabled
        return flag.ItemIsEnabled | flag.ItemIsSelectable | flag.ItemIsDragEnabled | flag.ItemNeverHasChildren

    def mimeTypes(self) -> list[str]:
        return [MESSAGE_IDS]

    def mimeData(self, indexes: Iterable[QModelIndex]) -> QMimeData:
        ids = [str(self.rows[index.row()]) for index in indexes if self.id_at(index.row())]
        data = QMimeData()
        data.setData(MESSAGE_IDS, ",".join(ids).encode())
        return data

    # ---- reading
    def _read(self) -> "array[int]":
        ids = self.source.order()
        self.messages = len(ids)
        self._now = time.time()
        if not ids:
            return ids
        self._periods = words.periods(ids[-1] >> 20, self._now)
        self._names = dict(self._periods)
        return with_headings(ids, self._periods)

    def _fetch(self, row: int) -> None:
        start = row // _PAGE * _PAGE
        wanted = array("q", (key for key in self.rows[start : start + _PAGE] if key > 0 and key not in self._cards))
        for key, found in self.source.rows(wanted).items():
            self._cards[key] = self._card(found)
        while len(self._cards) > _KEPT:
            self._cards.popitem(last=False)

    def _card(self, row: Row) -> Card:
        message = row.message
        who = list(message.to if self.outgoing else message.sender) or [Address("", "")]
        unread = not message.flags & Flag.SEEN
        name = words.person(who) or ("No recipient" if self.outgoing else "Unknown sender")
        subject = words.shown(message.subject, 300) or "(no subject)"
        when = words.list_time(message.date, self._now)
        spoken = [
            "Unread" if unread else "",
            name,
            subject,
            words.full_time(message.date, self._now),
            "has attachment" if message.has_attachments else "",
            "starred" if message.flags & Flag.FLAGGED else "",
            f"conversation of {row.in_thread}" if row.in_thread > 1 else "",
        ]
        return Card(
            id=message.id,
            who=name if not self.outgoing or len(who) < 2 else f"{name} +{len(who) - 1}",
            address=who[0].address,
            time=when,
            subject=subject,
            snippet=words.shown(message.snippet, 300),
            unread=unread,
            starred=bool(message.flags & Flag.FLAGGED),
            clip=message.has_attachments,
            answered=bool(message.flags & Flag.ANSWERED),
            forwarded=bool(message.flags & Flag.FORWARDED),
            in_thread=row.in_thread,
            size=words.size(message.size),
            spoken=", ".join(part for part in spoken if part),
        )

    def _tell(self, ids: list[int]) -> None:
        rows = [row for row in map(self.row_of, ids) if row >= 0]
        if len(rows) > 64:
            rows = [min(rows), max(rows)]
            self.dataChanged.emit(self.index(rows[0], 0), self.index(rows[1], 0))
        else:
            for row in rows:
                self.dataChanged.emit(self.index(row, 0), self.index(row, 0))
