"""``./run screenshots arriving FOLDER``: what one sees in the first ten minutes, drawn in every way that it may look.

First run, set-up by hand, contacts, an import's report and the settings: in light and dark, with 200 % and from right
to left (each a program of its own, since neither changes in a running one), in 1440x900 and 1024x700.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from screenshots import HERE, SIZE, Photographer, get_ready

WAYS = {  # name: (language, scale, (width, height) of the window)
    "large": ("en", "1", SIZE),
    "small": ("en", "1", (1024, 700)),
    "twice": ("en", "2", (1024, 700)),
    "arabic": ("ar", "1", SIZE),
    "arabic-small": ("ar", "1", (1024, 700)),
}
_PEOPLE = (
    ("Amara Okoye", "amara.okoye@larkspur.example", "Printers,Weekend"),
    ("Tomasz Wolny", "tomasz@wolny.example", "Weekend"),
    ("Lena Falk", "lena.falk@contour.example", "Printers"),
    ("Yusuf Ibrahim Abd al-Rahman of the Harbour Committee", "yusuf@harbour-committee.example", ""),
    ("ليلى حداد", "layla@haddad.example", "Weekend"),
    ("", "post@no-name.example", ""),
)


def draw(camera: Photographer, way: str, size: tuple[int, int], elsewhere: Path) -> None:
    """The five pages, each twice; ``elsewhere``: a folder that may be written, with another program's mail."""
    from mua.gui.contacts_page import ContactsPage
    from mua.gui.import_page import ImportPage
    from mua.model.address import Address

    def both(name: str) -> None:
        camera.window.resize(*size)
        camera.wait(lambda: True, 0.3)
        camera.both(f"{name}-{way}")

    camera.wait(lambda: camera.program.rooms is not None and camera.program.rooms.setup is not None, 0.5)
    rooms = camera.program.rooms
    assert rooms is not None
    assert rooms.setup is not None
    both("first-run")
    rooms.setup.address.setText("robin@larkspur.example")
    rooms.setup.open_form()
    both("by-hand")

    rooms.open_import()
    page = rooms.page
    assert isinstance(page, ImportPage)
    page.take([str(_old_profile(elsewhere))])
    camera.wait(lambda: page.told and not page.banner.isHidden(), 0.3)
    both("import")

    rooms.open_contacts()
    people = rooms.page
    assert isinstance(people, ContactsPage)
    camera.wait(lambda: len(people.model.ids) == len(_PEOPLE))
    people.show_person(Address("", _PEOPLE[0][1]))
    camera.wait(lambda: people.card.accessibleName(), 0.5)
    both("contacts")
    people.edit(None)
    both("contact-new")
    rooms.open_settings()
    both("settings")


def _old_profile(folder: Path) -> Path:
    """A Thunderbird profile with mail of several folders, one message that was deleted there, and an address book."""
    local = folder / "Mail" / "Local Folders"
    local.mkdir(parents=True)
    (folder / "prefs.js").write_text('user_pref("mail.root.none-rel", "[ProfD]Mail");\n')
    start = "From - Mon Jan 05 10:00:00 2026\n"
    for name, count in (("Inbox", 12), ("Sent", 5), ("Coast maps, drafts and proofs of the second edition", 3)):
        mails = (f"{start}From: amara@larkspur.example\nSubject: {name} {n}\n\nText.\n\n" for n in range(count))
        (local / name).write_text("".join(mails))
    with (local / "Inbox").open("a") as file:
        file.write(f"{start}X-Mozilla-Status: 0008\n\n")
    (folder / "people.vcf").write_text(
        "".join(
            f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nEMAIL:{address}\r\nCATEGORIES:{groups}\r\n"
            "TEL:+44 20 7946 0321\r\nORG:Larkspur\r\nEND:VCARD\r\n"
            for name, address, groups in _PEOPLE
        )
    )
    return folder


def main() -> int:
    """Draw in all ways, or (for itself) in the one that is named."""
    if len(sys.argv) < 2:
        print("usage: ./run screenshots arriving FOLDER", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if len(sys.argv) == 2:
        for way, (language, scale, _) in WAYS.items():
            environment = {**os.environ, "MUA_LANGUAGE": language, "QT_SCALE_FACTOR": scale}
            subprocess.run([sys.executable, __file__, str(folder), way], env=environment, cwd=HERE, check=True)
        return 0
    way = sys.argv[2]
    get_ready()
    with tempfile.TemporaryDirectory(prefix="mua-pictures-", ignore_cleanup_errors=True) as root:
        camera = Photographer(Path(root) / "profile", folder)
        draw(camera, way, WAYS[way][2], Path(root) / "old")
        camera.end()
    sys.stdout.flush()
    os._exit(0)  # Qt's web engine takes its time to end; everything is written


if __name__ == "__main__":
    sys.exit(main())
