"""Who wrote what is read: puts together what the header says of an author, from the message, the store and the engine.

Rules of the file: what takes longer than a frame is read on a thread of its own; the DNS is asked only after a person
agreed, once, in the header itself; whoever is known gets no line for that.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from mua import wire
from mua.gui import words
from mua.gui.message_pane import MessagePane
from mua.gui.preferences import Consent
from mua.gui.reader_author import Said, of_notes
from mua.gui.seeker import Seeker
from mua.mime.journey import journey
from mua.model.address import Address
from mua.model.author import Note
from mua.model.evidence import Evidence, Outcome
from mua.model.journey import NO_TRUST, Journey
from mua.model.message import MessageId, MessageRow, MessageView
from mua.plan import acquaintance
from mua.plan import journey as said
from mua.store import origin
from mua.store.db import Db

if TYPE_CHECKING:
    from mua.gui.desk import Desk

KEPT = 300.0  # seconds that who is known is kept
_MAX = 500  # messages
_SIGNED = frozenset({"dkim-signature", "arc-seal"})


class Authors(QObject):
    """Of one desk."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._seeker = Seeker(desk.library.profile, self)
        self._seeker.found.connect(self._met)
        self._notes: dict[MessageId, tuple[Note, ...]] = {}  # whether an author is known
        self._unmet: dict[MessageId, Address] = {}
        self._asked: set[tuple[MessageId, bool]] = set()
        self._known: tuple[float, dict[str, acquaintance.Known]] = (-KEPT, {})
        desk.pane_shown.connect(self.tell)

    def tell(self, pane: MessagePane) -> None:
        """Say in its header what is known now of the author of a message, and find out the rest."""
        row, view = pane.row, pane.view or pane.begun
        if row is None or view is None:
            return
        pane.header.show_lines(self.lines(row, view))
        mine = self._is_mine(view)
        if pane.view is None:  # what is to be checked waits for the whole
            pane.header.lines.ask_to_check(None)
            if not mine:
                self._meet(row, view)
            return
        signed = any(name.lower() in _SIGNED for name, _ in view.headers)
        evidence = self._evidence(row)
        if signed and evidence is None and not mine and self._desk.preferences.check_signatures is Consent.ASK:
            pane.header.lines.ask_to_check(self._agreed)
        else:
            pane.header.lines.ask_to_check(None)
        if not mine:
            self._meet(row, view)
            self._examine(row, signed and evidence is None)

    def lines(self, row: MessageRow, view: MessageView) -> list[Said]:
        """All that is known of an author now."""
        author = said.author_domain(view.sender)
        found = of_notes((*view.notes, *self._notes.get(row.id, ())))
        for stamp in self.way(row, view).stamps:
            failed = said.failed_dmarc(stamp)
            look = ("triangle-alert", "on_warning", 2) if failed else ("server", "secondary", 7)
            found.append(Said(look[0], look[1], said.result_words(stamp, author), look[2]))
        evidence = self._evidence(row)
        return found if evidence is None else found + of_evidence(evidence, author)

    def way(self, row: MessageRow, view: MessageView) -> Journey:
        """How a message came."""
        db = self._desk.library.db
        trust = origin.trust(db, row.account_id) if db is not None else NO_TRUST
        return journey(view.headers, trust)

    def close(self) -> None:
        """End the thread."""
        self._seeker.close()

    # ---- inside
    def _evidence(self, row: MessageRow) -> Evidence | None:
        db = self._desk.library.db
        return origin.evidence(db, row.id) if db is not None else None

    def _is_mine(self, view: MessageView) -> bool:
        mine = {account.email.lower() for account in self._desk.accounts}
        return any(one.address.lower() in mine for one in view.sender)

    def _meet(self, row: MessageRow, view: MessageView) -> None:
        """Find out whether the author is known, and those that were asked about before and not answered."""
        if row.id in self._notes or len(view.sender) != 1:
            return
        self._unmet[row.id] = view.sender[0]
        unmet = list(self._unmet.items())[-_MAX:]

        def ask(db: Db) -> Iterator[tuple[object, bool]]:
            for message_id, author in unmet:
                yield (message_id, self._judged(db, author, message_id)), message_id == unmet[-1][0]

        self._seeker.ask(ask)

    def _judged(self, db: Db, author: Address, message_id: MessageId) -> tuple[Note, ...]:
        """On the seeker's thread."""
        at, known = self._known
        if time.monotonic() - at >= KEPT:
            known = origin.known(db)
            self._known = (time.monotonic(), known)
        met = acquaintance.is_met(author, message_id, known)
        before = not met and origin.wrote_before(db, author.address, message_id)
        return acquaintance.notes(author, message_id, known, before)

    def _met(self, _: int, found: tuple[MessageId, tuple[Note, ...]], __: bool) -> None:
        message_id, notes = found
        self._unmet.pop(message_id, None)
        if len(self._notes) > _MAX:
            self._notes.clear()
        self._notes[message_id] = notes
        self._again(message_id)

    def _examine(self, row: MessageRow, checkable: bool) -> None:
        """Have the engine learn, and check what may be checked: once for each message."""
        client = self._desk.client
        key = (row.id, checkable and self._desk.preferences.check_signatures is Consent.YES)
        if client is None or key in self._asked:
            return
        if len(self._asked) > _MAX:
            self._asked.clear()
        self._asked.add(key)
        client.ask(wire.Examine(row.id, key[1]), lambda _: self._again(row.id), lambda _: None)

    def _agreed(self, agreed: bool) -> None:
        choice = Consent.YES if agreed else Consent.NO
        self._desk.change_preferences(replace(self._desk.preferences, check_signatures=choice))
        for pane in self._desk.reader.panes():
            self.tell(pane)

    def _again(self, message_id: MessageId) -> None:
        pane = self._desk.reader.pane_of(message_id)
        if pane is not None:
            self._desk.pane_shown.emit(pane)


def of_evidence(evidence: Evidence, author: str) -> list[Said]:
    """What was found out of signatures, as lines."""
    when = words.ago(evidence.at, time.time())
    found: list[Said] = []
    for one in evidence.signatures:
        if one.kind == "dkim":
            holds = one.outcome is Outcome.HOLDS
            look = "shield-check" if holds else "circle-help" if one.outcome is Outcome.UNKNOWN else "shield-x"
            found.append(Said(look, "secondary", said.signature_words(one, author, when), 5 if holds else 6))
    if evidence.chain:
        found.append(Said("forward", "secondary", said.chain_words(evidence, when), 8))
    return found
