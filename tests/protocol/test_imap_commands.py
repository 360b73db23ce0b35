"""Folders, searches, changes and IDLE, as conversations."""

import socket
import threading
import time

import pytest
from imap_talk import CAPABILITIES, SELECT, talking

from mua.errors import Kind, MailError, Retry
from mua.model.folder import FolderState, Space
from mua.net import imap_watch
from mua.net.imap_answers import Placed, Woken

LIST = r"""
    C: {tag} LIST "" "*" RETURN (SUBSCRIBED SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ))
    S: * LIST (\HasNoChildren \Subscribed) "/" inbox
    S: * STATUS INBOX (MESSAGES 5 UIDNEXT 9 UIDVALIDITY 3 UNSEEN 2 HIGHESTMODSEQ 77)
    S: * LIST (\Sent \Subscribed) "/" "Gesendete Objekte"
    S: * LIST () "/" "Entw&APw-rfe"
    S: * LIST (\NoSelect) "/" {7}\r\nArchive
    S: * LIST () NIL 2026
    S: * LIST () "/" "bad&mUTF7"
    S: * LIST () "/" "../../etc"
    S: * LIST () "/" ""
    S: * LIST
    S: * LIST () "/" "ctrl\x07"
    S: {tag} OK done
    """
EXTENDED = "IMAP4rev1 SASL-IR AUTH=PLAIN LIST-EXTENDED SPECIAL-USE LIST-STATUS CONDSTORE"


def test_folders_with_status_in_one_round_trip():
    with talking(LIST, capabilities=EXTENDED) as connection:
        found = {one.name: one for one in connection.list_folders()}
        assert found["INBOX"].state == FolderState(3, 9, 77, 5)
        assert (found["INBOX"].unseen, found["INBOX"].subscribed) == (2, True)
        assert "\\sent" in found["Gesendete Objekte"].attributes
        assert not found["Entwürfe"].subscribed
        assert not found["Archive"].selectable
        assert found["2026"].delimiter == ""
        assert "../../etc" in found  # a name, never a path
        assert "" not in found


def test_how_large_folders_are():
    script = r"""
        C: {tag} LIST "" "*" RETURN (STATUS (SIZE))
        S: * LIST () "/" INBOX
        S: * STATUS INBOX (SIZE 44421)
        S: * LIST () "/" Odd
        S: * STATUS Odd (SIZE NIL)
        S: * STATUS Other (MESSAGES 3)
        S: * STATUS
        S: {tag} OK done
        """
    with talking(script, capabilities="IMAP4rev1 SASL-IR AUTH=PLAIN LIST-STATUS STATUS=SIZE") as connection:
        assert connection.folder_sizes() == {"INBOX": 44421}
    with talking(capabilities="IMAP4rev1 SASL-IR AUTH=PLAIN STATUS=SIZE") as connection:
        assert connection.folder_sizes() == {}


def test_what_a_folder_is_called_for_ever():
    script = r"""
        C: {tag} LIST "" "*" RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN MAILBOXID))
        S: * LIST () "/" INBOX
        S: * STATUS INBOX (MESSAGES 5 UIDNEXT 9 UIDVALIDITY 3 UNSEEN 2 MAILBOXID (F2212ea87-6097))
        S: * LIST () "/" Odd
        S: * STATUS Odd (MESSAGES 5 UIDNEXT 9 UIDVALIDITY 3 UNSEEN 2 MAILBOXID NIL)
        S: {tag} OK done
        """
    offered = "IMAP4rev1 SASL-IR AUTH=PLAIN LIST-EXTENDED LIST-STATUS OBJECTID"
    with talking(script, capabilities=offered) as connection:
        found = {one.name: (one.object_id, one.state) for one in connection.list_folders()}
    assert found == {"INBOX": ("F2212ea87-6097", FolderState(3, 9, 0, 5)), "Odd": ("", FolderState(3, 9, 0, 5))}


def test_a_name_that_cannot_be_decoded_leads_back_to_the_servers_bytes():
    script = r"""
        C: {tag} LIST "" "*"
        S: * LIST () "/" "bad&mUTF7"
        S: {tag} OK x
        C: {tag} LSUB "" "*"
        S: {tag} OK x
        C: {tag} STATUS "bad&mUTF7" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)
        S: * STATUS "bad&mUTF7" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3 UNSEEN 0)
        S: {tag} OK x
        """
    with talking(script) as connection:
        [one] = connection.list_folders()
        assert connection.status(one.name) == FolderState(3, 2, 0, 1)


def test_a_refused_extended_list_falls_back():
    script = r"""
        C: {tag} LIST "" "*" RETURN {}
        S: {tag} BAD no such thing
        C: {tag} LIST "" "*"
        S: * LIST () "/" INBOX
        S: * LIST () "/" News
        S: {tag} OK x
        C: {tag} LSUB "" "*"
        S: * LSUB () "/" News
        S: {tag} OK x
        """
    with talking(script, capabilities=EXTENDED) as connection:
        assert [(one.name, one.subscribed) for one in connection.list_folders()] == [("INBOX", True), ("News", True)]


def test_select_with_qresync_never_expands_what_vanished():
    script = r"""
        C: {tag} ENABLE CONDSTORE QRESYNC
        S: * ENABLED QRESYNC CONDSTORE
        S: {tag} OK x
        C: {tag} SELECT "INBOX" (QRESYNC (7 90))
        S: * FLAGS (\Answered)
        S: * OK [PERMANENTFLAGS (\Seen \*)] x
        S: * 3 EXISTS
        S: * OK [UIDVALIDITY 7] x
        S: * OK [UIDNEXT 12] x
        S: * OK [HIGHESTMODSEQ 99] y
        S: * VANISHED (EARLIER) 1:4294967295,5
        S: * 2 FETCH (UID 9 FLAGS (\Seen) MODSEQ (95))
        S: {tag} OK [READ-WRITE] d
        """
    with talking(script, capabilities="IMAP4rev1 SASL-IR AUTH=PLAIN ENABLE CONDSTORE QRESYNC") as connection:
        got = connection.select("INBOX", FolderState(7, 10, 90, 3))
        assert got.state == FolderState(7, 12, 99, 3)
        assert got.vanished == ((1, 4294967295), (5, 5))
        assert [(one.uid, one.flags, one.modseq) for one in got.changed] == [(9, ("\\Seen",), 95)]
        assert got.permanent_flags == ("\\Seen", "\\*")
        assert got.resynced
        assert not got.readonly


@pytest.mark.parametrize("words", ["[NONEXISTENT] gone", "Mailbox doesn't exist: X", "[TRYCREATE] hm"])
def test_a_folder_that_is_gone(words):
    with talking(f'C: {{tag}} SELECT "X"\nS: {{tag}} NO {words}') as connection:
        with pytest.raises(MailError) as caught:
            connection.select("X")
        assert (caught.value.code, caught.value.kind) == ("folder-gone", Kind.FOLDER)
        assert '"X"' in caught.value.text


def test_lies_about_numbers_are_only_numbers():
    script = r"""
        C: {tag} SELECT "INBOX"
        S: * 54321 EXISTS
        S: * OK [UIDNEXT 0] x
        S: * OK [UIDVALIDITY abc] x
        S: * OK [HIGHESTMODSEQ] x
        S: * OK [
        S: {tag} OK [READ-ONLY] done
        """
    with talking(script) as connection:
        got = connection.select("INBOX")
        assert (got.state, got.readonly) == (FolderState(0, 0, 0, 54321), True)


def test_search_extended_and_plain():
    script = r"""
        C: {tag} UID SEARCH RETURN (ALL) UID 5:*
        S: * ESEARCH (TAG "{tag}") UID ALL 5:7,9
        S: {tag} OK x
        C: {tag} UID SEARCH RETURN (ALL) UNSEEN
        S: * ESEARCH (TAG "{tag}") UID
        S: {tag} OK x
        """
    with talking(script) as connection:
        assert connection.uid_search("UID 5:*") == [5, 6, 7, 9]
        assert connection.uid_search("UNSEEN") == []
    plain = 'C: {tag} UID SEARCH HEADER "Message-ID" "<a@b>"\nS: * SEARCH 9 3 0 3\nS: * SEARCH 4\nS: {tag} OK x'
    with talking(plain, capabilities="IMAP4rev1 SASL-IR AUTH=PLAIN") as connection:
        assert connection.search_message_id("a@b") == [3, 4, 9]


def test_search_refuses_to_expand_the_world():
    script = 'C: {tag} UID SEARCH RETURN (ALL) ALL\nS: * ESEARCH (TAG "{tag}") UID ALL 1:4294967295\nS: {tag} OK x'
    with talking(script, partial=True) as connection:
        with pytest.raises(MailError) as caught:
            connection.uid_search("ALL")
        assert caught.value.code == "protocol-error"


def test_search_text_cannot_start_another_command():
    from mua.net.imap_tokens import quoted

    with talking() as connection, pytest.raises(MailError) as caught:
        connection.uid_search("TEXT", quoted('x"\r\nA1 DELETE INBOX'))
    assert caught.value.code == "control-character"


def test_search_of_other_letters_is_a_literal():
    script = r"""
        C: {tag} UID SEARCH RETURN (ALL) CHARSET UTF-8 TEXT {4+}
        C# 4
        C:
        S: {tag} OK x
        """
    from mua.net.imap_tokens import quoted

    with talking(script) as connection:
        assert connection.uid_search("TEXT", quoted("жж")) == []


def test_flags_in_compressed_sets():
    script = r"""
        C: {tag} UID STORE 1:3,9 +FLAGS.SILENT (\Seen $Forwarded)
        S: * 1 FETCH (UID 1 MODSEQ (5))
        S: {tag} OK x
        C: {tag} UID STORE 1:3,9 -FLAGS.SILENT (\Flagged)
        S: {tag} OK x
        """
    with talking(SELECT, script) as connection:
        connection.select("INBOX")
        connection.store_flags([9, 3, 1, 2], add=("\\Seen", "$Forwarded"), remove=("\\Flagged",))
        assert connection.take_news() == set()


def test_a_flag_name_cannot_start_another_command():
    with talking(SELECT) as connection:
        connection.select("INBOX")
        with pytest.raises(MailError):
            connection.store_flags([1], add=("a)\r\nX DELETE INBOX",))


def test_move_keeps_the_new_uids():
    script = r"""
        C: {tag} UID MOVE 3:4,8 "Archive"
        S: * OK [COPYUID 55 3:4,8 101:103] moved
        S: * VANISHED 3:4,8
        S: {tag} OK done
        """
    with talking(SELECT, script) as connection:
        connection.select("INBOX")
        assert connection.move([8, 3, 4], "Archive") == Placed(55, {3: 101, 4: 102, 8: 103})


@pytest.mark.parametrize(
    "code",
    ["COPYUID 55 3:4 101:103", "COPYUID 55 1:4294967295 1:4294967295", "COPYUID 55 9 101", "COPYUID x", "COPYUID"],
)
def test_a_copyuid_that_does_not_fit_is_not_believed(code):
    script = f'C: {{tag}} UID MOVE 3 "Archive"\nS: {{tag}} OK [{code}] done'
    with talking(SELECT, script) as connection:
        connection.select("INBOX")
        assert connection.move([3], "Archive") is None


def test_move_without_move_removes_exactly_these():
    script = r"""
        C: {tag} UID COPY 3 "Archive"
        S: {tag} OK [COPYUID 55 3 101] done
        C: {tag} UID STORE 3 +FLAGS.SILENT (\Deleted)
        S: {tag} OK x
        C: {tag} UID EXPUNGE 3
        S: * 1 EXPUNGE
        S: {tag} OK x
        """
    with talking(SELECT, script, capabilities="IMAP4rev1 SASL-IR AUTH=PLAIN UIDPLUS") as connection:
        connection.select("INBOX")
        assert connection.move([3], "Archive") == Placed(55, {3: 101})


def test_without_uidplus_nothing_is_expunged():
    script = "C: {tag} UID STORE 3 +FLAGS.SILENT (\\Deleted)\nS: {tag} OK x"
    with talking(SELECT, script, capabilities="IMAP4rev1 SASL-IR AUTH=PLAIN") as connection:
        connection.select("INBOX")
        connection.expunge([3])


def test_append_from_disk_waits_for_the_go_ahead(tmp_path):
    message = tmp_path / "m.eml"
    message.write_bytes(b"Subject: x\r\n\r\n" + b"y" * 300_000)
    script = r"""
        C: {tag} APPEND "Sent" (\Seen) "17-Jul-1996 09:44:25 +0000" {300014}
        S: + go
        C# 300014
        C:
        S: {tag} OK [APPENDUID 3 44] done
        """
    capabilities = "IMAP4rev1 SASL-IR AUTH=PLAIN UIDPLUS"
    with talking(script, capabilities=capabilities) as connection:
        got = connection.append("Sent", message, ("\\Seen",), 837596665)
        assert got == Placed(3, {0: 44})


def test_append_refused_before_the_upload(tmp_path):
    message = tmp_path / "m.eml"
    message.write_bytes(b"x" * 10_000)
    script = 'C: {tag} APPEND "Sent" {10000}\nS: {tag} NO [OVERQUOTA] full\nC: {tag} NOOP\nS: {tag} OK'
    with talking(script + " x", capabilities="IMAP4rev1 SASL-IR AUTH=PLAIN LITERAL-") as connection:
        with pytest.raises(MailError) as caught:
            connection.append("Sent", message)
        assert (caught.value.code, caught.value.retry) == ("over-quota", Retry.ASK)
        connection.noop()


def test_append_of_a_file_that_is_not_there(tmp_path):
    with talking("C: {tag} NOOP\nS: {tag} OK x") as connection:
        with pytest.raises(MailError) as caught:
            connection.append("Sent", tmp_path / "nothing")
        assert (caught.value.kind, caught.value.code) == (Kind.LOCAL, "file-missing")
        connection.noop()


def test_folder_commands():
    script = r"""
        C: {tag} CREATE "Entw&APw-rfe"
        S: {tag} NO [ALREADYEXISTS] there
        C: {tag} SUBSCRIBE "Entw&APw-rfe"
        S: {tag} OK x
        C: {tag} RENAME "a \"b\"" "c"
        S: {tag} OK x
        C: {tag} SUBSCRIBE "c"
        S: {tag} OK x
        C: {tag} DELETE "c"
        S: {tag} NO [NOPERM] not yours
        """
    with talking(script) as connection:
        connection.create_folder("Entwürfe")
        connection.rename_folder('a "b"', "c")
        with pytest.raises(MailError) as caught:
            connection.delete_folder("c")
        assert (caught.value.code, caught.value.kind) == ("no-permission", Kind.FOLDER)
        assert "not yours" in caught.value.detail
        with pytest.raises(MailError):
            connection.create_folder("a\r\nX DELETE INBOX")


def test_news_of_the_librarys_commands_are_not_lost():
    with talking(SELECT, "C: {tag} NOOP\nS: * 10 EXISTS\nS: * OK text {5}\nS: {tag} OK n {7}") as connection:
        connection.select("INBOX")
        connection.noop()
        assert connection.take_news() == {"EXISTS"}


def test_identify_and_namespace():
    script = r"""
        C: {tag} ID ("name" "Mua" "version" {})
        C: {tag} NAMESPACE
        S: * ID ("name" "Dovecot" "x" NIL)
        S: {tag-1} OK x
        S: * NAMESPACE (("INBOX." ".")) NIL NIL
        S: {tag} OK x
        """
    with talking(script, capabilities="IMAP4rev1 SASL-IR AUTH=PLAIN ID NAMESPACE") as connection:
        assert connection.identify() == {"name": "Dovecot", "x": "NIL"}
        assert connection.namespace() == ("INBOX.", ".")


SPACES = """
    C: {tag} NAMESPACE
    S: * NAMESPACE (("" "/")) (("user/" "/")("~" "/" "X" ("y"))) (("Fr&AOk-/" "/")("" "/")(NIL NIL)(7 "/")("x"))
    S: {tag} OK x
    """


def test_the_folders_of_other_people_are_listed_in_the_same_round_trip():
    script = r"""
        C: {tag} LIST "" ("*" "user/*" "~*" "Fr&AOk-/*") RETURN (SUBSCRIBED STATUS ({*}))
        S: * LIST () "/" INBOX
        S: * LIST (\Noselect) "/" user
        S: * LIST () "/" user/carol
        S: * LIST () "/" user/carol/Plans
        S: * LIST () "/" users
        S: * LIST () "/" Fr&AOk-/Lists
        S: * STATUS user/carol (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 5 UNSEEN 1)
        S: {tag} OK x
        """
    offered = "IMAP4rev1 SASL-IR AUTH=PLAIN NAMESPACE LIST-EXTENDED LIST-STATUS"
    with talking(SPACES, script, capabilities=offered) as connection:
        connection.identify()
        found = {one.name: one for one in connection.list_folders()}
    assert {name: (one.space, one.prefix) for name, one in found.items()} == {
        "INBOX": (Space.OWN, ""),
        "user": (Space.OTHERS, "user/"),
        "user/carol": (Space.OTHERS, "user/"),
        "user/carol/Plans": (Space.OTHERS, "user/"),
        "users": (Space.OWN, ""),
        "Fré/Lists": (Space.SHARED, "Fré/"),
    }
    assert (found["user/carol"].state, found["user/carol"].unseen) == (FolderState(5, 4, 0, 3), 1)


def test_a_server_without_list_extended_is_asked_for_each_namespace():
    script = r"""
        C: {tag} LIST "" "*"
        S: * LIST () "/" INBOX
        S: * LIST () "/" user/carol
        S: {tag} OK x
        C: {tag} LIST "" "user/*"
        S: * LIST () "/" user/carol
        S: * LIST () "/" user/dave
        S: {tag} OK x
        C: {tag} LIST "" "~*"
        S: {tag} OK x
        C: {tag} LIST "" "Fr&AOk-/*"
        S: {tag} OK x
        C: {tag} LSUB "" "*"
        S: * LSUB () "/" user/dave
        S: {tag} OK x
        """
    with talking(SPACES, script, capabilities="IMAP4rev1 SASL-IR AUTH=PLAIN NAMESPACE") as connection:
        connection.identify()
        found = connection.list_folders()
    assert [(one.name, one.space, one.subscribed) for one in found] == [
        ("INBOX", Space.OWN, True), ("user/carol", Space.OTHERS, False), ("user/dave", Space.OTHERS, True),
    ]  # fmt: skip


def test_folders_are_counted_over_all_namespaces_and_each_is_listed_once(monkeypatch):
    monkeypatch.setattr("mua.net.imap.MAX_FOLDERS", 5)
    script = r"""
        C: {tag} LIST "" "*"
        S: * LIST () "/" INBOX
        S: * LIST () "/" user/carol
        S: {tag} OK x
        C: {tag} LIST "" "user/*"
        S: * LIST (\Noselect) "/" user/carol
        S: * LIST () "/" user/dave
        S: * LIST () "/" user/eve
        S: * LIST () "/" user/fay
        S: * LIST () "/" user/gil
        S: {tag} OK x
        C: {tag} LSUB "" "*"
        S: {tag} OK x
        """
    with talking(SPACES, script, capabilities="IMAP4rev1 SASL-IR AUTH=PLAIN NAMESPACE") as connection:
        connection.identify()
        found = connection.list_folders()
    assert [one.name for one in found] == ["INBOX", "user/carol", "user/dave", "user/eve", "user/fay"]
    assert all(one.selectable for one in found)  # what was told first


def test_of_the_namespaces_of_others_twenty_are_asked_about():
    others, shared = ("".join(f'("{kind}{number}/" "/")' for number in range(15)) for kind in "os")
    told = f'C: {{tag}} NAMESPACE\nS: * NAMESPACE (("" "/")) ({others}) ({shared})\nS: {{tag}} OK x\n'
    with talking(told, capabilities="IMAP4rev1 SASL-IR AUTH=PLAIN NAMESPACE") as connection:
        connection.identify()
        kinds = [one.space for one in connection.spaces]
    assert kinds == [Space.OWN] + [Space.OTHERS] * 15 + [Space.SHARED] * 5


# -- IDLE


@pytest.fixture
def poke():
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_idle_sees_what_is_in_the_buffer_already(poke):
    script = r"""
        C: {tag} NOOP
        S: {tag} OK x
        C: {tag} IDLE
        S- + idling\r\n* 4 EXISTS\r\n
        C: DONE
        S: * 1 EXPUNGE
        S: {tag} OK x
        """
    with talking(SELECT, script) as connection:
        connection.select("INBOX")
        started = time.monotonic()
        assert connection.idle(poke[0], 60) is Woken.NEWS
        assert time.monotonic() - started < imap_watch._NAP / 2
        assert connection.take_news() == {"EXISTS", "EXPUNGE"}


def test_what_came_before_idle_is_told_without_it(poke):
    with talking(SELECT, "C: {tag} NOOP\nS: * 1 EXPUNGE\nS: {tag} OK x") as connection:
        connection.select("INBOX")
        assert connection.idle(poke[0], 60) is Woken.NEWS
        assert connection.take_news() == {"EXPUNGE"}


def test_idle_waits_for_the_rest_of_a_line(poke):
    script = r"""
        C: {tag} NOOP
        S: {tag} OK x
        C: {tag} IDLE
        S- + idling\r\n* 4 EX
        STALL rest
        S: ISTS
        C: DONE
        S: {tag} OK x
        """
    from imap_talk import connect, hello
    from scripted import Scripted

    with Scripted(hello(), SELECT, script) as server:
        connection = connect(server)
        connection.select("INBOX")
        threading.Timer(0.2, server.release, ["rest"]).start()
        assert connection.idle(poke[0], 5) is Woken.NEWS
        connection.abort()


def test_idle_ends_by_poke_and_by_time(poke):
    script = "C: {tag} NOOP\nS: {tag} OK x\nC: {tag} IDLE\nS: + i\nC: DONE\nS: {tag} OK x\n" * 2
    with talking(SELECT, script) as connection:
        connection.select("INBOX")
        assert connection.idle(poke[0], 0.1) is Woken.TIMEOUT
        poke[1].send(b"x")
        assert connection.idle(poke[0], 5) is Woken.POKE


def test_idle_over_tls(poke):
    import certs
    from imap_talk import hello

    from mua.model.account import Security

    script = (
        "C: {tag} NOOP\nS: {tag} OK x\nC: {tag} IDLE\n"
        r"S- + i\r\n* 9 EXISTS\r\n* 1 EXPUNGE\r\n"
        "\nC: DONE\nS: {tag} OK x\n"
    )
    ca_file = str(certs.authority().ca_file)
    greeting = "TLS: good" + hello()
    with talking(SELECT, script, greeting=greeting, security=Security.TLS, ca_file=ca_file) as connection:
        connection.select("INBOX")
        assert connection.idle(poke[0], 5) is Woken.NEWS


def test_a_computer_that_slept_is_noticed_and_the_connection_probed(poke, monkeypatch):
    monkeypatch.setattr("mua.net.imap_watch._NAP", 0.05)
    monkeypatch.setattr("mua.net.imap_watch._ASLEEP", -1.0)  # any nap is longer than it should be
    script = "C: {tag} NOOP\nS: {tag} OK x\nC: {tag} IDLE\nS: + i\nC: DONE\nS: {tag} OK x\nC: {tag} NOOP\nSTALL never"
    with talking(SELECT, script, partial=True, timeout=60) as connection:
        connection.select("INBOX")
        assert connection.idle(poke[0], 5) is Woken.SLEPT
        started = time.monotonic()
        with pytest.raises(MailError) as caught:
            connection.probe(0.2)
        assert caught.value.code == "timeout"
        assert time.monotonic() - started < 30, "it did not wait as long as for an answer"


def test_idle_cut(poke):
    with talking(SELECT, "C: {tag} NOOP\nS: {tag} OK x\nC: {tag} IDLE\nS: + i\nDROP") as connection:
        connection.select("INBOX")
        with pytest.raises(MailError) as caught:
            connection.idle(poke[0], 5)
        assert caught.value.kind is Kind.CONNECTION


def test_idle_refused_leaves_the_connection_usable(poke):
    with talking(
        SELECT, "C: {tag} NOOP\nS: {tag} OK x\nC: {tag} IDLE\nS: {tag} NO never\nC: {tag} NOOP\nS: {tag} OK x"
    ) as connection:
        connection.select("INBOX")
        with pytest.raises(MailError):
            connection.idle(poke[0], 5)
        connection.noop()


def test_without_idle_it_asks_now_and_then(poke, monkeypatch):
    monkeypatch.setattr("mua.net.imap_watch._POLL", 0.05)
    script = "C: {tag} NOOP\nS: {tag} OK x\nC: {tag} NOOP\nS: * 4 EXISTS\nS: {tag} OK x"
    capabilities = CAPABILITIES.replace(" IDLE", "")
    with talking(SELECT, script, capabilities=capabilities) as connection:
        connection.select("INBOX")
        assert connection.idle(poke[0], 5) is Woken.NEWS


def test_another_thread_can_end_a_wait(poke):
    with talking(SELECT, "C: {tag} NOOP\nS: {tag} OK x\nC: {tag} IDLE\nS: + i", partial=True) as connection:
        connection.select("INBOX")
        threading.Timer(0.2, connection.interrupt).start()
        with pytest.raises(MailError) as caught:
            connection.idle(poke[0], 5)
        assert caught.value.kind is Kind.CONNECTION


def test_the_selected_mailbox_is_left_before_its_status_is_believed():
    listing = 'C: {tag} LIST "" "*"\nS: {tag} OK x\nC: {tag} LSUB "" "*"\nS: {tag} OK x'
    with talking(SELECT, "C: {tag} UNSELECT\nS: {tag} OK x", listing, listing) as connection:
        connection.select("INBOX")
        connection.list_folders()
        connection.list_folders()
    without = CAPABILITIES.replace(" UNSELECT", "")
    with talking(SELECT, "C: {tag} NOOP\nS: * 4 EXISTS\nS: {tag} OK x", listing, capabilities=without) as connection:
        connection.select("INBOX")
        connection.list_folders()
        assert connection.news == {"EXISTS"}


@pytest.mark.parametrize("before", ["UNSELECT", "NOOP"])
def test_a_server_ends_commands_that_were_sent_together_in_its_own_order(before):
    """Dovecot lists while it still looks after the mailbox (RFC 3501 s.5.5)."""
    script = f"""
        C: {{tag}} {before}
        C: {{tag}} LIST "" "*"
        S: * LIST () "/" INBOX
        S: {{tag}} OK listed
        S: {{tag-1}} OK looked
        C: {{tag}} LSUB "" "*"
        S: {{tag}} OK x
    """
    less = CAPABILITIES if before == "UNSELECT" else CAPABILITIES.replace(" UNSELECT", "")
    with talking(SELECT, script, capabilities=less) as connection:
        connection.select("INBOX")
        assert [one.name for one in connection.list_folders()] == ["INBOX"]


def test_a_list_that_is_refused_does_not_hide_that_the_mailbox_was_left():
    script = 'C: {tag} UNSELECT\nS: {tag} OK x\nC: {tag} LIST "" "*"\nS: {tag} NO not now'
    with talking(SELECT, script) as connection:
        connection.select("INBOX")
        with pytest.raises(MailError):
            connection.list_folders()
        assert connection.selected == ""
