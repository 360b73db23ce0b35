"""By which name a person is shown where there is room for one: in a list, a notification, above a quotation.

Rules of the file: a name that holds somebody else's address, or what could be read as one, never stands alone: the real
address is shown in its place.  A domain that could be taken for another one is shown as the DNS knows it (``xn--``).
Names and addresses come neutralised (``mime.text.neutralise``).  Loaded by every start: nothing heavy.
"""

import re
from collections.abc import Iterable
from typing import Final

from mua.model.address import Address

MAX_NAME: Final = 100  # characters; longer ones push the address out of sight
_LOOKED_AT: Final = 400  # characters of a name: no more of it is ever shown
_AT: Final = "@\uff20\ufe6b"  # and the forms that look like it
_ADDRESS_LIKE = re.compile(rf"[^\s<>()\[\]\"',;:{_AT}]+\s?[{_AT}]\s?[^\s<>()\[\]\"',;:{_AT}]+")
_TOGETHER: Final = (  # scripts that one word may have side by side (UTS 39 s.5.2, "highly restrictive")
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
_LOOKS: Final = {  # a Latin letter, and what is drawn like it (after the confusables of UTS 39)
    "a": "\u0430\u03b1\u0251\u0252",
    "b": "\u0432\u0184\u042c\u044c",
    "c": "\u0441\u03f2",
    "d": "\u0501\u0111",
    "e": "\u0435\u0454\u212e\u03b5",
    "f": "\u0192",
    "g": "\u0261\u0581",
    "h": "\u04bb\u0570\u0127\u043d",
    "i": "\u0456\u0131\u03b9\u0269\u026a",
    "j": "\u0458\u03f3\u0237",
    "k": "\u043a\u03ba",
    "l": "\u04cf\u0142\u01c0\u217c\u2113",
    "m": "\u043c\u217f",
    "n": "\u0578\u057c\u03b7",
    "o": "\u043e\u03bf\u0585\u00f8\u1d0f",
    "p": "\u0440\u03c1",
    "q": "\u051b\u0563",
    "r": "\u0433\u1d26",
    "s": "\u0455",
    "t": "\u0442\u03c4",
    "u": "\u057d\u03c5\u028b",
    "v": "\u0475\u03bd",
    "w": "\u051d\u0461\u03c9",
    "x": "\u0445\u03c7",
    "y": "\u0443\u03b3\u04af",
    "z": "\u0290\u1d22",
}
_LIKE_LATIN: Final = {one: latin for latin, many in _LOOKS.items() for one in many}


def person(one: Address) -> str:
    """Who this is in one word: the name where it is honest, else the real address; empty where there is neither."""
    address = real(one.address)
    if not any(map(str.isalnum, one.name)) or lies(one):
        return address
    return one.name if len(one.name) <= MAX_NAME else one.name[: MAX_NAME - 1].rstrip() + "\u2026"


def people(many: Iterable[Address], limit: int = 3) -> str:
    """Everybody who says to have written a message: several by their addresses, since one of them may be a lure."""
    everybody = list(many)
    reached = [one for one in everybody if one.address]
    if len(reached) == 1:
        return person(reached[0])
    named = [real(one.address) for one in reached] or [one.name for one in everybody if one.name and not lies(one)]
    return ", ".join(named[:limit]) + (f" +{len(named) - limit}" if len(named) > limit else "")


def lies(one: Address) -> bool:
    """Whether a name holds what a reader would take for an address, and it is not the person's own."""
    name = one.name[:_LOOKED_AT]
    if not any(at in name for at in _AT):
        return False
    return any(found.replace(" ", "").lower() != one.address.lower() for found in _ADDRESS_LIKE.findall(name))


def real(address: str) -> str:
    """An address as it is shown: its domain as the DNS knows it where it could be taken for another one."""
    if address.isascii():
        return address
    local, at, domain = address.rpartition("@")
    return local + at + ".".join(a_label(one) if imitates(one, domain) else one for one in domain.split("."))


def imitates(label: str, domain: str) -> bool:
    """Whether a label mixes scripts that nobody mixes honestly, or is drawn as a Latin one in a Latin domain."""
    if label.isascii():
        return False
    found = scripts(label)
    if len(found) > 1 and not any(found <= one for one in _TOGETHER):
        return True
    last = domain.rpartition(".")[2]
    return found != {"LATIN"} and last.isascii() and drawn(label).isascii()


def scripts(text: str) -> set[str]:
    """The scripts that the letters of a text belong to; digits, marks and signs belong to all."""
    from unicodedata import category, name

    return {name(one, "?").split(" ")[0].split("-")[0] for one in text if category(one)[0] == "L"} - {"FULLWIDTH"}


def drawn(text: str) -> str:
    """What a text looks like: compatibility forms and accents gone, letters that are drawn as Latin ones replaced."""
    from unicodedata import category, normalize

    plain = (one for one in normalize("NFKD", text.lower()) if category(one) != "Mn")
    return "".join(_LIKE_LATIN.get(one, one) for one in plain).lower()


def a_label(label: str) -> str:
    """A label as the DNS knows it (RFC 5890 s.2.3.2.1), whether it could be registered or not."""
    from unicodedata import normalize

    if label.isascii():
        return label
    return "xn--" + normalize("NFKC", label).lower().encode("punycode", "replace").decode("ascii")
