"""What is asked of the servers on the way: encryption is a condition, a time is a wish."""

import pytest

from mua.model.outgoing import Terms
from mua.plan.terms import Agreement, agree

NOW = 1_700_000_000


def agreed(terms: Terms, *offers: str, verified: bool = True) -> Agreement:
    return agree(terms, offers, host="msa.test", verified=verified, now=NOW)


def test_nothing_asked_is_nothing_said() -> None:
    assert agreed(Terms(), "REQUIRETLS", "DELIVERBY", verified=False) == Agreement()


@pytest.mark.parametrize(
    ("offers", "verified", "mail", "refused"),
    [
        (("REQUIRETLS",), True, ("REQUIRETLS",), ""),
        ((), True, (), "msa.test does not promise encryption all the way"),
        (("REQUIRETLS",), False, (), "msa.test could not be verified"),
        ((), False, (), "msa.test could not be verified"),
    ],
)
def test_encryption_is_promised_or_the_message_stays(
    offers: tuple[str, ...], verified: bool, mail: tuple[str, ...], refused: str
) -> None:
    found = agreed(Terms(require_tls=True, deliver_by=NOW), *offers, verified=verified)
    assert found.mail == mail
    assert found.refused.startswith(f"5.7.30 {refused}" if refused else "")
    assert bool(found.refused) is bool(refused)


@pytest.mark.parametrize(
    ("ahead", "said"), [(3600, "BY=3600;N"), (0, "BY=0;N"), (-60, "BY=-60;N"), (10**12, "BY=999999999;N")]
)
def test_a_time_is_told_as_seconds_from_now(ahead: int, said: str) -> None:
    assert agreed(Terms(deliver_by=NOW + ahead), "DELIVERBY") == Agreement((said,))


def test_a_time_that_cannot_be_told_is_no_obstacle() -> None:
    assert agreed(Terms(deliver_by=NOW)) == Agreement(unmet="DELIVERBY")


def test_both() -> None:
    assert agreed(Terms(True, NOW + 5), "REQUIRETLS", "DELIVERBY") == Agreement(("REQUIRETLS", "BY=5;N"))
