"""Setting and clearing tags: by keys, menu and palette.

Rules of the file: a tag that every chosen message bears is taken away, else it is set, as the star is; the first nine
tags of the person have the keys 1 to 9, and 0 clears all.
"""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu

from mua.gui import words
from mua.gui.palette import Choice, Palette
from mua.language import tr
from mua.model.message import MessageRow
from mua.model.tag import MAX_NAME, Tag, colour_for, keyword_of, tag_named, tag_of

if TYPE_CHECKING:
    from mua.gui.desk import Desk

KEYS = 9


class Tagging(QObject):
    """The tags of one window."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        actions = desk.window.actions_
        for number in range(KEYS):
            actions.on(f"tag_{number + 1}", partial(self._toggle_number, number))
        actions.on("untag", self.clear)
        actions.on("tag", self.open_palette)
        desk.reader.tags_pressed.connect(self.open_palette)

    @property
    def tags(self) -> tuple[Tag, ...]:
        """The person's."""
        return self._desk.preferences.tags

    def toggle(self, tag: Tag) -> None:
        """Set a tag, or take it away where every chosen message has it."""
        rows = self._desk.chosen_rows()
        ids = [row.id for row in rows]
        if rows and all(_bears(row, tag) for row in rows):
            self._desk.acting.tag(ids, remove=(tag.keyword,), name=tag.name)
        else:
            self._desk.acting.tag(ids, add=(tag.keyword,), name=tag.name)

    def clear(self) -> None:
        """Take away every tag of the chosen messages."""
        rows = self._desk.chosen_rows()
        borne = {one.keyword: one for row in rows for name in row.keywords if (one := tag_of(name, self.tags))}
        if borne:
            names = ", ".join(one.name for one in borne.values())
            self._desk.acting.tag([row.id for row in rows], remove=tuple(borne), name=names)

    def open_palette(self) -> None:
        """Choose a tag by a few letters; what fits none becomes a new one."""
        rows = self._desk.chosen_rows()
        if rows:
            title = tr("Tag {messages}", messages=words.count(len(rows), "message"))
            Palette(self._desk.window, title, self.choices(), self._new).open_over()

    def choices(self) -> list[Choice]:
        """The tags, each with its key."""
        rows = self._desk.chosen_rows()
        found: list[Choice] = []
        for number, one in enumerate(self.tags):
            borne = bool(rows) and all(_bears(row, one) for row in rows)
            key = str(number + 1) if number < KEYS else ""
            text = tr("Remove the tag {name}", name=one.name) if borne else tr("Tag: {name}", name=one.name)
            found.append(Choice(text, key, "tag", partial(self.toggle, one)))
        return found

    def menu(self, parent: QMenu) -> QMenu:
        """The tags as a menu, those that the chosen messages bear checked."""
        menu = QMenu(tr("Tag"), parent)
        rows = self._desk.chosen_rows()
        for number, one in enumerate(self.tags):
            action = menu.addAction(tag_icon(one), f"{one.name}\t{number + 1}" if number < KEYS else one.name)
            action.setCheckable(True)
            action.setChecked(bool(rows) and all(_bears(row, one) for row in rows))
            action.triggered.connect(lambda _=False, one=one: self.toggle(one))
        menu.addSeparator()
        menu.addAction(self._desk.window.actions_["untag"])
        menu.addAction(tr("New tag…")).triggered.connect(self.open_palette)
        return menu

    # ---- inside
    def _toggle_number(self, number: int) -> None:
        if number < len(self.tags):
            self.toggle(self.tags[number])

    def _new(self, text: str) -> Choice | None:
        """A tag that does not exist yet."""
        name = " ".join(text.split())[:MAX_NAME]
        if not name or tag_named(name, self.tags) is not None:
            return None
        keyword = keyword_of(name)
        return Choice(
            tr("New tag “{name}”", name=name), "", "plus", partial(self._add, Tag(keyword, name, colour_for(keyword)))
        )

    def _add(self, tag: Tag) -> None:
        preferences = self._desk.preferences
        self._desk.change_preferences(replace(preferences, tags=(*preferences.tags, tag)))
        self._desk.acting.tag([row.id for row in self._desk.chosen_rows()], add=(tag.keyword,), name=tag.name)


def tag_icon(tag: Tag) -> QIcon:
    """A disc of the tag's colour."""
    image = QPixmap(28, 28)
    image.setDevicePixelRatio(2)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(tag.colour))
    painter.drawEllipse(2, 2, 10, 10)
    painter.end()
    return QIcon(image)


def _bears(row: MessageRow, tag: Tag) -> bool:
    return tag.keyword.casefold() in {name.casefold() for name in row.keywords}
