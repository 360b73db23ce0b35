"""``mua`` = ``./run`` = ``python -m mua``: from arguments to a window, a command, an engine or one of its children.

This is the only module that knows all floors, and the only one that starts processes for others.  Nothing heavy is
imported at its top: a command line needs no Qt, a window needs no network, and ``tests/unit/test_imports.py`` says so.
"""

import argparse
import atexit
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mua.errors import UsageError
from mua.paths import (
    Profile,
    be_the_owner,
    child_command,
    child_environment,
    default_profile,
    system_drop,
    system_profile,
)

if TYPE_CHECKING:
    from mua.demo.process import DemoServer


# what child processes are started with
_HIDDEN = ("engine", "indexer", "auditor", "extractor", "viewer", "decoder", "demo-server")
_SENDMAIL = ("sendmail", "mailq", "newaliases")  # what other programs know us as


def main(argv: list[str] | None = None) -> int:
    """Run Mua; returns the exit code (0 done, 1 failed, 2 used wrongly)."""
    os.umask(0o077)  # databases, logs and drafts are nobody else's, whatever folder the profile is in
    words = list(sys.argv[1:] if argv is None else argv)
    called = Path(sys.argv[0]).name if argv is None else ""
    if called in _SENDMAIL:
        return _run_sendmail(called, words)
    if words[:1] == ["sendmail"]:
        return _run_sendmail("sendmail", words[1:])
    try:
        arguments = _hidden_arguments(words) if _is_hidden(words) else _arguments(words)
    except UsageError as error:
        sys.stderr.write(f"mua: {error}\n")
        return 2
    profile = _profile(arguments)
    if arguments.debug or arguments.command in (None, *_HIDDEN):  # a command line has nothing to log
        from mua import log

        log.start("DEBUG" if arguments.debug else "WARNING")
    if getattr(arguments, "foreground", False):
        return _run_server(arguments, profile)
    if arguments.command in _HIDDEN:
        return _run_hidden(arguments.command, profile)
    if arguments.command is None:
        return _run_window(arguments, profile)
    if arguments.command == "sendmail":
        return _run_sendmail("sendmail", arguments.words)
    be_the_owner(profile)
    from mua.cli.main import run

    try:
        return run(arguments, profile, _starter(arguments))
    except UsageError as error:
        sys.stderr.write(f"mua: {error}\n")
        return 2


def _arguments(words: list[str]) -> argparse.Namespace:
    from mua.cli.arguments import parse

    links = [word for word in words if word.startswith("mailto:")]
    arguments = parse([word for word in words if word not in links])
    arguments.mailto = links[0] if links else ""
    return arguments


def _is_hidden(words: list[str]) -> bool:
    """Is this the start of a child process?  ``mua search engine`` is not."""
    before = [word for at, word in enumerate(words[:-1]) if not word.startswith("--") and words[at - 1] != "--profile"]
    return bool(words) and words[-1] in _HIDDEN and not before and words[-2:-1] != ["--profile"]


def _hidden_arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mua")
    parser.add_argument("--profile")
    parser.add_argument("--debug", action="store_true")
    parser.add_argument("--stay", action="store_true")
    parser.add_argument("command")
    parser.set_defaults(demo=False)
    return parser.parse_args(words)


def _profile(arguments: argparse.Namespace) -> Profile:
    if arguments.profile:
        return Profile(Path(arguments.profile))
    if arguments.command == "queue" or getattr(arguments, "system", False):
        return Profile(system_profile())
    place = default_profile()
    return Profile(place.with_name(place.name + "-demo") if getattr(arguments, "demo", False) else place)


def _run_sendmail(name: str, words: list[str]) -> int:
    from mua.cli.sendmail import main as sendmail

    return sendmail(name, words)


def _run_hidden(command: str, profile: Profile) -> int:
    if command == "indexer":
        from mua.engine.indexing import main as indexer

        return indexer(profile)
    if command == "auditor":
        from mua.engine.auditor import main as auditor

        return auditor(profile)
    if command == "extractor":
        from mua.engine.extractor import main as extractor

        return extractor()
    if command == "viewer":
        from mua.engine.viewer import main as viewer

        return viewer()
    if command == "decoder":
        from mua.gui.decoder import main as decoder

        return decoder()
    if command == "demo-server":
        from mua.demo.main import main as demo

        return demo(profile.root)
    from mua.engine.main import main as engine

    if _is_unsafe(profile):
        return 1
    return engine(profile, stay="--stay" in sys.argv)


def _run_server(arguments: argparse.Namespace, profile: Profile) -> int:
    """``engine --foreground [--system]``: an engine that stays, as a service manager wants it."""
    from mua import log
    from mua.engine.main import main as engine

    drop = None
    if arguments.system:
        from mua.engine.system import become

        drop = arguments.drop or system_drop()
        os.environ.setdefault("MUA_SECRETS", "file")
        try:
            become(profile, drop, arguments.user)
        except UsageError as error:
            sys.stderr.write(f"mua: {error}\n")
            return 2
        log.start("DEBUG" if arguments.debug else "INFO")
    if _is_unsafe(profile):
        return 1
    return engine(profile, stay=True, drop=drop, metrics=arguments.metrics)


def _is_unsafe(profile: Profile) -> bool:
    """Says so where nobody else can: the command line has a document for it."""
    trouble = profile.trouble()
    if trouble:
        sys.stderr.write(f"mua: {trouble}\n")
    return bool(trouble)


def _run_window(arguments: argparse.Namespace, profile: Profile) -> int:
    if _is_unsafe(profile):
        return 1
    from mua import language

    language.choose(language.wanted(profile.settings))  # before a module of the window keeps its texts
    try:
        from mua.gui.app import run as window
    except ImportError as error:
        sys.stderr.write(f"mua: the window needs PySide6 and Qt's libraries ({error}); commands work without.\n")
        return 1
    start = _starter(arguments)
    return window(profile, start, lambda: start_demo(profile), demo=arguments.demo, mailto=arguments.mailto)


def _starter(arguments: argparse.Namespace) -> Callable[[Profile], None]:
    """What starts an engine, which logs in as much detail as this process."""
    return functools.partial(start_engine, debug=arguments.debug)


def start_demo(profile: Profile) -> None:
    """Have the engine use the demo server, started if it does not run yet; blocks, up to half a minute.

    Raises MailError.  The server ends with this process; it listens on other ports with another password each time, so
    the account follows.  A new engine does not know the password: call this again for it.
    """
    from mua import wire
    from mua.cli.client import EngineClient
    from mua.model.account import Account, AccountId, Incoming, Route, Security, Server
    from mua.store import read
    from mua.store.db import open_reader

    if not _demo_server(profile).alive:
        _demo_server.cache_clear()
    server = _demo_server(profile)
    engine = EngineClient(profile, start_engine)  # joined for as long as this process lives: the engine has to stay
    atexit.register(engine.close)
    db = open_reader(profile)
    known = next((one.id for one in read.accounts(db) if one.demo), AccountId(0))
    db.close()
    account = Account(
        known,
        "Demo",
        server.email,
        "Robin Vale",
        Incoming.IMAP,
        Server("127.0.0.1", server.imap_port, Security.NONE, server.user),
        Route.SMTP,
        Server("127.0.0.1", server.smtp_port, Security.NONE, server.user),
        demo=True,
    )
    if known:
        engine.ask(wire.UpdateAccount(account), wire.Done)
        engine.ask(wire.SetSecret(known, server.password), wire.Done)
    else:
        engine.ask(wire.AddAccount(account, server.password), wire.AccountAdded)


@functools.cache
def _demo_server(profile: Profile) -> "DemoServer":
    """The demo server of this process."""
    from mua.demo.process import start

    server = start(profile.create().root / "demo")
    atexit.register(server.close)
    return server


def start_engine(profile: Profile, *, debug: bool = False) -> None:
    """Start an engine for the profile as a process of its own; it ends by itself when nobody needs it.

    What it logs goes to the profile's ``mua.log``, with ``debug`` in every detail.
    """
    import subprocess

    profile.create()
    with profile.log_file.open("ab") as errors:
        subprocess.Popen(
            child_command("--profile", str(profile.root), *["--debug"] * debug, "engine"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            env=child_environment(),
        )


if __name__ == "__main__":
    sys.exit(main())
