"""What holds for every test of the whole program: the logs of its engines, other processes, hold no surprise either."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SURPRISE = re.compile(r"^\S+ \S+ (?:WARNING|ERROR|CRITICAL) (mua\..*)", re.MULTILINE)


@pytest.fixture(autouse=True)
def engine_warnings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fails a test whose engines logged a warning that no ``@pytest.mark.log_warning("part of it")`` expects."""
    known = _sizes(tmp_path_factory.getbasetemp())
    yield
    expected = [part for mark in request.node.iter_markers("log_warning") for part in mark.args]
    for path, size in _sizes(tmp_path_factory.getbasetemp()).items():
        news = path.read_bytes()[known.get(path, 0) : size].decode(errors="replace")
        left = [line for line in SURPRISE.findall(news) if not any(part in line for part in expected)]
        if left:
            pytest.fail(f"unexpected warnings in {path}:\n  " + "\n  ".join(left), pytrace=False)


def _sizes(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_size for path in folder.glob("*/**/mua.log")}
