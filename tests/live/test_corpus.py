"""Two thousand awkward and ordinary messages through a real server: each listed, each byte for byte, none raised."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from corpora import letters as collected
from lab import Lab, User
from mailgen import letters

from mua.paths import Profile
from mua.store.blobs import Bodies

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(900)]

COUNT = 2000


def test_two_thousand_messages(lab: Lab, profile: Path, account: User, shared: Callable[[str], Path]) -> None:
    shared("corpora")
    awkward = collected()
    answers = lab.deliver_all(account, (raw for _, raw in awkward))
    refused = {name: answer for (name, _), answer in zip(awkward, answers, strict=True) if answer}
    lab.fill(account, [letter.raw for letter in letters(COUNT - len(awkward) + len(refused))])
    print(f"{len(awkward)} collected, {len(refused)} refused by LMTP: {refused}")
    assert len(refused) < 20
    held = lab.raw_messages(account)
    assert len(held) >= COUNT

    done = lab.mua("sync", "--until-complete", profile=profile, timeout=600)
    inbox = next(row for row in done.ok() if row["folder"] == "INBOX")
    assert [inbox[key] for key in ("on_server", "in_store", "with_body", "indexed")] == [len(held)] * 4
    assert "Traceback" not in done.stderr

    rows = lab.mua("list", "INBOX", "--limit", 10 * COUNT, profile=profile).ok()
    assert {row["uid"]: row["size"] for row in rows} == {uid: len(raw) for uid, raw in held.items()}
    uids = [row["uid"] for row in rows]
    with closing(Bodies(Profile(profile), readonly=True)) as bodies:
        wrong = [row["uid"] for row in rows if bodies.get(row["id"]) != held[row["uid"]]]
    assert not wrong, f"{len(wrong)} are not what the server holds, by UID: {wrong[:20]}"
    views = lab.mua_many((("show", row["id"], "--json") for row in rows), profile)
    failed = [(uid, run.explain()) for uid, run in zip(uids, views, strict=True) if run.code or run.stderr]
    assert not failed, f"{len(failed)} raised or complained: {failed[0]}"
