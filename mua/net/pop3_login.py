"""Signing in to POP3: which way, in which words, and what a refusal means (RFC 1939, 2449, 3206, 5034).

Rules of the file: a secret is tried once, unless the server refused before it was said.  SASL comes first, strongest
first; USER and PASS where the server offers no SASL that we speak; APOP last, since all that it has is MD5 (RFC 6151),
and never with a challenge that came before TLS, because an attacker may have chosen it.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator

from mua import log
from mua.errors import Kind, MailError, Retry
from mua.net.login_refusal import by_words, not_let_in
from mua.net.pop3_line import Line
from mua.net.pop3_wire import Capabilities, Reply
from mua.net.sasl import Exchange, Unacceptable, Who, check_sayable, exchanges, mask, not_authentic, refuse_weaker

_MAX_COMMAND = 253  # octets, without CRLF (RFC 2449 s.4)
_BUSY = re.compile(r"(?i)\block|in use|busy|too many (open|concurrent|simult|conn|sess)|temporar|unavailable")
_VAGUE = re.compile(r"(?i)too many|try again|wait")
_WRONG = re.compile(r"(?i)passw|auth|credential|log-?[io]n|invalid|incorrect|denied|unknown user|fail")
_CHALLENGE = re.compile(r"<[!-;=?-~]{1,200}@[!-;=?-~]{1,200}>")

Attempt = Callable[[], tuple[Reply, bool]]
"""What signs in, and tells whether something secret was said."""


def log_in(line: Line, who: Who, offered: Capabilities, greeting: str, before: str = "") -> str:
    """Sign in, or raise MailError; returns the name of the way.  ``greeting`` is its text if it can be trusted.

    ``before`` is the way that worked last time: a weaker one is refused.
    """
    check_sayable(who.user, who.password, who.token)
    mask(who)
    refusal = _no_way(line.host, who, offered)
    for name, attempt in _attempts(line, who, offered, _CHALLENGE.search(greeting)):
        refuse_weaker(line.host, before, name)
        reply, spent = attempt()
        if reply.ok:
            return name
        refusal = _refused(line.host, reply, offered, who)
        if spent or refusal.kind is not Kind.ACCOUNT:
            break
    raise refusal


def _attempts(
    line: Line, who: Who, offered: Capabilities, challenge: re.Match[str] | None
) -> Iterator[tuple[str, Attempt]]:
    mechanisms = [name for name in offered.get("SASL", ()) if name != "LOGIN"]  # USER and PASS are the same
    for exchange in exchanges(mechanisms, who):
        yield exchange.name, lambda one=exchange: (_play(line, one), one.spent)  # type: ignore[misc]
    if who.password and (not offered or "USER" in offered):
        yield "USER", lambda: _user(line, who)
    if who.password and challenge is not None:
        yield "APOP", lambda: (_apop(line, who, challenge[0]), True)


def _user(line: Line, who: Who) -> tuple[Reply, bool]:
    reply = line.command(f"USER {who.user}", secret=True)
    if not reply.ok:  # a code says that the name is known to be wrong, or the server to be in trouble
        return reply, bool(reply.code)
    return line.command(f"PASS {who.password}", secret=True), True


def _apop(line: Line, who: Who, challenge: str) -> Reply:
    digest = hashlib.md5((challenge + who.password).encode(), usedforsecurity=False).hexdigest()
    return line.command(f"APOP {who.user} {digest}", secret=True)


def _play(line: Line, exchange: Exchange) -> Reply:
    """One exchange (RFC 5034 s.4), with the initial response in the command where it fits into one."""
    try:
        first = exchange.begin()
        command = f"AUTH {exchange.name}"
        whole = command if first is None else f"{command} {_base64(first) or '='}"
        if len(whole) <= _MAX_COMMAND:
            command, first = whole, None
        line.send(command, secret=True)
        while (challenge := _challenge(line)) is not None:
            response, first = (exchange.answer(challenge) if first is None else first), None
            line.send(_base64(response), secret=True)
        reply = line.reply()
        if reply.ok:
            exchange.finish()
        return reply
    except Unacceptable as error:
        line.abort()
        raise not_authentic(line.host, error) from error


def _challenge(line: Line) -> bytes | None:
    """What the server asks, or None when it comes to its verdict."""
    if not (said := line.peek()).startswith(b"+") or said[:3].upper() == b"+OK":
        return None
    try:
        return base64.b64decode(line.line()[1:].strip(), validate=True)
    except ValueError as error:
        raise Unacceptable("a challenge that is not base64") from error


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


# -- refusals in plain words


def _no_way(host: str, who: Who, offered: Capabilities) -> MailError:
    """Nothing that the server offers could be tried."""
    offers = " ".join([*sorted(offered), *offered.get("SASL", ())])
    if who.token:
        text = f"{host} does not offer to sign in as this account does; set it up again with a password."
        return MailError(Kind.ACCOUNT, Retry.ASK, text, offers, "no-mechanism")
    if not who.password:
        text = f"{host} does not offer to log in with a certificate; enter a password in the account's settings."
        return MailError(Kind.ACCOUNT, Retry.ASK, text, offers, "no-mechanism")
    text = f"{host} does not accept a password on this connection; choose TLS or STARTTLS."
    return MailError(Kind.ACCOUNT, Retry.ASK, text, offers, "login-disabled")


def _refused(host: str, reply: Reply, offered: Capabilities, who: Who) -> MailError:
    """RFC 2449 s.8.1 and RFC 3206 where the server speaks them, its words where it does not."""
    said, code = log.masked(reply.text), reply.code
    reason = by_words(reply.text)
    if not reason:
        if code in ("IN-USE", "LOGIN-DELAY") or (not code and _is_busy(reply.text)):
            return _busy(host, code, said)
        if code == "SYS/PERM":
            text = f"{host} says that this mailbox cannot be opened until its operator or you change something there."
            return MailError(Kind.ACCOUNT, Retry.ASK, text, said, "login-refused")
        if code.startswith("SYS/") or (not code and "AUTH-RESP-CODE" in offered):
            text = f"{host} does not let Mua in right now, for a reason of its own; it will try again by itself."
            return MailError(Kind.CONNECTION, Retry.SOON, text, said, "server-trouble")
    shown = "token-refused" if who.token else "certificate-refused" if who.certificate else "wrong-password"
    return not_let_in(reason or shown, host, said)


def _is_busy(text: str) -> bool:
    """A password that is wrong must not be tried again by itself, whatever else the server says about it."""
    return bool(_BUSY.search(text)) or bool(_VAGUE.search(text) and not _WRONG.search(text))


def _busy(host: str, code: str, said: str) -> MailError:
    if code == "LOGIN-DELAY":
        text = f"{host} wants a longer pause between two visits; Mua will try again by itself."
        return MailError(Kind.CONNECTION, Retry.SOON, text, said, "login-delay")
    text = f"Another program has this mailbox open on {host}, or it is busy; Mua will try again by itself."
    return MailError(Kind.CONNECTION, Retry.SOON, text, said, "mailbox-in-use")
