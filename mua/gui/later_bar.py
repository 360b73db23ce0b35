"""Asks in place when a message is to be sent, or to come back: date, time and zone, and the sentence that says when
that is here.

Rules of the file: nothing is chosen that lies in the past; the sentence says the time as this computer's clock will
show it then, with the zone; Enter chooses, Escape leaves.
"""

import time
import zoneinfo
from datetime import UTC, datetime, timedelta, tzinfo

from PySide6.QtCore import QDateTime, QLocale, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QTextCharFormat
from PySide6.QtWidgets import (
    QCalendarWidget,
    QComboBox,
    QDateTimeEdit,
    QFrame,
    QHBoxLayout,
    QToolButton,
    QVBoxLayout,
)

from mua.gui import words
from mua.gui.icons import icon, pixmap
from mua.gui.select import Completer, Select
from mua.gui.sheets import styled
from mua.gui.theme import SECONDARY, SMALL_ICON, theme
from mua.gui.widgets import Button, Label, restyle
from mua.language import language, tr
from mua.plan import later

_SHEET = """
QDateTimeEdit { background: @field; color: @text; border: 1px solid @line; border-radius: 8px; padding: 0 8px;
  min-height: 32px; selection-background-color: @accent; selection-color: @on_accent; }
QDateTimeEdit:focus { border: 1px solid @accent; }
QDateTimeEdit::drop-down { border: none; width: 28px; }
QDateTimeEdit::down-arrow { image: none; }
QCalendarWidget QWidget { background: @list; color: @text; alternate-background-color: @list; }
QCalendarWidget QAbstractItemView { selection-background-color: @accent; selection-color: @on_accent; outline: 0; }
QCalendarWidget QAbstractItemView:disabled { color: @tertiary; }
QCalendarWidget QToolButton { min-width: 24px; min-height: 24px; padding: 2px 8px; font-weight: 600; }
QCalendarWidget QSpinBox { background: @field; border: 1px solid @line; border-radius: 6px; }
"""


class _Field(QDateTimeEdit):
    """With a mark at its end that follows the theme, as a drop-down has it."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        x = 8 if self.isRightToLeft() else self.width() - SMALL_ICON - 8
        QPainter(self).drawPixmap(x, (self.height() - SMALL_ICON) // 2, pixmap("chevron-down", "tertiary", SMALL_ICON))


class ZoneSelect(Select):
    """Whose clocks the time is meant by: this computer's, or those of a place, found by any part of its name."""

    HERE = tr("This computer's time")

    def __init__(self) -> None:
        super().__init__(tr("Time zone"))
        self.addItem(self.HERE, "")
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setMinimumContentsLength(20)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setCompleter(Completer(self.model(), tr("Time zone"), self))

    def start(self) -> None:
        """Back to this computer; the places are read the first time that somebody may want them."""
        if self.count() == 1:
            for key in sorted(one for one in zoneinfo.available_timezones() if "/" in one and "Etc/" not in one):
                self.addItem(key.replace("_", " "), key)
            self.addItem("UTC", "UTC")
        self.setCurrentIndex(0)

    def zone(self) -> tzinfo | None:
        """The zone; None is this computer's.  Raises ValueError for what is no place."""
        found = self.findText(self.currentText().strip(), Qt.MatchFlag.MatchFixedString)
        if found < 0:
            raise ValueError("That is no time zone of the list; type a part of its name, such as Tokyo.")
        key = self.itemData(found)
        return (UTC if key == "UTC" else zoneinfo.ZoneInfo(key)) if key else None


class LaterBar(QFrame):
    """The bar.  ``chosen`` has the instant (UTC seconds)."""

    chosen = Signal(object)
    left = Signal()

    def __init__(self, button: str = tr("Send then")) -> None:
        super().__init__()
        spoken = QLocale(language().locale)  # as everything else that the window says
        self.field = _Field()
        self.field.setAccessibleName(tr("Date and time of sending"))
        self.field.setLocale(spoken)
        self.field.setDisplayFormat(tr("d MMM yyyy, HH:mm"))
        self.field.setCalendarPopup(True)
        styled(self.field, _SHEET)
        self._calendar = self.field.calendarWidget()
        self._calendar.setLocale(spoken)
        self._calendar.setFirstDayOfWeek(Qt.DayOfWeek.Monday)
        self._calendar.setVerticalHeaderFormat(QCalendarWidget.VerticalHeaderFormat.NoVerticalHeader)
        self.zone = ZoneSelect()
        self.button = Button(button, "calendar")
        self.cancel = Button(tr("Cancel"), kind="link")
        self.sentence = Label("", SECONDARY, "secondary", wrap=True)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.field)
        row.addWidget(self.zone)
        row.addWidget(self.button)
        row.addWidget(self.cancel)
        row.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 4)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self.sentence)
        self.field.dateTimeChanged.connect(self.tell)
        self.zone.currentTextChanged.connect(self.tell)
        self.button.clicked.connect(self._choose)
        self.cancel.clicked.connect(self.left)
        theme().changed.connect(self._tint)
        self._tint()

    def ask(self, at: int | None = None) -> None:
        """Show it, with the time ``at`` or the full hour after next, the keyboard in the field."""
        local = datetime.fromtimestamp(at) if at else datetime.now() + timedelta(hours=2)  # noqa: DTZ005, DTZ006
        if not at:
            local = local.replace(minute=0)
        self.zone.start()
        self.field.setDateTime(QDateTime(local.year, local.month, local.day, local.hour, local.minute, 0))
        self.tell()
        self.show()
        self.field.setFocus()
        self.field.setSelectedSection(QDateTimeEdit.Section.DaySection)

    def at(self) -> later.Moment:
        """What is in the fields.  Raises ValueError, in a sentence, where the zone is none."""
        day, clock = self.field.date(), self.field.time()
        local = datetime(day.year(), day.month(), day.day(), clock.hour(), clock.minute())  # noqa: DTZ001
        return later.moment(local, self.zone.zone())

    def tell(self) -> None:
        """Say what the time in the field means."""
        try:
            text, good = self.said(self.at(), self.field.time().toString("HH:mm"), int(time.time()))
        except ValueError as error:
            text, good = str(error), False
        self.button.setEnabled(good)
        restyle(self.sentence, tone="secondary" if good else "danger")
        self.sentence.setText(text)
        self.field.setAccessibleDescription(text)

    def said(self, moment: later.Moment, clock: str, now: int) -> tuple[str, bool]:
        """(the sentence for a time that was named by ``clock``, whether it can be chosen)."""
        return said_of(moment, clock, now)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose()
        else:
            super().keyPressEvent(event)

    # ---- inside
    def _choose(self) -> None:
        self.field.interpretText()
        self.tell()
        if self.button.isEnabled():
            self.chosen.emit(self.at().at)

    def _tint(self) -> None:
        """The calendar paints weekends red, and its arrows black."""
        plain = QTextCharFormat()
        plain.setForeground(QColor(theme().colour("text")))
        for day in (Qt.DayOfWeek.Saturday, Qt.DayOfWeek.Sunday):
            self._calendar.setWeekdayTextFormat(day, plain)
        for name, picture in (("qt_calendar_prevmonth", "chevron-left"), ("qt_calendar_nextmonth", "chevron-right")):
            button = self._calendar.findChild(QToolButton, name)
            if button is not None:
                button.setIcon(icon(picture, "secondary", SMALL_ICON))


class SnoozeBar(LaterBar):
    """The same above the list, for when something is to come back: this computer's clock is meant."""

    def __init__(self) -> None:
        super().__init__(tr("Until then"))
        self.field.setAccessibleName(tr("Date and time at which it comes back"))
        self.zone.hide()

    def said(self, moment: later.Moment, clock: str, now: int) -> tuple[str, bool]:
        problem = later.problem(moment.at, now)
        return problem or tr("It comes back on {when}.", when=words.whole_time(moment.at)), not problem


def said_of(moment: later.Moment, clock: str, now: int) -> tuple[str, bool]:
    """(the sentence for a time that was named by ``clock``, whether it can be chosen)."""
    if problem := later.problem(moment.at, now):
        return problem, False
    strange = {
        later.Clock.SKIPPED: tr(" No clock shows {clock} that night, since the clocks go forward.", clock=clock),
        later.Clock.TWICE: tr(
            " {clock} comes twice that night, since the clocks go back; the first is meant.", clock=clock
        ),
    }.get(moment.clock, "")
    return f"{goes_out(moment.at)}{strange} {CONDITION}", True


def goes_out(at: int) -> str:
    """The long form of a time that is ahead, with its zone."""
    return tr("It goes out on {when} ({zone_words}).", when=words.whole_time(at), zone_words=later.zone_words(at))


CONDITION = tr(
    "Mua sends it from this computer, also when its window is closed. If the computer is off or asleep then, it goes "
    "as soon as the computer is on again and Mua has been started."
)
