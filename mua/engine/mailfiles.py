"""Reading what another program's files hold: the listing of a tree, and each message in a box of it.

Rules of the file
- Only real files below what the person named are read: no link is followed, no pipe waited for.
- One message is in memory at a time.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BufferedReader
from pathlib import Path

from mua.errors import Kind, MailError, Retry
from mua.mime import marks, mbox, partial
from mua.mime.headers import envelope
from mua.model.arrival import Box, Entry, Form, Layout, Marks
from mua.model.message import Flag
from mua.plan.arriving import card_file
from mua.store.blobs import MAX_MESSAGE

MAX_ENTRIES, MAX_DEPTH = 2_000_000, 40
MAX_NOTES = 16 << 20  # octets of prefs.js and of what programs note beside mail
HEAD = 16  # octets that tell an mbox
_THUNDERBIRD = b"From - "  # its separators tell when it wrote the file, not when the message came
_PARTIAL = "An attachment is not here: Apple Mail left it on its server. The message itself is."
_TOO_LARGE = "It is larger than 512 MB."


def listing(top: Path) -> tuple[list[Entry], int]:
    """(everything below a folder, how many links were passed over)."""
    found: list[Entry] = []
    links = 0
    todo = [("", 0)] if top.is_dir() else []
    while todo:
        path, depth = todo.pop()
        with os.scandir(top / path) as inside:
            for one in inside:
                inner = f"{path}/{one.name}" if path else one.name
                if one.is_symlink():
                    links += 1
                elif one.is_dir(follow_symlinks=False):
                    whole = one.name in ("cur", "new")
                    found.append(Entry(inner, folder=True, size=_octets(top / inner) if whole else 0))
                    if depth < MAX_DEPTH and not whole and one.name != "tmp":
                        todo.append((inner, depth + 1))
                elif one.is_file(follow_symlinks=False):
                    size = one.stat(follow_symlinks=False).st_size
                    found.append(Entry(inner, size=size, head=_head(top / inner)))
                if len(found) > MAX_ENTRIES:
                    text = f"“{top.name}” holds more files than can be looked through; import its folders one by one."
                    raise MailError(Kind.LOCAL, Retry.ASK, text, code="too-many-files")
    return found, links


def _octets(folder: Path) -> int:
    with os.scandir(folder) as inside:
        return sum(one.stat(follow_symlinks=False).st_size for one in inside)


def _head(path: Path) -> bytes:
    try:
        with opened(path) as file:
            return file.read(HEAD)
    except OSError:
        return b""


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """A real file for reading; OSError for a link, a pipe, a device."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a file", str(path))
        yield file


def notes(path: Path) -> bytes:
    """What another program noted in a file; nothing where there is none."""
    try:
        with opened(path) as file:
            return file.read(MAX_NOTES)
    except OSError:
        return b""


def single(path: Path) -> Layout:
    """A file that a person named: whatever it is called, it is mail."""
    with opened(path.resolve()) as file:
        head, size = file.read(HEAD), path.stat().st_size
    cards = card_file(Entry(path.name, size=size, head=head))
    if cards is not None:
        return Layout("", (), (), (replace(cards, path=""),))
    form = Form.EMLX if path.suffix.lower() == ".emlx" else Form.MBOX if head.startswith(b"From ") else Form.EML
    return Layout("", (Box(form, "", (), size, ("",) if form is not Form.MBOX else ()),))


class Reader:
    """The messages of the boxes in what a person named.  ``left``: (folder, why) -> how many were not taken."""

    def __init__(self, path: Path, dialect: str = "") -> None:
        self.left: Counter[tuple[str, str]] = Counter()
        self._path = path
        self._dialect = mbox.Dialect(dialect or "auto")

    def letters(self, box: Box, name: str) -> Iterator[tuple[bytes, Marks]]:
        """The messages of a box with what is known of each; what cannot be read is counted as left out."""
        found = self._mbox(box, name) if box.form is Form.MBOX else self._files(box, name)
        for raw, noted in found:
            if noted.gone:
                self.left[name, "It was deleted there; only its bytes were left in the file."] += 1
            else:
                yield raw, noted

    def _mbox(self, box: Box, name: str) -> Iterator[tuple[bytes, Marks]]:
        path = self._path / box.path if box.path else self._path.resolve()
        with opened(path) as file:
            for one in mbox.cuts(file, self._dialect, MAX_MESSAGE):
                if one.raw is None:
                    self.left[name, _TOO_LARGE] += 1
                    continue
                noted, date = marks.in_header(one.raw), mbox.date_of(one.separator)
                if one.separator.startswith(_THUNDERBIRD):
                    date = envelope(one.raw).date or date
                    yield marks.without_notes(one.raw), replace(noted, received=date)
                else:
                    yield marks.without_own(one.raw), replace(noted, received=date)

    def _files(self, box: Box, name: str) -> Iterator[tuple[bytes, Marks]]:
        """Boxes in which each message has a file."""
        noted = _mh_notes(self._path / box.path) if box.form is Form.MH else None
        words = _maildir_words(self._path / box.path) if box.form is Form.MAILDIR else []
        for path in _maildir_files(self._path / box.path) if box.form is Form.MAILDIR else self._named(box):
            try:
                with opened(path) as file:
                    about = os.fstat(file.fileno())
                    raw = file.read(MAX_MESSAGE + 1) if about.st_size <= MAX_MESSAGE else b""
            except OSError:
                self.left[name, "A file cannot be read, or is none."] += 1
                continue
            if max(about.st_size, len(raw)) > MAX_MESSAGE:
                self.left[name, _TOO_LARGE] += 1
                continue
            taken = self._taken(box.form, path, raw, words, noted)
            if taken is None:
                self.left[name, "It is no whole .emlx file."] += 1
                continue
            whole, noted_there = taken
            if path.name.endswith(".partial.emlx"):
                whole, lacks = _put_together(path, whole)
                if lacks:
                    self.left[name, _PARTIAL] += lacks
            yield whole, self._dated(noted_there, whole, int(about.st_mtime))

    def _named(self, box: Box) -> Iterator[Path]:
        return (self._path / one if one else self._path.resolve() for one in box.files)

    @staticmethod
    def _taken(
        form: Form, path: Path, raw: bytes, words: list[str], noted: dict[int, Flag] | None
    ) -> tuple[bytes, Marks] | None:
        if form is Form.EMLX:
            try:
                return marks.emlx(raw)
            except ValueError:
                return None
        if form is Form.MAILDIR:
            told = marks.of_maildir(path.name, words)
            inner = marks.in_header(raw)  # Thunderbird's Maildir has no letters in its names
            keywords = tuple(sorted({*told.keywords, *inner.keywords}))
            return raw, Marks(told.flags | inner.flags, keywords, inner.gone)
        if form is Form.MH:
            seen = Flag.SEEN if noted is not None else Flag(0)
            return raw, Marks((noted or {}).get(int(path.name), seen))
        return raw, Marks()

    @staticmethod
    def _dated(noted: Marks, raw: bytes, mtime: int) -> Marks:
        """A file's own time counts only where the message has no date."""
        if noted.received or envelope(raw).date:
            return noted
        return replace(noted, received=mtime)


def _put_together(path: Path, raw: bytes) -> tuple[bytes, int]:
    """(the message with the attachments that lie beside it, how many are not there)."""
    gone = partial.holes(raw)
    place = path.parent.parent / "Attachments" / path.name.partition(".")[0]
    files: dict[str, bytes] = {}
    room = MAX_MESSAGE // 2
    for hole in gone:
        data = _attachment(place / hole.section, room) if re.fullmatch(r"[0-9.]{1,40}", hole.section) else None
        if data is not None:
            files[hole.section] = data
            room -= len(data)
    return partial.filled(raw, files), len(gone) - len(files)


def _attachment(folder: Path, room: int) -> bytes | None:
    """The one file in a folder, where it is a real one, below real folders, and not larger than ``room``."""
    if any(one.is_symlink() for one in (folder, *list(folder.parents)[:2])):
        return None
    try:
        (file,) = (one for one in folder.iterdir() if not one.name.startswith("."))
        with opened(file) as stream:
            data = stream.read(room + 1)
    except (OSError, ValueError):
        return None
    return data if len(data) <= room else None


def _maildir_files(folder: Path) -> list[Path]:
    """Of ``cur`` and ``new``, as they are sorted; a file of ``new`` has been seen by nobody."""
    found: list[Path] = []
    for name in ("cur", "new"):
        inside = folder / name
        if inside.is_dir() and not inside.is_symlink():
            found += sorted(one for one in inside.iterdir() if not one.name.startswith("."))
    return found


def _maildir_words(folder: Path) -> list[str]:
    return marks.maildir_keywords(notes(folder / "dovecot-keywords").decode("utf-8", "replace"))


def _mh_notes(folder: Path) -> dict[int, Flag] | None:
    sequences = notes(folder / ".mh_sequences").decode("utf-8", "replace")
    return marks.of_mh(sequences, notes(folder / ".claws_mark"))
