"""The public halves of the keys that sign mail, and whether their records have been seen."""

from collections.abc import Iterable

from mua.model.dkim import Algorithm, DkimKey
from mua.store.db import Db, Tx

_COLUMNS = "domain, selector, algorithm, public, made_at, seen_at"


def keys(db: Db, domain: str = "") -> list[DkimKey]:
    """The keys of a domain (an A-label; empty: of all), the newest first, RSA before Ed25519."""
    where = "WHERE domain = ? " if domain else ""
    sql = f"SELECT {_COLUMNS} FROM dkim {where}ORDER BY domain, made_at DESC, algorithm DESC, selector"
    rows = db.rows(sql, *([domain] if domain else []))
    return [DkimKey(name, selector, Algorithm(kind), *rest) for name, selector, kind, *rest in rows]


def signing_keys(db: Db, domain: str) -> list[DkimKey]:
    """The keys that sign a domain's mail: of each algorithm the newest whose record was seen."""
    newest: dict[Algorithm, DkimKey] = {}
    for key in keys(db, domain):
        if key.seen_at:
            newest.setdefault(key.algorithm, key)
    return list(newest.values())


def add(tx: Tx, made: Iterable[DkimKey]) -> None:
    """Remember keys; their private halves are kept already."""
    for key in made:
        values = (key.domain, key.selector, key.algorithm, key.public, key.made_at, key.seen_at)
        tx.run(f"INSERT INTO dkim({_COLUMNS}) VALUES (?,?,?,?,?,?)", *values)


def set_seen(tx: Tx, key: DkimKey, at: int) -> None:
    """Its record was found (UTC seconds), or (0) is certainly not there."""
    tx.run("UPDATE dkim SET seen_at = ? WHERE domain = ? AND selector = ?", at, key.domain, key.selector)


def remove(tx: Tx, gone: Iterable[DkimKey]) -> None:
    """Forget keys."""
    for key in gone:
        tx.run("DELETE FROM dkim WHERE domain = ? AND selector = ?", key.domain, key.selector)
