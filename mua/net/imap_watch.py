"""Waiting for news on an IMAP connection: IDLE (RFC 2177), NOTIFY (RFC 5465), and NOOP where there is neither.

Theory of operation: ``news`` is about the selected mailbox, ``elsewhere`` says that something happened in another one.
With NOTIFY the server tells about all of a person's mailboxes, between commands and during IDLE; it stops when there is
too much to tell (NOTIFICATIONOVERFLOW), and then what is not selected is polled again by whoever owns the connection.
Both are levels: whoever reads them compares.
"""

import selectors
import socket
import time

from mua.errors import Kind, MailError
from mua.net.imap_answers import Woken
from mua.net.imap_session import Session
from mua.net.imap_tokens import Status
from mua.net.imap_wire import WOULD_BLOCK, spool

_NAP = 30.0  # seconds of IDLE after which the clocks are compared
_ASLEEP = 60.0  # a wall clock that ran so much further than ours means that the computer slept
_DONE = 15.0  # seconds for the end of IDLE, which costs a server nothing: a dead connection is found out by it
_POLL = 60.0  # seconds between NOOPs where the server has no IDLE
_HERE = "(SELECTED-DELAYED (MessageNew MessageExpunge FlagChange))"
_THERE = (  # the second for servers that do not watch the flags of what is not selected
    "(PERSONAL (MessageNew MessageExpunge FlagChange MailboxName))",
    "(PERSONAL (MessageNew MessageExpunge MailboxName))",
)
_ELSEWHERE = frozenset({b"STATUS", b"LIST", b"NOTIFICATIONOVERFLOW"})


class Watching(Session):
    """A connection that can wait.  ``elsewhere``: something happened outside the selected mailbox."""

    selected = ""
    elsewhere = False
    notified = False

    def notify(self) -> bool:
        """Ask, once, to be told about every mailbox of the person; whether the server will."""
        if self.notified or not self.can("NOTIFY") or self.quirks & {"NOTIFY", "NOTIFICATIONOVERFLOW"}:
            return self.notified
        for there in _THERE:
            try:
                self.command("NOTIFY SET", _HERE, there)
            except MailError as error:
                if error.kind is not Kind.FOLDER:
                    raise
            else:
                self.notified = True
                return True
        self.quirks.add("NOTIFY")
        return False

    def take_elsewhere(self) -> bool:
        """Whether something happened elsewhere, which is then forgotten."""
        told, self.elsewhere = self.elsewhere, False
        return told

    def overheard(self, kind: bytes) -> None:
        """News of the selected mailbox, and from elsewhere."""
        super().overheard(kind)
        if kind in _ELSEWHERE:
            self.elsewhere = True
        if kind == b"NOTIFICATIONOVERFLOW":
            self.notified = False
            self.quirks.add("NOTIFICATIONOVERFLOW")

    def noop(self) -> None:
        """Give the server an occasion to tell news."""
        with self._library("NOOP"):
            self._client.noop()

    def probe(self, seconds: float) -> None:
        """NOOP with a short deadline: after a suspend a dead connection must not look alive for long."""
        wire = self.wire
        timeout, wire.timeout = wire.timeout, seconds
        wire.sock.settimeout(seconds)
        self.noop()
        wire.timeout = timeout
        wire.sock.settimeout(timeout)

    # -- waiting

    def idle(self, poke: socket.socket, timeout: float = 1500.0) -> Woken:
        """Wait for news, for ``poke`` to become readable (the caller empties it), or ``timeout`` seconds.

        Every buffer is looked into before sleeping: what was read already is never reported by a selector.  NOOP comes
        before: some servers (pymap) tell in IDLE only what happens from then on.  Its end is awaited: a server may
        answer two commands in any order (RFC 3501 s.5.5), and ``+`` names none.
        """
        if not self.can("IDLE"):
            return self._poll(poke, timeout)
        wire = self.wire
        self.finish(self.start(["NOOP"]))
        if self.news or self.elsewhere:
            return Woken.NEWS
        tag = self.start(["IDLE"])
        self.busy = "IDLE"
        try:
            refused = self.go_ahead(tag)
            if refused is not None:
                raise self.refusal(refused, "IDLE", self.selected)
            why = self._watch(poke, timeout, tag)
            wire.sock.settimeout(min(_DONE, wire.timeout or _DONE))
            wire.send(b"DONE\r\n")
            self.finish(tag, (), spool)
        finally:
            self.busy = ""
            if wire.dead is None:
                wire.sock.settimeout(wire.timeout)
        return why

    def _watch(self, poke: socket.socket, timeout: float, tag: bytes) -> Woken:
        wire, end = self.wire, time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(wire.sock, selectors.EVENT_READ)
            selector.register(poke, selectors.EVENT_READ)
            wire.sock.settimeout(0)
            while True:
                self._hear(tag)
                if self.news or self.elsewhere:
                    return Woken.NEWS
                left = end - time.monotonic()
                if left <= 0:
                    return Woken.TIMEOUT
                before = time.time()
                nap = 0 if wire.pending() else min(left, _NAP)
                ready = selector.select(nap)
                if any(key.fileobj is poke for key, _ in ready):
                    return Woken.POKE
                if time.time() - before > nap + _ASLEEP:
                    return Woken.SLEPT
                if ready or wire.pending():
                    self._read_more()

    def _hear(self, tag: bytes) -> None:
        """Consume every whole response that is in the buffer."""
        wire = self.wire
        try:
            while wire.buffer.find(b"\r\n", wire.at) >= 0:
                if isinstance(self.handle(tag, wire.response()), Status):
                    wire.refuse("IDLE ended by itself")
        except WOULD_BLOCK:
            pass  # the rest of a response is still under way

    def _read_more(self) -> None:
        try:
            self.wire.fill()
        except WOULD_BLOCK:
            pass  # a TLS record without data

    def _poll(self, poke: socket.socket, timeout: float) -> Woken:
        """Where there is no IDLE: sleep a minute, then NOOP."""
        with selectors.DefaultSelector() as selector:
            selector.register(poke, selectors.EVENT_READ)
            end = time.monotonic() + timeout
            while not (self.news or self.elsewhere):
                if selector.select(min(_POLL, max(0.0, end - time.monotonic()))):
                    return Woken.POKE
                self.noop()
                if time.monotonic() >= end:
                    return Woken.NEWS if self.news or self.elsewhere else Woken.TIMEOUT
        return Woken.NEWS
