"""The mails of the shared corpora, read in place, and the results that their projects expect.

Rule of the file: data only; what agrees and what does not is decided in ``agreement``.
"""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mua.mime.mbox import split

SHARED = Path(os.environ.get("MUA_SHARED") or Path(__file__).resolve().parents[2] / "shared")
CORPORA = SHARED / "corpora"
ATTACK = SHARED / "attack" / "mails"

_NOT_MAIL = {".json", ".html", ".rtf", ".tnef", ".jpg", ".png", ".doc", ".ics", ".list", ".tokens", ".env", ".md"}

_BEGINS_AS_MAIL = re.compile(rb"(?:\xef\xbb\xbf)?[!-9;-~]+[ \t]*:")


@cache
def files() -> tuple[tuple[str, bytes], ...]:
    """Every file of the corpora that holds one mail or may be taken for one: (path below corpora, bytes)."""
    return tuple(
        (str(path.relative_to(CORPORA)), path.read_bytes())
        for path in sorted(CORPORA.rglob("*"))
        if path.is_file() and path.suffix.lower() not in _NOT_MAIL
    )


def attacks() -> tuple[tuple[str, bytes], ...]:
    """Every attack mail."""
    return tuple((str(path.relative_to(ATTACK)), path.read_bytes()) for path in sorted(ATTACK.rglob("*.eml")))


def messages() -> Iterator[tuple[str, bytes]]:
    """Everything that may be taken for a mail: each file, and each mail inside an mbox."""
    for name, raw in files():
        yield name, raw
        if raw.startswith(b"From "):
            with (CORPORA / name).open("rb") as stream:
                for number, one in enumerate(split(stream)):
                    yield f"{name}#{number}", one


def distinct() -> list[tuple[str, bytes]]:
    """``messages`` with each content once."""
    seen: dict[bytes, str] = {}
    for name, raw in messages():
        seen.setdefault(raw, name)
    return [(name, raw) for raw, name in seen.items()]


def letters() -> list[tuple[str, bytes]]:
    """Those of ``distinct`` that a mail server holds: every ``.eml`` and whatever else begins with a header field."""
    return [
        (name, raw)
        for name, raw in distinct()
        if _BEGINS_AS_MAIL.match(raw) or (name.endswith(".eml") and not raw.startswith(b"From "))
    ]
