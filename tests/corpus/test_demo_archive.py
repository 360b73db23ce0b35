"""The same archive from the demo server as from Dovecot (``live/test_archive``): each octet of it, in every folder."""

from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from archive import archive, stored
from commands import Mua
from demo_server import house

from mua.demo.mailbox import Mailbox

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_copies_in_deep_folders(tmp_path: Path, shared: Callable[[str], Path]) -> None:
    shared("corpora")
    mailbox, wanted = Mailbox(), dict[str, Counter[bytes]]()
    for name, mail in archive(every=10):  # all three whole: live/test_archive
        folder = mailbox.create(name.replace(".", "/"))
        for number, raw in enumerate(mail):
            folder.add(raw, 1_700_000_000 + number)
        wanted[folder.name] = Counter(sha256(raw).digest() for raw in mail)
    mua = Mua(tmp_path / "profile")
    with house(mailbox) as servers, mua.engine():
        words = ["--imap", f"127.0.0.1:{servers.imap_port}", "--imap-security", "none", "--user", servers.login.user]
        mua.json(
            *("account", "add", "--name", "demo", "--email", servers.login.user, *words, "--password-stdin"),
            stdin=f"{servers.login.password}\n".encode(),
        )
        rows = {row["folder"]: row for row in mua.json("sync", "--until-complete")}
    here = stored(mua.profile, lambda folder: folder.name in wanted)
    for name, there in wanted.items():
        assert here[name] == there, name
        numbers = [rows[name][key] for key in ("on_server", "in_store", "with_body", "indexed")]
        assert numbers == [there.total()] * 4, name
