"""What is said of a domain while a letter to it is written."""

import pytest

from mua.model.outlook import Outlook, Seal
from mua.plan.dane import Stance, Standing
from mua.plan.mx import Verdict
from mua.plan.preflight import Offer, outlook, refused, trouble
from mua.plan.protection import Best, By, Level


@pytest.mark.parametrize(
    "stances, announced, best, seal",
    [
        ([Stance.UNSIGNED, Stance.DANE], True, None, Seal.DANE),
        ([Stance.UNSIGNED], True, Best(Level.TLS), Seal.STS),
        ([Stance.ENCRYPTED], False, None, Seal.TLS),
        ([Stance.ABSENT], False, Best(Level.TLS), Seal.TLS),
        ([Stance.ABSENT], False, Best(Level.VERIFIED, By.STS), Seal.STS),
        ([Stance.UNSIGNED], False, Best(Level.VERIFIED, By.DANE), Seal.DANE),
        ([Stance.UNSIGNED], False, Best(), Seal.NONE),
        ([Stance.UNSIGNED], False, None, Seal.UNKNOWN),
    ],
)
def test_the_seal(stances: list[Stance], announced: bool, best: Best | None, seal: Seal) -> None:
    assert outlook("x.test", [Standing(one) for one in stances], announced, best, None).seal is seal


def test_a_domain_that_takes_no_mail_is_trouble_for_everyone() -> None:
    found = refused("x.test", Verdict(True, "5.1.10", "x.test does not take mail."))
    assert found.final
    assert trouble(found, "ann@x.test") == "x.test does not take mail."


def test_a_look_up_that_failed_is_no_trouble() -> None:
    found = refused("x.test", Verdict(False, "4.4.3", "The mail servers of x.test could not be looked up."))
    assert trouble(found, "ann@x.test") == ""
    assert found.problem


def test_what_its_servers_said_they_take() -> None:
    found = outlook("x.test", [], False, None, Offer(10_000_000, False))
    assert trouble(found, "ann@x.test", 9_000_000) == ""
    assert "at most 10.0 MB" in trouble(found, "ann@x.test", 11_000_000)
    assert "zoë@x.test" in trouble(found, "zoë@x.test")
    assert trouble(Outlook("x.test"), "zoë@x.test", 10**9) == ""  # nobody was asked yet
