"""Settings: whether messages offer to load their pictures from elsewhere, and whose mail does so by itself."""

from collections.abc import Callable

from PySide6.QtWidgets import QVBoxLayout, QWidget

from mua.gui.choice import Choice
from mua.gui.preferences import Preferences, RemoteImages
from mua.gui.sender_lines import SenderLines
from mua.gui.theme import SECONDARY
from mua.gui.widgets import Field, Label
from mua.language import tr
from mua.plan.proxy import proxy_of

_OFFERS = ((RemoteImages.ASK, tr("When I ask")), (RemoteImages.NEVER, tr("Never")))


class ImageRules(QWidget):
    """A line for each sender; ``offer`` is for all mail, and stands above.  ``change`` keeps what is chosen."""

    def __init__(self, now: Preferences, change: Callable[..., object]) -> None:
        super().__init__()
        self._change = change
        self.offer = Choice(tr("Pictures from elsewhere are loaded"), _OFFERS)
        self.offer.choose(now.remote_images)
        self.offer.changed.connect(lambda: change(remote_images=RemoteImages(self.offer.value())))
        self.proxy = Field(tr("Proxy for pictures from elsewhere"), tr("None, or socks5://127.0.0.1:9050"))
        self.proxy.setMinimumWidth(280)
        self.proxy.setText(now.picture_proxy)
        self.proxy.editingFinished.connect(self._take_proxy)
        self._problem = Label("", SECONDARY, "on_danger", wrap=True)
        self._problem.hide()
        self.through = QWidget()
        through = QVBoxLayout(self.through)
        through.setContentsMargins(0, 0, 0, 0)
        through.addWidget(self.proxy)
        through.addWidget(self._problem)
        self.senders = SenderLines(
            tr("By themselves in mail that is proven to be from:"),
            now.image_senders,
            lambda shown: tr("No longer load pictures of {shown} by itself", shown=shown),
            lambda left: change(image_senders=left),
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.senders)

    def show_proxy(self, now: Preferences) -> None:
        """What is kept, in the field."""
        self.proxy.setText(now.picture_proxy)
        self._take_proxy()

    def _take_proxy(self) -> None:
        """Keep what can be read; what cannot is marked, and it is said how it is written."""
        problem = ""
        try:
            proxy_of(self.proxy.text())
        except ValueError as error:
            problem = str(error)
        self.proxy.mark(bool(problem))
        self.proxy.setAccessibleDescription(problem)
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        if not problem:
            self._change(picture_proxy=self.proxy.text().strip())
