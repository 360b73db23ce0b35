"""From DNS answers to the addresses to try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.model.account import DirectOptions
from mua.model.domain import a_label
from mua.plan.domains import ascii_address
from mua.plan.mx import (
    AddressAnswer,
    Mx,
    MxAnswer,
    Status,
    Target,
    Verdict,
    exchangers,
    forbidden,
    lacking,
    literal,
    targets,
)

OPEN = DirectOptions()
LAB = DirectOptions(allow_private_mx=True)
A1, A2, B1, B6 = "192.88.98.1", "192.88.98.2", "198.41.0.4", "2620:fe::fe"


def found(*records: tuple[int, str]) -> MxAnswer:
    return MxAnswer(Status.FOUND, tuple(Mx(preference, host) for preference, host in records))


def at(*addresses: str) -> AddressAnswer:
    return AddressAnswer(Status.FOUND if addresses else Status.NO_DATA, addresses)


def status(verdict: object) -> tuple[bool, str]:
    assert isinstance(verdict, Verdict)
    assert verdict.text.endswith(".")
    return verdict.permanent, verdict.status


# -- exchangers


@pytest.mark.parametrize(
    "answer, expected",
    [
        (MxAnswer(Status.NO_NAME), (True, "5.1.2")),
        (MxAnswer(Status.FAILED, why="SERVFAIL"), (False, "4.4.3")),
        (MxAnswer(Status.OFFLINE), (False, "4.4.3")),
        (found((0, "")), (True, "5.1.10")),
        (found((0, ".")), (True, "5.1.10")),
        (found((10, "mx.example.net"), (20, "")), (True, "5.1.10")),
    ],
)
def test_no_exchanger(answer: MxAnswer, expected: tuple[bool, str]) -> None:
    assert status(exchangers("example.net", answer, 0.5)) == expected


def test_the_domain_itself_only_when_there_is_no_mx_record() -> None:
    assert exchangers("example.net", MxAnswer(Status.NO_DATA), 0.5) == ("example.net",)


def test_preference_rules() -> None:
    answer = found((30, "c.example."), (10, "A.example."), (20, "b.example"), (40, "a.example"))
    assert exchangers("example.net", answer, 0.1) == ("a.example", "b.example", "c.example")


def test_equals_are_shuffled_fairly() -> None:
    answer = found((10, "a"), (10, "b"), (10, "c"), (20, "z"))
    firsts: dict[str, int] = {}
    for n in range(600):
        hosts = exchangers("example.net", answer, n / 600)
        assert isinstance(hosts, tuple)
        assert hosts[-1] == "z"
        firsts[hosts[0]] = firsts.get(hosts[0], 0) + 1
    assert all(150 < count < 250 for count in firsts.values())


def test_a_flood_of_records_is_capped() -> None:
    hosts = exchangers("example.net", found(*((n, f"h{n}.example") for n in range(5000))), 0.5)
    assert isinstance(hosts, tuple)
    assert len(hosts) == 40
    assert hosts[0] == "h0.example"


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abcdef")), min_size=1), st.floats(0, 1))
def test_order_and_completeness(records: list[tuple[int, str]], lot: float) -> None:
    hosts = exchangers("example.net", found(*records), lot)
    assert isinstance(hosts, tuple)
    best = {host: min(p for p, h in records if h == host) for _, host in records}
    assert sorted(hosts) == sorted(best)
    assert [best[host] for host in hosts] == sorted(best[host] for host in hosts)
    assert hosts == exchangers("example.net", found(*records), lot)


# -- targets


def test_each_address_once_in_the_order_of_hosts() -> None:
    answers = {"a": at(A1), "b": at(A1, B1), "c": at(A2)}
    assert targets("example.net", ("a", "b", "c"), answers, OPEN, 0.5) == (
        Target("a", A1),
        Target("b", B1),
        Target("c", A2),
    )


def test_families_take_turns() -> None:
    answers = {"a": at("2620:fe::1", "2620:fe::2", "2620:fe::3", A1)}
    firsts = set()
    for n in range(20):
        chosen = targets("example.net", ("a",), answers, OPEN, n / 20)
        assert isinstance(chosen, tuple)
        assert A1 in [t.address for t in chosen[:2]]
        firsts.add(":" in chosen[0].address)
    assert firsts == {True, False}


def test_hosts_without_addresses_use_up_nothing() -> None:
    hosts = tuple(f"h{n}" for n in range(30))
    answers = {host: at() for host in hosts} | {"h29": at(A1)}
    assert targets("example.net", hosts, answers, OPEN, 0.5) == (Target("h29", A1),)


@pytest.mark.parametrize(
    "answers, options, expected",
    [
        ({"a": at()}, OPEN, (True, "5.4.4")),
        ({"a": AddressAnswer(Status.NO_NAME)}, OPEN, (True, "5.4.4")),
        ({"a": AddressAnswer(Status.FAILED, why="SERVFAIL")}, OPEN, (False, "4.4.3")),
        ({"a": AddressAnswer(Status.OFFLINE)}, OPEN, (False, "4.4.3")),
        ({"a": at("127.0.0.1")}, OPEN, (True, "5.4.6")),
        ({"a": at("0.0.0.0")}, LAB, (True, "5.4.6")),
        ({"a": at("not an address")}, OPEN, (True, "5.4.6")),
    ],
)
def test_no_target(answers: dict[str, AddressAnswer], options: DirectOptions, expected: tuple[bool, str]) -> None:
    assert status(targets("example.net", ("a",), answers, options, 0.5)) == expected


def test_a_failed_host_hides_no_good_one() -> None:
    answers = {"a": AddressAnswer(Status.FAILED, why="x"), "b": at(A1)}
    assert targets("example.net", ("a", "b"), answers, OPEN, 0.5) == (Target("b", A1),)


def test_who_is_no_target_is_known() -> None:
    hosts = ("a.x", "B.x", "nowhere.x", "127.0.0.1", "localhost")
    answer = MxAnswer(Status.FOUND, tuple(Mx(10, f"{host}.") for host in hosts))
    answers = {host.lower(): AddressAnswer(Status.FOUND, ("9.9.9.9",)) for host in hosts} | {
        "b.x": AddressAnswer(Status.FOUND, ("8.8.8.8",)),
        "nowhere.x": AddressAnswer(Status.FAILED),
    }
    found = targets("x", ("a.x", "b.x", "nowhere.x", "127.0.0.1", "localhost"), answers, DirectOptions(), 0.5)
    assert not isinstance(found, Verdict)
    assert lacking(answer, found) == ("127.0.0.1", "localhost", "nowhere.x")
    assert lacking(MxAnswer(Status.NO_DATA), found) == ()


def test_localhost_is_never_an_exchanger() -> None:
    verdict = targets("example.net", ("localhost",), {"localhost": at("127.0.0.1")}, LAB, 0.5)
    assert status(verdict) == (True, "5.4.6")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1",
        "64:ff9b::a00:1", "255.255.255.255",
    ],
)  # fmt: skip
def test_addresses_that_no_stranger_may_send_us_to(address: str) -> None:
    assert forbidden("mx.example.net", address, OPEN)


@pytest.mark.parametrize("address", [A1, B1, B6, "::ffff:198.41.0.4", "64:ff9b::c629:4"])
def test_addresses_of_the_world(address: str) -> None:
    assert not forbidden("mx.example.net", address, OPEN)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "fd25::10"])
def test_private_addresses_where_allowed(address: str) -> None:
    assert not forbidden("mx.example.net", address, LAB)


@given(st.ip_addresses(), st.booleans())
def test_no_address_makes_it_raise(address: object, allowed: bool) -> None:
    forbidden("mx.example.net", str(address), DirectOptions(allow_private_mx=allowed))


@pytest.mark.parametrize(
    "domain, address",
    [
        ("[192.0.2.1]", "192.0.2.1"),
        ("[IPv6:2001:db8::1]", "2001:db8::1"),
        ("example.net", None),
        ("[example.net]", None),
        ("[]", None),
    ],
)
def test_domain_literals(domain: str, address: str | None) -> None:
    assert literal(domain) == address


# -- domains


@pytest.mark.parametrize(
    "domain, ascii_form",
    [
        ("Example.NET", "example.net"),
        ("example.net.", "example.net"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("under_score.example", "under_score.example"),
        ("[127.0.0.1]", "[127.0.0.1]"),
    ],
)
def test_a_labels(domain: str, ascii_form: str) -> None:
    assert a_label(domain) == ascii_form


@pytest.mark.parametrize("domain", ["", ".", "a..b", "a b", "x" * 64 + ".example", "é" * 300, "a\nb", "\x00", "a>b"])
def test_what_is_no_domain(domain: str) -> None:
    with pytest.raises(ValueError, match="domain"):
        a_label(domain)


@given(st.text(max_size=60))
def test_any_domain_is_ascii_or_a_value_error(domain: str) -> None:
    try:
        name = a_label(domain)
    except ValueError:
        return
    assert name.isascii()
    assert name
    assert not set(name) & set(" \r\n\t<>@")


def test_the_local_part_is_left_alone() -> None:
    assert ascii_address("Zoë.X@Bücher.example") == "Zoë.X@xn--bcher-kva.example"
