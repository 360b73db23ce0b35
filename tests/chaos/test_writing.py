"""The window dies while letters are written; ``./run chaos --writing`` does so a hundred times."""

from pathlib import Path

import pytest
from writing_storm import WritingStorm


@pytest.mark.gui
@pytest.mark.chaos
@pytest.mark.slow
def test_no_word_is_lost_and_nothing_doubled_when_the_window_is_killed(tmp_path: Path) -> None:
    books = WritingStorm(tmp_path, 1).run(6)
    assert books.good, str(books)
    assert books.kills == 6
    assert books.typed > 50
