"""Draw the pictures in ``docs/screenshots``: the real program, a real engine and the demo server, light and dark.

    [MUA_LANGUAGE=ar] [QT_SCALE_FACTOR=2] ./run screenshots [FOLDER]

Nothing is staged but the clock (it is a quarter to ten) and a folder of its own for the profile.
"""

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
WAIT = 90.0  # seconds
_LETTER = """# The weekend in May

Dear Mirela, **all three** are settled, see [the plan](https://larkspur.example/plan):

1. Tomasz needs the small room for *seven* speakers
2. Lena prints on Thursday

| Who | Arrives |
| --- | --- |
| Amara | Friday, 18:40 |
| Tomasz | Saturday, 9:10 |

> May we hang maps on the long wall?

Yes, with linen tape.
"""
SIZE = (1440, 900)
LARGE = 195_000  # bytes


def quarter_to_ten() -> None:
    """Choose the time zone in which it is 09:45 now, so that every picture is taken in the morning."""
    now = time.gmtime()
    offset = 9 * 60 + 45 - now.tm_hour * 60 - now.tm_min
    sign, minutes = ("-" if offset >= 0 else "+"), abs(offset)
    os.environ["TZ"] = f"PIC{sign}{minutes // 60:02d}:{minutes % 60:02d}"
    time.tzset()


class Photographer:
    """One program in front of the camera."""

    def __init__(self, profile_root: Path, folder: Path) -> None:
        from mua import __main__ as start
        from mua.gui import preferences as prefs
        from mua.gui.app import Options, Program, make_application
        from mua.paths import Profile

        self.folder = folder
        self.application = make_application()
        profile = Profile(profile_root).create()
        prefs.save(profile, prefs.Preferences(mark_read_after=-1, notifications=False))
        options = Options(partial(start.start_engine, profile), partial(start.start_demo, profile))
        self.program = Program(profile, options)
        self.window, self.desk = self.program.window, self.program.desk
        self.window.resize(*SIZE)
        self.program.show()
        self.wait(lambda: self.program.client is not None and self.program.client.is_ready)

    def wait(self, condition: Callable[[], object], then: float = 0.0) -> None:
        """Let the program run until ``condition`` holds, and ``then`` so many seconds more."""
        end = time.monotonic() + WAIT
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(condition.__doc__ or "the program did not come to the state to be drawn")
            self._live(0.02)
        self._live(then)

    def _live(self, seconds: float) -> None:
        from PySide6.QtCore import QEventLoop

        end = time.monotonic() + seconds
        while True:
            self.application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
            if time.monotonic() >= end:
                return

    def both(self, name: str, widget: object = None) -> None:
        """Draw the window (or ``widget``) in light and in dark."""
        from PySide6.QtWidgets import QWidget

        from mua.gui.theme import theme

        subject = widget if isinstance(widget, QWidget) else self.window
        for dark in (False, True):
            theme().apply(dark)
            self._live(1.2 if self.window.reader.web is not None else 0.3)
            path = self.folder / f"{name}-{'dark' if dark else 'light'}.png"
            _save(subject, path)
            sys.stdout.write(f"{path}\n")
        theme().apply(False)

    def end(self) -> None:
        """The engine goes."""
        from mua import wire

        assert self.program.client is not None
        self.program.client.ask(wire.Shutdown(), lambda _: None)
        self.wait(lambda: True, 1.0)
        self.program.client.close()

    def choose(self, words: str) -> None:
        """Select the first message whose subject holds ``words``, and wait for its text."""
        model = self.desk.listing.model
        rows = range(model.rowCount())
        cards = [card for row in rows if model.id_at(row) is not None and (card := model.card(row)) is not None]
        card = next(one for one in cards if words in one.subject)
        self.desk.listing.view.select(card.id)
        self.wait(lambda: self.desk.reader.view is not None, 0.5)


def draw(folder: Path, profile_root: Path) -> None:
    """Every picture."""
    import writing_pictures

    from mua import wire
    from mua.gui.places import Place
    from mua.gui.writing import Kind
    from mua.language import tr
    from mua.mime.markdown import from_markdown
    from mua.model.account import AccountId
    from mua.store.read import Saved

    camera = Photographer(profile_root, folder)
    desk = camera.desk
    camera.wait(lambda: camera.window.isVisible(), 1.0)
    camera.both("first-run")
    assert camera.program.rooms is not None
    page = camera.program.rooms.setup
    assert page is not None
    page.address.setText("robin@outlook.com")  # its servers and its ways are in the program's own table
    page.look_up()
    camera.wait(lambda: not page.sign_in.isHidden(), 0.5)
    page.sign_in.own.click()
    camera.both("sign-in")

    camera.program.open_demo()
    camera.wait(lambda: desk.listing.model.messages > 20)
    up_to_date = tr("Up to date, {when}").partition("{")[0]
    camera.wait(lambda: camera.window.sidebar.status.text().startswith(up_to_date), 3.0)
    camera.window.toast.hide()
    camera.window.resize(*SIZE)
    camera.choose("Venue")
    camera.both("inbox")
    camera.choose("kitchen")
    camera.wait(lambda: desk.reader.web is not None, 3.0)
    camera.both("newsletter")

    camera.choose("Venue")
    camera.wait(lambda: not all(one.claim for one in _way(desk).hops), 0.3)
    camera.window.actions_["journey"].trigger()
    camera.both("journey")
    assert camera.program.rooms is not None
    camera.program.rooms.close_page()

    desk.deeds.write(Kind.REPLY_ALL)
    composer = _window_beside(camera)
    camera.both("composer", composer)
    composer.editor.show_prose(from_markdown(_LETTER))
    composer.switch("markdown")
    camera.wait(lambda: not composer.look.isHidden(), 0.6)
    camera.both("composer-markdown", composer)
    composer.discard_wanted.emit()
    writing_pictures.draw(camera, profile_root.parent / "guests.csv")

    desk.deeds.open_palette()
    palette = _window_beside(camera)
    camera.both("palette", palette)
    palette.close()

    desk.settings_wanted.emit()
    camera.wait(lambda: True, 0.5)
    camera.both("settings")
    _send(camera)
    desk.outbox_wanted.emit()
    camera.wait(lambda: True, 0.5)
    camera.both("outbox")
    desk.health_wanted.emit()
    camera.wait(lambda: True, 1.0)
    camera.both("health")
    camera.window.show_first_run(None)

    demo = desk.accounts[0]
    wrong = replace(demo, id=AccountId(0), name="Second account", demo=False)
    assert camera.program.client is not None
    camera.program.client.ask(wire.AddAccount(wrong, "not the password"))
    camera.wait(lambda: not desk.listing.banner.isHidden(), 0.5)
    desk.show_place(Place(saved=Saved.ALL_INBOXES))
    camera.choose("Venue")
    camera.both("error")
    camera.end()


def _way(desk: "Desk") -> "Journey":  # type: ignore[name-defined]  # noqa: F821
    """How the message that is read came, once the engine knows the servers of its account."""
    assert desk.reader.row is not None and desk.reader.view is not None
    return desk.authors.way(desk.reader.row, desk.reader.view)


def _send(camera: Photographer) -> None:
    """Send a message that one accepts, one refuses and one takes later."""
    from mua import wire
    from mua.model.address import Address
    from mua.model.outgoing import Draft

    told: list[object] = []
    people = ("amara.okoye", "refused", "later")
    desk, client = camera.desk, camera.program.client
    assert client is not None
    account = desk.accounts[0]
    draft = Draft(
        sender=Address(account.full_name, account.email),
        to=tuple(Address("", f"{name}@larkspur.example") for name in people),
        subject="Coast map, the final sheets",
        text="Dear all,\n\nthe sheets are ready.\n\nRobin\n",
    )
    client.ask(wire.Send(account.id, draft), told.append)
    camera.wait(lambda: told, 4.0)


def _save(subject: "QWidget", path: Path) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Write a picture; a large one with 256 colours, so that the repository stays small."""
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtWidgets import QApplication

    seen = subject.grab()
    menu = QApplication.activePopupWidget()
    if menu is not None:  # a window of its own, above this one
        over = QPainter(seen)
        over.drawPixmap(menu.pos() - subject.mapToGlobal(QPoint(0, 0)), menu.grab())
        over.end()
    picture = seen.toImage().convertToFormat(QImage.Format.Format_RGB32)
    saved = picture.save(str(path), "PNG", 0)
    if saved and path.stat().st_size > LARGE:
        common = _colours(Counter(memoryview(picture.constBits()).cast("I")))
        few = picture.convertToFormat(QImage.Format.Format_Indexed8, common, Qt.ImageConversionFlag.ThresholdDither)
        saved = few.save(str(path), "PNG", 0)
    if not saved:
        raise OSError(f"cannot write {path}")


def _colours(counts: Counter[int]) -> list[int]:
    """At most 256 of the colours, the common ones first, and of the rarer ones none too near to another."""
    for gap in range(6, 96, 6):
        chosen: list[tuple[int, int, int]] = []
        for colour, _ in counts.most_common():
            red, green, blue = colour >> 16 & 255, colour >> 8 & 255, colour & 255
            if len(chosen) < 32 or all(abs(red - r) + abs(green - g) + abs(blue - b) > gap for r, g, b in chosen):
                chosen.append((red, green, blue))
                if len(chosen) > 256:
                    break
        if len(chosen) <= 256:
            break
    return [0xFF000000 | r << 16 | g << 8 | b for r, g, b in chosen[:256]]


def _window_beside(camera: Photographer) -> "QWidget":  # type: ignore[name-defined]  # noqa: F821
    """The window that was opened beside the main window."""
    from PySide6.QtWidgets import QWidget

    found: list[QWidget] = []

    def opened() -> bool:
        windows = camera.application.topLevelWidgets()
        found[:] = [one for one in windows if one.isVisible() and one is not camera.window]
        return bool(found)

    camera.wait(opened, 0.6)
    return found[0]


def get_ready() -> None:
    """The environment, the hour and the language in which pictures are taken; before anything of the program's."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["MUA_SECRETS"] = "session"
    quarter_to_ten()
    sys.path.insert(0, str(HERE))
    from mua import language

    language.choose(language.wanted(Path(os.devnull), {"MUA_LANGUAGE": os.environ.get("MUA_LANGUAGE", "en")}))


def main() -> int:
    """Draw into the folder given, or ``docs/screenshots``."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "docs" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    get_ready()
    with tempfile.TemporaryDirectory(prefix="mua-pictures-", ignore_cleanup_errors=True) as root:
        draw(folder, Path(root) / "profile")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    code = main()
    os._exit(code)  # Qt's web engine takes its time to end; everything is written
