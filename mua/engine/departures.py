"""Mail out into files: a folder or a whole account as mbox, as Maildir or as .eml files, each read back and compared.

Rules of the file
- Nothing is overwritten: a file or folder that is there already is refused.
- A message counts as exported when the file, read back, has the hash that the store has; what is not
  here yet is fetched.
- Names come from folders, and never leave the folder that the person named.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mua import wire
from mua.engine.files import writable
from mua.engine.mailfiles import opened
from mua.engine.works import stoppable
from mua.errors import Kind, MailError, Retry
from mua.mime import maildir, marks, mbox
from mua.model.account import AccountId
from mua.model.arrival import Form, LeftOut
from mua.model.folder import Folder, FolderId
from mua.model.message import MessageId, MessageRow
from mua.store import read

if TYPE_CHECKING:
    from mua.engine.main import Engine

FORMS = (Form.MBOX, Form.MAILDIR, Form.EML)
_TELL = 100  # messages between two events
_NO_ROOM = "A Maildir has room for 26 tags; the message was written without this one."
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def export(engine: Engine, command: wire.Export) -> wire.Exported:
    """Write the folders.  Raises MailError "file-unwritable", "file-there", "folder-gone"."""
    path = Path(command.path)
    folders = _folders(engine, command)
    if os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir())):
        text = f"“{path.name}” is there already; choose another name, so that nothing is written over."
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="file-there")
    with writable(path), stoppable(engine, command.token) as stop:
        job = _Job(engine, command, sum(one.total for one in folders), stop)
        for one in folders:
            if not stop.is_set():
                job.folder(one, path, alone=command.folder_id is not None)
        return job.report()


def _folders(engine: Engine, command: wire.Export) -> list[Folder]:
    db = engine.store.reader()
    if command.folder_id is None:
        return [one for one in read.folders(db, AccountId(command.account_id), shown=True) if one.selectable]
    found = read.folder(db, FolderId(command.folder_id), shown=True)
    if found is None:
        raise MailError(Kind.FOLDER, Retry.NEVER, "That folder is not there any more.", code="folder-gone")
    return [found]


class _Job:
    """One export: what was counted, what was left out."""

    def __init__(self, engine: Engine, command: wire.Export, total: int, stop: threading.Event) -> None:
        self._engine, self._command, self._total, self._stop = engine, command, total, stop
        self._form = Form(command.form)
        self._folders: list[wire.FolderImported] = []
        self._left: Counter[tuple[str, str]] = Counter()
        self._done = 0
        self._taken: set[str] = set()

    def folder(self, folder: Folder, path: Path, *, alone: bool) -> None:
        """Write one folder: to ``path`` itself where it is ``alone``, else below it."""
        words = folder.name.split(folder.delimiter) if folder.delimiter else [folder.name]
        writers = {Form.MBOX: self._mbox, Form.MAILDIR: self._maildir, Form.EML: self._eml}
        hashes: list[bytes] = []
        octets = 0
        place = path if alone else self._place(path, words)
        written = writers[self._form](place, self._messages(folder, hashes))
        good = 0
        for one, (size, digest) in zip(hashes, written, strict=False):
            good, octets = good + (one == digest), octets + size
        told = hashlib.sha256(b"".join(hashes)).hexdigest()
        self._folders.append(wire.FolderImported(folder.id, folder.name, len(hashes), good, octets, told))

    def _messages(self, folder: Folder, hashes: list[bytes]) -> Iterator[tuple[MessageRow, bytes]]:
        """The messages of a folder, oldest first; ``hashes`` gets the hash of each."""
        for one in reversed(read.folder_order(self._engine.store.reader(), folder.id)):
            if self._stop.is_set():
                return
            row = read.row(self._engine.store.reader(), MessageId(one))
            if row is None:
                continue  # it went away meanwhile
            raw = self._raw(row, folder.name)
            self._done += 1
            if self._done % _TELL == 0 or self._done == self._total:
                told = wire.Importing(self._command.token, folder.name, self._done, self._done, self._total)
                self._engine.context.publish(told)
            if raw is not None:
                hashes.append(hashlib.sha256(raw).digest())
                yield row, raw

    def _raw(self, row: MessageRow, name: str) -> bytes | None:
        from mua.engine.commands import open_message

        raw = self._engine.context.bodies.get(row.id)
        if raw is None:
            try:
                open_message(self._engine, wire.OpenMessage(row.id))
            except MailError as error:
                self._left[name, error.text] += 1
                return None
            raw = self._engine.context.bodies.get(row.id)
        return raw

    def _place(self, path: Path, words: list[str]) -> Path:
        """Where a folder of an account goes; two that differ only in what a file's name cannot hold get two."""
        clean = [_component(one) for one in words]
        place = maildir.folder_name(words) if self._form is Form.MAILDIR else "/".join(clean)
        unique, number = place, 2
        while unique.casefold() in self._taken:
            unique, number = f"{place} ({number})", number + 1
        self._taken.add(unique.casefold())
        return path / (f"{unique}.mbox" if self._form is Form.MBOX else unique)

    # ---- forms: each gives size and hash of what it wrote, read back, in order
    def _mbox(self, place: Path, messages: Iterator[tuple[MessageRow, bytes]]) -> list[tuple[int, bytes]]:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if place.is_dir():
            place.rmdir()  # an empty one that was chosen
        with place.open("xb") as stream:
            for row, raw in messages:
                head = marks.before(raw, row.flags, row.keywords) if self._command.flags else b""
                mbox.append(stream, head + raw, row.sender[0].address if row.sender else "", _received(row))
            stream.flush()
            os.fsync(stream.fileno())
        with opened(place) as file:
            found = (marks.without_own(raw) if self._command.flags else raw for raw in mbox.split(file))
            return [(len(raw), hashlib.sha256(raw).digest()) for raw in found]

    def _maildir(self, place: Path, messages: Iterator[tuple[MessageRow, bytes]]) -> list[tuple[int, bytes]]:
        for name in ("cur", "new", "tmp"):
            (place / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        table: dict[str, str] = {}
        dropped = Counter[str]()
        written: list[tuple[int, bytes]] = []
        for row, raw in messages:
            letters = ""
            for word in maildir.keyword_names(row.flags, row.keywords):
                if word not in table and len(table) < len(_LETTERS):
                    table[word] = _LETTERS[len(table)]
                letters += table.get(word, "")
                dropped[word] += word not in table
            name = maildir.file_name(f"{_received(row)}.M{row.id:020}.mua", row.flags, letters)
            written.append(_whole(place / "cur" / name, raw, _received(row)))
        for word, count in dropped.items():
            if count:
                self._left[f"{place.name}: {word}", _NO_ROOM] += count
        if table:
            lines = "".join(f"{number} {word}\n" for number, word in enumerate(table))
            (place / "dovecot-keywords").write_text(lines, "utf-8")
        return written

    @staticmethod
    def _eml(place: Path, messages: Iterator[tuple[MessageRow, bytes]]) -> list[tuple[int, bytes]]:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        return [
            _whole(place / f"{number:06}.eml", raw, _received(row)) for number, (row, raw) in enumerate(messages, 1)
        ]

    def report(self) -> wire.Exported:
        """What came of it."""
        left = tuple(LeftOut(what, why, count) for (what, why), count in self._left.items())
        return wire.Exported(
            sum(one.found for one in self._folders),
            sum(one.imported for one in self._folders),
            tuple(self._folders),
            left,
            self._stop.is_set(),
        )


def _whole(path: Path, raw: bytes, received: int) -> tuple[int, bytes]:
    """Write a file with the time at which its message came, and read it back."""
    with path.open("xb") as file:
        file.write(raw)
    os.utime(path, (received, received))
    with opened(path) as file:
        return len(raw), hashlib.file_digest(file, "sha256").digest()


def _received(row: MessageRow) -> int:
    return row.id >> 20


def _component(word: str) -> str:
    """One level of a folder's name as a file's name."""
    clean = "".join(one if one.isprintable() and one not in '/\\:*?"<>|' else "_" for one in word).strip(" ")
    clean = clean.encode("utf-8", "replace")[:180].decode("utf-8", "ignore").rstrip(".")
    if clean.lower().endswith((".mbox", ".sbd")):
        clean += "_"  # what is in this folder must not lie where another's file is
    return f"_{clean[1:]}" if clean.startswith(".") else clean or "_"
