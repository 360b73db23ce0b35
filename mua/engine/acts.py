"""What a person does to messages: flags, moves, deletion, undo.  Each act is a wish in a row, durable when answered.

The worker is poked, and makes the server follow when it can; what is only local is settled at once.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from mua import wire
from mua.errors import Kind, MailError, Retry
from mua.model import tag
from mua.model.account import AccountId, Incoming
from mua.model.folder import Folder, FolderId, Role
from mua.model.message import SEQUENCE_BITS, Flag, MessageId, MessageRow
from mua.plan.roles import flags_of_way
from mua.store import bulk, history, read, tags, write
from mua.store.db import Tx

if TYPE_CHECKING:
    from mua.engine.main import Engine

Wish = Callable[[Tx, list[MessageId], int], None]


def set_flags(engine: Engine, command: wire.SetFlags) -> wire.Acted:
    """Wish flags."""
    add, remove = Flag(command.add), Flag(command.remove)
    label = _flag_label(add, remove, len(command.messages))

    def wish(tx: Tx, ids: list[MessageId], now: int) -> None:
        write.wish_flags(tx, ids, add, remove, now)

    return _act(engine, command.messages, label, add | remove, wish)


def tag_messages(engine: Engine, command: wire.TagMessages) -> wire.Acted:
    """Wish keywords."""
    if not all(tag.is_keyword(one) for one in (*command.add, *command.remove)):
        text = "A tag needs a name of letters and digits that a server can keep; nothing was changed."
        raise MailError(Kind.MESSAGE, Retry.ASK, text, code="bad-tag")
    wished = tag.wish(command.add, command.remove)
    name = command.name or ", ".join(command.add or command.remove)
    label = ("Tagged {} as {}" if command.add else "Removed the tag {1} of {0}").format(
        messages_words(len(command.messages)), name
    )

    def wish(tx: Tx, ids: list[MessageId], now: int) -> None:
        tags.wish(tx, ids, wished, now)

    return _act(engine, command.messages, label, Flag(0), wish, keywords=wished)


def _flag_label(add: Flag, remove: Flag, count: int) -> str:
    words = {
        (Flag.SEEN, True): "Marked {} as read",
        (Flag.SEEN, False): "Marked {} as unread",
        (Flag.FLAGGED, True): "Starred {}",
        (Flag.FLAGGED, False): "Removed the star of {}",
    }
    flag, added = (add, True) if add else (remove, False)
    return words.get((flag, added), "Changed {}").format(messages_words(count))


def messages_words(count: int) -> str:
    """So many messages."""
    return "1 message" if count == 1 else f"{count} messages"


def move_messages(engine: Engine, command: wire.MoveMessages) -> wire.Acted:
    """Wish another folder of the same account."""
    target = read.folder(engine.store.reader(), FolderId(command.folder_id))
    if target is None or not target.selectable:
        raise MailError(Kind.FOLDER, Retry.NEVER, "That folder is not there any more.", code="folder-gone")
    if any(row.account_id != target.account_id for row in placed(engine, command.messages)):
        text = "Messages can be moved within one account only; forward or copy them instead."
        raise MailError(Kind.MESSAGE, Retry.NEVER, text, code="other-account")
    label = f"Moved {messages_words(len(command.messages))} to {target.leaf}"
    return _move(engine, command.messages, label, lambda _: target)


def archive_messages(engine: Engine, command: wire.ArchiveMessages) -> wire.Acted:
    """Move each to its account's archive, or (``years``) to a folder below it for the year in which it came."""
    if not command.years:
        return _to_role(engine, command.messages, Role.ARCHIVE, "Archived {}")
    label = f"Archived {messages_words(len(command.messages))}"
    rows = placed(engine, command.messages)
    years: dict[tuple[AccountId, int], list[MessageId]] = defaultdict(list)
    for row in rows:
        years[row.account_id, year_of(row.id)].append(row.id)
    targets = {key: _year_folder(engine, *key) for key in years}

    def wish(tx: Tx, _: list[MessageId], now: int) -> None:
        for key, ids in years.items():
            write.wish_move(tx, ids, targets[key].id, now)

    return act(engine, [row.id for row in rows], label, Flag(0), wish, moved=True)


def year_of(message_id: MessageId) -> int:
    """The year in which a message came, by this computer's clock."""
    return time.localtime(message_id >> SEQUENCE_BITS).tm_year


def _year_folder(engine: Engine, account_id: AccountId, year: int) -> Folder:
    """The folder of a year below the account's archive, made where it is missing."""
    archive = folder_for(engine, account_id, Role.ARCHIVE)
    account = read.account(engine.store.reader(), account_id)
    local = account is None or account.incoming is not Incoming.IMAP
    name = f"{archive.shown.name}{archive.delimiter or '/'}{year}"
    with engine.store.write(durable=True) as tx:
        found = read.folder_named(tx, account_id, name)
        if found is None:
            write.put_folder(tx, account_id, name, delimiter=archive.delimiter, local=local, create=not local)
            found = read.folder_named(tx, account_id, name)
    assert found is not None
    return found


def junk_messages(engine: Engine, command: wire.JunkMessages) -> wire.Acted:
    """Move each to its account's junk folder, or out of it."""
    if command.junk:
        return _to_role(engine, command.messages, Role.JUNK, "Moved {} to Junk")
    return _to_role(engine, command.messages, Role.INBOX, "Marked {} as not junk")


def delete_messages(engine: Engine, command: wire.DeleteMessages) -> wire.Acted:
    """Move to the trash; what is there already, or is to go for ever, is wished gone."""
    rows = placed(engine, command.messages)
    for_ever = [row.id for row in rows if command.forever or row.role is Role.TRASH]
    rest: dict[AccountId, list[MessageId]] = defaultdict(list)
    for row in rows:
        if not (command.forever or row.role is Role.TRASH):
            rest[row.account_id].append(row.id)
    trashes = {account_id: folder_for(engine, account_id, Role.TRASH) for account_id in rest}

    def wish(tx: Tx, _: list[MessageId], now: int) -> None:
        write.wish_gone(tx, for_ever, now)
        for account_id, ids in rest.items():
            write.wish_move(tx, ids, trashes[account_id].id, now)

    label = f"Deleted {messages_words(len(rows))}" + ("" if rest else " for ever")
    return _act(engine, command.messages, label, Flag(0), wish, moved=True)


def _to_role(engine: Engine, messages: tuple[int, ...], role: Role, label: str) -> wire.Acted:
    text = label.format(messages_words(len(messages)))
    return _move(engine, messages, text, lambda account_id: folder_for(engine, account_id, role))


def _move(
    engine: Engine, messages: tuple[int, ...], label: str, target_of: Callable[[AccountId], Folder]
) -> wire.Acted:
    """Wish each into its account's target, with the flags that go with the way there."""
    ways: dict[tuple[AccountId, Role], list[MessageId]] = defaultdict(list)
    for row in placed(engine, messages):
        ways[row.account_id, row.role].append(row.id)
    targets = {account_id: target_of(account_id) for account_id, _ in ways}
    flags = {key: flags_of_way(key[1], targets[key[0]].role) for key in ways}

    def wish(tx: Tx, _: list[MessageId], now: int) -> None:
        for key, ids in ways.items():
            write.wish_flags(tx, ids, *flags[key], now)
            write.wish_move(tx, ids, targets[key[0]].id, now)

    changed = Flag(0)
    for add, remove in flags.values():
        changed |= add | remove
    return _act(engine, messages, label, changed, wish, moved=True)


def wish_into(tx: Tx, rows: Iterable[MessageRow], targets: Mapping[AccountId, Folder], now: int) -> None:
    """Each into its account's folder of these."""
    of_account: dict[AccountId, list[MessageId]] = defaultdict(list)
    for row in rows:
        of_account[row.account_id].append(row.id)
    for account_id, ids in of_account.items():
        write.wish_move(tx, ids, targets[account_id].id, now)


def folder_for(engine: Engine, account_id: AccountId, role: Role) -> Folder:
    """The account's folder of this role, made when it has none.

    On an IMAP server: as soon as it can be reached and has listed its folders; if one of them has the role, that one
    takes the place of ours (``engine/pull``).
    """
    found = read.folder_with_role(engine.store.reader(), account_id, role)
    if found is not None:
        return found
    account = read.account(engine.store.reader(), account_id)
    local = account is not None and account.incoming is not Incoming.IMAP
    with engine.store.write(durable=True) as tx:
        name = role.value.capitalize()
        write.put_folder(tx, account_id, name, role=role, local=local, create=not local)
    made = read.folder_with_role(engine.store.reader(), account_id, role)
    if made is None:
        raise MailError(Kind.BUG, Retry.NEVER, f"No folder for {role} could be made.", code="bug")
    return made


def _act(
    engine: Engine,
    messages: tuple[int, ...],
    label: str,
    changed: Flag,
    wish: Wish,
    *,
    moved: bool = False,
    keywords: str = "",
) -> wire.Acted:
    ids = [row.id for row in placed(engine, messages)]
    return act(engine, ids, label, changed, wish, moved=moved, keywords=keywords)


def act(
    engine: Engine,
    ids: list[MessageId],
    label: str,
    changed: Flag,
    wish: Wish,
    *,
    moved: bool = False,
    keywords: str = "",
) -> wire.Acted:
    """Note how these messages (which are there) are shown, make the wish, and have it carried out.

    A part of an act on very many counts as done in the same transaction: it is done once, whatever crashes.
    """
    now, part = engine.context.now(), engine.bulks.part
    with engine.store.write(durable=True) as tx:
        into = part.history_id if part is not None else None
        history_id = history.remember(tx, ids, label, changed, now, moved=moved, tags=keywords, into=into)
        wish(tx, ids, now)
        if part is not None:
            bulk.advance(tx, part.history_id, part.done)
    for account_id in read.accounts_of(engine.store.reader(), ids):
        engine.settle_local(account_id)
        engine.poke(account_id)
    return wire.Acted(history_id, label, tuple(ids))


def undo(engine: Engine, command: wire.Undo) -> wire.Acted:
    """Wish what was shown before."""
    if (many := engine.bulks.take_back(command.history_id)) is not None:
        return many
    with engine.store.write(durable=True) as tx:
        undone = history.undo(tx, command.history_id, engine.context.now())
    if undone is None:
        raise MailError(Kind.MESSAGE, Retry.NEVER, "There is nothing to undo.", code="nothing-to-undo")
    history_id, label, ids, accounts = undone
    accounts |= read.accounts_of(engine.store.reader(), ids)
    for account_id in map(AccountId, accounts):
        engine.settle_local(account_id)
        engine.poke(account_id)
    engine.snoozer.poke()
    return wire.Acted(history_id, f"Undone: {label}", tuple(ids))


def settle_refused(engine: Engine, command: wire.SettleRefused) -> wire.Done:
    """Forget why wishes were refused, or wish the same again."""
    rows = read.rows(engine.store.reader(), list(command.messages))
    with engine.store.write(durable=True) as tx:
        write.settle_refused(tx, [row.id for row in rows], again=command.again, now=engine.context.now())
    for account_id in {row.account_id for row in rows} if command.again else ():
        engine.settle_local(account_id)
        engine.poke(account_id)
    return wire.Done()


def rows_of(engine: Engine, ids: Iterable[int]) -> list[MessageRow]:
    """These rows; raises "no-such-message" when one is gone."""
    wanted = list(dict.fromkeys(ids))
    rows = read.rows(engine.store.reader(), wanted)
    if len(rows) != len(wanted) or not rows:
        raise _gone()
    return rows


def _gone() -> MailError:
    text = "A message is not there any more; it was moved or deleted elsewhere."
    return MailError(Kind.MESSAGE, Retry.NEVER, text, code="no-such-message")


def placed(engine: Engine, ids: Iterable[int]) -> list[read.Placed]:
    """Where these are, of however many; raises "no-such-message" when one is gone."""
    wanted = list(dict.fromkeys(ids))
    found = read.placed(engine.store.reader(), wanted)
    if len(found) != len(wanted) or not found:
        raise _gone()
    return found
