"""Raw messages turned into rows and into what readers show, and drafts turned into raw messages.

Rule of the file: a message is parsed once, and before a transaction begins (``Whole``): the lock is not held meanwhile.
"""

import errno
import json
import os
import stat
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from mua import wire
from mua.engine.context import Context
from mua.engine.viewer import begun, shown
from mua.errors import Kind, MailError, Retry
from mua.jsonable import from_json
from mua.mime import build
from mua.mime.message import Gist, Parsed, gist, gist_of, parse, part_bytes, snippet
from mua.mime.pieces import Content, Pieces, skim
from mua.mime.text import light_text
from mua.model.account import AccountId
from mua.model.folder import FolderId
from mua.model.message import Flag, MessageId, MessageView
from mua.model.outgoing import Draft, DraftAttachment
from mua.store import read, write
from mua.store.blobs import BIG
from mua.store.db import Tx
from mua.store.write import NO_FLAGS, BodyFacts

SMALL = 1 << 20  # octets of an attachment that is read at once
MAX_ATTACHMENTS = 4 << 30
_TOO_LARGE = "The attachments are larger together than 4 GB; no server takes that. Share the files another way."


def light_gist(raw: bytes) -> Gist:
    """The gist of a message, as a process makes it that has to stay small."""
    return gist(raw, light_text)


def facts(message_id: MessageId, place: int, raw: bytes, told: Gist | None = None) -> BodyFacts:
    """What a list shows of a body that has just arrived."""
    told = told or light_gist(raw)
    return BodyFacts(message_id, place, snippet(told.text), told.attached, len(raw), told.reports)


class Whole:
    """A whole message that is about to have a row, parsed when it is made.  ``received`` is UTC seconds.

    A large one that lies in a file (``of_file``) is parsed from what ``mime.pieces.skim`` reads of it.
    """

    __slots__ = ("flags", "keywords", "parsed", "path", "raw", "received", "size")

    def __init__(
        self,
        raw: bytes,
        received: int,
        flags: Flag = NO_FLAGS,
        parsed: Parsed | None = None,
        keywords: tuple[str, ...] = (),
    ) -> None:
        self.raw = raw
        self.size = len(raw)
        self.path: Path | None = None
        self.received = received
        self.flags = flags
        self.keywords = keywords
        self.parsed = parsed or parse(raw, light_text)

    @classmethod
    def of_file(cls, path: Path, received: int, flags: Flag = NO_FLAGS) -> "Whole":
        """The message in a durable file that will not change; a large one is not copied.  OSError: it is not there."""
        size = path.stat().st_size
        with path.open("rb") as file:
            whole = cls(skim(file), received, flags)
        if size > BIG:
            whole.size, whole.path = size, path
        return whole


def file_whole(
    context: Context, tx: Tx, account_id: AccountId, folder_id: FolderId, items: Sequence[Whole], *, append: bool
) -> list[MessageId]:
    """Add whole messages to a folder, bytes first; ``append``: they are to be put on the server too."""
    news = [
        write.NewMessage(one.parsed.envelope, one.received, one.size, None, one.flags, one.keywords, append)
        for one in items
    ]
    ids = write.add_messages(tx, account_id, folder_id, news)
    stored = list(zip(ids, items, strict=True))
    places = context.bodies.put([(key, one.raw) for key, one in stored if one.path is None], durable=True)
    places |= {key: context.bodies.link(key, one.path) for key, one in stored if one.path is not None}
    found = [facts(key, places[key], one.raw, gist_of(one.parsed)) for key, one in stored]
    write.set_bodies(tx, [replace(told, size=one.size) for told, one in zip(found, items, strict=True)])
    return ids


def make_view(context: Context, message_id: MessageId, beginning: bool = False) -> None:
    """Cache the MessageView of a message whose bytes are here; ``beginning``: of its beginning, where that is quicker.

    Raises MailError "no-body" when they are not; the body is then wanted again, and the worker fetches it.
    """
    raw = context.bodies.get(message_id)
    if raw is None:
        with context.store.write() as tx:
            write.lost_body(tx, message_id)
        text = "This message is not on this computer yet; it is shown as soon as the server can be reached."
        raise MailError(Kind.MESSAGE, Retry.SOON, text, code="no-body")
    if beginning and (told := begun(raw)):
        with context.store.write() as tx:
            write.begin_view(tx, message_id, wire.VIEW_VERSION, told)
        return
    made = shown(raw)
    with context.store.write() as tx:
        write.set_view(tx, message_id, wire.VIEW_VERSION, made)


def view_of(context: Context, message_id: MessageId) -> MessageView:
    """The MessageView of a message, made where there is none.  Raises MailError "no-body" like ``make_view``."""
    text = read.view_json(context.store.reader(), message_id, wire.VIEW_VERSION)
    if text is None:
        make_view(context, message_id)
        text = read.view_json(context.store.reader(), message_id, wire.VIEW_VERSION) or "{}"
    return from_json(MessageView, json.loads(text))


def draft_pieces(context: Context, draft: Draft, forwards: int | None = None, parts: tuple[str, ...] = ()) -> Pieces:
    """The RFC 5322 message of a draft, Bcc included; large attachments are read when the pieces are.

    Raises MailError "attachment-missing", "attachment-too-large" or "no-body".
    """
    files = [(one, _content(one)) for one in draft.attachments] + _forwarded(context, forwards, parts)
    if sum(one.size if isinstance(one, Content) else len(one) for _, one in files) > MAX_ATTACHMENTS:
        raise MailError(Kind.MESSAGE, Retry.ASK, _TOO_LARGE, code="attachment-too-large")
    message_id = build.new_message_id(draft.sender, os.urandom(16))
    offset = time.localtime().tm_gmtoff // 60
    return build.pieces(draft, files, now=context.now(), message_id=message_id, utc_offset_minutes=offset)


def _content(attachment: DraftAttachment) -> bytes | Content:
    """A small file as it is now, and where a large one is."""
    path = Path(attachment.path)
    try:
        with _opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            return file.read(SMALL) if size <= SMALL else content_of(path, size)
    except OSError as error:
        text = f"The attachment “{path.name}” cannot be read; it may have been moved. Attach it again."
        raise MailError(Kind.LOCAL, Retry.ASK, text, str(error), "attachment-missing") from error


def content_of(path: Path, size: int) -> Content:
    """What is in a file, which is no link."""
    return Content(partial(_opened, path), size)


def _opened(path: Path) -> BinaryIO:
    """A file that is still one.

    OSError: a link that took its place meanwhile might lead to what nobody chose, a pipe or a device would never end.
    """
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a file")
    return file


def _forwarded(
    context: Context, forwards: int | None, parts: tuple[str, ...]
) -> list[tuple[DraftAttachment, bytes | Content]]:
    if forwards is None or not parts:
        return []
    raw = context.bodies.get(forwards)
    if raw is None:
        text = "The attachments of the forwarded message are not on this computer yet; open it first, then send again."
        raise MailError(Kind.MESSAGE, Retry.SOON, text, code="no-body")
    found = [part_bytes(raw, section) for section in parts]
    return [(DraftAttachment("", attached.name, attached.type), data) for attached, data in found]
