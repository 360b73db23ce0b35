"""What the person chose (settings.toml) and where the window was (state.ini): both written by the window, atomically.

Rules of the file: every setting has a default that most people never change; an unknown key or a wrong value in the
file is kept out, never an error; secrets are never here.
"""

import os
from collections.abc import Callable
from dataclasses import field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings

from mua.gui.key_sets import KeySet
from mua.gui.message_cards import Density
from mua.gui.theme import Appearance
from mua.language import LANGUAGES
from mua.model.kept_search import KeptSearch, kept_from, kept_line
from mua.model.snippet import Snippet, snippet_line, snippets_from
from mua.model.tag import TAGS, Tag, tag_line, tags_from
from mua.paths import Profile
from mua.records import dataclass


class Consent(StrEnum):
    """Whether the person agreed that the DNS is asked, about those who are written to or those who wrote."""

    ASK = "ask"
    YES = "yes"
    NO = "no"


class RemoteImages(StrEnum):
    """Whether a message offers to load its pictures from elsewhere."""

    ASK = "ask"
    NEVER = "never"


class ReadReceipts(StrEnum):
    """Whether a person is asked where a sender wants to be told that a message was read."""

    ASK = "ask"
    NEVER = "never"


class Writes(StrEnum):
    """The ways of writing a letter."""

    RICH = "rich"
    MARKDOWN = "markdown"
    PLAIN = "plain"


class Place(StrEnum):
    """Where an answer stands, seen from what it quotes."""

    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Preferences:
    """The settings.  ``keys`` maps an action's id to the keys that replace its own."""

    language: str = ""
    """A code of ``mua.language.LANGUAGES``, from the next start on; empty: the desktop's."""
    appearance: Appearance = Appearance.FOLLOW
    text_scale: float = 1.0
    density: Density = Density.CARDS
    notifications: bool = True
    notification_text: bool = True
    """Show sender and subject in notifications, not only how many."""
    notify_known: bool = False
    """Tell only of mail from people whom the person has written to."""
    notify_always: tuple[str, ...] = ()
    """Addresses, in lower case, whose mail is told of wherever it comes to."""
    archive_years: bool = False
    """What is archived goes below the archive, into a folder for the year in which it came."""
    tray: bool = False
    """An icon among the desktop's own, with what is unread."""
    tray_keeps: bool = False
    """Closing the window leaves it there, and mail goes on being told of."""
    tray_start: bool = False
    """A start shows that icon only."""
    mark_read_after: float = 0.0
    """Seconds until a message that is read counts as read; negative: never by itself."""
    conversations: bool = True
    """Show a message among the others of its conversation."""
    full_width: bool = False
    """Lines of a message may be as long as the reader is wide."""
    undo_send: int = 10
    """Seconds that a sent message waits, so that it can be taken back."""
    look_ahead: Consent = Consent.ASK
    check_signatures: Consent = Consent.ASK
    """Whether the signatures of what is read are checked, for which the DNS is asked."""
    signature: str = ""
    writing: Writes = Writes.RICH
    """How a new letter is written at first."""
    answer: Place = Place.ABOVE
    """Where an answer stands: above or below what it quotes."""
    answer_here: bool = False
    """Answers are written below the message, inside the window."""
    spelling: bool = True
    """Underline what is spelt wrong."""
    languages: tuple[str, ...] = ()
    """The dictionaries that are used for it; none: as ``spelling.languages_of`` says."""
    remote_images: RemoteImages = RemoteImages.ASK
    image_senders: tuple[str, ...] = ()
    """Addresses whose mail has its pictures loaded, where it is proven that it is theirs."""
    picture_proxy: str = ""
    """Through which pictures from elsewhere are loaded (``plan.proxy.proxy_of`` reads it); empty: directly."""
    read_receipts: ReadReceipts = ReadReceipts.ASK
    tags: tuple[Tag, ...] = TAGS
    snippets: tuple[Snippet, ...] = ()
    searches: tuple[KeptSearch, ...] = ()
    """Those in the sidebar."""
    key_set: KeySet = KeySet.BOTH
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)


def load(profile: Profile) -> Preferences:
    """The settings of a profile; defaults where the file says nothing (or nonsense)."""
    if not profile.settings.exists():
        return Preferences()
    import tomllib

    try:
        found = tomllib.loads(profile.settings.read_text("utf-8"))
    except (OSError, ValueError):
        return Preferences()
    values: dict[str, Any] = {}
    for one in fields(Preferences):
        if one.name in found:
            try:
                values[one.name] = _READERS[one.name](found[one.name])
            except (ValueError, TypeError, AttributeError):
                continue
    return replace(Preferences(), **values)


def save(profile: Profile, preferences: Preferences) -> None:
    """Write settings.toml (only what differs from the defaults), whole or not at all.  Raises OSError."""
    lines = []
    for one in fields(preferences):
        value = getattr(preferences, one.name)
        if one.name != "keys" and value != one.default:
            lines.append(f"{one.name} = {_toml(value)}")
    if preferences.keys:
        lines += ["", "[keys]"]
        lines += [f"{name} = [{', '.join(map(_toml, keys))}]" for name, keys in sorted(preferences.keys.items())]
    _write(profile.settings, "\n".join(lines) + "\n")


def state(profile: Profile) -> QSettings:
    """state.ini: window geometry, pane widths, the place shown last, collapsed accounts."""
    return QSettings(str(profile.state), QSettings.Format.IniFormat)


def _keys(value: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {str(name): tuple(str(key) for key in keys) for name, keys in value.items()}


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


_READERS: dict[str, Callable[[Any], object]] = {
    "language": lambda value: value if value in LANGUAGES else "",
    "appearance": Appearance,
    "text_scale": lambda value: min(2.0, max(0.75, _number(value))),
    "density": Density,
    "notifications": _switch,
    "notification_text": _switch,
    "notify_known": _switch,
    "notify_always": lambda value: tuple(_text(one).lower() for one in value)[:1000],
    "archive_years": _switch,
    "tray": _switch,
    "tray_keeps": _switch,
    "tray_start": _switch,
    "mark_read_after": _number,
    "conversations": _switch,
    "full_width": _switch,
    "undo_send": lambda value: min(600, max(0, int(_number(value)))),
    "look_ahead": Consent,
    "check_signatures": Consent,
    "signature": _text,
    "writing": Writes,
    "answer": Place,
    "answer_here": _switch,
    "spelling": _switch,
    "languages": lambda value: tuple(_text(one)[:30] for one in value)[:30],
    "remote_images": RemoteImages,
    "image_senders": lambda value: tuple(_text(one).lower() for one in value)[:1000],
    "picture_proxy": lambda value: _text(value)[:300],
    "read_receipts": ReadReceipts,
    "tags": tags_from,
    "snippets": snippets_from,
    "searches": kept_from,
    "key_set": KeySet,
    "keys": _keys,
}


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Tag):
        value = tag_line(value)
    if isinstance(value, KeptSearch):
        value = kept_line(value)
    if isinstance(value, Snippet):
        value = snippet_line(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(f"\\u{ord(one):04x}" if ord(one) < 32 or ord(one) == 127 else one for one in text) + '"'


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, "utf-8")
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
