"""The POP3 cases of a published collection of STARTTLS attacks: whatever happens, no credential in the clear."""

import os
from collections.abc import Callable
from pathlib import Path

import certs
import pytest
import ron
from scripted import Conversation, Scripted

from mua.errors import MailError
from mua.model.account import Security, Server
from mua.net.pop3 import Session

SHARED = Path(os.environ.get("MUA_SHARED") or Path(__file__).resolve().parents[2].parent / "shared")
CASES = SHARED / "attack/nostarttls-fake-mail-server/testcases"
NAMES = [str(path.relative_to(CASES)) for path in sorted(CASES.glob("pop3/**/*.ron"))]
CREDENTIALS = ("USER", "PASS", "AUTH", "APOP")


def play(case: dict[str, object]) -> Callable[[Conversation], None]:
    """A server that behaves as the case says, before and after TLS."""
    override = case.get("override_response") or {}
    assert isinstance(override, dict)
    hidden = case.get("ignore_commands") or []

    def listing(name: str) -> str:
        offered = case.get(name) or []
        assert isinstance(offered, list)
        return "+OK\r\n" + "".join(f"{line}\r\n" for line in offered) + ".\r\n"

    def serve(talk: Conversation) -> None:
        protected = bool(case.get("implicit_tls"))
        if protected:
            talk._do("TLS:", "good")
        talk.send(str(case.get("greeting", "+OK\r\n")).encode())
        while True:
            word = talk.line().split(b" ")[0].decode("latin-1").lower()
            talk.transcript.append(f"C: {'(tls) ' if protected else ''}{word.upper()}")
            if word in hidden:
                continue
            if word == "stls" and not protected:
                talk.send(str(case.get("stls_response", override.get("stls", "+OK Begin TLS\r\n"))).encode())
                if case.get("stls_make_transition", "stls" not in override):
                    talk._do("TLS:", "good")
                    protected = True
            elif word in override:
                talk.send(str(override[word]).encode())
            elif word == "capa":
                talk.send(listing("capa_tls" if protected else "capa").encode())
            else:
                talk.send(b"+OK\r\n" if word in ("user", "pass", "auth", "quit") else b"-ERR\r\n")

    return serve


def run(case: dict[str, object]) -> tuple[list[str], str]:
    """What the client said, and the code of its failure (empty: it opened a session)."""
    with Scripted(play(case), partial=True, patience=3) as server:
        place = Server("127.0.0.1", server.port, Security.STARTTLS, "ada")
        try:
            Session(place, lambda: "secret", str(certs.authority().ca_file), timeout=3).abort()
        except MailError as error:
            return server.lines, error.code
        return server.lines, ""


@pytest.mark.skipif(not NAMES, reason="shared data absent: attack")
@pytest.mark.parametrize("name", NAMES)
def test_no_credential_before_tls(name: str) -> None:
    case = ron.load((CASES / name).read_text(encoding="utf-8"))
    assert isinstance(case, dict)
    lines, code = run(case)
    assert not any(line.startswith(CREDENTIALS) for line in lines)
    secured = any(line.startswith("(tls)") for line in lines)
    assert secured or code, "it neither stopped nor protected the connection"


@pytest.mark.parametrize("name", NAMES[:1])
def test_the_player_would_see_a_credential(name: str) -> None:
    """The same server, and a client that is told to go without TLS: the check above can fail."""
    with Scripted(play({"greeting": "+OK\r\n", "capa": ["USER"]}), partial=True) as server:
        Session(Server("127.0.0.1", server.port, Security.NONE, "ada"), lambda: "secret", timeout=3).abort()
    assert any(line.startswith(CREDENTIALS) for line in server.lines)


INJECTIONS = ["+OK\r\nPLAIN\r\nLOGIN\r\n.\r\n", "+OK\r\n", "-ERR\r\n", "x"]


@pytest.mark.parametrize("injected", INJECTIONS)
def test_what_follows_the_answer_to_stls_in_the_clear_is_never_believed(injected: str) -> None:
    case: dict[str, object] = {"capa": ["STLS"], "capa_tls": ["USER"], "stls_response": "+OK go\r\n" + injected}
    lines, code = run(case)
    assert code == "protocol-error"
    assert lines == ["CAPA", "STLS"]
