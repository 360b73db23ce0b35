"""The model behind the message list: an order vector with day headings, and pages of rows read when they are shown.

Rules of the file: one column; ``CARD`` is the only role the delegate asks; a row that was never shown is never read.

Theory of operation: ``ids`` is the order vector, ``rows`` the same with headings, one integer a row (``day_rows``).
``data`` fetches the 128 rows around the one asked for and keeps the last 64 such pages by id.  ``show`` reads the
newest ids by itself and leaves the rest (and a whole search) to the seeker's thread; until that answers, what was there
stays.  ``refresh`` asks only whether the ids that changed belong here.  Each new vector is applied as insertions and
removals, so that selection and scroll position survive; ids that changed while the seeker was reading are asked again
when it answers, because it may have passed them before.  A search that is shown is made again a moment after mail came.
"""

import time
from array import array
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
)

from mua.gui import words
from mua.gui.day_rows import Step, edited, find, heading_rows, is_heading, steps, with_headings
from mua.gui.places import Row, Source
from mua.gui.seeker import Seeker
from mua.model.address import Address
from mua.model.message import Flag, MessageId
from mua.records import dataclass

CARD = Qt.ItemDataRole.UserRole + 1
MESSAGE_IDS = "application/x-mua-messages"
_PAGE, _KEPT = 128, 64 * 128
_PAUSE = 500  # milliseconds before what changed while the seeker was reading is read once more
_INDEXED = 1_500  # milliseconds after which what came is mostly in the index
_ONE_BY_ONE = 2_000  # changed ids beyond which the whole vector is read again
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
    refused: bool
    """The server refused what was wished of it."""
    spoken: str


class MessageModel(QAbstractTableModel):
    """The rows of what ``source`` shows."""

    refreshing = Signal()
    refreshed = Signal()
    shown = Signal()
    """Another source is listed now (``show`` may have been a while ago)."""

    def __init__(self, source: Source, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.source = source
        self.ids: array[int] = array("q")
        self.rows: array[int] = array("q")
        self.seeking = False
        """The order is being read; what is listed is not all, or not that yet."""
        self.outgoing = False
        """Show recipients instead of senders (Sent, Drafts)."""
        self._seeker: Seeker | None = None
        self._question = 0
        self._next: tuple[Source, bool] | None = None
        self._meanwhile: set[int] = set()
        self._stale = False
        self._elsewhere: set[int] = set()
        """What ``add`` listed: no index here need know it."""
        self._searching = QTimer(self)
        self._searching.setSingleShot(True)
        self._searching.setInterval(_INDEXED)
        self._searching.timeout.connect(self._search_again)
        self._now = time.time()
        self._periods: list[tuple[int, str]] = []
        self._names: dict[int, str] = {}
        self._cards: OrderedDict[int, Card] = OrderedDict()

    @property
    def messages(self) -> int:
        """How many messages are listed."""
        return len(self.ids)

    def serve(self, seeker: Seeker) -> None:
        """Who reads what takes longer than a frame (without one everything is read here)."""
        self._seeker = seeker
        seeker.found.connect(self._found)
        seeker.failed.connect(self._not_found)

    def show(self, source: Source, outgoing: bool = False) -> None:
        """Show something else: at once what can be read at once, the rest when the seeker has it."""
        self._forget_question()
        first = source.first()
        ids, whole = first if first is not None else (array("q"), False)
        self.seeking = not whole
        if first is not None or source.place != self.source.place:
            self._take(source, outgoing, _corrected(source, ids, ()))
        else:
            self._next = (source, outgoing)
        if not whole:
            self._seek(source)

    def refresh(self, changed: Iterable[int] | None = None) -> None:
        """Read again; ``changed`` are the ids whose rows differ (None: any may).

        One that has no card yet may belong to any conversation shown, so every card counts its conversation again.
        """
        ids = list(self._cards) if changed is None else list(changed)
        known = ids if all(one in self._cards for one in ids) else list(self._cards)
        for one in known:
            del self._cards[one]
        if changed is not None and len(ids) <= _ONE_BY_ONE:
            self._refresh_some(ids)
        else:
            self._refresh_whole()
        self._tell(known)

    def _refresh_some(self, ids: list[int]) -> None:
        if self.source.query is not None and not set(ids).issubset(self.ids):
            self._search_soon()
        if self.seeking:
            self._meanwhile.update(ids)
            if self._next is None and self.ids:  # what is older than what is listed so far comes with the rest
                ids = [one for one in ids if one >= self.ids[-1]]
        self._apply(_corrected(self.source, self.ids, ids))

    def _refresh_whole(self) -> None:
        if self.source.query is not None:
            self._apply(_corrected(self.source, self.ids, self.ids))
            self._search_soon()
            return
        first = self.source.first()
        if first is not None and first[1] and self._next is None:
            self._forget_question()
            self._apply(_corrected(self.source, first[0], ()))
        elif self.seeking:
            self._stale = True
        else:
            self._seek(self.source)

    def add(self, found: Iterable[int]) -> None:
        """List these too: what a server found for the search that is shown."""
        self._elsewhere.update(found := list(found))
        self._apply(edited(self.ids, (), found))

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

    # ---- the order
    def _seek(self, source: Source) -> None:
        self.seeking, self._stale = True, False
        self._meanwhile.clear()
        if self._seeker is not None:
            self._question = self._seeker.ask(source.whole)
        elif source.db is not None:
            self._question += 1
            for ids, whole in source.whole(source.db):
                self._found(self._question, ids, whole)

    def _seek_again(self) -> None:
        if self._stale and not self.seeking:
            self._seek(self.source)

    def _search_soon(self) -> None:
        """Mail came or changed while the results of a search are shown: it may belong to them."""
        if not self._searching.isActive():
            self._searching.start()

    def _search_again(self) -> None:
        if self.seeking:
            self._searching.start()
        elif self.source.query is not None:
            self._seek(self.source)

    def _forget_question(self) -> None:
        self._searching.stop()
        self._question, self._next, self.seeking, self._stale = 0, None, False, False
        if self._seeker is not None:
            self._seeker.forget()

    def _found(self, question: int, ids: "array[int]", whole: bool) -> None:
        """The seeker has (a part of) the order."""
        if question != self._question:
            return
        self.seeking = not whole
        news, self._next = self._next, None
        if news is not None:
            self._take(*news, _corrected(news[0], ids, self._meanwhile))
        elif whole or not self.ids:
            asked = self._meanwhile | self._elsewhere
            self._apply(_corrected(self.source, edited(ids, (), self._elsewhere), asked))
        if whole and self._stale:
            QTimer.singleShot(_PAUSE, self, self._seek_again)

    def _not_found(self, question: int, _: object) -> None:
        if question == self._question:
            self._next, self.seeking = None, False
            self.refreshed.emit()

    def _take(self, source: Source, outgoing: bool, ids: "array[int]") -> None:
        """List another source."""
        self._now = time.time()
        periods = words.periods(ids[-1] >> 20, self._now) if ids else []
        self.beginResetModel()
        self.source, self.outgoing = source, outgoing
        self._cards.clear()
        self._elsewhere.clear()
        self._put(ids, with_headings(ids, periods), periods)
        self.endResetModel()
        self.refreshed.emit()
        self.shown.emit()

    def _apply(self, ids: "array[int]") -> None:
        """List ``ids``, by as few insertions and removals as it takes."""
        self.refreshing.emit()
        self._now = time.time()
        periods = words.periods(ids[-1] >> 20, self._now) if ids else []
        if ids is not self.ids or periods != self._periods:
            self._change(ids, with_headings(ids, periods), periods)
        self.refreshed.emit()

    def _change(self, ids: "array[int]", rows: "array[int]", periods: list[tuple[int, str]]) -> None:
        found = steps(self.rows, rows)
        if found is None:
            self.beginResetModel()
            self._put(ids, rows, periods)
            self.endResetModel()
        else:
            for step in found:
                self._step(step)
            self._put(ids, self.rows, periods)

    def _put(self, ids: "array[int]", rows: "array[int]", periods: list[tuple[int, str]]) -> None:
        self.ids, self.rows, self._periods, self._names = ids, rows, periods, dict(periods)

    def _step(self, step: Step) -> None:
        if step.keys is None:
            self.beginRemoveRows(QModelIndex(), step.first, step.last)
            del self.rows[step.first : step.last + 1]
            self.endRemoveRows()
        else:
            self.beginInsertRows(QModelIndex(), step.first, step.last)
            self.rows[step.first : step.first] = step.keys
            self.endInsertRows()

    # ---- reading
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
        name = words.person(who[:1] if self.outgoing else who) or (
            "No recipient" if self.outgoing else "Unknown sender"
        )
        subject = words.shown(message.subject, 300) or "(no subject)"
        received = message.id >> 20  # the order of the list; what Date says may be years off, and is in the reader
        when = words.list_time(received, self._now)
        spoken = [
            "Unread" if unread else "",
            name,
            subject,
            words.full_time(received, self._now),
            "has attachment" if message.has_attachments else "",
            "starred" if message.flags & Flag.FLAGGED else "",
            "a change was refused" if message.problem else "",
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
            refused=bool(message.problem),
            spoken=", ".join(part for part in spoken if part),
        )

    def _tell(self, ids: list[int]) -> None:
        if len(ids) > 64 and self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, 0))
            return
        for row in map(self.row_of, ids):
            if row >= 0:
                self.dataChanged.emit(self.index(row, 0), self.index(row, 0))


def _corrected(source: Source, ids: "array[int]", changed: Iterable[int]) -> "array[int]":
    """``ids`` with each of ``changed`` (and a message that is kept) where it belongs now, or nowhere."""
    asked = list(changed)
    belong = source.among(asked)
    if source.query is not None:  # a search finds what it found
        belong.intersection_update(ids)
    return edited(ids, asked, belong) if asked or belong else ids
