"""Attachments: looked at in place, opened only when nothing can run, saved with the mark of a stranger's file."""

import io
import math
import os
import signal
import struct
import subprocess
import sys
import time
import wave as wav
import zipfile
import zlib
from email.message import EmailMessage
from pathlib import Path

import pytest
from gui_mail import PNG, Mail
from PySide6.QtCore import QBuffer, QByteArray, QEvent, QIODevice, QPoint, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QImage, QMouseEvent, QPainter, QPdfWriter, QPixmap, QTextDocument
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from mua.gui import decoder
from mua.gui.app import Program
from mua.gui.decoder import TOO_LARGE, UNFIT, Decoder, Drawing
from mua.gui.places import Place
from mua.gui.preview import Preview
from mua.gui.print_page import PrintPage
from mua.gui.quarantine import mark
from mua.gui.widgets import AttachmentCard, Flow
from mua.model.account import AccountId
from mua.model.message import Attachment, Flag
from mua.store import read

OUTLOOK = Path(__file__).parents[1] / "regressions" / "formats" / "sample.msg"
PROGRAM = b"MZ\x90\0" + b"\0" * 200


def png(width: int, height: int) -> bytes:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.darkCyan)
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(data.data())


def bomb(side: int) -> bytes:
    """A PNG of a few octets that says to be ``side`` pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")
    )


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("notes.txt", "words")
    return file.getvalue()


def pdf(folder: Path, pages: int) -> bytes:
    path = folder / "made.pdf"
    writer = QPdfWriter(str(path))
    painter = QPainter(writer)
    for page in range(pages):
        painter.drawText(1_000, 1_000, f"Page {page}")
        if page + 1 < pages:
            writer.newPage()
    painter.end()
    return path.read_bytes()


def choose(program: Program, mail: Mail, *files: tuple[str, str, bytes]) -> list[Attachment]:
    """A message with these (name, type, content) is read; what it has attached."""
    message = EmailMessage()
    message["From"] = "Tomas <tomas@example.net>"
    message["Subject"] = "Files"
    message["Message-ID"] = f"<{time.time_ns()}@example.net>"
    message.set_content("See attached.")
    for name, kind, data in files:
        if kind == "message/rfc822":
            inner = EmailMessage()
            inner["From"], inner["Subject"] = "Ines <ines@example.fr>", "Inside"
            inner.set_content("Words of the attached mail.")
            inner.add_attachment(data, maintype="image", subtype="png", filename="inner.png")
            message.add_attachment(inner, filename=name)
        else:
            main, sub = kind.split("/")
            message.add_attachment(data, maintype=main, subtype=sub, filename=name)
    account = read.accounts(mail.store.reader())[0].id
    when = int(time.time())
    made = mail.letter(AccountId(account), mail.folders["INBOX"], message.as_bytes(), when, Flag.SEEN)
    program.desk.read_again(None, sidebar=True)
    program.desk.show_place(Place(folder=mail.folders["INBOX"]))
    assert program.window.listing.view.select(made)
    view = program.window.reader.view
    assert view is not None
    return list(view.attachments)


def look(program: Program, qtbot: QtBot, attachment: Attachment) -> Preview:
    """Click on it, and wait until it is read."""
    program.window.reader.pane.opened.emit(attachment)
    qtbot.waitUntil(
        lambda: program.desk.attachments.preview is not None and program.desk.attachments.preview.seen is not None
    )
    page = program.desk.attachments.preview
    assert page is not None
    return page


def said(program: Program) -> str:
    return program.window.toast.text()


def drawn(qtbot: QtBot, made: Decoder, data: bytes, page: int = 0, side: int = 300) -> Drawing:
    got: list[Drawing] = []
    made.draw(str(hash(data)), data, side, side, got.append, page)
    qtbot.waitUntil(lambda: bool(got))
    return got[0]


# ---- what decodes
def test_a_picture_is_decoded_no_larger_than_it_is_shown(qtbot: QtBot) -> None:
    made = Decoder()
    found = drawn(qtbot, made, png(3_000, 2_000))
    assert found.picture.size().toTuple() == (300, 200)
    assert found.sizes == ((3_000.0, 2_000.0),)
    made.close()


def test_a_picture_bomb_is_refused_before_it_is_decoded(qtbot: QtBot) -> None:
    made = Decoder()
    drawn(qtbot, made, PNG)
    assert drawn(qtbot, made, bomb(60_000)).problem == TOO_LARGE
    made.close()


def test_pages_of_a_pdf_are_drawn_one_by_one(qtbot: QtBot, tmp_path: Path) -> None:
    made, data = Decoder(), pdf(tmp_path, 3)
    assert len(drawn(qtbot, made, data).sizes) == 3
    assert not drawn(qtbot, made, data, page=2).picture.isNull()
    assert drawn(qtbot, made, data, page=9).problem == UNFIT
    made.close()


@pytest.mark.parametrize("data", [PNG[:40], b"%PDF-1.7 junk", b"GIF89a", b"\xff\xd8\xff\xe0", b"<svg/>", b""])
def test_what_is_damaged_or_unknown_is_said_to_be(qtbot: QtBot, data: bytes) -> None:
    made = Decoder()
    assert drawn(qtbot, made, data).problem == UNFIT
    made.close()


def test_a_child_that_hangs_is_ended_and_the_next_picture_is_drawn(qtbot: QtBot) -> None:
    made = Decoder()
    made._patience.setInterval(1)
    assert drawn(qtbot, made, png(3_000, 3_000)).problem == UNFIT
    made._patience.setInterval(decoder.PATIENCE)
    assert not drawn(qtbot, made, png(4, 4)).picture.isNull()
    made.close()
    assert not made.is_running()


def test_a_print_preview_may_be_left_while_its_pages_are_drawn(qtbot: QtBot, tmp_path: Path) -> None:
    made = Decoder()
    page = PrintPage(made)
    page.resize(600, 800)
    page.show()
    page.show_pdf(pdf(tmp_path, 3))
    qtbot.waitUntil(page.print_.isEnabled, timeout=60_000)
    page.sheets.set_zoom(0.5)
    page.sheets.viewport().repaint()
    assert made._jobs
    delete(page)
    assert not drawn(qtbot, made, png(4, 4)).picture.isNull()
    made.close()


def test_a_drawing_that_goes_wrong_where_it_is_used_holds_no_other_up(qtbot: QtBot) -> None:
    made = Decoder()
    with qtbot.captureExceptions() as caught:
        made.draw("first", PNG, 8, 8, lambda _: [][0])
        assert not drawn(qtbot, made, png(4, 4)).picture.isNull()
    assert [kind for kind, *_ in caught] == [IndexError]
    made.close()


def test_what_works_too_long_is_ended_by_the_processor_s_time() -> None:
    """And what only waits, because others work, is not."""
    script = (
        "import io, time; from mua.gui import decoder; decoder.SECONDS = 0.2; spent = time.process_time\n"
        "decoder._drawn = lambda *_: (time.sleep(0.5), print('waited', flush=True), [None for _ in iter(spent, 0)])\n"
        'decoder.serve(io.BytesIO(b\'{"octets": 0, "page": 0, "width": 1, "height": 1}\\n\'), io.BytesIO())'
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "waited\n"
    assert done.returncode == -signal.SIGPROF


# ---- looking
def test_a_picture_is_looked_at_in_place_and_escape_goes_back(program: Program, mail: Mail, qtbot: QtBot) -> None:
    (one,) = choose(program, mail, ("hall.png", "image/png", png(800, 600)))
    page = look(program, qtbot, one)
    qtbot.waitUntil(lambda: bool(page.sheets._pages))
    assert page.isVisible()
    assert page.accessibleName().startswith("Attachment hall.png")
    assert page.note.isHidden()
    program.window.actions_["back"].trigger()
    assert not page.isVisible()
    assert program.window.reader.text.isVisible()


def test_a_pdf_after_a_picture_is_the_pdf(program: Program, mail: Mail, qtbot: QtBot, tmp_path: Path) -> None:
    """A drawing is known by a name that no other has; the address of what is looked at was another's before."""
    files = choose(program, mail, ("a.png", "image/png", png(300, 200)), ("b.pdf", "application/pdf", pdf(tmp_path, 3)))
    page = look(program, qtbot, files[0])
    for _ in range(3):
        qtbot.waitUntil(lambda: page.sheets.accessibleName() == "Picture")
        page.after.click()
        qtbot.waitUntil(lambda: page.sheets.accessibleName() == "3 pages")
        page.before.click()


def test_a_label_that_lies_is_said_where_it_is_looked_at(program: Program, mail: Mail, qtbot: QtBot) -> None:
    files = choose(program, mail, ("bill.pdf", "application/pdf", PNG), ("run.jpg", "image/jpeg", PROGRAM))
    page = look(program, qtbot, files[0])
    assert page.note.text() == "This is not what its name says: it is a picture."
    page.after.click()
    qtbot.waitUntil(lambda: page.seen is not None and page.seen.attachment.name == "run.jpg")
    assert page.note.text() == "This is not what its name says: it is a Windows program."


def test_text_is_neutralised_and_a_zip_is_only_listed(program: Program, mail: Mail, qtbot: QtBot) -> None:
    files = choose(
        program,
        mail,
        ("a.txt", "application/octet-stream", "Hi\u202e there".encode()),
        ("b.zip", "application/zip", zipped()),
    )
    page = look(program, qtbot, files[0])
    assert page.text.toPlainText().startswith("Hi")
    assert "\u202e" not in page.text.toPlainText()
    page.after.click()
    qtbot.waitUntil(lambda: page.seen is not None and page.seen.attachment.name == "b.zip")
    assert "notes.txt" in page.text.toPlainText()


def wave(seconds: float) -> bytes:
    """A tone, as a WAV file."""
    made = io.BytesIO()
    with wav.open(made, "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        tone = (round(9_000 * math.sin(one / 3)) for one in range(round(8_000 * seconds)))
        file.writeframes(b"".join(one.to_bytes(2, "little", signed=True) for one in tone))
    return made.getvalue()


def plays(page: Preview) -> bool:
    """Whether it can be pressed: the signal of that may have come before anybody waits for it."""
    return page.player._web is not None and not page.player._timer.isActive()


def test_a_sound_is_played_in_place_when_pressed_and_what_has_no_codec_is_said(
    program: Program, mail: Mail, qtbot: QtBot
) -> None:
    sound, film = wave(1.5), b"\0\0\0\x18ftypisom\0\0\0\0isomavc1" + bytes(500)
    files = choose(program, mail, ("tone.wav", "audio/wav", sound), ("film.mp4", "video/mp4", film))
    page = look(program, qtbot, files[0])
    qtbot.waitUntil(lambda: plays(page))
    told: list[object] = []
    web = page.player._web
    assert web is not None
    web.ask("const one = document.querySelector('audio'); `${one.paused} ${one.duration} ${one.controls}`", told.append)
    qtbot.waitUntil(lambda: bool(told))
    assert told == ["true 1.5 true"]
    page.after.click()
    qtbot.waitUntil(lambda: page.empty.isVisible() and "cannot play" in page.empty.accessibleName())
    assert page.outside.isVisible()
    assert page.player._web is None  # and nothing plays on
    page.before.click()
    qtbot.waitUntil(lambda: plays(page))
    before = page.player._web
    assert before is not None
    page.player.show_file(sound, "audio/wav", "tone.wav")
    before.renderProcessTerminated.emit(before.page().RenderProcessTerminationStatus.KilledTerminationStatus, 9)
    assert page.player._web is not None, "the browser of before ended, and not this one"
    page.left.emit()
    assert page.player._web is None


def test_an_attached_mail_opens_in_place_with_its_own_attachments(program: Program, mail: Mail, qtbot: QtBot) -> None:
    files = choose(program, mail, ("mail.eml", "message/rfc822", png(40, 40)))
    one = next(one for one in files if one.type == "message/rfc822")
    page = look(program, qtbot, one)
    assert page.mail is not None
    assert page.mail.header.address.text() == "ines@example.fr"
    assert "Words of the attached mail." in page.mail.body.text.toPlainText()
    assert page.mail.reply.isHidden()
    (inner,) = page.mail.cards()
    inner.opened.emit()
    qtbot.waitUntil(lambda: page.seen is not None and page.seen.attachment.name == "inner.png")
    page.left.emit()
    qtbot.waitUntil(lambda: page.seen is not None and page.seen.attachment.name == "mail.eml")
    page.left.emit()
    assert not page.isVisible()


def test_a_mail_of_outlook_opens_in_place_too(program: Program, mail: Mail, qtbot: QtBot) -> None:
    (one,) = choose(program, mail, ("letter.msg", "application/vnd.ms-outlook", OUTLOOK.read_bytes()))
    page = look(program, qtbot, one)
    assert page.mail is not None
    assert (page.mail.header.subject.text(), page.mail.header.address.text()) == ("Grüße aus Köln", "ada@example.org")
    next(
        card for card in page.mail.cards() if card.attachment and card.attachment.name == "inner letter.eml"
    ).opened.emit()
    qtbot.waitUntil(lambda: page.seen is not None and page.seen.attachment.name == "inner letter.eml")
    assert "Inside." in page.mail.body.text.toPlainText()


def test_a_picture_inside_an_attached_mail_is_found_however_its_address_is_written(
    program: Program, mail: Mail, qtbot: QtBot
) -> None:
    inner = EmailMessage()
    inner["From"], inner["Subject"] = "Ines <ines@example.fr>", "Inside"
    inner.set_content('<p>Look: <img src="cid:hall%40example.fr"></p>', subtype="html")
    inner.add_related(png(40, 30), maintype="image", subtype="png", cid="<hall@example.fr>")
    page = look(program, qtbot, choose(program, mail, ("mail.eml", "text/x-mail", inner.as_bytes()))[0])
    assert page.mail is not None
    kind = QTextDocument.ResourceType.ImageResource.value
    assert page.mail.body.text.loadResource(kind, QUrl("cid:hall%40example.fr")).width() == 40


def test_another_message_ends_the_look(program: Program, mail: Mail, qtbot: QtBot) -> None:
    (one,) = choose(program, mail, ("hall.png", "image/png", PNG))
    page = look(program, qtbot, one)
    program.window.listing.view.step(1)
    assert not page.isVisible()
    assert page.seen is None


def test_cards_show_small_pictures(program: Program, mail: Mail, qtbot: QtBot) -> None:
    choose(program, mail, ("hall.png", "image/png", png(400, 300)))
    (card,) = program.window.reader.pane.cards()
    qtbot.waitUntil(lambda: card._picture._own)
    assert card._picture.pixmap().width() > card._picture.pixmap().height()


# ---- opening
@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: found.append(url.toLocalFile()))
    return found


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("setup.exe", PROGRAM, "setup.exe could run as a program, so it is not opened from here."),
        ("photo.jpg", PROGRAM, "photo.jpg is really a Windows program, so it is not opened from here."),
        ("notes.txt", b"#!/bin/sh\nid", "notes.txt is really a script, so it is not opened from here."),
        ("bill.pdf", PNG, "bill.pdf is not what its name says: it is a picture."),
    ],
)
def test_what_can_run_or_lies_is_not_opened_unasked(
    program: Program, mail: Mail, qtbot: QtBot, opened: list[str], name: str, data: bytes, words: str
) -> None:
    (one,) = choose(program, mail, (name, "application/octet-stream", data))
    look(program, qtbot, one).open_wanted.emit()
    qtbot.waitUntil(lambda: said(program) == words)
    assert opened == []


def test_what_is_harmless_is_opened_as_a_private_copy(
    program: Program, mail: Mail, qtbot: QtBot, opened: list[str]
) -> None:
    (one,) = choose(program, mail, ("letter.docx", "application/octet-stream", b"\0\1\2 no program"))
    look(program, qtbot, one).outside.click()
    qtbot.waitUntil(lambda: bool(opened))
    copy = Path(opened[0])
    assert copy.stat().st_mode & 0o777 == 0o600
    assert copy.parent.stat().st_mode & 0o777 == 0o700
    program.desk.attachments.close()
    assert not copy.exists()


# ---- saving
def test_what_is_saved_never_overwrites_and_is_marked(
    program: Program, mail: Mail, qtbot: QtBot, tmp_path: Path
) -> None:
    files = choose(program, mail, ("../../x.txt", "text/plain", b"a"), ("x.txt", "text/plain", b"b"))
    acts, row = program.desk.attachments, program.window.reader.row
    assert row is not None
    (tmp_path / "out").mkdir()
    acts.save_in(acts.of(row.id), files, tmp_path / "out")
    qtbot.waitUntil(lambda: said(program).startswith("Saved 2 attachments"))
    found = sorted((tmp_path / "out").iterdir())
    assert len(found) == 2
    assert {path.parent for path in found} == {tmp_path / "out"}
    assert sorted(path.read_bytes().strip() for path in found) == [b"a", b"b"]
    if _keeps_marks(tmp_path):
        assert {os.getxattr(path, "user.xdg.origin.url") for path in found} == {b"mailto:"}


def _keeps_marks(folder: Path) -> bool:
    try:
        os.setxattr(folder, "user.mua.test", b"1")
    except OSError:
        return False
    return True


def test_the_mark_of_windows_names_the_zone_and_nobody(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x")
    mark(path, "win32")
    assert (tmp_path / "a.txt:Zone.Identifier").read_bytes() == b"[ZoneTransfer]\r\nZoneId=3\r\n"


def test_a_drag_takes_a_marked_private_copy_along(
    program: Program, mail: Mail, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(program, mail, ("hall.png", "image/png", PNG))
    (card,) = program.window.reader.pane.cards()
    dragged: list[str] = []
    monkeypatch.setattr(type(card), "drag", lambda _, path: dragged.append(path))
    clicked: list[bool] = []
    card.opened.connect(lambda: clicked.append(True))

    def mouse(kind: QEvent.Type, place: QPoint) -> None:
        left = Qt.MouseButton.LeftButton
        where = card.mapToGlobal(place)
        event = QMouseEvent(kind, place, where, left, left, Qt.KeyboardModifier.NoModifier)  # type: ignore[call-overload]
        QApplication.sendEvent(card, event)

    mouse(QEvent.Type.MouseButtonPress, QPoint(5, 5))
    mouse(QEvent.Type.MouseMove, QPoint(60, 30))
    qtbot.waitUntil(lambda: bool(dragged))
    assert Path(dragged[0]).read_bytes() == PNG
    assert Path(dragged[0]).stat().st_mode & 0o777 == 0o600


def test_a_card_grows_with_its_picture(qtbot: QtBot) -> None:
    flow, cards = Flow(), [AttachmentCard(name, "image/png", 1) for name in ("terrace.png", "garden.png")]
    qtbot.addWidget(flow)
    flow.resize(600, 60)
    flow.fill(cards)
    flow.show()
    picture = QPixmap(400, 100)
    picture.fill(Qt.GlobalColor.darkCyan)
    cards[0].show_picture(picture)
    qtbot.waitUntil(lambda: cards[0].width() >= cards[0].sizeHint().width() > cards[1].sizeHint().width())
    assert cards[1].x() > cards[0].geometry().right()
