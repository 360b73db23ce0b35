"""The outbox: each recipient's state in the server's own words, and what can be done about it."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gui_office import Office, office, wait_until
from post_office import PostOffice
from PySide6.QtWidgets import QApplication

from mua import wire
from mua.gui import outbox_words as said
from mua.gui.library import Library
from mua.gui.outbox import OutboxPage
from mua.gui.outbox_card import Dialogue, OutgoingCard
from mua.gui.places import Place
from mua.gui.widgets import Button, Label
from mua.model.account import AccountId, Incoming, Route
from mua.model.address import Address
from mua.model.folder import FolderId, Role
from mua.model.outgoing import Draft, DraftAttachment, Outgoing, OutgoingId, Phase, Recipient, RecipientState, SentCopy
from mua.paths import Profile
from mua.plan.protection import Best, Level
from mua.store import outbox, protection, read
from mua.store.db import Store

NOW = 1_800_000_000.0
State = RecipientState


@pytest.fixture
def place(qapp: QApplication, tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "p") as made:
        made.servers.do(lambda: setattr(made.servers.servers.smtp.post, "greylist", 3600.0))
        made.sign_in()
        yield made


def send(place: Office, *addresses: str, delay: int = 0) -> None:
    draft = Draft(Address("Robin", "robin@demo.mua.example"), tuple(Address("", one) for one in addresses))
    account = place.program.desk.accounts[0].id
    place.ask(wire.Send(account, Draft(draft.sender, draft.to, subject="Where is it?", text="x"), delay=delay))


def page(place: Office) -> OutboxPage:
    place.rooms.open_outbox()
    assert isinstance(place.rooms.page, OutboxPage)
    return place.rooms.page


def click(card: OutgoingCard, text: str) -> None:
    next(one for one in card.findChildren(Button) if one.accessibleName() == text).click()


def choose(card: OutgoingCard, address: str, text: str) -> None:
    """An entry of a recipient's own menu."""
    menu = card.menu([one for one in card.message.recipients if one.address == address])
    next(one for one in menu.actions() if one.text() == text).trigger()


def sentences(shown: OutboxPage) -> dict[str, str]:
    return {one.address: label.text() for card in shown.cards for one, label in card._sentences}


def test_accepted_refused_and_deferred_are_shown_in_the_server_s_words(place: Office) -> None:
    send(place, "amara.okoye@larkspur.example", "refused@larkspur.example", "later@larkspur.example")
    wait_until(lambda: set(place.states().values()) == {"accepted", "refused", "deferred"}, "three verdicts")
    shown = sentences(page(place))
    assert shown["amara.okoye@larkspur.example"].startswith("Accepted")
    assert shown["refused@larkspur.example"] == "550 5.1.1 There is nobody of this name here"
    assert shown["later@larkspur.example"].startswith("451 4.7.1 Greylisted: we do not know you yet")
    assert "Next try in" in shown["later@larkspur.example"]
    wait_until(lambda: place.program.desk.waiting == 1, "the sidebar's number")


def test_a_deferred_recipient_is_tried_again_by_hand_and_shows_at_once(place: Office) -> None:
    send(place, "later@larkspur.example")
    wait_until(lambda: set(place.states().values()) == {"deferred"}, "deferred")
    shown = page(place)
    place.servers.do(lambda: setattr(place.servers.servers.smtp.post, "greylist", 0.0))
    (card,) = shown.cards
    click(card, "Try again now")
    wait_until(lambda: set(place.states().values()) == {"accepted"}, "accepted")
    wait_until(lambda: shown.cards == [], "it left the page")
    shown.choose("all")
    assert len(shown.cards) == 1


def test_what_waits_can_be_taken_back(place: Office) -> None:
    send(place, "amara.okoye@larkspur.example", delay=60)
    shown = page(place)
    assert sentences(shown)["amara.okoye@larkspur.example"].startswith("Goes out in")
    click(shown.cards[0], "Take it back")
    wait_until(lambda: place.rooms.composing.composers, "what was written")
    assert set(place.states().values()) == {"cancelled"}
    (composer,) = place.rooms.composing.composers.values()
    letter = composer.letter()
    assert [one.address for one in letter.to] == ["amara.okoye@larkspur.example"]
    assert (letter.subject, letter.text) == ("Where is it?", "x")
    assert place.mails("Sent") == []


def test_one_recipient_is_taken_back_and_the_others_wait(place: Office) -> None:
    send(place, "amara.okoye@larkspur.example", "ben@larkspur.example", delay=60)
    choose(page(place).cards[0], "ben@larkspur.example", "Take it back")
    wait_until(lambda: place.rooms.composing.composers, "what was written to one")
    assert place.states() == {"amara.okoye@larkspur.example": "queued", "ben@larkspur.example": "cancelled"}
    (composer,) = place.rooms.composing.composers.values()
    assert [one.address for one in composer.letter().to] == ["ben@larkspur.example"]


def test_what_was_refused_is_edited_and_sent_as_a_message_of_its_own(place: Office, tmp_path: Path) -> None:
    (tmp_path / "plan.txt").write_bytes(b"the plan")
    account, robin = place.program.desk.accounts[0].id, Address("Robin", "robin@demo.mua.example")
    to = (Address("", "amara.okoye@larkspur.example"),)
    hidden = (Address("", "refused@larkspur.example"),)
    files = (DraftAttachment(str(tmp_path / "plan.txt"), "plan.txt"),)
    draft = Draft(robin, to, bcc=hidden, subject="The plan", text="Here.", attachments=files)
    place.ask(wire.Send(account, draft))
    wait_until(lambda: set(place.states().values()) == {"accepted", "refused"}, "two verdicts")
    (tmp_path / "plan.txt").unlink()
    click(page(place).cards[0], "Edit and send again")
    wait_until(lambda: place.rooms.composing.composers, "a composer")
    (composer,) = place.rooms.composing.composers.values()
    letter = composer.letter()
    assert (letter.to, [one.address for one in letter.bcc]) == ((), ["refused@larkspur.example"])
    assert [Path(one.path).read_bytes() for one in letter.attached] == [b"the plan"]
    place.ask(place.rooms.composing.command(letter, 0))
    wait_until(lambda: len(outbox.listed(place.db, finished=True)) == 2, "a second message")
    again, before = outbox.listed(place.db, finished=True)
    assert again.message_id != before.message_id
    assert [one.address for one in again.recipients] == ["refused@larkspur.example"]


def test_another_account_s_server_can_take_it(place: Office) -> None:
    send(place, "later@larkspur.example")
    wait_until(lambda: set(place.states().values()) == {"deferred"}, "deferred")
    other = dataclasses.replace(
        place.account(), name="other", email="other@demo.mua.example", incoming=Incoming.LOCAL, incoming_server=None
    )
    place.ask(wire.AddAccount(other, place.servers.login.password))
    wait_until(lambda: len(place.program.desk.accounts) == 2, "the other account")
    place.servers.do(lambda: setattr(place.servers.servers.smtp.post, "greylist", 0.0))
    choose(page(place).cards[0], "later@larkspur.example", "Send through other@demo.mua.example")
    wait_until(lambda: set(place.states().values()) == {"accepted"}, "accepted")
    (sent,) = outbox.listed(place.db, finished=True)
    assert sent.via is not None
    assert sent.via != sent.account_id
    wait_until(lambda: len(place.mails("Sent")) == 1, "the copy in the sender's own Sent")


def test_a_timeline_has_every_step(place: Office) -> None:
    send(place, "later@larkspur.example")
    wait_until(lambda: set(place.states().values()) == {"deferred"}, "deferred")
    shown = page(place)
    shown._open.add((int(shown.cards[0].message.id), "later@larkspur.example"))
    shown._shown = None
    shown.refresh()
    lines = [label.text() for label in shown.cards[0].findChildren(Label)]
    assert any("Queued" in line for line in lines)
    assert any("Not yet at 127.0.0.1" in line and "451" in line for line in lines)
    assert any(line.startswith("Message-ID ") for line in lines)
    (what_was_said,) = shown.cards[0].findChildren(Dialogue)
    assert what_was_said.text.isHidden()
    what_was_said.toggle()
    said_lines = what_was_said.text.text().split("\n")
    assert any(line.strip().startswith("C: RCPT TO:<later@larkspur.example>") for line in said_lines)
    refused = [line for line in said_lines if line.startswith("→")]
    assert refused[0].startswith("→ S: 451 4.7.1 Greylisted")
    assert place.servers.login.password not in what_was_said.text.text()


BOUNCE = """From: MAILER-DAEMON@larkspur.example
To: robin@demo.mua.example
Subject: Undelivered
Content-Type: multipart/report; boundary=cut

--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; larkspur.example

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 Nobody of this name

--cut
Content-Type: text/rfc822-headers

Message-ID: <{message_id}>
--cut--
"""


def test_a_sent_message_tells_where_it_is_and_that_it_came_back(place: Office) -> None:
    address = "amara.okoye@larkspur.example"
    send(place, address)
    desk, reader = place.program.desk, place.program.desk.reader
    wait_until(lambda: place.mails("Sent"), "the sent copy")
    folder = FolderId(place.folder(Role.SENT))
    wait_until(lambda: read.folder_order(place.db, folder), "the sent copy in the list")
    desk.show_place(Place(folder=folder))
    desk.listing.view.select(read.folder_order(place.db, folder)[0])
    wait_until(lambda: reader.row is not None and not reader.pane.journey.isHidden(), "the line over it")
    assert reader.pane.journey.text().startswith("Accepted")
    (sent,) = outbox.listed(place.db, finished=True)
    report = BOUNCE.format(address=address, message_id=sent.message_id).encode()
    place.servers.do(lambda: place.servers.mailbox.find("INBOX").add(report, int(NOW)))
    wait_until(
        lambda: reader.pane.journey.text() == "It came back, undelivered: 550 5.1.1 Nobody of this name", "the bounce"
    )
    reader.journey_wanted.emit()
    assert isinstance(place.rooms.page, OutboxPage)
    lines = [label.text() for label in place.rooms.page.cards[0].findChildren(Label)]
    assert any("· It came back, undelivered" in line for line in lines)
    assert "Came back" in lines


def outgoing(*states: RecipientState) -> Outgoing:
    recipients = tuple(Recipient(f"r{at}@example.org", state) for at, state in enumerate(states))
    return Outgoing(
        OutgoingId(1), AccountId(1), "m@example.org", "S", "a@example.org", Route.SMTP, int(NOW) - 60, 0, recipients,
        SentCopy.FILED,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((State.ACCEPTED, State.ACCEPTED), "Accepted · copy kept in Sent"),
        ((State.ACCEPTED, State.REFUSED), "Refused: 1 of 2"),
        ((State.UNKNOWN, State.REFUSED), "Not known: 1 of 2"),
        ((State.QUEUED,), "Waiting"),
    ],
)
def test_the_headline_tells_trouble_first(states: tuple[State, ...], expected: str) -> None:
    assert said.headline(outgoing(*states), NOW)[2] == expected


def test_every_state_has_a_sentence_and_a_look() -> None:
    for state in State:
        one = Recipient("a@example.org", state, Phase.DOT, None, "", int(NOW) + 200)
        assert said.sentence(one, NOW)
        assert said.LOOKS[state][2]
    deferred = Recipient("a@example.org", State.DEFERRED, text="try\u202e later", code=451, next_attempt=int(NOW) + 200)
    assert said.sentence(deferred, NOW) == "451 try later. Next try in 3 min."


def test_what_failed_counts_until_it_was_looked_at() -> None:
    failed, waiting = outgoing(State.REFUSED), outgoing(State.DEFERRED)
    assert said.needs_attention([failed, waiting], 0, NOW) == 2
    assert said.needs_attention([failed, waiting], int(NOW), NOW) == 1


def test_an_unknown_fate_is_not_sent_again_without_the_sentence(qapp: QApplication, place: Office) -> None:
    card = OutgoingCard(outgoing(State.UNKNOWN), {1: "a@example.org"}, place.program.library, set())
    heard: list[wire.RetryOutgoing] = []
    card.asked.connect(heard.append)
    click(card, "Send again…")
    assert heard == []
    assert card.question.text() == said.TWICE
    card.question._buttons[0].click()
    assert heard == [wire.RetryOutgoing(1, ("r0@example.org",))]
    card.deleteLater()


def test_leave_for_less_protection_is_asked_for_where_mail_waits_for_that(qapp: QApplication, tmp_path: Path) -> None:
    store = Store(Profile(tmp_path).create())
    with store.write() as tx:
        for domain, held in (("here.example", True), ("there.example", False)):
            protection.reached(tx, domain, Best(Level.TLS), int(time.time()))
            protection.hold(tx, domain, held)
    addresses = (("a@here.example", State.DEFERRED), ("b@here.example", State.ACCEPTED), ("c@Here.example",
        State.DEFERRED), ("d@there.example", State.DEFERRED))  # fmt: skip
    message = dataclasses.replace(outgoing(), recipients=tuple(Recipient(*one) for one in addresses))
    library = Library(Profile(tmp_path))
    card = OutgoingCard(message, {1: "a@example.org"}, library, set())
    heard: list[wire.RetryOutgoing] = []
    card.asked.connect(heard.append)
    [first, _] = [one for one in card.findChildren(Button) if "less protection" in one.accessibleName()]
    assert first.accessibleName() == "Send with less protection to here.example…"
    first.click()
    assert heard == []
    assert card.question.text() == said.less("here.example")
    card.question._buttons[0].click()
    assert heard == [wire.RetryOutgoing(1, ("a@here.example", "c@Here.example"), less_protection=True)]
    card.deleteLater()
    library.close()
    store.close()


def test_a_failure_that_was_read_is_put_away_and_stays_under_all(place: Office) -> None:
    send(place, "refused@larkspur.example")
    wait_until(lambda: set(place.states().values()) == {"refused"}, "the verdict")
    shown = page(place)
    [button] = [one for one in shown.cards[0].findChildren(Button) if one.accessibleName() == "Put away"]
    button.click()
    assert shown.cards == []
    shown.choose("all")
    assert len(shown.cards) == 1
    assert "Put away" not in [one.accessibleName() for one in shown.cards[0].findChildren(Button)]
    assert page(place).cards == []  # also when it is opened again


def test_a_report_about_what_was_not_sent_from_here_is_offered_as_junk(place: Office) -> None:
    send(place, "refused@larkspur.example")
    wait_until(lambda: set(place.states().values()) == {"refused"}, "a message of ours, that nobody answers")
    desk, reader = place.program.desk, place.program.desk.reader
    strange = BOUNCE.format(address="amara.okoye@larkspur.example", message_id="never.sent@demo.mua.example").encode()
    place.servers.do(lambda: place.servers.mailbox.find("INBOX").add(strange, int(NOW)))
    inbox = FolderId(place.folder(Role.INBOX))
    wait_until(lambda: read.folder_order(place.db, inbox), "the report")
    desk.show_place(Place(folder=inbox))
    desk.listing.view.select(read.folder_order(place.db, inbox)[0])
    wait_until(lambda: reader.row is not None and not reader.pane.backscatter.isHidden(), "the line over it")
    assert reader.pane.backscatter.text() == "This says that mail was not delivered, but it was not sent from here."
    assert len(place.mails("INBOX")) == 1, "nothing happens by itself"
    (button,) = [one for one in reader.pane.backscatter.findChildren(Button) if one.text() == "Move to Junk"]
    button.click()
    wait_until(lambda: not read.folder_order(place.db, inbox), "it to leave the inbox")
    wait_until(lambda: not place.mails("INBOX"), "the server to follow")
    assert set(place.states().values()) == {"refused"}


def test_the_page_reads_what_it_shows_not_all_that_was_ever_sent(qapp: QApplication, tmp_path: Path) -> None:
    """It reads on the window's thread, at each change and each second: of 5,000 messages that took 0.2 s."""
    with PostOffice(tmp_path / "p") as post:
        with post.store.write() as tx:
            sql = (
                "INSERT INTO outgoing(account_id, message_id, subject, envelope_from, route, queued_at, not_before,"
                " size, finished_at, wire_file, copy_file, sent_copy)"
                " VALUES(?, ?, 'x', 'me', 'smtp', 1, 1, 1, 2, '', '', 'filed')"
            )
            for number in range(5000):
                tx.run(sql, post.account_id, f"m{number}")
            for address in ("a@x.test", "b@x.test"):
                sql = "INSERT INTO recipient(outgoing_id, address, state) SELECT id, ?, 'accepted' FROM outgoing"
                tx.run(sql, address)
        db = post.store.reader()
        shown = OutboxPage(Library(post.profile), read.accounts(db))
        shown.choose("all")
        assert len(shown.cards) == 100

        def cost(what: Callable[[], object]) -> float:
            started = time.process_time()
            what()
            return time.process_time() - started

        everything = min(cost(lambda: outbox.listed(db, finished=True)) for _ in range(3))
        for which in ("waiting", "scheduled", "all"):
            shown.choose(which)
            assert min(cost(shown.refresh) for _ in range(5)) < everything / 4
        shown.deleteLater()
