"""Building, freezing, replying, mbox files and status codes."""

import io
from email import message_from_bytes, policy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.errors import MailError
from mua.mime.build import build, date_text, downgrade, freeze, new_message_id
from mua.mime.mbox import append, split
from mua.mime.message import parse, part_bytes
from mua.mime.reply import forward_subject, reply, reply_subject
from mua.mime.status import explain
from mua.mime.text import unflow
from mua.mime.view import view
from mua.mime.words import decode_words
from mua.model.address import Address
from mua.model.outgoing import Draft, DraftAttachment

ME = Address("Me", "me@example.org")
NOW = 1_700_000_000


def built(draft: Draft, *files: tuple[DraftAttachment, bytes], **more: Any) -> bytes:
    return build(draft, files, now=NOW, message_id="id@example.org", **more)


def frozen(raw: bytes) -> Any:
    return freeze(raw, now=NOW, message_id_if_missing="new@example.org")


def check_wire(raw: bytes) -> None:
    """7-bit, CRLF only, no NUL, no long line."""
    assert raw.isascii()
    assert b"\0" not in raw
    assert raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.endswith(b"\r\n")


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=300)
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # never shown
LINE = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp", "Cf"], include_characters=" "), max_size=120
)


@given(LINE, LINE, TEXT, TEXT, st.binary(max_size=200), LINE)
def test_what_is_built_parses_back(subject: str, name: str, text: str, html: str, data: bytes, filename: str) -> None:
    draft = Draft(ME, to=(Address(name, "b@example.org"),), subject=subject, text=text, html=html)
    raw = built(draft, (DraftAttachment("/tmp/x", name=filename, type="application/x-y"), data))
    check_wire(raw)
    parsed = parse(raw)
    assert not parsed.warnings
    assert " ".join(parsed.envelope.subject.split()) == " ".join(subject.split())
    assert parsed.envelope.to == (Address(" ".join(name.split()), "b@example.org"),)
    if text.strip():
        shown = "".join(c for c in text if not "\x7f" <= c <= "\x9f" and c not in BIDI)
        assert parsed.text.rstrip("\n") == shown.rstrip("\n")
    assert part_bytes(raw, parsed.attachments[-1].part)[1] == data
    assert frozen(raw).copy == raw


def test_a_built_message_is_read_alike_by_the_standard_library() -> None:
    draft = Draft(
        Address("J\u00f6rg", "j@ex\u00e4mple.org"), to=(Address("B, C", "b@example.org"),),
        bcc=(Address("", "s@example.org"),),
        subject="Gr\u00fc\u00dfe " + "lang " * 40, text="H\u00e4llo\n.\nFrom x\n", html="<p>H\u00e4llo</p>",
        in_reply_to="p@x", references=("r@x", "p@x"),
    )  # fmt: skip
    raw = built(draft, (DraftAttachment("/x/\u00dcbung.pdf"), b"%PDF"), utc_offset_minutes=-90)
    check_wire(raw)
    message = message_from_bytes(raw, policy=policy.default)
    assert message["subject"].split() == draft.subject.split()
    assert message["from"].addresses[0].addr_spec == "j@xn--exmple-cua.org"
    assert message["to"].addresses[0].display_name == "B, C"
    assert message["date"] == "Tue, 14 Nov 2023 20:43:20 -0130"
    assert message["bcc"] == "s@example.org"
    assert message["references"].split() == ["<r@x>", "<p@x>"]
    plain = message.get_body(("plain",))
    assert plain.get_param("format") == "flowed"
    assert unflow(plain.get_content().replace("\r\n", "\n")) == draft.text
    assert [part.get_filename() for part in message.iter_attachments()] == ["\u00dcbung.pdf"]


@pytest.mark.parametrize(
    "address", ["", "a", "a@", "@b", "a b@c.de", "a@b\r\nX: y", "a\0@b.de", "<a@b.de>", "a@b..de", "a@-"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(MailError) as caught:
        built(Draft(ME, to=(Address("", address),)))
    assert caught.value.code == "bad-address"


def test_nothing_is_injected_into_a_header() -> None:
    evil = "x\r\nBcc: victim@example.org\n\nbody\0"
    draft = Draft(
        Address(evil, "me@example.org"), to=(Address(evil, "b@example.org"),), subject=evil, in_reply_to=evil,
        references=(evil,),
    )  # fmt: skip
    raw = built(draft, (DraftAttachment("/x", name=evil, type=evil, content_id=evil), b"d"))
    check_wire(raw)
    assert parse(raw).root.field("bcc") is None
    for name in (b"In-Reply-To", b"References", b"Content-ID"):
        assert name not in raw, "a field without a value is none"
    assert len(parse(raw).attachments) == 1


def test_an_attached_message_stays_a_message() -> None:
    inner = b"Subject: inner\r\n\r\nbody\r\n"
    raw = built(Draft(ME, text="x"), (DraftAttachment("/x/a.eml", type="message/rfc822"), inner))
    assert part_bytes(raw, "2")[1] == inner
    assert parse(raw).attachments[0].type == "message/rfc822"
    eight = b"Subject: inner\r\n\r\n\xe4\r\n"
    raw = built(Draft(ME, text="x"), (DraftAttachment("/x/a.eml", type="message/rfc822"), eight))
    assert part_bytes(raw, "2")[1] == eight


def test_message_ids_are_random_and_tell_no_host() -> None:
    assert new_message_id(ME, b"\1" * 16) == "01" * 16 + "@example.org"
    assert new_message_id("ex\u00e4mple.org", b"\0" * 16).endswith("@xn--exmple-cua.org")
    assert date_text(0, 330) == "Thu, 1 Jan 1970 05:30:00 +0530"


# --- freeze ----------------------------------------------------------------------------------------------------------

CLEAN = b"From: a@example.org\r\nTo: b@example.org\r\nDate: x\r\nMessage-ID: <m@x>\r\n\r\nbody\r\n"


def test_clean_input_is_not_touched() -> None:
    got = frozen(CLEAN)
    assert got.wire == got.copy == CLEAN
    assert (got.message_id, got.envelope_from, got.recipients, got.problems) == (
        "m@x", "a@example.org", ("b@example.org",), (),
    )  # fmt: skip


def test_bcc_leaves_the_wire_and_stays_in_the_copy() -> None:
    raw = CLEAN.replace(b"Date:", b"bCC : s@example.org,\r\n t@example.org\r\nBCC: B@EXAMPLE.org\r\nDate:")
    got = frozen(raw)
    assert got.wire == CLEAN
    assert got.copy == raw
    assert got.recipients == ("b@example.org", "s@example.org", "t@example.org", "B@EXAMPLE.org")


def test_lf_input_becomes_wire_safe_and_complete() -> None:
    got = frozen(
        b"From me Thu Jan  1 00:00:00 1970\nFrom: A <a@example.org>\nTo: g: b@x.org, c@x.org;, b@X.org\n"
        b"Subject: =?utf-8?q?=C3=A4?=\n\none\rtwo\n.\nno end"
    )
    check_wire(got.wire)
    assert got.wire.endswith(b"\r\n\r\none\r\ntwo\r\n.\r\nno end\r\n")
    assert b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <new@example.org>\r\n" in got.wire
    assert (got.message_id, got.subject, got.recipients) == ("new@example.org", "\u00e4", ("b@x.org", "c@x.org"))


@pytest.mark.parametrize("body", [b"x" * 2000, b"a\0b", b"\xe4" * 1500, b"ok\r\n" + b"y " * 800])
def test_bodies_that_smtp_cannot_carry_are_encoded(body: bytes) -> None:
    got = frozen(CLEAN.replace(b"body", body))
    assert not got.problems
    check_wire(got.wire)
    parsed = parse(got.wire)
    assert part_bytes(got.wire, "1")[1].rstrip(b"\r\n").replace(b"\r\n", b"\n") == body.replace(b"\r\n", b"\n")
    assert not parsed.warnings


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"To: b@example.org\n\nx", "no From"),
        (b"From: a@example.org\n\nx", "no recipient"),
        (b"From: a@example.org\nTo: nobody\n\nx", "not an email address"),
        (b"From: a@example.org, c@example.org\nTo: b@example.org\n\nx", "no Sender"),
        (b"From: a@example.org\nTo: b@example.org\nX: " + b"y" * 2000 + b"\n\nx", "cannot be folded"),
        (b"From: a@example.org\nTo: b@example.org\nX: \0\n\nx", "NUL"),
        (
            b"From: a@x.org\nTo: b@x.org\nContent-Type: multipart/signed; boundary=b\n\n--b\n\n" + b"y" * 2000
            + b"\n--b\nContent-Type: application/pgp-signature\n\ns\n--b--\n", "signed",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_says_why(raw: bytes, words: str) -> None:
    assert any(words in problem for problem in frozen(raw).problems)


def test_long_header_lines_are_folded() -> None:
    got = frozen(CLEAN.replace(b"Date:", b"References: " + b"<x@y> " * 400 + b"\r\nDate:"))
    assert not got.problems
    check_wire(got.wire)
    assert parse(got.wire).envelope.references == ("x@y",)


RAW_UTF8 = """\
From: Jürgen Müller <jm@mua.test>
To: "Änne, Ä." <a@mua.test>, Plain <b@mua.test>, c@bücher.example
Reply-To: Ärger <r@mua.test>
Subject: Grüße aus Köln und =?utf-8?q?=C3=84?= dazu, ein langer Betreff, der gefaltet werden muss, weil er es ist
X-Note: über alles
List-Id: Ünlü <list.mua.test>
Message-ID: <1@mua.test>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

schöner Text
--b
Content-Type: application/pdf; name="Rechnung für März.pdf"
Content-Disposition: attachment; filename="Rechnung für März.pdf"
Content-Transfer-Encoding: base64

AAAA
--b
Content-Type: message/rfc822

Subject: weitergeleitet, wie es war: ü

x
--b--
""".replace("\n", "\r\n").encode()


def test_fields_in_raw_utf8_become_encoded_words() -> None:
    """Few servers take such a header, and one that does not may pass it on broken."""
    got, before = frozen(RAW_UTF8), parse(RAW_UTF8)
    assert not got.problems
    check_wire(got.head)
    after = parse(got.wire)
    assert (after.envelope.sender, after.envelope.subject) == (before.envelope.sender, before.envelope.subject)
    assert [one.name for one in after.envelope.to] == ["Änne, Ä.", "Plain", ""]
    assert got.recipients == ("a@mua.test", "b@mua.test", "c@xn--bcher-kva.example")
    assert decode_words(after.root.field("x-note") or b"") == "über alles"
    assert b"<list.mua.test>" in (after.root.field("list-id") or b"")
    assert (after.text, after.attachments) == (before.text, before.attachments)
    headers = [got.wire[part.header_start : part.body_start] for part in after.root.walk()]
    assert [head.isascii() for head in headers] == [True, True, True, True, False]  # the forwarded message is not ours
    assert freeze(got.wire, now=NOW, message_id_if_missing="x@y").wire == got.wire


def test_the_fields_of_a_signed_part_stay_as_they_are() -> None:
    signed = (
        "From: Ä <a@x.org>\r\nTo: b@x.org\r\nMessage-ID: <1@x>\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
        "Content-Type: multipart/signed; boundary=b\r\n\r\n"
        '--b\r\nContent-Type: text/plain; name="ü"\r\n\r\nä\r\n--b\r\n'
        "Content-Type: application/pgp-signature\r\n\r\ns\r\n--b--\r\n"
    ).encode()
    got = frozen(signed)
    assert not got.problems
    assert got.wire.partition(b"\r\n\r\n")[2] == signed.partition(b"\r\n\r\n")[2]
    assert got.head.isascii()


@pytest.mark.parametrize("line", ["From: jürgen@x.org", "Message-ID: <ü@x.org>\r\nFrom: a@x.org"])
def test_what_has_no_form_in_ascii_stays(line: str) -> None:
    got = frozen(f"{line}\r\nTo: b@x.org\r\nSubject: ü\r\n\r\nx\r\n".encode())
    assert not got.problems
    assert line.encode() in got.head
    assert b"Subject: =?utf-8?" in got.head


def test_downgrade_for_servers_without_8bitmime() -> None:
    got = frozen(
        CLEAN.replace(b"Date:", b"Content-Type: text/plain; charset=utf-8\r\nDate:").replace(
            b"body", "b\u00e4h".encode()
        )
    )
    assert not got.wire.isascii()
    lower = downgrade(got.wire)
    assert lower is not None
    check_wire(lower)
    assert parse(lower).text == "b\u00e4h\n"
    signed = (
        b"From: a@x.org\r\nTo: b@x.org\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xe4\r\n--b\r\n"
        b"Content-Type: application/pgp-signature\r\n\r\ns\r\n--b--\r\n"
    )
    assert downgrade(signed) is None


@given(st.binary(max_size=300))
def test_any_bytes_freeze(raw: bytes) -> None:
    for one in (raw, b"From: a@x.org\nTo: b@x.org\n" + raw):
        got = frozen(one)
        if not got.problems:
            for line in got.wire.split(b"\r\n"):
                assert not set(line) & {0, 10, 13}
                assert len(line) <= 998
            assert got.recipients
            assert got.envelope_from


# --- reply -----------------------------------------------------------------------------------------------------------


def answered(head: str, mode: Any = "reply", body: str = "text") -> Draft:
    raw = f"{head}\nMessage-ID: <m@x>\nReferences: <r@x>\n\n{body}\n".encode()
    return reply(view(raw), mode, me=frozenset({"me@example.org"}), sender=ME, date_text="Monday")[0]


def people(many: tuple[Address, ...]) -> list[str]:
    return [one.address for one in many]


@pytest.mark.parametrize(
    ("head", "mode", "to", "cc"),
    [
        ("From: a@x", "reply", ["a@x"], []),
        ("From: a@x\nReply-To: r@x", "reply", ["r@x"], []),
        ("From: a@x\nTo: me@example.org, b@x\nCc: c@x, A@x", "all", ["a@x"], ["b@x", "c@x"]),
        ("From: me@example.org\nTo: b@x", "reply", ["b@x"], []),
        ("From: me@example.org\nTo: b@x\nCc: c@x", "all", ["b@x"], ["c@x"]),
        ("From: me@example.org\nTo: me@example.org", "all", ["me@example.org"], []),
        ("From: a@x\nTo: l@x\nMail-Followup-To: l@x, me@example.org", "all", ["l@x"], []),
        ("From: a@x\nTo: z@x\nList-Post: <mailto:l@x?subject=hm>", "list", ["l@x"], []),
        ("From: a@x\nTo: z@x", "list", ["a@x"], ["z@x"]),
    ],
)
def test_who_gets_the_answer(head: str, mode: str, to: list[str], cc: list[str]) -> None:
    draft = answered(head, mode)
    assert (people(draft.to), people(draft.cc)) == (to, cc)


def test_the_answer_quotes_and_threads() -> None:
    draft = answered('From: "Ann" <a@x>\nSubject: AW: Re: [l] Hi', body="one\n\n> two\n-- \nsig")
    assert draft.text == "On Monday, Ann wrote:\n> one\n>\n>> two\n"
    assert (draft.in_reply_to, draft.references, draft.subject) == ("m@x", ("r@x", "m@x"), "Re: [l] Hi")


@pytest.mark.parametrize(
    ("subject", "answer", "forwarded"),
    [
        ("Hi", "Re: Hi", "Fwd: Hi"),
        ("Re: Hi", "Re: Hi", "Fwd: Re: Hi"),
        ("RE: AW: Sv: Hi", "Re: Hi", "Fwd: RE: AW: Sv: Hi"),
        ("Re[2]: Hi", "Re: Hi", "Fwd: Re[2]: Hi"),
        ("\u7b54\u590d\uff1aHi", "Re: Hi", "Fwd: \u7b54\u590d\uff1aHi"),
        ("WG: Hi", "Re: WG: Hi", "Fwd: Hi"),
        ("[list] Re: Hi", "Re: [list] Hi", "Fwd: [list] Re: Hi"),
        ("Regarding: x", "Re: Regarding: x", "Fwd: Regarding: x"),
        ("", "Re: ", "Fwd: "),
    ],
)
def test_prefixes_come_once(subject: str, answer: str, forwarded: str) -> None:
    assert reply_subject(subject) == answer
    assert forward_subject(subject) == forwarded


def test_a_forward_carries_the_attachments() -> None:
    raw = built(Draft(ME, to=(Address("B", "b@x.org"),), subject="Hi", text="x"), (DraftAttachment("/a.pdf"), b"%PDF"))
    draft, sections = reply(view(raw), "forward", me=frozenset(), sender=ME, date_text="Monday")
    assert sections == ("2",)
    assert (draft.to, draft.subject) == ((), "Fwd: Hi")
    assert "From: Me <me@example.org>\nDate: Monday\nSubject: Hi\nTo: B <b@x.org>\n\nx" in draft.text


SEPARATOR = b"From a Thu Jan  1 00:00:00 1970\n"
SEPARATOR_CRLF = b"From a Thu Jan  1 00:00:00 1970\r\n"

# --- mbox ------------------------------------------------------------------------------------------------------------

LINES = st.sampled_from(
    [
        *(b"From ", b">From x\n", b"From a@b Thu Jan  1 00:00:00 1970\n", b"From - no-eol\n", b"Content-Length: 3\n"),
        *(b"\n", b"\r\n", b"\r", b"\n\n", b"a: b\n", b"text", b">", b"\0\xff"),
    ]
)


@given(st.lists(st.lists(LINES, max_size=12).map(b"".join), max_size=4))
def test_mbox_round_trip_is_exact(messages: list[bytes]) -> None:
    stream = io.BytesIO()
    for raw in messages:
        append(stream, raw, "a b@example.org", 0)
    stream.seek(0)
    assert list(split(stream)) == messages


@pytest.mark.parametrize(
    ("raw", "messages"),
    [
        (b"", []),
        (SEPARATOR + b"A: b\n\nx\n\n" + SEPARATOR + b"C: d\n", [b"A: b\n\nx\n", b"C: d\n"]),
        (SEPARATOR_CRLF + b"A: b\r\n\r\nx\r\n\r\n" + SEPARATOR_CRLF + b"C: d\r\n", [b"A: b\r\n\r\nx\r\n", b"C: d\r\n"]),
        (SEPARATOR + b"A: b\n\n>From x\n\nFrom here on it is text\n", [b"A: b\n\nFrom x\n\nFrom here on it is text\n"],
       ),
        (
            SEPARATOR + b"Content-Length: 36\n\nx\n\nFrom b Thu Jan  1 00:00:00 1970\ny\n",
            [b"Content-Length: 36\n\nx\n\nFrom b Thu Jan  1 00:00:00 1970\ny\n"],
        ),
        (b"lost\n\n" + SEPARATOR + b"A: b\n", [b"lost\n\n", b"A: b\n"]),
    ],
)  # fmt: skip
def test_other_dialects(raw: bytes, messages: list[bytes]) -> None:
    assert list(split(io.BytesIO(raw))) == messages


@pytest.mark.parametrize(
    ("code", "text", "words"),
    [
        (550, "5.1.1 <x>: user unknown", "no such mailbox"),
        (552, "5.2.2 over quota", "full"),
        (450, "4.7.1 Greylisted, try later", "again in a few minutes"),
        (554, "5.7.1 blocked using zen.spamhaus.org", "block list"),
        (250, "2.1.5 ok", "accepted"),
        (535, "5.7.8 nope", "password"),
        (599, "hm", "for good"),
        (499, "10.5.1.1.2", "tried again"),
        (None, "", "no answer"),
    ],
)
def test_status_codes_are_explained(code: int | None, text: str, words: str) -> None:
    assert words in explain(code, text)
