"""Whole messages: bodies, attachments, warnings, snippets, the view and its document."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.cli.documents import address_json, date_json, view_document
from mua.mime.message import gist, gist_of, parse, part_bytes, snippet
from mua.mime.view import view
from mua.model.address import Address


def multipart(kind: str, *parts: str, boundary: str = "b") -> str:
    body = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary={boundary}\n\n{body}--{boundary}--\n"


def mail(rest: str, head: str = "From: a@example.org\nTo: b@example.org\nSubject: s\n") -> bytes:
    return (head + rest).encode()


PLAIN = "Content-Type: text/plain\n\nplain body"
HTML = "Content-Type: text/html\n\n<p>html <b>body</b></p>"
PDF = "Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBERg=="
PNG = "Content-Type: image/png\nContent-ID: <i@x>\nContent-Transfer-Encoding: base64\n\niVBORw=="


@pytest.mark.parametrize(
    ("raw", "text", "html", "attached"),
    [
        (mail("\nhello"), "hello\n", False, []),
        (mail(PLAIN), "plain body\n", False, []),
        (mail(HTML), "html body\n", True, []),
        (mail(multipart("alternative", PLAIN, HTML)), "plain body\n", True, []),
        (mail(multipart("alternative", "Content-Type: text/plain\n\n ", HTML)), "html body\n", True, []),
        (mail(multipart("mixed", PLAIN, PDF)), "plain body\n", False, [("2", "a.pdf", 4, False)]),
        (mail(multipart("related", HTML, PNG)), "html body\n", True, [("2", "part-2.png", 4, True)]),
        (mail(multipart("mixed", PLAIN, PNG, PLAIN)), "plain body\n" * 2, False, [("2", "part-2.png", 4, False)]),
        (
            mail(multipart("mixed", multipart("alternative", PLAIN, HTML, boundary="c"), PDF)),
            "plain body\n", True, [("2", "a.pdf", 4, False)],
        ),
        (
            mail(multipart("mixed", PLAIN, "Content-Type: message/rfc822\n\nSubject: inner\n\nx")),
            "plain body\n", False, [("2", "inner.eml", 17, False)],
        ),
        (
            mail(multipart("mixed", PLAIN, "Content-Type: text/plain; name=n.txt\n\nnote")),
            "plain body\n", False, [("2", "n.txt", 4, False)],
        ),
        (mail("Content-Type: text/enriched\n\nhello"), "hello\n", False, []),
        (mail("\nhi\nbegin 644 cat.txt\n#0V%T\n`\nend\nbye"), "hi\nbye\n", False, [("1.UU1", "cat.txt", 3, False)]),
        (mail("Content-Type: text/plain; format=flowed\n\none \ntwo"), "one two\n", False, []),
    ],
)  # fmt: skip
def test_bodies_and_attachments(raw: bytes, text: str, html: bool, attached: list[tuple[str, str, int, bool]]) -> None:
    parsed = parse(raw)
    assert parsed.text == text
    assert bool(parsed.html) is html
    assert [(one.part, one.name, one.size, one.inline) for one in parsed.attachments] == attached
    for one in parsed.attachments:
        same, data = part_bytes(raw, one.part)
        assert (same, len(data)) == (one, one.size)
    assert not parsed.warnings


def test_uuencoded_lines_that_end_in_blanks_cost_nothing() -> None:
    """A pattern with two ways to match a trailing blank once took the age of the universe here."""
    raw = mail("\nbegin 644 x\n" + ("#0V%T" + " " * 30 + "\n") * 3000 + "never ended\n")
    assert not parse(raw).attachments


def test_an_unknown_section_is_a_key_error() -> None:
    for section in ("7", "1.UU1", "", "1.1.1"):
        with pytest.raises(KeyError):
            part_bytes(mail("\nx"), section)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("From: a@x.org\nFrom: b@x.org\n", "more than one From"),
        ("Sender: a@x.org\n", "no From"),
        ("From: a@x.org, b@x.org\n", "more than one sender address"),
        ('From: "boss@legit.org" <b@evil.org>\n', "looks like an address"),
        ("From: \u202eName <b@evil.org>\n", "direction-changing"),
        ("From: a@l\u0435git.org\n", "mixes alphabets"),
        ("From: a@x.org\nSubject: 1\nSubject: 2\n", "Subject"),
        ("From: a@x.org\nContent-Type: multipart/mixed; boundary=b\n", "never occurs"),
        ("From: =?utf-8?q?a=40legit.org?=@evil.org\n", "disguised"),
    ],
)
def test_what_could_mislead_is_said(head: str, words: str) -> None:
    assert any(words in warning for warning in view_document(view(mail("\nx", head)))["warnings"])


def test_a_snippet_is_the_beginning_of_what_the_sender_wrote() -> None:
    quoted = gist(mail("\nOn Monday, B wrote:\n> old\n> text\n\nnew \u200btext\n" + "word " * 100)).text
    assert snippet(quoted).startswith("new text word")
    assert 190 < len(snippet(quoted)) <= 200
    assert snippet("\n> only quoted") == "> only quoted"


UU = "\nbefore\nbegin 644 a.txt\n#0V%T\n`\nend\nafter"


@pytest.mark.parametrize(
    "raw",
    [
        mail("\nhello"),
        mail(HTML),
        mail(multipart("alternative", PLAIN, HTML)),
        mail(multipart("alternative", "Content-Type: text/plain\n\n ", HTML)),
        mail(multipart("alternative", "Content-Type: text/plain\n\n ", "Content-Type: text/html\n\n<p></p>")),
        mail(multipart("mixed", PLAIN, PDF, HTML)),
        mail(multipart("related", HTML, PNG)),
        mail(UU),
        mail(multipart("alternative", HTML, f"Content-Type: text/plain\n{UU}")),
    ],
)
def test_the_gist_is_what_the_whole_parser_says(raw: bytes) -> None:
    assert gist(raw) == gist_of(parse(raw))


def test_the_view_is_safe_and_its_document_has_the_promised_keys() -> None:
    raw = mail(
        multipart("mixed", HTML + '<img src="http://x.test/"><script>x</script>', PDF),
        'From: "A\u202eB" <a@example.org>\nSubject: =?utf-8?q?a=0Ab?=\n'
        "Date: Sun, 22 Nov 2026 02:00:00 +0000\nMessage-ID: <m@x>\n",
    )
    shown = view(raw)
    assert (shown.sender[0].name, shown.subject, shown.remote, shown.simple) == ("AB", "a b", 1, False)
    document = json.loads(json.dumps(view_document(shown, ["\\Seen"])))
    assert document["from"] == [{"name": "AB", "address": "a@example.org"}]
    assert document["date"] == "2026-11-22T02:00:00Z"
    assert document["message_id"] == "m@x"
    assert document["flags"] == ["\\Seen"]
    attachment = document["attachments"][0]
    assert {key: attachment[key] for key in ("part", "name", "type", "size")} == {
        "part": "2", "name": "a.pdf", "type": "application/pdf", "size": 4,
    }  # fmt: skip
    assert {"to", "cc", "text", "html", "warnings"} <= document.keys()
    assert "script" not in document["html"]


def test_json_helpers() -> None:
    assert address_json([Address("n", "a@b")]) == [{"name": "n", "address": "a@b"}]
    assert date_json(0) == "1970-01-01T00:00:00Z"
    assert date_json(-1) == "1969-12-31T23:59:59Z"
    assert date_json(None) is None
    assert date_json(10**18) is None


@given(st.binary(max_size=500))
def test_any_bytes_have_a_view(raw: bytes) -> None:
    json.dumps(view_document(view(raw)))
    assert gist(raw) == gist_of(parse(raw))
    snippet(gist(raw).text)
