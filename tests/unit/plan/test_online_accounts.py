"""What the desktop says of an address is taken as far as it is protected."""

from typing import Any

import pytest

from mua.engine.providers import providers
from mua.model.account import Security, Server
from mua.plan.online_accounts import SOURCE, found

MAYA: dict[str, Any] = {
    "EmailAddress": "Maya@example.org",
    "ImapSupported": True, "ImapHost": "imap.example.org", "ImapUserName": "maya", "ImapUseSsl": True,
    "ImapUseTls": False,
    "SmtpSupported": True, "SmtpHost": "smtp.example.org:2587", "SmtpUserName": "maya", "SmtpUseSsl": False,
    "SmtpUseTls": True, "SmtpUseAuth": True,
}  # fmt: skip


def test_its_servers_are_found_by_the_address() -> None:
    told = found("maya@example.org", [{"EmailAddress": "x@y.example"}, MAYA], ())
    assert told is not None
    assert told.source == SOURCE
    assert told.imap == Server("imap.example.org", 993, Security.TLS, "maya")
    assert told.smtp == Server("smtp.example.org", 2587, Security.STARTTLS, "maya")
    assert found("other@example.org", [MAYA], ()) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"ImapUseSsl": False},
        {"ImapHost": "imap example"},
        {"ImapHost": ""},
        {"ImapSupported": False},
        {"ImapHost": "imap://x"},
    ],
)
def test_what_is_unprotected_or_no_host_is_none(changes: dict[str, Any]) -> None:
    assert found("maya@example.org", [MAYA | changes], ()) is None


def test_what_a_provider_wants_is_known_of_its_servers() -> None:
    told = found("maya@example.org", [MAYA | {"ImapHost": "imap.gmail.com"}], providers())
    assert told is not None
    assert told.oauth == "google"
