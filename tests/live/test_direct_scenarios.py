"""How domains and exchangers go wrong, through ``mua send --direct --wait --json``: each recipient's verdict.

Names are looked up by a real resolver; the exchangers are those of ``lab_exchangers``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import Lab, Run, message

pytestmark = pytest.mark.live

Row = dict[str, Any]
BODY = ".\n..dots\n.\n" + "x" * 900 + "\n"
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
    "tlsgone.evil.test": (SENT, ""),
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


TOGETHER = {  # the same, for recipients of one message: what lies behind the first reply of each command
    "bytewise.evil.test": (SENT, ""),
    "wordless.evil.test": (SENT, ""),
    "twobanners.evil.test": (LATER, "4.4.2"),
    "allatonce.evil.test": (LATER, "4.4.2"),
    "code120.evil.test": (LATER, "4.4.2"),
    "code354.evil.test": (LATER, "4.4.2"),
    "code600.evil.test": (LATER, "4.4.2"),
    "longbanner.evil.test": (SENT, ""),
    "lines.evil.test": (SENT, ""),
    "nosize.evil.test": (SENT, ""),
    "anysize.evil.test": (SENT, ""),
    "tlsagain.evil.test": (SENT, ""),
    "tlsclosed.evil.test": (SENT, ""),
    "tlsreset.evil.test": (SENT, ""),
    "tlsbye.evil.test": (SENT, ""),
    "ehlo421.evil.test": (LATER, "4.3.2 shutting down"),
    "mail421.evil.test": (LATER, "4.3.2 shutting down"),
    "closingpair.evil.test": (SENT, ""),
    "grey451.evil.test": (LATER, "4.7.1 greylisted"),
    "grey421.evil.test": (LATER, "4.7.0 greylisted"),
    "data421.evil.test": (LATER, "4.3.2 shutting down"),
    "dot421.evil.test": (LATER, "4.3.2 shutting down"),
    "dot421pair.evil.test": (LATER, "4.3.2 shutting down"),
    "ehlorst.evil.test": (LATER, "4.4.2"),
    "mailrst.evil.test": (LATER, "4.4.2"),
    "rcptrst.evil.test": (LATER, "4.4.2"),
    "datarst.evil.test": (LATER, "4.4.2"),
    "bodyrst.evil.test": (LATER, "4.4.2"),
    "rstpair.evil.test": (SENT, ""),
    "dotrst.evil.test": (UNKNOWN, "The connection was lost while"),
    "dotrstpair.evil.test": (UNKNOWN, "The connection was lost while"),
    "octets.evil.test": ((SENT, NO, SENT), ""),
    "stray.evil.test": ((LATER, LATER, LATER), "4.4.2"),
    "straypair.evil.test": ((SENT, SENT, SENT), ""),
    "straylast.evil.test": ((LATER, LATER, LATER), "4.4.2"),
    "strayrcpt.evil.test": ((LATER, LATER, LATER), "4.4.2"),
    "early250.evil.test": (LATER, "4.4.2"),
    "twice250.evil.test": (SENT, ""),
    "dotmixed.evil.test": (UNKNOWN, "The connection was lost while"),
    "mail354.evil.test": (LATER, "4.4.2"),
    "mail354pair.evil.test": (SENT, ""),
    "tls502.evil.test": (SENT, ""),
    "novel.evil.test": ((LATER, LATER, LATER), "4.3.0 xxx"),
    "crossed.evil.test": ((SENT, NO, LATER), ""),
    "onefails.evil.test": (SENT, ""),
    "itself.evil.test": (NO, "5.4.4"),
    "circle.evil.test": (LATER, "4.4.3"),
    "six6.evil.test": (LATER, "4.4.1"),
    "last.evil.test": (SENT, ""),
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


def recipients(domain: str, states: str | tuple[str, ...]) -> list[str]:
    """One for each state."""
    return [f"{who}@{domain}" for who in THREE[: 1 if isinstance(states, str) else len(states)]]


def send(lab: Lab, sender: Path, to: list[str]) -> Run:
    """Send one message with dots at its edges, and wait."""
    raw = message("Scenario", body=BODY, to=", ".join(to))
    return lab.mua("send", "--direct", "--wait", "-", profile=sender, stdin=raw)


def judge(lab: Lab, domain: str, rows: list[Row], states: str | tuple[str, ...], words: str) -> None:
    """What was told is what was expected, and what the exchangers have is what was told."""
    states = (states,) if isinstance(states, str) else states
    rows = sorted(rows, key=lambda row: row["address"])
    assert tuple(row["state"] for row in rows) == states, rows
    assert rows[0]["text"].startswith(words), rows
    ascii_domain = domain.encode("idna").decode()
    copies = {path.name.partition("-")[2]: path.read_bytes() for path in took(lab, ascii_domain)}
    known = {f"{who}@{ascii_domain}": state for who, state in zip(THREE, states, strict=False)}
    assert {who for who, state in known.items() if state == SENT} <= set(copies)
    assert not [who for who in copies if known[who] not in (SENT, UNKNOWN)]
    assert len(copies) == len(took(lab, ascii_domain)), "somebody has it twice"
    wire = BODY.replace("\n", "\r\n").encode()
    assert all(copy.endswith(b"\r\n" + wire) for copy in copies.values())


@pytest.mark.parametrize("domain", VERDICTS)
def test_each_recipient_has_its_verdict(lab: Lab, sender: Path, domain: str) -> None:
    states, words = VERDICTS[domain]
    done = send(lab, sender, recipients(domain, states))
    assert done.data is not None, done.explain()
    assert done.code == (0 if {states} <= {SENT, (SENT,) * len(states)} else 1)
    judge(lab, domain, done.data["recipients"], states, words)


@pytest.fixture(scope="module")
def together(_laboratory: Lab, sender: Path) -> list[Row]:
    """What became of one message to all of them at once, and of each of its recipients."""
    for domain in TOGETHER:
        for path in took(_laboratory, domain):  # where other tests came in between, this is done once more
            path.unlink()
    to = [one for domain, (states, _) in TOGETHER.items() for one in recipients(domain, states)]
    done = send(_laboratory, sender, to)
    assert done.code == 1, done.explain()
    rows: list[Row] = done.data["recipients"]
    return rows


@pytest.mark.parametrize("domain", TOGETHER)
def test_one_message_to_all_of_them(lab: Lab, together: list[Row], domain: str) -> None:
    states, words = TOGETHER[domain]
    judge(lab, domain, [row for row in together if row["address"].endswith(f"@{domain}")], states, words)
