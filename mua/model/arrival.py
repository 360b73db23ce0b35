"""Mail that comes from another program's files: what a tree of files is, each message in it, what was left out."""

from enum import StrEnum

from mua.model.message import Flag
from mua.records import dataclass


class Form(StrEnum):
    """How the messages of a folder lie on the disk."""

    MBOX = "mbox"
    MAILDIR = "maildir"
    EML = "eml"
    EMLX = "emlx"
    MH = "mh"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder of a listing.  ``path`` is relative to what was listed, with "/" between the levels.

    ``size`` in octets (of a Maildir's ``cur`` and ``new``: of all files in it); ``head`` is how the file begins.
    """

    path: str
    folder: bool = False
    size: int = 0
    head: bytes = b""


@dataclass(frozen=True, slots=True)
class Box:
    """One folder of mail: ``path`` is its file or folder, ``files`` those in it that are one message each.

    ``name`` has one word for each level; empty: what was listed is this folder.  ``size`` in octets.
    """

    form: Form
    path: str
    name: tuple[str, ...]
    size: int = 0
    files: tuple[str, ...] = ()


class CardForm(StrEnum):
    """How the contacts of an address book lie on the disk."""

    VCARD = "vcard"
    THUNDERBIRD = "abook.sqlite"
    EVOLUTION = "contacts.db"
    CLAWS = "addrbook.xml"


@dataclass(frozen=True, slots=True)
class CardFile:
    """A file with contacts.  ``collected``: by the other program, not by the person."""

    form: CardForm
    path: str
    collected: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was not taken: ``what`` it is, ``why``, in words for a person, and how many of it."""

    what: str
    why: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Layout:
    """What a listing turned out to be.  ``program`` is whose files these are; empty: just files."""

    program: str
    boxes: tuple[Box, ...]
    left: tuple[LeftOut, ...] = ()
    cards: tuple[CardFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Marks:
    """What a program noted about one message.  ``gone``: it was deleted there, and only its bytes are left."""

    flags: Flag = Flag(0)
    keywords: tuple[str, ...] = ()
    gone: bool = False
    received: int | None = None  # UTC seconds
