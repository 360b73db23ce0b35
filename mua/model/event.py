"""What a calendar part says, to be read and not obeyed (RFC 5545, 5546)."""

from typing import Final

from mua.records import dataclass

_METHODS: Final = {
    "request": "Invitation", "reply": "Answer to an invitation", "cancel": "Cancelled event",
    "counter": "Counterproposal",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One event, task or journal entry of a calendar part; every field may be empty, all are safe to show in one line.

    ``method``: in lower case, what the sender wants done with it (``request``, ``reply``, ``cancel``, ``publish`` ...).
    ``when``: in words, in the zone it was written in, which ``zone`` names ("" is the local time of whoever reads).
    ``starts``, ``ends``: UTC seconds where that zone is known; None else, and for whole days.
    ``organizer``, ``attendees``: as the part claims, ``Name <address>``, an attendee's answer in brackets behind.
    ``repeats``: how, in words; nothing is ever expanded.  ``note``: the description, with its line ends.
    """

    method: str = ""
    summary: str = ""
    when: str = ""
    zone: str = ""
    starts: int | None = None
    ends: int | None = None
    where: str = ""
    organizer: str = ""
    attendees: tuple[str, ...] = ()
    repeats: str = ""
    status: str = ""
    uid: str = ""
    note: str = ""

    def lines(self) -> tuple[str, ...]:
        """The event for a reader, a line for each thing that is known; nothing in it can be acted on."""
        told = (
            (_METHODS.get(self.method, "Event"), self.summary or "without a title"),
            ("When", self.when),
            ("Repeated", self.repeats),
            ("Where", self.where),
            ("Claims to be organised by", self.organizer),
            ("Who", ", ".join(self.attendees[:20]) + (" ..." if len(self.attendees) > 20 else "")),
        )
        return tuple(f"{name}: {value}" for name, value in told if value)
