"""Every child process is started by one function, which knows how this very program was started."""

import re
import sys
from pathlib import Path

import pytest

from mua.paths import child_command

ROOT = Path(__file__).resolve().parents[2]


def test_only_one_place_knows_the_interpreter() -> None:
    named = [
        path for path in (ROOT / "mua").rglob("*.py") if re.search(r"\bsys\.executable\b", path.read_text("utf-8"))
    ]
    assert named == [ROOT / "mua/paths.py"]


def test_a_package_starts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert child_command("viewer") == [sys.executable, "-P", "-m", "mua", "viewer"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert child_command("viewer") == [sys.executable, "viewer"]
