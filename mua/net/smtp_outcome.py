"""Verdicts: what becomes of each recipient, from what was said and from how far the transaction came.

Rule of the file: pure.  Everything here is decided from the facts of the message, the extensions that the server
offers and the ``Transaction``; the table is that of RFC 5321 s.4.2 with the uncertainty of the final dot kept apart.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from mua.log import masked
from mua.mime.status import MAX_TEXT
from mua.model.outgoing import NO_TERMS, Phase, RecipientState, Terms
from mua.model.submission import NOTIFY
from mua.net.smtp_body import Body
from mua.net.smtp_transaction import Parameters, Session, Transaction
from mua.net.smtp_wire import Reply
from mua.plan.domains import ascii_address
from mua.plan.terms import Agreement, agree
from mua.records import dataclass

MAX_ADDRESS = 320  # octets; RFC 5321 s.4.5.3.1 says 256 for a path, some are longer
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f<>\ud800-\udfff]")
_NOT_XTEXT = re.compile(r"[^!-*,-<>-~]")
_QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f\x7f<>\ud800-\udfff]|\\[ -~])*"@[^\x00-\x20\x7f<>\ud800-\udfff]+')


@dataclass(frozen=True, slots=True)
class Job:
    """One message for one or more recipients.  ``envid`` non-empty asks for delivery reports (RFC 3461).

    ``notify`` is of what its sender wants to hear (s.4.1 there; empty: NEVER), ``terms`` what is asked of the server,
    at the time ``now`` (UTC seconds).
    """

    sender: str
    recipients: tuple[str, ...]
    body: Body
    envid: str = ""
    notify: tuple[str, ...] = NOTIFY
    terms: Terms = NO_TERMS
    now: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recipient.

    ``state`` is ACCEPTED, DEFERRED, REFUSED or UNKNOWN; ``code`` and ``text`` the server's reply (the beginning of it),
    or None and our words, ``dialogue`` all that was said.  ``at_once``: the server only had too many recipients, send
    again now.  ``next_host``: another exchanger may be tried in the same attempt (direct delivery).  ``unmet``: the
    extension that was asked for, and that the server which took the message lacks.
    """

    address: str
    state: RecipientState
    phase: Phase
    code: int | None
    text: str
    host: str = ""
    tls: str = ""
    at_once: bool = False
    next_host: bool = False
    dialogue: str = ""
    unmet: str = ""


def outcomes_of(transaction: Transaction, session: Session, unmet: str = "") -> list[Outcome]:
    """The truth table: each recipient's verdict, from the replies and from how far the transaction came.

    ``unmet``: the extension that the message went without.
    """
    pairs = zip(transaction.recipients, transaction.rcpt, strict=True)
    said = session.transcript.text
    verdicts = [_outcome(transaction, address, reply, session) for address, reply in pairs]
    took = RecipientState.ACCEPTED
    return [replace(one, dialogue=said, unmet=unmet if one.state is took else "") for one in verdicts]


def stale(outcomes: Sequence[Outcome]) -> bool:
    """The server had closed a connection that was used before: no verdict on the message that found out."""
    return all(
        one.state is RecipientState.DEFERRED and one.phase is Phase.MAIL and one.code in (None, 421) for one in outcomes
    )


def _outcome(transaction: Transaction, address: str, reply: Reply | None, session: Session) -> Outcome:
    def verdict(state: RecipientState, phase: Phase, words: Reply | str, *, next_host: bool = False) -> Outcome:
        code, text = (words.code, words.text) if isinstance(words, Reply) else (None, words)
        text = masked(text)[:MAX_TEXT]
        return Outcome(address, state, phase, code, text, session.host, session.tls, next_host=next_host)

    lost, own = transaction.lost, transaction.finals.get(address)
    if own is not None:
        return verdict(_state(own), Phase.DONE, own)
    if reply and reply.code != 421 and not reply.positive and not transaction.doubtful:
        if _overflow(reply) and transaction.took_it:
            return replace(verdict(RecipientState.DEFERRED, Phase.RCPT, reply), at_once=True)
        return verdict(_state(reply), Phase.RCPT, reply, next_host=reply.code < 500)
    if lost and lost.phase is Phase.DOT and lost.reply is None:
        return verdict(RecipientState.UNKNOWN, Phase.DOT, f"The connection was lost while {session.host} confirmed.")
    if lost:
        words = lost.reply or f"4.4.2 The connection to {session.host} was lost: {lost.why}."
        state = _state(lost.reply) if lost.reply else RecipientState.DEFERRED
        return verdict(state, lost.phase, words, next_host=lost.phase is not Phase.DOT)
    if transaction.final is not None:
        return verdict(_state(transaction.final), transaction.phase, transaction.final)
    refusal = transaction.mail  # neither lost nor ended by DATA or the dot: MAIL was refused
    if refusal is None or refusal.positive:
        return verdict(RecipientState.DEFERRED, transaction.phase, "The server gave no verdict.", next_host=True)
    return verdict(_state(refusal), Phase.MAIL, refusal, next_host=refusal.code < 500)


def _state(reply: Reply) -> RecipientState:
    """The first digit decides (RFC 5321 s.4.2.1)."""
    if reply.positive:
        return RecipientState.ACCEPTED
    return RecipientState.REFUSED if reply.code >= 500 else RecipientState.DEFERRED


def _overflow(reply: Reply) -> bool:
    """ "Too many recipients": only the number was wrong (RFC 5321 s.4.5.3.1.10)."""
    if reply.enhanced:
        return reply.enhanced in ("4.5.3", "5.5.3")
    return reply.code in (452, 552)


def check(session: Session, job: Job) -> tuple[dict[str, str], list[Outcome]]:
    """What can be refused without asking: ({address: its form on the wire}, the others' outcomes)."""
    whole = _message_fault(session, job)
    forms: dict[str, str] = {}
    refused: list[Outcome] = []
    for address in job.recipients:
        fault = whole or _address_fault(session, address)
        if fault:
            code, text = fault
            refused.append(Outcome(address, RecipientState.REFUSED, Phase.MAIL, code, text, session.host, session.tls))
        else:
            forms[address] = ascii_address(address)
    return forms, refused


def _message_fault(session: Session, job: Job) -> tuple[int | None, str] | None:
    facts = job.body.facts
    if facts.fault:
        return None, f"5.6.0 This message was not sent, because it holds {facts.fault}."
    limit = announced_size(session)
    if 0 < limit < facts.size:
        return None, f"5.3.4 {session.host} takes at most {limit:,} octets; this message has {facts.size:,}."
    if facts.eight_bit and not session.has("8BITMIME"):
        return None, f"5.6.3 {session.host} takes 7-bit messages only, and this one is not."
    if facts.utf8 and not session.has("SMTPUTF8"):
        return None, f"5.6.7 {session.host} cannot take messages whose header has letters beyond ASCII."
    if refused := agreement(session, job).refused:
        return None, refused
    return _address_fault(session, job.sender) if job.sender else None


def announced_size(session: Session) -> int:
    """The most octets that the server says it takes (RFC 1870); 0: it says nothing, or that there is no limit."""
    limit = session.extensions.get("SIZE", "").split(" ")[0]
    return int(limit[:18]) if limit.isascii() and limit.isdigit() else 0


def agreement(session: Session, job: Job) -> Agreement:
    """What of the job's terms this server takes."""
    return agree(job.terms, session.extensions, host=session.host, verified=session.verified, now=job.now)


def _address_fault(session: Session, address: str) -> tuple[int | None, str] | None:
    try:
        wire = ascii_address(address)
    except ValueError:
        wire = ""
    plain = wire and not _FORBIDDEN.search(wire) and len(wire.encode()) <= MAX_ADDRESS
    if not plain and not _QUOTED.fullmatch(wire):
        return None, f"5.1.3 {readable_address(address)} is not an address."
    if not wire.isascii() and not session.has("SMTPUTF8"):
        return None, f"5.6.7 {session.host} cannot take addresses with letters beyond ASCII before the @."
    return None


def readable_address(address: str) -> str:
    """An address as it may be shown, whatever it holds."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in address)[:100]


def parameters(session: Session, job: Job, recipients: Sequence[str]) -> Parameters:
    """SIZE, BODY, SMTPUTF8, the terms and the delivery reports, each only where offered and needed."""
    facts = job.body.facts
    mail = []
    if session.has("SIZE"):
        mail.append(f"SIZE={facts.size}")
    if facts.eight_bit:
        mail.append("BODY=8BITMIME")
    if facts.utf8 or not all(map(str.isascii, [job.sender.rpartition("@")[0], *recipients])):
        mail.append("SMTPUTF8")
    mail += agreement(session, job).mail
    if not (job.envid and session.has("DSN")):
        return Parameters(tuple(mail), ((),) * len(recipients))
    mail += ["RET=HDRS", f"ENVID={xtext(job.envid)}"]
    return Parameters(tuple(mail), tuple(_report(recipient, job.notify) for recipient in recipients))


def _report(recipient: str, notify: Sequence[str]) -> tuple[str, ...]:
    wanted = f"NOTIFY={','.join(notify).upper() or 'NEVER'}"
    return (wanted, f"ORCPT=rfc822;{xtext(recipient)}") if recipient.isascii() else (wanted,)


def xtext(text: str) -> str:
    """RFC 3461 s.4: ``+``, ``=`` and everything but printable ASCII as ``+XX``."""
    return _NOT_XTEXT.sub(lambda found: "".join(f"+{b:02X}" for b in found[0].encode()), text)
