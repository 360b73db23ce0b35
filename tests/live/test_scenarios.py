"""Scenarios of sending (docs/scenarios.md) through the real chain: MSA, Postfix, LMTP, Dovecot, and back by IMAP."""

import random
from pathlib import Path

import pytest
from lab import Lab, User, message, until
from lab_proxy import Proxy

pytestmark = [pytest.mark.live, pytest.mark.msa]

TRICKY = (
    ".\r\n..\r\n...dots\r\n\r\n.\r\n.\r\nQUIT\r\nRSET\r\nBDAT 3 LAST\r\n"
    "line\r\n \r\n\t\r\n" + "y" * 998 + "\r\n" + "." * 998 + "\r\nFrom the start\r\n>From\r\n.\r\n"
)  # fmt: skip


def letter(user: User, to: User, subject: str, body: str) -> bytes:
    return message(subject, user.address, "", to=to.address) + body.encode()


def send(lab: Lab, profile: Path, raw: bytes) -> dict:
    done = lab.mua("send", "-", "--wait", profile=profile, stdin=raw)
    return done.data


def arrived(lab: Lab, user: User) -> list[bytes]:
    until(lambda: lab.raw_messages(user), f"mail for {user.address}")
    return list(lab.raw_messages(user).values())


def dialogue(lab: Lab, profile: Path, outgoing_id: int) -> list[str]:
    told = lab.mua("timeline", outgoing_id, profile=profile).ok()["recipients"][0]
    return told["steps"][-1]["dialogue"]


@pytest.mark.parametrize("repeated", [1, 200], ids=["by DATA", "by BDAT"])
def test_every_octet_of_a_tricky_body_arrives(lab: Lab, profile: Path, account: User, repeated: int) -> None:
    """And nothing behind what looks like an end of the message is taken for a command."""
    bob = lab.user("bob")
    raw = letter(account, bob, "Dots", TRICKY * repeated)
    sent = send(lab, profile, raw)
    assert [one["state"] for one in sent["recipients"]] == ["accepted"]
    (got,) = arrived(lab, bob)
    assert got.endswith(raw)
    said = dialogue(lab, profile, sent["id"])
    assert ("C: ." in said, "C: BDAT 0 LAST" in said) == (repeated == 1, repeated > 1)
    assert said[-1].startswith("S: 250")
    until(lambda: lab.raw_messages(account, "Sent"), "the copy")
    (copy,) = lab.raw_messages(account, "Sent").values()
    assert copy.endswith(raw)


# -- the sent copy


def test_the_copy_comes_later_where_imap_is_down_and_the_mail_is_sent_once(
    lab: Lab, profile: Path, alice: User
) -> None:
    bob = lab.user("bob")
    proxy = lab.proxy(lab.plan.imap)
    lab.add_account(profile, alice, imap=f"{lab.plan.imap_host}:{proxy.port}").ok()
    lab.mua("sync", "--until-complete", profile=profile).ok()
    proxy.refuse()
    sent = send(lab, profile, letter(alice, bob, "Once", "Hello\r\n"))
    assert [one["state"] for one in sent["recipients"]] == ["accepted"]
    assert len(arrived(lab, bob)) == 1
    for _ in range(2):
        lab.stop_engine(profile)
        assert lab.mua("sync", profile=profile).code == 1
        (listed,) = lab.mua("outbox", "--all", profile=profile).ok()
        assert [one["state"] for one in listed["recipients"]] == ["accepted"]
    assert lab.raw_messages(alice, "Sent") == {}
    proxy.resume()
    lab.mua("sync", "--until-complete", profile=profile).ok()
    until(lambda: lab.raw_messages(alice, "Sent"), "the copy")
    lab.mua("sync", "--until-complete", profile=profile).ok()
    assert len(lab.raw_messages(alice, "Sent")) == 1
    assert len(lab.raw_messages(bob)) == 1


@pytest.mark.parametrize("where", ["in the literal", "after the literal"])
def test_an_append_that_is_cut_leaves_one_copy(lab: Lab, profile: Path, alice: User, where: str) -> None:
    """In the literal nothing is stored; after it the server has the copy, and only its answer is lost."""
    bob = lab.user("bob")
    noise = random.Random(66)
    body = (
        "\r\n".join(noise.randbytes(36).hex() for _ in range(20_000)) + "\r\n"
    )  # 1.5 MB, which no COMPRESS shrinks much
    proxy = Proxy(lab.network, lab.plan.imap_ip, lab.plan.imap, rate=400_000)
    try:
        lab.add_account(profile, alice, imap=f"{lab.plan.imap_host}:{proxy.port}").ok()
        lab.mua("sync", "--until-complete", profile=profile).ok()
        with lab.engine(profile):
            lab.mua("sync", profile=profile).ok()
            begun = proxy.upstream
            if where == "after the literal":
                proxy.hold_replies_after(600_000)  # the server's "go ahead" is through, its OK is not
            send(lab, profile, letter(alice, bob, "Cut", body))
            until(lambda: proxy.upstream - begun > 300_000, "the literal to be on its way")
            if where == "after the literal":
                until(lambda: lab.raw_messages(alice, "Sent"), "the copy on the server")
                assert proxy.upstream - begun > 600_000, "the answer was kept back"
            else:
                proxy.stall()
                assert lab.raw_messages(alice, "Sent") == {}
            proxy.cut()
            proxy.resume()
            proxy.rate = 0
            lab.mua("sync", "--until-complete", profile=profile).ok()
            until(lambda: lab.raw_messages(alice, "Sent"), "the copy")
            lab.mua("sync", "--until-complete", profile=profile).ok()
            (copy,) = lab.raw_messages(alice, "Sent").values()
            assert copy.endswith(body.encode())
            assert len(lab.mua("list", "Sent", profile=profile).ok()) == 1
    finally:
        proxy.close()
