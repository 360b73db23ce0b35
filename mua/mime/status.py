"""Status codes of servers (RFC 5321, RFC 3463, RFC 5248 registry) -> one sentence for people.

Rules of the file: the sentence says whose matter it is and what may help; it never repeats the server's own words
(those are shown beside it) and never guesses beyond the code.
"""

import re
from typing import Final

MAX_TEXT = 2000  # characters of a reply that are looked at

_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")

_BY_STATUS: Final[dict[str, str]] = {
    "1.1": "There is no such mailbox at the recipient's provider; check the address.",
    "1.2": "The recipient's domain does not exist or takes no mail; check the part behind the @.",
    "1.3": "The recipient's address is written in a way that the server does not accept.",
    "1.4": "The recipient's address fits more than one mailbox.",
    "1.6": "The recipient's mailbox has moved and left no new address.",
    "1.7": "The server does not accept the sender's address as it is written.",
    "1.8": "The server does not accept the sender's domain: it does not exist or cannot receive mail.",
    "1.10": "The recipient's domain says that it takes no mail at all.",
    "2.1": "The recipient's mailbox is switched off.",
    "2.2": "The recipient's mailbox is full.",
    "2.3": "The message is larger than this recipient's mailbox allows.",
    "2.4": "The recipient is a mailing list that could not be expanded.",
    "3.1": "The recipient's server has no room left.",
    "3.2": "The recipient's server takes no mail at the moment.",
    "3.4": "The message is larger than the recipient's server allows.",
    "4.1": "The recipient's server did not answer.",
    "4.2": "The connection to the recipient's server broke.",
    "4.4": "No way to the recipient's server could be found.",
    "4.5": "The recipient's server is too busy.",
    "4.6": "The message went round in circles between servers.",
    "4.7": "The message could not be delivered in time.",
    "5.3": "The message has too many recipients for one delivery.",
    "6.3": "The server cannot take the message in this encoding.",
    "6.7": "The address holds characters that the server cannot handle.",
    "7.0": "The recipient's server does not trust this mail.",
    "7.1": "The recipient's server does not accept mail from this sender.",
    "7.2": "The sender may not write to this mailing list.",
    "7.8": "The user name or password was not accepted.",
    "7.9": "The sign-in method is too weak for the server.",
    "7.10": "The server wants an encrypted connection.",
    "7.11": "The server wants an encrypted connection.",
    "7.20": "The message carries no valid DKIM signature, and the recipient's server asks for one.",
    "7.23": "The recipient's server says that the sender's domain does not allow this computer to send for it (SPF).",
    "7.25": "The recipient's server asks for a valid reverse DNS entry of the sending computer.",
    "7.26": "The message failed the checks of the sender's domain (SPF, DKIM or DMARC).",
    "7.27": "The sender's domain says that it takes no mail, and so the server takes none from it.",
    "7.28": "Too much mail came from here in a short time.",
}
_BY_CODE: Final[dict[int, str]] = {
    421: "The server closed the connection and asks to try again later.",
    432: "The password has to be changed before mail can be sent.",
    450: "The recipient's mailbox cannot be reached at the moment.",
    451: "The recipient's server has a problem of its own.",
    452: "The recipient's server has no room, or takes fewer recipients at a time.",
    454: "The server's sign-in or encryption does not work at the moment.",
    455: "The server cannot serve this sender or recipient at the moment.",
    500: "The server did not understand a command.",
    501: "The server does not accept the form of an address or command.",
    502: "The server does not know a command that is needed.",
    503: "The server was asked in an order it does not accept.",
    530: "The server wants a sign-in or an encrypted connection first.",
    534: "The sign-in method is too weak for the server.",
    535: "The user name or password was not accepted.",
    538: "The server wants an encrypted connection for the sign-in.",
    550: "The recipient's server refused the recipient: no such mailbox, or not from this sender.",
    551: "The recipient is not at this server.",
    552: "The recipient's mailbox is full or the message is too large.",
    553: "The server does not accept the recipient's or sender's address.",
    554: "The recipient's server refused the message.",
    555: "The server does not know an option of the sender's or recipient's address.",
    556: "The recipient's domain takes no mail.",
}
_GREYLISTED = re.compile(r"gr[ea]y-?list", re.IGNORECASE)
_BLOCKED = re.compile(r"spamhaus|block ?list|blacklist|dnsbl|\brbl\b|poor reputation", re.IGNORECASE)


def explain(code: int | None, text: str) -> str:
    """One sentence for a person on a reply ``code`` (None: there was none) with the server's ``text``."""
    text = text[:MAX_TEXT]
    if code is not None and 400 <= code < 500 and _GREYLISTED.search(text):
        return "The recipient's server asks every new sender to try again in a few minutes; this happens by itself."
    if _BLOCKED.search(text) and (code is None or code >= 400):
        return "The recipient's server refuses mail from this network address: it is on a block list."
    if code is not None and 200 <= code < 300:
        return "The server has accepted it."
    status = _ENHANCED.search(text)
    sentence = _BY_STATUS.get(f"{status[2]}.{status[3]}" if status else "") or _BY_CODE.get(code or 0)
    if sentence:
        return sentence
    if code is None:
        return "The server gave no answer."
    return "The server cannot take it now; it will be tried again." if code < 500 else "The server refused it for good."
