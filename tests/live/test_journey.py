"""The way of a message, as a script sees it: what the server's own lines say is believed, the rest is a claim."""

from pathlib import Path

import pytest
from lab import Lab, User

pytestmark = pytest.mark.live

CLAIMED = (
    "Received: from [192.168.1.5] (host.isp.test [203.0.113.9]) by mail.{0} (Postfix) with ESMTPSA id 1;"
    " Sun, 22 Nov 2026 10:00:01 +0000\r\n"
    "Authentication-Results: {1}; dmarc=pass header.from={0}\r\n"
    "User-Agent: Pen\r\nFrom: bob@{0}\r\nSubject: boat\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\nbody\r\n"
)


def test_what_the_server_wrote_is_told_from_claims(lab: Lab, profile: Path, account: User) -> None:
    assert lab.deliver_all(account, [CLAIMED.format(f"d{n}.test", "mx.test").encode() for n in range(5)]) == [""] * 5
    lab.mua("sync", profile=profile).ok()
    row = lab.mua("list", "INBOX", profile=profile).ok()[0]
    told = lab.mua("journey", row["id"], profile=profile).ok()
    hops = told["steps"]
    assert [hop["claim"] for hop in hops] == [True, False]
    assert hops[0]["helo"] == "192.168.1.5" and hops[0]["role"] == "submission"
    assert hops[1]["protocol"].upper().startswith("LMTP")
    assert (told["program"], told["ignored"]) == ("Pen", 1)
    assert told["results"] == [] and told["evidence"] is None


def test_a_check_is_kept(lab: Lab, profile: Path, account: User) -> None:
    signed = Path(__file__).resolve().parents[1] / "signed" / "relaxed-relaxed.eml"
    assert lab.deliver(account, signed.read_bytes()) == ""
    lab.mua("sync", profile=profile).ok()
    row = lab.mua("list", "INBOX", profile=profile).ok()[0]
    told = lab.mua("journey", row["id"], "--check", profile=profile).ok()
    [signature] = told["evidence"]["signatures"]
    assert signature["domain"] == "there.example" and signature["result"] != "pass"  # nobody here publishes its key
    assert lab.mua("journey", row["id"], profile=profile).ok()["evidence"] == told["evidence"]
