"""Logging, with secrets masked.

Named loggers live here and nowhere else.  Every record passes ``Masker``: strings registered with ``mask()``
(passwords, tokens) are replaced before a handler sees them, so that no later mistake can put one into a file or on
stderr.  Control characters become visible, since servers and mails have a say in what is logged.
"""

import logging
import re
import sys

ENGINE = logging.getLogger("mua.engine")
IMAP = logging.getLogger("mua.imap")
POP3 = logging.getLogger("mua.pop3")
SMTP = logging.getLogger("mua.smtp")
NET = logging.getLogger("mua.net")
INDEX = logging.getLogger("mua.index")
GUI = logging.getLogger("mua.gui")
WIRE = logging.getLogger("mua.wire")
DEMO = logging.getLogger("mua.demo")

_secrets: set[str] = set()
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


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
    return _ACTING.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class Masker(logging.Formatter):
    """A formatter whose output never holds a registered secret (tracebacks included) or a control character."""

    def format(self, record: logging.LogRecord) -> str:
        """Format the record, then mask."""
        return visible(masked(super().format(record)))


def start(level: str = "WARNING") -> None:
    """Send the log to stderr (of an engine: the profile's ``mua.log``).  Call once per process."""
    root = logging.getLogger("mua")
    root.setLevel(level)
    root.propagate = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Masker("%(asctime)s %(levelname)s %(name)s %(threadName)s: %(message)s"))
    root.handlers = [handler]
