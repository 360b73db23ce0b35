"""Wishes into steps: the order, the batches, and that doing them twice is doing them once."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from mua.model.folder import FolderId
from mua.model.message import Flag, MessageId
from mua.plan.replay import Append, CreateFolder, Delete, Forget, Move, StoreFlags, Wish, steps

INBOX, ARCHIVE, NEW = FolderId(1), FolderId(2), FolderId(3)


def wish(number: int, uid: int | None = 0, folder_id: FolderId = INBOX, **more) -> Wish:
    return Wish(MessageId(number), folder_id, number + 100 if uid == 0 else uid, **more)


def test_the_order_is_folders_appends_flags_moves_deletions():
    wishes = [
        wish(1, gone=True),
        wish(2, target=ARCHIVE, add=Flag.SEEN),
        wish(3, add=Flag.SEEN),
        wish(4, uid=None, append=True),
    ]
    assert steps(wishes, [NEW]) == [
        CreateFolder(NEW),
        Append(MessageId(4), INBOX),
        StoreFlags(INBOX, Flag.SEEN, Flag(0), {MessageId(2): 102, MessageId(3): 103}),
        Move(INBOX, ARCHIVE, {MessageId(2): 102}),
        Delete(INBOX, {MessageId(1): 101}),
    ]


def test_what_goes_for_ever_is_not_flagged_or_moved_first():
    assert steps([wish(1, gone=True, target=ARCHIVE, add=Flag.SEEN)]) == [Delete(INBOX, {MessageId(1): 101})]


def test_a_folder_that_is_not_to_be_made_yet_holds_only_what_goes_into_it():
    wishes = [wish(1, target=NEW, add=Flag.SEEN), wish(2, target=ARCHIVE), wish(3, None, NEW, append=True)]
    assert steps(wishes, [NEW], held={NEW}) == [
        StoreFlags(INBOX, Flag.SEEN, Flag(0), {MessageId(1): 101}),
        Move(INBOX, ARCHIVE, {MessageId(2): 102}),
    ]


def test_an_unknown_uid_waits():
    assert steps([wish(1, uid=None, add=Flag.SEEN, target=ARCHIVE), wish(2, uid=None, gone=True)]) == []


def test_a_message_never_uploaded_and_not_wanted_is_forgotten():
    assert steps([wish(1, uid=None, append=True, gone=True)]) == [Forget((MessageId(1),))]


def test_without_uidplus_a_marked_message_is_left_alone():
    marked = wish(1, gone=True, flags=Flag.DELETED)
    assert steps([marked], can_expunge=False) == []
    assert steps([marked]) == [Delete(INBOX, {MessageId(1): 101})]


def test_large_batches_are_cut():
    made = steps([wish(number, target=ARCHIVE) for number in range(450)])
    assert [len(step.messages) for step in made] == [200, 200, 50]


FLAGS = st.sampled_from([Flag(0), Flag.SEEN, Flag.FLAGGED, Flag.SEEN | Flag.ANSWERED])
WISHES = st.lists(
    st.builds(
        lambda uid, flags, add, remove, target, gone, append: (
            None if append else uid,
            flags,
            add & ~flags,
            remove & flags & ~add,
            target,
            gone,
            append,
        ),
        st.integers(1, 50),
        FLAGS,
        FLAGS,
        FLAGS,
        st.sampled_from([None, INBOX, ARCHIVE]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=20,
)


class World:
    """A server and a store that do what the steps say; ``done`` counts effects that must not happen twice."""

    def __init__(self, wishes: list[Wish]) -> None:
        self.rows = {one.id: one for one in wishes}
        self.uidnext = 1000
        self.done: list[tuple[str, int]] = []

    def apply(self, made) -> None:
        for step in made:
            match step:
                case Append(id=one):
                    self.uidnext += 1
                    self.done.append(("append", one))
                    self.rows[one] = replace(self.rows[one], uid=self.uidnext, append=False)
                case Forget(ids=ids):
                    for one in ids:
                        del self.rows[one]
                case StoreFlags(messages=messages, add=add, remove=remove):
                    for one in messages:
                        flags = (self.rows[one].flags | add) & ~remove
                        self.rows[one] = replace(self.rows[one], flags=flags, add=Flag(0), remove=Flag(0))
                case Move(target=target, messages=messages):
                    for one in messages:
                        self.uidnext += 1
                        self.done.append(("move", one))
                        self.rows[one] = replace(self.rows[one], folder_id=target, uid=self.uidnext, target=None)
                case Delete(messages=messages):
                    for one in messages:
                        self.done.append(("delete", one))
                        del self.rows[one]


@settings(max_examples=150, deadline=None)
@given(WISHES)
def test_replaying_until_nothing_is_left_fulfils_every_wish_once(made):
    wishes = [Wish(MessageId(number), INBOX, *rest) for number, rest in enumerate(made)]
    world = World(wishes)
    for _ in range(3):  # an append, then what was wished of it
        world.apply(steps(world.rows.values()))
    assert steps(world.rows.values()) == []
    assert len(world.done) == len(set(world.done))
    for one in wishes:
        if one.gone:
            assert one.id not in world.rows
            continue
        now = world.rows[one.id]
        assert now.flags == (one.flags | one.add) & ~one.remove
        assert now.folder_id == (one.target or INBOX)


@given(WISHES, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(made, random):
    wishes = [Wish(MessageId(number), INBOX, *rest) for number, rest in enumerate(made)]
    shuffled = list(wishes)
    random.shuffle(shuffled)
    kinds = [type(step) for step in steps(wishes)]
    assert [type(step) for step in steps(shuffled)] == kinds
