"""Keywords of messages: what the server said of them, what a person wishes, and the two put together as they are shown.

Rules of the file: a wish is words ``+name -name`` (``model.tag``); ``shown_keywords`` always is ``keywords`` with
``want_keywords``, and the table ``tag`` follows it by triggers.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import islice

from mua.jsonable import from_json
from mua.model import tag
from mua.model.message import MessageId
from mua.store.db import Db, Tx
from mua.store.read import setting

MOST = 200  # keywords of one message: more than servers let a folder have


def legal(keywords: Iterable[str]) -> str:
    """Keywords as they are stored: what is no atom, or one too many (a server that lies), is left out."""
    return " ".join(islice(filter(tag.is_keyword, keywords), MOST))


def put(tx: Tx, message_id: int, keywords: str, wished: str) -> bool:
    """Record what the server said and what is wished; True where that changes what is shown or wished."""
    shown = " ".join(tag.shown(keywords.split(), wished))
    sql = (
        "UPDATE message SET keywords = ?1, want_keywords = ?2, shown_keywords = ?3 WHERE id = ?4"
        " AND (keywords, want_keywords, shown_keywords) IS NOT (?1, ?2, ?3)"
    )
    return bool(tx.run(sql, keywords, wished, shown, message_id))


def server_said(tx: Tx, message_id: int, keywords: str) -> None:
    """What the server has of a message for which something is wished: what it has already is wished no more."""
    wished = tx.value("SELECT want_keywords FROM message WHERE id = ?", message_id) or ""
    put(tx, message_id, keywords, tag.unfulfilled(keywords.split(), wished))


def wish(tx: Tx, ids: Sequence[MessageId], wished: str, now: int) -> None:
    """The person wants these keywords set and cleared; what is taken back before it was pushed is a wish, too."""
    found = tx.rows_of("SELECT id, keywords, want_keywords, shown_keywords FROM message WHERE id IN", ids)
    for one, keywords, before, shown in found:
        fresh = tag.unfulfilled(shown.split(), wished)
        if fresh and put(tx, one, keywords, tag.joined(before, fresh)):
            tx.run("UPDATE message SET wish_at = ?, problem = '' WHERE id = ?", now, one)
            tx.changes.messages.add(one)


def pushed(tx: Tx, ids: Iterable[MessageId], done: str) -> None:
    """The server took these changes.  What is shown stays as the person has it *now*, which may be newer."""
    for one in ids:
        row = tx.row("SELECT keywords, want_keywords FROM message WHERE id = ?", one)
        if row is not None:
            there = tag.shown(row[0].split(), done)
            if put(tx, one, " ".join(there), tag.without(row[1], done)):
                tx.changes.messages.add(one)


def refused(tx: Tx, ids: Iterable[MessageId], problem: str) -> None:
    """The server does not keep such keywords: the message is shown as it is there, with the reason."""
    for one in ids:
        row = tx.row("SELECT keywords, want_keywords FROM message WHERE id = ?", one)
        if row is None or not row[1]:
            continue
        put(tx, one, row[0], "")
        sql = "UPDATE message SET problem = ?, refused = json_array(NULL, 0, 0, 0, 0, ?) WHERE id = ?"
        tx.run(sql, problem, row[1], one)
        tx.changes.messages.add(one)


def absorb(tx: Tx, keeper: int, twin: int) -> None:
    """What was wished of ``twin`` is wished of ``keeper``, which has its place on the server from now on."""
    sql = "SELECT keywords, want_keywords, wish_at FROM message WHERE id = ?"
    old, new = tx.row(sql, keeper), tx.row(sql, twin)
    if old is not None and new is not None:
        wished = new[1] if new[2] > old[2] else tag.joined(old[1], new[1])
        put(tx, keeper, new[0], tag.unfulfilled(new[0].split(), wished))


def known(db: Db) -> list[tuple[str, int]]:
    """Every keyword that a message shows, and how many do; most first."""
    return [
        (name, int(number)) for name, number in db.rows("SELECT name, count(*) FROM tag GROUP BY name ORDER BY 2 DESC")
    ]


IMPORTED = "imported_tags"
"""Under which key the engine remembers the next."""


def imported(db: Db) -> tuple[tag.Tag, ...]:
    """Tags as other programs called them whose mail was imported."""
    return tuple(from_json(tag.Tag, one) for one in json.loads(setting(db, IMPORTED) or "[]"))
