"""The same work by two parsers: all that a mail holds, taken out.  The benchmark takes times, the test counts steps.

Both read the structure, decode subject, date and addresses, make text of every text part and bytes of every other leaf.
Rule of the file: neither does less than the other, and what the standard library raises on is caught as cheaply as may
be.
"""

import email
import email.errors
import email.header
import email.message
import email.policy
import email.utils
import sys
import time
from collections.abc import Callable, Sequence

from mua.mime.headers import envelope_of
from mua.mime.scan import decode, scan, text

Work = Callable[[Sequence[bytes]], None]


def ratio(mails: Sequence[bytes], ours: Work, theirs: Work, rounds: int = 7) -> float:
    """Processor time of ``theirs`` over that of ``ours``, taken in turns, the best of each."""
    pairs = [(_seconds(ours, mails), _seconds(theirs, mails)) for _ in range(rounds)]
    return min(pair[1] for pair in pairs) / min(pair[0] for pair in pairs)


def calls(work: Work, mails: Sequence[bytes]) -> int:
    """How many functions, Python's and C's, ``work`` calls: a measure of its steps that no other load changes."""
    count = 0

    def notice(_frame: object, event: str, _what: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(notice)
    try:
        work(mails)
    finally:
        sys.setprofile(before)
    return count


def _seconds(work: Work, mails: Sequence[bytes]) -> float:
    start = time.process_time()
    work(mails)
    return time.process_time() - start


def ours(mails: Sequence[bytes]) -> None:
    """By Mua's floor."""
    for raw in mails:
        root = scan(raw)
        envelope_of(root.fields)
        for part in root.walk():
            if part.children:
                continue
            if part.type.startswith("text/"):
                text(raw, part)
            else:
                decode(raw, part)


def theirs(mails: Sequence[bytes]) -> None:
    """By ``email`` with compat32, the fastest way that the standard library has."""
    for raw in mails:
        message = email.message_from_bytes(raw, policy=email.policy.compat32)
        their_envelope(message)
        for part in message.walk():
            if part.is_multipart():
                continue
            data = part.get_payload(decode=True)
            if part.get_content_maintype() == "text" and isinstance(data, bytes):
                try:
                    data.decode(part.get_content_charset() or "ascii", "replace")
                except LookupError:
                    data.decode("latin-1")


def their_envelope(message: email.message.Message) -> None:
    """Subject, date and addresses, decoded."""
    for name in ("subject", "from", "to", "cc"):
        value = str(message.get(name) or "")
        try:
            str(email.header.make_header(email.header.decode_header(value)))
        except (LookupError, ValueError, email.errors.MessageError):
            continue
    for name in ("from", "to", "cc"):
        try:
            email.utils.getaddresses([str(message.get(name) or "")])
        except RecursionError:
            continue
    try:
        email.utils.parsedate_to_datetime(str(message.get("date") or ""))
    except (ValueError, TypeError, IndexError, OverflowError):
        return
