"""What the header says of the author: the one mark beside the addresses, and the lines behind it.

Rules of the file: nothing here says that a message is safe; a mark is calm, in our own words, and never an empty
promise: where there is nothing to say there is none.  Text from a mail is neutralised.
"""

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from mua.gui import words
from mua.gui.icons import icon
from mua.gui.notices import Banner
from mua.gui.theme import META, SECONDARY, theme
from mua.gui.widgets import Button, IconLabel, Label
from mua.language import tr
from mua.model.author import Note
from mua.records import dataclass

_QUESTION: Final = tr(
    "This message says that it is signed. Mua can check that for what you read. It asks the DNS for the signers’ keys,"
    " which can tell a sender that a message is being read."
)
_MARKED: Final = 5  # the last rank that is worth a mark: what is in order on most mail is told only when asked for
_AROUND: Final = 22  # pixels beside picture and text


@dataclass(frozen=True, slots=True)
class Said:
    """One line: a picture, the role of its colour, a sentence; the lowest ``rank`` is the mark."""

    icon: str
    role: str
    text: str
    rank: int


def of_notes(notes: Sequence[Note]) -> list[Said]:
    """What is odd about the author, as lines."""
    return [
        Said("shield-alert", "on_danger", one.text, 0) if one.grave else Said("info", "secondary", one.text, 4)
        for one in notes
    ]


class Mark(QToolButton):
    """The first of the lines; pressed, it opens all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "link")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._said = ""
        self._picture = ("info", "secondary")
        self.setAccessibleName(tr("About the sender"))
        self.hide()
        theme().changed.connect(self._tint)

    def show_lines(self, lines: Sequence[Said]) -> None:
        """Show the line that matters most; nothing where there is none."""
        first = min((one for one in lines if one.rank <= _MARKED), key=lambda one: one.rank, default=None)
        self._said = words.shown(first.text, 400) if first is not None else ""
        self.setVisible(bool(self._said))
        if first is None:
            return
        self.setToolTip(words.tip(self._said))
        self.setAccessibleName(tr("About the sender: {said}", said=self._said))
        self._picture = (first.icon, first.role)
        self._tint()
        self._fit()

    @property
    def said(self) -> str:
        """The whole line; empty where there is none."""
        return self._said

    def resizeEvent(self, event: QResizeEvent) -> None:
        """End the line where room ends."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setMaximumWidth(self.fontMetrics().horizontalAdvance(self._said) + theme().grown(14) + _AROUND)
        room = max(60, self.width() - theme().grown(14) - _AROUND + 2)
        self.setText(" " + self.fontMetrics().elidedText(self._said, Qt.TextElideMode.ElideRight, room))

    def _tint(self) -> None:
        side = theme().grown(14)
        self.setIcon(icon(*self._picture, side))


class Lines(QWidget):
    """All of the lines."""

    journey_wanted = Signal()
    """The way of the message."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout()
        self._column.setSpacing(4)
        self.question = Banner(_QUESTION, "info", "shield-alert", stacked=True)
        self.question.hide()
        self.way = Button(tr("The way it came"), kind="link")
        self.way.clicked.connect(self.journey_wanted)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(6)
        whole.addLayout(self._column)
        whole.addWidget(self.question)
        way = QHBoxLayout()
        way.setContentsMargins(-6, 0, 0, 0)  # its words begin where the others do
        way.addWidget(self.way)
        way.addStretch()
        whole.addLayout(way)

    def ask_to_check(self, answer: Callable[[bool], object] | None) -> None:
        """Ask whether signatures may be checked; None: that is not the question."""
        self.question.withdraw()
        self.question.setVisible(answer is not None)
        if answer is not None:
            self.question.offer(tr("Check signatures"), lambda: answer(True))
            self.question.offer(tr("Do not"), lambda: answer(False))

    def show_lines(self, lines: Sequence[Said]) -> None:
        """One below the other, the gravest first."""
        while (item := self._column.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for one in sorted(lines, key=lambda one: one.rank):
            self._column.addWidget(_line(one))


def _line(one: Said) -> QWidget:
    whole = QWidget()
    row = QHBoxLayout(whole)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    row.addWidget(IconLabel(one.icon, one.role, META + 3), 0, Qt.AlignmentFlag.AlignTop)
    text = Label(words.shown(one.text, 500), SECONDARY, "danger" if one.role == "on_danger" else "secondary", wrap=True)
    text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    row.addWidget(text, 1)
    return whole
