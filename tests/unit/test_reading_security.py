"""docs/reading-security.md: every check of what is read has tests that exist."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PAGE = (TESTS.parent / "docs" / "reading-security.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \|(.+)\|(.+)\|$", PAGE, re.MULTILINE)
NAMED = re.compile(r"`((?:unit|corpus|store|protocol|live|gui|e2e)/[a-z0-9_/]+)`(?: \(([^()]*)\))?")
WORD = re.compile(r"`([^`*]+)`")  # with a star it is the name of an attack mail


def test_no_number_is_there_twice_and_none_is_of_another_list() -> None:
    numbers = [int(number) for number, *_ in ROWS]
    assert sorted(set(numbers)) == sorted(numbers)
    assert set(numbers) <= set(range(43, 74))


def test_every_check_has_a_test() -> None:
    assert [
        number for number, _, tests in ROWS if not NAMED.search(tests) and not tests.strip().startswith("the same")
    ] == []


def test_every_test_of_the_page_is_there() -> None:
    missing = [
        (number, name, word)
        for number, _, tests in ROWS
        for name, words in NAMED.findall(tests)
        for word in WORD.findall(words) or [""]
        if not (path := TESTS / f"{name}.py").is_file() or word not in path.read_text(encoding="utf-8")
    ]
    assert missing == []
