"""What an IMAP server's NO or BAD means for a person: by its response code (RFC 5530, RFC 9051 s.7.1), else its words.

The rule of the file: pure; ``text`` says what happened, whose fault it is and what happens next, ``detail`` keeps the
server's own words with secrets masked.
"""

import re

from mua import log
from mua.errors import Kind, MailError, Retry
from mua.net.imap_tokens import Status
from mua.net.login_refusal import by_mechanism, by_words, not_let_in


def refusal(end: Status, host: str, command: str, folder: str = "") -> MailError:
    """A NO or BAD to a command; kind FOLDER, since the connection goes on."""
    code, retry, sentence = _reason(end)
    where = f'the folder "{folder}"' if folder else "this"
    text = sentence.format(host=host, where=where, command=command)
    return MailError(Kind.FOLDER, retry, text, words(end), code)


def words(end: Status) -> str:
    """The server's own words."""
    return log.masked(" ".join(filter(None, [end.kind.decode(), f"[{end.code_name}]" if end.code else "", end.text])))


_GONE = "{host} does not have {where} any more; Mua will look at its folders again."
_BUSY = "{host} cannot do this right now; Mua will try again by itself."
_REASONS: dict[str, tuple[str, Retry, str]] = {
    "NONEXISTENT": ("folder-gone", Retry.SOON, _GONE),
    "TRYCREATE": ("folder-gone", Retry.SOON, _GONE),
    "OVERQUOTA": ("over-quota", Retry.ASK, "The mailbox at {host} is full; delete something there, then try again."),
    "TOOBIG": ("too-big", Retry.NEVER, "This message is larger than {host} accepts."),
    "LIMIT": ("server-limit", Retry.SOON, "{host} says that a limit is reached; Mua will try again later."),
    "ALREADYEXISTS": ("already-exists", Retry.NEVER, "{host} has {where} already."),
    "NOPERM": ("no-permission", Retry.ASK, "{host} does not allow you to do that with {where}."),
    "READ-ONLY": ("no-permission", Retry.ASK, "{host} does not allow changes in {where}."),
    "CANNOT": ("refused", Retry.NEVER, "{host} says that this cannot be done with {where}."),
    "INUSE": ("server-busy", Retry.SOON, _BUSY),
    "UNAVAILABLE": ("server-busy", Retry.SOON, _BUSY),
    "SERVERBUG": ("server-bug", Retry.SOON, _BUSY),
    "CORRUPTION": ("server-busy", Retry.SOON, _BUSY),
}
_NO_SUCH = re.compile(
    r"(?i)(mailbox|folder|does).{0,40}(not? exist|n't exist|not found|unknown|no such)|unknown mailbox|no such"
)


def _reason(end: Status) -> tuple[str, Retry, str]:
    known = _REASONS.get(end.code_name)
    if known is not None:
        return known
    if end.kind == b"NO" and _NO_SUCH.search(end.text):
        return _REASONS["NONEXISTENT"]
    return "refused", Retry.NEVER, "{host} refused what Mua asked of {where}."


# -- logging in


def login_refusal(end: Status, host: str, mechanism: str) -> MailError:
    """A NO or BAD to a log-in; kind CONNECTION when waiting helps, else ACCOUNT."""
    if end.code_name in _LATER or (end.code_name not in _LOGIN and _TOO_MANY.search(end.text)):
        text = f"{host} does not let Mua in right now, perhaps because of too many connections; it will try again."
        return MailError(Kind.CONNECTION, Retry.SOON, text, words(end), "too-many-connections")
    code = by_words(end.text) or _LOGIN.get(end.code_name, "wrong-password")
    if code == "wrong-password":
        code = by_mechanism(mechanism)
    return not_let_in(code, host, words(end))


_LATER = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG"})
_TOO_MANY = re.compile(r"(?i)too many|temporar|try again|unavailable")
_LOGIN = {  # RFC 5530
    "AUTHENTICATIONFAILED": "wrong-password",
    "AUTHORIZATIONFAILED": "not-allowed",
    "EXPIRED": "password-expired",
    "PRIVACYREQUIRED": "encryption-required",
    "CONTACTADMIN": "ask-operator",
}
