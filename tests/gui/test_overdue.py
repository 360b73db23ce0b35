"""What waits too long is said once, plainly, with another way out; and what is sent without the window is said, too."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from gui_office import Office, office, wait_until
from PySide6.QtWidgets import QApplication

from mua import wire
from mua.gui import outbox_words as said
from mua.gui.notices import Banner
from mua.gui.notify import farewell
from mua.gui.outbox import OutboxPage
from mua.gui.outbox_card import OutgoingCard
from mua.gui.overdue import sentence
from mua.gui.widgets import Button
from mua.model.account import AccountId, Incoming, Route
from mua.model.address import Address
from mua.model.outgoing import Draft, Outgoing, OutgoingId, Recipient, RecipientState
from mua.plan.overdue import Stage
from mua.plan.retry import DAY, HOUR, MINUTE
from mua.store import outbox

pytestmark = pytest.mark.gui

LATER = "later@larkspur.example"
NOW = 1_800_000_000


@pytest.fixture
def place(qapp: QApplication, tmp_path: Path) -> Iterator[Office]:
    """A message that its server defers."""
    with office(tmp_path / "p") as made:
        made.servers.do(lambda: setattr(made.servers.servers.smtp.post, "greylist", 3600.0))
        made.sign_in()
        draft = Draft(Address("Robin", "robin@demo.mua.example"), (Address("", LATER),), subject="The hall", text="x")
        made.ask(wire.Send(made.program.desk.accounts[0].id, draft))
        wait_until(lambda: made.states() == {LATER: "deferred"}, "deferred")
        yield made


def ago(place: Office, seconds: int) -> None:
    """The message has been waiting since then; the window looks."""
    with apsw.Connection(str(place.program.profile.cache_db)) as db:
        db.set_busy_timeout(10_000)
        then = int(time.time()) - seconds
        db.execute("UPDATE outgoing SET queued_at = ?, not_before = ?", (then, then))
    place.rooms._count_waiting()


def banner(place: Office) -> Banner:
    return place.program.window.overdue


def press(parent: Banner | OutgoingCard, text: str) -> None:
    next(one for one in parent.findChildren(Button) if one.accessibleName() == text).click()


def test_a_note_a_warning_and_after_a_day_plainly_each_once(place: Office) -> None:
    told: list[Outgoing] = []
    place.program.desk.overdue.connect(told.append)
    toast = place.program.window.toast
    ago(place, 29 * MINUTE)
    assert "reached everyone" not in toast.text()
    ago(place, 31 * MINUTE)
    assert toast.text() == "“The hall” has not reached everyone for half an hour. Mua goes on trying."
    assert banner(place).isHidden()
    toast.hide()
    ago(place, 32 * MINUTE)
    assert toast.isHidden()
    ago(place, 4 * HOUR + 5)
    assert not banner(place).isHidden()
    assert "goes on trying until" in banner(place).text()
    press(banner(place), "Dismiss")
    ago(place, 5 * HOUR)
    assert banner(place).isHidden()
    assert told == []
    ago(place, DAY + 5)
    assert "for a day. Take it back to change it" in banner(place).text()
    assert [one.subject for one in told] == ["The hall"]
    ago(place, 2 * DAY)
    assert len(told) == 1


def test_what_was_told_is_not_told_again_by_the_next_window(place: Office) -> None:
    ago(place, DAY + 5)
    assert not banner(place).isHidden()
    banner(place).hide()
    place.rooms._overdue = None  # another window over the same state
    place.rooms._count_waiting()
    assert banner(place).isHidden()


def test_when_it_goes_the_banner_goes(place: Office) -> None:
    ago(place, DAY + 5)
    assert not banner(place).isHidden()
    place.servers.do(lambda: setattr(place.servers.servers.smtp.post, "greylist", 0.0))
    (one,) = outbox.listed(place.db)
    place.ask(wire.RetryOutgoing(one.id))
    wait_until(lambda: place.states() == {LATER: "accepted"}, "accepted")
    wait_until(lambda: banner(place).isHidden(), "the banner")


def test_it_leads_to_the_message_and_another_account_s_server_is_one_click(place: Office) -> None:
    other = replace(
        place.account(), name="other", email="other@demo.mua.example", incoming=Incoming.LOCAL, incoming_server=None
    )
    place.ask(wire.AddAccount(other, place.servers.login.password))
    wait_until(lambda: len(place.program.desk.accounts) == 2, "the other account")
    ago(place, DAY + 5)
    press(banner(place), "Look")
    page = place.rooms.page
    assert isinstance(page, OutboxPage)
    (card,) = page.cards
    assert any(one.text().startswith("It could not be delivered for a day.") for one in card.findChildren(Banner))
    assert {"Take it back", "Try again now"} <= {one.accessibleName() for one in card.findChildren(Button)}
    place.servers.do(lambda: setattr(place.servers.servers.smtp.post, "greylist", 0.0))
    press(card, "Send through other@demo.mua.example")
    wait_until(lambda: place.states() == {LATER: "accepted"}, "accepted")


def test_the_window_closes_with_mail_that_waits_and_says_so(place: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, str, int]] = []
    place.program.preferences = replace(place.program.preferences, notifications=True)
    monkeypatch.setattr(place.program.desktop, "notify", lambda *words: heard.append(words))
    place.program.window.closed.emit()
    [(title, _, number)] = heard
    assert title == "Mua goes on sending"
    place.program.desktop.notification_clicked.emit(number)  # the outbox as it stands, not one message
    assert place.rooms.page is not None
    assert heard[0][1].startswith("1 message waits;")


# ---- words


def message(number: int, not_before: int, *, scheduled: bool = True) -> Outgoing:
    made = Outgoing(
        OutgoingId(number), AccountId(1), "m@example.org", "S", "a@example.org", Route.SMTP, NOW - 60, not_before,
        (Recipient("r@example.org", RecipientState.QUEUED),),
    )  # fmt: skip
    return replace(made, scheduled=scheduled)


def test_what_is_said_when_the_window_closes() -> None:
    when = said.day(NOW + 3 * DAY, NOW)
    assert farewell([], NOW) == ""
    assert farewell([message(1, NOW - 60, scheduled=False)], NOW).startswith("1 message waits; this computer")
    assert farewell([message(1, NOW + 3 * DAY)], NOW).startswith(f"1 message waits until {when};")
    two = farewell([message(1, NOW + DAY), message(2, NOW + 3 * DAY), message(3, NOW - 60, scheduled=False)], NOW)
    assert two.startswith(f"3 messages wait, the last until {when};")


def test_several_are_told_as_one() -> None:
    several = [message(1, NOW - DAY), message(2, NOW - DAY)]
    told = "2 messages have been waiting for a day or longer."
    assert sentence(several, Stage.DAY, NOW, others=True).startswith(f"{told} Send it through another account, take")
    assert sentence(several, Stage.DAY, NOW, others=False).startswith(f"{told} Take it back")
