"""SASL: the RFCs' own vectors, the order of mechanisms, one try per password, and servers that prove nothing."""

import base64
import hashlib
import json

import certs
import pytest
import scramp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from mua.net import sasl
from mua.net.sasl import Unacceptable, Who, exchanges

ANN = Who("ann", "s3cr3t")
ALL = "PLAIN LOGIN EXTERNAL XOAUTH2 OAUTHBEARER CRAM-MD5 GSSAPI".split() + [
    f"SCRAM-SHA-{size}{plus}" for size in ("1", "256", "512") for plus in ("", "-PLUS")
]


def names(offered: list[str], who: Who) -> list[str]:
    return [one.name for one in exchanges(offered, who)]


def server_cert() -> bytes:
    pem = certs.authority().leaf("good")[0].read_bytes()
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


# -- which one


@pytest.mark.parametrize(
    "offered, who, expected",
    [
        (ALL, ANN, ["SCRAM-SHA-512", "PLAIN"]),
        (ALL, Who("ann", "s3cr3t", server_cert=server_cert()), ["SCRAM-SHA-512-PLUS", "SCRAM-SHA-512", "PLAIN"]),
        (["plain", "scram-sha-1"], ANN, ["SCRAM-SHA-1", "PLAIN"]),
        (["LOGIN", "PLAIN"], ANN, ["PLAIN"]),
        (["LOGIN"], ANN, ["LOGIN"]),
        (["CRAM-MD5", "GSSAPI"], ANN, []),
        (["SCRAM-SHA-1-PLUS"], ANN, []),
        (ALL, Who("ann", token="t0ken"), ["OAUTHBEARER", "XOAUTH2"]),
        (["PLAIN", "SCRAM-SHA-256"], Who("ann", token="t0ken"), []),
        (ALL, Who("ann", certificate=True), ["EXTERNAL"]),
        (["PLAIN"], Who("ann", certificate=True), []),
        (["PLAIN", "EXTERNAL"], Who("ann", "s3cr3t", certificate=True), ["EXTERNAL", "PLAIN"]),
    ],
)
def test_the_strongest_first(offered, who, expected):
    assert names(offered, who) == expected


@pytest.mark.parametrize("password", ["pass½word", "ﬁsh", "clé\u00a0secrète", "with an emoji 🐟", "אab"])
def test_a_password_that_saslprep_would_change_is_sent_as_it_was_typed_where_that_can_be(password):
    assert names(["PLAIN", "SCRAM-SHA-256"], Who("ann", password))[0] == "PLAIN"


@pytest.mark.parametrize("password", ["naïve", "пароль", "s3cr3t,=", "x" * 300])
def test_an_ordinary_password_in_any_script_takes_scram(password):
    assert names(["PLAIN", "SCRAM-SHA-256"], Who("ann", password))[0] == "SCRAM-SHA-256"


def test_plain_has_no_place_for_nul():
    assert names(["PLAIN"], Who("ann", "s3c\0ret")) == []


def test_a_secret_is_in_no_representation():
    who = Who("ann", "s3cr3t", "t0ken")
    assert "s3cr3t" not in repr(who)
    assert "t0ken" not in repr(who)


# -- what is said


def only(offered: str, who: Who = ANN) -> sasl.Exchange:
    return next(iter(exchanges([offered], who)))


def test_plain_login_and_external():
    plain = only("PLAIN")
    assert plain.begin() == b"\0ann\0s3cr3t"
    assert plain.spent
    login = only("LOGIN")
    assert login.begin() is None
    assert login.answer(b"Username:") == b"ann"
    assert not login.spent
    assert login.answer(b"Password:") == b"s3cr3t"
    assert login.spent
    with pytest.raises(Unacceptable):
        login.answer(b"And your mother's maiden name:")
    assert only("EXTERNAL", Who("ann", certificate=True)).begin() == b""
    with pytest.raises(Unacceptable):
        plain.answer(b"more")


def test_tokens():
    who = Who(
        "someuser@example.com", token="vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", host="server.example", port=143
    )
    bearer = only("OAUTHBEARER", who)
    assert bearer.begin() == (
        b"n,a=someuser@example.com,\x01host=server.example\x01port=143\x01"
        b"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
    )  # RFC 7628 s.4.1
    assert bearer.answer(json.dumps({"status": "invalid_token", "scope": "mail"}).encode()) == b"\x01"
    assert bearer.words == "invalid_token"
    with pytest.raises(Unacceptable):
        bearer.answer(b"{}")
    old = only("XOAUTH2", Who("someuser@example.com", token="ya29.vF9"))
    assert old.begin() == b"user=someuser@example.com\x01auth=Bearer ya29.vF9\x01\x01"
    assert old.answer(b"\xff") == b""


VECTORS = {
    "SCRAM-SHA-1": (  # RFC 5802 s.5
        "fyko+d2lbbFgONRv9qkxdawL",
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    "SCRAM-SHA-256": (  # RFC 7677 s.3
        "rOprNGfwEbeRWgbNEkqO",
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
}


@pytest.fixture(params=VECTORS)
def vector(request, monkeypatch):
    """(exchange with the nonce of the RFC, server-first, client-final, server-final)."""
    nonce, *messages = VECTORS[request.param]
    monkeypatch.setattr(scramp.core.Nonce, "create", classmethod(lambda cls: cls(nonce)))
    return only(request.param, Who("user", "pencil")), nonce, *messages


def test_the_vectors_of_the_rfcs(vector):
    exchange, nonce, server_first, client_final, server_final = vector
    assert exchange.begin() == f"n,,n=user,r={nonce}".encode()
    assert not exchange.spent
    assert exchange.answer(server_first) == client_final
    assert exchange.spent
    assert exchange.answer(server_final) == b""
    exchange.finish()


def test_an_ok_without_a_proof_is_not_believed(vector):
    exchange, _, server_first, _, _ = vector
    exchange.begin()
    with pytest.raises(Unacceptable):
        exchange.finish()
    exchange.answer(server_first)
    with pytest.raises(Unacceptable):
        exchange.finish()


def test_a_forged_signature_is_not_believed(vector):
    exchange, _, server_first, _, _ = vector
    exchange.begin()
    exchange.answer(server_first)
    with pytest.raises(Unacceptable):
        exchange.answer(b"v=" + base64.b64encode(b"\0" * 20))
    with pytest.raises(Unacceptable):
        exchange.finish()


def test_a_refusal_in_the_last_message_is_no_proof(vector):
    exchange, _, server_first, _, _ = vector
    exchange.begin()
    exchange.answer(server_first)
    assert exchange.answer(b"e=invalid-proof") == b""
    assert exchange.words == "invalid-proof"
    with pytest.raises(Unacceptable):
        exchange.finish()


@pytest.mark.parametrize(
    "change",
    [
        lambda first: first.replace(b"i=4096", b"i=4095"),
        lambda first: first.replace(b"i=4096", b"i=10000001"),
        lambda first: first.replace(b"i=4096", b"i=" + b"9" * 7000),
        lambda first: first.replace(b"i=4096", b"i=-4096"),
        lambda first: first.replace(b"r=", b"r=x"),
        lambda first: first.replace(b",s=", b",s=!"),
        lambda first: first[: first.index(b",i=")],
        lambda first: b"m=ext," + first,
        lambda first: first + b"," + first,
        lambda first: b"",
        lambda first: b"\xff",
    ],
)
def test_a_challenge_that_is_not_acceptable_costs_no_proof(vector, change):
    exchange, _, server_first, _, _ = vector
    exchange.begin()
    with pytest.raises(Unacceptable):
        exchange.answer(change(server_first))
    assert not exchange.spent


def test_the_servers_nonce_has_to_add_something(vector):
    exchange, nonce, server_first, _, _ = vector
    exchange.begin()
    with pytest.raises(Unacceptable):
        exchange.answer(f"r={nonce},".encode() + server_first[server_first.index(b"s=") :])


@given(st.lists(st.binary(max_size=80) | st.text("risevm=,0123456789abAB+/=", max_size=60).map(str.encode), max_size=4))
def test_no_server_makes_it_raise_anything_else(challenges):
    for offered in ("SCRAM-SHA-256", "LOGIN", "PLAIN"):
        exchange = only(offered)
        exchange.begin()
        try:
            for challenge in challenges:
                exchange.answer(challenge)
            exchange.finish()
        except Unacceptable:
            pass


# -- channel binding


def scram_server(offered: str, binding: bytes | None, password: str = "s3cr3t") -> scramp.core.ScramServer:
    mechanism = scramp.ScramMechanism(offered)
    secret = mechanism.make_auth_info(password, iteration_count=4096)
    return mechanism.make_server(lambda user: secret, ("tls-server-end-point", binding) if binding else None)


def play(exchange: sasl.Exchange, server: scramp.core.ScramServer) -> None:
    first = exchange.begin()
    assert first is not None
    server.set_client_first(first.decode())
    server.set_client_final(exchange.answer(server.get_server_first().encode()).decode())
    exchange.answer(server.get_server_final().encode())
    exchange.finish()


def test_bound_to_the_certificate():
    who = Who("ann", "s3cr3t", server_cert=server_cert())
    play(only("SCRAM-SHA-256-PLUS", who), scram_server("SCRAM-SHA-256-PLUS", hashlib.sha256(who.server_cert).digest()))


def test_a_relay_with_another_certificate_is_found_out():
    who = Who("ann", "s3cr3t", server_cert=server_cert())
    with pytest.raises((Unacceptable, scramp.ScramException)):
        play(only("SCRAM-SHA-256-PLUS", who), scram_server("SCRAM-SHA-256-PLUS", hashlib.sha256(b"other").digest()))


def test_an_offer_from_which_somebody_took_the_binding_is_found_out():
    who = Who("ann", "s3cr3t", server_cert=server_cert())
    exchange = only("SCRAM-SHA-256", who)
    assert (exchange.begin() or b"").startswith(b"y,,")
    with pytest.raises((Unacceptable, scramp.ScramException)):
        play(only("SCRAM-SHA-256", who), scram_server("SCRAM-SHA-256", hashlib.sha256(who.server_cert).digest()))


@pytest.mark.parametrize("hashed, named", [(SHA512(), "sha512"), (None, "")], ids=["sha512", "ed25519"])
def test_the_hash_is_that_of_the_certificates_signature(hashed, named):
    key = rsa.generate_private_key(65537, 2048) if hashed else ed25519.Ed25519PrivateKey.generate()
    name, days = certs._named("a"), x509.load_der_x509_certificate(server_cert())
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1)
    builder = builder.not_valid_before(days.not_valid_before_utc).not_valid_after(days.not_valid_after_utc)
    cert = builder.sign(key, hashed).public_bytes(Encoding.DER)
    assert sasl.end_point(cert) == (hashlib.new(named, cert).digest() if named else b"")


def test_no_certificate_no_binding():
    assert sasl.end_point(b"") == sasl.end_point(b"nonsense") == b""
