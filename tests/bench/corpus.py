"""The corpus benchmark: agreement with what other projects expect, and speed against the standard library in one run.

Prints the table and, with ``--write``, puts it into docs/corpus.md.  ``./run bench corpus`` calls this.
"""

import argparse
import email
import email.errors
import email.header
import email.message
import email.policy
import email.utils
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import agreement  # noqa: E402 - the path is set above
import corpora  # noqa: E402

from mua.mime.headers import envelope  # noqa: E402
from mua.mime.message import find_part, parse  # noqa: E402
from mua.mime.scan import decode, scan  # noqa: E402

SAMPLE = 1800
_BIG = 10_000_000
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
    for name, oracle in (("stalwart mail-parser", agreement.stalwart), ("mailcore2", agreement.mailcore)):
        compared = list(oracle())
        lines += [f"\n## {name}\n", "| | values | equal | righter | open |", "|---|---|---|---|---|"]
        lines += [f"| {' | '.join(map(str, row))} |" for row in agreement.table(compared)]
        for one in compared:
            if one.reason:
                reasons.setdefault(one.reason, []).append(one.mail)
    lines += ["\n## Where ours differs, and why\n"]
    lines += [f"- {why} ({len(mails)}, for one {mails[0]})" for why, mails in reasons.items()]
    return "\n".join(lines) + "\n"


def _speed() -> str:
    mails = [raw for _, raw in corpora.distinct() if b"\n" in raw][:SAMPLE]
    size = sum(map(len, mails)) / 1e6
    rows = [
        ("structure only", _ratio(mails, _scan_all, _stdlib_parse)),
        ("everything: subject, addresses, texts, attachments decoded", _ratio(mails, _ours_full, _stdlib_full)),
        ("header only, cut at the empty line", _ratio(mails, _ours_header, _stdlib_header)),
    ]
    big = _big_mail()
    rows.append(("structure of one mail of 10 MB", _ratio([big], _scan_all, _stdlib_parse)))
    lines = [f"\n## Speed\n\n{len(mails)} mails, {size:.0f} MB; how many times faster than `email` with compat32.\n"]
    lines += ["| | times faster |", "|---|---|"]
    return "\n".join(lines + [f"| {name} | {ratio:.1f} |" for name, ratio in rows]) + "\n"


def _ratio(mails: list[bytes], ours: Callable[[list[bytes]], None], theirs: Callable[[list[bytes]], None]) -> float:
    """Time of ``theirs`` over time of ``ours``, taken in turns, the best of three each."""
    pairs = [(_seconds(ours, mails), _seconds(theirs, mails)) for _ in range(3)]
    return min(pair[1] for pair in pairs) / min(pair[0] for pair in pairs)


def _seconds(work: Callable[[list[bytes]], None], mails: list[bytes]) -> float:
    start = time.process_time()
    work(mails)
    return time.process_time() - start


def _scan_all(mails: list[bytes]) -> None:
    for raw in mails:
        scan(raw)


def _stdlib_parse(mails: list[bytes]) -> None:
    for raw in mails:
        email.message_from_bytes(raw, policy=email.policy.compat32)


def _ours_header(mails: list[bytes]) -> None:
    for raw in mails:
        envelope(_head(raw))


def _stdlib_header(mails: list[bytes]) -> None:
    for raw in mails:
        message = email.message_from_bytes(_head(raw), policy=email.policy.compat32)
        _stdlib_envelope(message)


def _head(raw: bytes) -> bytes:
    ends = [end for end in (raw.find(b"\n\n"), raw.find(b"\n\r\n")) if end >= 0]
    return raw[: min(ends) + 1] if ends else raw


def _ours_full(mails: list[bytes]) -> None:
    for raw in mails:
        parsed = parse(raw)
        for attachment in parsed.attachments:
            part = find_part(parsed.root, attachment.part)
            if part is not None:
                decode(raw, part)


def _stdlib_full(mails: list[bytes]) -> None:
    for raw in mails:
        message = email.message_from_bytes(raw, policy=email.policy.compat32)
        _stdlib_envelope(message)
        for part in message.walk():
            if part.is_multipart():
                continue
            data = part.get_payload(decode=True)
            if part.get_content_maintype() == "text" and isinstance(data, bytes):
                try:
                    data.decode(part.get_content_charset() or "ascii", "replace")
                except LookupError:
                    data.decode("latin-1")


def _stdlib_envelope(message: email.message.Message) -> None:
    for name in ("subject", "from", "to", "cc"):
        value = str(message.get(name) or "")
        try:
            str(email.header.make_header(email.header.decode_header(value)))
        except (LookupError, ValueError, email.errors.MessageError):
            continue
    for name in ("from", "to", "cc"):
        try:
            email.utils.getaddresses([str(message.get(name) or "")])
        except RecursionError:
            continue
    try:
        email.utils.parsedate_to_datetime(str(message.get("date") or ""))
    except (ValueError, TypeError, IndexError, OverflowError):
        return


def _big_mail() -> bytes:
    head = b"From: a@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
    line = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\r\n"
    return head + b"Content-Transfer-Encoding: base64\r\n\r\n" + line * (_BIG // len(line)) + b"--b--\r\n"


if __name__ == "__main__":
    raise SystemExit(main())
