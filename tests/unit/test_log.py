"""What a line of the log looks like, whatever a stranger has to say in it."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mua import log
from mua.log import Masker, word
from mua.paths import child_environment

FORGED = "2026-11-30 03:00:00,000 INFO mua.smtp sender: outgoing 7: accepted at done"


def formatted(text: str, *args: object, exc_info: object = None) -> list[str]:
    made = logging.LogRecord("mua.smtp", logging.INFO, "x.py", 1, text, args, exc_info)  # type: ignore[arg-type]
    return Masker("%(levelname)s %(name)s: %(message)s").format(made).splitlines()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x85", "\u2028"])
def test_a_server_s_words_make_no_line_of_their_own(end: str) -> None:
    (line,) = formatted("outgoing %d: %s", 1, f"no{end}{FORGED}")
    assert line.startswith("INFO mua.smtp: outgoing 1: no\\")
    assert line.endswith(FORGED)


def test_the_lines_of_a_traceback_are_no_lines_of_the_log() -> None:
    log.mask("two\nlines")
    try:
        raise ValueError(f"no\n{FORGED} two\nlines")
    except ValueError:
        first, *others = formatted("it failed: %s", "two\nlines", exc_info=sys.exc_info())
    assert first == "INFO mua.smtp: it failed: ***"
    assert all(line.startswith("  ") for line in others)
    assert others[-1] == f"  {FORGED} ***"


def test_the_journal_gets_priorities_and_no_time(tmp_path: Path) -> None:
    """As a service: by a process, since a test's log is the test's."""
    script = "from mua import log; log.start('INFO'); log.SMTP.info('one\\n<0>two')\ntry: 1 / 0\n"
    script += "except ZeroDivisionError: log.SMTP.exception('three')"
    for into, first in (("journal", "<6>mua.smtp MainThread: one\\n<0>two"), ("file", "20")):
        with (tmp_path / into).open("wb") as stderr:
            facts = os.fstat(stderr.fileno())
            named = f"{facts.st_dev}:{facts.st_ino if into == 'journal' else 0}"
            environment = {**child_environment(), "JOURNAL_STREAM": named}
            subprocess.run([sys.executable, "-P", "-c", script], env=environment, stderr=stderr, check=True)
        lines = (tmp_path / into).read_text().splitlines()
        assert lines[0].startswith(first)
        assert all(line.startswith("<3>") for line in lines[1:]) is (into == "journal")


@pytest.mark.parametrize(
    "address, said",
    [
        ("ann@x.test", "ann@x.test"),
        ('"a> host=mx code=250 ok"@x.test', '"a\\x3e\\x20host=mx\\x20code=250\\x20ok"@x.test'),
        ("a\n<b@x.test", "a\\x0a\\x3cb@x.test"),
    ],
)
def test_an_address_is_one_word(address: str, said: str) -> None:
    assert word(address) == said
