"""``sendmail`` as programs call it, with a real engine, and (as root) as other users."""

import json
import os
import pwd
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from dns_server import DnsServer
from exchangers import free_port
from lab import until
from system_mail import NOBODY, SystemMail, as_user

CRON = b"From: root (Cron Daemon)\nTo: root\nSubject: Cron\n\nout\n"


@pytest.fixture
def system() -> Iterator[SystemMail]:
    with SystemMail.somewhere() as one:
        (one.etc / "mailname").write_text("host.invalid\n")
        yield one


def test_mail_waits_for_an_engine_and_survives_it(system: SystemMail) -> None:
    assert "cannot take mail" in system.sendmail("bob@there.invalid", stdin=b"\nx\n", code=69)
    system.start()
    system.sendmail("-i", "root", stdin=CRON)
    [one] = system.until_taken(1)
    assert one.recipients[0].address == "root@host.invalid"
    me = NOBODY if as_user(NOBODY) else pwd.getpwuid(os.getuid()).pw_name
    assert one.envelope_from == f"{me}@host.invalid"
    raw = system.bytes_of(one)
    assert b"From: Cron Daemon <root@host.invalid>\r\nTo: root@host.invalid\r\n" in raw
    system.stop(kill=True)
    system.sendmail("-t", stdin=b"To: ann@there.invalid\nBcc: eve@there.invalid\n\nwhile it was dead\n")
    system.start()
    both = system.until_taken(2)
    assert {to.address for to in both[1].recipients} == {"ann@there.invalid", "eve@there.invalid"}
    assert b"eve" not in system.bytes_of(both[1])
    assert not [line for line in system.log().splitlines() if "WARNING" in line or "ERROR" in line]


def test_options_end_as_sysexits_says(system: SystemMail) -> None:
    system.start()
    for words, stdin, code in (
        ([], b"x", 64),
        (["-bd"], b"", 64),
        (["-t"], b"Subject: x\n\nnobody\n", 64),
        (["an address@"], b"\nx\n", 65),
        (["-f", "a b", "bob@there.invalid"], b"\nx\n", 65),
        (["-f", "\udcfcser@x.test", "bob@there.invalid"], b"\nx\n", 65),  # an octet of Latin-1
        (["bob@there.invalid"], b"From: a@x.test\nFrom: b@x.test\n\nx\n", 65),
        (["-bi"], b"", 0),
        (
            ["bob@there.invalid"],
            b"Content-Type: multipart/signed; boundary=b\n\n--b\n\n" + b"x" * 2000 + b"\n--b--\n",
            65,
        ),
    ):
        assert system.run("sendmail", *words, stdin=stdin).returncode == code, words
    assert system.left() == []
    assert system.queued() == []


def test_a_dot_ends_the_message_unless_i(system: SystemMail) -> None:
    system.start()
    text = b"Subject: x\n\none\n.\ntwo\n"
    system.sendmail("a@there.invalid", stdin=text)
    system.until_taken(1)
    system.sendmail("-oi", "a@there.invalid", stdin=text)
    first, second = system.until_taken(2)
    assert system.bytes_of(first).endswith(b"\r\n\r\none\r\n")
    assert system.bytes_of(second).endswith(b"\r\n\r\none\r\n.\r\ntwo\r\n")


def test_its_names_are_commands(system: SystemMail, tmp_path: Path) -> None:
    """As packages install it: links beside ``mua``."""
    system.start()
    mua = system.folder / "mua"
    mua.write_text(f"#!{system.python} -P\nimport sys\nfrom mua.__main__ import main\nsys.exit(main())\n")
    mua.chmod(0o755)
    for name in ("sendmail", "newaliases"):
        (system.folder / name).symlink_to("mua")
    argv = [*as_user(NOBODY), str(system.folder / "sendmail"), "-i", "bob@there.invalid"]
    subprocess.run(argv, input=b"Subject: x\n\nhi\n", env=system.environment, check=True, timeout=60)
    system.until_taken(1)
    subprocess.run([str(system.folder / "newaliases")], env=system.environment, check=True, timeout=60)


def test_a_session_on_standard_input(system: SystemMail) -> None:
    system.start()
    lines = [
        "RCPT TO:<a@there.invalid>", "EHLO me", "MAIL FROM:<ann@here.invalid> SIZE=10 BODY=8BITMIME",
        "MAIL FROM:<>", "RCPT TO:<a@there.invalid>", "RCPT TO:<b>", "RCPT TO:<x> NOTIFY=NEVER", "RCPT TO: y", "VRFY z",
        "DATA", "Subject: x", "", "..dot", "not the end:\n.\nhere", ".",
        "RSET", "MAIL FROM:<>", "DATA", "HELP", "NOOP", "QUIT", "NOOP",
    ]  # fmt: skip
    done = system.run("sendmail", "-bs", stdin="\r\n".join([*lines, ""]).encode(), user=NOBODY)
    codes = [line[:3] for line in done.stdout.decode().splitlines() if line[3:4] != "-"]
    assert codes == "220 503 250 250 503 250 250 501 501 252 354 250 250 250 503 502 250 221".split(), done
    [one] = system.until_taken(1)
    assert one.envelope_from == "ann@here.invalid"
    assert [to.address for to in one.recipients] == ["a@there.invalid", "b@host.invalid"]
    raw = system.bytes_of(one)
    assert raw.endswith(b"\r\n\r\n.dot\r\nnot the end:\r\n.\r\nhere\r\n")
    assert done.returncode == 0


def test_other_users_cannot_read_or_take_away_what_somebody_left(system: SystemMail) -> None:
    if os.geteuid():
        pytest.skip("other users need root")
    system.start()
    system.stop()
    system.sendmail("bob@there.invalid", stdin=b"\nsecret\n", user="daemon")
    [path] = system.left()
    for argv in (
        ["ls", str(system.drop)],
        ["cat", str(path)],
        ["rm", "-f", str(path)],
        ["mv", str(path), str(path) + "x"],
    ):
        done = subprocess.run([*as_user(NOBODY), *argv], capture_output=True, check=False)
        assert done.returncode != 0, argv
    system.start()
    [one] = system.until_taken(1)
    assert one.envelope_from == "daemon@host.invalid"


def test_an_engine_does_not_stay_root(system: SystemMail) -> None:
    if os.geteuid():
        pytest.skip("becoming somebody needs root")
    done = system.run("engine", "--foreground", "--system", "--user", "no-such-user")
    assert done.returncode == 2
    assert b"useradd --system" in done.stderr
    system.start()
    assert system.engine is not None
    status = Path(f"/proc/{system.engine.pid}/status").read_text()
    uids = next(line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))
    assert "0" not in uids
    groups = next(line.split()[1:] for line in status.splitlines() if line.startswith("Groups:"))
    assert "0" not in groups


@pytest.fixture
def names() -> Iterator[DnsServer]:
    """there.invalid has an exchanger, and nobody listens there: all its mail is deferred."""
    table = {("there.invalid", "MX"): ["10 mx.there.invalid."], ("mx.there.invalid", "A"): ["127.0.1.1"]}
    with DnsServer(table) as server:
        yield server


def test_the_queue_is_listed_held_and_emptied(system: SystemMail, names: DnsServer) -> None:
    system.configure("--direct", "--dns", names.address, "--mx-port", str(free_port()), "--allow-private-mx")
    system.start()
    system.sendmail("ann@there.invalid", "bob@there.invalid", stdin=b"Subject: x\n\nhi\n")
    [one] = system.until_taken(1)
    until(lambda: system.queued()[0].recipients[0].state == "deferred", "the first attempt")
    listed = json.loads(system.run("queue", "list", "--json").stdout)
    assert [to["address"] for to in listed[0]["recipients"]] == ["ann@there.invalid", "bob@there.invalid"]
    assert listed[0]["user"] == (pwd.getpwnam(NOBODY).pw_uid if as_user(NOBODY) else os.getuid())
    text = system.run("sendmail", "-bp").stdout.decode()
    assert text.startswith("-Queue ID-  --Size--")
    assert "ann@there.invalid" in text
    assert text.endswith("in 1 Request.\n")
    number = str(one.id)
    assert system.run("queue", "hold", number).returncode == 0
    assert f"{number}!" in system.run("sendmail", "-bp").stdout.decode()
    assert b"From: nobody" in system.run("queue", "show", number).stdout or not as_user(NOBODY)
    none = system.run("queue", "hold", "4711")
    assert (none.returncode, none.stdout) == (1, b"")
    assert system.run("queue", "hold").returncode == 2
    assert system.run("queue", "release", "--all").returncode == 0
    before = len(steps(system, number))
    assert system.run("sendmail", "-q").returncode == 0
    until(lambda: len(steps(system, number)) > before, "another attempt")
    assert system.run("queue", "remove", number).returncode == 0
    assert system.run("sendmail", "-bp").stdout == b"Mail queue is empty\n"
    assert not [
        path for path in system.profile.root.rglob("*") if path.stat().st_uid != system.profile.root.stat().st_uid
    ]


def steps(system: SystemMail, number: str) -> list[object]:
    told = json.loads(system.run("queue", "show", number, "--json").stdout)
    return [step for to in told["recipients"] for step in to["steps"]]


def test_the_queue_is_nobodys_business(system: SystemMail) -> None:
    if os.geteuid():
        pytest.skip("other users need root")
    system.start()
    for words in (["sendmail", "-bp"], ["sendmail", "-q"], ["queue", "list"], ["queue", "flush"]):
        done = system.run(*words, user=NOBODY)
        assert done.returncode == (77 if words[0] == "sendmail" else 1), done
        assert b"Only root, and the user of this computer's mail queue" in done.stderr


def test_a_look_makes_no_queue(system: SystemMail) -> None:
    """It would be root's, and the engine's user could not begin."""
    for words, code in ((["queue", "list"], 1), (["sendmail", "-bp"], 69)):
        done = system.run(*words)
        assert (done.returncode, done.stdout) == (code, b"")
        assert b"There is no mail queue" in done.stderr
    assert not system.profile.root.exists()
    assert system.run("sendmail", "--help").stdout.startswith(b"usage: sendmail ")


def test_a_service_manager_hears_when_it_is_ready_and_when_it_ends(system: SystemMail) -> None:
    address = str(system.folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        Path(address).chmod(0o777)
        manager.settimeout(60)
        system.environment["NOTIFY_SOCKET"] = address
        system.start()
        assert manager.recv(100) == b"READY=1"
        system.stop()
        assert manager.recv(100) == b"STOPPING=1"


def test_it_counts_and_says_each_attempt(system: SystemMail, names: DnsServer) -> None:
    system.configure("--direct", "--dns", names.address, "--mx-port", str(free_port()), "--allow-private-mx")
    system.sendmail("-f", "ann@here.invalid", "x@there.invalid", stdin=b"\nx\n", code=69)
    system.start()
    system.sendmail("-f", "ann@here.invalid", "x@there.invalid", stdin=b"\nx\n")
    line = r"mua\.smtp .*: outgoing 1: deferred at connect: from=<ann@here\.invalid> to=<x@there\.invalid> host="
    until(lambda: re.search(line, system.log()), "the line of the attempt")
    system.stop()
    system.start()  # what waits is counted at once
    waits = re.compile(r"^mua_queue_recipients 1$", re.MULTILINE)
    until(lambda: waits.search(system.profile.metrics.read_text()), "the counters")
    assert "\n# TYPE mua_queue_messages gauge\n" in system.profile.metrics.read_text()


def test_a_limit_is_set_and_shown(system: SystemMail) -> None:
    system.start()
    assert system.run("queue", "limit").stdout == b"There is no limit.\n"
    assert system.run("queue", "limit", "all", "100").returncode == 0
    assert (
        system.run("queue", "limit", "slow.test", "5").stdout.split()
        == b"all 100 a minute slow.test 5 a minute".split()
    )
    assert system.run("queue", "limit", "slow.test").returncode == 2
    assert system.run("queue", "limit", "not a domain", "5").returncode == 2
    assert json.loads(system.run("queue", "limit", "all", "0", "--json").stdout) == {"slow.test": 5}
