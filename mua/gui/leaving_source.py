"""What a letter will be when it leaves, before it does.

Rule of the file: no widget; the same functions make it that make what is sent.
"""

import secrets
from pathlib import Path

from mua.errors import MailError
from mua.language import tr
from mua.model.outgoing import Draft


def leaving(draft: Draft, now: int) -> bytes:
    """The message that goes to servers for this draft, at ``now`` (UTC seconds); a problem is its text instead."""
    from mua.mime.build import build, new_message_id
    from mua.mime.freeze import freeze

    try:
        files = [(one, Path(one.path).read_bytes()) for one in draft.attachments]
        message_id = new_message_id(draft.sender, secrets.token_bytes(16))
        raw = build(draft, files, now=now, message_id=message_id)
        frozen = freeze(raw, now=now, message_id_if_missing=message_id)
    except MailError as error:
        return tr("Subject: It cannot be sent yet\r\n\r\n{text}\r\n", text=error.text).encode()
    except OSError as error:
        return tr(
            "Subject: It cannot be sent yet\r\n\r\nA file cannot be read: {strerror}.\r\n", strerror=error.strerror
        ).encode()
    return frozen.wire
