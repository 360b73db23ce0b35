"""Which replies limit an account, not only one message, and for how long it then pauses."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.plan.limits import A_DAY, PAUSES, Limit, limit, pause
from mua.plan.retry import HOUR, MINUTE

RATE, DAY = Limit.RATE, Limit.DAY


@pytest.mark.parametrize("text", ["x" * 16_000, '"' * 16_000])
def test_a_long_word_takes_no_longer_than_short_ones(text: str) -> None:
    """Servers choose their words, and everybody's mail waits while they are read."""

    def cost(words: str) -> float:
        begin = time.process_time()
        assert limit(451, words) is None
        return time.process_time() - begin

    assert cost(text) < 50 * cost("xxxxxxx " * 2_000)


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        (450, "4.7.1 Error: too much mail from 192.0.2.1", RATE),
        (421, "4.7.0 mail.example.org Error: too many connections from 192.0.2.1", RATE),
        (450, "4.7.1 Error: too many recipients from 192.0.2.1", RATE),
        (421, "4.7.0 Try again later, closing connection. x1-2002 - gsmtp", RATE),
        (421, "4.7.28 Our system has detected an unusual rate of mail from here", RATE),
        (451, "4.7.1 Rate limit exceeded, try again in 5 minutes", RATE),
        (452, "4.5.3 Your message rate is too high; sending limit reached", RATE),
        (432, "4.3.2 Concurrent connections limit exceeded", RATE),
        (452, "Too many messages from your account, slow down", RATE),
        (451, "4.7.0 Throttled", RATE),
        (450, "4.7.1 Hourly quota exceeded", RATE),
        (550, "5.4.5 Daily user sending limit exceeded. For more information go to", DAY),
        (550, "5.4.5 Daily SMTP relay limit exceeded for customer", DAY),
        (550, "5.1.90 Your message can't be sent because you've reached your daily limit for message recipients", DAY),
        (452, "4.5.3 You have exceeded the maximum of 500 messages per day", DAY),
        (554, "5.7.1 The limit of 200 messages in 24 hours was reached", DAY),
        (450, "4.7.1 <ann@rates.example>: Recipient address rejected: too much mail from 192.0.2.1", RATE),
        # none of these is about all mail of the account
        (451, "4.7.1 Greylisting in action, please come back in 00:04:30", None),
        (450, "4.7.1 greylisted: rate limit for new senders", None),
        (452, "4.5.3 Too many recipients", None),
        (452, "4.5.3 Error: too many recipients", None),
        (552, "5.5.3 Too many recipients", None),
        (452, "4.2.2 Mailbox full: quota exceeded for today", None),
        (450, "4.2.1 The user you are trying to contact is receiving mail too quickly", None),
        (552, "5.2.2 Quota exceeded", None),
        (552, "5.3.4 Message size exceeds fixed limit", None),
        (452, "4.3.1 Insufficient system storage", None),
        (421, "4.4.2 mail.example.org Error: timeout exceeded", None),
        (421, "4.3.2 The server shuts down", None),
        (450, "4.1.1 No such user; try again later", None),
        (451, "4.3.0 Temporary lookup failure", None),
        (454, "4.7.0 TLS not available due to local problem", None),
        (550, "5.7.1 Separate delivery rate cards are spam", None),
        (554, "5.7.1 Message refused: too many messages like this", None),
        (550, "5.1.1 No such user", None),
        # what a recipient's address says is a stranger's word
        (550, "The mail server could not deliver mail to daily-limit@evil.example. The account may not exist.", None),
        (554, '5.7.1 <"daily limit exceeded"@evil.example>: Relay access denied', None),
        (451, "4.4.3 <x@slow.throttled.rate.limit.example>: temporary lookup failure", None),
        (250, "2.0.0 rate limit exceeded", None),
        (None, "4.7.0 rate limit exceeded", None),
    ],
)
def test_what_is_a_limit(code: int | None, text: str, expected: Limit | None) -> None:
    assert limit(code, text) is expected


def test_pauses_grow_and_a_server_s_own_word_goes_first() -> None:
    assert [pause(RATE, "slow down", before) for before in range(6)] == [*PAUSES, 2 * HOUR, 2 * HOUR]
    assert pause(RATE, "Rate limit exceeded, try again in 5 minutes", 3) == 5 * MINUTE
    assert pause(DAY, "try again in 5 minutes", 0) == A_DAY


@given(st.one_of(st.none(), st.integers(0, 999)), st.text(max_size=300))
def test_any_reply_is_answered(code: int | None, text: str) -> None:
    assert limit(code, text) is None or (code is not None and code >= 400)
