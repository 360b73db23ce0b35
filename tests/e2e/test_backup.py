"""A backup holds passwords and sign-ins only if that was asked for, and becomes a profile while its engine runs."""

import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab import until

from mua import wire
from mua.engine import commands
from mua.engine.contacts import secret_key
from mua.engine.lock import ProfileLock
from mua.engine.main import Engine
from mua.errors import MailError
from mua.model.account import Account, AccountId
from mua.model.contact import Book, BookId, BookKind
from mua.model.folder import Role
from mua.model.message import Envelope
from mua.model.oauth import Grant, OAuth
from mua.paths import Profile
from mua.store import contacts, read, write, write_contacts
from mua.store.blobs import BIG

SECRETS = ("the account's own", "the book's own", "an access token", "a refresh token", "a client secret")
RAWS = [b"Subject: small\r\n\r\nHello\r\n", b"Subject: big\r\n\r\n" + b"x" * (BIG + 1)]
Start = Callable[[str], Engine]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setenv("MUA_SECRETS", "session")
    running: list[tuple[Engine, threading.Thread]] = []

    def begin(name: str) -> Engine:
        profile = Profile(tmp_path / name).create()
        engine = Engine(profile, ProfileLock(profile), stay=True)
        thread = threading.Thread(target=engine.run)
        thread.start()
        running.append((engine, thread))
        until(engine.upkeep._thread.is_alive, "the engine")
        return engine

    yield begin
    for engine, thread in running:
        engine.stop_soon()
        thread.join(30)


@pytest.fixture
def filled(start: Start) -> Engine:
    """Two messages; an account with a password, one with a sign-in, an address book of a server."""
    engine = start("old")
    oauth = OAuth("https://id.example", "Example", "an id", "https://id.example/a", "https://id.example/t")
    with engine.store.write(durable=True) as tx:
        ours = write.add_account(tx, Account(AccountId(0), "ours", "me@good.test"))
        other = write.add_account(tx, Account(AccountId(0), "other", "me@other.test", oauth=oauth))
        folder = write.put_folder(tx, ours, "INBOX", role=Role.INBOX, local=True)
        news = [write.NewMessage(Envelope(subject="s"), 1_700_000_000 + n, len(raw)) for n, raw in enumerate(RAWS)]
        ids = write.add_messages(tx, ours, folder, news)
        places = engine.bodies.put(list(zip(ids, RAWS, strict=True)), durable=True)
        write.set_bodies(
            tx, [write.BodyFacts(one, places[one], "", False, len(raw)) for one, raw in zip(ids, RAWS, strict=True)]
        )
        book = write_contacts.add_book(tx, Book(BookId(0), "B", BookKind.CARDDAV, "https://a.example/b/", "maya"))
    engine.secrets.set(str(ours), "password", SECRETS[0])
    engine.secrets.set(secret_key(book), "password", SECRETS[1])
    engine.tokens.keep(other, Grant(SECRETS[2], 1, 2, SECRETS[3], SECRETS[4]))
    return engine


def has_secrets(file: Path) -> bool:
    """Whether secrets are in a backup."""
    with tarfile.open(file) as tar:
        return "secrets" in tar.getnames()


def test_secrets_are_in_a_backup_only_if_asked_and_sealed_then(filled: Engine, tmp_path: Path) -> None:
    plain, sealed = tmp_path / "plain.tar", tmp_path / "sealed.tar"
    told = commands.handle(filled, wire.Backup(str(plain)))
    assert isinstance(told, wire.BackedUp)
    assert (told.messages, told.secrets) == (2, False)
    told = commands.handle(filled, wire.Backup(str(sealed), "open sesame"))
    assert isinstance(told, wire.BackedUp)
    assert told.secrets
    assert [has_secrets(one) for one in (plain, sealed)] == [False, True]
    for one in SECRETS:
        assert one.encode() not in plain.read_bytes() + sealed.read_bytes()


def test_a_backup_becomes_a_profile_that_is_in_use(filled: Engine, start: Start, tmp_path: Path) -> None:
    file = str(tmp_path / "all.tar")
    commands.handle(filled, wire.Backup(file, "open sesame"))
    fresh = start("new")
    reader = fresh.store.reader()
    assert read.accounts(reader) == []
    for word, code in (("", "sealed"), ("another", "wrong-passphrase")):
        with pytest.raises(MailError) as refused:
            commands.handle(fresh, wire.RestoreBackup(file, word))
        assert refused.value.code == code
        assert read.accounts(reader) == []
    told = commands.handle(fresh, wire.RestoreBackup(file, "open sesame"))
    assert isinstance(told, wire.BackedUp)
    assert (told.messages, told.missing, told.secrets) == (2, 0, True)
    ours, other = read.accounts(reader)
    (folder,) = (one for one in read.folders(reader) if one.role is Role.INBOX)
    ids = read.folder_order(reader, folder.id)
    assert sorted(fresh.bodies.get(one) or b"" for one in ids) == sorted(RAWS)
    (book,) = contacts.books(reader)
    kept = (fresh.secrets.get(str(ours.id), "password"), fresh.secrets.get(secret_key(book.id), "password"))
    assert kept == SECRETS[:2]
    assert fresh.tokens.client_secret(other) == SECRETS[4]
    with pytest.raises(MailError) as refused:  # which has accounts now
        commands.handle(fresh, wire.RestoreBackup(file, "open sesame"))
    assert refused.value.code == "profile-not-empty"
    bare = start("bare")
    told = commands.handle(bare, wire.RestoreBackup(file, bare=True))
    assert isinstance(told, wire.BackedUp)
    assert (told.messages, told.secrets, bare.secrets.get(str(ours.id), "password")) == (2, False, None)
