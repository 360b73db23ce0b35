"""Pictures of mail that lie elsewhere, fetched because a person asked for those of this one message.

Rules of the file: nobody calls this but the command; addresses come from the view that was made here, never from a
client; nothing that watches is among them (``mime.remote``).  Each is bounded in size and time, and all together are;
what came is a picture by its own octets, or it is not kept.

Theory of operation.  A picture is a file, named after its address (``mime.remote.image_name``), written whole and then
renamed.  The window reads it and serves it to the page, which has no network.  One that is here is not asked for again,
so that its sender sees one look and not each; after ``KEPT`` it is forgotten.
"""

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

from mua import wire
from mua.engine.context import Context
from mua.errors import MailError
from mua.log import ENGINE
from mua.mime.remote import image_name, media_type
from mua.model.message import MessageId
from mua.net import https
from mua.net.proxy import UNREACHABLE
from mua.paths import Profile
from mua.plan.proxy import Proxy

MAX_PICTURE = 5 << 20  # octets
MAX_ALL = 30 << 20  # of one message
ONE_SECONDS = 12.0
ALL_SECONDS = 45.0
AT_ONCE = 6
KEPT = 30 * 24 * 3600  # seconds
MAX_CACHE = 300 << 20  # octets

Fetch = Callable[[str, float], bytes]


def load(
    context: Context, message_id: MessageId, fetch: Fetch | None = None, proxy: Proxy | None = None
) -> wire.PicturesLoaded:
    """Fetch the pictures of a message that are not here, through ``proxy`` or by this computer's own network.

    Raises MailError "no-body" like ``reading.make_view``, and ``net.proxy.UNREACHABLE``.
    """
    folder = context.store.profile.pictures
    folder.mkdir(mode=0o700, exist_ok=True)
    from mua.engine.reading import view_of

    wanted = dict.fromkeys(view_of(context, message_id).images)
    missing = [url for url in wanted if not (folder / image_name(url)).exists()]
    round_ = _Round(folder, fetch or partial(fetched, proxy=proxy))
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pictures") as workers:
        got = sum(workers.map(round_.one, missing))
    if not got and round_.problem is not None:
        raise round_.problem
    ENGINE.info("%d of %d pictures of a message were fetched", got, len(missing))
    return wire.PicturesLoaded(len(wanted) - len(missing) + got, len(missing) - got)


class _Round:
    """The pictures of one message: what is left for them of time and room."""

    def __init__(self, folder: Path, fetch: Fetch) -> None:
        self._folder, self._fetch = folder, fetch
        self._end = time.monotonic() + ALL_SECONDS
        self._room = MAX_ALL
        self._lock = Lock()
        self.problem: MailError | None = None
        """The proxy is not there: then nothing can be had."""

    def one(self, url: str) -> bool:
        """Fetch one; whether it is here now."""
        left = self._end - time.monotonic()
        if left <= 0 or self._room <= 0:
            return False
        try:
            data = self._fetch(url, min(left, ONE_SECONDS))
        except MailError as error:
            ENGINE.info("a picture was not fetched (%s)", error.code)
            if error.code == UNREACHABLE:
                self.problem, self._end = error, 0.0
            return False
        with self._lock:
            self._room -= len(data)
            if self._room < 0:
                return False
        if not media_type(data):
            ENGINE.info("a picture was none (%d octets)", len(data))
            return False
        return _kept(self._folder, image_name(url), data)


def _kept(folder: Path, name: str, data: bytes) -> bool:
    part = folder / f"{name}.part"
    try:
        part.write_bytes(data)
        part.replace(folder / name)
    except OSError as error:
        ENGINE.info("a picture was not kept: %s", error.strerror)
        part.unlink(missing_ok=True)
        return False
    return True


def fetched(
    url: str, seconds: float, *, ca_file: str = "", allow_private: bool = False, proxy: Proxy | None = None
) -> bytes:
    """The octets of a picture: asked for over https, and unprotected only where its address says so and https fails.

    Raises MailError (see ``net.https.fetch``).
    """
    end = time.monotonic() + seconds

    def get(at: str, patience: float) -> bytes:
        return https.fetch(
            at, max_bytes=MAX_PICTURE, timeout=patience, ca_file=ca_file, allow_private=allow_private,
            asking=replace(https.PICTURE, proxy=proxy),
        )  # fmt: skip

    parts = urlsplit(url)
    if parts.scheme == "http" and parts.port is None:
        try:
            return get(parts._replace(scheme="https").geturl(), seconds / 2)
        except MailError as error:
            if error.code in ("private-address", UNREACHABLE):
                raise
    return get(url, max(0.1, end - time.monotonic()))


def forget(profile: Profile, now: float) -> int:
    """Delete pictures that were fetched long ago, and the oldest where they are too many; returns how many."""
    found = []
    for path in profile.pictures.glob("*"):
        with contextlib.suppress(FileNotFoundError):  # fetched just now, its ``.part`` has another name
            state = path.stat()
            found.append((state.st_mtime, state.st_size, path))
    room, gone = MAX_CACHE, 0
    for when, size, path in sorted(found, reverse=True):
        room -= size
        if now - when > KEPT or room < 0 or (path.suffix == ".part" and now - when > ALL_SECONDS):
            path.unlink(missing_ok=True)
            gone += 1
    return gone
