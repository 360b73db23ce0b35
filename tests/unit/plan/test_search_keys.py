"""What a person typed, as the keys of IMAP's SEARCH."""

import pytest

from mua.plan.search import MAX_QUERY, Quote, imap_day, imap_keys, parse

NOW = 1_795_000_000


@pytest.mark.parametrize(
    "typed, keys",
    [
        ("", ("ALL",)),
        ("in:archive", ("ALL",)),
        ("plan", ("TEXT", Quote("plan"))),
        ('two "exact  words"', ("TEXT", Quote("two"), "TEXT", Quote("exact words"))),
        ("-spam", ("NOT", "TEXT", Quote("spam"))),
        ("from:ann -from:bo", ("FROM", Quote("ann"), "NOT", "FROM", Quote("bo"))),
        ("to:ann", ("OR", "TO", Quote("ann"), "CC", Quote("ann"))),
        ("-cc:ann", ("NOT", "OR", "TO", Quote("ann"), "CC", Quote("ann"))),
        ("subject:Grüße body:x", ("SUBJECT", Quote("Grüße"), "BODY", Quote("x"))),
        ("is:unread is:starred -is:answered", ("UNSEEN", "FLAGGED", "UNANSWERED")),
        ("on:2026-11-05", ("SENTSINCE 5-Nov-2026", "SENTBEFORE 6-Nov-2026")),
        ("larger:2k smaller:1m has:attachment", ("LARGER 2048", "SMALLER 1048576")),
    ],
)
def test_keys(typed, keys):
    assert imap_keys(parse(typed, NOW)) == keys


def test_names_of_files_cannot_be_searched_there():
    assert imap_keys(parse("plan filename:pdf", NOW)) is None


@pytest.mark.parametrize("hostile", ['x" ALL "', "x\r\nA1 DELETE INBOX", "{4}", "\\", "*"])
def test_what_is_typed_stays_words(hostile):
    keys = imap_keys(parse(hostile, NOW))
    assert keys is not None
    assert all(isinstance(key, Quote) or key in ("TEXT", "NOT") for key in keys)
    assert not any("\n" in key.text or "\r" in key.text for key in keys if isinstance(key, Quote))


def test_days():
    assert imap_day(0) == "1-Jan-1970"
    assert imap_day(10**15) == "31-Dec-9999"


def test_a_query_is_text_of_bounded_length():
    assert imap_keys(parse("caf\udce9", NOW)) == ("TEXT", Quote("caf?"))
    assert len(parse("word " * 100_000, NOW).terms) == MAX_QUERY // 5
