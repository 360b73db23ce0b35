"""Rules for new mail: kept, tried, and carried out as mail comes, by IMAP and POP alike.

Theory of operation: a trigger notes what comes into an inbox while there is a rule (``store.rules``).  ``run`` is
called after each commit that brought mail, on the thread that brought it and before anybody is told, so that no
notification speaks of mail that a rule has moved away.  What a rule does are the wishes that a person's act would be.
What it forwards waits for its bytes, and is then queued like a letter; never twice for one Message-ID and address,
never what a program sent by itself, and so many a day at most: no loop can begin here.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from mua import wire
from mua.engine import acts
from mua.errors import Kind, MailError, Retry
from mua.log import ENGINE
from mua.model import tag
from mua.model.account import AccountId
from mua.model.folder import Folder, Role
from mua.model.mail_rule import PLACES, Deed, Do, Facts, MailRule
from mua.model.message import SEQUENCE_BITS, Flag, MessageId
from mua.plan import rules as plan
from mua.store import read, rules, tags, write
from mua.store.db import Tx

if TYPE_CHECKING:
    from mua.engine.main import Engine

DAY = 86_400
A_DAY = 200  # messages that rules forward at most
EXAMPLES = 50
_ROLES = {Do.ARCHIVE: Role.ARCHIVE, Do.JUNK: Role.JUNK, Do.DELETE: Role.TRASH}
_FLAGS = {Do.STAR: Flag.FLAGGED, Do.READ: Flag.SEEN, Do.JUNK: Flag.JUNK}


# ---- commands
def put_rule(engine: Engine, command: wire.PutRule) -> wire.RuleKept:
    """Keep a rule."""
    if text := plan.problem(command.rule):
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="bad-rule")
    with engine.store.write(durable=True) as tx:
        if not command.rule.id and len(rules.rules(tx)) >= plan.MAX_RULES:
            text = f"There are {plan.MAX_RULES} rules already; remove one first."
            raise MailError(Kind.LOCAL, Retry.ASK, text, code="too-many-rules")
        return wire.RuleKept(rules.put(tx, command.rule, engine.context.now()))


def remove_rule(engine: Engine, command: wire.RemoveRule) -> wire.Done:
    """Forget a rule."""
    with engine.store.write(durable=True) as tx:
        if not rules.remove(tx, command.rule_id):
            raise MailError(Kind.LOCAL, Retry.NEVER, "That rule is not there any more.", code="no-such-rule")
    return wire.Done()


def order_rules(engine: Engine, command: wire.OrderRules) -> wire.Done:
    """Another order."""
    with engine.store.write(durable=True) as tx:
        rules.order(tx, command.rules)
    return wire.Done()


def try_rule(engine: Engine, command: wire.TryRule) -> wire.RuleTried:
    """What a rule would have done to the mail of the last days; nothing is done."""
    if text := plan.problem(command.rule):
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="bad-rule")
    first = max(engine.context.now() - command.days * DAY, 0) << SEQUENCE_BITS
    looked, fitting, examples = 0, 0, list[int]()
    for facts in rules.since(engine.store.reader(), first):
        looked += 1
        if plan.fits(command.rule, facts):
            fitting += 1
            if len(examples) < EXAMPLES:
                examples.append(facts.id)
    return wire.RuleTried(looked, fitting, tuple(examples))


# ---- new mail
def run(engine: Engine) -> None:
    """Carry the rules out on what came; whatever goes wrong, the mail stays where it is."""
    try:
        db = engine.store.reader()
        while found := rules.waiting(db):
            _carry_out(engine, rules.rules(db), found)
    except MailError as error:
        ENGINE.info("rules wait: %s (%s)", error.text, error.detail)


def _carry_out(engine: Engine, known: list[MailRule], found: list[Facts]) -> None:
    horizon = {rule.id: rule.made_at for rule in known}
    fates = {one.id: plan.fate([rule for rule in known if one.id >> 20 >= horizon[rule.id]], one) for one in found}
    targets = {
        (one.account_id, deed): _target(engine, AccountId(one.account_id), deed)
        for one in found for deed, _ in fates[one.id].deeds if deed.do in PLACES
    }  # fmt: skip
    now = engine.context.now()
    with engine.store.write(durable=True) as tx:
        rules.seen(tx, [one.id for one in found])
        for one in found:
            if fates[one.id].deeds:
                done = [(d, rule) for d, rule in fates[one.id].deeds if _do(tx, one, d, rule, targets, now)]
                rules.note(tx, one.id, _said(done), now)
    for account_id in {AccountId(one.account_id) for one in found if fates[one.id].deeds}:
        engine.settle_local(account_id)
        engine.poke(account_id)
    forward_soon(engine)


def _target(engine: Engine, account_id: AccountId, deed: Deed) -> Folder | None:
    if deed.do in _ROLES:
        return acts.folder_for(engine, account_id, _ROLES[deed.do])
    return read.folder_named(engine.store.reader(), account_id, deed.value)


def _do(
    tx: Tx, one: Facts, deed: Deed, rule: MailRule, targets: dict[tuple[int, Deed], Folder | None], now: int
) -> bool:
    """Wish one deed; False where it cannot be done (the folder is not there)."""
    ids = [MessageId(one.id)]
    if deed.do in _FLAGS:
        write.wish_flags(tx, ids, _FLAGS[deed.do], Flag(0), now)
    if deed.do in PLACES:
        target = targets[one.account_id, deed]
        if target is None:
            return False
        write.wish_move(tx, ids, target.id, now)
    elif deed.do is Do.TAG and tag.is_keyword(deed.value):
        tags.wish(tx, ids, tag.wish([deed.value]), now)
    elif deed.do is Do.FORWARD:
        rules.wish_forward(tx, one.id, deed.value, rule.name)
        write.want_body(tx, ids)
    return True


def _said(done: list[tuple[Deed, MailRule]]) -> str:
    """One sentence for each rule."""
    by_rule: dict[str, list[Deed]] = {}
    for deed, rule in done:
        by_rule.setdefault(rule.name, []).append(deed)
    return " ".join(f"The rule “{name}” {plan.words(deeds)}." for name, deeds in by_rule.items())


# ---- forwarding
_ONE = threading.Lock()


def forward_soon(engine: Engine) -> None:
    """Forward what is here and waits for it, on a thread of its own."""
    if rules.to_forward(engine.store.reader()):
        threading.Thread(target=forward, args=(engine,), name="forwarder", daemon=True).start()


def forward(engine: Engine) -> None:
    """Queue each message that rules want forwarded and that may be."""
    with _ONE:
        try:
            for one in rules.to_forward(engine.store.reader()):
                _forward(engine, *one)
        except MailError as error:
            ENGINE.info("forwarding waits: %s (%s)", error.text, error.detail)


def _forward(engine: Engine, message_id: MessageId, account_id: AccountId, name: str, address: str, rule: str) -> None:
    from mua.engine import posting
    from mua.mime.forwarding import fields_of, forwarding

    raw = engine.context.bodies.get(message_id)
    row = read.row(engine.store.reader(), message_id)
    account = read.account(engine.store.reader(), account_id)
    if raw is None or row is None or account is None:
        return
    db, now = engine.store.reader(), engine.context.now()
    mine = [one.email for one in read.accounts(db)]
    allowed = plan.may_forward(fields_of(raw), [one.address for one in row.sender], address, mine)
    key = name or f"{account_id}/{message_id}"
    allowed = allowed and rules.forwarded_since(db, now - DAY) < A_DAY
    with engine.store.write(durable=True) as tx:
        fresh = rules.forwarded(tx, message_id, key, address, now)
        if not allowed:
            rules.note(
                tx, message_id, f"The rule “{rule}” did not forward it: a program sent it, or too many went.", now
            )
    if fresh and allowed:
        path = engine.profile.drafts / f"forward-{message_id}-{os.urandom(4).hex()}.eml"
        path.write_bytes(forwarding(raw, account.full_name, account.email, address, row.subject, rule))
        posting.send(engine, wire.Send(account_id, file=str(path), take_file=True, forwards=message_id))
