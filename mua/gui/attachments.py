"""Opening and saving attachments.

Rules of the file: decoding and writing happen on a worker thread; a saved name is the sanitised one and never
overwrites; what is opened is a copy in a private temporary folder, and what could run as a program is saved, never
opened.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QStandardPaths, QThreadPool, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from mua.errors import MailError
from mua.gui.library import Library
from mua.gui.notices import Toast
from mua.model.message import Attachment, MessageId
from mua.paths import write_new

_PROGRAMS = (
    "app apk appimage appinstaller application appref-ms appx bat cmd com command cpl deb dll dmg exe flatpak"
    " flatpakref gadget img inf iso jar jnlp lnk mpkg msi msix msp osx out pif pkg rdp reg rpm run scr snap sys"
    " vhd vhdx xpi"
)
_SCRIPTS = (
    "action applescript ash bash bin chm class csh desktop directory diagcab fish hlp hta htm html js jse jsp"
    " kdelnk ksh library-ms lua mht mhtml mjs msc msh mst osascript php pl plx ps1 ps1xml psd1 psm1 py pyc pyo pyw"
    " pyz pyzw rb scf scpt scptd sct search-ms service settingcontent-ms sh shb shs shtml svg svgz tcl terminal"
    " theme tool url vb vba vbe vbs webloc website workflow ws wsc wsf wsh xbap xht xhtml xll xsl zsh"
)
_MACROS = "dotm docm iqy ppam potm ppsm pptm slk sldm xla xlam xlsb xlsm xltm"
RISKY = frozenset("." + suffix for suffix in f"{_PROGRAMS} {_SCRIPTS} {_MACROS}".split())


def is_risky(name: str) -> bool:
    """Could opening a file of this name run something?  Trailing dots and blanks do not hide it: Windows drops them."""
    return Path(name.rstrip(". ")).suffix.lower() in RISKY


class _Job(QRunnable):
    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__()
        self._work = work

    def run(self) -> None:
        self._work()


class Attachments(QObject):
    """What a click on an attachment does."""

    _written = Signal(object, bool)
    _failed = Signal(str)

    def __init__(self, window: QWidget, library: Library, toast: Toast) -> None:
        super().__init__(window)
        self._window, self._library, self._toast = window, library, toast
        self._written.connect(self._finish)
        self._failed.connect(toast.say)
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    def open(self, message_id: MessageId, attachment: Attachment) -> None:
        """Open a copy with the desktop's program; a program is offered to be saved instead."""
        if is_risky(attachment.name):
            self._toast.say(
                f"{attachment.name} could run as a program, so it is not opened from here.",
                "Save it",
                lambda: self.save(message_id, [attachment]),
            )
            return
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="mua-", ignore_cleanup_errors=True)
        self._write(message_id, [attachment], Path(self._temporary.name), then_open=True)

    def save(self, message_id: MessageId, attachments: Sequence[Attachment]) -> None:
        """Ask where, then save."""
        downloads = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
        folder = QFileDialog.getExistingDirectory(self._window, "Save attachments in", downloads)
        if folder:
            self._write(message_id, attachments, Path(folder), then_open=False)

    def save_in(self, message_id: MessageId, attachments: Sequence[Attachment], folder: Path) -> None:
        """Save without asking."""
        self._write(message_id, attachments, folder, then_open=False)

    def close(self) -> None:
        """Remove the copies that were opened."""
        if self._temporary is not None:
            self._temporary.cleanup()

    def _write(self, message_id: MessageId, attachments: Sequence[Attachment], folder: Path, then_open: bool) -> None:
        def work() -> None:
            try:
                paths = [self._one(message_id, attachment, folder) for attachment in attachments]
                self._written.emit(paths, then_open)
            except MailError as error:
                self._failed.emit(error.text)
            except OSError as error:
                self._failed.emit(f"The file could not be written: {error.strerror}.")

        QThreadPool.globalInstance().start(_Job(work))

    def _one(self, message_id: MessageId, attachment: Attachment, folder: Path) -> Path:
        found = self._library.part(message_id, attachment.part)
        if found is None:
            raise FileNotFoundError(2, "the message is not on this computer yet")
        return write_new(folder, found[0].name, found[1])

    def _finish(self, paths: list[Path], then_open: bool) -> None:
        if then_open:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(paths[0])))
            return
        what = paths[0].name if len(paths) == 1 else f"{len(paths)} attachments"
        folder = paths[0].parent
        self._toast.say(
            f"Saved {what} in {folder.name}",
            "Open folder",
            lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))),
        )
