"""A Thunderbird profile's prefs.js: which accounts, stores and tags it tells of, and what cannot be taken."""

from mua.model.account import Incoming, Security, Server
from mua.plan import thunderbird

PREFS = r"""
// Mozilla User Preferences
user_pref("mail.accountmanager.accounts", "account1,account2,account3,account4");
user_pref("mail.account.account1.server", "server1");
user_pref("mail.account.account2.server", "server2");
user_pref("mail.account.account2.identities", "id1,id2");
user_pref("mail.account.account3.server", "server3");
user_pref("mail.account.account3.identities", "id1");
user_pref("mail.account.account4.server", "server4");
user_pref("mail.account.account4.identities", "id1");
user_pref("mail.identity.id1.fullName", "Robin \"R\" Vale");
user_pref("mail.identity.id1.useremail", "robin@good.test");
user_pref("mail.identity.id1.htmlSigText", "Robin\nat work");
user_pref("mail.identity.id1.smtpServer", "smtp1");
user_pref("mail.identity.id2.useremail", "vale@good.test");
user_pref("mail.server.server1.type", "none");
user_pref("mail.server.server1.name", "Local Folders");
user_pref("mail.server.server1.directory-rel", "[ProfD]Mail/Local Folders");
user_pref("mail.server.server2.type", "imap");
user_pref("mail.server.server2.name", "robin@good.test");
user_pref("mail.server.server2.hostname", "imap.good.test");
user_pref("mail.server.server2.port", 993);
user_pref("mail.server.server2.socketType", 3);
user_pref("mail.server.server2.userName", "robin");
user_pref("mail.server.server2.directory-rel", "[ProfD]ImapMail/imap.good.test");
user_pref("mail.server.server3.type", "pop3");
user_pref("mail.server.server3.hostname", "pop.good.test");
user_pref("mail.server.server3.socketType", 0);
user_pref("mail.server.server3.directory-rel", "[ProfD]../../etc");
user_pref("mail.server.server4.type", "imap");
user_pref("mail.server.server4.hostname", "imap.big.test");
user_pref("mail.server.server4.socketType", 3);
user_pref("mail.server.server4.authMethod", 10);
user_pref("mail.smtpserver.smtp1.hostname", "smtp.good.test");
user_pref("mail.smtpserver.smtp1.try_ssl", 2);
user_pref("mail.smtpserver.smtp1.username", "robin");
user_pref("mailnews.tags.errand.tag", "Errands");
user_pref("mailnews.tags.errand.color", "#00AA00");
user_pref("mailnews.tags.bad key.tag", "Bad");
user_pref("broken", );
"""


def test_an_account_comes_with_its_servers_and_who_writes() -> None:
    found = thunderbird.read(PREFS)
    (account,) = found.accounts
    assert account.name == account.email == "robin@good.test"
    assert (account.full_name, account.incoming) == ('Robin "R" Vale', Incoming.IMAP)
    assert account.incoming_server == Server("imap.good.test", 993, Security.TLS, "robin")
    assert account.submission == Server("smtp.good.test", 587, Security.STARTTLS, "robin")
    assert [one.address for one in account.identities] == ["robin@good.test", "vale@good.test"]
    assert account.identities[0].signature == "Robin\nat work"


def test_what_cannot_be_taken_is_told() -> None:
    left = {one.what: one.why for one in thunderbird.read(PREFS).left}
    assert set(left) == {"pop.good.test", "imap.big.test"}
    assert "without encryption" in left["pop.good.test"]
    assert "browser" in left["imap.big.test"]


def test_stores_lie_below_the_profile_and_tags_have_names() -> None:
    found = thunderbird.read(PREFS)
    assert [(one.kind, one.path) for one in found.stores] == [
        ("none", "Mail/Local Folders"), ("imap", "ImapMail/imap.good.test"), ("pop3", ""), ("imap", ""),
    ]  # fmt: skip
    assert [(one.keyword, one.name, one.colour) for one in found.tags] == [("errand", "Errands", "#00aa00")]


def test_no_file_is_an_empty_profile() -> None:
    assert thunderbird.read("\0\xff").accounts == ()
