"""Resolve the dependencies of pyproject.toml for every platform and Python, into the lock files.

Rule of the file: a lock holds names, versions and hashes, and no address: it is as true on a mirror as anywhere else
(docs/decisions/0009).  uv does the resolving; it lives in a throw-away environment because nothing else needs it.
"""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = ROOT / "packaging/requirements.lock"
DEVELOPMENT = ROOT / "packaging/requirements-dev.lock"
PACKAGE = ROOT / "packaging/requirements-package.lock"


def compile_lock(uv: Path, lock: Path, *options: str) -> None:
    """Write ``lock``; versions already in it stay where they still fit."""
    command = [
        *(str(uv), "pip", "compile", "--universal", "--generate-hashes", "--no-header", "--quiet"),
        *("--no-emit-index-url", "--no-emit-find-links", "--python-version", "3.11", *options),
        *("--output-file", str(lock), "pyproject.toml"),
    ]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    if "://" in lock.read_text():
        raise SystemExit(f"{lock}: an address got into the lock")


def main() -> None:
    """Write the locks; ``--upgrade`` takes the newest versions that pyproject.toml allows."""
    upgrade = ["--upgrade"] if "--upgrade" in sys.argv[1:] else []
    with tempfile.TemporaryDirectory(prefix="mua-lock-") as folder:
        venv.create(folder, with_pip=True)
        programs = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin")
        subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", "uv>=0.8"], check=True)
        compile_lock(programs / "uv", RUNTIME, *upgrade)
        for lock, group in ((DEVELOPMENT, "dev"), (PACKAGE, "package")):
            compile_lock(programs / "uv", lock, "--group", group, "--constraint", str(RUNTIME), *upgrade)


if __name__ == "__main__":
    main()
