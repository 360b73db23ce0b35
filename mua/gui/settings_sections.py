"""The parts of the settings page: sections of rows that a search narrows, and each setting's way back to its default.

Theory of operation: whatever a section shows stands in a holder of its own.  ``Sections.narrow`` hides the holders that
say nothing of what is searched, so that what is inside keeps its own mind about being seen.
"""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from mua.gui.preferences import Preferences
from mua.gui.theme import BASE, TITLE
from mua.gui.widgets import Label, Line, ToolButton
from mua.language import tr

DEFAULT = Preferences()


class Section(QWidget):
    """A title, and below it rows."""

    def __init__(self, title: str, *, first: bool) -> None:
        super().__init__()
        self._title = title
        self._holders: list[QWidget] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(12)
        self._rule = Line()
        above, below = (0, 0) if first else (10, 6)
        self._column.addSpacing(above)
        self._column.addWidget(self._rule)
        self._column.addSpacing(below)
        self.part(not first)
        self._column.addWidget(Label(title, TITLE, bold=True), 0, Qt.AlignmentFlag.AlignLeft)

    def put(self, part: QWidget | QHBoxLayout | QVBoxLayout) -> None:
        """Show something below what is there."""
        holder = QWidget()
        inside = QVBoxLayout(holder)
        inside.setContentsMargins(0, 0, 0, 0)
        if isinstance(part, QWidget):
            inside.addWidget(part)
        else:
            inside.addLayout(part)
        self._holders.append(holder)
        self._column.addWidget(holder)

    def part(self, on: bool) -> None:
        """Draw the line that parts it from the section above."""
        self._rule.setVisible(on)

    def narrow(self, wanted: list[str]) -> int:
        """Show only what says all of these words; how many rows do."""
        found = 0
        for holder in self._holders:
            fits = all(word in f"{self._title.casefold()} {said(holder)}" for word in wanted)
            holder.setVisible(fits)
            found += fits
        self.setVisible(bool(found))
        return found


def said(part: QWidget) -> str:
    """Every word that a part shows or is called, case folded."""
    words: list[str] = []
    for one in [part, *part.findChildren(QWidget)]:
        words += [one.accessibleName(), one.toolTip()]
        if isinstance(one, QLabel | QAbstractButton):
            words.append(one.text())
        elif isinstance(one, QLineEdit | QPlainTextEdit):
            words.append(one.placeholderText())
        elif isinstance(one, QComboBox):
            words += [one.itemText(number) for number in range(one.count())]
    return " ".join(words).casefold()


class Sections:
    """All of a page, in order."""

    def __init__(self, column: QVBoxLayout) -> None:
        self._column = column
        self._all: list[Section] = []
        self._resets: list[tuple[ToolButton, tuple[str, ...]]] = []

    def begin(self, title: str) -> None:
        """From now on things are put into this section."""
        self._all.append(Section(title, first=not self._all))
        self._column.addWidget(self._all[-1])

    def put(self, part: QWidget | QHBoxLayout | QVBoxLayout) -> None:
        """Show something in the section that was begun last."""
        self._all[-1].put(part)

    def setting(self, name: str, part: QWidget, fields: tuple[str, ...], show: Callable[[Preferences], object]) -> None:
        """A line with the way back to its default; ``show`` has ``part`` show these preferences, and so keep them."""
        reset = ToolButton("undo-2", tr("{name}: back to what is usual", name=name))
        keeps = QSizePolicy(reset.sizePolicy())
        keeps.setRetainSizeWhenHidden(True)
        reset.setSizePolicy(keeps)
        reset.clicked.connect(lambda: show(DEFAULT))
        self._resets.append((reset, fields))
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(Label(name, BASE))
        row.addStretch(1)
        row.addWidget(part)
        row.addWidget(reset)
        self.put(row)

    def mark(self, now: Preferences) -> None:
        """Offer the way back where there is one."""
        for reset, fields in self._resets:
            reset.setVisible(any(getattr(now, name) != getattr(DEFAULT, name) for name in fields))

    def narrow(self, text: str) -> int:
        """Show only what is searched; how many rows that are."""
        wanted = text.casefold().split()
        rows = [section.narrow(wanted) for section in self._all]
        first = next((section for section in self._all if not section.isHidden()), None)
        for section in self._all:
            section.part(section is not first)
        return sum(rows)
