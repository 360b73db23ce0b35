"""Which way mail goes: rules as text, and the closest one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.model.account import Account, AccountId, Route
from mua.model.way import Hop, Rule, Way, pattern_from, rules_from, rules_text, way_from
from mua.plan.routes import NO_DOMAIN, way_for

WAYS = [
    Way(Hop.SUBMISSION),
    Way(Hop.DIRECT),
    Way(Hop.ACCOUNT, "7"),
    Way(Hop.SMTP, "mail.lan", 2525),
    Way(Hop.LMTP, "::1", 24),
    Way(Hop.LMTP, "/run/dovecot/lmtp"),
]


def account(route: Route, **rules: str) -> Account:
    found = tuple(Rule(pattern.replace("_", ".").replace("all", "*"), way_from(way)) for pattern, way in rules.items())
    return Account(AccountId(1), "me", "me@example.org", route=route, rules=found)


@given(st.lists(st.tuples(st.sampled_from(["*", "x.test", ".x.test", "xn--bcher-kva.example"]), st.sampled_from(WAYS))))
def test_rules_survive_being_text(pairs: list[tuple[str, Way]]) -> None:
    rules = tuple(Rule(*pair) for pair in pairs)
    assert rules_from(rules_text(rules)) == rules


@pytest.mark.parametrize(
    "text, way",
    [
        ("smtp://Mail.LAN", Way(Hop.SMTP, "mail.lan", 25)),
        ("lmtp://[::1]", Way(Hop.LMTP, "::1", 24)),
        ("lmtp:/run/x y", Way(Hop.LMTP, "/run/x y")),
        ("direct", Way(Hop.DIRECT)),
    ],
)
def test_what_a_way_is_called(text: str, way: Way) -> None:
    assert way_from(text) == way


@pytest.mark.parametrize(
    "text",
    ["", "smtp", "lmtp", "smtp://", "smtp://a:0", "smtp://a:70000", "smtp:/run/x", "lmtp:run/x", "http://a",
     "account:x", "smtp://a b", "lmtp://", "lmtp://a b", "lmtp:/" + "x" * 200, "direct\nx", "account:1\n"],
)  # fmt: skip
def test_what_is_no_way(text: str) -> None:
    with pytest.raises(ValueError):
        way_from(text)


@pytest.mark.parametrize("text", ["", ".", "a..b", "A.test", "a b", "*.x.test", "bücher", "x" * 300])
def test_what_is_no_pattern(text: str) -> None:
    with pytest.raises(ValueError):
        pattern_from(text)


def test_without_rules_the_account_s_own_way() -> None:
    assert way_for(account(Route.SMTP), "a@x.test") == Way(Hop.SUBMISSION)
    assert way_for(account(Route.DIRECT), "a@Bücher.example") == Way(Hop.DIRECT, "xn--bcher-kva.example")
    assert way_for(account(Route.DIRECT), "a@no domain") == Way(Hop.DIRECT, NO_DOMAIN)
    assert way_for(account(Route.NONE), "a@x.test") is None
    assert way_for(account(Route.NONE), "a@x.test", direct=True) == Way(Hop.DIRECT, "x.test")


def test_the_closest_rule_counts() -> None:
    mine = account(Route.SMTP, all="smtp://hub:25", x_test="direct", _x_test="lmtp://a:24", _deep_x_test="lmtp://b:24")
    assert way_for(mine, "a@x.test") == Way(Hop.DIRECT, "x.test")
    assert way_for(mine, "a@one.x.test") == Way(Hop.LMTP, "a", 24)
    assert way_for(mine, "a@two.deep.x.test") == Way(Hop.LMTP, "b", 24)
    assert way_for(mine, "a@evilx.test") == Way(Hop.SMTP, "hub", 25)
    assert way_for(mine, "a@one.x.test", direct=True) == Way(Hop.DIRECT, "one.x.test")
