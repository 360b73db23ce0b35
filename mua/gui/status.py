"""What the line at the bottom of the sidebar says, from the engine's Status and Progress events.

Rules of the file: no widget, no clock of its own; trouble goes before progress, progress before peace.
"""

import time

from mua import wire
from mua.errors import passes
from mua.gui import words
from mua.language import fill, tr
from mua.records import dataclass

_DOING = {
    "acted": tr("Changing messages, {done:,} of {total:,}"),
    "headers": tr("Fetching {done:,} of {total:,}"),
    "messages": tr("Fetching {done:,} of {total:,} messages"),
    "indexed": tr("Preparing search, {done:,} of {total:,}"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """One line: words, icon, colour role, and progress when ``total`` is not 0."""

    text: str
    icon: str = "circle-check"
    role: str = "tertiary"
    done: int = 0
    total: int = 0


class Board:
    """What every account is doing."""

    def __init__(self) -> None:
        self.synced_before = 0
        """When the engine of an earlier run was last up to date (UTC seconds)."""
        self.connected = False
        """The engine is on the line."""
        self.given_up = False
        """It does not start."""
        self.local = False
        """No account receives mail from a server."""
        self._states: dict[int, wire.Status] = {}
        self._work: dict[tuple[int, str], wire.Progress] = {}
        self._synced_at = 0.0
        self._checked: dict[int, float] = {}
        self._offline: dict[int, float] = {}

    def take(self, event: wire.Status | wire.Progress, now: float) -> None:
        """Note an event."""
        if isinstance(event, wire.Status):
            self._states[event.account_id] = event
            if event.state is wire.State.IDLE:
                self._synced_at = self._checked[event.account_id] = now
            if event.state in (wire.State.OFFLINE, wire.State.PROBLEM):
                self._offline.setdefault(event.account_id, now)
            elif event.state in (wire.State.IDLE, wire.State.SYNCING):
                self._offline.pop(event.account_id, None)
            if event.state in (wire.State.IDLE, wire.State.OFFLINE, wire.State.PROBLEM):
                self._work = {key: work for key, work in self._work.items() if key[0] != event.account_id}
        elif event.done < event.total:
            self._work[event.account_id, event.what] = event
        else:
            self._work.pop((event.account_id, event.what), None)

    def forget(self) -> None:
        """The engine went away; what it said is worth nothing."""
        self.connected = False
        self._states.clear()
        self._work.clear()

    def keep(self, account_ids: set[int]) -> None:
        """Forget accounts that are no more."""
        self._states = {one: state for one, state in self._states.items() if one in account_ids}
        self._offline = {one: since for one, since in self._offline.items() if one in account_ids}
        self._work = {key: work for key, work in self._work.items() if key[0] in account_ids}

    def needs_a_person(self, account_id: int) -> bool:
        """Whether the account has a trouble that does not pass by itself."""
        state = self._states.get(account_id)
        return state is not None and state.state is wire.State.PROBLEM and not passes(state.code)

    def note(self, account_id: int, synced_at: int, now: float) -> str:
        """One account's line: counts while it fetches, since when it is offline, when it was last checked."""
        works = [work for (one, _), work in self._work.items() if one == account_id]
        if works:
            work = min(works, key=lambda one: ([*list(_DOING), one.what]).index(one.what))
            return tr("{number:,} of {total:,}", number=work.done, total=work.total)
        checked = max(synced_at, self._checked.get(account_id, 0.0))
        if account_id in self._offline:
            how = tr("Needs you") if self.needs_a_person(account_id) else tr("Offline")
            return tr(
                "{state} since {clock}",
                state=how,
                clock=time.strftime("%H:%M", time.localtime(self._offline[account_id])),
            )
        if account_id in self._states and self._states[account_id].state is not wire.State.IDLE:
            return tr("Checking…")
        return words.checked(checked, now)

    def standing(self, now: float) -> Standing:
        """The line to show."""
        states = [_calm(status) for status in self._states.values()]
        if number := states.count(wire.State.PROBLEM):
            text = tr("An account needs you") if number == 1 else tr("{number} accounts need you", number=number)
            return Standing(text, "circle-alert", "on_danger")
        if self._work:
            return self._progress()
        if wire.State.SYNCING in states:
            return Standing(tr("Looking for new mail…"), "refresh-cw")
        if wire.State.CONNECTING in states:
            return Standing(tr("Connecting…"), "refresh-cw")
        if states and all(state is wire.State.OFFLINE for state in states):
            return Standing(tr("Offline, changes kept"), "wifi-off")
        if self._synced_at:
            return Standing(tr("Up to date, {when}", when=time.strftime("%H:%M", time.localtime(self._synced_at))))
        if self.synced_before and self.connected:
            return Standing(tr("Up to date, {when}", when=time.strftime("%H:%M", time.localtime(self.synced_before))))
        if self.synced_before:
            return Standing(tr("As of {when}", when=words.full_time(self.synced_before, now)), "hard-drive")
        if self.connected and self.local:
            return Standing(tr("On this computer"), "hard-drive")
        if self.given_up:
            return Standing(tr("Not running"), "circle-alert", "on_danger")
        return Standing(tr("Connecting…") if self.connected else tr("Starting…"), "refresh-cw")

    def _progress(self) -> Standing:
        what = min((work.what for work in self._work.values()), key=lambda one: ([*list(_DOING), one]).index(one))
        works = [work for work in self._work.values() if work.what == what]
        done, total = sum(work.done for work in works), sum(work.total for work in works)
        text = fill(_DOING.get(what, tr("Working, {done:,} of {total:,}")), done=done, total=total)
        return Standing(text, "refresh-cw", "tertiary", done, total)


def _calm(status: wire.Status) -> wire.State:
    """A state as a person takes it: what passes by itself is only being offline."""
    return wire.State.OFFLINE if status.state is wire.State.PROBLEM and passes(status.code) else status.state
