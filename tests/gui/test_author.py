"""Who wrote it, as the window says it over the attack mails: row, header, notification, title (checks 45-54)."""

import time
from collections.abc import Callable
from pathlib import Path

from gui_mail import DAY, ME, Mail
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from mua.gui.app import Program
from mua.gui.card import Card
from mua.gui.conversation import Folded
from mua.gui.message_model import CARD
from mua.gui.notify import notification
from mua.gui.places import Place
from mua.gui.reader_header import Header
from mua.model.folder import Role
from mua.model.journey import Trust
from mua.model.message import Flag, MessageId
from mua.store import origin, read

LURE, REAL = "legitimate.example", "attack.example"


def shown_over(program: Program, mail: Mail, raws: list[bytes]) -> list[MessageId]:
    """The ids of new mails in an inbox of their own, listed; the first is the newest."""
    account = mail.account("victim@victim.example", "victim@victim.example")
    inbox = mail.folder(account, "INBOX", Role.INBOX)
    now = int(time.time())
    made = [mail.letter(account, inbox, raw, now - place * 60, Flag(0)) for place, raw in enumerate(raws)]
    program.desk.read_accounts()
    program.desk.show_place(Place(folder=inbox))
    return made


def card(program: Program, row: int) -> Card:
    model = program.window.listing.model
    found = [model.data(model.index(place, 0), CARD) for place in range(model.rowCount())]
    cards = [one for one in found if isinstance(one, Card)]
    return cards[row]


def test_no_attack_shows_somebody_else(program: Program, mail: Mail, shared: Callable[[str], Path]) -> None:
    paths = [path for path in sorted(shared("attack/mails/spoof").glob("*.eml")) if path.name != "AR-forged.eml"]
    ids = shown_over(program, mail, [path.read_bytes() for path in paths])
    header = program.window.reader.header
    for place, (path, message_id) in enumerate(zip(paths, ids, strict=True)):
        program.window.listing.view.select(message_id)
        assert program.window.reader.row is not None and program.window.reader.row.id == message_id
        told, _ = notification(read.rows(mail.store.reader(), [message_id]), True)
        above = f"{header.name.text()} {header.address.text()}"
        for where, text in (("row", card(program, place).who), ("header", above), ("notification", told)):
            assert LURE not in text or REAL in text, (path.name, where, text)
        assert REAL in above or "xn--" in above or "sender" in above.lower(), (path.name, above)
        assert header.name.textFormat() is Qt.TextFormat.PlainText
        if path.name != "MS4-xss.eml":
            assert not header.mark.isHidden() and header.mark.said, path.name
            assert header.mark.accessibleName().startswith("About the sender: ")
    assert len(ids) == 16


def test_the_mark_opens_what_there_is_to_know(program: Program, mail: Mail) -> None:
    raw = b"From: a@x.example\r\nFrom: b@x.example\r\nReply-To: c@y.example\r\nSubject: s\r\n\r\nx"
    [message_id] = shown_over(program, mail, [raw])
    program.window.listing.view.select(message_id)
    header = program.window.reader.header
    assert "more than one From field" in header.mark.said
    assert not header.lines.isVisible()
    header.mark.click()
    said = [label.text() for label in header.lines.findChildren(QLabel) if label.text() and label.isVisible()]
    assert header.lines.isVisible()
    assert "more than one From field" in said[0] and "c@y.example" in said[1]
    assert not any("safe" in one.lower() for one in said)


def test_honest_mail_has_no_mark(program: Program, mail: Mail) -> None:
    raw = b"From: Ada <ada@x.example>\r\nSubject: s\r\n\r\nx"
    [message_id] = shown_over(program, mail, [raw])
    program.window.listing.view.select(message_id)
    header = program.window.reader.header
    assert (header.name.text(), header.address.text()) == ("Ada", "ada@x.example")
    assert header.mark.isHidden()


def test_who_is_new_and_who_only_looks_known(program: Program, mail: Mail, qtbot: QtBot) -> None:
    def raw(name: str, address: str) -> bytes:
        return f"From: {name} <{address}>\r\nSubject: s\r\n\r\nx".encode()

    known, new = raw("Bank", "service@mybank.example"), raw("Ann", "ann@elsewhere.example")
    lure = raw("Bank", "service@rnybank.example")
    ids = shown_over(program, mail, [lure, new, known, known, known])
    header = program.window.reader.header
    for message_id, words in (
        (ids[1], "first message from this address"),
        (ids[0], "looks like service@mybank.example"),
    ):
        program.window.listing.view.select(message_id)
        qtbot.waitUntil(lambda words=words: words in header.mark.said)
    assert "first message" in " ".join(texts(header))


def test_no_date_pins_a_mail_to_the_top(program: Program, mail: Mail) -> None:
    """Check 54: the list goes by when a mail came, and the reader says what the mail says."""
    dates = ["", "Date: Fri, 31 Dec 9999 23:59:59 +0000\r\n", "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n", "Date: x\r\n"]
    raws = [f"From: a@x.example\r\nSubject: {n}\r\n{date}\r\nx".encode() for n, date in enumerate(dates)]
    ids = shown_over(program, mail, raws)
    assert [card(program, place).id for place in range(4)] == ids
    assert "1970" not in card(program, 2).time and "9999" not in card(program, 1).time
    program.window.listing.view.select(ids[1])
    assert "9999" in program.window.reader.header.date.text()
    assert ids[0] >> 20 > time.time() - DAY


def test_forged_results_are_not_shown(program: Program, mail: Mail, shared: Callable[[str], Path]) -> None:
    """Check 53, with the servers of the account known: only what stands above the border counts."""
    forged = (shared("attack/mails/spoof") / "AR-forged.eml").read_bytes()
    at = "; Sun, 22 Nov 2026 10:00:00 +0000\r\n"
    border = (
        f"Received: from x.attack.example (x.attack.example [198.51.100.7]) by mx.victim.example with ESMTPS id 1{at}"
    )
    inner = f"Received: from mx.victim.example ([10.0.0.7]) by imap.victim.example with LMTP id 2{at}"
    honest = b"Authentication-Results: mx.victim.example; spf=fail smtp.mailfrom=attack.example; dmarc=fail\r\n"
    raws = [border.encode() + forged, inner.encode() + honest + border.encode() + forged]
    ids = shown_over(program, mail, raws)
    with mail.store.write() as tx:
        account = read.row(mail.store.reader(), ids[0])
        assert account is not None
        origin.set_trust(tx, account.account_id, Trust(frozenset({"victim.example"})), 1)
    header = program.window.reader.header
    program.window.listing.view.select(ids[0])
    assert not any("said when it came" in text for text in texts(header))
    program.window.listing.view.select(ids[1])
    [said] = [text for text in texts(header) if "said when it came" in text]
    assert "DMARC fail" in said and "pass" not in said


def texts(header: Header) -> list[str]:
    return [label.text() for label in header.lines.findChildren(QLabel) if label.text() and not label.isHidden()]


def test_a_folded_line_of_a_conversation_names_every_author(program: Program, mail: Mail) -> None:
    """Check 45 where a message is one line."""
    raws = [b"From: admin@legitimate.example\r\nFrom: eve@attack.example\r\nSubject: s\r\n\r\nx"]
    raws.append(b'From: "admin@legitimate.example" <eve@attack.example>\r\nSubject: t\r\n\r\nx')
    ids = shown_over(program, mail, raws)
    for row in read.rows(mail.store.reader(), ids):
        line = Folded(frozenset({ME}), draft=False)
        line.show_row(row)
        assert REAL in line.accessibleName(), line.accessibleName()
        line.deleteLater()
