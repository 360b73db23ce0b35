"""The desktop's portal on a bus of its own: light or dark, notifications, and no bus at all."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from gui_mail import Mail
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QSystemTrayIcon
from pytestqt.qtbot import QtBot

from mua import wire
from mua.gui import preferences as prefs
from mua.gui.app import Options, Program
from mua.gui.desktop import Desktop, unmarked
from mua.gui.folder_deeds import FolderDeeds
from mua.gui.looks import Looks
from mua.gui.notify import Notifier, notification
from mua.gui.tray import Tray, picture
from mua.model.message import Flag, MessageId, MessageRow
from mua.store import read

TALK = """\
import sys
from PySide6.QtCore import SLOT, QObject, QTimer, Slot
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusVariant
from PySide6.QtGui import QGuiApplication
from mua.gui.desktop import Desktop

PATH = "/org/freedesktop/portal/desktop"
app = QGuiApplication([])
bus = QDBusConnection.sessionBus()
assert bus.isConnected()
assert bus.registerService("org.freedesktop.portal.Desktop")
desktop = Desktop()
told = []

def tell_us(*words):
    print(*words, flush=True)
    told.append(words)
    if len(told) == 4:
        QTimer.singleShot(100, app.quit)  # what nobody should be told would come behind it

desktop.dark_wanted.connect(lambda dark: tell_us("dark", dark))
desktop.notification_clicked.connect(lambda number: tell_us("clicked", number))
desktop.notification_acted.connect(lambda number, action: tell_us("acted", number, action))
desktop.follow_appearance()
desktop.notify("Maya", "Venue", 1882524692250624)

def tell(interface, name, *values):
    message = QDBusMessage.createSignal(PATH, "org.freedesktop.portal." + interface, name)
    message.setArguments(list(values))
    bus.send(message)

def talk():
    for value in (1, 2):
        wanted = QDBusVariant()
        wanted.setVariant(value)
        tell("Settings", "SettingChanged", "org.freedesktop.appearance", "color-scheme", wanted)
    tell("Notification", "ActionInvoked", "1882524692250624", "open", [])
    tell("Notification", "ActionInvoked", "1882524692250624", "archive", [])

QTimer.singleShot(200, talk)
QTimer.singleShot(45_000, app.quit)
app.exec()
"""


@pytest.mark.may_skip("needs dbus-run-session")
def test_the_portal_is_followed(tmp_path: Path) -> None:
    runner = shutil.which("dbus-run-session")
    if runner is None:
        pytest.skip("dbus-run-session is not installed")
    (tmp_path / "talk.py").write_text(TALK, "utf-8")
    command = [runner, "--", sys.executable, str(tmp_path / "talk.py")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == [
        "dark True",
        "dark False",
        "clicked 1882524692250624",
        "acted 1882524692250624 archive",
    ], done.stderr


def test_without_a_bus_nothing_happens(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    desktop = Desktop()
    desktop._bus = type(desktop._bus)("no such bus")
    desktop.follow_appearance()
    desktop.notify("a", "b", 1)
    assert desktop._watchers == []


def test_no_markup_reaches_a_desktop_that_would_read_it() -> None:
    told = unmarked('<a href="https://evil.example">Your bank</a> <img src="file:///etc/x"> Q&A')
    assert not {"<", ">"} & set(told)
    assert "Your bank" in told and told.endswith("Q&A")


def test_a_notification_says_as_much_as_the_person_wants() -> None:
    from mua.model.account import AccountId
    from mua.model.address import Address
    from mua.model.folder import FolderId
    from mua.model.message import Flag, MessageId, MessageRow, ThreadId

    who = (Address("Maya <b>", "maya@example.org"),)
    row = MessageRow(
        MessageId(1), AccountId(1), FolderId(1), 1, who, (), "Venue & hall", 0, Flag(0), (), 1, False, ThreadId(1), "",
        True, "",
    )  # fmt: skip
    assert notification([row], True) == ("Maya <b>", "Venue & hall")
    assert notification([row], False) == ("1 new message", "")
    assert notification([row, row], True) == ("2 new messages", "Maya <b>")


WIRE = """\
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from mua.gui.desktop import Desktop

app = QGuiApplication([])
Desktop().notify("Maya", "Venue", 7, [("archive", "Archive"), ("read", "Mark as read")])
QTimer.singleShot(500, app.quit)
app.exec()
"""


@pytest.mark.may_skip("needs dbus-run-session and dbus-monitor")
def test_buttons_are_on_the_wire_as_the_portal_reads_them(tmp_path: Path) -> None:
    if shutil.which("dbus-run-session") is None or shutil.which("dbus-monitor") is None:
        pytest.skip("the bus's tools are not installed")
    (tmp_path / "wire.py").write_text(WIRE, "utf-8")
    monitor = "dbus-monitor --binary --session type=method_call,member=AddNotification"
    heard = tmp_path / "heard"  # the monitor does not say when it listens
    again = (
        f"for n in $(seq 20); do {sys.executable} {tmp_path}/wire.py; grep -aq 'Mark as read' {heard} && break; done"
    )
    script = f"{monitor} > {heard} & M=$!; {again}; kill $M"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "QT_QPA_PLATFORM": "offscreen"}
    command = ["dbus-run-session", "--", "sh", "-c", script]
    subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    told = heard.read_bytes()
    assert b"aa{sv}" in told and b"Mark as read" in told


def test_a_notification_s_buttons_do_what_they_say(program: Program, mail: Mail) -> None:
    desktop = Desktop()
    told: list[tuple[object, ...]] = []
    desktop.notify = lambda *words: told.append(words)  # type: ignore[method-assign]
    notifier = Notifier(program.desk, desktop)
    asked: list[wire.Command] = []
    program.desk.acting._client = SimpleNamespace(ask=lambda command, *_: asked.append(command))  # type: ignore[assignment]
    db = program.library.db
    assert db is not None
    rows = read.rows(db, list(read.folder_order(db, mail.folders["INBOX"]))[:3])
    program.window.isActiveWindow = lambda: False  # type: ignore[method-assign]
    notifier._arrived(rows)
    assert [action for action, _ in told[0][3]] == ["archive", "read"]  # type: ignore[attr-defined]
    desktop.notification_acted.emit(rows[0].id, "read")
    assert asked == [wire.SetFlags(tuple(row.id for row in rows), add=int(Flag.SEEN))]
    desktop.notification_acted.emit(rows[0].id, "archive")  # pressed twice: once is enough
    assert len(asked) == 1
    notifier._arrived(rows[:1])
    desktop.notification_acted.emit(rows[0].id, "archive")
    assert asked[-1] == wire.ArchiveMessages((rows[0].id,))
    program.desk.preferences = replace(program.desk.preferences, notify_known=True)
    with mail.store.write() as tx:
        tx.run("DELETE FROM correspondent")
    told.clear()
    notifier._arrived(rows)
    assert told == []


def test_the_icon_counts(program: Program, qtbot: QtBot) -> None:
    full, empty = picture(7).pixmap(64, 64).toImage(), picture(0).pixmap(64, 64).toImage()
    assert full != empty
    tray = Tray(program.desk)
    assert tray.icon is None  # not wanted


@pytest.fixture
def with_tray(program: Program, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tray]:
    """The icon, on a desktop that has a place for it (this one has none)."""
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: True)
    program.desk.preferences = replace(program.desk.preferences, tray=True)
    tray = Tray(program.desk)
    assert tray.icon is not None
    yield tray
    tray.icon.hide()
    QGuiApplication.setQuitOnLastWindowClosed(True)


def test_closing_leaves_it_among_the_icons_where_that_is_wanted(program: Program, with_tray: Tray) -> None:
    window = program.window
    closed: list[int] = []
    window.closed.connect(lambda: closed.append(1))
    program.desk.preferences = replace(program.desk.preferences, tray_keeps=True)
    window.close()
    assert window.isHidden() and closed == [] and not QGuiApplication.quitOnLastWindowClosed()
    assert with_tray.icon is not None
    with_tray.icon.activated.emit(QSystemTrayIcon.ActivationReason.Trigger)
    assert window.isVisible() and QGuiApplication.quitOnLastWindowClosed()
    window.actions_["quit"].trigger()
    assert window.isHidden() and closed == [1]


def test_closing_ends_where_it_is_not(program: Program, with_tray: Tray) -> None:
    closed: list[int] = []
    program.window.closed.connect(lambda: closed.append(1))
    program.window.close()
    assert program.window.isHidden() and closed == [1]


def test_a_start_shows_nothing_but_the_icon(
    qapp: QApplication, mail: Mail, with_tray: Tray, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = prefs.Preferences(tray=True, tray_start=True)
    monkeypatch.setattr(prefs, "load", lambda _: chosen)
    served: list[int] = []
    monkeypatch.setattr(Program, "_after_paint", lambda _: served.append(1))
    made = Program(mail.profile, Options())
    made.show()
    qtbot.waitUntil(lambda: served == [1])
    assert made.window.isHidden()
    made.window.come_forward()
    assert made.window.isVisible()
    made.end()
    made.window.leave()


def test_each_folder_says_whether_one_is_told_of_it(program: Program, mail: Mail) -> None:
    told, desk, db = heard(program), program.desk, program.library.db
    assert db is not None
    archive, inbox = (desk.folders[mail.folders[one]] for one in ("Archive", "INBOX"))
    deeds = FolderDeeds(desk)
    mine, filed = (read.rows(db, list(read.folder_order(db, one.id))[:1])[0] for one in (inbox, archive))

    def come(row: MessageRow) -> list[str]:
        told.clear()
        desk.arrived.emit([replace(row, message_id="")])
        return [str(one[0]) for one in told]

    assert come(mine) and not come(filed)
    for folder, wanted in ((archive, "Tell me of new mail here"), (inbox, "Do not tell me of new mail here")):
        account = desk.account(folder.account_id)
        assert account is not None
        acts = {text: act for text, _, act in deeds.offered(account, folder)}
        acts[wanted]()
    assert come(filed) and not come(mine)
    kept = Looks()
    kept.read(str(program.state.value("looks")))
    assert [kept.tells(one) for one in (archive, inbox)] == [True, False]
    deeds.tell(inbox, True)
    deeds.tell(archive, False)
    assert desk.looks.text() == Looks().text()
    account = desk.account(inbox.account_id)
    assert account is not None
    for name in ("Sent", "Trash"):
        offered = [text for text, _, _ in deeds.offered(account, desk.folders[mail.folders[name]])]
        assert not [text for text in offered if "new mail" in text]


def test_who_was_chosen_is_told_of_wherever_their_mail_comes_to(program: Program, mail: Mail, qtbot: QtBot) -> None:
    told, desk, db = heard(program), program.desk, program.library.db
    assert db is not None
    desk.preferences = replace(desk.preferences, notify_known=True)
    with mail.store.write() as tx:
        tx.run("DELETE FROM correspondent")
    filed = read.rows(db, list(read.folder_order(db, mail.folders["Archive"]))[:1])[0]
    desk.arrived.emit([filed])
    assert not told
    desk.go_to(filed.id)
    qtbot.waitUntil(lambda: program.window.reader.row is not None and program.window.reader.row.id == filed.id)
    program.window.actions_["always_tell"].trigger()
    assert prefs.load(mail.profile).notify_always == (filed.sender[0].address.lower(),)
    desk.arrived.emit([filed])
    desk.arrived.emit([replace(filed, id=MessageId(filed.id + 1))])  # the same message in another folder
    assert len(told) == 1
    desk.arrived.emit([filed])  # it was snoozed and is back
    assert len(told) == 2
    program.window.actions_["always_tell"].trigger()
    assert prefs.load(mail.profile).notify_always == ()


def heard(program: Program) -> list[tuple[object, ...]]:
    """What the desktop is told, while the window is not looked at."""
    desktop, told = Desktop(), list[tuple[object, ...]]()
    desktop.notify = lambda *words: told.append(words)  # type: ignore[method-assign]
    Notifier(program.desk, desktop)
    program.window.isActiveWindow = lambda: False  # type: ignore[method-assign]
    return told
