"""A POP3 session with the real Dovecot: signing in, capabilities, and what pipelining is worth on a slow line."""

import io
from collections.abc import Iterator

import pytest
from lab import Lab, User, message, missing

from mua.errors import MailError
from mua.model.account import Security, Server
from mua.net.pop3 import Session

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Lab]:
    reason = missing(namespace=False)
    if reason:
        pytest.skip(f"the mail laboratory {reason}")
    with Lab(namespace=False) as running:
        yield running


def connect(lab: Lab, user: User, security: Security, port: int = 0, password: str = "") -> Session:
    port = port or (lab.plan.pop3s if security is Security.TLS else lab.plan.pop3)
    return Session(
        Server("localhost", port, security, user.name), lambda: password or user.password, str(lab.ca), timeout=20
    )


def contents(session: Session, numbers: list[int]) -> list[bytes]:
    found = []
    for _, answer in session.retrieve(numbers, io.BytesIO):
        assert not isinstance(answer, MailError)
        found.append(answer.getvalue())
    return found


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_whole_session(dovecot: Lab, security: Security) -> None:
    user = dovecot.user("polly")
    dovecot.fill(user, [message(f"Letter {n}", body=".\n..\n.dot\n" + "x" * 5000 + "\n") for n in range(3)])
    session = connect(dovecot, user, security)
    assert session.mechanism.startswith("SCRAM-SHA-256")
    assert "PIPELINING" in session.capabilities
    assert "STLS" not in session.capabilities
    listing = session.listing()
    assert len({one.uid for one in listing}) == 3
    raws = sorted(contents(session, [one.number for one in listing]))
    assert raws == sorted(dovecot.raw_messages(user).values())
    assert [one.size for one in listing] == [len(raw) for raw in contents(session, [1, 2, 3])]
    headers = dict(session.headers([1, 2, 3, 4]))
    assert isinstance(headers[4], MailError)
    assert all(raw.startswith(headers[n]) for n, raw in enumerate(contents(session, [1, 2, 3]), 1))  # type: ignore[arg-type]
    assert [problem for _, problem in session.delete([1, 3])] == [None, None]
    session.quit()
    assert len(dovecot.raw_messages(user)) == 1


def test_what_was_marked_is_not_deleted_when_the_line_breaks(dovecot: Lab) -> None:
    user = dovecot.user("polly")
    dovecot.fill(user, [message("Stays")])
    session = connect(dovecot, user, Security.TLS)
    assert list(session.delete([1])) == [(1, None)]
    session.abort()
    assert len(dovecot.raw_messages(user)) == 1


def test_a_wrong_password(dovecot: Lab) -> None:
    user = dovecot.user("polly")
    with pytest.raises(MailError) as caught:
        connect(dovecot, user, Security.TLS, password="not the password")
    assert caught.value.code == "wrong-password"


def test_pipelining_waits_for_few_answers(dovecot: Lab) -> None:
    """On a slow line each turn costs its time; both ways in one run, and the ratio of their turns counts."""
    user = dovecot.user("polly")
    count = 64
    dovecot.fill(user, [message(f"Letter {n}") for n in range(count)])
    numbers = list(range(1, count + 1))
    turns: dict[bool, int] = {}
    for pipelined in (False, True, True, True):  # on a busy machine the server's answers come in more pieces
        proxy = dovecot.proxy(dovecot.plan.pop3s, "127.0.0.1")
        session = connect(dovecot, user, Security.TLS, proxy.port)
        if not pipelined:
            del session.capabilities["PIPELINING"]
        before = proxy.turns
        assert len(contents(session, numbers)) == len(list(session.headers(numbers))) == count
        turns[pipelined] = min(proxy.turns - before, turns.get(pipelined, 1 << 30))
        session.quit()
    assert turns[False] >= 2 * count
    assert turns[False] > 8 * turns[True]
