"""Logging, with secrets masked.

Named loggers live here and nowhere else.  Every record passes ``Masker``: the secrets that ``masking`` knows
(passwords, tokens) are replaced before a handler sees them, so that no later mistake can put one into a file or on
stderr.  Control characters become visible, and what is said stays one line, since servers and mails have a say in what
is logged.
"""

import logging
import os
import re
import sys

from mua.masking import mask as mask
from mua.masking import masked as masked
from mua.masking import visible as visible

ENGINE = logging.getLogger("mua.engine")
IMAP = logging.getLogger("mua.imap")
POP3 = logging.getLogger("mua.pop3")
SMTP = logging.getLogger("mua.smtp")
NET = logging.getLogger("mua.net")
INDEX = logging.getLogger("mua.index")
GUI = logging.getLogger("mua.gui")
WIRE = logging.getLogger("mua.wire")
DEMO = logging.getLogger("mua.demo")
logging.getLogger("imapclient").setLevel(logging.CRITICAL)  # its warnings quote the server, unmasked


_NO_WORD = re.compile(r"[\s<>]")
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))


def word(text: str) -> str:
    """A stranger's address or name as one word of a line: an address may hold blanks and ``<>`` between quotes."""
    return _NO_WORD.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class Masker(logging.Formatter):
    """A formatter whose output never holds a registered secret (tracebacks included) or a control character, and in
    which a record begins at the beginning of a line, and nothing else does.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Format the record, then mask."""
        return visible(masked(super().format(record))).replace("\n", "\n  ")  # of a traceback

    def formatMessage(self, record: logging.LogRecord) -> str:
        """What is said, on one line, by whatever is taken for the end of one."""
        return "\\n".join(masked(super().formatMessage(record)).splitlines())


class Journal(Masker):
    """The same for systemd's journal, which knows the time and takes a priority before each line (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        """Format the record, then mask, then say how urgent it is."""
        urgent = next((number for level, number in _PRIORITIES if record.levelno >= level), 7)
        return "\n".join(f"<{urgent}>{line}" for line in super().format(record).split("\n"))


def start(level: str = "WARNING") -> None:
    """Send the log to stderr (of an engine: the profile's ``mua.log``).  Call once per process."""
    root = logging.getLogger("mua")
    root.setLevel(level)
    root.propagate = False
    handler = logging.StreamHandler(sys.stderr)
    said = "%(name)s %(threadName)s: %(message)s"
    handler.setFormatter(Journal(said) if _in_journal() else Masker(f"%(asctime)s %(levelname)s {said}"))
    root.handlers = [handler]


def _in_journal() -> bool:
    """Whether what stderr leads to is the journal: a child may have inherited the word for it, and another stderr."""
    told = os.environ.get("JOURNAL_STREAM")
    if not told:
        return False
    found = os.fstat(sys.stderr.fileno())
    return told == f"{found.st_dev}:{found.st_ino}"
