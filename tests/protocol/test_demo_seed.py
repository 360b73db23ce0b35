"""The demo mailbox: whole, correct mail, the same each time, and nothing in it that reaches out of .example."""

import email
import email.policy
import io
import re
import zipfile
from email.message import EmailMessage

import pytest

from mua.demo.letters import Letter, dated, read
from mua.demo.seed import messages

NOW = 1_795_315_877
Made = list[tuple[Letter, bytes, EmailMessage]]


@pytest.fixture(scope="module")
def made() -> Made:
    return [
        (letter, data, email.message_from_bytes(data, policy=email.policy.default)) for letter, data in messages(NOW)
    ]


def files(made: Made, extension: str) -> list[bytes]:
    found = [
        part for _, _, message in made for part in message.walk() if (part.get_filename() or "").endswith(extension)
    ]
    return [
        part.get_content() if part.get_content_maintype() != "text" else part.get_payload(decode=True) for part in found
    ]


def test_it_is_the_same_each_time(made: Made) -> None:
    assert [data for _, data in messages(NOW)] == [data for _, data, _ in made]


def test_it_is_large_and_mixed_enough_to_show_everything(made: Made) -> None:
    assert len(made) > 200
    folders = {letter.folder for letter, _, _ in made}
    assert folders >= {"INBOX", "Sent", "Drafts", "Archive", "Junk", "Trash", "Projects", "Receipts"}
    inbox = [letter for letter, _, _ in made if letter.folder == "INBOX"]
    assert 5 <= sum("\\Seen" not in letter.flags for letter in inbox) <= 15
    assert any("\\Flagged" in letter.flags for letter in inbox)
    assert any("\\Answered" in letter.flags for letter in inbox)


def test_every_message_is_correct_mail_of_the_last_year(made: Made) -> None:
    for letter, data, message in made:
        assert not [part.defects for part in message.walk() if part.defects], letter.key
        assert all(message[name] for name in ("From", "To", "Subject", "Date", "Message-ID")), letter.key
        assert all(not value.defects for value in message.values()), letter.key
        assert b"\n" not in data.replace(b"\r\n", b"")
        assert max(len(line) for line in data.split(b"\r\n")) <= 998
        assert NOW - 366 * 86400 < letter.date < NOW, letter.key


def test_message_ids_are_unique_and_references_lead_to_mail(made: Made) -> None:
    ids = {str(message["Message-ID"]) for _, _, message in made}
    assert len(ids) == len(made)
    for letter, _, message in made:
        for reference in str(message.get("References", "")).split():
            assert reference in ids, letter.key


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_nothing_is_dated_in_the_future_at_any_hour(hour: int) -> None:
    now = NOW - NOW % 86400 + hour * 3600 + 60
    assert max(letter.date for letter, _ in messages(now)) < now


def test_several_languages_in_proper_and_legacy_charsets(made: Made) -> None:
    charsets = {part.get_content_charset() for _, _, message in made for part in message.walk()}
    assert charsets >= {"utf-8", "iso-8859-1", "iso-8859-15", "iso-2022-jp", "koi8-r", "windows-1256"}
    texts = [
        str(message.get_body(("plain",)).get_content()) for letter, data, message in made if letter.key != "bounce"
    ]
    for word in ("Werkstatt", "aquarelles", "miradouro", "京都", "العشاء", "перевод", "नक्शा"):
        assert any(word in text for text in texts), word


def test_attachments_are_what_they_say(made: Made) -> None:
    for data in files(made, ".pdf"):
        start = int(re.search(rb"startxref\n(\d+)", data)[1])
        assert data.startswith(b"%PDF-1.4")
        assert data[start:].startswith(b"xref\n0 7")
        for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n", data), 1):
            assert data[int(place) :].startswith(b"%d 0 obj" % number)
    for data in [*files(made, ".xlsx"), *files(made, ".zip")]:
        assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    assert all(data.startswith(b"\x89PNG") and data.endswith(b"IEND\xaeB`\x82") for data in files(made, ".png"))
    assert all(b"BEGIN:VEVENT" in data for data in files(made, ".ics"))
    assert files(made, ".csv")


def test_the_invitation_says_so_in_its_type(made: Made) -> None:
    invitation = next(message for letter, _, message in made if letter.key == "invite")
    part = next(part for part in invitation.walk() if part.get_content_type() == "text/calendar")
    assert part.get_param("method") == "REQUEST"


def test_lists_quote_deeply(made: Made) -> None:
    last = next(message for letter, _, message in made if letter.key == "dev-0-3")
    assert "\n>>> I have a branch" in last.get_content().replace("\r\n", "\n")


def test_newsletters_have_inline_images_and_remote_ones(made: Made) -> None:
    shop = next(message for letter, data, message in made if letter.key == "shop-0")
    page = shop.get_body(("html",)).get_content()
    cids = {str(part["Content-ID"])[1:-1] for part in shop.walk() if part["Content-ID"]}
    assert set(re.findall(r'src="cid:([^"]+)"', page)) == cids
    assert 'width="1" height="1"' in page
    assert "https://open.track." in page


def test_every_address_and_link_stays_in_example(made: Made) -> None:
    for letter, _, message in made:
        for part in message.walk():
            text = part.get_content() if part.get_content_maintype() == "text" else ""
            for host in re.findall(r"https?://([^/\"\s?)<>]+)", str(text)):
                assert host.endswith(".example"), (letter.key, host)
        for name in ("From", "To", "Cc"):
            for address in getattr(message[name], "addresses", ()):
                assert address.domain.endswith(".example"), letter.key


def test_a_mistake_in_the_file_names_the_letter() -> None:
    with pytest.raises(ValueError, match="letter broken"):
        read("@ broken\nfrom: nobody\nwhen: -1d 10:00\n\nText", NOW)
    assert dated("by {+1}", 0) == "by Friday 2 January"
