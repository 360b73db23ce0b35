"""Addresses as people type, paste and walk through them."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QDrag, QDragEnterEvent, QDropEvent, QGuiApplication, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QTextEdit, QWidget
from pytestqt.qtbot import QtBot

from mua.gui import address_field as module
from mua.gui import address_text
from mua.gui.address_field import AddressField
from mua.model.address import Address
from mua.model.contact import Group

MAYA = Address("Maya Lindqvist", "maya@example.org")
KNOWN = [MAYA, Address("Tomas", "tomas@example.net"), Address("", "news@shop.example")]


def press(widget: QWidget, key: Qt.Key, text: str = "") -> None:
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        QApplication.sendEvent(widget, QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, text))


@pytest.fixture
def field(qtbot: QtBot) -> AddressField:
    made = AddressField("To", lambda text, told: told([one for one in KNOWN if text.lower() in str(one).lower()]))
    made.resize(600, 60)
    qtbot.addWidget(made)
    made.show()
    made.entry.setFocus()
    return made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@example.org", ["a@example.org"]),
        ("a@example.org, b@example.org; c@example.org\nd@example.org", list("abcd")),
        ('"Lindqvist, Maya" <maya@example.org>; Tomas <tomas@example.net>', ["maya@example.org", "tomas@example.net"]),
        ("mailto:a@example.org", ["a@example.org"]),
        ("a@example.org,,; ,A@EXAMPLE.ORG", ["a@example.org"]),
        ("Maya", ["Maya"]),
        ("jörg@bücher.example", ["jörg@bücher.example"]),
        ("", []),
        (" ; ,\n", []),
    ],
)
def test_lists_are_split_and_nothing_is_dropped(text: str, expected: list[str]) -> None:
    found = [one.address for one in address_text.split(text)]
    assert found == [one if len(one) > 1 else f"{one}@example.org" for one in expected]


def test_a_name_with_a_comma_survives_being_written_and_read() -> None:
    many = [
        Address("Lindqvist, Maya", "maya@example.org"),
        Address('A "B" C', "b@example.org"),
        Address("", "c@d.example"),
    ]
    assert address_text.split(address_text.joined(many)) == many


@pytest.mark.parametrize(
    "bad", ["maya", "maya@", "@example.org", "a b@example.org", "maya@example", "a@@example.org", "x@-"]
)
def test_what_is_no_address_says_so(bad: str) -> None:
    assert address_text.problem(Address("", bad))


@pytest.mark.parametrize(
    "good", ["a@example.org", "a.b+c@sub.example.org", "jörg@example.org", "a@bücher.example", "root@localhost"]
)
def test_addresses_are_taken(good: str) -> None:
    assert address_text.problem(Address("", good)) == ""


def test_hidden_characters_do_not_get_into_an_address() -> None:
    (one,) = address_text.split("ma\u200bya\u202e@example.org")
    assert one.address == "maya@example.org"


def test_mailto_gives_fields_and_never_a_file() -> None:
    link = (
        "mailto:a@example.org,b@example.org?subject=Hi%20there&cc=c@example.org&body=One%0D%0ATwo%00&attach=/etc/passwd"
    )
    draft = address_text.from_mailto(link, MAYA)
    assert [one.address for one in draft.to] == ["a@example.org", "b@example.org"]
    assert [one.address for one in draft.cc] == ["c@example.org"]
    assert (draft.subject, draft.text, draft.attachments) == ("Hi there", "One\nTwo", ())


def test_separators_and_enter_make_chips(field: AddressField) -> None:
    for text, key in (("a@example.org", Qt.Key.Key_Comma), ("b@example.org", Qt.Key.Key_Semicolon)):
        field.entry.setText(text)
        press(field.entry, key, ",")
    field.entry.setText("c@example.org")
    press(field.entry, Qt.Key.Key_Return)
    assert [chip.address.address for chip in field.chips()] == ["a@example.org", "b@example.org", "c@example.org"]
    assert field.entry.text() == ""


def test_a_comma_inside_quotes_is_text(field: AddressField) -> None:
    field.entry.setText('"Lindqvist')
    press(field.entry, Qt.Key.Key_Comma, ",")
    assert field.chips() == []


def test_a_pasted_list_becomes_chips_and_the_wrong_one_says_why(field: AddressField) -> None:
    QGuiApplication.clipboard().setText("Maya <maya@example.org>\nnobody\ntomas@example.net")
    field.entry.pasted.emit(QGuiApplication.clipboard().text())
    assert [chip.address.address for chip in field.chips()] == ["maya@example.org", "nobody", "tomas@example.net"]
    assert "not an email address" in field.chips()[1].problem
    assert field.problems() == [field.chips()[1].problem]
    field.show_problem()
    assert field.chips()[1].accessibleName().startswith("nobody")


def test_keys_walk_into_the_chips_and_remove_them(field: AddressField) -> None:
    field.set_addresses([MAYA, KNOWN[1]])
    press(field.entry, Qt.Key.Key_Backspace)
    field.chips()[1].removed.emit()
    assert field.addresses() == (MAYA,)
    press(field.chips()[0], Qt.Key.Key_Return)
    assert field.chips() == []
    assert field.entry.text() == "Maya Lindqvist <maya@example.org>"


def test_a_few_letters_complete_from_people_known(field: AddressField) -> None:
    field.entry.setText("may")
    field.entry.textEdited.emit("may")
    assert field._popup.isVisible()
    press(field._popup, Qt.Key.Key_Return)
    assert field.addresses() == (MAYA,)
    field.entry.textEdited.emit("maya")
    assert not field._popup.isVisible()


def test_enter_before_the_answer_takes_who_it_names(qtbot: QtBot) -> None:
    """Whoever types fast gets the person that a slower one is offered; late answers are dropped."""
    later: list[tuple[str, Callable[[list[Address]], object]]] = []
    field = AddressField("To", lambda text, told: later.append((text, told)))
    qtbot.addWidget(field)
    field.show()
    field.entry.setFocus()
    for text in ("m", "may"):
        field.entry.setText(text)
        field.entry.textEdited.emit(text)
    press(field.entry, Qt.Key.Key_Return)
    assert field.chips() == []
    later[0][1]([KNOWN[1]])
    assert field.chips() == []
    later[1][1]([MAYA])
    assert field.addresses() == (MAYA,)
    assert field.entry.text() == ""
    field.entry.setText("nobody")
    field.entry.textEdited.emit("nobody")
    press(field.entry, Qt.Key.Key_Return)
    later[2][1]([])
    assert "not an email address" in field.chips()[1].problem


def test_nobody_is_put_in_twice(field: AddressField) -> None:
    field.set_addresses([MAYA, Address("Someone else", "MAYA@example.org")])
    assert field.addresses() == (MAYA,)


def test_chips_wrap_and_mirror(field: AddressField, qapp: QApplication) -> None:
    field.set_addresses([Address("", f"person{number}@example.org") for number in range(12)])
    field.resize(400, field.height())
    assert len({chip.y() for chip in field.chips()}) > 2
    assert all(chip.geometry().right() <= field.width() for chip in field.chips())
    field.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    field._arrange()
    assert field.chips()[0].geometry().right() >= field.width() - 2
    assert not field.grab().isNull()


def test_a_group_is_one_chip_that_expands_and_no_member_is_there_twice(field: AddressField) -> None:
    team = Group("Team", (Address("Tomas", "tomas@example.net"), MAYA, Address("Bo", "bo@example.org")))
    field._known = lambda text, told: told([team])
    field.set_addresses([MAYA])
    field.entry.setText("tea")
    field.entry.textEdited.emit("tea")
    press(field.entry, Qt.Key.Key_Return)
    field._take()
    assert [chip.accessibleName().split(":")[0].split(". ")[0] for chip in field.chips()] == [
        "Maya Lindqvist <maya@example.org>",
        "Group Team, 3 people",
    ]
    assert [one.address for one in field.addresses()] == ["maya@example.org", "tomas@example.net", "bo@example.org"]
    press(field.chips()[1], Qt.Key.Key_Return)
    assert [one.address for one in field.addresses()] == ["maya@example.org", "tomas@example.net", "bo@example.org"]
    assert [chip.addresses for chip in field.chips()] == [
        (MAYA,),
        (Address("Tomas", "tomas@example.net"),),
        (Address("Bo", "bo@example.org"),),
    ]


class _Drag(QDrag):
    """The platform's part of a drag: what is dragged is dropped on ``onto``."""

    onto: QWidget | None = None

    def exec(self, *_: object) -> Qt.DropAction:  # type: ignore[override]
        if self.onto is None:
            return Qt.DropAction.IgnoreAction
        action, button = Qt.DropAction.MoveAction, Qt.MouseButton.LeftButton
        keys = Qt.KeyboardModifier.NoModifier
        self.data = self.mimeData()
        QApplication.sendEvent(self.onto, QDragEnterEvent(QPoint(5, 5), action, self.data, button, keys))
        QApplication.sendEvent(self.onto, QDropEvent(QPointF(5, 5), action, self.data, button, keys))
        return action

    def target(self) -> QObject:
        return self.onto  # type: ignore[return-value]


def test_a_chip_is_dragged_to_another_field_and_lost_nowhere_else(
    field: AddressField, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QDrag", _Drag)
    other, text = AddressField("Bcc", lambda _text, _told: None), QTextEdit()
    for one in (other, text):
        qtbot.addWidget(one)
        one.show()

    def drag(onto: QWidget | None) -> None:
        _Drag.onto = onto
        chip = field.chips()[0]
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        for kind, x in ((QEvent.Type.MouseButtonPress, 4.0), (QEvent.Type.MouseMove, 60.0)):
            place = QPointF(x, 8.0)
            QApplication.sendEvent(chip, QMouseEvent(kind, place, chip.mapToGlobal(place), left, left, none))

    field.set_addresses([MAYA])
    for nowhere in (None, field, text.viewport()):
        drag(nowhere)
        assert field.addresses() == (MAYA,), nowhere
    drag(other)
    assert other.addresses() == (MAYA,)
    assert field.addresses() == ()
