"""POP3, decided: every message is fetched once, whatever a server calls it, and only safe ones are deleted."""

from hypothesis import given
from hypothesis import strategies as st

from mua.plan.pop import Keyed, Listed, keyed, next_visit, to_delete, to_fetch

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


def test_only_what_is_safe_is_deleted_and_nothing_while_mail_is_left_there() -> None:
    there = keyed([Listed(1, "a", 10), Listed(2, "b", 10)])
    assert to_delete(there, {"a"}, leave_on_server=True) == ()
    assert to_delete(there, {"a", "elsewhere"}, leave_on_server=False) == (Keyed("a", 1, 10),)


def test_visits_after_failures_come_sooner_but_never_too_soon() -> None:
    assert next_visit(1000, 0, 300, 0, 0) == 1300
    assert [next_visit(0, failures, 300, 0, 0) for failures in (1, 2, 3, 5, 6, 1000)] == [15, 30, 60, 240, 300, 300]
    assert next_visit(0, 1, 300, 900, 0) == 900
    assert next_visit(0, 0, 300, 0, 1) == 330
