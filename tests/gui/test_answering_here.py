"""An answer below the message that it answers: written there, out of sight and back, popped out, sent."""

from collections.abc import Iterator

import pytest
from gui_office import Office, office, wait_until
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from mua.gui.composer import Composer
from mua.model.folder import Role
from mua.model.message import MessageId
from mua.store import read

pytestmark = pytest.mark.gui


@pytest.fixture(scope="module")
def place(qapp: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("office") / "p") as made:
        made.sign_in()
        yield made


def receive(place: Office, subject: str) -> MessageId:
    """A letter to ourselves, and its id in the inbox."""
    composer = place.write()
    composer.to._paste("robin@demo.mua.example")
    composer.subject.setText(subject)
    composer.editor.setPlainText(f"About {subject}.")
    composer.send()

    def found() -> list[MessageId]:
        order = read.folder_order(place.db, place.folder(Role.INBOX))  # type: ignore[arg-type]
        return [row.id for row in read.rows(place.db, order) if row.subject == subject]

    wait_until(found, subject)
    return found()[0]


def show(place: Office, message: MessageId) -> None:
    desk = place.program.desk
    wait_until(lambda: desk.listing.model.row_of(message) >= 0, "it in the list")
    desk.listing.view.select(message)
    wait_until(lambda: desk.reader.row is not None and desk.reader.row.id == message and desk.reader.view, "shown")


def answer(place: Office) -> Composer:
    action = place.program.window.actions_["reply_here"]
    wait_until(action.isEnabled, "letters to act on the mail again")
    action.trigger()
    wait_until(lambda: place.rooms.composing.composers, "the composer")
    (composer,) = place.rooms.composing.composers.values()
    return composer


def test_an_answer_is_written_below_its_message_and_follows_it(place: Office) -> None:
    window, actions = place.program.window, place.program.window.actions_
    chairs, tables = receive(place, "Chairs"), receive(place, "Tables")
    place.rooms.composing.journal.settle()
    show(place, chairs)
    composer = answer(place)
    assert composer.window() is window and not composer.isHidden()
    assert composer.subject.isHidden() and not composer.pop_button.isHidden()
    window.activateWindow()
    composer.editor.setFocus()
    wait_until(composer.editor.hasFocus, "the keyboard")
    assert [key.toString() for key in actions["archive"].shortcuts()] == []  # E is a letter of the answer
    assert [key.toString() for key in actions["reply_list"].shortcuts()] == []  # Ctrl+Shift+L draws a line
    assert "Ctrl+R" in [key.toString() for key in actions["reply"].shortcuts()]
    QTest.keyClicks(composer.editor, "Eight are enough")
    place.program.desk.reader.take_keyboard()
    assert "E" in [key.toString() for key in actions["archive"].shortcuts()]

    show(place, tables)
    wait_until(composer.isHidden, "another message")
    show(place, chairs)
    wait_until(lambda: not composer.isHidden(), "its message again")

    composer.editor.setFocus()
    QTest.keyClick(
        composer.editor, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    )
    wait_until(composer.isWindow, "a window of its own")
    assert composer.editor.toPlainText().startswith("Eight are enough") and not composer.subject.isHidden()
    composer.editor.undo()
    assert not composer.editor.toPlainText().startswith("Eight are enough")  # its steps came along
    composer.editor.redo()
    composer.send()
    wait_until(lambda: any(b"Eight are enough" in one and b"In-Reply-To" in one for one in place.mails("INBOX")), "it")
    assert place.program.desk.reader._halves.count() == 1


def test_one_that_says_nothing_goes_with_its_message_and_a_closed_one_is_a_draft(place: Office) -> None:
    lamps, plates = receive(place, "Lamps"), receive(place, "Plates")
    show(place, lamps)
    answer(place)
    show(place, plates)
    wait_until(lambda: not place.rooms.composing.composers, "nothing was written")
    composer = answer(place)
    QTest.keyClicks(composer.editor, "Two will do")
    composer.close()
    wait_until(lambda: any(b"Two will do" in one for one in place.mails("Drafts")), "the draft")
    wait_until(lambda: place.program.desk.reader._halves.count() == 1, "room for the message")
