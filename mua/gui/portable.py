"""Settings or the whole profile to a file, for another computer: with passwords only if asked, under a passphrase.

Rules of the file: in place but for the choice of a file; what was added, and what was here already, is said.
"""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.notices import Banner
from mua.gui.secrets_choice import SHORTEST
from mua.gui.select import Tick
from mua.gui.widgets import Button, PasswordField
from mua.language import tr

_KIND = tr("Settings of Mua (*.mua.json);;All files (*)")


class Portable(QWidget):
    """The row.  ``asked`` carries a command, what to do with its answer, and what with its error."""

    asked = Signal(object, object, object)

    def __init__(self) -> None:
        super().__init__()
        self.export = Button(tr("Export settings"), "download")
        self.take = Button(tr("Import settings"), "import")
        self.backup = Button(tr("Back up everything"), "hard-drive")
        self.secrets = Tick(tr("With passwords, sealed under a passphrase"))
        self.passphrase = PasswordField(
            tr("Passphrase of the file"),
            tr("Passphrase of the file, at least {shortest} characters", shortest=SHORTEST),
        )
        self.banner = Banner()
        row = QHBoxLayout()
        row.setSpacing(8)
        for part in (self.export, self.take, self.backup):
            row.addWidget(part)
        row.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.secrets)
        column.addWidget(self.passphrase)
        column.addWidget(self.banner)
        self.passphrase.hide()
        self.banner.hide()
        self.secrets.toggled.connect(self.passphrase.setVisible)
        self.export.clicked.connect(self._choose_export)
        self.take.clicked.connect(self._choose_import)
        self.backup.clicked.connect(self._choose_backup)

    def export_to(self, file: str) -> None:
        """Write the file."""

        def done(_: wire.Answer) -> None:
            told = (
                tr("Written to {file}, with passwords.", file=file)
                if phrase
                else tr("Written to {file}, without passwords.", file=file)
            )
            self._say(told, "info")
            self.passphrase.clear()

        phrase = self._phrase()
        if phrase is not None:
            self.asked.emit(wire.ExportSettings(file, phrase), done, self._failed)

    def take_from(self, file: str) -> None:
        """Add what is in the file."""

        def done(answer: wire.Answer) -> None:
            assert isinstance(answer, wire.SettingsImported)
            here = ", ".join(words.shown(one, 60) for one in answer.skipped)
            more = tr(" Here already, and left as they are: {here}.", here=here) if here else ""
            added = words.count(answer.accounts, "account")
            secrets = words.count(answer.secrets, "password")
            self._say(
                (
                    tr("{accounts} added with {passwords}.", accounts=added, passwords=secrets)
                    if answer.secrets
                    else tr("{accounts} added.", accounts=added)
                )
                + more,
                "info",
            )
            self.passphrase.clear()

        phrase = self._phrase()
        if phrase is not None:
            self.asked.emit(wire.ImportSettings(file, phrase, not phrase), done, self._failed)

    def back_up_to(self, file: str) -> None:
        """Write the whole profile to a file."""

        def done(answer: wire.Answer) -> None:
            assert isinstance(answer, wire.BackedUp)
            self._work(False)
            lost = tr(" {missing:,} of them had no text here.", missing=answer.missing) if answer.missing else ""
            written = words.count(answer.messages, "message")
            text = (
                tr("{messages} written and read back, with passwords.", messages=written)
                if answer.secrets
                else tr("{messages} written and read back, without passwords.", messages=written)
            )
            self._say(
                f"{text}{lost} {tr('On the other computer the first page restores it, or: mua restore FILE.')}", "info"
            )
            self.passphrase.clear()

        phrase = self._phrase()
        if phrase is not None:
            self._work(True)
            self._say(tr("Writing everything to one file…"), "info")
            self.asked.emit(wire.Backup(file, phrase), done, self._failed)

    # ---- inside
    def _work(self, working: bool) -> None:
        for part in (self.export, self.take, self.backup):
            part.setEnabled(not working)

    def _choose_backup(self) -> None:
        if self._phrase() is not None:
            kind = tr("Backup of Mua (*.mua.tar);;All files (*)")
            file, _ = QFileDialog.getSaveFileName(self, tr("Back up everything"), "everything.mua.tar", kind)
            if file:
                self.back_up_to(file)

    def _phrase(self) -> str | None:
        """Empty where no passwords are wanted; None when one is missing, which was said."""
        if not self.secrets.isChecked():
            return ""
        if len(self.passphrase.text()) >= SHORTEST:
            return self.passphrase.text()
        self._say(tr("A passphrase has at least {shortest} characters.", shortest=SHORTEST), "warning")
        self.passphrase.setFocus()
        return None

    def _choose_export(self) -> None:
        if self._phrase() is not None:
            file, _ = QFileDialog.getSaveFileName(self, tr("Export settings"), "settings.mua.json", _KIND)
            if file:
                self.export_to(file)

    def _choose_import(self) -> None:
        if self._phrase() is not None:
            file, _ = QFileDialog.getOpenFileName(self, tr("Import settings"), "", _KIND)
            if file:
                self.take_from(file)

    def _say(self, text: str, tone: str) -> None:
        self.banner.say(text, tone, "circle-check" if tone == "info" else "")
        self.banner.show()

    def _failed(self, error: MailError) -> None:
        self._work(False)
        self._say(error.text, "danger")
