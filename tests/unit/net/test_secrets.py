"""Secrets: three places, each real; nothing lost, nothing in the clear, nothing that hangs."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.backends.fail import Keyring as FailKeyring
from keyring.backends.null import Keyring as NullKeyring

from mua import log
from mua.errors import Kind, MailError, Retry
from mua.net.sealed import SealedFile
from mua.net.secrets import Place, Secrets, open_secrets
from mua.paths import Profile

PASSWORD = "pässwörd «with» all / signs"


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile(tmp_path / "profile").create()


@pytest.fixture
def use_backend() -> Iterator[Callable[[KeyringBackend], None]]:
    before = keyring.get_keyring()
    yield keyring.set_keyring
    keyring.set_keyring(before)


class Remembering(KeyringBackend):
    """A backend in memory, as good as any."""

    priority = 5  # type: ignore[assignment]

    def __init__(self) -> None:
        self.table: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.table.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.table[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.table[service, username]


class Forgetful(Remembering):
    """Says yes and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class Waiting(Remembering):
    """A locked keyring whose prompt nobody answers."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = threading.Event()
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        self.answered.wait(30)
        return "late"


class Leaky(Remembering):
    """Puts the secret into its exception."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"cannot store {password}")


class Plain(Remembering):
    """What keyrings.alt looks like: always there, low priority, plain text."""

    priority = 0.5  # type: ignore[assignment]


def everything_said(caught: pytest.ExceptionInfo[MailError]) -> str:
    said, error = "", caught.value
    while error is not None:
        said += repr((str(error), error.args, getattr(error, "text", ""), getattr(error, "detail", "")))
        error = error.__cause__ or error.__context__
    return said


# --- every place ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", Place)
def test_every_place_keeps_replaces_and_forgets(
    place: Place, profile: Profile, use_backend: Callable[[KeyringBackend], None]
) -> None:
    use_backend(Remembering())
    secrets = Secrets(profile, place, "open sesame")
    assert secrets.get("1") is None
    secrets.set("1", "password", PASSWORD)
    secrets.set("1", "smtp-password", "another one")
    assert (secrets.get("1"), secrets.get("1", "smtp-password"), secrets.get("2")) == (PASSWORD, "another one", None)
    secrets.set("1", "password", "replaced")
    assert secrets.get("1") == "replaced"
    secrets.delete("1")
    secrets.delete("1")
    assert (secrets.get("1"), secrets.get("1", "smtp-password")) == (None, "another one")


@pytest.mark.parametrize("place", Place)
def test_what_passes_is_masked_in_the_log(
    place: Place, profile: Profile, use_backend: Callable[[KeyringBackend], None]
) -> None:
    use_backend(Remembering())
    secret = f"not to be seen {place}"
    Secrets(profile, place, "open sesame").set("1", "password", secret)
    assert secret not in log.masked(f"login with {secret} failed")


def test_the_environment_chooses_the_place(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUA_SECRETS", "session")
    assert open_secrets(profile, "file").place is Place.SESSION
    monkeypatch.delenv("MUA_SECRETS")
    assert open_secrets(profile, "file").place is Place.FILE
    assert open_secrets(profile).place is Place.KEYRING
    monkeypatch.setenv("MUA_SECRETS", "post-it")
    with pytest.raises(MailError) as caught:
        open_secrets(profile)
    assert caught.value.code == "secrets-place-unknown"


# --- the encrypted file -----------------------------------------------------------------------------------------


def test_the_file_opens_again_with_its_passphrase(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUA_SECRETS", "file")
    monkeypatch.setenv("MUA_PASSPHRASE", "open sesame")
    open_secrets(profile).set("1", "password", PASSWORD)
    assert open_secrets(profile).get("1") == PASSWORD
    monkeypatch.delenv("MUA_PASSPHRASE")
    locked = open_secrets(profile)
    with pytest.raises(MailError) as caught:
        locked.get("1")
    assert (caught.value.code, caught.value.kind, caught.value.retry) == ("secrets-locked", Kind.LOCAL, Retry.ASK)
    locked.set_passphrase("open sesame")
    assert locked.get("1") == PASSWORD


def test_where_no_secret_was_ever_kept_none_is_locked_away_from_being_forgotten(profile: Profile) -> None:
    Secrets(profile, Place.FILE).delete("1")
    assert not profile.secrets_file.exists()
    Secrets(profile, Place.FILE, "open sesame").set("1", "password", PASSWORD)
    with pytest.raises(MailError, match="locked"):
        Secrets(profile, Place.FILE).delete("1")


def test_a_service_is_given_its_passphrase_as_a_credential(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUA_SECRETS", "file")
    monkeypatch.delenv("MUA_PASSPHRASE", raising=False)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(MailError):
        open_secrets(profile).set("1", "password", PASSWORD)
    (tmp_path / "mua-passphrase").write_text("of the service\n")
    open_secrets(profile).set("1", "password", PASSWORD)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    opened = open_secrets(profile)
    opened.set_passphrase("of the service")
    assert opened.get("1") == PASSWORD


def test_a_wrong_passphrase_is_refused_and_changes_nothing(profile: Profile) -> None:
    secrets = Secrets(profile, Place.FILE, "open sesame")
    secrets.set("1", "password", PASSWORD)
    before = profile.secrets_file.read_bytes()
    for attempt in (
        lambda: secrets.set_passphrase("open barley"),
        lambda: Secrets(profile, Place.FILE, "open barley").get("1"),
        lambda: Secrets(profile, Place.FILE, "open barley").set("2", "password", "lost"),
    ):
        with pytest.raises(MailError) as caught:
            attempt()
        assert caught.value.code == "wrong-passphrase"
        assert "barley" not in everything_said(caught)
    assert profile.secrets_file.read_bytes() == before
    assert secrets.get("1") == PASSWORD


def test_the_file_shows_nothing_and_belongs_to_its_owner(profile: Profile) -> None:
    secrets = Secrets(profile, Place.FILE, "open sesame")
    secrets.set("account-key", "password", "plainly visible?")
    content = profile.secrets_file.read_bytes()
    assert not any(word in content for word in (b"visible", b"sesame", b"account-key"))
    assert profile.secrets_file.stat().st_mode & 0o777 == 0o600
    header = json.loads(content.split(b"\n", 1)[0])
    assert header["n"] >= 2**15
    secrets.set("account-key", "password", "plainly visible?")
    again = json.loads(profile.secrets_file.read_bytes().split(b"\n", 1)[0])
    assert again["nonce"] != header["nonce"]
    assert not profile.secrets_file.with_name("secrets.enc.new").exists()


def test_every_changed_octet_is_noticed(profile: Profile) -> None:
    secrets = Secrets(profile, Place.FILE, "open sesame")
    secrets.set("1", "password", PASSWORD)
    content = profile.secrets_file.read_bytes()
    line_end = content.index(b"\n")
    for place in [*range(line_end + 1, len(content), 7), content.index(b'"nonce":"') + 10, content.index(b'"n":') + 4]:
        changed = bytearray(content)
        changed[place] ^= 1
        profile.secrets_file.write_bytes(bytes(changed))
        with pytest.raises(MailError) as caught:
            secrets.get("1")
        assert caught.value.code in ("secrets-damaged", "wrong-passphrase")
        with pytest.raises(MailError):
            secrets.set("1", "password", "would overwrite what may be saved yet")


@pytest.mark.parametrize("length", [0, 1, 40, -1])
def test_a_cut_file_is_damaged_not_empty(profile: Profile, length: int) -> None:
    secrets = Secrets(profile, Place.FILE, "open sesame")
    secrets.set("1", "password", PASSWORD)
    profile.secrets_file.write_bytes(profile.secrets_file.read_bytes()[:length])
    with pytest.raises(MailError) as caught:
        secrets.get("1")
    assert caught.value.code == "secrets-damaged"


@pytest.mark.parametrize(
    "changes",
    [
        {"n": 2**30},
        {"n": 2**14},
        {"n": 2**15 + 1},
        {"n": "many"},
        {"r": 0},
        {"r": 10**9},
        {"p": 10**6},
        {"p": True, "n": None},
        {"format": "other"},
        {"salt": "AA=="},
        {"nonce": "!"},
        {"more": 1},
    ],
)
def test_a_header_beyond_reason_costs_nothing(profile: Profile, changes: dict[str, object]) -> None:
    secrets = Secrets(profile, Place.FILE, "open sesame")
    secrets.set("1", "password", PASSWORD)
    line, _, sealed = profile.secrets_file.read_bytes().partition(b"\n")
    profile.secrets_file.write_bytes(json.dumps(json.loads(line) | changes).encode() + b"\n" + sealed)
    with pytest.raises(MailError) as caught:
        Secrets(profile, Place.FILE, "open sesame").get("1")
    assert caught.value.code == "secrets-damaged"


def test_the_passphrase_can_be_changed(profile: Profile) -> None:
    secrets = Secrets(profile, Place.FILE, "open sesame")
    secrets.set("1", "password", PASSWORD)
    secrets.change_passphrase("open barley")
    assert secrets.get("1") == PASSWORD
    assert Secrets(profile, Place.FILE, "open barley").get("1") == PASSWORD
    with pytest.raises(MailError):
        SealedFile(profile.secrets_file, "open sesame").read()


def test_a_full_disk_keeps_the_old_file(profile: Profile) -> None:
    """The write really fails: the process may not write files longer than a few hundred octets."""
    Secrets(profile, Place.FILE, "open sesame").set("1", "password", PASSWORD)
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from mua.errors import MailError; from mua.net.secrets import *; from mua.paths import Profile\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: Secrets(Profile(Path(sys.argv[1])), Place.FILE, 'open sesame').set('2', 'password', 'x' * 500)\n"
        "except MailError as error: print(error.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(profile.root)], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "secrets-unwritable", done.stderr
    assert Secrets(profile, Place.FILE, "open sesame").get("1") == PASSWORD


# --- the keyring ------------------------------------------------------------------------------------------------


def test_profiles_do_not_share_passwords(tmp_path: Path, use_backend: Callable[[KeyringBackend], None]) -> None:
    use_backend(Remembering())
    Secrets(Profile(tmp_path / "one"), Place.KEYRING).set("1", "password", "of the first")
    assert Secrets(Profile(tmp_path / "two"), Place.KEYRING).get("1") is None


@pytest.mark.parametrize("backend", [NullKeyring, FailKeyring, Plain, Forgetful])
def test_backends_that_lose_or_expose_are_refused(
    backend: type[KeyringBackend], profile: Profile, use_backend: Callable[[KeyringBackend], None]
) -> None:
    use_backend(backend())
    with pytest.raises(MailError) as caught:
        Secrets(profile, Place.KEYRING).set("1", "password", PASSWORD)
    assert (caught.value.code, caught.value.kind) == ("keyring-unavailable", Kind.LOCAL)


def test_a_chain_never_reaches_a_plain_file(
    profile: Profile, use_backend: Callable[[KeyringBackend], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    good, plain = Remembering(), Plain()
    monkeypatch.setattr(ChainerBackend, "backends", [plain, good])
    use_backend(ChainerBackend())
    Secrets(profile, Place.KEYRING).set("1", "password", PASSWORD)
    assert (len(good.table), len(plain.table)) == (1, 0)
    monkeypatch.setattr(ChainerBackend, "backends", [plain])
    with pytest.raises(MailError):
        Secrets(profile, Place.KEYRING).set("1", "password", PASSWORD)
    assert not plain.table


def test_a_keyring_that_hangs_is_given_up_at_the_deadline(
    profile: Profile, use_backend: Callable[[KeyringBackend], None]
) -> None:
    backend = Waiting()
    use_backend(backend)
    secrets = Secrets(profile, Place.KEYRING, deadline=0.05)
    for _ in range(3):
        with pytest.raises(MailError) as caught:
            secrets.get("1")
        assert caught.value.code == "secrets-locked"
    assert backend.asked == 1, "a locked keyring is not asked again while its first question waits"
    backend.answered.set()
    assert Secrets(profile, Place.KEYRING, deadline=5).get("1") == "late"


def test_no_secret_in_what_a_backend_complains_about(
    profile: Profile, use_backend: Callable[[KeyringBackend], None]
) -> None:
    use_backend(Leaky())
    with pytest.raises(MailError) as caught:
        Secrets(profile, Place.KEYRING).set("1", "password", PASSWORD)
    assert PASSWORD not in everything_said(caught)
    assert "cannot store ***" in caught.value.detail


STORE_AND_READ = """
import sys
from pathlib import Path
from mua.errors import MailError
from mua.net.secrets import Place, Secrets
from mua.paths import Profile
secrets = Secrets(Profile(Path(sys.argv[1])), Place.KEYRING, deadline=float(sys.argv[2]))
try:
    secrets.set("1", "password", "päss")
    print(secrets.get("1")); secrets.delete("1"); print(secrets.get("1"))
except MailError as error:
    print(error.code)
"""


def in_a_bare_environment(tmp_path: Path, command: list[str], **more: str) -> list[str]:
    """What ``command`` prints where no desktop is: own XDG folders, no display, no bus but the one given."""
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    keep = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    folders = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("DATA", "CONFIG", "CACHE")}
    environment = keep | folders | {"XDG_RUNTIME_DIR": str(runtime), "HOME": str(tmp_path)} | more
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[3])
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_without_a_session_bus_it_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STORE_AND_READ, str(tmp_path), "10"]
    said = in_a_bare_environment(tmp_path, command, DBUS_SESSION_BUS_ADDRESS=f"unix:path={tmp_path}/nothing")
    assert said == ["keyring-unavailable"]


gnome = pytest.mark.skipif(
    not (shutil.which("gnome-keyring-daemon") and shutil.which("dbus-run-session")),
    reason="gnome-keyring and dbus-run-session are not installed",
)


def with_gnome_keyring(tmp_path: Path, start: str) -> list[str]:
    """Run the script under a session bus whose keyring was started by ``start`` and ends with it."""
    script = f'{start} >/dev/null 2>&1 & keyring=$!; "$@"; code=$?; kill $keyring; wait $keyring; exit $code'
    command = ["dbus-run-session", "--", "sh", "-c", script, "sh"]
    return in_a_bare_environment(tmp_path, [*command, sys.executable, "-c", STORE_AND_READ, str(tmp_path), "5"])


@gnome
def test_the_real_gnome_keyring_keeps_a_password(tmp_path: Path) -> None:
    start = "printf 'login\\n' | gnome-keyring-daemon --unlock --components=secrets --foreground"
    assert with_gnome_keyring(tmp_path, start) == ["päss", "None"]


@gnome
def test_a_locked_gnome_keyring_without_a_screen_says_so(tmp_path: Path) -> None:
    start = "gnome-keyring-daemon --components=secrets --foreground"
    assert with_gnome_keyring(tmp_path, start)[0] in ("keyring-unavailable", "secrets-locked")
