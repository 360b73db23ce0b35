"""Bounces and receipts, matched to the mail that they are about.

Rule of the file: a report is read once, whatever it is; what it says is noted beside the recipient, and nothing is ever
deleted or sent because of it (anybody can write one).
"""

from mua.engine.context import Context
from mua.log import ENGINE
from mua.store import reports


def annotate(context: Context) -> int:
    """Read every message that may be a report and was not read yet; returns how many recipients were told of."""
    if not reports.unread(context.store.reader()):
        return 0
    from mua.mime.report import report  # reads HTML, too: a server's engine never needs it

    told = 0
    while waiting := reports.unread(context.store.reader()):
        for message_id, at in waiting:
            raw = context.bodies.get(message_id)
            found = report(raw) if raw is not None else None
            with context.store.write() as tx:
                told += reports.settle(tx, message_id, found, at)
    if told:
        ENGINE.info("reports told of %d recipients", told)
    return told
