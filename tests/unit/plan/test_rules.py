"""Rules: what holds, which deeds follow, what is never forwarded, and what is typed."""

import pytest

from mua.model.mail_rule import Condition, Deed, Do, Facts, Field, MailRule
from mua.plan.rules import (
    condition_from,
    condition_text,
    deed_from,
    deed_text,
    fate,
    fits,
    may_forward,
    octets,
    problem,
    words,
)

FACTS = Facts(
    7, 1, "Ada Shop <orders@Shop.example>", "Me <me@example.org>, Tom <tom@example.net>", "Invoice Nº 12",
    "news.shop.example", 5_000, True,
)  # fmt: skip


def rule(*conditions: str, then: str = "star", every: bool = True, **more: object) -> MailRule:
    parts = tuple(condition_from(one) for one in conditions)
    deeds = tuple(deed_from(one) for one in then.split())
    return MailRule(0, str(more.pop("name", "r")), parts, deeds, every, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "condition, wanted",
    [
        ("from:shop.EXAMPLE", True),
        ("from:ada", True),
        ("-from:shop.example", False),
        ("to:tom@", True),
        ("subject:invoice", True),
        ("subject:receipt", False),
        ("list:news.", True),
        ("larger:4k", True),
        ("larger:5000", False),
        ("smaller:1M", True),
        ("has:attachment", True),
        ("-has:attachment", False),
    ],
)
def test_one_condition(condition: str, wanted: bool) -> None:
    assert fits(rule(condition), FACTS) is wanted


def test_all_or_one_and_nothing_fits_nothing() -> None:
    assert not fits(rule("from:shop", "subject:receipt"), FACTS)
    assert fits(rule("from:shop", "subject:receipt", every=False), FACTS)
    assert not fits(rule(), FACTS)
    assert not fits(rule("from:shop", account_id=2), FACTS) and fits(rule("from:shop", account_id=1), FACTS)


def test_the_first_says_where_it_goes_and_the_last_is_the_last() -> None:
    rules = [
        rule("from:shop", then="move:Shops tag:$label1", name="a"),
        rule("subject:invoice", then="archive read", name="b", last=True),
        rule("from:shop", then="star", name="c"),
    ]
    found = fate(rules, FACTS)
    assert [deed_text(deed) for deed, _ in found.deeds] == ["move:Shops", "tag:$label1", "read"]
    assert found.names == ("a", "b")
    assert fate([rule("from:shop", enabled=False)], FACTS).deeds == ()


GOOD = [("From", "a@b.example"), ("Subject", "x")]


@pytest.mark.parametrize(
    "headers, target, may",
    [
        (GOOD, "boss@corp.example", True),
        ([*GOOD, ("Auto-Submitted", "no")], "boss@corp.example", True),
        ([*GOOD, ("AUTO-SUBMITTED", "auto-generated; x=y")], "boss@corp.example", False),
        ([*GOOD, ("X-Mua-Rule", "r")], "boss@corp.example", False),
        ([*GOOD, ("Return-Path", "<>")], "boss@corp.example", False),
        (GOOD, "ME@example.org", False),
        (GOOD, "A@b.example", False),
    ],
)
def test_what_is_never_forwarded(headers: list[tuple[str, str]], target: str, may: bool) -> None:
    assert may_forward(headers, ["a@b.example"], target, ["me@example.org"]) is may


def test_without_an_author_nothing_is_forwarded() -> None:
    assert not may_forward(GOOD, [], "boss@corp.example", [])


def test_what_is_typed_comes_back() -> None:
    for text in ("from:a@b", "-subject:x y", "larger:5M", "has:attachment"):
        assert condition_text(condition_from(text)) == text
    for text in ("move:A/B", "star", "forward:a@b.example"):
        assert deed_text(deed_from(text)) == text
    for wrong in ("", "from", "from:", "colour:red"):
        with pytest.raises(ValueError, match=r"condition|look at"):
            condition_from(wrong)
    with pytest.raises(ValueError, match="explode"):
        deed_from("explode")
    assert (octets("10 MB"), octets("500k"), octets("7"), octets("many")) == (10 * 1024**2, 512_000, 7, None)


@pytest.mark.parametrize(
    "made",
    [
        rule("from:x", name=" "),
        MailRule(0, "r", (), (Deed(Do.STAR),)),
        MailRule(0, "r", (Condition(Field.FROM, " "),), (Deed(Do.STAR),)),
        MailRule(0, "r", (Condition(Field.LARGER, "big"),), (Deed(Do.STAR),)),
        rule("from:x", then="move"),
        rule("from:x", then="forward:nobody"),
        MailRule(0, "r", (Condition(Field.FROM, "x"),), ()),
    ],
)
def test_what_cannot_be_kept_says_why(made: MailRule) -> None:
    assert problem(made).endswith(".")


def test_what_can() -> None:
    assert problem(rule("from:x", then="move:A forward:a@b.example")) == ""
    assert (
        words([Deed(Do.MOVE, "A"), Deed(Do.STAR), Deed(Do.READ)]) == "moved it to A, starred it and marked it as read"
    )
