"""IMAP4rev1 and rev2 (RFC 3501, RFC 9051) as one connection that the engine's workers own: ``ImapConnection``.

What lives where: ``imap_wire`` the buffer and its limits (``imap_deflate`` below it), ``imap_tokens`` the grammar,
``imap_dialogue`` single commands, ``imap_session`` opening with ``imap_login`` logging in, ``imap_watch`` waiting for
news, ``imap_refusal`` what a NO means, ``imap_fetch`` the fetch stream, ``imap_answers`` the data that comes back,
``imap_reading`` the commands that read messages; here those about the server and folders, and those that change
messages.  imapclient is used in these files and nowhere else.

Rules of the file: UIDs only, never sequence numbers; sets are compressed and cut to command size; sections are peeked;
EXPUNGE is never sent without UIDs (other clients' deletions are theirs).  Extensions are used when offered: CONDSTORE
and QRESYNC (RFC 7162), UIDPLUS (4315), MOVE (6851), LIST-EXTENDED and LIST-STATUS (5258, 5819), STATUS=SIZE (8438),
SPECIAL-USE (6154), ESEARCH (4731), IDLE (2177), NOTIFY (5465), COMPRESS (4978), UTF8=ACCEPT (6855), APPENDLIMIT (7889),
ID (2971), NAMESPACE (2342), QUOTA (9208), OBJECTID (8474), X-GM-EXT-1 (its X-GM-MSGID and X-GM-THRID), PREVIEW (8970),
LITERAL+/- (7888), SASL-IR (4959).  Why others are not: docs/decisions/0030.
"""

import contextlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from mua import __version__
from mua.errors import Kind, MailError, Retry
from mua.model.account import Server
from mua.model.folder import FolderState, Space
from mua.model.quota import Quota
from mua.net.imap_answers import (
    ListedFolder,
    Namespace,
    Placed,
    Selected,
    copied,
    date_time,
    folder_state,
    mailbox_id,
    namespace_of,
    namespaces,
    quota_limits,
    selected_from,
    status_values,
    with_state,
)
from mua.net.imap_dialogue import Part, Result
from mua.net.imap_login import Keys
from mua.net.imap_reading import Reading, sets_of
from mua.net.imap_tokens import (
    BadSyntax,
    Literal,
    Status,
    argument,
    decode_name,
    encode_name,
    expanded,
    quoted,
    ranges,
    spelt_out,
    text,
)
from mua.net.imap_wire import Limits, spool

MAX_FOLDERS = 20_000
_UNSAYABLE = set(b"\0\r\n")
MAX_NAME = 1_000  # octets of a mailbox name
_PIECE = 1 << 18


class ImapConnection(Reading):
    """A logged-in connection, owned by one thread.  Failures are MailErrors (see ``Session``).

    ``names`` maps folder names that modified UTF-7 cannot lead back to the server's own bytes, ``spaces`` are the
    namespaces that one connection was told (``identify``); share both between the connections of an account.
    ``token``, ``certificate`` and ``before`` are as in ``Keys``.  ``adopt`` is given the connection as soon as it has a
    socket, before it logs in, so that another thread can interrupt that too.
    """

    def __init__(
        self,
        server: Server,
        password: Callable[[], str],
        ca_file: str = "",
        timeout: float = 60.0,
        *,
        allow_plaintext: bool = False,
        limits: Limits | None = None,
        names: dict[str, bytes] | None = None,
        spaces: list[Namespace] | None = None,
        token: Callable[[], str] | None = None,
        certificate: str = "",
        before: str = "",
        adopt: Callable[["ImapConnection"], None] | None = None,
    ) -> None:
        self._adopt = adopt
        self.names: dict[str, bytes] = {} if names is None else names
        self.spaces: list[Namespace] = [] if spaces is None else spaces
        self.told = FolderState()  # by the last SELECT
        self._limits: dict[str, int | None] = {}  # by folder, where the server has one for each
        keys = Keys(password, token, certificate, before)
        super().__init__(server, keys, ca_file, timeout, allow_plaintext=allow_plaintext, limits=limits)

    def connect_socket(self) -> Any:
        """As ``Session``'s, for whoever adopts the connection."""
        sock = super().connect_socket()
        if self._adopt is not None:
            self._adopt(self)
        return sock

    # -- the server

    def identify(self) -> dict[str, str]:
        """Tell our name and version, nothing else; returns the server's (RFC 2971).

        The namespaces (RFC 2342) are asked for in the same round trip.
        """
        ours = b"ID (" + b" ".join(map(quoted, ("name", "Mua", "version", __version__))) + b")"
        asked = [ours] * self.can("ID") + [b"NAMESPACE"] * self.can("NAMESPACE")
        if not asked:
            return {}
        answer = self.command(asked[-1], answers={b"ID", b"NAMESPACE"}, before=asked[0] if len(asked) > 1 else "")
        self._learn_spaces(answer)
        told = [one.values[0] for one in answer.untagged if one.kind == b"ID" and one.values]
        pairs = (told or [None])[0] or []
        words = [text(value)[:200] for value in pairs[:60]] if isinstance(pairs, list) else []
        self.server_id = dict(zip(words[::2], words[1::2], strict=False))
        return self.server_id

    def _learn_spaces(self, answer: Result) -> None:
        for one in answer.untagged:
            if one.kind == b"NAMESPACE":
                self.spaces[:] = namespaces(one.values, self.utf8)

    def namespace(self) -> tuple[str, str]:
        """(prefix, delimiter) of the personal namespace (RFC 2342); ("", "") when not told."""
        if not self.spaces and self.can("NAMESPACE"):
            self._learn_spaces(self.command("NAMESPACE", answers={b"NAMESPACE"}))
        return next(((one.prefix, one.delimiter) for one in self.spaces if not one.space), ("", ""))

    def quota(self) -> list[Quota]:
        """The limits that apply to the inbox (GETQUOTAROOT, RFC 9208 s.4.2); none where the server has none."""
        if not self.can("QUOTA"):
            return []
        answers = {b"QUOTA", b"QUOTAROOT"}
        answer = self.command("GETQUOTAROOT", self._mailbox("INBOX"), answers=answers)
        answer.untagged = [one for one in answer.untagged if one.kind == b"QUOTA"]
        return quota_limits(answer)

    # -- folders

    def list_folders(self) -> list[ListedFolder]:
        """Every mailbox of every namespace, with STATUS in the same round trip where the server can (LIST-STATUS).

        The selected mailbox is left on the way: what STATUS says of it may be what this connection knows already, and
        no more (RFC 3501 s.6.3.10; Dovecot does so).
        """
        before = "" if not self.selected else "UNSELECT" if self.can("UNSELECT") else "NOOP"
        if self.can("LIST-EXTENDED"):
            try:
                return self._list_extended(before)
            except MailError as error:
                if error.kind is not Kind.FOLDER:
                    raise
        found: dict[str, ListedFolder] = {}
        for place, pattern in enumerate([b'"*"', *self._elsewhere()]):
            for one in self._listed(self._list('""', pattern, before="" if place else before)):
                found.setdefault(one.name, one)
            if len(found) >= MAX_FOLDERS:
                break
        listed = list(found.values())[:MAX_FOLDERS]
        subscribed = {one.name for one in self._listed(self.command("LSUB", '""', '"*"', answers={b"LSUB"}))}
        return [replace(one, subscribed=one.name in subscribed or one.name == "INBOX") for one in listed]

    def _elsewhere(self) -> list[bytes]:
        """Patterns for the namespaces that are not the person's own, which ``*`` need not reach."""
        return [quoted(one.raw + b"*", utf8=self.utf8) for one in self.spaces if one.space and one.raw]

    def _list(self, *parts: Part, before: Part) -> Result:
        try:
            return self.command("LIST", *parts, answers={b"LIST", b"STATUS"}, before=before)
        finally:  # whatever becomes of the list
            if before == "UNSELECT":
                self._left()

    def folder_sizes(self) -> dict[str, int]:
        """Octets in each mailbox, by name, in one round trip (STATUS=SIZE, RFC 8438); empty where that cannot be asked.

        A server may have to look at every message for it, the first time.
        """
        if not self.can("STATUS=SIZE") or not self.can("LIST-STATUS"):
            return {}
        answer = self._list('""', '"*"', "RETURN", "(STATUS (SIZE))", before="")
        found: dict[str, int] = {}
        for one in answer.untagged[: 2 * MAX_FOLDERS]:
            with contextlib.suppress(LookupError, TypeError, ValueError):
                if one.kind == b"STATUS" and "SIZE" in (told := status_values(one.values[1])):
                    found[self._readable(one.values[0])] = min(told["SIZE"], 1 << 62)
        return found

    def _list_extended(self, before: Part) -> list[ListedFolder]:
        options = ["SUBSCRIBED"]
        if self.can("SPECIAL-USE"):
            options.append("SPECIAL-USE")
        if self.can("LIST-STATUS"):
            options.append(f"STATUS ({self._status_items()})")
        patterns = [b'"*"', *self._elsewhere()]
        chosen = patterns[0] if len(patterns) == 1 else b"(" + b" ".join(patterns) + b")"
        answer = self._list('""', chosen, "RETURN", f"({' '.join(options)})", before=before)
        return self._listed(answer, extended=True)

    def _status_items(self) -> str:
        more = " HIGHESTMODSEQ" * self.can("CONDSTORE") + " MAILBOXID" * self.can("OBJECTID")
        return f"MESSAGES UIDNEXT UIDVALIDITY UNSEEN{more}"

    def _listed(self, answer: Result, extended: bool = False) -> list[ListedFolder]:
        """LIST and STATUS answers by name; what is malformed, nameless or too much is left out."""
        found: dict[str, ListedFolder] = {}
        states: dict[str, dict[str, int]] = {}
        object_ids: dict[str, str] = {}
        for one in answer.untagged[: 2 * MAX_FOLDERS]:
            try:
                if one.kind == b"STATUS":
                    told = self._readable(one.values[0])
                    states[told], object_ids[told] = status_values(one.values[1]), mailbox_id(one.values[1])
                    continue
                name = self._readable(one.values[2])
                attributes = frozenset(text(value).lower() for value in one.values[0])
                delimiter = text(one.values[1]) if one.values[1] is not None else ""
                subscribed = not extended or "\\subscribed" in attributes or name == "INBOX"
                space = namespace_of(name, self.spaces)
                whose = (Space.OWN, "") if space is None else (space.space, space.prefix)
                found[name] = ListedFolder(name, delimiter, attributes, subscribed, None, 0, *whose)
            except (LookupError, TypeError, ValueError):
                continue
        named = [replace(one, object_id=object_ids.get(one.name, "")) for one in found.values()]
        return [with_state(one, states.get(one.name)) for one in named][:MAX_FOLDERS]

    def _readable(self, raw: Any) -> str:
        """The name to show and to store; raises ValueError for what cannot be a name."""
        if isinstance(raw, int):
            raw = b"%d" % raw
        if raw is None:
            raw = b"NIL"
        if not isinstance(raw, bytes) or not 0 < len(raw) <= MAX_NAME:
            raise BadSyntax("not a mailbox name")
        if raw.upper() == b"INBOX":
            return "INBOX"
        name = decode_name(raw, utf8=self.utf8)
        if name is None:
            if set(raw) & _UNSAYABLE:
                raise BadSyntax("a mailbox name that cannot be asked for")
            name = spelt_out(raw)
            self.names[name] = raw
        return name

    def _mailbox(self, name: str) -> bytes:
        raw = self.names.get(name) or (argument(name) if self.utf8 else encode_name(name))
        return quoted(raw, utf8=self.utf8)

    def status(self, name: str) -> FolderState:
        """STATUS of a mailbox that is not selected."""
        answer = self.command(
            "STATUS", self._mailbox(name), f"({self._status_items()})", answers={b"STATUS"}, folder=name
        )
        try:
            told = [one for one in answer.untagged if self._readable(one.values[0]) == name]  # NOTIFY tells of others
            return folder_state(status_values((told or answer.untagged)[-1].values[1]))
        except (LookupError, TypeError, ValueError) as error:
            raise self.wire.broken(f"bad STATUS: {error}") from error

    def create_folder(self, name: str) -> None:
        """CREATE and SUBSCRIBE; a mailbox that is there already is fine."""
        try:
            with self._library("CREATE", name):
                self._client.create_folder(self._library_name(name))
        except MailError as error:
            if error.code != "already-exists":
                raise
        self.subscribe(name)

    def subscribe(self, name: str, wanted: bool = True) -> None:
        """SUBSCRIBE, or UNSUBSCRIBE."""
        with self._library("SUBSCRIBE" if wanted else "UNSUBSCRIBE", name):
            if wanted:
                self._client.subscribe_folder(self._library_name(name))
            else:
                self._client.unsubscribe_folder(self._library_name(name))

    def rename_folder(self, name: str, new_name: str) -> None:
        """RENAME; the subscription moves along."""
        with self._library("RENAME", name):
            self._client.rename_folder(self._library_name(name), self._library_name(new_name))
        self.subscribe(new_name)

    def delete_folder(self, name: str) -> None:
        """DELETE; the caller made sure that it is empty or unwanted."""
        with self._library("DELETE", name):
            self._client.delete_folder(self._library_name(name))

    def _library_name(self, name: str) -> str:
        """Imapclient encodes names itself; only an unreadable one is beyond it."""
        if name in self.names:
            text = f'The folder "{name}" has a name that this server encodes wrongly; rename it there first.'
            raise MailError(Kind.FOLDER, Retry.ASK, text, code="bad-name")
        argument(name)
        return name

    def select(self, name: str, known: FolderState | None = None, *, readonly: bool = False) -> Selected:
        """SELECT (or EXAMINE), with QRESYNC from ``known`` where both sides can.

        Raises MailError of kind FOLDER, code "folder-gone" when the server does not have it.
        """
        resync = known is not None and known.uidvalidity > 0 and known.highestmodseq > 0 and "QRESYNC" in self.enabled
        options: list[Part] = []
        if resync and known is not None:
            options = [f"(QRESYNC ({known.uidvalidity} {known.highestmodseq}))"]
        elif self.can("CONDSTORE"):
            options = ["(CONDSTORE)"]
        self.selected = ""
        self._client._imap.state = "AUTH"
        wanted = {b"OK", b"EXISTS", b"VANISHED", b"FETCH"}
        verb = "EXAMINE" if readonly else "SELECT"
        answer = self.command(verb, self._mailbox(name), *options, answers=wanted, folder=name)
        self._client._imap.state = "SELECTED"
        self._client._imap.is_readonly = True  # imaplib must not object to READ-ONLY: we do, where it matters
        self.selected = name
        self.news.clear()
        found = selected_from(name, answer, resync)
        self.told = found.state
        return found

    def unselect(self) -> None:
        """Leave the mailbox without expunging anything (RFC 3691); without UNSELECT just stay."""
        if self.selected and self.can("UNSELECT"):
            self.command("UNSELECT")
            self._left()

    def _left(self) -> None:
        """No mailbox is selected any more."""
        self.selected = ""
        self._client._imap.state = "AUTH"
        self.news.clear()

    # -- changing messages

    def store_flags(self, uids: Iterable[int], add: Collection[str] = (), remove: Collection[str] = ()) -> None:
        """Set and clear flags (``\\Seen``, keywords), silently."""
        for chunk in sets_of(uids, 1000):
            for sign, names in (("+", add), ("-", remove)):
                if names:
                    self.command(
                        "UID STORE", chunk, f"{sign}FLAGS.SILENT", f"({' '.join(names)})", folder=self.selected
                    )

    def move(self, uids: Collection[int], folder: str) -> Placed | None:
        """Move messages of the selected mailbox; None when the server does not tell where they came to lie.

        MOVE; else COPY, mark as deleted, UID EXPUNGE; without UIDPLUS they stay behind, marked as deleted.
        """
        placed: Placed | None = None
        for chunk in sets_of(uids, 1000):
            if self.can("MOVE"):
                answer = self.command(
                    "UID MOVE", chunk, self._mailbox(folder), answers={b"OK", b"EXPUNGE"}, folder=folder
                )
            else:
                answer = self.command("UID COPY", chunk, self._mailbox(folder), answers={b"OK"}, folder=folder)
            placed = copied(answer, placed, set(uids))
            if not self.can("MOVE"):
                self.expunge(expanded(ranges(chunk), len(uids)))
        return placed

    def expunge(self, uids: Collection[int]) -> None:
        """Mark as deleted and remove exactly these (UIDPLUS); without UIDPLUS only mark them."""
        self.store_flags(uids, add=("\\Deleted",))
        if self.can("UIDPLUS"):
            for chunk in sets_of(uids, 1000):
                self.command("UID EXPUNGE", chunk, answers={b"EXPUNGE", b"VANISHED"}, folder=self.selected)

    def append(
        self, folder: str, message: bytes | Path, flags: Collection[str] = (), internaldate: int | None = None
    ) -> Placed | None:
        """Put a message into a mailbox, streamed from disk; None when the server does not tell its UID.

        A connection lost meanwhile leaves it unknown whether the server took it: search before trying again.  What is
        larger than the server says that it takes (APPENDLIMIT, RFC 7889) is refused here, before a byte of it is sent.
        """
        size = len(message) if isinstance(message, bytes) else _size(message)
        limit = self._append_limit(folder)
        if limit is not None and size > limit:
            raise _too_big(self.server.host, size, limit)
        parts: list[Part] = ["APPEND", self._mailbox(folder)]
        if flags:
            parts.append(f"({' '.join(flags)})")
        if internaldate is not None:
            parts.append(date_time(internaldate))
        if isinstance(message, bytes):
            answer = self._finish_append([*parts, Literal(message)], folder)
        else:
            answer = self._append_file(parts, message, size, folder)
        code = answer.code
        if answer.code_name == "APPENDUID" and len(code) == 3 and isinstance(code[2], int):
            return Placed(code[1], {0: code[2]})
        return None

    def _finish_append(self, parts: list[Part], folder: str) -> Status:
        return self.command(*parts, folder=folder).status

    def _append_limit(self, folder: str) -> int | None:
        """The octets that a message may have: for the whole server, or asked for once of each mailbox."""
        if self.can("APPENDLIMIT"):
            if folder not in self._limits:
                self._limits[folder] = self._ask_append_limit(folder)
            return self._limits[folder]
        named = next((one for one in self.capabilities if one.startswith("APPENDLIMIT=")), "")
        number = named.partition("=")[2]
        return int(number) if number.isdecimal() and len(number) < 20 else None

    def _ask_append_limit(self, folder: str) -> int | None:
        try:
            answer = self.command("STATUS", self._mailbox(folder), "(APPENDLIMIT)", answers={b"STATUS"})
            told = [status_values(one.values[1]) for one in answer.untagged]
        except MailError as error:
            if error.kind is not Kind.FOLDER:
                raise
            return None  # APPEND will say what is wrong
        except (LookupError, TypeError, ValueError) as error:
            raise self.wire.broken(f"bad STATUS: {error}") from error
        return next((one["APPENDLIMIT"] for one in told if "APPENDLIMIT" in one), None)

    def _append_file(self, parts: list[Part], path: Path, size: int, folder: str) -> Status:
        try:
            with path.open("rb") as file:
                tag = self.start_literal(parts, size)
                self._upload(file, size)
        except OSError as error:
            raise _unreadable(error) from error
        self.wire.send(b"\r\n", quiet=True)
        end = self.finish(tag, (), spool)
        if end.status.kind != b"OK":
            raise self.refusal(end.status, "APPEND", folder)
        return end.status

    def _upload(self, file: BinaryIO, size: int) -> None:
        """Send exactly ``size`` octets; a file that fails in the middle of a literal takes the connection with it."""
        try:
            while size:
                piece = file.read(min(_PIECE, size))
                if not piece:
                    raise OSError("the file shrank while it was sent")
                self.wire.send(piece, quiet=True)
                size -= len(piece)
        except OSError:
            self.abort()
            raise


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> MailError:
    text = "A message that should go to the server cannot be read from this computer's disk."
    return MailError(Kind.LOCAL, Retry.ASK, text, str(error), "file-missing")


def _too_big(host: str, size: int, limit: int) -> MailError:
    text = f"This message has {size / 1e6:.1f} MB, and {host} takes {limit / 1e6:.1f} MB at most; it stays here only."
    return MailError(Kind.FOLDER, Retry.NEVER, text, f"APPENDLIMIT {limit}", "too-big")
