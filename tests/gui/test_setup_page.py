"""First run and further accounts, by hand against the demo servers, and what is said when something is wrong."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from gui_office import Office, office, wait_until
from lab import free_ports
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QWidget

from mua import wire
from mua.engine import portable as sealing
from mua.errors import Kind, MailError, Retry
from mua.gui.account_form import AccountForm, Wrong
from mua.gui.account_panel import AccountPanel
from mua.gui.contacts_page import ContactsPage
from mua.gui.exporting import Exporting
from mua.gui.import_page import ImportPage
from mua.gui.journal import Letter
from mua.gui.people import People
from mua.gui.secrets_choice import SecretsChoice
from mua.gui.settings import SettingsPage
from mua.gui.setup import SetupPage
from mua.gui.widgets import Button, Label
from mua.model.account import Account, AccountId, DirectOptions, Incoming, PopOptions, Route, Security, Server
from mua.model.address import Address
from mua.model.contact import Group
from mua.model.folder import FolderId, Role
from mua.model.quota import Quota
from mua.paths import Profile
from mua.store import archive, read, write
from mua.store.blobs import Bodies
from mua.store.db import Store


@pytest.fixture
def place(qapp: QApplication, tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "p") as made:
        wait_until(lambda: made.rooms.setup is not None, "the page of a profile without an account")
        yield made


def fill_in(place: Office, password: str) -> SetupPage:
    """The form by hand with the demo servers, once the window knows that the profile has no account."""
    wait_until(lambda: place.rooms.setup is not None, "the page of a profile without an account")
    page = place.rooms.setup
    assert page is not None
    page.address.setText(place.servers.login.user)
    page.password.setText(password)
    page.open_form()
    page.form.show_account(place.account())
    return page


def test_first_run_by_hand_ends_in_the_mail(place: Office) -> None:
    page = fill_in(place, place.servers.login.password)
    page.proceed()
    wait_until(lambda: place.rooms.setup is None, "the page is left")
    (account,) = read.accounts(place.db)
    assert (account.email, account.full_name) == ("robin@demo.mua.example", "Robin Vale")
    wait_until(lambda: place.folder(Role.INBOX) and place.folder(Role.SENT), "folders")
    assert place.program.window._whole.currentIndex() == 0


def test_a_wrong_password_is_a_sentence_and_nothing_is_added(place: Office) -> None:
    page = fill_in(place, "not the password")
    page.proceed()
    wait_until(lambda: "password" in page.banner.text().lower() and page.go.isEnabled(), "the sentence")
    assert read.accounts(place.db) == []
    assert not page.banner.isHidden()
    page.password.setText(place.servers.login.password)
    page.proceed()
    wait_until(lambda: read.accounts(place.db), "the account")


def test_a_closed_port_is_a_sentence(place: Office) -> None:
    page = fill_in(place, "x")
    page.form.receiving.port.setText("1")
    page.form.route.choose("none")
    page.proceed()
    wait_until(lambda: page.go.isEnabled() and page.banner.text(), "the sentence")
    assert "127.0.0.1" in page.banner.text()
    assert read.accounts(place.db) == []


def test_the_look_up_starts_when_the_address_is_left(place: Office) -> None:
    page = place.rooms.setup
    assert page is not None
    page.address.setText("someone@gmail.com")
    page.address.editingFinished.emit()
    wait_until(lambda: page._found is not None, "what was found")
    assert "imap.gmail.com, port 993, TLS" in page.found.lines.text()
    assert "According to" in page.found.lines.text()
    assert "app password" in page.found.note.text()
    assert page.password.placeholderText() == "App password"
    assert not page.found.help.isHidden()
    page.found.change.click()
    assert page.form.receiving.host.text() == "imap.gmail.com"


def test_a_look_up_that_found_nothing_is_made_again_and_never_hangs(place: Office) -> None:
    """Continue after "could not be found" asks once more, and the page can be used again when that fails too."""
    page = place.rooms.setup
    assert page is not None
    asked: list[wire.Command] = []
    page.asked.connect(lambda command, *_: asked.append(command))
    page.address.setText("robin@nowhere.invalid")
    page.address.editingFinished.emit()
    wait_until(lambda: page.banner.text(), "that nothing was found")
    page.password.setText("x")
    page.banner.say("")
    page.proceed()
    assert not page.go.isEnabled()
    wait_until(lambda: page.banner.text() and page.go.isEnabled(), "the page is usable again")
    assert [type(one) for one in asked] == [wire.Discover, wire.Discover]


def test_enter_in_the_form_goes_on(place: Office) -> None:
    page = fill_in(place, place.servers.login.password)
    QTest.keyClick(page.form.sending.user, Qt.Key.Key_Return)
    wait_until(lambda: read.accounts(place.db), "the account")


def test_a_late_answer_about_another_address_is_dropped(place: Office) -> None:
    page = place.rooms.setup
    assert page is not None
    page._looked_up = "b@example.org"
    found = wire.Discovered((Account(AccountId(0), "a", "a@example.org"),), ("the table",))
    page._discovered("a@example.org", found)
    assert page._found is None


def test_an_address_that_is_none_is_said(place: Office) -> None:
    page = place.rooms.setup
    assert page is not None
    for address in ("", "robin", "robin@", "robin@example"):
        page.banner.hide()
        page.address.setText(address)
        page.proceed()
        assert not page.banner.isHidden(), address
        assert page.address.property("problem") == "true"


def test_without_a_keyring_the_place_is_chosen_in_place(qapp: QApplication, tmp_path: Path) -> None:
    with office(tmp_path / "p", secrets="") as place:
        page = fill_in(place, place.servers.login.password)
        error = MailError(Kind.LOCAL, Retry.ASK, "No keyring.", code="keyring-unavailable")
        page._not_added(place.account(), place.servers.login.password, error)
        assert page.secrets is not None
        assert not any(part.isEnabled() for part in (page.address, page.password, page.by_hand, page.demo))
        page.secrets.passphrase.setText("long enough")
        assert not page.secrets.button.isEnabled()
        page.secrets.again.setText("long enough")
        page.secrets.button.click()
        wait_until(lambda: place.rooms.setup is None, "the account")
        assert place.program.profile.secrets_file.exists()
        assert place.servers.login.password.encode() not in place.program.profile.secrets_file.read_bytes()


def import_page(place: Office) -> ImportPage:
    """The page of mail from elsewhere, from the first run."""
    assert place.rooms.setup is not None
    place.rooms.setup.importing.click()
    assert isinstance(place.rooms.page, ImportPage)
    return place.rooms.page


def said(page: QWidget) -> str:
    return "\n".join(one.text() for one in page.findChildren(QLabel))


def test_mail_is_imported_into_a_local_account_and_told(place: Office, tmp_path: Path) -> None:
    old = tmp_path / "Mail" / "Local Folders"
    old.mkdir(parents=True)
    (tmp_path / "prefs.js").write_text(
        'user_pref("mailnews.tags.errand.tag", "Errands");\nuser_pref("mailnews.tags.errand.color", "#00aa00");\n'
    )
    head = b"From - Mon Jan 05 10:00:00 2026\n"
    (old / "Old").write_bytes(
        head + b"X-Mozilla-Keys: errand\nSubject: Kept\n\nx\n\n" + head + b"X-Mozilla-Status: 0008\n\n"
    )
    (tmp_path / "abook.sqlite").write_bytes(b"SQLite")
    page = import_page(place)
    heard: list[wire.Importing] = []
    assert place.program.client is not None
    place.program.client.told.connect(lambda one: heard.append(one) if isinstance(one, wire.Importing) else None)
    page.take([str(tmp_path)])
    wait_until(lambda: page.told and not page.banner.isHidden(), "the report")
    assert place.rooms.page is page, "a first account does not close the report"
    text = said(page)
    for words in ("1 message found, 1 imported, 0 lost.", "1 of 1", "deleted there", "Address books"):
        assert words in text
    assert heard[-1].done == heard[-1].total > 0
    desk = place.program.desk
    assert "Errands" in [one.name for one in desk.preferences.tags]
    desk.change_preferences(replace(desk.preferences, tags=()))
    desk.accounts_read.emit()  # as whenever something was imported, by the command line too
    assert desk.preferences.tags == (), "what a person has removed does not come back"
    page.mail.click()
    assert place.rooms.page is None
    wait_until(lambda: place.program.desk.accounts, "the account")


def test_what_cannot_be_read_is_said_and_leads_back(place: Office, tmp_path: Path) -> None:
    page = import_page(place)
    page.take([str(tmp_path / "nothing")])
    wait_until(lambda: not page.banner.isHidden(), "the sentence")
    assert "cannot be read" in said(page)
    page.left.emit()
    assert place.rooms.setup is not None


def test_an_import_is_stopped_and_what_had_come_stays(place: Office, tmp_path: Path) -> None:
    one = b"From a@b Mon Jan 05 10:00:00 2026\nSubject: x\n\nx\n\n"
    (tmp_path / "many.mbox").write_bytes(one * 30_000)
    page = import_page(place)
    assert place.program.client is not None
    place.program.client.told.connect(lambda event: isinstance(event, wire.Importing) and page.stop.click())
    page.take([str(tmp_path / "many.mbox")])
    wait_until(lambda: page.told, "the report")
    assert page.told[0].stopped
    assert 0 < page.told[0].imported < 30_000
    assert page.told[0].lost == 0
    wait_until(lambda: "It was stopped; what had come stays." in said(page), "the sentence")


def test_a_folder_and_everything_go_into_files(place: Office, tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(b"Subject: Kept\r\n\r\nHello\r\n")
    page = import_page(place)
    page.take([str(tmp_path / "one.eml")])
    wait_until(lambda: page.told and place.program.desk.accounts, "the mail")
    page.mail.click()
    desk = place.program.desk
    folder = page.told[0].folders[0]
    wait_until(lambda: folder.folder_id in desk.folders, "the folder")
    exporting = Exporting(desk)
    out = tmp_path / "out"
    exporting.export(desk.accounts[0], desk.folders[FolderId(folder.folder_id)], str(out), "eml")
    wait_until(lambda: "1 message exported." in said(desk.window.toast), "the note")
    assert [one.read_bytes() for one in out.iterdir()] == [b"Subject: Kept\r\n\r\nHello\r\n"]
    exporting.export(desk.accounts[0], None, str(out), "eml")
    wait_until(lambda: "is there already" in said(desk.window.toast), "the refusal")
    place.rooms.open_settings()
    assert isinstance(place.rooms.page, SettingsPage)
    portable = place.rooms.page.portable
    portable.back_up_to(str(tmp_path / "all.tar"))
    wait_until(lambda: "1 message written and read back, without passwords." in portable.banner.text(), "the backup")
    assert (tmp_path / "all.tar").stat().st_size > 0


def test_a_backup_is_restored_on_the_first_page(place: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Profile(tmp_path / "old").create()
    store = Store(old)
    with store.write(durable=True) as tx:
        write.add_account(tx, Account(AccountId(0), "here", "me@good.test"))
    store.close()
    Bodies(old).close()
    archive.pack(old, tmp_path / "all.tar", sealing._sealed("open sesame", {"1/password": "x"}), lambda *_: False)
    page = place.rooms.setup
    assert page is not None
    part = page.restoring
    part.take(str(tmp_path / "none.tar"))
    wait_until(lambda: part.choose.isEnabled(), "the refusal")
    assert part.passphrase.isHidden() or not part.passphrase.isVisibleTo(part)
    part.take(str(tmp_path / "all.tar"))
    wait_until(lambda: part.passphrase.isVisibleTo(part), "the question for its passphrase")
    part.passphrase.setText("another")
    part.whole.click()
    wait_until(lambda: "passphrase" in part.banner.text() and part.whole.isEnabled(), "that it is not this one")
    part.passphrase.setText("open sesame")
    part.whole.click()
    wait_until(lambda: part.again.isVisibleTo(part), "everything")
    assert part.banner.text().startswith("0 messages and all accounts are here, with their passwords.")
    assert not page.address.isEnabled()
    ended: list[int] = []
    monkeypatch.setattr("mua.gui.app.QCoreApplication.quit", lambda: ended.append(1))
    part.again.click()
    wait_until(lambda: ended, "the end of the engine")
    assert place.program.anew
    assert [one.email for one in read.accounts(place.db)] == ["me@good.test"]


# ---- settings
def settings(place: Office) -> SettingsPage:
    place.sign_in()
    place.rooms.open_settings()
    assert isinstance(place.rooms.page, SettingsPage)
    return place.rooms.page


def test_an_account_is_checked_edited_and_removed(place: Office) -> None:
    page = settings(place)
    (panel,) = page.panels
    panel.check()
    wait_until(lambda: panel._check.isEnabled(), "the findings")
    assert panel.banner.text().count("lets Mua in") == 2
    panel.edit()
    panel.form.full_name.setText("Robin V.")
    panel.save()
    wait_until(lambda: read.accounts(place.db)[0].full_name == "Robin V.", "kept")
    panel.ask_remove()
    assert "on the server everything stays" in panel.banner.text()
    assert read.accounts(place.db)
    panel.banner._buttons[0].click()
    wait_until(lambda: not read.accounts(place.db), "gone")


def test_mail_for_a_domain_can_go_another_way(place: Office) -> None:
    (panel,) = settings(place).panels
    panel.show_ways()
    ways = panel.ways
    assert ways is not None
    ways.domain.setText("not a domain")
    ways.keep_new()
    assert "Please write a domain" in ways.banner.text()
    assert ways.domain.property("problem") == "true"

    def choose(way: str) -> None:
        ways.way.setCurrentIndex(ways.way.findData(way))

    ways.domain.setText(".M\u00fcnchen.example")
    choose("lmtp")
    assert not ways.host.isHidden()
    ways.keep_new()
    assert "server's host" in ways.banner.text()
    ways.host.setText("192.0.2.5:2424")
    ways.keep_new()
    wait_until(lambda: read.accounts(place.db)[0].rules and ways.isEnabled(), "the rule")
    ways.domain.setText("example.org")
    choose("direct")
    assert ways.host.isHidden()
    ways.keep_new()
    wait_until(lambda: len(read.accounts(place.db)[0].rules) == 2 and ways.isEnabled(), "another rule")
    kept = [f"{one.pattern} {one.way}" for one in read.accounts(place.db)[0].rules]
    assert kept == [".xn--mnchen-3ya.example lmtp://192.0.2.5:2424", "example.org direct"]
    ways.remove(ways.account.rules[0])
    wait_until(lambda: [one.pattern for one in read.accounts(place.db)[0].rules] == ["example.org"], "removed")
    panel.show_ways()
    assert panel.ways is None


def test_an_account_that_is_nearly_full_says_so(place: Office) -> None:
    panel = AccountPanel(Account(AccountId(1), "home", "me@example.org"), [Quota("", "STORAGE", 9_500_000, 10_000_000)])
    [said] = [one for one in panel.findChildren(Label) if "9.5 MB of 10.0 MB (95 %)" in one.text()]
    assert said.property("tone") == "danger"


def test_settings_count_at_once_and_are_kept(place: Office) -> None:
    from mua.gui import preferences as prefs
    from mua.gui.message_cards import Density
    from mua.gui.theme import Appearance, theme

    page = settings(place)
    page.look.choose(Appearance.DARK)
    assert theme().dark
    page.density.choose(Density.COMPACT)
    page.undo.choose("30")
    page.notify.setChecked(False)
    page.signature.setPlainText("Robin\nContour")
    wait_until(lambda: prefs.load(place.program.profile).signature == "Robin\nContour", "the signature")
    kept = prefs.load(place.program.profile)
    assert (kept.appearance, kept.density, kept.undo_send, kept.notifications) == (
        Appearance.DARK, Density.COMPACT, 30, False,
    )  # fmt: skip
    page.look.choose(Appearance.LIGHT)
    assert not theme().dark
    composer = place.write()
    assert composer.letter().text.endswith("-- \nRobin\nContour")


def test_the_size_of_text_fills_up_from_where_reading_begins(place: Office, qapp: QApplication) -> None:
    from mua.gui.theme import theme

    place.sign_in()
    for direction in (Qt.LayoutDirection.RightToLeft, Qt.LayoutDirection.LeftToRight):
        qapp.setLayoutDirection(direction)
        place.rooms.open_settings()
        page = place.rooms.page
        assert isinstance(page, SettingsPage)
        page.scale.setValue(100)
        picture = page.scale.grab().toImage()
        ends = [picture.pixelColor(x, picture.height() // 2).name() for x in (6, picture.width() - 7)]
        accent = theme().colour("accent").name()
        assert [one == accent for one in ends] == [
            direction is Qt.LayoutDirection.LeftToRight,
            direction is Qt.LayoutDirection.RightToLeft,
        ]


# ---- the form
@pytest.fixture
def form(qapp: QApplication) -> Iterator[AccountForm]:
    made = AccountForm()
    yield made
    made.deleteLater()


def test_the_form_gives_back_what_it_shows(form: AccountForm) -> None:
    account = Account(
        AccountId(3), "Work", "a@example.org", "A", Incoming.POP3, Server("pop.example.org", 995, Security.TLS, "a"),
        Route.SMTP, Server("smtp.example.org", 587, Security.STARTTLS, "b"),
        DirectOptions(ehlo="mail.example.org"), "/ca.pem",
        PopOptions(30, True), False, False, client_cert="/me.pem",
    )  # fmt: skip
    form.show_account(account)
    assert form.account("a@example.org") == account


def test_what_pop3_asks_shows_with_pop3_only(form: AccountForm) -> None:
    assert form.pop.isHidden()
    form.incoming.choose("pop3")
    assert not form.pop.isHidden()
    assert form.pop.options() == PopOptions()
    assert form.pop.inbox.isHidden(), "there is no other account"


def test_days_on_the_server_are_a_number(form: AccountForm) -> None:
    form.incoming.choose("pop3")
    form.receiving.host.setText("pop.example.org")
    form.route.choose("none")
    form.pop.stay.choose("days")
    form.pop.days.setText("0")
    made = form.account("a@example.org")
    assert isinstance(made, Wrong)
    assert made.field is form.pop.days
    form.pop.days.setText("7")
    form.pop.follow.setChecked(True)
    made = form.account("a@example.org")
    assert isinstance(made, Account)
    assert made.pop == PopOptions(7, True)
    form.incoming.choose("imap")
    made = form.account("a@example.org")
    assert isinstance(made, Account)
    assert made.pop == PopOptions()


def test_the_inboxes_of_this_computer_are_offered(form: AccountForm) -> None:
    known = [
        Account(AccountId(number), name, "a@example.org", "", kind)
        for number, (name, kind) in enumerate(zip(("far", "pop", "here"), Incoming, strict=True), 1)
    ]
    form.show_account(known[1])
    form.offer_inboxes(known)
    assert [form.pop.inbox.itemText(n) for n in range(form.pop.inbox.count())] == [
        "New mail goes into an inbox of its own",
        "New mail goes into the inbox of here",
    ]
    form.pop.show_options(PopOptions(inbox_of=AccountId(3)))
    assert form.pop.options() == PopOptions(inbox_of=AccountId(3))


def test_usual_ports_follow_the_protection(form: AccountForm) -> None:
    form.receiving.security.setCurrentIndex(1)
    assert form.receiving.port.text() == "143"
    form.incoming.choose("pop3")
    assert form.receiving.port.text() == "110"
    form.receiving.port.setText("1234")
    form.receiving.security.setCurrentIndex(0)
    assert form.receiving.port.text() == "1234"


def test_no_protection_needs_a_yes_except_on_this_computer(form: AccountForm) -> None:
    form.route.choose("none")
    form.receiving.host.setText("127.0.0.1")
    form.receiving.security.setCurrentIndex(2)
    assert form.plain.isHidden()
    form.receiving.host.setText("mail.example.org")
    assert not form.plain.isHidden()
    made = form.account("a@example.org")
    assert isinstance(made, Account)
    assert not made.allow_plaintext


def test_a_missing_host_is_said(form: AccountForm) -> None:
    made = form.account("a@example.org")
    assert isinstance(made, Wrong)
    assert made.field is form.receiving.host


def test_a_passphrase_is_asked_twice(qapp: QApplication) -> None:
    panel = SecretsChoice()
    heard: list[tuple[str, str]] = []
    panel.chosen.connect(lambda place, phrase: heard.append((place, phrase)))
    panel.passphrase.setText("long enough")
    panel.again.setText("long enougj")
    assert "differ" in panel.note.text()
    assert not panel.button.isEnabled()
    panel.choose("session")
    panel.button.click()
    assert heard == [("session", "")]
    panel.deleteLater()


def test_every_part_has_a_name_and_both_directions_paint(place: Office, qapp: QApplication) -> None:
    page = place.rooms.setup
    assert page is not None
    page.open_form()
    place.program.window.resize(1024, 700)
    for direction in (Qt.LayoutDirection.RightToLeft, Qt.LayoutDirection.LeftToRight):
        qapp.setLayoutDirection(direction)
        qapp.processEvents()
        assert not page.grab().isNull()
    parts = [*page.findChildren(QAbstractButton), *page.findChildren(QLineEdit)]
    nameless = [part for part in parts if not (part.accessibleName() or part.toolTip() or part.text())]
    assert [part for part in nameless if not part.objectName().startswith("qt_")] == []


def test_escape_leaves_the_settings_and_no_key_reaches_the_hidden_mail(place: Office) -> None:
    place.sign_in()
    window, actions = place.program.window, place.program.window.actions_
    window.activateWindow()
    place.rooms.open_settings()
    window.actions_.enable(1)
    assert not any(actions[name].isEnabled() for name in ("archive", "delete", "undo", "back"))
    assert actions["compose"].isEnabled()
    QTest.keyClick(window.focusWidget() or window, Qt.Key.Key_Escape)
    wait_until(lambda: place.rooms.page is None, "the page is left")
    assert actions["archive"].isEnabled()
    assert actions["back"].isEnabled()


def test_a_letter_of_before_comes_back_as_soon_as_the_accounts_are_known(place: Office) -> None:
    """After an update no account is known until the engine has brought the store up to date."""
    wait_until(lambda: place.program.client is not None and place.program.client.is_ready, "the engine")
    journal = place.rooms.composing.journal
    journal.write(Letter("k", 1, to=(Address("", "robin@home.test"),), subject="Half", text="Half a word"))
    journal.settle()
    assert not place.rooms.composing.composers
    place.sign_in()
    wait_until(lambda: place.rooms.composing.composers, "the letter")
    (composer,) = place.rooms.composing.composers.values()
    assert composer.letter().text == "Half a word"
    wait_until(lambda: composer.focusWidget() is composer.editor, "the keyboard is in the text")


def test_letters_typed_beside_a_field_do_not_leave_the_form(place: Office) -> None:
    page = place.rooms.setup
    assert page is not None
    window = place.program.window
    window.activateWindow()
    page.open_form()
    page.form.receiving.host.setText("imap.home.test")
    chip = page.form.incoming.findChildren(QAbstractButton)[0]
    chip.setFocus()
    QTest.keyClicks(chip, "localhost#?")
    window.actions_["compose"].trigger()
    assert place.rooms.setup is page
    assert page.form.receiving.host.text() == "imap.home.test"
    assert [top for top in QApplication.topLevelWidgets() if top.isVisible() and top is not window] == []


def test_the_keyboard_is_where_it_was_after_a_check_that_failed(place: Office) -> None:
    page = place.rooms.setup
    assert page is not None
    place.program.window.activateWindow()
    page.address.setText("robin@home.invalid")
    page.password.setText("secret")
    page.open_form()
    (port,) = free_ports(1)
    for fields in (page.form.receiving, page.form.sending):
        fields.host.setText("localhost")
        fields.port.setText(str(port))
    page.form.receiving.user.selectAll()
    QTest.keyClicks(page.form.receiving.user, "robin")
    assert page.form.sending.user.text() == "robin"
    page.form.receiving.user.setFocus()
    QTest.keyClick(page.form.receiving.user, Qt.Key.Key_Return)
    assert not page.form.isEnabled()
    wait_until(page.form.isEnabled, "the check ends")
    assert page.focusWidget() is page.form.receiving.user


def test_a_click_on_set_up_by_hand_right_after_the_address_is_not_lost(place: Office) -> None:
    page = place.rooms.setup
    assert page is not None
    place.program.window.activateWindow()
    page.address.setFocus()
    page.address.setText("robin@nowhere.invalid")
    QTest.mouseClick(page.by_hand, Qt.MouseButton.LeftButton)
    assert not page.form.isHidden()
    assert page.found.isHidden()


def test_a_contact_is_made_changed_removed_and_completed_in_a_letter(place: Office, tmp_path: Path) -> None:
    """The page with a real engine: what it keeps is listed, and known where a letter is written."""
    file = tmp_path / "some.vcf"
    file.write_bytes(b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Zora Quill\r\nEMAIL:zora@quill.example\r\nEND:VCARD\r\n")
    place.rooms.open_contacts(Address("Una Reed", "una@reed.example"))
    page = place.rooms.page
    assert isinstance(page, ContactsPage)
    assert page.editor is not None
    page.editor._fields["groups"].setText("Rowing")
    page.editor.keep()
    wait_until(lambda: page.card.accessibleName() == "Contact Una Reed", "the new card")
    page.import_file(str(file))
    wait_until(lambda: len(page.model.ids) == 2, "who was imported")
    wait_until(lambda: "1 found, 1 imported, 0 here already, 0 lost." in page.banner.text(), "the report")
    wait_until(lambda: page.shown.findText("Group: Rowing") > 0, "the group")
    people = People(place.program.desk)
    told: list[list[object]] = []
    people.find_any("row", lambda found: told.append(list(found)))
    wait_until(lambda: told, "the group in a letter")
    assert told[0] == [Group("Rowing", (Address("Una Reed", "una@reed.example"),))]
    people.close()
    page.delete()
    wait_until(lambda: len(page.model.ids) == 1, "one less")
    page.banner.findChildren(Button)[0].click()
    wait_until(lambda: len(page.model.ids) == 2, "taken back")
    place.rooms.close_page()
