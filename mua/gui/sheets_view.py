"""Pages one below the other, drawn as they come into sight: a picture, a PDF, what will be printed.

Rules of the file: it asks for a page (``wanted``) and is given it (``put``); no more than ``KEPT`` are kept.
"""

from collections import OrderedDict
from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame

from mua.gui import words
from mua.gui.theme import theme
from mua.language import tr

KEPT = 8
_GAP = 14  # pixels around a page


class Sheets(QAbstractScrollArea):
    """The pages.  A picture (``paper`` False) is never made larger than it is."""

    wanted = Signal(int, int, int)
    """A page is needed, no larger than so many pixels wide and high."""

    def __init__(self) -> None:
        super().__init__()
        self._sizes: list[tuple[float, float]] = []
        self._paper = True
        self._asked: set[int] = set()
        self._pages: OrderedDict[int, QPixmap] = OrderedDict()
        self.zoom = 1.0
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Pages"))
        theme().changed.connect(self.viewport().update)

    def show_sizes(self, sizes: Sequence[tuple[float, float]], paper: bool) -> None:
        """How large each page is; only their shape counts for paper, which fills the width."""
        self._sizes, self._paper = list(sizes), paper
        self._forget()
        self.verticalScrollBar().setValue(0)
        self.setAccessibleName(words.count(len(self._sizes), "page") if paper else tr("Picture"))

    def put(self, page: int, picture: QPixmap) -> None:
        """A page that was wanted."""
        self._pages[page] = picture
        while len(self._pages) > KEPT:
            gone, _ = self._pages.popitem(last=False)
            self._asked.discard(gone)
        self.viewport().update()

    def set_zoom(self, zoom: float) -> None:
        """Larger or smaller than the width."""
        self.zoom = min(4.0, max(0.25, zoom))
        self._forget()

    def place_of(self, page: int) -> QRect:
        """Where a page is, from the beginning of all."""
        y = float(_GAP)
        for number, (width, height) in enumerate(self._sizes):
            room = max(50.0, self.viewport().width() - 2 * _GAP)
            wide = room * self.zoom if self._paper else min(width / self.devicePixelRatioF(), room) * self.zoom
            high = wide * height / max(1.0, width)
            if number == page:
                return QRect(round(max(_GAP, (self.viewport().width() - wide) / 2)), round(y), round(wide), round(high))
            y += high + _GAP
        return QRect(0, round(y), 0, 0)

    # ---- inside
    def _forget(self) -> None:
        self._pages.clear()
        self._asked.clear()
        self._fit()
        self.viewport().update()

    def _fit(self) -> None:
        end = self.place_of(len(self._sizes))
        widest = max((self.place_of(page).width() for page in range(min(3, len(self._sizes)))), default=0) + 2 * _GAP
        for bar, whole, part in (
            (self.verticalScrollBar(), end.top(), self.viewport().height()),
            (self.horizontalScrollBar(), widest, self.viewport().width()),
        ):
            bar.setRange(0, max(0, whole - part))
            bar.setPageStep(part)
            bar.setSingleStep(40)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Draw anew."""
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._forget()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space turns a page; + and - make it larger and smaller."""
        bar = self.verticalScrollBar()
        if event.key() == Qt.Key.Key_Space:
            bar.setValue(bar.value() + bar.pageStep() * 9 // 10)
        elif event.text() in ("+", "-"):
            self.set_zoom(self.zoom * (1.25 if event.text() == "+" else 0.8))
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw what is in sight, and ask for what is not here."""
        painter = QPainter(self.viewport())
        painter.fillRect(self.viewport().rect(), QColor(theme().colours.side))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        left, top = self.horizontalScrollBar().value(), self.verticalScrollBar().value()
        ratio = self.devicePixelRatioF()
        for page in range(len(self._sizes)):
            place = self.place_of(page).translated(-left, -top)
            if place.top() > self.viewport().height():
                break
            if place.bottom() < 0:
                continue
            if page in self._pages:
                painter.drawPixmap(place, self._pages[page])
                continue
            painter.fillRect(place, QColor("#ffffff" if self._paper else theme().colours.chip))
            if page not in self._asked:
                self._asked.add(page)
                self.wanted.emit(page, round(place.width() * ratio), round(place.height() * ratio))
