"""Direct delivery to each recipient's MX: preference order, dead hosts, null MX, implicit MX, opportunistic TLS."""

from pathlib import Path

import pytest
from direct_mail import account, received_by, send_to
from lab import Lab, User, until
from lab_config import REFUSAL

pytestmark = [pytest.mark.live, pytest.mark.msa]


@pytest.fixture
def direct(lab: Lab, profile: Path) -> User:
    """alice, delivering directly."""
    return account(lab, profile)


@pytest.mark.parametrize(
    "domain, host, protected",
    [
        ("good.test", b"mx1.good.test", True),
        ("order.test", b"mx1.good.test", True),
        ("dead.test", b"mx2.good.test", True),
        ("implicit.test", b"mx1.good.test", True),
        ("cleartext.test", b"mx3.good.test", False),
    ],
)
def test_the_right_mx_gets_it(lab: Lab, profile: Path, direct: User, domain: str, host: bytes, protected: bool) -> None:
    bob = lab.user("bob")
    address = f"{bob.name}@{domain}"
    assert send_to(lab, profile, direct, address)[address]["state"] == "accepted"
    hop = received_by(lab, bob)
    assert host in hop
    assert (b"TLSv1." in hop) is protected


@pytest.mark.parametrize(
    "domain, state",
    [
        ("null.test", "refused"),  # RFC 7505: accepts no mail
        ("absent.test", "refused"),  # NXDOMAIN
        ("refused.test", "deferred"),  # the name server fails: never guess
        ("alldead.test", "deferred"),  # nobody listens
    ],
)
def test_domains_that_take_no_mail(lab: Lab, profile: Path, direct: User, domain: str, state: str) -> None:
    address = f"bob@{domain}"
    row = send_to(lab, profile, direct, address)[address]
    assert row["state"] == state
    assert row["text"]
    assert bool(row["next_attempt"]) is (state == "deferred")


def test_each_domain_has_its_own_verdict(lab: Lab, profile: Path, direct: User) -> None:
    bob, carol = lab.user("bob"), lab.user("carol")
    good, other = bob.address, f"{carol.name}@order.test"
    rows = send_to(lab, profile, direct, good, other, "x@null.test", "refused@good.test")
    assert {address: row["state"] for address, row in rows.items()} == {
        good: "accepted", other: "accepted", "x@null.test": "refused", "refused@good.test": "refused",
    }  # fmt: skip
    assert REFUSAL in rows["refused@good.test"]["text"]
    for user in (bob, carol):
        received_by(lab, user)
    until(lambda: lab.mua("sync", profile=profile).ok() and lab.raw_messages(direct, "Sent"), "the sent copy")
    assert len(lab.raw_messages(direct, "Sent")) == 1


def test_one_message_for_two_people_of_one_domain(lab: Lab, profile: Path, direct: User) -> None:
    bob, carol = lab.user("bob"), lab.user("carol")
    rows = send_to(lab, profile, direct, bob.address, carol.address)
    assert {row["state"] for row in rows.values()} == {"accepted"}
    ids = [received_by(lab, user).split(b"SMTPS id ")[1].split()[0] for user in (bob, carol)]
    assert ids[0] == ids[1]


def test_a_resolver_named_by_hand(lab: Lab, profile: Path) -> None:
    user, bob = account(lab, profile, dns="127.0.53.1:53"), lab.user("bob")
    assert send_to(lab, profile, user, bob.address)[bob.address]["state"] == "accepted"


def test_private_addresses_are_refused_unless_allowed(lab: Lab, profile: Path) -> None:
    user, bob = lab.user("alice"), lab.user("bob")
    lab.add_account(profile, user, smtp=None, smtp_security=None, direct=True).ok()
    assert send_to(lab, profile, user, bob.address)[bob.address]["state"] != "accepted"
    assert lab.raw_messages(bob) == {}


def test_an_mta_sts_policy_is_kept_to(lab: Lab, profile: Path, direct: User) -> None:
    """The most preferred exchanger of sts.test has no TLS and is not on its list; stsbad.test lists none of its own."""
    enforced = "version: STSv1\nmode: enforce\nmx: {}\nmax_age: 86400\n"
    lab.publish_policies(sts=enforced.format("mx1.good.test"), stsbad=enforced.format("*.elsewhere.test"))
    bob = lab.user("bob")
    good, bad = f"{bob.name}@sts.test", f"{bob.name}@stsbad.test"
    rows = send_to(lab, profile, direct, good, bad)
    assert {address: row["state"] for address, row in rows.items()} == {good: "accepted", bad: "deferred"}
    assert rows[bad]["text"].startswith("4.7.5")
    assert b"mx1.good.test" in received_by(lab, bob)
    lab.publish_policies()  # gone from the web, and kept
    assert send_to(lab, profile, direct, good)[good]["state"] == "accepted"
    until(lambda: len(lab.raw_messages(bob)) == 2, "the second message")
    hops = [raw.split(b"\r\nFrom:")[0] for raw in lab.raw_messages(bob).values()]
    assert all(b"mx1.good.test" in hop and b"TLSv1." in hop for hop in hops)
