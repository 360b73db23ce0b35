"""The list by conversations: rows, what they tell, opening and folding, and what comes and goes meanwhile."""

import time

import pytest
from gui_mail import HOUR, ME, Mail, letter
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mua import wire
from mua.gui.app import Options, Program
from mua.gui.card import Card
from mua.gui.day_rows import is_heading, is_member, message_of
from mua.gui.grouping import Grouping
from mua.gui.message_cards import Density
from mua.gui.message_list import MessageList
from mua.gui.message_model import MessageModel
from mua.gui.places import Place
from mua.model.folder import FolderId, Role
from mua.model.ledger import Claim
from mua.model.message import Flag, MessageId
from mua.store import read, write
from mua.store.read import Filter, Saved

MIRELA, TOMASZ = ("Mirela Popescu", "mirela@example.org"), ("Tomasz Nowak", "tomasz@example.net")
MINE = ("Maya", ME)


class Talk:
    """A conversation that is written into the inbox of ``program``, as long as the test wants it."""

    def __init__(self, program: Program, mail: Mail) -> None:
        self.program, self.mail = program, mail
        self.account = read.accounts(mail.store.reader())[0].id
        self.number = 0

    @property
    def model(self) -> MessageModel:
        return self.program.window.listing.model

    @property
    def view(self) -> MessageList:
        return self.program.window.listing.view

    def add(self, who: tuple[str, str], age: float, folder: str = "INBOX", flags: Flag = Flag.SEEN, files: int = 0,
            thread: str = "board") -> MessageId:  # fmt: skip
        """One message, ``age`` hours old; the window is told."""
        self.number += 1
        when = int(time.time() - age * HOUR)
        raw = letter(*who, "Re: Board meeting", f"Words {self.number}.", when, files, thread, 700 + self.number)
        one = self.mail.letter(self.account, self.mail.folders[folder], raw, when, flags)
        self.tell(one)
        return one

    def tell(self, *ids: int, gone: tuple[int, ...] = ()) -> None:
        """As the engine would."""
        self.program.desk.hearing.hear(wire.Changed(1, folders=(1,), messages=ids, removed=gone))
        self.program.desk.hearing.refresh()
        QApplication.processEvents()

    def rows(self) -> list[int]:
        """The message of each row; negative when it stands below another."""
        rows = [key for key in self.model.rows if not is_heading(key)]
        return [-message_of(key) if is_member(key) else key for key in rows]

    def card(self, message_id: int) -> Card:
        found = self.model.card(self.model.row_of(message_id))
        assert found is not None
        return found

    def unfold(self, message_id: int) -> None:
        assert self.model.unfold(self.model.row_of(message_id), True)


@pytest.fixture
def talk(program: Program, mail: Mail) -> Talk:
    program.window.listing.view.setFocus()
    return Talk(program, mail)


@pytest.fixture
def three(talk: Talk) -> list[MessageId]:
    """A conversation, oldest first: read, unread with a clip, and starred; an answer of mine is in Sent."""
    first = talk.add(MIRELA, 30)
    talk.add(MINE, 28, folder="Sent")
    second = talk.add(TOMASZ, 20, flags=Flag(0), files=1)
    return [first, second, talk.add(MIRELA, 0.5, flags=Flag.SEEN | Flag.FLAGGED)]


def press(view: MessageList, key: Qt.Key) -> None:
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        QApplication.sendEvent(view, QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier))


# ---- rows
def test_a_conversation_has_one_row_that_tells_of_all_of_it(talk: Talk, three: list[MessageId]) -> None:
    first, second, last = three
    assert last in talk.rows()
    assert first not in talk.rows()
    assert second not in talk.rows()
    assert talk.model.messages == 15  # all are listed
    card = talk.card(last)
    assert (card.who, card.face) == ("Mirela, me, Tomasz", "Mirela Popescu")
    assert (card.unread, card.starred, card.clip) == (True, True, True)
    assert (card.in_thread, card.here) == (4, 3)
    assert card.snippet == "Words 4."
    assert "conversation of 4, 1 unread, folded" in card.spoken
    assert card.spoken.startswith("Unread, Mirela, me, Tomasz, Re: Board meeting, ")


def test_no_conversation_is_listed_twice_and_headings_have_their_messages(talk: Talk, three: list[MessageId]) -> None:
    assert talk.rows() == sorted(set(talk.rows()), reverse=True)
    assert talk.model.row_of(three[0]) == talk.model.row_of(three[2]) == talk.model.row_of_thread(
        talk.model.thread_of(three[1])
    )  # fmt: skip


def test_a_chip_lists_the_conversations_that_have_such_messages(talk: Talk, three: list[MessageId]) -> None:
    talk.program.window.listing.narrow(Filter.UNREAD)
    assert three[1] in talk.rows()
    assert talk.card(three[1]).here == 1
    assert talk.view.select(three[1])
    assert talk.view.selected_ids() == [three[1]]  # what is read already is not of this row


def test_the_results_of_a_search_are_single_messages(talk: Talk, three: list[MessageId], qtbot: QtBot) -> None:
    other = talk.add(TOMASZ, 10, flags=Flag.SEEN | Flag.FLAGGED)
    assert other not in talk.rows()
    talk.program.desk.finding.search("is:starred")
    qtbot.waitUntil(lambda: talk.model.source.query is not None and not talk.model.seeking)
    assert {three[2], other} <= set(talk.rows())
    assert talk.card(three[2]).who == "Mirela Popescu"
    talk.program.window.actions_["group"].trigger()
    assert "message by message" in talk.program.window.toast.text()
    assert not talk.program.window.listing._grouping.isEnabled()
    talk.program.desk.finding.search("")
    assert talk.model.source.grouped
    assert talk.program.window.listing._grouping.isEnabled()


# ---- opening and folding
def test_a_conversation_opens_in_place_and_folds(talk: Talk, three: list[MessageId]) -> None:
    first, second, last = three
    folded = talk.rows()
    place = folded.index(last)
    talk.view.select(last)
    press(talk.view, Qt.Key.Key_Right)
    assert talk.rows() == [*folded[: place + 1], -second, -first, *folded[place + 1 :]]
    card = talk.card(last)
    assert (card.who, card.unread, card.starred, card.clip) == ("Mirela Popescu", False, True, False)
    assert "conversation of 4, open" in card.spoken
    assert "in this conversation" in talk.card(second).spoken
    assert (talk.card(second).who, talk.card(second).unread, talk.card(second).in_thread) == ("Tomasz Nowak", True, 0)
    press(talk.view, Qt.Key.Key_Down)
    assert talk.view.current_id() == second
    press(talk.view, Qt.Key.Key_Left)
    assert talk.view.current_id() == last
    press(talk.view, Qt.Key.Key_Left)
    assert talk.rows() == folded
    assert talk.card(last).who == "Mirela, me, Tomasz"
    assert talk.view.current_id() == last


def test_folding_from_outside_leaves_the_row_of_the_conversation_selected(talk: Talk, three: list[MessageId]) -> None:
    talk.unfold(three[2])
    talk.view.select(three[0])
    assert talk.view.selected_ids() == [three[0]]
    talk.program.window.actions_["unfold"].trigger()  # from inside: to the first
    talk.program.window.actions_["unfold"].trigger()
    assert talk.model.is_folded(talk.model.thread_of(three[0]))
    talk.unfold(three[2])
    talk.view.select(three[0])
    talk.model.unfold(talk.model.row_of(three[2]), False)
    assert talk.view.currentIndex().row() == talk.model.row_of(three[2])
    assert set(talk.view.selected_ids()) == set(three)


@pytest.mark.parametrize("density", list(Density))
def test_the_chip_opens_and_folds(talk: Talk, three: list[MessageId], density: Density) -> None:
    talk.program.window.listing.set_density(density)
    QApplication.processEvents()
    for direction in (Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft):
        talk.view.setLayoutDirection(direction)
        for opened in (True, False):
            index = talk.model.index(talk.model.row_of(three[2]), 0)
            box = talk.view._delegate.chip(talk.view.visualRect(index), direction, talk.card(three[2]))
            assert box is not None
            assert talk.view.visualRect(index).contains(box.center())
            where = QPointF(box.center())
            event = QMouseEvent(
                QEvent.Type.MouseButtonPress, where, talk.view.viewport().mapToGlobal(where), Qt.MouseButton.LeftButton,
                Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
            )  # fmt: skip
            QApplication.sendEvent(talk.view.viewport(), event)
            assert talk.card(three[2]).unfolded is opened
            assert talk.view.current_id() is None  # nothing was chosen, and so nothing read
            assert not talk.view.grab().isNull()


def test_what_has_one_message_here_does_not_open(talk: Talk) -> None:
    only = next(one for one in talk.rows() if talk.card(one).in_thread == 4)  # three are in the archive
    assert talk.card(only).here == 1
    assert not talk.model.unfold(talk.model.row_of(only), True)
    assert talk.view._delegate.chip(talk.view.rect(), Qt.LayoutDirection.LeftToRight, talk.card(only)) is None


def test_going_to_a_message_opens_its_conversation(talk: Talk, three: list[MessageId]) -> None:
    talk.program.desk.go_to(three[0])
    assert talk.view.current_id() == three[0]
    assert talk.program.window.reader.row is not None
    assert talk.program.window.reader.row.id == three[0]
    assert talk.view.selected_ids() == [three[0]]


# ---- what an act is for
def test_a_folded_row_is_all_of_the_conversation_here(talk: Talk, three: list[MessageId]) -> None:
    talk.view.select(three[2])
    assert sorted(talk.view.selected_ids()) == three
    dragged = talk.model.mimeData([talk.view.currentIndex()])
    assert dragged.data(talk.model.mimeTypes()[0]).data().decode() == ",".join(map(str, reversed(three)))
    talk.unfold(three[2])
    assert talk.view.selected_ids() == [three[2]]
    talk.view.selectAll()
    assert sorted(talk.view.selected_ids()) == sorted(talk.model.ids)
    talk.model.unfold(talk.model.row_of(three[2]), False)
    talk.view.selectAll()
    assert sorted(talk.view.selected_ids()) == sorted(talk.model.ids)


def test_a_message_that_nobody_has_seen_in_the_list_is_not_acted_on(talk: Talk, three: list[MessageId]) -> None:
    talk.view.select(three[2])
    when = int(time.time())
    raw = letter(*TOMASZ, "Re: Board meeting", "Just now.", when, 0, "board", 990)
    talk.mail.letter(talk.account, talk.mail.folders["INBOX"], raw, when, Flag(0))  # the window was not told yet
    assert sorted(talk.view.selected_ids()) == three


# ---- what comes and goes
def test_an_answer_moves_the_conversation_up_and_nothing_else_moves(talk: Talk, three: list[MessageId]) -> None:
    other = talk.add(TOMASZ, 0.2, thread="other")
    talk.view.select(three[2])
    talk.view.verticalScrollBar().setValue(200)
    QApplication.processEvents()
    middle = talk.view.rowAt(talk.view.viewport().height() // 2)
    # the heading of a day goes when its only conversation does, which is a matter of the hour
    seen = next(row for row in range(middle, middle + 3) if not is_heading(talk.model.rows[row]))
    still, top = talk.model.rows[seen], talk.view.rowViewportPosition(seen)
    read_before = talk.program.window.reader.row
    last = talk.add(TOMASZ, 0, flags=Flag(0))
    assert talk.rows()[:2] == [last, other] or talk.rows()[0] == last
    assert three[2] not in talk.rows()
    assert talk.view.rowViewportPosition(talk.model.row_of_key(still)) == top
    assert talk.view.currentIndex().row() == talk.model.row_of(last)
    assert sorted(talk.view.selected_ids()) == [*three, last]
    assert talk.program.window.reader.row is not None
    assert read_before is not None
    assert talk.program.window.reader.row.id == read_before.id  # who reads goes on reading
    assert talk.card(last).in_thread == 5


def test_at_the_top_of_the_list_what_is_new_is_seen(talk: Talk, three: list[MessageId]) -> None:
    talk.view.scrollToTop()
    last = talk.add(TOMASZ, 0, flags=Flag(0))
    assert talk.view.verticalScrollBar().value() == 0
    assert talk.rows()[0] == last


def test_several_selected_conversations_stay_selected_when_one_moves(talk: Talk, three: list[MessageId]) -> None:
    other = talk.rows()[5]
    talk.view.select(other)
    index = talk.model.index(talk.model.row_of(three[2]), 0)
    talk.view.selectionModel().select(index, talk.view.selectionModel().SelectionFlag.Select)
    last = talk.add(TOMASZ, 0)
    assert sorted(talk.view.selected_ids()) == sorted([*three, last, *talk.model.concerns([other])])


def test_an_open_conversation_stays_open_when_an_answer_comes(talk: Talk, three: list[MessageId]) -> None:
    talk.unfold(three[2])
    talk.view.select(three[1])
    last = talk.add(TOMASZ, 0)
    place = talk.rows().index(last)
    assert talk.rows()[place : place + 4] == [last, -three[2], -three[1], -three[0]]
    assert talk.view.selected_ids() == [three[1]]
    assert (talk.card(three[2]).member, talk.card(last).unfolded) == (True, True)


def test_when_the_newest_goes_the_one_before_has_the_row(talk: Talk, three: list[MessageId]) -> None:
    talk.view.select(three[2])
    with talk.mail.store.write() as tx:
        write.wish_move(tx, [three[2]], talk.mail.folders["Archive"], int(time.time()))
    talk.tell(three[2])
    assert three[1] in talk.rows()
    assert talk.view.current_id() == three[1]
    assert talk.program.window.reader.row is not None
    assert talk.program.window.reader.row.id == three[1]


def test_what_is_removed_from_the_store_leaves_no_number_behind(talk: Talk, three: list[MessageId]) -> None:
    assert talk.card(three[2]).in_thread == 4
    with talk.mail.store.write() as tx:
        write.remove_messages(tx, [three[0]], Claim.DELETED, int(time.time()))
    talk.tell(gone=(three[0],))
    assert (talk.card(three[2]).in_thread, talk.card(three[2]).here) == (3, 2)


def test_an_answer_elsewhere_is_counted(talk: Talk, three: list[MessageId]) -> None:
    assert talk.card(three[2]).in_thread == 4
    talk.add(MINE, 0, folder="Sent")
    assert talk.card(three[2]).in_thread == 5


def test_a_flag_of_a_hidden_message_shows_on_the_row(talk: Talk, three: list[MessageId]) -> None:
    assert talk.card(three[2]).unread
    with talk.mail.store.write() as tx:
        write.wish_flags(tx, [three[1]], Flag.SEEN, Flag(0), int(time.time()))
    talk.tell(three[1])
    assert not talk.card(three[2]).unread


def test_conversations_that_are_tied_together_become_one_row(talk: Talk, three: list[MessageId]) -> None:
    other = talk.add(TOMASZ, 5, thread="other")
    assert other in talk.rows()
    when = int(time.time())
    raw = letter(*MIRELA, "Re: Both", "Both.", when, 0, "board@example.org> <other", 991)
    told: list[int] = []
    talk.mail.store.on_commit = lambda changes: told.extend(changes.messages | changes.arrived)  # type: ignore[assignment]
    both = talk.mail.letter(talk.account, talk.mail.folders["INBOX"], raw, when, Flag(0))
    talk.tell(*told)
    assert [one for one in talk.rows() if one in (*three, other, both)] == [both]
    assert talk.card(both).here == 5


def test_read_messages_stay_in_the_unread_view_while_they_are_read(talk: Talk, three: list[MessageId]) -> None:
    newest = talk.add(TOMASZ, 0.1, flags=Flag(0))
    talk.program.desk.show_place(Place(saved=Saved.UNREAD))
    talk.view.select(newest)
    talk.program.desk._unseen = [three[1], newest]
    talk.program.desk.mark_seen()
    with talk.mail.store.write() as tx:
        write.wish_flags(tx, [three[1], newest], Flag.SEEN, Flag(0), int(time.time()))
    talk.tell(three[1], newest)
    assert newest in talk.rows()
    assert not talk.card(newest).unread
    assert {three[1], newest} <= set(talk.model.ids)


# ---- on or off
def test_a_list_is_grouped_or_not_by_folder_and_that_is_kept(talk: Talk, three: list[MessageId], mail: Mail) -> None:
    talk.view.select(three[1])
    talk.program.window.actions_["group"].trigger()
    assert set(three) <= set(talk.rows())
    assert talk.view.current_id() == three[1]
    assert not talk.program.window.listing._grouping.isChecked()
    assert talk.card(three[2]).who == "Mirela Popescu"
    talk.program.desk.show_place(Place(folder=mail.folders["Archive"]))
    assert talk.model.source.grouped
    talk.program.desk.show_place(Place(folder=mail.folders["INBOX"]))
    assert not talk.model.source.grouped
    talk.program.window.listing.narrow(Filter.UNREAD)
    assert not talk.model.source.grouped
    talk.program._save()
    again = Program(mail.profile, Options())
    again.leave_alone()
    again.show()
    assert again.desk.place == Place(folder=mail.folders["INBOX"])
    assert not again.window.listing.model.source.grouped
    again.desk.group(True)
    assert again.state.value("grouped") == f"folder:{mail.folders['INBOX']}=1"
    again.window.close()
    again.end()
    again.deleteLater()


def test_what_is_usual_depends_on_what_a_folder_is_for() -> None:
    usual = Grouping()
    one = Place(folder=FolderId(1))
    assert all(usual.wanted(one, role) for role in (Role.INBOX, Role.ARCHIVE, Role.ALL, Role.NONE))
    assert not any(usual.wanted(one, role) for role in (Role.SENT, Role.DRAFTS, Role.JUNK, Role.TRASH))
    assert all(usual.wanted(Place(saved=saved), None) for saved in Saved)
    usual.read("folder:1=0,saved:unread=0,nonsense=1,folder:2=2,,saved:nothing=1")
    assert not usual.wanted(one, Role.INBOX)
    assert usual.text() == "folder:1=0,saved:unread=0"


def test_the_model_keeps_its_contract(talk: Talk, three: list[MessageId]) -> None:
    tester = QAbstractItemModelTester(talk.model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    talk.unfold(three[2])
    last = talk.add(TOMASZ, 0)
    with talk.mail.store.write() as tx:
        write.wish_move(tx, [three[0], three[1]], talk.mail.folders["Archive"], int(time.time()))
    talk.tell(three[0], three[1])
    assert talk.rows()[talk.rows().index(last) + 1] == -three[2]
    talk.model.unfold(talk.model.row_of(last), False)
    talk.program.desk.group(False)
    talk.program.desk.group(True)
    assert last in talk.rows()
    del tester
