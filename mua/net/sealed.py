"""The encrypted secrets file: a small table of strings under one passphrase.

Theory of operation.  The file is one line of JSON (the header), a newline, and the sealed table.  scrypt (RFC 7914)
turns the passphrase and the header's salt into 48 octets: 32 are the AES-256-GCM key, 16 are kept in the header as a
check, which tells a wrong passphrase from a damaged file and helps a guesser no more than the GCM tag does.  The header
is the associated data of the seal, so that nobody can change a parameter unnoticed.

Rules of the file: every write has a new nonce, goes to a sibling file of mode 0600, is fsynced and renamed; what is
read is never believed before its tag is verified; no secret is in any exception.
"""

import base64
import hmac
import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from mua.errors import Kind, MailError, Retry
from mua.records import dataclass

FORMAT = "mua-secrets-1"
MAX_FILE = 4 << 20  # octets; a file that claims to be bigger is not ours
MAX_MEMORY = 256 << 20  # octets that a header may make scrypt use: 128 * n * r
MIN_COST = 1 << 15


@dataclass(frozen=True, slots=True)
class Header:
    """The clear part of the file.  ``n``, ``r``, ``p`` are scrypt's parameters; the rest is base64."""

    n: int
    r: int
    p: int
    salt: str
    check: str = ""
    nonce: str = ""
    format: str = FORMAT

    def encoded(self) -> bytes:
        """The header line without its newline; also the associated data of the seal."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()


class SealedFile:
    """A ``dict[str, str]`` in an encrypted file.  Safe to use from several threads of one process.

    The derived key is kept (not the table), so that only the first call pays for scrypt (about 0.1 s).
    """

    def __init__(self, path: Path, passphrase: str = "", cost: int = MIN_COST) -> None:
        self._path = path
        self._passphrase = passphrase
        self._cost = cost
        self._keys: dict[tuple[int, int, int, str], bytes] = {}
        self._guard = threading.RLock()

    def unlock(self, passphrase: str) -> None:
        """Use ``passphrase`` from now on; MailError "wrong-passphrase" if it does not fit the file.

        The one that is used already costs no scrypt: every command line brings it along.
        """
        with self._guard:
            before = self._passphrase, self._keys
            same = hmac.compare_digest(passphrase.encode(), self._passphrase.encode())
            self._passphrase, self._keys = passphrase, self._keys if same else {}
            try:
                self.read()
            except MailError:
                self._passphrase, self._keys = before
                raise

    def rekey(self, passphrase: str) -> None:
        """Seal the same table under a new passphrase and salt."""
        with self._guard:
            table = self.read()
            self._passphrase, self._keys = passphrase, {}
            self._write(table, self._new_header())

    def read(self) -> dict[str, str]:
        """The table; empty if there is no file yet.  Raises "secrets-locked", "wrong-passphrase", "secrets-damaged"."""
        with self._guard:
            self._require_passphrase()
            content = self._content()
            return {} if content is None else self._opened(content)[1]

    def change(self, edit: Callable[[dict[str, str]], object]) -> None:
        """Apply ``edit`` to the table and store it durably before returning."""
        with self._guard:
            self._require_passphrase()
            content = self._content()
            header, table = (self._new_header(), {}) if content is None else self._opened(content)
            edit(table)
            self._write(table, header)

    def exists(self) -> bool:
        """Whether there is anything to open."""
        return self._path.exists()

    def _require_passphrase(self) -> None:
        if not self._passphrase:
            raise MailError(
                Kind.LOCAL,
                Retry.ASK,
                "The file with your passwords is locked; enter its passphrase to go on.",
                f"{self._path}: no passphrase given (MUA_PASSPHRASE is not set)",
                "secrets-locked",
            )

    def _content(self) -> bytes | None:
        try:
            if self._path.stat().st_size > MAX_FILE:
                raise _damaged(self._path, "too big")
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(error) from error

    def _new_header(self) -> Header:
        return Header(n=self._cost, r=8, p=1, salt=_text(os.urandom(16)))

    def _opened(self, content: bytes) -> tuple[Header, dict[str, str]]:
        """Verify and decrypt a whole file."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        line, _, sealed = content.partition(b"\n")
        header = _parsed(self._path, line)
        key = self._key(header)
        if not hmac.compare_digest(_octets(header.check), key[32:]):
            raise MailError(
                Kind.LOCAL,
                Retry.ASK,
                "That passphrase does not open the file with your passwords; please try another one.",
                str(self._path),
                "wrong-passphrase",
            )
        try:
            table = json.loads(AESGCM(key[:32]).decrypt(_octets(header.nonce), sealed, line))
        except (InvalidTag, ValueError):
            raise _damaged(self._path, "the seal is broken") from None
        if not isinstance(table, dict):
            raise _damaged(self._path, "not a table")
        return header, {str(name): str(value) for name, value in table.items()}

    def _key(self, header: Header) -> bytes:
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

        about = (header.n, header.r, header.p, header.salt)
        if about not in self._keys:
            kdf = Scrypt(salt=_octets(header.salt), length=48, n=header.n, r=header.r, p=header.p)
            self._keys = {about: kdf.derive(self._passphrase.encode())}
        return self._keys[about]

    def _write(self, table: dict[str, str], header: Header) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key, nonce = self._key(header), os.urandom(12)
        line = Header(header.n, header.r, header.p, header.salt, _text(key[32:]), _text(nonce)).encoded()
        sealed = AESGCM(key[:32]).encrypt(nonce, json.dumps(table).encode(), line)
        try:
            _replace(self._path, line + b"\n" + sealed)
        except OSError as error:
            raise MailError(
                Kind.LOCAL,
                Retry.ASK,
                "The password could not be saved on this computer; make room on the disk and try again.",
                str(error),
                "disk-full" if error.errno == 28 else "secrets-unwritable",
            ) from error


def _parsed(path: Path, line: bytes) -> Header:
    """A header whose parameters are within reason, whoever wrote it."""
    try:
        header = Header(**json.loads(line))
        if (
            header.format == FORMAT
            and all(isinstance(value, int) for value in (header.n, header.r, header.p))
            and header.n >= MIN_COST
            and header.n & (header.n - 1) == 0
            and header.r >= 1
            and 1 <= header.p <= 4
            and 128 * header.n * header.r <= MAX_MEMORY
            and len(_octets(header.nonce)) == 12
            and len(_octets(header.salt)) >= 16
            and len(_octets(header.check)) == 16
        ):
            return header
    except (ValueError, TypeError, AttributeError):
        pass
    raise _damaged(path, "its header makes no sense")


def _replace(path: Path, content: bytes) -> None:
    """Durably replace ``path``: a crash at any moment leaves the old file or the new one."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _damaged(path: Path, why: str) -> MailError:
    return MailError(
        Kind.LOCAL,
        Retry.ASK,
        "The file with your passwords was changed or damaged, so nothing in it is trusted; enter the passwords again.",
        f"{path}: {why}",
        "secrets-damaged",
    )


def _unreadable(error: OSError) -> MailError:
    text = "The file with your passwords cannot be read; check that it is yours and try again."
    return MailError(Kind.LOCAL, Retry.ASK, text, str(error), "secrets-unreadable")


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _octets(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
