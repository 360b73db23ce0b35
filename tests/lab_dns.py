"""The laboratory's DNS: a signed root, ``test.`` signed and delegated by it, and below it two that are not signed.

Below ``dane.test`` is every way in which DANE can go: the first label of a domain says which.  Two records are altered
after they were signed, as somebody on the way would: whoever validates gets SERVFAIL for them, and for nothing else.
"""

import shutil
import subprocess
from pathlib import Path

import lab_config
from certs import digest
from lab_config import MX1, MX_CHAIN, MX_CLEARTEXT, MX_SELF, NAMESERVER, OWN, REVERSE, Plan

SOA = "$TTL 60\n@ IN SOA ns.test. hostmaster.test. 1 60 60 600 5\n@ IN NS ns.test.\n"
ROOT = f"$ORIGIN .\n{SOA}ns.test. IN A {NAMESERVER}\ntest. IN NS ns.test.\n"
SIGNED, FORGED = "22" * 32, "33" * 32  # the TLSA record of forged.dane.test, and what becomes of it
ZONES = {
    ".": "root.zone.signed",
    "test": "test.zone.signed",
    "plain.test": "plain.zone",
    OWN: f"{OWN}.zone",
    REVERSE: f"{REVERSE}.zone",
}


def dane_zone(plan: Plan) -> str:
    """What is below dane.test, relative to ``test.``: a domain, its exchanger mx-DOMAIN, and that one's TLSA record."""
    good, own, ca = digest(plan.pki.good.cert), digest(plan.pki.own.cert), digest(plan.pki.ca, key=False)
    hosts = {
        "ee": (MX1, f"3 1 1 {good}"),
        "self": (MX_SELF, f"3 1 1 {own}"),
        "tagood": (MX_CHAIN, f"2 0 1 {ca}"),
        "ta": (MX_CHAIN, f"2 0 1 {ca}"),  # its certificate is for mx-tagood
        "mismatch": (MX1, f"3 1 1 {'00' * 32}"),
        "notls": (MX_CLEARTEXT, f"3 1 1 {good}"),
        "unusable": (MX1, f"1 1 1 {good}"),
        "forged": (MX1, f"3 1 1 {SIGNED}"),
    }
    lines = ["bogus.dane IN MX 10 mx-nobody.dane", "toinsecure.dane IN MX 10 mx1.plain", "plain IN NS ns.test."]
    lines += ["alias.dane IN MX 10 mx-alias.dane", "mx-alias.dane IN CNAME mx1.plain"]  # out of DNSSEC's reach
    lines += [f"_25._tcp.mx-alias.dane IN TLSA 3 1 1 {good}"]
    for name, (address, record) in hosts.items():
        host = f"mx-{name}.dane"
        lines += [f"{name}.dane IN MX 10 {host}", f"{host} IN A {address}", f"_25._tcp.{host} IN TLSA {record}"]
    return "\n".join(lines) + "\n"


def plain_zone(address: str) -> str:
    """plain.test, with one exchanger at ``address``."""
    return f"$ORIGIN plain.test.\n{SOA}@ IN MX 10 mx1\nmx1 IN A {address}\n"


def write_zones(plan: Plan) -> None:
    """Write the zones, sign two of them, and write what the servers are to be told: anchor.key, root.hints."""
    folder = plan.folder
    (folder / "test.zone").write_text(lab_config.ZONE + dane_zone(plan))
    (folder / f"{OWN}.zone").write_text(lab_config.OWN_ZONE)
    (folder / f"{REVERSE}.zone").write_text(lab_config.REVERSE_ZONE)
    (folder / "plain.zone").write_text(plain_zone(MX1))
    ds, _ = _sign(folder, "test", "test.zone")
    (folder / "root.zone").write_text(ROOT + ds)
    _, key = _sign(folder, ".", "root.zone")
    (folder / "anchor.key").write_text(key)
    (folder / "root.hints").write_text(f". 3600 IN NS ns.test.\nns.test. 3600 IN A {NAMESERVER}\n")
    signed = folder / "test.zone.signed"
    text = signed.read_text()
    assert SIGNED in text
    assert "mx-nobody" in text
    signed.write_text(text.replace(SIGNED, FORGED).replace("mx-nobody", "mx-ee"))


def _sign(folder: Path, zone: str, file: str) -> tuple[str, str]:
    """Sign with a new pair of keys (ECDSA P-256): the DS record, and the key that it names."""

    def run(tool: str, *arguments: str) -> str:
        found = shutil.which(tool, path="/usr/bin:/usr/local/bin") or tool
        done = subprocess.run([found, *arguments], cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    anchor = run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone)
    daily = run("ldns-keygen", "-a", "ECDSAP256SHA256", zone)
    run("ldns-signzone", "-f", f"{file}.signed", file, anchor, daily)
    return (folder / f"{anchor}.ds").read_text(), (folder / f"{anchor}.key").read_text()
