"""The window as a screen reader tells it (AT-SPI): every row in words, every button by name, reading and writing."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Mua
from screen_reader import Reader, Session, missing, session, wait_for

pytestmark = [
    pytest.mark.may_skip("a screen reader's bus is Linux's"),
    pytest.mark.skipif(bool(missing()), reason=f"not installed: {missing()}"),
]
LETTER = (
    "From: {who} <{at}@example.net>\r\nTo: maya@example.org\r\nSubject: {subject}\r\nMessage-ID: <{at}@example.net>\r\n"
    "Date: Mon, 02 Nov 2026 10:00:00 +0100\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
)
PRESSED = {"push button", "check box", "radio button", "button menu", "toggle button", "combo box"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Session, Reader]]:
    """A window on two letters, and what is told of it."""
    mua = Mua(tmp_path / "profile")
    for who, at, subject, text in (("Ann", "ann", "Tea", "At four?"), ("Ben", "ben", "Bread", "It is baked.")):
        (tmp_path / f"{at}.eml").write_bytes(LETTER.format(who=who, at=at, subject=subject, text=text).encode())
    with mua.engine(), session() as place:
        mua.json("account", "add", "--name", "home", "--email", "maya@example.org", "--local")
        mua.json("import", str(tmp_path / "ann.eml"), str(tmp_path / "ben.eml"), "Inbox")
        window = subprocess.Popen(
            mua.command(),
            env={**mua.settings(), **place.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        found = Reader(place.address)
        try:
            yield place, found
        finally:
            found.close()
            window.terminate()
            window.wait(30)


def test_list_reader_and_composer_are_told_in_words(desk: tuple[Session, Reader]) -> None:
    place, reader = desk
    row = reader.await_one("cell", "Unread, Ann, Tea")
    assert row.within[-1] == "table"
    assert reader.find("list item", "Inbox, 2 unread")
    assert reader.await_one("table", "Messages")
    _everything_has_a_name(reader)

    place.keys("Mua", "j", "j")
    text = reader.await_one("label", "Message text")  # Qt tells read-only text so
    assert wait_for(lambda: "At four?" in reader.text(text))
    assert reader.await_one("push button", "Reply")
    _everything_has_a_name(reader)

    reader.press(reader.await_one("push button", "New message"))
    for name in ("To", "Subject"):
        reader.await_one("text", name)
    assert reader.await_one("push button", "Send")
    assert reader.await_one("text", "Message")
    _everything_has_a_name(reader)


def _everything_has_a_name(reader: Reader) -> None:
    nameless = [one for one in reader.nodes() if one.showing and one.role in PRESSED and not one.name.strip()]
    assert not nameless, nameless
