"""One function per command of wire.py: validate, write wishes, poke.  No command talks to a server itself.

Rules of the file: whatever a person did is committed durably before it is answered; what needs a network is a wish, or
waits (with its own deadline) for a worker to have done it.  What reads, builds or checks mail is loaded by the first
command that needs it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mua import wire
from mua.engine import accounts, acts, bulk, folder_acts, folders, judging, ruling, snoozing, talks, works
from mua.errors import Kind, MailError, Retry
from mua.model.account import AccountId, Side
from mua.model.message import MessageId
from mua.model.outgoing import FINAL, Outgoing, OutgoingId, Recipient, RecipientState
from mua.plan.proxy import proxy_of
from mua.plan.routes import domain_of
from mua.plan.search import parse
from mua.store import dispatch, mirror, outbox, protection, read, write
from mua.store.db import Tx

if TYPE_CHECKING:
    from mua.engine.main import Engine

OPEN_SECONDS = 60
SYNC_SECONDS = 24 * 3600
WEAKER = "weaker-log-in"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def handle(engine: Engine, command: wire.Command) -> wire.Answer:
    """Carry out one command.  Raises MailError with a sentence when it cannot be done."""
    return _HANDLERS[type(command)](engine, command)


# ---- accounts -----------------------------------------------------------------------------------------------------
def export_settings(engine: Engine, command: wire.ExportSettings) -> wire.Done:
    """Write the settings to a file."""
    from mua.engine import portable

    return portable.export(engine, command)


def import_settings(engine: Engine, command: wire.ImportSettings) -> wire.SettingsImported:
    """Add the settings of a file."""
    from mua.engine import portable

    return portable.take(engine, command)


def discover(engine: Engine, command: wire.Discover) -> wire.Discovered:
    """Look up the servers of an address."""
    from mua.engine import doctor, sign_in

    return doctor.discover(
        command.email, command.ca_file, lambda key: sign_in.service_told(engine, key), database=command.database
    )


def begin_sign_in(engine: Engine, command: wire.BeginSignIn) -> wire.SignInBegun:
    """Make the page where a person signs in."""
    from mua.engine import sign_in

    return sign_in.begin(engine, command)


def await_sign_in(engine: Engine, command: wire.AwaitSignIn) -> wire.SignedIn:
    """Wait for the person."""
    from mua.engine import sign_in

    return sign_in.wait(engine, command)


def end_sign_in(engine: Engine, command: wire.EndSignIn) -> wire.Done:
    """Wait no longer."""
    from mua.engine import sign_in

    return sign_in.end(engine, command)


def set_client(engine: Engine, command: wire.SetClient) -> wire.Done:
    """Who this program is at a provider."""
    from mua.engine import sign_in

    return sign_in.set_client(engine, command)


def make_dkim(engine: Engine, command: wire.MakeDkim) -> wire.DkimTold:
    """Make the keys that sign a domain's mail."""
    from mua.engine import dkim

    return dkim.make(engine, command)


def show_dkim(engine: Engine, command: wire.ShowDkim) -> wire.DkimTold:
    """Say what a domain has to publish."""
    from mua.engine import dkim

    return dkim.show(engine, command)


def remove_dkim(engine: Engine, command: wire.RemoveDkim) -> wire.DkimTold:
    """Sign a domain's mail no more."""
    from mua.engine import dkim

    return dkim.remove(engine, command)


def verify_dkim(engine: Engine, command: wire.VerifyDkim) -> wire.DkimTold:
    """Look up what a domain publishes."""
    from mua.engine import dkim

    return dkim.verify(engine, command)


def diagnose(engine: Engine, command: wire.Diagnose) -> wire.Diagnosed:
    """Look at what receivers would look at."""
    from mua.engine import diagnose as doctor

    return doctor.diagnose(engine, command)


def preflight(engine: Engine, command: wire.Preflight) -> wire.Foreseen:
    """What is known of domains before mail goes there."""
    from mua.engine import preflight as ahead

    return ahead.preflight(engine, command)


def examine(engine: Engine, command: wire.Examine) -> wire.Done:
    """Find out where a message comes from."""
    from mua.engine import examine as origins

    return origins.examine(engine, command)


# ---- retrieval ----------------------------------------------------------------------------------------------------
def sync(engine: Engine, command: wire.Sync) -> wire.Synced:
    """Compare with the servers now; with ``complete`` until bodies and index are whole."""
    chosen = engine.workers_of(command.account_id)
    problems: list[MailError] = []
    threads = [
        threading.Thread(target=lambda one=worker: problems.extend(one.sync(command.complete)), name="sync")
        for worker in chosen
    ]
    engine.sender.poke()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.sender.drain(SYNC_SECONDS)
    if command.complete:
        engine.await_index(SYNC_SECONDS)
    return wire.Synced(tuple(one.text for one in problems), tuple(one.code or one.kind for one in problems))


def search_servers(engine: Engine, command: wire.SearchServers) -> wire.ServersSearched:
    """Ask the servers, tell the hits as they come, and wait for the end."""
    from mua.engine.server_search import Asked

    for one in engine.searching.pop(command.token, []):
        one.end()
    if not command.query.strip():
        return wire.ServersSearched()
    search = parse(command.query, engine.context.now(), None)
    found: set[int] = set()
    asked: list[Asked] = []
    for account_id, worker in engine.workers_by_id(command.account_id).items():

        def tell(ids: list[MessageId], account_id: AccountId = account_id) -> None:
            found.update(ids)
            engine.tell(wire.FoundOnServer(command.token, account_id, tuple(ids)))

        asked.append(Asked(search, max(command.limit, 1), tell))
        worker.search(asked[-1])
    engine.searching[command.token] = asked
    for one in asked:
        one.wait()
    problems = [problem for one in asked for problem in one.problems]
    return wire.ServersSearched(
        tuple(sorted(found, reverse=True)),
        sum(one.folders for one in asked),
        tuple(one.text for one in problems),
        tuple(one.code or one.kind for one in problems),
    )


def open_message(engine: Engine, command: wire.OpenMessage) -> wire.Done:
    """Fetch the body if it is not here, then make the view, or that of its beginning."""
    message_id = MessageId(command.message_id)
    found = acts.rows_of(engine, [message_id])[0]
    if not found.has_body:
        with engine.store.write() as tx:
            write.want_body(tx, [message_id])
        engine.poke(found.account_id)
        engine.wait_for(lambda: _has_body_or_problem(engine, message_id), OPEN_SECONDS)
    from mua.engine.reading import make_view

    make_view(engine.context, message_id, command.beginning)
    return wire.Done()


def load_pictures(engine: Engine, command: wire.LoadPictures) -> wire.PicturesLoaded:
    """Fetch what a message shows from elsewhere; a person asked for it."""
    from mua.engine import pictures

    acts.rows_of(engine, [MessageId(command.message_id)])
    try:
        proxy = proxy_of(command.proxy)
    except ValueError as error:
        raise MailError(Kind.ACCOUNT, Retry.NEVER, str(error), code="bad-proxy") from error
    return pictures.load(engine.context, MessageId(command.message_id), proxy=proxy)


def unsubscribe(engine: Engine, command: wire.Unsubscribe) -> wire.Unsubscribed:
    """Tell a list that its mail is not wanted; a person asked for it."""
    from mua.engine import unsubscribe as lists

    acts.rows_of(engine, [MessageId(command.message_id)])
    return lists.unsubscribe(engine.context, MessageId(command.message_id))


def answer_receipt(engine: Engine, command: wire.AnswerReceipt) -> wire.Done:
    """Tell, or do not tell, that a message was read; a person said so."""
    from mua.engine import receipts

    return receipts.answer(engine, command)


def _has_body_or_problem(engine: Engine, message_id: MessageId) -> bool:
    found = read.row(engine.store.reader(), message_id)
    if found is None or found.has_body:
        return True
    trouble = [one for one in read.problems(engine.store.reader(), Side.INCOMING) if one.account_id == found.account_id]
    if trouble:
        raise MailError(Kind.ACCOUNT, Retry.ASK, trouble[0].text, trouble[0].detail, trouble[0].code)
    if found.problem and not mirror.body_wanted(engine.store.reader(), message_id):
        raise MailError(Kind.MESSAGE, Retry.NEVER, found.problem, code="body-refused")
    return False


# ---- acts that teach what is junk ---------------------------------------------------------------------------------
def archive_messages(engine: Engine, command: wire.ArchiveMessages) -> wire.Acted:
    """Archive; what is kept is no junk."""
    return _taught(engine, acts.archive_messages(engine, command))


def junk_messages(engine: Engine, command: wire.JunkMessages) -> wire.Acted:
    """Junk, or not junk."""
    return _taught(engine, acts.junk_messages(engine, command))


def undo(engine: Engine, command: wire.Undo) -> wire.Acted:
    """Take an act back, and what it taught."""
    return _taught(engine, acts.undo(engine, command))


def _taught(engine: Engine, done: wire.Acted) -> wire.Acted:
    judging.learn_soon(engine, done.messages)
    return done


# ---- sending ------------------------------------------------------------------------------------------------------
def send(engine: Engine, command: wire.Send) -> wire.Queued:
    """Freeze the message and queue it durably; the sender does the rest."""
    from mua.engine import posting

    return posting.send(engine, command)


def save_draft(engine: Engine, command: wire.SaveDraft) -> wire.Saved:
    """Put the draft into Drafts; the one of before goes."""
    from mua.engine import drafts

    return drafts.save(engine, command)


def await_verdicts(engine: Engine, command: wire.AwaitVerdicts) -> wire.Done:
    """Wait until each recipient had its first verdict; "send again at once" is none."""
    outgoing_id = OutgoingId(command.outgoing_id)
    decided = set[str]()  # some may be tried again by now, while others wait for the first time

    def is_decided(one: Recipient) -> bool:
        at_once = one.next_attempt is not None and one.next_attempt <= engine.context.now()
        return one.state in FINAL or (one.state is RecipientState.DEFERRED and not at_once)

    def all_tried() -> bool:
        found = outbox.outgoing(engine.store.reader(), outgoing_id)
        if found is None:
            return True
        decided.update(one.address for one in found.recipients if is_decided(one))
        return decided >= {one.address for one in found.recipients}

    engine.wait_for(all_tried, SYNC_SECONDS)
    return wire.Done()


def cancel_outgoing(engine: Engine, command: wire.CancelOutgoing) -> wire.Done:
    """Cancel the recipients that nobody has accepted yet."""
    with engine.store.write(durable=True) as tx:
        dispatch.cancel(tx, OutgoingId(command.outgoing_id), command.recipients, engine.context.now())
    engine.sender.poke()
    return wire.Done()


def reschedule_outgoing(engine: Engine, command: wire.RescheduleOutgoing) -> wire.Done:
    """Send a message that nobody has yet at another time."""
    from mua.engine import posting

    return posting.reschedule(engine, command)


def retry_outgoing(engine: Engine, command: wire.RetryOutgoing) -> wire.Done:
    """Try again now, by a person's wish, perhaps with another account's server.

    What is scheduled gets today's Date first, and so goes to everybody who waits for it, or to nobody yet.
    """
    found = outbox.outgoing(engine.store.reader(), OutgoingId(command.outgoing_id))
    if found is not None and found.ahead(engine.context.now()):
        waiting = {one.address for one in found.recipients if one.recallable}
        if command.recipients and not waiting <= set(command.recipients):
            text = "This message is scheduled for all its recipients; send it to all of them now, or cancel some first."
            raise MailError(Kind.MESSAGE, Retry.ASK, text, code="scheduled")
        reschedule_outgoing(engine, wire.RescheduleOutgoing(found.id))
    via = None if command.via is None else accounts.find_sending(engine, command.via).id
    if found is not None:  # before the message is due: a pass in between would put it off until the limit's pause ends
        engine.sender.go_on(via or found.via or found.account_id)
    with engine.store.write(durable=True) as tx:
        if command.less_protection and found is not None:
            _allow_less(tx, found, command.recipients, engine.context.now())
        dispatch.retry(tx, OutgoingId(command.outgoing_id), command.recipients, engine.context.now(), via)
    engine.sender.poke()
    return wire.Done()


def _allow_less(tx: Tx, found: Outgoing, chosen: Sequence[str], now: int) -> None:
    """A person's leave, for the domains of these recipients (none named: of all) who wait because of that."""
    deferred = (one.address for one in found.recipients if one.state is RecipientState.DEFERRED)
    waiting = protection.held(tx, {domain_of(address) for address in deferred if not chosen or address in chosen})
    if not waiting:
        text = "This message does not wait for better protection, so there is nothing to allow."
        raise MailError(Kind.MESSAGE, Retry.ASK, text, code="nothing-held")
    for domain in waiting:
        protection.lower(tx, domain, now)


def limit_rate(engine: Engine, command: wire.LimitRate) -> wire.Done:
    """Remember a limit; the sender keeps to it from its next pass on."""
    from mua.engine import tending

    return tending.limit_rate(engine, command)


def tend_queue(engine: Engine, command: wire.TendQueue) -> wire.Tended:
    """Hold, release, retry, remove or flush messages of the outbox."""
    from mua.engine import tending

    return tending.tend(engine, command)


# ---- what came from elsewhere, and what is gone ---------------------------------------------------------------------
def import_mail(engine: Engine, command: wire.Import) -> wire.Imported:
    """Bring in files of another program."""
    from mua.engine import arrivals

    return arrivals.take(engine, command)


def backup(engine: Engine, command: wire.Backup) -> wire.BackedUp:
    """The whole profile into one file."""
    from mua.engine import backup as room

    return room.backup(engine, command)


def restore_backup(engine: Engine, command: wire.RestoreBackup) -> wire.BackedUp:
    """The whole profile out of a file."""
    from mua.engine import backup as room

    return room.restore(engine, command)


def take_secrets(engine: Engine, command: wire.TakeSecrets) -> wire.SettingsImported:
    """The passwords of a backup."""
    from mua.engine import backup as room

    return room.take_secrets(engine, command)


def export_mail(engine: Engine, command: wire.Export) -> wire.Exported:
    """Write mail into files."""
    from mua.engine import departures

    return departures.export(engine, command)


def restore(engine: Engine, command: wire.RestoreMessages) -> wire.Restored:
    """Bring back what disappeared."""
    from mua.engine import ledger

    return ledger.restore(engine, command)


def tell_health(engine: Engine, command: wire.Health) -> wire.HealthTold:
    """Every account's health, or one's."""
    from mua.engine import health

    return health.health(engine, command)


def verify_index(engine: Engine, command: wire.VerifyIndex) -> wire.IndexVerified:
    """Check the search index, and mend it."""
    from mua.engine import verify

    return verify.verify(engine, command)


def save_bundle(engine: Engine, command: wire.SaveBundle) -> wire.Done:
    """Write a file for a report of a problem."""
    from mua.engine import health

    return health.save_bundle(engine, command)


# ---- contacts -----------------------------------------------------------------------------------------------------
def _contacts(name: str) -> Callable[[Engine, Any], wire.Answer]:
    """A function of ``engine.contacts``, which the first command about contacts loads."""

    def handle(engine: Engine, command: Any) -> wire.Answer:
        from mua.engine import contacts

        answer: wire.Answer = getattr(contacts, name)(engine, command)
        return answer

    return handle


def import_contacts(engine: Engine, command: wire.ImportContacts) -> wire.ContactsImported:
    """Take the contacts of a file."""
    from mua.engine import card_files

    return card_files.take(engine, command)


def export_contacts(engine: Engine, command: wire.ExportContacts) -> wire.ContactsExported:
    """Write contacts into a file."""
    from mua.engine import card_files

    return card_files.export(engine, command)


def find_books(engine: Engine, command: wire.FindBooks) -> wire.BooksFound:
    """Look for address books on a server."""
    from mua.engine import card_sync

    return card_sync.find_books(engine, command)


def sync_books(engine: Engine, command: wire.SyncBooks) -> wire.BooksSynced:
    """Make CardDAV books and their servers agree."""
    from mua.engine import card_sync

    return card_sync.sync_books(engine, command)


# ---- the rest -----------------------------------------------------------------------------------------------------
def poke(engine: Engine, command: wire.Poke) -> wire.Done:
    """Try again now."""
    for worker in engine.workers_of(command.account_id):
        worker.network_changed()
    engine.sender.poke()
    return wire.Done()


def shutdown(engine: Engine, command: wire.Shutdown) -> wire.Done:
    """End in order, after this answer."""
    engine.stop_soon()
    return wire.Done()


def raise_window(engine: Engine, command: wire.Raise) -> wire.Done:
    """Pass a second window's wish on to the first; error "no-window" when there is none."""
    windows = engine.server.listening("window")
    if not windows:
        raise MailError(Kind.LOCAL, Retry.NEVER, "No window is open.", code="no-window")
    for window in windows:
        window.tell(command)
    return wire.Done()


_MANY: dict[type, Callable[..., wire.Acted]] = {
    wire.SetFlags: acts.set_flags,
    wire.TagMessages: acts.tag_messages,
    wire.MoveMessages: acts.move_messages,
    wire.ArchiveMessages: archive_messages,
    wire.JunkMessages: junk_messages,
    wire.DeleteMessages: acts.delete_messages,
    wire.SnoozeMessages: snoozing.snooze_messages,
}
"""Acts that may be on very many messages."""


def handler_of_many(kind: type) -> Callable[..., wire.Acted]:
    """Who carries out a part of such an act."""
    return _MANY[kind]


def _many(engine: Engine, command: Any) -> wire.Acted:
    return engine.bulks.carry_out(command, _MANY[type(command)])


_HANDLERS: dict[type, Callable[[Engine, Any], wire.Answer]] = {
    wire.AddAccount: accounts.add_account,
    wire.UpdateAccount: accounts.update_account,
    wire.RemoveAccount: accounts.remove_account,
    wire.SetRules: accounts.set_rules,
    wire.SetIdentities: accounts.set_identities,
    wire.SetSecret: accounts.set_secret,
    wire.AllowWeaker: accounts.allow_weaker,
    wire.ChooseSecrets: accounts.choose_secrets,
    wire.CheckAccount: accounts.check_account,
    wire.Discover: discover,
    wire.BeginSignIn: begin_sign_in,
    wire.AwaitSignIn: await_sign_in,
    wire.EndSignIn: end_sign_in,
    wire.SetClient: set_client,
    wire.MakeDkim: make_dkim,
    wire.ShowDkim: show_dkim,
    wire.RemoveDkim: remove_dkim,
    wire.VerifyDkim: verify_dkim,
    wire.Diagnose: diagnose,
    wire.LoadPictures: load_pictures,
    wire.Unsubscribe: unsubscribe,
    wire.AnswerReceipt: answer_receipt,
    wire.Preflight: preflight,
    wire.Examine: examine,
    wire.Sync: sync,
    wire.SearchServers: search_servers,
    wire.OpenMessage: open_message,
    wire.SetFlags: _many,
    wire.TagMessages: _many,
    wire.MoveMessages: _many,
    wire.SetJunkFilter: judging.set_filter,
    wire.PutRule: ruling.put_rule,
    wire.RemoveRule: ruling.remove_rule,
    wire.OrderRules: ruling.order_rules,
    wire.TryRule: ruling.try_rule,
    wire.SnoozeMessages: _many,
    wire.PinMessages: snoozing.pin_messages,
    wire.SayThreads: talks.say,
    wire.QuietThreads: talks.quiet,
    wire.ArchiveMessages: _many,
    wire.JunkMessages: _many,
    wire.SettleRefused: acts.settle_refused,
    wire.DeleteMessages: _many,
    wire.Undo: undo,
    wire.StopActs: bulk.stop,
    wire.RestoreMessages: restore,
    wire.Send: send,
    wire.SaveDraft: save_draft,
    wire.AwaitVerdicts: await_verdicts,
    wire.CancelOutgoing: cancel_outgoing,
    wire.RetryOutgoing: retry_outgoing,
    wire.RescheduleOutgoing: reschedule_outgoing,
    wire.TendQueue: tend_queue,
    wire.LimitRate: limit_rate,
    wire.CreateFolder: folders.create_folder,
    wire.RenameFolder: folder_acts.rename_folder,
    wire.DeleteFolder: folder_acts.delete_folder,
    wire.EmptyFolder: folder_acts.empty_folder,
    wire.MarkFolderRead: folder_acts.mark_folder_read,
    wire.SubscribeFolder: folder_acts.subscribe_folder,
    wire.SetPolicy: folders.set_policy,
    wire.SetRole: folders.set_role,
    wire.OrderAccounts: accounts.order_accounts,
    wire.ExportSettings: export_settings,
    wire.ImportSettings: import_settings,
    wire.Import: import_mail,
    wire.Export: export_mail,
    wire.Backup: backup,
    wire.RestoreBackup: restore_backup,
    wire.TakeSecrets: take_secrets,
    wire.Stop: works.stop,
    wire.PutBook: _contacts("put_book"),
    wire.RemoveBook: _contacts("remove_book"),
    wire.FindBooks: find_books,
    wire.SyncBooks: sync_books,
    wire.PutContact: _contacts("put_contact"),
    wire.RemoveContacts: _contacts("remove_contacts"),
    wire.RestoreContacts: _contacts("restore_contacts"),
    wire.UndoContacts: _contacts("undo_contacts"),
    wire.MergeContacts: _contacts("merge_contacts"),
    wire.GroupContacts: _contacts("group_contacts"),
    wire.ImportContacts: import_contacts,
    wire.ExportContacts: export_contacts,
    wire.Poke: poke,
    wire.Health: tell_health,
    wire.SaveBundle: save_bundle,
    wire.VerifyIndex: verify_index,
    wire.Shutdown: shutdown,
    wire.Raise: raise_window,
}
