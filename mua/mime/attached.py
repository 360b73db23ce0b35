"""A message that is attached to a message: found by its part's number, given as the bytes of a message of its own.

Rule of the file: what comes out is read by ``mime.message`` and ``mime.view`` like any other message, so an attached
one obeys the same rules as one in a folder; the numbers of its parts are its own.
"""

from mua.mime import msg
from mua.mime.message import part_bytes
from mua.mime.scan import EMBEDDED
from mua.model.message import Attachment


def message_of(attachment: Attachment, data: bytes) -> bytes:
    """The message that an attachment of these octets is, Outlook's made into one of RFC 5322; empty: it is none.

    ``mime.view`` shows it; ``mime.message.part_bytes`` takes what is attached to it in turn.
    """
    name = attachment.name.lower()
    if (attachment.type == msg.TYPE or name.endswith(".msg")) and msg.is_msg(data):
        return msg.message(data)
    return data if attachment.type in EMBEDDED or name.endswith(".eml") else b""


def attached_message(raw: bytes, section: str) -> bytes:
    """``message_of`` the part ``section`` of ``raw``.  Raises KeyError when there is no such part, or it is none."""
    found = message_of(*part_bytes(raw, section))
    if not found:
        raise KeyError(section)
    return found
