"""What is asked before one letter goes to each of a list: the list, how one of them looks, and how fast they go.

Rules of the file: no decision; what is wrong is said before anything is sent.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QTextBrowser, QVBoxLayout

from mua.gui import body_text, words
from mua.gui.select import Select
from mua.gui.sheets import styled
from mua.gui.theme import BASE, BODY, SECONDARY, theme
from mua.gui.widgets import Button, Label, ToolButton
from mua.language import plural, tr
from mua.model.prose import Prose

PACES = (60, 20, 5, 0)  # letters a minute; 0: all at once
_FIELDS = 8  # columns that have a button
LOOK = 150  # pixels of what one of the letters looks like


class MergeBar(QFrame):
    """The bar; ``show_list`` and ``show_one`` fill it."""

    turned = Signal(int)
    """The letter after (1) or before (-1) is to be shown."""
    field_wanted = Signal(str)
    """A field is to be put into the text."""
    again_wanted = Signal()
    """Read another list."""
    send_wanted = Signal(int)
    """Send them, so many a minute."""
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("merge")
        self.said = Label("", BASE, wrap=True)
        self.trouble = Label("", SECONDARY, "on_danger", wrap=True)
        self.who = Label("", SECONDARY, "secondary")
        self.look = QTextBrowser()
        self.look.setAccessibleName(tr("How one of the letters looks"))
        self.look.setOpenLinks(False)
        self.look.setFrameShape(QFrame.Shape.NoFrame)
        self.look.setFixedHeight(LOOK)
        styled(self.look, "QTextBrowser { background: @list; color: @text; border: 1px solid @line; }")
        self.pace = Select(tr("How fast they go"))
        for pace in PACES:
            text = plural(pace, "{number} a minute", "{number} a minute") if pace else tr("All at once")
            self.pace.addItem(text, pace)
        self.send = Button("", "send", "primary")
        self._fields = QHBoxLayout()
        self._lay_out()

    def show_list(self, name: str, count: int, left: Sequence[str], columns: Sequence[str]) -> None:
        """How many letters a list makes, and which of its lines (each with its reason) make none."""
        said = plural(count, "{number:,} letter", "{number:,} letters")
        self.said.setText(
            tr("{file}: {letters}, each to one person of the list.", file=words.shown(name, 60), letters=said)
        )
        shown = " ".join(left[:3])
        more = len(left) - 3
        self.trouble.setText(f"{shown} {tr('And {number:,} more.', number=more)}" if more > 0 else shown)
        self.trouble.setVisible(bool(left))
        self.send.setText(plural(count, "Send {number:,} letter", "Send {number:,} letters"))
        while (item := self._fields.takeAt(1)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        for column in columns[:_FIELDS]:
            button = Button(words.shown(column, 30), kind="link")
            button.setAccessibleName(tr("Put the field {name} into the text", name=column))
            button.clicked.connect(lambda _=False, column=column: self.field_wanted.emit(column))
            self._fields.addWidget(button)
        self._fields.addStretch()

    def show_one(self, number: int, count: int, whom: str, subject: str, prose: Prose) -> None:
        """How the letter ``number`` (from 1) of ``count`` looks."""
        self.who.setText(
            tr("{number:,} of {count:,}: {whom} – {subject}", number=number, count=count, whom=words.shown(whom, 70),
               subject=words.shown(subject, 70) or tr("no subject"))
        )  # fmt: skip
        self.look.document().setDefaultFont(theme().font(BODY))
        self.look.document().setDocumentMargin(12)
        body_text.load(self.look.document(), prose)

    def refuse(self, text: str) -> None:
        """Nothing can be sent, for this reason; empty: it can."""
        self.send.setEnabled(not text)
        if text:
            self.trouble.setText(text)
            self.trouble.show()

    # ---- inside
    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(6)
        top, turns, last = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        before = self._button("chevron-up", tr("Letter before"), lambda: self.turned.emit(-1))
        after = self._button("chevron-down", tr("Next letter"), lambda: self.turned.emit(1))
        again = Button(tr("Another list"), kind="link")
        again.clicked.connect(self.again_wanted)
        top.addWidget(self.said, 1)
        top.addWidget(again)
        top.addWidget(self._button("x", tr("Write to one letter's recipients again"), self.left.emit))
        turns.addWidget(self.who, 1)
        turns.addWidget(before)
        turns.addWidget(after)
        self._fields.addWidget(Label(tr("Put into the text:"), SECONDARY, "tertiary"))
        self.send.clicked.connect(lambda: self.send_wanted.emit(self.pace.currentData()))
        last.addWidget(self.pace)
        last.addStretch()
        last.addWidget(self.send)
        column.addLayout(top)
        column.addWidget(self.trouble)
        column.addLayout(self._fields)
        column.addLayout(turns)
        column.addWidget(self.look)
        column.addLayout(last)

    def _button(self, icon: str, name: str, act: Callable[[], object]) -> ToolButton:
        button = ToolButton(icon, name)
        button.clicked.connect(lambda _=False: act())
        return button

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leaves."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)
