"""The buttons for formats, the way of writing, and the fields that some formats ask for.

Rules of the file: a key for everything; what a way of writing cannot say is not offered there.
"""

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QFont,
    QIcon,
    QKeyEvent,
    QKeySequence,
    QPixmap,
    QTextCharFormat,
    QTextListFormat,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QWidget

from mua.gui.body_editor import BodyEditor
from mua.gui.body_marks import MARKDOWN, MODES, PLAIN, RICH
from mua.gui.select import Select
from mua.gui.sheets import styled
from mua.gui.theme import READER_MARGIN_X
from mua.gui.widgets import Button, Field, ToolButton
from mua.language import tr

WAYS = {RICH: tr("Rich text"), MARKDOWN: tr("Markdown"), PLAIN: tr("Plain text")}
COLOURS = {
    tr("Red"): "#e53935",
    tr("Orange"): "#c75300",
    tr("Green"): "#2f8a36",
    tr("Blue"): "#1e78dc",
    tr("Violet"): "#a650d8",
    tr("Brown"): "#9c6e54",
}
"""Read well on white and in the dark."""
ROOMY, NARROW = 700, 560  # pixels of a window from which on every button has room, or the most needed
_LEAST = 480  # and the way of writing
_SELECT = "QComboBox { padding: 0 26px 0 10px; min-height: 26px; }"


class FormatBar(QWidget):
    """Bold, italic, lists, quote, link, and a menu with the rest; at its end the way of writing."""

    link_wanted = Signal()
    picture_wanted = Signal()
    find_wanted = Signal()
    preview_wanted = Signal()
    way_wanted = Signal(str)

    def __init__(self, editor: BodyEditor) -> None:
        super().__init__()
        self._editor = editor
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        bullets, numbers = QTextListFormat.Style.ListDisc, QTextListFormat.Style.ListDecimal
        self._width = ROOMY
        self._spare: list[tuple[ToolButton, QAction, int]] = []
        """Buttons that go into the menu where the window is less wide than this."""
        self._bold = self._add(row, "bold", tr("Bold"), "Ctrl+B", editor.toggle_bold, True)
        self._italic = self._add(row, "italic", tr("Italic"), "Ctrl+I", editor.toggle_italic, True)
        self._add(row, "list", tr("List"), "Ctrl+Shift+8", lambda: editor.toggle_list(bullets))
        self._add(row, "list-ordered", tr("Numbered list"), "Ctrl+Shift+7", lambda: editor.toggle_list(numbers))
        self._quote = self._add(row, "quote", tr("Quote"), "Ctrl+Shift+9", editor.toggle_quote)
        self._add(row, "link", tr("Link"), "Ctrl+K", self.link_wanted.emit)
        self.more = self._add(row, "text", tr("More formats"), "Ctrl+Shift+F", self._offer)
        self.way = Select(tr("Way of writing"))
        styled(self.way, _SELECT)
        for name in MODES:
            self.way.addItem(WAYS[name], name)
        self.way.setToolTip(tr("Rich text, Markdown or plain text (Ctrl+Shift+M)"))
        self.way.activated.connect(lambda _: self.way_wanted.emit(self.way.currentData()))
        self.way.setMinimumWidth(104)
        row.addSpacing(6)
        row.addWidget(self.way)
        self._acts = self._make_acts()
        self.more_offers: list[Callable[[QMenu], object]] = []
        """What else adds to the menu."""
        editor.currentCharFormatChanged.connect(self._follow)
        editor.mode_changed.connect(self.show_way)
        self.show_way(editor.mode)

    def show_way(self, name: str) -> None:
        """Offer what this way of writing can say."""
        self.way.setCurrentIndex(MODES.index(name))
        for button in self.findChildren(ToolButton):
            button.setEnabled(name != PLAIN or button in (self._quote, self.more))

    def compact(self, width: int) -> None:
        """Only what is needed most where the window has little room; the rest is in the menu."""
        for button, _, least in self._spare:
            button.setVisible(width >= least)
        self.way.setVisible(width >= _LEAST)
        self._width = width

    def next_way(self) -> None:
        """The way after this one."""
        self.way_wanted.emit(MODES[(MODES.index(self._editor.mode) + 1) % len(MODES)])

    def menu(self) -> QMenu:
        """Every format that has no button, and what else is put into a text."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        mode = self._editor.mode
        for _, action, least in self._spare:
            if self._width < least:
                menu.addAction(action)
        for name, action in self._acts.items():
            if name == "-":
                continue
            if name in (tr("Strike through"), tr("Insert table"), tr("Paste as plain text")):
                menu.addSeparator()
            if mode == PLAIN and action.data() != PLAIN:
                continue
            if name == tr("Markdown beside its look") and mode != MARKDOWN:
                continue
            menu.addAction(action)
            if name == tr("Code") and mode == RICH:
                menu.addMenu(self._colours(menu))
        if self._width < _LEAST:
            menu.addSeparator()
            self._offer_ways(menu)
        for offer in self.more_offers:
            menu.addSeparator()
            offer(menu)
        return menu

    # ---- inside
    def _make_acts(self) -> dict[str, QAction]:
        editor = self._editor
        made: dict[str, QAction] = {}
        table: list[tuple[str, str, Callable[[], object], bool]] = [
            (tr("Title"), "Ctrl+1", lambda: editor.heading(1), False),
            (tr("Heading"), "Ctrl+2", lambda: editor.heading(2), False),
            (tr("Small heading"), "Ctrl+3", lambda: editor.heading(3), False),
            (tr("Text"), "Ctrl+0", lambda: editor.heading(0), False),
            (tr("Strike through"), "Ctrl+Shift+X", editor.toggle_struck, False),
            (tr("Code"), "Ctrl+Shift+E", editor.toggle_code, False),
            (tr("No formats"), "Ctrl+\\", editor.plain_look, False),
            (tr("Insert table"), "Ctrl+Shift+T", lambda: editor.insert_table(3, 3), False),
            (tr("Insert line"), "Ctrl+Shift+L", editor.insert_rule, False),
            (tr("Insert picture…"), "Ctrl+Shift+P", self.picture_wanted.emit, False),
            (tr("Paste as plain text"), "Ctrl+Shift+V", editor.paste_plain, True),
            (tr("Find and replace"), "Ctrl+F", self.find_wanted.emit, True),
            (tr("Markdown beside its look"), "Ctrl+Shift+U", self.preview_wanted.emit, False),
        ]
        for name, key, act, plain in table:
            action = QAction(name, self)
            action.setShortcut(QKeySequence(key))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.setData(PLAIN if plain else RICH)
            action.triggered.connect(lambda _=False, act=act: act())
            editor.addAction(action)
            made[name] = action
        return made

    def _offer_ways(self, menu: QMenu) -> None:
        """The ways of writing, where they have no room in the bar."""
        for name in MODES:
            action = menu.addAction(WAYS[name])
            action.setCheckable(True)
            action.setChecked(name == self._editor.mode)
            action.triggered.connect(lambda _=False, name=name: self.way_wanted.emit(name))

    def _colours(self, parent: QMenu) -> QMenu:
        menu = QMenu(tr("Colour"), parent)
        for name, colour in COLOURS.items():
            patch = QPixmap(14, 14)
            patch.fill(QColor(colour))
            menu.addAction(QIcon(patch), name).triggered.connect(lambda _=False, one=colour: self._editor.colour(one))
        menu.addAction(tr("No colour")).triggered.connect(lambda _=False: self._editor.colour(""))
        return menu

    def _offer(self) -> None:
        menu = self.menu()
        menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()) + QPoint(0, 4))

    def _add(
        self, row: QHBoxLayout, icon: str, name: str, key: str, act: Callable[[], object], checkable: bool = False
    ) -> ToolButton:
        button = ToolButton(icon, name, key=key)
        button.setCheckable(checkable)
        action = QAction(name, self._editor)
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self._editor.addAction(action)
        action.triggered.connect(lambda _=False: act())
        button.clicked.connect(lambda _=False: (act(), self._editor.setFocus()))
        row.addWidget(button)
        self._spare.append((button, action, 0 if icon == "text" else NARROW if icon in ("bold", "list") else ROOMY))
        return button

    def _follow(self, how: QTextCharFormat) -> None:
        rich = self._editor.mode == RICH
        self._bold.setChecked(rich and how.fontWeight() >= QFont.Weight.DemiBold)
        self._italic.setChecked(rich and how.fontItalic())


class AskBar(QFrame):
    """Asks for a line in place; ``hint`` says which.  Enter or the button ``act`` gives it, Escape leaves."""

    entered = Signal(str)
    left = Signal()

    def __init__(self, name: str, hint: str, act: str) -> None:
        super().__init__()
        self.field = Field(name, hint)
        button = Button(act, kind="")
        row = QHBoxLayout(self)
        row.setContentsMargins(READER_MARGIN_X, 8, READER_MARGIN_X, 0)
        row.addWidget(self.field, 1)
        row.addWidget(button)
        self.field.returnPressed.connect(self._enter)
        button.clicked.connect(self._enter)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.field.clear()
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _enter(self) -> None:
        text = self.field.text()
        self.field.clear()
        self.entered.emit(text)
