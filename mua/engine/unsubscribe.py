"""Telling a list that its mail is no longer wanted, by the one click of RFC 8058, because a person asked for it.

Rules of the file: nobody calls this but the command; the address comes from the message and what was found out of its
signatures here, never from a client; it is written down before it is sent, so that it is sent once.
"""

from collections.abc import Callable
from functools import partial

from mua import wire
from mua.engine.context import Context
from mua.engine.reading import view_of
from mua.errors import Kind, MailError, Retry
from mua.log import ENGINE
from mua.mime.list_fields import list_fields
from mua.model.message import MessageId
from mua.net import https
from mua.plan import unsubscribe as plan
from mua.store import lists, origin

SECONDS = 20.0
Post = Callable[[str, str], int]


def unsubscribe(context: Context, message_id: MessageId, post: Post | None = None) -> wire.Unsubscribed:
    """Ask the address; what was not taken may be tried again.

    Raises MailError "no-one-click" where it may not be asked, "no-body", and what ``net.https.post`` raises.
    """
    fields = list_fields(view_of(context, message_id).headers)
    evidence = origin.evidence(context.store.reader(), message_id)
    found = plan.one_click(fields.one_click, fields.says_one_click, evidence)
    if not found.url:
        text = found.why or "The list of this message does not say that it can be left by one click."
        raise MailError(Kind.MESSAGE, Retry.NEVER, text, code="no-one-click")
    with context.store.write(durable=True) as tx:
        if not lists.claim(tx, message_id, context.now()):
            return wire.Unsubscribed(found.host, 0)
    status = 0
    try:
        status = (post or partial(https.post, timeout=SECONDS))(found.url, plan.FORM)
    except MailError as error:
        raise MailError(error.kind, Retry.ASK, plan.failed(found.host, error.code), error.detail, error.code) from error
    finally:
        if not plan.is_taken(status):
            with context.store.write(durable=True) as tx:
                lists.withdraw(tx, message_id)
    ENGINE.info("a list was told that its mail is not wanted (%d)", status)
    return wire.Unsubscribed(found.host, status)
