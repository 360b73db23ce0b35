"""``./run screenshots newsletters FOLDER``: HTML mail of the collection in the reader, beside the bare browser.

Twenty newsletters and the like, and twenty awkward ones.  One row for each: the HTML as it arrived in the Chromium that
is installed, in a namespace without a network (where there is none: in an unguarded view of Qt's; pictures that a mail
carries are put into the page), ours in a light window, ours in a dark one.  Four rows make a sheet.  The pictures show
other people's mail and stay out of the project; what was seen in them is in docs/newsletters.md.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from lab_net import OWN, obstacle  # noqa: E402

SIZE = (700, 820)
ROWS = 4
_DOCTYPE = re.compile(r"(?:\s|<!--.*?-->|<\?[^>]*>)*(?:<!doctype[^>]*>)?", re.IGNORECASE | re.DOTALL)
_NO_SCRIPTS = """<meta http-equiv="Content-Security-Policy" content="script-src 'none'">"""
WAIT = 20.0  # seconds for a page

NEWSLETTERS = (
    "mailcore2/summary/input/5230-thai-chinese.eml",
    "spamscope/mails/mail_test_5",
    "spamscope/mails/mail_test_13",
    "spamassassin-t/t/data/welcomelists/media_unspun",
    "mailcore2/summary/input/1944-rendering.eml",
    "spamassassin-t/t/data/welcomelists/oracle_net_techblast",
    "spamscope/mails/mail_test_6",
    "flanker/fixtures/messages/bounce/office365.eml",
    "spamassassin-t/t/data/welcomelists/netcenter-direct_de",
    "mailcore2/summary/input/1640-no-charset.eml",
    "mailcore2/summary/input/1641-no-charset.eml",
    "spamscope/mails/mail_test_8",
    "chatmail-core/message/gmail_ndn.eml",
    "comm-central/calendar/test/browser/invitations/data/meet-meeting-invite.eml",
    "spamassassin-t/t/data/spam/006",
    "mailcore2/summary/input/2195-greek.eml",
    "comm-central/mail/test/browser/message-reader/data/dark_mode_test.eml",
    "mailcore2/summary/input/1798-korean.eml",
    "chatmail-core/message/many_images_amazon_via_apple_mail.eml",
    "thunderbird-android/backend/demo/src/main/resources/mailbox/inbox/05-inline-image-data-uri.eml",
)
AWKWARD = (
    "comm-central/mail/test/browser/message-reader/data/image_sizing_test.eml",
    "comm-central/mail/test/browser/message-reader/data/bug1774805_android_mms.eml",
    "flanker/fixtures/messages/long-links.eml",
    "spamscope/mails/mail_test_7",
    "spamscope/mails/mail_test_11",
    "stalwart-mail-parser/eml/legacy/028.eml",
    "mailcore2/summary/input/1970-anchor.eml",
    "comm-central/calendar/test/browser/invitations/data/outlook-test-invite.eml",
    "mailcore2/parser/input/mbox/jwz/84",
    "spamassassin-t/t/data/spam/utf16.eml",
)
HOSTILE = {
    "laid over all": """<p>Under</p><div style="position:fixed;inset:0;background:#fee;font-size:40px;z-index:99">
Over</div>""",
    "far outside": """<p>Here</p><div style="position:absolute;left:-9999px;top:-9999px">Far</div>
<div style="margin-left:-400px">Cut off at the left, as it is in a browser</div>""",
    "huge": """<div style="width:90000px;height:70000px;background:linear-gradient(red,blue)">
Huge</div><p>End</p>""",
    "huge letters": """<p style="font-size:4000px">A</p><p>Below</p>""",
    "nearly invisible": """<p style="opacity:.02">Faint</p><p style="color:#fff">White on white</p>
<p style="font-size:0">None</p><p style="display:none">Gone</p><p>Seen</p><p style="transform:scale(0)">Shrunk</p>""",
    "a false bar of trust": """<div style="position:absolute;top:-60px;left:0;right:0;height:50px;background:#dfd">
Signed by your bank</div><div style="margin-top:-90px;background:#dfd;padding:12px">Verified sender</div><p>Text</p>""",
    "body of its own colours": """<body bgcolor="#203040" text="#ffffff" link="#ffff00">
<p>White on blue <a href="https://a.test/">yellow</a></p></body>""",
    "columns and a grid": """<style>.g{display:grid;grid-template-columns:1fr 2fr;
gap:8px}.g div{background:#cde;padding:
12px}</style><div class="g"><div>One</div><div>Two</div><div>Three</div><div>Four</div></div>
<div style="columns:2">"""
    + "Words in columns. " * 60
    + "</div>",
    "dark by its author": """<style>:root{color-scheme:light dark}.c{background:#fff;color:#222;padding:20px}@media
(prefers-color-scheme:dark){.c{background:#131722;color:#dfe6f5}}</style><div class=c><h2>Both ways</h2>Light and dark
</div>""",
    "right to left": """<div dir="rtl"><h2>שלום לכולם</h2><p>פסקה עם <a href="https://a.test/">קישור</a> ומספר 12.5.</p>
<ul><li>אחד<li>שתיים</ul></div>""",
}


class Camera:
    """One body of the reader and one bare view."""

    def __init__(self) -> None:
        from PySide6.QtCore import QUrl
        from PySide6.QtWebEngineWidgets import QWebEngineView

        from mua.gui.app import make_application
        from mua.gui.message_body import Body
        from mua.gui.web_view import prepare

        self.application = make_application()
        prepare()  # no network for the bare view either: other people's mail is not to ask anybody
        self.carried: dict[str, bytes] = {}
        self.body = Body(lambda name: self.carried.get(name))
        self.body.resize(*SIZE)
        self.body.show()
        self.bare = QWebEngineView()
        self.bare.resize(*SIZE)
        self.bare.show()
        self._blank = QUrl("about:blank")
        self.chromium = bool(shutil.which("chromium")) and not obstacle()

    def live(self, seconds: float, until: Callable[[], object] = lambda: False) -> None:
        from PySide6.QtCore import QEventLoop

        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            self.application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)

    def _bare(self, html: str) -> "QImage":  # type: ignore[name-defined]  # noqa: F821
        loaded: list[bool] = []
        self.bare.loadFinished.connect(loaded.append)
        self.bare.setHtml(html, self._blank)
        self.live(WAIT, lambda: loaded)
        self.bare.loadFinished.disconnect(loaded.append)
        self.live(0.4)
        return self.bare.grab().toImage()

    def row(self, raw: bytes) -> "list[QImage]":  # type: ignore[name-defined]  # noqa: F821
        """The three pictures of a message."""
        from mua.gui.theme import theme
        from mua.mime.message import parse, part_bytes
        from mua.mime.view import view_of

        parsed = parse(raw)
        view = view_of(parsed)
        self.carried = {
            one.content_id.strip("<>"): part_bytes(raw, one.part)[1] for one in view.attachments if one.content_id
        }
        arrived = _with_parts(parsed.html or f"<pre>{parsed.text}</pre>", self.carried)
        pictures = [chromium(arrived) if self.chromium else self._bare(arrived)]
        for dark in (False, True):
            theme().apply(dark)
            self.body.wait()
            self.body.show_view(view)
            page = self.body.web.page() if self.body.web is not None and self.body.is_web else None
            self.live(0.2)
            self.live(WAIT, lambda page=page: page is None or not page.isLoading())
            self.live(0.6)
            pictures.append(self.body.grab().toImage())
        return pictures


def chromium(html: str) -> "QImage":  # type: ignore[name-defined]  # noqa: F821
    """``html`` as the installed Chromium draws it, without scripts, where nothing reaches a network."""
    from PySide6.QtGui import QImage

    with tempfile.TemporaryDirectory(prefix="mua-chromium-", ignore_cleanup_errors=True) as folder:
        page, picture = Path(folder, "page.html"), Path(folder, "page.png")
        html = _DOCTYPE.sub(lambda match: match[0] + _NO_SCRIPTS, html, count=1)
        page.write_text(html, "utf-8-sig")  # the mark counts before what the page says of its charset
        root = os.geteuid() == 0
        subprocess.run(
            [
                *(["unshare", "--net"] if root else OWN), "chromium", "--headless=new", *["--no-sandbox"] * root,
                "--disable-gpu", "--hide-scrollbars",
                f"--user-data-dir={folder}/profile", f"--window-size={SIZE[0]},{SIZE[1]}", "--virtual-time-budget=2000",
                f"--screenshot={picture}", page.as_uri(),
            ],
            env={**os.environ, "HOME": folder}, capture_output=True, timeout=120, check=True,
        )  # fmt: skip
        return QImage(str(picture))


def _with_parts(html: str, carried: dict[str, bytes]) -> str:
    def data(match: re.Match[str]) -> str:
        found = carried.get(match[1])
        return f"data:image/png;base64,{base64.b64encode(found).decode()}" if found else match[0]

    return re.sub(r"cid:([^\"'\s>)]+)", data, html)


def letters(collection: Path, attack: Path) -> list[tuple[str, bytes]]:
    """(name, octets) of all that is drawn; what the collection lacks is left out."""
    names = [(one, collection / one) for one in (*NEWSLETTERS, *AWKWARD)]
    names += [(one.name, one) for one in sorted((attack / "mails/html").glob("*.eml"))]
    found = [(name, path.read_bytes()) for name, path in names if path.is_file()]
    made = [
        (name, b"Subject: x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + html.encode())
        for name, html in HOSTILE.items()
    ]
    return found + made


def sheet(rows: "Sequence[tuple[str, list[QImage]]]", path: Path) -> None:  # type: ignore[name-defined]  # noqa: F821
    """One picture of several rows, half as large."""
    from PySide6.QtCore import QRect, Qt
    from PySide6.QtGui import QImage, QPainter

    width, height = SIZE[0] * 2 // 3, SIZE[1] * 2 // 3
    whole = QImage(3 * (width + 8), len(rows) * (height + 26), QImage.Format.Format_RGB32)
    whole.fill(0x808080)
    painter = QPainter(whole)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setPen(Qt.GlobalColor.white)
    for number, (name, pictures) in enumerate(rows):
        top = number * (height + 26)
        painter.drawText(QRect(4, top, 1200, 20), name)
        for place, picture in enumerate(pictures):
            painter.drawImage(QRect(place * (width + 8), top + 20, width, height), picture)
    painter.end()
    if not whole.save(str(path)):
        raise OSError(f"cannot write {path}")


def main() -> int:
    """Draw into the folder given."""
    from conftest import SHARED

    if len(sys.argv) < 2:
        print("usage: ./run screenshots newsletters FOLDER", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")
    camera = Camera()
    found = letters(SHARED / "corpora", SHARED / "attack")
    for start in range(0, len(found), ROWS):
        path = folder / f"sheet-{start // ROWS + 1:02d}.png"
        sheet([(name, camera.row(raw)) for name, raw in found[start : start + ROWS]], path)
        print(path, flush=True)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the browser takes its time to end
