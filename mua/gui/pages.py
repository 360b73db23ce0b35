"""A small window: the keyboard shortcuts."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from mua.gui.actions import DEEDS, GROUPS, Actions
from mua.gui.theme import BASE, META, TITLE
from mua.gui.widgets import Label
from mua.language import tr


class ShortcutsPage(QDialog):
    """Every action with its keys, by group."""

    def __init__(self, parent: QWidget, actions: Actions) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Keyboard shortcuts"))
        self.resize(760, 620)
        inside = QWidget()
        columns = QHBoxLayout(inside)
        columns.setContentsMargins(28, 8, 28, 20)
        columns.setSpacing(36)
        groups: dict[str, list[tuple[str, list[str]]]] = {}
        for deed in DEEDS:
            keys = [key.toString(QKeySequence.SequenceFormat.NativeText) for key in actions[deed.id].shortcuts()]
            if keys:
                groups.setdefault(deed.group, []).append((deed.text, keys))
        for names in (("Write", "Act"), ("Go", "Find", "Program")):
            column = QVBoxLayout()
            column.setSpacing(4)
            for name in names:
                column.addSpacing(10)
                column.addWidget(Label(GROUPS[name], META, "tertiary", bold=True))
                column.addLayout(_table(groups.get(name, [])))
            column.addStretch()
            columns.addLayout(column, 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 20, 0, 0)
        title = Label(tr("Keyboard shortcuts"), TITLE, bold=True)
        title.setContentsMargins(28, 0, 28, 0)
        whole.addWidget(title)
        whole.addWidget(area, 1)


def _table(lines: list[tuple[str, list[str]]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setColumnStretch(0, 1)
    grid.setVerticalSpacing(6)
    for row, (text, keys) in enumerate(lines):
        grid.addWidget(Label(text, BASE), row, 0)
        caps = QHBoxLayout()
        caps.setSpacing(4)
        caps.addStretch()
        for key in keys:
            cap = QLabel(key)
            cap.setProperty("kind", "key")
            caps.addWidget(cap)
        grid.addLayout(caps, row, 1)
    return grid
