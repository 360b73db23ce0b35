"""Messages on their way out of the list: into a folder by their ids, onto the desktop as .eml files.

Rules of the file: files are written when somebody takes them, and no more than ``MOST`` of them.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QMimeData, QUrl

from mua.gui.message_model import MESSAGE_IDS
from mua.model.message import MessageId

MOST = 50  # messages that become files
_FILES = "text/uri-list"


class Dragged(QMimeData):
    """The data of one drag."""

    def __init__(self, ids: Sequence[MessageId], files_of: Callable[[Sequence[MessageId]], list[str]]) -> None:
        super().__init__()
        self._ids, self._files_of = ids, files_of
        self._files: list[str] | None = None
        self.setData(MESSAGE_IDS, ",".join(map(str, ids)).encode())

    def formats(self) -> list[str]:
        """Files are offered before they are there."""
        return [MESSAGE_IDS, *([_FILES] if 0 < len(self._ids) <= MOST else [])]

    def hasFormat(self, mimetype: str) -> bool:
        """One of these."""
        return mimetype in self.formats()

    def retrieveData(self, mimetype: str, preferred: object) -> object:
        """Now somebody takes it."""
        if mimetype != _FILES or _FILES not in self.formats():
            return super().retrieveData(mimetype, preferred)  # type: ignore[arg-type]
        if self._files is None:
            self._files = self._files_of(self._ids)
        return [QUrl.fromLocalFile(one) for one in self._files]
