"""Which keys do what: ready sets after the habits of other programs, the person's own, and what contradicts itself.

Rules of the file: no widget.  ``Deed.keys`` is the usual set, which has Thunderbird's and Gmail's habits beside each
other; another set says what differs from it; a person's own keys replace an action's keys altogether.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from mua.gui.actions import DEEDS
from mua.language import tr

Keys = Mapping[str, tuple[str, ...]]


class KeySet(StrEnum):
    """Whose habits."""

    BOTH = "both"
    THUNDERBIRD = "thunderbird"
    GMAIL = "gmail"
    VI = "vi"


SET_NAMES = {
    KeySet.BOTH: tr("Mua's"),
    KeySet.THUNDERBIRD: tr("Thunderbird's"),
    KeySet.GMAIL: tr("Gmail's"),
    KeySet.VI: tr("vi's"),
}
_THUNDERBIRD: dict[str, tuple[str, ...]] = {
    "compose": ("Ctrl+N", "Ctrl+M"),
    "reply": ("Ctrl+R",),
    "reply_all": ("Ctrl+Shift+R",),
    "forward": ("Ctrl+L",),
    "archive": ("A",),
    "delete": ("Delete",),
    "junk": ("J",),
    "move": ("Ctrl+Shift+M",),
    "mark_read": ("M",),
    "mark_unread": ("Shift+M",),
    "next": ("F",),
    "previous": ("B",),
    "next_inside": ("Alt+F",),
    "previous_inside": ("Alt+B",),
    "next_unread": ("N",),
    "snooze": ("Ctrl+Shift+S",),
    "undo": ("Ctrl+Z",),
    "search": ("Ctrl+Shift+K", "Ctrl+Shift+F"),
    "fetch": ("F5", "Shift+F5"),
}
_GMAIL: dict[str, tuple[str, ...]] = {
    "compose": ("C",),
    "reply": ("R",),
    "reply_all": ("A",),
    "forward": ("F",),
    "archive": ("E", "Y"),
    "delete": ("#",),
    "move": ("V",),
    "tag": ("L",),
    "list": ("Shift+L",),
    "undo": ("Z",),
    "search": ("/",),
    **{f"tag_{one}": () for one in range(1, 10)},
    "untag": (),
}
_VI: dict[str, tuple[str, ...]] = {
    "compose": ("M",),
    "reply": ("R",),
    "reply_all": ("Shift+R",),
    "reply_here": (),
    "forward": ("F",),
    "archive": ("A",),
    "delete": ("D,D",),
    "delete_forever": ("Shift+D",),
    "move": ("S",),
    "star": ("*",),
    "original": (),
    "next": ("J",),
    "previous": ("K",),
    "next_inside": ("Ctrl+N",),
    "previous_inside": ("Ctrl+P",),
    "next_unread": ("N",),
    "back": ("H", "Escape"),
    "undo": ("U",),
    "print": (),
    "search": ("/",),
    "palette": (":", "Ctrl+K"),
    "quit": ("Shift+Z,Shift+Z", "Ctrl+Q"),
    "width": (),
    "unfold": ("Z,O",),
    "fold": ("Z,C",),
}
_SETS: dict[KeySet, dict[str, tuple[str, ...]]] = {
    KeySet.BOTH: {},
    KeySet.THUNDERBIRD: _THUNDERBIRD,
    KeySet.GMAIL: _GMAIL,
    KeySet.VI: _VI,
}


def keys_of_set(chosen: KeySet) -> dict[str, tuple[str, ...]]:
    """Every action's keys in a set."""
    return {deed.id: deed.keys for deed in DEEDS} | _SETS[chosen]


def effective(chosen: KeySet, own: Keys) -> dict[str, tuple[str, ...]]:
    """Every action's keys: the set's, where the person has none of their own."""
    known = keys_of_set(chosen)
    return known | {name: keys for name, keys in own.items() if name in known}


def conflicts(keys: Keys) -> list[tuple[str, tuple[str, ...]]]:
    """(key, actions) of keys that mean more than one thing: the same, or one begins as another does ("G", "G,I")."""
    users: dict[str, list[str]] = {}
    for name, some in keys.items():
        for key in some:
            users.setdefault(_plain(key), []).append(name)
    found = [(key, tuple(names)) for key, names in users.items() if len(names) > 1]
    starts = {key.split(",")[0] for key in users if "," in key}
    for key in sorted(starts & users.keys()):
        longer = [name for other, names in users.items() if other.startswith(f"{key},") for name in names]
        found.append((key, tuple(dict.fromkeys([*users[key], *longer]))))
    return sorted(found)


def clashing(name: str, wanted: Iterable[str], keys: Keys) -> list[str]:
    """The other actions that would share a key with ``name`` if it had ``wanted``."""
    changed = dict(keys) | {name: tuple(wanted)}
    return sorted({other for _, names in conflicts(changed) if name in names for other in names if other != name})


def _plain(key: str) -> str:
    return ",".join(part.strip() for part in key.replace(", ", ",").split(",")) if key != "," else key
