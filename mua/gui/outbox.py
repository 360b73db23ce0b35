"""The outbox: where each sent message is now, for each recipient, in the server's own words; and what can be done.

Theory of operation: the page reads ``store.outbox`` when it opens, after each ``Changed`` that names outgoing mail, and
every second while something counts down.  What is done on its cards (``outbox_card``) are commands; what they did comes
back as ``Changed``.
"""

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout

from mua import wire
from mua.gui import outbox_words as said
from mua.gui import words
from mua.gui.library import Library
from mua.gui.notices import Banner, EmptyState
from mua.gui.outbox_card import OutgoingCard
from mua.gui.room import Room
from mua.gui.widgets import Chip
from mua.model.account import Account, Route
from mua.model.outgoing import Outgoing
from mua.store import outbox

SHOWN = 100  # messages
_TICK = 1_000  # milliseconds


class OutboxPage(Room):
    """The page.  ``chosen`` is the outgoing message to show with its timeline (0: none)."""

    asked = Signal(object, object, object)
    put_away = Signal(int)
    """A finished message whose failure has been read (its id)."""
    edited = Signal(int, object)
    """Write to these addresses (the second) of an outgoing message again."""
    taken_back = Signal(int, object)
    """Do not send to these addresses; what was written comes back."""

    def __init__(
        self, library: Library, accounts: Sequence[Account], chosen: int = 0, away: Iterable[int] = ()
    ) -> None:
        super().__init__("Outbox")
        self._library = library
        self._away = set(away)
        self._senders = {int(one.id): words.shown(one.email, 80) for one in accounts if one.route is not Route.NONE}
        self._open: set[tuple[int, str]] = set()
        self._chosen, self._all = chosen, bool(chosen)
        self._shown: list[Outgoing] | None = None
        self.cards: list[OutgoingCard] = []
        self.banner = Banner(tone="danger")
        self.banner.hide()
        self.empty = EmptyState(
            "send", "Nothing is waiting", "What you send passes through here. Escape goes back to the mail."
        )
        self._chips = (Chip("Waiting"), Chip("All"))
        for chip, every in zip(self._chips, (False, True), strict=True):
            chip.clicked.connect(lambda _=False, every=every: self.show_all(every))
            self.bar.addWidget(chip)
        self.column.addWidget(self.banner)
        self._list = QVBoxLayout()
        self._list.setSpacing(12)
        self.column.addLayout(self._list)
        self.column.addWidget(self.empty, 1)
        self.column.addStretch()
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK)
        self._timer.timeout.connect(self.refresh)
        self.show_all(self._all)

    def show_all(self, every: bool) -> None:
        """The finished ones too, or only what waits or failed."""
        self._all = every
        self._chips[0].setChecked(not every)
        self._chips[1].setChecked(every)
        self._shown = None
        self.refresh()

    def hear(self, event: wire.Event) -> None:
        """The engine said something."""
        if isinstance(event, wire.Changed) and (event.outgoing or event.everything):
            self.refresh()

    def refresh(self) -> None:
        """Read again; where nothing changed only the times are written anew."""
        db = self._library.db if self._library.open() else None
        found = outbox.listed(db, finished=True) if db is not None else []
        listed = [one for one in found if self._all or self._interesting(one) or one.id == self._chosen]
        listed = sorted(listed, key=lambda one: one.id != self._chosen)[:SHOWN]
        if listed != self._shown:
            self._shown = listed
            self._fill(listed)
        else:
            for card in self.cards:
                card.tell_times()
        moving = any(not one.finished for one in listed)
        self._timer.start() if moving else self._timer.stop()

    # ---- inside
    def _fill(self, listed: list[Outgoing]) -> None:
        for card in self.cards:
            self._list.removeWidget(card)
            card.deleteLater()
        self.cards = [self._card(one) for one in listed]
        for card in self.cards:
            self._list.addWidget(card)
        self.empty.setVisible(not listed)
        text = "Nothing was sent from here yet" if self._all else "Nothing is waiting"
        self.empty.show_state("send", text, "What you send passes through here. Escape goes back to the mail.")

    def _card(self, message: Outgoing) -> OutgoingCard:
        if message.id == self._chosen:
            self._open.update((int(message.id), one.address) for one in message.recipients)
        card = OutgoingCard(message, self._senders, self._library, self._open, away=message.id in self._away)
        card.asked.connect(self._ask)
        card.edited.connect(lambda addresses: self.edited.emit(int(message.id), addresses))
        card.taken_back.connect(lambda addresses: self.taken_back.emit(int(message.id), addresses))
        card.put_away.connect(lambda: self._put_away(int(message.id)))
        return card

    def _interesting(self, message: Outgoing) -> bool:
        return not message.finished or (message.id not in self._away and bool(said.failed_addresses(message)))

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
