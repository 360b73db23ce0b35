"""The POP3 worker with a second, unrelated server: GNU Mailutils' pop3d, on an mbox.

It differs from Dovecot where servers may: sizes are those of the file, each message gets an X-UIDL line once its id was
asked for, APOP and STLS are offered side by side, there is no SASL, and a mailbox that is open is [IN-USE].
"""

import mailbox
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab import Lab, free_ports, missing, which
from lab_config import mail_owner
from pop_house import House, houses, letter

from mua.errors import Kind, MailError
from mua.model.account import PopOptions, Security, Server
from mua.net.pop3 import Session

pytestmark = pytest.mark.live

PASSWORD = "right"


@dataclass
class Mailutils:
    """The running server; ``folder`` holds its passwords and mailboxes."""

    lab: Lab
    folder: Path
    stls: int
    tls: int
    hashed: str
    made: int = 0

    def user(self, mails: list[bytes]) -> str:
        """The user name of a fresh mailbox with these messages."""
        self.made += 1
        name, home = f"ada{self.made}", self.folder / f"ada{self.made}"
        home.mkdir()
        uid, gid = mail_owner()
        with (self.folder / "domains" / "good.test").open("a") as file:
            file.write(f"{name}:{self.hashed}:{uid}:{gid}:Ada:{home}:/bin/sh\n")
        self.fill(name, mails)
        os.chown(home, uid, gid)
        return f"{name}@good.test"

    def fill(self, name: str, mails: list[bytes]) -> None:
        """Append messages to a mailbox that nobody has open."""
        path = self.folder / name.partition("@")[0] / "INBOX"
        box = mailbox.mbox(path)
        for raw in mails:
            box.add(raw.replace(b"\r\n", b"\n"))
        box.close()
        os.chown(path, *mail_owner())

    def holds(self, name: str) -> int:
        """How many messages are there."""
        raw = (self.folder / name.partition("@")[0] / "INBOX").read_bytes()
        return len(re.findall(rb"(?m)^From ", raw))


CONF = """
foreground yes;
mode daemon;
max-children 20;
pidfile {folder}/pid;
tls {{ ssl-certificate-file {cert}; ssl-key-file {key}; }};
tls-file-checks {{ key-file none; cert-file none; }};
auth {{ authorization clear; authorization virtdomain; authentication clear; authentication generic; }};
virtdomain {{ passwd-dir {folder}/domains; }};
logging {{ syslog no; severity debug; }};
server 127.0.0.1:{stls} {{ tls-mode ondemand; }};
server 127.0.0.1:{tls} {{ tls-mode connection; }};
"""


@pytest.fixture(scope="module")
def mailutils() -> Iterator[Mailutils]:
    reason = missing(namespace=False) or ("" if which("pop3d") else "not installed: pop3d")
    if reason:
        pytest.skip(f"the mail laboratory {reason}")
    if os.geteuid():
        pytest.skip("pop3d changes its group, which only root may")
    with Lab(namespace=False) as lab:
        folder = lab.folder / "mailutils"
        (folder / "domains").mkdir(parents=True)
        (folder / "domains" / "good.test").touch()
        stls, tls = free_ports(2)
        cert, key = lab.pki.good.cert, lab.pki.good.key
        conf = folder / "pop3d.conf"
        conf.write_text(CONF.format(folder=folder, cert=cert, key=key, stls=stls, tls=tls))
        lab.start("pop3d", which("pop3d"), f"--config-file={conf}")
        for port in (stls, tls):
            lab.await_port("127.0.0.1", port)
        hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], capture_output=True, text=True, check=True)
        yield Mailutils(lab, folder, stls, tls, hashed.stdout.strip())


@pytest.fixture
def house(tmp_path: Path, mailutils: Mailutils) -> Iterator[Callable[..., House]]:
    with houses(tmp_path) as make:

        def moved_in(user: str, security: Security, **changes: object) -> House:
            server = server_of(mailutils, user, security)
            home = make(server.port, incoming_server=server, ca_file=str(mailutils.lab.ca), **changes)
            home.password = PASSWORD
            return home

        yield moved_in


def server_of(mailutils: Mailutils, user: str, security: Security = Security.TLS) -> Server:
    return Server("localhost", mailutils.tls if security is Security.TLS else mailutils.stls, security, user)


def as_sent(raws: list[bytes]) -> list[bytes]:
    """Without what this server adds."""
    return [re.sub(rb"(?m)^X-UIDL: .*\r\n", b"", raw) for raw in raws]


BOTH = pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])


@BOTH
def test_each_message_once_and_left_there(
    mailutils: Mailutils, house: Callable[..., House], security: Security
) -> None:
    user = mailutils.user([letter(n, 3000) for n in range(1, 21)])
    home = house(user, security)
    worker = home.start()
    assert worker.sync(complete=True) == []
    assert as_sent(home.inbox()) == [letter(n, 3000) for n in range(1, 21)]
    mailutils.fill(user, [letter(21)])
    for _ in range(2):
        assert worker.sync(complete=True) == []
        assert len(home.inbox()) == 21
    assert home.folder().problem == ""
    assert mailutils.holds(user) == 21
    session = worker._session
    assert session is not None
    assert session.mechanism == "USER"
    assert {"PIPELINING", "UIDL"} <= set(session.capabilities)


def test_deleted_there_once_it_is_here(mailutils: Mailutils, house: Callable[..., House]) -> None:
    user = mailutils.user([letter(n) for n in range(1, 8)])
    home = house(user, Security.STARTTLS, pop=PopOptions(keep_days=0))
    worker = home.start()
    assert worker.sync(complete=True) == []
    assert mailutils.holds(user) == 0
    mailutils.fill(user, [letter(8)])
    assert worker.sync(complete=True) == []
    assert mailutils.holds(user) == 0
    assert as_sent(home.inbox()) == [letter(n) for n in range(1, 9)]


def test_headers_and_prints_do_not_change_with_what_it_adds(mailutils: Mailutils) -> None:
    from mua.plan.pop import header_print

    user = mailutils.user([letter(1), letter(2)])
    prints = []
    for _ in range(2):
        session = Session(server_of(mailutils, user), lambda: PASSWORD, str(mailutils.lab.ca), 10)
        before = [header_print(header) for _, header in session.headers([1, 2]) if isinstance(header, bytes)]
        session.listing()  # from now on they bear X-UIDL
        after = [header_print(header) for _, header in session.headers([1, 2]) if isinstance(header, bytes)]
        prints += [before, after]
        session.quit()
    assert len(prints[0]) == 2
    assert all(one == prints[0] for one in prints)


def test_a_wrong_password_and_a_mailbox_in_use(mailutils: Mailutils) -> None:
    user = mailutils.user([letter(1)])
    ca = str(mailutils.lab.ca)
    with pytest.raises(MailError) as caught:
        Session(server_of(mailutils, user), lambda: "wrong", ca, 20)
    assert (caught.value.code, caught.value.kind) == ("wrong-password", Kind.ACCOUNT)
    first = Session(server_of(mailutils, user), lambda: PASSWORD, ca, 20)
    with pytest.raises(MailError) as caught:
        Session(server_of(mailutils, user), lambda: PASSWORD, ca, 60)
    assert (caught.value.code, caught.value.kind) == ("mailbox-in-use", Kind.CONNECTION)
    first.quit()
