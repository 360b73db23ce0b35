"""What the look-up of an address found, who said so, and what its provider is known for."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from mua import wire
from mua.gui import words
from mua.gui.sign_in import open_page
from mua.gui.theme import BASE, SECONDARY
from mua.gui.widgets import Button, IconLabel, Label
from mua.language import tr
from mua.model.account import Account, Security, Server

_PROTECTION = {Security.TLS: "TLS", Security.STARTTLS: "STARTTLS", Security.NONE: tr("no protection")}


class FoundPanel(QFrame):
    """What the look-up found, who said so, "Change"; and the provider's note with a link to its page."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "panel")
        self._icon = IconLabel("search", "tertiary", 16)
        self.title = Label("", BASE, bold=True, wrap=True)
        self.lines = Label("", SECONDARY, "secondary", wrap=True)
        self.change = Button(tr("Change"), kind="link")
        self.change.setAccessibleName(tr("Change the servers"))
        self._note = QWidget()
        self.note = Label("", SECONDARY, "secondary", wrap=True)
        self.help = Button(tr("Open the page"), "external-link", "link")
        self._url = ""
        self.help.clicked.connect(lambda: open_page(self._url))
        self._lay_out()

    def looking(self, domain: str) -> None:
        """The look-up runs."""
        self._icon.show_icon("search", "tertiary")
        self.title.setText(tr("Looking up the mail servers of {domain}…", domain=words.shown(domain, 80)))
        self.lines.setText(tr("Go on and type the password meanwhile; it is not sent anywhere yet."))
        self.change.hide()
        self._note.hide()
        self.show()

    def show_found(self, found: wire.Discovered) -> None:
        """It ended well."""
        account = found.accounts[0]
        self._icon.show_icon("circle-check", "good")
        self.title.setText(tr("Found the mail servers"))
        lines = [f"{name} {_server(server)}" for name, server in _servers(account)]
        self.lines.setText(
            "\n".join([*lines, tr("According to: {sources}", sources=words.shown(found.sources[0], 200))])
        )
        self.change.show()
        self._note.hide()
        self.show()

    def say_note(self, text: str, url: str) -> None:
        """What this provider is known for."""
        self.note.setText(words.shown(text, 400))
        self._url = url if url.startswith("https://") else ""
        self.help.setVisible(bool(self._url))
        self.help.setToolTip(self._url)
        self._note.setVisible(bool(text))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.title, 1)
        head.addWidget(self.change, 0, Qt.AlignmentFlag.AlignTop)
        below = QVBoxLayout()
        below.setContentsMargins(24, 0, 0, 0)
        below.addWidget(self.lines)
        note = QHBoxLayout(self._note)
        note.setContentsMargins(24, 4, 0, 0)
        note.addWidget(self.note, 1)
        note.addWidget(self.help, 0, Qt.AlignmentFlag.AlignBottom)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 8, 10)
        column.setSpacing(4)
        column.addLayout(head)
        column.addLayout(below)
        column.addWidget(self._note)


def _servers(account: Account) -> list[tuple[str, Server]]:
    named = ((account.incoming.upper(), account.incoming_server), ("SMTP", account.submission))
    return [(name, server) for name, server in named if server is not None]


def _server(server: Server) -> str:
    return tr(
        "{host}, port {port}, {protection}",
        host=words.shown(server.host, 100),
        port=server.port,
        protection=_PROTECTION[server.security],
    )
