"""A command line's connection to the engine of a profile.  (The window has its own, in ``gui/engine_client.py``.)"""

import contextlib
import itertools
import os
import socket
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from mua import wire
from mua.errors import Kind, MailError, Retry
from mua.masking import visible
from mua.paths import Profile
from mua.store.db import VERSION

START_SECONDS = 30.0
POLL_SECONDS = 0.02
ATTEMPTS = 3
StartEngine = Callable[[Profile], None]
A = TypeVar("A", bound=wire.Answer)


class EngineClient:
    """Joins the engine that runs for the profile, or has one started and joins that.

    An engine of an older Mua is asked to end, which it does in order, and one of ours takes its place.
    Raises MailError "engine-unreachable" when none comes up, and the engine's own MailErrors from ``ask``.
    """

    def __init__(self, profile: Profile, start_engine: StartEngine) -> None:
        self._numbers = itertools.count(1)
        hello = wire.Hello("cli", passphrase=os.environ.get("MUA_PASSPHRASE", ""))
        for left in reversed(range(ATTEMPTS)):
            self._socket = _join(profile, start_engine)
            self._lines = self._socket.makefile("rb")
            try:
                self.welcome = self.ask(hello, wire.Welcome)
                if self.welcome.schema >= VERSION:
                    return
                self.ask(wire.Shutdown(), wire.Done)
                self.close()
                _await_end(self.welcome.pid)
            except MailError as error:
                self.close()
                if error.code != "engine-gone" or not left:  # it was on its way out: the next one answers
                    raise

    def close(self) -> None:
        """Leave."""
        self._lines.close()
        self._socket.close()

    def ask_long(self, command: wire.Command, kind: type[A], token: str) -> A:
        """The same for a work with a ``token``: on a terminal it says how far it is, and Ctrl-C stops it in order (a
        second one leaves at once).
        """
        self.ask(wire.Hello("cli", events=True), wire.Welcome)
        progress = _Progress(token)
        try:
            return self.ask(command, kind, progress.hear, wire.Stop(token))
        finally:
            progress.end()

    def ask(
        self,
        command: wire.Command,
        kind: type[A],
        hear: Callable[[wire.Event], None] | None = None,
        stop: wire.Stop | None = None,
    ) -> A:
        """Send a command and wait for its answer; ``hear`` is told events meanwhile, ``stop`` is sent at Ctrl-C."""
        number = next(self._numbers)
        try:
            self._socket.sendall(wire.command_line(number, command))
            while line := self._line(stop):
                reply = wire.parse_reply(line)
                if not isinstance(reply, tuple) and hear is not None:
                    hear(reply)
                if isinstance(reply, tuple) and reply[0] in (0, number):
                    if isinstance(reply[1], MailError):
                        raise reply[1]
                    if not isinstance(reply[1], kind):
                        raise ValueError(f"{type(reply[1]).__name__} answers {type(command).__name__}")
                    return reply[1]
        except OSError as error:
            raise _engine_gone() from error
        raise _engine_gone()

    def _line(self, stop: wire.Stop | None) -> bytes:
        while True:
            try:
                return self._lines.readline(wire.MAX_LINE)
            except KeyboardInterrupt:
                if stop is None:
                    raise
                self._socket.sendall(wire.command_line(next(self._numbers), stop))
                stop = None

    def __enter__(self) -> "EngineClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Progress:
    """How far a long work is, on one line of a terminal's stderr; nothing where that is no terminal."""

    def __init__(self, token: str) -> None:
        self._token, self._shown = token, 0

    def hear(self, event: wire.Event) -> None:
        """Say it anew."""
        if isinstance(event, wire.Importing) and event.token == self._token and sys.stderr.isatty():
            part = f"{event.done * 100 // event.total} %" if event.total else ""
            text = " ".join(
                word for word in (part, f"{event.messages:,}" if event.messages else "", event.folder) if word
            )
            text = visible(text)[:70]
            sys.stderr.write(f"\r{text:<{self._shown}}")
            sys.stderr.flush()
            self._shown = len(text)

    def end(self) -> None:
        """Leave the line empty."""
        if self._shown:
            sys.stderr.write("\r" + " " * self._shown + "\r")
            sys.stderr.flush()


def _engine_gone() -> MailError:
    text = "Mua's engine stopped in the middle of this; nothing is lost. Run the command again to go on."
    return MailError(Kind.LOCAL, Retry.SOON, text, code="engine-gone")


def _await_end(pid: int) -> None:
    """The engine of an older Mua finishes what it is about; the next one cannot start before."""
    deadline = time.monotonic() + START_SECONDS
    with contextlib.suppress(OSError):
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(POLL_SECONDS)


def _join(profile: Profile, start_engine: StartEngine) -> socket.socket:
    try:
        _ = profile.socket
    except PermissionError as error:
        raise MailError(Kind.LOCAL, Retry.ASK, str(error), code="runtime-folder") from error
    found = _try(profile)
    deadline = time.monotonic() + START_SECONDS
    if found is None:
        start_engine(profile)
    while found is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)  # the engine is another process: its socket file is the only event there is
        found = _try(profile)
    if found is None:
        raise _not_started(profile)
    return found


def _not_started(profile: Profile) -> MailError:
    """Why no engine came up: what this process finds wrong with the store, too (a full disk has no room for a log)."""
    from mua.store.db import open_reader

    try:
        open_reader(profile).close()
    except MailError as error:
        if error.code != "store-missing":
            return error
    text = f"Mua's engine does not start; {profile.log_file} says why."
    return MailError(Kind.LOCAL, Retry.ASK, text, code="engine-unreachable")


def _try(profile: Profile) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(profile.socket))
    except OSError:
        with contextlib.suppress(OSError):
            connection.close()
        return None
    return connection
