"""Settings: the person's tags, their names and colours; the first nine have the keys 1 to 9."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from mua.gui.preferences import Preferences
from mua.gui.tagging import KEYS, tag_icon
from mua.gui.theme import BASE, SECONDARY
from mua.gui.widgets import Button, Field, Label, ToolButton
from mua.language import tr
from mua.model.tag import COLOURS, MAX_NAME, TAGS, Tag, colour_for, keyword_of, tag_named


class TagRules(QWidget):
    """A line for each tag; ``change`` keeps what is chosen."""

    def __init__(self, now: Preferences, change: Callable[..., object]) -> None:
        super().__init__()
        self._change, self._tags = change, list(now.tags)
        self.rows: list[QWidget] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        said = tr(
            "Tags are kept on the server, where it can: other programs see them. The keys 1 to 9 set and clear them."
        )
        self._column.addWidget(Label(said, SECONDARY, "secondary", wrap=True))
        self._lines = QVBoxLayout()
        self._lines.setSpacing(6)
        self._column.addLayout(self._lines)
        self.new = Field(tr("Name of a new tag"), tr("Name of a new tag"))
        self.new.setMaxLength(MAX_NAME)
        self.add = Button(tr("Add a tag"), "plus")
        self.add.clicked.connect(self._add)
        self.new.returnPressed.connect(self._add)
        last = QHBoxLayout()
        last.addWidget(self.new)
        last.addWidget(self.add)
        last.addStretch(1)
        self._column.addLayout(last)
        self._list()

    # ---- inside
    def _list(self) -> None:
        for row in self.rows:
            self._lines.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = [self._row(place, one) for place, one in enumerate(self._tags)]
        for row in self.rows:
            self._lines.addWidget(row)

    def _row(self, place: int, tag: Tag) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        key = Label(str(place + 1) if place < KEYS else "", SECONDARY, "tertiary")
        key.setFixedWidth(14)
        colour = ToolButton("tag", tr("Colour of {name}", name=tag.name))
        colour.setIcon(tag_icon(tag))
        colour.setMenu(self._colours(colour, place))
        colour.setPopupMode(ToolButton.ToolButtonPopupMode.InstantPopup)
        name = Field(tr("Name of the tag {name}", name=tag.name), tr("Name"))
        name.setMaxLength(MAX_NAME)
        name.setText(tag.name)
        name.editingFinished.connect(lambda: self._rename(place, name))
        line.addWidget(key)
        line.addWidget(colour)
        line.addWidget(name)
        line.addWidget(Label(tag.keyword, BASE, "tertiary"))
        line.addStretch(1)
        if place:
            up = ToolButton("chevron-up", tr("Move {name} up", name=tag.name))
            up.clicked.connect(partial(self._up, place))
            line.addWidget(up)
        if len(self._tags) > 1:
            remove = ToolButton("x", tr("Forget the name and colour of {name}", name=tag.name))
            remove.clicked.connect(partial(self._forget, place))
            line.addWidget(remove)
        return row

    def _colours(self, parent: QWidget, place: int) -> QMenu:
        menu = QMenu(parent)
        menu.setToolTipsVisible(False)
        for colour in dict.fromkeys([one.colour for one in TAGS] + list(COLOURS)):
            action = menu.addAction(tag_icon(Tag("", "", colour)), colour)
            action.triggered.connect(lambda _=False, colour=colour: self._recolour(place, colour))
        return menu

    def _keep(self) -> None:
        self._change(tags=tuple(self._tags))
        self._list()

    def _recolour(self, place: int, colour: str) -> None:
        self._tags[place] = replace(self._tags[place], colour=colour)
        self._keep()

    def _rename(self, place: int, field: Field) -> None:
        name, tag = " ".join(field.text().split()), self._tags[place]
        if not name or tag_named(name, [one for one in self._tags if one is not tag]) is not None:
            field.setText(tag.name)
        elif name != tag.name:
            self._tags[place] = replace(tag, name=name)
            self._change(tags=tuple(self._tags))

    def _up(self, place: int) -> None:
        self._tags[place - 1], self._tags[place] = self._tags[place], self._tags[place - 1]
        self._keep()

    def _forget(self, place: int) -> None:
        del self._tags[place]
        self._keep()

    def _add(self) -> None:
        name = " ".join(self.new.text().split())
        if name and tag_named(name, self._tags) is None:
            keyword = keyword_of(name)
            self._tags.append(Tag(keyword, name, colour_for(keyword)))
            self.new.clear()
            self._keep()
        self.new.setFocus(Qt.FocusReason.OtherFocusReason)
