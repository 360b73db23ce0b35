"""``mua verify``: the search index held against the store and the mail itself, and mended in the background.

Theory of operation: a child process (``auditor``) looks for every message that the index claims to have, for every
one that it should not have, and for a sample (or all) by the words of the mail's own bytes.  What is missing or wrong
gets a new number, so that the indexer comes by once more; what should not be there is named to it; where the file
itself is damaged, it is made anew.  Nobody waits for any of it: searching goes on meanwhile.
"""

import json
import secrets
import subprocess
from typing import TYPE_CHECKING, Any

from mua import wire
from mua.errors import Kind, MailError, Retry
from mua.log import INDEX
from mua.model.message import MessageId
from mua.paths import child_command, child_environment
from mua.store import index, read, write

if TYPE_CHECKING:
    from mua.engine.main import Engine

SAMPLE = 500  # messages that are looked for by their words, where not all are
SECONDS = 3600  # that the child may take
_CHUNK = 1000


def verify(engine: "Engine", command: wire.VerifyIndex) -> wire.IndexVerified:
    """Carry out the command, and begin the repair."""
    db = index.open_search(engine.profile)
    try:
        known = index.is_attached(db)
        done = index.progress(db, "fts") if known else index.Progress(0, 0, 0)
        messages = sum(folder.total for folder in read.folders(db))
        waiting = sum(read.unindexed(db, max(done.mark, done.whole)).values())
    finally:
        db.close()
    if not known:
        engine.indexer.poke()
        return wire.IndexVerified(messages, waiting=waiting, repairing=bool(waiting))
    found = _examined(engine, -1 if command.thorough else SAMPLE)
    for said in found["damaged"]:
        INDEX.info("the index is damaged: %s", said)
    again = sorted({*found["missing"], *found["wrong"]})
    if found["damaged"] or command.rebuild:
        engine.indexer.rebuild()
    else:
        _index_again(engine, again)
        engine.indexer.forget(found["surplus"])
    return wire.IndexVerified(
        messages,
        found["held"],
        waiting,
        len(found["missing"]),
        len(found["surplus"]),
        found["checked"],
        len(found["wrong"]),
        bool(found["damaged"]),
        bool(found["damaged"] or command.rebuild or again or found["surplus"]),
    )


def _examined(engine: "Engine", many: int) -> dict[str, Any]:
    """What the child found out.  Raises MailError code "verify-failed"."""
    command = child_command("--profile", str(engine.profile.root), "auditor")
    asked = json.dumps({"lot": secrets.randbelow(1 << 30), "many": many}) + "\n"
    try:
        done = subprocess.run(
            command, input=asked, stdout=subprocess.PIPE, text=True, timeout=SECONDS, env=child_environment()
        )
        found: dict[str, Any] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        text = "The index could not be checked to its end; searching goes on with what it has. Check again later."
        raise MailError(Kind.LOCAL, Retry.ASK, text, type(error).__name__, "verify-failed") from error
    return found


def _index_again(engine: "Engine", ids: list[int]) -> None:
    for start in range(0, len(ids), _CHUNK):
        with engine.store.write() as tx:
            write.index_again(tx, [MessageId(one) for one in ids[start : start + _CHUNK]])
    if ids:
        engine.indexer.poke()
