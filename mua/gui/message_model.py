"""The model behind the message list: an order vector with day headings, and pages of rows read when they are shown.

Rules of the file: one column; ``CARD`` is the only role the delegate asks; a row that was never shown is never read.

Theory of operation: ``ids`` is the order vector, ``rows`` the same with headings, one integer a row (``day_rows``).
``data`` fetches the 32 rows around the one asked for and keeps the last 256 such pages by id.  ``show`` reads the
newest ids by itself and leaves the rest (and a whole search) to the seeker's thread; until that answers, what was there
stays.  ``refresh`` asks only whether the ids that changed belong here.  Each new vector is applied as insertions and
removals, so that selection and scroll position survive; ids that changed while the seeker was reading are asked again
when it answers, because it may have passed them before.  A search that is shown is made again a moment after mail came.

A grouped list (``conversation_rows``) has a row for each thread, its newest message here; ``order`` holds all of them.
What came or went concerns a few threads, of which alone the members are read.  A conversation that is open
(``unfold``) has the rest of them in rows of their own.
"""

import time
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Sequence
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
from mua.gui.card import Card, Told, card_of
from mua.gui.conversation_rows import (
    Order,
    changed,
    concerned,
    edit_here,
    edits,
    grouped,
    place_of,
    plain,
    plain_edits,
    spliced,
    thread_of,
)
from mua.gui.day_rows import (
    MEMBER,
    Step,
    edited,
    find,
    heading_rows,
    insertion,
    is_heading,
    is_member,
    message_of,
    removal,
    steps,
    with_headings,
)
from mua.gui.places import Place, Row, Source
from mua.gui.seeker import Seeker
from mua.gui.sorted_rows import locate, placed
from mua.model.message import MessageId
from mua.model.tag import TAGS, Tag
from mua.store.read import Saved

CARD = Qt.ItemDataRole.UserRole + 1
MESSAGE_IDS = "application/x-mua-messages"
_PAGE, _KEPT = 32, 256 * 32
_PAUSE = 500  # milliseconds before what changed while the seeker was reading is read once more
_INDEXED = 1_500  # milliseconds after which what came is mostly in the index
_ONE_BY_ONE = 2_000  # changed ids beyond which the whole vector is read again
_FEW = 16  # edits that are made in the vectors themselves
_PLACED = 50  # the same where each has to be compared with others to find its place
Index = QModelIndex | QPersistentModelIndex


class MessageModel(QAbstractTableModel):
    """The rows of what ``source`` shows."""

    refreshing = Signal()
    refreshed = Signal()
    shown = Signal()
    """Another source is listed now (``show`` may have been a while ago)."""

    def __init__(self, source: Source, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.source = source
        self.order = plain(array("q"))
        self.mine: frozenset[str] = frozenset()
        """The person's own addresses, in lower case."""
        self.tags: tuple[Tag, ...] = TAGS
        """The person's."""
        self._unfolded: dict[int, list[int]] = {}
        """Open conversations, and their messages here, newest first."""
        self.rows: array[int] = array("q")
        self.seeking = False
        """The order is being read; what is listed is not all, or not that yet."""
        self._seeker: Seeker | None = None
        self._question = 0
        self._next: Source | None = None
        self._meanwhile: set[int] = set()
        self._stale = False
        self._leaving: set[int] = set()
        self._leaving_from: Place | None = None
        self._searching = QTimer(self)
        self._searching.setSingleShot(True)
        self._searching.setInterval(_INDEXED)
        self._searching.timeout.connect(self._search_again)
        self._now = time.time()
        self._periods: list[tuple[int, str]] = []
        self._names: dict[int, str] = {}
        self._cards: OrderedDict[int, Row | Card] = OrderedDict()
        """What was read; a row becomes a card when it is painted."""

    @property
    def ids(self) -> "array[int]":
        """All that is listed, newest first where it is sorted by date, the oldest first or not."""
        return self.order.ids

    @property
    def wanted(self) -> Source:
        """What is listed, or will be as soon as it is found."""
        return self._next or self.source

    @property
    def messages(self) -> int:
        """How many messages are listed."""
        return len(self.ids)

    def serve(self, seeker: Seeker) -> None:
        """Who reads what takes longer than a frame (without one everything is read here)."""
        self._seeker = seeker
        seeker.found.connect(self._found)
        seeker.failed.connect(self._not_found)

    def show(self, source: Source) -> None:
        """Show something else: at once what can be read at once, the rest when the seeker has it."""
        self._forget_question()
        first = source.first()
        order, whole = first if first is not None else (plain(array("q")), False)
        self.seeking = not whole
        if first is not None or source.place != self.source.place:
            self._take(source, order, ())
        else:
            self._next = source
        if not whole:
            self._seek(source)

    def refresh(self, changed: Iterable[int] | None = None) -> None:
        """Read again; ``changed`` are the ids whose rows differ (None: any may).

        One that has no card yet may belong to any conversation shown, so every card counts its conversation again.
        """
        ids = list(self._cards) if changed is None else list(changed)
        placed_ = self.source.query is None and not self.source.sort.by_date
        few = changed is not None and len(ids) <= (_PLACED if placed_ else _ONE_BY_ONE)
        if few and self.source.grouped:
            self._refresh_some(ids)
            self._forget_cards_of(ids)
            return
        known = ids if all(one in self._cards for one in ids) else list(self._cards)
        for one in known:
            del self._cards[one]
        if few:
            self._refresh_some(ids)
        else:
            self._refresh_whole()
        self._tell(known)

    def _refresh_some(self, ids: list[int]) -> None:
        if self.source.query is not None and not set(ids).issubset(self.ids):
            self._search_soon()
        if self.seeking:
            self._meanwhile.update(ids)
            if self._next is None and self.ids:  # what stands below what is listed so far comes with the rest
                ids = self.source.ahead(self.ids, ids)
        self._correct(self.order, ids)

    def _refresh_whole(self) -> None:
        if self.source.query is not None:
            self._correct(self.order, self.ids)
            self._search_soon()
            return
        first = self.source.first()
        if first is not None and first[1] and self._next is None:
            self._forget_question()
            self._correct(first[0], ())
        elif self.seeking:
            self._stale = True
        else:
            self._seek(self.source)

    def add(self, found: Iterable[int]) -> None:
        """List these too: what a server found for the search that is shown."""
        found = list(found)
        self.source.elsewhere |= {*found}
        if self.source.sort.by_date:
            self._apply(plain(edited(self.ids, (), found)))
        elif self._next is None:
            self._seek(self.source)

    def let_go(self, ids: Iterable[int]) -> None:
        """These are on their way out of this folder, part by part behind: the rest is listed at once."""
        place = self.source.place
        if (
            self.source.query is None
            and place is not None
            and (place.folder is not None or place.saved is Saved.ALL_INBOXES)
        ):
            self._leaving_from = place
            self._leaving.update(ids)
            self._apply(self._staying(self.source, self.order))

    def all_gone(self) -> None:
        """They are gone, or stay after all: what is listed is what the store says."""
        if self._leaving:
            self._leaving.clear()
            self.refresh()

    def _staying(self, source: Source, order: Order) -> Order:
        """``order`` without what is on its way out."""
        if not self._leaving or source.place != self._leaving_from or source.query is not None:
            return order
        if order.threads:
            pairs = [pair for pair in zip(order.ids, order.threads, strict=True) if pair[0] not in self._leaving]
            return grouped(array("q", (one for one, _ in pairs)), array("q", (thread for _, thread in pairs)))
        ids = array("q", (one for one in order.ids if one not in self._leaving))
        return plain(ids, sum(one not in self._leaving for one in order.ids[: order.split]))

    def row_of(self, message_id: int) -> int:
        """The row of a message, or of the conversation that it is folded into; or -1."""
        row = self._row(message_id)
        thread = thread_of(self.order, message_id) if row < 0 else 0
        if not thread:
            return row
        if thread in self._unfolded:
            return self.row_of_key(message_id | MEMBER)
        return self.row_of_thread(thread)

    def row_of_key(self, key: int) -> int:
        """The row with just this key (of ``rows``), or -1."""
        if not is_member(key):
            return -1 if is_heading(key) else self._row(key)
        members = self._unfolded.get(thread_of(self.order, message_of(key)), [])
        row = self._row(members[0]) if message_of(key) in members else -1
        return row + members.index(message_of(key)) if row >= 0 else -1

    def row_of_thread(self, thread: int) -> int:
        """The row of a conversation, or -1."""
        found = self.source.members([thread]).get(thread, ()) if thread else ()
        return next((row for one in found if (row := self._row(one)) >= 0), -1)

    def _row(self, message_id: int) -> int:
        """The row of a message that has one of its own, out of an open conversation's; or -1."""
        if self.source.sort.by_date:
            return find(self.rows, message_id, up=self.source.up)
        return locate(self.rows, self.order.split, message_id, self.source.sorting())

    def id_at(self, row: int) -> MessageId | None:
        """The message of a row; None for a heading or no row."""
        if 0 <= row < len(self.rows) and not is_heading(self.rows[row]):
            return MessageId(message_of(self.rows[row]))
        return None

    def thread_of(self, message_id: int) -> int:
        """The conversation that a message is listed with; 0 where each is listed by itself."""
        return thread_of(self.order, message_id)

    def is_folded(self, thread: int) -> bool:
        """Whether the messages of a conversation have one row together."""
        return self.source.grouped and thread not in self._unfolded

    def concerns(self, keys: Sequence[int]) -> list[MessageId]:
        """The messages that these rows stand for, in their order: a folded conversation stands for all of it here."""
        keys = [key for key in keys if not is_heading(key)]
        if not self.order.threads:
            return [MessageId(key) for key in keys]
        if len(keys) > _ONE_BY_ONE:
            open_heads = {members[0] for members in self._unfolded.values()}
            folded = {key for key in keys if not is_member(key) and key not in open_heads}
            alone = {message_of(key) for key in keys if key not in folded}
            return [MessageId(one) for one in concerned(self.order, folded, alone)]
        threads = {key: thread_of(self.order, key) for key in keys if not is_member(key)}
        members = self.source.members([one for one in threads.values() if one not in self._unfolded])
        found: dict[int, None] = {}
        for key in keys:
            several = members.get(threads.get(key, 0), ())
            found.update(dict.fromkeys(one for one in several if place_of(self.ids, one) >= 0))
            found.setdefault(message_of(key))
        return [MessageId(one) for one in found]

    def unfold(self, row: int, wanted: bool) -> bool:
        """Open the conversation of a row, or fold it; False when it is that already, or has but one message here."""
        one = self.id_at(row)
        thread = thread_of(self.order, one) if one is not None else 0
        if not thread or (thread in self._unfolded) is wanted:
            return False
        if wanted:
            self._unfolded[thread] = []
        else:
            del self._unfolded[thread]
        self._apply(self.order, {thread}, folded=not wanted)
        self._forget_cards({thread})
        return not wanted or thread in self._unfolded

    def heading_rows(self) -> list[int]:
        """Where the headings are."""
        return heading_rows(self.rows, self._periods, up=self.source.up)

    def card(self, row: int) -> Card | None:
        """What to paint for a row; None when the message is gone meanwhile."""
        key = self.rows[row]
        if key not in self._cards:
            self._fetch(row)
        found = self._cards.get(key)
        if isinstance(found, Row):
            found = self._cards[key] = self._card(found, member=is_member(key))
        return found

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
        ids = self.concerns([self.rows[index.row()] for index in indexes])
        data = QMimeData()
        data.setData(MESSAGE_IDS, ",".join(map(str, ids)).encode())
        return data

    # ---- the order
    def _seek(self, source: Source) -> None:
        self.seeking, self._stale = True, False
        self._meanwhile.clear()
        if self._seeker is not None:
            self._question = self._seeker.ask(source.whole)
        elif source.db is not None:
            self._question += 1
            for order, whole in source.whole(source.db):
                self._found(self._question, order, whole)

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

    def _found(self, question: int, order: Order, whole: bool) -> None:
        """The seeker has (a part of) the order."""
        if question != self._question:
            return
        self.seeking = not whole
        news, self._next = self._next, None
        source = news or self.source
        if source.elsewhere and source.sort.by_date:
            order = plain(edited(order.ids, (), source.elsewhere))
        if news is not None:
            self._take(news, order, self._meanwhile)
        elif whole or not self.ids:
            self._correct(order, self._meanwhile | self.source.elsewhere)
        if whole and self._stale:
            QTimer.singleShot(_PAUSE, self, self._seek_again)

    def _not_found(self, question: int, _: object) -> None:
        if question == self._question:
            self._next, self.seeking = None, False
            self.refreshed.emit()

    def _take(self, source: Source, order: Order, asked: Iterable[int]) -> None:
        """List another source."""
        self._now = time.time()
        order = self._staying(source, _corrected(source, order, asked)[0])
        self.beginResetModel()
        self.source = source
        periods = self._periods_of(order)
        self._cards.clear()
        self._unfolded.clear()
        self._put(order, self._with_headings(order, periods), periods)
        self.endResetModel()
        self.refreshed.emit()
        self.shown.emit()

    def _correct(self, order: Order, asked: Iterable[int]) -> None:
        """List ``order`` with each of ``asked`` where it belongs now, or nowhere."""
        asked = [one for one in asked if one not in self._leaving] if self._leaving else list(asked)
        if order is self.order and self._correct_here(asked):
            return
        found, touched = _corrected(self.source, order, asked)
        self._apply(self._staying(self.source, found), touched if order is self.order else None)
        self._forget_cards(touched)

    def _correct_here(self, asked: Sequence[int]) -> bool:
        """The same for a few messages, without a copy of any vector; False where it takes more than that."""
        source, self._now = self.source, time.time()
        by_rows = source.query is None and source.sort.by_date and not source.up and not self._unfolded
        if not by_rows or not self.order.heads:
            return False
        belong = source.among(asked)
        few = (
            edits(self.order, asked, belong, source.members)
            if source.grouped
            else plain_edits(self.order, asked, belong)
        )
        oldest = self.order.heads[-1]
        periods = words.periods(min(oldest, *few.heads_came, oldest) >> 20, self._now)
        if few.many > _FEW or oldest in few.heads_gone or periods != self._periods:
            return False
        self.refreshing.emit()
        edit_here(self.order, few)
        for head in few.heads_gone:
            self._step(removal(self.rows, head))
        for head in few.heads_came:
            self._step(insertion(self.rows, head, periods))
        self.refreshed.emit()
        self._forget_cards(set(few.touched))
        return True

    def _apply(self, order: Order, touched: set[int] | None = None, *, folded: bool = False) -> None:
        """List ``order``, by as few insertions and removals as it takes.

        ``touched`` are the threads whose members may differ from what was listed (None: all); ``folded``: one that was
        open is not any more.
        """
        self.refreshing.emit()
        self._now = time.time()
        periods = self._periods_of(order)
        opened = [thread for thread in self._unfolded if touched is None or thread in touched]
        if order.heads is not self.order.heads or periods != self._periods or opened or folded:
            self._read_unfolded(order, opened)
            rows = spliced(self._with_headings(order, periods), self._unfolded.values(), up=self.source.up)
            self._change(order, rows, periods)
        self.order = order
        self.refreshed.emit()

    def _periods_of(self, order: Order) -> list[tuple[int, str]]:
        by_date = self.source.sort.by_date
        return words.periods(order.heads[-1] >> 20, self._now) if order.heads and by_date else []

    def _with_headings(self, order: Order, periods: list[tuple[int, str]]) -> "array[int]":
        return with_headings(order.heads, periods, up=self.source.up)

    def _read_unfolded(self, order: Order, threads: Sequence[int]) -> None:
        """Which messages open conversations have now; what has but one is not open any more."""
        found = self.source.members(threads) if threads else {}
        for thread in threads:
            members = [one for one in found.get(thread, ()) if place_of(order.ids, one) >= 0]
            if len(members) > 1:
                self._unfolded[thread] = members
            else:
                del self._unfolded[thread]

    def _change(self, order: Order, rows: "array[int]", periods: list[tuple[int, str]]) -> None:
        found = steps(self.rows, rows)
        if found is None:
            self.beginResetModel()
            self._put(order, rows, periods)
            self.endResetModel()
        else:
            for step in found:
                self._step(step)
            self._put(order, self.rows, periods)

    def _put(self, order: Order, rows: "array[int]", periods: list[tuple[int, str]]) -> None:
        self.order, self.rows, self._periods, self._names = order, rows, periods, dict(periods)

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
        wanted = [key for key in self.rows[start : start + _PAGE] if key > 0 and key not in self._cards]
        found = self.source.rows(array("q", map(message_of, wanted)))
        for key in wanted:
            if message_of(key) in found:
                self._cards[key] = found[message_of(key)]
        while len(self._cards) > _KEPT:
            self._cards.popitem(last=False)

    def _forget_cards_of(self, ids: list[int]) -> None:
        """The conversations of these messages are to be read again, wherever the messages lie.

        Of one that is gone from the store nobody knows to which it belonged.
        """
        threads = self.source.threads(ids)
        self._forget_cards(set(threads.values()) if len(threads) == len(ids) else None)

    def _forget_cards(self, threads: set[int] | None) -> None:
        """These conversations are to be read again (None: all)."""
        keys = [key for key, one in self._cards.items() if threads is None or one.thread in threads]
        for key in keys:
            del self._cards[key]
        self._tell(keys)

    def _card(self, row: Row, *, member: bool) -> Card:
        unfolded = row.message.thread_id in self._unfolded
        told = Told(self._now, self.mine, self.tags, outgoing=self.source.outgoing)
        there = row.message.id in self.source.elsewhere
        return card_of(row, told, unfolded=unfolded, member=member, from_server=there)

    def _tell(self, keys: list[int]) -> None:
        if len(keys) > 64 and self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, 0))
            return
        for row in map(self.row_of_key, keys):
            if row >= 0:
                self.dataChanged.emit(self.index(row, 0), self.index(row, 0))


def _corrected(source: Source, order: Order, asked: Iterable[int]) -> tuple[Order, set[int]]:
    """``order`` with each of ``asked`` (and what is kept) where it belongs now; and the threads concerned."""
    asked = list(asked)
    belong = source.among(asked)
    if source.grouped:
        return changed(order, asked, belong, source.members)
    if not source.sort.by_date:
        came = belong if source.query is None else ()  # a search finds what it found
        sorted_ids, split = placed(order.ids, order.split, set(asked) - belong.keys(), came, source.sorting())
        return (plain(sorted_ids, split) if sorted_ids is not order.ids else order), set()
    ids: Iterable[int] = belong
    if source.query is not None:  # a search finds what it found
        ids = [one for one in belong if place_of(order.ids, one) >= 0]
    return (plain(edited(order.ids, asked, ids)) if asked or belong else order), set()
