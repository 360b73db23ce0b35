"""What the engine says, and what that changes on screen.

Rules of the file: an event is a hint to read again, never data to show; hints are gathered for a moment, so that a busy
sync costs a few reads a second; imported after the first paint.
"""

import time

from PySide6.QtCore import QObject, QTimer

from mua import log, wire
from mua.errors import MailError
from mua.gui.desk import Desk
from mua.gui.engine_client import EngineClient
from mua.gui.status import Board
from mua.gui.troubles import Troubles
from mua.model.account import Incoming
from mua.model.message import Flag, MessageId
from mua.store import read

_GATHER = 60  # milliseconds between a hint and reading again
_AGEING = 20_000  # milliseconds after which "2 min ago" is said anew


class Hearing(QObject):
    """One engine's voice in one window."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        self.board = Board()
        self.troubles = Troubles(desk)
        self._changed: set[int] = set()
        self._everything = self._sidebar_stale = False
        self._gather = QTimer(self)
        self._gather.setSingleShot(True)
        self._gather.setInterval(_GATHER)
        self._gather.timeout.connect(self.refresh)
        desk.note_of = self.board.note
        self._ageing = QTimer(self)
        self._ageing.timeout.connect(self._say_standing)
        self._ageing.start(_AGEING)
        desk.view_wanted.connect(self._fetch_view)
        desk.seen.connect(self._mark_seen)
        desk.accounts_read.connect(self._accounts_read)
        desk.place_shown.connect(self.troubles.place_shown)
        self._accounts_read()

    def attach(self, client: EngineClient) -> None:
        """The engine is on the line, or will be."""
        client.told.connect(self.hear)
        client.failed.connect(self.troubles.failed)
        client.ready.connect(self._ready)
        client.lost.connect(self.lose)
        client.gave_up.connect(self._give_up)

    def hear(self, event: wire.Event) -> None:
        """Take one event."""
        desk = self._desk
        if isinstance(event, wire.Changed):
            self._everything |= event.everything
            self._changed.update(event.messages, event.removed)
            self._sidebar_stale |= bool(event.accounts or event.folders or event.everything)
            if event.contacts or event.everything:
                desk.contacts_changed.emit()
            if not self._gather.isActive():
                self._gather.start()
        elif isinstance(event, wire.Status | wire.Progress):
            if isinstance(event, wire.Progress) and event.what == "acted" and event.done >= event.total:
                desk.listing.model.all_gone()
            self.board.take(event, time.time())
            self._say_standing()
            if isinstance(event, wire.Status):
                self.troubles.status(event)
        elif isinstance(event, wire.Arrived):
            if desk.library.db is not None:
                desk.arrived.emit(read.rows(desk.library.db, event.messages))
        elif isinstance(event, wire.FoundOnServer):
            desk.elsewhere.hear(event)
        elif isinstance(event, wire.Notice):
            self.troubles.notice(event)
        elif isinstance(event, wire.Raise):
            desk.window.come_forward()

    def refresh(self) -> None:
        """Read again what the hints said."""
        changed, everything, stale = self._changed, self._everything, self._sidebar_stale
        self._changed, self._everything, self._sidebar_stale = set(), False, False
        try:
            self._desk.read_again(None if everything else changed, sidebar=stale or everything)
        except MailError as error:
            log.GUI.warning("reading again failed: %s", error.detail)
            self.troubles.store_failed(error)

    def lose(self) -> None:
        """The engine went away."""
        self._desk.listing.model.all_gone()
        self.board.forget()
        self._say_standing()
        self.troubles.engine_is_gone()

    # ---- inside
    def _ready(self, _: wire.Welcome) -> None:
        self.board.connected, self.board.given_up = True, False
        self.troubles.engine_is_back()
        self._say_standing()

    def _give_up(self, error: MailError) -> None:
        self.board.given_up = True
        self._say_standing()
        self.troubles.engine_gave_up(error)

    def _accounts_read(self) -> None:
        desk = self._desk
        if desk.library.db is not None:
            self.board.synced_before = desk.synced_at()
            self.troubles.show(read.problems(desk.library.db))
        self.board.keep({account.id for account in desk.accounts})
        self.board.local = all(account.incoming is Incoming.LOCAL for account in desk.accounts)
        self._say_standing()

    def _say_standing(self) -> None:
        self._desk.sidebar.tell(self._desk.notes())
        line, status = self.board.standing(time.time()), self._desk.sidebar.status
        if line.total:
            status.progress(line.text, line.done, line.total)
        else:
            status.say(line.text, line.icon, line.role)

    def _fetch_view(self, message_id: MessageId) -> None:
        """Have a view made: where the whole takes a while, of the beginning first."""
        client, desk = self._desk.client, self._desk

        def failed(error: MailError) -> None:
            desk.no_view(message_id, error)

        def begun(_: wire.Answer) -> None:
            pane, view = desk.reader.pane_of(message_id), desk.library.beginning(message_id)
            if client is None or pane is None or view is None:
                desk.view_ready(message_id)
                return
            pane.show_beginning(view)
            desk.authors.tell(pane)
            client.ask(wire.OpenMessage(message_id), lambda _: desk.view_ready(message_id), failed)

        if client is not None:
            client.ask(wire.OpenMessage(message_id, beginning=True), begun, failed)

    def _mark_seen(self, message_id: MessageId) -> None:
        """Read by lying open: not an act of the person, so not on the undo stack."""
        if self._desk.client is not None:
            self._desk.client.ask(wire.SetFlags((message_id,), add=int(Flag.SEEN)))
