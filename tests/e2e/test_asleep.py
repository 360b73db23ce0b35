"""The computer sleeps while a message goes out: the engine stands still, and its server does not wait for it."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import Mua
from lab import until
from mail_sink import DROP, TAKE_AND_DROP, MailSink

ANN = "ann@example.net"
LETTER = f"From: me@example.org\r\nTo: {ANN}\r\nSubject: Night\r\nMessage-ID: <n@example.org>\r\n\r\n".encode()
LARGE = b"x" * 70 + b"\r\n"


@contextmanager
def asleep(engine: "subprocess.Popen[bytes]") -> Iterator[None]:
    """As when the computer sleeps: nothing runs, and sockets live only as long as the other side likes."""
    os.kill(engine.pid, signal.SIGSTOP)
    try:
        state = Path(f"/proc/{engine.pid}/stat")
        until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", "the engine to stand still")
        yield
    finally:
        os.kill(engine.pid, signal.SIGCONT)


def verdict(mua: Mua) -> dict[str, object]:
    """The only recipient of the only message."""
    ((found,),) = (one["recipients"] for one in mua.json("outbox", "--all"))
    return found


@pytest.mark.parametrize(
    ("moment", "answer", "state", "copies"),
    [
        ("body", DROP, "deferred", 0),
        ("dot", TAKE_AND_DROP, "unknown", 1),
        ("dot", DROP, "unknown", 0),
        ("dot", "250 2.0.0 taken", "accepted", 1),
    ],
    ids=["in the body", "at the dot, taken", "at the dot, not taken", "at the dot, answered"],
)
def test_what_the_server_did_while_the_computer_slept(
    tmp_path: Path, moment: str, answer: str, state: str, copies: int
) -> None:
    """In the body it is tried again; at the dot only the server's answer tells, and nothing is repeated."""
    reached, slept = threading.Event(), threading.Event()
    done = threading.Event()

    def plan(event: str, what: str) -> str | None:
        if event != moment or done.is_set():
            return None
        reached.set()
        slept.wait(60)
        done.set()
        return answer

    mua = Mua(tmp_path / "profile")
    with MailSink(plan) as sink, mua.engine() as engine:
        server = ("--smtp", f"127.0.0.1:{sink.port}", "--smtp-security", "none")
        mua.json("account", "add", "--name", "me", "--email", "me@example.org", "--local", *server)
        sent = mua.json("send", "-", stdin=LETTER + LARGE * 200_000)
        assert reached.wait(60)
        with asleep(engine):
            slept.set()
            until(done.is_set, "the server to act")
            until(lambda: len(sink.copies(ANN)) == copies, "the server's copies")
        until(lambda: verdict(mua)["state"] == state, state)
        if moment == "body":
            assert verdict(mua)["phase"] == "data"
            mua.json("retry", str(sent["id"]))
            until(lambda: verdict(mua)["state"] == "accepted", "the second attempt")
            copies = 1
        mua.run("sync")
        assert len(sink.copies(ANN)) == copies
