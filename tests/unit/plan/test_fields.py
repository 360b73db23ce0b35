"""Fields in texts that are kept."""

import pytest

from mua.mime.markdown import from_markdown, to_markdown
from mua.model.snippet import Snippet, is_word, snippet_line, snippets_from
from mua.plan.fields import fill, fill_prose, first_name, names

VALUES = {"name": "Amara Okoye", "first name": "Amara", "empty": "", "trick": "{{name}}"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Dear {{first name}},", "Dear Amara,"),
        ("Dear {{ First  NAME }},", "Dear Amara,"),
        ("Dear {{empty|colleague}},", "Dear colleague,"),
        ("Dear {{empty}}!", "Dear !"),
        ("{{nobody|x}} {{cursor}}", "{{nobody|x}} {{cursor}}"),  # no answer: it stays, and is seen
        ("{{trick}}", "{{name}}"),  # an answer is no text with fields
        ("{{}} {{a{{name}} } {name}", "{{}} {{aAmara Okoye } {name}"),
    ],
)
def test_fields_are_filled_in(text: str, filled: str) -> None:
    assert fill(text, VALUES) == filled


def test_a_text_with_formats_keeps_them() -> None:
    source = "# {{name}}\n\n- **{{first name}}** [write](mailto:{{empty|a@b.example}})\n\n| a |\n| --- |\n| {{name}} |"
    text = to_markdown(fill_prose(from_markdown(source), VALUES))
    assert "# Amara Okoye" in text
    assert "**Amara** [write](mailto:a@b.example)" in text
    assert "| Amara Okoye |" in text


def test_an_answer_inside_a_link_is_escaped_there() -> None:
    (block,) = fill_prose(from_markdown("[go](https://x.example/?who={{name}}&c={{c}})"), {"name": "A&B /c d"})
    assert block.runs[0].link == "https://x.example/?who=A%26B%20%2Fc%20d&c=%7B%7Bc%7D%7D"


def test_lines_of_an_answer_stay_lines_of_one_paragraph() -> None:
    (block,) = fill_prose(from_markdown("To {{where}}"), {"where": "Hall 3\nGround floor"})
    assert block.text == "To Hall 3\u2028Ground floor"


def test_the_fields_of_a_text() -> None:
    assert names("{{Name}} {{ name|x}} {{Seat No}}") == ("name", "seat no")


@pytest.mark.parametrize(
    ("name", "first"), [("Amara Okoye", "Amara"), ("Okoye, Amara B.", "Amara"), ("Okoye,", "Okoye"), ("", "")]
)
def test_what_a_person_is_called_by(name: str, first: str) -> None:
    assert first_name(name) == first


def test_snippets_are_lines_of_the_settings() -> None:
    some = (Snippet("thanks", "Dear {{name}} = you,\n\n**thanks**"), Snippet("mfg", "Mit freundlichen Grüßen"))
    assert snippets_from([snippet_line(one) for one in some]) == some
    assert snippets_from(["no mark", "two words = x", "empty = ", "a = 1", "A = 2", 3]) == (Snippet("a", "1"),)
    assert snippets_from("a = 1") == ()
    assert not is_word("x" * 31) and is_word("v1.2-b") and not is_word("-x")
