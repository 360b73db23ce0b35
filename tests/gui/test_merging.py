"""One letter to each of a list: filled in, previewed, each a message of its own, taken back, and begun anew."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import cast

import pytest
from gui_office import Office, office, wait_until
from PySide6.QtWidgets import QAbstractButton

from mua.gui.composer import Composer
from mua.gui.merging import Run
from mua.mime.markdown import from_markdown
from mua.store import outbox

pytestmark = pytest.mark.gui
LIST = (
    "Name;E-Mail;Seat\n"
    "Amara Okoye;robin+a@demo.mua.example;7\n"
    "nobody;;8\n"
    "Tomasz Wolny;robin+t@demo.mua.example;9\n"
    "again;ROBIN+A@demo.mua.example;1\n"
)


@pytest.fixture
def place(qapp: object, tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "p") as made:
        made.sign_in()
        yield made


def begin(
    place: Office, tmp_path: Path, text: str = "Dear **{{first name}}**, your seat is {{seat}}."
) -> tuple[Composer, Run]:
    (tmp_path / "guests.csv").write_text(LIST, "utf-8")
    composer = place.write()
    composer.subject.setText("Seat {{seat}}")
    composer.editor.show_prose(from_markdown(text))
    run = place.rooms.composing._merging.read(composer, tmp_path / "guests.csv")
    assert run is not None
    return composer, run


def parsed(raw: bytes) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(raw, policy=policy.default))


def test_each_of_a_list_gets_a_letter_of_their_own(place: Office, tmp_path: Path) -> None:
    composer, run = begin(place, tmp_path)
    (tmp_path / "plan.bin").write_bytes(bytes(range(256)) * 8)
    composer.attach([str(tmp_path / "plan.bin")])
    assert "2 letters" in run.bar.said.text()
    assert "Line 3 has no address." in run.bar.trouble.text() and "there twice" in run.bar.trouble.text()
    assert "Amara Okoye" in run.bar.who.text() and "Seat 7" in run.bar.who.text()
    run.bar.turned.emit(1)
    assert "Dear Tomasz, your seat is 9." in run.bar.look.toPlainText()
    composer.to._paste("x@demo.mua.example")
    run.refresh()
    assert not run.bar.send.isEnabled() and "away first" in run.bar.trouble.text()
    composer.to.set_addresses(())
    run.refresh()
    run.bar.send_wanted.emit(0)
    wait_until(lambda: len(place.mails("INBOX")) == 2, "two mails")
    got = {mail["To"]: mail for mail in map(parsed, place.mails("INBOX"))}
    assert set(got) == {"Amara Okoye <robin+a@demo.mua.example>", "Tomasz Wolny <robin+t@demo.mua.example>"}
    mine = got["Amara Okoye <robin+a@demo.mua.example>"]
    assert mine["Subject"] == "Seat 7"
    assert mine.get_body(("plain",)).get_content().strip() == "Dear Amara, your seat is 7."  # type: ignore[union-attr]
    assert "<b>Amara</b>" in mine.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert [one.get_content() for one in mine.iter_attachments()] == [bytes(range(256)) * 8]
    wait_until(lambda: not place.rooms.composing.composers, "the composer to close")
    _, once_more = begin(place, tmp_path)
    assert "Nobody of this list" in once_more.bar.trouble.text()  # they have it already
    composer, other = begin(place, tmp_path, "{{hall}}")
    assert "No column is called hall" in other.bar.trouble.text() and not other.bar.send.isEnabled()
    other.bar.left.emit()
    composer.editor.setPlainText("")


def test_they_go_one_after_the_other_and_are_taken_back_together(place: Office, tmp_path: Path) -> None:
    _, run = begin(place, tmp_path)
    run.bar.send_wanted.emit(1)
    toast = place.program.window.toast
    wait_until(lambda: not place.rooms.composing.composers, "the composer to close")
    waits = sorted(one.not_before for one in outbox.listed(place.db, finished=True))
    assert waits[1] - waits[0] in (60, 61)
    next(one for one in toast.findChildren(QAbstractButton) if one.text() == "Undo").click()
    wait_until(lambda: place.rooms.composing.composers, "the letter again")
    wait_until(lambda: "cancelled" in place.states().values(), "what had not gone")
    (again,) = place.rooms.composing.composers.values()
    assert again.subject.text() == "Seat {{seat}}" and "{{first name}}" in again.editor.toPlainText()
    assert len(place.mails("INBOX")) <= 1
