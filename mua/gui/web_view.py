"""HTML mail in a browser engine that has no network at all.

Imported only when the first mail needs it (+0.4 s, +210 MB once); everything below stands on its own, so that one
mistake leaks nothing:

1. Chromium is started with a resolver that finds no host and a proxy that does not exist, loopback included.
2. JavaScript, plug-ins, storage, prefetching and every permission are off; the profile is off the record.
3. The page comes from our own scheme with ``Content-Security-Policy: default-src 'none'``, as a header and in the page.
4. The interceptor refuses every scheme but ``mua-mail:``, ``mua-image:``, ``cid:`` and ``data:`` (preconnect and
   dns-prefetch never ask it: 1 is for them).  ``mua-image:`` is a file that the engine fetched, where the person asked.
5. Navigation is refused; a clicked link is told to the reader.  No window opens, nothing downloads.
"""

import os
from collections.abc import Callable

import shiboken6
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QPoint, QPointF, Qt, QUrl, Signal
from PySide6.QtGui import QColor
from PySide6.QtWebEngineCore import (
    QWebEngineContextMenuRequest,
    QWebEnginePage,
    QWebEngineProfile,
    QWebEngineScript,
    QWebEngineSettings,
    QWebEngineUrlRequestInfo,
    QWebEngineUrlRequestInterceptor,
    QWebEngineUrlRequestJob,
    QWebEngineUrlScheme,
    QWebEngineUrlSchemeHandler,
)
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QMenu, QWidget

from mua.gui.link_bar import offer_copies
from mua.language import tr
from mua.mime import remote
from mua.mime.page import page_policy

SCHEME, INLINE, PICTURE = b"mua-mail", b"cid", remote.SCHEME.encode()
_PLACE = (
    "mua-mail://mail/"  # one site: for a page of another one the engine makes a new surface, which is black at first
)
_ALLOWED = ("mua-mail", "cid", "data", remote.SCHEME)
_FLAGS = (
    '--host-resolver-rules="MAP * ~NOTFOUND" --proxy-server=127.0.0.1:9 --proxy-bypass-list=<-loopback>'
    " --disable-background-networking --no-pings --renderer-process-limit=1"
)
_OFF = (
    "AutoLoadIconsForPage",
    "JavascriptEnabled",
    "JavascriptCanOpenWindows",
    "JavascriptCanAccessClipboard",
    "LocalStorageEnabled",
    "LocalContentCanAccessRemoteUrls",
    "LocalContentCanAccessFileUrls",
    "HyperlinkAuditingEnabled",
    "PluginsEnabled",
    "FullScreenSupportEnabled",
    "WebGLEnabled",
    "Accelerated2dCanvasEnabled",
    "DnsPrefetchEnabled",
    "PdfViewerEnabled",
    "NavigateOnDropEnabled",
    "AllowRunningInsecureContent",
    "AllowWindowActivationFromJavaScript",
)


def prepare() -> None:
    """Set Chromium's flags and register our schemes: before the first profile is made, once."""
    if not QWebEngineUrlScheme.schemeByName(QByteArray(SCHEME)).name().isEmpty():
        return
    flags = _FLAGS + (" --no-sandbox" if hasattr(os, "geteuid") and os.geteuid() == 0 else "")
    os.environ["QTWEBENGINE_CHROMIUM_FLAGS"] = f"{os.environ.get('QTWEBENGINE_CHROMIUM_FLAGS', '')} {flags}".strip()
    for name in (SCHEME, INLINE, PICTURE):
        scheme = QWebEngineUrlScheme(QByteArray(name))
        scheme.setSyntax(QWebEngineUrlScheme.Syntax.Host if name == SCHEME else QWebEngineUrlScheme.Syntax.Path)
        scheme.setFlags(QWebEngineUrlScheme.Flag.SecureScheme)
        QWebEngineUrlScheme.registerScheme(scheme)


class _Interceptor(QWebEngineUrlRequestInterceptor):
    def interceptRequest(self, info: QWebEngineUrlRequestInfo) -> None:
        if info.requestUrl().scheme() not in _ALLOWED:
            info.block(True)


class _Server(QWebEngineUrlSchemeHandler):
    """Serves the current page and the images that its message carries."""

    def __init__(self, inline: Callable[[str], bytes | None], parent: QObject) -> None:
        super().__init__(parent)
        self.page = b""
        self.images = False
        self.policy = ""
        self._inline = inline

    def requestStarted(self, job: QWebEngineUrlRequestJob) -> None:
        url = job.requestUrl()
        if url.scheme() == SCHEME.decode():
            policy = QByteArray((self.policy or page_policy(self.images)).encode())
            job.setAdditionalResponseHeaders({QByteArray(b"Content-Security-Policy"): [policy]})  # type: ignore[dict-item]
            self._reply(job, b"text/html; charset=utf-8", self.page)
            return
        picture = url.scheme() == remote.SCHEME
        data = self._inline(url.toString().removeprefix("cid:")) if self.images or not picture else None
        if data is None:
            job.fail(QWebEngineUrlRequestJob.Error.UrlNotFound)
        else:
            # The engine keeps what it got under its name, and two mails may use one Content-ID.
            job.setAdditionalResponseHeaders({QByteArray(b"Cache-Control"): [QByteArray(b"no-store")]})  # type: ignore[dict-item]
            self._reply(job, (remote.media_type(data) or "application/octet-stream").encode(), data)

    def _reply(self, job: QWebEngineUrlRequestJob, kind: bytes, data: bytes) -> None:
        buffer = QBuffer(job)
        buffer.setData(QByteArray(data))
        buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        job.reply(QByteArray(kind), buffer)


class _Page(QWebEnginePage):
    link_clicked = Signal(str)

    def acceptNavigationRequest(self, url: QUrl | str, kind: QWebEnginePage.NavigationType, main_frame: bool) -> bool:
        url = QUrl(url)
        if kind is QWebEnginePage.NavigationType.NavigationTypeLinkClicked:
            self.link_clicked.emit(bytes(url.toEncoded().data()).decode())  # as it is asked for, not as it looks best
            return False
        return main_frame and url.scheme() == SCHEME.decode()

    def javaScriptConsoleMessage(self, *_: object) -> None:
        """What the engine has to say of a page names its addresses: nothing for a terminal or a log."""

    def createWindow(self, kind: QWebEnginePage.WebWindowType) -> QWebEnginePage:
        return None  # type: ignore[return-value]


class WebView(QWebEngineView):
    """The one HTML view of a window.  ``inline`` gives the bytes of a Content-ID of the message shown."""

    link_clicked = Signal(str)
    link_hovered = Signal(str)

    def __init__(self, inline: Callable[[str], bytes | None], parent: QWidget | None = None) -> None:
        prepare()
        super().__init__(parent)
        self._profile = QWebEngineProfile(self)
        self._profile.setHttpCacheType(QWebEngineProfile.HttpCacheType.NoCache)
        self._profile.setPersistentCookiesPolicy(QWebEngineProfile.PersistentCookiesPolicy.NoPersistentCookies)
        self._interceptor = _Interceptor(self._profile)
        self._profile.setUrlRequestInterceptor(self._interceptor)
        self._profile.downloadRequested.connect(lambda download: download.cancel())
        self._server = _Server(inline, self._profile)
        for name in (SCHEME, INLINE, PICTURE):
            self._profile.installUrlSchemeHandler(QByteArray(name), self._server)
        self._page = _Page(self._profile, self)
        for switch in _OFF:
            self._page.settings().setAttribute(getattr(QWebEngineSettings.WebAttribute, switch), False)
        self._page.settings().setAttribute(QWebEngineSettings.WebAttribute.PlaybackRequiresUserGesture, True)
        # For authors who name one font, which is not here: a browser of its own would take the desktop's, too.
        self._page.settings().setFontFamily(QWebEngineSettings.FontFamily.StandardFont, self.font().family())
        self._page.permissionRequested.connect(lambda permission: permission.deny())
        self._page.link_clicked.connect(self.link_clicked)
        self._page.linkHovered.connect(self.link_hovered)
        self.setPage(self._page)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu)
        self._number = 0
        self._adapted = False

    def show_page(
        self, page: str, ground: str = "#ffffff", *, adapted: bool = False, images: bool = False, policy: str = ""
    ) -> None:
        """Show a whole page (made by ``mime.page.document``); ``ground`` avoids a flash before it is painted.

        ``adapted``: the engine turns the page's light colours into dark ones.  ``images``: pictures from elsewhere are
        served, by ``inline``, which is asked for them by their whole address (``mua-image:NAME``).
        ``policy``: that of a page of our own, instead of a mail's.
        """
        self._server.images, self._server.policy = images, policy
        self._number += 1
        if adapted is not self._adapted:  # telling the engine costs, whatever it is told
            self._adapted = adapted
            self._page.settings().setAttribute(QWebEngineSettings.WebAttribute.ForceDarkMode, adapted)
        self._server.page = page.encode("utf-8", "replace")
        self._page.setBackgroundColor(QColor(ground))
        self._page.setUrl(QUrl(f"{_PLACE}{self._number}"))

    def scroll_to(self, place: QPointF) -> None:
        """Go to a place (as ``QWebEnginePage.scrollPosition`` tells it) when the page that was set last is there."""
        left, top = place.x() / self.zoomFactor(), place.y() / self.zoomFactor()
        script = f"window.scrollTo({{left:{left},top:{top}}})"
        self._page.loadFinished.connect(
            lambda _: self.ask(script, lambda _: None), Qt.ConnectionType.SingleShotConnection
        )

    def warm(self) -> None:
        """Start the engine's processes on an empty page, so that the first mail does not wait for them."""
        if not self._number:
            self.show_page("")

    def unfold(self, is_open: bool) -> None:
        """Open or close the quotes of the page that is shown, which stays where it is.

        A script of ours, in a world of its own: the page's has none.
        """
        script = "document.querySelectorAll('details[data-quote]').forEach(one => { one.open = %s; });"
        self._page.runJavaScript(
            script % ("true" if is_open else "false"), QWebEngineScript.ScriptWorldId.ApplicationWorld.value
        )

    def depth(self) -> int:
        """How far down the page is scrolled, in pixels of the screen."""
        return round(self._page.scrollPosition().y())

    def ask(self, script: str, then: Callable[[object], None]) -> None:
        """Run a script of ours, in a world of its own, and tell what it comes to."""
        self._page.runJavaScript(script, QWebEngineScript.ScriptWorldId.ApplicationWorld.value, then)

    def _menu(self, position: QPoint) -> None:
        request: QWebEngineContextMenuRequest | None = self.lastContextMenuRequest()
        menu = QMenu(self)
        if self.hasSelection():
            menu.addAction(tr("Copy"), lambda: self._page.triggerAction(QWebEnginePage.WebAction.Copy))
        if request and not request.linkUrl().isEmpty():
            offer_copies(menu, bytes(request.linkUrl().toEncoded().data()).decode())
        menu.addAction(tr("Select all"), lambda: self._page.triggerAction(QWebEnginePage.WebAction.SelectAll))
        menu.exec(self.mapToGlobal(position))
        menu.deleteLater()

    def close_down(self) -> None:
        """End the page before the profile (Qt insists on that order)."""
        self.setPage(None)  # type: ignore[arg-type]
        shiboken6.delete(self._page)

    def end(self) -> None:
        """The same, and no more of this view."""
        self.close_down()
        self.deleteLater()
