"""Pictures of people, out of their cards, wherever a disc with initials would be.

Rules of the file: a picture is drawn by the decoder's child process, once; whose address has none costs one look into
a table.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPixmap

from mua.gui import widgets
from mua.mime import contact, vcard
from mua.model.contact import ContactId
from mua.store import contacts

if TYPE_CHECKING:
    from mua.gui.decoder import Decoder, Drawing
    from mua.gui.library import Library

SIDE = 192  # pixels that are kept of a picture
_MOST = 500  # pictures


class Faces(QObject):
    """The pictures of one window."""

    came = Signal()
    """There is one that was not there before, or one less: paint again."""

    def __init__(self, library: "Library", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._whose: dict[str, ContactId] = {}
        self._drawn: dict[ContactId, QPixmap | None] = {}
        self._decoder: Decoder | None = None
        self.refresh()
        widgets.set_faces(self.of)

    def refresh(self) -> None:
        """Read again whose card has a picture."""
        db = self._library.db if self._library.open() else None
        found = contacts.photos(db) if db is not None else {}
        if found or self._whose:
            self._whose = found
            self._drawn.clear()
            self.came.emit()

    def of(self, address: str) -> QPixmap | None:
        """The picture of whoever has this address; None: there is none, or not yet."""
        contact_id = self._whose.get(address.lower())
        if contact_id is None:
            return None
        if contact_id not in self._drawn and len(self._drawn) < _MOST:
            self._drawn[contact_id] = None
            self._draw(contact_id)
        return self._drawn.get(contact_id)

    def close(self) -> None:
        """End the child, and give no pictures any more."""
        widgets.set_faces(None)
        if self._decoder is not None:
            self._decoder.close()

    # ---- inside
    def _draw(self, contact_id: ContactId) -> None:
        from mua.gui.decoder import Decoder

        db = self._library.db
        found = contact.photo(vcard.parse(contacts.card(db, contact_id))) if db is not None else None
        if found is None:
            return
        if self._decoder is None:
            self._decoder = Decoder(self)
        self._decoder.draw(f"face {contact_id}", found[1], SIDE, SIDE, lambda drawing: self._keep(contact_id, drawing))

    def _keep(self, contact_id: ContactId, drawing: "Drawing") -> None:
        if not drawing.picture.isNull():
            self._drawn[contact_id] = drawing.picture
            self.came.emit()
