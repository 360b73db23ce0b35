"""What a tree of files is: which folders of mail another program keeps in it, under which names.

Known: Thunderbird (``NAME`` with ``NAME.sbd/``, mbox or Maildir), Apple Mail (``NAME.mbox/`` with an ``mbox`` or with
``.emlx`` files), Maildir and Maildir++ (``.A.B``; Dovecot, Evolution), KMail (``.NAME.directory/``), MH (Claws), trees
of ``.eml`` files, and mbox files anywhere; and address books: vCards, Thunderbird's, Evolution's and Claws Mail's.

Rules of the file: only the listing is asked; whatever is in it is in a folder, or is left out with a reason.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from mua.model.arrival import Box, CardFile, CardForm, Entry, Form, Layout, LeftOut

_BOX = re.compile(r"\.(?:mbox|mbx|mbs)\Z", re.IGNORECASE)
_UUID = re.compile(r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}", re.IGNORECASE)
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_ESCAPED = re.compile(r"_([0-9A-F]{2})")
_NOTES: Final = (".msf", ".dat", ".wdseml", ".mozmsgs", ".index", ".index.ids", ".index.sorted", ".cmeta",
                 ".ibex.index", ".ibex.index.data", ".plist", ".toc", ".lock", ".ev-summary", ".ev-summary-meta",
                 ".sqlite", ".log", ".mozlz4", ".json", ".js", ".ini", ".txt", ".html",
                 ".db-wal", ".db-shm")  # fmt: skip
_OWN: Final = re.compile(
    r"dovecot[.-].*|courier.*|maildirfolder|subscriptions|\.claws.*|\.mh_sequences|\.uidvalidity|\..*"
)
HOMES: Final = (
    ("Thunderbird", ".thunderbird/*", "prefs.js"),
    ("Thunderbird", "snap/thunderbird/common/.thunderbird/*", "prefs.js"),
    ("Thunderbird", ".var/app/org.mozilla.Thunderbird/.thunderbird/*", "prefs.js"),
    ("Thunderbird", "Library/Thunderbird/Profiles/*", "prefs.js"),
    ("Evolution", ".local/share/evolution/mail/local", ""),
    ("Evolution's contacts", ".local/share/evolution/addressbook", ""),
    ("KMail", ".local/share/local-mail", ""),
    ("Geary's accounts", ".config/geary", ""),
    ("Geary's accounts", ".var/app/org.gnome.Geary/config/geary", ""),
    ("KDE's contacts", ".local/share/contacts", ""),
    ("Apple Mail", "Library/Mail/V*", ""),
    ("Claws Mail", "Mail", "inbox"),
    ("Claws Mail's contacts", ".claws-mail/addrbook", ""),
)
"""(program, pattern below the person's folder, what has to be in it): where mail of other programs is looked for."""
MAX_LEFT = 200  # reasons that are told one by one


def decoded(name: str) -> str:
    """A folder's name out of IMAP's modified UTF-7 (RFC 3501 s.5.1.3), in which Maildir++ has it; else as it is."""

    def one(found: re.Match[str]) -> str:
        text = found[1].replace(",", "/")
        if not text:
            return "&"
        return f"+{text}-".encode("ascii").decode("utf-7")

    try:
        return _SHIFTED.sub(one, name)
    except UnicodeDecodeError:
        return name


def recognise(entries: Iterable[Entry], titles: Mapping[str, str] | None = None) -> Layout:
    """The folders of mail in a listing.  ``titles``: the names of some of its folders, by path; "" for none."""
    tree = _Tree(entries, titles or {})
    tree.walk("", ())
    program = _program(tree.files)
    boxes = tuple(sorted(tree.boxes, key=lambda box: (box.name, box.path)))
    cards = tuple(sorted(tree.cards, key=lambda one: one.path))
    return Layout(program, boxes, tuple(tree.left), cards)


def _program(files: Mapping[str, Entry]) -> str:
    leaves = {path.rsplit("/", 1)[-1] for path in files}
    if "prefs.js" in files or any(one.endswith(".msf") for one in leaves):
        return "Thunderbird"
    if any(one.endswith(".emlx") for one in leaves):
        return "Apple Mail"
    if ".claws_mark" in leaves or ".claws_cache" in leaves:
        return "Claws Mail"
    if any(one.endswith((".cmeta", ".ev-summary", ".ibex.index")) for one in leaves):
        return "Evolution"
    if "geary.ini" in leaves:
        return "Geary"
    return "KMail" if any(re.search(r"(?:^|/)\.[^/]+\.directory/", path) for path in files) else ""


class _Tree:
    def __init__(self, entries: Iterable[Entry], titles: Mapping[str, str]) -> None:
        self.files: dict[str, Entry] = {}
        self.inside: dict[str, list[Entry]] = {}
        self.folders: dict[str, Entry] = {}
        self.boxes: list[Box] = []
        self.left: list[LeftOut] = []
        self.cards: list[CardFile] = []
        self._titles = titles
        for one in entries:
            (self.folders if one.folder else self.files)[one.path] = one
            self.inside.setdefault(one.path.rpartition("/")[0], []).append(one)

    def walk(self, top: str, name: tuple[str, ...]) -> None:
        """Find the boxes in a folder that itself is called ``name``."""
        todo = [(top, name)]
        while todo:
            path, inner = todo.pop()
            inside = self.inside.get(path, [])
            todo += self._maildir(path, inner) if self._is_maildir(path) else []
            self._loose(path, inner, [one for one in inside if not one.folder])
            for one in inside:
                if one.folder and not self._is_part(path, one):
                    todo.append((one.path, inner + self._word(path, one)))

    # ---- folders
    def _is_maildir(self, path: str) -> bool:
        return bool({_join(path, "cur"), _join(path, "new")} & self.folders.keys())

    def _is_part(self, path: str, one: Entry) -> bool:
        leaf = one.path.rpartition("/")[2]
        return self._is_maildir(path) and (
            leaf in ("cur", "new", "tmp") or (leaf[0] == "." and self._is_maildir(one.path))
        )

    def _maildir(self, path: str, name: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
        parts = [self.folders[one] for leaf in ("cur", "new") if (one := _join(path, leaf)) in self.folders]
        self.boxes.append(Box(Form.MAILDIR, path, name, sum(one.size for one in parts)))
        found: list[tuple[str, tuple[str, ...]]] = []
        for inner in self.inside.get(path, []):
            leaf = inner.path.rpartition("/")[2]
            if inner.folder and leaf[0] == "." and self._is_maildir(inner.path):
                found.append((inner.path, name + self._words(leaf)))
        return found

    def _words(self, leaf: str) -> tuple[str, ...]:
        """The levels of ``.A.B`` in a Maildir++."""
        return tuple(self._unescaped(word) for word in leaf.split(".") if word)

    def _unescaped(self, word: str) -> str:
        """Evolution writes "_2E" where Maildir++ allows no dot."""
        if any(path.endswith((".cmeta", "..maildir++")) for path in self.files):
            word = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), word)
        return decoded(word)

    def _word(self, path: str, one: Entry) -> tuple[str, ...]:
        """How a folder on the disk is called among folders of mail."""
        title = self._titles.get(one.path)
        if title is not None:
            return (title,) if title else ()
        leaf = one.path.rpartition("/")[2]
        if leaf.endswith(".sbd"):
            return (leaf[:-4],)
        if leaf.startswith(".") and leaf.endswith(".directory"):
            return (leaf[1:-10],)
        if leaf.startswith(".") and self._is_maildir(one.path):
            return self._words(leaf)
        if _UUID.fullmatch(leaf):
            others = [other.path for other in self.inside[path] if _UUID.fullmatch(other.path.rpartition("/")[2])]
            return () if len(others) == 1 or ".mbox" in path else (f"Account {sorted(others).index(one.path) + 1}",)
        if ".mbox" in path and (leaf in ("Data", "Messages", "Attachments") or leaf.isdecimal()):
            return ()
        return (_BOX.sub("", leaf),)

    # ---- files
    def _loose(self, path: str, name: tuple[str, ...], files: list[Entry]) -> None:
        """Files that are folders of mail, and files that are a message each."""
        single: dict[Form, list[Entry]] = {Form.EML: [], Form.EMLX: [], Form.MH: []}
        for one in files:
            leaf = one.path.rpartition("/")[2]
            low = leaf.lower()
            if low.endswith((".eml", ".emlx")):
                single[Form.EMLX if low.endswith("x") else Form.EML].append(one)
            elif leaf.isdecimal() and not one.head.startswith(b"From "):
                single[Form.MH].append(one)
            elif self._is_mbox(one, low):
                own = leaf == "mbox" and path.endswith(".mbox")
                self.boxes.append(Box(Form.MBOX, one.path, name if own else (*name, _BOX.sub("", leaf)), one.size))
            else:
                self._leave(path, one, leaf)
        for form, found in single.items():
            if found:
                found.sort(key=lambda one: _natural(one.path))
                size = sum(one.size for one in found)
                self.boxes.append(Box(form, path, name, size, tuple(one.path for one in found)))

    def _is_mbox(self, one: Entry, low: str) -> bool:
        if low.endswith(_NOTES):
            return False
        empty = one.size == 0 and f"{one.path}.msf" in self.files
        return one.head.startswith(b"From ") or empty

    def _leave(self, path: str, one: Entry, leaf: str) -> None:
        if leaf == "geary.db":
            why = "Geary keeps its mail in a database of its own, as a copy of what its server has; add that account."
        elif leaf.lower().endswith((".pst", ".ost")):
            why = "Outlook's data files cannot be read; export the mail from Outlook as files first."
        elif (cards := card_file(one)) is not None:
            self.cards.append(cards)
            return
        elif leaf.lower().endswith((".mab", ".abcddb")):
            why = "This address book cannot be read; export it from its program as a vCard file (.vcf)."
        elif leaf.lower().endswith(_NOTES) or _OWN.fullmatch(leaf) or one.size == 0:
            return  # another program's notes
        elif self._is_maildir(path) or "Attachments" in path:
            return
        else:
            why = "It is no mail."
        if len(self.left) < MAX_LEFT:
            self.left.append(LeftOut(one.path, why))


def card_file(one: Entry) -> CardFile | None:
    """What a file is, if it holds contacts: by how it begins, and by its name."""
    leaf = one.path.rpartition("/")[2].lower()
    if one.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:11].upper() == b"BEGIN:VCARD" or leaf.endswith(".vcf"):
        return CardFile(CardForm.VCARD, one.path) if one.size else None
    if one.head[:15] == b"SQLite format 3":
        if leaf.startswith("abook") and leaf.endswith(".sqlite"):
            return CardFile(CardForm.THUNDERBIRD, one.path)
        if leaf == "history.sqlite":
            return CardFile(CardForm.THUNDERBIRD, one.path, collected=True)
        if leaf == "contacts.db":
            return CardFile(CardForm.EVOLUTION, one.path)
    if re.fullmatch(r"addrbook-\d+\.xml", leaf):
        return CardFile(CardForm.CLAWS, one.path)
    return None


def _natural(path: str) -> list[tuple[int, str]]:
    return [(int(word), "") if word.isdecimal() and len(word) < 20 else (0, word) for word in re.split(r"(\d+)", path)]


def _join(path: str, leaf: str) -> str:
    return f"{path}/{leaf}" if path else leaf
