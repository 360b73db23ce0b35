"""What holds for every test.

Rules of the suite, enforced here: an unexpected warning in one of Mua's logs fails the test that caused it; the
person's own profile, keyring and screen are never touched; the number of skipped tests is the last line printed; and
where ``CI`` is set a skipped test fails the run, unless the test says why it may be skipped.

Tests wait more than they work, so several pytest processes (pytest-xdist's workers) take them from one queue; each has
a home, a laboratory and fixtures of its own.  A test must therefore not rely on the one before it.
"""

import atexit
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from mua import masking

settings.register_profile("beside each other", deadline=None)  # a busy machine makes any example slow now and then
settings.load_profile("beside each other")

SHARED = Path(os.environ.get("MUA_SHARED") or Path(__file__).resolve().parents[2] / "shared")
MOST_WORKERS = 8

# Before anything imports Qt, keyring or mua.paths: these libraries read the environment once.
_HOME = tempfile.mkdtemp(prefix="mua-test-home-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
for _variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
    os.environ[_variable] = str(Path(_HOME) / _variable)
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
os.environ.setdefault("NO_AT_BRIDGE", "1")
if hasattr(os, "geteuid") and os.geteuid() == 0:
    os.environ["QTWEBENGINE_DISABLE_SANDBOX"] = "1"  # Chromium refuses to sandbox root, and dies instead


# -- beside each other -----------------------------------------------------------------------------------------------


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes run the tests: none but this one for a single file, so that a developer sees it as it runs."""
    named = {argument.partition("::")[0] for argument in config.args}
    if len(named) == 1 and named.pop().endswith(".py"):
        return 0
    return min(2 * (os.cpu_count() or 1), MOST_WORKERS)


# -- mail that lies beside the checkout ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """``shared("corpora")``: a folder of the mail collection beside the checkout; skips the test where it is absent."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"shared data absent: {name}")
        return path

    return find


# -- an unexpected warning is a failure ------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _secrets_of_one_test() -> Iterator[None]:
    """What a test's passwords mask in this process ends with it: one of them, "late", made "***r" of "later" in the
    words of another test's server.
    """
    before = set(masking._secrets)
    yield
    masking._secrets &= before


@pytest.fixture(autouse=True)
def log_warnings(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """The warnings and errors that Mua logged during the test, as "logger: message".

    A test that expects one either carries ``@pytest.mark.log_warning("part of it")`` or asks for this fixture, looks at
    the list and empties it.  What is left in the list at the end fails the test.
    """
    seen: list[str] = []
    make = logging.getLogRecordFactory()

    def watch(*args: object, **kwargs: object) -> logging.LogRecord:
        record = make(*args, **kwargs)
        if record.levelno >= logging.WARNING and record.name.split(".")[0] == "mua":
            seen.append(f"{record.name}: {record.getMessage()}")
        return record

    logging.setLogRecordFactory(watch)
    try:
        yield seen
    finally:
        logging.setLogRecordFactory(make)
    expected = [part for mark in request.node.iter_markers("log_warning") for part in mark.args]
    left = [line for line in seen if not any(part in line for part in expected)]
    if left:
        pytest.fail("unexpected warnings in the log:\n  " + "\n  ".join(left), pytrace=False)


# -- skipped tests are counted, and are not free ---------------------------------------------------------------------


class SkipCount:
    """Counts skipped tests; prints the count last; fails the run for the ones that nobody excused, where CI is set.

    It looks at reports only, because these come from all workers, and what is collected does not.
    """

    def __init__(self) -> None:
        self.skipped: dict[str, str] = {}
        self.excused: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that was skipped (not an expected failure), and whether it says why it may be."""
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped[report.nodeid] = _reason(report)
            if "may_skip" in report.keywords:
                self.excused.add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a module that skipped itself as a whole."""
        if report.skipped:
            self.skipped[report.nodeid] = _reason(report)

    @property
    def unexcused(self) -> dict[str, str]:
        """Skipped tests that neither say why they may be, nor lack the mail collection where there is none."""
        return {
            node: reason
            for node, reason in self.skipped.items()
            if node not in self.excused and not ("shared" in reason and not SHARED.is_dir())
        }

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Where CI is set, a skipped test is a failed run."""
        if os.environ.get("CI") and self.unexcused and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """The last lines of the run."""
        if os.environ.get("CI"):
            for node, reason in self.unexcused.items():
                print(f"not run, and CI has no excuse for it: {node}: {reason}")
        print(f"skipped tests: {len(self.skipped)}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """An excuse says something, or the test fails before it can be skipped."""
    if any(not mark.args for mark in item.iter_markers("may_skip")):
        pytest.fail("may_skip needs a reason", pytrace=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz", type=float, default=0, metavar="SECONDS", help="fuzz each protocol for so long")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # a worker's reports are counted where they are gathered
        config.pluginmanager.register(SkipCount(), "mua-skip-count")
