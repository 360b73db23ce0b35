"""When a list can be left by one click, and what is said of it."""

import pytest

from mua.model.evidence import Evidence, Outcome, Signature
from mua.plan.unsubscribe import OneClick, failed, is_taken, one_click, question, told

URL = "https://lists.example.org/leave?u=1"


def signature(
    outcome: Outcome = Outcome.HOLDS, kind: str = "dkim", over: int = -1, testing: bool = False, covers: bool = True
) -> Signature:
    return Signature(kind, "news.example", "s", "rsa-sha256", outcome, "", over, (), testing, covers)


def test_a_signature_that_covers_both_fields_lets_it_be_asked() -> None:
    found = one_click(URL, True, Evidence(0, (signature(Outcome.BROKEN), signature())))
    assert found == OneClick(URL, "lists.example.org", "news.example")
    asked = question(found)
    assert "Tell lists.example.org that" in asked and "news.example signed" in asked and URL not in asked


@pytest.mark.parametrize(
    ("signed", "why"),
    [
        ((), "No signature covers all of it"),
        ((signature(covers=False),), "No signature of it covers where it leads"),
        ((signature(Outcome.BROKEN),), "No signature covers all of it"),
        ((signature(Outcome.WEAK),), "No signature covers all of it"),
        ((signature(Outcome.UNUSABLE),), "No signature covers all of it"),
        ((signature(Outcome.UNKNOWN),), "the DNS did not say"),
        ((signature(over=10),), "No signature covers all of it"),
        ((signature(testing=True),), "No signature covers all of it"),
        ((signature(kind="arc"),), "No signature covers all of it"),
        ((signature(covers=False), signature(Outcome.BROKEN)), "No signature of it covers where it leads"),
    ],
)
def test_what_does_not_let_it_be_asked(signed: tuple[Signature, ...], why: str) -> None:
    found = one_click(URL, True, Evidence(0, signed))
    assert not found.url and why in found.why


def test_what_says_nothing_is_nothing_and_what_was_not_checked_is_said() -> None:
    good = Evidence(0, (signature(),))
    assert one_click("", False, good) == one_click(URL, False, good) == OneClick()
    assert "exactly one https address" in one_click("", True, good).why
    assert "not checked" in one_click(URL, True, None).why


def test_only_two_hundreds_are_taken() -> None:
    assert [one for one in (0, 100, 199, 200, 202, 204, 299, 301, 303, 308, 400, 404, 500) if is_taken(one)] == [
        200, 202, 204, 299,
    ]  # fmt: skip
    assert "took it" in told("a.example", 204)
    assert "nothing was sent again" in told("a.example", 0)
    assert "elsewhere (303)" in told("a.example", 303)
    assert "answered 500" in told("a.example", 500)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("private-address", "own network"),
        ("certificate-expired", "could not prove"),
        ("tls-failed", "could not prove"),
        ("unknown-host", "no server named"),
        ("timeout", "not known"),
        ("protocol-error", "not known"),
    ],
)
def test_why_there_was_no_answer(code: str, words: str) -> None:
    said = failed("a.example", code)
    assert words in said and "a.example" in said and "again by itself" not in said
