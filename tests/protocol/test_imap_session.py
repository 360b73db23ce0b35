"""Opening an IMAP session: TLS before anything, one try per password, no trust in what came before."""

import socket

import certs
import pytest
from imap_talk import SELECT, connect, hello, talking
from scripted import Scripted

from mua.errors import Kind, MailError, Retry
from mua.model.account import Security, Server
from mua.net.imap import ImapConnection

GREETING = r"""
    S: * OK ready
    C: {tag} CAPABILITY
    S: * CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED
    S: {tag} OK done
    """
AFTER_TLS = r"""
    C: {tag} CAPABILITY
    S: * CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR
    S: {tag} OK done
    C: {tag} AUTHENTICATE PLAIN AGFubgBzM2NyM3Q=
    S: {tag} OK in
    C: {tag} CAPABILITY
    S: * CAPABILITY IMAP4rev1 NEW
    S: {tag} OK done
    """


def ca() -> str:
    return str(certs.authority().ca_file)


def never() -> str:
    raise AssertionError("the password was asked for")


def failure(
    *parts, security: Security = Security.STARTTLS, host: str = "localhost", password=never, partial: bool = False
) -> MailError:
    """The error that connecting to this script raises; the password must not even be asked for."""
    with Scripted(*parts, partial=partial) as server, pytest.raises(MailError) as caught:
        connect(server, security, ca(), host, password=password)
    return caught.value


def test_starttls_then_login_then_capabilities_again():
    script = GREETING + "C: {tag} STARTTLS\nS: {tag} OK go\nTLS: good" + AFTER_TLS
    with talking(greeting=script, security=Security.STARTTLS, ca_file=ca()) as connection:
        assert connection.capabilities == {"IMAP4REV1", "NEW"}


def test_implicit_tls():
    with talking(greeting="TLS: good" + hello("IMAP4rev1 AUTH=PLAIN SASL-IR"), security=Security.TLS, ca_file=ca()):
        pass


@pytest.mark.parametrize(
    "kind, code",
    [
        ("expired", "certificate-expired"),
        ("not-yet", "certificate-expired"),
        ("wrong-name", "certificate-wrong-name"),
        ("self-signed", "certificate-untrusted"),
        ("stranger", "certificate-untrusted"),
    ],
)
def test_no_password_to_a_certificate_that_does_not_fit(kind, code):
    error = failure(f"TLS: {kind}", security=Security.TLS)
    assert (error.code, error.kind, error.retry) == (code, Kind.ACCOUNT, Retry.ASK)
    assert "password was not sent" in error.text
    error = failure(GREETING + "C: {tag} STARTTLS\nS: {tag} OK go\nTLS: " + kind)
    assert error.code == code


@pytest.mark.parametrize(
    "answer",
    ["S: {tag} NO not today", "S: {tag} BAD what"],
)
def test_starttls_refused(answer):
    assert failure(GREETING + "C: {tag} STARTTLS\n" + answer).code == "no-starttls"


def test_starttls_not_offered():
    script = "S: * OK hi\nC: {tag} CAPABILITY\nS: * CAPABILITY IMAP4rev1 AUTH=PLAIN\nS: {tag} OK x"
    error = failure(script)
    assert (error.code, error.kind) == ("no-starttls", Kind.ACCOUNT)


@pytest.mark.parametrize("offered", ["STARTTLS", "AUTH=PLAIN", "STARTTLS LOGINDISABLED"])
def test_preauth_before_starttls_is_refused(offered):
    script = f"S: * PREAUTH welcome\nC: {{tag}} CAPABILITY\nS: * CAPABILITY IMAP4rev1 {offered}\nS: {{tag}} OK x"
    assert failure(script).code == "no-starttls"


def test_what_comes_with_the_answer_to_starttls_is_an_injection():
    script = GREETING + r"C: {tag} STARTTLS" + "\n" + r"S- {tag} OK go\r\n* CAPABILITY IMAP4rev1 EVIL\r\n"
    assert failure(script).code == "protocol-error"


def test_a_predicted_early_ok_does_not_pass_for_tls():
    script = GREETING + r"C: {tag} STARTTLS" + "\n" + r"S- {tag} OK go\r\n{tag} OK in\r\n"
    assert failure(script).code == "protocol-error"


@pytest.mark.parametrize(
    "injected",
    [
        r'* LIST () "/" INJECTED',
        r'* LSUB () "/" INJECTED',
        "* STATUS INBOX (MESSAGES 54321)",
        "* SEARCH 1 2 3",
        "* 54321 EXISTS",
        "* 1 EXPUNGE",
        r"* 1 FETCH (UID 1 BODY[] {3}\r\nbad)",
        "* OK [ALERT] call this number",
        "* OK [REFERRAL imap://evil.example/] go there",
    ],
)
def test_nothing_said_before_tls_survives(injected):
    before = GREETING.replace("C: {tag} CAPABILITY", f"S: {injected}\nC: {{tag}} CAPABILITY")
    script = before + f"C: {{tag}} STARTTLS\nS: {injected}\nS: {{tag}} OK go\nTLS: good" + AFTER_TLS
    folders = 'C: {tag} LIST "" "*"\nS: {tag} OK x\nC: {tag} LSUB "" "*"\nS: {tag} OK x'
    with talking(folders, greeting=script, security=Security.STARTTLS, ca_file=ca()) as connection:
        assert connection.news == set()
        assert connection._client._imap.untagged_responses.keys() <= {"CAPABILITY"}
        assert connection.list_folders() == []


@pytest.mark.parametrize("echo", ["LOGIN ann s3cr3t", "AGFubgBzM2NyM3Q="])
def test_a_password_that_the_server_repeats_is_masked(echo):
    script = hello().replace("OK [CAPABILITY", f"NO no user {echo} [")
    error = failure(script, security=Security.NONE, host="127.0.0.1", password=lambda: "s3cr3t")
    assert "***" in error.detail
    assert "s3cr3t" not in error.detail and "AGFubgBz" not in error.detail


def test_wrong_password_is_tried_once_and_told_in_the_servers_words():
    script = hello().replace("OK [CAPABILITY", "NO [AUTHENTICATIONFAILED] no such luck [")
    error = failure(script, security=Security.NONE, host="127.0.0.1", password=lambda: "s3cr3t")
    assert (error.code, error.kind, error.retry) == ("wrong-password", Kind.ACCOUNT, Retry.ASK)
    assert "no such luck" in error.detail
    assert "s3cr3t" not in error.detail + error.text


@pytest.mark.parametrize("words", ["[UNAVAILABLE] database", "Too many simultaneous connections", "[INUSE] x"])
def test_a_busy_server_is_not_a_wrong_password(words):
    script = hello().replace("OK [CAPABILITY", f"NO {words} (")
    error = failure(script, security=Security.NONE, host="127.0.0.1", password=lambda: "s3cr3t")
    assert (error.code, error.retry) == ("too-many-connections", Retry.SOON)


def test_plain_without_sasl_ir():
    script = """
        S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi
        C: {tag} CAPABILITY
        S: * CAPABILITY IMAP4rev1 AUTH=PLAIN
        S: {tag} OK
        C: {tag} AUTHENTICATE PLAIN
        S: +
        C: AGFubgBzM2NyM3Q=
        S: {tag} OK [CAPABILITY IMAP4rev1] in
        """
    with talking(greeting=script.replace("S: {tag} OK\n", "S: {tag} OK x\n").replace("S: +\n", "S: + \\x20\n")):
        pass


def test_login_as_last_resort_takes_any_letter():
    script = r"""
        S: * OK hi
        C: {tag} CAPABILITY
        S: * CAPABILITY IMAP4rev1
        S: {tag} OK x
        C: {tag} LOGIN "ann \"the\" \\" {9}
        S: + go on
        C# 9
        C:
        S: {tag} OK in
        C: {tag} CAPABILITY
        S: * CAPABILITY IMAP4rev1
        S: {tag} OK x
        """
    with Scripted(script) as server:
        connection = connect(server, user='ann "the" \\', password=lambda: "pässwör")
        connection.abort()
        assert server.received == ["pässwör".encode()]


def test_login_disabled():
    script = "S: * OK hi\nC: {tag} CAPABILITY\nS: * CAPABILITY IMAP4rev1 LOGINDISABLED\nS: {tag} OK x"
    error = failure(script, security=Security.NONE, host="127.0.0.1", password=lambda: "s3cr3t")
    assert error.code == "login-disabled"


def test_no_password_over_an_unprotected_connection_to_another_host():
    with pytest.raises(MailError) as caught:
        ImapConnection(Server("mail.example.org", 143, Security.NONE, "ann"), never)
    assert caught.value.code == "plaintext-refused"


def test_control_characters_in_name_and_password_are_refused():
    script = "S: * OK hi\nC: {tag} CAPABILITY\nS: * CAPABILITY IMAP4rev1\nS: {tag} OK x"
    with Scripted(script) as server, pytest.raises(MailError) as caught:
        connect(server, user="ann\r\nX DELETE INBOX")
    assert caught.value.code == "wrong-password"


@pytest.mark.parametrize(
    "greeting, code",
    [
        ("S: * BYE full", "turned-away"),
        ("S: * NO go away", "turned-away"),
        ("S: 220 smtp here", "protocol-error"),
        ("S: \\x00\\x01\\x02", "protocol-error"),
        ("DROP", "connection-lost"),
        ("RESET", "connection-lost"),
    ],
)
def test_odd_greetings(greeting, code):
    error = failure(greeting, partial=True)
    assert (error.code, error.kind) == (code, Kind.CONNECTION)


def test_server_without_imap4_is_turned_down():
    script = "S: * OK hi\nC: {tag} CAPABILITY\nS: * CAPABILITY XYZZY\nS: {tag} OK x"
    assert failure(script, partial=True).kind is Kind.CONNECTION


def test_a_silent_server_ends_in_a_timeout():
    with Scripted("STALL never", partial=True) as server:
        with pytest.raises(MailError) as caught:
            connect(server, timeout=0.2)
        server.release("never")
    assert (caught.value.code, caught.value.retry) == ("timeout", Retry.SOON)


def test_a_server_that_trickles_is_a_stalled_one(monkeypatch):
    """One byte at a time keeps every single read alive, but not the response."""

    def trickle(talk):
        for _ in range(200):
            talk.send(b"x")
            if talk.server.event("enough").wait(0.02):
                return

    with Scripted("S- * OK", trickle, partial=True) as server:
        with pytest.raises(MailError) as caught:
            connect(server, timeout=0.25)
        server.release("enough")
    assert caught.value.code == "timeout"


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(MailError) as caught:
        ImapConnection(Server("127.0.0.1", port, Security.NONE, "ann"), never)
    assert (caught.value.code, caught.value.kind) == ("connection-refused", Kind.CONNECTION)


def test_unknown_host():
    with pytest.raises(MailError) as caught:
        ImapConnection(Server("no-such-host.invalid", 993, Security.TLS, "ann"), never, timeout=5)
    assert caught.value.code in ("unknown-host", "network-down")


def test_enable_qresync_when_offered():
    capabilities = "IMAP4rev1 SASL-IR AUTH=PLAIN ENABLE CONDSTORE QRESYNC"
    enable = "C: {tag} ENABLE CONDSTORE QRESYNC\nS: * ENABLED CONDSTORE QRESYNC\nS: {tag} OK x"
    with talking(enable, capabilities=capabilities) as connection:
        assert connection.enabled == {"CONDSTORE", "QRESYNC"}


def test_the_transcript_holds_no_secret():
    with talking(SELECT) as connection:
        connection.select("INBOX")
        text = connection.log.text()
    assert "AUTHENTICATE PLAIN A" not in text
    assert "s3cr3t" not in text
    assert "AGFubgBzM2NyM3Q=" not in text
    assert 'SELECT "INBOX"' in text


def test_log_out_says_goodbye():
    with Scripted(hello(), "C: {tag} LOGOUT\nS: * BYE see you\nS: {tag} OK bye") as server:
        connect(server).log_out()
