"""Showing a mail reaches no network, even if the sanitiser had let everything through.

A listener on the loopback counts connections.  The views are given pages *without* sanitising; a control in a process
of its own shows that the same page does connect where nothing is forbidden, so that the zero means something.

The kernel is asked too: in a network namespace it counts every connection that is begun and every datagram that is
sent, to whatever address, questions to the DNS among them.
"""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_net import obstacle
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mua.gui.text_view import TextView
from mua.gui.theme import theme
from mua.mime.html import sanitise
from mua.model.message import MessageView
from mua.paths import child_environment

EXTRA = """\
<link rel="preconnect" href="@"><link rel="dns-prefetch" href="@"><link rel="prefetch" href="@f"><link rel="preload"
as="image" href="@p"><link rel="icon" href="@i"><link rel="stylesheet" href="@s.css"><meta http-equiv="refresh"
content="1;url=@refresh"><img src="@img"><img srcset="@set 2x"><picture><source srcset="@src"><img></picture>
<style>@import "@import";body{background:url(@bg)}@font-face{font-family:x;src:url(@font)}p{font-family:x}</style>
<iframe src="@frame"></iframe><object data="@obj"></object><embed src="@embed"><video src="@video" poster="@poster"
autoplay></video><audio src="@audio" autoplay></audio><svg><image href="@svg"/></svg><script src="@js"></script>
<script>fetch("@fetch");new Image().src="@js-img"</script><form action="@form"><input type="image" src="@input"></form>
<table background="@table"><tr><td background="@cell">x</td></tr></table><p>End of the page</p>
"""
CONTROL = """\
import sys
from PySide6.QtCore import QTimer, QUrl
from PySide6.QtWidgets import QApplication
from PySide6.QtWebEngineWidgets import QWebEngineView
app = QApplication([])
view = QWebEngineView()
view.resize(800, 600)
view.show()
view.load(QUrl.fromLocalFile(sys.argv[1]))
QTimer.singleShot(6000, app.quit)
app.exec()
import os
os._exit(0)
"""

COUNTED = """\
import os, sys
from pathlib import Path
from PySide6.QtCore import QTimer, QUrl
from PySide6.QtWidgets import QApplication

def counted():
    lines = Path("/proc/self/net/snmp").read_text().splitlines()
    found = {f"{key.split()[0]}{name}": int(value) for key, values in zip(lines[::2], lines[1::2])
             for name, value in zip(key.split()[1:], values.split()[1:])}
    found.update((line.split()[0], int(line.split()[1])) for line in Path("/proc/self/net/snmp6").open())
    return [found[name] for name in ("Tcp:ActiveOpens", "Udp:OutDatagrams", "Udp6OutDatagrams")]

app = QApplication([])
if sys.argv[1] == "ours":
    from mua.gui.web_view import WebView
    view = WebView(lambda _: None)
    show = lambda: view.show_page(Path(sys.argv[2]).read_text("utf-8"))
else:
    from PySide6.QtWebEngineWidgets import QWebEngineView
    view = QWebEngineView()
    show = lambda: view.load(QUrl.fromLocalFile(sys.argv[2]))
end = lambda: (print(view.title(), *counted(), flush=True), os._exit(0))
view.loadFinished.connect(lambda _: QTimer.singleShot(3000, end))  # what a page leaves for later is asked for by then
QTimer.singleShot(50_000, end)
view.resize(800, 600)
view.show()
show()
app.exec()
"""
NAMESPACE = """\
ip link set lo up
ip addr add 192.0.2.1/24 dev lo
ip route add default dev lo
ip -6 route add default dev lo
exec "$@"
"""


class Listener:
    """Accepts on a free loopback port and counts."""

    def __init__(self) -> None:
        self.hits = 0
        self._hit = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.hits += 1
            self._hit.set()
            connection.close()

    def wait(self, seconds: float) -> bool:
        return self._hit.wait(seconds)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def page(listener: Listener, shared: Callable[[str], Path]) -> str:
    """HTTPLeaks and more, every address pointing at the listener."""
    return leaking(shared, listener.base)


def leaking(shared: Callable[[str], Path], base: str) -> str:
    """The same for another place."""
    leaks = (shared("attack") / "httpleaks" / "leak.html").read_text("utf-8")
    for start in ("https://leaking.via/", "http://leaking.via/", "//leaking.via/"):
        leaks = leaks.replace(start, base)
    extra = EXTRA.replace("@import", "\0").replace("@font-face", "\1").replace("@", base)
    return leaks.replace("</body>", "") + extra.replace("\0", "@import").replace("\1", "@font-face")


def test_the_page_does_connect_where_nothing_is_forbidden(page: str, listener: Listener, tmp_path: Path) -> None:
    (tmp_path / "leak.html").write_text(page, "utf-8")
    (tmp_path / "control.py").write_text(CONTROL, "utf-8")
    environment = {"QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1", "HOME": str(tmp_path)}
    command = [sys.executable, str(tmp_path / "control.py"), str(tmp_path / "leak.html")]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    assert listener.wait(60)
    process.kill()
    process.wait()


def test_the_web_view_connects_to_nothing(page: str, listener: Listener, qtbot: QtBot) -> None:
    from mua.gui.web_view import WebView

    asked: list[str] = []

    def inline(content_id: str) -> bytes | None:
        asked.append(content_id)
        return None

    web = WebView(inline)
    web.resize(800, 600)
    web.show()
    with qtbot.waitSignal(web.loadFinished, timeout=60_000):
        web.show_page(page + '<img src="cid:part1@example.org">')
    qtbot.waitUntil(lambda: asked == ["part1@example.org"])
    with qtbot.waitSignal(web.loadFinished, timeout=60_000):
        web.show_page("<p>Another mail</p>")
    qtbot.wait(1_500)
    assert listener.hits == 0
    assert web.url().scheme() == "mua-mail"
    web.close_down()
    web.close()


@pytest.mark.parametrize("whose", ["ours", "any"])
def test_no_packet_leaves(whose: str, shared: Callable[[str], Path], tmp_path: Path) -> None:
    """`any` is the control: the same page in a view that is not ours does ask the DNS, or connects."""
    if reason := obstacle():
        pytest.skip(reason)
    places = ("http://leak.mua.test/", "https://198.51.100.7/", "http://[2001:db8::7]/")
    (tmp_path / "leak.html").write_text(
        "<title>shown</title>" + "".join(leaking(shared, one) for one in places), "utf-8"
    )
    environment = child_environment() | {"QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1"}
    environment.pop(
        "QTWEBENGINE_CHROMIUM_FLAGS", None
    )  # ours, where a view was opened in this process: no control then
    inside = ["unshare", "--net", "sh", "-ec", NAMESPACE, "sh"]
    command = [sys.executable, "-c", COUNTED, whose, str(tmp_path / "leak.html")]
    done = subprocess.run([*inside, *command], env=environment, capture_output=True, timeout=120, check=False)
    *title, connections, datagrams, datagrams_6 = done.stdout.split()
    left = int(connections) + int(datagrams) + int(datagrams_6)
    if whose == "ours":
        assert title == [b"shown"], done.stderr
        assert left == 0
    else:
        assert left > 0


def test_a_clicked_link_is_told_and_not_followed(listener: Listener, qtbot: QtBot) -> None:
    from mua.gui.web_view import WebView

    web = WebView(lambda _: None)
    web.resize(400, 300)
    web.show()
    link = f'<body style="margin:0"><a href="{listener.base}x" style="display:block;height:300px">Here</a></body>'
    with qtbot.waitSignal(web.loadFinished, timeout=60_000):
        web.show_page(link)
    target = web.focusProxy() or web

    def click() -> bool:
        qtbot.mouseClick(target, Qt.MouseButton.LeftButton, pos=target.rect().center())
        return clicked != []

    clicked: list[str] = []
    web.link_clicked.connect(clicked.append)
    qtbot.waitUntil(click)
    assert clicked[0] == f"{listener.base}x"
    assert web.url().scheme() == "mua-mail"
    assert listener.hits == 0
    web.close_down()
    web.close()


def test_the_text_view_connects_to_nothing_and_reads_no_file(
    page: str, listener: Listener, tmp_path: Path, qapp: QApplication, qtbot: QtBot
) -> None:
    theme().apply(False)
    asked: list[str] = []

    def inline(content_id: str) -> bytes | None:
        asked.append(content_id)
        return None

    secret = tmp_path / "secret.png"
    red = QImage(300, 300, QImage.Format.Format_RGB32)
    red.fill(0xFF0000)
    assert red.save(str(secret))
    text = TextView(inline)
    text.resize(700, 500)
    qtbot.addWidget(text)
    text.show()
    html = f'<img src="file://{secret}"><img src="{secret}"><img src="cid:one">' + page
    shown = MessageView((), (), (), (), "", None, "", "", html, (), ())
    text.show_view(shown)
    qapp.processEvents()
    assert asked == ["one"]
    picture = text.grab().toImage()
    colours = {picture.pixel(x, y) & 0xFFFFFF for x in range(0, 300, 20) for y in range(0, 300, 20)}
    assert 0xFF0000 not in colours
    qtbot.wait(300)
    assert listener.hits == 0


def test_what_is_copied_loads_nothing_where_it_is_pasted(qapp: QApplication, qtbot: QtBot) -> None:
    """The HTML on the clipboard names no remote image, ground or font: another program would fetch it."""
    mail = (
        '<p>Copied <img src="http://leak.mua.test/x.png"><img srcset="http://leak.mua.test/y.png 2x"></p>'
        '<div style="background:url(http://leak.mua.test/b)">a</div><style>@import "http://leak.mua.test/s";</style>'
        '<table background="http://leak.mua.test/t"><tr><td>c</td></tr></table>'
    )
    theme().apply(False)
    text = TextView(lambda _: None)
    qtbot.addWidget(text)
    text.show_view(MessageView((), (), (), (), "", None, "", "", sanitise(mail).html, (), ()))
    text.selectAll()
    text.copy()
    copied = str(qapp.clipboard().mimeData().html())
    assert "Copied" in copied
    assert "leak.mua.test" not in copied
