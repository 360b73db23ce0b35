"""SPF: the examples of RFC 7208, its limits, and records that make no sense."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.plan.mx import Records, Status
from mua.plan.spf import Result, evaluate

# RFC 7208, appendix A
ZONE: dict[tuple[str, str], Sequence[str]] = {
    ("example.com", "MX"): ["10 mail-a.example.com", "20 mail-b.example.com"],
    ("example.com", "A"): ["192.0.2.10", "192.0.2.11"],
    ("amy.example.com", "A"): ["192.0.2.65"],
    ("bob.example.com", "A"): ["192.0.2.66"],
    ("mail-a.example.com", "A"): ["192.0.2.129"],
    ("mail-b.example.com", "A"): ["192.0.2.130"],
    ("mail-a.example.com", "AAAA"): ["2001:db8::129"],
    ("example.org", "MX"): ["10 mail-c.example.org"],
    ("mail-c.example.org", "A"): ["192.0.2.140"],
    ("10.2.0.192.in-addr.arpa", "PTR"): ["example.com"],
    ("65.2.0.192.in-addr.arpa", "PTR"): ["amy.example.com"],
    ("140.2.0.192.in-addr.arpa", "PTR"): ["mail-c.example.org"],
    ("4.0.0.10.in-addr.arpa", "PTR"): ["bob.example.com"],
    ("1.2.0.192.in-addr._spf.example.com", "A"): ["127.0.0.2"],
}


def result(
    spf: str | Sequence[str], address: str, more: Mapping[tuple[str, str], Sequence[str]] | None = None
) -> Result:
    table = ZONE | {("example.com", "TXT"): [spf] if isinstance(spf, str) else list(spf)} | dict(more or {})

    async def lookup(name: str, kind: str) -> Records:
        values = tuple(table.get((name.lower(), kind), ()))
        if values == ("SERVFAIL",):
            return Records(Status.FAILED)
        return Records(Status.FOUND if values else Status.NO_NAME, values)

    return asyncio.run(evaluate(address, "strong-bad@example.com", "amy.example.com", lookup))


def passes(spf: str, address: str) -> bool:
    return result(spf, address) is Result.PASS


@pytest.mark.parametrize(
    "spf, good, bad",
    [
        ("v=spf1 +all", ["192.0.2.1", "2001:db8::1"], []),
        ("v=spf1 a -all", ["192.0.2.10", "192.0.2.11"], ["192.0.2.12"]),
        ("v=spf1 a:example.org -all", [], ["192.0.2.10"]),
        ("v=spf1 mx -all", ["192.0.2.129", "192.0.2.130", "2001:db8::129"], ["192.0.2.10", "2001:db8::1"]),
        ("v=spf1 mx:example.org -all", ["192.0.2.140"], ["192.0.2.129"]),
        ("v=spf1 mx mx:example.org -all", ["192.0.2.129", "192.0.2.140"], ["192.0.2.1"]),
        ("v=spf1 mx/30 mx:example.org/30 -all", ["192.0.2.131", "192.0.2.143"], ["192.0.2.132"]),
        ("v=spf1 ptr -all", ["192.0.2.10", "192.0.2.65"], ["192.0.2.140", "10.0.0.4"]),
        ("v=spf1 ip4:192.0.2.128/28 -all", ["192.0.2.129", "::ffff:192.0.2.130"], ["192.0.2.65"]),
        ("v=spf1 ip6:2001:db8::/32 -all", ["2001:db8:5::1"], ["2001:db9::1", "192.0.2.1"]),
        ("V=SPF1 A:mail-a.example.com//64 -ALL", ["2001:db8::1", "192.0.2.129"], ["2001:db8:1::1"]),
        ("v=spf1  exists:%{ir}.%{v}._spf.%{d2} -all", ["192.0.2.1"], ["192.0.2.2"]),
    ],
)
def test_the_examples_of_the_rfc(spf: str, good: list[str], bad: list[str]) -> None:
    assert [one for one in good if not passes(spf, one)] == []
    assert [one for one in bad if result(spf, one) is not Result.FAIL] == []


@pytest.mark.parametrize(
    "spf, expected",
    [
        ("v=spf1 ~all", Result.SOFTFAIL), ("v=spf1 ?all", Result.NEUTRAL), ("v=spf1", Result.NEUTRAL),
        ("v=spf10 all", Result.NONE), ("something else", Result.NONE), ("v=spf1 -ip4:192.0.2.1 all", Result.FAIL),
        ("v=spf1 nonsense", Result.PERMERROR), ("v=spf1 ip4:300.0.0.1", Result.PERMERROR),
        ("v=spf1 a:", Result.PERMERROR),
        ("v=spf1 all:x", Result.PERMERROR), ("v=spf1 include", Result.PERMERROR), ("v=spf1 a/33", Result.PERMERROR),
        ("v=spf1 all nonsense", Result.PERMERROR), ("v=spf1 ip4:192.0.2.1/33", Result.PERMERROR),
        ("v=spf1 unknown=modifier -all", Result.FAIL), ("v=spf1 a:%{z}.example.com all", Result.PERMERROR),
        ("v=spf1 redirect=a.test redirect=b.test", Result.PERMERROR),
        ("v=spf1 include:nothing.test all", Result.PERMERROR),
        ("v=spf1 redirect=nothing.test", Result.PERMERROR), ("v=spf1 all redirect=nothing.test", Result.PASS),
    ],
)  # fmt: skip
def test_records_of_all_kinds(spf: str, expected: Result) -> None:
    assert result(spf, "192.0.2.1") is expected


def test_two_records_are_an_error_and_none_is_none() -> None:
    assert result(["v=spf1 all", "v=spf1 -all"], "192.0.2.1") is Result.PERMERROR
    assert result([], "192.0.2.1") is Result.NONE
    assert result("SERVFAIL", "192.0.2.1") is Result.TEMPERROR
    assert result("v=spf1 mx -all", "192.0.2.1", {("example.com", "MX"): ["SERVFAIL"]}) is Result.TEMPERROR


@pytest.mark.parametrize(
    "inner, expected",
    [
        ("v=spf1 ip4:192.0.2.1 -all", Result.PASS), ("v=spf1 -all", Result.SOFTFAIL), ("v=spf1 ~all", Result.SOFTFAIL),
        ("v=spf1 nonsense", Result.PERMERROR),
    ],
)  # fmt: skip
def test_include(inner: str, expected: Result) -> None:
    assert result("v=spf1 include:in.test ~all", "192.0.2.1", {("in.test", "TXT"): [inner]}) is expected


def test_redirect_takes_over_the_whole() -> None:
    more = {("in.test", "TXT"): ["v=spf1 a -all"], ("in.test", "A"): ["192.0.2.1"]}
    assert result("v=spf1 redirect=in.test", "192.0.2.1", more) is Result.PASS
    assert result("v=spf1 redirect=in.test", "192.0.2.10", more) is Result.FAIL


def test_limits() -> None:
    names = {(f"n{n}.test", "A"): ["192.0.2.99"] for n in range(20)}
    ten = " ".join(f"a:n{n}.test" for n in range(10))
    assert result(f"v=spf1 {ten} -all", "192.0.2.1", names) is Result.FAIL
    assert result(f"v=spf1 {ten} a:n11.test -all", "192.0.2.1", names) is Result.PERMERROR
    assert result("v=spf1 a:x.test a:y.test -all", "192.0.2.1") is Result.FAIL
    assert result("v=spf1 a:x.test a:y.test a:z.test -all", "192.0.2.1") is Result.PERMERROR
    assert result("v=spf1 include:example.com -all", "192.0.2.1") is Result.PERMERROR
    flood = {("example.com", "MX"): [f"10 h{n}.test" for n in range(11)]}
    assert result("v=spf1 mx -all", "192.0.2.1", flood) is Result.PERMERROR


WORDS = st.sampled_from(
    ["a", "mx", "-all", "~all", "ip4:192.0.2.0/24", "include:example.com", "ptr", "exists:%{i}", "redirect=example.com",
     "%{", "a:%{d4r-}.test", "mx//64", "", "x=y", "ip6::"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=14), st.sampled_from(["192.0.2.1", "2001:db8::1"]))
def test_whatever_is_published_has_a_result(words: list[str], address: str) -> None:
    assert result(" ".join(["v=spf1", *words]), address) in Result
