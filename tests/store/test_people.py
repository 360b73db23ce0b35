"""Who a few letters may mean: words that begin so before letters inside, who was written to before who only wrote."""

from pathlib import Path

import pytest
from gui_mail import Mail, letter

from mua.model.folder import Role
from mua.model.message import Flag
from mua.plan.address_book import Book
from mua.store import read
from mua.store.db import open_reader

NOW = 1_760_000_000
ME = "maya@example.org"


@pytest.fixture
def mail(tmp_path: Path) -> Mail:
    made = Mail(tmp_path / "profile")
    account = made.account()
    inbox = made.folder(account, "INBOX", Role.INBOX)
    sent = made.folder(account, "Sent", Role.SENT)
    junk = made.folder(account, "Junk", Role.JUNK)
    many = [
        (inbox, "Build Bot", "bot@builds.contour.example"),
        (inbox, "Build Bot", "bot@builds.contour.example"),
        (inbox, "Lena Falk", "lena.falk@larkspur.example"),
        (inbox, "", "walk@lemon.test"),
        (junk, "Lewd Offer", "lewd@junk.example"),
        (inbox, "Leo Often", "leo@often.test"),
        (inbox, "Leo Often", "leo@often.test"),
    ]
    for number, (folder, name, address) in enumerate(many):
        raw = letter(name, address, "Hello", "Text", NOW + number, number=number)
        made.letter(account, folder, raw, NOW + number, Flag.SEEN, with_view=False)
    raw = letter("Maya", ME, "Hello", "Text", NOW + 50, number=50).replace(b"tomas@example.net", b"lea@written-to.test")
    made.letter(account, sent, raw, NOW + 50, Flag.SEEN, with_view=False)
    made.close()
    return made


def known(mail: Mail, letters: str) -> list[str]:
    db = open_reader(mail.profile)
    try:
        return [one.address for one in Book(read.people(db), NOW + 100).find(letters, 20)]
    finally:
        db.close()


def test_words_that_begin_so_come_first_and_junk_never(mail: Mail) -> None:
    found = known(mail, "le")
    assert found[:4] == ["lea@written-to.test", "leo@often.test", "lena.falk@larkspur.example", "walk@lemon.test"]
    assert "bot@builds.contour.example" in found[4:]
    assert "lewd@junk.example" not in found


def test_every_word_of_a_name_counts_and_wildcards_are_letters(mail: Mail) -> None:
    assert known(mail, "falk")[0] == "lena.falk@larkspur.example"
    assert known(mail, "%") == []
    assert known(mail, "_") == []
