"""The list at 100,000 messages, and the model's contract with Qt."""

import time
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication

from mua.gui.card import Card
from mua.gui.conversation_rows import Order, plain
from mua.gui.message_list import MessageList
from mua.gui.message_model import CARD, MessageModel
from mua.gui.places import Place, Source
from mua.gui.theme import DAY_ROW, theme
from mua.model.account import Account, AccountId
from mua.model.address import Address
from mua.model.folder import FolderId, Role
from mua.model.ledger import Claim
from mua.model.message import Envelope, Flag, MessageId
from mua.paths import Profile
from mua.store import read, write
from mua.store.db import Store, open_reader
from mua.store.write import NewMessage

MANY = 100_000
STEP = 600  # seconds between two messages: two years of mail


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, FolderId]]:
    """A folder of 100,000 messages."""
    made = Store(Profile(tmp_path_factory.mktemp("many") / "p"))
    with made.write() as tx:
        account = write.add_account(tx, Account(AccountId(0), "Many", "many@example.org"))
        folder = write.put_folder(tx, account, "INBOX", role=Role.INBOX)
    now = int(time.time())
    sender = (Address("Sender", "sender@example.org"),)
    news = (
        NewMessage(Envelope(sender=sender, subject=f"Number {n}"), now - (MANY - n) * STEP, 2_000, n + 1, Flag(n & 1))
        for n in range(MANY)
    )
    with made.write() as tx:
        write.add_messages(tx, account, folder, news)
    yield made, folder
    made.close()


class Listed(Source):
    """A list of whatever a test says."""

    ids: "array[int]"

    def first(self) -> tuple[Order, bool]:
        return plain(self.ids[:]), True


@pytest.fixture
def view(store: tuple[Store, FolderId], qapp: QApplication) -> Iterator[MessageList]:
    """A list over that folder."""
    theme().apply(False)
    db = open_reader(store[0].profile)
    model = MessageModel(Source(None))
    made = MessageList(model)
    made.resize(400, 800)
    made.show()
    model.show(Source(db, Place(folder=store[1])))
    yield made
    made.close()
    made.deleteLater()
    db.close()


def test_a_hundred_thousand_rows_are_there_and_few_are_read(view: MessageList, qapp: QApplication) -> None:
    qapp.processEvents()
    assert view.messages.messages == MANY
    assert len(view.messages._cards) <= 256
    view.scrollToBottom()
    qapp.processEvents()
    assert len(view.messages._cards) <= 768


def test_headings_are_lower_than_cards(view: MessageList) -> None:
    header = view.verticalHeader()
    rows = view.messages.heading_rows()
    assert len(rows) > 20
    assert {header.sectionSize(row) for row in rows} == {DAY_ROW}
    assert header.sectionSize(rows[5] + 1) == 80


def test_select_all_is_one_range(view: MessageList) -> None:
    begin = time.process_time()
    view.selectAll()
    assert len(view.selected_ids()) == MANY
    assert time.process_time() - begin < 2


def test_rows_are_found_by_id(view: MessageList) -> None:
    model = view.messages
    for row in (1, 777, 54_321, len(model.rows) - 1):
        if model.id_at(row) is not None:
            assert model.row_of(model.rows[row]) == row
    assert view.select(model.rows[50_001] if model.id_at(50_001) else model.rows[50_002])


def test_one_change_touches_few_rows(view: MessageList, store: tuple[Store, FolderId]) -> None:
    model = view.messages
    view.select(model.rows[400] if model.id_at(400) else model.rows[401])
    chosen = view.current_id()
    inserted: list[tuple[int, int]] = []
    resets: list[int] = []
    model.rowsInserted.connect(lambda _, first, last: inserted.append((first, last)))
    model.modelReset.connect(lambda: resets.append(1))
    with store[0].write() as tx:
        new = write.add_messages(
            tx, AccountId(1), store[1], [NewMessage(Envelope(subject="New"), int(time.time()), 10, MANY + 9)]
        )
    model.refresh(new)
    assert sum(last - first + 1 for first, last in inserted) in (1, 2)
    assert resets == []
    assert view.current_id() == chosen
    with store[0].write() as tx:
        write.remove_messages(tx, new, Claim.DELETED, int(time.time()))
    model.refresh(new)
    assert model.messages == MANY


def test_the_model_keeps_its_contract(store: tuple[Store, FolderId], qapp: QApplication) -> None:
    db = open_reader(store[0].profile)
    whole = read.folder_order(db, store[1], limit=300)
    source = Listed(db, Place(folder=store[1]))
    source.ids = whole
    model = MessageModel(Source(None))
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show(source)
    for change in (whole[5:], whole[5:200], whole[:250], array("q", [whole[7]]), array("q"), whole):
        source.ids = array("q", change)
        model.refresh()
        assert model.messages == len(change)
    index = model.index(1, 0)
    assert isinstance(model.data(index, CARD), Card)
    assert str(model.data(index, Qt.ItemDataRole.AccessibleTextRole)).startswith(("Unread", "Sender"))
    data = model.mimeData([model.index(0, 0), index])
    assert data.data(model.mimeTypes()[0]).data() == str(model.rows[1]).encode()
    del tester
    db.close()


def test_a_message_that_vanished_meanwhile_paints_as_nothing(view: MessageList) -> None:
    model = view.messages
    model.rows[1] = (model.rows[1] >> 20 << 20) + 1_000_000
    assert model.card(1) is None
    assert not view.grab().isNull()


def test_an_answer_makes_every_card_of_its_conversation_count_again(tmp_path: Path, qapp: QApplication) -> None:
    store = Store(Profile(tmp_path / "p"))
    now = int(time.time())

    def deliver(uid: int, envelope: Envelope) -> list[MessageId]:
        with store.write() as tx:
            return list(write.add_messages(tx, account, folder, [NewMessage(envelope, now + uid, 10, uid)]))

    with store.write() as tx:
        account = write.add_account(tx, Account(AccountId(0), "One", "one@example.org"))
        folder = write.put_folder(tx, account, "INBOX", role=Role.INBOX)
    first = deliver(1, Envelope(subject="Lunch", message_id="1@example.org"))[0]
    db = open_reader(store.profile)
    model = MessageModel(Source(None))
    model.show(Source(db, Place(folder=folder)))

    def count() -> int:
        card = model.card(model.row_of(first))
        assert card is not None
        return card.in_thread

    assert count() == 1
    answer = Envelope(subject="Re: Lunch", message_id="2@example.org", references=("1@example.org",))
    model.refresh(deliver(2, answer))
    assert count() == 2
    db.close()
    store.close()


def test_a_row_tells_the_time_by_which_it_is_listed(tmp_path: Path, qapp: QApplication) -> None:
    """A Date of years ago (or to come) does not stand below the heading "Today"; the reader tells it."""
    store = Store(Profile(tmp_path / "p"))
    now = int(time.time())
    with store.write() as tx:
        account = write.add_account(tx, Account(AccountId(0), "One", "one@example.org"))
        folder = write.put_folder(tx, account, "INBOX", role=Role.INBOX)
        old, coming = (
            NewMessage(Envelope(subject="Odd", date=date), now, 10, uid) for uid, date in ((1, 10**9), (2, 2 * 10**9))
        )
        write.add_messages(tx, account, folder, [old, coming])
    model = MessageModel(Source(None))
    db = open_reader(store.profile)
    model.show(Source(db, Place(folder=folder)))
    shown = [card.time for row in range(len(model.rows)) if (card := model.card(row)) is not None]
    assert shown == [time.strftime("%H:%M", time.localtime(now))] * 2
    db.close()
    store.close()
