"""Before a deceptive link is opened: what its text says, where it leads, and the choice.

Rules of the file: what the mail wrote is shown as text, and the host that is asked for always with it; what reads links
is loaded with the first of them, for every window has a bar from its start.
"""

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from mua.gui import words
from mua.gui.notices import Banner
from mua.language import tr
from mua.model.message import MessageView

MOST_SHOWN = 160  # characters of a link


class LinkBar(Banner):
    """Hidden until a link is doubtful."""

    agreed = Signal(str)
    """Open this link all the same."""

    def __init__(self) -> None:
        super().__init__(tone="warning", icon_name="link")
        self.hide()

    def ask(self, link: str, why: str) -> None:
        """Say ``why`` the link is doubtful, and offer to open it."""
        from mua.mime import links

        host = words.shown(links.look(link).host, 60)
        self.say(f"{why}\n{hint(link)}", "warning", "link")
        self.withdraw()
        self.offer(tr("Open {host}", host=host), lambda: self._answer(link))
        self.offer(tr("Copy link"), lambda: QGuiApplication.clipboard().setText(link))
        self.offer(tr("Do not open"), self.hide)
        self.show()

    def _answer(self, link: str) -> None:
        self.hide()
        self.agreed.emit(link)


def doubt(view: MessageView | None, link: str) -> str:
    """Why a link of a message is to be asked about before it is opened, as a sentence; empty: it is as it looks."""
    from mua.mime import links

    found = links.look(link)
    claimed = links.lie(view.html, link) if view is not None else ""
    if claimed:
        return tr(
            "The text says {claimed}, but this link leads to {host}.",
            claimed=words.shown(claimed, 100),
            host=words.shown(found.host, 100),
        )
    return found.odd


def hint(link: str) -> str:
    """Where a link really leads, for one line: its host as it is looked up, and whom the click passes through."""
    from mua.mime import links

    found = links.look(link)
    target = words.shown(links.plainly(found.target), MOST_SHOWN)
    return (
        tr("{target} (through {names})", target=target, names=", ".join(found.wrappers)) if found.wrappers else target
    )


def offer_copies(menu: QMenu, link: str) -> None:
    """Put what can be done with a link into a menu; the clean one is there where there is something to clean."""
    from mua.mime import links

    clipboard = QGuiApplication.clipboard()
    told = link.removeprefix("mailto:") if link.startswith("mailto:") else link
    menu.addAction(tr("Copy address") if told != link else tr("Copy link"), lambda: clipboard.setText(told))
    clean = links.clean(link)
    if clean != link:
        menu.addAction(tr("Copy clean link"), lambda: clipboard.setText(clean))
