"""How each account is: its server, connections, the last wake, what is still to do; and a report to save.

Rules of the file: what the engine tells (``Health``), in words; asked when the page opens and every few seconds while
it is open; the report is the engine's, which leaves out everything private.
"""

import time
from collections.abc import Iterable, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QFrame, QGridLayout, QHBoxLayout, QVBoxLayout

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.notices import Banner
from mua.gui.room import Room
from mua.gui.theme import BASE, SECONDARY
from mua.gui.widgets import Button, IconLabel, Label
from mua.language import tr
from mua.model.account import Account

_EVERY = 3_000  # milliseconds
_STATES = {
    wire.State.OFFLINE: ("wifi-off", "tertiary", tr("Offline")),
    wire.State.CONNECTING: ("refresh-cw", "tertiary", tr("Connecting")),
    wire.State.SYNCING: ("refresh-cw", "accent", tr("Looking for mail")),
    wire.State.IDLE: ("circle-check", "good", tr("Listening for new mail")),
    wire.State.PROBLEM: ("circle-alert", "on_danger", tr("Needs you")),
}
_WOKEN = {
    "news": tr("by the server"),
    "poke": tr("by you"),
    "timeout": tr("to renew the connection"),
    "slept": tr("after a sleep"),
}


class HealthPage(Room):
    """The page."""

    asked = Signal(object, object, object)

    def __init__(self, accounts: Sequence[Account]) -> None:
        super().__init__(tr("Health"))
        self._names = {int(one.id): words.shown(one.name or one.email, 80) for one in accounts}
        self._told: tuple[wire.AccountHealth, ...] | None = None
        self.panels: list[HealthPanel] = []
        self.save = Button(tr("Save a report…"), "download")
        self.save.setToolTip(tr("What is here and Mua's log, without addresses, subjects and passwords"))
        self.save.clicked.connect(self._choose_file)
        self.bar.addWidget(self.save)
        self.banner = Banner()
        self.banner.hide()
        self.waiting = Label(tr("Asking Mua's mail engine…"), SECONDARY, "secondary")
        self._list = QVBoxLayout()
        self._list.setSpacing(12)
        self.column.addWidget(self.banner)
        self.column.addWidget(self.waiting)
        self.column.addLayout(self._list)
        self.column.addStretch()
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY)
        self._timer.timeout.connect(self.ask)
        self._timer.start()
        QTimer.singleShot(0, self, self.ask)

    def ask(self) -> None:
        """Ask anew."""
        self.asked.emit(wire.Health(), self.show_health, self._failed)

    def show_health(self, answer: wire.Answer) -> None:
        """What the engine told."""
        assert isinstance(answer, wire.HealthTold)
        self.waiting.setText("" if answer.accounts else tr("No account yet."))
        self.waiting.setVisible(not answer.accounts)
        if answer.accounts == self._told:
            return
        self._told = answer.accounts
        for panel in self.panels:
            self._list.removeWidget(panel)
            panel.deleteLater()
        self.panels = [HealthPanel(self._names.get(one.account_id, ""), one) for one in answer.accounts]
        for panel in self.panels:
            self._list.addWidget(panel)

    def save_to(self, path: str) -> None:
        """Have the report written."""
        saved = tr("Saved {path}. Nothing private is in it, but look before you share it.", path=path)
        self.asked.emit(wire.SaveBundle(path), lambda _: self._say(saved, "info"), self._failed)

    # ---- inside
    def _choose_file(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, tr("Save a report"), "mua-report.json", tr("Reports (*.json)"))
        if path:
            self.save_to(path)

    def _failed(self, error: MailError) -> None:
        self._say(error.text, "danger")

    def _say(self, text: str, tone: str) -> None:
        self.banner.say(text, tone)
        self.banner.show()


class HealthPanel(QFrame):
    """One account."""

    def __init__(self, name: str, health: wire.AccountHealth) -> None:
        super().__init__()
        self.setProperty("kind", "panel")
        icon, role, state = _look(health)
        self.setAccessibleName(f"{name}, {state}")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(Label(name, BASE, bold=True))
        head.addStretch()
        head.addWidget(IconLabel(icon, role, 16))
        head.addWidget(Label(state, SECONDARY, "secondary"))
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 14, 18, 14)
        column.setSpacing(8)
        column.addLayout(head)
        for problem in health.problems:
            column.addWidget(Label(words.shown(problem, 400), SECONDARY, "danger", wrap=True))
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for place, (what, text) in enumerate(facts(health, time.time())):
            value = Label(text, SECONDARY, "secondary", wrap=True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(Label(what, SECONDARY, "tertiary"), place, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, place, 1)
        column.addLayout(grid)


def facts(health: wire.AccountHealth, now: float) -> list[tuple[str, str]]:
    """(what, how it is) for one account; what is not known is left out."""
    if not health.host:
        return [(tr("Mail"), tr("{messages} on this computer only", messages=words.count(health.in_store, "message")))]
    allowed = tr(", {allowed} allowed", allowed=health.allowed) if health.allowed else ""
    tries = words.count(health.failures, "try", "tries")
    paused = (
        tr("{when}, after {tries} that failed", when=words.full_time(health.paused_until, now), tries=tries)
        if health.paused_until
        else ""
    )
    woken = f"{words.ago(health.woken_at, now)} {_WOKEN.get(health.woken_by, '')}" if health.woken_at else ""
    rows = (
        (
            tr("Server"),
            tr(
                "{host}, port {port}, {incoming}",
                host=words.shown(health.host, 100),
                port=health.port,
                incoming=health.incoming.upper(),
            ),
        ),
        (tr("Software"), words.shown(health.software, 200)),
        (tr("Protection"), _protection(health)),
        (tr("Uses"), _listed(health.in_use)),
        (tr("Quirks"), _listed(health.quirks)),
        (tr("Connections"), tr("{number} open", number=health.connections) + allowed),
        (tr("Last wake"), woken.strip()),
        (tr("Last checked"), words.ago(health.checked_at, now) if health.checked_at else tr("never")),
        (tr("Next try"), paused),
        (
            tr("Messages"),
            tr(
                "{on_server:,} on the server, {in_store:,} here, {with_body:,} with text",
                on_server=health.on_server,
                in_store=health.in_store,
                with_body=health.with_body,
            ),
        ),
        (
            tr("Still to do"),
            tr(
                "{not_indexed:,} to make findable, {wishes:,} to change on the server",
                not_indexed=health.not_indexed,
                wishes=health.wishes,
            ),
        ),
        (tr("Room there"), "; ".join(map(str, health.quotas))),
        (
            tr("Traffic"),
            tr(
                "{size} in, {size2} out since Mua's engine started",
                size=words.size(health.octets_in),
                size2=words.size(health.octets_out),
            ),
        ),
    )
    return [(what, text) for what, text in rows if text]


def _look(health: wire.AccountHealth) -> tuple[str, str, str]:
    if not health.host:
        return "hard-drive", "tertiary", tr("On this computer only")
    return _STATES.get(wire.State(health.state), _STATES[wire.State.OFFLINE]) if health.state else (
        "clock", "tertiary", tr("Not started"),
    )  # fmt: skip


def _protection(health: wire.AccountHealth) -> str:
    how = {"starttls": "STARTTLS", "tls": "TLS", "none": "none"}.get(health.security, health.security)
    signed = tr(", signed in by {mechanism}", mechanism=words.shown(health.mechanism, 40)) if health.mechanism else ""
    return f"{words.shown(health.tls, 80) or how}{signed}{tr(', compressed') if health.compressed else ''}"


def _listed(names: Iterable[str]) -> str:
    return words.shown(", ".join(names), 600)
