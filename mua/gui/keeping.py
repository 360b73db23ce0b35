"""Letters on disk while they are written; and those that the disk does not take: said where they are written, tried
again, and neither closed nor left meanwhile.

Rules of the file: a letter is told to be kept only after the journal has it.
"""

import errno
import os
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from shiboken6 import isValid

from mua.gui.body_track import Step
from mua.gui.composer import Composer
from mua.gui.journal import Journal
from mua.language import tr
from mua.paths import Profile

if TYPE_CHECKING:
    from mua.gui.composing import Composing

_AGAIN = 3_000  # milliseconds until a letter that is not on disk is written once more
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Keeping(QObject):
    """The journal of one window's composers."""

    _written = Signal(str)
    """Told on the journal's thread: a letter's file was written, or could not be."""

    def __init__(self, composing: "Composing", profile: Profile) -> None:
        super().__init__(composing)
        self._composing = composing
        self.journal = Journal(profile, self._written.emit)
        self.stepped: set[str] = set()
        """Letters whose steps are in the journal."""
        self._warned: dict[str, str] = {}
        """Letters that are not on disk, and what their windows say of it."""
        self._clock = QTimer(self)
        self._clock.setSingleShot(True)
        self._clock.setInterval(_AGAIN)
        self._clock.timeout.connect(self._again)
        self._written.connect(self._hear)

    def journal_now(self, composer: Composer) -> None:
        """Put a letter into the journal; one that nobody would miss is not kept."""
        if composer.is_untouched():
            self.journal.forget(composer.key, files=False)
            self._begin_anew(composer)
            return
        if self.journal.trouble(composer.key) or self.journal.overgrown(composer.key):  # a step may be missing
            self._begin_anew(composer)
        if composer.key not in self.stepped:
            self.stepped.add(composer.key)
            self.journal.add_step(composer.key, composer.first_step, first=True)
        if (step := composer.track.step()) is not None:
            self.journal.add_step(composer.key, step, first=False)
        self.journal.write(composer.letter(briefly=True))

    def kept(self, composer: Composer) -> bool:
        """Whether a letter is whole on disk now, or nobody would miss it; else its window says why it stays open."""
        if composer.is_untouched():
            return True
        self.journal_now(composer)
        self.journal.write(composer.letter())
        self.journal.settle()
        self._warned.pop(composer.key, None)
        self._hear(composer.key)
        if not self.journal.trouble(composer.key):
            return True
        composer.activateWindow()
        return False

    def all_kept(self) -> bool:
        """Whether the window may go: every letter is on disk."""
        lost = [one for one in self._composing.composers.values() if not self.kept(one)]  # each says so itself
        return not lost

    # ---- inside
    def _begin_anew(self, composer: Composer) -> None:
        """The next step in the journal is the first: the text as it is now."""
        lines, editor = composer.track.lines(), composer.editor
        composer.first_step = Step(0, 0, tuple(lines), editor.mode, editor.textCursor().position())
        composer.track.rebase(lines)
        self.stepped.discard(composer.key)

    def _hear(self, key: str) -> None:
        composer, trouble = self._composing.composers.get(key), self.journal.trouble(key)
        if composer is None or not isValid(composer):
            return
        if trouble and key not in self._warned:
            self._warned[key] = _sentence(trouble)
            composer.say(self._warned[key], "danger")
        elif not trouble and (said := self._warned.pop(key, "")) and composer.banner.text() == said:
            composer.banner.hide()
        if trouble:
            self._clock.start()

    def _again(self) -> None:
        for composer in list(self._composing.composers.values()):
            if isValid(composer) and self.journal.trouble(composer.key):
                self.journal_now(composer)


def _sentence(trouble: int) -> str:
    if trouble in _FULL:
        return tr(
            "The disk of this computer is full, so this letter is in this window only; "
            "keep it open and free some space, and it is saved by itself."
        )
    return tr(
        "This computer could not write the letter to its disk ({strerror}), so it is in this window only; "
        "keep it open, and it is tried again by itself.",
        strerror=os.strerror(trouble),
    )
