"""When this computer's network changes: links, addresses and routes, as the Linux kernel tells them (rtnetlink(7)).

Rule of the file: only *that* something changed is told; whoever is told looks for itself.  Where there is no netlink
(other systems, some containers) nothing is told, and timers have to do.
"""

import enum
import errno
import select
import socket

LINK, ADDRESS4, ROUTE4, ADDRESS6, ROUTE6 = 0x1, 0x10, 0x40, 0x100, 0x400  # RTMGRP_... of linux/rtnetlink.h
NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
_READ = 1 << 16
_MOST = 1000  # datagrams of one look: a storm of changes is one change


def leads_to(*addresses: str) -> bool:
    """Whether this computer has a route to one of these IP addresses.  Its own table is asked; nothing is sent."""
    return any(map(_has_route, addresses))


def _has_route(address: str) -> bool:
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((address, 9))
    except OSError as error:
        return error.errno not in NO_ROUTE
    return True


class Heard(enum.Enum):
    """Why ``NetworkWatch.wait`` returned."""

    NOTHING = "nothing"
    CHANGE = "change"
    STOP = "stop"


class NetworkWatch:
    """Waits for changes, on one thread; ``stop`` may be called from any."""

    def __init__(self) -> None:
        self._stop_read, self._stop_write = socket.socketpair()
        self._news = _netlink()

    @property
    def hears(self) -> bool:
        """Whether this system tells anything."""
        return self._news is not None

    def wait(self, seconds: float) -> Heard:
        """Until something changed (all that is known of it is taken), ``stop``, or the time is up."""
        ready = select.select([self._stop_read, *([self._news] if self._news else [])], [], [], seconds)[0]
        if self._stop_read in ready:
            return Heard.STOP
        if self._news is None or self._news not in ready:
            return Heard.NOTHING
        _take(self._news)
        return Heard.CHANGE

    def stop(self) -> None:
        """Whoever waits, now or later, is told."""
        self._stop_write.close()

    def close(self) -> None:
        """Close the sockets; nobody waits any more."""
        for one in (self._stop_read, self._stop_write, self._news):
            if one is not None:
                one.close()


def _netlink() -> socket.socket | None:
    family, route = getattr(socket, "AF_NETLINK", None), getattr(socket, "NETLINK_ROUTE", None)
    if family is None or route is None:
        return None
    made = None
    try:
        made = socket.socket(family, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, route)
        made.bind((0, LINK | ADDRESS4 | ROUTE4 | ADDRESS6 | ROUTE6))
    except OSError:
        if made is not None:
            made.close()
        return None
    return made


def _take(news: socket.socket) -> None:
    """Everything that was told so far; what the kernel had to drop (ENOBUFS) is a change as well."""
    for _ in range(_MOST):
        try:
            news.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            continue
