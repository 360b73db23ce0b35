"""Acting on messages: archive, delete, junk, move, star, read; and taking it back.

Rules of the file: an act is one command to the engine, which writes the wish and says ``Changed``; the list follows
that. Nothing asks "Are you sure?" but deleting for ever; everything else is undone with one key, many levels deep.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from mua import wire
from mua.errors import MailError
from mua.gui.engine_client import EngineClient
from mua.gui.notices import Toast
from mua.gui.words import count
from mua.language import tr
from mua.model.folder import FolderId
from mua.model.message import Flag, MessageId

UNDO_LEVELS = 100
LARGE = 2_000  # messages of an act beyond which the engine carries it out in parts
_LEAVING = (wire.ArchiveMessages, wire.DeleteMessages, wire.JunkMessages, wire.MoveMessages, wire.SnoozeMessages)
Ids = Sequence[MessageId]


class Acting(QObject):
    """What the buttons and keys do to messages."""

    leaving = Signal(object)
    """So many messages leave their folder that the engine takes a while: the list need not wait for it."""
    stayed = Signal()
    """They do not, after all."""

    def __init__(self, window: QWidget, toast: Toast) -> None:
        super().__init__(window)
        self._window, self._toast = window, toast
        self._client: EngineClient | None = None
        self.years = False
        """What is archived goes into a folder for its year."""
        self._done: list[wire.Acted] = []
        self._in_flight = self._undos_waiting = 0

    def attach(self, client: EngineClient) -> None:
        """Commands go here."""
        self._client = client

    def archive(self, ids: Ids) -> None:
        """Into each account's archive."""
        self._act(ids, wire.ArchiveMessages(tuple(ids), self.years))

    def delete(self, ids: Ids) -> None:
        """Into each account's bin."""
        self._act(ids, wire.DeleteMessages(tuple(ids)))

    def delete_forever(self, ids: Ids) -> None:
        """For ever: the one thing that asks first."""
        if ids and self.confirmed(tr("Delete {messages} for ever?", messages=count(len(ids), "message"))):
            self._act(ids, wire.DeleteMessages(tuple(ids), forever=True), undoable=False)

    def junk(self, ids: Ids, junk: bool = True) -> None:
        """Into each account's junk folder, or out of it into the inbox."""
        self._act(ids, wire.JunkMessages(tuple(ids), junk))

    def settle_refused(self, ids: Ids, again: bool) -> None:
        """The server's refusal has been read; ``again``: wish the same once more."""
        if self._client is not None:
            self._client.ask(wire.SettleRefused(tuple(ids), again), failed=self._failed)

    def move(self, ids: Ids, folder_id: FolderId) -> None:
        """Into a folder."""
        self._act(ids, wire.MoveMessages(tuple(ids), folder_id))

    def flag(self, ids: Ids, add: Flag = Flag(0), remove: Flag = Flag(0), quiet: bool = True) -> None:  # noqa: B008
        """Set and clear flags; ``quiet``: no toast (it is visible at once, and the key takes it back)."""
        self._act(ids, wire.SetFlags(tuple(ids), int(add), int(remove)), quiet=quiet)

    def tag(self, ids: Ids, add: tuple[str, ...] = (), remove: tuple[str, ...] = (), name: str = "") -> None:
        """Set and clear keywords; ``name``: how the person calls the tag."""
        self._act(ids, wire.TagMessages(tuple(ids), add, remove, name), quiet=len(ids) == 1)

    def snooze(self, ids: Ids, at: int) -> None:
        """Aside until then (UTC seconds; 0: back now)."""
        self._act(ids, wire.SnoozeMessages(tuple(ids), at))

    def do(self, command: wire.Command, undoable: bool = True) -> None:
        """An act that names no messages: what is done to a folder."""
        self._send(command, undoable)

    def stop(self) -> None:
        """End the acts on very many messages that are going on; what is done stays."""
        if self._client is not None:
            self._client.ask(
                wire.StopActs(), lambda _: self._toast.say(tr("Stopped; what was done stays.")), self._failed
            )

    def undo(self) -> None:
        """Take back the latest act."""
        if self._client is None:
            return
        if self._in_flight:
            self._undos_waiting += 1
            return
        if not self._done:
            self._toast.say(tr("Nothing to undo."))
            return
        act = self._done.pop()
        self.stayed.emit()
        self._client.ask(
            wire.Undo(act.history_id),
            lambda _: self._toast.say(tr("Undone: {label}", label=act.label)),
            self._failed,
        )

    def _act(self, ids: Ids, command: wire.Command, undoable: bool = True, quiet: bool = False) -> None:
        if ids:
            if len(ids) > LARGE and isinstance(command, _LEAVING):
                self.leaving.emit(ids)
            self._send(command, undoable, quiet)

    def _send(self, command: wire.Command, undoable: bool = True, quiet: bool = False) -> None:
        if self._client is not None:
            self._in_flight += 1
            self._client.ask(command, lambda answer: self._acted(answer, undoable, quiet), self._refused)

    def _acted(self, answer: wire.Answer, undoable: bool, quiet: bool) -> None:
        if not isinstance(answer, wire.Acted):
            return
        self._landed(lambda: self._note(answer, undoable, quiet))

    def _refused(self, error: MailError) -> None:
        self.stayed.emit()
        self._landed(lambda: self._failed(error))

    def _landed(self, then: Callable[[], None]) -> None:
        """An act was answered; the undos that were asked for meanwhile can have their turn."""
        self._in_flight -= 1
        then()
        while not self._in_flight and self._undos_waiting:
            self._undos_waiting -= 1
            self.undo()

    def _note(self, answer: wire.Acted, undoable: bool, quiet: bool) -> None:
        if undoable:
            self._done.append(answer)
            del self._done[:-UNDO_LEVELS]
        if not quiet:
            self._toast.say(answer.label, tr("Undo"), self.undo if undoable else None)

    def _failed(self, error: MailError) -> None:
        self._toast.say(error.text)

    def confirmed(self, question: str) -> bool:
        """Whether the person wants what cannot be taken back."""
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setTextFormat(Qt.TextFormat.PlainText)  # a folder may be called like markup
        box.setText(question)
        box.setInformativeText(tr("They are removed from the server too. This cannot be undone."))
        delete = box.addButton(tr("Delete for ever"), QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(tr("Keep"), QMessageBox.ButtonRole.RejectRole)
        box.exec()
        return box.clickedButton() is delete
