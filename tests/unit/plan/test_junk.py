"""The filter: what it makes of words, what contradicts itself, what is new, and on mail made by a seed."""

import random

from mua.plan.junk import ENOUGH, Learned, Letter, is_junk, number_of, probability, words

JUNK = "cheap pills winner lottery casino unsubscribe offer viagra bitcoin prize claim urgent inheritance".split()
GOOD = "meeting invoice tomorrow train dinner regards project draft review garden kids school lunch".split()
BOTH = "hello please the and you your with from time today week thanks".split()


def letter(rng: random.Random, vocabulary: list[str], sender: str) -> Letter:
    text = " ".join(rng.choices(vocabulary, k=25) + rng.choices(BOTH, k=25))
    return Letter(sender, " ".join(rng.choices(vocabulary, k=3)), text)


def taught(rng: random.Random, number: int) -> Learned:
    table: dict[int, list[int]] = {}
    for place in range(number):
        for kind, vocabulary in enumerate((JUNK, GOOD)):
            for word in words(letter(rng, vocabulary, f"a{place}@{kind}.example")):
                table.setdefault(word, [0, 0])[kind] += 1
    return Learned(number, number, {key: (junk, good) for key, (junk, good) in table.items()})


def test_it_tells_one_from_the_other_and_is_never_sure_of_good_mail() -> None:
    rng = random.Random(99)
    learned = taught(rng, 40)
    caught = sum(is_junk(words(letter(rng, JUNK, "new@spam.example")), learned) for _ in range(200))
    wrong = sum(is_junk(words(letter(rng, GOOD, "new@friend.example")), learned) for _ in range(200))
    assert caught >= 195 and wrong == 0


def test_what_contradicts_itself_is_undecided() -> None:
    learned = taught(random.Random(7), 40)
    mixed = Letter("x@y.example", "", " ".join(JUNK + GOOD))
    assert 0.2 < probability(words(mixed), learned) < 0.8
    assert not is_junk(words(mixed), learned)


def test_nothing_known_is_one_half_and_too_little_judges_nothing() -> None:
    assert probability(words(Letter("a@b", "c", "nobody knows these")), Learned(50, 50, {})) == 0.5
    assert probability([1, 2], Learned(0, 0, {})) == 0.5
    few = taught(random.Random(3), ENOUGH - 1)
    assert not few.enough and not is_junk(words(Letter("a@b", "", " ".join(JUNK))), few)


def test_words_are_numbers_bounded_and_say_where_they_stand() -> None:
    found = words(
        Letter("Bad@Spam.example", "Win", "win https://evil.example/x " + " ".join(map(str, range(100, 9_000))))
    )
    assert len(found) <= 500 and all(0 <= one < 1 << 62 for one in found)
    assert {number_of("from:spam.example"), number_of("link:evil.example"), number_of("subject:win")} <= found
    assert number_of("subject:win") != number_of("win")
    assert words(Letter("", "", "")) == frozenset()


def test_no_probability_leaves_its_bounds() -> None:
    rng = random.Random(5)
    for _ in range(300):
        table = {one: (rng.randrange(60), rng.randrange(60)) for one in range(200)}
        assert 0.0 <= probability(range(200), Learned(rng.randrange(1, 60), rng.randrange(1, 60), table)) <= 1.0
