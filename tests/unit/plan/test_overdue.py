"""When a person is told that a message has not gone yet: once for each stage, by an injected clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.model.account import AccountId, Route
from mua.model.outgoing import Outgoing, OutgoingId, Recipient, RecipientState
from mua.plan.overdue import AFTER, DAY, HOUR, MINUTE, Stage, next_news, stage, to_tell

NOW = 1_800_000_000
QUEUED, DEFERRED, ACCEPTED = RecipientState.QUEUED, RecipientState.DEFERRED, RecipientState.ACCEPTED


def message(number: int, since: int, *states: RecipientState, not_before: int = 0) -> Outgoing:
    recipients = tuple(Recipient(f"r{at}@example.org", state) for at, state in enumerate(states))
    return Outgoing(
        OutgoingId(number), AccountId(1), f"{number}@example.org", "S", "a@example.org", Route.SMTP, since, not_before,
        recipients,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("waited", "expected"),
    [
        (0, Stage.NONE), (30 * MINUTE - 1, Stage.NONE), (30 * MINUTE, Stage.NOTE), (4 * HOUR - 1, Stage.NOTE),
        (4 * HOUR, Stage.WARNING), (DAY - 1, Stage.WARNING), (DAY, Stage.DAY), (9 * DAY, Stage.DAY), (-DAY, Stage.NONE),
    ],
)  # fmt: skip
def test_the_stages(waited: int, expected: Stage) -> None:
    assert stage(message(1, NOW - waited, DEFERRED), NOW) is expected
    assert stage(message(1, NOW - waited, ACCEPTED, QUEUED), NOW) is expected
    assert stage(message(1, NOW - waited, ACCEPTED, RecipientState.REFUSED), NOW) is Stage.NONE
    scheduled = message(1, NOW - 30 * DAY, QUEUED, not_before=NOW - waited)
    assert stage(scheduled, NOW) is expected


def test_each_stage_is_told_once() -> None:
    told: dict[int, Stage] = {}
    heard = []
    for minute in range(0, 3 * 24 * 60, 7):
        news, told = to_tell([message(1, NOW, DEFERRED)], told, NOW + minute * MINUTE)
        heard += [(stage(one, NOW + minute * MINUTE), minute // 60) for one in news]
    assert heard == [(Stage.NOTE, 0), (Stage.WARNING, 4), (Stage.DAY, 24)]


def test_of_what_became_overdue_meanwhile_only_the_last_is_told_and_the_oldest_first() -> None:
    late, later = message(1, NOW - 5 * HOUR, DEFERRED), message(2, NOW - 2 * DAY, DEFERRED)
    news, told = to_tell([late, later, message(3, NOW, QUEUED)], {1: Stage.NOTE}, NOW)
    assert news == [later, late]
    assert told == {1: Stage.WARNING, 2: Stage.DAY}
    assert to_tell([late, later], told, NOW) == ([], told)


def test_what_went_is_forgotten_and_what_is_put_off_begins_anew() -> None:
    assert to_tell([message(1, NOW - 2 * DAY, ACCEPTED)], {1: Stage.DAY, 7: Stage.NOTE}, NOW) == ([], {})
    put_off = message(1, NOW - 2 * DAY, QUEUED, not_before=NOW + DAY)
    assert to_tell([put_off], {1: Stage.DAY}, NOW) == ([], {})


@given(st.lists(st.integers(-DAY, 3 * DAY), max_size=5), st.integers(0, 40), st.integers(1, 10))
def test_who_looks_when_told_to_misses_nothing(ages: list[int], steps: int, pace: int) -> None:
    messages = [message(at, NOW - age, DEFERRED) for at, age in enumerate(ages)]
    now, told = float(NOW), dict[int, Stage]()
    for _ in range(steps * pace):
        _, told = to_tell(messages, told, now)
        assert told == {int(one.id): found for one in messages if (found := stage(one, now))}
        ahead = next_news(messages, now)
        if ahead is None:
            assert all(found is Stage.DAY for found in told.values())
            return
        before = {int(one.id): stage(one, now + ahead - 1) for one in messages}
        assert all(before[one] <= stage(messages[one], now + ahead) for one in before)
        assert to_tell(messages, told, now + ahead)[0]
        now += ahead


def test_the_stages_are_those_of_the_plan() -> None:
    assert list(AFTER.values()) == [1800, 14_400, 86_400]
