"""Sending through the MSA: verdicts per recipient, Bcc kept off the wire, one sent copy, nothing lost while offline."""

import email
import email.policy
import io
import json
import random
import subprocess
import time
import wave
import zipfile
from pathlib import Path

import pytest
from lab import Lab, User, message, until
from lab_config import FULL, REFUSAL

pytestmark = [pytest.mark.live, pytest.mark.msa]


def mail_to(*recipients: str, sender: str, subject: str = "Three of us", **fields: str) -> bytes:
    return message(subject, sender, "Hello to all.\n.leading dot\n", to=", ".join(recipients), **fields)


def send(lab: Lab, profile: Path, raw: bytes, *words: object) -> object:
    return lab.mua("send", "-", *words, profile=profile, stdin=raw)


def states(document: dict) -> dict[str, str]:
    return {recipient["address"]: recipient["state"] for recipient in document["recipients"]}


def arrived(lab: Lab, user: User, subject: str, patience: float = 60) -> list[bytes]:
    """The messages of that subject in the user's inbox, once there is one."""

    def found() -> list[bytes]:
        return [raw for raw in lab.raw_messages(user).values() if f"Subject: {subject}\r\n".encode() in raw]

    return until(found, f"{subject} at {user.address}", patience)


def test_two_get_it_and_the_third_is_refused_in_the_servers_words(lab: Lab, profile: Path, account: User) -> None:
    bob, carol = lab.user("bob"), lab.user("carol")
    raw = mail_to(bob.address, carol.address, "refused@good.test", sender=account.address)
    done = send(lab, profile, raw, "--wait")
    assert done.code == 1, done.explain()
    document = done.data
    assert states(document) == {bob.address: "accepted", carol.address: "accepted", "refused@good.test": "refused"}
    refused = next(one for one in document["recipients"] if one["state"] == "refused")
    assert (refused["code"], refused["phase"]) == (550, "rcpt")
    assert REFUSAL in refused["text"]
    for user in (bob, carol):
        (copy,) = arrived(lab, user, "Three of us")
        assert copy.endswith(raw.split(b"\r\n\r\n", 1)[1])
    lab.mua("sync", profile=profile).ok()
    assert len(until(lambda: lab.raw_messages(account, "Sent"), "the sent copy")) == 1
    listed = lab.mua("outbox", "--all", profile=profile).ok()
    assert [states(one) for one in listed] == [states(document)]
    told = lab.mua("timeline", document["id"], profile=profile).ok()["recipients"][2]
    (step,) = told["steps"]
    assert (told["address"], step["state"], step["code"]) == ("refused@good.test", "refused", 550)
    assert any(line.startswith("S: 550 5.1.1") and REFUSAL in line for line in step["dialogue"])
    assert "C: RCPT TO:<refused@good.test>" in " ".join(step["dialogue"])


def test_a_full_mailbox_is_tried_again_later(lab: Lab, profile: Path, account: User) -> None:
    done = send(lab, profile, mail_to("full@good.test", sender=account.address), "--wait")
    assert done.code == 1, done.explain()
    (recipient,) = done.data["recipients"]
    assert (recipient["state"], recipient["code"]) == ("deferred", 452)
    assert FULL in recipient["text"]
    assert recipient["next_attempt"]
    assert [states(one) for one in lab.mua("outbox", profile=profile).ok()] == [{"full@good.test": "deferred"}]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_both_ways_into_the_msa(lab: Lab, profile: Path, alice: User, security: str) -> None:
    bob = lab.user("bob")
    port = lab.plan.submission if security == "starttls" else lab.plan.submissions
    lab.add_account(profile, alice, smtp=f"{lab.plan.msa_host}:{port}", smtp_security=security).ok()
    done = send(lab, profile, mail_to(bob.address, sender=alice.address, subject="By both"), "--wait")
    assert states(done.ok()) == {bob.address: "accepted"}
    arrived(lab, bob, "By both")


def test_bcc_gets_it_and_nobody_sees_that(lab: Lab, profile: Path, account: User) -> None:
    to, cc, bcc = lab.user("to"), lab.user("cc"), lab.user("bcc")
    attached = lab.folder / "numbers.csv"
    attached.write_bytes(b"1,2\r\n3,4\n\x00\xff")
    words = ("--to", to.address, "--cc", cc.address, "--bcc", bcc.address, "--subject", "Überraschung")
    done = lab.mua("compose", *words, "--body", "Grüße\n", "--attach", attached, "--wait", profile=profile)
    assert set(states(done.ok()).values()) == {"accepted"}
    assert len(states(done.data)) == 3
    for user in (to, cc, bcc):
        (raw,) = until(lambda user=user: lab.raw_messages(user), user.address).values()
        parsed = email.message_from_bytes(raw, policy=email.policy.default)
        assert bcc.address not in raw.decode("latin-1").split("\r\n\r\n")[0].partition("From:")[2]
        assert (parsed["Subject"], parsed["To"], parsed["Cc"]) == ("Überraschung", to.address, cc.address)
        assert parsed.get_body().get_content().replace("\r\n", "\n") == "Grüße\n"
        (part,) = parsed.iter_attachments()
        assert (part.get_filename(), part.get_payload(decode=True)) == ("numbers.csv", attached.read_bytes())
    lab.mua("sync", profile=profile).ok()
    (copy,) = until(lambda: lab.raw_messages(account, "Sent"), "the sent copy").values()
    assert bcc.address.encode() in copy


def test_what_is_sent_is_what_was_given(lab: Lab, profile: Path, account: User) -> None:
    bob = lab.user("bob")
    raw = mail_to(bob.address, sender=account.address, subject="Untouched", message_id="<keep.me@good.test>")
    done = send(lab, profile, raw, "--wait")
    assert done.ok()["message_id"].strip("<>") == "keep.me@good.test"
    (copy,) = arrived(lab, bob, "Untouched")
    assert copy.endswith(raw)


def test_without_wait_it_is_durable_and_goes_out_by_itself(lab: Lab, profile: Path, account: User) -> None:
    bob = lab.user("bob")
    done = send(lab, profile, mail_to(bob.address, sender=account.address, subject="No hurry"))
    assert states(done.ok()).keys() == {bob.address}
    assert len(arrived(lab, bob, "No hurry")) == 1


def test_written_offline_it_goes_out_with_the_next_sync(lab: Lab, profile: Path, alice: User) -> None:
    bob = lab.user("bob")
    proxy = lab.proxy(lab.plan.submission, lab.plan.msa_ip)
    proxy.refuse()
    lab.add_account(profile, alice, smtp=f"{lab.plan.msa_host}:{proxy.port}").ok()
    done = send(lab, profile, mail_to(bob.address, sender=alice.address, subject="Patience"), "--wait")
    assert done.code == 1, done.explain()
    assert set(states(done.data).values()) == {"deferred"}
    lab.stop_engine(profile)
    proxy.resume()
    lab.mua("sync", profile=profile).ok()
    assert len(arrived(lab, bob, "Patience")) == 1
    until(lambda: not lab.mua("outbox", profile=profile).ok(), "an empty outbox")
    until(lambda: len(lab.raw_messages(alice, "Sent")) == 1, "the sent copy")


def test_a_server_that_files_what_is_sent_keeps_one_copy_and_is_known_from_then_on(lab, profile, alice):
    bob = lab.user("bob")
    lab.add_account(profile, alice).ok()
    lab.mua("sync", "--until-complete", profile=profile).ok()
    first = send(lab, profile, mail_to(bob.address, sender=alice.address, subject="Twice"), "--wait").ok()
    until(lambda: len(lab.raw_messages(alice, "Sent")) == 1, "our copy")
    [(_, ours)] = lab.raw_messages(alice, "Sent").items()
    with lab.imap(alice) as server:
        server.append("Sent", r"(\Seen)", None, ours)  # what such a server does, a moment late
    lab.mua("sync", "--until-complete", profile=profile).ok()
    lab.mua("outbox", profile=profile).ok()
    send(lab, profile, mail_to(bob.address, sender=alice.address, subject="Once"), "--wait").ok()
    lab.mua("sync", "--until-complete", profile=profile).ok()
    until(
        lambda: sum(b"Subject: Twice" in one for one in lab.raw_messages(alice, "Sent").values()) == 1, "one of the two"
    )
    listed = {one["id"]: one["sent_copy"] for one in lab.mua("outbox", "--all", profile=profile).ok()}
    assert listed[first["id"]] == "server"


def test_what_waits_is_cancelled_for_one_and_goes_through_another_server_for_the_other(lab, profile, alice):
    bob, carol = lab.user("bob"), lab.user("carol")
    proxy = lab.proxy(lab.plan.submission, lab.plan.msa_ip)
    proxy.refuse()
    lab.add_account(profile, alice, smtp=f"{lab.plan.msa_host}:{proxy.port}").ok()
    lab.add_account(profile, carol, name="carol").ok()
    to = f"{bob.address}, {carol.address}"
    sent = send(lab, profile, mail_to(to, sender=alice.address, subject="Detour"), "--wait", "--account", alice.address)
    assert set(states(sent.data).values()) == {"deferred"}
    number = sent.data["id"]
    after = lab.mua("cancel", number, carol.address, profile=profile).ok()
    assert states(after) == {bob.address: "deferred", carol.address: "cancelled"}
    again = lab.mua("retry", number, carol.address, profile=profile)
    assert again.code == 1, again.explain()
    lab.mua("retry", number, "--through", "carol", profile=profile).ok()
    assert len(arrived(lab, bob, "Detour")) == 1
    [one] = lab.mua("outbox", "--all", profile=profile).ok()
    until(lambda: len(lab.raw_messages(alice, "Sent")) == 1, "the copy in the sender's own Sent")
    assert states(one)[carol.address] == "cancelled"
    assert not lab.raw_messages(carol, "Sent")


def test_lost_at_the_dot_is_unknown_and_never_sent_again_by_itself(lab: Lab, profile: Path, alice: User) -> None:
    """The server has the whole message; its answer is cut off.  It must not go out twice."""
    bob = lab.user("bob")
    proxy = lab.proxy(lab.plan.submissions, lab.plan.msa_ip)
    smtp = {"smtp": f"{lab.plan.msa_host}:{proxy.port}", "smtp_security": "tls"}
    lab.add_account(profile, alice, **smtp).ok()
    big = mail_to(bob.address, sender=alice.address, subject="Once only") + (b"x" * 70 + b"\r\n") * 800  # by DATA
    path = lab.folder / "once-only.eml"
    path.write_bytes(big)
    proxy.hold_replies_after(len(big))
    with lab.popen_mua("send", path, "--wait", profile=profile, stdout=subprocess.DEVNULL) as running:
        arrived(lab, bob, "Once only")
        proxy.cut()
        proxy.resume()
        assert running.wait(60) == 1
    until(lambda: "unknown" in json.dumps(lab.mua("outbox", "--all", profile=profile).ok()), "the verdict: unknown")
    lab.mua("sync", profile=profile)
    assert len(arrived(lab, bob, "Once only")) == 1


def test_a_refused_sender_account_keeps_the_mail(lab: Lab, profile: Path, alice: User) -> None:
    lab.add_account(profile, alice, password="not the password").ok()
    raw = mail_to("bob@good.test", sender=alice.address)
    done = send(lab, profile, raw, "--wait")
    assert done.code == 1, done.explain()
    assert set(states(done.data).values()) <= {"deferred", "queued"}
    assert len(lab.mua("outbox", profile=profile).ok()) == 1


def test_a_reply_threads_with_what_it_answers(lab: Lab, profile: Path, account: User) -> None:
    lab.fill(account, [message("A question", message_id="<q@elsewhere.test>")])
    bob = lab.user("bob")
    answer = mail_to(bob.address, sender=account.address, subject="Re: A question", in_reply_to="<q@elsewhere.test>")
    assert send(lab, profile, answer, "--wait").code == 0
    lab.mua("sync", "--until-complete", profile=profile).ok()
    question = lab.mua("list", "INBOX", profile=profile).ok()[0]
    reply = lab.mua("list", "Sent", profile=profile).ok()[0]
    assert reply["thread_id"] == question["thread_id"]


def test_a_bounce_finds_the_mail_that_it_is_about(lab: Lab, profile: Path, account: User) -> None:
    """The MSA accepts two, cannot deliver one, and sends a real delivery report to the sender's inbox."""
    bob, lost = lab.user("bob"), "no!body@good.test"  # what Dovecot takes for nobody
    raw = mail_to(bob.address, lost, sender=account.address, subject="One of two")
    sent = send(lab, profile, raw, "--wait").ok()
    assert states(sent) == {bob.address: "accepted", lost: "accepted"}

    def news() -> dict[str, str | None]:
        lab.mua("sync", profile=profile).ok()
        (found,) = lab.mua("outbox", "--all", profile=profile).ok()
        return {one["address"]: one["reported"] and one["reported"]["action"] for one in found["recipients"]}

    until(lambda: news()[lost], "the report")
    assert news() == {bob.address: None, lost: "failed"}


def test_scheduled_it_waits_here_with_its_engine_and_goes_at_its_time(lab: Lab, profile: Path, alice: User) -> None:
    bob, hidden = lab.user("bob"), lab.user("hidden")
    lab.add_account(profile, alice).ok()
    attached = lab.folder / "later.bin"
    attached.write_bytes(bytes(range(256)) * 2000)
    words = ("compose", "--to", bob.address, "--bcc", hidden.address, "--subject", "Scheduled", "--attach", attached)
    assert "is past" in lab.mua(*words, "--at", "2026-01-01 09:00", profile=profile).failed("bad-time")
    wrong = lab.mua(*words, "--at", "tomorrow", profile=profile)
    assert (wrong.code, "is no time" in wrong.stderr) == (2, True), wrong.explain()
    assert lab.mua(*words, "--at", "2099-01-01 09:00", "--wait", profile=profile).code == 2
    tomorrow = int(time.time()) + 86400
    by = ("--at", rfc3339(tomorrow), "--deliver-by", rfc3339(tomorrow - 3600))
    assert "to be delivered before" in lab.mua(*words, *by, profile=profile).failed("bad-time")
    waits = lab.mua(*words, "--at", rfc3339(tomorrow), profile=profile).ok()
    attached.unlink()
    assert (waits["not_before"], waits["scheduled"]) == (rfc3339(tomorrow), True)
    assert set(states(waits).values()) == {"queued"}
    pid = lab.engine_pid(profile)
    lab.mua("sync", profile=profile).ok()
    (listed,) = lab.mua("outbox", profile=profile).ok()
    assert [one["next_attempt"] for one in listed["recipients"]] == [rfc3339(tomorrow)] * 2
    assert pid is not None
    assert lab.engine_pid(profile) == pid  # no client is left, and it stays
    lab.stop_engine(profile, sign=9)
    for ahead in (6, 30, 120):  # on a busy machine a command alone may take six seconds
        soon = int(time.time()) + ahead
        again = lab.mua("reschedule", waits["id"], "--at", rfc3339(soon), profile=profile)
        if "is past" not in again.explain():
            break
    put = again.ok()
    assert (put["not_before"], put["message_id"]) == (rfc3339(soon), waits["message_id"])
    (copy,) = arrived(lab, bob, "Scheduled", ahead + 60)
    assert time.time() >= soon
    parsed = email.message_from_bytes(copy, policy=email.policy.default)
    assert parsed["Date"].datetime.timestamp() == soon
    assert len(parsed.get_all("Date")) == 1
    assert parsed["Message-ID"].strip("<>") == waits["message_id"]
    assert [one.get_payload(decode=True) for one in parsed.iter_attachments()] == [bytes(range(256)) * 2000]
    assert len(arrived(lab, hidden, "Scheduled")) == 1
    until(lambda: len(lab.raw_messages(alice, "Sent")) == 1, "the sent copy")
    (kept,) = lab.raw_messages(alice, "Sent").values()
    assert f"Bcc: {hidden.address}".encode() in kept
    late = lab.mua("reschedule", waits["id"], "--now", profile=profile).failed("too-late")
    assert "on its way already" in late


def rfc3339(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def test_what_is_scheduled_goes_now_by_hand_and_its_date_is_now(lab: Lab, profile: Path, account: User) -> None:
    bob, carol = lab.user("bob"), lab.user("carol")
    raw = mail_to(bob.address, carol.address, sender=account.address, subject="Forward")
    waits = send(lab, profile, raw, "--at", rfc3339(int(time.time()) + 86400)).ok()
    only = lab.mua("retry", waits["id"], bob.address, profile=profile).failed("scheduled")
    assert "for all its recipients" in only
    before = int(time.time())
    lab.mua("retry", waits["id"], profile=profile).ok()
    for user in (bob, carol):
        (copy,) = arrived(lab, user, "Forward")
        parsed = email.message_from_bytes(copy, policy=email.policy.default)
        assert before <= parsed["Date"].datetime.timestamp() <= time.time()


def test_a_condition_that_the_server_does_not_take_holds_the_mail_back_and_a_wish_does_not(lab, profile, account):
    bob = lab.user("bob")
    held = lab.mua("compose", "--to", bob.address, "--body", "x", "--require-tls", "--wait", profile=profile)
    assert held.code == 1, held.explain()
    (recipient,) = held.data["recipients"]
    assert (recipient["state"], held.data["require_tls"]) == ("refused", True)
    assert f"{lab.plan.msa_host} does not promise encryption all the way" in held.stderr
    raw = mail_to(bob.address, sender=account.address, subject="Soon, please")
    sent = send(lab, profile, raw, "--wait", "--deliver-by", "2030-01-02T03:04:05Z").ok()
    assert sent["deliver_by"] == "2030-01-02T03:04:05Z"
    assert [(one["state"], one["unmet"]) for one in sent["recipients"]] == [("accepted", "DELIVERBY")]
    (copy,) = arrived(lab, bob, "Soon, please")
    assert copy.endswith(raw)
    assert len(lab.raw_messages(bob)) == 1


def three_thousand_pages() -> bytes:
    """A PDF file of so many pages, each with its number."""
    parts = [b"<</Type/Catalog/Pages 2 0 R>>", b""]
    kids = []
    for page in range(1, 3001):
        text = b"BT /F1 24 Tf 72 720 Td (Page %d) Tj ET" % page
        kids.append(b"%d 0 R" % (len(parts) + 1))
        parts.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %d 0 R"
            b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>" % (len(parts) + 2)
        )
        parts.append(b"<</Length %d>>stream\n%s\nendstream" % (len(text), text))
    parts[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), b" ".join(kids))
    out, places = bytearray(b"%PDF-1.4\n"), list[int]()
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, len(out))
    return bytes(out) + b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1) + table + end


def files_of_all_kinds(folder: Path) -> dict[str, tuple[str, bytes]]:
    """Sound, film, a long document, a packed folder and 200 small files: by name the type, and the bytes."""
    chance = random.Random(8)
    sound, packed = io.BytesIO(), io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(chance.randbytes(44100 * 4 * 3))
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("plans/hall.txt", "plans/größe.bin"):
            archive.writestr(name, chance.randbytes(5_000))
    film = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\x10\0\x08mdat" + chance.randbytes(1 << 20)
    files = {
        "voice.wav": ("audio/", sound.getvalue()),
        "film.mp4": ("video/mp4", film),
        "long.pdf": ("application/pdf", three_thousand_pages()),
        "plans.zip": ("application/", packed.getvalue()),
    }
    for number in range(200):
        data = chance.randbytes(chance.randrange(3)) if number % 9 == 0 else b"line %d\r\nx\ny\r\0" % number
        files[f"small {number} é.dat"] = ("", data)
    for name, (_, data) in files.items():
        (folder / name).write_bytes(data)
    return files


def test_files_of_all_kinds_arrive_and_are_saved_byte_for_byte(lab: Lab, profile: Path, account: User) -> None:
    bob = lab.user("bob")
    given = lab.folder / "given"
    given.mkdir()
    files = files_of_all_kinds(given)
    words = [word for name in files for word in ("--attach", given / name)]
    whom = ("--to", f"{bob.address},{account.address}", "--subject", "Kinds")
    done = lab.mua("compose", *whom, *words, "--wait", profile=profile)
    assert set(states(done.ok()).values()) == {"accepted"}
    (copy,) = arrived(lab, bob, "Kinds")
    arrived(lab, account, "Kinds")
    parsed = email.message_from_bytes(copy, policy=email.policy.default)
    got = {one.get_filename(): one for one in parsed.iter_attachments()}
    assert {name: one.get_payload(decode=True) for name, one in got.items()} == {name: files[name][1] for name in files}
    assert [name for name, (kind, _) in files.items() if not got[name].get_content_type().startswith(kind)] == []
    assert max(map(len, copy.split(b"\r\n"))) <= 998
    lab.mua("sync", profile=profile).ok()
    row = next(one for one in lab.mua("list", "INBOX", profile=profile).ok() if one["subject"] == "Kinds")
    parts = {one["name"]: one["part"] for one in lab.mua("show", row["id"], profile=profile).ok()["attachments"]}
    assert set(parts) == set(files)
    taken = lab.folder / "taken"
    taken.mkdir()
    for name in ("film.mp4", "long.pdf"):
        lab.mua("save", row["id"], parts[name], taken, profile=profile).ok()
        assert (taken / name).read_bytes() == files[name][1]
