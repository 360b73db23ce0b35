"""The vocabulary of failure.

One exception class, ``MailError``, raised at the edges (``net/``, ``store/``) and classified once, there.
Refused recipients and failed wishes are data (see ``model/outgoing.py``), not exceptions.

Rules of the file: ``text`` is one sentence for people (what happened, whose fault, what happens next) and never
holds a secret or a piece of mail; ``detail`` is what a developer or the curious want (the server's own words).
"""

from enum import StrEnum


class Kind(StrEnum):
    """What is still usable after the failure."""

    MESSAGE = "message"  # this message is in trouble; the folder and connection are fine
    FOLDER = "folder"  # this folder is in trouble; the connection is fine
    CONNECTION = "connection"  # the connection is gone; a new one may work
    ACCOUNT = "account"  # password, certificate, settings: nothing works until a person acts
    LOCAL = "local"  # this computer: disk full, file missing, keyring locked
    BUG = "bug"  # our own mistake


class Retry(StrEnum):
    """When trying again makes sense."""

    SOON = "soon"  # by itself, with back-off
    NEVER = "never"  # the answer will be the same
    ASK = "ask"  # after a person changed something


class MailError(Exception):
    """A failure that a person may be told about.

    ``code`` is a stable machine word for scripts and tests ("wrong-password", "unknown-host", ...);
    ``text`` the sentence; ``detail`` the server's or the system's own words, secrets masked.
    """

    def __init__(self, kind: Kind, retry: Retry, text: str, detail: str = "", code: str = "") -> None:
        super().__init__(text)
        self.kind = kind
        self.retry = retry
        self.text = text
        self.detail = detail
        self.code = code

    def __reduce__(self) -> tuple[type["MailError"], tuple[Kind, Retry, str, str, str]]:
        return (MailError, (self.kind, self.retry, self.text, self.detail, self.code))


class UsageError(Exception):
    """The command line was used wrongly (exit code 2)."""


_PASSING = frozenset(
    {
        "network-down", "timeout", "connection-refused", "connection-lost", "server-busy", "server-closed",
        "server-trouble", "too-many-connections", "mailbox-in-use", "login-delay", "turned-away", "tls-failed",
        "provider-unreachable",
    }
)  # fmt: skip


def passes(code: str) -> bool:
    """Whether a trouble of this code needs nobody: the server or the network comes back, and Mua tries by itself."""
    return code in _PASSING
