"""Why a list is empty, and what to do about it: for each kind of folder and view, and for a search."""

from mua.gui.list_pane import Emptiness
from mua.gui.places import Place
from mua.language import tr
from mua.model.folder import Folder, Role
from mua.store.read import Saved

_EMPTY = {
    Role.INBOX: Emptiness("inbox", tr("Nothing in the inbox"), tr("New mail appears here by itself; F5 looks now.")),
    Role.DRAFTS: Emptiness(
        "file-pen-line", tr("No drafts"), tr("What you begin to write is kept here. Press C to write.")
    ),
    Role.SENT: Emptiness("send", tr("Nothing sent yet"), tr("A copy of what you send is kept here. Press C to write.")),
    Role.ARCHIVE: Emptiness(
        "archive", tr("The archive is empty"), tr("Press E to archive a message; search still finds it.")
    ),
    Role.JUNK: Emptiness("shield-alert", tr("No junk"), tr("Press ! on a message to put it here.")),
    Role.TRASH: Emptiness("trash-2", tr("The bin is empty"), tr("Press Delete on a message to put it here.")),
    Role.SNOOZED: Emptiness("clock", tr("Nothing is snoozed"), tr("Press B on a message to have it back later.")),
    Role.ALL: Emptiness("mail", tr("No mail yet"), tr("Press F5 to look for mail.")),
    Role.NONE: Emptiness("folder", tr("This folder is empty"), tr("Press V on a message to move it here.")),
}
_EMPTY_SAVED = {
    Saved.ALL_INBOXES: _EMPTY[Role.INBOX],
    Saved.UNREAD: Emptiness(
        "mail-open", tr("Everything is read"), tr("New mail appears here by itself; F5 looks now.")
    ),
    Saved.STARRED: Emptiness("star", tr("Nothing is starred"), tr("Press S on a message to keep it in sight here.")),
    Saved.ATTACHMENTS: Emptiness(
        "paperclip", tr("No attachments"), tr("Mail that has files is listed here, from all accounts.")
    ),
}
NOTHING_FOUND = Emptiness(
    "search", tr("Nothing found"), tr("Try fewer letters, or from:, subject:, has:attachment, before:2026-01-31.")
)


def emptiness_of(place: Place, folder: Folder | None) -> Emptiness:
    """Of a place; ``folder`` where it is one that is known."""
    if place.saved is not None:
        return _EMPTY_SAVED[place.saved]
    return _EMPTY[folder.role if folder is not None else Role.NONE]
