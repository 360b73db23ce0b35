"""The doctor over a real resolver and scripted exchangers: where others see us, block lists, what fails between."""

import asyncio
import socket

import pytest
from dns_server import DnsServer
from scripted import Scripted

from mua.engine import diagnose
from mua.model.account import Account, AccountId, DirectOptions, Route
from mua.model.diagnosis import Diagnosis, Grade, Reach
from mua.model.dkim import Algorithm, DkimKey
from mua.model.records import Published
from mua.net.dkim_keys import make_key
from mua.plan import direct
from mua.plan.spf import Result

KEY = DkimKey("example.net", "s", Algorithm.ED25519, make_key(Algorithm.ED25519)[1], 1)
TABLE = {
    ("example.net", "MX"): ["10 mx.example.net."],
    ("mx.example.net", "A"): ["127.0.0.1"],
    ("example.net", "TXT"): ['"v=spf1 ip4:198.41.0.4 -all"'],
    ("_dmarc.example.net", "TXT"): ['"v=DMARC1; p=none"'],
    ("s._domainkey.example.net", "TXT"): [f'"v=DKIM1; k=ed25519; p={KEY.public}"'],
    ("4.0.41.198.in-addr.arpa", "PTR"): ["mail.example.net."],
    ("mail.example.net", "A"): ["198.41.0.4"],
    ("2.0.0.127.clean.test", "A"): ["127.0.0.2"],
    ("2.0.0.127.listed.test", "A"): ["127.0.0.2"],
    ("4.0.41.198.listed.test", "A"): ["127.0.0.11"],
    ("2.0.0.127.closed.test", "A"): ["127.255.255.254"],
    ("4.0.41.198.closed.test", "A"): ["127.255.255.254"],
    ("2.0.0.127.silent.test", "A"): ["SERVFAIL"],
}
HELLO = "S: 220 mx\nC: EHLO {}\nS: 250-mx.example.net Hello you [198.41.0.4]\nS: 250 SIZE\nC: QUIT\nS: 221 bye"


def look(
    port: int, table: dict[tuple[str, str], list[str]], *, address: str = "", lists: tuple[str, ...] = ()
) -> Diagnosis:
    with DnsServer(table) as names:
        options = DirectOptions(names.address, port, True, "mail.example.net")
        account = Account(AccountId(1), "Ada", "ada@example.net", route=Route.DIRECT, direct=options)
        facts, states = asyncio.run(diagnose.gather(account, [KEY], address, lists))
    assert set(states) == {KEY}
    return direct.diagnose(facts)


def test_all_is_well_and_nobody_was_asked_who_we_are() -> None:
    with Scripted(HELLO) as server:
        told = look(server.port, TABLE, lists=("clean.test",))
    assert told.reach is Reach.ANYONE, told
    assert {one.what: one.grade for one in told.symptoms if one.grade is not Grade.GOOD} == {}
    assert "198.41.0.4" in next(one.text for one in told.symptoms if one.what == "address")


@pytest.mark.parametrize(
    "name, grade",
    [("clean.test", Grade.GOOD), ("listed.test", Grade.BAD), ("closed.test", Grade.UNKNOWN),
     ("silent.test", Grade.UNKNOWN), ("gone.test", Grade.UNKNOWN)],
)  # fmt: skip
def test_a_block_list_counts_where_it_answers_its_test_point(name: str, grade: Grade) -> None:
    with Scripted(HELLO) as server:
        told = look(server.port, TABLE, lists=(name,))
    assert [one.grade for one in told.symptoms if one.what == "blocklist"] == [grade]
    assert told.reach is (Reach.NEAR if grade is Grade.BAD else Reach.ANYONE)


def test_the_way_out_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    told = look(port, TABLE, address="198.41.0.4")
    assert told.reach is Reach.RELAY
    assert "port 25" in told.text


def test_a_greeting_that_turns_us_away_is_said() -> None:
    with Scripted("S: 554 5.7.1 your address is on a list", partial=True) as server:
        told = look(server.port, TABLE, address="198.41.0.4")
    (port,) = (one for one in told.symptoms if one.what == "port")
    assert (port.grade, told.reach) == (Grade.BAD, Reach.RELAY)
    assert "your address is on a list" in port.detail
    assert "turns this computer away" in told.text


def test_an_exchanger_with_a_name_that_no_host_can_have_is_out_of_reach() -> None:
    table = TABLE | {
        ("example.net", "MX"): [r"10 mx\032one.example.net."],
        (r"mx\032one.example.net", "A"): ["127.0.0.1"],
    }
    told = look(25, table, address="198.41.0.4")
    (port,) = (one for one in told.symptoms if one.what == "port")
    assert port.grade is not Grade.GOOD
    assert "no server can have that name" in port.detail


def test_tls_that_is_broken_there_is_no_closed_port() -> None:
    with Scripted(HELLO.replace("S: 250 SIZE", "S: 250 STARTTLS")) as server:
        assert look(server.port, TABLE).reach is Reach.ANYONE


def test_a_name_server_that_fails_makes_nothing_bad() -> None:
    failing = {key: ["SERVFAIL"] for key in TABLE} | {key: TABLE[key] for key in TABLE if key[0].startswith("mx")}
    told = look(25, failing, address="198.41.0.4", lists=("clean.test",))
    assert {one.grade for one in told.symptoms} <= {Grade.UNKNOWN, Grade.GOOD}
    assert {one.state for one in told.records} == {Published.UNKNOWN}
    assert told.reach is Reach.NEAR


def test_a_domain_that_does_not_exist() -> None:
    told = look(25, {}, address="198.41.0.4")
    assert next(one.grade for one in told.symptoms if one.what == "bounces") is Grade.BAD
    assert next(one.detail for one in told.symptoms if one.what == "spf") == Result.NONE


def test_ipv6_is_judged_by_its_own_records() -> None:
    reverse = "4.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.8.4.1.0.0.2.ip6.arpa"
    table = TABLE | {(reverse, "PTR"): ["mail.example.net."], ("mail.example.net", "AAAA"): ["2001:4860::4"]}
    with Scripted(HELLO) as server:
        told = look(server.port, table, address="2001:4860::4")
    graded = {one.what: one.grade for one in told.symptoms}
    assert (graded["reverse"], graded["ehlo"], graded["spf"]) == (Grade.GOOD, Grade.GOOD, Grade.BAD)


def test_an_address_of_a_large_provider_asks_nobody() -> None:
    with DnsServer({}) as names:
        account = Account(AccountId(1), "Ada", "ada@gmail.com", direct=DirectOptions(names.address))
        facts, _ = asyncio.run(diagnose.gather(account, []))
        assert not names.asked
    assert direct.diagnose(facts).reach is Reach.RELAY
