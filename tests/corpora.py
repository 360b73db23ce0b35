"""The mails of the shared corpora, read in place, and the results that their projects expect.

Rule of the file: data only; what agrees and what does not is decided in ``agreement``.
"""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mua.mime.mbox import split

SHARED = Path(os.environ.get("MUA_SHARED") or Path(__file__).resolve().parents[2] / "shared")
CORPORA = SHARED / "corpora"
ATTACK = SHARED / "attack" / "mails"

_NOT_MAIL = {".json", ".html", ".rtf", ".tnef", ".jpg", ".png", ".doc", ".ics", ".list", ".tokens", ".env", ".md"}


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
    """Every mail: one per file, and each one inside an mbox."""
    for name, raw in files():
        yield name, raw
        if raw.startswith(b"From ") and raw.count(b"\nFrom ") > 0:
            with (CORPORA / name).open("rb") as stream:
                for number, one in enumerate(split(stream)):
                    yield f"{name}#{number}", one


def distinct() -> list[tuple[str, bytes]]:
    """``messages`` with each content once."""
    seen: dict[bytes, str] = {}
    for name, raw in messages():
        seen.setdefault(raw, name)
    return [(name, raw) for raw, name in seen.items()]
