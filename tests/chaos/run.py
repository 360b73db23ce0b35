"""``./run chaos [--kills N] [--seed S]``: kill the engine N times at random moments and balance the books.

``./run chaos --direct`` does so while mail goes directly to exchangers; ``./run chaos --cuts`` instead cuts the line to
a submission server at every byte of the dialogue, in both directions, for one message and for three.
``./run chaos --writing`` kills the window while letters are written.
"""

import argparse
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from cuts import HEARS, SAYS, Cuts  # noqa: E402
from direct_storm import DirectStorm  # noqa: E402
from lab import Lab, missing  # noqa: E402
from storm import Storm  # noqa: E402


def main() -> int:
    """Exit 0 when nothing was lost or doubled and both sides are equal."""
    parser = argparse.ArgumentParser(prog="./run chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--cuts", action="store_true", help="cut the dialogue of a submission at every byte")
    parser.add_argument("--writing", action="store_true", help="kill the window while it types, attaches, saves, sends")
    parser.add_argument("--direct", action="store_true", help="over direct delivery to misbehaving exchangers")
    options = parser.parse_args()
    if options.cuts:
        return cut_everywhere()
    if options.writing:
        return kill_the_window(options.kills, options.seed)
    if reason := missing():
        print(f"the mail laboratory {reason}", file=sys.stderr)
        return 2
    print(f"seed {options.seed}", flush=True)
    with Lab() as lab:
        storm = (DirectStorm if options.direct else Storm)(lab, options.seed, lambda line: print(line, flush=True))
        report = storm.run(options.kills)
        print(report)
        if not report.good:
            print(lab.tail(10), file=sys.stderr)
    return 0 if report.good else 1


def kill_the_window(kills: int, seed: int) -> int:
    """Exit 0 when no word was lost, and there was one draft and one message of each letter at most."""
    from writing_storm import WritingStorm

    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        books = WritingStorm(Path(folder), seed, lambda line: print(line, flush=True)).run(kills)
    print(books)
    return 0 if books.good else 1


def cut_everywhere() -> int:
    """Exit 0 when no message was lost or doubled, wherever the line was cut."""
    wrong = list[str]()
    for way, messages in product((SAYS, HEARS), (1, 3)):
        with tempfile.TemporaryDirectory() as folder, Cuts(Path(folder), messages=messages) as cuts:
            length = cuts.length(way)
            wrong += [told for limit in range(1, length + 1) if (told := cuts.at(way, limit))]
            print(f"{way}, {messages} waiting: cut after each of {length} bytes", flush=True)
    print("\n".join(wrong) or "0 lost, 0 doubled")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
