"""Commands about how much is fetched: folder policy, account policy."""

from mua import wire
from mua.cli import setup
from mua.cli.session import Result, Session
from mua.model.policy import Keep, Policy
from mua.store import read


def folder(session: Session) -> Result:
    """``folder policy FOLDER [POLICY]``."""
    given, chosen = session.arguments.policy, session.folder(session.arguments.folder)
    if given is not None:
        policy = None if given == "default" else setup.policy(given)
        session.engine.ask(wire.SetPolicy(policy, folder_id=chosen.id), wire.Done)
        chosen = session.folder(session.arguments.folder)
    effective = read.policy(session.db, chosen.id)
    document = {"folder": chosen.name, "policy": str(effective), "own": chosen.policy is not None}
    return Result(document, f"{chosen.name}: {_words(effective)}.")


def account_policy(session: Session) -> Result:
    """``account policy N [POLICY]``."""
    given, chosen = session.arguments.policy, session.account(session.arguments.name)
    if given is not None:
        session.engine.ask(wire.SetPolicy(setup.policy(given), account_id=chosen.id), wire.Done)
        chosen = session.account(session.arguments.name)
    document = {"account": chosen.name, "policy": str(chosen.policy)}
    return Result(document, f"{chosen.name}: {_words(chosen.policy)}, where a folder has no choice of its own.")


def _words(policy: Policy) -> str:
    return {
        Keep.EVERYTHING: "everything is fetched",
        Keep.DAYS: f"what came in the last {policy.days} days is fetched; the rest is on the server",
        Keep.HEADERS: "headers are fetched; a message's text when it is opened",
    }[policy.keep]
