"""What is attached to the letter that is written: cards below the text, and the pictures that stand in it.

Rules of the file: a file stays where it is and is read when the letter is sent, so that its size costs no memory; of a
link it is the file that it leads to now, and a link that takes its place later is not followed (``engine.reading``);
what is made here (a packed folder, a smaller picture, a pasted one) is made on a thread, in the letter's own folder.
"""

import mimetypes
import os
import secrets
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QFile, QObject, QRunnable, QSize, Qt, QThreadPool, Signal
from PySide6.QtGui import QImage, QImageReader, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget
from shiboken6 import isValid

from mua.gui import words
from mua.gui.journal import Attached
from mua.gui.raster import picture
from mua.gui.theme import READER_MARGIN_X, SECONDARY
from mua.gui.widgets import AttachmentCard, Button, Flow, Label
from mua.language import tr
from mua.mime.text import safe_filename
from mua.paths import write_new

LARGE = 20_000_000  # octets: many servers refuse more
SMALLER_SIDE = 1920  # pixels of the longer side of a picture that was made smaller
WORTH_IT = 1_000_000  # octets: a smaller picture is not made smaller
INSIDE_SIDE = 640  # pixels: how wide a picture stands in the text at first
MAX_FOLDER = 100_000  # files
ROWS, GAP = 2.5, 10  # rows of cards that are seen at once, half of one to show that more follow; pixels between them
_SHRINKS = ("image/jpeg", "image/png", "image/webp", "image/tiff", "image/bmp")


def as_sent(octets: int) -> int:
    """How much a file is on its way: base64 in lines of 76 (RFC 2045 s.6.8)."""
    encoded = (octets + 2) // 3 * 4
    return encoded + (encoded + 75) // 76 * 2


class _Card(AttachmentCard):
    """A card that the keys Ctrl+Left and Ctrl+Right move."""

    moved = Signal(int)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and event.key() in (
            Qt.Key.Key_Left,
            Qt.Key.Key_Right,
        ):
            forward = (event.key() == Qt.Key.Key_Right) != self.isRightToLeft()
            self.moved.emit(1 if forward else -1)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.saved.emit()
        else:
            super().keyPressEvent(event)


class _Shelf(QScrollArea):
    """Cards in as many rows as there are, up to a few; then they scroll, and the text keeps its room."""

    def __init__(self, cards: Flow) -> None:
        super().__init__()
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setAutoFillBackground(False)
        self.setWidgetResizable(True)
        self._cards = cards
        self.setWidget(cards)
        cards.setAutoFillBackground(False)
        cards.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize and watched is self._cards:
            tallest = max((one.height() for one in self._cards.parts()), default=0)
            self.setFixedHeight(min(self._cards.height(), round(ROWS * (tallest + GAP))))
        return super().eventFilter(watched, event)


class _Job(QRunnable):
    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__()
        self._work = work

    def run(self) -> None:
        self._work()


class Files(QWidget):
    """The attachments of one letter.  ``make_folder`` gives a place for what is made; it may raise OSError."""

    changed = Signal()
    told = Signal(str, str, str, object)
    """(sentence, tone, button, what it does): to be said above the text."""
    removed = Signal(str, object)
    """(name, what brings it back)"""
    _made = Signal(object)

    def __init__(self, make_folder: Callable[[], Path]) -> None:
        super().__init__()
        self._make_folder = make_folder
        self.attached: list[Attached] = []
        self.cards = Flow(GAP)
        self.shelf = _Shelf(self.cards)
        self.total = Label("", SECONDARY, "secondary")
        self.smaller = Button(tr("Smaller pictures"), kind="link")
        self.busy = 0
        """Files that are being made: packed, made smaller, recorded."""
        self.known: dict[str, bytes] = {}
        """Pictures that the letter may show beside its own: those of signatures."""
        column = QVBoxLayout(self)
        column.setContentsMargins(READER_MARGIN_X, 10, READER_MARGIN_X, 16)
        column.setSpacing(8)
        column.addWidget(self.shelf)
        below = QHBoxLayout()
        below.addWidget(self.total)
        below.addWidget(self.smaller)
        below.addStretch()
        column.addLayout(below)
        self.smaller.clicked.connect(self.shrink)
        self._made.connect(lambda then: then())

    def show_files(self, attached: Sequence[Attached]) -> None:
        """Hold these instead."""
        self.attached = list(attached)
        self.refresh()

    def refresh(self) -> None:
        """Draw the cards again: of what is attached, not of what stands in the text."""
        cards: list[QWidget] = []
        beside = [one for one in self.attached if not one.content_id]
        for one in beside:
            card = _Card(one.name, one.type, one.size, closable=True)
            card.saved.connect(partial(self.remove, one))
            card.moved.connect(partial(self._move, one))
            card.path = one.path
            cards.append(card)
        self.cards.fill(cards)
        self.setVisible(bool(cards))
        octets = self.octets()
        text = tr("{files}, {size} as sent", files=words.count(len(cards), "file"), size=words.size(octets))
        if octets > LARGE:
            text += tr(". Many servers refuse a message of this size.")
        self.total.setText(text)
        self.smaller.setVisible(self.can_shrink())

    def can_shrink(self) -> bool:
        """Some pictures among the files are larger than they need to be."""
        return any(map(_may_shrink, self.attached))

    def octets(self) -> int:
        """How large the files are on their way."""
        return sum(as_sent(one.size) for one in self.attached)

    # ---- adding
    def attach(self, paths: Sequence[str]) -> None:
        """Add files; what cannot be read is said, a folder can be packed."""
        bad: list[str] = []
        folders: list[Path] = []
        for name in paths:
            path = Path(name)
            if path.is_dir():
                folders.append(path)
                continue
            octets = _readable(path)
            if octets is None:
                bad.append(path.name)
                continue
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            self.attached.append(Attached(path.name, kind, octets, os.path.realpath(path)))
        if bad:
            which = bad[0] if len(bad) == 1 else tr("{number} of the files", number=len(bad))
            self.told.emit(
                tr("{which} cannot be read, so it was not attached.", which=words.shown(which, 100)),
                "warning",
                "",
                None,
            )
        if folders:
            which = (
                tr("{name} is a folder", name=folders[0].name)
                if len(folders) == 1
                else tr("{number} of these are folders", number=len(folders))
            )
            self.told.emit(
                tr("{which}, and mail carries only files.", which=words.shown(which, 100)),
                "info",
                tr("Pack and attach"),
                partial(self._pack_all, folders),
            )
        self.refresh()
        self.changed.emit()

    def _pack_all(self, folders: Sequence[Path]) -> None:
        for one in folders:
            self.pack(one)

    def pack(self, folder: Path) -> None:
        """Attach a folder as one ZIP file, made on a thread, file by file."""
        try:
            target = self.free(f"{folder.name}.zip")
        except OSError as error:
            self._failed(folder.name, error)
            return
        self._later(
            partial(_whole_or_none, target, partial(_zip, folder, target)),
            lambda: self.attach_made(target, f"{folder.name}.zip", "application/zip"),
            partial(self._failed, folder.name),
        )

    def add_picture(self, picture: QImage) -> Attached | None:
        """Keep a pasted picture for the text; None: it could not be kept, and that is said."""
        try:
            path = self.free(f"picture-{time.strftime('%H%M%S')}.png")
        except OSError as error:
            self._failed(tr("The picture"), error)
            return None
        if not picture.save(str(path)):
            self.told.emit(tr("The picture could not be kept; the disk may be full."), "danger", "", None)
            return None
        return self._note_picture(path, "image/png")

    def take_picture(self, path: Path) -> Attached | None:
        """A picture of a file, for the text; None: it is no picture that mail programs show."""
        kind = mimetypes.guess_type(path.name)[0] or ""
        if kind not in ("image/png", "image/jpeg", "image/gif", "image/webp") or not QImageReader(str(path)).canRead():
            return None
        return self._note_picture(path, kind)

    def picture(self, name: str) -> QImage | None:
        """A picture of the text by its Content-ID."""
        found = next((one for one in self.attached if one.content_id == name and one.path), None)
        if found is None:
            image = QImage.fromData(self.known.get(name, b""))
            return None if image.isNull() else image
        file = QFile(found.path)  # it may be a stranger's, in a letter that is taken up again
        shown = picture(file, turned=True) if file.open(QFile.OpenModeFlag.ReadOnly) else None
        return None if shown is None else shown[0]

    def _note_picture(self, path: Path, kind: str) -> Attached:
        made = Attached(
            path.name, kind, path.stat().st_size, os.path.realpath(path), content_id=f"{secrets.token_hex(12)}@mua"
        )
        self.attached.append(made)
        self.changed.emit()
        return made

    def attach_made(self, path: Path, name: str, kind: str) -> None:
        """Attach a file that was made here."""
        self.attached.append(Attached(safe_filename(name), kind, path.stat().st_size, str(path)))
        self.refresh()
        self.changed.emit()

    def free(self, name: str) -> Path:
        """An empty new file in the letter's folder, for what is made: nobody else is given it.  Raises OSError."""
        return write_new(self._make_folder(), safe_filename(name), b"")

    # ---- changing
    def remove(self, one: Attached) -> None:
        """Take a file away; it can be brought back."""
        place = self.attached.index(one)
        del self.attached[place]
        self.refresh()
        self.changed.emit()

        def back() -> None:
            self.attached.insert(place, one)
            self.refresh()
            self.changed.emit()

        self.removed.emit(one.name, back)

    def _move(self, one: Attached, by: int) -> None:
        place = self.attached.index(one)
        to = place + by
        if 0 <= to < len(self.attached):
            self.attached.insert(to, self.attached.pop(place))
            self.refresh()
            cards = self.cards.parts()
            beside = [other for other in self.attached if not other.content_id]
            cards[beside.index(one)].setFocus()
            self.shelf.ensureWidgetVisible(cards[beside.index(one)])
            self.changed.emit()

    def shrink(self) -> None:
        """Make the large pictures among the files smaller; the files themselves stay as they are."""
        before = list(self.attached)
        for one in [one for one in self.attached if _may_shrink(one)]:
            try:
                target = self.free(Path(one.name).stem + ".jpg")
            except OSError as error:
                self._failed(one.name, error)
                return
            self._later(
                partial(_whole_or_none, target, partial(_shrunk, Path(one.path), target)),
                partial(self._replace, one, target, before),
                partial(self._failed, one.name),
            )

    def _replace(self, one: Attached, target: Path, before: list[Attached]) -> None:
        octets = target.stat().st_size if target.exists() else one.size
        if one not in self.attached or octets >= one.size:
            return
        made = replace(one, name=Path(one.name).stem + ".jpg", type="image/jpeg", size=octets, path=str(target))
        self.attached[self.attached.index(one)] = made
        self.refresh()
        self.changed.emit()
        saved = words.size(sum(file.size for file in before) - sum(file.size for file in self.attached))

        def back() -> None:
            self.show_files(before)
            self.changed.emit()

        self.told.emit(tr("The pictures are smaller by {saved} now.", saved=saved), "info", tr("As they were"), back)

    # ---- threads
    def _later(self, work: Callable[[], None], then: Callable[[], None], failed: Callable[[OSError], None]) -> None:
        self.busy += 1

        def done(error: OSError | None) -> None:
            self.busy -= 1
            failed(error) if error is not None else then()

        def run() -> None:
            error: OSError | None = None
            try:
                work()
            except OSError as raised:
                error = raised
            if isValid(self):
                self._made.emit(partial(done, error))

        QThreadPool.globalInstance().start(_Job(run))

    def _failed(self, name: str, error: OSError) -> None:
        why = error.strerror or str(error) or tr("it cannot be read")
        self.told.emit(
            tr("{name} could not be made ready: {why}.", name=words.shown(name, 100), why=why), "danger", "", None
        )


def _may_shrink(one: Attached) -> bool:
    return bool(one.path) and one.size > WORTH_IT and one.type in _SHRINKS and not one.content_id


def _readable(path: Path) -> int | None:
    """How many octets a file has, where it is one and can be read: a pipe would keep the window waiting for ever."""
    try:
        if not path.is_file():
            return None
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            return os.fstat(file.fileno()).st_size
    except OSError:
        return None


def _whole_or_none(target: Path, work: Callable[[], None]) -> None:
    """Make a file; what is left of one that could not be made whole goes.  Raises OSError."""
    try:
        work()
    except (ValueError, RuntimeError) as error:  # what zipfile has against a file
        target.unlink(missing_ok=True)
        raise OSError(0, str(error)) from error
    except OSError:
        target.unlink(missing_ok=True)
        raise


def _shrunk(path: Path, target: Path) -> None:
    """A picture with its longer side at most ``SMALLER_SIDE``, as JPEG.  Raises OSError."""
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    size = reader.size()
    longer = max(size.width(), size.height())
    if longer > SMALLER_SIDE:
        reader.setScaledSize(size.scaled(QSize(SMALLER_SIDE, SMALLER_SIDE), Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    if image.isNull():
        raise OSError(0, "it is no picture that can be read")
    if not image.save(str(target), quality=85):
        raise OSError(0, "the disk may be full")


def _zip(folder: Path, target: Path) -> None:
    """Every file of a folder; links are not followed out of it.  Raises OSError."""
    count = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as packed:
        for root, folders, names in os.walk(folder, followlinks=False):
            folders.sort()
            for name in sorted(names):
                path = Path(root) / name
                if not path.is_file() or path.is_symlink():
                    continue
                count += 1
                if count > MAX_FOLDER:
                    raise OSError(0, f"it holds more than {MAX_FOLDER:,} files")
                inside = os.fsencode(Path(folder.name) / path.relative_to(folder)).decode("utf-8", "replace")
                packed.write(path, inside)
