"""What can be typed: ``mua --help``.  ``--profile``, ``--json`` and ``--account`` work before and after the command."""

import argparse
import contextlib
import os
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from mua import __version__
from mua.errors import UsageError

SECURITY = ("tls", "starttls", "none")
ACTS = (
    "archive",
    "delete",
    "junk",
    "notjunk",
    "move",
    "flag",
    "unflag",
    "read",
    "unread",
    "tag",
    "untag",
    "snooze",
    "wake",
    "pin",
    "unpin",
)


class _Formatter(argparse.HelpFormatter):
    """The standard one makes itself anew, and asks for the terminal's width, for each argument that is added."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width())


@cache
def _width() -> int:
    try:
        return (int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size().columns) - 2
    except (ValueError, OSError):
        return 78


class Parser(argparse.ArgumentParser):
    """An argument parser that raises UsageError instead of ending the process."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": _Formatter, **options})

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how it is meant."""
        raise UsageError(f"{message}\n{self.format_usage().strip()}")


def parse(words: Sequence[str]) -> argparse.Namespace:
    """What was typed.  Only the parsers of commands that occur in it are made: all of them cost more than a command."""
    if not any(word.startswith(("-h", "--h")) for word in words):
        with contextlib.suppress(UsageError):  # told below, where every command is known
            return parser(words).parse_args(words)
    return parser().parse_args(words)


def parser(words: Iterable[str] | None = None) -> argparse.ArgumentParser:
    """The whole command line, or no more of it than ``words`` need; ``command`` is None when the window is meant."""
    top = Parser(prog="mua", description="Mua, a desktop email client. Without a command it opens its window.")
    top.add_argument("--version", action="version", version=f"mua {__version__}")
    _common(top, None)
    top.add_argument("--demo", action="store_true", help="open the window on a demo account")
    top.add_argument("--debug", action="store_true", help="log what happens (secrets masked)")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser, prog="mua")
    for make, names in _MAKERS:
        if words is None or not names.isdisjoint(words):
            make(commands)
    return top


def _number(low: int, high: int) -> Callable[[str], int]:
    """What makes a whole number within bounds of an argument; argparse says the rest."""

    def whole(text: str) -> int:
        if not text.isdecimal() or len(text) > len(str(high)) or not low <= int(text) <= high:
            raise ArgumentTypeError(f"{text!r} is not a number from {low} to {high}")
        return int(text)

    return whole


def _days(text: str) -> int:
    """A number of days; the bound is looked up when it is needed, since each start makes this parser."""
    from mua.model.policy import MAX_DAYS

    return _number(1, MAX_DAYS)(text)


_LIMIT = _number(0, 10**9)

Commands: TypeAlias = "argparse._SubParsersAction[Parser]"  # argparse names this type nowhere else


def _common(one: argparse.ArgumentParser, default: object = argparse.SUPPRESS) -> None:
    one.add_argument("--profile", metavar="DIR", default=default, help="the profile's folder")
    one.add_argument("--json", action="store_true", default=default, help="one JSON document on stdout")
    one.add_argument("--account", metavar="N", default=default, help="an account's name or address")


def _add(commands: Commands, name: str, about: str) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    _common(one)
    return one


_ON_AN_ACCOUNT = (
    ("remove", "forget an account"),
    ("check", "connect and say what is wrong"),
    ("allow-weaker", "take the weaker log-in that its server offers now, where it was refused"),
)


def _account(commands: Commands) -> None:
    account = _add(commands, "account", "add, list, check or remove accounts")
    verbs = account.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser, prog="mua account")
    add = _add(verbs, "add", "add an account")
    add.add_argument("--name", required=True)
    add.add_argument("--email", required=True)
    add.add_argument("--full-name", default="")
    incoming = add.add_mutually_exclusive_group()
    incoming.add_argument("--imap", metavar="HOST:PORT")
    incoming.add_argument("--pop3", metavar="HOST:PORT")
    incoming.add_argument("--local", action="store_true", help="mail on this computer only")
    add.add_argument("--imap-security", choices=SECURITY, default="tls")
    add.add_argument("--pop3-security", choices=SECURITY, default="tls")
    outgoing = add.add_mutually_exclusive_group()
    outgoing.add_argument("--smtp", metavar="HOST:PORT")
    outgoing.add_argument("--direct", action="store_true", help="send straight to each recipient's mail exchanger")
    add.add_argument("--smtp-security", choices=SECURITY, default="starttls")
    add.add_argument("--dns", metavar="HOST:PORT", default="", help="for direct delivery: this resolver")
    add.add_argument(
        "--mx-port", metavar="N", type=_number(1, 65535), default=25, help="for direct delivery: this port"
    )
    add.add_argument("--allow-private-mx", action="store_true", help="for direct delivery: private addresses too")
    add.add_argument(
        "--ehlo", metavar="NAME", default="", help="for direct delivery: the name of this computer's address"
    )
    add.add_argument("--user")
    add.add_argument("--password-stdin", action="store_true", help="read the password from the first line of stdin")
    add.add_argument("--ca-file", metavar="F", default="", help="a private certification authority (PEM)")
    add.add_argument("--client-cert", metavar="F", default="", help="certificate and key (PEM) that log in (EXTERNAL)")
    add.add_argument("--allow-plaintext", action="store_true", help="allow unprotected connections to other hosts")
    add.add_argument("--discover", action="store_true", help="look the servers up")
    text = "with --discover: ask Thunderbird's database of providers too, which learns the domain"
    add.add_argument("--ask-database", action="store_true", help=text)
    _sign_in(add, "--oauth")
    add.add_argument("--policy", metavar="everything|headers|days:N", default="everything", help="how much is fetched")
    _pop3(add)
    _add(verbs, "list", "the accounts")
    habits = _add(verbs, "set", "how Mua goes about an account")
    habits.add_argument("name", metavar="N")
    habits.add_argument("--colour", metavar="#RRGGBB|none", default=None, help="its colour in the window")
    habits.add_argument(
        "--every", metavar="MINUTES|usual|asked", default=None, help="how often its server is looked at"
    )
    pause = habits.add_mutually_exclusive_group()
    pause.add_argument("--pause", action="store_true", help="fetch nothing until --go-on; what you send goes out")
    pause.add_argument("--go-on", action="store_true", help="fetch again")
    for verb, about in (
        ("export", "write accounts and settings to a file; with passwords only if asked"),
        ("import", "add the accounts and settings of such a file"),
    ):
        one = _add(verbs, verb, about)
        one.add_argument("file", metavar="FILE")
        text = "passwords and sign-ins too; the first line of stdin is the passphrase that seals them"
        one.add_argument("--with-passwords", action="store_true", help=text)
    _add(verbs, "order", "the order in which accounts are listed").add_argument("names", metavar="N", nargs="+")
    policy = _add(verbs, "policy", "show or choose how much is fetched of folders without a choice of their own")
    policy.add_argument("name", metavar="N")
    policy.add_argument("policy", metavar="everything|headers|days:N", nargs="?")
    _identity(verbs)
    again = _add(verbs, "sign-in", "sign in again in the browser, or from now on in place of a password")
    again.add_argument("name", metavar="N")
    _sign_in(again, "--oauth")
    client = _add(verbs, "client", "your own client id at a provider (docs/oauth.md); an empty one is forgotten")
    client.add_argument("provider", metavar="PROVIDER|URL")
    client.add_argument("client_id", metavar="ID")
    client.add_argument("--tenant", metavar="T", default="", help="Microsoft: of this organisation, or consumers")
    client.add_argument("--secret-stdin", action="store_true", help="read the client secret from stdin")
    for verb, about in _ON_AN_ACCOUNT:
        _add(verbs, verb, about).add_argument("name", metavar="N")


def _identity(verbs: Commands) -> None:
    about = "show, set or remove an address that is written from: its name, signature, and where answers go"
    one = _add(verbs, "identity", about)
    one.add_argument("name", metavar="N")
    one.add_argument("address", metavar="ADDRESS|*@DOMAIN", nargs="?", default="")
    one.add_argument("--as", dest="as_name", metavar="NAME", help="the name that others see")
    one.add_argument("--alias", metavar="ADDRESS", action="append", help="a further address or pattern of it")
    one.add_argument("--reply-to", metavar="ADDRESS", help="where answers go")
    one.add_argument("--sent-folder", metavar="FOLDER", help="which folder keeps what was sent")
    one.add_argument("--signature-stdin", action="store_true", help="read the signature from stdin")
    where = one.add_mutually_exclusive_group()
    where.add_argument("--signature-above", dest="signature_below", action="store_const", const=False, default=None)
    where.add_argument("--signature-below", dest="signature_below", action="store_const", const=True)
    one.add_argument("--remove", action="store_true", help="forget it")


def _sign_in(one: argparse.ArgumentParser, option: str) -> None:
    text = "sign in at google, microsoft, fastmail ... or at this server, in the browser, in place of a password"
    one.add_argument(option, metavar="PROVIDER|URL", default="", help=text)
    one.add_argument("--client-id", metavar="ID", default="", help="your own, for this time (see account client)")
    one.add_argument("--tenant", metavar="T", default="", help="Microsoft: of this organisation, or consumers")
    one.add_argument("--scope", metavar="S", default="", help="with a URL: what to ask for, where it is unusual")
    how = one.add_mutually_exclusive_group()
    how.add_argument("--device", action="store_true", help="by a code that is typed on another screen")
    how.add_argument("--no-browser", action="store_true", help="only say which page to open")


def _secrets(commands: Commands) -> None:
    secrets = _add(commands, "secrets", "where passwords are kept; naming another place moves them there")
    text = "with file, the first line of stdin is the passphrase that opens it"
    secrets.add_argument("place", nargs="?", choices=("keyring", "file", "session"), help=text)


_ON_KEYS = (
    ("keygen", "make the keys that sign your domain's mail, and show what to publish"),
    ("show", "what the domain has to publish"),
    ("verify", "look it up; keys that are found sign from now on"),
    ("remove", "forget the keys: mail is not signed any more"),
)


def _dkim(commands: Commands) -> None:
    dkim = _add(commands, "dkim", "the keys that sign mail of your own domain")
    verbs = dkim.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser, prog="mua dkim")
    for verb, about in _ON_KEYS:
        one = _add(verbs, verb, about)
        if verb == "keygen":
            one.add_argument("--again", action="store_true", help="also where there are keys; those sign until then")


def _doctor(commands: Commands) -> None:
    doctor = _add(commands, "doctor", "would mail arrive that this computer delivers by itself? what to put right")
    ahead = _add(
        commands, "preflight", "would a letter arrive that is delivered directly? asks the DNS, and nobody else"
    )
    ahead.add_argument("addresses", metavar="ADDRESS", nargs="+")
    doctor.add_argument("--address", metavar="IP", default="", help="where others see this computer; else found out")


POLICIES = "everything|headers|days:N|default"


_ON_FOLDERS = (
    ("create", "make it, here and on the server"),
    ("rename", "another name for it and those below it"),
    ("delete", "move what is in it into the bin, then delete it"),
    ("empty", "delete for ever what is in a bin or a junk folder"),
    ("read", "mark every message of it as read"),
    ("subscribe", "subscribe to it on its server"),
    ("unsubscribe", "do not subscribe to it any more"),
)


def _folder(commands: Commands) -> None:
    folder = _add(commands, "folder", "make, rename, delete, empty a folder; how much of it is fetched")
    verbs = folder.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    for verb, about in _ON_FOLDERS:
        one = _add(verbs, verb, about)
        one.add_argument("folder", metavar="FOLDER")
        if verb == "rename":
            one.add_argument("name", metavar="NAME")
    use = _add(verbs, "use", "use a folder for sent mail, drafts ..., whatever its server says")
    use.add_argument("folder", metavar="FOLDER")
    use.add_argument("role", choices=("drafts", "sent", "archive", "junk", "trash"))
    policy = _add(verbs, "policy", "show or choose how much of a folder is fetched; what is here stays here")
    policy.add_argument("folder", metavar="FOLDER")
    policy.add_argument("policy", metavar=POLICIES, nargs="?")


def _rule(commands: Commands) -> None:
    rule = _add(commands, "rule", "rules for new mail")
    verbs = rule.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser, prog="mua rule")
    _add(verbs, "list", "the rules, in the order in which mail meets them")
    add = _add(verbs, "add", "a new rule, for mail that comes from now on")
    trying = _add(verbs, "try", "what a rule would have done to the mail of the last year; nothing is done")
    for one in (add, trying):
        one.add_argument("name", metavar="NAME")
        text = "from:, to:, subject:, list:TEXT, larger:, smaller:SIZE, has:attachment; -from:TEXT: not so"
        one.add_argument("--if", dest="conditions", metavar="COND", action="append", default=[], help=text)
        text = "move:FOLDER, tag:NAME, star, read, forward:ADDRESS, archive, junk, delete"
        one.add_argument("--then", dest="deeds", metavar="DEED", action="append", default=[], help=text)
        one.add_argument("--any", action="store_true", help="one condition is enough")
        one.add_argument("--last", action="store_true", help="no rule after it sees what it fits")
    trying.add_argument("--days", type=_number(1, 36500), default=365, help="how far back")
    for verb, about in (("remove", "forget a rule"), ("on", "switch it on"), ("off", "switch it off")):
        _add(verbs, verb, about).add_argument("name", metavar="NAME")


def _junk(commands: Commands) -> None:
    junk = _add(commands, "junk", "what was learned of junk; judge new mail by it, or not")
    junk.add_argument("choice", metavar="on|off", nargs="?", choices=("on", "off"))


def _pop3(add: argparse.ArgumentParser) -> None:
    stay = add.add_mutually_exclusive_group()
    stay.add_argument("--keep-days", metavar="N", type=_days, help="POP3: delete on the server after N days")
    stay.add_argument("--delete-fetched", action="store_true", help="POP3: delete on the server what is here")
    gone = "POP3: delete on the server what is deleted here"
    add.add_argument("--delete-when-deleted", action="store_true", help=gone)
    add.add_argument("--inbox-of", metavar="ACCOUNT", default="", help="POP3: into the inbox of this account")


def _reading(commands: Commands) -> None:
    sync = _add(commands, "sync", "look for news, push what waits")
    sync.add_argument("--until-complete", action="store_true", help="until every body is here and indexed")
    _add(commands, "folders", "the folders with their roles and counts")
    listing = _add(commands, "list", "the messages of a folder, newest first")
    listing.add_argument("folder", metavar="FOLDER")
    listing.add_argument("--limit", type=_LIMIT)
    show = _add(commands, "show", "one message")
    show.add_argument("id", metavar="ID")
    inspect = _add(commands, "inspect", "the same for a file")
    inspect.add_argument("file", metavar="FILE.eml")
    for one in (show, inspect):
        how = one.add_mutually_exclusive_group()
        how.add_argument("--raw", action="store_true", help="the very bytes")
        how.add_argument("--text", action="store_true", help="the plain text")
        how.add_argument("--html", action="store_true", help="the HTML, sanitised")
    way = _add(commands, "journey", "the way of a message: who took it from whom, when, how, and what is only a claim")
    way.add_argument("id", metavar="ID")
    way.add_argument("--check", action="store_true", help="check its signatures; asks the DNS for the keys")
    save = _add(commands, "save", "save an attachment")
    for name, metavar in (("id", "ID"), ("part", "PART"), ("folder", "DIR")):
        save.add_argument(name, metavar=metavar)
    search = _add(commands, "search", "search all mail, newest first")
    search.add_argument("query", metavar="QUERY", nargs="+")
    search.add_argument("--limit", type=_LIMIT, default=50)
    search.add_argument("--server", action="store_true", help="on the servers too, for what is not here")


def _acting(commands: Commands) -> None:
    act = _add(commands, "act", "do something to messages")
    act.add_argument("act", choices=ACTS)
    act.add_argument("ids", metavar="ID", nargs="+")
    act.add_argument("--to", metavar="FOLDER", help="where to move")
    act.add_argument("--years", action="store_true", help="for archive: below the archive, in a folder for each year")
    text = 'for snooze: "3h", "tomorrow", "friday 9:00", "2026-12-01 09:00"'
    act.add_argument("--until", metavar="TIME", help=text)
    act.add_argument("--tag", metavar="NAME", help="for tag and untag: a tag's name or an IMAP keyword")
    health = _add(commands, "health", "how each account is: server, connections, lag, bytes, problems")
    health.add_argument("--bundle", metavar="FILE", help="save it with the log, without anything private")
    verify = _add(
        commands, "verify", "check the search index against the mail; what is wrong is mended in the background"
    )
    verify.add_argument("--all", action="store_true", help="look for every message by its words, not for some")
    verify.add_argument("--rebuild", action="store_true", help="make the index anew in any case")
    _add(commands, "undo", "take the last act back")
    ledger = _add(commands, "ledger", "what disappeared, when and why; restore brings messages back")
    ledger.add_argument("verb", metavar="restore", nargs="?", choices=("restore",))
    ledger.add_argument("entries", metavar="ID", nargs="*")
    ledger.add_argument("--limit", type=_LIMIT, default=100)


_TIME = '"2026-12-01 09:00" by this computer\'s clock, with " Asia/Tokyo" by those there, or RFC 3339'


def _sending(commands: Commands) -> None:
    send = _add(commands, "send", "send an RFC 5322 message; the envelope comes from its headers")
    send.add_argument("file", metavar="FILE|-")
    compose = _add(commands, "compose", "write and send a message")
    for field in ("to", "cc", "bcc"):
        compose.add_argument(f"--{field}", metavar="A", nargs="+", action="extend", default=[])
    compose.add_argument("--subject", metavar="S", default="")
    compose.add_argument("--body", metavar="T", default="", help="the text; - reads stdin")
    compose.add_argument("--attach", metavar="F", nargs="+", action="extend", default=[])
    for one in (send, compose):
        text = "straight to each recipient's mail exchanger, whatever the account's way is"
        one.add_argument("--direct", action="store_true", help=text)
        when = one.add_mutually_exclusive_group()
        when.add_argument("--wait", action="store_true", help="wait for each recipient's first verdict")
        when.add_argument("--at", metavar="TIME", default="", help=f"not before then: {_TIME}")
        text = "encrypted to the last server (REQUIRETLS), or not at all"
        one.add_argument("--require-tls", action="store_true", help=text)
        text = "whoever cannot deliver by then tells you, where servers offer that (DELIVERBY)"
        one.add_argument("--deliver-by", metavar="TIME", default="", help=text)
    outbox = _add(commands, "outbox", "what waits to be sent")
    outbox.add_argument("--all", action="store_true", help="with what is finished")
    for name, about in (
        ("cancel", "do not send what waits in the outbox; without addresses, to nobody"),
        ("retry", "try a message again now; without addresses, for all who wait or were refused"),
    ):
        one = _add(commands, name, about)
        one.add_argument("id", metavar="ID")
        one.add_argument("addresses", metavar="ADDRESS", nargs="*")
        if name == "retry":
            one.add_argument("--through", metavar="N", default="", help="with the server of this account")
            text = "where a domain offers less protection than it did before, take that"
            one.add_argument("--less-protection", action="store_true", help=text)
    reschedule = _add(commands, "reschedule", "send what waits in the outbox at another time")
    reschedule.add_argument("id", metavar="ID")
    when = reschedule.add_mutually_exclusive_group(required=True)
    when.add_argument("--at", metavar="TIME", default="", help=f"then: {_TIME}")
    when.add_argument("--now", action="store_true", help="now")
    route = _add(commands, "route", "for some domains another way than the account's own")
    verbs = route.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    _add(verbs, "list", "which way mail goes")
    setting = _add(verbs, "set", "choose the way of a domain")
    setting.add_argument("pattern", metavar="DOMAIN|.DOMAIN|*", help=".DOMAIN: all below it; the closest one counts")
    ways = "direct|submission|account:NAME|smtp://HOST:PORT|lmtp://HOST:PORT|lmtp:/SOCKET"
    setting.add_argument("way", metavar="WAY", help=ways)
    _add(verbs, "remove", "forget the way of a domain").add_argument("pattern", metavar="DOMAIN|.DOMAIN|*")
    timeline = _add(commands, "timeline", "every step of a sent message, and what was said")
    timeline.add_argument("id", metavar="ID")


def _files(commands: Commands) -> None:
    importing = _add(commands, "import", "bring in mail of another program: a file, a folder, a whole profile")
    importing.add_argument("words", metavar="PATH... [FOLDER]", nargs="+", help="alone: under the names it has there")
    dialects = ("mboxo", "mboxrd", "mboxcl", "mboxcl2")
    importing.add_argument("--dialect", choices=dialects, help="how mbox files quote, where they do not show it")
    importing.add_argument("--mail-only", action="store_true", help="not the accounts and contacts of a profile")
    exporting = _add(commands, "export", "write a folder, or a whole account, to files")
    exporting.add_argument("words", metavar="[FOLDER] PATH", nargs="+", help="alone: every folder of the account")
    forms = ("mbox", "maildir", "eml")
    exporting.add_argument("--as", dest="form", choices=forms, default="mbox", help="mbox if not given")
    exporting.add_argument("--flags", action="store_true", help="in an mbox, say flags and tags before each message")
    for verb, about in (
        ("backup", "write the whole profile to one file, and read it back"),
        ("restore", "make an empty profile what a backup holds"),
    ):
        one = _add(commands, verb, about)
        one.add_argument("file", metavar="FILE")
        words = "passwords and sign-ins too; the first line of stdin is the passphrase that seals them"
        one.add_argument("--with-passwords", action="store_true", help=words)


def _contacts(commands: Commands) -> None:
    contacts = _add(commands, "contacts", "address books: list, import, export, merge, restore")
    verbs = contacts.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)

    def add(verb: str, about: str, *, book: bool = False) -> argparse.ArgumentParser:
        one = _add(verbs, verb, about)
        if book:
            one.add_argument("--book", metavar="B", help="only of this address book, or into it")
        return one

    listing = add("list", "who is there, by name", book=True)
    listing.add_argument("words", metavar="WORD", nargs="*", help="only those in whom all of these are")
    listing.add_argument("--group", metavar="G", help="only of this group")
    add("show", "the vCard of a contact").add_argument("id", metavar="ID")
    add("import", "take the contacts of vCard files", book=True).add_argument("files", metavar="FILE", nargs="+")
    exporting = add("export", "write contacts to a new vCard file", book=True)
    exporting.add_argument("file", metavar="FILE")
    exporting.add_argument("--as", dest="version", choices=("3.0", "4.0"), help="in this version; else each as it is")
    add("delete", "delete contacts; for 30 days they can be brought back").add_argument("ids", metavar="ID", nargs="+")
    add("restore", "bring deleted contacts back; alone: list them").add_argument("ids", metavar="ID", nargs="*")
    add("merge", "make one of several; alone: list who may be there twice").add_argument("ids", metavar="ID", nargs="*")
    add("undo", "take back changes that a server did not take").add_argument("ids", metavar="ID", nargs="+")
    group = add("group", "who is in a group, and putting contacts into it")
    group.add_argument("name", metavar="NAME")
    group.add_argument("ids", metavar="ID", nargs="*")
    group.add_argument("--remove", action="store_true", help="take them out of it")
    add("books", "the address books")
    add("new-book", "make an address book on this computer").add_argument("name", metavar="NAME")
    removing = add("remove-book", "forget an address book and who is in it")
    removing.add_argument("name", metavar="NAME")
    removing.add_argument("--forced", action="store_true", help="also where a server was not told of changes yet")
    add("sync", "make CardDAV books and their servers agree now", book=True)
    finding = add("find-books", "look for the address books of a user on a CardDAV server")
    finding.add_argument("address", metavar="ADDRESS", help="a mail address, a domain, or the server's https URL")
    serving = add("add-server", "keep an address book of a CardDAV server here, both ways")
    serving.add_argument("url", metavar="URL", help="what find-books says")
    serving.add_argument("--name", metavar="NAME", help="how it is called here")
    for one in (finding, serving):
        one.add_argument("--user", metavar="U", help="who signs in; with --account that account's own sign-in is used")
        one.add_argument("--password-stdin", action="store_true", help="read the password from the first line of stdin")
        one.add_argument("--ca-file", metavar="F", default="", help="a private certification authority (PEM)")


_TENDING = (
    ("hold", "keep messages back until they are released"),
    ("release", "let held messages go"),
    ("retry", "try messages now, also for those who were refused"),
    ("remove", "take messages out of the queue; nobody is told"),
)


def _server(commands: Commands) -> None:
    """What is carried out in ``mua.__main__``: a service, and another program's command line."""
    engine = _add(commands, "engine", "run the mail engine, for a service manager")
    engine.add_argument("--foreground", action="store_true", required=True, help="stay, until a signal comes")
    engine.add_argument("--system", action="store_true", help="send what this computer's users and programs submit")
    engine.add_argument("--user", metavar="U", default="mua", help="with --system, started by root: run as this user")
    engine.add_argument("--drop", metavar="DIR", type=Path, help="with --system: where they leave it")
    engine.add_argument("--metrics", metavar="FILE", type=Path, help="with --system: counters, for Prometheus")
    queue = _add(commands, "queue", "what waits on a server, and what to do about it (of the system's profile)")
    verbs = queue.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser, prog="mua queue")
    _add(verbs, "list", "what waits, oldest first").add_argument("--limit", type=_LIMIT)
    _add(verbs, "show", "each step of a message, and its header").add_argument("id", metavar="ID")
    for verb, about in _TENDING:
        one = _add(verbs, verb, about)
        one.add_argument("ids", metavar="ID", nargs="*")
        one.add_argument("--all", action="store_true", help="every message that waits")
    _add(verbs, "flush", "try everything now")
    limit = _add(verbs, "limit", "show or set how many messages a minute go to a domain, or altogether")
    limit.add_argument("domain", metavar="DOMAIN|all", nargs="?")
    limit.add_argument("number", metavar="N", nargs="?", type=_number(0, 100_000))
    sendmail = commands.add_parser("sendmail", help="submit a message, as programs do (man sendmail)", add_help=False)
    sendmail.add_argument("words", nargs=argparse.REMAINDER)


_MAKERS = (
    (_account, {"account"}),
    (_secrets, {"secrets"}),
    (_dkim, {"dkim"}),
    (_doctor, {"doctor", "preflight"}),
    (_folder, {"folder"}),
    (_rule, {"rule"}),
    (_junk, {"junk"}),
    (_reading, {"sync", "folders", "list", "show", "inspect", "journey", "save", "search"}),
    (_acting, {"act", "health", "verify", "undo", "ledger"}),
    (_sending, {"send", "compose", "outbox", "cancel", "retry", "reschedule", "route", "timeline"}),
    (_files, {"import", "export", "backup", "restore"}),
    (_contacts, {"contacts"}),
    (_server, {"engine", "queue", "sendmail"}),
)  # which commands each of them adds
