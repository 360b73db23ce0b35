"""Lucide icons, tinted and cached.

Rules of the file: an icon is named by its file in ``resources/icons``; a missing file is a bug and raises.
The cache key is (name, colour, size, device pixel ratio, filled, mirrored), so that a theme switch simply asks for
others.  What points forward or back is mirrored where the window is laid out from right to left.
"""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from mua.gui.theme import TOOL_ICON, theme
from mua.paths import resources

_DIRECTED = frozenset("arrow-left chevron-left chevron-right forward reply reply-all".split())


@lru_cache(maxsize=128)
def _source(name: str) -> str:
    return (resources() / "icons" / f"{name}.svg").read_text("utf-8")


@lru_cache(maxsize=512)
def _pixmap(name: str, colour: str, size: int, ratio: float, filled: bool, mirrored: bool) -> QPixmap:
    stroke = "2" if size <= 14 else "1.75"
    svg = _source(name).replace("currentColor", colour).replace('stroke-width="2"', f'stroke-width="{stroke}"')
    if filled:
        svg = svg.replace('fill="none"', f'fill="{colour}"', 1)
    pixels = round(size * ratio)
    image = QPixmap(pixels, pixels)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    if mirrored:
        painter.translate(pixels, 0)
        painter.scale(-1, 1)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image


def pixmap(
    name: str, role: str = "secondary", size: int = TOOL_ICON, filled: bool = False, ratio: float = 0.0
) -> QPixmap:
    """Icon ``name`` in the colour of a theme role (or a literal #RRGGBB), ``size`` pixels square."""
    colour = role if role.startswith("#") else getattr(theme().colours, role)
    ratio = ratio or QGuiApplication.instance().devicePixelRatio()  # type: ignore[union-attr]
    return _pixmap(name, colour, size, ratio, filled, QGuiApplication.isRightToLeft() and name in _DIRECTED)


def icon(name: str, role: str = "secondary", size: int = TOOL_ICON, filled: bool = False) -> QIcon:
    """The same as a QIcon whose disabled state is paler."""
    made = QIcon(pixmap(name, role, size, filled))
    made.addPixmap(pixmap(name, "faint", size, filled), QIcon.Mode.Disabled)
    return made


_FILE_ICONS = (
    ("image/", "image", "#3B82F6"),
    ("audio/", "file-audio", "#7C3AED"),
    ("video/", "file-video", "#DB2777"),
    ("application/pdf", "file-text", "#D64545"),
    ("text/calendar", "calendar", "#0D9488"),
    ("text/html", "file-code", "#B45309"),
    ("message/", "mail", "#3B82F6"),
    ("text/csv", "file-spreadsheet", "#1E9E62"),
    ("text/", "file-text", "#64748B"),
)
_WORDS = (
    (("spreadsheet", "excel"), "file-spreadsheet", "#1E9E62"),
    (("word", "opendocument.text", "rtf"), "file-text", "#3B82F6"),
    (("zip", "tar", "compressed", "rar", "7z"), "file-archive", "#B45309"),
)


def file_icon(media_type: str) -> tuple[str, str]:
    """(icon name, #RRGGBB) for a media type."""
    lowered = media_type.lower()
    for start, name, colour in _FILE_ICONS:
        if lowered.startswith(start):
            return name, colour
    for words, name, colour in _WORDS:
        if any(word in lowered for word in words):
            return name, colour
    return "file", "#64748B"
