"""Colours, fonts and measures of every window, and the switch between light and dark.

Rules of the file: a colour is named by what it is for, never by what it looks like; every text colour passes WCAG AA
(4.5:1) on every surface it can stand on (``TEXT_ON`` lists the pairs, a test checks them); lengths are
device-independent pixels.

Theory of operation: Fusion style, one ``QPalette`` and one short style sheet, both made from the current ``Colours``.
Anything painted by hand asks ``theme().colours``; anything that holds a tinted pixmap listens to ``theme().changed``.
"""

from dataclasses import fields
from enum import StrEnum
from functools import lru_cache
from zlib import crc32

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from mua.records import dataclass

# Text sizes
BASE, SECONDARY, META, TITLE, SUBJECT, BODY = 13, 12, 11, 17, 22, 14
# Panes and rows
SIDEBAR_WIDTH, LIST_WIDTH, NARROW_WINDOW, SIDEBAR_ICONS = 232, 388, 1000, 60
FOLDER_ROW, HEADING_ROW, DAY_ROW = 34, 40, 34
CARD, COMPACT, TABLE = 80, 56, 28
# Controls
PRIMARY_HEIGHT, CHIP_HEIGHT, TOOL_BUTTON, TOOL_ICON, SMALL_ICON = 36, 26, 32, 18, 14
READER_MARGIN_X, READER_MARGIN_Y, AVATAR, READER_AVATAR, EMPTY_ICON = 32, 22, 36, 42, 56

NORMAL, MEDIUM, SEMIBOLD = QFont.Weight.Normal, QFont.Weight.Medium, QFont.Weight.DemiBold


class Appearance(StrEnum):
    """What the person chose."""

    FOLLOW = "follow"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Colours:
    """One palette; each value is #RRGGBB."""

    side: str
    list: str
    reader: str
    line: str
    faint: str
    """Disabled icons; never text."""
    text: str
    secondary: str
    tertiary: str
    accent: str
    accent_hover: str
    on_accent: str
    selection: str
    side_selection: str
    hover: str
    field: str
    chip: str
    star: str
    good: str
    warning: str
    on_warning: str
    warning_line: str
    danger: str
    on_danger: str
    danger_line: str
    toast: str
    on_toast: str
    toast_accent: str


LIGHT = Colours(
    side="#F3F4F6",
    list="#FFFFFF",
    reader="#FFFFFF",
    line="#E5E7EB",
    faint="#C0C6CF",
    text="#1A1C1F",
    secondary="#565D6B",
    tertiary="#5F6775",
    accent="#1F5FE0",
    accent_hover="#1A52C4",
    on_accent="#FFFFFF",
    selection="#E6EEFD",
    side_selection="#E5E9EF",
    hover="#F2F4F7",
    field="#EEF0F3",
    chip="#F1F3F5",
    star="#E0A100",
    good="#137A45",
    warning="#FFF7E0",
    on_warning="#6B5300",
    warning_line="#F0DFA8",
    danger="#FDEEEC",
    on_danger="#9F1F16",
    danger_line="#F3C9C4",
    toast="#24272D",
    on_toast="#F2F3F5",
    toast_accent="#9DBEFF",
)

DARK = Colours(
    side="#17191D",
    list="#1D1F24",
    reader="#22252B",
    line="#30343C",
    faint="#4C525D",
    text="#E6E8EB",
    secondary="#A9B0BC",
    tertiary="#9DA5B2",
    accent="#74A3FF",
    accent_hover="#8DB4FF",
    on_accent="#0B1426",
    selection="#2A3A57",
    side_selection="#2A2E36",
    hover="#25282F",
    field="#262930",
    chip="#2C3038",
    star="#F2C14B",
    good="#5CC994",
    warning="#332C17",
    on_warning="#E9D8A0",
    warning_line="#4A4020",
    danger="#3A2221",
    on_danger="#F7B5AE",
    danger_line="#59312E",
    toast="#E6E8EB",
    on_toast="#1A1C1F",
    toast_accent="#1A52C4",
)

_SURFACES = ("side", "list", "reader", "hover", "selection", "side_selection", "field", "chip")
TEXT_ON: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("text", _SURFACES),
    ("secondary", _SURFACES),
    ("tertiary", ("side", "list", "reader", "hover", "selection", "side_selection", "field", "chip")),
    ("accent", ("side", "list", "reader", "hover", "selection", "side_selection")),
    ("on_accent", ("accent", "accent_hover")),
    ("good", ("side", "list", "reader")),
    ("on_warning", ("warning",)),
    ("accent", ("warning",)),
    ("on_danger", ("danger", "side", "list", "reader")),
    ("on_toast", ("toast",)),
    ("toast_accent", ("toast",)),
)
"""(text colour, the surfaces it may stand on): the whole promise of contrast."""

AVATARS = ("#2563EB", "#0F766E", "#B45309", "#7C3AED", "#DB2777", "#4D7C0F", "#0369A1", "#B91C1C", "#475569")
"""Avatar colours; white initials pass AA on each."""


def contrast(first: str, second: str) -> float:
    """The WCAG 2 contrast ratio of two #RRGGBB colours, 1 to 21."""
    bright, dim = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def avatar_colour(address: str) -> str:
    """The colour of an address: always the same one, chosen by crc32."""
    return AVATARS[crc32(address.strip().lower().encode("utf-8", "surrogatepass")) % len(AVATARS)]


class Theme(QObject):
    """The current colours and fonts of the program.  ``changed`` fires after palette and style sheet are in place."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.colours = LIGHT
        self.scale = 1.0
        self._family = ""
        self._made: dict[str, QColor] = {}

    @property
    def dark(self) -> bool:
        """Whether the dark palette is in use."""
        return self.colours is DARK

    def colour(self, role: str) -> QColor:
        """The colour of a role of ``Colours`` ("accent") as a shared QColor: do not modify it."""
        value = getattr(self.colours, role)
        return self._made.get(value) or self._made.setdefault(value, QColor(value))

    def font(self, size: int = BASE, weight: QFont.Weight = NORMAL) -> QFont:
        """The UI font at ``size`` pixels (times the person's text scale).  Shared: copy before changing it."""
        return _font(self._family, max(8, round(size * self.scale)), weight)

    def grown(self, length: int) -> int:
        """A length in pixels beside text of the person's size; smaller text makes nothing smaller than it is drawn."""
        return round(length * max(1.0, self.scale))

    def apply(self, dark: bool, scale: float = 1.0, bare: bool = False) -> None:
        """Put palette, font and style sheet on the application.

        ``bare``: without the sheet, to build a window first and ``dress`` it whole, which takes half the time.
        """
        self.colours = DARK if dark else LIGHT
        self.scale = min(2.0, max(0.75, scale))
        self._family = self._family or QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        if bare:
            app.setStyleSheet("")  # of a window before
        app.setStyle("Fusion")
        app.setFont(self.font())
        app.setPalette(_palette(self.colours))
        if not bare:
            self.dress()
        self.changed.emit()

    def dress(self) -> None:
        """Put the style sheet on the application."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.setStyleSheet(_style_sheet(self.colours, self.scale))


@lru_cache(maxsize=128)
def _font(family: str, size: int, weight: QFont.Weight) -> QFont:
    font = QFont(family)
    font.setPixelSize(size)
    font.setWeight(weight)
    return font


_theme: Theme | None = None


def theme() -> Theme:
    """The one theme of the program."""
    global _theme
    if _theme is None:
        _theme = Theme()
    return _theme


def system_is_dark() -> bool | None:
    """What the platform's theme says, if it says anything (bare X11 does not: see ``desktop.py``)."""
    scheme = QGuiApplication.styleHints().colorScheme()
    return None if scheme is Qt.ColorScheme.Unknown else scheme is Qt.ColorScheme.Dark


def _palette(colours: Colours) -> QPalette:
    role = QPalette.ColorRole
    pairs = {
        role.Window: colours.side,
        role.WindowText: colours.text,
        role.Base: colours.list,
        role.AlternateBase: colours.hover,
        role.Text: colours.text,
        role.Button: colours.chip,
        role.ButtonText: colours.text,
        role.BrightText: colours.on_danger,
        role.Highlight: colours.accent,
        role.HighlightedText: colours.on_accent,
        role.PlaceholderText: colours.tertiary,
        role.Link: colours.accent,
        role.LinkVisited: colours.accent,
        role.Mid: colours.line,
        role.ToolTipBase: colours.toast,
        role.ToolTipText: colours.on_toast,
        role.Accent: colours.accent,
    }
    palette = QPalette()
    for where, colour in pairs.items():
        palette.setColor(where, QColor(colour))
    for where in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, where, QColor(colours.tertiary))
    return palette


_STYLE = """
QToolTip { background: @toast; color: @on_toast; border: none; padding: 5px 8px; font-size: ${12}; }
QSplitter::handle { background: @line; }
QFrame#side { background: @side; } QFrame#list { background: @list; } QFrame#reader { background: @reader; }
QFrame[kind="line"] { background: @line; border: none; }
QAbstractItemView, QTextBrowser, QScrollArea { border: none; outline: 0; background: transparent; }
QTableView, QListView { selection-background-color: transparent; }
QHeaderView { background: @list; }
QHeaderView::section { background: @list; color: @secondary; border: none; padding: 4px; }
QLabel { background: transparent; }
QLabel[tone="secondary"] { color: @secondary; } QLabel[tone="tertiary"] { color: @tertiary; }
QLabel[tone="danger"] { color: @on_danger; } QLabel[tone="good"] { color: @good; }

QLineEdit, QTextEdit[kind="field"], QPlainTextEdit[kind="field"], QComboBox, QSpinBox {
  background: @field; color: @text; border: 1px solid transparent; border-radius: 8px;
  min-height: 32px; padding: 0 10px; selection-background-color: @accent; selection-color: @on_accent; }
QLineEdit:focus, QTextEdit[kind="field"]:focus, QPlainTextEdit[kind="field"]:focus, QComboBox:focus, QSpinBox:focus {
  border: 1px solid @accent; background: @list; }
QLineEdit[problem="true"] { border: 1px solid @on_danger; }
QLineEdit[kind="bare"], QLineEdit[kind="bare"]:focus { background: transparent; border: none; padding: 0; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox QAbstractItemView { background: @list; border: 1px solid @line; padding: 4px; }

QPushButton { background: transparent; color: @text; border: 1px solid @line; border-radius: 8px;
  min-height: 32px; padding: 0 14px; outline: 0; }
QPushButton:hover { background: @hover; } QPushButton:pressed { background: @side_selection; }
QPushButton:focus { border: 1px solid @accent; } QPushButton:disabled { color: @tertiary; }
QPushButton[kind="primary"] { background: @accent; color: @on_accent; border: 2px solid @accent; font-weight: 600; }
QPushButton[kind="primary"]:hover { background: @accent_hover; border-color: @accent_hover; }
QPushButton[kind="primary"]:focus { border-color: @text; }
QPushButton[kind="primary"]:disabled { background: @chip; border-color: @chip; color: @tertiary; }
QPushButton[kind="danger"] { color: @on_danger; border-color: @danger_line; }
QPushButton[kind="danger"]:hover { background: @danger; }
QPushButton[kind="link"] { border: 1px solid transparent; border-radius: 6px; color: @accent; font-weight: 600;
  font-size: ${12}; padding: 0 6px; min-height: 22px; }
QPushButton[kind="link"]:hover { background: transparent; text-decoration: underline; }
QPushButton[kind="link"]:focus { border: 1px solid @accent; }

QToolButton { border: 1px solid transparent; border-radius: 8px; padding: 6px; }
QToolButton:hover { background: @hover; } QToolButton:pressed, QToolButton:open { background: @side_selection; }
QFrame#side QToolButton:hover { background: @side_selection; }
QToolButton:checked { background: @selection; }
QToolButton:focus { border: 1px solid @accent; }
QToolButton::menu-indicator { image: none; }
QToolButton[kind="chip"] { background: @chip; color: @secondary; border-radius: 13px; padding: 0 10px;
  min-height: 24px; font-size: ${12}; }
QToolButton[kind="chip"]:hover { background: @side_selection; }
QToolButton[kind="chip"]:checked { background: @selection; color: @accent; font-weight: 600; }
QToolButton[kind="chip"]:focus { border: 1px solid @accent; }
QToolButton[kind="link"] { color: @secondary; padding: 0 2px; font-size: ${12}; }

QFrame[kind="banner"] { border-radius: 8px; border: 1px solid @line; background: @hover; }
QFrame[kind="banner"][tone="warning"] { background: @warning; border-color: @warning_line; }
QFrame[kind="banner"][tone="warning"] QLabel { color: @on_warning; }
QFrame[kind="banner"][tone="danger"] { background: @danger; border-color: @danger_line; }
QFrame[kind="banner"][tone="danger"] QLabel { color: @on_danger; }
QFrame[kind="banner"] QLabel { font-size: ${12}; }
QFrame[kind="card"] { background: @chip; border: 1px solid transparent; border-radius: 10px; }
QFrame[kind="card"]:hover { background: @side_selection; } QFrame[kind="card"]:focus { border: 1px solid @accent; }
QFrame[kind="panel"] { background: @list; border: 1px solid @line; border-radius: 12px; }
QFrame[kind="letter"] { background: @reader; border: 1px solid @line; border-radius: 12px; }
QFrame[kind="letter"][current="true"] { border-color: @accent; }
QPushButton[kind="gap"] { border: 1px dashed @line; color: @secondary; font-size: ${12}; min-height: 26px; }
QPushButton[kind="gap"]:focus { border: 1px solid @accent; }
QFrame[kind="toast"] { background: @toast; border-radius: 10px; }
QFrame[kind="toast"] QLabel { color: @on_toast; }
QFrame[kind="toast"] QPushButton { color: @toast_accent; }
QFrame[kind="toast"] QToolButton:hover { background: transparent; }
QLabel[kind="key"] { background: @chip; color: @secondary; border: 1px solid @line; border-radius: 5px;
  padding: 1px 6px; font-size: ${11}; }
QLabel[kind="hint"] { background: @chip; color: @secondary; border: 1px solid @line; border-radius: 6px;
  padding: 3px 8px; }

QTabBar { background: @side; }
QTabBar::tab { background: transparent; color: @secondary; border: 1px solid transparent; border-radius: 8px;
  margin: 4px 2px; padding: 4px 6px; font-size: ${13}; }
QTabBar::tab:hover { background: @side_selection; } QTabBar::tab:selected { background: @reader; color: @text; }
QTabBar:focus::tab:selected { border-color: @accent; }
QToolButton[kind="small"] { padding: 0; border-radius: 6px; }

QMenu { background: @list; color: @text; border: 1px solid @line; border-radius: 8px; padding: 6px; }
QMenu::item { padding: 6px 24px 6px 12px; border-radius: 6px; } QMenu::icon { padding-left: 8px; }
QMenu::item:selected { background: @selection; } QMenu::item:disabled { color: @tertiary; }
QMenu::separator { height: 1px; background: @line; margin: 5px 6px; }
QProgressBar { background: @side_selection; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }
QProgressBar::chunk { background: @accent; border-radius: 2px; }
QCheckBox, QRadioButton { spacing: 8px; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar::handle:vertical { background: @line; border-radius: 3px; min-height: 40px; margin: 2px; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle:horizontal { background: @line; border-radius: 3px; min-width: 40px; margin: 2px; }
QScrollBar::handle:hover { background: @tertiary; }
QScrollBar::add-line, QScrollBar::sub-line { height: 0; width: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
"""


def _style_sheet(colours: Colours, scale: float) -> str:
    """``_STYLE`` with ``@role`` replaced by its colour and ``${n}`` by n scaled pixels."""
    sheet = _STYLE
    for name in sorted((field.name for field in fields(colours)), key=len, reverse=True):
        sheet = sheet.replace("@" + name, getattr(colours, name))
    for size in (META, SECONDARY, BASE):
        sheet = sheet.replace(f"${{{size}}}", f"{round(size * scale)}px")
    return sheet
