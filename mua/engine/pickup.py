"""The pick-up: what local users left in the drop folder becomes mail of the system's account.

Theory of operation: a thread looks into the folder (``store/drop``) when the bell rings, and every few seconds.  Each
submission is checked and frozen like any other message, queued durably under its own name, and then its file is
removed.  A crash between the two finds the name in the outbox at the next look, and only the removal is left to do.

Rules of the file: who owns the file is who submitted it, whatever it says; users take turns; a user who has too much in
the queue waits in the folder, and nobody else does.  What one file does wrong is that file's: it is put off, or set
aside where an administrator finds it, and the others go.  Only a full disk makes everybody wait.
"""

import errno
import os
import select
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from mua.engine import tally
from mua.engine.aliases import Aliases
from mua.engine.bounces import remove_spent, tell_submitters, warn_submitters
from mua.engine.context import Context
from mua.errors import Kind, MailError, Retry
from mua.log import ENGINE, word
from mua.mime.build import new_message_id
from mua.mime.encode import wire_address
from mua.mime.freeze import Frozen, freeze
from mua.mime.pieces import Content, Pieces, whole_or_divided
from mua.mime.submit import MAX_RECIPIENTS, received, unfit
from mua.model.account import Account, AccountId, DirectOptions, Incoming, Route
from mua.model.submission import Submission
from mua.paths import mail_name
from mua.store import dispatch, dkim, drop, outbox, read, wire_files, write
from mua.store.db import Store
from mua.store.drop import Entry, Refused

NAME = "system"  # of the account that local users' mail goes out by
LOOK_EVERY = 10.0  # seconds; who submits rings, so this is for what was left while no engine ran
BATCH = 500  # submissions between two looks: newcomers take their turn
PER_USER = 10_000  # messages of one user that may be in the queue; root's are not counted
PER_USER_OCTETS = 1 << 30  # of them
MIN_FREE = 3 * drop.LARGEST  # octets: signing holds a second copy, and the store has to grow
BREATH = 0.05  # seconds between two looks, however often somebody rings
FULL_PIPE = 1 << 16  # octets that wait in one at most
MAX_SAID = 1000  # lines of the log that are remembered, so that each is there once
COUNT_EVERY = 30.0  # seconds between two files of counters
PUT_OFF = (10, 600)  # seconds until a file that could not be taken is tried again: at first, and at most
REST = 5  # times as long as a look took the next one waits: a folder full of rubbish takes no more of the computer


def make_account(store: Store) -> None:
    """The account of the system's own mail, made when there is none: direct, and nothing comes in."""
    if read.account_named(store.reader(), NAME) is not None:
        return
    made = Account(
        AccountId(0), NAME, f"postmaster@{mail_name()}", incoming=Incoming.LOCAL, route=Route.DIRECT,
        direct=DirectOptions(),
    )  # fmt: skip
    with store.write(durable=True) as tx:
        write.add_account(tx, made)


class PickUp:
    """Looks after ``folder`` for the system's account.

    ``queued`` is told when there is something to send (it must not block).  Raises OSError where the folder is not ours
    to prepare.
    """

    def __init__(
        self,
        context: Context,
        folder: Path,
        queued: Callable[[], None],
        sign: wire_files.Signing = lambda _: None,
        metrics: Path | None = None,
    ) -> None:
        make_account(context.store)
        self._context = context
        self._folder = folder
        self._queued = queued
        self._sign = sign
        self._metrics = metrics
        self._counted = 0.0  # when the file of counters was written (monotonic)
        self._aliases = Aliases()
        self._scan = 0.0  # seconds that the last look at the folder's list took
        self._idle = False  # the last look found nothing to take
        self._said: set[str] = set()
        self._put_off: dict[str, tuple[int, int]] = {}  # name -> (UTC seconds when it is tried again, after how many)
        self._end, self._ended = os.pipe()
        bell = drop.prepare(folder)
        if bell is None:
            ENGINE.info("nobody can ring at %s; it is looked into every %d seconds", folder, LOOK_EVERY)
        self._bells = [self._end] if bell is None else [self._end, bell]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pickup", daemon=True)

    def start(self) -> None:
        """Begin; what was left while no engine ran is taken at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the end."""
        self._stopping.set()
        os.write(self._ended, b"!")
        if self._thread.ident is not None:
            self._thread.join(20)

    def _run(self) -> None:
        pause = 0.0
        while True:
            rung, _, _ = select.select(self._bells, [], [], pause)
            if self._stopping.is_set():
                return
            for bell in rung:
                os.read(bell, FULL_PIPE)  # once: who rings without end would keep us here
            more = [self._done(self.look), self._done(self.settle)]
            pause = 0.0 if any(more) else LOOK_EVERY
            if pause:
                self._stopping.wait(min(max(self._scan * REST, BREATH), LOOK_EVERY))

    def _done(self, what: Callable[[], bool | None]) -> bool | None:
        """Do it; whatever is raised is in the log, and the thread lives on."""
        try:
            return what()
        except (MailError, OSError) as error:
            ENGINE.info("what is in the drop folder has to wait: %s", error)
        except Exception:  # noqa: BLE001 - a mistake of ours must not end all submissions
            ENGINE.exception("a look into the drop folder failed")
        return None

    def look(self) -> bool:
        """Take what is there, ``BATCH`` at most; True: there is more.

        Raises MailError (the disk is full, or there is no account to send by) and OSError (of the folder).
        """
        began = time.monotonic()
        entries = _in_turn(drop.waiting(self._folder, time.time()))
        self._scan = time.monotonic() - began
        self._put_off = {one.name: self._put_off[one.name] for one in entries if one.name in self._put_off}
        room: dict[int, tuple[int, int]] = {}
        taken = 0
        account = self._account() if entries else None
        for entry in entries:
            if taken == BATCH or self._stopping.is_set():
                return True
            if not account or not self._is_due(entry) or not self._has_room(entry.uid, room):
                continue
            if self._take(entry, account):
                taken += 1
                count, octets = room[entry.uid]
                room[entry.uid] = (count - 1, octets - entry.size)
        self._idle = not taken
        return False

    def settle(self) -> bool:
        """What is to be done for submissions that are over: their submitters are told, their files removed; and who
        waits is told.  A part of it; True: there is more to tell (files have time, and to send what waits comes first).
        """
        try:
            told = tell_submitters(self._context, self._aliases, self._sign)
            told += warn_submitters(self._context, self._aliases, self._sign)
            if told:
                self._queued()
        finally:
            remove_spent(self._context)  # also where the disk is full
        if self._idle:
            self._context.store.shrink()
        if self._metrics is not None and (not self._counted or time.monotonic() - self._counted >= COUNT_EVERY):
            self._counted = time.monotonic()
            tally.write(self._metrics, self._context.tally.text(self._context.store.reader(), self._context.now()))
        return told >= outbox.MAX_TOLD

    def _has_room(self, uid: int, room: dict[int, tuple[int, int]]) -> bool:
        """``room`` is how many messages and octets more each user may have in the queue.  Root may always."""
        if uid == 0:
            room[uid] = (1, 1)
            return True
        if uid not in room:
            count, octets = outbox.waiting_of(self._context.store.reader(), uid, PER_USER)
            room[uid] = (PER_USER - count, PER_USER_OCTETS - octets)
            if min(room[uid]) <= 0:
                self._say(f"user {uid} has {count} messages of {octets >> 20} MB in the queue; more have to wait")
        return min(room[uid]) > 0 and self._has_space()

    def _has_space(self) -> bool:
        """Whether the disk has room for more than what is on its way already."""
        found = os.statvfs(self._context.store.profile.big)
        text = f"the disk has less than {MIN_FREE >> 20} MB left; only root's mail is picked up until there is more"
        if found.f_bavail * found.f_frsize >= MIN_FREE:
            self._said.discard(text)
            return True
        self._say(text)
        return False

    def _account(self) -> Account:
        account = read.account_named(self._context.store.reader(), NAME)
        if account is None:
            text = f"There is no account “{NAME}” to send by; add it again, and what was submitted goes."
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="no-such-account")
        return account

    def _is_due(self, entry: Entry) -> bool:
        return self._put_off.get(entry.name, (0, 0))[0] <= self._context.now()

    def _take(self, entry: Entry, account: Account) -> bool:
        """Whether that file is done with.  Raises MailError and OSError where the disk is full."""
        try:
            return self._settled(entry, account)
        except FileNotFoundError:
            return False
        except (MailError, OSError) as error:
            if _is_full(error):
                raise
            if isinstance(error, PermissionError | BlockingIOError) and time.time() - entry.changed >= drop.STALE:
                ENGINE.info("a submission of user %d could not be read for a day, and is gone", entry.uid)
                self._count("refused")
                drop.remove(self._folder, entry.name)
                return True
            wait = min(2 * self._put_off[entry.name][1], PUT_OFF[1]) if entry.name in self._put_off else PUT_OFF[0]
            self._put_off[entry.name] = (self._context.now() + wait, wait)
            why = error.strerror if isinstance(error, OSError) else error
            self._say(f"a submission of user {entry.uid} has to wait: {why}")
            return False

    def _settled(self, entry: Entry, account: Account) -> bool:
        try:
            with drop.opened(self._folder, entry.name) as file:
                found = os.fstat(file.fileno())
                if (found.st_uid, found.st_size) != (entry.uid, entry.size):  # put in its place meanwhile, or grown
                    return False
                outgoing_id = self._queue(entry, file, account)
            self._count("queued" if outgoing_id else "discarded")
            if outgoing_id:
                ENGINE.info("outgoing %d: submitted by user %d as %s", outgoing_id, entry.uid, entry.name)
                self._queued()
            else:
                ENGINE.info("a submission of user %d is for /dev/null, by the aliases, and is gone", entry.uid)
        except (Refused, MailError) as error:
            if isinstance(error, MailError) and not _is_of_the_message(error):
                raise
            self._count("refused")
            ENGINE.info("a file of user %d in the drop folder is no mail: %s", entry.uid, error)
        except OSError:
            raise
        except Exception:  # noqa: BLE001 - a mistake of ours must not hold up the mail of others
            drop.set_aside(self._folder, entry.name)
            self._count("failed")
            kept = self._folder / drop.ASIDE / entry.name
            ENGINE.exception("a submission of user %d made the engine fail; it is kept as %s", entry.uid, kept)
            return True
        drop.remove(self._folder, entry.name)
        return True

    def _queue(self, entry: Entry, file: BinaryIO, account: Account) -> int:
        """The message that it is now, 0: it is for nobody.

        Raises Refused, OSError and MailError (the message, the disk, a key that signs).
        """
        store, now = self._context.store, self._context.now()
        known = outbox.submitted(store.reader(), entry.name)
        if known is not None:
            return known
        given = drop.read_first_line(file)
        start, handle = file.tell(), file.fileno()
        content = Content(lambda: os.fdopen(os.dup(handle), "rb"), os.fstat(handle).st_size)
        seven_bit = bool(dkim.keys(store.reader()))
        frozen = _frozen(given, whole_or_divided(content, start), now, seven_bit=seven_bit)
        to = self._aliases.expanded(frozen.recipients)
        if not to.recipients and not to.refused:
            return 0
        trace = received(f"userid {entry.uid}", mail_name(), entry.name, now, time.localtime(now).tm_gmtoff // 60)
        frozen = replace(frozen, head=trace + frozen.head, full_head=trace + frozen.head, recipients=to.recipients)
        origin = dispatch.Origin(entry.uid, entry.name, given.notify)
        outgoing_id = dispatch.queue(
            store, account, frozen, now=now, not_before=now, origin=origin, refused=to.refused, sign=self._sign
        )
        for address, why in to.refused.items():
            ENGINE.info("outgoing %d: refused by the aliases: to=<%s> %s", outgoing_id, word(address), why)
        return outgoing_id

    def _count(self, outcome: str) -> None:
        self._context.tally.add("mua_submissions_total", f'outcome="{outcome}"')

    def _say(self, text: str) -> None:
        """In the log, one time."""
        if len(self._said) >= MAX_SAID:
            self._said.clear()
        if text not in self._said:
            self._said.add(text)
            ENGINE.info("%s", text)


def _is_of_the_message(error: MailError) -> bool:
    """Whether it will be the same when this file is tried again: whoever still writes into it has not submitted it."""
    return error.kind is Kind.MESSAGE or error.code == "attachment-changed"


def _is_full(error: MailError | OSError) -> bool:
    if isinstance(error, MailError):
        return error.code == "disk-full"
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def _in_turn(entries: list[Entry]) -> list[Entry]:
    """The first of each user, then the second of each ..."""
    seen: dict[int, int] = {}
    ranked = []
    for entry in entries:
        seen[entry.uid] = seen.get(entry.uid, 0) + 1
        ranked.append((seen[entry.uid], entry))
    return [entry for _, entry in sorted(ranked, key=lambda pair: pair[0])]


def _frozen(given: Submission, pieces: Pieces, now: int, *, seven_bit: bool) -> Frozen:
    """The message as it will go out.  Raises Refused."""
    try:
        sender = wire_address(given.sender) if given.sender else ""
        recipients = tuple(dict.fromkeys(map(wire_address, given.recipients)))
    except MailError as error:
        raise Refused(error.text) from error
    if len(recipients) > MAX_RECIPIENTS:
        raise Refused("it has too many recipients")
    identifier = new_message_id(sender or f"x@{mail_name()}", os.urandom(16))
    envelope = (sender, recipients)
    frozen = freeze(pieces, now=now, message_id_if_missing=identifier, envelope=envelope, seven_bit=seven_bit)
    wrong = frozen.problems[0] if frozen.problems else unfit(frozen.head)[0]
    if wrong:
        raise Refused(wrong)
    return frozen
