"""The rooms beside the mail: composers, first run and accounts, outbox, settings; opened when the desk asks for them.

Rules of the file: wiring only; a room's module is imported when it is first opened, so that the first paint pays for
none of them.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from mua import wire
from mua.gui.writing import Writing

if TYPE_CHECKING:
    from mua.gui.app import Program
    from mua.gui.composing import Composing
    from mua.gui.setup import SetupPage


class Rooms(QObject):
    """The rooms of one program."""

    def __init__(self, program: "Program") -> None:
        super().__init__(program)
        self._program = program
        self.desk, self.window = program.desk, program.window
        self._composing: Composing | None = None
        self.setup: SetupPage | None = None
        self.page: QWidget | None = None
        self.desk.writing.connect(self.write)
        self.desk.account_wanted.connect(self.add_account)
        self.desk.outbox_wanted.connect(self.open_outbox)
        self.desk.settings_wanted.connect(self.open_settings)
        self.desk.emptied.connect(self._emptied)
        self.window.closed.connect(self.end)

    # ---- composers
    @property
    def composing(self) -> "Composing":
        """The composers."""
        if self._composing is None:
            from mua.gui.composing import Composing

            self._composing = Composing(self.desk)
        return self._composing

    def write(self, wish: Writing) -> None:
        """Open a composer."""
        self.composing.write(wish)

    def engine_attached(self) -> None:
        """The engine is on the line: bring back letters that a crash interrupted, once the accounts are known."""
        if any(self.desk.library.profile.drafts.glob("*.json")) and self.desk.accounts:
            QTimer.singleShot(0, self.composing.restore)

    def end(self) -> None:
        """The program ends."""
        if self._composing is not None:
            self._composing.close_all()

    # ---- pages
    def close_page(self) -> None:
        """Back to the mail."""
        self.window.show_first_run(None)
        if self.page is not None:
            self.page.setParent(None)
            self.page.deleteLater()
            self.page = None
        self.setup = None
        self.desk.listing.view.setFocus()

    def add_account(self) -> None:
        """Set up another account (or the first)."""
        from mua.gui.setup import SetupPage

        page = SetupPage(self.desk.library.profile, first=not self.desk.accounts)
        page.asked.connect(self._ask)
        page.demo_wanted.connect(self._program.open_demo)
        page.left.connect(self.close_page)
        page.added.connect(lambda _: self.close_page())
        self._show(page)
        self.setup = page

    def open_outbox(self, outgoing_id: int = 0) -> None:
        """Where sent mail is now."""
        from mua.gui.outbox import OutboxPage

        page = OutboxPage(self.desk.library, self.desk.accounts, int(outgoing_id))
        page.asked.connect(self._ask)
        page.left.connect(self.close_page)
        if self.desk.client is not None:
            self.desk.client.told.connect(page.hear)
        self._show(page)

    def open_settings(self) -> None:
        """Accounts, appearance, writing, notifications, passwords."""
        from mua.gui.settings import SettingsPage

        page = SettingsPage(self.desk)
        page.asked.connect(self._ask)
        page.left.connect(self.close_page)
        page.appearance_changed.connect(self._program.apply_appearance)
        page.add_wanted.connect(self.add_account)
        page.shortcuts_wanted.connect(self.window.actions_["shortcuts"].trigger)
        self._show(page)

    # ---- inside
    def _emptied(self, empty: bool) -> None:
        known = self.desk.library.db is not None or not self.desk.library.profile.cache_db.exists()
        if empty and known and self.setup is None:
            self.add_account()
        elif not empty and self.setup is not None:
            self.close_page()

    def _show(self, page: QWidget) -> None:
        old, self.page, self.setup = self.page, page, None
        self.window.show_first_run(page)
        if old is not None:
            old.setParent(None)
            old.deleteLater()
        page.setFocus()

    def _ask(self, command: wire.Command, then: object = None, failed: object = None) -> None:
        if self.desk.client is not None:
            self.desk.client.ask(command, then, failed)  # type: ignore[arg-type]
        elif self._program.client is not None:
            self._program.client.ask(command, then, failed)  # type: ignore[arg-type]
        else:
            QTimer.singleShot(100, lambda: self._ask(command, then, failed))
