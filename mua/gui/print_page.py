"""What will be printed, in the reader's place: the pages, a button that prints them and one that saves them as PDF."""

from collections.abc import Callable
from itertools import count

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtPrintSupport import QPrintDialog, QPrinter
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout
from shiboken6 import isValid

from mua.gui.decoder import Decoder, Drawing
from mua.gui.sheets_view import Sheets
from mua.gui.theme import META, TITLE
from mua.gui.widgets import Button, Label, ToolButton
from mua.gui.words import count as counted
from mua.language import tr

_NUMBERS = count(1)
_DOTS = 300  # an inch, of what is sent to a printer


class PrintPage(QFrame):
    """The page.  ``decoder`` draws."""

    left = Signal()
    save_wanted = Signal()
    failed = Signal(str)

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.setObjectName("reader")
        self.setAccessibleName(tr("Print preview"))
        self._decoder = decoder
        self.pdf = b""
        self.is_over = False
        """There are no pages, and there will be none."""
        self._key = f"print{next(_NUMBERS)}"
        self._sizes: tuple[tuple[float, float], ...] = ()
        self.sheets = Sheets()
        self.sheets.wanted.connect(self._wanted)
        self.facts = Label(tr("Preparing the pages…"), META, "tertiary")
        back = ToolButton("arrow-left", tr("Back to the message"), key="Escape")
        back.clicked.connect(self.left)
        self.save = Button(tr("Save as PDF"), "download")
        self.save.clicked.connect(self.save_wanted)
        self.print_ = Button(tr("Print"), "printer", kind="primary")
        self.print_.clicked.connect(self.print)
        titles = QVBoxLayout()
        titles.setSpacing(0)
        titles.addWidget(Label(tr("Print preview"), TITLE, bold=True))
        titles.addWidget(self.facts)
        top = QHBoxLayout()
        top.setContentsMargins(16, 12, 20, 8)
        top.setSpacing(8)
        top.addWidget(back)
        top.addLayout(titles, 1)
        top.addWidget(self.save)
        top.addWidget(self.print_)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self.sheets, 1)
        self._enable(False)

    def show_pdf(self, pdf: bytes) -> None:
        """Show the pages of a PDF of ours."""
        self.pdf = pdf
        if not pdf:
            self.is_over = True
            self.facts.setText(tr("The pages could not be made."))
            return
        self._draw(0, self.sheets.width(), self.sheets.width(), self._first)

    def print(self) -> None:
        """Ask for a printer, and print."""
        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        printer.setResolution(_DOTS)
        printer.setFullPage(True)
        printer.setDocName(tr("Mail"))
        if self._sizes and QPrintDialog(printer, self).exec():
            self.print_on(printer, self.left.emit)

    def print_on(self, printer: QPrinter, then: Callable[[], object]) -> None:
        """Draw each page, one after the other, and tell ``then``."""
        painter = QPainter(printer)
        self._sheet(printer, painter, 0, then)

    # ---- inside
    def _enable(self, ready: bool) -> None:
        self.save.setEnabled(ready)
        self.print_.setEnabled(ready)

    def _first(self, drawing: Drawing) -> None:
        if drawing.problem:
            self.is_over = True
            self.facts.setText(drawing.problem)
            return
        self._sizes = drawing.sizes
        self.facts.setText(counted(len(drawing.sizes), "page"))
        self.sheets.show_sizes(drawing.sizes, paper=True)
        self.sheets.put(0, drawing.picture)
        self._enable(True)
        self.print_.setFocus()

    def _wanted(self, page: int, width: int, height: int) -> None:
        self._draw(page, width, height, lambda one: self.sheets.put(page, one.picture))

    def _draw(self, page: int, width: int, height: int, then: Callable[[Drawing], None]) -> None:
        """Draw a page; nobody is told when the person has left by then."""
        self._decoder.draw(
            self._key, self.pdf, width, height, lambda drawing: then(drawing) if isValid(self) else None, page
        )

    def _sheet(self, printer: QPrinter, painter: QPainter, page: int, then: Callable[[], object]) -> None:
        whole = printer.paperRect(QPrinter.Unit.DevicePixel).toRect()

        def drawn(drawing: Drawing) -> None:
            if page:
                printer.newPage()
            size = drawing.picture.size().scaled(whole.size(), Qt.AspectRatioMode.KeepAspectRatio)
            painter.drawPixmap(QRect(whole.topLeft(), size), drawing.picture)
            if page + 1 < len(self._sizes):
                self._sheet(printer, painter, page + 1, then)
            else:
                painter.end()
                then()

        size = QSize(whole.width(), whole.height())
        self._draw(page, size.width(), size.height(), drawn)
