"""Set up everything that Mua needs, once: the system's libraries, ``.venv``, and the locked packages.

    bootstrap.py core|gui|dev [test] [screenshots]

Called by ``run`` when ``.venv`` is not what is asked for.  Standard library only, Python >= 3.11, and nothing of Mua:
it runs before there is anything else.  Everything it says goes to stderr.

Theory of operation
    ``.venv/.ready`` holds what the environment is: ``where`` (this checkout and the interpreter), ``core`` (the lock
    that was installed), ``gui`` and ``dev`` when these are in it too.  It is removed before an installation begins and
    written when all is done, so an environment without it was interrupted, and is made again from the start.
    What the system lacks is probed (``system-packages.txt``), never guessed: as root on Debian and its kin exactly the
    missing packages are installed; anybody else is told one command.
"""

import ctypes
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
QT = frozenset({"pyside6", "pyside6-addons", "pyside6-essentials", "shiboken6", "pytest-qt"})
POLICY = Path("/usr/sbin/policy-rc.d")
SERVICES = frozenset({"dovecot", "postfix", "nsd", "unbound"})
GLIBC_T64 = (2, 39)  # Debian 13 and Ubuntu 24.04: libraries with 64-bit times carry new package names


class SetUpError(Exception):
    """Set-up cannot go on; the text says why and what to do."""


def say(text: str) -> None:
    """One line of progress."""
    print(f"mua: {text}", file=sys.stderr, flush=True)


# -- the system's packages -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SystemPackage:
    """A line of system-packages.txt: ``probe`` is a soname, or paths of which any will do; ``names`` newest first."""

    group: str
    probe: str
    names: tuple[str, ...]

    def name(self, glibc: tuple[int, int]) -> str:
        """What the package is called where the C library is ``glibc``."""
        return self.names[0] if glibc >= GLIBC_T64 else self.names[-1]

    def is_there(self) -> bool:
        """Look for the file, or load the library."""
        if self.probe.startswith("/"):
            return any(Path(path).exists() for path in self.probe.split(":"))
        try:
            ctypes.CDLL(self.probe)
        except OSError:
            return False
        return True


def read_packages(text: str) -> list[SystemPackage]:
    """The lines of system-packages.txt."""
    lines = (line.split("#")[0].split() for line in text.splitlines())
    return [SystemPackage(line[0], line[1], tuple(line[2].split("|"))) for line in lines if line]


def missing_packages(groups: Iterable[str]) -> list[SystemPackage]:
    """What this system lacks of ``groups``."""
    wanted = set(groups)
    known = read_packages((PACKAGING / "system-packages.txt").read_text(encoding="utf-8"))
    return [package for package in known if package.group in wanted and not package.is_there()]


def glibc_version() -> tuple[int, int]:
    """Of the running system; (0, 0) where there is another C library."""
    try:
        numbers = re.findall(r"\d+", os.confstr("CS_GNU_LIBC_VERSION") or "")
        return int(numbers[0]), int(numbers[1])
    except (AttributeError, IndexError, OSError, ValueError):
        return 0, 0


def install_command(names: Iterable[str], with_sudo: bool) -> str:
    """The one line that a person copies."""
    install = "apt-get update && apt-get install -y --no-install-recommends " + " ".join(names)
    return f"sudo sh -c {shlex.quote(install)}" if with_sudo else f"su -c {shlex.quote(install)}"


def provide(packages: list[SystemPackage], purpose: str, required: bool, lost: str = "") -> None:
    """Install ``packages`` where we may; else say what to do, and go on (and what is ``lost``) only when they are not
    ``required``.
    """
    if not packages:
        return
    glibc = glibc_version()
    names = sorted({package.name(glibc) for package in packages})
    if shutil.which("apt-get") is None:
        problem = f"{purpose}: please install what provides {' '.join(package.probe for package in packages)}"
    elif os.geteuid() != 0:
        command = install_command(names, shutil.which("sudo") is not None)
        problem = f"{purpose}: this system lacks {len(names)} packages.  Copy this one command:\n  {command}"
    else:
        say(f"{purpose}: installing {' '.join(names)}")
        problem = apt_install(names)
    if problem and required:
        raise SetUpError(problem + "\nThen start ./run again.")
    if problem:
        say(problem + f"\n  (going on without: {lost})")


def apt_install(names: list[str]) -> str:
    """Install Debian packages without starting their services; returns "" or what went wrong."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    options = ["-y", "-q", "--no-install-recommends", "--no-remove", "-o", "DPkg::Lock::Timeout=300"]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = ["apt-get", *words]
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
        )

    with services_held_back(names):
        run("update", "-q")  # it may fail for one stale source, and the packages still be there
        done = run("install", *options, *names)
    if done.returncode == 0:
        return ""
    return "apt-get failed:\n" + "\n".join((done.stdout + done.stderr).splitlines()[-12:])


@contextmanager
def services_held_back(names: Iterable[str]) -> Iterator[None]:
    """Packages bring daemons that Debian would start, now and at each boot; the tests start their own."""
    ours = not POLICY.exists() and not POLICY.is_symlink()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink()
        units = sorted({name.split("-")[0] for name in names} & SERVICES)
        if units and Path("/run/systemd/system").is_dir():
            subprocess.run(["systemctl", "disable", "--now", "--quiet", *units], check=False, capture_output=True)


# -- the environment -------------------------------------------------------------------------------------------------


def entries(lock: str) -> dict[str, str]:
    """The packages of a lock file: name -> its lines."""
    found: dict[str, str] = {}
    name = ""
    for line in lock.splitlines(keepends=True):
        start = re.match(r"[A-Za-z0-9][\w.-]*", line)
        if start:
            name = start[0].lower()
        if name and not line.lstrip().startswith("#"):
            found[name] = found.get(name, "") + line
    return found


def requirements(lock: str, gui: bool) -> str:
    """What pip is to install from ``lock``: all of it, or all but Qt."""
    return "".join(text for name, text in entries(lock).items() if gui or name not in QT)


@dataclass(frozen=True)
class Features:
    """What an environment holds beyond the core."""

    gui: bool = False
    dev: bool = False

    def __or__(self, other: "Features") -> "Features":
        return Features(self.gui or other.gui, self.dev or other.dev)


class Environment:
    """``.venv`` and its ``.ready`` folder."""

    def __init__(self, folder: Path, packaging: Path) -> None:
        self.folder = folder
        self.packaging = packaging
        self.python = folder / PYTHON.relative_to(VENV)
        self.ready = folder / ".ready"

    def lock(self, features: Features) -> Path:
        """The lock file that describes it."""
        return self.packaging / ("requirements-dev.lock" if features.dev else "requirements.lock")

    def features(self) -> Features | None:
        """What it holds; None when there is none, when it was interrupted, or when its interpreter has gone."""
        where = self.ready / "where"
        if not where.is_file() or not self.python.exists():
            return None
        if where.read_text().strip().rpartition(":")[2] != self.interpreter():
            return None
        return Features(gui=(self.ready / "gui").exists(), dev=(self.ready / "dev").exists())

    def is_current(self, features: Features) -> bool:
        """True when the locks that were installed are the ones of today, and nothing of ``features`` is missing."""
        have = self.features()
        if have is None or have | features != have:
            return False
        pairs = [(self.ready / "core", self.lock(Features()))]
        if have.dev:
            pairs.append((self.ready / "dev", self.lock(have)))
        return all(there.read_bytes() == today.read_bytes() for there, today in pairs)

    def interpreter(self) -> str:
        """The real file behind ``bin/python`` (``run`` compares it with ``readlink -f``)."""
        return os.path.realpath(self.python)

    def forget(self) -> None:
        """From here on it counts as interrupted."""
        shutil.rmtree(self.ready, ignore_errors=True)

    def remember(self, features: Features) -> None:
        """Write ``.ready``; ``where`` last."""
        self.ready.mkdir()
        shutil.copyfile(self.lock(Features()), self.ready / "core")
        if features.gui:
            (self.ready / "gui").touch()
        if features.dev:
            shutil.copyfile(self.lock(features), self.ready / "dev")
        self.place()

    def place(self) -> None:
        """Tell the interpreter where the checkout is, and ``run`` where the interpreter is."""
        checkout = self.packaging.parent
        for packages in (*self.folder.glob("lib/python3*/site-packages"), *self.folder.glob("Lib/site-packages")):
            (packages / "mua-checkout.pth").write_text(f"{checkout}\n")
        (self.ready / "where").write_text(f"{checkout}:{self.interpreter()}\n")


def make(environment: Environment, wanted: Features) -> None:
    """Bring ``environment`` to today's locks and ``wanted``, from whatever state it is in."""
    have = environment.features()
    if have is None and environment.folder.exists():
        say("making .venv again: it is not whole (an interrupted set-up, another tool, or its Python has gone)")
    features = (have or Features()) | wanted
    environment.forget()
    if have is None:
        venv.create(
            environment.folder, with_pip=True, clear=environment.folder.exists(), symlinks=os.name != "nt"
        )  # links: a copied interpreter outlives the library that it was made from
    wishes = requirements(environment.lock(features).read_text(encoding="utf-8"), features.gui)
    (environment.folder / "requirements.txt").write_text(wishes, encoding="utf-8")
    size = "about 250 MB to download" if features.gui else "about 20 MB to download"
    say(f"installing {len(entries(wishes))} packages into .venv ({size} the first time)")
    pip_install(environment)
    compile_program(environment)
    environment.remember(features)


def pip_install(environment: Environment) -> None:
    """Install ``requirements.txt`` of the environment; on a terminal show which package is being fetched."""
    command = [str(environment.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off", "--require-hashes", "-r", str(environment.folder / "requirements.txt")]
    said: list[str] = []
    pip = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    assert pip.stdout is not None
    for line in pip.stdout:
        said.append(line.rstrip())
        if sys.stderr.isatty() and line.startswith(("Collecting", "Installing")):
            print(f"\r\033[K  {line.split('==')[0].strip()[:70]}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    if pip.wait() != 0:
        tail = "\n  ".join(said[-12:])
        raise SetUpError(
            f"the packages could not be installed; pip said:\n  {tail}\n"
            "Check the network connection (and the free disk space), then start ./run again."
        )


def compile_program(environment: Environment) -> None:
    """What pip does for the packages: who may not write here, such as a server's own user, would compile a module
    whenever it is loaded, and keep the memory that this took.
    """
    command = [str(environment.python), "-m", "compileall", "-q", str(ROOT / "mua")]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)


@contextmanager
def alone() -> Iterator[None]:
    """One set-up at a time in one checkout; a second one waits for the first."""
    if os.name == "nt":
        yield
        return
    import fcntl  # not there on Windows

    with Path(__file__).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout to finish")
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            pass  # a file system without locks: then there is no second user to wait for either
        yield


def set_up(words: list[str]) -> None:
    """``words`` as on the command line."""
    features = {"core": Features(), "gui": Features(gui=True), "dev": Features(gui=True, dev=True)}[words[0]]
    environment = Environment(VENV, PACKAGING)
    current = environment.is_current(features)
    if sys.platform == "linux" and features.gui and not current:
        provide(missing_packages(["qt"]), "the window", required=True)
    if sys.platform == "linux" and features.gui and (words[1:] or not current):
        provide(missing_packages(["spelling"]), "spelling", required=False, lost="spelling is not checked")
    if sys.platform == "linux" and words[1:]:
        provide(missing_packages(words[1:]), "the tests", required=False, lost="the tests that need them are skipped")
    if current:
        environment.place()
    else:
        make(environment, features)


def main() -> int:
    """Exit 0 when all is there, 1 with a plain reason."""
    try:
        with alone():
            set_up(sys.argv[1:])
    except SetUpError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("set-up was interrupted; ./run goes on with it")
        return 1
    except OSError as error:
        say(f"set-up failed: {error}; start ./run again when that is mended")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
