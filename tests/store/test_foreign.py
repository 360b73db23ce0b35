"""Other programs' address books that are spoilt, hostile or none at all: nothing comes, and nothing is written."""

import random
import sqlite3
from pathlib import Path

from mua.mime import contact, foreign_cards, vcard
from mua.store import foreign


def test_what_is_no_database_holds_nobody(tmp_path: Path) -> None:
    lot = random.Random(1)
    for content in (b"", b"SQLite format 3\0", b"SQLite format 3\0" + lot.randbytes(5_000), b"text"):
        path = tmp_path / "abook.sqlite"
        path.write_bytes(content)
        assert list(foreign.thunderbird_cards(path)) == []
        assert list(foreign.evolution_cards(path)) == []
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_the_uri_would_take_apart_and_a_table_with_quotes(tmp_path: Path) -> None:
    path = tmp_path / "a?mode=rwc&b#c%41.db"
    db = sqlite3.connect(path)
    db.execute('CREATE TABLE "a""b" (uid TEXT, vcard TEXT)')
    db.execute('INSERT INTO "a""b" VALUES (1, NULL), (2, ?)', [b"\xff"])
    db.commit()
    db.close()
    assert list(foreign.evolution_cards(path)) == ["", "\ufffd"]


def test_a_view_that_never_ends_does(tmp_path: Path) -> None:
    path = tmp_path / "contacts.db"
    db = sqlite3.connect(path)
    db.execute(
        "CREATE VIEW v AS WITH RECURSIVE n(vcard) AS (VALUES('a') UNION ALL SELECT vcard FROM n) SELECT * FROM n"
    )
    db.execute("CREATE VIEW properties AS SELECT vcard AS card, vcard AS name, vcard AS value FROM v")
    db.commit()
    db.close()
    before = foreign.STEPS
    foreign.STEPS = 100_000
    try:
        assert list(foreign.thunderbird_cards(path)) == []
    finally:
        foreign.STEPS = before


def test_claws_s_file_that_is_broken_or_has_a_dtd_holds_nobody() -> None:
    for document in (
        b"",
        b"<address-book>",
        b"<other/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><address-book name="&b;"><person cn="x"/></address-book>',
        b"<address-book>" + b"<person>" * 50 + b"</person>" * 50 + b"</address-book>",
    ):
        assert list(foreign_cards.claws(document)) == []


def test_a_thunderbird_card_of_before_says_what_it_said() -> None:
    said = {"FirstName": "Ann", "LastName": "Lee", "PrimaryEmail": "ann@a.example", "SecondEmail": "lee@b.example"}
    said |= {"BirthYear": "1970", "BirthMonth": "01", "BirthDay": "02", "HomeAddress": "1 Lane", "HomeCity": "Town"}
    said |= {"Company": "Wheels", "WorkPhone": "+1", "_vCard": "no card"}
    about = contact.details(vcard.parse(foreign_cards.thunderbird("u", said, ["A  b"])))
    assert (about.name, about.organisation, about.birthday) == ("Ann Lee", "Wheels", "1970-01-02")
    assert [one.value for one in about.emails] == ["ann@a.example", "lee@b.example"]
    assert [(one.value, one.label) for one in about.places] == [("1 Lane, Town", "home")]
    assert about.groups == ("A b",)
