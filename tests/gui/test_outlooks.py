"""While a letter is addressed that goes directly: nothing is looked up before leave, which is asked for once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from dns_server import DnsServer
from gui_office import Office, office, wait_until
from PySide6.QtWidgets import QApplication

from mua import wire
from mua.gui.composer import Composer
from mua.gui.preferences import Consent
from mua.gui.widgets import Button
from mua.model.account import DirectOptions, Incoming, Route
from mua.model.address import Address

TABLE = {
    ("good.test", "MX"): ["10 mx.good.test."],
    ("mx.good.test", "A"): ["127.0.0.1"],
    ("sts.test", "MX"): ["10 mx.good.test."],
    ("_mta-sts.sts.test", "TXT"): ['"v=STSv1; id=1;"'],
    ("null.test", "MX"): ["0 ."],
}


@pytest.fixture
def names() -> Iterator[DnsServer]:
    with DnsServer(dict(TABLE)) as server:
        yield server


@pytest.fixture
def place(qapp: QApplication, tmp_path: Path, names: DnsServer) -> Iterator[Office]:
    with office(tmp_path / "p", secrets="file") as made:
        made.ask(wire.Hello("window", events=True, passphrase="open sesame"))
        options = DirectOptions(names.address, 25, True)
        local = {"incoming": Incoming.LOCAL, "incoming_server": None, "submission": None}
        made.ask(wire.AddAccount(replace(made.account(), route=Route.DIRECT, direct=options, **local), ""))
        wait_until(lambda: made.program.desk.accounts, "the account")
        yield made


def compose(place: Office, *addresses: str) -> Composer:
    composer = place.write()
    composer.to.set_addresses([Address("", one) for one in addresses])
    return composer


def look(place: Office, composer: Composer) -> None:
    """What happens a moment after the last change."""
    place.rooms.composing._outlooks._look(composer)


def answer(composer: Composer, text: str) -> None:
    wait_until(composer.ahead.isVisible, "the question")
    next(one for one in composer.ahead.findChildren(Button) if one.text() == text).click()


def test_nothing_is_looked_up_before_leave(place: Office, names: DnsServer) -> None:
    composer = compose(place, "ann@good.test")
    wait_until(composer.ahead.isVisible, "the question")
    assert "good.test" in composer.ahead.accessibleName()
    assert not names.asked
    answer(composer, "Do not")
    assert not composer.ahead.isVisible()
    assert place.program.desk.preferences.look_ahead is Consent.NO
    again = compose(place, "ann@null.test")
    look(place, again)
    assert not again.ahead.isVisible()
    assert not names.asked


def test_what_is_known_is_on_the_chips(place: Office, names: DnsServer) -> None:
    composer = compose(place, "ann@good.test", "ben@null.test", "cat@sts.test", "dan@absent.test", "no address")
    answer(composer, "Look up")
    assert place.program.desk.preferences.look_ahead is Consent.YES
    chips = composer.chips()
    wait_until(lambda: chips[1].trouble and chips[3].trouble, "what the DNS says")
    assert [chip.trouble for chip in chips] == [
        "", "null.test does not take mail.", "", "There is no domain absent.test.", "",
    ]  # fmt: skip
    assert "MTA-STS" in chips[2].toolTip()
    assert "does not take mail" in chips[1].accessibleName()
    names.asked.clear()
    again = compose(place, "eve@null.test")  # another letter: known already, and nobody is asked again
    wait_until(lambda: again.chips()[0].trouble, "what is known")
    assert not names.asked
    assert not again.ahead.isVisible()


def test_mail_by_a_server_asks_nothing(qapp: QApplication, tmp_path: Path) -> None:
    with office(tmp_path / "q") as made:
        made.sign_in()
        composer = compose(made, "ann@good.test")
        look(made, composer)
        assert not composer.ahead.isVisible()
