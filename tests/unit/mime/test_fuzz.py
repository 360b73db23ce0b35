"""Spoilt mails (``mail_fuzzing``), every mail that once went wrong, and properties of the readers of single fields.

A few seconds here; ``--fuzz 600`` spends ten minutes, on seeds of its own, which a failure names.
"""

import itertools
import time
from pathlib import Path

import mail_fuzzing
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.mime.charset import decode_text, find_codec
from mua.mime.headers import date, message_ids
from mua.mime.params import parameters

SEEDS = 400
CHARSETS = (
    "utf-8", "us-ascii", "iso-8859-1", "windows-1252", "iso-8859-15", "koi8-r", "gb2312", "gbk", "big5", "shift_jis",
    "iso-2022-jp", "euc-jp", "euc-kr", "ks_c_5601-1987", "windows-874", "utf-7", "utf-16", "x-mac-roman", "viscii", "y",
)  # fmt: skip


def test_spoilt_mails_are_read(request: pytest.FixtureRequest) -> None:
    seconds = float(request.config.getoption("--fuzz"))
    until, first = time.monotonic() + seconds, time.time_ns() if seconds else 0
    for seed in itertools.count(first):
        if (time.monotonic() > until) if seconds else (seed >= SEEDS):
            break
        assert mail_fuzzing.fault(mail_fuzzing.spoilt(seed)) == "", seed


def test_a_seed_is_always_the_same_mail() -> None:
    assert [mail_fuzzing.spoilt(seed) for seed in range(50)] == [mail_fuzzing.spoilt(seed) for seed in range(50)]
    assert len({mail_fuzzing.spoilt(seed) for seed in range(50)}) > 45


@pytest.mark.parametrize("path", sorted(mail_fuzzing.REGRESSIONS.glob("mails/*.eml")), ids=lambda path: path.stem)
def test_what_once_went_wrong_is_read(path: Path) -> None:
    assert mail_fuzzing.fault(path.read_bytes()) == ""


def test_a_fault_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_fuzzing, "gist_of", lambda parsed: None)
    assert mail_fuzzing.fault(b"From: a@b.example\n\nx") == "the index reads another mail than the window"
    monkeypatch.setattr(mail_fuzzing, "parse", lambda raw: 1 / 0)
    assert "ZeroDivisionError" in mail_fuzzing.fault(b"x")


@given(
    st.integers(-2_000_000_000, 250_000_000_000), st.integers(-14 * 60, 14 * 60), st.sampled_from(["", "Tue, ", "(x) "])
)
def test_a_date_is_what_was_written(at: int, offset: int, before: str) -> None:
    local = time.gmtime(at + offset * 60)
    name = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[local.tm_mon - 1]
    clock = f"{local.tm_hour:02}:{local.tm_min:02}:{local.tm_sec:02}"
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}{abs(offset) % 60:02}"
    assert date(f"{before}{local.tm_mday} {name} {local.tm_year:04} {clock} {zone}".encode()) == at


@given(st.dictionaries(st.text("abcxyz-", min_size=1, max_size=8), st.text(max_size=30), max_size=5))
def test_parameters_are_what_was_written(given: dict[str, str]) -> None:
    """RFC 2231 s.4: each octet may be written as a percent sign and two digits."""
    written = "a/b" + "".join(
        f";\n {name}*=utf-8''" + "".join(f"%{octet:02X}" for octet in value.encode("utf-8", "replace"))
        for name, value in given.items()
    )
    read = parameters(written.encode())[1]
    assert read == {name: value.encode("utf-8", "replace").decode() for name, value in given.items()}


@given(st.binary(max_size=300), st.sampled_from(CHARSETS))
def test_any_bytes_are_text_in_any_charset(data: bytes, label: str) -> None:
    text = decode_text(data, label)
    assert isinstance(text, str)
    assert bool(text) or not data or (find_codec(label) or "").startswith(("utf", "iso2022"))


@given(st.text(max_size=60), st.sampled_from(["utf-8", "utf-16", "gb18030"]))
def test_text_in_a_charset_of_everything_comes_back(text: str, label: str) -> None:
    data = text.encode(label, "replace")
    assert decode_text(data, label) == data.decode(label)


@given(st.lists(st.text("abc.@-", min_size=1, max_size=12), max_size=8))
def test_message_ids_are_what_was_written(ids: list[str]) -> None:
    assert message_ids(" ".join(f"<{one}>" for one in ids).encode()) == tuple(dict.fromkeys(ids))
