"""Every case of a published collection of attacks on STARTTLS, against whole IMAP, POP3 and submission clients.

What is judged, and how, is in ``starttls_score``; docs/connection-security.md has the table.
"""

import re
import socket
from collections.abc import Callable
from pathlib import Path

import certs
import pytest
import starttls_score
from conftest import SHARED
from fake_mail_server import Case, FakeServer, cases
from starttls_score import COLLECTION, Meeting, play

from mua.errors import Kind, MailError, Retry
from mua.model.account import Security, Server
from mua.net.imap import ImapConnection
from mua.net.pop3 import Session

CASES = cases(SHARED / COLLECTION)
PAGE = Path(__file__).resolve().parents[2] / "docs/connection-security.md"
ROW = re.compile(r"(?m)^\| ((?:imap|pop3|smtp|testcases_extra)/[^|]+) \| [^|]+ \| ([^|]+) \|$")


def test_the_collection_is_here(shared: Callable[[str], Path]) -> None:
    """Skips, and says so, where the cases of the next test are absent."""
    shared(COLLECTION)
    assert len(CASES) >= 208
    assert {case.protocol for case in CASES} == {"imap", "pop3", "smtp"}


@pytest.mark.parametrize("case", CASES or [None], ids=lambda case: case.name if case else "none")
def test_clean(case: Case | None, shared: Callable[[str], Path]) -> None:
    shared(COLLECTION)
    assert case is not None
    verdict = play(case)
    assert verdict.faults == ()
    if "setup" in case.name:  # a client that never gets anywhere would be clean too
        assert verdict.outcome == "worked under TLS"


def test_the_page_has_a_row_for_every_case(shared: Callable[[str], Path]) -> None:
    shared(COLLECTION)
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert [name for name, _ in rows] == [case.name.removeprefix("testcases/") for case in CASES]
    assert {verdict for _, verdict in rows} == {"clean"}


# -- the judge can say no


def judged(monkeypatch: pytest.MonkeyPatch, client: Callable[[Server, Meeting], None], **fields: object) -> str:
    """What is found against a client that is not ours, whose server forges a folder in clear."""
    honest = {"cert": ("Cert", {}), "caps": ["Imap4Rev1", "StartTls"], "caps_tls": ["Imap4Rev1"]}
    forged = {"response_after_greeting": ("Some", ['* LIST () "/" F0RGED77\r\n'])}
    monkeypatch.setitem(starttls_score._CLIENTS, "imap", client)
    return "\n".join(play(Case("own", "imap", {**honest, **forged, **fields})).faults)


def heard(server: Server) -> str:
    """All that is said before a command."""
    with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
        words = b""
        while b"F0RGED77" not in words:
            words += sock.recv(4096)
    return words.decode()


def test_a_client_that_signs_in_in_clear_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(server: Server, met: Meeting) -> None:
        place = Server("127.0.0.1", server.port, Security.NONE, starttls_score.USER)
        ImapConnection(place, lambda: starttls_score.PASSWORD, timeout=2).abort()

    assert "in clear" in judged(monkeypatch, careless, caps=["Imap4Rev1"], caps_auth=["Imap4Rev1"])


def test_a_client_that_believes_what_came_before_tls_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def gullible(server: Server, met: Meeting) -> None:
        met.opened = True
        met.haul.append(heard(server) if server.security is Security.STARTTLS else "nothing")

    assert "influenced" in judged(monkeypatch, gullible)


def test_a_client_that_shows_what_came_before_tls_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def talkative(server: Server, met: Meeting) -> None:
        raise MailError(Kind.CONNECTION, Retry.SOON, heard(server))

    assert "in a sentence: ['F0RGED77']" in judged(monkeypatch, talkative)


def test_a_client_that_goes_elsewhere_crashes_or_hangs_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def referred(server: Server, met: Meeting) -> None:
        with socket.create_connection(("attacker.example.org", server.port), 5):
            raise ValueError("what now")

    monkeypatch.setattr(starttls_score, "DEADLINE", -1.0)
    found = judged(monkeypatch, referred)
    assert all(part in found for part in ("called ['attacker.example.org'", "raised ValueError", "took"))


# -- what the collection leaves out


@pytest.mark.parametrize("injected", ["+OK\r\nPLAIN\r\nLOGIN\r\n.\r\n", "+OK\r\n", "-ERR\r\n", "x"])
def test_what_follows_the_answer_to_stls_in_the_clear_is_never_believed(injected: str) -> None:
    fields = {"cert": ("Cert", {}), "capa": ["STLS"], "capa_tls": ["USER"], "stls_response": "+OK go\r\n" + injected}
    with FakeServer(Case("own", "pop3", fields)) as server, pytest.raises(MailError) as caught:
        place = Server("127.0.0.1", server.port, Security.STARTTLS, "ada")
        Session(place, lambda: "secret", str(certs.authority().ca_file), timeout=3)
    assert caught.value.code == "protocol-error"
    assert server.heard["clear"] == b"CAPA\r\nSTLS\r\n"


# -- the page


def test_the_page_names_tests_that_exist() -> None:
    """And each of the 35 checks has a row."""
    page, tests = PAGE.read_text(encoding="utf-8"), PAGE.parents[1] / "tests"
    named = re.findall(r"`([a-z_/0-9]+\.py)::(\w+)`", page)
    missing = [f"{file}::{name}" for file, name in named if f"def {name}(" not in (tests / file).read_text("utf-8")]
    assert missing == []
    assert [int(number) for number in re.findall(r"(?m)^\| (\d+) \|", page)] == list(range(1, 36))
