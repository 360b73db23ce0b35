"""Our own receipt: for Python's email, and for our own parser of reports; what it does not tell."""

import email
import email.policy

from mua.mime.receipt import Displayed, receipt
from mua.mime.report import report
from mua.model.report import Action

ABOUT = Displayed("m1@example.net", "Grüße", 1_800_000_000, "rfc822;chairs@example.com")


def made(about: Displayed = ABOUT, sender: str = "maya@example.org") -> bytes:
    return receipt(about, ["tomas@example.net"], sender=sender, message_id="r1@example.org", now=1_800_000_100)


def test_our_own_parser_reads_it() -> None:
    found = report(made())
    assert found is not None and found.standard
    assert found.message_id == "m1@example.net"
    [told] = found.recipients
    assert (told.action, told.address, told.final) == (Action.DISPLAYED, "chairs@example.com", "maya@example.org")


def test_pythons_email_reads_it() -> None:
    raw = made()
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert not found.defects
    assert (found.get_content_type(), found.get_param("report-type")) == (
        "multipart/report",
        "disposition-notification",
    )
    assert (found["from"], found["to"], found["subject"]) == (
        "maya@example.org",
        "tomas@example.net",
        "Displayed: Grüße",
    )
    assert (found["auto-submitted"], found["in-reply-to"]) == ("auto-replied", "<m1@example.net>")
    text, fields = found.iter_parts()
    assert "was displayed to maya@example.org" in text.get_content()
    assert "Subject: Grüße" in text.get_content()
    assert fields.get_content_type() == "message/disposition-notification"
    [group] = fields.get_payload()
    assert group.items() == [
        ("Original-Recipient", "rfc822;chairs@example.com"),
        ("Final-Recipient", "rfc822; maya@example.org"),
        ("Original-Message-ID", "<m1@example.net>"),
        ("Disposition", "manual-action/MDN-sent-manually; displayed"),
    ]


def test_it_asks_for_none_and_names_no_program() -> None:
    head = made().lower()
    for name in (b"disposition-notification-to", b"reporting-ua", b"user-agent", b"x-mailer", b"mua/"):
        assert name not in head


def test_a_message_cannot_write_fields_of_the_receipt() -> None:
    evil = "x\r\nBcc: all@example.net\r\n\r\nDisposition: automatic-action"
    raw = made(Displayed(f"a {evil}", evil, None, f"rfc822;a@b {evil}"))
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert found["bcc"] is None and found["in-reply-to"] is None
    _, fields = found.iter_parts()
    [group] = fields.get_payload()
    assert group.keys() == ["Final-Recipient", "Disposition"]


def test_an_address_beyond_ascii() -> None:
    found = report(made(sender="jürgen@example.org"))
    assert found is not None
    assert found.recipients[0].final == "jürgen@example.org"
