"""Who a person writes as from an account: a list in the account's panel, and a form for one identity.

Rule of the file: what is kept by the engine is shown; what is no address is said in place.
"""

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from mua import wire
from mua.errors import MailError
from mua.gui import words
from mua.gui.body_editor import BodyEditor
from mua.gui.choice import Choice
from mua.gui.format_bar import FormatBar
from mua.gui.notices import Banner
from mua.gui.sheets import styled
from mua.gui.signature_pictures import Pictures
from mua.gui.theme import SECONDARY
from mua.gui.widgets import Button, ElidedLabel, Field, Label, Line, ToolButton
from mua.language import tr
from mua.mime.prose_html import from_html, to_html
from mua.mime.prose_text import from_text, to_text
from mua.model.account import Account
from mua.model.identity import Identity
from mua.model.prose import Image, is_formatted
from mua.plan import identities

_NOTE = tr(
    "An answer comes from the address that the message came to. An address may be a pattern: *@my.example is every"
    " address of that domain."
)
_PLACES = (("above", tr("Above what is quoted")), ("below", tr("At the end")))
_FRAME = "QFrame#signature { border: 1px solid @line; border-radius: 8px; background: @reader; }"


class Identities(QWidget):
    """The list for one account."""

    asked = Signal(object, object, object)
    changed = Signal(object)
    """The account with its new identities."""

    def __init__(self, account: Account) -> None:
        super().__init__()
        self.account = account
        self.rows = QVBoxLayout()
        self.rows.setSpacing(2)
        self.form: IdentityForm | None = None
        self.add = Button(tr("Add an identity"), "plus")
        self.banner = Banner()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 6, 0, 0)
        self._column.setSpacing(8)
        self._column.addWidget(Line())
        self._column.addWidget(Label(_NOTE, SECONDARY, "secondary", wrap=True))
        self._column.addLayout(self.rows)
        line = QHBoxLayout()
        line.addWidget(self.add)
        line.addStretch()
        self._column.addLayout(line)
        self._column.addWidget(self.banner)
        self.banner.hide()
        self.add.clicked.connect(lambda: self.edit(None))
        self._show()

    def edit(self, identity: Identity | None) -> None:
        """Open the form for one; None: a new one."""
        self.leave()
        self.form = form = IdentityForm(identity or Identity("", self.account.full_name), self.account.email)
        form.kept.connect(lambda made: self._replace(identity, made))
        form.left.connect(self.leave)
        self._column.insertWidget(self._column.count() - 1, form)
        self.add.hide()
        form.begin()

    def leave(self) -> None:
        """Close the form; what was typed there is forgotten."""
        if self.form is not None:
            self._column.removeWidget(self.form)
            self.form.deleteLater()
            self.form = None
        self.add.show()
        self.banner.hide()

    def remove(self, identity: Identity) -> None:
        """Forget one; the account's own address stays."""
        self._keep(tuple(one for one in self.account.identities if one != identity))

    # ---- inside
    def _replace(self, before: Identity | None, made: Identity) -> None:
        if problem := identities.problem([made]):
            self._failed(problem)
            return
        rest = tuple(made if one == before else one for one in self.account.identities)
        self._keep(rest if before in self.account.identities else (*rest, made))

    def _keep(self, wanted: tuple[Identity, ...]) -> None:
        def kept(_: wire.Answer) -> None:
            self.setEnabled(True)
            self.account = replace(self.account, identities=wanted)
            self.leave()
            self._show()
            self.changed.emit(self.account)

        def failed(error: MailError) -> None:
            self.setEnabled(True)
            self._failed(error.text)

        self.setEnabled(False)
        self.asked.emit(wire.SetIdentities(self.account.id, wanted), kept, failed)

    def _failed(self, text: str) -> None:
        self.banner.say(text, "danger")
        self.banner.show()

    def _show(self) -> None:
        while item := self.rows.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for identity in identities.identities(self.account):
            self.rows.addWidget(self._row(identity))

    def _row(self, identity: Identity) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        name = f"{identity.name or self.account.full_name} <{identity.address}>".strip()
        more = [*identity.aliases, *(["signature"] if identity.signature or identity.signature_html else [])]
        text = words.shown(name, 160) + (f"  ·  {words.shown(', '.join(more), 160)}" if more else "")
        edit = ToolButton("file-pen-line", tr("Edit {address}", address=identity.address))
        edit.clicked.connect(lambda: self.edit(identity))
        line.addWidget(ElidedLabel(text, SECONDARY), 1)
        line.addWidget(edit)
        if identity in self.account.identities:
            own = identity.address.lower() == self.account.email.lower()
            forget = ToolButton("x", f"{tr('Forget what is kept of') if own else tr('Remove')} {identity.address}")
            forget.clicked.connect(lambda: self.remove(identity))
            line.addWidget(forget)
        return row


class IdentityForm(QFrame):
    """One identity: addresses, name, where answers and copies go, signature.  ``own`` is the account's address."""

    kept = Signal(object)
    left = Signal()

    def __init__(self, identity: Identity, own: str) -> None:
        super().__init__()
        self.setProperty("kind", "panel")
        self._identity = identity
        self.address = Field(tr("Address"), tr("Address, or *@my.example"))
        self.name = Field(tr("Name"), tr("Name, as others see it"))
        self.aliases = Field(tr("Further addresses"), tr("Further addresses, with commas between"))
        self.reply_to = Field(tr("Answers go to"), tr("Answers go to (empty: here)"))
        self.sent = Field(tr("Folder of sent mail"), tr("Folder of sent mail (empty: as usual)"))
        self.editor = BodyEditor()
        self.formats = FormatBar(self.editor)
        self.place = Choice(tr("The signature stands"), _PLACES)
        self.pictures = Pictures()
        self.editor.picture = self.pictures.picture
        self.keep, self._leave = Button(tr("Keep"), kind="primary"), Button(tr("Cancel"))
        self._lay_out()
        self._fill(own)
        self.keep.clicked.connect(lambda: self.kept.emit(self.identity()))
        self._leave.clicked.connect(self.left)
        self.editor.picture_pasted.connect(self._put_picture)
        self.formats.picture_wanted.connect(lambda: self.pictures.choose(self, self._put_picture))
        self.editor.files_dropped.connect(lambda paths: self._put_picture(QImage(paths[0])))

    def begin(self) -> None:
        """Put the keyboard where the person begins."""
        (self.address if self.address.isEnabled() else self.name).setFocus()

    def identity(self) -> Identity:
        """What is filled in."""
        prose = self.editor.prose()
        html = self.pictures.carried(to_html(prose)) if is_formatted(prose) else ""
        return Identity(
            self.address.text().strip(),
            self.name.text().strip(),
            tuple(one.strip() for one in self.aliases.text().replace(";", ",").split(",") if one.strip()),
            to_text(prose).strip("\n"),
            html,
            self.place.value() == "above",
            self.reply_to.text().strip(),
            self.sent.text().strip(),
        )

    # ---- inside
    def _fill(self, own: str) -> None:
        one = self._identity
        self.address.setText(one.address)
        self.address.setEnabled(one.address.lower() != own.lower())
        self.name.setText(one.name)
        self.aliases.setText(", ".join(one.aliases))
        self.reply_to.setText(one.reply_to)
        self.sent.setText(one.sent_folder)
        self.place.choose("above" if one.above else "below")
        html = self.pictures.taken(one.signature_html)
        self.editor.show_prose(from_html(html, pictures=lambda _: True) if html else from_text(one.signature))

    def _put_picture(self, picture: QImage) -> None:
        name = self.pictures.add(picture)
        if name:
            small = self.pictures.picture(name)
            size = (small.width(), small.height()) if small is not None else (0, 0)
            self.editor.insert_picture(Image(name, "", *size))

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        grid = QGridLayout()
        grid.setSpacing(8)
        for place, field in enumerate((self.address, self.name, self.aliases, self.reply_to, self.sent)):
            grid.addWidget(field, place // 2, place % 2)
        column.addLayout(grid)
        head = QHBoxLayout()
        head.addWidget(Label(tr("Signature")))
        head.addWidget(self.formats)
        head.addStretch()
        column.addLayout(head)
        frame = QFrame()
        frame.setObjectName("signature")
        styled(frame, _FRAME)
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(1, 1, 1, 1)
        self.editor.setFixedHeight(130)
        self.editor.setAccessibleName(tr("Signature"))
        self.editor.setPlaceholderText(tr("Nothing is put below what you write"))
        inside.addWidget(self.editor)
        column.addWidget(frame)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.place)
        row.addStretch()
        row.addWidget(self._leave)
        row.addWidget(self.keep)
        column.addLayout(row)
