"""The outbox as it is read: by the window and the command line, by the sender, and by who reports to submitters.

A recipient is due when its state is QUEUED or DEFERRED and ``next_attempt`` has come; every change of it is a step in
``dispatch``.
"""

from collections.abc import Iterable
from typing import Any

from mua.model.account import AccountId, Route
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
from mua.model.submission import NOTIFY
from mua.paths import Profile
from mua.records import dataclass
from mua.store.blobs import file_errors
from mua.store.db import Db
from mua.store.wire_files import frozen_head, wire_path

MAX_DUE = 1000  # recipients taken at once
MAX_OF_DOMAIN = 200  # of one domain that mail goes to directly: then the next domain has its turn
MAX_DOMAINS = 5000  # looked at in one pass
MAX_TOLD = 100  # submissions whose submitters are told at once
OPEN = "state IN ('queued', 'trying', 'deferred')"  # as the partial index has it
WAITS = "state IN ('queued', 'deferred')"  # as another has it

_REPORTED = "r.address, c.action, c.status, c.text, c.remote, c.until, c.at"
_UNHAPPY = (
    "o.id IN (SELECT outgoing_id FROM recipient WHERE state NOT IN ('accepted', 'cancelled')"
    " UNION SELECT r.outgoing_id FROM came_back c JOIN recipient r ON r.id = c.recipient_id WHERE c.action = 'failed')"
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
    notify: tuple[str, ...] = NOTIFY


@dataclass(frozen=True, slots=True)
class Spent:
    """A submission that is over; ``failed``: for somebody, so that a person may still want to try it again."""

    id: OutgoingId
    uid: int
    wire_file: str
    failed: bool


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
    author: str = ""
    """The address that it was sent from."""


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


def untold(db: Db, most: int = MAX_TOLD) -> list[OutgoingId]:
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


def late(db: Db, before: int, most: int = MAX_TOLD) -> list[OutgoingId]:
    """Submissions of before a time (UTC seconds) that are not over, and of which no warning was given, oldest first."""
    sql = (
        "SELECT id FROM outgoing WHERE warned = 0 AND uid IS NOT NULL AND finished_at = 0 AND queued_at <= ?"
        " ORDER BY queued_at LIMIT ?"
    )
    return [OutgoingId(row[0]) for row in db.rows(sql, before, most)]


def notify(db: Db, outgoing_id: OutgoingId) -> frozenset[str]:
    """Of what the submitter of a message wants to hear (RFC 3461 s.4.1): "failure", "delay", "success"."""
    return frozenset(_words(db.value("SELECT notify FROM outgoing WHERE id = ?", outgoing_id) or ""))


def _words(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


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
        return frozen_head(file), str(envid)


def spent(db: Db, most: int = 500) -> list[Spent]:
    """Submissions that are over, and whose submitters know."""
    rows = db.rows(
        "SELECT o.id, o.uid, o.wire_file, EXISTS(SELECT 1 FROM recipient WHERE outgoing_id = o.id"
        " AND state IN ('refused', 'unknown')) FROM outgoing o INDEXED BY outgoing_spent"  # else by each that waits
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


def queued_since(db: Db, since: int, most: int) -> set[tuple[str, str]]:
    """(subject, address in small letters) of what was queued since then and not taken back, of the ``most`` latest."""
    sql = (
        "SELECT trim(o.subject), lower(r.address) FROM (SELECT id, subject, queued_at FROM outgoing ORDER BY id DESC"
        " LIMIT ?) o JOIN recipient r ON r.outgoing_id = o.id WHERE o.queued_at >= ? AND r.state <> 'cancelled'"
    )
    return {(str(subject), str(address)) for subject, address in db.rows(sql, most, since)}


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
    sql = (
        "SELECT 1 FROM recipient r JOIN outgoing o ON o.id = r.outgoing_id JOIN account a ON a.id = o.account_id"
        f" WHERE r.{OPEN} AND a.demo = 0"
    )
    return db.row(sql) is not None or any(one.account_id not in demo for one in copies(db))


def unsettled(db: Db) -> bool:
    """There is something that a sender could do, now or later: for a recipient, a sent copy, or what came back."""
    sql = (
        f"SELECT EXISTS(SELECT 1 FROM recipient WHERE {OPEN})"
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
        " o.require_tls, o.deliver_by, o.direct, o.notify, r.address, r.attempts, r.postponed"
        f" FROM recipient r JOIN outgoing o ON o.id = r.outgoing_id WHERE r.{WAITS} AND r.domain = ?"
        " AND r.next_attempt <= ? ORDER BY r.next_attempt, r.id LIMIT ?",
        domain,
        now,
        MAX_OF_DOMAIN if domain else MAX_DUE,
    )
    found: dict[int, Due] = {}
    for one, _, account_id, message_id, sender, envid, since, *rest, address, attempts, postponed in sorted(rows):
        if one not in found:
            name, size, eight_bit, digest, require_tls, deliver_by, direct, wanted = rest
            found[one] = Due(
                OutgoingId(one), AccountId(account_id), message_id, sender, envid, since, name, size, bool(eight_bit),
                digest, {}, Terms(bool(require_tls), deliver_by), bool(direct),
                _words(wanted),
            )  # fmt: skip
        found[one].recipients[address] = (attempts, postponed)
    return list(found.values())


def due_domains(db: Db, now: int, after: str = "") -> tuple[list[str], str]:
    """(domains to which direct mail is due, the longest waiting first; behind which one to go on the next time).

    At most ``MAX_DOMAINS`` of those that wait are looked at, from behind ``after`` on; empty: all were.
    """
    least = f"SELECT min(domain) FROM recipient WHERE {WAITS}"
    rows = db.rows(
        f"WITH RECURSIVE each(domain) AS ({least} AND domain > ? UNION ALL"
        f" SELECT ({least} AND domain > each.domain) FROM each WHERE domain IS NOT NULL LIMIT {MAX_DOMAINS})"
        f" SELECT domain, (SELECT min(next_attempt) FROM recipient r WHERE r.domain = each.domain AND {WAITS}) AS at"
        " FROM each WHERE domain IS NOT NULL",
        after,
    )
    found = sorted((at, domain) for domain, at in rows if at is not None and at <= now)
    return [domain for _, domain in found], rows[-1][0] if len(rows) >= MAX_DOMAINS else ""


def next_due(db: Db) -> int | None:
    """When the next recipient becomes due (UTC seconds), or None."""
    found = db.value(f"SELECT min(next_attempt) FROM recipient WHERE {OPEN} AND state <> 'trying'")
    return None if found is None else int(found)


def copies(db: Db) -> list[Copy]:
    """Messages that somebody has accepted, and whose sent copy is still to be filed."""
    rows = db.rows(
        "SELECT o.id, o.account_id, o.message_id, max(o.queued_at, o.not_before), o.copy_file, o.answers, o.forwards,"
        " max(a.at), o.envelope_from"
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
    """Messages of an account's own of which nobody knows whether they arrived: only these can turn up somewhere."""
    rows = db.rows(
        "SELECT o.id, o.account_id, o.message_id, r.address, o.sent_copy FROM recipient r"
        " JOIN outgoing o ON o.id = r.outgoing_id WHERE r.state = 'unknown' AND o.uid IS NULL"
        " ORDER BY o.id, r.id"
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


def taken_back(db: Db, outgoing_id: OutgoingId, addresses: Iterable[str]) -> bool:
    """Whether a person has taken one of these recipients back."""
    sql = "SELECT 1 FROM recipient WHERE outgoing_id = ? AND address = ? AND state = 'cancelled'"
    return any(db.row(sql, outgoing_id, address) for address in addresses)


def _outgoing(db: Db, where: str, *values: Any, order: str = "o.id DESC", most: int = -1) -> list[Outgoing]:
    with db.snapshot():
        return _outgoing_now(db, where, *values, order=order, most=most)


def _outgoing_now(db: Db, where: str, *values: Any, order: str, most: int) -> list[Outgoing]:
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
