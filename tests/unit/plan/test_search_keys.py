"""What a person typed, as the keys of IMAP's SEARCH."""

import pytest

from mua.plan.search import MAX_PARTS, parse
from mua.plan.search_keys import MAX_CLAUSES, Quote, attachments_of, folder_of, imap_day, imap_keys

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
        ("to:ann -cc:bo", ("TO", Quote("ann"), "NOT", "CC", Quote("bo"))),
        ("list:dev tag:work", ("HEADER List-Id", Quote("dev"), "KEYWORD $label2")),
        ("from:ann OR from:bo plan", ("OR", "FROM", Quote("ann"), "FROM", Quote("bo"), "TEXT", Quote("plan"))),
        ("-(ann OR is:read)", ("NOT", "TEXT", Quote("ann"), "UNSEEN")),
        (
            "(a b) OR c",
            ("OR", "TEXT", Quote("a"), "TEXT", Quote("c"), "OR", "TEXT", Quote("b"), "TEXT", Quote("c")),
        ),
        ("-is:starred OR -larger:1k", ("OR", "UNFLAGGED", "NOT", "LARGER 1024")),
        ("subject:Grüße body:x", ("SUBJECT", Quote("Grüße"), "BODY", Quote("x"))),
        ("is:unread is:starred -is:answered", ("UNSEEN", "FLAGGED", "UNANSWERED")),
        ("on:2026-11-05", ("(SENTSINCE 4-Nov-2026 SENTBEFORE 7-Nov-2026)",)),
        ("-before:2026-11-05", ("NOT", "SENTBEFORE 4-Nov-2026")),
        ("larger:2k smaller:1m has:attachment", ("LARGER 2048", "SMALLER 1048576")),
    ],
)
def test_keys(typed, keys):
    assert imap_keys(parse(typed, NOW)) == keys


@pytest.mark.parametrize(
    "typed", ["plan filename:pdf", "attachment:plan", "in:a OR in:b", "tag:w\u00fcrdig", 'tag:"a b"']
)
def test_what_imap_has_no_key_for_is_not_asked(typed):
    assert imap_keys(parse(typed, NOW)) is None


def test_what_would_become_too_long_is_not_asked():
    deep = " OR ".join(f"(a{n} b{n})" for n in range(9))
    assert MAX_CLAUSES < 2**9 and imap_keys(parse(deep, NOW)) is None


def test_which_folders_are_asked_and_what_the_answers_must_have():
    assert folder_of(parse("plan in:Archive", NOW)) == "Archive"
    assert [attachments_of(parse(typed, NOW)) for typed in ("has:attachment", "-has:attachment", "x")] == [
        True,
        False,
        None,
    ]


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
    assert len(parse("word " * 100_000, NOW).parts) == MAX_PARTS
