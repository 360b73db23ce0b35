"""Which messages of a conversation are open, which are lines, which are only counted."""

from mua.model.account import AccountId
from mua.model.folder import FolderId
from mua.model.message import Flag, MessageId, MessageRow, ThreadId
from mua.plan.conversation import MORE, OPEN, Gap, Letter, lay_out, members, more, opened_first

INBOX, SENT, TRASH = FolderId(1), FolderId(2), FolderId(3)


def row(number: int, folder: FolderId = INBOX, flags: Flag = Flag.SEEN, message_id: str = "") -> MessageRow:
    return MessageRow(
        MessageId(number), AccountId(1), folder, number, (), (), "", number, flags, (), 10, False, ThreadId(1), "",
        True, message_id or f"{number}@x",
    )  # fmt: skip


def shape(pieces: list[Letter | Gap]) -> list[int | str]:
    """An open letter is its number, a folded one minus that, a gap how many it hides."""
    return [
        f"{len(one.rows)} more" if isinstance(one, Gap) else int(one.row.id) * (1 if one.open else -1) for one in pieces
    ]


def test_read_messages_are_lines_and_the_newest_is_open() -> None:
    rows = [row(1), row(2), row(3)]
    assert shape(lay_out(rows, opened_first(rows, MessageId(3)))) == [-1, -2, 3]


def test_what_is_unread_is_open_and_so_is_what_was_chosen() -> None:
    rows = [row(1), row(2, flags=Flag(0)), row(3), row(4)]
    assert shape(lay_out(rows, opened_first(rows, MessageId(1)))) == [1, 2, -3, 4]


def test_a_draft_that_was_never_read_is_not_opened_for_that() -> None:
    rows = [row(1, flags=Flag.DRAFT), row(2), row(3)]
    assert opened_first(rows, MessageId(2)) == {2, 3}


def test_of_hundreds_unread_a_few_are_open_and_few_pieces_are_laid_out() -> None:
    rows = [row(number, flags=Flag(0)) for number in range(1, 501)]
    opened = opened_first(rows, MessageId(250))
    assert len(opened) == OPEN
    assert {250, 500, 499} <= opened
    assert len(lay_out(rows, opened)) < 30


def test_a_long_stretch_is_counted_and_comes_in_parts() -> None:
    rows = [row(number) for number in range(1, 101)]
    pieces = lay_out(rows, {MessageId(100)})
    assert shape(pieces) == [-1, -2, "95 more", -98, -99, 100]
    gap = pieces[2]
    assert isinstance(gap, Gap)
    listed = more(gap)
    assert len(listed) == MORE
    again = shape(lay_out(rows, {MessageId(100)}, listed))
    assert again[:4] == [-1, -2, "55 more", -58]
    assert len(again) == 3 + MORE + 3


def test_no_gap_hides_only_one() -> None:
    rows = [row(number) for number in range(1, 7)]
    assert shape(lay_out(rows, {MessageId(6)})) == [-1, -2, -3, -4, -5, 6]


def test_sent_messages_belong_and_what_was_thrown_away_does_not() -> None:
    rows = [row(1), row(2, SENT), row(3, TRASH)]
    assert [one.id for one in members(rows, MessageId(1), {TRASH})] == [1, 2]
    assert [one.id for one in members(rows, MessageId(3), {TRASH})] == [1, 2, 3]


def test_of_copies_the_chosen_one_is_shown() -> None:
    rows = [row(1, message_id="a"), row(2, SENT, message_id="a"), row(3)]
    assert [one.id for one in members(rows, MessageId(3), ())] == [1, 3]
    assert [one.id for one in members(rows, MessageId(2), ())] == [2, 3]
