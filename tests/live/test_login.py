"""Logging in to a real Dovecot in every way that it knows: SCRAM, PLAIN, tokens, a client certificate."""

import base64
import hashlib
import hmac
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import lab_config
import pytest
from certs import Authority
from lab import Lab, User, missing

from mua.errors import MailError
from mua.model.account import Security, Server
from mua.net.imap import ImapConnection

pytestmark = pytest.mark.live

KEY = b"a key that only this test knows, 32 octets long"


@contextmanager
def dovecot(*changes: Callable[[str, lab_config.Plan], str]) -> Iterator[Lab]:
    """A Dovecot whose configuration was changed by functions of (its text, its plan)."""
    reason = missing(namespace=False)
    if reason:
        pytest.skip(f"the mail laboratory {reason}")
    whole = lab_config.dovecot_conf

    def changed(plan: lab_config.Plan) -> str:
        text = whole(plan)
        for change in changes:
            text = change(text, plan)
        return text

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lab_config, "dovecot_conf", changed)
        with Lab(namespace=False) as running:
            yield running


def mechanisms(names: str) -> Callable[[str, lab_config.Plan], str]:
    def change(text: str, plan: lab_config.Plan) -> str:
        assert "auth_mechanisms = plain login scram-sha-1 scram-sha-256\n" in text
        return text.replace("plain login scram-sha-1 scram-sha-256\n", names + "\n", 1)

    return change


def enter(lab: Lab, user: User, password: str = "", **keys) -> ImapConnection:
    server = Server(lab.plan.imap_host, lab.plan.imaps, Security.TLS, user.name)
    return ImapConnection(server, lambda: password or user.password, str(lab.ca), 10, **keys)


def works(connection: ImapConnection) -> str:
    """Use the connection; how it was opened."""
    assert connection.select("INBOX").state.uidvalidity
    assert connection.facts().tls in ("TLSv1.2", "TLSv1.3")
    connection.log_out()
    return connection.mechanism


@pytest.mark.parametrize(
    "offered, expected",
    [
        ("plain login scram-sha-1 scram-sha-256", "SCRAM-SHA-256"),
        ("plain scram-sha-1", "SCRAM-SHA-1"),
        ("plain login", "PLAIN"),
    ],
)
def test_passwords(offered: str, expected: str) -> None:
    with dovecot(mechanisms(offered)) as lab:
        ann = lab.user("ann")
        assert works(enter(lab, ann)) == expected
        with pytest.raises(MailError) as caught:
            enter(lab, ann, "wrong")
        assert caught.value.code == "wrong-password"


def hashed(text: str, plan: lab_config.Plan) -> str:
    """Passwords as a one-way hash, of which no SCRAM key can be made."""
    start = text.index("passdb {\n  driver = passwd-file")
    end = text.index("userdb {")
    (plan.folder / "hashed").write_text(
        "ann:{SHA256}" + base64.b64encode(hashlib.sha256(b"s3cr3t").digest()).decode() + "\n"
    )
    return text[:start] + f"passdb {{\n  driver = passwd-file\n  args = {plan.folder}/hashed\n}}\n" + text[end:]


def test_a_server_that_keeps_no_scram_keys_gets_the_password() -> None:
    with dovecot(hashed) as lab:
        ann = User("ann", "ann@good.test", "s3cr3t")
        assert works(enter(lab, ann)) == "PLAIN"
        with pytest.raises(MailError) as caught:
            enter(lab, ann, "wrong")
        assert caught.value.code == "wrong-password"


def by_token(text: str, plan: lab_config.Plan) -> str:
    """Tokens are JWTs signed by ``KEY``, checked by Dovecot itself."""
    keys = plan.folder / "keys" / "default" / "HS256"
    keys.mkdir(parents=True)
    (keys / "default").write_text(base64.b64encode(KEY).decode())
    settings = plan.folder / "oauth2.conf"
    settings.write_text(
        f"introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={plan.folder}/keys/\n"
        "username_attribute = sub\n"
    )
    passdb = f"passdb {{\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = {settings}\n}}\n"
    return text.replace("passdb {", passdb + "passdb {", 1)


def token(user: str, key: bytes = KEY) -> str:
    def part(value: bytes) -> bytes:
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    now = int(time.time())
    claims = {"sub": user, "iat": now - 60, "nbf": now - 60, "exp": now + 600}
    signed = b".".join(part(json.dumps(one).encode()) for one in ({"typ": "JWT", "alg": "HS256"}, claims))
    return (signed + b"." + part(hmac.digest(key, signed, "sha256"))).decode()


@pytest.mark.parametrize("offered", ["xoauth2", "oauthbearer"])
def test_tokens(offered: str) -> None:
    with dovecot(mechanisms(f"plain {offered}"), by_token) as lab:
        ann = lab.user("ann")
        assert works(enter(lab, ann, token=lambda: token(ann.name))) == offered.upper()
        with pytest.raises(MailError) as caught:
            enter(lab, ann, token=lambda: token(ann.name, b"another key"))
        assert caught.value.code == "token-refused"


def by_certificate(text: str, plan: lab_config.Plan) -> str:
    settings = (
        f"ssl_ca = <{plan.pki.ca}\nssl_verify_client_cert = yes\nssl_require_crl = no\n"
        "auth_ssl_username_from_cert = yes\n"
        "passdb {\n  driver = static\n  mechanisms = external\n  args = nopassword=y\n}\n"
    )
    return text.replace("passdb {", settings + "passdb {", 1)


def test_a_certificate() -> None:
    with dovecot(mechanisms("plain external"), by_certificate) as lab:
        ann = lab.user("ann")
        issuer = Authority(fresh(lab.folder / "clients"), "Somebody Else's Root")
        stranger = both(issuer.issue("ann", (ann.name,)))
        good = both(lab.plan.pki.client(ann.name))
        connection = enter(lab, ann, certificate=str(good))
        assert works(connection) == "EXTERNAL"
        assert works(enter(lab, ann)) == "PLAIN"
        with pytest.raises(MailError):
            enter(lab, ann, certificate=str(stranger))


def fresh(folder: Path) -> Path:
    folder.mkdir()
    return folder


def both(leaf) -> Path:
    """Certificate and key in one file."""
    path = leaf.cert.with_suffix(".both")
    path.write_bytes(leaf.cert.read_bytes() + leaf.key.read_bytes())
    return path


# -- an account, as a person has it


def now_offers(lab: Lab, names: str) -> None:
    """The same server, which offers other mechanisms from now on."""
    conf, postfix = lab.folder / "dovecot.conf", lab_config.postfix_daemons().exists() and os.geteuid() == 0
    for name in ["dovecot", *["postfix"] * postfix]:
        lab.stop_server(name)
    conf.write_text(re.sub(r"auth_mechanisms = .*", f"auth_mechanisms = {names}", conf.read_text()))
    lab.restart_dovecot()
    if postfix:  # its processes keep what Dovecot told them
        lab.start("postfix", str(lab_config.postfix_daemons() / "master"), "-d", "-c", str(lab.folder / "postfix"))
        lab.await_port(lab.plan.msa_ip, lab.plan.submission)


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_server_that_offers_less_than_before_gets_nothing_until_a_person_agrees(kind: str) -> None:
    with dovecot(mechanisms("plain login scram-sha-256")) as lab:
        if not lab.has_postfix:
            pytest.skip("Postfix needs several users, which only root can give it")
        ann, profile = lab.user("ann"), lab.profile()
        lab.add_account(profile, ann, kind=kind).ok()
        lab.mua("sync", profile=profile).ok()
        lab.mua("send", "-", "--wait", stdin=mail_to(ann), profile=profile).ok()
        lab.stop_engine(profile)  # an engine's memory is not what this rests on
        now_offers(lab, "plain login")
        try:
            assert "safer log-in" in lab.mua("sync", profile=profile).failed("weaker-log-in")
            findings = lab.mua("account", "check", "lab", profile=profile).data["findings"]
            assert [one["code"] for one in findings] == ["weaker-log-in"] * 2
            unsent = lab.mua("send", "-", "--wait", stdin=mail_to(ann), profile=profile).data
            assert "safer log-in" in unsent["recipients"][0]["text"]
            lab.mua("account", "allow-weaker", "lab", profile=profile).ok()
            lab.mua("sync", profile=profile).ok()
            assert all(one["state"] == "accepted" for out in outbox(lab, profile) for one in out["recipients"])
            now_offers(lab, "plain login scram-sha-256")
            lab.mua("sync", profile=profile).ok()  # up again, and then not down any more
            lab.stop_engine(profile)
            now_offers(lab, "plain login")
            lab.mua("sync", profile=profile).failed("weaker-log-in")
        finally:
            lab.stop_engine(profile)


def outbox(lab: Lab, profile: Path) -> list[dict]:
    return lab.mua("outbox", "--all", profile=profile).ok()


def mail_to(user: User) -> bytes:
    return f"From: {user.address}\r\nTo: {user.address}\r\nSubject: hello\r\n\r\nhello\r\n".encode()


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_an_account_that_is_opened_by_a_certificate_needs_no_password(kind: str) -> None:
    with dovecot(mechanisms("plain external"), by_certificate) as lab:
        ann, profile = lab.user("ann"), lab.profile()
        lab.fill(ann, [mail_to(ann)])
        good = both(lab.plan.pki.client(ann.name))
        words = ["--email", ann.address, "--user", ann.name, "--ca-file", lab.ca, "--client-cert", good]
        port = lab.plan.imaps if kind == "imap" else lab.plan.pop3s
        where = [f"--{kind}", f"{lab.plan.imap_host}:{port}"]
        lab.mua("account", "add", "--name", "lab", *where, *words, profile=profile).ok()
        try:
            assert lab.mua("sync", "--until-complete", profile=profile).ok()[0]["with_body"] == 1
            assert lab.mua("account", "check", "lab", profile=profile).ok()["ok"]
            now_offers(lab, "plain")
            lab.stop_engine(profile)
            text = lab.mua("sync", profile=profile).failed("no-mechanism")
            assert "certificate" in text
        finally:
            lab.stop_engine(profile)
