"""The main window over real mail in a real store."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from gui_mail import HOUR, Mail, letter
from gui_office import wait_until
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from mua import wire
from mua.errors import Kind, MailError, Retry
from mua.gui import rich_text
from mua.gui.actions import DEEDS
from mua.gui.app import Program
from mua.gui.card import Card
from mua.gui.message_cards import Density
from mua.gui.message_model import CARD
from mua.gui.pages import ShortcutsPage
from mua.gui.palette import Palette, ranked, score
from mua.gui.places import Place
from mua.gui.sidebar import Entry
from mua.gui.source_page import SourcePage
from mua.gui.theme import DARK, LIGHT
from mua.gui.widgets import AttachmentCard
from mua.gui.writing import Kind as WritingKind
from mua.gui.writing import Writing
from mua.model.account import AccountId, Side
from mua.model.folder import Role
from mua.model.message import Flag, MessageId
from mua.store import read, write
from mua.store.db import disk_full
from mua.store.read import Filter, Saved


def ids(program: Program) -> list[int]:
    return [key for key in program.window.listing.model.rows if key > 0]


def subjects(program: Program) -> list[str]:
    model = program.window.listing.model
    cards = [model.data(model.index(row, 0), CARD) for row in range(model.rowCount())]
    return [card.subject for card in cards if isinstance(card, Card)]


def press(
    widget: QWidget, key: Qt.Key, text: str = "", modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        QApplication.sendEvent(widget, QKeyEvent(kind, key, modifiers, text))


# ---- what is shown
def test_the_inbox_is_listed_newest_first_under_headings(program: Program) -> None:
    assert subjects(program)[0] == "Re: Venue for the spring workshop"
    assert subjects(program)[-1] == "Welcome to the reading group"
    assert ids(program) == sorted(ids(program), reverse=True)
    model = program.window.listing.model
    assert model.heading_rows()[0] == 0
    assert isinstance(model.data(model.index(0, 0)), str)


def test_the_sidebar_counts_unread_mail(program: Program) -> None:
    lines = {(line.text, line.account): line for line in program.window.sidebar.model.entries}
    assert lines["All inboxes", 0].count == 4
    assert lines["Inbox", 1].count == 3
    assert lines["Junk", 1].count == 3
    assert lines["Museum", 1].indent == 1
    assert lines["Bin", 1].place is not None


def test_a_card_tells_what_the_row_knows(program: Program) -> None:
    model = program.window.listing.model
    card = model.card(1)
    assert card is not None
    assert (card.who, card.face) == ("Tomas, Maya", "Maya Lindqvist")  # a row of its conversation
    assert (card.unread, card.starred, card.clip, card.in_thread, card.here) == (True, True, True, 4, 1)
    assert card.spoken.startswith("Unread, Tomas, Maya, Re: Venue for the spring workshop, ")
    assert "has attachment" in card.spoken


def test_simple_html_is_shown_at_once_with_its_attachments(program: Program) -> None:
    program.window.listing.view.select(ids(program)[0])
    reader = program.window.reader
    assert reader.header.subject.text() == "Re: Venue for the spring workshop"
    assert reader.header.address.text() == "maya.lindqvist@example.org"
    assert "the hall until Friday" in reader.text.toPlainText()
    assert next(part.accessibleName() for part in reader.pane.attachments.parts()).startswith(
        "Attachment floor-plan.pdf"
    )
    assert reader.web is None


def test_plain_text_has_links_and_quote_bars(program: Program) -> None:
    program.window.listing.view.select(ids(program)[1])
    assert 'href="https://example.net/numbers"' in program.window.reader.text.toHtml()
    program.window.listing.view.select(ids(program)[5])
    assert "What about the header?" in program.window.reader.text.toPlainText()
    assert ">" not in program.window.reader.text.toPlainText()


def test_attachments_are_saved_byte_for_byte_and_never_over_each_other(
    program: Program, tmp_path: object, qtbot
) -> None:  # type: ignore[no-untyped-def]

    folder = Path(str(tmp_path)) / "saved"
    folder.mkdir()
    program.window.listing.view.select(ids(program)[1])
    reader = program.window.reader
    assert reader.view is not None
    assert reader.row is not None
    for _ in range(2):
        program.desk.attachments.save_in(program.desk.attachments.of(reader.row.id), reader.view.attachments, folder)
    qtbot.waitUntil(lambda: len(list(folder.iterdir())) == 2)
    assert sorted(path.name for path in folder.iterdir()) == ["floor-plan (2).pdf", "floor-plan.pdf"]
    qtbot.waitUntil(lambda: program.window.toast.text().startswith("Saved floor-plan"))
    assert {path.read_bytes()[:4] for path in folder.iterdir()} == {b"\x89PNG"}


def test_a_program_is_not_opened_from_here(program: Program) -> None:
    from mua.model.message import Attachment

    program.desk.attachments.open(MessageId(1), Attachment("2", "invoice.pdf.exe", "application/pdf", 10))
    assert "could run as a program" in program.window.toast.text()


def test_a_reply_with_a_styled_quote_is_still_simple() -> None:
    quote = '<blockquote style="border-left:1px solid #ccc;padding-left:1ex"><div>Yes</div></blockquote>'
    assert rich_text.shows(f'<div style="font-family:Arial">Hello</div>{quote}')
    assert not rich_text.shows('<div style="padding:3px">Hello</div>')
    assert not rich_text.shows("<style>p{}</style><p>Hello</p>")
    assert not rich_text.shows('<table bgcolor="red"><tr><td>Hello</td></tr></table>')


def test_only_readable_colours_of_the_author_stay() -> None:
    html = '<p style="color:#ffffff">hidden</p><p style="color:#990000">red</p><font color="yellow">x</font>'
    light = rich_text.simple(html, LIGHT)
    assert "#ffffff" not in light
    assert "yellow" not in light
    assert "#990000" in light
    assert "#990000" not in rich_text.simple(html, DARK)


# ---- empty panes say why
@pytest.mark.parametrize(
    "name, title", [("Drafts", "No drafts"), ("Trash", "The bin is empty"), ("Receipts", "This folder is empty")]
)
def test_an_empty_folder_says_what_to_do(program: Program, mail: Mail, name: str, title: str) -> None:
    program.desk.show_place(Place(folder=mail.folders[name]))
    empty = program.window.listing._stack.currentWidget()
    assert empty is program.window.listing._empty
    assert empty.accessibleName().startswith(title)


def test_no_message_chosen_says_how_to_begin(program: Program) -> None:
    assert program.window.reader.row is None
    assert "press C to write" in program.window.reader.empty.accessibleName()


def test_a_filter_without_hits_says_so(program: Program, mail: Mail) -> None:
    program.desk.show_place(Place(folder=mail.folders["Archive"]))
    program.window.listing.narrow(Filter.UNREAD)
    assert program.window.listing._empty.accessibleName().startswith("Nothing unread here")


def test_filters_and_unified_views(program: Program) -> None:
    program.window.listing.narrow(Filter.UNREAD)
    assert len(ids(program)) == 3
    program.desk.show_place(Place(saved=Saved.ALL_INBOXES))
    assert "Stand-up at ten" in subjects(program)
    program.desk.show_place(Place(saved=Saved.STARRED))
    assert len(ids(program)) == 3


# ---- refreshes
def test_selection_and_scroll_survive_an_arrival(program: Program, mail: Mail, qapp: QApplication) -> None:
    view = program.window.listing.view
    view.select(ids(program)[6])
    view.verticalScrollBar().setValue(120)
    chosen = view.current_id()
    raw = letter("New Person", "new@example.org", "Hot off the press", "Hello.", int(time.time()), number=999)
    when = int(time.time())
    new = mail.letter(read.accounts(mail.store.reader())[0].id, mail.folders["INBOX"], raw, when, Flag(0))
    program.desk.hearing.hear(wire.Changed(1, folders=(1,), messages=(new,)))
    program.desk.hearing.refresh()
    qapp.processEvents()
    assert ids(program)[0] == new
    assert view.current_id() == chosen
    assert view.selected_ids() == [chosen]
    assert program.window.sidebar.model.entries[1].count == 5


def test_when_the_message_goes_the_next_one_is_read(program: Program, mail: Mail) -> None:
    view, before = program.window.listing.view, ids(program)
    view.select(before[2])
    with mail.store.write() as tx:
        write.wish_move(tx, [MessageId(before[2])], mail.folders["Archive"], int(time.time()))
    program.desk.hearing.hear(wire.Changed(1, folders=(1,), messages=(before[2],)))
    program.desk.hearing.refresh()
    assert view.current_id() == before[3]
    assert program.window.reader.row is not None
    assert program.window.reader.row.id == before[3]


def test_a_read_message_stays_in_the_unread_view_while_it_is_read(program: Program, mail: Mail) -> None:
    program.window.listing.narrow(Filter.UNREAD)
    first = ids(program)[0]
    program.window.listing.view.select(first)
    program.desk.mark_seen()
    with mail.store.write() as tx:
        write.wish_flags(tx, [MessageId(first)], Flag.SEEN, Flag(0), int(time.time()))
    program.desk.hearing.hear(wire.Changed(1, messages=(first,)))
    program.desk.hearing.refresh()
    assert first in ids(program)
    assert program.window.listing.model.card(program.window.listing.model.row_of(first)).unread is False  # type: ignore[union-attr]


def test_flags_show_at_once(program: Program, mail: Mail) -> None:
    first = ids(program)[3]
    with mail.store.write() as tx:
        write.wish_flags(tx, [MessageId(first)], Flag.FLAGGED, Flag(0), int(time.time()))
    program.desk.hearing.hear(wire.Changed(1, messages=(first,)))
    program.desk.hearing.refresh()
    card = program.window.listing.model.card(program.window.listing.model.row_of(first))
    assert card is not None
    assert card.starred


# ---- keys
def test_the_keyboard_moves_over_headings(program: Program) -> None:
    view = program.window.listing.view
    view.select(ids(program)[0])
    for _ in range(len(ids(program)) - 1):
        press(view, Qt.Key.Key_Down)
    assert view.current_id() == ids(program)[-1]
    for _ in range(len(ids(program)) - 1):
        press(view, Qt.Key.Key_Up)
    assert view.current_id() == ids(program)[0]


def test_letters_are_keys_in_the_list_and_letters_in_the_search(program: Program, qtbot: QtBot) -> None:
    window, view = program.window, program.window.listing.view
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    view.setFocus()
    for key in "jjk":
        qtbot.keyClick(view, key)
    assert view.current_id() == ids(program)[0]
    qtbot.keyClick(view, "/")
    assert window.listing.search.hasFocus()
    qtbot.keyClicks(window.listing.search, "jke")
    assert window.listing.search.text() == "jke"
    assert view.current_id() == ids(program)[0]
    qtbot.keyClick(window.listing.search, Qt.Key.Key_Escape)
    assert window.listing.search.text() == ""
    assert view.hasFocus()


def test_the_context_menu_offers_what_the_keys_do(program: Program) -> None:
    program.window.listing.view.select(ids(program)[0])
    menu = program.desk.deeds.menu()
    texts = [action.text() for action in menu.actions() if not action.isSeparator()]
    assert texts[:6] == ["Open in a tab", "Reply", "Reply all", "Forward", "Archive", "Delete"]
    assert all(action.isEnabled() for action in menu.actions())


def test_select_all_counts_messages_only(program: Program) -> None:
    program.window.actions_["select_all"].trigger()
    assert program.window.listing.view.selected_ids() == ids(program)
    assert program.window.reader.empty.accessibleName().startswith("12 conversations selected")
    program.window.actions_["group"].trigger()
    program.window.actions_["select_all"].trigger()
    assert program.window.reader.empty.accessibleName().startswith("12 messages selected")


def test_a_click_on_the_row_that_was_chosen_returns_to_its_message(program: Program, qtbot: QtBot) -> None:
    view, reader = program.window.listing.view, program.window.reader
    first, second = ids(program)[:2]
    view.select(first)

    def click(message_id: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        place = view.visualRect(view.messages.index(view.messages.row_of(message_id), 0)).center()
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifiers, place)

    def read() -> int | None:
        return reader.row.id if reader.row is not None and reader.empty.isHidden() else None

    click(second, Qt.KeyboardModifier.ControlModifier)
    assert read() is None
    click(second, Qt.KeyboardModifier.ControlModifier)
    assert read() == first
    view.select(first)
    program.window.actions_["select_all"].trigger()
    assert read() is None
    click(first)
    assert read() == first
    page = QWidget()
    reader.show_page(page)
    click(first)
    assert page.isHidden()
    reader.show_page(page)
    program.desk.go_to(MessageId(first))
    assert page.isHidden()
    assert read() == first


def test_who_holds_a_key_down_while_another_message_is_gone_to_selects_that_one_only(
    program: Program, qtbot: QtBot
) -> None:
    view = program.window.listing.view
    first, second = ids(program)[:2]
    for held in (Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier):
        view.select(first)
        qtbot.keyPress(program.window, Qt.Key.Key_F24, held)
        view.select(second)
        assert view.selected_ids() == [second]
        view.step(-1)
        assert view.selected_ids() == [first]
        qtbot.keyRelease(program.window, Qt.Key.Key_F24)


def test_actions_need_a_message(program: Program) -> None:
    assert not program.window.actions_["archive"].isEnabled()
    program.window.listing.view.select(ids(program)[0])
    assert program.window.actions_["archive"].isEnabled()


def test_every_key_belongs_to_one_action() -> None:
    keys = [key for deed in DEEDS for key in deed.keys]
    assert len(keys) == len(set(keys))


def test_reply_hands_the_message_to_the_composer(program: Program) -> None:
    wished = []
    program.desk.writing.connect(wished.append)
    program.window.listing.view.select(ids(program)[0])
    program.window.reader.pane.reply_all.click()
    program.window.sidebar.compose.click()
    assert [wish.kind for wish in wished] == [WritingKind.REPLY_ALL, WritingKind.NEW]
    assert wished[0].row.id == ids(program)[0]


def test_a_mailto_link_writes_and_a_script_link_does_nothing(program: Program) -> None:
    wished = []
    program.desk.writing.connect(wished.append)
    program.desk.deeds.follow_link("mailto:a@example.org?subject=Hi")
    program.desk.deeds.follow_link("javascript:alert(1)")
    program.desk.deeds.follow_link("file:///etc/passwd")
    assert [wish.mailto for wish in wished] == ["mailto:a@example.org?subject=Hi"]
    assert "nowhere" in program.window.toast.text()


# ---- palette and pages
def test_the_palette_finds_by_a_few_letters(program: Program) -> None:
    program.window.listing.view.select(ids(program)[0])
    program.desk.deeds.open_palette()
    palette = next(one for one in program.window.findChildren(Palette))
    palette.field.setText("archive")
    assert palette.shown()[0].text == "Archive"
    palette.field.setText("museum")
    palette.field.returnPressed.emit()
    assert program.desk.place == Place(folder=program.desk.library.db and _folder(program, "Projects/Museum"))


def test_the_palette_finds_people(program: Program) -> None:
    wished: list[Writing] = []
    program.desk.writing.connect(wished.append)
    program.desk.deeds.open_palette()
    palette = next(one for one in program.window.findChildren(Palette))
    palette.field.setText("may")
    wait_until(lambda: any(one.text == "Write to Maya Lindqvist" for one in palette.shown()), "Maya")
    found = {one.text: one for one in palette.shown()}
    found["Write to Maya Lindqvist"].act()
    found["Mail from Maya Lindqvist"].act()
    address = found["Mail from Maya Lindqvist"].detail
    assert [one.mailto for one in wished] == [f"mailto:{address}"]
    assert program.window.listing.search.text() == f"from:{address}"
    palette.field.setText("no such thing")
    wait_until(
        lambda: [one.text for one in palette.shown()] == ["Search all mail for “no such thing”"], "other letters"
    )
    palette.shown()[0].act()
    assert program.window.listing.search.text() == "no such thing"


def _folder(program: Program, name: str) -> object:
    return next(folder.id for folder in program.desk.folders.values() if folder.name == name)


def test_palette_scores() -> None:
    assert score("arch", "Archive") > score("arch", "Search") > 0
    assert score("gtr", "Go to Receipts") > 0
    assert score("xyz", "Archive") == 0
    assert score("archve", "Archive") > 0, "a letter was left out"
    assert score("inbox robin", "Go to Inbox", "robin@example.org") > 0
    assert score("rule", "Go to Drafts", "robin@muesli.example") == 0, "letters that are anywhere mean nothing"
    assert score("rule", "Make a rule") > score("rule", "Overruled") > score("rule make", "Make a rule") > 0
    assert ranked("", []) == []


def test_shortcuts_and_source_pages(program: Program) -> None:
    program.window.listing.view.select(ids(program)[1])
    program.window.actions_["source"].trigger()
    program.window.actions_["shortcuts"].trigger()
    assert program.window.findChild(ShortcutsPage) is not None
    source = program.window.findChild(SourcePage)
    assert source is not None


# ---- trouble is said in place
def test_the_engine_s_death_is_said_and_unsaid(program: Program) -> None:
    program.desk.hearing.lose()
    banner = program.window.banner
    assert not banner.isHidden()
    assert "Nothing is lost" in banner.text()
    program.desk.hearing.troubles.engine_is_back()
    assert banner.isHidden()


def test_an_engine_that_does_not_start_offers_to_try_again(program: Program) -> None:
    program.desk.hearing.troubles.engine_gave_up(MailError(Kind.LOCAL, Retry.SOON, "It does not start."))
    assert program.window.banner.text() == "It does not start."
    program.library.problem = disk_full("")
    program.desk.hearing.troubles.engine_gave_up(MailError(Kind.LOCAL, Retry.SOON, "It does not start."))
    assert program.window.banner.text().startswith("The disk of this computer is full; nothing is lost.")


def test_a_narrow_sidebar_has_its_buttons_one_above_the_other(program: Program, qtbot: QtBot) -> None:
    line, size = program.window.sidebar.status, program.window.size()
    program.window.resize(720, 700)
    qtbot.waitUntil(lambda: line.contacts.geometry().bottom() < line.settings.geometry().top())
    assert line.rect().contains(line.contacts.geometry())
    assert line.rect().contains(line.settings.geometry())
    program.window.resize(size)
    qtbot.waitUntil(lambda: line.contacts.geometry().right() < line.settings.geometry().left())


def test_a_refused_password_is_asked_for_in_place(program: Program) -> None:
    event = wire.Status(1, wire.State.PROBLEM, "The server refused the password.", "wrong-password")
    program.desk.hearing.hear(event)
    listing = program.window.listing
    assert not listing.banner.isHidden()
    assert "refused the password" in listing.banner.text()
    listing.banner._buttons[0].click()
    assert program.desk.hearing.troubles._bar is not None
    assert program.desk.hearing.troubles._bar.field.echoMode() is QLineEdit.EchoMode.Password
    assert "An account needs you" in program.window.sidebar.status.text()
    program.desk.hearing.hear(wire.Status(1, wire.State.IDLE))
    assert listing.banner.isHidden()
    assert program.window.sidebar.status.text().startswith("Up to date")


def test_a_server_that_is_down_alarms_nobody(program: Program) -> None:
    """It comes back by itself, and so does Mua: no red, no "needs you", and the sentence all the same."""
    text = "mail.example.org refuses connections on this port; the server may be down."
    program.desk.hearing.hear(wire.Status(1, wire.State.PROBLEM, text, "connection-refused"))
    listing, status = program.window.listing, program.window.sidebar.status
    assert listing.banner.text().endswith(text)
    assert listing.banner.property("tone") == "warning"
    assert "needs you" not in status.text()
    assert heading(program, 1).note.startswith("Offline since ")
    program.desk.hearing.hear(wire.Status(1, wire.State.PROBLEM, "No.", "certificate-wrong-name"))
    assert listing.banner.property("tone") == "danger"
    assert listing.banner._buttons[0].text() == "Account settings"
    assert "An account needs you" in status.text()


def test_a_full_disk_is_said_once(program: Program) -> None:
    text = "The disk of this computer is full; nothing is lost."
    hearing, window = program.desk.hearing, program.window
    for account in (1, 2):
        hearing.hear(wire.Status(account, wire.State.PROBLEM, text, "disk-full"))
    hearing.hear(wire.Notice(text, "disk-full"))
    hearing.troubles.failed(MailError(Kind.LOCAL, Retry.SOON, text, code="disk-full"))
    assert window.banner.text() == text
    assert len(window.banner._buttons) == 1
    assert window.listing.banner.isHidden()
    assert window.toast.isHidden()
    hearing.hear(wire.Status(1, wire.State.IDLE))
    assert window.banner.isHidden()


def test_a_demo_whose_server_died_can_be_opened_again(program: Program, mail: Mail) -> None:
    with mail.store.write() as tx:
        tx.run("UPDATE account SET demo = 1 WHERE id = 2")
    program.desk.read_accounts()
    program.desk.hearing.hear(wire.Status(1, wire.State.OFFLINE, "No answer.", "offline"))
    assert program.window.listing.banner.isHidden()
    wanted: list[int] = []
    program.desk.demo_wanted.connect(lambda: wanted.append(1))
    program.desk.hearing.hear(wire.Status(2, wire.State.OFFLINE, "No answer.", "offline"))
    assert "demo's mail server is not running" in program.window.listing.banner.text()
    program.window.listing.banner._buttons[0].click()
    assert wanted == [1]
    program.desk.hearing.hear(wire.Status(2, wire.State.IDLE))
    assert program.window.listing.banner.isHidden()


def test_no_letter_acts_on_the_mail_while_a_composer_is_held_for(program: Program) -> None:
    actions = program.window.actions_
    program.window.listing.view.select(ids(program)[0])
    actions.hold(True)
    assert not any(actions[name].isEnabled() for name in ("archive", "delete", "junk", "star", "compose", "undo"))
    assert actions["palette"].isEnabled()
    assert actions["quit"].isEnabled()
    press(program.window.listing.view, Qt.Key.Key_Space, " ")
    assert program.window.listing.view.current_id() == ids(program)[0]
    actions.hold(False)
    assert actions["archive"].isEnabled()


def test_progress_has_counts_and_an_end(program: Program) -> None:
    program.desk.hearing.hear(wire.Status(1, wire.State.SYNCING))
    program.desk.hearing.hear(wire.Progress(1, "headers", 1_203, 10_000))
    assert program.window.sidebar.status.text() == "Fetching 1,203 of 10,000"
    program.desk.hearing.hear(wire.Progress(1, "headers", 10_000, 10_000))
    program.desk.hearing.hear(wire.Status(1, wire.State.IDLE))
    assert program.window.sidebar.status.text().startswith("Up to date")


def test_a_refused_change_is_marked_and_says_the_server_s_words(program: Program, mail: Mail) -> None:
    first = MessageId(ids(program)[0])
    with mail.store.write() as tx:
        write.wish_move(tx, [first], mail.folders["Archive"], 1)
        write.wish_refused(tx, [first], "imap.example.org refuses this. (Over quota)")
    program.desk.read_again({first}, sidebar=False)
    card = program.window.listing.model.card(program.window.listing.model.row_of(first))
    assert card is not None
    assert card.refused
    assert "a change was refused" in card.spoken
    program.window.listing.view.select(first)
    refusal = program.window.reader.pane.refusal
    assert not refusal.isHidden()
    assert "Over quota" in refusal.text()
    settled: list[bool] = []
    program.window.reader.settled.connect(settled.append)
    for button in refusal._buttons:
        button.click()
    assert settled == [True, False]
    with mail.store.write() as tx:
        write.settle_refused(tx, [first], again=False, now=2)
    program.desk.read_again({first}, sidebar=False)
    assert refusal.isHidden()


def heading(program: Program, account: int) -> Entry:
    return next(one for one in program.window.sidebar.model.entries if one.heading and one.account == account)


def test_each_account_says_when_it_was_last_checked(program: Program, mail: Mail) -> None:
    hearing = program.desk.hearing
    assert heading(program, 1).note == "Not checked yet"
    with mail.store.write() as tx:
        write.set_synced(tx, AccountId(1), int(time.time()) - 130)
    program.desk.read_again(set(), sidebar=True)
    assert heading(program, 1).note == "Checked 2 min ago"
    hearing.hear(wire.Status(1, wire.State.SYNCING))
    assert heading(program, 1).note == "Checking…"
    hearing.hear(wire.Progress(1, "headers", 12_400, 200_000))
    assert (heading(program, 1).note, heading(program, 2).note) == ("12,400 of 200,000", "Not checked yet")
    hearing.hear(wire.Progress(1, "headers", 200_000, 200_000))
    before = time.strftime("%H:%M")
    hearing.hear(wire.Status(1, wire.State.OFFLINE))
    assert heading(program, 1).note in {f"Offline since {one}" for one in (before, time.strftime("%H:%M"))}
    hearing.hear(wire.Status(1, wire.State.PROBLEM, "No.", "wrong-password"))
    assert heading(program, 1).note.startswith("Needs you since ")
    hearing.hear(wire.Status(1, wire.State.IDLE))
    assert heading(program, 1).note == "Checked just now"
    assert "Checked just now" in heading(program, 1).spoken()


def test_an_account_s_trouble_is_told_for_both_ways(program: Program, mail: Mail) -> None:
    with mail.store.write() as tx:
        write.set_problem(tx, AccountId(1), "wrong-password", "The password was refused.")
        write.set_problem(tx, AccountId(1), "unknown-host", "There is no such host.", side=Side.OUTGOING)
    program.desk.read_again(set(), sidebar=True)
    model = program.window.sidebar.model
    row = next(row for row, one in enumerate(model.entries) if one.heading and one.account == 1)
    tip = model.data(model.index(row), Qt.ItemDataRole.ToolTipRole)
    assert tip.splitlines()[2:] == ["Receiving: The password was refused.", "Sending: There is no such host."]


def test_a_weaker_log_in_is_taken_by_one_click(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[wire.Command] = []
    monkeypatch.setattr(program.desk, "client", SimpleNamespace(ask=asked.append))
    program.desk.hearing.troubles.show([read.Problem(AccountId(1), "No safer log-in any more.", "weaker-log-in", "")])
    button = program.window.listing.banner._buttons[-1]
    assert button.text() == "Allow the weaker log-in"
    button.click()
    assert asked == [wire.AllowWeaker(1)]


# ---- for everybody
def test_every_button_and_field_has_a_name(program: Program) -> None:
    program.window.listing.view.select(ids(program)[0])
    parts = [*program.window.findChildren(QAbstractButton), *program.window.findChildren(QLineEdit)]
    parts += program.window.findChildren(AttachmentCard)
    nameless = [part for part in parts if not (part.accessibleName() or part.toolTip())]
    assert [part for part in nameless if not part.objectName().startswith("qt_")] == []


def test_a_narrow_window_shows_one_pane_at_a_time(program: Program, qapp: QApplication) -> None:
    window = program.window
    window.resize(800, 600)
    qapp.processEvents()
    assert window.narrow
    assert window.listing.isVisible()
    assert not window.reader.isVisible()
    program.window.listing.view.select(ids(program)[0])
    program.desk.open_row(window.listing.view.current_id())
    assert window.reader.isVisible()
    assert not window.listing.isVisible()
    window.actions_["back"].trigger()
    assert window.listing.isVisible()
    window.resize(1300, 800)
    qapp.processEvents()
    assert window.reader.isVisible()
    assert window.listing.isVisible()


def test_1024_by_700_shows_three_panes(program: Program, qapp: QApplication) -> None:
    program.window.resize(1024, 700)
    qapp.processEvents()
    assert not program.window.narrow
    assert program.window.width() == 1024
    assert program.window.reader.width() >= 320


@pytest.mark.parametrize("density", list(Density))
def test_every_density_paints_both_ways(program: Program, qapp: QApplication, density: Density) -> None:
    program.window.listing.set_density(density)
    for direction in (Qt.LayoutDirection.RightToLeft, Qt.LayoutDirection.LeftToRight):
        qapp.setLayoutDirection(direction)
        assert not program.window.grab().isNull()
    assert program.window.listing.view.density() is density


def test_state_is_kept(program: Program, mail: Mail) -> None:
    program.desk._toggle_account(2)
    program.window.close()
    state = program.state
    assert state.value("place") == f"folder:{mail.folders['INBOX']}"
    assert state.value("sidebar/collapsed") == "2"


def test_a_search_lists_what_it_finds_and_keeps_what_is_there_until_then(program: Program, qtbot: QtBot) -> None:
    before = ids(program)
    program.desk.finding.search("is:starred")
    assert ids(program) == before
    qtbot.waitUntil(lambda: len(ids(program)) == 3)
    assert program.window.listing._title.text() == "Search"
    program.window.listing.narrow(Filter.UNREAD)
    qtbot.waitUntil(lambda: len(ids(program)) == 1)
    program.desk.finding.search("is:starred larger:1m")
    qtbot.waitUntil(lambda: ids(program) == [])
    assert program.window.listing._empty.accessibleName().startswith("Nothing")
    program.desk.finding.search("")
    assert ids(program) == before


def test_sent_mail_shows_its_recipients(program: Program, mail: Mail) -> None:
    account = read.accounts(mail.store.reader())[0].id
    when = int(time.time() - HOUR)
    mail.letter(account, mail.folders["Sent"], letter("Me", "maya@example.org", "Out", "Hello", when), when, Flag.SEEN)
    assert read.folder_with_role(mail.store.reader(), account, Role.SENT) is not None
    program.desk.read_accounts()
    program.desk.show_place(Place(folder=mail.folders["Sent"]))
    card = program.window.listing.model.card(1)
    assert card is not None
    assert card.who == "maya@example.org +2"


def test_a_shown_search_finds_what_comes_later(program: Program, mail: Mail, qtbot: QtBot) -> None:
    """Without being typed again; what a server found for it stays listed."""
    model = program.desk.listing.model
    program.desk.finding.search("is:starred")
    qtbot.waitUntil(lambda: model.source.query is not None and not model.seeking)
    plain = [one for one in read.folder_order(mail.store.reader(), mail.folders["INBOX"]) if one not in model.ids]
    model.add([plain[0]])
    with mail.store.write() as tx:
        write.wish_flags(tx, [MessageId(plain[1])], Flag.FLAGGED, Flag(0), 1)
    program.desk.read_again({plain[1]}, sidebar=False)
    qtbot.waitUntil(lambda: plain[1] in model.ids)
    assert plain[0] in model.ids


def test_the_keyboard_is_on_the_list_once_there_is_one(program: Program, mail: Mail) -> None:
    listing = program.window.listing
    program.desk.show_place(Place(folder=mail.folders["Drafts"]))
    listing.take_keyboard()
    assert not program.window.sidebar.compose.hasFocus()
    program.desk.show_place(Place(folder=mail.folders["INBOX"]))
    assert listing.view.hasFocus()


def test_the_other_mouse_button_on_a_folder_leaves_the_list_as_it_is(
    program: Program, mail: Mail, qtbot: QtBot
) -> None:
    folders, model = program.window.sidebar.folders, program.window.sidebar.model
    row = model.row_of(Place(folder=mail.folders["Drafts"]))
    where = folders.visualRect(model.index(row)).center()
    qtbot.mouseClick(folders.viewport(), Qt.MouseButton.RightButton, pos=where)
    assert program.desk.place == Place(folder=mail.folders["INBOX"])
    qtbot.mouseClick(folders.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert program.desk.place == Place(folder=mail.folders["Drafts"])
