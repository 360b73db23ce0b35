"""Pictures of mail that lie elsewhere: shown when the person asks for them, or has asked for all of a sender's.

Rules of the file: the engine fetches, into files that the window reads; a sender's rule counts for mail of which it is
proven who sent it, so that nobody has pictures loaded by writing another's address.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.preferences import RemoteImages
from mua.language import tr
from mua.plan.proof import proves
from mua.store import origin

if TYPE_CHECKING:
    from mua.gui.desk import Desk
    from mua.gui.message_pane import MessagePane

MAX_SENDERS = 1000


class Pictures(QObject):
    """Loads the pictures of the messages that a window shows."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._allowed: set[int] = set()
        """Messages of this session whose pictures the person asked for."""
        self._loading: set[int] = set()
        """Messages whose pictures the engine fetches now."""
        self._missing: dict[int, int] = {}
        """Of messages whose pictures were fetched, how many could not be had: they are not asked for again."""
        desk.reader.pictures_wanted.connect(self._wanted)
        desk.reader.pictures_unwanted.connect(self._unwanted)
        desk.pane_shown.connect(self.consider)

    def consider(self, pane: "MessagePane") -> None:
        """A message is shown: its pictures too, where that was asked for before."""
        row, view = pane.row, pane.view
        if row is None or view is None or not view.remote:
            return
        rule = self._has_rule(pane)
        if row.id in self._allowed or (rule and self._is_proven(pane)):
            if view.images:
                self._load(pane)
        elif rule:
            pane.remote.tell("", tr("Nothing proves that it is from this sender."), rule)
        elif self._desk.preferences.remote_images is RemoteImages.NEVER:
            pane.remote.tell("never")

    # ---- what the person says
    def _wanted(self, always: bool) -> None:
        pane = self._desk.reader.pane
        if pane.row is None or pane.view is None:
            return
        sender = _sender(pane)
        if always and sender:
            kept = tuple(dict.fromkeys((*self._desk.preferences.image_senders, sender)))[-MAX_SENDERS:]
            self._desk.change_preferences(replace(self._desk.preferences, image_senders=kept))
        self._allowed.add(pane.row.id)
        self._missing.pop(pane.row.id, None)
        self._load(pane)

    def _unwanted(self) -> None:
        pane = self._desk.reader.pane
        sender = _sender(pane)
        kept = tuple(one for one in self._desk.preferences.image_senders if one != sender)
        self._desk.change_preferences(replace(self._desk.preferences, image_senders=kept))
        if pane.row is not None:
            self._allowed.discard(pane.row.id)
        pane.show_pictures(False)
        pane.remote.tell("")

    # ---- inside
    def _load(self, pane: "MessagePane") -> None:
        view, row, client = pane.view, pane.row, self._desk.client
        if view is None or row is None:
            return
        missing = sum(not self._desk.library.has_picture(url) for url in view.images)
        if not missing or client is None or row.id in self._missing:
            self._show(pane, missing)
            return
        pane.remote.tell("loading", rule=self._has_rule(pane))
        if row.id in self._loading:
            return
        self._loading.add(row.id)

        def loaded(answer: wire.Answer) -> None:
            self._loading.discard(row.id)
            if isinstance(answer, wire.PicturesLoaded):
                self._missing[row.id] = answer.missing
                if (now := self._desk.reader.pane_of(row.id)) is not None:
                    self._show(now, answer.missing)

        def failed(error: MailError) -> None:
            self._loading.discard(row.id)
            self._allowed.discard(row.id)
            self._missing[row.id] = missing
            if (now := self._desk.reader.pane_of(row.id)) is not None:
                now.remote.tell("", error.text, self._has_rule(now))

        client.ask(wire.LoadPictures(row.id, self._desk.preferences.picture_proxy), loaded, failed)

    def _show(self, pane: "MessagePane", missing: int) -> None:
        note = (
            tr("{pictures} could not be had.", pictures=words.count(missing, "picture"))
            if missing
            else tr("Its pictures are shown.")
        )
        pane.show_pictures(True)
        pane.remote.tell("shown", note, self._has_rule(pane))

    def _has_rule(self, pane: "MessagePane") -> bool:
        return _sender(pane) in self._desk.preferences.image_senders

    def _is_proven(self, pane: "MessagePane") -> bool:
        row, view, db = pane.row, pane.view, self._desk.library.db
        if row is None or view is None or db is None or any(note.grave for note in view.notes):
            return False
        return proves(_sender(pane), self._desk.authors.way(row, view).stamps, origin.evidence(db, row.id))


def _sender(pane: "MessagePane") -> str:
    """The one author's address, in lower case; empty where there is not exactly one."""
    found = pane.view.sender if pane.view is not None else ()
    return found[0].address.lower() if len(found) == 1 else ""
