"""How well mail to each domain was protected (``plan.protection.Level``): it never gets worse by itself, save that what
nobody proved is forgotten when it was not seen for long.
"""

from collections.abc import Collection

from mua.plan.preflight import Offer
from mua.plan.protection import Best, By, Level, lasting
from mua.plan.retry import DAY
from mua.store.db import Db, Tx


def best(db: Db, domain: str, now: int) -> Best:
    """The best that mail to a domain (an A-label, or an address literal) had, as it counts ``now`` (UTC seconds)."""
    return known(db, domain, now) or Best()


def known(db: Db, domain: str, now: int) -> Best | None:
    """The same, or None where no mail went there yet."""
    found = db.row("SELECT level, proof, seen FROM protection WHERE domain = ?", domain)
    return None if found is None else lasting(Best(Level(found[0]), By(found[1])), now - found[2])


def is_noted(db: Db, domain: str, one: Best, now: int) -> bool:
    """Whether it is known that mail to a domain went like this, and lately."""
    sql = "SELECT 1 FROM protection WHERE domain = ? AND level = ? AND proof = ? AND seen > ?"
    return db.row(sql, domain, one.level, one.by, now - DAY) is not None


def offer(db: Db, domain: str) -> Offer | None:
    """What an exchanger of the domain said last that it takes."""
    found = db.row("SELECT size, utf8 FROM offer WHERE domain = ?", domain)
    return None if found is None else Offer(found[0], bool(found[1]))


def offered(tx: Tx, domain: str, one: Offer) -> None:
    """An exchanger of the domain said this."""
    tx.run("INSERT OR REPLACE INTO offer(domain, size, utf8) VALUES (?,?,?)", domain, one.size, one.utf8)


def reached(tx: Tx, domain: str, one: Best, now: int) -> None:
    """Mail to a domain went like this."""
    if one.level >= best(tx, domain, now).level:
        sql = "INSERT INTO protection(domain, level, proof, seen) VALUES (?,?,?,?) ON CONFLICT(domain) DO UPDATE"
        sql += " SET level = excluded.level, proof = excluded.proof, seen = excluded.seen"
        tx.run(sql, domain, one.level, one.by, now)


def hold(tx: Tx, domain: str, held: bool) -> None:
    """Mail to a domain waits, or does not, because only less can be had than before."""
    tx.run("UPDATE protection SET held = ? WHERE domain = ?", held, domain)


def held(db: Db, domains: Collection[str]) -> frozenset[str]:
    """The domains, of these, for which mail waits because of that."""
    rows = db.rows_of("SELECT domain FROM protection WHERE held AND domain IN", tuple(domains))
    return frozenset(row[0] for row in rows)


def lower(tx: Tx, domain: str, now: int) -> None:
    """One level less is enough from now on, until there is more again: by the domain's word, or by a person's leave."""
    sql = "UPDATE protection SET level = max(level - 1, 0), proof = '', held = 0, seen = ? WHERE domain = ?"
    tx.run(sql, now, domain)
