"""POP3, as conversations: opening, signing in, fetching, deleting, and every way a server can spoil it."""

import contextlib
import io
import socket
import time
import traceback
from collections.abc import Callable, Iterator

import certs
import pytest
from scripted import Conversation, Scripted

from mua import log
from mua.errors import Kind, MailError, Retry
from mua.model.account import Security, Server
from mua.net import pop3
from mua.net.pop3 import Session
from mua.plan.pop import Listed

PASSWORD = "correct horse"

HELLO = """
    S: +OK ready
    C: CAPA
    S: +OK
    S: USER
    S: UIDL
    S: .
"""
SIGNED_IN = f"""
    C: USER ada
    S: +OK
    C: PASS {PASSWORD}
    S: +OK 3 messages
    C: CAPA
    S: +OK
    S: UIDL
    S: .
"""
PIPELINED = SIGNED_IN.replace("UIDL", "PIPELINING")
OPEN = HELLO + SIGNED_IN


def scripted(*parts: str | Callable[[Conversation], object], **options: object) -> Scripted:
    return Scripted(*parts, quit_reply=b"+OK bye\r\n", **options)  # type: ignore[arg-type]


def connect(
    server: Scripted, security: Security = Security.NONE, host: str = "127.0.0.1", **options: object
) -> Session:
    place = Server(host, server.port, security, "ada")
    return Session(place, lambda: PASSWORD, str(certs.authority().ca_file), 5, **options)  # type: ignore[arg-type]


def failure(*parts: str | Callable[[Conversation], object], security: Security = Security.NONE) -> MailError:
    """The MailError of a session that could not be opened."""
    with scripted(*parts) as server, pytest.raises(MailError) as caught:
        connect(server, security)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value)).replace("PASSWORD", "")
    return caught.value


def fetched(session: Session, *numbers: int) -> list[bytes]:
    out = []
    for _, answer in session.retrieve(numbers, io.BytesIO):
        assert not isinstance(answer, MailError)
        out.append(answer.getvalue())
    return out


# --- opening ----------------------------------------------------------------------------------------------------


def test_a_whole_session() -> None:
    with scripted(OPEN, r"""
        C: LIST
        S: +OK
        S: 1 120
        S: 2 200
        S: .
        C: UIDL
        S: +OK
        S: 1 aaa
        S: 2 bbb
        S: .
        C: RETR 2
        S: +OK 200 octets
        S: Subject: two
        S:
        S: ..dot
        S: .
        C: DELE 2
        S: +OK
        C: QUIT
        S: +OK
    """) as server:  # fmt: skip
        session = connect(server)
        assert session.listing() == [Listed(1, "aaa", 120), Listed(2, "bbb", 200)]
        assert fetched(session, 2) == [b"Subject: two\r\n\r\n.dot\r\n"]
        assert list(session.delete([2])) == [(2, None)]
        session.quit()


def test_split_at_every_octet() -> None:
    with scripted("SPLIT", OPEN, r"""
        C: RETR 1
        S: +OK
        S: ..
        S: text
        S: .
    """) as server:  # fmt: skip
        session = connect(server)
        assert fetched(session, 1) == [b".\r\ntext\r\n"]
        session.quit()


def test_implicit_tls_and_sasl_plain() -> None:
    with scripted(r"""
        TLS: good
        S: +OK
        C: CAPA
        S: +OK
        S: SASL LOGIN PLAIN
        S: .
        C: AUTH PLAIN AGFkYQBjb3JyZWN0IGhvcnNl
        S: +OK
        C: CAPA
        S: -ERR not now
    """) as server:  # fmt: skip
        connect(server, Security.TLS).quit()


def test_a_long_password_takes_two_steps() -> None:
    secret = "x" * 300
    with scripted(r"""
        S: +OK
        C: CAPA
        S: +OK
        S: SASL PLAIN
        S: .
        C: AUTH PLAIN
        S: +
        C: {token}
        S: +OK
        C: CAPA
        S: -ERR
    """) as server:  # fmt: skip
        place = Server("127.0.0.1", server.port, Security.NONE, "ada")
        session = Session(place, lambda: secret, timeout=5)
        assert "x" * 20 not in session.log.text()
        assert server.conversations[0].captured["token"] not in session.log.text()
        session.quit()


def test_no_password_in_the_transcript() -> None:
    with scripted(OPEN) as server:
        session = connect(server)
        assert PASSWORD not in session.log.text()
        assert "ada" not in session.log.text()
        session.quit()


def test_starttls_forgets_what_was_said_before() -> None:
    with scripted(r"""
        S: +OK <1896.697170952@dbc.mtview.ca.us>
        C: CAPA
        S: +OK
        S: STLS
        S: SASL PLAIN
        S: PIPELINING
        S: .
        C: STLS
        S: +OK begin
        TLS: good
        C: CAPA
        S: +OK
        S: USER
        S: .
    """, SIGNED_IN) as server:  # fmt: skip
        session = connect(server, Security.STARTTLS)
        assert session.capabilities == {"UIDL": ()}
        session.quit()
    assert not any(line.startswith("APOP") for line in server.lines)


@pytest.mark.parametrize(
    "answer",
    [
        "S: -ERR unknown",  # no CAPA at all
        "S: +OK\nS: USER\nS: SASL PLAIN\nS: .",  # not offered
        "S: +OK\nS: .",
        "S: +OK\nS: STLS\nS: .\nC: STLS\nS: -ERR not today",
    ],
)
def test_without_stls_no_password_is_sent(answer: str) -> None:
    error = failure(f"S: +OK <1.2@3>\nC: CAPA\n{answer}", security=Security.STARTTLS)
    assert (error.code, error.kind, error.retry) == ("no-starttls", Kind.ACCOUNT, Retry.ASK)
    assert "password was not sent" in error.text


def test_what_is_injected_behind_stls_ends_the_session() -> None:
    def inject(talk: Conversation) -> None:
        talk.send(b"+OK begin\r\n+OK injected\r\n+OK injected\r\n")

    error = failure("S: +OK\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS", inject, security=Security.STARTTLS)
    assert error.code == "protocol-error"
    assert "STLS" in error.detail


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("expired", "certificate-expired"),
        ("not-yet", "certificate-expired"),
        ("wrong-name", "certificate-wrong-name"),
        ("self-signed", "certificate-untrusted"),
        ("stranger", "certificate-untrusted"),
    ],
)
@pytest.mark.parametrize("how", [Security.TLS, Security.STARTTLS])
def test_no_password_over_an_unverified_connection(kind: str, code: str, how: Security) -> None:
    before = "S: +OK\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\nS: +OK\n" if how is Security.STARTTLS else ""
    with scripted(before + f"TLS: {kind}", partial=True) as server, pytest.raises(MailError) as caught:
        Session(Server("127.0.0.1", server.port, how, "ada"), never, str(certs.authority().ca_file), 5)
    assert (caught.value.code, caught.value.kind) == (code, Kind.ACCOUNT)
    assert not any(word in line for line in server.lines for word in ("USER", "PASS", "AUTH"))


def never() -> str:
    raise AssertionError("the password was asked for too early")


def test_an_unprotected_connection_needs_leave() -> None:
    with pytest.raises(MailError) as caught:
        Session(Server("pop.example.org", 110, Security.NONE, "ada"), never)
    assert caught.value.code == "plaintext-refused"


def test_unknown_host_and_closed_port() -> None:
    with pytest.raises(MailError) as caught:
        Session(Server("pop.does-not-exist.invalid", 995, Security.TLS, "ada"), never, timeout=5)
    assert caught.value.code in ("unknown-host", "network-down")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(MailError) as caught:
        Session(Server("127.0.0.1", port, Security.TLS, "ada"), never, timeout=5)
    assert caught.value.code == "connection-refused"


@pytest.mark.parametrize("greeting", ["-ERR [SYS/PERM] closed", "-ERR go away", "-ERR [SYS/TEMP] later"])
def test_turned_away_at_the_door(greeting: str) -> None:
    error = failure(f"S: {greeting}")
    assert (error.code, error.retry) == ("turned-away", Retry.SOON)


@pytest.mark.parametrize("greeting", ["* OK IMAP4rev1", "220 mail ESMTP", "HTTP/1.1 400 Bad Request", "x" * 9000])
def test_a_server_of_another_kind(greeting: str) -> None:
    assert failure(f"S: {greeting}").code == "protocol-error"


def test_an_endless_line_is_cut() -> None:
    def babble(talk: Conversation) -> None:
        for _ in range(50):
            talk.send(b"x" * 1000)

    assert failure(babble).code == "protocol-error"


# --- signing in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "code", "kind", "retry"),
    [
        ("-ERR [AUTH] Authentication failed.", "wrong-password", Kind.ACCOUNT, Retry.ASK),
        ("-ERR invalid password", "wrong-password", Kind.ACCOUNT, Retry.ASK),
        ("-ERR", "wrong-password", Kind.ACCOUNT, Retry.ASK),
        ("-ERR [IN-USE] another session", "mailbox-in-use", Kind.CONNECTION, Retry.SOON),
        ("-ERR maildrop already locked", "mailbox-in-use", Kind.CONNECTION, Retry.SOON),
        ("-ERR [LOGIN-DELAY] minimum is 15 minutes", "login-delay", Kind.CONNECTION, Retry.SOON),
        ("-ERR [SYS/TEMP] disk trouble", "server-trouble", Kind.CONNECTION, Retry.SOON),
        ("-ERR [SYS/PERM] mailbox removed", "login-refused", Kind.ACCOUNT, Retry.ASK),
    ],
)
def test_refused_at_login(reply: str, code: str, kind: Kind, retry: Retry) -> None:
    error = failure(HELLO, f"C: USER ada\nS: +OK\nC: PASS {PASSWORD}\nS: {reply}")
    assert (error.code, error.kind, error.retry) == (code, kind, retry)


def test_the_user_name_may_be_refused_at_once() -> None:
    assert failure(HELLO, "C: USER ada\nS: -ERR [AUTH] who?").code == "wrong-password"


def test_a_server_that_marks_wrong_passwords_means_something_else_without_the_mark() -> None:
    hello = HELLO.replace("UIDL", "AUTH-RESP-CODE")
    error = failure(hello, f"C: USER ada\nS: +OK\nC: PASS {PASSWORD}\nS: -ERR backend is down")
    assert (error.code, error.retry) == ("server-trouble", Retry.SOON)


def test_a_server_that_echoes_the_password() -> None:
    error = failure(HELLO, f"C: USER ada\nS: +OK\nC: PASS {PASSWORD}\nS: -ERR bad password {PASSWORD}")
    assert "***" in error.detail


def test_no_way_to_sign_in() -> None:
    assert failure("S: +OK\nC: CAPA\nS: +OK\nS: STLS\nS: .").code == "login-disabled"


@pytest.mark.parametrize("bad", ["a\r\nDELE 1", "a\nb", "a\0b"])
def test_no_command_can_be_smuggled_into_a_name(bad: str) -> None:
    with scripted(HELLO) as server, pytest.raises(MailError) as caught:
        Session(Server("127.0.0.1", server.port, Security.NONE, bad), lambda: PASSWORD, timeout=5)
    assert caught.value.code == "wrong-password"


# --- listing ----------------------------------------------------------------------------------------------------


def test_a_server_without_uidl_and_with_lies() -> None:
    with scripted(HELLO, SIGNED_IN.replace("UIDL", "TOP"), r"""
        C: LIST
        S: +OK 2 messages
        S: 1 many
        S: 1 7
        S: 3 99999999
        S: nonsense
        S: .
        C: UIDL
        S: -ERR unknown
        C: TOP 3 0
        S: +OK
        S: Subject: three
        S:
        S: .
    """) as server:  # fmt: skip
        session = connect(server)
        assert session.listing() == [Listed(1, "", 0), Listed(3, "", 99999999)]
        assert list(session.headers([3])) == [(3, b"Subject: three")]
        session.quit()


@pytest.mark.parametrize(("offers", "says"), [("UIDL", "-ERR not now"), ("TOP", "-ERR [SYS/TEMP] disk")])
def test_a_server_that_has_unique_ids_and_cannot_tell_them_now(offers: str, says: str) -> None:
    """Without them all of its mail would look new."""
    script = f"C: LIST\nS: +OK\nS: 1 7\nS: .\nC: UIDL\nS: {says}"
    with scripted(HELLO, SIGNED_IN.replace("UIDL", offers), script) as server:
        session = connect(server)
        with pytest.raises(MailError) as caught:
            session.listing()
        assert (caught.value.kind, caught.value.code) == (Kind.CONNECTION, "listing-refused")
        session.quit()


def test_duplicate_and_missing_unique_ids_are_told_as_they_are() -> None:
    with scripted(OPEN, r"""
        C: LIST
        S: +OK
        S: 1 7
        S: 2 7
        S: 3 7
        S: .
        C: UIDL
        S: +OK
        S: 1 same
        S: 2 same
        S: 9 ghost
        S: .
    """) as server:  # fmt: skip
        session = connect(server)
        assert session.listing() == [Listed(1, "same", 7), Listed(2, "same", 7), Listed(3, "", 7)]
        session.quit()


# --- fetching ---------------------------------------------------------------------------------------------------


def test_long_lines_and_octets_above_127() -> None:
    line = b"\x80\xff" * 50_000

    def send(talk: Conversation) -> None:
        talk.send(b"+OK 12 octets\r\n" + line + b"\r\nlone\rCR and lone\nLF\r\n\r\n.\r\n")

    with scripted(OPEN, "C: RETR 1", send) as server:
        session = connect(server)
        assert fetched(session, 1) == [line + b"\r\nlone\rCR and lone\nLF\r\n\r\n"]
        session.quit()


def test_pipelined_retrieval_asks_ahead() -> None:
    with scripted(HELLO, PIPELINED, r"""
        C: RETR 3
        C: RETR 2
        C: RETR 1
        S: +OK
        S: three
        S: .
        S: -ERR gone
        S: +OK
        S: one
        S: .
    """) as server:  # fmt: skip
        session = connect(server)
        answers = list(session.retrieve([3, 2, 1], io.BytesIO))
        assert [number for number, _ in answers] == [3, 2, 1]
        contents = [answer.code if isinstance(answer, MailError) else answer.getvalue() for _, answer in answers]
        assert contents == [b"three\r\n", "message-refused", b"one\r\n"]
        session.quit()


def test_pipelined_retrieval_of_many() -> None:
    count = 100

    def serve(talk: Conversation) -> None:
        for _ in range(count):
            number = talk.line().split()[1]
            talk.send(b"+OK\r\nnumber " + number + b"\r\n.\r\n")

    with scripted(HELLO, PIPELINED, serve) as server:
        session = connect(server)
        assert fetched(session, *range(count, 0, -1)) == [b"number %d\r\n" % n for n in range(count, 0, -1)]
        session.quit()


def test_without_pipelining_one_at_a_time() -> None:
    with scripted(OPEN, "C: RETR 1\nS: +OK\nS: .\nC: RETR 2\nS: -ERR [SYS/TEMP] later") as server:
        session = connect(server)
        (_, empty), (_, refused) = session.retrieve([1, 2], io.BytesIO)
        assert not isinstance(empty, MailError)
        assert empty.getvalue() == b""
        assert isinstance(refused, MailError)
        assert (refused.kind, refused.retry) == (Kind.MESSAGE, Retry.SOON)
        session.quit()


MESSAGE = "C: RETR 1\nS: +OK\nS: Subject: cut\nS:\nS: text"


@pytest.mark.parametrize("end", ["DROP", "RESET", r"S- \r\n.\r" + "\nDROP", "S: ..\nDROP"])
def test_cut_in_the_middle_of_a_message(end: str) -> None:
    with scripted(OPEN, MESSAGE + "\n" + end) as server:
        session = connect(server)
        with pytest.raises(MailError) as caught:
            fetched(session, 1)
        assert (caught.value.kind, caught.value.code) == (Kind.CONNECTION, "connection-lost")
        with pytest.raises(MailError) as caught:
            session.listing()
        assert caught.value.kind is Kind.CONNECTION


def test_cut_after_every_octet_of_a_session() -> None:
    """Wherever the connection ends, the answer is a MailError or the whole message, and never half of one."""
    flow = b"+OK\r\n|+OK\r\nUSER\r\n.\r\n|+OK\r\n|+OK\r\n|-ERR\r\n|+OK\r\nSubject: x\r\n\r\n..\r\n.\r\n"
    whole = len(flow.replace(b"|", b""))
    outcomes = {}
    for cut in range(whole + 1):
        left = [cut]

        def serve(talk: Conversation, left: list[int] = left) -> None:
            for turn, answer in enumerate(flow.split(b"|")):
                if turn:
                    talk.line()
                talk.send(answer[: left[0]])
                left[0] -= len(answer)
                if left[0] < 0:
                    talk._drop("")
                    return

        with scripted(serve, partial=True) as server:
            try:
                session = connect(server)
                assert fetched(session, 1) == [b"Subject: x\r\n\r\n.\r\n"]
                outcomes[cut] = "whole"
                session.abort()
            except MailError as error:
                outcomes[cut] = error.code
    assert outcomes == dict.fromkeys(range(whole), "connection-lost") | {whole: "whole"}


def test_a_silent_server_is_given_up() -> None:
    with scripted(OPEN, MESSAGE + "\nSTALL forever", partial=True) as server:
        place = Server("127.0.0.1", server.port, Security.NONE, "ada")
        session = Session(place, lambda: PASSWORD, timeout=0.3)
        with pytest.raises(MailError) as caught:
            fetched(session, 1)
        assert caught.value.code == "timeout"
        server.release("forever")


def test_a_message_beyond_the_limit_is_not_kept() -> None:
    def flood(talk: Conversation) -> None:
        for _ in range(100):
            talk.send(b"+OK\r\n" if _ == 0 else b"x" * 998 + b"\r\n")

    with scripted(OPEN, "C: RETR 1", flood, partial=True) as server:
        session = connect(server, max_message=20_000)
        files: list[io.BytesIO] = []

        def sink() -> io.BytesIO:
            files.append(io.BytesIO())
            return files[-1]

        answers = session.retrieve([1, 2], sink)
        _, answer = next(answers)
        assert isinstance(answer, MailError)
        assert (answer.kind, answer.retry, answer.code) == (Kind.MESSAGE, Retry.NEVER, "too-big")
        assert files[0].closed
        with pytest.raises(MailError) as caught:
            next(answers)
        assert caught.value.kind is Kind.CONNECTION


@pytest.mark.parametrize("lines", [b"%d 7\r\n", b"x\r\n", b"\r\n", b"y" * 5000 + b"\r\n"])
def test_a_listing_without_end_is_cut(monkeypatch: pytest.MonkeyPatch, lines: bytes) -> None:
    """Whatever it consists of: the trouble is the server's, and is not blamed on one message."""
    monkeypatch.setattr(pop3, "MAX_LISTING", 1_000_000)
    monkeypatch.setattr(pop3, "MAX_MESSAGES", 2_000)

    def flood(talk: Conversation) -> None:
        talk.send(b"+OK\r\n")
        with contextlib.suppress(OSError):
            for start in range(0, 10**9, 1000):
                talk.send(b"".join(lines % n if b"%d" in lines else lines for n in range(start, start + 1000)))

    with scripted(OPEN, "C: LIST", flood, partial=True) as server:
        session = connect(server)
        with pytest.raises(MailError) as caught:
            session.listing()
        assert caught.value.code in ("protocol-error", "too-many-messages")
        assert caught.value.kind in (Kind.CONNECTION, Kind.ACCOUNT)


@pytest.mark.parametrize("part", ["greeting", "message"])
def test_a_server_that_trickles_is_given_up(part: str) -> None:
    """Each octet comes in time, and the answer never does."""

    def trickle(talk: Conversation) -> None:
        with contextlib.suppress(OSError):
            while True:
                talk.send(b"x")
                time.sleep(0.02)

    script = ("S- +O", trickle) if part == "greeting" else (OPEN, "C: RETR 1\nS: +OK", trickle)
    with scripted(*script, partial=True) as server:
        place = Server("127.0.0.1", server.port, Security.NONE, "ada")
        began = time.monotonic()
        with pytest.raises(MailError) as caught:
            fetched(Session(place, lambda: PASSWORD, timeout=0.5), 1)
        assert caught.value.code == "timeout"
        assert time.monotonic() - began < 20


def test_an_answer_that_nobody_asked_for_ends_the_session() -> None:
    """Else each later command would get the answer to the one before: DELE 2 the +OK of DELE 1."""

    def slip(talk: Conversation) -> None:
        talk.send(b"+OK\r\n1 7\r\n.\r\n+OK stray\r\n")

    with scripted(OPEN, "C: LIST", slip, partial=True) as server:
        session = connect(server)
        with pytest.raises(MailError) as caught:
            session.listing()
        assert caught.value.code == "protocol-error"


def test_a_full_disk_is_this_computers_trouble() -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    with scripted(OPEN, MESSAGE + "\nS: .", partial=True) as server:
        session = connect(server)
        with pytest.raises(MailError) as caught:
            list(session.retrieve([1], Full))
        assert (caught.value.kind, caught.value.code) == (Kind.LOCAL, "disk-full")


def test_stopping_early_leaves_no_half_conversation() -> None:
    with scripted(HELLO, PIPELINED, "C: RETR 1\nC: RETR 2\nS: +OK\nS: one\nS: .", partial=True) as server:
        session = connect(server)
        answers: Iterator[object] = session.retrieve([1, 2], io.BytesIO)
        next(answers)
        answers.close()  # type: ignore[attr-defined]
        with pytest.raises(MailError):
            session.listing()


# --- the end ----------------------------------------------------------------------------------------------------


def test_deletions_that_were_not_confirmed() -> None:
    with scripted(OPEN, "C: DELE 1\nS: +OK\nC: DELE 2\nS: -ERR no such\nC: QUIT\nS: -ERR some not removed") as server:
        session = connect(server)
        (_, marked), (_, refused) = session.delete([1, 2])
        assert marked is None
        assert refused is not None
        assert refused.kind is Kind.MESSAGE
        with pytest.raises(MailError) as caught:
            session.quit()
        assert caught.value.code == "not-deleted"


def test_the_password_is_masked_everywhere_once_it_was_used() -> None:
    with scripted(OPEN) as server:
        connect(server).quit()
    assert PASSWORD not in log.masked(f"PASS {PASSWORD}")
