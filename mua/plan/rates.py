"""How fast mail may leave: so many messages in any minute, to one domain and altogether.  Pure.

Rule of the file: the limit is the administrator's own, so nothing is attempted over it, and nothing is written down:
who has to wait stays due.
"""

import json
from collections.abc import Mapping, Sequence

MINUTE = 60  # seconds
ALL = ""  # the name of the limit over all domains
MOST = 100_000  # messages a minute


def free_at(times: Sequence[int], limit: int, now: int) -> int:
    """When another message may go (UTC seconds): ``now``, or when the oldest of the last ``limit`` is a minute old.

    ``times`` are those of the messages before, oldest first; a ``limit`` of 0 is none.
    """
    if not limit or len(times) < limit or times[-limit] > now:  # the last: the clock was set back
        return now
    return max(now, times[-limit] + MINUTE)


def limits(text: str) -> dict[str, int]:
    """The limits in a setting, by domain (``ALL``: over all); what cannot be read is no limit."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: most for name, most in found.items() if isinstance(most, int) and 0 < most <= MOST}


def changed(known: Mapping[str, int], domain: str, most: int) -> str:
    """The setting with another limit for a domain; 0 takes it away."""
    new = {name: value for name, value in known.items() if name != domain}
    return json.dumps(new | ({domain: most} if most else {}), sort_keys=True)
