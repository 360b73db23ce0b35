"""Tags: IMAP keywords that a person gave a name and a colour, and keywords as wishes.

A wish is a string of words ``+name`` and ``-name``: the keywords that a person wants set and cleared.  Keywords are
compared without regard to case (RFC 9051 s.2.3.2), and written as they were first seen.
"""

import re
from collections.abc import Iterable
from zlib import crc32

from mua.language import tr
from mua.records import dataclass

MAX_NAME = 60  # characters of a keyword or of a tag's name
_KEYWORD = re.compile(r"[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]{1,200}")  # an atom (RFC 9051 s.9) that is no system flag
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_HIDDEN = {"nonjunk", "junk", "notjunk", "$phishing", "$notphishing", "$hasattachment", "$hasnoattachment", "$mdnsent",
           "$submitpending", "$submitted", "$istrusted", "$hasmemo", "$hasnomemo", "$autosent", "$canunsubscribe",
           "$unsubscribed", "$memo", "$muted", "$followed", "$new", "$snoozed", "redirected", "receipt-handled",
           "unsubscribed"}  # fmt: skip
"""Keywords of programs for themselves (RFC 9979 and others): no tags of a person."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag.  ``colour`` is ``#rrggbb``."""

    keyword: str
    name: str
    colour: str


TAGS = (
    Tag("$label1", tr("Important"), "#d93636"),
    Tag("$label2", tr("Work"), "#d97706"),
    Tag("$label3", tr("Personal"), "#2e9e4f"),
    Tag("$label4", tr("To do"), "#2f6fde"),
    Tag("$label5", tr("Later"), "#8e44ad"),
)
"""As Thunderbird has them, so that both show the same."""
COLOURS = ("#0e8a94", "#b8478f", "#7a6a1f", "#5b63c7", "#a3512b", "#4d7d1e", "#6b7280")


def is_keyword(name: str) -> bool:
    """Whether ``name`` can be a keyword on a server."""
    return _KEYWORD.fullmatch(name) is not None


def keyword_of(name: str) -> str:
    """A keyword for a tag that is to be called ``name``: other programs should be able to read it."""
    word = re.sub(r"[^a-z0-9_-]+", "_", name.casefold()).strip("_")[:MAX_NAME]
    plain = name.isascii() and word
    return word if plain else f"tag-{crc32(name.casefold().encode('utf-8', 'replace')):08x}"


def tag_of(keyword: str, tags: Iterable[Tag] = TAGS) -> Tag | None:
    """What a person sees of a keyword: their tag, or one by the keyword's own name; None: a program's own mark."""
    folded = keyword.casefold()
    for one in tags:
        if one.keyword.casefold() == folded:
            return one
    if folded in _HIDDEN:
        return None
    for one in TAGS:
        if one.keyword == folded:
            return one
    return Tag(keyword, keyword.lstrip("$").replace("_", " "), colour_for(keyword))


def colour_for(keyword: str) -> str:
    """The colour of a tag for which nobody chose one."""
    return COLOURS[crc32(keyword.casefold().encode()) % len(COLOURS)]


def tag_named(name: str, tags: Iterable[Tag] = TAGS) -> Tag | None:
    """The tag of this name or keyword, in any letter case."""
    folded = name.strip().casefold()
    return next((one for one in tags if folded in (one.name.casefold(), one.keyword.casefold())), None)


def tag_line(tag: Tag) -> str:
    """A tag as a line of the settings: ``$label1 #d93636 Important``."""
    return f"{tag.keyword} {tag.colour} {tag.name}"


def tag_from(line: str) -> Tag:
    """The reverse; raises ValueError."""
    keyword, colour, name = line.strip().split(" ", 2)
    if not is_keyword(keyword) or not _COLOUR.fullmatch(colour) or not name.strip():
        raise ValueError(line)
    return Tag(keyword, name.strip()[:MAX_NAME], colour.lower())


def tags_of(keywords: Iterable[str], tags: tuple[Tag, ...] = TAGS) -> tuple[Tag, ...]:
    """The tags of a message, in the person's order, then those that only other programs know."""
    found = {one.keyword.casefold(): one for name in keywords if (one := tag_of(name, tags))}
    order = {one.keyword.casefold(): place for place, one in enumerate(tags)}
    return tuple(found[key] for key in sorted(found, key=lambda key: (order.get(key, len(order)), key)))


def tags_from(lines: object) -> tuple[Tag, ...]:
    """The tags of a list of lines, as the settings hold it; what is none is left out, and without any, ``TAGS``."""
    found: dict[str, Tag] = {}
    for line in lines if isinstance(lines, list | tuple) else ():
        try:
            one = tag_from(str(line))
        except ValueError:
            continue
        found.setdefault(one.keyword.casefold(), one)
    return tuple(found.values()) or TAGS


# ---- wishes
def wish(add: Iterable[str] = (), remove: Iterable[str] = ()) -> str:
    """These words as a wish."""
    return " ".join([*(f"+{one}" for one in add), *(f"-{one}" for one in remove)])


def parts_of(wished: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(what is to be set, what is to be cleared)."""
    words = wished.split()
    return tuple(one[1:] for one in words if one[0] == "+"), tuple(one[1:] for one in words if one[0] == "-")


def joined(earlier: str, later: str) -> str:
    """Two wishes as one: where they contradict each other, the later stands."""
    found = {word[1:].casefold(): word for word in (*earlier.split(), *later.split())}
    return " ".join(sorted(found.values()))


def without(wished: str, fulfilled: str) -> str:
    """What of a wish is not among those that were fulfilled, or was wished otherwise meanwhile."""
    done = {word.casefold() for word in fulfilled.split()}
    return " ".join(word for word in wished.split() if word.casefold() not in done)


def shown(keywords: Iterable[str], wished: str) -> tuple[str, ...]:
    """Keywords with a wish applied, sorted."""
    found = {one.casefold(): one for one in keywords}
    for word in wished.split():
        if word[0] == "+":
            found.setdefault(word[1:].casefold(), word[1:])
        else:
            found.pop(word[1:].casefold(), None)
    return tuple(sorted(found.values()))


def unfulfilled(keywords: Iterable[str], wished: str) -> str:
    """What of a wish the server has not, where it says that it has just these keywords."""
    there = {one.casefold() for one in keywords}
    return " ".join(word for word in wished.split() if (word[1:].casefold() in there) != (word[0] == "+"))


def reverse(before: Iterable[str], wished: str) -> str:
    """The wish that takes ``wished`` back where these keywords were shown before."""
    undone = {"+": "-", "-": "+"}
    return " ".join(undone[word[0]] + word[1:] for word in unfulfilled(before, wished).split())
