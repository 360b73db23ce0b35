"""The window's process: from the command to the first paint, and what follows it.

Rules of the file: before the first paint only what the first paint needs (the store, Qt's widgets; named imports);
the engine, the wire, D-Bus and everything else come after it.  Python's garbage collector runs when the window is
idle, never in the middle of a scroll.
"""

import gc
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QLibraryInfo,
    QLocale,
    QObject,
    Qt,
    QThreadPool,
    QTimer,
    QTranslator,
    Signal,
)
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from mua.errors import MailError
from mua.gui import preferences as prefs
from mua.gui import single
from mua.gui.key_sets import effective
from mua.gui.library import Library
from mua.gui.list_pane import ListPane
from mua.gui.main_window import MainWindow
from mua.gui.places import place_of, place_word
from mua.gui.reader import Reader
from mua.gui.sidebar import Sidebar
from mua.gui.surface import make_ready
from mua.gui.theme import Appearance, system_is_dark, theme
from mua.language import language, tr
from mua.paths import Profile, child_command
from mua.records import dataclass

if TYPE_CHECKING:
    from mua.gui.desk import Desk
    from mua.gui.engine_client import EngineClient
    from mua.gui.rooms import Rooms

_COLLECT_EVERY = 10_000  # milliseconds
_OPENING_DEMO = tr("Opening the demo account…")


@dataclass(frozen=True, slots=True)
class Options:
    """How to start.

    ``start_engine`` spawns the profile's engine and returns at once (None: never start one); ``start_demo`` opens the
    demo account and may take long; ``demo``: do that now; ``mailto`` opens the composer.
    """

    start_engine: Callable[[], None] | None = None
    start_demo: Callable[[], None] | None = None
    demo: bool = False
    mailto: str = ""


def run(
    profile: Profile,
    start_engine: Callable[[Profile], None] | None = None,
    start_demo: Callable[[], None] | None = None,
    *,
    demo: bool = False,
    mailto: str = "",
) -> int:
    """Show the window until it is closed; the exit code.  See ``Options`` for what is given."""
    gc.disable()
    profile.create()
    application = make_application()
    lock = single.claim(profile)
    if lock is None and single.raise_other(profile, mailto or "raise"):
        return 0
    start = None if start_engine is None else partial(start_engine, profile)
    program = Program(profile, Options(start, start_demo, demo, mailto))
    program.show()
    code = application.exec()
    program.end()
    if lock is not None:
        lock.unlock()
    if program.anew:
        command = child_command("--profile", str(profile.root))
        os.execv(command[0], command)
    return code


def make_application() -> QApplication:
    """The QApplication, named and without needless services."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    QCoreApplication.setApplicationName("Mua")
    QGuiApplication.setDesktopFileName("io.github.mua.Mua")
    application = QApplication(sys.argv[:1])
    _speak(application)
    return application


def _speak(application: QApplication) -> None:
    """Qt's own words, dates and direction in the language of the window."""
    spoken = language()
    if spoken.code == "en":
        return
    QLocale.setDefault(QLocale(spoken.locale))
    application.setLayoutDirection(Qt.LayoutDirection.RightToLeft if spoken.rtl else Qt.LayoutDirection.LeftToRight)
    words = QTranslator(application)
    if words.load(f"qtbase_{spoken.code}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        application.installTranslator(words)


class Program(QObject):
    """One window and everything that serves it."""

    demo_failed = Signal(str)
    demo_opened = Signal()

    def __init__(self, profile: Profile, options: Options) -> None:
        super().__init__()
        self.profile, self.options = profile, options
        self.preferences = prefs.load(profile)
        self.state = prefs.state(profile)
        theme().apply(self._dark_wanted(self.preferences.appearance), self.preferences.text_scale, bare=True)
        self.library = Library(profile)
        reader = Reader(lambda row, view, content_id: self.desk.inline(row, view, content_id))
        self.window = MainWindow(
            Sidebar(), ListPane(), reader, effective(self.preferences.key_set, self.preferences.keys)
        )
        self.client: EngineClient | None = None
        self.desk: Desk = self._make_desk()
        self.rooms: Rooms | None = None
        self._painted = self._demo_open = self.anew = False
        self._collector = QTimer(self)
        self._collector.timeout.connect(gc.collect)
        self.window.closed.connect(self._save)
        self.demo_failed.connect(self.window.toast.say)
        self.desk.demo_wanted.connect(self.open_demo)
        self.desk.grouping_changed.connect(lambda: self.state.setValue("grouped", self.desk.grouping.text()))
        self.desk.looks_changed.connect(lambda: self.state.setValue("looks", self.desk.looks.text()))
        self.demo_opened.connect(lambda: self.window.toast.withdraw(_OPENING_DEMO))

    def show(self) -> None:
        """Paint the window from the store; the rest follows."""
        theme().dress()
        self.window.restore(self.state)
        collapsed = {int(one) for one in str(self.state.value("sidebar/collapsed", "")).split(",") if one.isdigit()}
        self.desk.grouping.read(str(self.state.value("grouped", "")))
        self.desk.looks.read(str(self.state.value("looks", "")))
        self.desk.begin(place_of(str(self.state.value("place", ""))), collapsed)
        self._restore_tabs(str(self.state.value("tabs", "")))
        if self._painted or not self.desk.accounts:
            self._furnish()
        self.window.installEventFilter(self)
        if self._starts_hidden():
            QGuiApplication.setQuitOnLastWindowClosed(False)
            self._painted = True
            QTimer.singleShot(0, self._after_paint)
        else:
            make_ready(self.window)
            self.window.show()

    def _starts_hidden(self) -> bool:
        """Where the person wants it so, there is a place for the icon, and nothing else was asked for."""
        wanted = self.preferences.tray and self.preferences.tray_start and bool(self.desk.accounts)
        return wanted and not self.options.demo and not self._painted and QSystemTrayIcon.isSystemTrayAvailable()

    def _restore_tabs(self, kept: str) -> None:
        """The tabs that were open; one alone has nothing to restore."""
        if kept and self.desk.accounts:
            from mua.gui.tabs import Tabs

            self.desk.tabs = Tabs(self.desk)
            self.desk.tabs.restore(kept)

    def leave_alone(self) -> None:
        """Start nothing after the first paint: no engine, no D-Bus (for pictures and tests)."""
        self._painted = True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """After the window's first paint, everything else."""
        if not self._painted and event.type() == QEvent.Type.Paint:
            self._painted = True
            self.window.removeEventFilter(self)
            QTimer.singleShot(0, self._after_paint)
        return False

    def end(self) -> None:
        """Let go of the engine and the store."""
        if self.rooms is not None:
            self.rooms.end()
            self.desk.attachments.close()
            self.desk.authors.close()
            self.desk.searching.close()
            self.desk.people.close()
        if self.client is not None:
            self.client.close()
        self.window.reader.close_down()
        self.desk.seeker.close()
        self.library.close()

    def begin_anew(self) -> None:
        """A backup has become this profile: the engine ends, and the whole program is started again."""
        from mua import wire

        self.anew = True
        if self.client is not None:
            self.client.ask(wire.Shutdown(), lambda _: QCoreApplication.quit(), lambda _: QCoreApplication.quit())

    # ---- after the first paint
    def _furnish(self) -> "Rooms":
        """What the first paint of a full mailbox does without: everything that acts, and the rooms beside the mail."""
        if self.rooms is None:
            from mua.gui.rooms import Rooms

            self.desk.serve()
            searching = self.desk.searching
            searching.read_recent(str(self.state.value("searches", "")))
            searching.recent_changed.connect(lambda: self.state.setValue("searches", searching.recent_text()))
            self.rooms = Rooms(self)
            if not self.desk.accounts:
                self.desk.emptied.emit(True)
        return self.rooms

    def _after_paint(self) -> None:
        if os.environ.get("MUA_BENCH_PAINTED"):
            sys.stdout.write("painted\n")
            sys.stdout.flush()
            QCoreApplication.exit(0)
            return
        self._collector.start(_COLLECT_EVERY)
        self._start_engine()
        self._start_desktop()
        single.listen(self.profile, self._asked, self)
        if self.options.mailto:
            self._asked(self.options.mailto)

    def _start_engine(self) -> None:
        from mua.gui.engine_client import EngineClient

        rooms = self._furnish()
        self.client = EngineClient(self.profile, self.options.start_engine, self)
        self.desk.attach(self.client)
        self.client.ready.connect(self._engine_ready)
        self.client.start()
        rooms.engine_attached()
        if self.options.demo:
            self.window.toast.say(_OPENING_DEMO, milliseconds=30_000)
            self.open_demo()

    def open_demo(self) -> None:
        """Open the demo account, behind the window's back; what goes wrong is said in it."""
        start = self.options.start_demo
        if start is None:
            return

        self._demo_open = False  # until it is: an engine that starts meanwhile is told by this very call

        def work() -> None:
            try:
                start()
                self._demo_open = True
                self.demo_opened.emit()
            except MailError as error:
                self.demo_failed.emit(error.text)

        QThreadPool.globalInstance().start(work)

    def _engine_ready(self, _: object) -> None:
        """An engine that took another's place does not know the password of the demo."""
        if self._demo_open:
            self.open_demo()

    def _start_desktop(self) -> None:
        from mua.gui.desktop import Desktop
        from mua.gui.notify import Notifier
        from mua.gui.tray import Tray

        self.desktop = Desktop(self)
        self.desktop.dark_wanted.connect(self._desktop_is_dark)
        self.desktop.follow_appearance()
        self.notifier = Notifier(self.desk, self.desktop)
        self.tray = Tray(self.desk)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._scheme_changed)

    def _asked(self, word: str) -> None:
        """Another start of the program said ``word``."""
        from mua.gui.writing import Kind

        self.window.come_forward()
        if word.startswith("mailto:"):
            self.desk.deeds.write(Kind.NEW, word)

    # ---- light and dark
    def apply_appearance(self) -> None:
        """Be light or dark as the settings say now."""
        dark = self._dark_wanted(self.desk.preferences.appearance)
        if dark != theme().dark:
            theme().apply(dark, self.desk.preferences.text_scale)

    def _dark_wanted(self, chosen: Appearance) -> bool:
        if chosen is not Appearance.FOLLOW:
            return chosen is Appearance.DARK
        system = system_is_dark()
        return self.state.value("dark", False, bool) is True if system is None else system

    def _desktop_is_dark(self, dark: bool) -> None:
        self.state.setValue("dark", dark)
        if self.desk.preferences.appearance is Appearance.FOLLOW and dark != theme().dark:
            theme().apply(dark, self.desk.preferences.text_scale)

    def _scheme_changed(self) -> None:
        dark = system_is_dark()
        if dark is not None:
            self._desktop_is_dark(dark)

    # ---- inside
    def _make_desk(self) -> "Desk":
        from mua.gui.desk import Desk

        return Desk(self.library, self.window, self.preferences)

    def _save(self) -> None:
        self.window.save(self.state)
        self.state.setValue("place", place_word(self.desk.place))
        self.state.setValue("tabs", self.desk.tabs.text() if self.desk.tabs is not None else "")
        self.state.setValue("sidebar/collapsed", ",".join(map(str, sorted(self.desk.collapsed()))))
        self.state.setValue("closed", int(time.time()))
        self.state.sync()
