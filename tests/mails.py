"""The mail collection beside the checkout, as distinct messages.

What counts as a message: every ``.eml``, and any other file that begins as one does (a header field).  An mbox is split
at its separators.  The files are read in place and never copied.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

NOT_MAIL = {".json", ".html", ".htm", ".list", ".env", ".md", ".js", ".rtf", ".png", ".jpg", ".sql", ".ics", ".tokens"}
BEGINS_AS_MAIL = re.compile(rb"(?:\xef\xbb\xbf)?[!-9;-~]+[ \t]*:")
SEPARATOR = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\n]*\n")


def collection(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(name, raw) of each distinct message below ``folder``, in a stable order."""
    seen: set[bytes] = set()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in NOT_MAIL:
            for number, raw in enumerate(_messages(path)):
                digest = hashlib.sha256(raw).digest()
                if digest not in seen:
                    seen.add(digest)
                    yield f"{path.relative_to(folder)}#{number}", raw


def _messages(path: Path) -> list[bytes]:
    data = path.read_bytes()
    if data.startswith(b"From "):
        return [piece for piece in SEPARATOR.split(data) if piece.strip()]
    return [data] if path.suffix == ".eml" or BEGINS_AS_MAIL.match(data) else []
