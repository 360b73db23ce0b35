"""What is not delivered directly, whoever asks for it."""

from mua.engine.providers import providers
from mua.errors import Kind, MailError, Retry
from mua.model.account import Account
from mua.model.domain import a_label
from mua.model.way import Hop
from mua.plan.direct import freemail, refusal
from mua.plan.domains import is_address
from mua.plan.routes import way_for


def check(account: Account) -> None:
    """An account that delivers directly: raises MailError "freemail-direct" or "bad-ehlo"."""
    _refuse_freemail(account, account.email)
    name = account.direct.ehlo
    if name and not _is_full_name(name):
        text = f"{name[:60]} is not the full name of a computer, like mail.example.org; other servers would refuse it."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="bad-ehlo")


def _is_full_name(name: str) -> bool:
    try:
        return a_label(name) == name.lower() and "." in name and not is_address(name) and not name.startswith("[")
    except ValueError:
        return False


def check_author(account: Account, author: str, recipients: tuple[str, ...], *, direct: bool) -> None:
    """A message from ``author`` that would be delivered directly to somebody: raises MailError "freemail-direct"."""
    ways = (way_for(account, address, direct=direct) for address in recipients)
    if any(way is not None and way.hop is Hop.DIRECT for way in ways):
        _refuse_freemail(account, author)


def _refuse_freemail(account: Account, address: str) -> None:
    """On a local network, which is what private exchangers are allowed for, nobody minds."""
    provider = "" if account.direct.allow_private_mx else freemail(address, providers())
    if provider:
        raise MailError(Kind.ACCOUNT, Retry.ASK, refusal(provider), code="freemail-direct")
