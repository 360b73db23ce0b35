"""The child process that holds the search index against the store and the mail itself.

A child, since it reads a stranger's mail: it may hang, crash or want memory, and the engine goes on.  It gets a JSON
object on stdin (``lot``: which messages are looked for by their words, ``many``: how many of them, -1: all) and says
one on stdout: what is ``damaged`` (sentences), ``held`` (a number), ``missing``, ``surplus`` and ``wrong`` (ids), and
``checked`` (a number).
"""

import json
import random
import sys

from mua.engine.indexing import document_of
from mua.errors import MailError
from mua.log import INDEX
from mua.model.message import MessageId
from mua.paths import Profile
from mua.store import audit, index, read
from mua.store.blobs import Bodies
from mua.store.db import Db

WORDS = 12  # that each message is looked for by
_CHUNK = 500


def main(profile: Profile) -> int:
    """The child's whole life."""
    asked = json.loads(sys.stdin.readline())
    try:
        db, bodies = index.open_search(profile), Bodies(profile, readonly=True)
        sys.stdout.write(json.dumps(examine(db, bodies, int(asked["lot"]), int(asked["many"]))) + "\n")
    except MailError as error:
        INDEX.error("%s (%s)", error.text, error.detail)
        return 1
    return 0


def examine(db: Db, bodies: Bodies, lot: int, many: int) -> dict[str, object]:
    """What holds of the index; see above."""
    damaged = [said for said in audit.damage(db) if said]
    if damaged:
        return {"damaged": damaged, "held": 0, "missing": [], "surplus": [], "checked": 0, "wrong": []}
    parts = [audit.compare(db, number) for number in audit.parts(db)]
    missing, surplus = audit.confirmed(db, parts)
    ids = audit.sample(db, lot, many)
    wrong = _not_found(db, bodies, ids, random.Random(lot))
    return {
        "damaged": damaged,
        "held": sum(part.held for part in parts),
        "missing": missing,
        "surplus": surplus,
        "checked": len(ids),
        "wrong": sorted(set(wrong) - set(missing)),
    }


def _not_found(db: Db, bodies: Bodies, ids: list[MessageId], dice: random.Random) -> list[MessageId]:
    """Those of ``ids`` that the index does not find by each of some of their own words."""
    wrong: list[MessageId] = []
    for start in range(0, len(ids), _CHUNK):
        for one in read.unindexed_of(db, ids[start : start + _CHUNK]):
            raw = bodies.skimmed(one.id)
            if raw is None:
                continue
            words = sorted(set(index.tokens(db, index.searched(document_of(one, raw)))))
            if not all(audit.holds(db, one.id, word) for word in dice.sample(words, min(WORDS, len(words)))):
                wrong.append(one.id)
    return wrong
