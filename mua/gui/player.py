"""Sound and film of strangers, played in the reader's place: by the browser's process, which has no network.

Rules of the file: nothing plays before somebody presses; the octets are in the page itself, whose policy allows nothing
else; what the browser has no codec for (H.264 and AAC cost a licence) is said, and opened with another program.
"""

from base64 import b64encode
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget
from shiboken6 import isValid

from mua.gui.theme import theme
from mua.language import tr

if TYPE_CHECKING:
    from mua.gui.web_view import WebView

PLAYED = ("audio/", "video/")
LARGEST = 48 << 20  # octets
TOO_LARGE = tr("This file is too large to be played here; save it or open it with another program.")
NO_CODEC = tr("Mua cannot play this kind of sound or film; open it with another program, or save it.")
_POLICY = "default-src 'none'; media-src data:; style-src 'unsafe-inline'"
_LOOKS = 600  # times that the page is asked whether it can play, at most: a minute, since a browser starts meanwhile
# networkState says NO_SOURCE also for a moment before a source is chosen; an error is one for good.
_STATE = """(() => { const one = document.querySelector("audio, video");
  return !one ? "" : one.error ? "cannot" : one.readyState > 0 ? "can" : ""; })()"""


class Player(QWidget):
    """One file.  ``failed`` says why it cannot be played."""

    failed = Signal(str)
    ready = Signal()
    """It can be played: its beginning was read."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Player"))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(20, 0, 20, 20)
        self._web: WebView | None = None
        self._looks = 0
        self._timer = QTimer(self)
        self._timer.setInterval(100)
        self._timer.timeout.connect(self._look)

    def show_file(self, data: bytes, kind: str, name: str) -> None:
        """Offer a file of this media type to be played."""
        self.end()
        if len(data) > LARGEST:
            self.failed.emit(TOO_LARGE)
            return
        try:
            from mua.gui.web_view import WebView
        except ImportError:
            self.failed.emit(NO_CODEC)
            return
        web = self._web = WebView(_nothing)
        web.setAccessibleName(name)
        web.renderProcessTerminated.connect(lambda *_: self._died(web))
        self._column.addWidget(web)
        colours, dark = theme().colours, theme().dark
        web.show_page(page(data, kind, colours.reader, dark), colours.reader, policy=_POLICY)
        self._looks = 0
        self._timer.start()

    def end(self) -> None:
        """Stop, and let go of the browser."""
        self._timer.stop()
        web, self._web = self._web, None
        if web is not None:
            self._column.removeWidget(web)
            web.hide()
            web.end()

    # ---- inside
    def _look(self) -> None:
        web, self._looks = self._web, self._looks + 1
        if web is None:
            return
        if self._looks > _LOOKS:
            self._cannot()
            return
        web.ask(_STATE, lambda told: self._told(web, str(told)))

    def _told(self, web: "WebView", state: str) -> None:
        if isValid(self) and web is self._web and self._timer.isActive():
            if state == "cannot":
                self._cannot()
            elif state == "can":
                self._timer.stop()
                self.ready.emit()

    def _died(self, web: "WebView") -> None:
        """The browser of a file that may be one of before."""
        if isValid(self) and web is self._web:
            self._cannot()

    def _cannot(self) -> None:
        self.end()
        self.failed.emit(NO_CODEC)


def page(data: bytes, kind: str, ground: str, dark: bool) -> str:
    """A page with a file in it, and the buttons to play it."""
    tag = "audio" if kind.startswith("audio/") else "video"
    return (
        f'<!doctype html><html><head><meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>'
        f"html{{color-scheme:{'dark' if dark else 'light'};background:{ground}}}"
        "body{margin:0;height:100vh;display:flex;align-items:center;justify-content:center}"
        "audio{width:min(560px,100%)}video{max-width:100%;max-height:100%}"
        f'</style></head><body><{tag} controls preload="metadata" controlslist="nodownload noremoteplayback" '
        f'disablepictureinpicture src="data:{kind};base64,{b64encode(data).decode("ascii")}"></{tag}></body></html>'
    )


def _nothing(_: str) -> bytes | None:
    return None
