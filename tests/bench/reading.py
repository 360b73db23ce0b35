"""``./run bench reading [--full]``: from the choice of a message to its sight, in the real window with a real engine.

    plain, simple   plain text, and HTML of paragraphs      against a bare text widget given the same text
    html            newsletters, the browser warm            against a bare browser view loading the same HTML
    10M ...         10 MB of text, of an attachment, of HTML  against the same bare widgets

Each message is read when its view is there already (*kept*) and when the engine has to make it first (*first*).  Sight
is the end of the load for a page and the paint for a text; ours and the peer's alternate, and medians count.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["MUA_SECRETS"] = "session"

from PySide6.QtCore import QEvent, QEventLoop, QObject, QUrl  # noqa: E402
from PySide6.QtWidgets import QTextBrowser  # noqa: E402

from mua import __main__ as start  # noqa: E402
from mua import wire  # noqa: E402
from mua.gui import preferences as prefs  # noqa: E402
from mua.gui import rich_text  # noqa: E402
from mua.gui.app import Options, Program, make_application  # noqa: E402
from mua.gui.places import Place  # noqa: E402
from mua.gui.theme import LIGHT, theme  # noqa: E402
from mua.gui.web_page import BEGINNING, LONG  # noqa: E402
from mua.jsonable import to_json  # noqa: E402
from mua.mime.headers import envelope  # noqa: E402
from mua.mime.view import view  # noqa: E402
from mua.model.account import Account, AccountId, Incoming, Route  # noqa: E402
from mua.model.folder import FolderId, Role  # noqa: E402
from mua.model.message import Flag, MessageId, MessageView  # noqa: E402
from mua.paths import Profile  # noqa: E402
from mua.store import write  # noqa: E402
from mua.store.blobs import Bodies  # noqa: E402
from mua.store.db import Store  # noqa: E402
from mua.store.write import NewMessage  # noqa: E402

LIMITS = {"plain": 50, "simple": 50, "html": 120, "10M text": 300, "10M file": 300, "10M html": 300}  # milliseconds
SENTENCE = "The museum can hold the hall until Friday if we send a short confirmation, and the café does lunch. "
CARD = """<html><head><style>body{margin:0;background:#f3f1ec}.card{max-width:560px;margin:24px auto;background:#fff;
border-radius:14px;font-family:Georgia,serif}.hero{background:linear-gradient(135deg,#1f6f50,#9cc8a4);color:#fff;padding:
40px}.shop{display:flex;gap:16px}@media (max-width:500px){.shop{display:block}}</style></head><body><div class="card">
<div class="hero"><h1>%s</h1></div><div class="shop">%s</div><table width="100%%" cellpadding="8">%s</table></div>
</html>"""


def newsletter(number: int) -> str:
    """About 30 KB of the kind that shops send."""
    tile = '<div style="flex:1;background:#e5bd58;padding:9px"><b>Item {}</b><br>$24</div>'
    tiles = "".join(tile.format(one) for one in range(3))
    row = '<tr><td bgcolor="#{:06x}" style="font:14px Arial;padding:4px"><a href="https://a.test/{}">{}</a></td></tr>'
    rows = "".join(row.format(0xE0E0E0 + one, one, SENTENCE) for one in range(110))
    return CARD % (f"Issue {number}", tiles, rows)


def letters(count: int) -> dict[str, list[bytes]]:
    """Messages by kind."""
    simple = "".join(f"<p>{SENTENCE * 2}<b>{one}</b></p>" for one in range(12))
    return {
        "plain": [_letter(SENTENCE * 30 + f"\n\n> {number}\n") for number in range(count)],
        "simple": [_letter(f"{simple}<p>{number}</p>", html=True) for number in range(count)],
        "html": [_letter(newsletter(number), html=True) for number in range(count)],
        "10M text": [_letter("\n".join(f"{one} {SENTENCE}" for one in range(95_000)))] * 3,
        "10M file": [_letter(newsletter(1), html=True, attached=7_500_000)] * 3,
        "10M html": [_letter(_grown(newsletter(2)), html=True)] * 3,
    }


def _grown(html: str) -> str:
    """A newsletter of 10 MB: of so much 2 MB are kept, and the beginning is shown first."""
    return html.replace("</table>", f"<tr><td>{SENTENCE}</td></tr>" * 90_000 + "</table>")


def _letter(text: str, *, html: bool = False, attached: int = 0) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@example.org", "me@example.org", "Reading"
    message.set_content(text, subtype="html" if html else "plain", cte="8bit" if len(text) < 900 else "base64")
    if attached:
        message.add_attachment(os.urandom(attached), maintype="application", subtype="pdf", filename="a.pdf")
    return message.as_bytes().replace(b"\n", b"\r\n")


def seed(profile: Profile, kinds: dict[str, list[bytes]]) -> tuple[FolderId, dict[tuple[str, str], list[MessageId]]]:
    """Each letter twice: with its view and without."""
    from mua.engine.reading import facts

    store, bodies = Store(profile), Bodies(profile)
    made: dict[tuple[str, str], list[MessageId]] = {}
    with store.write() as tx:
        account = write.add_account(
            tx, Account(AccountId(0), "me", "me@example.org", "Me", Incoming.LOCAL, None, Route.NONE)
        )
        inbox = write.put_folder(tx, account, "INBOX", role=Role.INBOX, local=True)
    when = int(time.time()) - 1_000
    for state in ("kept", "first"):
        for kind, raws in kinds.items():
            for raw in raws:
                when += 1
                with store.write() as tx:
                    new = NewMessage(envelope(raw), when, len(raw), None, Flag.SEEN)
                    [key] = write.add_messages(tx, account, inbox, [new])
                place = bodies.put([(key, raw)])[key]
                with store.write() as tx:
                    write.set_bodies(tx, [facts(key, place, raw)])
                    if state == "kept":
                        write.set_view(tx, key, wire.VIEW_VERSION, json.dumps(to_json(view(raw))))
                made.setdefault((kind, state), []).append(key)
    bodies.close()
    store.close()
    return inbox, made


class Painted(QObject):
    """Tells the next paint of a widget."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = False

    def eventFilter(self, _: QObject, event: QEvent) -> bool:
        """Note it."""
        self.seen = self.seen or event.type() == QEvent.Type.Paint
        return False


class Window:
    """The program, and a bare widget of each kind."""

    def __init__(self, profile: Profile, inbox: FolderId) -> None:
        from PySide6.QtWebEngineWidgets import QWebEngineView

        from mua.gui.web_view import prepare

        self.application = make_application()
        prepare()
        prefs.save(profile, prefs.Preferences(mark_read_after=-1, notifications=False, conversations=False))
        self.program = Program(profile, Options(partial(start.start_engine, profile)))
        self.program.window.resize(1440, 900)
        self.program.show()
        self.desk = self.program.desk
        self.until(lambda: self.program.client is not None and self.program.client.is_ready)
        self.desk.show_place(Place(folder=inbox))
        self.text = QTextBrowser()
        self.text.setOpenLinks(False)
        self.web = QWebEngineView()
        for bare in (self.text, self.web):
            bare.resize(780, 600)
            bare.show()

    def until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        """Live until ``condition``."""
        end = time.perf_counter() + seconds
        while not condition():
            if time.perf_counter() > end:
                raise TimeoutError("the message was not shown")
            self.application.processEvents(
                QEventLoop.ProcessEventsFlag.AllEvents | QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 5
            )

    def rest(self, seconds: float) -> None:
        """Live on."""
        end = time.perf_counter() + seconds
        self.until(lambda: time.perf_counter() >= end)

    def warm(self, key: MessageId) -> None:
        """Have the browser started."""
        self.until(lambda: self.desk.listing.view.select(key))
        self.until(lambda: self.desk.reader.web is not None)
        self.rest(3.0)

    def read(self, key: MessageId) -> float:
        """Seconds from the choice to the sight."""
        reader, painted, loads = self.desk.reader, Painted(), list[bool]()
        body = reader.pane.body
        if body.web is not None:
            body.web.loadFinished.connect(loads.append)
        body.text.viewport().installEventFilter(painted)
        began = time.perf_counter()
        self.desk.listing.view.select(key)
        self.until(lambda: reader.row is not None and reader.row.id == key and (reader.view or reader.pane.begun))
        painted.seen = painted.seen and not body.is_web
        self.until(lambda: loads if body.is_web else painted.seen)
        took = time.perf_counter() - began
        self.until(lambda: reader.view)  # where the beginning was seen, the whole is still being made
        body.text.viewport().removeEventFilter(painted)
        if body.web is not None:
            body.web.loadFinished.disconnect(loads.append)
        return took

    def bare(self, shown: MessageView, html: str) -> float:
        """The same text in a bare widget, or the same HTML in a bare browser view."""
        if html:
            loads = list[bool]()
            self.web.loadFinished.connect(loads.append)
            began = time.perf_counter()
            self.web.setHtml(html[:BEGINNING] if len(html) > LONG else html, QUrl("about:blank"))  # as ours does
            self.until(lambda: loads)
            self.web.loadFinished.disconnect(loads.append)
            return time.perf_counter() - began
        painted = Painted()
        self.text.viewport().installEventFilter(painted)
        markup = rich_text.simple(shown.html, LIGHT) if shown.html else rich_text.plain(shown.text, LIGHT)
        began = time.perf_counter()
        self.text.setHtml(markup)
        self.until(lambda: painted.seen)
        self.text.viewport().removeEventFilter(painted)
        return time.perf_counter() - began


def main() -> int:
    """Measure; 1 when a median is over its limit."""
    from mua.gui.message_body import needs_web
    from mua.mime.message import parse

    count = 24 if "--full" in sys.argv else 8
    kinds = letters(count)
    slow = 0
    with tempfile.TemporaryDirectory(prefix="mua-reading-", ignore_cleanup_errors=True) as folder:
        profile = Profile(Path(folder)).create()
        inbox, made = seed(profile, kinds)
        window = Window(profile, inbox)
        theme().apply(False)
        window.warm(made["html", "kept"][0])
        window.bare(view(kinds["html"][0]), newsletter(0))
        print(f"{'':10}{'':7}{'ours ms':>9}{'bare ms':>9}{'ratio':>7}{'limit':>7}   slowest ms")
        for (kind, state), keys in made.items():
            ours, bare = [], []
            for key, raw in zip(keys, kinds[kind], strict=True):
                shown = view(raw)
                window.rest(0.25)
                ours.append(window.read(key) * 1000)
                window.rest(0.1)
                bare.append(window.bare(shown, parse(raw).html if needs_web(shown) else "") * 1000)
            mine, peer = statistics.median(ours), statistics.median(bare)
            slow += mine > LIMITS[kind]
            print(
                f"{kind:10}{state:7}{mine:9.0f}{peer:9.0f}{mine / peer:7.2f}{LIMITS[kind]:7}   {max(ours):.0f}",
                flush=True,
            )
        told: list[object] = []
        assert window.program.client is not None
        window.program.client.ask(wire.Shutdown(), told.append, told.append)
        window.rest(0.5)
    sys.stdout.flush()
    os._exit(int(slow > 0))  # the browser takes its time to end


if __name__ == "__main__":
    main()
