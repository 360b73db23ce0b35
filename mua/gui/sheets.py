"""Style sheets of single parts, for what the program's one sheet (``theme``) does not know.

Rules of the file: colours come as ``@role`` of ``theme.Colours`` and follow the theme; nothing else is decided here.
"""

from dataclasses import fields

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from mua.gui.theme import theme


class _Sheet(QObject):
    """Lives and dies with its widget."""

    def __init__(self, widget: QWidget, sheet: str) -> None:
        super().__init__(widget)
        self._widget, self._sheet = widget, sheet
        theme().changed.connect(self.apply)
        self.apply()

    def apply(self) -> None:
        self._widget.setStyleSheet(coloured(self._sheet))


def styled(widget: QWidget, sheet: str) -> None:
    """Give ``widget`` the style sheet ``sheet``, now and after every change of the theme."""
    _Sheet(widget, sheet)


def coloured(sheet: str) -> str:
    """``sheet`` with each ``@role`` replaced by its colour."""
    colours = theme().colours
    for name in sorted((field.name for field in fields(colours)), key=len, reverse=True):
        sheet = sheet.replace("@" + name, getattr(colours, name))
    return sheet
