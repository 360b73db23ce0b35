"""Searching in the window: where it looks, what is offered while typing, kept and recent searches, more like this."""

from array import array
from pathlib import Path
from typing import Any

import pytest
from gui_mail import Mail
from PySide6.QtCore import QRegularExpression, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mua import wire
from mua.gui import preferences as prefs
from mua.gui.app import Program
from mua.gui.conversation_rows import plain
from mua.gui.message_model import _corrected
from mua.gui.places import Place
from mua.gui.search_marks import pattern
from mua.gui.sidebar import Entry
from mua.model.folder import FolderState
from mua.model.kept_search import KeptSearch, kept_from, kept_line
from mua.model.message import Flag, MessageId
from mua.plan.search import EVERYWHERE, Scope
from mua.store import index, read, write
from mua.store.read import Saved


@pytest.fixture
def searched(program: Program, mail: Mail) -> Program:
    """The program over an index of all of its mail."""
    mail.index()
    return program


def search(program: Program, qtbot: QtBot, text: str) -> list[str]:
    """Type it, and the subjects of what is listed then."""
    listing = program.window.listing
    before = listing.model.source
    listing.search.setText(text)
    qtbot.waitUntil(lambda: listing.model.source is not before and not listing.model.seeking)
    return subjects(program)


def subjects(program: Program) -> list[str]:
    found = program.window.listing.model
    rows = (found.source.message(one) for one in found.ids)  # type: ignore[arg-type]
    return [row.subject for row in rows if row is not None]


def entry(program: Program, query: str) -> Entry | None:
    return next((one for one in program.window.sidebar.model.entries if one.place == Place(search=query)), None)


def test_a_search_says_that_it_was_complete(searched: Program, qtbot: QtBot) -> None:
    assert search(searched, qtbot, "workshop")
    here = sum(one.total for one in searched.desk.folders.values())
    qtbot.waitUntil(lambda: searched.window.listing.rest.text() == f"{here:,} of {here:,} messages searched")
    assert searched.window.listing.rest.isVisible()


def test_an_index_that_was_made_anew_is_looked_into(searched: Program, mail: Mail, qtbot: QtBot) -> None:
    assert search(searched, qtbot, "workshop")
    for name in ("", "-wal", "-shm"):
        Path(f"{mail.profile.fts_db}{name}").unlink(missing_ok=True)
    index.open_index(mail.profile).close()
    assert search(searched, qtbot, "workshop hall") == []
    here = sum(one.total for one in searched.desk.folders.values())
    qtbot.waitUntil(lambda: searched.window.listing.rest.text().startswith(f"0 of {here:,} messages searched"))


def test_a_search_looks_where_it_is_told_to(searched: Program, mail: Mail, qtbot: QtBot) -> None:
    program, bar = searched, searched.desk.searching.bar
    everywhere = search(program, qtbot, "is:read")
    assert bar.isVisible()
    here = Scope(folder_id=mail.folders["INBOX"])
    bar.chip(here).click()
    qtbot.waitUntil(lambda: not program.window.listing.model.seeking)
    inbox = subjects(program)
    assert 0 < len(inbox) < len(everywhere)
    assert bar.chip(here).isChecked()
    program.desk.finding.search("from:")
    assert subjects(program) == inbox, "what is not written to its end asks for nothing"
    program.window.listing.search.clear()
    qtbot.waitUntil(lambda: program.window.listing.model.source.query is None)
    assert not bar.isVisible()
    assert program.desk.finding.scope == EVERYWHERE


class Ear:
    """An engine's client that only notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[wire.Command] = []

    def ask(self, command: wire.Command, *_: Any) -> None:
        self.asked.append(command)


class Long(array):  # type: ignore[type-arg]
    """An order that is too long to be gone through on the window's own thread."""

    def __iter__(self) -> Any:
        raise AssertionError("every hit was looked at")


def test_what_is_found_is_not_gone_through_again(searched: Program, qtbot: QtBot) -> None:
    search(searched, qtbot, "is:read")
    source, ids = searched.window.listing.model.source, list(searched.window.listing.model.ids)
    order, _ = _corrected(source, plain(Long("q", ids)), [ids[1], 5])
    assert list(ids) == [order.ids[place] for place in range(len(order.ids))]


def test_a_gap_is_closed_where_one_searches(searched: Program, mail: Mail, qtbot: QtBot) -> None:
    program, inbox = searched, mail.folders["INBOX"]
    ear = program.desk.client = Ear()  # type: ignore[assignment]
    with mail.store.write() as tx:
        write.set_policy(tx, read.accounts(tx)[0].id, inbox, prefs_policy())
        write.set_folder_state(tx, inbox, FolderState(1, 100, 0, 50, 38))
    program.desk.read_again(set(), sidebar=True)
    program.desk.finding.scope = Scope(folder_id=inbox)
    search(program, qtbot, "from:maya")
    rest = program.window.listing.rest
    qtbot.waitUntil(lambda: "38 only on the server" in rest.text())
    rest.press()
    [asked] = [one for one in ear.asked if isinstance(one, wire.SearchServers)]  # type: ignore[attr-defined]
    assert (asked.query, asked.account_id) == ('from:maya in:"INBOX"', 1)
    program.desk.elsewhere._told = "done"
    program.desk.elsewhere.tell()
    rest._other.click()
    assert wire.SetPolicy(_everything(), folder_id=inbox) in ear.asked  # type: ignore[attr-defined]


def prefs_policy() -> Any:
    from mua.model.policy import Keep, Policy

    return Policy(Keep.DAYS, 30)


def _everything() -> Any:
    from mua.model.policy import EVERYTHING

    return EVERYTHING


def test_operators_and_their_values_are_offered(searched: Program, qtbot: QtBot) -> None:
    field, offers = searched.window.listing.search, searched.desk.searching.help
    field.setFocus()

    def typed(text: str) -> list[str]:
        field.setText(text)
        offers.offer()
        return [one.shown for one in offers.offered()]

    assert typed("fr") == ["from:"]
    offers.choose(0)
    assert field.text() == "from:"
    field.setText("plan from:tom")
    offers.offer()
    qtbot.waitUntil(lambda: [one.shown for one in offers.offered()] == ["Tomas Ferreira"])
    offers.choose(0)
    assert field.text().startswith("plan from:tomas")
    assert field.text().endswith(" ")
    assert typed("in:arch") == ["Archive"]
    assert typed("is:un") == ["unread", "unstarred"]
    assert typed("has:att") == ["attachment"]
    assert typed("tag:wor") == ["Work"]
    assert typed("after:last") == ["last week", "last month", "last year"]
    offers.choose(0)
    assert field.text() == 'after:"last week" '
    assert typed("hello") == []


def test_what_was_taken_as_the_field_was_left_is_no_mistake(searched: Program, qtbot: QtBot) -> None:
    field, offers = searched.window.listing.search, searched.desk.searching.help
    field.setFocus()
    field.setText("is:un")
    offers.offer()
    popup = offers._popup
    popup.setCurrentIndex(popup.model().index(0, 0))
    offers._take()  # and before the event loop turns, other letters, and other offers or none
    field.setText("zz")
    offers.offer()
    assert offers.offered() == []
    qtbot.wait(1)
    assert field.text() == "zz"


def test_enter_takes_what_is_chosen_and_else_goes_to_the_results(searched: Program, qtbot: QtBot) -> None:
    field, offers = searched.window.listing.search, searched.desk.searching.help
    field.setFocus()
    qtbot.keyClicks(field, "is:unr")
    assert [one.shown for one in offers.offered()] == ["unread"]
    qtbot.keyClick(offers._popup, Qt.Key.Key_Down)
    qtbot.keyClick(offers._popup, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: field.text() == "is:unread ")
    qtbot.waitUntil(lambda: searched.window.listing.model.source.query is not None)
    with qtbot.waitSignal(field.moved_down):
        qtbot.keyClick(field, Qt.Key.Key_Return)


def test_escape_takes_the_offers_away_and_then_leaves(searched: Program, qtbot: QtBot) -> None:
    field, offers = searched.window.listing.search, searched.desk.searching.help
    field.setFocus()
    qtbot.keyClicks(field, "is:unr")
    assert offers.offered()
    qtbot.keyClick(offers._popup, Qt.Key.Key_Escape)
    assert (offers.offered(), field.text()) == ([], "is:unr")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == ""


def test_who_leaves_a_search_is_where_they_were_or_at_what_they_found(searched: Program, qtbot: QtBot) -> None:
    view, reader, model = searched.window.listing.view, searched.desk.reader, searched.window.listing.model

    def leave() -> MessageId | None:
        searched.window.listing.search.clear()
        qtbot.waitUntil(lambda: model.source.query is None)
        return view.current_id()

    before, other = model.ids[1:3]
    view.select(before)
    search(searched, qtbot, "larger:1")
    view.forget_current()
    assert leave() == before
    assert reader.row is not None
    assert reader.row.id == before
    search(searched, qtbot, "larger:1")
    view.select(other)
    assert leave() == other
    search(searched, qtbot, "is:starred is:unstarred")
    assert view.current_id() is None
    assert leave() == other
    searched.desk.show_place(Place(saved=Saved.UNREAD))
    assert view.current_id() is None


def test_tab_takes_what_is_chosen(searched: Program, qtbot: QtBot) -> None:
    field, offers = searched.window.listing.search, searched.desk.searching.help
    field.setFocus()
    qtbot.keyClicks(field, "fr")
    qtbot.keyClick(offers._popup, Qt.Key.Key_Down)
    qtbot.keyClick(offers._popup, Qt.Key.Key_Tab)
    qtbot.waitUntil(lambda: field.text() == "from:")


def test_what_was_searched_and_used_is_offered_again(searched: Program, qtbot: QtBot) -> None:
    searching, field = searched.desk.searching, searched.window.listing.search
    for text in ("workshop", "from:tomas", "workshop"):
        search(searched, qtbot, text)
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert searching.recent == ["workshop", "from:tomas"]
    assert searched.state.value("searches") == searching.recent_text()
    field.clear()
    field.clearFocus()
    field.setFocus(Qt.FocusReason.TabFocusReason)
    assert [one.shown for one in searching.help.offered()] == ["workshop", "from:tomas"]
    searching.read_recent('{"no": "list"}')
    searching.read_recent("nonsense")
    assert searching.recent == []


def test_a_kept_search_is_in_the_sidebar_with_a_number_that_is_right(
    searched: Program, mail: Mail, qtbot: QtBot
) -> None:
    program, searching = searched, searched.desk.searching
    query = "from:tomas OR from:maya"
    search(program, qtbot, query)
    searching.keep_as("  Those two ", query)
    assert prefs.load(mail.profile).searches == (KeptSearch("Those two", query),)
    unread = [
        one
        for one in program.window.listing.model.ids
        if not (program.window.listing.model.source.message(one).flags & Flag.SEEN)  # type: ignore[arg-type,union-attr]
    ]
    assert unread
    qtbot.waitUntil(lambda: (entry(program, query) or Entry("")).count == len(unread))
    with mail.store.write() as tx:
        write.wish_flags(tx, [unread[0]], Flag.SEEN, Flag(0), 1)  # type: ignore[list-item]
    program.desk.read_again({unread[0]}, sidebar=True)
    qtbot.waitUntil(lambda: (entry(program, query) or Entry("")).count == len(unread) - 1)
    program.desk.show_place(Place(folder=mail.folders["Archive"]))
    program.desk.show_place(Place(search=query))
    qtbot.waitUntil(lambda: program.window.listing._title.text() == "Those two")
    assert program.window.listing.search.text() == query
    program.window.listing.search.clear()
    qtbot.waitUntil(lambda: program.window.listing.model.source.query is None)
    assert program.desk.place == Place(folder=mail.folders["Archive"])
    searching.drop(program.desk.preferences.searches[0])
    assert entry(program, query) is None
    program.window.toast._button.click()
    assert entry(program, query) is not None


def test_more_like_a_message_is_a_click_away(searched: Program, mail: Mail, qtbot: QtBot) -> None:
    program, listing = searched, searched.window.listing
    listing.view.step(1)
    row = program.window.reader.row
    assert row is not None
    menu = program.desk.deeds.menu()
    [similar] = [one.menu() for one in menu.actions() if one.text() == "More like this"]
    assert [one.text() for one in similar.actions()] == ["From this sender", "With this subject"]  # type: ignore[attr-defined]
    program.window.actions_["similar_from"].trigger()
    qtbot.waitUntil(lambda: listing.model.source.query is not None and not listing.model.seeking)
    assert listing.search.text() == f"from:{row.sender[0].address}"
    assert row.id in listing.model.ids
    program.desk.searching.similar(row, "subject")
    assert listing.search.text().startswith('subject:"')
    qtbot.waitUntil(lambda: not listing.model.seeking and row.id in listing.model.ids)
    program.desk.searching.similar(row, "list")
    assert program.window.toast._text.text() == "This message came over no mailing list."
    QApplication.processEvents()


def marked(program: Program) -> list[str]:
    body = program.window.reader.pane.body
    return [one.cursor.selectedText() for one in body.text.extraSelections()]


def test_what_was_searched_is_marked_in_what_is_read(searched: Program, qtbot: QtBot) -> None:
    program = searched
    search(program, qtbot, "MUSEUM cafe from:maya -nothing")
    program.window.listing.view.step(1)
    qtbot.waitUntil(lambda: program.window.reader.pane.view is not None)
    assert {one.lower() for one in marked(program)} == {"museum", "café"}
    program.window.listing.search.clear()
    qtbot.waitUntil(lambda: program.window.listing.model.source.query is None)
    assert marked(program) == []


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        ("cafe", "the Cafés are", True),
        ("café", "the CAFE is", True),
        ("afe", "the cafe is", False),
        ("report attached", "a report, attached", True),
        ("新幹", "の新幹線", True),
        ("a.b(", "a.b(c", True),
        ("garden chairs", "garden_chairs", True),
        ("chairs", "garden_chairs", True),
    ],
)
def test_words_are_marked_as_they_are_found(words: str, text: str, found: bool) -> None:
    option = QRegularExpression.PatternOption
    wanted = QRegularExpression(pattern(words), option.CaseInsensitiveOption | option.UseUnicodePropertiesOption)
    assert wanted.isValid()
    assert wanted.match(text).hasMatch() is found


def test_kept_searches_are_lines_of_the_settings() -> None:
    kept = KeptSearch("Bills = due", 'subject:"a = b" is:unread')
    assert kept_from([kept_line(kept), "no line", 7, " = x", "x = "]) == (
        KeptSearch("Bills - due", 'subject:"a = b" is:unread'),
    )
