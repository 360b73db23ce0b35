"""The header of a message: subject, who wrote it, to whom, when.

Rule of the file: the real address is always visible, and a mail cannot draw into any of this.
"""

import time
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from mua.gui import words
from mua.gui.reader_author import Lines, Mark, Said, of_notes
from mua.gui.tag_chips import TagChips
from mua.gui.theme import BASE, SECONDARY, SUBJECT, theme
from mua.gui.widgets import Avatar, ElidedLabel, Label, ToolButton
from mua.language import strftime, tr
from mua.model import naming
from mua.model.address import Address
from mua.model.message import Flag, MessageRow, MessageView

_STACKED = 640  # pixels of header below which name and address stand on two lines


class Header(QWidget):
    """Subject, avatar, sender with the real address, recipients, date, star."""

    starred = Signal()
    way_wanted = Signal()
    """How the message came."""

    def __init__(self) -> None:
        super().__init__()
        self.subject = Label("", SUBJECT, bold=True, wrap=True)
        self.subject.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.avatar = Avatar()
        self.name = ElidedLabel("", BASE, bold=True)
        self.address = ElidedLabel("", BASE, "tertiary", mode=Qt.TextElideMode.ElideMiddle)
        self.recipients = ElidedLabel("", SECONDARY, "secondary")
        self.date = Label("", SECONDARY, "secondary")
        self.more = ToolButton("chevron-down", tr("Show all recipients and headers"))
        self.more.clicked.connect(self._toggle)
        self.star = ToolButton("star", tr("Star"), key="S")
        self.star.clicked.connect(self.starred)
        self.tags = TagChips()
        self.rule = Label("", SECONDARY, "tertiary", wrap=True)
        """What a rule did to it."""
        self.rule.hide()
        self.mark = Mark()
        self.mark.clicked.connect(self._toggle)
        self.lines = Lines()
        self.lines.journey_wanted.connect(self.way_wanted)
        self.facts = QWidget()
        self._grid = QGridLayout()
        self._lay_out()

    def show_message(self, row: MessageRow, view: MessageView | None, mine: frozenset[str]) -> None:
        """Fill in everything; without a view, what the row knows."""
        authors = view.sender if view else row.sender
        sender = next(iter(authors), Address("", ""))
        subject = words.shown(view.subject if view else row.subject) or tr("(no subject)")
        self.subject.setText(subject)
        self.name.setText(words.person(authors) or tr("Unknown sender"))
        self.address.setText(_beside(authors))
        self.avatar.show_person("" if naming.lies(sender) else sender.name, sender.address)
        to = (*view.to, *view.cc) if view else row.to
        self.recipients.setText(tr("to {names}", names=words.people(to, mine)) if to else tr("no recipients named"))
        date = view.date if view and view.date is not None else row.date
        self.date.setText(words.full_time(date, time.time()))
        self.date.setToolTip(strftime("%A %d %B %Y, %H:%M:%S %Z", time.localtime(date)))
        self.show_star(bool(row.flags & Flag.FLAGGED))
        self._fill_facts(view)
        self.show_lines(of_notes(view.notes) if view is not None else [])
        self.setAccessibleName(
            tr(
                "{subject}, from {name} {address}, {date}",
                subject=subject,
                name=self.name.text(),
                address=self.address.text(),
                date=self.date.text(),
            )
        )

    def show_lines(self, lines: Sequence[Said]) -> None:
        """What there is to say of the author."""
        self.mark.show_lines(lines)
        self.lines.show_lines(lines)
        if not self.facts.isHidden():
            self.mark.hide()

    def show_rule(self, said: str) -> None:
        """What rules did to it, in words."""
        self.rule.setText(words.shown(said, 400))
        self.rule.setVisible(bool(said))

    def show_star(self, starred: bool) -> None:
        """A star, filled or not."""
        self.star.show_icon("star", "star" if starred else "secondary", starred)
        self.star.name(tr("Remove the star") if starred else tr("Star"), "S")

    def _lay_out(self) -> None:
        line = self._line = QHBoxLayout()
        line.setSpacing(8)
        self.name.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        line.addWidget(self.name)
        line.addWidget(self.address, 1)
        people = QVBoxLayout()
        people.setSpacing(1)
        people.addLayout(line)
        people.addWidget(self.recipients)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.avatar)
        row.addLayout(people, 1)
        row.addLayout(self._side())
        facts = QVBoxLayout(self.facts)
        facts.setContentsMargins(54, 0, 0, 0)
        facts.setSpacing(8)
        facts.addWidget(self.lines)
        facts.addLayout(self._grid)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(1, 1)
        self.facts.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.subject)
        column.addWidget(self.tags)
        column.addWidget(self.rule)
        column.addLayout(row)
        mark = QHBoxLayout()
        mark.setContentsMargins(50, 0, 0, 0)
        mark.addWidget(self.mark, 1)
        mark.addStretch()
        column.addLayout(mark)
        column.addWidget(self.facts)

    def _side(self) -> QHBoxLayout:
        side = QHBoxLayout()
        side.setSpacing(4)
        side.addWidget(self.date)
        side.addSpacing(4)
        side.addWidget(self.more)
        side.addWidget(self.star)
        return side

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where room is short the real address gets a line of its own: it is never left out."""
        super().resizeEvent(event)
        stacked = event.size().width() < _STACKED * max(1.0, theme().scale)
        self._line.setDirection(QBoxLayout.Direction.TopToBottom if stacked else QBoxLayout.Direction.LeftToRight)
        self._line.setSpacing(1 if stacked else 8)

    def _fill_facts(self, view: MessageView | None) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()  # it is there until the loop has turned
                old.deleteLater()
        if view is None:
            self.facts.hide()
            return
        facts = [
            (tr("From"), _addresses(view.sender)),
            (tr("To"), _addresses(view.to)),
            (tr("Cc"), _addresses(view.cc)),
            (tr("Bcc"), _addresses(view.bcc)),
            (tr("Reply to"), _addresses(view.reply_to)),
            (tr("Message-ID"), words.shown(view.message_id)),
        ]
        for place, (name, value) in enumerate((name, value) for name, value in facts if value):
            label = Label(value, SECONDARY, wrap=True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._grid.addWidget(Label(name, SECONDARY, "tertiary"), place, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(label, place, 1)

    def _toggle(self) -> None:
        shown = not self.facts.isVisible()
        self.facts.setVisible(shown)
        self.mark.setVisible(not shown and bool(self.mark.said))  # open, the same line is below
        if shown:
            self.more.setFocus()
        self.more.show_icon("chevron-up" if shown else "chevron-down")
        self.more.name(tr("Show fewer headers") if shown else tr("Show all recipients and headers"))


def _beside(authors: Sequence[Address]) -> str:
    """What stands beside the name: the real address, or a name that is not to be believed."""
    if len(authors) != 1:
        return ""
    [one] = authors
    if one.address and naming.person(one) == naming.real(one.address):
        return tr("calls itself “{name}”", name=words.shown(one.name, 100)) if naming.lies(one) else ""
    return words.shown(naming.real(one.address), 300)


def _addresses(addresses: tuple[Address, ...], limit: int = 50) -> str:
    text = ", ".join(words.shown(str(one), 300) for one in addresses[:limit])
    return text + (tr(" and {number:,} more", number=len(addresses) - limit) if len(addresses) > limit else "")
