"""``account identity``: who a person writes as from an account."""

import sys
from dataclasses import replace

from mua import wire
from mua.cli.documents import Document, table
from mua.cli.session import Result, Session
from mua.errors import Kind, MailError, Retry
from mua.model.account import Account
from mua.model.identity import Identity
from mua.plan import identities


def account_identity(session: Session) -> Result:
    """``account identity N [set ADDRESS ... | remove ADDRESS]``; without more it lists them."""
    given, chosen = session.arguments, session.account(session.arguments.name)
    if given.address:
        chosen = replace(chosen, identities=_changed(session, chosen))
        session.engine.ask(wire.SetIdentities(chosen.id, chosen.identities), wire.Done)
    shown = identities.identities(chosen)
    lines = [(one.address, one.name, ", ".join(one.aliases)) for one in shown]
    return Result({"account": chosen.name, "identities": [_document(one) for one in shown]}, table(lines))


def _changed(session: Session, chosen: Account) -> tuple[Identity, ...]:
    given = session.arguments
    address = given.address.strip()
    before = next((one for one in identities.identities(chosen) if one.address.lower() == address.lower()), None)
    rest = tuple(one for one in chosen.identities if one.address.lower() != address.lower())
    if given.remove:
        if rest == chosen.identities:
            text = f"“{chosen.name}” has no identity with the address {address}."
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="no-such-identity")
        return rest
    made = before or Identity(address, chosen.full_name)
    for name in ("reply_to", "sent_folder"):
        if (value := getattr(given, name)) is not None:
            made = replace(made, **{name: value})
    if given.as_name is not None:
        made = replace(made, name=given.as_name)
    if given.alias is not None:
        made = replace(made, aliases=tuple(given.alias))
    if given.signature_stdin:
        made = replace(made, signature=sys.stdin.read().strip("\n"), signature_html="")
    if given.signature_below is not None:
        made = replace(made, above=not given.signature_below)
    return (*rest, made)


def _document(one: Identity) -> Document:
    return {
        "address": one.address,
        "name": one.name,
        "aliases": list(one.aliases),
        "signature": one.signature,
        "signature_above_quote": one.above,
        "reply_to": one.reply_to,
        "sent_folder": one.sent_folder,
    }
