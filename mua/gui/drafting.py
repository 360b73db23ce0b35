"""The draft on the server of each letter that is written: saved on request, when its window closes, and by itself.

Theory of operation: a letter that changed is in Drafts within a minute, and not more often than once a minute; the
engine keeps one draft of each (``wire.SaveDraft``).  Where another program changed the draft meanwhile, both are kept,
and the composer says so: the person chooses.

Rules of the file: nothing is saved by itself that nobody would miss; what failed by itself is tried again a minute
later and said only where the person asked.
"""

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from shiboken6 import isValid

from mua import wire
from mua.errors import MailError
from mua.gui import address_text, words
from mua.gui.composer import Composer
from mua.gui.journal import Letter
from mua.language import tr
from mua.model.address import Address
from mua.model.outgoing import Draft

if TYPE_CHECKING:
    from mua.gui.composing import Composing

EVERY = 60_000  # milliseconds between two drafts of a letter at least
FORGET_AFTER = 12_000  # milliseconds that a letter which was closed can be opened again


class Drafting(QObject):
    """The drafts of one window's composers."""

    def __init__(self, composing: "Composing") -> None:
        super().__init__(composing)
        self._composing = composing
        self._clocks: dict[str, QTimer] = {}
        self._saved: dict[str, Letter] = {}
        """Of each letter what is in Drafts."""

    def watch(self, composer: Composer) -> None:
        """Save what is written there, a minute after it began to change."""
        clock = QTimer(composer)
        clock.setSingleShot(True)
        clock.setInterval(EVERY)
        clock.timeout.connect(lambda: self._by_itself(composer))
        key = composer.letter().key
        self._clocks[key] = clock
        composer.written.connect(lambda: None if clock.isActive() else clock.start())

    def forget(self, key: str) -> None:
        """The letter is not written any more."""
        clock = self._clocks.pop(key, None)
        if clock is not None and isValid(clock):
            clock.stop()
        self._saved.pop(key, None)

    def save(self, composer: Composer, *, close: bool = False, quiet: bool = False) -> None:
        """Put a letter into Drafts.  ``close``: its window goes; ``quiet``: nobody asked."""
        composing = self._composing
        letter, client = composer.letter(), composing.client
        if client is None:
            composing.journal_now(composer)
            return
        if close and (wrong := _wrong_address(letter)):
            composing.journal.write(letter)
            text = tr("Kept, but not in Drafts: “{wrong}” is not an address.", wrong=wrong)
            composing.say(text, tr("Open"), lambda: composing.open(letter), FORGET_AFTER)
            return
        try:
            letter = composing.as_files(letter, letter.forwards)
        except OSError as error:
            text = tr("The draft could not be written: {strerror}.", strerror=error.strerror)
            composer.say(text, "danger", tr("Try again"), composer.save_wanted.emit)
            return
        if close:
            composing.journal.write(letter)

        def saved(answer: wire.Answer) -> None:
            assert isinstance(answer, wire.Saved)
            if close:
                composing.saved_away(replace(letter, replaces=answer.message_id))
            elif isValid(composer):
                self._saved[letter.key] = _comparable(letter)
                self._done(composer, answer)

        def failed(error: MailError) -> None:
            if close:
                composing.say(
                    tr("{text} The letter is kept.", text=error.text), tr("Open"), lambda: composing.open(letter)
                )
            elif not quiet:
                composer.say(error.text, "danger", tr("Try again"), composer.save_wanted.emit)

        client.ask(self.command(letter), saved, failed)

    def command(self, letter: Letter) -> wire.SaveDraft:
        """The command that saves a letter; whom it cannot be sent to is left out for now."""
        draft: Draft = self._composing.draft(letter)
        if letter.mode != "rich":
            draft = replace(draft, text=letter.text, html="")
        draft = replace(draft, to=_right(draft.to), cc=_right(draft.cc), bcc=_right(draft.bcc))
        return wire.SaveDraft(letter.account_id, draft, letter.replaces, letter.require_tls, letter.mode, letter.key)

    def keep_template(self, composer: Composer) -> None:
        """Put the letter among the templates of its account, as it is now."""
        composing, client = self._composing, self._composing.client
        try:
            letter = composing.as_files(composer.letter(), composer.letter().forwards)
        except OSError as error:
            composer.say(tr("The template could not be written: {strerror}.", strerror=error.strerror), "danger")
            return
        if client is not None:
            command = replace(self.command(letter), replaces=None, key="", template=True)
            client.ask(
                command,
                lambda _: composer.toast.say(tr("Kept in Templates: Shift+C begins a letter with it")),
                lambda error: composer.say(error.text, "danger"),
            )

    # ---- inside
    def _by_itself(self, composer: Composer) -> None:
        letter = composer.letter()
        unchanged = self._saved.get(letter.key) == _comparable(letter)
        idle = unchanged or letter.sending_at or letter.redirects is not None or composer.is_untouched()
        if letter.key in self._clocks and not idle:
            self.save(composer, quiet=True)

    def _done(self, composer: Composer, answer: wire.Saved) -> None:
        before = composer.letter().replaces
        composer.now_replaces(answer.message_id)
        self._composing.journal_now(composer)
        composer.say_status(tr("Saved in Drafts {when}", when=time.strftime("%H:%M")))
        if not answer.elsewhere or before is None:
            return
        text = tr("The draft of this letter was changed or taken away by another program; yours is in Drafts as well.")
        if answer.other is None:
            composer.say(text)
            return
        other = answer.other
        composer.say(text, "info", tr("Open the other"), lambda: self._composing.open_other(other))
        composer.banner.offer(tr("Keep only mine"), lambda: self._drop(composer, other))

    def _drop(self, composer: Composer, other: int) -> None:
        composer.banner.hide()
        if self._composing.client is not None:
            self._composing.client.ask(wire.DeleteMessages((other,)), _nothing, _nothing)


def _nothing(_: object) -> None:
    """What comes of it is seen in the list."""


def _comparable(letter: Letter) -> Letter:
    return replace(letter, cursor=0, replaces=None, sending_at=0)


def _right(many: tuple[Address, ...]) -> tuple[Address, ...]:
    return tuple(one for one in many if not address_text.problem(one))


def _wrong_address(letter: Letter) -> str:
    """The first recipient that is no address; such a letter cannot be a message yet."""
    every = (*letter.to, *letter.cc, *letter.bcc)
    return next((words.shown(one.address, 60) for one in every if address_text.problem(one)), "")
