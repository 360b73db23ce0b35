"""The rooms beside the mail: composers, first run and accounts, outbox, settings; opened when the desk asks for them.

Rules of the file: wiring only; a room's module is imported when it is first opened, so that the first paint pays for
none of them.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, SignalInstance
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from mua import wire
from mua.gui.faces import Faces
from mua.gui.widgets import Avatar
from mua.gui.words import person, shown
from mua.gui.writing import Kind, Writing
from mua.language import tr
from mua.model.account import AccountId, Route
from mua.model.address import Address
from mua.model.outgoing import Outgoing
from mua.model.tag import TAGS
from mua.store import read, tags

if TYPE_CHECKING:
    from mua.gui.app import Program
    from mua.gui.composing import Composing
    from mua.gui.overdue import Overdue
    from mua.gui.secrets_choice import PassphraseBar
    from mua.gui.setup import SetupPage

Answered = Callable[[Any], None]
_AWAY = 1_000  # messages put away that are remembered


class Rooms(QObject):
    """The rooms of one program."""

    def __init__(self, program: "Program") -> None:
        super().__init__(program)
        self._program = program
        self.desk, self.window = program.desk, program.window
        self._composing: Composing | None = None
        self.setup: SetupPage | None = None
        self.page: QWidget | None = None
        self._end_page: Callable[[], None] | None = None
        self._secrets_place = ""
        self._failed: set[tuple[int, str]] | None = None
        self._bar: PassphraseBar | None = None
        self._overdue: Overdue | None = None
        self._brought_back = False
        self._unbidden = False  # a page is open that needs no account, and stays where there is none
        self.desk.writing.connect(self.write)
        self.desk.account_wanted.connect(self.add_account)
        self.desk.outbox_wanted.connect(self.open_outbox)
        self.desk.scheduled_wanted.connect(lambda: self.open_outbox(scheduled=True))
        self.desk.outgoing_wanted.connect(lambda outgoing_id: self.open_outbox(chosen=outgoing_id))
        self.desk.reader.journey_wanted.connect(self.open_outbox)
        self.desk.reader.way_wanted.connect(self.open_journey)
        self.window.actions_.on("journey", self.open_journey)
        self.desk.settings_wanted.connect(self.open_settings)
        self.desk.setting_wanted.connect(self.open_setting)
        self.desk.ledger_wanted.connect(self.open_ledger)
        self.window.actions_.on("make_rule", self.make_rule)
        self.desk.health_wanted.connect(self.open_health)
        self.window.actions_.on("import_mail", self.open_import)
        self.window.actions_.on("contacts", self.open_contacts)
        self.window.actions_.on("add_contact", self._open_sender)
        self.faces = Faces(self.desk.library, self)
        self.faces.came.connect(self._paint_faces)
        self.desk.contacts_changed.connect(self.faces.refresh)
        self.desk.emptied.connect(self._emptied)
        self.desk.accounts_read.connect(self._bring_back)
        self.desk.accounts_read.connect(self._take_tags)
        self.window.closed.connect(self.end)
        self.window.may_close = lambda: self._composing is None or self._composing.keeping.all_kept()

    # ---- composers
    @property
    def composing(self) -> "Composing":
        """The composers."""
        if self._composing is None:
            from mua.gui.composing import Composing

            self._composing = Composing(self.desk)
        return self._composing

    def write(self, wish: Writing) -> None:
        """Open a composer."""
        self.composing.write(wish)

    def engine_attached(self) -> None:
        """The engine is on the line: listen, and bring back letters that a crash interrupted."""
        client = self._program.client
        assert client is not None
        client.told.connect(self._hear)
        client.ready.connect(self._ready)
        self._brought_back = False
        self._bring_back()

    def end(self) -> None:
        """The program ends."""
        if self._composing is not None:
            self._composing.close_all()
        self.faces.close()
        self._ended()

    # ---- pages
    def close_page(self) -> None:
        """Back to the mail."""
        self.window.show_first_run(None)
        if self.page is not None:
            self._ended()
            self.page.setParent(None)
            self.page.deleteLater()
            self.page = None
        self.setup = None
        self._unbidden = False
        self.desk.listing.take_keyboard()

    def add_account(self) -> None:
        """Set up another account (or the first); what is already filled in stays."""
        from mua.gui.setup import SetupPage

        if self.setup is not None:
            self.setup.setFocus()
            return
        page = SetupPage(self.desk.library.profile, first=not self.desk.accounts)
        page.form.offer_inboxes(self.desk.accounts)
        self._serve(page.asked, page)
        page.demo_wanted.connect(self._program.open_demo)
        page.import_wanted.connect(self.open_import)
        page.restored.connect(self._program.begin_anew)
        page.left.connect(self.close_page)
        page.added.connect(lambda _: self.close_page())
        self._show(page)
        self.setup = page

    def open_outbox(self, *, scheduled: bool = False, chosen: int | None = None) -> None:
        """Where sent mail is now; first the message ``chosen``, else that which is read, if it was sent from here.

        ``scheduled``: what goes later.
        """
        from mua.gui.outbox import OutboxPage

        if chosen is None:
            chosen = 0 if scheduled else self._shown_outgoing()
        page = OutboxPage(self.desk.library, self.desk.accounts, chosen, self._away(), scheduled=scheduled)
        page.put_away.connect(self._put_away)
        page.doctor_wanted.connect(lambda account_id: self.open_settings(examine=account_id))
        page.edited.connect(self.composing.taking.write_again)
        page.taken_back.connect(self.composing.taking.take_back)
        self._serve(page.asked, page)
        page.left.connect(self.close_page)
        if self.desk.client is not None:
            self.desk.client.told.connect(page.hear)
        self._show(page)
        self._program.state.setValue("outbox/seen", int(time.time()))
        self._count_waiting()

    def open_journey(self) -> None:
        """How the message that is read came; of one that was sent from here, where it went."""
        row, view = self.desk.reader.row, self.desk.reader.view
        if self._shown_outgoing():
            self.open_outbox()
        elif row is None or view is None:
            self.window.toast.say(tr("Choose a message first; it must be here to tell how it came."))
        else:
            from mua.gui.journey_page import JourneyPage

            way, lines = self.desk.authors.way(row, view), self.desk.authors.lines(row, view)
            account = self.desk.account(row.account_id)
            mailbox = account.email if account is not None else ""
            page = JourneyPage(shown(view.subject), person(view.sender), mailbox, way, lines)
            page.left.connect(self.close_page)
            self._show(page)

    def open_ledger(self) -> None:
        """What disappeared, and bringing it back."""
        from mua.gui.ledger import LedgerPage

        page = LedgerPage(self.desk.library)
        self._serve(page.asked, page)
        page.left.connect(self.close_page)
        if self.desk.client is not None:
            self.desk.client.told.connect(page.hear)
        self._show(page)

    def open_contacts(self, person: Address | None = None) -> None:
        """Address books; ``person``: the card of whoever that is, or the form for a new one."""
        from mua.gui.contacts_page import ContactsPage

        page = ContactsPage(self.desk.library, self.desk.accounts)
        self._serve(page.asked, page)
        page.left.connect(self._leave)
        page.write_wanted.connect(lambda link: self.write(Writing(Kind.NEW, mailto=link)))
        page.mails_wanted.connect(self._search_mail)
        if self.desk.client is not None:
            self.desk.client.told.connect(page.hear)
        self._show(page)
        self._end_page = page.close_down
        self._unbidden = True
        if person is not None:
            page.show_person(person)

    def _open_sender(self) -> None:
        rows = self.desk.chosen_rows()
        if rows and rows[0].sender:
            self.open_contacts(rows[0].sender[0])

    def _search_mail(self, text: str) -> None:
        self.close_page()
        self.desk.searching.search_for(text)

    def _ended(self) -> None:
        """What the page that goes had running beside it ends."""
        end, self._end_page = self._end_page, None
        if end is not None:
            end()

    def _paint_faces(self) -> None:
        """A picture of somebody came: wherever a disc is painted."""
        self.desk.listing.view.viewport().update()
        for one in self.window.findChildren(QWidget):
            if isinstance(one, Avatar):
                one.update()

    def open_health(self) -> None:
        """How each account is."""
        from mua.gui.health import HealthPage

        page = HealthPage(self.desk.accounts)
        self._serve(page.asked, page)
        page.left.connect(self.close_page)
        self._show(page)

    def open_import(self) -> None:
        """Mail from another program's files."""
        from mua.gui.import_page import ImportPage

        page = ImportPage()
        self._serve(page.asked, page)
        page.left.connect(self._leave)
        page.mail_wanted.connect(self._leave)
        page.finished.connect(lambda _: self._take_tags())
        if self._program.client is not None:
            self._program.client.told.connect(page.hear)
        self._show(page)
        self._unbidden = True

    def _leave(self) -> None:
        """Back to the mail; to the first run where there is none yet."""
        self.close_page()
        if not self.desk.accounts:
            self.add_account()

    def _take_tags(self) -> None:
        """Tags are called as they were in the other program, where they have no name here; once, whoever imported."""
        db, state = self.desk.library.db, self._program.state
        kept = read.setting(db, tags.IMPORTED) if db is not None else ""
        if db is None or kept == str(state.value("tags/taken", "")):
            return
        state.setValue("tags/taken", kept)
        now = self.desk.preferences
        usual = {one.keyword.casefold(): one.name for one in TAGS}
        known = {one.keyword.casefold(): one for one in now.tags}
        for one in tags.imported(db):
            here = known.get(one.keyword.casefold())
            if here is None or here.name == usual.get(one.keyword.casefold()):
                known[one.keyword.casefold()] = one
        if tuple(known.values()) != now.tags:
            self.desk.change_preferences(replace(now, tags=tuple(known.values())))

    def open_settings(self, *, examine: int = 0) -> None:
        """Accounts, appearance, writing, notifications, passwords.  ``examine``: whose direct mail is looked at."""
        from mua.gui.settings import SettingsPage

        page = SettingsPage(self.desk, self.composing.spelling)
        self._serve(page.asked, page)
        page.left.connect(self.close_page)
        page.appearance_changed.connect(self._program.apply_appearance)
        page.add_wanted.connect(self.add_account)
        page.health_wanted.connect(self.open_health)
        page.ledger_wanted.connect(self.open_ledger)
        page.import_wanted.connect(self.open_import)
        page.shortcuts_wanted.connect(self.window.actions_["shortcuts"].trigger)
        self._show(page)
        page.examine(examine)

    def open_setting(self, words: str) -> None:
        """The settings that say these words."""
        from mua.gui.settings import SettingsPage

        self.open_settings()
        if isinstance(self.page, SettingsPage):
            self.page.search.setText(words)

    def make_rule(self) -> None:
        """A rule for mail like the one that is chosen: by its list, or by its author."""
        from mua.gui.settings import SettingsPage
        from mua.model.mail_rule import Condition, Field, MailRule

        rows = self.desk.chosen_rows()
        if not rows:
            return
        view = self.desk.library.view(rows[0].id)
        named = next((value for name, value in view.headers if name.lower() == "list-id"), "") if view else ""
        address = rows[0].sender[0].address if rows[0].sender else ""
        part = Condition(Field.LIST, named.partition("<")[2].partition(">")[0]) if "<" in named else None
        self.open_settings()
        if isinstance(self.page, SettingsPage):
            name = person(rows[0].sender)
            self.page.make_rule(MailRule(0, name, (part or Condition(Field.FROM, address),), ()))

    def _away(self) -> list[int]:
        """Finished messages whose failure has been read and put away."""
        kept = str(self._program.state.value("outbox/away", ""))
        return [int(one) for one in kept.split(",") if one.isdigit()]

    def _put_away(self, outgoing_id: int) -> None:
        kept = [*self._away(), outgoing_id][-_AWAY:]
        self._program.state.setValue("outbox/away", ",".join(map(str, kept)))

    # ---- inside: the engine speaks
    def _hear(self, event: wire.Event) -> None:
        if isinstance(event, wire.Changed) and (event.outgoing or event.everything):
            self._count_waiting()
        elif isinstance(event, wire.Status) and event.code == "secrets-locked":
            self._ask_passphrase(AccountId(event.account_id))

    def _ready(self, welcome: wire.Welcome) -> None:
        self._secrets_place = welcome.secrets

    def _count_waiting(self) -> None:
        from mua.gui.outbox_words import needs_attention

        seen = int(str(self._program.state.value("outbox/seen", 0)))
        listed = self._unhappy()
        now = time.time()
        waiting, scheduled = needs_attention(listed, seen, now), sum(one.ahead(now) for one in listed)
        self._tell_failures(listed)
        self._tell_overdue(listed)
        self.desk.show_journeys()
        if (waiting, scheduled) != (self.desk.waiting, self.desk.scheduled):
            self.desk.waiting, self.desk.scheduled = waiting, scheduled
            self.desk.read_accounts()

    def _tell_overdue(self, listed: list[Outgoing]) -> None:
        """Say once that a message waits for long; nothing is loaded for that while nothing waits."""
        if self._overdue is None and any(not one.finished for one in listed):
            from mua.gui.overdue import Overdue

            self._overdue = Overdue(self.window, self._program.state, self._unhappy, self._can_choose_sender)
            self._overdue.look_wanted.connect(self.desk.outgoing_wanted)
            self._overdue.waits_a_day.connect(self.desk.overdue)
        if self._overdue is not None:
            self._overdue.look(listed)

    def _can_choose_sender(self) -> bool:
        return sum(one.route is not Route.NONE for one in self.desk.accounts) > 1

    def _unhappy(self) -> list[Outgoing]:
        from mua.store import outbox

        db = self.desk.library.db
        return outbox.unhappy(db) if db is not None else []

    def _tell_failures(self, listed: list[Outgoing]) -> None:
        """Say once that a message was refused, or that nobody knows, while the person is elsewhere."""
        from mua.gui.outbox_words import failed_addresses

        failed = {(int(one.id), address) for one in listed for address in failed_addresses(one)}
        fresh = sorted(failed - self._failed) if self._failed is not None else []
        self._failed = failed
        if fresh and self.page is None:
            text = tr("Not delivered to {fresh}", fresh=shown(fresh[-1][1], 60))
            if len(fresh) > 1:
                text += tr(" and {number} more", number=len(fresh) - 1)
            self.window.toast.say(text, tr("Look"), self.open_outbox, 15_000)

    def _shown_outgoing(self) -> int:
        from mua.store import outbox

        row, db = self.desk.reader.row, self.desk.library.db
        if row is None or db is None or not row.message_id:
            return 0
        found = outbox.by_message_id(db, row.message_id)
        return int(found.id) if found is not None else 0

    def _ask_passphrase(self, account_id: AccountId) -> None:
        from mua.gui.secrets_choice import PassphraseBar

        if self._secrets_place != "file" or self._bar is not None:
            return
        self._bar = bar = PassphraseBar()

        def opened(_: wire.Answer) -> None:
            bar.setParent(None)
            bar.deleteLater()
            self._bar = None
            self._ask(wire.Poke())

        bar.entered.connect(
            lambda phrase: self._ask(
                wire.Hello("window", events=True, passphrase=phrase), opened, lambda error: bar.refuse(error.text)
            )
        )
        self.desk.listing.put_below_banner(bar)

    # ---- inside
    def _bring_back(self) -> None:
        """Once per engine, and once the accounts are known: after an update the store can be read only when the
        engine has brought it up to date.
        """
        if self._program.client is None or not self.desk.accounts or self._brought_back:
            return
        self._brought_back = True
        if any(self.desk.library.profile.drafts.glob("*.json")):
            QTimer.singleShot(0, self.composing.restore)

    def _emptied(self, empty: bool) -> None:
        known = self.desk.library.db is not None or not self.desk.library.profile.cache_db.exists()
        if empty and known and self.setup is None and not self._unbidden:
            self.add_account()
        elif not empty and self.setup is not None and not self.setup.adding:
            self.close_page()

    def _show(self, page: QWidget) -> None:
        self._ended()
        old, self.page, self.setup = self.page, page, None
        self._unbidden = False
        self.window.show_first_run(page)
        if old is not None:
            old.setParent(None)
            old.deleteLater()
        page.setFocus()

    def _serve(self, asked: SignalInstance, page: QWidget) -> None:
        """Carry a page's commands to the engine, and the answers back while the page is there."""

        def alive(act: Answered | None) -> Answered | None:
            def told(one: Any) -> None:
                if act is not None and isValid(page):
                    act(one)

            return None if act is None else told

        asked.connect(lambda command, then, failed: self._ask(command, alive(then), alive(failed)))

    def _ask(self, command: wire.Command, then: Answered | None = None, failed: Answered | None = None) -> None:
        if self.desk.client is not None:
            self.desk.client.ask(command, then, failed)
        elif self._program.client is not None:
            self._program.client.ask(command, then, failed)
        else:
            QTimer.singleShot(100, lambda: self._ask(command, then, failed))
