"""What programs write becomes a message."""

import email
import email.policy

import pytest

from mua.errors import MailError
from mua.mime.submit import Person, Submitted, received, submitted, unfit

ANN = Person("ann", "Ann Lee", "host.example")
CRON = b"""From: root (Cron Daemon)
To: root
Subject: Cron <root@box> run-parts
Content-Type: text/plain; charset=UTF-8

out
"""


def made(raw: bytes, *recipients: str, sender: str | None = None, t: bool = False, name: str = "") -> Submitted:
    return submitted((raw,), ANN, sender=sender, recipients=recipients, from_header=t, full_name=name)


def whole(one: Submitted) -> bytes:
    [raw] = one.pieces
    assert isinstance(raw, bytes)
    return raw


def field(one: Submitted, name: str) -> str:
    return str(email.message_from_bytes(whole(one), policy=email.policy.default)[name])


def test_cron_writes_names_without_domains() -> None:
    one = made(CRON, "root")
    assert one.recipients == ("root@host.example",)
    assert field(one, "from") == "Cron Daemon <root@host.example>"
    assert field(one, "to") == "root@host.example"
    assert field(one, "subject") == "Cron <root@box> run-parts"
    assert whole(one).endswith(b"\r\n\r\nout\r\n")


def test_what_is_whole_stays_byte_for_byte() -> None:
    raw = b"From: A  <a@b.test>\r\nTO: x@y.test,\r\n\t z@y.test\r\nX-Odd:  two  blanks \r\n\r\nHi\r\n"
    assert whole(made(raw, "x@y.test")) == raw


def test_who_submits_is_the_sender_and_the_author() -> None:
    one = made(b"Subject: x\n\nhi\n", "bob@there.test")
    assert one.sender == "ann@host.example"
    assert field(one, "from") == "Ann Lee <ann@host.example>"
    one = made(b"\nhi\n", "bob@there.test", sender="other@there.test", name="Somebody Else")
    assert (one.sender, field(one, "from")) == ("other@there.test", "Somebody Else <other@there.test>")
    one = made(b"\nhi\n", "bob@there.test", sender="")
    assert (one.sender, field(one, "from")) == ("", "Ann Lee <ann@host.example>")


@pytest.mark.parametrize("text", [b"just text", b"just text\nmore: text\n", b"\njust text\n", b" indented\n"])
def test_a_text_without_a_header_is_all_body(text: bytes) -> None:
    one = made(text, "bob")
    body = whole(one).partition(b"\r\n\r\n")[2]
    assert body.strip() == text.strip().replace(b"\n", b"\r\n")
    assert whole(one).startswith(b"From: ")


def test_a_line_that_is_no_field_ends_the_header() -> None:
    one = made(b"Subject: x\nno field\nTo: y\n", "bob")
    assert whole(one).endswith(b"Subject: x\r\n\r\nno field\r\nTo: y\r\n")


def test_the_line_of_an_mbox_is_no_header() -> None:
    one = made(b"From ann Mon Jan  1 00:00:00 2026\nFrom: a@b.test\n\nx\n", "bob")
    assert whole(one) == b"From: a@b.test\r\n\r\nx\r\n"


def test_t_reads_the_header_and_adds_the_command_line() -> None:
    raw = b"To: a@x.test, B <b@x.test>\nCc: g: c@x.test, d;\nBcc: e@x.test\n\nx\n"
    one = made(raw, "f@x.test, a@x.test", t=True)
    assert set(one.recipients) == {f"{name}@x.test" for name in "abcef"} | {"d@host.example"}
    assert len(one.recipients) == 6
    assert made(raw, "f@x.test").recipients == ("f@x.test",)


def test_t_of_a_message_that_is_sent_on_reads_the_newer_fields() -> None:
    raw = b"Resent-To: new\nTo: old@x.test\n\nx\n"
    assert made(raw, t=True).recipients == ("new@host.example",)


@pytest.mark.parametrize("wrong", ["a b", "a@@b", "a@b\r\nRCPT TO:<c@d>", "<script>@", "@x.test"])
def test_what_is_no_address_is_refused(wrong: str) -> None:
    with pytest.raises(MailError):
        made(b"\nx\n", wrong)


def test_a_sender_cannot_hold_a_line() -> None:
    with pytest.raises(MailError):
        made(b"\nx\n", "bob", sender="a@b.test>\r\nX: y")


def test_nobody_in_the_header_is_nobody() -> None:
    assert made(b"To: undisclosed-recipients:;\n\nx\n", t=True).recipients == ()


def test_received_says_who() -> None:
    line = received("userid 1000", "host.example", "abc", 0, 60)
    assert line == b"Received: by host.example (Mua, from userid 1000)\r\n id abc; Thu, 1 Jan 1970 01:00:00 +0100\r\n"
    assert unfit(line * 50 + b"From: a@b\r\n") == ("", "")
    assert unfit(line * 51 + b"From: a@b\r\n")[1] == "loop"


@pytest.mark.parametrize("header", [b"Subject: x\n", b"From: a@b\nFROM : c@d\n"])
def test_a_message_has_one_from_field(header: bytes) -> None:
    assert unfit(header)[1] == "unsendable"
