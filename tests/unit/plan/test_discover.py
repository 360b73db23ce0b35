"""Discovery, the pure part: what a table, a document, DNS answers and guesses make of an address."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.errors import MailError
from mua.model.account import Incoming, Security, Server
from mua.model.discovery import Auth
from mua.paths import resources
from mua.plan.discover import (
    Provider,
    Service,
    autoconfig_urls,
    from_autoconfig,
    from_guesses,
    from_mx,
    from_srv,
    from_table,
    guesses,
    parse_providers,
    split_address,
    trap_for,
)

TABLE = parse_providers((resources() / "providers.toml").read_text(encoding="utf-8"))
TLS, STARTTLS = Security.TLS, Security.STARTTLS


# --- addresses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "parts"),
    [
        ("ada@example.org", ("ada", "example.org")),
        ("  Ada.L@Example.ORG. ", ("Ada.L", "example.org")),
        ("odd@local@example.org", ("odd@local", "example.org")),
        ("ada@bücher.example", ("ada", "xn--bcher-kva.example")),
        ("ada@faß.example", ("ada", "xn--fa-hia.example")),
        ("用户@例え.jp", ("用户", "xn--r8jz45g.jp")),
    ],
)
def test_an_address_has_two_parts(email: str, parts: tuple[str, str]) -> None:
    assert split_address(email) == parts


@pytest.mark.parametrize(
    "email",
    ["", "ada", "@example.org", "ada@", "ada@localhost", "ada@exa mple.org", "a b@example.org", "a\nb@example.org",
     "ada@example..org", "ada@-bad.org", "ada@" + "a" * 64 + ".org", "ada@" + "a." * 130 + "org", "ada@[127.0.0.1]"],
)  # fmt: skip
def test_what_is_no_address_is_said_to_be_none(email: str) -> None:
    with pytest.raises(MailError) as caught:
        split_address(email)
    assert caught.value.code == "bad-address"


@given(st.text(max_size=60))
def test_no_text_at_all_raises_anything_else(text: str) -> None:
    try:
        _, domain = split_address(text)
    except MailError:
        return
    assert domain == domain.lower()
    assert domain.isascii()


# --- the table --------------------------------------------------------------------------------------------------


def test_nobody_is_in_the_table_twice() -> None:
    assert len(TABLE) >= 40
    for names in (
        [provider.name for provider in TABLE],
        [domain for provider in TABLE for domain in provider.domains],
        [end for provider in TABLE for end in provider.mx],
    ):
        assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("provider", TABLE, ids=lambda provider: provider.name)
def test_an_entry_of_the_table_is_sound(provider: Provider) -> None:
    assert provider.name.isprintable() and provider.note.isprintable()
    assert provider.domains or provider.mx
    assert re.fullmatch(r"https://[a-z0-9.-]+(/[!-~]*)?", provider.help_url)
    assert provider.note or provider.auth is Auth.PASSWORD
    assert (provider.smtp is None) == (provider.imap is None)
    ports = {TLS: (993, 995, 465), STARTTLS: (143, 110, 587)}
    for at, server in enumerate((provider.imap, provider.pop3, provider.smtp)):
        assert server is None or server.port == ports[server.security][at]
    for domain in provider.domains:
        found = from_table(f"ada@{domain}", TABLE)
        assert found is not None
        assert found.provider == provider.name
    for end in provider.mx:
        theirs = from_mx("ada@mua.test", [f"mx1.{end}", end], TABLE)
        assert theirs is not None
        assert theirs.provider == provider.name


@pytest.mark.parametrize(
    "row",
    [
        'imap = "imap.mua.test:993"',
        'name = ""',
        "name = 5",
        'name = "A"\nsmpt = "smtp.mua.test:465"',
        'name = "A"\nimap = "imap.mua.test"',
        'name = "A"\nimap = "imap.mua.test:0"',
        'name = "A"\nimap = "imap.mua.test:65536"',
        'name = "A"\nimap = "imap.mua.test:143 none"',
        'name = "A"\nimap = "imap.mua.test:143 starttls please"',
        'name = "A"\nimap = "IMAP.mua.test:993"',
        'name = "A"\nimap = "imap:993"',
        'name = "A"\nimap = "imap mua.test:993"',
        'name = "A"\nimap = ["imap.mua.test:993"]',
        'name = "A"\ndomains = "mua.test"',
        'name = "A"\ndomains = ["Mua.test"]',
        'name = "A"\ndomains = ["com"]',
        'name = "A"\ndomains = ["mua.test", "mua.test"]',
        'name = "A"\nmx = ["com"]',
        'name = "A"\nmx = ["*.mua.test"]',
        'name = "A"\nuser = "uid"',
        'name = "A"\nsmtp_user = ""',
        'name = "A"\nauth = "none"',
    ],
)
def test_a_wrong_entry_is_no_provider(row: str) -> None:
    with pytest.raises(ValueError):
        parse_providers(f"[[provider]]\n{row}\n")


def test_gmail_is_known_and_wants_an_app_password() -> None:
    found = from_table("Ada.Lovelace@GMail.com", TABLE)
    assert found is not None
    assert found.imap == Server("imap.gmail.com", 993, TLS, "Ada.Lovelace@gmail.com")
    assert found.smtp == Server("smtp.gmail.com", 465, TLS, "Ada.Lovelace@gmail.com")
    assert (found.auth, found.kinds) == (Auth.APP_PASSWORD, (Incoming.IMAP, Incoming.POP3))
    assert "app password" in found.note
    assert found.source == "Mua knows Gmail"


def test_icloud_has_one_user_name_to_receive_and_another_to_send() -> None:
    found = from_table("ada@icloud.com", TABLE)
    assert found is not None
    assert found.imap
    assert found.smtp
    assert (found.imap.user, found.smtp.user) == ("ada", "ada@icloud.com")
    assert found.smtp.security is STARTTLS
    assert found.kinds == (Incoming.IMAP,)


def test_a_provider_without_imap_says_why() -> None:
    found = from_table("ada@tuta.com", TABLE)
    assert found is not None
    assert found.kinds == ()
    assert "neither IMAP nor POP3" in found.note


@pytest.mark.parametrize("domain", ["example.org", "notgmail.com", "gmail.com.evil.example", "sub.gmail.com"])
def test_other_domains_are_not_in_the_table(domain: str) -> None:
    assert from_table(f"ada@{domain}", TABLE) is None


@pytest.mark.parametrize(
    ("hosts", "name"),
    [
        (["aspmx.l.google.com.", "ALT1.aspmx.l.google.com"], "Gmail"),
        (["example-org.mail.protection.outlook.com"], "Microsoft 365"),
        (["eur.olc.protection.outlook.com"], "Outlook.com"),
        (["in1-smtp.messagingengine.com", "in2-smtp.messagingengine.com"], "Fastmail"),
        (["aspmx.l.google.com", "mx.example.org"], None),
        (["google.com.evil.example"], None),
        (["evilgoogle.com"], None),
        ([], None),
        (["", "bad host"], None),
    ],
)
def test_mx_hosts_name_a_provider_only_if_all_agree(hosts: list[str], name: str | None) -> None:
    found = from_mx("ada@example.org", hosts, TABLE)
    assert (found and found.provider) == name
    if found:
        assert found.imap
        assert found.imap.user == "ada@example.org"


def test_the_trap_of_a_server_is_found_by_its_host() -> None:
    provider = trap_for("IMAP.gmail.com", TABLE)
    assert provider is not None
    assert provider.name == "Gmail"
    assert trap_for("imap.example.org", TABLE) is None


# --- autoconfig -------------------------------------------------------------------------------------------------


def test_both_addresses_of_the_document_are_the_domains_own_and_protected() -> None:
    first, second = autoconfig_urls("ada+news&x@sub.Example.org")
    assert (
        first == "https://autoconfig.sub.example.org/mail/config-v1.1.xml?emailaddress=ada%2Bnews%26x%40sub.example.org"
    )
    assert second == "https://sub.example.org/.well-known/autoconfig/mail/config-v1.1.xml"


def server(kind: str, host: str, port: object = 993, security: str = "SSL", more: str = "") -> str:
    tag = "outgoingServer" if kind == "smtp" else "incomingServer"
    more = more or "<username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication>"
    return (
        f'<{tag} type="{kind}"><hostname>{host}</hostname><port>{port}</port>'
        f"<socketType>{security}</socketType>{more}</{tag}>"
    )


def config(*servers: str, head: str = '<?xml version="1.0"?>') -> bytes:
    body = f'<emailProvider id="x"><displayName>Example Mail</displayName>{"".join(servers)}</emailProvider>'
    return f'{head}<clientConfig version="1.1">{body}</clientConfig>'.encode()


IMAP = server("imap", "imap.example.org")


def test_a_whole_document() -> None:
    found = from_autoconfig(
        "Ada@example.org",
        config(
            "<domain>example.org</domain><unknown><deep/></unknown>",
            server("imap", "imap.%EMAILDOMAIN%", 993),
            server("imap", "second.example.org", 993),
            server("pop3", "pop.example.org", 110, "STARTTLS"),
            server("smtp", "smtp.example.org", 587, "STARTTLS"),
            server("smtp", "smtp.example.org", 465, "SSL"),
        ),
        "example.org says so itself",
    )
    assert found.imap == Server("imap.example.org", 993, TLS, "Ada@example.org")
    assert found.pop3 == Server("pop.example.org", 110, STARTTLS, "Ada@example.org")
    assert found.smtp == Server("smtp.example.org", 465, TLS, "Ada@example.org"), "TLS goes before STARTTLS"
    assert (found.provider, found.source) == ("Example Mail", "example.org says so itself")
    assert (found.auth, found.confirm) == (Auth.PASSWORD, False)


@pytest.mark.parametrize(
    ("user", "expected"),
    [("%EMAILADDRESS%", "ada@example.org"), ("%EMAILLOCALPART%", "ada"), ("x-%EMAILLOCALPART%", "x-ada"),
     ("%EMAILLOCALPART%@%EMAILDOMAIN%", "ada@example.org"), ("fixed", "fixed")],
)  # fmt: skip
def test_placeholders(user: str, expected: str) -> None:
    more = f"<username>{user}</username><authentication>password-cleartext</authentication>"
    found = from_autoconfig("ada@example.org", config(server("imap", "i.example.org", more=more)), "x")
    assert found.imap
    assert found.imap.user == expected


def ways(*names: str) -> str:
    return "".join(f"<authentication>{name}</authentication>" for name in names)


@pytest.mark.parametrize(
    ("offered", "auth"),
    [
        (("OAuth2",), Auth.OAUTH),
        (("OAuth2", "password-cleartext"), Auth.PASSWORD),
        (("password-encrypted",), Auth.PASSWORD),
        (("GSSAPI", "plain"), Auth.PASSWORD),
    ],
)
def test_how_to_sign_in(offered: tuple[str, ...], auth: Auth) -> None:
    found = from_autoconfig("ada@example.org", config(server("imap", "i.example.org", more=ways(*offered))), "x")
    assert found.auth is auth


@pytest.mark.parametrize(
    ("host", "issuer", "believed"),
    [
        ("imap.evil.test", "accounts.google.com", ""),  # would get the tokens of a person's Gmail
        ("imap.evil.test", "login.bank.test", ""),
        ("imap.gmail.com", "accounts.google.com", "google"),
        ("imap.gmail.com", "login.evil.test", "google"),
        ("imap.evil.test", "login.evil.test", "https://login.evil.test"),
        ("imap.host.test", "login.host.test", "https://login.host.test"),
        ("imap.host.test", "id.evil.test:8443/x", "https://id.evil.test:8443/x"),
    ],
)
def test_tokens_of_one_house_are_not_for_the_servers_of_another(host: str, issuer: str, believed: str) -> None:
    element = server("imap", host).replace("password-cleartext", "OAuth2")
    document = config(element).replace(
        b"</clientConfig>", f"<oAuth2><issuer>{issuer}</issuer></oAuth2></clientConfig>".encode()
    )
    assert from_autoconfig("a@evil.test", document, "", TABLE).oauth == believed


@pytest.mark.parametrize(
    "bad",
    [
        server("imap", "", 993),
        server("imap", "bad host", 993),
        server("imap", "localhost", 993),
        server("imap", "127.0.0.1", 993),
        server("imap", "127.1", 993),
        server("imap", "0x7f.1", 993),
        server("imap", "imap.0x7f000001", 993),
        server("imap", "imap.example.org/x", 993),
        server("imap", "imap.example.org", 0),
        server("imap", "imap.example.org", 65536),
        server("imap", "imap.example.org", "00000993000"),
        server("imap", "imap.example.org", "-1"),
        server("imap", "imap.example.org", "९९३"),
        server("imap", "imap.example.org", "9" * 5000),
        server("imap", "imap.example.org", more=ways("GSSAPI", "NTLM")),
        server("imap", "imap.example.org", more="<username>a&#10;b</username>" + ways("plain")),
        server("imap", "imap.example.org", more="<username>" + "a" * 400 + "</username>" + ways("plain")),
        server("nntp", "news.example.org"),
        "<incomingServer/>",
    ],
)
def test_a_server_that_makes_no_sense_is_left_out(bad: str) -> None:
    with pytest.raises(MailError) as caught:
        from_autoconfig("ada@example.org", config(bad), "x")
    assert caught.value.code == "bad-autoconfig"
    found = from_autoconfig("ada@example.org", config(bad, server("imap", "good.example.org")), "x")
    assert found.imap
    assert found.imap.host == "good.example.org"


def test_servers_without_tls_are_never_offered() -> None:
    plain = server("imap", "plain.example.org", 143, "plain")
    found = from_autoconfig("ada@example.org", config(plain, IMAP, server("smtp", "s.example.org", 25, "plain")), "x")
    assert found.imap
    assert found.imap.host == "imap.example.org"
    assert found.smtp is None
    with pytest.raises(MailError) as caught:
        from_autoconfig("ada@example.org", config(plain, server("smtp", "s.example.org", 25, "none")), "x")
    assert caught.value.code == "autoconfig-plaintext"
    assert "unprotected" in caught.value.text


BOMB = '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "' + "&a;" * 50 + '">]>'
BAD_DOCUMENTS = {
    "empty": b"",
    "not xml": b"<html><body>Please sign in to the hotel",
    "cut": config(IMAP)[:-30],
    "other root": b"<autodiscover/>",
    "no provider": b"<clientConfig/>",
    "no server": config(),
    "only smtp": config(server("smtp", "smtp.example.org", 465)),
    "entities": config(server("imap", "&b;.example.org"), head=BOMB),
    "external": config(IMAP, head='<!DOCTYPE x SYSTEM "file:///etc/passwd">'),
    "utf-16 dtd": config(IMAP, head="<!DOCTYPE clientConfig>").decode().encode("utf-16"),
    "deep": b"<clientConfig>" + b"<a>" * 20_000,
    "huge": config(IMAP, " " * 200_000),
    "two roots": config(IMAP) + config(IMAP, head=""),
    "nul": config(IMAP).replace(b"imap.", b"im\0ap."),
    "unknown encoding": config(IMAP, head='<?xml version="1.0" encoding="klingon"?>'),
    "entity without dtd": config(server("imap", "&nothing;.example.org")),
}


@pytest.mark.parametrize("name", BAD_DOCUMENTS)
def test_a_bad_document_is_refused_at_once(name: str) -> None:
    before = time.process_time()
    with pytest.raises(MailError) as caught:
        from_autoconfig("ada@example.org", BAD_DOCUMENTS[name], "x")
    assert caught.value.code == "bad-autoconfig"
    assert time.process_time() - before < 0.5


@given(st.binary(max_size=300) | st.integers(0, 400).map(lambda cut: config(IMAP)[:cut]))
def test_no_document_raises_anything_else(document: bytes) -> None:
    try:
        found = from_autoconfig("ada@example.org", document, "x")
    except MailError:
        return
    assert found.kinds


def test_real_documents_of_the_field_parse(tmp_path: Path) -> None:
    """The shapes that real files have: a comment, namespaces of none, several ways in, elements we do not know."""
    document = config(
        "<!-- comment --><displayShortName>E</displayShortName>",
        server("imap", "imap.example.org", 143, "STARTTLS"),
        server("imap", "imap.example.org", 993, "SSL", ways("OAuth2", "password-cleartext")),
        "<documentation url='https://example.org'><descr lang='de'>Hilfe</descr></documentation>",
        "<enable visiturl='https://example.org'><instruction>Do &amp; save</instruction></enable>",
    )
    found = from_autoconfig("ada@example.org", document, "x")
    assert found.imap == Server("imap.example.org", 993, TLS, "ada@example.org")


# --- SRV --------------------------------------------------------------------------------------------------------


def test_srv_by_priority_then_weight_and_tls_first() -> None:
    found = from_srv(
        "ada@example.org",
        {
            "_imap": [Service(0, 0, 143, "imap.example.org")],
            "_imaps": [Service(20, 0, 993, "late.example.org"), Service(10, 5, 993, "light.example.org"),
                       Service(10, 50, 9993, "Heavy.example.org.")],
            "_submission": [Service(0, 0, 587, "smtp.example.org")],
            "_submissions": [Service(0, 0, 0, ".")],
        },
    )  # fmt: skip
    assert found is not None
    assert found.imap == Server("heavy.example.org", 9993, TLS, "ada@example.org")
    assert found.smtp == Server("smtp.example.org", 587, STARTTLS, "ada@example.org")
    assert not found.confirm


@pytest.mark.parametrize("target", ["imap.evil.example", "imap.example.org.evil.example", "badexample.org"])
def test_srv_outside_the_domain_needs_a_yes(target: str) -> None:
    found = from_srv("ada@example.org", {"_imaps": [Service(0, 0, 993, target)]})
    assert found is not None
    assert found.confirm


@pytest.mark.parametrize("target", [".", "", "127.0.0.1", "127.1.", "0x7f.0x1", "localhost", "bad host.example"])
def test_srv_that_leads_nowhere(target: str) -> None:
    assert from_srv("ada@example.org", {"_imaps": [Service(0, 0, 993, target)]}) is None
    assert from_srv("ada@example.org", {}) is None


# --- guesses ----------------------------------------------------------------------------------------------------


def test_guesses_are_protected_and_stay_in_the_domain() -> None:
    guessed = guesses("ada@sub.example.org")
    everything = (*guessed.imap, *guessed.pop3, *guessed.smtp)
    assert all(server.security in (TLS, STARTTLS) for server in everything)
    assert all(server.host.endswith(".sub.example.org") for server in everything)
    assert all(server.port != 25 for server in everything)
    assert guessed.imap[0] == Server("imap.sub.example.org", 993, TLS, "ada@sub.example.org")
    assert [server.port for server in guessed.smtp] == [465, 465, 587, 587]


def test_guesses_that_nobody_answered_are_no_find() -> None:
    guessed = guesses("ada@example.org")
    assert from_guesses("ada@example.org", None, None, guessed.smtp[0]) is None
    found = from_guesses("ada@example.org", guessed.imap[0], None, guessed.smtp[0])
    assert found is not None
    assert found.kinds == (Incoming.IMAP,)
