"""The IMAP commands about messages: SELECT, FETCH, STORE, SEARCH, COPY, MOVE, EXPUNGE, APPEND and their UID forms
(RFC 3501 s.6.3 and s.6.4, RFC 4315, RFC 4731, RFC 6851, RFC 7162).

Rule of the file: a command is a function of (session, arguments) that returns the words of its OK, or raises Refused
for NO and Bad for BAD.  ``by_uid`` is set for the UID forms.
"""

import time

from mua.demo import fetch as fetching
from mua.demo.find import Criteria
from mua.demo.mailbox import Folder, Message, Refused
from mua.demo.session import FLUSH_AT, Session
from mua.demo.syntax import Bad, Token, compact, decoded_name, members, number, seconds, text, words

SYSTEM_FLAGS = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")


async def select(session: Session, args: list[Token], read_only: bool = False) -> str:
    """SELECT and EXAMINE with CONDSTORE and QRESYNC parameters."""
    if not args:
        raise Bad("A folder name was expected")
    closing = session.folder is not None and session.qresync
    session.leave()
    if closing:
        session.untagged("OK [CLOSED] The previous folder is closed")
    folder = session.mailbox.find(decoded_name(args[0]))
    parameters = args[1] if len(args) > 1 and isinstance(args[1], list) else []
    names = [item.upper() for item in parameters if isinstance(item, str)]
    session.condstore = session.condstore or (bool(names) and session.can("CONDSTORE"))
    session.enter(folder, read_only)
    _describe(session, folder)
    known = parameters[-1] if parameters else None
    if "QRESYNC" in names and isinstance(known, list):
        if not session.qresync:
            raise Bad("ENABLE QRESYNC first")
        _resync(session, folder, known)
    return "[READ-ONLY] EXAMINE completed" if read_only else "[READ-WRITE] SELECT completed"


async def examine(session: Session, args: list[Token]) -> str:
    """EXAMINE."""
    return await select(session, args, read_only=True)


async def unselect(session: Session, args: list[Token]) -> str:
    """UNSELECT (RFC 3691)."""
    session.leave()
    return "UNSELECT completed"


async def close(session: Session, args: list[Token]) -> str:
    """CLOSE: expunge in silence, then unselect."""
    folder = session.selected
    if not session.read_only:
        folder.expunge([uid for uid in session.told if _deleted(folder, uid)])
    session.leave()
    return "CLOSE completed"


async def fetch(session: Session, args: list[Token], by_uid: bool = False) -> str:
    """FETCH, with CHANGEDSINCE and VANISHED."""
    if len(args) < 2:
        raise Bad("FETCH needs a set and items")
    since, vanished = _fetch_modifiers(args[2] if len(args) > 2 else [])
    wanted = fetching.items(args[1])
    if since is not None or any(item.name == "MODSEQ" for item in wanted):
        session.condstore = True
        if all(item.name != "MODSEQ" for item in wanted):
            wanted.append(fetching.Item("MODSEQ"))
    if by_uid and all(item.name != "UID" for item in wanted):
        wanted.insert(0, fetching.Item("UID"))
    if vanished and since is not None:
        _tell_vanished(session, session.selected, since, text(args[0]))
    reads = any(not item.peek for item in wanted)
    for sequence, message in session.chosen(text(args[0]), by_uid):
        if since is not None and message.modseq <= since:
            continue
        before = message.flags
        if reads and not session.read_only:
            session.selected.set_flags(message, message.flags | {"\\Seen"})
        changed = message.flags != before and all(item.name != "FLAGS" for item in wanted)
        shown = [*wanted, fetching.Item("FLAGS")] if changed else wanted
        session.write(fetching.response(sequence, message, shown))
        if any(item.name == "FLAGS" for item in shown) and message.uid in session.told:
            session.told[message.uid] = message.modseq
        await session.flush(FLUSH_AT)
    return "FETCH completed"


async def store(session: Session, args: list[Token], by_uid: bool = False) -> str:
    """STORE, with UNCHANGEDSINCE."""
    folder = _writable(session)
    unchanged: int | None = None
    if len(args) > 1 and isinstance(args[1], list):
        unchanged = _unchanged_since(args.pop(1))
        session.condstore = True
    if len(args) < 3:
        raise Bad("STORE needs a set, an item and flags")
    action, _, silent = text(args[1]).upper().partition(".")
    flags = {_flag(word) for token in args[2:] for word in words(token)}
    refused: list[int] = []
    for sequence, message in session.chosen(text(args[0]), by_uid):
        if unchanged is not None and message.modseq > unchanged:
            refused.append(message.uid if by_uid else sequence)
            continue
        folder.set_flags(message, _changed_flags(message, action, flags))
        if silent and not session.condstore:
            session.told[message.uid] = message.modseq
        elif silent:
            session.told[message.uid] = message.modseq
            uid = f"UID {message.uid} " if by_uid else ""
            session.untagged(f"{sequence} FETCH ({uid}MODSEQ ({message.modseq}))")
        else:
            session.tell(sequence, message, by_uid)
        await session.flush(FLUSH_AT)
    return f"[MODIFIED {compact(refused)}] Some had changed" if refused else "STORE completed"


async def search(session: Session, args: list[Token], by_uid: bool = False) -> str:
    """SEARCH, with CHARSET and RETURN."""
    options = _search_options(args)
    if len(args) > 1 and isinstance(args[0], str) and args[0].upper() == "CHARSET":
        if text(args[1]).upper() not in ("UTF-8", "US-ASCII"):
            raise Refused("[BADCHARSET (UTF-8 US-ASCII)] This charset is not known here")
        del args[:2]
    known = list(session.told)
    criteria = Criteria(args, range(1, len(known) + 1), known)
    test = criteria.test()
    found = [(seq, message) for seq, message in session.chosen("1:*", by_uid=False) if test(seq, message)]
    numbers = [message.uid if by_uid else sequence for sequence, message in found]
    highest = max((message.modseq for _, message in found), default=0) if criteria.uses_modseq else 0
    if options is None:
        listed = "".join(f" {item}" for item in numbers)
        session.untagged(f"SEARCH{listed}" + (f" (MODSEQ {highest})" if highest and numbers else ""))
    else:
        session.write(_esearch(session.tag, numbers, options, by_uid, highest))
    return "SEARCH completed"


async def copy(session: Session, args: list[Token], by_uid: bool = False) -> str:
    """COPY, with COPYUID."""
    target, pairs = _copied(session, args, by_uid)
    return _copyuid(session, target, pairs) + "COPY completed"


async def move(session: Session, args: list[Token], by_uid: bool = False) -> str:
    """MOVE (RFC 6851): COPYUID comes untagged, before the expunges."""
    folder = _writable(session)
    target, pairs = _copied(session, args, by_uid)
    if code := _copyuid(session, target, pairs):
        session.untagged(f"OK {code}Moved")
    folder.expunge([source for source, _ in pairs])
    return "MOVE completed"


async def expunge(session: Session, args: list[Token], by_uid: bool = False) -> str:
    """EXPUNGE and UID EXPUNGE."""
    folder = _writable(session)
    known = list(session.told)
    uids = members(text(args[0]), known) if by_uid and args else known
    folder.expunge([uid for uid in uids if _deleted(folder, uid)])
    session.news()
    code = f"[HIGHESTMODSEQ {folder.modseq}] " if session.qresync else ""
    return code + "EXPUNGE completed"


async def append(session: Session, args: list[Token]) -> str:
    """APPEND, with APPENDUID."""
    if len(args) < 2 or not isinstance(args[-1], bytes):
        raise Bad("APPEND needs a folder and a literal")
    try:
        folder = session.mailbox.find(decoded_name(args[0]))
    except Refused as error:
        raise Refused("[TRYCREATE] There is no folder of this name") from error
    flags: set[str] = set()
    date = int(time.time())
    for token in args[1:-1]:
        if isinstance(token, list):
            flags = {_flag(word) for word in words(token)}
        else:
            date = seconds(text(token))
    message = folder.add(args[-1], date, flags)
    return (f"[APPENDUID {folder.uidvalidity} {message.uid}] " if session.can("UIDPLUS") else "") + "APPEND completed"


def _describe(session: Session, folder: Folder) -> None:
    keywords = sorted({flag for message in folder.messages.values() for flag in message.flags} - {*SYSTEM_FLAGS})
    flags = " ".join([*SYSTEM_FLAGS, *keywords])
    session.untagged(f"FLAGS ({flags})")
    session.untagged(f"OK [PERMANENTFLAGS ({'' if session.read_only else flags + ' ' + chr(92) + '*'})] Flags")
    session.untagged(f"{len(session.told)} EXISTS")
    session.untagged("0 RECENT")
    for place, message in enumerate(folder.messages.values(), 1):
        if "\\Seen" not in message.flags:
            session.untagged(f"OK [UNSEEN {place}] The first unseen")
            break
    session.untagged(f"OK [UIDVALIDITY {folder.uidvalidity}] UIDs valid")
    session.untagged(f"OK [UIDNEXT {folder.uidnext}] Predicted next UID")
    if session.can("CONDSTORE"):
        session.untagged(f"OK [HIGHESTMODSEQ {folder.modseq}] Highest")
    else:
        session.untagged("OK [NOMODSEQ] No modification sequences")


def _resync(session: Session, folder: Folder, known: list[Token]) -> None:
    """QRESYNC (RFC 7162 s.3.2.5): what vanished and what changed since the client was here."""
    if len(known) < 2:
        raise Bad("QRESYNC needs UIDVALIDITY and a modseq")
    if number(known[0]) != folder.uidvalidity:
        return
    since = number(known[1])
    numbers = text(known[2]) if len(known) > 2 and not isinstance(known[2], list) else "1:*"
    _tell_vanished(session, folder, since, numbers)
    for sequence, message in session.chosen("1:*", by_uid=False):
        if message.modseq > since:
            session.tell(sequence, message, with_uid=True)


def _tell_vanished(session: Session, folder: Folder, since: int, numbers: str) -> None:
    gone = sorted(uid for modseq, uid in folder.vanished if modseq > since)
    listed = set(members(numbers.replace("*", str(folder.uidnext - 1)), gone))
    if listed:
        session.untagged(f"VANISHED (EARLIER) {compact(listed)}")


def _fetch_modifiers(token: Token) -> tuple[int | None, bool]:
    if not isinstance(token, list) or not token:
        return None, False
    names = [item.upper() if isinstance(item, str) else "" for item in token]
    if "CHANGEDSINCE" not in names[:-1]:
        raise Bad("CHANGEDSINCE was expected")
    return number(token[names.index("CHANGEDSINCE") + 1]), "VANISHED" in names


def _unchanged_since(token: Token) -> int:
    if not isinstance(token, list) or len(token) != 2 or text(token[0]).upper() != "UNCHANGEDSINCE":
        raise Bad("UNCHANGEDSINCE was expected")
    return number(token[1])


def _search_options(args: list[Token]) -> set[str] | None:
    if len(args) > 1 and isinstance(args[0], str) and args[0].upper() == "RETURN" and isinstance(args[1], list):
        options = {word.upper() for word in words(args[1])} or {"ALL"}
        del args[:2]
        return options
    return None


def _esearch(tag: str, numbers: list[int], options: set[str], by_uid: bool, highest: int) -> bytes:
    values = []
    if "COUNT" in options:
        values.append(f"COUNT {len(numbers)}")
    if numbers:
        made = {"MIN": str(min(numbers)), "MAX": str(max(numbers)), "ALL": compact(numbers)}
        values += [f"{name} {value}" for name, value in made.items() if name in options]
    if highest:
        values.append(f"MODSEQ {highest}")
    uid = " UID" if by_uid else ""
    return f'* ESEARCH (TAG "{tag}"){uid}{"".join(" " + item for item in values)}\r\n'.encode()


def _copied(session: Session, args: list[Token], by_uid: bool) -> tuple[Folder, list[tuple[int, int]]]:
    if len(args) != 2:
        raise Bad("A set and a folder were expected")
    try:
        target = session.mailbox.find(decoded_name(args[1]))
    except Refused as error:
        raise Refused("[TRYCREATE] There is no folder of this name") from error
    chosen = session.chosen(text(args[0]), by_uid)
    return target, [(message.uid, target.add(message.data, message.date, message.flags).uid) for _, message in chosen]


def _copyuid(session: Session, target: Folder, pairs: list[tuple[int, int]]) -> str:
    if not pairs or not session.can("UIDPLUS"):
        return ""
    sources, copies = compact(source for source, _ in pairs), compact(copy for _, copy in pairs)
    return f"[COPYUID {target.uidvalidity} {sources} {copies}] "


def _writable(session: Session) -> Folder:
    folder = session.selected
    if session.read_only:
        raise Refused("[READ-ONLY] The folder was opened for reading only")
    return folder


def _deleted(folder: Folder, uid: int) -> bool:
    message = folder.messages.get(uid)
    return message is not None and "\\Deleted" in message.flags


def _flag(word: str) -> str:
    """The flag in its usual spelling; system flags come in any case of letters.  Raises Bad."""
    for known in SYSTEM_FLAGS:
        if known.lower() == word.lower():
            return known
    if not word.isascii() or not word.isprintable() or word.startswith("\\"):
        raise Bad("This is not a flag")
    return word


def _changed_flags(message: Message, action: str, flags: set[str]) -> frozenset[str]:
    match action:
        case "FLAGS":
            return frozenset(flags)
        case "+FLAGS":
            return message.flags | flags
        case "-FLAGS":
            return message.flags - flags
    raise Bad("FLAGS, +FLAGS or -FLAGS was expected")
