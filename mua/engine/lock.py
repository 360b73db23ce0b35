"""One engine per profile: ``PROFILE/lock``, held by the operating system, so that a crash lets go of it."""

import fcntl
import os
from typing import TextIO

from mua.errors import Kind, MailError, Retry
from mua.paths import Profile


class ProfileLock:
    """Held from construction to ``release`` (or the end of the process).  The file names the holder's pid."""

    def __init__(self, profile: Profile) -> None:
        self._file: TextIO = profile.lock.open("a+", encoding="ascii")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip()
            self._file.close()
            text = "Mua is already running for this profile; only one can write it. Use that one, or end it first."
            raise MailError(Kind.LOCAL, Retry.ASK, text, f"held by process {holder}", "engine-running") from error
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Let go; the file stays, empty (removing it would race with the next engine)."""
        self._file.truncate(0)
        self._file.close()
