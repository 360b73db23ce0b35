"""Sending later: what a typed time means where clocks are changed, what is proposed, and what is refused."""

import contextlib
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.plan.later import (
    DAY,
    FARTHEST,
    LATE,
    Clock,
    moment,
    offset_minutes,
    parse,
    problem,
    proposals,
    went_late,
    zone_words,
)

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
LORD_HOWE, KOLKATA = ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kolkata")


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("text", "zone", "instant", "clock"),
    [
        ("2026-12-01 09:00", BERLIN, "2026-12-01T08:00:00", Clock.PLAIN),
        ("2026-07-01 09:00", BERLIN, "2026-07-01T07:00:00", Clock.PLAIN),
        ("2026-12-01T09:00:30", NEW_YORK, "2026-12-01T14:00:30", Clock.PLAIN),
        ("2026-12-01 09:00", KOLKATA, "2026-12-01T03:30:00", Clock.PLAIN),
        ("2027-03-28 02:30", BERLIN, "2027-03-28T01:30:00", Clock.SKIPPED),  # shown as 03:30
        ("2027-03-28 01:59", BERLIN, "2027-03-28T00:59:00", Clock.PLAIN),
        ("2027-03-28 03:00", BERLIN, "2027-03-28T01:00:00", Clock.PLAIN),
        ("2026-10-25 02:30", BERLIN, "2026-10-25T00:30:00", Clock.TWICE),  # the first, in summer time
        ("2026-10-25 03:00", BERLIN, "2026-10-25T02:00:00", Clock.PLAIN),
        ("2026-11-01 01:30", NEW_YORK, "2026-11-01T05:30:00", Clock.TWICE),
        ("2026-10-04 02:15", LORD_HOWE, "2026-10-03T15:45:00", Clock.SKIPPED),  # half an hour only
        ("2026-12-01T09:00:00Z", BERLIN, "2026-12-01T09:00:00", Clock.PLAIN),
        ("2026-12-01t09:00:00.5z", BERLIN, "2026-12-01T09:00:00", Clock.PLAIN),
        ("2026-12-01T09:00:00+05:30", BERLIN, "2026-12-01T03:30:00", Clock.PLAIN),
        ("2026-10-25T02:30:00+01:00", BERLIN, "2026-10-25T01:30:00", Clock.PLAIN),  # the second: it is written
        (" 2026-12-01 09:00 ", BERLIN, "2026-12-01T08:00:00", Clock.PLAIN),
    ],
)
def test_what_a_time_means(text: str, zone: tzinfo, instant: str, clock: Clock) -> None:
    found = parse(text, zone)
    assert (found.at, found.clock) == (utc(instant), clock)


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "9:00", "2026-13-01 09:00", "2026-02-30 09:00", "2026-12-01", "2026-12-01 25:00",
     "1.12.2026 9:00", "2026-12-01 09:00 Europe/Berlin", "2026-12-01T09:00:00+99:00", "٢٠٢٦-12-01 09:00",
     "2026-12-01 09:00\n;"],
)  # fmt: skip
def test_what_is_no_time_gets_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is no time; a time is"):
        parse(text, BERLIN)


LOCAL = st.datetimes(datetime.fromisoformat("1971-01-02"), datetime.fromisoformat("2100-01-01"))


@given(LOCAL, st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, KOLKATA]))
def test_a_plain_time_is_what_the_clock_then_shows(local: datetime, zone: tzinfo) -> None:
    local = local.replace(microsecond=0)
    found = moment(local, zone)
    shown = datetime.fromtimestamp(found.at, zone).replace(tzinfo=None, fold=0)
    assert (shown == local) is (found.clock is not Clock.SKIPPED)
    assert shown - local <= timedelta(hours=1)


@given(st.text(max_size=40))
def test_nothing_typed_raises_anything_else(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse(text, BERLIN).clock in Clock


@pytest.mark.parametrize(
    ("at", "said"),
    [(-1, "past"), (0, "past"), (1, ""), (DAY, ""), (FARTHEST, ""), (FARTHEST + 1, "more than ten years")],
)
def test_the_past_and_a_slip_in_the_year_are_refused(at: int, said: str) -> None:
    found = problem(1_800_000_000 + at, 1_800_000_000)
    assert said in found
    assert bool(found) is bool(said)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-12-01 08:20", [("Later today", "2026-12-01 11:00"), ("Tomorrow morning", "2026-12-02 09:00"),
                              ("Monday morning", "2026-12-07 09:00")]),
        ("2026-12-01 18:59", [("Later today", "2026-12-01 21:00"), ("Tomorrow morning", "2026-12-02 09:00"),
                              ("Monday morning", "2026-12-07 09:00")]),
        ("2026-12-01 19:00", [("Tomorrow morning", "2026-12-02 09:00"), ("Monday morning", "2026-12-07 09:00")]),
        ("2026-12-01 23:30", [("Tomorrow morning", "2026-12-02 09:00"), ("Monday morning", "2026-12-07 09:00")]),
        ("2026-12-06 20:00", [("Tomorrow morning", "2026-12-07 09:00")]),  # a Sunday: that is Monday
        ("2026-12-07 20:00", [("Tomorrow morning", "2026-12-08 09:00"), ("Monday morning", "2026-12-14 09:00")]),
        ("2027-03-27 20:00", [("Tomorrow morning", "2027-03-28 09:00"), ("Monday morning", "2027-03-29 09:00")]),
    ],
)  # fmt: skip
def test_what_is_proposed(now: str, expected: list[tuple[str, str]]) -> None:
    made = proposals(parse(now, BERLIN).at, BERLIN)
    assert [(one.name, one.at) for one in made] == [(name, parse(when, BERLIN).at) for name, when in expected]


@given(st.integers(0, 4_000_000_000), st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE]))
def test_a_proposal_is_ahead_and_soon(now: int, zone: tzinfo) -> None:
    assert all(3600 < one.at - now <= 8 * DAY for one in proposals(now, zone))


def test_the_offset_is_that_of_the_time_not_of_today() -> None:
    assert offset_minutes(utc("2026-12-01T08:00:00"), BERLIN) == 60
    assert offset_minutes(utc("2026-07-01T08:00:00"), BERLIN) == 120
    assert offset_minutes(utc("2026-07-01T08:00:00"), NEW_YORK) == -240
    assert zone_words(utc("2026-12-01T08:00:00"), BERLIN) == "CET, UTC+01:00"
    assert zone_words(utc("2026-07-01T08:00:00"), NEW_YORK) == "EDT, UTC-04:00"
    assert zone_words(utc("2026-07-01T08:00:00"), LORD_HOWE) == "UTC+10:30"
    assert zone_words(utc("2026-07-01T08:00:00"), UTC) == "UTC"


def test_without_a_zone_it_is_the_computer_s() -> None:
    at = parse("2026-12-01 09:00").at
    assert datetime.fromtimestamp(at).strftime("%H:%M") == "09:00"  # noqa: DTZ006
    assert offset_minutes(at) == datetime.fromtimestamp(at).astimezone().utcoffset().total_seconds() // 60  # type: ignore[union-attr]


def test_late_is_what_nothing_ran_for() -> None:
    assert not went_late(1_000, 1_000)
    assert not went_late(1_000, 1_000 + LATE)
    assert went_late(1_000, 1_001 + LATE)
    assert not went_late(1_000, 500)
