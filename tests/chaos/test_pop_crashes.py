"""A POP3 worker is killed at every commit, write of bytes and deletion: nothing is lost, nothing is doubled."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from maildrop import Maildrop
from pop_house import House, letter, letters

from mua.paths import Profile
from mua.store import read
from mua.store.blobs import Bodies
from mua.store.db import Store

pytestmark = pytest.mark.chaos

ROOT = Path(__file__).resolve().parents[2]
KILLED = """
    import contextlib, os, signal, sys
    from pathlib import Path
    from mua.engine import pop_visit
    from mua.engine.context import Context
    from mua.engine.pop_worker import PopWorker
    from mua.model.account import *
    from mua.net.pop3 import Session
    from mua.paths import Profile
    from mua.store import read, write
    from mua.store.blobs import Bodies
    from mua.store.db import Store

    profile, port, deadly = Profile(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
    store, bodies = Store(profile), Bodies(profile)
    pop_visit.GROUP_COUNT = 2
    server = Server("127.0.0.1", port, Security.NONE, "ada")
    account = Account(AccountId(0), "Ada", "a@b.c", incoming=Incoming.POP3, incoming_server=server,
                      pop=PopOptions(keep_days=0))
    with store.write(durable=True) as tx:
        write.add_account(tx, account)

    steps = 0

    def step():
        global steps
        steps += 1
        if steps == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    def stepped(function):
        def run(*args, **kwargs):
            step()
            result = function(*args, **kwargs)
            step()
            return result
        return run

    write_transaction = store.write

    @contextlib.contextmanager
    def transaction(**how):
        step()
        with write_transaction(**how) as tx:
            yield tx
            step()
        step()

    deletions = Session.delete

    def delete(session, numbers):
        for answer in deletions(session, numbers):
            step()
            yield answer

    store.write, bodies.put, bodies.adopt = transaction, stepped(bodies.put), stepped(bodies.adopt)
    Session.delete, Session.quit = delete, stepped(Session.quit)
    worker = PopWorker(Context(store, bodies, lambda _: "right", lambda _: None),
                       read.accounts(store.reader())[0])
    worker.start()
    print(worker.sync(True))
"""


def visit(root: Path, port: int, deadly: int) -> bool:
    """A visit that is killed at its ``deadly``-th step; False when it came to its end before."""
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(root), str(port), str(deadly)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    assert done.returncode or done.stdout == b"[]\n", done.stdout
    return done.returncode != 0


def reopened(root: Path) -> House:
    profile = Profile(root)
    store = Store(profile)
    return House(store, Bodies(profile), read.accounts(store.reader())[0])


SHARES = 6


@pytest.mark.parametrize("share", range(1, SHARES + 1))
def test_killed_at_every_step_of_a_visit(tmp_path: Path, share: int) -> None:
    """Each step from a fresh profile, every sixth in one test; the last one is reached when a visit survives."""
    mail = letters(4) | {"big": letter(5, 2_000_000)}
    number, killed = share - SHARES, True
    while killed:
        number += SHARES
        root = tmp_path / str(number)
        with Maildrop(mail) as drop:
            killed = visit(root, drop.port, number)
            fetched = list(drop.retrieved)
            home = reopened(root)
            try:
                stored = set(home.ids())
                assert home.visit() == [], number
                assert home.inbox() == list(mail.values()), number
                assert drop.messages == {}, number
                again = drop.retrieved[len(fetched) :]
                assert not stored & set(again), "what has a row is not fetched again"
                assert set(stored) | set(again) == set(mail)
                parts = [path.name for path in home.store.profile.big.glob("*.eml")]
                assert parts == [f"{home.ids()['big']}.eml"] or killed, number
            finally:
                home.close()
    assert number > 30, "a visit has that many steps"
