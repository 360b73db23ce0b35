"""Build what people install, and prove that it starts: ``./run package wheel|deb``.

Rule of the file: nothing is called built that was not installed into a bare environment and started there.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import deb

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"

# Installed, it must find its resources inside the package, and its window's module must load.
INSTALLED = """
import pathlib, sys
import mua, mua.paths
assert pathlib.Path(mua.__file__).is_relative_to(sys.prefix), mua.__file__
assert (mua.paths.resources() / "icons").is_dir(), mua.paths.resources()
from PySide6.QtWidgets import QApplication
application = QApplication([])
import mua.gui
"""


def run(*command: str | Path, **environment: str) -> str:
    """Run in an empty folder, so that nothing of the checkout can be imported by accident; returns its output."""
    with tempfile.TemporaryDirectory(prefix="mua-package-") as folder:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    if done.returncode != 0:
        raise SystemExit(f"failed: {' '.join(str(word) for word in command)}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def build() -> tuple[Path, Path]:
    """sdist, then the wheel out of the sdist: so the sdist is known to be whole.  Returns (wheel, sdist)."""
    for old in DIST.glob("mua-*"):
        old.unlink()
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(DIST)], cwd=ROOT, check=True)
    (sdist,) = DIST.glob("mua-*.tar.gz")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet")
    run(*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", DIST, sdist)
    (wheel,) = DIST.glob("mua-*.whl")
    return wheel, sdist


def prove(wheel: Path) -> None:
    """Install ``wheel`` with the locked packages into a bare environment and start it there."""
    with tempfile.TemporaryDirectory(prefix="mua-bare-") as folder:
        venv.create(folder, with_pip=True)
        programs = Path(folder) / "bin"
        pip = (programs / "python", "-m", "pip", "--disable-pip-version-check")
        run(*pip, "install", "--quiet", "--require-hashes", "-r", ROOT / "packaging/requirements.lock")
        run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel)
        run(*pip, "check")
        print(run(programs / "mua", "--version"))
        assert "--profile" in run(programs / "mua", "--help")
        run(programs / "python", "-c", INSTALLED, QT_QPA_PLATFORM="offscreen")
        if shutil.which("man"):
            run("man", "-l", Path(folder) / "share/man/man1/mua.1")


def main() -> None:
    """``wheel``, or ``deb``, which is made of a wheel."""
    if sys.argv[1:] not in (["wheel"], ["deb"]):
        raise SystemExit("usage: ./run package wheel|deb")
    wheel, sdist = build()
    if sys.argv[1] == "deb":
        deb.main(wheel)
        return
    prove(wheel)
    for path in (wheel, sdist):
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1024:.0f} KB, installed into a bare environment")


if __name__ == "__main__":
    main()
