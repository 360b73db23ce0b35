"""Pictures in the text made larger and smaller: by dragging their corner, or by Ctrl with plus and minus.

Rule of the file: the proportions stay; one drag is one step to undo.
"""

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QAction, QKeySequence, QMouseEvent, QTextCursor

from mua.gui import body_text
from mua.gui.body_marks import RICH
from mua.gui.body_view import BodyView
from mua.language import tr
from mua.model.prose import Image

LEAST, MOST = 16, 4_000  # pixels of a picture's width
_NEAR = 14  # pixels around the corner


class PictureSizes(QObject):
    """Of one editor."""

    def __init__(self, editor: BodyView) -> None:
        super().__init__(editor)
        self._editor = editor
        self._drag: int | None = None
        """Where the picture stands that is dragged."""
        self._moved = False
        editor.viewport().installEventFilter(self)
        editor.viewport().setMouseTracking(True)
        for key, factor in (("Ctrl+=", 1.25), ("Ctrl++", 1.25), ("Ctrl+-", 0.8)):
            action = QAction(tr("Larger picture") if factor > 1 else tr("Smaller picture"), editor)
            action.setShortcut(QKeySequence(key))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(lambda _=False, factor=factor: self.scale(factor))
            editor.addAction(action)

    def scale(self, factor: float) -> bool:
        """The picture beside the cursor so many times as large; False: there is none."""
        at = self._at_cursor()
        image = self.image(at) if at is not None else None
        if at is None or image is None:
            return False
        self._resize(at, round((image.width or 320) * factor), joined=False)
        return True

    def image(self, at: int) -> Image | None:
        """The picture that stands at a place of the text."""
        cursor = QTextCursor(self._editor.document())
        cursor.setPosition(at + 1)
        runs = body_text.runs_of(cursor.block()) if cursor.charFormat().isImageFormat() else ()
        name = cursor.charFormat().toImageFormat().name().removeprefix("cid:")
        return next((run.image for run in runs if run.image is not None and run.image.name == name), None)

    # ---- inside
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if self._editor.mode != RICH or not isinstance(event, QMouseEvent):
            return False
        point = event.position().toPoint()
        if event.type() == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            self._drag, self._moved = self._at_corner(point), False
            return self._drag is not None
        if event.type() == QEvent.Type.MouseButtonRelease and self._drag is not None:
            self._drag = None
            return True
        if event.type() == QEvent.Type.MouseMove:
            if self._drag is not None:
                left = self._rect_of(self._drag)[0].x()
                self._resize(self._drag, point.x() - left, joined=self._moved)
                self._moved = True
                return True
            near = self._at_corner(point) is not None
            shape = Qt.CursorShape.SizeFDiagCursor if near else Qt.CursorShape.IBeamCursor
            self._editor.viewport().setCursor(shape)
        return False

    def _at_cursor(self) -> int | None:
        place = self._editor.textCursor().position()
        return next((at for at in (place - 1, place) if at >= 0 and self.image(at) is not None), None)

    def _at_corner(self, point: QPoint) -> int | None:
        place = self._editor.cursorForPosition(point).position()
        for at in (place - 1, place):
            last = self._editor.document().characterCount() - 1
            if 0 <= at < last and self.image(at) is not None:
                corner = self._rect_of(at)[1]
                if (corner - point).manhattanLength() <= _NEAR:
                    return at
        return None

    def _rect_of(self, at: int) -> tuple[QPoint, QPoint]:
        """(where it begins, its corner), in the viewport."""
        cursor = QTextCursor(self._editor.document())
        cursor.setPosition(at)
        begin = self._editor.cursorRect(cursor).bottomLeft()
        cursor.setPosition(at + 1)
        return begin, self._editor.cursorRect(cursor).bottomLeft()

    def _resize(self, at: int, width: int, *, joined: bool) -> None:
        image = self.image(at)
        if image is None:
            return
        width = min(MOST, max(LEAST, width))
        tall = round(width * image.height / image.width) if image.width and image.height else 0
        cursor = QTextCursor(self._editor.document())
        cursor.setPosition(at)
        cursor.setPosition(at + 1, QTextCursor.MoveMode.KeepAnchor)
        if joined:
            cursor.joinPreviousEditBlock()
        else:
            cursor.beginEditBlock()
        cursor.setCharFormat(body_text.image_format(Image(image.name, image.text, width, tall)))
        cursor.endEditBlock()
