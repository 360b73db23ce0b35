"""A whole conversation in the reader."""

import time
from dataclasses import replace

import pytest
from gui_mail import HOUR, ME, Mail, letter
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from mua.gui.app import Program
from mua.gui.conversation import MOST_OPEN, MOST_WEB, Conversation
from mua.gui.places import Place
from mua.gui.writing import Kind, Writing
from mua.model.account import AccountId
from mua.model.message import Flag, MessageId
from mua.plan.conversation import OPEN
from mua.store import read

PAGE = "<html><body><style>p{{color:#123}}</style><table><tr><td><p>Page {}</p></td></tr></table></body></html>"


def add(
    mail: Mail, number: int, text: str, thread: str = "talk", folder: str = "INBOX", flags: Flag = Flag.SEEN
) -> MessageId:
    """One more message of a thread, ``number`` minutes after its beginning."""
    account = read.accounts(mail.store.reader())[0].id
    when = int(time.time()) - 3 * HOUR + number * 60
    who, address = ("Maya", ME) if folder in ("Sent", "Drafts") else (f"Writer {number}", f"w{number}@example.net")
    raw = letter(who, address, "Re: The talk", text, when, 0, thread, 900 + number)
    return mail.letter(AccountId(account), mail.folders[folder], raw, when, flags)


def talk(program: Program, mail: Mail, chosen: MessageId) -> Conversation:
    """Choose a message of a thread."""
    program.desk.read_again(None, sidebar=True)
    program.desk.show_place(Place(folder=mail.folders["INBOX"]))
    assert program.window.listing.view.select(chosen)
    QApplication.processEvents()
    shown = program.window.reader.conversation
    assert shown is not None
    assert program.window.reader.has_conversation
    return shown


def texts(shown: Conversation) -> list[str]:
    return [card.pane.body.text.toPlainText() for card in shown.cards.values() if card.pane is not None]


def test_sent_mail_and_drafts_are_shown_and_what_was_read_is_a_line(program: Program, mail: Mail) -> None:
    first = add(mail, 1, "First words")
    sent = add(mail, 2, "My answer", folder="Sent")
    last = add(mail, 3, "Last words")
    draft = add(mail, 4, "Not finished", folder="Drafts", flags=Flag.SEEN | Flag.DRAFT)
    shown = talk(program, mail, last)
    assert list(shown.cards) == [first, sent, last, draft]
    assert shown.open_ids() == {last, draft}
    assert shown.cards[draft].pane is not None
    assert not shown.cards[draft].pane.go_on.isHidden()
    assert shown.cards[draft].pane.reply.isHidden()
    assert shown.cards[sent].line.accessibleName().startswith("from me")
    assert "My answer" in shown.cards[sent].line.accessibleName()
    assert program.window.reader.row is not None
    assert program.window.reader.row.id == last


def test_a_single_message_keeps_the_pane_of_its_own(program: Program, mail: Mail) -> None:
    only = add(mail, 1, "Alone", thread="")
    program.desk.read_again(None, sidebar=True)
    program.window.listing.view.select(only)
    assert not program.window.reader.has_conversation
    assert program.window.reader.text.toPlainText().strip() == "Alone"


def test_n_and_p_go_through_the_conversation_and_o_folds(program: Program, mail: Mail) -> None:
    ids = [add(mail, number, f"Words {number}") for number in range(1, 4)]
    shown = talk(program, mail, ids[2])
    act = program.window.actions_
    act["previous_inside"].trigger()
    assert program.window.reader.row is not None
    assert program.window.reader.row.id == ids[1]
    assert shown.open_ids() == {ids[1], ids[2]}
    act["next_inside"].trigger()
    assert shown.current == ids[2]
    act["fold"].trigger()
    assert shown.open_ids() == {ids[1]}
    assert program.window.reader.row.id == ids[2]


@pytest.mark.parametrize("pressed", ["button", "key"])
def test_an_answer_is_to_the_message_it_was_pressed_on(program: Program, mail: Mail, pressed: str) -> None:
    ids = [add(mail, number, f"Words {number}") for number in range(1, 4)]
    shown = talk(program, mail, ids[2])
    wishes: list[Writing] = []
    program.desk.writing.connect(wishes.append)
    program.desk.writing.disconnect(program.rooms.write) if program.rooms else None
    shown.unfold(ids[0])
    pane = shown.pane_of(ids[0])
    assert pane is not None
    shown.make_current(ids[2] if pressed == "button" else ids[0])
    if pressed == "button":
        pane.reply.click()
    else:
        program.window.actions_["reply"].trigger()
    assert [(one.kind, one.row.id) for one in wishes if one.row] == [(Kind.REPLY, ids[0])]
    assert wishes[0].view is not None
    assert "Words 1" in wishes[0].view.text


def test_a_folded_message_can_be_answered(program: Program, mail: Mail) -> None:
    ids = [add(mail, number, f"Words {number}") for number in range(1, 4)]
    shown = talk(program, mail, ids[2])
    wishes: list[Writing] = []
    program.desk.writing.connect(wishes.append)
    program.desk.writing.disconnect(program.rooms.write) if program.rooms else None
    shown.fold(ids[2])
    program.window.actions_["reply"].trigger()
    assert [(one.row.id, "Words 3" in one.view.text) for one in wishes if one.row and one.view] == [(ids[2], True)]


def test_what_is_in_sight_counts_as_read_and_what_is_not_does_not(program: Program, mail: Mail, qtbot: QtBot) -> None:
    long = "\n".join(f"Line {number}" for number in range(200))
    ids = [add(mail, number, f"Words {number}\n{long}", flags=Flag(0)) for number in range(1, 4)]
    program.desk.preferences = replace(program.desk.preferences, mark_read_after=0.0)
    seen: list[int] = []
    program.desk.seen.connect(seen.append)
    shown = talk(program, mail, ids[0])
    assert shown.open_ids() == set(ids)
    qtbot.waitUntil(lambda: seen == [ids[0]])
    shown.unfold(ids[2])
    qtbot.waitUntil(lambda: ids[2] in seen)
    assert ids[1] not in seen[:1]


def test_a_new_message_joins_and_nothing_that_is_open_closes(program: Program, mail: Mail) -> None:
    ids = [add(mail, number, f"Words {number}") for number in range(1, 4)]
    shown = talk(program, mail, ids[2])
    shown.unfold(ids[0])
    pane = shown.pane_of(ids[0])
    new = add(mail, 5, "And now?", flags=Flag(0))
    program.desk.read_again({new}, sidebar=False)
    assert shown.open_ids() == {ids[0], ids[2], new}
    assert shown.pane_of(ids[0]) is pane
    assert shown.current == ids[0]
    assert any("And now?" in text for text in texts(shown))


def test_five_hundred_messages_are_there_at_once_and_bounded(program: Program, mail: Mail) -> None:
    for number in range(1, 500):
        add(mail, number % 170, f"Words {number}", flags=Flag(0))
    newest = add(mail, 175, "The newest", flags=Flag(0))
    program.desk.read_again(None, sidebar=True)
    before = len(program.window.reader.findChildren(QWidget))
    begin = time.process_time()  # of this process: a busy machine is not what is measured
    shown = talk(program, mail, newest)
    took = time.process_time() - begin
    made = len(program.window.reader.findChildren(QWidget)) - before
    assert len(shown.open_ids()) == OPEN
    assert len(shown.cards) < 40
    assert made < 120 * OPEN
    assert took < 2
    for row in list(shown._rows)[:60]:
        shown.unfold(row.id)
    assert len(shown.open_ids()) == MOST_OPEN
    assert sum(card.pane is not None for card in shown.cards.values()) == MOST_OPEN


def test_few_web_views_are_alive_and_those_are_in_sight(program: Program, mail: Mail, qtbot: QtBot) -> None:
    ids = [add(mail, number, PAGE.format(number), flags=Flag(0)) for number in range(1, 8)]
    shown = talk(program, mail, ids[0])
    assert len(shown.open_ids()) == len(ids)

    def alive() -> list[MessageId]:
        return [key for key, card in shown.cards.items() if card.pane is not None and card.pane.body.web is not None]

    qtbot.waitUntil(lambda: ids[0] in alive())
    pane = shown.pane_of(ids[0])
    assert pane is not None
    web = pane.body.web
    assert web is not None
    qtbot.waitUntil(lambda: 0 < pane.body.height() < 240)  # as high as one line, not as a guess
    assert len(alive()) <= MOST_WEB
    shown.unfold(ids[-1])
    qtbot.waitUntil(lambda: ids[-1] in alive())
    assert len(alive()) <= MOST_WEB
    program.desk.show_place(Place(folder=mail.folders["Sent"]))
    assert alive() == []


def test_the_wheel_over_a_page_turns_the_conversation(program: Program, mail: Mail, qtbot: QtBot) -> None:
    ids = [add(mail, number, PAGE.format(number) + "<p>x</p>" * 60, flags=Flag(0)) for number in range(1, 4)]
    shown = talk(program, mail, ids[0])
    pane = shown.pane_of(ids[0])
    assert pane is not None
    qtbot.waitUntil(lambda: pane.body.web is not None and pane.body.height() > 900)
    assert pane.body.web is not None
    target = pane.body.web.focusProxy()
    assert target is not None
    place = QPointF(20, 20)
    turn = QWheelEvent(
        place, place, QPoint(0, 0), QPoint(0, -240), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    qtbot.waitUntil(lambda: shown.verticalScrollBar().maximum() > 240)
    QApplication.sendEvent(target, turn)
    assert shown.verticalScrollBar().value() > 0


def test_single_messages_are_the_persons_choice_and_kept(program: Program, mail: Mail) -> None:
    ids = [add(mail, number, f"Words {number}") for number in range(1, 4)]
    talk(program, mail, ids[2])
    program.window.actions_["conversations"].trigger()
    assert not program.window.reader.has_conversation
    assert program.window.reader.text.toPlainText().strip() == "Words 3"
    assert "conversations = false" in mail.profile.settings.read_text()
    program.window.actions_["conversations"].trigger()
    assert program.window.reader.has_conversation
