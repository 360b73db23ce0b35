"""What programs note about mail, spoilt by a seed: it is read or it is not, and nothing goes wrong."""

import io
import plistlib
import random
import struct

from mua.mime import marks, mbox, partial
from mua.plan import thunderbird

NOTED = b"X-Mozilla-Status: 0005\nX-Mozilla-Status2: 02000000\nX-Mozilla-Keys: $label2 a\nStatus: RO\nX-Status: AF\n\n"
MBOX = (b"From a@b Mon Jan  5 10:00:00 2026 +0100\nContent-Length: 12\n\n>From x\nabc\n\n") * 3
PLIST = plistlib.dumps({"flags": 1 << 24, "date-received": 1.5e9, "x": [1, {"y": b"z"}]})
PREFS = 'user_pref("mail.accountmanager.accounts", "a");\nuser_pref("mail.account.a.server", "s");\n' * 3


def spoilt(data: bytes, chance: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(made) + 1)
        made[at : at + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
    return bytes(made)


def test_spoilt_notes_are_no_notes() -> None:
    chance = random.Random(20261130)
    for _ in range(1500):
        marks.in_header(spoilt(NOTED, chance))
        marks.without_notes(spoilt(NOTED, chance))
        marks.of_maildir(spoilt(b"17.x:2,FSab", chance).decode("latin-1"), ["a"])
        marks.of_mh(spoilt(b"unseen: 1-3 7\nflagged: 2\n", chance).decode("latin-1"), b"")
        marks.of_mh("", spoilt(struct.pack("=5I", 2, 1, 2, 2, 4), chance))
        partial.filled(spoilt(b"X-Apple-Content-Length: 3\n\n", chance), {"1": b"x"})
        thunderbird.read(spoilt(PREFS.encode(), chance).decode("latin-1"))
        try:
            raw, _ = marks.emlx(spoilt(b"5\nabc\n\n" + PLIST, chance))
        except ValueError:
            continue
        assert raw is not None


def test_a_spoilt_mbox_is_read_to_its_end_in_every_dialect() -> None:
    chance = random.Random(20261130)
    for _ in range(400):
        data = spoilt(MBOX, chance)
        for dialect in mbox.Dialect:
            for one in mbox.cuts(io.BytesIO(data), dialect, limit=60):
                mbox.date_of(one.separator)
                assert one.raw is None or len(one.raw) <= 60


def test_a_plist_that_grows_or_names_files_is_no_note() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><plist><dict><key>flags</key>'
    raw, noted = marks.emlx(b"2\nx\n" + bomb + b"<string>&b;</string></dict></plist>")
    assert (raw, noted.flags) == (b"x\n", 0)


def test_a_date_in_a_separator_counts_with_its_zone() -> None:
    assert mbox.date_of(b"From a@b Mon Jan  5 10:00:00 2026\n") == 1767607200
    assert mbox.date_of(b"From a@b Mon Jan  5 10:00:00 2026 +0100\n") == 1767603600
    assert mbox.date_of(b"From a@b Mon Jan  5 10:00:00 -0500 2026\n") == 1767625200
    assert mbox.date_of(b"From - Thu Jan  1 00:00:00 1970\n") is None
    assert mbox.date_of(b"From a@b Mon Jan 55 10:00:00 2026\n") is None
