"""``journey``: the way of a message, and what is known of its author."""

from mua import wire
from mua.cli.documents import Document, date_json
from mua.cli.session import Result, Session
from mua.mime.journey import journey
from mua.mime.view import view
from mua.model.evidence import Evidence
from mua.model.journey import Hop, Journey
from mua.plan import journey as said
from mua.store import origin


def show_journey(session: Session) -> Result:
    """``journey ID [--check]``."""
    row = session.message(session.arguments.id)
    shown = view(session.raw(row))
    session.engine.ask(wire.Examine(row.id, session.arguments.check), wire.Done)
    way = journey(shown.headers, origin.trust(session.db, row.account_id))
    evidence = origin.evidence(session.db, row.id)
    author = said.author_domain(shown.sender)
    text = [*said.lines(way, lambda at: date_json(at) or "")]
    text += [said.result_words(one, author) for one in way.stamps]
    if evidence is not None:
        when = date_json(evidence.at) or ""
        text += [said.signature_words(one, author, when) for one in evidence.signatures if one.kind == "dkim"]
        text += [said.chain_words(evidence, when)] if evidence.chain else []
    text += [one.text for one in shown.notes]
    document: Document = {
        **_way_document(way),
        "evidence": None if evidence is None else _evidence_document(evidence),
        "notes": [{"kind": one.kind, "text": one.text, "grave": one.grave} for one in shown.notes],
    }
    return Result(document, "\n".join(text))


def _way_document(way: Journey) -> Document:
    """``claim``: no server of the account wrote it; ``ignored``: results of servers that are not counted."""
    return {
        "written": date_json(way.written),
        "program": way.program,
        "steps": [_step_document(one) for one in way.hops],
        "more": way.more,
        "results": [
            {
                "server": stamp.server,
                "methods": [
                    {"method": one.method, "result": one.result, "reason": one.reason, "about": dict(one.properties)}
                    for one in stamp.results
                ],
            }
            for stamp in way.stamps
        ],
        "ignored": way.ignored,
    }


def _step_document(hop: Hop) -> Document:
    one = hop.received
    return {
        "role": str(hop.role),
        "claim": hop.claim,
        "date": date_json(one.at),
        "seconds": hop.seconds,
        "by": one.by,
        "software": one.software,
        "helo": one.helo,
        "name": one.name,
        "address": one.address,
        "protocol": one.protocol,
        "encrypted": one.encrypted,
        "tls": one.tls,
        "authenticated": one.authenticated,
        "local": one.local,
        "id": one.identifier,
        "for": one.recipient,
        "odd": list(hop.oddities),
    }


def _evidence_document(evidence: Evidence) -> Document:
    """``result`` is a word of RFC 8601; ``open_octets``: what a signature leaves open of the body; null: nothing."""
    return {
        "checked": date_json(evidence.at),
        "chain": evidence.chain,
        "not_checked": evidence.more,
        "signatures": [
            {
                "kind": one.kind,
                "domain": one.domain,
                "selector": one.selector,
                "algorithm": one.algorithm,
                "result": str(one.outcome),
                "why": one.why,
                "open_octets": one.open_octets if one.open_octets > 0 else None,
                "open_fields": list(one.open_fields),
                "testing": one.testing,
            }
            for one in evidence.signatures
        ],
    }


COMMANDS = {"journey": show_journey}
