"""What came back is noted beside the recipient that it is about, once, and changes no verdict but "nobody knows"."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from post_office import ME, PostOffice

from mua.engine.reading import Whole, file_whole
from mua.engine.reports import annotate
from mua.model.folder import Role
from mua.model.message import Envelope, MessageId
from mua.model.outgoing import OutgoingId, Recipient, RecipientState
from mua.model.report import Action, Reported
from mua.plan.reports import about
from mua.store import dispatch, outbox, read, write
from mua.store.reports import Standing

ANN, BEN = "ann@one.test", "ben@two.test"


@pytest.fixture
def post(tmp_path: Path) -> Iterator[PostOffice]:
    with PostOffice.submitting(tmp_path, 1) as made:
        yield made


def verdict(post: PostOffice, one: OutgoingId, state: RecipientState) -> None:
    with post.store.write() as tx:
        verdicts = [dispatch.Verdict(Recipient(address, state)) for address in (ANN, BEN)]
        dispatch.record(tx, one, verdicts, post.clock)


def arrive(post: PostOffice, raw: str, at: int = 50) -> int:
    """A message comes into the inbox, and reports are read; returns how the message stands as a report."""
    inbox = read.folder_with_role(post.store.reader(), post.account_id, Role.INBOX)
    assert inbox is not None
    with post.store.write() as tx:
        (key,) = file_whole(post.context, tx, post.account_id, inbox.id, [Whole(raw.encode(), at)], append=False)
    annotate(post.context)
    return int(post.store.reader().value("SELECT reports FROM message WHERE id = ?", key))


def bounce(recipient: str, about_id: str = "n1@example.org", envid: str = "", action: str = "failed") -> str:
    return (
        f"From: MAILER-DAEMON@mx.test\nTo: {ME}\nSubject: Undelivered\nContent-Type: multipart/report; boundary=b\n\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.test\n"
        f"Original-Envelope-Id: {envid}\n\nFinal-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: 5.1.1\n"
        f"Diagnostic-Code: smtp; 550 5.1.1 nobody\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{about_id}>\n--b--\n"
    )


def reported(post: PostOffice, one: OutgoingId) -> list[Action | None]:
    return [found.reported.action if found.reported else None for found in post.get(one).recipients]


def test_a_bounce_is_noted_beside_its_recipient_and_the_verdict_stands(post: PostOffice) -> None:
    one = post.queue(ANN, BEN)
    verdict(post, one, RecipientState.ACCEPTED)
    assert arrive(post, bounce(BEN)) == Standing.OURS
    assert post.states(one) == [RecipientState.ACCEPTED, RecipientState.ACCEPTED]
    assert reported(post, one) == [None, Action.FAILED]
    said = Reported(BEN, Action.FAILED, "5.1.1", "550 5.1.1 nobody", at=50)
    assert outbox.came_back(post.store.reader(), one, BEN) == [said]
    assert annotate(post.context) == 0, "it is read once"


def test_only_what_waits_or_went_wrong_is_read_to_count_it(post: PostOffice) -> None:
    """However much was ever sent, the window asks for these at every change."""

    def unhappy() -> list[OutgoingId]:
        return [found.id for found in outbox.unhappy(post.store.reader())]

    one, two, three = (post.queue(ANN, BEN) for _ in range(3))
    assert unhappy() == [three, two, one]
    verdict(post, one, RecipientState.ACCEPTED)
    verdict(post, two, RecipientState.REFUSED)
    verdict(post, three, RecipientState.CANCELLED)
    assert unhappy() == [two]
    arrive(post, bounce(BEN))
    assert unhappy() == [two, one]


def test_a_page_of_the_outbox_is_as_many_as_it_asks_for(post: PostOffice) -> None:
    """However much was ever sent, waits or is scheduled; a receipt makes nobody unhappy."""
    db, now = post.store.reader(), post.clock
    sent = [post.queue(ANN) for _ in range(3)]
    for one in sent:
        verdict(post, one, RecipientState.ACCEPTED)
    arrive(post, bounce(ANN, about_id="n1@example.org", action="delivered"))
    waiting = [post.queue(ANN) for _ in range(3)]
    later = [post.queue(ANN, delay=delay, scheduled=True) for delay in (300, 100, 200)]
    assert [one.id for one in outbox.listed(db, finished=True, most=2)] == [later[2], later[1]]
    assert [one.id for one in outbox.unhappy_now(db, now, 2)] == [waiting[2], waiting[1]]
    assert [one.id for one in outbox.scheduled(db, now, 2)] == [later[1], later[2]]
    assert sent[0] not in [one.id for one in outbox.unhappy(db)]
    assert [one.id for one in outbox.unhappy_now(db, now + 250, 9)] == [later[2], later[1], *reversed(waiting)]


def test_the_envelope_id_finds_what_the_message_id_does_not(post: PostOffice) -> None:
    one = post.queue(ANN, BEN)
    verdict(post, one, RecipientState.ACCEPTED)
    envid = post.store.reader().value("SELECT envid FROM outgoing WHERE id = ?", one)
    assert arrive(post, bounce("moved@one.test", "rewritten@relay.test", envid)) == Standing.OURS
    assert reported(post, one) == [Action.FAILED, None]


def test_the_last_news_is_shown_and_all_of_it_kept(post: PostOffice) -> None:
    one = post.queue(ANN, BEN)
    verdict(post, one, RecipientState.ACCEPTED)
    arrive(post, bounce(ANN, action="delayed"), at=50)
    arrive(post, bounce(ANN, action="delivered"), at=60)
    assert reported(post, one) == [Action.DELIVERED, None]
    assert [was.action for was in outbox.came_back(post.store.reader(), one, ANN)] == [Action.DELAYED, Action.DELIVERED]


def test_whoever_nobody_knew_about_got_it_when_something_comes_back(post: PostOffice) -> None:
    one = post.queue(ANN, BEN)
    verdict(post, one, RecipientState.UNKNOWN)
    arrive(post, bounce(ANN, action="relayed"))
    assert post.states(one) == [RecipientState.ACCEPTED, RecipientState.UNKNOWN]


@pytest.mark.parametrize(
    "raw",
    [bounce(ANN, "somebody.elses@example.org"), bounce("stranger@three.test")],
    ids=["another message", "nobody of ours"],
)
def test_what_is_not_about_ours_changes_nothing(post: PostOffice, raw: str) -> None:
    one = post.queue(ANN, BEN)
    verdict(post, one, RecipientState.ACCEPTED)
    arrive(post, raw)
    assert reported(post, one) == [None, None]


def test_backscatter_is_known_as_such_and_an_answer_is_no_report(post: PostOffice) -> None:
    assert arrive(post, bounce(ANN, "never.sent@example.org")) == Standing.STRANGE
    assert arrive(post, f"From: {ANN}\nTo: {ME}\nIn-Reply-To: <n1@example.org>\n\nThank you.\n") == Standing.NONE
    assert (
        arrive(post, f"From: postmaster@one.test\nTo: {ME}\nSubject: Hello\n\nI am the postmaster.\n") == Standing.NONE
    )


@pytest.mark.parametrize(
    ("address", "final", "sent_to", "expected"),
    [
        ("Ann@One.test", "", [ANN, BEN], ANN),
        ("x@relay.test", ANN, [ANN, BEN], ANN),
        ("other@two.test", "", [ANN, BEN], BEN),
        ("other@one.test", "", [ANN, "ann2@one.test"], None),
        ("other@three.test", "", [ANN, BEN], None),
        ("other@three.test", "", [ANN], ANN),
        ("", "", [ANN, BEN], None),
    ],
)
def test_whom_a_report_is_about(address: str, final: str, sent_to: list[str], expected: str | None) -> None:
    assert about(Reported(address, Action.FAILED, final=final), sent_to) == expected


# -- forged: anybody can write a report, so nothing but a note may come of it


def everything(post: PostOffice) -> dict[str, list[tuple[object, ...]]]:
    """The whole outbox but what came back."""
    tables = ("outgoing", "recipient", "attempt", "dialogue")
    return {name: post.store.reader().rows(f"SELECT * FROM {name} ORDER BY id") for name in tables}


def huge(count: int) -> str:
    groups = "".join(f"Final-Recipient: rfc822; x{n}@{n}.test\nAction: failed\nStatus: 5.1.1\n\n" for n in range(count))
    return bounce(ANN).replace("Final-Recipient: rfc822; " + ANN, groups + "Final-Recipient: rfc822; " + ANN)


FORGED = {
    "a guessed Message-ID": bounce(ANN, "n9@example.org"),
    "a guessed ENVID": bounce(ANN, "n9@example.org", "0" * 32),
    "the Message-ID with another ENVID": bounce(ANN, envid="0" * 32),
    "about somebody else": bounce("stranger@three.test"),
    "of success": bounce(ANN, action="delivered"),
    "about many": huge(800),
    "with a long name": bounce("a" * 100_000 + "@one.test"),
    "with SQL": bounce("'; DROP TABLE outgoing; --@one.test", "'; DROP TABLE outgoing; --"),
    "with nothing": bounce("", ""),
    "a receipt": bounce(ANN).replace("message/delivery-status", "message/disposition-notification"),
}


@pytest.mark.parametrize("state", ["accepted", "refused", "deferred", "cancelled"])
@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_report_changes_no_verdict(post: PostOffice, kind: str, state: str) -> None:
    one = post.queue(ANN, BEN)
    verdict(post, one, RecipientState(state))
    before = everything(post)
    arrive(post, FORGED[kind])
    assert everything(post) == before
    assert post.store.reader().value("SELECT count(*) FROM came_back") <= 2
    assert post.store.reader().value("SELECT count(*) FROM message") == 1, "nothing is sent, filed or deleted"


@pytest.mark.parametrize(
    ("kind", "believed"),
    [(kind, kind in ("of success", "about many")) for kind in FORGED if kind not in ("a receipt", "with nothing")],
)
def test_who_knows_our_message_id_can_only_say_that_it_was_sent(post: PostOffice, kind: str, believed: bool) -> None:
    """And only of whom the report names: the documented exception, and no more than that."""
    one = post.queue(ANN, BEN)
    verdict(post, one, RecipientState.UNKNOWN)
    arrive(post, FORGED[kind])
    ann = RecipientState.ACCEPTED if believed else RecipientState.UNKNOWN
    assert post.states(one) == [ann, RecipientState.UNKNOWN]


def test_a_report_that_contradicts_itself_is_noted_and_resolves_nothing(post: PostOffice) -> None:
    one = post.queue(ANN, BEN)
    verdict(post, one, RecipientState.UNKNOWN)
    assert arrive(post, FORGED["the Message-ID with another ENVID"]) == Standing.OURS
    assert reported(post, one) == [Action.FAILED, None]
    assert post.states(one) == [RecipientState.UNKNOWN, RecipientState.UNKNOWN]
    envid = post.store.reader().value("SELECT envid FROM outgoing WHERE id = ?", one)
    arrive(post, bounce(ANN, "rewritten@relay.test", envid))
    assert post.states(one) == [RecipientState.ACCEPTED, RecipientState.UNKNOWN]


def test_many_forged_reports_are_read_in_no_time(post: PostOffice) -> None:
    one = post.queue(*(f"u{n}@{n}.test" for n in range(500)))
    began = time.process_time()
    assert arrive(post, huge(5000)) == Standing.OURS
    assert time.process_time() - began < 5
    assert post.store.reader().value("SELECT count(*) FROM came_back") <= 500
    assert set(post.states(one)) == {RecipientState.QUEUED}


# -- backscatter is offered as junk, and that is all


def last(post: PostOffice) -> MessageId:
    return MessageId(post.store.reader().value("SELECT max(id) FROM message"))


@pytest.mark.parametrize(
    ("raw", "offered"),
    [
        (bounce(ANN, "never.sent@example.org"), True),
        (bounce(ANN, "never.sent@example.org", action="delayed"), True),
        (bounce(ANN, "never.sent@example.org", action="delivered"), False),
        (bounce(ANN, ""), False),
        (bounce(ANN), False),
        (f"From: {ANN}\nTo: {ME}\n\nIt was not delivered.\n", False),
    ],
    ids=["failed", "delayed", "delivered", "names nothing", "ours", "a letter"],
)
def test_what_is_offered_as_junk(post: PostOffice, raw: str, offered: bool) -> None:
    post.queue(ANN, BEN)
    arrive(post, raw)
    row = read.row(post.store.reader(), last(post))
    assert read.is_backscatter(post.store.reader(), last(post)) is offered
    inbox = read.folder_with_role(post.store.reader(), post.account_id, Role.INBOX)
    assert row is not None
    assert inbox is not None
    assert row.folder_id == inbox.id, "never by itself"


def test_what_another_program_sent_is_no_backscatter_once_it_is_seen_in_sent(post: PostOffice) -> None:
    arrive(post, bounce(ANN, "from.the.phone@example.org"))
    strange = last(post)
    assert read.is_backscatter(post.store.reader(), strange)
    sent = read.folder_with_role(post.store.reader(), post.account_id, Role.SENT)
    assert sent is not None
    with post.store.write() as tx:
        row = write.NewMessage(Envelope(message_id="from.the.phone@example.org"), 1, 1, uid=1)
        write.add_messages(tx, post.account_id, sent.id, [row])
    assert not read.is_backscatter(post.store.reader(), strange)
