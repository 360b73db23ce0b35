"""Who a letter goes to, asked of the store beside the window, and which account it comes from."""

import pytest
from gui_mail import Mail
from pytestqt.qtbot import QtBot

from mua.gui.app import Program
from mua.gui.composing import Composing
from mua.gui.people import People
from mua.gui.writing import Kind, Writing
from mua.model.account import AccountId
from mua.model.address import Address
from mua.model.message import MessageId
from mua.store import read, write


@pytest.fixture
def composing(program: Program) -> Composing:
    made = Composing(program.desk)
    program.window.closed.connect(made.close_all)
    return made


def test_only_the_newest_question_is_answered_and_oneself_comes_last(program: Program, qtbot: QtBot) -> None:
    people, heard = People(program.desk), list[tuple[str, list[Address]]]()
    mine = {one.email for one in program.desk.accounts}
    people.find("o", lambda found: heard.append(("o", found)))
    people.find("ma", lambda found: heard.append(("ma", found)))
    qtbot.waitUntil(lambda: bool(heard))
    people.close()
    ((letters, found),) = heard
    assert letters == "ma"
    assert found
    own = [one.address in mine for one in found]
    assert own == sorted(own)


def test_an_answer_comes_from_the_account_that_got_the_message(
    program: Program, mail: Mail, composing: Composing
) -> None:
    """Several POP3 accounts may feed one inbox; the row there belongs to the account whose inbox it is."""
    first, second = (one.id for one in program.desk.accounts[:2])
    ids = read.folder_order(mail.store.reader(), mail.folders["INBOX"], limit=2)
    with mail.store.write() as tx:
        write.record_uidl(tx, AccountId(second), "0001", MessageId(ids[0]), 1)
    for number, expected in ((0, second), (1, first)):
        row = program.desk.listing.model.source.message(MessageId(ids[number]))
        assert row is not None
        assert row.account_id == first
        composing.write(Writing(Kind.REPLY, row, program.desk.library.view(row.id)))
        (composer,) = composing.composers.values()
        assert composer.letter().account_id == expected
        composing.close_all()
