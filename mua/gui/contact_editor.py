"""The form in which a contact is changed or made.

Rules of the file: what was typed is never thrown away unasked; what the form does not show of a card stays in it.
"""

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from mua.gui import address_text, words
from mua.gui.contact_card import LABELS
from mua.gui.notices import Banner
from mua.gui.select import Select
from mua.gui.theme import META, TITLE
from mua.gui.widgets import Button, Field, Label, ToolButton
from mua.language import tr
from mua.mime.contact import Details, Entry
from mua.model.address import Address

_KINDS = (
    ("emails", tr("Address"), tr("Add an address")),
    ("phones", tr("Phone"), tr("Add a phone")),
    ("places", tr("Place"), tr("Add a place")),
    ("links", tr("Link"), tr("Add a link")),
)
_TEXTS = (
    ("name", tr("Name")),
    ("organisation", tr("Organisation")),
    ("title", tr("Job title")),
    ("nickname", tr("Nickname")),
    ("birthday", tr("Birthday")),
)


class _EntryRow(QWidget):
    """One value with what it is called."""

    def __init__(self, what: str, entry: Entry, remove: Callable[["_EntryRow"], None]) -> None:
        super().__init__()
        self._entry = entry
        self.field = Field(what)
        self.field.setText(entry.value)
        self.label = Select(tr("What this is called: {what}", what=what))
        choices = dict.fromkeys(["", *LABELS, entry.label])
        for one in choices:
            self.label.addItem(LABELS.get(one, words.shown(one, 60)) or tr("No label"), one)
        self.label.setCurrentIndex(list(choices).index(entry.label))
        gone = ToolButton("x", tr("Remove: {what}", what=what))
        gone.clicked.connect(lambda: remove(self))
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        line.addWidget(self.field, 1)
        line.addWidget(self.label)
        line.addWidget(gone)

    def entry(self) -> Entry:
        """What it says now."""
        return replace(self._entry, value=self.field.text().strip(), label=self.label.currentData())


class ContactEditor(QWidget):
    """The form; ``about`` is what it begins with."""

    kept = Signal(object)
    """The new Details."""
    left = Signal()
    picture_wanted = Signal()
    picture_unwanted = Signal()

    def __init__(self, about: Details, title: str, has_photo: bool) -> None:
        super().__init__()
        self._before = about
        self.picture_changed = False
        self.setAccessibleName(title)
        self._fields: dict[str, Field] = {}
        self._rows: dict[str, list[_EntryRow]] = {name: [] for name, *_ in _KINDS}
        self._columns: dict[str, QVBoxLayout] = {}
        self._names: dict[str, tuple[Label, QWidget]] = {}  # of ``_KINDS``: what it is called, and its button
        self.banner = Banner(stacked=True)
        self.banner.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(28, 24, 28, 28)
        column.setSpacing(10)
        column.addWidget(Label(title, TITLE, bold=True))
        column.addWidget(self.banner)
        column.addLayout(self._grid())
        column.addLayout(self._end(has_photo))
        column.addStretch()
        for name, *_ in _KINDS:
            for one in getattr(about, name):
                self._add(name, one)
        if not about.emails:
            self._add("emails", Entry(""))

    def begin(self) -> None:
        """Put the keyboard into the name."""
        self._fields["name"].setFocus()
        self._fields["name"].selectAll()

    def details(self) -> Details:
        """What the form says."""
        texts = {name: field.text().strip() for name, field in self._fields.items() if name != "groups"}
        many = {name: tuple(one.entry() for one in self._rows[name]) for name, *_ in _KINDS}
        groups = tuple(dict.fromkeys(" ".join(one.split()) for one in self._fields["groups"].text().split(",")))
        note = self.note.toPlainText().strip("\n")
        return Details(**texts, **many, note=note, groups=tuple(one for one in groups if one))  # type: ignore[arg-type]  # the fields by their names

    def keep(self) -> None:
        """Done, unless an address is none."""
        said = self.details()
        entries = (one for name, *_ in _KINDS for one in getattr(said, name))
        if not said.name and not said.organisation and not any(one.value for one in entries):
            self.say(tr("A contact needs a name, an organisation or an address."))
            self._fields["name"].setFocus()
            return
        for row in self._rows["emails"]:
            text = row.field.text().strip()
            wrong = address_text.problem(Address("", text)) if text else ""
            row.field.mark(bool(wrong))
            if wrong:
                self.say(wrong)
                row.field.setFocus()
                return
        self.kept.emit(said)

    def leave(self) -> None:
        """Back to the card; what was typed is asked about first."""
        if not self.is_changed():
            self.left.emit()
            return
        self.say(tr("What you have changed is not kept yet."))
        self.banner.offer(tr("Throw it away"), self.left.emit)

    def is_changed(self) -> bool:
        """Whether something differs from what it began with."""
        said, before = self.details(), self._before
        plain = all(getattr(said, name) == getattr(before, name) for name in (*self._fields, "groups"))
        same_note = said.note == before.note.strip("\n")
        entries = (
            tuple(one for one in getattr(said, name) if one.value) == getattr(before, name) for name, *_ in _KINDS
        )
        return self.picture_changed or not (plain and same_note and all(entries))

    def say(self, text: str) -> None:
        """What is wrong."""
        self.banner.withdraw()
        self.banner.say(text, "warning")
        self.banner.show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        elif event.matches(QKeySequence.StandardKey.Save) or (
            enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier
        ):
            self.keep()
        else:
            super().keyPressEvent(event)

    # ---- inside
    def _grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        for name, what in _TEXTS[:3]:
            self._text(grid, name, what, getattr(self._before, name))
        for name, what, more in _KINDS:
            self._many(grid, name, what, more)
        for name, what in _TEXTS[3:]:
            self._text(grid, name, what, getattr(self._before, name))
        self._text(grid, "groups", tr("Groups"), ", ".join(self._before.groups))
        self._fields["groups"].setPlaceholderText(tr("Family, Chess club"))
        self._fields["birthday"].setPlaceholderText("1990-12-31")
        self.note = QPlainTextEdit(self._before.note)
        self.note.setProperty("kind", "field")
        self.note.setAccessibleName(tr("Note"))
        self.note.setTabChangesFocus(True)
        self.note.setFixedHeight(96)
        place = grid.rowCount()
        label = Label(tr("Note"), META, "tertiary")
        _level(label, self._fields["groups"])
        grid.addWidget(label, place, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.note, place, 1)
        return grid

    def _text(self, grid: QGridLayout, name: str, what: str, value: str) -> None:
        field = self._fields[name] = Field(what)
        field.setText(value)
        place = grid.rowCount()
        grid.addWidget(Label(what, META, "tertiary"), place, 0)
        grid.addWidget(field, place, 1)

    def _many(self, grid: QGridLayout, name: str, what: str, add: str) -> None:
        column = self._columns[name] = QVBoxLayout()
        column.setSpacing(6)
        more = Button(add, "plus", "link")
        more.clicked.connect(lambda: self._add(name, Entry("")).field.setFocus())
        whole = QVBoxLayout()
        whole.setSpacing(2)
        whole.addLayout(column)
        whole.addWidget(more, 0, Qt.AlignmentFlag.AlignLeft)
        place = grid.rowCount()
        label = Label(what, META, "tertiary")
        self._names[name] = label, more
        _level(label, more)
        grid.addWidget(label, place, 0, Qt.AlignmentFlag.AlignTop)
        grid.addLayout(whole, place, 1)

    def _add(self, name: str, entry: Entry) -> _EntryRow:
        what = next(what for key, what, _ in _KINDS if key == name)
        row = _EntryRow(what, entry, lambda one: self._remove(name, one))
        self._rows[name].append(row)
        self._columns[name].addWidget(row)
        _level(self._names[name][0], self._rows[name][0].field)
        return row

    def _remove(self, name: str, row: _EntryRow) -> None:
        self._rows[name].remove(row)
        self._columns[name].removeWidget(row)
        row.deleteLater()
        label, more = self._names[name]
        _level(label, self._rows[name][0].field if self._rows[name] else more)

    def _end(self, has_photo: bool) -> QHBoxLayout:
        picture = Button(tr("Choose a picture"), "image")
        picture.clicked.connect(self.picture_wanted)
        self.bare = Button(tr("Remove the picture"), "image-off")
        self.bare.clicked.connect(self.picture_unwanted)
        self.bare.setVisible(has_photo)
        keep = Button(tr("Keep"), kind="primary")
        keep.setToolTip("Ctrl+S")
        keep.clicked.connect(self.keep)
        leave = Button(tr("Cancel"))
        leave.clicked.connect(self.leave)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(picture)
        line.addWidget(self.bare)
        line.addStretch()
        line.addWidget(leave)
        line.addWidget(keep)
        return line


def _level(label: Label, beside: QWidget) -> None:
    """What a thing is called stands in the middle of its first line."""
    label.setMinimumHeight(beside.sizeHint().height())
