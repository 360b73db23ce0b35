"""How much is fetched, and what is found where it was left: the worker and the command line beside Dovecot."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Filled, Lab, User, message, missing
from retrieval import Desk

from mua.engine.imap_worker import ImapWorker
from mua.engine.server_search import Asked
from mua.model.account import Security, Server
from mua.model.policy import Keep, Policy
from mua.plan.search import parse
from mua.store import read, write

pytestmark = pytest.mark.live
DAY = 24 * 3600


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Lab]:
    reason = missing(namespace=False)
    if reason:
        pytest.skip(f"the mail laboratory {reason}")
    with Lab(namespace=False) as running:
        yield running


@pytest.fixture
def ann(dovecot: Lab) -> User:
    return dovecot.user("ann")


@pytest.fixture
def here(dovecot: Lab, ann: User, tmp_path: Path) -> Iterator[Desk]:
    """The account keeps the last thirty days; the server holds twelve messages, of every tenth day."""
    dovecot.fill(ann, [dated(number) for number in range(12)])
    made = Desk(tmp_path / "profile", server(dovecot, ann), ann.password, str(dovecot.ca))
    choose(made, Policy(Keep.DAYS, 30))
    try:
        made.worker.start()
        made.sync()
        yield made
    finally:
        made.close()


def server(dovecot: Lab, ann: User) -> Server:
    return Server("localhost", dovecot.plan.imap, Security.STARTTLS, ann.name)


def dated(number: int) -> Filled:
    """Message ``number`` was received ten times as many days ago."""
    body = f"word{number} and a shared secret\n"
    return Filled(message(f"number {number}", body=body), int(time.time()) - 10 * number * DAY - 60)


def choose(here: Desk, policy: Policy | None, folder: str = "") -> None:
    with here.store.write() as tx:
        write.set_policy(tx, here.account.id, here.folder(folder).id if folder else None, policy)


def subjects(here: Desk, folder: str = "INBOX") -> set[str]:
    return set(here.shown(folder).values())


def ask(here: Desk, typed: str, limit: int = 50) -> tuple[list[str], Asked]:
    """Search on the server: (subjects found, the search)."""
    found: list[int] = []
    asked = Asked(parse(typed, int(time.time())), limit, found.extend)
    here.worker.search(asked)
    asked.wait()
    return [row.subject for row in read.rows(here.store.reader(), found)], asked


def test_only_the_last_days_are_fetched_and_the_rest_is_counted(here):
    assert subjects(here) == {f"number {number}" for number in range(4)}
    inbox = here.folder("INBOX")
    assert (inbox.state.on_server, inbox.total, inbox.with_body, inbox.state.left_there) == (12, 4, 4, 8)


def test_a_wider_policy_fetches_what_was_left(here):
    choose(here, Policy(Keep.EVERYTHING), "INBOX")
    here.worker.compare()
    here.sync()
    inbox = here.folder("INBOX")
    assert (inbox.total, inbox.with_body, inbox.state.left_there) == (12, 12, 0)
    choose(here, Policy(Keep.DAYS, 30), "INBOX")
    here.sync()
    assert here.folder("INBOX").total == 12  # what is here stays here


def test_news_old_and_new_and_what_vanishes_there(here, dovecot, ann):
    client = dovecot.imap(ann)
    client.select("INBOX")
    long_ago = time.strftime('"%d-%b-%Y %H:%M:%S +0000"', time.gmtime(time.time() - 300 * DAY))
    client.append("INBOX", "", long_ago, message("from long ago"))
    client.append("INBOX", "", "", message("of today"))
    client.uid("STORE", "1,12", "+FLAGS", "(\\Deleted)")  # one that is here, one that is not
    client.expunge()
    client.logout()
    here.sync()
    inbox = here.folder("INBOX")
    assert "of today" in subjects(here)
    assert "from long ago" not in subjects(here)
    assert inbox.state.on_server == 12 == inbox.total + inbox.state.left_there
    assert inbox.state.uidnext  # the books balance: nothing is compared again and again


def test_a_message_moved_into_such_a_folder_stays_here(here, dovecot, ann):
    choose(here, Policy(), "INBOX")
    here.worker.compare()
    here.sync()
    old = here.find("number 11")
    with here.store.write(durable=True) as tx:
        write.wish_move(tx, [old], here.folder("Archive").id, int(time.time()))
    here.worker.poke()
    here.sync()
    assert here.shown("Archive") == {old: "number 11"}
    archive = here.folder("Archive")
    assert (archive.state.on_server, archive.state.left_there) == (1, 0)


def test_headers_only_and_the_text_when_it_is_opened(here):
    choose(here, Policy(Keep.HEADERS))
    here.worker.compare()
    here.sync()
    inbox = here.folder("INBOX")
    assert (inbox.total, inbox.with_body, inbox.state.left_there) == (12, 4, 0)
    one = here.find("number 9")
    with here.store.write() as tx:
        write.want_body(tx, [one])
    here.worker.poke()
    here.until(lambda: bool(read.row(here.store.reader(), one).has_body), "the text of what was opened")
    assert here.folder("INBOX").with_body == 5


def test_a_new_uidvalidity_keeps_what_is_here_and_what_is_there(here, dovecot, ann):
    before = here.shown()
    here.worker.stop()
    here.worker.join(30)
    dovecot.renumber(ann)
    here.worker = ImapWorker(here.context, here.account)
    here.worker.start()
    here.sync()
    assert here.shown() == before
    assert here.folder("INBOX").state.left_there == 8
    assert here.store.reader().value("SELECT count(*) FROM removal") == 0


def test_a_search_on_the_server_finds_what_is_not_here(here):
    found, asked = ask(here, "word9")
    assert (found, asked.problems) == (["number 9"], [])
    assert "number 9" in subjects(here)  # it has a row now
    inbox = here.folder("INBOX")
    assert (inbox.total, inbox.state.left_there) == (5, 7)
    here.sync()
    assert here.folder("INBOX").state.left_there == 7
    found, _ = ask(here, "secret", limit=3)
    assert found == ["number 0", "number 1", "number 2"]
    found, _ = ask(here, '"shared secret" -word3 -from:someone@nowhere')
    assert len(found) == 11


def test_what_is_typed_cannot_leave_its_quotes(here, dovecot, ann):
    dovecot.deliver(ann, message("Gruesse", body='Straße {3} "x" \\ y\n', content_type="text/plain; charset=utf-8"))
    here.sync()
    for typed in ("Straße", '"{3}"', "\\", "-Strasse subject:Gruesse"):
        found, asked = ask(here, typed)
        assert "Gruesse" in found, typed
        assert not asked.problems
    found, asked = ask(here, 'x" ALL "')
    assert not asked.problems
    found, asked = ask(here, "filename:pdf")
    assert [one.code for one in asked.problems] == ["search-unsupported"]


def test_a_search_in_one_folder(here, dovecot, ann):
    dovecot.fill(ann, [Filled(message("in the archive", body="shared secret\n"))], "Archive")
    here.sync()
    assert ask(here, "in:archive secret")[0] == ["in the archive"]
    assert len(ask(here, "secret")[0]) == 13


def test_the_command_line_tells_where(lab, profile, alice):
    lab.fill(alice, [dated(number) for number in range(12)])
    with lab.engine(profile):
        lab.add_account(profile, alice, policy="days:30").ok()
        lab.mua("sync", "--until-complete", profile=profile).ok()
        for folder, policy in (("Archive", "headers"), ("Archive", "default")):
            said = lab.mua("folder", "policy", folder, policy, profile=profile).ok()
        assert said == {"folder": "Archive", "policy": "days:30", "own": False}
        [inbox] = [one for one in lab.mua("folders", profile=profile).ok() if one["role"] == "inbox"]
        assert (inbox["policy"], inbox["not_here"]) == ("days:30", inbox["on_server"] - inbox["total"])
        assert [one["where"] for one in lab.mua("search", "secret", profile=profile).ok()].count("local") < 12
        found = lab.mua("search", "secret", "--server", profile=profile).ok()
        assert len(found) == 12 == len({one["id"] for one in found})
        first = [one["where"] for one in found]
        assert first == sorted(first)  # what is here comes first
        assert "server" in first
        old = next(one for one in found if one["subject"] == "number 11")
        assert old["where"] == "server"
        assert "word11" in lab.mua("show", old["id"], profile=profile).ok()["text"]
        lab.mua("account", "policy", "lab", "headers", profile=profile).ok()
        assert lab.mua("folder", "policy", "INBOX", profile=profile).ok()["policy"] == "headers"
        assert lab.mua("folder", "policy", "INBOX", "days:x", profile=profile).code == 2
