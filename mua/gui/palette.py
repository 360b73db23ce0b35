"""The command palette (Ctrl+K) and every "type to choose": actions, places, people, settings, by a few letters.

Rules of the file: it shows ``Choice``s and calls the chosen one's ``act``; matching is a pure function; the key of an
action stands beside it, so that the palette teaches the keys.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPainter, QPainterPath, QRegion, QResizeEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from mua.gui.message_cards import Pen
from mua.gui.theme import BASE, META, SECONDARY, theme
from mua.gui.widgets import Field, Label, Line
from mua.language import tr
from mua.records import dataclass

CHOICE = Qt.ItemDataRole.UserRole + 1
_ROW = 36
_RADIUS = 12  # of the panel in theme.py
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose: its words, what stands at the end ("Ctrl+R", "maya@example.org"), its icon and its act."""

    text: str
    detail: str
    icon: str
    act: Callable[[], object]


Later = Callable[[list[Choice]], object]


def score(wanted: str, text: str, detail: str = "") -> int:
    """How well ``wanted`` fits ``text``, and what stands behind it: 0 not at all.

    A start beats a word's start, that beats letters inside a word, then all words somewhere, then letters in order
    (``_abbreviates``).
    """
    wanted, text = " ".join(wanted.casefold().split()), text.casefold()
    if not wanted:
        return 1
    if text.startswith(wanted):
        return 1_000 - len(text)
    if f" {wanted}" in text:
        return 700 - len(text)
    if wanted in text:
        return 500 - len(text)
    if all(word in f"{text} {detail.casefold()}" for word in wanted.split()):
        return max(2, 300 - len(text))
    return int(_abbreviates(wanted.replace(" ", ""), text))


def _abbreviates(letters: str, text: str) -> bool:
    """Each letter is found in order: where a word begins, or at most one letter behind the last one is left out."""
    begins = [not text[at - 1 : at].isalnum() for at in range(len(text))]
    places = [at for at, letter in enumerate(text) if letter == letters[0] and begins[at]]
    for wanted in letters[1:]:
        before, known = min(places, default=len(text)), set(places)
        places = [
            at
            for at, letter in enumerate(text)
            if letter == wanted and at > before and (begins[at] or at - 1 in known or at - 2 in known)
        ]
    return bool(places)


def ranked(wanted: str, choices: Sequence[Choice], later: Sequence[Choice] = (), limit: int = 50) -> list[Choice]:
    """The choices that fit, best first; without words, in their own order.  ``later`` fit and were found elsewhere:
    they stand above what is abbreviated only, which mostly nobody meant.
    """
    scored = [(score(wanted, one.text, one.detail), one) for one in choices]
    found = [(points, one) for points, one in scored if points]
    if wanted.strip():
        found.sort(key=lambda pair: -pair[0])
    strong = [one for points, one in found if points > 1]
    return [*strong, *later, *(one for points, one in found if points == 1)][:limit]


class _Choices(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Choice] = []

    def show(self, choices: list[Choice]) -> None:
        self.beginResetModel()
        self.shown = choices
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(self.shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        choice = self.shown[index.row()]
        if role == CHOICE:
            return choice
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{choice.text}, {choice.detail}" if choice.detail else choice.text
        return None


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, round(_ROW * max(1.0, theme().scale)))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        choice = index.data(CHOICE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen, area = Pen(painter, option), option.rect
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            chosen = bool(option.state & QStyle.StateFlag.State_Selected)
            pen.disc(QRectF(area.adjusted(8, 1, -8, -1)), "selection" if chosen else "hover", 8)
        pen.icon(area.left() + 20, area.top() + (area.height() - 18) // 2, choice.icon, "secondary", 18)
        font = theme().font(SECONDARY)
        room = area.adjusted(50, 0, -20, 0)
        detail = pen.text(room.adjusted(room.width() // 2, 0, 0, 0), choice.detail, font, "tertiary", end=True)
        pen.text(room.adjusted(0, 0, -detail - 12, 0), choice.text, theme().font(BASE), "text")
        painter.restore()


class Palette(QDialog):
    """A field and the choices below it."""

    def __init__(
        self,
        parent: QWidget,
        title: str,
        choices: Sequence[Choice],
        new: Callable[[str], Choice | None] | None = None,
        more: Callable[[str, Later], object] | None = None,
    ) -> None:
        """``new``: what else the letters could mean; it stands below what fits them.  ``more``: finds others that fit
        the letters, and tells them later.
        """
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(title)
        self._choices, self._new, self._more = choices, new, more
        self._model = _Choices()
        self.field = Field(title, title)
        self.field.setProperty("kind", "bare")
        self.field.lead("search")
        self.list = QListView()
        self.list.setAccessibleName(title)
        self.list.setModel(self._model)
        self.list.setItemDelegate(_Delegate(self.list))
        self.list.setMouseTracking(True)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._lay_out()
        self.field.textChanged.connect(self._narrow)
        self.field.returnPressed.connect(lambda: self._choose(self.list.currentIndex()))
        self.list.clicked.connect(self._choose)
        self.field.installEventFilter(self)
        self._narrow("")

    def open_over(self) -> None:
        """Show near the top of the parent."""
        parent = self.parentWidget()
        if parent is not None:
            width = min(560, parent.width() - 40)
            self.resize(width, min(440, parent.height() - 80))
            corner = parent.mapToGlobal(parent.rect().topLeft())
            self.move(corner.x() + (parent.width() - width) // 2, corner.y() + min(96, parent.height() // 8))
        self.show()
        self.field.setFocus()

    def shown(self) -> list[Choice]:
        """What fits the words."""
        return list(self._model.shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """X11 without a compositor paints what is translucent black: the corners are cut away there."""
        super().resizeEvent(event)
        if QGuiApplication.platformName() == "xcb":
            outline = QPainterPath()
            outline.addRoundedRect(QRectF(self.rect()), _RADIUS, _RADIUS)
            self.setMask(QRegion(outline.toFillPolygon().toPolygon()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move in the list while the words keep the keyboard."""
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}.get(
            Qt.Key(event.key())
        )
        if step is None:
            super().keyPressEvent(event)
            return
        row = max(0, min(self._model.rowCount() - 1, self.list.currentIndex().row() + step))
        self.list.setCurrentIndex(self._model.index(row))

    def _lay_out(self) -> None:
        panel = QFrame()
        panel.setProperty("kind", "panel")
        column = QVBoxLayout(panel)
        column.setContentsMargins(0, 8, 0, 8)
        column.setSpacing(6)
        top = QHBoxLayout()
        top.setContentsMargins(16, 0, 16, 0)
        top.addWidget(self.field)
        column.addLayout(top)
        column.addWidget(Line())
        column.addWidget(self.list, 1)
        self._none = Label(tr("Nothing fits these letters."), BASE, "tertiary")
        self._none.setContentsMargins(20, 4, 20, 8)
        column.addWidget(self._none)
        hint = Label(tr("↑ ↓ to move, Enter to choose, Esc to leave"), META, "tertiary")
        hint.setContentsMargins(20, 0, 20, 0)
        column.addWidget(hint)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(panel)

    def _narrow(self, text: str) -> None:
        self._list(text, [])
        self.list.setCurrentIndex(self._model.index(0))
        if self._more is not None and text.strip():
            self._more(text, lambda found: self._add(text, found))

    def _add(self, text: str, found: list[Choice]) -> None:
        """``found`` fit these letters, too, if they still stand there."""
        if isValid(self) and self.field.text() == text:
            row = max(0, self.list.currentIndex().row())
            self._list(text, found)
            self.list.setCurrentIndex(self._model.index(row))

    def _list(self, text: str, later: list[Choice]) -> None:
        other = self._new(text) if self._new is not None else None
        self._model.show([*ranked(text, self._choices, later), *([other] if other is not None else [])])
        self._none.setVisible(self._model.rowCount() == 0)

    def _choose(self, index: QModelIndex) -> None:
        if index.isValid():
            choice = index.data(CHOICE)
            self.close()
            choice.act()
