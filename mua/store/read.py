"""Every SELECT over cache.db, as functions from a ``Db`` to the dataclasses of ``model/``.

Rules of the file: a function fetches all and returns, so that no read transaction stays open (checkpoints must
proceed); nothing here counts rows on behalf of a window (folders carry counters); lists are an order vector of ids plus
pages.  Outgoing mail has files of its own: ``store/outbox.py``, ``store/queue.py``.
"""

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from mua.model.account import (
    Account,
    AccountId,
    DirectOptions,
    Habits,
    Incoming,
    PopOptions,
    Route,
    Security,
    Server,
    Side,
)
from mua.model.address import Address
from mua.model.folder import Folder, FolderId, FolderState, Role, Space
from mua.model.identity import Identity
from mua.model.message import Flag, MessageId, MessageRow, ThreadId
from mua.model.oauth import OAuth
from mua.model.policy import EVERYTHING, Policy, policy_from
from mua.model.quota import Quota
from mua.model.way import rules_from
from mua.plan.address_book import Met
from mua.records import dataclass
from mua.store.db import Db
from mua.store.schema import WISHED

if TYPE_CHECKING:
    from mua.plan.pop import Fetched, Ours

T = TypeVar("T")
ACCOUNT_COLUMNS = (
    "id, name, email, full_name, incoming, in_host, in_port, in_security, in_user, route, out_host, out_port,"
    " out_security, out_user, direct_dns, direct_mx_port, direct_allow_private, ca_file, allow_plaintext, demo,"
    " keep_days, delete_with_ours, coalesce(inbox_of, 0), policy, client_cert,"
    " rules, direct_ehlo, oauth, habits, identities"
)
FOLDER_COLUMNS = (
    "id, account_id, name, delimiter, role, selectable, subscribed, uidvalidity, uidnext, highestmodseq, on_server,"
    " left_there, unread, total, with_body, problem, policy, space, prefix, object_id, octets, wished_name,"
    " wished_gone, wished_subscribed"
)
ROW_COLUMNS = (
    "id, account_id, coalesce(want_folder_id, folder_id), uid, sender, recipients, subject, date, shown_flags,"
    " shown_keywords, size, has_attachments, thread_id, snippet, has_body, message_id, problem"
)

NEWEST = (1 << 63) - 1  # above every message id
_WRITERS = 12  # of the newest messages of a conversation: names for one row
_SHORT = 200  # characters of a list of addresses that is worth remembering


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an account until a person or the network changes something."""

    account_id: AccountId
    text: str
    code: str
    detail: str
    side: Side = Side.INCOMING


@dataclass(frozen=True, slots=True)
class Unindexed:
    """A message that the index has not seen as it is now; ``seq`` orders what it has to see."""

    seq: int
    id: MessageId
    subject: str
    sender: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    has_body: bool
    list_id: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What one row of a list tells of a thread."""

    thread_id: int
    here: int
    """Its messages in this list; the next four are of these."""
    unread: int
    starred: bool
    clip: bool
    refused: bool
    whole: int
    """Its messages anywhere, each once, as the reader shows them."""
    writers: tuple[tuple[Address, ...], ...]
    """The senders of its first and its newest messages, oldest first; of a single message none."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Whose a message is, and what the folder is for in which it is shown."""

    id: MessageId
    account_id: AccountId
    role: Role


class Saved(StrEnum):
    """The unified views of the sidebar: saved searches over all accounts."""

    ALL_INBOXES = "all-inboxes"
    UNREAD = "unread"
    STARRED = "starred"
    ATTACHMENTS = "attachments"


class Filter(StrEnum):
    """The chips above a list."""

    ALL = "all"
    UNREAD = "unread"
    STARRED = "starred"
    ATTACHMENTS = "with an attachment"
    KNOWN = "from people you wrote to"


@dataclass(frozen=True, slots=True)
class OnlyTag:
    """Only what bears this keyword."""

    keyword: str


Chosen = Filter | OnlyTag
"""What a list is narrowed to."""


def accounts(db: Db) -> list[Account]:
    """All accounts in the person's order."""
    return [_account(row) for row in db.rows(f"SELECT {ACCOUNT_COLUMNS} FROM account ORDER BY position, id")]


def account(db: Db, account_id: AccountId) -> Account | None:
    """One account, or None when it is gone."""
    row = db.row(f"SELECT {ACCOUNT_COLUMNS} FROM account WHERE id = ?", account_id)
    return None if row is None else _account(row)


def account_named(db: Db, name: str) -> Account | None:
    """The account with this name (or, failing that, this address)."""
    row = db.row(
        f"SELECT {ACCOUNT_COLUMNS} FROM account WHERE name = ?1 OR email = ?1 ORDER BY name <> ?1, id LIMIT 1", name
    )
    return None if row is None else _account(row)


def setting(db: Db, key: str) -> str:
    """What the engine remembers about itself under ``key``; empty when nothing."""
    return str(db.value("SELECT value FROM setting WHERE key = ?", key) or "")


def wishes_pending(db: Db) -> int:
    """How many messages and folders still have to be changed on a server."""
    sql = (
        f"SELECT (SELECT count(*) FROM message m JOIN folder f ON f.id = m.folder_id WHERE f.local = 0 AND ({WISHED}))"
        " + (SELECT count(*) FROM folder WHERE local = 0"
        " AND (want_create = 1 OR wished_name <> '' OR wished_gone <> 0 OR wished_subscribed >= 0))"
    )
    return int(db.value(sql))


def wishes_of(db: Db, account_id: AccountId) -> int:
    """How many messages of an account still have to be changed on its server."""
    return int(db.value(f"SELECT count(*) FROM message WHERE account_id = ? AND ({WISHED})", account_id))


def problems(db: Db, side: Side | None = None) -> list[Problem]:
    """The accounts that are in trouble, on one side or on either."""
    sql = "SELECT account_id, text, code, detail, side FROM problem WHERE ?1 IS NULL OR side = ?1 ORDER BY 1, 5"
    return [Problem(AccountId(row[0]), row[1], row[2], row[3], Side(row[4])) for row in db.rows(sql, side)]


def synced_at(db: Db, account_id: AccountId) -> int:
    """When the account was last brought up to date (UTC seconds; 0: never)."""
    return int(db.value("SELECT synced_at FROM account WHERE id = ?", account_id) or 0)


def quotas(db: Db, account_id: AccountId) -> list[Quota]:
    """How much room the account has on its server, as it was last told; none where it has no limit."""
    sql = "SELECT root, resource, used, most FROM quota WHERE account_id = ? ORDER BY root, resource DESC"
    return [Quota(*row) for row in db.rows(sql, account_id)]


def folders(db: Db, account_id: AccountId | None = None, *, shown: bool = False) -> list[Folder]:
    """The folders of one account or of all: roles first, then by name, and those of other people last.

    ``shown``: as a person has them, without those that are to be deleted.
    """
    where = "" if account_id is None else "WHERE account_id = ?"
    values = () if account_id is None else (account_id,)
    found = [_folder(row) for row in db.rows(f"SELECT {FOLDER_COLUMNS} FROM folder {where}", *values)]
    if shown:
        found = [one.shown for one in found if not one.gone]
    order = {role: place for place, role in enumerate(Role)}
    return sorted(found, key=lambda one: (one.account_id, order[one.role], one.space, one.name.casefold()))


def folder(db: Db, folder_id: FolderId, *, shown: bool = False) -> Folder | None:
    """One folder, or None when it is gone; ``shown``: as a person has it."""
    row = db.row(f"SELECT {FOLDER_COLUMNS} FROM folder WHERE id = ?", folder_id)
    if row is None:
        return None
    return _folder(row).shown if shown else _folder(row)


def policy(db: Db, folder_id: FolderId) -> Policy:
    """How much of a folder is fetched: its own policy, or its account's."""
    sql = "SELECT coalesce(nullif(f.policy, ''), a.policy) FROM folder f JOIN account a ON a.id = f.account_id"
    found = db.value(f"{sql} WHERE f.id = ?", folder_id)
    return EVERYTHING if found is None else policy_from(found)


def draft_of(db: Db, key: str) -> int | None:
    """The message that is the draft of a letter, by the letter's key."""
    found = db.value("SELECT message_id FROM draft WHERE key = ?", key)
    return None if found is None else int(found)


def folder_with_role(db: Db, account_id: AccountId, role: Role) -> Folder | None:
    """The account's folder for this role, or None."""
    row = db.row(f"SELECT {FOLDER_COLUMNS} FROM folder WHERE account_id = ? AND role = ?", account_id, role)
    return None if row is None else _folder(row)


def folder_named(db: Db, account_id: AccountId, name: str) -> Folder | None:
    """A folder by its exact name, else by its role's name, else by its name in any letter case."""
    found = folders(db, account_id, shown=True)
    for wanted in (
        [one for one in found if one.name == name],
        [one for one in found if one.role and one.role == name.casefold()],
        [one for one in found if one.name.casefold() == name.casefold()],
    ):
        if wanted:
            return wanted[0]
    return None


def inboxes(db: Db) -> list[FolderId]:
    """The inbox of each account."""
    return [FolderId(row[0]) for row in db.rows("SELECT id FROM folder WHERE role = 'inbox'")]


def order(
    db: Db, place: FolderId | Saved, chosen: Chosen = Filter.ALL, below: int = NEWEST, limit: int = -1
) -> "array[int]":
    """The order vector of a folder or a unified view."""
    if isinstance(place, Saved):
        return saved_order(db, place, chosen, below, limit)
    return folder_order(db, place, chosen, below, limit)


def folder_order(
    db: Db, folder_id: FolderId, chosen: Chosen = Filter.ALL, below: int = NEWEST, limit: int = -1
) -> "array[int]":
    """The order vector of a folder: message ids, newest first; ``limit`` of them (-1: all), older than ``below``."""
    return _ids(db, f"shown_folder = ? {_only(chosen)}", below, limit, folder_id)


def saved_order(
    db: Db, saved: Saved, chosen: Chosen = Filter.ALL, below: int = NEWEST, limit: int = -1
) -> "array[int]":
    """The same for a unified view; junk, trash and what others share take no part."""
    if saved is Saved.ALL_INBOXES:  # each inbox by its own index: one statement over all of them would sort them all
        parts = [folder_order(db, one, chosen, below, limit) for one in inboxes(db)]
        if len(parts) == 1:
            return parts[0]
        merged = array("q", sorted(chain.from_iterable(parts), reverse=True))
        return merged if limit < 0 else merged[:limit]
    return _ids(db, f"{_SAVED[saved]} {_only(chosen)}", below, limit)


def threaded_order(
    db: Db, place: FolderId | Saved, chosen: Chosen = Filter.ALL, below: int = NEWEST, limit: int = -1
) -> "tuple[array[int], array[int]]":
    """The order vector of a folder or a unified view, and beside it the thread of each message."""
    if place is Saved.ALL_INBOXES:
        parts = [threaded_order(db, one, chosen, below, limit) for one in inboxes(db)]
        if len(parts) == 1:
            return parts[0]
        merged = sorted(chain.from_iterable(zip(*part, strict=True) for part in parts), reverse=True)
        del merged[len(merged) if limit < 0 else limit :]
        return array("q", (one for one, _ in merged)), array("q", (thread for _, thread in merged))
    where, key = listed(place, chosen)
    newest = f"SELECT id, thread_id FROM message WHERE {where} AND id < ? ORDER BY id DESC LIMIT ?"
    found = db.row(f"SELECT group_concat(id), group_concat(thread_id) FROM ({newest})", *key, below, limit)
    ids, threads = found if found is not None else (None, None)
    return (numbers(ids), numbers(threads)) if ids and threads else (array("q"), array("q"))


def among(db: Db, place: FolderId | Saved, chosen: Chosen, ids: Sequence[int]) -> dict[int, int]:
    """Which of ``ids`` a folder or a unified view lists, and the thread of each."""
    where, key = listed(place, chosen)
    return dict(db.rows_of(f"SELECT id, thread_id FROM message WHERE {where} AND id IN", ids, *key))


def threads_of(db: Db, ids: Sequence[int]) -> dict[int, int]:
    """The thread of each of these messages; those that are gone are left out."""
    return dict(db.rows_of("SELECT id, thread_id FROM message WHERE id IN", ids))


def listed_of(db: Db, place: FolderId | Saved, chosen: Chosen, threads: Sequence[int]) -> dict[int, list[int]]:
    """The messages of these threads that a folder or a unified view lists, newest first."""
    where, key = listed(place, chosen)
    sql = f"SELECT thread_id, id FROM message INDEXED BY message_thread WHERE {where} AND thread_id IN"
    found: dict[int, list[int]] = {}
    for thread_id, one in sorted(db.rows_of(sql, threads, *key), reverse=True):
        found.setdefault(thread_id, []).append(one)
    return found


def conversations(
    db: Db, place: FolderId | Saved, chosen: Chosen, threads: Iterable[int], *, aside: bool = False
) -> dict[int, Conversation]:
    """What a list shows of each of these threads in one row: a page of them, for it costs as much as they have members.

    ``aside``: what lies in bins and junk folders counts, too (as ``plan.conversation.members`` has it).
    """
    wanted = list(dict.fromkeys(threads))
    marks = ",".join("?" * len(wanted))
    where, key = listed(place, chosen)
    here = db.rows(
        "SELECT thread_id, count(*), sum(shown_flags & 1 = 0), max(shown_flags & 4 <> 0), max(has_attachments),"
        f" max(problem <> '') FROM message INDEXED BY message_thread WHERE {where} AND thread_id IN ({marks})"
        " GROUP BY thread_id",
        *key,
        *wanted,
    )
    anywhere = "want_gone = 0" if aside else f"want_gone = 0 AND +shown_folder NOT IN ({_ASIDE})"
    whole = db.rows(
        "SELECT thread_id, count(DISTINCT coalesce(nullif(message_id, ''), id)) FROM message INDEXED BY message_thread"
        f" WHERE thread_id IN ({marks}) AND {anywhere} GROUP BY thread_id",
        *wanted,
    )
    sizes = {int(thread_id): int(number) for thread_id, number in whole}
    writers = _writers(db, [one for one, number in sizes.items() if number > 1], anywhere)
    found: dict[int, Conversation] = {}
    for one, number, unread, starred, clip, refused in here:
        marks_of = bool(starred), bool(clip), bool(refused)
        found[one] = Conversation(one, number, unread, *marks_of, sizes.get(one, number), writers.get(one, ()))
    return found


def _writers(db: Db, threads: Sequence[int], anywhere: str) -> dict[int, tuple[tuple[Address, ...], ...]]:
    """Who wrote the first and the newest messages of each thread, oldest first."""
    ids = f"SELECT id FROM message INDEXED BY message_thread WHERE thread_id = t.value AND {anywhere} ORDER BY id"
    sql = (
        "SELECT t.value, m.sender FROM json_each(?) t CROSS JOIN message m ON m.id IN"
        f" (SELECT * FROM ({ids} DESC LIMIT {_WRITERS}) UNION SELECT * FROM ({ids} LIMIT 1)) ORDER BY m.id"
    )
    found: dict[int, tuple[tuple[Address, ...], ...]] = {}
    for thread_id, sender in db.rows(sql, json.dumps(list(threads))):
        found[thread_id] = (*found.get(thread_id, ()), addresses_from_json(sender))
    return found


def listed(place: FolderId | Saved, chosen: Chosen) -> tuple[str, tuple[FolderId, ...]]:
    """The condition of what a place lists, and its values (for ``store/orders`` too)."""
    if isinstance(place, Saved):
        return f"{_SAVED[place]} {_only(chosen)}", ()
    return f"shown_folder = ? {_only(chosen)}", (place,)


def still_there(db: Db, ids: Sequence[int]) -> set[int]:
    """Which of ``ids`` are messages that nobody wishes gone."""
    return {row[0] for row in db.rows_of("SELECT id FROM message WHERE want_gone = 0 AND id IN", ids)}


# "+": by the small index of what is unread or starred, not by the whole folders'
_OURS = "role NOT IN ('junk', 'trash', 'snoozed') AND space = ''"  # what other people share with us is theirs to read
_ASIDE = "SELECT id FROM folder WHERE role IN ('junk', 'trash')"
_WANTED = f"+shown_folder IN (SELECT id FROM folder WHERE {_OURS})"
_SAVED = {
    Saved.ALL_INBOXES: "shown_folder IN (SELECT id FROM folder WHERE role = 'inbox')",
    Saved.UNREAD: f"shown_flags & 1 = 0 AND {_WANTED}",
    Saved.STARRED: f"shown_flags & 4 <> 0 AND {_WANTED}",
    Saved.ATTACHMENTS: f"has_attachments <> 0 AND {_WANTED}",
}
_FILTERS = {
    Filter.ALL: "",
    Filter.UNREAD: "AND shown_flags & 1 = 0",
    Filter.STARRED: "AND shown_flags & 4 <> 0",
    Filter.ATTACHMENTS: "AND has_attachments <> 0",
    Filter.KNOWN: ("AND EXISTS(SELECT 1 FROM correspondent WHERE address = json_extract(message.sender, '$[0][1]'))"),
}


def _only(chosen: Chosen) -> str:
    """The condition of a filter."""
    if isinstance(chosen, OnlyTag):
        quoted = chosen.keyword.replace("'", "''")
        return f"AND EXISTS(SELECT 1 FROM tag WHERE name = '{quoted}' AND message_id = message.id)"
    return _FILTERS[chosen]


def narrowed(db: Db, chosen: Chosen, ids: Sequence[int]) -> list[int]:
    """Which of ``ids`` a filter lets pass, in their order."""
    passing = {row[0] for row in db.rows_of(f"SELECT id FROM message WHERE 1 {_only(chosen)} AND id IN", ids)}
    return [one for one in ids if one in passing]


def saved_counts(db: Db) -> dict[Saved, int]:
    """The numbers beside the unified views: what is unread in all inboxes, and anywhere wanted; by counters only."""
    inbox = db.value("SELECT coalesce(sum(unread), 0) FROM folder WHERE role = 'inbox'")
    unread = db.value(f"SELECT coalesce(sum(unread), 0) FROM folder WHERE {_OURS}")
    return {Saved.ALL_INBOXES: int(inbox), Saved.UNREAD: int(unread)}


def rows(db: Db, ids: Sequence[int]) -> list[MessageRow]:
    """The rows with these ids, in this order; ids that are gone are left out."""
    found = {row[0]: _row(row) for row in db.rows_of(f"SELECT {ROW_COLUMNS} FROM message WHERE id IN", ids)}
    return [found[one] for one in ids if one in found]


def placed(db: Db, ids: Sequence[int]) -> list[Placed]:
    """Where these messages are shown, in this order; those that are gone are left out."""
    sql = (
        "SELECT m.id, m.account_id, coalesce(f.role, '') FROM message m LEFT JOIN folder f"
        " ON f.id = coalesce(m.want_folder_id, m.folder_id) WHERE m.id IN"
    )
    roles = {role.value: role for role in Role}
    found = {row[0]: Placed(MessageId(row[0]), AccountId(row[1]), roles[row[2]]) for row in db.rows_of(sql, ids)}
    return [found[one] for one in ids if one in found]


def accounts_of(db: Db, ids: Sequence[int]) -> set[AccountId]:
    """The accounts of these messages."""
    return {AccountId(row[0]) for row in db.rows_of("SELECT DISTINCT account_id FROM message WHERE id IN", ids)}


def list_id(db: Db, message_id: MessageId) -> str:
    """The List-Id of a message; empty where it came over no list."""
    return str(db.value("SELECT list_id FROM message WHERE id = ?", message_id) or "")


def row(db: Db, message_id: MessageId) -> MessageRow | None:
    """One row, or None when it is gone."""
    found = rows(db, [message_id])
    return found[0] if found else None


def thread(db: Db, thread_id: ThreadId) -> list[MessageRow]:
    """The messages of a conversation over all folders, oldest first."""
    ids = db.rows("SELECT id FROM message WHERE thread_id = ? AND want_gone = 0 ORDER BY id", thread_id)
    return rows(db, [one[0] for one in ids])


def thread_sizes(db: Db, thread_ids: Iterable[int]) -> dict[int, int]:
    """How many messages each of these conversations has (for the chip on a card)."""
    wanted = list(dict.fromkeys(thread_ids))
    marks = ",".join("?" * len(wanted))
    sql = f"SELECT thread_id, count(*) FROM message WHERE thread_id IN ({marks}) AND want_gone = 0 GROUP BY thread_id"
    return {int(found[0]): int(found[1]) for found in db.rows(sql, *wanted)}


def saves_sent(db: Db, account_id: AccountId) -> bool:
    """Whether the account's server has been seen to file what is sent through it."""
    return bool(db.value("SELECT server_saves_sent = 1 FROM account WHERE id = ?", account_id))


def with_message_id(db: Db, message_id: str, account_id: AccountId | None = None, limit: int = -1) -> list[MessageRow]:
    """Every row that bears this Message-ID (without angle brackets), oldest first; at most ``limit``, -1 for all."""
    sql = (
        "SELECT id FROM message WHERE message_id = ?1 AND message_id <> ''"  # as the index has it
        " AND (?2 IS NULL OR account_id = ?2) ORDER BY id LIMIT ?3"
    )
    return rows(db, [one[0] for one in db.rows(sql, message_id, account_id, limit)])


def is_backscatter(db: Db, message_id: MessageId) -> bool:
    """It says that something was not delivered which we know nothing of: neither sent from here nor in a Sent folder.

    False where a person has dealt with it: in a junk or a trash folder.
    """
    sql = (
        "SELECT EXISTS(SELECT 1 FROM backscatter b JOIN message m ON m.id = b.message_id"
        " JOIN folder f ON f.id = m.shown_folder WHERE b.message_id = ? AND f.role NOT IN ('junk', 'trash')"
        " AND NOT EXISTS(SELECT 1 FROM message s JOIN folder g ON g.id = s.shown_folder"
        " WHERE s.message_id = b.about AND s.message_id <> '' AND g.role = 'sent'))"
    )
    return bool(db.value(sql, message_id))


def uidls(db: Db, account_id: AccountId) -> dict[str, MessageId]:
    """POP3: the unique ids that were fetched, and the messages they became (which may be deleted by now)."""
    found = db.rows("SELECT uidl, message_id FROM uidl WHERE account_id = ?", account_id)
    return {str(uidl): MessageId(one) for uidl, one in found}


def fetched(db: Db, account_id: AccountId) -> "dict[str, Fetched]":
    """POP3: what became here of each message that was fetched, by its unique id."""
    from mua.plan.pop import Fetched  # what decides about POP3 is loaded where there is some

    sql = (
        "SELECT u.uidl, u.message_id, u.at, u.digest, m.shown_folder IS NULL, f.role FROM uidl u"
        " LEFT JOIN message m ON m.id = u.message_id LEFT JOIN folder f ON f.id = m.shown_folder WHERE u.account_id = ?"
    )
    return {
        str(uidl): Fetched(MessageId(one), at, digest, _ours(bool(gone), role))
        for uidl, one, at, digest, gone, role in db.rows(sql, account_id)
    }


def _ours(gone: bool, role: str | None) -> "Ours":
    from mua.plan.pop import Ours

    return Ours.GONE if gone else Ours.TRASHED if role == Role.TRASH else Ours.HERE


def uidls_with_digest(db: Db, account_id: AccountId, digest: bytes) -> list[tuple[str, MessageId]]:
    """POP3: under which unique ids a message with just these bytes was fetched, oldest first."""
    sql = "SELECT uidl, message_id FROM uidl WHERE account_id = ? AND digest = ? ORDER BY at, message_id"
    return [(str(uidl), MessageId(one)) for uidl, one in db.rows(sql, account_id, digest)]


def uidls_without_body(db: Db, account_id: AccountId) -> dict[str, MessageId]:
    """POP3: the fetched messages whose bytes are not here any more."""
    sql = (
        "SELECT u.uidl, u.message_id FROM uidl u JOIN message m ON m.id = u.message_id"
        " WHERE u.account_id = ? AND m.has_body = 0"
    )
    return {str(uidl): MessageId(one) for uidl, one in db.rows(sql, account_id)}


def view_json(db: Db, message_id: MessageId, version: int) -> str | None:
    """The cached MessageView (JSON of wire.py), or None when the engine has to make it first."""
    found = db.value("SELECT data FROM view WHERE id = ? AND version = ?", message_id, version)
    return None if found is None else str(found)


def beginning_json(db: Db, message_id: MessageId, version: int) -> str | None:
    """The MessageView of a message's beginning, while there is none of the whole (``write.begin_view``)."""
    return view_json(db, message_id, -version)


def people(db: Db, newest: int = 50_000) -> list[Met]:
    """Everybody of the newest messages; junk makes nobody known.  Takes a moment: not for the window's own thread."""
    rows = db.rows(_PEOPLE, newest)
    return [Met(address, name or "", int(written), int(got), int(last)) for address, name, written, got, last in rows]


_PEOPLE = """
WITH newest AS (
  SELECT m.id, m.sender, m.recipients, m.cc, f.role = 'sent' AS mine
  FROM message m JOIN folder f ON f.id = m.folder_id WHERE f.role <> 'junk' ORDER BY m.id DESC LIMIT ?1),
held AS (
  SELECT id, sender AS people, 0 AS written, 1 AS got FROM newest WHERE NOT mine
  UNION ALL SELECT id, recipients, mine, NOT mine FROM newest
  UNION ALL SELECT id, cc, mine, 0 FROM newest WHERE cc <> '[]'),
person AS (
  SELECT json_extract(p.value, '$[0]') AS name, json_extract(p.value, '$[1]') AS address, written, got,
    held.id >> 20 AS at
  FROM held, json_each(held.people) p)
SELECT address, max(name), sum(written), sum(got), max(at) FROM person WHERE address LIKE '%_@_%'
GROUP BY lower(address)
"""


def receiver(db: Db, message_id: MessageId) -> AccountId | None:
    """The POP3 account that fetched a message: its mail may be in another account's inbox.  None: not by POP3."""
    found = db.value("SELECT account_id FROM uidl WHERE message_id = ? ORDER BY at LIMIT 1", message_id)
    return None if found is None else AccountId(found)


def index_seq(db: Db) -> int:
    """The mark that the index has to reach to have seen everything that is in the store now."""
    return int(db.value("SELECT value FROM meta WHERE key = 'index_seq'"))


def to_index(db: Db, mark: int, limit: int, last: int = 2**62, *, bodyless: bool = False) -> list[Unindexed]:
    """What came or changed after ``mark`` and up to ``last``, oldest change first; ``bodyless``: only what has none."""
    sql = (
        "SELECT index_seq, id, subject, sender, recipients, cc, has_body, list_id FROM message"
        f" WHERE index_seq > ? AND index_seq <= ? {'AND has_body = 0' if bodyless else ''} ORDER BY index_seq LIMIT ?"
    )
    return [_unindexed(row) for row in db.rows(sql, mark, last, limit)]


def unindexed_of(db: Db, ids: Sequence[int]) -> list[Unindexed]:
    """These messages as the index should have them, in no order."""
    sql = "SELECT index_seq, id, subject, sender, recipients, cc, has_body, list_id FROM message WHERE id IN"
    return [_unindexed(row) for row in db.rows_of(sql, ids)]


def unindexed(db: Db, mark: int) -> dict[int, int]:
    """Per account, how many messages changed after ``mark``.  Counts rows: for reports only."""
    sql = "SELECT account_id, count(*) FROM message WHERE index_seq > ? GROUP BY account_id"
    return {int(row[0]): int(row[1]) for row in db.rows(sql, mark)}


def words_of_newest(db: Db, count: int) -> Iterator[str]:
    """Subjects and names of people of the newest messages: what must not get into a report."""
    sql = "SELECT subject, sender, recipients, cc FROM message ORDER BY id DESC LIMIT ?"
    for subject, *people in db.rows(sql, count):
        yield subject
        for one in people:
            for address in addresses_from_json(one):
                yield from (address.name, address.address)


def removals_after(db: Db, seq: int, limit: int) -> list[tuple[int, MessageId]]:
    """The ledger after entry ``seq``: (entry, message)."""
    found = db.rows("SELECT seq, id FROM removal WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)
    return [(int(entry), MessageId(one)) for entry, one in found]


def in_store(db: Db, index_mark: int) -> dict[int, tuple[int, int, int]]:
    """Per folder: (messages in the store, with body, indexed up to ``index_mark``); for reports.

    What is on a server is counted by an index, and what lacks a body or its words by what lacks it: each ``sync`` asks.
    """
    ours = "(uid IS NOT NULL OR folder_id IN (SELECT id FROM folder WHERE local = 1))"
    here = Counter(dict(db.rows("SELECT folder_id, count(*) FROM message WHERE uid IS NOT NULL GROUP BY folder_id")))
    here.update(
        dict(
            db.rows(
                "SELECT f.id, count(*) FROM folder f CROSS JOIN message m ON m.folder_id = f.id AND m.uid IS NULL"
                " WHERE f.local = 1 GROUP BY f.id"
            )
        )
    )
    bodyless = dict(db.rows(f"SELECT folder_id, count(*) FROM message WHERE has_body = 0 AND {ours} GROUP BY 1"))
    ahead = f"SELECT folder_id, count(*) FROM message WHERE index_seq > ? AND has_body > 0 AND {ours} GROUP BY 1"
    waiting = dict(db.rows(ahead, index_mark))
    found = dict[int, tuple[int, int, int]]()
    for folder, number in here.items():
        whole = number - bodyless.get(folder, 0)
        found[folder] = (number, whole, whole - waiting.get(folder, 0))
    return found


def addresses_from_json(text: str) -> tuple[Address, ...]:
    """The stored form of a list of addresses; the same few people write most of the mail."""
    return _remembered(text) if len(text) < _SHORT else _addresses(text)


@lru_cache(maxsize=2048)
def _remembered(text: str) -> tuple[Address, ...]:
    return _addresses(text)


def _addresses(text: str) -> tuple[Address, ...]:
    return tuple(Address(name, address) for name, address in json.loads(text))


def _ids(db: Db, where: str, below: int, limit: int, *values: Any) -> "array[int]":
    newest = f"SELECT id FROM message WHERE {where} AND id < ? ORDER BY id DESC LIMIT ?"
    text = db.value(f"SELECT group_concat(id) FROM ({newest})", *values, below, limit)
    return numbers(text) if text else array("q")


def numbers(text: str) -> "array[int]":
    """The numbers of SQLite's ``group_concat``."""
    return array("q", map(int, text.split(",")))


def _server(host: str, port: int, security: str, user: str) -> Server | None:
    return Server(host, port, Security(security), user) if host else None


def _account(row: tuple[Any, ...]) -> Account:
    route = Route(row[9])
    return Account(
        id=AccountId(row[0]),
        name=row[1],
        email=row[2],
        full_name=row[3],
        incoming=Incoming(row[4]),
        incoming_server=_server(*row[5:9]),
        route=route,
        submission=_server(*row[10:14]),
        direct=DirectOptions(row[14], row[15], bool(row[16]), row[26]),
        ca_file=row[17],
        pop=PopOptions(row[20], bool(row[21]), AccountId(row[22])),
        allow_plaintext=bool(row[18]),
        demo=bool(row[19]),
        policy=policy_from(row[23]),
        client_cert=row[24],
        rules=rules_from(row[25]),
        oauth=_kept(OAuth, row[27]) if row[27] else None,
        habits=_kept(Habits, row[28]) if row[28] else Habits(),
        identities=_identities(row[29]) if row[29] else (),
    )


def _identities(text: str) -> tuple[Identity, ...]:
    from mua.model.identity import identities_from  # for the accounts that have some

    return identities_from(text)


def _kept(kind: type[T], text: str) -> T:
    from mua.jsonable import from_json  # for the accounts that have such

    return from_json(kind, json.loads(text))


def _folder(row: tuple[Any, ...]) -> Folder:
    return Folder(
        id=FolderId(row[0]),
        account_id=AccountId(row[1]),
        name=row[2],
        delimiter=row[3],
        role=Role(row[4]),
        selectable=bool(row[5]),
        subscribed=bool(row[6]) if row[23] < 0 else bool(row[23]),
        state=FolderState(*row[7:12]),
        unread=row[12],
        total=row[13],
        with_body=row[14],
        problem=row[15],
        policy=policy_from(row[16]) if row[16] else None,
        space=Space(row[17]),
        prefix=row[18],
        object_id=row[19],
        octets=row[20],
        wanted=row[21],
        gone=bool(row[22]),
    )


def _unindexed(row: tuple[Any, ...]) -> Unindexed:
    return Unindexed(
        seq=row[0],
        id=MessageId(row[1]),
        subject=row[2],
        sender=addresses_from_json(row[3]),
        to=addresses_from_json(row[4]),
        cc=addresses_from_json(row[5]),
        has_body=bool(row[6]),
        list_id=row[7],
    )


def _row(row: tuple[Any, ...]) -> MessageRow:
    return MessageRow(
        id=MessageId(row[0]),
        account_id=AccountId(row[1]),
        folder_id=FolderId(row[2]),
        uid=row[3],
        sender=addresses_from_json(row[4]),
        to=addresses_from_json(row[5]),
        subject=row[6],
        date=row[7],
        flags=Flag(row[8]),
        keywords=tuple(row[9].split()),
        size=row[10],
        has_attachments=bool(row[11]),
        thread_id=ThreadId(row[12]),
        snippet=row[13],
        has_body=bool(row[14]),
        message_id=row[15],
        problem=row[16],
    )
