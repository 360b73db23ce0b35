"""The laboratory for live tests: one for the whole run, a fresh profile and fresh users for every test."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import Lab, User, missing


@pytest.fixture(scope="session")
def _laboratory() -> Iterator[Lab]:
    reason = missing()
    if reason:
        pytest.skip(f"the mail laboratory {reason}")
    with Lab() as running:
        yield running


@pytest.fixture
def lab(_laboratory: Lab, request: pytest.FixtureRequest) -> Lab:
    """The running laboratory; when the test fails, the ends of the servers' logs are shown with it."""
    if request.node.get_closest_marker("msa") and not _laboratory.has_postfix:
        pytest.skip("Postfix needs several users, which only root can give it")
    request.node.add_marker(pytest.mark.live)
    request.node.stash[_LAB] = _laboratory, _laboratory.log_sizes()
    return _laboratory


_LAB = pytest.StashKey[tuple[Lab, dict[Path, int]]]()


@pytest.fixture
def profile(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A fresh profile folder; its engine, if one runs, is stopped afterwards, and its log must hold no surprise.

    A test that expects a warning says so: ``@pytest.mark.log_warning("part of it")``.
    """
    folder = lab.profile()
    yield folder
    lab.stop_engine(folder)
    expected = [part for mark in request.node.iter_markers("log_warning") for part in mark.args]
    surprises = [line for line in lab.warnings(folder) if not any(part in line for part in expected)]
    if surprises:
        pytest.fail("unexpected in the program's log:\n" + "\n".join(surprises), pytrace=False)


@pytest.fixture
def alice(lab: Lab) -> User:
    """A mailbox that nobody used before."""
    return lab.user("alice")


@pytest.fixture
def account(lab: Lab, profile: Path, alice: User) -> Iterator[User]:
    """alice's mailbox as the IMAP account "lab" of ``profile``, submission by STARTTLS; the engine is running."""
    with lab.engine(profile):
        lab.add_account(profile, alice).ok()
        yield alice


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, Any]:
    """Show the laboratory's logs beside a failure."""
    report = yield
    running, since = item.stash.get(_LAB, (None, None))
    if report.failed and running is not None and running.folder.is_dir():
        report.sections.append(("laboratory", running.tail(25, since)))
    return report
