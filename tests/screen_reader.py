"""What a screen reader knows of a window: its tree over AT-SPI, as Orca gets it, on a display and a bus of their own.

``session()`` starts Xvfb, a session bus and the accessibility bus; ``Reader`` asks for roles, names, texts and states,
and does what a reader's user does: keys and presses.
"""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

LAUNCHER = "/usr/libexec/at-spi-bus-launcher"
NEEDED = (LAUNCHER, "Xvfb", "dbus-daemon", "xdotool")
SECONDS = 60.0  # that something may take to come
SHOWING = 25  # of AT-SPI's states
_INTERFACE = "org.a11y.atspi."


def missing() -> str:
    """What is not installed; "" if nothing."""
    return ", ".join(name for name in NEEDED if not shutil.which(name))


@dataclass(frozen=True)
class Session:
    """The environment of a program that is to be read, and the address of the bus that tells of it."""

    environment: dict[str, str]
    address: str

    def keys(self, window: str, *names: str) -> None:
        """Press keys in the window with this title; nobody else gives it the keyboard where no window manager is."""
        words = [
            "xdotool",
            "search",
            "--sync",
            "--onlyvisible",
            "--name",
            window,
            "windowfocus",
            "--sync",
            "key",
            *names,
        ]
        subprocess.run(words, env=self.environment, check=True, stdout=subprocess.DEVNULL, timeout=SECONDS)


@contextlib.contextmanager
def session() -> Iterator[Session]:
    """A display, a session bus and an accessibility bus."""
    with contextlib.ExitStack() as stack:
        display = start_display(stack)
        bus = _told(stack, ["dbus-daemon", "--session", "--nofork", "--print-address=1"])
        environment = {**os.environ, "DISPLAY": display, "DBUS_SESSION_BUS_ADDRESS": bus}
        environment |= {"QT_QPA_PLATFORM": "xcb", "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}
        _started(stack, [LAUNCHER, "--launch-immediately"], environment)
        with open_dbus_connection(bus) as connection:
            address = wait_for(lambda: _address(connection))
        yield Session(environment, address)


def start_display(stack: contextlib.ExitStack) -> str:
    """A display of one's own, until the end; its name."""
    return f":{_told(stack, ['Xvfb', '-displayfd', '1', '-screen', '0', '1440x900x24', '-nolisten', 'tcp'])}"


def _told(stack: contextlib.ExitStack, words: list[str]) -> str:
    """The first line that a process says, which runs until the end."""
    process = _started(stack, words, None)
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def _started(
    stack: contextlib.ExitStack, words: list[str], environment: dict[str, str] | None
) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    stack.enter_context(process)
    stack.callback(process.kill)
    return process


def _address(connection: DBusConnection) -> str:
    where = DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus")
    body = connection.send_and_get_reply(new_method_call(where, "GetAddress")).body
    return body[0] if body and str(body[0]).startswith("unix:") else ""


def wait_for(look: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """What ``look`` finds, as soon as it finds anything."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
    return found


@dataclass(frozen=True)
class Node:
    """One thing on the screen, as it is told of."""

    owner: str
    path: str
    role: str
    name: str
    showing: bool
    within: tuple[str, ...]  # the roles around it


class Reader:
    """A screen reader's view of the programs on a bus."""

    def __init__(self, address: str) -> None:
        self._connection = open_dbus_connection(address)

    def close(self) -> None:
        """Ask no more."""
        self._connection.close()

    def nodes(self) -> list[Node]:
        """Everything that there is, in order; a table is told by what is in sight."""
        found: list[Node] = []
        root = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")
        for owner, path in self._children(*root):
            self._walk(owner, path, (), found)
        return found

    def find(self, role: str, name: str = "") -> list[Node]:
        """What is in sight with this role, and a name that begins so."""
        return [one for one in self.nodes() if one.showing and one.role == role and one.name.startswith(name)]

    def await_one(self, role: str, name: str = "") -> Node:
        """The first such thing, once it is there."""
        try:
            found: Node = wait_for(lambda: next(iter(self.find(role, name)), None))
        except AssertionError:
            there = [(one.role, one.name) for one in self.nodes() if one.showing and one.name]
            raise AssertionError(f"no {role} {name!r} came; there is {there}") from None
        return found

    def press(self, node: Node) -> None:
        """Do what it is there for."""
        self._call(node.owner, node.path, "Action", "DoAction", "i", (0,))

    def text(self, node: Node) -> str:
        """What is written in it."""
        (said,) = self._call(node.owner, node.path, "Text", "GetText", "ii", (0, -1)) or ("",)
        return str(said)

    def _walk(self, owner: str, path: str, within: tuple[str, ...], found: list[Node]) -> None:
        (role,) = self._call(owner, path, "Accessible", "GetRoleName") or ("",)
        where = DBusAddress(path, owner, "org.freedesktop.DBus.Properties")
        asked = new_method_call(where, "Get", "ss", (_INTERFACE + "Accessible", "Name"))
        reply = self._connection.send_and_get_reply(asked).body
        name = reply[0][1] if reply and isinstance(reply[0], tuple) else ""
        (states,) = self._call(owner, path, "Accessible", "GetState") or ((0, 0),)
        showing = bool(states and (states[SHOWING // 32] >> SHOWING % 32) & 1)
        found.append(Node(owner, path, role, name, showing, within))
        for child in self._children(owner, path):
            self._walk(*child, (*within, role), found)

    def _children(self, owner: str, path: str) -> list[tuple[str, str]]:
        (children,) = self._call(owner, path, "Accessible", "GetChildren") or ([],)
        return children if isinstance(children, list) else []

    def _call(
        self, owner: str, path: str, where: str, method: str, kind: str = "", values: tuple[Any, ...] = ()
    ) -> Any:
        """The answer; () where it has gone meanwhile, or has no such thing."""
        address = DBusAddress(path, owner, _INTERFACE + where)
        asked = new_method_call(address, method, kind or None, values)
        reply = self._connection.send_and_get_reply(asked)
        return reply.body if reply.header.message_type.name == "method_return" else ()
