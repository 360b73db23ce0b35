"""What is written and sent, as Dovecot reads it: it takes every message apart as it was meant."""

from email import message_from_bytes, policy
from email.message import Message

from lab import Lab
from written import letter

LETTERS = 200


def leaves(raw: bytes) -> dict[str, tuple[str, bytes]]:
    """Of each part that holds no others, by its number (RFC 3501 s.6.4.5): media type and octets."""
    found: dict[str, tuple[str, bytes]] = {}

    def walk(part: "Message[str, str]", number: str) -> None:
        for place, one in enumerate(part.get_payload() if part.is_multipart() else [], 1):
            assert isinstance(one, Message)
            walk(one, f"{number}.{place}" if number else str(place))
        if not part.is_multipart():
            octets = part.get_payload(decode=True)
            assert isinstance(octets, bytes)
            found[number] = part.get_content_type(), octets

    walk(message_from_bytes(raw, policy=policy.default), "")
    return found


def test_dovecot_takes_apart_what_is_sent_as_it_was_meant(lab: Lab) -> None:
    client = lab.imap(lab.user("writer"))
    try:
        client.select("INBOX")
        for number in range(1, LETTERS + 1):
            raw = letter(number - 1).wire
            assert client.append("INBOX", "", "", raw)[0] == "OK"
            client.noop()
            meant = leaves(raw)
            wanted = [f"BINARY.PEEK[{part}] BODY.PEEK[{part}.MIME]" for part in meant]
            told = client.fetch(str(number), f"({' '.join(wanted)})")[1]
            values = [one[1] for one in told if isinstance(one, tuple)]
            assert values[::2] == [octets for _, octets in meant.values()], number
            heads = [message_from_bytes(head).get_content_type() for head in values[1::2]]
            assert heads == [kind for kind, _ in meant.values()], number
    finally:
        client.logout()
