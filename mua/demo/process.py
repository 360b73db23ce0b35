"""Starting the demo server as a child process, and ending it.

Rule of the file: the password comes through a pipe; it is in no argument, environment or file.
"""

import json
import subprocess
import threading
from dataclasses import field
from pathlib import Path

from mua import log
from mua.errors import Kind, MailError, Retry
from mua.paths import child_command, child_environment
from mua.records import dataclass

READY_LIMIT = 30.0  # seconds
END_LIMIT = 5.0


@dataclass(frozen=True, slots=True)
class DemoServer:
    """A running demo server: both ports are on 127.0.0.1, without TLS."""

    imap_port: int
    smtp_port: int
    user: str
    email: str
    password: str = field(repr=False)
    process: "subprocess.Popen[str]" = field(repr=False)

    @property
    def alive(self) -> bool:
        """The process runs."""
        return self.process.poll() is None

    def close(self) -> None:
        """End the process; it saves nothing at the end, so killing it loses nothing."""
        _end(self.process)


def start(directory: Path) -> DemoServer:
    """Start the demo server on the mailbox in ``directory`` (made and seeded when new), and wait until it listens.

    Raises MailError (LOCAL, code ``demo-failed``) when it does not come up within ``READY_LIMIT`` seconds.
    """
    command = child_command("--profile", str(directory), "demo-server")
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8", env=child_environment())
    overdue = threading.Timer(READY_LIMIT, process.kill)
    overdue.start()
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        log.mask(ready["password"])
        return DemoServer(process=process, **ready)
    except (ValueError, KeyError, TypeError) as error:
        _end(process)
        text = "The demo mailbox could not be opened on this computer; its folder may be damaged or the disk full."
        raise MailError(Kind.LOCAL, Retry.ASK, text, f"exit {process.returncode}", "demo-failed") from error
    finally:
        overdue.cancel()


def _end(process: "subprocess.Popen[str]") -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    try:
        process.wait(END_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
