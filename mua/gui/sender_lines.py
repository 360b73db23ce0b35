"""Settings: the senders for whom something was chosen, each with a button that ends it."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mua.gui import words
from mua.gui.theme import BASE, SECONDARY
from mua.gui.widgets import Label, ToolButton


class SenderLines(QWidget):
    """A line for each address; ``ends`` says what the button beside one does, ``keep`` is told those that are left."""

    def __init__(
        self, title: str, senders: Sequence[str], ends: Callable[[str], str], keep: Callable[[tuple[str, ...]], object]
    ) -> None:
        super().__init__()
        self._keep = keep
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self._title = Label(title, SECONDARY, "secondary")
        column.addWidget(self._title, 0, Qt.AlignmentFlag.AlignLeft)
        self.rows: dict[str, QWidget] = {}
        for sender in senders:
            row = self.rows[sender] = QWidget()
            line = QHBoxLayout(row)
            line.setContentsMargins(0, 0, 0, 0)
            shown = words.shown(sender, 200)
            remove = ToolButton("x", ends(shown))
            remove.clicked.connect(partial(self.remove, sender))
            line.addWidget(Label(shown, BASE))
            line.addStretch(1)
            line.addWidget(remove)
            column.addWidget(row)
        if not senders:
            self.hide()

    def remove(self, sender: str) -> None:
        """This sender is as everybody else again."""
        row = self.rows.pop(sender)
        row.hide()
        row.deleteLater()
        self.setVisible(bool(self.rows))
        self._keep(tuple(self.rows))
