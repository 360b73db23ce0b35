"""Looking at, opening, saving and dragging out attachments.

Rules of the file: decoding and writing happen on a worker thread; a saved name is the sanitised one and never
overwrites unasked; what is saved carries the system's mark of a file from outside; what is opened is a copy in a
private temporary folder, and what could run as a program, by its name or by its content, is saved, never opened.
"""

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, QRunnable, QStandardPaths, QThreadPool, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget
from shiboken6 import isValid

from mua.errors import MailError
from mua.gui import words
from mua.gui.decoder import DRAWN, Decoder
from mua.gui.library import Library
from mua.gui.notices import Toast
from mua.gui.preview import Preview, Seen, Source, listed_of, see
from mua.gui.quarantine import mark
from mua.gui.widgets import AttachmentCard
from mua.gui.words import shown
from mua.language import fill, tr
from mua.mime.sniff import is_risky, media_type, mismatch, runs
from mua.mime.text import safe_filename
from mua.model.message import Attachment, MessageId
from mua.paths import write_new
from mua.store import read

if TYPE_CHECKING:
    from mua.gui.message_pane import MessagePane
    from mua.gui.reader import Reader

_NOT_HERE = tr("The message is not on this computer yet.")
_THUMBS, _THUMB_OCTETS = 12, 8_000_000  # of a message, of a file
_THUMB_WAIT = 300  # milliseconds: who only passes by has no pictures drawn
_DRAG_OCTETS = 200_000_000


T = TypeVar("T")


class _Job(QRunnable):
    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__()
        self._work = work

    def run(self) -> None:
        self._work()


class Attachments(QObject):
    """What is done with attachments.  A ``Source`` gives their bytes: ``of`` that of a stored message."""

    _done = Signal(object, object)

    def __init__(self, window: QWidget, library: Library, toast: Toast, reader: "Reader") -> None:
        super().__init__(window)
        self._window, self._library, self._toast, self._reader = window, library, toast, reader
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self.decoder = Decoder(self)
        self.preview: Preview | None = None
        self._trail: list[tuple[Source, list[Attachment], int]] = []
        """What is looked at, below the mails that it is attached to."""
        self._done.connect(lambda then, what: then(what))
        self._panes: list[MessagePane] = []
        self._thumbs = QTimer(self)
        self._thumbs.setSingleShot(True)
        self._thumbs.setInterval(_THUMB_WAIT)
        self._thumbs.timeout.connect(self._draw_thumbs)

    def of(self, message_id: MessageId) -> Source:
        """The attachments of a stored message."""

        def source(attachment: Attachment) -> bytes | None:
            found = self._library.part(message_id, attachment.part)
            return None if found is None else found[1]

        return source

    # ---- looking
    def look(self, source: Source, attachments: Sequence[Attachment], chosen: Attachment) -> None:
        """Look at an attachment in the reader's place; what cannot be looked at is opened by the desktop's program."""
        listed = listed_of(attachments, chosen)
        self._trail = [(source, listed, listed.index(chosen))]
        self._show()

    def _show(self) -> None:
        source, listed, place = self._trail[-1]
        page = self._page()
        page.wait(listed[place])
        self._reader.show_page(page)
        page.setFocus()
        here = self._trail[-1]

        def told(seen: Seen | None) -> None:
            if self._trail and self._trail[-1] is here and page.isVisible():
                if seen is None:
                    self._toast.say(_NOT_HERE)
                    self.leave()
                else:
                    page.show_file(seen, place, len(listed))

        def work() -> Seen | None:
            data = source(listed[place])
            return None if data is None else see(listed[place], data)

        self.later(work, told)

    def leave(self) -> None:
        """Back: to the mail that it is attached to, or to the message."""
        if self._trail:
            self._trail.pop()
        if self._trail:
            self._show()
        elif self.preview is not None:
            self.preview.close_down()
            self._reader.leave_page()

    def _page(self) -> Preview:
        if self.preview is None:
            self.preview = page = Preview(self.decoder)
            page.left.connect(self.leave)
            page.stepped.connect(self._step)
            page.open_wanted.connect(self._open_shown)
            page.save_wanted.connect(self._save_shown)
            page.nested.connect(self._nest)
            page.nested_save.connect(self.save)
            page.link_clicked.connect(self._reader.link_clicked)
            self._reader.page_left.connect(self._forget)
        return self.preview

    def _forget(self) -> None:
        self._trail = []
        if self.preview is not None:
            self.preview.close_down()

    def _step(self, by: int) -> None:
        if self._trail:
            source, listed, place = self._trail[-1]
            if len(listed) > 1:
                self._trail[-1] = (source, listed, (place + by) % len(listed))
                self._show()

    def _nest(self, source: Source, attachments: Sequence[Attachment], chosen: Attachment) -> None:
        listed = listed_of(attachments, chosen)
        self._trail.append((source, listed, listed.index(chosen)))
        self._show()

    def _open_shown(self) -> None:
        if self._trail:
            source, listed, place = self._trail[-1]
            self.open(source, listed[place])

    def _save_shown(self) -> None:
        if self._trail:
            source, listed, place = self._trail[-1]
            self.save(source, [listed[place]])

    # ---- pictures on cards
    def draw_cards(self, pane: "MessagePane") -> None:
        """Put small pictures on the cards of a message, in a moment."""
        self._panes = [*[one for one in self._panes if isValid(one) and one is not pane][-8:], pane]
        for card in pane.cards():
            if card.property("served") is None:
                card.setProperty("served", True)
                card.grabbed.connect(partial(self._grab, pane, card))
        self._thumbs.start()

    def _draw_thumbs(self) -> None:
        panes, self._panes = [one for one in self._panes if isValid(one)], []
        for pane in panes:
            row = pane.row
            if row is None or not pane.isVisible():
                continue
            cards = [card for card in pane.cards() if card.attachment is not None and _may_draw(card.attachment)]
            for card in cards[:_THUMBS]:
                assert card.attachment is not None
                self.later(
                    partial(self.of(row.id), card.attachment),
                    partial(self._thumb, card, f"{row.id}.{card.attachment.part}"),
                )

    def _thumb(self, card: AttachmentCard, key: str, data: bytes | None) -> None:
        if data is None or not isValid(card) or media_type(data[:2048]) not in DRAWN:
            return
        side = round(96 * card.devicePixelRatioF())
        self.decoder.draw(key, data, side, side, lambda one: card.show_picture(one.picture) if isValid(card) else None)

    def _grab(self, pane: "MessagePane", card: AttachmentCard) -> None:
        """A card is being dragged: a copy of its file is made, which the drag takes along."""
        if pane.row is None or card.attachment is None or card.attachment.size > _DRAG_OCTETS:
            return
        attachment, source = card.attachment, self.of(pane.row.id)

        def told(path: Path | None) -> None:
            if path is not None and isValid(card):
                card.drag(str(path))

        self.later(lambda: self._one(source, attachment, self._private()), told)

    def letters(self, ids: Sequence[MessageId]) -> list[str]:
        """Messages as .eml files of this session, octets as received; those that are not here are left out."""
        found: list[str] = []
        for one in ids:
            raw, row = self._library.raw(one), read.row(self._library.db, one) if self._library.db else None
            if raw is not None and row is not None:
                path = write_new(self._private(), safe_filename((row.subject or "message")[:80] + ".eml"), raw)
                mark(path)
                found.append(str(path))
        if len(found) < len(ids):
            self._toast.say(_NOT_HERE)
        return found

    # ---- opening and saving
    def open(self, source: Source, attachment: Attachment) -> None:
        """Open a copy with the desktop's program; what could run is offered to be saved instead."""
        if is_risky(attachment.name):
            self._refuse(source, attachment, tr("{name} could run as a program", name=attachment.name))
            return

        def told(data: bytes | None) -> None:
            if data is None:
                self._toast.say(_NOT_HERE)
            elif running := runs(data):
                other = mismatch(attachment.name, data)
                said = tr("{name} is really {running}") if other else tr("{name} is {running}")
                self._refuse(source, attachment, fill(said, name=attachment.name, running=running))
            elif other := mismatch(attachment.name, data):
                self._toast.say(
                    tr("{name} is not what its name says: it is {other}.", name=attachment.name, other=other),
                    tr("Open anyway"),
                    lambda: self._write(source, [attachment], self._private(), then_open=True),
                )
            else:
                self._write(source, [attachment], self._private(), then_open=True)

        self.later(partial(source, attachment), told)

    def save(self, source: Source, attachments: Sequence[Attachment]) -> None:
        """Ask where, then save: one under a name, several in a folder."""
        downloads = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
        if len(attachments) == 1:
            suggested = str(Path(downloads) / attachments[0].name)
            name, _ = QFileDialog.getSaveFileName(self._window, tr("Save attachment"), suggested)
            if name:
                self._write_over(source, attachments[0], Path(name))
            return
        folder = QFileDialog.getExistingDirectory(self._window, tr("Save attachments in"), downloads)
        if folder:
            self.save_in(source, attachments, Path(folder))

    def save_in(self, source: Source, attachments: Sequence[Attachment], folder: Path) -> None:
        """Save without asking; a name that is taken gets a number."""
        self._write(source, attachments, folder, then_open=False)

    def write(self, path: Path, make: Callable[[], bytes], *, marked: bool) -> None:
        """Write what ``make`` gives under a name that the person chose; ``marked``: it came from outside."""

        def work() -> list[Path]:
            data = make()
            made = write_new(path.parent, path.name, data)
            if made != path:
                made.replace(path)
            if marked:
                mark(path)
            return [path]

        self.later(work, lambda paths: self._finish(paths, then_open=False) if paths else None)

    def close(self) -> None:
        """Remove the copies that were opened."""
        self.decoder.close()
        if self.preview is not None:
            self.preview.close_down()
        if self._temporary is not None:
            self._temporary.cleanup()

    # ---- inside
    def _refuse(self, source: Source, attachment: Attachment, why: str) -> None:
        self._toast.say(
            tr("{why}, so it is not opened from here.", why=shown(why, 200)),
            tr("Save it"),
            lambda: self.save(source, [attachment]),
        )

    def _private(self) -> Path:
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="mua-", ignore_cleanup_errors=True)
        return Path(self._temporary.name)

    def _write(self, source: Source, attachments: Sequence[Attachment], folder: Path, then_open: bool) -> None:
        def work() -> list[Path]:
            return [self._one(source, attachment, folder) for attachment in attachments]

        self.later(work, lambda paths: self._finish(paths, then_open) if paths else None)

    def _write_over(self, source: Source, attachment: Attachment, path: Path) -> None:
        """Write under the name that the person chose, and was asked about if it was taken."""

        def make() -> bytes:
            data = source(attachment)
            if data is None:
                raise FileNotFoundError(2, "the message is not on this computer yet")
            return data

        self.write(path, make, marked=True)

    def _one(self, source: Source, attachment: Attachment, folder: Path) -> Path:
        data = source(attachment)
        if data is None:
            raise FileNotFoundError(2, "the message is not on this computer yet")
        path = write_new(folder, attachment.name, data)
        mark(path)
        return path

    def later(self, work: Callable[[], T], then: Callable[[T | None], object]) -> None:
        """Do it on a worker's thread and tell the window; what fails is said, and ``then`` gets None."""

        def run() -> None:
            found = None
            try:
                found = work()
            except MailError as error:
                self._done.emit(self._toast.say, error.text)
            except OSError as error:
                self._done.emit(
                    self._toast.say, tr("The file could not be written: {strerror}.", strerror=error.strerror)
                )
            if isValid(self):
                self._done.emit(then, found)

        QThreadPool.globalInstance().start(_Job(run))

    def _finish(self, paths: list[Path], then_open: bool) -> None:
        if then_open:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(paths[0])))
            return
        what = paths[0].name if len(paths) == 1 else words.count(len(paths), "attachment")
        folder = paths[0].parent
        self._toast.say(
            tr("Saved {what} in {name}", what=what, name=folder.name),
            tr("Open folder"),
            lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))),
        )


def _may_draw(attachment: Attachment) -> bool:
    return attachment.size <= _THUMB_OCTETS and (
        attachment.type.startswith("image/")
        or attachment.type == "application/pdf"
        or attachment.name.lower().endswith((".png", ".jpg", ".jpeg", ".gif", ".webp", ".pdf"))
    )
