"""A backup that becomes this profile, on the page of the first account: a file, its passphrase, and a fresh start.

Rules of the file: in place but for the choice of the file; without the passphrase the rest can be had.
"""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.notices import Banner
from mua.gui.widgets import Button, PasswordField
from mua.language import tr


class Restoring(QWidget):
    """The button and what comes of it.  ``asked`` carries a command, what to do with its answer and with its error.

    ``working`` says whether the engine is at it; ``restored`` that everything is here and the window has to begin anew.
    """

    asked = Signal(object, object, object)
    working = Signal(bool)
    restored = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._file = ""
        self.choose = Button(tr("Restore a backup"), "hard-drive")
        self.passphrase = PasswordField(tr("Passphrase of the backup"), tr("Passphrase of the backup"))
        self.whole = Button(tr("Restore with passwords"), kind="primary")
        self.bare = Button(tr("Restore without them"))
        self.again = Button(tr("Open the mail"), "inbox", kind="primary")
        self.banner = Banner(stacked=True)
        self._sealed = QWidget()
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.whole)
        row.addWidget(self.bare)
        row.addStretch()
        sealed = QVBoxLayout(self._sealed)
        sealed.setContentsMargins(0, 0, 0, 0)
        sealed.setSpacing(8)
        sealed.addWidget(self.passphrase)
        sealed.addLayout(row)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for part in (self.choose, self.banner, self._sealed, self.again):
            column.addWidget(part)
        for part in (self.banner, self._sealed, self.again):
            part.hide()
        self.choose.clicked.connect(self._choose)
        self.whole.clicked.connect(self._take_whole)
        self.passphrase.returnPressed.connect(self._take_whole)
        self.bare.clicked.connect(lambda: self._ask(bare=True))
        self.again.clicked.connect(self.restored)

    def take(self, file: str) -> None:
        """Restore this file; where passwords are in it, its passphrase is asked for first."""
        self._file = file
        self._sealed.hide()
        self._ask()

    # ---- inside
    def _choose(self) -> None:
        kind = tr("Backup of Mua (*.mua.tar);;All files (*)")
        file, _ = QFileDialog.getOpenFileName(self, tr("Restore a backup"), "", kind)
        if file:
            self.take(file)

    def _take_whole(self) -> None:
        self.passphrase.mark(not self.passphrase.text())
        if self.passphrase.text():
            self._ask(self.passphrase.text())

    def _ask(self, passphrase: str = "", *, bare: bool = False) -> None:
        self._say(tr("Reading the backup…"), "info")
        self._work(True)
        self.asked.emit(wire.RestoreBackup(self._file, passphrase, bare), self._done, self._failed)

    def _done(self, answer: wire.Answer) -> None:
        assert isinstance(answer, wire.BackedUp)
        self.passphrase.clear()
        came = words.count(answer.messages, "message")
        if answer.secrets:
            said = tr("{messages} and all accounts are here, with their passwords.", messages=came)
        else:
            said = tr("{messages} and all accounts are here. Enter their passwords in the settings.", messages=came)
        if answer.missing:
            said += tr(" {missing:,} of them had no text in the backup.", missing=answer.missing)
        self._say(f"{said} {tr('What waited to be sent is held.')}", "info", "circle-check")
        for part in (self.choose, self._sealed):
            part.hide()
        self.again.show()
        self.again.setFocus()

    def _failed(self, error: MailError) -> None:
        self._work(False)
        if error.code in ("sealed", "wrong-passphrase"):
            self._sealed.show()
            self.passphrase.setFocus()
        self._say(error.text, "info" if error.code == "sealed" else "danger")

    def _work(self, working: bool) -> None:
        for part in (self.choose, self.whole, self.bare, self.passphrase):
            part.setEnabled(not working)
        self.working.emit(working)

    def _say(self, text: str, tone: str, icon: str = "") -> None:
        self.banner.say(text, tone, icon)
        self.banner.show()
