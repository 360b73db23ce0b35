"""The small parts that every window is built from: buttons, fields, chips, banners, toasts, avatars, empty states.

Rules of the file: a part takes its look from ``theme`` (style-sheet properties ``kind`` and ``tone``) and its icon
from ``icons``; every button has an accessible name; text that may come from a mail goes through ``words.shown`` by the
caller.  Nothing here knows the store or the engine; parts take plain data.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QMimeData, QPoint, QRect, QRectF, QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QDrag,
    QFocusEvent,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from mua.gui import words
from mua.gui.icons import file_icon, icon, pixmap
from mua.gui.theme import (
    BASE,
    META,
    PRIMARY_HEIGHT,
    READER_AVATAR,
    SEMIBOLD,
    TOOL_BUTTON,
    TOOL_ICON,
    avatar_colour,
    theme,
)
from mua.language import tr
from mua.model.message import Attachment

_THUMB = 34  # pixels of a picture on a card


def restyle(widget: QWidget, **properties: object) -> None:
    """Set dynamic properties ("tone", "kind", ...) and let the style sheet see them, if they are others."""
    if all(widget.property(name) == value for name, value in properties.items()):
        return
    for name, value in properties.items():
        widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


class ToolButton(QToolButton):
    """A square icon button.  ``label`` is its accessible name and, with the key, its tooltip."""

    def __init__(self, icon_name: str, label: str, parent: QWidget | None = None, key: str = "") -> None:
        super().__init__(parent)
        self._icon_name, self._role, self._filled = icon_name, "secondary", False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.name(label, key)
        self._tint()
        theme().changed.connect(self._tint)

    def name(self, label: str, key: str = "") -> None:
        """Change what the button is called."""
        self.setAccessibleName(label)
        self.setToolTip(words.tip(f"{label} ({key})" if key else label))

    def show_icon(self, icon_name: str, role: str = "secondary", filled: bool = False) -> None:
        """Change the picture."""
        self._icon_name, self._role, self._filled = icon_name, role, filled
        self._tint()

    def follow(self, action: QAction) -> "ToolButton":
        """Do what ``action`` does: its trigger, its enabled state, its name and key."""
        self.clicked.connect(action.trigger)

        def copy() -> None:
            self.setEnabled(action.isEnabled())
            self.name(action.text().replace("&", ""), action.shortcut().toString())

        action.changed.connect(copy)
        copy()
        return self

    def _tint(self) -> None:
        side, whole = theme().grown(TOOL_ICON), theme().grown(TOOL_BUTTON)
        self.setIconSize(QSize(side, side))
        self.setFixedSize(whole, whole)
        self.setIcon(icon(self._icon_name, self._role, side, self._filled))


class Button(QPushButton):
    """A push button; ``kind`` is "" (outlined), "primary", "danger" or "link"."""

    def __init__(self, text: str, icon_name: str = "", kind: str = "", parent: QWidget | None = None) -> None:
        super().__init__(f" {text}" if icon_name else text, parent)
        self._icon_name, self._kind = icon_name, kind
        self.setProperty("kind", kind)
        self.setAccessibleName(text)
        if kind == "link":
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._tint()
        theme().changed.connect(self._tint)

    def be(self, kind: str) -> None:
        """Another ``kind``, as high as before: what was the next step is none any more."""
        self._kind = kind
        restyle(self, kind=kind)
        self._tint()

    def _tint(self) -> None:
        if self._kind == "primary":
            self.setFixedHeight(theme().grown(PRIMARY_HEIGHT))
        if self._icon_name:
            side = theme().grown(16)
            roles = {"primary": "on_accent", "danger": "on_danger", "link": "accent"}
            self.setIconSize(QSize(side, side))
            self.setIcon(icon(self._icon_name, roles.get(self._kind, "secondary"), side))


class Chip(QToolButton):
    """A small checkable choice ("All", "Unread")."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(True)
        self.setProperty("kind", "chip")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def sizeHint(self) -> QSize:
        """As wide as when it is down, and its text bold: Arabic is cut else."""
        hint, font = super().sizeHint(), QFont(self.font())
        font.setWeight(SEMIBOLD)
        more = QFontMetrics(font).horizontalAdvance(self.text()) - self.fontMetrics().horizontalAdvance(self.text())
        return QSize(hint.width() + max(0, more), hint.height())


class Label(QLabel):
    """Plain text (never markup) in one of the sizes and tones of ``theme``."""

    def __init__(
        self,
        text: str = "",
        size: int = BASE,
        tone: str = "",
        bold: bool = False,
        wrap: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._size, self._bold = size, bold
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        if tone:
            self.setProperty("tone", tone)
        self._set_font()
        theme().changed.connect(self._set_font)

    def _set_font(self) -> None:
        self.setFont(theme().font(self._size, SEMIBOLD) if self._bold else theme().font(self._size))


class ElidedLabel(Label):
    """One line that ends in "..." where room ends; the whole text is its tooltip and accessible name."""

    def __init__(
        self,
        text: str = "",
        size: int = BASE,
        tone: str = "",
        bold: bool = False,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        super().__init__(text, size, tone, bold)
        self._mode = mode
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(20)

    def setText(self, text: str) -> None:
        """As QLabel, and keep the tooltip in step."""
        super().setText(text)
        self.setAccessibleName(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the text, elided."""
        painter = QPainter(self)
        metrics = QFontMetrics(self.font())
        line = metrics.elidedText(self.text(), self._mode, self.width())
        self.setToolTip(words.tip(self.text()) if line != self.text() else "")
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)  # the string's own: it may begin with digits
        side = Qt.AlignmentFlag.AlignRight if self.isRightToLeft() else Qt.AlignmentFlag.AlignLeft
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute | side, line)


class IconLabel(QLabel):
    """A picture that follows the theme."""

    def __init__(self, icon_name: str, role: str = "secondary", size: int = TOOL_ICON, meaning: str = "") -> None:
        super().__init__()
        self._spec = (icon_name, role, size)
        self._own = False
        self.setAccessibleName(meaning)
        self.setToolTip(meaning)
        self._tint()
        theme().changed.connect(self._tint)

    def show_icon(self, icon_name: str, role: str = "secondary", meaning: str = "") -> None:
        """Change the picture and what it means."""
        self._spec = (icon_name, role, self._spec[2])
        self.setAccessibleName(meaning)
        self.setToolTip(meaning)
        self._tint()

    def show_pixmap(self, picture: QPixmap) -> None:
        """A picture of its own, which no theme changes."""
        self._own = True
        self.setPixmap(picture)

    def _tint(self) -> None:
        if self._own:
            return
        name, role, size = self._spec
        self.setPixmap(pixmap(name, role, theme().grown(size)))


class Line(QFrame):
    """A one-pixel line, horizontal or vertical."""

    def __init__(self, vertical: bool = False, length: int = 0) -> None:
        super().__init__()
        self.setProperty("kind", "line")
        if vertical:
            self.setFixedWidth(1)
            if length:
                self.setFixedHeight(length)
        else:
            self.setFixedHeight(1)


class Field(QLineEdit):
    """A text field.  ``label`` is its accessible name, ``hint`` the placeholder."""

    def __init__(self, label: str, hint: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icons: list[tuple[QAction, str]] = []
        self.setAccessibleName(label)
        self.setPlaceholderText(hint)
        theme().changed.connect(self._tint)

    def mark(self, problem: bool) -> None:
        """Show or clear the red frame."""
        restyle(self, problem="true" if problem else "false")

    def lead(self, icon_name: str) -> None:
        """Put an icon before the text."""
        self.put(icon_name, QLineEdit.ActionPosition.LeadingPosition).setText(self.accessibleName())

    def put(self, icon_name: str, position: QLineEdit.ActionPosition) -> QAction:
        """Put an icon at one end of the text; it can be made to do something."""
        action = self.addAction(icon(icon_name, "tertiary", 16), position)
        self._icons.append((action, icon_name))
        return action

    def _tint(self) -> None:
        for action, icon_name in self._icons:
            action.setIcon(icon(icon_name, "tertiary", 16))


class SearchField(Field):
    """The search field: a magnifier, a clear button, Down moves on to the results, Escape clears and leaves."""

    left = Signal()
    moved_down = Signal()
    entered = Signal()
    """It has the keyboard."""

    def __init__(self, hint: str = tr("Search mail")) -> None:
        super().__init__(tr("Search mail"), hint)
        self.choosing: Callable[[], bool] = lambda: False
        """Whether Enter is for something that is offered below the field."""
        self.offering: Callable[[], bool] = lambda: False
        """Whether something is offered there; ``dismiss`` takes it away."""
        self.dismiss: Callable[[], object] = lambda: None
        self.lead("search")
        self._clear = self.put("x", QLineEdit.ActionPosition.TrailingPosition)
        self._clear.setText(tr("Clear the search"))
        self._clear.setVisible(False)
        self._clear.triggered.connect(self.clear)
        self.textChanged.connect(lambda text: self._clear.setVisible(bool(text)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape and Down leave the field."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.choosing():
            event.ignore()
            return
        if event.key() == Qt.Key.Key_Escape and self.offering():
            self.dismiss()
            return
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.left.emit()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.moved_down.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """While something is offered, Escape is for that and not for the window, and Tab takes what is chosen."""
        key = event.key() if isinstance(event, QKeyEvent) else 0
        if event.type() is QEvent.Type.ShortcutOverride and key == Qt.Key.Key_Escape and self.offering():
            event.accept()
            return True
        if event.type() is QEvent.Type.KeyPress and key == Qt.Key.Key_Tab and self.choosing():
            event.ignore()
            return True
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Somebody may want what was searched lately; not whose window only came to the front again."""
        super().focusInEvent(event)
        if event.reason() not in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
            self.entered.emit()


class PasswordField(Field):
    """A password: hidden, with an eye to look at it; never undoable, never copied."""

    def __init__(self, label: str = tr("Password"), hint: str = "") -> None:
        super().__init__(label, hint)
        self.setEchoMode(QLineEdit.EchoMode.Password)
        self.setInputMethodHints(Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText)
        self._eye = self.put("eye", QLineEdit.ActionPosition.TrailingPosition)
        self._eye.triggered.connect(lambda: self._reveal(self.echoMode() is QLineEdit.EchoMode.Password))
        self._reveal(False)

    def _reveal(self, open_: bool) -> None:
        self.setEchoMode(QLineEdit.EchoMode.Normal if open_ else QLineEdit.EchoMode.Password)
        self._icons = [(self._eye, "eye-off" if open_ else "eye")]
        self._tint()
        self._eye.setText(tr("Hide the password") if open_ else tr("Show the password"))
        self._eye.setToolTip(self._eye.text())


Faces = Callable[[str], QPixmap | None]
_faces: list[Faces] = []


def set_faces(faces: Faces | None) -> None:
    """Who knows the pictures of people, by address; None: nobody."""
    _faces[:] = [faces] if faces is not None else []


def paint_avatar(painter: QPainter, rect: QRect, name: str, address: str) -> None:
    """A person's picture, or a disc with initials, its colour by the address; slightly dimmed in the dark."""
    picture = _faces[0](address) if _faces and address else None
    if picture is not None:
        paint_face(painter, rect, picture)
        return
    colour = QColor(avatar_colour(address or name))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour.darker(115) if theme().dark else colour)
    painter.drawEllipse(rect)
    painter.setPen(QColor("white"))
    painter.setFont(theme().font(round(rect.height() * 0.38 / theme().scale), SEMIBOLD))
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, words.initials(name, address))


def paint_face(painter: QPainter, rect: QRect, picture: QPixmap) -> None:
    """The middle of a picture, as a disc."""
    side = min(picture.width(), picture.height())
    middle = QRect((picture.width() - side) // 2, (picture.height() - side) // 2, side, side)
    disc = QPainterPath()
    disc.addEllipse(QRectF(rect))
    painter.save()
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    painter.setClipPath(disc, Qt.ClipOperation.IntersectClip)
    painter.drawPixmap(rect, picture, middle)
    painter.restore()


class Avatar(QWidget):
    """The disc of one sender."""

    def __init__(self, side: int = READER_AVATAR) -> None:
        super().__init__()
        self.setFixedSize(side, side)
        self._who = ("", "")

    def show_person(self, name: str, address: str) -> None:
        """Whose disc it is."""
        self._who = (name, address)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the disc."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_avatar(painter, self.rect(), *self._who)


class AttachmentCard(QFrame):
    """One attachment: picture, name, size; Enter or a click opens it, a drag takes its file out.

    A drag begins with ``grabbed``; whoever hears that calls ``drag`` when the file is there.
    """

    opened = Signal()
    saved = Signal()
    grabbed = Signal()

    def __init__(
        self, name: str, media_type: str, octets: int, closable: bool = False, attachment: Attachment | None = None
    ) -> None:
        super().__init__()
        self.attachment = attachment
        self.setProperty("kind", "card")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(tr("Attachment {name}, {size}", name=name, size=words.size(octets)))
        self.setToolTip(words.tip(f"{words.shown(name, 300)}\n{words.shown(media_type, 100)}"))
        self.path = ""
        self._pressed: QPoint | None = None
        picture, colour = file_icon(media_type)
        self._picture = IconLabel(picture, colour, 22)
        column = QVBoxLayout()
        column.setSpacing(0)
        title = Label(words.shown(name, 200))
        title.setText(QFontMetrics(title.font()).elidedText(title.text(), Qt.TextElideMode.ElideMiddle, 220))
        column.addWidget(title)
        column.addWidget(Label(words.size(octets), META, "tertiary"))
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 7, 4, 7)
        row.setSpacing(8)
        row.addWidget(self._picture)
        row.addLayout(column)
        self.button = ToolButton(
            "x" if closable else "download",
            tr("Remove {name}", name=name) if closable else tr("Save {name}", name=name),
        )
        self.button.clicked.connect(self.saved)
        row.addWidget(self.button)

    def show_picture(self, picture: QPixmap) -> None:
        """What the file looks like, instead of the picture of its kind."""
        if not picture.isNull():
            side = round(theme().grown(_THUMB) * self.devicePixelRatioF())
            small = picture.scaled(
                side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            small.setDevicePixelRatio(self.devicePixelRatioF())
            self._picture.show_pixmap(small)

    def drag(self, path: str) -> None:
        """The file is there: drag it out, if the button is still down."""
        self.path = path
        if self._pressed is not None:
            self._pressed = None
            drag, data = QDrag(self), QMimeData()
            data.setUrls([QUrl.fromLocalFile(path)])
            drag.setMimeData(data)
            drag.exec(Qt.DropAction.CopyAction)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Perhaps the beginning of a drag."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open, unless it was dragged."""
        pressed, self._pressed = self._pressed, None
        if pressed is not None and self.rect().contains(event.position().toPoint()):
            self.opened.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the file out."""
        if self._pressed is None:
            return
        moved = (event.position().toPoint() - self._pressed).manhattanLength()
        if moved >= QApplication.startDragDistance():
            if self.path:
                self.drag(self.path)
            else:
                self.grabbed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter and Space open."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.opened.emit()
        else:
            super().keyPressEvent(event)


class Flow(QWidget):
    """Widgets in rows, wrapped where the width ends (attachments, recipients)."""

    def __init__(self, spacing: int = 10) -> None:
        super().__init__()
        self._spacing = spacing
        self._parts: list[QWidget] = []
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)
        theme().changed.connect(self._arrange_soon)

    def fill(self, parts: Sequence[QWidget]) -> None:
        """Show ``parts`` instead of what was shown."""
        for part in self._parts:
            part.setParent(None)
            part.deleteLater()
        self._parts = list(parts)
        for part in self._parts:
            part.setParent(self)
            part.show()
        self._arrange()

    def parts(self) -> list[QWidget]:
        """What is shown."""
        return list(self._parts)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap again."""
        self._arrange()

    def event(self, event: QEvent) -> bool:
        """A part wants another size: an attachment whose picture came."""
        if event.type() is QEvent.Type.LayoutRequest:
            self._arrange()
        return super().event(event)

    def _arrange_soon(self) -> None:
        """When the parts have their new sizes."""
        QTimer.singleShot(0, self, self._arrange)

    def _arrange(self) -> None:
        y = 0
        for row in self._rows():
            tallest = max(hint.height() for _, hint, _ in row)
            for part, hint, x in row:
                width = min(hint.width(), max(60, self.width()))
                left = self.width() - x - width if self.isRightToLeft() else x
                part.setGeometry(left, y + (tallest - hint.height()) // 2, width, hint.height())
            y += tallest + self._spacing
        height = max(0, y - self._spacing)
        if self.height() != height:
            self.setFixedHeight(height)

    def _rows(self) -> list[list[tuple[QWidget, QSize, int]]]:
        """(widget, its size, where it begins) for each row."""
        rows: list[list[tuple[QWidget, QSize, int]]] = []
        x = 0
        for part in self._parts:
            hint = part.sizeHint()
            if not rows or x + hint.width() > self.width():
                rows.append([])
                x = 0
            rows[-1].append((part, hint, x))
            x += hint.width() + self._spacing
        return rows


__all__ = [
    "AttachmentCard",
    "Avatar",
    "Button",
    "Chip",
    "ElidedLabel",
    "Field",
    "Flow",
    "IconLabel",
    "Label",
    "Line",
    "PasswordField",
    "SearchField",
    "ToolButton",
    "paint_avatar",
    "paint_face",
    "restyle",
    "set_faces",
]
