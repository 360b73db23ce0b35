"""The corpus benchmark: agreement with what other projects expect, and speed against the standard library in one run.

Prints the table and, with ``--write``, puts it into docs/corpus.md.  ``./run bench corpus`` calls this.
"""

import argparse
import email
import email.policy
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import agreement  # noqa: E402 - the path is set above
import agreement_more  # noqa: E402
import corpora  # noqa: E402
from extraction import ours, ratio, their_envelope, theirs  # noqa: E402

from mua.mime.headers import envelope  # noqa: E402
from mua.mime.message import find_part, parse  # noqa: E402
from mua.mime.scan import decode, scan  # noqa: E402

SAMPLE = 1800
_BIG = 10_000_000
ORACLES = (
    ("stalwart mail-parser", agreement.stalwart),
    ("stalwart mail-parser, single fields", agreement_more.fields),
    ("mailcore2", agreement.mailcore),
    ("mailcore2, texts without a label", agreement_more.charsets),
    ("MimeKit, its mailboxes", agreement_more.mimekit),
    ("MimeKit, winmail.dat", agreement_more.tnef),
    ("flanker, valid mailboxes", agreement_more.flanker),
)
_HEADER = """# How mail is read: agreement and speed

Made by `./run bench corpus`; do not edit. *Values*: compared with what the project that collected the mails expects.
*Righter*: the two differ and there is a reason why ours is kept (below). *Open*: they differ and neither is claimed.
"""


def main() -> int:
    """Print the tables; 0, or 1 when the corpora are not here."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--write", action="store_true", help="write docs/corpus.md too")
    chosen = arguments.parse_args()
    if not agreement.available():
        print("the shared corpora are not here", file=sys.stderr)
        return 1
    text = _HEADER + _agreement() + _speed()
    print(text)
    if chosen.write:
        (ROOT / "docs" / "corpus.md").write_text(text, "utf-8")
    return 0


def _agreement() -> str:
    lines, reasons = [], {}
    for name, oracle in ORACLES:
        compared = list(oracle())
        lines += [f"\n## {name}\n", "| | values | equal | righter | open |", "|---|---|---|---|---|"]
        lines += [f"| {' | '.join(map(str, row))} |" for row in agreement.table(compared)]
        for one in compared:
            if one.reason:
                reasons.setdefault(one.reason, []).append(_in_one_line(one.mail))
    lines += ["\n## Where ours differs, and why\n"]
    lines += [f"- {why} ({len(mails)}, for one {mails[0]})" for why, mails in reasons.items()]
    return "\n".join(lines) + "\n"


def _in_one_line(mail: str) -> str:
    """A mail's name, or the field that is the whole of it."""
    return f"`{line[:60]}`" if (line := " ".join(mail.replace("`", "").split())) != mail or " " in mail else mail


def _speed() -> str:
    mails = [raw for _, raw in corpora.distinct()][:SAMPLE]
    size = sum(map(len, mails)) / 1e6
    big = [_big_mail()]
    rows = [
        ("structure only", ratio(mails, _scan_all, _stdlib_parse)),
        ("everything taken out: subject, date, addresses, texts, attachments", ratio(mails, ours, theirs)),
        ("the same, and all that Mua tells of a mail beside (`parse`)", ratio(mails, _parse_all, theirs)),
        ("header only, cut at the empty line", ratio(mails, _ours_header, _stdlib_header)),
        ("structure of one mail of 10 MB", ratio(big, _scan_all, _stdlib_parse)),
        ("everything taken out of one mail of 10 MB", ratio(big, ours, theirs)),
    ]
    lines = [f"\n## Speed\n\n{len(mails)} mails, {size:.0f} MB; how many times faster than `email` with compat32.\n"]
    lines += ["| | times faster |", "|---|---|"]
    return "\n".join(lines + [f"| {name} | {times:.1f} |" for name, times in rows]) + "\n"


def _scan_all(mails: Sequence[bytes]) -> None:
    for raw in mails:
        scan(raw)


def _stdlib_parse(mails: Sequence[bytes]) -> None:
    for raw in mails:
        email.message_from_bytes(raw, policy=email.policy.compat32)


def _parse_all(mails: Sequence[bytes]) -> None:
    for raw in mails:
        parsed = parse(raw)
        for attachment in parsed.attachments:
            part = find_part(parsed.root, attachment.part)
            if part is not None:
                decode(raw, part)


def _ours_header(mails: Sequence[bytes]) -> None:
    for raw in mails:
        envelope(_head(raw))


def _stdlib_header(mails: Sequence[bytes]) -> None:
    for raw in mails:
        their_envelope(email.message_from_bytes(_head(raw), policy=email.policy.compat32))


def _head(raw: bytes) -> bytes:
    ends = [end for end in (raw.find(b"\n\n"), raw.find(b"\n\r\n")) if end >= 0]
    return raw[: min(ends) + 1] if ends else raw


def _big_mail() -> bytes:
    head = b"From: a@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
    line = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\r\n"
    return head + b"Content-Transfer-Encoding: base64\r\n\r\n" + line * (_BIG // len(line)) + b"--b--\r\n"


if __name__ == "__main__":
    raise SystemExit(main())
