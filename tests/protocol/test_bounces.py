"""Who submitted a message is told what became of it, once, and a report begets no report."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from exchangers import World, always
from mail_sink import DROP

from mua.engine.aliases import Aliases
from mua.engine.bounces import remove_spent, tell_submitters, warn_submitters
from mua.engine.pickup import PickUp
from mua.mime.report import report
from mua.model.outgoing import Outgoing, RecipientState
from mua.model.submission import NOTIFY, Submission
from mua.plan.retry import DAY, HOUR
from mua.store import dispatch, drop, outbox, wire_files

HEAD = b"From: ann@here.test\r\nSubject: x\r\nDate: Mon, 30 Nov 2026 02:32:41 +0000\r\nMessage-ID: <a@b>\r\n\r\nHi\r\n"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "mailname").write_text("here.test\n")
    monkeypatch.setenv("MUA_ETC", str(tmp_path / "etc"))
    made = World(tmp_path / "profile")
    with made.stack:
        yield made


class House:
    """A program that delivers by itself, and its drop folder."""

    def __init__(self, world: World, folder: Path) -> None:
        self.post = world.program()
        self.drop = folder
        with self.post.store.write() as tx:  # the account of the test is the system's
            tx.run("UPDATE account SET name = 'system'")
        self.pickup = PickUp(self.post.context, folder, self.post.sender.poke)

    def submit(
        self, *recipients: str, sender: str = "ann@there.test", notify: tuple[str, ...] = NOTIFY
    ) -> Outgoing:  # fmt: skip
        drop.leave(self.drop, Submission(sender, recipients, notify=notify), [HEAD])
        self.pickup.look()
        assert self.post.sender.drain(30)
        return self.post.outbox()[0]

    def settle(self) -> None:
        self.pickup.settle()
        assert self.post.sender.drain(30)

    def files(self) -> list[str]:
        return [path.name for path in self.post.profile.big.iterdir() if path.name.startswith(wire_files.PREFIX)]


@pytest.fixture
def house(world: World, tmp_path: Path) -> House:
    world.domain("there.test", "10 mx1")
    world.domain("bad.test", "10 mx2")
    world.domain("later.test", "10 mx3")  # nobody listens there
    world.domain("lost.test", "10 mx4")
    world.exchanger(1)
    world.exchanger(2, always("rcpt", "550 5.1.1 Nobody of that name"))
    return House(world, tmp_path / "drop")


def test_a_refused_recipient_is_reported_to_who_submitted(world: World, house: House) -> None:
    one = house.submit("bob@bad.test", "carol@there.test")
    house.settle()
    [got] = world.sinks[1].copies("ann@there.test")
    assert [line.split()[1] for line in world.sinks[1].lines if line.startswith("MAIL")] == [
        "FROM:<ann@there.test>", "FROM:<>",
    ]  # fmt: skip
    found = report(got)
    assert found is not None
    assert found.message_id == one.message_id
    assert [(told.address, told.status, told.action) for told in found.recipients] == [
        ("bob@bad.test", "5.1.1", "failed")
    ]
    house.settle()
    assert len(house.post.outbox()) == 2


def test_a_report_that_cannot_be_delivered_begets_none(house: House) -> None:
    house.submit("bob@bad.test", sender="nobody@bad.test")
    house.settle()
    house.settle()
    states = [one.recipients[0].state for one in house.post.outbox()]
    assert states == ["refused", "refused"]
    assert [one.envelope_from for one in house.post.outbox()] == ["", "nobody@bad.test"]


def test_nobody_is_told_of_what_has_no_sender(house: House) -> None:
    house.submit("bob@bad.test", sender="")
    house.settle()
    assert len(house.post.outbox()) == 1
    assert outbox.untold(house.post.store.reader()) == []


def test_it_waits_until_everybody_was_tried_and_tells_of_each_once(world: World, house: House) -> None:
    house.submit("bob@bad.test", "carol@bad.test", "dave@later.test")
    house.settle()
    assert len(house.post.outbox()) == 2
    [got] = world.sinks[1].copies("ann@there.test")
    found = report(got)
    assert found is not None and len(found.recipients) == 2


def test_killed_between_report_and_mark_it_is_queued_once(house: House) -> None:
    house.submit("bob@bad.test")
    store = house.post.store
    house.post.sender.stop()
    house.post.sender.join(20)
    store.die_at, store.die_after = store.commits + 1, True
    with pytest.raises(SystemExit):
        tell_submitters(house.post.context, Aliases(), lambda _: None)
    house.post.restart()
    tell_submitters(house.post.context, Aliases(), lambda _: None)
    assert len(house.post.outbox()) == 2


def test_after_a_persons_retry_there_is_another_report(house: House) -> None:
    one = house.submit("bob@bad.test")
    house.settle()
    with house.post.store.write(durable=True) as tx:
        assert dispatch.retry(tx, one.id, (), house.post.clock) == 1
    assert house.post.sender.drain(30)
    house.settle()
    assert len(house.post.outbox()) == 3


def test_files_of_what_arrived_go_and_of_what_was_refused_stay(house: House) -> None:
    house.submit("carol@there.test")
    house.submit("bob@bad.test")
    house.settle()  # the report is delivered, too
    house.settle()
    assert len(house.files()) == 1
    assert remove_spent(house.post.context) == 0
    with house.post.store.write() as tx:
        names = dispatch.forget_submissions(tx, house.post.clock + 1)
    assert len(names) == 3
    assert house.post.outbox() == []
    assert house.post.store.reader().value("SELECT count(*) FROM recipient") == 0


@pytest.mark.log_warning("hands mail to a program")
def test_aliases_lead_mail_and_reports_and_run_nothing(world: World, house: House, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (tmp_path / "etc" / "aliases").write_text(f'root: boss@there.test\nnobody: root\nrobot: "|touch {mark}"\n')
    house.submit("root@here.test", "robot@here.test", sender="nobody@here.test")
    house.settle()
    _, got = world.sinks[1].copies("boss@there.test")
    found = report(got)
    assert found is not None
    assert [told.address for told in found.recipients] == ["robot@here.test"]
    assert not mark.exists()


def test_what_waits_for_hours_is_told_of_once(world: World, house: House) -> None:
    one = house.submit("carol@there.test", "dave@later.test")
    house.post.later(4 * HOUR - 1)
    house.settle()
    assert world.sinks[1].copies("ann@there.test") == []
    house.post.later(1)
    for _ in range(2):
        house.settle()
    [got] = world.sinks[1].copies("ann@there.test")
    found = report(got)
    assert found is not None
    assert found.message_id == one.message_id
    [told] = found.recipients
    assert (told.address, told.action, told.status) == ("dave@later.test", "delayed", "4.4.1")
    assert told.until == one.queued_at + 4 * DAY
    assert b"Subject: Not delivered yet: x\r\n" in got
    assert b"it is tried until" in got
    house.post.later(DAY)
    house.settle()
    assert len(house.post.outbox()) == 2
    assert outbox.late(house.post.store.reader(), house.post.clock) == []


@pytest.mark.parametrize(
    "sender, notify, reports",
    [
        ("ann@there.test", (), []),
        ("ann@there.test", ("failure",), ["failed"]),
        ("ann@there.test", ("delay",), ["delayed"]),
        ("ann@there.test", NOTIFY, ["failed", "delayed"]),
        ("", NOTIFY, []),
    ],
)
def test_nobody_hears_what_he_did_not_want_to_hear(
    world: World, house: House, sender: str, notify: tuple[str, ...], reports: list[str]
) -> None:
    house.submit("bob@bad.test", sender=sender, notify=notify)
    house.submit("dave@later.test", sender=sender, notify=notify)
    house.settle()
    house.post.later(4 * HOUR)
    house.settle()
    found = [report(one) for one in world.sinks[1].copies("ann@there.test")]
    assert [told.action for one in found if one is not None for told in one.recipients] == reports
    assert outbox.untold(house.post.store.reader()) == outbox.late(house.post.store.reader(), house.post.clock) == []


def test_many_are_told_one_lot_after_the_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one lot at each look, ten seconds apart."""
    for number in range(3):
        house.submit(f"bob{number}@bad.test", notify=() if number == 1 else NOTIFY)
    monkeypatch.setattr(outbox, "MAX_TOLD", 2)
    first_two = outbox.untold
    monkeypatch.setattr(outbox, "untold", lambda db: first_two(db, 2))
    assert [house.pickup.settle(), house.pickup.settle()] == [True, False]
    assert outbox.untold(house.post.store.reader()) == []
    assert len([one for one in house.post.outbox() if not one.envelope_from]) == 2


def test_what_was_lost_at_the_dot_is_looked_for_where_it_could_turn_up(world: World, house: House) -> None:
    """A server's account has no folders, and what nobody knows of is kept for a month: each pass would look for all."""
    world.exchanger(4, always("dot", DROP))
    theirs, db = house.submit("dan@lost.test"), house.post.store.reader()
    assert [one.state for one in theirs.recipients] == [RecipientState.UNKNOWN]
    assert outbox.unknowns(db) == []
    ours = house.post.queue("dan@lost.test")
    assert house.post.sender.drain(30)
    assert [one.id for one in outbox.unknowns(db)] == [ours]


def test_a_warning_is_not_warned_of(house: House) -> None:
    """It waits for hours itself, where its reader is away, too."""
    house.submit("dave@later.test", sender="eve@later.test")
    for _ in range(3):
        house.post.later(4 * HOUR)
        house.settle()
    assert [one.envelope_from for one in house.post.outbox()] == ["", "eve@later.test"]


def test_killed_between_warning_and_mark_it_is_queued_once(house: House) -> None:
    house.submit("dave@later.test")
    house.post.clock += 4 * HOUR
    store = house.post.store
    house.post.sender.stop()
    house.post.sender.join(20)
    store.die_at, store.die_after = store.commits + 1, True
    with pytest.raises(SystemExit):
        warn_submitters(house.post.context, Aliases(), lambda _: None)
    house.post.restart()
    assert warn_submitters(house.post.context, Aliases(), lambda _: None) == 1
    assert len(house.post.outbox()) == 2
