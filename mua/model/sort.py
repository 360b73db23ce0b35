"""By what a list is sorted."""

from enum import StrEnum

from mua.records import dataclass


class By(StrEnum):
    """What is compared; messages that are equal in it are newest first."""

    DATE = "date"
    FROM = "from"
    """Who wrote it; in Sent and Drafts, to whom it goes."""
    SUBJECT = "subject"
    SIZE = "size"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Sort:
    """``down``: the newest, the largest, the last letter, the unread first."""

    by: By = By.DATE
    down: bool = True

    @property
    def by_date(self) -> bool:
        """Whether days can be told apart in it, and conversations stand together."""
        return self.by is By.DATE

    def __str__(self) -> str:
        return f"{self.by}-{'down' if self.down else 'up'}"


NEWEST_FIRST = Sort()
_USUAL_UP = (By.FROM, By.SUBJECT)


def usual(by: By) -> Sort:
    """How it is sorted at first: names and subjects from A."""
    return Sort(by, by not in _USUAL_UP)


def sort_from(text: str) -> Sort:
    """The reverse of ``str``; the usual one for anything else."""
    by, _, way = text.partition("-")
    if by not in {one.value for one in By} or way not in ("up", "down"):
        return NEWEST_FIRST
    return Sort(By(by), way == "down")
