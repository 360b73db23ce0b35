"""A plot of what things cost as there is more: both axes logarithmic, drawn by Qt, legible in light and dark."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPen, QPolygonF

WIDTH, HEIGHT, SCALE = 860, 520, 2
LEFT, RIGHT, TOP, BOTTOM = 74, 180, 58, 60
INKS = ("#1F5FE0", "#B45309", "#0D9488", "#B91C1C", "#7C3AED", "#4D7C0F", "#DB2777", "#475569")


@dataclass
class Curve:
    """What one thing costs: (how many, milliseconds) ..."""

    name: str
    points: Sequence[tuple[float, float]]


def draw(curves: Sequence[Curve], path: Path, title: str) -> None:
    """Draw them into a PNG.  There has to be a QApplication."""
    image = QImage(WIDTH * SCALE, HEIGHT * SCALE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(SCALE)
    image.fill(QColor("#FFFFFF"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    xs = [x for curve in curves for x, _ in curve.points]
    ys = [max(y, 0.01) for curve in curves for _, y in curve.points]
    axes = _Axes(min(xs), max(xs), 10 ** math.floor(math.log10(min(ys))), 10 ** math.ceil(math.log10(max(ys))))
    axes.draw(painter, title)
    ends = sorted(range(len(curves)), key=lambda number: -curves[number].points[-1][1])
    below = float(TOP - 8)
    for number in ends:
        curve, ink = curves[number], QColor(INKS[number % len(INKS)])
        places = QPolygonF([axes.place(x, y) for x, y in curve.points])
        painter.setPen(QPen(ink, 2.2))
        painter.drawPolyline(places)
        painter.setBrush(ink)
        for place in places:
            painter.drawEllipse(place, 3.2, 3.2)
        below = max(below + 18, places[-1].y())
        painter.drawText(QPointF(WIDTH - RIGHT + 14, below + 4), f"{curve.name}  {curve.points[-1][1]:,.1f} ms")
    painter.end()
    image.save(str(path))


class _Axes:
    def __init__(self, least: float, most: float, low: float, high: float) -> None:
        self.least, self.most, self.low, self.high = least, most, low, high

    def place(self, x: float, y: float) -> QPointF:
        across = (math.log10(x) - math.log10(self.least)) / (math.log10(self.most) - math.log10(self.least))
        up = (math.log10(max(y, 0.01)) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))
        return QPointF(LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM))

    def draw(self, painter: QPainter, title: str) -> None:
        font = QFont()
        font.setPixelSize(13)
        painter.setFont(font)
        painter.setPen(QColor("#1A1C1F"))
        painter.drawText(QRectF(LEFT, 14, WIDTH - LEFT, 24), Qt.AlignmentFlag.AlignLeft, title)
        for power in range(round(math.log10(self.low)), round(math.log10(self.high)) + 1):
            self._line(painter, self.place(self.least, 10.0**power), self.place(self.most, 10.0**power))
            where = self.place(self.least, 10.0**power)
            painter.drawText(QRectF(0, where.y() - 10, LEFT - 10, 20), _END, f"{10.0**power:g}")
        for power in range(math.ceil(math.log10(self.least)), math.floor(math.log10(self.most)) + 1):
            self._line(painter, self.place(10.0**power, self.low), self.place(10.0**power, self.high))
            where = self.place(10.0**power, self.low)
            painter.drawText(
                QRectF(where.x() - 60, where.y() + 8, 120, 20), Qt.AlignmentFlag.AlignHCenter, f"{10**power:,}"
            )

    def _line(self, painter: QPainter, begin: QPointF, end: QPointF) -> None:
        painter.setPen(QPen(QColor("#E5E7EB"), 1))
        painter.drawLine(begin, end)
        painter.setPen(QColor("#565D6B"))


_END = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
