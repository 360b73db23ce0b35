"""Sending from a laboratory's account that delivers directly, and looking at what arrived."""

from pathlib import Path
from typing import Any

from lab import Lab, User, message, until


def account(lab: Lab, profile: Path, **options: object) -> User:
    """alice, whose account delivers by itself (her Sent folder is on the IMAP server)."""
    user = lab.user("alice")
    lab.add_account(profile, user, smtp=None, smtp_security=None, direct=True, allow_private_mx=True, **options).ok()
    return user


def send_to(lab: Lab, profile: Path, sender: User, *recipients: str) -> dict[str, dict[str, Any]]:
    """Send one message and wait; each recipient's row, with the message's ``id``."""
    raw = message("Direct", sender.address, "Straight to you.\n", to=", ".join(recipients))
    done = lab.mua("send", "-", "--wait", profile=profile, stdin=raw)
    assert done.data is not None, done.explain()
    rows = {one["address"]: one | {"id": done.data["id"]} for one in done.data["recipients"]}
    assert done.code == (0 if all(row["state"] == "accepted" for row in rows.values()) else 1), done.explain()
    return rows


def received_by(lab: Lab, user: User) -> bytes:
    """The topmost Received of the one message in the inbox."""
    (raw,) = until(lambda: lab.raw_messages(user), f"mail for {user.address}").values()
    return raw.split(b"Received: from ", 2)[2].split(b"\r\nFrom:")[0]
