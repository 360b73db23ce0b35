"""An engine that nobody uses ends when nothing is left to do, and not before the copy of what it has just sent is."""

import threading
from pathlib import Path

import pytest
from lab import until

from mua.engine import main
from mua.engine.lock import ProfileLock
from mua.paths import Profile


def test_the_copy_of_a_letter_for_later_has_its_time_when_the_letter_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUA_SECRETS", "session")
    profile = Profile(tmp_path / "p").create()
    engine = main.Engine(profile, ProfileLock(profile), stay=True)
    letters, wishes, looks = [True], [0], [0]

    def waiting(_: object) -> bool:
        looks[0] += 1
        return letters[0]

    def look_again() -> None:
        seen = looks[0]
        until(lambda: looks[0] > seen + 1 or engine._stopping.is_set(), "another look")

    monkeypatch.setattr(main.outbox, "waiting", waiting)
    monkeypatch.setattr(main.read, "wishes_pending", lambda _: wishes[0])
    monkeypatch.setattr(main, "FAREWELL_SECONDS", 0)  # the time that was given at the beginning is over
    running, leaving = threading.Thread(target=engine.run), threading.Thread(target=engine._leave)
    running.start()
    try:
        until(engine.upkeep._thread.is_alive, "the engine")
        leaving.start()
        look_again()
        monkeypatch.setattr(main, "FAREWELL_SECONDS", 3600)
        wishes[0], letters[0] = 1, False
        look_again()
        assert not engine._stopping.is_set()
        wishes[0] = 0
        leaving.join(60)
        assert engine._stopping.is_set()
    finally:
        engine.stop_soon()
        running.join(60)
