"""Letters that nobody wrote: documents with every format, made from a seed, and the messages that they are sent as."""

import random
import re
from dataclasses import dataclass

from mua.mime.build import build, freeze
from mua.mime.prose_html import from_html, to_html
from mua.mime.prose_text import to_text
from mua.model.address import Address
from mua.model.outgoing import Draft, DraftAttachment
from mua.model.prose import Block, Image, Kind, Prose, Run, is_formatted

WORDS = (
    "hello plan *star* under_score _it_ a*b `tick` [x](y) <b>tag</b> &amp; & C# # 1. 2) - + > | a|b ~~no~~ \\ \\* !"
    " ![alt] http://example.org/a_b_c?x=1&y=2 www.example.org me@example.org -- --- === Grüße 日本語 עברית 🙂 e\u0301"
    " ``` `` don't \"quoted\" **bold** __init__ [ref]: 100% $x^2$ (a) {b} ~ ^ = : ; , . ... … – — 10) 0. * * *"
).split(" ")  # fmt: skip


def runs(chance: random.Random, most: int = 6) -> tuple[Run, ...]:
    made: list[Run] = []
    for _ in range(chance.randrange(most)):
        text = " ".join(chance.choice(WORDS) for _ in range(chance.randrange(1, 5)))
        text = chance.choice(["", " "]) + text + chance.choice(["", " "])
        looks = [chance.random() < 0.2 for _ in range(3)]
        code = chance.random() < 0.1
        link = "https://example.org/x_(y)?a=1&b=2" if chance.random() < 0.15 else ""
        colour = "#b00020" if chance.random() < 0.1 and not link else ""
        made.append(Run(text, *looks, code, link, colour))
        if chance.random() < 0.05:
            made.append(Run("", image=Image("a@b", "a picture", 30, 20)))
    return tuple(made)


def block(chance: random.Random) -> Block:
    kind = chance.choice([Kind.TEXT] * 8 + [Kind.BULLET, Kind.NUMBER] * 2 + [Kind.HEADING, Kind.CODE, Kind.TABLE])
    quote = chance.choice([0, 0, 0, 1, 2])
    if kind is Kind.TABLE:
        columns = chance.randrange(1, 4)
        rows = tuple(tuple(runs(chance, 3) for _ in range(columns)) for _ in range(chance.randrange(1, 5)))
        return Block((), kind, 0, quote, rows)
    if kind is Kind.CODE:
        return Block((Run("  " + " ".join(chance.choice(WORDS) for _ in range(4))),), kind, 0, quote)
    level = chance.randrange(1, 4) if kind is not Kind.TEXT else 0
    return Block(runs(chance), kind, level, quote)


def prose(seed: int) -> Prose:
    chance = random.Random(seed)
    return tuple(block(chance) for _ in range(chance.randrange(1, 25)))


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def visible(written: Prose) -> list[str]:
    """The words that a reader of the HTML sees: without what a list puts before its items, and without addresses."""
    lines = (line for one in written for line in ((one.runs,) if one.kind is not Kind.TABLE else sum(one.rows, ())))
    return words("\n".join("".join(run.text for run in line) for line in lines))


@dataclass(frozen=True)
class Sent:
    """A letter: what was written, both forms of it, and what leaves."""

    prose: Prose
    text: str
    html: str
    wire: bytes


def letter(seed: int) -> Sent:
    """What ``seed`` is sent as: with a blind copy, a picture in the text and a file."""
    written = from_html(to_html(prose(seed)), pictures=lambda _: True)
    text = "\n".join(line.rstrip() for line in to_text(written).split("\n"))
    people = (Address('Örtlich, "Q" ' + "long " * 30, "a@example.org"),)
    draft = Draft(
        Address("Me", "me@example.org"), to=people, bcc=(Address("", "hidden@example.net"),),
        subject=" ".join(WORDS[seed % 40 : seed % 40 + 12]), text=text,
        html=to_html(written) if is_formatted(written) else "",
    )  # fmt: skip
    picture = DraftAttachment("/x/a.png", type="image/png", content_id="a@b")
    file = DraftAttachment(f"/x/{WORDS[seed % len(WORDS)]}.pdf")
    files = [(picture, b"\x89PNG"), (file, bytes(range(256)))]
    raw = build(draft, files, now=1_700_000_000, message_id="m@example.org")
    return Sent(written, text, draft.html, freeze(raw, now=1_700_000_000, message_id_if_missing="x@y").wire)
