"""A list is left by one click: what is offered, what is asked first, and what is said of the answer."""

import time
from collections.abc import Callable, Iterator

import certs
import pytest
from gui_mail import Mail
from newsletter import evidence, newsletter
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot
from scripted import Conversation, Scripted

from mua import wire
from mua.engine.context import Context
from mua.engine.server import Client, Server
from mua.engine.unsubscribe import Post, unsubscribe
from mua.gui.app import Program
from mua.gui.engine_client import EngineClient
from mua.gui.message_pane import MessagePane
from mua.gui.palette import Choice, Palette
from mua.gui.places import Place
from mua.model.message import Flag, MessageId
from mua.net import https
from mua.store import lists, origin, read
from mua.store.db import VERSION

HERE = "Unsubscribe here"
Attach = Callable[[Post | None], None]


@pytest.fixture
def attach(program: Program, mail: Mail, qtbot: QtBot) -> Iterator[Attach]:
    """Connects the window with the engine's command, behind the engine's own socket."""
    context = Context(mail.store, mail.bodies, lambda _: "", lambda _: None)
    ends: list[Callable[[], object]] = []

    def connect(post: Post | None = None) -> None:
        def handle(_: Client, command: wire.Command) -> wire.Answer:
            if isinstance(command, wire.Unsubscribe):
                return unsubscribe(context, MessageId(command.message_id), post)
            return wire.Welcome(1, "0", schema=VERSION) if isinstance(command, wire.Hello) else wire.Done()

        server = Server(mail.profile.socket, handle, lambda: None)
        server.start()
        client = EngineClient(mail.profile, None)
        with qtbot.waitSignal(client.ready, timeout=60_000):
            client.start()
        program.desk.attach(client)
        ends.extend((client.close, server.stop))

    yield connect
    for end in ends:
        end()


def to_web(url_post: str, form: str) -> int:
    """The engine's way, but that a web server on this computer counts as one."""
    return https.post(url_post, form, timeout=20.0, ca_file=str(certs.authority().ca_file), allow_private=True)


def answer(raw: str) -> Callable[[Conversation], None]:
    def talk(conversation: Conversation) -> None:
        while conversation.line():
            pass
        assert conversation.read(26) == b"List-Unsubscribe=One-Click"
        conversation.send(f"HTTP/1.1 {raw}\r\nContent-Length: 0\r\n\r\n".encode())
        conversation._drop("")

    return talk


def shown(program: Program, mail: Mail, url: str, *, checked: bool = True, sign: bool = True) -> MessageId:
    """A newsletter in the inbox that is read; where ``checked``, with what its signature comes to."""
    raw = newsletter(url, sign=sign)
    account = read.accounts(mail.store.reader())[0].id
    made = mail.letter(account, mail.folders["INBOX"], raw, int(time.time()), Flag.SEEN)
    if checked:
        with mail.store.write() as tx:
            origin.set_evidence(tx, made, evidence(raw))
    program.desk.read_again(None, sidebar=True)
    program.desk.show_place(Place(folder=mail.folders["INBOX"]))
    assert program.window.listing.view.select(made)
    QApplication.processEvents()
    return made


def offered(program: Program) -> dict[str, Choice]:
    program.window.actions_["list"].trigger()
    palette = program.window.findChild(Palette)
    assert palette is not None
    found = {one.text: one for one in palette.shown()}
    palette.close()
    palette.setParent(None)
    return found


def pane_of(program: Program, message: MessageId) -> MessagePane:
    pane = program.window.reader.pane_of(message)
    assert pane is not None
    return pane


def buttons(pane: MessagePane) -> dict[str, QPushButton]:
    QApplication.processEvents()  # those that were made or withdrawn just now
    return {one.text(): one for one in pane.leaving.findChildren(QPushButton) if one.isVisible()}


def test_it_is_asked_sent_once_told_and_remembered(program: Program, mail: Mail, attach: Attach, qtbot: QtBot) -> None:
    attach(to_web)
    with Scripted("TLS: good", answer("200 OK")) as web:
        made = shown(program, mail, f"https://127.0.0.1:{web.port}/leave")
        choices = offered(program)
        assert list(choices)[:3] == [HERE, "Unsubscribe by mail", "Unsubscribe on its page"]
        assert choices[HERE].detail == "tells 127.0.0.1"
        pane = pane_of(program, made)
        assert pane.leaving.isHidden()
        choices[HERE].act()
        assert not pane.leaving.isHidden()
        assert "Tell 127.0.0.1 that you want no more mail of this list?" in pane.leaving.text()
        assert "news.example signed that" in pane.leaving.text()
        assert list(buttons(pane)) == ["Unsubscribe", "Do not"] and web.conversations == []
        press = buttons(pane)["Unsubscribe"]
        press.click()
        press.click()  # what a double click comes to
        said = list[str]()
        qtbot.waitUntil(lambda: said.append(pane.leaving.text()) or "took it" in said[-1])
        assert not any("before" in one for one in said) and buttons(pane) == {}
        assert len(web.conversations) == 1 and lists.unsubscribed_at(mail.store.reader(), made) > 0
    again = offered(program)
    assert HERE not in again and again["Unsubscribed"].detail == "told just now"
    again["Unsubscribed"].act()
    assert "nothing was sent again" in program.window.toast.text()


def test_do_not_sends_nothing_and_the_next_message_has_no_question(
    program: Program, mail: Mail, attach: Attach
) -> None:
    attach(None)
    made = shown(program, mail, "https://leave.news.example/1")
    offered(program)[HERE].act()
    pane = pane_of(program, made)
    buttons(pane)["Do not"].click()
    assert pane.leaving.isHidden()
    offered(program)[HERE].act()
    assert not pane.leaving.isHidden()
    other = shown(program, mail, "https://leave.news.example/other")
    assert pane_of(program, other).leaving.isHidden()
    assert lists.unsubscribed_at(mail.store.reader(), made) == 0


def test_what_was_not_taken_offers_the_other_ways(
    program: Program, mail: Mail, attach: Attach, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    visited: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: visited.append(url.toString()))
    attach(to_web)
    with Scripted("TLS: good", answer("303 See Other\r\nLocation: /done")) as web:
        url = f"https://127.0.0.1:{web.port}/leave"
        made = shown(program, mail, url)
        offered(program)[HERE].act()
        pane = pane_of(program, made)
        buttons(pane)["Unsubscribe"].click()
        qtbot.waitUntil(lambda: "points elsewhere (303)" in pane.leaving.text())
    assert list(buttons(pane)) == ["Unsubscribe by mail", "Open its page"] and visited == []
    buttons(pane)["Open its page"].click()
    assert visited == [url]
    assert HERE in offered(program)  # it may be tried again


def test_the_own_network_is_refused_and_said(program: Program, mail: Mail, attach: Attach, qtbot: QtBot) -> None:
    """The engine's own way, without the leave that the other tests have."""
    attach(None)
    made = shown(program, mail, "https://127.0.0.1:9/leave")
    offered(program)[HERE].act()
    pane = pane_of(program, made)
    buttons(pane)["Unsubscribe"].click()
    qtbot.waitUntil(lambda: "own network" in pane.leaving.text())
    assert list(buttons(pane)) == ["Unsubscribe by mail", "Open its page"]


@pytest.mark.parametrize(
    ("options", "why"), [({"checked": False}, "not checked here"), ({"sign": False}, "No signature covers all of it")]
)
def test_without_a_signature_there_are_the_other_ways_and_the_reason(
    program: Program, mail: Mail, options: dict[str, bool], why: str
) -> None:
    shown(program, mail, "https://leave.news.example/1", **options)
    choices = offered(program)
    assert list(choices) == ["Unsubscribe by mail", "Unsubscribe on its page", "Why not unsubscribe here?"]
    choices["Why not unsubscribe here?"].act()
    assert why in program.window.toast.text()
