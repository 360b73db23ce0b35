"""The demo mailbox on disk, so that it survives a restart.

Theory of operation: each folder is a directory ``NNNN/`` with ``folder.json`` (name, UIDVALIDITY, role), one file per
message, and ``vanished``, an append-only list of expunged UIDs.  Everything that changes about a message is in the name
of its file (``UID.MODSEQ.DATE.FLAGS.eml``), so that a flag change is one atomic rename and no index can disagree with
the messages.  UIDNEXT and HIGHESTMODSEQ are the largest numbers found in names and in ``vanished``.

Rule of the file: a process killed between any two calls leaves a mailbox that loads; a message is never lost (at worst
a move leaves it in both folders).  Nothing is fsynced: a demo need not survive a power cut.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

LETTERS = {"\\Seen": "S", "\\Answered": "R", "\\Flagged": "F", "\\Deleted": "T", "\\Draft": "D"}
_FLAGS = {letter: flag for flag, letter in LETTERS.items()}
FLAGS_LIMIT = 180  # octets of a file name that flags may take


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """What a file name says about a message.  ``date`` is INTERNALDATE in UTC seconds."""

    uid: int
    modseq: int
    date: int
    flags: frozenset[str]
    path: Path


@dataclass(slots=True)
class StoredFolder:
    """One folder as found on disk; ``vanished`` holds (modseq, uid)."""

    number: int
    name: str
    uidvalidity: int
    use: str
    subscribed: bool
    messages: list[StoredMessage] = field(default_factory=list)
    vanished: list[tuple[int, int]] = field(default_factory=list)


def flags_text(flags: frozenset[str]) -> str:
    """``flags`` as they stand in a file name: letters for the system flags, then ``+keyword``."""
    letters = "".join(sorted(LETTERS[flag] for flag in flags if flag in LETTERS))
    return letters + "".join("+" + quote(flag, safe="") for flag in sorted(flags) if flag not in LETTERS)


def _flags(text: str) -> frozenset[str]:
    letters, *keywords = text.split("+")
    return frozenset([*(_FLAGS[letter] for letter in letters if letter in _FLAGS), *map(unquote, keywords)])


class Files:
    """The directory of one mailbox.  Methods raise OSError as it comes (disk full, no permission)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def seeded(self) -> bool:
        """The seeding of this directory was finished."""
        return (self.root / "seeded").exists()

    def mark_seeded(self) -> None:
        """Remember that the seeding was finished."""
        (self.root / "seeded").touch()

    def clear(self) -> None:
        """Forget everything: an unfinished seeding is started again."""
        for folder in self._directories():
            shutil.rmtree(folder)

    def load(self) -> Iterator[StoredFolder]:
        """Every folder, in order of creation."""
        for directory in self._directories():
            record = directory / "folder.json"
            if record.exists():  # absent: killed while creating or deleting it
                yield self._folder(directory, json.loads(record.read_text("utf-8")))

    def save_folder(self, number: int, name: str, uidvalidity: int, use: str, subscribed: bool) -> None:
        """Create or change the record of a folder."""
        directory = self._directory(number)
        directory.mkdir(exist_ok=True)
        record = {"name": name, "uidvalidity": uidvalidity, "use": use, "subscribed": subscribed}
        _replace(directory / "folder.json", json.dumps(record, ensure_ascii=False).encode())

    def delete_folder(self, number: int) -> None:
        """Remove a folder and its messages."""
        (self._directory(number) / "folder.json").unlink(missing_ok=True)
        shutil.rmtree(self._directory(number), ignore_errors=True)

    def add(self, number: int, message: StoredMessage, data: bytes) -> Path:
        """Write a new message; returns where it stands."""
        path = self._directory(number) / _file_name(message)
        _replace(path, data)
        return path

    def rename(self, message: StoredMessage) -> Path:
        """Flags or modseq changed: ``message.path`` is the old place, the new one is returned."""
        path = message.path.with_name(_file_name(message))
        return message.path.replace(path)

    def expunge(self, number: int, uid: int, modseq: int, path: Path) -> None:
        """Remove a message, the record of its end first."""
        with (self._directory(number) / "vanished").open("a", encoding="ascii") as record:
            record.write(f"{modseq} {uid}\n")
        path.unlink(missing_ok=True)

    def _directory(self, number: int) -> Path:
        return self.root / f"{number:04d}"

    def _directories(self) -> list[Path]:
        return sorted(entry for entry in self.root.iterdir() if entry.name.isdigit())

    def _folder(self, directory: Path, record: dict[str, object]) -> StoredFolder:
        folder = StoredFolder(
            number=int(directory.name),
            name=str(record["name"]),
            uidvalidity=int(str(record["uidvalidity"])),
            use=str(record["use"]),
            subscribed=bool(record["subscribed"]),
            vanished=_vanished(directory / "vanished"),
        )
        gone = {uid for _, uid in folder.vanished}
        found = [_stored(path) for path in directory.glob("*.eml")]
        folder.messages = sorted((message for message in found if message.uid not in gone), key=lambda found: found.uid)
        return folder


def _file_name(message: StoredMessage) -> str:
    return f"{message.uid}.{message.modseq}.{message.date}.{flags_text(message.flags)}.eml"


def _stored(path: Path) -> StoredMessage:
    uid, modseq, date, flags = path.name.removesuffix(".eml").split(".", 3)
    return StoredMessage(int(uid), int(modseq), int(date), _flags(flags), path)


def _vanished(path: Path) -> list[tuple[int, int]]:
    if not path.exists():
        return []
    lines = [line.split() for line in path.read_text("ascii").splitlines()]
    return [(int(line[0]), int(line[1])) for line in lines if len(line) == 2]


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(data)
    temporary.replace(path)
