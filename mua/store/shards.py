"""Where a message is in the full-text index: in which table, and by which number there.

Theory of operation: FTS5 writes, for every word of every message, how far the row is from that of the message before
it.  Ids are seconds and a place in the second (``model.message``), most of which nobody uses: from one to the next it
is six or seven octets.  So a table has the messages of half a year, and calls each by its second and one of ``PLACES``
in that: four octets at most.  The few that come later in a second that is full are in a table beside it, by all that
is left of their ids.

Both tables of half a year are in the order of the ids, and no message is in both.
"""

from mua.model.message import SEQUENCE_BITS
from mua.records import dataclass
from mua.store.db import Db

SPAN = 44  # bits of an id within half a year: 2**24 seconds
PLACES = 4  # of a second
_WITHIN = (1 << SPAN) - 1
_SEQUENCE = (1 << SEQUENCE_BITS) - 1


@dataclass(frozen=True, slots=True)
class Shard:
    """A table of the index; ``crowded`` is the one beside that has the messages of full seconds."""

    number: int
    crowded: bool = False

    @property
    def name(self) -> str:
        """Of the table."""
        return f"{'crowd' if self.crowded else 'mail'}_{self.number}"

    @property
    def low(self) -> int:
        """The lowest id of the half year."""
        return self.number << SPAN

    def row(self, message_id: int) -> int:
        """The row of a message that is here."""
        within = message_id & _WITHIN
        return within if self.crowded else (within >> SEQUENCE_BITS) * PLACES + (within & _SEQUENCE)

    def id_of(self, row: str) -> str:
        """SQL for the id of what is in a row; ``row`` is SQL, too."""
        if self.crowded:
            return f"({self.low} + {row})"
        return f"({self.low} + ({row} / {PLACES} << {SEQUENCE_BITS}) + {row} % {PLACES})"

    def holds(self, message_id: str) -> str:
        """SQL for whether a message of the half year belongs here and not into the other table."""
        return f"(({message_id} & {_SEQUENCE}) {'>=' if self.crowded else '<'} {PLACES})"


def half_year(message_id: int) -> int:
    """The number of the half year that a message is of."""
    return max(message_id, 0) >> SPAN


def shard_of(message_id: int) -> Shard:
    """The table that a message belongs into."""
    return Shard(half_year(message_id), message_id & _SEQUENCE >= PLACES)


def shards(db: Db, schema: str = "main") -> list[Shard]:
    """The tables that there are, newest first."""
    rows = db.rows(f"SELECT number, crowded FROM {schema}.shard ORDER BY number DESC, crowded")
    return [Shard(number, bool(crowded)) for number, crowded in rows]
