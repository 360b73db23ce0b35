"""DKIM from end to end: keys made by the program, published in a real zone, verified by OpenDKIM at the other end."""

import re
import subprocess
import time
from pathlib import Path

import pytest
from dkim_verifier import verify
from lab import Lab, Run, User, message, until, which
from lab_config import OWN

pytestmark = [pytest.mark.live, pytest.mark.msa]


@pytest.fixture
def ada(lab: Lab, profile: Path) -> User:
    """A person with a domain of her own, whose account delivers by itself and receives nothing."""
    user = User("ada", f"ada@{OWN}", "")
    lab.publish()
    options = ["--local", "--direct", "--allow-private-mx"]
    lab.mua("account", "add", "--name", "own", "--email", user.address, *options, profile=profile).ok()
    return user


def only_keys(told: Run) -> list[dict[str, str]]:
    """Of the records that a command showed."""
    assert told.data is not None, told.explain()
    return [one for one in told.data["records"] if one["what"] == "dkim"]


def keys(lab: Lab, profile: Path) -> dict[str, str]:
    """Make keys and publish them; the records by their names."""
    made = only_keys(lab.mua("dkim", "keygen", profile=profile))
    lab.publish(*(one["line"] for one in made))
    until(lambda: lab.mua("dkim", "verify", profile=profile).code == 0, "the records to be seen")
    return {one["name"]: one["value"] for one in made}


def send(lab: Lab, profile: Path, sender: User, raw: bytes) -> None:
    done = lab.mua("send", "-", "--wait", profile=profile, stdin=raw)
    assert [one["state"] for one in done.ok()["recipients"]] == ["accepted"]


def arrived(lab: Lab, user: User) -> bytes:
    """The one message, without what servers put above it."""
    (raw,) = until(lambda: lab.raw_messages(user), f"mail for {user.address}").values()
    return raw[raw.index(b"DKIM-Signature:") :] if b"DKIM-Signature:" in raw else raw[raw.index(b"From:") :]


def opendkim(lab: Lab, raw: bytes) -> subprocess.CompletedProcess[bytes]:
    """What OpenDKIM says; it looks the keys up in the DNS."""
    tool = which("opendkim-testmsg")
    if tool is None:
        pytest.skip("not installed: opendkim-tools")
    argv = lab.command(tool)
    return subprocess.run(argv, input=raw, capture_output=True, timeout=60, check=False)


def one_signature(raw: bytes, number: int) -> bytes:
    """The message with only that one of its two signatures."""
    first, second, rest = re.split(rb"(?=^DKIM-Signature:)|(?=^From:)", raw, flags=re.MULTILINE)[1:4]
    return (first, second)[number] + rest


def test_both_signatures_verify_where_the_mail_arrives(lab: Lab, profile: Path, ada: User) -> None:
    records = keys(lab, profile)
    bob = lab.user("bob")
    raw = message("Signed", ada.address, "Straight  to you. \n\n.dot\n\n\n", to=bob.address)
    send(lab, profile, ada, raw)
    got = arrived(lab, bob)
    assert got.endswith(raw)
    assert list(verify(got, records).values()) == [True, True]
    for number in range(2):
        alone = one_signature(got, number)
        assert opendkim(lab, alone).returncode == 0, (number, opendkim(lab, alone))
        spoilt = opendkim(lab, alone.replace(b"Straight", b"Crooked"))
        assert spoilt.returncode != 0, (number, spoilt)
        for field in (b"Reply-To: eve@example.org", b"Cc: eve@example.org", b"Date: Mon, 30 Nov 2026 02:32:41 +0000"):
            replayed = opendkim(lab, alone.replace(b"From:", field + b"\r\nFrom:", 1))
            assert replayed.returncode != 0, (number, field, replayed)
    assert {b"a=rsa-sha256", b"a=ed25519-sha256"} == set(re.findall(rb"a=[a-z0-9-]+", got[: got.index(b"From:")]))


def test_a_message_that_waits_is_signed_anew_with_its_new_date(lab: Lab, profile: Path, ada: User) -> None:
    records = keys(lab, profile)
    bob = lab.user("bob")
    raw = message("Later", ada.address, "Grüße\n", to=bob.address, content_type="text/plain; charset=utf-8")
    raw = raw.replace(b"\r\n\r\n", f"\r\nContent-Transfer-Encoding: 8bit\r\nBcc: {bob.address}\r\n\r\n".encode(), 1)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    queued = lab.mua("send", "-", "--at", at, profile=profile, stdin=raw).ok()
    lab.mua("reschedule", queued["id"], "--now", profile=profile).ok()
    got = arrived(lab, bob)
    assert got.count(b"DKIM-Signature:") == 2
    assert got.isascii()
    assert list(verify(got, records).values()) == [True, True]
    assert opendkim(lab, got).returncode == 0


def test_keys_sign_from_when_their_records_are_seen_until_they_are_gone(lab: Lab, profile: Path, ada: User) -> None:
    made = only_keys(lab.mua("dkim", "keygen", profile=profile))
    assert {one["state"] for one in made} == {"not seen"}
    assert only_keys(lab.mua("dkim", "keygen", profile=profile)) == made
    missing = lab.mua("dkim", "verify", profile=profile)
    assert (missing.code, {one["state"] for one in missing.data["records"]}) == (1, {"missing"})
    assert {one["what"] for one in missing.data["records"]} == {"dkim", "spf", "dmarc"}
    bob, carol, dave = (lab.user(name) for name in ("bob", "carol", "dave"))
    send(lab, profile, ada, message("1", ada.address, to=bob.address))
    assert b"DKIM-Signature" not in arrived(lab, bob)
    lab.publish(*(one["line"] for one in made if "ed25519" in one["name"]))
    states = until(
        lambda: (found := {one["state"] for one in only_keys(lab.mua("dkim", "verify", profile=profile))})
        and len(found) == 2 and found,
        "one record to be seen",
    )  # fmt: skip
    assert states == {"found", "missing"}
    send(lab, profile, ada, message("2", ada.address, to=carol.address))
    assert arrived(lab, carol).count(b"DKIM-Signature") == 1
    again = only_keys(lab.mua("dkim", "keygen", "--again", profile=profile))
    assert len(again) == 4
    lab.publish(*(one["line"] for one in again if one not in made))
    until(lambda: len(only_keys(lab.mua("dkim", "verify", profile=profile))) == 4, "all to be asked for")
    left = until(
        lambda: len(found := only_keys(lab.mua("dkim", "show", profile=profile))) == 2 and found, "the new pair"
    )
    assert {one["state"] for one in left} == {"found"}
    send(lab, profile, ada, message("3", ada.address, to=dave.address))
    assert verify(arrived(lab, dave), {one["name"]: one["value"] for one in left}) == {
        one["name"].partition(".")[0]: True for one in left
    }


def test_a_key_that_cannot_be_had_keeps_the_message_with_its_writer(lab: Lab, profile: Path, ada: User) -> None:
    keys(lab, profile)
    lab.stop_engine(profile)
    (profile / "secrets.enc").unlink()
    bob = lab.user("bob")
    said = lab.mua("send", "-", profile=profile, stdin=message("Lost", ada.address, to=bob.address))
    assert "make new keys" in said.failed("dkim-key-missing")
    assert lab.mua("outbox", "--all", profile=profile).ok() == []
    lab.mua("dkim", "keygen", "--again", profile=profile).ok()
    send(lab, profile, ada, message("Unsigned", ada.address, to=bob.address))
    assert b"DKIM-Signature" not in arrived(lab, bob)


def test_twenty_five_megabytes_are_signed_beside_everything_else(lab: Lab, profile: Path, ada: User) -> None:
    """While a large message is signed, other commands are answered; and it verifies at the other end."""
    records = keys(lab, profile)
    bob = lab.user("bob")
    file = lab.folder / "large.bin"
    file.write_bytes(bytes(range(256)) * (18_500_000 // 256))
    with lab.engine(profile):
        words = ["compose", "--to", bob.address, "--subject", "Large", "--attach", file]
        with lab.popen_mua(*words, profile=profile, stdout=subprocess.DEVNULL) as sending:
            answered = 0
            while sending.poll() is None:
                lab.mua("outbox", profile=profile).ok()
                answered += 1
        assert sending.returncode == 0
        assert answered
        got = arrived(lab, bob)
    assert len(got) > 25_000_000
    assert list(verify(got, records).values()) == [True, True]
    assert opendkim(lab, got).returncode == 0
