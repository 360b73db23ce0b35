"""An icon among the desktop's own: how much is unread in the inboxes, and the few things that need no window.

Rule of the file: only where the person wants it and the desktop has a place for it; it follows what the sidebar counts.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRect, Qt
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from mua.gui.icons import pixmap
from mua.gui.words import count
from mua.language import tr
from mua.store import read
from mua.store.read import Saved

if TYPE_CHECKING:
    from mua.gui.desk import Desk

_SIDE = 64  # pixels


class Tray(QObject):
    """The icon of one window."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self.icon: QSystemTrayIcon | None = None
        self.unread = -1
        desk.accounts_read.connect(self.follow)
        desk.preferences_changed.connect(self.follow)
        desk.window.stays = self.keeps
        self.follow()

    def keeps(self) -> bool:
        """Whether closing the window leaves the program here."""
        return self.icon is not None and self.icon.isVisible() and self._desk.preferences.tray_keeps

    def follow(self) -> None:
        """Be there or not, and count."""
        wanted = self._desk.preferences.tray and QSystemTrayIcon.isSystemTrayAvailable()
        if wanted and self.icon is None:
            self._make()
        elif not wanted and self.icon is not None:
            self.icon.hide()
            self.icon.deleteLater()
            self.icon, self.unread = None, -1
        db = self._desk.library.db
        if self.icon is not None and db is not None:
            unread = read.saved_counts(db)[Saved.ALL_INBOXES]
            if unread != self.unread:
                self.unread = unread
                self.icon.setIcon(picture(unread))
                self.icon.setToolTip(
                    tr("Mua: {messages}", messages=count(unread, "unread message")) if unread else "Mua"
                )

    def _make(self) -> None:
        icon = self.icon = QSystemTrayIcon(self)
        actions, window = self._desk.window.actions_, self._desk.window
        menu = QMenu(window)
        menu.addAction(tr("Open Mua")).triggered.connect(window.come_forward)
        for name in ("compose", "fetch", "quit"):
            menu.addAction(actions[name].text()).triggered.connect(actions[name].trigger)
        icon.setContextMenu(menu)
        icon.activated.connect(self._pressed)
        icon.setIcon(picture(0))
        icon.show()

    def _pressed(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is not QSystemTrayIcon.ActivationReason.Context:
            self._desk.window.come_forward()


def picture(unread: int) -> QIcon:
    """The icon, with a number where something is unread."""
    image = QPixmap(_SIDE, _SIDE)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.drawPixmap(QRect(4, 4, 56, 56), pixmap("mail", "accent", 56))
    if unread:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#d93636"))
        box = QRect(20, 26, 44, 38)
        painter.drawRoundedRect(box, 19, 19)
        font = QFont()
        font.setPixelSize(26)
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor("#ffffff"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(unread) if unread < 100 else "99+")
    painter.end()
    return QIcon(image)
