"""What the window reads from a profile: the store, cached message views, raw messages and their parts.

Rules of the file: read-only; opened late (a profile may be empty, or at another schema version); heavy imports (the
sanitiser, the decompressor) happen at first use, after the first paint.
"""

import json
from contextlib import closing
from typing import TYPE_CHECKING

from mua.errors import MailError
from mua.model.message import Attachment, MessageId, MessageView
from mua.paths import Profile
from mua.store import db as store
from mua.store import read

if TYPE_CHECKING:
    from mua.store.blobs import Bodies

_READY = 4  # views that were read ahead


class Library:
    """The readable side of one profile."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.db: store.Db | None = None
        self.problem: MailError | None = None
        self._bodies: Bodies | None = None
        self._ready: dict[MessageId, MessageView] = {}
        self.open()

    def open(self) -> bool:
        """Open the store if it is there and of our version; else ``problem`` says why not."""
        if self.db is None:
            try:
                self.db = store.open_reader(self.profile)
                self.problem = None
            except MailError as error:
                self.problem = error
        return self.db is not None

    def close(self) -> None:
        """Close everything; it can be opened again."""
        for one in (self.db, self._bodies):
            if one is not None:
                one.close()
        self.db = self._bodies = None

    def view(self, message_id: MessageId) -> MessageView | None:
        """The cached view, or None when the engine has to make it first."""
        ready = self._ready.pop(message_id, None)
        return self._read_view(message_id) if ready is None else ready

    def beginning(self, message_id: MessageId) -> MessageView | None:
        """The view of a message's beginning, while the engine has not made that of the whole."""
        from mua.wire import VIEW_VERSION

        return None if self.db is None else _made(read.beginning_json(self.db, message_id, VIEW_VERSION))

    def text(self, message_id: MessageId) -> str | None:
        """The text of a message, for searching in it; None where it is not here.  Slow: for a worker's thread."""
        with closing(store.open_reader(self.profile, store.THREAD_CACHE)) as db:  # a connection is for one thread
            view = _view(db, message_id)
        if view is not None:
            return view.text
        from mua.mime.message import parse
        from mua.mime.text import light_text

        raw = self.raw(message_id)
        return None if raw is None else parse(raw, light_text).text

    def make_ready(self, message_id: MessageId) -> MessageView | None:
        """Read a view ahead, for the next who asks for it; None when the engine has to make it first."""
        found = self._ready.get(message_id) or self._read_view(message_id)
        if found is not None:
            self._ready[message_id] = found
            while len(self._ready) > _READY:
                del self._ready[next(iter(self._ready))]
        return found

    def forget_ready(self) -> None:
        """Something changed: what was read ahead may be old."""
        self._ready.clear()

    def _read_view(self, message_id: MessageId) -> MessageView | None:
        return None if self.db is None else _view(self.db, message_id)

    def raw(self, message_id: MessageId) -> bytes | None:
        """The message as received, if it is here."""
        from mua.store.blobs import Bodies

        if self._bodies is None:
            if not self.profile.body_db.exists():
                return None
            self._bodies = Bodies(self.profile, readonly=True)
        return self._bodies.get(message_id)

    def has_picture(self, url: str) -> bool:
        """Whether a picture from elsewhere was fetched."""
        from mua.mime.remote import image_name

        return (self.profile.pictures / image_name(url)).exists()

    def picture(self, name: str) -> bytes | None:
        """A picture from elsewhere by the name that ``mime.remote`` made of its address, if it was fetched."""
        if len(name) != 32 or not name.isalnum():
            return None
        try:
            return (self.profile.pictures / name).read_bytes()
        except OSError:
            return None

    def part(self, message_id: MessageId, section: str) -> tuple[Attachment, bytes] | None:
        """An attachment and its decoded bytes, or None when they are not here."""
        from mua.mime.message import part_bytes

        raw = self.raw(message_id)
        try:
            return None if raw is None else part_bytes(raw, section)
        except KeyError:
            return None


def _view(db: store.Db, message_id: MessageId) -> MessageView | None:
    from mua.wire import VIEW_VERSION

    return _made(read.view_json(db, message_id, VIEW_VERSION))


def _made(text: str | None) -> MessageView | None:
    from mua.jsonable import from_json

    return None if text is None else from_json(MessageView, json.loads(text))
