"""Says that a message has not gone yet: a note after half an hour, a warning after four hours, plainly after a day.

Theory of operation: whoever counts what waits (``rooms``) has us look at it; a timer looks again when the next message
becomes more overdue (``plan/overdue``).  What was told is remembered in the window's state, so that a restart does not
tell it again.

Rules of the file: each thing is said once, in place; the buttons lead to the outbox, where the other ways out are.
"""

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QSettings, QTimer, Signal

from mua.gui import words
from mua.gui.main_window import MainWindow
from mua.gui.outbox_words import moment
from mua.language import tr
from mua.model.outgoing import Outgoing
from mua.plan import overdue
from mua.plan.overdue import Stage
from mua.plan.retry import EXPIRY

_KEY = "outbox/overdue"
_LONGEST = 3_600_000  # milliseconds between two looks: the clock may be set
_SPAN = {Stage.NOTE: tr("half an hour"), Stage.WARNING: tr("four hours"), Stage.DAY: tr("a day")}


def ways(others: bool) -> str:
    """What a person can do; ``others``: another account can send."""
    if others:
        return tr("Send it through another account, take it back to change it, or let Mua go on.")
    return tr("Take it back to change it, or let Mua go on.")


class Overdue(QObject):
    """One window's voice about what waits too long.

    ``read`` gives what waits or went wrong, ``others`` whether more than one account can send.
    """

    look_wanted = Signal(int)
    """Show this outgoing message (0: all)."""
    waits_a_day = Signal(object)
    """An Outgoing, for a desktop notification."""

    def __init__(
        self,
        window: MainWindow,
        state: QSettings,
        read: Callable[[], Sequence[Outgoing]],
        others: Callable[[], bool],
    ) -> None:
        super().__init__(window)
        self._window, self._state, self._read, self._others = window, state, read, others
        self._shown: list[int] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(lambda: self.look(self._read()))

    def look(self, messages: Sequence[Outgoing], now: float | None = None) -> None:
        """Say what is news among ``messages`` (``now``: UTC seconds), and look again in time."""
        now = time.time() if now is None else now
        told = _from_text(str(self._state.value(_KEY, "")))
        news, known = overdue.to_tell(messages, told, now)
        if known != told:
            self._state.setValue(_KEY, _to_text(known))
        self._withdraw(known)
        if news:
            self._tell(news, now)
        ahead = overdue.next_news(messages, now)
        if ahead is None:
            self._timer.stop()
        else:
            self._timer.start(min(int(ahead * 1_000) + 1_000, _LONGEST))

    # ---- inside
    def _tell(self, news: Sequence[Outgoing], now: float) -> None:
        stages = {int(one.id): overdue.stage(one, now) for one in news}
        worst = max(stages.values())
        worse = [one for one in news if stages[int(one.id)] is worst]
        text = sentence(worse, worst, now, others=self._others())
        chosen = int(worse[0].id) if len(worse) == 1 else 0
        if worst is Stage.NOTE:
            self._window.toast.say(text, tr("Look"), lambda: self.look_wanted.emit(chosen), 15_000)
            return
        banner = self._window.overdue
        banner.withdraw()
        banner.say(text, "danger" if worst is Stage.DAY else "warning")
        banner.offer(tr("Look"), lambda: self._look_at(chosen))
        banner.offer(tr("Dismiss"), banner.hide)
        banner.show()
        self._shown = [int(one.id) for one in worse]
        if worst is Stage.DAY:
            self.waits_a_day.emit(worse[0])

    def _look_at(self, chosen: int) -> None:
        self._window.overdue.hide()
        self.look_wanted.emit(chosen)

    def _withdraw(self, waiting: dict[int, Stage]) -> None:
        """What is said of messages that all went, or were taken back, is not true any more."""
        if self._shown and not waiting.keys() & set(self._shown):
            self._shown = []
            self._window.overdue.hide()


def sentence(messages: Sequence[Outgoing], stage: Stage, now: float, *, others: bool) -> str:
    """What is said of messages that wait for so long; ``others``: another account can send."""
    one = messages[0]
    if len(messages) > 1:
        text = tr(
            "{number:,} messages have been waiting for {span} or longer.", number=len(messages), span=_SPAN[stage]
        )
    else:
        subject = words.shown(one.subject, 60) or tr("A message without a subject")
        text = tr("“{subject}” has not reached everyone for {span}.", subject=subject, span=_SPAN[stage])
    if stage is Stage.NOTE:
        return tr("{text} Mua goes on trying.", text=text)
    if stage is Stage.WARNING:
        return tr(
            "{text} Mua goes on trying until {when}; the outbox says why.",
            text=text,
            when=moment(overdue.since(one) + EXPIRY, now),
        )
    return f"{text} {ways(others)}"


def _from_text(text: str) -> dict[int, Stage]:
    pairs = (one.partition(":") for one in text.split(","))
    known = {str(one.value) for one in Stage}
    return {int(key): Stage(int(value)) for key, _, value in pairs if key.isdecimal() and value in known}


def _to_text(told: dict[int, Stage]) -> str:
    return ",".join(f"{key}:{value.value}" for key, value in told.items())
