"""Who submitted a message on this computer hears what became of it: a report, by mail.

Theory of operation: a recipient of a submission that was refused, given up or lost at the dot is *untold* until a
report is queued.  What waits for four hours gets one report that it is delayed.  A report is a submission with a name
of its own, so that a crash before that is marked queues none twice.

Rules of the file: a report has no sender, and what has no sender gets no report; it goes where the submission said, and
of nothing that it did not want to hear (NOTIFY of RFC 3461 s.4.1).
Files of what everybody has are removed here, too: a server runs for months.
"""

import os
import time

from mua.engine.aliases import Aliases
from mua.engine.context import Context
from mua.errors import MailError
from mua.log import ENGINE
from mua.mime.bounce import WAITING, Returned, bounce
from mua.mime.build import new_message_id
from mua.mime.freeze import freeze
from mua.model.outgoing import Outgoing, Recipient
from mua.paths import mail_name
from mua.plan.retry import EXPIRY, HOUR
from mua.store import dispatch, outbox, read, wire_files
from mua.store.wire_files import Signing

WARN_AFTER = 4 * HOUR  # seconds that a message has waited when its submitter is told


def tell_submitters(context: Context, aliases: Aliases, sign: Signing) -> int:
    """Queue the reports that are due, ``MAX_TOLD`` at most; returns of how many messages.

    Raises MailError (disk, or a key that cannot be had).
    """
    db = context.store.reader()
    due = outbox.untold(db)
    for outgoing_id in due:
        found = outbox.outgoing(db, outgoing_id)
        if found is None:
            continue
        names = outbox.untold_of(db, outgoing_id)
        failed = [one for one in found.recipients if one.address in names]
        _tell(context, aliases, sign, found, failed, "failure")
        with context.store.write(durable=True) as tx:
            dispatch.mark_told(tx, outgoing_id, names)
    return len(due)


def warn_submitters(context: Context, aliases: Aliases, sign: Signing) -> int:
    """The same for what has waited for ``WARN_AFTER``, one report for each message.

    Raises MailError (disk, or a key that cannot be had).
    """
    db = context.store.reader()
    due = outbox.late(db, context.now() - WARN_AFTER)
    for outgoing_id in due:
        found = outbox.outgoing(db, outgoing_id)
        if found is None:
            continue
        waiting = [one for one in found.recipients if one.state in WAITING]
        if waiting:
            _tell(context, aliases, sign, found, waiting, "delay")
        with context.store.write(durable=True) as tx:
            dispatch.mark_warned(tx, outgoing_id)
    return len(due)


def _tell(
    context: Context, aliases: Aliases, sign: Signing, about: Outgoing, whom: list[Recipient], event: str
) -> None:
    """Queue a report, if anybody wants one."""
    if not about.envelope_from or event not in outbox.notify(context.store.reader(), about.id):
        why = "its sender did not want to hear of it" if about.envelope_from else "it has no sender"
        ENGINE.info("outgoing %d: nobody is told of the %s, for %s", about.id, event, why)
        return
    try:
        if _report(context, aliases, sign, about, whom):
            context.tally.add("mua_reports_total")
    except MailError:
        raise
    except Exception:  # noqa: BLE001 - a mistake of ours over one message must not cost others their reports
        ENGINE.exception("outgoing %d: its report cannot be made; nobody is told", about.id)


def remove_spent(context: Context) -> int:
    """Remove the files of what everybody has, or too much of what failed; returns how many messages were looked at."""
    if not outbox.spent(context.store.reader(), 1):
        return 0
    with context.store.write() as tx:  # a person may try one of them again meanwhile
        spent = outbox.spent(tx)
        gone = dispatch.mark_spent(tx, spent)
    for name in gone:  # after a crash the next start sweeps them
        wire_files.wire_path(context.store.profile, name).unlink(missing_ok=True)
    return len(spent)


def _report(context: Context, aliases: Aliases, sign: Signing, about: Outgoing, whom: list[Recipient]) -> bool:
    """Whether there is somebody whom it goes to."""
    store, now, name = context.store, context.now(), mail_name()
    account = read.account(store.reader(), about.account_id)
    if account is None:
        return False
    try:
        header, envid = outbox.returned(store.reader(), store.profile, about.id)
    except MailError as error:  # the disk lost it: who sent it is told all the same
        ENGINE.info("outgoing %d: its header cannot be returned (%s)", about.id, error.detail)
        header, envid = b"", ""
    message_id = new_message_id(f"x@{name}", os.urandom(16))
    raw = bounce(
        Returned(header, about.message_id, about.subject, about.queued_at, envid, about.queued_at + EXPIRY), whom,
        sender=about.envelope_from,
        mail_name=name, message_id=message_id, now=now, utc_offset_minutes=time.localtime(now).tm_gmtoff // 60,
    )  # fmt: skip
    to = aliases.expanded([about.envelope_from])
    if not to.recipients and not to.refused:
        ENGINE.info("outgoing %d: who sent it is /dev/null, by the aliases; nobody is told", about.id)
        return False
    frozen = freeze(raw, now=now, message_id_if_missing=message_id, envelope=("", to.recipients))
    last = outbox.last_attempt(store.reader(), about.id)  # after a person's retry there is another one to tell of
    uid = outbox.submitter(store.reader(), about.id) or 0  # the report takes room in the queue, which is theirs
    kind = "delay" if whom[0].state in WAITING else "report"
    origin = dispatch.Origin(uid, f"{kind}-{about.id}-{last}", ())
    outgoing_id = dispatch.queue(
        store, account, frozen, now=now, not_before=now, origin=origin, refused=to.refused, sign=sign
    )
    ENGINE.info("outgoing %d: reported to %s as outgoing %d", about.id, about.envelope_from, outgoing_id)
    return True
