"""What the command palette offers: actions, tags, folders, accounts, settings and people.

Rules of the file: what is at hand is offered at once; people are looked for while the letters are typed.
"""

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from mua.gui import words
from mua.gui.actions import DEEDS, keys_of
from mua.gui.folder_deeds import FolderDeeds
from mua.gui.palette import Choice, Later, Palette
from mua.gui.places import SAVED_NAMES, Place, folder_words
from mua.gui.setting_names import SETTINGS
from mua.gui.writing import Kind, Writing
from mua.language import inside, tr
from mua.model.address import Address
from mua.model.contact import fold

if TYPE_CHECKING:
    from mua.gui.desk import Desk

_PEOPLE = 4  # for so few letters no more are meant


def open_palette(desk: "Desk") -> None:
    """Show it over the window."""
    tags = desk.tagging.choices() if desk.window.actions_["tag"].isEnabled() else []
    at_hand = [
        *_actions(desk), *tags, *FolderDeeds(desk).choices(), *_places(desk), *_accounts(desk), *_settings(desk)
    ]  # fmt: skip
    Palette(
        desk.window, tr("Do or go to anything"), at_hand, partial(_search, desk), more=partial(_people, desk)
    ).open_over()


def _search(desk: "Desk", letters: str) -> Choice | None:
    """The letters may be of a message."""
    wanted = words.shown(letters, 60)
    if not wanted:
        return None
    act = partial(desk.searching.search_for, letters)
    return Choice(tr("Search all mail for “{letters}”", letters=wanted), "", "search", act)


def _actions(desk: "Desk") -> list[Choice]:
    actions = desk.window.actions_
    return [
        Choice(deed.text, keys_of(actions[deed.id]), deed.icon, actions[deed.id].trigger)
        for deed in DEEDS
        if deed.id not in ("palette", "inbox", "starred")
        and not deed.id.startswith("tag_")
        and actions[deed.id].isEnabled()
    ]


def _places(desk: "Desk") -> list[Choice]:
    go = desk.show_place
    names = {account.id: words.shown(account.email, 60) for account in desk.accounts}
    found = [
        Choice(tr("Go to {name}", name=inside(name)), "", icon, partial(go, Place(saved=saved)))
        for saved, (name, icon) in SAVED_NAMES.items()
    ]
    for kept in desk.preferences.searches:
        name = words.shown(kept.name, 60)
        found.append(Choice(tr("Go to {name}", name=name), "search", "search", partial(go, Place(search=kept.query))))
    for folder in desk.folders.values():
        name, icon = folder_words(folder)
        owner = names.get(folder.account_id, "")
        found.append(Choice(tr("Go to {name}", name=name), owner, icon, partial(go, Place(folder=folder.id))))
    return found


def _accounts(desk: "Desk") -> list[Choice]:
    names = [(words.shown(one.name or one.email, 60), words.shown(one.email, 60)) for one in desk.accounts]
    return [
        Choice(tr("Account {name}", name=name), email, "user", partial(desk.setting_wanted.emit, email))
        for name, email in names
    ]


def _settings(desk: "Desk") -> list[Choice]:
    return [
        Choice(name, ", ".join(values) or tr("Settings"), "settings", partial(desk.setting_wanted.emit, name))
        for name, values in SETTINGS
    ]


def _people(desk: "Desk", letters: str, told: Later) -> None:
    """Whom the letters may mean: to write to, and to read what they wrote."""

    def write_to(one: Address) -> None:
        desk.writing.emit(Writing(Kind.NEW, mailto=f"mailto:{quote(one.address, safe='@')}"))

    def mail_from(one: Address) -> None:
        desk.searching.search_for(f"from:{one.address}")

    def found(people: list[Address]) -> None:
        some = [(one.name or one.address, one) for one in people if _is_meant(letters, one)][:_PEOPLE]
        write = [
            Choice(tr("Write to {name}", name=name), one.address, "square-pen", partial(write_to, one))
            for name, one in some
        ]
        read = [
            Choice(tr("Mail from {name}", name=name), one.address, "search", partial(mail_from, one))
            for name, one in some
        ]
        told([*write, *read])

    desk.people.find(letters, found)


def _is_meant(letters: str, one: Address) -> bool:
    """An address field also offers whom a slip of a finger may mean."""
    return "@" in one.address and all(word in fold(f"{one.name} {one.address}") for word in fold(letters).split())
