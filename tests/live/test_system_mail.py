"""A server without a relay: a cron job's mail as nobody reaches the real MX, whatever dies on the way."""

import re
from collections.abc import Iterator

import pytest
from lab import Lab, User, until
from system_mail import NOBODY, SystemMail

pytestmark = [pytest.mark.live, pytest.mark.msa]


@pytest.fixture
def system(lab: Lab) -> Iterator[SystemMail]:
    """Its own addresses are good.test's, so that cron's mail to a local name has an MX."""
    with SystemMail.somewhere(lab.network.prefix) as one:
        one.configure("--direct", "--allow-private-mx", "--ca-file", str(lab.ca))
        one.start()
        yield one


def cron(user: User) -> bytes:
    """What cron writes about a job of nobody with MAILTO."""
    head = (
        f"From: nobody (Cron Daemon)\nTo: {user.name}\nSubject: Cron <nobody@box> job\nAuto-Submitted: auto-generated\n"
    )
    return f"{head}X-Cron-Env: <SHELL=/bin/sh>\n\nBackup of {user.name} done.\n".encode()


def received(lab: Lab, user: User) -> list[bytes]:
    return list(lab.raw_messages(user).values())


def test_a_cron_job_of_nobody_reaches_the_mx(lab: Lab, system: SystemMail) -> None:
    bob = lab.user("bob")
    system.sendmail("-FCronDaemon", "-i", "-odi", "-oem", "-t", "-f", "nobody", stdin=cron(bob))
    [raw] = until(lambda: received(lab, bob), "cron's mail")
    assert b"Return-Path: <nobody@good.test>" in raw
    assert re.search(rb"\r\nReceived: by good\.test \(Mua, from userid \d+\)\r\n id ", raw)
    assert b"\r\nFrom: Cron Daemon <nobody@good.test>\r\n" in raw
    assert b"\r\nTo: %s@good.test\r\n" % bob.name.encode() in raw
    assert raw.endswith(b"\r\n\r\nBackup of %s done.\r\n" % bob.name.encode())


def test_kill_9_and_a_reboot_lose_and_double_nothing(lab: Lab, system: SystemMail) -> None:
    people = [lab.user("bob") for _ in range(12)]
    for number, user in enumerate(people):
        system.sendmail("-i", "-t", stdin=cron(user))
        if number % 3 == 1:
            system.stop(kill=True)  # at whatever it is doing; the next one is submitted to no engine
        if number % 3 == 2:
            system.start()
    system.until_taken(len(people))
    until(lambda: all(one.finished for one in system.queued()), "verdicts")
    unknown = {one.recipients[0].address for one in system.queued() if one.recipients[0].state == "unknown"}
    for user in people:
        found = until(lambda user=user: received(lab, user) or user.address in unknown, f"mail for {user.address}")
        assert found is True or len(found) == 1
    assert len(unknown) <= 4  # at most the one that was at its dot at each kill
    system.sendmail("nobody-else", stdin=b"\nx\n", user=NOBODY)
    system.until_taken(len(people) + 1)
