"""Everything that crosses between the engine and its clients (windows, command lines), in one file.

A client connects to ``PROFILE/engine.sock`` and sends one JSON object a line: ``{"n": 7, "do": "SetFlags", ...}``.
The engine answers each, in any order, with ``{"re": 7, "ok": {...}}`` or ``{"re": 7, "error": {...}}`` (number 0: to
what is no command, or to a client for whom there is no room), and sends
events to every client that said ``Hello(events=True)``: ``{"on": "Changed", ...}``.

Rules of the file: commands are imperative, events are past tense or nouns; ids and small data only, the client reads
the rest from the store; a secret crosses only in fields hidden from ``repr``, towards the engine, and is never echoed.
A lost event costs staleness, never wrongness: after a gap in ``Changed.seq`` a client reads again what it shows.
"""

import enum
import json
import typing
from dataclasses import field
from typing import Any

from mua.errors import Kind, MailError, Retry
from mua.jsonable import from_json, to_json, typed
from mua.model.account import Account
from mua.model.arrival import LeftOut
from mua.model.contact import Book
from mua.model.diagnosis import Diagnosis
from mua.model.identity import Identity
from mua.model.mail_rule import MailRule
from mua.model.oauth import OAuth
from mua.model.outgoing import NO_TERMS, Draft, Tending, Terms
from mua.model.outlook import Outlook
from mua.model.policy import Policy
from mua.model.quota import Quota
from mua.model.records import DnsRecord
from mua.model.tag import Tag
from mua.model.way import Rule
from mua.records import dataclass

PROTOCOL = 1
VIEW_VERSION = 5  # of the cached MessageViews: raise it when the sanitiser changes, or what a view holds
MAX_LINE = 64 * 1024 * 1024


# ---- commands: what a client asks for -----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Hello:
    """First line of every client.  ``passphrase`` opens the secrets file of an engine that has not got it."""

    client: str
    events: bool = False
    protocol: int = PROTOCOL
    passphrase: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AddAccount:
    """Store an account and its password, or what its ``sign_in`` brought.  Answer: AccountAdded."""

    account: Account
    password: str = field(default="", repr=False)
    sign_in: str = ""


@dataclass(frozen=True, slots=True)
class UpdateAccount:
    """Replace an account's settings (``account.id`` says which).  Answer: Done."""

    account: Account


@dataclass(frozen=True, slots=True)
class RemoveAccount:
    """Forget an account, its mail on this computer and its password.  Answer: Done."""

    account_id: int


@dataclass(frozen=True, slots=True)
class SetRules:
    """For some domains another way than the account's own; replaces its rules.  Answer: Done."""

    account_id: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class SetIdentities:
    """Who a person writes as from an account; replaces its identities.  Answer: Done."""

    account_id: int
    identities: tuple[Identity, ...]


@dataclass(frozen=True, slots=True)
class SetSecret:
    """A new password for an account; what waited for it goes on.  Answer: Done."""

    account_id: int
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AllowWeaker:
    """Take the weaker log-in that a server offers now, where it was refused ("weaker-log-in").  Answer: Done."""

    account_id: int


@dataclass(frozen=True, slots=True)
class ChooseSecrets:
    """Where secrets live from now on: keyring, file (``passphrase``) or session.  Answer: Done."""

    place: str
    passphrase: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class CheckAccount:
    """Connect both ways and say in plain words what is wrong.  Answer: Checked."""

    account_id: int = 0
    account: Account | None = None
    password: str = field(default="", repr=False)
    sign_in: str = ""


@dataclass(frozen=True, slots=True)
class BeginSignIn:
    """Begin to sign in by OAuth 2.  Answer: SignInBegun; then AwaitSignIn has to follow, or EndSignIn.

    For a stored account (``account_id``), as it is set up, unless ``provider`` is named: a key of
    ``resources/oauth.toml``, or the https URL of a server of one's own (RFC 8414).  Without ``client_id`` it is the one
    of SetClient.  ``tenant``: of Microsoft.  ``device``: by a code on another screen (RFC 8628).
    """

    email: str = ""
    account_id: int = 0
    provider: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    tenant: str = ""
    scope: str = ""
    device: bool = False
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class AwaitSignIn:
    """Wait until the person has agreed, or not.  Answer: SignedIn.

    What it brought is kept for the account that it was begun for, or until AddAccount names it.
    """

    sign_in: str


@dataclass(frozen=True, slots=True)
class EndSignIn:
    """Wait no longer, and forget what a sign-in brought.  Answer: Done."""

    sign_in: str


@dataclass(frozen=True, slots=True)
class SetClient:
    """Who this program is at a provider (a key of ``resources/oauth.toml``): a client id of one's own.  Answer: Done.

    An empty one is forgotten.
    """

    provider: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class Discover:
    """Look up the servers of an address.  Answer: Discovered.

    ``database``: the person allows that Thunderbird's database of providers is asked too; it learns the domain.
    """

    email: str
    ca_file: str = ""
    database: bool = False


@dataclass(frozen=True, slots=True)
class MakeDkim:
    """Make the keys that sign mail of an account's domain, if it has none (or ``again``).  Answer: DkimTold.

    They sign once their records were seen (VerifyDkim).
    """

    account_id: int
    again: bool = False


@dataclass(frozen=True, slots=True)
class ShowDkim:
    """The records of an account's domain; nobody is asked.  Answer: DkimTold."""

    account_id: int


@dataclass(frozen=True, slots=True)
class RemoveDkim:
    """Forget the keys of an account's domain: its mail is not signed any more.  Answer: DkimTold."""

    account_id: int


@dataclass(frozen=True, slots=True)
class VerifyDkim:
    """Look the records of an account's domain up; keys that are found sign from now on.  Answer: DkimTold."""

    account_id: int


@dataclass(frozen=True, slots=True)
class LoadPictures:
    """Fetch the pictures from elsewhere that a message shows, on a person's word; through a proxy, as
    ``plan.proxy.proxy_of`` reads it, where one is named.  Answer: PicturesLoaded.
    """

    message_id: int
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Tell the list of a message, by the one click of RFC 8058 and on a person's word, that they want no more of it.
    Answer: Unsubscribed.
    """

    message_id: int


@dataclass(frozen=True, slots=True)
class AnswerReceipt:
    """A person's answer to a message that asks to be told that it was read (RFC 8098); it is asked once.  Answer: Done.

    ``send``: a receipt is queued for the addresses ``to``, which the person was shown; else there is none.  Errors
    "receipt-answered", "receipt-changed" (the message asks for no receipt there), "no-route".
    """

    message_id: int
    send: bool
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnose:
    """Find out how the world sees mail that an account (stored or not) delivers by itself.  Answer: Diagnosed.

    ``address``: where others see this computer; empty: it is found out.
    """

    account_id: int = 0
    account: Account | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Preflight:
    """Look up how domains take mail that an account delivers by itself; a person agreed to that.  Answer: Foreseen."""

    account_id: int
    domains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Examine:
    """Learn which servers receive the mail of a message's account; with ``ask``, to which a person agreed, check the
    message's signatures, whose keys are in the DNS.  What is found is kept in the store.  Answer: Done.
    """

    message_id: int
    ask: bool = False


@dataclass(frozen=True, slots=True)
class Sync:
    """Look for news now; ``complete``: answer only when all bodies are here and indexed.  Answer: Synced."""

    account_id: int | None = None
    complete: bool = False


@dataclass(frozen=True, slots=True)
class OpenMessage:
    """Make the view of a message (fetching its body when needed).  Answer: Done; then read it from the store.

    ``beginning``: where the whole takes a while, that of its beginning is enough for now; the store has only one.
    """

    message_id: int
    beginning: bool = False


@dataclass(frozen=True, slots=True)
class SearchServers:
    """Search on the servers too, for what is not here or whose text is not.  Answer: ServersSearched, at the end.

    Meanwhile FoundOnServer tells the hits, folder by folder, under the client's ``token``; what had no row gets one
    first, so that each hit can be listed and opened.  Another search with the same token ends this one, and so does an
    empty ``query``.  A client shows what its own look into the store finds first, and adds what is new here.
    """

    query: str
    account_id: int | None = None
    limit: int = 200
    token: str = ""


@dataclass(frozen=True, slots=True)
class VerifyIndex:
    """Hold the search index against the store, and mend it in the background.  Answer: IndexVerified.

    ``thorough``: look for every message by its words, not for some.  ``rebuild``: make the index anew in any case.
    """

    thorough: bool = False
    rebuild: bool = False


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """How much is fetched of a folder (None: what its account says), or (``account_id``) of every other.  Answer: Done.

    What is here stays here; what a wider policy adds is fetched at once.
    """

    policy: Policy | None
    folder_id: int | None = None
    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class SetRole:
    """Use a folder for sent mail, drafts ... (a ``model.folder.Role``, not the inbox) from now on.  Answer: Done."""

    folder_id: int
    role: str


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """Write accounts, client ids and the window's settings to a file.  Answer: Done.

    With a ``passphrase`` passwords and sign-ins too, sealed under it.
    """

    file: str
    passphrase: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """Add what ExportSettings wrote.  Answer: SettingsImported.  An account whose name is taken stays as it is here."""

    file: str
    passphrase: str = field(default="", repr=False)
    without_secrets: bool = False


@dataclass(frozen=True, slots=True)
class OrderAccounts:
    """The order in which accounts are listed.  Answer: Done."""

    account_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PutBook:
    """Make an address book, or (``book.id``) call one something else.  Answer: BookKept.

    Of a CardDAV book ``password`` is who ``book.user`` is; with ``book.account_id`` that account's sign-in is used.
    """

    book: Book
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class RemoveBook:
    """Forget an address book; what a CardDAV server has stays there.  Answer: Done.

    Error "book-waits" where the server was not told of changes yet, unless it is ``forced``.
    """

    book_id: int
    forced: bool = False


@dataclass(frozen=True, slots=True)
class FindBooks:
    """Look for address books of a user (RFC 6764, RFC 6352 s.6.2.1).  Answer: BooksFound.

    ``address``: a mail address, a domain, or the https URL of a server.  Nothing is kept.
    """

    address: str
    user: str = ""
    password: str = field(default="", repr=False)
    account_id: int = 0
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class SyncBooks:
    """Make CardDAV books (None: all) and their servers agree now.  Answer: BooksSynced."""

    book_id: int | None = None


@dataclass(frozen=True, slots=True)
class PutContact:
    """Keep a card: of a new contact in a book, or (``contact_id``) in place of the one that was edited.

    ``before``: the card that the person began with; where another is there by now, both are put together.  Cards are
    their octets in UTF-8, what is none as lone surrogates.  Answer: ContactKept; errors "contact-gone", "bad-card".
    """

    card: str
    book_id: int = 0
    contact_id: int = 0
    before: str = ""


@dataclass(frozen=True, slots=True)
class RemoveContacts:
    """Delete contacts; for 30 days they can be brought back.  Answer: Done."""

    contacts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RestoreContacts:
    """Bring deleted contacts back.  Answer: Done."""

    contacts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class UndoContacts:
    """Make contacts again what their server has; one that it never had is deleted, restorable.  Answer: Done."""

    contacts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MergeContacts:
    """Make one of several: the first gets what any of them says, the others are deleted.  Answer: ContactKept."""

    contacts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GroupContacts:
    """Put contacts into a group, or take them out.  Answer: Done."""

    contacts: tuple[int, ...]
    group: str
    inside: bool = True


@dataclass(frozen=True, slots=True)
class ImportContacts:
    """Take the contacts of a file (.vcf, or another program's address book) into a book; 0: the first of this computer.
    Answer: ContactsImported.
    """

    path: str
    book_id: int = 0
    token: str = ""


@dataclass(frozen=True, slots=True)
class ExportContacts:
    """Write contacts into a .vcf file: of a book, these (``contacts``), or all.  Answer: ContactsExported.

    ``version``: "3.0" or "4.0"; empty: each as it is.  Errors "file-there", "file-unwritable".
    """

    path: str
    book_id: int = 0
    contacts: tuple[int, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True)
class SetFlags:
    """Set and clear flags (bits of ``model.message.Flag``).  Answer: Acted."""

    messages: tuple[int, ...]
    add: int = 0
    remove: int = 0


@dataclass(frozen=True, slots=True)
class TagMessages:
    """Set and clear keywords.  Answer: Acted; error "bad-tag" where one cannot be a keyword.

    ``name`` is how the person calls what they set or cleared, for the label of the act.
    """

    messages: tuple[int, ...]
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class MoveMessages:
    """Move to a folder of the same account.  Answer: Acted."""

    messages: tuple[int, ...]
    folder_id: int


@dataclass(frozen=True, slots=True)
class ArchiveMessages:
    """Move each to its account's archive; ``years``: to a folder below it for the year it came in.  Answer: Acted."""

    messages: tuple[int, ...]
    years: bool = False


@dataclass(frozen=True, slots=True)
class SnoozeMessages:
    """Put messages aside until a time (UTC seconds; 0: bring them back now).  Answer: Acted; error "bad-time".

    Each lies in its account's folder for that meanwhile, and returns, unread, to where it was.
    """

    messages: tuple[int, ...]
    until: int


@dataclass(frozen=True, slots=True)
class PinMessages:
    """Keep messages in sight above their lists, or do not any more.  Answer: Done."""

    messages: tuple[int, ...]
    pinned: bool = True


@dataclass(frozen=True, slots=True)
class JunkMessages:
    """Mark as junk and move to the account's junk folder; not ``junk``: the reverse, to its inbox.  Answer: Acted."""

    messages: tuple[int, ...]
    junk: bool = True


@dataclass(frozen=True, slots=True)
class DeleteMessages:
    """Move each to its account's trash; one that is there already, or ``forever``, is deleted.  Answer: Acted."""

    messages: tuple[int, ...]
    forever: bool = False


@dataclass(frozen=True, slots=True)
class ThreadWord:
    """A person's word on a message: it begins a conversation of its own (``apart``); it goes with the message of
    another Message-ID (``joined``; empty: none).  Neither: as mail and servers have it.
    """

    message: int
    apart: bool = False
    joined: str = ""


@dataclass(frozen=True, slots=True)
class SayThreads:
    """A person's words on conversations, instead of earlier ones.  Answer: ThreadsSaid."""

    words: tuple[ThreadWord, ...]


@dataclass(frozen=True, slots=True)
class QuietThreads:
    """The conversations of these messages are muted: what is new in them counts as read, and nobody is told.

    ``ignored``: and it leaves the inbox; not ``quiet``: as any other again.  Answer: Done.
    """

    messages: tuple[int, ...]
    quiet: bool = True
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Undo:
    """Take back an act (the latest when None).  Answer: Acted; error "nothing-to-undo"."""

    history_id: int | None = None


@dataclass(frozen=True, slots=True)
class StopActs:
    """Stop the acts on very many messages that are being carried out; what is done stays.  Answer: Done.

    Such an act is answered (Acted, without its messages) when its first part is done; Progress tells the rest.
    """


@dataclass(frozen=True, slots=True)
class SettleRefused:
    """The person has read why wishes for these messages were refused; ``again``: wish the same anew.  Answer: Done."""

    messages: tuple[int, ...]
    again: bool = False


@dataclass(frozen=True, slots=True)
class RestoreMessages:
    """Bring back what disappeared, by its entries in the ledger (``store.ledger``).  Answer: Restored.

    Each is put into the folder where it was (made again when it is gone), here at once; an IMAP server follows.
    """

    entries: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Send:
    """Queue a message: a draft, or a file holding an RFC 5322 message.  Answer: Queued, once it is durable.

    ``terms`` is what every server on the way is asked for.
    ``delay`` seconds can pass before the first attempt (undo send).  ``at`` (UTC seconds): not before then, and its
    Date says so; it has to be ahead.  ``answers``/``forwards`` are message ids.  ``direct``: to the exchangers,
    whatever the account's way is.
    ``take_file``: the file belongs to the engine now and is removed once queued.
    ``redirects``: that message as it is, to the recipients of ``draft``, by its sender (RFC 5322 s.3.6.6).
    """

    account_id: int
    draft: Draft | None = None
    file: str = ""
    take_file: bool = False
    delay: int = 0
    answers: int | None = None
    forwards: int | None = None
    forwarded_parts: tuple[str, ...] = ()
    replaces_draft: int | None = None
    at: int | None = None
    terms: Terms = NO_TERMS
    direct: bool = False
    redirects: int | None = None
    draft_key: str = ""


@dataclass(frozen=True, slots=True)
class SaveDraft:
    """Put a draft into the account's Drafts folder, in place of ``replaces``.  Answer: Saved.

    ``require_tls`` is kept with it, and ``writing``: "markdown" (``draft.text`` is the source), "plain" or "rich".
    ``key`` is the letter's: there is one draft of each, whatever a crash made of ``replaces``.  ``template``: it goes
    into the account's folder Templates instead, beside the others.
    """

    account_id: int
    draft: Draft
    replaces: int | None = None
    require_tls: bool = False
    writing: str = "rich"
    key: str = ""
    template: bool = False


@dataclass(frozen=True, slots=True)
class AwaitVerdicts:
    """Answer (Done) when each recipient of an outgoing message has had its first verdict."""

    outgoing_id: int


@dataclass(frozen=True, slots=True)
class CancelOutgoing:
    """Take a message out of the outbox as far as nobody has it yet, for these recipients (none: all).  Answer: Done."""

    outgoing_id: int
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RetryOutgoing:
    """Try deferred, refused (by hand) or unknown (by explicit wish) recipients again now.  Answer: Done.

    ``via``: the account whose server takes it from now on; sender and text stay as they are.  ``less_protection``: to
    domains for which mail waits because less protection is offered than before, it may go with one level less.
    """

    outgoing_id: int
    recipients: tuple[str, ...] = ()
    via: int | None = None
    less_protection: bool = False


@dataclass(frozen=True, slots=True)
class RescheduleOutgoing:
    """Send a message that nobody has yet at another time: ``at`` (UTC seconds), None: now.  Answer: Done.

    It is frozen anew, for its Date only, so its Message-ID stays.
    """

    outgoing_id: int
    at: int | None = None


@dataclass(frozen=True, slots=True)
class TendQueue:
    """Do something to messages of the outbox that are not finished (none named: to all).  Answer: Tended."""

    act: Tending
    messages: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitRate:
    """At most so many messages a minute to a domain (an A-label; empty: altogether); 0: no limit.  Answer: Done."""

    domain: str
    per_minute: int


@dataclass(frozen=True, slots=True)
class CreateFolder:
    """The folder of this name, made if it is missing (an IMAP server follows when it can).  Answer: FolderMade."""

    account_id: int
    name: str


@dataclass(frozen=True, slots=True)
class RenameFolder:
    """Another full name for a folder and those below it (an IMAP server follows when it can).  Answer: Acted.

    Errors "bad-name", "name-taken", "folder-needed" (it has a role).
    """

    folder_id: int
    name: str


@dataclass(frozen=True, slots=True)
class DeleteFolder:
    """Move what is in a folder and those below it into the bin, and delete them once they are empty.  Answer: Acted."""

    folder_id: int


@dataclass(frozen=True, slots=True)
class EmptyFolder:
    """Delete for ever what is in a bin or a junk folder.  Answer: Acted."""

    folder_id: int


@dataclass(frozen=True, slots=True)
class MarkFolderRead:
    """Every message of a folder counts as read.  Answer: Acted."""

    folder_id: int


@dataclass(frozen=True, slots=True)
class SubscribeFolder:
    """Subscribe to a folder of an IMAP server, or do not any more.  Answer: Acted."""

    folder_id: int
    subscribed: bool


@dataclass(frozen=True, slots=True)
class PutRule:
    """Keep a rule for new mail (``rule.id`` 0: a new one).  Answer: RuleKept; error "bad-rule"."""

    rule: MailRule


@dataclass(frozen=True, slots=True)
class SetJunkFilter:
    """Judge new mail by what was learned of junk, where no server does that, or do not.  Answer: Done."""

    enabled: bool


@dataclass(frozen=True, slots=True)
class RemoveRule:
    """Forget a rule.  Answer: Done; error "no-such-rule"."""

    rule_id: int


@dataclass(frozen=True, slots=True)
class OrderRules:
    """The order in which new mail meets the rules.  Answer: Done."""

    rules: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TryRule:
    """What a rule would have done to the mail of the last ``days``; nothing is done.  Answer: RuleTried."""

    rule: MailRule
    days: int = 365


@dataclass(frozen=True, slots=True)
class Import:
    """Bring in the mail of another program: a file or a whole tree (see ``plan.arriving``).  Answer: Imported.

    ``folder``: into this one, what is nested below it; empty: under the names that it has there.  ``account_id`` 0: the
    account of this computer.  ``token`` names the work for ``Importing`` and ``Stop``.  ``dialect`` of mbox files
    (``mime.mbox.Dialect``); empty: as they show.  ``accounts``: add those of a profile, too, without passwords;
    ``contacts``: and what is in its address books.
    """

    path: str
    folder: str = ""
    account_id: int = 0
    token: str = ""
    dialect: str = ""
    accounts: bool = False
    contacts: bool = True


@dataclass(frozen=True, slots=True)
class Export:
    """Write a folder, or (None) every folder of an account, to a path where nothing is yet.  Answer: Exported.

    ``form``: "mbox" (mboxrd), "maildir" (Maildir++ for an account, with flags and tags) or "eml".  ``flags``: in an
    mbox each message begins with what is said of it (Status, X-Status, X-Keywords).
    """

    path: str
    account_id: int = 0
    folder_id: int | None = None
    form: str = "mbox"
    token: str = ""
    flags: bool = False


@dataclass(frozen=True, slots=True)
class Backup:
    """Write the whole profile to a file that is not there yet, and read it back.  Answer: BackedUp.

    With a ``passphrase`` passwords and sign-ins too, sealed under it.
    """

    path: str
    passphrase: str = field(default="", repr=False)
    token: str = ""


@dataclass(frozen=True, slots=True)
class RestoreBackup:
    """Make this profile, into which nobody has put anything yet, what a backup holds; its passwords too, unless it is
    wanted ``bare``.  Answer: BackedUp; then everybody has to begin anew, the engine too (``Shutdown``).
    """

    path: str
    passphrase: str = field(default="", repr=False)
    bare: bool = False


@dataclass(frozen=True, slots=True)
class TakeSecrets:
    """Keep the passwords of the backup from which this profile was restored.  Answer: SettingsImported."""

    path: str
    passphrase: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Stop:
    """End a long work of this token; what it did stays.  Answer: Done."""

    token: str


@dataclass(frozen=True, slots=True)
class Poke:
    """The network is back, or a person says "try again now".  Answer: Done."""

    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """How one account is, or all are.  Answer: HealthTold, at once, from what is known here."""

    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class SaveBundle:
    """Write health and log into a file that strangers may read (see ``engine.health``).  Answer: Done."""

    path: str


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End the engine in order.  Answer: Done."""


# ---- answers ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Welcome:
    """Answer to Hello."""

    pid: int
    version: str
    secrets: str = ""  # where secrets live; empty: the person has not chosen
    schema: int = 0  # of the store that it writes; 0: older than this field


@dataclass(frozen=True, slots=True)
class Done:
    """It is done; nothing to tell."""


@dataclass(frozen=True, slots=True)
class AccountAdded:
    """The new account's id."""

    account_id: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked: ``what`` is "incoming", "outgoing" or "dns"; ``text`` one sentence."""

    what: str
    ok: bool
    text: str
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found, in order."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class DkimTold:
    """The records that the domain has to publish, and what is known of each."""

    domain: str
    records: tuple[DnsRecord, ...]


@dataclass(frozen=True, slots=True)
class PicturesLoaded:
    """How many of a message's pictures are here now, and how many could not be had."""

    here: int
    missing: int


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """What the list's server answered (``status``, of HTTP); 0: it had been told before, and nothing was sent."""

    host: str
    status: int


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """What was found."""

    diagnosis: Diagnosis


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What is known of each domain; those of which nothing could be learned in time are missing."""

    outlooks: tuple[Outlook, ...]


@dataclass(frozen=True, slots=True)
class SignInService:
    """A way to sign in by OAuth 2.  ``ready``: there is a client id for it; else ``steps`` say how one is had, on the
    page ``register`` (``secret``: a client secret belongs to it; ``makes_ids``: anybody can have one; ``tenant``: the
    usual one, where the provider has tenants).  ``device``: a code on another screen is possible.
    """

    key: str
    name: str
    ready: bool = False
    device: bool = False
    secret: bool = False
    register: str = ""
    steps: tuple[str, ...] = ()
    makes_ids: bool = True
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class Discovered:
    """Candidates for an address, best first: accounts with their servers filled in, and who said so.

    ``auth`` is "password", "app-password" or "oauth"; ``help`` the provider's own page about it; ``service``: how one
    could sign in in a browser.
    """

    accounts: tuple[Account, ...]
    sources: tuple[str, ...]
    auth: str = "password"
    note: str = ""
    help: str = ""
    service: SignInService | None = None


@dataclass(frozen=True, slots=True)
class SettingsImported:
    """How many accounts were added, the names of those that are here already, and how many secrets were kept."""

    accounts: int
    skipped: tuple[str, ...] = ()
    secrets: int = 0


@dataclass(frozen=True, slots=True)
class SignInBegun:
    """``url`` is the page to show in a browser; with ``user_code`` that is to be typed there, on whatever screen."""

    sign_in: str
    url: str
    user_code: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person agreed; ``oauth`` belongs into the account."""

    oauth: OAuth


@dataclass(frozen=True, slots=True)
class Synced:
    """A sync ended; ``problems`` are sentences (empty: all is well), ``codes`` their machine words."""

    problems: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServersSearched:
    """A search on the servers ended: every hit, in how many folders, and sentences about what was not searched."""

    messages: tuple[int, ...] = ()
    folders: int = 0
    problems: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexVerified:
    """What the index holds of how many messages, how many wait to be indexed, and what was wrong with it.

    ``missing`` it should have, ``surplus`` it should not; of ``checked`` messages ``wrong`` were not found by their own
    words.
    """

    messages: int
    indexed: int = 0
    waiting: int = 0
    missing: int = 0
    surplus: int = 0
    checked: int = 0
    wrong: int = 0
    damaged: bool = False
    repairing: bool = False


@dataclass(frozen=True, slots=True)
class ThreadsSaid:
    """What had been said of them before: said again, it takes the act back."""

    before: tuple[ThreadWord, ...]


@dataclass(frozen=True, slots=True)
class Acted:
    """An act was recorded; ``history_id`` undoes it; ``label`` says what it was ("Archived 3 messages")."""

    history_id: int
    label: str
    messages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """What is back, and sentences about what could not be brought back."""

    messages: tuple[int, ...] = ()
    problems: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Queued:
    """The message is durable in the outbox."""

    outgoing_id: int
    message_id: str


@dataclass(frozen=True, slots=True)
class Tended:
    """How many messages it concerned; of a flush, how many recipients."""

    count: int


@dataclass(frozen=True, slots=True)
class Saved:
    """The draft is in the store.

    ``elsewhere``: the one of before was taken away by somebody else (another program edited it, or deleted it);
    ``other``: the message that stands in its place, as far as it can be told.
    """

    message_id: int
    elsewhere: bool = False
    other: int | None = None


@dataclass(frozen=True, slots=True)
class FolderMade:
    """The folder's id."""

    folder_id: int


@dataclass(frozen=True, slots=True)
class RuleKept:
    """The rule's id."""

    rule_id: int


@dataclass(frozen=True, slots=True)
class RuleTried:
    """How many messages were looked at, how many the rule fits, and the newest of those."""

    looked: int
    fitting: int
    messages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FolderImported:
    """One folder of an import.  ``imported``: read back from the store with the hash that it had in the file.

    ``digest``: SHA-256 in hex, over the SHA-256 of each message, in the order of the file.
    """

    folder_id: int
    name: str
    found: int
    imported: int
    octets: int
    digest: str


@dataclass(frozen=True, slots=True)
class Imported:
    """How many messages were found and how many are here now, what was left out, which accounts were added.

    ``program``: whose files these were, where that could be seen.  ``tags``: as they were called there.
    ``contacts``: of the address books among them; None: there was none.
    """

    found: int
    imported: int
    octets: int = 0
    program: str = ""
    account_id: int = 0
    folders: tuple[FolderImported, ...] = ()
    left: tuple[LeftOut, ...] = ()
    accounts: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()
    stopped: bool = False
    contacts: "ContactsImported | None" = None

    @property
    def lost(self) -> int:
        """How many were found, and are not here."""
        return self.found - self.imported


@dataclass(frozen=True, slots=True)
class Exported:
    """How many messages were to be written, and how many files, read back, have the hash that the store has."""

    found: int
    exported: int
    folders: tuple[FolderImported, ...] = ()
    left: tuple[LeftOut, ...] = ()
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What is in a backup.  ``missing``: messages whose bytes should have been here, and were not."""

    messages: int
    files: int
    octets: int
    missing: int = 0
    secrets: bool = False


@dataclass(frozen=True, slots=True)
class AccountHealth:
    """One account's health.  Times are UTC seconds, 0: never or not known; so are texts that are empty.

    ``state`` is a ``State``.  ``software`` is what the server says it is, ``offered`` its capabilities, ``in_use``
    those that Mua uses, ``enabled`` what was switched on, ``quirks`` what does not work there and is done otherwise.
    ``connections`` are open now; ``allowed`` is how many the server lets us have (0: as many as we want).
    ``woken_by``: "news", "poke" (there was something to do), "timeout" (IDLE was renewed), "slept".  ``checked_at``:
    when everything was last compared.  ``not_indexed``: what the search does not know yet.  ``octets_*`` count since
    the engine started.  After ``failures`` failed connections in a row the next is tried at ``paused_until``.
    ``quotas``: how much room there is on the server; where it is nearly used up, ``problems`` say so.
    """

    account_id: int
    incoming: str = ""
    host: str = ""
    port: int = 0
    security: str = ""
    state: str = ""
    software: str = ""
    tls: str = ""
    mechanism: str = ""
    offered: tuple[str, ...] = ()
    in_use: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()
    quirks: tuple[str, ...] = ()
    compressed: bool = False
    connections: int = 0
    allowed: int = 0
    woken_at: int = 0
    woken_by: str = ""
    checked_at: int = 0
    on_server: int = 0
    in_store: int = 0
    with_body: int = 0
    not_indexed: int = 0
    wishes: int = 0
    octets_in: int = 0
    octets_out: int = 0
    failures: int = 0
    paused_until: int = 0
    problems: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    quotas: tuple[Quota, ...] = ()


@dataclass(frozen=True, slots=True)
class HealthTold:
    """The accounts in the person's order."""

    accounts: tuple[AccountHealth, ...] = ()


@dataclass(frozen=True, slots=True)
class BookKept:
    """The address book is there."""

    book_id: int


@dataclass(frozen=True, slots=True)
class BooksFound:
    """The address books of a server: their URLs and names."""

    books: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class BooksSynced:
    """What visits to CardDAV servers did: cards that came, went out, were put together; ``problems``: sentences."""

    came: int = 0
    went: int = 0
    merged: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContactKept:
    """The card is kept.  ``conflicts``: what could not be put together; the other card is beside it."""

    contact_id: int
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContactsImported:
    """What was in a file: ``found`` cards, of which ``imported`` are new here and ``here`` were there already.

    ``left``: what was not taken, and why.
    """

    found: int
    imported: int
    here: int
    book_id: int
    left: tuple[LeftOut, ...] = ()
    stopped: bool = False

    @property
    def lost(self) -> int:
        """Cards that could not be taken."""
        return self.found - self.imported - self.here


@dataclass(frozen=True, slots=True)
class ContactsExported:
    """How many were to be written, and how many are in the file, read back."""

    found: int
    exported: int


# ---- events: what the engine says of itself -----------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Changed:
    """These things are different in the store.  ``everything``: too many to list, read again what you show."""

    seq: int
    accounts: bool = False
    folders: tuple[int, ...] = ()
    messages: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    outgoing: tuple[int, ...] = ()
    everything: bool = False
    contacts: bool = False


@dataclass(frozen=True, slots=True)
class Arrived:
    """New mail, unread, worth a notification where a person wants one of what comes into its folder."""

    messages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FoundOnServer:
    """Hits of one folder, newest first, of the search that a client calls ``token``."""

    token: str
    account_id: int
    messages: tuple[int, ...]


class State(enum.StrEnum):
    """What an account's worker is doing."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    IDLE = "idle"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Status:
    """An account's state; ``text`` is a sentence when something is wrong, with its ``code``."""

    account_id: int
    state: State
    text: str = ""
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """Long work: ``done`` of ``total`` ``what`` ("headers", "messages", "indexed", "acted"); done == total: over."""

    account_id: int
    what: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Importing:
    """An import, an export or a backup goes on: which folder, how many messages so far, ``done`` of ``total``."""

    token: str
    folder: str
    messages: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should know that is no trouble of an account (the disk is full, a mailbox is nearly full)."""

    text: str
    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Raise:
    """A second window was asked for: show the first one."""


Command = (
    Hello | AddAccount | UpdateAccount | RemoveAccount | SetRules | SetSecret | AllowWeaker | ChooseSecrets
    | SetIdentities
    | CheckAccount | Discover | MakeDkim | ShowDkim | VerifyDkim | Diagnose | Preflight | Sync | SearchServers
    | OpenMessage | SetFlags | MoveMessages | ArchiveMessages | JunkMessages | DeleteMessages | Undo | SettleRefused
    | RestoreMessages | Send | SaveDraft | AwaitVerdicts | CancelOutgoing | RetryOutgoing | RescheduleOutgoing
    | TendQueue | LimitRate | CreateFolder | SetPolicy | Poke | Health | SaveBundle | Shutdown | Raise
    | Import | Export | Backup | RestoreBackup | TakeSecrets | Stop
    | RemoveDkim | LoadPictures | Examine | Unsubscribe | AnswerReceipt | TagMessages | SayThreads | QuietThreads
    | RenameFolder | DeleteFolder | EmptyFolder | MarkFolderRead | SubscribeFolder
    | BeginSignIn | AwaitSignIn | EndSignIn | SetClient | SetRole | OrderAccounts
    | ExportSettings | ImportSettings
    | SnoozeMessages | PinMessages | VerifyIndex
    | PutRule | RemoveRule | OrderRules | TryRule | SetJunkFilter | StopActs
    | PutBook | RemoveBook | FindBooks | SyncBooks | PutContact | RemoveContacts | RestoreContacts
    | UndoContacts | MergeContacts | GroupContacts | ImportContacts | ExportContacts
)  # fmt: skip
Answer = (
    Welcome | Done | AccountAdded | Checked | Discovered | DkimTold | Diagnosed | Foreseen | Synced | ServersSearched
    | Acted | ThreadsSaid | Restored | Queued | Tended | Saved | FolderMade | HealthTold | PicturesLoaded
    | Imported | Exported | BackedUp
    | Unsubscribed | SignInBegun | SignedIn | IndexVerified
    | RuleKept | RuleTried | SettingsImported
    | BookKept | BooksFound | BooksSynced | ContactKept | ContactsImported | ContactsExported
)  # fmt: skip
Event = Changed | Arrived | FoundOnServer | Status | Progress | Importing | Notice | Raise

_COMMANDS = {one.__name__: one for one in typing.get_args(Command)}
_ANSWERS = {one.__name__: one for one in typing.get_args(Answer)}
_EVENTS = {one.__name__: one for one in typing.get_args(Event)}


# ---- lines --------------------------------------------------------------------------------------------------------
def command_line(number: int, command: Command) -> bytes:
    """A command as the client sends it."""
    return _line({"n": number, "do": type(command).__name__, **to_json(command)})


def parse_command(line: bytes) -> tuple[int, Command]:
    """(number, command); raises ValueError on anything that is not one."""
    found = _object(line)
    kind = _COMMANDS.get(str(found.get("do")))
    if kind is None:
        raise ValueError(f"unknown command {found.get('do')!r}")
    return typed(int, found.get("n", 0)), from_json(kind, found)


def answer_line(number: int, answer: Answer | MailError) -> bytes:
    """The engine's answer to command ``number``."""
    if isinstance(answer, MailError):
        error = {key: getattr(answer, key) for key in ("kind", "retry", "text", "detail", "code")}
        return _line({"re": number, "error": error})
    return _line({"re": number, "ok": {"is": type(answer).__name__, **to_json(answer)}})


def event_line(event: Event) -> bytes:
    """An event as the engine sends it."""
    return _line({"on": type(event).__name__, **to_json(event)})


def parse_reply(line: bytes) -> tuple[int, Answer | MailError] | Event:
    """What a client received: an answer with its number, or an event.  Raises ValueError on anything else."""
    found = _object(line)
    if "on" in found:
        event: Event = from_json(_EVENTS[found["on"]], found)
        return event
    if "error" in found:
        error = found["error"]
        kind, retry = Kind(error["kind"]), Retry(error["retry"])
        return int(found["re"]), MailError(kind, retry, error["text"], error["detail"], error["code"])
    answer: Answer = from_json(_ANSWERS[found["ok"]["is"]], found["ok"])
    return int(found["re"]), answer


def _line(data: dict[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found
