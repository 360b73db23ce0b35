"""The laboratory's misbehaving exchangers, and the name servers that lead to them.

    lab_exchangers.py FOLDER     serve until killed; mail for X at the exchanger NAME is FOLDER/NAME/N-X

``evil.test`` is answered by a name server of its own, ``silent.test`` by another that keeps silent about all but a part
of its names (a resolver holds a server's silence against all of its zones).  ``NAME.evil.test`` has the one exchanger
NAME where ``EXCHANGERS`` has that name; else the records are in ``SHAPES``.

The rule of the file: an exchanger does one thing wrong, and what it does is one line here.
"""

import contextlib
import re
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from dns_server import DnsServer
from mail_sink import DROP, RESET, TAKE_AND_DROP, MailSink, Plan

EVIL_NAMES, SILENT_NAMES = "127.0.53.2", "127.0.53.3"
NOBODY, HOLE = "127.0.26.253", "127.0.26.254"  # refuses connections; swallows what is sent to it
GREY = 2.0  # seconds of greylisting


def always(event: str, reply: str) -> Plan:
    """The same reply to one kind of event."""
    return lambda happened, what: reply if happened == event else None


def named(**replies: str) -> Plan:
    """Replies to RCPT by the local part."""
    return lambda event, what: replies.get(what.partition("@")[0]) if event == "rcpt" else None


def strays(event: str, reply: str, **replies: str) -> Plan:
    """One reply too many, and some recipients' own."""
    recipients = named(**replies)
    return lambda happened, what: reply if happened == event else recipients(happened, what)


def rude() -> Plan:
    """421 and the end at the second recipient."""
    seen = Counter[str]()

    def plan(event: str, what: str) -> str | None:
        seen[event] += 1
        seen["rcpt"] *= event != "mail"
        return "421 4.4.2 closing" if event == "rcpt" and seen["rcpt"] == 2 else None

    return plan


def greylist() -> Plan:
    """450 until the recipient has been named for GREY seconds."""
    first: dict[str, float] = {}

    def plan(event: str, what: str) -> str | None:
        early = event == "rcpt" and time.monotonic() - first.setdefault(what, time.monotonic()) < GREY
        return "450 4.2.0 greylisted, try again in 1 minutes" if early else None

    return plan


def patiently(seconds: float) -> Callable[[bytes], bytes]:
    """Every reply takes its time."""

    def say(data: bytes) -> bytes:
        time.sleep(seconds)
        return data

    return say


def late(event: str, seconds: float) -> Plan:
    """One kind of reply takes its time."""

    def plan(happened: str, what: str) -> None:
        if happened == event:
            time.sleep(seconds)

    return plan


@dataclass(frozen=True)
class Evil:
    """How one exchanger is: what it replies, its certificate (empty: no TLS), what becomes of its replies."""

    plan: Plan | None = None
    tls: str = "good"
    say: Callable[[bytes], bytes] | None = None
    chunked: bool = False
    piece: int = 0  # octets of a reply in a packet


def wordless(data: bytes) -> bytes:
    """Replies without any text."""
    return re.sub(rb"(?m)^(\d{3}) [^\r\n]*", rb"\1", data)


ODD = "250-hello\r\n250-\r\n250-SIZE\r\n250-size  99999999\r\n250-AUTH=LOGIN\r\n250-X\udcff\r\n250 PIPELINING "
LONG = "250 2.1.5 " + "x" * 3000
EXCHANGERS = {
    "good": Evil(),
    "notls": Evil(tls=""),
    "expired": Evil(tls="expired"),
    "wrongname": Evil(tls="wrong-name"),
    "badtls": Evil(always("starttls", "220 go\r\nHTTP/1.0 400 not TLS")),
    "tlsgone": Evil(always("starttls", "454 4.7.0 TLS not available now")),
    "inject": Evil(always("starttls", "220 go\r\n250-injected\r\n250 AUTH PLAIN")),
    "greylist": Evil(greylist()),
    "drop421": Evil(rude()),
    "dotdrop": Evil(always("dot", TAKE_AND_DROP)),
    "dotdrop2": Evil(always("dot", DROP)),
    "dot452": Evil(always("dot", "452 4.3.1 no room")),
    "dot552": Evil(always("dot", "552 5.3.4 too large")),
    "dot354": Evil(always("dot", "354 more")),
    "bodydrop": Evil(always("body", DROP)),
    "partial": Evil(named(bob="550 5.1.1 unknown", carol="451 4.3.0 later")),
    "toomany": Evil(named(bob="452 4.5.3 too many recipients")),
    "toobig": Evil(always("ehlo", "250-hello\r\n250 SIZE 1000")),
    "mail451": Evil(always("mail", "451 4.7.1 policy")),
    "mail550": Evil(always("mail", "550 5.7.1 not from you")),
    "data452": Evil(always("data", "452 4.3.1 no room")),
    "data554": Evil(always("data", "554 5.7.1 no")),
    "early421": Evil(always("greeting", "421 4.3.2 busy")),
    "reject554": Evil(always("greeting", "554 5.7.1 blocked")),
    "rst": Evil(always("greeting", DROP)),
    "nosmtp": Evil(always("greeting", "SSH-2.0-OpenSSH_9.2")),
    "slowbanner": Evil(late("greeting", 3)),
    "tarpit": Evil(say=patiently(0.3)),
    "steady": Evil(say=patiently(0.03)),
    "ehlo500": Evil(always("ehlo", "500 5.5.1 what?"), tls=""),
    "odd": Evil(always("ehlo", ODD), tls=""),
    "no8bit": Evil(always("ehlo", "250-hello\r\n250 SIZE 9999999"), tls=""),
    "multiline": Evil(always("rcpt", "250-2.1.5 one\r\n250-2.1.5 two\r\n250 2.1.5 three")),
    "changing": Evil(always("rcpt", "250-2.1.5 one\r\n550 5.1.1 two")),
    "longline": Evil(always("rcpt", LONG)),
    "endless": Evil(always("rcpt", "250 " + "x" * 9000)),
    "wordy": Evil(always("mail", "250 ok\r\n250 unasked")),
    "lfonly": Evil(tls="", say=lambda data: data.replace(b"\r\n", b"\n")),
    "chunking": Evil(chunked=True),
    "bytewise": Evil(piece=1),
    "wordless": Evil(say=wordless),
    "twobanners": Evil(always("greeting", "220 one\r\n220 two")),
    "allatonce": Evil(always("greeting", "220 a\r\n250 b\r\n250 c\r\n250 d\r\n354 e\r\n250 f"), tls=""),
    "code120": Evil(always("greeting", "120 ready in a minute")),
    "code354": Evil(always("rcpt", "354 go on")),
    "code600": Evil(always("mail", "600 6.0.0 no such code")),
    "longbanner": Evil(always("greeting", "220 " + "x" * 5000)),
    "lines": Evil(always("ehlo", "250-hello\r\n" + "250-X-NOISE\r\n" * 150 + "250 8BITMIME"), tls=""),
    "nosize": Evil(always("ehlo", "250-hello\r\n250-SIZE -1\r\n250-SIZE 10\r\n250 8BITMIME"), tls=""),
    "anysize": Evil(always("ehlo", f"250-hello\r\n250-SIZE {10**40}\r\n250 8BITMIME"), tls=""),
    "tlsagain": Evil(always("ehlo", "250-hello\r\n250-STARTTLS\r\n250-8BITMIME\r\n250 PIPELINING")),
    "tlsclosed": Evil(always("starttls", "220 go")),
    "tlsreset": Evil(always("starttls", RESET)),
    "tlsbye": Evil(always("tls", DROP)),
    "ehlo421": Evil(always("ehlo", "421 4.3.2 shutting down")),
    "mail421": Evil(always("mail", "421 4.3.2 shutting down")),
    "grey451": Evil(always("rcpt", "451 4.7.1 greylisted, come back")),
    "grey421": Evil(always("rcpt", "421 4.7.0 greylisted, come back")),
    "data421": Evil(always("data", "421 4.3.2 shutting down")),
    "dot421": Evil(always("dot", "421 4.3.2 shutting down")),
    "ehlorst": Evil(always("ehlo", RESET)),
    "mailrst": Evil(always("mail", RESET)),
    "rcptrst": Evil(always("rcpt", RESET)),
    "datarst": Evil(always("data", RESET)),
    "bodyrst": Evil(always("body", RESET)),
    "dotrst": Evil(always("dot", RESET)),
    "octets": Evil(named(bob="550 5.1.1 n\0o\udcff \rone", carol="250-2.1.5 \0\r\n250 2.1.5 \udcff\t\b")),
    "stray": Evil(strays("mail", "250 2.1.0 ok\r\n250 unasked", bob="550 5.1.1 unknown")),
    "straylast": Evil(strays("mail", "250 2.1.0 ok\r\n250 unasked", carol="550 5.1.1 unknown")),
    "strayrcpt": Evil(named(alice="250 2.1.5 ok\r\n250 2.1.5 ok", bob="550 5.1.1 unknown")),
    "early250": Evil(always("data", "354 go\r\n250 2.0.0 taken")),
    "twice250": Evil(always("dot", "250 2.0.0 taken\r\n250 2.0.0 taken")),
    "dotmixed": Evil(always("dot", "250-2.0.0 taken\r\n550 5.7.1 or not")),
    "mail354": Evil(always("mail", "354 go on")),
    "tls502": Evil(always("starttls", "502 5.5.1 not implemented")),
    "novel": Evil(always("rcpt", ("450-4.3.0 " + "x" * 8000 + "\r\n") * 150 + "450 4.3.0 later")),
    "crossed": Evil(named(alice="250 5.7.1 no", bob="550 2.1.5 ok", carol="450 5.1.1 unknown")),
    "six": Evil(),  # by IPv6 only
}
ADDRESSES = {name: f"127.0.26.{number}" for number, name in enumerate(EXCHANGERS, 1)} | {"six": "::1"}

SHAPES: dict[str, list[str]] = {  # MX records; a host without a dot is one of evil.test
    "prefs": ["10 nobody", "20 good", "30 notls"],
    "equal": ["10 good", "10 notls"],
    "nullmx": ["0 ."],
    "mixednull": ["0 .", "10 good"],
    "mxcname": ["10 cname"],
    "mxip": ["10 127.0.26.1."],
    "mxnx": ["10 nosuchhost"],
    "mxnxgood": ["10 nosuchhost", "20 good"],
    "alldead": ["10 nobody", "20 nobody"],
    "many": [*(f"{number} nobody{number}" for number in range(1, 6)), "6 good"],
    "hole": ["10 hole", "20 good"],
    "halfdead": ["10 half"],
    "v6fallback": ["10 half6"],
    "selfloop": ["10 localhost."],
    "xn--bcher-kva": ["10 good"],
    "dotpair": ["10 dotdrop", "20 good"],
    "dot2pair": ["10 dotdrop2", "20 good"],
    "busypair": ["10 early421", "20 good"],
    "blockpair": ["10 reject554", "20 good"],
    "bodypair": ["10 bodydrop", "20 good"],
    "mailpair": ["10 mail451", "20 good"],
    "finalpair": ["10 mail550", "20 good"],
    "closingpair": ["10 mail421", "20 good"],
    "dot421pair": ["10 dot421", "20 good"],
    "straypair": ["10 stray", "20 good"],
    "rstpair": ["10 bodyrst", "20 good"],
    "dotrstpair": ["10 dotrst", "20 good"],
    "mail354pair": ["10 mail354", "20 good"],
    "onefails": ["10 servfail", "20 good"],
    "itself": ["10 itself"],
    "circle": ["10 circlea"],
    "six6": ["10 nosix"],
    "last": ["65535 good"],
    "big": [f"{number} nobody{number}" for number in range(40)],
    "flaky": ["FLAKY", "10 good"],
    "trunc": ["TRUNCATED", "10 good"],
    "servfail": ["SERVFAIL"],
    "refused": ["REFUSED"],
    "mxservfail": ["SERVFAIL"],
}
HOSTS = {  # beside those of the exchangers
    "nobody": [NOBODY],
    "hole": [HOLE],
    "half": [NOBODY, ADDRESSES["good"]],
    "half6": ["fd00::1", ADDRESSES["good"]],
    "implicit": [ADDRESSES["good"]],
    "implicit6": [ADDRESSES["six"]],
    "mxservfail": [ADDRESSES["good"]],
    "nosix": ["2001:db8::1"],
}


def tables() -> tuple[dict[tuple[str, str], list[str]], dict[tuple[str, str], list[str]]]:
    """What the two name servers say."""
    evil: dict[tuple[str, str], list[str]] = {("empty.evil.test", "TXT"): ["nothing"]}
    for name, records in ({name: [f"10 {name}"] for name in EXCHANGERS} | SHAPES).items():
        evil[f"{name}.evil.test", "MX"] = [_absolute(record) for record in records]
    hosts = {name: [address] for name, address in ADDRESSES.items()} | HOSTS
    for name, addresses in (hosts | {f"nobody{number}": [NOBODY] for number in range(40)}).items():
        for kind in ("A", "AAAA"):
            evil[f"{name}.evil.test", kind] = [one for one in addresses if (":" in one) is (kind == "AAAA")]
    for kind in ("A", "AAAA"):
        evil["cname.evil.test", kind] = ["CNAME good.evil.test."]
        evil["circlea.evil.test", kind] = ["CNAME circleb.evil.test."]
        evil["circleb.evil.test", kind] = ["CNAME circlea.evil.test."]
        evil["servfail.evil.test", kind] = ["SERVFAIL"]
    evil["alias.evil.test", "MX"] = ["CNAME prefs.evil.test.", *evil["prefs.evil.test", "MX"]]
    silent = {("nothing.silent.test", "MX"): ["TIMEOUT"], ("mx.silent.test", "MX"): ["TIMEOUT"]}
    return evil, silent | {("mx.silent.test", "A"): [ADDRESSES["good"]]}


def _absolute(record: str) -> str:
    return record if record.endswith(".") or " " not in record else f"{record}.evil.test."


def main() -> None:
    """Serve until killed."""
    folder = Path(sys.argv[1])
    with contextlib.ExitStack() as stack:
        for table, address in zip(tables(), (EVIL_NAMES, SILENT_NAMES), strict=True):
            stack.enter_context(DnsServer(table, address, 53))
        for name, evil in EXCHANGERS.items():
            sink = MailSink(evil.plan, tls=evil.tls, host=ADDRESSES[name], port=25, chunked=evil.chunked)
            sink.say, sink.piece = evil.say or sink.say, evil.piece
            sink.keep = _keeper(folder / name)  # type: ignore[method-assign]
            stack.enter_context(sink)
        hole = stack.enter_context(socket.create_server((HOLE, 25), backlog=0))
        stack.enter_context(socket.create_connection(hole.getsockname()))  # fills the queue: the next gets no answer
        (folder / "ready").touch()
        Event().wait()


def _keeper(folder: Path) -> Callable[[str, bytes], None]:
    folder.mkdir()
    count = Counter[str]()

    def keep(address: str, message: bytes) -> None:
        count[address] += 1
        (folder / f"{count[address]}-{address}").write_bytes(message)

    return keep


if __name__ == "__main__":
    main()
