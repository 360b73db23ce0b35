"""Settings: which keys do what. A ready set, a key of one's own for each action, and what contradicts itself."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QKeySequenceEdit, QVBoxLayout, QWidget

from mua.gui.actions import DEEDS, Deed
from mua.gui.choice import Choice
from mua.gui.key_sets import SET_NAMES, KeySet, clashing, conflicts, effective, keys_of_set
from mua.gui.preferences import Preferences
from mua.gui.theme import BASE, META, SECONDARY
from mua.gui.widgets import Button, Field, Label, ToolButton, restyle
from mua.language import tr

_TEXTS = {deed.id: deed.text for deed in DEEDS}


class KeyRow(QWidget):
    """One action and its key."""

    def __init__(self, deed: Deed, change: Callable[[tuple[str, ...] | None], object]) -> None:
        super().__init__()
        self.deed = deed
        self.edit = QKeySequenceEdit()
        self.edit.setMaximumSequenceLength(2)
        self.edit.setClearButtonEnabled(True)
        self.edit.setAccessibleName(tr("Key for: {text}", text=deed.text))
        self.edit.setFixedWidth(190)
        self.more = Label("", SECONDARY, "tertiary")
        self.usual = ToolButton("undo-2", tr("The usual key for: {text}", text=deed.text))
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(Label(deed.text, BASE))
        line.addStretch(1)
        line.addWidget(self.more)
        line.addWidget(self.edit)
        line.addWidget(self.usual)
        self.edit.editingFinished.connect(lambda: change(self._keys()))
        self.usual.clicked.connect(lambda: change(None))

    def show_keys(self, keys: tuple[str, ...], own: bool) -> None:
        """The first is edited, the others are named."""
        self.edit.blockSignals(True)
        self.edit.setKeySequence(QKeySequence(keys[0]) if keys else QKeySequence())
        self.edit.blockSignals(False)
        self._others = keys[1:]
        self.more.setText(" ".join(self._others))
        self.usual.setEnabled(own)

    def _keys(self) -> tuple[str, ...]:
        text = self.edit.keySequence().toString(QKeySequence.SequenceFormat.PortableText).replace(", ", ",")
        return (text, *self._others) if text else ()

    _others: tuple[str, ...] = ()


class KeyRules(QWidget):
    """The set, and a row for each action once that is wanted; ``change`` keeps what is chosen."""

    def __init__(self, now: Preferences, change: Callable[..., object]) -> None:
        super().__init__()
        self._now, self._change = now, change
        self.rows: dict[str, KeyRow] = {}
        self.sets = Choice(tr("Keys after the habits of"), [(one.value, name) for one, name in SET_NAMES.items()])
        self.sets.choose(now.key_set)
        self.sets.changed.connect(lambda: self._keep(key_set=KeySet(self.sets.value()), keys={}))
        self.said = Label("", SECONDARY, "secondary", wrap=True)
        self.each = Button(tr("Change single keys"), "keyboard")
        self.each.clicked.connect(self.show_each)
        self.finder = Field(tr("Find an action"), tr("Find an action"))
        self.finder.textChanged.connect(self._narrow)
        self.finder.hide()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        first = QHBoxLayout()
        first.addWidget(Label(tr("Keys after the habits of"), BASE))
        first.addStretch(1)
        first.addWidget(self.sets)
        self._column.addLayout(first)
        self._column.addWidget(self.said)
        self._column.addWidget(self.each)
        self._column.addWidget(self.finder)
        self._say()

    def show_each(self) -> None:
        """A row for each action."""
        if self.rows:
            return
        self.each.hide()
        self.finder.show()
        group = ""
        for deed in DEEDS:
            if deed.group != group:
                group = deed.group
                self._column.addWidget(Label(group, META, "tertiary", bold=True))
            row = self.rows[deed.id] = KeyRow(deed, partial(self._set, deed.id))
            self._column.addWidget(row)
        self._fill()

    # ---- inside
    def _set(self, name: str, keys: tuple[str, ...] | None) -> None:
        """A key of one's own; None, or the set's own: the usual one."""
        own = {one: some for one, some in self._now.keys.items() if one != name}
        if keys is not None and keys != keys_of_set(self._now.key_set)[name]:
            own[name] = keys
        if own != self._now.keys:
            self._keep(keys=own)
        if keys:
            others = clashing(name, keys, effective(self._now.key_set, self._now.keys))
            if others:
                self._say(
                    tr(
                        "{keys} does something else already: {names}.",
                        keys=keys[0],
                        names=", ".join(_TEXTS[one] for one in others),
                    )
                )

    def _keep(self, **values: object) -> None:
        self._now = replace(self._now, **values)  # type: ignore[arg-type]
        self._change(**values)
        self._fill()
        self._say()

    def _fill(self) -> None:
        keys = effective(self._now.key_set, self._now.keys)
        for name, row in self.rows.items():
            row.show_keys(keys[name], name in self._now.keys)

    def _say(self, text: str = "") -> None:
        """What contradicts itself; a key that means two things does neither."""
        found = conflicts(effective(self._now.key_set, self._now.keys))
        if not text and found:
            key, names = found[0]
            text = tr(
                "{key} means more than one thing, so it does nothing: {names}.",
                key=key,
                names=", ".join(_TEXTS[one] for one in names),
            )
        if not text:
            text = (
                tr("{number} of your own.", number=len(self._now.keys))
                if self._now.keys
                else tr("No two actions share a key.")
            )
        restyle(self.said, tone="danger" if found else "secondary")
        self.said.setText(text)

    def _narrow(self, text: str) -> None:
        wanted = text.strip().casefold()
        for row in self.rows.values():
            row.setVisible(wanted in row.deed.text.casefold())
