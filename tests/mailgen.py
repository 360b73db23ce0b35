"""A seeded generator of believable mail: threads, several languages and charsets, newsletters, attachments.

``letters(10_000)`` takes a few seconds and gives the same bytes for the same seed, for ever.  The words are made up
from syllables with the frequencies of a real language (Zipf), so that an index built from them has a natural shape.
Nothing here goes through the standard library's email package: the generator must not share a mistake with a parser.
"""

import base64
import bisect
import email.utils
import itertools
import math
import quopri
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

FIRST_DAY = 1_500_000_000  # July 2017
LAST_DAY = 1_790_000_000
DAY = 86400
FOLDERS = {"INBOX": 46, "Archive": 30, "Sent": 10, "Lists": 12, "Junk": 2}
COMMON = (
    "the of and to in we you is that it on for with as at this have be our from not will can your would about when"
    " please thanks meeting report draft garden budget invoice train ticket window ladder weather letter recipe plan"
    " question answer tomorrow yesterday morning river bridge council review figure chapter sample account harvest"
).split()
ONSETS = "b br c ch d dr f fl g gr h j k l m n p pl qu r s sh st t th tr v w".split()
VOWELS = "a ai e ea i o oa oo u".split()
CODAS = ["", "", "", "l", "n", "nd", "r", "rt", "s", "st", "t", "m"]
ACCENTS = str.maketrans({"a": "ä", "o": "ö", "u": "ü", "e": "é"})
CYRILLIC = "ва ге до жи за ки ло ме на пе ро си ту фа хо ши ля ны".split()
GIVEN = "Ada Bela Chidi Dora Emil Fatima Goran Hana Ivo Jana Kofi Lena Mira Nils Orla Pavel Rosa Sven Tove Yara".split()
PLACES = ("elsewhere.test", "letters.test", "office.test", "wanderers.test")
KINDS = {"image/png": "png", "application/pdf": "pdf", "text/csv": "csv", "application/zip": "zip"}


@dataclass(frozen=True, slots=True)
class Letter:
    """One generated message: ``date`` is UTC seconds, ``flags`` are Maildir's (sorted), ``raw`` has CRLF line ends."""

    raw: bytes
    folder: str
    date: int
    flags: str
    message_id: str
    subject: str


@dataclass(slots=True)
class _Thread:
    folder: str
    subject: str
    tongue: str
    members: list[tuple[str, str]]
    ids: list[str] = field(default_factory=list)


def letters(count: int, seed: int = 7, attachments: bool = True) -> Iterator[Letter]:
    """``count`` letters, oldest first."""
    return _Author(seed, attachments).write(count)


def vocabulary(seed: int = 7) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """The words of each tongue, each as often as it is used, and the people who write to each other."""
    author = _Author(seed, False)
    return author.pools, author.people


class _Author:
    """Holds the vocabulary and the dice."""

    def __init__(self, seed: int, attachments: bool) -> None:
        self.dice = random.Random(seed)
        self.attachments = attachments
        self.pools = {"latin": self._latin(), "cyrillic": self._cyrillic(), "han": self._han()}
        self.people = [self._person() for _ in range(400)]
        self.blob = self.dice.randbytes(1 << 20)
        self.threads: list[_Thread] = []

    def write(self, count: int) -> Iterator[Letter]:
        step = (LAST_DAY - FIRST_DAY) / max(count, 1)
        for number in range(count):
            date = int(FIRST_DAY + number * step + self.dice.random() * step)
            yield self._newsletter(number, date) if self.dice.random() < 0.12 else self._letter(number, date)

    # -- words -------------------------------------------------------------------------------------------------------

    def _latin(self) -> list[str]:
        known, words = set(COMMON), list(COMMON)
        while len(words) < 12_000:
            parts = self.dice.choices((1, 2, 3), (2, 5, 3))[0]
            word = "".join(map(self.dice.choice, (ONSETS, VOWELS, CODAS) * parts))
            word = word.translate(ACCENTS) if self.dice.random() < 0.04 else word
            if word not in known:
                known.add(word)
                words.append(word)
        return self._zipf(words, 300_000)

    def _cyrillic(self) -> list[str]:
        words = ["".join(self.dice.choices(CYRILLIC, k=self.dice.choice((2, 3, 4)))) for _ in range(2000)]
        return self._zipf(words, 40_000)

    def _han(self) -> list[str]:
        signs = [chr(number) for number in range(0x4E00, 0x4E00 + 1500)]
        return self._zipf(
            ["".join(self.dice.choices(signs, k=self.dice.choice((1, 2, 2, 3)))) for _ in range(1500)], 40_000
        )

    def _zipf(self, words: list[str], count: int) -> list[str]:
        weights = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(len(words))))
        return [words[bisect.bisect(weights, self.dice.random() * weights[-1])] for _ in range(count)]

    def _words(self, tongue: str, count: int) -> list[str]:
        pool = self.pools[tongue]
        start = self.dice.randrange(len(pool) - count)
        return pool[start : start + count]

    def _phrase(self, tongue: str) -> str:
        phrase = " ".join(self._words(tongue, self.dice.randint(2, 6)))
        return phrase[:1].upper() + phrase[1:]

    def _paragraphs(self, tongue: str) -> list[str]:
        amount = int(min(4000, max(12, self.dice.lognormvariate(math.log(180), 0.9))))
        words = iter(self._words(tongue, amount))
        lines = [" ".join(line) for line in iter(lambda: list(itertools.islice(words, 11)), [])]
        blocks = [lines[start : start + 5] for start in range(0, len(lines), 5)]
        return ["\n".join(block).capitalize() + "." for block in blocks]

    def _person(self) -> tuple[str, str]:
        given, family = self.dice.choice(GIVEN), self._words("latin", 1)[0].capitalize()
        family = family if self.dice.random() < 0.1 else family.encode("ascii", "ignore").decode() or "Doe"
        local = f"{given}.{family}".lower().encode("ascii", "ignore").decode()
        return f"{given} {family}", f"{local}@{self.dice.choice(PLACES)}"

    # -- letters -----------------------------------------------------------------------------------------------------

    def _letter(self, number: int, date: int) -> Letter:
        thread = self._thread()
        sender, *others = self.dice.sample(thread.members, k=min(len(thread.members), self.dice.randint(2, 4)))
        reply = bool(thread.ids)
        subject = f"Re: {thread.subject}" if reply else thread.subject
        charset = self._charset(thread.tongue)
        paragraphs = self._paragraphs(thread.tongue)
        if reply:
            paragraphs.insert(0, f"{sender[0]} wrote:\n" + "\n".join(f"> {line}" for line in paragraphs[0].split("\n")))
        text = "\n\n".join(paragraphs)
        kind, body = self._text_part(text, charset, "plain")
        if self.dice.random() < 0.3:
            page = "".join(f"<p>{_escaped(block)}</p>\n" for block in paragraphs)
            html = self._text_part(f"<html><body>{page}</body></html>", charset, "html")
            kind, body = self._multipart("alternative", [(kind, body), html])
        if self.attachments and self.dice.random() < 0.08:
            kind, body = self._multipart("mixed", [(kind, body), *self._attached()])
        message_id = self._message_id(date, number, sender[1])
        head = self._head(sender, others, subject, date, message_id) + _threading(thread.ids)
        thread.ids.append(message_id)
        return Letter(
            (head + kind).encode("ascii") + b"\r\n\r\n" + body, thread.folder, date, self._flags(), message_id, subject
        )

    def _newsletter(self, number: int, date: int) -> Letter:
        name = self._phrase("latin").encode("ascii", "ignore").decode()
        sender, subject = (name, "news@shop.test"), f"{self._phrase('latin')}: {self.dice.randint(2, 70)} % off"
        paragraphs = [self._phrase("latin") + "." for _ in range(self.dice.randint(6, 24))]
        pixel = f'<img src="https://track.shop.test/{self.dice.getrandbits(60):x}.gif" width=1 height=1>'
        rows = "".join(
            f'<tr><td style="padding:8px;background:#f{number % 9}f">'
            f'<a href="https://shop.test/{self.dice.getrandbits(40):x}?utm={number}"><b>{_escaped(text)}</b></a></td></tr>\n'
            for text in paragraphs
        )
        style = "<style>td{font:14px sans-serif;color:#333} a{text-decoration:none}</style>"
        page = f"<html><head>{style}</head><body><table width=600>{rows}</table>{pixel}</body></html>"
        parts = [self._text_part("\n\n".join(paragraphs), "utf-8", "plain"), self._text_part(page, "utf-8", "html")]
        kind, body = self._multipart("alternative", parts)
        message_id = self._message_id(date, number, sender[1])
        head = self._head(sender, [self.people[0]], subject, date, message_id)
        head += "List-Unsubscribe: <https://shop.test/leave>\r\nList-Id: <news.shop.test>\r\nPrecedence: bulk\r\n"
        raw = (head + kind).encode("ascii") + b"\r\n\r\n" + body
        return Letter(raw, "INBOX" if self.dice.random() < 0.8 else "Junk", date, self._flags(), message_id, subject)

    def _thread(self) -> _Thread:
        if self.threads and self.dice.random() < 0.6:
            return self.threads[-1 - min(len(self.threads) - 1, int(self.dice.expovariate(1 / 30)))]
        tongue = self.dice.choices(("latin", "cyrillic", "han"), (90, 6, 4))[0]
        folder = self.dice.choices(list(FOLDERS), list(FOLDERS.values()))[0]
        thread = _Thread(folder, self._phrase(tongue), tongue, self.dice.sample(self.people, k=self.dice.randint(2, 5)))
        self.threads = [*self.threads[-300:], thread]
        return thread

    def _charset(self, tongue: str) -> str:
        choices = {
            "latin": ("utf-8", "utf-8", "iso-8859-1", "windows-1252"),
            "cyrillic": ("utf-8", "koi8-r", "windows-1251"),
            "han": ("utf-8", "gb18030"),
        }
        return self.dice.choice(choices[tongue])

    def _flags(self) -> str:
        seen, answered, flagged = self.dice.random() < 0.8, self.dice.random() < 0.15, self.dice.random() < 0.04
        return ("F" if flagged else "") + ("R" if answered else "") + ("S" if seen or answered else "")

    def _message_id(self, date: int, number: int, address: str) -> str:
        return f"{date:x}.{self.dice.getrandbits(40):x}.{number}@{address.rpartition('@')[2]}"

    # -- syntax ------------------------------------------------------------------------------------------------------

    def _head(
        self, sender: tuple[str, str], others: list[tuple[str, str]], subject: str, date: int, message_id: str
    ) -> str:
        day = email.utils.formatdate(date)
        received = "".join(
            f"Received: from mx{hop}.{PLACES[hop]} (mx{hop}.{PLACES[hop]} [192.0.2.{self.dice.randrange(255)}])\r\n"
            f"\tby mail.{PLACES[hop + 1]} with ESMTPS id {self.dice.getrandbits(40):X};\r\n\t{day}\r\n"
            for hop in range(self.dice.randint(1, 3))
        )
        to = ",\r\n\t".join(map(_mailbox, others)) or "undisclosed-recipients:;"
        return (
            f"{received}From: {_mailbox(sender)}\r\nTo: {to}\r\nSubject: {_encoded(subject)}\r\n"
            f"Date: {day}\r\nMessage-ID: <{message_id}>\r\nMIME-Version: 1.0\r\n"
        )

    def _text_part(self, text: str, charset: str, subtype: str) -> tuple[str, bytes]:
        data = text.encode(charset, "replace")
        kind = f'Content-Type: text/{subtype}; charset="{charset}"\r\nContent-Transfer-Encoding: '
        if data.isascii() and max(map(len, data.split(b"\n"))) < 900:
            return f"{kind}7bit", data.replace(b"\n", b"\r\n") + b"\r\n"
        if charset in ("gb18030", "koi8-r"):
            return f"{kind}base64", _base64(data)
        return f"{kind}quoted-printable", quopri.encodestring(data).replace(b"\n", b"\r\n") + b"\r\n"

    def _multipart(self, subtype: str, parts: list[tuple[str, bytes]]) -> tuple[str, bytes]:
        boundary = f"=_{self.dice.getrandbits(64):x}"
        blocks = [f"--{boundary}\r\n{kind}\r\n\r\n".encode() + body for kind, body in parts]
        return f'Content-Type: multipart/{subtype}; boundary="{boundary}"', b"".join(
            blocks
        ) + f"--{boundary}--\r\n".encode()

    def _attached(self) -> list[tuple[str, bytes]]:
        return [self._attachment() for _ in range(self.dice.choice((1, 1, 1, 2)))]

    def _attachment(self) -> tuple[str, bytes]:
        kind, ending = self.dice.choice(list(KINDS.items()))
        size = int(min(600_000, self.dice.lognormvariate(math.log(40_000), 1.0)))
        start = self.dice.randrange(len(self.blob) - size)
        name = f"{self._words('latin', 1)[0].encode('ascii', 'ignore').decode() or 'file'}.{ending}"
        head = f'Content-Type: {kind}; name="{name}"\r\nContent-Disposition: attachment; filename="{name}"\r\n'
        return f"{head}Content-Transfer-Encoding: base64", _base64(self.blob[start : start + size])


def _threading(ids: list[str]) -> str:
    if not ids:
        return ""
    return f"In-Reply-To: <{ids[-1]}>\r\nReferences: " + "\r\n\t".join(f"<{each}>" for each in ids[-8:]) + "\r\n"


def _mailbox(person: tuple[str, str]) -> str:
    return f"{_encoded(person[0])} <{person[1]}>"


def _encoded(text: str) -> str:
    """RFC 2047 encoded-words, split so that each stays under 75 characters."""
    if text.isascii():
        return text
    pieces = [text[start : start + 12] for start in range(0, len(text), 12)]
    return "\r\n ".join(f"=?utf-8?B?{base64.b64encode(piece.encode()).decode()}?=" for piece in pieces)


def _base64(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
