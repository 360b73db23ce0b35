"""An attachment, looked at in the reader's place: pictures, PDF, text, sound, film, attached mail, what a ZIP holds.

Rules of the file: what decodes a stranger's file is a process of its own (``decoder``), or pure text; nothing is run,
unpacked, fetched or opened by looking.  Escape goes back.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import count

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QStackedWidget, QVBoxLayout, QWidget

from mua.gui import words
from mua.gui.decoder import DRAWN, Decoder, Drawing
from mua.gui.message_pane import MessagePane
from mua.gui.notices import Banner, EmptyState
from mua.gui.player import PLAYED, Player
from mua.gui.sheets_view import Sheets
from mua.gui.theme import META, READER_MARGIN_X, READER_MARGIN_Y, TITLE
from mua.gui.widgets import Button, ElidedLabel, Label, ToolButton
from mua.language import tr
from mua.mime.attached import message_of
from mua.mime.charset import decode_text
from mua.mime.message import parse, part_bytes
from mua.mime.sniff import media_type, mismatch, runs, zip_names
from mua.mime.text import LARGE, light_text, neutralise, neutralise_body
from mua.mime.view import view_of
from mua.model.account import AccountId
from mua.model.folder import FolderId
from mua.model.message import Attachment, Flag, MessageId, MessageRow, MessageView, ThreadId
from mua.records import dataclass

Source = Callable[[Attachment], bytes | None]
"""The bytes of an attachment; called on a worker's thread."""
MAX_TEXT = 300_000  # characters of a text that are shown
_NUMBERS = count(1)  # of what is looked at: the decoder keeps a document by its name
_OFFICE = ("[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF")


class Show(StrEnum):
    """How a file is looked at."""

    DRAWN = "drawn"
    TEXT = "text"
    MAIL = "mail"
    LIST = "list"
    PLAYED = "played"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it can be looked at; of an attached mail ``data`` is the message (RFC 5322)."""

    attachment: Attachment
    data: bytes
    how: Show
    text: str = ""
    view: MessageView | None = None
    note: str = ""
    """What its name does not say."""


def see(attachment: Attachment, data: bytes) -> Seen:
    """Find out how to look at a file.  For a worker's thread; never raises, never unpacks."""
    other = mismatch(attachment.name, data[: 1 << 20])
    note = tr("This is not what its name says: it is {other}.", other=other) if other else ""
    kind = media_type(data)
    if message := message_of(attachment, data):
        return Seen(attachment, message, Show.MAIL, view=mail_view(message), note=note)
    if kind in DRAWN:
        return Seen(attachment, data, Show.DRAWN, note=note)
    if kind.startswith(PLAYED):
        return Seen(attachment, data, Show.PLAYED, note=note)
    if kind == "application/zip":
        names = zip_names(data)
        if names and not any(name in _OFFICE for name, _ in names[:5]):
            lines = [f"{words.size(size):>9}  {neutralise(name)[:300]}" for name, size in names]
            return Seen(attachment, data, Show.LIST, "\n".join(lines), note=note)
    if kind == "text/plain":
        text = neutralise_body(decode_text(data[: MAX_TEXT * 4], None).replace("\r\n", "\n"))
        cut = len(text) > MAX_TEXT or len(data) > MAX_TEXT * 4
        return Seen(attachment, data, Show.TEXT, text[:MAX_TEXT] + ("\n…" if cut else ""), note=note)
    return Seen(attachment, data, Show.NOTHING, note=note)


def mail_view(data: bytes) -> MessageView:
    """The view of an attached mail; HTML that is costly to read is left out, and its text shown."""
    parsed = parse(data, light_text)
    if len(parsed.html) > LARGE:
        parsed = replace(parsed, html="")
    return view_of(parsed)


class Preview(QFrame):
    """The page.  ``decoder`` draws."""

    left = Signal()
    stepped = Signal(int)
    """To the next (1) or the one before (-1)."""
    open_wanted = Signal()
    save_wanted = Signal()
    nested = Signal(object, object, object)
    """(Source, all attachments, the one to show) of an attached mail."""
    nested_save = Signal(object, object)
    link_clicked = Signal(str)

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.setObjectName("reader")
        self._decoder = decoder
        self.seen: Seen | None = None
        self._number = 0
        self.name = ElidedLabel("", TITLE, bold=True, mode=Qt.TextElideMode.ElideMiddle)
        self.facts = Label("", META, "tertiary")
        self.note = Banner(tone="warning")
        self.back = ToolButton("arrow-left", tr("Back to the message"), key="Escape")
        self.before = ToolButton("chevron-left", tr("Attachment before"), key="Left")
        self.after = ToolButton("chevron-right", tr("Next attachment"), key="Right")
        self.outside = Button(tr("Open with a program"), "external-link")
        self.save = Button(tr("Save"), "download")
        self.sheets = Sheets()
        self.player = Player()
        self.text = QPlainTextEdit()
        self.mail: MessagePane | None = None
        self.empty = EmptyState("file", "", "")
        self._serve()
        self._lay_out()

    def wait(self, attachment: Attachment) -> None:
        """It is being read."""
        self.player.end()
        self.seen = None
        self._say(attachment, "", "")
        self.note.hide()
        self.empty.show_state("file", tr("Reading…"), words.size(attachment.size))
        self._pages.setCurrentWidget(self.empty)

    def show_file(self, seen: Seen, place: int, among: int) -> None:
        """Show a file, the ``place``-th of so many."""
        self.seen = seen
        self._number = next(_NUMBERS)
        self._say(
            seen.attachment,
            tr("{number:,} of {total:,}", number=place + 1, total=among) if among > 1 else "",
            seen.attachment.type,
        )
        self.before.setVisible(among > 1)
        self.after.setVisible(among > 1)
        running = runs(seen.data)
        self.outside.setVisible(not running)
        self.note.say(seen.note or (tr("This is {running}.", running=running) if running else ""), "warning")
        self.note.setVisible(bool(seen.note or running))
        if seen.how is Show.DRAWN:
            self._draw(seen)
        elif seen.how in (Show.TEXT, Show.LIST):
            self.text.setPlainText(seen.text)
            self._pages.setCurrentWidget(self.text)
            self.text.setFocus()
        elif seen.how is Show.PLAYED:
            self._pages.setCurrentWidget(self.player)
            self.player.show_file(seen.data, media_type(seen.data), self.name.text())
        elif seen.view is not None:
            self._show_mail(seen, seen.view)
        elif running:
            self._cannot(tr("It is not opened from here; save it if you know what it is."))
        else:
            self._cannot(tr("This kind of file is not shown here; open it with another program, or save it."))

    def close_down(self) -> None:
        """Before the program ends, or another message is chosen."""
        self.player.end()
        if self.mail is not None:
            self.mail.body.close_down()
            self._pages.removeWidget(self._mail_page)
            self._mail_page.deleteLater()
            self.mail = None
        self.seen = None
        self._decoder.forget()

    # ---- inside
    def _serve(self) -> None:
        self.back.clicked.connect(self.left)
        self.before.clicked.connect(lambda: self.stepped.emit(-1))
        self.after.clicked.connect(lambda: self.stepped.emit(1))
        self.outside.clicked.connect(self.open_wanted)
        self.save.clicked.connect(self.save_wanted)
        self.sheets.wanted.connect(self._page_wanted)
        self.player.failed.connect(self._cannot)

    def _lay_out(self) -> None:
        titles = QVBoxLayout()
        titles.setSpacing(0)
        titles.addWidget(self.name)
        titles.addWidget(self.facts)
        top = QHBoxLayout()
        top.setContentsMargins(16, 12, 20, 8)
        top.setSpacing(8)
        top.addWidget(self.back)
        top.addLayout(titles, 1)
        for part in (self.before, self.after, self.outside, self.save):
            top.addWidget(part)
        notes = QVBoxLayout()
        notes.setContentsMargins(20, 0, 20, 8)
        notes.addWidget(self.note)
        self.note.hide()
        self.text.setReadOnly(True)
        self.text.setAccessibleName(tr("Text of the attachment"))
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.document().setDocumentMargin(20)
        self._pages = QStackedWidget()
        for page in (self.empty, self.sheets, self.text, self.player):
            self._pages.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addLayout(notes)
        column.addWidget(self._pages, 1)

    def _say(self, attachment: Attachment, among: str, kind: str) -> None:
        self.name.setText(words.shown(attachment.name, 200))
        facts = (words.size(attachment.size), words.shown(kind, 80), among)
        self.facts.setText(" · ".join(one for one in facts if one))
        self.setAccessibleName(tr("Attachment {name}, {facts}", name=self.name.text(), facts=self.facts.text()))

    def _cannot(self, text: str) -> None:
        self.empty.show_state("file", tr("Nothing to look at"), text)
        self._pages.setCurrentWidget(self.empty)
        self.back.setFocus()

    def _draw(self, seen: Seen) -> None:
        self.sheets.show_sizes((), paper=True)
        self.sheets.setFocus()
        self._page_wanted(0, self._pages.width(), self._pages.width())

    def _page_wanted(self, page: int, width: int, height: int) -> None:
        seen = self.seen
        if seen is not None:
            self._decoder.draw(
                f"look{self._number}", seen.data, width, height, lambda one: self._drawn(seen, page, one), page
            )

    def _drawn(self, seen: Seen, page: int, drawing: Drawing) -> None:
        if seen is not self.seen:
            return
        if drawing.problem:
            if page == 0:
                self._cannot(drawing.problem)
            return
        if self._pages.currentWidget() is not self.sheets:
            self._pages.setCurrentWidget(self.sheets)
            self.sheets.show_sizes(drawing.sizes, paper=media_type(seen.data) == "application/pdf")
            self.sheets.setFocus()
        self.sheets.put(page, drawing.picture)

    def _show_mail(self, seen: Seen, view: MessageView) -> None:
        """An attached mail, with a pane and a row of its own that no command can be about."""
        self.close_down()
        self.seen = seen

        def bytes_of(one: Attachment) -> bytes | None:
            try:
                return part_bytes(seen.data, one.part)[1]
            except KeyError:
                return None

        def inline(_row: MessageRow, shown: MessageView, content_id: str) -> bytes | None:
            found = shown.carried(content_id)
            return None if found is None else bytes_of(found)

        pane = self.mail = MessagePane(inline)
        for button in (pane.reply, pane.reply_all, pane.forward, pane.header.star):
            button.hide()
        pane.link_clicked.connect(self.link_clicked)
        pane.opened.connect(lambda one: self.nested.emit(bytes_of, view.attachments, one))
        pane.saved.connect(lambda one: self.nested_save.emit(bytes_of, [one]))
        listed = [one for one in view.attachments if not one.inline]
        pane.all_saved.connect(lambda: self.nested_save.emit(bytes_of, listed))
        self._mail_page = QWidget()
        column = QVBoxLayout(self._mail_page)
        column.setContentsMargins(READER_MARGIN_X, READER_MARGIN_Y, READER_MARGIN_X, 20)
        column.addWidget(pane)
        pane.show_message(_stand_in(view), view, frozenset())
        self._pages.addWidget(self._mail_page)
        self._pages.setCurrentWidget(self._mail_page)
        self.back.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The arrows lead to the attachments beside this one."""
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.stepped.emit(1 if event.key() == Qt.Key.Key_Right else -1)
        else:
            super().keyPressEvent(event)


def _stand_in(view: MessageView) -> MessageRow:
    """A row for what has none."""
    return MessageRow(
        MessageId(0), AccountId(0), FolderId(0), None, view.sender, view.to, view.subject, view.date or 0, Flag.SEEN,
        (), 0, bool(view.attachments), ThreadId(0), "", True, view.message_id,
    )  # fmt: skip


def listed_of(attachments: Sequence[Attachment], chosen: Attachment) -> list[Attachment]:
    """The attachments that can be stepped through, the chosen one among them."""
    shown = [one for one in attachments if not one.inline or one == chosen]
    return shown if chosen in shown else [chosen]


__all__ = ["Preview", "Seen", "Show", "Source", "listed_of", "see"]
