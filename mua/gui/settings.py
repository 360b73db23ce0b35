"""Settings: accounts, appearance, writing, notifications, passwords; each change counts at once.

Rules of the file: what belongs to an account is the engine's (commands), the rest is ``Preferences`` (settings.toml,
written whole by ``Desk.change_preferences``).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QSlider, QVBoxLayout, QWidget

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.account_panel import AccountPanel
from mua.gui.choice import Choice
from mua.gui.image_rules import ImageRules
from mua.gui.key_rules import KeyRules
from mua.gui.message_cards import Density
from mua.gui.notices import Banner
from mua.gui.portable import Portable
from mua.gui.preferences import Consent, Place, Preferences, ReadReceipts, Writes
from mua.gui.room import Room
from mua.gui.rule_editor import RuleList
from mua.gui.secrets_choice import SecretsChoice
from mua.gui.select import Tick
from mua.gui.sender_lines import SenderLines
from mua.gui.settings_sections import Sections
from mua.gui.sheets import styled
from mua.gui.snippet_rules import SnippetRules
from mua.gui.spelling import Spelling
from mua.gui.spelling_rules import SpellingRules
from mua.gui.tag_rules import TagRules
from mua.gui.theme import BASE, SECONDARY, Appearance
from mua.gui.widgets import Button, Field, Label
from mua.language import LANGUAGES, tr
from mua.model.account import Account, Incoming, Route
from mua.model.mail_rule import MailRule
from mua.plan.junk import ENOUGH
from mua.plan.routes import domain_of
from mua.store import dkim, junk, read, rules

if TYPE_CHECKING:
    from mua.gui.desk import Desk

_UNDO = (("0", tr("At once")), ("5", tr("5 s")), ("10", tr("10 s")), ("30", tr("30 s")))
_CHECK = (("ask", tr("Ask once")), ("yes", tr("Check")), ("no", tr("Do not")))
_AHEAD = (("ask", tr("Ask once")), ("yes", tr("Look up")), ("no", tr("Do not")))
_SLIDER = """
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: @side_selection; }
QSlider::sub-page:horizontal { border-radius: 2px; background: @accent; }
QSlider::handle:horizontal { width: 16px; margin: -6px 0; border-radius: 8px; background: @accent; }
QSlider::handle:horizontal:focus { border: 2px solid @text; border-radius: 8px; width: 12px; }
"""
_SHAPES = (("whole", tr("In its conversation")), ("single", tr("Alone")))
_RECEIPTS = ((ReadReceipts.ASK, tr("Ask me")), (ReadReceipts.NEVER, tr("Never")))
_WRITES = ((Writes.RICH, tr("Rich text")), (Writes.MARKDOWN, tr("Markdown")), (Writes.PLAIN, tr("Plain text")))
_ANSWERS = ((Place.ABOVE, tr("Above what it quotes")), (Place.BELOW, tr("Below it")))
_WHERE = (("window", tr("In a window of their own")), ("here", tr("Below the message")))
_READ = (("0.0", tr("At once")), ("2.0", tr("After 2 s")), ("-1.0", tr("Never by itself")))


class SettingsPage(Room):
    """The page."""

    asked = Signal(object, object, object)
    appearance_changed = Signal()
    add_wanted = Signal()
    health_wanted = Signal()
    ledger_wanted = Signal()
    import_wanted = Signal()
    shortcuts_wanted = Signal()

    def __init__(self, desk: "Desk", spelling: Spelling) -> None:
        super().__init__(tr("Settings"))
        self._desk, self._spelling = desk, spelling
        self.panels: list[AccountPanel] = []
        self._accounts = QVBoxLayout()
        self._accounts.setSpacing(10)
        self._sections = Sections(self.column)
        self._lay_out_search()
        self._section(tr("Accounts"))
        self._sections.put(self._accounts)
        add = Button(tr("Add an account"), "plus")
        add.clicked.connect(self.add_wanted)
        health = Button(tr("Health"), "info")
        health.clicked.connect(self.health_wanted)
        ledger = Button(tr("What disappeared"), "history")
        ledger.clicked.connect(self.ledger_wanted)
        bring = Button(tr("Import mail"), "import")
        bring.clicked.connect(self.import_wanted)
        self._row(add, bring, health, ledger)
        self.portable = Portable()
        self.portable.asked.connect(self.asked)
        self._sections.put(self.portable)
        self._appearance()
        self._reading()
        self._writing()
        self._section(tr("Tags"))
        self.tags = TagRules(desk.preferences, self.change)
        self._sections.put(self.tags)
        self._rules()
        self._notifications()
        self._passwords()
        self._keyboard()
        self.column.addStretch()
        self._sections.mark(desk.preferences)
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
                one,
                read.quotas(db, one.id) if db is not None else (),
                accounts,
                signed=domain_of(one.email) in signed,
                waiting=partial(self._waiting, one),
            )
            for one in accounts
        ]
        for panel in self.panels:
            panel.form.offer_inboxes(accounts)
            panel.asked.connect(self.asked)
            panel.gone.connect(lambda panel=panel: self._forget(panel))
            panel.up.connect(lambda panel=panel: self._move_up(panel))
            panel.may_move_up(panel is not self.panels[0])
            self._accounts.addWidget(panel)

    def _waiting(self, account: Account) -> int:
        """How many changes its server has not got yet."""
        db = self._desk.library.db
        return read.wishes_of(db, account.id) if db is not None and account.incoming is Incoming.IMAP else 0

    def examine(self, account_id: int) -> None:
        """Look at how mail of an account that delivers directly is seen."""
        for panel in self.panels:
            if panel.account.id == account_id:
                panel.examine()
                self.bring_into_view(panel)

    def change(self, **values: object) -> None:
        """Keep settings."""
        self._desk.change_preferences(replace(self._desk.preferences, **values))  # type: ignore[arg-type]
        self._sections.mark(self._desk.preferences)

    # ---- sections
    def _appearance(self) -> None:
        now = self._desk.preferences
        self._section(tr("Appearance"))
        looks = (
            (Appearance.FOLLOW, tr("As the desktop")),
            (Appearance.LIGHT, tr("Light")),
            (Appearance.DARK, tr("Dark")),
        )
        self.look = Choice(tr("Colours"), looks)
        self.look.choose(now.appearance)
        self.look.changed.connect(self._look_changed)
        self._line(tr("Colours"), self.look, "appearance", lambda usual: self.look.choose(usual.appearance))
        self.language = Choice(
            tr("Language"), (("", tr("The desktop's")), *((one.code, one.name) for one in LANGUAGES.values()))
        )
        self.language.choose(now.language)
        self.language.changed.connect(self._language_changed)
        self._line(tr("Language"), self.language, "language", lambda usual: self.language.choose(usual.language))
        densities = ((Density.CARDS, tr("Cards")), (Density.COMPACT, tr("Compact")), (Density.TABLE, tr("Table")))
        self.density = Choice(tr("Message list"), densities)
        self.density.choose(now.density)
        self.density.changed.connect(lambda: self.change(density=Density(self.density.value())))
        self._line(tr("Message list"), self.density, "density", lambda usual: self.density.choose(usual.density))
        self.scale = QSlider(Qt.Orientation.Horizontal)
        before = "add" if self.layoutDirection() is Qt.LayoutDirection.RightToLeft else "sub"
        styled(self.scale, _SLIDER.replace("sub-page", f"{before}-page"))  # Qt counts the groove's ends from the left
        self.scale.setAccessibleName(tr("Text size in percent"))
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
        self._line(
            tr("Text size"), self.scale, "text_scale", lambda usual: self.scale.setValue(round(usual.text_scale * 100))
        )

    def _reading(self) -> None:
        now = self._desk.preferences
        self._section(tr("Reading and writing"))
        self.shape = Choice(tr("A message is shown"), _SHAPES)
        self.shape.choose("whole" if now.conversations else "single")
        self.shape.changed.connect(lambda: self.change(conversations=self.shape.value() == "whole"))
        self._line(
            tr("A message is shown"), self.shape, "conversations",
            lambda usual: self.shape.choose("whole" if usual.conversations else "single"),
        )  # fmt: skip
        self.seen = Choice(tr("A message counts as read"), _READ)
        known = {value for value, _ in _READ}
        self.seen.choose(str(float(now.mark_read_after)) if str(float(now.mark_read_after)) in known else "0.0")
        self.seen.changed.connect(lambda: self.change(mark_read_after=float(self.seen.value())))
        self._line(
            tr("A message counts as read"), self.seen, "mark_read_after",
            lambda usual: self.seen.choose(str(usual.mark_read_after)),
        )  # fmt: skip
        self.years = Tick(tr("Archive into a folder for each year"))
        self.years.setChecked(now.archive_years)
        self.years.toggled.connect(lambda on: self.change(archive_years=on))
        self._sections.put(self.years)
        self.images = ImageRules(now, self.change)
        self._line(
            tr("Pictures from elsewhere are loaded"), self.images.offer, "remote_images",
            lambda usual: self.images.offer.choose(usual.remote_images),
        )  # fmt: skip
        self._line(
            tr("Pictures are loaded through a proxy"), self.images.through, "picture_proxy", self.images.show_proxy
        )
        if now.image_senders:
            self._sections.put(self.images)
        self.signatures = Choice(tr("The signatures of what you read are checked"), _CHECK)
        self.signatures.choose(now.check_signatures)
        self.signatures.changed.connect(lambda: self.change(check_signatures=Consent(self.signatures.value())))
        self._line(
            tr("Signatures of what you read are checked, by asking the DNS"), self.signatures, "check_signatures",
            lambda usual: self.signatures.choose(usual.check_signatures),
        )  # fmt: skip
        self.receipts = Choice(tr("A sender who asks is told that you have read a message"), _RECEIPTS)
        self.receipts.choose(now.read_receipts)
        self.receipts.changed.connect(lambda: self.change(read_receipts=ReadReceipts(self.receipts.value())))
        self._line(
            tr("A sender who asks is told that you have read a message"), self.receipts, "read_receipts",
            lambda usual: self.receipts.choose(usual.read_receipts),
        )  # fmt: skip

    def _writing(self) -> None:
        now = self._desk.preferences
        self.undo = Choice(tr("Sending can be taken back for"), _UNDO)
        self.undo.choose(str(now.undo_send) if str(now.undo_send) in dict(_UNDO) else "10")
        self.undo.changed.connect(lambda: self.change(undo_send=int(self.undo.value())))
        self._line(
            tr("Sending waits, so that it can be taken back"), self.undo, "undo_send",
            lambda usual: self.undo.choose(str(usual.undo_send)),
        )  # fmt: skip
        self.writing = Choice(tr("A new message is written as"), _WRITES)
        self.writing.choose(now.writing)
        self.writing.changed.connect(lambda: self.change(writing=Writes(self.writing.value())))
        self._line(
            tr("A new message is written as"), self.writing, "writing", lambda usual: self.writing.choose(usual.writing)
        )
        self.answer = Choice(tr("An answer stands"), _ANSWERS)
        self.answer.choose(now.answer)
        self.answer.changed.connect(lambda: self.change(answer=Place(self.answer.value())))
        self._line(tr("An answer stands"), self.answer, "answer", lambda usual: self.answer.choose(usual.answer))
        self.where = Choice(tr("Answers are written"), _WHERE)
        self.where.choose("here" if now.answer_here else "window")
        self.where.changed.connect(lambda: self.change(answer_here=self.where.value() == "here"))
        self._line(
            tr("Answers are written"), self.where, "answer_here",
            lambda usual: self.where.choose("here" if usual.answer_here else "window"),
        )  # fmt: skip
        self.spelling = SpellingRules(lambda: self._desk.preferences, self.change, self._spelling)
        self._sections.put(self.spelling)
        self.snippets = SnippetRules(lambda: self._desk.preferences, self.change)
        self._sections.put(self.snippets)
        if any(one.route is Route.DIRECT or one.rules for one in self._desk.accounts):
            self.ahead = Choice(tr("Recipients' domains are looked up while you write"), _AHEAD)
            self.ahead.choose(now.look_ahead)
            self.ahead.changed.connect(lambda: self.change(look_ahead=Consent(self.ahead.value())))
            self._line(
                tr("Domains that mail goes to directly are looked up while you write"), self.ahead, "look_ahead",
                lambda usual: self.ahead.choose(usual.look_ahead),
            )  # fmt: skip
        self.signature = QPlainTextEdit(now.signature)
        self.signature.setProperty("kind", "field")
        styled(self.signature, "QPlainTextEdit { padding: 8px 8px; }")
        self.signature.setAccessibleName(tr("Signature"))
        self.signature.setPlaceholderText(tr("Nothing is put below what you write"))
        self.signature.setFixedHeight(84)
        self.signature.setTabChangesFocus(True)
        self._signed = QTimer(self)
        self._signed.setSingleShot(True)
        self._signed.setInterval(600)
        self._signed.timeout.connect(lambda: self.change(signature=self.signature.toPlainText()))
        self.signature.textChanged.connect(self._signed.start)
        signature = QVBoxLayout()
        signature.addWidget(Label(tr("Signature"), BASE), 0, Qt.AlignmentFlag.AlignLeft)
        signature.addWidget(self.signature)
        self._sections.put(signature)

    def _rules(self) -> None:
        self._section(tr("Rules"))
        accounts = [(int(one.id), words.shown(one.name or one.email, 60)) for one in self._desk.accounts]
        folders = [(int(one.account_id), one.name) for one in self._desk.folders.values() if one.selectable]
        self.rules = RuleList(accounts, self._desk.preferences.tags, self.asked.emit, folders)
        self.rules.changed.connect(self._read_rules)
        self._sections.put(self.rules)
        self._read_rules()
        db = self._desk.library.db
        self.junk = Tick(tr("Judge new mail by what I mark as junk, where no server does that"))
        self.junk.setChecked(db is None or read.setting(db, junk.SETTING) != "off")
        self.junk.toggled.connect(lambda on: self.asked.emit(wire.SetJunkFilter(on), None, None))
        self._sections.put(self.junk)
        bad, good = junk.counts(db) if db is not None else (0, 0)
        learned = tr(
            "Learned from {messages} and {ones}",
            messages=words.count(bad, "junk message"),
            ones=words.count(good, "good one"),
        )
        need = tr("; {enough} of each are needed", enough=ENOUGH) if min(bad, good) < ENOUGH else ""
        said = tr(
            "{learned}{need}. What is learned are numbers, and stays on this computer.", learned=learned, need=need
        )
        self._sections.put(Label(said, SECONDARY, "tertiary", wrap=True))

    def _read_rules(self) -> None:
        db = self._desk.library.db
        self.rules.show_rules(rules.rules(db) if db is not None else [])

    def make_rule(self, rule: MailRule) -> None:
        """Open the form with this in it."""
        form = self.rules.edit(rule)
        QTimer.singleShot(0, self, lambda: self.bring_into_view(form))  # once it has its size

    def _notifications(self) -> None:
        now = self._desk.preferences
        self._section(tr("Notifications"))
        self.notify = Tick(tr("Tell me of new mail"))
        self.notify.setChecked(now.notifications)
        self.notify.toggled.connect(lambda on: self.change(notifications=on))
        self.notify_text = Tick(tr("With sender and subject"))
        self.notify_text.setChecked(now.notification_text)
        self.notify_text.setEnabled(now.notifications)
        self.notify.toggled.connect(self.notify_text.setEnabled)
        self.notify_text.toggled.connect(lambda on: self.change(notification_text=on))
        self._sections.put(self.notify)
        self._sections.put(self.notify_text)
        self.notify_known = Tick(tr("Only from people I have written to"))
        self.notify_known.setChecked(now.notify_known)
        self.notify_known.toggled.connect(lambda on: self.change(notify_known=on))
        self.tray = Tick(tr("Show what is unread among the desktop's icons"))
        self.tray.setChecked(now.tray)
        self.tray.toggled.connect(lambda on: self.change(tray=on))
        self.tray_keeps = Tick(tr("Closing the window leaves Mua there"))
        self.tray_start = Tick(tr("A start shows nothing but that icon"))
        for tick, name in ((self.tray_keeps, "tray_keeps"), (self.tray_start, "tray_start")):
            tick.setChecked(getattr(now, name))
            tick.setEnabled(now.tray)
            tick.toggled.connect(lambda on, name=name: self.change(**{name: on}))
            self.tray.toggled.connect(tick.setEnabled)
        self.always = SenderLines(
            tr("Always told of, wherever it comes to, is mail from:"),
            now.notify_always,
            lambda shown: tr("Tell of mail from {shown} as of everybody's", shown=shown),
            lambda left: self.change(notify_always=left),
        )
        folders = tr(
            "Of which folders: the menu of a folder says so. Of an inbox you are told, if nothing else was chosen."
        )
        for widget in (self.notify_known, self.always, Label(folders, SECONDARY, "tertiary", wrap=True)):
            self._sections.put(widget)
        for tick in (self.tray, self.tray_keeps, self.tray_start):
            self._sections.put(tick)

    def _passwords(self) -> None:
        self._section(tr("Passwords"))
        self.secrets_note = Banner()
        self.secrets_note.hide()
        self.secrets = SecretsChoice(keyring=True, now="keyring", button=tr("Keep them there"))
        self.secrets.chosen.connect(self._choose_secrets)
        self._sections.put(self.secrets)
        self._sections.put(self.secrets_note)
        QTimer.singleShot(0, self._ask_place)

    def _keyboard(self) -> None:
        self._section(tr("Keyboard"))
        self.keys = KeyRules(self._desk.preferences, self.change)
        self._sections.put(self.keys)
        button = Button(tr("Show all keyboard shortcuts"), "keyboard")
        button.clicked.connect(self.shortcuts_wanted)
        self._row(button)
        path = self._desk.library.profile.settings
        self._sections.put(Label(tr("These settings are in {path}.", path=path), SECONDARY, "tertiary", wrap=True))

    # ---- inside
    def _lay_out_search(self) -> None:
        self.search = Field(tr("Search settings"), tr("Search settings"))
        self.search.lead("search")
        clear = self.search.put("x", QLineEdit.ActionPosition.TrailingPosition)
        clear.setText(tr("Clear the search"))
        clear.setVisible(False)
        clear.triggered.connect(self.search.clear)
        self.search.textChanged.connect(lambda text: clear.setVisible(bool(text)))
        self.search.setFixedWidth(260)
        self.search.textChanged.connect(self._narrow)
        self.bar.addWidget(self.search)
        self.nothing = Label(tr("No setting says that."), BASE, "secondary")
        self.nothing.hide()
        self.column.addWidget(self.nothing)

    def _narrow(self, text: str) -> None:
        """Only what says these words."""
        found = self._sections.narrow(text)
        self.nothing.setVisible(not found)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The keys of a search begin one; Escape ends it first, and then leaves."""
        if event.matches(QKeySequence.StandardKey.Find):
            self.search.setFocus()
        elif event.key() == Qt.Key.Key_Escape and self.search.text():
            self.search.clear()
        else:
            super().keyPressEvent(event)

    def _section(self, title: str) -> None:
        self._sections.begin(title)

    def _line(self, name: str, part: QWidget, field: str, show: Callable[[Preferences], object]) -> None:
        self._sections.setting(name, part, (field,), show)

    def _row(self, *buttons: Button) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        for button in buttons:
            row.addWidget(button)
        row.addStretch()
        self._sections.put(row)

    def _language_changed(self) -> None:
        self.change(language=self.language.value())
        self._desk.window.toast.say(tr("The window speaks it from its next start on."))

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
            self.secrets_note.say(tr("Passwords are kept there from now on."), "info", "circle-check")
            self.secrets_note.show()

        self.asked.emit(wire.ChooseSecrets(place, passphrase), kept, self._not_kept)

    def _not_kept(self, error: MailError) -> None:
        self.secrets_note.say(error.text, "danger")
        self.secrets_note.show()

    def _move_up(self, panel: AccountPanel) -> None:
        """One place up in the list, here and in the window."""
        place = self.panels.index(panel)
        self.panels[place - 1 : place + 1] = [panel, self.panels[place - 1]]
        self._accounts.removeWidget(panel)
        self._accounts.insertWidget(place - 1, panel)
        for number, one in enumerate(self.panels):
            one.may_move_up(number > 0)
        ids = tuple(int(one.account.id) for one in self.panels)
        self.asked.emit(wire.OrderAccounts(ids), lambda _: None, self._not_kept)

    def _forget(self, panel: AccountPanel) -> None:
        self.panels.remove(panel)
        self._accounts.removeWidget(panel)
        panel.deleteLater()
