"""Settings: whether spelling is checked, and in which languages."""

from collections.abc import Callable

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from mua.gui.preferences import Preferences
from mua.gui.select import Tick
from mua.gui.spelling import Spelling, language_name, languages_of
from mua.gui.theme import SECONDARY
from mua.gui.widgets import Button, Label
from mua.language import tr

_NONE = tr("no dictionary is installed; the packages are called hunspell-en-us, hunspell-de-de and so on")
_NAMED = 4  # languages whose names the button has room for


class SpellingRules(QWidget):
    """A tick, and a button whose menu has every language that this computer has a dictionary for."""

    def __init__(self, now: Callable[[], Preferences], change: Callable[..., object], spelling: Spelling) -> None:
        super().__init__()
        self._now, self._change, self._spelling = now, change, spelling
        self.on = Tick(tr("Underline what is spelt wrong"))
        self.on.setChecked(now().spelling)
        self.languages = Button("", "chevron-down")
        self.languages.clicked.connect(self._offer)
        self.nothing = Label("", SECONDARY, "tertiary")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.on)
        row.addStretch(1)
        row.addWidget(self.nothing)
        row.addWidget(self.languages)
        self.on.toggled.connect(self._switch)
        spelling.speller.ready.connect(self.show_languages)
        spelling.speller.begin()
        self.show_languages()

    def show_languages(self) -> None:
        """Say which are in use."""
        installed, now = self._spelling.speller.installed, self._now()
        used = languages_of(now, installed or ())
        self.nothing.setText(_NONE if installed == () else "")
        self.languages.setVisible(bool(installed) and now.spelling)
        names = list(dict.fromkeys(language_name(one) for one in used))
        shown = ", ".join(names[:_NAMED])
        more = tr(" and {number} more", number=len(names) - _NAMED) if len(names) > _NAMED else ""
        self.languages.setText(f"{shown}{more}" or tr("No language"))
        self.languages.setAccessibleName(
            tr("Languages of the spelling check: {what}{more}", what=shown or "none", more=more)
        )

    def menu(self) -> QMenu:
        """Every language, those in use ticked."""
        menu, installed = QMenu(self), self._spelling.speller.installed or ()
        used = languages_of(self._now(), installed)
        for language in sorted(installed, key=lambda one: (one not in used, language_name(one, True))):
            action = menu.addAction(language_name(language, True))
            action.setData(language)
            action.setCheckable(True)
            action.setChecked(language in used)
            action.toggled.connect(lambda on, one=language: self._choose(one, on))
        return menu

    # ---- inside
    def _offer(self) -> None:
        menu = self.menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.languages.mapToGlobal(self.languages.rect().bottomLeft()) + QPoint(0, 4))

    def _switch(self, on: bool) -> None:
        self._change(spelling=on)
        self.show_languages()

    def _choose(self, language: str, on: bool) -> None:
        used = languages_of(self._now(), self._spelling.speller.installed or ())
        kept = tuple(one for one in used if one != language)
        if on or kept:
            self._change(languages=(*kept, language) if on else kept)
        else:
            self.on.setChecked(False)
        self.show_languages()
