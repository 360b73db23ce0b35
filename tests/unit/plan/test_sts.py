"""What counts as an MTA-STS record and a policy, and which exchangers a policy allows (RFC 8461)."""

import pytest

from mua.plan.sts import LONGEST, REFRESH, Kept, Mode, Policy, matches, parse, record_id


@pytest.mark.parametrize(
    "texts, told",
    [
        (["v=STSv1; id=20260101T000000;"], "20260101T000000"),
        (["v=STSv1;id=1"], "1"),
        (["v = STSv1 ; id = a1 ; more=x"], "a1"),
        (["spf something", "v=STSv1; id=2;"], "2"),
        (["v=STSv1; id=1;", "v=STSv1; id=2;"], ""),  # more than one is none
        (["v=STSv1; id=;"], ""),
        (["v=STSv1; id=a-b;"], ""),
        (["v=STSv1; id=" + "a" * 33], ""),
        (["v=STSv10; id=1;"], ""),
        (["id=1; v=STSv1;"], ""),
        ([], ""),
    ],
)
def test_the_record(texts: list[str], told: str) -> None:
    assert record_id(texts) == told


ENFORCE = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net.\r\nmax_age: 604800\r\n"


@pytest.mark.parametrize(
    "raw, policy",
    [
        (ENFORCE, Policy(Mode.ENFORCE, ("mail.example.com", "*.example.net"), 604800)),
        (ENFORCE.replace(b"\r\n", b"\n"), Policy(Mode.ENFORCE, ("mail.example.com", "*.example.net"), 604800)),
        (ENFORCE + b"mode: none\nmore: x\n", Policy(Mode.ENFORCE, ("mail.example.com", "*.example.net"), 604800)),
        (b"version: STSv1\nmode: none\nmax_age: 60", Policy(Mode.NONE, (), 60)),
        (b"version:STSv1\nmode:testing\nmx:MX.A\nmax_age:9999999999", Policy(Mode.TESTING, ("mx.a",), LONGEST)),
        (b"version: STSv1\nmode: enforce\nmax_age: 60", None),  # nobody could deliver
        (b"version: STSv1\nmode: enforce\nmx:\nmx: a b\nmx: x\0y\nmax_age: 60", None),
        (b"version: STSv2\nmode: none\nmax_age: 60", None),
        (b"version: STSv1\nmode: strict\nmx: a.b\nmax_age: 60", None),
        (b"version: STSv1\nmode: none", None),
        (b"version: STSv1\nmode: none\nmax_age: -1", None),
        (b"version: STSv1\nmode: none\nmax_age: 12345678901", None),
        (b"<html>not found</html>", None),
        (b"\xff\xfe", None),
        (b"", None),
    ],
)  # fmt: skip
def test_the_policy(raw: bytes, policy: Policy | None) -> None:
    assert parse(raw) == policy


@pytest.mark.parametrize(
    "host, allowed",
    [
        ("mail.example.com", True),
        ("MAIL.example.com.", True),
        ("example.com", False),
        ("a.mail.example.com", False),
        ("mx1.example.net", True),
        ("example.net", False),  # the star is a label
        ("a.b.example.net", False),  # and one only
        ("", False),
    ],
)
def test_the_exchangers(host: str, allowed: bool) -> None:
    assert matches(host, ("mail.example.com", "*.example.net")) is allowed


def test_how_long_it_holds() -> None:
    kept = Kept("1", Policy(Mode.ENFORCE, ("a.b",), 3 * REFRESH), 1000)
    assert kept.holds(1000)
    assert kept.holds(999 + 3 * REFRESH)
    assert not kept.holds(1000 + 3 * REFRESH)
    assert kept.holds(999)  # the clock was set back
    assert not kept.is_current("1", 999)
    assert kept.is_current("1", 1000)
    assert not kept.is_current("2", 1000)
    assert not kept.is_current("1", 1000 + REFRESH)
