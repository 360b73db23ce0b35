"""Conversations with the demo submission server, and what comes of the mail that it takes."""

import asyncio
import email
import email.policy
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import aiosmtplib
import pytest
from demo_server import LOGIN, House, house

from mua.demo.people import BY_KEY

ME = LOGIN.user


@pytest.fixture
def running() -> Iterator[House]:
    with house() as servers:
        yield servers


@pytest.fixture
def session(running: House) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", running.smtp_port, timeout=10) as client:
        client.login(LOGIN.user, LOGIN.password)
        yield client


def letter(to: str, text: str = "Shall we meet at noon?\n") -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"Robin Vale <{ME}>"
    message["To"] = to
    message["Subject"] = "Noon"
    message["Message-ID"] = "<noon.1@demo.mua.example>"
    message["References"] = "<earlier@demo.mua.example>"
    message.set_content(text)
    return message


def arrivals(running: House, count: int) -> list[EmailMessage]:
    """Wait in IDLE until INBOX holds ``count`` messages; returns them."""
    client = running.client()
    client.select_folder("INBOX")
    client.idle()
    while len(running.mailbox.find("INBOX").messages) < count:
        assert client.idle_check(timeout=10), "no mail came within ten seconds"
    client.idle_done()
    rows = client.fetch(client.search("ALL"), ["BODY.PEEK[]"])
    client.logout()
    return [email.message_from_bytes(rows[uid][b"BODY[]"], policy=email.policy.default) for uid in sorted(rows)]


def test_what_is_sent_to_oneself_comes_back(running: House, session: smtplib.SMTP) -> None:
    message = letter(ME, "A line.\n.dots\n..more\n")
    assert session.send_message(message) == {}
    [back] = arrivals(running, 1)
    assert back["Subject"] == "Noon"
    assert back["Return-Path"] == f"<{ME}>"
    assert back.get_content().replace("\r\n", "\n") == "A line.\n.dots\n..more\n"


def test_a_correspondent_answers_in_the_thread(running: House, session: smtplib.SMTP) -> None:
    session.send_message(letter("Ruth Vale <ruth@vale.example>"))
    [reply] = arrivals(running, 1)
    assert reply["From"].addresses[0].addr_spec == "ruth@vale.example"
    assert reply["To"].addresses[0].addr_spec == ME
    assert reply["Subject"] == "Re: Noon"
    assert reply["In-Reply-To"] == "<noon.1@demo.mua.example>"
    assert reply["References"] == "<earlier@demo.mua.example> <noon.1@demo.mua.example>"
    assert "> Shall we meet at noon?" in reply.get_content()


@pytest.mark.parametrize("key", ["jonas", "camille", "ines", "hana", "nadia", "samir", "anjali"])
def test_correspondents_answer_in_their_own_language(running: House, session: smtplib.SMTP, key: str) -> None:
    person = BY_KEY[key]
    session.send_message(letter(person.address))
    [reply] = arrivals(running, 1)
    assert reply["From"].addresses[0].display_name == person.name
    assert person.given_name in reply.get_content()
    assert "Robin" in reply.get_content()


def test_a_stranger_is_called_what_the_sender_called_them(running: House, session: smtplib.SMTP) -> None:
    session.send_message(letter("Zoë Quill <z.quill@somewhere.example>"))
    [reply] = arrivals(running, 1)
    assert reply["From"].addresses[0].display_name == "Zoë Quill"


@pytest.mark.parametrize(
    "header", [("Auto-Submitted", "auto-replied"), ("Precedence", "bulk"), ("List-Id", "<l.x.example>")]
)
def test_what_is_automatic_is_never_answered(running: House, session: smtplib.SMTP, header: tuple[str, str]) -> None:
    message = letter(f"ruth@vale.example, {ME}")
    message[header[0]] = header[1]
    session.send_message(message)
    session.send_message(letter("oliver@vale.example"))
    back, reply = arrivals(running, 2)
    assert back["Subject"] == "Noon"
    assert reply["From"].addresses[0].addr_spec == "oliver@vale.example"


def test_an_answer_is_not_answered(running: House, session: smtplib.SMTP) -> None:
    session.send_message(letter("ruth@vale.example"))
    [reply] = arrivals(running, 1)
    reply.replace_header("To", "ruth@vale.example")
    session.send_message(reply, ME, ["ruth@vale.example"])
    session.send_message(letter(ME))
    assert [mail["Subject"] for mail in arrivals(running, 2)] == ["Re: Noon", "Noon"]


def test_refused_recipients_are_named_and_the_others_get_the_mail(running: House, session: smtplib.SMTP) -> None:
    to = [ME, "refused@vale.example", "someone@elsewhere.org"]
    refused = session.send_message(letter(", ".join(to)))
    assert refused["refused@vale.example"] == (550, b"5.1.1 There is nobody of this name here")
    assert refused["someone@elsewhere.org"][0] == 550
    assert b"nothing was sent" in refused["someone@elsewhere.org"][1]
    assert len(arrivals(running, 1)) == 1


def test_greylisting_defers_first_and_takes_later(running: House, session: smtplib.SMTP) -> None:
    running.servers.smtp.post.greylist = 3600
    for _ in range(2):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
            session.send_message(letter("later@vale.example"))
        assert refusal.value.recipients["later@vale.example"][0] == 451
    running.servers.smtp.post.greylist = 0
    assert session.send_message(letter("later@vale.example")) == {}
    assert len(arrivals(running, 1)) == 1


def test_nothing_is_taken_before_login_and_a_wrong_password_is_refused(running: House) -> None:
    with smtplib.SMTP("127.0.0.1", running.smtp_port, timeout=10) as client:
        with pytest.raises(smtplib.SMTPSenderRefused) as refusal:
            client.send_message(letter(ME))
        assert refusal.value.smtp_code == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(LOGIN.user, "wrong")


def test_auth_login_and_aiosmtplib(running: House) -> None:
    with smtplib.SMTP("127.0.0.1", running.smtp_port, timeout=10) as client:
        client.ehlo()
        client.user, client.password = LOGIN.user, LOGIN.password
        assert client.auth("LOGIN", client.auth_login)[0] == 235

    async def send() -> dict[str, aiosmtplib.SMTPResponse]:
        server = aiosmtplib.SMTP(hostname="127.0.0.1", port=running.smtp_port, start_tls=False)
        async with server:
            await server.login(LOGIN.user, LOGIN.password)
            return (await server.send_message(letter(f"{ME}, refused@x.example")))[0]

    assert list(asyncio.run(send())) == ["refused@x.example"]


def test_pipelined_and_broken_commands(running: House, session: smtplib.SMTP) -> None:
    for line, code in (("NONSENSE", 502), ("RCPT TO:<a@b.example>", 503), ("DATA", 503), ("MAIL FROM:oops", 501)):
        assert session.docmd(line)[0] == code
    assert session.docmd("MAIL", f"FROM:<{ME}> SIZE=999999999")[0] == 552
    session.send(f"MAIL FROM:<{ME}> BODY=8BITMIME RET=HDRS\r\nRCPT TO:<{ME}> NOTIFY=FAILURE\r\nDATA\r\n".encode())
    assert [session.getreply()[0] for _ in range(3)] == [250, 250, 354]
    session.send(b"Subject: piped\r\n\r\nyes\r\n.\r\nNOOP\r\n")
    assert [session.getreply()[0] for _ in range(2)] == [250, 250]
    assert arrivals(running, 1)[0]["Subject"] == "piped"


def test_faults_cut_after_the_dot_and_file_the_sent_copy(running: House) -> None:
    running.do(running.mailbox.create, "Sent", "\\Sent")
    running.faults.files_sent = True
    running.faults.drop_before_ok.add(".")
    with smtplib.SMTP("127.0.0.1", running.smtp_port, timeout=10) as client:
        client.login(LOGIN.user, LOGIN.password)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.send_message(letter(ME))
    assert len(running.mailbox.find("INBOX").messages) == 1
    assert len(running.mailbox.find("Sent").messages) == 1
