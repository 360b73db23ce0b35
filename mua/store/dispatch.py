"""The steps of the outbox: every change of outgoing mail (what an administrator does to many at once is in ``queue``).

Rules of the file: bytes are on disk before the row that names them; every function with a ``Tx`` is one step of the
state machine; the transaction may hold steps of other messages (``engine/commits``), and is durable where losing the
step would lose or double mail:

    queue          the message waits                       durable: a person was told "it will be sent"
    reschedule     it waits for another time               durable: a person was told when
    begin          an attempt started                      (lost in a crash: the message just waits again)
    at_dot         the final dot is about to be written    durable: from here on a crash means "unknown"
    record         verdicts                                durable
    recover        at start-up: what a crash left behind   durable
    break_off      a mistake of ours ended an attempt      durable

A recipient is due when its state is QUEUED or DEFERRED and ``next_attempt`` has come.  ``postponed`` counts tries
that do not count as attempts (no network, no password): those become due at once when something changed (``wake``).
"""

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from mua.model.account import Account, AccountId, Route
from mua.model.message import MessageId
from mua.model.outgoing import (
    NO_TERMS,
    OutgoingId,
    Phase,
    Recipient,
    RecipientState,
    SentCopy,
    Terms,
)
from mua.model.submission import NOTIFY
from mua.plan.routes import domain_of
from mua.records import dataclass
from mua.store import outbox, wire_files
from mua.store.blobs import BIG, file_errors
from mua.store.db import Store, Tx
from mua.store.outbox import OPEN, WAITS
from mua.store.wire_files import Signing

if TYPE_CHECKING:
    from mua.mime.freeze import Frozen

MAX_TEXT = 2000  # characters kept of a server's reply
MOST_KEPT = 1000  # messages of one local user that failed: their files are kept for a person who tries them again
MOST_KEPT_OCTETS = 100 << 20
MOST_OVER = 10_000  # of them that are over and known; root's are not counted
AHEAD = 86400  # seconds; the longest wait between two attempts is less than five hours
MAX_SUBJECT = 1000  # characters that are kept beside the message
DOUBLED = 7 * 86400  # seconds that a second copy in Sent is looked for
_UNSEEN = (  # of outgoing: somebody waits, and no server can have it for anybody
    "EXISTS(SELECT 1 FROM recipient WHERE outgoing_id = outgoing.id AND state IN ('queued', 'deferred'))"
    " AND NOT EXISTS(SELECT 1 FROM recipient WHERE outgoing_id = outgoing.id"
    " AND state IN ('trying', 'accepted', 'unknown'))"
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message comes from that nobody wrote here, and its name as a submission, which is used for no other.

    ``uid``: the local user who submitted it; None: it is the receipt for a message of the account.  ``notify``: of what
    its sender wants to hear (RFC 3461 s.4.1).
    """

    uid: int | None
    submission: str
    notify: tuple[str, ...] = NOTIFY


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt yielded for one recipient, and what was said; ``counted`` False: it counts as no attempt."""

    recipient: Recipient
    dialogue: str = ""
    counted: bool = True


# Queueing


def queue(
    store: Store,
    account: Account,
    frozen: "Frozen",
    *,
    now: int,
    not_before: int,
    scheduled: bool = False,
    terms: Terms = NO_TERMS,
    direct: bool = False,
    answers: int | None = None,
    forwards: int | None = None,
    sign: Signing | None = None,
    origin: Origin | None = None,
    refused: Mapping[str, str] = MappingProxyType({}),
    also: Callable[[Tx], object] | None = None,
) -> OutgoingId:
    """Queue a message durably; the first attempt is at ``not_before`` (UTC seconds).  Raises MailError (disk).

    ``scheduled``: a person chose that time; ``direct``: and that it goes to the exchangers, whatever the account's way.
    ``sign`` raises what it likes; then nothing is queued.  ``origin``: nobody wrote it here, so no copy is
    kept; of one submission nothing is queued twice.  ``refused``: recipients who have their verdict already,
    and why.  ``also`` is done in the same transaction.
    """
    sent_copy, uid, submission = (
        (SentCopy.TODO, None, "") if origin is None else (SentCopy.NONE, origin.uid, origin.submission)
    )
    if origin is not None and (known := outbox.submitted(store.reader(), origin.submission)) is not None:
        return known
    from mua.mime.text import neutralise  # as ``store/write`` does it with what comes in

    files = wire_files.write_frozen(store.profile, frozen, sign)
    with store.write(durable=True) as tx:
        outgoing_id = tx.insert(
            "INSERT INTO outgoing(account_id, message_id, subject, envelope_from, route, queued_at, not_before, size,"
            " eight_bit, digest, wire_file, copy_file, answers, forwards, envid, scheduled,"
            " require_tls, deliver_by, direct, sent_copy, uid, submission)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            account.id, frozen.message_id, neutralise(frozen.subject)[:MAX_SUBJECT], frozen.envelope_from,
            account.route, now, not_before, *files, answers, forwards, secrets.token_hex(16), scheduled,
            terms.require_tls, terms.deliver_by, direct, sent_copy, uid, submission,
        )  # fmt: skip
        if also is not None:
            also(tx)
        directly = direct or account.route is Route.DIRECT
        for address in dict.fromkeys(frozen.recipients):
            domain = domain_of(address) if directly else ""
            sql = "INSERT INTO recipient(outgoing_id, address, domain, next_attempt) VALUES (?,?,?,?)"
            tx.insert(sql, outgoing_id, address, domain, not_before)
        for address, text in refused.items():
            sql = "INSERT OR IGNORE INTO recipient(outgoing_id, address, state, text) VALUES (?, ?, 'refused', ?)"
            tx.insert(sql, outgoing_id, address, text)
        if origin is not None and origin.notify != NOTIFY:
            tx.run("UPDATE outgoing SET notify = ? WHERE id = ?", ",".join(origin.notify), outgoing_id)
        tx.changes.outgoing.add(outgoing_id)
        if refused:
            _close(tx, OutgoingId(outgoing_id), now)
    return OutgoingId(outgoing_id)


def reschedule(
    store: Store,
    outgoing_id: OutgoingId,
    redate: Callable[[bytes], bytes],
    *,
    not_before: int,
    scheduled: bool,
    sign: Signing | None = None,
) -> bool:
    """The message goes at another time, durably; ``redate`` gives its header another Date, which ``sign`` signs.
    Raises MailError (disk), and what ``sign`` raises; then it waits as before.

    False: it is too late, since a server may have it already, or no one waits for it any more.
    """
    profile, db = store.profile, store.reader()
    found = db.row(f"SELECT wire_file, copy_file FROM outgoing WHERE id = ? AND {_UNSEEN}", outgoing_id)
    if found is None:
        return False
    old, old_copy = (wire_files.wire_path(profile, str(name)) for name in found)
    with file_errors(), old.open("rb") as file:
        head = wire_files.frozen_head(file)
        full_head = head
        if old_copy != old:
            with old_copy.open("rb") as copy:
                full_head = wire_files.frozen_head(copy)
        rest = iter(partial(file.read, BIG), b"")
        *facts, wire_file, copy_file = wire_files.write(profile, redate(head), redate(full_head), rest, sign)
    with store.write(durable=True) as tx:
        sql = (
            "UPDATE outgoing SET held = 0, not_before = ?, scheduled = ?, size = ?, eight_bit = ?, digest = ?,"
            f" wire_file = ?, copy_file = ? WHERE id = ? AND wire_file = ? AND {_UNSEEN}"
        )
        done = tx.run(sql, not_before, scheduled, *facts, wire_file, copy_file, outgoing_id, old.name)
        if done:
            sql = (
                "UPDATE recipient SET state = 'queued', phase = '', next_attempt = ?, attempts = 0, postponed = 0"
                " WHERE outgoing_id = ? AND state IN ('queued', 'deferred')"
            )
            tx.run(sql, not_before, outgoing_id)
            tx.changes.outgoing.add(outgoing_id)
    new = {wire_files.wire_path(profile, wire_file), wire_files.wire_path(profile, copy_file)}
    for path in {old, old_copy} if done else new:  # where the commit failed both stay, until a start sweeps
        path.unlink(missing_ok=True)
    return bool(done)


# Steps of an attempt


def begin(tx: Tx, outgoing_id: OutgoingId, addresses: Iterable[str], wire_file: str) -> list[str]:
    """An attempt starts; returns the recipients it is for.

    A person may have cancelled one meanwhile, or held it back, or may have put the message off: then it is not
    ``wire_file`` any more.
    """
    if not is_frozen_as(tx, outgoing_id, wire_file):
        return []
    sql = (
        "UPDATE recipient SET state = 'trying', phase = 'connect', gone = 0 WHERE outgoing_id = ? AND address = ?"
        " AND state IN ('queued', 'deferred') AND next_attempt IS NOT NULL"
    )
    tx.changes.outgoing.add(outgoing_id)
    return [address for address in addresses if tx.run(sql, outgoing_id, address)]


def is_frozen_as(tx: Tx, outgoing_id: OutgoingId, wire_file: str) -> bool:
    """Whether the message is still the one in ``wire_file``: not put off since."""
    return tx.row("SELECT 1 FROM outgoing WHERE id = ? AND wire_file = ?", outgoing_id, wire_file) is not None


def has_gone(tx: Tx, outgoing_id: OutgoingId, addresses: Iterable[str], octets: int) -> None:
    """So much of a large message has been sent to the server in this attempt."""
    for address in addresses:
        tx.run("UPDATE recipient SET gone = ? WHERE outgoing_id = ? AND address = ?", octets, outgoing_id, address)
    tx.changes.outgoing.add(outgoing_id)


def at_dot(tx: Tx, outgoing_id: OutgoingId, addresses: Iterable[str]) -> bool:
    """The final dot for these recipients is about to be written; commit durably before it is.

    False: a person has taken one of them back, and the dot must not be written.
    """
    sql = "UPDATE recipient SET phase = 'dot' WHERE outgoing_id = ? AND address = ? AND state = 'trying'"
    tx.changes.outgoing.add(outgoing_id)
    return all(tx.run(sql, outgoing_id, address) for address in addresses)


def record(tx: Tx, outgoing_id: OutgoingId, verdicts: Iterable[Verdict], now: int) -> None:
    """Write what an attempt yielded, and its line in the timeline.

    A verdict stands: nothing but "it was sent" for an unknown recipient replaces one, whoever calls.
    """
    dialogues: dict[str, int] = {"": 0}
    for verdict in verdicts:
        one = verdict.recipient
        sql = (
            "UPDATE recipient SET state = ?, phase = ?, code = ?, text = ?, host = ?, tls = ?,"
            " next_attempt = iif((SELECT held FROM outgoing WHERE id = outgoing_id), NULL, ?),"
            " unmet = ?, attempts = attempts + ?, postponed = CASE WHEN ? THEN 0 ELSE postponed + 1 END"
            f" WHERE outgoing_id = ? AND address = ? AND ({OPEN} OR (state = 'unknown' AND ? = 'accepted'))"
        )
        text = one.text[:MAX_TEXT]
        written = tx.run(sql, one.state, one.phase, one.code, text, one.host, one.tls, one.next_attempt, one.unmet,
                         verdict.counted, verdict.counted, outgoing_id, one.address, one.state)  # fmt: skip
        if written and verdict.counted:
            if verdict.dialogue not in dialogues:
                sql = "INSERT INTO dialogue(at, text) VALUES (?, ?)"
                dialogues[verdict.dialogue] = tx.insert(sql, now, verdict.dialogue)
            _note(tx, outgoing_id, one, now, dialogues[verdict.dialogue])
    _close(tx, outgoing_id, now)


def recover(tx: Tx, now: int, busy: Sequence[OutgoingId] = ()) -> tuple[int, int]:
    """What an attempt that ended without a verdict left behind: (how many wait again, how many are unknown now).

    Before the final dot nothing was handed over, so the message waits again.  At the dot nobody knows.  Who was to wait
    by a clock that went ahead, and was put back since, is due.
    """
    tx.run(
        "UPDATE outgoing SET copy_id = NULL WHERE copy_id IS NOT NULL AND max(queued_at, not_before) < ?", now - DOUBLED
    )
    left = tx.rows("SELECT outgoing_id, address, phase, host, tls FROM recipient WHERE state = 'trying'")
    left = [row for row in left if row[0] not in busy]
    lost = [row for row in left if row[2] == Phase.DOT]
    for one, address, _, host, tls in lost:
        record(tx, OutgoingId(one), [_lost(address, host, tls)], now)
    for one, address, phase, _, _ in left:
        if phase != Phase.DOT:
            sql = (
                "UPDATE recipient SET state = iif(attempts + postponed > 0, 'deferred', 'queued'), phase = '',"
                " next_attempt = (SELECT iif(held, NULL, max(?, not_before)) FROM outgoing WHERE id = outgoing_id)"
                " WHERE outgoing_id = ? AND address = ?"
            )
            tx.run(sql, now, one, address)
            tx.changes.outgoing.add(one)
    return len(left) - len(lost) + _put_right(tx, now), len(lost)


def _put_right(tx: Tx, now: int) -> int:
    """Nobody waits for longer than ``AHEAD`` but by a person's wish: then the clock was wrong when that was written."""
    ahead = tx.rows(
        "SELECT r.id, o.id FROM recipient r JOIN outgoing o ON o.id = r.outgoing_id"
        f" WHERE r.{OPEN} AND r.next_attempt > ? AND (o.scheduled = 0 OR o.not_before <= ?)",
        now + AHEAD,
        now,
    )
    tx.run_many("UPDATE recipient SET next_attempt = ? WHERE id = ?", [(now, one) for one, _ in ahead])
    sql = (
        "UPDATE outgoing SET queued_at = min(queued_at, ?), not_before = min(not_before, ?)"
        " WHERE id = ? AND scheduled = 0"
    )
    tx.run_many(sql, [(now, now, one) for _, one in ahead])
    tx.changes.outgoing.update(one for _, one in ahead)
    return len(ahead)


def break_off(tx: Tx, outgoing_id: OutgoingId, addresses: Collection[str], now: int) -> list[str]:
    """An attempt for these recipients ended in a mistake of ours: of who was at the dot nobody knows.  Returns who else
    has no verdict yet.
    """
    at_dot = "state = 'trying' AND phase = 'dot'"
    rows = tx.rows(
        f"SELECT address, host, tls, {at_dot} FROM recipient WHERE outgoing_id = ?"
        f" AND (state = 'trying' OR ({WAITS} AND next_attempt <= ?))",
        outgoing_id,
        now,
    )
    rows = [row for row in rows if row[0] in addresses]
    record(tx, outgoing_id, [_lost(address, host, tls) for address, host, tls, lost in rows if lost], now)
    return [address for address, _, _, lost in rows if not lost]


def _lost(address: str, host: str, tls: str) -> Verdict:
    text = "Mua was interrupted while the server was confirming; it may have been sent."
    return Verdict(Recipient(address, RecipientState.UNKNOWN, Phase.DOT, text=text, host=host, tls=tls))


def wake(
    tx: Tx,
    now: int,
    but: Sequence[AccountId] = (),
    only: AccountId | None = None,
    also: Sequence[OutgoingId] = (),
) -> int:
    """Something changed (the network, a password): what did not count is due again, but for these accounts.

    ``only``: for this account alone; ``also``: messages of it that are due, too, though their attempt counted.
    """
    marks, more = (", ".join("?" * len(some)) for some in (but, also))
    uncounted = "SELECT id FROM recipient WHERE state = 'deferred' AND postponed > 0"  # not by each that waits
    sql = (
        "UPDATE recipient SET next_attempt = ? WHERE state = 'deferred' AND next_attempt > ?"
        f" AND id IN ({uncounted} UNION ALL SELECT id FROM recipient WHERE outgoing_id IN ({more}))"
        " AND NOT EXISTS(SELECT 1 FROM outgoing o WHERE o.id = outgoing_id AND (coalesce(via, account_id)"
        f" IN ({marks}) OR coalesce(via, account_id) <> coalesce(?, via, account_id))) RETURNING outgoing_id"
    )
    woken = tx.rows(sql, now, now, *also, *but, only)
    tx.changes.outgoing.update(row[0] for row in woken)
    return len(woken)


# What a person decides, and what is learned later


def cancel(tx: Tx, outgoing_id: OutgoingId, addresses: Sequence[str], now: int) -> int:
    """Take back these recipients (none named: all) that no server can have yet; returns how many.

    Where an attempt is running it ends before the final dot: ``at_dot`` sees to that, the sender makes it soon.
    """
    sql = (
        "UPDATE recipient SET state = 'cancelled', next_attempt = NULL WHERE outgoing_id = ?"
        f" AND (state IN ('queued', 'deferred') OR (state = 'trying' AND phase <> 'dot')){_named(addresses)}"
    )
    count = tx.run(sql, outgoing_id, *addresses)
    _close(tx, outgoing_id, now)
    return count


def retry(tx: Tx, outgoing_id: OutgoingId, addresses: Sequence[str], now: int, via: AccountId | None = None) -> int:
    """Try again now, by a person's wish: deferred and refused recipients, and unknown ones only when named.

    ``via``: with another account's server, from now on and for all who still wait.  Whose file is gone is not tried.
    """
    if tx.value("SELECT spent FROM outgoing WHERE id = ?", outgoing_id) == 1:
        return 0
    states = "('queued', 'deferred', 'refused', 'unknown')" if addresses else "('queued', 'deferred', 'refused')"
    sql = (
        "UPDATE recipient SET state = 'queued', phase = '', next_attempt = ?, attempts = 0, postponed = 0, told = 0"
        f" WHERE outgoing_id = ? AND state IN {states}{_named(addresses)}"
    )
    count = tx.run(sql, now, outgoing_id, *addresses)
    if count:
        tx.run(
            "UPDATE outgoing SET finished_at = 0, spent = 0, held = 0,"
            " sent_copy = iif(sent_copy = 'none' AND submission = '', 'todo', sent_copy),"
            " via = coalesce(?, via) WHERE id = ?",
            via,
            outgoing_id,
        )
        tx.changes.outgoing.add(outgoing_id)
    return count


def _named(addresses: Sequence[str]) -> str:
    return f" AND address IN ({', '.join('?' * len(addresses))})" if addresses else ""


def resolve(tx: Tx, outgoing_id: OutgoingId, addresses: Iterable[str], text: str, now: int) -> None:
    """A message of which nobody knew was found: it has been sent."""
    for address in addresses:
        sql = "SELECT host, tls FROM recipient WHERE outgoing_id = ? AND address = ? AND state = 'unknown'"
        found = tx.row(sql, outgoing_id, address)
        if found is not None:
            verdict = Recipient(address, RecipientState.ACCEPTED, Phase.DONE, text=text, host=found[0], tls=found[1])
            record(tx, outgoing_id, [Verdict(verdict)], now)


def mark_told(tx: Tx, outgoing_id: OutgoingId, addresses: Iterable[str]) -> None:
    """The submitter was told that these recipients did not get it."""
    for address in addresses:
        tx.run("UPDATE recipient SET told = 1 WHERE outgoing_id = ? AND address = ?", outgoing_id, address)


def mark_warned(tx: Tx, outgoing_id: OutgoingId) -> None:
    """The submitter was told that this takes its time, or does not want to hear of it."""
    tx.run("UPDATE outgoing SET warned = 1 WHERE id = ?", outgoing_id)


def mark_spent(tx: Tx, those: Sequence[outbox.Spent]) -> list[str]:
    """What was to be done at the end of these submissions is done; returns the files that nobody wants any more.

    Of each user the last messages that failed are kept, ``MOST_KEPT`` with ``MOST_KEPT_OCTETS`` in all; and what became
    of the last ``MOST_OVER``.
    """
    tx.run_many("UPDATE outgoing SET spent = ? WHERE id = ?", [(2 if one.failed else 1, one.id) for one in those])
    gone = [one.wire_file for one in those if not one.failed]
    for uid in {one.uid for one in those if one.failed}:
        kept = "SELECT id, wire_file, sum(size) OVER last AS octets, row_number() OVER last AS number FROM outgoing"
        rows = tx.rows(
            f"SELECT id, wire_file FROM ({kept} WHERE uid = ? AND spent = 2 WINDOW last AS (ORDER BY id DESC))"
            " WHERE octets > ? OR number > ?",
            uid,
            MOST_KEPT_OCTETS,
            MOST_KEPT,
        )
        tx.run_many("UPDATE outgoing SET spent = 1 WHERE id = ?", [(one,) for one, _ in rows])
        gone += [name for _, name in rows]
    for uid in {one.uid for one in those} - {0}:
        sql = "SELECT id FROM outgoing WHERE uid = ? AND spent = 1 ORDER BY id DESC LIMIT 1000 OFFSET ?"
        _forget(tx, [one for (one,) in tx.rows(sql, uid, MOST_OVER)])
    return gone


def forget_submissions(tx: Tx, before: int, most: int = 1000) -> list[str]:
    """Forget submissions that were over before a time (UTC seconds); returns the names of their files."""
    sql = "SELECT id, wire_file FROM outgoing WHERE uid IS NOT NULL AND finished_at > 0 AND finished_at < ? LIMIT ?"
    gone = tx.rows(sql, before, most)
    _forget(tx, [one for one, _ in gone])
    return [name for _, name in gone]


def _forget(tx: Tx, ids: Sequence[int]) -> None:
    tx.run_many("DELETE FROM outgoing WHERE id = ?", [(one,) for one in ids])
    tx.changes.outgoing.update(ids)


def set_sent_copy(tx: Tx, outgoing_id: OutgoingId, where: SentCopy, copy_id: MessageId | None = None) -> None:
    """The sent copy is filed, by us (as the message ``copy_id``) or by the server, or will not be."""
    tx.run("UPDATE outgoing SET sent_copy = ?, copy_id = ? WHERE id = ?", where, copy_id, outgoing_id)
    tx.changes.outgoing.add(outgoing_id)


def forget_dialogues(tx: Tx, before: int) -> int:
    """What was said before a time (UTC seconds) is not kept; returns how many dialogues went."""
    return tx.run("DELETE FROM dialogue WHERE at < ?", before)


def _note(tx: Tx, outgoing_id: OutgoingId, one: Recipient, now: int, dialogue_id: int) -> None:
    sql = (
        "INSERT INTO attempt(recipient_id, at, state, phase, host, tls, code, text, dialogue_id)"
        " SELECT id, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0) FROM recipient WHERE outgoing_id = ? AND address = ?"
    )
    text = one.text[:MAX_TEXT]
    values = (now, one.state, one.phase, one.host, one.tls, one.code, text, dialogue_id, outgoing_id, one.address)
    tx.run(sql, *values)


def _close(tx: Tx, outgoing_id: OutgoingId, now: int) -> None:
    """Note when every recipient has its verdict; without anyone who accepted there is nothing to file."""
    tx.changes.outgoing.add(outgoing_id)
    states = {row[0] for row in tx.rows("SELECT state FROM recipient WHERE outgoing_id = ?", outgoing_id)}
    if states & {"queued", "trying", "deferred"}:
        return
    tx.run("UPDATE outgoing SET finished_at = ? WHERE id = ? AND finished_at = 0", now, outgoing_id)
    if not states & {"accepted", "unknown"}:
        tx.run("UPDATE outgoing SET sent_copy = 'none' WHERE id = ? AND sent_copy = 'todo'", outgoing_id)
