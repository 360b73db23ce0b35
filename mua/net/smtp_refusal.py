"""What a submission server's refusal to begin means for an account, in a person's words.

Rule of the file: ``text`` says what happened, whose fault it is and what happens next; ``detail`` keeps the server's
own words, with secrets masked.  ACCOUNT errors wait for a person, CONNECTION errors are tried again by themselves.
"""

import re
import ssl
from collections.abc import Sequence

from mua.errors import Kind, MailError, Retry
from mua.log import masked
from mua.model.outgoing import Phase
from mua.net import tls
from mua.net.login_refusal import by_mechanism, by_words, not_let_in
from mua.net.sasl import not_authentic
from mua.net.smtp_outcome import Outcome
from mua.net.smtp_session import NotOffered
from mua.net.smtp_wire import Lost, Reply


def account_error(lost: Lost, host: str) -> MailError:
    """A failed opening in a person's words, with the server's own in ``detail``."""
    if isinstance(lost.__cause__, ssl.SSLError):
        return tls.tls_error(lost.__cause__, host)
    error = _classified(lost, host, masked(str(lost.reply or lost.why)))
    if lost.in_clear:
        tls.mark_in_clear(error)
    return error


def _classified(lost: Lost, host: str, detail: str) -> MailError:
    refused = lost.in_clear and lost.phase is Phase.TLS and lost.reply is not None and lost.reply.code >= 500
    if isinstance(lost, NotOffered) or refused:
        return _not_offered(lost, host, detail)
    if lost.phase is Phase.AUTH and lost.reply and lost.reply.code >= 500:
        return _login_refused(lost.reply, lost.mechanism, host, detail)
    if lost.phase is Phase.AUTH and lost.reply is None and isinstance(lost.__cause__, ValueError):
        return not_authentic(host, lost.__cause__)
    if lost.phase is Phase.TLS and lost.reply is None:
        text = f"{host} could not set up a protected connection, so nothing was sent to it."
        return MailError(Kind.CONNECTION, Retry.SOON, text, detail, "tls-failed")
    if lost.reply:
        text = f"{host} does not take mail right now; Mua will try again by itself."
        return MailError(Kind.CONNECTION, Retry.SOON, text, detail, "server-busy")
    text = f"The connection to {host} was lost; Mua will connect again by itself."
    return MailError(Kind.CONNECTION, Retry.SOON, text, detail, "connection-lost")


def _not_offered(lost: Lost, host: str, detail: str) -> MailError:
    if lost.phase is Phase.TLS:
        text = (
            f"{host} does not offer a protected connection, so your password was not sent; check the port and security."
        )
        return MailError(Kind.ACCOUNT, Retry.ASK, text, detail, "no-starttls")
    text = f"{host} offers no way to sign in that Mua knows; check the server and port in the account's settings."
    return MailError(Kind.ACCOUNT, Retry.ASK, text, detail, "no-mechanism")


_ENHANCED = {  # RFC 3463 codes, as the large providers use them
    "app-password": re.compile(r"5\.7\.9\b"),
    "password-disabled": re.compile(r"5\.7\.(139|30)\b"),
}


def _login_refused(reply: Reply, mechanism: str, host: str, detail: str) -> MailError:
    coded = next((reason for reason, pattern in _ENHANCED.items() if pattern.search(reply.text)), "")
    return not_let_in(coded or by_words(reply.text) or by_mechanism(mechanism), host, detail)


def setup_error(outcomes: Sequence[Outcome], host: str) -> MailError | None:
    """The server wanted a sign-in or TLS before MAIL (530): a matter of the account, not of the message."""
    if not outcomes or any(outcome.phase is not Phase.MAIL or outcome.code != 530 for outcome in outcomes):
        return None
    text = f"{host} wants a sign-in or a protected connection first; check this account's settings for sending."
    return MailError(Kind.ACCOUNT, Retry.ASK, text, outcomes[0].text, "sign-in-required")
