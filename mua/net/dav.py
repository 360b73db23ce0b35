"""A CardDAV server: what is asked of it, and its refusals as sentences (RFC 4918, RFC 6352, RFC 6578).

Rules of the file: who signs in is told to the house that the person named and to no other, over TLS (or to this
computer itself); nothing is in a log or an error that signs in.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Final
from urllib.parse import urljoin

from mua.errors import Kind, MailError, Retry
from mua.mime import dav as xml
from mua.mime.dav import Multistatus
from mua.net import https
from mua.net.https import Answer
from mua.plan import carddav
from mua.records import dataclass

SECONDS: Final = 60.0  # for one request
MAX_ANSWER: Final = 64 << 20  # octets
_XML: Final = 'application/xml; charset="utf-8"'
_VCARD: Final = "text/vcard; charset=utf-8"
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_HOPS: Final = 5


@dataclass(frozen=True, slots=True)
class SignIn:
    """Who asks: a user with a password, or (``token``) by OAuth 2 (RFC 6750).  None of it is ever shown."""

    user: str
    password: Callable[[], str]
    token: Callable[[], str] | None = None

    def field(self) -> tuple[tuple[str, str], ...]:
        """The field that signs in."""
        if self.token is not None:
            return (("Authorization", f"Bearer {self.token()}"),)
        word = base64.b64encode(f"{self.user}:{self.password()}".encode()).decode("ascii")
        return (("Authorization", f"Basic {word}"),)


class Dav:
    """One house's server.  ``named``: the host or domain that the person named."""

    def __init__(self, named: str, sign_in: SignIn, ca_file: str = "") -> None:
        self._named, self._sign_in, self._ca_file = named, sign_in, ca_file

    def propfind(self, url: str, body: str, depth: int) -> tuple[str, Multistatus]:
        """(the URL that answered, what it said); a redirect inside the house is followed."""
        for _ in range(_HOPS):
            answer = self._ask(url, "PROPFIND", body, (("Depth", str(depth)),))
            if answer.status not in _MOVED:
                return url, self._told(url, answer)
            try:
                url = urljoin(url, answer.field("location"))
            except ValueError as error:
                raise _refused(url, "it leads to what is no address", "bad-redirect") from error
        raise _refused(url, "too many redirects", "bad-redirect")

    def listing(self, url: str, body: str) -> Multistatus:
        """What a collection holds.  Raises MailError "dav-cut" where the server does not say all of it."""
        _, told = self.propfind(url, body, 1)
        if not told.whole:
            raise _refused(url, "a listing was cut", "dav-cut")
        return told

    def report(self, url: str, body: str, depth: int = 0) -> Multistatus:
        """What a REPORT says.  Raises MailError "dav-unsupported" where the server does not know it, or its token."""
        answer = self._ask(url, "REPORT", body, (("Depth", str(depth)),))
        if answer.status in (400, 403, 404, 405, 409, 415, 501):
            raise _refused(url, f"REPORT {answer.status}", "dav-unsupported")
        return self._told(url, answer)

    def put(self, url: str, card: str, etag: str) -> Answer:
        """Store a card in place of the one with ``etag``; empty: where there is none yet."""
        guard = ("If-Match", etag) if etag else ("If-None-Match", "*")
        return self._ask(url, "PUT", card, (guard,), _VCARD)

    def delete(self, url: str, etag: str) -> Answer:
        """Delete the card with ``etag``."""
        return self._ask(url, "DELETE", "", (("If-Match", etag),) if etag else ())

    # ---- inside
    def _ask(self, url: str, method: str, body: str, fields: tuple[tuple[str, str], ...], kind: str = _XML) -> Answer:
        if not carddav.may_sign_in(url, self._named):
            text = (
                f"The server of {self._named} would have you sign in at another house, so nothing was told there."
                " If you trust it, enter its own address."
            )
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, carddav.domain_of(url), "other-house")
        answer = https.exchange(
            url,
            method,
            body=body,
            kind=kind,
            fields=(*self._sign_in.field(), *fields),
            timeout=SECONDS,
            max_bytes=MAX_ANSWER,
            ca_file=self._ca_file,
            clear=url.startswith("http:"),
        )
        if answer.status in (401, 407):
            text = f"{carddav.domain_of(url)} does not accept this user and password; check both."
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, str(answer.status), "auth-failed")
        if answer.status in (429, 502, 503, 504):
            text = f"{carddav.domain_of(url)} has no time just now; Mua tries again later."
            raise MailError(Kind.CONNECTION, Retry.SOON, text, str(answer.status), "server-busy")
        return answer

    @staticmethod
    def _told(url: str, answer: Answer) -> Multistatus:
        if answer.status != 207:
            code = "dav-absent" if answer.status in (403, 404, 405, 410) else "http-status"
            raise _refused(url, f"status {answer.status}", code)
        try:
            return xml.multistatus(answer.body)
        except (ValueError, binascii.Error) as error:
            raise _refused(url, str(error)[:200], "protocol-error") from error


def _refused(url: str, why: str, code: str) -> MailError:
    text = f"{carddav.domain_of(url)} does not answer as a server of address books does."
    return MailError(Kind.CONNECTION, Retry.SOON, text, why, code)
