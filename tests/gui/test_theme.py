"""The palette keeps its promise of contrast, and the shared parts are named, tinted and harmless."""

from dataclasses import fields

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from mua.gui import words
from mua.gui.format_bar import COLOURS
from mua.gui.icons import file_icon, pixmap
from mua.gui.notices import Banner, EmptyState, Toast
from mua.gui.theme import AVATARS, DARK, LIGHT, TEXT_ON, Colours, avatar_colour, contrast, theme
from mua.gui.widgets import Button, Chip, PasswordField, ToolButton
from mua.paths import resources

PAIRS = [(text, surface) for text, surfaces in TEXT_ON for surface in surfaces]


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("text, surface", PAIRS)
def test_text_passes_wcag_aa(colours: Colours, text: str, surface: str) -> None:
    assert contrast(getattr(colours, text), getattr(colours, surface)) >= 4.5


@pytest.mark.parametrize("colour", AVATARS)
def test_initials_pass_wcag_aa(colour: str) -> None:
    assert contrast("#FFFFFF", colour) >= 4.5


@pytest.mark.parametrize("colour", COLOURS.values())
@pytest.mark.parametrize("ground", ["#FFFFFF", "#121212", DARK.reader])
def test_colours_of_a_letter_are_read_on_white_and_in_the_dark(colour: str, ground: str) -> None:
    assert contrast(colour, ground) >= (4 if ground == "#FFFFFF" else 3.2)


def test_contrast_is_the_one_of_the_standard() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_every_colour_is_a_full_hex_number() -> None:
    for colours in (LIGHT, DARK):
        assert all(len(getattr(colours, field.name)) == 7 for field in fields(colours))


def test_the_style_sheet_is_complete(qapp: QApplication) -> None:
    for dark in (False, True):
        theme().apply(dark)
        sheet = qapp.styleSheet()
        assert "@" not in sheet
        assert "$" not in sheet
        assert qapp.palette().window().color().name().upper() == (DARK if dark else LIGHT).side


def test_an_address_keeps_its_colour() -> None:
    assert avatar_colour("Maya@Example.org ") == avatar_colour("maya@example.org")


def test_initials_are_of_a_person() -> None:
    assert words.initials("Amara Okoye") == "AO"
    assert words.initials("Amara +1") == "A"
    assert words.initials("Amara Okoye +12") == "AO"
    assert words.initials("", "amara.okoye+lists@example.org") == "A"


def test_icons_follow_the_theme(qapp: QApplication) -> None:
    theme().apply(False)
    button = ToolButton("star", "Star", key="S")
    before = button.icon().pixmap(18).toImage()
    theme().apply(True)
    assert button.icon().pixmap(18).toImage() != before
    assert button.accessibleName() == "Star"
    assert button.toolTip() == "Star (S)"


def test_every_icon_file_renders(qapp: QApplication) -> None:
    for path in (resources() / "icons").glob("*.svg"):
        image = pixmap(path.stem, "text", 24).toImage()
        assert any(image.pixelColor(x, y).alpha() for x in range(24) for y in range(24)), path


def test_file_icons() -> None:
    assert file_icon("application/pdf")[0] == "file-text"
    assert file_icon("application/vnd.ms-excel")[0] == "file-spreadsheet"
    assert file_icon("x/y")[0] == "file"


def test_toast_offers_its_button(qtbot: object, qapp: QApplication) -> None:
    parent, done = QWidget(), []
    parent.resize(600, 400)
    parent.show()
    toast = Toast(parent)
    toast.say("Archived 3 messages", "Undo", lambda: done.append(1))
    assert toast.isVisible()
    assert toast.geometry().bottom() < 400
    next(b for b in toast.findChildren(Button)).click()
    assert done == [1]
    assert not toast.isVisible()


def test_parts_have_accessible_names(qapp: QApplication) -> None:
    banner = Banner("The password was refused.", "danger")
    button = banner.offer("Enter it again", lambda: None)
    state = EmptyState("inbox", "Nothing here", "New mail will appear here.")
    assert banner.accessibleName()
    assert button.accessibleName()
    assert state.accessibleName()
    assert Chip("Unread").accessibleName() == "Unread"
    assert PasswordField().echoMode() is PasswordField.EchoMode.Password


def test_toast_is_withdrawn_only_while_it_says_so(qtbot: object, qapp: QApplication) -> None:
    parent = QWidget()
    parent.resize(600, 400)
    parent.show()
    toast = Toast(parent)
    toast.say("Opening")
    toast.say("Archived 1 message")
    toast.withdraw("Opening")
    assert toast.isVisible()
    toast.withdraw("Archived 1 message")
    assert not toast.isVisible()
    parent.close()
    parent.deleteLater()
