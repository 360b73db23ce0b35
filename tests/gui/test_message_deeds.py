"""What is done with the message that is read: found in, printed, saved, copied, its source, its list."""

import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from gui_mail import Mail
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtPrintSupport import QPrinter
from PySide6.QtWebEngineCore import QWebEngineScript
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mua.gui.app import Program
from mua.gui.decoder import Decoder
from mua.gui.palette import Palette
from mua.gui.places import Place
from mua.gui.print_page import PrintPage
from mua.gui.source_page import MOST, SourcePage
from mua.gui.writing import Writing
from mua.model.account import AccountId
from mua.model.message import Flag, MessageId
from mua.store import read

PAGE = (
    "<html><body><style>.a{background:#1f6f50;color:#fff}</style><table><tr><td class=a><p>Garden chairs</p>"
    "<p>More chairs</p></td></tr></table></body></html>"
)


def add(
    mail: Mail, text: str, html: str = "", fields: tuple[tuple[str, str], ...] = (), data: bytes = b"", thread: str = ""
) -> tuple[MessageId, bytes]:
    """A message in the inbox, and its octets."""
    message = EmailMessage()
    message["From"], message["To"] = "Tomas <tomas@example.net>", "maya@example.org"
    message["Subject"], message["Message-ID"] = "Chairs", f"<{time.time_ns()}@example.net>"
    if thread:
        message["References"] = f"<{thread}@example.net>"
    for name, value in fields:
        message[name] = value
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    if data:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename="big.bin")
    raw = message.as_bytes().replace(b"\n", b"\r\n")
    account = read.accounts(mail.store.reader())[0].id
    when = int(time.time())
    return mail.letter(AccountId(account), mail.folders["INBOX"], raw, when, Flag.SEEN), raw


def choose(program: Program, mail: Mail, message_id: MessageId) -> None:
    program.desk.read_again(None, sidebar=True)
    program.desk.show_place(Place(folder=mail.folders["INBOX"]))
    assert program.window.listing.view.select(message_id)
    QApplication.processEvents()


def act(program: Program, name: str) -> None:
    program.window.actions_[name].trigger()


# ---- finding
def test_words_are_found_counted_and_gone_round(program: Program, mail: Mail) -> None:
    choose(program, mail, add(mail, "One chair.\nTwo chairs.\nNo table.\nA CHAIR again.")[0])
    act(program, "find")
    bar = program.desk.message_deeds.bar
    assert bar.isVisible()
    bar.field.setText("chair")
    bar.search()
    assert bar.count.text() == "1 of 3"
    text = program.window.reader.text
    assert len(text.extraSelections()) == 3
    act(program, "find_next")
    act(program, "find_next")
    assert bar.count.text() == "3 of 3"
    act(program, "find_next")
    assert bar.count.text() == "1 of 3"
    act(program, "find_previous")
    assert bar.count.text() == "3 of 3"
    bar.field.setText("sofa")
    bar.search()
    assert bar.count.text() == "Not found"
    bar.leave()
    assert text.extraSelections() == []


def test_words_are_found_in_a_page(program: Program, mail: Mail, qtbot: QtBot) -> None:
    choose(program, mail, add(mail, "Chairs", PAGE)[0])
    qtbot.waitUntil(lambda: program.window.reader.pane.body.is_web)
    act(program, "find")
    bar = program.desk.message_deeds.bar
    bar.field.setText("chairs")

    def found() -> bool:
        bar.search()
        qtbot.wait(100)
        return bar.count.text() == "1 of 2"

    qtbot.waitUntil(found)
    bar.step(1)
    assert bar.count.text() == "2 of 2"


def test_every_word_that_was_searched_is_marked_in_a_page(program: Program, mail: Mail, qtbot: QtBot) -> None:
    page = PAGE.replace("Garden chairs", "Gar<b>den</b> chairs, jardín<span style='display:none'>garden</span>")
    choose(program, mail, add(mail, "Chairs", page)[0])
    body = program.window.reader.pane.body
    qtbot.waitUntil(lambda: body.is_web)
    told: list[str] = []

    def marked(words: str) -> bool:
        assert body.web is not None
        body.mark_words(tuple(words.split()))
        script = "[...(CSS.highlights.get('mua-searched') || [])].map(String).join()"
        body.web.page().runJavaScript(script, QWebEngineScript.ScriptWorldId.ApplicationWorld.value, told.append)
        qtbot.wait(100)
        return bool(told and told[-1])

    qtbot.waitUntil(lambda: marked("garden more jardin airs"))
    assert told[-1] == "Garden,jardín,More"
    told.clear()
    qtbot.waitUntil(lambda: not marked("") and told[-1:] == [""])


def test_words_are_found_over_a_conversation(program: Program, mail: Mail) -> None:
    first, _ = add(mail, "A chair here.", thread="chairs")
    second, _ = add(mail, "And a chair there.", thread="chairs")
    choose(program, mail, second)
    shown = program.window.reader.conversation
    assert shown is not None
    shown.unfold(first)
    act(program, "find")
    bar = program.desk.message_deeds.bar
    bar.field.setText("chair")
    bar.search()
    assert bar.count.text() == "1 of 2"
    bar.step(1)
    assert bar.count.text() == "2 of 2"


def test_a_closed_message_is_opened_for_a_hit_in_it(program: Program, mail: Mail, qtbot: QtBot) -> None:
    """And what a text repeats of earlier messages, too."""
    first, _ = add(mail, "A stool here, and a stool there.", thread="stools")
    second, _ = add(mail, "", PAGE.replace("chairs", "stools"), thread="stools")
    third, _ = add(mail, "No table.\n\nOn Monday Ann wrote:\n> a stool\n> or two\n", thread="stools")
    last, _ = add(mail, "Nothing.", thread="stools")
    choose(program, mail, last)
    reader = program.window.reader
    shown = reader.conversation
    assert shown is not None
    assert shown.open_ids() == {last}
    act(program, "find")
    bar = program.desk.message_deeds.bar
    bar.field.setText("stool")
    bar.search()
    qtbot.waitUntil(lambda: bar.count.text() == "1 of 5")
    assert shown.open_ids() == {first, last}
    bar.step(1)
    assert bar.count.text() == "2 of 5"
    bar.step(1)
    qtbot.waitUntil(lambda: bar.count.text() == "3 of 5")
    assert shown.open_ids() == {first, second, last}
    bar.step(1)
    assert bar.count.text() == "4 of 5"
    bar.step(1)
    qtbot.waitUntil(lambda: bar.count.text() == "5 of 5")
    pane = shown.pane_of(third)
    assert pane is not None
    assert "a stool" in pane.body.text.toPlainText()
    assert len(pane.body.text.extraSelections()) == 1


def test_where_nothing_is_read_the_same_key_searches_all_mail(program: Program) -> None:
    act(program, "find")
    assert program.window.listing.search.hasFocus()


# ---- paper
@pytest.fixture
def pages(program: Program) -> Iterator[Decoder]:
    yield program.desk.attachments.decoder
    program.desk.attachments.decoder.close()


@pytest.mark.parametrize("html", ["", PAGE])
def test_what_is_printed_is_seen_before(
    program: Program, mail: Mail, qtbot: QtBot, tmp_path: Path, pages: Decoder, html: str
) -> None:
    choose(program, mail, add(mail, "Chairs.\n" * 120, html)[0])
    act(program, "print")
    page = program.window.reader.findChild(PrintPage)
    assert isinstance(page, PrintPage)
    qtbot.waitUntil(page.print_.isEnabled)
    assert page.facts.text() == ("1 page" if html else "3 pages")
    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setResolution(72)
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(tmp_path / "out.pdf"))
    done: list[bool] = []
    page.print_on(printer, lambda: done.append(True))
    qtbot.waitUntil(lambda: bool(done))
    assert (tmp_path / "out.pdf").stat().st_size > 2_000
    if html:  # as it looks: its green is on paper, and a text would have none
        qtbot.waitUntil(lambda: 0 in page.sheets._pages)  # drawn anew where the window got another size
        picture = page.sheets._pages[0].toImage()
        greens = {picture.pixel(x, y) & 0xFFFFFF for x in range(picture.width()) for y in range(0, picture.height(), 4)}
        assert 0x1F6F50 in greens
    act(program, "back")
    assert not page.isVisible()
    assert program.window.reader.pane.isVisible()


# ---- saving and copying
@pytest.mark.parametrize(
    ("name", "html"), [("a.eml", ""), ("a.txt", ""), ("a.md", "<p>A <b>chair</b></p>"), ("a.pdf", PAGE)]
)
def test_a_message_is_saved_as_what_its_name_says(
    program: Program, mail: Mail, qtbot: QtBot, tmp_path: Path, name: str, html: str
) -> None:
    made, raw = add(mail, "A chair.", html)
    choose(program, mail, made)
    program.desk.message_deeds.save_to(tmp_path / name)
    qtbot.waitUntil(lambda: (tmp_path / name).exists() and program.window.toast.isVisible())
    data = (tmp_path / name).read_bytes()
    if name == "a.eml":
        assert data == raw
    elif name == "a.pdf":
        assert data.startswith(b"%PDF-")
    else:
        assert b"Tomas" in data
        assert (b"A **chair**" if html else b"A chair.") in data


def test_it_is_copied_as_markdown(program: Program, mail: Mail) -> None:
    choose(program, mail, add(mail, "Text", '<p>A <a href="https://a.example/">link</a></p><ul><li>one</li></ul>')[0])
    act(program, "copy_markdown")
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith("# Chairs\n\n**From:** Tomas <tomas@example.net>")
    assert "[link](https://a.example/)" in copied
    assert "one" in copied


# ---- the source
def test_the_source_has_its_parts_beside_it(program: Program, mail: Mail, qtbot: QtBot) -> None:
    made, raw = add(mail, "A chair.", PAGE, data=bytes(range(256)))
    choose(program, mail, made)
    act(program, "source")
    page = program.window.findChild(SourcePage)
    assert page is not None
    qtbot.waitUntil(lambda: page.tree.topLevelItemCount() == 2)
    assert page.text.toPlainText() == raw.decode().replace("\r\n", "\n")
    whole = page.tree.topLevelItem(1)
    assert whole is not None
    labels = []
    stack = [whole]
    while stack:
        item = stack.pop()
        labels.append(item.text(0))
        stack += [child for place in range(item.childCount()) if (child := item.child(place)) is not None]
    assert any("text/html" in one for one in labels)
    last = whole.child(whole.childCount() - 1)
    assert last is not None
    assert "big.bin" in last.text(0)
    page.tree.setCurrentItem(last)
    assert 'filename="big.bin"' in page.text.toPlainText()
    saved: list[tuple[str, bytes]] = []
    page.save_wanted.disconnect()
    page.save_wanted.connect(lambda name, data: saved.append((name, data)))
    page.save_decoded.click()
    assert saved == [("big.bin", bytes(range(256)))]
    page.close()


def test_fifty_megabytes_of_source_freeze_nothing(program: Program, mail: Mail, qtbot: QtBot) -> None:
    made, raw = add(mail, "Large", data=bytes(37_000_000))
    assert len(raw) > 50_000_000
    choose(program, mail, made)
    begin = time.thread_time()
    act(program, "source")
    assert time.thread_time() - begin < 0.5
    page = program.window.findChild(SourcePage)
    assert page is not None
    assert page.tree.topLevelItemCount() == 0, "the window did not wait for it"
    qtbot.waitUntil(lambda: page.tree.topLevelItemCount() == 2)
    assert len(page.text.toPlainText()) <= MOST
    assert f"{len(raw):,} octets" in page.note.text()
    page.close()


def test_all_headers_are_shown_decoded(program: Program, mail: Mail, qtbot: QtBot) -> None:
    choose(program, mail, add(mail, "x", fields=(("X-Mark", "Grüße"),))[0])
    act(program, "headers")
    page = program.window.findChild(SourcePage)
    assert page is not None
    qtbot.waitUntil(lambda: "X-Mark: Grüße" in page.text.toPlainText())
    page.close()


# ---- the list
def test_a_list_is_left_by_mail_or_in_the_browser_when_pressed(
    program: Program, mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = (("List-Unsubscribe", "<mailto:leave@list.example?subject=bye>, <https://list.example/leave>"),)
    choose(program, mail, add(mail, "News", fields=fields)[0])
    visited: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: visited.append(url.toString()))
    wishes: list[Writing] = []
    program.desk.writing.connect(wishes.append)
    if program.rooms is not None:
        program.desk.writing.disconnect(program.rooms.write)
    act(program, "list")
    palette = program.window.findChild(Palette)
    assert palette is not None
    assert (visited, wishes) == ([], [])
    palette.close()
    program.desk.message_deeds._write_to("mailto:leave@list.example?subject=bye")
    assert [one.mailto for one in wishes] == ["mailto:leave@list.example?subject=bye"]


def test_what_is_no_list_is_said_to_be_none(program: Program, mail: Mail) -> None:
    choose(program, mail, add(mail, "Hello")[0])
    act(program, "list")
    assert program.window.toast.text() == "This message says nothing of a mailing list."


def test_the_width_is_the_persons_choice_and_kept(program: Program, mail: Mail) -> None:
    choose(program, mail, add(mail, "Hello")[0])
    program.window.resize(2_000, 900)
    QApplication.processEvents()
    narrow = program.window.reader.pane.width()
    act(program, "width")
    QApplication.processEvents()
    assert program.window.reader.pane.width() > narrow
    assert "full_width = true" in mail.profile.settings.read_text()
