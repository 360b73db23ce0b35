"""Geary's geary.ini: which accounts it tells of, and what cannot be taken."""

from mua.model.account import Route, Security, Server
from mua.plan import geary

INI = r"""[Metadata]
version=1
status=enabled

[Account]
ordinal=1
label=Home
service_provider=other
sender_mailboxes="Vale\; Robin" <robin@good.test>;vale@good.test;
use_signature=true
signature=Robin\nat work

[Incoming]
login=robin
host=imap.good.test
port=993
transport_security=transport
credentials=custom

[Outgoing]
host=smtp.good.test
port=587
transport_security=start-tls
credentials=use-incoming
"""


def test_an_account_comes_with_its_names_and_servers() -> None:
    told = geary.read([INI, INI])
    assert told.left == ()
    first, second = told.accounts
    assert (first.name, second.name) == ("Home", "Home (2)")
    assert (first.email, first.full_name, first.route) == ("robin@good.test", "Vale; Robin", Route.SMTP)
    assert first.incoming_server == Server("imap.good.test", 993, Security.TLS, "robin")
    assert first.submission == Server("smtp.good.test", 587, Security.STARTTLS, "robin")
    assert [one.address for one in first.identities] == ["robin@good.test", "vale@good.test"]
    assert first.identities[0].signature == "Robin\nat work"


def test_what_cannot_be_taken_is_told_with_why() -> None:
    plain = INI.replace("=transport\n", "=none\n")
    google = INI.replace("host=", "was=")
    nobody = INI.replace("sender_mailboxes", "other")
    told = geary.read([plain, google, nobody, "no section=1", "\x00[", ""])
    assert told.accounts == ()
    assert [one.why.partition(";")[0] for one in told.left] == [
        "Its server is used without encryption",
        "Its servers are not in Geary's settings",
        "It has no address of its own.",
        "It cannot be read.",
        "It cannot be read.",
        "It has no address of its own.",
    ]
