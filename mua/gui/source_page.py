"""The source of a message: its parts as a tree, the octets of the one that is chosen beside it.

Rules of the file: the message is taken apart on a worker's thread; of a part ``MOST`` octets are shown, and all of
it is saved; what is shown is Latin-1 where it is not UTF-8, and nothing in it is interpreted.
"""

from collections.abc import Callable

from PySide6.QtCore import QThreadPool, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QPlainTextEdit,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from mua.gui.theme import SECONDARY
from mua.gui.widgets import Button, Label
from mua.gui.words import shown, size, tip
from mua.language import tr
from mua.mime.scan import Part, decode, scan
from mua.mime.text import safe_filename

MOST = 1_000_000  # octets of a part that are shown
_MOST_PARTS = 2_000


class SourcePage(QDialog):
    """The window.  ``read`` gives the message (None: not here), on a worker's thread."""

    save_wanted = Signal(str, object)
    """(suggested name, octets) of a part."""
    _ready = Signal(object, object)

    def __init__(
        self, parent: QWidget, title: str, read: Callable[[], bytes | None], headers: str = "", first: str = ""
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Source of {title}", title=title))
        self.resize(1_060, 720)
        self._read, self._headers, self._first = read, headers, first
        self.raw = b""
        self.tree = QTreeWidget()
        self.tree.setAccessibleName(tr("Parts of the message"))
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels([tr("Part"), tr("Size")])
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setStretchLastSection(False)
        self.tree.currentItemChanged.connect(lambda *_: self._show_part())
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName(tr("Source of the part"))
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.tree.setFrameShape(QFrame.Shape.NoFrame)
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.document().setDocumentMargin(12)
        self.note = Label(tr("Reading…"), SECONDARY, "tertiary")
        self.save_raw = Button(tr("Save as it is"), "download")
        self.save_decoded = Button(tr("Save decoded"), "download")
        self.save_raw.clicked.connect(lambda: self._save(decoded=False))
        self.save_decoded.clicked.connect(lambda: self._save(decoded=True))
        self._lay_out()
        self._ready.connect(self._fill)
        QThreadPool.globalInstance().start(self._take_apart)

    # ---- inside
    def _lay_out(self) -> None:
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 8, 16, 12)
        foot.setSpacing(8)
        foot.addWidget(self.note, 1)
        foot.addWidget(self.save_decoded)
        foot.addWidget(self.save_raw)
        middle = QSplitter()
        middle.addWidget(self.tree)
        middle.addWidget(self.text)
        middle.setSizes([320, 740])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(middle, 1)
        column.addLayout(foot)

    def _take_apart(self) -> None:
        raw = self._read()
        root = scan(raw) if raw is not None else None
        if isValid(self):
            self._ready.emit(raw, root)

    def _fill(self, raw: bytes | None, root: Part | None) -> None:
        if raw is None or root is None:
            self.note.setText(tr("Not on this computer yet."))
            return
        self.raw = raw
        self._parts: list[Part | None] = []
        decoded = self._item(None, tr("All headers, decoded"), "", None)
        whole = self._item(None, tr("Whole message"), size(len(raw)), root)
        self._branch(whole, root)
        self.tree.expandAll()
        self.tree.setCurrentItem(decoded if self._first == "headers" else whole)

    def _branch(self, above: QTreeWidgetItem, part: Part) -> None:
        below = part.children if part.embedded is None else [part.embedded]
        for one in below:
            if len(self._parts) >= _MOST_PARTS:
                self._item(above, tr("More parts than are listed"), "", part)
                return
            name = shown(one.filename, 80) if one.filename else ""
            label = f"{one.section or 'message'}  {shown(one.type, 60)}" + (f"  {name}" if name else "")
            self._branch(self._item(above, label, size(one.body_end - one.header_start), one), one)

    def _item(self, above: QTreeWidgetItem | None, label: str, much: str, part: Part | None) -> QTreeWidgetItem:
        item = QTreeWidgetItem([label, much])
        item.setData(0, 0x0100, len(self._parts))
        item.setToolTip(0, tip(label))
        self._parts.append(part)
        if above is None:
            self.tree.addTopLevelItem(item)
        else:
            above.addChild(item)
        return item

    def _chosen(self) -> Part | None:
        item = self.tree.currentItem()
        return None if item is None else self._parts[item.data(0, 0x0100)]

    def _show_part(self) -> None:
        part = self._chosen()
        self.save_raw.setEnabled(part is not None)
        self.save_decoded.setEnabled(part is not None and not part.children)
        if part is None:
            self.text.setPlainText(self._headers)
            self.note.setText(tr("As they are read here; as they came they begin the whole message."))
            return
        start, end = part.header_start, self._end(part)
        self.text.setPlainText(_readable(self.raw[start : min(end, start + MOST)]))
        cut = tr("; the first {size} are shown, saving has all", size=size(MOST)) if end - start > MOST else ""
        self.note.setText(tr("{number:,} octets, from {start:,}{cut}", number=end - start, start=start, cut=cut))

    def _end(self, part: Part) -> int:
        """Where a part ends; the message itself at its last octet, whatever its parts say."""
        return len(self.raw) if part.header_start == 0 else part.body_end

    def _save(self, *, decoded: bool) -> None:
        part = self._chosen()
        if part is None:
            return
        data = decode(self.raw, part) if decoded else self.raw[part.header_start : self._end(part)]
        name = safe_filename(part.filename) if decoded and part.filename else f"part-{part.section or 'all'}.eml"
        self.save_wanted.emit(name, data)


def _readable(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return "".join(one if one in "\n\t" or ord(one) >= 32 else "" for one in text.replace("\r\n", "\n"))
