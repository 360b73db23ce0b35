"""What a mailing list says of itself, and what of that a person may press on."""

import pytest

from mua.mime.list_fields import ListFields, list_fields


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
    post = ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    assert list_fields([("List-Unsubscribe", "<http://a.example/>"), post]).one_click == ""
    assert list_fields([("List-Unsubscribe", "<https://a.example/>")]).one_click == ""


def test_a_field_that_stands_twice_says_nothing() -> None:
    twice = [("List-Unsubscribe", "<https://a.example/>"), ("List-Unsubscribe", "<https://b.example/>")]
    assert list_fields(twice) == ListFields()
