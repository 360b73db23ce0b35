"""Folder plans: tables for each decision, and convergence under any interleaving."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mua.model.folder import FolderState, Role
from mua.model.policy import Keep, Policy, policy_from
from mua.plan import sync
from mua.plan.sync import DAY, FolderPlan, Identity, Listing, Refresh, plan_folder


@pytest.mark.parametrize(
    "local, stored, remote, resynced, plan",
    [
        # never seen; interrupted; as it was
        (FolderState(), 0, FolderState(7, 12, 90, 5), False, FolderPlan(listing=Listing.ALL)),
        (FolderState(7, 0, 0, 5), 3, FolderState(7, 12, 90, 5), False, FolderPlan(False, Listing.ALL, 1, Refresh.ALL)),
        (FolderState(7, 12, 90, 5), 5, FolderState(7, 12, 90, 5), False, FolderPlan(low=12)),
        # new mail, flags
        (FolderState(7, 12, 90, 5), 5, FolderState(7, 14, 95, 7), True, FolderPlan(False, Listing.NEW, 12)),
        (
            FolderState(7, 12, 90, 5),
            5,
            FolderState(7, 14, 95, 7),
            False,
            FolderPlan(False, Listing.NEW, 12, Refresh.CHANGED, 90),
        ),
        (FolderState(7, 12, 0, 5), 5, FolderState(7, 12, 0, 5), False, FolderPlan(low=12, refresh=Refresh.ALL)),
        # something vanished, and nobody told
        (FolderState(7, 12, 90, 5), 5, FolderState(7, 12, 90, 4), False, FolderPlan(listing=Listing.ALL)),
        # UIDNEXT unknown, or backwards
        (FolderState(7, 12, 90, 5), 5, FolderState(7, 0, 90, 5), False, FolderPlan(listing=Listing.ALL)),
        (FolderState(7, 12, 90, 5), 5, FolderState(7, 3, 90, 5), True, FolderPlan(listing=Listing.ALL)),
        # another UIDVALIDITY
        (FolderState(7, 12, 90, 5), 5, FolderState(8, 12, 90, 5), False, FolderPlan(True, Listing.ALL)),
    ],
)
def test_decisions(local, stored, remote, resynced, plan):
    assert plan_folder(local, stored, remote, resynced=resynced) == plan


def test_status_tells_whether_to_look():
    state = FolderState(7, 12, 90, 5)
    assert not sync.may_have_news(state, 5, state)
    assert sync.may_have_news(state, 4, state)
    assert sync.may_have_news(FolderState(7, 12, 90, 6), 5, state)  # the book of what is there would stay wrong
    assert sync.may_have_news(state, 5, FolderState(7, 12, 91, 5))
    assert sync.may_have_news(FolderState(7, 12, 0, 5), 5, FolderState(7, 12, 0, 5))
    assert not sync.may_have_news(FolderState(7, 12, 0, 5), 5, FolderState(7, 12, 0, 5), thorough=False)
    assert sync.may_have_news(FolderState(7, 12, 0, 5), 5, FolderState(7, 13, 0, 6), thorough=False)
    assert sync.may_have_news(FolderState(7, 0, 0, 5), 5, state)


@pytest.mark.parametrize(
    "policy, needed, since, bodies",
    [
        (Policy(), [5], 0, 0),
        (Policy(Keep.HEADERS), [5], 0, None),
        (Policy(Keep.DAYS, 30), [], 69 * DAY, 69 * DAY),
        (Policy(Keep.DAYS, 30), [50 * DAY, 90 * DAY], 49 * DAY, 69 * DAY),
        (Policy(Keep.DAYS, 3000), [], 1, 1),
    ],
)
def test_a_policy_says_from_when_on(policy, needed, since, bodies):
    assert sync.reach(policy, 100 * DAY, needed) == since
    assert sync.bodies_since(policy, 100 * DAY) == bodies


def test_what_a_policy_leaves_there_is_counted():
    assert sync.divided([1, 2, 9], None) == ([1, 2, 9], 0)
    assert sync.divided([1, 2, 9], [9, 10]) == ([9], 2)
    seen = FolderState(7, 12, 90, 5, 3)
    assert sync.is_whole(2, seen)
    assert not sync.is_whole(5, seen)
    assert not sync.may_have_news(seen, 2, FolderState(7, 12, 90, 5))
    assert sync.may_have_news(seen, 2, FolderState(7, 12, 90, 4))
    assert plan_folder(seen, 2, FolderState(7, 12, 90, 5), resynced=False) == FolderPlan(low=12)


@pytest.mark.parametrize("text", ["everything", "headers", "days:1", "days:30"])
def test_a_policy_reads_as_it_is_written(text):
    assert str(policy_from(text)) == text


@pytest.mark.parametrize("text", ["", "days", "days:0", "days:-3", "days:99999", "all"])
def test_what_is_no_policy(text):
    with pytest.raises(ValueError):
        policy_from(text)


def test_newest_first_and_the_first_batch_is_short():
    batches = list(sync.newest_first(range(1, 501)))
    assert batches[0] == list(range(451, 501))
    assert sorted(uid for batch in batches for uid in batch) == list(range(1, 501))
    assert all(len(batch) <= sync.BATCH for batch in batches)


@given(st.sets(st.integers(1, 200)), st.lists(st.tuples(st.integers(1, 200), st.integers(0, 50)), max_size=20))
def test_within_is_what_a_loop_would_find(known, spans):
    ranges = [(low, low + more) for low, more in spans]
    slow = [uid for uid in sorted(known) if any(low <= uid <= high for low, high in ranges)]
    assert sync.within(known, ranges) == slow


def test_a_vanished_range_of_four_billion_costs_nothing():
    assert sync.within({5, 9}, [(1, 2**32 - 1)]) == [5, 9]


@pytest.mark.parametrize("gone, stored, suspicious", [(3, 3, False), (20, 20, False), (30, 40, True), (30, 100, False)])
def test_half_a_folder_is_asked_for_twice(gone, stored, suspicious):
    assert sync.is_suspicious(gone, stored) is suspicious


def test_recognising_messages_keeps_duplicates_apart():
    ours = [Identity(1, "a", 10, 5), Identity(2, "a", 10, 5), Identity(3, "b", 7, 1), Identity(4, "", 9, 9)]
    theirs = [Identity(50, "a", 10, 5), Identity(51, "a", 10, 5), Identity(52, "b", 7, 99), Identity(53, "", 9, 9)]
    assert sync.reidentify(ours, theirs) == {1: 50, 2: 51, 3: 52, 4: 53}
    assert sync.reidentify([Identity(1, "", 9, 1)], [Identity(5, "", 9, 2)]) == {}
    ours = [Identity(1, "a", 9, 1, "one"), Identity(2, "a", 9, 1, "two")]
    theirs = [Identity(5, "a", 9, 1, "two"), Identity(6, "a", 9, 1, "one")]
    assert sync.reidentify(ours, theirs) == {1: 6, 2: 5}
    assert sync.reidentify([Identity(1, "a", 9, 1)], [Identity(5, "a", 8, 2)]) == {}
    assert sync.reidentify([Identity(1, "a", 9, 1)], [Identity(5, "a", 8, 2)], loose=True) == {1: 5}


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.integers(1, 3), st.integers(1, 3)), max_size=12))
def test_the_same_mailbox_is_recognised_whole(faces):
    ours = [Identity(number, *face) for number, face in enumerate(faces)]
    theirs = [Identity(1000 + number, *face) for number, face in enumerate(reversed(faces))]
    matched = sync.reidentify(ours, theirs)
    assert len(matched) == len(set(matched.values())) == len(faces)
    face_of = {one.key: (one.message_id, one.size, one.internaldate) for one in theirs}
    assert all(face_of[matched[one.key]] == (one.message_id, one.size, one.internaldate) for one in ours)


def test_renamed_folders_are_found_only_where_unambiguous():
    lost = {"Old": FolderState(7, 12, 0, 5), "Gone": FolderState(9, 3, 0, 1)}
    appeared = {"New": FolderState(7, 13, 0, 6), "Fresh": FolderState(11, 1, 0, 0)}
    assert sync.renamed(lost, appeared, {}, {}) == {"Old": "New"}
    assert sync.renamed({"A": FolderState(7, 2), "B": FolderState(7, 2)}, {"C": FolderState(7, 2)}, {}, {}) == {}
    assert sync.renamed({"A": FolderState()}, {"C": FolderState()}, {}, {}) == {}


def test_a_folder_is_known_again_by_the_servers_own_name_for_it():
    """Where every folder has the same UIDVALIDITY, nothing else tells which is which."""
    lost = {"A": FolderState(1, 5), "B": FolderState(1, 5), "C": FolderState(1, 5)}
    appeared = {"D": FolderState(1, 5), "E": FolderState(1, 5), "F": FolderState(1, 5)}
    ids = {"A": "Fa", "B": "Fb", "C": "Fc"}
    assert sync.renamed(lost, appeared, ids, {"D": "Fb", "E": "Fa", "F": "Fx"}) == {"A": "E", "B": "D"}
    assert sync.renamed(lost, appeared, ids, {"D": "Fb", "E": "Fb", "F": "Fx"}) == {}
    only = {"D": FolderState(1, 5)}
    assert sync.renamed({"A": FolderState(1, 5)}, only, {"A": "Fa"}, {"D": "Fx"}) == {}  # another one, made anew
    assert sync.renamed({"A": FolderState(1, 5)}, only, {"A": "Fa"}, {}) == {"A": "D"}  # ids are not told any more


def test_order_of_folders():
    names = [(Role.JUNK, "Junk"), (Role.NONE, "b"), (Role.INBOX, "INBOX"), (Role.NONE, "A"), (Role.SENT, "Sent")]
    ordered = sorted(names, key=lambda one: sync.folder_order(*one))
    assert [name for _, name in ordered] == ["INBOX", "Sent", "A", "b", "Junk"]


def test_body_batches_are_bounded():
    assert sync.body_batch([]) == 0
    assert sync.body_batch([(1, 50 << 20), (2, 1)]) == 1
    assert sync.body_batch([(uid, 1000) for uid in range(200)]) == sync.BODY_BATCH
    assert sync.body_batch([(1, 3 << 20), (2, 3 << 20)]) == 1


@given(st.integers(-5, 10**6), st.floats(0, 1))
def test_backoff_grows_and_is_bounded(failures, lot):
    assert 1.0 <= sync.backoff(failures, lot) <= sync.MAX_BACKOFF
    assert sync.backoff(20, 1.0) == sync.MAX_BACKOFF


# -- convergence: a server and a store, and every interleaving of what may happen


@dataclass
class Mailbox:
    """A model server: UIDs, flags, a modseq that only grows, and what vanished when."""

    qresync: bool
    condstore: bool
    uidvalidity: int = 1
    uidnext: int = 1
    modseq: int = 1
    mail: dict[int, tuple[str, int, int]] = field(default_factory=dict)  # uid -> (name, flags, modseq)
    vanished: dict[int, int] = field(default_factory=dict)

    def state(self) -> FolderState:
        return FolderState(self.uidvalidity, self.uidnext, self.modseq * self.condstore, len(self.mail))

    def arrive(self, name: str) -> None:
        self.modseq += 1
        self.mail[self.uidnext] = (name, 0, self.modseq)
        self.uidnext += 1

    def flag(self, place: int) -> None:
        if self.mail:
            uid = sorted(self.mail)[place % len(self.mail)]
            self.modseq += 1
            self.mail[uid] = (self.mail[uid][0], self.mail[uid][1] ^ 1, self.modseq)

    def expunge(self, place: int) -> None:
        if self.mail:
            uid = sorted(self.mail)[place % len(self.mail)]
            self.modseq += 1
            del self.mail[uid]
            self.vanished[uid] = self.modseq

    def renumber(self) -> None:
        """A new UIDVALIDITY: the same mail under other UIDs."""
        self.uidvalidity += 1
        old = [self.mail[uid] for uid in sorted(self.mail, reverse=True)]
        self.mail = {uid: (name, flags, self.modseq) for uid, (name, flags, _) in enumerate(old, 1)}
        self.uidnext = len(old) + 1
        self.vanished = {}


@dataclass
class Here:
    """A model store: rows by our own id, which must survive a new UIDVALIDITY."""

    state: FolderState = field(default_factory=FolderState)
    rows: dict[int, int] = field(default_factory=dict)  # uid -> our id
    names: dict[int, str] = field(default_factory=dict)
    flags: dict[int, int] = field(default_factory=dict)
    next_id: int = 1


def recognise(here: Here, server: Mailbox) -> None:
    ours = [Identity(one, here.names[one], 1, 1) for one in here.rows.values()]
    theirs = [Identity(uid, name, 1, 1) for uid, (name, _, _) in server.mail.items()]
    here.rows = {uid: one for one, uid in sync.reidentify(ours, theirs).items()}
    here.state = FolderState(server.uidvalidity, 0, 0, len(server.mail))


def take_flags(here: Here, server: Mailbox, since: int) -> None:
    for uid, (_, flags, at) in server.mail.items():
        if uid in here.rows and at > since:
            here.flags[here.rows[uid]] = flags


def drop_gone(here: Here, gone: list[int]) -> None:
    for uid in gone:
        here.rows.pop(uid, None)


def add(here: Here, server: Mailbox, uids: list[int]) -> None:
    for uid in uids:
        name, flags, _ = server.mail[uid]
        here.rows[uid], here.next_id = here.next_id, here.next_id + 1
        here.names[here.rows[uid]], here.flags[here.rows[uid]] = name, flags


def pull(here: Here, server: Mailbox, stop_after: int = 10**9) -> None:
    """A worker's pull in a few lines, which may be cut after so many batches."""
    known, seen = here.state, server.state()
    resynced = server.qresync and known.uidvalidity == server.uidvalidity and known.highestmodseq > 0
    plan = plan_folder(known, len(here.rows), seen, resynced=resynced)
    if plan.restart:
        recognise(here, server)
        plan = plan_folder(here.state, len(here.rows), seen, resynced=False)
    if plan.listing is Listing.ALL:
        here.state = FolderState(seen.uidvalidity, 0, 0, seen.on_server)
    if resynced:
        spans = [(uid, uid) for uid, at in server.vanished.items() if at > known.highestmodseq]
        drop_gone(here, sync.within(here.rows, spans))
        take_flags(here, server, known.highestmodseq)
    listed = sorted(server.mail) if plan.listing is not Listing.NONE else []
    if plan.listing is Listing.ALL:
        drop_gone(here, sync.candidates(here.rows, listed))
    if plan.refresh is not Refresh.NONE:
        take_flags(here, server, plan.since if plan.refresh is Refresh.CHANGED else 0)
    low = plan.low if plan.listing is Listing.NEW else 1
    for number, batch in enumerate(sync.newest_first(sync.missing(here.rows, listed, low), 2)):
        if number >= stop_after:
            return
        add(here, server, batch)
    if sync.is_whole(len(here.rows), seen):
        here.state = seen
    elif plan.listing is not Listing.ALL:
        here.state = FolderState(seen.uidvalidity, 0, 0, seen.on_server)
        pull(here, server, stop_after)


HAPPENINGS = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), st.integers(0, 5)),
        st.tuples(st.just("flag"), st.integers(0, 9)),
        st.tuples(st.just("expunge"), st.integers(0, 9)),
        st.tuples(st.just("renumber"), st.just(0)),
        st.tuples(st.just("pull"), st.integers(0, 3)),
    ),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(HAPPENINGS, st.booleans(), st.booleans())
def test_any_interleaving_converges(happenings, condstore, qresync):
    server, here = Mailbox(qresync=qresync and condstore, condstore=condstore), Here()
    for what, number in happenings:
        if what == "arrive":
            server.arrive(f"m{number}")
        elif what == "renumber":
            server.renumber()
        elif what == "pull":
            pull(here, server, stop_after=number)
        else:
            getattr(server, what)(number)
    pull(here, server)
    assert set(here.rows) == set(server.mail)
    assert {uid: here.names[one] for uid, one in here.rows.items()} == {uid: m[0] for uid, m in server.mail.items()}
    assert {uid: here.flags[one] for uid, one in here.rows.items()} == {uid: m[1] for uid, m in server.mail.items()}
    before = dict(here.rows)
    pull(here, server)
    assert here.rows == before


@given(st.lists(st.integers(0, 3), min_size=1, max_size=10))
def test_a_new_uidvalidity_keeps_every_row(names):
    server, here = Mailbox(qresync=True, condstore=True), Here()
    for name in names:
        server.arrive(f"m{name}")
    pull(here, server)
    ids = set(here.rows.values())
    server.renumber()
    pull(here, server)
    assert set(here.rows.values()) == ids
