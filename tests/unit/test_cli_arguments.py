"""The command line understood: options in any place, servers, and what is used wrongly."""

from dataclasses import replace

import pytest

from mua import wire
from mua.__main__ import _is_hidden
from mua.cli import sending, setup
from mua.cli.arguments import parser
from mua.errors import MailError, UsageError
from mua.model.account import FOR_EVER, Incoming, PopOptions, Route, Security, Server

ADD = ["account", "add", "--name", "home", "--email", "maya@example.org"]


@pytest.mark.parametrize(
    "argv",
    [
        ["--profile", "/p", "--json", "--account", "home", "list", "INBOX"],
        ["list", "--profile", "/p", "--json", "INBOX", "--account", "home"],
        ["list", "INBOX", "--account", "home", "--json", "--profile", "/p"],
    ],
)
def test_common_options_work_before_and_after(argv: list[str]) -> None:
    given = parser().parse_args(argv)
    assert (given.profile, given.json, given.account, given.folder) == ("/p", True, "home", "INBOX")


def test_common_options_work_after_a_verb() -> None:
    given = parser().parse_args(["account", "list", "--json", "--profile", "/p"])
    assert (given.verb, given.json, given.profile) == ("list", True, "/p")


def test_without_a_command_it_is_the_window() -> None:
    assert parser().parse_args([]).command is None
    assert parser().parse_args(["--demo"]).demo


@pytest.mark.parametrize(
    "argv",
    [["nonsense"], ["list"], ["act", "fly", "1"], ["show"], [*ADD, "--imap", "a", "--pop3", "b"], ["--limit", "1"]],
)
def test_wrong_use_is_a_usage_error(argv: list[str]) -> None:
    with pytest.raises(UsageError):
        parser().parse_args(argv)


BEYOND = "99999999999999999999999"  # more than 64 bits


@pytest.mark.parametrize(
    "argv",
    [
        *(["list", "INBOX", "--limit", number] for number in (BEYOND, "-5", "1.5", "٣x")),
        ["search", "x", "--limit", BEYOND],
        ["ledger", "--limit", BEYOND],
        *([*ADD, "--pop3", "a.example", "--keep-days", number] for number in (BEYOND, "0", "36501")),
        *([*ADD, "--local", "--direct", "--mx-port", number] for number in (BEYOND, "0", "65536")),
    ],
)
def test_a_number_out_of_bounds_is_a_usage_error(argv: list[str]) -> None:
    with pytest.raises(UsageError, match="is not a number from"):
        parser().parse_args(argv)


def test_an_account_with_servers() -> None:
    options = ["--imap", "imap.example.org:10143", "--imap-security", "starttls", "--smtp", "[::1]:465"]
    options += ["--smtp-security", "tls", "--user", "maya", "--password-stdin"]
    found = setup.account(parser().parse_args([*ADD, *options]))
    assert found.incoming is Incoming.IMAP
    assert found.incoming_server == Server("imap.example.org", 10143, Security.STARTTLS, "maya")
    assert found.route is Route.SMTP
    assert found.submission == Server("::1", 465, Security.TLS, "maya")


def test_a_port_that_is_not_named_is_the_usual_one() -> None:
    found = setup.account(parser().parse_args([*ADD, "--pop3", "mail.example.org", "--smtp", "mail.example.org"]))
    assert found.incoming_server == Server("mail.example.org", 995, Security.TLS, "maya@example.org")
    assert found.submission == Server("mail.example.org", 587, Security.STARTTLS, "")


def test_direct_delivery_has_its_options() -> None:
    options = ["--local", "--direct", "--dns", "127.0.0.1:53", "--mx-port", "2525", "--allow-private-mx"]
    found = setup.account(parser().parse_args([*ADD, *options]))
    assert found.route is Route.DIRECT
    assert found.direct is not None
    assert (found.direct.dns, found.direct.mx_port, found.direct.allow_private_mx) == ("127.0.0.1:53", 2525, True)


@pytest.mark.parametrize("options", [[], ["--imap", "host:port"], ["--imap", ":1"], ["--imap", "h:99999"]])
def test_an_account_that_cannot_be(options: list[str]) -> None:
    with pytest.raises(UsageError):
        setup.account(parser().parse_args([*ADD, *options]))


@pytest.mark.parametrize(
    "words", ["engine", "--profile /p engine", "--profile /p --stay engine", "--debug indexer", "viewer"]
)
def test_the_start_of_a_child_is_recognised(words: str) -> None:
    assert _is_hidden(words.split())


@pytest.mark.parametrize(
    "words", ["", "search engine", "--profile /p search engine", "--profile engine", "list --limit 1 engine"]
)
def test_a_word_of_a_command_starts_no_child(words: str) -> None:
    assert not _is_hidden(words.split())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], PopOptions(FOR_EVER)),
        (["--keep-days", "14"], PopOptions(14)),
        (["--delete-fetched"], PopOptions(0)),
        (["--delete-when-deleted"], PopOptions(FOR_EVER, True)),
        (["--keep-days", "14", "--delete-when-deleted"], PopOptions(14, True)),
    ],
)
def test_what_becomes_of_mail_on_a_pop3_server(options: list[str], expected: PopOptions) -> None:
    assert setup.account(parser().parse_args([*ADD, "--pop3", "mail.example.org", *options])).pop == expected


@pytest.mark.parametrize(
    "options",
    [
        ["--imap", "a.example", "--keep-days", "3"],
        ["--local", "--delete-when-deleted"],
        ["--pop3", "a.example", "--keep-days", "0"],
        ["--pop3", "a.example", "--keep-days", "3", "--delete-fetched"],
        ["--local", "--inbox-of", "home"],
    ],
)
def test_pop3_options_that_make_no_sense(options: list[str]) -> None:
    with pytest.raises(UsageError):
        setup.account(parser().parse_args([*ADD, *options]))


def test_a_time_is_meant_by_the_clocks_of_a_place() -> None:
    assert sending._instant("2026-12-01 09:00 Asia/Tokyo") == 1_796_083_200
    assert sending._instant("2026-12-01T00:00:00Z") == 1_796_083_200
    for wrong in ("2026-12-01 09:00 Asia/Nowhere", "2026-12-01 09:00 ../../etc/passwd", "soon Asia/Tokyo"):
        with pytest.raises(UsageError):
            sending._instant(wrong)


def test_servers_that_were_found_get_no_token_of_another_house() -> None:
    given = setup.account(parser().parse_args([*ADD, "--discover"]))
    found = replace(
        given, incoming=Incoming.IMAP, incoming_server=Server("imap.evil.example", 993, Security.TLS, "maya")
    )
    told = wire.Discovered(
        (found,), ("its own settings",), "oauth", service=wire.SignInService("https://evil.example", "")
    )
    with pytest.raises(MailError, match="not known to be those of google"):
        setup.with_servers(given, told, "google")
    with pytest.raises(MailError, match="not known to be those of google"):
        setup.with_servers(given, replace(told, service=None), "google")
    assert setup.with_servers(given, told, "https://evil.example").incoming_server == found.incoming_server
    assert setup.with_servers(given, told, "https://login.example.org/home").incoming_server == found.incoming_server
    assert setup.with_servers(given, told).incoming_server == found.incoming_server
