"""Commands about conversations: a person's word on what belongs together, and which ones are to keep quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mua import wire
from mua.engine.acts import rows_of
from mua.plan.threads import Word, own_name
from mua.store import quiet as quietly
from mua.store import read, threads

if TYPE_CHECKING:
    from mua.engine.main import Engine


def say(engine: Engine, command: wire.SayThreads) -> wire.ThreadsSaid:
    """Each word in the place of what was said of that message before."""
    rows = {row.id: row for row in rows_of(engine, [one.message for one in command.words])}
    before: list[wire.ThreadWord] = []
    with engine.store.write(durable=True) as tx:
        for one in command.words:
            row = next(row for row in rows.values() if row.id == one.message)
            name = own_name(row.message_id, row.id)
            word = threads.words_on(tx, [name]).get(name, Word())
            before.append(wire.ThreadWord(one.message, word.apart, word.joined))
            threads.say(tx, row.id, Word(one.apart, one.joined))
    return wire.ThreadsSaid(tuple(reversed(before)))


def quiet(engine: Engine, command: wire.QuietThreads) -> wire.Done:
    """Hush conversations, or let them be heard again."""
    wanted = {row.thread_id for row in rows_of(engine, command.messages)}
    with engine.store.write(durable=True) as tx:
        for one in wanted:
            quietly.unhush(tx, one)
            if command.quiet:
                quietly.hush(tx, one, ignored=command.ignored)
        tx.changes.messages.update(command.messages)
    return wire.Done()


def push_quiet(engine: Engine, arrived: set[int]) -> None:
    """What the store wished of messages that came in quiet conversations is for their servers, too."""
    db = engine.store.reader()
    if db.value("SELECT EXISTS(SELECT 1 FROM quiet)"):
        rows = read.rows(db, sorted(arrived))
        quiet_ones = quietly.quiet_ones(db, [row.thread_id for row in rows])
        for account_id in {row.account_id for row in rows if row.thread_id in quiet_ones}:
            engine.poke(account_id)
