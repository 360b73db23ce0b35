"""An answer below the message that it answers: a composer inside the reader, which can be popped out.

Theory of operation: such a composer is the same as any other; only where it stands is different.  It is seen while its
message is among those that are shown, and waits out of sight while another conversation is read; popped out it is a
window.  While the keyboard is in it, keys that it has, and letters, are its own and not the window's.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from mua.gui import words
from mua.gui.composer import SIZE, Composer
from mua.gui.composer_layout import stand_alone, stand_inside
from mua.language import tr

if TYPE_CHECKING:
    from mua.gui.desk import Desk


class AnsweringHere(QObject):
    """The answers in one window's reader."""

    placed = Signal(object)
    """A composer becomes a window: find a place for it."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._there: list[Composer] = []
        desk.pane_shown.connect(lambda _: self._soon())
        desk.reader.shown.connect(self._soon)
        self._clock = QTimer(self)
        self._clock.setSingleShot(True)
        self._clock.setInterval(0)
        self._clock.timeout.connect(self.follow)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._focused)

    def put(self, composer: Composer) -> None:
        """Stand below the messages that are shown."""
        self._there.append(composer)
        stand_inside(composer)
        composer.popped.connect(lambda: self.pop_out(composer))
        composer.destroyed.connect(self._tidy)
        self._desk.reader.put_below(composer)
        composer.show()

    def holds(self, composer: Composer) -> bool:
        """Whether it stands in the reader."""
        return composer in self._there

    def pop_out(self, composer: Composer) -> None:
        """From now on it is a window, with all that is in it, and the keyboard where it was."""
        if composer not in self._there or not isValid(composer):
            return
        focus = composer.focusWidget()
        self._there.remove(composer)
        stand_alone(composer)
        composer.setParent(None)
        composer.resize(*SIZE)
        self.placed.emit(composer)
        composer.show()
        composer.activateWindow()
        (focus if composer.isAncestorOf(focus) else composer.editor).setFocus()

    def follow(self) -> None:
        """Show the answers to what is shown, and no other."""
        shown = {int(row.id) for row in self._desk.reader.messages()}
        for composer in list(self._there):
            if not isValid(composer):
                continue
            wanted = composer.letter(briefly=True).answers in shown
            if wanted:
                composer.show()
            elif not composer.isHidden():
                self._set_aside(composer)

    # ---- inside
    def _set_aside(self, composer: Composer) -> None:
        """Its message is not read any more: it waits, or goes where nothing was written."""
        if composer.is_untouched():
            composer.close()
            return
        composer.hide()
        subject = words.shown(composer.subject.text(), 60)
        said = tr("Your answer waits below its message: {subject}", subject=subject)
        self._desk.window.toast.say(said, tr("Open"), lambda: self.pop_out(composer))

    def _soon(self) -> None:
        if self._there:
            self._clock.start()

    def _tidy(self) -> None:
        self._there = [one for one in self._there if isValid(one)]
        if not self._there:
            self._desk.window.actions_.lend(())

    def _focused(self, _: QWidget | None, now: QWidget | None) -> None:
        if not self._there:
            return
        self._there = [one for one in self._there if isValid(one)]
        inside = next((one for one in self._there if now is not None and one.isAncestorOf(now)), None)
        self._desk.window.actions_.lend(keys_of(inside) if inside is not None else ())


def keys_of(composer: Composer) -> set[str]:
    """Every key that means something in it."""
    actions = [*composer.actions(), *composer.findChildren(QAction)]
    return {key.toString() for one in actions for key in one.shortcuts()}
