"""The pictures of writing: what is asked and offered while one writes; ``./run screenshots`` draws them."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from screenshots import Photographer

    from mua.gui.composer import Composer

_MISSPELT = """# Chairs for the weekend

Dear Mirela, please bring the **chiars** to the small room, and the linen tape with them.

> May we hang maps on the long wall?

Bitte auch die Stüle aus dem Saal.
"""
_INVITED = "Dear **{{first name}}**,\n\nyour seat is {{seat}}, from Friday at seven. Bring a map.\n\nRobin\n"
_GUESTS = """Name;E-Mail;Seat
Amara Okoye;amara.okoye@larkspur.example;7
Tomasz Wolny;tomasz.wolny@larkspur.example;9
nobody;;8
Lena Falk;lena.falk@larkspur.example;11
"""


def draw(camera: "Photographer", guests: Path) -> None:
    """Spelling, snippets, merging, another time, an answer below the message; the demo's "Venue" is selected.

    ``guests``: a file that may be written.
    """
    from mua.gui.writing import Kind

    camera.desk.deeds.write(Kind.REPLY)
    camera.wait(lambda: _composers(camera), 0.6)
    (composer,) = _composers(camera)
    composer.move(0, 0)  # its menus have room beside it
    _spelling(camera, composer)
    _snippets(camera, composer)
    composer.choose_time()
    camera.wait(lambda: not composer.later_bar.isHidden(), 0.5)
    camera.both("composer-later", composer)
    composer.later_bar.left.emit()
    _put_away(camera, composer)

    camera.desk.deeds.write(Kind.NEW)
    camera.wait(lambda: _composers(camera), 0.6)
    (composer,) = _composers(camera)
    _merging(camera, composer, guests)
    _put_away(camera, composer)

    camera.choose("Venue")
    camera.window.actions_["reply_here"].trigger()
    camera.wait(lambda: _composers(camera), 1.0)
    (composer,) = _composers(camera)
    composer.editor.insertPlainText("Eight are enough, and the tape is in the box below the stairs.")
    camera.wait(lambda: True, 0.6)
    camera.both("composer-here")
    _put_away(camera, composer)


def _spelling(camera: "Photographer", composer: "Composer") -> None:
    """Underlined in the subject and the text, with what a word could have been."""
    from PySide6.QtWidgets import QApplication

    from mua.gui.spelling import SpellCheck
    from mua.mime.markdown import from_markdown

    composer.subject.setText("Chairs for the weeknd")
    composer.subject.setCursorPosition(0)
    composer.editor.show_prose(from_markdown(_MISSPELT))
    check = composer.editor.findChild(SpellCheck)
    assert check is not None
    camera.wait(lambda: len(composer.editor.extraSelections()) >= 2 and composer.subject.marks, 0.3)
    composer.editor.moveCursor(composer.editor.textCursor().MoveOperation.Start)
    check.next_mistake()
    camera.wait(lambda: (menu := QApplication.activePopupWidget()) and menu.actions()[0].font().bold(), 0.4)
    camera.both("composer-spelling", composer)
    QApplication.activePopupWidget().close()
    composer.subject.setText("Chairs for the weekend")
    composer.editor.show_prose(from_markdown(_MISSPELT.replace("chiars", "chairs").replace("Stüle", "Stühle")))
    composer.editor.moveCursor(composer.editor.textCursor().MoveOperation.Start)


def _snippets(camera: "Photographer", composer: "Composer") -> None:
    """The texts that are kept, in their menu."""
    from PySide6.QtWidgets import QApplication

    from mua.model.snippet import Snippet

    kept = (
        Snippet("thanks", "Thank you, {{first name}}, that helps."),
        Snippet("way", "From the station it is ten minutes along the river; the door is the green one."),
        Snippet("tel", "+44 20 7946 0321"),
    )
    before = camera.desk.preferences
    camera.desk.change_preferences(replace(before, snippets=kept))
    assert camera.program.rooms is not None
    camera.program.rooms.composing.snippets._pop_up(composer)
    camera.wait(QApplication.activePopupWidget, 0.4)
    camera.both("composer-snippets", composer)
    QApplication.activePopupWidget().close()
    camera.desk.change_preferences(replace(camera.desk.preferences, snippets=before.snippets))


def _merging(camera: "Photographer", composer: "Composer", guests: Path) -> None:
    """One letter to each of a list, the second of them shown."""
    from mua.mime.markdown import from_markdown

    guests.write_text(_GUESTS, "utf-8")
    composer.subject.setText("Your seat {{seat}}")
    composer.editor.show_prose(from_markdown(_INVITED))
    assert camera.program.rooms is not None
    run = camera.program.rooms.composing._merging.read(composer, guests)
    assert run is not None
    run.bar.turned.emit(1)
    camera.wait(lambda: True, 0.6)
    camera.both("composer-merge", composer)


def _put_away(camera: "Photographer", composer: "Composer") -> None:
    composer.discard_wanted.emit()
    camera.wait(lambda: not _composers(camera), 0.5)
    camera.window.toast.hide()


def _composers(camera: "Photographer") -> list["Composer"]:
    """Those that are open."""
    return list(camera.program.rooms.composing.composers.values()) if camera.program.rooms is not None else []
