"""Which words are wrong, from what small dictionaries know."""

import pytest

from mua.plan import spelling
from mua.plan.spelling import check, chosen, words_of

EN = "the a is of and we meet on friday in museum please bring chairs hand not".split()
DE = "der die und wir treffen uns am freitag im museum bitte stühle mit bringen hand nicht".split()
LANGUAGES = ("de_DE", "en_US")


def known(*texts: str) -> dict[str, frozenset[str]]:
    """What both dictionaries say of every word of these."""
    books = {"de_DE": set(DE), "en_US": set(EN)}
    return {
        word: frozenset(name for name, book in books.items() if word.lower() in book)
        for text in texts
        for _, word in words_of(text)
    }


def wrong(text: str) -> tuple[str, list[str]]:
    found, missing = check(text, known(text), LANGUAGES)
    assert missing == ()
    return found.language, [text[at:end] for at, end in found.wrong]


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("We meet on Friday in the musuem", "en_US", ["musuem"]),
        ("Wir treffen uns am Freitag im Musuem", "de_DE", ["Musuem"]),
        ("Wir treffen uns am Freitag and bringen Stühle", "de_DE", ["and"]),  # its language decides
        ("Museum Friday", "", []),  # too short to tell: any language will do
        ("Muesum Friday", "", ["Muesum"]),
        ("Ci vediamo venerdì al museo con le sedie", "", []),  # no dictionary knows this language
        ("the of Stühlen is hands Museen Tage Abend", "", []),  # nor this one, though it shares words
        ("Мы встречаемся в пятницу у музея", "", []),  # nobody writes this script here
        ("星期五我们在博物馆见面", "", []),
        ("", "", []),
    ],
)
def test_a_paragraph_is_measured_by_the_language_that_knows_it(text: str, language: str, words: list[str]) -> None:
    assert wrong(text) == (language, words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("see https://exmaple.org/thiss and robin@exmpale.org", ["see", "and"]),
        ("NATO, iPhone, to_html, v2x, 3rd, #tagg ~/foldr :tada: x", []),
        ("run `musuem --frist` now", ["run", "now"]),
        ("don’t rock'n'roll’s 'quoted'", ["don't", "rock'n'roll's", "quoted"]),
        ("E-Mail, Straße; naïve cafe\u0301", ["Mail", "Straße", "naïve", "cafe\u0301"]),
        ("x" * 61 + " " + "y" * 1000, []),
    ],
)
def test_only_what_is_a_word_is_looked_at(text: str, words: list[str]) -> None:
    found = words_of(text)
    assert [word for _, word in found] == words
    assert all(text[at : at + len(word)].replace("’", "'") == word for at, word in found)


def test_what_was_not_looked_up_is_asked_and_counts_for_nothing() -> None:
    found, missing = check("Bring musuem chairs", {"chairs": frozenset({"en_US"})}, LANGUAGES)
    assert missing == ("Bring", "musuem")
    assert found.wrong == ()
    assert check("Bring musuem chairs", {}, ())[1] == ()  # nobody to ask


def test_a_very_long_paragraph_costs_what_its_beginning_costs() -> None:
    assert len(words_of("word " * 1_000_000)) == spelling.MOST // 5
    assert words_of("x" * 5_000_000) == ()


def test_dictionaries_are_found_by_the_names_that_people_and_desktops_use() -> None:
    here = ("de_BE", "de_DE", "en_GB", "en_US", "fr", "fr_FR", "sv_SE", "es_AR")
    assert chosen(("de-AT", "de"), here) == ("de_DE",)
    assert chosen(("de-BE", "en-Latn-GB", "en-GB", "en"), here) == ("de_BE", "en_GB")
    assert chosen(("en_GB", "en_US"), here) == ("en_GB", "en_US")
    assert chosen(("fr", "sv", "es-ES", "pl"), here) == ("fr", "sv_SE", "es_AR")
    assert chosen(("C", ""), here) == ()


def test_what_is_left_out_takes_its_mistakes_along() -> None:
    assert spelling.without([(0, 4), (5, 9), (12, 15)], [(4, 6), (14, 20)]) == [(0, 4)]
