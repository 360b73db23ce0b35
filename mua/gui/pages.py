"""Two small windows: the keyboard shortcuts, and the source of a message."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from mua.gui.actions import DEEDS, Actions
from mua.gui.theme import BASE, META, SECONDARY, TITLE
from mua.gui.widgets import Label

MAX_SOURCE = 4_000_000


class ShortcutsPage(QDialog):
    """Every action with its keys, by group."""

    def __init__(self, parent: QWidget, actions: Actions) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keyboard shortcuts")
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
                column.addWidget(Label(name, META, "tertiary", bold=True))
                column.addLayout(_table(groups.get(name, [])))
            column.addStretch()
            columns.addLayout(column, 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 20, 0, 0)
        title = Label("Keyboard shortcuts", TITLE, bold=True)
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


class SourcePage(QDialog):
    """The message as received, byte for byte (shown as Latin-1 where it is not UTF-8)."""

    def __init__(self, parent: QWidget, title: str, raw: bytes | None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Source of {title}")
        self.resize(860, 680)
        text = QPlainTextEdit()
        text.setReadOnly(True)
        text.setAccessibleName("Message source")
        text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        text.setPlainText(_readable(raw))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 12, 0, 0)
        note = "Not on this computer yet." if raw is None else f"{len(raw):,} octets"
        label = Label(note, SECONDARY, "tertiary")
        label.setContentsMargins(16, 0, 16, 0)
        column.addWidget(label)
        column.addWidget(text, 1)


def _readable(raw: bytes | None) -> str:
    if raw is None:
        return ""
    cut = raw[:MAX_SOURCE]
    try:
        text = cut.decode("utf-8")
    except UnicodeDecodeError:
        text = cut.decode("latin-1")
    text = "".join(one if one in "\n\t" or ord(one) >= 32 else "" for one in text.replace("\r\n", "\n"))
    return text if len(raw) <= MAX_SOURCE else text + "\n[cut here]"
