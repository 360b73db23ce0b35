"""Pictures and PDF pages of strangers, decoded in a process of their own: it may hang, crash or want memory.

Theory of operation.  ``Decoder`` (in the window) starts ``main`` when something is first to be drawn, sends it a
document once and then asks for pages of it; the child answers with a PNG.  It has ``MEMORY`` octets, no more than
``PIXELS`` of any picture, and for each answer ``SECONDS`` of the processor, in whatever time a busy machine gives them,
up to ``PATIENCE``; else it is ended and the job failed.  It ends when nothing
was asked for a while.  SVG is never drawn: it can hold scripts and name other files.

Each message is one line of JSON; ``octets`` of it follow.
"""

import json
import signal
import sys
from collections import deque
from collections.abc import Callable
from typing import BinaryIO

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QProcess, QProcessEnvironment, QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage, QImageReader, QPainter, QPixmap

from mua.language import tr
from mua.mime.sniff import media_type
from mua.paths import child_command, child_environment
from mua.records import dataclass

PIXELS = 100_000_000  # of a picture that is decoded at all
LARGEST = 4_000  # pixels of a side of what is drawn
OCTETS = 64 << 20  # of a document
MEMORY = 2 << 30
SECONDS = 15.0  # of the processor
PATIENCE = 120_000  # milliseconds
_IDLE = 30_000  # milliseconds
_PAGES = 2_000
_IMAGES = {f"image/{one}": one for one in ("png", "jpeg", "gif", "bmp", "webp", "tiff")}
DRAWN = frozenset((*_IMAGES, "application/pdf"))
"""Media types (by content) that can be drawn."""

TOO_LARGE = tr("This picture is too large to be shown here; save it to see it.")
UNFIT = tr("This file is damaged, or of a kind that cannot be shown here; save it to open it with another program.")
LOCKED = tr("This PDF needs a password; save it to open it with another program.")


@dataclass(frozen=True, slots=True)
class Drawing:
    """What came of a job: a picture, and the sizes of all pages (points of 1/72 inch, or pixels); or why not."""

    picture: QPixmap
    sizes: tuple[tuple[float, float], ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Job:
    key: str
    data: bytes
    page: int
    width: int
    height: int
    then: Callable[[Drawing], None]


class Decoder(QObject):
    """Draws what it is given, one after the other."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._jobs: deque[_Job] = deque()
        self._loaded = ""
        self._got = bytearray()
        self._patience = self._timer(PATIENCE, self._lose)
        self._idle = self._timer(_IDLE, self.close)

    def draw(
        self, key: str, data: bytes, width: int, height: int, then: Callable[[Drawing], None], page: int = 0
    ) -> None:
        """Draw a page of a document (``key`` names it) to fit into so many pixels; ``then`` is told, later."""
        if len(data) > OCTETS or media_type(data[:2048]) not in DRAWN:
            problem = TOO_LARGE if len(data) > OCTETS else UNFIT
            QTimer.singleShot(0, self, lambda: then(Drawing(QPixmap(), problem=problem)))
            return
        self._jobs.append(_Job(key, data, page, min(width, LARGEST), min(height, LARGEST), then))
        if len(self._jobs) == 1:
            self._next()

    def forget(self) -> None:
        """Nobody waits any more for what was not begun."""
        while len(self._jobs) > 1:
            self._jobs.pop()

    def close(self) -> None:
        """End the child."""
        process, self._process = self._process, None
        self._patience.stop()
        self._idle.stop()
        self._loaded = ""
        self._got.clear()
        if process is not None:
            process.blockSignals(True)
            process.kill()
            process.waitForFinished(2_000)
            process.deleteLater()

    def is_running(self) -> bool:
        """Whether there is a child."""
        return self._process is not None

    # ---- inside
    def _timer(self, milliseconds: int, act: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(act)
        return timer

    def _start(self) -> QProcess:
        process = QProcess(self)
        environment = QProcessEnvironment()
        for name, value in {**child_environment(), "QT_QPA_PLATFORM": "offscreen", "PYTHONUTF8": "1"}.items():
            environment.insert(name, value)
        process.setProcessEnvironment(environment)
        process.setStandardErrorFile(QProcess.nullDevice())
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._lose)
        program, *words = child_command("decoder")
        process.start(program, words)
        return process

    def _next(self) -> None:
        self._idle.stop()
        if not self._jobs:
            self._idle.start()
            return
        job = self._jobs[0]
        if self._process is None:
            self._process = self._start()
        fresh = job.key != self._loaded
        self._loaded = job.key
        ask = {"page": job.page, "width": job.width, "height": job.height, "octets": len(job.data) if fresh else 0}
        self._process.write(QByteArray(json.dumps(ask).encode() + b"\n" + (job.data if fresh else b"")))
        self._patience.start()

    def _read(self) -> None:
        if self._process is None:
            return
        self._got += self._process.readAllStandardOutput().data()
        line, end, rest = bytes(self._got).partition(b"\n")
        if not end or not self._jobs:
            return
        told = json.loads(line)
        if len(rest) < told["octets"]:
            return
        self._patience.stop()
        self._got.clear()
        picture = QPixmap()
        picture.loadFromData(rest, "PNG")
        sizes = tuple((float(width), float(height)) for width, height in told["sizes"])
        self._tell(Drawing(picture, sizes, told["problem"]))

    def _lose(self) -> None:
        """The child hangs, or has ended: whoever asked last is told so, and the next gets another child."""
        self.close()
        if self._jobs:
            self._tell(Drawing(QPixmap(), problem=UNFIT))

    def _tell(self, drawing: Drawing) -> None:
        job = self._jobs.popleft()
        try:
            job.then(drawing)
        finally:  # whatever becomes of it there, the others wait
            self._next()


# ---- the child
def main() -> int:
    """The child's life: documents and pages asked for on stdin, PNGs on stdout."""
    try:
        import resource  # not on Windows, which has no such limits either

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))  # pdfium reserves more addresses than it uses
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except ImportError:
        pass
    QImageReader.setAllocationLimit(PIXELS * 4 >> 20)
    application = QGuiApplication([])
    serve(sys.stdin.buffer, sys.stdout.buffer)
    application.quit()
    return 0


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until the window has gone."""
    data, pdf = b"", _Pdf()
    while line := source.readline():
        ask = json.loads(line)
        if ask["octets"]:
            data = source.read(ask["octets"])
            pdf = _Pdf()
        _allow(SECONDS)
        try:
            image, sizes, problem = _drawn(data, pdf, ask["page"], ask["width"], ask["height"])
        except MemoryError:
            image, sizes, problem = QImage(), [], TOO_LARGE
        png = _png(image)
        _allow(0)
        told = {"octets": len(png), "sizes": sizes, "problem": problem}
        sink.write(json.dumps(told).encode() + b"\n" + png)
        sink.flush()


def _allow(seconds: float) -> None:
    """End this process when it has worked so long from now on; 0: as long as it wants."""
    if hasattr(signal, "setitimer"):  # not on Windows, where only ``PATIENCE`` ends it
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _drawn(data: bytes, pdf: "_Pdf", page: int, width: int, height: int) -> tuple[QImage, list[list[float]], str]:
    kind = media_type(data[:2048])
    if kind == "application/pdf":
        return pdf.draw(data, page, width, height)
    return _image(data, _IMAGES.get(kind, ""), width, height)


def _image(data: bytes, kind: str, width: int, height: int) -> tuple[QImage, list[list[float]], str]:
    """The first picture of a file, decoded no larger than it is wanted."""
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(kind.encode()))
    reader.setAutoTransform(True)
    size = reader.size()
    if not kind or not size.isValid() or size.isEmpty():
        return QImage(), [], UNFIT
    sizes = [[float(size.width()), float(size.height())]]
    if size.width() * size.height() > PIXELS:
        return QImage(), sizes, TOO_LARGE
    wanted = size.scaled(QSize(width, height), Qt.AspectRatioMode.KeepAspectRatio)
    if wanted.width() < size.width():
        reader.setScaledSize(wanted.expandedTo(QSize(1, 1)))
    image = reader.read()
    return image, sizes, UNFIT if image.isNull() else ""


class _Pdf:
    """A document, opened when its first page is asked for."""

    def __init__(self) -> None:
        self._document: object | None = None

    def draw(self, data: bytes, page: int, width: int, height: int) -> tuple[QImage, list[list[float]], str]:
        try:
            from PySide6.QtPdf import QPdfDocument
        except ImportError:
            return QImage(), [], UNFIT
        if not isinstance(self._document, QPdfDocument):
            self._document, self._buffer = QPdfDocument(), QBuffer()
            self._buffer.setData(QByteArray(data))
            self._buffer.open(QIODevice.OpenModeFlag.ReadOnly)
            self._document.load(self._buffer)
        document = self._document
        if document.error() is QPdfDocument.Error.IncorrectPassword:
            return QImage(), [], LOCKED
        count = min(document.pageCount(), _PAGES)
        if document.error() is not QPdfDocument.Error.None_ or not 0 <= page < count:
            return QImage(), [], UNFIT
        points = [document.pagePointSize(one) for one in range(count)]
        sizes = [[one.width(), one.height()] for one in points]
        wanted = points[page].toSize().scaled(QSize(width, height), Qt.AspectRatioMode.KeepAspectRatio)
        image = document.render(page, wanted.expandedTo(QSize(1, 1)))
        paper = QImage(image.size(), QImage.Format.Format_RGB32)
        paper.fill(0xFFFFFFFF)
        painter = QPainter(paper)
        painter.drawImage(0, 0, image)
        painter.end()
        return paper, sizes, UNFIT if image.isNull() else ""


def _png(image: QImage) -> bytes:
    if image.isNull():
        return b""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG", 90)  # type: ignore[call-overload]
    return bytes(data.data())
