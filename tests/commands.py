"""Running Mua's command line as a process, the way a script does."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PASSPHRASE = "correct horse"


@dataclass(frozen=True)
class Mua:
    """Commands on one throw-away profile, with secrets in a file."""

    profile: Path
    environment: tuple[tuple[str, str], ...] = ()

    def run(self, *words: str, stdin: bytes = b"", seconds: float = 120) -> "subprocess.CompletedProcess[bytes]":
        """Run a command; the caller looks at its code and output."""
        command = self.command(*words)
        return subprocess.run(
            command, input=stdin, capture_output=True, timeout=seconds, env=self.settings(), check=False
        )

    def command(self, *words: str) -> list[str]:
        """The command's words."""
        return [sys.executable, "-m", "mua", "--profile", str(self.profile), *words]

    def settings(self) -> dict[str, str]:
        secrets = {"MUA_SECRETS": "file", "MUA_PASSPHRASE": PASSPHRASE}
        return {**os.environ, **secrets, "PYTHONPATH": str(ROOT), **dict(self.environment)}

    @contextmanager
    def engine(self) -> "Iterator[subprocess.Popen[bytes]]":
        """An engine that stays, as a child of the test; ended in order (unless it is dead already)."""
        self.profile.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.profile / "mua.log").touch(mode=0o600)
        with (
            (self.profile / "mua.log").open("ab") as log,
            subprocess.Popen(self.command("--stay", "engine"), stderr=log, env=self.settings()) as process,
        ):
            deadline = time.monotonic() + 60
            while self.engine_pid() != process.pid or not (self.profile / "engine.sock").exists():
                assert process.poll() is None and time.monotonic() < deadline, "the engine does not start"
                time.sleep(0.02)  # another process: its lock file and socket are the only events there are
            try:
                yield process
            finally:
                process.terminate()
                process.wait(30)

    def json(self, *words: str, stdin: bytes = b"", code: int = 0) -> Any:
        """Run a command with --json; its exit code has to be ``code``; returns the document."""
        done = self.run("--json", *words, stdin=stdin)
        assert done.returncode == code, (
            f"{words}: exit {done.returncode}\n{done.stdout.decode()}\n{done.stderr.decode()}"
        )
        return json.loads(done.stdout)

    def engine_pid(self) -> int:
        """The process id of the running engine; 0 without one."""
        lock = self.profile / "lock"
        text = lock.read_text().strip() if lock.exists() else ""
        return int(text) if text else 0
