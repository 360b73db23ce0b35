"""Long works that a person can stop: each is known by the token that its command gave it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mua import wire

if TYPE_CHECKING:
    from mua.engine.main import Engine


@contextmanager
def stoppable(engine: Engine, token: str) -> Iterator[threading.Event]:
    """What is set when somebody asks that this work end; without a token nobody can."""
    event = threading.Event()
    if token:
        engine.stops[token] = event
    try:
        yield event
    finally:
        engine.stops.pop(token, None)


def stop(engine: Engine, command: wire.Stop) -> wire.Done:
    """End a long work."""
    found = engine.stops.get(command.token)
    if found is not None:  # else it has ended by itself
        found.set()
    return wire.Done()
