"""``mua doctor`` in the laboratory: the same computer with three names, by real look-ups and a real exchanger."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab import Lab, User, message, until
from lab_config import MX1, OWN

pytestmark = [pytest.mark.live, pytest.mark.msa]
GENERIC = "dyn-127-0-25-10.isp.own.test"
RECORDS = (
    f"mail IN A {MX1}",  # on loopback the exchanger sees us at its own address
    f"dyn-127-0-25-10.isp IN A {MX1}",
    f'@ IN TXT "v=spf1 ip4:{MX1} -all"',
    '_dmarc IN TXT "v=DMARC1; p=none"',
)


@pytest.fixture
def ada(lab: Lab, profile: Path) -> User:
    """A person with a domain of her own, whose computer introduces itself as mail.own.test."""
    user = User("ada", f"ada@{OWN}", "")
    options = ["--local", "--direct", "--allow-private-mx", "--ehlo", f"mail.{OWN}"]
    lab.mua("account", "add", "--name", "own", "--email", user.address, *options, profile=profile).ok()
    return user


def doctor(lab: Lab, profile: Path, settled: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What it says, once the resolver has forgotten what was published before."""

    def ask() -> dict[str, Any] | None:
        done = lab.mua("doctor", profile=profile)
        assert done.data is not None, done.explain()
        assert done.code == (0 if done.data["reach"] == "anyone" else 1)
        return done.data if settled(done.data) else None

    return until(ask, "what is published to be seen")


def grades(told: dict[str, Any]) -> dict[str, str]:
    return {one["what"]: one["grade"] for one in told["symptoms"]}


def reverse(lab: Lab, name: str) -> None:
    lab.publish(*RECORDS, reverse=[f"10.25.0 IN PTR {name}."] if name else [])


def test_three_identities(lab: Lab, profile: Path, ada: User) -> None:
    reverse(lab, f"mail.{OWN}")
    told = doctor(lab, profile, lambda found: grades(found).get("reverse") == "good")
    assert told["reach"] == "anyone", told
    assert {what for what, grade in grades(told).items() if grade != "good"} == {"dkim", "blocklist"}

    reverse(lab, GENERIC)
    told = doctor(lab, profile, lambda found: GENERIC in str(found["symptoms"]))
    assert (told["reach"], grades(told)["generic"], grades(told)["reverse"]) == ("near", "bad", "good")
    assert "line at home" in told["text"]

    reverse(lab, "")
    told = doctor(lab, profile, lambda found: GENERIC not in str(found["symptoms"]))
    assert (told["reach"], grades(told)["reverse"]) == ("near", "bad")
    assert "no name (PTR)" in told["text"]


def test_what_it_finds_signs_and_what_is_missing_is_shown_to_copy(lab: Lab, profile: Path, ada: User) -> None:
    made = lab.mua("dkim", "keygen", profile=profile).ok()["records"]
    lab.publish(*(one["line"] for one in made if one["what"] == "dkim"), reverse=[f"10.25.0 IN PTR mail.{OWN}."])
    told = doctor(lab, profile, lambda found: grades(found)["dkim"] == "good" and grades(found)["spf"] == "doubtful")
    missing = {one["what"]: one for one in told["records"] if one["state"] != "found"}
    assert set(missing) == {"spf", "dmarc"}
    assert missing["spf"]["value"] == f"v=spf1 mx ip4:{MX1} ~all"
    shown = lab.mua("dkim", "show", profile=profile).ok()["records"]
    assert [one["state"] for one in shown] == ["found", "found", "not seen", "not seen"]
    assert shown[2]["value"] == f"v=spf1 mx a:mail.{OWN} ~all"
    text = lab.mua("doctor", profile=profile, as_json=False).stdout.decode()
    assert missing["dmarc"]["line"] in text
    lab.publish(*RECORDS[:2], *(one["line"] for one in told["records"]), reverse=[f"10.25.0 IN PTR mail.{OWN}."])
    assert doctor(lab, profile, lambda found: grades(found)["spf"] == "good")["reach"] == "anyone"


def test_an_address_of_a_large_provider_is_refused_and_a_relay_offered(lab: Lab, profile: Path) -> None:
    add = ["account", "add", "--local", "--direct"]
    said = lab.mua(*add, "--name", "g", "--email", "ada@gmail.com", profile=profile).failed("freemail-direct")
    assert "by a server (a relay), that of Gmail" in said
    lab.mua(*add, "--name", "own", "--email", f"ada@{OWN}", profile=profile).ok()
    raw = message("Forged", "ada@gmail.com", to="bob@good.test")
    lab.mua("send", "-", profile=profile, stdin=raw).failed("freemail-direct")
    on_behalf = raw.replace(b"From:", f"Sender: ada@{OWN}\r\nFrom:".encode(), 1)
    lab.mua("send", "-", profile=profile, stdin=on_behalf).failed("freemail-direct")
    assert lab.mua("outbox", "--all", profile=profile).ok() == []
    relay = lab.user("relay")
    lab.add_account(profile, relay, name="relay").ok()
    told = lab.mua("doctor", "--account", "own", "--address", "127.0.25.77", profile=profile)
    assert told.code == 1
    assert told.data["relay"] == next(
        one["id"] for one in lab.mua("account", "list", profile=profile).ok() if one["name"] == "relay"
    )
    text = lab.mua("doctor", "--account", "own", profile=profile, as_json=False).stdout.decode()
    assert "mua route set '*' 'account:relay' --account 'own'" in text
    bad = ["--name", "bad", "--email", "ada@bad.example", "--ehlo", "laptop"]
    lab.mua(*add, *bad, profile=profile).failed("bad-ehlo")
