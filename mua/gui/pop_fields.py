"""What a POP3 account asks beyond its server: what becomes of mail there, and which inbox it goes into.

Rule of the file: plain words; leaving mail on the server is what is chosen until a person chooses otherwise.
"""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mua.gui import words
from mua.gui.choice import Choice
from mua.gui.select import Select, Tick
from mua.gui.theme import SECONDARY
from mua.gui.widgets import Field, Label
from mua.language import tr
from mua.model.account import FOR_EVER, Account, AccountId, Incoming, PopOptions

USUAL_DAYS = 14
MOST_DAYS = 3650


class PopFields(QWidget):
    """The fields, for ``PopOptions``."""

    def __init__(self) -> None:
        super().__init__()
        chips = (
            ("keep", tr("Stays there")),
            ("days", tr("Stays for some days")),
            ("fetched", tr("Is deleted once it is here")),
        )
        self.stay = Choice(tr("Mail on the server"), chips)
        self.days = Field(tr("Days on the server"))
        self.days.setValidator(QIntValidator(1, MOST_DAYS, self.days))
        self.days.setFixedWidth(64)
        self.follow = Tick(tr("What I delete here is deleted on the server, too"))
        self.inbox = Select(tr("Where new mail goes"))
        self._days_row = QWidget()
        self._lay_out()
        self.offer_inboxes(())
        self.stay.changed.connect(self._arrange)
        self.show_options(PopOptions())

    def offer_inboxes(self, accounts: Sequence[Account], mine: int = 0) -> None:
        """Let the inboxes of these accounts be chosen: those that live on this computer, and not ``mine``."""
        chosen = self.inbox.currentData()
        self.inbox.clear()
        self.inbox.addItem(tr("New mail goes into an inbox of its own"), 0)
        for one in accounts:
            if one.incoming is not Incoming.IMAP and one.id != mine:
                self.inbox.addItem(
                    tr("New mail goes into the inbox of {name}", name=words.shown(one.name, 60)), int(one.id)
                )
        self.inbox.setVisible(self.inbox.count() > 1)
        self._choose_inbox(chosen or 0)

    def show_options(self, options: PopOptions) -> None:
        """Fill in."""
        self.stay.choose({FOR_EVER: "keep", 0: "fetched"}.get(options.keep_days, "days"))
        self.days.setText(str(options.keep_days if options.keep_days > 0 else USUAL_DAYS))
        self.follow.setChecked(options.delete_with_ours)
        self._choose_inbox(options.inbox_of)
        self._arrange()

    def options(self) -> PopOptions | None:
        """What is chosen; None (and ``days`` is marked) when the number of days is none."""
        wrong = self.stay.value() == "days" and not self.days.hasAcceptableInput()
        self.days.mark(wrong)
        if wrong:
            return None
        keep = {"keep": FOR_EVER, "fetched": 0}.get(self.stay.value())
        days = int(self.days.text()) if keep is None else keep
        return PopOptions(days, self.follow.isChecked(), AccountId(self.inbox.currentData() or 0))

    # ---- inside
    def _choose_inbox(self, account_id: int) -> None:
        self.inbox.setCurrentIndex(max(0, self.inbox.findData(account_id)))

    def _lay_out(self) -> None:
        row = QHBoxLayout(self._days_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.days)
        row.addWidget(Label(tr("days after it was fetched"), SECONDARY, "secondary"), 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(Label(tr("Mail on the server"), SECONDARY, "secondary"), 0, Qt.AlignmentFlag.AlignLeft)
        for part in (self.stay, self._days_row, self.follow, self.inbox):
            column.addWidget(part)

    def _arrange(self) -> None:
        self._days_row.setVisible(self.stay.value() == "days")
        self.follow.setVisible(self.stay.value() != "fetched")
