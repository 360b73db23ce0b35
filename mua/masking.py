"""Secrets kept out of what is written, and what acts on a terminal spelt out: for the log and the command line.

``mask()`` registers a secret; from then on ``masked()`` finds it.  Apart from ``log.py``, because a command line that
has nothing to log does not pay for loading what logs.
"""

import re

_secrets: set[str] = set()
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def mask(secret: str) -> None:
    """From now on replace ``secret`` (four characters or more) by ``***`` in everything that is logged."""
    if len(secret) >= 4:
        _secrets.add(secret)


def masked(text: str) -> str:
    """``text`` with every registered secret replaced by ``***``."""
    for secret in tuple(_secrets):  # another thread may be adding one
        if secret in text:
            text = text.replace(secret, "***")
    return text


def visible(text: str) -> str:
    """``text`` for a terminal: every character that acts on one (escapes, C1, bidi) spelt out; lines and tabs stay."""
    return ACTING.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
