"""OAuth 2 through its whole life: a provider, and a real Dovecot and Postfix that ask it for each token.

Never signed out by a passing fault, and never a token in a log.
"""

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lab import Lab, User, message, until
from oauth_provider import CLIENT, Provider, browse, laboratory

pytestmark = pytest.mark.live


@dataclass
class House:
    """The laboratory with its provider, and one mailbox."""

    lab: Lab
    provider: Provider
    user: User
    profiles: list[Path] = field(default_factory=list)

    def sign_in(self, *words: object, profile: Path, browser: Callable[[str], object] | None = None) -> dict[str, str]:
        """A command that signs in, with a person at the browser; its document."""
        argv = [*words, "--client-id", CLIENT, "--no-browser", "--json"]
        running = self.lab.popen_mua(*argv, profile=profile, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert running.stderr
        lines = [running.stderr.readline().decode(), running.stderr.readline().decode()]
        url = next((line.strip() for line in lines if line.startswith("https://")), "")
        assert url, lines
        (browser or self.browse)(url)
        out, err = running.communicate(timeout=60)
        return {"code": str(running.returncode), "out": out.decode(), "err": err.decode()}

    def browse(self, url: str) -> None:
        """The person agrees."""
        status, page = browse(url, str(self.lab.ca))
        assert status == 200
        assert "Thank you" in page

    def add(self, profile: Path, kind: str = "imap", port: int = 0) -> None:
        """An account of the mailbox, signed in; ``port`` in place of the server's own."""
        plan = self.lab.plan
        words = (
            ["--imap", f"localhost:{port or plan.imaps}"] if kind == "imap" else ["--pop3", f"localhost:{plan.pop3s}"]
        )
        done = self.sign_in(
            "account", "add", "--name", "lab", "--email", self.user.address, "--user", self.user.name, *words,
            "--smtp", f"localhost:{plan.submission}", "--ca-file", self.lab.ca, "--oauth", self.provider.issuer,
            profile=profile,
        )  # fmt: skip
        assert done["code"] == "0", done

    def sync(self, profile: Path, *, fails: str = "") -> None:
        """Compare with the server."""
        done = self.lab.mua("sync", profile=profile)
        assert (fails in done.stdout.decode() + done.stderr) if fails else done.code == 0, done.explain()

    def subjects(self, profile: Path) -> list[str]:
        """What is in the inbox here."""
        return [one["subject"] for one in self.lab.mua("list", "INBOX", profile=profile).ok()]

    def arrive(self, subject: str) -> None:
        """One more message on the server."""
        assert self.lab.deliver(self.user, message(subject)) == ""


@pytest.fixture(scope="module")
def _running() -> Iterator[tuple[Lab, Provider]]:
    with laboratory() as running:
        yield running


@pytest.fixture
def house(_running: tuple[Lab, Provider]) -> Iterator[House]:
    lab, provider = _running
    provider.lasts, provider.rotates, provider.consent, provider.trouble, provider.cuts = 3600, True, True, None, False
    provider.asked.clear()
    user = lab.user("alice")
    provider.names[user.address] = user.name
    made = House(lab, provider, user)
    yield made
    for profile in made.profiles:
        lab.stop_engine(profile)
        for path in (*profile.glob("*.log*"), *profile.glob("*.toml"), *profile.glob("*.db*")):
            content = path.read_bytes()
            assert not [one for one in provider.secrets if one.encode() in content], f"a token in {path.name}"


@pytest.fixture
def profile(house: House) -> Path:
    house.profiles.append(house.lab.profile())
    return house.profiles[-1]


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_mail_comes_and_goes_with_a_token(house: House, profile: Path, kind: str) -> None:
    if not house.lab.has_postfix:
        pytest.skip("Postfix needs several users, which only root can give it")
    house.arrive("by a token")
    with house.lab.engine(profile):
        house.add(profile, kind)
        house.sync(profile)
        assert house.subjects(profile) == ["by a token"]
        words = ("compose", "--to", "bob@elsewhere.test", "--subject", "out", "--body", "x", "--wait")
        told = house.lab.mua(*words, profile=profile).ok()
        assert "accepted" in str(told), told
        checked = house.lab.mua("account", "check", "lab", profile=profile).ok()
        assert all(one["ok"] for one in checked["findings"]), checked
    assert house.provider.asked["refresh_token"] == 0
    assert house.provider.asked["introspect"] >= 2


def test_a_person_who_does_not_agree_has_no_account(house: House, profile: Path) -> None:
    house.provider.consent = False
    with house.lab.engine(profile):
        plan = house.lab.plan
        done = house.sign_in(
            "account", "add", "--name", "lab", "--email", house.user.address, "--imap", f"localhost:{plan.imaps}",
            "--ca-file", house.lab.ca, "--oauth", house.provider.issuer, profile=profile,
            browser=lambda url: browse(url, str(house.lab.ca)),
        )  # fmt: skip
        assert done["code"] == "1"
        assert "sign-in-refused" in done["out"] + done["err"]
        assert house.lab.mua("account", "list", profile=profile).ok() == []


def test_a_redirect_that_is_not_ours_changes_nothing(house: House, profile: Path) -> None:
    def stranger_first(url: str) -> None:
        redirect = re.search(r"redirect_uri=http%3A%2F%2F127.0.0.1%3A(\d+)%2F", url)
        assert redirect
        status, _ = browse(f"http://127.0.0.1:{redirect[1]}/?code=evil&state=guessed", str(house.lab.ca))
        assert status == 404
        house.browse(url)

    with house.lab.engine(profile):
        house.add(profile)
        assert house.sign_in("account", "sign-in", "lab", profile=profile, browser=stranger_first)["code"] == "0"
        house.sync(profile)


def test_a_code_on_another_screen(house: House, profile: Path) -> None:
    with house.lab.engine(profile):
        house.add(profile)
        argv = ["account", "sign-in", "lab", "--device", "--json"]
        running = house.lab.popen_mua(*argv, profile=profile, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert running.stderr
        told = re.search(r"Open (https://\S+) on any screen and type (\S+) there", running.stderr.readline().decode())
        assert told
        house.provider.agree(told[2], house.user.name)
        out, err = running.communicate(timeout=60)
        assert running.returncode == 0, (out, err)
        house.arrive("after a code")
        house.sync(profile)
        assert house.subjects(profile) == ["after a code"]


def test_a_token_that_ends_early_is_renewed_once_and_the_rotated_one_is_kept(house: House, profile: Path) -> None:
    """The clock of the provider is another one: what should last an hour is over."""
    with house.lab.engine(profile):
        house.add(profile)
        house.sync(profile)
    house.provider.expire()
    house.arrive("one")
    with house.lab.engine(profile):
        house.sync(profile)
        assert house.provider.asked["refresh_token"] == 1
    house.provider.expire()  # and once more, with the refresh token that took the first one's place
    house.arrive("two")
    with house.lab.engine(profile):
        house.sync(profile)
        assert set(house.subjects(profile)) == {"one", "two"}
        assert house.provider.asked["refresh_token"] == 2
        assert house.lab.mua("account", "check", "lab", profile=profile).ok()


def test_a_token_is_renewed_before_it_ends(house: House, profile: Path) -> None:
    house.provider.lasts = "1"  # as a string, as some say it; it is over before it can be used twice
    with house.lab.engine(profile):
        house.add(profile)
        house.provider.lasts = 3600
    house.arrive("in time")
    with house.lab.engine(profile):
        until(lambda: house.provider.asked["refresh_token"], "the renewal")
        house.sync(profile)
        assert house.subjects(profile) == ["in time"]


@pytest.mark.parametrize("fault", ["cut", "html"])
def test_nobody_is_signed_out_by_a_passing_fault(house: House, profile: Path, fault: str) -> None:
    with house.lab.engine(profile):
        house.add(profile)
        house.sync(profile)
    house.provider.expire()
    house.provider.cuts = fault == "cut"
    house.provider.trouble = (200, {}) if fault == "html" else None  # 5xx, 429 ...: unit/plan/test_oauth.py
    house.arrive("afterwards")
    with house.lab.engine(profile):
        house.sync(profile, fails="provider-unreachable")
        house.provider.cuts, house.provider.trouble = False, None
        house.sync(profile)
        assert house.subjects(profile) == ["afterwards"]


def test_a_revoked_sign_in_says_so_and_a_new_one_goes_on(house: House, profile: Path) -> None:
    with house.lab.engine(profile):
        house.add(profile)
        house.sync(profile)
    house.provider.revoke()
    house.arrive("after all")
    with house.lab.engine(profile):
        house.sync(profile, fails="signed-out")
        asked = house.provider.asked["refresh_token"]
        house.sync(profile, fails="signed-out")
        assert house.provider.asked["refresh_token"] == asked, "the same refresh token was shown again"
        assert house.sign_in("account", "sign-in", "lab", profile=profile)["code"] == "0"
        house.sync(profile)
        assert house.subjects(profile) == ["after all"]


def test_a_wrong_tenant_is_said_in_words(house: House, profile: Path) -> None:
    words = "AADSTS50020: User account from identity provider 'live.com' does not exist in tenant 'Example'."
    house.provider.trouble = 400, {"error": "invalid_grant", "error_description": words}
    with house.lab.engine(profile):
        done = house.sign_in(
            "account", "add", "--name", "lab", "--email", house.user.address, "--local", "--ca-file", house.lab.ca,
            "--oauth", house.provider.issuer, profile=profile,
        )  # fmt: skip
    assert "wrong-tenant" in done["out"] + done["err"]
    assert "name the tenant that it belongs to" in done["out"] + done["err"]


def test_another_persons_token_is_refused_in_words(house: House, profile: Path) -> None:
    house.provider.names[house.user.address] = "mallory"
    with house.lab.engine(profile):
        house.add(profile)
        house.sync(profile, fails="token-refused")
        logins = house.provider.asked["refresh_token"]
        house.lab.mua("sync", profile=profile)
        assert house.provider.asked["refresh_token"] == logins, "a renewed token that was refused is not renewed again"


def test_a_session_that_is_cut_in_an_append_goes_on_with_a_new_token(house: House, profile: Path) -> None:
    """The token is over, and the server hangs up in the middle of an APPEND, as some do."""
    lab = house.lab
    proxy = lab.proxy(lab.plan.imaps)
    file = lab.folder / "big.eml"
    file.write_bytes(message("half way", body=("x" * 70 + "\n") * 30_000))
    with lab.engine(profile):
        house.add(profile, port=proxy.port)
        house.sync(profile)
        renewals = house.provider.asked["refresh_token"]
        sent = proxy.upstream
        proxy.hold_replies_after(500_000)
        lab.mua("import", file, "Archive", profile=profile).ok()
        until(lambda: proxy.upstream > sent + 500_000, "half of the message to be on its way")
        house.provider.expire()
        proxy.cut()
        proxy.resume()
        until(lambda: house.provider.asked["refresh_token"] > renewals, "the renewal after the cut")
        house.sync(profile)
        until(lambda: lab.raw_messages(house.user, "Archive"), "the message on the server")
        assert len(lab.raw_messages(house.user, "Archive")) == 1
        assert list(lab.raw_messages(house.user, "Archive").values()) == [file.read_bytes()]
    assert house.provider.asked["refresh_token"] == renewals + 1
