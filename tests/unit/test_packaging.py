"""What is shipped beside the program says the truth about it."""

import argparse
import re
import shutil
import subprocess
import xml.etree.ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

import mua
from mua.cli.arguments import parser

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
NAME = "io.github.mua.Mua"
OF_RUN = {"--no-gui"}  # ./run's own, explained in the man page too


def parsers(top: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Each command with its parser, sub-commands included."""
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, one in action.choices.items():
                yield name, one
                yield from ((f"{name} {rest}", deeper) for rest, deeper in parsers(one))


def options(one: argparse.ArgumentParser) -> set[str]:
    return {word for action in one._actions for word in action.option_strings if word.startswith("--")}


@pytest.fixture(scope="module")
def man_page() -> str:
    """The page as text: without the marks of roff."""
    source = (PACKAGING / "mua.1").read_text(encoding="utf-8").replace("\\-", "-")
    return re.sub(r"\\f.|\"", "", source)


def test_the_man_page_names_every_command_and_option(man_page: str) -> None:
    commands = dict(parsers(parser()))
    told = set(re.findall(r"--[a-z][a-z0-9-]+", man_page))
    real = set().union(options(parser()), *map(options, commands.values()))
    assert not real - told, "not in the man page"
    assert not told - real - OF_RUN, "only in the man page"
    assert not [name for name in commands if not re.search(rf"^\.\w+ {name}\b", man_page, re.MULTILINE)]


def test_the_man_page_is_of_this_version(man_page: str) -> None:
    assert f"mua {mua.__version__}" in man_page.splitlines()[1]


@pytest.mark.may_skip("desktop-file-validate is Linux's; the file is the same everywhere")
@pytest.mark.skipif(not shutil.which("desktop-file-validate"), reason="desktop-file-utils is not installed")
def test_the_desktop_entry_is_valid() -> None:
    done = subprocess.run(
        ["desktop-file-validate", str(PACKAGING / f"{NAME}.desktop")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_metainfo_agrees_with_the_desktop_entry_and_the_version() -> None:
    root = xml.etree.ElementTree.parse(PACKAGING / f"{NAME}.metainfo.xml").getroot()
    assert root.findtext("id") == NAME
    assert root.findtext("launchable") == f"{NAME}.desktop"
    newest = root.find("releases/release")
    assert newest is not None
    assert newest.get("version") == mua.__version__
    assert f"Icon={NAME}\n" in (PACKAGING / f"{NAME}.desktop").read_text()
    assert (PACKAGING / f"{NAME}.svg").is_file()


@pytest.mark.may_skip("systemd-analyze is Linux's; the file is the same everywhere")
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_service_is_valid_and_hardened(tmp_path: Path) -> None:
    """The exposure is systemd's own score, from 0 (nothing) to 10; what is left is the network and a socket."""
    unit = tmp_path / "mua-engine.service"
    source = (PACKAGING / unit.name).read_text(encoding="utf-8")
    unit.write_text(re.sub(r"/usr/bin/mua\b", "/bin/true", source).replace("man:mua(1)", "file:/dev/null"), "utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    words = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(unit)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    [words] = [line for line in source.splitlines() if line.startswith("ExecStart=")]
    given = parser().parse_args(words.split()[1:])
    assert given.foreground and given.system
