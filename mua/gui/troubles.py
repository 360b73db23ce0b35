"""What is wrong, said in place: what happened, whose fault, what happens next, and the one button that helps.

Rules of the file: never a dialog; the engine's trouble is said above the panes, an account's above the list; the
sentences come from where the failure was understood (``MailError.text``), only the button is chosen here.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from mua import wire
from mua.errors import MailError, passes
from mua.gui import words
from mua.gui.engine_words import said
from mua.gui.password_bar import PasswordBar
from mua.gui.sign_in import SignInPanel, sign_in_again
from mua.language import fill, language, tr
from mua.model.account import Account, AccountId
from mua.model.folder import Folder
from mua.store.read import Problem

if TYPE_CHECKING:
    from mua.gui.desk import Desk

_PASSWORD = frozenset({"wrong-password", "no-password", "app-password", "password-disabled"})
_SIGN_IN = frozenset({"signed-out", "token-refused", "consent-needed", "wrong-tenant", "client-refused"})
_RIGHT_TO_LEFT = "\u200f"
_DISK = frozenset({"disk-full", "disk-error"})  # no account's trouble: said once, above the panes
_STORE = _DISK | {"store-damaged", "store-version"}  # neither the window nor the engine gets on with it
_SETTINGS = frozenset(
    {
        "unknown-host", "certificate-wrong-name", "certificate-untrusted", "certificate-refused", "no-starttls",
        "plaintext-refused", "ca-file", "client-cert", "not-allowed", "no-mechanism", "login-disabled",
    }
)  # fmt: skip


class Troubles(QObject):
    """The banners of one window."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._window = desk.window
        self._account: Problem | None = None
        self._named: Account | None = None
        self._bar: PasswordBar | SignInPanel | None = None
        self._disk = ""

    # ---- the engine
    def engine_is_gone(self) -> None:
        """It died and is being started again."""
        self._engine(tr("Mua's mail engine stopped and is starting again. Nothing is lost."), "warning")

    def engine_is_back(self) -> None:
        """All well."""
        self._window.banner.hide()

    def engine_gave_up(self, error: MailError) -> None:
        """It does not start; where the store cannot be read either, that is why."""
        why = self._desk.library.problem
        self._store(why if why is not None and why.code in _STORE else error)
        client = self._desk.client
        if client is not None:
            self._window.banner.offer(tr("Try again"), client.start)

    def store_failed(self, error: MailError) -> None:
        """The store cannot be read."""
        self._store(error)

    def _store(self, error: MailError) -> None:
        where = words.shown(str(self._desk.library.profile.root), 300)
        damaged = error.code == "store-damaged"
        text = tr("{text} It is in {folder}.", text=error.text, folder=where) if damaged else error.text
        self._engine(text, "danger")

    def notice(self, notice: wire.Notice) -> None:
        """Something that belongs to no account."""
        if notice.code in _DISK:
            self._say_disk(notice.text)
            return
        self._engine(notice.text, "warning")
        self._window.banner.offer(tr("Dismiss"), self._window.banner.hide)

    def failed(self, error: MailError) -> None:
        """A command failed and nobody else was told."""
        if error.code in _DISK:
            self._say_disk(error.text)
        else:
            self._window.toast.say(error.text)

    def _say_disk(self, text: str) -> None:
        self._disk = text
        self._engine(text, "warning")
        self._window.banner.offer(tr("Try again"), lambda: self._poke(None))

    def _forget_disk(self) -> None:
        """An account came to rest: there is space again."""
        if self._window.banner.text() == self._disk:
            self._window.banner.hide()
        self._disk = ""

    def _engine(self, text: str, tone: str) -> None:
        self._window.banner.withdraw()
        self._window.banner.say(text, tone)
        self._window.banner.show()

    # ---- accounts and folders
    def status(self, status: wire.Status) -> None:
        """An account's state changed."""
        if status.state is wire.State.PROBLEM and status.code in _DISK:
            self._say_disk(status.text)
        elif status.state is wire.State.IDLE and self._disk:
            self._forget_disk()
        if status.state is wire.State.PROBLEM:
            self.show([Problem(AccountId(status.account_id), status.text, status.code, status.detail)])
        elif status.state in (wire.State.SYNCING, wire.State.IDLE) and self._concerns(status.account_id):
            self.show([])
        elif status.state is wire.State.OFFLINE and self._is_demo(status.account_id):
            self.show([Problem(AccountId(status.account_id), status.text, status.code, status.detail)])

    def _is_demo(self, account_id: int) -> bool:
        account = self._desk.account(account_id)
        return account is not None and account.demo

    def _concerns(self, account_id: int) -> bool:
        return self._account is not None and self._account.account_id == account_id

    def show(self, problems: Sequence[Problem]) -> None:
        """Say the first account's trouble, or nothing."""
        problem = next((one for one in problems if one.code not in _DISK), None)
        account = self._desk.account(problem.account_id) if problem is not None else None
        if problem == self._account and account == self._named:
            return
        self._account, self._named = problem, account
        banner = self._desk.listing.banner
        banner.withdraw()
        banner.setVisible(problem is not None)
        self._close_bar()
        if problem is None:
            return
        told, name = said(problem.text), ""
        if account is not None and len(self._desk.accounts) > 1:
            name = fill("{name}: ", name=words.shown(account.name, 60))
            if language().rtl and told != problem.text:  # the letters of the name would turn the sentence
                name = _RIGHT_TO_LEFT + name
        banner.say(name + told, "warning" if passes(problem.code) else "danger")
        banner.setToolTip(words.tip(words.shown(problem.detail)))
        if account is not None and account.demo:
            banner.say(tr("The demo's mail server is not running; nothing that you did here is lost."), "warning")
            banner.offer(tr("Open the demo again"), self._desk.demo_wanted.emit)
        elif problem.code in _PASSWORD:
            banner.offer(tr("Enter the password"), lambda: self._ask_password(problem.account_id))
        elif problem.code in _SIGN_IN and account is not None and account.oauth is not None:
            banner.offer(tr("Sign in again"), lambda: self._sign_in(problem.account_id))
        elif problem.code == "weaker-log-in":
            banner.offer(tr("Allow the weaker log-in"), lambda: self._allow_weaker(problem.account_id))
        elif problem.code in _SETTINGS:
            banner.offer(tr("Account settings"), self._desk.settings_wanted.emit)
        else:
            banner.offer(tr("Try again"), lambda: self._poke(problem.account_id))

    def place_shown(self, folder: Folder | None) -> None:
        """A folder with trouble of its own is shown."""
        if self._account is None:
            banner = self._desk.listing.banner
            problem = said(folder.problem) if folder is not None else ""
            banner.withdraw()
            banner.say(problem, "warning")
            banner.setVisible(bool(problem))

    def _poke(self, account_id: AccountId | None) -> None:
        if self._desk.client is not None:
            self._desk.client.ask(wire.Poke(account_id))

    def _allow_weaker(self, account_id: AccountId) -> None:
        if self._desk.client is not None:
            self._desk.client.ask(wire.AllowWeaker(account_id))

    def _ask_password(self, account_id: AccountId) -> None:
        account = self._desk.account(account_id)
        if account is None or self._bar is not None:
            return
        self._bar = bar = PasswordBar(account.email)
        bar.entered.connect(lambda password: self._set_password(account_id, password))
        bar.dismissed.connect(self._close_bar)
        self._desk.listing.put_below_banner(bar)
        bar.field.setFocus()

    def _sign_in(self, account_id: AccountId) -> None:
        """In the browser, with what is said meanwhile below the banner."""
        account, client = self._desk.account(account_id), self._desk.client
        if account is None or client is None or self._bar is not None:
            return
        self._bar = panel = sign_in_again(account)
        panel.asked.connect(client.ask)
        panel.signed_in.connect(lambda _: self._close_bar())
        panel.failed.connect(self.failed)
        self._desk.listing.put_below_banner(panel)
        panel.begin()

    def _set_password(self, account_id: AccountId, password: str) -> None:
        self._close_bar()
        if self._desk.client is not None:
            self._desk.client.ask(wire.SetSecret(account_id, password), lambda _: self._poke(account_id))

    def _close_bar(self) -> None:
        if self._bar is not None:
            if isinstance(self._bar, SignInPanel):
                self._bar.end()
            self._bar.setParent(None)
            self._bar.deleteLater()
            self._bar = None
            self._desk.listing.take_keyboard()
