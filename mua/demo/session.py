"""One IMAP connection: reading commands, writing responses, and what this client has been told of its folder.

Theory of operation: ``told`` maps each UID the client knows, in order, to the modseq it was told of; so a sequence
number is a position in it, and the news is the difference between ``told`` and the folder, worked out when the client
may hear it (after a command, or in IDLE).  There is no queue of events that could disagree with the folder.

Rule of the file: no command lives here (see ``imap_folders.py`` and ``imap_messages.py``); the faults that a test asked
for are committed here and in ``imap.py``, nowhere else.
"""

import asyncio
import hmac
from dataclasses import dataclass, field

from mua.demo.fetch import flag_list
from mua.demo.mailbox import Folder, Mailbox, Message
from mua.demo.syntax import LITERAL, Bad, Token, compact, members, tokens

LINE_LIMIT = 1 << 18
COMMAND_LIMIT = 64 << 20
STRANGER_LIMIT = 8 << 10  # octets of a command before login
FLUSH_AT = 1 << 16

CAPABILITIES = (
    *("IMAP4rev1", "LITERAL+", "SASL-IR", "AUTH=PLAIN", "ID", "ENABLE", "NAMESPACE", "IDLE", "CHILDREN", "UNSELECT"),
    *("UIDPLUS", "MOVE", "ESEARCH", "LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE", "CREATE-SPECIAL-USE"),
    *("CONDSTORE", "QRESYNC", "STATUS=SIZE", f"APPENDLIMIT={COMMAND_LIMIT}"),
)


@dataclass(slots=True)
class Faults:
    """What goes wrong on purpose; a test may change it while the server runs.

    Commands are named in capitals, UID commands as ``UID FETCH``.  ``drop_after``: octets sent on one connection.
    """

    without: set[str] = field(default_factory=set)  # capabilities taken away
    refuse: dict[str, str] = field(default_factory=dict)  # command -> text of the NO
    drop_on: set[str] = field(default_factory=set)  # cut when the command has come, before doing it
    drop_before_ok: set[str] = field(default_factory=set)  # cut when it is done, before saying so
    drop_after: int | None = None
    delay: float = 0.0  # seconds before each flush
    files_sent: bool = False  # the submission server puts a copy into the folder for sent mail by itself


@dataclass(frozen=True, slots=True)
class Login:
    """Who may come in."""

    user: str
    password: str = field(repr=False)

    def admits(self, user: str, password: str) -> bool:
        """Both are right; compared in constant time."""
        right = hmac.compare_digest(user.encode(), self.user.encode())
        return hmac.compare_digest(password.encode(), self.password.encode()) and right


class Gone(Exception):
    """The connection ends now; the text, if any, is said in a BYE."""


class Session:
    """The state of one connection."""

    def __init__(
        self,
        mailbox: Mailbox,
        login: Login,
        faults: Faults,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.mailbox = mailbox
        self.login = login
        self.faults = faults
        self.reader = reader
        self.wake = asyncio.Event()
        self.tag = "*"
        self.authenticated = False
        self.condstore = False
        self.qresync = False
        self.folder: Folder | None = None
        self.read_only = False
        self.told: dict[int, int] = {}
        self._seen_version = -1
        self._writer = writer
        self._out = bytearray()
        self._sent = 0

    @property
    def capabilities(self) -> list[str]:
        """What this server can, without what the faults take away."""
        return [word for word in CAPABILITIES if word not in self.faults.without]

    def can(self, capability: str) -> bool:
        """The capability was not taken away."""
        return capability not in self.faults.without

    # Reading and writing

    async def command(self) -> tuple[str, list[Token]]:
        """The next command: its tag and tokens.  Raises Gone at the end of the stream, Bad with ``tag`` in front."""
        line = await self._line()
        whole = bytearray(line)
        while literal := LITERAL.search(line):
            size = int(literal[1])
            if len(whole) + size > (COMMAND_LIMIT if self.authenticated else STRANGER_LIMIT):
                raise Gone("Too much")
            if not literal[2]:
                self.write(b"+ OK\r\n")
                await self.flush()
            whole += await self._exactly(size)
            line = await self._line()
            whole += line
        tag, _, rest = bytes(whole).partition(b" ")
        name = tag.decode("ascii", "replace").strip() or "*"
        try:
            return name, tokens(rest)
        except Bad as error:
            return name, ["BAD", str(error)]

    async def line(self) -> bytes:
        """One line that is not a command (an answer to ``+``), without its end."""
        return (await self._line()).rstrip(b"\r\n")

    def write(self, data: bytes) -> None:
        """Say something at the next flush."""
        self._out += data

    def untagged(self, line: str) -> None:
        """Say one untagged line at the next flush."""
        self.write(b"* " + line.encode("utf-8") + b"\r\n")

    async def flush(self, at: int = 0) -> None:
        """Send what was written, if it is more than ``at`` octets.  Raises Gone when a fault cuts here."""
        if len(self._out) <= at:
            return
        if self.faults.delay:
            await asyncio.sleep(self.faults.delay)
        data, self._out = bytes(self._out), bytearray()
        limit = self.faults.drop_after
        if limit is not None and self._sent + len(data) > limit:
            self._writer.write(data[: max(0, limit - self._sent)])
            await self._writer.drain()
            raise Gone
        self._sent += len(data)
        self._writer.write(data)
        await self._writer.drain()

    async def _line(self) -> bytes:
        try:
            line = await self.reader.readline()
        except ValueError as error:
            raise Gone("Line too long") from error
        if not line.endswith(b"\n"):
            raise Gone
        return line

    async def _exactly(self, size: int) -> bytes:
        try:
            return await self.reader.readexactly(size)
        except asyncio.IncompleteReadError as error:
            raise Gone from error

    # The selected folder

    def enter(self, folder: Folder, read_only: bool) -> None:
        """Select a folder."""
        self.leave()
        self.folder, self.read_only = folder, read_only
        self.told = {uid: message.modseq for uid, message in folder.messages.items()}
        self._seen_version = folder.version
        folder.listeners.add(self.wake.set)

    def leave(self) -> None:
        """Unselect."""
        if self.folder:
            self.folder.listeners.discard(self.wake.set)
        self.folder, self.told = None, {}

    @property
    def selected(self) -> Folder:
        """The selected folder.  Raises Bad."""
        if self.folder is None:
            raise Bad("Select a folder first")
        return self.folder

    def chosen(self, numbers: str, by_uid: bool) -> list[tuple[int, Message]]:
        """The messages of a set as (sequence number, message); expunged ones are passed over.  Raises Bad."""
        known = list(self.told)
        if by_uid:
            wanted = set(members(numbers, known))
            pairs = [(place, uid) for place, uid in enumerate(known, 1) if uid in wanted]
        else:
            pairs = [(place, known[place - 1]) for place in members(numbers, range(1, len(known) + 1))]
        messages = self.selected.messages
        return [(place, messages[uid]) for place, uid in pairs if uid in messages]

    def tell(self, sequence: int, message: Message, with_uid: bool) -> None:
        """Say the flags of a message, and remember that they were said."""
        values = b"UID %d " % message.uid if with_uid or self.qresync else b""
        values += b"FLAGS " + flag_list(message.flags)
        if self.condstore:
            values += b" MODSEQ (%d)" % message.modseq
        self.told[message.uid] = message.modseq
        self.write(b"* %d FETCH (%s)\r\n" % (sequence, values))

    def news(self, may_expunge: bool = True) -> None:
        """Say what changed in the folder since the client was last told.  Raises Gone when the folder is no more."""
        folder = self.folder
        if folder is None or folder.version == self._seen_version:
            return
        if folder.gone:
            raise Gone("The selected folder was deleted")
        if may_expunge:
            self._tell_expunged([uid for uid in self.told if uid not in folder.messages])
            self._seen_version = folder.version
        new = [uid for uid in folder.messages if uid not in self.told]
        if new:
            self.told.update((uid, folder.messages[uid].modseq) for uid in new)
            self.untagged(f"{len(self.told)} EXISTS")
        for sequence, (uid, modseq) in enumerate(list(self.told.items()), 1):
            message = folder.messages.get(uid)
            if message and message.modseq > modseq:
                self.tell(sequence, message, with_uid=False)

    def _tell_expunged(self, uids: list[int]) -> None:
        if not uids:
            return
        if self.qresync:
            self.untagged(f"VANISHED {compact(uids)}")
        else:
            gone = set(uids)
            places = [place for place, uid in enumerate(self.told, 1) if uid in gone]
            for place in reversed(places):
                self.untagged(f"{place} EXPUNGE")
        for uid in uids:
            del self.told[uid]
