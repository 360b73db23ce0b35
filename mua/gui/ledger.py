"""What disappeared: every message that went away here, when, who said so, and the button that brings it back.

Rules of the file: read from the store when the page opens and after each ``Changed`` that removed something; bringing
back is a command, what it did is said in place.
"""

import time
from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.library import Library
from mua.gui.notices import Banner, EmptyState
from mua.gui.room import Room
from mua.gui.theme import BASE, META, SECONDARY
from mua.gui.widgets import Button, ElidedLabel, Label
from mua.language import plural, tr
from mua.model.ledger import Removal
from mua.store import ledger

SHOWN = 200  # entries


class LedgerPage(Room):
    """The page."""

    asked = Signal(object, object, object)

    def __init__(self, library: Library) -> None:
        super().__init__(tr("What disappeared"))
        self._library = library
        self._shown: list[Removal] | None = None
        self.rows: list[RemovalRow] = []
        self.banner = Banner()
        self.banner.hide()
        self.empty = EmptyState(
            "history",
            tr("Nothing has disappeared"),
            tr("What is deleted, here or elsewhere, is listed here for you to check."),
        )
        self.note = Label(
            tr("Messages that went away, newest first. What was on this computer can be brought back for 30 days."),
            SECONDARY,
            "secondary",
            wrap=True,
        )
        self._list = QVBoxLayout()
        self._list.setSpacing(8)
        self.column.addWidget(self.note)
        self.column.addWidget(self.banner)
        self.column.addLayout(self._list)
        self.column.addWidget(self.empty, 1)
        self.column.addStretch()
        self.refresh()

    def hear(self, event: wire.Event) -> None:
        """The engine said something."""
        if isinstance(event, wire.Changed) and (event.removed or event.messages or event.everything):
            self.refresh()

    def refresh(self) -> None:
        """Read again."""
        db = self._library.db if self._library.open() else None
        found = ledger.entries(db, limit=SHOWN) if db is not None else []
        if found == self._shown:
            return
        self._shown = found
        for row in self.rows:
            self._list.removeWidget(row)
            row.deleteLater()
        self.rows = [RemovalRow(one, self._restorer(one)) for one in found]
        for row in self.rows:
            self._list.addWidget(row)
        self.empty.setVisible(not found)
        self.note.setVisible(bool(found))

    # ---- inside
    def _restorer(self, removal: Removal) -> Callable[[], None]:
        return lambda: self.asked.emit(wire.RestoreMessages((removal.entry,)), self._restored, self._failed)

    def _restored(self, answer: wire.Answer) -> None:
        assert isinstance(answer, wire.Restored)
        if answer.problems:
            self._say(" ".join(answer.problems[:3]), "danger")
        else:
            self._say(
                plural(len(answer.messages), "{number:,} message is back.", "{number:,} messages are back."), "info"
            )
        self.refresh()

    def _failed(self, error: MailError) -> None:
        self._say(error.text, "danger")

    def _say(self, text: str, tone: str) -> None:
        self.banner.say(text, tone)
        self.banner.show()
        self.bring_into_view(self.banner)


class RemovalRow(QFrame):
    """One entry."""

    def __init__(self, removal: Removal, restore: Callable[[], None]) -> None:
        super().__init__()
        self.setProperty("kind", "panel")
        subject = words.shown(removal.subject, 200) or tr("(no subject)")
        who = words.person(removal.sender)
        when = words.full_time(removal.at, time.time())
        reason = removal.reason[:1].upper() + removal.reason[1:]
        self.setAccessibleName(f"{subject}, {who}, {when}, {reason}")
        text = QVBoxLayout()
        text.setSpacing(2)
        text.addWidget(ElidedLabel(subject, BASE, bold=True))
        folder = tr("Inbox") if removal.folder.upper() == "INBOX" else words.shown(removal.folder, 80)
        facts = (who, tr("in {folder}", folder=folder), when)
        text.addWidget(ElidedLabel(" · ".join(one for one in facts if one), SECONDARY, "secondary"))
        text.addWidget(Label(f"{reason}.{_now(removal)}", META, "tertiary", wrap=True))
        row = QHBoxLayout(self)
        row.setContentsMargins(18, 12, 14, 12)
        row.setSpacing(12)
        row.addLayout(text, 1)
        self.button = Button(tr("Bring back"), "undo-2")
        self.button.clicked.connect(lambda: restore())
        if not removal.restorable_until or removal.restored_as is not None:
            self.button.hide()
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)


def _now(removal: Removal) -> str:
    """Where it is now, or until when it can be brought back."""
    if removal.restored_as is not None:
        return tr(" It was brought back.")
    if removal.now_in:
        return tr(" It is in {names} now.", names=words.shown(", ".join(removal.now_in), 120))
    if removal.restorable_until:
        day = words.full_time(removal.restorable_until, time.time()).rsplit(", ", 1)[0]
        return tr(" It can be brought back until {day}.", day=day)
    return tr(" Its text was never here, or is kept no longer.")
