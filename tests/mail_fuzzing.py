"""Spoilt mails: those of ``tests/regressions`` with pieces taken out, doubled and replaced by what parsers dislike.

``spoilt(seed)`` is always the same mail for the same seed; ``fault(raw)`` reads a mail by everything that reads one,
and says what went wrong, "" if nothing did: an exception, more than a moment of processor time, a byte that is nowhere,
two readers that disagree.  As a program it reads for as long as is asked for, and where atheris is installed it is
guided by what of Mua has not been reached yet::

    .venv/bin/python tests/mail_fuzzing.py --seconds 600
"""

import argparse
import contextlib
import random
import sys
import time
import traceback
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
atheris = None
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    with contextlib.suppress(ImportError):
        import atheris

with atheris.instrument_imports(include=["mua"]) if atheris else contextlib.nullcontext():
    from mua.jsonable import to_json
    from mua.mime import calendar, headers, msg, tnef
    from mua.mime.attached import message_of
    from mua.mime.charset import decode_text
    from mua.mime.css import CssCleaner
    from mua.mime.message import gist, gist_of, parse, part_bytes, snippet
    from mua.mime.params import parameters
    from mua.mime.scan import Part, scan
    from mua.mime.view import view_of

REGRESSIONS = ROOT / "tests" / "regressions"
A_MOMENT = 2.0  # seconds of processor time; a usual mail takes 0.002
_WORDS = [
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n \n", b"\x00", b"\xff\xfe", b"\xc3(", b"\xe2\x80\xae", b"\x1b$B", b"=\n",
    b"=?utf-8?q?=?=", b"=?utf-8?b?", b"?=", b"=?x?q?=00?=", b"=?utf-7?q?+?=", b"=?idna?q?x?=", b"=?zip?b?eA==?=",
    b"--", b"--o", b"--o--", b"\r\n--b\r\n", b"boundary=", b"; boundary=o", b"Content-Type: multipart/mixed", b"*0*=",
    b"Content-Type: message/rfc822\r\n\r\n", b"Content-Transfer-Encoding: base64\r\n", b"Content-Type: text/html\r\n",
    b'"', b"\\", b"(", b")", b"((((", b"<", b">", b"<>", b":", b";", b";;", b",", b"@", b"%00", b"'", b"''", b"a@b",
    b"From: ", b"To: ", b"Date: ", b"\r\nX:", b" : ", b"\t", b"   ", b"begin 644 x\n", b"end\n", b"=ybegin line=1 ",
    b"<style>", b"url(", b"</", b"<!--", b"&#x", b"@import", b"BEGIN:VEVENT\r\n", b"END:VEVENT\r\n",
    b"9999999999999999999999999999999999999999", b"-1",
    b"A" * 2000, b"(" * 500, b"<" * 500, b"=?" * 300, b'"' * 301, b"\r\n " * 200, b";a=b" * 200, b"\xff" * 300,
]  # fmt: skip


@cache
def mails() -> tuple[bytes, ...]:
    """What is spoilt: every mail that once went wrong or shows a form of its own."""
    return tuple(path.read_bytes() for path in sorted((REGRESSIONS / "mails").glob("*.eml")))


def spoilt(seed: int) -> bytes:
    """A mail, spoilt in one to eight places."""
    chance = random.Random(seed)
    raw = bytearray(chance.choice(mails()))
    for _ in range(chance.randint(1, 8)):
        at, other = chance.randint(0, len(raw)), chance.randint(0, len(raw))
        low, high = min(at, other), max(at, other)
        way = chance.randrange(7)
        if way == 0:
            raw[at:at] = chance.choice(_WORDS)
        elif way == 1:
            del raw[low : min(high, low + chance.choice((1, 2, 20, 400)))]
        elif way == 2:
            raw[at : at + chance.randint(1, 9)] = chance.choice(_WORDS)
        elif way == 3:
            raw[at:at] = raw[low : min(high, low + 600)]
        elif way == 4 and at < len(raw):
            raw[at] = chance.randrange(256)
        elif way == 5:
            piece = chance.choice(mails())
            raw[at:at] = piece[chance.randint(0, len(piece)) :][:800]
        else:
            raw = bytearray(
                raw.replace(*chance.choice(((b"\r\n", b"\n"), (b"\r\n", b"\r"), (b"\n", b"\r\n"), (b" ", b""))))
            )
        del raw[100_000:]
    return bytes(raw)


def fault(raw: bytes) -> str:
    """What goes wrong when this is read; "" if nothing does."""
    start = time.process_time()
    try:
        wrong = _disagreement(raw)
        _fields(raw)
    except Exception:  # noqa: BLE001 - that none comes is what is tested
        return traceback.format_exc()
    took = time.process_time() - start
    return wrong or (f"took {took:.1f} s" if took > A_MOMENT else "")


def _disagreement(raw: bytes) -> str:
    parsed = parse(raw)
    shown = view_of(parsed)
    to_json(shown)
    snippet(parsed.text)
    if gist(raw) != gist_of(parsed):
        return "the index reads another mail than the window"
    if covered(parsed.root) != len(raw):
        return "a byte is nowhere"
    for one in shown.attachments[:20]:
        same, data = part_bytes(raw, one.part)
        if (same, len(data)) != (one, one.size):
            return f"{one.part} is saved as something else than it is shown as"
        parse(message_of(one, data))
    return ""


def covered(root: Part) -> int:
    """Bytes that belong to a leaf or to a header or to what stands around the parts: all of them, or one is lost."""
    total = 0
    for part in root.walk():
        if part.children:
            inside = sum(child.body_end - child.header_start for child in part.children)
            total += (part.body_start - part.header_start) + (part.body_end - part.body_start - inside)
        else:
            total += part.body_end - part.header_start
    return total


def _fields(raw: bytes) -> None:
    """The readers of single fields and forms, given what they would never be given otherwise."""
    for name, value in scan(raw).fields[:50]:
        headers.addresses(value)
        headers.date(value)
        headers.message_ids(value)
        parameters(value)
        headers.decode_header(value)
        decode_text(value, name)
    piece = raw[-4000:]
    for label in (None, "utf-7", "iso-2022-jp", "gb18030", "big5", "utf-16", "x-unknown"):
        decode_text(piece, label)
    calendar.events(piece.decode("latin-1"))
    CssCleaner().sheet(piece.decode("latin-1"))
    CssCleaner().declarations(piece.decode("latin-1"))
    tnef.unpack(tnef.SIGNATURE + piece)
    msg.message(piece)


def main() -> int:
    """Reads until the time is over; otherwise than 0 when something went wrong: that mail is then a regression."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=60)
    seconds = arguments.parse_args().seconds
    if atheris is None:
        return _by_seeds(time.monotonic() + seconds)

    def read(raw: bytes) -> None:
        if wrong := fault(raw):
            raise AssertionError(wrong)

    seeds = ",".join(map(str, sorted(REGRESSIONS.glob("mails/*.eml"))))
    limits = [f"-max_total_time={seconds}", "-max_len=20000", f"-artifact_prefix={REGRESSIONS}/mails/"]
    atheris.Setup([sys.argv[0], *limits, f"-seed_inputs={seeds}"], read)
    atheris.Fuzz()
    return 0


def _by_seeds(until: float) -> int:
    seed = time.time_ns()
    while time.monotonic() < until:
        seed += 1
        if wrong := fault(spoilt(seed)):
            print(seed, wrong)
            (REGRESSIONS / "mails" / f"seed-{seed}.eml").write_bytes(spoilt(seed))
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
