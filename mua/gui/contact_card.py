"""One contact as a person reads it: picture, name, ways to reach them, and what can be done.

Rules of the file: what a card says is a stranger's text: shown harmless, never as markup; an address is written to by
this program, and nothing else in a card is followed.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from mua.gui import words
from mua.gui.contact_list import shown_name
from mua.gui.theme import BASE, META, SECONDARY, TITLE
from mua.gui.widgets import Avatar, Button, Flow, Label, ToolButton, paint_face
from mua.language import tr
from mua.mime.contact import Details, Entry
from mua.model.contact import Contact

_FACE = 84  # pixels
LABELS = {"home": tr("Home"), "work": tr("Work"), "cell": tr("Mobile"), "other": tr("Other")}


class Face(Avatar):
    """A large disc: the card's own picture, where it was drawn."""

    def __init__(self) -> None:
        super().__init__(_FACE)
        self._picture: QPixmap | None = None

    def show_picture(self, picture: QPixmap | None) -> None:
        """The picture; None: initials."""
        self._picture = picture
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._picture is None:
            super().paintEvent(event)
        else:
            paint_face(QPainter(self), self.rect(), self._picture)


class ContactCard(QScrollArea):
    """The pane beside the list."""

    written = Signal(str)
    """Write to this address."""
    done = Signal(str)
    """What was pressed: one of the deeds that ``show_contact`` was given."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self.face = Face()
        self.buttons: dict[str, Button] = {}
        self.contact: Contact | None = None

    def show_contact(
        self,
        contact: Contact,
        about: Details,
        book: str,
        deeds: Sequence[tuple[str, str, str]],
        note: str = "",
        alarming: bool = False,
    ) -> None:
        """``deeds``: (name, text, icon) of what can be done; ``note``: what there is to say beside."""
        self.contact = contact
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(28, 24, 28, 28)
        column.setSpacing(14)
        column.addLayout(self._head(contact, about))
        column.addWidget(self._deeds(deeds))
        if note:
            column.addWidget(Label(note, SECONDARY, "danger" if alarming else "secondary", wrap=True))
        column.addLayout(self._facts(about, book))
        column.addStretch()
        self._put(inside, tr("Contact {name}", name=shown_name(contact)))

    def show_widget(self, widget: QWidget, name: str) -> None:
        """Something else in the card's place."""
        self.contact = None
        self._put(widget, name)

    # ---- inside
    def _put(self, widget: QWidget, name: str) -> None:
        self.setWidget(widget)
        widget.setAutoFillBackground(False)  # which it was given just now
        self.setAccessibleName(name)

    def _head(self, contact: Contact, about: Details) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(18)
        self.face = Face()
        self.face.show_person(shown_name(contact), contact.addresses[0] if contact.addresses else "")
        row.addWidget(self.face, 0, Qt.AlignmentFlag.AlignTop)
        text = QVBoxLayout()
        text.setSpacing(2)
        text.setContentsMargins(0, 8, 0, 0)
        text.addWidget(_selectable(Label(shown_name(contact), TITLE, bold=True, wrap=True)))
        for one in (about.title, about.organisation, f"“{about.nickname}”" if about.nickname else ""):
            if one:
                text.addWidget(_selectable(Label(words.shown(one, 300), SECONDARY, "secondary", wrap=True)))
        row.addLayout(text, 1)
        row.setAlignment(text, Qt.AlignmentFlag.AlignTop)
        return row

    def _deeds(self, deeds: Sequence[tuple[str, str, str]]) -> Flow:
        flow = Flow(8)
        self.buttons = {}
        for name, text, icon in deeds:
            button = self.buttons[name] = Button(text, icon, "danger" if name == "delete" else "")
            button.clicked.connect(_emitter(self.done, name))
        flow.fill(list(self.buttons.values()))
        return flow

    def _facts(self, about: Details, book: str) -> QGridLayout:
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        for one in about.emails:
            self._row(grid, _called(one, tr("Address")), one.value, self._write_button(one.value))
        for what, entries in ((tr("Phone"), about.phones), (tr("Place"), about.places), (tr("Link"), about.links)):
            for one in entries:
                self._row(grid, _called(one, what), one.value)
        for what, text in (
            (tr("Birthday"), about.birthday),
            (tr("Groups"), ", ".join(about.groups)),
            (tr("Note"), about.note),
            (tr("Book"), book),
        ):
            if text:
                self._row(grid, what, text)
        return grid

    @staticmethod
    def _row(grid: QGridLayout, name: str, value: str, end: QWidget | None = None) -> None:
        place = grid.rowCount()
        lines = "\n".join(words.shown(one, 1000) for one in value.split("\n")[:100])
        side = Qt.AlignmentFlag.AlignTop if end is None else Qt.AlignmentFlag.AlignVCenter
        grid.addWidget(Label(name, META, "tertiary"), place, 0, side)
        grid.addWidget(_selectable(Label(lines, BASE, wrap=True)), place, 1)
        if end is not None:
            grid.addWidget(end, place, 2, Qt.AlignmentFlag.AlignTop)

    def _write_button(self, address: str) -> ToolButton:
        button = ToolButton("square-pen", tr("Write to {address}", address=words.shown(address, 100)))
        button.clicked.connect(lambda: self.written.emit(address))
        return button


def _selectable(label: Label) -> Label:
    """Text that can be marked; it stands beside its name also where the window is written from right to left."""
    if QGuiApplication.isRightToLeft():
        side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute
        label.setAlignment(side | Qt.AlignmentFlag.AlignVCenter)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _emitter(signal: SignalInstance, name: str) -> Callable[[], None]:
    def emit() -> None:
        signal.emit(name)

    return emit


def _called(one: Entry, usual: str) -> str:
    said = " ".join(LABELS.get(word, word) for word in one.label.split())
    return words.shown(said, 60) or usual
