"""Leaving a list from here, by one click (RFC 8058): the offer, the question in its message, and what became of it.

Rules of the file: nothing is sent before the question was answered; the engine sends, once for each message.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.palette import Choice
from mua.language import tr
from mua.mime.list_fields import ListFields
from mua.model.message import MessageRow
from mua.plan import unsubscribe as plan
from mua.store import lists, origin

if TYPE_CHECKING:
    from mua.gui.desk import Desk

Open = Callable[[str], object]


class Leaving(QObject):
    """Of one window; ``go`` opens a page in the browser, ``write`` a draft to a mailto address."""

    def __init__(self, desk: "Desk", go: Open, write: Open) -> None:
        super().__init__(desk)
        self._desk, self._go, self._write = desk, go, write
        self._telling: set[int] = set()
        """Messages whose lists are being told."""

    def choices(self, row: MessageRow, fields: ListFields, others: list[Choice]) -> list[Choice]:
        """The other choices, and before them that it can be left here; behind them why it cannot."""
        db = self._desk.library.db
        if db is None:
            return others
        found = plan.one_click(fields.one_click, fields.says_one_click, origin.evidence(db, row.id))
        at = lists.unsubscribed_at(db, row.id)
        if found.url and at:
            said = tr("told {when}", when=words.ago(at, time.time()))
            text = plan.told(found.host, 0)
            return [Choice(tr("Unsubscribed"), said, "mail-x", partial(self._desk.window.toast.say, text)), *others]
        if found.url:
            how = tr("tells {host}", host=words.shown(found.host, 60))
            return [Choice(tr("Unsubscribe here"), how, "mail-x", partial(self._ask, row, fields, found)), *others]
        if found.why:
            why = partial(self._desk.window.toast.say, found.why)
            return [*others, Choice(tr("Why not unsubscribe here?"), "", "circle-help", why)]
        return others

    def _ask(self, row: MessageRow, fields: ListFields, found: plan.OneClick) -> None:
        pane = self._desk.reader.pane_of(row.id)
        if pane is None:
            return
        bar = pane.leaving
        bar.say(words.shown(plan.question(found)), "info", "mail-x")
        bar.withdraw()
        bar.offer(tr("Unsubscribe"), partial(self._tell, row, fields, found.host))
        bar.offer(tr("Do not"), bar.hide)
        bar.show()

    def _tell(self, row: MessageRow, fields: ListFields, host: str) -> None:
        client = self._desk.client
        if client is None or row.id in self._telling:
            return
        self._telling.add(row.id)
        self._say(row, tr("Telling {host}…", host=host))

        def answered(answer: wire.Answer) -> None:
            self._telling.discard(row.id)
            if isinstance(answer, wire.Unsubscribed):
                text, done = plan.told(answer.host, answer.status), plan.is_taken(answer.status) or not answer.status
                self._say(row, text, None if done else fields)

        def failed(error: MailError) -> None:
            self._telling.discard(row.id)
            self._say(row, error.text, fields)

        client.ask(wire.Unsubscribe(row.id), answered, failed)

    def _say(self, row: MessageRow, text: str, fields: ListFields | None = None) -> None:
        """Say it where the message is, else at the bottom; with ``fields``, also which other ways there are."""
        pane, text = self._desk.reader.pane_of(row.id), words.shown(text)
        if pane is None:
            self._desk.window.toast.say(text)
            return
        bar = pane.leaving
        bar.say(text, "warning" if fields is not None else "info", "mail-x")
        bar.withdraw()
        if fields is not None and fields.leave_mail:
            bar.offer(tr("Unsubscribe by mail"), partial(self._write, fields.leave_mail))
        if fields is not None and fields.leave_page:
            bar.offer(tr("Open its page"), partial(self._go, fields.leave_page))
        bar.show()
