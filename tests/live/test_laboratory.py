"""The laboratory itself: it delivers, it makes trouble on order, and it leaves nothing behind."""

import os
import shutil
import signal
import smtplib
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest
from lab import Filled, Lab, User, message, until
from lab_config import REFUSAL, RESOLVER
from lab_net import OWN

pytestmark = pytest.mark.live

HOLD = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background was started with it ignored
sys.path.insert(0, {tests!r})
from lab import Lab
with Lab() as lab:
    print(lab.netns or "-", lab.folder, flush=True)
    time.sleep(60)
"""


class Submission(smtplib.SMTP):
    """smtplib, into the laboratory, with the laboratory's authority."""

    def __init__(self, lab: Lab, user: User) -> None:
        self._lab = lab
        super().__init__(lab.plan.msa_ip, lab.plan.submission)
        self._host = lab.plan.msa_host
        self.starttls(context=ssl.create_default_context(cafile=str(lab.ca)))
        self.login(user.name, user.password)

    def _get_socket(self, host, port, timeout):
        return self._lab.network.connect(host, port)


def test_mail_goes_in_by_lmtp_and_maildir_and_out_by_the_oracle(lab: Lab, alice: User) -> None:
    assert lab.deliver(alice, message("By LMTP")) == ""
    lab.fill(alice, [Filled(message("By Maildir"), date=1_600_000_000, flags="FS")], "Archive")
    assert b"Subject: By LMTP\r\n" in lab.raw_messages(alice)[1]
    raw, flags = lab.messages(alice, "Archive")[1]
    assert raw == message("By Maildir", message_id=_field(raw, b"Message-Id"), date=_field(raw, b"Date"))
    assert flags == {"\\Seen", "\\Flagged"}


@pytest.mark.msa
def test_the_msa_delivers_and_refuses_in_its_own_words(lab: Lab, alice: User) -> None:
    with Submission(lab, alice) as client:
        refused = client.sendmail(alice.address, [alice.address, "refused@good.test"], message("Through the MSA"))
    assert REFUSAL in refused["refused@good.test"][1].decode()
    until(lambda: lab.raw_messages(alice), "the message through the MSA")


@pytest.mark.parametrize(
    "name, kind, status, words",
    [
        ("order.test", "MX", "NOERROR", ("10 mx1.good.test.", "20 mx2.good.test.")),
        ("null.test", "MX", "NOERROR", ("0 .",)),
        ("implicit.test", "MX", "NOERROR", ()),
        ("absent.test", "MX", "NXDOMAIN", ()),
        ("refused.test", "MX", "REFUSED", ()),
        ("imap.good.test", "A", "NOERROR", ("127.0.25.20",)),
    ],
)
def test_names(lab: Lab, name: str, kind: str, status: str, words: tuple[str, ...]) -> None:
    with lab.network.connect(RESOLVER, 53) as resolver:
        answer = dns.query.tcp(dns.message.make_query(name, kind), RESOLVER, timeout=20, sock=resolver)
    assert dns.rcode.to_text(answer.rcode()) == status
    assert sorted(str(record) for found in answer.answer for record in found) == list(words)


def test_a_proxy_cuts_stalls_and_refuses(lab: Lab) -> None:
    proxy = lab.proxy(lab.plan.imap)
    proxy.cut_after(10)
    with lab.network.connect(lab.plan.imap_ip, proxy.port) as client, pytest.raises(ConnectionResetError):
        while client.recv(100):
            pass
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        lab.network.connect(lab.plan.imap_ip, proxy.port)
    proxy.resume()
    proxy.stall()
    with lab.network.connect(lab.plan.imap_ip, proxy.port, timeout=0.2) as client:
        with pytest.raises(TimeoutError):
            client.recv(100)
        proxy.resume()
        client.settimeout(10)
        assert client.recv(100).startswith(b"* OK")


def test_a_witness_hears_a_password_in_any_dress(lab: Lab) -> None:
    witness = lab.witness("imap")
    with lab.network.connect(lab.plan.imap_ip, witness.port) as client:
        client.sendall(b"a LOGIN me sesame1\r\nb AUTHENTICATE PLAIN AG1lAHNlc2FtZTI=\r\n")
        until(lambda: b"AUTHENTICATE" in witness.heard, "the second command")
    assert witness.heard_secret("sesame1")
    assert witness.heard_secret("sesame2")
    assert not witness.heard_secret("sesame3")


def test_dovecot_goes_and_comes_back(lab: Lab, alice: User) -> None:
    lab.deliver(alice, message("Before"))
    lab.stop_server("dovecot")
    with pytest.raises(ConnectionRefusedError):
        lab.network.connect(lab.plan.imap_ip, lab.plan.imap)
    lab.restart_dovecot()
    assert len(lab.raw_messages(alice)) == 1


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_survives_the_test_process(lab: Lab, sign: signal.Signals) -> None:
    script = HOLD.format(tests=str(Path(__file__).resolve().parents[1]))
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert holder.stdout
    netns, folder = holder.stdout.readline().decode().split()
    os.kill(holder.pid, sign)
    holder.wait()
    holder.stdout.close()
    until(lambda: not Path(f"/run/netns/{netns}").exists() and not Path(folder).exists(), "the laboratory to be gone")
    assert not Path(f"/etc/netns/{netns}").exists()


def test_without_a_namespace_it_listens_on_free_ports() -> None:
    with Lab(namespace=False) as lab:
        user = lab.user()
        assert lab.deliver(user, message("Plain loopback")) == ""
        assert len(lab.raw_messages(user)) == 1


def test_it_starts_in_under_ten_seconds() -> None:
    """The quickest of three starts: what else runs here takes time from some of them."""
    took: list[float] = []
    while len(took) < 3 and min(took, default=10.0) >= 10:
        began = time.monotonic()
        with Lab() as lab:
            took.append(time.monotonic() - began)
            assert lab.deliver(lab.user(), message("At once")) == ""
    assert min(took) < 10


ANYBODY = """
import os, sys
sys.path.insert(0, {tests!r})
from lab import Lab, message
with Lab() as lab:
    user, profile = lab.user(), lab.profile()
    assert os.geteuid() and lab.inside and not lab.has_postfix
    assert lab.deliver(user, message("For anybody")) == ""
    lab.add_account(profile, user).ok()
    lab.mua("sync", "--until-complete", profile=profile).ok()
    print([row["subject"] for row in lab.mua("list", "INBOX", profile=profile).ok()])
"""
UNVEILED = """
set -e
if [ "$3" ]; then
    mount --bind "$1" "$2"; mount -t tmpfs -o mode=755 tmpfs "$3"; mkdir -p "$1"; mount --move "$2" "$1"
fi
shift 3
exec "$@"
"""


NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all")


@pytest.mark.may_skip("only root can become somebody else, not every kernel lets everybody have user namespaces")
def test_it_runs_for_anybody(tmp_path: Path) -> None:
    """As a user without rights, in a user namespace; a Python in a home that is closed is shown to that user."""
    if os.geteuid():
        pytest.skip("this user is anybody, and the other tests ran")
    if any(not folder.stat().st_mode & 1 for folder in Path(__file__).parents):
        pytest.skip("the checkout is closed to others")
    if subprocess.run([*NOBODY, *OWN, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces for everybody")
    home = Path(tempfile.mkdtemp(prefix="mua-anybody-"))
    python = Path(sys.base_prefix)
    closed = [folder for folder in reversed(python.parents) if not folder.stat().st_mode & 1]
    try:
        (home / "python").mkdir()
        os.chown(home, 65534, 65534)
        veil = [str(python), str(home / "python"), str(closed[0]) if closed else ""]
        script = ANYBODY.format(tests=str(Path(__file__).resolve().parents[1]))
        words = ["env", f"HOME={home}", f"TMPDIR={home}", "PYTHONDONTWRITEBYTECODE=1", sys.executable, "-c", script]
        command = ["unshare", "--mount", "sh", "-c", UNVEILED, "sh", *veil, *NOBODY, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stdout) == (0, "['For anybody']\n"), done.stderr
        assert not list(home.glob("mua-lab-*"))
    finally:
        shutil.rmtree(home)


def _field(raw: bytes, name: bytes) -> str:
    return raw.split(name + b": ", 1)[1].split(b"\r\n", 1)[0].decode()
