"""Settings: whether messages offer to load their pictures from elsewhere, and whose mail does so by itself."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mua.gui import words
from mua.gui.choice import Choice
from mua.gui.preferences import Preferences, RemoteImages
from mua.gui.theme import BASE, SECONDARY
from mua.gui.widgets import Label, ToolButton
from mua.language import tr

_OFFERS = ((RemoteImages.ASK, tr("When I ask")), (RemoteImages.NEVER, tr("Never")))


class ImageRules(QWidget):
    """A line for each sender; ``offer`` is for all mail, and stands above.  ``change`` keeps what is chosen."""

    def __init__(self, now: Preferences, change: Callable[..., object]) -> None:
        super().__init__()
        self._change, self._senders = change, now.image_senders
        self.offer = Choice(tr("Pictures from elsewhere are loaded"), _OFFERS)
        self.offer.choose(now.remote_images)
        self.offer.changed.connect(lambda: change(remote_images=RemoteImages(self.offer.value())))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self.rows: dict[str, QWidget] = {}
        if self._senders:
            said = tr("By themselves in mail that is proven to be from:")
            self._column.addWidget(Label(said, SECONDARY, "secondary"), 0, Qt.AlignmentFlag.AlignLeft)
        for sender in self._senders:
            self._add(sender)

    def _add(self, sender: str) -> None:
        row = self.rows[sender] = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        shown = words.shown(sender, 200)
        remove = ToolButton("x", tr("No longer load pictures of {shown} by itself", shown=shown))
        remove.clicked.connect(partial(self.remove, sender))
        line.addWidget(Label(shown, BASE))
        line.addStretch(1)
        line.addWidget(remove)
        self._column.addWidget(row)

    def remove(self, sender: str) -> None:
        """This sender's pictures are loaded when asked for, as everybody's."""
        row = self.rows.pop(sender)
        row.hide()
        row.deleteLater()
        self._senders = tuple(one for one in self._senders if one != sender)
        self._change(image_senders=self._senders)
