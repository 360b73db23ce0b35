"""One message of the outbox: where it is for each recipient, its timeline, and what can be done.

Rules of the file: a message whose fate is not known is never sent again without the sentence that says what may happen.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from mua import wire
from mua.gui import later_bar, words
from mua.gui import outbox_words as said
from mua.gui.library import Library
from mua.gui.notices import Banner
from mua.gui.overdue import ways
from mua.gui.theme import BASE, META, SECONDARY
from mua.gui.widgets import Button, ElidedLabel, IconLabel, Label, Line, ToolButton
from mua.language import tr
from mua.model.account import Route
from mua.model.outgoing import Outgoing, Recipient
from mua.model.outgoing import RecipientState as State
from mua.plan import overdue
from mua.plan.overdue import Stage
from mua.plan.routes import domain_of
from mua.records import dataclass
from mua.store import outbox, protection

RECIPIENTS = 30  # of one message, before "and more"
_WAITING = frozenset({State.QUEUED, State.DEFERRED})
_AGAIN = frozenset({State.DEFERRED, State.REFUSED})


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be done; without an icon it is rare, and only in a menu."""

    text: str
    icon: str
    act: Callable[[], object]
    tip: str = ""


class OutgoingCard(QFrame):
    """One message: subject, state, recipients, and what can be done.

    ``senders`` are the accounts that can send (id -> address); ``open_`` remembers which timelines are unfolded.
    """

    asked = Signal(object)
    """A wire command."""
    edited = Signal(object)
    """Write to these addresses again."""
    taken_back = Signal(object)
    """Do not send to these addresses; what was written comes back."""
    put_away = Signal()
    doctor_wanted = Signal()
    """Would mail arrive that this computer delivers by itself?"""
    chosen = Signal()
    """Another time was chosen, or is not wanted any more."""

    def __init__(
        self,
        message: Outgoing,
        senders: Mapping[int, str],
        library: Library,
        open_: set[tuple[int, str]],
        *,
        away: bool = False,
    ) -> None:
        super().__init__()
        self._is_away = away
        self.setProperty("kind", "panel")
        self.message, self._senders, self._library, self._open = message, senders, library, open_
        account = senders.get(message.account_id, "")
        self._sentences: list[tuple[Recipient, Label]] = []
        waiting = {domain_of(one.address) for one in message.recipients if one.state is State.DEFERRED}
        self._held = protection.held(library.db, waiting) if library.db is not None and waiting else frozenset[str]()
        subject = words.shown(message.subject) or tr("(no subject)")
        now = time.time()
        icon, role, state = said.headline(message, now)
        self._ahead, self._overdue = message.ahead(now), overdue.stage(message, now)
        self.setAccessibleName(f"{subject}, {state}")
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 14, 14, 14)
        column.setSpacing(6)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(ElidedLabel(subject, BASE, bold=True), 1)
        head.addWidget(IconLabel(icon, role, 16))
        self._state = Label(state, SECONDARY, "secondary")
        head.addWidget(self._state)
        column.addLayout(head)
        when = words.full_time(message.queued_at, now)
        facts = " · ".join(
            one
            for one in (when, words.size(message.size), tr("from {account}", account=account) if account else "")
            if one
        )
        column.addWidget(Label(facts, META, "tertiary"))
        if told := self._told_of_time(now):
            column.addWidget(Label(told, SECONDARY, "secondary", wrap=True))
        column.addWidget(Line())
        for one in message.recipients[:RECIPIENTS]:
            column.addWidget(self._recipient(one))
        if len(message.recipients) > RECIPIENTS:
            more = len(message.recipients) - RECIPIENTS
            column.addWidget(
                Label(tr("and {recipients}", recipients=words.count(more, "more recipient")), SECONDARY, "tertiary")
            )
        self.question = Banner(tone="warning")
        self.question.hide()
        column.addWidget(self.question)
        if self._overdue >= Stage.WARNING:
            text = (
                tr("It could not be delivered for a day.") if self._overdue is Stage.DAY else tr("It waits for hours.")
            )
            tone = "danger" if self._overdue is Stage.DAY else "warning"
            column.addWidget(Banner(f"{text} {ways(len(senders) > 1)}", tone))
        self._later: later_bar.LaterBar | None = None
        self._column = column
        offers = self.offers(message.recipients)
        if offers:
            column.addLayout(self._buttons(offers))

    def tell_times(self) -> None:
        """Write the spans anew ("in 20 s")."""
        now = time.time()
        self._state.setText(said.headline(self.message, now)[2])
        for one, label in self._sentences:
            label.setText(said.sentence(one, now))

    @property
    def choosing(self) -> bool:
        """A person is choosing another time: the card has to stay."""
        return self._later is not None

    # ---- inside
    def _told_of_time(self, now: float) -> str:
        """What there is to know about the time of a scheduled message: when exactly, or that it went late."""
        if self._ahead:
            return later_bar.goes_out(self.message.not_before)
        db = self._library.db if self.message.scheduled else None
        first = outbox.first_attempt(db, self.message.id) if db is not None else None
        return said.lateness(self.message, first, now)

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
        if len(self.message.recipients) > 1 and self.offers([one]):
            acts = ToolButton("ellipsis", tr("What can be done for {address}", address=words.shown(one.address, 100)))
            acts.clicked.connect(lambda: self.menu([one]).popup(acts.mapToGlobal(acts.rect().bottomLeft())))
            row.addWidget(acts)
        more = ToolButton("chevron-down", tr("What happened with {address}", address=words.shown(one.address, 100)))
        row.addWidget(more)
        column.addLayout(row)
        text = Label(
            said.sentence(one, time.time()), SECONDARY, "danger" if role == "on_danger" else "secondary", wrap=True
        )
        text.setContentsMargins(26, 0, 40, 0)
        column.addWidget(text)
        self._sentences.append((one, text))
        if domain := self._held_at(one):
            leave = Button(tr("Send with less protection to {domain}…", domain=words.shown(domain, 40)), kind="link")
            leave.clicked.connect(lambda: self._ask_for_leave(domain))
            indented = QHBoxLayout()
            indented.setContentsMargins(26, 0, 40, 0)
            indented.addWidget(leave)
            indented.addStretch()
            column.addLayout(indented)
        line = QWidget()
        column.addWidget(line)
        more.clicked.connect(partial(self._toggle, one, line, more))
        line.setVisible(False)
        if (self.message.id, one.address) in self._open:
            self._toggle(one, line, more)
        return whole

    def _held_at(self, one: Recipient) -> str:
        """The domain, where a recipient waits because it offers less protection than before; else empty."""
        domain = domain_of(one.address) if one.state is State.DEFERRED else ""
        return domain if domain in self._held else ""

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
        _tell(column, tr("{when} · Queued", when=said.moment(self.message.queued_at, now)))
        for step in steps:
            _tell(column, said.step(step, now))
            if words_said := outbox.dialogue(db, step.dialogue) if db is not None and step.dialogue else "":
                column.addWidget(Dialogue(words_said))
        lines = [f"{said.moment(what.at, now)} · {said.reported(what, now)}" for what in news]
        if one.state is State.ACCEPTED and not news:
            lines.append(tr("Nothing has come back since; most servers send news only when something went wrong."))
        for text in (*lines, tr("Message-ID {message_id}", message_id=words.shown(self.message.message_id, 200))):
            _tell(column, text)

    # ---- what can be done
    def offers(self, some: Sequence[Recipient]) -> list[Offer]:
        """What can be done for some of the recipients, the most likely first."""
        message, asked = int(self.message.id), self.asked.emit
        named = () if len(some) == len(self.message.recipients) else tuple(one.address for one in some)
        waiting, again, unknown = (
            [one.address for one in some if one.state in states] for states in (_WAITING, _AGAIN, {State.UNKNOWN})
        )
        failed = [one.address for one in some if said.failed(one)]
        made: list[Offer] = []
        recallable = [one.address for one in some if one.recallable]
        if recallable and self._ahead and not named:
            made.append(
                Offer(tr("Edit"), "square-pen", partial(self.taken_back.emit, recallable), tr("Back into a composer."))
            )
            made.append(Offer(tr("Another time…"), "calendar", self.choose_time))
            made.append(Offer(tr("Send now"), "send", partial(asked, wire.RescheduleOutgoing(message))))
        elif recallable:
            made.append(Offer(tr("Take it back"), "undo-2", partial(self.taken_back.emit, recallable)))
        if (again or waiting) and not self._ahead:
            text = tr("Try again now") if again else tr("Send now")
            made.append(
                Offer(text, "refresh-cw" if again else "send", partial(asked, wire.RetryOutgoing(message, named)))
            )
        if unknown:
            made.append(Offer(tr("Send again…"), "send", partial(self._ask_twice, unknown)))
        if failed:
            made.append(Offer(tr("Edit and send again"), "square-pen", partial(self.edited.emit, failed)))
        if again and not named and self.message.route is Route.DIRECT and self.message.via is None:
            tip = tr("How other servers see mail that this computer delivers by itself")
            made.append(Offer(tr("Would it arrive?"), "circle-help", self.doctor_wanted.emit, tip))
        if not self._ahead:
            made.extend(self._ways(tuple(dict.fromkeys((*waiting, *again)))))
            if not named and self._can_be_put_off():
                made.append(Offer(tr("Send at another time…"), "", self.choose_time))
        return made

    def _can_be_put_off(self) -> bool:
        """Nobody has it, and somebody waits for it."""
        states = {one.state for one in self.message.recipients}
        return bool(states & _WAITING) and states <= {*_WAITING, State.REFUSED, State.CANCELLED}

    def choose_time(self) -> None:
        """Ask when it is to go, in place."""
        if self._later is None:
            bar = self._later = later_bar.LaterBar()
            self._column.addWidget(bar)
            bar.chosen.connect(self._choose)
            bar.left.connect(lambda: self._choose(None))
        self._later.ask(self.message.not_before if self._ahead else None)

    def _choose(self, at: int | None) -> None:
        if self._later is not None:
            self._later.hide()
            self._later.deleteLater()
            self._later = None
        if at is not None:
            self.asked.emit(wire.RescheduleOutgoing(int(self.message.id), at))
        self.chosen.emit()

    def _ways(self, addresses: tuple[str, ...]) -> list[Offer]:
        """The other accounts whose server could take it."""
        now = self.message.via or self.message.account_id
        late = self._overdue >= Stage.WARNING
        others = [(one, name) for one, name in self._senders.items() if one != now] if addresses else []
        return [
            Offer(
                tr("Send through {name}", name=name),
                "send" if late and not at else "",
                partial(self.asked.emit, wire.RetryOutgoing(int(self.message.id), addresses, one)),
            )
            for at, (one, name) in enumerate(others)
        ]

    def menu(self, some: Sequence[Recipient], *, rare: bool = False) -> QMenu:
        """The offers as a menu; ``rare``: without those that are buttons."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for offer in self.offers(some):
            if not (rare and offer.icon):
                menu.addAction(offer.text).triggered.connect(lambda _=False, act=offer.act: act())
        return menu

    def _buttons(self, offers: Sequence[Offer]) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(0, 4, 0, 0)
        row.setSpacing(8)
        row.addStretch()
        made = [offer for offer in offers if offer.icon]
        if self.message.finished and said.failed_addresses(self.message) and not self._is_away:
            made.append(Offer(tr("Put away"), "check", self.put_away.emit, tr("It stays under All.")))
        for offer in made:
            button = Button(offer.text, offer.icon)
            button.setToolTip(offer.tip)
            button.clicked.connect(lambda _=False, act=offer.act: act())
            row.addWidget(button)
        if any(not offer.icon for offer in offers):
            more = ToolButton("ellipsis", tr("Other ways to send it"))
            recipients = self.message.recipients
            more.clicked.connect(
                lambda: self.menu(recipients, rare=True).popup(more.mapToGlobal(more.rect().bottomLeft()))
            )
            row.addWidget(more)
        return row

    def _ask_twice(self, addresses: list[str]) -> None:
        """Say what may happen, in place; the second click sends."""
        again = wire.RetryOutgoing(int(self.message.id), tuple(addresses))
        self._ask(said.TWICE, tr("Send it again"), again)

    def _ask_for_leave(self, domain: str) -> None:
        """The same, of what a domain offers less than before; for all who wait for that."""
        waiting = tuple(one.address for one in self.message.recipients if self._held_at(one) == domain)
        weaker = wire.RetryOutgoing(int(self.message.id), waiting, less_protection=True)
        self._ask(said.less(domain), tr("Send it with less protection"), weaker)

    def _ask(self, what: str, yes: str, command: wire.RetryOutgoing) -> None:
        self.question.withdraw()
        self.question.say(what, "warning")
        self.question.offer(yes, lambda: self.asked.emit(command))
        self.question.offer(tr("Leave it"), self.question.hide)
        self.question.show()


class Dialogue(QWidget):
    """What was said in one attempt, unfolded by a click; what the server refused is marked."""

    def __init__(self, dialogue: str) -> None:
        super().__init__()
        self._button = Button(tr("What was said"), kind="link")
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
        self._button.setText(tr("Hide it") if shown else tr("What was said"))


def _tell(column: QVBoxLayout, text: str) -> None:
    column.addWidget(Label(text, META, "tertiary", wrap=True))
