"""One Received field -> data (RFC 5321 s.4.4, and what servers write instead).

Rules of the file: never raises, linear; text is one line, comments and all.  Which of the words after ``from`` is the
client's own (HELO) and which the server found differs: Postfix, Sendmail, Gmail and Exchange put HELO first and what
they found into a comment; Exim and qmail do it the other way round, and say ``helo=`` or ``HELO``.  HELO may be several
words (Postfix takes "HELO x by y with local"): all before the last ``by`` is of the client, only comments in it are of
the server, and an address of the internet among them counts before one of a private network.
"""

import ipaddress
import re
from typing import Final

from mua.mime.headers import date
from mua.model.journey import Received

MAX_LINE: Final = 4096
_TOKEN = re.compile(r"\s+|[^\s()]+|[()]")
_WORDS: Final = frozenset({"from", "by", "via", "with", "id", "for"})
_BRACKETED = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f.:]{3,45})(?:%\w+)?\]", re.IGNORECASE)
_BARE = re.compile(r"(?<![\w.:-])((?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w.:-])")
_INSIDE: Final = [
    ipaddress.ip_network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10")
]
_HELO = re.compile(r"\b(?:helo|ehlo)[=\s]+\[?([^\s\])]+)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?\Z")
_CIPHER = re.compile(r"(?:cipher[= ]+|tls )([A-Z0-9][\w-]+)", re.IGNORECASE)
_VERSION = re.compile(r"\b((?:TLS|SSL)[ _v]*1?[._]?\d(?:\.\d)?)\b", re.IGNORECASE)
_DIGITS = re.compile(r"(?<=\d)_(?=\d)")
_MAILERS_NAMED = re.compile(
    r"\b(Exim [\d.]+|fetchmail-[\d.]+|Microsoft SMTP Server|CommuniGate Pro|MDaemon)", re.IGNORECASE
)
_NO_PROTOCOL: Final = frozenset({"local", "stdin", "mapi"})
_SECURED = re.compile(r"(?:E|L|UTF8)?(?:SMTP|LMTP)SA?\Z|UTF8(?:SMTP|LMTP)SA?\Z|HTTPS\Z|IMAPS\Z|POP3S\Z", re.IGNORECASE)
_MAILERS: Final = re.compile(r"(?:E|L|UTF8)*(?:SMTP|LMTP)A?\Z|POP3\Z|IMAP\Z|HTTP\Z|HTTPREST\Z", re.IGNORECASE)


def received(text: str) -> Received:
    """What a field says; ``text`` is its value, unfolded."""
    text = " ".join(text[:MAX_LINE].split())
    head, stamp = _split_date(text)
    clauses, comments = _clauses(head)
    helo, name, address = _client(clauses.get("from", ""), " ".join(comments["from"]), " ".join(comments[""]), head)
    protocol = (clauses.get("with") or clauses.get("via", "")).rstrip(";")
    everything = " ".join(one for clause, many in comments.items() if clause for one in many)
    if protocol.lower().startswith("microsoft"):
        protocol = "SMTP" if "TLS" not in everything.upper() else "ESMTPS"
    tls = _tls(everything)
    return Received(
        helo=helo,
        name=name,
        address=address,
        by=_host(clauses.get("by", "")),
        software=_software(" ".join(comments["by"]), head),
        protocol=protocol[:40],
        tls=tls,
        encrypted=_encrypted(protocol, tls or ("encrypted" if " encrypted" in everything else "")),
        authenticated=_authenticated(protocol, everything),
        identifier=clauses.get("id", "")[:100],
        recipient=clauses.get("for", "").strip("<>")[:320],
        local=not clauses.get("from") or (protocol.lower() in _NO_PROTOCOL and (not address or is_private(address))),
        at=date(stamp.encode("ascii", "replace")) if stamp else None,
        text=text,
    )


def _split_date(text: str) -> tuple[str, str]:
    """What stands before the last semicolon, and the date behind it; qmail's first lines have it inside."""
    head, semicolon, stamp = text.rpartition(";")
    return (head, stamp.strip()) if semicolon else (text, "")


def _clauses(head: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The first word of each clause, and the comments in it; the first of equal clauses counts.

    What else a client said of itself is with the comments of no clause.
    """
    clauses: dict[str, str] = {}
    told = head.lower().startswith("from ")
    end = head.rfind(" by ") if told else 0  # of what is the client's
    comments: dict[str, list[str]] = {one: [] for one in ("", *_WORDS)}
    current, depth, inside = "", 0, list[str]()
    for match in _TOKEN.finditer(head):
        token = match[0]
        if token == "(":
            depth += 1
            if depth == 1:
                inside = []
                continue
        elif token == ")":
            depth = max(0, depth - 1)
            if depth == 0:
                comments[current].append("".join(inside))
                continue
        if depth:
            inside.append(token)
        elif token.isspace():
            continue
        elif current == "from" and match.start() < end and clauses["from"]:
            comments[""].append(token)
        elif token.lower() in _WORDS and token.lower() not in clauses and clauses.get(current, "x"):
            current = token.lower()
            clauses[current] = ""
        elif current and not clauses[current]:
            clauses[current] = token
        elif current:
            comments[current].append(token)
    return clauses, comments


def _client(word: str, about: str, more: str, head: str) -> tuple[str, str, str]:
    """(HELO, name found, address) of the client; ``about`` are the comments, ``more`` its words behind the first."""
    address = _address(f"{_HELO.sub(' ', about)} {more}")
    if not address:
        address = _address(word)
        if is_private(address) and not _HELO.search(about) and "exim" not in head.lower():
            address = ""  # only the client says so
    said = _HELO.search(about)
    if said:  # Exim, qmail: what was found stands first
        found = "" if _address(word) or word.lower() == "unknown" else _host(word)
        return said[1].strip("[]")[:255], found, address
    found = ""
    for piece in about.replace("[", " [").split():
        bare = piece.strip(",;")
        if "." in bare and _NAME.match(bare) and not _is_address(bare) and "=" not in bare:
            found = _host(bare)
            break
    if "may be forged" in about.lower():
        found = ""
    return ("" if word.lower() == "unknown" else word.strip("[]")[:255]), found, address


def _address(text: str) -> str:
    """The first address of the internet in a text, or else the first of all."""
    patterns = (_BRACKETED, _BARE)
    found = [match[1].lower() for one in patterns for match in one.finditer(text) if _is_address(match[1])]
    return next((one for one in found if not is_private(one)), found[0] if found else "")


def is_private(address: str) -> bool:
    """Whether an address is of this computer or of a network that nobody outside has (RFC 1918, RFC 4193)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return found.is_loopback or any(found in one for one in _INSIDE if one.version == found.version)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _host(word: str) -> str:
    return word.strip("[]<>,;").rstrip(".").lower()[:255]


def _software(about: str, head: str) -> str:
    """What the server calls itself in a comment: Postfix, Exim 4.96, fetchmail-6.4.1, 8.17.1 (Sendmail's way)."""
    words = about.split()
    named = _MAILERS_NAMED.search(head)
    if named:
        return named[1]
    if not words or _address(words[0]):
        return ""
    if re.match(r"\d+\.\d+\.\d+/", words[0]):
        return f"Sendmail {words[0].partition('/')[0]}"[:60]
    first = words[0].strip(",")
    more = words[1] if len(words) > 1 and words[1][:1].isdigit() else ""
    return f"{first} {more}".strip()[:60] if first[:1].isalpha() else ""


def _tls(head: str) -> str:
    version, cipher = _VERSION.search(head), _CIPHER.search(head)
    shown = _DIGITS.sub(".", version[1].upper().replace("V", "")) if version else ""
    shown = re.sub(r"(TLS|SSL)[ ._]*", r"\1 ", shown)
    return " ".join(one for one in (shown, cipher[1] if cipher else "") if one)[:100]


def _encrypted(protocol: str, tls: str) -> bool | None:
    """RFC 3848: the names of protocols that end in S or SA; else what the line says of TLS."""
    if tls or _SECURED.match(protocol):
        return True
    return False if _MAILERS.match(protocol) else None


def _authenticated(protocol: str, everything: str) -> bool:
    upper = protocol.upper()
    named = upper in ("ESMTPA", "ESMTPSA", "LMTPA", "LMTPSA", "UTF8SMTPA", "UTF8SMTPSA", "ASMTP", "ESMTPSMTPA")
    return named or "authenticated" in everything.lower()
