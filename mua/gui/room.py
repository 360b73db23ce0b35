"""The frame of a page that takes the place of the mail: a way back, a title, and one calm column."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget
from shiboken6 import isValid

from mua.gui.theme import TITLE
from mua.gui.widgets import Label, Line, ToolButton
from mua.language import tr

COLUMN = 760  # pixels


class Room(QFrame):
    """The page.  Escape and the arrow leave it (``left``)."""

    left = Signal()

    def __init__(self, title: str, column: int = COLUMN, *, back: bool = True) -> None:
        super().__init__()
        self.setObjectName("reader")
        self.setAccessibleName(title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.bar = QHBoxLayout()
        self.bar.setContentsMargins(16, 2, 20, 8)
        self.bar.setSpacing(8)
        self.title = Label(title, TITLE, bold=True)
        self.back = ToolButton("arrow-left", tr("Back to the mail"), key="Esc")
        self.back.clicked.connect(self.left)
        if not back:
            self.back.hide()
        self.bar.addWidget(self.back)
        self.bar.addWidget(self.title)
        self.bar.addStretch(1)
        self.inside = QWidget()
        self.inside.setMaximumWidth(column)
        self.column = QVBoxLayout(self.inside)
        self.column.setContentsMargins(24, 20, 24, 32)
        self.column.setSpacing(12)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 8, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(self.bar)
        self.rule = Line()
        whole.addWidget(self.rule)
        self._scroll = self._area()
        whole.addWidget(self._scroll, 1)

    def bring_into_view(self, part: QWidget) -> None:
        """Scroll so far that ``part`` is seen, once it is laid out."""

        def scroll() -> None:
            if isValid(part) and part.isVisible():
                self._scroll.ensureWidgetVisible(part, 0, 24)

        QTimer.singleShot(0, self, scroll)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leaves."""
        if event.key() == Qt.Key.Key_Escape and not self.back.isHidden():
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _area(self) -> QScrollArea:
        middle = QWidget()
        row = QHBoxLayout(middle)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(self.inside, 1000)
        row.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(middle)
        for ground in (area.viewport(), middle):  # the page's own ground shows through
            ground.setAutoFillBackground(False)
        return area
