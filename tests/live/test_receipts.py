"""A receipt through Postfix: with an empty sender, to who asked, once, and told to the server."""

import email
import email.policy
from contextlib import closing
from pathlib import Path

import pytest
from lab import Lab, User, message, until

from mua import wire
from mua.cli.client import EngineClient
from mua.errors import MailError
from mua.mime.report import report
from mua.model.report import Action
from mua.paths import Profile
from mua.store import read
from mua.store.db import open_reader

pytestmark = [pytest.mark.live, pytest.mark.msa]


def nobody(_: Profile) -> None:
    """No engine is started: one runs."""


def test_a_receipt_reaches_who_asked_with_an_empty_sender(lab: Lab, profile: Path, account: User) -> None:
    bob, home = lab.user("bob"), Profile(profile)
    fields = {"to": account.address, "message_id": "<asked@good.test>", "disposition_notification_to": bob.address}
    assert not lab.deliver(account, message("Please read", bob.address, "Now.\n", **fields))
    lab.mua("sync", "--until-complete", profile=profile).ok()
    with closing(open_reader(home)) as db:
        [row] = read.with_message_id(db, "asked@good.test", read.accounts(db)[0].id)
    with EngineClient(home, nobody) as client:
        client.ask(wire.OpenMessage(row.id), wire.Done)
        assert lab.mua("outbox", "--all", profile=profile).ok() == []
        client.ask(wire.AnswerReceipt(row.id, True, (bob.address,)), wire.Done)
        with pytest.raises(MailError, match="answered before"):
            client.ask(wire.AnswerReceipt(row.id, True, (bob.address,)), wire.Done)
    [raw] = until(lambda: lab.raw_messages(bob), "the receipt").values()
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert (parsed["return-path"], parsed["from"]) == ("<>", account.address)
    found = report(raw)
    assert found is not None and found.message_id == "asked@good.test"
    [told] = found.recipients
    assert (told.action, told.final) == (Action.DISPLAYED, account.address)
    until(lambda: [one for _, one in lab.messages(account).values() if "$MDNSent" in one], "the flag on the server")
    [sent] = lab.mua("outbox", "--all", profile=profile).ok()
    assert [one["state"] for one in sent["recipients"]] == ["accepted"]
    lab.mua("sync", "--until-complete", profile=profile).ok()
    assert "Sent" not in lab.folders(account) or lab.raw_messages(account, "Sent") == {}
