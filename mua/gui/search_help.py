"""What the search field offers while a person types: recent searches, operators, people, folders, tags, dates.

Rules of the file: it never takes the keyboard from the field, chooses nothing by itself, and Enter without a choice
does what it always does.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QRect, QStringListModel, Qt, QTimer
from PySide6.QtWidgets import QAbstractItemView, QCompleter, QListView

from mua.gui import words
from mua.gui.select import POPUP
from mua.gui.sheets import styled
from mua.gui.widgets import SearchField
from mua.language import tr
from mua.model.address import Address
from mua.model.tag import Tag
from mua.plan.completion import Piece, Suggestion, suggestions, where

MOST = 8  # that are offered at a time


class SearchHelp(QObject):
    """The offers below one search field."""

    def __init__(
        self,
        field: SearchField,
        folders: Callable[[], Sequence[str]],
        tags: Callable[[], Sequence[Tag]],
        people: Callable[[str, Callable[[list[Address]], object]], object],
        recent: Callable[[], Sequence[str]],
    ) -> None:
        super().__init__(field)
        self._field, self._folders, self._tags, self._people, self._recent = field, folders, tags, people, recent
        self._offered: list[Suggestion] = []
        self._piece: Piece | None = None
        self._model = QStringListModel(self)
        self._popup = QListView()
        self._completer = QCompleter(self._model, self)
        self._completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self._completer.setWidget(field)
        self._completer.setPopup(self._popup)
        self._completer.setMaxVisibleItems(MOST)
        self._completer.activated.connect(lambda _: self._take())
        self._popup.setAccessibleName(tr("Suggestions"))
        self._popup.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._popup.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        styled(self._popup, POPUP)
        field.choosing = lambda: self._popup.isVisible() and self._popup.currentIndex().isValid()
        field.offering, field.dismiss = self._popup.isVisible, self._popup.hide
        field.left.connect(self._popup.hide)
        field.moved_down.connect(self._popup.hide)
        field.textEdited.connect(self.offer)
        field.entered.connect(self._offer_recent)

    def offered(self) -> list[Suggestion]:
        """What is offered now."""
        return list(self._offered) if self._popup.isVisible() else []

    def offer(self, _: str = "") -> None:
        """Offer what fits the piece before the cursor."""
        text = self._field.text()
        if not text:
            self._offer_recent()
            return
        piece = where(text[: self._field.cursorPosition()])
        self._piece = piece
        if piece is None:
            self._show([])
        elif piece.name in ("from", "to", "cc") and piece.value:
            self._people(piece.value, lambda found: self._show_for(piece, suggestions(piece, people=found)))
        else:
            self._show(suggestions(piece, self._folders(), self._tags()))

    def choose(self, number: int) -> None:
        """Take the suggestion of this number."""
        self._put(self._offered[number], self._piece)

    # ---- inside
    def _put(self, chosen: Suggestion, piece: Piece | None) -> None:
        text, cursor = self._field.text(), self._field.cursorPosition()
        before = text[: piece.start] if piece is not None else ""
        after = text[cursor:] if piece is not None else ""
        self._field.setText(before + chosen.text + after.lstrip() if after.strip() else before + chosen.text)
        self._field.setCursorPosition(len(before + chosen.text))
        self._popup.hide()
        if chosen.text.endswith(":"):
            self.offer()

    def _offer_recent(self) -> None:
        """In an empty field: what was searched lately."""
        if self._field.text():
            return
        self._piece = None
        self._show([Suggestion(one, "", one) for one in self._recent()])

    def _show_for(self, piece: Piece, found: list[Suggestion]) -> None:
        """People come later: unless something else was typed meanwhile."""
        if piece == self._piece and where(self._field.text()[: self._field.cursorPosition()]) == piece:
            self._show(found)

    def _show(self, found: list[Suggestion]) -> None:
        self._offered = found[:MOST]
        if not self._offered or not self._field.isVisible():
            self._popup.hide()
            return
        lines = [f"{one.shown}  {one.detail}" if one.detail != one.shown else one.shown for one in self._offered]
        self._model.setStringList([words.shown(line.strip(), 200) for line in lines])
        self._completer.complete(QRect(0, self._field.height() + 4, max(280, self._field.width()), 0))
        self._popup.setCurrentIndex(self._popup.rootIndex())

    def _take(self) -> None:
        row = self._popup.currentIndex().row()
        if 0 <= row < len(self._offered):
            chosen, piece, text = self._offered[row], self._piece, self._field.text()
            QTimer.singleShot(0, self, lambda: self._put(chosen, piece) if self._field.text() == text else None)
