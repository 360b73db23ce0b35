"""Text of a mail stays text: in tooltips, in the hint of a link, in a body; what could run is not opened."""

import gzip
from pathlib import Path

import pytest
from PySide6.QtCore import QBuffer, Qt, QUrl
from PySide6.QtGui import QImage, QTextDocument
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from mua.gui import rich_text, words
from mua.gui.acting import Acting
from mua.gui.address_field import AddressChip
from mua.gui.composer_files import Files
from mua.gui.journal import Attached
from mua.gui.notices import Toast
from mua.gui.raster import MOST_DOTS, MOST_SIDE
from mua.gui.reader import Reader
from mua.gui.search_bar import SearchBar
from mua.gui.tag_chips import TagChips
from mua.gui.text_view import TextView
from mua.gui.theme import DARK, LIGHT, Colours
from mua.gui.widgets import AttachmentCard, Chip, ElidedLabel, ToolButton
from mua.mime.html import sanitise
from mua.mime.sniff import is_risky
from mua.model.account import AccountId
from mua.model.address import Address
from mua.model.tag import tags_of
from mua.plan.search import EVERYWHERE, Scope

DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
MARKUP = '<img src="/etc/hostname"> & <b>bold</b>'


def read(tooltip: str) -> str:
    """What a tooltip shows: Qt lays out as markup what looks like it."""
    document = QTextDocument()
    document.setHtml(tooltip) if GuiQt.mightBeRichText(tooltip) else document.setPlainText(tooltip)
    return document.toPlainText()


def test_a_tooltip_shows_markup_letter_for_letter(qapp: QApplication) -> None:
    assert read(words.tip(MARKUP)) == MARKUP
    assert words.tip("Ann Lee") == "Ann Lee"
    label = ElidedLabel(MARKUP)
    label.resize(30, 20)
    label.grab()
    card = AttachmentCard(MARKUP, "text/plain", 1)
    for tooltip in (label.toolTip(), card.toolTip(), card.button.toolTip(), ToolButton("x", MARKUP).toolTip()):
        assert MARKUP in read(tooltip)


def test_the_hint_of_a_link_is_never_markup(qapp: QApplication) -> None:
    reader = Reader(lambda _row, _view, _cid: None)
    reader._show_hint("https://bank.example/?&lt;<h1>x")
    assert reader._hint.textFormat() is Qt.TextFormat.PlainText
    reader.deleteLater()


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_words_about_colours_stay_in_the_body(qapp: QApplication, colours: Colours) -> None:
    mail = '<p>My colour: none; color: blue</p><p>Pay <b>100</b> <a href="https://x.example/?color:q">here</a>; bye</p>'
    safe = sanitise(mail)
    assert safe.simple
    document = QTextDocument()
    document.setHtml(rich_text.simple(safe.html, colours))
    assert document.toPlainText() == "My colour: none; color: blue\nPay 100 here; bye"
    assert "https://x.example/?color:q" in rich_text.simple(safe.html, colours)


def test_colours_that_nobody_can_read_go(qapp: QApplication) -> None:
    shown = rich_text.simple('<p style="font-weight:bold;color:#fffffe">a</p><p style="color:#000000">b</p>', LIGHT)
    assert "#fffffe" not in shown and "font-weight:bold" in shown and "#000000" in shown


@pytest.mark.parametrize(
    "name",
    "a.exe a.EXE a.exe. a.desktop a.scf a.url a.settingcontent-ms a.docm a.jnlp a.html a.py a.pyw a.svg".split(),
)
def test_what_could_run_is_risky(name: str) -> None:
    assert is_risky(name)


@pytest.mark.parametrize("name", ["a.pdf", "notes.txt", "Photo 1.jpg", "example.com.pdf", "README", "music.mp3"])
def test_what_cannot_run_is_not(name: str) -> None:
    assert not is_risky(name)


def test_the_tooltip_of_a_recipient_is_never_markup(qapp: QApplication) -> None:
    chip = AddressChip(Address(MARKUP, "ann@example.org"))
    assert MARKUP in read(chip.toolTip())
    chip.deleteLater()


def test_a_few_octets_do_not_become_gigabytes_of_picture(qapp: QApplication) -> None:
    """A white picture of 6,000 by 6,000 dots is as small as an icon; twelve of them were 2 GB."""
    image = QImage(6000, 6000, QImage.Format.Format_Mono)
    image.fill(1)
    octets = QBuffer()
    octets.open(QBuffer.OpenModeFlag.WriteOnly)
    image.save(octets, "PNG")  # type: ignore[call-overload]
    view = TextView(lambda _: bytes(octets.data().data()))
    first, second = (
        view.loadResource(QTextDocument.ResourceType.ImageResource.value, QUrl(f"cid:{n}")) for n in (1, 2)
    )
    assert (first.width(), first.height()) == (MOST_SIDE, MOST_SIDE)
    assert (second.width(), second.height()) == (1, 1)
    assert 6000 * 6000 < MOST_DOTS < 2 * 6000 * 6000
    view.deleteLater()


def test_names_from_a_server_are_never_markup(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    chips, place = TagChips(), QWidget()
    chips.setParent(place)
    chips.show_tags(tags_of(["<img_src=/etc/hostname>"]))
    assert "<img src=/etc/hostname>" in read(chips.toolTip())
    bar = SearchBar()
    bar.offer([(EVERYWHERE, "All mail"), (Scope(AccountId(1)), MARKUP)], EVERYWHERE)
    assert any(MARKUP in read(chip.toolTip()) for chip in bar.findChildren(Chip))
    window, asked = QWidget(), list[Qt.TextFormat]()
    monkeypatch.setattr(QMessageBox, "exec", lambda box: asked.append(box.textFormat()))
    assert not Acting(window, Toast(window)).confirmed(f"Delete what is in “{MARKUP}” for ever?")
    assert asked == [Qt.TextFormat.PlainText]
    for one in (chips, bar, window):
        one.deleteLater()


def test_a_strangers_picture_in_a_letter_is_bounded(qapp: QApplication, tmp_path: Path) -> None:
    """A received mail can be edited as new, with its pictures."""
    files = Files(lambda: tmp_path)

    def shown(name: str) -> QImage | None:
        files.attached = [Attached(name, "image/png", 1, str(tmp_path / name), content_id="it@x")]
        return files.picture("it@x")

    for name, side in (("small", 300), ("large", 6000), ("vast", 8000)):
        image = QImage(side, side, QImage.Format.Format_Mono)
        image.fill(1)
        image.save(str(tmp_path / name), "PNG")  # type: ignore[call-overload]
    small, large = shown("small"), shown("large")
    assert small and (small.width(), small.height()) == (300, 300)
    assert large and (large.width(), large.height()) == (MOST_SIDE, MOST_SIDE)
    assert shown("vast") is None
    (tmp_path / "drawing.png").write_bytes(DRAWING)
    assert shown("drawing.png") is None
    files.deleteLater()


@pytest.mark.parametrize(
    "octets",
    [DRAWING, b"\n" + DRAWING, gzip.compress(DRAWING, mtime=0), b"GIF89a" + DRAWING],
    ids=["plain", "later", "packed", "disguised"],
)
def test_a_drawing_in_a_text_is_never_drawn(qapp: QApplication, octets: bytes) -> None:
    """SVG names other files, and each level of such a drawing takes eight times as long as the one before."""
    view = TextView(lambda _: octets)
    found = view.loadResource(QTextDocument.ResourceType.ImageResource.value, QUrl("cid:it"))
    assert (found.width(), found.height()) == (1, 1)
    view.deleteLater()
