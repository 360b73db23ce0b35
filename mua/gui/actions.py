"""Everything a person can do, as data: its name, icon and keys; and as QActions.

Rules of the file: one table; the first key of an action is the one that is shown; single letters are Gmail's habit,
the others Thunderbird's; a person's own keys (``Preferences.keys``) replace an action's keys altogether.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from mua.gui.icons import icon
from mua.gui.theme import theme
from mua.language import tr
from mua.records import dataclass


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing to do.  ``needs`` is "" (always), "message" (one or more selected) or "engine"."""

    id: str
    text: str
    icon: str
    keys: tuple[str, ...]
    group: str
    needs: str = ""


DEEDS = (
    Deed("compose", tr("New message"), "square-pen", ("C", "Ctrl+N"), "Write"),
    Deed("from_template", tr("New message from a template"), "file-text", ("Shift+C",), "Write"),
    Deed("reply", tr("Reply"), "reply", ("R", "Ctrl+R"), "Write", "message"),
    Deed("reply_all", tr("Reply all"), "reply-all", ("A", "Ctrl+Shift+R"), "Write", "message"),
    Deed("reply_here", tr("Reply below the message"), "reply", ("Shift+R",), "Write", "message"),
    Deed("forward", tr("Forward"), "forward", ("F", "Ctrl+L"), "Write", "message"),
    Deed("reply_list", tr("Reply to the mailing list"), "reply-all", ("Ctrl+Shift+L",), "Write", "message"),
    Deed("forward_file", tr("Forward as a file"), "forward", ("Shift+F",), "Write", "message"),
    Deed("forward_bare", tr("Forward without attachments"), "forward", (), "Write", "message"),
    Deed("redirect", tr("Redirect: pass on as it is"), "forward", ("Ctrl+Shift+B",), "Write", "message"),
    Deed("edit_as_new", tr("Edit as a new message"), "square-pen", ("Ctrl+E",), "Write", "message"),
    Deed("archive", tr("Archive"), "archive", ("E",), "Act", "message"),
    Deed("delete", tr("Delete"), "trash-2", ("Delete", "#"), "Act", "message"),
    Deed("delete_forever", tr("Delete for ever"), "trash-2", ("Shift+Delete",), "Act", "message"),
    Deed("junk", tr("Junk"), "shield-alert", ("!",), "Act", "message"),
    Deed("move", tr("Move to folder"), "folder-input", ("V", "M"), "Act", "message"),
    Deed("snooze", tr("Snooze"), "clock", ("B",), "Act", "message"),
    Deed("pin", tr("Pin above the list"), "pin", ("Shift+P",), "Act", "message"),
    Deed("star", tr("Star"), "star", ("S",), "Act", "message"),
    Deed("tag", tr("Tag"), "tag", ("Shift+L",), "Act", "message"),
    *(
        Deed(f"tag_{one}", tr("Tag number {one}", one=one), "tag", (str(one),), "Act", "message")
        for one in range(1, 10)
    ),
    Deed("untag", tr("Remove all tags"), "tag", ("0",), "Act", "message"),
    Deed("mark_read", tr("Mark as read"), "mail-open", ("Shift+I",), "Act", "message"),
    Deed("mark_unread", tr("Mark as unread"), "mail", ("Shift+U",), "Act", "message"),
    Deed("undo", tr("Undo"), "undo-2", ("Ctrl+Z", "Z"), "Act"),
    Deed("stop_act", tr("Stop what is being done to many messages"), "x", (), "Act"),
    Deed("next", tr("Next message"), "chevron-down", ("J",), "Go"),
    Deed("previous", tr("Previous message"), "chevron-up", ("K",), "Go"),
    Deed("next_inside", tr("Next in the conversation, or next unread"), "chevron-down", ("N",), "Go"),
    Deed("previous_inside", tr("Previous in the conversation"), "chevron-up", ("P",), "Go"),
    Deed("unfold", tr("Open or fold the conversation in the list"), "chevron-right", ("Shift+O",), "Go", "message"),
    Deed("fold", tr("Fold or open this message"), "chevron-down", ("O",), "Go", "message"),
    Deed("next_unread", tr("Next unread message"), "mail", ("Shift+N",), "Go"),
    Deed("back", tr("Back to the list"), "arrow-left", ("U", "Escape"), "Go"),
    Deed("inbox", tr("Go to all inboxes"), "inbox", ("G,I",), "Go"),
    Deed("starred", tr("Go to starred"), "star", ("G,S",), "Go"),
    Deed("open_tab", tr("Open in a tab"), "external-link", ("Ctrl+Return", "Ctrl+Enter"), "Go", "message"),
    Deed("place_tab", tr("Open this list in another tab"), "external-link", ("Ctrl+Shift+Return",), "Go"),
    Deed("next_tab", tr("Next tab"), "chevron-right", ("Ctrl+Tab", "Ctrl+PgDown"), "Go"),
    Deed("previous_tab", tr("Previous tab"), "chevron-left", ("Ctrl+Shift+Tab", "Ctrl+PgUp"), "Go"),
    Deed("close_tab", tr("Close the tab"), "x", ("Ctrl+W",), "Go"),
    Deed("reopen_tab", tr("Open the tab again that was closed"), "undo-2", ("Ctrl+Shift+T",), "Go"),
    Deed("tab_forward", tr("Move the tab forward"), "chevron-right", ("Ctrl+Shift+PgDown",), "Go"),
    Deed("tab_backward", tr("Move the tab backward"), "chevron-left", ("Ctrl+Shift+PgUp",), "Go"),
    Deed("search", tr("Search"), "search", ("/", "Ctrl+Shift+F", "Ctrl+Shift+K"), "Find"),
    Deed("similar_from", tr("More from this sender"), "search", (), "Find", "message"),
    Deed("similar_subject", tr("More with this subject"), "search", (), "Find", "message"),
    Deed("similar_list", tr("More of this mailing list"), "search", (), "Find", "message"),
    Deed("keep_search", tr("Keep this search in the sidebar"), "plus", (), "Find"),
    Deed("verify", tr("Check the search index"), "search", (), "Program", "engine"),
    Deed("find", tr("Find in this message"), "search", ("Ctrl+F",), "Find"),
    Deed("find_next", tr("Next hit in this message"), "chevron-down", ("F3", "Ctrl+G"), "Find", "message"),
    Deed(
        "find_previous", tr("Hit before in this message"), "chevron-up", ("Shift+F3", "Ctrl+Shift+G"), "Find", "message"
    ),
    Deed("palette", tr("Command palette"), "keyboard", ("Ctrl+K",), "Find"),
    Deed("select_all", tr("Select all"), "list", ("Ctrl+A",), "Find"),
    Deed("fetch", tr("Get new mail"), "refresh-cw", ("F5", "Ctrl+T"), "Program", "engine"),
    Deed("conversations", tr("Conversation or single message"), "list", ("T",), "Program"),
    Deed("group", tr("List conversations or single messages"), "list", ("Shift+T",), "Program"),
    Deed("sort", tr("Sort this list"), "arrow-up-down", (), "Program"),
    Deed("narrow", tr("Show only unread, starred, tagged…"), "list-filter", ("Shift+Y",), "Program"),
    Deed("density", tr("Cards, compact or table"), "rows-3", (), "Program"),
    Deed("as_text", tr("Plain text or HTML"), "text", ("Ctrl+Shift+P",), "Program", "message"),
    Deed("original", tr("Original or dark colours"), "moon", ("D",), "Program", "message"),
    Deed("quotes", tr("Show or hide earlier messages"), "quote", ("Q",), "Program", "message"),
    Deed("make_rule", tr("Make a rule from this message"), "list-filter", (), "Act", "message"),
    Deed("why", tr("Why is this in the conversation?"), "circle-help", (), "Act", "message"),
    Deed("split", tr("Begin a conversation with this message"), "scissors", (), "Act", "message"),
    Deed("join", tr("Join the selected conversations"), "merge", (), "Act", "message"),
    Deed("mute", tr("Mute the conversation, or hear it again"), "bell-off", (), "Act", "message"),
    Deed("ignore", tr("Ignore the conversation"), "archive-x", (), "Act", "message"),
    Deed("list", tr("Mailing list: unsubscribe, archive, help"), "mail-x", ("L",), "Act", "message"),
    Deed("headers", tr("All headers"), "list", ("Ctrl+Shift+H",), "Program", "message"),
    Deed("source", tr("Message source"), "code", ("Ctrl+U",), "Program", "message"),
    Deed("save_as", tr("Save as a file (.eml, PDF, text)"), "download", ("Ctrl+S",), "Program", "message"),
    Deed("copy_markdown", tr("Copy as Markdown"), "copy", ("Ctrl+Shift+C",), "Program", "message"),
    Deed("print", tr("Print preview and print"), "printer", ("Ctrl+P",), "Program", "message"),
    Deed("width", tr("Reader: comfortable or full width"), "text", ("W",), "Program"),
    Deed("journey", tr("The way it came"), "globe", (), "Program", "message"),
    Deed("bigger", tr("Larger text"), "plus", ("Ctrl++", "Ctrl+="), "Program"),
    Deed("smaller", tr("Smaller text"), "text", ("Ctrl+-",), "Program"),
    Deed("usual_size", tr("Usual text size"), "text", ("Ctrl+0",), "Program"),
    Deed("keep", tr("How much of this folder is kept here"), "hard-drive", (), "Program"),
    Deed("contacts", tr("Contacts"), "users", ("G,C",), "Program"),
    Deed("add_contact", tr("Sender: show or add to contacts"), "user", (), "Act", "message"),
    Deed("always_tell", tr("Sender: always tell me of new mail, or as usual"), "bell", (), "Act", "message"),
    Deed("outbox", tr("Outbox"), "send", ("G,O",), "Program"),
    Deed("add_account", tr("Add an account"), "user", (), "Program"),
    Deed("import_mail", tr("Import mail from Thunderbird or files"), "import", (), "Program", "engine"),
    Deed("ledger", tr("What disappeared"), "history", (), "Program"),
    Deed("health", tr("Health"), "info", (), "Program"),
    Deed("settings", tr("Settings"), "settings", ("Ctrl+,",), "Program"),
    Deed("shortcuts", tr("Keyboard shortcuts"), "keyboard", ("?",), "Program"),
    Deed("quit", tr("Quit"), "x", ("Ctrl+Q",), "Program"),
)

GROUPS = {
    "Write": tr("Write"),
    "Act": tr("Act"),
    "Go": tr("Go"),
    "Find": tr("Find"),
    "Program": tr("Program"),
}
"""What the groups are called."""

_IN_THE_MAIL = {
    "keep",
    "group",
    "sort",
    "narrow",
    "density",
    "undo",
    "next",
    "previous",
    "next_inside",
    "previous_inside",
    "next_unread",
    "back",
    "inbox",
    "starred",
    "search",
    "find",
    "keep_search",
    "select_all",
    "place_tab",
    "next_tab",
    "previous_tab",
    "close_tab",
    "reopen_tab",
    "tab_forward",
    "tab_backward",
}
"""What moves about in the mail, or changes it, without a message selected."""


class Actions(QObject):
    """The QActions of one window, by id."""

    def __init__(self, window: QWidget, keys: Mapping[str, tuple[str, ...]] | None = None) -> None:
        super().__init__(window)
        self._made: dict[str, QAction] = {}
        self._keys: dict[str, list[QKeySequence]] = {}
        self._drawn = self._hidden = False
        self._lent: frozenset[str] = frozenset()
        self.held = False
        """A composer is opening: what is typed meanwhile is meant for it, and may not act on the mail (``hold``)."""
        self._messages = 1
        for deed in DEEDS:
            action = QAction(deed.text, window)
            action.setObjectName(deed.id)
            self._keys[deed.id] = [QKeySequence(key) for key in (keys or {}).get(deed.id, deed.keys)]
            action.setShortcuts(self._keys[deed.id])
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            window.addAction(action)
            self._made[deed.id] = action
        theme().changed.connect(self._tint)

    def __getitem__(self, name: str) -> QAction:
        return self._made[name]

    def __iter__(self) -> Iterator[QAction]:
        return iter(self._made.values())

    def on(self, name: str, act: Callable[[], object]) -> None:
        """Do ``act`` when the action is triggered."""
        self._made[name].triggered.connect(lambda _=False: act())

    def enable(self, messages: int) -> None:
        """Enable what works on messages when there are some."""
        self._messages = messages
        self._switch()

    def set_keys(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        """Other keys, from now on."""
        for deed in DEEDS:
            self._keys[deed.id] = [QKeySequence(key) for key in keys.get(deed.id, deed.keys)]
        self.hide_mail(self._hidden)

    def hide_mail(self, hidden: bool) -> None:
        """Another page is in the mail's place: no key may act on what nobody sees, and Escape is the page's own.

        Nor may letters: who fills in a form and is one field further than they think would leave it.
        """
        self._hidden = hidden
        for name, keys in self._keys.items():
            self._made[name].setShortcuts([key for key in keys if not self._is_elsewhere(key)])
        self._switch()

    def lend(self, keys: Iterable[str]) -> None:
        """The keyboard is in a part of the window that has these keys, and letters, for itself; none: it has left."""
        lent = frozenset(keys)
        if lent != self._lent:
            self._lent = lent
            self.hide_mail(self._hidden)

    def _is_elsewhere(self, key: QKeySequence) -> bool:
        return key.toString() in self._lent or (_is_letter(key) and (self._hidden or bool(self._lent)))

    def _switch(self) -> None:
        for deed in DEEDS:
            there = self._messages > 0 or deed.needs != "message"
            seen = not self._hidden or (deed.needs != "message" and deed.id not in _IN_THE_MAIL)
            self._made[deed.id].setEnabled(
                there and seen and not (self.held and any(map(_is_letter, self._keys[deed.id])))
            )

    def hold(self, held: bool) -> None:
        """Begin or end that."""
        self.held = held
        self._switch()

    def tell_junk(self, junk: bool) -> None:
        """What is listed is junk: the same key takes it out."""
        self._made["junk"].setText(tr("Not junk") if junk else tr("Junk"))

    def draw_icons(self) -> None:
        """Give the actions their icons: for menus, so not needed for the first paint."""
        self._drawn = True
        self._tint()

    def _tint(self) -> None:
        if not self._drawn:
            return
        for deed in DEEDS:
            self._made[deed.id].setIcon(icon(deed.icon))


def _is_letter(key: QKeySequence) -> bool:
    """Whether the key, alone or with Shift, begins with something that a text field would take."""
    return len(key.toString().removeprefix("Shift+").split(", ")[0]) == 1


def keys_of(action: QAction) -> str:
    """The keys of an action as a person reads them: "E", "R or Ctrl+R"."""
    return tr(" or ").join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in action.shortcuts())
