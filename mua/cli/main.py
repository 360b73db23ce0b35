"""Carrying out the command line: which function answers which command, printing, and exit codes.

0 done, 1 failed with a plain reason, 2 used wrongly.  A command returns its document and its text for people.
"""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from mua import log
from mua.cli import acting, reading, sending
from mua.cli.client import StartEngine
from mua.cli.documents import CONTROLS, Document
from mua.cli.session import Result, Session
from mua.errors import MailError
from mua.paths import Profile

COMMANDS: dict[str, Callable[[Session], Result]] = {
    "account": acting.account,
    "sync": reading.sync,
    "folders": reading.folders,
    "list": reading.listing,
    "show": reading.show,
    "inspect": reading.inspect,
    "save": reading.save,
    "search": reading.search,
    "act": acting.act,
    "undo": acting.undo,
    "send": sending.send,
    "compose": sending.compose,
    "outbox": sending.list_outbox,
    "import": acting.import_files,
    "export": acting.export,
}


def run(arguments: argparse.Namespace, profile: Profile, start_engine: StartEngine) -> int:
    """Carry out a command; returns the exit code."""
    session = Session(arguments, profile, start_engine)
    try:
        result = COMMANDS[arguments.command](session)
    except MailError as error:
        return _fail(arguments, {"error": {"code": error.code, "text": error.text, "detail": error.detail}}, error.text)
    finally:
        session.close()
    if result.failed:
        return _fail(arguments, result.document, result.failed, result.text)
    if result.raw is not None:
        sys.stdout.buffer.write(result.raw)
    elif arguments.json and not _wants_text(arguments):
        _print(_json(result.document))
    elif result.text:
        _print(result.text if _wants_text(arguments) else log.visible(result.text))
    return 0


def _wants_text(arguments: argparse.Namespace) -> bool:
    return bool(getattr(arguments, "text", False) or getattr(arguments, "html", False))


def _fail(arguments: argparse.Namespace, document: Document, reason: str, text: str = "") -> int:
    if arguments.json:
        _print(_json(document))
    elif text:
        _print(log.visible(text))
    sys.stderr.write(f"mua: {log.visible(log.masked(reason))}\n")
    return 1


def _json(document: Any) -> str:
    """One line of JSON in which also DEL and the C1 controls are escaped: a terminal would obey them."""
    text = json.dumps(document, ensure_ascii=False)
    return CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _print(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
    sys.stdout.flush()
