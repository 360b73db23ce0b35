"""The desk: brings panes, store and engine together.

Rules of the file: the window shows what the store says; before the first paint only reading and showing (``begin``),
after it what acts (``serve``) and the engine (``attach``); nothing here blocks.

Theory of operation: ``show_place`` gives the list a ``Source``.  A chosen message is shown from the cached view, or
wanted (``view_wanted``) and shown when the engine says so.  ``Deeds`` does what keys and buttons say, ``Acting``
changes mail, ``Hearing`` listens to the engine and has us ``read_again``.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from mua.errors import MailError, passes
from mua.gui import preferences as prefs
from mua.gui import words
from mua.gui.columns import Column
from mua.gui.emptiness import NOTHING_FOUND, emptiness_of
from mua.gui.engine_words import said
from mua.gui.finding import Finding
from mua.gui.folder_order import arranged, moved
from mua.gui.grouping import Grouping
from mua.gui.key_sets import effective
from mua.gui.library import Library
from mua.gui.list_pane import unread_words
from mua.gui.looks import Looks
from mua.gui.main_window import MainWindow
from mua.gui.message_cards import Density
from mua.gui.places import SAVED_NAMES, Place, Source, folder_words
from mua.gui.reader import NOTHING_CHOSEN
from mua.gui.seeker import Seeker
from mua.gui.sidebar import entries
from mua.gui.theme import theme
from mua.gui.writing import Kind, Writing
from mua.language import tr
from mua.model.account import Account, AccountId, Incoming, Side
from mua.model.folder import Folder, FolderId, Role, is_templates
from mua.model.message import Flag, MessageId, MessageRow, MessageView
from mua.model.outgoing import Outgoing
from mua.model.sort import NEWEST_FIRST, Sort
from mua.plan.conversation import members
from mua.store import read, rules
from mua.store.read import Chosen, Filter, Saved

if TYPE_CHECKING:
    from mua.gui.engine_client import EngineClient
    from mua.gui.tabs import Tabs

PICTURE = "mua-image:"  # mime.remote.SCHEME; a start does without that module
_SIDES = {Side.INCOMING: tr("Receiving"), Side.OUTGOING: tr("Sending")}


class Desk(QObject):
    """What the window shows, and what its buttons do."""

    writing = Signal(object)
    """A ``Writing``: open the composer."""
    settings_wanted = Signal()
    setting_wanted = Signal(str)
    health_wanted = Signal()
    ledger_wanted = Signal()
    contacts_changed = Signal()
    outbox_wanted = Signal()
    scheduled_wanted = Signal()
    outgoing_wanted = Signal(int)
    """One message of the outbox (0: all that waits)."""
    overdue = Signal(object)
    """An Outgoing that waits for a day, for a notification."""
    demo_wanted = Signal()
    """The demo's servers are to be started again."""
    account_wanted = Signal()
    """The person wants to add an account."""
    emptied = Signal(bool)
    """True: there is no account (first run); False: there is one now."""
    arrived = Signal(list)
    """Rows of new mail, for a notification."""
    view_wanted = Signal(object)
    """A message is to be shown whose view the engine has to make."""
    seen = Signal(object)
    """A message has been read."""
    accounts_read = Signal()
    pane_shown = Signal(object)
    """A ``MessagePane`` shows a message, or shows it again."""
    grouping_changed = Signal()
    """What is grouped by conversations was chosen (``grouping``)."""
    preferences_changed = Signal()
    looks_changed = Signal()
    """How a place is listed was chosen (``looks``)."""
    going = Signal()
    """Something else is to be listed, or looked at in its list."""
    place_shown = Signal(object)
    """A place is listed: its Folder, or None for a unified view."""

    def __init__(self, library: Library, window: MainWindow, preferences: prefs.Preferences) -> None:
        super().__init__(window)
        self.library, self.window, self.preferences = library, window, preferences
        self.sidebar, self.listing, self.reader = window.sidebar, window.listing, window.reader
        self.seeker = Seeker(library.profile, self)
        self.client: EngineClient | None = None
        self.accounts: list[Account] = []
        self.folders: dict[FolderId, Folder] = {}
        self.place: Place | None = None
        self.grouping = Grouping()
        self.looks = Looks()
        self.note_of: Callable[[int, int, float], str] | None = None
        """What an account is doing, once there is somebody who hears it (``hearing``)."""
        self.waiting = 0
        """Messages in the outbox that wait, or failed since it was looked at (``rooms`` counts them)."""
        self.scheduled = 0
        """Messages that go later."""
        self._collapsed: set[int] = set()
        self.finding = Finding(self)
        self.tabs: Tabs | None = None
        self._many = False
        """Whether several messages are selected."""
        self.kept_counts: dict[str, int] = {}
        """How many messages of each kept search are unread, by its words."""
        self._wanted: set[MessageId] = set()
        self._unseen: list[MessageId] = []
        self._seen = QTimer(self)
        self._seen.setSingleShot(True)
        self._seen.timeout.connect(self.mark_seen)
        self._connect()

    # ---- beginning
    def begin(self, last: Place | None = None, collapsed: set[int] | None = None) -> None:
        """Show the store as it is: before the engine runs, and quickly."""
        self._collapsed = collapsed or set()
        self.listing.set_density(self.preferences.density)
        self.listing.model.tags = self.reader.tags = self.preferences.tags
        self.listing.offer_tags(self.preferences.tags)
        self.reader.set_width(self.preferences.full_width)
        self.read_accounts()
        place = last if last is not None and self.sidebar.model.row_of(last) >= 0 else self.first_place()
        if place is not None:
            self.show_place(place)
        self.reader.show_nothing(*NOTHING_CHOSEN)
        since = self.synced_at()
        self.sidebar.status.say(
            tr("As of {when}", when=words.full_time(since, time.time())) if since else tr("Starting…"), "hard-drive"
        )
        self.window.actions_.enable(0)
        self.listing.take_keyboard()

    def serve(self) -> None:
        """After the first paint: what makes buttons and keys do something."""
        from mua.gui.acting import Acting
        from mua.gui.ahead import Ahead
        from mua.gui.attachments import Attachments
        from mua.gui.authors import Authors
        from mua.gui.deeds import Deeds
        from mua.gui.elsewhere import Elsewhere
        from mua.gui.hearing import Hearing
        from mua.gui.message_deeds import MessageDeeds
        from mua.gui.people import People
        from mua.gui.pictures import Pictures
        from mua.gui.receipts import Receipts
        from mua.gui.searching import Searching
        from mua.gui.setting_aside import SettingAside
        from mua.gui.tabs import Tabs
        from mua.gui.tagging import Tagging
        from mua.gui.talks import Talks

        self.window.actions_.draw_icons()
        self.acting = Acting(self.window, self.window.toast)
        self.acting.years = self.preferences.archive_years
        self.preferences_changed.connect(lambda: setattr(self.acting, "years", self.preferences.archive_years))
        self.acting.leaving.connect(self.listing.model.let_go)
        self.acting.stayed.connect(self.listing.model.all_gone)
        self.attachments = Attachments(self.window, self.library, self.window.toast, self.reader)
        self.pane_shown.connect(self.attachments.draw_cards)
        self.authors = Authors(self)
        self.tagging = Tagging(self)
        self.talks = Talks(self)
        self.setting_aside = SettingAside(self)
        self.deeds = Deeds(self)
        self.message_deeds = MessageDeeds(self)
        self.elsewhere = Elsewhere(self)
        self.hearing = Hearing(self)
        self.pictures = Pictures(self)
        self.people = People(self)
        self.searching = Searching(self)
        self.receipts = Receipts(self)
        self.ahead = Ahead(self)
        self.tabs = self.tabs or Tabs(self)
        self.tabs.serve()
        self.elsewhere.tell()
        self.sidebar.folders.dropped.connect(self.acting.move)
        self.sidebar.folders.sorted_.connect(self.sort_folder)

    def attach(self, client: "EngineClient") -> None:
        """The engine is on the line, or will be."""
        self.client = client
        for pane in self.reader.panes():
            self.pane_shown.emit(pane)
        self.acting.attach(client)
        self.hearing.attach(client)
        for pane in self.reader.panes():
            if pane.row is not None and pane.view is None:
                self.open_message(pane.row)

    def collapsed(self) -> set[int]:
        """Accounts whose folders are hidden."""
        return set(self._collapsed)

    def read_accounts(self) -> None:
        """Read accounts, folders and counts again, for the sidebar and the title."""
        db = self.library.db if self.library.open() else None
        if db is None:
            self.emptied.emit(True)
            return
        before = bool(self.accounts)
        self.accounts = read.accounts(db)
        self.folders = {folder.id: folder for folder in read.folders(db, shown=True)}
        self.listing.model.mine = self._mine()
        problems: dict[int, str] = {}
        serious: set[int] = set()
        for one in read.problems(db):
            words_of = f"{_SIDES[one.side]}: {words.shown(said(one.text), 300)}"
            problems[one.account_id] = "\n".join(filter(None, (problems.get(one.account_id, ""), words_of)))
            if not passes(one.code):
                serious.add(one.account_id)
        lines = entries(
            self.accounts,
            arranged([one for one in self.folders.values() if one.id not in self.looks.hidden], self.looks.order),
            read.saved_counts(db),
            frozenset(self._collapsed),
            problems,
            self.waiting,
            self.notes(),
            frozenset(problems) - serious,
            self.scheduled,
            [(one, self.kept_counts.get(one.query, 0)) for one in self.preferences.searches],
        )
        self.sidebar.fill(lines)
        if not self.accounts or not before:
            self.emptied.emit(not self.accounts)
        self.accounts_read.emit()
        self.say_title()

    def notes(self) -> dict[int, str]:
        """When each account that has a server was last checked, or what it is doing now."""
        db, now, found = self.library.db, time.time(), dict[int, str]()
        for account in self.accounts if db is not None else ():
            if account.incoming is not Incoming.LOCAL:
                at = read.synced_at(db, account.id)  # type: ignore[arg-type]
                note = self.note_of(account.id, at, now) if self.note_of else words.checked(at, now)
                found[account.id] = tr("Paused") if account.habits.paused else note
        return found

    # ---- places
    def show_place(self, place: Place, chosen: Chosen = Filter.ALL) -> None:
        """List a folder, a unified view, or what a kept search finds."""
        self.going.emit()
        if place.search:
            self.finding.show_kept(place)
            return
        self.place = place
        self.sidebar.choose(place)
        self.listing.choose_filter(chosen)
        self.listing.put_search("")
        folder = self.folders.get(place.folder) if place.folder is not None else None
        self.finding.leave()
        self.window.actions_.tell_junk(folder is not None and folder.role is Role.JUNK)
        self.listing.view.forget_current()
        self._list(place, chosen)
        self.place_shown.emit(folder)
        self.show_chosen(None)

    def go_to(self, message_id: MessageId) -> None:
        """Show a message in its folder."""
        self.going.emit()
        row = self.listing.model.source.message(message_id)
        if row is not None and not self.listing.view.select(message_id):
            self.show_place(Place(folder=row.folder_id))
            self.listing.view.select(message_id)

    def _list(self, place: Place, chosen: Chosen) -> None:
        """List a place as the person likes it."""
        folder, look = self.folders.get(place.folder) if place.folder is not None else None, self.looks.of(place)
        outgoing = folder is not None and folder.role in (Role.SENT, Role.DRAFTS)
        grouped = self.grouping.wanted(place, folder.role if folder is not None else None)
        self.listing.set_density(look.density or self.preferences.density)
        self.listing.set_columns(look.columns)
        source = Source(self.library.db, place, chosen, grouped=grouped, sort=look.sort, outgoing=outgoing)
        self.listing.model.show(source)

    def filter(self, chosen: Chosen) -> None:
        """All, unread or starred of what is listed."""
        source = self.listing.model.wanted
        if source.query is not None:
            if chosen != source.chosen:
                self.listing.model.show(Source(self.library.db, self.place, chosen, source.query, sort=source.sort))
        elif self.place is not None:
            self._list(self.place, chosen)

    def group(self, wanted: bool) -> None:
        """List the folder or view by conversations, or message by message, from now on."""
        source = self.listing.model.source
        if self.place is None or source.query is not None:
            return
        self.grouping.choose(self.place, wanted)
        self.grouping_changed.emit()
        if wanted and not source.sort.by_date:
            self.looks.choose(self.place, sort=NEWEST_FIRST)
            self.looks_changed.emit()
        self._list(self.place, source.chosen)
        self.listing.view.scroll_to_current()
        self.window.toast.say(tr("Listed by conversations.") if wanted else tr("Listed message by message."))

    def sort(self, sort: Sort) -> None:
        """Sort the folder or view, or what was found, so from now on."""
        source = self.listing.model.wanted
        if source.query is not None:
            self.finding.sort(sort)
            return
        if self.place is None:
            return
        self.looks.choose(self.place, sort=sort)
        self.looks_changed.emit()
        self._list(self.place, source.chosen)

    def _choose_columns(self, columns: tuple[Column, ...]) -> None:
        self.looks.choose(self.place, columns=columns)
        self.looks_changed.emit()
        self.listing.set_columns(columns)

    def _choose_density(self, density: Density) -> None:
        self.looks.choose(self.place, density=density)
        self.looks_changed.emit()

    # ---- the message
    def show_message(self, message_id: MessageId) -> None:
        """Show a message in the reader; ask the engine for its view when there is none yet."""
        row = self.listing.model.source.message(message_id)
        self._wanted = {message_id}
        if row is None:
            return
        self.reader.leave_page()
        self._will_be_seen([message_id])
        thread = self._conversation(row)
        shown = self.reader.conversation
        if len(thread) < 2:
            self.reader.leave_conversation()
            self.open_message(row)
        elif shown is not None and self.reader.has_conversation and shown.ids() == {one.id for one in thread}:
            shown.unfold(message_id)
        else:
            drafts = frozenset(key for key, folder in self.folders.items() if folder.role is Role.DRAFTS)
            self.reader.show_conversation(thread, message_id, self._mine(), drafts)

    def open_message(self, row: MessageRow) -> None:
        """Fill the pane of a message, now or when the engine has made its view."""
        view = self.library.view(row.id)
        self._show_row(row, view)
        if view is None:
            self._wanted.add(row.id)
            self.view_wanted.emit(row.id)

    def _conversation(self, row: MessageRow) -> list[MessageRow]:
        """The messages that are shown together with this one: none where each is shown alone."""
        if self.library.db is None or not self.preferences.conversations:
            return [row]
        aside = {key for key, folder in self.folders.items() if folder.role in (Role.TRASH, Role.JUNK)}
        return members(read.thread(self.library.db, row.thread_id), row.id, aside)

    def _show_row(self, row: MessageRow, view: MessageView | None) -> None:
        db, folder = self.library.db, self.folders.get(row.folder_id)
        pane = self.reader.show_message(row, view, self._mine())
        pane.be_draft(folder is not None and folder.role is Role.DRAFTS)
        pane.backscatter.setVisible(db is not None and read.is_backscatter(db, row.id))
        pane.header.show_rule(rules.said(db, row.id) if db is not None else "")
        pane.show_journey(self._outgoing(row))
        self.pane_shown.emit(pane)

    def show_journeys(self) -> None:
        """Where the messages that are shown are now, as far as they are ours."""
        for pane in self.reader.panes():
            if pane.row is not None:
                pane.show_journey(self._outgoing(pane.row))

    def _outgoing(self, row: MessageRow) -> Outgoing | None:
        db = self.library.db
        if db is None or not row.message_id or not any(one.address.lower() in self._mine() for one in row.sender):
            return None
        from mua.store import outbox

        return outbox.by_message_id(db, row.message_id)

    def chosen_rows(self) -> list[MessageRow]:
        """The selected messages (the one being read when the list has no selection)."""
        ids = self.chosen_ids()
        return [] if self.library.db is None else read.rows(self.library.db, ids)

    def chosen_ids(self) -> list[MessageId]:
        """The ids of the selected messages."""
        selected = self.listing.view.selected_ids()
        if not selected and self.reader.row is not None:
            return [self.reader.row.id]
        return selected

    def inline(self, row: MessageRow, view: MessageView, content_id: str) -> bytes | None:
        """The bytes of a Content-ID of a message, or of a picture from elsewhere (``mua-image:NAME``)."""
        if content_id.startswith(PICTURE):
            return self.library.picture(content_id.removeprefix(PICTURE))
        attachment = view.carried(content_id)
        found = None if attachment is None else self.library.part(row.id, attachment.part)
        return None if found is None else found[1]

    # ---- doing
    def begin_with(self, row: MessageRow) -> None:
        """A new letter that begins as this message."""
        self.writing.emit(Writing(Kind.AGAIN, row, self.library.view(row.id)))

    def open_row(self, message_id: MessageId | None) -> None:
        """Enter or double click: read it (narrow), go on writing it (a draft), or begin with it (a template)."""
        if message_id is None:
            return
        row = self.listing.model.source.message(message_id)
        folder = self.folders.get(row.folder_id) if row is not None else None
        if row is not None and folder is not None and folder.role is Role.DRAFTS:
            self.writing.emit(Writing(Kind.DRAFT, row, self.library.view(message_id)))
            return
        if row is not None and folder is not None and is_templates(folder):
            self.begin_with(row)
            return
        self.window.read(True)
        self.reader.take_keyboard()

    # ---- inside: wiring
    def _connect(self) -> None:
        self.sidebar.chosen.connect(self._place_chosen)
        self.sidebar.collapsed.connect(self._toggle_account)
        self.sidebar.outbox_chosen.connect(
            lambda scheduled: (self.scheduled_wanted if scheduled else self.outbox_wanted).emit()
        )
        self.sidebar.status.settings.clicked.connect(self.settings_wanted)
        self.sidebar.status.contacts.clicked.connect(self.window.actions_["contacts"].trigger)
        self.listing.searched.connect(self.finding.search)
        self.listing.filtered.connect(self.filter)
        self.listing.grouping_chosen.connect(self.group)
        self.listing.density_chosen.connect(self._choose_density)
        self.listing.sort_chosen.connect(self.sort)
        self.listing.header.chosen.connect(self._choose_columns)
        self.listing.view.chosen.connect(self.show_chosen)
        self.listing.view.opened.connect(self.open_row)
        self.listing.view.selected.connect(self._selected)
        self.listing.model.serve(self.seeker)
        self.listing.model.shown.connect(self._list_shown)
        self.listing.model.refreshed.connect(self.say_title)
        self.reader.opened_in.connect(self.open_message)
        self.reader.in_sight.connect(self._will_be_seen)
        self.seeker.failed.connect(self._not_found)

    # ---- reading again
    def read_again(self, changed: set[int] | None, sidebar: bool) -> None:
        """Read what may differ: these messages (None: everything), and the sidebar.  Raises MailError."""
        self.library.forget_ready()
        if sidebar:
            self.read_accounts()
        if self.place is None and (first := self.first_place()) is not None:
            self.show_place(first)
        elif changed is None or changed:
            self.listing.model.source.db = self.library.db
            self.listing.model.refresh(changed)
        self._reread(changed)

    def view_ready(self, message_id: MessageId) -> None:
        """The view of a message is in the store now."""
        if message_id in self._wanted:
            self._reread({message_id})

    def no_view(self, message_id: MessageId, error: MailError) -> None:
        """The view of a message cannot be made."""
        pane = self.reader.pane_of(message_id)
        if pane is not None and message_id in self._wanted:
            pane.show_problem(error.text)

    def _reread(self, changed: set[int] | None) -> None:
        """Show the messages that are read as they are now (``changed``: which may differ; None: all)."""
        shown = self.reader.conversation
        if shown is not None and self.reader.has_conversation and shown.row is not None and changed != set():
            shown.update_rows(self._conversation(shown.row))
        for pane in self.reader.panes():
            if pane.row is not None and (changed is None or pane.row.id in changed):
                row = self.listing.model.source.message(pane.row.id)
                if row is not None:
                    self._show_row(row, self.library.view(row.id) or pane.view)

    # ---- inside: the list speaks
    def _list_shown(self) -> None:
        """Another folder, or the results of a search, are listed now."""
        source = self.listing.model.source
        self.listing.show_grouping(source.grouped, source.query is None)
        self.listing.show_sort(source.sort, outgoing=source.outgoing)
        if source.query is not None:
            self.listing.show_emptiness(NOTHING_FOUND)
        elif source.place is not None:
            folder = self.folders.get(source.place.folder) if source.place.folder is not None else None
            self.listing.show_emptiness(emptiness_of(source.place, folder))
        self.listing.view.scrollToTop()

    def _not_found(self, _: int, error: MailError) -> None:
        self.window.toast.say(error.text)

    def _place_chosen(self, place: Place) -> None:
        self.show_place(place)
        self.window.read(False)

    def show_chosen(self, message_id: MessageId | None) -> None:
        """Read this message, or none."""
        self._seen.stop()
        if message_id is None:
            self._wanted = set()
            self.reader.show_nothing(*NOTHING_CHOSEN)
            self.window.actions_.enable(0)
            return
        self.window.actions_.enable(1)
        self.show_message(message_id)

    def _selected(self, number: int) -> None:
        self.window.actions_.enable(number or (1 if self.reader.row is not None else 0))
        many, self._many = self._many, number > 1
        if number > 1:
            self._wanted = set()
            self._seen.stop()
            self.reader.show_nothing(
                "list",
                tr("{messages} selected", messages=words.count(number, self._row_word())),
                tr("E archives them, Delete puts them into the bin, V moves them."),
            )
        elif many and (left := self.listing.view.few_selected()):
            self.show_chosen(left[0])

    def _row_word(self) -> str:
        return "conversation" if self.listing.model.source.grouped else "message"

    def do_not_mark(self) -> None:
        """Leave the message that is shown unread."""
        self._seen.stop()

    def _will_be_seen(self, ids: Sequence[MessageId]) -> None:
        """These messages are in sight: soon they count as read."""
        unread = [row.id for row in map(self.listing.model.source.message, ids) if row and not row.flags & Flag.SEEN]
        if unread != self._unseen or not self._seen.isActive():
            self._unseen = unread
            wait = self.preferences.mark_read_after
            if unread and wait >= 0:
                self._seen.start(round(max(wait, 0.3) * 1_000))
            else:
                self._seen.stop()

    def mark_seen(self) -> None:
        """What is in sight has been read."""
        source, selected = self.listing.model.source, set(self.listing.view.selected_ids())
        found = map(source.message, self._unseen if self.window.isVisible() else ())
        rows = [row for row in found if row is not None and not row.flags & Flag.SEEN]
        if kept := [row for row in rows if row.id in selected]:
            source.keep(kept)
        for row in rows:
            self.seen.emit(row.id)

    # ---- inside: small deeds
    def change_preferences(self, changed: prefs.Preferences) -> None:
        """Keep new settings and apply what is visible at once."""
        scale = changed.text_scale != self.preferences.text_scale
        shape = changed.conversations != self.preferences.conversations
        asks = changed.read_receipts is not self.preferences.read_receipts
        tags = changed.tags != self.preferences.tags
        keys = (changed.key_set, changed.keys) != (self.preferences.key_set, self.preferences.keys)
        self.preferences = changed
        if scale:
            theme().apply(theme().dark, changed.text_scale)
        self.listing.set_density(self.looks.of(self.place).density or changed.density)
        self.reader.set_width(changed.full_width)
        if keys:
            self.window.actions_.set_keys(effective(changed.key_set, changed.keys))
        if tags:
            self.listing.model.tags = self.reader.tags = changed.tags
            self.listing.offer_tags(changed.tags)
            self.read_again(None, sidebar=True)
        if shape and self.reader.row is not None:
            self.show_chosen(self.reader.row.id)
        for pane in self.reader.panes() if asks else ():
            self.pane_shown.emit(pane)
        try:
            prefs.save(self.library.profile, changed)
            self.preferences_changed.emit()
        except OSError as error:
            self.window.toast.say(tr("The settings could not be written: {strerror}.", strerror=error.strerror))

    def hide(self, folders: Iterable[int], hidden: bool) -> None:
        """Leave folders out of the sidebar, or show them there again."""
        self.looks.hidden = self.looks.hidden | {*folders} if hidden else self.looks.hidden - {*folders}
        self.looks_changed.emit()
        self.read_accounts()

    def sort_folder(self, what: FolderId, where: FolderId | None) -> None:
        """Put a folder where another one of its siblings is; nothing where they are none."""
        order = moved(self.folders.values(), self.looks.order, what, where) if where is not None else None
        if order is not None:
            self.looks.order = order
            self.looks_changed.emit()
            self.read_accounts()

    def _toggle_account(self, account_id: int) -> None:
        self._collapsed ^= {account_id}
        self.read_accounts()

    # ---- inside: words
    def say_title(self) -> None:
        """The name of what is listed, above the list and on the window."""
        source, place = self.listing.model.source, self.place
        if source.query is not None:
            text = self.listing.search.text().strip()
            kept = next((one.name for one in self.preferences.searches if one.query == text), tr("Search"))
            self.listing.show_title(words.shown(kept, 60), words.count(self.listing.model.messages, "result"))
            return
        title, unread, account = "Mua", 0, ""
        if place is not None and place.saved is not None:
            title = SAVED_NAMES[place.saved][0]
            if self.library.db is not None:
                unread = read.saved_counts(self.library.db).get(place.saved, 0)
        elif place is not None and place.folder in self.folders:
            folder = self.folders[place.folder]
            title, unread = folder_words(folder)[0], folder.unread
            account = next((one.email for one in self.accounts if one.id == folder.account_id), "")
        self.listing.show_title(title, unread_words(unread))
        parts = (title if place is not None else "", words.shown(account, 100), "Mua")
        if not self.window.alone:
            self.window.setWindowTitle(" - ".join(part for part in parts if part))

    def synced_at(self) -> int:
        """When the latest of the accounts was last up to date (UTC seconds; 0: never)."""
        db = self.library.db
        return 0 if db is None else max((read.synced_at(db, account.id) for account in self.accounts), default=0)

    def _mine(self) -> frozenset[str]:
        return frozenset(account.email.lower() for account in self.accounts)

    def first_place(self) -> Place | None:
        """What is listed where nothing else was asked for."""
        if not self.accounts:
            return None
        if len(self.accounts) > 1:
            return Place(saved=Saved.ALL_INBOXES)
        inbox = next((folder.id for folder in self.folders.values() if folder.role is Role.INBOX), None)
        return Place(folder=inbox) if inbox is not None else Place(saved=Saved.ALL_INBOXES)

    def account(self, account_id: int) -> Account | None:
        """One account."""
        return next((one for one in self.accounts if one.id == AccountId(account_id)), None)
