"""The composer: one window for one letter that is being written.

Theory of operation: the window holds a ``Letter`` and gives it back (``letter()``); each change starts the journal's
clock and ``written`` fires within a second.  What becomes of the letter is decided by ``composing``: the window only
says that it is to be sent, saved or discarded, and shows what went wrong, in place.

Rules of the file: no dialog but the file chooser; nothing here speaks to the engine; the person's words are never
touched except by the person.
"""

import mimetypes
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QImage, QKeySequence, QTextCursor
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QVBoxLayout,
    QWidget,
)

from mua.gui import body_text, words
from mua.gui.address_field import AddressChip, AddressField, Known
from mua.gui.body_editor import BodyEditor, FormatBar, LinkBar
from mua.gui.journal import Attached, Letter
from mua.gui.later_bar import LaterBar
from mua.gui.letters import forgot_attachment
from mua.gui.notices import Banner, Toast
from mua.gui.select import Select
from mua.gui.sheets import styled
from mua.gui.theme import BASE, READER_MARGIN_X, SECONDARY, TITLE, theme
from mua.gui.widgets import AttachmentCard, Button, Flow, Label, Line, ToolButton
from mua.model.account import Account
from mua.plan import later

LARGE = 20_000_000  # octets: many servers refuse more
_WRITE_AFTER = 600  # milliseconds between a change and the journal
_FROM = """
QComboBox { background: transparent; border: 1px solid transparent; padding: 0; min-height: 26px; }
QComboBox:hover { background: @hover; } QComboBox:focus { border: 1px solid @accent; background: transparent; }
"""
_LEFT_HALF = "QPushButton { border-top-right-radius: 0; border-bottom-right-radius: 0; }"
_RIGHT_HALF = "QPushButton { border-top-left-radius: 0; border-bottom-left-radius: 0; padding: 0 6px; }"


class Composer(QFrame):
    """The window.  ``accounts`` may send; ``known`` completes addresses; ``make_folder`` gives a place for files."""

    written = Signal()
    """The letter changed, a moment ago: put it into the journal."""
    send_wanted = Signal(object)
    """Now (None), or at that time (UTC seconds)."""
    save_wanted = Signal()
    discard_wanted = Signal()
    closed = Signal()

    addressed = Signal()
    """Recipients or files came or went, or another account sends."""
    activated = Signal()
    """It has the keyboard."""

    def __init__(
        self, letter: Letter, accounts: Sequence[Account], known: Known, make_folder: Callable[[str], Path]
    ) -> None:
        super().__init__()
        self.setObjectName("reader")
        self.setWindowTitle("New message - Mua")
        self.resize(820, 680)
        self.setMinimumSize(480, 420)
        self.setAcceptDrops(True)
        self._letter, self._accounts, self._make_folder = letter, list(accounts), make_folder
        self._attached: list[Attached] = []
        self._forgiven: set[str] = set()
        self._finished = False
        self._begun: Letter | None = None
        self.identity = Select("From")
        self.to, self.cc, self.bcc = (AddressField(name, known) for name in ("To", "Cc", "Bcc"))
        self.subject = QLineEdit()
        self.editor = BodyEditor()
        self.formats = FormatBar(self.editor)
        self.link_bar = LinkBar()
        self.banner = Banner()
        self.files = Flow()
        self.files_total = Label("", SECONDARY, "secondary")
        self.send_button = Button("Send", "send", "primary")
        self.later_button = Button("", "chevron-down", "primary")
        self.later_bar = LaterBar()
        self.status = Label("", SECONDARY, "tertiary")
        self.ahead = Banner()
        self.demand = Banner("Encrypted to the last server, or not sent at all.")
        self.demand.offer("Do not require it", lambda: self.require_tls(False))
        self._clock = QTimer(self)
        self._clock.setSingleShot(True)
        self._clock.setInterval(_WRITE_AFTER)
        self._clock.timeout.connect(self.written)
        self._lay_out()
        self.toast = Toast(self)
        self._connect()
        self.show_letter(letter)

    # ---- the letter
    def show_letter(self, letter: Letter) -> None:
        """Fill the window."""
        self._letter = letter
        index = next((at for at, one in enumerate(self._accounts) if one.id == letter.account_id), 0)
        self.identity.setCurrentIndex(index)
        self.demand.setVisible(letter.require_tls)
        for field, many in ((self.to, letter.to), (self.cc, letter.cc), (self.bcc, letter.bcc)):
            field.set_addresses(many)
        self._show_copies(bool(letter.cc), bool(letter.bcc))
        self.subject.setText(letter.subject)
        self._show_text(letter)
        self._attached = list(letter.attached)
        self._show_files()
        self._retitle()
        self._clock.stop()
        self.editor.document().setModified(False)

    def letter(self) -> Letter:
        """What the window holds now."""
        account = self.account()
        return replace(
            self._letter,
            account_id=account.id if account else self._letter.account_id,
            to=self.to.addresses(),
            cc=self.cc.addresses(),
            bcc=self.bcc.addresses(),
            subject=self.subject.text(),
            text=body_text.plain(self.editor.document()),
            rich=body_text.html(self.editor.document()) if self.editor.is_formatted() else "",
            attached=tuple(self._attached),
            cursor=self.editor.textCursor().position(),
        )

    def account(self) -> Account | None:
        """Who sends."""
        return self._accounts[self.identity.currentIndex()] if self._accounts else None

    def octets(self) -> int:
        """How large the letter will be on its way, nearly: its files are encoded."""
        return sum(one.size for one in self._attached) * 4 // 3

    def chips(self) -> list[AddressChip]:
        """All recipients that are chips."""
        return [chip for field in (self.to, self.cc, self.bcc) for chip in field.chips()]

    def begin(self) -> None:
        """What is shown now is what the program wrote: as long as it stays so, nobody would miss it."""
        self._begun = replace(self.letter(), cursor=0)

    def is_untouched(self) -> bool:
        """Nothing in it is the person's."""
        letter = replace(self.letter(), cursor=0)
        return letter.empty or letter == self._begun

    def now_replaces(self, draft: int | None) -> None:
        """The letter is in Drafts under this id now."""
        self._letter = replace(self._letter, replaces=draft)

    def begin_writing(self) -> None:
        """Put the keyboard where the person goes on."""
        if not self.to.addresses():
            self.to.setFocus()
        elif not self.subject.text():
            self.subject.setFocus()
        else:
            self.editor.setFocus()

    # ---- files
    def attach(self, paths: Sequence[str]) -> None:
        """Add files; what cannot be read is said."""
        bad = []
        for name in paths:
            path = Path(name)
            try:
                octets = path.stat().st_size
                with path.open("rb"):
                    pass
            except OSError:
                bad.append(path.name)
                continue
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            self._attached.append(Attached(path.name, kind, octets, str(path)))
        if bad:
            which = bad[0] if len(bad) == 1 else f"{len(bad)} of the files"
            self.say(f"{which} cannot be read, so it was not attached; folders have to be packed first.", "warning")
        self._show_files()
        self._changed()

    def attach_picture(self, picture: QImage) -> None:
        """Add a pasted picture."""
        try:
            path = self._make_folder(self._letter.key) / f"picture-{time.strftime('%H%M%S')}.png"
        except OSError as error:
            self.say(f"The picture could not be kept: {error.strerror}.", "danger")
            return
        if picture.save(str(path)):
            self.attach([str(path)])

    def choose_files(self) -> None:
        """Ask for files."""
        paths, _ = QFileDialog.getOpenFileNames(self, "Attach files")
        if paths:
            self.attach(paths)

    # ---- saying
    def say(self, text: str, tone: str = "info", button: str = "", act: Callable[[], object] | None = None) -> None:
        """One sentence above the text, and one button."""
        self.banner.withdraw()
        self.banner.say(text, tone)
        if act is not None:
            self.banner.offer(button, act)
        self.banner.offer("Dismiss", self.banner.hide)
        self.banner.show()

    def ask_look_ahead(self, domain: str, answer: Callable[[bool], object]) -> None:
        """Whether domains may be looked up while the letter is written: asked below the recipients, once."""
        if self.ahead.isVisible():
            return
        who = words.shown(domain, 60)
        self.ahead.withdraw()
        self.ahead.say(
            f"Mua can look up whether {who} takes mail, and how it is protected, while you write. The look-up tells"
            " your network's name server whom you write to, before anything is sent."
        )

        def answered(agreed: bool) -> None:
            self.ahead.hide()
            answer(agreed)

        self.ahead.offer("Look up", lambda: answered(True))
        self.ahead.offer("Do not", lambda: answered(False))
        self.ahead.show()

    def say_status(self, text: str) -> None:
        """A word beside the buttons ("Saved 09:42")."""
        self.status.setText(text)

    def hold(self, sending_at: int) -> None:
        """While the letter is handed over (since ``sending_at``; 0: not any more) nothing can be changed."""
        self._letter = replace(self._letter, sending_at=sending_at)
        holding = bool(sending_at)
        self._clock.stop()
        for part in (
            self._head, self.editor, self.files, self.send_button, self.later_button, self.later_bar, self.formats
        ):  # fmt: skip
            part.setEnabled(not holding)
        self.say_status("Handing over…" if holding else "")

    def finish(self) -> None:
        """Close for good; the letter is safe elsewhere."""
        self._finished = True
        self._clock.stop()
        self.close()
        self.deleteLater()

    # ---- checking
    def send(self, at: int | None = None) -> None:
        """Send now, or at a time (UTC seconds), unless something should be looked at first."""
        for field in (self.to, self.cc, self.bcc):
            field.finish()
        if not self._addressed() or not self._remembered(at):
            return
        self.banner.hide()
        self.send_wanted.emit(at)

    def later_menu(self) -> QMenu:
        """The times that many people want, any other, and what may be asked of the servers."""
        menu, now = QMenu(self), int(time.time())
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for one in later.proposals(now):
            action = menu.addAction(f"{one.name}, {_short(one.at, now)}")
            action.triggered.connect(lambda _=False, at=one.at: self.send(at))
        menu.addSeparator()
        menu.addAction("Another time…").triggered.connect(lambda _=False: self.choose_time())
        menu.addSeparator()
        demand = menu.addAction("Require encryption all the way")
        demand.setCheckable(True)
        demand.setChecked(self._letter.require_tls)
        demand.toggled.connect(self.require_tls)
        return menu

    def require_tls(self, wanted: bool) -> None:
        """Let it go encrypted to the last server or not at all, or as it can."""
        self._letter = replace(self._letter, require_tls=wanted)
        self.demand.setVisible(wanted)
        self._changed()

    def choose_time(self) -> None:
        """Ask for a date and a time, in place."""
        self.later_bar.ask()

    def _offer_later(self) -> None:
        menu = self.later_menu()
        menu.setActiveAction(menu.actions()[0])
        menu.popup(self.send_button.mapToGlobal(self.send_button.rect().bottomLeft()) + QPoint(0, 4))

    def _time_chosen(self, at: int) -> None:
        self._leave_time()
        self.send(at)

    def _leave_time(self) -> None:
        self.later_bar.hide()
        self.editor.setFocus()

    def _addressed(self) -> bool:
        fields = (self.to, self.cc, self.bcc)
        if not any(field.addresses() for field in fields):
            self.say("Nobody is named to get this; add an address.", "warning", "Add one", self.to.setFocus)
            self.to.setFocus()
            return False
        for field in fields:
            if problems := field.problems():
                self.say(problems[0], "danger", "Show it", field.show_problem)
                field.show_problem()
                return False
        return True

    def _remembered(self, at: int | None) -> bool:
        """Ask once about what is probably forgotten."""
        letter = self.letter()
        if not letter.attached and "file" not in self._forgiven and forgot_attachment(letter.text, letter.subject):
            self.say("You write of an attachment, and nothing is attached.", "warning", "Attach", self.choose_files)
            self._offer_anyway("file", at)
            return False
        if not letter.subject.strip() and "subject" not in self._forgiven:
            self.say("The message has no subject.", "warning", "Add one", self.subject.setFocus)
            self._offer_anyway("subject", at)
            return False
        return True

    def _offer_anyway(self, what: str, at: int | None) -> None:
        def go() -> None:
            self._forgiven.add(what)
            self.send(at)

        self.banner.offer("Send anyway", go)

    # ---- layout
    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._tool_bar())
        column.addWidget(Line())
        column.addWidget(self._header())
        column.addWidget(Line())
        for one in (self.ahead, self.demand, self.banner):
            wrapped = QHBoxLayout()
            wrapped.setContentsMargins(READER_MARGIN_X, 12, READER_MARGIN_X, 0)
            wrapped.addWidget(one)
            one.hide()
            column.addLayout(wrapped)
        timed = QHBoxLayout()
        timed.setContentsMargins(READER_MARGIN_X, 0, READER_MARGIN_X, 0)
        timed.addWidget(self.later_bar)
        self.later_bar.hide()
        column.addLayout(timed)
        self.link_bar.hide()
        column.addWidget(self.link_bar)
        column.addWidget(self.editor, 1)
        column.addWidget(self._file_strip())

    def _tool_bar(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(20, 2, 16, 8)
        row.setSpacing(4)
        self.send_button.setToolTip("Send (Ctrl+Return)")
        self.attach_button = ToolButton("paperclip", "Attach files", key="Ctrl+Shift+A")
        self.save_button = ToolButton("hard-drive", "Save in Drafts", key="Ctrl+S")
        self.save_button.show_icon("file-pen-line")
        self.discard_button = ToolButton("trash-2", "Discard", key="Ctrl+Shift+D")
        self.later_button.setAccessibleName("Send later, or with a condition")
        self.later_button.setToolTip("Send later, or with a condition (Ctrl+Shift+Return)")
        styled(self.send_button, _LEFT_HALF)
        styled(self.later_button, _RIGHT_HALF)
        row.addWidget(self.send_button)
        row.addSpacing(-3)
        row.addWidget(self.later_button)
        row.addSpacing(8)
        row.addWidget(self.attach_button)
        row.addSpacing(6)
        row.addWidget(Line(vertical=True, length=20))
        row.addSpacing(6)
        row.addWidget(self.formats)
        row.addStretch()
        row.addWidget(self.status)
        row.addSpacing(6)
        row.addWidget(self.save_button)
        row.addWidget(self.discard_button)
        return row

    def _header(self) -> QWidget:
        self._head = QWidget()
        grid = self._grid = QGridLayout(self._head)
        grid.setContentsMargins(READER_MARGIN_X, 6, READER_MARGIN_X - 8, 6)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(1, 1)
        styled(self.identity, _FROM)
        for account in self._accounts:
            name = words.shown(account.full_name, 80)
            address = words.shown(account.email, 200)
            self.identity.addItem(f"{name} <{address}>" if name else address)
        self.copies = Button("Cc, Bcc", kind="link")
        self.subject.setAccessibleName("Subject")
        self.subject.setProperty("kind", "bare")
        rows: list[tuple[str, QWidget]] = [("From", self.identity), ("To", self.to), ("Cc", self.cc), ("Bcc", self.bcc)]
        self._labels: dict[QWidget, Label] = {}
        for place, (name, field) in enumerate([*rows, ("Subject", self.subject)]):
            label = self._labels[field] = Label(name, SECONDARY, "tertiary")
            label.setFixedHeight(34)
            grid.addWidget(label, place, 0, Qt.AlignmentFlag.AlignTop)
            top = Qt.AlignmentFlag.AlignTop if isinstance(field, AddressField) else Qt.AlignmentFlag.AlignVCenter
            grid.addWidget(field, place, 1, top)
        beside = QWidget()
        beside.setFixedHeight(34)
        row = QHBoxLayout(beside)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.copies)
        grid.addWidget(beside, 1, 2, Qt.AlignmentFlag.AlignTop)
        grid.setColumnMinimumWidth(0, 52)
        self._restyle()
        theme().changed.connect(self._restyle)
        only_one = len(self._accounts) < 2
        self.identity.setVisible(not only_one)
        self._labels[self.identity].setVisible(not only_one)
        return self._head

    def _restyle(self) -> None:
        self.subject.setFont(theme().font(TITLE if self.subject.text() else BASE))

    def _file_strip(self) -> QWidget:
        self._strip = QWidget()
        column = QVBoxLayout(self._strip)
        column.setContentsMargins(READER_MARGIN_X, 10, READER_MARGIN_X, 16)
        column.setSpacing(8)
        column.addWidget(self.files)
        column.addWidget(self.files_total)
        return self._strip

    def _connect(self) -> None:
        QWidget.setTabOrder(self.subject, self.editor)
        for field in (self.to, self.cc, self.bcc):
            field.changed.connect(self._changed)
            field.changed.connect(self.addressed)
        self.subject.textChanged.connect(self._subject_changed)
        self.editor.textChanged.connect(self._changed)
        self.identity.currentIndexChanged.connect(self._changed)
        self.identity.currentIndexChanged.connect(lambda _: self.addressed.emit())
        self.editor.files_dropped.connect(self.attach)
        self.editor.picture_pasted.connect(self.attach_picture)
        self.formats.link_wanted.connect(self._ask_link)
        self.link_bar.entered.connect(self._link)
        self.link_bar.left.connect(lambda: self._link(""))
        self.copies.clicked.connect(lambda: self._show_copies(True, True, focus=True))
        self.send_button.clicked.connect(lambda: self.send())
        self.later_button.clicked.connect(self._offer_later)
        self.later_bar.chosen.connect(self._time_chosen)
        self.later_bar.left.connect(self._leave_time)
        self.attach_button.clicked.connect(self.choose_files)
        self.save_button.clicked.connect(self.save_wanted)
        self.discard_button.clicked.connect(self.discard_wanted)
        self._key("Ctrl+Return", self.send)
        self._key("Ctrl+Enter", self.send)
        self._key("Ctrl+Shift+Return", self._offer_later)
        self._key("Ctrl+Shift+Enter", self._offer_later)
        self._key("Ctrl+S", self.save_wanted.emit)
        self._key("Ctrl+Shift+A", self.choose_files)
        self._key("Ctrl+Shift+D", self.discard_wanted.emit)
        self._key("Ctrl+Shift+C", lambda: self._show_copies(True, True, focus=True))
        self._key("Ctrl+W", self.close)
        self.subject.installEventFilter(self)

    def _key(self, key: str, act: Callable[[], object]) -> None:
        action = QAction(self)
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.triggered.connect(lambda _=False: act())
        self.addAction(action)

    # ---- inside
    def _show_text(self, letter: Letter) -> None:
        if letter.rich:
            self.editor.show_html(letter.rich)
        else:
            self.editor.show_text(letter.text)
        cursor = self.editor.textCursor()
        cursor.setPosition(min(letter.cursor, self.editor.document().characterCount() - 1))
        self.editor.setTextCursor(cursor)
        if letter.cursor == 0:
            self.editor.moveCursor(QTextCursor.MoveOperation.Start)

    def _show_copies(self, cc: bool, bcc: bool, focus: bool = False) -> None:
        for field, shown in ((self.cc, cc), (self.bcc, bcc)):
            field.setVisible(shown)
            self._labels[field].setVisible(shown)
        self.copies.setVisible(not (cc and bcc))
        if focus:
            self.cc.setFocus()

    def _show_files(self) -> None:
        self.addressed.emit()
        cards: list[QWidget] = []
        for one in self._attached:
            card = AttachmentCard(one.name, one.type, one.size, closable=True)
            card.saved.connect(lambda one=one: self._remove(one))
            card.path = one.path
            cards.append(card)
        self.files.fill(cards)
        self._strip.setVisible(bool(cards))
        total = sum(one.size for one in self._attached)
        text = f"{words.count(len(cards), 'file')}, {words.size(total)}"
        if total > LARGE:
            text += ". Many servers refuse a message of this size."
        self.files_total.setText(text)

    def _remove(self, one: Attached) -> None:
        place = self._attached.index(one)
        del self._attached[place]
        self._show_files()
        self._changed()

        def back() -> None:
            self._attached.insert(place, one)
            self._show_files()
            self._changed()

        self.toast.say(f"Removed {words.shown(one.name, 60)}", "Undo", back)

    def _changed(self) -> None:
        if not self._finished:
            self.status.setText("")
            if not self._clock.isActive():
                self._clock.start()

    def _subject_changed(self) -> None:
        self._retitle()
        self._changed()

    def _retitle(self) -> None:
        self._restyle()
        subject = words.shown(self.subject.text(), 80)
        self.setWindowTitle(f"{subject or 'New message'} - Mua")

    def _ask_link(self) -> None:
        chosen = self.editor.textCursor().charFormat().anchorHref()
        self.link_bar.field.setText(chosen)
        self.link_bar.show()
        self.link_bar.field.setFocus()

    def _link(self, target: str) -> None:
        self.link_bar.hide()
        self.editor.link(target)
        self.editor.setFocus()

    # ---- events
    def changeEvent(self, event: QEvent) -> None:
        """Tell when the keyboard has come."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.activated.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter in the subject goes on to the text."""
        if event.type() == QEvent.Type.KeyPress and watched is self.subject:
            key = event.key()  # type: ignore[attr-defined]
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not QApplication.keyboardModifiers():
                self.editor.setFocus()
                return True
        return False

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        files = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if files:
            self.attach(files)
            event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing keeps the letter: ``composing`` puts it into Drafts."""
        if self._letter.sending_at and not self._finished:
            event.ignore()  # it is being handed over: a moment
            return
        if not self._finished:
            self.closed.emit()
        super().closeEvent(event)


def _short(at: int, now: int) -> str:
    """The clock alone where the name of the proposal says the day."""
    day, clock = words.full_time(at, now).rsplit(", ", 1)
    return clock if day in ("Today", "Tomorrow") else f"{day.split(' ', 1)[1].rsplit(' ', 1)[0]}, {clock}"
