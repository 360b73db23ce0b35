"""All collected mail as an archive of a list: three times over, in deep folders with names of other scripts."""

from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from corpora import letters as collected

from mua.model.folder import Folder
from mua.paths import Profile
from mua.store import read
from mua.store.blobs import Bodies
from mua.store.db import open_reader

SHELVES = ("Архив.Переписка", "アーカイブ.2024年.春", "Ablage.Grüße & Küsse.Ärger mit „Zeichen“")


def archive(every: int = 1) -> Iterator[tuple[str, list[bytes]]]:
    """(folder, its mail): a shelf of each name, on it a folder for each project, and each message on all three; or all
    of them on the first one, and on the others only each ``every``-th of a project.
    """
    projects: dict[str, list[bytes]] = {}
    for name, raw in collected():
        projects.setdefault(name.partition("/")[0], []).append(raw)
    for shelf in SHELVES:
        for project, mail in projects.items():
            yield f"{shelf}.{project}", mail if shelf == SHELVES[0] else mail[::every]


def stored(
    profile: Path, wanted: Callable[[Folder], bool], then: Callable[[bytes], bytes] = bytes
) -> dict[str, Counter[bytes]]:
    """Folder name -> digests of what is read back from the store."""
    found, db, bodies = {}, open_reader(Profile(profile)), Bodies(Profile(profile), readonly=True)
    for account in read.accounts(db):
        for folder in filter(wanted, read.folders(db, account.id)):
            raws = (bodies.get(one) for one in read.folder_order(db, folder.id))
            found[folder.name] = Counter(sha256(then(raw)).digest() for raw in raws if raw is not None)
    bodies.close()
    db.close()
    return found
