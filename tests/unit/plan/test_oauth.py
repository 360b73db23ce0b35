"""OAuth 2, the pure part: what is asked, and what an answer means."""

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.errors import Kind, MailError, passes
from mua.model.oauth import Grant, OAuth
from mua.paths import resources
from mua.plan import oauth as plan
from mua.plan.discover import parse_providers

TABLE = plan.parse_services((resources() / "oauth.toml").read_text(encoding="utf-8"))
OWN = OAuth("https://login.example.org", "login.example.org", "me", "https://l.test/a", "https://l.test/t",
    scope="mail", issuer="https://login.example.org")  # fmt: skip
OLD = Grant("old-access", 1000, 3600, "old-refresh")


def body(**told: object) -> bytes:
    return json.dumps(told).encode()


# --- whom to ask ------------------------------------------------------------------------------------------------


def test_every_key_of_the_providers_is_in_the_table() -> None:
    rows = parse_providers((resources() / "providers.toml").read_text(encoding="utf-8"))
    assert {one.oauth for one in rows if one.oauth} <= TABLE.keys()
    assert {one.oauth for one in rows if one.auth == "oauth"} == {"microsoft"}


@pytest.mark.parametrize("key", TABLE)
def test_a_row_says_how_an_id_is_had(key: str) -> None:
    row = TABLE[key]
    assert row.register.startswith("https://")
    assert row.steps
    assert all(step.endswith(".") for step in row.steps)
    with pytest.raises(MailError) as caught:
        plan.of_service(row, "")
    assert caught.value.code == "no-client"


def test_a_tenant_is_part_of_the_address() -> None:
    microsoft = TABLE["microsoft"]
    assert plan.of_service(microsoft, "id").token == "https://login.microsoftonline.com/common/oauth2/v2.0/token"
    assert "/example.org/" in plan.of_service(microsoft, "id", "example.org").authorize
    for evil in ("a/b", "../common", "a?b", "", " ", "x" * 101):
        if evil:
            with pytest.raises(MailError) as caught:
                plan.of_service(microsoft, "id", evil)
            assert caught.value.code == "bad-tenant"


def test_metadata_is_looked_for_where_it_is_published() -> None:
    assert plan.metadata_urls("login.example.org/realm") == (
        "https://login.example.org/.well-known/oauth-authorization-server/realm",
        "https://login.example.org/realm/.well-known/openid-configuration",
    )
    for evil in ("http://login.example.org", "https://a@b/", "https://", "https://a/?q", "ftp://a"):
        with pytest.raises(MailError) as caught:
            plan.metadata_urls(evil)
        assert caught.value.code == "bad-issuer"


def metadata(**changes: object) -> bytes:
    told = {
        "issuer": "https://login.example.org", "authorization_endpoint": "https://login.example.org/a",
        "token_endpoint": "https://login.example.org/t", "scopes_supported": ["openid", "mail", "admin"],
    }  # fmt: skip
    return body(**(told | changes))


def test_what_a_server_publishes() -> None:
    found = plan.from_metadata("https://login.example.org", metadata(), "id")
    assert (found.authorize, found.token, found.device) == (
        "https://login.example.org/a", "https://login.example.org/t", "",
    )  # fmt: skip
    assert found.scope == "mail openid"
    assert found.own


@pytest.mark.parametrize(
    "document",
    [
        metadata(issuer="https://evil.example"),
        metadata(token_endpoint="http://login.example.org/t"),
        metadata(authorization_endpoint=None),
        b"<html>",
        b"[]",
        b"",
    ],
)
def test_metadata_that_is_not_of_that_issuer_is_not_believed(document: bytes) -> None:
    with pytest.raises(MailError) as caught:
        plan.from_metadata("https://login.example.org", document, "id")
    assert caught.value.code == "bad-metadata"


def test_a_client_id_for_the_asking() -> None:
    """RFC 7591."""
    assert plan.registration_url(metadata()) == ""
    assert plan.registration_url(metadata(registration_endpoint="http://x.test/r")) == ""
    assert plan.registration_url(metadata(registration_endpoint="https://x.test/r")) == "https://x.test/r"
    asked = json.loads(plan.registration(OWN))
    assert asked["redirect_uris"] == ["http://127.0.0.1/"]
    assert asked["token_endpoint_auth_method"] == "none"
    assert plan.registered(OWN, 201, body(client_id="given")).client_id == "given"
    for status, answer in (
        (201, b""),
        (400, body(client_id="x")),
        (201, body(client_id="a b")),
        (201, body(client_id=7)),
    ):
        with pytest.raises(MailError) as caught:
            plan.registered(OWN, status, answer)
        assert caught.value.code == "no-client"


# --- the browser ------------------------------------------------------------------------------------------------


def test_the_challenge_of_the_rfc() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert plan.challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_page_has_everything_but_the_verifier() -> None:
    url = plan.authorize_url(TABLE["google"].oauth, "ada@example.org", "http://127.0.0.1:1/", "state", "v" * 43)
    asked = parse_qs(urlsplit(url).query)
    assert asked["login_hint"] == ["ada@example.org"]
    assert asked["access_type"] == ["offline"]
    assert asked["code_challenge_method"] == ["S256"]
    assert "v" * 43 not in url


def test_a_redirect() -> None:
    assert plan.returned_state("code=c&state=s") == "s"
    assert plan.returned_state("code=c&state=s&state=t") == ""
    assert plan.returned_code("code=c&state=s&iss=https://login.example.org", OWN) == "c"
    for query, code in (
        ("error=access_denied&state=s", "sign-in-refused"),
        ("code=c&state=s&iss=https://evil.example", "sign-in-mixed-up"),
        ("state=s", "sign-in-failed"),
        ("error=temporarily_unavailable&state=s", "provider-unreachable"),
    ):
        with pytest.raises(MailError) as caught:
            plan.returned_code(query, OWN)
        assert caught.value.code == code


def test_a_server_that_always_says_who_it_is_has_to() -> None:
    """RFC 9207 s.2.4: else somebody took it out, and the code may be another server's."""
    told = metadata(authorization_response_iss_parameter_supported=True)
    found = plan.from_metadata("https://login.example.org", told, "id")
    assert plan.returned_code("code=c&state=s&iss=https://login.example.org", found) == "c"
    for query in ("code=c&state=s", "code=c&state=s&iss="):
        with pytest.raises(MailError) as caught:
            plan.returned_code(query, found)
        assert caught.value.code == "sign-in-mixed-up"
    assert (
        plan.returned_code("code=c&state=s", plan.from_metadata("https://login.example.org", metadata(), "id")) == "c"
    )


def test_a_code_of_one_house_is_not_handed_in_at_another() -> None:
    """Else whoever a person writes to by a domain of theirs gets the mailbox that the person has elsewhere."""
    page = "https://login.microsoftonline.com/common/oauth2/v2.0/authorize"
    with pytest.raises(MailError) as caught:
        plan.from_metadata("https://login.example.org", metadata(authorization_endpoint=page), "id")
    assert caught.value.code == "sign-in-mixed-up"
    device = {"device_authorization_endpoint": "https://login.microsoftonline.com/common/oauth2/v2.0/devicecode"}
    assert plan.from_metadata("https://login.example.org", metadata(**device), "id").device == ""
    device = {"device_authorization_endpoint": "https://id.example.org/d"}
    assert (
        plan.from_metadata("https://login.example.org", metadata(**device), "id").device == "https://id.example.org/d"
    )
    both = metadata(authorization_endpoint=page, authorization_response_iss_parameter_supported=True)
    found = plan.from_metadata("https://login.example.org", both, "id")
    with pytest.raises(MailError) as caught:
        plan.returned_code("code=c&state=s", found)
    assert caught.value.code == "sign-in-mixed-up"


# --- answers ----------------------------------------------------------------------------------------------------


def test_a_rotated_refresh_token_takes_the_place_of_the_old_one_and_none_leaves_it() -> None:
    new = plan.granted(OWN, 200, body(access_token="a", refresh_token="r", expires_in=60, token_type="bearer"), 5, OLD)
    assert new == Grant("a", 5, 60, "r")
    kept = plan.granted(OWN, 200, body(access_token="a"), 5, OLD)
    assert (kept.refresh, kept.lasts) == ("old-refresh", plan.UNTOLD)


@pytest.mark.parametrize(
    "told", [{"token_type": "mac"}, {"access_token": "a b"}, {"refresh_token": 7}, {"refresh_token": "\n"}]
)
def test_what_is_no_bearer_token_is_none(told: dict[str, object]) -> None:
    with pytest.raises(MailError) as caught:
        plan.granted(OWN, 200, body(**({"access_token": "a"} | told)), 5, OLD)
    assert caught.value.code == "sign-in-failed"


def test_freshness_by_whatever_clock() -> None:
    assert plan.is_fresh(OLD, 1000)
    assert plan.is_fresh(OLD, 1000 + 3600 - plan.EARLY - 1)
    assert not plan.is_fresh(OLD, 1000 + 3600 - plan.EARLY)
    assert not plan.is_fresh(OLD, 999), "the clock was put back: nobody knows"
    assert plan.is_usable(OLD, 1000 + 3599)
    assert not plan.is_usable(OLD, 1000 + 3600)


@pytest.mark.parametrize(
    ("status", "told", "code"),
    [
        (400, {"error": "invalid_grant"}, "signed-out"),
        (400, {"error": "invalid_grant", "error_description": "AADSTS700082: expired"}, "signed-out"),
        (400, {"error": "invalid_grant", "error_description": "AADSTS50020: not in tenant"}, "wrong-tenant"),
        (400, {"error": "invalid_request", "error_description": "AADSTS90002: Tenant 'x' not found"}, "wrong-tenant"),
        (400, {"error": "unauthorized_client", "error_description": "AADSTS700016: not found"}, "wrong-tenant"),
        (400, {"error": "invalid_grant", "error_description": "AADSTS65001: no consent"}, "consent-needed"),
        (400, {"error": "invalid_grant", "error_description": "AADSTS53003: blocked"}, "not-permitted"),
        (401, {"error": "invalid_client", "error_description": "AADSTS7000218: secret"}, "client-refused"),
        (400, {"error": "interaction_required"}, "signed-out"),
        (400, {"error": "invalid_grant", "error_description": "AADSTS90033: transient"}, "provider-unreachable"),
        (400, {"error": "unknown_to_all"}, "sign-in-failed"),
        (500, {"error": "whatever"}, "provider-unreachable"),
        (429, {"error": "rate"}, "provider-unreachable"),
        (404, {}, "provider-unreachable"),
        (200, {}, "provider-unreachable"),
        (503, {"error": "server_error"}, "provider-unreachable"),
    ],
)
def test_what_a_refusal_means(status: int, told: dict[str, object], code: str) -> None:
    with pytest.raises(MailError) as caught:
        plan.granted(OWN, status, body(**told), 5, OLD)
    error = caught.value
    assert error.code == code
    assert (error.kind is Kind.CONNECTION) == passes(code) == (code == "provider-unreachable")
    assert "login.example.org" in error.text


NAMES = st.sampled_from(["access_token", "error", "expires_in", "refresh_token", "token_type", "interval"])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda some: st.dictionaries(NAMES, some)
)


@given(st.integers(100, 599), st.binary(max_size=200) | st.builds(lambda told: json.dumps(told).encode(), JSON))
def test_whatever_comes_is_a_grant_or_a_sentence(status: int, answer: bytes) -> None:
    for read in (lambda: plan.granted(OWN, status, answer, 5, OLD), lambda: plan.device_code(OWN, status, answer)):
        said = sentence(read)
        assert said == "" or said.endswith(".")
        assert "old-refresh" not in said


def sentence(read: Callable[[], object]) -> str:
    """What a person is told, or nothing."""
    try:
        read()
    except MailError as error:
        return f"{error.detail} {error.text}"
    return ""


# --- another screen ---------------------------------------------------------------------------------------------


def test_a_code_for_another_screen() -> None:
    told = {"device_code": "d", "user_code": "AB-CD", "verification_uri": "https://l.test/code", "expires_in": 100}
    assert plan.device_code(OWN, 200, body(**told)) == plan.DeviceCode("d", "AB-CD", "https://l.test/code", 5, 100)
    with pytest.raises(MailError):
        plan.device_code(OWN, 200, body(**(told | {"verification_uri": "http://l.test/code"})))
    assert plan.device_code(OWN, 200, body(**(told | {"expires_in": 9**9}))).lasts == plan.LONGEST_CODE


def test_how_often_is_asked() -> None:
    assert plan.poll_pause(400, body(error="authorization_pending"), 5) == 5
    assert plan.poll_pause(400, body(error="slow_down"), 5) == 10
    assert plan.poll_pause(400, body(error="access_denied"), 5) == 0
    assert plan.poll_pause(200, body(error="slow_down"), 5) == 0
