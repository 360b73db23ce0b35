"""One draft on the server of each letter that is written, whatever happens."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gui_office import Office, office, wait_until
from PySide6.QtCore import QTimer

from mua import wire
from mua.gui import letters
from mua.gui.composer import Composer
from mua.gui.drafting import Drafting
from mua.model.folder import Role
from mua.store import read

pytestmark = pytest.mark.gui


@pytest.fixture
def place(qapp: object, tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "p") as made:
        made.sign_in()
        yield made


def hurry(place: Office, composer: Composer) -> QTimer:
    """The clock of its drafts, at a hundredth of a second."""
    clock = place.rooms.composing._drafting._clocks[composer.key]
    clock.setInterval(10)
    return clock


def begun(place: Office) -> Composer:
    composer = place.write()
    composer.to._paste("amara.okoye@larkspur.example, nobody")
    composer.subject.setText("Plan")
    composer.editor.insertPlainText("one ")
    return composer


def saved(place: Office, words: bytes) -> None:
    wait_until(lambda: len(place.mails("Drafts")) == 1 and words in place.mails("Drafts")[0], f"one draft: {words!r}")


def test_what_is_written_is_one_draft_on_the_server(place: Office) -> None:
    composer = begun(place)
    assert hurry(place, composer).interval() == 10
    composer.written.emit()
    saved(place, b"one")
    for word in ("two ", "three ", "four "):
        composer.editor.insertPlainText(word)
        composer.written.emit()
        saved(place, word.strip().encode())
    raw = place.mails("Drafts")[0]
    assert b"amara.okoye" in raw
    assert b"nobody" not in raw, "what is no address waits in the journal"
    wait_until(lambda: len(read.folder_order(place.db, place.folder(Role.DRAFTS))) == 1, "one row")  # type: ignore[arg-type]
    composer.to.chips()[1].removed.emit()
    composer.send()
    wait_until(lambda: place.states() == {"amara.okoye@larkspur.example": "accepted"}, "sent")
    wait_until(lambda: place.mails("Drafts") == [], "the draft is gone")


def test_a_crash_between_saving_and_hearing_of_it_leaves_one_draft(place: Office) -> None:
    """The window did not learn which message its draft became; the key tells."""
    composer = begun(place)
    drafting: Drafting = place.rooms.composing._drafting
    letter = composer.letter()
    for words in ("first", "second", "third"):
        place.ask(drafting.command(letters.replace(letter, text=words, replaces=None)))
        saved(place, words.encode())
    command = place.rooms.composing.command(letters.replace(letter, to=letter.to[:1], replaces=None), 0)
    place.ask(command)
    wait_until(lambda: place.mails("Drafts") == [], "the draft is gone")
    assert read.draft_of(place.db, letter.key) is None


def test_what_another_program_made_of_a_draft_is_kept_beside_ours(place: Office) -> None:
    composer = begun(place)
    composer.save_wanted.emit()
    saved(place, b"one")
    ours = place.mails("Drafts")[0]
    theirs = ours.replace(b"one", b"their words").replace(b"Message-ID: <", b"Message-ID: <other")

    def elsewhere() -> None:
        folder = place.servers.mailbox.find("Drafts")
        folder.add(theirs, int(time.time()))
        for uid in [uid for uid, one in folder.messages.items() if one.data == ours]:
            folder.expunge([uid])

    place.servers.do(elsewhere)
    folder = place.folder(Role.DRAFTS)
    place.ask(wire.Sync())
    first = composer.letter().replaces
    wait_until(lambda: read.row(place.db, first) is None, "ours is gone here, too")  # type: ignore[arg-type]
    wait_until(lambda: len(read.folder_order(place.db, folder)) == 1, "theirs is here")  # type: ignore[arg-type]
    composer.editor.insertPlainText("mine ")
    composer.save_wanted.emit()
    wait_until(lambda: "another program" in composer.banner.text(), "it is said")
    wait_until(lambda: len(place.mails("Drafts")) == 2, "both are kept")
    next(one for one in composer.banner._buttons if one.text() == "Keep only mine").click()
    wait_until(lambda: len(place.mails("Drafts")) == 1 and b"mine" in place.mails("Drafts")[0], "the person chose")
