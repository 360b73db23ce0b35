"""What the chips of a composer say of where a letter goes that is delivered directly.

Rules of the file: nothing is looked up before a person agreed, which is asked once, in place; a look-up that failed
says nothing; what is known is kept for a while, and is never a reason not to send.
"""

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from shiboken6 import isValid

from mua import wire
from mua.gui import words
from mua.gui.preferences import Consent
from mua.language import tr
from mua.model.account import Account
from mua.model.outlook import Outlook
from mua.model.way import Hop
from mua.plan.routes import NO_DOMAIN, way_for

if TYPE_CHECKING:
    from mua.gui.composer import Composer
    from mua.gui.desk import Desk

KEPT = 600.0  # seconds
_PAUSE = 400  # milliseconds after the last change
_MAX = 2_000  # outlooks


class Outlooks(QObject):
    """Of all composers of one desk."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._known: dict[tuple[int, str], tuple[float, Outlook | None]] = {}  # None: being asked, or nothing learned

    def watch(self, composer: "Composer") -> None:
        """Show on its chips what is known, now and as they change."""
        timer = QTimer(composer)
        timer.setSingleShot(True)
        timer.setInterval(_PAUSE)
        timer.timeout.connect(lambda: self._look(composer))
        composer.addressed.connect(timer.start)
        timer.start()

    def _look(self, composer: "Composer") -> None:
        account = composer.account()
        if account is None:
            return
        wanted = self._show(composer, account)
        now = time.monotonic()
        missing = [one for one in wanted if now - self._known.get((account.id, one), (-KEPT, None))[0] >= KEPT]
        client, leave = self._desk.client, self._desk.preferences.look_ahead
        if not missing or client is None or leave is Consent.NO:
            return
        if leave is Consent.ASK:
            self._ask(composer, missing[0])
            return
        if len(self._known) + len(missing) > _MAX:
            self._known.clear()
        self._known |= {(account.id, one): (now, None) for one in missing}
        client.ask(wire.Preflight(account.id, tuple(missing)), lambda told: self._told(composer, account, told))

    def _ask(self, composer: "Composer", domain: str) -> None:
        """Whether domains may be looked up while the letter is written: asked below the recipients, once."""
        if composer.ahead.isVisible():
            return
        composer.ahead.withdraw()
        composer.ahead.say(
            tr(
                "Mua can look up whether {who} takes mail, and how it is protected, while you write. The look-up tells"
                " your network's name server whom you write to, before anything is sent.",
                who=words.shown(domain, 60),
            )
        )

        def answered(agreed: bool) -> None:
            composer.ahead.hide()
            self._agreed(composer, agreed)

        composer.ahead.offer(tr("Look up"), lambda: answered(True))
        composer.ahead.offer(tr("Do not"), lambda: answered(False))
        composer.ahead.show()

    def _agreed(self, composer: "Composer", agreed: bool) -> None:
        choice = Consent.YES if agreed else Consent.NO
        self._desk.change_preferences(replace(self._desk.preferences, look_ahead=choice))
        if agreed:
            self._look(composer)

    def _told(self, composer: "Composer", account: Account, told: wire.Answer) -> None:
        assert isinstance(told, wire.Foreseen)
        self._known |= {(account.id, one.domain): (time.monotonic(), one) for one in told.outlooks}
        if isValid(composer):
            self._show(composer, account)

    def _show(self, composer: "Composer", account: Account) -> list[str]:
        """Each chip says what is known of it; returns the domains that mail goes to directly."""
        wanted, octets = dict[str, None](), composer.octets()
        for chip in composer.chips():
            way = None if chip.problem or len(chip.addresses) > 1 else way_for(account, chip.address.address)
            direct = way is not None and way.hop is Hop.DIRECT and way.host != NO_DOMAIN
            known = self._known.get((account.id, way.host), (0.0, None))[1] if way is not None and direct else None
            chip.show_outlook(known, octets)
            if way is not None and direct:
                wanted[way.host] = None
        return list(wanted)
