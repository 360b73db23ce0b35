"""Which lists are grouped by conversations: what the person chose for a folder or a view, and what is usual.

Rules of the file: no widget; kept as one string in state.ini.
"""

from mua.gui.places import Place, place_of, place_word
from mua.model.folder import Role

_ONE_BY_ONE = (Role.SENT, Role.DRAFTS, Role.JUNK, Role.TRASH)


class Grouping:
    """The choices of one profile."""

    def __init__(self) -> None:
        self._chosen: dict[str, bool] = {}

    def wanted(self, place: Place, role: Role | None) -> bool:
        """Whether a place is listed by conversations; ``role`` is that of its folder (None: a unified view)."""
        return self._chosen.get(place_word(place), role not in _ONE_BY_ONE)

    def choose(self, place: Place, wanted: bool) -> None:
        """From now on list a place like this."""
        self._chosen[place_word(place)] = wanted

    def text(self) -> str:
        """What was chosen, to be kept."""
        return ",".join(f"{word}={int(wanted)}" for word, wanted in sorted(self._chosen.items()))

    def read(self, text: str) -> None:
        """Choose what was kept; what is no place is passed over."""
        for one in text.split(","):
            word, _, wanted = one.partition("=")
            if place_of(word) is not None and wanted in ("0", "1"):
                self._chosen[word] = wanted == "1"
