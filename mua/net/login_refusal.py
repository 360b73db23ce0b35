"""Why a server does not let a person in: in the same words for IMAP, POP3 and submission.

Rule of the file: pure; each protocol finds the reason by its own codes first, and by what servers write (``by_words``)
where it has none.
"""

import re

from mua.errors import Kind, MailError, Retry

_SENTENCES = {
    "wrong-password": "{host} does not accept this user name and password; check both in the account's settings.",
    "not-allowed": "{host} knows you, but does not let you in here; check the user name, or ask its operator.",
    "password-expired": "{host} says that your password has expired; set a new one there, then enter it here.",
    "encryption-required": "{host} wants a protected connection; choose TLS in the account's settings.",
    "ask-operator": "{host} does not let you in and wants you to contact its operator.",
    "app-password": "{host} wants an app password for this account: make one on its web site and enter it here.",
    "web-login": "{host} wants you to sign in on its web site once; then try again here.",
    "imap-disabled": "{host} has IMAP switched off for this account; switch it on in its settings on the web site.",
    "pop3-disabled": "{host} has POP3 switched off for this account; switch it on in its settings on the web site.",
    "password-disabled": "{host} has switched off sign-in with a password for this account.",
    "certificate-refused": "{host} does not accept your certificate as a log-in; choose another, or use a password.",
    "token-refused": "{host} does not accept this sign-in any more; sign in again in the account's settings.",
}
_WORDS = {
    "app-password": re.compile(r"(?i)application-specific|app(lication)? password"),
    "web-login": re.compile(r"(?i)web ?log-?in|log ?in (via|with|using) (your|a) (web )?browser"),
    "imap-disabled": re.compile(r"(?i)imap.{0,30}(disabled|not enabled|not allowed)|(not enabled|disabled) for imap"),
    "pop3-disabled": re.compile(r"(?i)pop3?\b.{0,30}(disabled|not enabled|not allowed)|not enabled for pop"),
    "password-disabled": re.compile(r"(?i)basic ?auth|password.{0,20}(log-?in|authentication).{0,10}(disabled|block)"),
}


_BY_MECHANISM = {"EXTERNAL": "certificate-refused", "OAUTHBEARER": "token-refused", "XOAUTH2": "token-refused"}


def by_mechanism(mechanism: str) -> str:
    """The reason where a server gives none: what was shown to it is not accepted."""
    return _BY_MECHANISM.get(mechanism, "wrong-password")


def by_words(text: str) -> str:
    """The reason that stands in a server's text; empty when none does."""
    return next((reason for reason, pattern in _WORDS.items() if pattern.search(text)), "")


def not_let_in(reason: str, host: str, detail: str) -> MailError:
    """The refusal for this reason, which waits for a person; ``detail``: the server's own words, secrets masked."""
    return MailError(Kind.ACCOUNT, Retry.ASK, _SENTENCES[reason].format(host=host), detail, reason)
