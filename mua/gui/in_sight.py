"""What stays in sight above a list: messages that a person pinned, and those that were snoozed and came back.

Rule of the file: a line is a way to the message, which has its place in the list by its date as any other; few lines
are shown, and the rest is counted.
"""

import time
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QVBoxLayout

from mua.gui import words
from mua.gui.icons import pixmap
from mua.gui.theme import BASE, META, SEMIBOLD, SMALL_ICON, theme
from mua.gui.widgets import Button
from mua.language import tr
from mua.model.message import MessageRow

FEW = 4
_HEIGHT = 30


class SightLine(QAbstractButton):
    """One message in sight: who, what, when."""

    def __init__(self, row: MessageRow, returned: bool) -> None:
        super().__init__()
        self.message_id = row.id
        self._who = words.person(row.sender) or tr("Unknown sender")
        self._subject = words.shown(row.subject, 200) or tr("(no subject)")
        self._time = words.list_time(row.id >> 20, time.time())
        self._icon = "clock" if returned else "pin"
        kind = tr("Back") if returned else tr("Pinned")
        self.setAccessibleName(f"{kind}: {self._who}, {self._subject}")
        self.setToolTip(words.tip(f"{kind}: {self._subject}"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def sizeHint(self) -> QSize:
        return QSize(100, theme().grown(_HEIGHT))

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.hasFocus():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().colour("hover"))
            painter.drawRoundedRect(self.rect(), 8, 8)
        side, height, rtl = theme().grown(SMALL_ICON), self.height(), self.isRightToLeft()

        def place(left: int, width: int) -> QRect:
            return QRect(self.width() - left - width if rtl else left, 0, width, height)

        image = pixmap(self._icon, "accent", side, False, self.devicePixelRatio())
        painter.drawPixmap(place(10, side).left(), (height - side) // 2, image)
        who, small = theme().font(BASE, SEMIBOLD), theme().font(META)
        start, align = 10 + side + 8, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
        near = align | (Qt.AlignmentFlag.AlignRight if rtl else Qt.AlignmentFlag.AlignLeft)
        far = align | (Qt.AlignmentFlag.AlignLeft if rtl else Qt.AlignmentFlag.AlignRight)
        painter.setFont(small)
        painter.setPen(theme().colour("tertiary"))
        clock = painter.fontMetrics().horizontalAdvance(self._time) + 4
        painter.drawText(place(self.width() - clock - 10, clock), far, self._time)
        painter.setFont(who)
        room = self.width() - start - clock - 20
        name = painter.fontMetrics().elidedText(self._who, Qt.TextElideMode.ElideRight, room // 2)
        taken = painter.fontMetrics().horizontalAdvance(name) + 8
        painter.setPen(theme().colour("text"))
        painter.drawText(place(start, taken), near, name)
        painter.setFont(theme().font(BASE))
        painter.setPen(theme().colour("secondary"))
        rest = painter.fontMetrics().elidedText(self._subject, Qt.TextElideMode.ElideRight, room - taken)
        painter.drawText(place(start + taken, room - taken), near, rest)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses it, too."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)


class InSight(QFrame):
    """The lines above a list."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Kept in sight"))
        self.lines: list[SightLine] = []
        self._shown: list[tuple[MessageRow, bool]] = []
        self._all = False
        self.more = Button("", kind="link")
        self.more.clicked.connect(self._show_all)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 0, 12, 4)
        self._column.setSpacing(0)
        self.hide()

    def show_rows(self, found: Sequence[tuple[MessageRow, bool]]) -> None:
        """Show these (message, whether it came back); none: nothing."""
        if list(found) == self._shown:
            return
        if {row.id for row, _ in found}.isdisjoint(row.id for row, _ in self._shown):
            self._all = False
        self._shown = list(found)
        self._lay_out()

    def changeEvent(self, event: QEvent) -> None:
        """Another direction or font: painted anew."""
        super().changeEvent(event)
        for line in self.lines:
            line.update()

    def _show_all(self) -> None:
        self._all = True
        self._lay_out()

    def _lay_out(self) -> None:
        for line in self.lines:
            self._column.removeWidget(line)
            line.hide()
            line.deleteLater()
        self._column.removeWidget(self.more)
        shown = self._shown if self._all else self._shown[:FEW]
        self.lines = [SightLine(row, returned) for row, returned in shown]
        for line in self.lines:
            line.clicked.connect(lambda _=False, one=line.message_id: self.chosen.emit(one))
            self._column.addWidget(line)
        rest = len(self._shown) - len(shown)
        self.more.setText(tr("{number:,} more", number=rest))
        if rest:
            self._column.addWidget(self.more)
        self.more.setVisible(rest > 0)
        self.setVisible(bool(self._shown))
