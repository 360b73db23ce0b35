"""DNS answers stay apart: found, no such record, no such name, nobody knows."""

import asyncio

import pytest
from dns_server import DnsServer

from mua.net.dns import Resolver
from mua.plan.mx import Mx, Status

TABLE = {
    ("good.test", "MX"): ["20 MX2.good.test.", "10 mx1.good.test."],
    ("mx1.good.test", "A"): ["192.0.2.1", "192.0.2.2"],
    ("mx1.good.test", "AAAA"): ["2001:db8::1"],
    ("mx2.good.test", "A"): ["192.0.2.3"],
    ("null.test", "MX"): ["0 ."],
    ("nodata.test", "A"): ["192.0.2.9"],
    ("servfail.test", "MX"): ["SERVFAIL"],
    ("refused.test", "MX"): ["REFUSED"],
    ("timeout.test", "MX"): ["TIMEOUT"],
    ("flaky.test", "MX"): ["FLAKY", "10 mx1.good.test."],
    ("trunc.test", "MX"): ["TRUNCATED", "10 mx1.good.test."],
    ("alias.test", "MX"): ["CNAME good.test.", "10 mx1.good.test."],
    ("half.test", "A"): ["192.0.2.7"],
    ("half.test", "AAAA"): ["SERVFAIL"],
    ("deadhost.test", "A"): ["SERVFAIL"],
    ("deadhost.test", "AAAA"): ["SERVFAIL"],
    ("texts.test", "TXT"): ['"v=spf1 " "-all"', '"other"'],
    ("4.0.0.10.in-addr.arpa", "PTR"): ["one.test.", "two.test."],
    ("big.test", "MX"): [f"{n} h{n}.big.test." for n in range(900)],
}


SILENT = ("timeout.test", "deadhost.test")  # nobody answers, so nobody is waited for


def ask(name: str, what: str = "mx") -> object:
    with DnsServer(TABLE) as server:
        resolver = Resolver(server.address, lifetime=1 if name in SILENT else 60)
        return asyncio.run(getattr(resolver, what)(name))


def test_records_as_they_are() -> None:
    answer = ask("good.test")
    assert answer.status is Status.FOUND  # type: ignore[attr-defined]
    assert set(answer.records) == {Mx(10, "mx1.good.test"), Mx(20, "MX2.good.test")}  # type: ignore[attr-defined]


def test_the_null_mx() -> None:
    assert [record.host.strip(".") for record in ask("null.test").records] == [""]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "name, status",
    [
        ("nodata.test", Status.NO_DATA),
        ("nothing.test", Status.NO_NAME),
        ("servfail.test", Status.FAILED),
        ("refused.test", Status.FAILED),
        ("timeout.test", Status.FAILED),
        ("flaky.test", Status.FOUND),
        ("trunc.test", Status.FOUND),
        ("alias.test", Status.FOUND),
        ("..", Status.FAILED),
        ("x" * 70 + ".test", Status.FAILED),
    ],
)
def test_what_becomes_of_a_question(name: str, status: Status) -> None:
    assert ask(name).status is status  # type: ignore[attr-defined]


def test_both_families() -> None:
    answer = ask("mx1.good.test", "addresses")
    assert set(answer.addresses) == {"192.0.2.1", "192.0.2.2", "2001:db8::1"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "name, status, count",
    [
        ("half.test", Status.FOUND, 1),
        ("deadhost.test", Status.FAILED, 0),
        ("good.test", Status.NO_DATA, 0),
        ("nothing.test", Status.NO_NAME, 0),
    ],
)
def test_addresses(name: str, status: Status, count: int) -> None:
    answer = ask(name, "addresses")
    assert (answer.status, len(answer.addresses)) == (status, count)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "name, kind, status, values",
    [
        ("texts.test", "TXT", Status.FOUND, {"v=spf1 -all", "other"}),
        ("4.0.0.10.in-addr.arpa", "PTR", Status.FOUND, {"one.test", "two.test"}),
        ("mx1.good.test", "AAAA", Status.FOUND, {"2001:db8::1"}),
        ("alias.test", "MX", Status.FOUND, {"10 mx1.good.test"}),
        ("good.test", "TXT", Status.NO_DATA, set()),
        ("nothing.test", "TXT", Status.NO_NAME, set()),
        ("servfail.test", "MX", Status.FAILED, set()),
    ],
)
def test_records_as_text(name: str, kind: str, status: Status, values: set[str]) -> None:
    with DnsServer(TABLE) as server:
        answer = asyncio.run(Resolver(server.address, lifetime=60).records(name, kind))
    assert (answer.status, set(answer.values)) == (status, values)


def test_a_flood_of_records_is_cut() -> None:
    assert len(ask("big.test").records) == 200  # type: ignore[attr-defined]


def test_a_resolver_that_is_not_there() -> None:
    resolver = Resolver("127.0.0.1:1", lifetime=0.5)
    assert asyncio.run(resolver.mx("good.test")).status is Status.FAILED
