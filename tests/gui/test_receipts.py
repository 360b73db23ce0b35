"""A sender asks to be told that a message was read: the person is asked, once, and what they say is done."""

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from gui_office import Office, office, wait_until
from PySide6.QtWidgets import QApplication

from mua import wire
from mua.errors import MailError
from mua.gui.message_pane import MessagePane
from mua.gui.places import Place
from mua.gui.preferences import ReadReceipts, load
from mua.gui.settings import SettingsPage
from mua.gui.widgets import Button
from mua.mime.report import report
from mua.model.folder import FolderId, Role
from mua.model.message import MessageId
from mua.model.report import Action
from mua.store import outbox, read

ME, AMARA = "robin@demo.mua.example", "amara@larkspur.example"
SAID = f"Amara Okoye asks to be told that you have read this. The receipt goes to {AMARA}."


@pytest.fixture
def place(qapp: QApplication, tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "p") as made:
        made.sign_in()
        yield made


def letter(number: int, wanted: str = AMARA, fields: str = "") -> bytes:
    head = f"From: Amara Okoye <{AMARA}>\r\nTo: {ME}\r\nSubject: Letter {number}\r\n"
    head += f"Message-ID: <m{number}@larkspur.example>\r\nDate: Mon, 30 Nov 2026 08:00:0{number} +0000\r\n"
    return f"{head}Disposition-Notification-To: {wanted}\r\n{fields}\r\nHello\r\n".encode()


def put(place: Office, *raws: bytes, folder: str = "INBOX") -> None:
    inbox = place.servers.do(lambda: place.servers.mailbox.find(folder))
    for raw in raws:
        place.servers.do(inbox.add, raw, 1_800_000_000)
    place.ask(wire.Sync(complete=True))


def show(place: Office, subject: str, role: Role = Role.INBOX) -> MessagePane:
    """The pane in which a message is read now."""
    desk, folder = place.program.desk, FolderId(place.folder(role))

    def found() -> list[MessageId]:
        rows = read.rows(place.db, list(read.folder_order(place.db, folder)))
        return [row.id for row in rows if row.subject == subject]

    wait_until(found, subject)
    [message_id] = found()
    desk.show_place(Place(folder=folder))
    wait_until(lambda: message_id in desk.listing.model.ids, "the list")
    desk.listing.view.select(message_id)
    wait_until(lambda: desk.reader.view is not None and desk.reader.view.subject == subject, "the message")
    return desk.reader.pane


def press(pane: MessagePane, text: str) -> None:
    next(one for one in pane.receipt.findChildren(Button) if one.text() == text).click()


def refusal(place: Office, message_id: MessageId) -> str:
    """The code with which the engine refuses to send a receipt to Amara."""
    answers: list[object] = []
    assert place.program.client is not None
    place.program.client.ask(wire.AnswerReceipt(message_id, True, (AMARA,)), answers.append, answers.append)
    wait_until(lambda: answers, "an answer")
    assert isinstance(answers[0], MailError), answers
    return answers[0].code


def flags(place: Office, folder: str = "INBOX") -> list[bool]:
    """Of each message on the server: whether it says that a receipt was asked about."""
    kept = place.servers.do(lambda: list(place.servers.mailbox.find(folder).messages.values()))
    return ["$MDNSent" in one.flags for one in kept]


def test_a_receipt_goes_only_where_it_was_said_and_when_it_was_said(place: Office) -> None:
    put(place, letter(1), letter(2))
    pane = show(place, "Letter 1")
    assert pane.receipt.isVisible() and pane.receipt.text() == SAID
    place.ask(wire.Sync(complete=True))  # whatever would go by itself is gone with this
    assert (place.states(), place.servers.servers.smtp.post.accepted, flags(place)) == ({}, [], [False, False])
    asked = pane.row
    assert asked is not None
    press(pane, "Send a receipt")
    assert pane.receipt.isHidden()
    wait_until(lambda: place.states() == {AMARA: "accepted"}, "the receipt")
    [(sender, recipients, raw)] = place.servers.servers.smtp.post.accepted
    assert (sender, recipients) == ("", [AMARA])
    found = report(raw)
    assert found is not None and (found.message_id, found.recipients[0].final) == ("m1@larkspur.example", ME)
    assert found.recipients[0].action is Action.DISPLAYED
    parsed = message_from_bytes(raw, policy=policy.default)
    assert (parsed["from"], parsed["to"], parsed["auto-submitted"]) == (ME, AMARA, "auto-replied")
    wait_until(lambda: flags(place) == [True, False], "the flag on the server")
    place.ask(wire.Sync(complete=True))
    assert place.mails("Sent") == []
    show(place, "Letter 2")
    pane = show(place, "Letter 1")
    assert pane.receipt.isHidden()
    # the same again, as another window that did not see the answer would ask
    assert refusal(place, asked.id) == "receipt-answered"
    assert len(outbox.listed(place.db, finished=True)) == 1


def test_no_is_an_answer_and_is_kept_on_the_server(place: Office) -> None:
    put(place, letter(1))
    pane = show(place, "Letter 1")
    press(pane, "Do not")
    assert pane.receipt.isHidden()
    wait_until(lambda: flags(place) == [True], "the flag on the server")
    place.ask(wire.Sync(complete=True))
    assert (place.states(), place.servers.servers.smtp.post.accepted) == ({}, [])


def test_of_two_copies_and_two_presses_one_receipt_goes(place: Office) -> None:
    put(place, letter(1))
    put(place, letter(1), folder="Archive")
    ids = [show(place, "Letter 1", role).row.id for role in (Role.INBOX, Role.ARCHIVE)]  # type: ignore[union-attr]
    answers: list[object] = []
    for one in (*ids, *ids):
        assert place.program.client is not None
        place.program.client.ask(wire.AnswerReceipt(one, True, (AMARA,)), answers.append, answers.append)
    wait_until(lambda: len(answers) == 4, "four answers")
    assert sorted(type(one).__name__ for one in answers) == ["Done", "Done", "MailError", "MailError"]
    wait_until(lambda: place.states() == {AMARA: "accepted"}, "the receipt")
    assert len(place.servers.servers.smtp.post.accepted) == 1
    wait_until(lambda: flags(place) + flags(place, "Archive") == [True, True], "both flags")


def test_where_it_goes_elsewhere_that_is_said_and_nothing_else_can_be_sent_to(place: Office) -> None:
    put(place, letter(1, "spy@elsewhere.example, Amara <amara@larkspur.example>"))
    pane = show(place, "Letter 1")
    assert "goes to 2 addresses: spy@elsewhere.example and amara@larkspur.example" in pane.receipt.text()
    assert pane.receipt.property("tone") == "warning"
    assert pane.row is not None
    assert refusal(place, pane.row.id) == "receipt-changed"
    assert (flags(place), place.states()) == ([False], {})


def test_a_receipt_that_could_not_be_queued_is_asked_about_again(place: Office) -> None:
    put(place, letter(1))
    pane = show(place, "Letter 1")
    folder = place.program.profile.big
    folder.rename(folder.with_name("aside"))
    folder.write_bytes(b"")  # a disk that takes nothing
    press(pane, "Send a receipt")
    wait_until(pane.receipt.isVisible, "the question again")
    assert place.program.window.toast.isVisible()
    assert (place.states(), flags(place)) == ({}, [False])
    folder.unlink()
    folder.with_name("aside").rename(folder)
    press(pane, "Send a receipt")
    wait_until(lambda: place.states() == {AMARA: "accepted"}, "the receipt")


def test_whoever_wants_no_questions_gets_none(place: Office) -> None:
    put(place, letter(1), letter(2, fields="List-Id: <chairs.example>\r\n"))
    assert show(place, "Letter 2").receipt.isHidden()
    pane = show(place, "Letter 1")
    assert pane.receipt.isVisible()
    place.rooms.open_settings()
    page = place.rooms.page
    assert isinstance(page, SettingsPage)
    page.receipts.choose(ReadReceipts.NEVER)
    assert load(place.program.profile).read_receipts is ReadReceipts.NEVER
    assert pane.receipt.isHidden()
    place.program.desk.change_preferences(replace(place.program.desk.preferences, read_receipts=ReadReceipts.ASK))
    assert not pane.receipt.isHidden()
