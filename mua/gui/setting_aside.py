"""Snooze and pin in the window: by key, menu and palette."""

import time
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from mua import wire
from mua.gui import words
from mua.gui.palette import Choice, Palette
from mua.language import tr
from mua.model.message import MessageId, MessageRow
from mua.plan import snooze
from mua.store import read, sight

if TYPE_CHECKING:
    from mua.gui.desk import Desk
    from mua.gui.later_bar import SnoozeBar


class SettingAside(QObject):
    """Of one window."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self.bar: SnoozeBar | None = None
        """Asks until when, as long as it does."""
        desk.window.actions_.on("snooze", self.open_palette)
        desk.window.actions_.on("pin", self.toggle_pin)
        desk.listing.in_sight.chosen.connect(self._go)
        desk.listing.model.refreshed.connect(self.show)
        self.show()

    def show(self) -> None:
        """What is kept in sight of what is listed."""
        db, source = self._desk.library.db, self._desk.listing.model.source
        found: list[tuple[MessageRow, bool]] = []
        if db is not None and source.place is not None and source.query is None:
            kept = sight.in_sight(db, source.key(), source.chosen)
            rows = {row.id: row for row in read.rows(db, [one for one, _ in kept])}
            found = [(rows[one], returned) for one, returned in kept if one in rows]
        self._desk.listing.in_sight.show_rows(found)

    def open_palette(self) -> None:
        """Choose until when; letters can name any time."""
        ids = self._desk.chosen_ids()
        if ids:
            title = tr(
                "Snooze {messages} until: choose, or type 3h, fri 9:00, 2026-12-01 08:00",
                messages=words.count(len(ids), "message"),
            )
            Palette(self._desk.window, title, self.choices(), self._typed).open_over()

    def choices(self) -> list[Choice]:
        """What is proposed; and waking what is snoozed."""
        ids, db, now = self._desk.chosen_ids(), self._desk.library.db, int(time.time())
        found = [
            Choice(one.name, words.full_time(one.at, now), "clock", partial(self._snooze, one.at))
            for one in snooze.proposals(now)
        ]
        found.append(Choice(tr("Another time…"), tr("from a calendar"), "calendar", self.ask))
        if db is not None and sight.until(db, ids):
            found.insert(0, Choice(tr("Bring it back now"), "", "undo-2", partial(self._snooze, 0)))
        return found

    def ask(self) -> None:
        """Pick the day from a calendar, above the list."""
        from mua.gui.later_bar import SnoozeBar

        self._leave()
        ids = self._desk.chosen_ids()
        if ids:
            bar = self.bar = SnoozeBar()
            bar.chosen.connect(lambda at: self._picked(ids, at))
            bar.left.connect(self._leave)
            self._desk.listing.put_below_banner(bar)
            bar.ask()

    def toggle_pin(self) -> None:
        """Pin, or do not any more where each of them is pinned."""
        ids, db = self._desk.chosen_ids(), self._desk.library.db
        if not ids or db is None:
            return
        wanted = not set(ids) <= sight.pinned(db, ids)
        self._desk.acting.do(wire.PinMessages(tuple(ids), wanted))
        self._desk.window.toast.say(tr("Pinned above the list.") if wanted else tr("Not pinned any more."))

    # ---- inside
    def _typed(self, text: str) -> Choice | None:
        now = int(time.time())
        at = snooze.parse(text, now)
        if at is None:
            return None
        return Choice(tr("Until {when}", when=words.full_time(at, now)), "", "calendar", partial(self._snooze, at))

    def _picked(self, ids: list[MessageId], at: int) -> None:
        self._leave()
        self._desk.acting.snooze(ids, at)

    def _leave(self) -> None:
        if self.bar is not None:
            self.bar.hide()
            self.bar.deleteLater()
            self.bar = None
            self._desk.listing.view.setFocus()

    def _snooze(self, at: int) -> None:
        ids = self._desk.chosen_ids()
        if ids:
            self._desk.acting.snooze(ids, at)

    def _go(self, message_id: int) -> None:
        if not self._desk.listing.view.select(message_id):
            self._desk.go_to(MessageId(message_id))
        self._desk.listing.view.setFocus()
