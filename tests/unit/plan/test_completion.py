"""What the search field offers: the piece that is being written, and what it could become."""

import pytest

from mua.model.address import Address
from mua.model.tag import TAGS
from mua.plan.completion import DAYS, MEANING, STATES, Piece, suggestions, where
from mua.plan.search import FIELDS, IS, OPERATORS


@pytest.mark.parametrize(
    ("before", "piece"),
    [
        ("", Piece(0, "", "", "")),
        ("fr", Piece(0, "", "", "fr")),
        ("plan fr", Piece(5, "", "", "fr")),
        ("plan -from:an", Piece(5, "-", "from", "an")),
        ('in:"Shared b', Piece(0, "", "in", "Shared b")),
        ("(from:a OR to:b", Piece(11, "", "to", "b")),
        ("IN:arch", Piece(0, "", "in", "arch")),
        ("http:", None),
        ('"a phrase', Piece(0, "", "", "a phrase")),
        ("from:ann last we", Piece(9, "", "", "last we")),
        ("the plan last", Piece(9, "", "", "last")),
        ("plan 3 days ago", Piece(5, "", "", "3 days ago")),
        ("at last we", Piece(3, "", "", "last we")),
    ],
)
def test_the_piece_before_the_cursor(before: str, piece: Piece | None) -> None:
    assert where(before) == piece


def offered(before: str) -> list[str]:
    piece = where(before)
    assert piece is not None
    folders, people = ["Inbox", "Old inboxes", 'A "b" c'], [Address("Ann Bell", "ann@example.org")]
    return [before[: piece.start] + one.text for one in suggestions(piece, folders, TAGS, people)]


@pytest.mark.parametrize(
    ("before", "texts"),
    [
        ("f", []),
        ("fi", ["filename:"]),
        ("x -s", []),
        ("x -su", ["x -subject:"]),
        ("from:an", ["from:ann@example.org "]),
        ("in:in", ["in:Inbox ", 'in:"Old inboxes" ']),
        ("in:b", ["in:Inbox ", 'in:"Old inboxes" ', 'in:"A b c" ']),
        ('in:"old in', ['in:"Old inboxes" ']),
        ("tag:im", ["tag:Important "]),
        ("tag:to", ['tag:"To do" ']),
        ("has:l", ["has:list "]),
        ("larger:5", ["larger:5mb ", "larger:25mb "]),
        ("-is:st", ["-is:starred ", "-is:unstarred "]),
        ("is:unread", []),
        ("on:yes", ["on:yesterday "]),
        ("body:x", []),
        ("hello", []),
        ("yest", ["on:yesterday "]),
        ("plan last", ['plan on:"last week" ', 'plan on:"last month" ', 'plan on:"last year" ']),
        ("plan last week", ['plan on:"last week" ']),
        ("plan 3 days ago", ['plan on:"3 days ago" ']),
        ("june", ["on:june "]),
        ("2024", []),
        ("may", []),
    ],
)
def test_what_it_could_become(before: str, texts: list[str]) -> None:
    assert offered(before) == texts


def test_everything_that_is_offered_is_understood() -> None:
    assert set(STATES) <= {*IS, "pinned"}
    assert set(MEANING) == set(OPERATORS) >= set(FIELDS)
    assert len(offered("on:")) == len(DAYS)
