"""The real goa-daemon on a bus of its own: what it holds fills in the servers of an address."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAEMON = Path("/usr/libexec/goa-daemon")
ACCOUNTS = """[Account account_1700000000_0]
Provider=imap_smtp
Identity=maya@desk.invalid
PresentationIdentity=maya@desk.invalid
MailEnabled=true
Enabled=true
EmailAddress=maya@desk.invalid
Name=Maya
ImapHost=imap.desk.invalid
ImapUserName=maya
ImapUseSsl=true
ImapUseTls=false
ImapAcceptSslErrors=false
SmtpHost=smtp.desk.invalid
SmtpUseAuth=true
SmtpUserName=maya
SmtpUseSsl=false
SmtpUseTls=true
SmtpAcceptSslErrors=false
"""
ASK = """
import json, os
from mua.engine import doctor
from mua.jsonable import to_json
print(json.dumps(to_json(doctor.discover("maya@desk.invalid"))), flush=True)
os._exit(0)  # who was asked beside the desktop is not waited for
"""


@pytest.mark.may_skip("it brings a web engine of 100 MB along, for one question over D-Bus")
def test_the_servers_of_an_address_come_from_the_desktop(tmp_path: Path) -> None:
    if not DAEMON.exists() or not shutil.which("dbus-run-session"):
        pytest.skip("GNOME Online Accounts or D-Bus are not installed")
    (tmp_path / "config" / "goa-1.0").mkdir(parents=True)
    (tmp_path / "config" / "goa-1.0" / "accounts.conf").write_text(ACCOUNTS)
    ask = [sys.executable, "-c", ASK]
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "MUA_SECRETS": "session"}
    environment = {**os.environ, **home, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["dbus-run-session", "--", *ask], env=environment, capture_output=True, timeout=120, check=False
    )
    assert not done.returncode, done
    told = json.loads(done.stdout.splitlines()[0])  # a keyring that the service starts may write there, too
    assert told["sources"] == ["GNOME Online Accounts on this computer say so"]
    (account,) = told["accounts"]
    there = [(one["host"], one["port"], one["user"]) for one in (account["incoming_server"], account["submission"])]
    assert there == [("imap.desk.invalid", 993, "maya"), ("smtp.desk.invalid", 587, "maya")]
