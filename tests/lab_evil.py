"""A server that takes everything it is told, and remembers it: the witness that no password went astray.

It speaks just enough IMAP, POP3 and SMTP to let a careless client sign in.  ``heard`` holds every byte that a client
sent, in the clear or through TLS, so a test can search it for a secret.
"""

import base64
import socket
import ssl
import threading

from certs import Leaf
from lab_net import Network

GREETINGS = {"imap": "* OK ready", "pop3": "+OK ready", "smtp": "220 evil.test ESMTP"}


class Witness:
    """One listening server.  ``tls``: wrap at once; ``starttls``: offer it; neither: a server without protection."""

    def __init__(
        self,
        network: Network,
        host: str,
        protocol: str,
        leaf: Leaf | None,
        *,
        tls: bool = False,
        starttls: bool = False,
    ) -> None:
        self.protocol, self._tls, self._starttls = protocol, tls, starttls
        self._context = _context(leaf) if leaf else None
        self._lock = threading.Lock()
        self._heard = bytearray()
        self.connections = 0
        self._listener = network.listen(host)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def heard(self) -> bytes:
        """Everything that clients sent so far, decrypted."""
        with self._lock:
            return bytes(self._heard)

    def heard_secret(self, secret: str) -> bool:
        """Whether ``secret`` arrived, plain or in any base64 dress that PLAIN and LOGIN give it."""
        heard, raw = self.heard, secret.encode()
        if raw in heard or base64.b64encode(raw) in heard:
            return True
        words = (word for word in heard.replace(b"\r\n", b" ").split(b" ") if len(word) % 4 == 0)
        return any(raw in _decoded(word) for word in words)

    def close(self) -> None:
        """Stop listening."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(20)
        try:
            if self._tls and self._context:
                client = self._context.wrap_socket(client, server_side=True)
            client.sendall(f"{GREETINGS[self.protocol]}\r\n".encode())
            while protected := self._converse(client):
                client = protected
        except OSError:
            pass  # a client that goes away is what we want to see
        finally:
            client.close()

    def _converse(self, client: socket.socket) -> socket.socket | None:
        """Answer lines until the client goes (None) or wants TLS (the wrapped socket)."""
        offer = self._starttls and not isinstance(client, ssl.SSLSocket)
        with client.makefile("rb") as lines:
            for line in lines:
                with self._lock:
                    self._heard += line
                words = line.decode("latin-1").split()
                if offer and self._context and {"STARTTLS", "STLS"} & {word.upper() for word in words[:2]}:
                    client.sendall(self._go_ahead(words))
                    break
                client.sendall(self._reply(words, offer))
            else:
                return None
        return self._context.wrap_socket(client, server_side=True) if self._context else None

    def _go_ahead(self, words: list[str]) -> bytes:
        return {"imap": f"{words[0]} OK go\r\n", "pop3": "+OK\r\n", "smtp": "220 go\r\n"}[self.protocol].encode()

    def _reply(self, words: list[str], offer: bool) -> bytes:
        verb = (words[1:2] or [""])[0].upper() if self.protocol == "imap" else (words or [""])[0].upper()
        match self.protocol, verb:
            case "imap", "CAPABILITY":
                extensions = "AUTH=PLAIN AUTH=LOGIN SASL-IR" + (" STARTTLS" if offer else "")
                return f"* CAPABILITY IMAP4rev1 {extensions}\r\n{words[0]} OK done\r\n".encode()
            case "imap", "":
                return b"+ go on\r\n"
            case "imap", _:
                return f"{words[0]} OK done\r\n".encode()
            case "pop3", "CAPA":
                return b"+OK\r\nUSER\r\nSASL PLAIN LOGIN\r\n" + (b"STLS\r\n" if offer else b"") + b".\r\n"
            case "pop3", _:
                return b"+OK\r\n"
            case _, "EHLO":
                return b"250-evil.test\r\n" + (b"250-STARTTLS\r\n" if offer else b"") + b"250 AUTH PLAIN LOGIN\r\n"
            case _, "AUTH":
                return b"235 welcome\r\n"
        return b"250 ok\r\n"


def _context(leaf: Leaf) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.cert, leaf.key)
    return context


def _decoded(word: bytes) -> bytes:
    try:
        return base64.b64decode(word, validate=True)
    except ValueError:
        return b""
