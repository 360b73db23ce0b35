"""Finding the servers of an address, and saying in plain words what is wrong with an account's.

Theory of operation.  ``discover`` asks everybody at once, this computer's own desktop too, and believes in order of
trust (the desktop, then see ``plan/discover``): once the most trusted answer is known, the others are not waited for,
and once any is known, better ones only for a moment (``GRACE``).  ``check`` connects both ways as the workers would.

Rules of the file: discovery never sends a credential, and never asks anybody but the domain itself and the DNS, unless
the person allowed one more; a check sends the password only over what the account itself would use.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import replace
from typing import TypedDict

from mua import wire
from mua.engine.direct_mx import find_targets
from mua.engine.providers import providers
from mua.errors import Kind, MailError, Retry
from mua.log import NET as LOG
from mua.model.account import Account, AccountId, DirectOptions, Incoming, Route, Security, Server, Side
from mua.model.discovery import Found
from mua.net import https, tls
from mua.net.dns import Resolver
from mua.net.imap import ImapConnection
from mua.net.online_accounts import mail_accounts
from mua.net.pop3 import Session as Pop3Session
from mua.net.probe import probe
from mua.net.smtp import Exchanger, HostFailed, open_exchanger, open_submission
from mua.plan import discover as plan
from mua.plan import online_accounts
from mua.plan.domains import split_address
from mua.plan.mx import Status, Verdict
from mua.records import dataclass

PATIENCE = 10.0  # seconds for a whole discovery
GRACE = 1.5  # seconds from its start that a better answer is waited for when there is one
ONE_ANSWER = 5.0  # seconds for one file, look-up or greeting
CHECK = 20.0  # seconds for one server of a check
USUAL = {
    "imap": ((993, Security.TLS), (143, Security.STARTTLS)),
    "pop3": ((995, Security.TLS), (110, Security.STARTTLS)),
    "smtp": ((465, Security.TLS), (587, Security.STARTTLS)),
}
_REASONS = ("autoconfig-plaintext", "network-down", "dns", "no-domain")  # why nothing is found, the worst first
_UNKNOWN = {  # code, kind and sentence of what the DNS could not say
    Status.OFFLINE: (
        "network-down",
        Kind.CONNECTION,
        "The mail servers of {domain} cannot be looked up: this computer seems to be offline; connect it, then go on.",
    ),
    Status.FAILED: (
        "dns",
        Kind.CONNECTION,
        "No name server could say where the mail servers of {domain} are; try again later, or enter them by hand.",
    ),
    Status.NO_NAME: (
        "no-domain",
        Kind.ACCOUNT,
        "There is no domain {domain}; look for a typing mistake in the address.",
    ),
}
_WRONG_DOOR = frozenset({"connection-refused", "timeout", "tls-failed", "protocol-error", "no-starttls"})
_TRAPPED = frozenset({"wrong-password", "app-password", "password-disabled", "login-disabled", "no-mechanism"})


# --- discovery --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ways:
    """How discovery reaches the world; a laboratory replaces where names lead."""

    fetch: Callable[[str], bytes]
    probe: Callable[[Server, str], None]
    mx: Callable[[str], Sequence[str]]
    services: Callable[[str], Mapping[str, Sequence[plan.Service]]]
    desktop: Callable[[], Sequence[online_accounts.Mail]] = tuple
    """What this computer's own desktop knows."""


def ways(ca_file: str = "") -> Ways:
    """The real ones."""
    return Ways(
        fetch=lambda url: https.fetch(url, timeout=ONE_ANSWER, ca_file=ca_file),
        probe=lambda server, protocol: probe(server, protocol, ca_file, ONE_ANSWER),
        mx=mx_hosts,
        services=_services,
        desktop=mail_accounts,
    )


def discover(
    email: str,
    ca_file: str = "",
    service: Callable[[str], wire.SignInService | None] = lambda _: None,
    *,
    database: bool = False,
) -> wire.Discovered:
    """Candidates for an address, best first.  ``service`` tells what is known of who signs people in (``Found.oauth``);
    ``database``: the person allows that Thunderbird's database of providers is asked, too.

    Raises MailError "bad-address", "not-found", "no-domain", "network-down", "dns" (nobody could be asked),
    "autoconfig-plaintext" (only servers without TLS are published) or "no-access" (the provider lets no mail program
    in; the text says why).
    """
    found = find(email, ways(ca_file), database=database)
    candidates = [
        (_account(email, one, kind, ca_file), one.source + _doubt(one)) for one in found for kind in one.kinds
    ]
    best = found[0]
    if not candidates:
        raise MailError(Kind.ACCOUNT, Retry.ASK, f"{best.note} See {best.help_url}", best.source, "no-access")
    return wire.Discovered(
        accounts=tuple(account for account, _ in candidates),
        sources=tuple(source for _, source in candidates),
        auth=best.auth,
        note=best.note,
        help=best.help_url,
        service=service(best.oauth),
    )


def find(email: str, world: Ways, *, database: bool = False) -> list[Found]:
    """Who says what about an address, most trusted first; never empty.  Raises MailError as ``discover``."""
    _, domain = plan.split_address(email)
    known = plan.from_table(email, providers())
    if known is not None:
        return [known]
    pool = ThreadPoolExecutor(16, thread_name_prefix="discover")
    try:
        return _first_believed(_questions(email, domain, world, pool, database=database), domain)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _questions(
    email: str, domain: str, world: Ways, pool: ThreadPoolExecutor, *, database: bool
) -> list["Future[Found | None]"]:
    """Everything that can be asked, running at once, most trusted first."""

    def published(url: str, source: str = f"{domain} says so itself") -> Found | None:
        return plan.from_autoconfig(email, world.fetch(url), source, providers())

    return [
        pool.submit(lambda: online_accounts.found(email, world.desktop(), providers())),
        *(pool.submit(published, url) for url in plan.autoconfig_urls(email)),
        pool.submit(lambda: plan.from_mx(email, world.mx(domain), providers())),
        pool.submit(lambda: plan.from_srv(email, world.services(domain))),
        *([pool.submit(published, plan.database_url(email), plan.DATABASE)] if database else []),
        pool.submit(_guess, email, world),
    ]


def _first_believed(questions: Sequence["Future[Found | None]"], domain: str) -> list[Found]:
    """The answers that are here, most trusted first, as soon as the most trusted of all is, or any is and ``GRACE`` is
    over.
    """
    started = time.monotonic()
    waiting = set(questions)
    found: dict[Future[Found | None], Found] = {}
    reasons: dict[str, MailError] = {}
    while waiting:
        end = started + (GRACE if found else PATIENCE)
        done, waiting = wait(waiting, max(0.0, end - time.monotonic()), return_when=FIRST_COMPLETED)
        for question in done:
            answer = _answer(question, domain)
            if isinstance(answer, Found):
                found[question] = answer
            elif answer is not None:
                reasons[answer.code] = answer
        best = next((one for one in questions if one in found or one in waiting), None)
        if best in found or not done:
            break
    if found:
        return [found[one] for one in questions if one in found]
    text = f"The mail servers of {domain} could not be found; ask its operator for them and enter them by hand."
    why = next((reasons[code] for code in _REASONS if code in reasons), None)
    raise why or MailError(Kind.ACCOUNT, Retry.ASK, text, code="not-found")


def _answer(question: "Future[Found | None]", domain: str) -> Found | MailError | None:
    """What was found, or why nothing can be (``_REASONS``), or nothing."""
    try:
        return question.result(timeout=0)
    except MailError as error:
        LOG.info("discovery of %s: %s (%s)", domain, error.code, error.detail)
        return error if error.code in _REASONS else None
    except Exception as error:  # noqa: BLE001 - one bad answer must not spoil the others
        LOG.warning("discovery of %s: %s", domain, type(error).__name__)
        return None


def _guess(email: str, world: Ways) -> Found | None:
    """The first guess of each kind that answers with a certificate for its name, all tried at once."""
    guesses = plan.guesses(email)
    kinds = {"imap": guesses.imap, "pop3": guesses.pop3, "smtp": guesses.smtp}
    servers = [(kind, server) for kind, offered in kinds.items() for server in offered]
    with ThreadPoolExecutor(len(servers), thread_name_prefix="guess") as pool:
        trials = {pool.submit(world.probe, server, kind): (kind, server) for kind, server in servers}
        answered = [trials[trial] for trial in as_completed(trials) if trial.exception() is None]
    best = {kind: next((one for one in kinds[kind] if (kind, one) in answered), None) for kind in kinds}
    return plan.from_guesses(email, best["imap"], best["pop3"], best["smtp"])


def mx_hosts(domain: str, server: str = "") -> list[str]:
    """The exchangers of a domain, by the system's resolvers or the one at ``server``.

    Raises MailError "network-down", "dns" or "no-domain", so that no operator is blamed for what is not theirs.
    """
    answer = asyncio.run(Resolver(server, ONE_ANSWER).mx(domain))
    if answer.status not in _UNKNOWN:
        return [record.host for record in answer.records]
    code, kind, text = _UNKNOWN[answer.status]
    raise MailError(kind, Retry.ASK, text.format(domain=domain), answer.why, code)


def _services(domain: str) -> dict[str, Sequence[plan.Service]]:
    async def ask() -> list[list[plan.Service]]:
        resolver = Resolver(lifetime=ONE_ANSWER)
        return await asyncio.gather(*(resolver.services(f"{name}._tcp.{domain}") for name in plan.SRV_NAMES))

    return dict(zip(plan.SRV_NAMES, asyncio.run(ask()), strict=True))


def _account(email: str, found: Found, kind: Incoming, ca_file: str) -> Account:
    return Account(
        id=AccountId(0),
        name=email,
        email=email,
        incoming=kind,
        incoming_server=found.imap if kind is Incoming.IMAP else found.pop3,
        route=Route.SMTP if found.smtp else Route.NONE,
        submission=found.smtp,
        ca_file=ca_file,
    )


def _doubt(found: Found) -> str:
    return "; these hosts are outside the domain, so make sure that they are right" if found.confirm else ""


class _Keys(TypedDict):
    """What IMAP and POP3 are opened with alike."""

    allow_plaintext: bool
    certificate: str
    before: str
    token: Callable[[], str] | None


# --- a check of an account --------------------------------------------------------------------------------------


def check(
    account: Account, password: str, before: Mapping[Side, str] | None = None, token: str = ""
) -> list[wire.Finding]:
    """Connect both ways and say what works and what does not.  Raises nothing.

    ``token`` (OAuth 2) excludes ``password``.  ``before``: by which mechanism each side's server let us in last; a
    weaker one is refused here too.
    """
    known = before or {}
    with ThreadPoolExecutor(2, thread_name_prefix="check") as pool:
        parts = [
            pool.submit(_check_incoming, account, password, token, known.get(Side.INCOMING, "")),
            pool.submit(_check_outgoing, account, password, token, known.get(Side.OUTGOING, "")),
        ]
        return [finding for part in parts for finding in part.result()]


def _check_incoming(account: Account, password: str, token: str, before: str) -> list[wire.Finding]:
    server = account.incoming_server
    if account.incoming is Incoming.LOCAL or server is None:
        return [wire.Finding("incoming", True, "This account keeps its mail on this computer only.", "ok")]

    def attempt() -> None:
        more: _Keys = {
            "allow_plaintext": account.allow_plaintext, "certificate": account.client_cert, "before": before,
            "token": (lambda: token) if token else None,
        }  # fmt: skip
        if account.incoming is Incoming.IMAP:
            ImapConnection(server, lambda: password, account.ca_file, CHECK, **more).log_out()
        else:
            Pop3Session(server, lambda: password, account.ca_file, CHECK, **more).quit()

    return [_tried("incoming", account, server, account.incoming, attempt)]


def _check_outgoing(account: Account, password: str, token: str, before: str) -> list[wire.Finding]:
    if account.route is Route.DIRECT:
        return [_check_direct(account)]
    server = account.submission
    if account.route is Route.NONE or server is None:
        return [wire.Finding("outgoing", True, "This account sends no mail.", "ok")]

    async def attempt() -> None:
        opened = open_submission(
            server, password, account.ca_file, allow_plaintext=account.allow_plaintext,
            certificate=account.client_cert, before=before, token=token,
        )  # fmt: skip
        session = await asyncio.wait_for(opened, CHECK)
        await session.quit()

    return [_tried("outgoing", account, server, "smtp", lambda: asyncio.run(attempt()))]


def _tried(what: str, account: Account, server: Server, protocol: str, attempt: Callable[[], None]) -> wire.Finding:
    place = f"{server.host}:{server.port}"
    try:
        attempt()
    except MailError as error:
        return wire.Finding(what, False, _advice(error, account, server, protocol), error.code, error.detail)
    except TimeoutError as error:
        slow = tls.os_error(error, server.host)
        return wire.Finding(what, False, slow.text, slow.code, place)
    except Exception as error:  # noqa: BLE001 - whoever asks what is wrong gets an answer
        LOG.exception("the check of %s failed", place)
        return wire.Finding(what, False, "Mua made a mistake during this check.", "bug", type(error).__name__)
    protection = "without protection" if server.security is Security.NONE else "over a protected connection"
    return wire.Finding(what, True, f"{place} lets Mua in, {protection}.", "ok")


def _advice(error: MailError, account: Account, server: Server, protocol: str) -> str:
    """The sentence of the error, with what is known about this server: its trap, or a better port."""
    text = error.text
    if error.code in _WRONG_DOOR:
        other = _other_door(server, protocol, account.ca_file)
        if other is not None:
            text += f" Port {other.port} with {other.security.upper()} answers there; choose that."
    provider = plan.trap_for(server.host, providers())
    if provider is not None and provider.note and error.code in _TRAPPED:
        text += f" {provider.note} See {provider.help_url}"
    return text


def _other_door(server: Server, protocol: str, ca_file: str) -> Server | None:
    """The first usual port of the host that answers with a verified certificate, if it is not the one in use."""
    for port, security in USUAL[protocol]:
        other = replace(server, port=port, security=security)
        if other != server:
            with contextlib.suppress(MailError):
                probe(other, protocol, ca_file, ONE_ANSWER)
                return other
    return None


def _check_direct(account: Account) -> wire.Finding:
    """Is there DNS, and a way out to port 25?  Asked of the account's own domain, and nobody is written to."""
    options = account.direct
    _, domain = split_address(account.email)
    try:
        return asyncio.run(asyncio.wait_for(_reach_exchanger(domain, options), CHECK))
    except TimeoutError:
        text = f"No mail server of {domain} could be reached; networks at home often close port 25 to the outside."
        return wire.Finding("dns", False, text, "timeout")


async def _reach_exchanger(domain: str, options: DirectOptions) -> wire.Finding:
    found = await find_targets(domain, options, Resolver(options.dns, ONE_ANSWER), 0.5)
    if isinstance(found, Verdict):
        return wire.Finding("dns", False, found.text, "offline" if found.offline else "dns", found.status)
    failures = []
    for target in found.found[:3]:
        try:
            session = await open_exchanger(Exchanger(target.host, target.address, options.mx_port))
        except HostFailed as failed:
            failures.append(f"{target.host}: {failed.outcome.text}")
            continue
        await session.quit()
        return wire.Finding(
            "dns", True, f"{target.host} answers on port {options.mx_port}; mail can go directly.", "ok"
        )
    text = (
        f"No mail server of {domain} lets this computer in on port {options.mx_port};"
        " networks at home often close that port, and then mail has to go through a provider's server."
    )
    return wire.Finding("dns", False, text, "no-way-out", "; ".join(failures)[:500])
