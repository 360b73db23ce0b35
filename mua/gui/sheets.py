"""Style sheets of single parts, for what the program's one sheet (``theme``) does not know.

Rules of the file: colours come as ``@role`` of ``theme.Colours`` and follow the theme; nothing else is decided here.
"""

from dataclasses import fields

from PySide6.QtWidgets import QWidget

from mua.gui.theme import theme


def styled(widget: QWidget, sheet: str) -> None:
    """Give ``widget`` the style sheet ``sheet``, now and after every change of the theme."""

    def apply() -> None:
        widget.setStyleSheet(coloured(sheet))

    apply()
    theme().changed.connect(apply)
    widget.destroyed.connect(lambda: theme().changed.disconnect(apply))


def coloured(sheet: str) -> str:
    """``sheet`` with each ``@role`` replaced by its colour."""
    colours = theme().colours
    for name in sorted((field.name for field in fields(colours)), key=len, reverse=True):
        sheet = sheet.replace("@" + name, getattr(colours, name))
    return sheet
