"""Large mail through a whole engine: memory does not grow with it, and what a server does not take stays here."""

import os
from pathlib import Path

import pytest
from lab import Lab, Run, User, until
from memory import Peak, pss

pytestmark = [pytest.mark.live, pytest.mark.msa]

MORE = 90  # MB over idle, for an engine and its indexer, whatever the size of the message


def compose(lab: Lab, profile: Path, to: User, *attached: Path) -> Run:
    files = [word for one in attached for word in ("--attach", one)]
    words = ("--to", to.address, "--subject", "The film", "--body", "See here.", *files, "--wait")
    return lab.mua("compose", *words, profile=profile, timeout=120)


def test_a_large_attachment_is_sent_and_filed_in_little_memory(lab: Lab, profile: Path, account: User) -> None:
    bob = lab.user("bob")
    film = lab.folder / "film.bin"
    film.write_bytes(os.urandom(40_000_000))
    lab.stop_engine(profile)
    with lab.engine(profile) as engine:
        compose(lab, profile, bob).ok()
        lab.mua("sync", profile=profile).ok()
        idle = pss(engine.pid)
        with Peak(engine.pid) as peak:
            told = compose(lab, profile, bob, film).ok()
            lab.mua("sync", "--until-complete", profile=profile, timeout=120).ok()
            filed = until(lambda: [raw for raw in lab.raw_messages(account, "Sent").values() if len(raw) > 1e6], "copy")
        assert [one["state"] for one in told["recipients"]] == ["accepted"]
        assert len(filed) == 1
        assert len(filed[0]) == told["size"] > 54_000_000
        assert peak.most - idle < MORE, f"{peak.most:.0f} MB, {idle:.0f} MB when idle"
    film.unlink()


def test_a_message_of_150_megabytes_is_received_in_little_memory(lab: Lab, profile: Path, account: User) -> None:
    lab.mua("sync", "--until-complete", profile=profile).ok()
    line = b"0123456789" * 7 + b"xxxx\r\n"
    count = 150_000_000 // len(line)
    head = b"Subject: The long film\r\n\r\n"
    lab.stop_engine(profile)
    with lab.engine(profile) as engine:
        lab.mua("sync", profile=profile).ok()
        idle = pss(engine.pid)
        lab.fill(account, [head + line * count])
        with Peak(engine.pid) as peak:
            lab.mua("sync", "--until-complete", profile=profile, timeout=200).ok()
        [file] = (profile / "big").glob("*.eml")
        assert file.stat().st_size == len(head) + count * len(line)
        assert not list((profile / "big").glob("*.part"))
        assert peak.most - idle < MORE, f"{peak.most:.0f} MB, {idle:.0f} MB when idle"


def test_what_is_larger_than_the_server_takes_is_not_uploaded(lab: Lab, profile: Path, account: User) -> None:
    film = lab.folder / "long-film.bin"
    film.write_bytes(bytes(50_000_000))
    done = compose(lab, profile, lab.user("bob"), film)
    film.unlink()
    (recipient,) = done.data["recipients"]
    assert (recipient["state"], recipient["phase"]) == ("refused", "mail")
    assert recipient["text"].startswith("5.3.4")
    assert "takes at most 60,000,000 octets" in recipient["text"]
    (step,) = lab.mua("timeline", done.data["id"], profile=profile).ok()["recipients"][0]["steps"]
    assert not any("MAIL FROM" in line or "octets of message" in line for line in step["dialogue"])


def test_a_message_for_which_there_is_no_room_is_refused_in_one_sentence(lab: Lab, alice: User) -> None:
    profile = lab.small_disk("6m") / "profile"
    lab.add_account(profile, alice).ok()
    film = lab.folder / "wide-film.bin"
    film.write_bytes(bytes(9_000_000))
    done = compose(lab, profile, lab.user("bob"), film)
    film.unlink()
    assert "The disk of this computer is full, so the message was not sent" in done.failed("disk-full")
    assert lab.mua("outbox", "--all", profile=profile).ok() == []
    assert not list((profile / "big").glob("outgoing-*"))
    lab.stop_engine(profile)
