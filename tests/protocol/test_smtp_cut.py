"""A connection cut at every byte, in both directions: what is believed afterwards is never more than what is true."""

import asyncio
import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_sink import MailSink

from mua.model.account import Security
from mua.model.outgoing import Phase, RecipientState
from mua.net.smtp import deliver
from mua.net.smtp_body import Body
from mua.net.smtp_outcome import Job, Outcome
from mua.net.smtp_session import Door, open_session
from mua.net.smtp_wire import Lost, Timeouts, Transcript, Wire

ANN, BEN = "ann@example.net", "ben@example.net"
MESSAGE = b"Subject: t\r\nMessage-ID: <1@x>\r\n\r\n.dot\r\nend\r\n"
PATIENT = Timeouts(*[10.0] * 9, 1.0)
ACCEPTED, DEFERRED, UNKNOWN = RecipientState.ACCEPTED, RecipientState.DEFERRED, RecipientState.UNKNOWN


async def send(port: int) -> tuple[list[Outcome], bool]:
    """(outcomes or none when the session could not be opened, the dot was announced)."""
    dots: list[tuple[str, ...]] = []

    async def dot(admitted: tuple[str, ...]) -> None:
        dots.append(admitted)

    sock = socket.create_connection(("127.0.0.1", port))
    try:
        session = await open_session(Door(sock, "mx", Security.NONE), Transcript(), PATIENT)
    except Lost:
        return [], False
    try:
        job = Job("me@example.org", (ANN, BEN), Body.of(MESSAGE))
        return await deliver(session, job, before_dot=dot), bool(dots)
    finally:
        await session.quit()


def verify(outcomes: list[Outcome], announced: bool, copies: int) -> None:
    """The claim and the truth."""
    states = {outcome.state for outcome in outcomes}
    if copies:
        assert states <= {ACCEPTED, UNKNOWN}
        assert states
    if states == {ACCEPTED}:
        assert copies == 1
    if UNKNOWN in states:
        assert announced
        assert {outcome.phase for outcome in outcomes} == {Phase.DOT}


def test_the_server_falls_silent_after_every_byte() -> None:
    with MailSink() as sink:
        outcomes, _ = asyncio.run(send(sink.port))
        assert [outcome.state for outcome in outcomes] == [ACCEPTED, ACCEPTED]
        for limit in range(1, 1000):
            before = len(sink.copies(ANN))
            sink.budget = limit
            outcomes, announced = asyncio.run(send(sink.port))
            verify(outcomes, announced, len(sink.copies(ANN)) - before)
            if {outcome.state for outcome in outcomes} == {ACCEPTED}:
                break
        else:
            pytest.fail("never accepted")
        assert limit > 100


class Funnel:
    """A relay on a free port that passes ``limit`` bytes of the client to the server, then cuts both."""

    def __init__(self, target: int, limit: int) -> None:
        self.target, self.limit = target, limit
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, name="funnel", daemon=True)
        self.thread.start()

    def run(self) -> None:
        client = self.listener.accept()[0]
        server = socket.create_connection(("127.0.0.1", self.target))
        back = threading.Thread(target=self.pump, args=(server, client, 1 << 30), daemon=True)
        back.start()
        self.pump(client, server, self.limit)
        back.join(5)
        client.close()
        server.close()
        self.listener.close()

    @staticmethod
    def pump(source: socket.socket, target: socket.socket, limit: int) -> None:
        try:
            while limit and (data := source.recv(min(limit, 65536))):
                target.sendall(data)
                limit -= len(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_the_server_hears_no_more_after_every_byte() -> None:
    with MailSink() as sink:
        for limit in range(1, 1000):
            before = len(sink.copies(ANN))
            funnel = Funnel(sink.port, limit)
            outcomes, announced = asyncio.run(send(funnel.port))
            funnel.thread.join(5)
            verify(outcomes, announced, len(sink.copies(ANN)) - before)
            if {outcome.state for outcome in outcomes} == {ACCEPTED}:
                break
        else:
            pytest.fail("never accepted")
        assert limit > 100


# -- whatever bytes come: a reply, or the end of the session


class Pipe(asyncio.Transport):
    """The least that a transport must do."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True


LINES = st.one_of(
    st.binary(max_size=30),
    st.builds(
        lambda code, mark, text: f"{code}{mark}{text}".encode(),
        st.integers(190, 610), st.sampled_from([" ", "-", "", "x"]), st.text(max_size=10),
    ),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(LINES, max_size=12), st.integers(1, 7), st.integers(0, 4))
def test_any_bytes_are_replies_or_the_end(lines: list[bytes], size: int, waiting: int) -> None:
    async def feed() -> None:
        pipe = Pipe()
        wire = Wire(Transcript())
        wire.connection_made(pipe)
        waiters = [wire.expect() for _ in range(waiting)]
        data = b"\r\n".join(lines) + b"\r\n"
        for at in range(0, len(data), size):
            wire.data_received(data[at : at + size])
        done = [waiter for waiter in waiters if waiter.done()]
        assert done == waiters[: len(done)]
        assert pipe.closed == (wire.broken is not None)
        if wire.broken:
            assert len(done) == waiting
        for waiter in done:
            assert waiter.exception() or 200 <= waiter.result().code <= 599

    asyncio.run(feed())
