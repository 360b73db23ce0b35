"""What keys, buttons and the command palette do: each action of ``actions.DEEDS`` bound to its deed.

Rules of the file: a deed works on what is selected in the list, or on the message that is read when nothing is; deeds
that change mail go through ``Acting``; what the palette offers is in ``everything``.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMenu

from mua import wire
from mua.gui import words
from mua.gui.folder_deeds import FolderDeeds
from mua.gui.icons import icon
from mua.gui.palette import Choice, Palette
from mua.gui.places import Place, folder_words
from mua.gui.sidebar import ENTRY, Entry
from mua.gui.writing import Kind, Writing
from mua.language import inside, tr
from mua.model.folder import Role, is_templates
from mua.model.message import Attachment, Flag, MessageId, MessageRow
from mua.model.sort import Sort, usual
from mua.store import read
from mua.store.read import Saved

if TYPE_CHECKING:
    from mua.gui.desk import Desk


_MENU = (
    "open_tab",
    "",
    "reply",
    "reply_all",
    "forward",
    "",
    "archive",
    "delete",
    "junk",
    "move",
    "",
    "snooze",
    "pin",
    "star",
    "tag",
    "mark_read",
    "mark_unread",
    "",
    "conversation",
    "similar",
    "make_rule",
    "add_contact",
    "always_tell",
    "",
    "save_as",
    "print",
    "source",
    "delete_forever",
)


_TEMPLATES = 50  # of each folder that are offered
_CONVERSATION = ("unfold", "why", "split", "join", "mute", "ignore")


class Deeds(QObject):
    """The deeds of one window."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._acting, self._window = desk.acting, desk.window
        self._listing, self._reader = desk.listing, desk.reader
        self._connect()

    # ---- writing
    def write(
        self, kind: Kind, mailto: str = "", *, attached: bool = False, bare: bool = False, here: bool = False
    ) -> None:
        """Open the composer; of a message in which words are selected an answer quotes only those."""
        row = self._reader.row
        view = self._reader.view if row is None else self._reader.view or self._desk.library.view(row.id)
        if kind is Kind.NEW:
            self._desk.writing.emit(Writing(kind, mailto=mailto))
        elif row is None or view is None:
            self._window.toast.say(tr("Choose a message first; its text must be here to answer it."))
        else:
            answers = kind in (Kind.REPLY, Kind.REPLY_ALL, Kind.REPLY_LIST)
            chosen = self._reader.pane.body.chosen_text() if answers else ""
            here = here or (answers and self._desk.preferences.answer_here)
            self._desk.writing.emit(Writing(kind, row, view, chosen=chosen, attached=attached, bare=bare, here=here))

    def follow_link(self, link: str) -> None:
        """Open a web link with the desktop's browser (a doubtful one after asking), a mailto link with the composer.

        Nothing else is opened, whatever it is called.
        """
        from mua.gui.link_bar import doubt

        url = QUrl(link)
        if url.scheme() == "mailto":
            self.write(Kind.NEW, link)
        elif url.scheme() not in ("http", "https"):
            self._window.toast.say(tr("This link leads nowhere that a browser can go."))
        elif why := doubt(self._reader.view or self._reader.pane.begun, link):
            self._reader.pane.link.ask(link, why)
        else:
            self.open_link(link)

    def open_link(self, link: str) -> None:
        """Open a web link with the desktop's browser."""
        if QUrl(link).scheme() in ("http", "https"):
            QDesktopServices.openUrl(QUrl(link))

    # ---- acting
    def star(self, rows: Sequence[MessageRow] = ()) -> None:
        """Star these messages (none named: those that are chosen), or remove the star when every row shows one."""
        chosen = rows or self._desk.chosen_rows()
        starred: dict[int, bool] = {}
        for row in chosen:
            folded = not rows and self._listing.model.is_folded(row.thread_id)
            key = row.thread_id if folded else row.id
            starred[key] = starred.get(key, False) or bool(row.flags & Flag.FLAGGED)
        ids = [row.id for row in chosen]
        if all(starred.values()):
            self._acting.flag(ids, remove=Flag.FLAGGED)
        else:
            self._acting.flag(ids, add=Flag.FLAGGED)

    def junk(self) -> None:
        """Junk; in a junk folder the reverse."""
        rows, folders = self._desk.chosen_rows(), self._desk.folders
        junk = any(folders[row.folder_id].role is not Role.JUNK for row in rows if row.folder_id in folders)
        self._acting.junk([row.id for row in rows], junk)

    def mark_unread(self) -> None:
        """And do not mark it read again by itself."""
        self._desk.do_not_mark()
        self._acting.flag(self._desk.chosen_ids(), remove=Flag.SEEN)

    def open_move(self) -> None:
        """Choose the folder to move to."""
        rows = self._desk.chosen_rows()
        if not rows:
            return
        ids = [row.id for row in rows]
        choices = []
        for folder in self._desk.folders.values():
            if folder.account_id == rows[0].account_id and folder.selectable and folder.id != rows[0].folder_id:
                name, icon = folder_words(folder)
                choices.append(Choice(name, "", icon, partial(self._acting.move, ids, folder.id)))
        title = tr("Move {messages} to", messages=words.count(len(ids), "message"))
        Palette(self._window, title, choices, partial(self._move_to_new, rows)).open_over()

    def _move_to_new(self, rows: Sequence[MessageRow], text: str) -> Choice | None:
        """Letters that fit no folder: a new one of that name."""
        account, name = self._desk.account(rows[0].account_id), " ".join(text.split())
        known = {folder.name for folder in self._desk.folders.values() if folder.account_id == rows[0].account_id}
        if account is None or not name or name in known:
            return None
        move = partial(self._acting.move, [row.id for row in rows])
        act = partial(FolderDeeds(self._desk).move_to_new, account, name, move)
        return Choice(tr("New folder “{name}”", name=words.shown(name, 100)), "", "plus", act)

    def open_templates(self) -> None:
        """Choose the template that a new letter begins with."""
        desk, db = self._desk, self._desk.library.db
        kept = [one for one in desk.folders.values() if is_templates(one)] if db is not None else []
        choices = []
        for folder in kept:
            account = desk.account(folder.account_id)
            where = words.shown(account.name or account.email, 60) if account is not None else ""
            for row in read.rows(db, read.folder_order(db, folder.id)[:_TEMPLATES]) if db is not None else ():
                name = words.shown(row.subject, 100) or tr("no subject")
                choices.append(Choice(name, where, "file-text", partial(desk.begin_with, row)))
        if not choices:
            self._window.toast.say(tr("There is no template yet: the menu beside Send keeps a letter as one."))
            return
        Palette(self._window, tr("Begin with"), choices).open_over()

    def open_sort(self) -> None:
        """Choose what the list is sorted by."""
        from mua.gui.list_pane import SORT_NAMES, SORT_WAYS

        sorts = [Sort(by, down) for by in SORT_NAMES for down in (usual(by).down, not usual(by).down)]
        choices = [
            Choice(
                tr("Sort by {column}", column=inside(SORT_NAMES[one.by])),
                SORT_WAYS[one.by][not one.down],
                "arrow-down" if one.down else "arrow-up",
                partial(self._desk.sort, one),
            )
            for one in sorts
        ]
        Palette(self._window, tr("Sort this list by"), choices).open_over()

    def open_filter(self) -> None:
        """Choose what alone the list shows."""
        choices = [
            Choice(words.shown(name, 60), "", picture, partial(self._listing.narrow, one))
            for one, name, picture in self._listing.filters()
        ]
        Palette(self._window, tr("Show only"), choices).open_over()

    def always_tell(self) -> None:
        """Of mail of whoever wrote what is read one is told wherever it comes to, or as of everybody's again."""
        row, now = self._reader.row, self._desk.preferences.notify_always
        address = row.sender[0].address.lower() if row is not None and row.sender else ""
        if not address:
            self._window.toast.say(tr("This message names no sender."))
            return
        wanted = address not in now
        kept = (*now, address) if wanted else tuple(one for one in now if one != address)
        self._desk.change_preferences(replace(self._desk.preferences, notify_always=kept))
        who = words.shown(address, 100)
        said = tr("You are told of each new message from {who} from now on, in whichever folder it is.", who=who)
        self._window.toast.say(said if wanted else tr("You are told of mail from {who} as of everybody's.", who=who))

    def _act_on(self, deed: str, ids: list[MessageId]) -> None:
        """What was pressed at the end of a row, for its messages."""
        acts, db = self._acting, self._desk.library.db
        if deed == "star" and db is not None:
            rows = read.rows(db, ids)
            starred = any(row.flags & Flag.FLAGGED for row in rows)
            none = Flag(0)
            acts.flag(ids if starred else ids[:1], none if starred else Flag.FLAGGED, Flag.FLAGGED if starred else none)
        elif deed in ("archive", "delete"):
            (acts.archive if deed == "archive" else acts.delete)(ids)
        elif deed == "mark_read":
            acts.flag(ids, add=Flag.SEEN)
        else:
            self._desk.do_not_mark()
            acts.flag(ids, remove=Flag.SEEN)

    def menu(self) -> QMenu:
        """What can be done with the selected messages."""
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for name in _MENU:
            if name == "tag":
                menu.addMenu(self._desk.tagging.menu(menu)).setIcon(icon("tag"))
            elif name == "conversation":
                inner = menu.addMenu(icon("list"), tr("Conversation"))
                inner.addActions([self._window.actions_[one] for one in _CONVERSATION])
            elif name == "similar":
                if self._reader.row is not None:
                    menu.addMenu(self._desk.searching.menu(self._reader.row, menu))
            elif name:
                menu.addAction(self._window.actions_[name])
            else:
                menu.addSeparator()
        return menu

    # ---- going
    def open_palette(self) -> None:
        """Everything, by a few letters."""
        from mua.gui import everything

        everything.open_palette(self._desk)

    def find_here(self) -> None:
        """Put the keyboard into the search field."""
        self._desk.going.emit()
        self._window.read(False)
        self._listing.search.setFocus()
        self._listing.search.selectAll()

    def next_inside(self) -> None:
        """The next message of the conversation; at its end the next unread one of the list."""
        if not self._reader.step(1):
            self.next_unread()

    def next_unread(self) -> None:
        """The next unread message below the current one."""
        view, model = self._listing.view, self._listing.model
        first = view.currentIndex().row() + 1
        for row in range(first, min(len(model.rows), first + 5_000)):
            card = model.card(row) if model.id_at(row) is not None else None
            if card is not None and card.unread:
                view.select(card.id)
                return
        self._window.toast.say(tr("No unread message below this one."))

    def back(self) -> None:
        """From an attachment to its message, from that to the list, out of a search; or the keyboard to the list."""
        if self._reader.back_from_page():
            return
        if self._window.alone:
            self._desk.going.emit()
        elif self._window.is_reading():
            self._window.read(False)
        elif self._listing.search.text():
            self._listing.search.clear()
        self._listing.view.setFocus()

    # ---- inside
    def _connect(self) -> None:
        chosen, acts, view, desk = self._desk.chosen_ids, self._acting, self._listing.view, self._desk
        deeds: dict[str, Callable[[], object]] = {
            "compose": lambda: self.write(Kind.NEW),
            "from_template": self.open_templates,
            "reply": lambda: self.write(Kind.REPLY),
            "reply_all": lambda: self.write(Kind.REPLY_ALL),
            "reply_here": lambda: self.write(Kind.REPLY_ALL, here=True),
            "forward": lambda: self.write(Kind.FORWARD),
            "reply_list": lambda: self.write(Kind.REPLY_LIST),
            "forward_file": lambda: self.write(Kind.FORWARD, attached=True),
            "forward_bare": lambda: self.write(Kind.FORWARD, bare=True),
            "redirect": lambda: self.write(Kind.REDIRECT),
            "edit_as_new": lambda: self.write(Kind.AGAIN),
            "archive": lambda: acts.archive(chosen()),
            "delete": lambda: acts.delete(chosen()),
            "delete_forever": lambda: acts.delete_forever(chosen()),
            "junk": self.junk,
            "move": self.open_move,
            "star": self.star,
            "mark_read": lambda: acts.flag(chosen(), add=Flag.SEEN),
            "mark_unread": self.mark_unread,
            "undo": acts.undo,
            "stop_act": acts.stop,
            "similar_from": lambda: desk.searching.similar(self._reader.row, "from"),
            "similar_subject": lambda: desk.searching.similar(self._reader.row, "subject"),
            "similar_list": lambda: desk.searching.similar(self._reader.row, "list"),
            "keep_search": lambda: desk.searching.keep(),
            "verify": lambda: desk.searching.verify(),
            "next": lambda: view.step(1),
            "previous": lambda: view.step(-1),
            "next_inside": self.next_inside,
            "previous_inside": lambda: self._reader.step(-1),
            "fold": self._reader.fold,
            "unfold": view.toggle,
            "group": self._change_grouping,
            "sort": self.open_sort,
            "narrow": self.open_filter,
            "density": self._listing.next_density,
            "next_unread": self.next_unread,
            "back": self.back,
            "inbox": lambda: desk.show_place(Place(saved=Saved.ALL_INBOXES)),
            "starred": lambda: desk.show_place(Place(saved=Saved.STARRED)),
            "search": self.find_here,
            "palette": self.open_palette,
            "select_all": view.selectAll,
            "fetch": self._fetch,
            "conversations": self._change_shape,
            "as_text": self._reader.toggle_text,
            "original": self._show_original,
            "quotes": self._reader.toggle_quotes,
            "bigger": lambda: self._zoom(0.1),
            "smaller": lambda: self._zoom(-0.1),
            "usual_size": lambda: self._zoom(1.0 - self._desk.preferences.text_scale),
            "outbox": desk.outbox_wanted.emit,
            "add_account": desk.account_wanted.emit,
            "ledger": desk.ledger_wanted.emit,
            "health": desk.health_wanted.emit,
            "keep": self._keep,
            "always_tell": self.always_tell,
            "settings": desk.settings_wanted.emit,
            "shortcuts": self._show_shortcuts,
            "quit": self._window.leave,
        }
        for name, act in deeds.items():
            self._window.actions_.on(name, act)
        files = desk.attachments
        self._reader.opened.connect(self._look)
        self._reader.saved.connect(lambda one: self._with_row(lambda row: files.save(files.of(row.id), [one])))
        view.paged.connect(self._page)
        desk.sidebar.folders.menu_wanted.connect(self._folder_menu)
        view.acted.connect(self._act_on)
        view.offer_acts()
        view.files_of = files.letters
        view.menu_wanted.connect(lambda place: self.menu().popup(place))
        self._reader.all_saved.connect(self._save_all)
        self._reader.junk_wanted.connect(lambda: self._with_row(lambda row: acts.junk([row.id])))
        self._reader.settled.connect(lambda again: self._with_row(lambda row: acts.settle_refused([row.id], again)))
        self._reader.link_clicked.connect(self.follow_link)
        self._reader.link_agreed.connect(self.open_link)
        self._reader.starred.connect(lambda: self._with_row(lambda row: self.star([row])))
        self._reader.answered.connect(self.write)
        for button in (desk.sidebar.compose, desk.sidebar.compose_small):
            button.clicked.connect(lambda: self.write(Kind.NEW))

    def _keep(self) -> None:
        """The menu of the folder that is listed."""
        folders = self._desk.sidebar.folders
        index = folders.currentIndex()
        if index.isValid():
            self._folder_menu(index.data(ENTRY), folders.viewport().mapToGlobal(folders.visualRect(index).center()))

    def _folder_menu(self, entry: Entry, place: QPoint) -> None:
        from mua.gui.folder_menu import folder_menu

        if entry.place is not None and entry.place.search:
            self._desk.searching.kept_menu(entry.place.search, place)
            return
        menu = folder_menu(self._desk, entry)
        if menu is not None:
            menu.popup(place)

    def _page(self) -> None:
        """Space: a page further, and from the end to the next message."""
        if self._window.actions_.held:
            return
        if self._reader.row is None or not self._reader.page_down():
            self._listing.view.step(1)

    def _fetch(self) -> None:
        if self._desk.client is not None:
            self._desk.client.ask(wire.Sync())

    def _zoom(self, by: float) -> None:
        preferences = self._desk.preferences
        scale = round(min(2.0, max(0.75, preferences.text_scale + by)), 2)
        self._desk.change_preferences(replace(preferences, text_scale=scale))

    def _change_shape(self) -> None:
        preferences = self._desk.preferences
        self._desk.change_preferences(replace(preferences, conversations=not preferences.conversations))

    def _change_grouping(self) -> None:
        source = self._listing.model.source
        if source.query is not None:
            self._window.toast.say(tr("The results of a search are listed message by message."))
        else:
            self._desk.group(not source.grouped)

    def _with_row(self, act: Callable[[MessageRow], object]) -> None:
        if self._reader.row is not None:
            act(self._reader.row)

    def _save_all(self) -> None:
        if self._reader.view is not None and self._reader.row is not None:
            listed = [one for one in self._reader.view.attachments if not one.inline]
            self._desk.attachments.save(self._desk.attachments.of(self._reader.row.id), listed)

    def _look(self, attachment: Attachment) -> None:
        row, view, files = self._reader.row, self._reader.view, self._desk.attachments
        if row is not None and view is not None:
            files.look(files.of(row.id), view.attachments, attachment)

    def _show_original(self) -> None:
        if self._reader.row is not None and not self._reader.toggle_original():
            self._window.toast.say(tr("This is how its author made it."))

    def _show_shortcuts(self) -> None:
        from mua.gui.pages import ShortcutsPage

        ShortcutsPage(self._window, self._window.actions_).show()
