"""A mail server that behaves as a declarative case says: the attacks of NO STARTTLS (USENIX Security 2021) as data.

``cases(folder)`` reads the collection beside the checkout in place, each case and each variant that it comments out.
``FakeServer(case)`` plays one for one connection after another, and remembers what it heard and said, in clear and
through TLS.  Where a case says nothing the server is an honest one, with one message in its mailbox.

Rule of the file: it judges nothing; ``starttls_score`` does, from what is remembered here.
"""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import certs
import ron

MAIL = b"From: bo@example.org\r\nSubject: genuine\r\nMessage-ID: <genuine@example.org>\r\n\r\ngenuine text\r\n"
_NAMES = {
    "Imap4Rev1": "IMAP4rev1",
    "LoginReferrals": "LOGIN-REFERRALS",
    "MailboxReferrals": "MAILBOX-REFERRALS",
    "Compress": "COMPRESS=DEFLATE",
}
_LEAVES = {
    "self-signed": "self-signed",
    "unknown-root": "stranger",
    "other.example": "wrong-name",
    "expired": "expired",
}
_TLS_RECORD = b"\x16\x03"


@dataclass(frozen=True, slots=True)
class Case:
    """One case: ``name`` is its path (``#2``: its second variant), ``protocol`` imap, pop3 or smtp."""

    name: str
    protocol: str
    fields: dict[str, Any]

    @property
    def implicit(self) -> bool:
        """The server speaks TLS from the first octet."""
        return bool(self.fields.get("implicit_tls"))

    @property
    def leaf(self) -> str:
        """Which certificate of ``certs`` it presents."""
        path = str(self.fields["cert"][1].get("crt_path", ""))
        return next((leaf for part, leaf in _LEAVES.items() if part in path), "good")

    def words(self, field: str) -> list[str]:
        """A list of names, in lower case."""
        return [str(word).lower() for word in self.fields.get(field) or ()]

    def text(self, field: str, default: str = "") -> str:
        """A text, optional or not."""
        value = self.fields.get(field, default)
        return str(value[1][0] if isinstance(value, tuple) else value)

    def override(self, verb: str) -> str | None:
        """What it says to this command instead of an honest answer."""
        table = {str(key).lower(): str(value) for key, value in (self.fields.get("override_response") or {}).items()}
        return table.get(verb)

    def honest(self) -> "Case":
        """The same server without anything said in clear: implicit TLS, and nothing but the truth before it."""
        said_in_clear = {"greeting", "response_after_greeting", "starttls_response", "stls_response"}
        said_in_clear |= {"starttls_transition", "stls_make_transition", "override_response", "state"}
        kept = {key: value for key, value in self.fields.items() if key not in said_in_clear}
        return replace(self, fields={**kept, "implicit_tls": True})


def cases(folder: Path) -> list[Case]:
    """Every case of the collection, in order of its name, its variants behind it."""
    found = []
    for path in sorted(folder.glob("testcases*/**/*.ron")):
        name = str(path.relative_to(folder).with_suffix(""))
        protocol = next(part for part in path.parts if part in ("imap", "pop3", "smtp"))
        text = path.read_text(encoding="utf-8")
        for number, document in enumerate([text, *ron.variants(text)]):
            fields = ron.load(document)
            assert isinstance(fields, dict)
            found.append(Case(f"{name}#{number}" if number else name, protocol, fields))
    return found


class _Talk:
    """One connection.  ``where`` is "clear" or "tls"."""

    def __init__(self, server: "FakeServer", sock: socket.socket) -> None:
        self.case = server.case
        self.server = server
        self.sock = sock
        self.where = "clear"
        self.known = False  # signed in
        self._buffer = b""

    def protect(self) -> None:
        """The server's side of a handshake."""
        context = certs.authority().server_context(self.case.leaf)
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.where, self._buffer = "tls", b""

    def say(self, text: str | bytes) -> None:
        """Send, and remember."""
        data = text if isinstance(text, bytes) else text.encode()
        self.server.said[self.where] += data
        self.sock.sendall(data)

    def lines(self) -> Iterator[str]:
        """The client's lines; it ends with the connection, or where somebody starts TLS unasked."""
        while True:
            while b"\n" not in self._buffer:
                if not self._receive():
                    return
                if self.where == "clear" and self._buffer.startswith(_TLS_RECORD):
                    self.say("500 what is that\r\n")
                    return
            line, _, self._buffer = self._buffer.partition(b"\n")
            yield line.rstrip(b"\r").decode("latin-1")

    def _receive(self) -> bool:
        data = self.sock.recv(1 << 16)
        self.server.heard[self.where] += data
        self._buffer += data
        return bool(data)

    def literal(self, size: int) -> bytes:
        """So many octets, and the line end behind them."""
        while len(self._buffer) < size + 2:
            if not self._receive():
                return b""
        data, self._buffer = self._buffer[:size], self._buffer[size + 2 :]
        return data

    def until_dot(self) -> bytes:
        """Mail data."""
        while b"\r\n.\r\n" not in self._buffer:
            if not self._receive():
                return b""
        data, _, self._buffer = self._buffer.partition(b"\r\n.\r\n")
        return data

    def silent(self, verb: str) -> bool:
        """The case does not answer this command."""
        return verb in self.case.words("ignore_commands" if self.where == "clear" else "ignore_commands_tls")


def _leaf(value: object) -> str:
    """The one name inside nested wrappers."""
    while not isinstance(value, str):
        if isinstance(value, tuple):
            value = value[1]
        elif isinstance(value, dict):
            value = next(iter(value.values()))
        else:
            assert isinstance(value, list)
            value = value[0]
    return value


# -- IMAP


def _capability(value: object) -> str:
    name = value[0] if isinstance(value, tuple) else str(value)
    if name == "Auth":
        return f"AUTH={_leaf(value).upper()}"
    return _NAMES.get(name) or (_leaf(value) if name == "Other" else name.upper())


def _code(value: object) -> str:
    """A response code in brackets, or nothing."""
    if value in (None, "None"):
        return ""
    inner = value[1][0] if isinstance(value, tuple) else value
    name = inner[0] if isinstance(inner, tuple) else str(inner)
    if name == "Capability":
        return f"[CAPABILITY {' '.join(map(_capability, inner[1][0][1][0]))}] "
    return f"[{name.upper()} {_leaf(inner)}] " if isinstance(inner, tuple) else f"[{name.upper()}] "


def _greeting(value: object) -> str:
    if value is None:
        return "* OK ready\r\n"
    tag, kind = "*", ""
    if isinstance(value, tuple):  # a tagged greeting
        kind, value = value
        tag = _leaf(value["tag"])
    assert isinstance(value, dict)
    return f"{tag} {(kind or value['kind']).upper()} {_code(value.get('code'))}{_leaf(value['text'])}\r\n"


def _imap(talk: _Talk) -> None:
    case = talk.case
    talk.known = "PreAuth" in str(case.fields.get("greeting"))
    talk.say(case.override("greeting") or _greeting(case.fields.get("greeting")))
    talk.say(case.text("response_after_tls" if case.implicit else "response_after_greeting"))
    for line in talk.lines():
        tag, _, rest = line.partition(" ")
        verb, _, arguments = rest.partition(" ")
        if verb.upper() == "UID":
            verb = arguments.partition(" ")[0]
        if size := re.search(r"\{(\d+)(\+?)\}$", line):
            if not size[2]:
                talk.say("+ go on\r\n")
            talk.literal(int(size[1]))
        _imap_command(talk, tag, verb.lower(), arguments)
        if verb.upper() == "LOGOUT":
            return


def _imap_command(talk: _Talk, tag: str, verb: str, arguments: str) -> None:
    case = talk.case
    if talk.silent(verb):
        return
    if verb in case.words("hide_commands"):
        talk.say(f"{tag} BAD unknown command\r\n")
    elif instead := case.override(verb):
        talk.say(instead.replace("<tag>", tag))
    elif f"override_{verb}" in case.fields:
        _, [(kind, said)] = case.fields[f"override_{verb}"]
        talk.say(f"{tag} {kind.upper()} {_code(said['code'])}{_leaf(said['text'])}\r\n")
    elif verb == "starttls":
        _imap_starttls(talk, tag)
    elif verb == "capability":
        field = "caps" + "_tls" * (talk.where == "tls") + "_auth" * talk.known
        talk.say(f"* CAPABILITY {' '.join(map(_capability, case.fields[field]))}\r\n{tag} OK done\r\n")
    elif verb == "authenticate" and " " not in arguments:
        talk.say("+ \r\n")
        next(talk.lines())
        talk.known = True
        talk.say(f"{tag} OK in\r\n")
    else:
        talk.known = talk.known or verb in ("login", "authenticate")
        talk.say(_IMAP.get(verb, "") + f"{tag} OK done\r\n")


_IMAP = {
    "list": '* LIST () "/" INBOX\r\n',
    "lsub": '* LSUB () "/" INBOX\r\n',
    "status": "* STATUS INBOX (MESSAGES 1 UIDNEXT 8 UIDVALIDITY 3 UNSEEN 1)\r\n",
    "select": "* 1 EXISTS\r\n* OK [UIDVALIDITY 3] x\r\n* OK [UIDNEXT 8] x\r\n",
    "search": "* SEARCH 7\r\n",
    "fetch": '* 1 FETCH (UID 7 FLAGS () INTERNALDATE "05-Nov-2026 10:00:00 +0000" '
    f"RFC822.SIZE {len(MAIL)} BODY[] {{{len(MAIL)}}}\r\n{MAIL.decode()})\r\n",
    "logout": "* BYE see you\r\n",
}


def _imap_starttls(talk: _Talk, tag: str) -> None:
    answer = talk.case.text("starttls_response") or "<tag> OK begin TLS now\r\n"
    following = re.sub(r"\d+$", lambda number: str(int(number[0]) + 1), tag)
    talk.say(re.sub(r"(?m)^2 OK", f"{following} OK", answer).replace("<tag>", tag))
    if talk.case.fields.get("starttls_transition", True):
        talk.protect()
        talk.say(talk.case.text("response_after_tls"))


# -- POP3


def _pop3(talk: _Talk) -> None:
    case = talk.case
    talk.say(case.text("greeting", "+OK ready\r\n"))
    for line in talk.lines():
        verb = line.partition(" ")[0].lower()
        if talk.silent(verb):
            continue
        if verb in case.words("hide_commands"):
            talk.say("-ERR unknown command\r\n")
        elif verb == "stls" and talk.where == "clear":
            instead = case.override("stls")
            talk.say(instead or case.text("stls_response", "+OK begin TLS now\r\n"))
            if case.fields.get("stls_make_transition", not (instead or "").startswith("-ERR")):
                talk.protect()
        elif instead := case.override(verb):
            talk.say(instead)
        elif verb == "capa":
            offered = case.fields.get("capa_tls" if talk.where == "tls" else "capa") or ()
            talk.say("+OK\r\n" + "".join(f"{one}\r\n" for one in offered) + ".\r\n")
        else:
            talk.say(_POP3.get(verb, b"+OK\r\n"))
        if verb == "quit":
            return


_POP3: dict[str, bytes] = {
    "list": b"+OK\r\n1 %d\r\n.\r\n" % len(MAIL),
    "uidl": b"+OK\r\n1 genuine-id\r\n.\r\n",
    "retr": b"+OK\r\n" + MAIL + b".\r\n",
}


# -- SMTP


def _smtp(talk: _Talk) -> None:
    case = talk.case
    talk.say(case.text("greeting", "220 ready\r\n"))
    for line in talk.lines():
        verb = line.partition(" ")[0].lower()
        if talk.silent(verb):
            continue
        if verb in case.words("hide_commands"):
            talk.say("502 5.5.1 unknown command\r\n")
        elif verb == "starttls" and talk.where == "clear":
            instead = case.override(verb) or case.text("stls_response", "220 begin TLS now\r\n")
            talk.say(instead)
            if instead.startswith("220") and case.fields.get("stls_make_transition", True):
                talk.protect()
        elif instead := case.override(verb):
            talk.say(instead)
        elif verb == "ehlo":
            talk.say(_extensions(case.fields["capabilities_tls" if talk.where == "tls" else "capabilities"]))
        elif verb == "data":
            talk.say("354 go on\r\n")
            talk.until_dot()
            talk.say("250 2.0.0 taken\r\n")
        else:
            talk.say(_SMTP.get(verb, "250 2.0.0 fine\r\n"))
        if verb == "quit":
            return


_SMTP = {"auth": "235 2.7.0 in\r\n", "quit": "221 2.0.0 bye\r\n"}


def _extensions(offered: list[Any]) -> str:
    lines = [
        "fake",
        *(f"AUTH {' '.join(map(_leaf, one[1][0])).upper()}" if one[0] == "Auth" else "STARTTLS" for one in offered),
    ]
    return "".join(f"250{' ' if place == len(lines) else '-'}{line}\r\n" for place, line in enumerate(lines, 1))


_PLAYERS: dict[str, Callable[[_Talk], None]] = {"imap": _imap, "pop3": _pop3, "smtp": _smtp}


class FakeServer:
    """A server on a free loopback port that plays one case.  ``heard`` and ``said`` have "clear" and "tls"."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.heard = {"clear": b"", "tls": b""}
        self.said = {"clear": b"", "tls": b""}
        self.errors: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._talks: list[_Talk] = []

    def __enter__(self) -> Self:
        self._acceptor = threading.Thread(target=self._accept, name="fake", daemon=True)
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sock in (self._listener, *(talk.sock for talk in self._talks)):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # past ssl, which another thread may be in
        self._acceptor.join(10)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                sock = self._listener.accept()[0]
            except OSError:
                return
            sock.settimeout(10)
            self._talks.append(_Talk(self, sock))
            thread = threading.Thread(target=self._serve, args=(self._talks[-1],), name="fake-talk", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, talk: _Talk) -> None:
        try:
            if self.case.implicit:
                talk.protect()
            _PLAYERS[self.case.protocol](talk)
        except ssl.SSLError as error:
            self.errors.append(str(error.reason))
        except (OSError, StopIteration) as error:
            self.errors.append(type(error).__name__)
        finally:
            with contextlib.suppress(OSError):
                talk.sock.close()
