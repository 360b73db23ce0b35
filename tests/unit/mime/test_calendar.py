"""Calendar parts: what, when, where and who; and nothing is expanded, fetched or run."""

import time

import pytest

from mua.mime.calendar import MAX_EVENTS, events
from mua.mime.message import parse

HEAD = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\n"
EVENT = HEAD + "BEGIN:VEVENT\r\n%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


def when(*lines: str) -> str:
    return events(EVENT % "\r\n".join(lines))[0].when


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("DTSTART:20260203T100000Z", "DTEND:20260203T110000Z"), "Tue 3 Feb 2026, 10:00 to 11:00 (UTC)"),
        (("DTSTART;TZID=Europe/Berlin:20260203T100000",), "Tue 3 Feb 2026, 10:00 (Europe/Berlin)"),
        (("DTSTART;TZID=Europe/Berlin:20260203T100000", "DURATION:PT1H30M"),
         "Tue 3 Feb 2026, 10:00 to 11:30 (Europe/Berlin)"),
        (("DTSTART:20260203T233000", "DTEND:20260204T010000"),
         "Tue 3 Feb 2026, 23:30 to Wed 4 Feb 2026, 01:00 (local time)"),
        (("DTSTART;VALUE=DATE:20260203", "DTEND;VALUE=DATE:20260204"), "Tue 3 Feb 2026"),
        (("DTSTART;VALUE=DATE:20260203", "DTEND;VALUE=DATE:20260206"), "Tue 3 Feb 2026 to Thu 5 Feb 2026"),
        (("DTSTART;TZID=Europe/London:20260203T090000", "DTEND;TZID=Europe/Paris:20260203T120000"),
         "Tue 3 Feb 2026, 09:00 to 12:00 (from Europe/London to Europe/Paris)"),
        (("DTSTART:20261301T000000Z",), ""),
        (("DTSTART:00010101", "DURATION:-P1D"), "Mon 1 Jan 1"),
        (("DTSTART:99991231T235959Z", "DURATION:P99999D"), "Fri 31 Dec 9999, 23:59 (UTC)"),
    ],
)  # fmt: skip
def test_when(lines: tuple[str, ...], said: str) -> None:
    assert when(*lines) == said


def test_what_an_invitation_says() -> None:
    (event,) = events(
        EVENT
        % "\r\n".join(
            (
                "SUMMARY:Lunch\\, and\\nmore",
                "DTSTART;TZID=Europe/Berlin:20260203T100000",
                "LOCATION:Room 7\u202e",
                "ORGANIZER;CN=\"Ada; Countess\":mailto:ada@example.org",
                "ATTENDEE;CN=Bo;PARTSTAT=ACCEPTED:MAILTO:bo@example.",
                " net",
                "ATTENDEE:mailto:cy@example.com",
                "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;COUNT=10",
                "ATTACH:file:///etc/passwd",
                "BEGIN:VALARM", "ACTION:PROCEDURE", "SUMMARY:alarm", "END:VALARM",
                "DESCRIPTION:One\\nTwo",
            )
        )
    )  # fmt: skip
    assert (event.method, event.summary, event.where) == ("request", "Lunch, and more", "Room 7")
    assert event.organizer == "Ada; Countess <ada@example.org>"
    assert event.attendees == ("Bo <bo@example.net> (accepted)", "cy@example.com")
    assert event.repeats == "every 2 weeks on Mon, Fri, 10 times"
    assert (event.starts, event.zone, event.note) == (1770109200, "Europe/Berlin", "One\nTwo")
    assert "passwd" not in repr(event)
    assert event.lines() == (
        "Invitation: Lunch, and more",
        "When: Tue 3 Feb 2026, 10:00 (Europe/Berlin)",
        "Repeated: every 2 weeks on Mon, Fri, 10 times",
        "Where: Room 7",
        "Claims to be organised by: Ada; Countess <ada@example.org>",
        "Who: Bo <bo@example.net> (accepted), cy@example.com",
    )


def test_a_rule_of_repetition_is_told_and_never_expanded() -> None:
    """Check 72: an hour of a machine in one line."""
    rule = "RRULE:FREQ=SECONDLY;INTERVAL=1;UNTIL=99991231T235959Z"
    (event,) = events(EVENT % f"DTSTART:20260101T000000Z\r\n{rule}")
    assert event.repeats == "by a rule of its own"


@pytest.mark.parametrize("zone", ["/etc/passwd", "../../etc/passwd", "No/Where", "x" * 5000, "Europe", "C_\\x"])
def test_a_zone_that_nobody_knows_is_shown_and_not_looked_for(zone: str) -> None:
    (event,) = events(EVENT % f"DTSTART;TZID={zone}:20260203T100000")
    assert event.starts is None
    assert event.when.startswith("Tue 3 Feb 2026, 10:00 (")


def test_a_calendar_is_read_as_far_as_its_cap() -> None:
    start = time.process_time()
    assert len(events(HEAD + "BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\n" * 100_000)) == MAX_EVENTS
    for hostile in (";A=" * 100_000, "A" * 300_000, "BEGIN:VEVENT\n" * 20_000, 'ATTENDEE;CN="' * 20_000):
        events("BEGIN:VEVENT\n" + hostile)
        events(hostile + ":")
    assert time.process_time() - start < 2


def test_a_message_with_a_calendar_part_shows_its_event() -> None:
    body = (EVENT % "SUMMARY:Lunch").encode()
    parsed = parse(b"From: a@b.example\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n" + body)
    assert [one.summary for one in parsed.events] == ["Lunch"]
    assert [one.type for one in parsed.attachments] == ["text/calendar"]


def test_a_digit_that_is_no_number_is_none() -> None:
    """A superscript is a digit to Python, and not a number: the message could not be opened."""
    (event,) = events(EVENT % "RRULE:FREQ=DAILY;INTERVAL=\u00b2;COUNT=\u00b3")
    assert event.repeats == "every day"
