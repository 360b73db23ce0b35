"""The order of a grouped list: changed piece by piece it is what one pass over everything gives."""

from array import array
from collections.abc import Collection, Sequence

from hypothesis import given
from hypothesis import strategies as st

from mua.gui.conversation_rows import Order, changed, concerned, grouped, plain, spliced, thread_of
from mua.gui.day_rows import MEMBER, find, heading_rows, is_heading, is_member, message_of, with_headings

PERIODS = [(3_000, "Today"), (2_000, "Yesterday"), (1_000, "Last week"), (0, "Before")]


def order_of(mail: dict[int, int]) -> Order:
    """The order of a folder that holds these messages (id -> thread)."""
    ids = array("q", sorted(mail, reverse=True))
    return grouped(ids, array("q", (mail[one] for one in ids)))


def members(mail: dict[int, int], threads: Collection[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for one in sorted(mail, reverse=True):
        if mail[one] in threads:
            found.setdefault(mail[one], []).append(one)
    return found


mails = st.dictionaries(st.integers(1, 60), st.integers(1, 12), max_size=40)


def test_the_newest_of_each_thread_has_a_row() -> None:
    order = order_of({9: 1, 8: 2, 7: 1, 6: 3, 5: 2})
    assert (list(order.ids), list(order.threads), list(order.heads)) == ([9, 8, 7, 6, 5], [1, 2, 1, 3, 2], [9, 8, 6])
    assert (thread_of(order, 7), thread_of(order, 4), thread_of(plain(order.ids), 7)) == (1, 0, 0)


@given(mails, mails)
def test_what_changed_gives_the_same_as_everything(before: dict[int, int], after: dict[int, int]) -> None:
    """Arrivals, removals, threads that were tied together; each of them is named, as the store does."""
    asked = [one for one in {*before, *after} if before.get(one) != after.get(one)]
    belong = {one: after[one] for one in asked if one in after}
    found, touched = changed(order_of(before), asked, belong, lambda threads: members(after, threads))
    assert found == order_of(after)
    assert touched == {mail[one] for mail in (before, after) for one in asked if one in mail}


@given(mails, st.integers(1, 60))
def test_a_new_flag_changes_no_order(mail: dict[int, int], one: int) -> None:
    order = order_of(mail)
    belong = {one: mail[one]} if one in mail else {}
    found, touched = changed(order, [one], belong, lambda threads: members(mail, threads))
    assert found.heads is order.heads
    assert touched == set(belong.values())


@given(mails, mails)
def test_what_the_store_knows_already_waits_until_it_is_named(before: dict[int, int], after: dict[int, int]) -> None:
    """Members that are read may be newer than the list; a row is only what is listed."""
    asked = sorted(one for one in {*before, *after} if before.get(one) != after.get(one))
    first, rest = asked[::2], asked[1::2]

    def reads(threads: Sequence[int]) -> dict[int, list[int]]:
        return members(after, threads)

    half, _ = changed(order_of(before), first, {one: after[one] for one in first if one in after}, reads)
    assert set(half.heads) <= set(half.ids)
    whole, _ = changed(half, rest, {one: after[one] for one in rest if one in after}, reads)
    assert (whole.ids, whole.threads) == (order_of(after).ids, order_of(after).threads)
    assert whole.heads == order_of(after).heads


def at(second: int, sequence: int = 0) -> int:
    return second << 20 | sequence


@given(st.lists(st.tuples(st.integers(1, 4_000), st.integers(1, 8)), max_size=40), st.sets(st.integers(1, 8)))
def test_rows_of_open_conversations_are_found_among_the_others(mail: list[tuple[int, int]], opened: set[int]) -> None:
    told = {at(second, number): thread for number, (second, thread) in enumerate(mail)}
    order = order_of(told)
    several = [found for found in members(told, opened).values() if len(found) > 1]
    rows = spliced(with_headings(order.heads, PERIODS), several)
    assert [key for key in rows if not is_heading(key) and not is_member(key)] == list(order.heads)
    for head in order.heads:
        assert rows[find(rows, head)] == head
    for found in several:
        row = find(rows, found[0])
        assert [message_of(key) for key in rows[row : row + len(found)]] == found
        assert all(key >= MEMBER for key in rows[row + 1 : row + len(found)])
    assert heading_rows(rows, PERIODS) == [row for row, key in enumerate(rows) if is_heading(key)]
    assert find(rows, at(2_500, 999)) == -1


@given(mails, st.sets(st.integers(1, 60)))
def test_many_chosen_rows_are_gathered_in_one_pass(mail: dict[int, int], chosen: set[int]) -> None:
    order = order_of(mail)
    heads = chosen & set(order.heads)
    threads = {mail[one] for one in heads}
    alone = {one for one in chosen - heads if one in mail and mail[one] not in threads}
    assert set(concerned(order, heads, alone)) == alone | {one for one in mail if mail[one] in threads}
