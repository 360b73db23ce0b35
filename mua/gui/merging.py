"""One letter to each of a list: the list is read, each letter is filled in, shown, and put into the outbox.

Theory of operation: every letter is an outgoing message of its own, handed to the engine one after the other, each with
the moment before which it does not go.  Until then it can be taken back like any other.  Whoever has the same subject
in the outbox since yesterday is left out, and told: a hand-over that was cut in the middle can be begun anew.

Rule of the file: the letter stays in its composer until the outbox has all of them.
"""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QFileDialog
from shiboken6 import isValid

from mua import wire
from mua.errors import MailError
from mua.gui import address_text, letters
from mua.gui.composer import Composer
from mua.gui.journal import Letter
from mua.gui.merge_bar import MergeBar
from mua.language import plural, tr
from mua.model.prose import Prose
from mua.plan import fields, merge
from mua.plan.merge import Merge, One, Table
from mua.store import outbox

if TYPE_CHECKING:
    from mua.gui.composing import Composing
    from mua.gui.desk import Desk

_REMEMBERED = 86_400  # seconds
_LOOKED_AT = 20_000  # outgoing messages
_REDRAW = 300  # milliseconds after a key
_REASONS = {
    "none": tr("Line {line:,} has no address."),
    "bad": tr("Line {line:,}: {address} is no address."),
    "twice": tr("Line {line:,}: {address} is there twice."),
    "had": tr("Line {line:,}: {address} has this letter in the outbox already."),
}


class Merging(QObject):
    """Of all composers of one window."""

    def __init__(self, composing: "Composing", desk: "Desk") -> None:
        super().__init__(composing)
        self._composing, self._desk = composing, desk

    def begin(self, composer: Composer) -> None:
        """Ask for a list, and show what becomes of it."""
        names = tr("Lists (*.csv *.tsv *.txt);;All files (*)")
        path, _ = QFileDialog.getOpenFileName(composer, tr("A list with a line for each person"), "", names)
        if path:
            self.read(composer, Path(path))

    def read(self, composer: Composer, path: Path) -> "Run | None":
        """Show what becomes of this list; None: it cannot be used, and that is said."""
        try:
            with path.open("rb") as file:
                table = merge.read_table(file.read(merge.MOST_OCTETS))
        except OSError as error:
            composer.say(tr("The list cannot be read: {strerror}.", strerror=error.strerror), "warning")
            return None
        if merge.address_column(table) < 0:
            composer.say(
                tr("No column of {file} has addresses; its first line has to name the columns.", file=path.name),
                "warning",
            )
            return None
        for old in composer.findChildren(Run):
            old.end()
        return Run(composer, self, path.name, table)

    def had(self) -> set[tuple[str, str]]:
        """(subject, address) of everything that was put into the outbox since yesterday."""
        db, since = self._desk.library.db, int(time.time()) - _REMEMBERED
        return outbox.queued_since(db, since, _LOOKED_AT) if db is not None else set()

    # ---- what a Run asks of the window
    def send(self, run: "Run", commands: list[wire.Send]) -> None:
        """Hand them over, one after the other."""
        client, composer = self._composing.client, run.composer
        queued: list[int] = []
        if client is None:
            composer.say(tr("Mua's mail engine is not there yet; try again in a moment."), "warning")
            return
        composer.hold(int(time.time()))

        def following(answer: wire.Answer | None = None) -> None:
            if isinstance(answer, wire.Queued):
                queued.append(answer.outgoing_id)
            if len(queued) < len(commands):
                client.ask(commands[len(queued)], following, failed)
                composer.say_status(tr("{number:,} of {count:,}", number=len(queued), count=len(commands)))
                return
            self._composing.handed_over(composer, self._desk.preferences.undo_send)
            said = plural(len(queued), "{number:,} letter is in the outbox", "{number:,} letters are in the outbox")
            self._composing.say(said, tr("Undo"), partial(self._take_back, list(queued), run.letter))

        def failed(error: MailError) -> None:
            composer.hold(0)
            composer.say(
                tr("{number:,} of {count:,} are in the outbox; then: {text}", number=len(queued), count=len(commands),
                   text=error.text), "danger",
            )  # fmt: skip
            run.again()

        following()

    def command(self, letter: Letter, delay: int, *, last: bool) -> wire.Send:
        """What sends one of them; with the last the draft goes."""
        made = self._composing.command(letter, delay)
        return made if last else replace(made, replaces_draft=None, draft_key="")

    @property
    def first(self) -> int:
        """Seconds that the first one waits."""
        return self._desk.preferences.undo_send

    def with_files(self, letter: Letter) -> Letter:
        """The letter with all that it holds as files.  Raises OSError."""
        return self._composing.as_files(letter, letter.forwards)

    def _take_back(self, queued: list[int], letter: Letter) -> None:
        """None of those that have not gone yet goes, and the letter is there again."""
        client = self._composing.client
        for one in queued:
            if client is not None:
                client.ask(wire.CancelOutgoing(one))
        self._composing.open(replace(letter, sending_at=0, replaces=None))


class Run(QObject):
    """One composer with one list."""

    def __init__(self, composer: Composer, merging: Merging, name: str, table: Table) -> None:
        super().__init__(composer)
        self.composer, self._merging, self._name, self._table = composer, merging, name, table
        self._at = 0
        self.bar = MergeBar()
        self.letter = composer.letter()
        self.found = Merge()
        self._had = merging.had()
        composer.sentences.addWidget(self.bar)
        self._clock = QTimer(self)
        self._clock.setSingleShot(True)
        self._clock.setInterval(_REDRAW)
        self._clock.timeout.connect(self.refresh)
        composer.editor.textChanged.connect(self._clock.start)
        composer.head.changed.connect(self._clock.start)
        self.bar.turned.connect(self._turn)
        self.bar.field_wanted.connect(self._put_field)
        self.bar.again_wanted.connect(lambda: merging.begin(composer))
        self.bar.left.connect(self.end)
        self.bar.send_wanted.connect(self.send)
        self.refresh()

    def end(self) -> None:
        """No list any more: the letter is for its own recipients."""
        self._clock.stop()
        self.bar.hide()
        self.bar.deleteLater()
        self.deleteLater()

    def refresh(self) -> None:
        """Show what the list makes of the letter as it is now."""
        if not isValid(self.bar):
            return
        letter = self.letter = self.composer.letter()

        def has_it(one: One) -> bool:
            return (subject_for(letter, one), one.to.address.lower()) in self._had

        self.found = merge.merge(self._table, lambda to: bool(address_text.problem(to)), has_it)
        left = [_REASONS[why].format(line=line, address=address[:60]) for line, address, why in self.found.left]
        self.bar.show_list(self._name, len(self.found.letters), left, (*self._table.columns, "first name"))
        self._show()
        self.bar.refuse(self._trouble())

    def send(self, pace: int) -> None:
        """Hand all of them over."""
        self.again()
        if self._trouble():
            return
        try:
            whole = self._merging.with_files(self.letter)
        except OSError as error:
            self.composer.say(
                tr("A file of the letter cannot be read: {strerror}.", strerror=error.strerror), "warning"
            )
            return
        some = self.found.letters
        waits = merge.delays(len(some), pace, self._merging.first)
        last = len(some) - 1
        self._merging.send(
            self,
            [
                self._merging.command(filled(whole, one), wait, last=number == last)
                for number, (one, wait) in enumerate(zip(some, waits, strict=True))
            ],
        )

    def again(self) -> None:
        """Look once more who has it already."""
        self._had = self._merging.had()
        self.refresh()

    # ---- inside
    def _trouble(self) -> str:
        letter = self.letter
        if letter.to or letter.cc or letter.bcc:
            return tr("Take To, Cc and Bcc away first: each person of the list gets a letter of their own.")
        unknown = merge.unknown_fields([letter.subject, letter.text], self._table)
        if unknown:
            return tr("No column is called {name}; it would stay as it is written.", name=unknown[0])
        return "" if self.found.letters else tr("Nobody of this list can be written to.")

    def _turn(self, by: int) -> None:
        count = len(self.found.letters)
        self._at = (self._at + by) % count if count else 0
        self._show()

    def _show(self) -> None:
        count = len(self.found.letters)
        if count:
            self._at = min(self._at, count - 1)
            one = self.found.letters[self._at]
            made = filled(self.letter, one)
            self.bar.show_one(self._at + 1, count, str(one.to), made.subject, letters.prose_of(made))

    def _put_field(self, name: str) -> None:
        self.composer.editor.insertPlainText(f"{{{{{name}}}}}")
        self.composer.editor.setFocus()


def filled(letter: Letter, one: One) -> Letter:
    """The letter for one person of a list."""
    prose: Prose = fields.fill_prose(letters.prose_of(letter), one.values)
    return replace(letters.written(letter, prose), to=(one.to,), cc=(), bcc=(), subject=subject_for(letter, one))


def subject_for(letter: Letter, one: One) -> str:
    """What the letter is about, for one person of a list."""
    return " ".join(fields.fill(letter.subject, one.values).split())
