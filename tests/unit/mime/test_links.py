"""Where a link leads, and whether it says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.mime.html import sanitise
from mua.mime.links import clean, disagrees, lie, look, unwrapped, written

SAFE = "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fshop.test%2Fa%3Fb%3D1&data=05%7C&reserved=0"
PROOF_2 = "https://urldefense.proofpoint.com/v2/url?u=https-3A__shop.test_a-3Fb-3D1&d=DwMFaQ&c=x&r=y&m=z&s=q&e="
PROOF_3 = "https://urldefense.com/v3/__https:/shop.test/a*b*c__;Pz0!!ABC!xyz$"
SEARCH = "https://www.google.com/search?q=https://shop.test/"
ALIKE = "https://evil-l.facebook.com.test/l.php?u=https://a.test"
AMAZON = "https://x.r.eu-west-1.awstrack.me/L0/https:%2F%2Fshop.test%2Fa/1/0102/z"
PROOF_3_RUN = "https://urldefense.com/v3/__https://shop.test/a**Bz__;Pz0h!!ABC!xyz$"


@pytest.mark.parametrize(
    ("link", "target", "names"),
    [
        (SAFE, "https://shop.test/a?b=1", ("Microsoft Safe Links",)),
        (PROOF_2, "https://shop.test/a?b=1", ("Proofpoint",)),
        (PROOF_3, "https://shop.test/a?b=c", ("Proofpoint",)),
        (PROOF_3_RUN, "https://shop.test/a?=!z", ("Proofpoint",)),
        ("https://www.google.com/url?q=https://shop.test/&sa=D", "https://shop.test/", ("Google",)),
        ("https://l.facebook.com/l.php?u=https%3A%2F%2Fshop.test%2F&h=x", "https://shop.test/", ("Facebook",)),
        ("https://linkprotect.cudasvc.com/url?a=https%3a%2f%2fshop.test&c=E", "https://shop.test", ("Barracuda",)),
        (AMAZON, "https://shop.test/a", ("Amazon SES",)),
        (SEARCH, SEARCH, ()),
        (ALIKE, ALIKE, ()),
        ("https://www.google.com/url?q=javascript:alert(1)", "https://www.google.com/url?q=javascript:alert(1)", ()),
        ("https://urldefense.com/v3/__https://shop.test/*__;!!x!", "https://shop.test/", ("Proofpoint",)),
        ("https://urldefense.com/v3/nonsense", "https://urldefense.com/v3/nonsense", ()),
    ],
)  # fmt: skip
def test_wrappers_are_read_through(link: str, target: str, names: tuple[str, ...]) -> None:
    assert unwrapped(link) == (target, names)


def test_wrappers_in_wrappers() -> None:
    from urllib.parse import quote

    twice = f"https://nam02.safelinks.protection.outlook.com/?url={quote(PROOF_2, safe='')}"
    assert unwrapped(twice) == ("https://shop.test/a?b=1", ("Microsoft Safe Links", "Proofpoint"))
    link = "https://shop.test/"
    for _ in range(8):
        link = "https://www.google.com/url?q=" + quote(link, safe="")
    assert len(unwrapped(link)[1]) == 5


@pytest.mark.parametrize(
    ("link", "cleaned"),
    [
        ("https://a.test/p?id=7&utm_source=x&UTM_Medium=y&fbclid=z", "https://a.test/p?id=7"),
        ("https://a.test/p?mc_cid=1&mc_eid=2", "https://a.test/p"),
        ("https://a.test/p?q=a%20b&&c=%2F&gclid=1#part", "https://a.test/p?q=a%20b&&c=%2F#part"),
        ("https://a.test/?utm_source#utm_medium=x", "https://a.test/"),
        ("https://a.test/?%75tm_source=x&b=1", "https://a.test/?b=1"),
        ("https://a.test/?automatic=1&sum=2", "https://a.test/?automatic=1&sum=2"),
        (SAFE + "&utm_source=x", "https://shop.test/a?b=1"),
        ("mailto:a@b.test?subject=utm_source", "mailto:a@b.test?subject=utm_source"),
    ],
)
def test_a_clean_link_says_nothing_of_who_clicked(link: str, cleaned: str) -> None:
    assert clean(link) == cleaned


@pytest.mark.parametrize(
    ("text", "link", "claimed"),
    [
        ("https://bank.example/login", "https://evil.test/", "bank.example"),
        ("www.bank.example", "https://evil.test/", "bank.example"),
        ("bank.example", "https://evil.test/", "bank.example"),
        (" bank.example/login ", "https://bank.example.evil.test/", "bank.example"),
        ("Log in at https://bank.example now", "http://evil.test/", "bank.example"),
        ("https://bank.example", "https://bank.example@evil.test/", "bank.example"),
        ("https://user@bank.example/", "https://evil.test/", "bank.example"),
        ("https://bank.example", "https://b\u0430nk.example", "bank.example"),
        ("https://bank.example", "https://www.bank.example/x", ""),
        ("https://shop.bank.example", "https://bank.example/x", ""),
        ("https://shop.test/a", SAFE, ""),
        ("https://a.co.uk", "https://b.co.uk", "a.co.uk"),
        ("Click here", "https://evil.test/", ""),
        ("report.pdf", "https://files.test/1", ""),
        ("ann@bank.example", "mailto:ann@bank.example", ""),
        ("Version 2.0 is here", "https://a.test", ""),
        ("The Node.js website", "https://a.test", ""),
        ("\u4f8b\u3048.jp", "https://evil.test", "xn--r8jz45g.jp"),
        ("fass.example", "https://fa\u00df.example", "fass.example"),
    ],
)
def test_text_and_target(text: str, link: str, claimed: str) -> None:
    assert disagrees(text, link) == claimed


@pytest.mark.parametrize(
    ("link", "host", "part_of_odd"),
    [
        ("https://a.test/x", "a.test", ""),
        ("https://bank.example@evil.test/", "evil.test", "before the"),
        ("https://b\u0430nk.example/", "xn--bnk-6cd.example", "another alphabet"),
        ("https://xn--bnk-6cd.example/", "xn--bnk-6cd.example", "another alphabet"),
        ("http://192.0.2.7/login", "192.0.2.7", "a number"),
        ("http://[2001:db8::1]/", "2001:db8::1", "a number"),
        ("mailto:a@b.test", "", ""),
    ],
)
def test_deceptive_addresses(link: str, host: str, part_of_odd: str) -> None:
    found = look(link)
    assert found.host == host
    assert part_of_odd in found.odd
    assert bool(found.odd) is bool(part_of_odd)


def test_a_lie_is_found_in_the_page_however_the_browser_writes_the_link() -> None:
    html = sanitise(
        '<p><a href="https://Evil.test">Here</a> <a href="https://evil.test/"><b>https://</b>bank.example</a>'
        '<a href="https://good.test/?a=1&amp;b=2">good.test</a></p>'
    ).html
    assert lie(html, "https://evil.test/") == "bank.example"
    assert lie(html, "https://good.test/?a=1&b=2") == ""
    assert lie(html, "https://other.test/") == ""
    sharp = sanitise('<a href="https://ann@fa\u00df.example:8080/x">bank.example</a>').html
    assert lie(sharp, "https://ann@xn--fa-hia.example:8080/x") == "bank.example"


@pytest.mark.parametrize(
    ("author", "browser"),
    [
        ("http://evil.test:80/x", "http://evil.test/x"),
        ("http://evil.test/a/../b/./x", "http://evil.test/b/x"),
        ("http://evil.test/a/%2E%2e/x", "http://evil.test/x"),
        ("http:evil.test/x", "http://evil.test/x"),
        ("HTTP:///evil.test/x", "http://evil.test/x"),
        ("http:\\\\evil.test\\x", "http://evil.test/x"),
        ("http://evil.test\\@bank.example/", "http://evil.test/@bank.example/"),
        ("http://0x7f.1/x", "http://127.0.0.1/x"),
        ("http://2130706433/x", "http://127.0.0.1/x"),
        ("http://017700000001/x", "http://127.0.0.1/x"),
        ("http://ev%69l.test/x", "http://evil.test/x"),
        ("https://evil.test:8443/..", "https://evil.test:8443/"),
        ("https://ann@[2001:db8::1]:443/?a=../b#c\\d", "https://ann@[2001:db8::1]/?a=../b#c\\d"),
    ],
)
def test_a_lie_is_found_however_the_browser_writes_its_author_s_link(author: str, browser: str) -> None:
    assert written(author) == browser == written(browser)
    page = sanitise(f'<a href="https://other.test/">other.test</a><a href="{author}">https://shop.example</a>').html
    assert lie(page, browser) == "shop.example"
    assert lie(page, "https://other.test/") == ""


def test_what_a_browser_takes_for_the_host_is_the_host() -> None:
    assert look("http://evil.test\\@bank.example/").host == "evil.test"
    assert look("http:/bank.example@evil.test").host == "evil.test"
    assert written("mailto:a@b.test") == "mailto:a@b.test"
    assert written("http://1.2.3.4.5/") == "http://1.2.3.4.5/"


@pytest.mark.parametrize(
    "wrapped",
    [
        "https://x.safelinks.protection.outlook.com/?url=https://evil.test&url=https://bank.example",
        "https://www.google.com/url?url=https://evil.test&q=https://bank.example",
    ],
)
def test_a_wrapper_of_two_links_is_not_looked_into(wrapped: str) -> None:
    assert look(wrapped).wrappers == ()
    assert clean(wrapped) == wrapped


@given(st.text(max_size=200))
def test_any_link_is_taken(link: str) -> None:
    for one in (link, f"https://{link}", f"https://urldefense.com/v3/__{link}__;{link}!", f"https://x.test/?{link}"):
        look(one)
        clean(one)
        disagrees(link, one)
        lie(f'<a href="{link}">{link}</a>', one)
