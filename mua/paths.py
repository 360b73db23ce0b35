"""Where files live: one profile is one folder, and everything in it is named here."""

import contextlib
import os
import stat
import sys
from pathlib import Path

MAX_SOCKET_NAME = 100  # octets; sun_path holds 104 to 108


def default_profile() -> Path:
    """The profile used when ``--profile`` is not given (XDG on Linux, the platform's place elsewhere)."""
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData/Roaming") / "Mua"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/Mua"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "mua"


def system_profile() -> Path:
    """The profile of a server's own mail queue (``MUA_SYSTEM_PROFILE``, else the usual place)."""
    return Path(os.environ.get("MUA_SYSTEM_PROFILE") or "/var/lib/mua")


def system_drop() -> Path:
    """The folder in which local users leave mail for the system's queue (``MUA_DROP``, else the usual place)."""
    return Path(os.environ.get("MUA_DROP") or "/var/spool/mua")


def etc() -> Path:
    """Where ``mailname`` and ``aliases`` are (``MUA_ETC``, else the usual place)."""
    return Path(os.environ.get("MUA_ETC") or "/etc")


def mail_name() -> str:
    """The domain of this computer's own addresses: what ``/etc/mailname`` says, else the host's name."""
    with contextlib.suppress(OSError, UnicodeDecodeError, IndexError):
        found = (etc() / "mailname").read_text(encoding="ascii").split()[0]
        if all(part.replace("-", "").isalnum() for part in found.split(".")):
            return found.lower()
    return os.uname().nodename.lower()


def resources() -> Path:
    """The folder of icons, tables and sounds: beside the package in a checkout, inside it in a wheel."""
    inside = Path(__file__).parent / "resources"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "resources"


def child_command(*words: str) -> list[str]:
    """How this very program starts itself again, with other arguments: as a module, or as the one file of a package."""
    return [sys.executable, *words] if getattr(sys, "frozen", False) else [sys.executable, "-P", "-m", "mua", *words]


def child_environment() -> dict[str, str]:
    """The environment of a child process that has to find this very package, wherever it was started from."""
    here, rest = str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": f"{here}{os.pathsep}{rest}" if rest else here}


def be_the_owner(profile: "Profile") -> None:
    """Root looks after the system's profile as the user whose it is: nothing in it is to become root's."""
    if os.geteuid() != 0 or profile.root != system_profile().absolute() or not profile.root.exists():
        return
    found = profile.root.stat()
    if found.st_uid:
        os.setgroups([])
        os.setgid(found.st_gid)
        os.setuid(found.st_uid)


def write_new(folder: Path, name: str, data: bytes) -> Path:
    """Write ``data`` as a new file ``name`` in ``folder`` ("name (2)" when it exists); never overwrites, 0600."""
    stem, suffix = Path(name).stem or "attachment", Path(name).suffix
    for number in range(1, 10_000):
        path = folder / (f"{stem}{suffix}" if number == 1 else f"{stem} ({number}){suffix}")
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        return path
    raise FileExistsError(name)


def runtime_folder() -> Path:
    """A folder of short name that only this user can enter, made when missing.

    Raises PermissionError (with a sentence) when somebody else has made it first.
    """
    import tempfile  # here, for few profiles come to this and every start would pay

    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"mua-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} belongs to somebody else; remove it, or use a profile with a shorter path.")
    return folder


class Profile:
    """The files of one profile (DESIGN: who owns what).  The folder is created with mode 0700."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()

    def create(self) -> "Profile":
        """Make the folders; idempotent."""
        for folder in (self.root, self.big, self.drafts):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self

    def trouble(self) -> str:
        """Why nothing private may be put here, as a sentence; empty when it may, or when nothing is here yet.

        Who can write here could be the engine for us, and be given our passwords.
        """
        try:
            found = self.root.stat()
        except OSError:
            return ""
        if found.st_uid != os.getuid():
            if self.root == system_profile().absolute():
                return "Only root, and the user of this computer's mail queue, may look at it or change it."
            return f"{self.root} belongs to another user, who could read your mail there; choose another folder."
        if found.st_mode & stat.S_IWOTH:
            return f"Everybody may write into {self.root}, so your mail is not safe there; choose another folder."
        return ""

    @property
    def cache_db(self) -> Path:
        """Rows, threads, counters, wishes, history, outbox."""
        return self.root / "cache.db"

    @property
    def body_db(self) -> Path:
        """Received messages, compressed."""
        return self.root / "body.db"

    @property
    def fts_db(self) -> Path:
        """The full-text index; rebuildable; its sole writer is the indexer."""
        return self.root / "fts.db"

    @property
    def big(self) -> Path:
        """Messages over 256 KB, one file each."""
        return self.root / "big"

    @property
    def pictures(self) -> Path:
        """Pictures of mail that a person asked for, by the names that ``mime.remote`` makes of their addresses."""
        return self.root / "pictures"

    @property
    def drafts(self) -> Path:
        """The composer's journal."""
        return self.root / "drafts"

    @property
    def lock(self) -> Path:
        """Held by the one engine of the profile."""
        return self.root / "lock"

    @property
    def socket(self) -> Path:
        """Where the engine listens (0600); a short name elsewhere when the profile's own is too long for a socket."""
        root = self.root.resolve()  # whoever comes by a link has to find the engine of those who do not
        path = root / "engine.sock"
        if len(os.fsencode(path)) < MAX_SOCKET_NAME:
            return path
        import hashlib  # here, for few profiles come to this and every start would pay

        name = hashlib.sha256(os.fsencode(root)).hexdigest()[:24]
        return runtime_folder() / f"{name}.sock"

    @property
    def secrets_file(self) -> Path:
        """The encrypted secrets file, used when the person chose it."""
        return self.root / "secrets.enc"

    @property
    def settings(self) -> Path:
        """settings.toml, written by the window."""
        return self.root / "settings.toml"

    @property
    def state(self) -> Path:
        """state.ini: window geometry and the like, written by the window."""
        return self.root / "state.ini"

    @property
    def metrics(self) -> Path:
        """What a server's engine has counted, for Prometheus."""
        return self.root / "metrics.prom"

    @property
    def log_file(self) -> Path:
        """The engine's log."""
        return self.root / "mua.log"
