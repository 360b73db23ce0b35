"""A profile with some hundred thousand messages, and a window over it whose turns are watched."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from mua.gui import preferences as prefs
from mua.gui.app import Options, Program
from mua.gui.places import Place
from mua.model.account import Account, AccountId
from mua.model.folder import FolderId, Role
from mua.paths import Profile
from mua.store import index, read, write
from mua.store.db import Store

STEP = 600  # seconds between two messages
HELD = 0.05  # seconds of work in one turn of the event loop
_ROWS = """
WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
INSERT INTO message(id, account_id, folder_id, uid, flags, size, internaldate, date, subject, sender, message_id,
  thread_id, snippet, index_seq)
SELECT (?2 - (?1 - i) * ?3) << 20, ?4, ?5, i, i & 1, 2000, ?2 - (?1 - i) * ?3, ?2 - (?1 - i) * ?3, 'Number ' || i,
  '[["Sender","sender@example.org"]]', i || '@example.org', i % ?6 + 1, 'A few words', i FROM n
"""


def build(root: Path, many: int, indexed: int, threads: int = 0) -> Path:
    """A profile with ``many`` messages in its inbox, the newest ``indexed`` of them in the index.

    ``threads``: among so many conversations they are dealt out in turn (0: each is its own).  Written without the
    indexes and triggers of its table, which are made afterwards.
    """
    profile = Profile(root)
    store = Store(profile)
    with store.write() as tx:
        account = write.add_account(tx, Account(AccountId(0), "Many", "many@example.org"))
        folder = write.put_folder(tx, account, "INBOX", role=Role.INBOX)
        write.put_folder(tx, account, "Trash", role=Role.TRASH)
        parts = "type IN ('index', 'trigger') AND tbl_name = 'message' AND sql IS NOT NULL"
        made = tx.rows(f"SELECT type, name, sql FROM sqlite_master WHERE {parts}")
        for kind, name, _ in made:
            tx.run(f"DROP {kind} {name}")
        tx.run(_ROWS, many, int(time.time()), STEP, account, folder, threads or many + 1)
        for _, _, sql in made:
            tx.run(sql)
        tx.run("UPDATE folder SET total = ?1, unread = ?1 / 2 WHERE id = ?2", many, folder)
    newest = read.rows(store.reader(), read.folder_order(store.reader(), folder, limit=indexed))
    fts = index.open_index(profile)
    index.add(fts, [index.Document(one.id, one.subject, "sender", "me", "common words") for one in newest], many, many)
    fts.close()
    store.close()
    prefs.save(profile, prefs.Preferences(mark_read_after=-1))
    return root


class Watch:
    """Turns Qt's event loop, and notes how long its longest turn worked on this thread."""

    def __init__(self, application: QApplication, program: Program) -> None:
        self.application, self.program = application, program
        self._since = time.thread_time()
        self.worst = 0.0
        self._timer = QTimer()
        self._timer.timeout.connect(self._turn)
        self._timer.start(0)
        self.quiet = self._quiet()

    def _quiet(self) -> float:
        """How long an idle window's longest turn is on this machine, now."""
        self.run(lambda: None, 0.5)
        return self.worst

    def _turn(self) -> None:
        now = time.thread_time()
        self.worst, self._since = max(self.worst, now - self._since), now

    def run(self, act: Callable[[], object], at_least: float = 0.1) -> None:
        """Do something, and let the window come to rest."""
        self.worst, self._since = 0.0, time.thread_time()
        end = time.monotonic() + at_least
        act()
        while self.program.window.listing.model.seeking or time.monotonic() < end:
            assert time.monotonic() < end + 60, "the order did not come"
            self.application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)

    def never_held(self) -> bool:
        """Whether no turn was long; two processors may be shared with a whole test run, so the quiet loop counts."""
        return self.worst < HELD + 3 * self.quiet


@contextmanager
def watched(large: Path, copy: Path, qapp: QApplication) -> Iterator[Watch]:
    """The program over a copy of such a profile, its inbox shown, without an engine."""
    copytree(large, copy)
    program = Program(Profile(copy), Options())
    program.leave_alone()
    program.window.resize(1440, 900)
    program.show()
    made = Watch(qapp, program)
    made.run(lambda: program.desk.show_place(Place(folder=FolderId(1))))
    yield made
    program.window.close()
    program.end()
    program.window.deleteLater()
    program.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()
