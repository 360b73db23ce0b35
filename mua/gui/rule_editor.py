"""Settings: rules for new mail. A list of them, and a form for one, with a trial over last year's mail.

Rules of the file: what a rule does is the engine's; this shows and asks.  A rule is kept only by its button, and the
trial does nothing but count.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.choice import Choice
from mua.gui.select import Completer, Select, Tick
from mua.gui.theme import BASE, SECONDARY
from mua.gui.widgets import Button, ElidedLabel, Field, Label, ToolButton, restyle
from mua.language import inside, tr
from mua.model.mail_rule import WITH_VALUE, Condition, Deed, Do, MailRule
from mua.model.mail_rule import Field as Part
from mua.model.tag import Tag, keyword_of, tag_named, tag_of
from mua.plan import rules as plan

PARTS = {
    Part.FROM: tr("From"),
    Part.TO: tr("To or Cc"),
    Part.SUBJECT: tr("Subject"),
    Part.LIST: tr("Mailing list"),
    Part.LARGER: tr("Larger than"),
    Part.SMALLER: tr("Smaller than"),
    Part.HAS: tr("Has an attachment"),
}
DEEDS = {
    Do.MOVE: tr("Move to folder"),
    Do.TAG: tr("Tag as"),
    Do.STAR: tr("Star"),
    Do.READ: tr("Mark as read"),
    Do.ARCHIVE: tr("Archive"),
    Do.JUNK: tr("Move to Junk"),
    Do.DELETE: tr("Move to the bin"),
    Do.FORWARD: tr("Forward to"),
}
_HINTS = {Part.LARGER: "10M", Part.SMALLER: "100k", Part.LIST: "news.example.org"}
Ask = Callable[[wire.Command, Callable[[wire.Answer], object], Callable[[MailError], object]], object]


class _Line(QWidget):
    """What, and which: one condition or one deed."""

    removed = Signal()
    changed = Signal()

    def __init__(
        self,
        kinds: Sequence[tuple[str, str]],
        label: str,
        *,
        negatable: bool,
        known: Callable[[str], Sequence[str]] = lambda _: (),
    ) -> None:
        """``known``: what there is to choose among for a kind."""
        super().__init__()
        self.kind = Select(label)
        for value, text in kinds:
            self.kind.addItem(text, value)
        self.sense = Select(tr("Whether it holds"))
        self.sense.addItem(tr("contains"), False)
        self.sense.addItem(tr("does not contain"), True)
        self.value = Field(tr("{label}: what", label=label), "")
        self.remove = ToolButton("x", tr("Remove this line"))
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self.kind)
        line.addWidget(self.sense)
        line.addWidget(self.value, 1)
        line.addStretch()
        line.addWidget(self.remove)
        self._negatable, self._known = negatable, known
        self._names = QStringListModel(self)
        self.value.setCompleter(Completer(self._names, label, self))
        self.kind.currentIndexChanged.connect(lambda _: self.fit())
        self.remove.clicked.connect(self.removed)
        for signal in (self.kind.currentIndexChanged, self.sense.currentIndexChanged, self.value.textChanged):
            signal.connect(lambda *_: self.changed.emit())
        self.fit()

    def fit(self) -> None:
        """Only what has a meaning here."""
        key = self.kind.currentData()
        plain = key in (Part.HAS, Part.LARGER, Part.SMALLER)
        self.sense.setVisible(self._negatable and not plain)
        self.value.setVisible(key in WITH_VALUE if not self._negatable else key != Part.HAS)
        self.value.setPlaceholderText(_HINTS.get(key, ""))
        self._names.setStringList([*self._known(key)])


class RuleForm(QFrame):
    """One rule.  ``kept`` has it.  ``folders``: the account and the name of each that mail can be moved to."""

    kept = Signal(object)
    left = Signal()

    def __init__(
        self,
        rule: MailRule,
        accounts: Sequence[tuple[int, str]],
        tags: Sequence[Tag],
        ask: Ask,
        folders: Sequence[tuple[int, str]] = (),
    ) -> None:
        super().__init__()
        self.setProperty("kind", "panel")
        self._rule, self._tags, self._ask, self._folders = rule, tuple(tags), ask, folders
        self.name = Field(tr("Name of the rule"), tr("Name of the rule"))
        self.name.setText(rule.name)
        self.every = Choice(tr("How many have to hold"), (("all", tr("All of these")), ("any", tr("One of these"))))
        self.every.choose("all" if rule.every else "any")
        self.account = Select(tr("For which account"))
        for number, name in ((0, tr("All accounts")), *accounts):
            self.account.addItem(name, number)
        self.account.setCurrentIndex(max(self.account.findData(rule.account_id), 0))
        self.account.currentIndexChanged.connect(lambda _: self._fit())
        self.last = Tick(tr("No rule below sees what this one fits"))
        self.last.setChecked(rule.last)
        self.conditions: list[_Line] = []
        self.deeds: list[_Line] = []
        self.said = Label("", SECONDARY, "secondary", wrap=True)
        self.said.hide()
        self._lay_out()
        for one in rule.conditions or (Condition(Part.FROM, ""),):
            self._add_condition(one)
        for deed in rule.deeds or (Deed(Do.MOVE),):
            self._add_deed(deed)

    def rule(self) -> MailRule:
        """What is in the form."""
        conditions = tuple(
            Condition(Part(line.kind.currentData()), self._text(line), bool(line.sense.currentData()))
            for line in self.conditions
        )
        deeds = tuple(self._deed(line) for line in self.deeds)
        every, account = self.every.value() == "all", int(self.account.currentData())
        return replace(
            self._rule, name=self.name.text().strip(), conditions=conditions, deeds=deeds, every=every,
            account_id=account, last=self.last.isChecked(),
        )  # fmt: skip

    def try_it(self) -> None:
        """Count what it would have fitted."""
        rule = self.rule()
        if text := self._problem(rule):
            self._say(text, good=False)
            return
        self._say(tr("Looking through the mail of the last year…"))
        self._ask(wire.TryRule(rule), self._tried, lambda error: self._say(error.text, good=False))

    def keep(self) -> None:
        """Keep it."""
        rule = self.rule()
        if text := self._problem(rule):
            self._say(text, good=False)
        else:
            self._ask(
                wire.PutRule(rule), lambda _: self.kept.emit(rule), lambda error: self._say(error.text, good=False)
            )

    # ---- inside
    def _fit(self) -> None:
        for line in self.deeds:
            line.fit()

    def _problem(self, rule: MailRule) -> str:
        """Why it cannot be kept; empty: it can."""
        if text := plan.problem(rule):
            return text
        known = self._known(Do.MOVE)
        unknown = next((one.value for one in rule.deeds if one.do is Do.MOVE and one.value not in known), None)
        if unknown is None:
            return ""
        return tr("There is no folder “{name}”; choose one that is there, or make it first.", name=unknown)

    def _known(self, kind: str) -> list[str]:
        if kind == Do.TAG:
            return [one.name for one in self._tags]
        account = int(self.account.currentData())
        here = [name for owner, name in self._folders if account in (0, owner)]
        return list(dict.fromkeys(here)) if kind == Do.MOVE else []

    def _text(self, line: _Line) -> str:
        return "attachment" if line.kind.currentData() == Part.HAS else line.value.text().strip()

    def _deed(self, line: _Line) -> Deed:
        do, text = Do(line.kind.currentData()), line.value.text().strip()
        if do not in WITH_VALUE:
            return Deed(do)
        if do is Do.TAG and text:
            known = tag_named(text, self._tags)
            text = known.keyword if known is not None else keyword_of(text)
        return Deed(do, text)

    def _tried(self, answer: wire.Answer) -> None:
        if isinstance(answer, wire.RuleTried):
            fits, looked = f"{answer.fitting:,}", words.count(answer.looked, "message")
            self._say(
                tr(
                    "It fits {fits} of the {looked} that came within the last year. Nothing was done to them.",
                    fits=fits,
                    looked=looked,
                )
            )

    def _say(self, text: str, good: bool = True) -> None:
        restyle(self.said, tone="secondary" if good else "danger")
        self.said.setText(text)
        self.said.show()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        column.addWidget(self.name)
        when = QHBoxLayout()
        when.addWidget(Label(tr("When a new message has"), BASE))
        when.addWidget(self.every)
        when.addStretch(1)
        when.addWidget(self.account)
        column.addLayout(when)
        self._upper, self._lower = QVBoxLayout(), QVBoxLayout()
        for lines in (self._upper, self._lower):
            lines.setSpacing(6)
        more, another = (
            Button(tr("Another condition"), "plus", kind="link"),
            Button(tr("Another deed"), "plus", kind="link"),
        )
        more.clicked.connect(lambda: self._add_condition(Condition(Part.SUBJECT, "")))
        another.clicked.connect(lambda: self._add_deed(Deed(Do.STAR)))
        column.addLayout(self._upper)
        column.addWidget(more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(Label(tr("then"), BASE))
        column.addLayout(self._lower)
        column.addWidget(another, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.last)
        column.addWidget(self.said)
        column.addLayout(self._buttons())

    def _buttons(self) -> QHBoxLayout:
        keep, trial = (
            Button(tr("Keep the rule"), "check", kind="primary"),
            Button(tr("Try it on last year's mail"), "history"),
        )
        cancel = Button(tr("Cancel"), kind="link")
        keep.clicked.connect(self.keep)
        trial.clicked.connect(self.try_it)
        cancel.clicked.connect(self.left)
        row = QHBoxLayout()
        for button in (keep, trial, cancel):
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _add_condition(self, one: Condition) -> None:
        line = _Line([(key.value, text) for key, text in PARTS.items()], tr("Condition"), negatable=True)
        line.kind.setCurrentIndex(max(line.kind.findData(one.field.value), 0))
        line.sense.setCurrentIndex(int(one.negated))
        line.value.setText("" if one.field is Part.HAS else one.value)
        self._put(line, self.conditions, self._upper)

    def _add_deed(self, one: Deed) -> None:
        line = _Line(
            [(key.value, text) for key, text in DEEDS.items()], tr("What is done"), negatable=False, known=self._known
        )
        line.kind.setCurrentIndex(max(line.kind.findData(one.do.value), 0))
        known = tag_of(one.value, self._tags) if one.do is Do.TAG and one.value else None
        line.value.setText(known.name if known is not None else one.value)
        self._put(line, self.deeds, self._lower)

    def _put(self, line: _Line, lines: list[_Line], column: QVBoxLayout) -> None:
        lines.append(line)
        column.addWidget(line)
        line.removed.connect(partial(self._drop, line, lines, column))
        line.changed.connect(self.said.hide)

    def _drop(self, line: _Line, lines: list[_Line], column: QVBoxLayout) -> None:
        if len(lines) > 1:
            lines.remove(line)
            column.removeWidget(line)
            line.hide()
            line.deleteLater()


class RuleList(QWidget):
    """All rules, in the order in which mail meets them; one opens in its place."""

    changed = Signal()
    """A rule was kept or removed: read them again (``show_rules``)."""

    def __init__(
        self,
        accounts: Sequence[tuple[int, str]],
        tags: Sequence[Tag],
        ask: Ask,
        folders: Sequence[tuple[int, str]] = (),
    ) -> None:
        super().__init__()
        self._accounts, self._tags, self._ask, self._folders = accounts, tuple(tags), ask, folders
        self.rows: list[QWidget] = []
        self.form: RuleForm | None = None
        self._rules: list[MailRule] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        said = tr("New mail meets them in this order; the mail that is here already is left alone.")
        self._column.addWidget(Label(said, SECONDARY, "secondary", wrap=True))
        self._lines = QVBoxLayout()
        self._lines.setSpacing(6)
        self._column.addLayout(self._lines)
        self.add = Button(tr("Add a rule"), "plus")
        self.add.clicked.connect(lambda: self.edit(MailRule(0, "", (), ())))
        self._column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)

    def show_rules(self, rules: Sequence[MailRule]) -> None:
        """List them anew."""
        self._rules = list(rules)
        for row in self.rows:
            self._lines.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = [self._row(place, one) for place, one in enumerate(self._rules)]
        for row in self.rows:
            self._lines.addWidget(row)

    def edit(self, rule: MailRule) -> RuleForm:
        """Open the form for a rule (``id`` 0: a new one)."""
        self._close()
        form = self.form = RuleForm(rule, self._accounts, self._tags, self._ask, self._folders)
        form.left.connect(self._close)
        form.kept.connect(lambda _: self._kept())
        self._column.addWidget(form)
        self.add.hide()
        form.name.setFocus()
        return form

    # ---- inside
    def _row(self, place: int, rule: MailRule) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        name = words.shown(rule.name, 80)
        switch = Tick("")
        switch.setAccessibleName(tr("Use the rule {name}", name=name))
        switch.setChecked(rule.enabled)
        switch.toggled.connect(lambda on: self._send(wire.PutRule(replace(rule, enabled=on))))
        told = tr(" and ").join(inside(DEEDS[one.do]) for one in rule.deeds)
        line.addWidget(switch)
        line.addWidget(Label(name, BASE))
        line.addWidget(ElidedLabel(told, SECONDARY, "tertiary"), 1)
        if place:
            up = ToolButton("chevron-up", tr("Move the rule {name} up", name=name))
            up.clicked.connect(partial(self._up, place))
            line.addWidget(up)
        edit = ToolButton("file-pen-line", tr("Edit the rule {name}", name=name))
        edit.clicked.connect(lambda: self.edit(rule))
        remove = ToolButton("x", tr("Remove the rule {name}", name=name))
        remove.clicked.connect(lambda: self._send(wire.RemoveRule(rule.id)))
        line.addWidget(edit)
        line.addWidget(remove)
        return row

    def _up(self, place: int) -> None:
        ids = [one.id for one in self._rules]
        ids[place - 1], ids[place] = ids[place], ids[place - 1]
        self._send(wire.OrderRules(tuple(ids)))

    def _send(self, command: wire.Command) -> None:
        self._ask(command, lambda _: self.changed.emit(), lambda _: self.changed.emit())

    def _kept(self) -> None:
        self._close()
        self.changed.emit()

    def _close(self) -> None:
        if self.form is not None:
            self._column.removeWidget(self.form)
            self.form.hide()
            self.form.deleteLater()
            self.form = None
        self.add.show()
