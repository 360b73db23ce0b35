"""``leak_window.py MAILS.json FOLDER``: the real window, with a real engine, reads every mail of a file in every way.

Started inside a network namespace by ``leak_run``.  Each mail (a name and HTML) is in the mailbox three times: as it
arrives; as if the sanitiser had let everything through, for the browser; and the same for the text view.  Each is read
(light and dark, quotes open, as text, hovered and scrolled), answered, forwarded, previewed and printed.  One line of
JSON for each: the name and what was done.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QPoint, QPointF, Qt, QTimer  # noqa: E402
from PySide6.QtGui import QMouseEvent  # noqa: E402
from PySide6.QtWidgets import QPushButton, QWidget  # noqa: E402

from mua import __main__ as start  # noqa: E402
from mua import wire  # noqa: E402
from mua.gui import preferences as prefs  # noqa: E402
from mua.gui.app import Options, Program, make_application  # noqa: E402
from mua.gui.places import Place  # noqa: E402
from mua.gui.theme import theme  # noqa: E402
from mua.gui.writing import Kind, Writing  # noqa: E402
from mua.jsonable import to_json  # noqa: E402
from mua.mime.headers import envelope  # noqa: E402
from mua.mime.view import view  # noqa: E402
from mua.model.account import Account, AccountId, Incoming, Route  # noqa: E402
from mua.model.folder import FolderId, Role  # noqa: E402
from mua.model.message import MessageId, MessageView  # noqa: E402
from mua.paths import Profile  # noqa: E402
from mua.store import write  # noqa: E402
from mua.store.blobs import Bodies  # noqa: E402
from mua.store.db import Store  # noqa: E402
from mua.store.write import NewMessage  # noqa: E402

WAIT = 60.0  # seconds
KINDS = ("as it arrives", "unsanitised, in the browser", "unsanitised, in the text view")
FOR_BROWSER = "<table></table>"  # what no text view shows


def seed(profile: Profile, mails: list[tuple[str, str]]) -> tuple[FolderId, list[tuple[str, MessageId]]]:
    """An account on this computer with each mail in each of ``KINDS``."""
    from dataclasses import replace

    from mua.engine.reading import facts

    store, bodies = Store(profile), Bodies(profile)
    with store.write() as tx:
        local = Account(AccountId(0), "me", "me@home.test", "Me", Incoming.LOCAL, None, Route.NONE)
        account = write.add_account(tx, local)
        folders = {
            role: write.put_folder(tx, account, name, role=role, local=True)
            for name, role in (("INBOX", Role.INBOX), ("Drafts", Role.DRAFTS), ("Sent", Role.SENT), ("Bin", Role.TRASH))
        }
    made: list[tuple[str, MessageId]] = []
    now = int(time.time()) - 10 * len(mails)
    for number, (name, html) in enumerate(mails):
        for kind in KINDS:
            raw = _letter(f"{name} ({kind})", html, f"{number}.{KINDS.index(kind)}")
            with store.write() as tx:
                new = NewMessage(envelope(raw), now + len(made), len(raw), None)
                [message_id] = write.add_messages(tx, account, folders[Role.INBOX], [new])
            place = bodies.put([(message_id, raw)])[message_id]
            shown: MessageView | None = None
            if kind is not KINDS[0]:
                page = html + FOR_BROWSER * (kind is KINDS[1])
                shown = replace(view(raw), html=page, simple=kind is KINDS[2], text=html)
            with store.write() as tx:
                write.set_bodies(tx, [facts(message_id, place, raw)])
                if shown is not None:
                    write.set_view(tx, message_id, wire.VIEW_VERSION, json.dumps(to_json(shown)))
            made.append((f"{name}, {kind}", message_id))
    bodies.close()
    store.close()
    return folders[Role.INBOX], made


def _letter(subject: str, html: str, number: str) -> bytes:
    message = EmailMessage()
    message["From"] = "Sender <sender@mail.leak.test>"
    message["To"] = "me@home.test"
    message["Subject"] = subject
    message["Message-ID"] = f"<{number}@leak.test>"
    message["List-Unsubscribe"] = "<https://v0-1.leak.test/unsubscribe>"
    message["Disposition-Notification-To"] = "sender@mail.leak.test"
    message["Face"] = message["X-Image-Url"] = "http://v0-2.leak.test/face"
    message.set_content(html, subtype="html", charset="utf-8", cte="base64")
    return message.as_bytes().replace(b"\n", b"\r\n")


class Reader:
    """One window and a person without hurry."""

    def __init__(self, profile: Profile, folder: FolderId) -> None:
        self.application = make_application()
        prefs.save(profile, prefs.Preferences(mark_read_after=-1, notifications=False))
        self.program = Program(profile, Options(partial(start.start_engine, profile)))
        self.window, self.desk = self.program.window, self.program.desk
        self.window.resize(1100, 800)
        self.program.show()
        self.wait(lambda: self.program.client is not None and self.program.client.is_ready)
        self.desk.show_place(Place(folder=folder))

    def wait(self, condition: Callable[[], object], what: str = "") -> None:
        """Let the program run until ``condition``."""
        end = time.monotonic() + WAIT
        while not condition():
            if time.monotonic() > end:
                pane = self.desk.reader.pane
                raise TimeoutError(f"{what}: {pane.row}, {pane.problem.text()}")
            self.live(0.01)

    def live(self, seconds: float) -> None:
        """Let the program run, by a loop of its own: without one, what is deleted later never is."""
        loop = QEventLoop()
        QTimer.singleShot(round(seconds * 1000), loop, loop.quit)
        loop.exec()

    def read(self, message_id: MessageId) -> list[str]:
        """Read one message in every way of a light window, answer and print it; what was done."""
        done = [self._show(message_id)]
        reader = self.desk.reader
        for step in (reader.toggle_quotes, reader.toggle_text, reader.toggle_text, reader.page_down):
            step()
            self.live(0.02)
        for kind in (Kind.REPLY, Kind.FORWARD):
            self._compose(kind)
            done.append(kind.name.lower())
        self._print()
        return [*done, "quotes", "as text", "print", "preview"]

    def read_dark(self, message_id: MessageId) -> list[str]:
        """The same in a dark window: as it is shown there, and the other way."""
        done = [self._show(message_id)]
        self.desk.reader.toggle_original()
        self.live(0.08)
        return [*done, "dark", "original"]

    def load_pictures(self, message_id: MessageId) -> str:
        """Press "Load images"; what is said then."""
        self._show(message_id)
        bar = self.desk.reader.pane.remote
        next(one for one in bar.findChildren(QPushButton) if one.text() == "Load images").click()
        self.wait(lambda: "shown" in bar.text() or "could not" in bar.text(), "the pictures")
        return bar.text()

    def _show(self, message_id: MessageId) -> str:
        reader = self.desk.reader
        before = reader.web.url().toString() if reader.web is not None else ""
        self.desk.listing.view.select(message_id)
        self.wait(
            lambda: reader.row is not None and reader.row.id == message_id and reader.view is not None, "the view"
        )
        body = reader.pane.body
        if body.is_web:
            self._loaded(before)
        self._hover(body.web if body.is_web else body.text)
        return "browser" if body.is_web else "text"

    def _loaded(self, before: str) -> None:
        web = self.desk.reader.web
        assert web is not None
        self.wait(lambda: web.url().toString() != before and not web.page().isLoading(), "the page")
        self.live(0.1)

    def _hover(self, view: QWidget | None) -> None:
        assert view is not None
        target = view.focusProxy() or view
        for y in range(4, min(500, target.height()), 24):
            place = QPointF(60, y)
            moved = QMouseEvent(
                QEvent.Type.MouseMove, place, QPointF(target.mapToGlobal(QPoint(60, y))), Qt.MouseButton.NoButton,
                Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            )  # fmt: skip
            QCoreApplication.sendEvent(target, moved)
        self.live(0.03)

    def _compose(self, kind: Kind) -> None:
        reader, rooms = self.desk.reader, self.program.rooms
        assert rooms is not None
        known = set(rooms.composing.composers)
        rooms.write(Writing(kind, reader.row, reader.view))
        self.wait(lambda: set(rooms.composing.composers) - known, "a composer")
        key = (set(rooms.composing.composers) - known).pop()
        self.live(0.05)
        rooms.composing.composers[key].discard_wanted.emit()
        self.wait(lambda: key not in rooms.composing.composers, "the composer's end")

    def _print(self) -> None:
        """The paper is made, and its pages are drawn in the reader's place: what is printed is what is seen there."""
        from mua.gui.print_page import PrintPage

        for _ in range(9):  # on a busy machine its pages may be given up
            self.program.window.actions_["print"].trigger()
            page = self.desk.reader.findChildren(PrintPage)[-1]
            self.wait(lambda page=page: page.print_.isEnabled() or page.is_over, "the paper")
            printed = page.print_.isEnabled()
            self.live(0.03)
            page.left.emit()
            if printed:
                return
        raise TimeoutError("the paper")

    def close(self) -> None:
        """End engine and window."""
        told: list[object] = []
        assert self.program.client is not None
        self.program.client.ask(wire.Shutdown(), told.append, told.append)
        self.live(1.0)


def main() -> None:
    """Read them all."""
    mails = [(name, html) for name, html in json.loads(Path(sys.argv[1]).read_text("utf-8"))]
    profile = Profile(Path(sys.argv[2])).create()
    folder, made = seed(profile, mails)
    reader = Reader(profile, folder)
    reader.wait(lambda: reader.desk.listing.model.messages == len(made), "the list")
    reader.live(1.0)
    theme().apply(False)
    if "--load" in sys.argv:  # what leaves when a person asks for the pictures of each mail as it arrived
        for name, message_id in made[:: len(KINDS)]:
            print(json.dumps([name, [reader.load_pictures(message_id)]]), flush=True)
        made = []
    for name, message_id in made:
        print(json.dumps([name, reader.read(message_id)]), flush=True)
    theme().apply(True)  # once: it takes a second
    for name, message_id in made:
        print(json.dumps([name, reader.read_dark(message_id)]), flush=True)
    reader.live(3.0)  # what a page leaves for later is asked for by then
    reader.close()
    sys.stdout.flush()
    os._exit(0)  # the browser takes its time to end


if __name__ == "__main__":
    main()
