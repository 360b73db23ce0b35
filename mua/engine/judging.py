"""Junk: learned from what a person does, and new mail judged by it where no server does that.

Theory of operation: what a message teaches follows from how it is shown (marked as junk, as not junk, archived,
answered or starred), so learning is bringing ``junk_lesson`` up to date with that, after each act and after undo, on a
thread of its own.  New mail is noted by a trigger when its text comes, and judged after that commit.  Junk is moved,
with ``$Junk``, as if the person had said so, and says why; nobody's mail is judged to whom the person has written.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mua import wire
from mua.engine import acts
from mua.errors import MailError
from mua.log import ENGINE
from mua.model.account import AccountId
from mua.model.folder import Role
from mua.model.message import Flag, MessageId, MessageRow
from mua.plan import junk as plan
from mua.store import junk, read, rules, write

if TYPE_CHECKING:
    from mua.engine.main import Engine

AT_ONCE = 300  # messages of one act that teach
_GOOD = Flag.NOT_JUNK | Flag.ANSWERED | Flag.FLAGGED
_ONE = threading.Lock()


def set_filter(engine: Engine, command: wire.SetJunkFilter) -> wire.Done:
    """Judge new mail, or do not; what was learned stays."""
    with engine.store.write(durable=True) as tx:
        write.set_setting(tx, junk.SETTING, "on" if command.enabled else "off")
    return wire.Done()


def learn_soon(engine: Engine, ids: Iterable[int]) -> None:
    """Learn from what was done to these, on a thread of its own."""
    wanted = list(ids)[:AT_ONCE]
    if wanted:
        threading.Thread(target=learn, args=(engine, wanted), name="learner", daemon=True).start()


def learn(engine: Engine, ids: list[int]) -> None:
    """Bring what these messages teach up to date with how they are shown."""
    with _ONE:
        try:
            db = engine.store.reader()
            before = junk.lessons(db, ids)
            for row in read.rows(db, ids):
                now = _teaches(engine, row)
                if now is not before.get(row.id):
                    _learn(engine, row, now, before.get(row.id))
        except MailError as error:
            ENGINE.info("nothing was learned: %s (%s)", error.text, error.detail)


def _teaches(engine: Engine, row: MessageRow) -> bool | None:
    """True: junk; False: good; None: nothing."""
    if row.flags & Flag.JUNK:
        return True
    folder = read.folder(engine.store.reader(), row.folder_id)
    archived = folder is not None and folder.role is Role.ARCHIVE
    return False if row.flags & _GOOD or archived else None


def _learn(engine: Engine, row: MessageRow, now: bool | None, before: bool | None) -> None:
    found = _words(engine, row)
    if found is None:
        return
    with engine.store.write() as tx:
        if before is not None:
            junk.forget(tx, row.id, found, before)
        if now is not None:
            junk.learn(tx, row.id, found, now, engine.context.now())


def _words(engine: Engine, row: MessageRow) -> frozenset[int] | None:
    """The words of a message whose bytes are here."""
    from mua.mime.message import gist
    from mua.mime.text import light_text

    raw = engine.context.bodies.skimmed(row.id) if row.has_body else None
    if raw is None:
        return None
    told = gist(raw, light_text)
    sender = row.sender[0].address if row.sender else ""
    return plan.words(plan.Letter(sender, row.subject, told.text, "", told.names))


def run(engine: Engine) -> None:
    """Judge what came; whatever goes wrong, the mail stays where it is."""
    try:
        db = engine.store.reader()
        found = junk.waiting(db)
        if found:
            _judge(engine, found)
    except MailError as error:
        ENGINE.info("judging waits: %s (%s)", error.text, error.detail)


def _judge(engine: Engine, found: list[tuple[MessageId, AccountId]]) -> None:
    db, now = engine.store.reader(), engine.context.now()
    wanted = read.setting(db, junk.SETTING) != "off"
    ours = {one for one in {account for _, account in found} if wanted and not junk.server_filters(db, one)}
    bad: list[MessageRow] = []
    for row in read.rows(db, [one for one, account in found if account in ours]):
        words = None if junk.is_known(db, row.id) else _words(engine, row)
        if words is not None and plan.is_junk(words, junk.learned(db, words)):
            bad.append(row)
    targets = {one: acts.folder_for(engine, one, Role.JUNK) for one in {row.account_id for row in bad}}
    with engine.store.write(durable=True) as tx:
        junk.judged(tx, [one for one, _ in found])
        junk.elsewhere(tx)
        for row in bad:
            write.wish_flags(tx, [row.id], Flag.JUNK, Flag.NOT_JUNK, now)
            write.wish_move(tx, [row.id], targets[row.account_id].id, now)
            rules.note(tx, row.id, "It was moved to Junk because it resembles what you marked as junk.", now)
    for account_id in targets:
        engine.settle_local(account_id)
        engine.poke(account_id)
