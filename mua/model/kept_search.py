"""A search that a person keeps: an entry of the sidebar."""

from mua.records import dataclass

MAX_NAME = 60  # characters
MAX_QUERY = 2_000
MOST = 200  # that are kept


@dataclass(frozen=True, slots=True)
class KeptSearch:
    """``query`` is what the person would type."""

    name: str
    query: str


def kept_line(kept: KeptSearch) -> str:
    """A kept search as a line of the settings: ``name = query``."""
    return f"{kept.name.replace('=', '-')} = {kept.query}"


def kept_from(lines: object) -> tuple[KeptSearch, ...]:
    """The searches of a list of lines, as the settings hold it; what is none is left out."""
    found: dict[str, KeptSearch] = {}
    for line in lines if isinstance(lines, list | tuple) else ():
        name, mark, query = (part.strip() for part in str(line).partition("="))
        if name and mark and query:
            found.setdefault(query, KeptSearch(name[:MAX_NAME], query[:MAX_QUERY]))
    return tuple(found.values())[:MOST]
