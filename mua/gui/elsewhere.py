"""What is not on this computer, said quietly below the list: older messages on the server, and a search there.

Rules of the file: the numbers are the folders' own counters; nothing is asked of a server before the person presses the
button; hits of the server join those that were found here, and are counted apart.
"""

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.language import tr
from mua.model.account import Incoming
from mua.model.folder import Folder, FolderId
from mua.model.policy import EVERYTHING, Keep
from mua.plan.search import EVERYWHERE, Search
from mua.store import read
from mua.store.read import Chosen, Filter

if TYPE_CHECKING:
    from mua.gui.desk import Desk


class Elsewhere(QObject):
    """The line below one list."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._model, self._line = desk.listing.model, desk.listing.rest
        self._numbers = itertools.count(1)
        self._query: Search | None = None
        self._chosen: Chosen = Filter.ALL
        self._token = self._told = ""
        self._more = 0
        self._at_end = False
        """The line is for whoever has read to the end of the list."""
        self._bar = desk.listing.view.verticalScrollBar()
        self._bar.valueChanged.connect(self._scrolled)
        self._bar.rangeChanged.connect(self._scrolled)
        self._model.shown.connect(self._shown)
        self._model.refreshed.connect(self._searched_more)
        desk.accounts_read.connect(self.tell)

    def tell(self) -> None:
        """Say what there is to say about what is listed."""
        source, self._at_end = self._model.source, False
        folder = self._desk.folders.get(source.place.folder) if source.place and source.place.folder else None
        if source.query is not None:
            self._tell_search()
        elif folder is not None and self._has_server(folder.account_id):
            self._tell_folder(folder)
        else:
            self._line.hide()

    def search(self) -> None:
        """Ask the servers for what is searched."""
        client, text = self._desk.client, self._desk.listing.search.text()
        if client is None or self._query is None:
            return
        token = self._token = f"window-{next(self._numbers)}"
        self._told, self._more = "asking", 0

        def done(answer: wire.Answer) -> None:
            if isinstance(answer, wire.ServersSearched) and token == self._token:
                self._told = " ".join(words.shown(one, 200) for one in answer.problems[:2]) or "done"
                self.tell()

        def failed(error: MailError) -> None:
            if token == self._token:
                self._told = error.text
                self.tell()

        scope, folder = self._query.scope, self._desk.folders.get(self._query.scope.folder_id or FolderId(0))
        account = scope.account_id if folder is None else folder.account_id
        asked = text if folder is None else f'{text} in:"{folder.name}"'
        client.ask(wire.SearchServers(asked, account, token=token), done, failed)
        self.tell()

    def hear(self, event: wire.FoundOnServer) -> None:
        """Hits of one folder."""
        db = self._desk.library.db
        if event.token != self._token or db is None or self._model.source.query is None:
            return
        fresh = set(event.messages).difference(self._model.ids)
        found = read.narrowed(db, self._model.source.chosen, list(fresh))
        self._more += len(found)
        self._model.add(found)
        self.tell()

    # ---- inside
    def _shown(self) -> None:
        """Something else is listed: a search that still runs for what was is not wanted any more.

        The same search that is sorted otherwise is the same: it has what the server found already.
        """
        source = self._model.source
        again = source.query is not None and source.query is self._query and source.chosen == self._chosen
        self._chosen = source.chosen
        if again:
            self.tell()
            return
        if self._told == "asking" and self._desk.client is not None:
            self._desk.client.ask(wire.SearchServers("", token=self._token))
        self._query = self._model.source.query
        self._token = self._told = ""
        self._more = 0
        self.tell()

    def _searched_more(self) -> None:
        if self._model.source.query is not None and not self._model.seeking:
            self._tell_search()

    def _tell_folder(self, folder: Folder) -> None:
        db, left = self._desk.library.db, folder.state.left_there
        keep = read.policy(db, folder.id).keep if db is not None else Keep.EVERYTHING
        older = words.count(left, "older message is", "older messages are")
        if left and keep is Keep.EVERYTHING:
            self._say_at_end(tr("{older} being fetched", older=older))
        elif left:
            self._say_at_end(tr("{older} on the server", older=older), tr("Fetch them"), lambda: self._fetch(folder))
        elif keep is Keep.HEADERS and folder.with_body < folder.total:
            text = tr("The text of a message is fetched when you open it")
            self._say_at_end(text, tr("Fetch all"), lambda: self._fetch(folder))
        else:
            self._line.hide()

    def _say_at_end(self, text: str, button: str = "", act: Callable[[], object] | None = None) -> None:
        hidden = self._line.isHidden()
        self._line.say(text, button, act)
        self._line.setHidden(hidden)
        self._at_end = True
        self._scrolled()

    def _scrolled(self) -> None:
        """Shown near the end; hidden again only further from it, since showing it makes the list shorter."""
        if self._at_end:
            near = self._line.sizeHint().height() * (1 if self._line.isHidden() else 3)
            self._line.setVisible(self._bar.maximum() - self._bar.value() <= near)

    def _fetch(self, folder: Folder) -> None:
        if self._desk.client is not None:
            self._desk.client.ask(wire.SetPolicy(EVERYTHING, folder_id=folder.id))

    def _tell_search(self) -> None:
        """How much of all mail was searched, what was not, and what would close that gap."""
        folders = self._searched()
        served = [one for one in folders if self._has_server(one.account_id)]
        here, there = sum(one.total for one in folders), sum(one.state.left_there for one in served)
        lacking = min(self._model.source.unindexed, here)
        textless = sum(one.total - one.with_body for one in served)
        text = tr("{done:,} of {total:,} messages searched", done=here - lacking, total=here + there)
        gaps = [
            f"{number:,} {why}"
            for number, why in (
                (there, tr("only on the server")),
                (lacking, tr("still being indexed")),
                (textless, tr("only by sender and subject")),
            )
            if number
        ]
        text = f"{text}; {', '.join(gaps)}" if gaps else text
        if not there and not textless:
            self._line.say(text)
            return
        if not self._told:
            self._line.say(text, tr("Ask the server"), self.search)
        elif self._told == "asking":
            self._line.say(tr("{text}; on the server: {more:,} more so far…", text=text, more=self._more))
        elif self._told == "done":
            self._line.say(tr("{text}; on the server: {more:,} more", text=text, more=self._more))
        else:
            self._line.say(
                tr("{told} {text}; on the server: {more:,} more", told=self._told, text=text, more=self._more),
                tr("Try again"),
                self.search,
            )
        if self._told != "asking":
            self._line.offer(tr("Fetch all"), lambda: self._fetch_all(served))

    def _searched(self) -> list[Folder]:
        """The folders that the search looks into."""
        query = self._model.source.query
        scope = EVERYWHERE if query is None else query.scope
        return [
            one
            for one in self._desk.folders.values()
            if scope.account_id in (None, one.account_id) and scope.folder_id in (None, one.id)
        ]

    def _fetch_all(self, folders: list[Folder]) -> None:
        """From now on everything of these folders is kept here, so that it can be searched."""
        client, db = self._desk.client, self._desk.library.db
        if client is None or db is None:
            return
        for folder in folders:
            lacks = folder.state.left_there or folder.with_body < folder.total
            if lacks and read.policy(db, folder.id).keep is not Keep.EVERYTHING:
                client.ask(wire.SetPolicy(EVERYTHING, folder_id=folder.id))
        self._line.say(tr("What is only on the server is being fetched, and can be searched as it comes"))

    def _has_server(self, account_id: int) -> bool:
        account = self._desk.account(account_id)
        return account is not None and account.incoming is Incoming.IMAP
