"""Snooze, pin and filters in the window: keys, palette, the lines above the list, and what a list is narrowed to."""

import time
from types import SimpleNamespace

import pytest
from gui_mail import Mail
from PySide6.QtCore import QDate, QDateTime, Qt
from pytestqt.qtbot import QtBot

from mua import wire
from mua.gui.app import Program
from mua.gui.palette import Palette
from mua.model.message import Flag, MessageId
from mua.store import aside, tags, write
from mua.store.read import Filter, OnlyTag


@pytest.fixture
def asked(program: Program, monkeypatch: pytest.MonkeyPatch) -> list[wire.Command]:
    commands: list[wire.Command] = []
    monkeypatch.setattr(program.desk.acting, "_client", SimpleNamespace(ask=lambda one, *_: commands.append(one)))
    return commands


def listed(program: Program) -> list[MessageId]:
    model = program.window.listing.model
    return [one for row in range(len(model.rows)) if (one := model.id_at(row)) is not None]


def tell(program: Program, *ids: int) -> None:
    program.desk.hearing.hear(wire.Changed(1, messages=ids))
    program.desk.hearing.refresh()


def test_a_time_is_proposed_or_typed(program: Program, asked: list[wire.Command], qtbot: QtBot) -> None:
    one = listed(program)[0]
    program.window.listing.view.select(one)
    qtbot.keyClick(program.window.listing.view, Qt.Key.Key_B)
    palette = program.window.findChild(Palette)
    assert palette is not None
    assert "Tomorrow" in [choice.text for choice in palette.shown()]
    palette.field.setText("3h")
    [choice] = palette.shown()
    assert choice.text.startswith("Until ")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    [command] = asked
    assert isinstance(command, wire.SnoozeMessages) and command.messages == (one,)
    assert abs(command.until - time.time() - 3 * 3600) < 60


def test_a_day_is_picked_from_a_calendar(program: Program, asked: list[wire.Command], qtbot: QtBot) -> None:
    one = listed(program)[0]
    program.window.listing.view.select(one)
    qtbot.keyClick(program.window.listing.view, Qt.Key.Key_B)
    palette = program.window.findChild(Palette)
    assert palette is not None
    palette.field.setText("calendar")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    bar = program.desk.setting_aside.bar
    assert bar is not None and bar.isVisible() and bar.zone.isHidden() and not asked
    assert bar.width() <= program.window.listing.width()
    bar.field.setDate(QDate.currentDate().addDays(-1))
    assert not bar.button.isEnabled() and "past" in bar.sentence.text()
    wanted = QDate.currentDate().addDays(40)
    bar.field.setDate(wanted)
    assert bar.sentence.text().startswith("It comes back on ")
    program.window.listing.view.select(listed(program)[1])  # what was chosen when it was asked is meant
    qtbot.keyClick(bar.field, Qt.Key.Key_Return)
    [command] = asked
    assert isinstance(command, wire.SnoozeMessages) and command.messages == (one,)
    assert QDateTime.fromSecsSinceEpoch(command.until).date() == wanted
    assert program.desk.setting_aside.bar is None


def test_what_is_pinned_or_back_is_above_the_list(
    program: Program, mail: Mail, asked: list[wire.Command], qtbot: QtBot
) -> None:
    ids, strip = listed(program), program.window.listing.in_sight
    assert strip.isHidden()
    with mail.store.write() as tx:
        aside.pin(tx, [ids[5]], True, 5)
        write.wish_flags(tx, [ids[7]], Flag(0), Flag.SEEN, 6)
        tx.run("INSERT INTO pin(message_id, at, returned) VALUES (?, 6, 1)", ids[7])
    tell(program, ids[5], ids[7])
    assert [line.message_id for line in strip.lines] == [ids[7], ids[5]]
    assert strip.lines[0].accessibleName().startswith("Back: ")
    card = program.window.listing.model.card(program.window.listing.model.row_of(ids[5]))
    assert card is not None and card.pinned and "pinned" in card.spoken
    strip.lines[1].click()
    assert program.window.listing.view.current_id() == ids[5]
    program.window.actions_["pin"].trigger()
    assert asked == [wire.PinMessages((ids[5],), False)]
    with mail.store.write() as tx:
        write.wish_flags(tx, [ids[7]], Flag.SEEN, Flag(0), 7)
    tell(program, ids[7])
    assert [line.message_id for line in strip.lines] == [ids[5]]


def test_many_are_counted(program: Program, mail: Mail) -> None:
    ids, strip = listed(program)[:7], program.window.listing.in_sight
    with mail.store.write() as tx:
        aside.pin(tx, ids, True, 5)
    tell(program, *ids)
    assert len(strip.lines) == 4 and strip.more.text() == "3 more"
    strip.more.click()
    assert len(strip.lines) == 7 and strip.more.isHidden()


def test_a_list_is_narrowed(program: Program, mail: Mail) -> None:
    every = listed(program)
    with mail.store.write() as tx:
        tags.wish(tx, every[2:4], "+$label3", 1)
        tx.run("UPDATE message SET has_attachments = 0")
        tx.run("UPDATE message SET has_attachments = 1 WHERE id = ?", every[1])
        address = tx.value("SELECT json_extract(sender, '$[0][1]') FROM message WHERE id = ?", every[4])
        tx.run("DELETE FROM correspondent")
        tx.run("INSERT INTO correspondent(address) VALUES (?)", address.upper())
    pane = program.window.listing
    for chosen, wanted in (
        (OnlyTag("$LABEL3"), every[2:4]),
        (Filter.ATTACHMENTS, every[1:2]),
        (Filter.KNOWN, every[4:5]),
    ):
        pane.narrow(chosen)
        assert listed(program) == wanted
        assert pane.chosen_filter() == chosen
        assert [chip.text() for chip in (pane._other,) if chip.isVisibleTo(pane)] != []
    program.desk.finding.search("e")
    assert set(listed(program)) <= {every[4]}
    program.desk.finding.search("")
    pane._other.click()
    assert listed(program) == every and pane._other.isHidden()


def test_who_was_written_to_is_known(program: Program, mail: Mail) -> None:
    db = mail.store.reader()
    sent = mail.folders["Sent"]
    written = {
        row[0].lower()
        for row in db.rows(
            "SELECT json_extract(p.value, '$[1]') FROM message, json_each(recipients) p WHERE folder_id = ?", sent
        )
    }
    assert written <= {row[0].lower() for row in db.rows("SELECT address FROM correspondent")}
