"""A thread that is there while there is work: begun by a poke, ended by itself, and by no failure."""

import threading

import pytest

from mua.engine import errand
from mua.engine.errand import Errand
from mua.errors import Kind, MailError, Retry

PATIENCE = 60.0


def threads(name: str) -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == name]


def test_it_begins_with_a_poke_and_ends_when_there_is_no_more() -> None:
    done = threading.Semaphore(0)
    made = Errand("once", lambda: done.release())
    assert threads("once") == []
    for _ in range(3):
        made.poke()
        assert done.acquire(timeout=PATIENCE)
        for one in threads("once"):
            one.join(PATIENCE)
        assert threads("once") == []
    made.stop()
    made.poke()
    assert threads("once") == [], "nothing begins after the end"


def test_a_poke_while_it_works_is_not_lost() -> None:
    begun, go_on, rounds = threading.Event(), threading.Event(), list[int]()

    def work() -> None:
        rounds.append(len(rounds))
        begun.set()
        assert go_on.wait(PATIENCE)

    made = Errand("busy", work)
    made.poke()
    assert begun.wait(PATIENCE)
    (thread,) = threads("busy")
    made.poke()
    go_on.set()
    thread.join(PATIENCE)
    assert rounds == [0, 1]
    assert threads("busy") == []


@pytest.mark.log_warning("broken")
@pytest.mark.parametrize("error", [MailError(Kind.LOCAL, Retry.SOON, "The disk is full."), ZeroDivisionError()])
def test_what_fails_is_done_again(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errand, "AGAIN", 0.01)
    rounds, done = list[int](), threading.Event()

    def work() -> None:
        rounds.append(len(rounds))
        if len(rounds) < 3:
            raise error
        done.set()

    made = Errand("broken", work)
    made.poke()
    assert done.wait(PATIENCE)
    made.stop()
    assert rounds == [0, 1, 2]


def test_it_ends_in_the_middle_of_a_pause() -> None:
    done = threading.Event()

    def work() -> float:
        done.set()
        return 3600.0

    made = Errand("patient", work)
    made.poke()
    assert done.wait(PATIENCE)
    (thread,) = threads("patient")
    made.stop()
    assert not thread.is_alive()
