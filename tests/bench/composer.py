"""``./run bench composer``: writing, against a bare text widget that holds the same text.

    open        a composer with a quoted reply, until it is painted     against a bare widget given the same text
    type        each key in a reply that quotes 2 MB (p50, p99)         against the same keys in a bare widget
    complete    a few letters among 100,000 people                      against one walk through their names

Ours and the peer's alternate; times are of the processor, in the window's thread, with spelling checked: medians and
percentiles over all keys.
"""

import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, Qt  # noqa: E402
from PySide6.QtGui import QTextCursor  # noqa: E402
from PySide6.QtTest import QTest  # noqa: E402
from PySide6.QtWidgets import QApplication, QTextEdit, QWidget  # noqa: E402

from mua.gui import letters  # noqa: E402
from mua.gui.app import make_application  # noqa: E402
from mua.gui.composer import Composer  # noqa: E402
from mua.gui.journal import Letter  # noqa: E402
from mua.gui.preferences import Preferences  # noqa: E402
from mua.gui.spelling import Spelling  # noqa: E402
from mua.mime.prose_text import from_text  # noqa: E402
from mua.model.account import Account, AccountId, Route  # noqa: E402
from mua.model.address import Address  # noqa: E402
from mua.model.contact import BookId, Contact, ContactId, Group  # noqa: E402
from mua.model.prose import Block, Prose, Run, quoted  # noqa: E402
from mua.plan.address_book import Book, Met, known  # noqa: E402

LINE = "The museum can hold the hall until Friday if we send a short confirmation, and the café does lunch."
ME = Account(AccountId(1), "Me", "me@example.org", "Me", route=Route.SMTP)
KEYS = 200
SPELLING: list[Spelling] = []
"""Words are looked up while they are typed, as in the program."""


def reply(octets: int) -> Prose:
    """An answer above a quote of this size."""
    lines = "\n".join(f"{number} {LINE}" for number in range(octets // (len(LINE) + 8)))
    return (Block(), Block(), Block((Run("On Sunday Amara wrote:"),)), *quoted(from_text(lines)))


def painted(widget: QWidget) -> None:
    """Until it is on the screen."""
    application().processEvents(QEventLoop.ProcessEventsFlag.AllEvents)
    widget.grab()


def application() -> QApplication:
    """The one."""
    found = QApplication.instance()
    assert isinstance(found, QApplication)
    return found


def ours(prose: Prose) -> Composer:
    """A composer that shows it."""
    letter = letters.written(Letter("k", 1, (Address("A", "a@example.org"),), subject="Re: x"), ())
    composer = Composer(letter, [ME], lambda *_: None, lambda _: Path("/nonexistent"))
    composer.editor.show_prose(prose)
    composer.first_step = composer.track.begin()
    composer.begin()
    composer.written.connect(lambda: (composer.track.step(), composer.letter(briefly=True), composer.is_untouched()))
    if not SPELLING:
        SPELLING.append(Spelling(Preferences))
    SPELLING[0].watch(composer)
    composer.show()
    return composer


def bare(prose: Prose) -> QTextEdit:
    """A text widget with the same words."""
    edit = QTextEdit()
    edit.resize(820, 680)
    edit.setPlainText("\n".join(block.text for block in prose))
    edit.show()
    return edit


def keys(edit: QTextEdit, count: int) -> list[float]:
    """How long each of so many keys took, in milliseconds, until the text was painted."""
    edit.moveCursor(QTextCursor.MoveOperation.Start)
    edit.setFocus()
    found = []
    for number in range(count):
        begun = time.thread_time()
        QTest.keyClick(edit, Qt.Key.Key_A if number % 6 else Qt.Key.Key_Space)
        application().processEvents()
        found.append((time.thread_time() - begun) * 1000)
    return sorted(found)


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    begun = time.thread_time()
    work()
    return (time.thread_time() - begun) * 1000


def opening(octets: int) -> tuple[float, float]:
    """(ours, the peer's) milliseconds until a reply with such a quote is painted."""
    prose, mine, theirs = reply(octets), list[float](), list[float]()
    for _ in range(5):
        begun = time.thread_time()
        composer = ours(prose)
        painted(composer)
        middle = time.thread_time()
        peer = bare(prose)
        painted(peer)
        mine.append((middle - begun) * 1000)
        theirs.append((time.thread_time() - middle) * 1000)
        composer.finish()
        peer.close()
        peer.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # a long text that is left lays itself out
    return statistics.median(mine), statistics.median(theirs)


def completing() -> tuple[float, float]:
    """(the slowest of some questions, one walk through the names) in milliseconds, among 100,000 people, of whom half
    are in an address book, and 1,000 groups.
    """
    chance, letters_ = random.Random(1), "abcdefghijklmnopqrstuvwxyz"

    def word(long: int) -> str:
        return "".join(chance.choices(letters_, k=long))

    people = [
        Met(
            f"{word(9)}{number}@host{number % 977}.example",
            f"{word(6)} {word(8)}".title(),
            number % 3,
            number % 7,
            number,
        )
        for number in range(100_000)
    ]
    kept = [
        Contact(ContactId(number), BookId(1), str(number), one.name, (one.address,))
        for number, one in enumerate(people[::2])
    ]
    groups = [Group(word(8), (Address("", people[number].address),)) for number in range(1_000)]
    book = Book(known(people, kept), 100_000, groups)
    text = "\n".join(f"{one.name} {one.address}" for one in people)
    questions = ("a", "ab", "qzx", "host97", "xqzjw", "abcdefgh", "ab cd")
    slowest = max(min(timed(lambda: (book.find(one, 12), book.groups(one, 3))) for _ in range(3)) for one in questions)  # noqa: B023
    return slowest, min(timed(lambda: text.find("no such letters")) for _ in range(5))


def line(what: str, mine: float, theirs: float) -> None:
    """One row."""
    print(f"{what:34} {mine:9.1f} ms {theirs:9.1f} ms   {mine / max(theirs, 0.001):6.2f}", flush=True)


def main() -> int:
    """Print the rows; 0."""
    make_application()
    print(f"{'':34} {'ours':>12} {'bare':>12}   {'ratio':>6}")
    for octets, name in ((3_000, "3 KB"), (200_000, "200 KB"), (2_000_000, "2 MB")):
        line(f"open, {name} quoted", *opening(octets))
    prose = reply(2_000_000)
    composer = ours(prose)
    painted(composer)
    mine = keys(composer.editor, KEYS)
    composer.finish()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    peer = bare(prose)  # only now: it lays out its text whenever nothing else is to be done
    painted(peer)
    theirs = keys(peer, KEYS)
    line("type in 2 MB, p50", mine[KEYS // 2], theirs[KEYS // 2])
    line("type in 2 MB, p99", mine[KEYS * 99 // 100], theirs[KEYS * 99 // 100])
    line("complete among 100,000", *completing())
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
