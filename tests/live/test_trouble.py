"""What can go wrong goes wrong here: each failure has an exit code, a sentence, and never costs a password.

The servers with bad certificates are witnesses (``lab_evil``): they take any password, so a test can look for it.
"""

import contextlib
import random
import re
import subprocess
from pathlib import Path

import pytest
from lab import Lab, Run, User, message

pytestmark = pytest.mark.live

SENTENCE = re.compile(r"^mua: [^\n]{15,}[.!?]$|[A-Z][^\n]{15,}[.!?]", re.M)


def refused(lab: Lab, profile: Path, code: str) -> Run:
    """``sync`` fails with that machine word and a sentence; ``account check`` says the same."""
    done = lab.mua("sync", profile=profile)
    assert SENTENCE.search(done.failed(code)), done.explain()
    checked = lab.mua("account", "check", "lab", profile=profile)
    assert SENTENCE.search(checked.failed(code)), checked.explain()
    return done


def test_a_wrong_password(lab: Lab, profile: Path, alice: User) -> None:
    lab.add_account(profile, alice, password="Tr0ub4dor-and-more").ok()
    done = refused(lab, profile, "wrong-password")
    assert "Tr0ub4dor" not in done.stderr + done.stdout.decode()
    assert "Tr0ub4dor" not in "".join(path.read_text(errors="replace") for path in profile.glob("*.log"))


def test_an_unknown_host(lab: Lab, profile: Path, alice: User) -> None:
    lab.add_account(profile, alice, imap="nowhere.test:143").ok()
    assert "nowhere.test" in refused(lab, profile, "unknown-host").stderr


def test_nobody_listens(lab: Lab, profile: Path, alice: User) -> None:
    lab.add_account(profile, alice, imap=f"{lab.plan.imap_host}:9").ok()
    refused(lab, profile, "connection-refused")


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize(
    "leaf, code",
    [
        ("expired", "certificate-expired"),
        ("wrong_name", "certificate-wrong-name"),
        ("untrusted", "certificate-untrusted"),
    ],
)
@pytest.mark.parametrize("protocol", ["imap", "pop3", "smtp"])
def test_no_password_over_an_unverified_connection(
    lab: Lab, profile: Path, alice: User, protocol: str, security: str, leaf: str, code: str
) -> None:
    witness = lab.witness(protocol, getattr(lab.pki, leaf), tls=security == "tls", starttls=security == "starttls")
    _point_at(lab, profile, alice, protocol, witness.port, security)
    checked = lab.mua("account", "check", "lab", profile=profile)
    assert SENTENCE.search(checked.failed(code)), checked.explain()
    if protocol != "smtp":
        lab.mua("sync", profile=profile).failed(code)
    assert witness.connections
    assert not witness.heard_secret(alice.password)
    assert b"LOGIN" not in witness.heard.upper()


@pytest.mark.parametrize("protocol", ["imap", "pop3", "smtp"])
def test_no_password_to_a_server_without_starttls(lab: Lab, profile: Path, alice: User, protocol: str) -> None:
    witness = lab.witness(protocol)
    _point_at(lab, profile, alice, protocol, witness.port, "starttls")
    checked = lab.mua("account", "check", "lab", profile=profile)
    assert SENTENCE.search(checked.failed("no-starttls")), checked.explain()
    assert witness.connections
    assert not witness.heard_secret(alice.password)


@pytest.mark.parametrize("protocol", ["imap", "pop3", "smtp"])
def test_plaintext_is_refused_for_any_host_but_this_one(lab: Lab, profile: Path, alice: User, protocol: str) -> None:
    witness = lab.witness(protocol)
    done = _point_at(lab, profile, alice, protocol, witness.port, "none")
    assert done.code == 1, done.explain()
    assert "plaintext-refused" in done.stderr + done.stdout.decode()
    assert witness.connections == 0


def test_a_certificate_for_the_name_and_a_private_authority(lab: Lab, profile: Path, alice: User) -> None:
    lab.add_account(profile, alice, ca_file=None).ok()
    refused(lab, profile, "certificate-untrusted")


def test_the_connection_is_cut_while_mail_comes_in(lab: Lab, profile: Path, alice: User) -> None:
    proxy = lab.proxy(lab.plan.imaps)
    lab.add_account(profile, alice, imap=f"{lab.plan.imap_host}:{proxy.port}", imap_security="tls").ok()
    for budget in (500_000, 300_000, 3_000):
        lab.fill(alice, [message(f"Number {n}", body=f"{n} " * 30_000) for n in range(20)])
        proxy.cut_after(budget)
        lab.mua("sync", "--until-complete", profile=profile)
        assert proxy.wait_for_cut()
    lab.mua("sync", "--until-complete", profile=profile).ok()
    rows = lab.mua("list", "INBOX", "--limit", 100, profile=profile).ok()
    held = lab.raw_messages(alice)
    assert {row["uid"] for row in rows} == held.keys()
    shown = lab.mua_many((("show", row["id"], "--raw") for row in rows), profile)
    assert [run.stdout for run in shown] == [held[row["uid"]] for row in rows]


def test_the_connection_is_cut_for_good(lab: Lab, profile: Path, alice: User) -> None:
    proxy = lab.proxy(lab.plan.imaps)
    lab.add_account(profile, alice, imap=f"{lab.plan.imap_host}:{proxy.port}", imap_security="tls").ok()
    lab.fill(alice, [message("Far away", body="x" * 3_000_000)])
    proxy.cut_after(1_000_000)
    running = lab.popen_mua("sync", "--until-complete", profile=profile, stderr=subprocess.PIPE)
    assert proxy.wait_for_cut()
    proxy.refuse()
    said = running.communicate(timeout=100)[1].decode()
    assert running.returncode == 1, said
    assert SENTENCE.search(said), said
    assert "Traceback" not in said


def test_the_disk_is_full(lab: Lab, profile: Path, alice: User) -> None:
    disk = lab.small_disk("3m")
    place = disk / "profile"
    lab.add_account(place, alice).ok()
    lab.stop_engine(place)
    with contextlib.suppress(OSError), (disk / "ballast").open("wb", 0) as ballast:
        while True:
            ballast.write(bytes(4096))
    for words in (("list", "INBOX"), ("sync",)):  # what only reads, and what starts an engine
        assert SENTENCE.search(lab.mua(*words, profile=place).failed("disk-full"))
    (disk / "ballast").unlink()
    lab.fill(alice, [message(f"Number {n}", body=_noise(n, 120_000)) for n in range(60)])
    done = lab.mua("sync", "--until-complete", profile=place)
    assert SENTENCE.search(done.failed("disk-full")), done.explain()
    lab.stop_engine(place)
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
    lab.mua("sync", "--until-complete", profile=place, timeout=200).ok()
    rows = lab.mua("list", "INBOX", "--limit", 100, profile=place).ok()
    assert {row["uid"] for row in rows} == lab.raw_messages(alice).keys()
    lab.stop_engine(place)


def test_a_message_for_the_outbox_does_not_fit_on_the_disk(lab: Lab, profile: Path, alice: User) -> None:
    disk = lab.small_disk("2m")
    place = disk / "profile"
    lab.add_account(place, alice).ok()
    raw = message("Too much", alice.address, _noise(1, 4_000_000), to="bob@good.test")
    done = lab.mua("send", "-", "--wait", profile=place, stdin=raw)
    assert SENTENCE.search(done.failed("disk-full")), done.explain()
    assert lab.mua("outbox", "--all", profile=place).ok() == []
    lab.stop_engine(place)


def test_a_folder_is_deleted_on_the_server(lab: Lab, profile: Path, account: User) -> None:
    with lab.imap(account) as other:
        other.create("Doomed")
    lab.fill(account, [message("Inside")], "Doomed")
    lab.mua("sync", "--until-complete", profile=profile).ok()
    number = lab.mua("list", "Doomed", profile=profile).ok()[0]["id"]
    with lab.imap(account) as other:
        other.delete("Doomed")
    lab.mua("sync", "--until-complete", profile=profile).ok()
    assert "Doomed" not in {row["name"] for row in lab.mua("folders", profile=profile).ok()}
    gone = lab.mua("list", "Doomed", profile=profile)
    assert SENTENCE.search(gone.failed("folder")), gone.explain()
    assert lab.mua("show", number, "--raw", profile=profile, as_json=False).code in (0, 1)


def test_moving_into_a_folder_that_is_gone_loses_nothing(lab: Lab, profile: Path, account: User) -> None:
    with lab.imap(account) as other:
        other.create("Doomed")
    lab.fill(account, [message("Precious")])
    lab.mua("sync", "--until-complete", profile=profile).ok()
    number = lab.mua("list", "INBOX", profile=profile).ok()[0]["id"]
    lab.stop_engine(profile)
    with lab.imap(account) as other:
        other.delete("Doomed")
    lab.mua("act", "move", number, "--to", "Doomed", profile=profile)
    lab.mua("sync", "--until-complete", profile=profile)
    places = [folder for folder in lab.folders(account) if lab.raw_messages(account, folder)]
    assert len(places) == 1, places


def test_the_server_is_rebuilt_with_another_uidvalidity(lab: Lab, profile: Path, account: User) -> None:
    lab.fill(account, [message(f"Number {n}") for n in range(5)])
    lab.mua("sync", "--until-complete", profile=profile).ok()
    ids = {row["subject"]: row["id"] for row in lab.mua("list", "INBOX", profile=profile).ok()}
    lab.stop_server("dovecot")
    for path in (lab.plan.mail / account.name / "Maildir").glob("dovecot*"):
        path.unlink()
    lab.restart_dovecot()
    lab.mua("sync", "--until-complete", profile=profile).ok()
    rows = lab.mua("list", "INBOX", profile=profile).ok()
    assert {row["subject"]: row["id"] for row in rows} == ids
    assert {row["uid"] for row in rows} == lab.raw_messages(account).keys()


@pytest.mark.log_warning("already running")
def test_two_engines_on_one_profile(lab: Lab, profile: Path, account: User) -> None:
    second = lab.start_engine(profile)
    assert second.wait(60) == 1
    assert SENTENCE.search((profile / "mua.log").read_text())


def test_the_engine_dies_and_the_next_command_starts_another(lab: Lab, profile: Path, account: User) -> None:
    lab.fill(account, [message("Still here")])
    lab.mua("sync", "--until-complete", profile=profile).ok()
    lab.stop_engine(profile, sign=9)
    assert len(lab.mua("list", "INBOX", profile=profile).ok()) == 1
    lab.mua("sync", profile=profile).ok()


def test_a_server_that_stalls_does_not_hang_the_command(lab: Lab, profile: Path, alice: User) -> None:
    proxy = lab.proxy(lab.plan.imap)
    proxy.stall()
    with lab.engine(profile, patience=2):
        lab.add_account(profile, alice, imap=f"{lab.plan.imap_host}:{proxy.port}").ok()
        done = lab.mua("sync", profile=profile)
    assert SENTENCE.search(done.failed("timeout")), done.explain()


def _point_at(lab: Lab, profile: Path, user: User, protocol: str, port: int, security: str) -> Run:
    """An account whose one protocol goes to ``port`` (a witness), all else as usual."""
    host = lab.plan.msa_host if protocol == "smtp" else lab.plan.imap_host
    where = {protocol: f"{host}:{port}", f"{protocol}_security": security}
    done = lab.add_account(profile, user, kind="pop3" if protocol == "pop3" else "imap", **where)
    if security != "none":
        done.ok()
    return done


def _noise(seed: int, size: int) -> str:
    """Text that does not compress."""
    dice = random.Random(seed)
    return "\n".join(dice.randbytes(36).hex() for _ in range(size // 73))
