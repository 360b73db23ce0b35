"""One message, whole: who wrote, when, to whom; what was blocked and what is odd; the body; attachments; the answers.

Rules of the file: the real address is always visible; trust marks live only in the header, which a mail cannot draw
into; a pane knows one message and acts on nothing, it says what the person wants.
"""

import time
from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mua.gui import words
from mua.gui.engine_words import said
from mua.gui.link_bar import LinkBar
from mua.gui.message_body import Body
from mua.gui.notices import Banner
from mua.gui.reader_header import Header
from mua.gui.remote_bar import RemoteBar
from mua.gui.widgets import AttachmentCard, Button, Flow
from mua.gui.writing import Kind
from mua.language import tr
from mua.model.message import Attachment, MessageRow, MessageView
from mua.model.outgoing import Outgoing

_MOST_CARDS = 200
Inline = Callable[[MessageRow, MessageView, str], bytes | None]
"""The bytes of a Content-ID of a message."""


class MessagePane(QWidget):
    """One message."""

    link_clicked = Signal(str)
    link_hovered = Signal(str)
    link_agreed = Signal(str)
    """A doubtful link is to be opened all the same."""
    opened = Signal(object)
    """An attachment is to be opened."""
    saved = Signal(object)
    """An attachment is to be saved."""
    all_saved = Signal()
    journey_wanted = Signal()
    """Every step of the message that is shown, for each recipient."""
    way_wanted = Signal()
    """How the message that is shown came."""
    junk_wanted = Signal()
    """What is shown is to go to Junk."""
    settled = Signal(bool)
    """The person has read why a wish was refused; True: it is to be tried again."""
    loaded = Signal()
    """Its page is there, laid out."""
    answered = Signal(object)
    """A ``Kind``: the message is to be answered or forwarded."""
    starred = Signal()
    pictures_wanted = Signal(bool)
    """Pictures from elsewhere are to be loaded; True: those of every mail of this sender."""
    pictures_unwanted = Signal()
    receipt_answered = Signal(bool)
    tags_pressed = Signal()
    """True: the sender is to be told that the message was read."""

    def __init__(self, inline: Inline, tall: bool = False) -> None:
        super().__init__()
        self._source = inline
        self.row: MessageRow | None = None
        self.view: MessageView | None = None
        self.begun: MessageView | None = None
        """The view of its beginning, while the whole is not here."""
        self.as_text = False
        self._mine: frozenset[str] = frozenset()
        self.header = Header()
        self.link = LinkBar()
        self.leaving = Banner()
        self.remote = RemoteBar()
        self.warnings = Banner(tone="danger")
        self.nature = Banner()
        self.events = Banner(icon_name="calendar")
        self.receipt = Banner(icon_name="mail-open")
        self.receipt.offer(tr("Send a receipt"), lambda: self.receipt_answered.emit(True))
        self.receipt.offer(tr("Do not"), lambda: self.receipt_answered.emit(False))
        self.long = Banner(tr("The beginning of a very long message is shown."))
        self.long.offer(tr("Show all"), self._show_whole)
        self.problem = Banner(tone="danger")
        self.journey = Banner()
        self.journey.offer(tr("Details"), self.journey_wanted.emit)
        self.backscatter = Banner(tr("This says that mail was not delivered, but it was not sent from here."))
        self.backscatter.offer(tr("Move to Junk"), self.junk_wanted.emit)
        self.refusal = Banner(tone="danger")
        self.refusal.offer(tr("Try again"), lambda: self.settled.emit(True))
        self.refusal.offer(tr("Dismiss"), lambda: self.settled.emit(False))
        self.body = Body(self._inline, tall)
        self.attachments = Flow()
        self.reply = Button(tr("Reply"), "reply")
        self.reply_all = Button(tr("Reply all"), "reply-all")
        self.forward = Button(tr("Forward"), "forward")
        self.go_on = Button(tr("Go on writing"), "file-pen-line")
        self.go_on.hide()
        self._connect()
        self._lay_out()

    # ---- showing
    def forget(self) -> None:
        """Know no message."""
        self.row = self.view = self.begun = None

    def show_message(self, row: MessageRow, view: MessageView | None, mine: frozenset[str]) -> None:
        """Show a message; without a view its header, while the body is fetched."""
        same = self.row is not None and self.row.id == row.id
        again, begun = same and self.view == view, self.begun if same else None
        self.row, self._mine = row, mine
        self.header.show_message(row, view or begun, mine)
        self.refusal.say(
            tr("The last change was not made. {problem}", problem=words.shown(said(row.problem), 500)), "danger"
        )
        self.refusal.setVisible(bool(row.problem))
        if again:
            return
        self.view, self.begun = view, None
        self.as_text = False
        try:
            self._show_body(rest=begun is not None)
        except BaseException:
            self.body.wait()  # whatever happens, never another mail's body under this header
            raise
        self.problem.hide()
        self.link.hide()
        self.leaving.hide()
        self._show_bars(view)
        self._show_attachments()

    def show_beginning(self, view: MessageView) -> None:
        """Show the beginning of the message, until ``show_message`` gets the whole."""
        if self.row is None or self.view is not None or self.begun is not None:
            return
        self.begun = view
        self.header.show_message(self.row, view, self._mine)
        self.body.show_view(view, begun=True)
        self.long.setVisible(self.body.is_cut)
        self._show_bars(view)

    def cards(self) -> list[AttachmentCard]:
        """The attachments that are listed."""
        return [one for one in self.attachments.parts() if isinstance(one, AttachmentCard)]

    def be_draft(self, draft: bool) -> None:
        """A draft is gone on with, not answered."""
        self.go_on.setVisible(draft)
        for button in (self.reply, self.reply_all, self.forward):
            button.setVisible(not draft)

    def show_problem(self, text: str) -> None:
        """Say why the body is not here."""
        self.problem.say(text, "danger")
        self.problem.show()
        if self.begun is None:
            self.body.wait()

    def show_journey(self, message: Outgoing | None) -> None:
        """What became of a message that was sent from here; None: it was not."""
        self.journey.setVisible(message is not None)
        if message is not None:
            from mua.gui import outbox_words as said

            now = time.time()
            icon, role, _ = said.headline(message, now)
            tone = {"on_danger": "danger", "on_warning": "warning"}.get(role, "info")
            self.journey.say(said.journey(message, now), tone, icon)

    def ask_for_receipt(self, text: str, odd: bool = False) -> None:
        """Ask whether the sender may be told that the message was read; no text: that is not the question."""
        self.receipt.say(text, "warning" if odd else "info", "mail-open")
        self.receipt.setVisible(bool(text))

    def toggle_text(self) -> None:
        """Plain text instead of HTML, and back."""
        if self.view is not None and self.view.html:
            self.as_text = not self.as_text
            self._show_body()

    def show_pictures(self, shown: bool) -> None:
        """Show the pictures from elsewhere that are here, or none."""
        if self.view is not None:
            self.body.show_images(shown)

    # ---- inside
    def _connect(self) -> None:
        self.header.starred.connect(self.starred)
        self.header.way_wanted.connect(self.way_wanted)
        self.header.tags.pressed.connect(self.tags_pressed)
        self.remote.wanted.connect(self.pictures_wanted)
        self.remote.unwanted.connect(self.pictures_unwanted)
        self.link.agreed.connect(self.link_agreed)
        self.body.link_clicked.connect(self.link_clicked)
        self.body.link_hovered.connect(self.link_hovered)
        self.body.loaded.connect(self.loaded)
        self.body.died.connect(self._say_died)
        for button, kind in (
            (self.reply, Kind.REPLY),
            (self.reply_all, Kind.REPLY_ALL),
            (self.forward, Kind.FORWARD),
            (self.go_on, Kind.DRAFT),
        ):
            button.clicked.connect(lambda _=False, kind=kind: self.answered.emit(kind))

    def _lay_out(self) -> None:
        self._files = QWidget()
        files = QHBoxLayout(self._files)
        files.setContentsMargins(0, 0, 0, 0)
        files.addWidget(self.attachments, 1)
        answers = QHBoxLayout()
        answers.setSpacing(8)
        for button in (self.reply, self.reply_all, self.forward, self.go_on):
            answers.addWidget(button)
        answers.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        column.addWidget(self.header)
        for banner in (
            self.refusal,
            self.problem,
            self.journey,
            self.backscatter,
            self.warnings,
            self.nature,
            self.events,
            self.receipt,
            self.remote,
            self.link,
            self.leaving,
            self.long,
        ):
            banner.hide()
            column.addWidget(banner)
        column.addWidget(self.body, 1)
        column.addWidget(self.long)
        column.addWidget(self._files)
        column.addLayout(answers)
        self.long.hide()

    def _inline(self, content_id: str) -> bytes | None:
        return None if self.row is None or self.view is None else self._source(self.row, self.view, content_id)

    def _show_bars(self, view: MessageView | None) -> None:
        self.receipt.hide()
        self.remote.show_view(view, "begun" if self.view is None else "")
        warnings = view.warnings if view is not None else ()
        self.warnings.say(" ".join(words.shown(one, 300) for one in warnings[:5]), "danger")
        self.warnings.setVisible(bool(warnings))
        nature = view.nature if view is not None else ()
        self.nature.say(" ".join(words.shown(one, 1000) for one in nature[:5]))
        self.nature.setVisible(bool(nature))
        told = [words.shown(line) for one in (view.events[:5] if view is not None else ()) for line in one.lines()]
        self.events.say("\n".join(told), icon_name="calendar")
        self.events.setVisible(bool(told))

    def _show_attachments(self) -> None:
        view = self.view
        listed = [one for one in view.attachments if not one.inline] if view is not None else []
        parts: list[QWidget] = [self._card(one) for one in listed[:_MOST_CARDS]]
        if len(parts) > 1:
            save = Button(tr("Save all"), "download")
            save.clicked.connect(self.all_saved)
            parts.append(save)
        self.attachments.fill(parts)
        self._files.setVisible(bool(parts))

    def _card(self, attachment: Attachment) -> AttachmentCard:
        card = AttachmentCard(attachment.name, attachment.type, attachment.size, attachment=attachment)
        card.opened.connect(lambda: self.opened.emit(attachment))
        card.saved.connect(lambda: self.saved.emit(attachment))
        return card

    def _show_body(self, rest: bool = False) -> None:
        if self.view is None:
            self.body.wait(tr("Fetching this message…"))
        elif rest:
            self.body.show_rest(self.view)
        else:
            self.body.show_view(self.view, self.as_text)
        self.long.setVisible(self.body.is_cut)

    def _say_died(self) -> None:
        self.as_text = True
        self.long.hide()
        self.problem.say(tr("The page of this message brought its browser down; what you see is its text."), "danger")
        self.problem.show()

    def _show_whole(self) -> None:
        self.body.show_whole()
        self.long.hide()
