"""Where passwords live when there is no keyring: an encrypted file with a passphrase, or this session only.

Rules of the file: in place, never a dialog; the two choices say what they cost; a passphrase is asked twice, because
nobody can find it again.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from mua.gui.select import Radio
from mua.gui.theme import SECONDARY
from mua.gui.widgets import Button, Label, PasswordField
from mua.language import tr

SHORTEST = 8  # characters of a passphrase


class PassphraseBar(QFrame):
    """Asks for the passphrase of the encrypted file, in place."""

    entered = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.field = PasswordField(tr("Passphrase of your passwords"), tr("Passphrase of your passwords"))
        self.note = Label("", SECONDARY, "danger", wrap=True)
        self.note.hide()
        button = Button(tr("Open"), kind="primary")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.field, 1)
        row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.note)
        self.field.returnPressed.connect(self._enter)
        button.clicked.connect(self._enter)

    def refuse(self, text: str) -> None:
        """It was not the right one."""
        self.note.setText(text)
        self.note.show()
        self.field.clear()
        self.field.setFocus()

    def _enter(self) -> None:
        if self.field.text():
            self.entered.emit(self.field.text())


class SecretsChoice(QFrame):
    """The panel.  ``chosen`` carries the place ("file", "session", "keyring") and the passphrase."""

    chosen = Signal(str, str)

    def __init__(self, *, keyring: bool = False, now: str = "", button: str = tr("Continue")) -> None:
        super().__init__()
        self.setProperty("kind", "panel")
        self._keyring = Radio(tr("The keyring of this computer"))
        self._file = Radio(tr("An encrypted file, opened with a passphrase"))
        self._session = Radio(tr("Not at all: ask me after each start"))
        self.passphrase = PasswordField(
            tr("Passphrase"), tr("Passphrase, at least {shortest} characters", shortest=SHORTEST)
        )
        self.again = PasswordField(tr("Passphrase again"), tr("The passphrase again"))
        self.note = Label("", SECONDARY, "secondary", wrap=True)
        self.button = Button(button, kind="primary")
        self._fields = QWidget()
        self._lay_out(keyring)
        {"keyring": self._keyring, "session": self._session}.get(now, self._file).setChecked(True)
        for radio in (self._keyring, self._file, self._session):
            radio.toggled.connect(self._arrange)
        for field in (self.passphrase, self.again):
            field.textChanged.connect(self._arrange)
            field.returnPressed.connect(self._choose)
        self.button.clicked.connect(self._choose)
        self._arrange()

    def place(self) -> str:
        """What is chosen."""
        return "keyring" if self._keyring.isChecked() else "file" if self._file.isChecked() else "session"

    def choose(self, place: str) -> None:
        """Choose a place."""
        {"keyring": self._keyring, "session": self._session}.get(place, self._file).setChecked(True)

    # ---- inside
    def _lay_out(self, keyring: bool) -> None:
        fields = QVBoxLayout(self._fields)
        fields.setContentsMargins(26, 0, 0, 0)
        fields.setSpacing(8)
        fields.addWidget(self.passphrase)
        fields.addWidget(self.again)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        column.addWidget(Label(tr("Where should passwords be kept?"), bold=True), 0, Qt.AlignmentFlag.AlignLeft)
        if keyring:
            column.addWidget(self._keyring)
        for part in (self._file, self._fields, self._session, self.note):
            column.addWidget(part)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self.button)
        column.addLayout(row)

    def _arrange(self) -> None:
        place = self.place()
        self._fields.setVisible(place == "file")
        note, ready = "", True
        if place == "file":
            first, second = self.passphrase.text(), self.again.text()
            ready = len(first) >= SHORTEST and first == second
            note = tr("Nobody can find a forgotten passphrase; the passwords would have to be entered again.")
            if second and first != second:
                note = tr("The two passphrases differ.")
            elif first and len(first) < SHORTEST:
                note = tr("At least {shortest} characters, please.", shortest=SHORTEST)
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self.button.setEnabled(ready)

    def _choose(self) -> None:
        if self.button.isEnabled():
            self.chosen.emit(self.place(), self.passphrase.text() if self.place() == "file" else "")
