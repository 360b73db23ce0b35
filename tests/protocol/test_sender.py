"""The outbox's state machine, with a real store and a server that does as told."""

import errno
import io
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest
from mail_sink import DROP, TAKE_AND_DROP, MailSink
from post_office import ME, MortalStore, PostOffice, refuse

from mua import log, wire
from mua.engine.sending import Sending
from mua.engine.sent_copy import SERVERS_TURN
from mua.errors import Kind, MailError, Retry
from mua.mime.freeze import freeze
from mua.mime.pieces import Content, Encoded
from mua.model.account import Account, Incoming, Security, Server
from mua.model.folder import FolderId, Role
from mua.model.message import Envelope, Flag
from mua.model.outgoing import OutgoingId, Phase, Recipient, RecipientState, SentCopy
from mua.net import smtp_transaction
from mua.net.smtp_body import Body
from mua.plan.retry import DAY, HOUR, MINUTE
from mua.store import dispatch, outbox, read, wire_files, write

ANN, BEN, CAT = "ann@example.net", "ben@example.net", "cat@example.net"
ACCEPTED, DEFERRED, QUEUED = RecipientState.ACCEPTED, RecipientState.DEFERRED, RecipientState.QUEUED
REFUSED, UNKNOWN, CANCELLED = RecipientState.REFUSED, RecipientState.UNKNOWN, RecipientState.CANCELLED


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with MailSink() as sink:
        yield sink


@pytest.fixture
def post(tmp_path: Path, sink: MailSink) -> Iterator[PostOffice]:
    with PostOffice.submitting(tmp_path, sink.port) as post:
        yield post


def answer(sink: MailSink, event: str, *replies: str | None) -> None:
    """From now on the sink gives these replies to ``event``, one after the other, then none of its own."""
    left = list(replies)
    sink.plan = lambda happened, what: left.pop(0) if happened == event and left else None


# -- what a person sees


LARGE_BODY = ("x" * 70 + "\r\n") * 400_000  # 28 MB: more than every buffer on the way


def test_how_much_of_a_large_message_has_gone_is_seen_and_it_can_be_taken_back(
    post: PostOffice, sink: MailSink
) -> None:
    stopped, go_on = threading.Event(), threading.Event()

    def plan(event: str, what: str) -> None:
        if event == "body":
            stopped.set()
            go_on.wait(60)

    sink.plan = plan
    one = post.queue(ANN, BEN, body=LARGE_BODY)
    post.sender.start()
    assert stopped.wait(20)
    post.until(lambda: post.get(one).recipients[0].gone > 0)
    ann, _ = post.get(one).recipients
    assert ann.state is RecipientState.TRYING
    assert ann.recallable
    assert 0 < ann.gone < post.get(one).size
    assert any(isinstance(event, wire.Progress) and event.what == "sending" for event in post.events)
    with post.store.write(durable=True) as tx:
        assert dispatch.cancel(tx, one, (), post.clock) == 2
    post.sender.poke()
    assert post.sender.drain(20)  # though the server takes nothing
    assert post.states(one) == [CANCELLED, CANCELLED]
    go_on.set()
    assert post.get(one).finished
    assert not post.sent()
    assert sink.copies(ANN) == sink.copies(BEN) == []


def test_taken_back_for_one_in_the_last_moment_the_others_get_it(post: PostOffice, sink: MailSink) -> None:
    one = post.queue(ANN, BEN)
    taken = list[int]()

    def plan(event: str, what: str) -> None:
        if event == "data" and not taken:
            with post.store.write(durable=True) as tx:
                sql = "UPDATE recipient SET state = 'cancelled' WHERE outgoing_id = ? AND address = ?"
                taken.append(tx.run(sql, one, BEN))

    sink.plan = plan
    post.sender.start()
    assert post.sender.drain(20)
    assert post.states(one) == [ACCEPTED, CANCELLED]
    assert (len(sink.copies(ANN)), len(sink.copies(BEN))) == (1, 0)
    assert len(outbox.attempts(post.store.reader(), one, ANN)) == 1


def test_what_waits_at_the_dot_cannot_be_taken_back(post: PostOffice, sink: MailSink) -> None:
    one = post.queue(ANN)
    tried = list[int]()

    def plan(event: str, what: str) -> None:
        if event == "dot":
            with post.store.write(durable=True) as tx:
                tried.append(dispatch.cancel(tx, one, (), post.clock))

    sink.plan = plan
    post.sender.start()
    assert post.sender.drain(20)
    assert tried == [0]
    assert post.states(one) == [ACCEPTED]


def test_a_frozen_message_that_the_disk_has_changed_is_not_sent(post: PostOffice, sink: MailSink) -> None:
    one = post.queue(ANN)
    (frozen,) = post.profile.big.glob("outgoing-*")
    frozen.write_bytes(frozen.read_bytes().replace(b"Hello", b"Hullo"))
    post.sender.start()
    assert post.sender.drain(20)
    assert post.states(one) == [REFUSED]
    assert "cannot be read" in post.get(one).recipients[0].text
    assert not sink.copies(ANN)


def test_a_large_sent_copy_is_a_link_to_what_was_frozen(post: PostOffice, sink: MailSink) -> None:
    one = post.queue(ANN, body=LARGE_BODY[: 72 * 5000], bcc=CAT)
    post.sender.start()
    assert post.sender.drain(20)
    assert post.states(one) == [ACCEPTED, ACCEPTED]
    (copy,) = post.sent()
    file = post.bodies.file(copy.id)
    assert file is not None
    assert file.stat().st_nlink == 2
    assert f"Bcc: {CAT}".encode() in file.read_bytes()
    assert copy.size == file.stat().st_size
    assert copy.snippet.startswith("xxx")
    post.restart()  # what was frozen is not needed any more, the copy is
    assert not list(post.profile.big.glob("outgoing-*"))
    assert post.bodies.get(copy.id) is not None


def test_a_message_for_which_the_disk_has_no_room_is_not_half_queued(post: PostOffice) -> None:
    def full() -> BinaryIO:
        raise OSError(errno.ENOSPC, "No space left on device")

    account = read.account(post.store.reader(), post.account_id)
    assert account is not None
    head = f"From: {ME}\r\nTo: {ANN}\r\nBcc: {CAT}\r\n\r\n".encode()
    for content in (Content(full, 5), Content(lambda: io.BytesIO(b"abc"), 5)):
        frozen = freeze((head, Encoded(content)), now=0, message_id_if_missing="i@example.org")
        with pytest.raises(MailError):
            dispatch.queue(post.store, account, frozen, now=0, not_before=0)
    assert not list(post.profile.big.iterdir())
    assert not post.outbox()


def test_two_of_three_get_it_and_the_third_is_refused_in_the_servers_words(post: PostOffice, sink: MailSink) -> None:
    sink.plan = lambda event, what: "550 5.1.1 never heard of him" if what == BEN else None
    one = post.queue(ANN, BEN, CAT)
    post.sender.start()
    assert post.sender.drain(60)
    ann, ben, cat = post.get(one).recipients
    assert (ann.state, ben.state, cat.state) == (ACCEPTED, REFUSED, ACCEPTED)
    assert (ben.phase, ben.code, ben.text) == (Phase.RCPT, 550, "5.1.1 never heard of him")
    assert (ann.phase, ann.code, ann.next_attempt) == (Phase.DONE, 250, None)
    assert [len(sink.copies(a)) for a in (ANN, BEN, CAT)] == [1, 0, 1]
    assert len(post.sent()) == 1
    assert post.get(one).sent_copy is SentCopy.FILED
    assert post.get(one).finished
    assert not outbox.waiting(post.store.reader())


def test_the_sent_copy_has_the_bcc_and_the_wire_has_not(post: PostOffice, sink: MailSink) -> None:
    one = post.queue(ANN, bcc=CAT)
    post.sender.start()
    post.sender.drain(60)
    assert post.states(one) == [ACCEPTED, ACCEPTED]
    assert b"cat" not in sink.copies(CAT)[0]
    (row,) = post.sent()
    raw = post.bodies.get(row.id)
    assert raw is not None
    assert b"Bcc: cat@example.net" in raw
    assert row.flags & Flag.SEEN


def test_whose_address_needs_smtputf8_is_only_named_to_the_others_where_it_is_not_offered(
    post: PostOffice, sink: MailSink
) -> None:
    """The others get the message, and never a raw header: the server said nothing of taking one."""
    one = post.queue(ANN, "zoë@example.net", CAT)
    post.sender.start()
    assert post.sender.drain(60)
    assert post.states(one) == [ACCEPTED, REFUSED, ACCEPTED]
    assert post.get(one).recipients[1].text.startswith("5.6.7")
    (got,) = sink.copies(ANN)
    assert got.isascii()
    assert b"To: ann@example.net, =?utf-8?q?zo=C3=AB=40example=2Enet?= :;,\r\n cat@example.net\r\n" in got
    (row,) = post.sent()
    assert "zoë@example.net".encode() in (post.bodies.get(row.id) or b"")


def test_files_go_when_nobody_needs_them(post: PostOffice, sink: MailSink) -> None:
    sink.plan = lambda event, what: "550 no" if what == BEN else None
    post.queue(ANN, bcc=CAT)
    kept = post.queue(BEN)
    post.sender.start()
    post.sender.drain(60)
    (post.profile.big / "outgoing-orphan.eml").write_bytes(b"left by a crash before the row")
    post.restart()
    post.sender.drain(60)
    left = sorted(path.name for path in post.profile.big.glob("outgoing-*"))
    assert left == [post.store.reader().value("SELECT wire_file FROM outgoing WHERE id = ?", kept)]


def test_a_sender_that_is_made_late_takes_no_file_that_has_no_row_yet(post: PostOffice) -> None:
    """The first message makes the sender, while the second is between its file and its row."""
    sending = Sending(post.context, filed=post.filed.append)
    sending.start()
    first = post.queue("bob@example.net")
    file = post.profile.big / f"{wire_files.PREFIX}second.eml"
    file.write_bytes(b"From: me@example.org\r\n\r\nnot lost\r\n")
    try:
        assert sending.drain(20)
        assert post.states(first) == [RecipientState.ACCEPTED]
        assert file.exists()
    finally:
        sending.stop()
        sending.join(20)


def test_undo_send(post: PostOffice, sink: MailSink) -> None:
    one = post.queue(ANN, delay=10)
    post.sender.start()
    assert post.sender.drain(60)
    assert post.states(one) == [QUEUED]
    with post.store.write() as tx:
        assert dispatch.cancel(tx, one, (), post.clock) == 1
    post.later(11)
    assert post.states(one) == [CANCELLED]
    assert sink.connections == 0
    assert post.get(one).sent_copy is SentCopy.NONE


def test_send_later_goes_out_when_its_time_has_come(post: PostOffice, sink: MailSink) -> None:
    one = post.queue(ANN, delay=10)
    post.sender.start()
    post.sender.drain(60)
    post.later(11)
    assert post.states(one) == [ACCEPTED]


def test_many_messages_over_one_connection(post: PostOffice, sink: MailSink) -> None:
    for _ in range(30):
        post.queue(ANN)
    post.sender.start()
    assert post.sender.drain(60)
    assert len(sink.copies(ANN)) == 30
    assert sink.connections == 1
    assert len(post.sent()) == 30


def test_a_large_message_shows_how_far_it_is(post: PostOffice, sink: MailSink) -> None:
    small, large = post.queue(ANN), post.queue(BEN, body=("x" * 76 + "\r\n") * 40_000)
    post.sender.start()
    assert post.sender.drain(60)
    assert post.states(small) + post.states(large) == [ACCEPTED, ACCEPTED]
    told = [event for event in post.events if isinstance(event, wire.Progress)]
    total = post.get(large).size
    assert told
    assert {event.total for event in told} == {total}
    assert [event.done for event in told] == sorted(event.done for event in told)
    assert told[-1].done == total
    assert len(told) < 60


def test_what_was_answered_says_so(post: PostOffice, sink: MailSink) -> None:
    db = post.store.reader()
    inbox = read.folder_with_role(db, post.account_id, Role.INBOX)
    assert inbox is not None
    with post.store.write() as tx:
        (question,) = write.add_messages(tx, post.account_id, inbox.id, [write.NewMessage(Envelope(), 1, 1, uid=1)])
    post.queue(ANN, answers=question)
    post.sender.start()
    post.sender.drain(60)
    row = read.row(db, question)
    assert row is not None
    assert row.flags & Flag.ANSWERED


# -- deferred


def test_a_deferral_follows_the_schedule(post: PostOffice, sink: MailSink) -> None:
    answer(sink, "rcpt", "451 4.3.0 later", "451 4.3.0 later")
    one = post.queue(ANN)
    post.sender.start()
    post.sender.drain(60)
    (ann,) = post.get(one).recipients
    assert (ann.state, ann.attempts, ann.text) == (DEFERRED, 1, "4.3.0 later")
    assert ann.next_attempt == post.clock + MINUTE
    assert outbox.waiting(post.store.reader())
    post.later(MINUTE)
    assert post.get(one).recipients[0].next_attempt == post.clock + 5 * MINUTE
    post.later(4 * MINUTE)
    assert post.states(one) == [DEFERRED]
    post.later(MINUTE)
    assert post.states(one) == [ACCEPTED]
    timeline = outbox.attempts(post.store.reader(), one, ANN)
    assert [step.was.state for step in timeline] == [DEFERRED, DEFERRED, ACCEPTED]


def test_greylisting_is_retried_when_the_server_asks(post: PostOffice, sink: MailSink) -> None:
    answer(sink, "rcpt", "450 4.2.0 Greylisted, try again in 7 minutes")
    one = post.queue(ANN)
    post.sender.start()
    post.sender.drain(60)
    assert post.get(one).recipients[0].next_attempt == post.clock + 7 * MINUTE


def test_given_up_after_four_days(post: PostOffice, sink: MailSink) -> None:
    sink.plan = lambda event, what: "451 4.3.0 never ready" if event == "rcpt" else None
    one = post.queue(ANN)
    post.sender.start()
    post.sender.drain(60)
    for _ in range(40):
        post.later(4 * HOUR)
    (ann,) = post.get(one).recipients
    assert ann.state is REFUSED
    assert "4.3.0 never ready" in ann.text
    assert ann.attempts < 40


def test_recipients_have_their_own_fates(post: PostOffice, sink: MailSink) -> None:
    replies = {BEN: ["550 5.1.1 no"], CAT: ["451 4.3.0 later"]}
    sink.plan = lambda event, what: replies[what].pop() if event == "rcpt" and replies.get(what) else None
    one = post.queue(ANN, BEN, CAT)
    post.sender.start()
    post.sender.drain(60)
    assert post.states(one) == [ACCEPTED, REFUSED, DEFERRED]
    post.later(MINUTE)
    assert post.states(one) == [ACCEPTED, REFUSED, ACCEPTED]
    assert [len(sink.copies(a)) for a in (ANN, BEN, CAT)] == [1, 0, 1]
    assert len(post.sent()) == 1


def test_too_many_recipients_are_sent_at_once_in_parts(post: PostOffice, sink: MailSink) -> None:
    named = 0

    def five_at_most(event: str, what: str) -> str | None:
        nonlocal named
        named = named + 1 if event == "rcpt" else 0 if event == "mail" else named
        return "452 4.5.3 too many" if event == "rcpt" and named > 5 else None

    sink.plan = five_at_most
    everyone = [f"u{n}@example.net" for n in range(17)]
    one = post.queue(*everyone)
    post.sender.start()
    assert post.sender.drain(60)
    assert set(post.states(one)) == {ACCEPTED}
    assert [len(sink.copies(address)) for address in everyone] == [1] * 17


def test_a_connection_that_went_stale_costs_nobody_an_attempt(post: PostOffice, sink: MailSink) -> None:
    answer(sink, "mail", None, "421 4.4.2 idle too long")
    one, two = post.queue(ANN), post.queue(BEN)
    post.sender.start()
    post.sender.drain(60)
    assert post.states(one) == [ACCEPTED]
    assert post.states(two) == [ACCEPTED]
    assert post.get(two).recipients[0].attempts == 1
    assert sink.connections == 2


# -- the final dot


@pytest.mark.parametrize("event, copies", [(TAKE_AND_DROP, 1), (DROP, 0)])
def test_lost_at_the_dot_is_unknown_and_never_sent_again_by_itself(
    post: PostOffice, sink: MailSink, event: str, copies: int
) -> None:
    answer(sink, "dot", event)
    one = post.queue(ANN)
    post.sender.start()
    post.sender.drain(60)
    post.restart()
    post.later(5 * DAY)
    assert post.states(one) == [UNKNOWN]
    assert len(sink.copies(ANN)) == copies
    assert post.sent() == []
    assert not outbox.waiting(post.store.reader())


def test_the_unknown_is_sent_again_only_when_it_is_named(post: PostOffice, sink: MailSink) -> None:
    answer(sink, "dot", DROP)
    one = post.queue(ANN)
    post.sender.start()
    post.sender.drain(60)
    with post.store.write() as tx:
        assert dispatch.retry(tx, one, (), post.clock) == 0
        assert dispatch.retry(tx, one, (ANN,), post.clock) == 1
    post.later(0)
    assert post.states(one) == [ACCEPTED]
    assert len(sink.copies(ANN)) == 1
    assert len(post.sent()) == 1


@pytest.mark.parametrize("role, recipient", [(Role.SENT, ANN), (Role.INBOX, "me@example.org")])
def test_the_unknown_that_turns_up_was_sent(post: PostOffice, sink: MailSink, role: Role, recipient: str) -> None:
    answer(sink, "dot", TAKE_AND_DROP)
    one = post.queue(recipient)
    post.sender.start()
    post.sender.drain(60)
    assert post.states(one) == [UNKNOWN]
    folder = read.folder_with_role(post.store.reader(), post.account_id, role)
    assert folder is not None
    with post.store.write() as tx:
        found = write.NewMessage(Envelope(message_id=post.get(one).message_id), 1, 1, uid=7)
        write.add_messages(tx, post.account_id, folder.id, [found])
    post.sender.drain(60)
    assert post.states(one) == [ACCEPTED]


def test_a_refusal_at_the_dot_is_final(post: PostOffice, sink: MailSink) -> None:
    answer(sink, "dot", "554 5.7.1 smells of spam")
    one = post.queue(ANN, BEN)
    post.sender.start()
    post.sender.drain(60)
    assert post.states(one) == [REFUSED, REFUSED]
    assert post.get(one).sent_copy is SentCopy.NONE
    with post.store.write() as tx:
        assert dispatch.retry(tx, one, (), post.clock) == 2
    post.later(0)
    assert post.states(one) == [ACCEPTED, ACCEPTED]
    assert len(post.sent()) == 1


def test_a_receipt_that_is_tried_again_leaves_no_copy(post: PostOffice, sink: MailSink) -> None:
    answer(sink, "dot", "554 5.6.0 Not today")
    one = post.queue(ANN, origin=dispatch.Origin(None, "receipt-1"))
    assert post.queue(ANN, origin=dispatch.Origin(None, "receipt-1")) == one
    post.sender.start()
    post.sender.drain(60)
    assert post.states(one) == [REFUSED]
    with post.store.write() as tx:
        assert dispatch.retry(tx, one, (), post.clock) == 1
    post.later(0)
    assert (post.states(one), len(sink.copies(ANN))) == ([ACCEPTED], 1)
    assert (post.sent(), post.get(one).sent_copy) == ([], SentCopy.NONE)


# -- the account, the network, this computer


@pytest.mark.parametrize("restarted", [False, True])
def test_a_server_that_is_away_burns_no_attempt(post: PostOffice, sink: MailSink, restarted: bool) -> None:
    sink.plan = lambda event, what: "421 4.3.2 not now" if event == "greeting" else None
    one = post.queue(ANN)
    post.sender.start()
    post.sender.drain(60)
    (ann,) = post.get(one).recipients
    assert (ann.state, ann.attempts) == (DEFERRED, 0)
    assert ann.text.endswith(".")
    assert ann.next_attempt is not None
    assert post.problem() == "server-busy"
    assert any(isinstance(event, wire.Status) and event.state is wire.State.PROBLEM for event in post.events)
    sink.plan = lambda event, what: None
    if restarted:
        post.restart()
    assert post.sender.drain(60)  # a poke is enough: the clock stands still
    assert post.states(one) == [ACCEPTED]
    assert post.problem() == ""


def test_a_wrong_password_is_tried_once_and_keeps_the_mail(tmp_path: Path) -> None:
    with MailSink(tls="good") as sink:
        import certs

        server = Server("127.0.0.1", sink.port, Security.STARTTLS, "me")
        options = {"submission": server, "ca_file": str(certs.authority().ca_file)}
        with PostOffice(tmp_path, route="smtp", **options) as post:
            sink.plan = lambda event, what: "535 5.7.8 wrong" if event == "auth" else None
            messages = [post.queue(ANN), post.queue(BEN)]
            post.sender.start()
            post.sender.drain(60)
            post.later(10 * MINUTE - 1)
            assert [post.states(one) for one in messages] == [[DEFERRED], [DEFERRED]]
            assert post.get(messages[0]).recipients[0].phase is Phase.AUTH
            assert post.problem() == "wrong-password"
            assert len(sink.logins) == 2  # one at the start, one when somebody poked after minutes; no more
            post.sender.drain(60)
            assert len(sink.logins) == 2
            sink.plan = lambda event, what: None
            with post.store.write() as tx:  # a new password
                write.clear_problem(tx, post.account_id)
            assert post.sender.drain(60)
            assert [post.states(one) for one in messages] == [[ACCEPTED], [ACCEPTED]]
            assert post.problem() == ""


def test_a_password_that_nobody_knows(post: PostOffice, sink: MailSink, tmp_path: Path) -> None:
    with PostOffice(
        tmp_path / "other", route="smtp", submission=Server("127.0.0.1", sink.port, Security.NONE, "me")
    ) as other:
        other.password = refuse("no-password", "The password is not known here; enter it once more.")
        one = other.queue(ANN)
        other.sender.start()
        other.sender.drain(60)
        assert other.states(one) == [DEFERRED]
        assert other.problem() == "no-password"
        assert sink.connections == 0


def test_a_server_that_wants_a_login_first_is_a_matter_of_settings(post: PostOffice, sink: MailSink) -> None:
    sink.plan = lambda event, what: "530 5.7.0 authenticate first" if event == "mail" else None
    one = post.queue(ANN)
    post.sender.start()
    post.sender.drain(60)
    assert post.states(one) == [DEFERRED]
    assert post.problem() == "sign-in-required"


def test_an_account_without_a_server_keeps_the_mail(tmp_path: Path) -> None:
    with PostOffice(tmp_path, route="none") as post:
        one = post.queue(ANN)
        post.sender.start()
        post.sender.drain(60)
        assert post.states(one) == [DEFERRED]
        assert post.problem() == "no-route"


def test_one_account_that_hangs_holds_up_nobody(post: PostOffice, tmp_path: Path) -> None:
    import threading

    hang = threading.Event()
    with MailSink(lambda event, what: str(hang.wait(1.5)) and None) as slow:
        with post.store.write() as tx:
            account = read.account(tx, post.account_id)
            assert account is not None
            import dataclasses

            other = write.add_account(
                tx, dataclasses.replace(account, name="slow", submission=Server("127.0.0.1", slow.port, Security.NONE))
            )
        mine, post.account_id = post.account_id, other
        first = post.queue(ANN)
        post.account_id = mine
        second = post.queue(BEN)
        post.sender.start()
        post.until(lambda: post.states(second) == [ACCEPTED])
        assert post.states(first) != [ACCEPTED]
        hang.set()
        post.until(lambda: post.states(first) == [ACCEPTED])


@pytest.mark.log_warning("the outbox cannot go on")
def test_a_full_disk_at_the_dot_sends_nothing_and_loses_nothing(
    post: PostOffice, sink: MailSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mua.engine.lane

    monkeypatch.setattr(mua.engine.lane, "LOCAL_SLEEP", 0.05)
    full = [True, True, True]
    mark = dispatch.at_dot

    def at_dot(*args: object) -> bool:
        if full and full.pop():
            raise MailError(Kind.LOCAL, Retry.SOON, "The disk is full.", code="disk-full")
        return mark(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(dispatch, "at_dot", at_dot)
    one = post.queue(ANN)
    post.sender.start()
    post.sender.drain(60)
    assert sink.copies(ANN) == []
    assert post.states(one) == [DEFERRED]
    while full:
        post.sender.drain(60)
    post.sender.drain(60)
    assert post.states(one) == [ACCEPTED]
    assert len(sink.copies(ANN)) == 1


@pytest.mark.log_warning("the outbox cannot go on")
def test_a_verdict_that_cannot_be_written_is_held_and_written_later(
    post: PostOffice, sink: MailSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mua.engine.lane

    monkeypatch.setattr(mua.engine.lane, "LOCAL_SLEEP", 0.05)
    full = [True] * 5
    record = dispatch.record

    def failing(*args: object) -> None:
        if full and full.pop():
            raise MailError(Kind.LOCAL, Retry.SOON, "The disk is full.", code="disk-full")
        record(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(dispatch, "record", failing)
    one = post.queue(ANN)
    post.sender.start()
    post.sender.drain(60)
    assert post.states(one) == [ACCEPTED]
    assert len(sink.copies(ANN)) == 1


def test_a_message_whose_file_is_gone_is_refused_in_plain_words(post: PostOffice, sink: MailSink) -> None:
    one = post.queue(ANN)
    for path in post.profile.big.glob("outgoing-*"):
        path.unlink()
    post.sender.start()
    post.sender.drain(60)
    assert post.states(one) == [REFUSED]
    assert "disk" in post.get(one).recipients[0].text


def test_a_message_that_cannot_be_read_just_now_waits(
    post: PostOffice, sink: MailSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, faults = smtp_transaction._whole, [OSError(errno.EMFILE, "Too many open files")]

    def sometimes(body: Body) -> Iterator[bytes]:
        if faults:
            raise faults.pop()
        return whole(body)

    monkeypatch.setattr(smtp_transaction, "_whole", sometimes)
    one = post.queue(ANN)
    post.sender.start()
    post.sender.drain(60)
    assert post.states(one) == [DEFERRED]
    assert "Too many open files" in post.get(one).recipients[0].text
    post.later(MINUTE)
    assert post.states(one) == [ACCEPTED]


def test_who_waits_by_a_clock_that_was_ahead_does_not_wait_for_years(post: PostOffice, sink: MailSink) -> None:
    answer(sink, "rcpt", "451 4.3.0 later")
    year, right = 365 * 86400, post.clock
    post.clock += year
    one, wished = post.queue(ANN), post.queue(BEN, delay=2 * 86400, scheduled=True)
    post.sender.start()
    post.sender.drain(60)
    assert post.states(one) == [DEFERRED]
    post.later(-year)
    assert post.states(one) == [ACCEPTED]
    assert post.get(one).queued_at == right
    assert (post.states(wished), post.get(wished).not_before) == ([QUEUED], right + year + 2 * 86400)


# -- the sent copy of an IMAP account


def test_the_copy_waits_until_the_folders_are_known_and_is_wished_onto_the_server(
    tmp_path: Path, sink: MailSink
) -> None:
    with PostOffice.submitting(tmp_path, sink.port, incoming=Incoming.IMAP) as post:
        one = post.queue(ANN)
        post.sender.start()
        post.sender.drain(60)
        assert post.states(one) == [ACCEPTED]
        assert post.get(one).sent_copy is SentCopy.TODO
        with post.store.write() as tx:
            write.put_folder(tx, post.account_id, "Gesendet", role=Role.SENT)
        post.sender.poke()
        post.until(lambda: post.get(one).sent_copy is SentCopy.FILED)
        (row,) = post.sent()
        assert row.uid is None
        assert post.store.reader().value("SELECT want_append FROM message WHERE id = ?", row.id) == 1
        post.until(lambda: post.filed[-1:] == [post.account_id])


@contextmanager
def with_sent(tmp_path: Path, sink: MailSink, *, saves: bool) -> Iterator[tuple[PostOffice, FolderId]]:
    """An IMAP account with a Sent folder, whose server is known to file what is sent, or not known to."""
    with PostOffice.submitting(tmp_path, sink.port, incoming=Incoming.IMAP) as post:
        with post.store.write() as tx:
            folder = write.put_folder(tx, post.account_id, "Sent", role=Role.SENT)
            write.learn_saves_sent(tx, post.account_id, saves)
        yield post, folder


def served(post: PostOffice, folder: FolderId, one: OutgoingId, uid: int) -> None:
    """A pull finds the message in Sent."""
    with post.store.write() as tx:
        row = write.NewMessage(Envelope(message_id=post.get(one).message_id), post.clock, 100, uid)
        write.add_messages(tx, post.account_id, folder, [row])


def test_a_server_that_files_it_itself_is_left_to_it(tmp_path: Path, sink: MailSink) -> None:
    with with_sent(tmp_path, sink, saves=True) as (post, folder):
        one = post.queue(ANN)
        post.sender.start()
        post.sender.drain(60)
        assert post.get(one).sent_copy is SentCopy.TODO
        served(post, folder, one, 7)
        post.sender.poke()
        post.until(lambda: post.get(one).sent_copy is SentCopy.SERVER)
        assert [row.uid for row in post.sent()] == [7]


def test_a_copy_that_the_server_was_expected_to_file_and_did_not_is_filed_by_us(tmp_path: Path, sink: MailSink) -> None:
    with with_sent(tmp_path, sink, saves=True) as (post, _):
        one = post.queue(ANN)
        post.sender.start()
        post.sender.drain(60)
        assert post.sent() == []
        post.clock += SERVERS_TURN
        post.sender.poke()
        post.until(lambda: post.get(one).sent_copy is SentCopy.FILED)
        (row,) = post.sent()
        assert row.uid is None


@pytest.mark.parametrize("hidden", [False, True])
def test_a_server_that_is_seen_to_file_it_too_is_known_and_our_copy_goes(
    hidden: bool, tmp_path: Path, sink: MailSink
) -> None:
    with with_sent(tmp_path, sink, saves=False) as (post, folder):
        one = post.queue(ANN, bcc=BEN) if hidden else post.queue(ANN)
        post.sender.start()
        post.sender.drain(60)
        post.until(lambda: post.get(one).sent_copy is SentCopy.FILED)
        (ours,) = post.sent()
        with post.store.write() as tx:
            write.appended(tx, ours.id, 3)
        served(post, folder, one, 4)
        post.sender.poke()
        post.until(lambda: post.get(one).sent_copy is SentCopy.SERVER)
        assert read.saves_sent(post.store.reader(), post.account_id)
        gone = post.store.reader().value("SELECT want_gone FROM message WHERE id = ?", ours.id)
        assert gone == (0 if hidden else 1), "only ours tells who got it in secret"
        post.until(lambda: post.filed[-1:] == [post.account_id])


@pytest.mark.parametrize("by_hand", ["delete", "move"])
def test_our_copy_stays_when_a_person_takes_the_server_s_away(by_hand: str, tmp_path: Path, sink: MailSink) -> None:
    with with_sent(tmp_path, sink, saves=False) as (post, folder):
        one = post.queue(ANN)
        post.sender.start()
        post.sender.drain(60)
        post.until(lambda: post.get(one).sent_copy is SentCopy.FILED)
        (ours,) = post.sent()
        with post.store.write() as tx:
            write.appended(tx, ours.id, 3)
            trash = write.put_folder(tx, post.account_id, "Trash", role=Role.TRASH)
            row = write.NewMessage(Envelope(message_id=post.get(one).message_id), post.clock, 100, 4)
            added = write.add_messages(tx, post.account_id, folder, [row])
            if by_hand == "delete":
                write.wish_gone(tx, added, post.clock)
            else:
                write.wish_move(tx, added, trash, post.clock)
        assert post.sender.drain(60)
        assert post.get(one).sent_copy is SentCopy.FILED
        assert post.store.reader().value("SELECT want_gone FROM message WHERE id = ?", ours.id) == 0


# -- killed


def commits_of_one_message(folder: Path) -> int:
    with MailSink() as sink, PostOffice.submitting(folder, sink.port) as post:
        post.queue(ANN, BEN)
        before = post.store.commits
        post.sender.start()
        post.sender.drain(60)
        assert len(post.sent()) == 1
        return post.store.commits - before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the death that we ordered
@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after the commit"])
@pytest.mark.parametrize("at", range(1, 9))
def test_killed_at_every_commit(tmp_path: Path, sink: MailSink, at: int, after: bool) -> None:
    """Never lost, never doubled; unknown only between the mark and the verdict; the copy filed once."""
    with PostOffice.submitting(tmp_path, sink.port) as post:
        one = post.queue(ANN, BEN)
        store: MortalStore = post.store
        store.die_at, store.die_after = store.commits + at, after
        post.sender.start()
        post.sender.drain(60)
        for _ in range(2):
            post.restart()
            assert post.sender.drain(60)
        states = set(post.states(one))
        copies = {len(sink.copies(ANN)), len(sink.copies(BEN))}
        assert len(states) == len(copies) == 1
        if states == {UNKNOWN}:
            assert copies <= {0, 1}
            assert post.sent() == []
        else:
            assert (states, copies) == ({ACCEPTED}, {1})
            assert len(post.sent()) == 1
        assert not [row for row in outbox.unknowns(post.store.reader()) if states != {UNKNOWN}]


def test_the_kill_points_cover_a_whole_delivery(tmp_path: Path) -> None:
    assert commits_of_one_message(tmp_path) <= 8


def test_stopping_in_the_body_requeues(post: PostOffice, sink: MailSink) -> None:
    import threading

    reached, leave = threading.Event(), threading.Event()

    def hold(event: str, what: str) -> str | None:
        if event == "data":
            reached.set()
            leave.wait(10)
        return None

    sink.plan = hold
    one = post.queue(ANN)
    post.sender.start()
    assert reached.wait(60)
    post.sender.stop()
    post.sender.join(60)
    leave.set()
    assert post.states(one) == [QUEUED]
    sink.plan = lambda event, what: None
    post.restart()
    post.sender.drain(60)
    assert post.states(one) == [ACCEPTED]
    assert len(sink.copies(ANN)) == 1


def test_stopping_at_the_dot_waits_for_the_answer(post: PostOffice, sink: MailSink) -> None:
    import threading

    reached, leave = threading.Event(), threading.Event()

    def hold(event: str, what: str) -> str | None:
        if event == "dot":
            reached.set()
            leave.wait(10)
        return None

    sink.plan = hold
    one = post.queue(ANN)
    post.sender.start()
    assert reached.wait(60)
    post.sender.stop()
    leave.set()
    post.sender.join(60)
    assert post.states(one) == [ACCEPTED]


@pytest.mark.log_warning("the outbox cannot go on")
def test_a_copy_that_cannot_be_filed_never_makes_the_mail_go_out_again(
    post: PostOffice, sink: MailSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mua.engine.lane

    monkeypatch.setattr(mua.engine.lane, "LOCAL_SLEEP", 0.05)
    full = [True] * 3
    put = post.bodies.put

    def failing(*args: object, **options: bool) -> dict[int, int]:
        if full and full.pop():
            raise MailError(Kind.LOCAL, Retry.SOON, "The disk is full.", code="disk-full")
        return put(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(post.bodies, "put", failing)
    one, two = post.queue(ANN), post.queue(BEN)
    post.sender.start()
    while len(post.sent()) < 2:
        assert post.sender.drain(60)
    assert [post.states(one), post.states(two)] == [[ACCEPTED], [ACCEPTED]]
    assert [len(sink.copies(ANN)), len(sink.copies(BEN))] == [1, 1]


def test_a_verdict_stands(post: PostOffice, sink: MailSink) -> None:
    one = post.queue(ANN)
    post.sender.start()
    post.sender.drain(60)
    with post.store.write() as tx:
        late = Recipient(ANN, DEFERRED, Phase.MAIL, next_attempt=1)
        dispatch.record(tx, one, [dispatch.Verdict(late)], post.clock)
        assert dispatch.retry(tx, one, (ANN,), post.clock) == 0
        assert dispatch.cancel(tx, one, (), post.clock) == 0
    assert post.states(one) == [ACCEPTED]


@pytest.mark.log_warning("sending stopped")
def test_a_mistake_of_ours_after_the_dot_leaves_it_unknown(
    post: PostOffice, sink: MailSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mua.net.smtp_transaction import Session

    dot = Session._dot

    async def failing(self: Session, *args: object, **more: object) -> None:
        await dot(self, *args, **more)  # type: ignore[arg-type]
        raise OSError("nobody thought of this")

    monkeypatch.setattr(Session, "_dot", failing)
    one = post.queue(ANN)
    post.sender.start()
    post.sender.drain(60)
    assert post.states(one) == [UNKNOWN]
    assert len(sink.copies(ANN)) == 1


@pytest.mark.log_warning("sending stopped")
def test_a_mistake_of_ours_before_the_dot_is_an_attempt_and_not_made_again_at_once(
    post: PostOffice, sink: MailSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mua.net.smtp_transaction import Session

    async def failing(*_: object, **__: object) -> None:
        raise TypeError("nobody thought of this")

    ones = [post.queue(ANN, BEN), post.queue(CAT)]
    with monkeypatch.context() as patched:
        patched.setattr(Session, "send", failing)
        post.sender.start()
        assert post.sender.drain(20)
        for one in ones:
            assert {(to.state, to.attempts) for to in post.get(one).recipients} == {(DEFERRED, 1)}
        (cat,) = post.get(ones[1]).recipients
        assert (cat.next_attempt, sink.connections) == (post.clock + MINUTE, 2)
        assert cat.text.startswith("Mua made a mistake while it sent this")
        post.later(MINUTE)
        assert {to.attempts for one in ones for to in post.get(one).recipients} == {2}
        assert sink.connections == 4
    post.later(HOUR)
    assert [post.states(one) for one in ones] == [[ACCEPTED, ACCEPTED], [ACCEPTED]]


@pytest.mark.log_warning("sending stopped")
def test_a_mistake_of_ours_before_anything_was_begun_is_an_attempt_too(post: PostOffice) -> None:
    def failing(account: Account) -> str:
        raise KeyError("nobody thought of this")

    account = read.account(post.store.reader(), post.account_id)
    assert account is not None
    assert account.submission is not None
    with post.store.write() as tx:
        write.update_account(tx, replace(account, submission=replace(account.submission, user="me")))
    post.password = failing
    one = post.queue(ANN)
    post.sender.start()
    assert post.sender.drain(20)
    (ann,) = post.get(one).recipients
    assert (ann.state, ann.attempts, ann.next_attempt) == (DEFERRED, 1, post.clock + MINUTE)


def test_nobody_forges_a_line_of_the_log_or_a_field_of_one(post: PostOffice, sink: MailSink) -> None:
    odd = '"a host=mx code=250 ok"@example.net'
    answer(sink, "rcpt", "550-no\r\n550 2026-11-30 03:00:00,000 INFO mua.smtp sender: outgoing 7: accepted at done")
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(log.Masker("%(name)s: %(message)s"))
    level = log.SMTP.level
    log.SMTP.addHandler(handler)
    log.SMTP.setLevel("INFO")
    try:
        one = post.queue(odd)
        post.sender.start()
        assert post.sender.drain(20)
    finally:
        log.SMTP.removeHandler(handler)
        log.SMTP.setLevel(level)
    assert post.states(one) == [REFUSED]
    (line,) = (line for line in said.getvalue().splitlines() if "outgoing" in line)
    assert line.startswith(f"mua.smtp: outgoing {one}: refused at rcpt: from=<{ME}> to=<")
    assert [part.partition("=")[0] for part in line.split(" code=550 ")[0].split() if "=" in part] == [
        "from", "to", "host", "tls",
    ]  # fmt: skip
