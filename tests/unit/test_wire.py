"""wire.py: what is sent is what arrives, and nothing hostile gets through."""

import typing

import pytest

from mua import wire
from mua.engine import commands
from mua.errors import Kind, MailError, Retry
from mua.mime.html import SANITISER_VERSION
from mua.model.account import Account, AccountId, DirectOptions, Incoming, Route, Security, Server
from mua.model.address import Address
from mua.model.outgoing import Draft, DraftAttachment

ACCOUNT = Account(
    AccountId(0),
    "home",
    "maya@example.org",
    incoming=Incoming.IMAP,
    incoming_server=Server("imap.example.org", 993, Security.TLS, "maya"),
    route=Route.DIRECT,
    direct=DirectOptions("127.0.0.1:53", 2525, True),
)
DRAFT = Draft(
    Address("Maya", "maya@example.org"),
    to=(Address("", "tomas@example.org"), Address("Änne", "änne@example.org")),
    attachments=(DraftAttachment("/tmp/a b.pdf", "a b.pdf"),),
)


@pytest.mark.parametrize(
    "command",
    [
        wire.Hello("cli", events=True, passphrase="secret"),
        wire.AddAccount(ACCOUNT, "pw"),
        wire.Send(1, draft=DRAFT, delay=10, answers=7),
        wire.SetFlags((1 << 50, 2), add=4),
        wire.Sync(),
        wire.Undo(3),
    ],
)
def test_a_command_arrives_as_it_was_sent(command: wire.Command) -> None:
    line = wire.command_line(9, command)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert wire.parse_command(line) == (9, command)


@pytest.mark.parametrize(
    "answer",
    [
        wire.Welcome(1, "0.1"),
        wire.Done(),
        wire.Checked((wire.Finding("incoming", False, "No.", "wrong-password"),)),
        wire.Discovered((ACCOUNT,), ("provider table",)),
        wire.Acted(1, "Archived 2 messages", (4, 5)),
    ],
)
def test_an_answer_arrives_as_it_was_sent(answer: wire.Answer) -> None:
    assert wire.parse_reply(wire.answer_line(3, answer)) == (3, answer)


def test_an_event_arrives_as_it_was_sent() -> None:
    event = wire.Status(1, wire.State.PROBLEM, "The password is wrong.", "wrong-password")
    assert wire.parse_reply(wire.event_line(event)) == event


def test_an_error_arrives_whole() -> None:
    error = MailError(Kind.ACCOUNT, Retry.ASK, "The password is wrong.", "NO [AUTHENTICATIONFAILED]", "wrong-password")
    found = wire.parse_reply(wire.answer_line(5, error))
    assert isinstance(found, tuple) and isinstance(found[1], MailError)
    assert (found[0], found[1].kind, found[1].code, found[1].detail) == (5, error.kind, error.code, error.detail)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b'{"do":"Nothing"}',
        b'{"do":"SetFlags"}',
        b'{"do":"SetFlags","messages":["1"]}',
        b'{"do":"SetFlags","messages":3}',
        b'{"do":"Hello","client":5}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"do":"Undo","history_id":9223372036854775808}',
        b'{"do":"Undo","history_id":-9223372036854775809}',
        b'{"do":"SetFlags","messages":[1,99999999999999999999]}',
        b'{"n":99999999999999999999,"do":"Undo"}',
        b'{"n":"1","do":"Undo"}',
        b'{"do":"Import","path":"/tmp/a\\u0000b"}',
        b'{"do":"SaveBundle","path":"\\u0000"}',
        b'{"do":"Send","account_id":1,"file":"a\\u0000"}',
        b'{"do":"Discover","email":"a@b.example","ca_file":"a\\u0000"}',
    ],
)
def test_what_is_no_command_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError):
        wire.parse_command(line)


def test_no_secret_shows_in_a_repr() -> None:
    for command in (
        wire.AddAccount(ACCOUNT, "hunter22"),
        wire.SetSecret(1, "hunter22"),
        wire.Hello("x", False, 1, "hunter22"),
    ):
        assert "hunter22" not in repr(command)


def test_every_command_is_answered() -> None:
    asked = set(typing.get_args(wire.Command)) - {wire.Hello}  # that one is the engine's own, before any other
    assert set(commands._HANDLERS) == asked


def test_cached_views_are_as_old_as_the_sanitiser() -> None:
    assert wire.VIEW_VERSION == SANITISER_VERSION, "raise both, so that views made by the older one are made anew"
