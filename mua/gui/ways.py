"""For some domains another way than the account's own: a list of rules in the account's panel, and a line to add one.

Rule of the file: a rule is kept by the engine before the list shows it; what names no domain or host is said in place.
"""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.notices import Banner
from mua.gui.select import Select
from mua.gui.theme import SECONDARY
from mua.gui.widgets import Button, ElidedLabel, Field, Label, Line, ToolButton
from mua.language import tr
from mua.model.account import Account, Route
from mua.model.way import Hop, Rule, Way, way_from
from mua.plan.routes import pattern_typed

_NOTE = tr(
    "Mail goes the way of the closest rule: a domain, .domain for everything below it, or * for all others;"
    " without one, the account's own way."
)
_NO_DOMAIN = tr("Please write a domain, such as example.org, .example.org for all below it, or * for all.")
_NO_HOST = tr("Please write the server's host, such as 192.168.1.5:25.")


class Ways(QWidget):
    """The list for one account; ``others`` are all accounts, of which each that sends by a server may send for it."""

    asked = Signal(object, object, object)
    changed = Signal(object)
    """The account with its new rules."""

    def __init__(self, account: Account, others: Sequence[Account]) -> None:
        super().__init__()
        self.account = account
        self._names = {str(one.id): words.shown(one.name or one.email, 60) for one in others}
        self.rules = QVBoxLayout()
        self.rules.setSpacing(2)
        self.domain = Field(tr("Domain"), "example.org")
        self.way = Select(tr("How its mail goes"))
        self.host = Field(tr("Host"), tr("Host, such as 192.168.1.5:25"))
        self.add = Button(tr("Add the rule"), "plus")
        self.banner = Banner()
        self._offer_ways(others)
        self._lay_out()
        self._show()

    def keep_new(self) -> None:
        """Add what is in the line, in place of a rule for the same domains."""
        try:
            pattern = pattern_typed(self.domain.text().strip())
        except ValueError:
            self._wrong(self.domain, _NO_DOMAIN)
            return
        way = self._way()
        if way is None:
            self._wrong(self.host, _NO_HOST)
            return
        rest = tuple(one for one in self.account.rules if one.pattern != pattern)
        self._keep((*rest, Rule(pattern, way)))

    def remove(self, rule: Rule) -> None:
        """Forget a rule."""
        self._keep(tuple(one for one in self.account.rules if one != rule))

    # ---- inside
    def _offer_ways(self, others: Sequence[Account]) -> None:
        if self.account.route is Route.SMTP:
            self.way.addItem(tr("by the account's server"), str(Way(Hop.SUBMISSION)))
        self.way.addItem(tr("directly to its mail exchangers"), str(Way(Hop.DIRECT)))
        for one in others:
            if one.id != self.account.id and one.route is Route.SMTP:
                way = Way(Hop.ACCOUNT, str(one.id))
                self.way.addItem(tr("by the server of {name}", name=self._names[str(one.id)]), str(way))
        self.way.addItem(tr("to this host by SMTP"), Hop.SMTP.value)
        self.way.addItem(tr("to this host by LMTP, into its mailboxes"), Hop.LMTP.value)

    def _way(self) -> Way | None:
        chosen, host = str(self.way.currentData()), self.host.text().strip()
        if self._wants_host():
            chosen = f"lmtp:{host}" if host.startswith("/") and chosen == Hop.LMTP else f"{chosen}://{host}"
        try:
            return way_from(chosen)
        except ValueError:
            return None

    def _wants_host(self) -> bool:
        return self.way.currentData() in (Hop.SMTP.value, Hop.LMTP.value)

    def _wrong(self, field: Field, text: str) -> None:
        field.mark(True)
        field.setFocus()
        self.banner.say(text, "danger")
        self.banner.show()

    def _keep(self, rules: tuple[Rule, ...]) -> None:
        def kept(_: wire.Answer) -> None:
            self.setEnabled(True)
            self.account = replace(self.account, rules=rules)
            self.domain.clear()
            self.host.clear()
            self.changed.emit(self.account)
            self._show()

        def failed(error: MailError) -> None:
            self.setEnabled(True)
            self.banner.say(error.text, "danger")
            self.banner.show()

        self.banner.hide()
        self.setEnabled(False)  # the next change is made to what this one leaves
        self.asked.emit(wire.SetRules(self.account.id, rules), kept, failed)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(8)
        column.addWidget(Line())
        column.addWidget(Label(_NOTE, SECONDARY, "secondary", wrap=True))
        column.addLayout(self.rules)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.domain.setMaximumWidth(200)
        row.addWidget(self.domain)
        row.addWidget(self.way)
        row.addWidget(self.host, 1)
        row.addWidget(self.add)
        row.addStretch()
        column.addLayout(row)
        column.addWidget(self.banner)
        self.banner.hide()
        self.add.clicked.connect(self.keep_new)
        for field in (self.domain, self.host):
            field.returnPressed.connect(self.keep_new)
            field.textEdited.connect(self._edited)
        self.way.currentIndexChanged.connect(self._arrange)
        self._arrange()

    def _edited(self) -> None:
        for field in (self.domain, self.host):
            field.mark(False)
        self.banner.hide()

    def _arrange(self) -> None:
        self.host.setVisible(self._wants_host())

    def _show(self) -> None:
        while item := self.rules.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for rule in self.account.rules:
            self.rules.addWidget(self._row(rule))
        if not self.account.rules:
            self.rules.addWidget(Label(tr("No rules: all mail goes the account's own way."), SECONDARY, "tertiary"))

    def _row(self, rule: Rule) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        text = (
            f"{tr('all others') if rule.pattern == '*' else words.shown(rule.pattern, 120)}  →  {self._words(rule.way)}"
        )
        forget = ToolButton("x", tr("Remove the rule for {pattern}", pattern=rule.pattern))
        forget.clicked.connect(lambda: self.remove(rule))
        line.addWidget(ElidedLabel(text, SECONDARY), 1)
        line.addWidget(forget, 0, Qt.AlignmentFlag.AlignRight)
        return row

    def _words(self, way: Way) -> str:
        match way.hop:
            case Hop.SUBMISSION:
                return tr("by the account's server")
            case Hop.DIRECT:
                return tr("directly")
            case Hop.ACCOUNT:
                return tr("by the server of {name}", name=self._names.get(way.host, tr("an account that is gone")))
            case _:
                return words.shown(str(way), 120)
