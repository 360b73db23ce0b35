"""The files of outgoing messages: frozen, and signed where there are keys, before any row names them.

Rule of the file: what is written is on disk when it is done; what fails leaves no file, or one that ``sweep`` removes.
"""

import os
import secrets
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO

from mua.model.outgoing import (
    OutgoingId,
)
from mua.paths import Profile
from mua.store.blobs import BIG, file_errors, write_file
from mua.store.db import Db

if TYPE_CHECKING:
    from mua.mime.freeze import Frozen

PREFIX = "outgoing-"
PARTS = 256  # in which the files of a long queue are looked up
Signing = Callable[[bytes], Callable[[bytes], bytes] | None]
"""Given a header: None when it is not to be signed, else what makes the signed header of its body's hash."""


def wire_path(profile: Profile, name: str) -> Path:
    """Where the bytes of an outgoing message are."""
    return profile.big / name


def copy_path(db: Db, profile: Profile, outgoing_id: OutgoingId) -> Path | None:
    """Where the message with its Bcc is, while it is kept: until everyone has it."""
    found = db.value("SELECT copy_file FROM outgoing WHERE id = ?", outgoing_id)
    path = None if found is None else wire_path(profile, str(found))
    return path if path is not None and path.exists() else None


def write_frozen(profile: Profile, frozen: "Frozen", sign: Signing | None) -> tuple[int, bool, bytes, str, str]:
    """(octets, 8-bit, digest, the file that goes out, the one to be filed), durably; none is left when one fails."""
    from mua.mime.pieces import blocks

    return write(profile, frozen.head, frozen.full_head, blocks(frozen.rest), sign)


def write(
    profile: Profile, head: bytes, full_head: bytes, rest: Iterable[bytes], sign: Signing | None
) -> tuple[int, bool, bytes, str, str]:
    """The same for a header, the one of our own copy, and what is behind both."""
    finish = sign(head) if sign is not None else None
    if finish is None:
        return _write_whole(profile, head, full_head, rest)
    with file_errors(), tempfile.TemporaryFile(dir=profile.big) as held:  # what is signed is what is sent: the files
        signed = finish(_body_hash(rest, held))  # that a person attached may change between two looks at them
        held.seek(0)
        return _write_whole(
            profile, signed, signed if full_head == head else full_head, iter(partial(held.read, BIG), b"")
        )


def _body_hash(rest: Iterable[bytes], held: IO[bytes]) -> bytes:
    """The hash of a body, of which ``rest`` is everything behind the header; it is in ``held`` then."""
    from mua.mime.dkim import BodyHash

    body, skip = BodyHash(), 2  # the line end between header and body
    for block in rest:
        held.write(block)
        body.feed(block[skip:])
        skip = max(0, skip - len(block))
    return body.digest()


def _write_whole(
    profile: Profile, head: bytes, full_head: bytes, rest: Iterable[bytes]
) -> tuple[int, bool, bytes, str, str]:
    from mua.mime.pieces import Meter

    name, meter = PREFIX + secrets.token_hex(16), Meter()
    wire_file = copy_file = f"{name}.eml"
    path = profile.big / wire_file
    write_file(path, meter.through(chain([head], rest)))
    if full_head != head:  # what is behind the header comes from the first file: others may have changed
        copy_file = f"{name}.copy.eml"
        try:
            with path.open("rb") as file:
                file.seek(len(head))
                write_file(profile.big / copy_file, chain([full_head], iter(partial(file.read, BIG), b"")))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return meter.size, meter.eight_bit, meter.digest, wire_file, copy_file


def frozen_head(file: BinaryIO) -> bytes:
    """The header of a frozen message; the file stands behind it then."""
    head = b""
    while (line := file.readline()) not in (b"\r\n", b""):
        head += line
    file.seek(len(head))
    return head


def sweep(db: Db, profile: Profile) -> int:
    """Remove files that no row needs: of crashes between file and row, and of what arrived everywhere.

    Only to be called when nothing is being queued (at start-up).  Returns how many were removed.
    """
    sql = (
        "SELECT wire_file, copy_file FROM outgoing o WHERE spent <> 1 AND (sent_copy = 'todo' OR EXISTS("
        "SELECT 1 FROM recipient WHERE outgoing_id = o.id AND state NOT IN ('accepted', 'cancelled')))"
    )
    # Hashes, not names: a server's queue may be long, and two that are equal keep a file too many.  In parts, because a
    # list of all of them would be memory that the process never gives back.
    needed = [array("q") for _ in range(PARTS)]
    for row in db.each(sql):
        for name in {*row}:
            needed[hash(name) % PARTS].append(hash(name))
    needed = [array("q", sorted(part)) for part in needed]
    swept = 0
    with os.scandir(profile.big) as entries:
        for entry in entries:
            sought = hash(entry.name)
            part = needed[sought % PARTS]
            at = bisect_left(part, sought)
            if entry.name.startswith(PREFIX) and part[at : at + 1] != array("q", [sought]):
                Path(entry.path).unlink(missing_ok=True)
                swept += 1
    return swept
