"""Acts on very many messages: the first part at once, the rest behind, in parts that can be stopped between.

Theory of operation: the first part is done as any act is, the rest noted in the store in the same breath, and the
answer given.  A thread then carries the command out part by part, each in one transaction that adds to the act's entry
in the history and counts the part as done (``Part``); so one undo takes back all of it, a stop leaves what is done,
and a crash only interrupts.  An undo of such an act stops it first, and is carried out the same way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mua import wire
from mua.errors import MailError
from mua.log import ENGINE
from mua.model.account import AccountId
from mua.model.message import MessageId
from mua.records import dataclass
from mua.store import bulk, history, read

if TYPE_CHECKING:
    from mua.engine.main import Engine

LARGE = 2_000  # messages of one act beyond which it is carried out in parts
PART = 1_000  # messages of one transaction
Many = (
    wire.SetFlags | wire.TagMessages | wire.MoveMessages | wire.ArchiveMessages | wire.JunkMessages
    | wire.DeleteMessages | wire.SnoozeMessages
)  # fmt: skip
Handler = Callable[..., wire.Acted]


@dataclass(frozen=True, slots=True)
class Part:
    """What this thread is doing: a part of that act, with which so many of its messages are done."""

    history_id: int
    done: int


class Bulks:
    """The acts that are going on; one at a time."""

    def __init__(self, engine: Engine, handlers: Callable[[type], Handler]) -> None:
        self._engine, self._handlers = engine, handlers
        self._lock = threading.Lock()
        self._stopped: dict[int, threading.Event] = {}
        self._threads: dict[int, threading.Thread] = {}
        self._turn = threading.Lock()
        self._local = threading.local()

    @property
    def part(self) -> Part | None:
        """The part that the calling thread carries out; None: what it does is an act of its own."""
        found: Part | None = getattr(self._local, "part", None)
        return found

    @property
    def busy(self) -> bool:
        """Whether one is going on."""
        return bool(self._threads)

    def carry_out(self, command: Many, handler: Handler) -> wire.Acted:
        """Do it: all of it, or the first part and the rest behind."""
        ids = command.messages
        if len(ids) <= LARGE:
            return handler(self._engine, command)
        first = handler(self._engine, replace(command, messages=ids[:PART]))
        label = first.label.replace(f"{PART:d}", f"{len(ids):,}", 1)
        line = wire.command_line(0, replace(command, messages=())).decode()
        with self._engine.store.write(durable=True) as tx:
            history.rename(tx, first.history_id, label)
            bulk.begin(tx, bulk.Bulk(first.history_id, line, PART, ids))
        self._go_on(bulk.Bulk(first.history_id, line, PART, ids))
        return wire.Acted(first.history_id, label, ())

    def take_back(self, history_id: int | None) -> wire.Acted | None:
        """Undo an act of very many messages; None: it was not one."""
        found = history.latest(self._engine.store.reader(), history_id)
        if found is None:
            return None
        number, label = found
        self.stop(number)
        ids = history.messages(self._engine.store.reader(), number)
        if len(ids) <= LARGE:
            return None
        work = bulk.Bulk(number, "", 0, tuple(ids))
        with self._engine.store.write(durable=True) as tx:
            history.begin_undo(tx, number)
            bulk.begin(tx, work)
        self._go_on(work)
        return wire.Acted(number, f"Undone: {label}", ())

    def stop(self, history_id: int | None = None) -> None:
        """End an act (None: every one) after the part that is being done; what is done stays."""
        with self._lock:
            chosen = [one for one in self._threads if history_id in (None, one)]
            for one in chosen:
                self._stopped[one].set()
            threads = [self._threads[one] for one in chosen]
        for thread in threads:
            thread.join(30)

    def resume(self) -> None:
        """Go on with what a crash, or the end of an engine, interrupted."""
        for work in bulk.unfinished(self._engine.store.reader()):
            self._go_on(work)

    def close(self) -> None:
        """The engine ends; the rest is done by the next one."""
        with self._lock:
            self._closing = True
        self.stop()

    # ---- inside
    _closing = False

    def _go_on(self, work: bulk.Bulk) -> None:
        with self._lock:
            if self._closing:
                return
            self._stopped[work.history_id] = threading.Event()
            thread = threading.Thread(target=self._run, args=(work,), name="bulk", daemon=True)
            self._threads[work.history_id] = thread
            thread.start()

    def _run(self, work: bulk.Bulk) -> None:
        stopped = self._stopped[work.history_id]
        with self._turn:
            try:
                self._parts(work, stopped)
            except MailError as error:
                ENGINE.info("an act of many messages waits: %s (%s)", error.text, error.detail)
        with self._lock:
            del self._threads[work.history_id], self._stopped[work.history_id]
        with self._engine.context.committed:
            self._engine.context.committed.notify_all()

    def _parts(self, work: bulk.Bulk, stopped: threading.Event) -> None:
        engine, total = self._engine, len(work.messages)
        account = self._account(work)
        done = work.done
        while done < total and not stopped.is_set():
            ids = work.messages[done : done + PART]
            there = read.still_there(engine.store.reader(), ids)
            done += len(ids)
            self._part(work, tuple(one for one in ids if one in there or not work.command), done)
            engine.tell(wire.Progress(account, "acted", done, total))
        if not (stopped.is_set() and self._closing):
            with engine.store.write(durable=True) as tx:
                bulk.end(tx, work.history_id)
        engine.tell(wire.Progress(account, "acted", total, total))

    def _part(self, work: bulk.Bulk, ids: tuple[int, ...], done: int) -> None:
        engine = self._engine
        if not work.command:
            with engine.store.write(durable=True) as tx:
                history.take_back(tx, work.history_id, [MessageId(one) for one in ids], engine.context.now())
                bulk.advance(tx, work.history_id, done)
            for account_id in read.accounts_of(engine.store.reader(), ids):
                engine.settle_local(account_id)
                engine.poke(account_id)
            return
        _, command = wire.parse_command(work.command.encode())
        assert isinstance(command, Many)
        if not ids:  # all of them are gone meanwhile
            with engine.store.write(durable=True) as tx:
                bulk.advance(tx, work.history_id, done)
            return
        self._local.part = Part(work.history_id, done)
        try:
            self._handlers(type(command))(engine, replace(command, messages=ids))
        finally:
            self._local.part = None

    def _account(self, work: bulk.Bulk) -> AccountId:
        found = read.accounts_of(self._engine.store.reader(), work.messages[-1:] or work.messages[:1])
        return next(iter(found), AccountId(0))


def stop(engine: Engine, _: wire.StopActs) -> wire.Done:
    """Stop what is going on."""
    engine.bulks.stop()
    return wire.Done()
