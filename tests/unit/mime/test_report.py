"""What came back: reports that follow a format, bounces that follow none, and what only looks like one."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.mime.report import report
from mua.model.report import Action, Report, Reported


def multipart(kind: str, *parts: str, head: str = "") -> bytes:
    """A report of our own making: header fields ``head``, and parts that begin with their Content-Type."""
    body = "".join(f"--cut\nContent-Type: {one}\n" for one in parts)
    top = f"From: MAILER-DAEMON@mx.test\nTo: robin@mua.test\nSubject: A report\n{head}"
    return f'{top}Content-Type: multipart/report; report-type={kind}; boundary="cut"\n\n{body}--cut--\n'.encode()


STATUS = """message/delivery-status

Reporting-MTA: dns; mx.test
Original-Envelope-Id: QQ+2B314159

Original-Recipient: rfc822;ann+2Blists@here.test
Final-Recipient: rfc822; ann@inner.here.test
Action: failed
Status: 5.1.1 (unknown user)
Remote-MTA: dns; inner.here.test
Diagnostic-Code: smtp; 550 5.1.1 <ann@inner.here.test>:
    Recipient address rejected

Final-Recipient: RFC822;bob@there.test
ACTION: Delayed
Status: 4.4.1
Will-Retry-Until: Wed, 25 Nov 2026 10:00:00 +0000
"""
RETURNED = "message/rfc822\n\nFrom: robin@mua.test\nMessage-ID: <one@mua.test>\nSubject: hello\n\nhello\n"


def told(raw: bytes) -> Report:
    found = report(raw)
    assert found is not None
    return found


def test_a_delivery_report_tells_of_each_recipient() -> None:
    raw = multipart("delivery-status", "text/plain\n\nThis is the mail system.\n", STATUS, RETURNED)
    words = "550 5.1.1 <ann@inner.here.test>: Recipient address rejected"
    assert told(raw) == Report(
        (
            Reported("ann+lists@here.test", Action.FAILED, "5.1.1", words, "ann@inner.here.test", "inner.here.test"),
            Reported("bob@there.test", Action.DELAYED, "4.4.1", "", "bob@there.test", until=1795600800),
        ),
        envid="QQ+314159",
        message_id="one@mua.test",
    )
    assert told(raw.replace(b"\n", b"\r\n")) == told(raw)


def test_relayed_is_not_delivered() -> None:
    groups = (
        "Action: relayed\nFinal-Recipient: rfc822;a@x.test\n\nAction: delivered\nFinal-Recipient: rfc822;b@x.test\n"
    )
    found = told(multipart("delivery-status", f"message/delivery-status\n\nReporting-MTA: dns; x.test\n\n{groups}"))
    assert [one.action for one in found.recipients] == [Action.RELAYED, Action.DELIVERED]


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ("Final-Recipient: utf-8; zo\\x{EB}@mua.test", "zoë@mua.test"),  # RFC 6533 s.3: 7-bit form
        ("Final-Recipient: utf-8; zoë@mua.test", "zoë@mua.test"),
        ("Final-Recipient: rfc822; <ann@mua.test>", "ann@mua.test"),
        ("Final-Recipient: ann@mua.test", "ann@mua.test"),
        ("Final-Recipient: rfc822; ann+lists@mua.test", "ann+lists@mua.test"),
        ("X-Actual-Recipient: rfc822; ann@mua.test", "ann@mua.test"),
    ],
)
def test_how_reports_write_an_address(fields: str, address: str) -> None:
    raw = multipart(
        "delivery-status", f"message/global-delivery-status\n\nReporting-MTA: dns; x\n\n{fields}\nAction: failed\n"
    )
    assert [one.address for one in told(raw).recipients] == [address]


def test_groups_without_the_empty_line_between_them() -> None:
    raw = multipart(
        "delivery-status", "message/delivery-status\n\nReporting-MTA: dns; x\nFinal-Recipient: rfc822; a@x.test\n"
    )
    assert told(raw).recipients == (Reported("a@x.test", Action.FAILED, final="a@x.test"),)


def test_the_returned_header_names_the_message_when_the_rest_was_cut_off() -> None:
    header = "text/rfc822-headers\n\nReceived: by x\nMessage-Id: <two@mua.test>\n"
    assert told(multipart("delivery-status", STATUS, header)).message_id == "two@mua.test"


@pytest.mark.parametrize(
    ("word", "action"),
    [("displayed", Action.DISPLAYED), ("deleted", Action.DELETED), ("processed/error", Action.PROCESSED)],
)
def test_a_receipt(word: str, action: Action) -> None:
    fields = (
        "Reporting-UA: somewhere.test\nFinal-Recipient: rfc822;bob@there.test\nOriginal-Message-ID: <one@mua.test>\n"
        f"Disposition: manual-action/MDN-sent-manually; {word}\n"
    )
    raw = multipart(
        "disposition-notification", "text/plain\n\nRead.\n", f"message/disposition-notification\n\n{fields}"
    )
    assert told(raw) == Report((Reported("bob@there.test", action, final="bob@there.test"),), "", "one@mua.test")


NOTICE = """\
From: {sender}
To: robin@mua.test
Subject: {subject}

Hi. I am afraid that I was not able to deliver your message to this address.
{fault}

--- Below this line is a copy of the message.

Return-Path: <robin@mua.test>
Message-ID: <one@mua.test>
From: robin@mua.test
To: ann@here.test, not.failed@there.test
"""


@pytest.mark.parametrize(
    ("sender", "subject", "fault", "expected"),
    [
        (
            "MAILER-DAEMON@q.test",
            "failure notice",
            "\n<ann@here.test>:\nSorry, no mailbox (#5.1.1)",
            (Action.FAILED, "5.1.1"),
        ),
        (
            "Mail Delivery System <x@q.test>",
            "Returned",
            "  ann@here.test\n    SMTP error 550 no such",
            (Action.FAILED, "5.0.0"),
        ),
        ("MAILER-DAEMON@q.test", "Warning: message delayed", "ann@here.test: timed out", (Action.DELAYED, "")),
        ("gate@q.test", "Undeliverable: hello", "ann@here.test on Fri, 20 Nov 2026", (Action.FAILED, "")),
    ],
)
def test_a_notice_that_follows_no_format(sender: str, subject: str, fault: str, expected: tuple[Action, str]) -> None:
    found = told(NOTICE.format(sender=sender, subject=subject, fault=fault).encode())
    assert not found.standard
    assert found.message_id == "one@mua.test"
    assert [(one.address, one.action, one.status) for one in found.recipients] == [("ann@here.test", *expected)]


def test_the_failed_recipients_field_counts_first() -> None:
    head = "From: a@b.test\nX-Failed-Recipients: ann@here.test, bob@there.test\nSubject: x\n\nabout c@d.test\n"
    assert [one.address for one in told(head.encode()).recipients] == ["ann@here.test", "bob@there.test"]


@pytest.mark.parametrize(
    "raw",
    [
        b"From: ann@here.test\nSubject: Re: hello\nIn-Reply-To: <one@mua.test>\n\nThank you, bob@there.test too.\n",
        b"From: ann@here.test\nSubject: Not delivered yet?\nAuto-Submitted: auto-replied\n\nAsk bob@there.test.\n",
        multipart("feedback-report", "message/feedback-report\n\nFeedback-Type: abuse\n").replace(
            b"MAILER-DAEMON", b"ann"
        ),
        b"From: ann@here.test\nSubject: look at this\nContent-Type: multipart/mixed; boundary=x\n\n--x\n"
        b"Content-Type: message/rfc822\n\n" + multipart("delivery-status", STATUS) + b"\n--x--\n",
        b"",
    ],
    ids=["answer", "holiday", "complaint", "forwarded", "empty"],
)
def test_what_is_no_report(raw: bytes) -> None:
    assert report(raw) is None


def test_words_of_a_report_are_harmless_and_bounded() -> None:
    evil = f"Diagnostic-Code: smtp; 550 \u202eno \x07{'x' * 90_000}\n"
    raw = multipart("delivery-status", f"message/delivery-status\n\nA: b\n\nFinal-Recipient: rfc822; a@x.test\n{evil}")
    (one,) = told(raw).recipients
    assert "\u202e" not in one.text and "\x07" not in one.text and len(one.text) <= 2000


@pytest.mark.parametrize(
    "body",
    ["a@b.test " * 50_000, "Received: a@b.test\n" * 20_000, "x" * 500_000, "<" * 200_000, "a@" * 200_000,
     "\n" * 300_000, "message-id: <" * 30_000, "".join(f"u{i}@b.test\n" for i in range(20_000))],
)  # fmt: skip
def test_bombs_cost_little(body: str) -> None:
    began = time.process_time()
    report(b"From: MAILER-DAEMON@x.test\nSubject: failure notice\n\n" + body.encode())
    report(multipart("delivery-status", f"message/delivery-status\n\n{body}"))
    assert time.process_time() - began < 3


@given(
    st.binary(max_size=300),
    st.sampled_from(["message/delivery-status", "message/disposition-notification", "text/plain"]),
)
def test_anything_is_taken(body: bytes, kind: str) -> None:
    report(body)
    report(multipart("delivery-status", f"{kind}\n\n").replace(b"--cut--", body + b"\n--cut--"))
