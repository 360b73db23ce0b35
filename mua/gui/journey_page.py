"""The way of a received message as a picture that is also text: every step from its author to the mailbox.

Rules of the file: what nobody of one's own servers wrote is drawn as a claim, and set apart; a step is one accessible
row; the page shows a ``Journey``, and reads nothing.
"""

import time
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mua.gui import words
from mua.gui.icons import pixmap
from mua.gui.reader_author import Lines, Said
from mua.gui.room import Room
from mua.gui.theme import BASE, META, SECONDARY, SUBJECT, theme
from mua.gui.widgets import Button, IconLabel, Label
from mua.language import plural, strftime, tr
from mua.model.journey import Hop, Journey, Role
from mua.plan import journey as said

_RAIL: Final = 44  # pixels
_DISC: Final = 32
_ICONS: Final = {
    Role.SUBMISSION: "send",
    Role.TRANSFER: "server",
    Role.EXCHANGE: "inbox",
    Role.DELIVERY: "mail",
    Role.FETCH: "download",
}


class JourneyPage(Room):
    """The page.  ``author`` and ``mailbox`` are its ends, as they are shown."""

    def __init__(self, subject: str, author: str, mailbox: str, way: Journey, lines: Sequence[Said]) -> None:
        super().__init__(tr("The way of a message"))
        self._way = way
        copy = Button(tr("Copy as text"), "copy")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text()))
        self.bar.addWidget(copy)
        self.column.addWidget(Label(subject or tr("(no subject)"), SUBJECT, bold=True, wrap=True))
        self.summary = Label(_summary(way), BASE, "secondary", wrap=True)
        self.column.addWidget(self.summary)
        if lines:
            about = Lines()
            about.show_lines(lines)
            about.way.hide()
            self.column.addWidget(about)
        self.column.addSpacing(8)
        self._draw(author, mailbox)
        self.column.addStretch(1)

    def text(self) -> str:
        """All of it as text."""
        return "\n".join((self.summary.text(), *said.lines(self._way, _moment)))

    # ---- inside
    def _draw(self, author: str, mailbox: str) -> None:
        hops = self._way.hops
        steps = QVBoxLayout()
        steps.setSpacing(0)
        written = _moment(self._way.written) if self._way.written is not None else tr("It does not say when")
        program = tr(" with {program}", program=words.shown(self._way.program, 80)) if self._way.program else ""
        steps.addWidget(
            Step("user", tr("Written"), author or tr("Unknown sender"), [f"{written}{program}"], claim=True, first=True)
        )
        for place, hop in enumerate(hops):
            if place and hops[place - 1].claim and not hop.claim:
                steps.addWidget(_Border())
            steps.addWidget(_step(hop))
        steps.addWidget(Step("user", tr("In your mailbox"), mailbox, [], last=True))
        self.column.addLayout(steps)
        for text in said.left_out(self._way):
            self.column.addWidget(Label(text, SECONDARY, "tertiary", wrap=True))


class Step(QWidget):
    """One step: a disc on the rail, and what is known of it."""

    def __init__(
        self,
        icon_name: str,
        role: str,
        who: str,
        facts: Sequence[str],
        odd: Sequence[str] = (),
        *,
        span: str = "",
        claim: bool = False,
        lock: str = "",
        first: bool = False,
        last: bool = False,
    ) -> None:
        super().__init__()
        self._icon, self._claim, self._first, self._last = icon_name, claim, first, last
        column = QVBoxLayout(self)
        column.setContentsMargins(_RAIL + 12, 6, 0, 18)
        column.setSpacing(2)
        column.addLayout(_head(role, span, lock))
        name = Label(words.shown(who, 200), BASE, "secondary" if claim and not first else "", bold=True, wrap=True)
        name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(name)
        for text in facts:
            line = Label(words.shown(text, 500), SECONDARY, "secondary", wrap=True)
            line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(line)
        for text in odd:
            column.addLayout(_oddity(text))
        known = (role, who, span, *facts, *odd, said.CLAIM if claim and not first else "")
        self.setAccessibleName(". ".join(one.rstrip(".") for one in known if one))

    def paintEvent(self, _: QPaintEvent) -> None:
        """The rail: dashed where it is only claimed."""
        colours, scale = theme().colours, theme().scale
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side, middle = _DISC * scale, _RAIL / 2
        if self.isRightToLeft():
            middle = self.width() - middle
        top = 6.0
        pen = _rail(claim=self._claim)
        painter.setPen(pen)
        if not self._first:
            painter.drawLine(QPointF(middle, 0), QPointF(middle, top))
        if not self._last:
            painter.drawLine(QPointF(middle, top + side), QPointF(middle, self.height()))
        ground = QColor(colours.reader if self._claim else colours.selection)
        painter.setBrush(ground)
        painter.setPen(pen if self._claim else QPen(QColor(colours.accent), 1.5))
        painter.drawEllipse(QRectF(middle - side / 2, top, side, side).adjusted(1, 1, -1, -1))
        picture = pixmap(self._icon, "secondary" if self._claim else "accent", round(16 * scale))
        half = round(16 * scale) / 2
        painter.drawPixmap(QPointF(middle - half, top + side / 2 - half), picture)


class _Border(QWidget):
    """Where one's own servers begin."""

    def __init__(self) -> None:
        super().__init__()
        text = tr("From here on your own servers write. What is above this line is what others say.")
        label = Label(text, SECONDARY, "secondary", wrap=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(_RAIL + 12, 2, 0, 16)
        row.setSpacing(8)
        row.addWidget(IconLabel("shield-check", "secondary", 15), 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(label, 1)
        self.setAccessibleName(text)

    def paintEvent(self, _: QPaintEvent) -> None:
        """The rail goes on, and a line across."""
        painter = QPainter(self)
        painter.setPen(_rail(claim=True))
        middle = self.width() - _RAIL / 2 if self.isRightToLeft() else _RAIL / 2
        painter.drawLine(QPointF(middle, 0), QPointF(middle, self.height()))


def _head(role: str, span: str, lock: str) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addWidget(Label(role, META, "tertiary", bold=True))
    if span:
        row.addWidget(Label(span, META, "tertiary"))
    if lock:
        row.addWidget(IconLabel(lock, "secondary", 13, tr("Encrypted") if lock == "lock" else tr("Not encrypted")))
    row.addStretch()
    return row


def _oddity(text: str) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(6)
    row.addWidget(IconLabel("triangle-alert", "on_warning", 14), 0, Qt.AlignmentFlag.AlignTop)
    row.addWidget(Label(words.shown(text, 500), SECONDARY, "secondary", wrap=True), 1)
    return row


def _rail(*, claim: bool) -> QPen:
    faint = QColor(theme().colours.tertiary)
    faint.setAlpha(140)
    return QPen(faint, 1.5, Qt.PenStyle.DashLine if claim else Qt.PenStyle.SolidLine)


def _step(hop: Hop) -> Step:
    one = hop.received
    name = one.by or tr("A server that does not name itself")
    when = _moment(one.at) if one.at is not None else ""
    whence = said.took_from(one)
    facts = [whence[:1].upper() + whence[1:], said.how(one), when]
    span = ""
    if hop.seconds is not None:
        span = (
            tr("after {span}", span=said.span(hop.seconds))
            if hop.seconds >= 0
            else tr("{span} earlier", span=said.span(-hop.seconds))
        )
    lock = "" if one.encrypted is None else "lock" if one.encrypted else "lock-open"
    software = f" · {one.software}" if one.software else ""
    return Step(
        _ICONS[hop.role], said.ROLES[hop.role], f"{name}{software}", [fact for fact in facts if fact], hop.oddities,
        span=span, claim=hop.claim, lock=lock,
    )  # fmt: skip


def _summary(way: Journey) -> str:
    if not way.hops:
        return tr("No server wrote down that it had this message: it never travelled, or its traces were removed.")
    times = [hop.received.at for hop in way.hops if hop.received.at is not None]
    steps = words.count(len(way.hops), "step")
    start = way.written if way.written is not None else times[0] if times else None
    took = (
        tr(" in {span}", span=said.span(times[-1] - start))
        if times and start is not None and times[-1] >= start
        else ""
    )
    claims = sum(hop.claim for hop in way.hops)
    if claims == len(way.hops):
        told = tr("None of the servers that receive your mail is known yet, so all of it is a claim.")
    else:
        told = (
            plural(claims, "{number:,} step is only claimed.", "{number:,} steps are only claimed.")
            if claims
            else tr("Your servers saw all of it.")
        )
    return tr("It came in {steps}{took}, by its own account. {told}", steps=steps, took=took, told=told)


def _moment(at: int) -> str:
    """A time to the second, here."""
    moment = time.localtime(at)
    return strftime(f"%a {moment.tm_mday} %b %Y, %H:%M:%S", moment)
