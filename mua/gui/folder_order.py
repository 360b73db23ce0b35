"""The order of folders in the sidebar, as a person sorted them; a folder takes those inside it along.

Rules of the file: pure; only siblings change places: folders of one account with the same parent, the special ones
among those that are in none.
"""

from collections.abc import Iterable, Sequence

from mua.model.folder import Folder, FolderId

_Group = tuple[int, str]


def arranged(folders: Iterable[Folder], order: Sequence[int]) -> list[Folder]:
    """The folders, siblings as ``order`` (ids) names them; what it does not name comes after them, as it was."""
    given = list(folders)
    if not order:
        return given
    rank = {one: place for place, one in enumerate(order)}
    groups = _groups(given)
    found: list[Folder] = []

    def take(group: _Group) -> None:
        for one in sorted(groups.pop(group, ()), key=lambda one: rank.get(one.id, len(rank))):
            found.append(one)
            take((one.account_id, one.name))

    for account in dict.fromkeys(one.account_id for one in given):
        take((account, ""))
    return found


def moved(folders: Iterable[Folder], order: Sequence[int], what: FolderId, where: FolderId) -> list[int] | None:
    """The order once ``what`` has taken the place of ``where``; None where they are no siblings."""
    for siblings in _groups(arranged(folders, order)).values():
        ids = [one.id for one in siblings]
        if what in ids:
            if where not in ids or where == what:
                return None
            place = ids.index(where)
            ids.remove(what)
            ids.insert(place, what)
            return [*(one for one in order if one not in ids), *ids]
    return None


def beside(folders: Iterable[Folder], order: Sequence[int], what: FolderId, step: int) -> FolderId | None:
    """The sibling so many places below (or above, negative) the folder ``what``."""
    for siblings in _groups(arranged(folders, order)).values():
        ids = [one.id for one in siblings]
        if what in ids:
            place = ids.index(what) + step
            return ids[place] if 0 <= place < len(ids) else None
    return None


def _groups(folders: Iterable[Folder]) -> dict[_Group, list[Folder]]:
    """The folders by account and parent; one whose parent is not there is in none."""
    given = list(folders)
    names = {(one.account_id, one.name) for one in given}
    groups: dict[_Group, list[Folder]] = {}
    for one in given:
        parent = one.name.rpartition(one.delimiter)[0] if one.delimiter else ""
        inside = not one.role and parent.upper() != "INBOX" and (one.account_id, parent) in names
        groups.setdefault((one.account_id, parent if inside else ""), []).append(one)
    return groups
