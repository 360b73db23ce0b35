"""First run, and each further account: two fields, what was found and who said so, a check, done.

Theory of operation: leaving the address field asks the engine to ``Discover``; what comes back is shown with "Change"
(the form by hand, filled in).  "Continue" asks the engine to ``CheckAccount`` (it sends the password over verified
connections only), and when both ways work, to ``AddAccount``; before an account delivers directly it is shown how far
that gets (``Diagnose``); where no keyring can be used, the place for passwords is chosen in between, in place.

Rules of the file: one screen; no dialog but file choosers; each trouble is a sentence with the button that helps; a
late answer about another address is dropped.
"""

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QHBoxLayout,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from mua import wire
from mua.errors import MailError
from mua.gui import address_text, words
from mua.gui.account_form import AccountForm, Wrong
from mua.gui.diagnosis import DiagnosisPanel
from mua.gui.found_panel import FoundPanel
from mua.gui.notices import Banner
from mua.gui.restoring import Restoring
from mua.gui.room import Room
from mua.gui.secrets_choice import SecretsChoice
from mua.gui.sign_in import SignInPanel
from mua.gui.theme import BASE, EMPTY_ICON, SECONDARY, SUBJECT
from mua.gui.widgets import Button, Field, IconLabel, Label, Line, PasswordField
from mua.language import tr
from mua.model.account import Account, AccountId, Incoming, Route, Security, Server
from mua.model.address import Address
from mua.model.diagnosis import Diagnosis, Reach
from mua.paths import Profile
from mua.plan.oauth import own_steps

COLUMN = 480  # pixels
_NO_KEYRING = frozenset({"keyring-unavailable", "secrets-locked"})


class SetupPage(Room):
    """The page.  ``asked`` carries a command, what to do with its answer, and what with its error."""

    asked = Signal(object, object, object)
    added = Signal(int)
    demo_wanted = Signal()
    import_wanted = Signal()
    restored = Signal()
    """A backup has become this profile: the window has to begin anew."""

    def __init__(self, profile: Profile, *, first: bool) -> None:
        super().__init__(tr("Add an account"), COLUMN, back=not first)
        self._profile, self._first = profile, first
        self._found: wire.Discovered | None = None
        self._chosen: Account | None = None
        self._looked_up = self._own_server = ""
        self._left_off: QWidget | None = None
        self._waiting = self._looking = False
        self.adding = False
        """An account is being added or filled: it is there for the store already, and not yet for the person."""
        self.address = Field(tr("Mail address"), "name@example.org")
        self.password = PasswordField(tr("Password"), tr("Password"))
        self.sign_in = SignInPanel()
        self.signed_in = ""  # the name of a sign-in that waits for its account
        self.found = FoundPanel()
        self.form = AccountForm()
        self.own_server = Field(
            tr("Sign-in server"), tr("Sign-in server in place of a password, if there is one (https://…)")
        )
        self.banner = Banner(stacked=True)
        self.secrets: SecretsChoice | None = None
        self.diagnosis: DiagnosisPanel | None = None
        self.go = Button(tr("Continue"), kind="primary")
        self.progress = QProgressBar()
        self.demo = Button(tr("Try it with a demo account"), "sparkles")
        self.importing = Button(tr("Import from Thunderbird or files"), "import")
        self.by_hand = Button(tr("Set up by hand"), "server")
        self.restoring = Restoring()
        if not first:
            self.restoring.hide()
        self._lay_out()
        self._connect()
        for part in (self.found, self.sign_in, self.form, self.own_server, self.banner):
            part.hide()
        self._work(False)

    # ---- looking up
    def _address_left(self) -> None:
        """Look up, but not at a click on a button: what the look-up says would move it away from under the mouse."""
        if not isinstance(QApplication.focusWidget(), QAbstractButton):
            self.look_up()

    def look_up(self, *, database: bool = False) -> None:
        """Ask for the servers of the address, once for each address; ``database``: Thunderbird's, too."""
        email = self.address.text().strip()
        if not email or (email == self._looked_up and not database) or not self.form.isHidden():
            return
        self._looked_up, self._found, self._chosen = email, None, None
        self._by_password()
        problem = address_text.problem(Address("", email))
        self.address.mark(bool(problem))
        if problem:
            self.found.hide()
            self._say(problem, "danger")
            return
        self.banner.hide()
        self._looking = True
        self.found.looking(email.rpartition("@")[2])
        self.asked.emit(
            wire.Discover(email, database=database),
            lambda one: self._discovered(email, one),
            lambda one: self._not_found(email, one, database=database),
        )

    def _discovered(self, email: str, answer: wire.Answer) -> None:
        if email != self._looked_up or not isinstance(answer, wire.Discovered):
            return
        self._looking = False
        self._found, self._chosen = answer, answer.accounts[0]
        self.found.show_found(answer)
        if answer.note:
            self.found.say_note(answer.note, answer.help)
        self.password.setPlaceholderText(tr("App password") if answer.auth == "app-password" else tr("Password"))
        if answer.service is not None:
            self._offer_sign_in(email, answer, answer.service)
        if self._waiting:
            self._waiting = False
            self.proceed()

    def _offer_sign_in(self, email: str, answer: wire.Discovered, service: wire.SignInService) -> None:
        """Say how one signs in there before a password is typed; where one can do so at once, that is the way."""
        instead = {"oauth": "", "app-password": tr("an app password")}.get(answer.auth, tr("a password"))
        begin = wire.BeginSignIn(email, provider=service.key, ca_file=answer.accounts[0].ca_file)
        self.sign_in.offer(service, begin, password=instead)
        self.sign_in.show()
        by_browser = not instead or (service.ready and not self.password.text())
        self.password.setVisible(not by_browser)
        self.go.setVisible(not by_browser)
        if by_browser and instead:
            self.found.say_note("", "")  # it is about a password

    def _own_server_named(self) -> None:
        """A server that a person knows signs them in, or none any more."""
        url, email = self.own_server.text().strip().rstrip("/"), self.address.text().strip()
        if url == self._own_server:
            return
        self._own_server = url
        if not url:
            self._by_password()
            return
        url = url if "://" in url else f"https://{url}"
        name = words.shown(url.removeprefix("https://"), 80)
        service = wire.SignInService(url, name, ready=True, steps=own_steps(name))
        self.sign_in.offer(
            service, wire.BeginSignIn(email, provider=url, ca_file=self.form.ca_file.text().strip()),
            password=tr("a password"),
        )  # fmt: skip
        for part, shown in ((self.sign_in, True), (self.password, False), (self.go, False)):
            part.setVisible(shown)

    def _by_password(self) -> None:
        """With a password, whatever else was offered."""
        self.sign_in.end()
        self.sign_in.hide()
        self.signed_in = ""
        self.password.show()
        self.go.show()
        self.own_server.clear()
        self._own_server = ""

    def _type_password(self) -> None:
        self._by_password()
        if self._found is not None:
            self.found.say_note(self._found.note, self._found.help)
        self.password.setFocus()

    def _signed_in(self, name: str) -> None:
        """The person agreed in the browser: go on with that."""
        self.signed_in = name
        self.proceed()

    def _not_signed_in(self, error: MailError) -> None:
        self._work(False)
        self._say(error.text, "danger")
        self.banner.setToolTip(words.tip(words.shown(error.detail)))

    def _not_found(self, email: str, error: MailError, *, database: bool = False) -> None:
        if email != self._looked_up:
            return
        self._waiting = self._looking = False
        self._work(False)
        self.found.hide()
        self._say(error.text, "warning", tr("Set up by hand"), self.open_form)
        if error.code == "not-found" and not database:
            ask = self.banner.offer(tr("Ask Thunderbird's database"), lambda: self.look_up(database=True))
            ask.setToolTip(tr("Its server learns that somebody asks about {domain}.", domain=email.rpartition("@")[2]))

    # ---- by hand
    def open_form(self) -> None:
        """The form, filled in with what is known."""
        email = self.address.text().strip()
        domain = email.rpartition("@")[2]
        guess = Account(AccountId(0), "", email, _own_name(), Incoming.IMAP, None, Route.SMTP)
        if self._chosen is not None:
            guess = replace(self._chosen, full_name=_own_name())
        elif domain:
            guess = replace(
                guess,
                incoming_server=Server(f"imap.{domain}", 993, Security.TLS, email),
                submission=Server(f"smtp.{domain}", 465, Security.TLS, email),
            )
        self.form.show_account(guess)
        self.form.show()
        self.own_server.show()
        self.found.hide()
        self.banner.hide()
        self.by_hand.hide()
        self._greeting.hide()
        (self.address if not email else self.form.receiving.host).setFocus()

    # ---- going on
    def proceed(self) -> None:
        """Check what is filled in, then add the account."""
        email = self.address.text().strip()
        if problem := address_text.problem(Address("", email)):
            self.address.mark(True)
            self.address.setFocus()
            self._say(problem if email else tr("Enter your mail address first."), "danger")
            return
        self.address.mark(False)
        account = self._account(email)
        if account is None:
            return
        if self.password.isHidden() and not self.signed_in:
            self._work(False)
            self._say(tr("Sign in first; the page opens in your browser."), "info")
            (self.sign_in.go if self.sign_in.ready else self.sign_in.own).setFocus()
            return
        if (
            not self.password.text()
            and not self.signed_in
            and (account.incoming is not Incoming.LOCAL or account.route is Route.SMTP)
        ):
            self._say(tr("Enter the password too."), "warning")
            self.password.setFocus()
            return
        self._check(account)

    def _account(self, email: str) -> Account | None:
        """The account to check; None when something is missing (and was said)."""
        if not self.form.isHidden():
            made = self.form.account(email)
            if isinstance(made, Wrong):
                made.field.setFocus()
                self._say(made.text, "danger")
                return None
            return made
        if self._chosen is None or self._looked_up != email:
            self._wait_for_servers(email)
            return None
        return replace(self._chosen, full_name=self._chosen.full_name or _own_name())

    def _wait_for_servers(self, email: str) -> None:
        """Go on when the look-up has answered; one that found nothing is made again (there may be a network now)."""
        self._waiting = True
        self._work(True, tr("Looking up the servers…"))
        if self._looked_up == email and not self._looking:
            self._looked_up = ""
        self.look_up()

    def _check(self, account: Account) -> None:
        self.banner.hide()
        self._leave_diagnosis()
        self._work(True, tr("Trying both ways, receiving and sending…"))
        password = self.password.text()
        self.asked.emit(
            wire.CheckAccount(0, account, password, self.signed_in),
            lambda one: self._checked(account, password, one),
            self._failed,
        )

    def _checked(self, account: Account, password: str, answer: wire.Answer) -> None:
        assert isinstance(answer, wire.Checked)
        direct = account.route is Route.DIRECT
        wrong = [one for one in answer.findings if not one.ok and not (direct and one.what == "dns")]
        if not wrong and direct:
            self._consider(account, password)
            return
        if not wrong:
            self._add(account, password)
            return
        self._work(False)
        texts = list(dict.fromkeys(one.text for one in wrong))
        codes = {one.code for one in wrong}
        self._say(" ".join(texts[:1] if codes == {"wrong-password"} else texts), "danger")  # it is one password
        if "wrong-password" in codes:
            self.password.setFocus()
            self.password.selectAll()
        if self.form.isHidden():
            self.banner.offer(tr("Change the servers"), self.open_form)
        if all(one.what != "incoming" for one in wrong) or codes <= {"offline", "timeout", "no-way-out", "dns"}:
            self.banner.offer(tr("Add it anyway"), lambda: self._add(account, password))

    def _consider(self, account: Account, password: str) -> None:
        """Before an account delivers directly it is said how far that would get."""
        self._leave_diagnosis()
        self._work(True, tr("Looking at what receivers would look at…"))
        self.diagnosis = shown = DiagnosisPanel(account)
        shown.asked.connect(self.asked)
        self._panels.addWidget(shown)

        def found(one: Diagnosis) -> None:
            self._work(False)
            if all(symptom.what != "from" for symptom in one.symptoms):
                well = one.reach is Reach.ANYONE
                text, kind = (tr("Add the account"), "primary") if well else (tr("Add it all the same"), "")
                shown.offer_once(text, lambda: None if self.adding else self._add(account, password), kind)
            self.bring_into_view(shown)

        shown.found.connect(found)
        shown.gave_up.connect(lambda: self._work(False))
        shown.look()

    def _leave_diagnosis(self) -> None:
        if self.diagnosis is not None:
            self._panels.removeWidget(self.diagnosis)
            self.diagnosis.deleteLater()
            self.diagnosis = None

    def _add(self, account: Account, password: str) -> None:
        self._work(True, tr("Adding the account…"))
        self.adding = True
        self.asked.emit(
            wire.AddAccount(account, password, self.signed_in),
            self._added,
            lambda one: self._not_added(account, password, one),
        )

    def _added(self, answer: wire.Answer) -> None:
        assert isinstance(answer, wire.AccountAdded)
        self.password.clear()
        self._work(False)
        self.adding = False
        self.added.emit(answer.account_id)

    def _not_added(self, account: Account, password: str, error: MailError) -> None:
        self._work(False)
        self.adding = False
        if error.code in _NO_KEYRING:
            self._ask_secrets(account, password, error)
        else:
            self._say(error.text, "danger")

    # ---- where passwords live
    def _ask_secrets(self, account: Account, password: str, error: MailError) -> None:
        if self.secrets is not None:
            self.secrets.deleteLater()
        self._say(error.text, "warning")
        self.secrets = SecretsChoice(keyring=error.code == "secrets-locked")
        self.secrets.chosen.connect(lambda place, phrase: self._choose_secrets(account, password, place, phrase))
        self._panels.addWidget(self.secrets)
        self._work(False)
        self._edit(False)  # it is this account, with this password, that the choice is for
        self.banner.offer(tr("Change the account"), self._leave_secrets)
        self.form.hide()
        self.go.hide()
        self.secrets.passphrase.setFocus()
        self.bring_into_view(self.secrets)

    def _leave_secrets(self) -> None:
        """Back to the fields; nothing was added."""
        if self.secrets is not None:
            self.secrets.hide()
        self.banner.hide()
        self.go.show()
        self._edit(True)
        self.address.setFocus()

    def _choose_secrets(self, account: Account, password: str, place: str, passphrase: str) -> None:
        def chosen(_: wire.Answer) -> None:
            if self.secrets is not None:
                self.secrets.hide()
            self.banner.hide()
            self.go.show()
            self._add(account, password)

        self._work(True, tr("Keeping the choice…"))
        self.asked.emit(wire.ChooseSecrets(place, passphrase), chosen, self._failed)

    # ---- inside
    def _lay_out(self) -> None:
        if self._first:
            self.title.hide()
            self.rule.hide()
        column = self.column
        column.setSpacing(10)
        column.addStretch(2)
        self._greeting = QWidget()
        greeting = QVBoxLayout(self._greeting)
        greeting.setContentsMargins(0, 0, 0, 12)
        greeting.setSpacing(10)
        icon = IconLabel("mail-open", "accent", EMPTY_ICON)
        welcome = Label(tr("Welcome to Mua"), SUBJECT, bold=True)
        line = Label(tr("Your mail stays on this computer and on your mail server."), BASE, "secondary", wrap=True)
        for label in (icon, welcome, line):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            greeting.addWidget(label)
        column.addWidget(self._greeting)
        if not self._first:
            self._greeting.hide()
        for above in (self.address, self.password, self.found, self.form, self.own_server, self.sign_in, self.banner):
            column.addWidget(above)
        self._panels = QVBoxLayout()
        column.addLayout(self._panels)
        self._doing = Label("", SECONDARY, "secondary")
        self._doing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(tr("Working"))
        for below in (self.go, self.progress, self._doing):
            column.addWidget(below)
        column.addSpacing(16)
        column.addWidget(Line())
        column.addSpacing(6)
        self._others = QVBoxLayout()
        self._others.setSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.by_hand)
        row.addWidget(self.importing)
        self._others.addWidget(self.demo)
        self._others.addLayout(row)
        self._others.addWidget(self.restoring)
        column.addLayout(self._others)
        column.addStretch(3)

    def _connect(self) -> None:
        self.address.editingFinished.connect(self._address_left)
        self.address.returnPressed.connect(self.password.setFocus)
        self.password.returnPressed.connect(self.proceed)
        self.go.clicked.connect(self.proceed)
        self.form.entered.connect(self.proceed)
        self.found.change.clicked.connect(self.open_form)
        self.found.help.clicked.connect(self.password.setFocus)  # who comes back from there has a password to paste
        self.own_server.editingFinished.connect(self._own_server_named)
        self.sign_in.asked.connect(self.asked)
        self.sign_in.by_password.connect(self._type_password)
        self.sign_in.signed_in.connect(self._signed_in)
        self.sign_in.failed.connect(self._not_signed_in)
        self.sign_in.own.clicked.connect(lambda: self.bring_into_view(self.sign_in))
        self.by_hand.clicked.connect(self.open_form)
        self.importing.clicked.connect(self.import_wanted)
        self.demo.clicked.connect(self._open_demo)
        self.restoring.asked.connect(self.asked)
        self.restoring.working.connect(lambda working: self._edit(not working))
        self.restoring.restored.connect(self.restored)
        self.setFocusProxy(self.address)

    def _work(self, working: bool, text: str = "") -> None:
        self.progress.setVisible(working)
        self._doing.setText(text)
        self._doing.setVisible(working)
        self._edit(not working)

    def _edit(self, editable: bool) -> None:
        if not editable and self._left_off is None:
            self._left_off = self.focusWidget()
        for part in (
            self.address, self.password, self.found.change, self.go, self.form, self.demo, self.importing, self.by_hand,
            self.restoring.choose,
        ):  # fmt: skip
            part.setEnabled(editable)
        if editable and self._left_off is not None:
            self._left_off.setFocus()  # what is disabled loses the keyboard
            self._left_off = None

    def _say(self, text: str, tone: str, button: str = "", act: object = None) -> None:
        self.banner.withdraw()
        self.banner.say(text, tone)
        if callable(act):
            self.banner.offer(button, act)
        self.banner.show()
        self.bring_into_view(self.banner)

    def _failed(self, error: MailError) -> None:
        self._work(False)
        self.adding = False
        self._say(error.text, "danger")

    def _open_demo(self) -> None:
        self._work(True, tr("Opening the demo account…"))
        self.demo_wanted.emit()

    def demo_failed(self, text: str) -> None:
        """The demo account did not open."""
        self._work(False)
        self._say(text, "danger")


def _own_name() -> str:
    """The person's name as this computer knows it, or nothing."""
    try:
        import pwd
    except ImportError:
        return ""
    import os

    try:
        name = pwd.getpwuid(os.getuid()).pw_gecos.split(",")[0].strip()
    except KeyError:
        return ""
    return "" if name.lower() in ("root", "user", "nobody") else name
