"""The outbox: where each sent message is now, for each recipient, in the server's own words; and what can be done.

Theory of operation: the page reads ``store.outbox`` when it opens, after each ``Changed`` that names outgoing mail, and
every second while something counts down.  Its buttons are commands; what they did comes back as ``Changed``.

Rules of the file: a message whose fate is not known is never sent again without the sentence that says what may happen.
"""

import time
from collections.abc import Iterable, Sequence
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from mua import wire
from mua.gui import outbox_words as said
from mua.gui import words
from mua.gui.library import Library
from mua.gui.notices import Banner, EmptyState
from mua.gui.room import Room
from mua.gui.theme import BASE, META, SECONDARY
from mua.gui.widgets import Button, Chip, ElidedLabel, IconLabel, Label, Line, ToolButton
from mua.model.account import Account
from mua.model.outgoing import Outgoing, Recipient, RecipientState
from mua.store import outbox

SHOWN = 100  # messages
RECIPIENTS = 30  # of one message, before "and more"
_TICK = 1_000  # milliseconds


class OutboxPage(Room):
    """The page.  ``chosen`` is the outgoing message to show with its timeline (0: none)."""

    asked = Signal(object, object, object)
    put_away = Signal(int)
    """A finished message whose failure has been read (its id)."""

    def __init__(
        self, library: Library, accounts: Sequence[Account], chosen: int = 0, away: Iterable[int] = ()
    ) -> None:
        super().__init__("Outbox")
        self._library = library
        self._away = set(away)
        self._names = {one.id: words.shown(one.email, 80) for one in accounts}
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

    def _card(self, message: Outgoing) -> "OutgoingCard":
        if message.id == self._chosen:
            self._open.update((int(message.id), one.address) for one in message.recipients)
        account, away = self._names.get(message.account_id, ""), message.id in self._away
        card = OutgoingCard(message, account, self._library, self._open, away=away)
        card.retried.connect(lambda addresses: self._ask(wire.RetryOutgoing(message.id, tuple(addresses))))
        card.cancelled.connect(lambda: self._ask(wire.CancelOutgoing(message.id)))
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


class OutgoingCard(QFrame):
    """One message: subject, state, recipients, buttons."""

    retried = Signal(list)
    cancelled = Signal()
    put_away = Signal()

    def __init__(
        self, message: Outgoing, account: str, library: Library, open_: set[tuple[int, str]], *, away: bool = False
    ) -> None:
        super().__init__()
        self._is_away = away
        self.setProperty("kind", "panel")
        self.message, self._library, self._open = message, library, open_
        self._sentences: list[tuple[Recipient, Label]] = []
        subject = words.shown(message.subject) or "(no subject)"
        icon, role, state = said.headline(message)
        self.setAccessibleName(f"{subject}, {state}")
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 14, 14, 14)
        column.setSpacing(6)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(ElidedLabel(subject, BASE, bold=True), 1)
        head.addWidget(IconLabel(icon, role, 16))
        head.addWidget(Label(state, SECONDARY, "secondary"))
        column.addLayout(head)
        when = words.full_time(message.queued_at, time.time())
        facts = " · ".join(one for one in (when, words.size(message.size), f"from {account}" if account else "") if one)
        column.addWidget(Label(facts, META, "tertiary"))
        column.addWidget(Line())
        for one in message.recipients[:RECIPIENTS]:
            column.addWidget(self._recipient(one))
        if len(message.recipients) > RECIPIENTS:
            more = len(message.recipients) - RECIPIENTS
            column.addWidget(Label(f"and {words.count(more, 'more recipient')}", SECONDARY, "tertiary"))
        buttons = self._buttons()
        if buttons is not None:
            column.addWidget(buttons)

    def tell_times(self) -> None:
        """Write the spans anew ("in 20 s")."""
        now = time.time()
        for one, label in self._sentences:
            label.setText(said.sentence(one, now))

    # ---- inside
    def _recipient(self, one: Recipient) -> QWidget:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 2, 0, 2)
        column.setSpacing(2)
        icon, role, word = said.look(one)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(IconLabel(icon, role, 16, word))
        address = ElidedLabel(words.shown(one.address, 300), BASE)
        row.addWidget(address, 1)
        tries = words.count(one.attempts, "try", "tries") if one.attempts else ""
        row.addWidget(Label(tries, META, "tertiary"))
        more = ToolButton("chevron-down", f"What happened with {words.shown(one.address, 100)}")
        row.addWidget(more)
        column.addLayout(row)
        text = Label(
            said.sentence(one, time.time()), SECONDARY, "danger" if role == "on_danger" else "secondary", wrap=True
        )
        text.setContentsMargins(26, 0, 40, 0)
        column.addWidget(text)
        self._sentences.append((one, text))
        line = QWidget()
        column.addWidget(line)
        more.clicked.connect(partial(self._toggle, one, line, more))
        line.setVisible(False)
        if (self.message.id, one.address) in self._open:
            self._toggle(one, line, more)
        return whole

    def _toggle(self, one: Recipient, line: QWidget, more: ToolButton) -> None:
        shown = line.isHidden()
        if shown and line.layout() is None:
            self._timeline(one, line)
        line.setVisible(shown)
        more.show_icon("chevron-up" if shown else "chevron-down")
        key = (int(self.message.id), one.address)
        self._open.add(key) if shown else self._open.discard(key)

    def _timeline(self, one: Recipient, line: QWidget) -> None:
        column = QVBoxLayout(line)
        column.setContentsMargins(26, 4, 0, 4)
        column.setSpacing(3)
        now, db = time.time(), self._library.db
        steps = outbox.attempts(db, self.message.id, one.address) if db is not None else []
        news = outbox.came_back(db, self.message.id, one.address) if db is not None else []
        _tell(column, f"{said.moment(self.message.queued_at, now)} · Queued")
        for step in steps:
            _tell(column, said.step(step, now))
            if words_said := outbox.dialogue(db, step.dialogue) if db is not None and step.dialogue else "":
                column.addWidget(Dialogue(words_said))
        lines = [f"{said.moment(what.at, now)} · {said.reported(what, now)}" for what in news]
        if one.state is RecipientState.ACCEPTED and not news:
            lines.append("Nothing has come back since; most servers send news only when something went wrong.")
        for text in (*lines, f"Message-ID {words.shown(self.message.message_id, 200)}"):
            _tell(column, text)

    def _buttons(self) -> QWidget | None:
        states = {one.state for one in self.message.recipients}
        unknown = [one.address for one in self.message.recipients if one.state is RecipientState.UNKNOWN]
        row = QHBoxLayout()
        row.setContentsMargins(0, 4, 0, 0)
        row.setSpacing(8)
        row.addStretch()
        made: list[Button] = []
        if states & {RecipientState.QUEUED, RecipientState.DEFERRED}:
            made.append(Button("Take it back", "undo-2"))
            made[-1].clicked.connect(lambda: self.cancelled.emit())
        if states & {RecipientState.DEFERRED, RecipientState.REFUSED}:
            made.append(Button("Try again now", "refresh-cw"))
            made[-1].clicked.connect(lambda: self.retried.emit([]))
        if unknown:
            made.append(Button("Send again…", "send"))
            made[-1].clicked.connect(lambda: self._ask_again(unknown))
        if self.message.finished and said.failed_addresses(self.message) and not self._is_away:
            made.append(Button("Put away", "check"))
            made[-1].setToolTip("It stays under All.")
            made[-1].clicked.connect(lambda: self.put_away.emit())
        for button in made:
            row.addWidget(button)
        if not made:
            return None
        whole = QWidget()
        self._ask = Banner(tone="warning")
        self._ask.hide()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._ask)
        column.addLayout(row)
        return whole

    def _ask_again(self, addresses: list[str]) -> None:
        """Say what may happen, in place; the second click sends."""
        self._ask.withdraw()
        self._ask.say(said.TWICE, "warning")
        self._ask.offer("Send it again", lambda: self.retried.emit(addresses))
        self._ask.offer("Leave it", self._ask.hide)
        self._ask.show()


class Dialogue(QWidget):
    """What was said in one attempt, unfolded by a click; what the server refused is marked."""

    def __init__(self, dialogue: str) -> None:
        super().__init__()
        self._button = Button("What was said", kind="link")
        self.text = Label("", META, "secondary", wrap=True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setText("\n".join(said.dialogue(dialogue)))
        self.text.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(2)
        column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.text)
        self._button.clicked.connect(self.toggle)

    def toggle(self) -> None:
        """Show it, or hide it again."""
        shown = self.text.isHidden()
        self.text.setVisible(shown)
        self._button.setText("Hide it" if shown else "What was said")


def _tell(column: QVBoxLayout, text: str) -> None:
    column.addWidget(Label(text, META, "tertiary", wrap=True))
