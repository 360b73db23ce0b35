"""How a composer is laid out, and what its keys do."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mua.gui.sheets import styled
from mua.gui.theme import READER_MARGIN_X
from mua.gui.widgets import Line
from mua.language import tr

if TYPE_CHECKING:
    from mua.gui.composer import Composer

LEAST = (480, 420)  # pixels of a window
_HALF = "QPushButton {{ border-top-{side}-radius: 0; border-bottom-{side}-radius: 0; {more} }}"


def lay_out(composer: "Composer") -> None:
    """The window: buttons, head, sentences, text, files."""
    column = QVBoxLayout(composer)
    column.setContentsMargins(0, 8, 0, 0)
    column.setSpacing(0)
    column.addLayout(_tool_bar(composer))
    column.addWidget(Line())
    column.addWidget(composer.head)
    column.addWidget(Line())
    _lay_out_sentences(composer)
    column.addLayout(composer.sentences)
    for bar in (composer.link_bar, composer.find_bar):
        bar.hide()
        column.addWidget(bar)
    composer.beside.setChildrenCollapsible(False)
    composer.beside.addWidget(composer.editor)
    column.addWidget(composer.beside, 1)
    composer.more_quoted.hide()
    composer.more_quoted.setToolTip(
        tr("It is sent in any case; long quotes are shown on request, so that typing stays quick.")
    )
    column.addWidget(composer.more_quoted, 0, Qt.AlignmentFlag.AlignHCenter)
    column.addWidget(composer.strip)


def give_keys(composer: "Composer") -> None:
    """What its keys do, wherever in it the keyboard is."""
    for key, act in (
        ("Ctrl+Return", composer.send),
        ("Ctrl+Enter", composer.send),
        ("Ctrl+Shift+Return", composer.offer_later),
        ("Ctrl+Shift+Enter", composer.offer_later),
        ("Ctrl+S", composer.save_wanted.emit),
        ("Ctrl+Shift+A", composer.choose_files),
        ("Ctrl+Shift+D", composer.discard_wanted.emit),
        ("Ctrl+Shift+C", partial(composer.head.show_copies, True, True, focus=True)),
        ("Ctrl+Shift+M", composer.formats.next_way),
        ("Ctrl+U", composer.source_wanted.emit),
        ("Ctrl+Shift+O", composer.popped.emit),
        ("Ctrl+W", composer.close),
    ):
        action = QAction(composer)
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda _=False, act=act: act())
        composer.addAction(action)


def stand_inside(composer: "Composer") -> None:
    """Inside another window, below the message that is answered: what is said there already is left out."""
    composer.setMinimumSize(360, 240)
    composer.head.show_subject(False)
    composer.pop_button.show()


def stand_alone(composer: "Composer") -> None:
    """A window of its own."""
    composer.setMinimumSize(*LEAST)
    composer.head.show_subject(True)
    composer.pop_button.hide()


def _lay_out_sentences(composer: "Composer") -> None:
    """What is said and asked above the text: each with some room above it, and none where nothing is said."""
    column = composer.sentences
    column.setContentsMargins(READER_MARGIN_X, 0, READER_MARGIN_X, 0)
    column.setSpacing(12)
    top = QWidget()
    top.setFixedHeight(0)
    for one in (top, composer.ahead, composer.demand, composer.asked, composer.banner):
        column.addWidget(one)
        if one is not top:
            one.hide()


def _tool_bar(composer: "Composer") -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(20, 2, 16, 8)
    row.setSpacing(4)
    composer.send_button.setToolTip(tr("Send (Ctrl+Return)"))
    composer.save_button.show_icon("file-pen-line")
    composer.later_button.setAccessibleName(tr("Send later, or with a condition"))
    composer.later_button.setToolTip(tr("Send later, or with a condition (Ctrl+Shift+Return)"))
    inner, outer = ("left", "right") if composer.isRightToLeft() else ("right", "left")
    styled(composer.send_button, _HALF.format(side=inner, more=""))
    styled(composer.later_button, _HALF.format(side=outer, more="padding: 0 6px;"))
    row.addWidget(composer.send_button)
    row.addSpacing(-3)
    row.addWidget(composer.later_button)
    row.addSpacing(8)
    row.addWidget(composer.attach_button)
    row.addSpacing(6)
    row.addWidget(Line(vertical=True, length=20))
    row.addSpacing(6)
    row.addWidget(composer.formats)
    row.addStretch()
    row.addWidget(composer.status)
    row.addSpacing(6)
    composer.pop_button.hide()
    row.addWidget(composer.pop_button)
    row.addWidget(composer.save_button)
    row.addWidget(composer.discard_button)
    return row
