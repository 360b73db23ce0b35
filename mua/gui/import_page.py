"""Mail from another program: choosing what to bring in, watching it come, and the report of what came and what did not.

Rules of the file: in place but for the choice of files; what runs goes on when the page is left; the report is shown
once all that was chosen is through, and names everything that was left out.
"""

import os
import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QFrame, QGridLayout, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.notices import Banner
from mua.gui.room import Room
from mua.gui.theme import BASE, SECONDARY
from mua.gui.widgets import Button, ElidedLabel, Label, Line
from mua.language import tr
from mua.plan.arriving import HOMES

SHOWN = 200  # folders, and reasons, that are listed
_SAYS = tr(
    "Choose a Thunderbird profile, a folder of Apple Mail, Claws Mail, Evolution or KMail, a Maildir, .eml files, mbox"
    " files or Outlook's .pst files. They are only read: nothing is changed there."
)


class ImportPage(Room):
    """The page.  ``asked`` carries a command, what to do with its answer, and what with its error.

    ``finished`` is emitted with the report of each thing that was chosen; ``mail_wanted`` when it has been read.
    """

    asked = Signal(object, object, object)
    finished = Signal(object)
    mail_wanted = Signal()

    def __init__(self, home: Path | None = None) -> None:
        super().__init__(tr("Import mail"))
        self.told: list[wire.Imported] = []
        self._waiting: list[str] = []
        self._token = ""
        self.banner = Banner()
        self.found = [_offer(program, path) for program, path in homes(home or Path.home())]
        self.tree = Button(tr("Choose a folder or profile"), "folder", kind="" if self.found else "primary")
        self.files = Button(tr("Choose files"), "file")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(tr("Import"))
        self.doing = Label("", SECONDARY, "secondary", wrap=True)
        self.stop = Button(tr("Stop"), "x")
        self.mail = Button(tr("Go to the mail"), "inbox", kind="primary")
        self.report = QVBoxLayout()
        self._lay_out()
        self.tree.clicked.connect(self._choose_tree)
        self.files.clicked.connect(self._choose_files)
        self.stop.clicked.connect(self._stop)
        self.mail.clicked.connect(self.mail_wanted)
        self._work(False)

    def take(self, paths: list[str], _checked: bool = False) -> None:
        """Bring in these files and folders, one after the other."""
        self.told = []
        self._clear()
        self._waiting = list(paths)
        self._next()

    def hear(self, event: wire.Event) -> None:
        """The engine said something."""
        if isinstance(event, wire.Importing) and event.token == self._token:
            self.progress.setRange(0, 1000)
            self.progress.setValue(event.done * 1000 // max(event.total, 1))
            folder = words.shown(event.folder, 80)
            self.doing.setText(
                tr(
                    "{messages} so far; into “{folder}” now.",
                    messages=words.count(event.messages, "message"),
                    folder=folder,
                )
            )

    # ---- inside
    def _next(self) -> None:
        if not self._waiting:
            self._show_report()
            return
        path = self._waiting.pop(0)
        self._token = secrets.token_hex(8)
        self.progress.setRange(0, 0)
        self.doing.setText(tr("Looking through {name}…", name=words.shown(Path(path).name, 80)))
        self._work(True)
        self.asked.emit(wire.Import(path, token=self._token, accounts=True), self._taken, self._failed)

    def _taken(self, answer: wire.Answer) -> None:
        assert isinstance(answer, wire.Imported)
        self.told.append(answer)
        self.finished.emit(answer)
        if answer.stopped:
            self._waiting.clear()
        self._next()

    def _failed(self, error: MailError) -> None:
        self._waiting.clear()
        self._work(False)
        self._say(error.text, "danger")
        if self.told:
            self._show_report()

    def _stop(self) -> None:
        self.stop.setEnabled(False)
        self.asked.emit(wire.Stop(self._token), None, None)

    def _choose_tree(self) -> None:
        path = QFileDialog.getExistingDirectory(self, tr("Import a folder"), str(Path.home()))
        if path:
            self.take([path])

    def _choose_files(self) -> None:
        kinds = tr("Mail and contacts (*.mbox *.eml *.emlx mbox Inbox Sent *.mbx *.pst *.vcf);;All files (*)")
        paths, _ = QFileDialog.getOpenFileNames(self, tr("Import files"), str(Path.home()), kinds)
        if paths:
            self.take(paths)

    def _show_report(self) -> None:
        """What came, folder by folder; what did not, and why."""
        self._work(False)
        found, taken, lost = (sum(getattr(one, name) for one in self.told) for name in ("found", "imported", "lost"))
        stopped = tr(" It was stopped; what had come stays.") if any(one.stopped for one in self.told) else ""
        text = tr(
            "{messages} found, {taken:,} imported, {lost:,} lost.{stopped}",
            messages=words.count(found, "message"),
            taken=taken,
            lost=lost,
            stopped=stopped,
        )
        self._say(text, "danger" if lost else "info", "" if lost else "circle-check")
        rows = [
            (one.name, tr("{number:,} of {total:,}", number=one.imported, total=one.found))
            for each in self.told
            for one in each.folders
        ]
        self._table(tr("Folders"), rows)
        books = [(str(one.found), one) for each in self.told if (one := each.contacts) is not None]
        self._table(tr("Contacts"), [(tr("{found} found", found=found), _contacts(one)) for found, one in books])
        accounts = [(name, tr("Enter its password in the settings.")) for each in self.told for name in each.accounts]
        self._table(tr("Accounts that were added"), accounts)
        left = [
            (one.what + (f" ({one.count:,})" if one.count > 1 else ""), one.why)
            for each in self.told
            for one in each.left
        ]
        self._table(tr("Left out, and why"), left)
        self.mail.setVisible(bool(taken))
        if taken:
            self.tree.be("")  # the next step is the mail
            self.mail.setFocus()

    def _table(self, title: str, rows: list[tuple[str, str]]) -> None:
        if not rows:
            return
        panel = QFrame()
        panel.setProperty("kind", "panel")
        panel.setAccessibleName(title)
        grid = QGridLayout(panel)
        grid.setContentsMargins(18, 12, 18, 12)
        grid.setHorizontalSpacing(16)
        grid.setColumnStretch(0, 2)
        grid.setColumnStretch(1, 3)
        for place, (name, says) in enumerate(rows[:SHOWN]):
            grid.addWidget(ElidedLabel(words.shown(name, 200), BASE), place, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(Label(words.shown(says, 300), SECONDARY, "secondary", wrap=True), place, 1)
        if len(rows) > SHOWN:
            grid.addWidget(Label(tr("and {number:,} more", number=len(rows) - SHOWN), SECONDARY, "tertiary"), SHOWN, 0)
        self.report.addWidget(Label(title, BASE, bold=True))
        self.report.addWidget(panel)

    def _clear(self) -> None:
        self.banner.hide()
        self.mail.hide()
        while item := self.report.takeAt(0):
            if (widget := item.widget()) is not None:
                widget.deleteLater()

    def _work(self, working: bool) -> None:
        for part in (self.progress, self.doing, self.stop):
            part.setVisible(working)
        self.stop.setEnabled(working)
        for part in (self.tree, self.files, *self.found):
            part.setEnabled(not working)

    def _say(self, text: str, tone: str, icon: str = "") -> None:
        self.banner.say(text, tone, icon)
        self.banner.show()

    def _lay_out(self) -> None:
        column = self.column
        column.addWidget(Label(_SAYS, BASE, "secondary", wrap=True))
        if self.found:
            column.addWidget(Label(tr("Found on this computer"), BASE, bold=True))
        for one in self.found:
            path = str(one.property("path"))
            one.clicked.connect(partial(self.take, [path]))
            column.addWidget(one, 0, Qt.AlignmentFlag.AlignLeft)
        column.addLayout(_row(self.tree, self.files))
        column.addWidget(self.progress)
        column.addLayout(_row(self.doing, self.stop, stretched=True))
        column.addWidget(self.banner)
        column.addWidget(self.mail, 0, Qt.AlignmentFlag.AlignLeft)
        self.report.setSpacing(8)
        column.addLayout(self.report)
        column.addWidget(Line())
        note = tr("Address books come along; passwords do not.")
        column.addWidget(Label(note, SECONDARY, "tertiary", wrap=True))
        column.addStretch()
        self.banner.hide()
        self.mail.hide()


def _contacts(one: wire.ContactsImported) -> str:
    numbers = {"imported": one.imported, "here": one.here, "lost": one.lost}
    return tr("{imported} imported, {here} here already, {lost} lost", **numbers)


def _row(*parts: QWidget, stretched: bool = False) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    for place, part in enumerate(parts):
        row.addWidget(part, 1 if stretched and place == 0 else 0)
    if not stretched:
        row.addStretch()
    return row


def _offer(program: str, path: Path) -> Button:
    button = Button(f"{program}: {words.shown(path.name, 60)}", "import")
    button.setToolTip(words.shown(str(path), 300))
    button.setProperty("path", str(path))
    return button


def homes(home: Path) -> Iterator[tuple[str, Path]]:
    """(program, folder) of each place of ``plan.arriving.HOMES`` where mail of another program is."""
    for program, pattern, mark in HOMES:
        for path in sorted(home.glob(pattern))[:10]:
            if path.is_dir() and os.access(path, os.R_OK | os.X_OK) and (not mark or (path / mark).exists()):
                yield program, path
