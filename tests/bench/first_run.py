"""``./run bench firstrun [ROUNDS]``: from the start with an empty profile to the first mail read, in the real window.

In the laboratory's namespace a domain publishes its servers over https (the address is one that only exists there),
Dovecot and Postfix are those servers, and an inbox has ``MAILS`` messages.  A hand fills in two fields and presses one
button as soon as they can be used, then chooses the newest message; nobody needs time to think or to type.  The end is
the paint of that message's text.

bare: a bare window of PySide6 that is told the server beforehand, logs in with plain imapclient, asks for the list of
the inbox's headers and for the newest message, and paints its text: what nobody could leave out.  The two alternate.
"""

import json
import os
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

MAILS = 200
WEB = "20.25.0.41"  # public to whoever looks at it, and only in the laboratory's namespace
DOMAIN = "first.own.test"
WORDS = "The sheets are dry and may be fetched on Friday. "
PHASES = (
    "the window can be typed into",
    "the engine is there",
    "the servers are found",
    "the account is added",
    "the mail is listed",
    "a mail is read",
)
PATIENCE = 120.0  # seconds


# ---- inside the laboratory
class Site(BaseHTTPRequestHandler):
    """Says where the domain's servers are."""

    page = b""

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        """The one page."""
        right = self.path.startswith("/mail/config-v1.1.xml")
        self.send_response(200 if right else 404)
        self.send_header("Content-Length", str(len(self.page) if right else 0))
        self.end_headers()
        self.wfile.write(self.page if right else b"")


def serve(certificate: str, key: str, ready: str) -> None:
    """Until killed."""
    from lab_discovery import config

    page = config("imap.good.test", user="%EMAILLOCALPART%").replace("out.provider.test", "msa.good.test")
    site = type("First", (Site,), {"page": page.encode()})
    server = ThreadingHTTPServer((WEB, 443), site)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    Path(ready).touch()
    server.serve_forever()


def painted(widget: Any) -> Callable[[], bool]:
    """Whether the widget was painted since this was asked for."""
    from PySide6.QtCore import QEvent, QObject

    class Eye(QObject):
        seen = False

        def eventFilter(self, _: QObject, event: QEvent) -> bool:
            self.seen = self.seen or event.type() == QEvent.Type.Paint
            return False

    eye = Eye(widget)
    widget.installEventFilter(eye)
    return lambda: eye.seen


def until(condition: Callable[[], object], what: str) -> None:
    """Let Qt work until it holds."""
    from PySide6.QtCore import QEventLoop
    from PySide6.QtWidgets import QApplication

    deadline = time.monotonic() + PATIENCE
    flags = QEventLoop.ProcessEventsFlag.AllEvents | QEventLoop.ProcessEventsFlag.WaitForMoreEvents
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        QApplication.processEvents(flags, 5)


def ours(profile_root: str, address: str, password: str) -> None:
    """The program, and a hand; prints when each of ``PHASES`` was reached, and what the hand did."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from mua import __main__ as start
    from mua import wire
    from mua.gui.app import Options, Program, make_application
    from mua.paths import Profile

    make_application()
    profile = Profile(Path(profile_root)).create()
    program = Program(profile, Options(partial(start.start_engine, profile)))
    program.window.resize(1440, 900)
    program.show()
    until(lambda: program.rooms is not None and program.rooms.setup is not None, "the first page")
    assert program.rooms is not None
    page = program.rooms.setup
    assert page is not None
    seen = painted(page.address)
    until(lambda: seen() and page.address.hasFocus(), "the first field")
    reached = [time.monotonic()]
    did = {"fields": 0, "buttons": 0}
    for field, words in ((page.address, address), (page.password, password)):
        assert field.hasFocus(), "the keyboard is not where it is wanted"
        QTest.keyClicks(field, words)
        did["fields"] += 1
        if field is page.address:
            QTest.keyClick(field, Qt.Key.Key_Tab)
    QTest.mouseClick(page.go, Qt.MouseButton.LeftButton)
    did["buttons"] += 1
    until(lambda: program.client is not None and program.client.is_ready, "the engine")
    reached.append(time.monotonic())
    until(lambda: page._found is not None or page.banner.isVisible(), "the servers")
    assert page._found is not None, page.banner.text()
    reached.append(time.monotonic())
    assert program.rooms is not None
    until(lambda: program.rooms.setup is None or page.banner.isVisible(), "the account")  # type: ignore[union-attr]
    assert program.rooms.setup is None, page.banner.text()
    reached.append(time.monotonic())
    desk = program.desk
    view = desk.listing.view
    rows = desk.listing.model
    until(lambda: any(rows.id_at(row) is not None for row in range(min(rows.rowCount(), 5))), "the list")
    reached.append(time.monotonic())
    first = next(row for row in range(rows.rowCount()) if rows.id_at(row) is not None)
    place = view.visualRect(rows.index(first, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    until(lambda: desk.reader.row is not None and desk.reader.view is not None, "the mail")
    assert desk.reader.view is not None
    assert WORDS.strip() in desk.reader.view.text
    seen = painted(desk.reader.pane.body.text.viewport())
    desk.reader.pane.body.text.viewport().update()
    until(seen, "the text")
    reached.append(time.monotonic())
    account = desk.accounts[0]
    did["by"] = page._found.sources[0]  # type: ignore[assignment]
    did["host"] = account.incoming_server.host if account.incoming_server else ""  # type: ignore[assignment]
    print(json.dumps({"reached": reached, **did}), flush=True)
    told: list[object] = []
    assert program.client is not None
    program.client.ask(wire.Shutdown(), told.append, told.append)
    until(lambda: told, "the engine's end")
    os._exit(0)


def bare(user: str, password: str) -> None:
    """The peer."""
    import email

    from imapclient import IMAPClient
    from PySide6.QtWidgets import QApplication, QMainWindow, QTextBrowser

    application = QApplication(sys.argv[:1])
    window, text = QMainWindow(), QTextBrowser()
    window.setCentralWidget(text)
    window.resize(1440, 900)
    seen = painted(text.viewport())
    window.show()
    until(seen, "the bare window")
    reached = [time.monotonic()]
    client = IMAPClient("imap.good.test", ssl_context=ssl.create_default_context())
    client.login(user, password)
    client.select_folder("INBOX")
    heads = client.fetch(client.search("ALL"), ["FLAGS", "INTERNALDATE", "BODY.PEEK[HEADER]"])
    newest = max(heads)
    raw = client.fetch(newest, ["BODY.PEEK[]"])[newest][b"BODY[]"]
    seen = painted(text.viewport())
    text.setPlainText(str(email.message_from_bytes(raw).get_payload()))
    until(seen, "the text")
    reached.append(time.monotonic())
    print(json.dumps({"reached": reached}), flush=True)
    del application
    os._exit(0)


# ---- outside
def run(lab: Any, *words: str) -> tuple[list[float], dict[str, Any]]:
    """(seconds from the start of the process to each phase, what else it told)."""
    more = {
        "SSL_CERT_FILE": str(lab.ca),
        "QT_QPA_PLATFORM": "offscreen",
        "MUA_SECRETS": "session",
        "MUA_LANGUAGE": "en",
    }
    argv = lab.command(sys.executable, str(Path(__file__)), *words)
    began = time.monotonic()
    done = subprocess.run(
        argv, env=lab.environment() | more, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed\n{done.stderr}\n{lab.tail(10)}")
    told = json.loads(done.stdout.splitlines()[-1])
    return [one - began for one in told.pop("reached")], told


def main() -> int:
    """Measure, and print a table."""
    from lab import Filled, Lab, message, missing
    from lab import until as wait_for

    rounds = next((int(word) for word in sys.argv if word.isdecimal()), 5)
    if reason := missing():
        print(f"the mail laboratory {reason}", file=sys.stderr)
        return 2
    with Lab() as lab:
        lab.exec("ip", "addr", "add", f"{WEB}/32", "dev", "lo")
        lab.publish(f"autoconfig.first IN A {WEB}")
        leaf, ready = lab.pki.issue("first", (f"autoconfig.{DOMAIN}",)), lab.folder / "first-ready"
        lab.start("first", sys.executable, str(Path(__file__)), "serve", str(leaf.cert), str(leaf.key), str(ready))
        wait_for(ready.exists, "the web server")
        mine: list[list[float]] = []
        peers: list[list[float]] = []
        for number in range(rounds + 1):
            user = lab.user("maya")
            mails = (message(f"Sheet {one}", body=WORDS * 20) for one in range(MAILS))
            lab.fill(user, [Filled(raw, int(time.time()) - 9000 + one) for one, raw in enumerate(mails)])
            theirs, _ = run(lab, "bare", user.name, user.password)
            took, did = run(lab, "ours", str(lab.profile()), f"{user.name}@{DOMAIN}", user.password)
            if number:  # the first of each compiles and fills caches
                mine.append(took)
                peers.append(theirs)
        assert (did["fields"], did["buttons"]) == (2, 1), did
    peer = statistics.median(one[-1] for one in peers)
    print(f"{rounds} rounds, medians; {did['fields']} fields, {did['buttons']} button; {did['by']}: {did['host']}\n")
    print(f"{'from the start until':32}{'seconds':>9}{'of bare':>9}")
    for place, name in enumerate(PHASES):
        median = statistics.median(one[place] for one in mine)
        print(f"{name:32}{median:9.2f}{median / peer:9.2f}")
    print(f"{'bare: its window is painted':32}{statistics.median(one[0] for one in peers):9.2f}")
    print(f"{'bare: the mail is read':32}{peer:9.2f}{1:9.2f}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in ("serve", "ours", "bare"):
        {"serve": serve, "ours": ours, "bare": bare}[sys.argv[1]](*sys.argv[2:])
    else:
        sys.exit(main())
