"""Tokens are renewed by one at a time, kept before the old ones are forgotten, and never lost by a full disk."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from certs import authority
from lab import until
from oauth_provider import CLIENT, Provider, browse

from mua.engine.tokens import Tokens
from mua.errors import Kind, MailError, Retry
from mua.model.account import Account, AccountId
from mua.model.oauth import OAuth
from mua.net import oauth as net
from mua.net.secrets import Place, Secrets
from mua.paths import Profile

ROOT = Path(__file__).resolve().parents[2]
ONCE = """
import json, sys, pathlib, time
from mua.engine.tokens import Tokens
from mua.jsonable import from_json
from mua.model.account import Account
from mua.net.secrets import Place, Secrets
from mua.paths import Profile
profile = Profile(pathlib.Path(sys.argv[1]))
secrets = Secrets(profile, Place.FILE, "open sesame")
account = from_json(Account, json.loads(sys.argv[2]))
tokens = Tokens(profile, lambda: secrets, lambda: int(time.time()))
secrets.get("1", "sign-in")  # the key is derived now, and not in the race
print("ready", flush=True)
sys.stdin.readline()
print(tokens.access(account), flush=True)
"""


@pytest.fixture
def provider():
    with Provider(authority().leaf()) as running:
        yield running


def oauth(provider: Provider) -> OAuth:
    return net.find(provider.issuer, CLIENT, ca_file=str(authority().ca_file))


def account(provider: Provider) -> Account:
    return Account(AccountId(1), "a", "ada@example.org", ca_file=str(authority().ca_file), oauth=oauth(provider))


def signed_in(provider: Provider, profile: Profile, now: int = 0) -> tuple[Tokens, Secrets, list[int]]:
    """Tokens that a person has signed in, their secrets, and their clock."""
    secrets = Secrets(profile, Place.FILE, "open sesame")
    clock = [now]
    tokens = Tokens(profile, lambda: secrets, lambda: clock[0])
    browser = net.Browser(oauth(provider), "ada@example.org", provider.client_secret, str(authority().ca_file))
    got: list[object] = []
    waiting = threading.Thread(target=lambda: got.append(browser.wait(20)))
    waiting.start()
    browse(browser.url, str(authority().ca_file))
    waiting.join(20)
    tokens.keep(1, got[0])  # type: ignore[arg-type]
    clock[0] = got[0].issued  # type: ignore[attr-defined]
    return tokens, secrets, clock


def test_a_token_is_asked_for_once_until_it_ends(provider: Provider, tmp_path: Path) -> None:
    tokens, _, clock = signed_in(provider, Profile(tmp_path))
    first = tokens.access(account(provider))
    assert tokens.access(account(provider)) == first
    assert provider.asked["refresh_token"] == 0
    clock[0] += 3400
    second = tokens.access(account(provider))
    assert second != first
    assert provider.asked["refresh_token"] == 1
    clock[0] -= 100_000  # the clock is put back
    assert tokens.access(account(provider)) != second


def test_ten_threads_ask_once(provider: Provider, tmp_path: Path) -> None:
    tokens, _, clock = signed_in(provider, Profile(tmp_path))
    clock[0] += 3400
    provider.gate = threading.Event()
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(tokens.access(account(provider)))) for _ in range(10)]
    for one in threads:
        one.start()
    until(lambda: provider.asked["refresh_token"], "the first question")
    provider.gate.set()
    for one in threads:
        one.join(20)
    assert len(found) == 10
    assert len(set(found)) == 1
    assert provider.asked["refresh_token"] == 1


def test_two_processes_ask_once(provider: Provider, tmp_path: Path) -> None:
    """The second waits for the first, and takes what it brought: shown twice, a rotated token would end the sign-in."""
    import json

    from mua.jsonable import to_json

    provider.lasts = 1
    signed_in(provider, Profile(tmp_path))
    provider.lasts = 3600
    provider.gate = threading.Event()
    argv = [sys.executable, "-c", ONCE, str(tmp_path), json.dumps(to_json(account(provider)))]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pair = [
        subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for one in pair:
        assert one.stdout
        assert one.stdout.readline() == "ready\n"
    until(lambda: not tokens_fresh(tmp_path), "the first token to end")
    for one in pair:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    until(lambda: provider.asked["refresh_token"], "the first question")
    provider.gate.set()
    said = {one.communicate(timeout=60)[0] for one in pair}
    assert [one.returncode for one in pair] == [0, 0]
    assert len(said) == 1
    assert provider.asked["refresh_token"] == 1


def tokens_fresh(profile: Path) -> bool:
    import json
    import time

    from mua.jsonable import from_json
    from mua.model.oauth import Grant
    from mua.plan.oauth import is_fresh

    kept = Secrets(Profile(profile), Place.FILE, "open sesame").get("1", "sign-in")
    assert kept
    return is_fresh(from_json(Grant, json.loads(kept)), int(time.time()))


@pytest.mark.log_warning("is not kept yet")
def test_a_rotated_token_that_cannot_be_kept_is_used_and_kept_later(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, secrets, clock = signed_in(provider, Profile(tmp_path))
    before = secrets.get("1", "sign-in")
    with monkeypatch.context() as full:
        full.setattr(secrets, "set", refuse)
        clock[0] += 3400
        first = tokens.access(account(provider))
        clock[0] += 3400
        second = tokens.access(account(provider))
    assert first != second
    assert secrets.get("1", "sign-in") == before
    tokens.access(account(provider))
    kept = secrets.get("1", "sign-in")
    assert kept
    assert second in kept
    again = Tokens(Profile(tmp_path), lambda: secrets, lambda: clock[0])
    assert again.access(account(provider)) == second


def refuse(*_: object) -> None:
    raise MailError(Kind.LOCAL, Retry.ASK, "No room.", code="disk-full")


def test_what_the_provider_ended_is_not_asked_for_again(provider: Provider, tmp_path: Path) -> None:
    tokens, _, clock = signed_in(provider, Profile(tmp_path))
    provider.revoke()
    clock[0] += 4000
    for _ in range(3):
        with pytest.raises(MailError) as caught:
            tokens.access(account(provider))
        assert caught.value.code == "signed-out"
    assert provider.asked["refresh_token"] == 1


def test_a_provider_that_is_away_is_not_missed_while_the_token_counts(provider: Provider, tmp_path: Path) -> None:
    tokens, _, clock = signed_in(provider, Profile(tmp_path))
    first = tokens.access(account(provider))
    provider.cuts = True
    clock[0] += 3400  # time to renew it, and it counts for some minutes yet
    assert tokens.access(account(provider)) == first
    with pytest.raises(MailError) as caught:
        tokens.access(account(provider), refused=first)
    assert caught.value.kind is Kind.CONNECTION
    provider.cuts = False
    assert tokens.access(account(provider), refused=first) != first


def test_a_client_secret_goes_with_every_question(tmp_path: Path) -> None:
    with Provider(authority().leaf(), client_secret="a secret of the provider") as provider:
        tokens, _, clock = signed_in(provider, Profile(tmp_path))
        clock[0] += 3400
        assert tokens.access(account(provider))
        assert provider.asked["refresh_token"] == 1
