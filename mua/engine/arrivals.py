"""Mail from other programs' files, into folders, and contacts, into address books: found, read one by one, kept, and
read back to compare.

Rules of the file
- A message counts as imported when its bytes, read back from the store, have the hash that they had in the file.
- What is not taken is told, with why; whoever stops an import keeps what is here.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mua import wire
from mua.engine import outlook
from mua.engine.files import add_local, readable
from mua.engine.mailfiles import Reader, listing, notes, single
from mua.engine.reading import Whole
from mua.engine.works import stoppable
from mua.errors import Kind, MailError, Retry
from mua.jsonable import to_json
from mua.mime.message import parse
from mua.mime.text import light_text
from mua.model.account import Account, AccountId, Incoming
from mua.model.arrival import Box, Layout, LeftOut, Marks
from mua.model.folder import Folder, FolderId, Role
from mua.model.message import MessageId
from mua.model.tag import Tag
from mua.plan import arriving, geary, thunderbird
from mua.store import read, tags, write

if TYPE_CHECKING:
    from mua.engine.main import Engine

COPIES = 50  # of one Message-ID that are looked at: whoever wrote the files may have given all the same
BATCH, BATCH_SIZE = 200, 16 << 20  # messages, octets of one commit
ON_THIS_COMPUTER = "On this computer"
_HERE = "It is in that folder already, with the same bytes."
_SKIPPED = "readpst could not make a message or a card of it."
_PAUSED = "It is here, paused: what its server still has would come a second time."


def take(engine: Engine, command: wire.Import) -> wire.Imported:
    """Import what is at a path.  Raises MailError "file-unreadable", "too-many-files", "folder-gone" ..., and as
    ``outlook.unpacked``.
    """
    path = Path(command.path)
    with readable(path), stoppable(engine, command.token) as stop:
        if not path.is_dir() and outlook.is_outlook(path):
            with outlook.unpacked(path, stop) as (folder, skipped):
                left = {(path.name, _SKIPPED): skipped} if skipped else {}
                return replace(_take(engine, command, folder, stop, left), program="Outlook")
        return _take(engine, command, path, stop, {})


def _take(
    engine: Engine, command: wire.Import, path: Path, stop: threading.Event, left: dict[tuple[str, str], int]
) -> wire.Imported:
    profile = _thunderbird(path) or _geary(path)
    files, links = listing(path)
    layout = arriving.recognise(files, _titles(profile)) if path.is_dir() else single(path)
    job = _Job(engine, command, path, layout, stop)
    job.left.update({(one.what, one.why): one.count for one in layout.left})
    job.left.update(left)
    if links:
        job.left["links", "A link is not followed; name what it points to."] += links
    boxes = job.wanted(profile)
    for box, target in boxes:
        if stop.is_set():
            break
        job.take(box, target)
    job.take_cards()
    added = _add_accounts(engine, profile, job) if profile and command.accounts else ()
    found = profile.tags if profile else ()
    _note_tags(engine, found)
    return job.report(added, found)


def _note_tags(engine: Engine, found: tuple[Tag, ...]) -> None:
    """How tags are called in the other program, for the window: whose settings take them over when it next looks."""
    before = tags.imported(engine.store.reader())
    known = {one.keyword.casefold(): one for one in (*before, *found)}
    if tuple(known.values()) != before:
        with engine.store.write() as tx:
            write.set_setting(tx, tags.IMPORTED, json.dumps([to_json(one) for one in known.values()]))
            tx.changes.accounts = True


def _thunderbird(path: Path) -> thunderbird.Thunderbird | None:
    text = notes(path / "prefs.js") if path.is_dir() else b""
    return thunderbird.read(text.decode("utf-8", "replace")) if text else None


def _geary(path: Path) -> thunderbird.Thunderbird | None:
    """The accounts of Geary's folder of settings, or of one account's folder in it."""
    files = sorted(path.glob(geary.FILE)) or sorted(path.glob(f"*/{geary.FILE}")) if path.is_dir() else []
    return geary.read(notes(one).decode("utf-8", "replace") for one in files) if files else None


def _titles(profile: thunderbird.Thunderbird | None) -> dict[str, str]:
    """How the folders of a profile's listing are called: local ones by their own names, others by the account."""
    if profile is None:
        return {}
    found = {"Mail": "", "ImapMail": ""}
    for one in profile.stores:
        if one.path:
            found[one.path] = "" if one.kind == "none" else one.title
    return found


# ---- where it goes
class _Job:
    """One import: its folders, what was counted, what was left out."""

    def __init__(self, engine: Engine, command: wire.Import, path: Path, layout: Layout, stop: threading.Event) -> None:
        self.engine = engine
        self._reader = Reader(path, command.dialect)
        self.left = self._reader.left
        self.folders: list[wire.FolderImported] = []
        self._command, self._path, self._layout, self._stop = command, path, layout, stop
        self._account: Account | None = None
        self._done = self._messages = 0
        self._total = sum(box.size for box in layout.boxes)
        self._contacts: wire.ContactsImported | None = None

    def wanted(self, profile: thunderbird.Thunderbird | None) -> list[tuple[Box, tuple[str, ...]]]:
        """The boxes to read, with the names that they get; a profile's copies of a server's mail are not among them."""
        copies = [f"{one.path}/" for one in profile.stores if one.kind == "imap"] if profile else []
        prefix = tuple(word for word in self._command.folder.split("/") if word)
        found: list[tuple[Box, tuple[str, ...]]] = []
        for box in self._layout.boxes:
            if profile and box.path.startswith(("ImapMail/", *copies)):
                self._total -= box.size
                self.left[
                    "/".join(box.name), "It is a copy of what the account's server has, and comes from there."
                ] += 1
            else:
                own = prefix if prefix or box.name else (self._path.stem or "Imported",)
                found.append((box, own + box.name))
        return found

    def account(self) -> Account:
        """Whose folders they become: the one that was asked for, or the local one, made when it is missing."""
        if self._account is None:
            self._account = self._asked() or _local(self.engine)
        return self._account

    def _asked(self) -> Account | None:
        if not self._command.account_id:
            return None
        found = read.account(self.engine.store.reader(), AccountId(self._command.account_id))
        if found is None:
            raise MailError(Kind.ACCOUNT, Retry.NEVER, "That account is not there any more.", code="no-such-account")
        return found

    def folder(self, name: tuple[str, ...]) -> Folder:
        """The folder of this name; one that is missing is made, and an IMAP server follows."""
        from mua.engine.folders import create_folder

        account = self.account()
        db = self.engine.store.reader()
        inbox = read.folder_with_role(db, account.id, Role.INBOX)
        delimiter = (inbox.delimiter if inbox else "") or "/"
        words = [_word(one, delimiter) for one in name]
        if len(words) == 1 and words[0].casefold() == "inbox" and inbox is not None:
            return inbox
        made = create_folder(self.engine, wire.CreateFolder(account.id, delimiter.join(words)))
        found = read.folder(db, FolderId(made.folder_id))
        if found is None:
            raise MailError(Kind.FOLDER, Retry.NEVER, "That folder is not there any more.", code="folder-gone")
        return found

    # ---- its messages
    def take(self, box: Box, name: tuple[str, ...]) -> None:
        """Read one box into its folder."""
        folder = self.folder(name)
        tally, known = _Tally(), _Known(self.engine, folder)
        batch: list[tuple[Whole, bytes]] = []
        size, before = 0, self._done
        for raw, noted in self._reader.letters(box, folder.name):
            if self._stop.is_set():
                break
            whole, hashed = self._whole(raw, noted), hashlib.sha256(raw).digest()
            if known.has(whole, hashed):
                self.left[folder.name, _HERE] += 1
                continue
            tally.found += 1
            tally.octets += len(raw)
            tally.hashes.update(hashed)
            batch.append((whole, hashed))
            size += len(raw)
            if len(batch) >= BATCH or size >= BATCH_SIZE:
                known.came(self._keep(folder, batch, tally))
                batch, size = [], 0
        self._keep(folder, batch, tally)
        self._done = before + box.size
        self._tell(folder.name)
        self.folders.append(
            wire.FolderImported(
                folder.id, folder.name, tally.found, tally.imported, tally.octets, tally.hashes.hexdigest()
            )
        )

    def _whole(self, raw: bytes, noted: Marks) -> Whole:
        parsed = parse(raw, light_text)
        received = noted.received or parsed.envelope.date or self.engine.context.now()
        return Whole(raw, received, noted.flags, parsed, noted.keywords)

    def _keep(self, folder: Folder, batch: list[tuple[Whole, bytes]], tally: _Tally) -> list[MessageId]:
        """Commit, then read back; returns the new messages."""
        if not batch:
            return []
        ids = add_local(self.engine, folder, [whole for whole, _ in batch])
        bodies = self.engine.context.bodies
        tally.imported += sum(bodies.digest(one) == hashed for one, (_, hashed) in zip(ids, batch, strict=True))
        self._done += sum(whole.size for whole, _ in batch)
        self._messages += len(batch)
        self._tell(folder.name)
        return ids

    def _tell(self, folder: str) -> None:
        done = min(self._done, self._total)
        self.engine.context.publish(wire.Importing(self._command.token, folder, self._messages, done, self._total))

    def take_cards(self) -> None:
        """The address books among the files."""
        if self._layout.cards and self._command.contacts:
            from mua.engine import card_files

            self._contacts = card_files.take_all(
                self.engine, self._path, self._layout.cards, self._layout.program, self._stop.is_set
            )
            for one in self._contacts.left:
                self.left[one.what, one.why] += one.count

    def report(self, added: tuple[str, ...], tags: tuple[Tag, ...]) -> wire.Imported:
        """What came of it."""
        if self._account:
            self.engine.poke(self._account.id)
        left = tuple(LeftOut(what, why, count) for (what, why), count in self.left.items())
        return wire.Imported(
            sum(one.found for one in self.folders),
            sum(one.imported for one in self.folders),
            sum(one.octets for one in self.folders),
            self._layout.program,
            self._account.id if self._account else 0,
            tuple(self.folders),
            left,
            added,
            tags,
            self._stop.is_set(),
            self._contacts,
        )


class _Known:
    """What was in a folder before: an import that was stopped, or done again, brings only what is not there yet.

    Each message there stands for one in the files, so that copies stay as many as they were.
    """

    def __init__(self, engine: Engine, folder: Folder) -> None:
        self._engine, self._folder = engine, folder
        self._used: set[int] | None = set() if folder.total else None

    def has(self, whole: Whole, hashed: bytes) -> bool:
        """Whether it is there, with these very bytes."""
        message_id = whole.parsed.envelope.message_id
        if self._used is None or not message_id:
            return False
        for row in read.with_message_id(self._engine.store.reader(), message_id, self._folder.account_id, COPIES):
            alike = row.folder_id == self._folder.id and row.size == whole.size and row.id not in self._used
            if alike and self._engine.context.bodies.digest(row.id) == hashed:
                self._used.add(row.id)
                return True
        return False

    def came(self, ids: list[MessageId]) -> None:
        """These are new."""
        if self._used is not None:
            self._used.update(ids)


class _Tally:
    """What is counted of one folder."""

    def __init__(self) -> None:
        self.found = self.imported = self.octets = 0
        self.hashes = hashlib.sha256()


def _word(name: str, delimiter: str) -> str:
    """One level of a folder's name, as it can be stored."""
    clean = name.encode("utf-8", "replace").decode("utf-8").replace(delimiter, "-")
    return "".join(one if one.isprintable() else "-" for one in clean).strip()[:200] or "-"


# ---- accounts
def _local(engine: Engine) -> Account:
    """The account whose mail lives on this computer only."""
    from mua.engine.accounts import add_account

    known = read.account_named(engine.store.reader(), ON_THIS_COMPUTER)
    if known is not None and known.incoming is Incoming.LOCAL:
        return known
    taken = [one.name for one in read.accounts(engine.store.reader())]
    names = (ON_THIS_COMPUTER, *(f"{ON_THIS_COMPUTER} ({number})" for number in range(2, len(taken) + 3)))
    name = next(one for one in names if one not in taken)
    added = add_account(engine, wire.AddAccount(Account(AccountId(0), name, "me@this-computer.invalid")))
    found = read.account(engine.store.reader(), AccountId(added.account_id))
    assert found is not None
    return found


def _add_accounts(engine: Engine, profile: thunderbird.Thunderbird, job: _Job) -> tuple[str, ...]:
    """Add the accounts that are not here, without passwords; returns their names."""
    from mua.engine.portable import add

    ids, here = add(engine, list(profile.accounts))
    for name in here:
        job.left[name, "There is an account of this name already; it was left as it is."] += 1
    for other in profile.left:
        job.left[other.what, other.why] += other.count
    added = [one for one in profile.accounts if one.name not in here]
    for one in added:
        if one.incoming is Incoming.POP3:
            job.left[one.name, _PAUSED] += 1
    for account_id in ids.values():
        engine.start_worker(account_id)
    return tuple(one.name for one in added)
