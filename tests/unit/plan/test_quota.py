"""How full an account is, in words, and when it is asked."""

import pytest

from mua.model.quota import Quota, warning
from mua.plan.sync import QUOTA_SECONDS, quota_due


def storage(used: int, limit: int = 10_240_000) -> Quota:
    return Quota("", "STORAGE", used, limit)


@pytest.mark.parametrize(
    "quota, text",
    [
        (storage(9_318_400), "9.3 MB of 10.2 MB (91 %)"),
        (storage(512, 2_048), "0.5 kB of 2.0 kB (25 %)"),
        (storage(15_000_000_000, 20_000_000_000), "15.0 GB of 20.0 GB (75 %)"),
        (Quota("", "MESSAGE", 3, 4), "3 of 4 messages (75 %)"),
        (Quota("", "ANNOTATION-STORAGE", 3, 0), "3 of 0 annotation-storage (100 %)"),
    ],
)
def test_in_words(quota: Quota, text: str) -> None:
    assert str(quota) == text


def test_the_fullest_limit_is_warned_of_from_ninety_percent() -> None:
    assert warning("h", [storage(9_215_999), Quota("", "MESSAGE", 1, 10)]) == ""
    assert "nearly full: 9.2 MB" in warning("h", [storage(9_216_000), Quota("", "MESSAGE", 1, 10)])
    assert "is full: 10 of 10 messages" in warning("h", [storage(9_216_000), Quota("", "MESSAGE", 10, 10)])


def test_the_largest_folders_are_named() -> None:
    folders = [("a", 5_000), ("b", 90_000_000), ("c", -1), ("d", 0), ("e", 7_000_000), ("f", 6_000_000)]
    said = warning("h", [storage(9_216_000)], folders)
    assert "there (most is in b: 90.0 MB, e: 7.0 MB, f: 6.0 MB) before" in said


@pytest.mark.parametrize(
    "seconds, then, now, due",
    [(None, 0, 0, True), (0.0, 5, 6, False), (QUOTA_SECONDS, 5, 6, True), (QUOTA_SECONDS * 99, 6, 6, False)],
)
def test_asked_once_and_again_only_after_a_change(seconds: float | None, then: int, now: int, due: bool) -> None:
    assert quota_due(seconds, then, now) is due
