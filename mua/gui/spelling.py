"""Spelling while one writes: words that no dictionary knows are underlined, and their menu says what they could be.

Theory of operation: a moment after a key or a scroll the paragraphs in sight are looked at, never more, so that neither
the length of a text nor typing pays for it.  What is not known yet is asked of the ``Speller``'s thread; when it has
told, they are looked at again.

Rules of the file: only what the person writes: no quote, no signature, no code, no link; the word that is being typed
is left in peace until it is left; a look at the text, never a part of it.
"""

import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from PySide6.QtCore import QLocale, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeySequence, QTextBlock, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QMenu, QTextEdit

from mua.gui import body_text, words
from mua.gui.body_editor import BodyEditor
from mua.gui.body_marks import MARKDOWN, RICH
from mua.gui.body_text import units
from mua.gui.body_view import SEPARATOR, quote_of
from mua.gui.preferences import Preferences
from mua.gui.speller import Speller
from mua.gui.spelling_line import LineCheck
from mua.gui.spelling_menu import add_words
from mua.gui.theme import theme
from mua.language import tr
from mua.plan import spelling
from mua.plan.spelling import Checked

if TYPE_CHECKING:
    from mua.gui.composer import Composer

_NO_LETTERS = re.compile(r"[\W\d_]+")
_AFTER = 180  # milliseconds between a change and a look
_SIGNATURE = 40  # lines that a signature may have
_MOST = 400  # words that are underlined at once
_AHEAD = 2_000  # paragraphs that are looked through for the next mistake
_FEW = 5  # languages


def languages_of(preferences: Preferences, installed: tuple[str, ...]) -> tuple[str, ...]:
    """The dictionaries to use: those that the person chose, else those of the desktop's languages, English, and every
    other language where only a few are installed: somebody wanted them.
    """
    if not preferences.spelling:
        return ()
    if preferences.languages:
        return spelling.chosen(preferences.languages, installed)
    every = sorted({spelling.base(one) for one in installed})
    desktop = (one for one in QLocale.system().uiLanguages() if one != "C")
    return spelling.chosen((*desktop, "en", *(every if len(every) <= _FEW else ())), installed)


def language_name(language: str, country: bool = False) -> str:
    """What it is called, also with the country where that tells it from its like."""
    locale = QLocale(language)
    if locale.language() is QLocale.Language.C:
        return language
    name = QLocale.languageToString(locale.language())
    return f"{name} ({QLocale.territoryToString(locale.territory())})" if country and "_" in language else name


class Spelling(QObject):
    """One speller for all editors, with the languages that are chosen."""

    def __init__(self, preferences: Callable[[], Preferences], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self.speller = Speller(self)
        self.speller.ready.connect(self.choose)

    def choose(self) -> None:
        """The person chose other languages."""
        if self.speller.installed is not None:
            self.speller.use(languages_of(self._preferences(), self.speller.installed))

    def watch(self, composer: "Composer") -> None:
        """Look at what is written there."""
        self.speller.begin()
        checks = SpellCheck(composer.editor, self.speller), LineCheck(composer.subject, self.speller)

        def tell(word: str, language: str) -> None:
            composer.toast.say(tr("“{word}” is in the dictionary now", word=words.shown(word, 40)), tr("Undo"),
                               lambda: self.speller.unlearn(word, language))  # fmt: skip

        for check in checks:
            check.names = lambda: names_of(composer)
            check.learned.connect(tell)


class SpellCheck(QObject):
    """Looks at one editor."""

    learned = Signal(str, str)
    """(word, language): one that is known from now on."""

    def __init__(self, editor: BodyEditor, speller: Speller) -> None:
        super().__init__(editor)
        self._editor, self._speller = editor, speller
        self.names: Callable[[], Collection[str]] = frozenset
        """Words that are right whatever the dictionaries say, case folded."""
        self._typed_at = -1
        self._wanted = -1
        self._clock = QTimer(self)
        self._clock.setSingleShot(True)
        self._clock.setInterval(_AFTER)
        self._clock.timeout.connect(self.look)
        editor.textChanged.connect(self._typed)
        editor.cursorPositionChanged.connect(self._moved)
        editor.verticalScrollBar().valueChanged.connect(self._soon)
        editor.verticalScrollBar().rangeChanged.connect(self._soon)
        speller.told.connect(self._told)
        theme().changed.connect(self._soon)
        editor.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        editor.customContextMenuRequested.connect(self._offer)
        self.step = QAction(tr("Next spelling mistake"), editor)
        self.step.setShortcut(QKeySequence("F7"))
        self.step.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.step.triggered.connect(lambda _=False: self.next_mistake())
        editor.addAction(self.step)
        self._soon()

    def look(self) -> None:
        """Underline what is wrong among what is in sight."""
        marks: list[QTextEdit.ExtraSelection] = []
        if self._speller.languages and not self._editor.isReadOnly():
            here = self._editor.textCursor().position()
            unfinished = here if here == self._typed_at else -1
            for block in self._in_sight():
                for at, end in self._checked(block).wrong:
                    if block.position() + end != unfinished and len(marks) < _MOST:
                        marks.append(self._mark(block.position() + at, block.position() + end))
        self._editor.setExtraSelections(marks)

    def mistake_at(self, position: int) -> tuple[QTextCursor, str] | None:
        """(the wrong word at this place, selected; its language, "" where that is not clear)."""
        block = self._editor.document().findBlock(position)
        checked = self._checked(block)
        for at, end in checked.wrong:
            if at <= position - block.position() <= end:
                return self._cursor(block.position() + at, block.position() + end), checked.language
        return None

    def next_mistake(self) -> bool:
        """Select the next wrong word behind the cursor, and offer what it could be; False: there is none."""
        self._wanted = -1
        cursor = self._editor.textCursor()
        start, block = cursor.selectionEnd(), cursor.block()
        for _ in range(min(_AHEAD, self._editor.document().blockCount() + 1)):
            for at, end in self._checked(block).wrong:
                if block.position() + at >= start:
                    self._editor.setTextCursor(self._cursor(block.position() + at, block.position() + end))
                    self._editor.ensureCursorVisible()
                    self._offer(self._editor.cursorRect().bottomLeft())
                    return True
            if self._missing(block):
                self._wanted = cursor.position()  # goes on once these are known
                return False
            following = block.next()
            block, start = (following, 0) if following.isValid() else (self._editor.document().begin(), 0)
        return False

    def menu(self, position: int) -> QMenu:
        """What is offered at a place of the text."""
        menu = self._editor.createStandardContextMenu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        found = self.mistake_at(position)
        if found is not None:
            cursor, language = found
            add_words(menu, self._speller, (cursor.selectedText(), language), cursor.insertText, self._learn)
        menu.addSeparator()
        menu.addAction(self.step)
        return menu

    # ---- inside
    def _typed(self) -> None:
        self._typed_at = self._editor.textCursor().position()
        self._soon()

    def _moved(self) -> None:
        if self._editor.textCursor().position() != self._typed_at:
            self._typed_at = -1
        self._soon()

    def _soon(self) -> None:
        if not self._clock.isActive():
            self._clock.start()

    def _told(self) -> None:
        self._soon()
        if self._wanted == self._editor.textCursor().position():
            self.next_mistake()

    def _in_sight(self) -> list[QTextBlock]:
        editor = self._editor
        block, last = (
            editor.cursorForPosition(place).block()
            for place in (editor.viewport().rect().topLeft(), editor.viewport().rect().bottomRight())
        )
        found = [block]
        while block != last and block.next().isValid():
            block = block.next()
            found.append(block)
        return found

    def _checked(self, block: QTextBlock) -> Checked:
        """What is wrong in a paragraph, as far as it is known; the rest is asked."""
        text = block.text()
        if not text or not self._is_written(block):
            return Checked()
        checked, missing = self._check(block)
        if missing:
            self._speller.look_up(missing)
        wrong = checked.wrong
        if wrong and (names := self.names()):
            wrong = tuple((at, end) for at, end in wrong if text[at:end].casefold() not in names)
        checked = Checked(checked.language, tuple((units(text[:at]), units(text[:end])) for at, end in wrong))
        left = self._left_out(block)
        return Checked(checked.language, tuple(spelling.without(checked.wrong, left))) if left else checked

    def _missing(self, block: QTextBlock) -> bool:
        return bool(block.text() and self._is_written(block) and self._check(block)[1])

    def _check(self, block: QTextBlock) -> tuple[Checked, tuple[str, ...]]:
        speller = self._speller
        return spelling.check(block.text(), speller.known, speller.languages)

    def _is_written(self, block: QTextBlock) -> bool:
        """No quote, no code, no signature."""
        if quote_of(block) or block.text().startswith(">") or self._is_code(block):
            return False
        above = block
        for _ in range(_SIGNATURE):
            if not above.isValid() or quote_of(above) or above.text().startswith(">"):
                return True
            if above.text() == SEPARATOR:
                return False
            above = above.previous()
        return True

    def _is_code(self, block: QTextBlock) -> bool:
        fenced = self._editor.mode == MARKDOWN and block.userState() == 1
        return fenced or block.blockFormat().hasProperty(body_text.CODE)

    def _left_out(self, block: QTextBlock) -> list[tuple[int, int]]:
        """Code and links inside a paragraph."""
        if self._editor.mode != RICH:
            return []
        found, place = [], block.begin()
        while not place.atEnd():
            fragment = place.fragment()
            how = fragment.charFormat()
            if how.isAnchor() or how.fontFixedPitch():
                at = fragment.position() - block.position()
                found.append((at, at + fragment.length()))
            place += 1
        return found

    def _cursor(self, start: int, end: int) -> QTextCursor:
        cursor = QTextCursor(self._editor.document())
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _mark(self, start: int, end: int) -> QTextEdit.ExtraSelection:
        mark = QTextEdit.ExtraSelection()
        mark.cursor = self._cursor(start, end)
        how = QTextCharFormat()
        how.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SpellCheckUnderline)
        how.setUnderlineColor(theme().colour("on_danger"))
        mark.format = how
        return mark

    def _offer(self, place: QPoint) -> None:
        self.menu(self._editor.cursorForPosition(place).position()).popup(self._editor.viewport().mapToGlobal(place))

    def _learn(self, word: str, language: str) -> None:
        self._speller.learn(word, language)
        self.learned.emit(word, language)


def names_of(composer: "Composer") -> set[str]:
    """The words of the names of everybody whom a letter is to and from, case folded."""
    some = [address for field in composer.head.fields() for address in field.addresses()]
    sender = composer.writer()
    some += [sender.address] if sender is not None else []
    said = (f"{one.name} {_NO_LETTERS.sub(' ', one.address.partition('@')[0])}" for one in some)
    return {word.casefold() for text in said for _, word in spelling.words_of(text)}
