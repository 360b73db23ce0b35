"""Which identity answers, by where a message came to."""

import pytest

from mua.model.account import Account, AccountId, Route
from mua.model.address import Address
from mua.model.identity import Identity, identities_from, identities_text
from mua.plan import identities
from mua.plan.identities import answering, came_to, is_mine, matches, mine_among, problem, sender_for, senders

HOME = Account(
    AccountId(1), "Home", "me@home.example", "Me", route=Route.SMTP,
    identities=(
        Identity("*@my.example", "Catch All"),
        Identity("shop@my.example", "Shop", ("sales@my.example",), signature="Shop"),
        Identity("team+*@home.example", "Team"),
    ),
)  # fmt: skip
WORK = Account(AccountId(2), "Work", "me@work.example", "Worker", route=Route.SMTP)
MUTE = Account(AccountId(3), "Mute", "me@mute.example", "Mute")


@pytest.mark.parametrize(
    "pattern, address, fit",
    [
        ("me@home.example", "ME@Home.Example", 3),
        ("me@home.example", "me+list@home.example", 2),
        ("me+a@home.example", "me+a+b@home.example", 0),
        ("me@home.example", "me@home.example.org", 0),
        ("me@home.example", "other@home.example", 0),
        ("*@my.example", "anything.at.all@my.example", 1),
        ("*@my.example", "x@sub.my.example", 0),
        ("*@my.example", "@my.example", 0),
        ("team+*@home.example", "team+x@home.example", 1),
        ("team+*@home.example", "team+@home.example", 0),
        ("a*z@home.example", "abcz@home.example", 1),
        ("a*z@home.example", "az@home.example", 0),
    ],
)
def test_patterns(pattern: str, address: str, fit: int) -> None:
    assert matches(pattern, address) == fit


def test_the_closest_identity_writes_from_the_very_address() -> None:
    found = sender_for([HOME, WORK], "Sales@my.example")
    assert found is not None
    assert (found.identity.name, str(found.address)) == ("Shop", "Shop <Sales@my.example>")
    wild = sender_for([HOME, WORK], "bank-2026@my.example")
    assert wild is not None
    assert str(wild.address) == "Catch All <bank-2026@my.example>"
    assert sender_for([HOME, WORK], "stranger@else.example") is None


@pytest.mark.parametrize(
    "headers, named, wanted",
    [
        ((("Delivered-To", "bank@my.example"),), ("list@lists.example",), "bank@my.example"),
        ((("X-Original-To", "<sales@my.example>"),), ("me@work.example",), "sales@my.example"),
        ((("Delivered-To", "spool-17@mx.home.example"),), ("Me <me+news@home.example>",), "me+news@home.example"),
        ((), ("somebody@else.example", "me@work.example"), "me@work.example"),
        ((), ("somebody@else.example",), ""),
        ((("Delivered-To", "me@mute.example"),), (), ""),
    ],
)
def test_an_answer_comes_from_where_the_message_came_to(
    headers: tuple[tuple[str, str], ...], named: tuple[str, ...], wanted: str
) -> None:
    people = [Address("", one.rpartition("<")[2].rstrip(">")) for one in named]
    found = answering([HOME, WORK, MUTE], 1, came_to(headers, people))
    assert (found.address.address if found else "") == wanted


def test_the_receiving_account_is_asked_first() -> None:
    both = ["me@home.example", "me@work.example"]
    found = answering([HOME, WORK], 2, both)
    assert found is not None
    assert found.account_id == 2


def test_what_is_mine() -> None:
    assert is_mine([HOME], "x@my.example")
    assert mine_among([HOME, WORK], ["A@my.example", "b@else.example"]) == {
        "me@home.example", "me@work.example", "a@my.example"
    }  # fmt: skip


def test_who_can_be_chosen() -> None:
    extra = sender_for([HOME], "bank@my.example")
    assert extra is not None
    assert [str(one.address) for one in senders([HOME, WORK], [extra])] == [
        "Me <me@home.example>",
        "Shop <shop@my.example>",
        "Shop <sales@my.example>",
        "Worker <me@work.example>",
        "Catch All <bank@my.example>",
    ]
    assert str(identities.usual(WORK).address) == "Worker <me@work.example>"


def test_what_is_no_identity_is_said() -> None:
    assert problem(HOME.identities) == ""
    assert "no address" in problem([Identity("nobody")])
    assert "no address" in problem([Identity("a@b.example", aliases=("x y@b.example",))])
    assert "cannot go to" in problem([Identity("a@b.example", reply_to="*@b.example")])


def test_identities_are_stored_as_they_are() -> None:
    assert identities_from(identities_text(HOME.identities)) == HOME.identities
    assert identities_text(()) == ""
    assert identities_from("") == ()
