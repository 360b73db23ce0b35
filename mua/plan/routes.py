"""Which way mail for a recipient goes: the account's rules, then its own way.  Pure."""

from collections.abc import Iterable

from mua.model.account import Account, Route
from mua.model.domain import a_label
from mua.model.way import Hop, Rule, Way, pattern_from
from mua.plan.domains import split_address

NO_DOMAIN = "?"  # in place of what no look-up can be made of


def domain_of(address: str) -> str:
    """The A-label, or literal, behind the @ of an address; ``NO_DOMAIN`` where there is none that DNS could know."""
    try:
        return a_label(split_address(address)[1])
    except ValueError:
        return NO_DOMAIN


def pattern_typed(text: str) -> str:
    """A rule's pattern as a person writes it, ``.münchen.example`` too; ValueError where it names no domains."""
    head, name = ("." if text.startswith(".") else ""), text.removeprefix(".")
    return pattern_from(text if text == "*" else head + a_label(name))


def way_for(account: Account, address: str, *, direct: bool = False) -> Way | None:
    """How mail of ``account`` to ``address`` goes; None: it has no way to send.  ``direct``: a person said so."""
    domain = domain_of(address)
    rule = None if direct else chosen(account.rules, domain)
    if rule is not None and rule.way.hop is not Hop.DIRECT:
        return rule.way
    if direct or rule is not None or account.route is Route.DIRECT:
        return Way(Hop.DIRECT, domain)
    return Way(Hop.SUBMISSION) if account.route is Route.SMTP else None


def chosen(rules: Iterable[Rule], domain: str) -> Rule | None:
    """The rule with the closest pattern: the domain itself, then the longest suffix, then ``*``."""
    fitting = [one for one in rules if _fits(one.pattern, domain)]
    return max(fitting, key=lambda one: (one.pattern == domain, one.pattern != "*", len(one.pattern)), default=None)


def _fits(pattern: str, domain: str) -> bool:
    if pattern.startswith("."):
        return domain.endswith(pattern) and domain != pattern
    return pattern in ("*", domain)
