"""Direct delivery: the keys that sign mail, what a domain has to publish, and how the world sees it all."""

from mua import wire
from mua.cli.documents import diagnosis_document, dkim_document, outlook_document, table
from mua.cli.session import Result, Session
from mua.model.account import AccountId
from mua.model.diagnosis import Grade, Reach
from mua.model.outlook import Outlook
from mua.model.records import DnsRecord, Published
from mua.plan.preflight import trouble
from mua.plan.routes import domain_of
from mua.store import read

AT_ONCE = 50  # domains that are asked for together
SAID = {
    Published.FOUND: "found",
    Published.NOT_SEEN: "not looked up yet",
    Published.MISSING: "not found; it can take hours until everybody sees a new one",
    Published.OTHER: "something else is there",
    Published.UNKNOWN: "nobody knows: the look-up failed",
}


MARKS = {Grade.GOOD: "  ok     ", Grade.DOUBTFUL: "  so-so  ", Grade.BAD: "  bad    ", Grade.UNKNOWN: "  ?      "}


def dkim(session: Session) -> Result:
    """``dkim keygen``, ``show``, ``verify`` and ``remove``; verify fails while a key is missing."""
    account, arguments = session.account(), session.arguments
    commands: dict[str, wire.Command] = {
        "show": wire.ShowDkim(account.id),
        "verify": wire.VerifyDkim(account.id),
        "remove": wire.RemoveDkim(account.id),
    }
    command = commands.get(arguments.verb) or wire.MakeDkim(account.id, arguments.again)
    told = session.engine.ask(command, wire.DkimTold)
    keys = [one for one in told.records if one.what == "dkim"]
    lines = [] if keys else [f"There is no key for {told.domain} yet; dkim keygen makes one."]
    lines += map(record_text, told.records)
    missing = any(one.state is not Published.FOUND for one in keys)
    if missing:
        lines.append("Once they are published, mua dkim verify finds them, and from then on mail is signed.")
    failed = f"{told.domain} does not publish all of its keys yet." if missing and arguments.verb == "verify" else ""
    return Result(dkim_document(told), "\n\n".join(lines), failed=failed)


def record_text(one: DnsRecord) -> str:
    """A record to copy, and what is known of it."""
    return f"; {one.what}: {SAID[one.state]}\n{one.line}"


def doctor(session: Session) -> Result:
    """``doctor``: it fails unless mail would reach anyone."""
    account = session.account()
    found = session.engine.ask(wire.Diagnose(account.id, address=session.arguments.address), wire.Diagnosed).diagnosis
    lines = [found.text, "", *(f"{MARKS[one.grade]} {one.text}" for one in found.symptoms)]
    missing = [one for one in found.records if one.state is not Published.FOUND]
    lines += ["", "What the domain should publish:", *map(record_text, missing)] if missing else []
    relay = read.account(session.db, AccountId(found.relay)) if found.reach is not Reach.ANYONE else None
    if relay is not None:
        way = f"mua route set '*' 'account:{relay.name}' --account '{account.name}'"
        lines += ["", f"“{relay.name}” can send it: {way}"]
    failed = "" if found.reach is Reach.ANYONE else "Mail from here would not reach everybody."
    return Result(diagnosis_document(found), "\n".join(lines), failed=failed)


def preflight(session: Session) -> Result:
    """``preflight ADDRESS...``: it fails where a letter would not arrive, or nobody could say in time."""
    given, account = session.arguments.addresses, session.account()
    domains = list(dict.fromkeys(domain_of(one) for one in given))
    found: dict[str, Outlook] = {}
    for at in range(0, len(domains), AT_ONCE):
        wanted = wire.Preflight(account.id, tuple(domains[at : at + AT_ONCE]))
        found |= {one.domain: one for one in session.engine.ask(wanted, wire.Foreseen).outlooks}
    documents, lines, failed = [], [], ""
    for address in given:
        one = found.get(domain_of(address)) or Outlook(domain_of(address), "It could not be looked up in time.")
        why = one.problem or trouble(one, address)
        failed = failed or why
        documents.append(outlook_document(address, one, why))
        lines.append((address, why or "takes mail", one.seal or "?"))
    return Result(documents, table(lines), failed=failed)


COMMANDS = {"preflight": preflight, "dkim": dkim, "doctor": doctor}
