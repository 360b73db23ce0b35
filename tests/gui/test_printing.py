"""What comes out of the printer (a PDF file, by Qt's own writer)."""

import re
from pathlib import Path

from PySide6.QtPrintSupport import QPrinter
from PySide6.QtWidgets import QApplication

from mua.gui.printing import print_on
from mua.model.address import Address
from mua.model.message import MessageView

ROBIN = Address("Robin", "robin@home.test")


def pages(folder: Path, text: str) -> int:
    """How many pages a message of ``text`` takes on A4."""
    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(folder / "out.pdf"))
    print_on(printer, MessageView((ROBIN,), (ROBIN,), (), (), "Minutes", 0, "", text, "", (), ()))
    return len(re.findall(rb"/Type /Page\b", (folder / "out.pdf").read_bytes()))


def test_letters_are_as_large_as_on_the_screen(qapp: QApplication, tmp_path: Path) -> None:
    """About sixty lines fit on a page; in the dots of the printer it would be hundreds, and nobody could read them."""
    assert pages(tmp_path, "A line of text.\n" * 30) == 1
    assert 3 <= pages(tmp_path, "A line of text.\n" * 200) <= 6
