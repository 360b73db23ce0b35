"""A few chips, one of them down."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from mua.gui.widgets import Chip


class Choice(QWidget):
    """A few chips, one of them down."""

    changed = Signal()

    def __init__(self, label: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.setAccessibleName(label)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self._chips: dict[str, Chip] = {}
        for value, text in choices:
            chip = self._chips[value] = Chip(text)
            chip.setAccessibleName(f"{label}: {text}")
            chip.clicked.connect(lambda _=False, value=value: self.choose(value))
            row.addWidget(chip)
        row.addStretch()
        self._value = choices[0][0]
        self.choose(self._value)

    def value(self) -> str:
        """What is chosen."""
        return self._value

    def choose(self, value: str) -> None:
        """Press a chip."""
        changed, self._value = value != self._value, value
        for name, chip in self._chips.items():
            chip.setChecked(name == value)
        if changed:
            self.changed.emit()
