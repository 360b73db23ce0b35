"""A password asked for in place, below the banner that says why."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout

from mua.gui.widgets import Button, PasswordField
from mua.language import tr


class PasswordBar(QFrame):
    """One field and one button; Escape dismisses."""

    entered = Signal(str)
    dismissed = Signal()

    def __init__(self, address: str) -> None:
        super().__init__()
        self.field = PasswordField(
            tr("Password of {address}", address=address), tr("Password of {address}", address=address)
        )
        self.button = Button(tr("Sign in"), kind="primary")
        self.button.setEnabled(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.field, 1)
        row.addWidget(self.button)
        self.field.textChanged.connect(lambda text: self.button.setEnabled(bool(text)))
        self.field.returnPressed.connect(self._enter)
        self.button.clicked.connect(self._enter)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape dismisses."""
        if event.key() == Qt.Key.Key_Escape:
            self.dismissed.emit()
        else:
            super().keyPressEvent(event)

    def _enter(self) -> None:
        password = self.field.text()
        if password:
            self.field.clear()
            self.entered.emit(password)
