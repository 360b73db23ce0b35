"""The drop folder: where any local user leaves mail for the system's queue, and nobody reads another's.

Theory of operation: the folder is everybody's to write and nobody's to list (mode 3733), and belongs to the engine's
user.  A submission is one file, written under a name of chance that begins with a dot, and renamed when it is on disk;
so it waits there while no engine runs, and what has its final name is whole.  The folder's group is the engine's, and
each new file gets it: the engine can read it, other users cannot.  Who owns the file has submitted it.

Rules of the file: whoever fills the folder is hostile until shown otherwise.  Nothing is opened through a link, nothing
waits on what is no file, nothing is read beyond a cap, and a file that has a second name, or not the folder's group,
is somebody else's.
"""

import errno
import json
import os
import re
import secrets
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mua.errors import Kind, MailError, Retry
from mua.model.submission import NOTIFY, Submission
from mua.records import dataclass

MODE = 0o3733
BELL = "bell"  # a FIFO; whoever writes into it says that there is news
LARGEST = 100 << 20  # octets of a submission
MAX_LINE = 1 << 20  # octets of its first line
MOST_OF_USER = 10_000  # submissions of one user that are looked at
STALE = 86400  # seconds after which what is no submission yet will not become one
ASIDE = "failed"  # the folder in it of what made the engine fail: for an administrator, and nobody else
MOST_ASIDE = 100  # files in there; the oldest make room

_NAME = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True, slots=True)
class Entry:
    """A submission that waits: its name, whose it is, its octets, and when it was last changed (UTC seconds)."""

    name: str
    uid: int
    size: int
    changed: float


class Refused(Exception):
    """This file is no submission; the text says why."""


# ---- who submits


def leave(drop: Path, submission: Submission, blocks: Iterable[bytes]) -> str:
    """Put a submission on disk; returns its name.  Raises MailError: what is here then is whole, or nothing is."""
    name = secrets.token_hex(16)
    hidden = drop / f".{name}"
    with _said(drop):
        handle = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                if os.fstat(handle).st_gid == drop.stat().st_gid:  # else our group, and not the engine's, would read it
                    os.fchmod(handle, 0o640)
                file.write(_first_line(submission))
                file.writelines(blocks)
                file.flush()
                os.fsync(handle)
                hidden.rename(drop / name)
                os.fsync(handle)  # and with the file its new name: who may not list the folder cannot sync it
        except BaseException:
            hidden.unlink(missing_ok=True)
            raise
    ring(drop)
    return name


def ring(drop: Path) -> None:
    """Tell the engine, if one runs, that there is news; it looks by itself every few seconds, too."""
    try:
        handle = os.open(drop / BELL, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:  # no engine
        return
    try:
        found = os.fstat(handle)
        if stat.S_ISFIFO(found.st_mode) and found.st_uid == drop.stat().st_uid:
            os.write(handle, b"!")
    except OSError:  # full: it has been told often enough
        pass
    finally:
        os.close(handle)


def _first_line(submission: Submission) -> bytes:
    told: dict[str, object] = {"version": 1, "sender": submission.sender, "recipients": submission.recipients}
    if submission.notify != NOTIFY:
        told["notify"] = submission.notify
    return json.dumps(told).encode("ascii") + b"\n"


@contextmanager
def _said(drop: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            text = (
                "The disk of this computer is full, so the message was not taken; free some space, then send it again."
            )
            raise MailError(Kind.LOCAL, Retry.SOON, text, str(error), "disk-full") from error
        text = f"The mail queue of this computer cannot take mail: {drop} is missing or not to be written to."
        raise MailError(Kind.LOCAL, Retry.ASK, text, str(error), "no-drop") from error


# ---- the engine


def prepare(drop: Path) -> int | None:
    """Make what is missing of the folder; returns a descriptor that becomes readable when somebody rings.

    None: there can be no bell (no room for it, or somebody is in its way).  Raises OSError: the folder is not ours.
    """
    drop.mkdir(parents=True, exist_ok=True)
    if stat.S_IMODE(drop.stat().st_mode) != MODE:
        drop.chmod(MODE)
    if stat.S_IMODE(drop.stat().st_mode) != MODE:  # it has a group that is not ours to give to new files
        os.chown(drop, -1, os.getegid())
        drop.chmod(MODE)
    hidden = drop / f".{secrets.token_hex(16)}"
    try:
        os.mkfifo(hidden, 0o600)
        hidden.chmod(0o622)
        handle = os.open(hidden, os.O_RDWR | os.O_NONBLOCK)  # also for writing: it never ends when nobody holds it
        try:
            _displace(drop, BELL)  # whatever somebody has put there
            hidden.rename(drop / BELL)
        except OSError:
            os.close(handle)
            raise
    except OSError:
        _remove(hidden)
        return None
    return handle


def waiting(drop: Path, now: float) -> list[Entry]:
    """The submissions, oldest first, of each user ``MOST_OF_USER`` at most; what will never be one is removed."""
    found: list[tuple[int, Entry]] = []
    count: Counter[int] = Counter()
    with os.scandir(drop) as entries:
        for entry in entries:
            try:
                facts = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(facts.st_mode) and _NAME.match(entry.name):
                count[facts.st_uid] += 1
                if count[facts.st_uid] <= MOST_OF_USER:
                    found.append((facts.st_mtime_ns, Entry(entry.name, facts.st_uid, facts.st_size, facts.st_ctime)))
            elif entry.name != BELL and not (stat.S_ISREG(facts.st_mode) and now - facts.st_ctime < STALE):
                _remove(Path(entry.path))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def opened(drop: Path, name: str) -> BinaryIO:
    """A submission's file.  Raises Refused for what is none, FileNotFoundError, PermissionError (it is unreadable)."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
    try:
        handle = os.open(drop / name, flags)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise Refused("it is no file") from error
        raise
    facts = os.fstat(handle)
    wrong = (
        "it is no file"
        if not stat.S_ISREG(facts.st_mode)
        else "it has another name elsewhere"
        if facts.st_nlink != 1
        else "it was not written in this folder"  # but moved here, and somebody else has not submitted it
        if facts.st_gid != drop.stat().st_gid
        else "it is too large"
        if facts.st_size > LARGEST + MAX_LINE
        else ""
    )
    if wrong:
        os.close(handle)
        raise Refused(wrong)
    return os.fdopen(handle, "rb")


def read_first_line(file: BinaryIO) -> Submission:
    """What the first line says; the message follows.  Raises Refused."""
    line = file.readline(MAX_LINE)
    try:
        found = json.loads(line)
        sender, recipients = found["sender"], found["recipients"]
        if found["version"] != 1 or not isinstance(sender, str) or not isinstance(recipients, list):
            raise ValueError("not of this version")
        if not recipients or not all(isinstance(one, str) for one in recipients):
            raise ValueError("no recipients")
        notify = found.get("notify", list(NOTIFY))
        if not isinstance(notify, list) or not {"failure", "delay", "success"}.issuperset(notify):
            raise ValueError("no such notice")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Refused("its first line is not Mua's") from error
    return Submission(sender, tuple(recipients), notify=tuple(notify))


def remove(drop: Path, name: str) -> None:
    """A submission that is in the queue, or is none, goes.  Raises OSError."""
    try:
        (drop / name).unlink(missing_ok=True)
    except (IsADirectoryError, PermissionError):  # a folder has been put in its place; what it is called depends
        _displace(drop, name)


def set_aside(drop: Path, name: str) -> None:
    """Keep a submission where no user reaches it and nobody picks it up again.  Raises OSError."""
    aside = drop / ASIDE
    if not _is_our_folder(aside):
        _displace(drop, ASIDE)
        aside.mkdir(mode=0o700)
    (drop / name).replace(aside / name)
    with os.scandir(aside) as entries:
        kept = sorted(entries, key=lambda entry: entry.stat(follow_symlinks=False).st_ctime_ns)
    for entry in kept[:-MOST_ASIDE]:
        _remove(Path(entry.path))


def _is_our_folder(path: Path) -> bool:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _displace(drop: Path, name: str) -> None:
    """Have the name free: what cannot be removed, a folder that is not empty, gets another one and is never looked at.

    Raises OSError.
    """
    _remove(drop / name)
    if os.path.lexists(drop / name):
        (drop / name).rename(drop / f".{secrets.token_hex(16)}")


def _remove(path: Path) -> None:
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            path.rmdir()
        else:
            path.unlink()
    except OSError:  # it is gone, or a folder that is not empty: nothing in it is looked at
        pass
