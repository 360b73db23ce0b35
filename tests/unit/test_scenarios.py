"""docs/scenarios.md: every scenario of sending has a test that exists."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = re.findall(
    r"^\| (\d+) \|(.+)\|(.+)\|(.+)\|$", (ROOT / "docs/scenarios.md").read_text(encoding="utf-8"), re.MULTILINE
)
NODE = re.compile(r"`([a-z0-9_/]+\.py::\w+)`")


def test_every_number_is_there_once() -> None:
    assert sorted(int(row[0]) for row in ROWS) == list(range(1, 82))


def test_every_scenario_has_a_test() -> None:
    assert [int(number) for number, *_, tests in ROWS if not NODE.search(tests)] == []


def test_every_test_of_the_page_is_collected() -> None:
    named = sorted({f"tests/{node}" for row in ROWS for node in NODE.findall(row[3])})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n0", *named]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    collected = {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}
    assert set(named) <= collected, done.stdout[-2000:] + done.stderr
