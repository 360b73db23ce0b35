"""Which conversation a message belongs to: the union of everything that messages refer to.

Rule of the file: a thread is named by the smallest number that a member brought; when a message ties two threads
together, every row and every name of the younger one moves to the older, and every such row counts as changed (lists
are grouped by threads).  ``mid`` holds each Message-ID seen or
referred to, so that a question that comes after its answer finds it.
"""

from collections.abc import Iterable, Sequence

from mua.store.db import Tx


class Threads:
    """The threads of a batch of new messages: the names that each ties together, and its id for a thread of its own."""

    def __init__(self, tx: Tx, names: Sequence[Sequence[str]], ids: Sequence[int]) -> None:
        self._tx = tx
        self._older: dict[int, int] = {}  # a thread that was absorbed in this batch -> by which
        all_names = list(dict.fromkeys(name for several in names for name in several))
        self._known: dict[str, int] = dict(
            tx.rows_of("SELECT message_id, thread_id FROM mid WHERE message_id IN", all_names)
        )
        stored = set(self._known)
        self._found = [self._join(several, own) for several, own in zip(names, ids, strict=True)]
        news = ((name, self._root(self._known[name])) for name in all_names if name not in stored)
        tx.run_many("INSERT INTO mid(message_id, thread_id) VALUES (?, ?)", news)

    def ids(self) -> list[int]:
        """The thread of each message."""
        return [self._root(one) for one in self._found]

    def _join(self, names: Iterable[str], own: int) -> int:
        found = sorted({self._root(self._known[name]) for name in names if name in self._known})
        thread_id = found[0] if found else own
        for other in found[1:]:
            self._absorb(other, thread_id)
        for name in names:
            self._known.setdefault(name, thread_id)
        return thread_id

    def _absorb(self, younger: int, older: int) -> None:
        self._older[younger] = older
        self._tx.run("UPDATE mid SET thread_id = ? WHERE thread_id = ?", older, younger)
        moved = self._tx.rows("UPDATE message SET thread_id = ? WHERE thread_id = ? RETURNING id", older, younger)
        self._tx.changes.messages.update(one[0] for one in moved)

    def _root(self, thread_id: int) -> int:
        while thread_id in self._older:
            thread_id = self._older[thread_id]
        return thread_id
