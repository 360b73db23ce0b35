"""Signing in in the browser, in place: a button, a wait that can be ended, and the steps to a client id of one's own.

Theory of operation: ``offer`` shows what the provider of an address allows.  The button has the engine begin
(``BeginSignIn``); the page is opened in the person's own browser, and ``signed_in`` carries the sign-in's name once
they agreed.  Where nobody registered Mua with the provider the panel says so before anything is typed, and has the
steps (``ClientSteps``) behind a link.

Rules of the file: no page is opened but by a click; a late answer to a sign-in that was ended is dropped.
"""

from dataclasses import replace

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.theme import BASE, SECONDARY
from mua.gui.widgets import Button, Field, IconLabel, Label, PasswordField
from mua.language import tr
from mua.model.account import Account


def open_page(url: str) -> None:
    """Show a page in the person's browser; https only."""
    if url.startswith("https://"):
        QDesktopServices.openUrl(QUrl(url))


def _nothing(_: object) -> None:
    """An answer that changes nothing."""


class SignInPanel(QFrame):
    """The panel.  ``asked`` carries a command, what to do with its answer, and what with its error."""

    asked = Signal(object, object, object)
    signed_in = Signal(str)
    failed = Signal(object)
    by_password = Signal()
    """The person would rather type a password."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "panel")
        self._begin = wire.BeginSignIn()
        self._service: wire.SignInService | None = None
        self._name = self._url = ""
        self._turn = 0
        self._password = ""
        self._icon = IconLabel("globe", "accent", 16)
        self.title = Label("", BASE, bold=True, wrap=True)
        self.text = Label("", SECONDARY, "secondary", wrap=True)
        self.go = Button(tr("Sign in in the browser"), "external-link", "primary")
        self.again = Button(tr("Open the page again"), kind="link")
        self.copy = Button(tr("Copy its address"), kind="link")
        self.cancel = Button(tr("Cancel"), kind="link")
        self.password = Button(tr("Use a password instead"), kind="link")
        self.own = Button(tr("Use a client id of your own"), kind="link")
        self.steps = ClientSteps()
        self._lay_out()
        self.go.clicked.connect(self.begin)
        self.again.clicked.connect(lambda: open_page(self._url))
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._url))
        self.cancel.clicked.connect(self.end)
        self.password.clicked.connect(self.by_password)
        self.own.clicked.connect(lambda: self.steps.setVisible(self.steps.isHidden()))
        self.steps.kept.connect(self._keep_client)

    @property
    def ready(self) -> bool:
        """Whether a click is all that is missing."""
        return self._service is not None and self._service.ready

    def offer(self, service: wire.SignInService, begin: wire.BeginSignIn, *, password: str) -> None:
        """Show it.  ``password`` says what can be typed in its place ("an app password"); empty: nothing can."""
        self.end()
        self._begin, self._service = begin, service
        self._password = password
        self.password.setText(tr("Use {password} instead", password=password))
        self.password.setAccessibleName(self.password.text())
        self.password.setProperty("possible", bool(password))
        self.steps.show_service(service)
        self._arrange()

    def begin(self) -> None:
        """Open the page, and wait for the person."""
        self._turn += 1
        turn = self._turn
        self.go.setEnabled(False)
        self.text.setText(tr("Asking for the page…"))
        self.asked.emit(self._begin, lambda one: self._begun(turn, one), lambda one: self._went_wrong(turn, one))

    def end(self) -> None:
        """Wait no longer."""
        self._turn += 1
        if self._name:
            self.asked.emit(wire.EndSignIn(self._name), _nothing, _nothing)
        self._name = self._url = ""
        self._arrange()

    # ---- inside
    def _begun(self, turn: int, answer: wire.Answer) -> None:
        assert isinstance(answer, wire.SignInBegun)
        if turn != self._turn:
            self.asked.emit(wire.EndSignIn(answer.sign_in), _nothing, _nothing)
            return
        self._name, self._url = answer.sign_in, answer.url
        self._arrange()
        open_page(answer.url)
        self.asked.emit(
            wire.AwaitSignIn(answer.sign_in), lambda _: self._done(turn), lambda one: self._went_wrong(turn, one)
        )

    def _done(self, turn: int) -> None:
        if turn != self._turn:
            return
        name, self._name, self._url = self._name, "", ""
        self._arrange()
        self.title.setText(tr("Signed in"))
        self.signed_in.emit(name)

    def _went_wrong(self, turn: int, error: MailError) -> None:
        if turn != self._turn:
            return
        self._name = self._url = ""
        if error.code == "no-client" and self._service is not None:
            self._service = replace(self._service, ready=False)
            self.steps.show()
        self._arrange()
        self.failed.emit(error)

    def _keep_client(self, client_id: str, secret: str, tenant: str) -> None:
        service = self._service
        assert service is not None

        def kept(_: wire.Answer) -> None:
            if self._service is service:
                self._service = replace(service, ready=True)
                self.steps.hide()
                self._arrange()
                self.go.setFocus()

        self.asked.emit(wire.SetClient(service.key, client_id, secret, tenant), kept, self.failed.emit)

    def _arrange(self) -> None:
        service = self._service
        if service is None:
            return
        waiting, name = bool(self._url), words.shown(service.name, 60)
        possible = bool(self.password.property("possible"))
        for part, shown in (
            (self.go, service.ready and not waiting),
            (self.own, not waiting and not self._begin.account_id),
            (self.password, possible and service.ready and not waiting),
            (self.again, waiting),
            (self.copy, waiting),
            (self.cancel, waiting),
        ):
            part.setVisible(shown)
        self.go.setEnabled(True)
        self.own.setText(tr("Another client id") if service.ready else tr("Use a client id of your own"))
        if waiting:
            self.title.setText(tr("Waiting for your browser…"))
            self.text.setText(tr("Sign in at {name} there, and agree; then Mua goes on by itself.", name=name))
        elif service.ready:
            self.title.setText(tr("Sign in at {name}", name=name))
            self.text.setText(tr("In your browser, so that your password never reaches Mua."))
        else:
            self.title.setText(tr("Mua is not registered with {name}", name=name))
            self.text.setText(self._without_client(name, possible=possible))

    def _without_client(self, name: str, *, possible: bool) -> str:
        """What works all the same, said before anything is typed."""
        assert self._service is not None
        own = tr("a client id of your own, which takes about ten minutes, once")
        if possible and not self._service.makes_ids:
            return tr("So it cannot sign you in in the browser. Use {instead}.", instead=self._instead())
        if possible:
            return tr(
                "So it cannot sign you in in the browser by itself. Use {instead}, or {own}.",
                instead=self._instead(),
                own=own,
            )
        return tr("{name} takes no password from mail programs. What works is {own}.", name=name, own=own)

    def _instead(self) -> str:
        return self._password

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.title, 1)
        links = QHBoxLayout()
        links.setSpacing(16)
        for link in (self.again, self.copy, self.password, self.own, self.cancel):
            links.addWidget(link)
        links.addStretch()
        below = QVBoxLayout()
        below.setContentsMargins(24, 0, 0, 0)
        below.setSpacing(8)
        below.addWidget(self.text)
        below.addWidget(self.go)
        below.addLayout(links)
        below.addWidget(self.steps)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(6)
        column.addLayout(head)
        column.addLayout(below)
        self.steps.hide()


def sign_in_again(account: Account) -> SignInPanel:
    """The panel for an account that has signed in before."""
    panel = SignInPanel()
    if account.oauth is not None:
        service = wire.SignInService(account.oauth.provider, account.oauth.name, ready=True)
        panel.offer(service, wire.BeginSignIn(account.email, account.id), password="")
    return panel


class ClientSteps(QWidget):
    """The steps to a client id at a provider, its page, and fields for what is copied from there.

    ``kept`` carries client id, secret and tenant.
    """

    kept = Signal(str, str, str)

    def __init__(self) -> None:
        super().__init__()
        self._url = ""
        self.text = Label("", SECONDARY, wrap=True)
        self.page = Button(tr("Open the provider's page"), "external-link")
        self.client_id = Field(tr("Client id"), tr("Client id"))
        self.secret = PasswordField(tr("Client secret"), tr("Client secret"))
        self.tenant = Field(tr("Tenant"), tr("Tenant, if it is for one organisation"))
        self.keep = Button(tr("Keep it and go on"), kind="primary")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(8)
        for part in (self.text, self.page, self.client_id, self.secret, self.tenant, self.keep):
            column.addWidget(part)
        self.page.clicked.connect(lambda: open_page(self._url))
        self.client_id.textChanged.connect(lambda _: self._arrange())
        self.secret.textChanged.connect(lambda _: self._arrange())
        self.keep.clicked.connect(self._keep)
        for field in (self.client_id, self.secret, self.tenant):
            field.returnPressed.connect(self._keep)

    def show_service(self, service: wire.SignInService) -> None:
        """The steps of this provider."""
        self.text.setText("\n".join(f"{number}. {step}" for number, step in enumerate(service.steps, 1)))
        self._url = service.register
        self.page.setVisible(bool(service.register))
        self.page.setToolTip(service.register)
        self.secret.setVisible(service.secret)
        self.tenant.setVisible(bool(service.tenant))
        for field in (self.client_id, self.secret, self.tenant):
            field.clear()
        self.hide()
        self._arrange()

    def _arrange(self) -> None:
        whole = bool(self.client_id.text().strip()) and (self.secret.isHidden() or bool(self.secret.text().strip()))
        self.keep.setEnabled(whole)

    def _keep(self) -> None:
        if self.keep.isEnabled():
            self.kept.emit(self.client_id.text().strip(), self.secret.text().strip(), self.tenant.text().strip())
            self.secret.clear()
