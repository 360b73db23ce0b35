"""The menu beside Send: when a letter goes, what is asked of servers and readers, and what will leave."""

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu

from mua.gui import words
from mua.gui.journal import Letter
from mua.language import strftime, tr
from mua.model.outgoing import Priority
from mua.plan import later

if TYPE_CHECKING:
    from mua.gui.composer import Composer


def later_menu(composer: "Composer", letter: Letter) -> QMenu:
    """The times that many people want, any other, and what may be asked of the servers."""
    menu, now = QMenu(composer), int(time.time())
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for one in later.proposals(now):
        action = menu.addAction(f"{one.name}, {_short(one.at, now)}")
        action.triggered.connect(lambda _=False, at=one.at: composer.send(at))
    menu.addSeparator()
    menu.addAction(tr("Another time…")).triggered.connect(lambda _=False: composer.choose_time())
    menu.addSeparator()
    demand = menu.addAction(tr("Require encryption all the way"))
    demand.setCheckable(True)
    demand.setChecked(letter.require_tls)
    demand.toggled.connect(composer.require_tls)
    source = menu.addAction(tr("Show what will leave (Ctrl+U)"))
    source.triggered.connect(lambda _=False: composer.source_wanted.emit())
    source.setEnabled(letter.redirects is None)
    template = menu.addAction(tr("Keep as a template"))
    template.triggered.connect(lambda _=False: composer.template_wanted.emit())
    template.setEnabled(letter.redirects is None)
    merge = menu.addAction(tr("To each of a list, one by one…"))
    merge.triggered.connect(lambda _=False: composer.merge_wanted.emit())
    merge.setEnabled(letter.redirects is None)
    receipt = menu.addAction(tr("Ask to be told when it is read"))
    receipt.setCheckable(True)
    receipt.setChecked(letter.receipt)
    receipt.toggled.connect(lambda on: composer.change(receipt=on))
    for name, value in ((tr("Important"), Priority.HIGH), (tr("Not important"), Priority.LOW)):
        action = menu.addAction(name)
        action.setCheckable(True)
        action.setChecked(letter.priority is value)
        action.toggled.connect(lambda on, value=value: composer.change(priority=value if on else Priority.NORMAL))
    return menu


def _short(at: int, now: int) -> str:
    """The clock alone where the name of the proposal says the day."""
    moment = time.localtime(at)
    if words.near(at, now):
        return time.strftime("%H:%M", moment)
    return strftime(tr("{day} %b, %H:%M", day=str(moment.tm_mday)), moment)
