"""A folder or a whole account into files: asked for in a file dialog, told in the note below, with a way to stop.

Rules of the file: one such work at a time; what came of it is said with its numbers.
"""

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.language import tr
from mua.model.account import Account
from mua.model.folder import Folder

if TYPE_CHECKING:
    from mua.gui.desk import Desk

FORMS = {
    tr("mbox (*.mbox)"): ("mbox", False),
    tr("mbox, with flags and tags (*.mbox)"): ("mbox", True),
    tr("Maildir, with flags and tags (*)"): ("maildir", False),
    tr(".eml files, in a folder (*)"): ("eml", False),
}
_LONG = 600_000  # milliseconds: until something else is said


class Exporting(QObject):
    """The work of one window."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._token = ""
        self._doing = ""

    def ask(self, account: Account, folder: Folder | None) -> None:
        """Where to, and as what; then do it."""
        start = folder.leaf if folder is not None else account.name
        name = "".join(one if one.isalnum() or one in " .-_@" else "_" for one in start)
        file, chosen = QFileDialog.getSaveFileName(
            self._desk.window, tr("Export {start}", start=start), name, ";;".join(FORMS)
        )
        if file:
            form, flags = FORMS.get(chosen, ("mbox", False))
            self.export(account, folder, file, form, flags=flags)

    def export(self, account: Account, folder: Folder | None, path: str, form: str, *, flags: bool = False) -> None:
        """Write a folder, or all of an account."""

        def told(answer: wire.Answer) -> None:
            assert isinstance(answer, wire.Exported)
            missing = answer.found - answer.exported + sum(one.count for one in answer.left)
            more = (
                tr(" {missing:,} could not be written.", missing=missing)
                if missing
                else tr(" Each was read back and compared.")
            )
            self._done(tr("{messages} exported.", messages=words.count(answer.exported, "message")) + more)

        if self._token:
            self._desk.window.toast.say(
                tr("Another export is not done yet; wait for it, or stop it."), tr("Stop"), self._stop
            )
            return
        token = self._begin(tr("Exporting"))
        folder_id = folder.id if folder is not None else None
        self._send(wire.Export(path, account.id, folder_id, form, token, flags), told)

    def _begin(self, doing: str) -> str:
        self._token, self._doing = secrets.token_hex(8), doing
        if self._desk.client is not None:
            self._desk.client.told.connect(self._hear)
        self._desk.window.toast.say(f"{doing}…", tr("Stop"), self._stop, _LONG)
        return self._token

    def _send(self, command: wire.Command, then: Callable[[wire.Answer], None]) -> None:
        if self._desk.client is not None:
            self._desk.client.ask(command, then, self._failed)

    def _stop(self) -> None:
        self._send(wire.Stop(self._token), lambda _: None)

    def _hear(self, event: wire.Event) -> None:
        if isinstance(event, wire.Importing) and event.token == self._token and event.done < event.total:
            text = f"{self._doing}: {event.done * 100 // max(event.total, 1)} %, {words.shown(event.folder, 60)}"
            self._desk.window.toast.say(text, tr("Stop"), self._stop, _LONG)

    def _failed(self, error: MailError) -> None:
        self._done(error.text)

    def _done(self, text: str) -> None:
        self._token = ""
        if self._desk.client is not None:
            self._desk.client.told.disconnect(self._hear)
        self._desk.window.toast.say(text, milliseconds=15_000)
