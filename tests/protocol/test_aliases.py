"""Files that aliases include: any user may keep one, and nothing of what only the engine can read comes out of it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mua.engine import aliases
from mua.engine.aliases import Aliases
from mua.plan.aliases import Expanded

pytestmark = pytest.mark.log_warning("alias")
SECRET = "secret@there.test, code(0)\n"


@pytest.fixture
def included(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mailname").write_text("here.test\n")
    (tmp_path / "aliases").write_text(f"list: :include:{tmp_path}/list\n")
    monkeypatch.setenv("MUA_ETC", str(tmp_path))
    return tmp_path / "list"


def expanded() -> Expanded:
    return Aliases().expanded(["list@here.test"])


def of_user(path: Path, mode: int) -> None:
    if os.geteuid() == 0:
        os.chown(path, 1234, -1)
    path.chmod(mode)


def closed(path: Path) -> None:
    """The engine's own, which a user's folder of lists leads to."""
    path.write_text(SECRET)
    of_user(path, 0o600)


def linked(path: Path) -> None:
    path.with_name("other").write_text(SECRET)
    path.symlink_to(path.with_name("other"))


def large(path: Path) -> None:
    path.write_text(SECRET + "#" * aliases.MAX_FILE)
    of_user(path, 0o644)


@pytest.mark.parametrize("make", [closed, linked, large, os.mkfifo, Path.mkdir, lambda path: None])
def test_what_is_no_list_is_as_if_it_were_not_there(included: Path, make: Callable[[Path], None]) -> None:
    make(included)
    found = expanded()
    assert found.recipients == ()
    [(origin, why)] = found.refused.items()
    assert origin == "list@here.test"
    assert "cannot be read" in why


def test_a_list_is_what_everybody_may_read(included: Path, log_warnings: list[str]) -> None:
    included.write_text("ann@there.test\nlaunch code(0), <x\n")
    of_user(included, 0o644)
    found = expanded()
    assert found.recipients == ("ann@there.test",)
    [(origin, why)] = found.refused.items()
    assert origin == "list@here.test"
    assert "code" not in why
    assert not [line for line in log_warnings if "code" in line]


def test_a_name_of_no_file(included: Path) -> None:
    included.with_name("aliases").write_text("list: :include:/\0\n")
    assert expanded().recipients == ()
