"""What a person does to conversations: why a message is in one, splitting and joining them, keeping one quiet.

Rules of the file: what ties messages together is ``plan.threads``'s business; each word that is said can be taken back.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.palette import Choice, Palette
from mua.language import tr
from mua.model.folder import Role
from mua.model.message import Flag, MessageId, MessageRow, ThreadId
from mua.plan.threads import Tie, own_name, why
from mua.store import read, threads
from mua.store.quiet import quiet_ones

if TYPE_CHECKING:
    from mua.gui.desk import Desk

_REASONS = {
    Tie.JOINED: tr("You joined it with"),
    Tie.SAME: tr("It is the same message as"),
    Tie.ANSWERS: tr("It answers"),
    Tie.ANSWERED: tr("It is answered by"),
    Tie.SERVER: tr("The server puts it together with"),
    Tie.MISSING: tr("Both refer to a message that is not here: it and"),
    Tie.SUBJECT: tr("The subject alone says so, nothing else refers: it and"),
}
_NAMED = 3  # of the messages that one reason ties it to


class Talks(QObject):
    """The deeds of one window."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._say = desk.window.toast.say
        deeds: dict[str, Callable[[], object]] = {
            "why": self.explain,
            "split": self.split,
            "join": self.join,
            "mute": self.mute,
            "ignore": self.ignore,
        }
        for name, act in deeds.items():
            desk.window.actions_.on(name, act)

    def explain(self) -> None:
        """Say what ties the message that is read to the others, and offer to set it apart."""
        row = self._desk.reader.row
        if row is None:
            self._say(tr("Choose a message first."))
            return
        Palette(self._desk.window, tr("Why is this in the conversation?"), self.reasons(row)).open_over()

    def reasons(self, row: MessageRow) -> list[Choice]:
        """Each reason goes to the message that it names."""
        db = self._desk.library.db
        if db is None:
            return []
        ids, letters, said = threads.letters_of(db, [row.thread_id])
        rows = {one.id: one for one in read.rows(db, ids)}
        found: list[Choice] = []
        for kind, places in why(letters, ids.index(row.id), said):
            others = [rows[MessageId(ids[place])] for place in places]
            found += [self._reason(_REASONS[kind], one) for one in others[:_NAMED]]
            if len(others) > _NAMED:
                found.append(
                    Choice(tr("… and {number} more", number=len(others) - _NAMED), _REASONS[kind], "list", lambda: None)
                )
        if not found:
            alone = len(ids) < 2
            text = (
                tr("It is alone: nothing refers to it.") if alone else tr("Another message here ties it to the rest.")
            )
            found.append(Choice(text, "", "circle-help", lambda: None))
        if len(ids) > 1:
            found.append(
                Choice(tr("Begin a conversation with this message"), tr("it and its answers"), "scissors", self.split)
            )
        word = said.get(own_name(row.message_id, row.id))
        if word is not None:
            back = wire.ThreadWord(row.id)
            found.append(
                Choice(
                    tr("As the mail itself has it"), tr("forget what you said"), "undo-2", lambda: self._send([back])
                )
            )
        return found

    def _reason(self, text: str, other: MessageRow) -> Choice:
        name, subject = words.person(other.sender), words.shown(other.subject, 60)
        when = words.full_time(other.id >> 20, time.time())
        return Choice(f"{text} {name}: {subject}", when, "mail", partial(self._desk.go_to, other.id))

    def split(self) -> None:
        """The message that is read, and what answers it, are a conversation of their own."""
        row, db = self._desk.reader.row, self._desk.library.db
        if row is None or db is None:
            return
        if len(read.thread(db, row.thread_id)) < 2:
            self._say(tr("It is a conversation of its own already."))
            return
        self._send([wire.ThreadWord(row.id, apart=True)], tr("This message begins a conversation of its own."))

    def join(self) -> None:
        """The conversations of the selected messages are one, named by the oldest."""
        rows, db = self._desk.chosen_rows(), self._desk.library.db
        talks = sorted({row.thread_id for row in rows})
        if db is None or len(talks) < 2:
            self._say(tr("Select two conversations or more to join them."))
            return
        first, *others = [read.thread(db, one) for one in rows_by_thread(rows)]
        goal = next((one.message_id for one in first if one.message_id), "")
        if not goal:
            self._say(tr("The oldest of them has no Message-ID, by which it could be joined with others."))
            return
        said = [wire.ThreadWord(one[0].id, joined=goal) for one in others]
        self._send(said, tr("{conversations} are one now.", conversations=words.count(len(talks), "conversation")))

    def mute(self) -> None:
        """What is new in the chosen conversations counts as read and is not announced; or it is again."""
        self._hush(ignored=False)

    def ignore(self) -> None:
        """And it leaves the inbox by itself."""
        self._hush(ignored=True)

    def _hush(self, *, ignored: bool) -> None:
        rows, db, client = self._desk.chosen_rows(), self._desk.library.db, self._desk.client
        if not rows or db is None or client is None:
            return
        talks = {row.thread_id for row in rows}
        now = quiet_ones(db, list(talks))
        ids = tuple(row.id for row in rows)
        if talks <= now.keys() and (not ignored or all(now.values())):
            client.ask(wire.QuietThreads(ids, quiet=False), lambda _: self._say(tr("Heard again.")), self._failed)
            return
        client.ask(wire.QuietThreads(ids, ignored=ignored), partial(self._hushed, rows, ignored), self._failed)

    def _hushed(self, rows: Sequence[MessageRow], ignored: bool, _: object) -> None:
        """What is here of them is dealt with as what will come: an act like any other, which can be undone."""
        acting, folders = self._desk.acting, self._desk.folders
        unread = [row.id for row in rows if not row.flags & Flag.SEEN]
        acting.flag(unread, add=Flag.SEEN)
        inboxes = {key for key, one in folders.items() if one.role is Role.INBOX}
        if ignored:
            acting.archive([row.id for row in rows if row.folder_id in inboxes])
        kind = (
            tr("Ignored: what is new leaves the inbox, read.") if ignored else tr("Muted: what is new counts as read.")
        )
        self._say(kind, tr("Undo"), lambda: self._unhush([row.id for row in rows]))

    def _unhush(self, ids: Sequence[MessageId]) -> None:
        if self._desk.client is not None:
            self._desk.client.ask(wire.QuietThreads(tuple(ids), quiet=False), None, self._failed)

    def _send(self, said: Sequence[wire.ThreadWord], text: str = "") -> None:
        client = self._desk.client

        def done(answer: wire.Answer) -> None:
            if text and isinstance(answer, wire.ThreadsSaid):
                self._say(text, tr("Undo"), lambda: self._send(answer.before))

        if client is not None:
            client.ask(wire.SayThreads(tuple(said)), done, self._failed)

    def _failed(self, error: MailError) -> None:
        self._say(error.text)


def rows_by_thread(rows: Sequence[MessageRow]) -> list[ThreadId]:
    """The threads of these messages, the oldest first."""
    return [
        row.thread_id for row in sorted({row.thread_id: row for row in rows}.values(), key=lambda one: one.thread_id)
    ]
