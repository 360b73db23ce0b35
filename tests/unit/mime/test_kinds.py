"""What a message is beside a letter, told in sentences; and a message in a message."""

import base64

import pytest

from mua.mime.attached import attached_message
from mua.mime.message import parse
from mua.mime.view import view

SIGNED = b'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=b\n\n'
INSIDE = b"--b\nContent-Type: text/plain\n\nhello\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n"
REPORT = (
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n"
    b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
    b"Final-Recipient: rfc822; bo@example.net\nAction: failed\nStatus: 5.1.1\n\n--b--\n"
)


def nature(raw: bytes) -> str:
    return "\n".join(parse(b"From: a@b.example\n" + raw).nature)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (SIGNED + INSIDE, "This message is signed with OpenPGP"),
        (b"Content-Type: multipart/mixed; boundary=o\n\n--o\n" + SIGNED + INSIDE + b"--o--\n", "A part of this"),
        (b"Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n" + INSIDE,
         "This message is encrypted with OpenPGP"),
        (b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx", "is encrypted with S/MIME"),
        (b"Content-Type: application/x-pkcs7-mime; smime-type=signed-data\n\nx", "is signed with S/MIME in a form"),
        (b"\n-----BEGIN PGP MESSAGE-----\n\nx\n-----END PGP MESSAGE-----\n", "This text is encrypted with OpenPGP"),
        (b"\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n", "A part of this text is signed"),
        (b"Content-Type: message/partial; id=x; number=2; total=5\n\nx", "piece 2 of 5 of a larger message"),
        (b"Content-Type: message/partial; id=x\n\nx", "This is a piece of a larger message"),
        (b"Content-Type: message/external-body; access-type=URL; URL=\"http://leaking.via/x\"\n\nContent-Type: a/b\n\n",
         "(access-type URL url http://leaking.via/x); Mua does not fetch it"),
        (REPORT, "it claims: what was sent to bo@example.net could not be delivered (5.1.1)."),
    ],
)  # fmt: skip
def test_what_a_message_is(raw: bytes, said: str) -> None:
    assert said in nature(raw)


def test_a_letter_is_nothing_else() -> None:
    assert nature(b"\nhello\n") == ""


def test_what_is_inside_another_message_is_not_this_one() -> None:
    assert nature(b"Content-Type: message/rfc822\n\nFrom: c@d.example\n" + SIGNED + INSIDE) == ""


INNER = (
    b"From: c@d.example\nSubject: inner\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\ntext\n"
    b"--i\nContent-Type: text/x-log; name=log\n\nlines\n--i--"
)


@pytest.mark.parametrize(
    "part",
    [
        b"Content-Type: message/rfc822\n\n" + INNER,
        b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(INNER)[:-1],
        b"Content-Type: application/octet-stream; name=a.eml\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(INNER)[:-1],
    ],
)
def test_an_attached_message_is_opened_in_place(part: bytes) -> None:
    raw = b"From: a@b.example\nContent-Type: multipart/mixed; boundary=o\n\n--o\n\nsee\n--o\n" + part + b"\n--o--\n"
    message = attached_message(raw, "2")
    assert message == INNER
    shown = view(message)
    assert (shown.subject, shown.text, [one.name for one in shown.attachments]) == ("inner", "text\n", ["log"])


@pytest.mark.parametrize("section", ["1", "9", "", "2.TEXT", "2.UU1"])
def test_what_is_no_message_is_not_opened(section: str) -> None:
    raw = b"From: a@b.example\nContent-Type: multipart/mixed; boundary=o\n\n--o\n\nsee\n--o--\n"
    with pytest.raises(KeyError):
        attached_message(raw, section)
