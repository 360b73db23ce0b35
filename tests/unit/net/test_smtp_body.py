"""Measuring a message, and doubling its dots, over any cut into blocks."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.net import smtp_body
from mua.net.smtp_body import DotStuffer, measure

PIECES = st.lists(st.sampled_from([b".", b"..", b"a", b"\r\n", b"\r\n.", b"\xc3\xa9"]), max_size=40).map(b"".join)
MIXED = st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b"\0", b"\xe9"]), max_size=12).map(b"".join)


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def received(wire: bytes) -> bytes:
    """What an RFC 5321 server stores: lines up to the lone dot, the first dot of each line removed."""
    lines = wire.split(b"\r\n")
    assert lines[-1] == b""
    end = lines.index(b".")
    assert end == len(lines) - 2
    return b"".join((line[1:] if line.startswith(b".") else line) + b"\r\n" for line in lines[:end])


@given(PIECES, st.integers(1, 6))
def test_the_server_gets_exactly_the_message(data: bytes, size: int) -> None:
    stuffer = DotStuffer()
    wire = b"".join(map(stuffer.feed, cut(data, size))) + stuffer.end()
    stored = received(wire)
    assert stored == (data if data.endswith(b"\r\n") or not data else data + b"\r\n")
    assert len(stored) == measure(io.BytesIO(data)).size


@given(MIXED, st.integers(1, 4))
def test_every_fault_is_found_wherever_the_blocks_are_cut(data: bytes, size: int) -> None:
    block, smtp_body.BLOCK = smtp_body.BLOCK, size
    try:
        facts = measure(io.BytesIO(data))
    finally:
        smtp_body.BLOCK = block
    without_line_ends = data.replace(b"\r\n", b"")
    faulty = b"\0" in data or bool(set(b"\r\n") & set(without_line_ends))
    assert bool(facts.fault) == faulty
    assert facts.eight_bit == (b"\xe9" in data)


@pytest.mark.parametrize("length, fine", [(998, True), (999, False), (70_000, False)])
@pytest.mark.parametrize("end", [b"\r\n", b""])
def test_the_longest_line(length: int, fine: bool, end: bytes) -> None:
    assert (not measure(io.BytesIO(b"a\r\n" + b"x" * length + end)).fault) == fine
