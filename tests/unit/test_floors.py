"""Who may import what: the libraries that one room owns, the floors, and life without PySide6.

The order of the floors is import-linter's (pyproject.toml); here is what it cannot say: module names with wildcards.
"""

import ast
import fnmatch
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# library -> the modules that may import it (directly; what they import in turn, nobody else needs to know)
OWNERS = {
    "PySide6": ["mua.gui", "mua.gui.*"],
    "shiboken6": ["mua.gui", "mua.gui.*"],
    "imapclient": ["mua.net.imap*"],
    "imaplib": ["mua.net.imap*"],
    "aiosmtplib": ["mua.net.smtp*"],
    "poplib": [],
    "dns": ["mua.net.dns*"],
    "keyring": ["mua.net.secrets*"],
    "jeepney": ["mua.net.awake", "mua.net.bus"],
    "enchant": ["mua.gui.speller"],
    "scramp": ["mua.net.sasl"],
    "publicsuffixlist": ["mua.model.domain"],
    "pypdf": ["mua.engine.extractor"],
    "http": ["mua.net.https"],
    "apsw": ["mua.store.*"],
    "sqlite3": [],
    "asyncio": [
        "mua.net.*",
        "mua.demo.*",
        "mua.engine.sender",
        "mua.engine.commits",
        "mua.engine.lane",
        "mua.engine.preflight",
        "mua.engine.examine",
        "mua.engine.direct_mx",
        "mua.engine.demands",
        "mua.engine.doctor",
        "mua.engine.dkim",
        "mua.engine.diagnose",
    ],
    "ssl": ["mua.net.*", "mua.demo.*"],
    # the profile's own socket has two ends; a worker is poked through a socket pair
    "socket": [
        "mua.net.*",
        "mua.demo.*",
        "mua.engine.server",
        "mua.engine.*_worker",
        "mua.engine.notify",
        "mua.cli.client",
    ],
    "socketserver": [],
    "smtplib": [],
    "urllib.request": [],
    "pickle": [],
}
# What is pure knows no clock, no chance and no world outside.
PURE = ["mua.model.*", "mua.plan.*"]
IMPURE = {"time", "os", "secrets", "subprocess", "threading", "tempfile", "shutil", "socket", "logging"}
# The window and the command line: data, wire, and the store's reading half.
CLIENTS = ["mua.gui", "mua.gui.*", "mua.cli", "mua.cli.*"]
CLOSED_TO_CLIENTS = ["mua.net", "mua.net.*", "mua.engine", "mua.engine.*", "mua.store.write*", "mua.store.dispatch"]


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> dict[str, Path]:
    return {name_of(path): path for path in sorted((ROOT / "mua").rglob("*.py"))}


@functools.cache
def imports(path: Path) -> frozenset[str]:
    """Everything that a module imports, wherever in it; ``from a import b`` gives both ``a`` and ``a.b``."""
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides the floor it comes from"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def any_match(name: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


@pytest.mark.parametrize("library", OWNERS)
def test_a_library_is_imported_only_by_its_owner(library: str) -> None:
    strangers = [
        module
        for module, path in modules().items()
        if not any_match(module, OWNERS[library])
        and any(name == library or name.startswith(library + ".") for name in imports(path))
    ]
    assert not strangers, f"{library} belongs to {OWNERS[library] or 'nobody'}"


def test_plan_and_model_are_pure() -> None:
    found = {
        module: names
        for module, path in modules().items()
        if any_match(module, PURE) and (names := IMPURE & {name.split(".")[0] for name in imports(path)})
    }
    assert not found


def test_chance_in_plan_is_handed_in() -> None:
    """``random.Random(lot)`` is a function of its argument; everything else of that module is not."""
    used = {
        (module, node.attr)
        for module, path in modules().items()
        if any_match(module, PURE)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random"
    }
    assert {attribute for _, attribute in used} <= {"Random"}, used


def test_window_and_command_line_reach_neither_net_nor_engine_nor_the_writing_half_of_the_store() -> None:
    found = {
        module: names
        for module, path in modules().items()
        if any_match(module, CLIENTS)
        and (names := sorted({name for name in imports(path) if any_match(name, CLOSED_TO_CLIENTS)}))
    }
    assert not found


def test_the_rules_above_can_fail(tmp_path: Path) -> None:
    module = tmp_path / "guilty.py"
    module.write_text("def late():\n    from PySide6.QtCore import QObject\n    import mua.net.imap as imap\n")
    assert {"PySide6.QtCore", "mua.net.imap"} <= imports(module)


WITHOUT_QT = """
import importlib, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"PySide6", "shiboken6"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
for name in sys.argv[1:]:
    importlib.import_module(name)
assert not [name for name in sys.modules if name.startswith(("PySide6", "shiboken6", "mua.gui"))]
"""


def test_everything_but_the_window_imports_without_pyside6() -> None:
    names = [name for name in modules() if name != "mua.gui" and not name.startswith("mua.gui.")]
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", WITHOUT_QT, *names],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
