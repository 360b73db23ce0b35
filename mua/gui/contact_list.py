"""The list of contacts: a hundred thousand rows of which those in sight are read.

Rules of the file: the model holds ids; a row is read from the store when it is first shown, with its neighbours.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from mua.gui import words
from mua.gui.message_cards import Pen
from mua.gui.theme import BASE, SECONDARY, SEMIBOLD, theme
from mua.gui.widgets import paint_avatar
from mua.language import tr
from mua.model.contact import Contact, ContactId

Index = QModelIndex | QPersistentModelIndex
CONTACT = Qt.ItemDataRole.UserRole
_PAGE = 100  # rows read at once
_KEPT = 5_000  # rows
_ROW, _DISC = 54, 34  # pixels


class ContactModel(QAbstractListModel):
    """Rows of contacts; ``read`` gives those of some ids."""

    def __init__(self, read: Callable[[Sequence[int]], list[Contact]]) -> None:
        super().__init__()
        self._read = read
        self.ids: list[int] = []
        self._rows: dict[int, Contact] = {}

    def show(self, ids: Sequence[int], rows: Sequence[Contact] = ()) -> None:
        """List these; ``rows`` are known already."""
        self.beginResetModel()
        self.ids = list(ids)
        self._rows = {one.id: one for one in rows}
        self.endResetModel()

    def contact(self, row: int) -> Contact | None:
        """Whose row it is; None: they are gone meanwhile."""
        if not 0 <= row < len(self.ids):
            return None
        one = self.ids[row]
        if one not in self._rows and one > 0:
            start = row // _PAGE * _PAGE
            if len(self._rows) > _KEPT:
                self._rows.clear()
            self._rows.update((found.id, found) for found in self._read(self.ids[start : start + _PAGE]))
        return self._rows.get(ContactId(one))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        return 0 if parent.isValid() else len(self.ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        found = self.contact(index.row())
        if found is None:
            return None
        if role == CONTACT:
            return found
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            said = (
                shown_name(found),
                found.addresses[0] if found.addresses else "",
                tr("Group") if found.is_group else "",
                found.problem,
            )
            return words.shown(", ".join(one for one in dict.fromkeys(said) if one), 300)
        return None


def shown_name(one: Contact) -> str:
    """How somebody is called where there is room for one name."""
    return words.shown(one.name, 200) or tr("Without a name")


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, round(_ROW * max(1.0, theme().scale)))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        found = index.data(CONTACT)
        if found is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen, area = Pen(painter, option), option.rect
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            pen.disc(QRectF(area.adjusted(6, 1, -6, -1)), "selection" if chosen else "hover", 8)
        side = round(_DISC * max(1.0, theme().scale))
        disc = QRect(area.left() + 16, area.top() + (area.height() - side) // 2, side, side)
        address = found.addresses[0] if found.addresses else ""
        if found.is_group:
            pen.disc(QRectF(pen.place(disc)), "chip", side / 2)
            pen.icon(disc.left() + (side - 18) // 2, disc.top() + (side - 18) // 2, "users", "secondary", 18)
        else:
            paint_avatar(painter, pen.place(disc), shown_name(found), address)
        room = area.adjusted(disc.right() - area.left() + 12, 6, -16, -6)
        half = room.height() // 2
        first, second = (
            QRect(room.left(), room.top(), room.width(), half),
            QRect(room.left(), room.top() + half, room.width(), half),
        )
        if found.problem:
            pen.icon(room.right() - 18, area.top() + (area.height() - 18) // 2, "triangle-alert", "on_danger", 18)
            for line in (first, second):
                line.setRight(room.right() - 26)
        beneath = words.shown(address, 200) or (tr("Group") if found.is_group else tr("No address"))
        pen.text(first, shown_name(found), theme().font(BASE, SEMIBOLD), "text")
        pen.text(second, beneath, theme().font(SECONDARY), "secondary")
        painter.restore()


class ContactList(QListView):
    """The list.  Enter or a double click ``opened`` the card's first act, Delete ``deleted`` what is selected."""

    opened = Signal()
    deleted = Signal()
    edited = Signal()
    letters = Signal(str)
    """Letters that were typed here are meant for the search."""
    moved = Signal()

    def __init__(self, model: ContactModel) -> None:
        super().__init__()
        self.setModel(model)
        self.setItemDelegate(_Delegate(self))
        self.setAccessibleName(tr("Contacts"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.doubleClicked.connect(lambda _: self.opened.emit())
        self.selectionModel().selectionChanged.connect(lambda *_: self.moved.emit())
        theme().changed.connect(self.viewport().update)

    def chosen(self) -> list[Contact]:
        """Who is selected, in the order of the list."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        model = self.model()
        assert isinstance(model, ContactModel)
        return [one for row in rows if (one := model.contact(row)) is not None]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, text = event.key(), event.text()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
        elif key == Qt.Key.Key_Delete:
            self.deleted.emit()
        elif key == Qt.Key.Key_F2:
            self.edited.emit()
        elif text.isprintable() and text.strip() and event.modifiers() in (_NONE, Qt.KeyboardModifier.ShiftModifier):
            self.letters.emit(text)
        else:
            super().keyPressEvent(event)


_NONE = Qt.KeyboardModifier.NoModifier
