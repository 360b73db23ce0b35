"""IMAP's grammar: round trips, and nothing but ``BadSyntax`` from whatever a server writes, in linear time."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.errors import MailError
from mua.net.imap_tokens import (
    BadSyntax,
    Literal,
    argument,
    date_seconds,
    decode_name,
    encode_name,
    expanded,
    parse,
    quoted,
    ranges,
    status,
    uid_sets,
    untagged,
)

TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters=TURNING), max_size=30)


@given(NAMES)
def test_every_name_survives_modified_utf_7(name):
    encoded = encode_name(name)
    assert encoded.isascii()
    assert decode_name(encoded) == name


@given(st.binary(max_size=40))
def test_a_decoded_name_leads_back_to_the_same_bytes(raw):
    name = decode_name(raw)
    assert name is None or encode_name(name) == raw


@given(st.sets(st.integers(1, 3000)), st.integers(1, 600), st.integers(20, 8000))
def test_sets_hold_every_number_once_and_fit(uids, count, octets):
    sets = list(uid_sets(uids, count, octets))
    back = [number for one in sets for number in expanded(ranges(one), 10_000)]
    assert back == sorted(uids)
    assert all(len(expanded(ranges(one), 10_000)) <= count for one in sets)
    assert all(len(one) <= octets + 10 for one in sets)


def test_a_million_neighbours_are_one_short_argument():
    assert list(uid_sets(range(1, 1_000_001), count=2_000_000)) == [b"1:1000000"]


@pytest.mark.parametrize("bad", [b"", b"0", b"1:", b":1", b"*", b"-1", b"1,,2", b"4294967296", b"a", b"1:2:3"])
def test_sets_that_are_none(bad):
    with pytest.raises(BadSyntax):
        ranges(bad)


def test_ranges_are_not_expanded_beyond_what_was_asked():
    with pytest.raises(BadSyntax):
        expanded([(1, 2**32 - 1)], 1000)


@given(st.binary(max_size=300))
def test_any_line_is_understood_or_refused(raw):
    for line in (b"* " + raw, b"* 1 FETCH (" + raw + b")", b"* OK [" + raw):
        try:
            untagged([line.replace(b"\r", b"").replace(b"\n", b"")])
        except ValueError:
            pass  # BadSyntax is one


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=6))
def test_any_chunks_are_understood_or_refused(chunks):
    try:
        parse(chunks)
    except BadSyntax:
        pass


@given(st.binary(max_size=100).filter(lambda raw: not set(raw) & {0, 10, 13}))
def test_a_quoted_string_is_read_back(raw):
    sent = quoted(raw)
    if not isinstance(sent, Literal):
        assert parse([sent]) == [raw]
    else:
        assert sent == raw


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\0b", b"\r\nX DELETE INBOX"])
def test_control_characters_are_refused(bad):
    with pytest.raises(MailError) as caught:
        argument(bad)
    assert caught.value.code == "control-character"


@pytest.mark.parametrize(
    "hostile", [b'"\\' * 300_000, b"BODY[ " * 150_000, b"(" * 200_000, b"[" * 500_000, b'"' * 99_999]
)
def test_hostile_text_costs_linear_time(hostile):
    started = time.process_time()
    try:
        parse([hostile])
    except BadSyntax:
        pass
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "raw, seconds",
    [
        (b"17-Jul-1996 02:44:25 -0700", 837596665),
        (b" 7-Feb-1994 21:52:25 -0800", 760686745),
        (b"01-Jan-1970 00:00:00 +0000", 0),
        (b"31-Feb-2020 00:00:00 +0000", 0),
        (b"17-Xxx-1996 02:44:25 -0700", 0),
        (b"rubbish", 0),
        (None, 0),
    ],
)
def test_internal_dates(raw, seconds):
    assert date_seconds(raw) == seconds


def test_status_codes():
    assert status(b"OK [COPYUID 1 2:3 4:5] done").code == [b"COPYUID", 1, b"2:3", b"4:5"]
    assert status(b"NO [BADCHARSET (UTF-8)] x").code == [b"BADCHARSET", [b"UTF-8"]]
    assert status(b"OK [").code == []
    assert status(b"OK [()] x").code_name in ("[]", "")
    assert status(b"OK").text == ""
