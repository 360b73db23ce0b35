"""One account in the settings: what it is, how Mua goes about it; "Check", "Edit", "Remove" open in place.

Rules of the file: what belongs to an account is the engine's (commands); removing one says what is lost before it
happens.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.account_form import AccountForm, Wrong
from mua.gui.account_habits import HabitsRow
from mua.gui.diagnosis import DiagnosisPanel
from mua.gui.notices import Banner
from mua.gui.sign_in import SignInPanel, sign_in_again
from mua.gui.theme import BASE, SECONDARY
from mua.gui.ways import Ways
from mua.gui.widgets import Avatar, Button, ElidedLabel, Label, Line, PasswordField, ToolButton
from mua.language import plural, tr
from mua.model.account import Account, Habits, Incoming, Route
from mua.model.diagnosis import Diagnosis, Reach
from mua.model.quota import Quota
from mua.model.way import Hop, Rule, Way

if TYPE_CHECKING:
    from mua.gui.identities_panel import Identities

_INCOMING = {Incoming.IMAP: "IMAP", Incoming.POP3: "POP3", Incoming.LOCAL: tr("on this computer only")}
_OUTGOING = {Route.SMTP: tr("sends by a server"), Route.DIRECT: tr("sends directly"), Route.NONE: tr("sends nothing")}


class AccountPanel(QFrame):
    """One account: what it is, and how full on its server; "Check", "Edit", "Remove": each opens in place.

    ``others``: all accounts, of which one may send what this one should not deliver itself; ``signed``: there are keys
    for its mail; ``waiting`` tells how many changes its server has not got yet.
    """

    asked = Signal(object, object, object)
    gone = Signal()
    up = Signal()

    def __init__(
        self,
        account: Account,
        quotas: Sequence[Quota] = (),
        others: Sequence[Account] = (),
        *,
        signed: bool = False,
        waiting: Callable[[], int] = lambda: 0,
    ) -> None:
        super().__init__()
        self.setProperty("kind", "panel")
        self.account = account
        self.quotas = tuple(quotas)
        self._waiting = waiting
        self._names = {int(one.id): words.shown(one.name or one.email, 80) for one in others}
        self.diagnosis: DiagnosisPanel | None = None
        self.banner = Banner(stacked=True)
        self.form = AccountForm()
        self.password = PasswordField(tr("New password"), tr("New password (empty: as it is)"))
        self.habits = HabitsRow(account)
        self.habits.changed.connect(self._change_habits)
        self.editor = QWidget()
        self._edit = Button(tr("Edit"))
        self._check = Button(tr("Check"))
        self._examine = Button(tr("Would it arrive?"), kind="link")
        self._examine.setToolTip(tr("How other servers see mail that this computer delivers by itself"))
        if not (signed or account.route is Route.DIRECT):
            self._examine.hide()
        self._ways = Button(tr("Another way for some domains"), kind="link")
        self._others = tuple(others)
        self.ways: Ways | None = None
        self._sign_in = Button(tr("Sign in again"), kind="link")
        if account.oauth is None:
            self._sign_in.hide()
        self._sign_in.setAccessibleName(tr("Sign in again {email}", email=account.email))
        self.signing_in: SignInPanel | None = None
        self._up = ToolButton("chevron-up", tr("Move {email} up", email=account.email))
        self._up.clicked.connect(self.up)
        self._who = Button(tr("Identities and signatures"), kind="link")
        if account.route is Route.NONE:
            self._ways.hide()
            self._who.hide()
        self.identities: Identities | None = None
        self._remove = Button(tr("Remove"), kind="danger")
        self._lay_out()
        self._edit.clicked.connect(self.edit)
        self._check.clicked.connect(self.check)
        self._examine.clicked.connect(self.examine)
        self._sign_in.clicked.connect(self.sign_in)
        self._ways.clicked.connect(self.show_ways)
        self._who.clicked.connect(self.show_identities)
        self._remove.clicked.connect(self.ask_remove)

    def may_move_up(self, may: bool) -> None:
        """Whether there is another one above."""
        self._up.setVisible(may)

    def check(self) -> None:
        """Connect both ways and say what was found."""
        self._say(tr("Trying both ways…"), "info")
        self._check.setEnabled(False)
        self.asked.emit(wire.CheckAccount(self.account.id), self._checked, self._failed)

    def sign_in(self) -> None:
        """Sign in in the browser once more."""
        if self.signing_in is None:
            self.signing_in = panel = sign_in_again(self.account)
            panel.asked.connect(self.asked)
            panel.failed.connect(self._failed)
            panel.signed_in.connect(lambda _: self._say(tr("Signed in; Mua connects anew."), "info", "circle-check"))
            self._column.addWidget(panel)
        self.signing_in.begin()

    def examine(self) -> None:
        """Look at how mail that this account delivers is seen, and offer another account's server for it."""
        shown = self._look_at(self.account)
        shown.found.connect(lambda one: self._offer_relay(shown, one))
        shown.offer(tr("Close"), self._close_diagnosis)

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
        self.form.carry(self.account)

    def _close_ways(self) -> None:
        if self.ways is not None:
            self._column.removeWidget(self.ways)
            self.ways.deleteLater()
            self.ways = None

    def _rules_changed(self, account: Account) -> None:
        self.account = replace(self.account, rules=account.rules)
        self.form.carry(self.account)

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
        shown.offer(tr("Leave it as it was"), self._close_diagnosis)
        shown.found.connect(lambda one: self._offer_direct(shown, made, one))

    def _offer_direct(self, shown: DiagnosisPanel, made: Account, one: Diagnosis) -> None:
        if all(symptom.what != "from" for symptom in one.symptoms):
            well = one.reach is Reach.ANYONE
            text, kind = (tr("Deliver directly"), "primary") if well else (tr("Deliver directly all the same"), "")
            shown.offer_once(text, lambda: self._keep(made), kind)

    def _offer_relay(self, shown: DiagnosisPanel, one: Diagnosis) -> None:
        name = self._names.get(one.relay, "") if one.reach is not Reach.ANYONE else ""
        if name:
            shown.offer_once(tr("Send by {name}", name=name), lambda: self._send_by(one.relay))

    def _send_by(self, relay: int) -> None:
        """Everything goes by another account's server; rules for single domains stay."""
        rest = tuple(rule for rule in self.account.rules if rule.pattern != "*")
        rules = (*rest, Rule("*", Way(Hop.ACCOUNT, str(relay))))

        def kept(_: wire.Answer) -> None:
            self.account = replace(self.account, rules=rules)
            self._close_ways()
            self._close_diagnosis()
            self._say(
                tr("Mail goes by the server of {name} from now on.", name=self._names[relay]), "info", "circle-check"
            )

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
            self._say(tr("Kept; Mua connects anew."), "info")
            if password:
                self.asked.emit(wire.SetSecret(made.id, password), lambda _: None, self._failed)

        self.asked.emit(wire.UpdateAccount(made), kept, self._failed)

    def _change_habits(self, habits: Habits) -> None:
        """At once, whatever else is being edited."""
        self.account = replace(self.account, habits=habits)
        self.form.carry(self.account)
        self.asked.emit(wire.UpdateAccount(self.account), lambda _: None, self._failed)

    def ask_remove(self) -> None:
        """Say what is lost; the second click removes."""
        lost = tr("Its mail is removed from this computer; on the server everything stays.")
        if self.account.incoming is not Incoming.IMAP:
            lost = tr("Its mail lives on this computer only, and is lost.")
            if self.account.incoming is Incoming.POP3:
                lost = tr("Its mail on this computer is lost; what was left on the server stays there.")
        waiting = self._waiting()
        if waiting:
            lost += " " + plural(
                waiting,
                "{number:,} change that the server has not got yet is lost.",
                "{number:,} changes that the server has not got yet are lost.",
            )
        if self.account.oauth is not None:
            more = tr("What waits in its outbox is not sent, and its sign-in is forgotten.")
        else:
            more = tr("What waits in its outbox is not sent, and its password is forgotten.")
        self._say(tr("Remove this account? {lost} {more}", lost=lost, more=more), "danger")
        self.banner.offer(tr("Remove it"), self._do_remove)
        self.banner.offer(tr("Keep it"), self.banner.hide)

    # ---- inside
    def _lay_out(self) -> None:
        account = self.account
        avatar = Avatar(36)
        avatar.show_person(account.full_name, account.email)
        ways = _INCOMING[account.incoming]
        out = _OUTGOING[account.route]
        names = QVBoxLayout()
        names.setSpacing(1)
        names.addWidget(ElidedLabel(words.shown(account.name or account.email, 100), BASE, bold=True))
        names.addWidget(ElidedLabel(f"{words.shown(account.email, 100)} · {ways}, {out}", SECONDARY, "secondary"))
        for one in self.quotas:
            tone = "danger" if one.nearly_full else "secondary"
            names.addWidget(Label(words.shown(tr("On the server {one}", one=one), 100), SECONDARY, tone))
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(avatar)
        head.addLayout(names, 1)
        head.addWidget(self._up)
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
        inside.addWidget(self.habits)
        inside.addWidget(self.form)
        inside.addWidget(self.password)
        save, cancel = Button(tr("Keep changes"), kind="primary"), Button(tr("Cancel"))
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
        self._say(tr("Removing…"), "info")
        self.asked.emit(wire.RemoveAccount(self.account.id), lambda _: self.gone.emit(), self._failed)
