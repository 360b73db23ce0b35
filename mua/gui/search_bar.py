"""Below a search: where it looks, and a button that keeps it."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout

from mua.gui import words
from mua.gui.widgets import Chip, ToolButton
from mua.language import tr
from mua.plan.search import EVERYWHERE, Scope


class SearchBar(QFrame):
    """A chip for each place to look in; hidden while nothing is searched."""

    scope_chosen = Signal(object)
    keep_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._chips: dict[Scope, Chip] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(6, 0, 0, 0)
        self._row.setSpacing(6)
        self._row.addStretch(1)
        self.keep = ToolButton("plus", tr("Keep this search in the sidebar"))
        self.keep.clicked.connect(self.keep_wanted)
        self._row.addWidget(self.keep)
        self.hide()

    def offer(self, places: Sequence[tuple[Scope, str]], chosen: Scope) -> None:
        """Show these places, one of them chosen."""
        if [(scope, chip.text()) for scope, chip in self._chips.items()] != list(places):
            for chip in self._chips.values():
                chip.deleteLater()
            self._chips = {}
            for number, (scope, name) in enumerate(places):
                chip = Chip(name)
                chip.setToolTip(
                    words.tip(tr("Search in {name}", name=name)) if scope != EVERYWHERE else tr("Search all mail")
                )
                chip.clicked.connect(lambda _=False, scope=scope: self.scope_chosen.emit(scope))
                self._chips[scope] = chip
                self._row.insertWidget(number, chip)
        for scope, chip in self._chips.items():
            chip.setChecked(scope == chosen)

    def chip(self, scope: Scope) -> Chip:
        """The chip of a place."""
        return self._chips[scope]

    def show_kept(self, kept: bool) -> None:
        """Whether the search is in the sidebar already."""
        self.keep.setEnabled(not kept)
        self.keep.setToolTip(tr("This search is in the sidebar") if kept else tr("Keep this search in the sidebar"))
