"""The context menu of a folder, or of an account: what can be done to it, and how much is kept on this computer."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from mua import wire
from mua.gui import words
from mua.gui.folder_deeds import FolderDeeds
from mua.gui.folder_order import beside
from mua.gui.icons import icon
from mua.gui.places import ROLE_NAMES, Place
from mua.gui.sidebar import Entry
from mua.language import inside, tr
from mua.model.account import Account, Incoming
from mua.model.folder import Folder, Role
from mua.model.policy import EVERYTHING, Keep, Policy
from mua.plan.roles import CHOOSABLE

if TYPE_CHECKING:
    from mua.gui.desk import Desk

_POLICIES = (EVERYTHING, *(Policy(Keep.DAYS, days) for days in (30, 90, 365)), Policy(Keep.HEADERS))


def policy_words(policy: Policy) -> str:
    """A policy as a person reads it."""
    if policy.keep is Keep.DAYS:
        return tr("The last year") if policy.days == 365 else tr("The last {days} days", days=policy.days)
    return tr("Everything") if policy.keep is Keep.EVERYTHING else tr("Senders and subjects only")


def folder_menu(desk: "Desk", entry: Entry) -> QMenu | None:
    """The menu; None where there is nothing to choose (a unified view)."""
    account = desk.account(entry.account)
    if account is None:
        return None
    menu = QMenu(desk.window)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    folder = desk.folders.get(entry.place.folder) if entry.place is not None and entry.place.folder else None
    if folder is not None and desk.tabs is not None:
        menu.addAction(icon("external-link"), tr("Open in a tab"), partial(desk.tabs.open_place, Place(folder.id)))
        menu.addSeparator()
    FolderDeeds(desk).fill(menu, account, folder)
    if folder is not None and folder.role is not Role.INBOX and folder.selectable and not folder.space:
        _add_uses(desk, menu.addMenu(tr("Use for")), folder)
    _add_hiding(desk, menu, account, folder)
    if account.incoming is Incoming.IMAP:
        menu.addSeparator()
        _add_policies(desk, menu, account, folder)
    return menu


def _add_hiding(desk: "Desk", menu: QMenu, account: Account, folder: Folder | None) -> None:
    """Leaving a folder out of the sidebar; an account brings all of its back."""
    if folder is not None:
        if folder.role is not Role.INBOX:
            menu.addAction(tr("Hide in the sidebar"), lambda: desk.hide([folder.id], True))
        shown = [one for one in desk.folders.values() if one.id not in desk.looks.hidden]
        for text, step in ((tr("Move up"), -1), (tr("Move down"), 1)):
            where = beside(shown, desk.looks.order, folder.id, step)
            action = menu.addAction(text, partial(desk.sort_folder, folder.id, where))
            action.setEnabled(where is not None)
        return
    hidden = [key for key, one in desk.folders.items() if key in desk.looks.hidden and one.account_id == account.id]
    if hidden:
        menu.addAction(
            tr("Show {folders}", folders=words.count(len(hidden), "hidden folder")), lambda: desk.hide(hidden, False)
        )


def _add_policies(desk: "Desk", menu: QMenu, account: Account, folder: Folder | None) -> None:
    """How much of it is kept on this computer."""
    menu.addAction(tr("Kept on this computer")).setEnabled(False)
    group = QActionGroup(menu)
    if folder is None:
        for policy in _offered(account.policy):
            _add(menu, group, policy_words(policy), policy == account.policy, partial(_choose, desk, account, policy))
        return
    own = folder.policy
    text = tr("As the account ({policy})", policy=inside(policy_words(account.policy)))
    command = partial(_ask, desk, wire.SetPolicy(None, folder_id=folder.id))
    _add(menu, group, text, own is None, command)
    for policy in _offered(own):
        command = partial(_ask, desk, wire.SetPolicy(policy, folder_id=folder.id))
        _add(menu, group, policy_words(policy), policy == own, command)


def _add_uses(desk: "Desk", menu: QMenu, folder: Folder) -> None:
    """What the folder is for, whatever its server says."""
    group = QActionGroup(menu)
    for role in CHOOSABLE:
        command = partial(_ask, desk, wire.SetRole(folder.id, role))
        _add(menu, group, ROLE_NAMES[role][0], folder.role is role, command)


def _offered(now: Policy | None) -> tuple[Policy, ...]:
    """What can be chosen, and what is, though it was chosen elsewhere."""
    return _POLICIES if now is None or now in _POLICIES else (*_POLICIES, now)


def _add(menu: QMenu, group: QActionGroup, text: str, checked: bool, act: "partial[None]") -> None:
    action = QAction(text, group)
    action.setCheckable(True)
    action.setChecked(checked)
    action.triggered.connect(lambda _=False: act())
    menu.addAction(action)


def _choose(desk: "Desk", account: Account, policy: Policy) -> None:
    _ask(desk, wire.SetPolicy(policy, account_id=account.id))


def _ask(desk: "Desk", command: wire.SetPolicy | wire.SetRole) -> None:
    if desk.client is not None:
        desk.client.ask(command)
