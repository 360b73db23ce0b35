"""Looking ahead calls nobody, and what was learned when mail went there is told."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from exchangers import World

from mua.engine.preflight import look_ahead
from mua.model.account import DirectOptions
from mua.model.outlook import Outlook, Seal


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    with world.stack:
        yield world


def look(world: World, *domains: str) -> dict[str, Outlook]:
    assert world.names is not None
    options = DirectOptions(world.names.address, world.port, True)
    found = asyncio.run(look_ahead(domains, options, world.post.store.reader(), world.post.clock))
    return {one.domain: one for one in found}


def test_nobody_is_called(world: World) -> None:
    sink = world.exchanger(1)
    world.domain("x.test", "10 mx1")
    world.program()
    assert look(world, "x.test")["x.test"] == Outlook("x.test")
    assert sink.connections == 0


def test_mail_that_went_in_clear_is_remembered_as_such(world: World) -> None:
    world.exchanger(1)
    world.domain("x.test", "10 mx1")
    world.send("ann@x.test")
    found = look(world, "x.test")["x.test"]
    assert (found.seal, found.utf8) == (Seal.NONE, False)


def test_mail_that_went_encrypted_is_remembered_as_such(world: World) -> None:
    world.exchanger(1, tls="good")
    world.domain("x.test", "10 mx1")
    world.send("ann@x.test")
    assert look(world, "x.test")["x.test"].seal is Seal.TLS
