"""A message that is attached to a message: found by its part's number, given as the bytes of a message of its own.

Rule of the file: what comes out is read by ``mime.message`` and ``mime.view`` like any other message, so an attached
one obeys the same rules as one in a folder; the numbers of its parts are its own.
"""

from typing import Final

from mua.mime import msg
from mua.mime.message import part_bytes
from mua.model.message import Attachment

_TYPES: Final = ("message/rfc822", "message/global", "message/news")


def is_message(attachment: Attachment) -> bool:
    """Can ``attached_message`` open it?  Told by type and name alone."""
    return attachment.type in (*_TYPES, msg.TYPE) or attachment.name.lower().endswith((".eml", ".msg"))


def attached_message(raw: bytes, section: str) -> bytes:
    """The message in the part ``section`` of ``raw``, as it was attached; Outlook's made into one of RFC 5322.

    Raises KeyError when there is none.

    ``mime.view.view`` shows it; ``mime.message.part_bytes`` takes what is attached to it in turn.
    """
    attachment, data = part_bytes(raw, section)
    found = b""
    if is_message(attachment):
        found = msg.message(data) if msg.is_msg(data) else data
    if not found:
        raise KeyError(section)
    return found
