"""Rows with headings: built, found, and changed in the fewest steps."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from mua.gui.day_rows import Step, edited, find, heading_rows, insertion, is_heading, removal, steps, with_headings

PERIODS = [(3_000, "Today"), (2_000, "Yesterday"), (1_000, "Last week"), (0, "Before")]


def at(second: int, sequence: int = 0) -> int:
    return second << 20 | sequence


def vector(seconds: list[int]) -> "array[int]":
    return array("q", sorted((at(second, n) for n, second in enumerate(seconds)), reverse=True))


def apply(rows: "array[int]", found: list[Step]) -> "array[int]":
    rows = array("q", rows)
    for step in found:
        if step.keys is None:
            del rows[step.first : step.last + 1]
        else:
            rows[step.first : step.first] = step.keys
    return rows


def test_headings_stand_before_their_first_message() -> None:
    ids = array("q", [at(3_500), at(3_000), at(2_999), at(500)])
    assert list(with_headings(ids, PERIODS)) == [-3_000, at(3_500), at(3_000), -2_000, at(2_999), 0, at(500)]


def test_no_messages_no_headings() -> None:
    assert not with_headings(array("q"), PERIODS)


seconds = st.lists(st.integers(1, 4_000), max_size=60)


@given(seconds)
def test_every_message_is_found_and_no_other(times: list[int]) -> None:
    ids = vector(times)
    rows = with_headings(ids, PERIODS)
    assert [key for key in rows if not is_heading(key)] == list(ids)
    for key in ids:
        assert rows[find(rows, key)] == key
    assert find(rows, at(2_500, 999)) == -1
    assert heading_rows(rows, PERIODS) == [row for row, key in enumerate(rows) if is_heading(key)]


@given(seconds, seconds)
def test_steps_lead_from_any_list_to_any_other(before: list[int], after: list[int]) -> None:
    old, new = with_headings(vector(before), PERIODS), with_headings(vector(after), PERIODS)
    found = steps(old, new)
    assert found is not None
    assert apply(old, found) == new


@given(seconds, seconds, seconds)
def test_a_vector_is_edited_as_a_set_would_be(times: list[int], gone: list[int], came: list[int]) -> None:
    ids, without, also = vector(times), set(vector(gone)), set(vector(came))
    made = edited(ids, without, also)
    assert list(made) == sorted((set(ids) - without) | also, reverse=True)
    assert (made is ids) == (made == ids)


def test_one_arrival_is_one_step() -> None:
    ids = vector(list(range(1_000, 4_000)))
    old = with_headings(ids, PERIODS)
    newer = array("q", [at(3_999, 1 << 19)])
    newer.extend(ids)
    found = steps(old, with_headings(newer, PERIODS))
    assert found is not None
    assert [(step.first, step.last) for step in found] == [(1, 1)]


def test_another_order_asks_for_a_reset() -> None:
    assert steps(array("q", [3, 2, 1]), array("q", [1, 2, 3])) is None


@given(st.sets(st.integers(10, 60), min_size=1), st.lists(st.integers(10, 60), max_size=12))
def test_single_edits_give_the_rows_that_building_anew_gives(days: set[int], moves: list[int]) -> None:
    periods = [(day * 10, f"day {day}") for day in range(5, 0, -1)]
    ids = array("q", sorted(((day << 20) + 7 for day in days), reverse=True))
    rows = with_headings(ids, periods)
    for day in moves:
        one = (day << 20) + 7
        step = removal(rows, one) if one in ids else insertion(rows, one, periods)
        if step.keys is None:
            del rows[step.first : step.last + 1]
            ids.remove(one)
        else:
            assert step.last - step.first + 1 == len(step.keys)
            rows[step.first : step.first] = step.keys
            ids = array("q", sorted([*ids, one], reverse=True))
        assert rows == with_headings(ids, periods)


@given(st.sets(st.integers(10, 60)))
def test_the_oldest_first_is_the_same_turned_round(days: set[int]) -> None:
    periods = [(day * 10, f"day {day}") for day in range(5, 0, -1)]
    ids = array("q", sorted(((day << 20) + 7 for day in days), reverse=True))
    rows = with_headings(ids, periods, up=True)
    assert [key for key in rows if key > 0] == sorted(ids)
    assert heading_rows(rows, periods, up=True) == [row for row, key in enumerate(rows) if key <= 0]
    for row, key in enumerate(rows):
        assert key <= 0 or find(rows, key, up=True) == row
        below = [one for one in rows[:row] if one <= 0][-1:]
        assert key <= 0 or below == [next((-start for start, _ in periods if start <= key >> 20), None)] or not below
    assert find(rows, 1, up=True) == -1
