"""The desktop's portal on a bus of its own: light or dark, notifications, and no bus at all."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mua.gui.desktop import Desktop, unmarked
from mua.gui.notify import notification

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
desktop.dark_wanted.connect(lambda dark: print("dark", dark, flush=True))
desktop.notification_clicked.connect(lambda number: print("clicked", number, flush=True))
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

QTimer.singleShot(200, talk)
QTimer.singleShot(1200, app.quit)
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
    assert done.stdout.splitlines() == ["dark True", "dark False", "clicked 1882524692250624"], done.stderr


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
