"""Searching, as far as it is more than a field and a list: where it looks, what is kept, what was searched lately, more
like this, and the numbers beside kept searches.

Rules of the file: the numbers are counted on a thread of their own, a moment after mail came or changed, and are those
of a look at the store, never of arithmetic.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QTimer, Signal
from PySide6.QtWidgets import QInputDialog, QMenu

from mua import wire
from mua.gui import words
from mua.gui.icons import icon
from mua.gui.places import Place, folder_words
from mua.gui.search_bar import SearchBar
from mua.gui.search_help import SearchHelp
from mua.gui.search_marks import words_of
from mua.gui.seeker import Seeker
from mua.language import tr
from mua.mime.subject import topic
from mua.model.account import AccountId
from mua.model.kept_search import MAX_NAME, KeptSearch
from mua.model.message import Flag, MessageRow
from mua.plan.search import EVERYWHERE, Is, Scope, parse
from mua.store import read
from mua.store.db import Db

if TYPE_CHECKING:
    from mua.gui.desk import Desk

RECENT = 12  # searches that are remembered
_PAUSE = 1_000  # milliseconds after a change until the numbers are counted


class Searching(QObject):
    """The searches of one window."""

    recent_changed = Signal()

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk, self._listing = desk, desk.listing
        self.recent: list[str] = []
        self.bar = SearchBar()
        self._listing.put_below_banner(self.bar)
        self.bar.scope_chosen.connect(self.look_in)
        self.bar.keep_wanted.connect(self.keep)
        self._listing.model.shown.connect(self._shown)
        self._listing.view.chosen.connect(lambda _: self.remember())
        self._listing.search.moved_down.connect(self.remember)
        self.help = SearchHelp(
            self._listing.search, self._folders, lambda: desk.preferences.tags, desk.people.find, lambda: self.recent
        )
        self._counting = Seeker(desk.library.profile, self)
        self._counting.found.connect(self._counted)
        self._question = 0
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PAUSE)
        self._soon.timeout.connect(self.count)
        desk.accounts_read.connect(self._count_soon)
        desk.pane_shown.connect(lambda pane: pane.body.mark_words(words_of(self._listing.model.source.query)))
        self.count()
        self._shown()

    def close(self) -> None:
        """End the thread."""
        self._counting.close()

    # ---- where
    def look_in(self, scope: Scope) -> None:
        """Search the same there."""
        self._desk.finding.scope = scope
        self._desk.finding.search(self._listing.search.text())

    def _shown(self) -> None:
        """Something else is listed."""
        source = self._listing.model.source
        for pane in self._desk.reader.panes():
            pane.body.mark_words(words_of(source.query))
        self.bar.setVisible(source.query is not None)
        if source.query is None:
            self._desk.finding.scope = EVERYWHERE
            return
        self.bar.offer(self._scopes(), source.query.scope)
        self.bar.show_kept(self.kept() is not None)

    def _scopes(self) -> list[tuple[Scope, str]]:
        """Everywhere, the account and the folder that one came from."""
        desk, found = self._desk, [(EVERYWHERE, tr("Everywhere"))]
        folder = desk.folders.get(desk.place.folder) if desk.place is not None and desk.place.folder else None
        if folder is not None and len(desk.accounts) > 1:
            account = desk.account(folder.account_id)
            name = "" if account is None else account.name or account.email
            found.append((Scope(AccountId(folder.account_id)), words.shown(name, 24)))
        if folder is not None:
            found.append((Scope(folder_id=folder.id), words.shown(folder_words(folder)[0], 24)))
        return found

    # ---- more like this
    def search_for(self, text: str) -> None:
        """Search for this everywhere, as if it were typed."""
        self._desk.going.emit()
        self._desk.finding.scope = EVERYWHERE
        self._listing.search.setText(text)
        self._listing.take_keyboard()

    def similar(self, row: MessageRow | None, by: str) -> None:
        """Everything from the sender of a message, of its list, or with its subject (``by``: from, list, subject)."""
        found = None if row is None else _like(row, by, self._list_of(row))
        if found is None:
            missing = {
                "list": tr("This message came over no mailing list."),
                "from": tr("This message names no sender."),
            }
            self._desk.window.toast.say(missing.get(by, tr("This message has no subject.")))
        else:
            self.search_for(found)

    def menu(self, row: MessageRow, parent: QMenu) -> QMenu:
        """More like one message."""
        menu = QMenu(tr("More like this"), parent)
        menu.setIcon(icon("search"))
        for by, name in (
            ("from", tr("From this sender")),
            ("subject", tr("With this subject")),
            ("list", tr("Of this list")),
        ):
            if _like(row, by, self._list_of(row)) is not None:
                menu.addAction(name, partial(self.similar, row, by))
        return menu

    def _list_of(self, row: MessageRow) -> str:
        db = self._desk.library.db
        return "" if db is None else read.list_id(db, row.id)

    # ---- kept and recent
    def kept(self) -> KeptSearch | None:
        """The kept search that is listed."""
        text = self._listing.search.text().strip()
        return next((one for one in self._desk.preferences.searches if one.query == text), None)

    def keep(self) -> None:
        """Keep what is searched, under a name."""
        query = self._listing.search.text().strip()
        if query and self.kept() is None:
            name, agreed = QInputDialog.getText(
                self._desk.window, tr("Keep this search"), tr("Its name:"), text=query[:MAX_NAME]
            )
            if agreed and name.strip():
                self.keep_as(name, query)

    def keep_as(self, name: str, query: str) -> None:
        """Put a search into the sidebar."""
        made = KeptSearch(" ".join(name.split())[:MAX_NAME], query)
        others = [one for one in self._desk.preferences.searches if one.query != query]
        if query == self._listing.search.text().strip():
            self._desk.looks.choose(Place(search=query), sort=self._listing.model.wanted.sort)
            self._desk.looks_changed.emit()
        self._change([*others, made])
        self.bar.show_kept(True)

    def drop(self, kept: KeptSearch) -> None:
        """Take a search out of the sidebar."""
        self._change([one for one in self._desk.preferences.searches if one != kept])
        self._desk.window.toast.say(
            tr("{name} is not in the sidebar any more.", name=kept.name), tr("Undo"), lambda: self._put_back(kept)
        )

    def _put_back(self, kept: KeptSearch) -> None:
        self._change([*self._desk.preferences.searches, kept])

    def _rename(self, kept: KeptSearch) -> None:
        name, agreed = QInputDialog.getText(
            self._desk.window, tr("Rename this search"), tr("Its name:"), text=kept.name
        )
        if agreed and name.strip():
            self.keep_as(name, kept.query)

    def _change(self, searches: list[KeptSearch]) -> None:
        self._desk.change_preferences(replace(self._desk.preferences, searches=tuple(searches)))
        self._desk.read_accounts()
        self.count()

    def kept_menu(self, query: str, place: QPoint) -> None:
        """The menu of a kept search in the sidebar."""
        kept = next((one for one in self._desk.preferences.searches if one.query == query), None)
        if kept is None:
            return
        menu = QMenu(self._desk.window)
        if self._desk.tabs is not None:
            menu.addAction(
                icon("external-link"),
                tr("Open in a tab"),
                partial(self._desk.tabs.open_place, Place(search=query)),
            )
        menu.addAction(tr("Rename…"), partial(self._rename, kept))
        menu.addAction(icon("trash-2"), tr("Take out of the sidebar"), partial(self.drop, kept))
        menu.popup(place)

    def remember(self) -> None:
        """What is searched was of use: it is offered again."""
        text = self._listing.search.text().strip()
        if self._listing.model.source.query is None or not text or self.recent[:1] == [text]:
            return
        self.recent = [text, *(one for one in self.recent if one != text)][:RECENT]
        self.recent_changed.emit()

    def recent_text(self) -> str:
        """What was searched lately, to be kept."""
        return json.dumps(self.recent, ensure_ascii=False)

    def read_recent(self, text: str) -> None:
        """What was kept; anything else is passed over."""
        try:
            found = json.loads(text or "[]")
        except ValueError:
            return
        self.recent = [one for one in found if isinstance(one, str)][:RECENT] if isinstance(found, list) else []

    # ---- the index
    def verify(self) -> None:
        """Hold the index against the store, and say what came of it."""
        client, toast = self._desk.client, self._desk.window.toast
        if client is None:
            return

        def done(answer: wire.Answer) -> None:
            if isinstance(answer, wire.IndexVerified):
                mended = tr("Something was wrong with the search index; it is being mended, and searching goes on.")
                whole = tr("The search index is whole: {messages}.", messages=words.count(answer.indexed, "message"))
                toast.say(mended if answer.repairing else whole)

        client.ask(wire.VerifyIndex(), done, lambda error: toast.say(error.text))
        toast.say(tr("The search index is being checked…"))

    # ---- numbers
    def _count_soon(self) -> None:
        if self._desk.preferences.searches and not self._soon.isActive():
            self._soon.start()

    def count(self) -> None:
        """Count what is unread of each kept search."""
        queries = [one.query for one in self._desk.preferences.searches]
        now, tags = int(time.time()), self._desk.preferences.tags

        def ask(db: Db) -> Iterator[tuple[object, bool]]:
            from mua.store import find

            unread = Is(Flag.SEEN, False)
            counts = {one: find.count(db, parse(one, now, None, tags).and_also(unread)) for one in queries}
            yield counts, True

        if queries:
            self._question = self._counting.ask(ask)

    def _counted(self, question: int, counts: object, _: bool) -> None:
        if question == self._question and isinstance(counts, dict) and counts != self._desk.kept_counts:
            self._desk.kept_counts = counts
            self._desk.read_accounts()

    # ---- values to offer
    def _folders(self) -> list[str]:
        names = [folder_words(one)[0] if one.role else one.name for one in self._desk.folders.values()]
        return [one for one in names if one.isprintable()]


def _like(row: MessageRow, by: str, list_id: str) -> str | None:
    """The search for what is like a message; None where it has nothing of the kind."""
    if by == "from":
        return f"from:{row.sender[0].address}" if row.sender and row.sender[0].address else None
    if by == "list":
        return f'list:"{list_id}"' if list_id else None
    subject = topic(row.subject)[0].replace('"', " ").strip()
    return f'subject:"{subject}"' if subject else None
