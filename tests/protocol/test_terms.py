"""REQUIRETLS and DELIVERBY as they are said to servers, from the outbox on: kept over restarts, never weakened."""

from pathlib import Path

import certs
import pytest
from mail_sink import MailSink
from post_office import ME, PostOffice
from scripted import Scripted

from mua.model.account import Security, Server
from mua.model.outgoing import Phase, RecipientState, Terms
from mua.plan.retry import MINUTE
from mua.store import dispatch

ANN = "ann@example.net"
ACCEPTED, DEFERRED, REFUSED = RecipientState.ACCEPTED, RecipientState.DEFERRED, RecipientState.REFUSED
PROTECTED = (
    "S: 220 msa\nC: EHLO [127.0.0.1]\nS: 250-msa\nS: 250-REQUIRETLS\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n"
    "TLS: good\nC: EHLO [127.0.0.1]\n"
)
SENT = f"S: 250 ok\nC: RCPT TO:<{ANN}>\nS: 250 ok\nC: DATA\nS: 354 go\nC.\nS: 250 2.0.0 taken"


def office(folder: Path, server: Scripted, security: Security = Security.STARTTLS) -> PostOffice:
    place = Server("127.0.0.1", server.port, security)
    return PostOffice(folder, route="smtp", submission=place, ca_file=str(certs.authority().ca_file))


def test_encryption_all_the_way_is_asked_for_again_after_a_restart(tmp_path: Path) -> None:
    first = f"{PROTECTED}S: 250-msa\nS: 250 REQUIRETLS\nC: MAIL FROM:<{ME}> REQUIRETLS\nS: 451 4.3.0 later"
    second = f"{PROTECTED}S: 250-msa\nS: 250 REQUIRETLS\nC: MAIL FROM:<{ME}> REQUIRETLS\n{SENT}"
    with Scripted(f"{first}\n---\n{second}") as server, office(tmp_path, server) as post:
        one = post.queue(ANN, terms=Terms(require_tls=True))
        post.sender.start()
        assert post.sender.drain(20)
        assert post.states(one) == [DEFERRED]
        post.restart()
        post.later(MINUTE)
        assert post.states(one) == [ACCEPTED]
        assert post.get(one).terms.require_tls


def test_a_server_that_promises_it_before_tls_only_does_not_get_the_message(tmp_path: Path) -> None:
    with Scripted(PROTECTED + "S: 250 msa") as server, office(tmp_path, server) as post:
        one = post.queue(ANN, terms=Terms(require_tls=True))
        post.sender.start()
        assert post.sender.drain(20)
        (ann,) = post.get(one).recipients
        assert (ann.state, ann.phase, ann.code, ann.next_attempt) == (REFUSED, Phase.MAIL, None, None)
        assert ann.text.startswith("5.7.30 127.0.0.1 does not promise encryption all the way, so the message was not")
        assert "send it without requiring that" in ann.text
        assert not [line for line in server.lines if line.startswith("MAIL")]
        assert not post.sent()


def test_a_connection_in_clear_does_not_get_it_whatever_is_promised(tmp_path: Path) -> None:
    script = "S: 220 msa\nC: EHLO [127.0.0.1]\nS: 250-msa\nS: 250 REQUIRETLS"
    with Scripted(script) as server, office(tmp_path, server, Security.NONE) as post:
        one = post.queue(ANN, terms=Terms(require_tls=True))
        post.sender.start()
        assert post.sender.drain(20)
        assert post.states(one) == [REFUSED]
        assert "could not be verified" in post.get(one).recipients[0].text


def test_another_account_s_server_is_asked_for_the_same(tmp_path: Path) -> None:
    """The way out must not be a way around it."""
    with MailSink() as sink, PostOffice.submitting(tmp_path, sink.port) as post:
        one = post.queue(ANN, terms=Terms(require_tls=True))
        post.sender.start()
        assert post.sender.drain(20)
        with post.store.write(durable=True) as tx:
            assert dispatch.retry(tx, one, (), post.clock, post.account_id) == 1
        assert post.sender.drain(20)
        assert post.states(one) == [REFUSED]
        assert sink.copies(ANN) == []


@pytest.mark.parametrize("queued_ago", [0, 600])
def test_the_time_to_deliver_by_is_told_as_what_is_left_of_it(tmp_path: Path, queued_ago: int) -> None:
    hello = "S: 220 msa\nC: EHLO [127.0.0.1]\nS: 250-msa\nS: 250 DELIVERBY 30\n"
    script = f"{hello}C: MAIL FROM:<{ME}> BY={3600 - queued_ago};N\n{SENT}"
    with Scripted(script) as server, office(tmp_path, server, Security.NONE) as post:
        one = post.queue(ANN, terms=Terms(deliver_by=post.clock + 3600))
        post.clock += queued_ago
        post.sender.start()
        assert post.sender.drain(20)
        (ann,) = post.get(one).recipients
        assert (ann.state, ann.unmet) == (ACCEPTED, "")


def test_a_time_that_the_server_cannot_be_told_is_said_and_the_message_goes(tmp_path: Path) -> None:
    with MailSink() as sink, PostOffice.submitting(tmp_path, sink.port) as post:
        one = post.queue(ANN, terms=Terms(deliver_by=post.clock + 60))
        post.sender.start()
        assert post.sender.drain(20)
        (ann,) = post.get(one).recipients
        assert (ann.state, ann.unmet) == (ACCEPTED, "DELIVERBY")
        assert len(sink.copies(ANN)) == 1
