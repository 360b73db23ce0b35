"""The composer's journal: every letter that is being written is on disk within a second of each change.

Theory of operation: one file ``PROFILE/drafts/KEY.json`` for each letter, written whole beside and renamed, by one
thread, so that typing never waits for the disk; ``KEY.steps`` beside it has the steps in which its text came to be
(``steps``), for undoing after a crash, and alone has a text that is too long to be written whole each time
(``Letter.stepped``); ``PROFILE/drafts/KEY/`` holds what was pasted or taken from another
message.  What still waits for the disk when more of the same letter comes goes there together with it: a slow disk
writes less often, not ever later.  The steps go first, so that they are never older than the letter: at a start they
are what counts, and those that lack one are taken away where the letter itself has its text.  A letter leaves the
journal when the engine has it (sent, or saved in Drafts) or when it is discarded; what is found at the next start was
being written when the program ended, and is opened again.

Rules of the file: ``sending_at`` is on disk before a letter is handed to the engine; a letter found with it may have
been queued (the outbox knows), and is never sent again by itself.  Raises nothing but OSError.
"""

import dataclasses
import errno
import json
import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock

from PySide6.QtCore import QThreadPool

from mua import log
from mua.gui import steps
from mua.gui.body_track import Step
from mua.jsonable import from_json, to_json
from mua.model.address import Address
from mua.model.outgoing import Priority
from mua.paths import Profile
from mua.records import dataclass

MAX_JOURNAL = 64 << 20
MAX_GROWN = 16 << 20  # octets that the steps of a letter may have beyond twice its first text


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a letter: at ``path``, or section ``part`` of the message that is forwarded (fetched at Send).

    ``content_id``: a picture that stands in the text by this name.
    """

    name: str
    type: str
    size: int
    path: str = ""
    part: str = ""
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything that a composer holds.  ``rich`` is the editor's document, empty when nothing is formatted.

    ``mode``: "rich", "markdown" (``text`` is its source) or "plain".
    ``require_tls``: it goes encrypted to the last server, or not at all.
    ``sender``: who writes, where that is not the account's own address.  ``came_to``: the person's own address that the
    answered message came to; ``hidden``: it came by Bcc.  ``redirects``: the message that is passed on as it is.
    ``stepped``: its text is in the steps beside it only.
    ``answers`` and ``forwards`` are message ids, ``replaces`` the draft in Drafts that this one takes the place of.
    """

    key: str
    account_id: int
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    subject: str = ""
    text: str = ""
    rich: str = ""
    attached: tuple[Attached, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    answers: int | None = None
    forwards: int | None = None
    replaces: int | None = None
    sending_at: int = 0
    cursor: int = 0
    require_tls: bool = False
    mode: str = "rich"
    sender: Address | None = None
    came_to: str = ""
    hidden: bool = False
    redirects: int | None = None
    stepped: bool = False
    priority: Priority = Priority.NORMAL
    receipt: bool = False

    @property
    def empty(self) -> bool:
        """Nothing that anybody would miss."""
        return not (
            self.stepped or self.to or self.cc or self.bcc or self.subject.strip() or self.text.strip() or self.attached
        )


def new_key() -> str:
    """A name for a letter."""
    return secrets.token_hex(8)


@dataclasses.dataclass(slots=True)
class _Waiting:
    """Of one letter what is on its way to the disk, in octets; empty: nothing new.

    ``first``: the steps are all that there are, else they come behind the others; ``stepped``: only they have the text.
    """

    steps: bytes = b""
    first: bool = False
    letter: bytes = b""
    stepped: bool = False


class Journal:
    """The journal of one profile.  ``told`` hears, on its thread, whose file was written, or could not be."""

    def __init__(self, profile: Profile, told: Callable[[str], object] | None = None) -> None:
        self._folder = profile.drafts
        self._told = told
        self._troubles: dict[Path, int] = {}
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(1)  # so that writes of one letter keep their order
        self._lock = Lock()
        self._waiting: dict[str, _Waiting] = {}
        self._grown: dict[str, int] = {}

    def write(self, letter: Letter) -> None:
        """Put a letter on disk, soon."""
        data = json.dumps(to_json(letter), ensure_ascii=False).encode("utf-8", "surrogatepass")
        with self._lock:
            waiting = self._next(letter.key)
            waiting.letter, waiting.stepped = data, letter.stepped

    def add_step(self, key: str, step: Step, *, first: bool) -> None:
        """Put a step of a letter's text on disk, soon; ``first``: those of before count no more."""
        line = steps.line_of(step)
        self._grown[key] = -len(line) if first else self._grown.get(key, 0) + len(line)
        with self._lock:
            waiting = self._next(key)
            waiting.steps = line if first else waiting.steps + line
            waiting.first = waiting.first or first

    def trouble(self, key: str) -> int:
        """Why a letter is not wholly on disk (``errno``); 0: it is, as far as was written."""
        return next((found for one in self._files(key) if (found := self._troubles.get(one, 0))), 0)

    def overgrown(self, key: str) -> bool:
        """Whether a letter's steps have become so much longer than its text that they should begin anew."""
        return self._grown.get(key, 0) > MAX_GROWN

    def _files(self, key: str) -> tuple[Path, Path]:
        return self._folder / f"{key}.json", self._folder / f"{key}.steps"

    def _next(self, key: str) -> _Waiting:
        """What goes to the disk of a letter the next time."""
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = _Waiting()
            self._pool.start(partial(self._flush, key, waiting))
        return waiting

    def _flush(self, key: str, waiting: _Waiting) -> None:
        with self._lock:
            if self._waiting.get(key) is not waiting:  # forgotten
                return
            del self._waiting[key]
        path, beside = self._files(key)
        if waiting.first:
            self._try(beside, _write, waiting.steps)
        elif waiting.steps and beside not in self._troubles:  # else one is missing, and no other can follow it
            self._try(beside, steps.append, waiting.steps)
        written = bool(waiting.letter) and self._try(path, _write, waiting.letter)
        if written and beside in self._troubles and not waiting.stepped:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
        if self._told is not None:
            self._told(key)

    def _try(self, path: Path, write: Callable[[Path, bytes], None], data: bytes) -> bool:
        """Whether that could be written; a file that lacks something has its trouble until it is written whole."""
        try:
            write(path, data)
        except OSError as error:
            log.GUI.info("the journal could not be written: %s", error.strerror)
            self._troubles[path] = error.errno or errno.EIO
            return False
        self._troubles.pop(path, None)
        return True

    def steps(self, key: str) -> list[Step]:
        """The steps in which a letter's text came to be; none where they are not known."""
        path = self._files(key)[1]
        try:
            self._grown[key] = path.stat().st_size
            return steps.shortened(steps.read(path))
        except OSError:
            return []

    def forget(self, key: str, *, files: bool = True) -> None:
        """Remove a letter; ``files`` False keeps what was pasted (the letter may come back: undo)."""
        self._grown.pop(key, None)
        with self._lock:
            self._waiting.pop(key, None)
        self._pool.start(lambda: self._remove(key, files))

    def settle(self) -> None:
        """Wait until everything is on disk."""
        self._pool.waitForDone()

    def folder(self, key: str) -> Path:
        """Where the files of a letter are kept, made when missing.  Raises OSError."""
        folder = self._folder / key
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def letters(self) -> list[Letter]:
        """What was being written when the program ended, oldest first; a file that cannot be read stays where it is."""
        found = []
        for path in sorted(self._folder.glob("*.json"), key=lambda one: one.stat().st_mtime):
            try:
                if path.stat().st_size > MAX_JOURNAL:
                    continue
                data = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
                found.append(from_json(Letter, data))
            except (OSError, ValueError):
                log.GUI.warning("a journal file could not be read: %s", path.name)
        return found

    def sweep(self) -> None:
        """Remove folders of files that no letter needs, and half-written files."""
        for path in self._folder.glob("*.new"):
            path.unlink(missing_ok=True)
        for path in self._folder.glob("*.steps"):
            if not path.with_suffix(".json").exists():
                path.unlink(missing_ok=True)
        for path in self._folder.iterdir() if self._folder.exists() else ():
            if path.is_dir() and not path.with_suffix(".json").exists():
                shutil.rmtree(path, ignore_errors=True)

    def _remove(self, key: str, files: bool) -> None:
        for path in self._files(key):
            path.unlink(missing_ok=True)
            self._troubles.pop(path, None)
        if files:
            shutil.rmtree(self._folder / key, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    """Write a whole file beside the old one, and put it into its place.  Raises OSError."""
    temporary = path.with_suffix(".new")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
