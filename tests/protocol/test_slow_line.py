"""A line that is slow and one that stops: time-outs are for progress, never for the whole of a message."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lab_net import Network
from lab_proxy import Proxy
from mail_sink import MailSink, unrecorded

from mua.model.account import Security, Server
from mua.model.outgoing import Phase, RecipientState
from mua.net.smtp import deliver, open_submission
from mua.net.smtp_body import Body
from mua.net.smtp_outcome import Job, Outcome
from mua.net.smtp_wire import Timeouts

ANN = "ann@example.net"
LINE = b"x" * 70 + b"\r\n"
SHORT = Timeouts(*[10.0] * 7, block=1.0, dot=2.0, quit=1.0)


@contextmanager
def slow(rate: int) -> Iterator[tuple[MailSink, Proxy]]:
    with MailSink() as sink:
        proxy = Proxy(Network(), "127.0.0.1", sink.port, rate=rate)
        try:
            yield sink, proxy
        finally:
            proxy.close()


async def sent(proxy: Proxy, octets: int, seen: list[int], stall_after: int = 1 << 60) -> list[Outcome]:
    def progress(gone: int) -> None:
        seen.append(gone)
        if gone > stall_after:
            proxy.stall()

    server = Server("127.0.0.1", proxy.port, Security.NONE)
    session = await open_submission(server, "", timeouts=SHORT)
    try:
        job = Job("me@example.org", (ANN,), Body.of(b"Subject: slow\r\n\r\n" + LINE * (octets // len(LINE))))
        return await deliver(session, job, before_dot=unrecorded, progress=progress)
    finally:
        await session.quit()


def test_a_slow_line_takes_longer_than_every_time_out_and_nothing_happens() -> None:
    seen = list[int]()
    with slow(300_000) as (sink, proxy):
        began = time.monotonic()
        (outcome,) = asyncio.run(sent(proxy, 1_500_000, seen))
        took = time.monotonic() - began
        assert outcome.state is RecipientState.ACCEPTED
        assert took > 2 * SHORT.dot
        assert len(seen) > 10
        assert len(sink.copies(ANN)) == 1


def test_a_line_that_stops_is_given_up_after_the_time_for_progress() -> None:
    with slow(3_000_000) as (sink, proxy):
        (outcome,) = asyncio.run(sent(proxy, 8_000_000, [], stall_after=1_000_000))
        assert (outcome.state, outcome.phase) == (RecipientState.DEFERRED, Phase.DATA)
        assert "took nothing for 1 s" in outcome.text
        assert not sink.copies(ANN)
