"""What was sent, as a letter again: taken back while nobody has it, or written anew to those who did not get it.

Theory of operation: "Undo" cancels the outgoing message, and only if nobody had it yet the composer comes back; where
it was too late for some, the letter comes back to the others only.

Rule of the file: who gets the message already is not among those to whom it comes back.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mua import wire
from mua.gui import letters, words
from mua.gui.journal import Letter
from mua.language import tr
from mua.mime.text import safe_filename
from mua.model.outgoing import Outgoing, OutgoingId, RecipientState
from mua.paths import write_new
from mua.store import outbox, read, wire_files

if TYPE_CHECKING:
    from mua.gui.composing import Composing
    from mua.gui.desk import Desk


class TakingBack:
    """Of one window's composers."""

    def __init__(self, composing: "Composing", desk: "Desk") -> None:
        self._composing, self._desk = composing, desk

    def undo(self, outgoing: OutgoingId, letter: Letter) -> None:
        """Do not send it; ``letter`` comes back as it was written."""
        self._cancel(outgoing, (), partial(self._bring_back, outgoing, letter))

    def _bring_back(self, outgoing: OutgoingId, letter: Letter, back: list[str], left: list[str]) -> None:
        """The letter again, to those in ``back``; who is ``left`` gets it, and must not get it twice."""
        rest = self._again(outgoing, back) if left else letter
        rest = replace(letter, to=(), cc=(), bcc=()) if rest is None else rest
        self._show_again(replace(rest, key=letter.key))

    def take_back(self, outgoing: OutgoingId, addresses: Sequence[str]) -> None:
        """Do not send to these addresses; what was written comes back in a composer.

        The letter is in the journal before it leaves the outbox, so that it is always somewhere.
        """
        letter = self._again(outgoing, addresses)
        if letter is None:
            return
        self._composing.journal.write(letter)
        self._composing.journal.settle()
        back = partial(self._bring_back, outgoing, letter)
        self._cancel(outgoing, addresses, back, lambda: self._composing.journal.forget(letter.key))

    def _cancel(
        self,
        outgoing: OutgoingId,
        addresses: Sequence[str],
        then: Callable[[list[str], list[str]], object],
        too_late: Callable[[], object] = lambda: None,
    ) -> None:
        """Cancel; ``then`` is given those who will not get it and those for whom it was too late, ``too_late`` follows
        when it was for all.  What the store says decides, also where the engine went away before it answered.
        """
        client = self._desk.client
        if client is None:
            self._desk.window.toast.say(tr("Mua's mail engine is not there yet; try again in a moment."))
            too_late()
            return

        def settle(said: str) -> None:
            db = self._desk.library.db
            found = outbox.outgoing(db, outgoing) if db is not None else None
            asked = [one for one in found.recipients if not addresses or one.address in addresses] if found else []
            back = [one.address for one in asked if one.state is RecipientState.CANCELLED]
            left = [one.address for one in asked if one.state is not RecipientState.CANCELLED]
            if said or left:
                text = said or tr("It was on its way already.")
                if left and back and not said:
                    text = tr("It was on its way to {address} already.", address=words.shown(left[0], 60))
                self._desk.window.toast.say(text, tr("Outbox"), self._desk.outbox_wanted.emit)
            if back or not (asked or said):
                then(back, left)
            elif found is not None:
                too_late()

        client.ask(
            wire.CancelOutgoing(outgoing, tuple(addresses)), lambda _: settle(""), lambda error: settle(error.text)
        )

    def write_again(self, outgoing: OutgoingId, addresses: Sequence[str]) -> None:
        """A composer with what was sent, to these of its recipients; it becomes a message of its own."""
        letter = self._again(outgoing, addresses)
        if letter is not None:
            self._show_again(letter)

    def _show_again(self, letter: Letter) -> None:
        composer = self._composing.open(letter)
        self._composing.journal_now(composer)
        composer.begin_writing()

    def _again(self, outgoing: OutgoingId, addresses: Sequence[str]) -> Letter | None:
        """What was sent as a letter to these, with its attachments as files; None: that cannot be had, and is said."""
        from mua.mime.view import view

        toast, db = self._desk.window.toast, self._desk.library.db
        found = outbox.outgoing(db, outgoing) if db is not None else None
        try:
            raw = self._sent_bytes(found) if found is not None else None
            if db is None or found is None or raw is None:
                toast.say(tr("What was sent is not on this computer any more."))
                return None
            shown = view(raw)
            letter = self._with_files(letters.again(shown, found, addresses), raw)
        except OSError as error:
            toast.say(tr("What was sent cannot be opened: {strerror}.", strerror=error.strerror))
            return None
        answers, forwards = outbox.origin(db, outgoing)
        return replace(letter, answers=answers, forwards=forwards)

    def _sent_bytes(self, sent: Outgoing) -> bytes | None:
        """The message with its Bcc: out of the outbox, or the copy in Sent."""
        library, db = self._desk.library, self._desk.library.db
        if db is None:
            return None
        path = wire_files.copy_path(db, library.profile, sent.id)
        if path is not None:
            return path.read_bytes()
        rows = read.with_message_id(db, sent.message_id, sent.account_id)
        return next((raw for row in rows if (raw := library.raw(row.id)) is not None), None)

    def _with_files(self, letter: Letter, raw: bytes) -> Letter:
        """The letter with the sections of a message that it has as files of its own.  Raises OSError."""
        from mua.mime.message import part_bytes

        folder, made = self._composing.journal.folder(letter.key), []
        for one in letter.attached:
            data = part_bytes(raw, one.part)[1]
            path = write_new(folder, safe_filename(one.name), data)
            made.append(replace(one, size=len(data), path=str(path), part=""))
        return replace(letter, attached=tuple(made))
