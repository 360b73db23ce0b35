"""Who writes: the address that a message came to, its name and signature; and what is odd is said before it goes."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import cast

import pytest
from gui_office import Office, office, wait_until
from PySide6.QtGui import QImage

from mua import wire
from mua.gui.composer import Composer
from mua.gui.identities_panel import Identities
from mua.gui.writing import Kind
from mua.model.folder import Role
from mua.model.identity import Identity
from mua.model.message import MessageRow, MessageView
from mua.store import protection, read

pytestmark = pytest.mark.gui

ROBIN = "robin@demo.mua.example"
MAIL = (
    b"Delivered-To: bank-2026@my.example\r\nFrom: Amara <amara.okoye@larkspur.example>\r\n"
    b"To: Me <bank-2026@my.example>, Lena <lena@larkspur.example>\r\nSubject: Account\r\n"
    b"Message-ID: <account@larkspur.example>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n"
    b"<p>Your <b>account</b> is <a href='https://larkspur.example/a'>here</a>."
    b"<img src='https://track.example/p.gif' alt='logo'></p>\r\n"
    b"--x\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment; filename=a.pdf\r\n\r\nJVBERg==\r\n--x--\r\n"
)
WILD = Identity("*@my.example", "Robin at my", signature="Yours,\nRobin")
SHOP = Identity("shop@my.example", "The Shop", signature_html="<b>The Shop</b>", reply_to="help@my.example")


@pytest.fixture
def place(qapp: object, tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "p") as made:
        made.sign_in()
        account = made.program.desk.accounts[0]
        made.ask(wire.SetIdentities(account.id, (WILD, SHOP)))
        wait_until(lambda: made.program.desk.accounts[0].identities, "the window to know them")
        yield made


def received(place: Office, raw: bytes = MAIL) -> tuple[MessageRow, MessageView]:
    place.servers.do(lambda: place.servers.mailbox.find("INBOX").add(raw, 1_700_000_000))
    rows: list[MessageRow] = []

    def there() -> bool:
        folder = place.folder(Role.INBOX)
        rows[:] = read.rows(place.db, read.folder_order(place.db, folder)) if folder else []  # type: ignore[arg-type]
        return bool(rows)

    wait_until(there, "the mail")
    place.ask(wire.OpenMessage(rows[0].id))
    view = place.program.library.view(rows[0].id)
    assert view is not None
    return rows[0], view


def parsed(raw: bytes) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(raw, policy=policy.default))


def shown(composer: Composer) -> str:
    return composer.identity.currentText()


def test_an_answer_comes_from_the_address_that_the_message_came_to(place: Office) -> None:
    row, view = received(place)
    composer = place.write(Kind.REPLY_ALL, row=row, view=view)
    assert shown(composer) == "Robin at my <bank-2026@my.example>"
    assert [one.address for one in (*composer.to.addresses(), *composer.cc.addresses())] == [
        "amara.okoye@larkspur.example",
        "lena@larkspur.example",
    ], "oneself is not answered"
    text = composer.letter().text
    assert "-- \nYours,\nRobin\n\nOn 22 November 2026" in text
    assert "> Your account is here <https://larkspur.example/a>.[logo]" in text
    html = composer.letter().rich
    assert "track.example" not in html
    assert "<b>account</b>" in html
    composer.editor.insertPlainText("Thanks.")
    composer.send()
    wait_until(lambda: place.mails("Sent"), "the sent copy")
    sent = parsed(place.mails("Sent")[0])
    assert sent["From"] == "Robin at my <bank-2026@my.example>"
    assert sent["In-Reply-To"] == "<account@larkspur.example>"


def test_another_identity_brings_its_signature_and_is_asked_about(place: Office) -> None:
    row, view = received(place)
    composer = place.write(Kind.REPLY, row=row, view=view)
    composer.editor.insertPlainText("Hello")
    at = next(at for at in range(composer.identity.count()) if "shop@" in composer.identity.itemText(at))
    composer.identity.setCurrentIndex(at)
    composer.identity.activated.emit(at)
    text = composer.letter().text
    assert text.startswith("Hello\n\n-- \nThe Shop\n\nOn 22 November")
    assert "Yours" not in text
    assert "<b>The Shop</b>" in composer.letter().rich
    composer.send()
    assert "You answer as shop@my.example, and the message came to bank-2026@my.example." in composer.banner.text()
    composer.banner._buttons[0].click()
    assert shown(composer) == "Robin at my <bank-2026@my.example>"
    assert "-- \nYours,\nRobin" in composer.letter().text
    composer.identity.setCurrentIndex(at)
    composer.identity.activated.emit(at)
    composer.send()
    next(one for one in composer.banner._buttons if one.text() == "Send anyway").click()
    wait_until(lambda: place.mails("Sent"), "the sent copy")
    sent = parsed(place.mails("Sent")[0])
    assert sent["From"] == "The Shop <shop@my.example>"
    assert sent["Reply-To"] == "The Shop <help@my.example>"


def test_only_what_is_selected_is_quoted(place: Office) -> None:
    row, view = received(place)
    composer = place.write(Kind.REPLY, row=row, view=view, chosen="is here")
    assert composer.letter().text.endswith("Amara wrote:\n> is here")


def test_a_message_is_forwarded_as_a_file_or_without_its_files(place: Office) -> None:
    row, view = received(place)
    composer = place.write(Kind.FORWARD, row=row, view=view, bare=True)
    assert composer.files.parts() == []
    assert "Forwarded message" in composer.letter().text
    composer.discard_wanted.emit()
    composer = place.write(Kind.FORWARD, row=row, view=view, attached=True)
    composer.to._paste(ROBIN)
    assert "Forwarded message" not in composer.letter().text
    composer.send()
    wait_until(lambda: len(place.mails("INBOX")) >= 2, "the mail")  # the correspondent may answer
    (inner,) = parsed(place.mails("INBOX")[1]).iter_attachments()
    assert inner.get_content_type() == "message/rfc822"
    assert inner.get_content()["Message-ID"] == "<account@larkspur.example>"


def test_a_message_is_written_again_with_its_files(place: Office) -> None:
    row, view = received(place)
    composer = place.write(Kind.AGAIN, row=row, view=view)
    letter = composer.letter()
    assert [Path(one.path).read_bytes() for one in letter.attached] == [b"%PDF"]
    assert [one.address for one in letter.to] == ["bank-2026@my.example", "lena@larkspur.example"]
    assert (letter.in_reply_to, letter.subject) == ("", "Account")


def test_a_redirected_message_is_the_same_message(place: Office) -> None:
    row, view = received(place)
    composer = place.write(Kind.REDIRECT, row=row, view=view)
    assert not composer.editor.isVisible()
    composer.to._paste(ROBIN)
    composer.bcc._paste("hidden@larkspur.example")
    composer.send()
    wait_until(lambda: len(place.mails("INBOX")) >= 2, "the mail")  # the correspondent may answer
    raw = place.mails("INBOX")[1]
    got = parsed(raw)
    assert got["Message-ID"] == "<account@larkspur.example>"
    assert got["From"] == "Amara <amara.okoye@larkspur.example>"
    assert got["Resent-From"] == "Robin at my <bank-2026@my.example>"
    assert got["Resent-To"] == ROBIN
    assert got["Resent-Message-ID"]
    assert b"hidden@" not in raw
    assert raw.endswith(MAIL.partition(b"\r\n\r\n")[2])
    assert sorted(place.states()) == ["hidden@larkspur.example", ROBIN]


def test_what_the_server_takes_is_known_from_the_last_time(place: Office) -> None:
    row, view = received(place)
    composer = place.write(Kind.REPLY, row=row, view=view)
    composer.send()
    wait_until(lambda: place.mails("Sent"), "the sent copy")
    offer = protection.offer(place.db, "127.0.0.1")
    assert offer is not None
    assert offer.size > 0
    composer = place.write()
    composer.to._paste(ROBIN)
    composer.subject.setText("Large")
    composer.strip.octets = lambda: offer.size + 1  # type: ignore[method-assign]
    composer.send()
    assert "and your server takes" in composer.banner.text()


def test_identities_are_kept_in_the_settings(place: Office) -> None:
    account = place.program.desk.accounts[0]
    panel = Identities(account)

    def ask(command: wire.Command, then: object, failed: object) -> None:
        assert place.program.client is not None
        place.program.client.ask(command, then, failed)  # type: ignore[arg-type]

    panel.asked.connect(ask)
    panel.edit(None)
    assert panel.form is not None
    panel.form.address.setText("nobody")
    panel.form.keep.click()
    assert "no address" in panel.banner.text()
    panel.form.address.setText("new+*@my.example")
    panel.form.aliases.setText("new@my.example; other@my.example")
    panel.form.editor.insertPlainText("With ")
    panel.form._put_picture(QImage(600, 300, QImage.Format.Format_RGB32))
    panel.form.keep.click()
    wait_until(lambda: len(place.program.desk.accounts[0].identities) == 3, "the third")
    kept = place.program.desk.accounts[0].identities[2]
    assert kept.aliases == ("new@my.example", "other@my.example")
    assert kept.signature == "With [image]"
    assert 'src="data:image/png;base64,' in kept.signature_html
    composer = place.write()
    at = next(at for at in range(composer.identity.count()) if "other@" in composer.identity.itemText(at))
    composer.identity.setCurrentIndex(at)
    composer.identity.activated.emit(at)
    composer.to._paste(ROBIN)
    composer.subject.setText("Signed")
    composer.send()
    wait_until(lambda: place.mails("INBOX"), "the mail")
    related = parsed(place.mails("INBOX")[0]).get_body(("related",))
    assert related is not None
    assert [one.get_content_type() for one in related.iter_parts()] == ["text/html", "image/png"]
    panel.remove(kept)
    wait_until(lambda: len(place.program.desk.accounts[0].identities) == 2, "two again")
    panel.deleteLater()
