"""Set-up: what is missing, the one command, the locks, and an environment that heals."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BOOKWORM, TRIXIE = (2, 36), (2, 41)


def load_bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "packaging/bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bootstrap"] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


bootstrap = load_bootstrap()
LOCK = (ROOT / "packaging/requirements.lock").read_text()
DEV_LOCK = (ROOT / "packaging/requirements-dev.lock").read_text()


# -- the system's packages -------------------------------------------------------------------------------------------


def test_package_names_follow_the_system() -> None:
    package = bootstrap.read_packages("qt  libasound.so.2  libasound2t64|libasound2  # sound\n")[0]
    assert package.name(BOOKWORM) == "libasound2"
    assert package.name(TRIXIE) == "libasound2t64"


def test_the_list_of_packages_is_whole() -> None:
    packages = bootstrap.read_packages((ROOT / "packaging/system-packages.txt").read_text())
    assert {package.group for package in packages} == {"qt", "spelling", "test", "screenshots", "package"}
    assert all(package.probe.startswith("/") or ".so" in package.probe for package in packages)


def test_a_library_is_probed_by_loading_it_and_a_program_by_its_path(tmp_path: Path) -> None:
    there, absent = tmp_path / "there", tmp_path / "absent"
    there.touch()
    assert bootstrap.SystemPackage("test", f"{absent}:{there}", ("x",)).is_there()
    assert not bootstrap.SystemPackage("test", str(absent), ("x",)).is_there()
    assert not bootstrap.SystemPackage("qt", "libthereisnosuchthing.so.7", ("x",)).is_there()


@pytest.mark.parametrize("with_sudo", [True, False])
def test_the_one_command_survives_a_shell(with_sudo: bool) -> None:
    command = bootstrap.install_command(["libegl1", "libgl1"], with_sudo)
    assert command.startswith("sudo sh -c '" if with_sudo else "su -c '")
    assert command.endswith("apt-get install -y --no-install-recommends libegl1 libgl1'")
    assert subprocess.run(["sh", "-n", "-c", command], check=False).returncode == 0


def test_whoever_is_not_root_gets_one_command_and_no_installation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(bootstrap, "apt_install", lambda names: pytest.fail("tried to install"))
    lacking = [bootstrap.SystemPackage("qt", "libEGL.so.1", ("libegl1",))]
    with pytest.raises(bootstrap.SetUpError, match="libegl1") as caught:
        bootstrap.provide(lacking, "the window", required=True)
    assert str(caught.value).count("apt-get install") == 1
    bootstrap.provide(lacking, "the tests", required=False, lost="some are skipped")
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "skipped" in streams.err


# -- the locks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", [LOCK, DEV_LOCK], ids=["runtime", "development"])
def test_a_lock_has_hashes_and_no_address(lock: str) -> None:
    assert "://" not in lock
    assert all("--hash=sha256:" in text for text in bootstrap.entries(lock).values())


def test_both_locks_agree() -> None:
    versions = [dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)) for text in (LOCK, DEV_LOCK)]
    assert versions[0].items() <= versions[1].items()


def test_without_a_window_qt_is_left_out_and_nothing_else() -> None:
    with_qt, without = (bootstrap.entries(bootstrap.requirements(LOCK, gui)) for gui in (True, False))
    assert set(with_qt) - set(without) == {"pyside6", "pyside6-addons", "pyside6-essentials", "shiboken6"}
    assert {"aiosmtplib", "imapclient", "keyring", "apsw"} <= set(without)


def test_pyside_stays_below_the_version_that_aborts() -> None:
    assert re.search(r"^pyside6==6\.11\.", LOCK, re.MULTILINE)


# -- the environment -------------------------------------------------------------------------------------------------


@pytest.fixture
def environment(tmp_path: Path) -> Any:
    """A finished environment without packages: only an interpreter and its mark."""
    packaging = tmp_path / "packaging"
    packaging.mkdir()
    (packaging / "requirements.lock").write_text("a==1\n")
    (packaging / "requirements-dev.lock").write_text("a==1\nb==2\n")
    made = bootstrap.Environment(tmp_path / ".venv", packaging)
    made.python.parent.mkdir(parents=True)
    made.python.symlink_to(sys.executable)
    (tmp_path / ".venv/lib/python3.11/site-packages").mkdir(parents=True)
    made.remember(bootstrap.Features(gui=True))
    return made


def test_a_finished_environment_is_current_for_what_it_holds(environment: Any) -> None:
    assert environment.is_current(bootstrap.Features())
    assert environment.is_current(bootstrap.Features(gui=True))
    assert not environment.is_current(bootstrap.Features(gui=True, dev=True))


def test_a_new_lock_makes_it_stale(environment: Any) -> None:
    (environment.packaging / "requirements.lock").write_text("a==2\n")
    assert not environment.is_current(bootstrap.Features())
    assert environment.features() == bootstrap.Features(gui=True)


def test_an_interrupted_installation_is_nothing(environment: Any) -> None:
    environment.forget()
    assert environment.features() is None
    assert not environment.is_current(bootstrap.Features())


def test_another_interpreter_behind_the_same_name_makes_it_nothing(environment: Any) -> None:
    environment.python.unlink()
    environment.python.symlink_to("/bin/sh")
    assert environment.features() is None


def test_a_moved_checkout_is_only_placed_anew(environment: Any, tmp_path: Path) -> None:
    (environment.ready / "where").write_text(f"/elsewhere:{environment.interpreter()}\n")
    assert environment.is_current(bootstrap.Features(gui=True))
    environment.place()
    assert (environment.ready / "where").read_text() == f"{tmp_path}:{environment.interpreter()}\n"


def test_run_is_plain_sh() -> None:
    assert subprocess.run(["sh", "-n", str(ROOT / "run")], check=False).returncode == 0
    assert os.access(ROOT / "run", os.X_OK)
    assert os.access(ROOT / ".ci/run", os.X_OK)
