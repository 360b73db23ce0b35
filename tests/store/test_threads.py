"""Conversations: whatever the batches and their order, a thread is everything that refers to each other."""

from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from mua.model.account import Account, AccountId
from mua.model.message import Envelope
from mua.paths import Profile
from mua.store import write
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
