"""Two versions of a card put together, and two cards of one person: nothing that either brought is lost."""

import random
from collections.abc import Iterator
from dataclasses import replace

from mua.mime import contact, vcard
from mua.mime.card_merge import joined, merge, same
from mua.mime.contact import Details, Entry
from mua.mime.vcard import Card, Line
from mua.model.contact import BookId, Contact, ContactId
from mua.plan import duplicates

BASE = contact.fresh(
    "urn:uuid:base", Details("Ann Lee", emails=(Entry("ann@a.example", "home"), Entry("ann@b.example", "work")))
)


def edited(card: Card, **changes: object) -> Card:
    return vcard.parse(contact.changed(card, replace(contact.details(card), **changes)).raw)  # type: ignore[arg-type]


def test_changes_of_different_properties_are_both_kept() -> None:
    mine = edited(BASE, title="Captain", phones=(Entry("1"),))
    theirs = edited(BASE, note="from the server", emails=contact.details(BASE).emails[:1])
    found = merge(BASE, mine, theirs)
    about = contact.details(found.card)
    assert not found.conflicts
    assert (about.title, about.note, about.phones[0].value) == ("Captain", "from the server", "1")
    assert [one.value for one in about.emails] == ["ann@a.example"]


def test_two_values_for_one_property_are_a_conflict_and_the_same_value_is_none() -> None:
    mine, theirs = edited(BASE, title="Captain"), edited(BASE, title="Major")
    found = merge(BASE, mine, theirs)
    assert found.conflicts == ("TITLE",)
    assert contact.details(found.card).title == "Captain"
    found = merge(BASE, mine, edited(BASE, title="Captain"))
    assert not found.conflicts
    assert len(found.card.all("TITLE")) == 1


def test_one_address_changed_on_both_sides_becomes_two() -> None:
    (first, second) = contact.details(BASE).emails
    mine = edited(BASE, emails=(replace(first, value="mine@a.example"), second))
    theirs = edited(BASE, emails=(replace(first, value="theirs@a.example"), second))
    found = merge(BASE, mine, theirs)
    assert {one.value for one in contact.details(found.card).emails} == {
        "mine@a.example",
        "theirs@a.example",
        "ann@b.example",
    }


def test_a_stamp_is_nobody_s_change() -> None:
    stamped = vcard.with_line_after(BASE, [vcard.line("REV", "20260101T000000Z")])
    assert same(BASE, stamped)
    assert not merge(BASE, edited(BASE, title="x"), stamped).conflicts


def test_whatever_is_brought_is_in_the_result_or_told() -> None:
    """Random edits on both sides: every value that either side added is there, or its property is a conflict."""
    lot = random.Random(6578)
    for _ in range(200):
        sides = []
        for who in "mt":
            about = contact.details(BASE)
            emails = [one for one in about.emails if lot.random() < 0.7]
            emails += [Entry(f"{who}{lot.randrange(9)}@c.example") for _ in range(lot.randrange(3))]
            changes: dict[str, object] = {"emails": tuple(emails)}
            for key in ("title", "note", "nickname", "organisation"):
                if lot.random() < 0.3:
                    changes[key] = f"{who} {lot.randrange(3)}"
            sides.append(edited(BASE, **changes))
        mine, theirs = sides
        found = merge(BASE, mine, theirs)
        result = contact.details(found.card)
        have = {one.value for one in result.emails}
        first = {one.value for one in contact.details(BASE).emails}
        for side in sides:
            assert {one.value for one in contact.details(side).emails} - first <= have
        for key, name in (("title", "TITLE"), ("note", "NOTE"), ("nickname", "NICKNAME"), ("organisation", "ORG")):
            for side in sides:
                said = getattr(contact.details(side), key)
                assert not said or said == getattr(result, key) or name in found.conflicts


def test_two_cards_of_one_person_lose_nothing() -> None:
    one = contact.fresh("urn:uuid:1", Details("Ann Lee", "Wheels", title="Captain", emails=(Entry("ann@a.example"),)))
    other = contact.fresh(
        "urn:uuid:2",
        Details("Anna Lee", title="Major", note="Sings", emails=(Entry("ANN@a.example"), Entry("lee@b.example"))),
    )
    other = contact.changed(other, replace(contact.details(other), groups=("Choir",)))
    about = contact.details(joined([one, other]))
    assert about.name == "Ann Lee"
    assert [entry.value for entry in about.emails] == ["ann@a.example", "lee@b.example"]
    assert about.title == "Captain"
    assert about.groups == ("Choir",)
    for said in ("Major", "Anna Lee", "Sings"):
        assert said in about.note


def person(number: int, name: str, *addresses: str) -> Contact:
    return Contact(ContactId(number), BookId(1), f"u{number}", name, addresses)


def test_one_address_or_one_name_is_a_suspicion() -> None:
    found = duplicates.find(
        [
            person(1, "Ann Lee", "ann@a.example"),
            person(2, "A. Lee", "ANN@a.example"),
            person(3, "Bob Roe", "bob@a.example"),
            person(4, "Roe, Bob", "rob@b.example"),
            person(5, "Ann", "x@y.example"),
            person(6, "Ann", "z@y.example"),
        ]
    )
    assert [(one.contacts, one.sure) for one in found] == [((1, 2), True), ((3, 4), False)]


def test_very_many_lines_are_joined_in_few_passes() -> None:
    passes = 0

    class Lines(tuple[Line, ...]):
        def __iter__(self) -> Iterator[Line]:
            nonlocal passes
            passes += 1
            return super().__iter__()

    one = vcard.parse(b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\nN:Lee;Ann\r\nEND:VCARD\r\n")
    many = b"".join(b"i%d.EMAIL:a%d@x.example\r\nN:Lee;A%d\r\n" % (at, at, at) for at in range(200))
    other = vcard.parse(b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\n" + many + b"END:VCARD\r\n")
    made = joined([Card(Lines(one.lines)), Card(Lines(other.lines))])
    assert len(made.all("EMAIL")) == 200
    assert passes < 40
