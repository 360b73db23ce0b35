"""Discovery over a laboratory of domains: real DNS, real https, real mail servers; each gives the expected verdict."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lab_discovery as table
import pytest
from lab import ROOT, Lab, missing, until

from mua.engine import doctor

pytestmark = [pytest.mark.live, pytest.mark.msa]
SCRIPT = str(ROOT / "tests/lab_discovery.py")


@pytest.fixture(scope="module")
def verdicts() -> Iterator[dict[str, Any]]:
    """What was made of each domain; "asked": what the web servers were asked."""
    reason = missing()
    if reason:
        pytest.skip(f"the mail laboratory {reason}")
    with Lab() as lab:
        if not lab.has_postfix:
            pytest.skip("Postfix needs several users, which only root can give it")
        folder = lab.folder / "discovery"
        folder.mkdir()
        good = lab.pki.issue("discovery", table.web_names())
        parked = lab.pki.issue("parked", ("parked.own.test", "autoconfig.parked.own.test"))
        leaves = {
            table.WEB: good, table.EXPIRED: lab.pki.expired, table.PORTAL: lab.pki.untrusted, table.PARKED: parked,
        }  # fmt: skip
        told = {
            "pages": table.pages(),
            "leaves": {one: [str(leaf.cert), str(leaf.key)] for one, leaf in leaves.items()},
        }
        (folder / "servers.json").write_text(json.dumps(told))
        lab.publish(*table.records())
        lab.start("discovery", sys.executable, SCRIPT, "serve", str(folder))
        until((folder / "ready").exists, "the web servers")
        environment = lab.environment() | {"PYTHONPATH": str(ROOT)}
        argv = lab.command(sys.executable, SCRIPT, "find", str(lab.ca))
        done = subprocess.run(argv, capture_output=True, env=environment, timeout=240, check=False)
        assert done.returncode == 0, done.stderr.decode()
        yield json.loads(done.stdout) | {"asked": _asked(folder / "asked")}


def _asked(file: Path) -> list[str]:
    return file.read_text().splitlines()


@pytest.mark.parametrize("name", table.DOMAINS)
def test_a_domain(verdicts: dict[str, Any], name: str) -> None:
    domain, told = table.DOMAINS[name], verdicts[name]
    assert domain.expected in told["said"], told
    if domain.imap:
        assert told["imap"] == domain.imap.format(d=name)
        assert (told["auth"], told["confirm"], told["oauth"]) == (domain.auth, domain.confirm, domain.oauth)
        assert told["user"] == (domain.user or table.address(name).replace("münchen", "xn--mnchen-3ya"))
        assert "none" not in told["securities"]
    if domain.slow:
        assert told["seconds"] < doctor.ONE_ANSWER, told


def test_nothing_was_asked_in_clear(verdicts: dict[str, Any]) -> None:
    assert verdicts["asked"]
    assert not [line for line in verdicts["asked"] if not line.startswith("443 ")]


def test_there_are_thirty() -> None:
    assert len(table.DOMAINS) >= 30
