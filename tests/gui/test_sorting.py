"""A list that is sorted: what is listed is what the store has in that order, whatever comes, goes or is read."""

import random
import time

import pytest
from gui_mail import Mail
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QStyle
from pytestqt.qtbot import QtBot

from mua.gui import places
from mua.gui.app import Program
from mua.gui.columns import USUAL, Column, laid_out
from mua.gui.day_rows import is_heading
from mua.gui.looks import Look, Looks
from mua.gui.message_cards import Density
from mua.gui.places import Place
from mua.model.address import Address
from mua.model.folder import FolderId
from mua.model.message import Envelope, Flag, MessageId
from mua.model.sort import By, Sort, sort_from
from mua.store import orders, read, write
from mua.store.read import Filter, Saved
from mua.store.write import NewMessage

SORTS = [Sort(by, down) for by in By for down in (True, False)]
NAMES = ("Zoë", "aiko", "Émile", "Bo", "")


def rest(program: Program, qapp: QApplication) -> None:
    """Until the whole order is there."""
    end = time.monotonic() + 30
    while program.window.listing.model.seeking:
        assert time.monotonic() < end
        qapp.processEvents()


def listed(program: Program) -> list[int]:
    return [abs(key) for key in program.window.listing.model.rows if not is_heading(key)]


def search(program: Program, text: str) -> None:
    """As if it were typed and the moment that the field waits were over."""
    field = program.window.listing.search
    field.blockSignals(True)
    field.setText(text)
    field.blockSignals(False)
    program.desk.finding.search(text)


def in_store(mail: Mail, place: FolderId | Saved, sort: Sort) -> list[int]:
    db = mail.store.reader()
    if sort.by_date:
        found = list(read.order(db, place))
        return found if sort.down else found[::-1]
    return [one for part in orders.parts(db, place, Filter.ALL, sort) for one in part]


def arrive(mail: Mail, dice: random.Random, many: int, folder: str = "INBOX") -> list[MessageId]:
    """New messages, not all of them new by their date."""
    news = [
        NewMessage(
            Envelope(sender=(Address(dice.choice(NAMES), "a@example.org"),), subject=dice.choice(("b", "A", "Re: c"))),
            int(time.time()) - dice.randrange(5_000_000),
            dice.randrange(9_000),
            None,
            dice.choice((Flag(0), Flag.SEEN)),
        )
        for _ in range(many)
    ]
    with mail.store.write() as tx:
        account = tx.value("SELECT account_id FROM folder WHERE id = ?", mail.folders[folder])
        return write.add_messages(tx, account, mail.folders[folder], news)


@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_what_comes_goes_and_changes_keeps_the_order(
    program: Program, mail: Mail, qapp: QApplication, sort: Sort
) -> None:
    dice = random.Random(str(sort))
    arrive(mail, dice, 60)
    desk, model, inbox = program.desk, program.window.listing.model, mail.folders["INBOX"]
    desk.group(False)
    desk.sort(sort)
    rest(program, qapp)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    assert listed(program) == in_store(mail, inbox, sort)
    for _ in range(12):
        came = arrive(mail, dice, dice.randrange(1, 4))
        gone = [MessageId(one) for one in dice.sample(list(model.ids), 3)]
        with mail.store.write() as tx:
            write.wish_move(tx, gone[:2], mail.folders["Archive"], 1)
            write.wish_gone(tx, gone[2:], 1)
        desk.read_again({*came, *gone}, sidebar=False)
        assert listed(program) == in_store(mail, inbox, sort)
        for row, key in enumerate(model.rows):
            assert is_heading(key) or model.row_of(key) == row
    assert model.row_of(1) == -1
    del tester


def test_what_is_read_stays_where_it_was_until_the_list_is_sorted_anew(
    program: Program, mail: Mail, qapp: QApplication
) -> None:
    desk, inbox = program.desk, mail.folders["INBOX"]
    desk.sort(Sort(By.UNREAD))
    rest(program, qapp)
    before = listed(program)
    first = MessageId(before[0])
    with mail.store.write() as tx:
        write.wish_flags(tx, [first], Flag.SEEN, Flag(0), 1)
    desk.read_again({first}, sidebar=False)
    assert listed(program) == before
    (new,) = arrive(mail, random.Random(1), 1)
    with mail.store.write() as tx:
        write.wish_flags(tx, [new], Flag(0), Flag.SEEN, 1)
    desk.read_again({new}, sidebar=False)
    assert sorted(listed(program)) == sorted([*before, new])
    assert listed(program).index(new) < len([one for one in before if one < first]) + 2
    program.window.listing.view.select(first)
    assert program.window.listing.view.current_id() == first
    desk.show_place(Place(folder=inbox))
    rest(program, qapp)
    assert listed(program) == in_store(mail, inbox, Sort(By.UNREAD))
    assert listed(program)[0] != first


@pytest.mark.parametrize("sort", [one for one in SORTS if not (one.by_date and one.down)], ids=str)
def test_the_first_screenful_is_there_before_the_rest(
    program: Program, mail: Mail, qapp: QApplication, sort: Sort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "FIRST", 20)
    arrive(mail, random.Random(3), 80)
    desk, model = program.desk, program.window.listing.model
    desk.group(False)
    desk.sort(sort)
    whole = in_store(mail, mail.folders["INBOX"], sort)
    assert listed(program) == whole[:20]
    assert model.seeking
    late = arrive(mail, random.Random(5), 3)
    desk.read_again({*late}, sidebar=False)  # while the rest is on its way
    rest(program, qapp)
    assert listed(program) == in_store(mail, mail.folders["INBOX"], sort)


def test_the_oldest_first_has_days_and_conversations(program: Program, mail: Mail, qapp: QApplication) -> None:
    desk, model = program.desk, program.window.listing.model
    newest_first = [list(model.rows), dict(model._periods)]
    desk.sort(Sort(By.DATE, down=False))
    rest(program, qapp)
    rows = list(model.rows)
    days: dict[int, list[int]] = {}
    for key in rows:
        if is_heading(key):
            days[key] = []
        else:
            days[[*days][-1]].append(key)
    assert [key for key in newest_first[0] if is_heading(key)] == [*days][::-1]
    assert [key for key in newest_first[0] if not is_heading(key)] == [one for day in days.values() for one in day][
        ::-1
    ]
    assert model.heading_rows() == [row for row, key in enumerate(rows) if is_heading(key)]
    assert model.source.grouped
    talk = next(key for key in model.ids if model.card(model.row_of(key)).in_thread > 1)  # type: ignore[union-attr]
    assert model.id_at(model.row_of(talk)) is not None


def test_only_what_is_sorted_by_date_has_days_and_conversations(program: Program, qapp: QApplication) -> None:
    desk, model = program.desk, program.window.listing.model
    desk.sort(Sort(By.FROM, down=False))
    rest(program, qapp)
    assert not model.heading_rows()
    assert not model.source.grouped
    names = [card.who for row in range(len(model.rows)) if (card := model.card(row)) is not None]
    assert names[:3] == ["Aiko Tanaka", "Build Bot", "Grove & Garden"]
    program.window.actions_["group"].trigger()  # conversations stand where their newest message does
    assert model.source.sort.by_date


def test_each_place_keeps_its_sorting_and_its_density(program: Program, mail: Mail) -> None:
    desk, view, pane = program.desk, program.window.listing.view, program.window.listing
    inbox, archive = Place(folder=mail.folders["INBOX"]), Place(folder=mail.folders["Archive"])
    pane._sort_actions.actions()[3].trigger()
    assert desk.looks.of(inbox).sort == Sort(By.SIZE, down=True)
    pane._way_actions.actions()[1].trigger()
    assert desk.looks.of(inbox).sort == Sort(By.SIZE, down=False)
    pane._density_actions.actions()[2].trigger()
    desk.show_place(archive)
    assert view.density() is Density.CARDS
    assert pane.model.source.sort == Sort()
    assert pane._sort_actions.checkedAction().text() == "Date"
    desk.show_place(inbox)
    assert view.density() is Density.TABLE
    assert pane._way_actions.checkedAction().text() == "Smallest first"
    kept = Looks()
    kept.read(str(program.state.value("looks")))
    assert kept.of(inbox) == Look(Density.TABLE, Sort(By.SIZE, down=False))
    assert kept.of(archive) == Look()


def test_what_was_kept_wrongly_is_passed_over() -> None:
    looks = Looks()
    for text in ("", "nonsense", "[]", '{"folder:x":{}}', '{"folder:1":3}', '{"folder:1":{"density":"no","sort":"x"}}'):
        looks.read(text)
    assert looks.of(Place(folder=FolderId(1))) == Look()
    assert [sort_from(str(one)) for one in SORTS] == SORTS


def test_sent_mail_is_sorted_by_those_it_went_to(program: Program, mail: Mail, qapp: QApplication) -> None:
    account = program.desk.accounts[0].id
    with mail.store.write() as tx:
        for place, name in enumerate(("Cleo", "ada", "Björn")):
            told = Envelope(sender=(Address("Maya", "maya@example.org"),), to=(Address(name, "x@example.org"),))
            write.add_messages(tx, account, mail.folders["Sent"], [NewMessage(told, 1_700_000_000 + place, 10)])
    program.desk.show_place(Place(folder=mail.folders["Sent"]))
    program.desk.sort(Sort(By.FROM, down=False))
    rest(program, qapp)
    model = program.window.listing.model
    assert [card.who for row in range(3) if (card := model.card(row)) is not None] == ["ada", "Björn", "Cleo"]
    assert program.window.listing._sort_actions.actions()[1].text() == "Recipient"


def test_the_names_above_a_table_sort_it(program: Program, mail: Mail, qapp: QApplication) -> None:
    desk, pane = program.desk, program.window.listing
    assert not pane.header.isVisible()
    pane._density_actions.actions()[2].trigger()
    assert pane.header.isVisible()
    pane.header._buttons[Column.FROM].click()
    assert pane.model.source.sort == Sort(By.FROM, down=False)
    pane.header._buttons[Column.FROM].click()
    assert pane.model.source.sort == Sort(By.FROM, down=True)
    pane.header._buttons[Column.DATE].click()
    assert pane.model.source.sort == Sort()
    assert "sorted" in pane.header._buttons[Column.DATE].accessibleName()
    desk.show_place(Place(folder=mail.folders["Sent"]))
    pane._density_actions.actions()[2].trigger()
    assert pane.header._buttons[Column.FROM].text() == "Recipient"


def test_the_columns_of_a_table_are_chosen_and_kept(program: Program, mail: Mail) -> None:
    desk, pane = program.desk, program.window.listing
    inbox = Place(folder=mail.folders["INBOX"])
    pane._density_actions.actions()[2].trigger()
    assert [one.isVisible() for one in pane.header._buttons.values()] == [True, True, False, True]
    menu = pane.header.menu()
    menu.actions()[2].trigger()
    assert pane.header.columns == tuple(Column)
    pane.header.menu().actions()[0].trigger()
    assert pane.header.columns == (Column.SUBJECT, Column.SIZE, Column.DATE)
    assert pane.view._delegate.columns == pane.header.columns
    kept = Looks()
    kept.read(str(program.state.value("looks")))
    assert kept.of(inbox).columns == pane.header.columns
    desk.show_place(Place(folder=mail.folders["Archive"]))
    assert pane.header.columns == USUAL


@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_each_name_stands_above_its_column(program: Program, direction: Qt.LayoutDirection) -> None:
    pane = program.window.listing
    pane._density_actions.actions()[2].trigger()
    pane.header.chosen.emit(tuple(Column))
    program.window.setLayoutDirection(direction)
    QApplication.processEvents()
    area = pane.view.visualRect(pane.model.index(1, 0))
    for column, place in laid_out(area, tuple(Column)).items():
        seen = QStyle.visualRect(direction, area, place)
        button = pane.header._buttons[column].geometry()
        assert abs(button.left() - seen.left()) <= 12  # a scroll bar's width
        assert button.width() > 20


@pytest.mark.parametrize("sort", [one for one in SORTS if one != Sort()], ids=str)
def test_what_was_found_is_sorted_and_stays_so(
    program: Program, mail: Mail, qapp: QApplication, qtbot: QtBot, sort: Sort
) -> None:
    """Also while mail comes, goes and changes, and with what a server found."""
    dice = random.Random(str(sort))
    model = program.window.listing.model
    model._searching.setInterval(0)
    arrive(mail, dice, 60)
    search(program, "in:inbox smaller:1m")
    program.desk.sort(sort)
    rest(program, qapp)
    there = in_store(mail, Saved.ALL_INBOXES, sort)
    assert model.source.query is not None and len(there) > 60
    assert listed(program) == there
    assert bool(model.heading_rows()) is sort.by_date
    gone = [MessageId(there[3]), MessageId(there[-2])]
    came = arrive(mail, dice, 3)
    with mail.store.write() as tx:
        write.wish_gone(tx, gone, 1)
        write.wish_flags(tx, [MessageId(there[0])], Flag.SEEN, Flag(0), 1)
    program.desk.read_again({*came, *gone, there[0]}, sidebar=False)
    assert listed(program) == [one for one in there if one not in gone]
    archived = read.folder_order(mail.store.reader(), mail.folders["Archive"])[:2]
    model.add(archived)
    qtbot.waitUntil(lambda: {*archived, *came} <= {*listed(program)}, timeout=30_000)
    rest(program, qapp)
    if sort.by is not By.UNREAD:  # what is read stays where it is looked at
        keys = orders.keys(mail.store.reader(), listed(program), sort)
        assert listed(program) == sorted(keys, key=keys.__getitem__, reverse=sort.down)
    assert listed(program).index(there[0]) < len(there) // 2
    for row, key in enumerate(model.rows):
        assert is_heading(key) or model.row_of(key) == row
    program.window.listing.narrow(Filter.UNREAD)
    rest(program, qapp)
    assert model.source.sort == sort and listed(program)
    program.desk.sort(Sort())
    rest(program, qapp)
    assert listed(program) == sorted(listed(program), reverse=True)


def test_a_search_is_sorted_until_it_is_left_and_a_kept_one_always(program: Program, qapp: QApplication) -> None:
    desk, pane = program.desk, program.window.listing
    search(program, "is:read")
    rest(program, qapp)
    pane._sort_actions.actions()[3].trigger()
    rest(program, qapp)
    assert pane.model.source.sort == Sort(By.SIZE)
    search(program, "is:read smaller:1m")
    rest(program, qapp)
    assert pane.model.source.sort == Sort(By.SIZE)
    desk.searching.keep_as("Small", "is:read smaller:1m")
    search(program, "")
    rest(program, qapp)
    assert pane.model.source.sort == Sort()
    search(program, "is:read")
    rest(program, qapp)
    assert pane.model.source.sort == Sort()
    desk.show_place(Place(search="is:read smaller:1m"))
    rest(program, qapp)
    assert pane.model.source.sort == Sort(By.SIZE)
    kept = Looks()
    kept.read(str(program.state.value("looks")))
    assert kept.of(Place(search="is:read smaller:1m")).sort == Sort(By.SIZE)
