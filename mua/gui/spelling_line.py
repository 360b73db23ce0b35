"""Spelling in a line: what no dictionary knows is underlined there, as in the text below it.

Rules of the file: nothing is drawn but underlines, where Qt laid out the line itself: from left or right, scrolled or
not; the word that is being typed is left in peace; a line that cannot be written in is not looked at.
"""

from collections.abc import Callable, Collection

from PySide6.QtCore import QObject, QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeySequence, QPainter, QPaintEvent, QPen, QTextLayout, QTextOption
from PySide6.QtWidgets import QLineEdit, QMenu

from mua.gui.body_text import units
from mua.gui.speller import Speller
from mua.gui.spelling_menu import add_words
from mua.gui.theme import theme
from mua.language import tr
from mua.plan import spelling
from mua.plan.spelling import Checked

_AFTER = 180  # milliseconds between a change and a look
_WAVE = 2.0  # pixels


class SpelledLine(QLineEdit):
    """A line with places that are underlined as misspelt: (start, end) in units of UTF-16."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: tuple[tuple[int, int], ...] = ()

    def show_marks(self, marks: tuple[tuple[int, int], ...]) -> None:
        """Underline these."""
        if marks != self.marks:
            self.marks = marks
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.marks:
            return
        layout = QTextLayout(self.text(), self.font())
        option = QTextOption()
        option.setTextDirection(self.layoutDirection())
        layout.setTextOption(option)
        layout.beginLayout()
        line = layout.createLine()
        layout.endLayout()
        cursor = self.cursorRect()
        shift = cursor.center().x() - _x(line.cursorToX(self.cursorPosition()))
        bottom = cursor.center().y() + self.fontMetrics().ascent() / 2 + 2
        inside = self.rect().adjusted(1, 0, -1, 0)
        painter = QPainter(self)
        painter.setClipRect(inside)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme().colour("on_danger"), 1.2))
        for start, end in self.marks:
            left, right = sorted(shift + _x(line.cursorToX(place)) for place in (start, end))
            painter.drawPolyline(_wave(left, right, bottom))


def _x(told: object) -> float:
    """The place alone of what PySide gives as (place, cursor)."""
    return float(told[0] if isinstance(told, tuple) else told)  # type: ignore[arg-type]


def _wave(left: float, right: float, bottom: float) -> list[QPointF]:
    steps = max(2, int((right - left) / _WAVE))
    return [QPointF(left + number * _WAVE, bottom + (number % 2) * _WAVE) for number in range(steps + 1)]


class LineCheck(QObject):
    """Looks at one line."""

    learned = Signal(str, str)
    """(word, language): one that is known from now on."""

    def __init__(self, line: SpelledLine, speller: Speller) -> None:
        super().__init__(line)
        self._line, self._speller = line, speller
        self.names: Callable[[], Collection[str]] = frozenset
        """Words that are right whatever the dictionaries say, case folded."""
        self._typed_at = -1
        self._clock = QTimer(self)
        self._clock.setSingleShot(True)
        self._clock.setInterval(_AFTER)
        self._clock.timeout.connect(self.look)
        line.textChanged.connect(lambda _: self._typed())
        line.cursorPositionChanged.connect(lambda _before, _now: self._clock.start())
        line.editingFinished.connect(self._leave)
        speller.told.connect(self._clock.start)
        theme().changed.connect(line.update)
        line.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        line.customContextMenuRequested.connect(self._offer)
        self.step = QAction(tr("Next spelling mistake"), line)
        self.step.setShortcut(QKeySequence("F7"))
        self.step.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.step.triggered.connect(lambda _=False: self.next_mistake())
        line.addAction(self.step)
        self._clock.start()

    def look(self) -> None:
        """Underline what is wrong."""
        unfinished = self._typed_at if self._typed_at == self._line.cursorPosition() else -1
        self._line.show_marks(tuple(one for one in self._checked().wrong if one[1] != unfinished))

    def next_mistake(self) -> bool:
        """Select the next wrong word behind the cursor, and offer what it could be; False: there is none."""
        line = self._line
        wrong = self._checked().wrong
        behind = line.selectionEnd() if line.hasSelectedText() else line.cursorPosition()
        found = next((one for one in wrong if one[0] >= behind), wrong[0] if wrong else None)
        if found is None:
            return False
        line.setSelection(found[0], found[1] - found[0])
        self.menu(found[0]).popup(line.mapToGlobal(QPoint(line.cursorRect().left(), line.height())))
        return True

    def menu(self, position: int) -> QMenu:
        """What is offered at a place of the line."""
        menu = self._line.createStandardContextMenu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        checked = self._checked()
        found = next((one for one in checked.wrong if one[0] <= position <= one[1]), None)
        if found is not None:
            start, end = found
            wrong = _part(self._line.text(), start, end)

            def put(word: str) -> None:
                self._line.setSelection(start, end - start)
                if self._line.selectedText() == wrong:  # else it was written on meanwhile
                    self._line.insert(word)

            add_words(menu, self._speller, (wrong, checked.language), put, self._learn)
        menu.addSeparator()
        menu.addAction(self.step)
        return menu

    # ---- inside
    def _typed(self) -> None:
        self._typed_at = self._line.cursorPosition()
        self._line.show_marks(())  # they stood where other letters stand now
        self._clock.start()

    def _leave(self) -> None:
        self._typed_at = -1
        self._clock.start()

    def _checked(self) -> Checked:
        """What is wrong, as far as it is known; the rest is asked."""
        text, speller = self._line.text(), self._speller
        if not text or self._line.isReadOnly() or not speller.languages:
            return Checked()
        checked, missing = spelling.check(text, speller.known, speller.languages)
        if missing:
            speller.look_up(missing)
        names = self.names() if checked.wrong else ()
        wrong = ((at, end) for at, end in checked.wrong if text[at:end].casefold() not in names)
        return Checked(checked.language, tuple((units(text[:at]), units(text[:end])) for at, end in wrong))

    def _offer(self, place: QPoint) -> None:
        self.menu(self._line.cursorPositionAt(place)).popup(self._line.mapToGlobal(place))

    def _learn(self, word: str, language: str) -> None:
        self._speller.learn(word, language)
        self.learned.emit(word, language)


def _part(text: str, start: int, end: int) -> str:
    """What stands between two places that are counted in units of UTF-16."""
    return text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end].decode("utf-16-le", "replace")
