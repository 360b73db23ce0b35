"""A profile as one file: whole, or refused; hostile and damaged files change nothing; nothing is sent twice."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mua.errors import MailError
from mua.model.account import Account, AccountId
from mua.model.folder import Role
from mua.model.message import Envelope
from mua.paths import Profile
from mua.store import archive, read, write
from mua.store.blobs import BIG, Bodies
from mua.store.db import Store

RAWS = [b"Subject: small\r\n\r\nHello\r\n", b"Subject: big\r\n\r\n" + b"x" * (BIG + 1)]


@pytest.fixture
def made(tmp_path: Path) -> tuple[Profile, Path]:
    """A profile with two messages, a draft and settings; and its backup."""
    profile = Profile(tmp_path / "old").create()
    store = Store(profile)
    bodies = Bodies(profile)
    with store.write(durable=True) as tx:
        account_id = write.add_account(tx, Account(AccountId(0), "here", "me@good.test"))
        folder_id = write.put_folder(tx, account_id, "INBOX", role=Role.INBOX, local=True)
        news = [write.NewMessage(Envelope(subject="s"), 1_700_000_000 + n, len(raw)) for n, raw in enumerate(RAWS)]
        ids = write.add_messages(tx, account_id, folder_id, news)
        places = bodies.put(list(zip(ids, RAWS, strict=True)), durable=True)
        write.set_bodies(
            tx, [write.BodyFacts(one, places[one], "", False, len(raw)) for one, raw in zip(ids, RAWS, strict=True)]
        )
    profile.settings.write_text("undo_seconds = 3\n")
    (profile.drafts / "one.json").write_text("{}")
    target = tmp_path / "all.mua"
    told: list[tuple[int, int]] = []

    def tell(done: int, total: int) -> bool:
        told.append((done, total))
        return False

    packed = archive.pack(profile, target, b"sealed", tell)
    assert (packed.messages, packed.missing, packed.secrets) == (2, 0, True)
    assert told[-1][0] == told[-1][1] > 0
    bodies.close()
    store.close()
    return profile, target


def left(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


def test_everything_is_there_again(made: tuple[Profile, Path], tmp_path: Path) -> None:
    fresh = Profile(tmp_path / "new")
    found = archive.restore(fresh, made[1])
    assert (found.messages, found.missing) == (2, 0)
    store, bodies = Store(fresh), Bodies(fresh, readonly=True)
    (folder,) = read.folders(store.reader())
    ids = read.folder_order(store.reader(), folder.id)
    assert sorted(bodies.get(one) or b"" for one in ids) == sorted(RAWS)
    bodies.close()
    store.close()
    assert fresh.settings.read_text() == "undo_seconds = 3\n"
    assert (fresh.drafts / "one.json").exists()
    assert not (fresh.root / "secrets").exists()
    assert archive.secrets_of(made[1]) == b"sealed"
    assert made[1].stat().st_mode & 0o077 == 0


def test_a_profile_with_mail_is_left_alone(made: tuple[Profile, Path]) -> None:
    before = made[0].cache_db.read_bytes()
    with pytest.raises(MailError) as caught:
        archive.restore(made[0], made[1])
    assert caught.value.code == "profile-not-empty"
    assert made[0].cache_db.read_bytes() == before


def test_nothing_is_written_over_and_what_is_stopped_leaves_nothing(made: tuple[Profile, Path], tmp_path: Path) -> None:
    before = made[1].read_bytes()
    with pytest.raises(FileExistsError):
        archive.pack(made[0], made[1], b"", lambda _done, _total: False)
    assert made[1].read_bytes() == before
    with pytest.raises(archive.Stopped):
        archive.pack(made[0], tmp_path / "other.mua", b"", lambda _done, _total: True)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["all.mua", "old"]


def test_bytes_that_are_not_here_are_counted(made: tuple[Profile, Path], tmp_path: Path) -> None:
    for one in made[0].big.glob("*.eml"):
        one.unlink()
    assert archive.pack(made[0], tmp_path / "less.mua", b"", lambda _done, _total: False).missing == 1


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def with_entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> Callable[[Path], None]:
    def add(path: Path) -> None:
        with tarfile.open(path, "a") as tar:
            about = tarfile.TarInfo(name)
            about.type, about.linkname, about.size = kind, link, 3 if kind == tarfile.REGTYPE else 0
            tar.addfile(about, io.BytesIO(b"bad") if kind == tarfile.REGTYPE else None)

    return add


def foreign(path: Path) -> None:
    with tarfile.open(path, "w") as tar:
        text = json.dumps({"format": "mua-backup-1", "files": {}}).encode()
        about = tarfile.TarInfo("manifest.json")
        about.size = len(text)
        tar.addfile(about, io.BytesIO(text))


@pytest.mark.parametrize(
    "spoil",
    [
        flipped, cut, foreign, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"From a\n" * 400),
        with_entry("../escaped"), with_entry("/tmp/escaped"), with_entry("big/../../escaped"), with_entry("mua.log"),
        with_entry("big/link", tarfile.SYMTYPE, "/etc/passwd"), with_entry("big/more.eml"), with_entry("cache.db"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_it_says_changes_nothing(
    made: tuple[Profile, Path], tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(made[1])
    fresh = Profile(tmp_path / "new")
    with pytest.raises(MailError) as caught:
        archive.restore(fresh, made[1])
    assert caught.value.code == "backup-damaged"
    assert left(fresh.root) == []
    assert sorted(one.name for one in tmp_path.iterdir()) == ["all.mua", "new", "old"]
