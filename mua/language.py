"""The language that the window speaks: every text that a person sees passes ``tr`` or ``plural``.

Rules of the file: a text is its own key, in English, as ``str.format`` takes it; a translation that lacks is the
English text, never an error.  The catalogues are ``resources/translations/*.po``, read as they are when the window
starts, so there is nothing to compile and nothing to be out of date.  A language is chosen once, before ``mua.gui`` is
imported: a module may keep what ``tr`` gave it.  Everything but the window speaks English, which scripts read and logs
keep (docs/decisions/0051).
"""

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from mua.paths import resources
from mua.records import dataclass

MARKED = "x-marked"
"""English between ⟦ and ⟧: what stands outside was not given to ``tr``."""

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Language:
    """A language: how it calls itself, its locale for widgets (Latin digits, as in the catalogue), whether it is
    written from right to left, and what stands between thousands.
    """

    code: str
    name: str
    locale: str
    rtl: bool = False
    thousands: str = ","


LANGUAGES = {
    one.code: one
    for one in (
        Language("en", "English", "en_GB"),
        Language("de", "Deutsch", "de_DE", thousands="."),
        Language("ar", "العربية", "ar_TN", rtl=True),
    )
}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a .po file holds: texts by their English, all forms of those that count by their singular, and the rule."""

    texts: Mapping[str, str]
    forms: Mapping[str, tuple[str, ...]]
    form_of: Callable[[int], int]


@dataclass(frozen=True, slots=True)
class _Spoken:
    language: Language = LANGUAGES["en"]
    catalogue: Catalogue | None = None
    marked: bool = False


_spoken = _Spoken()


class _Number(int):
    """A number whose thousands are told apart as the language does it."""

    def __format__(self, how: str) -> str:
        text = super().__format__(how)
        return text.replace(",", _spoken.language.thousands) if "," in how else text


def wanted(settings: Path, environment: Mapping[str, str] = os.environ) -> str:
    """The code of the language to speak: what ``settings`` (settings.toml) says, else the desktop's, else ``en``."""
    chosen = environment.get("MUA_LANGUAGE", "")
    if not chosen and settings.exists():
        found = re.search(r'^language\s*=\s*"([\w-]+)"', settings.read_text("utf-8", "replace"), re.MULTILINE)
        chosen = found[1] if found else ""
    if chosen:
        return chosen if chosen in LANGUAGES or chosen == MARKED else "en"
    spoken = next((environment[one] for one in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(one)), "")
    if spoken.partition(".")[0] in ("", "C", "POSIX"):
        return "en"  # LANGUAGE counts for nothing there (gettext's own rule)
    for one in [*environment.get("LANGUAGE", "").split(":"), spoken]:
        code = re.split(r"[_.@]", one)[0]
        if code in LANGUAGES:
            return code
    return "en"


def choose(code: str) -> None:
    """Speak the language ``code`` from now on.  English where its catalogue is not there."""
    global _spoken
    file = resources() / "translations" / f"{code}.po"
    catalogue = read(file.read_text("utf-8")) if code != "en" and file.exists() else None
    _spoken = _Spoken(LANGUAGES[code] if catalogue else LANGUAGES["en"], catalogue, code == MARKED)


def language() -> Language:
    """The language that is spoken."""
    return _spoken.language


def tr(text: str, /, **values: object) -> str:
    """``text`` in the person's language, with ``values`` in place of their names in braces.

    Without values braces mean nothing.  ``{number:,}`` tells thousands apart.
    """
    if _spoken.catalogue is not None:
        text = _spoken.catalogue.texts.get(text, text)
    elif _spoken.marked and text:
        text = f"⟦{text}⟧"
    return fill(text, **values) if values else text


def noted(text: str) -> str:
    """``text`` as it stands in the code; the catalogues have it, and ``tr`` looks it up when it is shown."""
    return text


def sense(of: str, text: str) -> str:
    """``text`` where the same English words elsewhere mean something else (gettext's context)."""
    found = tr(f"{of}\x04{text}")
    return text if found.endswith(f"{of}\x04{text}") else found.replace(f"{of}\x04", "")


def plural(number: int, one: str, many: str, /, **values: object) -> str:
    """``one`` or ``many``, English sentences with ``{number:,}``, in the form that the language has for ``number``."""
    text = one if number == 1 else many
    if _spoken.catalogue is not None:
        forms = _spoken.catalogue.forms.get(one, ())
        form = _spoken.catalogue.form_of(number)
        text = forms[form] if form < len(forms) and forms[form] else text
    elif _spoken.marked:
        text = f"⟦{text}⟧"
    return fill(text, **{"number": number, **values})


def fill(text: str, /, **values: object) -> str:
    """``text``, which came from ``tr`` without values, with its values."""
    given = {name: _value(value) for name, value in values.items()}
    return text.format(**given)


def _value(value: object) -> object:
    if type(value) is int:
        return _Number(value)
    if _spoken.language.rtl and isinstance(value, str) and value:
        return f"\u2068{value}\u2069"  # isolated: a Latin name inside turns nothing around it
    return value


def inside(text: str) -> str:
    """``text``, which stands alone with a capital letter, within a sentence; German nouns keep theirs."""
    return text.lower() if _spoken.catalogue is None else text


def names() -> tuple[str, ...]:
    """Days and months, long and short: what ``strftime`` looks up."""
    return tuple(dict.fromkeys((*_DAYS, *_MONTHS, *(one[:3] for one in (*_DAYS, *_MONTHS)))))


def strftime(how: str, moment: time.struct_time) -> str:
    """``time.strftime`` with days and months in the person's language, whatever the process's locale is."""
    day, month = _DAYS[moment.tm_wday], _MONTHS[moment.tm_mon - 1]
    names = {"%A": day, "%a": day[:3], "%B": month, "%b": month[:3]}
    how = re.sub(r"%[AaBb]", lambda found: tr(names[found[0]]), how)
    return time.strftime(how, moment)


def read(po: str) -> Catalogue:
    """The catalogue that a .po file holds; entries that are empty or marked fuzzy are left out.

    Raises ValueError for what is no .po file.
    """
    texts: dict[str, str] = {}
    forms: dict[str, tuple[str, ...]] = {}
    head = ""
    for entry in entries(po):
        if not entry.text:
            head = entry.forms[0]
        elif entry.fuzzy or not all(entry.forms):
            continue
        elif entry.many:
            forms[entry.text] = entry.forms
        else:
            texts[entry.text] = entry.forms[0]
    rule = re.search(r"plural=([^;]+)", head)
    return Catalogue(texts, forms, _rule(rule[1] if rule else "n != 1"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a .po file: the English text, its plural (or empty), what they are in the language."""

    text: str
    many: str
    forms: tuple[str, ...]
    fuzzy: bool = False


def entries(po: str) -> list[Entry]:
    """Every entry of a .po file, the head (whose text is empty) first.  Raises ValueError."""
    found: list[Entry] = []
    parts: dict[str, str] = {}
    fuzzy, part = False, ""
    for line in [*po.splitlines(), ""]:
        if line.startswith('"'):
            parts[part] += json.loads(line)
        elif line.startswith("msg"):
            part, _, quoted = line.partition(" ")
            parts[part] = json.loads(quoted)
        elif line.startswith("#,"):
            fuzzy = "fuzzy" in line
        elif not line and parts:
            several = tuple(text for name, text in parts.items() if name.startswith("msgstr"))
            of = f"{parts['msgctxt']}\x04" if "msgctxt" in parts else ""
            found.append(Entry(of + parts["msgid"], parts.get("msgid_plural", ""), several, fuzzy))
            parts, fuzzy = {}, False
    return found


def _rule(plural_rule: str) -> Callable[[int], int]:
    from gettext import c2py  # only who has a catalogue needs it

    return c2py(plural_rule)
