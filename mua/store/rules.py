"""Rules and what they did: which there are, which new mail waits for them, and what was done to each message.

Rules of the file: new mail of an inbox is noted by a trigger as it comes, and is crossed off in the transaction that
carries the rules out, so that each message meets them once, whatever crashes in between.
"""

import json
from collections.abc import Iterator, Sequence

from mua.jsonable import from_json, to_json
from mua.model.account import AccountId
from mua.model.mail_rule import Facts, MailRule
from mua.model.message import MessageId
from mua.store.db import Db, Tx

PAGE = 2_000


def rules(db: Db) -> list[MailRule]:
    """All rules in the person's order; one that a newer program wrote otherwise is left out."""
    found: list[MailRule] = []
    for number, made_at, data in db.rows("SELECT id, made_at, data FROM rule ORDER BY position, id"):
        try:
            found.append(from_json(MailRule, json.loads(data) | {"id": number, "made_at": made_at}))
        except ValueError:
            continue
    return found


def put(tx: Tx, rule: MailRule, now: int) -> int:
    """Keep a rule: a new one (``id`` 0) at the end; returns its id."""
    data = json.dumps(to_json(rule), ensure_ascii=False)
    if rule.id and tx.run("UPDATE rule SET enabled = ?, data = ? WHERE id = ?", rule.enabled, data, rule.id):
        return rule.id
    place = "(SELECT coalesce(max(position), 0) + 1 FROM rule)"
    sql = f"INSERT INTO rule(position, enabled, made_at, data) VALUES ({place}, ?, ?, ?)"
    return tx.insert(sql, rule.enabled, now, data)


def remove(tx: Tx, rule_id: int) -> bool:
    """Forget a rule; what it did stays noted."""
    return bool(tx.run("DELETE FROM rule WHERE id = ?", rule_id))


def order(tx: Tx, ids: Sequence[int]) -> None:
    """The person's order."""
    tx.run_many("UPDATE rule SET position = ? WHERE id = ?", [(place, one) for place, one in enumerate(ids, 1)])


def waiting(db: Db) -> list[Facts]:
    """New mail that the rules have not seen."""
    few = "SELECT message_id FROM unruled ORDER BY message_id LIMIT ?"
    return [_facts(row) for row in db.rows(f"{_FACTS} WHERE m.id IN ({few}) ORDER BY m.id", PAGE)]


def seen(tx: Tx, ids: Sequence[int]) -> None:
    """The rules have seen these."""
    tx.run_many("DELETE FROM unruled WHERE message_id = ?", [(one,) for one in ids])


def note(tx: Tx, message_id: int, said: str, now: int) -> None:
    """What rules did to a message, in words."""
    tx.run("INSERT OR REPLACE INTO ruled(message_id, said, at) VALUES (?, ?, ?)", message_id, said, now)
    tx.changes.messages.add(message_id)


def said(db: Db, message_id: int) -> str:
    """What rules did to a message; empty: nothing."""
    return str(db.value("SELECT said FROM ruled WHERE message_id = ?", message_id) or "")


def since(db: Db, first: int) -> Iterator[Facts]:
    """All received mail from an id on, newest first, without what lies in bins, and what was sent or is written."""
    below = (1 << 63) - 1
    where = (
        "WHERE m.id >= ? AND m.id < ? AND m.shown_folder IN"
        " (SELECT id FROM folder WHERE role NOT IN ('sent', 'drafts', 'trash') AND space = '')"
        " ORDER BY m.id DESC LIMIT ?"
    )
    while page := db.rows(f"{_FACTS} {where}", first, below, PAGE):
        yield from map(_facts, page)
        below = page[-1][0]


_FACTS = (
    "SELECT m.id, m.account_id, m.sender, m.recipients, m.cc, m.subject, m.list_id, m.size, m.has_attachments"
    " FROM message m"
)


def _facts(row: Sequence[object]) -> Facts:
    number, account_id, sender, to, cc, subject, list_id, size, clip = row
    return Facts(
        int(str(number)), int(str(account_id)), _people(str(sender)), f"{_people(str(to))}, {_people(str(cc))}",
        str(subject), str(list_id), int(str(size)), bool(clip),
    )  # fmt: skip


def _people(text: str) -> str:
    return ", ".join(f"{name} <{address}>" for name, address in json.loads(text))


# ---- forwarding
def wish_forward(tx: Tx, message_id: int, address: str, rule: str) -> None:
    """Forward a message, once its bytes are here."""
    sql = "INSERT OR IGNORE INTO forwarding(message_id, address, rule) VALUES (?, ?, ?)"
    tx.run(sql, message_id, address, rule)


def to_forward(db: Db) -> list[tuple[MessageId, AccountId, str, str, str]]:
    """(message, account, its Message-ID, to whom, the rule's name) of what can be forwarded now."""
    sql = (
        "SELECT m.id, m.account_id, m.message_id, w.address, w.rule FROM forwarding w"
        " CROSS JOIN message m ON m.id = w.message_id WHERE m.has_body > 0 ORDER BY w.message_id LIMIT 100"
    )
    return [(MessageId(row[0]), AccountId(row[1]), row[2], row[3], row[4]) for row in db.rows(sql)]


def forwarded(tx: Tx, message_id: int, key: str, address: str, now: int) -> bool:
    """A message is forwarded now, or is not to be; False: one of this ``key`` (its Message-ID) was, to that address."""
    tx.run("DELETE FROM forwarding WHERE message_id = ? AND address = ?", message_id, address)
    sql = "INSERT OR IGNORE INTO forwarded(key, address, at) VALUES (?, ?, ?)"
    return bool(tx.run(sql, key, address.lower(), now))


def forwarded_since(db: Db, at: int) -> int:
    """How many messages rules forwarded since then."""
    return int(db.value("SELECT count(*) FROM forwarded WHERE at >= ?", at))
