"""Names in a Maildir: what a file's name says of a message, and how a folder is called in a Maildir++.

Rule of the file: ``marks.of_maildir`` and ``plan.arriving`` read what is written here.
"""

import base64
import re
from collections.abc import Sequence

from mua.model.message import Flag

_LETTERS = (("D", Flag.DRAFT), ("F", Flag.FLAGGED), ("P", Flag.FORWARDED), ("R", Flag.ANSWERED), ("S", Flag.SEEN))
_NAMED = (Flag.MDN_SENT, Flag.JUNK, Flag.NOT_JUNK)  # flags that a Maildir knows as keywords only
_PLAIN = re.compile(r"[^ !-%'-\-0-~]+")  # what cannot stand in a name: all but printable ASCII, without & . and /


def file_name(unique: str, flags: Flag, letters: str = "") -> str:
    """The name in ``cur`` of a message with these flags; ``letters`` are those of its keywords."""
    known = "".join(letter for letter, flag in _LETTERS if flags & flag)
    return f"{unique}:2,{known}{''.join(sorted(letters))}"


def folder_name(words: Sequence[str]) -> str:
    """``.A.B``, each word in modified UTF-7 (RFC 3501 s.5.1.3), with its dots and slashes encoded too."""
    return "".join(f".{_encoded(word)}" for word in words)


def _encoded(word: str) -> str:
    return _PLAIN.sub(lambda found: "&-" if found[0] == "&" else _shifted(found[0]), word)


def _shifted(text: str) -> str:
    octets = text.encode("utf-16-be", "replace")
    return f"&{base64.b64encode(octets).decode('ascii').rstrip('=').replace('/', ',')}-"


def keyword_names(flags: Flag, keywords: Sequence[str]) -> list[str]:
    """The words that a message's small letters have to stand for."""
    from mua.model.message import FLAG_NAMES

    return [FLAG_NAMES[one] for one in _NAMED if flags & one] + list(keywords)
