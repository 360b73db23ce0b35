"""Snooze and pin: commands, and the thread that brings messages back when their time has come.

Theory of operation: the times are in the store, so a restart loses none.  The thread, which is there only while
something is snoozed, sleeps until the next of them, but never longer than a minute: clocks are set, and computers sleep
(when this one wakes it is poked).  What was due meanwhile comes back at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mua import wire
from mua.engine import acts
from mua.engine.errand import Errand
from mua.errors import Kind, MailError, Retry
from mua.model.folder import Role
from mua.model.message import Flag, MessageId
from mua.plan import later
from mua.store import aside, sight
from mua.store.db import Tx

if TYPE_CHECKING:
    from mua.engine.main import Engine

LONGEST = 60.0  # seconds between two looks at the clock


class Snoozer:
    """Brings back what is due, until ``stop``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._errand = Errand("snoozer", self._look)

    def poke(self) -> None:
        """Something may be due, or due earlier than before; does not wait."""
        if aside.next_return(self._engine.store.reader()) is not None:
            self._errand.poke()

    def stop(self) -> None:
        """End, and wait for the end."""
        self._errand.stop()

    def _look(self) -> float | None:
        come_back(self._engine)
        following = aside.next_return(self._engine.store.reader())
        return None if following is None else min(max(following - self._engine.context.now(), 0.05), LONGEST)


def come_back(engine: Engine) -> list[MessageId]:
    """Bring back what is due; returns what came back."""
    db, now = engine.store.reader(), engine.context.now()
    found = aside.due(db, now)
    if not found:
        return []
    with engine.store.write(durable=True) as tx:
        back = aside.come_back(tx, found, now)
    for account_id in {one[1] for one in found}:
        engine.settle_local(account_id)
        engine.poke(account_id)
    if back:
        engine.tell(wire.Arrived(tuple(back)))
    return back


def snooze_messages(engine: Engine, command: wire.SnoozeMessages) -> wire.Acted:
    """Put messages aside until a time; 0: bring them back now."""
    now = engine.context.now()
    if not command.until:
        return _return_now(engine, command)
    if problem := later.problem(command.until, now):
        raise MailError(Kind.MESSAGE, Retry.ASK, problem, code="bad-time")
    rows = acts.rows_of(engine, command.messages)
    targets = {one: acts.folder_for(engine, one, Role.SNOOZED) for one in {row.account_id for row in rows}}

    def wish(tx: Tx, ids: list[MessageId], at: int) -> None:
        aside.snooze(tx, ids, command.until, at)
        acts.wish_into(tx, rows, targets, at)

    label = f"Snoozed {acts.messages_words(len(rows))}"
    done = acts.act(engine, [row.id for row in rows], label, Flag(0), wish, moved=True)
    engine.snoozer.poke()
    return done


def _return_now(engine: Engine, command: wire.SnoozeMessages) -> wire.Acted:
    rows = acts.rows_of(engine, command.messages)
    ids = [row.id for row in rows]
    until = sight.until(engine.store.reader(), ids)

    def wish(tx: Tx, _: list[MessageId], at: int) -> None:
        found = [one for one in aside.due(tx, later.FARTHEST + at) if one[0] in until]
        aside.come_back(tx, found, at)

    return acts.act(engine, ids, f"Brought back {acts.messages_words(len(until))}", Flag.SEEN, wish, moved=True)


def pin_messages(engine: Engine, command: wire.PinMessages) -> wire.Done:
    """Keep messages in sight above their lists, or do not any more."""
    ids = [row.id for row in acts.rows_of(engine, command.messages)]
    with engine.store.write(durable=True) as tx:
        aside.pin(tx, ids, command.pinned, engine.context.now())
    return wire.Done()
