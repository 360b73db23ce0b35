"""The page of contacts: who is listed, what the card says, what is kept, and the pictures of people."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gui_mail import Mail
from PySide6.QtCore import QBuffer, QItemSelectionModel, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap
from pytestqt.qtbot import QtBot

from mua import wire
from mua.errors import Kind, MailError, Retry
from mua.gui import widgets
from mua.gui.app import Program
from mua.gui.contact_editor import ContactEditor
from mua.gui.contacts_page import ContactsPage
from mua.gui.notices import EmptyState
from mua.mime import contact, vcard
from mua.mime.contact import Details, Entry
from mua.model.address import Address
from mua.model.contact import Book, BookId, ContactId, Gone
from mua.store import write_contacts


def png() -> bytes:
    image = QImage(40, 60, QImage.Format.Format_RGB32)
    image.fill(QColor("#336699"))
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(buffer.data().data())


PEOPLE = [
    Details("Ann Lee", "Wheels", emails=(Entry("ann@a.example", "work"), Entry("lee@b.example")), groups=("Family",)),
    Details("Bo <b>Bold</b>", note="Line one\nLine two", emails=(Entry("bo@a.example"),)),
    Details("Ann Lee", phones=(Entry("+1 2", "cell"),)),
    Details("Zoë", emails=(Entry("ZOE@a.example"),), groups=("Family",)),
]
Page = tuple[ContactsPage, list[tuple[wire.Command, Callable[[Any], object], Callable[[Any], object]]]]


@pytest.fixture
def ids(mail: Mail) -> list[ContactId]:
    with mail.store.write() as tx:
        book = write_contacts.add_book(tx, Book(BookId(0), "Contacts"))
        made = []
        for number, one in enumerate(PEOPLE):
            card = contact.fresh(f"urn:uuid:{number}", one)
            if number == 3:
                card = contact.with_photo(card, "image/png", png())
            made.append(write_contacts.add(tx, book, card.raw, contact.facts(card)))
    return made


@pytest.fixture
def page(ids: list[ContactId], program: Program, qtbot: QtBot) -> Iterator[Page]:
    rooms = program._furnish()
    rooms.open_contacts()
    made = rooms.page
    assert isinstance(made, ContactsPage)
    made.asked.disconnect()
    asked: list[Any] = []
    made.asked.connect(lambda *one: asked.append(one))
    qtbot.waitUntil(lambda: made.model.rowCount() == len(PEOPLE))
    yield made, asked
    rooms.close_page()


def choose(page: ContactsPage, *rows: int) -> None:
    page.list.clearSelection()
    for row in rows:
        page.list.selectionModel().select(page.model.index(row), QItemSelectionModel.SelectionFlag.Select)


def names(page: ContactsPage) -> list[str]:
    return [str(page.model.index(row).data()) for row in range(page.model.rowCount())]


def test_the_list_is_by_name_and_searched_by_any_word(page: Page, qtbot: QtBot) -> None:
    shown, _ = page
    assert names(shown) == ["Ann Lee, ann@a.example", "Ann Lee", "Bo <b>Bold</b>, bo@a.example", "Zoë, ZOE@a.example"]
    shown.search.setText("wheel ann")
    qtbot.waitUntil(lambda: shown.model.rowCount() == 1)
    shown.search.setText("zoe")
    qtbot.waitUntil(lambda: names(shown) == ["Zoë, ZOE@a.example"])
    shown.search.clear()
    shown.shown.setCurrentIndex(shown.shown.findText("Group: Family"))
    shown._look()
    qtbot.waitUntil(lambda: [one.split(",")[0] for one in names(shown)] == ["Ann Lee", "Zoë"])


def test_the_card_says_everything_as_text(page: Page) -> None:
    shown, _ = page
    choose(shown, 2)
    said = [label.text() for label in shown.card.findChildren(widgets.Label)]
    assert "Bo <b>Bold</b>" in said
    assert "Line one\nLine two" in said
    assert all(label.textFormat() is Qt.TextFormat.PlainText for label in shown.card.findChildren(widgets.Label))
    assert shown.card.accessibleName() == "Contact Bo <b>Bold</b>"
    named = [button.accessibleName() for button in shown.card.findChildren(widgets.ToolButton)]
    assert named == ["Write to bo@a.example"]


def test_a_change_is_kept_as_a_card_with_what_it_began_with(page: Page, ids: list[ContactId]) -> None:
    shown, asked = page
    choose(shown, 0)
    shown._edit_chosen()
    editor = shown.editor
    assert isinstance(editor, ContactEditor)
    assert not editor.is_changed()
    editor._fields["title"].setText("Captain")
    editor._rows["emails"][1].field.setText("no address")
    editor.keep()
    assert not asked
    assert not editor.banner.isHidden()
    editor._rows["emails"][1].field.setText("")
    assert editor.is_changed()
    choose(shown, 1)
    assert shown.editor is editor  # what was typed is not thrown away by a click elsewhere
    editor.keep()
    ((command, kept, _),) = asked
    assert isinstance(command, wire.PutContact)
    assert command.contact_id == ids[0]
    about = contact.details(vcard.parse(command.card.encode()))
    assert (about.title, [one.value for one in about.emails]) == ("Captain", ["ann@a.example"])
    assert "lee@b.example" in command.before
    kept(wire.ContactKept(ids[0]))
    assert shown.editor is None


def test_letters_are_written_and_mail_is_found(page: Page, program: Program) -> None:
    shown, _ = page
    links: list[str] = []
    shown.write_wanted.disconnect()
    shown.write_wanted.connect(links.append)
    choose(shown, 0, 3)
    shown.write()
    assert "ann%40a.example" in links[0]
    assert "ZOE%40a.example" in links[0]
    choose(shown, 0)
    shown._do("mails")
    assert program.desk.listing.search.text() == (
        "from:ann@a.example OR to:ann@a.example OR from:lee@b.example OR to:lee@b.example"
    )


def test_who_may_be_there_twice_is_one_only_on_a_button(page: Page, ids: list[ContactId], qtbot: QtBot) -> None:
    shown, asked = page
    shown.show_duplicates()
    panel = shown.card.widget()
    qtbot.waitUntil(lambda: bool(panel.rows))  # type: ignore[attr-defined]
    (row,) = panel.rows.values()  # type: ignore[attr-defined]
    assert row.accessibleName() == "Ann Lee, Ann Lee. They have the same name."
    assert not asked
    row.findChildren(widgets.Button)[1].click()
    assert [command for command, *_ in asked] == [wire.MergeContacts((ids[0], ids[2]))]


def test_a_sender_is_shown_or_offered_to_be_added(page: Page, mail: Mail, program: Program, qtbot: QtBot) -> None:
    shown, _ = page
    shown.show_person(Address("X", "Bo@A.example"))
    qtbot.waitUntil(lambda: shown.card.accessibleName() == "Contact Bo <b>Bold</b>")
    shown.show_person(Address("New Friend", "new@friend.example"))
    assert shown.editor is not None
    said = shown.editor.details()
    assert (said.name, [one.value for one in said.emails]) == ("New Friend", ["new@friend.example"])


def test_what_was_deleted_is_listed_apart(page: Page, mail: Mail, ids: list[ContactId], qtbot: QtBot) -> None:
    shown, asked = page
    with mail.store.write() as tx:
        write_contacts.remove(tx, [ids[1]], Gone.HERE, 1)
    shown.shown.setCurrentIndex(shown.shown.findText("Deleted in the last 30 days"))
    shown._look()
    qtbot.waitUntil(lambda: names(shown) == ["Bo <b>Bold</b>, bo@a.example"])
    assert list(shown.card.buttons) == ["restore"]
    shown.card.buttons["restore"].click()
    assert [command for command, *_ in asked] == [wire.RestoreContacts((ids[1],))]


def test_whoever_was_written_to_and_is_in_no_book_is_offered(page: Page, mail: Mail, qtbot: QtBot) -> None:
    shown, _ = page
    shown.shown.setCurrentIndex(shown.shown.findText("Written to, in no book"))
    shown._look()
    qtbot.waitUntil(lambda: all("example" in one and "Ann" not in one for one in names(shown)))


def test_books_are_found_on_a_server_and_one_is_removed_after_a_word(page: Page, qtbot: QtBot) -> None:
    shown, asked = page
    shown.show_books()
    panel = shown.books
    assert panel is not None
    panel.asked.disconnect()
    panel.asked.connect(lambda *one: asked.append(one))
    form = panel.server
    form.look.click()
    assert not asked  # without an address nobody is asked
    form.address.setText("maya@example.org")
    form.password.setText("secret")
    form.look.click()
    command, told, failed = asked.pop()
    assert command == wire.FindBooks("maya@example.org", "maya@example.org", "secret")
    failed(MailError(Kind.ACCOUNT, Retry.ASK, "No address book was found.", code="no-books"))
    assert panel.banner.text() == "No address book was found."
    assert form.look.isEnabled()
    form.sign_in.addItem("As maya@other.example", 7)
    form.sign_in.setCurrentIndex(form.sign_in.count() - 1)
    assert not form.password.isEnabled()
    said = "example.org is no server of maya@other.example, so that account's password was not sent there."
    failed(MailError(Kind.ACCOUNT, Retry.ASK, said, code="own-password"))
    assert panel.banner.text() == said
    assert (form.sign_in.currentData(), form.password.isEnabled()) == (0, True)
    told(wire.BooksFound((("https://example.org/dav/me/friends/", "Friends"),)))
    button = form.found.itemAt(0).widget()
    assert isinstance(button, widgets.Button)
    button.click()
    command, *_ = asked.pop()
    assert isinstance(command, wire.PutBook)
    assert (command.book.url, command.password) == ("https://example.org/dav/me/friends/", "secret")
    (number,) = panel.rows
    panel.rows[number].findChildren(widgets.ToolButton)[-1].click()
    assert not asked
    assert "4 contacts" in panel.banner.text()
    panel.banner.findChildren(widgets.Button)[0].click()
    assert [command for command, *_ in asked] == [wire.RemoveBook(number, forced=True)]
    shown.refresh()  # what comes meanwhile does not take the panel away
    qtbot.waitUntil(lambda: shown.model.rowCount() == len(PEOPLE))
    assert shown.card.widget() is panel


def test_what_a_server_did_not_take_is_said_and_can_be_taken_back(
    page: Page, mail: Mail, ids: list[ContactId], qtbot: QtBot
) -> None:
    shown, asked = page
    why = "The server does not let you change this address book (403); it is kept here only."
    with mail.store.write() as tx:
        tx.run("UPDATE book SET kind = 'carddav', url = 'https://a.example/b/'")
        write_contacts.refused(tx, ids[0], why)
    shown.refresh()
    qtbot.waitUntil(lambda: names(shown)[0] == f"Ann Lee, ann@a.example, {why}")
    choose(shown, 0)
    assert why in [label.text() for label in shown.card.findChildren(widgets.Label)]
    shown.card.buttons["again"].click()
    shown.card.buttons["undo"].click()
    (again, *_), (undo, *_) = asked
    assert (again, undo) == (wire.SyncBooks(1), wire.UndoContacts((ids[0],)))
    shown.show_books()
    assert shown.books is not None
    said = [label.text() for label in shown.books.findChildren(widgets.Label)]
    assert "The server did not take 1 change; the contact says why." in said


def test_the_picture_of_a_card_is_where_initials_would_be(page: Page, program: Program, qtbot: QtBot) -> None:
    rooms = program.rooms
    assert rooms is not None
    assert rooms.faces.of("nobody@a.example") is None
    qtbot.waitUntil(lambda: isinstance(rooms.faces.of("zoe@A.example"), QPixmap))
    picture = QPixmap(34, 34)
    picture.fill(QColor("white"))
    painter = QPainter(picture)
    widgets.paint_avatar(painter, picture.rect(), "Zoë", "zoe@a.example")
    painter.end()
    assert picture.toImage().pixelColor(17, 17).name() == "#336699"


def test_who_has_no_contacts_is_told_what_to_do(program: Program, qtbot: QtBot) -> None:
    rooms = program._furnish()
    rooms.open_contacts()
    made = rooms.page
    assert isinstance(made, ContactsPage)
    qtbot.waitUntil(lambda: isinstance(made.card.widget(), EmptyState))
    assert made.card.widget().accessibleName().startswith("No contacts yet")
    made.search.setText("nobody")
    qtbot.waitUntil(lambda: made.card.widget().accessibleName().startswith("Nobody"))
    rooms.close_page()
