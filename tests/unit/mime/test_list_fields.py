"""What a mailing list says of itself, and what of that a person may press on."""

import pytest

from mua.mime.list_fields import ListFields, list_fields

LEAVE = ("List-Unsubscribe", "<https://a.example/?u=1>")
POST = ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")


def test_every_field_is_read() -> None:
    found = list_fields(
        [
            ("List-Unsubscribe", "<mailto:leave@list.example?subject=x>, <https://list.example/leave?u=1>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ("List-Post", "<mailto:talk@list.example> (Postings)"),
            ("List-Archive", "<https://list.example/archive>"),
            ("List-Help", "<mailto:talk-request@list.example?subject=help>"),
        ]
    )
    assert found == ListFields(
        "mailto:leave@list.example?subject=x",
        "https://list.example/leave?u=1",
        "https://list.example/leave?u=1",
        True,
        "mailto:talk@list.example",
        "https://list.example/archive",
        "mailto:talk-request@list.example?subject=help",
    )


def test_an_announcement_list_takes_no_posting() -> None:
    assert list_fields([("List-Post", "NO")]).no_posting


@pytest.mark.parametrize(
    "value",
    [
        "<javascript:alert(1)>", "<file:///etc/passwd>", "https://bare.example/", "<https://>", "<mailto:>", "<ftp://a.example/>",
        "<https://user@evil.example/>", "<https://[bad/>", "<>", "<https://a.example/\u202e>", "<data:text/html,x>",
    ],
)  # fmt: skip
def test_what_nobody_may_press_on_is_nothing(value: str) -> None:
    assert list_fields([("List-Unsubscribe", value), ("List-Archive", value)]) == ListFields()


def test_one_click_needs_https_and_its_field() -> None:
    assert list_fields([LEAVE]) == ListFields(leave_page="https://a.example/?u=1")
    assert list_fields([LEAVE, POST]).one_click == "https://a.example/?u=1"
    for said in ("List-Unsubscribe=one-click", "One-Click", "List-Unsubscribe=One-Click; now", ""):
        found = list_fields([LEAVE, (POST[0], said)])
        assert (found.one_click, found.says_one_click) == ("", False)
    assert not list_fields([LEAVE, POST, POST]).says_one_click


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("<mailto:leave@a.example>, <https://a.example/x>", "https://a.example/x"),
        ("<https://a.example/x>, <http://a.example/x>", "https://a.example/x"),
        ("<https://a.example/x>, <https://b.example/x>", ""),
        ("<http://a.example/x>", ""),
        ("<mailto:leave@a.example>", ""),
        ("<https://ex\u00e4mple.org/x>", ""),
        ("<https://a.example:0/x>", ""),
        ("<https://a.example:99999/x>", ""),
        ("<https://me@a.example/x>", ""),
    ],
)
def test_exactly_one_https_address_is_asked(value: str, url: str) -> None:
    """RFC 8058 s.3.1."""
    found = list_fields([("List-Unsubscribe", value), POST])
    assert (found.one_click, found.says_one_click) == (url, True)


def test_a_field_that_stands_twice_says_nothing() -> None:
    twice = [("List-Unsubscribe", "<https://a.example/>"), ("List-Unsubscribe", "<https://b.example/>")]
    assert list_fields(twice) == ListFields()
