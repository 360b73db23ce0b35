"""What binds a connection to an exchanger: DANE, then MTA-STS, then what there was before; and the sentences."""

from itertools import product

import pytest

from mua.plan.dane import Stance, Standing, Tlsa
from mua.plan.protection import UNPROVEN, Best, By, Demand, Level, Protection, Trouble, demand, lasting, remembered
from mua.plan.sts import Mode, Policy

UNSIGNED, ABSENT = Standing(), Standing(Stance.ABSENT)
ENCRYPTED = Standing(Stance.ENCRYPTED, "mx.x")
DANE = Standing(Stance.DANE, "mx.x", (Tlsa(3, 1, 1, bytes(32)),))
FAILED = Standing(Stance.FAILED, "mx.x", why="SERVFAIL")
STANDINGS = (UNSIGNED, ABSENT, ENCRYPTED, DANE, FAILED)
ENFORCE, ELSEWHERE = Policy(Mode.ENFORCE, ("mx.x",), 1), Policy(Mode.ENFORCE, ("other.x",), 1)
TESTING, GONE = Policy(Mode.TESTING, ("other.x",), 1), Policy(Mode.NONE, (), 1)
POLICIES = (None, ENFORCE, ELSEWHERE, TESTING, GONE)
CLEAR, TLS = Best(), Best(Level.TLS)
BY_DANE, BY_STS = Best(Level.VERIFIED, By.DANE), Best(Level.VERIFIED, By.STS)
BESTS = (CLEAR, TLS, BY_DANE, BY_STS)
REACHES = {
    Protection.NONE: Level.CLEAR,
    Protection.WHATEVER: Level.CLEAR,
    Protection.ENCRYPTED: Level.TLS,
    Protection.VERIFIED: Level.VERIFIED,
    Protection.DANE: Level.VERIFIED,
}


@pytest.mark.parametrize(
    "standing, policy, best, ladder, by",
    [
        (UNSIGNED, None, CLEAR, (Protection.WHATEVER, Protection.NONE), By.NOBODY),
        (ABSENT, TESTING, CLEAR, (Protection.WHATEVER, Protection.NONE), By.NOBODY),
        (UNSIGNED, ENFORCE, CLEAR, (Protection.VERIFIED,), By.STS),
        (UNSIGNED, ELSEWHERE, CLEAR, (), By.STS),
        (DANE, None, CLEAR, (Protection.DANE,), By.DANE),
        (DANE, ENFORCE, TLS, (Protection.DANE,), By.DANE),
        (DANE, ELSEWHERE, CLEAR, (Protection.DANE,), By.DANE),  # RFC 8461 s.2: DANE comes first
        (ENCRYPTED, None, CLEAR, (Protection.ENCRYPTED,), By.DANE),
        (ENCRYPTED, ENFORCE, CLEAR, (Protection.VERIFIED,), By.STS),
        (ENCRYPTED, None, BY_DANE, (), By.EARLIER),
        (FAILED, None, CLEAR, (), By.DANE),
        (FAILED, ENFORCE, BY_STS, (), By.DANE),  # a policy excuses no failure of DANE
        (UNSIGNED, None, TLS, (Protection.ENCRYPTED,), By.EARLIER),
        (ABSENT, TESTING, BY_STS, (), By.EARLIER),
        (UNSIGNED, ENFORCE, BY_DANE, (Protection.VERIFIED,), By.STS),
    ],
)
def test_the_order_of_what_binds(
    standing: Standing, policy: Policy | None, best: Best, ladder: tuple[Protection, ...], by: By
) -> None:
    found = demand("x", "mx.x", standing, policy, best)
    assert (found.ladder, found.by) == (ladder, by)


@pytest.mark.parametrize("standing, policy, best", list(product(STANDINGS, POLICIES, BESTS)))
def test_nothing_is_less_than_it_was_and_dane_binds_whatever_else_there_is(
    standing: Standing, policy: Policy | None, best: Best
) -> None:
    found = demand("x", "mx.x", standing, policy, best)
    assert all(REACHES[one] >= best.level for one in found.ladder)
    if standing is DANE:
        assert found.ladder == (Protection.DANE,)
    if policy in (ENFORCE, ELSEWHERE) and standing is not DANE:
        assert set(found.ladder) <= {Protection.VERIFIED}
    assert bool(found.refusal) is not bool(found.ladder)
    assert found.refusal == "" or (found.refusal.startswith("4.7.5 ") and found.refusal.endswith("."))


SENTENCES = [
    (By.DANE, Trouble.NOT_OFFERED, "4.7.4 x demands encryption (DANE), and mx does not offer it"),
    (By.DANE, Trouble.NOT_PROVEN, "4.7.5 mx does not show the certificate that is published for it (DANE)"),
    (By.DANE, Trouble.BROKEN, "4.7.5 x demands encryption (DANE), and none with mx came about"),
    (By.DANE, Trouble.OTHER, "4.7.5 x demands encryption (DANE), and none with mx came about"),
    (By.STS, Trouble.NOT_OFFERED, "4.7.5 x demands verified encryption (MTA-STS), and mx does not offer it"),
    (By.EARLIER, Trouble.NOT_OFFERED, "4.7.4 There was encryption with x before, and mx does not offer it"),
    (By.EARLIER, Trouble.BROKEN, "4.7.5 There was encryption with x before, and none with mx came about"),
]


@pytest.mark.parametrize("by, trouble, begins", SENTENCES)
def test_the_sentence_says_who_demands_what(by: By, trouble: Trouble, begins: str) -> None:
    said = Demand("x", by).sentence("mx", trouble)
    assert said.startswith(f"{begins}, so nothing was sent. ")
    assert ("you may allow less protection" in said) is (by is By.EARLIER)


def test_where_nobody_demands_anything_there_is_nothing_to_say() -> None:
    assert [Demand("x").sentence("mx", trouble) for trouble in Trouble] == [""] * len(Trouble)


def test_what_cannot_be_checked_is_not_called_a_failure_of_the_server() -> None:
    said = demand("x", "mx.x", UNSIGNED, None, BY_DANE, "the resolver does not validate").refusal
    assert "cannot be checked now, because the resolver does not validate" in said
    assert "mx.x does not" in demand("x", "mx.x", UNSIGNED, None, BY_STS, "the resolver does not validate").refusal


@pytest.mark.parametrize("best", BESTS)
def test_what_nobody_proved_lasts_a_month(best: Best) -> None:
    assert lasting(best, UNPROVEN) == best
    assert lasting(best, UNPROVEN + 1) == (CLEAR if best == TLS else best)


@pytest.mark.parametrize(
    "best, standings, policy, valid",
    [
        (BY_DANE, (ABSENT, ABSENT), None, TLS),
        (BY_DANE, (ENCRYPTED,), None, TLS),
        (BY_DANE, (ABSENT, DANE), None, BY_DANE),  # a backup without records says nothing of the others
        (BY_DANE, (ABSENT, UNSIGNED), None, BY_DANE),
        (BY_DANE, (ABSENT, FAILED), None, BY_DANE),
        (BY_DANE, (), None, BY_DANE),
        (BY_DANE, (UNSIGNED,), GONE, BY_DANE),
        (BY_STS, (ABSENT,), None, BY_STS),  # an expired policy is no word of the domain
        (BY_STS, (ABSENT,), TESTING, BY_STS),
        (BY_STS, (UNSIGNED,), GONE, TLS),
        (TLS, (ABSENT,), GONE, TLS),
    ],
)
def test_only_the_domain_s_own_verified_word_takes_a_level_back(
    best: Best, standings: tuple[Standing, ...], policy: Policy | None, valid: Best
) -> None:
    assert remembered(best, standings, policy) == valid
