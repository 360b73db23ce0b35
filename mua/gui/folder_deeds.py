"""What a person does to folders: new, rename, delete, empty, mark all read, subscribe, export.

Rules of the file: all can be taken back but emptying, which asks first; a name is asked for where the palette is, and
what is wrong with it is the engine's to say.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.icons import icon
from mua.gui.palette import Choice, Palette
from mua.gui.places import Place, folder_words
from mua.language import tr
from mua.model.account import Account, Incoming
from mua.model.folder import NO_NEWS, Folder, FolderId, Role

if TYPE_CHECKING:
    from mua.gui.desk import Desk
    from mua.gui.exporting import Exporting


class FolderDeeds:
    """The deeds, for one window."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self._exporting: Exporting | None = None

    def fill(self, menu: QMenu, account: Account, folder: Folder | None) -> None:
        """Add what can be done to a folder, or to an account's folders, to a menu."""
        for text, picture, act in self.offered(account, folder):
            menu.addAction(icon(picture), text).triggered.connect(lambda _=False, act=act: act())

    def offered(self, account: Account, folder: Folder | None) -> list[tuple[str, str, Callable[[], object]]]:
        """(words, icon, deed) of everything that makes sense."""
        found: list[tuple[str, str, Callable[[], object]]] = []
        if folder is None:
            making = (tr("New folder…"), "plus", partial(self.ask_new, account, None))
            return [making, (tr("Export the whole account…"), "download", partial(self.export, account, None))]
        if folder.unread:
            found.append((tr("Mark all as read"), "mail-open", partial(self.mark_read, folder)))
        if folder.role in (Role.TRASH, Role.JUNK) and folder.total:
            found.append(
                (
                    tr("Empty {folder_words}…", folder_words=folder_words(folder)[0]),
                    "trash-2",
                    partial(self.empty, folder),
                )
            )
        found.append((tr("New folder inside…"), "plus", partial(self.ask_new, account, folder)))
        if folder.role is Role.NONE:
            found.append((tr("Rename…"), "text", partial(self.ask_name, folder)))
            found.append((tr("Delete folder"), "trash-2", partial(self.delete, folder)))
        if account.incoming is Incoming.IMAP and folder.role is not Role.INBOX:
            text = tr("Unsubscribe") if folder.subscribed else tr("Subscribe")
            found.append((text, "bell", partial(self._act, wire.SubscribeFolder(folder.id, not folder.subscribed))))
        if folder.role not in NO_NEWS:
            told = self._desk.looks.tells(folder)
            text = tr("Do not tell me of new mail here") if told else tr("Tell me of new mail here")
            found.append((text, "bell-off" if told else "bell", partial(self.tell, folder, not told)))
        found.append((tr("Export…"), "download", partial(self.export, account, folder)))
        return found

    def choices(self) -> list[Choice]:
        """The same for the palette: of the folder that is listed."""
        place = self._desk.place
        folder = self._desk.folders.get(place.folder) if place is not None and place.folder is not None else None
        account = self._desk.account(folder.account_id) if folder is not None else None
        if account is None or folder is None:
            return []
        name = folder_words(folder)[0]
        return [Choice(text.rstrip("…"), name, picture, act) for text, picture, act in self.offered(account, folder)]

    def mark_read(self, folder: Folder) -> None:
        """Every message counts as read."""
        self._act(wire.MarkFolderRead(folder.id))

    def tell(self, folder: Folder, wanted: bool) -> None:
        """Of what comes into it there are notifications from now on, or none."""
        self._desk.looks.tell(folder, wanted)
        self._desk.looks_changed.emit()
        name, toast = words.shown(folder_words(folder)[0], 60), self._desk.window.toast
        if not wanted:
            toast.say(tr("You are not told of new mail in {name} any more.", name=name))
        elif self._desk.preferences.notifications:
            toast.say(tr("You are told of new mail in {name} from now on.", name=name))
        else:
            toast.say(tr("You are told of new mail in {name} once notifications are switched on.", name=name))

    def delete(self, folder: Folder) -> None:
        """Its messages go into the bin; the list shows something that is there."""
        if self._desk.place == Place(folder=folder.id):
            inboxes = (
                one.id
                for one in self._desk.folders.values()
                if one.account_id == folder.account_id and one.role is Role.INBOX
            )
            target = next(inboxes, None)
            if target is not None:
                self._desk.show_place(Place(folder=target))
        self._act(wire.DeleteFolder(folder.id))

    def empty(self, folder: Folder) -> None:
        """For ever: asks first."""
        question = tr(
            "Delete {messages} in {folder_words} for ever?",
            messages=words.count(folder.total, "message"),
            folder_words=folder_words(folder)[0],
        )
        if self._desk.acting.confirmed(question):
            self._desk.acting.do(wire.EmptyFolder(folder.id), undoable=False)

    def export(self, account: Account, folder: Folder | None) -> None:
        """Into files, after asking where."""
        from mua.gui.exporting import Exporting

        if self._exporting is None:
            self._exporting = Exporting(self._desk)
        self._exporting.ask(account, folder)

    def ask_new(self, account: Account, parent: Folder | None) -> None:
        """Ask for the name of a new folder."""
        start = parent.name + (parent.delimiter or "/") if parent is not None and parent.role is not Role.INBOX else ""

        def make(text: str) -> Choice | None:
            name = " ".join(text.split())
            create = partial(self._create, account, start + name)
            return (
                Choice(tr("Make the folder “{name}”", name=words.shown(start + name, 120)), "", "plus", create)
                if name
                else None
            )

        Palette(self._desk.window, tr("Name of the new folder"), [], make).open_over()

    def ask_name(self, folder: Folder) -> None:
        """Ask for another name."""
        cut = len(folder.name) - len(folder.leaf)

        def rename(text: str) -> Choice | None:
            name = " ".join(text.split())
            if not name or name == folder.leaf:
                return None
            act = partial(self._act, wire.RenameFolder(folder.id, folder.name[:cut] + name))
            return Choice(tr("Call it “{name}”", name=words.shown(name, 120)), "", "text", act)

        palette = Palette(
            self._desk.window, tr("Another name for {leaf}", leaf=words.shown(folder.leaf, 60)), [], rename
        )
        palette.open_over()
        palette.field.setText(folder.leaf)
        palette.field.selectAll()

    def move_to_new(self, account: Account, name: str, move: Callable[[FolderId], object]) -> None:
        """Make a folder, and move there what was chosen."""
        self._create(account, name, lambda made: move(FolderId(made.folder_id)))

    # ---- inside
    def _create(self, account: Account, name: str, then: Callable[[wire.FolderMade], object] | None = None) -> None:
        def made(answer: wire.Answer) -> None:
            if isinstance(answer, wire.FolderMade):
                if then is not None:
                    then(answer)
                else:
                    undo = partial(self._act, wire.DeleteFolder(answer.folder_id))
                    self._desk.window.toast.say(
                        tr("The folder {name} is there.", name=words.shown(name, 80)), tr("Undo"), undo
                    )

        def failed(error: MailError) -> None:
            self._desk.window.toast.say(error.text)

        if self._desk.client is not None:
            self._desk.client.ask(wire.CreateFolder(account.id, name), made, failed)

    def _act(self, command: wire.Command) -> None:
        self._desk.acting.do(command)
