"""What a misspelt word could have been, in the menu of a text or of a line."""

from collections.abc import Callable

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu
from shiboken6 import isValid

from mua.gui import words
from mua.gui.speller import Speller
from mua.language import tr


def add_words(
    menu: QMenu,
    speller: Speller,
    mistake: tuple[str, str],
    put: Callable[[str], object],
    learn: Callable[[str, str], object],
) -> None:
    """Offer above the rest what ``mistake`` (the word, its language or "") could be; it is looked for while the menu is
    shown.  ``put`` takes the one that is chosen, ``learn`` a word that is right as it stands, and its language.
    """
    wrong, language = mistake
    word = wrong.replace("’", "'")
    language_of = language or speller.languages[0]
    first = menu.actions()[0] if menu.actions() else None
    waiting = QAction(tr("Looking for words like it…"), menu)
    waiting.setEnabled(False)
    learning = QAction(tr("Add “{word}” to the dictionary", word=words.shown(word, 40)), menu)
    learning.triggered.connect(lambda _=False: learn(word, language_of))
    menu.insertActions(first, [waiting, learning])  # type: ignore[arg-type]  # None: at the end
    if first is not None:
        menu.insertSeparator(first)

    def offer(found: list[str]) -> None:
        if not isValid(menu):
            return
        for one in found:
            action = QAction(one, menu)
            action.triggered.connect(lambda _=False, one=one: put(one))
            font = action.font()
            font.setBold(True)
            action.setFont(font)
            menu.insertAction(waiting, action)
        waiting.setText(tr("No word is like it"))
        if found and menu.activeAction() is None:
            menu.setActiveAction(menu.actions()[0])  # F7 and Enter take the likeliest
        waiting.setVisible(not found)

    speller.suggest(word, language, offer)
