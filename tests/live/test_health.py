"""The health of accounts on real servers, and the bundle that strangers may read."""

import json

import pytest
from lab import Filled, message, until

pytestmark = pytest.mark.live


def test_what_is_told_of_a_healthy_account(lab, profile, account):
    lab.fill(account, [Filled(message(f"number {number}")) for number in range(5)])
    lab.mua("sync", "--until-complete", profile=profile).ok()
    [told] = lab.mua("health", "--account", "lab", profile=profile).ok()
    assert told["account"] == "lab"
    assert (told["incoming"], told["host"], told["security"]) == ("imap", lab.plan.imap_host, "starttls")
    assert told["software"].startswith("Dovecot")
    assert told["tls"].startswith("TLSv1.")
    assert told["mechanism"]
    assert {"IDLE", "QRESYNC", "UIDPLUS", "NOTIFY", "COMPRESS=DEFLATE"} <= set(told["in_use"]) <= set(told["offered"])
    assert (told["on_server"], told["in_store"], told["with_body"], told["not_indexed"]) == (5, 5, 5, 0)
    assert told["octets_in"] > 1000
    assert told["octets_out"] > 100
    assert told["checked_at"]
    assert (told["problems"], told["failures"], told["paused_until"]) == ([], 0, None)
    lab.deliver(account, message("news"))
    until(lambda: lab.mua("health", profile=profile).ok()[0]["woken_by"] in ("news", "poke"), "a wake")
    [told] = lab.mua("health", profile=profile).ok()
    assert told["woken_at"]
    assert told["connections"] in (1, 2)
    assert "Dovecot" in lab.mua("health", profile=profile, as_json=False).stdout.decode()


@pytest.mark.parametrize("security, port", [("starttls", "pop3"), ("tls", "pop3s")])
def test_what_is_told_of_a_pop3_account(lab, profile, alice, security, port):
    lab.fill(alice, [Filled(message(f"number {number}")) for number in range(5)])
    with lab.engine(profile):
        server = f"{lab.plan.imap_host}:{getattr(lab.plan, port)}"
        lab.add_account(profile, alice, kind="pop3", pop3=server, pop3_security=security).ok()
        lab.mua("sync", profile=profile).ok()
        [told] = lab.mua("health", profile=profile).ok()
        before = told["octets_in"]
        assert told["tls"].startswith("TLSv1.")
        assert told["mechanism"] == "SCRAM-SHA-256"
        assert before > sum(map(len, lab.raw_messages(alice).values()))
        assert told["octets_out"] > 100
        assert {"UIDL", "TOP", "PIPELINING"} <= set(told["in_use"])
        assert (told["on_server"], told["in_store"]) == (5, 5)
        lab.mua("sync", profile=profile).ok()
        [told] = lab.mua("health", profile=profile).ok()
        assert told["octets_in"] > before


def test_what_is_told_of_an_account_in_trouble(lab, profile, alice):
    with lab.engine(profile):
        lab.add_account(profile, alice, password="wrong-s3cret")
        lab.mua("sync", profile=profile)
        until(lambda: lab.mua("health", profile=profile).ok()[0]["paused_until"], "the pause after the answer")
        [told] = lab.mua("health", profile=profile).ok()
    assert told["codes"] == ["wrong-password"]
    assert told["failures"] > 0


def test_a_bundle_holds_nothing_private(lab, profile, alice):
    client = lab.imap(alice)
    client.create('"Divorce papers"')
    client.logout()
    lab.fill(alice, [Filled(message("Secret plans of Zebulon", sender="Zebulon Quux <zeb@quux.test>"))])
    lab.fill(alice, [Filled(message("A most private matter"))], "Divorce papers")
    with lab.engine(profile) as engine:
        lab.add_account(profile, alice, full_name="Alice Liddell").ok()
        lab.mua("sync", "--until-complete", profile=profile).ok()
        ids = [one["id"] for one in lab.mua("list", "INBOX", profile=profile).ok()]
        lab.mua("act", "move", ids[0], "--to", "Divorce papers", profile=profile).ok()
        with (profile / "mua.log").open("a") as log:  # as if a mistake of ours had put it there
            log.write(
                f"INFO {alice.name} {alice.address} zeb@quux.test Zebulon Quux: Secret plans of Zebulon {profile}\n"
            )
            log.write(f"INFO Alice Liddell opened Divorce papers with {alice.password} at {lab.plan.imap_host}\n")
        bundle = lab.folder / "bundle.json"
        lab.mua("health", "--bundle", str(bundle), profile=profile).ok()
        assert engine.poll() is None
    text = bundle.read_text()
    assert bundle.stat().st_mode & 0o777 == 0o600
    for private in (
        alice.password, alice.name, alice.address, "zeb@", "quux.test", "Zebulon", "Quux", "Secret plans", "Liddell",
        "Divorce", "private matter", str(profile),
    ):  # fmt: skip
        assert private.lower() not in text.lower(), private
    document = json.loads(text)
    assert document["accounts"][0]["host"] == lab.plan.imap_host
    assert any(lab.plan.imap_host in line for line in document["log"])
