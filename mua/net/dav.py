"""A CardDAV server: what is asked of it, and its refusals as sentences (RFC 4918, RFC 6352, RFC 6578).

Rules of the file: who signs in is told to the house that the person named (with an account's password or token: to
that account's own servers, whatever was named) and to no other, over TLS (or to this computer itself); nothing is in a
log or an error that signs in.
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
_BEARER: Final = "Bearer "


@dataclass(frozen=True, slots=True)
class SignIn:
    """Who asks: a user with a password, or (``token``) by OAuth 2 (RFC 6750).  None of it is ever shown.

    ``token`` is given the one that the server refused, or nothing.  ``houses``: the hosts or domains that may be told.
    ``account``: the address whose sign-in it is; empty: a password
    that was typed for the first of ``houses``.
    """

    user: str
    password: Callable[[], str]
    houses: tuple[str, ...]
    token: Callable[[str], str] | None = None
    account: str = ""

    def word(self) -> str:
        """What signs in (RFC 7617, RFC 6750)."""
        if self.token is not None:
            return f"{_BEARER}{self.token('')}"
        return "Basic " + base64.b64encode(f"{self.user}:{self.password()}".encode()).decode("ascii")

    def after(self, word: str) -> str:
        """What signs in after ``word`` was refused; empty: nothing does."""
        return f"{_BEARER}{self.token(word.removeprefix(_BEARER))}" if self.token is not None else ""


class Dav:
    """A server, asked as somebody."""

    def __init__(self, sign_in: SignIn, ca_file: str = "") -> None:
        self._sign_in, self._ca_file = sign_in, ca_file

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
        if not any(carddav.may_sign_in(url, one) for one in self._sign_in.houses):
            raise self._stranger(carddav.domain_of(url))
        word = self._sign_in.word()
        answer = self._exchange(url, method, body, (("Authorization", word), *fields), kind)
        if answer.status == 401 and (word := self._sign_in.after(word)):
            answer = self._exchange(url, method, body, (("Authorization", word), *fields), kind)
        if answer.status in (401, 407):
            raise self._unknown(carddav.domain_of(url), answer)
        if answer.status in (429, 502, 503, 504):
            text = f"{carddav.domain_of(url)} has no time just now; Mua tries again later."
            raise MailError(Kind.CONNECTION, Retry.SOON, text, str(answer.status), "server-busy")
        return answer

    def _exchange(self, url: str, method: str, body: str, fields: tuple[tuple[str, str], ...], kind: str) -> Answer:
        return https.exchange(
            url,
            method,
            body=body,
            kind=kind,
            fields=fields,
            timeout=SECONDS,
            max_bytes=MAX_ANSWER,
            ca_file=self._ca_file,
            clear=url.startswith("http:"),
        )

    def _unknown(self, host: str, answer: Answer) -> MailError:
        """The server does not let us in."""
        ways = {value.split(" ")[0].lower() for name, value in answer.fields if name == "www-authenticate"}
        if ways == {"digest"}:
            text = (
                f"{host} takes Digest sign-ins only, which Mua does not do; whoever runs it can allow Basic ones,"
                " which are as safe over TLS."
            )
        elif self._sign_in.token is not None:
            text = f"{host} does not accept the sign-in of {self._sign_in.account} for address books."
        else:
            text = f"{host} does not accept this user and password; check both."
        return MailError(Kind.ACCOUNT, Retry.ASK, text, str(answer.status), "auth-failed")

    def _stranger(self, host: str) -> MailError:
        """``host`` is nobody who may be told who signs in."""
        if self._sign_in.account:
            text = (
                f"{host} is no server of {self._sign_in.account}, so that account's sign-in was not used there."
                " Give this address book a password of its own."
            )
            return MailError(Kind.ACCOUNT, Retry.ASK, text, host, "own-password")
        text = (
            f"The server of {self._sign_in.houses[0]} would have you sign in at another house, so nothing was told"
            " there. If you trust it, enter its own address."
        )
        return MailError(Kind.ACCOUNT, Retry.ASK, text, host, "other-house")

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
