"""Which messages ask for a receipt, and what is said of where it goes."""

import pytest

from mua.mime.view import view
from mua.model.folder import Role
from mua.model.message import Flag
from mua.plan.receipt import MOST, Asked, asked

ME = "maya@example.org"
MINE = frozenset({ME, "maya@work.example"})


def ask(
    wanted: str = "Tomas <tomas@example.net>",
    *fields: str,
    author: str = "Tomas <tomas@example.net>",
    to: str = ME,
    flags: Flag = Flag.SEEN,
    role: Role = Role.INBOX,
) -> Asked | None:
    lines = [f"From: {author}", f"To: {to}", "Subject: Chairs", *fields]
    lines += [f"Disposition-Notification-To: {wanted}"] if wanted else []
    return asked(view("\r\n".join([*lines, "", "Text\r\n"]).encode()), flags, role, ME, MINE)


@pytest.mark.parametrize(
    ("wanted", "fields", "to", "said", "odd"),
    [
        ("Tomas <tomas@example.net>", (), ("tomas@example.net",), "The receipt goes to tomas@example.net.", False),
        (
            "tomas@EXAMPLE.net",
            ("Return-Path: <tomas@example.net>",),
            ("tomas@EXAMPLE.net",),
            "The receipt goes to tomas@EXAMPLE.net.",
            False,
        ),
        (
            "Tomas <spy@elsewhere.example>",
            (),
            ("spy@elsewhere.example",),
            "The receipt goes to spy@elsewhere.example, which is not the author’s address.",
            True,
        ),
        (
            "Tomas@example.net",  # RFC 8098 s.2.1: letters count before the @
            (),
            ("Tomas@example.net",),
            "The receipt goes to Tomas@example.net, which is not the author’s address.",
            True,
        ),
        (
            "tomas@example.net",
            ("Return-Path: <bounce-17@mailer.example>",),
            ("tomas@example.net",),
            "The receipt goes to tomas@example.net, but the message was sent by bounce-17@mailer.example.",
            True,
        ),
        (
            "tomas@example.net, a@b.example, tomas@example.net",
            (),
            ("tomas@example.net", "a@b.example"),
            "The receipt goes to 2 addresses: tomas@example.net and a@b.example. Not all of them are the author’s.",
            True,
        ),
        (
            "tomas@example.net",
            ("Disposition-Notification-To: c@d.example",),  # two fields: both are said
            ("c@d.example", "tomas@example.net"),
            "The receipt goes to 2 addresses: c@d.example and tomas@example.net. Not all of them are the author’s.",
            True,
        ),
        (
            "=?utf-8?q?evil=40b=2Eexample=2C?= <tomas@example.net>, no address",  # a name is no address
            (),
            ("tomas@example.net",),
            "The receipt goes to tomas@example.net.",
            False,
        ),
    ],
)
def test_what_is_asked(wanted: str, fields: tuple[str, ...], to: tuple[str, ...], said: str, odd: bool) -> None:
    assert ask(wanted, *fields) == Asked(to, said, odd)


def test_an_address_that_the_sender_may_not_know_is_said() -> None:
    found = ask(to="chairs@example.com")
    assert found is not None and found.odd
    assert found.said.endswith("It names your address maya@example.org, which this message was not addressed to.")


@pytest.mark.parametrize(
    "fields",
    [
        ("List-Id: <chairs.example.net>",),
        ("List-Unsubscribe: <mailto:leave@example.net>",),
        ("Precedence: Bulk",),
        ("Precedence: list",),
        ("Auto-Submitted: auto-replied; owner-email=x",),
        ("Auto-Submitted: auto-generated",),
        ("Return-Path: <>",),
        ("Content-Type: multipart/report; report-type=disposition-notification; boundary=x",),
        ("Content-Type: message/disposition-notification",),
        ("Disposition-Notification-Options: signed-receipt=required,pkcs7",),
    ],
)
def test_nobody_is_asked_where_no_person_waits(fields: tuple[str, ...]) -> None:
    assert ask("tomas@example.net", *fields) is None


@pytest.mark.parametrize(
    "fields",
    [
        ("Auto-Submitted: no",),
        ("Precedence: first-class",),
        ("Disposition-Notification-Options: signed-receipt-micalg=optional,sha1",),
        ("Content-Type: text/plain",),
    ],
)
def test_what_says_nothing_of_the_kind_is_asked_about(fields: tuple[str, ...]) -> None:
    assert ask("tomas@example.net", *fields) is not None


@pytest.mark.parametrize("role", [Role.JUNK, Role.SENT, Role.DRAFTS])
def test_not_in_folders_where_nothing_was_received(role: Role) -> None:
    assert ask(role=role) is None


def test_not_where_it_was_answered_or_was_never_wanted() -> None:
    assert ask(flags=Flag.MDN_SENT) is None
    assert ask("") is None
    assert ask("nobody", author="Tomas <tomas@example.net>") is None
    assert ask(author="Maya <MAYA@work.example>") is None
    assert ask(", ".join(f"a{number}@example.net" for number in range(MOST + 1))) is None
    assert ask(", ".join(f"a{number}@example.net" for number in range(MOST))) is not None
