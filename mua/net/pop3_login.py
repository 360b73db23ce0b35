"""Signing in to POP3: which way, in which words, and what a refusal means (RFC 1939, 2449, 3206, 5034).

Rules of the file: one way is chosen and tried once, so a mistyped password costs one failed login.  SASL comes first;
USER and PASS where the server offers no SASL that we speak; APOP last, since all that it has is MD5 (RFC 6151), and
never with a challenge that came before TLS, because an attacker may have chosen it.
"""

import base64
import hashlib
import re

from mua import log
from mua.errors import Kind, MailError, Retry
from mua.net.pop3_line import Line
from mua.net.pop3_wire import Capabilities, Reply

_IN_ONE_LINE = 240  # octets of an initial response (RFC 5034 s.4: the line has 255)
_BUSY = re.compile(r"(?i)\block|in use|busy|too many (open|concurrent|simult|conn|sess)|temporar|unavailable")
_VAGUE = re.compile(r"(?i)too many|try again|wait")
_WRONG = re.compile(r"(?i)passw|auth|credential|log-?[io]n|invalid|incorrect|denied|unknown user|fail")
_CHALLENGE = re.compile(r"<[!-;=?-~]{1,200}@[!-;=?-~]{1,200}>")


def log_in(line: Line, user: str, password: str, offered: Capabilities, greeting: str) -> None:
    """Sign in, or raise MailError.  ``greeting`` is its text if it can be trusted, else empty."""
    log.mask(password)
    if any(char in user + password for char in "\r\n\0"):
        text = "A user name or password cannot hold a line break; check both in the account's settings."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="wrong-password")
    reply = _sign(line, user, password, offered, _CHALLENGE.search(greeting))
    if not reply.ok:
        raise _refused(line.host, reply, offered)


def _sign(line: Line, user: str, password: str, offered: Capabilities, challenge: re.Match[str] | None) -> Reply:
    if "PLAIN" in offered.get("SASL", ()):
        return _plain(line, f"\0{user}\0{password}")
    if not offered or "USER" in offered:
        reply = line.command(f"USER {user}", secret=True)
        if reply.ok:
            return line.command(f"PASS {password}", secret=True)
        if reply.code or challenge is None:  # else a server that knows APOP only; no password was tried yet
            return reply
    if challenge is None:
        text = f"{line.host} does not accept a password on this connection; choose TLS or STARTTLS."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, " ".join(sorted(offered)), "login-disabled")
    digest = hashlib.md5((challenge[0] + password).encode(), usedforsecurity=False).hexdigest()
    return line.command(f"APOP {user} {digest}", secret=True)


def _plain(line: Line, message: str) -> Reply:
    """AUTH PLAIN (RFC 4616), in one line where it fits into one."""
    response = base64.b64encode(message.encode("utf-8", "surrogateescape")).decode()
    log.mask(response)
    if len(response) <= _IN_ONE_LINE:
        return line.command(f"AUTH PLAIN {response}", secret=True)
    line.send("AUTH PLAIN")
    asked = line.line()
    if not asked.startswith(b"+") or asked.upper().startswith(b"+OK"):
        return line.understood(asked)
    return line.command(response, secret=True)


def _refused(host: str, reply: Reply, offered: Capabilities) -> MailError:
    """RFC 2449 s.8.1 and RFC 3206 where the server speaks them, its words where it does not."""
    said, code = log.masked(reply.text), reply.code
    if code in ("IN-USE", "LOGIN-DELAY") or (not code and _is_busy(reply.text)):
        return _busy(host, code, said)
    if code == "SYS/PERM":
        text = f"{host} says that this mailbox cannot be opened until its operator or you change something there."
        return MailError(Kind.ACCOUNT, Retry.ASK, text, said, "login-refused")
    if code.startswith("SYS/") or (not code and "AUTH-RESP-CODE" in offered):
        text = f"{host} does not let Mua in right now, for a reason of its own; it will try again by itself."
        return MailError(Kind.CONNECTION, Retry.SOON, text, said, "server-trouble")
    text = f"{host} does not accept this user name and password; check both in the account's settings."
    return MailError(Kind.ACCOUNT, Retry.ASK, text, said, "wrong-password")


def _is_busy(text: str) -> bool:
    """A password that is wrong must not be tried again by itself, whatever else the server says about it."""
    return bool(_BUSY.search(text)) or bool(_VAGUE.search(text) and not _WRONG.search(text))


def _busy(host: str, code: str, said: str) -> MailError:
    if code == "LOGIN-DELAY":
        text = f"{host} wants a longer pause between two visits; Mua will try again by itself."
        return MailError(Kind.CONNECTION, Retry.SOON, text, said, "login-delay")
    text = f"Another program has this mailbox open on {host}, or it is busy; Mua will try again by itself."
    return MailError(Kind.CONNECTION, Retry.SOON, text, said, "mailbox-in-use")
