"""How the person wants to see the one message that is read.

Rule of the file: data only; the reader has it from its first paint.
"""

from mua.records import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """How the person wants to see this one message.

    ``flipped``: in a dark window the other way than the usual one; ``unfolded``: quotes lie open; ``images``: pictures
    from elsewhere that were allowed; ``whole``: a very long one is laid out to its end; ``begun``: its beginning is all
    that is here so far.
    """

    flipped: bool = False
    unfolded: bool = False
    images: bool = False
    whole: bool = False
    begun: bool = False
