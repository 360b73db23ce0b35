"""An XML document of somebody else as elements, within bounds.

Rules of the file: a DTD, and with it every entity, is refused in whatever encoding it hides; nothing is looked up.
"""

from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

MAX_ELEMENTS: Final = 2_000_000  # each takes a hundred octets


def parse(document: bytes, max_depth: int, *, namespaces: bool = False) -> Element:
    """The root.  ``namespaces``: tags are written ``namespace name``.  Raises ValueError for anything else."""
    builder, parser = TreeBuilder(), expat.ParserCreate(namespace_separator=" " if namespaces else None)
    depth = count = 0

    def refuse(*_: object) -> None:
        raise ValueError("it has a DTD")

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > max_depth or count > MAX_ELEMENTS:
            raise ValueError("it is nested too deeply, or has too many elements")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, builder.data
    try:
        parser.Parse(document, True)
        return builder.close()
    except (expat.ExpatError, LookupError, AssertionError) as error:
        raise ValueError(str(error)) from error
