"""The line to the server cut at bytes chosen by a seed, under a whole outbox.

``./run chaos --cuts`` takes every byte.
"""

import os
import random
from pathlib import Path

import pytest
from cuts import HEARS, SAYS, Cuts

SEED = int(os.environ.get("MUA_CUT_SEED", "1"))
SAMPLE = 40


@pytest.mark.parametrize("way", [SAYS, HEARS])
def test_nothing_is_lost_or_doubled_wherever_the_line_is_cut(tmp_path: Path, way: str) -> None:
    with Cuts(tmp_path) as cuts:
        length = cuts.length(way)
        assert length > 100  # a whole dialogue
        chosen = random.Random(SEED).sample(range(1, length + 1), SAMPLE)
        assert [told for limit in chosen if (told := cuts.at(way, limit))] == []


@pytest.mark.parametrize("way", [SAYS, HEARS])
def test_the_same_while_three_messages_wait(tmp_path: Path, way: str) -> None:
    with Cuts(tmp_path, messages=3) as cuts:
        length = cuts.length(way)
        chosen = random.Random(SEED).sample(range(1, length + 1), SAMPLE // 2)
        assert [told for limit in chosen if (told := cuts.at(way, limit))] == []


@pytest.mark.parametrize("way", [SAYS, HEARS])
def test_the_same_with_chunks(tmp_path: Path, way: str) -> None:
    """Some bytes of the long dialogue, and each of its end, where the empty chunk is the dot."""
    with Cuts(tmp_path, chunked=True) as cuts:
        length = cuts.length(way)
        assert length > (70_000 if way == HEARS else 100)
        assert "BDAT 0 LAST" in cuts.sink.lines
        chosen = random.Random(SEED).sample(range(1, length - 40), SAMPLE // 2)
        chosen += range(length - 40, length + 1)
        assert [told for limit in chosen if (told := cuts.at(way, limit))] == []
