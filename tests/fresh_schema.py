"""``python tests/fresh_schema.py`` writes ``mua/store/fresh.py`` anew: what the migrations together make of nothing.

Never necessary: a store that is made from an older one goes through the steps since then.  Each of these costs a new
profile a millisecond, and every test that makes one, too.
"""

import sys
from pathlib import Path

import apsw

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from mua.store import db, schema  # noqa: E402

HEAD = '''\
"""What the first ``VERSION`` steps of ``schema.MIGRATIONS`` make of an empty file, at once: that is quicker.

Written by ``tests/fresh_schema.py``, and compared with the steps by ``tests/store/test_schema.py``.
"""

VERSION = {version}

SCHEMA = r"""
{schema}
"""
'''


def by_steps(version: int = schema.VERSION) -> apsw.Connection:
    """A new cache.db, in memory, that went through the first ``version`` steps."""
    connection = apsw.Connection(":memory:")
    db.step_by_step(connection, 0, version)
    return connection


def statements(connection: apsw.Connection) -> list[str]:
    """What makes an empty file the same as this one, which holds nothing but a few rows of ``meta``."""
    made = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    rows = "SELECT key, value FROM meta ORDER BY key"
    return [
        *(sql for (sql,) in connection.execute(made)),
        *(f"INSERT INTO meta(key, value) VALUES ('{key}', {value})" for key, value in connection.execute(rows)),
    ]


def main() -> None:
    text = ";\n".join(statements(by_steps())) + ";"
    (ROOT / "mua/store/fresh.py").write_text(HEAD.format(version=schema.VERSION, schema=text))


if __name__ == "__main__":
    main()
