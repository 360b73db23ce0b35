"""Desktop notifications of new mail.

Rules of the file: never for mail that is being looked at; several arrivals are one notification; how much is shown of a
mail is the person's choice.
"""

from PySide6.QtCore import QObject

from mua.gui import words
from mua.gui.desk import Desk
from mua.gui.desktop import Desktop
from mua.model.message import MessageId, MessageRow


class Notifier(QObject):
    """Tells the desktop of arrivals, and opens what was clicked."""

    def __init__(self, desk: Desk, desktop: Desktop) -> None:
        super().__init__(desk)
        self._desk, self._desktop = desk, desktop
        desk.arrived.connect(self._arrived)
        desktop.notification_clicked.connect(self._clicked)

    def _arrived(self, rows: list[MessageRow]) -> None:
        if rows and self._desk.preferences.notifications and not self._desk.window.isActiveWindow():
            title, text = notification(rows, self._desk.preferences.notification_text)
            self._desktop.notify(title, text, rows[0].id)

    def _clicked(self, number: int) -> None:
        self._desk.window.come_forward()
        self._desk.go_to(MessageId(number))


def notification(rows: list[MessageRow], with_text: bool) -> tuple[str, str]:
    """(title, text) for new mail; plain text, as the portal takes it."""
    if len(rows) == 1 and with_text:
        title, text = words.person(rows[0].sender), words.shown(rows[0].subject, 200)
    else:
        title = words.count(len(rows), "new message")
        text = ", ".join(dict.fromkeys(words.person(row.sender) for row in rows[:5])) if with_text else ""
    return title, text
