"""The keys that sign mail, and what a domain has to publish."""

from mua import wire
from mua.cli.documents import dkim_document
from mua.cli.session import Result, Session
from mua.model.records import DnsRecord, Published

SAID = {
    Published.FOUND: "found",
    Published.NOT_SEEN: "not looked up yet",
    Published.MISSING: "not found; it can take hours until everybody sees a new one",
    Published.OTHER: "something else is there",
    Published.UNKNOWN: "nobody knows: the look-up failed",
}


def dkim(session: Session) -> Result:
    """``dkim keygen``, ``dkim show`` and ``dkim verify``; verify fails while something is missing."""
    account, arguments = session.account(), session.arguments
    commands: dict[str, wire.Command] = {"show": wire.ShowDkim(account.id), "verify": wire.VerifyDkim(account.id)}
    command = commands.get(arguments.verb) or wire.MakeDkim(account.id, arguments.again)
    told = session.engine.ask(command, wire.DkimTold)
    text = "\n\n".join(map(record_text, told.records)) or f"There is no key for {told.domain}; dkim keygen makes one."
    missing = [one for one in told.records if one.state is not Published.FOUND]
    failed = f"{told.domain} does not publish everything yet." if arguments.verb == "verify" and missing else ""
    return Result(dkim_document(told), text, failed=failed)


def record_text(one: DnsRecord) -> str:
    """A record to copy, and what is known of it."""
    return f"; {one.what}: {SAID[one.state]}\n{one.line}"


COMMANDS = {"dkim": dkim}
