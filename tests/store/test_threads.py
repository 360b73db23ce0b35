"""Conversations: whatever the batches and their order, a thread is everything that refers to each other."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threads_mail import CASES, mail

from mua.model.account import Account, AccountId
from mua.model.folder import Role
from mua.model.message import Envelope, Flag, MessageId
from mua.paths import Profile
from mua.plan.threads import Word
from mua.store import quiet, read, threads, write
from mua.store.db import Store

NAMES = st.sampled_from("abcdefgh")
MESSAGES = st.lists(st.lists(NAMES, min_size=1, max_size=3, unique=True), max_size=6)


def components(messages: list[list[str]]) -> set[frozenset[int]]:
    """The places of messages that belong together, the slow way."""
    groups = {place: {place} for place in range(len(messages))}
    for one, names in enumerate(messages):
        for other, others in enumerate(messages):
            if set(names) & set(others) and groups[one] is not groups[other]:
                groups[one] |= groups[other]
                for place in groups[other]:
                    groups[place] = groups[one]
    return {frozenset(group) for group in groups.values()}


@settings(max_examples=60, deadline=None)
@given(st.lists(MESSAGES, max_size=4))
def test_threads_are_what_refers_to_each_other(batches: list[list[list[str]]]) -> None:
    with TemporaryDirectory() as folder:
        store = Store(Profile(Path(folder) / "profile"))
        with store.write() as tx:
            account = write.add_account(tx, Account(AccountId(0), "home", "maya@example.org"))
            inbox = write.put_folder(tx, account, "INBOX")
        ids: list[int] = []
        for batch in batches:
            with store.write() as tx:
                news = [
                    write.NewMessage(Envelope(message_id=names[0], references=tuple(names[1:])), 1_700_000_000, 1)
                    for names in batch
                ]
                ids += write.add_messages(tx, account, inbox, news)
        found = defaultdict(set)
        for message_id, thread_id in store.reader().rows("SELECT id, thread_id FROM message"):
            found[thread_id].add(ids.index(message_id))
        known = dict(store.reader().rows("SELECT message_id, thread_id FROM mid"))
        store.close()
    messages = [names for batch in batches for names in batch]
    assert {frozenset(group) for group in found.values()} == components(messages)
    for thread_id, group in found.items():
        assert {known[name] for place in group for name in messages[place]} == {thread_id}


# ---- known conversations, in any order of arrival
class House:
    """An account with an inbox."""

    def __init__(self, folder: str) -> None:
        self.store = Store(Profile(Path(folder) / "profile"))
        with self.store.write() as tx:
            self.account = write.add_account(tx, Account(AccountId(0), "home", "maya@example.org"))
            self.inbox = write.put_folder(tx, self.account, "INBOX", role=Role.INBOX)
            self.archive = write.put_folder(tx, self.account, "Archive", role=Role.ARCHIVE)
        self.names: dict[int, str] = {}

    def deliver(self, lines: Sequence[str], shared: str = "", flags: Flag = Flag(0)) -> list[MessageId]:  # noqa: B008
        made = [mail(line) for line in lines]
        with self.store.write() as tx:
            news = [write.NewMessage(told, when, 10, flags=flags, server_thread=shared) for _, told, when in made]
            ids = write.add_messages(tx, self.account, self.inbox, news)
        self.names |= {one: name for one, (name, _, _) in zip(ids, made, strict=True)}
        return ids

    def say(self, message_id: int, word: Word) -> None:
        with self.store.write() as tx:
            threads.say(tx, MessageId(message_id), word)

    def conversations(self) -> set[frozenset[str]]:
        found = defaultdict(set)
        for message_id, thread_id in self.store.reader().rows("SELECT id, thread_id FROM message"):
            found[thread_id].add(self.names[message_id])
        return {frozenset(one) for one in found.values()}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(str(tmp_path))
    yield made
    made.store.close()


def told(*groups: str) -> set[frozenset[str]]:
    return {frozenset(group.split()) for group in groups}


@pytest.mark.parametrize("case", CASES)
def test_known_conversations_whatever_comes_first(case: str) -> None:
    lines, wanted = CASES[case]
    for seed in range(6):
        order, dice = list(lines), random.Random(f"{case}{seed}")
        if seed:
            dice.shuffle(order)
        with TemporaryDirectory() as folder:
            house = House(folder)
            while order:
                many = dice.randint(1, len(order))
                house.deliver(order[:many])
                del order[:many]
            assert house.conversations() == told(*wanted), seed
            with house.store.write() as tx:
                threads.regroup(tx, [row[0] for row in tx.rows("SELECT DISTINCT thread_id FROM message")])
            assert house.conversations() == told(*wanted)
            house.store.close()


WRITERS = st.sampled_from(["ann > bob", "bob > ann", "cat > ann, bob", "dan > eve"])
HEADS = st.sampled_from(["", "~<{}@example.org>", "{}", "{} {}"])


@st.composite
def mails(draw: st.DrawFn) -> list[str]:
    """Mails that answer each other, with and without saying so, some of them twice."""
    lines = []
    for place in range(draw(st.integers(1, 9))):
        known = st.sampled_from([f"m{one}" for one in range(10)])
        head = draw(HEADS).format(draw(known), draw(known))
        subject = draw(st.sampled_from(["Plan", "Re: Plan", "Lunch", "AW: lunch", ""]))
        hours = draw(st.sampled_from([0, 1, 20, 900, 1_000]))
        lines.append(f"m{place} < {head} | {subject} | {draw(WRITERS)} | {hours}")
    return lines


@settings(max_examples=60, deadline=None)
@given(mails(), st.randoms(use_true_random=False))
def test_conversations_are_the_same_whatever_comes_first(lines: list[str], dice: random.Random) -> None:
    found = []
    for shuffled in (False, True, True):
        order = list(lines)
        if shuffled:
            dice.shuffle(order)
        with TemporaryDirectory() as folder:
            house = House(folder)
            while order:
                many = dice.randint(1, len(order))
                house.deliver(order[:many], shared="")
                del order[:many]
            found.append(house.conversations())
            house.store.close()
    assert found[0] == found[1] == found[2]


# ---- the server's word, and a person's
def test_the_servers_word_stands_in_place_of_references_and_subjects(house: House) -> None:
    house.deliver(["a | Plan | ann > bob | 0"], shared="T1")
    house.deliver(["b < a | Re: Plan | bob > ann | 1", "c | Re: Plan | ann > bob | 2"], shared="T2")
    house.deliver(["d | Something else | cat > bob | 3"], shared="T1")
    assert house.conversations() == told("a d", "b c")
    house.deliver(["e < d | Re: Something else | bob > cat | 4"])  # ours, which the server has not yet
    assert house.conversations() == told("a d e", "b c")


def test_a_conversation_is_split_and_its_answers_go_with_it(house: House) -> None:
    lines = ["a | Plan | ann > bob | 0", "b < a | Re: Plan | bob > ann | 1", "c < a b | Re: Plan | ann > bob | 2"]
    a, b, _ = house.deliver([*lines, "d < a | Re: Plan | dan > ann | 2"])[:3]
    house.say(b, Word(apart=True))
    assert house.conversations() == told("a d", "b c")
    house.deliver(["e < a b c | Re: Plan | bob > ann | 3", "f < a d | Re: Plan | ann > dan | 3"])
    assert house.conversations() == told("a d f", "b c e")
    house.deliver(["g | Re: Plan | ann > bob, dan | 4"])  # which of them it answers nobody knows
    house.say(b, Word())
    assert house.conversations() == told("a b c d e f g")
    assert a


def test_a_word_is_kept_for_what_comes_later_and_in_any_order(house: House) -> None:
    (b,) = house.deliver(["b < a | Re: Plan | bob > ann | 1"])
    house.say(b, Word(apart=True))
    house.deliver(["c < a b | Re: Plan | ann > bob | 2"])
    house.deliver(["a | Plan | ann > bob | 0", "b+ < a | Re: Plan | bob > ann | 1"])
    assert house.conversations() == told("a", "b b+ c")


def test_a_server_does_not_put_together_what_a_person_set_apart(house: House) -> None:
    _, b = house.deliver(["a | Plan | ann > bob | 0", "b | Re: Plan | bob > ann | 1"], shared="T1")
    house.say(b, Word(apart=True))
    assert house.conversations() == told("a", "b")
    house.deliver(["c < b | Re: Plan | ann > bob | 2"], shared="T1")
    house.deliver(["d < a | Re: Plan | dan > bob | 2"], shared="T1")
    assert house.conversations() == told("a d", "b c")


def test_an_answer_that_was_set_apart_is_not_tied_by_its_subject_again(house: House) -> None:
    _, b = house.deliver(["a | Plan | ann > bob | 0", "b | Re: Plan | bob > ann | 1"])
    house.say(b, Word(apart=True))
    house.deliver(["a2 | Plan | ann > bob | 0.5"])
    assert house.conversations() == told("a", "b", "a2")
    house.say(b, Word())
    assert house.conversations() == told("a b a2")


def test_conversations_are_joined(house: House) -> None:
    a, x = house.deliver(["a | Plan | ann > bob | 0", "x | Unlike | cat > bob | 1"])
    house.say(x, Word(joined="a@example.org"))
    house.deliver(["y < x | Re: Unlike | bob > cat | 2"])
    assert house.conversations() == told("a x y")
    house.say(x, Word())
    assert house.conversations() == told("a", "x y")
    assert a


def test_a_message_without_an_id_can_be_set_apart(house: House) -> None:
    with house.store.write() as tx:
        told_ = write.NewMessage(Envelope(references=("a@example.org",), subject="x"), 1_700_000_000, 10)
        (one,) = write.add_messages(tx, house.account, house.inbox, [told_])
    house.names[one] = "one"
    house.deliver(["a | Plan | ann > bob | 0"])
    assert house.conversations() == told("a one")
    house.say(one, Word(apart=True))
    assert house.conversations() == told("a", "one")


# ---- quiet conversations
def test_what_is_new_in_a_muted_conversation_counts_as_read(house: House) -> None:
    (a,) = house.deliver(["a | Plan | ann > bob | 0"])
    thread = house.store.reader().value("SELECT thread_id FROM message WHERE id = ?", a)
    with house.store.write() as tx:
        quiet.hush(tx, thread, ignored=False)
    b, x = house.deliver(["b < a | Re: Plan | bob > ann | 1", "x | Other | cat > bob | 1"])
    rows = {row.id: row for row in read.rows(house.store.reader(), [a, b, x])}
    assert [bool(rows[one].flags & Flag.SEEN) for one in (a, b, x)] == [False, True, False]
    assert rows[b].folder_id == house.inbox
    with house.store.write() as tx:
        quiet.unhush(tx, thread)
    (c,) = house.deliver(["c < b | Re: Plan | ann > bob | 2"])
    assert not read.rows(house.store.reader(), [c])[0].flags & Flag.SEEN


def test_what_is_new_in_an_ignored_conversation_leaves_the_inbox(house: House) -> None:
    (a,) = house.deliver(["a | Plan | ann > bob | 0"])
    thread = house.store.reader().value("SELECT thread_id FROM message WHERE id = ?", a)
    with house.store.write() as tx:
        quiet.hush(tx, thread, ignored=True)
    (b,) = house.deliver(["b < a | Re: Plan | bob > ann | 1"])
    (row,) = read.rows(house.store.reader(), [b])
    assert (row.folder_id, bool(row.flags & Flag.SEEN)) == (house.archive, True)


def how_quiet(house: House, one: MessageId) -> bool | None:
    """Whether a message's conversation is ignored (True), muted (False) or heard."""
    db = house.store.reader()
    thread = db.value("SELECT thread_id FROM message WHERE id = ?", one)
    return quiet.quiet_ones(db, [thread]).get(thread)


def test_quiet_survives_being_split(house: House) -> None:
    a, b = house.deliver(["a | Plan | ann > bob | 1", "b < x a | Both | bob > ann | 2"])
    with house.store.write() as tx:
        quiet.hush(tx, tx.value("SELECT thread_id FROM message WHERE id = ?", a), ignored=False)
    house.deliver(["y < x | Old | cat > bob | 3"])
    assert how_quiet(house, a) is False
    house.say(b, Word(apart=True))
    assert [how_quiet(house, one) for one in (a, b)] == [False, False]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("other", [None, False, True])
def test_a_mail_that_refers_to_two_conversations_silences_neither(house: House, first: int, other: bool | None) -> None:
    pair = house.deliver(["x | Old | cat > bob | 0", "a | Plan | ann > bob | 1"])
    with house.store.write() as tx:
        for one, ignored in ((pair[first], True), (pair[1 - first], other)):
            if ignored is not None:
                quiet.hush(tx, tx.value("SELECT thread_id FROM message WHERE id = ?", one), ignored=ignored)
    (both,) = house.deliver(["b < x a | Both | ann > bob | 2"])
    assert [how_quiet(house, one) for one in (*pair, both)] == [other] * 3
    assert (read.rows(house.store.reader(), [both])[0].folder_id == house.archive) is bool(other)
