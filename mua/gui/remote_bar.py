"""What a message wanted to reach: hosts, who of them watches, and the buttons that load its pictures.

Rule of the file: it says what is, and what the person wants; it loads nothing.
"""

from PySide6.QtCore import Signal

from mua.gui import words
from mua.gui.notices import Banner
from mua.language import tr
from mua.model.message import MessageView, Wanted

_MOST = 12  # hosts named


class RemoteBar(Banner):
    """One line below the header, hidden where a message wanted nothing.

    ``state`` is "" (nothing was asked), "loading", "shown", "never" (the person wants no such buttons) or "begun" (the
    whole, which may want more, is not here: nobody is asked to agree to that unseen).
    """

    wanted = Signal(bool)
    """Load the pictures; True: those of every mail of this sender."""
    unwanted = Signal()
    """No longer those of every mail of this sender."""

    def __init__(self) -> None:
        super().__init__(tone="warning", icon_name="image-off")
        self._view: MessageView | None = None
        self._named = False
        self._state, self._note, self._rule = "", "", False

    def show_view(self, view: MessageView | None, state: str = "") -> None:
        """Be about this message, of which nothing was loaded."""
        self._view, self._named = view, False
        self.tell(state)

    def tell(self, state: str, note: str = "", rule: bool = False) -> None:
        """What became of its pictures; ``note`` a sentence behind it, ``rule``: this sender's are always loaded."""
        self._state, self._note, self._rule = state, note, rule
        self._say()

    def _say(self) -> None:
        view = self._view
        self.setVisible(view is not None and view.remote > 0)
        if view is None or not view.remote:
            return
        said = _reach(view.wanted) or tr(
            "Wanted to load {things} from elsewhere.", things=words.count(view.remote, "thing")
        )
        ends = {
            "": tr(" Nothing was asked."),
            "never": tr(" Nothing was asked."),
            "begun": tr(" Nothing was asked."),
            "loading": tr(" Loading its pictures…"),
        }
        named = f"\n{_list(view.wanted)}" if self._named else ""
        shown = self._state == "shown"
        text = said + ends.get(self._state, "") + (f" {self._note}" if self._note else "") + named
        self.say(text, "info" if shown else "warning", "image" if shown else "image-off")
        self.withdraw()
        if view.wanted:
            self.offer(tr("Hide which") if self._named else tr("Which?"), self._toggle)
        if self._state == "" and view.images:
            self.offer(tr("Load images"), lambda: self.wanted.emit(False))
            if view.sender and not self._rule:
                self.offer(tr("Always for this sender"), lambda: self.wanted.emit(True))
        if self._rule:
            self.offer(tr("Not always"), self.unwanted.emit)

    def _toggle(self) -> None:
        self._named = not self._named
        self._say()


def _reach(wanted: tuple[Wanted, ...]) -> str:
    if not wanted:
        return ""
    watching = sum(one.watches for one in wanted)
    trackers = f", {words.count(watching, 'tracker')}" if watching else ""
    return tr("Wanted to reach: {hosts}{trackers}.", hosts=words.count(len(wanted), "host"), trackers=trackers)


def _list(wanted: tuple[Wanted, ...]) -> str:
    lines = [f"{words.shown(one.host, 100)}{_why(one)}" for one in wanted[:_MOST]]
    rest = len(wanted) - _MOST
    return ", ".join(lines) + (tr(" and {rest:,} more", rest=rest) if rest > 0 else "")


def _why(one: Wanted) -> str:
    what = [tr("tracker: {name}", name=words.shown(one.tracker, 60))] if one.tracker else []
    if one.dots:
        what.append(tr("a picture too small to be seen"))
    return f" ({', '.join(what)})" if what else ""
