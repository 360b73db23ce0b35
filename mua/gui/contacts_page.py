"""Contacts: a list with a search, and beside it the card, the form, or who may be there twice.

Rules of the file: the list is looked up on a thread of its own; what a person does is a command, and the page shows
what the store says afterwards.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPixmap
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QScrollArea, QSplitter, QVBoxLayout, QWidget
from shiboken6 import isValid

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.contact_card import ContactCard
from mua.gui.contact_finder import DELETED, Finder, Found, Shown
from mua.gui.contact_list import ContactList, ContactModel, shown_name
from mua.gui.library import Library
from mua.gui.notices import Banner, EmptyState
from mua.gui.room import Room
from mua.gui.select import Select
from mua.gui.theme import META
from mua.gui.widgets import Button, Label, Line, SearchField, ToolButton
from mua.language import plural, tr
from mua.mime import contact as cards
from mua.mime import vcard
from mua.mime.contact import Details, Entry
from mua.model.account import Account
from mua.model.address import Address
from mua.model.contact import Book, BookId, Contact, ContactId
from mua.store import contacts

if TYPE_CHECKING:
    from mua.gui.books_panel import BooksPanel
    from mua.gui.contact_editor import ContactEditor
    from mua.gui.decoder import Decoder

_PAUSE = 120  # milliseconds after the last letter
_SEVERAL = 500  # contacts that are exported or deleted at once from the list
_WIDE = 1_200  # pixels of the whole page
_MAX_PICTURE = 8 << 20  # octets of a picture's file


class ContactsPage(Room):
    """The page."""

    asked = Signal(object, object, object)
    write_wanted = Signal(str)
    """A mailto: link."""
    mails_wanted = Signal(str)
    """A search for the mail of somebody."""

    def __init__(self, library: Library, accounts: Sequence[Account] = ()) -> None:
        self._accounts = accounts
        self.books: BooksPanel | None = None
        self._panel: QWidget | None = None
        """What is in the card's place until somebody is chosen."""
        self.list_side, self.card = QWidget(), ContactCard()
        super().__init__(tr("Contacts"), _WIDE)
        self._library = library
        self.model = ContactModel(self._rows)
        self.list = ContactList(self.model)
        self.search = SearchField(tr("Search contacts"))
        self.search.setAccessibleName(tr("Search contacts"))
        self.shown = Select(tr("Which contacts are shown"))
        self.count = Label("", META, "tertiary")
        self.banner = Banner()
        self.banner.hide()
        self.editor: ContactEditor | None = None
        self._finder = Finder(library.profile, self)
        self._decoder: Decoder | None = None
        self._wanted: int | None = None
        self._stale = True
        self._fill()
        self._connect()
        self.refresh()

    # ---- from outside
    def hear(self, event: wire.Event) -> None:
        """The engine said something."""
        if isinstance(event, wire.Changed) and (event.contacts or event.everything):
            self.refresh()
        elif isinstance(event, wire.Importing) and event.token.startswith("contacts-") and event.messages:
            self._say(plural(event.messages, "{number:,} contact so far", "{number:,} contacts so far"))

    def refresh(self) -> None:
        """Read again; who is shown stays shown."""
        chosen = self.list.chosen()
        if self._wanted is None and len(chosen) == 1:
            self._wanted = chosen[0].id
        self._library.open()
        self._look(anew=True)

    def show_person(self, address: Address) -> None:
        """Who has an address; the form for a new contact where nobody has."""
        db = self._library.db if self._library.open() else None
        found = contacts.by_address(db, address.address) if db is not None else []
        if found:
            self.search.clear()
            self.shown.setCurrentIndex(0)
            self._wanted = found[0].id
            self._look()
        else:
            self.edit(None, Details(name=address.name, emails=(Entry(address.address),)))

    def close_down(self) -> None:
        """End what runs beside."""
        self._finder.close()
        if self._decoder is not None:
            self._decoder.close()

    # ---- deeds
    def edit(self, one: Contact | None, about: Details | None = None) -> None:
        """The form for somebody; None: for a new contact that begins with ``about``."""
        from mua.gui.contact_editor import ContactEditor

        before = self._card(one.id) if one is not None else b""
        about = cards.details(vcard.parse(before)) if one is not None else about or Details()
        title = tr("Change {name}", name=shown_name(one)) if one is not None else tr("New contact")
        has_photo = one is not None and one.has_photo
        self.editor = editor = ContactEditor(about, title, has_photo)
        picture: list[tuple[str, bytes]] = []
        editor.kept.connect(lambda said: self._keep(one, before, said, picture))
        editor.left.connect(self._leave_editor)
        editor.picture_wanted.connect(lambda: self._choose_picture(editor, picture))
        editor.picture_unwanted.connect(lambda: self._no_picture(editor, picture))
        self.card.show_widget(editor, title)
        self._panel = None
        editor.begin()

    def delete(self) -> None:
        """Delete who is selected; it can be taken back."""
        ids = tuple(one.id for one in self.list.chosen() if one.id > 0)[:_SEVERAL]
        if not ids or self._is_deleted_shown():
            return

        def gone(_: wire.Answer) -> None:
            self._say(plural(len(ids), "{number:,} contact deleted.", "{number:,} contacts deleted."))
            self.banner.offer(tr("Undo"), lambda: self._ask(wire.RestoreContacts(ids), lambda _: self.banner.hide()))

        self._ask(wire.RemoveContacts(ids), gone)

    def write(self) -> None:
        """Write to who is selected."""
        db = self._library.db
        people: list[Address] = []
        for one in self.list.chosen():
            people += contacts.members(db, one) if one.is_group and db is not None else []
            people += [Address(one.name, address) for address in one.addresses[:1]]
        if people:
            self.write_wanted.emit("mailto:" + quote(", ".join(_mailbox(one) for one in people)))

    def import_files(self) -> None:
        """Take the contacts of files."""
        paths, _ = QFileDialog.getOpenFileNames(
            self, tr("Import contacts"), "", f"{tr('Contacts')} (*.vcf *.vcard);;{tr('All files')} (*)"
        )
        for path in paths:
            self.import_file(path)

    def import_file(self, path: str) -> None:
        """Take the contacts of one file."""

        def taken(told: wire.Answer) -> None:
            assert isinstance(told, wire.ContactsImported)
            numbers = {"found": told.found, "imported": told.imported, "here": told.here, "lost": told.lost}
            said = tr("{found} found, {imported} imported, {here} here already, {lost} lost.", **numbers)
            self._say(said, "warning" if told.lost else "info")

        shown = self.shown.currentData()
        book = shown.book if isinstance(shown, Shown) and shown.book else 0
        self._ask(wire.ImportContacts(path, book, f"contacts-{time.monotonic_ns()}"), taken)

    def export(self) -> None:
        """Write who is selected (of one or none: who is listed) into a file."""
        chosen = [one.id for one in self.list.chosen()]
        ids = chosen if len(chosen) > 1 else [one for one in self.model.ids if one > 0]
        path, _ = QFileDialog.getSaveFileName(self, tr("Export contacts"), "contacts.vcf", f"{tr('Contacts')} (*.vcf)")
        if path and ids:
            self.export_to(path, ids)

    def export_to(self, path: str, ids: Sequence[int]) -> None:
        """Write these contacts into a new file."""

        def told(answer: wire.Answer) -> None:
            assert isinstance(answer, wire.ContactsExported)
            said = plural(
                answer.exported,
                "{number:,} contact exported to {name}.",
                "{number:,} contacts exported to {name}.",
                name=Path(path).name,
            )
            self._say(said)

        self._ask(wire.ExportContacts(path, contacts=tuple(ids)), told)

    def show_duplicates(self) -> None:
        """Who may be there more than once."""
        from mua.gui.contact_duplicates import Duplicates

        panel = Duplicates()
        panel.merge_wanted.connect(lambda ids: self._ask(wire.MergeContacts(ids), lambda _: panel.merged(ids)))
        self._show_panel(panel, tr("Who may be there twice"))
        self._finder.duplicates(lambda found, rows: panel.show_found(found, rows) if isValid(panel) else None)

    def show_books(self) -> None:
        """The address books, and finding those of a server."""
        from mua.gui.books_panel import BooksPanel

        self.books = panel = BooksPanel(self._accounts)
        panel.asked.connect(self.asked)
        db = self._library.db if self._library.open() else None
        panel.show_books(contacts.books(db) if db is not None else [])
        self._show_panel(panel, tr("Address books"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Insert makes a contact, / searches; Escape leaves the search, then the page."""
        if event.key() == Qt.Key.Key_Insert:
            self.edit(None)
        elif event.text() == "/":
            self.search.setFocus()
        else:
            super().keyPressEvent(event)

    # ---- layout
    def _area(self) -> QScrollArea:
        """The list and the card, each with a scroll bar of its own."""
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(self.list_side)
        split.addWidget(self.card)
        split.setStretchFactor(1, 1)
        split.setSizes([340, 700])
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(split)
        for ground in (area.viewport(), split):
            ground.setAutoFillBackground(False)
        return area

    def _fill(self) -> None:
        side = QVBoxLayout(self.list_side)
        side.setContentsMargins(0, 12, 0, 0)
        side.setSpacing(8)
        top = QVBoxLayout()
        top.setContentsMargins(16, 0, 12, 0)
        top.setSpacing(8)
        top.addWidget(self.search)
        line = QHBoxLayout()
        line.addWidget(self.shown, 1)
        line.addWidget(self.count)
        top.addLayout(line)
        side.addLayout(top)
        side.addWidget(self.banner)
        side.addWidget(self.list, 1)
        self.list_side.setMinimumWidth(240)
        self.list_side.setAutoFillBackground(False)
        self.new = Button(tr("New contact"), "plus", "primary")
        buttons = (
            ("import", tr("Import"), tr("Import contacts from a file"), self.import_files),
            ("download", tr("Export"), tr("Export contacts to a file"), self.export),
            ("merge", tr("Twice"), tr("Who may be there twice"), self.show_duplicates),
            ("server", tr("Books"), tr("Address books and servers"), self.show_books),
        )
        for icon, name, tip, act in buttons:
            button = ToolButton(icon, tip)
            button.setObjectName(name)
            button.clicked.connect(act)
            self.bar.addWidget(button)
        self.bar.addWidget(self.new)

    def _connect(self) -> None:
        self.new.clicked.connect(lambda: self.edit(None))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self._look)
        self.search.textChanged.connect(lambda _: self._timer.start())
        self.search.left.connect(self._to_list)
        self.shown.activated.connect(lambda _: self._look())
        self.list.moved.connect(self._show_chosen)
        self.list.opened.connect(self.write)
        self.list.edited.connect(self._edit_chosen)
        self.list.deleted.connect(self.delete)
        self.list.letters.connect(self._type)
        self.card.written.connect(lambda address: self.write_wanted.emit("mailto:" + quote(address)))
        self.card.done.connect(self._do)
        self.setFocusProxy(self.search)

    def _offer(self, books: Sequence[Book], groups: Sequence[tuple[str, int]]) -> None:
        """What can be shown, as it is now; the choice stays."""
        before = self.shown.currentData()
        choices = Finder.choices(books, groups)
        self.shown.blockSignals(True)
        self.shown.clear()
        for text, one in choices:
            self.shown.addItem(words.shown(text, 80), one)
        place = next((number for number, (_, one) in enumerate(choices) if one == before), 0)
        self.shown.setCurrentIndex(place)
        self.shown.blockSignals(False)

    # ---- the list
    def _rows(self, ids: Sequence[int]) -> list[Contact]:
        return contacts.rows(self._library.db, ids) if self._library.db is not None else []

    def _look(self, *, anew: bool = False) -> None:
        """List who fits; ``anew``: books and groups may be others, too."""
        self._timer.stop()
        self._stale |= anew
        if self._library.db is None:
            self._show_empty()
            return
        self._finder.find(self.shown.currentData() or Shown(), self.search.text(), self._found, outline=self._stale)

    def _found(self, found: Found) -> None:
        if found.outline is not None:
            self._stale = False
            books, groups = found.outline
            self._offer(books, groups)
            if self.books is not None and isValid(self.books):
                self.books.show_books(books)
        same = found.ids == self.model.ids and not found.rows
        if self.editor is None and same and found.ids and self._wanted is None:
            return
        wanted, self._wanted = self._wanted, None
        self.model.show(found.ids, found.rows)
        self.count.setText(words.count(len(found.ids), "contact", "contacts"))
        if self._panel is not None and isValid(self._panel):
            return
        if wanted in found.ids:
            index = self.model.index(found.ids.index(wanted))
            self.list.setCurrentIndex(index)
            self.list.scrollTo(index)
        elif self.editor is None and found.ids:
            self.list.setCurrentIndex(self.model.index(0))
        elif self.editor is None:
            self._show_empty()

    def _to_list(self) -> None:
        self.list.setFocus()
        if not self.list.currentIndex().isValid() and self.model.ids:
            self.list.setCurrentIndex(self.model.index(0))

    def _type(self, text: str) -> None:
        self.search.setFocus()
        self.search.insert(text)

    # ---- the card
    def _show_panel(self, panel: QWidget, name: str) -> None:
        self.editor, self._panel = None, panel
        self.card.show_widget(panel, name)

    def _show_empty(self) -> None:
        hint = tr("Make one, or import a file of another program (.vcf).")
        empty = EmptyState("users", tr("No contacts yet"), hint)
        if self.search.text() or (isinstance(self.shown.currentData(), Shown) and self.shown.currentIndex() > 0):
            empty.show_state("users", tr("Nobody"), tr("Nobody here fits."))
        self.card.show_widget(empty, tr("No contact"))

    def _show_chosen(self) -> None:
        if self.editor is not None and isValid(self.editor) and self.editor.is_changed():
            self.editor.leave()  # which asks
            return
        self.editor = self._panel = None
        chosen = self.list.chosen()
        if len(chosen) == 1:
            self._show(chosen[0])
        elif chosen:
            self._show_several(chosen)

    def _show(self, one: Contact) -> None:
        raw = self._card(one.id) if one.id > 0 else b""
        about = cards.details(vcard.parse(raw)) if raw else Details(one.name, emails=(Entry(one.addresses[0]),))
        note = ""
        if one.is_group:
            people = [str(member) for member in contacts.members(self._library.db, one)] if self._library.db else []
            count = plural(len(people), "{number:,} member", "{number:,} members")
            note = f"{count}: {words.shown(', '.join(people), 1000)}"
        elif one.problem:
            note = words.shown(one.problem, 400)
        elif one.waiting:
            note = tr("The server will be told of the last change.")
        self.card.show_contact(
            one, about, self._book_name(one.book_id), self._deeds(one), note, alarming=bool(one.problem)
        )
        if one.has_photo:
            self._draw(one.id, raw)

    def _show_several(self, chosen: list[Contact]) -> None:
        said = plural(len(chosen), "{number:,} contact selected", "{number:,} contacts selected")
        panel = QWidget()
        column = QVBoxLayout(panel)
        column.setContentsMargins(28, 24, 28, 28)
        column.addWidget(Label(said, bold=True))
        line = QHBoxLayout()
        for name, text, icon in (
            ("write", tr("Write to them"), "square-pen"),
            ("join", tr("Make one of them"), "merge"),
            ("export", tr("Export"), "download"),
            ("delete", tr("Delete"), "trash-2"),
        ):
            button = Button(text, icon, "danger" if name == "delete" else "")
            button.clicked.connect(lambda _=False, name=name: self._do(name))
            line.addWidget(button)
        line.addStretch()
        column.addLayout(line)
        column.addWidget(Line())
        column.addStretch()
        self.card.show_widget(panel, said)

    def _deeds(self, one: Contact) -> list[tuple[str, str, str]]:
        if self._is_deleted_shown():
            return [("restore", tr("Bring back"), "undo-2")]
        deeds = [("write", tr("Write"), "square-pen")] if one.addresses or one.is_group else []
        deeds += [("mails", tr("Mail with this person"), "search")] if one.addresses else []
        if one.id < 0:
            return [*deeds, ("add", tr("Add to contacts"), "plus")]
        if one.problem and one.waiting:
            deeds += [("again", tr("Try again"), "refresh-cw"), ("undo", tr("As on the server"), "undo-2")]
        return [*deeds, ("edit", tr("Change"), "file-pen-line"), ("delete", tr("Delete"), "trash-2")]

    def _do(self, name: str) -> None:
        chosen = self.list.chosen()
        ids = tuple(one.id for one in chosen)
        acts: dict[str, Callable[[], object]] = {
            "write": self.write,
            "delete": self.delete,
            "export": self.export,
            "edit": self._edit_chosen,
            "mails": lambda: self.mails_wanted.emit(search_for(chosen[0].addresses)),
            "restore": lambda: self._ask(wire.RestoreContacts(ids), lambda _: self._say(tr("They are back."))),
            "again": lambda: self._ask(wire.SyncBooks(chosen[0].book_id), lambda _: self.refresh()),
            "undo": lambda: self._ask(wire.UndoContacts(ids), lambda _: self._say(tr("The change is taken back."))),
            "join": lambda: self._ask(wire.MergeContacts(ids), lambda _: self._say(tr("They are one contact now."))),
            "add": lambda: self.edit(None, Details(chosen[0].name, emails=(Entry(chosen[0].addresses[0]),))),
        }
        if chosen:
            acts[name]()

    def _edit_chosen(self) -> None:
        chosen = self.list.chosen()
        if len(chosen) == 1 and chosen[0].id > 0 and not self._is_deleted_shown():
            self.edit(chosen[0])

    def _is_deleted_shown(self) -> bool:
        return bool(self.shown.currentData() == DELETED)

    def _card(self, contact_id: int) -> bytes:
        return contacts.card(self._library.db, contact_id) if self._library.db is not None else b""

    def _book_name(self, book_id: BookId) -> str:
        book = contacts.book(self._library.db, book_id) if self._library.db is not None else None
        return book.name if book is not None else ""

    # ---- the form
    def _leave_editor(self) -> None:
        self.editor = None
        if self.list.chosen():
            self._show_chosen()
        else:
            self._show_empty()
        self.list.setFocus()

    def _keep(self, one: Contact | None, before: bytes, said: Details, picture: list[tuple[str, bytes]]) -> None:
        card = cards.changed(vcard.parse(before), said) if one is not None else cards.fresh(_new_uid(), said)
        if picture:
            card = cards.with_photo(card, *picture[-1])
        shown = self.shown.currentData()
        book = shown.book if isinstance(shown, Shown) and shown.book else 0

        def kept(told: wire.Answer) -> None:
            assert isinstance(told, wire.ContactKept)
            self.editor = None
            self._wanted = told.contact_id
            if told.conflicts:
                self._say(tr("Somebody changed this contact meanwhile; the other version stands beside it."), "warning")
            self.refresh()
            self.list.setFocus()

        text = card.raw.decode("utf-8", "surrogateescape")
        begun = before.decode("utf-8", "surrogateescape")
        editor = self.editor

        def failed(error: MailError) -> None:
            if editor is not None and isValid(editor):
                editor.say(error.text)

        self.asked.emit(wire.PutContact(text, book, one.id if one is not None else 0, begun), kept, failed)

    def _choose_picture(self, editor: "ContactEditor", picture: list[tuple[str, bytes]]) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, tr("Choose a picture"), "", f"{tr('Pictures')} (*.png *.jpg *.jpeg *.gif *.webp)"
        )
        if path:
            self.take_picture(editor, path, picture)

    def take_picture(self, editor: "ContactEditor", path: str, picture: list[tuple[str, bytes]]) -> None:
        """The picture in a file, if it is one."""
        from mua.mime.sniff import media_type

        try:
            data = Path(path).read_bytes() if Path(path).stat().st_size <= _MAX_PICTURE else b""
        except OSError:
            data = b""
        kind = media_type(data[:2048])
        if not data or kind not in ("image/png", "image/jpeg", "image/gif", "image/webp"):
            editor.say(tr("This is no picture that a contact can have (PNG, JPEG, GIF or WebP of at most 8 MB)."))
            return
        picture.append((kind, data))
        editor.picture_changed = True
        editor.bare.show()
        editor.say(tr("The picture is there once you keep the contact."))

    @staticmethod
    def _no_picture(editor: "ContactEditor", picture: list[tuple[str, bytes]]) -> None:
        picture.append(("", b""))
        editor.picture_changed = True
        editor.bare.hide()

    # ---- inside
    def _draw(self, contact_id: ContactId, raw: bytes) -> None:
        """The card's picture, drawn by the decoder's child."""
        from mua.gui.decoder import Decoder

        found = cards.photo(vcard.parse(raw))
        if found is None:
            return
        if self._decoder is None:
            self._decoder = Decoder(self)

        def drawn(picture: QPixmap) -> None:
            if self.card.contact is not None and self.card.contact.id == contact_id and not picture.isNull():
                self.card.face.show_picture(picture)

        self._decoder.draw(f"{contact_id} {hash(raw)}", found[1], 256, 256, lambda drawing: drawn(drawing.picture))

    def _ask(self, command: wire.Command, then: Callable[[wire.Answer], object]) -> None:
        self.banner.withdraw()
        self.asked.emit(command, then, lambda error: self._say(error.text, "danger"))

    def _say(self, text: str, tone: str = "info") -> None:
        self.banner.withdraw()
        self.banner.say(text, tone)
        self.banner.show()


def search_for(addresses: Sequence[str]) -> str:
    """The search for everything from and to these addresses."""
    return " OR ".join(f"from:{one} OR to:{one}" for one in addresses[:5])


def _mailbox(one: Address) -> str:
    name = one.name.replace('"', "").replace("\\", "")
    return f'"{name}" <{one.address}>' if name else one.address


def _new_uid() -> str:
    import uuid

    return f"urn:uuid:{uuid.uuid4()}"
