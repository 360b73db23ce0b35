"""The schedule of deferred mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.plan.retry import DAY, EXPIRY, HOUR, MINUTE, delay, hint, next_attempt, postponed

LOTS = st.floats(0, 1)


def test_soon_at_first_then_every_four_hours() -> None:
    assert [delay(n, 0.5) for n in range(1, 9)] == [
        MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 4 * HOUR
    ]  # fmt: skip


@given(st.integers(7, 1000), LOTS)
def test_late_attempts_are_spread_by_a_fifth(attempts: int, lot: float) -> None:
    assert 0.8 * 4 * HOUR <= delay(attempts, lot) <= 1.2 * 4 * HOUR


def test_a_steady_refusal_is_given_up_after_four_days() -> None:
    now, attempts = 1_000_000, 0
    while True:
        attempts += 1
        due = next_attempt(attempts=attempts, since=1_000_000, now=now, lot=0.5)
        if due is None:
            break
        now = due
    assert EXPIRY <= now - 1_000_000 < EXPIRY + 5 * HOUR
    assert 25 <= attempts <= 35


def test_days_without_a_network_do_not_cost_the_tries() -> None:
    assert next_attempt(attempts=1, since=0, now=9 * DAY, lot=0.5) == 9 * DAY + MINUTE


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("4.2.0 Greylisted, try again in 5 minutes", 300),
        ("4.7.1 Greylisting in action, please come back in 00:04:30", 270),
        ("4.7.1 please retry in 90 seconds", 90),
        ("4.7.1 try again after 10s", 60),
        ("greylisted for 2 hours", 2 * HOUR),
        ("try again in 99999 hours", 4 * HOUR),
        ("Please wait 7 minutes and try again", 420),
        ("4.3.0 try again later", None),
        ("4.2.2 mailbox over quota in 3 folders", None),
        ("", None),
    ],
)
def test_hints(text: str, seconds: int | None) -> None:
    assert hint(text) == seconds


@given(st.text(max_size=200))
def test_a_hint_is_never_absurd(text: str) -> None:
    assert hint(text) is None or MINUTE <= (hint(text) or 0) <= 4 * HOUR


@given(st.integers(1, 200), st.integers(0, 10**9), st.integers(0, 10 * DAY), LOTS, st.text(max_size=50))
def test_the_next_attempt_lies_ahead(attempts: int, queued: int, age: int, lot: float, text: str) -> None:
    due = next_attempt(attempts=attempts, since=queued, now=queued + age, lot=lot, text=text)
    assert due is None or queued + age + MINUTE <= due <= queued + age + 5 * HOUR
    assert due is not None or age >= EXPIRY


def test_tries_that_do_not_count_come_back_quickly() -> None:
    assert [postponed(n, 100) - 100 for n in (0, 1, 2, 9)] == [30, 30, 60, 15 * MINUTE]
