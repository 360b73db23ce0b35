"""What comes out on paper: the PDF that is previewed, printed and saved."""

import re
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from mua.gui.paper import Paper
from mua.gui.printing import document
from mua.model.address import Address
from mua.model.message import MessageView

ROBIN = Address("Robin", "robin@home.test")


def pdf(view: MessageView) -> bytes:
    """A message that is simple on paper, which needs no browser."""
    made: list[bytes] = []
    parent = QObject()
    Paper(view, lambda _: None, False, parent).make(made.append)
    return made[0]


def pages(text: str) -> int:
    """How many pages a message of ``text`` takes on A4."""
    made = pdf(MessageView((ROBIN,), (ROBIN,), (), (), "Minutes", 0, "", text, "", (), ()))
    return len(re.findall(rb"/Type /Page\b", made))


def test_letters_are_as_large_as_on_the_screen(qapp: QApplication) -> None:
    """About sixty lines fit on a page; in the dots of the printer it would be hundreds, and nobody could read them."""
    assert pages("A line of text.\n" * 30) == 1
    assert 3 <= pages("A line of text.\n" * 200) <= 6


def test_no_file_of_this_computer_is_printed(qapp: QApplication, tmp_path: Path) -> None:
    """Even if the sanitiser had let its name through."""
    secret = tmp_path / "secret.png"
    red = QImage(300, 300, QImage.Format.Format_RGB32)
    red.fill(0xFF0000)
    assert red.save(str(secret))
    html = f'<p>Look: <img src="{secret}"><img src="file://{secret}"><img src="cid:one"></p>'
    view = MessageView((ROBIN,), (ROBIN,), (), (), "Pictures", 0, "", "", html, (), ())
    assert b"/Width 300" not in pdf(view)
    picture = QImage(700, 700, QImage.Format.Format_RGB32)
    picture.fill(0xFFFFFF)
    painter = QPainter(picture)
    document(view).drawContents(painter)
    painter.end()
    assert 0xFF0000 not in {picture.pixel(x, y) & 0xFFFFFF for x in range(0, 700, 10) for y in range(0, 700, 10)}
