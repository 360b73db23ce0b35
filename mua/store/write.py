"""Every change of cache.db but the outbox (``store/dispatch.py``), as functions of a running transaction.

Rules of the file: each function records what it touched in ``tx.changes``; counters are the triggers' business; a wish
is compared with what is *shown*, so that wishing the same twice, or taking it back, leaves no trace.
"""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from mua.jsonable import to_json
from mua.model.account import Account, AccountId, Habits, Server, Side
from mua.model.address import Address
from mua.model.folder import FolderId, FolderState, Role, Space
from mua.model.identity import identities_text
from mua.model.ledger import Claim
from mua.model.message import SEQUENCE_BITS, Envelope, Flag, MessageId
from mua.model.policy import EVERYTHING, Keep, Policy
from mua.model.quota import Quota
from mua.model.way import Hop, Way, rules_from, rules_text
from mua.records import dataclass
from mua.store import ledger, tags
from mua.store.db import Tx
from mua.store.quiet import quiet_ones
from mua.store.schema import WISHED
from mua.store.threads import Threads, letters

NO_FLAGS = Flag(0)
FEW = 8  # addresses in a field, as nearly all mail has them
MAX_MID = 512  # octets of a Message-ID that are kept; longer ones exist only in attacks

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message that is about to have a row.  ``internaldate`` (UTC seconds) places it in every list.

    ``append``: it has to be put on the server (a sent copy, a draft, an import); then ``uid`` is None.
    ``object_id``: the server's name for these bytes, wherever it has them; empty: not told.
    ``snippet``: how its text begins, where that is known before the text is here.
    ``server_thread``: the server's name for its conversation; empty: not told.
    """

    envelope: Envelope
    internaldate: int
    size: int
    uid: int | None = None
    flags: Flag = NO_FLAGS
    keywords: tuple[str, ...] = ()
    append: bool = False
    object_id: str = ""
    snippet: str = ""
    server_thread: str = ""


@dataclass(frozen=True, slots=True)
class BodyFacts:
    """What the body of a message told, once it is here; ``place`` is what ``Bodies.put`` returned."""

    id: MessageId
    place: int
    snippet: str
    has_attachments: bool
    size: int
    reports: bool = False  # it may be a bounce or a receipt


def add_account(tx: Tx, account: Account) -> AccountId:
    """Insert an account; its name must be new (the caller checked)."""
    values = _account_values(account)
    marks = ", ".join("?" * len(values))
    names = ", ".join(values)
    tx.changes.accounts = True
    return AccountId(tx.insert(f"INSERT INTO account({names}) VALUES ({marks})", *values.values()))


def update_account(tx: Tx, account: Account) -> None:
    """Replace the settings of an account; its mail stays."""
    values = _account_values(account)
    names = ", ".join(f"{name} = ?" for name in values)
    tx.run(f"UPDATE account SET {names} WHERE id = ?", *values.values(), account.id)
    tx.changes.accounts = True


def order_accounts(tx: Tx, ids: Sequence[AccountId]) -> None:
    """The person's order; accounts that are not named come last, as they were."""
    last = len(ids)
    places = {one: place for place, one in enumerate(ids)}
    for (account_id,) in tx.rows("SELECT id FROM account ORDER BY position, id"):
        tx.run("UPDATE account SET position = ? WHERE id = ?", places.get(account_id, last), account_id)
    tx.changes.accounts = True


def set_role(tx: Tx, account_id: AccountId, folder_id: FolderId, role: Role) -> None:
    """Give a folder a role, which its account's other folder with it loses."""
    sql = "UPDATE folder SET role = '' WHERE account_id = ? AND role = ? AND id <> ? RETURNING id"
    tx.changes.folders.update(row[0] for row in tx.rows(sql, account_id, role, folder_id))
    tx.run("UPDATE folder SET role = ? WHERE id = ?", role, folder_id)
    tx.changes.folders.add(folder_id)
    tx.changes.accounts = True


def remove_account(tx: Tx, account_id: AccountId) -> list[int]:
    """Forget an account; returns the ids of its messages, whose bytes the caller deletes after the commit."""
    ids = [row[0] for row in tx.rows("SELECT id FROM message WHERE account_id = ?", account_id)]
    tx.changes.folders.update(row[0] for row in tx.rows("SELECT id FROM folder WHERE account_id = ?", account_id))
    ledger.record(tx, ids, Claim.ACCOUNT_REMOVED, tx.value("SELECT unixepoch()"))
    ledger.forget_account(tx, account_id)
    _forget_fetched(tx, account_id)
    tx.run("DELETE FROM message WHERE account_id = ?", account_id)
    tx.run("DELETE FROM account WHERE id = ?", account_id)
    for other, text in tx.rows("SELECT id, rules FROM account WHERE rules <> ''"):
        rules = tuple(one for one in rules_from(text) if one.way != Way(Hop.ACCOUNT, str(account_id)))
        tx.run("UPDATE account SET rules = ? WHERE id = ?", rules_text(rules), other)
    tx.changes.accounts = True
    tx.changes.removed.update(ids)
    return ids


def _forget_fetched(tx: Tx, account_id: AccountId) -> None:
    """What other POP3 accounts put into this one's inbox goes with it, by nobody's wish: they fetch it once more."""
    tx.run("DELETE FROM uidl WHERE message_id IN (SELECT id FROM message WHERE account_id = ?)", account_id)


def set_setting(tx: Tx, key: str, value: str) -> None:
    """Remember something about this profile."""
    tx.run("INSERT OR REPLACE INTO setting(key, value) VALUES (?, ?)", key, value)


def set_problem(
    tx: Tx, account_id: AccountId, code: str, text: str, detail: str = "", side: Side = Side.INCOMING
) -> None:
    """Say what is wrong with one side of an account."""
    sql = (
        "INSERT INTO problem(account_id, side, code, text, detail) VALUES (?,?,?,?,?)"
        " ON CONFLICT DO UPDATE SET code = excluded.code, text = excluded.text, detail = excluded.detail"
        " WHERE (code, text, detail) IS NOT (excluded.code, excluded.text, excluded.detail)"
    )
    if tx.run(sql, account_id, side, code, text, detail):
        tx.changes.accounts = True


def clear_problem(tx: Tx, account_id: AccountId, side: Side | None = None) -> None:
    """One side of an account, or both, works again, or is to be tried again."""
    if tx.run("DELETE FROM problem WHERE account_id = ?1 AND (?2 IS NULL OR side = ?2)", account_id, side):
        tx.changes.accounts = True


def set_mechanism(tx: Tx, account_id: AccountId, side: Side, mechanism: str) -> None:
    """By which mechanism this side's server let us in; empty: whatever it offers will be taken."""
    column = "in_mechanism" if side is Side.INCOMING else "out_mechanism"
    tx.run(f"UPDATE account SET {column} = ? WHERE id = ?", mechanism, account_id)


def set_synced(tx: Tx, account_id: AccountId, now: int) -> None:
    """Everything the server had was seen at ``now``."""
    tx.run("UPDATE account SET synced_at = ? WHERE id = ?", now, account_id)
    tx.changes.accounts = True


def set_quotas(tx: Tx, account_id: AccountId, quotas: Iterable[Quota]) -> None:
    """What the server says now about the room that the account has there."""
    tx.run("DELETE FROM quota WHERE account_id = ?", account_id)
    rows = [(account_id, one.root, one.resource, one.used, one.limit) for one in quotas]
    tx.run_many("INSERT INTO quota(account_id, root, resource, used, most) VALUES (?,?,?,?,?)", rows)
    tx.changes.accounts = True


def put_folder(
    tx: Tx,
    account_id: AccountId,
    name: str,
    *,
    role: Role = Role.NONE,
    delimiter: str = "/",
    selectable: bool = True,
    subscribed: bool = True,
    local: bool = False,
    create: bool = False,
    space: Space = Space.OWN,
    prefix: str = "",
    object_id: str = "",
) -> FolderId:
    """Insert a folder or bring its description up to date.  ``create``: it has to be made on the server.

    What is other people's begins with a policy of its own: headers only.
    """
    sql = (
        "INSERT INTO folder(account_id, name, role, delimiter, selectable, subscribed, local, want_create, space,"
        " prefix, object_id, policy) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(account_id, name) DO UPDATE SET"
        " role = excluded.role, delimiter = excluded.delimiter, selectable = excluded.selectable,"
        " subscribed = excluded.subscribed, want_create = excluded.want_create, space = excluded.space,"
        " prefix = excluded.prefix, object_id = excluded.object_id, problem = ''"
        " WHERE (role, delimiter, selectable, subscribed, want_create, space, prefix, object_id, problem) IS NOT"
        " (excluded.role, excluded.delimiter, excluded.selectable, excluded.subscribed, excluded.want_create,"
        " excluded.space, excluded.prefix, excluded.object_id, '')"
    )
    policy = str(Policy(Keep.HEADERS)) if space else ""
    values = (role, delimiter, selectable, subscribed, local, create, space, prefix, object_id, policy)
    changed = tx.run(sql, account_id, name, *values)
    folder_id = FolderId(tx.value("SELECT id FROM folder WHERE account_id = ? AND name = ?", account_id, name))
    if changed:
        tx.changes.folders.add(folder_id)
    return folder_id


def set_folder_state(tx: Tx, folder_id: FolderId, state: FolderState) -> None:
    """Record what the server said about a folder."""
    values = (state.uidvalidity, state.uidnext, state.highestmodseq, state.on_server, state.left_there)
    sql = (
        "UPDATE folder SET uidvalidity = ?, uidnext = ?, highestmodseq = ?, on_server = ?, left_there = ? WHERE id = ?"
    )
    tx.run(sql, *values, folder_id)
    tx.changes.folders.add(folder_id)


def set_folder_sizes(tx: Tx, account_id: AccountId, octets: dict[str, int]) -> None:
    """How large the folders of these names are on the server."""
    sql = "UPDATE folder SET octets = ?1 WHERE account_id = ?2 AND name = ?3 AND octets <> ?1 RETURNING id"
    for name, size in octets.items():
        tx.changes.folders.update(row[0] for row in tx.rows(sql, size, account_id, name))


def set_folder_problem(tx: Tx, folder_id: FolderId, problem: str) -> None:
    """Say what is wrong with one folder; empty: nothing."""
    if tx.run("UPDATE folder SET problem = ?1 WHERE id = ?2 AND problem <> ?1", problem, folder_id):
        tx.changes.folders.add(folder_id)


def set_policy(tx: Tx, account_id: AccountId, folder_id: FolderId | None, policy: Policy | None) -> None:
    """How much is fetched: of one folder (None: what its account says), or of every folder without its own policy.

    What the change concerns is compared with the server in full: a wider policy fetches what a narrower one left there.
    """
    if folder_id is not None:
        tx.run("UPDATE folder SET policy = ?, uidnext = 0 WHERE id = ?", str(policy or ""), folder_id)
        tx.changes.folders.add(folder_id)
        return
    tx.run("UPDATE account SET policy = ? WHERE id = ?", str(policy or EVERYTHING), account_id)
    concerned = "UPDATE folder SET uidnext = 0 WHERE account_id = ? AND policy = '' AND local = 0 RETURNING id"
    tx.changes.folders.update(row[0] for row in tx.rows(concerned, account_id))
    tx.changes.accounts = True


def rename_folder(tx: Tx, folder_id: FolderId, name: str) -> None:
    """The folder has another name on the server now; its messages are the same."""
    ((account_id, old, delimiter),) = tx.rows("SELECT account_id, name, delimiter FROM folder WHERE id = ?", folder_id)
    tx.run("UPDATE folder SET name = ? WHERE id = ?", name, folder_id)
    tx.changes.folders.add(folder_id)
    follow_name(tx, AccountId(account_id), old, name, delimiter)


def follow_name(tx: Tx, account_id: AccountId, old: str, new: str, delimiter: str) -> None:
    """What a person chose a folder for stays with it, and with those below it, under another name."""
    habits = json.loads(tx.value("SELECT habits FROM account WHERE id = ?", account_id) or "{}")
    roles = habits.get("roles", [])
    moved = [
        [role, new + name[len(old) :] if name == old or (delimiter and name.startswith(old + delimiter)) else name]
        for role, name in roles
    ]
    if moved != roles:
        tx.run("UPDATE account SET habits = ? WHERE id = ?", json.dumps(habits | {"roles": moved}), account_id)
        tx.changes.accounts = True


def remove_folder(tx: Tx, folder_id: FolderId, now: int) -> None:
    """The folder is gone; its messages go into the ledger, and wishes to move into it are taken back."""
    tx.run("UPDATE message SET want_folder_id = NULL WHERE want_folder_id = ?", folder_id)
    ids = [row[0] for row in tx.rows("SELECT id FROM message WHERE folder_id = ?", folder_id)]
    remove_messages(tx, [MessageId(one) for one in ids], Claim.FOLDER_REMOVED, now)
    tx.run("DELETE FROM folder WHERE id = ?", folder_id)
    tx.changes.folders.add(folder_id)


def add_messages(tx: Tx, account_id: AccountId, folder_id: FolderId, messages: Iterable[NewMessage]) -> list[MessageId]:
    """Insert messages, ascending by internal date; one whose uid the folder already has is left alone.

    Returns the ids in the order given; an existing message's id for one that was there already.
    """
    given = list(messages)
    known = _known(tx, folder_id, [new.uid for new in given if new.uid is not None])
    taken, places = set(known), list[int]()
    for place in sorted(range(len(given)), key=lambda one: (given[one].internaldate, given[one].uid or 0)):
        uid = given[place].uid
        if uid is None or uid not in taken:
            places.append(place)
            taken.add(uid)
    ids = dict(zip(places, _insert(tx, account_id, folder_id, [given[one] for one in places]), strict=True))
    known |= {given[place].uid: message_id for place, message_id in ids.items()}
    tx.changes.messages.update(ids.values())
    tx.changes.arrived.update(ids.values())
    tx.changes.folders.add(folder_id)
    return [ids[place] if place in ids else known[new.uid] for place, new in enumerate(given)]


_INSERT = (
    "INSERT INTO message(id, account_id, folder_id, uid, flags, keywords, size, internaldate, date, subject,"
    " sender, recipients, cc, message_id, refs, list_id, thread_id, has_attachments, want_append, object_id, snippet,"
    " shown_keywords, topic, bare, author, addressee, server_thread, index_seq) VALUES"
)


def _known(tx: Tx, folder_id: FolderId, uids: Sequence[int]) -> dict[int | None, MessageId]:
    """UID -> id of those that the folder has already."""
    found = tx.rows_of(f"SELECT uid, id FROM message WHERE folder_id = {int(folder_id)} AND uid IN", uids)
    return {uid: MessageId(message_id) for uid, message_id in found}


def _insert(tx: Tx, account_id: AccountId, folder_id: FolderId, news: Sequence[NewMessage]) -> list[MessageId]:
    """Insert messages that are ascending by date; returns their ids, which are ascending too."""
    sequence = _next_index_seq(tx, len(news))
    ids = _new_ids(tx, [max(new.internaldate, 0) for new in news])
    subjects = [_shown(new.envelope.subject) for new in news]
    threads = Threads(tx, letters(tx, account_id, news, ids, [told[1:] for told in subjects]), ids).ids()
    rows = [
        (*_row(new, told, message_id, thread_id, account_id, folder_id), sequence + number)
        for number, (new, told, message_id, thread_id) in enumerate(zip(news, subjects, ids, threads, strict=True), 1)
    ]
    tx.insert_all(_INSERT, rows)
    if quiet := quiet_ones(tx, threads):
        hushed = {one: quiet[thread_id] for one, thread_id in zip(ids, threads, strict=True) if thread_id in quiet}
        _keep_quiet(tx, account_id, folder_id, hushed)
    return ids


def _keep_quiet(tx: Tx, account_id: AccountId, folder_id: FolderId, hushed: dict[MessageId, bool]) -> None:
    """What comes in a muted conversation counts as read; in an ignored one (True) it leaves the inbox, too."""
    now = tx.value("SELECT unixepoch()")
    wish_flags(tx, list(hushed), Flag.SEEN, NO_FLAGS, now)
    sql = "SELECT a.id FROM folder f JOIN folder a ON a.account_id = f.account_id AND a.role = 'archive'"
    archive = tx.value(f"{sql} WHERE f.id = ? AND f.role = 'inbox'", folder_id)
    if archive is not None:
        wish_move(tx, [one for one, ignored in hushed.items() if ignored], FolderId(archive), now)
    settle_local(tx, account_id, now)


def _shown(subject: str) -> tuple[str, str, bool]:
    """A subject as lists show it, what it is about, and whether it says that it answers."""
    from mua.mime.subject import topic  # loaded by the first mail that comes
    from mua.mime.text import neutralise

    shown = neutralise(subject)
    return (shown, *topic(shown))


def _row(
    new: NewMessage,
    told: tuple[str, str, bool],
    message_id: MessageId,
    thread_id: int,
    account_id: AccountId,
    folder_id: FolderId,
) -> tuple[object, ...]:
    """The values of ``_INSERT`` but the last; what lists show can do nothing to them.  ``told``: see ``_shown``."""
    from mua.mime.text import neutralise

    envelope = new.envelope
    keywords = tags.legal(new.keywords) if new.keywords else ""
    (sender, author), (to, addressee) = _people(envelope.sender), _people(envelope.to)
    subject, about, answers = told
    return (
        message_id, account_id, folder_id, new.uid, int(new.flags), keywords, new.size,
        new.internaldate, new.internaldate if envelope.date is None else envelope.date, subject,
        sender, to, _people(envelope.cc)[0], envelope.message_id[:MAX_MID],
        " ".join(envelope.references), envelope.list_id, thread_id, envelope.attachment_hint, new.append,
        new.object_id, neutralise(new.snippet) if new.snippet else "", keywords, about,
        answers and not (envelope.references or new.server_thread), author, addressee, new.server_thread,
    )  # fmt: skip


def set_bodies(tx: Tx, bodies: Sequence[BodyFacts]) -> None:
    """The bytes of these messages are here (and durable)."""
    sequence = _next_index_seq(tx, len(bodies))
    there = tx.rows_of("SELECT id, size, shown_folder FROM message WHERE id IN", [one.id for one in bodies])
    sizes = {message_id: size for message_id, size, _ in there}
    tx.changes.messages.update(sizes)
    tx.changes.folders.update(folder_id or 0 for _, _, folder_id in there)
    told = sorted((one for one in bodies if one.id in sizes), key=lambda one: one.id)
    tx.update_all(
        "UPDATE message SET has_body = column2, snippet = column3, has_attachments = column4, index_seq = column5,"
        " want_body = 0",
        [
            (one.id, one.place, one.snippet, one.has_attachments, number)
            for number, one in enumerate(told, sequence + 1)
        ],
    )
    resized = [(one.size, one.id) for one in told if one.size != sizes[one.id]]  # few servers count wrongly
    tx.run_many("UPDATE message SET size = ? WHERE id = ?", resized)
    for facts in told:
        if facts.reports:
            tx.changes.reports |= bool(tx.run("UPDATE message SET reports = 1 WHERE id = ? AND reports = 0", facts.id))
    tx.changes.folders.discard(0)


def lost_body(tx: Tx, message_id: MessageId) -> None:
    """The bytes are not where they should be: fetch them again."""
    tx.run("UPDATE message SET has_body = 0, want_body = 1 WHERE id = ?", message_id)
    tx.changes.messages.add(message_id)


def index_again(tx: Tx, ids: Sequence[MessageId]) -> None:
    """The index has to see these messages once more."""
    sequence = _next_index_seq(tx, len(ids))
    tx.run_many(
        "UPDATE message SET index_seq = ? WHERE id = ?",
        [(sequence + number, one) for number, one in enumerate(ids, 1)],
    )


def want_body(tx: Tx, ids: Sequence[MessageId]) -> int:
    """A person waits for these bodies; returns how many are not here yet."""
    wanted = 0
    for one in ids:
        wanted += tx.run("UPDATE message SET want_body = 1 WHERE id = ? AND has_body = 0", one)
    return wanted


def set_server_flags(tx: Tx, folder_id: FolderId, news: Iterable[tuple[int, Flag, tuple[str, ...]]]) -> None:
    """What the server says about (uid, flags, keywords); bits with a wish keep the wish."""
    for uid, flags, keywords in news:
        sql = (
            "UPDATE message SET flags = ?1, want_set = want_set & ~?1, want_clear = want_clear & ?1"
            " WHERE folder_id = ?3 AND uid = ?4 AND (flags <> ?1 OR keywords <> ?2) RETURNING id"
        )
        named = tags.legal(keywords)
        found = tx.row(sql, int(flags), named, folder_id, uid)
        if found is not None:
            tags.server_said(tx, found[0], named)
            tx.changes.messages.add(found[0])
            tx.changes.folders.add(folder_id)


def flags_pushed(tx: Tx, ids: Iterable[MessageId], added: Flag, removed: Flag) -> None:
    """The server took these changes.  What is shown stays as the person has it *now*, which may be newer."""
    for one in ids:
        sql = (
            "UPDATE message SET flags = (flags | ?1) & ~?2,"
            " want_set = shown_flags & ~((flags | ?1) & ~?2),"
            " want_clear = ((flags | ?1) & ~?2) & ~shown_flags WHERE id = ?3"
        )
        if tx.run(sql, int(added), int(removed), one):
            tx.changes.messages.add(one)


def moved(tx: Tx, message_id: MessageId, folder_id: FolderId, uid: int | None) -> None:
    """The server has the message in ``folder_id`` now.  What is shown stays as the person has it *now*."""
    _absorb_twin(tx, message_id, folder_id, uid)
    old = tx.value("SELECT folder_id FROM message WHERE id = ?", message_id)
    sql = (
        "UPDATE message SET folder_id = ?1, uid = ?2,"
        " want_folder_id = CASE WHEN shown_folder IS NULL OR shown_folder = ?1 THEN NULL ELSE shown_folder END"
        " WHERE id = ?3"
    )
    if tx.run(sql, folder_id, uid, message_id):
        tx.run("DELETE FROM copying WHERE message_id = ?", message_id)
        tx.changes.messages.add(message_id)
        tx.changes.folders.update({folder_id, old})


def _absorb_twin(tx: Tx, keeper: MessageId, folder_id: FolderId, uid: int | None) -> None:
    """When a pull saw the arrival first, the older row, with its history and wishes, stays.

    What a person did to the newer one meanwhile is done to the older one, and what they did last stands, pushed or not;
    the flags are what the server told last.
    """
    twin = tx.value("SELECT id FROM message WHERE folder_id = ? AND uid = ? AND id <> ?", folder_id, uid, keeper)
    if twin is None:
        return
    tx.run(
        "UPDATE message AS k SET flags = t.flags,"
        " want_set = iif(t.wish_at > k.wish_at, t.want_set, ((k.want_set & ~t.want_clear) | t.want_set) & ~t.flags),"
        " want_clear = iif(t.wish_at > k.wish_at, t.want_clear,"
        " ((k.want_clear & ~t.want_set) | t.want_clear) & t.flags),"
        " want_folder_id = coalesce(t.want_folder_id, k.want_folder_id), want_gone = max(k.want_gone, t.want_gone)"
        " FROM (SELECT flags, want_set, want_clear, want_folder_id, want_gone, wish_at FROM message WHERE id = ?) AS t"
        " WHERE k.id = ?",
        twin,
        keeper,
    )
    tags.absorb(tx, keeper, twin)
    tx.run("DELETE FROM message WHERE id = ?", twin)
    tx.changes.messages.discard(twin)
    tx.changes.arrived.discard(twin)
    tx.changes.removed.add(twin)
    tx.changes.messages.add(keeper)


def appended(tx: Tx, message_id: MessageId, uid: int | None) -> None:
    """The server has a copy of a message that we put there; ``uid`` None: not told, the next pull finds it."""
    folder_id = tx.value("SELECT folder_id FROM message WHERE id = ?", message_id)
    _absorb_twin(tx, message_id, folder_id, uid)
    tx.run("UPDATE message SET uid = ?, want_append = 0 WHERE id = ?", uid, message_id)
    tx.changes.messages.add(message_id)


def learn_saves_sent(tx: Tx, account_id: AccountId, saves: bool) -> None:
    """The account's server was seen to file what is sent through it, or did not though it was expected to."""
    tx.run("UPDATE account SET server_saves_sent = ? WHERE id = ?", 1 if saves else -1, account_id)


def set_uid(tx: Tx, message_id: MessageId, uid: int | None) -> None:
    """The uid became known, or is not valid any more (UIDVALIDITY changed)."""
    tx.run("UPDATE message SET uid = ? WHERE id = ?", uid, message_id)
    tx.changes.messages.add(message_id)


def remove_messages(tx: Tx, ids: Sequence[MessageId], claim: Claim, now: int) -> None:
    """These rows disappear, with an entry in the ledger; the bytes stay until ``ledger.purgeable``."""
    ledger.record(tx, ids, claim, now)
    for one in ids:
        tx.changes.folders.add(tx.value("SELECT folder_id FROM message WHERE id = ?", one) or 0)
        tx.run("DELETE FROM message WHERE id = ?", one)
    tx.changes.folders.discard(0)
    tx.changes.removed.update(ids)
    tx.changes.messages.difference_update(ids)


_THESE = "SELECT value FROM json_each(?4)"
_WHERE = "id, coalesce(shown_folder, folder_id)"


def wish_flags(tx: Tx, ids: Sequence[MessageId], add: Flag, remove: Flag, now: int) -> None:
    """The person wants these flags set and cleared.

    What takes a wish back that is not pushed yet is a wish itself, though the server was never heard to have it: the
    engine may have died between the server's OK and our commit.
    """
    sql = (
        "UPDATE message SET want_set = ((shown_flags | ?1) & ~?2) & (~flags | want_clear),"
        " want_clear = (flags | want_set) & ~((shown_flags | ?1) & ~?2), wish_at = ?3, problem = ''"
        f" WHERE id IN ({_THESE}) AND (shown_flags | ?1) & ~?2 <> shown_flags RETURNING {_WHERE}"
    )
    _note(tx, tx.rows(sql, int(add), int(remove), now, json.dumps(list(ids))))


def wish_move(tx: Tx, ids: Sequence[MessageId], folder_id: FolderId, now: int) -> None:
    """The person wants these messages in ``folder_id`` (of the same account; the caller checked)."""
    _note_folders(tx, ids)
    sql = (
        "UPDATE message SET want_folder_id = CASE WHEN folder_id = ?1 THEN NULL ELSE ?1 END, want_gone = 0,"
        f" wish_at = ?2, problem = '' WHERE id IN ({_THESE.replace('?4', '?3')}) RETURNING {_WHERE}"
    )
    _note(tx, tx.rows(sql, folder_id, now, json.dumps(list(ids))))


def wish_gone(tx: Tx, ids: Sequence[MessageId], now: int) -> None:
    """The person wants these messages deleted for ever."""
    _note_folders(tx, ids)
    these = _THESE.replace("?4", "?2")
    sql = f"UPDATE message SET want_gone = 1, wish_at = ?1, problem = '' WHERE id IN ({these}) RETURNING {_WHERE}"
    _note(tx, tx.rows(sql, now, json.dumps(list(ids))))


def wish_refused(tx: Tx, ids: Sequence[MessageId], problem: str) -> None:
    """The server refuses: the message is shown where the server has it, with the reason; what was wished is noted."""
    for one in ids:
        _touched(tx, one)
        tx.run(
            "UPDATE message SET refused = json_array(want_folder_id, want_set, want_clear, want_gone, want_append,"
            " want_keywords), want_keywords = '', shown_keywords = keywords,"
            " want_folder_id = NULL, want_set = 0, want_clear = 0, want_gone = 0, want_append = 0, problem = ?"
            " WHERE id = ?",
            problem,
            one,
        )
        _touched(tx, one)


def settle_refused(tx: Tx, ids: Sequence[MessageId], *, again: bool, now: int) -> None:
    """The person has read why a wish was refused; ``again``: it is wished once more."""
    for one in ids:
        refused = tx.value("SELECT refused FROM message WHERE id = ? AND problem <> ''", one)
        if refused is None:
            continue
        _touched(tx, one)
        tx.run("UPDATE message SET problem = '', refused = '' WHERE id = ?", one)
        if again and refused:
            _wish_again(tx, one, json.loads(refused), now)
        _touched(tx, one)


def _wish_again(tx: Tx, message_id: MessageId, refused: Sequence[Any], now: int) -> None:
    """A folder that is gone by now is not wished; what the server has meanwhile is not either."""
    folder_id, added, cleared, gone, append, *keywords = refused
    sql = (
        "UPDATE message SET want_folder_id = (SELECT id FROM folder WHERE id = ?1 AND id <> folder_id),"
        " want_set = ?2 & ~flags, want_clear = ?3 & flags, want_gone = ?4, want_append = ?5 AND uid IS NULL,"
        " wish_at = ?6 WHERE id = ?7"
    )
    tx.run(sql, folder_id, added, cleared, gone, append, now, message_id)
    if keywords:
        tags.wish(tx, [message_id], keywords[0], now)


def settle_local(tx: Tx, account_id: AccountId, now: int) -> None:
    """Wishes in folders of this computer have no server to wait for: they are fulfilled now."""
    sql = (
        "SELECT m.id, m.want_folder_id, m.want_set, m.want_clear, m.want_gone, m.want_keywords FROM message m"
        f" JOIN folder f ON f.id = m.folder_id WHERE m.account_id = ? AND f.local = 1 AND ({WISHED})"
    )
    for one, folder_id, added, cleared, gone, keywords in tx.rows(sql, account_id):
        message_id = MessageId(one)
        if gone:
            remove_messages(tx, [message_id], Claim.DELETED, now)
            continue
        flags_pushed(tx, [message_id], Flag(added), Flag(cleared))
        tags.pushed(tx, [message_id], keywords)
        if folder_id is not None:
            moved(tx, message_id, FolderId(folder_id), None)


def _note(tx: Tx, touched: Iterable[Sequence[int]]) -> None:
    """These (message, folder) changed."""
    for message_id, folder_id in touched:
        tx.changes.messages.add(message_id)
        tx.changes.folders.add(folder_id)


def _note_folders(tx: Tx, ids: Sequence[MessageId]) -> None:
    """The folders that show these messages now are about to change."""
    sql = "SELECT DISTINCT coalesce(shown_folder, folder_id) FROM message WHERE id IN (SELECT value FROM json_each(?))"
    tx.changes.folders.update(row[0] for row in tx.rows(sql, json.dumps(list(ids))))


def _touched(tx: Tx, message_id: MessageId) -> None:
    tx.changes.messages.add(message_id)
    folder_id = tx.value("SELECT coalesce(shown_folder, folder_id) FROM message WHERE id = ?", message_id)
    if folder_id is not None:
        tx.changes.folders.add(folder_id)


def set_view(tx: Tx, message_id: MessageId, version: int, data: str) -> None:
    """Cache a MessageView (JSON)."""
    tx.run("INSERT OR REPLACE INTO view(id, version, data) VALUES (?, ?, ?)", message_id, version, data)
    tx.changes.messages.add(message_id)


def begin_view(tx: Tx, message_id: MessageId, version: int, data: str) -> None:
    """Cache the MessageView of a message's beginning (JSON), until there is one of the whole.

    Its version is negative, so that nobody takes it for the whole.
    """
    sql = (
        "INSERT INTO view(id, version, data) VALUES (?, ?, ?) ON CONFLICT(id)"
        " DO UPDATE SET version = excluded.version, data = excluded.data WHERE version <> -excluded.version"
    )
    tx.run(sql, message_id, -version, data)


def record_uidl(tx: Tx, account_id: AccountId, uidl: str, message_id: MessageId, now: int, digest: bytes = b"") -> None:
    """POP3: this UIDL was fetched; commit it together with its message.  ``digest``: SHA-256 of its bytes."""
    sql = "INSERT OR IGNORE INTO uidl(account_id, uidl, message_id, at, digest) VALUES (?, ?, ?, ?, ?)"
    tx.run(sql, account_id, uidl, message_id, now, digest)


def _people(addresses: tuple[Address, ...]) -> tuple[str, str]:
    """A list of addresses as it is stored, safe to show, and as it is sorted; the same few write most of the mail."""
    return _NOBODY if not addresses else _remembered(addresses) if len(addresses) <= FEW else _stored(addresses)


_NOBODY = ("[]", "")


@lru_cache(maxsize=2048)
def _remembered(addresses: tuple[Address, ...]) -> tuple[str, str]:
    return _stored(addresses)


def _stored(addresses: tuple[Address, ...]) -> tuple[str, str]:
    from mua.mime.subject import who
    from mua.mime.text import neutralise

    return _JSON([[neutralise(one.name), neutralise(one.address)] for one in addresses]), who(addresses)


def _account_values(account: Account) -> dict[str, str | int | None]:
    values: dict[str, str | int | None] = {
        "name": account.name,
        "email": account.email,
        "full_name": account.full_name,
        "incoming": account.incoming,
        "route": account.route,
        "ca_file": account.ca_file,
        "client_cert": account.client_cert,
        "allow_plaintext": account.allow_plaintext,
        "demo": account.demo,
        "policy": str(account.policy),
        "keep_days": account.pop.keep_days,
        "delete_with_ours": account.pop.delete_with_ours,
        "inbox_of": account.pop.inbox_of or None,
        "rules": rules_text(account.rules),
        "identities": identities_text(account.identities),
        "oauth": json.dumps(to_json(account.oauth)) if account.oauth else "",
        "habits": json.dumps(to_json(account.habits)) if account.habits != Habits() else "",
        "direct_dns": account.direct.dns,
        "direct_mx_port": account.direct.mx_port,
        "direct_allow_private": account.direct.allow_private_mx,
        "direct_ehlo": account.direct.ehlo,
    }
    values |= _server_values("in", account.incoming_server) | _server_values("out", account.submission)
    return values


def _server_values(prefix: str, server: Server | None) -> dict[str, str | int]:
    if server is None:
        return {f"{prefix}_host": "", f"{prefix}_port": 0}
    return {
        f"{prefix}_host": server.host,
        f"{prefix}_port": server.port,
        f"{prefix}_security": server.security,
        f"{prefix}_user": server.user,
    }


def _next_index_seq(tx: Tx, count: int) -> int:
    """Reserve ``count`` numbers; returns the one before the first."""
    return int(tx.value("UPDATE meta SET value = value + ? WHERE key = 'index_seq' RETURNING value", count)) - count


def _new_ids(tx: Tx, seconds: Sequence[int]) -> list[MessageId]:
    """Fresh ids within these seconds (ascending), each above every one that is or was used in its second."""
    within = "id BETWEEN value << ?1 AND (value + 1 << ?1) - 1"
    sql = (
        f"SELECT value, max(coalesce((SELECT max(id) FROM message WHERE {within}), 0),"
        f" coalesce((SELECT max(id) FROM removal WHERE {within}), 0)) FROM json_each(?2)"
    )
    last = dict(tx.rows(sql, SEQUENCE_BITS, json.dumps(sorted(set(seconds)))))
    ids = []
    for second in seconds:
        last[second] = max(second << SEQUENCE_BITS, last[second] + 1)
        ids.append(MessageId(last[second]))
    return ids
