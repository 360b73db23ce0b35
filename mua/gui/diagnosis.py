"""How the world sees mail that an account delivers by itself: a verdict, what it rests on, and records to copy.

Rules of the file: the sentences are the doctor's (``plan/direct``); nothing is looked at before a person asks.
"""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget
from shiboken6 import isValid

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.notices import Banner
from mua.gui.theme import BASE, META, SECONDARY
from mua.gui.widgets import Button, ElidedLabel, IconLabel, Label, Line, ToolButton
from mua.language import tr
from mua.model.account import Account
from mua.model.diagnosis import Diagnosis, Grade, Reach
from mua.model.records import DnsRecord, Published

_LOOKS = {
    Grade.GOOD: ("circle-check", "good", tr("Good")),
    Grade.DOUBTFUL: ("triangle-alert", "on_warning", tr("Doubtful")),
    Grade.BAD: ("circle-x", "on_danger", tr("Bad")),
    Grade.UNKNOWN: ("circle-help", "tertiary", tr("Not known")),
}
_TONES = {
    Reach.ANYONE: ("info", "circle-check"),
    Reach.NEAR: ("warning", "triangle-alert"),
    Reach.RELAY: ("danger", "circle-alert"),
}
_STATES = {
    Published.FOUND: "published",
    Published.NOT_SEEN: tr("not looked up yet"),
    Published.MISSING: tr("not published"),
    Published.OTHER: tr("something else is published"),
    Published.UNKNOWN: tr("could not be looked up"),
}


class DiagnosisPanel(QFrame):
    """The panel for one account, stored or not (``asked``: as everywhere, a command with what to do then)."""

    asked = Signal(object, object, object)
    found = Signal(object)
    """A Diagnosis is shown."""
    gave_up = Signal()
    """Nothing could be found out; why is said."""

    def __init__(self, account: Account) -> None:
        super().__init__()
        self.setProperty("kind", "panel")
        self.account = account
        self.verdict = Banner(stacked=True)
        self.records: list[RecordRow] = []
        self._offered: list[Button] = []
        self._signs = False
        self._rows = QVBoxLayout()
        self._rows.setSpacing(6)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        self._buttons.addStretch()
        self.again = Button(tr("Look again"), "refresh-cw")
        self.keys = Button(tr("Make keys to sign mail"), "key-round")
        self.again.clicked.connect(self.look)
        self.keys.clicked.connect(self._make_keys)
        for button in (self.keys, self.again):
            self._buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addWidget(self.verdict)
        column.addLayout(self._rows)
        column.addLayout(self._buttons)
        self.keys.hide()

    def look(self) -> None:
        """Ask for everything anew."""
        self._working(tr("Looking at what receivers would look at…"))
        self.asked.emit(wire.Diagnose(self.account.id, self.account), self._told, self._failed)

    def offer(self, text: str, act: Callable[[], object], kind: str = "") -> Button:
        """Another button, at the end."""
        button = Button(text, kind=kind)
        button.clicked.connect(lambda: act())
        self._buttons.addWidget(button)
        return button

    def offer_once(self, text: str, act: Callable[[], object], kind: str = "") -> None:
        """A button that what was found speaks for; it goes with the next look."""
        self._offered.append(self.offer(text, act, kind))

    def show_diagnosis(self, one: Diagnosis) -> None:
        """What was found."""
        self._clear()
        tone, icon = _TONES[one.reach]
        self.verdict.say(words.shown(one.text, 1000), tone, icon)
        for symptom in one.symptoms:
            self._rows.addLayout(_line(_LOOKS[symptom.grade], symptom.text, symptom.detail))
        missing = [record for record in one.records if record.state is not Published.FOUND]
        if missing:
            self._rows.addWidget(Line())
            self._rows.addWidget(
                Label(
                    tr("What {domain} should publish in the DNS", domain=words.shown(one.domain, 100)), BASE, bold=True
                )
            )
        self.records = [RecordRow(record) for record in missing]
        for row in self.records:
            self._rows.addWidget(row)
        signs = any(record.what == "dkim" for record in one.records)
        text = tr("Make new keys") if signs else tr("Make keys to sign mail")
        self.keys.setText(f" {text}")
        self.keys.setAccessibleName(text)
        self.keys.setVisible(self.account.id > 0 and bool(one.records))
        self._signs = signs
        self._ready(True)
        self.found.emit(one)

    # ---- inside
    def _working(self, text: str) -> None:
        self.verdict.say(text, "info")
        self._ready(False)
        for button in self._offered:
            self._buttons.removeWidget(button)
            button.deleteLater()
        self._offered.clear()

    def _ready(self, ready: bool) -> None:
        self.again.setEnabled(ready)
        self.keys.setEnabled(ready)

    def _told(self, answer: wire.Answer) -> None:
        assert isinstance(answer, wire.Diagnosed)
        if isValid(self):  # it may have been closed meanwhile
            self.show_diagnosis(answer.diagnosis)

    def _failed(self, error: MailError) -> None:
        if not isValid(self):
            return
        self.verdict.say(error.text, "danger")
        self._ready(True)
        self.gave_up.emit()

    def _make_keys(self) -> None:
        self._working(tr("Making keys…"))
        self.asked.emit(
            wire.MakeDkim(self.account.id, again=self._signs),
            lambda _: self.look() if isValid(self) else None,
            self._failed,
        )

    def _clear(self) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            _forget(item.widget(), item.layout())


def _forget(widget: QWidget | None, layout: object) -> None:
    if widget is not None:
        widget.deleteLater()
    elif isinstance(layout, QHBoxLayout):
        while (item := layout.takeAt(0)) is not None:
            _forget(item.widget(), None)
        layout.deleteLater()


def _line(look: tuple[str, str, str], text: str, detail: str) -> QHBoxLayout:
    icon, role, meaning = look
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addWidget(IconLabel(icon, role, 16, meaning), 0, Qt.AlignmentFlag.AlignTop)
    label = Label(words.shown(text, 600), SECONDARY, wrap=True)
    label.setToolTip(words.tip(words.shown(detail, 600)))
    row.addWidget(label, 1)
    return row


class RecordRow(QWidget):
    """One TXT record: its name and value, each to be copied."""

    def __init__(self, record: DnsRecord) -> None:
        super().__init__()
        self.record = record
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 2)
        column.setSpacing(2)
        column.addWidget(
            Label(
                tr("{what}, TXT record: {states}", what=record.what.upper(), states=_STATES[record.state]),
                META,
                "tertiary",
            )
        )
        self.copies = [_copied(column, what, text) for what, text in (("name", record.name), ("value", record.value))]


def _copied(column: QVBoxLayout, what: str, text: str) -> ToolButton:
    row = QHBoxLayout()
    row.setSpacing(6)
    label = ElidedLabel(words.shown(text, 2000), SECONDARY)
    copy = ToolButton("copy", tr("Copy the {what}", what=what))
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(text))
    row.addWidget(label, 1)
    row.addWidget(copy)
    column.addLayout(row)
    return copy
