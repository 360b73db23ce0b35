"""Marks in a page of the browser: the words that were searched, and those that are looked for in it.

Rules of the file: the page stays as it is.  A script of ours, in a world of its own (the page's has none), tells the
engine which ranges to paint (CSS Custom Highlight API); what comes back is numbers, and is read as such.
"""

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from mua.gui.theme import Colours
from mua.records import dataclass

if TYPE_CHECKING:
    from mua.gui.web_view import WebView

SEARCHED, FOUND, CURRENT = "mua-searched", "mua-found", "mua-current"
_SPECIAL = re.compile(r"[\^$\\.*+?()\[\]{}|/]")
_SCRIPT = r"""((name, here, source, current, most) => {
  CSS.highlights.delete(name);
  CSS.highlights.delete(here);
  if (!source || !document.body) return "[0, -1]";
  const inside = new Set(("A ABBR B BIG CITE CODE DEL DFN EM FONT I INS KBD MARK Q S SMALL SPAN STRIKE STRONG SUB " +
    "SUP TT U").split(" "));
  const nodes = [], starts = [];
  let text = "";
  const gather = parent => {
    for (const one of parent.childNodes) {
      if (one.nodeType === 3) {
        nodes.push(one);
        starts.push(text.length);
        text += one.data;
      } else if (one.nodeType === 1 && one.nodeName !== "STYLE") {
        const apart = !inside.has(one.nodeName);
        if (apart) text += "\n";
        gather(one);
        if (apart) text += "\n";
      }
    }
  };
  gather(document.body);
  const node = place => {
    let low = 0, high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= place) low = middle; else high = middle - 1;
    }
    return low;
  };
  const closed = range => range.startContainer.parentElement.closest("details:not([open])");
  const ranges = [];
  for (const match of text.matchAll(new RegExp(source, "giu"))) {
    if (ranges.length >= most) break;
    if (!match[0]) continue;
    const first = node(match.index), last = node(match.index + match[0].length - 1), range = new Range();
    range.setStart(nodes[first], match.index - starts[first]);
    range.setEnd(nodes[last], Math.min(match.index + match[0].length - starts[last], nodes[last].length));
    if (range.getClientRects().length || closed(range)) ranges.push(range);
  }
  CSS.highlights.set(name, new Highlight(...ranges));
  const range = ranges[current];
  if (!range) return JSON.stringify([ranges.length, -1]);
  for (let fold = closed(range); fold; fold = closed(range)) fold.open = true;
  const mark = new Highlight(range);
  mark.priority = 1;
  CSS.highlights.set(here, mark);
  const box = range.getBoundingClientRect();
  if (box.top < 0 || box.bottom > innerHeight) scrollBy({top: box.top - innerHeight / 3, behavior: "instant"});
  return JSON.stringify([ranges.length, box.top + scrollY]);
})(%s, %s, %s, %d, %d)"""


@dataclass(frozen=True, slots=True)
class Marked:
    """How many places of a page are marked, and how far below its top the current one is (pixels; -1: none is)."""

    count: int
    top: float


def literal(words: str) -> str:
    """A pattern for words as they stand, blanks of any kind between them."""
    return r"\s+".join(_SPECIAL.sub(r"\\\g<0>", one) for one in words.split())


def paint(
    web: "WebView", name: str, pattern: str, then: Callable[[Marked], None], current: int = -1, most: int = 2_000
) -> None:
    """Mark what matches ``pattern``, whatever its case, as ``name``, and bring the ``current`` place of it into sight;
    an empty pattern: nothing any more.  ``then`` is told when it is done.
    """
    from PySide6.QtWebEngineCore import QWebEngineScript

    words = map(json.dumps, (name, CURRENT if name == FOUND else f"{name}-current", pattern))
    web.page().runJavaScript(
        _SCRIPT % (*words, current, most),
        QWebEngineScript.ScriptWorldId.ApplicationWorld.value,
        lambda told: then(_read(told)),
    )


def _read(told: object) -> Marked:
    try:
        count, top = json.loads(str(told))
        return Marked(int(count), float(top))
    except (ValueError, TypeError):
        return Marked(0, -1)


def style(colours: Colours) -> str:
    """The look of marks, for the style sheet of a page."""
    return (
        f"::highlight({SEARCHED}),::highlight({FOUND}){{background-color:{colours.star};color:#000}}"
        f"::highlight({CURRENT}){{background-color:{colours.accent};color:{colours.on_accent}}}"
    )
