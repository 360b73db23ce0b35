"""Settings: accounts, appearance, writing, notifications, passwords; each change counts at once.

Rules of the file: what belongs to an account is the engine's (commands), the rest is ``Preferences`` (settings.toml,
written whole by ``Desk.change_preferences``); removing an account says what is lost, in place, before it happens.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QSlider, QVBoxLayout, QWidget

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.account_form import AccountForm, Wrong
from mua.gui.choice import Choice
from mua.gui.diagnosis import DiagnosisPanel
from mua.gui.image_rules import ImageRules
from mua.gui.message_cards import Density
from mua.gui.notices import Banner
from mua.gui.preferences import Consent, Place, ReadReceipts, Writes
from mua.gui.room import Room
from mua.gui.rule_editor import RuleList
from mua.gui.secrets_choice import SecretsChoice
from mua.gui.select import Tick
from mua.gui.sheets import styled
from mua.gui.sign_in import SignInPanel, sign_in_again
from mua.gui.tag_rules import TagRules
from mua.gui.theme import BASE, SECONDARY, TITLE, Appearance
from mua.gui.ways import Ways
from mua.gui.widgets import Avatar, Button, ElidedLabel, Label, Line, PasswordField
from mua.model.account import Account, Incoming, Route
from mua.model.diagnosis import Diagnosis, Reach
from mua.model.mail_rule import MailRule
from mua.model.quota import Quota
from mua.model.way import Hop, Rule, Way
from mua.plan.routes import domain_of
from mua.store import dkim, read, rules

if TYPE_CHECKING:
    from mua.gui.desk import Desk
    from mua.gui.identities_panel import Identities

_INCOMING = {Incoming.IMAP: "IMAP", Incoming.POP3: "POP3", Incoming.LOCAL: "on this computer only"}
_OUTGOING = {Route.SMTP: "sends by a server", Route.DIRECT: "sends directly", Route.NONE: "sends nothing"}
_UNDO = (("0", "At once"), ("5", "5 s"), ("10", "10 s"), ("30", "30 s"))
_CHECK = (("ask", "Ask once"), ("yes", "Check"), ("no", "Do not"))
_AHEAD = (("ask", "Ask once"), ("yes", "Look up"), ("no", "Do not"))
_SLIDER = """
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: @side_selection; }
QSlider::sub-page:horizontal { border-radius: 2px; background: @accent; }
QSlider::handle:horizontal { width: 16px; margin: -6px 0; border-radius: 8px; background: @accent; }
QSlider::handle:horizontal:focus { border: 2px solid @text; border-radius: 8px; width: 12px; }
"""
_SHAPES = (("whole", "In its conversation"), ("single", "Alone"))
_RECEIPTS = ((ReadReceipts.ASK, "Ask me"), (ReadReceipts.NEVER, "Never"))
_WRITES = ((Writes.RICH, "Rich text"), (Writes.MARKDOWN, "Markdown"), (Writes.PLAIN, "Plain text"))
_ANSWERS = ((Place.ABOVE, "Above what it quotes"), (Place.BELOW, "Below it"))
_READ = (("0.0", "At once"), ("2.0", "After 2 s"), ("-1.0", "Never by itself"))


class SettingsPage(Room):
    """The page."""

    asked = Signal(object, object, object)
    appearance_changed = Signal()
    add_wanted = Signal()
    health_wanted = Signal()
    ledger_wanted = Signal()
    shortcuts_wanted = Signal()

    def __init__(self, desk: "Desk") -> None:
        super().__init__("Settings")
        self._desk = desk
        self.panels: list[AccountPanel] = []
        self._accounts = QVBoxLayout()
        self._accounts.setSpacing(10)
        self._section("Accounts")
        self.column.addLayout(self._accounts)
        add = Button("Add an account", "plus")
        add.clicked.connect(self.add_wanted)
        health = Button("Health", "info")
        health.clicked.connect(self.health_wanted)
        ledger = Button("What disappeared", "history")
        ledger.clicked.connect(self.ledger_wanted)
        self._row(add, health, ledger)
        self._appearance()
        self._reading()
        self._writing()
        self._section("Tags")
        self.tags = TagRules(desk.preferences, self.change)
        self.column.addWidget(self.tags)
        self._rules()
        self._notifications()
        self._passwords()
        self._keyboard()
        self.column.addStretch()
        self.show_accounts(desk.accounts)

    def show_accounts(self, accounts: Sequence[Account]) -> None:
        """List the accounts anew."""
        for panel in self.panels:
            self._accounts.removeWidget(panel)
            panel.deleteLater()
        db = self._desk.library.db
        signed = {key.domain for key in dkim.keys(db)} if db is not None else set()
        self.panels = [
            AccountPanel(
                one, read.quotas(db, one.id) if db is not None else (), accounts, signed=domain_of(one.email) in signed
            )
            for one in accounts
        ]
        for panel in self.panels:
            panel.form.offer_inboxes(accounts)
            panel.asked.connect(self.asked)
            panel.gone.connect(lambda panel=panel: self._forget(panel))
            self._accounts.addWidget(panel)

    def examine(self, account_id: int) -> None:
        """Look at how mail of an account that delivers directly is seen."""
        for panel in self.panels:
            if panel.account.id == account_id:
                panel.examine()
                self.bring_into_view(panel)

    def change(self, **values: object) -> None:
        """Keep settings."""
        self._desk.change_preferences(replace(self._desk.preferences, **values))  # type: ignore[arg-type]

    # ---- sections
    def _appearance(self) -> None:
        now = self._desk.preferences
        self._section("Appearance")
        looks = ((Appearance.FOLLOW, "As the desktop"), (Appearance.LIGHT, "Light"), (Appearance.DARK, "Dark"))
        self.look = Choice("Colours", looks)
        self.look.choose(now.appearance)
        self.look.changed.connect(self._look_changed)
        self._line("Colours", self.look)
        densities = ((Density.CARDS, "Cards"), (Density.COMPACT, "Compact"), (Density.TABLE, "Table"))
        self.density = Choice("Message list", densities)
        self.density.choose(now.density)
        self.density.changed.connect(lambda: self.change(density=Density(self.density.value())))
        self._line("Message list", self.density)
        self.scale = QSlider(Qt.Orientation.Horizontal)
        styled(self.scale, _SLIDER)
        self.scale.setAccessibleName("Text size in percent")
        self.scale.setRange(75, 200)
        self.scale.setSingleStep(5)
        self.scale.setPageStep(25)
        self.scale.setMinimumSize(180, 24)
        self.scale.setValue(round(now.text_scale * 100))
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(250)
        self._settled.timeout.connect(lambda: self.change(text_scale=self.scale.value() / 100))
        self.scale.valueChanged.connect(lambda _: self._settled.start())
        self._line("Text size", self.scale)

    def _reading(self) -> None:
        now = self._desk.preferences
        self._section("Reading and writing")
        self.shape = Choice("A message is shown", _SHAPES)
        self.shape.choose("whole" if now.conversations else "single")
        self.shape.changed.connect(lambda: self.change(conversations=self.shape.value() == "whole"))
        self._line("A message is shown", self.shape)
        self.seen = Choice("A message counts as read", _READ)
        known = {value for value, _ in _READ}
        self.seen.choose(str(float(now.mark_read_after)) if str(float(now.mark_read_after)) in known else "0.0")
        self.seen.changed.connect(lambda: self.change(mark_read_after=float(self.seen.value())))
        self._line("A message counts as read", self.seen)
        self.images = ImageRules(now, self.change)
        self.column.addWidget(self.images)
        self.signatures = Choice("The signatures of what you read are checked", _CHECK)
        self.signatures.choose(now.check_signatures)
        self.signatures.changed.connect(lambda: self.change(check_signatures=Consent(self.signatures.value())))
        self._line("Signatures of what you read are checked, by asking the DNS", self.signatures)
        self.receipts = Choice("A sender who asks is told that you have read a message", _RECEIPTS)
        self.receipts.choose(now.read_receipts)
        self.receipts.changed.connect(lambda: self.change(read_receipts=ReadReceipts(self.receipts.value())))
        self._line("A sender who asks is told that you have read a message", self.receipts)

    def _writing(self) -> None:
        now = self._desk.preferences
        self.undo = Choice("Sending can be taken back for", _UNDO)
        self.undo.choose(str(now.undo_send) if str(now.undo_send) in dict(_UNDO) else "10")
        self.undo.changed.connect(lambda: self.change(undo_send=int(self.undo.value())))
        self._line("Sending waits, so that it can be taken back", self.undo)
        self.writing = Choice("A new message is written as", _WRITES)
        self.writing.choose(now.writing)
        self.writing.changed.connect(lambda: self.change(writing=Writes(self.writing.value())))
        self._line("A new message is written as", self.writing)
        self.answer = Choice("An answer stands", _ANSWERS)
        self.answer.choose(now.answer)
        self.answer.changed.connect(lambda: self.change(answer=Place(self.answer.value())))
        self._line("An answer stands", self.answer)
        if any(one.route is Route.DIRECT or one.rules for one in self._desk.accounts):
            self.ahead = Choice("Recipients' domains are looked up while you write", _AHEAD)
            self.ahead.choose(now.look_ahead)
            self.ahead.changed.connect(lambda: self.change(look_ahead=Consent(self.ahead.value())))
            self._line("Domains that mail goes to directly are looked up while you write", self.ahead)
        self.signature = QPlainTextEdit(now.signature)
        self.signature.setProperty("kind", "field")
        styled(self.signature, "QPlainTextEdit { padding: 8px 8px; }")
        self.signature.setAccessibleName("Signature")
        self.signature.setPlaceholderText("Nothing is put below what you write")
        self.signature.setFixedHeight(84)
        self.signature.setTabChangesFocus(True)
        self._signed = QTimer(self)
        self._signed.setSingleShot(True)
        self._signed.setInterval(600)
        self._signed.timeout.connect(lambda: self.change(signature=self.signature.toPlainText()))
        self.signature.textChanged.connect(self._signed.start)
        self.column.addWidget(Label("Signature", BASE), 0, Qt.AlignmentFlag.AlignLeft)
        self.column.addWidget(self.signature)

    def _rules(self) -> None:
        self._section("Rules")
        accounts = [(int(one.id), words.shown(one.name or one.email, 60)) for one in self._desk.accounts]
        self.rules = RuleList(accounts, self._desk.preferences.tags, self.asked.emit)
        self.rules.changed.connect(self._read_rules)
        self.column.addWidget(self.rules)
        self._read_rules()

    def _read_rules(self) -> None:
        db = self._desk.library.db
        self.rules.show_rules(rules.rules(db) if db is not None else [])

    def make_rule(self, rule: MailRule) -> None:
        """Open the form with this in it."""
        self.bring_into_view(self.rules.edit(rule))

    def _notifications(self) -> None:
        now = self._desk.preferences
        self._section("Notifications")
        self.notify = Tick("Tell me of new mail")
        self.notify.setChecked(now.notifications)
        self.notify.toggled.connect(lambda on: self.change(notifications=on))
        self.notify_text = Tick("With sender and subject")
        self.notify_text.setChecked(now.notification_text)
        self.notify_text.setEnabled(now.notifications)
        self.notify.toggled.connect(self.notify_text.setEnabled)
        self.notify_text.toggled.connect(lambda on: self.change(notification_text=on))
        self.column.addWidget(self.notify)
        self.column.addWidget(self.notify_text)

    def _passwords(self) -> None:
        self._section("Passwords")
        self.secrets_note = Banner()
        self.secrets_note.hide()
        self.secrets = SecretsChoice(keyring=True, now="keyring", button="Keep them there")
        self.secrets.chosen.connect(self._choose_secrets)
        self.column.addWidget(self.secrets)
        self.column.addWidget(self.secrets_note)
        QTimer.singleShot(0, self._ask_place)

    def _keyboard(self) -> None:
        self._section("Keyboard")
        button = Button("Show all keyboard shortcuts", "keyboard")
        button.clicked.connect(self.shortcuts_wanted)
        self._row(button)
        path = self._desk.library.profile.settings
        self.column.addWidget(Label(f"These settings are in {path}.", SECONDARY, "tertiary", wrap=True))

    # ---- inside
    def _section(self, title: str) -> None:
        if self.column.count():
            self.column.addSpacing(10)
            self.column.addWidget(Line())
            self.column.addSpacing(6)
        self.column.addWidget(Label(title, TITLE, bold=True), 0, Qt.AlignmentFlag.AlignLeft)

    def _line(self, name: str, part: QWidget) -> None:
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(Label(name, BASE))
        row.addStretch(1)
        row.addWidget(part)
        self.column.addLayout(row)

    def _row(self, *buttons: Button) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        for button in buttons:
            row.addWidget(button)
        row.addStretch()
        self.column.addLayout(row)

    def _look_changed(self) -> None:
        self.change(appearance=Appearance(self.look.value()))
        self.appearance_changed.emit()

    def _ask_place(self) -> None:
        """Which place is in use is the engine's to say (its Welcome)."""

        def told(answer: wire.Answer) -> None:
            if isinstance(answer, wire.Welcome) and answer.secrets:
                self.secrets.choose(answer.secrets)

        self.asked.emit(wire.Hello("window", events=True), told, lambda _: None)

    def _choose_secrets(self, place: str, passphrase: str) -> None:
        def kept(_: wire.Answer) -> None:
            self.secrets.passphrase.clear()
            self.secrets.again.clear()
            self.secrets_note.say("Passwords are kept there from now on.", "info", "circle-check")
            self.secrets_note.show()

        self.asked.emit(wire.ChooseSecrets(place, passphrase), kept, self._not_kept)

    def _not_kept(self, error: MailError) -> None:
        self.secrets_note.say(error.text, "danger")
        self.secrets_note.show()

    def _forget(self, panel: "AccountPanel") -> None:
        self.panels.remove(panel)
        self._accounts.removeWidget(panel)
        panel.deleteLater()


class AccountPanel(QFrame):
    """One account: what it is, and how full on its server; "Check", "Edit", "Remove": each opens in place.

    ``others``: all accounts, of which one may send what this one should not deliver itself; ``signed``: there are keys
    for its mail.
    """

    asked = Signal(object, object, object)
    gone = Signal()

    def __init__(
        self, account: Account, quotas: Sequence[Quota] = (), others: Sequence[Account] = (), *, signed: bool = False
    ) -> None:
        super().__init__()
        self.setProperty("kind", "panel")
        self.account = account
        self.quotas = tuple(quotas)
        self._names = {int(one.id): words.shown(one.name or one.email, 80) for one in others}
        self.diagnosis: DiagnosisPanel | None = None
        self.banner = Banner(stacked=True)
        self.form = AccountForm()
        self.password = PasswordField("New password", "New password (empty: as it is)")
        self.editor = QWidget()
        self._edit = Button("Edit")
        self._check = Button("Check")
        self._examine = Button("Would it arrive?", kind="link")
        self._examine.setToolTip("How other servers see mail that this computer delivers by itself")
        self._examine.setVisible(signed or account.route is Route.DIRECT)
        self._ways = Button("Another way for some domains", kind="link")
        self._ways.setVisible(account.route is not Route.NONE)
        self._others = tuple(others)
        self.ways: Ways | None = None
        self._sign_in = Button("Sign in again", kind="link")
        self._sign_in.setVisible(account.oauth is not None)
        self._sign_in.setAccessibleName(f"Sign in again {account.email}")
        self.signing_in: SignInPanel | None = None
        self._who = Button("Identities and signatures", kind="link")
        self._who.setVisible(account.route is not Route.NONE)
        self.identities: Identities | None = None
        self._remove = Button("Remove", kind="danger")
        self._lay_out()
        self._edit.clicked.connect(self.edit)
        self._check.clicked.connect(self.check)
        self._examine.clicked.connect(self.examine)
        self._sign_in.clicked.connect(self.sign_in)
        self._ways.clicked.connect(self.show_ways)
        self._who.clicked.connect(self.show_identities)
        self._remove.clicked.connect(self.ask_remove)

    def check(self) -> None:
        """Connect both ways and say what was found."""
        self._say("Trying both ways…", "info")
        self._check.setEnabled(False)
        self.asked.emit(wire.CheckAccount(self.account.id), self._checked, self._failed)

    def sign_in(self) -> None:
        """Sign in in the browser once more."""
        if self.signing_in is None:
            self.signing_in = panel = sign_in_again(self.account)
            panel.asked.connect(self.asked)
            panel.failed.connect(self._failed)
            panel.signed_in.connect(lambda _: self._say("Signed in; Mua connects anew.", "info", "circle-check"))
            self._column.addWidget(panel)
        self.signing_in.begin()

    def examine(self) -> None:
        """Look at how mail that this account delivers is seen, and offer another account's server for it."""
        shown = self._look_at(self.account)
        shown.found.connect(lambda one: self._offer_relay(shown, one))
        shown.offer("Close", self._close_diagnosis)

    def show_ways(self) -> None:
        """Open or close the rules that send mail for some domains another way."""
        if self.ways is not None:
            self._close_ways()
            return
        self.ways = shown = Ways(self.account, self._others)
        shown.asked.connect(self.asked)
        shown.changed.connect(self._rules_changed)
        self._column.addWidget(shown)
        shown.domain.setFocus()

    def show_identities(self) -> None:
        """Open or close the list of whom the person writes as."""
        if self.identities is not None:
            self._column.removeWidget(self.identities)
            self.identities.deleteLater()
            self.identities = None
            return
        from mua.gui.identities_panel import Identities

        self.identities = shown = Identities(self.account)
        shown.asked.connect(self.asked)
        shown.changed.connect(self._identities_changed)
        self._column.addWidget(shown)
        shown.add.setFocus()

    def _identities_changed(self, account: Account) -> None:
        self.account = replace(self.account, identities=account.identities)

    def _close_ways(self) -> None:
        if self.ways is not None:
            self._column.removeWidget(self.ways)
            self.ways.deleteLater()
            self.ways = None

    def _rules_changed(self, account: Account) -> None:
        self.account = replace(self.account, rules=account.rules)

    def edit(self) -> None:
        """Open or close the form."""
        shown = self.editor.isHidden()
        self.form.show_account(self.account)
        self.editor.setVisible(shown)
        self.banner.hide()
        if shown:
            self.form.full_name.setFocus()

    def save(self) -> None:
        """Keep what is in the form."""
        made = self.form.account(self.account.email)
        if isinstance(made, Wrong):
            made.field.setFocus()
            self._say(made.text, "danger")
            return
        if made.route is Route.DIRECT and self.account.route is not Route.DIRECT:
            self._consider(made)
        else:
            self._keep(made)

    def _consider(self, made: Account) -> None:
        """Before direct delivery is switched on it is said how far it would get."""
        shown = self._look_at(made)
        shown.offer("Leave it as it was", self._close_diagnosis)
        shown.found.connect(lambda one: self._offer_direct(shown, made, one))

    def _offer_direct(self, shown: DiagnosisPanel, made: Account, one: Diagnosis) -> None:
        if all(symptom.what != "from" for symptom in one.symptoms):
            well = one.reach is Reach.ANYONE
            text, kind = ("Deliver directly", "primary") if well else ("Deliver directly all the same", "")
            shown.offer_once(text, lambda: self._keep(made), kind)

    def _offer_relay(self, shown: DiagnosisPanel, one: Diagnosis) -> None:
        name = self._names.get(one.relay, "") if one.reach is not Reach.ANYONE else ""
        if name:
            shown.offer_once(f"Send by {name}", lambda: self._send_by(one.relay))

    def _send_by(self, relay: int) -> None:
        """Everything goes by another account's server; rules for single domains stay."""
        rest = tuple(rule for rule in self.account.rules if rule.pattern != "*")
        rules = (*rest, Rule("*", Way(Hop.ACCOUNT, str(relay))))

        def kept(_: wire.Answer) -> None:
            self.account = replace(self.account, rules=rules)
            self._close_ways()
            self._close_diagnosis()
            self._say(f"Mail goes by the server of {self._names[relay]} from now on.", "info", "circle-check")

        self.asked.emit(wire.SetRules(self.account.id, rules), kept, self._failed)

    def _look_at(self, account: Account) -> DiagnosisPanel:
        self._close_diagnosis()
        self.banner.hide()
        self.diagnosis = shown = DiagnosisPanel(account)
        shown.asked.connect(self.asked)
        self._column.addWidget(shown)
        shown.look()
        return shown

    def _close_diagnosis(self) -> None:
        if self.diagnosis is not None:
            self._column.removeWidget(self.diagnosis)
            self.diagnosis.deleteLater()
            self.diagnosis = None

    def _keep(self, made: Account) -> None:
        password, signed = self.password.text(), not self._examine.isHidden()

        def kept(_: wire.Answer) -> None:
            self.account = made
            self._close_diagnosis()
            self._examine.setVisible(signed or made.route is Route.DIRECT)
            self.editor.hide()
            self.password.clear()
            self._say("Kept; Mua connects anew.", "info")
            if password:
                self.asked.emit(wire.SetSecret(made.id, password), lambda _: None, self._failed)

        self.asked.emit(wire.UpdateAccount(made), kept, self._failed)

    def ask_remove(self) -> None:
        """Say what is lost; the second click removes."""
        lost = "Its mail is removed from this computer; on the server everything stays."
        if self.account.incoming is not Incoming.IMAP:
            lost = "Its mail lives on this computer only, and is lost."
            if self.account.incoming is Incoming.POP3:
                lost = "Its mail on this computer is lost; what was left on the server stays there."
        self._say(f"Remove this account? {lost} What waits in its outbox is not sent.", "danger")
        self.banner.offer("Remove it", self._do_remove)
        self.banner.offer("Keep it", self.banner.hide)

    # ---- inside
    def _lay_out(self) -> None:
        account = self.account
        avatar = Avatar(36)
        avatar.show_person(account.full_name, account.email)
        ways = _INCOMING[account.incoming]
        out = {Route.SMTP: "sends by a server", Route.DIRECT: "sends directly", Route.NONE: "sends nothing"}[
            account.route
        ]
        names = QVBoxLayout()
        names.setSpacing(1)
        names.addWidget(ElidedLabel(words.shown(account.name or account.email, 100), BASE, bold=True))
        names.addWidget(ElidedLabel(f"{words.shown(account.email, 100)} · {ways}, {out}", SECONDARY, "secondary"))
        for one in self.quotas:
            tone = "danger" if one.nearly_full else "secondary"
            names.addWidget(Label(words.shown(f"On the server {one}", 100), SECONDARY, tone))
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(avatar)
        head.addLayout(names, 1)
        for button in (self._check, self._edit, self._remove):
            button.setAccessibleName(f"{button.text()} {account.email}")
            head.addWidget(button)
        links = QHBoxLayout()
        links.setSpacing(16)
        links.addWidget(self._sign_in)
        links.addWidget(self._examine)
        links.addWidget(self._who)
        links.addWidget(self._ways)
        links.addStretch()
        names.addLayout(links)
        inside = QVBoxLayout(self.editor)
        inside.setContentsMargins(0, 6, 0, 0)
        inside.setSpacing(8)
        inside.addWidget(Line())
        inside.addWidget(self.form)
        inside.addWidget(self.password)
        save, cancel = Button("Keep changes", kind="primary"), Button("Cancel")
        save.clicked.connect(self.save)
        self.form.entered.connect(self.save)
        self.password.returnPressed.connect(self.save)
        cancel.clicked.connect(self.editor.hide)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(cancel)
        row.addWidget(save)
        inside.addLayout(row)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 12, 12)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.banner)
        column.addWidget(self.editor)
        self.banner.hide()
        self.editor.hide()

    def _say(self, text: str, tone: str, icon: str = "") -> None:
        self.banner.withdraw()
        self.banner.say(text, tone, icon)
        self.banner.show()

    def _checked(self, answer: wire.Answer) -> None:
        assert isinstance(answer, wire.Checked)
        self._check.setEnabled(True)
        good = all(one.ok for one in answer.findings)
        text = "\n".join(one.text for one in answer.findings)
        self._say(text, "info" if good else "danger", "circle-check" if good else "")

    def _failed(self, error: MailError) -> None:
        self._check.setEnabled(True)
        self._say(error.text, "danger")

    def _do_remove(self) -> None:
        self.banner.withdraw()
        self._say("Removing…", "info")
        self.asked.emit(wire.RemoveAccount(self.account.id), lambda _: self.gone.emit(), self._failed)
