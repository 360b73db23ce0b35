"""Address books: those of this computer and of CardDAV servers; found on a server, added, named, brought up to date,
removed.

Rules of the file: a server is asked only on a button; what will be lost with a book is said before it goes.
"""

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget
from shiboken6 import isValid

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.notices import Banner
from mua.gui.select import Select
from mua.gui.theme import BASE, META, SECONDARY, TITLE
from mua.gui.widgets import Button, ElidedLabel, Field, Label, Line, PasswordField, ToolButton
from mua.language import plural, tr
from mua.model.account import Account
from mua.model.contact import Book, BookId, BookKind


class BooksPanel(QWidget):
    """The panel."""

    asked = Signal(object, object, object)

    def __init__(self, accounts: Sequence[Account]) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(28, 24, 28, 28)
        self._column.setSpacing(10)
        self.banner = Banner()
        self.banner.hide()
        self.rows: dict[int, QFrame] = {}
        self._list = QVBoxLayout()
        self._list.setSpacing(8)
        self.name = Field(tr("Name of a new address book"), tr("Name"))
        self.make = Button(tr("Make a book"), "plus")
        self.make.clicked.connect(self._make)
        self.name.returnPressed.connect(self._make)
        self.server = ServerForm(accounts)
        self.server.asked.connect(self.asked)
        self.server.said.connect(self._say)
        own = QHBoxLayout()
        own.addWidget(self.name, 1)
        own.addWidget(self.make)
        self._column.addWidget(Label(tr("Address books"), TITLE, bold=True))
        self._column.addWidget(self.banner)
        self._column.addLayout(self._list)
        self._column.addLayout(own)
        self._column.addWidget(Line())
        self._column.addWidget(self.server)
        self._column.addStretch()

    def show_books(self, books: Sequence[Book]) -> None:
        """What is there now."""
        for row in self.rows.values():
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = {one.id: self._row(one) for one in books}
        for row in self.rows.values():
            self._list.addWidget(row)

    # ---- inside
    def _row(self, book: Book) -> QFrame:
        row = QFrame()
        row.setProperty("kind", "panel")
        name, facts = words.shown(book.name, 100), _facts(book)
        row.setAccessibleName(f"{name}, {facts}")
        text = QVBoxLayout()
        text.setSpacing(2)
        text.addWidget(ElidedLabel(name, BASE, bold=True))
        text.addWidget(Label(facts, META, "tertiary", wrap=True))
        if book.problem:
            text.addWidget(Label(words.shown(book.problem, 400), SECONDARY, "danger", wrap=True))
        if book.refused:
            said = plural(
                book.refused,
                "The server did not take {number:,} change; the contact says why.",
                "The server did not take {number:,} changes; the contacts say why.",
            )
            text.addWidget(Label(said, SECONDARY, "danger", wrap=True))
        line = QHBoxLayout(row)
        line.setContentsMargins(16, 10, 10, 10)
        line.addLayout(text, 1)
        if book.kind is BookKind.CARDDAV:
            again = ToolButton("refresh-cw", tr("Bring {name} up to date", name=name))
            again.clicked.connect(lambda: self._sync(book))
            line.addWidget(again, 0, Qt.AlignmentFlag.AlignVCenter)
        gone = ToolButton("trash-2", tr("Remove {name}", name=name))
        gone.clicked.connect(lambda: self._ask_removal(book))
        line.addWidget(gone, 0, Qt.AlignmentFlag.AlignVCenter)
        return row

    def _make(self) -> None:
        name = self.name.text().strip()
        if name:
            self.name.clear()
            self._ask(wire.PutBook(Book(BookId(0), name)), lambda _: self.banner.hide())

    def _sync(self, book: Book) -> None:
        def told(answer: wire.Answer) -> None:
            assert isinstance(answer, wire.BooksSynced)
            if answer.problems:
                self._say(" ".join(answer.problems), "danger")
            else:
                said = tr("{came} came, {went} went out.", came=answer.came, went=answer.went)
                self._say(said, "info")

        self._say(tr("Asking the server …"), "info")
        self._ask(wire.SyncBooks(book.id), told)

    def _ask_removal(self, book: Book) -> None:
        count = plural(book.count, "{number:,} contact", "{number:,} contacts")
        if book.kind is BookKind.CARDDAV:
            said = tr(
                "“{name}” with {count} is removed from this computer; the server keeps it.", name=book.name, count=count
            )
            if book.waiting:
                said += " " + tr("{number} changes that the server was not told of are lost.", number=book.waiting)
        else:
            said = tr("“{name}” with {count} is deleted for good.", name=book.name, count=count)
        self._say(said, "warning")
        remove = wire.RemoveBook(book.id, forced=True)
        self.banner.offer(tr("Remove it"), lambda: self._ask(remove, lambda _: self.banner.hide()))
        self.banner.offer(tr("Keep it"), self.banner.hide)

    def _ask(self, command: wire.Command, then: Callable[[wire.Answer], object]) -> None:
        def told(answer: wire.Answer) -> None:
            if isValid(self):
                then(answer)

        self.asked.emit(command, told, lambda error: self._say(error.text, "danger") if isValid(self) else None)

    def _say(self, text: str, tone: str) -> None:
        self.banner.withdraw()
        self.banner.say(text, tone)
        self.banner.setVisible(bool(text))


class ServerForm(QWidget):
    """Address books of a CardDAV server: who asks, what is there, and a button for each."""

    asked = Signal(object, object, object)
    said = Signal(str, str)

    def __init__(self, accounts: Sequence[Account]) -> None:
        super().__init__()
        self.address = Field(tr("Mail address, or address of the server"), "maya@example.org")
        self.sign_in = Select(tr("Who signs in"))
        self.sign_in.addItem(tr("With a password of its own"), 0)
        for one in accounts:
            if not one.demo and (one.incoming_server is not None or one.oauth is not None):
                self.sign_in.addItem(tr("As {name}", name=words.shown(one.email, 80)), int(one.id))
        self.user = Field(tr("User"), tr("the address, if not given"))
        self.password = PasswordField(tr("Password"))
        self.look = Button(tr("Find address books"), "search")
        self.found = QVBoxLayout()
        self.found.setSpacing(6)
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        grid.setVerticalSpacing(8)
        fields = (
            (tr("Address"), self.address),
            (tr("Signs in"), self.sign_in),
            (tr("User"), self.user),
            (tr("Password"), self.password),
        )
        for place, (name, field) in enumerate(fields):
            grid.addWidget(Label(name, META, "tertiary"), place, 0)
            grid.addWidget(field, place, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(8)
        column.addWidget(Label(tr("From a server (CardDAV)"), BASE, bold=True))
        column.addLayout(grid)
        column.addWidget(self.look, 0, Qt.AlignmentFlag.AlignLeft)
        column.addLayout(self.found)
        self.look.clicked.connect(self._find)
        self.password.returnPressed.connect(self._find)
        self.sign_in.currentIndexChanged.connect(lambda _: self._show_fields())

    def _show_fields(self) -> None:
        own = not self.sign_in.currentData()
        self.user.setEnabled(own)
        self.password.setEnabled(own)

    def _find(self) -> None:
        address, account_id = self.address.text().strip(), int(self.sign_in.currentData())
        self.address.mark(not address)
        if not address:
            self.address.setFocus()
            return
        user = "" if account_id else self.user.text().strip() or address
        command = wire.FindBooks(address, user, "" if account_id else self.password.text(), account_id)
        self.look.setEnabled(False)
        self.said.emit(tr("Looking for address books …"), "info")
        self.asked.emit(command, lambda told: self._show(told, user, account_id), self._failed)

    def _show(self, told: wire.Answer, user: str, account_id: int) -> None:
        assert isinstance(told, wire.BooksFound)
        if not isValid(self):
            return
        self.look.setEnabled(True)
        self.said.emit("", "info")
        while item := self.found.takeAt(0):
            if old := item.widget():
                old.deleteLater()
        for url, name in told.books:
            button = Button(tr("Add “{name}”", name=words.shown(name, 80)), "plus")
            button.setToolTip(words.tip(url))
            book = Book(BookId(0), name, BookKind.CARDDAV, url, user, account_id)
            button.clicked.connect(_adder(self, book, button))
            self.found.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)

    def add(self, book: Book, button: Button) -> None:
        """Keep a book that was found."""

        def kept(_: wire.Answer) -> None:
            if isValid(self):
                self.said.emit(tr("“{name}” is here; its contacts come now.", name=words.shown(book.name, 80)), "info")
            if isValid(button):
                button.hide()

        password = "" if book.account_id else self.password.text()
        self.asked.emit(wire.PutBook(book, password), kept, self._failed)

    def _failed(self, error: MailError) -> None:
        if not isValid(self):
            return
        self.look.setEnabled(True)
        self.said.emit(error.text, "danger")
        if error.code == "own-password":
            self.sign_in.setCurrentIndex(0)
            self.password.setFocus()


def _adder(form: ServerForm, book: Book, button: Button) -> Callable[[], None]:
    return lambda: form.add(book, button)


def _facts(book: Book) -> str:
    count = plural(book.count, "{number:,} contact", "{number:,} contacts")
    if book.kind is BookKind.OWN:
        return tr("{count}, on this computer", count=count)
    when = words.full_time(book.synced_at, time.time()) if book.synced_at else tr("never")
    said = tr("{count}, also at {where}; up to date {when}", count=count, where=words.shown(book.url, 120), when=when)
    waiting = plural(book.waiting, "{number:,} change waits", "{number:,} changes wait") if book.waiting else ""
    return f"{said}. {waiting}." if waiting else said
