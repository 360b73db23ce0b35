"""A message as a document of Qt's, for paper and files.  Imported when it is asked for."""

from html import escape
from typing import Any

from PySide6.QtCore import QByteArray, QUrl
from PySide6.QtGui import QImage, QTextDocument

from mua.gui import rich_text, words
from mua.gui.theme import LIGHT
from mua.language import tr
from mua.model.message import MessageView


class _Paper(QTextDocument):
    """A document that loads nothing, whatever a message names: Qt would try it as a file of this computer."""

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """An image of one clear dot: an empty one would be looked for by its name."""
        nothing = QImage(1, 1, QImage.Format.Format_ARGB32)
        nothing.fill(0)
        return nothing if kind == QTextDocument.ResourceType.ImageResource.value else QByteArray()


def facts(view: MessageView) -> list[tuple[str, str]]:
    """(name, value) of the lines above a message on paper."""
    found = (
        (tr("From"), ", ".join(map(str, view.sender))),
        (tr("To"), ", ".join(map(str, view.to))),
        (tr("Cc"), ", ".join(map(str, view.cc))),
        (tr("Date"), words.full_time(view.date, 0)),
    )
    return [(name, words.shown(value)) for name, value in found if value]


def document(view: MessageView) -> QTextDocument:
    """The message as a document for paper: header lines, then the text."""
    paper = _Paper()
    paper.setDefaultStyleSheet(rich_text.style(LIGHT))
    lines = "<br>".join(f"<b>{name}:</b> {escape(value)}" for name, value in facts(view))
    body = rich_text.simple(view.html, LIGHT) if view.html and view.simple else rich_text.plain(view.text, LIGHT)
    paper.setHtml(f"<h2>{escape(words.shown(view.subject))}</h2><p>{lines}</p><hr>{body}")
    return paper


def markdown(view: MessageView) -> str:
    """The message as Markdown: its header lines, then the text; HTML that is laid out by tables by its text."""
    lines = "  \n".join(f"**{name}:** {value}" for name, value in facts(view))
    body = view.text
    if view.html and (view.simple or rich_text.shows(view.html)):
        paper = _Paper()
        paper.setHtml(view.html)
        body = paper.toMarkdown()
    return f"# {words.shown(view.subject)}\n\n{lines}\n\n{body.strip()}\n"
