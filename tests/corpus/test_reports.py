"""Bounces and receipts of the world: whom they are about, and what they say."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mua.mime.report import report

BOUNCES = "corpora/flanker/fixtures/messages/bounce"
CHATMAIL = "corpora/chatmail-core/message"
KNOWN = {
    f"{BOUNCES}/mailbox-full.eml": [("user@aol.com", "failed", "5.2.2")],
    f"{BOUNCES}/no-mx.eml": [("user@example.com", "delayed", "4.4.4")],
    f"{BOUNCES}/office365.eml": [("noname@example.com", "failed", "5.1.10")],
    f"{BOUNCES}/delayed-broken.eml": [("demo@example.com", "failed", "4.2.2")],
    f"{BOUNCES}/broken-mime.eml": [("info@example.net", "failed", "")],
    f"{BOUNCES}/gmail-invalid-address.eml": [("awfawfawfawfawfaw@someserverhere.com", "failed", "5.1.0")],
    f"{BOUNCES}/gmail-no-dns.eml": [("user@example.comm", "failed", "")],
    f"{CHATMAIL}/dsn_relayed.eml": [("anon_2@gmx.at", "relayed", "2.0.0")],
    f"{CHATMAIL}/gmx_ndn.eml": [("snaerituhaeirns@gmail.com", "failed", "5.1.1")],
    f"{CHATMAIL}/yahoo_ndn.eml": [("haeclirth.sinoenrat@yahoo.com", "failed", "")],
    f"{CHATMAIL}/ndn_with_attachment.eml": [
        ("bob@example.org", "failed", "5.2.2"),
        ("bob2@example.net", "failed", "5.2.2"),
    ],
    f"{CHATMAIL}/ms_exchange_report_disposition_notification.eml": [("bob@example.net", "displayed", "")],
    "corpora/mimekit/messages/delivery-status-no-blank-line.txt": [
        ("newsletter-request@imusic.com", "failed", "5.0.0")
    ],
    "corpora/cpython/data/msg_25.txt": [("scoffman@wellpartner.com", "failed", "")],
}


@pytest.mark.parametrize("name", KNOWN)
def test_whom_a_report_is_about(name: str, shared: Callable[[str], Path]) -> None:
    found = report(shared(name).read_bytes())
    assert found is not None
    assert [(one.address, one.action.value, one.status) for one in found.recipients] == KNOWN[name]


def test_which_message_a_report_is_about(shared: Callable[[str], Path]) -> None:
    found = report(shared(f"{CHATMAIL}/testrun_ndn.eml").read_bytes())
    assert found is not None and found.message_id == "Mr.A7pTA5IgrUA.q4bP41vAJOp@testrun.org"
