"""Carrying out the command line: where each command is answered, printing, and exit codes.

0 done, 1 failed with a plain reason, 2 used wrongly.  A command returns its document and its text for people.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Callable
from typing import Any

from mua.cli.documents import Document
from mua.cli.session import Result, Session, StartEngine
from mua.errors import Kind, MailError, Retry, UsageError
from mua.masking import ACTING, masked, visible
from mua.paths import Profile

ROOMS = {
    "account": "acting",
    "act": "acting",
    "undo": "acting",
    "ledger": "ledger",
    "folder": "folders",
    "rule": "rules",
    "junk": "rules",
    "health": "health",
    "verify": "health",
    "dkim": "direct",
    "doctor": "direct",
    "preflight": "direct",
    "route": "routing",
    "contacts": "contacts",
    "import": "moving",
    "export": "moving",
    "backup": "moving",
    "restore": "moving",
    "sync": "syncing",
    "folders": "listing",
    "list": "listing",
    "search": "listing",
    "show": "reading",
    "inspect": "reading",
    "save": "reading",
    "journey": "origin",
    "send": "sending",
    "compose": "sending",
    "outbox": "sending",
    "timeline": "sending",
    "cancel": "sending",
    "retry": "sending",
    "reschedule": "sending",
    "queue": "queue",
    "secrets": "acting",
}  # each room has its COMMANDS, and is entered only for one of them


def run(arguments: argparse.Namespace, profile: Profile, start_engine: StartEngine) -> int:
    """Carry out a command; returns the exit code."""
    session = Session(arguments, profile, start_engine)
    try:
        if trouble := profile.trouble():
            raise MailError(Kind.LOCAL, Retry.ASK, trouble, code="unsafe-profile")
        result = command(arguments.command)(session)
    except MailError as error:
        return _fail(arguments, {"error": {"code": error.code, "text": error.text, "detail": error.detail}}, error.text)
    except UnicodeEncodeError as error:  # a lone surrogate: Python's form of octets that are no text
        raise UsageError("what was given is not text in UTF-8") from error
    finally:
        session.close()
    if result.failed:
        return _fail(arguments, result.document, result.failed, result.text)
    if result.raw is not None:
        if sys.stdout.isatty():  # which would obey what is in it; a file gets every octet as it is
            _print(visible(result.raw.decode("utf-8", "replace").replace("\r\n", "\n")))
        else:
            sys.stdout.buffer.write(result.raw)
    elif arguments.json and not _wants_text(arguments):
        _print(_json(result.document))
    elif result.text:
        _print(result.text if _wants_text(arguments) else visible(result.text))
    return 0


def command(name: str) -> Callable[[Session], Result]:
    """The function that carries out a command."""
    room = importlib.import_module(f"mua.cli.{ROOMS[name]}")
    found: Callable[[Session], Result] = room.COMMANDS[name]
    return found


def _wants_text(arguments: argparse.Namespace) -> bool:
    return bool(getattr(arguments, "text", False) or getattr(arguments, "html", False))


def _fail(arguments: argparse.Namespace, document: Document, reason: str, text: str = "") -> int:
    if arguments.json:
        _print(_json(document))
    elif text:
        _print(visible(text))
    sys.stderr.write(f"mua: {visible(masked(reason))}\n")
    return 1


def _json(document: Any) -> str:
    """One line of JSON in which also DEL, the C1 controls and bidi are escaped: a terminal would obey them."""
    text = json.dumps(document, ensure_ascii=False)
    return ACTING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _print(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
    sys.stdout.flush()
