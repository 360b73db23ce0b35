"""Some kills of the engine, in every test run (``./run chaos --kills 1000`` for more)."""

import pytest
from direct_storm import DirectStorm
from lab import Lab, missing
from storm import Storm, left_running

pytestmark = [pytest.mark.chaos, pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(600)]


def test_twenty_kills_lose_and_double_nothing() -> None:
    if reason := missing():
        pytest.skip(f"the mail laboratory {reason}")
    with Lab() as lab:
        storm = Storm(lab, seed=40)
        report = storm.run(kills=20)
        print(report)
        assert report.good, f"{report}\n{lab.tail(10)}"
        assert not left_running(storm.folder)


def test_thirty_kills_of_direct_delivery_lose_and_double_nothing() -> None:
    """Nor is another exchanger asked after a loss at the dot."""
    if reason := missing():
        pytest.skip(f"the mail laboratory {reason}")
    with Lab() as lab:
        storm = DirectStorm(lab, seed=41)
        report = storm.run(kills=30)
        print(report)
        assert report.good, f"{report}\n{lab.tail(10)}"
        assert report.unknown
        assert not left_running(storm.folder)
