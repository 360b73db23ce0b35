"""A message is signed as it is frozen: what is signed is what is on disk, and what cannot be signed is not queued."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from dkim_verifier import relaxed_body
from post_office import ME, PostOffice

from mua.errors import Kind, MailError, Retry
from mua.mime.freeze import freeze
from mua.mime.pieces import Content, Encoded, new_digest
from mua.model.outgoing import OutgoingId
from mua.store import dispatch, outbox, read
from mua.store.wire_files import Signing

HEAD = f"From: {ME}\r\nTo: ann@x.test\r\nMessage-ID: <1@example.org>\r\nDate: x\r\n"


def sign(head: bytes) -> Callable[[bytes], bytes]:
    """A signature that says which body it is of."""
    return lambda body_hash: b"X-Body: " + body_hash.hex().encode() + b"\r\n" + head


def queue(post: PostOffice, raw: bytes, signing: Signing | None = sign, *pieces: Encoded) -> OutgoingId:
    account = read.account(post.store.reader(), post.account_id)
    assert account is not None
    frozen = freeze((raw, *pieces), now=post.clock, message_id_if_missing="x@example.org")
    return dispatch.queue(post.store, account, frozen, now=post.clock, not_before=post.clock + 1000, sign=signing)


def files(post: PostOffice) -> dict[str, bytes]:
    """What is in the outbox's folder, by the ends of the names."""
    return {path.name.partition(".")[2]: path.read_bytes() for path in post.profile.big.iterdir()}


def signed_hash(message: bytes) -> str:
    return message.partition(b"\r\n")[0].removeprefix(b"X-Body: ").decode()


def hash_of(message: bytes) -> str:
    return hashlib.sha256(relaxed_body(message.partition(b"\r\n\r\n")[2])).hexdigest()


def test_the_file_is_the_signed_message_with_its_own_digest(tmp_path: Path) -> None:
    with PostOffice(tmp_path / "p") as post:
        one = queue(post, f"{HEAD}\r\nHello  there \r\n\r\n\r\n".encode())
        (name, wire), *more = files(post).items()
        assert (name, more) == ("eml", [])
        assert signed_hash(wire) == hash_of(wire)
        digest = new_digest()
        digest.update(wire)
        (due,) = outbox.due(post.store.reader(), post.clock + 2000)
        assert (due.id, due.size, due.digest) == (one, len(wire), digest.digest())


def test_the_copy_with_bcc_is_not_signed_and_the_other_is_one_file(tmp_path: Path) -> None:
    with PostOffice(tmp_path / "p") as post:
        queue(post, f"{HEAD}Bcc: eve@x.test\r\n\r\nHello\r\n".encode())
        found = files(post)
        assert set(found) == {"eml", "copy.eml"}
        assert found["eml"].startswith(b"X-Body: ")
        assert b"Bcc" not in found["eml"]
        assert b"X-Body" not in found["copy.eml"]
        assert b"Bcc: eve@x.test" in found["copy.eml"]


def test_another_time_is_signed_anew(tmp_path: Path) -> None:
    with PostOffice(tmp_path / "p") as post:
        one = queue(post, f"{HEAD}\r\nHello\r\n".encode())
        redated = lambda head: head.partition(b"\r\n")[2].replace(b"Date: x", b"Date: y")  # noqa: E731
        done = dispatch.reschedule(post.store, one, redated, not_before=post.clock + 9, scheduled=True, sign=sign)
        assert done
        (wire,) = files(post).values()
        assert wire.count(b"X-Body: ") == 1
        assert b"Date: y" in wire
        assert signed_hash(wire) == hash_of(wire)


def test_what_cannot_be_signed_leaves_nothing_and_waits_as_before(tmp_path: Path) -> None:
    def locked(head: bytes) -> None:
        raise MailError(Kind.LOCAL, Retry.ASK, "The keyring is locked.", code="secrets-locked")

    with PostOffice(tmp_path / "p") as post:
        with pytest.raises(MailError):
            queue(post, f"{HEAD}\r\nHello\r\n".encode(), locked)
        assert files(post) == {}
        assert post.outbox() == []
        one = queue(post, f"{HEAD}\r\nHello\r\n".encode(), lambda head: None)
        before = files(post)
        with pytest.raises(MailError):
            dispatch.reschedule(post.store, one, bytes, not_before=1, scheduled=True, sign=locked)
        assert files(post) == before


def test_an_attachment_that_changes_meanwhile_is_read_once(tmp_path: Path) -> None:
    """Each look at it gives other octets; what is signed is what was written."""
    looks: list[int] = []

    def content() -> io.BytesIO:
        looks.append(1)
        return io.BytesIO(bytes([len(looks)]) * 5000)

    with PostOffice(tmp_path / "p") as post:
        queue(post, f"{HEAD}\r\n".encode(), sign, Encoded(Content(content, 5000)))
        (wire,) = files(post).values()
    assert len(looks) == 1
    assert signed_hash(wire) == hash_of(wire)
