"""The outbox: where each sent message is now, for each recipient, in the server's own words; and what can be done.

Theory of operation: the page reads ``store.outbox`` when it opens, after each ``Changed`` that names outgoing mail, and
every second while something counts down (every minute while something waits for a day).  What goes later is apart.
What is done on its cards (``outbox_card``) are commands; what they did comes back as ``Changed``.
"""

import time
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout

from mua import wire
from mua.gui import outbox_words as said
from mua.gui import words
from mua.gui.later_bar import CONDITION
from mua.gui.library import Library
from mua.gui.notices import Banner, EmptyState
from mua.gui.outbox_card import OutgoingCard
from mua.gui.room import Room
from mua.gui.theme import SECONDARY
from mua.gui.widgets import Chip, Label
from mua.language import tr
from mua.model.account import Account, Route
from mua.model.outgoing import Outgoing, OutgoingId
from mua.store import outbox
from mua.store.db import Db

SHOWN = 100  # messages
_TICK, _SLOW_TICK = 1_000, 60_000  # milliseconds
_EMPTY = {
    "waiting": (tr("Nothing is waiting"), tr("What you send passes through here. Escape goes back to the mail.")),
    "scheduled": (tr("Nothing is scheduled"), tr("The arrow beside Send, while you write, sends a message later.")),
    "all": (
        tr("Nothing was sent from here yet"),
        tr("What you send passes through here. Escape goes back to the mail."),
    ),
}


class OutboxPage(Room):
    """The page.  ``chosen`` is the outgoing message to show with its timeline (0: none).

    ``scheduled``: begin with what goes later.
    """

    asked = Signal(object, object, object)
    put_away = Signal(int)
    """A finished message whose failure has been read (its id)."""
    edited = Signal(int, object)
    """Write to these addresses (the second) of an outgoing message again."""
    doctor_wanted = Signal(int)
    """How is mail of this account seen by others?"""
    taken_back = Signal(int, object)
    """Do not send to these addresses; what was written comes back."""

    def __init__(
        self,
        library: Library,
        accounts: Sequence[Account],
        chosen: int = 0,
        away: Iterable[int] = (),
        *,
        scheduled: bool = False,
    ) -> None:
        super().__init__(tr("Outbox"))
        self._library = library
        self._away = set(away)
        self._senders = {int(one.id): words.shown(one.email, 80) for one in accounts if one.route is not Route.NONE}
        self._open: set[tuple[int, str]] = set()
        self._chosen, self._which = chosen, "all" if chosen else "scheduled" if scheduled else "waiting"
        self._shown: list[Outgoing] | None = None
        self.cards: list[OutgoingCard] = []
        self.banner = Banner(tone="danger")
        self.banner.hide()
        self.note = Label(CONDITION, SECONDARY, "secondary", wrap=True)
        self.empty = EmptyState("send", *_EMPTY["waiting"])
        self._chips = {"waiting": Chip(tr("Waiting")), "scheduled": Chip(tr("Scheduled")), "all": Chip(tr("All"))}
        for which, chip in self._chips.items():
            chip.clicked.connect(lambda _=False, which=which: self.choose(which))
            self.bar.addWidget(chip)
        self.column.addWidget(self.banner)
        self._list = QVBoxLayout()
        self._list.setSpacing(12)
        self.column.addWidget(self.note)
        self.column.addLayout(self._list)
        self.column.addWidget(self.empty, 1)
        self.column.addStretch()
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK)
        self._timer.timeout.connect(self.refresh)
        self.choose(self._which)
        if self._which == "waiting" and not self.cards:  # rather what goes later than nothing
            self.choose("scheduled")
            if not self.cards:
                self.choose("waiting")

    def choose(self, which: str) -> None:
        """Show "waiting" (or what failed), "scheduled" (for later), or "all" with what is finished."""
        self._which = which
        for name, chip in self._chips.items():
            chip.setChecked(name == which)
        self._shown = None
        self.refresh()

    def hear(self, event: wire.Event) -> None:
        """The engine said something."""
        if isinstance(event, wire.Changed) and (event.outgoing or event.everything):
            self.refresh()

    def refresh(self) -> None:
        """Read again; where nothing changed only the times are written anew."""
        db = self._library.db if self._library.open() else None
        now = time.time()
        listed = self._read(db, int(now)) if db is not None else []
        if listed != self._shown and not any(card.choosing for card in self.cards):
            self._shown = listed
            self._fill(listed)
        else:
            for card in self.cards:
                card.tell_times()
        near = any(said.counts_down(one, now) for one in listed)
        waits = any(not one.finished for one in listed)
        self._timer.start(_TICK if near else _SLOW_TICK) if waits else self._timer.stop()

    # ---- inside
    def _read(self, db: Db, now: int) -> list[Outgoing]:
        """What is to be shown, and no more: however much was ever sent, this is on the window's thread."""
        if self._which == "scheduled":
            return outbox.scheduled(db, now, SHOWN)
        if self._which == "all":
            found = outbox.listed(db, finished=True, most=SHOWN)
        else:
            found = outbox.unhappy_now(db, now, SHOWN + len(self._away))
            found = [
                one for one in found if not one.finished or (one.id not in self._away and said.failed_addresses(one))
            ]
        chosen = outbox.outgoing(db, OutgoingId(self._chosen)) if self._chosen else None
        first = [chosen] if chosen is not None else []
        return [*first, *(one for one in found if one.id != self._chosen)][:SHOWN]

    def _fill(self, listed: list[Outgoing]) -> None:
        for card in self.cards:
            self._list.removeWidget(card)
            card.deleteLater()
        self.cards = [self._card(one) for one in listed]
        for card in self.cards:
            self._list.addWidget(card)
        self.empty.setVisible(not listed)
        self.note.setVisible(bool(listed) and self._which == "scheduled")
        self.empty.show_state("calendar" if self._which == "scheduled" else "send", *_EMPTY[self._which])

    def _card(self, message: Outgoing) -> OutgoingCard:
        if message.id == self._chosen:
            self._open.update((int(message.id), one.address) for one in message.recipients)
        card = OutgoingCard(message, self._senders, self._library, self._open, away=message.id in self._away)
        card.asked.connect(self._ask)
        card.chosen.connect(self.refresh)
        card.edited.connect(lambda addresses: self.edited.emit(int(message.id), addresses))
        card.taken_back.connect(lambda addresses: self.taken_back.emit(int(message.id), addresses))
        card.doctor_wanted.connect(lambda: self.doctor_wanted.emit(int(message.account_id)))
        card.put_away.connect(lambda: self._put_away(int(message.id)))
        return card

    def _put_away(self, outgoing_id: int) -> None:
        """Out of sight; All still has it."""
        self._away.add(outgoing_id)
        self._chosen = 0 if self._chosen == outgoing_id else self._chosen
        self.put_away.emit(outgoing_id)
        self.refresh()

    def _ask(self, command: wire.Command) -> None:
        self.banner.hide()
        self.asked.emit(command, lambda _: self.refresh(), self._failed)

    def _failed(self, error: object) -> None:
        self.banner.say(getattr(error, "text", str(error)), "danger")
        self.banner.show()
