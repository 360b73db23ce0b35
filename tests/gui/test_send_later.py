"""Sending later in the window: proposed, picked, put off, called forward, and taken back whole."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from gui_office import Office, office, wait_until
from PySide6.QtCore import QDateTime, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from mua.gui import later_bar
from mua.gui import outbox_words as said
from mua.gui.composer import Composer
from mua.gui.outbox import OutboxPage
from mua.gui.outbox_card import OutgoingCard
from mua.gui.places import Place
from mua.gui.sidebar import Entry, entries
from mua.gui.widgets import Button, Label
from mua.gui.writing import Kind
from mua.model.account import AccountId, Route
from mua.model.folder import FolderId, Role
from mua.model.outgoing import Outgoing, OutgoingId, Recipient, RecipientState
from mua.plan import later
from mua.store import outbox, read

pytestmark = pytest.mark.gui

AMARA = "amara.okoye@larkspur.example"
NOW = 1_800_000_000
DAY = 86_400


@pytest.fixture
def place(qapp: QApplication, tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "p") as made:
        made.sign_in()
        yield made


def letter(place: Office, **values: object) -> Composer:
    composer = place.write(**values)  # type: ignore[arg-type]
    composer.to._paste(AMARA)
    composer.subject.setText("The hall")
    composer.editor.setPlainText("See you then.\n")
    return composer


def sent(place: Office) -> Outgoing:
    (one,) = outbox.listed(place.db, finished=True)
    return one


def scheduled_page(place: Office) -> OutboxPage:
    place.program.desk.scheduled_wanted.emit()
    assert isinstance(place.rooms.page, OutboxPage)
    return place.rooms.page


def click(card: OutgoingCard, text: str) -> None:
    next(one for one in card.findChildren(Button) if one.accessibleName() == text).click()


def pick(bar: later_bar.LaterBar, at: int) -> None:
    """As a person types it, and Enter."""
    bar.field.setDateTime(QDateTime.fromSecsSinceEpoch(at))
    QTest.keyClick(bar.field, Qt.Key.Key_Return)


def test_a_proposed_time_is_one_click_and_the_letter_waits_apart(place: Office) -> None:
    composer = letter(place)
    menu = composer.later_menu()
    names = [one.text().split(",")[0] for one in menu.actions()]
    assert {"Another time…", "Tomorrow morning"} <= set(names)
    proposed = next(one.at for one in later.proposals(int(time.time())) if one.name == "Tomorrow morning")
    menu.actions()[names.index("Tomorrow morning")].trigger()
    wait_until(lambda: place.rooms.composing.composers == {}, "the composer to close")
    one = sent(place)
    assert (one.not_before, one.scheduled) == (proposed, True)
    assert place.program.window.toast.text().startswith("Scheduled: ")
    wait_until(lambda: place.program.desk.scheduled == 1, "the sidebar")
    assert place.program.desk.waiting == 0
    shown = scheduled_page(place)
    (card,) = shown.cards
    assert any(label.text().startswith("Scheduled: ") for label in card.findChildren(Label))
    assert any(label.text().startswith("It goes out on ") for label in card.findChildren(Label))
    assert "off or asleep" in shown.note.text()
    assert not shown.note.isHidden()
    shown.choose("waiting")
    assert shown.cards == []
    place.program.desk.outbox_wanted.emit()  # where nothing else waits, it is what is shown first
    shown = place.rooms.page
    assert isinstance(shown, OutboxPage)
    assert len(shown.cards) == 1
    assert not shown.note.isHidden()
    shown.choose("all")
    assert len(shown.cards) == 1


def test_any_time_is_picked_with_the_keyboard_alone(place: Office) -> None:
    composer = letter(place)
    composer.activateWindow()
    wait_until(composer.isActiveWindow, "the keyboard")
    QTest.keyClick(composer, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    menu = QApplication.activePopupWidget()
    assert menu is not None
    menu.close()
    composer.choose_time()
    bar = composer.later_bar
    assert not bar.isHidden()
    assert bar.button.isEnabled()  # what it begins with can be chosen
    QTest.keyClick(bar.field, Qt.Key.Key_Escape)
    assert bar.isHidden()
    composer.choose_time()
    pick(bar, int(time.time()) - 3600)
    assert "is past" in bar.sentence.text()
    assert not bar.button.isEnabled()
    at = int(time.time()) // 60 * 60 + 5 * DAY
    pick(bar, at)
    wait_until(lambda: place.rooms.composing.composers == {}, "the composer to close")
    assert (sent(place).not_before, place.states()) == (at, {AMARA: "queued"})


def test_the_time_may_be_meant_by_the_clocks_of_another_place(place: Office) -> None:
    composer = letter(place)
    bar = composer.later_bar
    bar.ask()
    assert bar.zone.currentText() == bar.zone.HERE
    day = datetime.now(ZoneInfo("Asia/Tokyo")) + timedelta(days=3)
    bar.field.setDateTime(QDateTime(day.year, day.month, day.day, 9, 30, 0))
    bar.zone.setEditText("asia/toky")
    assert not bar.button.isEnabled()
    assert "no time zone" in bar.sentence.text()
    bar.zone.setEditText("asia/tokyo")
    wanted = int(day.replace(hour=9, minute=30, second=0, microsecond=0).timestamp())
    assert bar.at() == later.Moment(wanted)
    assert bar.sentence.text().startswith(later_bar.goes_out(wanted))
    bar.button.click()
    wait_until(lambda: place.rooms.composing.composers == {}, "the composer to close")
    assert sent(place).not_before == wanted


def test_undo_brings_the_letter_back_as_it_was(place: Office) -> None:
    composer = letter(place)
    before = composer.letter()
    composer.send(int(time.time()) + DAY)
    toast = place.program.window.toast
    wait_until(lambda: toast.text().startswith("Scheduled: "), "scheduled")
    next(one for one in toast.findChildren(Button) if one.text() == "Undo").click()
    wait_until(lambda: place.rooms.composing.composers, "the composer")
    (again,) = place.rooms.composing.composers.values()
    assert replace(again.letter(), cursor=0) == replace(before, cursor=0)
    assert place.states() == {AMARA: "cancelled"}


def test_what_is_forgotten_is_asked_and_the_time_is_kept(place: Office) -> None:
    composer = letter(place)
    composer.subject.setText("")
    at = int(time.time()) + 5 * DAY
    composer.send(at)
    assert composer.banner.text() == "The message has no subject."
    next(one for one in composer.banner.findChildren(Button) if one.text() == "Send anyway").click()
    wait_until(lambda: place.rooms.composing.composers == {}, "the composer to close")
    assert sent(place).not_before == at


def test_a_time_that_has_passed_meanwhile_is_said_with_the_letter_still_there(place: Office) -> None:
    composer = letter(place)
    composer.send(int(time.time()) - 1)
    wait_until(lambda: "is past" in composer.banner.text(), "the engine's sentence")
    assert composer.send_button.isEnabled()
    next(one for one in composer.banner.findChildren(Button) if one.text() == "Another time").click()
    assert not composer.later_bar.isHidden()
    assert outbox.listed(place.db, finished=True) == []


def test_put_off_on_its_card_and_then_sent_now(place: Office) -> None:
    letter(place).send(int(time.time()) + DAY)
    wait_until(lambda: place.rooms.composing.composers == {}, "the composer to close")
    message_id = sent(place).message_id
    shown = scheduled_page(place)
    click(shown.cards[0], "Another time…")
    card, at = shown.cards[0], int(time.time()) // 60 * 60 + 9 * DAY
    assert card.choosing
    shown.refresh()
    assert shown.cards == [card]  # it stays while it is asked
    assert card._later is not None
    pick(card._later, at)
    wait_until(lambda: sent(place).not_before == at, "another time")
    wait_until(lambda: shown.cards and shown.cards[0].message.not_before == at, "its card")
    click(shown.cards[0], "Send now")
    wait_until(lambda: place.states() == {AMARA: "accepted"}, "accepted")
    assert sent(place).message_id == message_id
    wait_until(lambda: place.program.desk.scheduled == 0, "the sidebar")


def test_editing_what_is_scheduled_loses_nothing(place: Office, tmp_path: Path) -> None:
    original = (
        b"From: Amara Okoye <amara.okoye@larkspur.example>\r\nTo: robin@demo.mua.example\r\n"
        b"Subject: The hall\r\nMessage-ID: <first@larkspur.example>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\n"
        b"Shall we take it?\r\n"
    )
    place.servers.do(lambda: place.servers.mailbox.find("INBOX").add(original, 1_700_000_000))
    inbox = FolderId(place.folder(Role.INBOX))
    wait_until(lambda: read.folder_order(place.db, inbox), "the mail")
    desk = place.program.desk
    desk.show_place(Place(folder=inbox))
    (row,) = read.rows(place.db, read.folder_order(place.db, inbox))
    composer = place.write(Kind.REPLY, row=row, view=None)
    (tmp_path / "plan.bin").write_bytes(bytes(range(256)) * 40)
    composer.attach([str(tmp_path / "plan.bin")])
    composer.cc._paste("Lena Ørsted <lena@larkspur.example>")
    composer.bcc._paste("hidden@larkspur.example")
    composer.editor.toggle_bold()
    composer.editor.insertPlainText("Yes.")
    before = composer.letter()
    composer.send(int(time.time()) + DAY)
    wait_until(lambda: place.rooms.composing.composers == {}, "the composer to close")
    (tmp_path / "plan.bin").unlink()
    click(scheduled_page(place).cards[0], "Edit")
    wait_until(lambda: place.rooms.composing.composers, "a composer")
    (again,) = place.rooms.composing.composers.values()
    after = again.letter()
    assert set(place.states().values()) == {"cancelled"}
    same = ("to", "cc", "bcc", "subject", "in_reply_to", "references", "answers", "forwards", "account_id")
    assert {name: getattr(after, name) for name in same} == {name: getattr(before, name) for name in same}
    assert before.answers == row.id
    assert after.text.rstrip() == before.text.rstrip()
    assert "Yes." in after.rich
    assert [Path(one.path).read_bytes() for one in after.attached] == [bytes(range(256)) * 40]


def test_what_is_gone_already_does_not_come_back_twice(place: Office) -> None:
    """Taken back too late: the copy that was made for the composer goes, too."""
    letter(place).send()
    wait_until(lambda: place.states() == {AMARA: "accepted"}, "accepted")
    place.rooms.composing.taking.take_back(sent(place).id, [AMARA])
    wait_until(lambda: "on its way already" in place.program.window.toast.text(), "too late")
    place.rooms.composing.journal.settle()
    assert place.rooms.composing.composers == {}
    assert place.rooms.composing.journal.letters() == []


# ---- words


def message(at: int, *states: RecipientState, scheduled: bool = True) -> Outgoing:
    recipients = tuple(Recipient(f"r{n}@example.org", state, next_attempt=at) for n, state in enumerate(states))
    made = Outgoing(
        OutgoingId(1), AccountId(1), "m@example.org", "S", "a@example.org", Route.SMTP, NOW - 60, at, recipients
    )  # fmt: skip
    return replace(made, scheduled=scheduled)


def test_the_headline_of_what_goes_later() -> None:
    queued, accepted = RecipientState.QUEUED, RecipientState.ACCEPTED
    assert said.headline(message(NOW + 60, queued), NOW)[2] == "Scheduled: in 60 s"
    tomorrow = int(datetime.fromtimestamp(NOW + DAY).replace(hour=9, minute=0, second=0).timestamp())  # noqa: DTZ006
    assert said.headline(message(tomorrow, queued), NOW)[2] == "Scheduled: tomorrow, 09:00"
    assert said.headline(message(NOW - 1, queued), NOW)[2] == "Waiting"
    assert said.headline(message(NOW + 60, queued, scheduled=False), NOW)[2] == "Waiting"
    assert said.headline(message(NOW + 60, accepted), NOW)[2] == "Accepted"


def test_that_it_went_late_is_said() -> None:
    gone = message(NOW - 7200, RecipientState.ACCEPTED)
    assert said.lateness(gone, NOW - 7200, NOW) == said.lateness(gone, None, NOW) == ""
    assert "off, asleep or offline until then" in said.lateness(gone, NOW - 600, NOW)
    assert said.lateness(replace(gone, scheduled=False), NOW - 600, NOW) == ""


def test_the_sidebar_has_it_apart() -> None:
    def outboxes(waiting: int, scheduled: int) -> list[Entry]:
        return [one for one in entries([], [], {}, waiting=waiting, scheduled=scheduled) if one.outbox]

    assert [(one.text, one.count) for one in outboxes(2, 3)] == [("Outbox", 2), ("Scheduled", 3)]
    assert [one.spoken() for one in outboxes(0, 1)] == ["Scheduled, 1 message"]
    assert outboxes(0, 0) == []
    assert said.needs_attention([message(NOW + 60, RecipientState.QUEUED)], 0, NOW) == 0
    assert said.needs_attention([message(NOW - 60, RecipientState.QUEUED)], 0, NOW) == 1


@pytest.mark.parametrize(
    ("clock", "part"),
    [
        (later.Clock.PLAIN, "off or asleep"),
        (later.Clock.SKIPPED, "go forward"),
        (later.Clock.TWICE, "the first is meant"),
    ],
)
def test_what_the_picker_says_of_strange_times(clock: later.Clock, part: str) -> None:
    text, good = later_bar.said_of(later.Moment(NOW + DAY, clock), "02:30", NOW)
    assert good
    assert part in text
    assert "UTC" in text
