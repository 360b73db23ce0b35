"""The window's languages: what is looked up and how, that every text is looked up, and what the catalogues hold."""

import ast
import importlib
import re
import string
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mua import language
from mua.gui.engine_words import SENTENCES, said
from mua.language import MARKED, entries, fill, plural, sense, tr, wanted
from mua.net import tls
from mua.plan.completion import DAYS
from mua.plan.periods import period

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "packaging"))  # a folder of scripts, and the name of a library
translations = importlib.import_module("translations")
CATALOGUES = sorted((ROOT / "resources" / "translations").glob("*.po"))
FORMS = {"de": 2, "ar": 6}


@pytest.fixture(autouse=True)
def english_afterwards() -> Iterator[None]:
    yield
    language.choose("en")


@pytest.fixture(scope="module")
def texts() -> list[Any]:
    """What ``tr`` is given, everywhere in the program."""
    found: list[Any] = translations.texts()
    return found


def speak(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str, *lines: str) -> None:
    """Speak ``code`` with a catalogue of the test."""
    (folder / "translations").mkdir()
    rules = {"de": "nplurals=2; plural=n != 1;", "ar": _rule_of("ar")}
    head = ['msgid ""', 'msgstr ""', f'"Plural-Forms: {rules[code]}\\n"', ""]
    (folder / "translations" / f"{code}.po").write_text("\n".join([*head, *lines]) + "\n", "utf-8")
    monkeypatch.setattr(language, "resources", lambda: folder)
    language.choose(code)


def _rule_of(code: str) -> str:
    path = next(one for one in CATALOGUES if one.stem == code)
    return entries(path.read_text("utf-8"))[0].forms[0].partition("Plural-Forms: ")[2].partition("\n")[0]


def test_english_is_what_stands_in_the_code() -> None:
    assert tr("Move {messages} to", messages="3 messages") == "Move 3 messages to"
    assert tr("Braces {mean} nothing without values") == "Braces {mean} nothing without values"
    assert plural(1, "{number:,} message", "{number:,} messages") == "1 message"
    assert plural(1204, "{number:,} message", "{number:,} messages") == "1,204 messages"


def test_a_catalogue_is_looked_up_and_what_lacks_stays_english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    speak(
        monkeypatch, tmp_path, "de",
        'msgid "Archive"', 'msgstr "Archivieren"', "",
        'msgid "Go to {name}"', 'msgstr ""', '"Gehe zu "', '"{name}"', "",
        'msgctxt "folder"', 'msgid "Archive"', 'msgstr "Archiv"', "",
        "#, fuzzy", 'msgid "Delete"', 'msgstr "Weg damit"', "",
        'msgid "{number:,} message"', 'msgid_plural "{number:,} messages"',
        'msgstr[0] "{number:,} Nachricht"', 'msgstr[1] "{number:,} Nachrichten"',
    )  # fmt: skip
    assert (tr("Archive"), tr("Delete"), tr("Reply")) == ("Archivieren", "Delete", "Reply")
    assert tr("Go to {name}", name="Berlin") == "Gehe zu Berlin"
    assert plural(1, "{number:,} message", "{number:,} messages") == "1 Nachricht"
    assert plural(1204, "{number:,} message", "{number:,} messages") == "1.204 Nachrichten"
    assert fill(tr("Go to {name}"), name="Rom") == "Gehe zu Rom"
    assert (sense("folder", "Archive"), sense("chest", "Archive")) == ("Archiv", "Archive")


def test_arabic_has_six_forms_and_keeps_names_of_other_scripts_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = ("zero", "one", "two", "few", "many", "other")
    forms = [f'msgstr[{place}] "{name} {{number:,}}"' for place, name in enumerate(names)]
    speak(monkeypatch, tmp_path, "ar", 'msgid "{number:,} day"', 'msgid_plural "{number:,} days"', *forms)
    said = [plural(number, "{number:,} day", "{number:,} days").split()[0] for number in (0, 1, 2, 3, 10, 11, 99, 100)]
    assert said == ["zero", "one", "two", "few", "few", "many", "many", "other"]
    assert tr("Go to {name}", name="Berlin") == "Go to \u2068Berlin\u2069"
    assert language.language().rtl


def test_days_and_months_are_those_of_the_language(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    moment = time.strptime("2026-05-06 09:05", "%Y-%m-%d %H:%M")
    assert language.strftime("%a %d %b %Y, %H:%M", moment) == "Wed 06 May 2026, 09:05"
    speak(monkeypatch, tmp_path, "de", 'msgid "Wednesday"', 'msgstr "Mittwoch"', "", 'msgid "May"', 'msgstr "Mai"')
    assert language.strftime("%A, %d. %B %Y", moment) == "Mittwoch, 06. Mai 2026"


@pytest.mark.parametrize(
    "environment, expected",
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "ar_EG.UTF-8"}, "ar"),
        ({"LANG": "fr_FR.UTF-8", "LANGUAGE": "nl:ar:de"}, "ar"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "de"}, "en"),
        ({"LANG": "xx"}, "en"),
        ({"MUA_LANGUAGE": MARKED, "LANG": "de_DE.UTF-8"}, MARKED),
    ],
)
def test_the_language_is_the_desktops(tmp_path: Path, environment: dict[str, str], expected: str) -> None:
    assert wanted(tmp_path / "settings.toml", environment) == expected


def test_the_settings_choose_before_the_desktop(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('density = "table"\nlanguage = "ar"\n')
    assert wanted(settings, {"LANG": "de_DE.UTF-8"}) == "ar"
    settings.write_text('language = "tlh"\n')
    assert wanted(settings, {"LANG": "de_DE.UTF-8"}) == "en"


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_translation_has_the_fields_of_its_text(path: Path) -> None:
    """A field that the code does not give would raise where it is shown; a first blank parts sentences."""
    wrong = []
    for entry in entries(path.read_text("utf-8"))[1:]:
        for form in filter(None, entry.forms):
            rest = {"number"} if entry.many else set[str]()
            if _fields(form) - _fields(entry.text) - _fields(entry.many) or (
                _fields(entry.text) - _fields(form) - rest
            ):
                wrong.append((entry.text, form))
            if (entry.text[:1] == " ") != (form[:1] == " "):
                wrong.append((entry.text, form))  # at its end Arabic's "and" has none
        if entry.many and len(entry.forms) != FORMS[path.stem]:
            wrong.append((entry.text, "number of forms"))
    assert not wrong


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_the_catalogues_know_the_texts_of_the_code(path: Path, texts: list[Any]) -> None:
    """What is new in the code may wait for its translators; of a hundred texts no more than five do."""
    known = {(one.text, one.many) for one in entries(path.read_text("utf-8")) if all(one.forms)}
    lacking = [one.text for one in texts if (one.text, one.many) not in known]
    assert len(lacking) <= len(texts) // 20, lacking


def test_renewing_keeps_what_is_translated(texts: list[Any]) -> None:
    po = CATALOGUES[0].read_text("utf-8")
    again = translations.renewed(po, texts)
    had = {one.text: one.forms for one in entries(po) if all(one.forms)}
    now = {one.text: one.forms for one in entries(again)}
    gone = set(had) - set(now)
    assert {text: now[text] for text in had if text not in gone} == {
        text: had[text] for text in had if text not in gone
    }


# ---- every text of the window passes tr
_NOT_SHOWN = {
    *(
        "cast",
        "strftime",
        "compile",
        "match",
        "fullmatch",
        "split",
        "replace",
        "startswith",
        "removeprefix",
        "partition",
    ),
    *("QKeySequence", "setShortcut", "setShortcuts", "setObjectName", "setProperty", "setStyleSheet", "getattr"),
    *("info", "debug", "warning", "error", "exception", "findChild", "setApplicationName", "setStyle", "_call", "draw"),
}
_KEY = re.compile(r"(Ctrl|Shift|Alt|Meta)\+\S+|Escape|Esc|Enter|Delete|Return|Left|Right|[A-Z]\w*[a-z][A-Z]\w*|\w+\[.*")
_CODE = re.compile(r"[{<;=\\|]|px|^--|%[aAbBdHYMS]|^[\w.]+\.\w+$|/\*|^\[|:\"|^[_:]\w")
_OF_PROGRAMS = {"body_marks.py", "web_page.py", "rich_text.py", "theme.py", "paper.py", "journal.py", "hearing.py"}


def untold(source: str) -> Iterator[tuple[int, str]]:
    """Literals that look like what a person reads and were not given to ``tr``."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(one.value for one in node.values if isinstance(one, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if not re.search(r"[A-Z][a-z]+|[a-z]{2,} [a-z]|[a-z]{2,} $|^ [a-z]{2,}", text):
            continue
        if _KEY.fullmatch(text) or _CODE.search(text) or text == "Mua" or text == " - Mua":
            continue
        if not any(_hides(node, above) for node, above in _up(node, parents)):
            yield node.lineno, text


def _up(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[tuple[ast.AST, ast.AST]]:
    while node in parents:
        yield node, parents[node]
        node = parents[node]


def _hides(node: ast.AST, above: ast.AST) -> bool:
    """What stands there is not shown, or was given to ``tr``."""
    match above:
        case ast.Call(func=function, args=arguments):
            name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
            told = {"tr", "noted", "sense", "plural", "count"} | _NOT_SHOWN
            return (name in told and node in arguments) or (name == "Deed" and node in arguments[2:])
        case ast.Expr() | ast.JoinedStr():
            return isinstance(node, ast.Constant)
        case ast.arg() | ast.Raise() | ast.Compare():
            return True
        case ast.AnnAssign(annotation=annotation):
            return node is annotation
        case ast.FunctionDef(returns=returns) | ast.AsyncFunctionDef(returns=returns):
            return node is returns
        case ast.Attribute(attr="split"):  # a list of words
            return True
        case ast.Subscript(slice=inside):
            return node is inside
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name == "__all__"
        case _:
            return False


def test_every_text_of_the_window_is_looked_up() -> None:
    allowed = {"Write", "Act", "Go", "Find", "Program"}  # names of groups, which GROUPS translates
    allowed |= {"first name", "my name", "my first name", "my address"}  # fields of a text that is kept for letters
    found = [
        f"{path.name}:{line}: {text!r}"
        for path in sorted((ROOT / "mua" / "gui").glob("*.py"))
        if path.name not in _OF_PROGRAMS
        for line, text in untold(path.read_text("utf-8"))
        if text not in allowed
    ]
    assert not found, "give these to mua.language.tr:\n" + "\n".join(found)


def test_a_text_that_is_not_looked_up_is_found() -> None:
    source = 'label.setText("Nothing here")\nlabel.setText(tr("Nothing here"))\nbox.say(f"{n} open now")\n'
    assert list(untold(source)) == [(1, "Nothing here"), (3, " open now")]


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_the_days_that_a_search_offers_are_understood(path: Path) -> None:
    known = {one.text: one.forms[0] for one in entries(path.read_text("utf-8"))}
    assert all(period(known.get(one, one), date(2026, 3, 4)) == period(one, date(2026, 3, 4)) for one in DAYS)


# ---- what the engine says
def _sentences(path: Path) -> Iterator[str]:
    """The literals of a module, with what an f-string puts in by its name; constants of the module as they are."""
    tree = ast.parse(path.read_text("utf-8"))
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(one.value if isinstance(one, ast.Constant) else _field(one, constants) for one in node.values)


def _field(value: ast.expr, constants: dict[str, Any]) -> str:
    assert isinstance(value, ast.FormattedValue)
    name = ast.unparse(value.value).rpartition(".")[2]
    return str(constants[name]) if name in constants else f"{{{name}}}"


def test_what_the_engine_says_is_known_by_its_own_words() -> None:
    paths = [path for floor in ("engine", "net", "plan") for path in (ROOT / "mua" / floor).glob("*.py")]
    spoken = {one for path in paths for one in _sentences(path)}
    assert not [one for one in SENTENCES if one not in spoken]


def test_what_the_engine_says_is_read_in_the_language_of_the_window(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = tls.os_error(TimeoutError(), "imap.example.org").text
    assert said(text) == text
    lines = (
        'msgid "{host} did not answer in time; Mua will try again by itself."',
        'msgstr "Keine Antwort von {host}."',
    )
    speak(monkeypatch, tmp_path, "de", *lines)
    assert said(text) == "Keine Antwort von imap.example.org."
    assert said("550 5.7.1 Go away") == "550 5.7.1 Go away"
    assert said("There is nothing to undo.") == "There is nothing to undo."  # no translation yet
