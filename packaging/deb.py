"""``./run package deb``: the whole program as one Debian package, with Python and Qt inside.

PyInstaller makes the tree ``/usr/lib/mua`` from an environment that holds the locked packages and nothing else; the
rest are the files that a desktop looks for.  ``prove`` lets Debian's own tools judge it, installs it in a bare Debian
and opens the window there as a normal user (``tests/bare_box.sh``).

Rules of the file: what the package needs is what ``system-packages.txt`` says that Qt needs; a complaint of lintian is
mended or named with its reason in ``OVERRIDES``.
"""

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from importlib.metadata import Distribution, distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"
DIST = ROOT / "dist"
APP = "io.github.mua.Mua"
UNUSED = ("tkinter", "pytest", "pip", "setuptools")  # never in the tree, whoever names them

CONTROL = """\
Package: mua
Version: {version}
Architecture: {architecture}
Maintainer: The Mua developers <mua@mua.invalid>
Installed-Size: {size}
Depends: {depends}
Recommends: gnome-keyring | kwalletmanager, libenchant-2-2, hunspell-en-us | hunspell-dictionary
Provides: imap-client, mail-reader
Section: mail
Priority: optional
Description: calm desktop email client
 Mua reads, writes and sends email over IMAP, POP3 and SMTP, or directly to
 each recipient's mail exchanger.  It keeps every message on this computer,
 works offline, says where each sent message is for each of its recipients,
 and loads nothing from the network unless it is asked to.
 .
 Python and Qt are inside.
"""

COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Mua
Comment: What is bundled under /usr/lib/mua is listed, each with its licence, in
 /usr/share/doc/mua/bundled.gz; the licence of the icons stands beside them.

Files: *
Copyright: 2026 The Mua developers
License: GPL-3.0-or-later
 On Debian systems, the full text of the GNU General Public License version 3
 is in /usr/share/common-licenses/GPL-3.
"""

CHANGELOG = """\
mua ({version}) unstable; urgency=medium

  * See the project's history.

 -- The Mua developers <mua@mua.invalid>  {date}
"""

OVERRIDES = """\
# Python, Qt and Qt's browser are inside on purpose: the same program on every Debian.
mua: embedded-library
mua: custom-library-search-path
mua: shared-library-lacks-prerequisites
mua: hardening-no-pie
mua: unstripped-binary-or-object
mua: library-not-linked-against-libc
# A word in a library's messages.
mua: missing-depends-on-sensible-utils
# Mails of the demo account, which want to reach others as such mails do: nothing of them is loaded.
mua: privacy-breach-generic
"""


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    """Its output; SystemExit with all of it where it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise SystemExit(f"failed: {' '.join(words)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout.strip()


def freeze(wheel: Path, work: Path) -> tuple[Path, str]:
    """Make the tree in ``work``: its folder, and what is in it with each licence."""
    venv.create(work / "env", with_pip=True, symlinks=True)
    python = work / "env/bin/python"
    pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run(*pip, "--require-hashes", "-r", PACKAGING / "requirements-package.lock")
    run(*pip, "--no-deps", "--no-index", wheel)
    (packages,) = (work / "env").glob("lib/python3*/site-packages")
    bundled = "\n".join(sorted(_line(one) for one in distributions(path=[str(packages)])))
    (work / "start.py").write_text("import sys\nfrom mua.__main__ import main\nsys.exit(main())\n")
    run(
        *(work / "env/bin/pyinstaller", "--onedir", "--name", "mua", "--noconfirm", "--log-level", "ERROR"),
        *(
            "--collect-submodules",
            "mua",
            "--collect-data",
            "mua",
            "--collect-data",
            "publicsuffixlist",
            "--copy-metadata",
            "keyring",
        ),
        *(word for one in UNUSED for word in ("--exclude-module", one)),
        *("--distpath", work / "tree", "--workpath", work / "build", "--specpath", work, work / "start.py"),
        cwd=work,
    )
    return work / "tree/mua", bundled + "\n"


def _line(one: Distribution) -> str:
    told = one.metadata
    classes = (name.rpartition(" :: ")[2] for name in told.get_all("Classifier") or () if name.startswith("License"))
    licences = [*(told.get_all("License-Expression") or ()), *(told.get_all("License") or ()), ", ".join(classes)]
    said = next((licence.splitlines()[0] for licence in licences if licence.strip()), "see its own files")
    return f"{one.name} {one.version}: {said}"


def depends() -> str:
    """The packages of ``system-packages.txt`` that Qt needs, either name of those that were renamed."""
    lines = (line.split("#")[0].split() for line in (PACKAGING / "system-packages.txt").read_text().splitlines())
    names = [words[2].replace("|", " | ") for words in lines if words[:1] == ["qt"]]
    return ", ".join(["libc6 (>= 2.36)", *sorted(names)])


def lay_out(tree: Path, bundled: str, root: Path, version: str) -> None:
    """Put everything where Debian wants it."""
    doc, share = root / "usr/share/doc/mua", root / "usr/share"
    shutil.copytree(tree, root / "usr/lib/mua", symlinks=True)
    for binary in (root / "usr/lib/mua").rglob("*.so*"):
        binary.chmod(0o644)
    (root / "usr/bin").mkdir()
    (root / "usr/bin/mua").symlink_to("../lib/mua/mua")
    _install(PACKAGING / f"{APP}.desktop", share / "applications")
    _install(PACKAGING / f"{APP}.metainfo.xml", share / "metainfo")
    _install(PACKAGING / f"{APP}.svg", share / "icons/hicolor/scalable/apps")
    for name in ("mua-engine.service", "mua.sysusers", "mua.tmpfiles"):
        _install(PACKAGING / name, doc / "server")
    for path, text in (
        (share / "man/man1/mua.1.gz", (PACKAGING / "mua.1").read_text()),
        (doc / "README.md.gz", (ROOT / "README.md").read_text()),
        (doc / "bundled.gz", bundled),
        (doc / "changelog.gz", CHANGELOG.format(version=version, date=time.strftime("%a, %d %b %Y %H:%M:%S +0000"))),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    (doc / "copyright").write_text(COPYRIGHT)
    (share / "lintian/overrides").mkdir(parents=True)
    (share / "lintian/overrides/mua").write_text(OVERRIDES)


def _install(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, folder / path.name)


def build(wheel: Path) -> Path:
    """The package in ``dist``, from a wheel."""
    version = wheel.name.split("-")[1]
    architecture = run("dpkg", "--print-architecture")
    deb = DIST / f"mua_{version}_{architecture}.deb"
    with tempfile.TemporaryDirectory(prefix="mua-deb-") as made:
        work, root = Path(made), Path(made) / "root"
        tree, bundled = freeze(wheel, work)
        root.mkdir(mode=0o755)
        umask = os.umask(0o022)
        lay_out(tree, bundled, root, version)
        files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
        size = sum(path.stat().st_size for path in files) // 1024
        (root / "DEBIAN").mkdir()
        (root / "DEBIAN/control").write_text(
            CONTROL.format(version=version, architecture=architecture, size=size, depends=depends())
        )
        sums = (run("md5sum", *sorted(path.relative_to(root) for path in files[at : at + 500]), cwd=root)
                for at in range(0, len(files), 500))  # fmt: skip
        (root / "DEBIAN/md5sums").write_text("\n".join(sums) + "\n")
        os.umask(umask)
        run("chmod", "-R", "u=rwX,go=rX", root)
        run("dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", root, deb)
    return deb


def prove(deb: Path) -> None:
    """Debian's tools have nothing to say, and in a bare Debian a normal user sees the window."""
    run("desktop-file-validate", PACKAGING / f"{APP}.desktop")
    run("appstreamcli", "validate", "--no-net", PACKAGING / f"{APP}.metainfo.xml")
    run(
        "lintian",
        "--fail-on",
        "error,warning",
        "--tag-display-limit",
        "0",
        *["--allow-root"] * (os.geteuid() == 0),
        deb,
    )
    box = (ROOT / "tests/bare_box.sh", f"tests/bare_deb.sh {deb}")
    run(*box, MUA_BOX_BIND=str(DIST))


def main(wheel: Path) -> None:
    """Build it and prove it; says how large it is."""
    if not sys.platform.startswith("linux") or not shutil.which("dpkg-deb"):
        raise SystemExit("a Debian package is made on Debian")
    deb = build(wheel)
    prove(deb)
    megabytes = deb.stat().st_size / 1e6
    print(f"{deb.relative_to(ROOT)}  {megabytes:.0f} MB, installed into a bare Debian and started by a normal user")
