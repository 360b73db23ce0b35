"""Other programs' databases, read: the address books of Thunderbird and of Evolution.

Rules of the file: nothing is written, not even a journal; what such a file says is a stranger's, and asking it ends
after a bounded number of steps; a file that is no such database holds nothing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from mua.store.db import Db

STEPS = 200_000_000  # of SQLite's machine: minutes


def thunderbird_cards(path: Path) -> Iterator[tuple[str, dict[str, str], list[str]]]:
    """(UID, properties, mailing lists) of each card of an ``abook.sqlite``."""
    lists: dict[str, list[str]] = {}
    sql = "SELECT c.card, l.name FROM list_cards c JOIN lists l ON l.uid = c.list ORDER BY l.name"
    for card, name in _rows(path, sql):
        lists.setdefault(_text(card), []).append(_text(name))
    held, said = "", dict[str, str]()
    for card, name, value in _rows(path, "SELECT card, name, value FROM properties ORDER BY card"):
        if _text(card) != held:
            if said:
                yield held, said, lists.get(held, [])
            held, said = _text(card), {}
        said[_text(name)] = _text(value)
    if said:
        yield held, said, lists.get(held, [])


def evolution_cards(path: Path) -> Iterator[str]:
    """The vCards in Evolution's ``contacts.db``."""
    tables = _rows(path, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    for (table,) in list(tables):
        name = _text(table).replace('"', '""')
        columns = [_text(row[1]).lower() for row in _rows(path, f'PRAGMA table_info("{name}")')]
        if "vcard" in columns:
            for (card,) in _rows(path, f'SELECT vcard FROM "{name}"'):
                yield _text(card)


def _rows(path: Path, sql: str) -> Iterator[tuple[Any, ...]]:
    """Read only; what the other program has not written back yet is in its journal, which is read where it may be."""
    for how in ("mode=ro", "immutable=1"):
        try:
            flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
            connection = apsw.Connection(f"{path.resolve().as_uri()}?{how}", flags=flags)
        except apsw.Error:
            continue
        db = Db(connection)
        try:
            connection.execute("PRAGMA trusted_schema=OFF; PRAGMA query_only=ON")
            with db.within(STEPS):
                found = [tuple(row) for row in connection.execute(sql)]
        except apsw.Error:
            continue
        finally:
            db.close()
        yield from found
        return


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)
