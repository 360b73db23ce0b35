"""To, Cc and Bcc: addresses as chips, completed from the people known, with a place to type after them.

Rules of the file: the real address is always visible on its chip; what is not an address stays where it was typed,
marked, with a sentence; everything works by keys: Backspace and arrows walk into the chips, Delete removes one,
Enter takes it back into the text, Ctrl+C copies it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from PySide6.QtCore import QMimeData, QPoint, QRect, QRectF, QSize, QStringListModel, Qt, QTimer, Signal
from PySide6.QtGui import (
    QDrag,
    QDragEnterEvent,
    QDropEvent,
    QFocusEvent,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QCompleter, QLineEdit, QListView, QSizePolicy, QWidget
from shiboken6 import isValid

from mua.gui import address_text, words
from mua.gui.icons import pixmap
from mua.gui.select import POPUP
from mua.gui.sheets import styled
from mua.gui.theme import CHIP_HEIGHT, SECONDARY, SEMIBOLD, theme
from mua.gui.widgets import paint_avatar
from mua.language import tr
from mua.model.address import Address
from mua.model.contact import Group
from mua.model.outlook import Outlook, Seal
from mua.plan.preflight import trouble

MAX_CHIP = 560  # pixels: nearly every name with its whole address
MAX_CHIPS = 500
_GAP = 6
_MARK = 18  # pixels for how the way there is protected
SEALS: Mapping[Seal, tuple[str, str]] = {
    Seal.NONE: ("lock-open", tr("Not encrypted: the servers of {} offered nothing.")),
    Seal.TLS: ("lock", tr("Encrypted; who the servers of {} are is not proven.")),
    Seal.STS: ("shield-check", tr("Encrypted, and {} says which its servers are (MTA-STS).")),
    Seal.DANE: ("shield-check", tr("Encrypted, and the keys of {} prove which its servers are (DANE).")),
}
Known = Callable[[str, Callable[[Sequence[Address | Group]], object]], object]
"""Finds people and groups by a few letters and tells them, now or later; never when it was asked again meanwhile."""


class AddressChip(QWidget):
    """One address.  Invalid ones are framed in red and say why."""

    removed = Signal()
    edited = Signal()
    walked = Signal(int)
    grown = Signal()

    def __init__(self, address: Address, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.address = address
        self.problem = address_text.problem(address)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._pressed: QPoint | None = None
        self.trouble = ""
        """Why a letter would not arrive there, as far as is known: no reason not to send it."""
        self._seal = Seal.UNKNOWN
        self._describe("")
        theme().changed.connect(self.update)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Whom it stands for."""
        return (self.address,)

    def show_outlook(self, outlook: Outlook | None, octets: int) -> None:
        """What is known of the way there (None: nothing) for a letter of so many octets."""
        found = trouble(outlook, self.address.address, octets) if outlook is not None else ""
        seal = outlook.seal if outlook is not None and not found else Seal.UNKNOWN
        if (found, seal) == (self.trouble, self._seal):
            return
        self.trouble, self._seal = found, seal
        self._describe(SEALS[seal][1].format(outlook.domain) if outlook is not None and seal else "")
        self.grown.emit()
        self.update()

    def _describe(self, sealed: str) -> None:
        shown, said = words.shown(str(self.address), 300), self.problem or self.trouble
        keys = tr("Delete removes it, Enter changes it.")
        self.setAccessibleName(f"{shown}. {said or (f'{sealed} {keys}' if sealed else keys)}")
        self.setToolTip(words.tip(said or "\n".join(filter(None, (shown, sealed)))))

    def sizeHint(self) -> QSize:
        scale = max(1.0, theme().scale)
        name, address = self._texts()
        wide = self._metrics(True).horizontalAdvance(name) + self._metrics(False).horizontalAdvance(address)
        between = 6 if name and address else 0
        return QSize(min(MAX_CHIP, 30 + wide + between + self._end()), round(CHIP_HEIGHT * scale))

    def _end(self) -> int:
        """Pixels for the cross, and for the mark before it."""
        return 28 + (_MARK if self._seal else 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        focus = self.hasFocus()
        worry = "danger" if self.problem else "warning" if self.trouble else ""
        ground = worry or ("selection" if focus else "chip")
        edge = "accent" if focus else f"{worry}_line" if worry else ground
        painter.setPen(QPen(theme().colour(edge), 1))
        painter.setBrush(theme().colour(ground))
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        self._paint_inside(painter)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, forward = event.key(), -1 if self.isRightToLeft() else 1
        if key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self.edited.emit()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.walked.emit(forward if key == Qt.Key.Key_Right else -forward)
        elif event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(", ".join(map(str, self.addresses)))
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = event.position().toPoint()
        if self._cross().contains(self._pressed):
            self.removed.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.edited.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """A drag carries the address to another field (or another program)."""
        far = QGuiApplication.styleHints().startDragDistance()
        if self._pressed is None or (event.position().toPoint() - self._pressed).manhattanLength() < far:
            return
        drag, data = QDrag(self), QMimeData()
        data.setText(address_text.joined(self.addresses))
        drag.setMimeData(data)
        self._pressed = None
        drag.exec(Qt.DropAction.MoveAction | Qt.DropAction.CopyAction, Qt.DropAction.MoveAction)
        target = drag.target()
        if isinstance(target, AddressField) and not target.isAncestorOf(self):
            self.removed.emit()  # it is there now; anywhere else (in the text, in its own field) it was copied

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def _texts(self) -> tuple[str, str]:
        return words.shown(self.address.name, 100), words.shown(self.address.address, 300)

    def _metrics(self, bold: bool) -> QFontMetrics:
        return QFontMetrics(theme().font(SECONDARY, SEMIBOLD) if bold else theme().font(SECONDARY))

    def _cross(self) -> QRect:
        right = QRect(self.width() - 24, 0, 24, self.height())
        return QRect(0, 0, 24, self.height()) if self.isRightToLeft() else right

    def _paint_inside(self, painter: QPainter) -> None:
        mirrored, side = self.isRightToLeft(), self.height() - 6
        disc = QRect(self.width() - 3 - side if mirrored else 3, 3, side, side)
        name, address = self._texts()
        tone = "on_danger" if self.problem else "on_warning" if self.trouble else "text"
        if self.problem or self.trouble:
            sign = "circle-alert" if self.problem else "triangle-alert"
            painter.drawPixmap(disc.adjusted(3, 3, -3, -3), pixmap(sign, tone, 14))
        else:
            self._paint_face(painter, disc)
        end = self._end() - 4
        room = self.width() - side - 9 - end
        left = end if mirrored else side + 9
        bold = self._metrics(True)
        name = bold.elidedText(name, Qt.TextElideMode.ElideRight, room * 3 // 5 if address else room)
        used = bold.horizontalAdvance(name) + 6 if name else 0
        address = self._metrics(False).elidedText(address, Qt.TextElideMode.ElideMiddle, max(0, room - used))
        first = QRect(left + room - used if mirrored else left, 0, used, self.height())
        rest = QRect(left if mirrored else left + used, 0, room - used, self.height())
        side_flag = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
        flags = Qt.AlignmentFlag.AlignVCenter | side_flag | Qt.AlignmentFlag.AlignAbsolute
        painter.setPen(theme().colour(tone))
        painter.setFont(theme().font(SECONDARY, SEMIBOLD))
        painter.drawText(first, flags, name)
        painter.setPen(theme().colour(tone if tone != "text" or not name else "secondary"))
        painter.setFont(theme().font(SECONDARY))
        painter.drawText(rest, flags, address)
        if self._seal:
            mark = pixmap(SEALS[self._seal][0], "tertiary", 12)
            painter.drawPixmap(24 if mirrored else self.width() - 24 - 12, self.height() // 2 - 6, mark)
        cross = self._cross()
        painter.drawPixmap(cross.center().x() - 5, cross.center().y() - 5, pixmap("x", "tertiary", 12))

    def _paint_face(self, painter: QPainter, disc: QRect) -> None:
        paint_avatar(painter, disc, self.address.name, self.address.address)


class GroupChip(AddressChip):
    """A group in one chip.  Enter or a double click puts its members in its place."""

    def __init__(self, group: Group, parent: QWidget | None = None) -> None:
        self.group = group
        super().__init__(Address(group.name, group.members[0].address), parent)
        self.problem = next((one for one in map(address_text.problem, group.members) if one), "")
        self._describe("")

    @property
    def addresses(self) -> tuple[Address, ...]:
        return self.group.members

    def show_outlook(self, outlook: Outlook | None, octets: int) -> None:
        """Its members go many ways: nothing is shown of them until they are seen."""

    def _describe(self, sealed: str) -> None:
        shown, many = self._texts()
        who = ", ".join(words.shown(str(one), 100) for one in self.group.members[:20])
        self.setAccessibleName(
            tr("Group {shown}, {many}: {who}.", shown=shown, many=many, who=who)
            + f" {self.problem or tr('Enter shows them, Delete removes it.')}"
        )
        self.setToolTip(words.tip(self.problem or f"{who}{' …' if len(self.group.members) > 20 else ''}"))

    def _texts(self) -> tuple[str, str]:
        return words.shown(self.group.name, 100), words.count(len(self.group.members), "person", "people")

    def _paint_face(self, painter: QPainter, disc: QRect) -> None:
        painter.drawPixmap(disc.adjusted(3, 3, -3, -3), pixmap("users", "secondary", 14))


class _Entry(QLineEdit):
    """Where an address is typed; separators end it, a paste may hold many."""

    ended = Signal()
    pasted = Signal(str)
    walked_back = Signal(bool)
    focused = Signal()
    choosing: Callable[[], bool] = staticmethod(lambda: False)
    """A person of the list is marked: Enter takes that one."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab) and self.choosing():
            event.ignore()
        elif self._ends(key):
            self.ended.emit()
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_Left) and not self.text():
            self.walked_back.emit(key == Qt.Key.Key_Backspace)
        elif event.matches(QKeySequence.StandardKey.Paste):
            self.pasted.emit(QGuiApplication.clipboard().text())
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focused.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focused.emit()

    def _ends(self, key: int) -> bool:
        """Does this key end an address?  A separator outside quotes, Enter, and a blank after a whole address."""
        text = self.text().strip()
        if key in (Qt.Key.Key_Comma, Qt.Key.Key_Semicolon):
            return text.count('"') % 2 == 0
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return bool(text)
        return key == Qt.Key.Key_Space and not address_text.problem(Address("", text))


class AddressField(QWidget):
    """Chips and an entry, wrapped over as many rows as are needed.  ``known`` finds people by a few letters."""

    changed = Signal()

    def __init__(self, label: str, known: Known, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._known = known
        self._chips: list[AddressChip] = []
        self.entry = _Entry(self)
        self.entry.setProperty("kind", "bare")
        self.entry.setAccessibleName(label)
        self.setAccessibleName(label)
        self.setFocusProxy(self.entry)
        self.setAcceptDrops(True)
        self.entry.setAcceptDrops(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._model = QStringListModel(self)
        self._people: list[Address | Group] = []
        self._asked = ""
        """The letters that ``known`` has not answered yet."""
        self._hurried = False
        """Enter came before that answer."""
        self._popup = QListView()
        self._completer = self._make_completer()
        self.entry.ended.connect(self._ended)
        self.entry.pasted.connect(self._paste)
        self.entry.walked_back.connect(self._walk_in)
        self.entry.focused.connect(self._arrange)
        self.entry.textEdited.connect(self._complete)
        self.entry.textChanged.connect(lambda _: self.changed.emit())
        self.entry.editingFinished.connect(self._left)
        theme().changed.connect(self._arrange)
        self._arrange()

    def addresses(self) -> tuple[Address, ...]:
        """What the field holds, each once, with what is still being typed."""
        held = [one for chip in self._chips for one in chip.addresses]
        found: dict[str, Address] = {}
        for one in (*held, *address_text.split(self.entry.text())):
            found.setdefault(one.address.lower(), one)
        return tuple(found.values())

    def set_addresses(self, many: Iterable[Address]) -> None:
        """Hold these instead."""
        for chip in self._chips:
            chip.deleteLater()
        self._chips = []
        self.entry.clear()
        self._add(many)

    def problems(self) -> list[str]:
        """A sentence for each address that is none."""
        return [one for one in map(address_text.problem, self.addresses()) if one]

    def chips(self) -> list[AddressChip]:
        """The chips, in order."""
        return list(self._chips)

    def finish(self) -> None:
        """What was typed becomes chips."""
        self._asked, self._hurried = "", False
        text = self.entry.text()
        if text.strip(" ,;"):
            self.entry.clear()
            self._add(address_text.split(text))
        self._popup.hide()

    def show_problem(self) -> None:
        """Put the keyboard on the first address that is none."""
        self.finish()
        for chip in self._chips:
            if chip.problem:
                chip.setFocus(Qt.FocusReason.ShortcutFocusReason)
                return

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.entry.setFocus(Qt.FocusReason.MouseFocusReason)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasText() and "@" in event.mimeData().text():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self._paste(event.mimeData().text())
        event.acceptProposedAction()

    # ---- inside
    def _make_completer(self) -> QCompleter:
        completer = QCompleter(self._model, self)
        completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        completer.setWidget(self.entry)
        completer.activated.connect(lambda _: self._take())
        completer.setPopup(self._popup)
        self.entry.choosing = lambda: self._popup.isVisible() and self._popup.currentIndex().isValid()
        self._popup.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._popup.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        completer.setMaxVisibleItems(8)
        self._popup.setAccessibleName(tr("People you know"))
        self._popup.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        styled(self._popup, POPUP)
        styled(self.entry, "QLineEdit { min-height: 20px; }")
        return completer

    def _ended(self) -> None:
        """A separator or Enter; one that comes faster than the people known does what it would a moment on."""
        if self._asked and "@" not in self._asked and self._asked == self.entry.text().strip():
            self._hurried = True
        else:
            self.finish()

    def _complete(self, text: str) -> None:
        text = text.strip()
        self._asked, self._hurried = text, False
        if text:
            self._known(text, lambda found: self._offer(text, found) if isValid(self) else None)
        else:
            self._offer(text, [])

    def _offer(self, text: str, found: Sequence[Address | Group]) -> None:
        """The people that ``text`` may mean, below the entry, unless it has changed meanwhile."""
        if self.entry.text().strip() != text or (text and not self._asked):
            return
        hurried, self._asked, self._hurried = self._hurried, "", False
        have = {one.address.lower() for chip in self._chips for one in chip.addresses}
        self._people = [one for one in found if _is_new(one, have) and (isinstance(one, Group) or "@" in one.address)][
            :8
        ]
        if hurried:
            self._hurry()
            return
        self._model.setStringList([_offered(one) for one in self._people])
        if not self._people:
            self._popup.hide()
            return
        self._completer.complete(QRect(0, self.entry.height() + 4, min(520, max(300, self.width())), 0))
        first = self._people[0]
        sure = "@" not in text or (isinstance(first, Address) and first.address.lower().startswith(text.lower()))
        self._popup.setCurrentIndex(self._completer.completionModel().index(0, 0) if sure else self._popup.rootIndex())

    def _hurry(self) -> None:
        if self._people:
            self.entry.clear()
            self._add([self._people[0]])
        else:
            self.finish()

    def _take(self) -> None:
        row = self._popup.currentIndex().row()
        if 0 <= row < len(self._people):
            chosen = self._people[row]
            self.entry.clear()
            self._add([chosen])
            QTimer.singleShot(0, self.entry.clear)

    def _paste(self, text: str) -> None:
        if "@" not in text and not any(mark in text for mark in ",;\n"):
            self.entry.insert(text)
            return
        self.finish()
        self._add(address_text.split(text))

    def _left(self) -> None:
        if not self._popup.isVisible():
            self.finish()

    def _add(self, many: Iterable[Address | Group]) -> None:
        have = {one.address.lower() for chip in self._chips for one in chip.addresses}
        for one in many:
            if not _is_new(one, have) or len(self._chips) >= MAX_CHIPS:
                continue
            chip = GroupChip(one, self) if isinstance(one, Group) else AddressChip(one, self)
            have.update(member.address.lower() for member in chip.addresses)
            chip.removed.connect(lambda chip=chip: self._remove(chip))
            chip.edited.connect(lambda chip=chip: self._edit(chip))
            chip.grown.connect(self._arrange)
            chip.walked.connect(lambda by, chip=chip: self._walk(chip, by))
            chip.show()
            self._chips.append(chip)
        self._arrange()
        self.changed.emit()

    def _remove(self, chip: AddressChip) -> None:
        if chip in self._chips:
            self._chips.remove(chip)
            chip.hide()
            chip.deleteLater()
            self.entry.setFocus()
            self._arrange()
            self.changed.emit()

    def _edit(self, chip: AddressChip) -> None:
        self.finish()
        self._remove(chip)
        if isinstance(chip, GroupChip):
            self._add(chip.addresses)
            return
        self.entry.setText(address_text.joined([chip.address]) if chip.address.name else chip.address.address)

    def _walk_in(self, _: bool) -> None:
        if self._chips:
            self._chips[-1].setFocus(Qt.FocusReason.OtherFocusReason)

    def _walk(self, chip: AddressChip, by: int) -> None:
        place = self._chips.index(chip) + by
        if place >= len(self._chips):
            self.entry.setFocus()
        elif place >= 0:
            self._chips[place].setFocus(Qt.FocusReason.OtherFocusReason)

    def _arrange(self) -> None:
        """Chips from the start, rows of equal height, the entry where room is left."""
        tall = round(CHIP_HEIGHT * max(1.0, theme().scale))
        x, y, width = 0, 4, max(120, self.width())
        for chip in self._chips:
            wide = min(chip.sizeHint().width(), width)
            if x and x + wide > width:
                x, y = 0, y + tall + _GAP
            chip.setGeometry(self._place(x, y, wide, tall))
            x += wide + _GAP
        if x and width - x < (90 if self.entry.hasFocus() or self.entry.text() else 4):  # nobody types there: no room
            x, y = 0, y + tall + _GAP
        self.entry.setGeometry(self._place(x, y, width - x, tall))
        self.setFixedHeight(y + tall + 4)

    def _place(self, x: int, y: int, wide: int, tall: int) -> QRect:
        return QRect(self.width() - x - wide if self.isRightToLeft() else x, y, wide, tall)


def _is_new(one: Address | Group, have: set[str]) -> bool:
    """Whether somebody is in it who is not in the field yet."""
    if isinstance(one, Group):
        return any(member.address.lower() not in have for member in one.members)
    return one.address.lower() not in have and bool(one.address)


def _offered(one: Address | Group) -> str:
    if isinstance(one, Address):
        return words.shown(str(one), 200)
    return f"{words.shown(one.name, 100)} ({words.count(len(one.members), 'person', 'people')})"
