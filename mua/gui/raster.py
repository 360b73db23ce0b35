"""Pictures that stand in a text: read in the window, so only what has a header that says how large it is.

Rule of the file: the kind is told by the octets and never guessed again by Qt, which would draw SVG and PDF: they can
name other files, and a small one can have so much to draw that the window stands still for ever.
"""

from PySide6.QtCore import QByteArray, QIODevice, Qt
from PySide6.QtGui import QImage, QImageReader

from mua.mime.sniff import media_type

MOST_DOTS = 60_000_000  # of all pictures of a message together: a few octets can say to be as many
MOST_SIDE = 2048  # dots
_KINDS = {f"image/{one}": one.encode() for one in ("png", "jpeg", "gif", "webp", "bmp", "tiff")}


def picture(device: QIODevice, most: int = MOST_DOTS, *, turned: bool = False) -> tuple[QImage, int] | None:
    """A picture, made no larger than a screen needs, and how many dots it has by itself; None for what is none of these
    kinds, is damaged, or has more dots than ``most``.  ``turned``: as its camera was held.
    """
    kind = _KINDS.get(media_type(bytes(device.peek(2048).data())))
    if kind is None:
        return None
    reader = QImageReader(device, QByteArray(kind))
    reader.setAutoDetectImageFormat(False)
    reader.setAutoTransform(turned)
    size = reader.size()
    dots = size.width() * size.height()
    if not size.isValid() or dots > most:
        return None
    if max(size.width(), size.height()) > MOST_SIDE:
        reader.setScaledSize(size.scaled(MOST_SIDE, MOST_SIDE, Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    return None if image.isNull() else (image, dots)
