"""What a message is beside a letter, and what its calendar part says, in the window."""

import time

from gui_mail import Mail
from PySide6.QtWidgets import QApplication

from mua.gui.app import Program
from mua.gui.message_pane import MessagePane
from mua.model.message import Flag

INVITATION = (
    "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n"
    "SUMMARY:Lunch <b>now</b>\r\nDTSTART:20260203T100000Z\r\nORGANIZER:mailto:boss@example.org\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
ENCRYPTED = (
    'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--'
)


def shown(program: Program, mail: Mail, rest: str) -> MessagePane:
    program._furnish()
    raw = f"From: Ann <ann@example.org>\r\nSubject: Look\r\n{rest}".encode()
    home = next(one.id for one in program.desk.accounts if one.email != "work@corp.example")
    key = mail.letter(home, mail.folders["INBOX"], raw, int(time.time()) + 60, Flag.SEEN)
    program.desk.read_again(None, True)
    program.desk.listing.view.select(key)
    QApplication.processEvents()
    pane = program.desk.reader.pane
    assert pane.row is not None and pane.row.id == key
    return pane


def test_an_invitation_is_told_and_offers_nothing(program: Program, mail: Mail) -> None:
    pane = shown(program, mail, INVITATION)
    assert not pane.events.isHidden()
    assert pane.events.text().split("\n") == [
        "Invitation: Lunch <b>now</b>",
        "When: Tue 3 Feb 2026, 10:00 (UTC)",
        "Claims to be organised by: boss@example.org",
    ]
    assert pane.nature.isHidden()


def test_an_encrypted_message_says_that_it_is(program: Program, mail: Mail) -> None:
    pane = shown(program, mail, ENCRYPTED)
    assert "This message is encrypted with OpenPGP" in pane.nature.text()
    assert not pane.nature.isHidden()
    assert pane.events.isHidden()


def test_a_letter_says_nothing_of_the_kind(program: Program, mail: Mail) -> None:
    pane = shown(program, mail, "\r\nhello")
    assert pane.nature.isHidden()
    assert pane.events.isHidden()
