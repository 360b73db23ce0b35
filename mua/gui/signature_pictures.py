"""The pictures of a signature: kept inside its HTML as data: URLs, and as parts of each letter that carries it.

Rules of the file: small pictures only, since every letter takes them along.
"""

import base64
import re
from collections.abc import Callable

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from mua.language import tr
from mua.mime.prose_html import by_name, name_of

SIDE = 320  # pixels of the longer side
MAX_OCTETS = 300_000
_CID = re.compile(r'src="cid:([^"]+)"')


class Pictures:
    """Those of one signature while it is edited."""

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}

    def taken(self, html: str) -> str:
        """The HTML as the editor wants it; its pictures are here from now on."""
        made, self._data = by_name(html)
        return made

    def carried(self, html: str) -> str:
        """The HTML with its pictures inside."""

        def data(match: re.Match[str]) -> str:
            octets = self._data.get(match[1])
            if octets is None:
                return match[0]
            return f'src="data:image/png;base64,{base64.b64encode(octets).decode("ascii")}"'

        return _CID.sub(data, html)

    def add(self, picture: QImage) -> str:
        """Keep a picture, made small; its name, empty where it is none."""
        if picture.isNull():
            return ""
        if max(picture.width(), picture.height()) > SIDE:
            keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            picture = picture.scaled(SIDE, SIDE, keep, smooth)
        octets = QByteArray()
        buffer = QBuffer(octets)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        if not picture.save(buffer, "PNG") or octets.size() > MAX_OCTETS:  # type: ignore[call-overload]
            return ""
        data = bytes(octets.data())
        name = name_of(data)
        self._data[name] = data
        return name

    def picture(self, name: str) -> QImage | None:
        """A picture by its name."""
        found = self._data.get(name)
        image = QImage.fromData(found) if found else QImage()
        return None if image.isNull() else image

    def choose(self, parent: QWidget, put: Callable[[QImage], object]) -> None:
        """Ask for a file."""
        path, _ = QFileDialog.getOpenFileName(
            parent, tr("Insert a picture"), "", tr("Pictures (*.png *.jpg *.jpeg *.gif)")
        )
        if path:
            put(QImage(path))
