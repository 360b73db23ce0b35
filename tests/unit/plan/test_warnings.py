"""What should be looked at before a letter goes."""

from dataclasses import replace

import pytest

from mua.model.address import Address
from mua.plan.warnings import HINTS, Facts, Kind, hidden_from, speaks_of_attachment, warnings

ANNA, BEN = Address("Anna", "anna@x.example"), Address("", "ben@x.example")
FINE = Facts("me@x.example", (ANNA,), subject="Hello", text="How are you?")
CROWD = tuple(Address("", f"p{number}@x.example") for number in range(30))


def kinds(facts: Facts) -> list[Kind]:
    return [one.kind for one in warnings(facts)]


def test_an_ordinary_letter_is_not_held_up() -> None:
    assert warnings(FINE) == []
    assert warnings(replace(FINE, answers=True, came_to="ME@x.example", limit=1000, octets=1000)) == []


@pytest.mark.parametrize(
    "changed, kind",
    [
        ({"answers": True, "came_to": "shop@x.example"}, Kind.FROM),
        ({"answers": True, "to": CROWD[:12]}, Kind.MANY),
        ({"answers": True, "hidden": True, "to": (ANNA,), "cc": (BEN,)}, Kind.HIDDEN),
        ({"bcc": (Address("A", "Anna@x.example"),)}, Kind.SEEN),
        ({"to": CROWD}, Kind.SEEN),
        ({"octets": 26_000_000, "limit": 25_000_000}, Kind.SIZE),
        ({"text": "The plan is attached."}, Kind.FILE),
        ({"subject": " "}, Kind.SUBJECT),
    ],
)
def test_each_mistake_is_named(changed: dict[str, object], kind: Kind) -> None:
    (one,) = warnings(replace(FINE, **changed))  # type: ignore[arg-type]
    assert one.kind is kind
    assert one.text.endswith(".")


def test_a_blind_copy_that_is_answered_to_its_author_alone_tells_nobody() -> None:
    assert kinds(replace(FINE, answers=True, hidden=True, to=(ANNA,))) == []


@pytest.mark.parametrize(
    "language, text",
    [
        ("en", "I have attached the plan"), ("en", "see the enclosed form"), ("de", "Im Anhang findest du den Plan"),
        ("de", "anbei der Plan"), ("fr", "Vous trouverez en pièce jointe"), ("fr", "ci-joint le plan"),
        ("es", "adjunto el plan"), ("it", "in allegato il piano"), ("pt", "segue em anexo"), ("nl", "zie de bijlage"),
        ("sv", "jag bifogar planen"), ("da", "planen er vedhæftet"), ("pl", "w załączniku"), ("ru", "файл во вложении"),
        ("ja", "資料を添付します"), ("zh", "请看附件"), ("cs", "v příloze posílám"), ("tr", "plan ektedir, ekte"),
    ],
)  # fmt: skip
def test_attachments_are_spoken_of_in_many_languages(language: str, text: str) -> None:
    assert language in HINTS
    assert speaks_of_attachment(f"Hello,\n{text}.\n", "")


@pytest.mark.parametrize(
    "text",
    [
        "> the plan is attached", "Hi\n\n-- \nMy attached signature", "See you\n-------- Forwarded message\nattached",
        "We are quite attracted", "der Anhänger kommt", "la pieza junta",
    ],
)  # fmt: skip
def test_what_is_quoted_or_only_looks_alike_is_no_attachment(text: str) -> None:
    assert not speaks_of_attachment(text, "Plan")


def test_a_blind_copy_is_told_from_a_list() -> None:
    assert hidden_from(["me@x.example"], [ANNA], False)
    assert not hidden_from(["me@x.example"], [ANNA], True)
    assert not hidden_from(["me@x.example"], [Address("", "Me@X.example")], False)
    assert not hidden_from(["me@x.example"], [], False)
