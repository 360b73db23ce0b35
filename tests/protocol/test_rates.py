"""Our own limits: no domain gets more messages a minute than its administrator said, and no other waits for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from exchangers import World
from mail_sink import MailSink
from post_office import PostOffice

from mua.engine.rates import SETTING
from mua.plan import rates
from mua.store import write


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "profile")
    with made.stack:
        for number, name in ((1, "slow.test"), (2, "free.test")):
            made.domain(name, f"10 mx{number}")
            made.exchanger(number)
        yield made


def limit(post: PostOffice, **limits: int) -> None:
    text = ""
    for name, most in limits.items():
        text = rates.changed(rates.limits(text), name.replace("_", "."), most)
    with post.store.write() as tx:
        write.set_setting(tx, SETTING, text)


def accepted(post: PostOffice, domain: str = "") -> int:
    tos = [to for one in post.outbox() for to in one.recipients]
    return sum(1 for to in tos if to.state == "accepted" and to.address.endswith(domain))


def test_a_domain_gets_so_many_a_minute_and_others_do_not_wait(world: World) -> None:
    post = world.program()
    limit(post, slow_test=3)
    for number in range(8):
        post.queue(f"a{number}@slow.test")
        post.queue(f"a{number}@free.test")
    post.sender.poke()
    post.until(lambda: (accepted(post, "slow.test"), accepted(post, "free.test")) == (3, 8))
    post.clock += 59
    post.sender.poke()
    post.queue("b@free.test")
    post.sender.poke()
    post.until(lambda: accepted(post, "free.test") == 9)
    assert accepted(post, "slow.test") == 3
    assert not [
        to for one in post.outbox() for to in one.recipients if to.state == "deferred"
    ]  # nothing is written down
    post.clock += 1
    post.sender.look()
    post.until(lambda: accepted(post, "slow.test") == 6)
    limit(post)
    post.sender.look()
    post.until(lambda: accepted(post, "slow.test") == 8)


def test_all_together_keep_to_the_limit_over_all(world: World) -> None:
    post = world.program()
    limit(post, **{"": 4})
    for number in range(3):
        post.queue(f"a{number}@slow.test", f"a{number}@free.test")
    post.sender.poke()
    post.until(lambda: accepted(post) == 4)
    post.clock += 60
    post.sender.look()
    post.until(lambda: accepted(post) == 6)


def test_through_a_submission_server_too(tmp_path: Path) -> None:
    with MailSink() as sink, PostOffice.submitting(tmp_path, sink.port) as post:
        limit(post, slow_test=1)
        for number in range(3):
            post.queue(f"a{number}@slow.test")
        post.queue("b@free.test")
        post.sender.start()
        post.until(lambda: (accepted(post, "slow.test"), accepted(post, "free.test")) == (1, 1))
        post.clock += 60
        post.sender.look()
        post.until(lambda: accepted(post, "slow.test") == 2)
