"""``./run bench leaks``: every known way in which a mail asks for something, in the real window; nothing may be sent.

Not a race: a quarter of an hour, and 1 when a packet left; then the control, the same in a browser that nobody guards.
``./run test tests/gui/test_zero_network.py`` is a sample of it.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from leak_run import main  # noqa: E402

if __name__ == "__main__":
    sys.argv = sys.argv[:1]
    sys.exit(main())
