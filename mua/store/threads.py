"""Which conversation a message belongs to: the union of everything that ties messages together (``plan/threads``).

Rule of the file: a thread is named by the smallest number that a member brought; when a message ties two threads
together, every row and every name of the younger one moves to the older, and every such row counts as changed (lists
are grouped by threads).  ``mid`` holds each Message-ID seen or referred to, so that a question that comes after its
answer finds it.  Nothing but a person's word, or taking it back, ever divides a thread (``regroup``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mua.model.message import MessageId
from mua.plan.threads import AFTER, BEFORE, NO_WORDS, Letter, Word, own_name, server_name, subject_ties, ties
from mua.store.db import Db, Tx
from mua.store.quiet import hush, quiet_together
from mua.store.read import addresses_from_json

if TYPE_CHECKING:
    from mua.store.write import NewMessage

_ALIKE = 200  # messages with the same subject that are looked at: nobody answers more without saying which
_LETTER = "id, thread_id, account_id, topic, bare, sender, recipients, cc, list_id"
_SECONDS = 20  # id >> 20 is the time


class Threads:
    """The threads of a batch of new messages: what each ties together, and its id for a thread of its own."""

    def __init__(
        self, tx: Tx, letters: Sequence[Letter], ids: Sequence[int], but: frozenset[int] = frozenset()
    ) -> None:
        """``but``: stored messages that take no part, because they are among those."""
        self._tx = tx
        self._older: dict[int, int] = {}  # a thread that was absorbed in this batch -> by which
        all_names = list(dict.fromkeys(name for one in letters for name in one.names))
        self._known: dict[str, int] = dict(
            tx.rows_of("SELECT message_id, thread_id FROM mid WHERE message_id IN", all_names)
        )
        stored = set(self._known)
        self._found = [self._join(one.names, own) for one, own in zip(letters, ids, strict=True)]
        self._tie_subjects(letters, but)
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

    def _tie_subjects(self, letters: Sequence[Letter], but: frozenset[int]) -> None:
        earlier = [(one, thread_id) for number, thread_id, one in _alike(self._tx, letters) if number not in but]
        threads = [*self._found, *(thread_id for _, thread_id in earlier)]
        for pair in subject_ties(letters, [one for one, _ in earlier]):
            older, younger = sorted(self._root(threads[place]) for place in pair)
            if older != younger:
                self._absorb(younger, older)

    def _absorb(self, younger: int, older: int) -> None:
        self._older[younger] = older
        quiet = quiet_together(self._tx, younger, older)
        self._tx.run("UPDATE mid SET thread_id = ? WHERE thread_id = ?", older, younger)
        moved = self._tx.rows("UPDATE message SET thread_id = ? WHERE thread_id = ? RETURNING id", older, younger)
        self._tx.changes.messages.update(one[0] for one in moved)
        self._tx.run("DELETE FROM quiet WHERE thread_id IN (?, ?)", younger, older)
        if quiet is not None:
            hush(self._tx, older, ignored=quiet)

    def _root(self, thread_id: int) -> int:
        while thread_id in self._older:
            thread_id = self._older[thread_id]
        return thread_id


def _alike(tx: Db, letters: Sequence[Letter]) -> Iterator[tuple[int, int, Letter]]:
    """The stored messages that a subject may tie to these: (id, thread, what it says)."""
    topics = list({one.topic for one in letters if one.topic})
    bare = f"SELECT {_LETTER} FROM message INDEXED BY message_bare WHERE bare <> 0 AND want_gone = 0 AND topic IN"
    found = {row[0]: row for row in tx.rows_of(bare, topics)[: _ALIKE * max(1, len(topics))]}
    for one in letters:
        for (folder,) in tx.rows("SELECT id FROM folder WHERE account_id = ?", one.account) if one.bare else ():
            sql = f"SELECT {_LETTER} FROM message WHERE shown_folder = ? AND topic = ? AND age BETWEEN ? AND ? LIMIT ?"
            first, last = (one.time - BEFORE) << _SECONDS, (one.time + AFTER + 1) << _SECONDS
            found |= {row[0]: row for row in tx.rows(sql, folder, one.topic, -last, -first, _ALIKE)}
    for number, thread_id, account, topic, is_bare, sender, to, cc, list_id in found.values():
        authors, people = _people(sender, to, cc)
        yield number, thread_id, Letter((), number >> _SECONDS, account, topic, bool(is_bare), authors, people, list_id)


def _people(sender: str, to: str, cc: str) -> tuple[frozenset[str], frozenset[str]]:
    """(whom a message is from, and those together with whom it is for), in the store's form."""
    authors = frozenset(one.address.lower() for one in addresses_from_json(sender))
    return authors, authors.union(one.address.lower() for field in (to, cc) for one in addresses_from_json(field))


def words_on(db: Db, names: Iterable[str]) -> Mapping[str, Word]:
    """What a person said of the messages with these names (``plan.threads.own_name``)."""
    if not db.value("SELECT EXISTS(SELECT 1 FROM thread_word)"):
        return NO_WORDS
    sql = "SELECT message_id, apart, joined FROM thread_word WHERE message_id IN"
    found = db.rows_of(sql, list(dict.fromkeys(names)))
    return {name: Word(bool(apart), joined) for name, apart, joined in found}


def letters(
    tx: Db,
    account_id: int,
    news: "Sequence[NewMessage]",
    ids: Sequence[int],
    topics: "Sequence[tuple[str, bool]]",
) -> list[Letter]:
    """What new messages say of their conversations.  ``topics``: as ``mime.subject.topic`` has each subject."""
    owns = [own_name(new.envelope.message_id, one) for new, one in zip(news, ids, strict=True)]
    words = words_on(
        tx, (name for own, new in zip(owns, news, strict=True) for name in (own, *new.envelope.references))
    )
    made = list[Letter]()
    for own, new, number, (about, answers) in zip(owns, news, ids, topics, strict=True):
        told = new.envelope
        shared = server_name(account_id, new.server_thread) if new.server_thread else ""
        tied, alone = ties(own if told.message_id or own in words else "", told.references, shared, words)
        authors = frozenset([one.address.lower() for one in told.sender])
        people = (
            authors.union(one.address.lower() for one in (*told.to, *told.cc)) if answers and not alone else authors
        )
        bare = answers and not alone
        made.append(Letter(tied, number >> _SECONDS, account_id, about, bare, authors, people, told.list_id))
    return made


def say(tx: Tx, message_id: MessageId, word: Word) -> None:
    """A person's word on a message, instead of what they said before; ``Word()``: none."""
    mid, thread_id = tx.rows("SELECT message_id, thread_id FROM message WHERE id = ?", message_id)[0]
    name = own_name(mid, message_id)
    tx.run("DELETE FROM thread_word WHERE message_id = ?", name)
    if word != Word():
        sql = "INSERT INTO thread_word(message_id, apart, joined) VALUES (?, ?, ?)"
        tx.run(sql, name, word.apart, word.joined)
    regroup(tx, [thread_id])


def regroup(tx: Tx, threads: Sequence[int]) -> None:
    """Divide and tie these threads anew, by what their messages say and a person said of them."""
    ids, letters, _ = letters_of(tx, threads)
    quiet = [row[0] for row in tx.rows_of("SELECT ignored FROM quiet WHERE thread_id IN", threads)]
    for one in threads:
        tx.run("DELETE FROM mid WHERE thread_id = ?", one)
    found = Threads(tx, letters, ids, frozenset(ids)).ids()
    told = zip(found, (one.bare for one in letters), ids, strict=True)
    tx.run_many("UPDATE message SET thread_id = ?, bare = ? WHERE id = ?", told)
    tx.changes.messages.update(ids)
    if quiet:
        for one in set(found):
            hush(tx, one, ignored=any(quiet))


def letters_of(db: Db, threads: Sequence[int]) -> tuple[list[int], list[Letter], Mapping[str, Word]]:
    """The messages of these threads, oldest first, what each says of its conversation, and what a person said of it."""
    sql = f"SELECT {_LETTER}, message_id, refs, server_thread, subject FROM message WHERE thread_id IN"
    rows = sorted(db.rows_of(sql, threads))
    words = words_on(db, [name for row in rows for name in (own_name(row[9], row[0]), *row[10].split(" "))])
    return [row[0] for row in rows], [_letter(row, words) for row in rows], words


def _letter(row: tuple[Any, ...], words: Mapping[str, Word]) -> Letter:
    """A stored message as ``Threads`` wants it."""
    from mua.mime.subject import topic

    number, _, account, about, _, sender, to, cc, list_id, mid, refs, shared, subject = row
    own = own_name(mid, number)
    server = server_name(account, shared) if shared else ""
    tied, alone = ties(own if mid or own in words else "", refs.split(" "), server, words)
    bare = topic(subject)[1] and not alone
    named = own if own in tied else ""
    return Letter(tied, number >> _SECONDS, account, about, bare, *_people(sender, to, cc), list_id, named)
