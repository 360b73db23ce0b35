"""All collected mail as an archive of a list: three times over, in deep folders with names of other scripts; by POP3.

Rule of the file: what the store holds is compared with what another client reads from the server, each octet of it.
"""

from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from archive import SHELVES, archive, stored
from corpora import letters as collected
from imapclient import imap_utf7
from lab import Lab, User

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(900)]


def held(lab: Lab, user: User, folder: str) -> Counter[bytes]:
    """The same, as the server has it."""
    return Counter(sha256(raw).digest() for raw in lab.raw_messages(user, folder).values())


def levelled(raw: bytes) -> bytes:
    """What POP3 and IMAP have in common: the one ends the last line (RFC 1939 s.3), the other knows no NUL."""
    return (raw if raw.endswith(b"\r\n") else raw + b"\r\n").replace(b"\0", b"\x80")


def test_three_copies_in_deep_folders(lab: Lab, profile: Path, account: User, shared: Callable[[str], Path]) -> None:
    shared("corpora")
    lab.stop_engine(profile)  # what comes behind Dovecot's back in the second after a look is not in what it lists next
    wire, client = {}, lab.imap(account)
    for folder, mail in archive():
        wire[folder] = imap_utf7.encode(folder).decode()
        client.create(f'"{wire[folder]}"')
        lab.fill(account, mail, wire[folder])
    client.logout()
    rows = {row["folder"]: row for row in lab.mua("sync", "--until-complete", profile=profile, timeout=600).ok()}
    here = stored(profile, lambda folder: folder.name in wire)
    assert here.keys() == wire.keys()
    for folder, name in wire.items():
        there = held(lab, account, name)
        assert here[folder] == there, folder
        numbers = [rows[folder][key] for key in ("on_server", "in_store", "with_body", "indexed")]
        assert numbers == [there.total()] * 4, folder
    assert sum(count.total() for count in here.values()) == len(SHELVES) * len(collected())


def test_all_of_it_by_pop3(lab: Lab, profile: Path, shared: Callable[[str], Path]) -> None:
    shared("corpora")
    user = lab.user("polly")
    lab.fill(user, [raw for _, raw in collected()])
    with lab.engine(profile):
        lab.add_account(profile, user, kind="pop3").ok()
        rows = lab.mua("sync", "--until-complete", profile=profile, timeout=600).ok()
    inbox = next(row for row in rows if row["folder"].upper() == "INBOX")
    there = Counter(sha256(levelled(raw)).digest() for raw in lab.raw_messages(user).values())
    assert [inbox[key] for key in ("on_server", "in_store", "with_body", "indexed")] == [there.total()] * 4
    [here] = stored(profile, lambda folder: folder.name.upper() == "INBOX", levelled).values()
    assert here == there
