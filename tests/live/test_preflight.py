"""Would a letter arrive?  Asked of the DNS alone; what exchangers take is known from earlier mail."""

from pathlib import Path

import pytest
from lab import Lab, message

pytestmark = pytest.mark.live


@pytest.fixture
def direct(lab: Lab, profile: Path) -> None:
    lab.start_exchangers()
    options = {"smtp": None, "smtp_security": None, "direct": True, "allow_private_mx": True, "local": True}
    lab.add_account(profile, lab.user("alice"), kind="local", **options).ok()


def ask(lab: Lab, profile: Path, *addresses: str) -> dict[str, dict]:
    done = lab.mua("preflight", *addresses, profile=profile)
    return {one["address"]: one for one in done.data}


def test_what_the_dns_tells(lab: Lab, profile: Path, direct: None) -> None:
    to = {
        name: f"ann@{name}"
        for name in ("good.evil.test", "nullmx.evil.test", "absent.test", "ee.dane.test", "sts.test")
    }
    found = ask(lab, profile, *to.values())
    assert {name: found[address]["problem"] for name, address in to.items()} == {
        "good.evil.test": "",
        "nullmx.evil.test": "nullmx.evil.test does not take mail.",
        "absent.test": "There is no domain absent.test.",
        "ee.dane.test": "",
        "sts.test": "",
    }
    seals = {name: found[address]["protection"] for name, address in to.items()}
    assert (seals["ee.dane.test"], seals["sts.test"], seals["good.evil.test"]) == ("DANE", "MTA-STS", None)


def test_what_an_exchanger_said_is_known_the_next_time(lab: Lab, profile: Path, direct: None) -> None:
    address = "zoe@toobig.evil.test"
    assert ask(lab, profile, address)[address]["size"] is None
    raw = message("Large", body="x" * 70 + "\n" + "y" * 900 + "\n", to=address)
    assert lab.mua("send", "--wait", "-", profile=profile, stdin=raw).code == 1
    found = ask(lab, profile, address, "zoë@toobig.evil.test")
    assert (found[address]["size"], found[address]["utf8"]) == (1000, False)
    assert "letters beyond ASCII" in found["zoë@toobig.evil.test"]["problem"]


def test_one_domain_that_keeps_silent_holds_up_no_other(lab: Lab, profile: Path, direct: None) -> None:
    silent, good = "ann@nothing.silent.test", "ann@good.evil.test"
    found = ask(lab, profile, silent, good, "no address")
    assert found[good]["problem"] == ""
    assert "could not be looked up" in found[silent]["problem"]
    assert found["no address"]["problem"]
