"""What mail is sorted by: base subjects and names."""

import pytest

from mua.mime.subject import MAX_KEY, folded, topic, who
from mua.model.address import Address


@pytest.mark.parametrize(
    "subject, base, answers",
    [
        ("Lunch", "lunch", False),
        ("Re: Lunch", "lunch", True),
        ("RE[2]: re: Lunch", "lunch", True),
        ("AW: WG: Überstunden", "uberstunden", True),
        ("Fwd: Lunch", "lunch", False),
        ("Lunch (fwd) (FWD)", "lunch", False),
        ("[Fwd: Re: Lunch]", "lunch", True),
        ("[board] Re: [board] Lunch", "lunch", True),
        ("[board]", "[board]", False),
        ("Re:", "", True),
        ("回复：  会议", "会议", True),
        ("Ré: déjà vu", "re: deja vu", False),
        ("Réf: déjà vu", "deja vu", True),
        ("Review: the plan", "review: the plan", False),
        ("  spaced \t out ", "spaced out", False),
        ("", "", False),
    ],
)
def test_the_base_subject(subject: str, base: str, answers: bool) -> None:
    assert topic(subject) == (base, answers)


def test_a_subject_of_prefixes_ends() -> None:
    base, answers = topic("Re: " * 100_000)
    assert answers
    assert len(base) <= MAX_KEY


def test_case_accents_and_width_are_no_difference() -> None:
    assert folded("ＡÉß") == "aess"
    assert folded("Ωμέγα") == folded("ΩΜΕΓΑ")
    assert len(folded("é" * 500)) == MAX_KEY


@pytest.mark.parametrize(
    "name, address, key",
    [
        ("Zoë Ångström", "z@example.org", "zoe angstrom"),
        ("'Bob'", "b@example.org", "bob'"),
        ("", "ann@example.org", "ann@example.org"),
        ("bank@bank.example", "x@evil.example", "x@evil.example"),  # as the list shows it
    ],
)
def test_people_are_sorted_as_they_are_shown(name: str, address: str, key: str) -> None:
    assert who((Address(name, address),)) == key
