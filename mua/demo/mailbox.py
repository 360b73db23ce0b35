"""The mailbox of the demo account: folders and messages, with UIDs and modification sequences (RFC 3501, RFC 7162).

Theory of operation: one ``Mailbox`` is shared by all sessions of both servers and lives on their event loop, so it
needs no lock.  Every change goes through a method here, which gives it the folder's next modseq, writes it to disk when
the mailbox has a directory, raises ``version`` and calls the listeners.  Sessions compare, they are not told what
changed (see ``news`` in ``session.py``).

Rule of the file: no sockets, no protocol text, no clock (dates are given).
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from mua.demo.files import FLAGS_LIMIT, Files, StoredFolder, StoredMessage, flags_text

NAME_LIMIT = 200
DEPTH_LIMIT = 10


class Refused(Exception):
    """The mailbox does not do this; the text is for the client (a response code may lead it: ``[NONEXISTENT] ...``)."""


class Message:
    """One message in one folder.  ``date`` is INTERNALDATE in UTC seconds; bytes on disk are read when asked for."""

    __slots__ = ("_data", "date", "flags", "modseq", "path", "size", "uid")

    def __init__(self, uid: int, modseq: int, date: int, flags: frozenset[str], data: bytes, path: Path | None) -> None:
        self.uid = uid
        self.modseq = modseq
        self.date = date
        self.flags = flags
        self.path = path
        self._data = b"" if path else data
        self.size = path.stat().st_size if path else len(data)

    @property
    def data(self) -> bytes:
        """The message as it was stored."""
        return self.path.read_bytes() if self.path else self._data

    def stored(self, flags: frozenset[str], modseq: int) -> StoredMessage:
        """What its file name should say with these flags and this modseq."""
        return StoredMessage(self.uid, modseq, self.date, flags, self.path or Path())


class Folder:
    """One folder.  ``messages`` is ordered by UID; ``vanished`` lists (modseq, uid) of the expunged, oldest first."""

    def __init__(self, number: int, name: str, uidvalidity: int, use: str = "", files: Files | None = None) -> None:
        self.number = number
        self.name = name
        self.uidvalidity = uidvalidity
        self.use = use  # special-use attribute (RFC 6154), as "\\Sent"
        self.subscribed = True
        self.gone = False  # deleted, or replaced under a new UIDVALIDITY: sessions must let go of it
        self.messages: dict[int, Message] = {}
        self.vanished: list[tuple[int, int]] = []
        self.uidnext = 1
        self.modseq = 1
        self.version = 0
        self.listeners: set[Callable[[], None]] = set()
        self._files = files

    @classmethod
    def restored(cls, stored: StoredFolder, files: Files) -> "Folder":
        """A folder as it stands on disk."""
        folder = cls(stored.number, stored.name, stored.uidvalidity, stored.use, files)
        folder.subscribed = stored.subscribed
        folder.vanished = stored.vanished
        for item in stored.messages:
            folder.messages[item.uid] = Message(item.uid, item.modseq, item.date, item.flags, b"", item.path)
        uids = [*folder.messages, *(uid for _, uid in folder.vanished)]
        modseqs = [*(message.modseq for message in folder.messages.values()), *(seq for seq, _ in folder.vanished)]
        folder.uidnext = max(uids, default=0) + 1
        folder.modseq = max(modseqs, default=1)
        return folder

    def add(self, data: bytes, date: int, flags: Iterable[str] = ()) -> Message:
        """Store a message under the next UID."""
        kept = _checked(flags)
        modseq, uid, path = self.modseq + 1, self.uidnext, None
        if self._files:
            path = self._files.add(self.number, StoredMessage(uid, modseq, date, kept, Path()), data)
        message = self.messages[uid] = Message(uid, modseq, date, kept, data, path)
        self.uidnext += 1
        self._changed(modseq)
        return message

    def set_flags(self, message: Message, flags: Iterable[str]) -> None:
        """Give ``message`` exactly these flags; nothing happens when it has them."""
        kept = _checked(flags)
        if kept == message.flags or message.uid not in self.messages:
            return
        modseq = self.modseq + 1
        if self._files:
            message.path = self._files.rename(message.stored(kept, modseq))
        message.flags, message.modseq = kept, modseq
        self._changed(modseq)

    def expunge(self, uids: Iterable[int]) -> None:
        """Remove messages for ever; unknown UIDs are passed over."""
        for uid in uids:
            message = self.messages.pop(uid, None)
            if message is None:
                continue
            modseq = self.modseq + 1
            if self._files and message.path:
                self._files.expunge(self.number, uid, modseq, message.path)
            self.vanished.append((modseq, uid))
            self._changed(modseq)

    def save(self) -> None:
        """Write name, use and subscription to disk."""
        if self._files:
            self._files.save_folder(self.number, self.name, self.uidvalidity, self.use, self.subscribed)

    def end(self) -> None:
        """The folder is no more: the sessions in it are told."""
        self.gone = True
        self._changed(self.modseq)

    def _changed(self, modseq: int) -> None:
        self.modseq = modseq
        self.version += 1
        for listener in list(self.listeners):
            listener()


class Mailbox:
    """All folders by name; in memory, or in ``directory``."""

    def __init__(self, directory: Path | None = None, uidvalidity: int = 1) -> None:
        self.files = Files(directory) if directory else None
        self.folders: dict[str, Folder] = {}
        self._uidvalidity = uidvalidity
        if self.files and not self.files.seeded:
            self.files.clear()
        elif self.files:
            self.folders = {stored.name: Folder.restored(stored, self.files) for stored in self.files.load()}
        if "INBOX" not in self.folders:
            self.create("INBOX")

    def find(self, name: str) -> Folder:
        """The folder of this name; INBOX in any case of letters.  Raises Refused."""
        found = self.folders.get(_canonical(name))
        if found is None:
            raise Refused("[NONEXISTENT] There is no folder of this name")
        return found

    def create(self, name: str, use: str = "") -> Folder:
        """Make a folder, and those above it.  Raises Refused."""
        name = _canonical(name.rstrip("/"))
        _check_name(name)
        if name in self.folders:
            raise Refused("[ALREADYEXISTS] A folder of this name exists")
        parent = name.rpartition("/")[0]
        if parent and _canonical(parent) not in self.folders:
            self.create(parent)
        number = max((folder.number for folder in self.folders.values()), default=0) + 1
        self._uidvalidity = 1 + max([self._uidvalidity, *(folder.uidvalidity for folder in self.folders.values())])
        folder = self.folders[name] = Folder(number, name, self._uidvalidity, use, self.files)
        folder.save()
        return folder

    def delete(self, name: str) -> None:
        """Delete a folder with its messages.  Raises Refused for INBOX and where folders stand below it."""
        folder = self.find(name)
        if folder.name == "INBOX":
            raise Refused("[CANNOT] INBOX cannot be deleted")
        if self._below(folder.name):
            raise Refused("[HASCHILDREN] There are folders below this one")
        del self.folders[folder.name]
        if self.files:
            self.files.delete_folder(folder.number)
        folder.end()

    def rename(self, name: str, new: str) -> None:
        """Rename a folder and all below it (RFC 3501 s.6.3.5).  Raises Refused; INBOX stays where it is."""
        folder, new = self.find(name), _canonical(new.rstrip("/"))
        _check_name(new)
        if folder.name == "INBOX":
            raise Refused("[CANNOT] INBOX cannot be renamed")
        if new in self.folders:
            raise Refused("[ALREADYEXISTS] A folder of this name exists")
        if new.startswith(folder.name + "/"):
            raise Refused("[CANNOT] A folder cannot move below itself")
        old = folder.name
        parent = new.rpartition("/")[0]
        if parent and _canonical(parent) not in self.folders:
            self.create(parent)
        for moved in [folder, *self._below(old)]:
            del self.folders[moved.name]
            moved.name = new + moved.name[len(old) :]
            self.folders[moved.name] = moved
            moved.save()

    def renumber(self, name: str) -> Folder:
        """Rebuild a folder under a new UIDVALIDITY, as a server does after a crash (for tests of clients)."""
        old = self.find(name)
        contents = [(message.data, message.date, message.flags) for message in old.messages.values()]
        del self.folders[old.name]
        new = self.create(old.name, old.use)
        for data, date, flags in contents:
            new.add(data, date, flags)
        if self.files:
            self.files.delete_folder(old.number)
        old.end()
        return new

    def has_children(self, name: str) -> bool:
        """There are folders below this one."""
        return bool(self._below(name))

    def _below(self, name: str) -> list[Folder]:
        return [folder for folder in self.folders.values() if folder.name.startswith(name + "/")]


def _canonical(name: str) -> str:
    head, slash, tail = name.partition("/")
    return "INBOX" + slash + tail if head.upper() == "INBOX" else name


def _check_name(name: str) -> None:
    levels = name.split("/")
    if not all(levels) or len(name) > NAME_LIMIT or len(levels) > DEPTH_LIMIT:
        raise Refused("[CANNOT] This is not a usable folder name")
    if any(ord(letter) < 32 or letter in "%*\x7f" for letter in name):
        raise Refused("[CANNOT] The name has a letter that a folder name cannot have")


def _checked(flags: Iterable[str]) -> frozenset[str]:
    kept = frozenset(flags) - {"\\Recent"}
    if len(flags_text(kept)) > FLAGS_LIMIT:
        raise Refused("[LIMIT] Too many keywords")
    return kept
