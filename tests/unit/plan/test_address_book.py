"""Whom a few letters may mean."""

import pytest

from mua.model.address import Address
from mua.model.contact import BookId, Contact, ContactId, Group
from mua.plan.address_book import DAY, Book, Met, known

NOW = 1_800_000_000
PEOPLE = [
    Met("maya.lindqvist@example.org", "Maya Lindqvist", 5, 9, NOW - DAY),
    Met("mark@lind.example", "Mark Olsen", 0, 3, NOW - 2 * DAY),
    Met("old.friend@example.org", "Márta Kovács", 40, 40, NOW - 1500 * DAY),
    Met("bot@lists.example", "", 0, 500, NOW - DAY),
    Met("jorg@example.net", "Jörg Müller", 2, 2, NOW - 30 * DAY),
    Met("o'neil@example.net", "Sean O'Neil", 1, 0, NOW),
]
BOOK = Book(PEOPLE, NOW)


@pytest.mark.parametrize(
    "letters, first",
    [
        ("ma", "maya.lindqvist@example.org"),
        ("lind", "maya.lindqvist@example.org"),
        ("ma li", "maya.lindqvist@example.org"),
        ("li ma", "maya.lindqvist@example.org"),
        ("marta", "old.friend@example.org"),
        ("MÜLLER", "jorg@example.net"),
        ("muller", "jorg@example.net"),
        ("neil", "o'neil@example.net"),
        ("lists", "bot@lists.example"),
        ("lindkvist", "maya.lindqvist@example.org"),
        ("kovasc", "old.friend@example.org"),
        ("mulle", "jorg@example.net"),
        ("mueller", "jorg@example.net"),
    ],
)
def test_letters_name_somebody(letters: str, first: str) -> None:
    found = [one.address for one in BOOK.find(letters, 5)]
    assert found[:1] == [first]


def test_a_word_that_begins_so_comes_before_letters_inside() -> None:
    assert [one.address for one in BOOK.find("li", 5)][:2] == ["maya.lindqvist@example.org", "bot@lists.example"]
    assert BOOK.find("zzzz", 5) == []
    assert BOOK.find(" ", 5) == []
    assert BOOK.find("\n", 5) == []
    assert Book([], NOW).find("a", 5) == []


def test_mail_of_long_ago_counts_little_and_being_written_to_much() -> None:
    assert [one.address for one in Book(PEOPLE, NOW).find("mar", 5)][:2] == [
        "mark@lind.example",
        "old.friend@example.org",
    ]
    written, got = Met("a@x.example", "Ann", 1, 0, NOW), Met("b@x.example", "Ann", 0, 9, NOW)
    assert Book([got, written], NOW).find("ann", 2)[0].address == "a@x.example"


def test_contacts_are_known_by_their_own_names_and_come_before_whoever_only_wrote() -> None:
    contact = Contact(ContactId(1), BookId(1), "u", "Marta K", ("OLD.friend@example.org", "marta@new.example"))
    stranger = Contact(ContactId(2), BookId(1), "v", "", ("list-owner@lists.example",))
    history = [*PEOPLE, Met("marks@lists.example", "Marks", 0, 4, NOW)]
    found = Book(known(history, [contact, stranger]), NOW).find("mar", 5)
    assert [str(one) for one in found[:3]] == [
        "Marta K <old.friend@example.org>",
        "Marta K <marta@new.example>",
        "Marks <marks@lists.example>",
    ]
    assert [one.address for one in Book(known([], [stranger]), NOW).find("owner", 5)] == ["list-owner@lists.example"]


def test_groups_are_found_by_how_their_words_begin() -> None:
    family = Group("Close family", (Address("", "a@example.org"),))
    book = Book(PEOPLE, NOW, [family, Group("Empty", ())])
    assert book.groups("fam", 3) == [family]
    assert book.groups("fam clo", 3) == [family]
    assert book.groups("amily", 3) == []
    assert book.groups("emp", 3) == []
    assert book.groups(" ", 3) == []
