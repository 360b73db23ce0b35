"""Writing, sending, taking back, answering: with the real engine and the demo servers."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import cast

import pytest
from gui_office import Office, office, wait_until
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication

from mua import wire
from mua.gui import letters
from mua.gui.engine_client import Failed, Then, _went_away
from mua.gui.palette import Palette
from mua.gui.source_page import SourcePage
from mua.gui.writing import Kind, Writing
from mua.model.folder import Role, is_templates
from mua.model.message import MessageId, MessageRow, MessageView
from mua.model.outgoing import RecipientState
from mua.store import outbox, read

pytestmark = pytest.mark.gui


@pytest.fixture
def place(qapp: object, tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "p") as made:
        made.sign_in()
        yield made


@pytest.fixture
def patient(qapp: object, tmp_path: Path) -> Iterator[Office]:
    """The same, with a minute to take a sent message back."""
    with office(tmp_path / "p", undo_send=60) as made:
        made.sign_in()
        yield made


def parsed(raw: bytes) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(raw, policy=policy.default))


def message_in(place: Office, role: Role) -> tuple[MessageRow, MessageView]:
    """The first message of a folder, with its view."""

    def rows() -> list[MessageRow]:
        return read.rows(place.db, read.folder_order(place.db, place.folder(role)))  # type: ignore[arg-type]

    def opened() -> list[tuple[MessageRow, MessageView]]:
        """A draft may have made room for a newer one by the time that it is opened."""
        answers: list[object] = []
        assert place.program.client is not None
        for row in rows()[:1]:
            place.program.client.ask(wire.OpenMessage(row.id), answers.append, answers.append)
            wait_until(lambda: answers, "an answer")
            if (view := place.program.library.view(row.id)) is not None:
                return [(row, view)]
        return []

    found: list[tuple[MessageRow, MessageView]] = []
    wait_until(lambda: found or found.extend(opened()), f"a message in {role}")
    return found[0]


def test_a_letter_goes_out_whole_and_comes_back(place: Office, tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(bytes(range(256)) * 40)
    composer = place.write()
    composer.to._paste("robin@demo.mua.example, Amara <amara.okoye@larkspur.example>")
    composer.bcc._paste("hidden@larkspur.example")
    composer.subject.setText("Grüße")
    composer.editor.setPlainText("Hello,\n\nsee the file attached.\n")
    composer.attach([str(tmp_path / "data.bin")])
    composer.send()
    wait_until(lambda: set(place.states().values()) == {"accepted"}, "three recipients")
    assert len(place.states()) == 3
    wait_until(lambda: place.mails("INBOX"), "our own copy")
    got = parsed(place.mails("INBOX")[0])
    assert got["Subject"] == "Grüße"
    assert got["Bcc"] is None
    assert got.get_body(("plain",)).get_content().splitlines()[:3] == ["Hello,", "", "see the file attached."]  # type: ignore[union-attr]
    assert got.get_body(("html",)) is None
    assert [one.get_content() for one in got.iter_attachments()] == [bytes(range(256)) * 40]
    wait_until(lambda: place.rooms.composing.composers == {}, "the composer to close")
    place.rooms.composing.journal.settle()
    assert list(place.program.profile.drafts.glob("*.json")) == []


def test_letters_typed_while_a_composer_opens_do_not_act_on_the_mail(place: Office) -> None:
    actions = place.program.window.actions_
    held: list[bool] = []
    place.rooms.composing.opened.connect(lambda _: held.append(actions["compose"].isEnabled()))
    composer = place.write()
    assert held == [False]
    composer.activateWindow()
    wait_until(lambda: actions["compose"].isEnabled(), "the composer to have the keyboard")
    composer.discard_wanted.emit()


def test_what_is_typed_before_the_composer_has_the_keyboard_is_in_the_letter(place: Office) -> None:
    """A fast writer presses R and goes on: no word is lost, and none of them archives anything."""
    listed, actions = place.program.window.listing.view, place.program.window.actions_
    acted: list[str] = []
    for name in ("archive", "delete", "star", "reply"):
        actions[name].triggered.connect(lambda _, name=name: acted.append(name))

    def type_on(_: object) -> None:
        handle = place.program.window.windowHandle()  # where the platform's keys come in
        for letter in "Thanks, e # see you then.\b!":
            key = Qt.Key.Key_Backspace if letter == "\b" else Qt.Key.Key_unknown
            for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
                QApplication.sendEvent(handle, QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, letter))

    place.rooms.composing.opened.connect(type_on)
    composer = place.write(mailto="mailto:ann@larkspur.example?subject=Venue")
    composer.activateWindow()
    wait_until(lambda: composer.editor.toPlainText().startswith("Thanks, e # see you then!"), "what was typed")
    assert not actions.held
    QTest.keyClicks(listed, "x")
    assert "x" not in composer.editor.toPlainText()
    assert acted == []
    composer.discard_wanted.emit()


def test_formatted_text_goes_out_both_ways(place: Office) -> None:
    composer = place.write()
    composer.to._paste("robin@demo.mua.example")
    composer.subject.setText("Bold")
    composer.editor.toggle_bold()
    composer.editor.insertPlainText("Important")
    composer.send()
    wait_until(lambda: place.mails("INBOX"), "the mail")
    got = parsed(place.mails("INBOX")[0])
    assert got.get_body(("plain",)).get_content().strip() == "Important"  # type: ignore[union-attr]
    assert "<b>Important</b>" in got.get_body(("html",)).get_content()  # type: ignore[union-attr]


def test_a_letter_is_kept_as_a_template_and_begun_with_as_often_as_one_likes(place: Office) -> None:
    composer = place.write()
    composer.subject.setText("Invitation")
    composer.switch("markdown")
    composer.editor.insertPlainText("Dear **{{name}}**,")
    composer.template_wanted.emit()

    def kept() -> list[bytes]:
        there = place.servers.do(lambda: "Templates" in place.servers.mailbox.folders)
        return place.mails("Templates") if there else []

    wait_until(lambda: any(b"{{name}}" in one for one in kept()), "the template on the server")
    assert place.mails("Drafts") == []
    composer.discard_wanted.emit()
    desk, begin = place.program.desk, place.program.window.actions_["from_template"]
    wait_until(
        lambda: any(is_templates(one) and one.total for one in desk.folders.values()), "the folder in the window"
    )
    for _ in range(2):
        wait_until(begin.isEnabled, "letters to act again")
        begin.trigger()
        (palette,) = place.program.window.findChildren(Palette)
        (choice,) = palette.shown()
        assert choice.text == "Invitation"
        palette.close()
        choice.act()
        wait_until(lambda: place.rooms.composing.composers, "a letter that begins with it")
        (begun,) = place.rooms.composing.composers.values()
        assert begun.editor.mode == "markdown" and begun.editor.toPlainText() == "Dear **{{name}}**,"
        assert begun.letter().replaces is None
        begun.close()
        wait_until(lambda: not place.rooms.composing.composers, "it to close")
    assert len(place.mails("Templates")) == 1


def test_markdown_goes_out_as_it_looks_and_a_draft_of_it_stays_markdown(place: Office) -> None:
    composer = place.write()
    composer.to._paste("robin@demo.mua.example")
    composer.subject.setText("Marked")
    composer.switch("markdown")
    composer.editor.insertPlainText("# Plan\n\n- **one**\n- two\n")
    composer.save_wanted.emit()
    wait_until(lambda: composer.status.text().startswith("Saved in Drafts"), "saved")
    composer.close()
    wait_until(lambda: any(b"# Plan" in one for one in place.mails("Drafts")), "the draft on the server")
    row, view = message_in(place, Role.DRAFTS)
    again = place.write(Kind.DRAFT, row=row, view=view)
    assert (again.editor.mode, again.letter().text) == ("markdown", "# Plan\n\n- **one**\n- two")
    again.send()
    wait_until(lambda: place.mails("INBOX"), "the mail")
    raw = place.mails("INBOX")[0]
    assert b"X-Mua" not in raw
    got = parsed(raw)
    assert got.get_content_type() == "multipart/alternative"
    assert got.get_body(("plain",)).get_content().replace("\r\n", "\n") == "Plan\n====\n\n* one\n* two\n"  # type: ignore[union-attr]
    assert ">Plan</h1>" in got.get_body(("html",)).get_content()  # type: ignore[union-attr]


def test_what_will_leave_can_be_seen_before(place: Office, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("attached words")
    composer = place.write()
    composer.to._paste("robin@demo.mua.example")
    composer.bcc._paste("hidden@larkspur.example")
    composer.subject.setText("Look first")
    composer.editor.insertPlainText("Grüße")
    composer.attach([str(tmp_path / "a.txt")])
    composer.source_wanted.emit()
    (page,) = composer.findChildren(SourcePage)
    wait_until(lambda: page.raw, "the source")
    got = parsed(page.raw)
    assert got["Subject"] == "Look first"
    assert b"hidden@" not in page.raw
    assert page.raw.isascii()
    assert [one.get_content() for one in got.iter_attachments()] == ["attached words"]
    page.close()


def test_a_picture_in_the_text_is_sent_with_it_and_is_there_in_the_draft(place: Office) -> None:
    composer = place.write()
    composer.to._paste("robin@demo.mua.example")
    composer.subject.setText("Look")
    composer.editor.insertPlainText("Look: ")
    composer.attach_picture(QImage(800, 400, QImage.Format.Format_RGB32))
    assert composer.files.parts() == [], "it stands in the text, not beside it"
    composer.close()
    wait_until(lambda: place.mails("Drafts"), "the draft on the server")
    row, view = message_in(place, Role.DRAFTS)
    again = place.write(Kind.DRAFT, row=row, view=view)
    (image,) = again.letter().attached
    assert again.strip.picture(image.content_id) is not None
    again.send()
    wait_until(lambda: place.mails("INBOX"), "the mail")
    got = parsed(place.mails("INBOX")[0])
    related = got.get_body(("related",))
    assert related is not None
    html, picture = related.iter_parts()
    assert f'<img src="cid:{picture["Content-ID"][1:-1]}" alt="" width="640" height="320"' in html.get_content()
    assert picture.get_content_type() == "image/png"
    assert picture.get_content_disposition() == "inline"
    assert "Look: [image]" in got.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_a_reply_quotes_and_threads(place: Office) -> None:
    original = (
        b"From: Amara Okoye <amara.okoye@larkspur.example>\r\n"
        b"To: robin@demo.mua.example, Lena <lena@larkspur.example>\r\n"
        b"Subject: The hall\r\nMessage-ID: <first@larkspur.example>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\n"
        b"Shall we take it?\r\n"
    )
    place.servers.do(lambda: place.servers.mailbox.find("INBOX").add(original, 1_700_000_000))
    row, view = message_in(place, Role.INBOX)
    composer = place.write(Kind.REPLY_ALL, row=row, view=view)
    assert [one.address for one in composer.to.addresses()] == ["amara.okoye@larkspur.example"]
    assert [one.address for one in composer.cc.addresses()] == ["lena@larkspur.example"]
    assert composer.subject.text() == "Re: The hall"
    when = time.strftime("%B %Y at %H:%M", time.localtime(1_795_341_600))
    assert f"{when}, Amara Okoye wrote:\n> Shall we take it?" in composer.letter().text
    composer.editor.insertPlainText("Yes.")
    composer.send()
    wait_until(lambda: place.mails("Sent"), "the sent copy")
    sent = parsed(place.mails("Sent")[0])
    assert sent["In-Reply-To"] == "<first@larkspur.example>"
    assert sent["References"] == "<first@larkspur.example>"
    wait_until(lambda: read.row(place.db, row.id).flags & 2, "answered")  # type: ignore[union-attr]


def test_a_forward_carries_the_attachments(place: Office) -> None:
    original = EmailMessage()
    original["From"], original["To"], original["Subject"] = "a@larkspur.example", "robin@demo.mua.example", "Plan"
    original["Message-ID"] = "<plan@larkspur.example>"
    original.set_content("Here it is.")
    original.add_attachment(b"\x00\x01plan", maintype="application", subtype="pdf", filename="plan.pdf")
    raw = original.as_bytes().replace(b"\n", b"\r\n")
    place.servers.do(lambda: place.servers.mailbox.find("INBOX").add(raw, 1_700_000_000))
    row, view = message_in(place, Role.INBOX)
    composer = place.write(Kind.FORWARD, row=row, view=view)
    assert [card.accessibleName() for card in composer.files.parts()] == ["Attachment plan.pdf, 6 B"]
    composer.to._paste("lena@larkspur.example")
    composer.send()
    wait_until(lambda: place.mails("Sent"), "the sent copy")
    (attached,) = parsed(place.mails("Sent")[0]).iter_attachments()
    assert attached.get_content() == b"\x00\x01plan"


def test_sending_can_be_taken_back_with_all_content(patient: Office, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    composer = patient.write()
    composer.to._paste("Amara <amara.okoye@larkspur.example>")
    composer.subject.setText("Not yet")
    composer.editor.setPlainText("Wait a moment")
    composer.attach([str(tmp_path / "a.txt")])
    composer.attach_picture(QImage(8, 8, QImage.Format.Format_RGB32))
    composer.send()
    wait_until(lambda: not patient.rooms.composing.composers, "handed over")
    assert set(patient.states().values()) == {"queued"}
    toast = patient.program.window.toast
    assert toast.text() == "Sending…"
    toast._button.click()
    wait_until(lambda: patient.rooms.composing.composers, "the composer again")
    assert set(patient.states().values()) == {"cancelled"}
    (again,) = patient.rooms.composing.composers.values()
    letter = again.letter()
    assert (letter.subject, letter.text, len(letter.attached)) == ("Not yet", "[image]Wait a moment", 2)
    assert f'src="cid:{letter.attached[1].content_id}"' in letter.rich
    assert all(Path(one.path).exists() for one in letter.attached)
    assert str(letter.to[0]) == "Amara <amara.okoye@larkspur.example>"
    assert patient.mails("INBOX") == []


def test_what_is_missing_is_said_in_place(place: Office) -> None:
    composer = place.write()
    composer.send()
    assert "Nobody is named" in composer.banner.text()
    composer.to._paste("nobody")
    composer.send()
    assert "“nobody” is not an email address" in composer.banner.text()
    composer.to.chips()[0].removed.emit()
    composer.to._paste("amara.okoye@larkspur.example")
    composer.editor.setPlainText("The file is attached.")
    composer.send()
    assert "nothing is attached" in composer.banner.text()
    composer.banner._buttons[-1].click()
    assert "no subject" in composer.banner.text() or composer.banner._buttons
    assert outbox.listed(place.db, finished=True) == []


def test_a_draft_is_saved_edited_and_sent_once(place: Office) -> None:
    composer = place.write()
    composer.to._paste("amara.okoye@larkspur.example")
    composer.subject.setText("Draft")
    composer.editor.setPlainText("First words")
    composer.save_wanted.emit()
    wait_until(lambda: composer.status.text().startswith("Saved in Drafts"), "saved")
    composer.editor.setPlainText("Second words")
    composer.close()
    wait_until(lambda: len(place.mails("Drafts")) == 1 and b"Second words" in place.mails("Drafts")[0], "one draft")
    row, view = message_in(place, Role.DRAFTS)
    wait_until(lambda: len(read.folder_order(place.db, place.folder(Role.DRAFTS))) == 1, "one row")  # type: ignore[arg-type]
    row, view = message_in(place, Role.DRAFTS)
    again = place.write(Kind.DRAFT, row=row, view=view)
    assert again.letter().text == "Second words"
    again.send()
    wait_until(lambda: place.states() == {"amara.okoye@larkspur.example": "accepted"}, "sent")
    wait_until(lambda: place.mails("Drafts") == [], "the draft is gone")


def test_a_discarded_letter_can_be_brought_back(place: Office) -> None:
    composer = place.write()
    composer.subject.setText("Away")
    composer.discard_wanted.emit()
    assert place.rooms.composing.composers == {}
    place.program.window.toast._button.click()
    (again,) = place.rooms.composing.composers.values()
    assert again.subject.text() == "Away"


def test_an_attachment_that_went_away_is_said_and_nothing_is_lost(place: Office, tmp_path: Path) -> None:
    path = tmp_path / "gone.txt"
    path.write_text("x")
    composer = place.write()
    composer.to._paste("amara.okoye@larkspur.example")
    composer.subject.setText("S")
    composer.attach([str(path)])
    secret = tmp_path / "secret"
    secret.write_text("of somebody else")
    for make in (lambda: None, lambda: path.symlink_to(secret), lambda: os.mkfifo(path)):
        path.unlink()
        make()
        composer.banner.say("")
        composer.send()
        wait_until(lambda: "cannot be read" in composer.banner.text(), "the sentence")
        path.touch() if not os.path.lexists(path) else None
    assert composer.send_button.isEnabled()
    assert place.states() == {}
    assert composer.subject.text() == "S"
    assert MessageId(0) not in place.rooms.composing.composers


def test_half_an_undo_does_not_offer_the_letter_to_who_gets_it(place: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """One was at the end of the transaction already; the letter comes back for the other one alone."""
    composer = place.write()
    composer.to._paste("first@larkspur.example, second@larkspur.example")
    composer.subject.setText("Both")
    letter = composer.letter()
    composer.send()
    wait_until(lambda: place.states() and not place.rooms.composing.composers, "queued")
    db = place.program.library.db
    assert db is not None
    (sent,) = outbox.listed(db, finished=True)
    states = {"first@larkspur.example": RecipientState.ACCEPTED, "second@larkspur.example": RecipientState.CANCELLED}
    half = replace(sent, recipients=tuple(replace(one, state=states[one.address]) for one in sent.recipients))
    monkeypatch.setattr(outbox, "outgoing", lambda *_: half)
    composing = place.rooms.composing
    composing.taking.undo(sent.id, letter)
    wait_until(lambda: composing.composers, "the letter")
    (again,) = composing.composers.values()
    assert [one.address for one in again.letter().to] == ["second@larkspur.example"]


def test_tab_leads_from_the_subject_into_the_text(place: Office) -> None:
    composer = place.write()
    composer.subject.setFocus()
    QTest.keyClick(composer.subject, Qt.Key.Key_Tab)
    assert composer.focusWidget() is composer.editor


def test_a_letter_that_was_queued_is_not_opened_again(place: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine ended after it had the letter and before it answered; or Mua before the journal forgot it."""
    client = place.program.client
    assert client is not None
    ask = client.ask

    def lost(command: wire.Command, then: Then, failed: Failed) -> None:
        ask(command, lambda _: failed(_went_away()), failed)

    monkeypatch.setattr(client, "ask", lost)
    composer = place.write()
    composer.to._paste("amara.okoye@lärche.example")
    composer.subject.setText("Once")
    letter = replace(composer.letter(), sending_at=int(time.time()))
    composer.send()
    wait_until(lambda: place.states(), "queued")
    wait_until(lambda: not place.rooms.composing.composers, "handed over")
    monkeypatch.undo()
    journal = place.rooms.composing.journal
    journal.write(letter)
    journal.write(replace(letter, key="other", subject="Never queued"))
    journal.settle()
    assert place.rooms.composing.restore() == 1
    (again,) = place.rooms.composing.composers.values()
    assert again.subject.text() == "Never queued"
    assert "not in the outbox" in again.banner.text()
    assert again.letter().sending_at == 0


def test_a_letter_that_is_handed_over_cannot_be_closed_away(place: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    composer = place.write()
    composer.subject.setText("S")
    composer.hold(int(time.time()))
    composer.close()
    assert composer.isVisible()
    composer.strip.changed.emit()
    assert composer.status.text() == "Handing over…"
    for one in (composer.discard_button, composer.save_button, composer.attach_button, *composer.actions()):
        assert not one.isEnabled()
    composer.hold(0)
    composer.to._paste("amara.okoye@larkspur.example")
    client = place.program.client
    assert client is not None
    with monkeypatch.context() as patch:
        patch.setattr(client, "is_ready", False)
        composer.send()
    assert "not there yet" in composer.banner.text() and composer.editor.isEnabled()
    composer.close()
    wait_until(lambda: len(place.mails("Drafts")) == 1, "in Drafts")


def test_encryption_all_the_way_is_asked_for_kept_in_drafts_and_never_weakened(place: Office) -> None:
    composer = place.write()
    composer.to._paste("Amara <amara.okoye@larkspur.example>")
    composer.subject.setText("Sealed")
    composer.editor.setPlainText("Only so.")
    assert not composer.demand.isVisibleTo(composer)
    menu = composer.later_menu()
    (demand,) = [one for one in menu.actions() if one.text() == "Require encryption all the way"]
    demand.trigger()
    assert composer.demand.isVisibleTo(composer)
    composer.save_wanted.emit()
    wait_until(lambda: place.mails("Drafts"), "the draft")
    row, view = message_in(place, Role.DRAFTS)
    identity = letters.Who(place.program.desk.accounts)
    assert letters.begin(Writing(Kind.DRAFT, row, view), identity).require_tls
    composer.send()
    wait_until(lambda: set(place.states().values()) == {"refused"}, "a server that promises nothing")
    (one,) = outbox.listed(place.db, finished=True)
    assert "does not promise encryption" in one.recipients[0].text or "could not be verified" in one.recipients[0].text
    copy = place.program.desk.library.profile.big
    assert not [path for path in copy.glob("outgoing-*") if b"X-Mua" in path.read_bytes()], "the mark stays in Drafts"
    place.rooms.composing.taking.write_again(one.id, [one.recipients[0].address])
    wait_until(lambda: place.rooms.composing.composers, "the letter again")
    (again,) = place.rooms.composing.composers.values()
    assert again.letter().require_tls
    assert again.demand.isVisibleTo(again)
    next(one for one in again.demand.findChildren(QAbstractButton) if one.text() == "Do not require it").click()
    assert not again.letter().require_tls
    assert not again.demand.isVisibleTo(again)
