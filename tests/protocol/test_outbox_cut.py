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
