"""Junk learned from a person's acts and judged when it comes, by IMAP and POP; undone, and switched off."""

import random
from pathlib import Path

import pytest
from lab import Lab, message, until

pytestmark = pytest.mark.live

JUNK = "cheap pills winner lottery casino prize claim urgent inheritance bonus".split()
GOOD = "meeting invoice tomorrow train dinner project draft review garden lunch".split()


def letters(kind: str, number: int, rng: random.Random) -> list[bytes]:
    vocabulary = JUNK if kind == "junk" else GOOD
    return [
        message(f"{kind} {one}", f"{kind}{one}@{kind}.example", " ".join(rng.choices(vocabulary, k=30)) + "\n")
        for one in range(number)
    ]


def rows(lab: Lab, profile: Path, folder: str) -> dict[str, str]:
    return {row["subject"]: row["id"] for row in lab.mua("list", folder, profile=profile).ok()}


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_what_was_marked_teaches(lab: Lab, profile: Path, kind: str) -> None:
    user, rng = lab.user("learner"), random.Random(4)
    lab.add_account(profile, user, kind=kind).ok()
    lab.fill(user, letters("junk", 16, rng) + letters("good", 17, rng))
    with lab.engine(profile):
        lab.mua("sync", "--until-complete", profile=profile).ok()
        known = rows(lab, profile, "INBOX")
        bad = [one for subject, one in known.items() if subject.startswith("junk")]
        good = [one for subject, one in known.items() if subject.startswith("good")]
        lab.mua("act", "junk", *bad, profile=profile).ok()
        lab.mua("act", "archive", *good, profile=profile).ok()
        until(lambda: lab.mua("junk", profile=profile).ok()["good"] == 17, "what was kept is learned")
        until(lambda: lab.mua("junk", profile=profile).ok()["junk"] == 16, "what was marked is learned")
        lab.mua("undo", profile=profile).ok()
        until(lambda: lab.mua("junk", profile=profile).ok()["good"] == 0, "what was taken back is forgotten")
        lab.mua("act", "archive", *good, profile=profile).ok()
        until(lambda: lab.mua("junk", profile=profile).ok()["judging"], "enough")
        (spam,) = letters("junk", 1, random.Random(77))
        (mail,) = letters("good", 1, random.Random(77))
        assert not lab.deliver(user, spam.replace(b"junk 0", b"Fresh junk"))
        assert not lab.deliver(user, mail.replace(b"good 0", b"Fresh mail"))
        lab.mua("sync", "--until-complete", profile=profile).ok()
        until(lambda: "Fresh junk" in rows(lab, profile, "Junk"), "the junk where it belongs")
        assert set(rows(lab, profile, "INBOX")) == {"Fresh mail"}
        one = rows(lab, profile, "Junk")["Fresh junk"]
        assert "resembles what you marked" in lab.mua("show", one, profile=profile).ok()["rules"]
        lab.mua("act", "notjunk", one, profile=profile).ok()
        assert "Fresh junk" in rows(lab, profile, "INBOX")
        lab.mua("junk", "off", profile=profile).ok()
        assert not lab.deliver(user, spam.replace(b"junk 0", b"More junk"))
        lab.mua("sync", "--until-complete", profile=profile).ok()
        assert "More junk" in rows(lab, profile, "INBOX")
