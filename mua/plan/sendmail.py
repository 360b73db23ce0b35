"""What programs mean when they call ``sendmail``: its options, as programs have used them for forty years.  Pure.

Rules of the file: an option that changes nothing here is accepted and ignored, with its argument; what would do
something else than the caller expects is refused (``UsageError``).  With ``-t`` the recipients of the command line are
added to those of the header, as Postfix does it (the old sendmail left them out).
"""

from collections.abc import Sequence
from enum import StrEnum

from mua.errors import UsageError
from mua.model.submission import NOTIFY
from mua.records import dataclass


class Mode(StrEnum):
    """What the call is for."""

    DELIVER = "deliver"
    SESSION = "session"  # SMTP on standard input and output
    LIST = "list"
    ALIASES = "aliases"  # rebuild their table: there is none, the file is read


class Exit:
    """Exit codes of sysexits.h."""

    OK = 0
    USAGE = 64
    DATA = 65
    NO_INPUT = 66
    NO_USER = 67
    UNAVAILABLE = 69
    SOFTWARE = 70
    TEMPORARY = 75
    NO_PERMISSION = 77


@dataclass(frozen=True, slots=True)
class Call:
    """One call.  ``sender`` None: the user who calls; empty: nobody, who gets no reports.

    ``dots``: a line with a single dot ends the message.  ``flush``: try what waits, now.  ``notify``: of what the
    sender wants to hear (``-N``; empty: nothing).
    """

    mode: Mode = Mode.DELIVER
    recipients: tuple[str, ...] = ()
    from_header: bool = False
    dots: bool = True
    sender: str | None = None
    full_name: str = ""
    flush: bool = False
    notify: tuple[str, ...] = NOTIFY


_WITH_ARGUMENT = frozenset("ABCFLNORVXbefhopr")  # attached or as the next word
_ATTACHED = frozenset("qdDM")  # never the next word
_BARE = frozenset("GIUcimnstvx")
_MODES = {"m": Mode.DELIVER, "s": Mode.SESSION, "p": Mode.LIST, "i": Mode.ALIASES}
_NAMES = {"mailq": Mode.LIST, "newaliases": Mode.ALIASES}


def call(name: str, words: Sequence[str]) -> Call:
    """What ``name`` (the last part of argv[0]) was called for with ``words``.  Raises UsageError."""
    options, recipients = _split(words)
    mode, sender, full_name = _NAMES.get(name, Mode.DELIVER), None, ""
    from_header = flush = False
    dots, notify = True, NOTIFY
    for option, value in options:
        if option == "b":
            mode = _mode(value)
        elif option == "I":
            mode = Mode.ALIASES
        elif option in "fr":
            sender = value.removeprefix("<").removesuffix(">")
        elif option == "F":
            full_name = value
        elif option == "t":
            from_header = True
        elif option == "i" or (option == "o" and value == "i") or (option == "O" and _is_ignore_dots(value)):
            dots = False
        elif option == "q":
            flush = True
        elif option == "N":
            notify = _notify(value)
    return Call(mode, tuple(recipients), from_header, dots, sender, full_name, flush, notify)


def _notify(value: str) -> tuple[str, ...]:
    """The argument of ``-N``: "never", or some of "success,failure,delay"."""
    words = tuple(value.lower().split(","))
    if words == ("never",):
        return ()
    if not {"success", "failure", "delay"}.issuperset(words):
        raise UsageError(f"-N {value} is none of never, failure, delay and success")
    return words


def _mode(value: str) -> Mode:
    if value not in _MODES:
        raise UsageError(f"-b{value} is not something that Mua's sendmail does")
    return _MODES[value]


def _is_ignore_dots(value: str) -> bool:
    name, _, said = value.lower().partition("=")
    return name.strip() == "ignoredots" and said.strip() in ("", "true", "t", "yes", "y")


def _split(words: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """(options with their arguments, what is left), as getopt does it: options end at the first other word."""
    found: list[tuple[str, str]] = []
    left = list(words)
    while left and left[0].startswith("-") and left[0] != "-":
        word = left.pop(0)
        if word == "--":
            break
        found += _cluster(word[1:], left)
    return found, left


def _cluster(letters: str, left: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    while letters:
        option, letters = letters[0], letters[1:]
        if option in _BARE:
            found.append((option, ""))
            continue
        if option in _WITH_ARGUMENT and not letters:
            if not left:
                raise UsageError(f"-{option} needs an argument")
            found.append((option, left.pop(0)))
        elif option in _WITH_ARGUMENT or option in _ATTACHED:
            found.append((option, letters))
        else:
            raise UsageError(f"-{option} is not an option of sendmail")
        return found
    return found
