"""What a server's administrator does to the queue: many messages at once, a few hundred in each transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mua import wire
from mua.engine.rates import SETTING
from mua.errors import Kind, MailError, Retry
from mua.model.outgoing import OutgoingId, Tending
from mua.plan import rates
from mua.store import queue, read, write

if TYPE_CHECKING:
    from mua.engine.main import Engine

CHUNK = 500  # messages of one transaction: others want to write, too


def tend(engine: Engine, command: wire.TendQueue) -> wire.Tended:
    """Hold, release, retry, remove or flush; what is released or tried again goes at once, whatever limit was met."""
    now, count = engine.context.now(), 0
    if command.act is Tending.FLUSH:
        with engine.store.write(durable=True) as tx:
            count = queue.flush(tx, now)
    else:
        for ids in _chunks(engine, command.messages):
            with engine.store.write(durable=True) as tx:
                count += queue.tend(tx, command.act, ids, now)
    if command.act in (Tending.HOLD, Tending.REMOVE):
        engine.sender.poke()
    else:
        for account in read.accounts(engine.store.reader()):
            engine.sender.go_on(account.id)
    return wire.Tended(count)


def limit_rate(engine: Engine, command: wire.LimitRate) -> wire.Done:
    """Set or take away a limit of messages a minute."""
    if not 0 <= command.per_minute <= rates.MOST:
        text = f"A limit is a number of messages a minute, up to {rates.MOST}."
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="bad-limit")
    with engine.store.write(durable=True) as tx:
        known = rates.limits(read.setting(tx, SETTING))
        write.set_setting(tx, SETTING, rates.changed(known, command.domain, command.per_minute))
    engine.sender.look()
    return wire.Done()


def _chunks(engine: Engine, named: tuple[int, ...]) -> list[list[OutgoingId]]:
    """The messages named, or all that are not finished."""
    ids = [OutgoingId(one) for one in named]
    if not named:
        while more := queue.open_ids(engine.store.reader(), ids[-1] if ids else 0, 100_000):
            ids += more
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
