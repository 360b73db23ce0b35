"""What a person types into the search field, understood."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.model.message import Flag
from mua.model.tag import TAGS
from mua.plan.periods import period
from mua.plan.search import Either, Every, Has, In, Is, Not, Search, Sent, Sized, Tagged, Term, parse

TODAY = date(2026, 3, 11)  # a Wednesday
NOW = int(datetime(2026, 3, 11, 15, tzinfo=UTC).timestamp())


def at(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


A, B, C = Term("a"), Term("b"), Term("c")


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("", ()),
        ("a b", (A, B)),
        ('"a b"', (Term("a b", "", True),)),
        ('"a b', (Term("a b", "", True),)),
        ("-a", (Not(A),)),
        ("a OR b c", (Either((A, B)), C)),
        ("a OR b OR c", (Either((A, B, C)),)),
        ("a or b", (A, Term("or"), B)),
        ("(a b) OR c", (Either((Every((A, B)), C)),)),
        ("-(a OR b)", (Not(Either((A, B))),)),
        ("from:(a OR b)", (Either((Term("a", "sender"), Term("b", "sender"))),)),
        ("from:(a to:b)", (Every((Term("a", "sender"), Term("b", "recipients"))),)),
        ("OR a", (A,)),
        ("a OR", (A,)),
        ("(a", (A,)),
        ("a)", (A,)),
        ("()", ()),
        ("f(a)", (Term("f"), A)),
        ("FROM:a", (Term("a", "sender"),)),
        ("from: a", (Term("a", "sender"),)),
        ("from:", ()),
        ("a from:", (A,)),
        ('from:"a b"', (Term("a b", "sender", True),)),
        ("cc:a list:b filename:c", (Term("a", "cc"), Term("b", "list"), Term("c", "files"))),
        ("attachment:a", (Term("a", "attached"),)),
        ("tag:odd tag:work in:Archive", (Tagged("odd"), Tagged("$label2"), In("Archive"))),
        ("has:tag", (Either(tuple(Tagged(one.keyword) for one in TAGS)),)),
        ("has:attachments has:attach", (Has("attachment"), Has("attachment"))),
        ("is:pinned", (Has("pin"),)),
        ("has:star", (Is(Flag.FLAGGED),)),
        ("is:unread -is:starred", (Is(Flag.SEEN, False), Not(Is(Flag.FLAGGED)))),
        ("larger:2mb smaller:10K", (Sized(above=2 << 20), Sized(below=10 << 10))),
        ("larger:big", (Term("larger big"),)),
        ("is:odd", (Term("is odd"),)),
        ("https://a/b", (Term("https://a/b"),)),
        ("Re: a", (Term("Re:"), A)),
        ("before:2026", (Sent(None, at(2026, 1, 1)),)),
        ("after:2026-02", (Sent(at(2026, 2, 1)),)),
        ("on:yesterday a", (Sent(at(2026, 3, 10), at(2026, 3, 11)), A)),
        ("after:last week a", (Sent(at(2026, 3, 2)), A)),
        ("before:11 june 2024", (Sent(None, at(2024, 6, 11)),)),
        ('on:"3 days ago"', (Sent(at(2026, 3, 8), at(2026, 3, 9)),)),
        ("on:(june OR may)", (Either((Sent(at(2025, 6, 1), at(2025, 7, 1)), Sent(at(2025, 5, 1), at(2025, 6, 1)))),)),
        ("after:soon", (Term("after soon"),)),
    ],
)
def test_what_is_understood(typed: str, parts: tuple[object, ...]) -> None:
    assert parse(typed, NOW) == Search(parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("today", ((2026, 3, 11), (2026, 3, 12))),
        ("Yesterday", ((2026, 3, 10), (2026, 3, 11))),
        ("monday", ((2026, 3, 9), (2026, 3, 10))),
        ("wed", ((2026, 3, 11), (2026, 3, 12))),
        ("last wednesday", ((2026, 3, 4), (2026, 3, 5))),
        ("this week", ((2026, 3, 9), (2026, 3, 16))),
        ("last week", ((2026, 3, 2), (2026, 3, 9))),
        ("last-month", ((2026, 2, 1), (2026, 3, 1))),
        ("last year", ((2025, 1, 1), (2026, 1, 1))),
        ("3 days", ((2026, 3, 8), (2026, 3, 12))),
        ("2w", ((2026, 2, 25), (2026, 3, 12))),
        ("a month ago", ((2026, 2, 1), (2026, 3, 1))),
        ("two weeks ago", ((2026, 2, 23), (2026, 3, 2))),
        ("a year ago", ((2025, 1, 1), (2026, 1, 1))),
        ("5m", ((2025, 10, 11), (2026, 3, 12))),
        ("march", ((2026, 3, 1), (2026, 4, 1))),
        ("june", ((2025, 6, 1), (2025, 7, 1))),
        ("Dec 2024", ((2024, 12, 1), (2025, 1, 1))),
        ("11 june", ((2025, 6, 11), (2025, 6, 12))),
        ("March 1st", ((2026, 3, 1), (2026, 3, 2))),
        ("june 11, 2024", ((2024, 6, 11), (2024, 6, 12))),
        ("2024", ((2024, 1, 1), (2025, 1, 1))),
        ("2024-2", ((2024, 2, 1), (2024, 3, 1))),
        ("2024/02/29", ((2024, 2, 29), (2024, 3, 1))),
        ("29.2.2024", ((2024, 2, 29), (2024, 3, 1))),
    ],
)
def test_days_in_plain_language(words: str, days: tuple[tuple[int, int, int], tuple[int, int, int]]) -> None:
    assert period(words, TODAY) == (date(*days[0]), date(*days[1]))


@pytest.mark.parametrize(
    "german, english",
    [
        ("heute", "today"),
        ("Vorgestern", "2 days ago"),
        ("letzte Woche", "last week"),
        ("dieses_jahr", "this year"),
        ("letzten Montag", "last monday"),
        ("vor 3 Tagen", "3 days ago"),
        ("vor einem Monat", "one month ago"),
        ("3 Wochen", "3 weeks"),
        ("März", "march"),
        ("Okt 2024", "oct 2024"),
        ("11. Juni 2024", "11 june 2024"),
    ],
)
def test_days_in_plain_german(german: str, english: str) -> None:
    assert period(german, TODAY) == period(english, TODAY) is not None


@pytest.mark.parametrize("words", ["", "soon", "2023-02-30", "0000", "31 june", "13", "9999 years", "ma", "12.13.2024"])
def test_what_is_no_day(words: str) -> None:
    assert period(words, TODAY) is None


def test_before_and_after_are_all_mail() -> None:
    [before] = parse("before:june", NOW).parts
    [after] = parse("after:june", NOW).parts
    assert isinstance(before, Sent) and isinstance(after, Sent) and before.end == after.start


@given(st.text(max_size=60) | st.text(alphabet='"-:() aORbfromisdateon12', max_size=40))
def test_nothing_is_an_error(typed: str) -> None:
    parse(typed, NOW)


@pytest.mark.parametrize(
    "typed", ["before:0001", "on:0001-01-01", 'after:"1 january 0001"', "on:9999-12-31", "before:9999"]
)
def test_times_without_mail_are_no_error(typed: str) -> None:
    """Some have no number of seconds in a computer's own zone."""
    parse(typed, NOW, None)


def test_no_size_is_too_large_to_be_asked_for() -> None:
    (found,) = parse("larger:999999999999g", NOW).parts
    assert found == Sized(above=2**32 - 1)


def test_deep_and_long_ones_are_bounded() -> None:
    parse("(" * 10_000, NOW)
    parse("-(a " * 2_500, NOW)
