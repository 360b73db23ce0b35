"""Tabs: each is where it was left, keys and mouse do what they say, and a restart or a slip loses none."""

import pytest
from gui_mail import Mail
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTabBar
from pytestqt.qtbot import QtBot

from mua.gui.app import Options, Program
from mua.gui.message_list import Spot
from mua.gui.places import Place
from mua.gui.tab import Tab, tabs_of, text_of
from mua.gui.tabs import Tabs
from mua.model.account import AccountId
from mua.model.message import MessageId
from mua.model.sort import By, Sort
from mua.plan.search import Scope
from mua.store.read import Filter, OnlyTag, Saved


@pytest.fixture
def tabs(program: Program) -> Tabs:
    assert program.desk.tabs is not None
    return program.desk.tabs


def ids(program: Program) -> list[MessageId]:
    return [MessageId(key) for key in program.window.listing.model.rows if key > 0]


def names(tabs: Tabs) -> list[str]:
    return [tabs.bar.tabText(index).removeprefix("\u2068") for index in range(tabs.bar.count())]


def read_id(program: Program) -> int | None:
    row = program.window.reader.row
    return None if row is None else row.id


def do(program: Program, *names: str) -> None:
    for name in names:
        program.window.actions_[name].trigger()


def search(program: Program, text: str, qtbot: QtBot) -> None:
    program.window.listing.search.setText(text)
    model = program.window.listing.model
    qtbot.waitUntil(lambda: model.source.query is not None and not model.seeking)


def test_there_is_no_bar_of_one(program: Program, tabs: Tabs) -> None:
    assert tabs.bar.isHidden()
    do(program, "close_tab")
    assert "only tab" in program.window.toast.text()
    do(program, "reopen_tab")
    assert "No tab" in program.window.toast.text()
    do(program, "next_tab", "tab_forward")
    assert tabs.at == 0 and len(tabs.open_) == 1 and tabs.text() == ""


def test_a_message_has_a_tab_and_the_window_to_itself(program: Program, tabs: Tabs) -> None:
    window, view = program.window, program.window.listing.view
    fourth, fifth = ids(program)[3:5]
    view.select(fourth)
    panes = window._middle.sizes()
    do(program, "open_tab")
    assert names(tabs) == ["Inbox", "main: all 1,284 checks passed"] and tabs.at == 1
    assert window.sidebar.isHidden() and window.listing.isHidden() and window.reader.isVisible()
    assert window.windowTitle() == "main: all 1,284 checks passed - Mua"
    assert read_id(program) == fourth and window.focusWidget() is window.reader.text
    do(program, "next")  # the next message, as anywhere
    tabs._label()
    assert read_id(program) == fifth and names(tabs)[1] == "Train tickets to Kyoto"
    do(program, "back")
    assert tabs.at == 0 and not window.sidebar.isHidden() and window._middle.sizes() == panes
    assert read_id(program) == fourth and view.current_id() == fourth
    assert window.windowTitle().startswith("Inbox") and window.focusWidget() is view
    view.select(fifth)
    do(program, "open_tab")
    assert len(tabs.open_) == 2 and tabs.at == 1  # it is open already


def test_each_tab_is_where_it_was_left(program: Program, tabs: Tabs, mail: Mail, qtbot: QtBot) -> None:
    mail.index()
    listing, view = program.window.listing, program.window.listing.view
    program.window.resize(1000, 420)
    view.select(ids(program)[8])
    QApplication.processEvents()
    scrolled, chosen = view.verticalScrollBar().value(), ids(program)[8]
    assert scrolled > 0
    tabs.open_place(Place(folder=mail.folders["Archive"]))
    assert names(tabs) == ["Inbox", "Archive"] and read_id(program) is None
    do(program, "place_tab")
    search(program, "kyoto", qtbot)
    tabs._label()
    assert names(tabs) == ["Inbox", "Archive", "kyoto"]
    found = ids(program)
    view.select(found[0])
    do(program, "next_tab")
    assert tabs.at == 0 and program.desk.place == Place(folder=mail.folders["INBOX"])
    assert (view.current_id(), view.selected_ids(), read_id(program)) == (chosen, [chosen], chosen)
    assert view.verticalScrollBar().value() == scrolled and listing.search.text() == ""
    do(program, "previous_tab")
    qtbot.waitUntil(lambda: ids(program) == found and view.current_id() == found[0])
    assert read_id(program) == found[0] and listing.search.text() == "kyoto"
    do(program, "next_tab")
    view.clearSelection()
    for one in ids(program)[:3]:
        view.selectionModel().select(
            listing.model.index(listing.model.row_of(one), 0), view.selectionModel().SelectionFlag.Select
        )
    three = view.selected_ids()
    do(program, "next_tab", "previous_tab")
    assert view.selected_ids() == three and read_id(program) is None


def test_what_is_read_is_where_it_was_scrolled_to(program: Program, tabs: Tabs, mail: Mail, qtbot: QtBot) -> None:
    program.window.resize(1000, 420)
    program.window.listing.view.select(ids(program)[1])
    bar = program.window.reader.text.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    bar.setValue(bar.maximum())
    depth = bar.value()
    tabs.open_place(Place(saved=Saved.STARRED))
    program.window.listing.view.select(ids(program)[0])
    do(program, "previous_tab")
    qtbot.waitUntil(lambda: program.window.reader.text.verticalScrollBar().value() == depth)


def test_a_closed_tab_comes_back_where_it_was(program: Program, tabs: Tabs, mail: Mail) -> None:
    first, second = ids(program)[:2]
    tabs.open_messages([first, second], behind=True)
    assert tabs.at == 0 and len(tabs.open_) == 3 and program.window.sidebar.isVisible()
    tabs.turn(1)
    do(program, "close_tab")
    assert tabs.at == 0 and len(tabs.open_) == 2 and not program.window.alone
    do(program, "reopen_tab")
    assert tabs.at == 1 and read_id(program) == first and program.window.alone
    tabs.close_others(2)
    assert len(tabs.open_) == 1 and read_id(program) == second and program.window.alone and tabs.bar.isHidden()
    assert tabs.text()
    do(program, "search")  # what needs a list, and there is none: the tab becomes one
    assert not program.window.alone and program.window.listing.isVisible()


def test_going_elsewhere_leaves_a_message_its_tab(program: Program, tabs: Tabs, mail: Mail, qtbot: QtBot) -> None:
    one = ids(program)[1]
    program.window.listing.view.select(one)
    do(program, "open_tab", "starred")
    assert tabs.at == 0 and not program.window.alone and program.desk.place == Place(saved=Saved.STARRED)
    tabs.turn(1)
    assert read_id(program) == one and program.window.alone
    program.desk.searching.search_for("kyoto")
    qtbot.waitUntil(lambda: program.window.listing.model.source.query is not None)
    tabs._label()
    assert tabs.at == 0 and names(tabs) == ["kyoto", "Quarterly numbers, first draft"]


def test_a_message_that_went_away(program: Program, tabs: Tabs, mail: Mail) -> None:
    one, other = ids(program)[1:3]
    tabs.open_messages([one, other], behind=True)
    with mail.store.write() as tx:
        tx.run("DELETE FROM message WHERE id = ?", one)
    program.desk.read_again({one}, sidebar=True)
    tabs.turn(1)
    assert read_id(program) is None and "gone" in program.window.reader.empty.accessibleName() + names(tabs)[1]
    do(program, "close_tab")
    assert tabs.at == 0 and names(tabs) == ["Inbox", "Your garden, ready for summer"]


def test_the_dot_is_for_what_is_unread(program: Program, tabs: Tabs, mail: Mail) -> None:
    unread, read = ids(program)[1], ids(program)[3]
    tabs.open_messages([unread, read], behind=True)
    assert [label.unread for label in tabs.bar.labels()] == [True, True, False]
    assert tabs.bar.accessibleTabName(1) == "Unread, Quarterly numbers, first draft"
    assert not tabs.bar.tabIcon(1).isNull()
    with mail.store.write() as tx:
        tx.run("UPDATE message SET flags = flags | 1 WHERE id = ?", unread)
    program.desk.read_again({unread}, sidebar=True)
    tabs._label()
    assert tabs.bar.accessibleTabName(1) == "Quarterly numbers, first draft"


def test_the_mouse_opens_sorts_and_closes(program: Program, tabs: Tabs, mail: Mail) -> None:
    view, folders = program.window.listing.view, program.window.sidebar.folders
    middle = Qt.MouseButton.MiddleButton
    before = view.current_id()
    QTest.mouseClick(view.viewport(), middle, pos=view.visualRect(view.messages.index(2, 0)).center())
    line = program.window.sidebar.model.row_of(Place(folder=mail.folders["Sent"]))
    QTest.mouseClick(
        folders.viewport(), middle, pos=folders.visualRect(program.window.sidebar.model.index(line)).center()
    )
    assert tabs.at == 0 and view.current_id() == before and len(tabs.open_) == 3
    assert names(tabs)[2] == "Sent" and tabs.open_[1].message == ids(program)[1]
    do(program, "next_tab", "tab_forward")
    assert names(tabs)[1:] == ["Sent", "Quarterly numbers, first draft"] and tabs.at == 2
    assert tabs.open_[1].place == Place(folder=mail.folders["Sent"]) and program.window.alone
    QTest.mouseClick(tabs.bar, Qt.MouseButton.LeftButton, pos=tabs.bar.tabRect(0).center())
    assert tabs.at == 0 and not program.window.alone
    QTest.mouseClick(tabs.bar, middle, pos=tabs.bar.tabRect(1).center())
    assert names(tabs) == ["Inbox", "Quarterly numbers, first draft"]
    button = tabs.bar.tabButton(1, QTabBar.ButtonPosition.RightSide)
    assert button.accessibleName() == "Close the tab Quarterly numbers, first draft"
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert len(tabs.open_) == 1 and tabs.bar.isHidden()
    assert [one.text() for one in tabs.menu(0).actions()][:2] == ["Close the tab", "Close the other tabs"]


def test_tabs_come_back_after_a_restart(program: Program, tabs: Tabs, mail: Mail) -> None:
    one, two = ids(program)[1], ids(program)[4]
    program.window.listing.view.select(two)
    tabs.open_messages([one])
    tabs.open_place(Place(folder=mail.folders["Archive"]), behind=True)
    program._save()
    again = Program(mail.profile, Options())
    again.leave_alone()
    again.show()
    try:
        there = again.desk.tabs
        assert there is not None and there.at == 1 and again.window.alone
        assert names(there) == ["Inbox", "Quarterly numbers, first draft", "Archive"]
        assert again.window.reader.row is not None and again.window.reader.row.id == one
        there.turn(0)
        assert again.window.reader.row.id == two and again.window.listing.view.current_id() == two
    finally:
        again.window.close()
        again.end()
        again.window.deleteLater()
        again.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_keeping_tabs_loses_nothing_and_nothing_else_is_one() -> None:
    whole = Tab(
        Place(saved=Saved.UNREAD),
        'from:"né" x',
        Scope(AccountId(1)),
        Sort(By.SIZE, False),
        OnlyTag("$label1"),
        Spot(MessageId(5), (MessageId(5), MessageId(6)), MessageId(4), -7),
        MessageId(5),
        120,
        True,
    )
    tabs = [Tab(None), whole, Tab(Place(), chosen=Filter.KNOWN)]
    kept, at = tabs_of(text_of(tabs, 1))
    assert at == 1 and kept[1] == whole and kept[2].chosen is Filter.KNOWN
    for wrong in ("", "[]", "{}", '{"at": 0, "tabs": [{}]}', '{"at": 0, "tabs": []}', "null", '{"at":[],"tabs":[1]}'):
        assert tabs_of(wrong)[0] == []
    assert tabs_of(text_of(tabs, 99))[1] == 2
