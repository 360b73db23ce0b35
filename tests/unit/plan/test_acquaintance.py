"""Who is known, who is met first, and who only looks like somebody."""

import pytest

from mua.model.address import Address
from mua.plan.acquaintance import Known, notes, one_apart, skeleton

NOW = 1000
KNOWN = {
    one.address: one
    for one in (
        Known("Maya Lindqvist", "maya.lindqvist@example.org", 10, 5, 2),
        Known("Bank", "service@mybank.example", 20, 9, 0),
        Known("Once", "once@paypal.example", 30, 1, 0),
        Known("Later", "later@example.net", 2000, 3, 0),
        Known("Host", "root@server12.example", 5, 40, 0),
        Known("Shop", "news@mail.flowershop.co.uk", 5, 40, 0),
        Known("Page", "me@pages1.github.io", 5, 40, 0),
    )
}


def kinds(name: str, address: str, before: bool = False) -> list[str]:
    return [one.kind for one in notes(Address(name, address), NOW, KNOWN, before)]


@pytest.mark.parametrize(
    ("name", "address", "expected"),
    [
        ("Maya Lindqvist", "maya.lindqvist@example.org", []),
        ("", "Service@MyBank.example", []),
        ("Ann", "ann@new.example", ["first-contact"]),
        ("Later", "later@example.net", ["first-contact"]),  # wrote, but after this one
        ("Bank", "service@rnybank.example", ["look-alike", "first-contact"]),
        ("Bank", "service@mybnak.example", ["look-alike", "first-contact"]),
        ("Bank", "service@mybank-.example", ["look-alike", "first-contact"]),
        ("Bank", "service@m\u0443bank.example", ["look-alike", "first-contact"]),
        ("Bank", "other@mybank.example", ["first-contact"]),  # a colleague
        ("", "maya.lindqvlst@example.org", ["look-alike", "first-contact"]),
        ("", "maya.1indqvist@example.org", ["look-alike", "first-contact"]),
        ("", "x@paypai.example", ["first-contact"]),  # whom it is like was here once, in passing
        ("", "root@server13.example", ["first-contact"]),  # machines are numbered
        ("Shop", "news@fl0wershop.co.uk", ["look-alike", "first-contact"]),  # another host below it
        ("Shop", "news@a.b.fiowershop.co.uk", ["look-alike", "first-contact"]),
        ("Shop", "news@mai1.flowershop.co.uk", ["first-contact"]),  # of the same house
        ("Shop", "news@other.co.uk", ["first-contact"]),
        ("Page", "me@pagesl.github.io", ["look-alike", "first-contact"]),  # two customers of one host
        ("MAYA LINDQVIST", "maya@evil.example", ["namesake", "first-contact"]),
        ("M\u0430ya Lindqvist", "maya@evil.example", ["namesake", "first-contact"]),
        ("", "", []),
    ],
)
def test_what_is_said(name: str, address: str, expected: list[str]) -> None:
    assert kinds(name, address) == expected


def test_who_wrote_long_ago_is_no_news() -> None:
    assert kinds("Ann", "ann@new.example", before=True) == []


def test_what_is_said_is_calm() -> None:
    found = notes(Address("Bank", "service@rnybank.example"), NOW, KNOWN, False)
    assert [one.grave for one in found] == [True, False]
    assert "service@mybank.example" in found[0].text


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("abc", "abc", False), ("abc", "abd", True), ("abc", "ab", True), ("abc", "abcd", True), ("abc", "acb", True),
        ("abc", "bca", False), ("abc", "axd", False), ("", "", False), ("", "a", True), ("abcd", "badc", False),
        ("abc", "xabc", True), ("abc", "abcde", False),
    ],
)  # fmt: skip
def test_one_slip_of_the_hand(one: str, other: str, apart: bool) -> None:
    assert one_apart(one, other) is apart
    assert one_apart(other, one) is apart


def test_skeletons() -> None:
    assert skeleton("rnybank") == skeleton("mybank") == skeleton("M\u0443bank")
    assert skeleton("paypa1") == skeleton("paypal") == skeleton("paypai")
    assert skeleton("google") != skeleton("goggle")
