"""Who may be there twice: suggested one below the other, made one by a button, and not before."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from mua.gui import words
from mua.gui.contact_list import shown_name
from mua.gui.notices import EmptyState
from mua.gui.theme import BASE, META, SECONDARY, TITLE
from mua.gui.widgets import Button, Label
from mua.language import tr
from mua.model.contact import Contact
from mua.plan.duplicates import Suspicion


class Duplicates(QWidget):
    """The panel."""

    merge_wanted = Signal(object)
    """The ids of those who are one."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[tuple[int, ...], QFrame] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(28, 24, 28, 28)
        self._column.setSpacing(10)
        self._column.addWidget(Label(tr("Who may be there twice"), TITLE, bold=True))
        text = tr("One contact gets what any of them says. The others can be brought back for 30 days.")
        self._column.addWidget(Label(text, SECONDARY, "secondary", wrap=True))
        self._said = Label(tr("Looking …"), SECONDARY, "secondary")
        self._column.addWidget(self._said)
        self._column.addStretch()

    def show_found(self, found: Sequence[Suspicion], rows: dict[int, Contact]) -> None:
        """The suspicions; ``rows``: who they are about."""
        self._said.hide()
        if not found:
            self._column.insertWidget(2, EmptyState("users", tr("Nobody"), tr("Nobody seems to be there twice.")), 1)
        for one in found:
            people = [rows[each] for each in one.contacts if each in rows]
            if len(people) > 1:
                row = self.rows[tuple(one.contacts)] = self._row(one, people)
                self._column.insertWidget(self._column.count() - 1, row)

    def merged(self, ids: tuple[int, ...]) -> None:
        """These are one now."""
        row = self.rows.pop(tuple(ids), None)
        if row is not None:
            row.hide()
            row.deleteLater()

    def _row(self, one: Suspicion, people: Sequence[Contact]) -> QFrame:
        frame = QFrame()
        frame.setProperty("kind", "panel")
        text = QVBoxLayout()
        text.setSpacing(2)
        for each in people:
            said = " · ".join((shown_name(each), *each.addresses[:3]))
            text.addWidget(Label(words.shown(said, 300), BASE, wrap=True))
        text.addWidget(Label(words.shown(one.why, 200), META, "tertiary", wrap=True))
        names = ", ".join(shown_name(each) for each in people)
        frame.setAccessibleName(f"{names}. {one.why}")
        merge = Button(tr("Make one"), "merge")
        merge.setAccessibleName(tr("Make one contact of {names}", names=names))
        merge.clicked.connect(lambda: self.merge_wanted.emit(tuple(one.contacts)))
        leave = Button(tr("They are different"), kind="link")
        leave.clicked.connect(lambda: self.merged(tuple(one.contacts)))
        line = QHBoxLayout(frame)
        line.setContentsMargins(16, 12, 12, 12)
        line.addLayout(text, 1)
        line.addWidget(leave, 0, Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(merge, 0, Qt.AlignmentFlag.AlignVCenter)
        return frame
