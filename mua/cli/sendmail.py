"""``sendmail``, ``mailq`` and ``newaliases``, as programs have called them for forty years.

Everything that is wrong with a message is said here, to who submits it, with an exit code of sysexits.h; what is taken
is on disk in the drop folder (``store/drop``) before this ends, whether an engine runs or not.
"""

import os
import pwd
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from mua.errors import Kind, MailError, Retry, UsageError
from mua.paths import mail_name, system_drop
from mua.plan.sendmail import Call, Exit, Mode, call

if TYPE_CHECKING:
    from mua.mime.freeze import Frozen
    from mua.mime.pieces import Pieces
    from mua.mime.submit import Person

_BLOCK = 1 << 16
USAGE = """\
usage: sendmail [-t] [-i] [-f SENDER] [-F NAME] [-N WHEN] [ADDRESS ...] < MESSAGE
       sendmail -bs | -bp | -q

  -t         the recipients that the header names, too
  -i, -oi    a line with nothing but a dot does not end the message
  -f SENDER  who hears what could not be delivered; else who calls this
  -F NAME    the sender's name, where the message has no From
  -N WHEN    of what the sender hears: never, or some of failure,delay
  -bs        SMTP on standard input and output
  -bp        what waits (mailq)
  -q         try what waits now

What sendmail knows besides changes nothing here.  The rest is in man mua.
"""


def main(name: str, words: Sequence[str]) -> int:
    """Carry out one call; returns its exit code."""
    if [*words] == ["--help"]:
        sys.stdout.write(USAGE)
        return Exit.OK
    try:
        asked = call(name, words)
        if asked.mode is Mode.ALIASES:
            return Exit.OK  # there is no table to be built: the file is read as it is
        if asked.mode is Mode.SESSION:
            return _session()
        if asked.mode is Mode.LIST or (asked.flush and not asked.recipients and not asked.from_header):
            return _queue(flush=asked.mode is not Mode.LIST)
        if not asked.recipients and not asked.from_header:
            raise UsageError("say who gets the message: addresses, or -t for those in its header")
        submit(asked, sys.stdin.buffer, dots=asked.dots)
    except UsageError as error:
        return _fail(name, str(error), Exit.USAGE)
    except MailError as error:
        return _fail(name, error.text, exit_code(error))
    return Exit.OK


def _session() -> int:
    from mua.cli.sendmail_session import Session
    from mua.store import drop

    return Session(sys.stdin.buffer, sys.stdout.buffer, partial(submit, dots=False), drop.LARGEST).run()


def _queue(*, flush: bool) -> int:
    """``mailq``, or ``-q``: for those whose the queue is, and root."""
    from mua.cli.queue import check, mailq
    from mua.paths import Profile, be_the_owner, system_profile

    profile = Profile(system_profile())
    be_the_owner(profile)
    if trouble := profile.trouble():
        raise MailError(Kind.LOCAL, Retry.ASK, trouble, code="no-permission")
    check(profile)
    if flush:
        from mua import wire
        from mua.cli.client import EngineClient
        from mua.model.outgoing import Tending

        with EngineClient(profile, _no_engine) as engine:
            engine.ask(wire.TendQueue(Tending.FLUSH), wire.Tended)
        return Exit.OK
    from mua.store import queue
    from mua.store.db import open_reader

    db = open_reader(profile)
    sys.stdout.write(mailq(queue.waiting(db)))
    db.close()
    return Exit.OK


def _no_engine(_: object) -> None:
    text = "No engine of this computer's mail queue runs; what waits goes when it is started."
    raise MailError(Kind.LOCAL, Retry.SOON, text, code="engine-unreachable")


def exit_code(error: MailError) -> int:
    """What sysexits.h calls it."""
    named = {
        "no-recipient": Exit.USAGE, "no-drop": Exit.UNAVAILABLE, "no-queue": Exit.UNAVAILABLE,
        "no-permission": Exit.NO_PERMISSION,
    }  # fmt: skip
    return named.get(error.code, Exit.TEMPORARY if error.retry is Retry.SOON else Exit.DATA)


def submit(asked: Call, given: BinaryIO, *, dots: bool) -> None:
    """Take one message from ``given``.  Raises MailError: then nothing was taken."""
    from mua.mime.pieces import MENDED, Content, blocks, whole_or_divided
    from mua.model.submission import Submission
    from mua.store import drop

    with tempfile.SpooledTemporaryFile(max_size=MENDED) as spool:
        size = 0
        for block in _until_dot(given) if dots else iter(partial(given.read, _BLOCK), b""):
            size += len(block)
            if size > drop.LARGEST:
                raise _refusal(f"The message is larger than {drop.LARGEST >> 20} MB, so it was not taken.", "too-large")
            spool.write(block)
        spool.seek(0)
        content = Content(lambda: os.fdopen(os.dup(spool.fileno()), "rb"), size)
        frozen = _frozen(asked, (spool.read(),) if size <= MENDED else whole_or_divided(content))
        told = Submission(frozen.envelope_from, frozen.recipients, notify=asked.notify)
        drop.leave(system_drop(), told, blocks((frozen.head, *frozen.rest)))


def _frozen(asked: Call, pieces: "Pieces") -> "Frozen":
    """The message as it will go out, with its envelope.  Raises MailError."""
    from mua.mime.build import new_message_id
    from mua.mime.freeze import freeze
    from mua.mime.submit import MAX_RECIPIENTS, submitted, unfit

    who, now = caller(), int(time.time())
    made = submitted(
        pieces, who, sender=asked.sender, recipients=asked.recipients, from_header=asked.from_header,
        full_name=asked.full_name,
    )  # fmt: skip
    if not made.recipients:
        raise _refusal("The message names no recipient in its header, so it was not taken.", "no-recipient")
    if len(made.recipients) > MAX_RECIPIENTS:
        text = f"The message has more than {MAX_RECIPIENTS} recipients, so it was not taken."
        raise _refusal(text, "too-many-recipients")
    text, code = unfit(made.head)
    if text:
        raise _refusal(text, code)
    identifier = new_message_id(made.sender or who.address, os.urandom(16))
    frozen = freeze(
        made.pieces, now=now, message_id_if_missing=identifier,
        utc_offset_minutes=time.localtime(now).tm_gmtoff // 60, envelope=(made.sender, made.recipients),
    )  # fmt: skip
    if frozen.problems:
        raise _refusal(frozen.problems[0], "unsendable")
    return frozen


def _refusal(text: str, code: str) -> MailError:
    return MailError(Kind.MESSAGE, Retry.ASK, text, code=code)


def caller() -> "Person":
    """The user who runs this."""
    from mua.mime.submit import Person

    try:
        found = pwd.getpwuid(os.getuid())
    except KeyError:  # a container's user need not have a name
        return Person(f"uid{os.getuid()}", "", mail_name())
    full_name = found.pw_gecos.split(",")[0].replace("&", found.pw_name.capitalize())
    return Person(found.pw_name, full_name, mail_name())


def _until_dot(given: BinaryIO) -> Iterator[bytes]:
    """What comes before a line with nothing but a dot."""
    begins = True
    while line := given.readline(_BLOCK):
        if begins and line in (b".\n", b".\r\n", b"."):
            return
        begins = line.endswith(b"\n")
        yield line


def _fail(name: str, text: str, code: int) -> int:
    from mua.masking import masked, visible

    sys.stderr.write(f"{name}: {visible(masked(text))}\n")
    return code
