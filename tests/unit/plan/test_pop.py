"""POP3, decided: every message is fetched once, whatever a server calls it, and only safe ones are deleted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.model.account import PopOptions
from mua.model.message import MessageId
from mua.plan.pop import (
    Fetched,
    Keyed,
    Listed,
    Ours,
    doubtful,
    header_print,
    keyed,
    known_as,
    next_visit,
    to_delete,
    to_fetch,
)

UIDS = st.sampled_from(["a", "b", "c", "a2", ""])
LISTINGS = st.lists(UIDS, max_size=8).map(lambda uids: [Listed(n, uid, 10) for n, uid in enumerate(uids, 1)])


def test_equal_unique_ids_are_messages_of_their_own() -> None:
    there = keyed([Listed(1, "x", 5), Listed(2, "x", 6), Listed(3, "y", 7), Listed(4, "x", 8)])
    assert [one.key for one in there] == ["x", "x 2", "y", "x 3"]
    assert to_fetch(there, {"x", "y"}, (), 100) == (Keyed("x 3", 4, 8), Keyed("x 2", 2, 6))


@given(LISTINGS)
def test_keys_are_unique_and_no_message_with_an_id_is_left_out(listing: list[Listed]) -> None:
    there = keyed(listing)
    assert len({one.key for one in there}) == len(there) == sum(bool(one.uid) for one in listing)


@given(LISTINGS, st.sets(st.sampled_from(["a", "a 2", "b", "c"])))
def test_fetching_twice_fetches_nothing_the_second_time(listing: list[Listed], known: set[str]) -> None:
    there = keyed(listing)
    fetched = to_fetch(there, known, (), 100)
    assert [one.number for one in fetched] == sorted((one.number for one in fetched), reverse=True)
    assert to_fetch(there, known | {one.key for one in fetched}, (), 100) == ()


def test_what_is_too_big_or_given_up_stays() -> None:
    there = keyed([Listed(1, "small", 10), Listed(2, "big", 1000), Listed(3, "bad", 10)])
    assert [one.key for one in to_fetch(there, (), {"bad"}, 100)] == ["small"]


DAY = 86_400
NOW = 1000 * DAY


def fetched(days_ago: int, ours: Ours = Ours.HERE) -> Fetched:
    return Fetched(MessageId(1), NOW - days_ago * DAY, b"", ours)


@pytest.mark.parametrize(
    ("options", "deleted"),
    [
        (PopOptions(), ""),
        (PopOptions(keep_days=0), "fresh old trashed gone"),
        (PopOptions(keep_days=14), "old"),
        (PopOptions(keep_days=15), ""),
        (PopOptions(delete_with_ours=True), "trashed gone"),
        (PopOptions(keep_days=14, delete_with_ours=True), "old trashed gone"),
    ],
)
def test_what_may_be_deleted_there(options: PopOptions, deleted: str) -> None:
    known = {
        "fresh": fetched(0), "old": fetched(14), "trashed": fetched(1, Ours.TRASHED), "gone": fetched(1, Ours.GONE),
        "not there": fetched(99),
    }  # fmt: skip
    there = keyed([Listed(n, uid, 10) for n, uid in enumerate(("fresh", "old", "trashed", "gone", "unknown"), 1)])
    assert " ".join(one.key for one in to_delete(there, known, options, NOW)) == deleted


def test_visits_after_failures_come_sooner_but_never_too_soon() -> None:
    assert next_visit(1000, 0, 300, 0, 0) == 1300
    assert [next_visit(0, failures, 300, 0, 0) for failures in (1, 2, 3, 5, 6, 1000)] == [15, 30, 60, 240, 300, 300]
    assert next_visit(0, 1, 300, 900, 0) == 900
    assert next_visit(0, 0, 300, 0, 1) == 330


@pytest.mark.parametrize(
    ("uids", "numbers"),
    [
        ("a b c", []),
        ("a b a", [1, 3]),
        ("1 2 3", [1, 2, 3]),
        ("1 2 4", []),
        ("1", [1]),
        ("- - -", [1, 2, 3]),
        ("a - c", [2]),
        ("", []),
    ],
)
def test_ids_that_tell_nothing_apart_are_not_relied_upon(uids: str, numbers: list[int]) -> None:
    listing = [Listed(n, uid.strip("-"), 10) for n, uid in enumerate(uids.split(), 1)]
    assert doubtful(listing) == numbers


def test_prints_replace_ids_and_equal_prints_are_counted() -> None:
    listing = [Listed(1, "same", 1), Listed(2, "same", 1), Listed(3, "own", 1), Listed(4, "same", 1)]
    there = keyed(listing, {1: "sha256:a", 2: "sha256:b", 4: "sha256:a"})
    assert [one.key for one in there] == ["sha256:a", "sha256:b", "own", "sha256:a 2"]
    assert [one.key for one in keyed([Listed(1, "x", 1)], {1: ""})] == [], "no print yet: it waits"


def test_a_print_does_not_change_when_the_server_marks_the_message() -> None:
    header = b"From: a@example.org\r\nSubject: x\r\n y"
    marked = header.replace(b"Subject", b"X-UID: 7\r\nStatus: RO\r\nSubject") + b"\r\nX-Keywords: a\r\n b\r\n"
    assert header_print(marked) == header_print(header) == header_print(header + b"\r\n")
    assert header_print(header) != header_print(header + b"y")
    assert header_print(b"Subject: Status: RO\r\n") != header_print(b"")


def test_bytes_that_come_under_a_new_id_are_the_same_message_unless_the_old_id_is_there_too() -> None:
    one, two = MessageId(1), MessageId(2)
    assert known_as([], {"new"}) is None
    assert known_as([("old", one)], {"new"}) == one
    assert known_as([("old", one)], {"new", "old"}) is None
    assert known_as([("old", one), ("older", two), ("new", one)], {"new", "newer"}) == two
