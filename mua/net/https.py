"""One small thing over https: settings that a domain publishes, a picture that a person asked for, a word to a list, a
request to a server that a person named.

Rules of the file: https only, also after a redirect, but for pictures, which say nothing that their mail did not; the
certificate is verified; the address that was checked is the address that is connected to, and it is a public one unless
the caller says otherwise; through a proxy (pictures only) it is the proxy that looks names up; size and time (of
everything together) are bounded; no cookie, no referrer, no name of this computer; no credential but the one that
``exchange`` is given for that one server, which follows no redirect.
"""

import contextlib
import http.client
import io
import ipaddress
import socket
import time
from dataclasses import field
from urllib.parse import SplitResult, urljoin, urlsplit

from mua.errors import Kind, MailError, Retry
from mua.net import proxy, tls
from mua.plan.proxy import Proxy, Scheme, is_elsewhere
from mua.records import dataclass

MAX_BYTES = 128 << 10
MAX_REDIRECTS = 3
FORM = "application/x-www-form-urlencoded"
MAX_ADDRESSES = 3  # of one host: one of each family first
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052 s.2.1
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked for and how: the fields of the request, whether it may go unprotected (``clear``), and the ``form``
    that is posted; empty: nothing is.  ``whole``: the body is wanted whatever the status is, also after a form;
    ``kind``: the type of the form; ``proxy``: through which, instead of this computer's own network.  ``method``: empty
    for GET and POST; ``fields``: further fields of the request, none of which is ever shown.
    """

    accept: str
    agent: str
    clear: bool = False
    form: str = ""
    whole: bool = False
    kind: str = FORM
    proxy: Proxy | None = None
    method: str = ""
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; ``fields`` by their names in small letters."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def field(self, name: str) -> str:
        """The first field of this name; empty: there is none."""
        return next((value for key, value in self.fields if key == name), "")


SETTINGS = Asking("text/xml, application/xml, */*;q=0.1", "Mua")
PICTURE = Asking("image/avif,image/webp,image/png,image/*;q=0.8", "Mozilla/5.0", clear=True)
"""A picture of a mail: by no name that tells this program, for a picture's server need not know who reads how."""


class _Timed(io.RawIOBase):
    """A socket to read from until a moment of the monotonic clock."""

    def __init__(self, sock: socket.socket, end: float) -> None:
        self._sock = sock
        self._end = end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("too slow")
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)  # type: ignore[arg-type]  # typeshed has no writable buffer for RawIOBase

    def makefile(self, *_: object) -> io.BufferedReader:
        """What ``http.client`` calls on its socket."""
        return io.BufferedReader(self)


def fetch(
    url: str,
    *,
    max_bytes: int = MAX_BYTES,
    timeout: float = 8.0,
    ca_file: str = "",
    allow_private: bool = False,
    redirects: int = MAX_REDIRECTS,
    media: str = "",
    asking: Asking = SETTINGS,
) -> bytes:
    """The octets at ``url``.  ``timeout`` (seconds) bounds the whole, redirects included; ``media`` is the only type
    that is taken, empty for any; ``asking``: as what.

    Raises MailError: "https-only", "private-address", "http-status", "too-big", "bad-redirect", "protocol-error", and
    what ``net.tls`` raises ("unknown-host", "connection-refused", "timeout", "certificate-..." and so on).
    """
    end = time.monotonic() + timeout
    parts = _checked("", url, asking)
    for _ in range(redirects + 1):
        answer, body = _exchange(parts, end, max_bytes, ca_file, allow_private, asking)
        if answer.status == 200:
            told = answer.getheader("Content-Type") or ""
            if media and told.partition(";")[0].strip().lower() != media:
                raise _refused(parts, f"it is {told[:50]!r}", "protocol-error")
            return body
        if answer.status not in _MOVED:
            raise _refused(parts, f"{answer.status} {answer.reason}", "http-status")
        parts = _checked(parts.geturl(), answer.getheader("Location") or "", asking)
    raise _refused(parts, "too many redirects", "bad-redirect")


def post(url: str, form: str, *, timeout: float, ca_file: str = "", allow_private: bool = False) -> int:
    """Post ``form`` (already encoded, ASCII), by no name that tells this program, and say the status of the answer;
    what else is in it is not read, and no redirect is followed.  ``timeout`` (seconds) bounds the whole.

    Raises MailError: like ``fetch``, but for what it says of an answer that is none.
    """
    asking = Asking("*/*", PICTURE.agent, form=form)
    return _exchange(_checked("", url, asking), time.monotonic() + timeout, 0, ca_file, allow_private, asking)[0].status


def ask(
    url: str, form: str, *, timeout: float, ca_file: str = "", allow_private: bool = False, kind: str = FORM
) -> tuple[int, bytes]:
    """Post ``form`` (already encoded, ASCII; of this ``kind``) and say the status and the body of the answer, which is
    JSON by agreement; no redirect is followed: what is in the form is for that server only.  ``timeout`` (seconds)
    bounds the whole.

    Raises MailError: like ``fetch``, but for "http-status".
    """
    asking = Asking("application/json", "Mua", form=form, whole=True, kind=kind)
    end = time.monotonic() + timeout
    answer, body = _exchange(_checked("", url, asking), end, MAX_BYTES, ca_file, allow_private, asking)
    return answer.status, body


def exchange(
    url: str,
    method: str,
    *,
    body: str = "",
    kind: str = "",
    fields: tuple[tuple[str, str], ...] = (),
    timeout: float,
    max_bytes: int,
    ca_file: str = "",
    clear: bool = False,
) -> Answer:
    """One request to a server that a person named, also one of this network; ``fields`` may hold what signs in.

    ``clear``: without TLS, for this computer itself only.  ``timeout`` (seconds) bounds the whole.
    Raises MailError: like ``fetch``, but for "http-status" and "private-address".
    """
    asking = Asking("*/*", "Mua", clear, body, whole=True, kind=kind or FORM, method=method, fields=fields)
    end = time.monotonic() + timeout
    answer, read = _exchange(_checked("", url, asking), end, max_bytes, ca_file, True, asking)
    return Answer(answer.status, tuple((name.lower(), value) for name, value in answer.getheaders()), read)


def _checked(base: str, url: str, asking: Asking) -> SplitResult:
    """``url`` (relative to ``base``) in its parts, if it is one that may be asked."""
    try:
        parts = urlsplit(urljoin(base, url))
        sound = (
            parts.scheme in (("https", "http") if asking.clear else ("https",))
            and parts.hostname
            and not parts.username
            and parts.port != 0
        )
    except ValueError:
        parts, sound = SplitResult("", "", "", "", ""), False
    if not sound or not url.isascii() or not url.isprintable() or " " in url:
        text = "Settings are fetched over a protected connection only, and this address is none."
        raise MailError(Kind.ACCOUNT, Retry.NEVER, text, url[:200], "https-only")
    return parts


def _exchange(
    parts: SplitResult, end: float, max_bytes: int, ca_file: str, allow_private: bool, asking: Asking
) -> tuple[http.client.HTTPResponse, bytes]:
    """One request and its answer; the body only where it is wanted, or the answer is 200 and nothing was posted."""
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    if asking.proxy is not None:
        sock = _through(asking.proxy, host, port, end, allow_private, secure)
    else:
        sock = _connect(host, port, end, allow_private)
    try:
        sock.settimeout(_left(end, host))
        if secure:
            sock = tls.wrap(sock, tls.context(ca_file), host)
        sock.sendall(_request(parts, asking))
        method = asking.method or "GET"
        answer = http.client.HTTPResponse(_Timed(sock, end), method=method)  # type: ignore[arg-type]  # only makefile
        answer.begin()
        wanted = asking.whole or (answer.status == 200 and not asking.form)
        body = answer.read(max_bytes + 1) if wanted else b""
        if len(body) > max_bytes:
            raise _refused(parts, f"more than {max_bytes} octets", "too-big")
        if wanted and answer.length:
            raise _refused(parts, f"{answer.length} octets are missing", "connection-lost")
        return answer, body
    except OSError as error:
        raise tls.os_error(error, host) from error
    except (http.client.HTTPException, ValueError) as error:
        raise _refused(parts, f"{type(error).__name__}", "protocol-error") from error
    finally:
        sock.close()


def _request(parts: SplitResult, asking: Asking) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if asking.proxy is not None and asking.proxy.scheme is Scheme.HTTP and parts.scheme == "http":
        target = f"http://{parts.netloc}{target}"  # RFC 9112 s.3.2.2
    lines = [
        f"{asking.method or ('POST' if asking.form else 'GET')} {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Accept: {asking.accept}",
        "Accept-Encoding: identity",
        f"User-Agent: {asking.agent}",
        "Connection: close",
    ]
    if not all(value.isprintable() for _, value in asking.fields):  # one may be what a server said: an ETag
        raise ValueError("a field that would be several")
    lines += [f"{name}: {value}" for name, value in asking.fields]
    form = asking.form.encode("utf-8", "surrogateescape")
    if asking.form or asking.method == "PUT":
        lines += [f"Content-Type: {asking.kind}", f"Content-Length: {len(form)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + form


def _connect(host: str, port: int, end: float, allow_private: bool) -> socket.socket:
    """A socket to one of the addresses that were looked at: the first that answers."""
    *others, last = _addresses(host, port, allow_private)
    for address in others:
        with contextlib.suppress(MailError):
            return tls.connect(address, port, _left(end, host) / 2)
    return tls.connect(last, port, _left(end, host))


def _through(via: Proxy, host: str, port: int, end: float, allow_private: bool, secure: bool) -> socket.socket:
    """A way to a host through a proxy, which looks it up; a place of a network of its own is refused here."""
    if not allow_private and not is_elsewhere(host) and not _is_public_address(host):
        text = f"{host} leads into a network of somebody's own, so nothing was asked there."
        raise MailError(Kind.ACCOUNT, Retry.NEVER, text, host[:200], "private-address")
    if via.scheme is Scheme.HTTP and not secure:
        return proxy.connect(via, _left(end, host))
    return proxy.tunnel(via, host, port, _left(end, host))


def _is_public_address(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:
        return False


def _addresses(host: str, port: int, allow_private: bool) -> list[str]:
    """The first addresses of ``host``: public ones, so that a name cannot lead into this computer's own network."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        text = f"There is no server named {host}."
        raise MailError(Kind.CONNECTION, Retry.SOON, text, str(error), "unknown-host") from error
    public = [one for one in found if allow_private or is_public(one)]
    if not public:
        text = f"{host} leads into this computer's own network, so nothing was asked there."
        raise MailError(Kind.ACCOUNT, Retry.NEVER, text, ", ".join(found[:5]), "private-address")
    by_family = sorted(public, key=lambda one: (":" in one) != (":" in public[0]))
    return list(dict.fromkeys((by_family[0], by_family[-1], *by_family)))[:MAX_ADDRESSES]


def is_public(address: str) -> bool:
    """Whether an address is somebody's on the internet: not this computer's, its network's, or a way to either.

    An IPv6 address that carries an IPv4 one (6to4, Teredo, NAT64) is what it carries.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None and not is_public(str(inner)):
            return False
    return found.is_global and not found.is_multicast


def _left(end: float, host: str) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise tls.os_error(TimeoutError("too slow"), host)
    return left


def _refused(parts: SplitResult, why: str, code: str) -> MailError:
    text = f"{parts.hostname} did not hand over its settings."
    return MailError(Kind.CONNECTION, Retry.SOON, text, why[:200], code)
