"""Servers gone mad: recorded sessions of Dovecot and Postfix, mutated by a seed; only a MailError may come out.

A few seconds of each here; ``--fuzz 600`` spends ten minutes on each, on seeds of its own, which a failure names.
"""

import itertools
import random
import resource
import time

import pytest
from fuzzing import Fuzzer
from transcripts import load

PROTOCOLS = ("imap", "pop3", "smtp")
SEEDS = {"imap": 250, "pop3": 500, "smtp": 100}
MEMORY = 96 << 10  # KB that all sessions together may add to the peak: a session's limits, several times


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_recording_is_one_of_todays_client(protocol: str) -> None:
    """Otherwise most of what is mutated is never reached.  ``./run bench transcripts`` records anew."""
    steps = Fuzzer(protocol).faithful()
    last = {"imap": "delete: None", "pop3": "quit: None", "smtp": "bob@good.test: accepted"}[protocol]
    assert steps[-1].startswith(last), steps
    expected = {"imap": 22, "pop3": 6, "smtp": 4}[protocol]
    assert len(steps) == expected, steps


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_recording_holds_whole_answers(protocol: str) -> None:
    transcript = load(protocol)
    assert all(one.answer.endswith(b"\r\n") for one in transcript.exchanges)
    assert len(transcript.exchanges) > 10


@pytest.mark.timeout(0)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_only_a_mail_error_comes_out(protocol: str, request: pytest.FixtureRequest) -> None:
    fuzzer, seconds = Fuzzer(protocol), float(request.config.getoption("--fuzz"))
    fuzzer.faithful()
    before, end = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic() + seconds
    seeds = itertools.takewhile(lambda _: time.monotonic() < end, itertools.count(time.time_ns()))
    wrong = [found for seed in (seeds if seconds else range(SEEDS[protocol])) if (found := fuzzer.run(seed))]
    assert wrong == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_seed_is_always_the_same_session(protocol: str) -> None:
    fuzzer = Fuzzer(protocol)
    spoilt = [fuzzer.spoilt(random.Random(7)) for _ in range(2)]
    assert spoilt[0] == spoilt[1] != fuzzer.transcript.answers


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_the_same_is_learned_octet_by_octet(protocol: str) -> None:
    fuzzer = Fuzzer(protocol)
    assert fuzzer.faithful(pieces=(1,)) == fuzzer.faithful()


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_cut_anywhere_it_ends_with_the_connection_and_what_was_learned_before_is_true(protocol: str) -> None:
    """Every 97th octet of the session here (``test_pop3`` and ``test_smtp_cut`` have every one of shorter ones)."""
    fuzzer = Fuzzer(protocol)
    whole = fuzzer.faithful()
    for length in range(0, sum(map(len, fuzzer.transcript.answers)) - 1, 97):
        learned, code = fuzzer.cut(length)
        assert code in ("connection-lost", "turned-away", ""), (length, code)
        assert learned == whole[: len(learned)], length
