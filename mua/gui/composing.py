"""Composers of one window: opened, journaled, sent with a moment to take it back, saved, discarded, and brought back.

Theory of operation: a letter is always in one safe place.  While it is written: in the journal.  At Send the journal
notes ``sending_at``, then the engine is asked; when it answers ``Queued`` the outbox has the letter and the journal
forgets it.  "Undo" cancels the outgoing message, and only if nobody had it yet the composer comes back.  Closing a
composer puts the letter into Drafts, and the journal keeps it until the engine says that it is there.

Rules of the file: nothing asks "Are you sure?"; what failed is said in the composer, with the letter still in it.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from mua import wire
from mua.errors import MailError
from mua.gui import letters
from mua.gui.answering_here import AnsweringHere
from mua.gui.composer import Composer
from mua.gui.drafting import FORGET_AFTER, Drafting
from mua.gui.journal import Attached, Letter
from mua.gui.keeping import Keeping
from mua.gui.leaving_source import leaving
from mua.gui.merging import Merging
from mua.gui.outbox_words import moment
from mua.gui.outlooks import Outlooks
from mua.gui.preferences import Place
from mua.gui.snippets import Snippets
from mua.gui.spelling import Spelling
from mua.gui.steps import text_of
from mua.gui.taking_back import TakingBack
from mua.gui.typed_ahead import FETCHING, TypedAhead
from mua.gui.writing import Kind, Writing
from mua.language import tr
from mua.mime.encode import wire_address
from mua.mime.prose_html import by_name
from mua.mime.sniff import media_type
from mua.mime.text import safe_filename
from mua.model.account import Account, Route
from mua.model.address import Address
from mua.model.message import MessageId, MessageRow
from mua.model.outgoing import Draft, DraftAttachment, OutgoingId, Terms
from mua.paths import write_new
from mua.plan import identities
from mua.store import outbox, protection, read

if TYPE_CHECKING:
    from mua.gui.desk import Desk
    from mua.gui.engine_client import EngineClient

_UNDO_SCHEDULED = 10  # seconds that the message in hand offers to take a scheduled letter back whole


class Composing(QObject):
    """The composers of one desk."""

    opened = Signal(object)
    """A Composer was opened."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self.keeping = Keeping(self, desk.library.profile)
        self.journal, self.journal_now = self.keeping.journal, self.keeping.journal_now
        self.composers: dict[str, Composer] = {}
        self._outlooks = Outlooks(desk)
        self._drafting = Drafting(self)
        self.spelling = Spelling(lambda: desk.preferences, self)
        desk.preferences_changed.connect(self.spelling.choose)
        self.snippets = Snippets(lambda: desk.preferences, desk.change_preferences, self)
        self._merging = Merging(self, desk)
        self.taking = TakingBack(self, desk)
        self.here = AnsweringHere(desk)
        self.here.placed.connect(self._place)
        self._typed = TypedAhead(desk.window, desk.window.actions_)

    # ---- opening
    def write(self, wish: Writing) -> None:
        """Open a composer for a wish to write."""
        desk = self._desk
        if not desk.accounts:
            desk.account_wanted.emit()
            return
        self._typed.begin()
        if wish.row is not None and wish.view is None:
            self._fetch_first(wish)
            return
        if wish.kind is Kind.DRAFT and (already := self._open_draft(wish)) is not None:
            self._typed.meant_for(already)
            self.here.pop_out(already)
            already.activateWindow()
            self._typed.end()
            return
        place = desk.folders.get(desk.place.folder) if desk.place is not None and desk.place.folder else None
        letter = letters.begin(wish, self._who(place.account_id if place else 0, self._receiver(wish)))
        try:
            letter = self._complete(wish, letter)
        except OSError as error:
            desk.window.toast.say(tr("The letter could not be begun: {strerror}.", strerror=error.strerror))
            self._typed.end()
            return
        composer = self.open(letter, here=wish.here)
        composer.begin()
        composer.begin_writing()
        if wish.here:
            self._typed.end()

    def _who(self, preferred: int = 0, receiver: int = 0) -> letters.Who:
        chosen = self._desk.preferences
        below = chosen.answer is Place.BELOW
        return letters.Who(self._desk.accounts, preferred, receiver, chosen.signature, chosen.writing, below)

    def _complete(self, wish: Writing, letter: Letter) -> Letter:
        """The letter with what it takes from the message it is about, as files.  Raises OSError."""
        row = wish.row
        if row is None:
            return letter
        if wish.kind is Kind.FORWARD and wish.attached:
            return self._with_original(letter, row)
        if wish.kind in (Kind.DRAFT, Kind.AGAIN) or any(one.content_id for one in letter.attached):
            return self.as_files(letter, row.id)
        return letter

    def _with_original(self, letter: Letter, row: MessageRow) -> Letter:
        """The whole message as a file of the letter.  Raises OSError."""
        raw = self._desk.library.raw(row.id)
        if raw is None:
            raise OSError(2, "the message is not on this computer yet")
        path = write_new(self.journal.folder(letter.key), safe_filename(f"{row.subject or 'message'}.eml"), raw)
        return replace(letter, attached=(Attached(path.name, "message/rfc822", len(raw), str(path)),))

    def _own_pictures(self) -> dict[str, bytes]:
        """The pictures of the person's signatures, by name."""
        found: dict[str, bytes] = {}
        for account in self._desk.accounts:
            for identity in account.identities:
                if identity.signature_html:
                    found |= by_name(identity.signature_html)[1]
        return found

    def _limit(self, account: Account) -> int:
        """How much the account's submission server said that it takes, in octets; 0: it has not yet."""
        db, server = self._desk.library.db, account.submission
        said = protection.offer(db, server.host) if db is not None and server is not None else None
        return said.size if said is not None else 0

    def open(self, letter: Letter, *, here: bool = False) -> Composer:
        """A composer that shows ``letter``; ``here``: below the message that it answers."""
        sending = [one for one in self._desk.accounts if one.route is not Route.NONE] or self._desk.accounts
        who = self._who()
        composer = Composer(
            letter, sending, self._desk.people.find_any, self.journal.folder,
            signature_of=who.signature_of, limit_of=self._limit, pictures=self._own_pictures(),
        )  # fmt: skip
        self.composers[letter.key] = composer
        composer.written.connect(lambda: self.journal_now(composer))
        composer.send_wanted.connect(lambda at: self._send(composer, at))
        composer.save_wanted.connect(lambda: self._drafting.save(composer))
        composer.discard_wanted.connect(lambda: self._discard(composer))
        composer.template_wanted.connect(lambda: self._drafting.keep_template(composer))
        composer.merge_wanted.connect(lambda: self._merging.begin(composer))
        composer.source_wanted.connect(lambda: self._show_source(composer))
        composer.closed.connect(lambda: self._closed(composer))
        self._desk.people.warm()
        self._outlooks.watch(composer)
        self._drafting.watch(composer)
        self.spelling.watch(composer)
        self.snippets.watch(composer)
        if here:
            self.here.put(composer)
        else:
            self._place(composer)
            composer.show()
        self._typed.meant_for(composer)
        self.opened.emit(composer)
        return composer

    def restore(self) -> int:
        """Open what was being written when the program ended; returns how many."""
        opened = 0
        for letter in self.journal.letters():
            if letter.key in self.composers:
                continue
            if letter.empty or (letter.sending_at and self._was_queued(letter)):
                self.journal.forget(letter.key)
                continue
            db = self._desk.library.db
            drafted = read.draft_of(db, letter.key) if db is not None else None
            history = self.journal.steps(letter.key)
            if letter.stepped and not history:
                self._desk.window.toast.say(
                    tr("A letter that you were writing cannot be read from the disk; it stays there as it is.")
                )
                continue
            composer = self.open(replace(letter, sending_at=0, replaces=drafted or letter.replaces, stepped=False))
            if composer.replay(history):
                self.keeping.stepped.add(letter.key)
                composer.track.rebase(text_of(history))
            composer.begin_writing()
            self.journal_now(composer)
            opened += 1
            if letter.sending_at:
                composer.say(tr("Mua ended while this was handed over, and it is not in the outbox; send it again."))
            else:
                composer.say(tr("Mua ended while you were writing this; it is all here."))
        self.journal.settle()
        self.journal.sweep()
        return opened

    def close_all(self) -> None:
        """The program ends: every letter is in the journal, and comes back at the next start."""
        for composer in list(self.composers.values()):
            self.journal_now(composer)
            if composer.is_untouched():
                self.journal.forget(composer.key)
            composer.finish()
        self.composers.clear()
        self.spelling.speller.close()
        self.journal.settle()

    # ---- sending
    def _send(self, composer: Composer, at: int | None) -> None:
        again = partial(composer.send, at)
        if self._desk.client is None or not self._desk.client.is_ready:
            composer.say(
                tr("Mua's mail engine is not there yet; try again in a moment."), "warning", tr("Try again"), again
            )
            return
        composer.hold(int(time.time()))
        self.journal_now(composer)
        letter = composer.letter()
        self.journal.write(letter)
        self.journal.settle()
        delay = self._desk.preferences.undo_send
        self._desk.client.ask(
            self.command(letter, delay, at),
            lambda answer: self._sent(composer, letter, answer, delay, at),
            lambda error: self._not_sent(composer, letter, error, again),
        )

    def command(self, letter: Letter, delay: int, at: int | None = None) -> wire.Send:
        """The command that sends a letter: in ``delay`` seconds, or at a time (UTC seconds)."""
        parts = tuple(one.part for one in letter.attached if one.part and not one.path)
        return wire.Send(
            letter.account_id,
            self.draft(letter),
            delay=delay,
            answers=letter.answers,
            forwards=letter.forwards,
            forwarded_parts=parts,
            replaces_draft=letter.replaces,
            at=at,
            terms=Terms(letter.require_tls),
            redirects=letter.redirects,
            draft_key=letter.key,
        )

    def _sent(self, composer: Composer, letter: Letter, answer: wire.Answer, delay: int, at: int | None) -> None:
        assert isinstance(answer, wire.Queued)
        undone = replace(letter, sending_at=0, replaces=None)
        outgoing = OutgoingId(answer.outgoing_id)
        if at is not None:
            delay = max(delay, _UNDO_SCHEDULED)
            text = tr("Scheduled: {when}", when=moment(at, time.time()))
            self._desk.window.toast.say(text, tr("Undo"), lambda: self.taking.undo(outgoing, undone), delay * 1_000)
        elif delay:
            self._desk.window.toast.say(
                tr("Sending…"), tr("Undo"), lambda: self.taking.undo(outgoing, undone), delay * 1_000
            )
        else:
            self._desk.window.toast.say(tr("Sent to the outbox"))
        self.handed_over(composer, delay)

    def handed_over(self, composer: Composer, delay: int) -> None:
        """The outbox has the letter: its window goes, its files a moment after ``delay`` seconds, for an undo."""
        key = composer.key
        self._let_go(key)
        self.journal.forget(key, files=False)
        composer.finish()
        QTimer.singleShot((delay + 5) * 1_000, partial(self._drop_files, key))

    def _show_source(self, composer: Composer) -> None:
        """Exactly what would leave now, byte for byte but for the names of the moment; made on a thread."""
        from mua.gui.source_page import SourcePage

        try:
            letter = self.as_files(composer.letter(), composer.letter().forwards)
            draft = self.draft(letter)
        except OSError as error:
            composer.say(tr("A file of the letter cannot be read: {strerror}.", strerror=error.strerror), "warning")
            return
        page = SourcePage(composer, tr("what will leave"), partial(leaving, draft, int(time.time())))
        page.show()

    def _not_sent(self, composer: Composer, letter: Letter, error: MailError, again: Callable[[], object]) -> None:
        if error.code == "engine-lost" and self._was_queued(letter):  # it ended between the outbox and its answer
            self._desk.window.toast.say(tr("Sent to the outbox"))
            self.handed_over(composer, 0)
            return
        composer.hold(0)
        if error.code == "bad-time":
            composer.say(error.text, "warning", tr("Another time"), composer.choose_time)
        else:
            composer.say(error.text, "danger", tr("Try again"), again)
        self.journal_now(composer)

    # ---- saving and discarding
    @property
    def client(self) -> "EngineClient | None":
        """The line to the engine, where there is one."""
        return self._desk.client

    def say(
        self, text: str, button: str = "", act: Callable[[], object] | None = None, milliseconds: int = FORGET_AFTER
    ) -> None:
        """A sentence over the main window, for a moment."""
        self._desk.window.toast.say(text, button, act, milliseconds)

    def open_other(self, message_id: int) -> None:
        """Another draft, in a composer of its own."""
        db = self._desk.library.db
        row = read.row(db, MessageId(message_id)) if db is not None else None
        if row is not None:
            self.write(Writing(Kind.DRAFT, row, self._desk.library.view(row.id)))

    def saved_away(self, letter: Letter) -> None:
        """A letter whose window is closed is in Drafts now."""
        if letter.key in self.composers:
            return
        self.journal.forget(letter.key, files=False)
        self._desk.window.toast.say(tr("Saved in Drafts"), tr("Open"), lambda: self.journal_now(self.open(letter)))
        QTimer.singleShot(FORGET_AFTER, partial(self._drop_files, letter.key))

    def _closed(self, composer: Composer) -> None:
        letter = composer.letter()
        composer.stays = letter.redirects is None and not self.keeping.kept(composer)
        if composer.stays:
            return
        self._let_go(letter.key)
        if composer.is_untouched() or letter.redirects is not None:
            self.journal.forget(letter.key)
        else:
            self._drafting.save(composer, close=True)
        composer.finish()

    def _discard(self, composer: Composer) -> None:
        """Away with it; for a moment it can be brought back, with all that was in it."""
        letter, client = composer.letter(), self._desk.client
        self._let_go(letter.key)
        composer.finish()
        self.journal.forget(letter.key, files=False)
        deleted: list[int] = []
        if letter.replaces is not None and client is not None:
            client.ask(wire.DeleteMessages((letter.replaces,)), lambda one: deleted.append(one.history_id))  # type: ignore[union-attr]
        if letter.empty:
            self._drop_files(letter.key)
            return

        def back() -> None:
            if deleted and client is not None:
                client.ask(wire.Undo(deleted[0]))
            self.journal_now(self.open(letter))

        self._desk.window.toast.say(tr("Discarded"), tr("Undo"), back, FORGET_AFTER)
        QTimer.singleShot(FORGET_AFTER + 1_000, partial(self._drop_files, letter.key))

    # ---- inside
    def draft(self, letter: Letter) -> Draft:
        """The letter as the engine wants it."""
        account = next(one for one in self._desk.accounts if one.id == letter.account_id)
        address = letter.sender or Address(account.full_name, account.email)
        written_by = identities.sender_for([account], address.address)
        reply_to = written_by.identity.reply_to if written_by is not None else ""
        text, html = letters.bodies(letter)
        files = [
            DraftAttachment(one.path, one.name, one.type, one.content_id)
            for one in letter.attached
            if one.path and (not one.content_id or f"cid:{one.content_id}" in html)
        ]
        files += self._signature_files(letter, html)
        return Draft(
            sender=address,
            reply_to=(Address(address.name, reply_to),) if reply_to else (),
            to=letter.to,
            cc=letter.cc,
            bcc=letter.bcc,
            subject=letter.subject,
            text=text,
            html=html,
            attachments=tuple(files),
            in_reply_to=letter.in_reply_to,
            references=letter.references,
            priority=letter.priority,
            receipt=letter.receipt,
        )

    def _signature_files(self, letter: Letter, html: str) -> list[DraftAttachment]:
        """The pictures of a signature that stands in a letter, as files of it."""
        have = {one.content_id for one in letter.attached}
        made = []
        for name, data in self._own_pictures().items() if "cid:" in html else ():
            if name in have or f"cid:{name}" not in html:
                continue
            path = self.journal.folder(letter.key) / f"{name.partition('@')[0]}.png"
            path.write_bytes(data)
            made.append(DraftAttachment(str(path), path.name, media_type(data[:2048]) or "image/png", name))
        return made

    def as_files(self, letter: Letter, source: int | None) -> Letter:
        """The letter with every section of another message as a file of its own.  Raises OSError."""
        if source is None or not any(one.part and not one.path for one in letter.attached):
            return letter
        folder, made = self.journal.folder(letter.key), []
        for one in letter.attached:
            found = self._desk.library.part(MessageId(source), one.part) if one.part and not one.path else None
            if found is None:
                made.append(one)
                continue
            path = write_new(folder, safe_filename(one.name), found[1])
            made.append(replace(one, size=len(found[1]), path=str(path), part=""))
        return replace(letter, attached=tuple(made))

    def _let_go(self, key: str) -> None:
        """The composer of this letter closes."""
        self.composers.pop(key, None)
        self._drafting.forget(key)
        self.keeping.stepped.discard(key)

    def _drop_files(self, key: str) -> None:
        if key not in self.composers:
            self.journal.forget(key)

    def _was_queued(self, letter: Letter) -> bool:
        db = self._desk.library.db
        if db is None:
            return False
        try:
            wanted = {wire_address(one.address).lower() for one in (*letter.to, *letter.cc, *letter.bcc)}
        except MailError:
            return False
        return any(
            one.queued_at >= letter.sending_at - 2
            and one.subject.strip() == letter.subject.strip()
            and {to.address.lower() for to in one.recipients} == wanted
            for one in outbox.listed(db, finished=True, most=100)
        )

    def _open_draft(self, wish: Writing) -> Composer | None:
        assert wish.row is not None
        return next((one for one in self.composers.values() if one.letter().replaces == wish.row.id), None)

    def _fetch_first(self, wish: Writing) -> None:
        """The text is not here yet: have the engine make its view, then write."""
        row, client = wish.row, self._desk.client
        assert row is not None
        if client is None:
            self._typed.end()
            self._desk.window.toast.say(
                tr("The text of this message is not here, and Mua's mail engine is not there yet.")
            )
            return
        self._typed.begin(FETCHING)

        def ready(_: wire.Answer) -> None:
            view = self._desk.library.view(row.id)
            if view is not None:
                self.write(replace(wish, view=view))

        def failed(error: MailError) -> None:
            self._typed.end()
            self._desk.window.toast.say(error.text)

        client.ask(wire.OpenMessage(row.id), ready, failed)

    def _receiver(self, wish: Writing) -> int:
        """The account that got the message which is answered: an answer comes from where it was written to."""
        db, row = self._desk.library.db, wish.row
        found = (
            read.receiver(db, row.id) if db is not None and row is not None and wish.kind is not Kind.DRAFT else None
        )
        return int(found or 0)

    def _place(self, composer: Composer) -> None:
        """Over the main window, each a little further."""
        window = self._desk.window.geometry()
        step = 28 * ((len(self.composers) - 1) % 6)
        left = window.center().x() - composer.width() // 2 + step
        composer.move(max(0, left), max(0, window.top() + 60 + step))
