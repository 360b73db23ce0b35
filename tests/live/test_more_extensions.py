"""What Dovecot offers once it is told to: quotas, the folders of others.  (What it always has: ``test_extensions``.)"""

import os
from collections.abc import Iterator
from pathlib import Path

import lab_config
import pytest
from lab import Lab, User, missing, until
from retrieval import Desk, desk

from mua import wire
from mua.model.folder import Role
from mua.model.message import Envelope, MessageId
from mua.model.policy import EVERYTHING
from mua.store import read, write

pytestmark = pytest.mark.live

MORE = """
protocol imap {
  mail_plugins = $mail_plugins quota imap_quota acl imap_acl
}
plugin {
  acl = vfile
  acl_shared_dict = file:{mail}/shared.db
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:storage=1M
}
namespace {
  type = shared
  separator = .
  prefix = shared.%%u.
  location = maildir:%%h/Maildir:INDEX=~/shared/%%u
  subscriptions = no
  list = children
}
namespace {
  type = public
  separator = .
  prefix = Public.
  location = maildir:{mail}/public:INDEX=~/public
  subscriptions = no
}
"""


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Lab]:
    reason = missing(namespace=False)
    if reason:
        pytest.skip(f"the mail laboratory {reason}")
    with Lab(namespace=False, more=MORE) as running:
        yield running


@pytest.fixture
def ann(dovecot: Lab) -> User:
    return dovecot.user("ann")


@pytest.fixture
def here(dovecot: Lab, ann: User, tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path / "profile", dovecot.plan.imap, ann.name, ann.password, ca_file=str(dovecot.ca)) as made:
        yield made


def mail(subject: str, size: int = 0) -> bytes:
    head = f"From: Bo <bo@example.org>\r\nSubject: {subject}\r\nMessage-ID: <{subject.replace(' ', '')}@x>\r\n\r\n"
    return head.encode() + b"0123456789abcdef0123456789abcd\r\n" * (size // 32 + 1)


# -- QUOTA


def test_how_full_the_account_is_is_asked_and_said_before_it_is_full(dovecot: Lab, ann: User, here: Desk) -> None:
    db = here.store.reader()
    here.until(lambda: bool(read.quotas(db, here.account.id)), "the quota")
    [quota] = read.quotas(db, here.account.id)
    assert (quota.resource, quota.used, quota.limit) == ("STORAGE", 0, 1 << 20)
    assert not [one for one in here.events if isinstance(one, wire.Notice)]
    here.worker.stop()
    here.worker.join(10)
    dovecot.fill(ann, [mail("large", 970_000)])
    with desk(here.store.profile.root, dovecot.plan.imap, ann.name, ann.password, ca_file=str(dovecot.ca)) as again:
        again.until(lambda: read.quotas(again.store.reader(), again.account.id) != [quota], "the quota anew")
        [full] = read.quotas(again.store.reader(), again.account.id)
        assert full.percent in (92, 93)
        again.until(lambda: any(isinstance(one, wire.Notice) for one in again.events), "the warning")
        [said] = [one for one in again.events if isinstance(one, wire.Notice)]
        assert said.code == "nearly-full"
        assert f"nearly full: 970.8 kB of 1.0 MB ({full.percent} %)" in said.text


def test_what_is_over_quota_is_refused_in_a_sentence_and_the_quota_is_asked_anew(here: Desk) -> None:
    db = here.store.reader()
    here.sync()
    here.until(lambda: bool(read.quotas(db, here.account.id)), "the quota")
    with here.store.write() as tx:
        write.set_quotas(tx, here.account.id, [])  # so that asking again shows
        new = write.NewMessage(Envelope(subject="too much"), internaldate=1_700_000_000, size=2_000_000, append=True)
        [message_id] = write.add_messages(tx, here.account.id, here.folder("Archive").id, [new])
        here.bodies.put([(message_id, mail("too much", 2_000_000))])  # before the worker can see the row
    here.worker.poke()
    here.until(lambda: bool(read.rows(db, [message_id])[0].problem), "the refusal")
    problem = read.rows(db, [message_id])[0].problem
    assert "is full; delete something there, then try again" in problem
    here.until(lambda: bool(read.quotas(db, here.account.id)), "the quota anew")


def test_how_large_every_folder_is_is_told_after_everything_else(dovecot: Lab, ann: User, here: Desk) -> None:
    mails = [mail("one", 1000), mail("two", 2000)]
    dovecot.fill(ann, mails)
    here.sync()
    here.until(lambda: here.folder("INBOX").octets == sum(map(len, mails)), "the size")
    here.until(lambda: here.folder("Archive").octets == 0, "that it is empty")


def test_the_room_on_the_server_is_part_of_an_accounts_health(dovecot: Lab, ann: User) -> None:
    dovecot.fill(ann, [mail("large", 970_000)])
    profile = dovecot.profile()
    with dovecot.engine(profile):
        dovecot.add_account(profile, ann).ok()
        dovecot.mua("sync", profile=profile).ok()
        until(lambda: dovecot.mua("health", profile=profile).ok()[0]["quotas"], "the quota")
        [told] = dovecot.mua("health", profile=profile).ok()
        assert told["quotas"] == [{"root": "User quota", "resource": "STORAGE", "used": 970752, "limit": 1 << 20}]
        assert told["codes"] == ["nearly-full"]
        assert "nearly full" in told["problems"][0]
        assert "QUOTA" in told["in_use"]
        text = dovecot.mua("health", profile=profile, as_json=False).stdout.decode()
    assert "  room         970.8 kB of 1.0 MB (92 %)" in text


# -- the folders of others


def test_folders_of_others_are_listed_under_their_owners_and_not_fetched_in_bulk(
    dovecot: Lab, ann: User, tmp_path: Path
) -> None:
    carol = dovecot.user("carol")
    dovecot.fill(carol, [mail("for both")], "Plans")
    dovecot.fill(carol, [mail("only hers")], "Secret")
    client = dovecot.imap(carol)
    assert client.setacl("Plans", ann.name, "lrs")[0] == "OK"
    client.logout()
    public = dovecot.plan.mail / "public" / ".Minutes"
    for folder in (public.parent, public, *(public / part for part in ("cur", "new", "tmp"))):
        folder.mkdir(exist_ok=True)
        os.chown(folder, *lab_config.mail_owner())
    (public / "cur" / "1.M1P1.lab:2,").write_bytes(mail("for all"))
    (public.parent / "dovecot-acl").write_text("anyone lrwst\n")
    os.chown(public / "cur" / "1.M1P1.lab:2,", *lab_config.mail_owner())
    dovecot.fill(ann, [mail("mine")])
    with desk(tmp_path / "profile", dovecot.plan.imap, ann.name, ann.password, ca_file=str(dovecot.ca)) as here:
        here.sync()
        hers, minutes = f"shared.{carol.name}.Plans", "Public.Minutes"
        assert list(here.shown(hers).values()) == ["for both"]
        assert list(here.shown(minutes).values()) == ["for all"]
        assert f"shared.{carol.name}.Secret" not in [one.name for one in here.worker.shared.folders()]
        assert [body for body, _ in here.mirrored(hers).values()] == [None]
        assert [body for body, _ in here.mirrored(minutes).values()] == [None]
        assert (here.folder(hers).owner, here.folder(hers).inner) == (carol.name, "Plans")
        assert (here.folder(minutes).owner, here.folder(minutes).inner) == ("Public", "Minutes")
        assert {one.role for one in here.worker.shared.folders() if one.space} == {Role.NONE}
        [wanted] = here.shown(hers)
        assert read.rows(here.store.reader(), [wanted])[0].snippet.startswith("0123456789abcdef")  # PREVIEW
        with here.store.write() as tx:
            write.want_body(tx, [MessageId(wanted)])
        here.worker.poke()
        here.until(lambda: here.bodies.get(MessageId(wanted)) == mail("for both"), "what is opened")
        with here.store.write() as tx:  # what a person chose stays chosen
            write.set_policy(tx, here.account.id, here.folder(minutes).id, EVERYTHING)
        here.sync()
        assert [body for body, _ in here.mirrored(minutes).values()] == [mail("for all")]
        with here.store.write() as tx:
            write.wish_gone(tx, [MessageId(wanted)], 1)
        here.worker.poke()
        here.until(lambda: bool(read.rows(here.store.reader(), [wanted])[0].problem), "the refusal")
        assert "does not allow you to delete anything" in read.rows(here.store.reader(), [wanted])[0].problem
