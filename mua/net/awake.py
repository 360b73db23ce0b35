"""Keeps the computer awake, and its person logged in, for as long as a message is being handed over.

Theory of operation: ``with awake:`` surrounds a transaction.  A thread that lives only as long as there is one asks
systemd-logind to block sleep and shutdown (a lock is a file descriptor, and ends with it), and the desktop's portal to
block log-out and suspend (its lock ends with the connection).  Whoever sends waits for neither: the first octets may be
on their way before the locks are there.  They are let go a moment after the last transaction, so that many small
messages take one.

Rules of the file: nothing here raises, and nothing depends on it: without a bus, a logind or a portal, or where they
refuse, mail is sent all the same, and sleep in its midst costs a try, or at the final dot leaves it unknown.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import Protocol

from mua.log import SMTP
from mua.net.bus import Service, ask, connect

LINGER = 1.0  # seconds that the locks outlive the last transaction
WHO, WHY = "Mua", "A message is being sent"
_LOG_OUT, _SUSPEND = 1, 4  # flags of the portal
_LOGIND = Service("/org/freedesktop/login1", "org.freedesktop.login1", "org.freedesktop.login1.Manager")
_PORTAL = Service(
    "/org/freedesktop/portal/desktop",
    "org.freedesktop.portal.Desktop",
    "org.freedesktop.portal.Inhibit",
)


class Lock(Protocol):
    """Something that keeps the computer awake until it is closed."""

    def close(self) -> None:
        """Let go."""


class Awake:
    """As a context, entered as often as there are transactions; ``lockers`` each take a lock, or raise."""

    def __init__(self, *lockers: Callable[[], Lock]) -> None:
        self._lockers = lockers
        self._held = 0
        self._last = 0.0  # when the last transaction ended (monotonic)
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self._held += 1
            self._changed.notify_all()
            if self._thread is None and self._lockers:
                self._thread = threading.Thread(target=self._hold, name="awake", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:  # the system has no thread left, or the program ends
                    self._thread = None

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._held -= 1
            self._last = time.monotonic()
            self._changed.notify_all()

    def _hold(self) -> None:
        locks = [lock for locker in self._lockers if (lock := _taken(locker)) is not None]
        try:
            with self._changed:
                while self._held or (left := self._last + LINGER - time.monotonic()) > 0:
                    self._changed.wait(None if self._held else left)
                self._thread = None
        finally:
            for lock in locks:
                lock.close()


def _taken(locker: Callable[[], Lock]) -> Lock | None:
    try:
        return locker()
    except Exception as error:  # noqa: BLE001 -- whatever a bus, a service or its library does, mail is sent
        SMTP.debug("nothing keeps the computer awake while sending: %s", type(error).__name__)
        return None


def logind() -> Lock:
    """A lock of systemd-logind on sleep and shutdown; where only a delay is allowed, that.  Raises anything."""
    from jeepney.wrappers import DBusErrorResponse

    with connect("SYSTEM", fds=True) as bus:
        try:
            (lock,) = ask(bus, _LOGIND, "Inhibit", "ssss", ("sleep:shutdown", WHO, WHY, "block"))
        except DBusErrorResponse:  # polkit lets the person at the computer block, others delay
            (lock,) = ask(bus, _LOGIND, "Inhibit", "ssss", ("sleep:shutdown", WHO, WHY, "delay"))
    os.set_inheritable(lock.fileno(), False)
    made: Lock = lock
    return made


def portal() -> Lock:
    """A lock of the desktop's portal on log-out and suspend, as long as the connection lives.  Raises anything."""
    bus = connect("SESSION")
    try:
        ask(bus, _PORTAL, "Inhibit", "sua{sv}", ("", _LOG_OUT | _SUSPEND, {"reason": ("s", WHY)}))
    except BaseException:
        bus.close()
        raise
    made: Lock = bus
    return made
