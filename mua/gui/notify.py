"""Desktop notifications: of new mail, of what could not be delivered for a day, and of what is sent without a window.

Rules of the file: never for mail that is being looked at; several arrivals are one notification; how much is shown of a
mail is the person's choice.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence

from PySide6.QtCore import QObject

from mua.gui import words
from mua.gui.desk import Desk
from mua.gui.desktop import Desktop
from mua.gui.outbox_words import day
from mua.language import tr
from mua.model.message import Flag, MessageId, MessageRow
from mua.model.outgoing import Outgoing
from mua.store import outbox, read
from mua.store.read import Filter

_HEARD = 500
_TOLD = 50  # notifications whose buttons still do something
_ALL_OUTGOING = -(1 << 62)  # the number of a notification about everything that waits; of one message it is -id


class Notifier(QObject):
    """Tells the desktop of arrivals, and opens what was clicked."""

    def __init__(self, desk: Desk, desktop: Desktop) -> None:
        super().__init__(desk)
        self._desk, self._desktop = desk, desktop
        desk.arrived.connect(self._arrived)
        desk.overdue.connect(self._overdue)
        desk.window.closed.connect(self._farewell)
        desktop.notification_clicked.connect(self._clicked)
        desktop.notification_acted.connect(self._acted)
        self._told: OrderedDict[int, list[MessageId]] = OrderedDict()
        """Of the last notifications, by their numbers: what they were about."""
        self._heard: OrderedDict[str, MessageId] = OrderedDict()
        """By their Message-IDs, what was told of last: what lies in two folders is one message."""

    def _arrived(self, rows: list[MessageRow]) -> None:
        preferences, rows = self._desk.preferences, self._wanted(rows)
        if rows and preferences.notifications and not self._desk.window.isActiveWindow():
            title, text = notification(rows, preferences.notification_text)
            self._told[rows[0].id] = [row.id for row in rows]
            while len(self._told) > _TOLD:
                self._told.popitem(last=False)
            self._desktop.notify(title, text, rows[0].id, buttons_for(len(rows)))

    def _wanted(self, rows: list[MessageRow]) -> list[MessageRow]:
        """Of which the person wants to be told: by their folders, and by who wrote them."""
        preferences, db, desk = self._desk.preferences, self._desk.library.db, self._desk
        always: set[int] = {
            row.id for row in rows if row.sender and row.sender[0].address.lower() in preferences.notify_always
        }
        told = {folder.id for folder in desk.folders.values() if desk.looks.tells(folder)}
        usual: Sequence[int] = [row.id for row in rows if row.folder_id in told]
        if preferences.notify_known and db is not None:
            usual = read.narrowed(db, Filter.KNOWN, usual)
        always.update(usual)
        wanted = [row for row in rows if row.id in always]
        fresh = [row for row in wanted if self._heard.setdefault(row.message_id or str(row.id), row.id) == row.id]
        while len(self._heard) > _HEARD:
            self._heard.popitem(last=False)
        return fresh

    def _acted(self, number: int, action: str) -> None:
        """A button of a notification: the window need not come forward for it, but to answer."""
        ids = self._told.pop(number, [])
        if action == "archive":
            self._desk.acting.archive(ids)
        elif action == "read":
            self._desk.acting.flag(ids, add=Flag.SEEN)
        elif action == "reply" and ids:
            self._desk.window.come_forward()
            self._desk.go_to(ids[0])
            self._desk.window.actions_["reply"].trigger()

    def _overdue(self, message: Outgoing) -> None:
        if self._desk.preferences.notifications and not self._desk.window.isActiveWindow():
            subject = words.shown(message.subject, 200) if self._desk.preferences.notification_text else ""
            self._desktop.notify(tr("A message could not be delivered for a day"), subject, -message.id)

    def _farewell(self) -> None:
        """The window closes, and what waits is sent without it."""
        db = self._desk.library.db
        if db is not None and self._desk.preferences.notifications and outbox.waiting(db):
            text = farewell(outbox.listed(db), time.time())
            if text:
                self._desktop.notify(tr("Mua goes on sending"), text, _ALL_OUTGOING)

    def _clicked(self, number: int) -> None:
        self._desk.window.come_forward()
        if number < 0:  # of outgoing mail
            self._desk.outgoing_wanted.emit(0 if number == _ALL_OUTGOING else -number)
        else:
            self._desk.go_to(MessageId(number))


def buttons_for(messages: int) -> tuple[tuple[str, str], ...]:
    """What can be done about new mail without looking at it; several messages are answered one by one."""
    several = (("archive", tr("Archive")), ("read", tr("Mark as read")))
    return (*several, ("reply", tr("Reply"))) if messages == 1 else several


def farewell(waiting: Sequence[Outgoing], now: float) -> str:
    """What is said of mail that waits when the window closes; nothing when none does."""
    last = max((one.not_before for one in waiting if one.ahead(now)), default=None)
    if not waiting:
        return ""
    waits = words.count(len(waiting), "message waits", "messages wait")
    if last is not None:
        waits += (
            tr(", the last until {day}", day=day(last, now))
            if len(waiting) > 1
            else tr(" until {day}", day=day(last, now))
        )
    return tr("{waits}; this computer has to be on for that, the window need not be open.", waits=waits)


def notification(rows: list[MessageRow], with_text: bool) -> tuple[str, str]:
    """(title, text) for new mail; plain text, as the portal takes it."""
    if len(rows) == 1 and with_text:
        title, text = words.person(rows[0].sender), words.shown(rows[0].subject, 200)
    else:
        title = words.count(len(rows), "new message")
        text = ", ".join(dict.fromkeys(words.person(row.sender) for row in rows[:5])) if with_text else ""
    return title, text
