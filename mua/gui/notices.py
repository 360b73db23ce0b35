"""What the window says in place: an empty pane, a banner with its one button, a toast that can be undone."""

from collections.abc import Callable
from typing import ClassVar

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from mua.gui.theme import (
    BASE,
    EMPTY_ICON,
    META,
    SECONDARY,
    TITLE,
    theme,
)
from mua.gui.widgets import Button, ElidedLabel, IconLabel, Label, Line, ToolButton, restyle
from mua.language import tr

_SHORT = 520  # pixels of a banner whose buttons stand below its text


class EmptyState(QWidget):
    """Why a pane is empty, and what to do: icon, one line of title, one line of hint, perhaps one button."""

    def __init__(self, icon_name: str, title: str, hint: str, button: QPushButton | None = None) -> None:
        super().__init__()
        self._icon = IconLabel(icon_name, "tertiary", EMPTY_ICON)
        self._title = Label(title, TITLE, bold=True, wrap=True)
        self._hint = Label(hint, BASE, "secondary", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(6)
        column.addStretch(5)
        column.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(8)
        for label in (self._title, self._hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        if button is not None:
            column.addSpacing(10)
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(6)
        self.show_state(icon_name, title, hint)

    def show_state(self, icon_name: str, title: str, hint: str) -> None:
        """Change what it says."""
        self._icon.show_icon(icon_name, "tertiary")
        self._title.setText(title)
        self._hint.setText(hint)
        self.setAccessibleName(f"{title}. {hint}")


class Banner(QFrame):
    """A message in place: icon, text, and link buttons (``stacked``: below the text, for narrow panes).

    ``tone`` is "info", "warning" or "danger".
    """

    _ICONS: ClassVar[dict[str, tuple[str, str]]] = {
        "info": ("info", "secondary"),
        "warning": ("triangle-alert", "on_warning"),
    }

    def __init__(self, text: str = "", tone: str = "info", icon_name: str = "", stacked: bool = False) -> None:
        super().__init__()
        self.setProperty("kind", "banner")
        self._picture = IconLabel("info", "secondary", 16)
        self._text = Label("", SECONDARY, wrap=True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignTop if stacked else Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._text, 1)
        self._row = QHBoxLayout()
        self._row.setSpacing(8)
        self._stacked = stacked
        self._whole = whole = QBoxLayout(
            QBoxLayout.Direction.TopToBottom if stacked else QBoxLayout.Direction.LeftToRight, self
        )
        whole.setContentsMargins(12, 5 + 3 * stacked, 8, 5)
        whole.setSpacing(2 if stacked else 8)
        whole.addLayout(row, 1)
        whole.addLayout(self._row)
        if stacked:
            self._row.addStretch()
        self._buttons: list[QPushButton] = []
        self.say(text, tone, icon_name)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where room is short the buttons stand below the text."""
        super().resizeEvent(event)
        below = self._stacked or (len(self._buttons) > 1 and event.size().width() < _SHORT * max(1.0, theme().scale))
        direction = QBoxLayout.Direction.TopToBottom if below else QBoxLayout.Direction.LeftToRight
        if self._whole.direction() != direction:
            self._whole.setDirection(direction)

    def minimumSizeHint(self) -> QSize:
        """The buttons' width at most: the text wraps, or stands above them."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), 200), hint.height())

    def say(self, text: str, tone: str = "info", icon_name: str = "") -> None:
        """Change text, tone and picture; the buttons stay."""
        name, role = self._ICONS.get(tone, ("circle-alert", "on_danger"))
        self._picture.show_icon(icon_name or name, role)
        self._text.setText(text)
        self.setAccessibleName(text)
        restyle(self, tone=tone)

    def text(self) -> str:
        """What it says now."""
        return self._text.text()

    def offer(self, text: str, act: Callable[[], object]) -> Button:
        """Add a link button at the end."""
        button = Button(text, kind="link")
        button.clicked.connect(lambda: act())
        self._row.addWidget(button)
        self._buttons.append(button)
        return button

    def withdraw(self) -> None:
        """Remove all buttons."""
        for button in self._buttons:
            self._row.removeWidget(button)
            button.deleteLater()
        self._buttons.clear()


class RestLine(QFrame):
    """A quiet line below a list, with a button or two: what is not listed, and how to get it."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ElidedLabel("", META, "tertiary")
        self._button = Button(tr("Fetch"), kind="link")
        self._act: Callable[[], object] | None = None
        self._button.clicked.connect(self._clicked)
        self._other = Button(tr("Fetch"), kind="link")
        self._other_act: Callable[[], object] = self.hide
        self._other.clicked.connect(lambda: self._other_act())
        row = QHBoxLayout()
        row.setContentsMargins(18, 2, 12, 6)
        row.setSpacing(8)
        row.addWidget(self._text, 1)
        row.addWidget(self._button)
        row.addWidget(self._other)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(Line())
        column.addLayout(row)
        self.hide()

    def say(self, text: str, button: str = "", act: Callable[[], object] | None = None) -> None:
        """Show it."""
        self._text.setText(text)
        self._act = act
        self._button.setText(button)
        self._button.setAccessibleName(button)
        self._button.setVisible(act is not None)
        self._other.hide()
        self.setAccessibleName(text)
        self.show()

    def offer(self, button: str, act: Callable[[], object]) -> None:
        """A second button, until something else is said."""
        self._other_act = act
        self._other.setText(button)
        self._other.setAccessibleName(button)
        self._other.show()

    def text(self) -> str:
        """What it says."""
        return self._text.text()

    def press(self) -> None:
        """As a click on its button."""
        self._button.click()

    def _clicked(self) -> None:
        if self._act is not None:
            self._act()


class Toast(QFrame):
    """What was just done, with one button (Undo), floating over the bottom of its parent for a few seconds.

    ``over`` is the part of the parent to float over while it is visible: one with no buttons at its bottom.
    """

    def __init__(self, parent: QWidget, over: QWidget | None = None) -> None:
        super().__init__(parent)
        self._area, self._over = parent, over
        self.setProperty("kind", "toast")
        self._text = Label("")
        self._act: Callable[[], object] | None = None
        self._button = Button(tr("Undo"), kind="link")
        self._button.clicked.connect(self._clicked)
        close = ToolButton("x", tr("Dismiss"))
        close.show_icon("x", "on_toast")
        close.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 5, 6, 5)
        row.setSpacing(10)
        for part in (self._text, self._button, close):
            row.addWidget(part)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        parent.installEventFilter(self)
        self.hide()

    def say(
        self, text: str, button: str = "", act: Callable[[], object] | None = None, milliseconds: int = 7_000
    ) -> None:
        """Show ``text``, and ``button`` if there is something to click; gone after ``milliseconds``."""
        self._text.setText(text)
        self._act = act
        self._button.setText(button)
        self._button.setAccessibleName(button or tr("Undo"))
        self._button.setVisible(act is not None)
        self.setAccessibleName(text)
        self.adjustSize()
        self._place()
        self.show()
        self.raise_()
        self._timer.start(milliseconds)

    def withdraw(self, text: str) -> None:
        """Take ``text`` away, unless something else is said by now."""
        if self._text.text() == text:
            self.hide()

    def text(self) -> str:
        """What it says now."""
        return self._text.text()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Stay at the bottom centre of the parent."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def _place(self) -> None:
        area, centre, least = self._area.size(), self._area.width() // 2, 8
        if self._over is not None and self._over.isVisible():
            centre = self._over.mapTo(self._area, self._over.rect().center()).x()
            least += self._over.mapTo(self._area, QPoint(0, 0)).x()
        left = max(8, min(max(least, centre - self.width() // 2), area.width() - self.width() - 8))
        self.move(QPoint(left, area.height() - self.height() - 24))

    def _clicked(self) -> None:
        self.hide()
        if self._act is not None:
            self._act()
