"""Texts that a person keeps: put into a letter by typing a word and Tab, or from a menu; their fields filled in.

Rules of the file: what is put in is one step to undo; a field without an answer stays visible as it is written; what is
kept are the settings' (``Preferences.snippets``).
"""

import re
import time
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QAction, QKeySequence, QTextCursor
from PySide6.QtWidgets import QMenu, QVBoxLayout

from mua.gui import body_text, words
from mua.gui.composer import Composer
from mua.gui.format_bar import AskBar
from mua.gui.preferences import Preferences
from mua.language import tr
from mua.mime.markdown import from_markdown, to_markdown
from mua.mime.prose_html import from_html
from mua.mime.prose_text import from_text
from mua.model.prose import Prose
from mua.model.snippet import MAX_TEXT, Snippet, is_word
from mua.plan import fields

_SHOWN = 48  # characters of one in the menu
_TYPED = re.compile(r"[\w.-]+\Z")


class Snippets(QObject):
    """The snippets of all composers.  ``now`` are the settings, ``change`` keeps what is chosen."""

    def __init__(
        self, now: Callable[[], Preferences], change: Callable[[Preferences], object], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._now, self._change = now, change

    def watch(self, composer: Composer) -> None:
        """Offer them there."""
        composer.editor.expand = lambda: self.expand(composer)
        composer.formats.more_offers.append(lambda menu: self._offer(composer, menu))
        action = QAction(tr("Insert a snippet"), composer)
        action.setShortcut(QKeySequence("Ctrl+J"))
        action.triggered.connect(lambda _=False: self._pop_up(composer))
        composer.addAction(action)

    def expand(self, composer: Composer) -> bool:
        """Put in the snippet whose word was just typed; False: there is none."""
        cursor = composer.editor.textCursor()
        match = _TYPED.search(body_text.before(cursor))
        found = self.of_word(match[0]) if match is not None and not cursor.hasSelection() else None
        if match is None or found is None:
            return False
        cursor.movePosition(QTextCursor.MoveOperation.Left, QTextCursor.MoveMode.KeepAnchor, len(match[0]))
        composer.editor.setTextCursor(cursor)
        self.insert(composer, found)
        return True

    def of_word(self, word: str) -> Snippet | None:
        """The snippet that is typed as this."""
        return next((one for one in self._now().snippets if one.word.casefold() == word.casefold()), None)

    def insert(self, composer: Composer, snippet: Snippet) -> None:
        """Put it where the cursor is, in place of what is selected."""
        editor = composer.editor
        prose = fields.fill_prose(from_markdown(snippet.text), values(composer))
        whole = editor.textCursor()
        start = whole.selectionStart()
        whole.beginEditBlock()
        editor.insert_prose(prose)
        mark = editor.document().find(fields.CURSOR, start)
        if not mark.isNull():
            mark.removeSelectedText()
            editor.setTextCursor(mark)
        whole.endEditBlock()
        editor.setFocus()

    def keep(self, snippet: Snippet) -> None:
        """From now on there is this one, in place of one with the same word."""
        others = [one for one in self._now().snippets if one.word.casefold() != snippet.word.casefold()]
        self._change(replace(self._now(), snippets=(*others, snippet)))

    # ---- inside
    def _offer(self, composer: Composer, menu: QMenu) -> None:
        """All of them, and a way to make another one of what is selected."""
        inner = menu.addMenu(tr("Snippets"))
        for one in sorted(self._now().snippets, key=lambda one: one.word.casefold()):
            text = " ".join(fields.fill(one.text, {"cursor": ""}).split())
            said = words.shown(text, _SHOWN) + ("…" if len(text) > _SHOWN else "")
            action = inner.addAction(f"{one.word}\t{said}")
            action.triggered.connect(lambda _=False, one=one: self.insert(composer, one))
        inner.addSeparator()
        keep = inner.addAction(tr("Keep what is selected as a snippet…"))
        keep.setEnabled(composer.editor.textCursor().hasSelection())
        keep.triggered.connect(lambda _=False: self._ask(composer))

    def _pop_up(self, composer: Composer) -> None:
        menu = QMenu(composer)
        self._offer(composer, menu)
        inner = menu.actions()[0].menu()
        assert isinstance(inner, QMenu)
        inner.aboutToHide.connect(menu.deleteLater)
        inner.popup(composer.editor.viewport().mapToGlobal(composer.editor.cursorRect().bottomLeft()) + QPoint(0, 4))
        inner.setActiveAction(inner.actions()[0])

    def _ask(self, composer: Composer) -> None:
        """For the word of a new one, above the text."""
        bar = AskBar(tr("Word for the snippet"), tr("Word for the snippet, for example thanks"), tr("Keep"))
        column = composer.layout()
        assert isinstance(column, QVBoxLayout)
        column.insertWidget(column.indexOf(composer.find_bar), bar)

        def end(_: str = "") -> None:
            bar.hide()
            bar.deleteLater()
            composer.editor.setFocus()

        bar.entered.connect(lambda word: self._keep(composer, word))
        bar.entered.connect(end)
        bar.left.connect(end)
        bar.field.setFocus()

    def _keep(self, composer: Composer, word: str) -> None:
        word = word.strip()
        text = to_markdown(selected(composer)).strip("\n")
        if not is_word(word) or not text or len(text) > MAX_TEXT:
            composer.say(tr("A snippet is a text and one word for it, of letters and digits: choose another word."))
            return
        before = self._now()
        self.keep(Snippet(word, text))

        def back() -> None:
            self._change(replace(self._now(), snippets=before.snippets))

        composer.toast.say(tr("Kept: type {word} and Tab", word=word), tr("Undo"), back)


def selected(composer: Composer) -> Prose:
    """What is selected in a composer, with its formats."""
    data = composer.editor.createMimeDataFromSelection()
    return from_html(data.html()) if data.hasHtml() else from_text(data.text())


def values(composer: Composer) -> dict[str, str]:
    """What the fields of a snippet say in this letter; the names are those of ``plan.fields.name_of``."""
    to = composer.to.addresses()
    name = " ".join(to[0].name.split()) if to else ""
    sender = composer.writer()
    mine = sender.address.name if sender is not None else ""
    now = time.localtime()
    return {
        "name": name,
        "first name": fields.first_name(name),
        "address": to[0].address if to else "",
        "my name": mine,
        "my first name": fields.first_name(mine),
        "my address": sender.address.address if sender is not None else "",
        "subject": composer.subject.text(),
        "date": time.strftime(f"{now.tm_mday} %B %Y", now),
        "day": time.strftime("%A", now),
        "time": time.strftime("%H:%M", now),
    }
