"""Where mail comes from: the servers that receive an account's, what was found out of signatures, and who is known."""

import json

from mua.jsonable import from_json, to_json
from mua.model.account import AccountId
from mua.model.evidence import Evidence
from mua.model.journey import NO_TRUST, Trust
from mua.model.message import MessageId
from mua.plan.acquaintance import Known
from mua.store.db import Db, Tx
from mua.store.read import addresses_from_json

SAMPLES = 100  # messages that are looked at to learn about an account's servers
NEWEST = 20_000  # messages in which somebody is known from


def trust(db: Db, account_id: AccountId) -> Trust:
    """What is known of the servers that receive an account's mail."""
    found = db.row("SELECT hosts, stampers, relays FROM receiving WHERE account_id = ?", account_id)
    return NO_TRUST if found is None else Trust(*(frozenset(names.split()) for names in found))


def learned_at(db: Db, account_id: AccountId) -> int:
    """When that was learned (UTC seconds; 0: never)."""
    return int(db.value("SELECT learned_at FROM receiving WHERE account_id = ?", account_id) or 0)


def set_trust(tx: Tx, account_id: AccountId, found: Trust, now: int) -> None:
    """That was learned."""
    sql = "INSERT OR REPLACE INTO receiving(account_id, hosts, stampers, relays, learned_at) VALUES (?,?,?,?,?)"
    names = (" ".join(sorted(one)) for one in (found.hosts, found.stampers, found.relays))
    tx.run(sql, account_id, *names, now)


def samples(db: Db, account_id: AccountId) -> list[tuple[MessageId, str]]:
    """Newest messages of an account's inbox whose bytes are here: (id, domain of the author)."""
    sql = (
        "SELECT id, sender FROM message"
        " WHERE shown_folder = (SELECT id FROM folder WHERE account_id = ? AND role = 'inbox')"
        " AND has_body > 0 AND size < 1000000 ORDER BY id DESC LIMIT ?"
    )
    found = [(MessageId(row[0]), addresses_from_json(row[1])) for row in db.rows(sql, account_id, SAMPLES)]
    return [(one, authors[0].address.rpartition("@")[2].lower()) for one, authors in found if authors]


def evidence(db: Db, message_id: MessageId) -> Evidence | None:
    """What was found out of a message's signatures; None: nobody looked."""
    found = db.value("SELECT data FROM evidence WHERE message_id = ?", message_id)
    return None if found is None else from_json(Evidence, json.loads(found))


def set_evidence(tx: Tx, message_id: MessageId, found: Evidence) -> None:
    """That was found out."""
    sql = "INSERT OR REPLACE INTO evidence(message_id, data) SELECT id, ? FROM message WHERE id = ?"
    tx.run(sql, json.dumps(to_json(found)), message_id)


_KNOWN = """
WITH newest AS (
  SELECT m.id AS id, m.sender AS sender, m.recipients AS recipients, f.role AS role
  FROM message m JOIN folder f ON f.id = m.folder_id WHERE f.role <> 'junk' ORDER BY m.id DESC LIMIT ?),
person AS (
  SELECT json_extract(p.value, '$[0]') AS name, json_extract(p.value, '$[1]') AS address, newest.id AS id, 0 AS written
  FROM newest, json_each(sender) p WHERE role <> 'sent'
  UNION ALL
  SELECT json_extract(p.value, '$[0]'), json_extract(p.value, '$[1]'), newest.id, 1
  FROM newest, json_each(recipients) p WHERE role = 'sent')
SELECT max(name), lower(address), min(CASE WHEN written THEN NULL ELSE id END), count(*) - sum(written), sum(written)
FROM person WHERE address <> '' GROUP BY lower(address)
"""


def known(db: Db) -> dict[str, Known]:
    """Who wrote, or was written to, in the newest mail, by address; junk makes nobody known.

    Takes longer than a frame: not for the window's own thread.
    """
    rows = db.rows(_KNOWN, NEWEST)
    return {row[1]: Known(row[0] or "", row[1], int(row[2] or 0), int(row[3]), int(row[4])) for row in rows}


def wrote_before(db: Db, address: str, message_id: MessageId) -> bool:
    """Whether an older message of the same author is here at all.  Looks through all rows: not for the window's."""
    like = address.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    sql = "SELECT sender FROM message WHERE id < ? AND sender LIKE ? ESCAPE '\\'"
    for (found,) in db.rows(sql, message_id, f'%"{like}"%'):
        if any(one.address.lower() == address.lower() for one in addresses_from_json(found)):
            return True
    return False
