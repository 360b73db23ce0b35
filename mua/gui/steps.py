"""The steps in which a text came to be, on disk: one line of JSON each, added at the end.

Rule of the file: what a crash cut off in the middle of a line is left out.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mua.gui.body_track import Step, applied
from mua.jsonable import from_json, to_json
from mua.model.prose import Block, Kind, Run

MOST = 400  # steps that are kept to be undone
MAX_FILE = 1 << 30  # octets; the journal begins one anew long before


def line_of(step: Step) -> bytes:
    """A step as it is written."""
    told = [step.at, step.gone, [_told(one) for one in step.lines], step.mode, step.cursor]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


def read(path: Path) -> list[Step]:
    """The steps of a file, the first from nothing; OSError where it cannot be read.

    A line that a crash cut off is taken away, so that the next one does not continue it.
    """
    if path.stat().st_size > MAX_FILE:
        return []
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    return list(_steps(data[:whole]))


def _steps(data: bytes) -> Iterator[Step]:
    for line in data.split(b"\n")[:-1]:
        try:
            at, gone, lines, mode, cursor = json.loads(line.decode("utf-8", "surrogatepass"))
            yield Step(int(at), int(gone), tuple(map(_block, lines)), str(mode), int(cursor))
        except (ValueError, TypeError):
            return


def text_of(steps: Sequence[Step]) -> list[Block]:
    """The text that the steps make."""
    lines: list[Block] = []
    for step in steps:
        lines = applied(lines, step)
    return lines


def shortened(steps: Sequence[Step]) -> list[Step]:
    """The same text with fewer steps to undo."""
    if len(steps) <= MOST:
        return list(steps)
    begin = text_of(steps[: len(steps) - MOST])
    first = steps[len(steps) - MOST - 1]
    return [Step(0, 0, tuple(begin), first.mode, first.cursor), *steps[len(steps) - MOST :]]


def append(path: Path, data: bytes) -> None:
    """Add lines, durably.  Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _told(block: Block) -> Any:
    """Plain lines, of which there are many, are short."""
    if block.kind is Kind.TEXT and all(run == Run(run.text) for run in block.runs) and len(block.runs) < 2:
        return [block.quote, block.text] if block.quote else block.text
    return to_json(block)


def _block(told: Any) -> Block:
    if isinstance(told, str):
        return Block((Run(told),) if told else ())
    if isinstance(told, list):
        quote, text = told
        return Block((Run(str(text)),) if text else (), quote=int(quote))
    return from_json(Block, told)
