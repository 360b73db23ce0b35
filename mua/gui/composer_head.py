"""The upper part of a composer: who writes, to whom, and about what."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QGridLayout, QHBoxLayout, QWidget

from mua.gui import words
from mua.gui.address_field import AddressChip, AddressField, Known
from mua.gui.select import Select
from mua.gui.sheets import styled
from mua.gui.spelling_line import SpelledLine
from mua.gui.theme import BASE, READER_MARGIN_X, SECONDARY, TITLE, theme
from mua.gui.widgets import Button, Label
from mua.language import tr
from mua.plan.identities import Sender

_FROM = """
QComboBox { background: transparent; border: 1px solid transparent; padding: 0; min-height: 26px; }
QComboBox:hover { background: @hover; } QComboBox:focus { border: 1px solid @accent; background: transparent; }
"""


class Head(QWidget):
    """From, To, Cc, Bcc, Subject.  ``names`` are those that a letter may come from."""

    changed = Signal()
    """Anything."""
    addressed = Signal()
    """Recipients, or who writes."""
    left = Signal()
    """Enter in the subject: on to the text."""

    def __init__(self, names: Sequence[str], known: Known) -> None:
        super().__init__()
        self.identity = Select(tr("From"))
        self.to, self.cc, self.bcc = (AddressField(name, known) for name in (tr("To"), tr("Cc"), tr("Bcc")))
        self.subject = SpelledLine()
        self.copies = Button(tr("Cc, Bcc"), kind="link")
        self._labels: dict[QWidget, Label] = {}
        styled(self.identity, _FROM)
        self.identity.addItems(list(names))
        self.subject.setAccessibleName(tr("Subject"))
        self.subject.setProperty("kind", "bare")
        self._lay_out()
        for one in (self.identity, self._labels[self.identity]):
            one.setVisible(len(names) > 1)
        self._restyle()
        theme().changed.connect(self._restyle)
        self._connect()

    def fields(self) -> tuple[AddressField, AddressField, AddressField]:
        """To, Cc and Bcc."""
        return self.to, self.cc, self.bcc

    def chips(self) -> list[AddressChip]:
        """All recipients that are chips."""
        return [chip for field in self.fields() for chip in field.chips()]

    def show_copies(self, cc: bool, bcc: bool, focus: bool = False) -> None:
        """Show the fields of copies, or hide them."""
        for field, shown in ((self.cc, cc), (self.bcc, bcc)):
            field.setVisible(shown)
            self._labels[field].setVisible(shown)
        self.copies.setVisible(not (cc and bcc))
        if focus:
            self.cc.setFocus()

    def show_subject(self, shown: bool) -> None:
        """Show what it is about, or leave that to what stands above."""
        self.subject.setVisible(shown)
        self._labels[self.subject].setVisible(shown)

    def title(self) -> str:
        """The subject as a window is called."""
        return words.shown(self.subject.text(), 80)

    # ---- inside
    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(READER_MARGIN_X, 6, READER_MARGIN_X - 8, 6)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(1, 1)
        rows: list[tuple[str, QWidget]] = [
            (tr("From"), self.identity),
            (tr("To"), self.to),
            (tr("Cc"), self.cc),
            (tr("Bcc"), self.bcc),
        ]
        for place, (name, field) in enumerate([*rows, (tr("Subject"), self.subject)]):
            label = self._labels[field] = Label(name, SECONDARY, "tertiary")
            label.setFixedHeight(34)
            grid.addWidget(label, place, 0, Qt.AlignmentFlag.AlignTop)
            top = Qt.AlignmentFlag.AlignTop if isinstance(field, AddressField) else Qt.AlignmentFlag.AlignVCenter
            grid.addWidget(field, place, 1, top)
        beside = QWidget()
        beside.setFixedHeight(34)
        row = QHBoxLayout(beside)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.copies)
        grid.addWidget(beside, 1, 2, Qt.AlignmentFlag.AlignTop)
        grid.setColumnMinimumWidth(0, 52)

    def _connect(self) -> None:
        for field in self.fields():
            field.changed.connect(self.changed)
            field.changed.connect(self.addressed)
        self.subject.textChanged.connect(self._restyle)
        self.subject.textChanged.connect(self.changed)
        self.identity.currentIndexChanged.connect(self.changed)
        self.identity.currentIndexChanged.connect(self.addressed)
        self.copies.clicked.connect(lambda: self.show_copies(True, True, focus=True))
        self.subject.installEventFilter(self)

    def _restyle(self) -> None:
        self.subject.setFont(theme().font(TITLE if self.subject.text() else BASE))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter in the subject goes on to the text."""
        if event.type() == QEvent.Type.KeyPress and watched is self.subject:
            key = event.key()  # type: ignore[attr-defined]
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not QApplication.keyboardModifiers():
                self.left.emit()
                return True
        return False


def shown_sender(sender: Sender) -> str:
    """Who writes, in a list of those who may."""
    name, address = words.shown(sender.address.name, 80), words.shown(sender.address.address, 200)
    return f"{name} <{address}>" if name else address
