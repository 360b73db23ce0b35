"""Ready before it is chosen: the views of the messages beside the one that is read, and a browser for them.

Rules of the file: only in a moment of rest; only what is on this computer already, so that no server is asked; the
browser is started ahead only where a neighbour needs it (it costs 200 MB).
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from mua import wire
from mua.gui.message_body import needs_web
from mua.model.message import MessageId

if TYPE_CHECKING:
    from mua.gui.desk import Desk

REST = 250  # milliseconds after a choice
LARGEST = 2 << 20  # octets of a message that is made ready


class Ahead(QObject):
    """Of one desk."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._look)
        self._asked: set[MessageId] = set()
        desk.pane_shown.connect(lambda _: self._timer.start(REST))

    def _look(self) -> None:
        for message_id in self._neighbours():
            view = self._desk.library.make_ready(message_id)
            if view is None:
                self._have_made(message_id)
            elif needs_web(view) and not self._desk.reader.has_conversation:
                self._desk.reader.pane.body.warm()

    def _neighbours(self) -> list[MessageId]:
        listing = self._desk.listing
        at = listing.view.currentIndex().row()
        found = []
        for by in (1, -1):
            message_id = listing.model.id_at(at + by) if 0 <= at + by < len(listing.model.rows) else None
            row = listing.model.source.message(message_id) if message_id is not None else None
            if row is not None and row.has_body and row.size <= LARGEST:
                found.append(row.id)
        return found

    def _have_made(self, message_id: MessageId) -> None:
        """Have the engine make a view, once."""
        if self._desk.client is None or message_id in self._asked:
            return
        if len(self._asked) > 1000:
            self._asked.clear()
        self._asked.add(message_id)
        self._desk.client.ask(wire.OpenMessage(message_id), lambda _: self._timer.start(0), lambda _: None)
