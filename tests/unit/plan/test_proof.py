"""When mail is proven to be its author's."""

import pytest

from mua.model.evidence import Evidence, Outcome, Signature
from mua.model.journey import Result, Stamp
from mua.plan.proof import proves

ANN = "ann@news.example.org"


def stamp(method: str, result: str, name: str, value: str) -> Stamp:
    return Stamp("mx.home.test", (Result(method, result, "", ((name, value),)),))


@pytest.mark.parametrize(
    ("said", "proven"),
    [
        (stamp("dmarc", "pass", "header.from", "example.org"), True),
        (stamp("dkim", "pass", "header.d", "example.org"), True),
        (stamp("dkim", "pass", "header.d", "mail.example.org"), True),  # of one house
        (stamp("dkim", "pass", "header.d", "evil.test"), False),
        (stamp("dkim", "pass", "header.d", "org"), False),
        (stamp("dkim", "fail", "header.d", "example.org"), False),
        (stamp("dmarc", "pass", "header.from", "evil.test"), False),
        (stamp("dmarc", "none", "header.from", "example.org"), False),
        (stamp("spf", "pass", "smtp.mailfrom", "example.org"), False),
        (Stamp("mx.home.test", ()), False),
    ],
)
def test_by_what_the_own_server_says(said: Stamp, proven: bool) -> None:
    assert proves(ANN, [said]) is proven


@pytest.mark.parametrize(
    ("signature", "proven"),
    [
        (Signature("dkim", "example.org", "s", "rsa-sha256", Outcome.HOLDS), True),
        (Signature("dkim", "example.org", "s", "rsa-sha256", Outcome.HOLDS, open_octets=10), False),
        (Signature("dkim", "example.org", "s", "rsa-sha256", Outcome.HOLDS, testing=True), False),
        (Signature("dkim", "example.org", "s", "rsa-sha256", Outcome.BROKEN), False),
        (Signature("dkim", "evil.test", "s", "rsa-sha256", Outcome.HOLDS), False),
        (Signature("arc", "example.org", "s", "rsa-sha256", Outcome.HOLDS), False),
    ],
)
def test_by_what_was_checked_here(signature: Signature, proven: bool) -> None:
    assert proves(ANN, (), Evidence(0, (signature,))) is proven


def test_nothing_proves_nothing() -> None:
    assert not proves(ANN, ())
    assert not proves("", [stamp("dmarc", "pass", "header.from", "")])
