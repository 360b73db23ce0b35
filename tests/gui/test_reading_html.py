"""HTML in the window: its own light card, quotes folded, links that lie, pictures from elsewhere."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from gui_mail import Mail
from PySide6.QtCore import QBuffer, QIODevice, QUrl
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtWebEngineCore import QWebEngineSettings
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from mua import wire
from mua.engine.context import Context
from mua.engine.reading import make_view
from mua.gui import deeds, link_bar
from mua.gui import preferences as prefs
from mua.gui.app import Program
from mua.gui.engine_client import EngineClient
from mua.gui.image_rules import ImageRules
from mua.gui.message_pane import MessagePane
from mua.gui.places import Place
from mua.gui.text_view import TextView
from mua.gui.theme import theme
from mua.gui.web_page import LONG
from mua.gui.web_view import WebView
from mua.gui.writing import Kind
from mua.mime.remote import image_name
from mua.model.journey import Trust
from mua.model.message import Flag, MessageId
from mua.store import origin

TABLE = '<table width="100%"><tr><td style="padding:40px">{}</td></tr></table>'
QUOTED = "<p>New words</p><p>On Mon, 3 Nov 2025, Ann wrote:</p><blockquote type=cite>old words</blockquote>"
PICTURE = "https://pictures.test/red.png"


@pytest.fixture
def read(program: Program, mail: Mail, qtbot: QtBot) -> Callable[..., MessagePane]:
    """Put a letter of this HTML into the inbox and read it; the pane, once it is shown."""
    program._furnish()

    def show(html: str, sender: str = "Shop <shop@example.org>", above: str = "") -> MessagePane:
        when = int(time.time()) + 60
        raw = f"{above}From: {sender}\r\nSubject: Look\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}".encode()
        home = next(one.id for one in program.desk.accounts if one.email != "work@corp.example")
        key = mail.letter(home, mail.folders["INBOX"], raw, when, Flag.SEEN)
        program.desk.read_again(None, True)
        program.desk.listing.view.select(key)
        pane = program.desk.reader.pane
        assert pane.row is not None and pane.row.id == key
        if pane.body.is_web:
            loaded(pane, qtbot)
        return pane

    return show


@pytest.fixture(autouse=True)
def light() -> Iterator[None]:
    theme().apply(False)
    yield
    theme().apply(False)


def loaded(pane: MessagePane, qtbot: QtBot) -> None:
    assert pane.body.web is not None
    page = pane.body.web.page()
    qtbot.waitUntil(
        lambda: bool(page.title() is not None and not page.isLoading() and page.contentsSize().height() > 0)
    )
    qtbot.wait(100)


def ground(pane: MessagePane, qtbot: QtBot, wanted: Callable[[QColor], bool]) -> None:
    """Wait until the middle of the lower part of the page has a colour."""
    web = pane.body.web
    assert web is not None

    def seen() -> bool:
        picture = web.grab().toImage()
        return wanted(picture.pixelColor(picture.width() // 2, picture.height() - 20))

    qtbot.waitUntil(seen)


def words_of(pane: MessagePane, qtbot: QtBot) -> str:
    """What a person can read of the page; asked again when another one comes: Qt has forgotten then whom to tell."""
    told: list[str] = []
    assert pane.body.web is not None
    page = pane.body.web.page()

    def ask(_: object = None) -> None:
        page.toPlainText(told.append)

    page.loadFinished.connect(ask)
    ask()
    qtbot.waitUntil(lambda: bool(told))
    page.loadFinished.disconnect(ask)
    return told[0]


def button(parent: QWidget, words: str) -> QPushButton:
    return next(one for one in parent.findChildren(QPushButton) if one.text() == words and one.isVisibleTo(parent))


def buttons(parent: QWidget) -> list[str]:
    QApplication.processEvents()
    return [one.text() for one in parent.findChildren(QPushButton) if one.isVisibleTo(parent) and one.text()]


# ---- light and dark


def test_a_mail_keeps_its_light_card_in_a_dark_window_until_asked(
    read: Callable[..., MessagePane], qtbot: QtBot
) -> None:
    pane = read(TABLE.format("A letter"))
    theme().apply(True)
    ground(pane, qtbot, lambda colour: colour.lightness() > 240)
    assert pane.body.toggle_original()
    ground(pane, qtbot, lambda colour: colour.lightness() < 80)
    assert pane.body.toggle_original()
    ground(pane, qtbot, lambda colour: colour.lightness() > 240)


def test_who_speaks_of_dark_screens_is_shown_dark_and_light_when_asked(
    read: Callable[..., MessagePane], qtbot: QtBot
) -> None:
    style = "<style>@media (prefers-color-scheme: dark){body{background:#102030!important;color:#fff}}</style>"
    pane = read(style + TABLE.format("Both"))
    ground(pane, qtbot, lambda colour: colour.lightness() > 240)
    theme().apply(True)
    ground(pane, qtbot, lambda colour: colour.name() == "#102030")
    pane.body.toggle_original()
    ground(pane, qtbot, lambda colour: colour.lightness() > 240)


def test_simple_mail_follows_the_window_and_has_an_original(read: Callable[..., MessagePane], qtbot: QtBot) -> None:
    pane = read("<p>Plain and <b>simple</b></p>")
    assert not pane.body.toggle_original()  # in a light window all is one
    theme().apply(True)
    assert not pane.body.is_web
    assert pane.body.toggle_original()
    assert pane.body.is_web
    ground(pane, qtbot, lambda colour: colour.lightness() > 240)


# ---- quotes


def test_a_quote_is_one_line_until_it_is_opened(read: Callable[..., MessagePane], program: Program) -> None:
    text = read(QUOTED).body.text
    assert "New words" in text.toPlainText() and "old words" not in text.toPlainText()
    assert "Show earlier messages" in text.toPlainText()
    text.anchorClicked.emit(QUrl("mua-fold:"))
    assert "old words" in text.toPlainText() and "Hide earlier messages" in text.toPlainText()
    program.window.actions_["quotes"].trigger()
    assert "old words" not in text.toPlainText()
    assert (
        "old words"
        in read(
            "<p>Another</p>" + "<blockquote type=cite>old words</blockquote><p>an answer</p>"
        ).body.text.toPlainText()
    )


def test_the_same_in_the_browser(read: Callable[..., MessagePane], program: Program, qtbot: QtBot) -> None:
    pane = read(TABLE.format("Head") + QUOTED)
    assert "old words" not in words_of(pane, qtbot)
    program.window.actions_["quotes"].trigger()
    qtbot.waitUntil(lambda: "old words" in words_of(pane, qtbot))
    program.window.actions_["quotes"].trigger()
    qtbot.waitUntil(lambda: "old words" not in words_of(pane, qtbot))


def test_a_tab_comes_back_to_where_its_page_was_scrolled(
    read: Callable[..., MessagePane], program: Program, mail: Mail, qtbot: QtBot
) -> None:
    pane, window, tabs = read(TABLE.format("<p>line</p>" * 200)), program.window, program.desk.tabs
    assert tabs is not None and pane.body.web is not None
    program.window.actions_["open_tab"].trigger()
    assert pane.body.web.isAncestorOf(window.focusWidget())
    pane.body.web.ask("window.scrollTo(0, 300)", lambda _: None)
    qtbot.waitUntil(lambda: window.reader.depth() == 300)
    tabs.open_place(Place(folder=mail.folders["Archive"]))
    assert window.reader.row is None
    with qtbot.waitSignal(pane.body.web.loadFinished, timeout=60_000):
        tabs.turn(1)
    assert window.alone
    qtbot.waitUntil(lambda: window.reader.depth() == 300)


def test_plain_text_is_folded_too(qapp: QApplication, qtbot: QtBot) -> None:
    from mua.model.message import MessageView

    view = TextView(lambda _: None)
    qtbot.addWidget(view)
    text = "New\n\nOn Monday, Ann wrote:\n> old\n> > older\n"
    view.show_view(MessageView((), (), (), (), "", None, "", text, "", (), ()))
    assert view.toPlainText().split() == ["New", "Show", "earlier", "messages"]
    view.toggle_quotes()
    assert "older" in view.toPlainText()


# ---- links


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was given to the desktop's browser."""
    found: list[str] = []
    monkeypatch.setattr(deeds.QDesktopServices, "openUrl", lambda url: found.append(url.toString()))
    return found


def test_a_link_that_says_another_host_is_asked_about(
    read: Callable[..., MessagePane], program: Program, opened: list[str]
) -> None:
    pane = read(
        '<p><a href="https://evil.test/x">https://bank.example/login</a> <a href="https://b.test/">Here</a></p>'
    )
    program.desk.reader.link_clicked.emit("https://b.test/")
    assert opened == ["https://b.test/"] and not pane.link.isVisibleTo(pane)
    program.desk.reader.link_clicked.emit("https://evil.test/x")
    assert opened == ["https://b.test/"]
    assert pane.link.isVisibleTo(pane)
    assert "bank.example" in pane.link.text() and "leads to evil.test" in pane.link.text()
    button(pane.link, "Do not open").click()
    assert not pane.link.isVisibleTo(pane) and len(opened) == 1
    program.desk.reader.link_clicked.emit("https://evil.test/x")
    button(pane.link, "Open evil.test").click()
    assert opened[1:] == ["https://evil.test/x"]


@pytest.mark.parametrize(
    "link",
    ["file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "smb://h/x", "ms-word:x", "cid:1", "mua-mail:/1",
     "mailbox:///x", "ftp://h.test/", "x-custom:1", "FILE:///etc/passwd"],
)  # fmt: skip
def test_other_schemes_open_nothing(program: Program, opened: list[str], link: str) -> None:
    program._furnish()
    program.desk.deeds.follow_link(link)
    program.desk.deeds.open_link(link)
    assert opened == []


def test_a_host_of_other_letters_is_named_as_it_is_looked_up(
    read: Callable[..., MessagePane], program: Program, opened: list[str]
) -> None:
    pane = read('<p><a href="https://b\u0430nk.example/">My bank</a></p>')
    program.desk.reader.link_clicked.emit("https://xn--bnk-6cd.example/")
    assert opened == [] and "xn--bnk-6cd.example" in pane.link.text()
    assert link_bar.hint("https://b\u0430nk.example/a") == "https://xn--bnk-6cd.example/a"
    wrapped = "https://x.safelinks.protection.outlook.com/?url=https%3A%2F%2Fshop.test%2F"
    assert link_bar.hint(wrapped) == "https://shop.test/ (through Microsoft Safe Links)"


def test_a_clean_link_can_be_copied(qapp: QApplication) -> None:
    menu = QMenu()
    link_bar.offer_copies(menu, "https://a.test/?id=1&utm_source=mail")
    assert [one.text() for one in menu.actions()] == ["Copy link", "Copy clean link"]
    menu.actions()[1].trigger()
    assert QGuiApplication.clipboard().text() == "https://a.test/?id=1"
    plain = QMenu()
    link_bar.offer_copies(plain, "https://a.test/?id=1")
    assert [one.text() for one in plain.actions()] == ["Copy link"]


# ---- pictures from elsewhere


def red(colour: int = 0xFF0000) -> bytes:
    picture = QImage(8, 8, QImage.Format.Format_RGB32)
    picture.fill(colour)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(buffer.data().data())


def is_red(pane: MessagePane) -> bool:
    picture = pane.body.web.grab().toImage() if pane.body.web is not None else QImage()
    return any(
        picture.pixelColor(x, y).name() == "#ff0000" for x in range(0, picture.width(), 9) for y in range(0, 200, 9)
    )


def stays_without(pane: MessagePane, qtbot: QtBot) -> None:
    """The picture is not shown; the page before is seen until this one is painted."""
    qtbot.waitUntil(lambda: not is_red(pane))
    qtbot.wait(300)
    assert not is_red(pane)


def test_the_bar_names_who_was_not_asked(read: Callable[..., MessagePane]) -> None:
    pane = read(
        f'<img src="{PICTURE}"><img src="https://a.list-manage.com/o.gif"><img src="http://dot.test/" width=1 height=1>'
    )
    bar = pane.remote
    assert bar.isVisibleTo(pane)
    assert bar.text() == "Wanted to reach: 3 hosts, 2 trackers. Nothing was asked."
    button(bar, "Which?").click()
    assert "a.list-manage.com (tracker: Mailchimp)" in bar.text()
    assert "dot.test (a picture too small to be seen)" in bar.text()
    assert "pictures.test" in bar.text()
    assert "Load images" in buttons(bar)
    assert not read("<p>Nothing</p>").remote.isVisibleTo(pane)
    only = read('<table><tr><td>x<img src="http://dot.test/" width=1 height=1></table>')
    assert "Load images" not in buttons(only.remote)


def test_pictures_are_shown_when_asked_for_and_not_in_the_next_mail(
    read: Callable[..., MessagePane], program: Program, mail: Mail, qtbot: QtBot
) -> None:
    """The file is there, as the engine leaves it; it is served only to a page whose pictures the person asked for."""
    mail.profile.pictures.mkdir()
    (mail.profile.pictures / image_name(PICTURE)).write_bytes(red())
    html = f'<img src="{PICTURE}" width="300" height="150">'
    pane = read(html)
    qtbot.wait(300)
    assert not is_red(pane)
    button(pane.remote, "Load images").click()
    qtbot.waitUntil(lambda: is_red(pane))
    assert "Its pictures are shown." in pane.remote.text()
    other = read(html)
    stays_without(other, qtbot)
    assert "Nothing was asked." in other.remote.text()


def test_a_page_gets_no_picture_by_naming_it(qapp: QApplication, qtbot: QtBot) -> None:
    """Even if the sanitiser had let it through: neither the policy nor the server gives it away."""
    asked: list[str] = []
    web = WebView(lambda name: asked.append(name) or red())  # type: ignore[func-returns-value]
    web.resize(300, 300)
    web.show()
    with qtbot.waitSignal(web.loadFinished, timeout=60_000):
        web.show_page(
            f'<img src="mua-image:{image_name(PICTURE)}"><style>p{{background:url(mua-image:x)}}</style><p>x</p>'
        )
    qtbot.wait(300)
    assert asked == []
    web.close_down()
    web.close()


def test_a_mail_never_shows_the_picture_that_another_one_carried_under_the_same_name(
    qapp: QApplication, qtbot: QtBot
) -> None:
    given: list[bytes] = []
    web = WebView(lambda _: given.append(pictures[len(given)]) or given[-1])  # type: ignore[func-returns-value]
    web.resize(300, 300)
    web.show()
    pictures = [red(), red(0x0000FF)]
    for number in range(2):
        with qtbot.waitSignal(web.loadFinished, timeout=60_000):
            web.show_page(f'<img src="cid:logo" width="99" height="99">{number}')
    assert given == pictures
    web.close_down()
    web.close()


PROVEN = (
    "Authentication-Results: mx.home.test; dkim=pass header.d=example.org\r\n"
    "Received: from out.example.org (out.example.org [203.0.113.9])\r\n by mx.home.test with ESMTPS id 1;"
    " Mon, 3 Nov 2025 10:00:00 +0000\r\n"
)


def test_a_senders_pictures_are_loaded_where_it_is_proven_that_they_are_his(
    read: Callable[..., MessagePane], program: Program, mail: Mail, qtbot: QtBot
) -> None:
    """And not in mail of which nothing proves who sent it, whatever its From says."""
    mail.profile.pictures.mkdir()
    (mail.profile.pictures / image_name(PICTURE)).write_bytes(red())
    home = next(one.id for one in program.desk.accounts if one.email != "work@corp.example")
    with mail.store.write() as tx:
        origin.set_trust(tx, home, Trust(frozenset({"home.test"})), 1)
    html = f'<img src="{PICTURE}" width="300" height="150">'
    pane = read(html, above=PROVEN)
    qtbot.wait(300)
    assert not is_red(pane)
    button(pane.remote, "Always for this sender").click()
    qtbot.waitUntil(lambda: is_red(pane))
    assert prefs.load(mail.profile).image_senders == ("shop@example.org",)
    assert is_shown(read(html, "Shop <Shop@example.org>", PROVEN), qtbot)
    forged = read(html)
    stays_without(forged, qtbot)
    assert "Nothing proves that it is from this sender." in forged.remote.text()
    for sender in ("Shop <shop@example.org>, Other <other@example.org>", "shop@example.org <evil@evil.test>"):
        other = read(html, sender, PROVEN)
        stays_without(other, qtbot)
    proven = read(html, above=PROVEN)
    assert is_shown(proven, qtbot)
    button(proven.remote, "Not always").click()
    assert prefs.load(mail.profile).image_senders == ()
    qtbot.waitUntil(lambda: not is_red(proven))


def is_shown(pane: MessagePane, qtbot: QtBot) -> bool:
    qtbot.waitUntil(lambda: is_red(pane))
    return True


def test_a_sender_is_removed_in_the_settings(program: Program, mail: Mail) -> None:
    program._furnish()
    kept = replace(program.desk.preferences, image_senders=("a@a.test", "b@b.test"))
    program.desk.change_preferences(kept)
    rules = ImageRules(
        program.desk.preferences,
        lambda **changed: program.desk.change_preferences(replace(program.desk.preferences, **changed)),
    )
    assert list(rules.senders.rows) == ["a@a.test", "b@b.test"]
    rules.senders.remove("a@a.test")
    assert prefs.load(mail.profile).image_senders == ("b@b.test",)
    rules.offer.choose("never")
    assert prefs.load(mail.profile).remote_images is prefs.RemoteImages.NEVER
    rules.deleteLater()


def test_who_never_wants_pictures_is_offered_none(read: Callable[..., MessagePane], program: Program) -> None:
    never = replace(program.desk.preferences, remote_images=prefs.RemoteImages.NEVER)
    program.desk.change_preferences(never)
    pane = read(f'<img src="{PICTURE}">')
    assert buttons(pane.remote) == ["Which?"]


def test_of_a_very_long_page_the_beginning_is_shown_until_all_is_asked_for(
    read: Callable[..., MessagePane], qtbot: QtBot
) -> None:
    pane = read(TABLE.format("First") + "<p class='x'>Words between.</p>" * 20_000 + "<p>The end</p>")
    assert pane.long.isVisible() and pane.isAncestorOf(pane.long)
    assert "The end" not in words_of(pane, qtbot)
    button(pane.long, "Show all").click()
    loaded(pane, qtbot)
    qtbot.waitUntil(lambda: "The end" in words_of(pane, qtbot))
    assert not pane.long.isVisible()
    assert not read(TABLE.format("Short")).long.isVisible()


class Line:
    """To an engine in this process, which makes views when it is told to."""

    def __init__(self, mail: Mail) -> None:
        self._context = cast(Context, SimpleNamespace(store=mail.store, bodies=mail.bodies))
        self.asked: list[tuple[wire.OpenMessage, Callable[[wire.Answer], None]]] = []

    def ask(self, command: wire.Command, then: Callable[[wire.Answer], None], _: object) -> None:
        if isinstance(command, wire.OpenMessage):
            self.asked.append((command, then))

    def answer(self) -> wire.OpenMessage:
        command, then = self.asked.pop(0)
        make_view(self._context, MessageId(command.message_id), command.beginning)
        then(wire.Done())
        return command


@pytest.fixture
def line(program: Program, mail: Mail) -> Line:
    program._furnish()
    program.desk.client = cast(EngineClient, made := Line(mail))
    return made


@pytest.fixture
def unread(program: Program, mail: Mail) -> Callable[..., MessagePane]:
    """Choose a letter that nobody has read yet."""

    def show(body: str, kind: str = "html", above: str = "From: a@example.org\r\n") -> MessagePane:
        raw = f"{above}Subject: Much\r\nContent-Type: text/{kind}; charset=utf-8\r\n\r\n{body}".encode()
        home, when = program.desk.accounts[0].id, int(time.time()) + 60 + len(mail.folders)
        key = mail.letter(home, mail.folders["INBOX"], raw, when, Flag.SEEN, with_view=False)
        program.desk.read_again(None, True)
        program.desk.listing.view.select(key)
        pane = program.desk.reader.pane
        assert pane.row is not None and pane.row.id == key and pane.view is None
        return pane

    return show


def test_the_beginning_of_a_large_mail_is_read_while_the_whole_is_made(
    unread: Callable[..., MessagePane], line: Line, program: Program, qtbot: QtBot
) -> None:
    pane = unread(TABLE.format("First") + f'<img src="{PICTURE}"><p>Words between.</p>' * 6_000 + "<p>The end")
    assert line.answer().beginning
    assert pane.view is None and pane.begun is not None and pane.body.web is not None
    loaded(pane, qtbot)
    assert "First" in words_of(pane, qtbot) and pane.remote.isVisible()
    assert pane.long.isVisible() and pane.isAncestorOf(pane.long)
    page, pages = pane.body.web.page(), list[object]()
    page.loadStarted.connect(lambda: pages.append(1))
    pane.body.web.ask("window.scrollTo(0, 700)", lambda _: None)
    qtbot.waitUntil(lambda: page.scrollPosition().y() > 600)
    program.desk.deeds.write(Kind.REPLY)
    assert "its text must be here" in program.window.toast._text.text()
    seen = words_of(pane, qtbot)
    assert not line.answer().beginning and not line.asked
    assert pane.view is not None and len(pane.view.html) > LONG and "The end" in pane.body.shown_text()
    assert words_of(pane, qtbot) == seen and not pages and page.scrollPosition().y() > 600
    button(pane.long, "Show all").click()
    qtbot.waitUntil(lambda: "The end" in words_of(pane, qtbot))
    assert not pane.long.isVisible()


def test_a_beginning_is_met_with_the_same_caution_as_the_whole(
    unread: Callable[..., MessagePane], line: Line, program: Program, opened: list[str], mail: Mail
) -> None:
    """A lying link is asked about, a failed check and an odd header are told; nobody agrees to hosts unseen."""
    with mail.store.write() as tx:
        origin.set_trust(tx, program.desk.accounts[0].id, Trust(frozenset({"home.test"})), 1)
    above = "Authentication-Results: mx.home.test; dmarc=fail header.from=example.org\r\n" + PROVEN.partition("\n")[2]
    lies = f'<a href="https://evil.test/x">https://bank.example/login</a><img src="{PICTURE}">'
    pane = unread(
        TABLE.format(lies) + "<p class='x'>Words between.</p>" * 10_000,
        above=above + "From: a@example.org\r\nSubject: One\r\n",
    )
    line.answer()
    assert pane.view is None and pane.begun is not None
    program.desk.reader.link_clicked.emit("https://evil.test/x")
    assert opened == [] and "leads to evil.test" in pane.link.text()
    assert "1 host" in pane.remote.text() and "Load images" not in buttons(pane.remote)
    assert "repeats a field" in pane.warnings.text()
    told = [one.text() for one in pane.header.lines.findChildren(QLabel)]
    line.answer()
    assert pane.view is not None and "Load images" in buttons(pane.remote)
    assert any("DMARC fail" in one for one in told)


def test_where_the_whole_looks_otherwise_it_takes_the_place_of_the_beginning(
    unread: Callable[..., MessagePane], line: Line, qtbot: QtBot
) -> None:
    pane = unread(TABLE.format("First") + "<p class='x'>Words between.</p>" * 10_000 + "<p>The end")
    line.answer()
    loaded(pane, qtbot)
    assert pane.body.web is not None
    page = pane.body.web.page()
    pane.body.web.ask("window.scrollTo(0, 700)", lambda _: None)
    qtbot.waitUntil(lambda: page.scrollPosition().y() > 600)
    line.answer()
    qtbot.waitUntil(lambda: "The end" in words_of(pane, qtbot))
    qtbot.waitUntil(lambda: page.scrollPosition().y() > 600)
    assert not pane.long.isVisible()


def test_a_large_text_is_shown_once(unread: Callable[..., MessagePane], line: Line, qtbot: QtBot) -> None:
    pane = unread("".join(f"{number} words on a line\n" for number in range(60_000)), "plain")
    line.answer()
    assert pane.view is None and "7 words on a line" in pane.body.text.toPlainText()
    changes = list[object]()
    pane.body.text.textChanged.connect(lambda: changes.append(1))
    pane.body.text._adding.stop()
    line.answer()
    assert pane.view is not None and len(pane.view.text) > 1_300_000 and not changes
    assert pane.body.shown_text() is pane.view.text


def test_the_whole_of_what_is_left_is_not_made(
    unread: Callable[..., MessagePane], line: Line, program: Program, qtbot: QtBot
) -> None:
    left = unread(TABLE.format("First") + "<p class='x'>Words between.</p>" * 20_000).row
    rows = program.desk.listing.model.rows
    program.desk.listing.view.select(next(key for key in rows if key > 0 and left is not None and key != left.id))
    line.answer()
    assert not [one for one, _ in line.asked if not one.beginning]
    pane = unread("<p>Short")
    line.answer()
    assert pane.view is not None and pane.begun is None and not line.asked


def test_the_surface_stays_from_page_to_page(read: Callable[..., MessagePane], qtbot: QtBot) -> None:
    """A new one is black until something is painted on it, and makes each page slower."""
    surfaces = set[object]()
    for number in range(3):
        web = read(TABLE.format(f"Words {number}")).body.web
        assert web is not None
        surfaces.add(web.focusProxy())
    assert len(surfaces) == 1


def test_a_very_long_text_is_there_to_its_end(qapp: QApplication, qtbot: QtBot) -> None:
    """Laid out in pieces: the first at once, the others while nothing else is to be done."""
    from mua.model.message import MessageView

    view = TextView(lambda _: None)
    qtbot.addWidget(view)
    text = "".join(f"{number} words on a line\n" for number in range(8_000)) + "\n" + "A paragraph.\n\n" * 3_000 + "End"
    view.show_view(MessageView((), (), (), (), "", None, "", text, "", (), ()))
    assert "End" not in view.toPlainText()
    qtbot.waitUntil(lambda: view.toPlainText().rstrip().endswith("End"))
    assert view.toPlainText().split() == text.split()
    view.show_view(MessageView((), (), (), (), "", None, "", "Another", "", (), ()))
    qtbot.wait(50)
    assert view.toPlainText() == "Another"


def test_the_neighbours_of_what_is_read_are_made_ready(program: Program, qtbot: QtBot) -> None:
    program._furnish()
    listing, library = program.desk.listing, program.desk.library
    rows = [key for key in listing.model.rows if key > 0]
    listing.view.select(rows[1])
    qtbot.waitUntil(lambda: {rows[0], rows[2]} <= set(library._ready))
    held = library._ready[rows[2]]
    listing.view.select(rows[2])
    assert program.desk.reader.view is held
    assert program.desk.reader.web is not None  # a newsletter is among them: its browser was started ahead
    program.desk.read_again(None, False)
    assert not library._ready


# ---- what a hostile page cannot do


def test_a_page_cannot_paint_outside_its_frame(
    read: Callable[..., MessagePane], program: Program, qtbot: QtBot
) -> None:
    pane = read(
        '<div style="position:fixed;top:-900px;left:-900px;width:9000px;height:9000px;background:#ff00ff;z-index:99">'
        '</div><table style="position:absolute;top:-500px;width:3000px;height:3000px;background:#ff00ff"><tr><td>x'
    )
    ground(pane, qtbot, lambda colour: colour.name() == "#ff00ff")
    assert pane.body.web is not None
    window = program.window.grab().toImage()
    frame = pane.body.web.rect().translated(pane.body.web.mapTo(program.window, pane.body.web.rect().topLeft()))
    for x in range(0, window.width(), 7):
        for y in range(0, window.height(), 7):
            assert frame.contains(x, y) or window.pixelColor(x, y).name() != "#ff00ff"


def test_the_window_lives_on_when_the_browsers_process_ends(read: Callable[..., MessagePane], qtbot: QtBot) -> None:
    pane = read(TABLE.format("Fatal words"))
    assert pane.body.web is not None
    with qtbot.waitSignal(pane.body.died, timeout=30_000):
        os.kill(pane.body.web.page().renderProcessPid(), signal.SIGKILL)
    assert not pane.body.is_web and "Fatal words" in pane.body.text.toPlainText()
    assert "brought its browser down" in pane.problem.text() and pane.problem.isVisibleTo(pane)
    other = read(TABLE.format("Other words"))
    assert other.body.is_web and "Other words" in words_of(other, qtbot)
    assert not other.problem.isVisibleTo(other)


@pytest.mark.parametrize(
    "text",
    ['http://"><img src=x onerror=evil()>', "https://a.test/<script>evil()</script>",
     "www.a.test\"onmouseover='evil()'", "mailto:a@b.test?x=\"><b>evil()", "http://a.test/'><svg/onload=evil()>"],
)  # fmt: skip
def test_what_looks_like_a_link_in_a_text_stays_text(qapp: QApplication, qtbot: QtBot, text: str) -> None:
    from mua.model.message import MessageView

    view = TextView(lambda _: None)
    qtbot.addWidget(view)
    view.show_view(MessageView((), (), (), (), "", None, "", text, "", (), ()))
    assert view.toPlainText() == text
    assert "<img" not in view.toHtml() and "<svg" not in view.toHtml() and "<script" not in view.toHtml()


def test_a_picture_between_paragraphs_has_a_line_of_its_own(read: Callable[..., MessagePane]) -> None:
    """Qt's text widget puts one behind the words before it."""
    picture = "<img src='data:image/png;base64,iVBORw0KGgo='>"
    pane = read(f"<p>Above</p>\n\n{picture}<p>Between</p><a href='https://a.test/'>{picture}</a><p>Below {picture}</p>")
    assert not pane.body.is_web
    lines = [line.strip("\u200b ") for line in pane.body.text.toPlainText().split("\n")]
    assert lines == ["Above", "\ufffc", "Between", "\ufffc", "Below \ufffc"]


def test_an_author_s_font_that_is_not_here_becomes_the_reader_s(read: Callable[..., MessagePane]) -> None:
    pane = read(TABLE.format("<p style='font-family:Nowhere'>Words</p>"))
    assert pane.body.web is not None
    standard = QWebEngineSettings.FontFamily.StandardFont
    assert pane.body.web.page().settings().fontFamily(standard) == pane.body.web.font().family() != ""
