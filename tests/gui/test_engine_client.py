"""The window with its real engine, a process of its own: acting, undo, death and return."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gui_mail import HOUR, Mail, letter
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from mua import wire
from mua.__main__ import child_environment
from mua.engine.server import CLIENTS, Server
from mua.gui import engine_client, single
from mua.gui.app import Options, Program
from mua.gui.engine_client import EngineClient
from mua.gui.places import Place
from mua.model.account import Account, AccountId
from mua.model.folder import FolderId, Role
from mua.model.message import Flag, MessageId
from mua.paths import Profile
from mua.store import read, write
from mua.store.db import VERSION


class Rig:
    """A program with its engine over a local account of five letters."""

    def __init__(self, root: Path, qtbot: QtBot) -> None:
        self.qtbot, self.pid = qtbot, 0
        self.folders = _seed(root)
        self.profile = Profile(root)
        self.engines: list[subprocess.Popen[bytes]] = []
        self.program = Program(self.profile, Options(self.start_engine))
        self.program.leave_alone()
        self.program.show()
        self.program.desk.show_place(Place(folder=self.folders["Inbox"]))
        self.client = EngineClient(self.profile, self.start_engine, self.program)
        self.client.ready.connect(self._ready)
        self.program.client = self.client
        self.program.desk.attach(self.client)
        self.client.start()
        self.wait(lambda: self.client.is_ready)

    def start_engine(self) -> None:
        command = [sys.executable, "-P", "-m", "mua", "--profile", str(self.profile.root), "engine"]
        self.engines.append(subprocess.Popen(command, env=child_environment(), stderr=subprocess.DEVNULL))

    def _ready(self, welcome: wire.Welcome) -> None:
        self.pid = welcome.pid

    def wait(self, condition: object) -> None:
        self.qtbot.waitUntil(condition)  # type: ignore[arg-type]

    def ids(self) -> list[int]:
        return [key for key in self.program.window.listing.model.rows if key > 0]

    def trigger(self, name: str) -> None:
        self.program.window.actions_[name].trigger()

    def close(self) -> None:
        self.client.ask(wire.Shutdown(), lambda _: self.client.close(), lambda _: self.client.close())
        self.program.window.close()
        for engine in self.engines:
            self.wait(lambda one=engine: one.poll() is not None)
        self.program.end()
        self.program.window.deleteLater()
        self.program.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _seed(root: Path) -> dict[str, FolderId]:
    mail = Mail(root)
    with mail.store.write() as tx:
        account = write.add_account(tx, Account(AccountId(0), "Here", "maya@example.org"))
        for name, role in (
            ("Inbox", Role.INBOX),
            ("Archive", Role.ARCHIVE),
            ("Trash", Role.TRASH),
            ("Junk", Role.JUNK),
        ):
            mail.folders[name] = write.put_folder(tx, account, name, role=role, local=True)
    for number in range(5):
        when = int(time.time() - (number + 1) * HOUR)
        raw = letter("Tomas", "tomas@example.net", f"Letter {number}", f"Text {number}.", when, number=number)
        mail.letter(account, mail.folders["Inbox"], raw, when, Flag(0), with_view=False)
    mail.close()
    return mail.folders


@pytest.fixture
def rig(tmp_path: Path, qtbot: QtBot) -> Iterator[Rig]:
    made = Rig(tmp_path / "p", qtbot)
    yield made
    made.close()


def test_a_message_without_a_view_is_made_and_shown(rig: Rig) -> None:
    rig.program.window.listing.view.select(rig.ids()[0])
    rig.wait(lambda: rig.program.window.reader.text.toPlainText() == "Text 0.")
    rig.wait(lambda: rig.program.window.listing.model.card(1).unread is False)  # type: ignore[union-attr]


def test_archive_and_undo(rig: Rig) -> None:
    before = rig.ids()
    rig.program.window.listing.view.select(before[1])
    rig.trigger("archive")
    rig.wait(lambda: rig.ids() == [before[0], *before[2:]])
    assert rig.program.window.listing.view.current_id() == before[2]
    rig.wait(lambda: "rchived" in rig.program.window.toast.text())
    rig.trigger("undo")
    rig.wait(lambda: rig.ids() == before)
    rig.wait(lambda: "Undone" in rig.program.window.toast.text())


def test_star_junk_and_delete_many(rig: Rig) -> None:
    before = rig.ids()
    rig.program.window.listing.view.select(before[0])
    rig.trigger("star")
    rig.wait(lambda: rig.program.window.listing.model.card(1).starred)  # type: ignore[union-attr]
    rig.trigger("star")
    rig.wait(lambda: not rig.program.window.listing.model.card(1).starred)  # type: ignore[union-attr]
    rig.trigger("junk")
    rig.wait(lambda: rig.ids() == before[1:])
    rig.trigger("select_all")
    rig.trigger("delete")
    rig.wait(lambda: rig.ids() == [])
    assert rig.program.window.listing._empty.accessibleName().startswith("Nothing in the inbox")
    rig.trigger("undo")
    rig.wait(lambda: rig.ids() == before[1:])
    rig.trigger("undo")
    rig.wait(lambda: rig.ids() == before)


def test_twenty_five_acts_are_taken_back_one_by_one(rig: Rig) -> None:
    one = MessageId(rig.ids()[0])
    acting = rig.program.desk.acting
    for number in range(25):
        if number % 2:
            acting.flag([one], remove=Flag.FLAGGED)
        else:
            acting.flag([one], add=Flag.FLAGGED)
    rig.wait(lambda: len(acting._done) == 25)
    undone: list[bool] = []
    for number in reversed(range(25)):
        rig.trigger("undo")
        wanted = bool(number % 2)
        rig.wait(lambda wanted=wanted: rig.program.library.db and _starred(rig, one) is wanted)
        undone.append(wanted)
    assert len(undone) == 25


def _starred(rig: Rig, one: MessageId) -> bool:
    row = read.row(rig.program.library.db, one)  # type: ignore[arg-type]
    return row is not None and bool(row.flags & Flag.FLAGGED)


def test_junk_and_back_is_one_key_and_teaches_the_server(rig: Rig) -> None:
    before = rig.ids()
    one, desk = MessageId(before[0]), rig.program.desk

    def flags() -> Flag:
        row = read.row(rig.program.library.db, one)  # type: ignore[arg-type]
        assert row is not None
        return row.flags & (Flag.JUNK | Flag.NOT_JUNK)

    rig.program.window.listing.view.select(one)
    rig.trigger("junk")
    rig.wait(lambda: one not in rig.ids())
    assert flags() == Flag.JUNK
    rig.trigger("undo")
    rig.wait(lambda: rig.ids() == before)
    assert flags() == Flag(0)
    desk.acting.junk([one])
    rig.wait(lambda: one not in rig.ids())
    desk.show_place(Place(folder=rig.folders["Junk"]))
    assert rig.program.window.actions_["junk"].text() == "Not junk"
    rig.program.window.listing.view.select(one)
    rig.trigger("junk")
    rig.wait(lambda: rig.ids() == [])
    assert flags() == Flag.NOT_JUNK
    desk.show_place(Place(folder=rig.folders["Inbox"]))
    assert rig.ids() == before


def test_move_by_typing(rig: Rig) -> None:
    before = rig.ids()
    rig.program.window.listing.view.select(before[4])
    rig.program.desk.acting.move([MessageId(before[4])], rig.folders["Trash"])
    rig.wait(lambda: rig.ids() == before[:4])
    db = rig.program.library.db
    assert db is not None
    assert list(read.folder_order(db, rig.folders["Trash"])) == [before[4]]


def test_search_finds_and_leaves(rig: Rig) -> None:
    rig.client.ask(wire.Sync(complete=True))
    before = rig.ids()

    def found() -> bool:
        rig.program.desk.finding.search("letter 3")
        return rig.ids() == [before[3]]

    rig.wait(found)
    rig.program.window.listing.search.setText("")
    rig.program.desk.finding.search("")
    assert rig.ids() == before


def test_the_engine_is_killed_and_comes_back(rig: Rig) -> None:
    before, first = rig.ids(), rig.pid
    rig.program.window.listing.view.select(before[2])
    os.kill(first, signal.SIGKILL)
    rig.wait(lambda: not rig.program.window.banner.isHidden())
    assert "Nothing is lost" in rig.program.window.banner.text()
    rig.trigger("archive")
    rig.wait(lambda: rig.pid != first and rig.client.is_ready)
    assert rig.program.window.banner.isHidden()
    rig.wait(lambda: rig.ids() == [*before[:2], *before[3:]])


def test_a_second_window_raises_the_first(rig: Rig, tmp_path: Path) -> None:
    words: list[str] = []
    lock = single.claim(rig.profile)
    assert lock is not None
    assert single.claim(rig.profile) is None
    single.listen(rig.profile, words.append, rig.program)
    assert single.raise_other(rig.profile, "mailto:a@example.org")
    rig.wait(lambda: words == ["mailto:a@example.org"])
    lock.unlock()


def test_where_all_mail_is_on_this_computer_nothing_is_connected_to(rig: Rig) -> None:
    status = rig.program.desk.sidebar.status
    rig.wait(lambda: status.text() == "On this computer")


def test_no_engine_at_all_is_said(tmp_path: Path, qtbot: QtBot) -> None:
    def broken() -> None:
        raise OSError("no such program")

    client = EngineClient(Profile(tmp_path).create(), broken)
    with qtbot.waitSignal(client.gave_up, timeout=60_000) as told:
        client.start()
    assert "does not start" in told.args[0].text
    client.close()


def test_an_engine_that_did_not_start_is_started_again(
    tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was in its way may be gone: by itself after a while, at once when the person asks."""
    monkeypatch.setattr(engine_client, "_PAUSE", 0)
    monkeypatch.setattr(engine_client, "_PATIENCE", 0)
    starts: list[int] = []
    client = EngineClient(Profile(tmp_path).create(), lambda: starts.append(1))
    with qtbot.waitSignal(client.gave_up, timeout=60_000):
        client.start()
    before = len(starts)
    qtbot.waitUntil(lambda: len(starts) > before + 1, timeout=60_000)
    client.close()
    before = len(starts)
    client.start()
    qtbot.waitUntil(lambda: len(starts) > before, timeout=60_000)
    client.close()


def test_an_engine_with_too_many_clients_is_said_and_joined_later(tmp_path: Path, qtbot: QtBot) -> None:
    profile = Profile(tmp_path).create()
    server = Server(profile.socket, lambda *_: wire.Welcome(1, "0", schema=VERSION), lambda: None)
    server.start()
    crowd = [socket.socket(socket.AF_UNIX) for _ in range(CLIENTS)]
    for one in crowd:
        one.connect(str(profile.socket))
    client = EngineClient(profile, None)
    with qtbot.waitSignal(client.gave_up, timeout=60_000) as told:
        client.start()
    assert told.args[0].code == "too-many-clients"
    with qtbot.waitSignal(client.ready, timeout=60_000):
        for one in crowd:
            one.close()
    client.close()
    server.stop()


def test_an_engine_of_an_older_mua_makes_room_for_ours(tmp_path: Path, qtbot: QtBot) -> None:
    """It was left running by an update, and does not know what our store looks like."""
    profile = Profile(tmp_path).create()
    ended, started = list[str](), list[Server]()

    def older(client: object, command: wire.Command) -> wire.Answer:
        if isinstance(command, wire.Shutdown):
            ended.append("in order")
            threading.Thread(target=old.stop).start()
            return wire.Done()
        return wire.Welcome(1, "0")

    def start() -> None:
        assert ended
        server = Server(profile.socket, lambda *_: wire.Welcome(2, "1", schema=VERSION), lambda: None)
        server.start()
        started.append(server)

    old = Server(profile.socket, older, lambda: None)
    old.start()
    client = EngineClient(profile, start)
    with qtbot.waitSignal(client.ready, timeout=60_000) as told:
        client.start()
    assert told.args[0].pid == 2
    client.close()
    started[0].stop()


# ---- conversations
def _talk(rig: Rig) -> list[int]:
    """Three more messages, of one conversation with the second of the five; newest first."""
    mail = Mail(rig.profile.root)
    account = read.accounts(mail.store.reader())[0].id
    ids = []
    for number in range(3):
        when = int(time.time() - (number + 0.5) * HOUR)
        raw = letter("Ana", "ana@example.net", "Re: Talk", f"Talk {number}.", when, 0, "talk", 50 + number)
        ids.append(int(mail.letter(account, rig.folders["Inbox"], raw, when, Flag(0), with_view=False)))
    mail.close()
    rig.program.desk.read_again(None, sidebar=True)
    return ids


def listed(rig: Rig, folder: str) -> set[int]:
    db = rig.program.library.db
    assert db is not None
    return set(read.folder_order(db, rig.folders[folder]))


def test_an_act_on_a_folded_conversation_is_one_act_on_all_of_it(rig: Rig) -> None:
    talk = _talk(rig)
    before, model = rig.ids(), rig.program.window.listing.model
    assert [one for one in before if one in talk] == [talk[0]]
    rig.program.window.listing.view.select(talk[0])
    rig.trigger("archive")
    rig.wait(lambda: rig.ids() == [one for one in before if one not in talk])
    rig.wait(lambda: "rchived 3 messages" in rig.program.window.toast.text())
    assert listed(rig, "Archive") == set(talk)
    rig.trigger("undo")
    rig.wait(lambda: rig.ids() == before)
    assert model.card(model.row_of(talk[0])).here == 3  # type: ignore[union-attr]
    rig.program.window.listing.view.select(talk[0])
    rig.trigger("star")
    rig.wait(lambda: model.card(model.row_of(talk[0])).starred)  # type: ignore[union-attr]
    assert all(row.flags & Flag.FLAGGED for row in read.rows(rig.program.library.db, talk))  # type: ignore[arg-type]
    rig.trigger("star")
    rig.wait(lambda: not model.card(model.row_of(talk[0])).starred)  # type: ignore[union-attr]
    rig.trigger("mark_unread")
    rig.trigger("mark_read")
    rig.wait(lambda: not rig.program.desk.acting._in_flight)
    rig.wait(lambda: not model.card(model.row_of(talk[0])).unread)  # type: ignore[union-attr]
    assert all(row.flags & Flag.SEEN for row in read.rows(rig.program.library.db, talk))  # type: ignore[arg-type]
    rig.trigger("delete")
    rig.wait(lambda: listed(rig, "Trash") == set(talk))


def test_an_act_on_a_message_of_an_open_conversation_is_on_it_alone(rig: Rig) -> None:
    talk = _talk(rig)
    view, model = rig.program.window.listing.view, rig.program.window.listing.model
    assert model.unfold(model.row_of(talk[0]), True)
    view.select(talk[1])
    rig.trigger("archive")
    rig.wait(lambda: listed(rig, "Archive") == {talk[1]})
    rig.wait(lambda: talk[1] not in model.ids)
    assert view.current_id() == talk[2]  # the next of it
    view.select(talk[0])
    rig.trigger("archive")
    rig.wait(lambda: listed(rig, "Archive") == {talk[0], talk[1]})
    rig.wait(lambda: talk[2] in rig.ids())
    rig.wait(lambda: model.card(model.row_of(talk[2])).in_thread == 3)  # type: ignore[union-attr]
    rig.trigger("undo")
    rig.trigger("undo")
    rig.wait(lambda: [one for one in rig.ids() if one in talk] == [talk[0]])
    rig.wait(lambda: model.messages == 8)


def test_a_star_that_one_message_has_is_taken_off_the_folded_row(rig: Rig) -> None:
    talk = _talk(rig)
    view, model = rig.program.window.listing.view, rig.program.window.listing.model
    assert model.unfold(model.row_of(talk[0]), True)
    view.select(talk[2])
    rig.trigger("star")
    rig.wait(lambda: model.card(model.row_of(talk[2])).starred)  # type: ignore[union-attr]
    assert not model.card(model.row_of(talk[0])).starred  # type: ignore[union-attr]
    model.unfold(model.row_of(talk[0]), False)
    assert model.card(model.row_of(talk[0])).starred  # type: ignore[union-attr]
    view.select(talk[0])
    rig.trigger("star")
    rig.wait(lambda: not model.card(model.row_of(talk[0])).starred)  # type: ignore[union-attr]
