"""What the editor shows of itself: quotes dimmed, Markdown's signs, and emoji for their names.

Rules of the file: only looks, never the text; ``emoji`` is pure.
"""

import re
from collections.abc import Callable

from PySide6.QtGui import QFont, QSyntaxHighlighter, QTextCharFormat, QTextDocument

from mua.gui import body_text
from mua.gui.theme import theme

RICH, MARKDOWN, PLAIN = "rich", "markdown", "plain"
MODES = (RICH, MARKDOWN, PLAIN)
_MARKS = re.compile(
    r"(?P<code>`+[^`]+`+)|(?P<strong>\*\*[^*]+\*\*|__[^_]+__)|(?P<em>\*[^*\s][^*]*\*|\b_[^_]+_\b)"
    r"|(?P<link>!?\[[^\]]*\]\([^)]*\))|(?P<struck>~~[^~]+~~)"
)
_START = re.compile(r"\s*(?:#{1,6} |[-+*] |\d{1,9}[.)] |```|~~~|\|)")
_NAMED = (
    "smile 🙂 grin 😀 joy 😂 wink 😉 sad 🙁 cry 😢 heart ❤️ thumbsup 👍 +1 👍 thumbsdown 👎 -1 👎 ok 👌 clap 👏 "
    "wave 👋 pray 🙏 party 🎉 tada 🎉 fire 🔥 star ⭐ check ✅ x ❌ warning ⚠️ rocket 🚀 eyes 👀 thinking 🤔 "
    "shrug 🤷 sweat 😅 cool 😎 hug 🤗 coffee ☕ cake 🍰 sun ☀️ rain 🌧️ snow ❄️ tree 🌲 flower 🌸 dog 🐶 cat 🐱 "
    "phone 📞 mail ✉️ calendar 📅 clock 🕐 bulb 💡 bug 🐛 lock 🔒 key 🔑 music 🎵 muscle 💪"
).split()
_EMOJI = dict(zip(_NAMED[::2], _NAMED[1::2], strict=True))
_EMOJI_TYPED = re.compile(r":([a-z+\-0-9]{1,10}):\Z")


class Marks(QSyntaxHighlighter):
    """Dims what is quoted; in Markdown its signs look like what they mean."""

    def __init__(self, document: QTextDocument, mode: Callable[[], str]) -> None:
        super().__init__(document)
        self._mode = mode

    def highlightBlock(self, text: str) -> None:
        rich = self._mode() == RICH
        if text.startswith(">") or (rich and self.currentBlock().blockFormat().hasProperty(body_text.QUOTE)):
            dim = QTextCharFormat()
            dim.setForeground(theme().colour("secondary"))
            self.setFormat(0, body_text.units(text), dim)
        if self._mode() == MARKDOWN:
            self._markdown(text)
        elif rich:
            self._links()

    def _links(self) -> None:
        block = self.currentBlock()
        place = block.begin()
        while not place.atEnd():
            fragment = place.fragment()
            how = fragment.charFormat()
            if how.isAnchor():
                how.setForeground(theme().colour("accent"))
                self.setFormat(fragment.position() - block.position(), fragment.length(), how)
            place += 1

    def _markdown(self, text: str) -> None:
        fenced = text.lstrip("> ").startswith(("```", "~~~"))
        inside = self.previousBlockState() == 1
        self.setCurrentBlockState(int(inside != fenced))
        dim = QTextCharFormat()
        dim.setForeground(theme().colour("tertiary"))
        code = QTextCharFormat()
        body_text.code_format(code)
        if inside or fenced:
            self.setFormat(0, body_text.units(text), dim if fenced else code)
            return
        if match := _START.match(text):
            if "#" in match[0]:
                bold = QTextCharFormat()
                bold.setFontWeight(QFont.Weight.Bold)
                self.setFormat(0, body_text.units(text), bold)
            self.setFormat(0, match.end(), dim)
        for found in _MARKS.finditer(text):
            how = QTextCharFormat()
            if found["strong"]:
                how.setFontWeight(QFont.Weight.Bold)
            elif found["em"]:
                how.setFontItalic(True)
            elif found["struck"]:
                how.setFontStrikeOut(True)
            elif found["code"]:
                body_text.code_format(how)
            else:
                how.setForeground(theme().colour("accent"))
            self.setFormat(body_text.units(text[: found.start()]), body_text.units(found[0]), how)


def emoji(text: str) -> tuple[int, str]:
    """(how many letters at the end of ``text`` are its name, the emoji); 0: they are none."""
    match = _EMOJI_TYPED.search(text)
    return (len(match[0]), _EMOJI[match[1]]) if match and match[1] in _EMOJI else (0, "")
