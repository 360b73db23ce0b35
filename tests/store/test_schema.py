"""A new profile is what an old one becomes: what is made at once, and what the migrations make."""

from pathlib import Path

import apsw
import fresh_schema
import pytest

from mua.paths import Profile
from mua.store import db, fresh, schema
from mua.store.db import Store


def everything(connection: apsw.Connection) -> dict[str, list[tuple[object, ...]]]:
    """Each object of the schema in SQLite's own words, and each table's columns and rows."""
    made = [tuple(row) for row in connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema")]
    found: dict[str, list[tuple[object, ...]]] = {"schema": sorted(made, key=str)}
    for _, name, _, _ in (row for row in made if row[0] == "table"):
        found[f"columns of {name}"] = [tuple(row) for row in connection.execute(f"PRAGMA table_xinfo({name})")]
        found[f"rows of {name}"] = sorted((tuple(row) for row in connection.execute(f"SELECT * FROM {name}")), key=str)
    return found


def test_what_is_made_at_once_is_what_the_steps_make(tmp_path: Path) -> None:
    Store(Profile(tmp_path)).close()
    made = apsw.Connection(str(Profile(tmp_path).cache_db))
    assert everything(made) == everything(fresh_schema.by_steps())
    assert made.execute("PRAGMA user_version").get == schema.VERSION


def test_what_is_made_at_once_may_lag_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that is new leaves ``fresh`` as it is: the store goes through that step."""
    monkeypatch.setattr(fresh, "VERSION", 36)
    monkeypatch.setattr(fresh, "SCHEMA", ";\n".join(fresh_schema.statements(fresh_schema.by_steps(36))) + ";")
    made = apsw.Connection(":memory:")
    db.migrate(made)
    assert everything(made) == everything(fresh_schema.by_steps())


def test_a_file_with_something_in_it_is_not_overwritten(tmp_path: Path) -> None:
    """Half of a schema under version 0, which nothing of ours leaves: an error, and every byte as it was."""
    profile = Profile(tmp_path).create()
    connection = apsw.Connection(str(profile.cache_db))
    connection.execute("CREATE TABLE meta(key TEXT, value TEXT); INSERT INTO meta VALUES ('mine', 'kept')")
    connection.close()
    with pytest.raises(Exception, match="did not do what it should"):
        Store(profile)
    kept = apsw.Connection(str(profile.cache_db))
    assert kept.execute("SELECT * FROM meta").fetchall() == [("mine", "kept")]
    assert kept.execute("PRAGMA user_version").get == 0
