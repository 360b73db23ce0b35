"""Rules carried out on new mail, by IMAP and POP alike; forwarded once and never in a loop; tried before."""

import email
import email.policy
from pathlib import Path

import pytest
from lab import Lab, message, until

pytestmark = pytest.mark.live

KINDS = ["imap", "pop3"]


def rows(lab: Lab, profile: Path, folder: str) -> dict[str, dict[str, object]]:
    return {row["subject"]: row for row in lab.mua("list", folder, profile=profile).ok()}


def sync(lab: Lab, profile: Path) -> None:
    lab.mua("sync", "--until-complete", profile=profile).ok()


@pytest.mark.parametrize("kind", KINDS)
def test_new_mail_meets_the_rules(lab: Lab, profile: Path, kind: str) -> None:
    user = lab.user("ruled")
    lab.add_account(profile, user, kind=kind).ok()
    lab.fill(user, [message("Invoice of old", "shop@shop.example")])
    with lab.engine(profile):
        sync(lab, profile)
        made = ["--if", "from:shop.example", "--if", "subject:invoice", "--then", "move:Shops", "--then", "tag:Work"]
        lab.mua("folder", "create", "Shops", profile=profile).ok()
        lab.mua("rule", "add", "Shops", *made, profile=profile).ok()
        lab.mua("rule", "add", "Read", "--if", "subject:invoice", "--then", "read", profile=profile).ok()
        [first, second] = lab.mua("rule", "list", profile=profile).ok()
        assert (first["then"], second["if"]) == (["move:Shops", "tag:$label2"], ["subject:invoice"])
        assert lab.mua("rule", "try", "Shops", profile=profile).ok()["fitting"] == 1
        typed = ["--if", "larger:100M"]
        assert lab.mua("rule", "try", "x", *typed, profile=profile).ok() | {"looked": 1} == {
            "looked": 1, "fitting": 0, "messages": [],
        }  # fmt: skip
        assert not lab.deliver(user, message("Invoice 1", "Shop <Orders@SHOP.example>"))
        assert not lab.deliver(user, message("Letter", "shop@shop.example"))
        sync(lab, profile)
        assert set(rows(lab, profile, "INBOX")) == {"Invoice of old", "Letter"}
        moved = rows(lab, profile, "Shops")["Invoice 1"]
        assert moved["flags"] == ["\\Seen", "$label2"]
        shown = lab.mua("show", moved["id"], profile=profile).ok()
        assert (
            shown["rules"]
            == "The rule “Shops” moved it to Shops and tagged it $label2. The rule “Read” marked it as read."
        )
        if kind == "imap":
            until(lambda: len(lab.messages(user, "Shops")) == 1, "the message on the server")
            [(_, flags)] = lab.messages(user, "Shops").values()
            assert flags == {"\\Seen", "$label2"}
        lab.mua("act", "move", moved["id"], "--to", "INBOX", profile=profile).ok()  # a person's word is the last
        sync(lab, profile)
        assert "Invoice 1" in rows(lab, profile, "INBOX")
        lab.mua("rule", "off", "Shops", profile=profile).ok()
        lab.mua("rule", "remove", "Read", profile=profile).ok()
        assert not lab.deliver(user, message("Invoice 2", "shop@shop.example"))
        sync(lab, profile)
        assert rows(lab, profile, "INBOX")["Invoice 2"]["flags"] == []


@pytest.mark.msa
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_rule_forwards_goes_once_and_never_round(lab: Lab, profile: Path, kind: str) -> None:
    user, boss = lab.user("ruled"), lab.user("boss")
    lab.add_account(profile, user, kind=kind).ok()
    with lab.engine(profile):
        sync(lab, profile)
        lab.mua(
            "rule", "add", "To boss", "--if", "subject:o", "--then", f"forward:{boss.address}", profile=profile
        ).ok()
        again = message("Hello boss", "ada@shop.example", "Päper.\n", message_id="<one@shop.example>")
        for raw in (
            again,
            again,
            message("Robot", "robot@shop.example", auto_submitted="auto-generated"),
            message("Forwarded before", "eve@shop.example", x_mua_rule="Other"),
            message("From the boss", boss.address),
        ):
            assert not lab.deliver(user, raw)
        sync(lab, profile)
        until(lambda: lab.raw_messages(boss), "the forwarded message")
        until(lambda: not lab.mua("outbox", profile=profile).ok(), "an empty outbox")
        [raw] = lab.raw_messages(boss).values()
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert (parsed["subject"], parsed["auto-submitted"], parsed["x-mua-rule"]) == (
        "Fwd: Hello boss", "auto-generated", "To boss",
    )  # fmt: skip
    [inside] = list(parsed.iter_attachments())
    assert b"<one@shop.example>" in bytes(inside.get_payload(decode=True) or inside.as_bytes())
