"""Our own report: for people, for Python's email, and for our own parser of reports."""

import email
import email.policy

import pytest

from mua.mime.bounce import Returned, bounce, status
from mua.mime.report import report
from mua.model.outgoing import Recipient, RecipientState
from mua.model.report import Action

HEADER = b"Received: by host.example\r\n id 1; now\r\nFrom: ann@host.example\r\nSubject: Backup\r\n"
HEADER += b"Message-ID: <m1@host.example>\r\n"
ABOUT = Returned(HEADER, "m1@host.example", "Backup", 1_800_000_000, "abc")
REFUSED = RecipientState.REFUSED
FAILED = [
    Recipient("bob@there.test", REFUSED, code=550, text="5.1.1 <bob@there.test>: no such user", host="mx.there.test"),
    Recipient("carol@gone.test", REFUSED, text="Given up after 4 days: nobody answered"),
    Recipient("dave@there.test", RecipientState.UNKNOWN, text="Mua was interrupted", host="mx.there.test"),
    Recipient("jürgen@there.test", REFUSED, code=553, text="Größe " + "x" * 3000, host="mx"),
]


def made(about: Returned = ABOUT, failed: list[Recipient] = FAILED) -> bytes:
    return bounce(
        about,
        failed,
        sender="ann@host.example",
        mail_name="host.example",
        message_id="r1@host.example",
        now=1_800_000_100,
    )


def test_our_own_parser_reads_it() -> None:
    found = report(made())
    assert found is not None and found.standard
    assert (found.envid, found.message_id) == ("abc", "m1@host.example")
    assert [one.address for one in found.recipients] == [one.address for one in FAILED]
    assert [one.status for one in found.recipients] == ["5.1.1", "5.4.7", "4.4.2", "5.0.0"]
    assert {one.action for one in found.recipients} == {Action.FAILED}
    assert found.recipients[0].remote == "mx.there.test"
    assert "no such user" in found.recipients[0].text


def test_pythons_email_reads_it() -> None:
    raw = made()
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert not found.defects
    assert found.get_content_type() == "multipart/report"
    assert found.get_param("report-type") == "delivery-status"
    assert (found["from"], found["to"]) == ("Mail Delivery System <MAILER-DAEMON@host.example>", "ann@host.example")
    assert found["auto-submitted"] == "auto-replied"
    assert found["in-reply-to"] == "<m1@host.example>"
    text, fields, header = found.iter_parts()
    assert "There is no such mailbox" in text.get_content()
    assert "mx.there.test said: 550 5.1.1" in text.get_content()
    given_up = "carol@gone.test:\r\n    It was tried for days, and is not tried any more.\r\n    Given up after 4 days"
    assert given_up in text.get_content()
    groups = fields.get_payload()
    assert groups[0]["Reporting-MTA"] == "dns; host.example"
    assert groups[1]["Final-Recipient"] == "rfc822; bob@there.test"
    assert groups[1]["Diagnostic-Code"].startswith("smtp; 550 5.1.1")
    assert groups[4]["Final-Recipient"] == "utf-8; j\\x{FC}rgen@there.test"
    assert header.get_content_type() == "text/rfc822-headers"
    assert header.get_payload(decode=True).replace(b"\r\n", b"\n").strip() == HEADER.replace(b"\r\n", b"\n").strip()


def test_where_no_server_was_asked_none_is_spoken_of() -> None:
    why = "5.3.5 The alias robot hands mail to a program, which Mua does not do."
    said = made(failed=[Recipient("robot@host.example", REFUSED, text=why)]).decode()
    assert f"robot@host.example:\r\n    {why}\r\n\r\n" in said
    assert "server" not in said.partition("Reporting-MTA")[0]


def test_a_server_cannot_write_fields_of_its_own() -> None:
    evil = Recipient(
        "bob@there.test",
        REFUSED,
        code=550,
        text="no\r\nAction: delivered\r\n\r\nFinal-Recipient: rfc822; x@y",
        host="mx\r\nX: y",
    )
    found = report(made(failed=[evil]))
    assert found is not None
    assert [(one.address, one.action) for one in found.recipients] == [("bob@there.test", Action.FAILED)]
    fields = list(email.message_from_bytes(made(failed=[evil]), policy=email.policy.default).iter_parts())[1]
    assert [group.keys() for group in fields.get_payload()][1] == [
        "Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code", "Last-Attempt-Date",
    ]  # fmt: skip


def test_a_header_beyond_ascii_or_without_end_goes_back_as_far_as_it_may() -> None:
    about = Returned("Subject: Größe\r\n".encode() + b"X: " + b"y" * 200_000, "m1@host.example", "Größe", 0)
    raw = made(about)
    assert raw.isascii() and len(raw) < 100_000 * 3
    header = list(email.message_from_bytes(raw, policy=email.policy.default).iter_parts())[2]
    assert "Größe".encode() in header.get_payload(decode=True)


@pytest.mark.parametrize(
    "one, code",
    [
        (Recipient("a", REFUSED, text="550 without a code", code=550), "5.0.0"),
        (Recipient("a", REFUSED, text="5.7.26 DMARC", code=550), "5.7.26"),
        (Recipient("a", REFUSED, text="The host 10.5.1.1 is blocked", code=550), "5.0.0"),
    ],
)
def test_the_status_is_the_servers_own(one: Recipient, code: str) -> None:
    assert status(one) == code
