"""Settings: the texts that a person keeps, each with the word that is typed for it."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from mua.gui import words
from mua.gui.preferences import Preferences
from mua.gui.sheets import styled
from mua.gui.theme import BASE, SECONDARY
from mua.gui.widgets import Button, Field, Label, ToolButton
from mua.language import tr
from mua.model.snippet import MAX_TEXT, MAX_WORD, Snippet, is_word

_SAID = tr(
    "Type a word and Tab while you write, or press Ctrl+J. {{first name}}, {{name}}, {{my name}}, {{date}} and {{day}}"
    " are filled in, {{first name|there}} also where there is no name; writing goes on at {{cursor}}."
)


class SnippetRules(QWidget):
    """A line for each; ``change`` keeps what is chosen."""

    def __init__(self, now: Callable[[], Preferences], change: Callable[..., object]) -> None:
        super().__init__()
        self._now, self._change = now, change
        self._edited = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(Label(tr("Snippets"), BASE), 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(Label(_SAID, SECONDARY, "secondary", wrap=True))
        self._lines = QVBoxLayout()
        self._lines.setSpacing(6)
        column.addLayout(self._lines)
        self.rows: dict[str, QWidget] = {}
        self.add = Button(tr("Add a snippet"), "plus")
        self.add.clicked.connect(lambda: self.edit(Snippet("", "")))
        column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        self.form = self._make_form()
        column.addWidget(self.form)
        self._list()

    def edit(self, snippet: Snippet) -> None:
        """Open the form with this in it."""
        self._edited = snippet.word
        self.word.setText(snippet.word)
        self.text.setPlainText(snippet.text)
        self._tell("")
        self.form.show()
        self.add.hide()
        (self.text if snippet.word else self.word).setFocus()

    def keep(self) -> None:
        """What the form says, in place of what was edited."""
        word, text = self.word.text().strip(), self.text.toPlainText()[:MAX_TEXT]
        taken = word.casefold() != self._edited.casefold() and any(
            one.word.casefold() == word.casefold() for one in self._now().snippets
        )
        if not is_word(word) or taken or not text.strip():
            self._tell(
                tr("Another snippet has this word.") if taken
                else tr("A text is needed.") if is_word(word)
                else tr("The word has letters and digits only, for example thanks.")
            )  # fmt: skip
            return
        made = Snippet(word, text)
        some = [made if one.word == self._edited else one for one in self._now().snippets]
        self._leave(tuple(some if made in some else [*some, made]))

    # ---- inside
    def _make_form(self) -> QWidget:
        form = QWidget()
        column = QVBoxLayout(form)
        column.setContentsMargins(0, 4, 0, 4)
        self.word = Field(tr("Word for the snippet"), tr("Word for the snippet, for example thanks"))
        self.word.setMaxLength(MAX_WORD)
        self.text = QPlainTextEdit()
        self.text.setProperty("kind", "field")
        styled(self.text, "QPlainTextEdit { padding: 8px 8px; }")
        self.text.setAccessibleName(tr("Text of the snippet"))
        self.text.setPlaceholderText(tr("Dear {{first name|colleague}},\n\n**thank you** for {{cursor}}"))
        self.text.setFixedHeight(120)
        self.text.setTabChangesFocus(True)
        self.said = Label("", SECONDARY, "on_danger")
        keep, leave = Button(tr("Keep"), kind="primary"), Button(tr("Cancel"))
        keep.clicked.connect(self.keep)
        leave.clicked.connect(lambda: self._leave(None))
        last = QHBoxLayout()
        last.addWidget(Label(tr("Markdown makes **bold**, lists and links."), SECONDARY, "tertiary"))
        last.addWidget(self.said)
        last.addStretch(1)
        last.addWidget(leave)
        last.addWidget(keep)
        column.addWidget(self.word)
        column.addWidget(self.text)
        column.addLayout(last)
        form.hide()
        return form

    def _tell(self, text: str) -> None:
        self.said.setText(text)
        self.said.setVisible(bool(text))

    def _leave(self, snippets: tuple[Snippet, ...] | None) -> None:
        self.form.hide()
        self.add.show()
        if snippets is not None:
            self._change(snippets=snippets)
            self._list()

    def _list(self) -> None:
        for row in self.rows.values():
            self._lines.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = {one.word: self._row(one) for one in self._now().snippets}
        for row in self.rows.values():
            self._lines.addWidget(row)

    def _row(self, snippet: Snippet) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        word = Label(words.shown(snippet.word, MAX_WORD), BASE, bold=True)
        word.setMinimumWidth(90)
        edit = ToolButton("square-pen", tr("Edit the snippet {word}", word=snippet.word))
        edit.clicked.connect(partial(self.edit, snippet))
        remove = ToolButton("x", tr("Remove the snippet {word}", word=snippet.word))
        remove.clicked.connect(partial(self._remove, snippet))
        line.addWidget(word)
        line.addWidget(Label(words.shown(" ".join(snippet.text.split()), 70), BASE, "secondary"))
        line.addStretch(1)
        line.addWidget(edit)
        line.addWidget(remove)
        return row

    def _remove(self, snippet: Snippet) -> None:
        self._leave(tuple(one for one in self._now().snippets if one != snippet))
