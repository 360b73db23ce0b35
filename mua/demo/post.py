"""What becomes of a message that was submitted: nothing leaves this computer.

Mail to the owner of the demo goes into INBOX.  Everybody else under ``.example`` is a correspondent who answers after a
second or two; ``refused@`` is refused and ``later@`` is greylisted, to show both.  Every other domain is refused.

Rule of the file: no protocol; a verdict is the words of an SMTP reply (RFC 5321 s.4.2, RFC 3463).
"""

import asyncio
import time
from email import message_from_bytes
from email.utils import formatdate, getaddresses

from mua.demo import correspondent
from mua.demo.mailbox import Mailbox
from mua.demo.people import DOMAIN, OWNER, known
from mua.log import DEMO

GREYLIST = 5.0  # seconds until a greylisted recipient is taken
ANSWERS_LIMIT = 20  # under way at a time
DELAYS = (1.0, 2.0)  # seconds until the first and the last correspondent answer


class Post:
    """Takes submitted messages.  ``owner`` is the address whose mail goes into INBOX of ``mailbox``."""

    def __init__(self, mailbox: Mailbox, owner: str = OWNER.address, delays: tuple[float, float] = DELAYS) -> None:
        self.mailbox = mailbox
        self.owner = owner.lower()
        self.delays = delays
        self.greylist = GREYLIST
        self.accepted: list[tuple[str, list[str], bytes]] = []  # (sender, recipients, data), for tests
        self._first_tries: dict[tuple[str, str], float] = {}
        self._answers: set[asyncio.TimerHandle] = set()

    def verdict(self, sender: str, recipient: str) -> str:
        """The reply to RCPT."""
        local, _, domain = recipient.lower().rpartition("@")
        if not local or not domain:
            return "501 5.1.3 This is not an address"
        if domain.rpartition(".")[2] != DOMAIN:
            return "550 5.7.1 The demo account writes only to addresses that end in .example; nothing was sent"
        if local == "refused":
            return "550 5.1.1 There is nobody of this name here"
        if local == "later" and not self._waited(sender, recipient):
            return "451 4.7.1 Greylisted: we do not know you yet, please try again in a moment"
        return "250 2.1.5 Recipient OK"

    def deliver(self, sender: str, recipients: list[str], data: bytes, now: int) -> None:
        """Take a message for recipients that were accepted.  Raises Refused or OSError as the mailbox does."""
        self.accepted.append((sender, recipients, data))
        del self.accepted[:-100]
        if any(self._is_owner(recipient) for recipient in recipients):
            self.mailbox.find("INBOX").add(self._received(sender, data, now), now)
        others = [recipient for recipient in recipients if not self._is_owner(recipient)]
        if sender and correspondent.wants_answer(data):
            for place, recipient in enumerate(others):
                self._answer_later(recipient, data, place / max(1, len(others) - 1))

    def file_sent(self, data: bytes, now: int) -> None:
        """Put a copy into the folder for sent mail, as some providers do."""
        for folder in self.mailbox.folders.values():
            if folder.use == "\\Sent":
                folder.add(data, now, ["\\Seen"])

    def close(self) -> None:
        """Answers that are under way are not given."""
        for answer in self._answers:
            answer.cancel()

    def _is_owner(self, recipient: str) -> bool:
        local, _, domain = recipient.lower().rpartition("@")
        return f"{local.partition('+')[0]}@{domain}" == self.owner

    def _waited(self, sender: str, recipient: str) -> bool:
        now = time.monotonic()
        return now - self._first_tries.setdefault((sender, recipient.lower()), now) >= self.greylist

    def _received(self, sender: str, data: bytes, now: int) -> bytes:
        trace = f"Return-Path: <{sender}>\r\nReceived: from localhost by demo.mua.example; {formatdate(now)}\r\n"
        return trace.encode() + data

    def _answer_later(self, recipient: str, data: bytes, place: float) -> None:
        if len(self._answers) >= ANSWERS_LIMIT:
            return
        fields = message_from_bytes(data)
        named = getaddresses([str(value) for name in ("to", "cc") for value in fields.get_all(name, [])])
        name = next((name for name, address in named if address.lower() == recipient.lower()), "")

        def answer() -> None:
            self._answers.discard(handle)
            now = int(time.time())
            try:
                self.mailbox.find("INBOX").add(correspondent.answer(data, known(recipient, name), now), now)
            except (ValueError, OSError):
                DEMO.warning("a correspondent could not answer", exc_info=True)

        first, last = self.delays
        handle = asyncio.get_running_loop().call_later(first + (last - first) * place, answer)
        self._answers.add(handle)
