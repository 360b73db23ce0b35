"""The composer: one window for one letter that is being written.

Theory of operation: the window holds a ``Letter`` and gives it back (``letter()``); each change starts the journal's
clock and ``written`` fires within a second.  What becomes of the letter is decided by ``composing``: the window only
says that it is to be sent, saved or discarded, and shows what went wrong, in place.

Rules of the file: no dialog but the file chooser; nothing here speaks to the engine; the person's words are never
touched except by the person.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QImage,
    QResizeEvent,
    QTextCursor,
)
from PySide6.QtWidgets import QFileDialog, QFrame, QMenu, QSplitter, QVBoxLayout, QWidget

from mua.gui import steps, words
from mua.gui.address_field import AddressChip, Known
from mua.gui.body_editor import BodyEditor
from mua.gui.body_marks import MARKDOWN, PLAIN, RICH
from mua.gui.body_track import Step, Track
from mua.gui.composer_checks import Checks
from mua.gui.composer_files import INSIDE_SIDE, Files
from mua.gui.composer_find import ComposerFind
from mua.gui.composer_head import Head, shown_sender
from mua.gui.composer_layout import LEAST, give_keys, lay_out
from mua.gui.composer_menu import later_menu
from mua.gui.format_bar import ROOMY, AskBar, FormatBar
from mua.gui.journal import Letter
from mua.gui.later_bar import LaterBar
from mua.gui.markdown_look import MarkdownLook
from mua.gui.notices import Banner, Toast
from mua.gui.theme import SECONDARY
from mua.gui.voice import Voice
from mua.gui.widgets import Button, Label, ToolButton
from mua.language import tr
from mua.mime.prose_html import to_html
from mua.mime.prose_text import to_text
from mua.model.account import Account
from mua.model.outgoing import Priority
from mua.model.prose import Image, Prose
from mua.plan import identities
from mua.plan.identities import Sender

SIZE = (820, 680)  # pixels of a new window
LONG = 60_000  # characters: a longer text is journaled by its steps only
_WRITE_AFTER = 600  # milliseconds between a change and the journal


class Composer(QFrame):
    """The window.  ``accounts`` may send; ``known`` completes addresses; ``make_folder`` gives a place for files.

    ``signature_of``: what stands below a letter of a sender; ``limit_of``: how many octets the server of an account
    takes (0: not known); ``pictures``: those of signatures, by name.
    """

    written = Signal()
    """The letter changed, a moment ago: put it into the journal."""
    send_wanted = Signal(object)
    """Now (None), or at that time (UTC seconds)."""
    save_wanted = Signal()
    discard_wanted = Signal()
    template_wanted = Signal()
    merge_wanted = Signal()
    source_wanted = Signal()
    """Show exactly what would leave."""
    closed = Signal()

    addressed = Signal()
    """Recipients or files came or went, or another account sends."""
    popped = Signal()
    """It stands inside another window, and is to be one of its own."""
    activated = Signal()
    """It has the keyboard."""

    def __init__(
        self,
        letter: Letter,
        accounts: Sequence[Account],
        known: Known,
        make_folder: Callable[[str], Path],
        signature_of: Callable[[Sender], Prose] = lambda _: (),
        limit_of: Callable[[Account], int] = lambda _: 0,
        pictures: Mapping[str, bytes] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self.signature_of, self.limit_of = signature_of, limit_of
        self.setObjectName("reader")
        self.setWindowTitle(f"{tr('New message')} - Mua")
        self.resize(*SIZE)
        self.setMinimumSize(*LEAST)
        self.setAcceptDrops(True)
        self._letter, self._accounts = letter, list(accounts)
        self._senders = self._choice(letter)
        self._signature: Prose = ()
        self._finished = self.stays = False
        self._checks = Checks(self)
        self._begun: Letter | None = None
        self._touched = False
        self.head = Head([shown_sender(one) for one in self._senders], known)
        self.identity, self.subject = self.head.identity, self.head.subject
        self.to, self.cc, self.bcc = self.head.fields()
        self.editor = BodyEditor()
        self.track = Track(self.editor)
        self.formats = FormatBar(self.editor)
        self.link_bar = AskBar(tr("Link address"), tr("Link address, for example example.org/plan"), tr("Make link"))
        self.find_bar = ComposerFind(self.editor)
        self.banner = Banner()
        self.strip = Files(lambda: make_folder(self._letter.key))
        self.strip.known = dict(pictures)
        self.files = self.strip.cards
        self.editor.picture = self.strip.picture
        self.send_button = Button(tr("Send"), "send", "primary")
        self.later_button = Button("", "chevron-down", "primary")
        self.status = Label("", SECONDARY, "tertiary")
        self.ahead = Banner()
        self.asked = Banner()
        self.demand = Banner(tr("Encrypted to the last server, or not sent at all."))
        self.demand.offer(tr("Do not require it"), lambda: self.require_tls(False))
        self._clock = QTimer(self)
        self._clock.setSingleShot(True)
        self._clock.setInterval(_WRITE_AFTER)
        self._clock.timeout.connect(self.written)
        self.attach_button = ToolButton("paperclip", tr("Attach files"), key="Ctrl+Shift+A")
        self.save_button = ToolButton("hard-drive", tr("Save in Drafts"), key="Ctrl+S")
        self.pop_button = ToolButton("external-link", tr("Open in a window of its own"), key="Ctrl+Shift+O")
        self.discard_button = ToolButton("trash-2", tr("Discard"), key="Ctrl+Shift+D")
        self.sentences = QVBoxLayout()
        """What is said and asked above the text."""
        self.beside = QSplitter(Qt.Orientation.Horizontal)
        self.more_quoted = Button("", "chevron-down", "link")
        lay_out(self)
        self.toast, self.voice = Toast(self), Voice(self)
        self._connect()
        self.show_letter(letter)

    @cached_property
    def look(self) -> MarkdownLook:
        """How Markdown will look, beside it."""
        made = MarkdownLook(self.editor)
        self.beside.addWidget(made)
        return made

    @cached_property
    def later_bar(self) -> LaterBar:
        """Where another time is chosen."""
        made = LaterBar()
        made.hide()
        self.sentences.addWidget(made)
        made.chosen.connect(self._time_chosen)
        made.left.connect(self._leave_time)
        return made

    # ---- the letter
    def show_letter(self, letter: Letter) -> None:
        """Fill the window."""
        self._letter = letter
        self._choose_sender(letter.account_id, letter.sender.address if letter.sender else "")
        self.demand.setVisible(letter.require_tls)
        self._tell_asked()
        for field, many in zip(self.head.fields(), (letter.to, letter.cc, letter.bcc), strict=True):
            field.set_addresses(many)
        self.head.show_copies(bool(letter.cc), bool(letter.bcc))
        self.subject.setText(letter.subject)
        self.strip.show_files(letter.attached)
        self._show_text(letter)
        self._retitle()
        self._show_redirect(letter)
        self.first_step = self.track.begin()
        self._clock.stop()
        self.editor.document().setModified(False)
        sender = self.writer()
        self._signature = self.signature_of(sender) if sender else ()

    def _show_redirect(self, letter: Letter) -> None:
        """What is passed on as it is has nothing to write."""
        redirecting = letter.redirects is not None
        for part in (self.beside, self.formats, self.attach_button, self.save_button):
            part.setVisible(not redirecting)
        self.subject.setReadOnly(redirecting)
        if redirecting:
            self.strip.hide()
            self.say(tr("The message is passed on as it is: its author stays who it was, and answers go there."))

    @property
    def key(self) -> str:
        """The letter's."""
        return self._letter.key

    def letter(self, *, briefly: bool = False) -> Letter:
        """What the window holds now; ``briefly``: a long text is left to its steps in the journal."""
        sender = self.writer()
        if briefly and self._is_long():
            text, rich, stepped = "", "", True
        else:
            rich = to_html(self.editor.prose()) if self.editor.mode == RICH and self.editor.is_formatted() else ""
            text, stepped = self.editor.source(), False
        return replace(
            self._letter,
            account_id=sender.account_id if sender else self._letter.account_id,
            sender=sender.address if sender else self._letter.sender,
            to=self.to.addresses(),
            cc=self.cc.addresses(),
            bcc=self.bcc.addresses(),
            subject=self.subject.text(),
            text=text,
            rich=rich,
            stepped=stepped,
            attached=tuple(self.strip.attached),
            cursor=self.editor.textCursor().position(),
            mode=self.editor.mode,
        )

    def replay(self, history: Sequence[Step]) -> bool:
        """Bring a text back by the steps in which it came to be, so that they can be undone; False: that went wrong,
        and nothing is different.
        """
        if not history:
            return False
        wanted = steps.text_of(history)
        first = history[0]
        self.editor.show_lines(first.lines, first.mode)
        for step in history[1:]:
            self.editor.replace_lines(step.at, step.gone, step.lines, step.mode)
        if to_text(tuple(self.track.lines())) != to_text(tuple(wanted)):
            self.editor.show_lines(tuple(wanted), history[-1].mode)
        cursor = self.editor.textCursor()
        cursor.setPosition(min(history[-1].cursor, self.editor.document().characterCount() - 1))
        self.editor.setTextCursor(cursor)
        self._show_look(self.editor.mode == MARKDOWN)
        return True

    def account(self) -> Account | None:
        """The account that sends."""
        sender = self.writer()
        return next((one for one in self._accounts if sender and one.id == sender.account_id), None)

    def writer(self) -> Sender | None:
        """Who writes."""
        return self._senders[self.identity.currentIndex()] if self._senders else None

    def octets(self) -> int:
        """How large the letter will be on its way, nearly: its files are encoded."""
        return self.strip.octets()

    def chips(self) -> list[AddressChip]:
        """All recipients that are chips."""
        return self.head.chips()

    def _choice(self, letter: Letter) -> list[Sender]:
        """Whom a letter can come from: every identity, and the address that it is written from already."""
        own = [one for one in self._accounts if one.id == letter.account_id]
        address = letter.sender.address if letter.sender else ""
        chosen = identities.sender_for([*own, *self._accounts], address) if address else None
        return identities.senders(self._accounts, [chosen] if chosen else [])

    def write_as(self, address: str) -> None:
        """From another address of this account, with its signature."""
        self._choose_sender(self._letter.account_id, address)
        self._sender_changed()

    def _choose_sender(self, account_id: int, address: str) -> None:
        address = address or next((one.email for one in self._accounts if one.id == account_id), "")
        own = [at for at, one in enumerate(self._senders) if one.account_id == account_id]
        same = [at for at, one in enumerate(self._senders) if one.address.address.lower() == address.lower()]
        best = [at for at in same if at in own] or same or own or [0]
        self.identity.setCurrentIndex(best[0])

    def _sender_changed(self) -> None:
        """Another signature, where the one of before still stands."""
        sender = self.writer()
        wanted = self.signature_of(sender) if sender else ()
        if wanted != self._signature and self.editor.swap_signature(self._signature, wanted, self._letter.answers):
            self._signature = wanted

    def begin(self) -> None:
        """What is shown now is what the program wrote: as long as it stays so, nobody would miss it."""
        self._begun = replace(self.letter(briefly=True), cursor=0)
        self._touched = False

    def is_untouched(self) -> bool:
        """Nothing in it is the person's."""
        letter = replace(self.letter(briefly=True), cursor=0)
        return letter.empty or (letter == self._begun and not (self._is_long() and self._touched))

    def _is_long(self) -> bool:
        return bool(self.editor.folded) or self.editor.document().characterCount() > LONG

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
        self.strip.attach(paths)

    def attach_picture(self, picture: QImage) -> None:
        """A pasted picture: into the text where it can stand there, else beside it."""
        made = self.strip.add_picture(picture)
        if made is None:
            return
        if self.editor.mode == PLAIN:
            self.strip.attached[-1] = replace(made, content_id="")
            self.strip.refresh()
            return
        width = min(picture.width(), INSIDE_SIDE)
        height = round(picture.height() * width / max(1, picture.width()))
        self.editor.insert_picture(Image(made.content_id, "", width, height))

    def choose_picture(self) -> None:
        """Ask for a picture to put into the text."""
        path, _ = QFileDialog.getOpenFileName(
            self, tr("Insert a picture"), "", tr("Pictures (*.png *.jpg *.jpeg *.gif *.webp)")
        )
        if path:
            self.insert_pictures([path])

    def insert_pictures(self, paths: Sequence[str]) -> None:
        """Files that are pictures into the text; the others are attached."""
        rest = []
        for path in paths:
            made = self.strip.take_picture(Path(path)) if self.editor.mode != PLAIN else None
            if made is None:
                rest.append(path)
                continue
            found = self.strip.picture(made.content_id)
            wide, tall = (found.width(), found.height()) if found is not None else (INSIDE_SIDE, INSIDE_SIDE)
            width = min(wide, INSIDE_SIDE)
            self.editor.insert_picture(
                Image(made.content_id, Path(path).stem, width, round(tall * width / max(1, wide)))
            )
        if rest:
            self.attach(rest)

    def choose_files(self) -> None:
        """Ask for files."""
        paths, _ = QFileDialog.getOpenFileNames(self, tr("Attach files"))
        if paths:
            self.attach(paths)

    # ---- saying
    def say(self, text: str, tone: str = "info", button: str = "", act: Callable[[], object] | None = None) -> None:
        """One sentence above the text, and one button."""
        self.banner.withdraw()
        self.banner.say(text, tone)
        if act is not None:
            self.banner.offer(button, act)
        self.banner.offer(tr("Dismiss"), self.banner.hide)
        self.banner.show()

    def say_status(self, text: str) -> None:
        """A word beside the buttons ("Saved 09:42")."""
        self.status.setText(text)

    def hold(self, sending_at: int) -> None:
        """While the letter is handed over (since ``sending_at``; 0: not any more) nothing can be changed."""
        self._letter = replace(self._letter, sending_at=sending_at)
        holding = bool(sending_at)
        self._clock.stop()
        for part in (
            self.head, self.editor, self.files, self.send_button, self.later_button, self.formats, self.attach_button,
            self.save_button, self.discard_button,
        ):  # fmt: skip
            part.setEnabled(not holding)
        for action in self.actions():
            action.setEnabled(not holding)
        self.setAcceptDrops(not holding)
        if "later_bar" in self.__dict__:
            self.later_bar.setEnabled(not holding)
        self.say_status(tr("Handing over…") if holding else "")

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
        if not self._checks.passed(at):
            return
        self.banner.hide()
        self.send_wanted.emit(at)

    def later_menu(self) -> QMenu:
        """When it may go, and what may be asked of the servers."""
        return later_menu(self, self._letter)

    def change(self, **what: object) -> None:
        """What the menu says of the letter."""
        self._letter = replace(self._letter, **what)  # type: ignore[arg-type]
        self._tell_asked()
        self._changed()

    def _tell_asked(self) -> None:
        """What is asked beside the text, below the recipients, so that nobody forgets it."""
        asked = {Priority.HIGH: tr("Marked as important."), Priority.LOW: tr("Marked as not important.")}
        said = [asked[self._letter.priority]] if self._letter.priority in asked else []
        said += [tr("Asks to be told when it is read.")] if self._letter.receipt else []
        self.asked.say(" ".join(said) or " ", "info")
        self.asked.setVisible(bool(said))

    def require_tls(self, wanted: bool) -> None:
        """Let it go encrypted to the last server or not at all, or as it can."""
        self._letter = replace(self._letter, require_tls=wanted)
        self.demand.setVisible(wanted)
        self._changed()

    def choose_time(self) -> None:
        """Ask for a date and a time, in place."""
        self.later_bar.ask()

    def offer_later(self) -> None:
        """The menu of when it may go."""
        menu = self.later_menu()
        menu.setActiveAction(menu.actions()[0])
        menu.popup(self.send_button.mapToGlobal(self.send_button.rect().bottomLeft()) + QPoint(0, 4))

    def _time_chosen(self, at: int) -> None:
        self._leave_time()
        self.send(at)

    def _leave_time(self) -> None:
        self.later_bar.hide()
        self.editor.setFocus()

    # ---- inside
    def _connect(self) -> None:
        QWidget.setTabOrder(self.subject, self.editor)
        self.head.changed.connect(self._changed)
        self.head.addressed.connect(self.addressed)
        self.identity.activated.connect(lambda _: self._sender_changed())
        self.head.left.connect(self.editor.setFocus)
        self.subject.textChanged.connect(lambda _: self._retitle())
        self.editor.textChanged.connect(self._changed)
        self.editor.textChanged.connect(self._touch)
        self.editor.files_dropped.connect(self.insert_pictures)
        self.editor.picture_pasted.connect(self.attach_picture)
        self.editor.mode_changed.connect(lambda _: self._show_look(self.editor.mode == MARKDOWN and self._looks()))
        self.strip.changed.connect(self._changed)
        self.strip.changed.connect(self.addressed)
        self.strip.told.connect(self.say)
        self.strip.removed.connect(
            lambda name, back: self.toast.say(tr("Removed {name}", name=words.shown(name, 60)), tr("Undo"), back)
        )
        self.formats.link_wanted.connect(self._ask_link)
        self.formats.picture_wanted.connect(self.choose_picture)
        self.formats.find_wanted.connect(self._find)
        self.formats.preview_wanted.connect(lambda: self._show_look(not self._looks()))
        self.formats.way_wanted.connect(self.switch)
        self.find_bar.left.connect(self._leave_find)
        self.editor.fold_changed.connect(self._tell_folded)
        self.more_quoted.clicked.connect(self.editor.unfold)
        self._tell_folded(len(self.editor.folded))
        self.link_bar.entered.connect(self._link)
        self.link_bar.left.connect(lambda: self._link(""))
        self.send_button.clicked.connect(lambda: self.send())
        self.later_button.clicked.connect(self.offer_later)
        self.attach_button.clicked.connect(self.choose_files)
        self.save_button.clicked.connect(self.save_wanted)
        self.discard_button.clicked.connect(self.discard_wanted)
        self.pop_button.clicked.connect(self.popped)
        give_keys(self)

    def switch(self, mode: str) -> None:
        """Go on writing in another way; it can be undone."""
        if not self.editor.switch(mode):
            self.toast.say(tr("Formats are left out in plain text"), tr("Undo"), self.editor.undo)
        self._show_look(mode == MARKDOWN)
        self.editor.setFocus()

    def _show_look(self, shown: bool) -> None:
        """Markdown beside how it will look, where there is room for both."""
        shown = shown and self.editor.mode == MARKDOWN and self.width() >= ROOMY
        if shown or self._looks():
            self.look.setVisible(shown)

    def _looks(self) -> bool:
        """Whether Markdown's look stands beside it."""
        return "look" in self.__dict__ and not self.look.isHidden()

    def _find(self) -> None:
        self.editor.unfold()
        self.find_bar.begin()

    def _tell_folded(self, lines: int) -> None:
        """A button for the rest of a long quote."""
        self.more_quoted.setText(tr(" Show {lines:,} more quoted lines", lines=lines))
        self.more_quoted.setAccessibleName(tr("Show {lines:,} more quoted lines", lines=lines))
        self.more_quoted.setVisible(lines > 0)

    def _leave_find(self) -> None:
        self.find_bar.hide()
        self.editor.setFocus()

    def _show_text(self, letter: Letter) -> None:
        self.editor.mode = letter.mode
        if letter.mode != RICH:
            self.editor.show_source(letter.text, letter.mode)
        elif letter.rich:
            self.editor.show_html(letter.rich)
        else:
            self.editor.show_text(letter.text)
        self._show_look(letter.mode == MARKDOWN)
        cursor = self.editor.textCursor()
        cursor.setPosition(min(letter.cursor, self.editor.document().characterCount() - 1))
        self.editor.setTextCursor(cursor)
        if letter.cursor == 0:
            self.editor.moveCursor(QTextCursor.MoveOperation.Start)

    def _touch(self) -> None:
        self._touched = True

    def _changed(self) -> None:
        if not (self._finished or self._letter.sending_at):
            self.status.setText("")
            if not self._clock.isActive():
                self._clock.start()

    def _retitle(self) -> None:
        self.setWindowTitle(f"{self.head.title() or tr('New message')} - Mua")

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

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        files = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if files:
            self.attach(files)
            event.acceptProposedAction()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.formats.compact(self.width())

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing keeps the letter: ``composing`` puts it into Drafts."""
        if self._letter.sending_at and not self._finished:
            event.ignore()  # it is being handed over: a moment
            return
        if not self._finished:
            self.closed.emit()
        event.ignore() if self.stays and not self._finished else super().closeEvent(event)
