"""What a rule sends on holds the message as it came, whatever is in it."""

import re

import pytest

from mua.mime.forwarding import forwarding
from mua.mime.message import attached_files

PLAIN = b"From: ann@example.org\r\nSubject: hi\r\n\r\nhello\r\n"
LETTER = forwarding(PLAIN, "Bo", "bo@example.org", "cat@example.org", "hi", "the rule")


@pytest.mark.parametrize("tail", [b"_" * 100_000, b"--"])
def test_no_message_ends_its_own_part(tail: bytes) -> None:
    """A boundary that grows until it is not in the message takes for ever, and no line may be so long."""
    made = re.search(rb'boundary="([^"]+)"', LETTER)
    assert made
    raw = b"From: ann@example.org\r\n\r\n" + b"\r\n".join(
        (b"--" + one)[:900] + b"\r\n" + one + tail for one in (made[1], b"=_forwarded_by_a_rule")
    )
    letter = forwarding(raw, "Bo", "bo@example.org", "cat@example.org", "hi", "the rule")
    found = re.search(rb'boundary="([^"]+)"', letter)
    assert found
    assert len(found[1]) <= 70  # RFC 2046 s.5.1.1
    assert [whole() for *_, whole in attached_files(letter)] == [raw]


@pytest.mark.parametrize(
    "evil", ["x\r\nBcc: eve@example.org", "x\nBcc: eve@example.org", "x\u2028Bcc: eve@example.org"]
)
def test_no_field_begins_another(evil: str) -> None:
    letter = forwarding(PLAIN, evil, "bo@example.org", "cat@example.org", evil, evil)
    names = [line.partition(b":")[0] for line in letter.split(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] != b" "]
    assert names == b"From To Subject Auto-Submitted X-Mua-Rule MIME-Version Content-Type".split()
