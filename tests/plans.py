"""Which questions to the store look through a whole table, as SQLite plans them, and how much work they are."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw

from mua.store.db import Db


@contextmanager
def scans(db: Db, *names: str) -> Iterator[list[str]]:
    """Afterwards, the statements of the block that looked through one of these tables (or aliases) without an index."""
    asked, guilty = list[tuple[str, Any]](), list[str]()
    db.connection.set_exec_trace(lambda _cursor, sql, values: asked.append((sql, values)) or True)
    try:
        yield guilty
    finally:
        db.connection.set_exec_trace(None)
    assert any(re.search(rf"\b{names[0]}\b", sql) for sql, _ in asked), "nothing was asked about it"
    whole = {f"SCAN {name}" for name in names}
    for sql, values in asked:
        if re.match(r"SELECT|UPDATE|DELETE|WITH", sql):
            plan = db.connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)
            guilty += [sql] if whole & {row[3] for row in plan} else []


@contextmanager
def work(db: Db) -> Iterator[dict[str, int]]:
    """Afterwards, the steps of SQLite's machine that each statement of the block took, the most where it ran often."""
    took = dict[str, int]()

    def ended(event: dict[str, Any]) -> None:
        steps = event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]
        took[event["sql"]] = max(steps, took.get(event["sql"], 0))

    db.connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, ended)
    try:
        yield took
    finally:
        db.connection.trace_v2(0)
