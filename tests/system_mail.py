"""A computer's mail queue for tests: an engine with a drop folder of its own, and ``sendmail`` called by any user.

As root the engine runs as a user of its own, and callers as theirs; else everybody is whoever runs the test.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Self

import pytest
from lab import until

from mua.model.outgoing import Outgoing
from mua.paths import Profile
from mua.store import outbox, wire_files
from mua.store.db import open_reader

ROOT = Path(__file__).resolve().parents[1]
ENGINE_USER = "mail"  # some user of every system; who it is does not matter
NOBODY = "nobody"
BECOME = """
import os, pwd, sys
if os.geteuid() == 0:
    os.setuid(pwd.getpwnam(sys.argv[1]).pw_uid)
import encodings.ascii, apsw, zstandard, cchardet, mua.engine.main
"""


@cache
def python() -> tuple[str, str]:
    """A Python that other users may run, and the path on which it finds what Mua needs; skips where there is none."""
    found = [sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable]
    site = next(path for path in sys.path if path.endswith("site-packages"))
    path = f"{ROOT}{os.pathsep}{site}"
    for one in found:
        done = subprocess.run(
            [one, "-P", "-c", BECOME, NOBODY], env={"PYTHONPATH": path, "PATH": os.environ["PATH"]},
            capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return one, path
    pytest.skip("no Python here that other users may run")


def as_user(name: str) -> list[str]:
    """What to put before a command so that another user runs it; nothing where we are not root."""
    if os.geteuid() != 0:
        return []
    who = pwd.getpwnam(name)
    return ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]


class SystemMail:
    """One system profile, its drop folder and its ``/etc``; ``prefix`` is put before every command."""

    def __init__(self, folder: Path, prefix: Sequence[str] = ()) -> None:
        self.folder = folder
        self.prefix = [*prefix]
        self.profile = Profile(folder / "profile")
        self.drop = folder / "drop"
        self.etc = folder / "etc"
        self.etc.mkdir()
        (self.etc / "mailname").write_text("good.test\n")
        self.python, path = python()
        self.environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": path, "MUA_SYSTEM_PROFILE": str(self.profile.root),
            "MUA_DROP": str(self.drop), "MUA_ETC": str(self.etc), "PYTHONDONTWRITEBYTECODE": "1",
            "MUA_SECRETS": "session",
        }  # fmt: skip
        self._log = folder / "log"
        self.engine: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextlib.contextmanager
    def somewhere(cls, prefix: Sequence[str] = ()) -> Iterator[Self]:
        """In a folder that every user may enter; nothing is left of it or of its engine."""
        folder = Path(tempfile.mkdtemp(prefix="mua-system-"))
        folder.chmod(0o755)
        made = None
        try:
            made = cls(folder, prefix)
            yield made
        finally:
            if made is not None:
                made.stop()
            shutil.rmtree(folder)

    def start(self) -> None:
        """Start the engine and wait until it has opened its doors."""
        words = ["engine", "--foreground", "--system", "--user", ENGINE_USER]
        with self._log.open("ab") as log:
            self.engine = subprocess.Popen(self.command(*words), env=self.environment, stdout=log, stderr=log)
        ready = f"pid {self.engine.pid}"
        until(lambda: self._is_up() or self.engine is None or self.engine.poll() is not None, ready)
        assert self.engine.poll() is None, self.log()

    def _is_up(self) -> bool:
        return self.engine is not None and self.log().count(" ready\n") > self._before

    _before = 0

    def configure(self, *options: str) -> None:
        """Make the account by hand, with these options of ``account add``, before an engine makes it."""
        self.profile.root.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(self.profile.root, ENGINE_USER, ENGINE_USER)
        words = ["account", "add", "--name", "system", "--email", "postmaster@good.test", "--local", *options]
        done = self.run("--profile", str(self.profile.root), *words)
        assert done.returncode == 0, done
        until(lambda: not (self.profile.root / "engine.sock").exists(), "the command's own engine to end")

    def stop(self, *, kill: bool = False) -> None:
        """End the engine in order, or with ``kill -9``."""
        if self.engine is not None:
            (self.engine.kill if kill else self.engine.terminate)()
            self.engine.wait(30)
            self.engine = None
        self._before = self.log().count(" ready\n")

    def log(self) -> str:
        """What the engines have said."""
        return self._log.read_text() if self._log.exists() else ""

    def command(self, *words: str) -> list[str]:
        """Mua's command line."""
        return [*self.prefix, self.python, "-P", "-m", "mua", *words]

    def run(self, *words: str, stdin: bytes = b"", user: str = "") -> "subprocess.CompletedProcess[bytes]":
        """Run a command as ``user``, or as who runs the test."""
        argv = [*self.prefix, *(as_user(user) if user else []), self.python, "-P", "-m", "mua", *words]
        return subprocess.run(argv, input=stdin, capture_output=True, env=self.environment, timeout=60, check=False)

    def sendmail(self, *words: str, stdin: bytes, user: str = NOBODY, code: int = 0) -> str:
        """Submit a message; the exit code has to be ``code``.  Returns what was said."""
        done = self.run("sendmail", *words, stdin=stdin, user=user)
        assert done.returncode == code, (done, self.log())
        return done.stderr.decode()

    def queued(self) -> list[Outgoing]:
        """Everything that was ever submitted, oldest first; reports are not."""
        db = open_reader(self.profile)
        try:
            return [one for one in outbox.listed(db, finished=True)[::-1] if one.envelope_from]
        finally:
            db.close()

    def bytes_of(self, one: Outgoing) -> bytes:
        """The message as it goes out."""
        db = open_reader(self.profile)
        try:
            name = db.value("SELECT wire_file FROM outgoing WHERE id = ?", one.id)
            return wire_files.wire_path(self.profile, str(name)).read_bytes()
        finally:
            db.close()

    def left(self) -> list[Path]:
        """The submissions that were not picked up."""
        return [path for path in self.drop.iterdir() if path.name != "bell"]

    def until_taken(self, count: int) -> list[Outgoing]:
        """Wait for so many messages in the queue, and for an empty drop folder."""
        until(lambda: not self.left() and len(self.queued()) >= count, f"{count} messages in the queue")
        return self.queued()
