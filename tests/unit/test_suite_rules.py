"""The rules that tests/conftest.py enforces, each tried on a small suite of its own, in one process and in two."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

WARNINGS = """
import logging, warnings, pytest
log = logging.getLogger("mua.store")

def test_unexpected():
    log.warning("disk is %s", "full")

@pytest.mark.log_warning("disk is")
def test_marked():
    log.warning("disk is full")

def test_looked_at(log_warnings):
    log.warning("disk is full")
    assert log_warnings == ["mua.store: disk is full"]
    log_warnings.clear()

def test_not_ours():
    log.info("all is well")
    logging.getLogger("other").warning("well")

def test_of_python():
    warnings.warn("old")
"""
SKIPPED = "import pytest\ndef test_a():\n    pytest.skip('no server')\ndef test_b():\n    pass\n"
EXCUSED = "import pytest\n@pytest.mark.may_skip('needs root')\ndef test_a():\n    pytest.skip('no server')\n"
WHOLE = "import pytest\npytest.skip('not here', allow_module_level=True)\n"
NO_REASON = "import pytest\n@pytest.mark.may_skip\n@pytest.mark.skip\ndef test_a():\n    pass\n"
CRASH = "import os\ndef test_a():\n    os.abort()\ndef test_b():\n    pass\n"
WHERE = "import os\ndef test_a():\n    print(os.environ.get('PYTEST_XDIST_WORKER', 'here'))\n"

both = pytest.mark.parametrize("workers", [0, 2])


def run(folder: Path, body: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on one test module, under a copy of our conftest.py and settings."""
    (folder / "tests").mkdir()
    (folder / "tests/conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    (folder / "tests/test_it.py").write_text(body)
    inherited = {name: value for name, value in os.environ.items() if name != "CI" and "XDIST" not in name}
    without = [word for name in ("cacheprovider", "pytest-qt", "hypothesispytest") for word in ("-p", f"no:{name}")]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", *without, *words],
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout.rstrip().splitlines()[-1]


@both
def test_an_unexpected_warning_fails_its_test(tmp_path: Path, workers: int) -> None:
    done = run(tmp_path, WARNINGS, f"-n{workers}")
    assert done.returncode == 1
    assert "mua.store: disk is full" in done.stdout
    for line in (
        "ERROR tests/test_it.py::test_unexpected",
        "PASSED tests/test_it.py::test_marked",
        "PASSED tests/test_it.py::test_looked_at",
        "PASSED tests/test_it.py::test_not_ours",
        "FAILED tests/test_it.py::test_of_python",
    ):
        assert f"\n{line}" in done.stdout
    assert "1 failed, 4 passed, 1 error" in done.stdout


@both
@pytest.mark.parametrize("body, ci, code", [(SKIPPED, "", 0), (SKIPPED, "1", 1), (EXCUSED, "1", 0)])
def test_a_skipped_test_is_counted_last_and_fails_the_run_in_ci_unless_excused(
    tmp_path: Path, workers: int, body: str, ci: str, code: int
) -> None:
    done = run(tmp_path, body, f"-n{workers}", CI=ci)
    assert done.returncode == code
    assert ("test_it.py::test_a: Skipped: no server" in done.stdout) == (code == 1)
    assert last_line(done) == "skipped tests: 1"


@both
def test_a_module_that_skips_itself_is_no_way_round(tmp_path: Path, workers: int) -> None:
    done = run(tmp_path, WHOLE, f"-n{workers}", CI="1")
    assert done.returncode != 0
    assert last_line(done) == "skipped tests: 1"


@both
def test_an_excuse_needs_a_reason(tmp_path: Path, workers: int) -> None:
    done = run(tmp_path, NO_REASON, f"-n{workers}")
    assert done.returncode == 1
    assert "may_skip needs a reason" in done.stdout


def test_a_worker_that_crashes_fails_the_run(tmp_path: Path) -> None:
    done = run(tmp_path, CRASH, "-n2")
    assert done.returncode == 1
    assert "crashed while running 'tests/test_it.py::test_a'" in done.stdout
    assert "1 failed, 1 passed" in done.stdout


@pytest.mark.parametrize("words, here", [((), False), (("tests",), False), (("tests/test_it.py",), True)])
@pytest.mark.parametrize("pdb", [False, True])
def test_one_file_runs_in_the_process_that_was_started(
    tmp_path: Path, words: tuple[str, ...], here: bool, pdb: bool
) -> None:
    done = run(tmp_path, WHERE, *words, *(["--pdb"] if pdb else []))
    assert done.returncode == 0
    assert ("\nhere\n" in done.stdout) == (here or pdb)


def test_no_module_of_the_tests_hides_one_of_the_standard_library() -> None:
    """Their folders go first on the path: a ``queue.py`` there ran whenever something asked for the real one."""
    mine = {path.stem for path in (ROOT / "tests").rglob("*.py")}
    assert not mine & sys.stdlib_module_names
