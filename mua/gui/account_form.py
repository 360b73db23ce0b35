"""An account by hand: where mail comes from and where it goes, as a form.

Rules of the file: the form makes an ``Account`` or says which field is wrong; it asks nobody and stores nothing; a
server without protection has to be allowed by a tick that says what it means (loopback needs none).
"""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from mua.gui.choice import Choice
from mua.gui.pop_fields import PopFields
from mua.gui.select import Select, Tick
from mua.gui.theme import META, SECONDARY
from mua.gui.widgets import Field, Label, ToolButton
from mua.language import tr
from mua.model.account import Account, AccountId, Incoming, PopOptions, Route, Security, Server
from mua.records import dataclass

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SECURITIES = ((Security.TLS, "TLS"), (Security.STARTTLS, "STARTTLS"), (Security.NONE, tr("No protection")))
_PORTS = {
    "imap": {Security.TLS: 993, Security.STARTTLS: 143, Security.NONE: 143},
    "pop3": {Security.TLS: 995, Security.STARTTLS: 110, Security.NONE: 110},
    "smtp": {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 587},
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """A field that cannot stay as it is, and why (one sentence)."""

    field: Field
    text: str


class ServerFields(QWidget):
    """Host, port, protection, user name."""

    changed = Signal()

    def __init__(self, what: str) -> None:
        super().__init__()
        self._protocol = "smtp"
        self.host = Field(tr("{what}: server", what=what), tr("Server, for example mail.example.org"))
        self.port = Field(tr("{what}: port", what=what), tr("Port"))
        self.port.setValidator(QIntValidator(1, 65535, self.port))
        self.port.setFixedWidth(76)
        self.security = Select(tr("{what}: protection", what=what))
        for value, text in _SECURITIES:
            self.security.addItem(text, value)
        self.user = Field(tr("{what}: user name", what=what), tr("User name (mostly the address)"))
        for field, picture in ((self.host, "server"), (self.user, "user")):
            field.lead(picture)  # a filled field shows no placeholder, and two look alike
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(8)
        grid.addWidget(self.host, 0, 0)
        grid.addWidget(self.port, 0, 1)
        grid.addWidget(self.security, 0, 2)
        grid.addWidget(self.user, 1, 0, 1, 3)
        grid.setColumnStretch(0, 1)
        self.security.currentIndexChanged.connect(self._security_changed)
        self.host.textChanged.connect(lambda _: self.changed.emit())

    def speak(self, protocol: str) -> None:
        """Offer the usual port of "imap", "pop3" or "smtp"."""
        usual = {str(port) for ports in _PORTS.values() for port in ports.values()} | {""}
        self._protocol = protocol
        if self.port.text() in usual:
            self.port.setText(str(_PORTS[protocol][self.chosen_security()]))

    def show_server(self, server: Server | None) -> None:
        """Fill in."""
        if server is not None:
            self.host.setText(server.host)
            self.security.setCurrentIndex([one for one, _ in _SECURITIES].index(server.security))
            self.port.setText(str(server.port))
            self.user.setText(server.user)

    def chosen_security(self) -> Security:
        """How the connection is protected."""
        return Security(self.security.currentData())

    def is_open(self) -> bool:
        """Would a password travel unprotected?"""
        return self.chosen_security() is Security.NONE and self.host.text().strip() not in _LOOPBACK

    def server(self, user: str) -> Server | Wrong:
        """What is filled in; ``user`` where no user name is."""
        host = self.host.text().strip().strip("[]")
        for field, wrong, text in (
            (self.host, not host or " " in host, tr("Name the server, for example mail.example.org.")),
            (self.port, not self.port.hasAcceptableInput(), tr("A port is a number from 1 to 65535.")),
        ):
            field.mark(wrong)
            if wrong:
                return Wrong(field, text)
        return Server(host, int(self.port.text()), self.chosen_security(), self.user.text().strip() or user)

    def _security_changed(self) -> None:
        self.speak(self._protocol)
        self.changed.emit()


class AccountForm(QWidget):
    """The form.  ``email`` and the password are asked elsewhere."""

    entered = Signal()
    """Enter in one of its fields."""

    def __init__(self) -> None:
        super().__init__()
        self._base = Account(AccountId(0), "", "")
        self._user = ""
        self.full_name = Field(tr("Your name"), tr("Your name, as others see it"))
        self.incoming = Choice(
            tr("Mail comes by"), (("imap", "IMAP"), ("pop3", "POP3"), ("local", tr("This computer only")))
        )
        self.receiving = ServerFields(tr("Incoming"))
        self.pop = PopFields()
        self.route = Choice(
            tr("Mail goes"),
            (("smtp", tr("By a server")), ("direct", tr("Directly to recipients")), ("none", tr("Not at all"))),
        )
        self.sending = ServerFields(tr("Outgoing"))
        self.direct_note = Label(
            tr("Mua looks up each recipient's mail server and delivers there itself. Many home networks close port 25,"
            " and many servers refuse mail from them."), SECONDARY, "secondary", wrap=True,
        )  # fmt: skip
        self.ehlo = Field(
            tr("This computer's name"), tr("This computer's name in the DNS, if it has one (mail.example.org)")
        )
        self.ca_file = Field(
            tr("Certificate authority file"), tr("Private certificate authority (PEM file), if there is one")
        )
        self.client_cert = Field(
            tr("Client certificate file"), tr("Certificate and key that log you in (PEM), if you have them")
        )
        self.plain = Tick(tr("Allow my password and mail to travel without protection"))
        self._lay_out()
        self.incoming.changed.connect(self._arrange)
        self.route.changed.connect(self._arrange)
        self.receiving.changed.connect(self._arrange)
        self.sending.changed.connect(self._arrange)
        self.receiving.user.textEdited.connect(self._user_edited)
        for field in self.findChildren(Field):
            field.returnPressed.connect(self.entered)
        self._arrange()

    def offer_inboxes(self, accounts: Sequence[Account]) -> None:
        """Let a POP3 account's mail go into the inbox of one of these."""
        self.pop.offer_inboxes(accounts, self._base.id)

    def show_account(self, account: Account) -> None:
        """Fill in."""
        self._base = account
        self.full_name.setText(account.full_name)
        self.incoming.choose(account.incoming)
        self.route.choose(account.route)
        self.receiving.show_server(account.incoming_server)
        self.sending.show_server(account.submission)
        self._user = self.receiving.user.text()
        self.ehlo.setText(account.direct.ehlo)
        self.ca_file.setText(account.ca_file)
        self.client_cert.setText(account.client_cert)
        self.pop.show_options(account.pop)
        self.plain.setChecked(account.allow_plaintext)
        self._arrange()

    def carry(self, account: Account) -> None:
        """What was changed elsewhere while this form is open, and has no field here."""
        self._base = replace(
            self._base, habits=account.habits, identities=account.identities, rules=account.rules, oauth=account.oauth
        )

    def account(self, email: str) -> Account | Wrong:
        """The account as it is filled in, or the first field that is wrong."""
        incoming, route = Incoming(self.incoming.value()), Route(self.route.value())
        receiving = self.receiving.server(email) if incoming is not Incoming.LOCAL else None
        sending = self.sending.server(email) if route is Route.SMTP else None
        for found in (receiving, sending):
            if isinstance(found, Wrong):
                return found
        pop = self.pop.options()
        if pop is None and incoming is Incoming.POP3:
            return Wrong(self.pop.days, tr("A number of days is at least 1 and at most 3650."))
        return replace(
            self._base,
            name=self._base.name or email,
            email=email,
            full_name=self.full_name.text().strip(),
            incoming=incoming,
            incoming_server=receiving if isinstance(receiving, Server) else None,
            route=route,
            submission=sending if isinstance(sending, Server) else None,
            direct=replace(self._base.direct, ehlo=self.ehlo.text().strip()),
            ca_file=self.ca_file.text().strip(),
            client_cert=self.client_cert.text().strip(),
            pop=pop if pop is not None and incoming is Incoming.POP3 else PopOptions(),
            allow_plaintext=self.plain.isChecked() and self._open(),
        )

    # ---- inside
    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.full_name)
        column.addSpacing(4)
        column.addWidget(Label(tr("Incoming mail"), META, "tertiary", bold=True), 0, Qt.AlignmentFlag.AlignLeft)
        for part in (self.incoming, self.receiving, self.pop):
            column.addWidget(part)
        column.addSpacing(4)
        column.addWidget(Label(tr("Outgoing mail"), META, "tertiary", bold=True), 0, Qt.AlignmentFlag.AlignLeft)
        for below in (self.route, self.sending, self.direct_note, self.ehlo):
            column.addWidget(below)
        column.addLayout(self._file(self.ca_file, tr("certificate authority file")))
        column.addLayout(self._file(self.client_cert, tr("client certificate file")))
        column.addWidget(self.plain)

    def _file(self, field: Field, what: str) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        choose = ToolButton("folder", tr("Choose a {what}", what=what))
        choose.clicked.connect(lambda: self._choose_file(field, what))
        row.addWidget(field, 1)
        row.addWidget(choose, 0, Qt.AlignmentFlag.AlignVCenter)
        return row

    def _arrange(self) -> None:
        incoming, route = self.incoming.value(), self.route.value()
        self.receiving.setVisible(incoming != "local")
        self.pop.setVisible(incoming == "pop3")
        self.sending.setVisible(route == "smtp")
        for part in (self.direct_note, self.ehlo):
            part.setVisible(route == "direct")
        if incoming != "local":
            self.receiving.speak(incoming)
        self.sending.speak("smtp")
        self.plain.setVisible(self._open())

    def _open(self) -> bool:
        receiving = self.incoming.value() != "local" and self.receiving.is_open()
        return receiving or (self.route.value() == "smtp" and self.sending.is_open())

    def _user_edited(self, user: str) -> None:
        """Mostly it is one name for both: the other follows until it says something else."""
        if self.sending.user.text() == self._user:
            self.sending.user.setText(user)
        self._user = user

    def _choose_file(self, field: Field, what: str) -> None:
        path, _ = QFileDialog.getOpenFileName(self, what.capitalize())
        if path:
            field.setText(path)
