"""``./run bench starttls``: meets every STARTTLS case of the collection beside the checkout, and writes the table.

The table stands in docs/connection-security.md, from the line that names this command to the end of the page.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from conftest import SHARED  # noqa: E402
from fake_mail_server import cases  # noqa: E402
from starttls_score import COLLECTION, Verdict, play, table  # noqa: E402

PAGE = ROOT / "docs/connection-security.md"
MARK = "<!-- from here on written by ./run bench starttls -->\n"


def main() -> int:
    """Play all cases; 1 when one is not clean, 2 when there are none."""
    found = cases(SHARED / COLLECTION)
    if not found:
        print(f"there are no cases at {SHARED / COLLECTION}", file=sys.stderr)
        return 2
    verdicts: list[Verdict] = []
    for case in found:
        verdicts.append(play(case))
        if verdicts[-1].faults:
            print(case.name, *verdicts[-1].faults, sep="\n  ")
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    PAGE.write_text(f"{before}{MARK}\n{table(verdicts)}", encoding="utf-8")
    print(table(verdicts).splitlines()[0])
    return int(any(verdict.faults for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
