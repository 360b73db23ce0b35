"""Receipts that senders ask for: the bar in the reader, and what the person answers.

Rules of the file: nobody is told anything unless a person presses the button beside the sentence that says where it
goes; a message is asked about once; who wants no questions gets none.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.preferences import ReadReceipts
from mua.language import tr
from mua.model.account import Route
from mua.plan.receipt import Asked, asked

if TYPE_CHECKING:
    from mua.gui.desk import Desk
    from mua.gui.message_pane import MessagePane


class Receipts(QObject):
    """Of one desk."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._answered: set[int] = set()
        """Messages whose flag the engine is about to set."""
        desk.pane_shown.connect(self.consider)
        desk.reader.receipt_answered.connect(self._answer)

    def consider(self, pane: "MessagePane") -> None:
        """Ask about the message that is shown, where it wants that and the person does."""
        found = self._asked(pane)
        who = words.person(pane.view.sender) if found is not None and pane.view is not None else ""
        said = (
            tr("{who} asks to be told that you have read this. {said}", who=who or tr("The sender"), said=found.said)
            if found
            else ""
        )
        pane.ask_for_receipt(words.shown(said, 3000), found is not None and found.odd)

    def _asked(self, pane: "MessagePane") -> Asked | None:
        row, view = pane.row, pane.view
        account = self._desk.account(row.account_id) if row is not None else None
        folder = self._desk.folders.get(row.folder_id) if row is not None else None
        if row is None or view is None or account is None or folder is None or row.id in self._answered:
            return None
        if self._desk.preferences.read_receipts is ReadReceipts.NEVER or not (
            account.rules or account.route is not Route.NONE
        ):
            return None
        mine = frozenset(one.email.lower() for one in self._desk.accounts)
        return asked(view, row.flags, folder.role, account.email, mine)

    def _answer(self, send: bool) -> None:
        pane, client = self._desk.reader.pane, self._desk.client
        row, found = pane.row, self._asked(pane)
        if row is None or found is None or client is None:
            return

        def done(_: wire.Answer) -> None:
            if send:
                self._desk.window.toast.say(tr("The receipt is in the outbox"))

        def failed(error: MailError) -> None:
            self._answered.discard(row.id)
            self._desk.window.toast.say(error.text)
            if (now := self._desk.reader.pane_of(row.id)) is not None:
                self.consider(now)

        self._answered.add(row.id)
        self.consider(pane)
        client.ask(wire.AnswerReceipt(row.id, send, found.to if send else ()), done, failed)
