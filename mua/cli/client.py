"""A command line's connection to the engine of a profile.  (The window has its own, in ``gui/engine_client.py``.)"""

import contextlib
import itertools
import os
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from mua import wire
from mua.errors import Kind, MailError, Retry
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

    def ask(self, command: wire.Command, kind: type[A]) -> A:
        """Send a command and wait for its answer."""
        number = next(self._numbers)
        try:
            self._socket.sendall(wire.command_line(number, command))
            while line := self._lines.readline(wire.MAX_LINE):
                reply = wire.parse_reply(line)
                if isinstance(reply, tuple) and reply[0] in (0, number):
                    if isinstance(reply[1], MailError):
                        raise reply[1]
                    if not isinstance(reply[1], kind):
                        raise ValueError(f"{type(reply[1]).__name__} answers {type(command).__name__}")
                    return reply[1]
        except OSError as error:
            raise _engine_gone() from error
        raise _engine_gone()

    def __enter__(self) -> "EngineClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


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
        text = f"Mua's engine does not start; {profile.log_file} says why."
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="engine-unreachable")
    return found


def _try(profile: Profile) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(profile.socket))
    except OSError:
        with contextlib.suppress(OSError):
            connection.close()
        return None
    return connection
