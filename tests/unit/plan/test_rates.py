"""How fast mail may leave."""

import pytest

from mua.plan.rates import changed, free_at, limits


@pytest.mark.parametrize(
    "times, limit, at",
    [
        ([], 0, 1000),
        ([999] * 500, 0, 1000),  # no limit
        ([], 1, 1000),
        ([999], 1, 1059),
        ([940], 1, 1000),
        ([939, 941, 942], 3, 1000),
        ([941, 942, 943], 3, 1001),
        ([1, 2, 3, 970, 980], 2, 1030),
        ([2000], 1, 1000),  # the clock was set back
    ],
)
def test_a_message_waits_until_a_minute_has_room(times: list[int], limit: int, at: int) -> None:
    assert free_at(times, limit, 1000) == at


def test_limits_are_a_setting() -> None:
    text = changed(limits(changed({}, "", 100)), "slow.test", 5)
    assert limits(text) == {"": 100, "slow.test": 5}
    assert limits(changed(limits(text), "", 0)) == {"slow.test": 5}


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"a": "b", "c": -1, "d": 1e9, "e": 0}'])
def test_what_cannot_be_read_is_no_limit(text: str) -> None:
    assert limits(text) == {}
