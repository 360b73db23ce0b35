"""DANE against real servers: zones signed by ldns, a resolver that validates, and Postfix's own opinion."""

from pathlib import Path
from typing import Any

import pytest
from direct_mail import account, received_by, send_to
from lab import Lab, User, until
from lab_config import MX1, MX_CLEARTEXT, NAMESERVER

pytestmark = [pytest.mark.live, pytest.mark.msa]


@pytest.fixture
def direct(lab: Lab, profile: Path) -> User:
    """alice, delivering directly."""
    return account(lab, profile)


def one(lab: Lab, profile: Path, sender: User, name: str, domain: str) -> dict[str, Any]:
    """What becomes of a message for NAME at DOMAIN."""
    (row,) = send_to(lab, profile, sender, f"{name}@{domain}").values()
    return row


def dialogue(lab: Lab, profile: Path, row: dict[str, Any]) -> str:
    """What was said in the first attempt."""
    (found,) = lab.mua("timeline", row["id"], profile=profile).ok()["recipients"]
    return "\n".join(found["steps"][0]["dialogue"])


@pytest.mark.parametrize("name, level", [
    ("ee", "TLSv1.3, DANE"),
    ("self", "TLSv1.3, DANE"),
    ("tagood", "TLSv1.3, DANE"),
    ("alias", "TLSv1.3, DANE"),
    ("unusable", "TLSv1.3, not verified"),
    ("toinsecure", "TLSv1.3, not verified"),
])  # fmt: skip
def test_delivered_as_the_records_demand(lab: Lab, profile: Path, direct: User, name: str, level: str) -> None:
    bob = lab.user("bob")
    row = one(lab, profile, direct, bob.name, f"{name}.dane.test")
    assert (row["state"], row["tls"]) == ("accepted", level)
    assert b"TLSv1." in received_by(lab, bob)


@pytest.mark.parametrize("name, status, what", [
    ("mismatch", "4.7.5", "does not show the certificate that is published for it (DANE)"),
    ("ta", "4.7.5", "does not show the certificate that is published for it (DANE)"),
    ("notls", "4.7.4", "demands encryption (DANE), and mx-notls.dane.test[127.0.25.12] does not offer it"),
    ("forged", "4.7.5", "What mx-forged.dane.test has to show (DANE) could not be looked up: SERVFAIL"),
    ("bogus", "4.4.3", "could not be looked up: SERVFAIL"),
])  # fmt: skip
def test_what_does_not_fit_waits_and_never_goes_in_clear(
    lab: Lab, profile: Path, direct: User, name: str, status: str, what: str
) -> None:
    bob = lab.user("bob")
    row = one(lab, profile, direct, bob.name, f"{name}.dane.test")
    assert (row["state"], row["text"].split()[0]) == ("deferred", status)
    assert what in row["text"]
    assert row["next_attempt"]
    assert lab.raw_messages(bob) == {}
    assert "MAIL FROM" not in dialogue(lab, profile, row)


def test_a_resolver_that_does_not_validate_is_told_of(lab: Lab, profile: Path) -> None:
    """The name server itself: it has the records, and vouches for nothing."""
    user, bob = account(lab, profile, dns=f"{NAMESERVER}:53"), lab.user("bob")
    row = one(lab, profile, user, bob.name, "mismatch.dane.test")
    assert (row["state"], row["tls"]) == ("accepted", "TLSv1.3, not verified")
    assert "DANE not checked: the resolver does not validate" in dialogue(lab, profile, row)


def finger(lab: Lab, domain: str) -> str:
    """What Postfix thinks of the connection to a domain: verified, failed, encrypted, or nothing."""
    done = lab.exec("posttls-finger", "-c", "-l", "dane", "-L", "summary", domain)
    said = (done.stdout + done.stderr).decode()
    if "server certificate verification failed" in said:
        return "failed"
    found = [word for word in ("Verified", "Untrusted") if f"{word} TLS connection established" in said]
    return {"Verified": "verified", "Untrusted": "encrypted"}[found[0]] if found else "nothing"


@pytest.mark.parametrize(
    "name", ["ee", "self", "tagood", "mismatch", "ta", "alias", "unusable", "toinsecure", "notls", "forged", "bogus"]
)
def test_postfix_thinks_the_same(lab: Lab, profile: Path, direct: User, name: str) -> None:
    row = one(lab, profile, direct, lab.user("bob").name, f"{name}.dane.test")
    ours = {"TLSv1.3, DANE": "verified", "TLSv1.3, not verified": "encrypted"}.get(row["tls"], "nothing")
    if "does not show the certificate" in row["text"]:
        ours = "failed"
    assert (row["state"] == "accepted") is (ours in ("verified", "encrypted"))
    assert finger(lab, f"{name}.dane.test") == ours


def test_what_was_encrypted_waits_for_leave_to_go_in_clear(lab: Lab, profile: Path, direct: User) -> None:
    bob = lab.user("bob")
    assert one(lab, profile, direct, bob.name, "plain.test")["tls"] == "TLSv1.3, not verified"
    lab.move_plain_mx(MX_CLEARTEXT)
    try:
        row = one(lab, profile, direct, bob.name, "plain.test")
        assert (row["state"], row["text"].split()[0]) == ("deferred", "4.7.4")
        assert "you may allow less protection" in row["text"]
        assert len(lab.raw_messages(bob)) == 1
        lab.mua("retry", row["id"], "--less-protection", profile=profile).ok()
        until(lambda: len(lab.raw_messages(bob)) == 2, "what was allowed")
        assert one(lab, profile, direct, bob.name, "plain.test")["tls"] == ""
        row = lab.mua("retry", row["id"], "--less-protection", profile=profile)
        assert "nothing to allow" in row.failed("nothing-held")
    finally:
        lab.move_plain_mx(MX1)
    assert one(lab, profile, direct, bob.name, "plain.test")["tls"] == "TLSv1.3, not verified"
