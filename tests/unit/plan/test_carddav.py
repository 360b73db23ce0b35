"""Where address books are looked for, who is told who signs in, and what a difference means; WebDAV's XML."""

import pytest

from mua import xml_tree
from mua.errors import MailError
from mua.mime import dav
from mua.plan import carddav
from mua.plan.carddav import Fate

ROOT = "https://cards.example.org"


@pytest.mark.parametrize(
    "address, services, expected",
    [
        ("maya@example.org", [], ["https://example.org/.well-known/carddav"]),
        (
            "maya@example.org",
            [("dav.example.org", 443), ("alt.example.org", 8443)],
            [
                "https://dav.example.org/.well-known/carddav",
                "https://alt.example.org:8443/.well-known/carddav",
                "https://example.org/.well-known/carddav",
            ],
        ),
        (f"{ROOT}/me/", [], [f"{ROOT}/me/", f"{ROOT}/.well-known/carddav", f"{ROOT}/"]),
    ],
)
def test_where_discovery_begins(address: str, services: list[tuple[str, int]], expected: list[str]) -> None:
    assert carddav.starts(address, services) == expected


@pytest.mark.parametrize(
    "wrong", ["http://cards.example.org/", "ftp://x.example/", "nothing", "a b.example", "https://", "https://[x"]
)
def test_what_is_no_place_is_refused(wrong: str) -> None:
    with pytest.raises(MailError):
        carddav.starts(wrong)


@pytest.mark.parametrize(
    "url, named, may",
    [
        ("https://cards.example.org/x", "example.org", True),
        ("https://example.org/x", "cards.example.org", True),
        ("http://cards.example.org/x", "cards.example.org", False),
        ("http://localhost:5232/x", "localhost", True),
        ("https://evil.example/x", "example.org", False),
        ("https://example.org.evil.example/", "example.org", False),
        ("https://other.github.io/", "mine.github.io", False),
        ("https://10.0.0.2/", "10.0.0.1", False),
        ("https://10.0.0.1/", "10.0.0.1", True),
        ("https://localhost/", "example.org", False),
    ],
)
def test_a_password_goes_to_one_house_only(url: str, named: str, may: bool) -> None:
    assert carddav.may_sign_in(url, named) is may


def test_a_listing_is_held_against_what_is_here() -> None:
    found = carddav.difference({"/a": "1", "/b": "2", "/c": ""}, {"/a": "1", "/b": "1", "/c": "", "/d": "1"})
    assert (found.fetch, found.gone) == (("/b", "/c"), ("/d",))


def test_what_a_server_says_is_gone() -> None:
    assert carddav.fate(dirty=False, gone=False) is Fate.DELETE
    assert carddav.fate(dirty=True, gone=False) is Fate.AGAIN
    assert carddav.fate(dirty=True, gone=True) is Fate.FORGET
    assert carddav.is_suspicious(30, 50) and not carddav.is_suspicious(20, 30) and not carddav.is_suspicious(30, 60)
    assert carddav.is_incredible(3, 3) and not carddav.is_incredible(2, 3) and not carddav.is_incredible(1, 1)


def test_hrefs_are_kept_one_way_however_they_are_written() -> None:
    base = "/me/friends/"
    assert carddav.path_of("https://x.example/me/friends/a b.vcf", base) == "/me/friends/a b.vcf"
    assert carddav.path_of("a.vcf", base) == "/me/friends/a.vcf"
    assert carddav.followed("https://x.example/me/", "/me/friends/a b%.vcf") == (
        "https://x.example/me/friends/a%20b%25.vcf"
    )
    assert carddav.new_name("urn:uuid:12-ab") == "12-ab.vcf"
    assert carddav.new_name("../../é/x") == "-..---x.vcf"
    assert carddav.new_name("") == "contact.vcf"


TOLD = b"""<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav">
<d:response><d:href>/me/a%20b.vcf</d:href><d:propstat><d:prop><d:getetag>"1"</d:getetag>
<c:address-data>BEGIN:VCARD&#13;
END:VCARD</c:address-data></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>
<d:propstat><d:prop><d:displayname>not this</d:displayname></d:prop><d:status>HTTP/1.1 404 Not Found</d:status>
</d:propstat></d:response>
<d:response><d:href>/me/gone.vcf</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>
<d:response><d:href>/me/</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response>
<d:sync-token>t/2</d:sync-token></d:multistatus>"""


def test_a_multistatus_is_read() -> None:
    found = dav.multistatus(TOLD)
    first, second = found.responses
    assert (first.href, first.etag, first.name) == ("/me/a b.vcf", '"1"', "")
    assert first.data == "BEGIN:VCARD\r\nEND:VCARD"
    assert (second.href, second.status) == ("/me/gone.vcf", 404)
    assert (found.token, found.whole) == ("t/2", False)


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"<html/>",
        b"<a>" * 50 + b"</a>" * 50,
        b'<!DOCTYPE a [<!ENTITY b "c">]><d:multistatus xmlns:d="DAV:">&b;</d:multistatus>',
        TOLD[:-20],
        TOLD.replace(b"/me/gone.vcf", b"https://[x/gone.vcf"),
    ],
)
def test_what_is_no_multistatus_is_refused(wrong: bytes) -> None:
    with pytest.raises(ValueError):
        dav.multistatus(wrong)


def test_an_answer_has_not_endless_elements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_tree, "MAX_ELEMENTS", 11)
    with pytest.raises(ValueError, match="too many"):
        dav.multistatus(TOLD)
    assert 11 < TOLD.count(b"</") < 30


def test_what_is_asked_is_xml() -> None:
    for asked in (dav.sync_collection("a<&b"), dav.multiget(["/a&b<c"]), dav.PRINCIPAL, dav.HOME, dav.BOOKS):
        xml_tree.parse(asked.encode(), dav.MAX_DEPTH, namespaces=True)
