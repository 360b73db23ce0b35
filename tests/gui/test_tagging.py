"""Tags in the window: chips in list and reader, keys, menu, palette, and the person's own names and colours."""

from types import SimpleNamespace

import pytest
from gui_mail import Mail
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from mua import wire
from mua.gui import preferences as prefs
from mua.gui.app import Program
from mua.gui.message_cards import Density
from mua.gui.palette import Palette
from mua.gui.tag_chips import ink
from mua.gui.tag_rules import TagRules
from mua.model.message import MessageId
from mua.model.tag import COLOURS, TAGS, Tag, keyword_of, tag_of, tags_from
from mua.store import tags


@pytest.fixture
def asked(program: Program, monkeypatch: pytest.MonkeyPatch) -> list[wire.Command]:
    """What the engine would be asked."""
    commands: list[wire.Command] = []
    client = SimpleNamespace(ask=lambda command, *_: commands.append(command))
    monkeypatch.setattr(program.desk.acting, "_client", client)
    return commands


def newest(program: Program) -> MessageId:
    model = program.window.listing.model
    return next(one for row in range(len(model.rows)) if (one := model.id_at(row)) is not None)


def set_tags(program: Program, mail: Mail, one: MessageId, wished: str) -> None:
    with mail.store.write() as tx:
        tags.wish(tx, [one], wished, 1)
    program.desk.hearing.hear(wire.Changed(1, messages=(one,)))
    program.desk.hearing.refresh()


def test_a_tag_is_a_chip_in_the_list_and_in_the_reader(program: Program, mail: Mail, qtbot: QtBot) -> None:
    one = newest(program)
    program.window.listing.view.select(one)
    before = program.window.listing.view.viewport().grab().toImage()
    set_tags(program, mail, one, "+$label1 +Holiday +NonJunk")
    model = program.window.listing.model
    card = model.card(model.row_of(one))
    assert card is not None and [tag.name for tag in card.tags] == ["Important", "Holiday"]
    assert "tagged Important, Holiday" in card.spoken
    colour = QColor(TAGS[0].colour)
    for density in Density:
        program.window.listing.set_density(density)
        image = program.window.listing.view.viewport().grab().toImage()
        found = sum(image.pixelColor(x, y) == colour for x in range(image.width()) for y in range(200))
        assert found > 40, density
    assert not any(before.pixelColor(x, y) == colour for x in range(before.width()) for y in range(200))
    pane = program.window.reader.pane_of(one)
    assert pane is not None
    chips = pane.header.tags
    assert [tag.name for tag in chips.tags()] == ["Important", "Holiday"]
    assert chips.isVisibleTo(pane) and chips.accessibleName() == "Tags: Important, Holiday"


def test_keys_set_and_clear_by_what_every_chosen_message_bears(
    program: Program, mail: Mail, asked: list[wire.Command], qtbot: QtBot
) -> None:
    one = newest(program)
    program.window.listing.view.select(one)
    qtbot.keyClick(program.window.listing.view, Qt.Key.Key_2)
    assert asked == [wire.TagMessages((one,), ("$label2",), (), "Work")]
    set_tags(program, mail, one, "+$label2 +other")
    qtbot.keyClick(program.window.listing.view, Qt.Key.Key_2)
    assert asked[1:] == [wire.TagMessages((one,), (), ("$label2",), "Work")]
    qtbot.keyClick(program.window.listing.view, Qt.Key.Key_0)
    assert isinstance(asked[-1], wire.TagMessages) and set(asked[-1].remove) == {"$label2", "other"}
    qtbot.keyClick(program.window.listing.view, Qt.Key.Key_9)  # there is no ninth
    assert len(asked) == 3


def test_letters_that_fit_no_tag_make_a_new_one(program: Program, asked: list[wire.Command], qtbot: QtBot) -> None:
    one = newest(program)
    program.window.listing.view.select(one)
    program.window.actions_["tag"].trigger()
    palette = program.window.findChild(Palette)
    assert palette is not None
    palette.field.setText("work")
    assert [choice.text for choice in palette.shown()] == ["Tag: Work"]
    palette.field.setText("Zürich trip")
    assert [choice.text for choice in palette.shown()] == ["New tag “Zürich trip”"]
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    keyword = keyword_of("Zürich trip")
    assert asked == [wire.TagMessages((one,), (keyword,), (), "Zürich trip")]
    kept = prefs.load(program.profile).tags
    assert kept[-1].name == "Zürich trip" and tag_of(keyword, kept) == kept[-1]
    assert program.desk.tagging.menu(program.desk.deeds.menu()).actions()[5].text() == "Zürich trip\t6"


def test_names_and_colours_are_the_person_s(program: Program, mail: Mail, qtbot: QtBot) -> None:
    kept: list[tuple[Tag, ...]] = []
    rules = TagRules(program.desk.preferences, lambda tags: kept.append(tags))
    qtbot.addWidget(rules)
    rules.new.setText("Taxes")
    rules.add.click()
    rules._forget(1)
    rules._up(4)
    rules._recolour(0, COLOURS[0])
    assert [tag.name for tag in kept[-1]] == ["Important", "Personal", "To do", "Taxes", "Later"]
    assert kept[-1][0].colour == COLOURS[0] and kept[-1][3].keyword == "taxes"
    program.desk.change_preferences(prefs.Preferences(tags=kept[-1]))
    one = newest(program)
    set_tags(program, mail, one, "+taxes +$label2")
    card = program.window.listing.model.card(program.window.listing.model.row_of(one))
    assert card is not None and [tag.name for tag in card.tags] == ["Taxes", "Work"]


def test_a_chip_can_be_read_on_any_colour() -> None:
    for colour in (*COLOURS, *(tag.colour for tag in TAGS), "#777777", "#000000", "#ffffff", "#757575"):
        channels = [QColor(name).getRgbF()[:3] for name in (colour, ink(colour))]
        light, dark = sorted(
            (0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (tuple(map(linear, one)) for one in channels)),
            reverse=True,
        )
        assert (light + 0.05) / (dark + 0.05) >= 4.5, colour


def linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def test_settings_of_tags_that_make_no_sense_are_left_out() -> None:
    lines = ["$label1 #ff0000 Urgent", "no colour", "(bad) #ff0000 Bad", "$LABEL1 #000000 Twice", 7]
    assert tags_from(lines) == (Tag("$label1", "Urgent", "#ff0000"),)
    assert tags_from("nonsense") == TAGS
