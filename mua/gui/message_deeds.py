"""What a person does with the one message that is read: find in it, look at its source, print, save, copy, its list.

Rules of the file: each deed is about ``reader.row``; what is read or written at length is on a worker's thread; an
address of a list is opened or written to only because somebody pressed on it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QStandardPaths, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFileDialog
from shiboken6 import isValid

from mua.gui import words
from mua.gui.leaving import Leaving
from mua.gui.palette import Choice, Palette
from mua.gui.writing import Kind
from mua.language import tr
from mua.mime.list_fields import ListFields, list_fields
from mua.mime.text import safe_filename
from mua.model.message import MessageId, MessageRow, MessageView

if TYPE_CHECKING:
    from mua.gui.desk import Desk
    from mua.gui.find_bar import FindBar
    from mua.gui.print_page import PrintPage

_MOST_TEXT = 500_000  # characters of a closed message that are searched
_FILTERS = tr("Message (*.eml);;PDF (*.pdf);;Text (*.txt);;Markdown (*.md)")


class MessageDeeds(QObject):
    """The deeds of one window."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._reader, self._window = desk.reader, desk.window
        self._leaving = Leaving(desk, self._go, self._write_to)
        self._bar: FindBar | None = None
        self.paper: PrintPage | None = None
        """What would be printed, while that is shown."""
        self._reader.page_left.connect(self._forget_paper)
        deeds: dict[str, Callable[[], object]] = {
            "find": self.find,
            "find_next": partial(self._step, 1),
            "find_previous": partial(self._step, -1),
            "source": self.show_source,
            "headers": partial(self.show_source, "headers"),
            "print": self.preview_print,
            "save_as": self.save_as,
            "copy_markdown": self.copy_markdown,
            "width": self._change_width,
            "list": self.list_menu,
        }
        for name, act in deeds.items():
            self._window.actions_.on(name, act)

    # ---- finding
    @property
    def bar(self) -> "FindBar":
        """The bar, made when first needed."""
        if self._bar is None:
            from mua.gui.find_bar import FindBar

            self._bar = FindBar(self._reader, self._read_texts)
            self._desk.pane_shown.connect(self._bar.pane_shown)
        return self._bar

    def _read_texts(self, ids: Sequence[MessageId], then: Callable[[Mapping[MessageId, str]], None]) -> None:
        library = self._desk.library

        def read() -> dict[MessageId, str]:
            found = {one: library.text(one) for one in ids}
            return {one: text[:_MOST_TEXT].casefold() for one, text in found.items() if text is not None}

        self._desk.attachments.later(read, lambda found: then(found or {}))

    def find(self) -> None:
        """Find in the message; in all mail where none is read."""
        if self._reader.row is None:
            self._window.actions_["search"].trigger()
        else:
            self.bar.begin()

    def _step(self, by: int) -> None:
        if self.bar.isVisible():
            self.bar.step(by)
        else:
            self.find()

    # ---- looking
    def show_source(self, first: str = "") -> None:
        """The source with its parts outlined."""
        from mua.gui.source_page import SourcePage

        row, view = self._reader.row, self._reader.view
        if row is None:
            return
        headers = "\n".join(f"{name}: {value}" for name, value in view.headers) if view is not None else ""
        read = partial(self._desk.library.raw, row.id)
        page = SourcePage(self._window, words.shown(row.subject, 100), read, headers, first)
        page.save_wanted.connect(self._save_part)
        page.finished.connect(page.deleteLater)
        page.show()

    def preview_print(self) -> None:
        """What would be printed, in the reader's place."""
        found = self._both()
        if found is None or self.paper is not None:
            return
        from mua.gui.print_page import PrintPage

        page = self.paper = PrintPage(self._desk.attachments.decoder)
        page.left.connect(self._reader.leave_page)
        page.save_wanted.connect(lambda: self._save_pdf(page.pdf))
        self._reader.show_page(page)
        page.setFocus()
        self._make_pdf(*found, lambda data: page.show_pdf(data) if isValid(page) else None)

    def _forget_paper(self) -> None:
        if self.paper is not None:
            self.paper.deleteLater()
            self.paper = None

    # ---- saving and copying
    def save_as(self) -> None:
        """Ask for a name and a kind, then save."""
        found = self._both()
        if found is None:
            return
        path, kind = self._ask(safe_filename((found[1].subject or "message")[:80] + ".eml"), _FILTERS)
        if path is not None:
            ends = {"PDF": ".pdf", tr("Text"): ".txt", tr("Markdown"): ".md"}
            suffix = next((end for word, end in ends.items() if kind.startswith(word)), ".eml")
            self.save_to(path if path.suffix else path.with_suffix(suffix))

    def save_to(self, path: Path) -> None:
        """Save what is read, as its name's suffix says: the octets as received, unless it is .pdf, .txt or .md."""
        found = self._both()
        if found is None:
            return
        row, view = found
        suffix = path.suffix.lower()
        if suffix == ".pdf":
            self._make_pdf(row, view, lambda data: self._write(path, lambda: data))
        elif suffix == ".md":
            from mua.gui.printing import markdown

            text = markdown(view)
            self._write(path, lambda: text.encode())
        elif suffix == ".txt":
            self._write(path, lambda: _as_text(view).encode())
        else:
            self._write(path, lambda: self._raw(row))

    def copy_markdown(self) -> None:
        """Onto the clipboard."""
        found = self._both()
        if found is not None:
            from mua.gui.printing import markdown

            QGuiApplication.clipboard().setText(markdown(found[1]))
            self._window.toast.say(tr("Copied as Markdown"))

    # ---- the list it came by
    def list_menu(self) -> None:
        """What can be done about the mailing list that a message came by."""
        found = self._both()
        choices: list[Choice] = []
        if found is not None:
            fields = list_fields(found[1].headers)
            offered = _list_choices(fields, self._go, self._write_to)
            choices = self._leaving.choices(found[0], fields, offered)
        if choices:
            Palette(self._window, tr("This mailing list"), choices).open_over()
        else:
            self._window.toast.say(tr("This message says nothing of a mailing list."))

    def _go(self, address: str) -> None:
        QDesktopServices.openUrl(QUrl(address))

    def _write_to(self, address: str) -> None:
        self._desk.deeds.write(Kind.NEW, address)

    # ---- inside
    def _both(self) -> tuple[MessageRow, MessageView] | None:
        row, view = self._reader.row, self._reader.view
        if row is not None and view is None:
            view = self._desk.library.view(row.id)
        if row is None or view is None:
            self._window.toast.say(tr("Choose a message first; its text must be here."))
            return None
        return row, view

    def _raw(self, row: MessageRow) -> bytes:
        raw = self._desk.library.raw(row.id)
        if raw is None:
            raise FileNotFoundError(2, "the message is not on this computer yet")
        return raw

    def _make_pdf(self, row: MessageRow, view: MessageView, then: Callable[[bytes], object]) -> None:
        from mua.gui.paper import Paper

        images = self._reader.pane.body.look.images
        Paper(view, partial(self._desk.inline, row, view), images, self).make(then)

    def _ask(self, name: str, filters: str = "") -> tuple[Path | None, str]:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        found, kind = QFileDialog.getSaveFileName(self._window, tr("Save as"), str(Path(folder) / name), filters)
        return (Path(found) if found else None), kind

    def _save_pdf(self, pdf: bytes) -> None:
        row = self._reader.row
        path, _ = self._ask(safe_filename((row.subject if row is not None else "message")[:80] + ".pdf"))
        if path is not None:
            self._write(path, lambda: pdf)

    def _save_part(self, name: str, data: bytes) -> None:
        path, _ = self._ask(name)
        if path is not None:
            self._write(path, lambda: data, marked=True)

    def _write(self, path: Path, make: Callable[[], bytes], *, marked: bool = False) -> None:
        self._desk.attachments.write(path, make, marked=marked)

    def _change_width(self) -> None:
        preferences = self._desk.preferences
        self._desk.change_preferences(replace(preferences, full_width=not preferences.full_width))


def _as_text(view: MessageView) -> str:
    from mua.gui.printing import facts

    lines = [f"{name}: {value}" for name, value in facts(view)]
    return "\n".join([tr("Subject: {subject}", subject=words.shown(view.subject)), *lines, "", view.text])


def _list_choices(fields: ListFields, go: Callable[[str], None], write: Callable[[str], None]) -> list[Choice]:
    """What is offered; where each leads is said before it is pressed."""
    choices: list[Choice] = []

    def offer(text: str, icon: str, address: str) -> None:
        if address:
            mail = address.lower().startswith("mailto:")
            host = words.shown(QUrl(address).path() if mail else QUrl(address).host(), 60)
            how = tr("writes to {host}", host=host) if mail else tr("opens {host} in the browser", host=host)
            choices.append(Choice(text, how, icon, partial(write if mail else go, address)))

    offer(tr("Unsubscribe by mail"), "mail-x", fields.leave_mail)
    offer(tr("Unsubscribe on its page"), "external-link", fields.leave_page)
    offer(tr("Write to the list"), "square-pen", fields.post)
    offer(tr("Open its archive"), "archive", fields.archive)
    offer(tr("Help about the list"), "circle-help", fields.help)
    return choices
