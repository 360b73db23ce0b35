"""How Mua goes about one account: its colour, whether it is paused, how often its server is looked at.

Rule of the file: each change counts at once.
"""

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from mua.gui.select import Select, Tick
from mua.gui.tagging import tag_icon
from mua.gui.theme import BASE
from mua.gui.widgets import Button, Label
from mua.language import tr
from mua.model.account import WHEN_ASKED, Account, Habits, Incoming
from mua.model.tag import COLOURS, Tag

_OFTEN = ((0, tr("As usual")), (1, tr("Every minute")), (5, tr("Every 5 minutes")), (15, tr("Every 15 minutes")),
    (60, tr("Every hour")), (WHEN_ASKED, tr("Only when I ask")))  # fmt: skip


def colour_icon(colour: str) -> QIcon:
    """A disc of that colour; nothing for none."""
    return tag_icon(Tag("", "", colour)) if colour else QIcon()


class HabitsRow(QWidget):
    """The row."""

    changed = Signal(object)

    def __init__(self, account: Account) -> None:
        super().__init__()
        self._habits = account.habits
        whose = account.email
        self.colour = Button(tr("Colour"))
        self.colour.setAccessibleName(tr("Colour of {whose}", whose=whose))
        self.colour.setMenu(self._colours())
        self.often = Select(tr("How often {whose} is looked at", whose=whose))
        for minutes, text in _OFTEN:
            self.often.addItem(text, minutes)
        if account.habits.minutes not in dict(_OFTEN):
            self.often.addItem(tr("Every {minutes} minutes", minutes=account.habits.minutes), account.habits.minutes)
        self.often.setCurrentIndex(self.often.findData(account.habits.minutes))
        self.paused = Tick(tr("Paused: nothing is fetched; what you send goes out"))
        self.paused.setAccessibleName(tr("Pause {whose}", whose=whose))
        self.paused.setChecked(account.habits.paused)
        self._lay_out(fetches=account.incoming is not Incoming.LOCAL)
        self.often.currentIndexChanged.connect(lambda _: self._change(minutes=int(self.often.currentData())))
        self.paused.toggled.connect(lambda on: self._change(paused=on))

    def _lay_out(self, *, fetches: bool) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.colour)
        row.addStretch(1)
        often = Label(tr("Look for new mail"), BASE)
        for part in (often, self.often):
            row.addWidget(part)
            if not fetches:
                part.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.paused)
        self.paused.setVisible(fetches)
        self.colour.setIcon(colour_icon(self._habits.colour))

    def _colours(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(False)
        for colour in ("", *COLOURS):
            action = menu.addAction(colour_icon(colour), colour or tr("None"))
            action.triggered.connect(lambda _=False, colour=colour: self._change(colour=colour))
        return menu

    def _change(self, **values: object) -> None:
        changed: Habits = replace(self._habits, **values)  # type: ignore[arg-type]
        if changed != self._habits:
            self._habits = changed
            self.colour.setIcon(colour_icon(changed.colour))
            self.changed.emit(changed)
