"""``./run chaos [--kills N] [--seed S]``: kill the engine N times at random moments and balance the books."""

import argparse
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from lab import Lab, missing  # noqa: E402
from storm import Storm  # noqa: E402


def main() -> int:
    """Exit 0 when nothing was lost or doubled and both sides are equal."""
    parser = argparse.ArgumentParser(prog="./run chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    if reason := missing():
        print(f"the mail laboratory {reason}", file=sys.stderr)
        return 2
    print(f"seed {options.seed}", flush=True)
    with Lab() as lab:
        report = Storm(lab, options.seed, lambda line: print(line, flush=True)).run(options.kills)
        print(report)
        if not report.good:
            print(lab.tail(10), file=sys.stderr)
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
