"""The outbox as the queue of a server: what waits, in few columns and any number, and what is done to many at once.

Rule of the file: a held message has no next attempt, so that nothing that looks for what is due meets it; a person who
retries it or gives it another time takes it up again.
"""

from collections.abc import Sequence

from mua.model.outgoing import OutgoingId, RecipientState, Tending
from mua.records import dataclass
from mua.store import dispatch
from mua.store.db import Db, Tx
from mua.store.outbox import WAITS


@dataclass(frozen=True, slots=True)
class WaitingFor:
    """One recipient; ``text`` is what a server said last, ``next_attempt`` (UTC seconds) None while it is held."""

    address: str
    state: RecipientState
    code: int | None
    text: str
    next_attempt: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """One message with the recipients who wait for it.  ``uid``: the user who submitted it, None: a client of ours."""

    id: OutgoingId
    size: int
    queued_at: int
    sender: str
    uid: int | None
    held: bool
    recipients: tuple[WaitingFor, ...]


def waiting(db: Db, most: int = -1) -> list[Waiting]:
    """What waits, oldest first; at most so many messages (-1: all)."""
    rows = db.rows(
        "SELECT o.id, o.size, o.queued_at, o.envelope_from, o.uid, o.held, r.address, r.state, r.code, r.text,"
        " r.next_attempt FROM (SELECT * FROM outgoing WHERE finished_at = 0 ORDER BY id LIMIT ?) o"
        " JOIN recipient r ON r.outgoing_id = o.id AND r.state IN ('queued', 'trying', 'deferred')"
        " ORDER BY o.id, r.id",
        most,
    )
    found: list[Waiting] = []
    group: list[WaitingFor] = []
    for at, (one, size, queued_at, sender, uid, held, address, state, code, text, next_attempt) in enumerate(rows, 1):
        group.append(WaitingFor(address, RecipientState(state), code, text, next_attempt))
        if at == len(rows) or rows[at][0] != one:
            found.append(Waiting(OutgoingId(one), size, queued_at, sender, uid, bool(held), tuple(group)))
            group = []
    return found


def length(db: Db) -> tuple[int, int, int]:
    """(messages that wait, recipients who wait, when the oldest message came in UTC seconds; 0: there is none)."""
    counted = dict(db.rows("SELECT key, value FROM meta WHERE key IN ('waiting_messages', 'waiting_recipients')"))
    oldest = db.value("SELECT queued_at FROM outgoing WHERE finished_at = 0 ORDER BY id LIMIT 1")
    return counted["waiting_messages"], counted["waiting_recipients"], int(oldest or 0)


def open_ids(db: Db, after: int, most: int) -> list[OutgoingId]:
    """The messages that are not finished, from behind ``after`` on."""
    sql = "SELECT id FROM outgoing WHERE finished_at = 0 AND id > ? ORDER BY id LIMIT ?"
    return [OutgoingId(row[0]) for row in db.rows(sql, after, most)]


def tend(tx: Tx, do: Tending, ids: Sequence[OutgoingId], now: int) -> int:
    """Do this to these messages; returns how many it concerned."""
    work = {Tending.HOLD: _hold, Tending.RELEASE: _release, Tending.RETRY: _retry, Tending.REMOVE: _remove}
    concerned = [one for one in ids if work[do](tx, one, now)]
    tx.changes.outgoing.update(concerned)
    return len(concerned)


def flush(tx: Tx, now: int) -> int:
    """Everybody who waits for another attempt is due now; returns how many recipients."""
    sql = "UPDATE recipient SET next_attempt = ? WHERE state = 'deferred' AND next_attempt > ?"
    return tx.run(sql, now, now)


def _hold(tx: Tx, one: OutgoingId, _: int) -> int:
    done = tx.run("UPDATE outgoing SET held = 1 WHERE id = ? AND finished_at = 0 AND held = 0", one)
    if done:
        tx.run(f"UPDATE recipient SET next_attempt = NULL WHERE outgoing_id = ? AND {WAITS}", one)
    return done


def _release(tx: Tx, one: OutgoingId, now: int) -> int:
    done = tx.run("UPDATE outgoing SET held = 0 WHERE id = ? AND held = 1", one)
    if done:
        sql = f"UPDATE recipient SET next_attempt = ? WHERE outgoing_id = ? AND next_attempt IS NULL AND {WAITS}"
        tx.run(sql, now, one)
    return done


def _retry(tx: Tx, one: OutgoingId, now: int) -> int:
    return dispatch.retry(tx, one, (), now)


def _remove(tx: Tx, one: OutgoingId, now: int) -> int:
    return dispatch.cancel(tx, one, (), now)
