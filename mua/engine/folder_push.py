"""Pushing what a person wants of folders themselves: RENAME, SUBSCRIBE, DELETE.

Each step is safe to do again: a crash between the server's OK and our commit leaves the wish, and a folder that has the
wanted name already, or is gone already, is what was wanted.
"""

from mua.engine.pull import Shared
from mua.errors import Kind, MailError, Retry
from mua.net.imap import ImapConnection
from mua.plan.replay import DeleteFolder, RenameFolder, SubscribeFolder
from mua.store import folder_wishes, read, write


class FolderPush:
    """Such steps over one connection."""

    def __init__(self, shared: Shared, connection: ImapConnection) -> None:
        self.shared, self.connection = shared, connection
        self.store = shared.context.store

    def do(self, step: RenameFolder | SubscribeFolder | DeleteFolder) -> None:
        """Do one step; raises MailError of kind FOLDER where the server refuses."""
        with self.shared.lock:
            match step:
                case RenameFolder():
                    self._rename(step)
                case SubscribeFolder():
                    self.connection.subscribe(step.name, step.subscribed)
                    with self.store.write(durable=True) as tx:
                        folder_wishes.subscribed(tx, step.folder_id, step.subscribed)
                case DeleteFolder():
                    self._delete(step)

    def _rename(self, step: RenameFolder) -> None:
        folder = read.folder(self.store.reader(), step.folder_id)
        if folder is None or folder.name == step.wanted:
            return
        self._leave(folder.name)
        try:
            self.connection.rename_folder(folder.name, step.wanted)
        except MailError as error:
            if error.kind is not Kind.FOLDER or self._exists(folder.name) or not self._exists(step.wanted):
                raise
        with self.store.write(durable=True) as tx:
            folder_wishes.named(tx, folder.id, folder.name, step.wanted, folder.delimiter)

    def _delete(self, step: DeleteFolder) -> None:
        db = self.store.reader()
        folder = read.folder(db, step.folder_id)
        if folder is None or folder_wishes.holds(db, folder.id):
            return  # what is in it is on its way out still, or was refused: then the folder stays
        self._leave(folder.name)
        try:
            if folder.selectable and self.connection.status(folder.name).on_server:
                host = self.connection.server.host
                text = f"{host} has messages in “{folder.leaf}” that are not on this computer, so it was not deleted."
                raise MailError(Kind.FOLDER, Retry.NEVER, text, code="folder-not-empty")
            self.connection.delete_folder(folder.name)
        except MailError as error:
            if error.code != "folder-gone":
                raise
        with self.store.write(durable=True) as tx:
            write.remove_folder(tx, folder.id, self.shared.context.now())

    def _leave(self, name: str) -> None:
        """A server may refuse to rename or delete what is open, or answer for it though it is gone."""
        if self.connection.selected:
            self.connection.unselect()

    def _exists(self, name: str) -> bool:
        try:
            self.connection.status(name)
        except MailError as error:
            if error.kind is not Kind.FOLDER:
                raise
            return False
        return True
