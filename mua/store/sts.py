"""The MTA-STS policies that are kept (RFC 8461 s.5.1): a policy binds until it expires, also over restarts."""

from mua.plan.sts import Kept, Mode, Policy
from mua.store.db import Db, Tx


def kept(db: Db, domain: str) -> Kept | None:
    """The policy of a domain (an A-label), expired or not."""
    found = db.row("SELECT id, mode, mx, max_age, fetched_at FROM sts WHERE domain = ?", domain)
    if found is None:
        return None
    return Kept(found[0], Policy(Mode(found[1]), tuple(found[2].split()), found[3]), found[4])


def keep(tx: Tx, domain: str, one: Kept) -> None:
    """Keep what was fetched, instead of what was; what has expired goes."""
    policy = one.policy
    tx.run("DELETE FROM sts WHERE fetched_at + max_age <= ?", one.fetched_at)
    tx.run(
        "INSERT OR REPLACE INTO sts(domain, id, mode, mx, max_age, fetched_at) VALUES (?,?,?,?,?,?)",
        domain, one.id, policy.mode, " ".join(policy.mx), policy.max_age, one.fetched_at,
    )  # fmt: skip
