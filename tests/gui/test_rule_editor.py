"""Rules in the window: a form, a trial, the list, and what a message says of them."""

from collections.abc import Callable

import pytest
from gui_mail import Mail
from pytestqt.qtbot import QtBot

from mua import wire
from mua.errors import MailError
from mua.gui.app import Program
from mua.gui.rule_editor import RuleList
from mua.gui.settings import SettingsPage
from mua.model.mail_rule import Condition, Deed, Do, Field, MailRule
from mua.model.tag import TAGS
from mua.store import rules


class Engine:
    """Answers as it is told."""

    def __init__(self) -> None:
        self.commands: list[wire.Command] = []
        self.answers: dict[type, wire.Answer] = {}

    def ask(
        self, command: wire.Command, then: Callable[[wire.Answer], object], _: Callable[[MailError], object]
    ) -> None:
        self.commands.append(command)
        then(self.answers.get(type(command), wire.Done()))


FOLDERS = [(1, "INBOX"), (1, "Receipts"), (2, "INBOX"), (2, "Projects")]


@pytest.fixture
def made(qtbot: QtBot) -> tuple[RuleList, Engine]:
    engine = Engine()
    page = RuleList([(1, "home"), (2, "work")], TAGS, engine.ask, FOLDERS)
    qtbot.addWidget(page)
    return page, engine


def test_a_rule_is_written_tried_and_kept(made: tuple[RuleList, Engine]) -> None:
    page, engine = made
    page.add.click()
    form = page.form
    assert form is not None
    form.keep()
    assert engine.commands == [] and form.said.text().startswith("A rule needs a name")
    form.name.setText("Shops")
    form.conditions[0].value.setText("shop.example")
    form._add_condition(Condition(Field.SUBJECT, "draft", negated=True))
    form.deeds[0].value.setText("Receipts")
    form._add_deed(Deed(Do.TAG, "$label2"))
    assert form.deeds[1].value.text() == "Work"
    engine.answers[wire.TryRule] = wire.RuleTried(1_234, 56, ())
    form.try_it()
    assert "fits 56 of the 1,234 messages" in form.said.text()
    form.keep()
    wanted = MailRule(
        0, "Shops", (Condition(Field.FROM, "shop.example"), Condition(Field.SUBJECT, "draft", True)),
        (Deed(Do.MOVE, "Receipts"), Deed(Do.TAG, "$label2")),
    )  # fmt: skip
    assert engine.commands == [wire.TryRule(wanted), wire.PutRule(wanted)]
    assert page.form is None


def test_lines_show_only_what_has_a_meaning(made: tuple[RuleList, Engine]) -> None:
    page, _ = made
    form = page.edit(MailRule(0, "r", (Condition(Field.HAS, "attachment"),), (Deed(Do.STAR),)))
    assert form.conditions[0].value.isHidden() and form.deeds[0].value.isHidden()
    assert form.rule().conditions == (Condition(Field.HAS, "attachment"),)
    form.conditions[0].kind.setCurrentIndex(form.conditions[0].kind.findData(Field.LARGER.value))
    assert not form.conditions[0].value.isHidden() and form.conditions[0].sense.isHidden()


def test_the_list_switches_orders_and_removes(made: tuple[RuleList, Engine]) -> None:
    page, engine = made
    some = [MailRule(one, f"r{one}", (Condition(Field.FROM, "a"),), (Deed(Do.STAR),)) for one in (3, 5)]
    page.show_rules(some)
    assert len(page.rows) == 2
    page._up(1)
    assert engine.commands == [wire.OrderRules((5, 3))]


def test_a_message_says_which_rule_touched_it_and_becomes_one(program: Program, mail: Mail) -> None:
    model = program.window.listing.model
    one = next(found for row in range(len(model.rows)) if (found := model.id_at(row)) is not None)
    with mail.store.write() as tx:
        rules.note(tx, one, "The rule “Shops” starred it.", 1)
    program.window.listing.view.select(one)
    pane = program.window.reader.pane_of(one)
    assert pane is not None and pane.header.rule.text() == "The rule “Shops” starred it."
    program.window.actions_["make_rule"].trigger()
    page = program.rooms.page if program.rooms is not None else None
    assert isinstance(page, SettingsPage) and page.rules.form is not None
    row = model.source.message(one)
    assert row is not None
    assert page.rules.form.rule().conditions == (Condition(Field.FROM, row.sender[0].address),)


def test_a_folder_is_chosen_among_those_of_the_account(made: tuple[RuleList, Engine]) -> None:
    page, engine = made
    form = page.edit(MailRule(0, "r", (Condition(Field.FROM, "a"),), (Deed(Do.MOVE, "Project"),)))
    line = form.deeds[0]

    def offered() -> list[str]:
        line.value.completer().setCompletionPrefix("")
        return [line.value.completer().model().index(one, 0).data() for one in range(line._names.rowCount())]

    assert offered() == ["INBOX", "Receipts", "Projects"]
    form.keep()
    assert engine.commands == []
    assert form.said.text() == "There is no folder “Project”; choose one that is there, or make it first."
    line.value.setText("Projects")
    form.account.setCurrentIndex(form.account.findData(1))
    assert offered() == ["INBOX", "Receipts"]
    form.try_it()
    assert engine.commands == []
    form.account.setCurrentIndex(form.account.findData(2))
    form.keep()
    assert [type(one) for one in engine.commands] == [wire.PutRule]
    line.kind.setCurrentIndex(line.kind.findData(Do.TAG.value))
    assert offered() == [one.name for one in TAGS]
