"""The outbox: the SELECTs on outgoing mail and every step of it (what a server's administrator sees is in ``queue``).

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

import os
import secrets
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from mua.model.account import Account, AccountId, Route
from mua.model.message import MessageId
from mua.model.outgoing import (
    NO_TERMS,
    Outgoing,
    OutgoingId,
    Phase,
    Recipient,
    RecipientState,
    SentCopy,
    Step,
    Terms,
)
from mua.model.report import Action, Reported
from mua.paths import Profile
from mua.plan.routes import domain_of
from mua.records import dataclass
from mua.store.blobs import BIG, file_errors, write_file
from mua.store.db import Db, Store, Tx

if TYPE_CHECKING:
    from mua.mime.freeze import Frozen

MAX_TEXT = 2000  # characters kept of a server's reply
MAX_DUE = 1000  # recipients taken at once
MAX_OF_DOMAIN = 200  # of one domain that mail goes to directly: then the next domain has its turn
MAX_DOMAINS = 5000  # looked at in one pass
MOST_KEPT = 1000  # messages of one local user that failed: their files are kept for a person who tries them again
MOST_KEPT_OCTETS = 100 << 20
MOST_OVER = 10_000  # of them that are over and known; root's are not counted
MAX_SUBJECT = 1000  # characters that are kept beside the message
DOUBLED = 7 * 86400  # seconds that a second copy in Sent is looked for
PREFIX = "outgoing-"
Signing = Callable[[bytes], Callable[[bytes], bytes] | None]
"""Given a header: None when it is not to be signed, else what makes the signed header of its body's hash."""

_REPORTED = "r.address, c.action, c.status, c.text, c.remote, c.until, c.at"
_UNHAPPY = (
    "o.id IN (SELECT outgoing_id FROM recipient WHERE state NOT IN ('accepted', 'cancelled')"
    " UNION SELECT r.outgoing_id FROM came_back c JOIN recipient r ON r.id = c.recipient_id WHERE c.action = 'failed')"
)
_OPEN = "state IN ('queued', 'trying', 'deferred')"  # as the partial index has it
_WAITS = "state IN ('queued', 'deferred')"  # as another has it
_UNSEEN = (  # of outgoing: somebody waits, and no server can have it for anybody
    "EXISTS(SELECT 1 FROM recipient WHERE outgoing_id = outgoing.id AND state IN ('queued', 'deferred'))"
    " AND NOT EXISTS(SELECT 1 FROM recipient WHERE outgoing_id = outgoing.id"
    " AND state IN ('trying', 'accepted', 'unknown'))"
)


@dataclass(frozen=True, slots=True)
class Due:
    """An outgoing message with the recipients that are due (address -> attempts so far, tries that did not count).

    ``account_id`` is whose way of sending is used, ``since`` when the first attempt was allowed (UTC seconds).
    """

    id: OutgoingId
    account_id: AccountId
    message_id: str
    envelope_from: str
    envid: str
    since: int
    wire_file: str
    size: int
    eight_bit: bool
    digest: bytes  # of the file; empty: it was frozen by an older Mua, and is measured before it is sent
    recipients: dict[str, tuple[int, int]]
    terms: Terms = NO_TERMS
    direct: bool = False  # a person said so, whatever the account's way is


@dataclass(frozen=True, slots=True)
class Origin:
    """Which local user submitted a message, and the name of the submission, which is used for no other."""

    uid: int
    submission: str


@dataclass(frozen=True, slots=True)
class Spent:
    """A submission that is over; ``failed``: for somebody, so that a person may still want to try it again."""

    id: OutgoingId
    uid: int
    wire_file: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt yielded for one recipient, and what was said; ``counted`` False: it counts as no attempt."""

    recipient: Recipient
    dialogue: str = ""
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Copy:
    """A message of ``written_at`` that somebody accepted (last at ``accepted_at``), its sent copy not filed yet."""

    id: OutgoingId
    account_id: AccountId
    message_id: str
    written_at: int
    copy_file: str
    answers: int | None
    forwards: int | None
    accepted_at: int


@dataclass(frozen=True, slots=True)
class Doubled:
    """A sent copy of ours (``copy_id``) beside which the server has one; ``hidden``: only ours has the Bcc."""

    id: OutgoingId
    account_id: AccountId
    copy_id: MessageId
    hidden: bool


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message that was lost at the final dot for some recipients.  ``filed``: we put a copy into Sent ourselves."""

    id: OutgoingId
    account_id: AccountId
    message_id: str
    addresses: tuple[str, ...]
    filed: bool


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
) -> OutgoingId:
    """Queue a message durably; the first attempt is at ``not_before`` (UTC seconds).  Raises MailError (disk).

    ``scheduled``: a person chose that time; ``direct``: and that it goes to the exchangers, whatever the account's way.
    ``sign`` raises what it likes; then nothing is queued.  ``origin``: it was submitted by a local user, who keeps what
    copy is wanted; of one submission nothing is queued twice.  ``refused``: recipients who have their verdict already,
    and why.
    """
    sent_copy, uid, submission = (
        (SentCopy.TODO, None, "") if origin is None else (SentCopy.NONE, origin.uid, origin.submission)
    )
    if origin is not None and (known := submitted(store.reader(), origin.submission)) is not None:
        return known
    from mua.mime.text import neutralise  # as ``store/write`` does it with what comes in

    files = _write_files(store.profile, frozen, sign)
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
        directly = direct or account.route is Route.DIRECT
        for address in dict.fromkeys(frozen.recipients):
            domain = domain_of(address) if directly else ""
            sql = "INSERT INTO recipient(outgoing_id, address, domain, next_attempt) VALUES (?,?,?,?)"
            tx.insert(sql, outgoing_id, address, domain, not_before)
        for address, text in refused.items():
            sql = "INSERT OR IGNORE INTO recipient(outgoing_id, address, state, text) VALUES (?, ?, 'refused', ?)"
            tx.insert(sql, outgoing_id, address, text)
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
    old, old_copy = (wire_path(profile, str(name)) for name in found)
    with file_errors(), old.open("rb") as file:
        head = _frozen_head(file)
        full_head = head
        if old_copy != old:
            with old_copy.open("rb") as copy:
                full_head = _frozen_head(copy)
        rest = iter(partial(file.read, BIG), b"")
        *facts, wire_file, copy_file = _write(profile, redate(head), redate(full_head), rest, sign)
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
    new = {wire_path(profile, wire_file), wire_path(profile, copy_file)}
    for path in {old, old_copy} if done else new:  # where the commit failed both stay, until a start sweeps
        path.unlink(missing_ok=True)
    return bool(done)


def _frozen_head(file: BinaryIO) -> bytes:
    """The header of a frozen message; the file stands behind it then."""
    head = b""
    while (line := file.readline()) not in (b"\r\n", b""):
        head += line
    file.seek(len(head))
    return head


def _write_files(profile: Profile, frozen: "Frozen", sign: Signing | None) -> tuple[int, bool, bytes, str, str]:
    """(octets, 8-bit, digest, the file that goes out, the one to be filed), durably; none is left when one fails."""
    from mua.mime.pieces import blocks

    return _write(profile, frozen.head, frozen.full_head, blocks(frozen.rest), sign)


def _write(
    profile: Profile, head: bytes, full_head: bytes, rest: Iterable[bytes], sign: Signing | None
) -> tuple[int, bool, bytes, str, str]:
    finish = sign(head) if sign is not None else None
    if finish is None:
        return _write_whole(profile, head, full_head, rest)
    with file_errors(), tempfile.TemporaryFile(dir=profile.big) as held:  # what is signed is what is sent: the files
        signed = finish(_body_hash(rest, held))  # that a person attached may change between two looks at them
        held.seek(0)
        return _write_whole(
            profile, signed, signed if full_head == head else full_head, iter(partial(held.read, BIG), b"")
        )


def _body_hash(rest: Iterable[bytes], held: IO[bytes]) -> bytes:
    """The hash of a body, of which ``rest`` is everything behind the header; it is in ``held`` then."""
    from mua.mime.dkim import BodyHash

    body, skip = BodyHash(), 2  # the line end between header and body
    for block in rest:
        held.write(block)
        body.feed(block[skip:])
        skip = max(0, skip - len(block))
    return body.digest()


def _write_whole(
    profile: Profile, head: bytes, full_head: bytes, rest: Iterable[bytes]
) -> tuple[int, bool, bytes, str, str]:
    from mua.mime.pieces import Meter

    name, meter = PREFIX + secrets.token_hex(16), Meter()
    wire_file = copy_file = f"{name}.eml"
    path = profile.big / wire_file
    write_file(path, meter.through(chain([head], rest)))
    if full_head != head:  # what is behind the header comes from the first file: others may have changed
        copy_file = f"{name}.copy.eml"
        try:
            with path.open("rb") as file:
                file.seek(len(head))
                write_file(profile.big / copy_file, chain([full_head], iter(partial(file.read, BIG), b"")))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return meter.size, meter.eight_bit, meter.digest, wire_file, copy_file


# Reading


def outgoing(db: Db, outgoing_id: OutgoingId) -> Outgoing | None:
    """One message with its recipients."""
    found = _outgoing(db, "o.id = ?", outgoing_id)
    return found[0] if found else None


def submitted(db: Db, submission: str) -> OutgoingId | None:
    """The message that this submission became, or None."""
    found = db.value("SELECT id FROM outgoing WHERE submission = ? AND submission <> ''", submission)
    return None if found is None else OutgoingId(found)


def waiting_of(db: Db, uid: int, most: int) -> tuple[int, int]:
    """(how many messages of a local user are not settled, their octets), counted up to ``most`` messages."""
    mine = "SELECT size FROM outgoing WHERE uid = ? AND uid IS NOT NULL AND spent = 0 LIMIT ?"
    [(count, octets)] = db.rows(f"SELECT count(*), coalesce(sum(size), 0) FROM ({mine})", uid, most)
    return int(count), int(octets)


def untold(db: Db, most: int = 100) -> list[OutgoingId]:
    """Submissions that failed for recipients of whom their submitter was not told; while others are tried it waits."""
    rows = db.rows(
        "SELECT DISTINCT r.outgoing_id FROM recipient r JOIN outgoing o ON o.id = r.outgoing_id AND o.uid IS NOT NULL"
        " WHERE r.told = 0 AND r.state IN ('refused', 'unknown') AND NOT EXISTS("
        "SELECT 1 FROM recipient w WHERE w.outgoing_id = o.id AND w.state IN ('queued', 'trying')) LIMIT ?",
        most,
    )
    return [OutgoingId(row[0]) for row in rows]


def untold_of(db: Db, outgoing_id: OutgoingId) -> list[str]:
    """The recipients of one submission that it failed for, and that were not told of."""
    sql = "SELECT address FROM recipient WHERE outgoing_id = ? AND told = 0 AND state IN ('refused', 'unknown')"
    return [row[0] for row in db.rows(sql, outgoing_id)]


def last_attempt(db: Db, outgoing_id: OutgoingId) -> int:
    """The number of the last attempt for anybody; 0: there was none."""
    sql = "SELECT max(a.id) FROM attempt a JOIN recipient r ON r.id = a.recipient_id WHERE r.outgoing_id = ?"
    return int(db.value(sql, outgoing_id) or 0)


def submitter(db: Db, outgoing_id: OutgoingId) -> int | None:
    """The local user who submitted a message, None: a client of ours."""
    found = db.value("SELECT uid FROM outgoing WHERE id = ?", outgoing_id)
    return None if found is None else int(found)


def returned(db: Db, profile: Profile, outgoing_id: OutgoingId) -> tuple[bytes, str]:
    """What goes back with a report: (the header as it went out, our envelope id).  Raises MailError (disk)."""
    name, envid = db.row("SELECT wire_file, envid FROM outgoing WHERE id = ?", outgoing_id) or ("", "")
    with file_errors(), wire_path(profile, str(name)).open("rb") as file:
        return _frozen_head(file), str(envid)


def spent(db: Db, most: int = 500) -> list[Spent]:
    """Submissions that are over, and whose submitters know."""
    rows = db.rows(
        "SELECT o.id, o.uid, o.wire_file, EXISTS(SELECT 1 FROM recipient WHERE outgoing_id = o.id"
        " AND state IN ('refused', 'unknown')) FROM outgoing o"
        " WHERE o.spent = 0 AND o.finished_at > 0 AND o.uid IS NOT NULL"
        " AND NOT EXISTS(SELECT 1 FROM recipient WHERE outgoing_id = o.id AND told = 0"
        " AND state IN ('refused', 'unknown')) LIMIT ?",
        most,
    )
    return [Spent(OutgoingId(one), uid, name, bool(failed)) for one, uid, name, failed in rows]


def by_message_id(db: Db, message_id: str) -> Outgoing | None:
    """The message of that Message-ID that was sent last, if any was sent from here."""
    found = _outgoing(db, "o.message_id = ?", message_id)
    return found[0] if found else None


def listed(db: Db, *, finished: bool = False, most: int = -1) -> list[Outgoing]:
    """Messages with a recipient that still waits for a verdict, newest first; with ``finished`` all of them.

    ``most``: so many of them; -1: without a bound.
    """
    return _outgoing(db, "1" if finished else "o.finished_at = 0", most=most)


def unhappy(db: Db) -> list[Outgoing]:
    """Messages that wait, were refused, are unknown or came back, newest first: few, however much was ever sent."""
    return _outgoing(db, _UNHAPPY)


def unhappy_now(db: Db, now: int, most: int) -> list[Outgoing]:
    """The same without those that go later (``scheduled``), at most so many."""
    return _outgoing(db, f"{_UNHAPPY} AND NOT (o.scheduled = 1 AND o.not_before > ?)", now, most=most)


def scheduled(db: Db, now: int, most: int) -> list[Outgoing]:
    """Messages whose time, chosen by a person, is still to come: at most so many, the soonest first."""
    where = "o.finished_at = 0 AND o.scheduled = 1 AND o.not_before > ?"
    return _outgoing(db, where, now, order="o.not_before, o.id", most=most)


def waiting(db: Db) -> bool:
    """Something is still to be sent or filed; a demo account's mail waits for no one but its window."""
    demo = {row[0] for row in db.rows("SELECT id FROM account WHERE demo = 1")}
    sql = f"SELECT DISTINCT o.account_id FROM recipient r JOIN outgoing o ON o.id = r.outgoing_id WHERE r.{_OPEN}"
    senders = {row[0] for row in db.rows(sql)} | {one.account_id for one in copies(db)}
    return bool(senders - demo)


def unsettled(db: Db) -> bool:
    """There is something that a sender could do, now or later: for a recipient, a sent copy, or what came back."""
    sql = (
        f"SELECT EXISTS(SELECT 1 FROM recipient WHERE {_OPEN})"
        " OR EXISTS(SELECT 1 FROM recipient WHERE state = 'unknown')"
        " OR EXISTS(SELECT 1 FROM outgoing WHERE (finished_at = 0 OR sent_copy = 'todo') AND sent_copy = 'todo')"
        " OR EXISTS(SELECT 1 FROM message WHERE reports = 1)"
    )
    return bool(db.value(sql))


def due(db: Db, now: int, domain: str = "") -> list[Due]:
    """Whom to try now, oldest message first: of the mail that a server takes, or of the direct mail to a domain.

    ``domain``: one of ``due_domains``; only a part of what is due, so that the next domain has its turn.
    """
    rows = db.rows(
        "SELECT o.id, r.id, coalesce(o.via, o.account_id), o.message_id, o.envelope_from, o.envid,"
        " max(o.queued_at, o.not_before), o.wire_file, o.size, o.eight_bit, o.digest,"
        " o.require_tls, o.deliver_by, o.direct, r.address, r.attempts, r.postponed"
        f" FROM recipient r JOIN outgoing o ON o.id = r.outgoing_id WHERE r.{_WAITS} AND r.domain = ?"
        " AND r.next_attempt <= ? ORDER BY r.next_attempt, r.id LIMIT ?",
        domain,
        now,
        MAX_OF_DOMAIN if domain else MAX_DUE,
    )
    found: dict[int, Due] = {}
    for one, _, account_id, message_id, sender, envid, since, *rest, address, attempts, postponed in sorted(rows):
        if one not in found:
            name, size, eight_bit, digest, require_tls, deliver_by, direct = rest
            found[one] = Due(
                OutgoingId(one), AccountId(account_id), message_id, sender, envid, since, name, size, bool(eight_bit),
                digest, {}, Terms(bool(require_tls), deliver_by), bool(direct),
            )  # fmt: skip
        found[one].recipients[address] = (attempts, postponed)
    return list(found.values())


def due_domains(db: Db, now: int, after: str = "") -> tuple[list[str], str]:
    """(domains to which direct mail is due, the longest waiting first; behind which one to go on the next time).

    At most ``MAX_DOMAINS`` of those that wait are looked at, from behind ``after`` on; empty: all were.
    """
    least = f"SELECT min(domain) FROM recipient WHERE {_WAITS}"
    rows = db.rows(
        f"WITH RECURSIVE each(domain) AS ({least} AND domain > ? UNION ALL"
        f" SELECT ({least} AND domain > each.domain) FROM each WHERE domain IS NOT NULL LIMIT {MAX_DOMAINS})"
        f" SELECT domain, (SELECT min(next_attempt) FROM recipient r WHERE r.domain = each.domain AND {_WAITS}) AS at"
        " FROM each WHERE domain IS NOT NULL",
        after,
    )
    found = sorted((at, domain) for domain, at in rows if at is not None and at <= now)
    return [domain for _, domain in found], rows[-1][0] if len(rows) >= MAX_DOMAINS else ""


def next_due(db: Db) -> int | None:
    """When the next recipient becomes due (UTC seconds), or None."""
    found = db.value(f"SELECT min(next_attempt) FROM recipient WHERE {_OPEN} AND state <> 'trying'")
    return None if found is None else int(found)


def copies(db: Db) -> list[Copy]:
    """Messages that somebody has accepted, and whose sent copy is still to be filed."""
    rows = db.rows(
        "SELECT o.id, o.account_id, o.message_id, max(o.queued_at, o.not_before), o.copy_file, o.answers, o.forwards,"
        " max(a.at)"
        " FROM outgoing o JOIN recipient r ON r.outgoing_id = o.id AND r.state = 'accepted'"
        " JOIN attempt a ON a.recipient_id = r.id WHERE o.sent_copy = 'todo' GROUP BY o.id ORDER BY o.id"
    )
    return [Copy(OutgoingId(one), AccountId(account_id), *rest) for one, account_id, *rest in rows]


def is_copy(db: Db, message_id: MessageId) -> bool:
    """Whether the message is the sent copy of what went out lately."""
    return bool(db.value("SELECT 1 FROM outgoing WHERE copy_id = ?", message_id))


def doubled(db: Db) -> list[Doubled]:
    """Copies of ours that the server has now, too, next to another message of that Message-ID that is none of ours.

    Both have to be shown there: of one that a person is moving or deleting the other is left.
    """
    rows = db.rows(
        "SELECT o.id, o.account_id, o.copy_id, o.copy_file <> o.wire_file FROM outgoing o"
        " JOIN message m ON m.id = o.copy_id WHERE o.copy_id IS NOT NULL AND m.uid IS NOT NULL"
        " AND m.shown_folder = m.folder_id"
        " AND EXISTS(SELECT 1 FROM message t WHERE t.message_id = m.message_id AND t.folder_id = m.folder_id"
        " AND t.shown_folder = t.folder_id AND t.id <> m.id AND t.uid IS NOT NULL"
        " AND t.id NOT IN (SELECT copy_id FROM outgoing WHERE copy_id NOT NULL))"
    )
    return [
        Doubled(OutgoingId(one), AccountId(account_id), MessageId(copy_id), bool(hidden))
        for one, account_id, copy_id, hidden in rows
    ]


def unknowns(db: Db) -> list[Unknown]:
    """Messages of which nobody knows whether they arrived."""
    rows = db.rows(
        "SELECT o.id, o.account_id, o.message_id, r.address, o.sent_copy FROM recipient r"
        " JOIN outgoing o ON o.id = r.outgoing_id WHERE r.state = 'unknown' ORDER BY o.id, r.id"
    )
    grouped: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        grouped.setdefault(row[0], []).append(row)
    return [
        Unknown(
            OutgoingId(one), AccountId(group[0][1]), group[0][2], tuple(row[3] for row in group), group[0][4] == "filed"
        )
        for one, group in grouped.items()
    ]


def attempts(db: Db, outgoing_id: OutgoingId, address: str) -> list[Step]:
    """The attempts for one recipient, oldest first."""
    rows = db.rows(
        "SELECT a.at, a.state, a.phase, a.code, a.text, a.host, a.tls, a.dialogue_id FROM attempt a"
        " JOIN recipient r ON r.id = a.recipient_id WHERE r.outgoing_id = ? AND r.address = ? ORDER BY a.id",
        outgoing_id,
        address,
    )
    return [
        Step(at, Recipient(address, RecipientState(state), Phase(phase), code, text, host=host, tls=tls), dialogue or 0)
        for at, state, phase, code, text, host, tls, dialogue in rows
    ]


def first_attempt(db: Db, outgoing_id: OutgoingId) -> int | None:
    """When a server was first asked to take it (UTC seconds), or None."""
    sql = "SELECT min(a.at) FROM attempt a JOIN recipient r ON r.id = a.recipient_id WHERE r.outgoing_id = ?"
    found = db.value(sql, outgoing_id)
    return None if found is None else int(found)


def origin(db: Db, outgoing_id: OutgoingId) -> tuple[int | None, int | None]:
    """The messages that it answers and that it forwards."""
    found = db.row("SELECT answers, forwards FROM outgoing WHERE id = ?", outgoing_id)
    return (None, None) if found is None else (found[0], found[1])


def dialogue(db: Db, dialogue_id: int) -> str:
    """What was said in an attempt, a line each, secrets masked; empty when it is not kept any more."""
    return str(db.value("SELECT text FROM dialogue WHERE id = ?", dialogue_id) or "")


def came_back(db: Db, outgoing_id: OutgoingId, address: str) -> list[Reported]:
    """The reports about one recipient (``store/reports``), oldest first."""
    rows = db.rows(
        f"SELECT {_REPORTED} FROM came_back c JOIN recipient r ON r.id = c.recipient_id"
        " WHERE r.outgoing_id = ? AND r.address = ? ORDER BY c.at, c.id",
        outgoing_id,
        address,
    )
    return [_reported(*row) for row in rows]


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


def taken_back(db: Db, outgoing_id: OutgoingId, addresses: Iterable[str]) -> bool:
    """Whether a person has taken one of these recipients back."""
    sql = "SELECT 1 FROM recipient WHERE outgoing_id = ? AND address = ? AND state = 'cancelled'"
    return any(db.row(sql, outgoing_id, address) for address in addresses)


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
            f" WHERE outgoing_id = ? AND address = ? AND ({_OPEN} OR (state = 'unknown' AND ? = 'accepted'))"
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

    Before the final dot nothing was handed over, so the message waits again.  At the dot nobody knows.
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
    return len(left) - len(lost), len(lost)


def break_off(tx: Tx, outgoing_id: OutgoingId, addresses: Collection[str], now: int) -> list[str]:
    """An attempt for these recipients ended in a mistake of ours: of who was at the dot nobody knows.  Returns who else
    has no verdict yet.
    """
    at_dot = "state = 'trying' AND phase = 'dot'"
    rows = tx.rows(
        f"SELECT address, host, tls, {at_dot} FROM recipient WHERE outgoing_id = ?"
        f" AND (state = 'trying' OR ({_WAITS} AND next_attempt <= ?))",
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
    sql = (
        "UPDATE recipient SET next_attempt = ? WHERE state = 'deferred' AND next_attempt > ?"
        f" AND (postponed > 0 OR outgoing_id IN ({more}))"
        f" AND outgoing_id NOT IN (SELECT id FROM outgoing WHERE coalesce(via, account_id) IN ({marks})"
        " OR coalesce(via, account_id) <> coalesce(?, via, account_id)) RETURNING outgoing_id"
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
            " sent_copy = iif(sent_copy = 'none' AND uid IS NULL, 'todo', sent_copy),"
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


def mark_spent(tx: Tx, those: Sequence[Spent]) -> list[str]:
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


# Files


def wire_path(profile: Profile, name: str) -> Path:
    """Where the bytes of an outgoing message are."""
    return profile.big / name


def copy_path(db: Db, profile: Profile, outgoing_id: OutgoingId) -> Path | None:
    """Where the message with its Bcc is, while it is kept: until everyone has it."""
    found = db.value("SELECT copy_file FROM outgoing WHERE id = ?", outgoing_id)
    path = None if found is None else wire_path(profile, str(found))
    return path if path is not None and path.exists() else None


def sweep(db: Db, profile: Profile) -> int:
    """Remove files that no row needs: of crashes between file and row, and of what arrived everywhere.

    Only to be called when nothing is being queued (at start-up).  Returns how many were removed.
    """
    sql = (
        "SELECT wire_file, copy_file FROM outgoing o WHERE spent <> 1 AND (sent_copy = 'todo' OR EXISTS("
        "SELECT 1 FROM recipient WHERE outgoing_id = o.id AND state NOT IN ('accepted', 'cancelled')))"
    )
    needed = array("q")  # hashes, not names: a server's queue may be long, and two that are equal keep a file too many
    for row in db.each(sql):
        needed.extend(map(hash, row))
    needed = array("q", sorted(needed))
    swept = 0
    with os.scandir(profile.big) as entries:
        for entry in entries:
            at = bisect_left(needed, hash(entry.name))
            if entry.name.startswith(PREFIX) and needed[at : at + 1] != array("q", [hash(entry.name)]):
                Path(entry.path).unlink(missing_ok=True)
                swept += 1
    return swept


def _outgoing(db: Db, where: str, *values: Any, order: str = "o.id DESC", most: int = -1) -> list[Outgoing]:
    if most >= 0:
        where = f"o.id IN (SELECT o.id FROM outgoing o WHERE {where} ORDER BY {order} LIMIT {most})"
    rows = db.rows(
        "SELECT o.id, o.account_id, o.message_id, o.subject, o.envelope_from, o.route, o.queued_at, o.not_before,"
        f" o.sent_copy, o.size, o.via, o.scheduled, o.require_tls, o.deliver_by, o.direct"
        f" FROM outgoing o WHERE {where} ORDER BY {order}",
        *values,
    )
    news = {
        (one, rest[0]): _reported(*rest)
        for one, *rest in db.rows(
            f"SELECT o.id, {_REPORTED} FROM came_back c JOIN recipient r ON r.id = c.recipient_id"
            f" JOIN outgoing o ON o.id = r.outgoing_id WHERE {where} ORDER BY c.at, c.id",
            *values,
        )
    }
    recipients: dict[int, list[Recipient]] = {row[0]: [] for row in rows}
    for one, *rest in db.rows(
        "SELECT r.outgoing_id, r.address, r.state, r.phase, r.code, r.text, r.next_attempt, r.attempts, r.host, r.tls,"
        " iif(r.state = 'trying', r.gone, 0), r.unmet"
        f" FROM recipient r JOIN outgoing o ON o.id = r.outgoing_id WHERE {where} ORDER BY r.id",
        *values,
    ):
        if one not in recipients:  # it came to be one of these since the first look
            continue
        address, state, phase, code, text, next_attempt, tries, host, tls, gone, unmet = rest
        known = (code, text, next_attempt, tries, host, tls, gone, news.get((one, address)), unmet)
        recipients[one].append(Recipient(address, RecipientState(state), Phase(phase), *known))
    return [
        Outgoing(
            OutgoingId(one), AccountId(account_id), message_id, subject, sender, Route(route), queued, not_before,
            tuple(recipients[one]), SentCopy(copy), size, None if via is None else AccountId(via), bool(scheduled),
            Terms(bool(require_tls), deliver_by), bool(direct),
        )
        for one, account_id, message_id, subject, sender, route, queued, not_before, copy, size, via, scheduled,
            require_tls, deliver_by, direct in rows
    ]  # fmt: skip


def _reported(address: str, action: str, status: str, text: str, remote: str, until: int | None, at: int) -> Reported:
    return Reported(address, Action(action), status, text, "", remote, until, at)


def _note(tx: Tx, outgoing_id: OutgoingId, one: Recipient, now: int, dialogue_id: int) -> None:
    sql = (
        "INSERT INTO attempt(recipient_id, at, state, phase, host, tls, code, text, dialogue_id)"
        " SELECT id, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0) FROM recipient WHERE outgoing_id = ? AND address = ?"
    )
    text = one.text[:MAX_TEXT]
    values = (now, one.state, one.phase, one.host, one.tls, one.code, text, dialogue_id, outgoing_id, one.address)
    tx.run(sql, *values)


def forget_dialogues(tx: Tx, before: int) -> int:
    """What was said before a time (UTC seconds) is not kept; returns how many dialogues went."""
    return tx.run("DELETE FROM dialogue WHERE at < ?", before)


def _close(tx: Tx, outgoing_id: OutgoingId, now: int) -> None:
    """Note when every recipient has its verdict; without anyone who accepted there is nothing to file."""
    tx.changes.outgoing.add(outgoing_id)
    states = {row[0] for row in tx.rows("SELECT state FROM recipient WHERE outgoing_id = ?", outgoing_id)}
    if states & {"queued", "trying", "deferred"}:
        return
    tx.run("UPDATE outgoing SET finished_at = ? WHERE id = ? AND finished_at = 0", now, outgoing_id)
    if not states & {"accepted", "unknown"}:
        tx.run("UPDATE outgoing SET sent_copy = 'none' WHERE id = ? AND sent_copy = 'todo'", outgoing_id)
