"""What changed in a text since the last look: lines, kept up with each change, so that a long quote costs nothing.

Theory of operation: the document tells which characters changed; their lines are forgotten and read again when asked.
A *step* is (first line, how many went, lines in their place): one after the other they make the text, and the
composer's journal keeps them, so that after a crash the text comes back and each of them can be undone.

Rule of the file: a text with tables has lines that are no lines of the document; it is read whole.
"""

from collections.abc import Sequence

from PySide6.QtCore import QObject

from mua.gui import body_text
from mua.gui.body_editor import BodyEditor
from mua.gui.body_marks import RICH
from mua.model.prose import Block, Run
from mua.records import dataclass

_CHUNK = 256  # lines that are compared at once: nearly all are the very same


@dataclass(frozen=True, slots=True)
class Step:
    """From line ``at`` on ``gone`` lines went and ``lines`` came, in the way of writing ``mode``."""

    at: int
    gone: int
    lines: tuple[Block, ...]
    mode: str = RICH
    cursor: int = 0


class Track(QObject):
    """Follows one editor."""

    def __init__(self, editor: BodyEditor) -> None:
        super().__init__(editor)
        self._editor = editor
        self._lines: list[Block | None] = [None] * editor.document().blockCount()
        self._last: list[Block] = []
        self._mode = editor.mode
        editor.document().contentsChange.connect(self._changed)

    def begin(self) -> Step:
        """The text that the editor was just given, as the first step; nothing of it is read again."""
        document, given = self._editor.document(), self._editor.loaded
        if not document.rootFrame().childFrames() and len(given) == document.blockCount():
            self._lines = list(given)
        self._last, self._mode = self.lines(), self._editor.mode
        return Step(0, 0, tuple(self._last), self._mode, self._editor.textCursor().position())

    def rebase(self, lines: Sequence[Block]) -> None:
        """The next step begins at these lines: what is written down of the text so far."""
        self._last, self._mode = list(lines), self._editor.mode

    def lines(self) -> list[Block]:
        """Every line as it is now."""
        document = self._editor.document()
        if document.rootFrame().childFrames() and self._editor.mode == RICH:
            self._lines = [None] * document.blockCount()
            return list(self._editor.prose())
        return [*self._read(), *self._editor.folded]

    def step(self) -> Step | None:
        """What changed since this was asked last; None: nothing."""
        lines, mode = self.lines(), self._editor.mode
        step = difference(self._last, lines, mode, self._editor.textCursor().position())
        same = step is None and mode == self._mode
        self._last, self._mode = lines, mode
        if same:
            return None
        return step or Step(0, 0, (), mode, self._editor.textCursor().position())

    # ---- inside
    def _read(self) -> list[Block]:
        document, rich = self._editor.document(), self._editor.mode == RICH
        found = self._lines
        if len(found) != document.blockCount():
            found = self._lines = [None] * document.blockCount()
        block = document.begin()
        missing = [at for at, one in enumerate(found) if one is None]
        for at in missing:
            block = document.findBlockByNumber(at) if block.blockNumber() != at else block
            text = "" if rich else block.text()
            found[at] = body_text.block_of(block) if rich else Block((Run(text),) if text else ())
            block = block.next()
        return [one for one in found if one is not None]

    def _changed(self, at: int, _gone: int, come: int) -> None:
        document = self._editor.document()
        first = document.findBlock(at).blockNumber()
        last = document.findBlock(min(at + come, document.characterCount() - 1)).blockNumber()
        more = document.blockCount() - len(self._lines)
        went = max(0, last - first + 1 - more)
        self._lines[first : first + went] = [None] * (last - first + 1)


def difference(before: Sequence[Block], after: Sequence[Block], mode: str, cursor: int) -> Step | None:
    """The step from one text to another; None: they are the same."""
    shorter = min(len(before), len(after))
    start = 0
    while start + _CHUNK <= shorter and before[start : start + _CHUNK] == after[start : start + _CHUNK]:
        start += _CHUNK
    while start < shorter and before[start] == after[start]:
        start += 1
    end, left, right = 0, len(before), len(after)
    while end + _CHUNK <= shorter - start and (
        before[left - end - _CHUNK : left - end] == after[right - end - _CHUNK : right - end]
    ):
        end += _CHUNK
    while end < shorter - start and before[-1 - end] == after[-1 - end]:
        end += 1
    if start == len(before) == len(after):
        return None
    return Step(start, len(before) - start - end, tuple(after[start : len(after) - end]), mode, cursor)


def applied(lines: Sequence[Block], step: Step) -> list[Block]:
    """The text behind a step."""
    return [*lines[: step.at], *step.lines, *lines[step.at + step.gone :]]
