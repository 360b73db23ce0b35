"""The IMAP commands about folders: LIST, LSUB, STATUS, CREATE, DELETE, RENAME, SUBSCRIBE, NAMESPACE
(RFC 3501 s.6.3, RFC 5258, RFC 5819, RFC 6154).

Rule of the file: a command is a function of (session, arguments) that returns the words of its OK, or raises Refused
for NO and Bad for BAD.
"""

import re

from mua.demo.mailbox import Folder, Refused
from mua.demo.session import Session
from mua.demo.syntax import Bad, Token, decoded_name, encoded_name, text, words

USES = ("\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash")


async def namespace(session: Session, args: list[Token]) -> str:
    """NAMESPACE (RFC 2342): one, personal."""
    session.untagged('NAMESPACE (("" "/")) NIL NIL')
    return "NAMESPACE completed"


async def list_folders(session: Session, args: list[Token]) -> str:
    """LIST with its extended forms."""
    selection: list[str] = []
    if args and isinstance(args[0], list):
        selection = [word.upper() for word in words(args.pop(0))]
    if len(args) < 2:
        raise Bad("LIST needs a reference and a pattern")
    patterns = words(args[1])
    wanted, status = _return_options(args[2:])
    if patterns == [""]:
        session.untagged('LIST (\\Noselect) "/" ""')
        return "LIST completed"
    matches = _matcher(decoded_name(args[0]), patterns)
    for folder in list(session.mailbox.folders.values()):
        if not matches(folder.name) or ("SUBSCRIBED" in selection and not folder.subscribed):
            continue
        if "SPECIAL-USE" in selection and not folder.use:
            continue
        session.write(_list_line(session, b"LIST", folder, "SUBSCRIBED" in [*selection, *wanted]))
        if status:
            session.write(_status_line(session, folder, status))
    return "LIST completed"


async def list_subscribed(session: Session, args: list[Token]) -> str:
    """LSUB."""
    if len(args) != 2:
        raise Bad("LSUB needs a reference and a pattern")
    matches = _matcher(decoded_name(args[0]), [text(args[1])])
    for folder in list(session.mailbox.folders.values()):
        if folder.subscribed and matches(folder.name):
            session.write(_list_line(session, b"LSUB", folder, False))
    return "LSUB completed"


async def status(session: Session, args: list[Token]) -> str:
    """STATUS."""
    if len(args) != 2:
        raise Bad("STATUS needs a folder and items")
    session.write(_status_line(session, session.mailbox.find(decoded_name(args[0])), words(args[1])))
    return "STATUS completed"


async def create(session: Session, args: list[Token]) -> str:
    """CREATE, with USE (RFC 6154 s.3)."""
    if not args:
        raise Bad("CREATE needs a name")
    use = ""
    if len(args) > 1:
        asked = words(args[1][1]) if isinstance(args[1], list) and len(args[1]) == 2 else []
        use = next((known for known in USES for word in asked if word.lower() == known.lower()), "")
        if not use:
            raise Refused("[USEATTR] This use is not known here")
    session.mailbox.create(decoded_name(args[0]), use)
    return "CREATE completed"


async def delete(session: Session, args: list[Token]) -> str:
    """DELETE; the client's own selected folder is left first."""
    folder = session.mailbox.find(_only_name(args))
    if folder is session.folder:
        session.leave()
    session.mailbox.delete(folder.name)
    return "DELETE completed"


async def rename(session: Session, args: list[Token]) -> str:
    """RENAME."""
    if len(args) != 2:
        raise Bad("RENAME needs two names")
    session.mailbox.rename(decoded_name(args[0]), decoded_name(args[1]))
    return "RENAME completed"


async def subscribe(session: Session, args: list[Token]) -> str:
    """SUBSCRIBE."""
    return _set_subscribed(session, args, True)


async def unsubscribe(session: Session, args: list[Token]) -> str:
    """UNSUBSCRIBE."""
    return _set_subscribed(session, args, False)


def _set_subscribed(session: Session, args: list[Token], subscribed: bool) -> str:
    folder = session.mailbox.find(_only_name(args))
    folder.subscribed = subscribed
    folder.save()
    return "Done"


def _only_name(args: list[Token]) -> str:
    if len(args) != 1:
        raise Bad("One folder name was expected")
    return decoded_name(args[0])


def _return_options(args: list[Token]) -> tuple[list[str], list[str]]:
    if len(args) < 2 or not isinstance(args[1], list):
        return [], []
    names: list[str] = []
    asked: list[str] = []
    for option in args[1]:
        if isinstance(option, list):
            asked = words(option)
        else:
            names.append(text(option).upper())
    return names, asked


def _matcher(reference: str, patterns: list[str]) -> "_Matcher":
    return _Matcher([reference + decoded_name(pattern) for pattern in patterns])


class _Matcher:
    def __init__(self, patterns: list[str]) -> None:
        wild = {"*": ".*", "%": "[^/]*"}
        joined = ["".join(wild.get(letter) or re.escape(letter) for letter in _short(item)) for item in patterns]
        self._pattern = re.compile("|".join(f"(?:{item})" for item in joined), re.DOTALL)
        self._inbox = any(item.upper() == "INBOX" for item in patterns)

    def __call__(self, name: str) -> bool:
        return bool(self._pattern.fullmatch(name)) or (self._inbox and name == "INBOX")


def _short(pattern: str) -> str:
    return re.sub(r"[*%]*\*[*%]*", "*", pattern[:500])  # runs of wildcards cost time and mean one


def _list_line(session: Session, word: bytes, folder: Folder, with_subscribed: bool) -> bytes:
    flags = ["\\HasChildren" if session.mailbox.has_children(folder.name) else "\\HasNoChildren"]
    if with_subscribed and folder.subscribed:
        flags.append("\\Subscribed")
    if folder.use and session.can("SPECIAL-USE"):
        flags.append(folder.use)
    return b'* %s (%s) "/" %s\r\n' % (word, " ".join(flags).encode("ascii"), encoded_name(folder.name))


def _status_line(session: Session, folder: Folder, items: list[str]) -> bytes:
    values = [f"{item.upper()} {_status_value(session, folder, item.upper())}" for item in items]
    return b"* STATUS %s (%s)\r\n" % (encoded_name(folder.name), " ".join(values).encode("ascii"))


def _status_value(session: Session, folder: Folder, item: str) -> int:
    messages = folder.messages.values()
    match item:
        case "MESSAGES":
            return len(messages)
        case "RECENT":
            return 0
        case "UIDNEXT":
            return folder.uidnext
        case "UIDVALIDITY":
            return folder.uidvalidity
        case "UNSEEN":
            return sum("\\Seen" not in message.flags for message in messages)
        case "DELETED":
            return sum("\\Deleted" in message.flags for message in messages)
        case "SIZE":
            return sum(message.size for message in messages)
        case "HIGHESTMODSEQ" if session.can("CONDSTORE"):
            session.condstore = True
            return folder.modseq
    raise Bad(f"Unknown status item {item[:40]}")
