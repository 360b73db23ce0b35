"""When a message comes back: what is proposed at each hour and day, and what is typed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mua.plan.snooze import parse, proposals

PARIS = ZoneInfo("Europe/Paris")


def at(text: str, zone: ZoneInfo = PARIS) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


def shown(now: str) -> list[tuple[str, str]]:
    return [
        (one.name, datetime.fromtimestamp(one.at, PARIS).strftime("%a %d %H:%M")) for one in proposals(at(now), PARIS)
    ]


def test_on_a_wednesday_morning() -> None:
    assert shown("2026-12-02T10:20") == [
        ("Later today", "Wed 02 18:00"),
        ("Tomorrow", "Thu 03 08:00"),
        ("This weekend", "Sat 05 08:00"),
        ("Next week", "Mon 07 08:00"),
    ]


def test_late_in_the_evening_today_is_not_proposed() -> None:
    assert [name for name, _ in shown("2026-12-02T22:20")] == ["Tomorrow", "This weekend", "Next week"]
    assert shown("2026-12-02T17:20")[0] == ("Later today", "Wed 02 20:00")


def test_what_falls_on_one_day_is_proposed_once() -> None:
    assert [one for one in shown("2026-12-04T10:00") if one[1].startswith("Sat")] == [("Tomorrow", "Sat 05 08:00")]
    assert [one for one in shown("2026-12-06T10:00") if one[1].startswith("Mon")] == [("Tomorrow", "Mon 07 08:00")]


@pytest.mark.parametrize(
    "text, meant",
    [
        ("3h", "2026-12-02T13:20"),
        ("in 2 days", "2026-12-04T10:20"),
        ("14:30", "2026-12-02T14:30"),
        ("9", "2026-12-03T09:00"),
        ("tomorrow", "2026-12-03T08:00"),
        ("Tomorrow 9", "2026-12-03T09:00"),
        ("today 17:00", "2026-12-02T17:00"),
        ("fri 9:15", "2026-12-04T09:15"),
        ("wednesday", "2026-12-09T08:00"),
        ("2027-01-05 07:00", "2027-01-05T07:00"),
    ],
)
def test_what_is_typed(text: str, meant: str) -> None:
    assert parse(text, at("2026-12-02T10:20"), PARIS) == at(meant)


@pytest.mark.parametrize(
    "text", ["", "soon", "t", "25:00", "today 9", "2020-01-01 09:00", "9999 weeks", "fri 9:75", "٣h"]
)
def test_what_is_no_time_to_come(text: str) -> None:
    assert parse(text, at("2026-12-02T10:20"), PARIS) is None


def test_mornings_are_mornings_when_the_clocks_change() -> None:
    now = int(datetime(2026, 3, 28, 11, tzinfo=UTC).timestamp())
    assert parse("tomorrow 9", now, PARIS) == at("2026-03-29T09:00")
