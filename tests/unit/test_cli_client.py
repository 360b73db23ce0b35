"""A long work on the command line: it says how far it is on a terminal, and Ctrl-C stops it in order."""

import io
import itertools
import json
import socket
import sys
import threading
from collections.abc import Iterator

import pytest

from mua import wire
from mua.cli.client import EngineClient

TOLD = wire.Imported(5, 3, stopped=True)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Lines:
    """The engine's lines, with a Ctrl-C before the third."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream, self._read = stream, 0

    def readline(self, limit: int) -> bytes:
        self._read += 1
        if self._read == 3:
            raise KeyboardInterrupt
        return self._stream.readline(limit)

    def close(self) -> None:
        self._stream.close()


@pytest.fixture
def talk() -> Iterator[tuple[EngineClient, list[str]]]:
    """A client, and what an engine that stops when it is asked to has heard."""
    ours, theirs = socket.socketpair()
    heard: list[str] = []

    def engine() -> None:
        with theirs, theirs.makefile("rb") as lines:
            importing = 0
            for line in lines:
                number, command = wire.parse_command(line)
                heard.append(type(command).__name__)
                if isinstance(command, wire.Hello):
                    theirs.sendall(wire.answer_line(number, wire.Welcome(1, "0", "session", 1)))
                elif isinstance(command, wire.Import):
                    importing = number
                    theirs.sendall(wire.event_line(wire.Importing("t", "Old \x1b[2J", 3, 1, 4)))
                elif isinstance(command, wire.Stop):
                    assert json.loads(line)["token"] == "t"
                    theirs.sendall(wire.answer_line(importing, TOLD))

    thread = threading.Thread(target=engine)
    thread.start()
    client = EngineClient.__new__(EngineClient)
    client._numbers, client._socket = itertools.count(1), ours
    client._lines = Lines(ours.makefile("rb"))  # type: ignore[assignment]
    yield client, heard
    client.close()
    thread.join(10)


def test_ctrl_c_asks_the_engine_to_stop_and_waits_for_what_came_of_it(
    talk: tuple[EngineClient, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, heard = talk
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert client.ask_long(wire.Import("/x", token="t"), wire.Imported, "t") == TOLD
    assert heard == ["Hello", "Import", "Stop"]
    said = terminal.getvalue()
    assert "25 % 3 Old" in said
    assert "\x1b" not in said
    assert said.endswith("\r")
