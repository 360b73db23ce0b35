"""The doctor's judgement: from facts to one of three verdicts, and what is unknown is never bad."""

from dataclasses import replace

import pytest

from mua.model.diagnosis import Diagnosis, Grade, Reach
from mua.model.records import DnsRecord, Published
from mua.plan import direct
from mua.plan.direct import Called, Facts, Seen
from mua.plan.mx import Mx, MxAnswer, Records, Status, Verdict
from mua.plan.spf import Result

IP, NAME = "198.41.0.4", "mail.example.org"
FAILED, NOTHING = Records(Status.FAILED), Records(Status.NO_NAME)


def found(*values: str) -> Records:
    return Records(Status.FOUND, values)


KEY = DnsRecord("dkim", "s._domainkey.example.org", "v=DKIM1; p=x", "line", Published.FOUND)
SEEN = Seen(IP, found(NAME), {NAME: found(IP)}, Result.PASS, {"bl.test": NOTHING})
GOOD = Facts(
    "example.org", "", MxAnswer(Status.FOUND, (Mx(10, "mx.example.org"),)), None, (Called("mx.example.org", True),),
    (SEEN,), NAME, found(IP), found("v=spf1 mx ~all"), {"_dmarc.example.org": found("v=DMARC1; p=reject")}, (KEY,),
)  # fmt: skip


def grades(diagnosis: Diagnosis) -> dict[str, Grade]:
    return {one.what: one.grade for one in diagnosis.symptoms}


def sentences(text: str) -> int:
    return sum(text.count(mark + " ") for mark in ".!") + 1


def test_all_is_well() -> None:
    told = direct.diagnose(GOOD)
    assert set(grades(told).values()) == {Grade.GOOD}
    assert (told.reach, sentences(told.text)) == (Reach.ANYONE, 3)
    assert {one.state for one in told.records} == {Published.FOUND}


def seen(**changes: object) -> Facts:
    return replace(GOOD, seen=(replace(SEEN, **changes),))  # type: ignore[arg-type]


HOME = "dyn-198-41-0-4.isp.example"
UNSIGNED = replace(GOOD, dkim=())
WORSE = [
    ("no name", seen(names=NOTHING, back={}), "reverse", Grade.BAD, Reach.NEAR),
    ("a name that leads elsewhere", seen(back={NAME: found("192.0.2.9")}), "reverse", Grade.BAD, Reach.NEAR),
    ("no answer about the name", seen(names=FAILED, back={}), "reverse", Grade.UNKNOWN, Reach.NEAR),
    ("no answer about the way back", seen(back={NAME: FAILED}), "reverse", Grade.UNKNOWN, Reach.NEAR),
    ("a name of many", seen(names=found(HOME), back={HOME: found(IP)}), "generic", Grade.BAD, Reach.NEAR),
    ("listed", seen(listed={"bl.test": found("127.0.0.2")}), "blocklist", Grade.BAD, Reach.NEAR),
    ("a list that does not answer us", seen(listed={"bl.test": found("127.255.255.254")}), "blocklist", Grade.UNKNOWN,
     Reach.ANYONE),
    ("a list that is dead", seen(listed={"bl.test": None}), "blocklist", Grade.UNKNOWN, Reach.ANYONE),
    ("SPF says no", seen(spf=Result.FAIL), "spf", Grade.BAD, Reach.NEAR),
    ("SPF makes no sense", seen(spf=Result.PERMERROR), "spf", Grade.BAD, Reach.NEAR),
    ("no SPF, but signed", seen(spf=Result.NONE), "spf", Grade.DOUBTFUL, Reach.ANYONE),
    ("no answer about SPF, but signed", seen(spf=Result.TEMPERROR), "spf", Grade.UNKNOWN, Reach.ANYONE),
    ("not signed, but SPF", UNSIGNED, "dkim", Grade.DOUBTFUL, Reach.ANYONE),
    ("neither, and forged mail is to be refused", replace(seen(spf=Result.NONE), dkim=()), "spf", Grade.DOUBTFUL,
     Reach.RELAY),
    ("neither, and nobody asked for more", replace(seen(spf=Result.NONE), dkim=(), dmarc={"x": NOTHING}), "dmarc",
     Grade.DOUBTFUL, Reach.NEAR),
    ("an unseen key", replace(GOOD, dkim=(replace(KEY, state=Published.MISSING),)), "dkim", Grade.DOUBTFUL,
     Reach.ANYONE),
    ("another name in EHLO", replace(GOOD, ehlo="other.example.org"), "ehlo", Grade.DOUBTFUL, Reach.ANYONE),
    ("a name in EHLO that is nobody's", replace(GOOD, ehlo="x.test", ehlo_addresses=NOTHING), "ehlo", Grade.BAD,
     Reach.NEAR),
    ("a name in EHLO that nobody knows", replace(GOOD, ehlo="x.test", ehlo_addresses=FAILED), "ehlo", Grade.UNKNOWN,
     Reach.ANYONE),
    ("an address in EHLO", replace(GOOD, ehlo=""), "ehlo", Grade.DOUBTFUL, Reach.ANYONE),
    ("port 25 is closed", replace(GOOD, called=(Called("mx", False, "no answer"),)), "port", Grade.BAD, Reach.RELAY),
    ("nobody could be called", replace(GOOD, called=(), route=Verdict(False, "4.4.3", "x")), "port", Grade.UNKNOWN,
     Reach.NEAR),
    ("an unknown address", replace(GOOD, seen=()), "address", Grade.UNKNOWN, Reach.NEAR),
    ("a private address", seen(address="192.168.1.2"), "address", Grade.UNKNOWN, Reach.NEAR),
    ("no mail comes in", replace(GOOD, mx=MxAnswer(Status.FOUND, (Mx(0, ""),))), "bounces", Grade.BAD, Reach.NEAR),
    ("nobody knows where mail comes in", replace(GOOD, mx=MxAnswer(Status.FAILED)), "bounces", Grade.UNKNOWN,
     Reach.NEAR),
    ("DMARC that nobody knows", replace(GOOD, dmarc={"x": FAILED}), "dmarc", Grade.UNKNOWN, Reach.ANYONE),
]  # fmt: skip


@pytest.mark.parametrize("facts, what, grade, reach", [case[1:] for case in WORSE], ids=[case[0] for case in WORSE])
def test_one_thing_is_not_well(facts: Facts, what: str, grade: Grade, reach: Reach) -> None:
    told = direct.diagnose(facts)
    assert grades(told)[what] is grade
    assert told.reach is reach, told.text
    assert sentences(told.text) == 3, told.text
    assert all(sentences(one.text) == 1 and one.text.endswith(".") for one in told.symptoms)


def test_nothing_that_is_unknown_is_called_bad() -> None:
    unknown = replace(
        GOOD, mx=MxAnswer(Status.FAILED), called=(), route=Verdict(False, "4.4.3", "x"), spf_texts=FAILED,
        seen=(replace(SEEN, names=FAILED, back={}, spf=Result.TEMPERROR, listed={"bl.test": FAILED}),),
        ehlo_addresses=FAILED, ehlo="x.test", dmarc={"x": FAILED}, dkim=(replace(KEY, state=Published.UNKNOWN),),
    )  # fmt: skip
    told = direct.diagnose(unknown)
    assert set(grades(told).values()) == {Grade.UNKNOWN, Grade.GOOD}
    assert told.reach is Reach.NEAR
    assert "not certain" in told.text
    assert {one.state for one in told.records} == {Published.UNKNOWN}


def test_an_address_of_a_large_provider_is_not_looked_at() -> None:
    told = direct.diagnose(replace(GOOD, freemail="Gmail"), relay=3)
    assert (told.reach, [one.what for one in told.symptoms], told.records, told.relay) == (Reach.RELAY, ["from"], (), 3)
    assert "servers of Gmail" in told.text


@pytest.mark.parametrize(
    "name, generic",
    [
        ("mail.example.org", False), ("static.4.0.41.198.clients.isp.example", True), ("c6290004.isp.example", True),
        ("p4-0-41-198.dip0.isp.example", True), ("dyn-7.isp.example", True), ("xdsl-9.isp.example", True),
        ("dynamo.example.org", False), ("poolside.example.org", False), ("mx2.adslexperts.example", False),
        ("pool-1.isp.example", True), ("host1.example.org", False), ("ip-198-41-0.isp.example", True),
    ],
)  # fmt: skip
def test_names_of_lines_at_home(name: str, generic: bool) -> None:
    assert direct.is_generic(name, IP) is generic


def test_dmarc_of_the_domain_above() -> None:
    names = direct.dmarc_names("a.b.example.org")
    assert names == ["_dmarc.a.b.example.org", "_dmarc.b.example.org", "_dmarc.example.org"]
    above = dict(zip(names, [NOTHING, NOTHING, found("v=spf1", "v=DMARC1; p=none; sp=reject")], strict=True))
    strict = replace(seen(spf=Result.NONE), dkim=(), dmarc=above)
    assert direct.diagnose(strict).reach is Reach.RELAY
    assert (
        direct.diagnose(replace(strict, dmarc={"_dmarc.example.org": above["_dmarc.example.org"]})).reach is Reach.NEAR
    )


def test_what_an_spf_record_should_say() -> None:
    def spf(facts: Facts) -> tuple[str, Published]:
        return next((one.value, one.state) for one in direct.diagnose(facts).records if one.what == "spf")

    assert spf(GOOD) == ("v=spf1 mx ~all", Published.FOUND)
    assert spf(seen(spf=Result.SOFTFAIL)) == (f"v=spf1 ip4:{IP} mx ~all", Published.OTHER)
    missing = replace(seen(spf=Result.NONE), spf_texts=found("something else"))
    assert spf(missing) == (f"v=spf1 mx ip4:{IP} ~all", Published.MISSING)
    both = replace(missing, seen=(*missing.seen, replace(SEEN, address="2001:4860::1", spf=Result.NONE)))
    assert spf(both)[0] == f"v=spf1 mx ip4:{IP} ip6:2001:4860::1 ~all"


@pytest.mark.parametrize(
    "said, ours, expected",
    [
        ("250-mx.example.org Hello there [198.41.0.4], pleased", "[192.168.1.5]", "198.41.0.4"),
        ("250-mx Hello [192.168.1.5] [198.41.0.4]", "[192.168.1.5]", "198.41.0.4"),
        ("250-mx at your service, [IPv6:2001:4860::1]", "[IPv6:fd00::2]", "2001:4860::1"),
        ("250-mx.example.org", "[198.41.0.9]", "198.41.0.9"),
        ("250-mx.example.org", "[192.168.1.5]", ""),
        ("250-mx [10.0.0.1] [999.1.1.1]", "[192.168.1.5]", ""),
    ],
)
def test_where_others_see_this_computer(said: str, ours: str, expected: str) -> None:
    assert direct.seen_as(f"S: 220 [203.0.113.1]\nC: EHLO {ours}\nS: {said}\nS: 250 SIZE [9.9.9.9]") == expected


def test_on_a_local_network_any_address_will_do() -> None:
    assert direct.seen_as("C: EHLO [192.168.1.5]\nS: 250 mx", private=True) == "192.168.1.5"
    assert direct.seen_as("", private=True) == ""
    assert direct.diagnose(
        replace(seen(address="192.168.1.2", back={NAME: found("192.168.1.2")}), private=True)
    ).reach is (Reach.ANYONE)


def test_how_a_block_list_is_asked() -> None:
    assert direct.list_question("192.0.2.1", "bl.test") == "1.2.0.192.bl.test"
    assert direct.list_question("2001:db8::1", "bl.test").startswith("1.0.0.0.")
