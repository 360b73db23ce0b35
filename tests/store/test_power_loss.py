"""The power goes: what a person was told is kept, nothing goes out twice, and half a file is never sent."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import until
from mail_sink import MailSink
from post_office import PostOffice
from power import Disk

from mua.model.outgoing import OutgoingId, RecipientState
from mua.paths import Profile
from mua.store import outbox

ANN, BEN, CAT = "ann@example.net", "ben@example.net", "cat@example.net"
ACCEPTED, UNKNOWN = RecipientState.ACCEPTED, RecipientState.UNKNOWN
LARGE = ("x" * 70 + "\r\n") * 4500  # 324 KB: its copy is a file
SEEDS = range(2)


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with MailSink() as sink:
        yield sink


def started_again(post: PostOffice, image: Path) -> PostOffice:
    """The same post office after the power is back."""
    post.close()
    post.profile = Profile(image)
    post.open()
    post.sender.start()
    assert post.sender.drain(30)
    return post


def found(post: PostOffice, one: OutgoingId) -> bool:
    return outbox.outgoing(post.store.reader(), one) is not None


@pytest.mark.parametrize("seed", SEEDS)
def test_a_message_is_queued_whole_or_not_at_all(tmp_path: Path, sink: MailSink, seed: int) -> None:
    """The power goes after each sync of queueing; once it has been promised, the message is there."""
    images: list[Path] = []
    with Disk(tmp_path / "disk", seed) as disk, PostOffice.submitting(tmp_path / "disk", sink.port) as post:

        def cut() -> None:
            images.append(tmp_path / f"image-{len(images)}")
            disk.lose_power(images[-1])

        with post.store.write(durable=True):
            pass
        disk.on_sync = cut
        one = post.queue(ANN, body=LARGE, bcc=CAT)  # two files
        disk.on_sync = None
        cut()
        assert len(images) > 5
        kept = []
        for image in images:
            started_again(post, image)
            kept.append(found(post, one))
            if kept[-1]:
                assert post.states(one) == [ACCEPTED, ACCEPTED]
                assert len(post.sent()) == 1
            assert [len(sink.copies(address)) for address in (ANN, CAT)] == [kept.count(True)] * 2
            post.restart()
            assert not list(post.profile.big.glob("outgoing-*")), "what nobody needs is removed"
        assert kept[-1]
        assert not kept[0]
        assert all(raw.endswith(LARGE.encode()) for raw in sink.copies(ANN))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the death that we ordered
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("body", ["small", "large"])
@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after the commit"])
def test_the_power_goes_at_every_commit(tmp_path: Path, sink: MailSink, body: str, after: bool, seed: int) -> None:
    """Never lost, never doubled; unknown only between the mark and the verdict; the copy filed once."""
    met = set[RecipientState]()
    for at in range(1, 9):
        with (
            Disk(tmp_path / f"disk-{at}", seed) as disk,
            PostOffice.submitting(tmp_path / f"disk-{at}", sink.port) as post,
        ):
            before = len(sink.copies(ANN))
            one = post.queue(ANN, BEN, body=LARGE if body == "large" else "Hello\r\n")
            post.store.die_at, post.store.die_after = post.store.commits + at, after
            post.sender.start()
            until(lambda post=post: post.store.dead or post.sent(), "the end")  # not drained: each poke is a commit
            if post.store.dead:
                post.sender.join(30)
            disk.lose_power(tmp_path / f"image-{at}")
            started_again(post, tmp_path / f"image-{at}")
            post.restart()
            assert post.sender.drain(30)
            states = set(post.states(one))
            copies = len(sink.copies(ANN)) - before
            assert len(states) == 1
            assert copies in ({0, 1} if states == {UNKNOWN} else {1})
            assert states <= {ACCEPTED, UNKNOWN}
            assert len(post.sent()) == (states == {ACCEPTED})
            for row in post.sent():
                assert (post.bodies.get(row.id) or b"").endswith(LARGE.encode() if body == "large" else b"Hello\r\n")
            met |= states
        assert len(sink.copies(ANN)) == len(sink.copies(BEN))
    assert met == {ACCEPTED, UNKNOWN}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the death that we ordered
@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after the commit"])
def test_the_power_goes_while_several_wait(tmp_path: Path, sink: MailSink, after: bool) -> None:
    """A verdict and the next message's dot share a commit: both are there, or none."""
    met = set[RecipientState]()
    for at in range(2, 8):
        with (
            Disk(tmp_path / f"disk-{at}", at) as disk,
            PostOffice.submitting(tmp_path / f"disk-{at}", sink.port) as post,
        ):
            people = [f"{name}-{at}@example.net" for name in ("ann", "ben", "cat")]
            ones = [post.queue(to) for to in people]
            post.store.die_at, post.store.die_after = post.store.commits + at, after
            post.sender.start()
            until(lambda post=post: post.store.dead or len(post.sent()) == 3, "the end")
            if post.store.dead:
                post.sender.join(30)
            disk.lose_power(tmp_path / f"image-{at}")
            started_again(post, tmp_path / f"image-{at}")
            assert post.sender.drain(30)
            states = [post.states(one)[0] for one in ones]
            assert states.count(UNKNOWN) <= 1
            for to, state in zip(people, states, strict=True):
                assert (state, len(sink.copies(to))) in {(ACCEPTED, 1), (UNKNOWN, 0), (UNKNOWN, 1)}
            met |= set(states)
    assert met == {ACCEPTED, UNKNOWN}


def test_a_promise_that_is_not_synced_would_be_found_out(
    tmp_path: Path, sink: MailSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk of these tests loses what deserves it: without the sync of the log the message is gone."""
    for seed in range(20):
        folder, image = tmp_path / str(seed), tmp_path / f"image-{seed}"
        with Disk(folder, seed) as disk, PostOffice.submitting(folder, sink.port) as post:
            write = post.store.write
            monkeypatch.setattr(post.store, "write", lambda *, durable=False, write=write: write(durable=False))
            one = post.queue(ANN)
            disk.lose_power(image)
            started_again(post, image)
            if not found(post, one):
                return
    pytest.fail("nothing was ever lost")
