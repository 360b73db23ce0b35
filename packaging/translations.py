"""Bring ``resources/translations/*.po`` up to date with the texts in the code: ``./run translations``.

What is new comes in empty, what is gone goes out, what is translated stays; then it says how much of each language
there is.  A text is what stands as a literal in ``tr(...)``, ``noted(...)``, ``plural(..., one, many)`` or
``count(..., one, many)``.
"""

import ast
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mua import language  # noqa: E402 - the path comes first

CATALOGUES = ROOT / "resources" / "translations"


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the code, its plural (or empty), and the files where it stands."""

    text: str
    many: str
    files: tuple[str, ...]


def texts() -> list[Text]:
    """Every text of the program, by file and place."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in language.names():
        found[name, ""] = ["mua/language.py"]
    for path in sorted((ROOT / "mua").rglob("*.py")):
        for key in _texts_of(ast.parse(path.read_text("utf-8"))):
            files = found.setdefault(key, [])
            if (file := str(path.relative_to(ROOT))) not in files:
                files.append(file)
    return [Text(one, many, tuple(files)) for (one, many), files in found.items()]


def _texts_of(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        literals = [one.value if isinstance(one, ast.Constant) else None for one in call.args]
        match name, literals:
            case "tr" | "noted", [str(text), *_]:
                yield text, ""
            case "sense", [str(of), str(text)]:
                yield f"{of}\x04{text}", ""
            case "plural", [_, str(one), str(many), *_]:
                yield one, many
            case "count", [_, str(one)]:
                yield f"{{number:,}} {one}", f"{{number:,}} {one}s"
            case "count", [_, str(one), str(many)]:
                yield f"{{number:,}} {one}", f"{{number:,}} {many}"
            case _:
                pass


def renewed(po: str, found: list[Text]) -> str:
    """The catalogue with the texts of the code, each with the translation that it had."""
    known = {(one.text, one.many): one for one in language.entries(po)}
    head = known["", ""].forms[0]
    number = int(head.partition("nplurals=")[2].partition(";")[0])
    lines = ['msgid ""', 'msgstr ""', *(_quoted(line + "\n") for line in head.splitlines()), ""]
    for text in found:
        had = known.get((text.text, text.many))
        forms = had.forms if had else ("",) * (number if text.many else 1)
        lines += [f"#: {' '.join(text.files)}", *(["#, fuzzy"] if had and had.fuzzy else [])]
        of, _, words = text.text.rpartition("\x04")
        lines += [f"msgctxt {_quoted(of)}"] if of else []
        lines.append(f"msgid {_quoted(words)}")
        if text.many:
            lines.append(f"msgid_plural {_quoted(text.many)}")
            lines += [f"msgstr[{place}] {_quoted(form)}" for place, form in enumerate(forms)]
        else:
            lines.append(f"msgstr {_quoted(forms[0])}")
        lines.append("")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def main() -> int:
    """Renew every catalogue."""
    found = texts()
    for path in sorted(CATALOGUES.glob("*.po")):
        path.write_text(renewed(path.read_text("utf-8"), found), "utf-8")
        done = sum(bool(one.text) and all(one.forms) for one in language.entries(path.read_text("utf-8")))
        print(f"{path.name}: {done:,} of {len(found):,} texts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
