"""Passwords and tokens: the only place that asks the operating system's keyring, and the only one that knows secrets.

Three places, by the person's choice (or ``MUA_SECRETS``): the keyring; an encrypted file with a passphrase; this
session only.  Nothing falls back by itself: a password that was to live in the keyring is never written elsewhere.

Rules of the file: the keyring is asked on a thread with a deadline, because a locked one waits for a person who may
not be there; backends that forget (null) or write plain text (keyrings.alt) are refused; every value that passes is
registered with ``log.mask``; no secret is in any exception.
"""

import os
import queue
import threading
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from mua.errors import Kind, MailError, Retry
from mua.log import mask, masked
from mua.net.sealed import SealedFile
from mua.paths import Profile, default_profile

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

Answer = TypeVar("Answer")

CREDENTIAL = "mua-passphrase"
DEADLINE = 10.0  # seconds for one question to the keyring
REFUSED = ("keyring.backends.null.", "keyring.backends.fail.", "keyrings.alt.")


class Place(StrEnum):
    """Where secrets live."""

    KEYRING = "keyring"
    FILE = "file"
    SESSION = "session"


class Vault(Protocol):
    """One place: a table of strings."""

    def get(self, name: str) -> str | None:
        """The value, or None if there is none."""

    def set(self, name: str, value: str) -> None:
        """Store durably, or raise MailError."""

    def delete(self, name: str) -> None:
        """Forget; a name that is not there is fine."""


class Secrets:
    """The secrets of one profile.  ``account_key`` names an account for good (its stored id); ``what`` is "password",
    "smtp-password" or "refresh-token".  Every method raises MailError (LOCAL) "keyring-unavailable", "secrets-locked",
    "wrong-passphrase" or "secrets-damaged", and may block for ``deadline`` seconds, never longer.
    """

    def __init__(self, profile: Profile, place: Place, passphrase: str = "", deadline: float = DEADLINE) -> None:
        self.place = place
        mask(passphrase)
        self._file = SealedFile(profile.secrets_file, passphrase)
        vaults: dict[Place, Callable[[], Vault]] = {
            Place.KEYRING: lambda: _Keyring(_service(profile), deadline),
            Place.FILE: lambda: _File(self._file),
            Place.SESSION: _Session,
        }
        self._vault = vaults[place]()

    def get(self, account_key: str, what: str = "password") -> str | None:
        """The secret, or None if none was stored."""
        value = self._vault.get(f"{account_key}/{what}")
        if value is not None:
            mask(value)
        return value

    def set(self, account_key: str, what: str, value: str) -> None:
        """Store a secret; when this returns it is durable (except in a session)."""
        mask(value)
        self._vault.set(f"{account_key}/{what}", value)

    def delete(self, account_key: str, what: str = "password") -> None:
        """Forget a secret; one that was never stored is fine."""
        self._vault.delete(f"{account_key}/{what}")

    def held(self, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """What is stored under these names.  A place that cannot be opened holds nothing, and is asked once; one that
        fails in the middle raises.
        """
        found: dict[tuple[str, str], str] = {}
        for number, name in enumerate(names):
            try:
                value = self.get(*name)
            except MailError:
                if number:
                    raise
                return {}
            if value is not None:
                found[name] = value
        return found

    def set_passphrase(self, passphrase: str) -> None:
        """Open the encrypted file; raises "wrong-passphrase".  The first passphrase makes the file its own."""
        mask(passphrase)
        self._file.unlock(passphrase)

    def change_passphrase(self, passphrase: str) -> None:
        """Seal the encrypted file, which has to be open, under another passphrase."""
        mask(passphrase)
        self._file.rekey(passphrase)


def open_secrets(profile: Profile, chosen: str = "", deadline: float = DEADLINE) -> Secrets:
    """The profile's secrets, in the place that ``MUA_SECRETS`` names, else ``chosen``, else the keyring.

    ``MUA_PASSPHRASE``, or else systemd's credential ``mua-passphrase``, opens the encrypted file; without it the file
    stays locked until ``set_passphrase``.
    """
    named = os.environ.get("MUA_SECRETS") or chosen or Place.KEYRING
    try:
        place = Place(named)
    except ValueError:
        raise MailError(
            Kind.LOCAL,
            Retry.ASK,
            "Passwords can live in the keyring, in an encrypted file or in this session only; "
            "set MUA_SECRETS to keyring, file or session.",
            f"MUA_SECRETS is {named!r}",
            "secrets-place-unknown",
        ) from None
    return Secrets(profile, place, os.environ.get("MUA_PASSPHRASE") or _credential(), deadline)


def _credential() -> str:
    """The passphrase that a service is given (systemd.exec(5), LoadCredential=), without its line end."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    try:
        return (Path(folder) / CREDENTIAL).read_text("utf-8").rstrip("\n") if folder else ""
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        text = f"The credential {CREDENTIAL} of this service cannot be read, so its passwords stay locked."
        raise MailError(Kind.LOCAL, Retry.ASK, text, type(error).__name__, "secrets-locked") from error


def _service(profile: Profile) -> str:
    """The name in the keyring.  Other profiles get their own, so that equal account keys cannot meet."""
    return "Mua" if profile.root == default_profile().absolute() else f"Mua ({profile.root})"


class _Session:
    """Secrets that end with the engine."""

    def __init__(self) -> None:
        self._table: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        return self._table.get(name)

    def set(self, name: str, value: str) -> None:
        self._table[name] = value

    def delete(self, name: str) -> None:
        self._table.pop(name, None)


class _File:
    """Secrets in the profile's encrypted file."""

    def __init__(self, file: SealedFile) -> None:
        self._file = file

    def get(self, name: str) -> str | None:
        return self._file.read().get(name)

    def set(self, name: str, value: str) -> None:
        self._file.change(lambda table: table.__setitem__(name, value))

    def delete(self, name: str) -> None:
        if self._file.exists():  # where there is none, nothing is locked either
            self._file.change(lambda table: table.pop(name, None))


class _Keyring:
    """Secrets in the operating system's keyring, asked one question at a time."""

    def __init__(self, service: str, deadline: float) -> None:
        self._service = service
        self._deadline = deadline
        self._asking = threading.Lock()

    def get(self, name: str) -> str | None:
        return self._ask(lambda backend: backend.get_password(self._service, name))

    def set(self, name: str, value: str) -> None:
        def store(backend: "KeyringBackend") -> str | None:
            backend.set_password(self._service, name, value)
            return backend.get_password(self._service, name)

        if self._ask(store) != value:
            raise _unavailable("it did not give back what was stored in it")

    def delete(self, name: str) -> None:
        def forget(backend: "KeyringBackend") -> None:
            if backend.get_password(self._service, name) is not None:
                backend.delete_password(self._service, name)

        self._ask(forget)

    def _ask(self, question: "Callable[[KeyringBackend], Answer]") -> Answer:
        """The answer, from a thread of its own; a question that hangs makes the next ones fail, not pile up."""
        if not self._asking.acquire(timeout=self._deadline):
            raise _locked("an earlier question is still waiting")
        answers: queue.SimpleQueue[Answer | MailError] = queue.SimpleQueue()

        def work() -> None:
            try:
                answers.put(question(_backend()))
            except Exception as error:  # noqa: BLE001 - backends raise whatever their system does
                answers.put(_translated(error))
            finally:
                self._asking.release()

        threading.Thread(target=work, name="keyring", daemon=True).start()
        try:
            answer = answers.get(timeout=self._deadline)
        except queue.Empty:
            raise _locked(f"no answer within {self._deadline:g} s") from None
        if isinstance(answer, MailError):
            raise answer
        return answer


def _backend() -> "KeyringBackend":
    """The first backend that keeps secrets safe.  Raises "keyring-unavailable"."""
    import keyring

    chosen = keyring.get_keyring()
    candidates: list[KeyringBackend] = getattr(chosen, "backends", None) or [chosen]
    for backend in candidates:  # one by one: the chainer itself would fall through to a plain file
        kind = type(backend)
        if not f"{kind.__module__}.".startswith(REFUSED) and backend.priority >= 1:
            return backend
    raise _unavailable(f"{type(chosen).__module__}.{type(chosen).__qualname__} is not used")


def _translated(error: Exception) -> MailError:
    from keyring.errors import KeyringLocked

    if isinstance(error, MailError):
        return error
    if isinstance(error, KeyringLocked):
        return _locked(str(error))
    return _unavailable(f"{type(error).__name__}: {error}")


def _unavailable(why: str) -> MailError:
    return MailError(
        Kind.LOCAL,
        Retry.ASK,
        "This computer has no keyring that Mua can use; "
        "choose an encrypted file with a passphrase, or this session only.",
        masked(why),
        "keyring-unavailable",
    )


def _locked(why: str) -> MailError:
    return MailError(
        Kind.LOCAL,
        Retry.ASK,
        "The keyring of this computer is locked; unlock it and try again.",
        masked(why),
        "secrets-locked",
    )
