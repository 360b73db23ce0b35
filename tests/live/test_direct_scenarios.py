"""How domains and exchangers go wrong, through ``mua send --direct --wait --json``: each recipient's verdict.

Names are looked up by a real resolver; the exchangers are those of ``lab_exchangers``.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Lab, message

pytestmark = pytest.mark.live

SENT, LATER, NO, UNKNOWN = "accepted", "deferred", "refused", "unknown"
THREE = ("alice", "bob", "carol")

VERDICTS = {  # domain: each one's state, and how the first one's words begin
    # where mail goes
    "good.evil.test": (SENT, ""),
    "prefs.evil.test": (SENT, ""),
    "equal.evil.test": (SENT, ""),
    "nullmx.evil.test": (NO, "5.1.10"),
    "mixednull.evil.test": (NO, "5.1.10"),
    "mxcname.evil.test": (SENT, ""),
    "implicit.evil.test": (SENT, ""),
    "implicit6.evil.test": (SENT, ""),
    "empty.evil.test": (NO, "5.4.4"),
    "nosuch.evil.test": (NO, "5.1.2"),
    "absent.test": (NO, "5.1.2"),
    "servfail.evil.test": (LATER, "4.4.3"),
    "refused.evil.test": (LATER, "4.4.3"),
    "mxservfail.evil.test": (LATER, "4.4.3"),
    "nothing.silent.test": (LATER, "4.4.3"),
    "mx.silent.test": (LATER, "4.4.3"),
    "flaky.evil.test": (SENT, ""),
    "trunc.evil.test": (SENT, ""),
    "big.evil.test": (LATER, "4.4.1"),
    "mxnx.evil.test": (NO, "5.4.4"),
    "mxnxgood.evil.test": (SENT, ""),
    "mxip.evil.test": (NO, "5.4.4"),
    "alldead.evil.test": (LATER, "4.4.1"),
    "many.evil.test": (SENT, ""),
    "hole.evil.test": (SENT, ""),
    "halfdead.evil.test": (SENT, ""),
    "v6fallback.evil.test": (SENT, ""),
    "six.evil.test": (SENT, ""),
    "alias.evil.test": (SENT, ""),
    "selfloop.evil.test": (NO, "5.4.6"),
    "bücher.evil.test": (SENT, ""),
    # what it meets there
    "notls.evil.test": (SENT, ""),
    "expired.evil.test": (SENT, ""),
    "wrongname.evil.test": (SENT, ""),
    "badtls.evil.test": (SENT, ""),
    "tlsgone.evil.test": (LATER, "4.7.0 TLS not available"),
    "inject.evil.test": (LATER, "4.7.5"),
    "greylist.evil.test": (LATER, "4.2.0 greylisted"),
    "drop421.evil.test": ((LATER, LATER, LATER), "4.4.2 closing"),
    "dotdrop.evil.test": (UNKNOWN, "The connection was lost while"),
    "dotdrop2.evil.test": (UNKNOWN, "The connection was lost while"),
    "dotpair.evil.test": (UNKNOWN, "The connection was lost while"),
    "dot2pair.evil.test": (UNKNOWN, "The connection was lost while"),
    "dot452.evil.test": (LATER, "4.3.1 no room"),
    "dot552.evil.test": (NO, "5.3.4 too large"),
    "dot354.evil.test": (UNKNOWN, "The connection was lost while"),
    "bodydrop.evil.test": (LATER, "4.4.2"),
    "bodypair.evil.test": (SENT, ""),
    "partial.evil.test": ((SENT, NO, LATER), ""),
    "toomany.evil.test": ((SENT, LATER, SENT), ""),
    "toobig.evil.test": (NO, "5.3.4"),
    "mail451.evil.test": (LATER, "4.7.1 policy"),
    "mailpair.evil.test": (SENT, ""),
    "mail550.evil.test": (NO, "5.7.1 not from you"),
    "finalpair.evil.test": (NO, "5.7.1 not from you"),
    "data452.evil.test": (LATER, "4.3.1 no room"),
    "data554.evil.test": (NO, "5.7.1 no"),
    "early421.evil.test": (LATER, "4.3.2 busy"),
    "busypair.evil.test": (SENT, ""),
    "reject554.evil.test": (LATER, "5.7.1 blocked"),
    "blockpair.evil.test": (SENT, ""),
    "rst.evil.test": (LATER, "4.4.2"),
    "nosmtp.evil.test": (LATER, "4.4.2"),
    "slowbanner.evil.test": (SENT, ""),
    "tarpit.evil.test": (SENT, ""),
    "ehlo500.evil.test": (SENT, ""),
    "odd.evil.test": (SENT, ""),
    "no8bit.evil.test": (SENT, ""),
    "multiline.evil.test": (SENT, ""),
    "changing.evil.test": (LATER, "4.4.2"),
    "longline.evil.test": (SENT, ""),
    "endless.evil.test": (LATER, "4.4.2"),
    "wordy.evil.test": (LATER, "4.4.2"),
    "lfonly.evil.test": (SENT, ""),
    "chunking.evil.test": (SENT, ""),
}


@pytest.fixture(scope="module")
def sender(_laboratory: Lab) -> Iterator[Path]:
    """A profile whose account delivers by itself, its engine running."""
    profile = _laboratory.profile()
    with _laboratory.engine(profile, patience=8.0):  # one of the exchangers does not answer
        _laboratory.start_exchangers()
        user = _laboratory.user("alice")
        options = {"smtp": None, "smtp_security": None, "direct": True, "allow_private_mx": True, "local": True}
        _laboratory.add_account(profile, user, kind="local", **options).ok()
        yield profile


def took(lab: Lab, domain: str) -> list[Path]:
    """What every exchanger has for the domain."""
    return sorted(lab.start_exchangers().glob(f"*/*@{domain}"))


@pytest.mark.parametrize("domain", VERDICTS)
def test_each_recipient_has_its_verdict(lab: Lab, sender: Path, domain: str) -> None:
    states, words = VERDICTS[domain]
    states = (states,) if isinstance(states, str) else states
    to = [f"{who}@{domain}" for who in THREE[: len(states)]]
    raw = message("Scenario", body=".\n..dots\n.\n" + "x" * 900 + "\n", to=", ".join(to))
    done = lab.mua("send", "--direct", "--wait", "-", profile=sender, stdin=raw)
    assert done.data is not None, done.explain()
    rows = sorted(done.data["recipients"], key=lambda row: row["address"])
    assert tuple(row["state"] for row in rows) == states, done.explain()
    assert done.code == (0 if set(states) == {SENT} else 1)
    assert rows[0]["text"].startswith(words), rows
    ascii_domain = domain.encode("idna").decode()
    copies = {path.name.partition("-")[2]: path.read_bytes() for path in took(lab, ascii_domain)}
    known = {f"{who}@{ascii_domain}": state for who, state in zip(THREE, states, strict=False)}
    assert {who for who, state in known.items() if state == SENT} <= set(copies)
    assert not [who for who in copies if known[who] not in (SENT, UNKNOWN)]
    assert len(copies) == len(took(lab, ascii_domain)), "somebody has it twice"
    assert all(copy.endswith(b"\r\n.\r\n..dots\r\n.\r\n" + b"x" * 900 + b"\r\n") for copy in copies.values())
