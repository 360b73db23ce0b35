"""The schema of cache.db and body.db, numbered from the first day.

Rules of the file: a step once released is never edited; STRICT tables; a column never changes its meaning.
``MIGRATIONS[n]`` takes cache.db from version n to n+1 (``PRAGMA user_version``), in one transaction.

How a message is *shown*: ``folder_id`` and ``flags`` are what the server last told us; ``want_*`` are the person's
wishes.  ``shown_folder`` and ``shown_flags`` are the two put together, so that a wish is on screen at once, online or
offline, and a fulfilled wish changes nothing on screen.  Counters of a folder follow by triggers: they cannot drift.
"""

# A message with a wish that its folder's server has not fulfilled; the partial index serves queries that say just this.
_WISHED_1 = "want_folder_id IS NOT NULL OR want_set <> 0 OR want_clear <> 0 OR want_gone <> 0 OR want_append <> 0"
WISHED = f"{_WISHED_1} OR want_keywords <> ''"

CACHE_1 = f"""
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta(key, value) VALUES ('index_seq', 0);

CREATE TABLE setting(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE account(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL,
  full_name TEXT NOT NULL DEFAULT '',
  incoming TEXT NOT NULL DEFAULT 'local',
  in_host TEXT NOT NULL DEFAULT '', in_port INTEGER NOT NULL DEFAULT 0,
  in_security TEXT NOT NULL DEFAULT 'tls', in_user TEXT NOT NULL DEFAULT '',
  route TEXT NOT NULL DEFAULT 'none',
  out_host TEXT NOT NULL DEFAULT '', out_port INTEGER NOT NULL DEFAULT 0,
  out_security TEXT NOT NULL DEFAULT 'tls', out_user TEXT NOT NULL DEFAULT '',
  direct_dns TEXT NOT NULL DEFAULT '', direct_mx_port INTEGER NOT NULL DEFAULT 25,
  direct_allow_private INTEGER NOT NULL DEFAULT 0,
  ca_file TEXT NOT NULL DEFAULT '',
  leave_on_server INTEGER NOT NULL DEFAULT 1,
  allow_plaintext INTEGER NOT NULL DEFAULT 0,
  demo INTEGER NOT NULL DEFAULT 0,
  position INTEGER NOT NULL DEFAULT 0,
  synced_at INTEGER NOT NULL DEFAULT 0,
  server_saves_sent INTEGER NOT NULL DEFAULT -1       -- learned: -1 not known, 0 no, 1 yes
) STRICT;

CREATE TABLE problem(                                 -- what is wrong until a person or the network changes something
  account_id INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  side TEXT NOT NULL,                                 -- incoming or outgoing
  code TEXT NOT NULL, text TEXT NOT NULL, detail TEXT NOT NULL,
  PRIMARY KEY(account_id, side)) STRICT, WITHOUT ROWID;

CREATE TABLE folder(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  delimiter TEXT NOT NULL DEFAULT '/',
  role TEXT NOT NULL DEFAULT '',
  selectable INTEGER NOT NULL DEFAULT 1,
  subscribed INTEGER NOT NULL DEFAULT 1,
  local INTEGER NOT NULL DEFAULT 0,                   -- 1: lives on this computer only (POP3 and local accounts)
  uidvalidity INTEGER NOT NULL DEFAULT 0,
  uidnext INTEGER NOT NULL DEFAULT 0,
  highestmodseq INTEGER NOT NULL DEFAULT 0,
  on_server INTEGER NOT NULL DEFAULT 0,
  unread INTEGER NOT NULL DEFAULT 0,                  -- the next three by trigger, over shown messages
  total INTEGER NOT NULL DEFAULT 0,
  with_body INTEGER NOT NULL DEFAULT 0,
  want_create INTEGER NOT NULL DEFAULT 0,
  problem TEXT NOT NULL DEFAULT '',
  UNIQUE(account_id, name)
) STRICT;

CREATE TABLE message(
  id INTEGER PRIMARY KEY,                             -- received seconds << 20 | sequence
  account_id INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  folder_id INTEGER NOT NULL REFERENCES folder(id) ON DELETE CASCADE,
  uid INTEGER,                                        -- NULL: not on the server (yet), or its uid is not known yet
  flags INTEGER NOT NULL DEFAULT 0,
  keywords TEXT NOT NULL DEFAULT '',
  size INTEGER NOT NULL DEFAULT 0,
  internaldate INTEGER NOT NULL DEFAULT 0,
  date INTEGER NOT NULL DEFAULT 0,
  subject TEXT NOT NULL DEFAULT '',
  sender TEXT NOT NULL DEFAULT '[]',                  -- JSON [[name, address], ...]
  recipients TEXT NOT NULL DEFAULT '[]',
  cc TEXT NOT NULL DEFAULT '[]',
  message_id TEXT NOT NULL DEFAULT '',
  refs TEXT NOT NULL DEFAULT '',
  list_id TEXT NOT NULL DEFAULT '',
  thread_id INTEGER NOT NULL DEFAULT 0,
  snippet TEXT NOT NULL DEFAULT '',
  has_attachments INTEGER NOT NULL DEFAULT 0,
  has_body INTEGER NOT NULL DEFAULT 0,                -- 0 no, 1 in body.db, 2 a file in big/
  index_seq INTEGER NOT NULL DEFAULT 0,               -- grows with every change the indexer has to see
  want_folder_id INTEGER REFERENCES folder(id) ON DELETE SET NULL,
  want_set INTEGER NOT NULL DEFAULT 0,
  want_clear INTEGER NOT NULL DEFAULT 0,
  want_gone INTEGER NOT NULL DEFAULT 0,
  want_append INTEGER NOT NULL DEFAULT 0,
  want_body INTEGER NOT NULL DEFAULT 0,
  wish_at INTEGER NOT NULL DEFAULT 0,
  problem TEXT NOT NULL DEFAULT '',
  shown_folder INTEGER GENERATED ALWAYS AS
    (CASE WHEN want_gone THEN NULL ELSE coalesce(want_folder_id, folder_id) END) VIRTUAL,
  shown_flags INTEGER GENERATED ALWAYS AS ((flags | want_set) & ~want_clear) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX message_uid ON message(folder_id, uid) WHERE uid IS NOT NULL;
CREATE INDEX message_shown ON message(shown_folder, id);
CREATE INDEX message_thread ON message(thread_id);
CREATE INDEX message_mid ON message(message_id) WHERE message_id <> '';
CREATE INDEX message_index ON message(index_seq);
CREATE INDEX message_wish ON message(account_id, folder_id)
  WHERE {_WISHED_1};
CREATE INDEX message_bodyless ON message(account_id, folder_id, id) WHERE has_body = 0;
CREATE INDEX message_want_body ON message(account_id) WHERE want_body <> 0 AND has_body = 0;
CREATE INDEX message_unread ON message(id) WHERE shown_flags & 1 = 0;
CREATE INDEX message_flagged ON message(id) WHERE shown_flags & 4 <> 0;

CREATE TRIGGER message_added AFTER INSERT ON message BEGIN
  UPDATE folder SET total = total + 1, unread = unread + (NEW.shown_flags & 1 = 0),
    with_body = with_body + (NEW.has_body > 0) WHERE id = NEW.shown_folder;
END;
CREATE TRIGGER message_removed AFTER DELETE ON message BEGIN
  UPDATE folder SET total = total - 1, unread = unread - (OLD.shown_flags & 1 = 0),
    with_body = with_body - (OLD.has_body > 0) WHERE id = OLD.shown_folder;
END;
CREATE TRIGGER message_changed AFTER UPDATE ON message
WHEN OLD.shown_folder IS NOT NEW.shown_folder OR OLD.shown_flags & 1 <> NEW.shown_flags & 1
  OR (OLD.has_body > 0) <> (NEW.has_body > 0)
BEGIN
  UPDATE folder SET total = total - 1, unread = unread - (OLD.shown_flags & 1 = 0),
    with_body = with_body - (OLD.has_body > 0) WHERE id = OLD.shown_folder;
  UPDATE folder SET total = total + 1, unread = unread + (NEW.shown_flags & 1 = 0),
    with_body = with_body + (NEW.has_body > 0) WHERE id = NEW.shown_folder;
END;

CREATE TABLE mid(                                     -- every Message-ID seen or referred to -> its thread
  message_id TEXT PRIMARY KEY, thread_id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX mid_thread ON mid(thread_id);

CREATE TABLE view(                                    -- MessageViews, made by the engine
  id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
  version INTEGER NOT NULL, data TEXT NOT NULL) STRICT;

CREATE TABLE removal(                                 -- the ledger: every disappearance, and why
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id INTEGER NOT NULL, account_id INTEGER NOT NULL, folder TEXT NOT NULL, uid INTEGER,
  message_id TEXT NOT NULL, subject TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL,
  purged INTEGER NOT NULL DEFAULT 0                   -- 1: the bytes are gone too
) STRICT;
CREATE INDEX removal_id ON removal(id);

CREATE TABLE history(                                 -- for undo: what was shown before each act
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, label TEXT NOT NULL, undone INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE history_item(
  history_id INTEGER NOT NULL REFERENCES history(id) ON DELETE CASCADE,
  message_id INTEGER NOT NULL, folder_id INTEGER NOT NULL, flags INTEGER NOT NULL,
  changed INTEGER NOT NULL,                           -- which flag bits the act touched
  PRIMARY KEY(history_id, message_id)) STRICT, WITHOUT ROWID;

CREATE TABLE uidl(                                    -- POP3: what was fetched (RFC 1939 s.7)
  account_id INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  uidl TEXT NOT NULL, message_id INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(account_id, uidl)) STRICT, WITHOUT ROWID;

CREATE TABLE outgoing(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  message_id TEXT NOT NULL, subject TEXT NOT NULL, envelope_from TEXT NOT NULL, route TEXT NOT NULL,
  queued_at INTEGER NOT NULL, not_before INTEGER NOT NULL, size INTEGER NOT NULL,
  wire_file TEXT NOT NULL, copy_file TEXT NOT NULL,   -- names in big/: what goes out, and what is filed (with Bcc)
  sent_copy TEXT NOT NULL DEFAULT 'todo',
  answers INTEGER,                                    -- the message answered, to mark it \\Answered
  forwards INTEGER,
  finished_at INTEGER NOT NULL DEFAULT 0,
  envid TEXT NOT NULL DEFAULT ''                      -- our own envelope id (RFC 3461), to know its reports again
) STRICT;
CREATE INDEX outgoing_open ON outgoing(id) WHERE finished_at = 0 OR sent_copy = 'todo';
CREATE TABLE recipient(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  outgoing_id INTEGER NOT NULL REFERENCES outgoing(id) ON DELETE CASCADE,
  address TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'queued', phase TEXT NOT NULL DEFAULT '',
  code INTEGER, text TEXT NOT NULL DEFAULT '', next_attempt INTEGER, attempts INTEGER NOT NULL DEFAULT 0,
  host TEXT NOT NULL DEFAULT '', tls TEXT NOT NULL DEFAULT '',
  postponed INTEGER NOT NULL DEFAULT 0,               -- tries in a row that do not count: no network, no password
  UNIQUE(outgoing_id, address)) STRICT;
CREATE INDEX recipient_due ON recipient(next_attempt) WHERE state IN ('queued', 'trying', 'deferred');
CREATE INDEX recipient_unknown ON recipient(outgoing_id) WHERE state = 'unknown';
CREATE TABLE attempt(                                 -- the timeline: append-only
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  recipient_id INTEGER NOT NULL REFERENCES recipient(id) ON DELETE CASCADE,
  at INTEGER NOT NULL, state TEXT NOT NULL, phase TEXT NOT NULL, host TEXT NOT NULL DEFAULT '',
  tls TEXT NOT NULL DEFAULT '', code INTEGER, text TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX attempt_recipient ON attempt(recipient_id);
"""

# Policies; the ledger says who claimed what, and holds what a restored message needs besides its bytes.
CACHE_2 = """
ALTER TABLE account ADD COLUMN policy TEXT NOT NULL DEFAULT 'everything';
ALTER TABLE folder ADD COLUMN policy TEXT NOT NULL DEFAULT '';             -- empty: the account's
ALTER TABLE folder ADD COLUMN left_there INTEGER NOT NULL DEFAULT 0;       -- messages that the policy does not fetch
ALTER TABLE removal ADD COLUMN claim TEXT NOT NULL DEFAULT '';             -- model.ledger.Claim; empty: not recorded
ALTER TABLE removal ADD COLUMN sender TEXT NOT NULL DEFAULT '[]';
ALTER TABLE removal ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;
ALTER TABLE removal ADD COLUMN keywords TEXT NOT NULL DEFAULT '';
ALTER TABLE removal ADD COLUMN internaldate INTEGER NOT NULL DEFAULT 0;
ALTER TABLE removal ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
ALTER TABLE removal ADD COLUMN has_body INTEGER NOT NULL DEFAULT 1;        -- of older entries: to be found out
ALTER TABLE removal ADD COLUMN restored_as INTEGER;                        -- the message that it became again
CREATE INDEX removal_at ON removal(account_id, seq);
"""

# POP3: what becomes of mail on the server, whose inbox it goes into, and by which bytes a message is known again.
CACHE_3 = """
ALTER TABLE account ADD COLUMN keep_days INTEGER NOT NULL DEFAULT -1;        -- POP3: on the server; -1 for ever
ALTER TABLE account ADD COLUMN delete_with_ours INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN inbox_of INTEGER REFERENCES account(id) ON DELETE SET NULL;
UPDATE account SET keep_days = 0 WHERE leave_on_server = 0;
ALTER TABLE account DROP COLUMN leave_on_server;
ALTER TABLE uidl ADD COLUMN digest BLOB NOT NULL DEFAULT x'';                -- SHA-256 of the message; empty: not known
CREATE INDEX uidl_digest ON uidl(account_id, digest) WHERE digest <> x'';
CREATE INDEX uidl_message ON uidl(message_id);
"""

# Bounces and receipts.
CACHE_4 = """
ALTER TABLE message ADD COLUMN reports INTEGER NOT NULL DEFAULT 0;  -- as a bounce or receipt: reports.Standing
CREATE INDEX message_reports ON message(id) WHERE reports = 1;
CREATE INDEX outgoing_mid ON outgoing(message_id);
CREATE INDEX outgoing_envid ON outgoing(envid);
CREATE TABLE came_back(                               -- what reports told of a recipient: append-only
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  recipient_id INTEGER NOT NULL REFERENCES recipient(id) ON DELETE CASCADE,
  message_id INTEGER NOT NULL,                        -- the report itself, which may be deleted later
  at INTEGER NOT NULL, action TEXT NOT NULL, status TEXT NOT NULL, text TEXT NOT NULL, remote TEXT NOT NULL,
  until INTEGER,
  UNIQUE(recipient_id, message_id)) STRICT;
"""

# What was said in each attempt.
CACHE_5 = """
CREATE TABLE dialogue(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, text TEXT NOT NULL) STRICT;
ALTER TABLE attempt ADD COLUMN dialogue_id INTEGER REFERENCES dialogue(id) ON DELETE SET NULL;
CREATE INDEX attempt_dialogue ON attempt(dialogue_id) WHERE dialogue_id IS NOT NULL;
"""

# What a server refused can be wished again; an act that changes flags and moves is undone as one.
CACHE_6 = """
ALTER TABLE message ADD COLUMN refused TEXT NOT NULL DEFAULT '';             -- JSON of the want_* columns, with problem
ALTER TABLE history_item ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;
UPDATE history_item SET moved = 1 WHERE changed = 0;
"""

# A certificate that logs in; and by which mechanism each side's server let us in last, so that nothing weaker is taken.
CACHE_7 = """
ALTER TABLE account ADD COLUMN client_cert TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN in_mechanism TEXT NOT NULL DEFAULT '';        -- learned; empty: not known
ALTER TABLE account ADD COLUMN out_mechanism TEXT NOT NULL DEFAULT '';
"""

# What could not go one way goes through another account's server.
CACHE_8 = """
ALTER TABLE outgoing ADD COLUMN via INTEGER REFERENCES account(id) ON DELETE SET NULL;  -- null: its own account
"""

# A frozen message is measured once, and how much of it has gone is seen.
CACHE_9 = """
ALTER TABLE outgoing ADD COLUMN eight_bit INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outgoing ADD COLUMN digest BLOB NOT NULL DEFAULT x'';          -- of wire_file; empty: of an older Mua
ALTER TABLE recipient ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;          -- octets of a large message, in this attempt
"""

# Our own copies in Sent: where the server turns out to have filed one too, ours goes.
CACHE_10 = """
ALTER TABLE outgoing ADD COLUMN copy_id INTEGER;                             -- the message; null: none, or settled
CREATE INDEX outgoing_copy ON outgoing(copy_id) WHERE copy_id IS NOT NULL;
"""

# How much room an account has on its server, as it was last told.
CACHE_11 = """
CREATE TABLE quota(
  account_id INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  root TEXT NOT NULL, resource TEXT NOT NULL,
  used INTEGER NOT NULL, most INTEGER NOT NULL,       -- STORAGE: octets
  PRIMARY KEY(account_id, root, resource)) STRICT, WITHOUT ROWID;
"""

# A message that a person wants sent later, not only held for a moment so that it can be taken back.
CACHE_12 = """
ALTER TABLE outgoing ADD COLUMN scheduled INTEGER NOT NULL DEFAULT 0;
"""

# Folders of other people, and of everybody.
CACHE_13 = """
ALTER TABLE folder ADD COLUMN space TEXT NOT NULL DEFAULT '';                -- model.folder.Space
ALTER TABLE folder ADD COLUMN prefix TEXT NOT NULL DEFAULT '';               -- of its namespace, where that is not ours
"""

# Moves where the server has no MOVE: a copy that was begun is looked for before another is made.
CACHE_14 = """
CREATE TABLE copying(
  message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
  folder_id INTEGER NOT NULL REFERENCES folder(id) ON DELETE CASCADE,
  low INTEGER NOT NULL                                -- that folder's UIDNEXT before; 1: anywhere in it
) STRICT;
"""

# What a person asks of the servers on the way (model.outgoing.Terms), and what one of them could not be asked for.
CACHE_15 = """
ALTER TABLE outgoing ADD COLUMN require_tls INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outgoing ADD COLUMN deliver_by INTEGER;                          -- UTC seconds; null: no wish
ALTER TABLE recipient ADD COLUMN unmet TEXT NOT NULL DEFAULT '';             -- an SMTP extension
"""

# Reports of what was not delivered and was not sent from here.
CACHE_16 = """
CREATE TABLE backscatter(
  message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
  about TEXT NOT NULL) STRICT;                        -- the Message-ID that it names
"""

# What is the same for every copy of a message, and for a folder under every name (RFC 8474).
CACHE_17 = """
ALTER TABLE message ADD COLUMN object_id TEXT NOT NULL DEFAULT '';
ALTER TABLE removal ADD COLUMN object_id TEXT NOT NULL DEFAULT '';
ALTER TABLE folder ADD COLUMN object_id TEXT NOT NULL DEFAULT '';
CREATE INDEX message_object ON message(account_id, object_id) WHERE object_id <> '';
CREATE INDEX removal_object ON removal(account_id, object_id) WHERE object_id <> '';
"""

# What the room on the server is used for.
CACHE_18 = """
ALTER TABLE folder ADD COLUMN octets INTEGER NOT NULL DEFAULT -1;           -- on the server; -1: not told
"""

# What domains demand of those who deliver to them (RFC 8461).
CACHE_19 = """
CREATE TABLE sts(
  domain TEXT PRIMARY KEY,                            -- A-label
  id TEXT NOT NULL,                                   -- of the record that announced it
  mode TEXT NOT NULL,
  mx TEXT NOT NULL,                                   -- patterns, with blanks between
  max_age INTEGER NOT NULL,                           -- seconds
  fetched_at INTEGER NOT NULL) STRICT, WITHOUT ROWID; -- UTC seconds
"""

# The keys that sign a domain's mail: what everybody may know of them.
CACHE_20 = """
CREATE TABLE dkim(
  domain TEXT NOT NULL,                               -- A-label
  selector TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  public TEXT NOT NULL,                               -- base64, as in the record
  made_at INTEGER NOT NULL,                           -- UTC seconds
  seen_at INTEGER NOT NULL DEFAULT 0,                 -- its record was found in the DNS; 0: it does not sign
  PRIMARY KEY(domain, selector)) STRICT, WITHOUT ROWID;
"""

# Ways by domain, and mail that a person sends directly.  ``domain`` groups what goes directly, so that no domain waits
# behind another; it is empty where a server takes the message.
CACHE_21 = """
ALTER TABLE account ADD COLUMN rules TEXT NOT NULL DEFAULT '';               -- model.way.rules_text
ALTER TABLE outgoing ADD COLUMN direct INTEGER NOT NULL DEFAULT 0;           -- whatever the account's way is
ALTER TABLE recipient ADD COLUMN domain TEXT NOT NULL DEFAULT '';
UPDATE recipient SET domain = lower(substr(address, instr(address, '@') + 1))
  WHERE outgoing_id IN (SELECT id FROM outgoing WHERE route = 'direct');
CREATE INDEX recipient_domain ON recipient(domain, next_attempt) WHERE state IN ('queued', 'deferred');
"""

# Mail that local users' programs submit to the system's queue.
CACHE_22 = """
ALTER TABLE outgoing ADD COLUMN uid INTEGER;                                 -- who submitted it; null: a client of ours
ALTER TABLE outgoing ADD COLUMN submission TEXT NOT NULL DEFAULT '';         -- its name in the drop folder
CREATE UNIQUE INDEX outgoing_submission ON outgoing(submission) WHERE submission <> '';
CREATE INDEX outgoing_uid ON outgoing(uid) WHERE finished_at = 0 AND uid IS NOT NULL;
CREATE INDEX outgoing_todo ON outgoing(id) WHERE sent_copy = 'todo';
"""

# Reports to those who submitted, and files of submissions that nobody needs any more.
CACHE_23 = """
ALTER TABLE recipient ADD COLUMN told INTEGER NOT NULL DEFAULT 0;            -- 1: the submitter knows that it failed
ALTER TABLE outgoing ADD COLUMN spent INTEGER NOT NULL DEFAULT 0;            -- 1: what is to be done at its end is done
CREATE INDEX recipient_untold ON recipient(outgoing_id) WHERE told = 0 AND state IN ('refused', 'unknown');
CREATE INDEX outgoing_spent ON outgoing(id) WHERE spent = 0 AND finished_at > 0 AND uid IS NOT NULL;
"""

# How this computer introduces itself to mail exchangers.
CACHE_24 = """
ALTER TABLE account ADD COLUMN direct_ehlo TEXT NOT NULL DEFAULT '';
"""

# How well mail to each domain was protected (plan.protection.Level), so that it does not get worse by itself.
CACHE_25 = """
CREATE TABLE protection(
  domain TEXT PRIMARY KEY,                            -- A-label, or an address literal
  level INTEGER NOT NULL,                             -- the best that it had
  proof TEXT NOT NULL,                                -- plan.protection.By
  held INTEGER NOT NULL DEFAULT 0                     -- mail waits, because only less can be had
) STRICT, WITHOUT ROWID;
"""

# Messages that an administrator keeps back.
CACHE_26 = """
ALTER TABLE outgoing ADD COLUMN held INTEGER NOT NULL DEFAULT 0;             -- 1: no recipient has a next attempt
"""

# What the exchangers of a domain take, as they said: to be told while a letter to it is written.
CACHE_27 = """
CREATE TABLE offer(
  domain TEXT PRIMARY KEY,                            -- A-label
  size INTEGER NOT NULL,                              -- octets at most; 0: not said
  utf8 INTEGER NOT NULL) STRICT, WITHOUT ROWID;       -- SMTPUTF8
"""

# Who is on their way: what a start looks for, in however long a queue.
CACHE_28 = """
CREATE INDEX recipient_trying ON recipient(outgoing_id) WHERE state = 'trying';
"""

# What users' submissions take of this computer's disk; spent is 2 where the file of one that failed is kept.
CACHE_29 = """
CREATE INDEX outgoing_of_user ON outgoing(uid, size) WHERE spent = 0 AND uid IS NOT NULL;
CREATE INDEX outgoing_kept ON outgoing(uid) WHERE spent = 2;
DROP INDEX outgoing_uid;
UPDATE outgoing SET spent = 2 WHERE spent = 1 AND uid IS NOT NULL
  AND EXISTS(SELECT 1 FROM recipient WHERE outgoing_id = outgoing.id AND state IN ('refused', 'unknown'));
"""

# When mail to a domain was protected like that last: what nobody proved does not count for ever.
CACHE_30 = """
ALTER TABLE protection ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;           -- UTC seconds
UPDATE protection SET seen = unixepoch();
"""

# Submissions that are over: how many of each user.
CACHE_31 = """
CREATE INDEX outgoing_over ON outgoing(uid) WHERE spent = 1;
"""

# Messages whose UID the server did not tell: asked about at each pull of each folder.
CACHE_32 = """
CREATE INDEX message_unplaced ON message(folder_id) WHERE uid IS NULL;
"""

# Which servers receive an account's mail, as its mail says (model.journey.Trust); what was found out of signatures.
CACHE_33 = """
CREATE TABLE receiving(
  account_id INTEGER PRIMARY KEY REFERENCES account(id) ON DELETE CASCADE,
  hosts TEXT NOT NULL,                                -- organizational domains, with blanks between
  stampers TEXT NOT NULL,
  learned_at INTEGER NOT NULL) STRICT;                -- UTC seconds
CREATE TABLE evidence(
  message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
  data TEXT NOT NULL) STRICT;                         -- JSON of model.evidence.Evidence
"""

# Through which hosts of the house that mail comes.
CACHE_34 = """
ALTER TABLE receiving ADD COLUMN relays TEXT NOT NULL DEFAULT '';
"""

# A list by conversations: the thread beside the order, so that one pass over the index has both.
CACHE_35 = """
DROP INDEX message_shown;
CREATE INDEX message_shown ON message(shown_folder, id, thread_id);
"""

# Of which messages the list was told, by a person's word, that they want no more of it (RFC 8058).
CACHE_36 = """
CREATE TABLE unsubscribed(
  message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
  at INTEGER NOT NULL) STRICT;                        -- UTC seconds
"""

# Tags.  ``want_keywords`` is a wish (model.tag); ``shown_keywords`` is ``keywords`` with it, and ``tag`` finds by it.
CACHE_37 = f"""
ALTER TABLE message ADD COLUMN want_keywords TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN shown_keywords TEXT NOT NULL DEFAULT '';
ALTER TABLE history_item ADD COLUMN keywords TEXT NOT NULL DEFAULT '';       -- the wish that takes the act back
UPDATE message SET keywords = ''                                            -- what no server may call a keyword
  WHERE keywords GLOB '*[^ -~]*' OR instr(keywords, '"') OR instr(keywords, char(92));
UPDATE message SET shown_keywords = keywords WHERE keywords <> '';
DROP INDEX message_wish;
CREATE INDEX message_wish ON message(account_id, folder_id) WHERE {_WISHED_1} OR want_keywords <> '';
CREATE TABLE tag(
  name TEXT COLLATE NOCASE NOT NULL, message_id INTEGER NOT NULL,
  PRIMARY KEY(name, message_id)) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO tag(name, message_id)
  SELECT w.value, m.id FROM message m, json_each('["' || replace(m.shown_keywords, ' ', '","') || '"]') w
  WHERE m.shown_keywords <> '';
CREATE TRIGGER message_tagged AFTER INSERT ON message WHEN NEW.shown_keywords <> '' BEGIN
  INSERT OR IGNORE INTO tag(name, message_id)
    SELECT value, NEW.id FROM json_each('["' || replace(NEW.shown_keywords, ' ', '","') || '"]');
END;
CREATE TRIGGER message_untagged AFTER DELETE ON message WHEN OLD.shown_keywords <> '' BEGIN
  DELETE FROM tag WHERE message_id = OLD.id
    AND name IN (SELECT value FROM json_each('["' || replace(OLD.shown_keywords, ' ', '","') || '"]'));
END;
CREATE TRIGGER message_retagged AFTER UPDATE OF shown_keywords ON message
WHEN OLD.shown_keywords <> NEW.shown_keywords BEGIN
  DELETE FROM tag WHERE message_id = OLD.id
    AND name IN (SELECT value FROM json_each('["' || replace(OLD.shown_keywords, ' ', '","') || '"]'));
  INSERT OR IGNORE INTO tag(name, message_id)
    SELECT value, NEW.id FROM json_each('["' || replace(NEW.shown_keywords, ' ', '","') || '"]')
    WHERE NEW.shown_keywords <> '';
END;
"""

# By what lists are sorted (mime.subject); ``bare``: it says that it answers something, and refers to nothing.  ``age``
# puts the newest first in an index whose columns all go one way, so that a page of it can be found by where it begins.
CACHE_38 = """
ALTER TABLE message ADD COLUMN topic TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN author TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN addressee TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN bare INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN age INTEGER GENERATED ALWAYS AS (-id) VIRTUAL;
UPDATE message SET topic = mua_topic(subject), bare = mua_answers(subject) AND refs = '', author = mua_who(sender),
  addressee = mua_who(recipients);
CREATE INDEX message_topic ON message(shown_folder, topic, age);
CREATE INDEX message_author ON message(shown_folder, author, age);
CREATE INDEX message_size ON message(shown_folder, size, age);
CREATE INDEX message_unread_here ON message(shown_folder, id) WHERE shown_flags & 1 = 0;
CREATE INDEX message_bare ON message(topic) WHERE bare <> 0;
"""

# What a person wants of folders themselves.
CACHE_39 = """
ALTER TABLE folder ADD COLUMN wished_name TEXT NOT NULL DEFAULT '';
ALTER TABLE folder ADD COLUMN wished_gone INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folder ADD COLUMN wished_subscribed INTEGER NOT NULL DEFAULT -1;   -- 0 or 1 where one of them is wanted
ALTER TABLE history ADD COLUMN folders TEXT NOT NULL DEFAULT '';             -- JSON of folder_wishes.remembered
"""

# Whom an account asks for its tokens; empty: it has a password.
CACHE_40 = """
ALTER TABLE account ADD COLUMN oauth TEXT NOT NULL DEFAULT '';  -- JSON of model.oauth.OAuth
"""

# What is put aside until a time, and what stays in sight above a list.
CACHE_41 = """
CREATE TABLE snooze(
  message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
  until INTEGER NOT NULL,                             -- UTC seconds
  folder_id INTEGER REFERENCES folder(id) ON DELETE SET NULL,                -- where it returns to; null: the inbox
  at INTEGER NOT NULL) STRICT;
CREATE INDEX snooze_until ON snooze(until);
CREATE TABLE pin(
  message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  returned INTEGER NOT NULL DEFAULT 0) STRICT;        -- 1: it was snoozed, and is in sight until it is read
ALTER TABLE history_item ADD COLUMN snoozed_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE history_item ADD COLUMN snoozed_from INTEGER;
CREATE TRIGGER message_left_aside AFTER UPDATE ON message WHEN OLD.shown_folder IS NOT NEW.shown_folder BEGIN
  DELETE FROM snooze WHERE message_id = NEW.id
    AND NOT EXISTS(SELECT 1 FROM folder WHERE id = NEW.shown_folder AND role = 'snoozed');
END;
CREATE TRIGGER message_was_seen AFTER UPDATE ON message
WHEN OLD.shown_flags & 1 = 0 AND NEW.shown_flags & 1 <> 0 BEGIN
  DELETE FROM pin WHERE message_id = NEW.id AND returned = 1;
END;
"""

# The server's word on conversations, and a person's (plan.threads), by Message-ID; conversations that are to be quiet.
CACHE_42 = """
ALTER TABLE message ADD COLUMN server_thread TEXT NOT NULL DEFAULT '';      -- THREADID or X-GM-THRID; empty: not told
CREATE TABLE thread_word(
  message_id TEXT PRIMARY KEY,
  apart INTEGER NOT NULL,                             -- 1: it begins a conversation of its own
  joined TEXT NOT NULL) STRICT, WITHOUT ROWID;        -- the Message-ID that it goes with; empty: none
CREATE TABLE quiet(
  thread_id INTEGER PRIMARY KEY,
  ignored INTEGER NOT NULL) STRICT;                   -- 1: what is new leaves the inbox, too
"""

# Whom the person has written to: mail from them can be listed alone.
CACHE_43 = """
CREATE TABLE correspondent(address TEXT COLLATE NOCASE PRIMARY KEY) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO correspondent(address)
  SELECT json_extract(p.value, '$[1]') FROM message m JOIN folder f ON f.id = m.folder_id AND f.role = 'sent',
    json_each(m.recipients) p WHERE json_extract(p.value, '$[1]') <> '';
CREATE TRIGGER message_written AFTER INSERT ON message
WHEN EXISTS(SELECT 1 FROM folder WHERE id = NEW.folder_id AND role = 'sent') BEGIN
  INSERT OR IGNORE INTO correspondent(address)
    SELECT json_extract(value, '$[1]') FROM json_each(NEW.recipients) WHERE json_extract(value, '$[1]') <> ''
    UNION SELECT json_extract(value, '$[1]') FROM json_each(NEW.cc) WHERE json_extract(value, '$[1]') <> '';
END;
"""

# Rules for new mail (model.mail_rule): which there are, what waits for them, what they did and what they forwarded.
CACHE_44 = """
CREATE TABLE rule(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  position INTEGER NOT NULL, enabled INTEGER NOT NULL,
  made_at INTEGER NOT NULL,                           -- UTC seconds: mail that came before is left alone
  data TEXT NOT NULL) STRICT;                         -- JSON of a MailRule
CREATE TABLE unruled(message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE) STRICT;
CREATE TABLE ruled(
  message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
  said TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE forwarding(
  message_id INTEGER NOT NULL REFERENCES message(id) ON DELETE CASCADE,
  address TEXT NOT NULL, rule TEXT NOT NULL,
  PRIMARY KEY(message_id, address)) STRICT, WITHOUT ROWID;
CREATE TABLE forwarded(                               -- once for each message and address, for ever
  key TEXT NOT NULL, address TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(key, address)) STRICT, WITHOUT ROWID;
CREATE TRIGGER message_meets_rules AFTER INSERT ON message
WHEN EXISTS(SELECT 1 FROM rule WHERE enabled <> 0 AND made_at <= NEW.id >> 20)
  AND EXISTS(SELECT 1 FROM folder WHERE id = NEW.folder_id AND role = 'inbox') BEGIN
  INSERT OR IGNORE INTO unruled(message_id) VALUES (NEW.id);
END;
"""

# How Mua goes about an account, as its person likes.
CACHE_45 = """
ALTER TABLE account ADD COLUMN habits TEXT NOT NULL DEFAULT '';  -- JSON of model.account.Habits
"""

# Who a person writes as.
CACHE_46 = """
ALTER TABLE account ADD COLUMN identities TEXT NOT NULL DEFAULT '';          -- model.identity.identities_text
"""

# What was learned of junk; words are numbers (plan.junk).  meta's junk_from: since when new mail is judged.
CACHE_47 = """
CREATE TABLE junk_word(
  word INTEGER PRIMARY KEY, junk INTEGER NOT NULL, good INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE junk_lesson(message_id INTEGER PRIMARY KEY, junk INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE unjudged(message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE) STRICT;
CREATE TRIGGER message_is_judged AFTER UPDATE OF has_body ON message
WHEN OLD.has_body = 0 AND NEW.has_body > 0 AND NEW.shown_flags & 1 = 0
  AND (SELECT value FROM meta WHERE key = 'junk_from') <= NEW.id >> 20
  AND EXISTS(SELECT 1 FROM folder WHERE id = NEW.shown_folder AND role = 'inbox') BEGIN
  INSERT OR IGNORE INTO unjudged(message_id) VALUES (NEW.id);
END;
"""

# Which message is the draft of a letter that is being written; the row stays when that one is gone: it is noticed.
CACHE_48 = """
CREATE TABLE draft(
  key TEXT PRIMARY KEY,                               -- of the letter, in the window's journal
  message_id INTEGER NOT NULL,
  at INTEGER NOT NULL) STRICT, WITHOUT ROWID;         -- UTC seconds
"""

# Acts on very many messages, carried out in parts: what is left of them.
CACHE_49 = """
CREATE TABLE bulk(
  history_id INTEGER PRIMARY KEY REFERENCES history(id) ON DELETE CASCADE,
  command TEXT NOT NULL,                              -- a line of the wire; empty: it is being taken back
  messages TEXT NOT NULL) STRICT;                     -- JSON, of many megabytes: written once
CREATE TABLE bulk_done(
  history_id INTEGER PRIMARY KEY REFERENCES bulk(history_id) ON DELETE CASCADE,
  done INTEGER NOT NULL) STRICT;
"""

# What has files, newest first, whatever folder it is in.
CACHE_50 = """
CREATE INDEX message_attached ON message(id) WHERE has_attachments <> 0;
"""

# Address books.  A card is kept as it was written, apart from what lists show of it, so that a list reads no pictures.
CACHE_51 = """
CREATE TABLE book(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL, kind TEXT NOT NULL,
  url TEXT NOT NULL DEFAULT '',                       -- of a CardDAV collection, with what signs in there
  user TEXT NOT NULL DEFAULT '',
  account_id INTEGER REFERENCES account(id) ON DELETE SET NULL,
  ca_file TEXT NOT NULL DEFAULT '',
  sync_token TEXT NOT NULL DEFAULT '',
  problem TEXT NOT NULL DEFAULT '',
  synced_at INTEGER NOT NULL DEFAULT 0) STRICT;       -- UTC seconds
CREATE TABLE contact(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  book_id INTEGER NOT NULL REFERENCES book(id) ON DELETE CASCADE,
  uid TEXT NOT NULL, name TEXT NOT NULL, sort TEXT NOT NULL, search TEXT NOT NULL,
  addresses TEXT NOT NULL, groups TEXT NOT NULL, members TEXT NOT NULL,      -- JSON
  is_group INTEGER NOT NULL, has_photo INTEGER NOT NULL,
  href TEXT NOT NULL DEFAULT '',                      -- on the server; empty: not there
  etag TEXT NOT NULL DEFAULT '',
  dirty INTEGER NOT NULL DEFAULT 0,                   -- 1: the server has to be told
  gone INTEGER NOT NULL DEFAULT 0,                    -- UTC seconds; with a href the server has to be told
  gone_why TEXT NOT NULL DEFAULT '',
  problem TEXT NOT NULL DEFAULT '') STRICT;           -- why the server did not take it
CREATE INDEX contact_sort ON contact(gone, sort, id);
CREATE INDEX contact_book ON contact(book_id, gone, sort, id);
CREATE INDEX contact_uid ON contact(book_id, uid);
CREATE INDEX contact_href ON contact(book_id, href) WHERE href <> '';
CREATE INDEX contact_tell ON contact(book_id) WHERE dirty <> 0 OR (gone <> 0 AND href <> '');
CREATE TABLE card(
  contact_id INTEGER PRIMARY KEY REFERENCES contact(id) ON DELETE CASCADE,
  raw BLOB NOT NULL,
  base BLOB) STRICT;                                  -- what both sides began with; null: the server never had it
CREATE TABLE contact_address(
  address TEXT COLLATE NOCASE NOT NULL,
  contact_id INTEGER NOT NULL REFERENCES contact(id) ON DELETE CASCADE,
  PRIMARY KEY(address, contact_id)) STRICT, WITHOUT ROWID;
CREATE INDEX contact_has_address ON contact_address(contact_id);
CREATE TABLE contact_group(
  name TEXT NOT NULL,
  contact_id INTEGER NOT NULL REFERENCES contact(id) ON DELETE CASCADE,
  PRIMARY KEY(name, contact_id)) STRICT, WITHOUT ROWID;
CREATE INDEX contact_in_group ON contact_group(contact_id);
"""

# Of what who submitted a message wants to hear (RFC 3461 s.4.1), and whether the one warning of a delay is due no more.
CACHE_52 = """
ALTER TABLE outgoing ADD COLUMN notify TEXT NOT NULL DEFAULT 'failure,delay';
ALTER TABLE outgoing ADD COLUMN warned INTEGER NOT NULL DEFAULT 0;
CREATE INDEX outgoing_warn ON outgoing(queued_at) WHERE warned = 0 AND uid IS NOT NULL AND finished_at = 0;
"""

# Contacts: pictures are few, and looked for by every window; a search looks through the index, not through the rows.
CACHE_53 = """
CREATE INDEX contact_photo ON contact(id) WHERE has_photo <> 0 AND gone = 0;
DROP INDEX contact_sort;
CREATE INDEX contact_sort ON contact(gone, sort, id, search);
"""

# A long queue is counted as it changes, since counting it again takes longer the longer it is; and who waits for the
# network is found without looking at everybody else who waits.
CACHE_54 = """
INSERT INTO meta(key, value) SELECT 'waiting_messages', count(*) FROM outgoing WHERE finished_at = 0;
INSERT INTO meta(key, value)
  SELECT 'waiting_recipients', count(*) FROM recipient WHERE state IN ('queued', 'trying', 'deferred');
CREATE TRIGGER outgoing_waits AFTER INSERT ON outgoing WHEN NEW.finished_at = 0 BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'waiting_messages';
END;
CREATE TRIGGER outgoing_waited AFTER DELETE ON outgoing WHEN OLD.finished_at = 0 BEGIN
  UPDATE meta SET value = value - 1 WHERE key = 'waiting_messages';
END;
CREATE TRIGGER outgoing_ends AFTER UPDATE OF finished_at ON outgoing
WHEN (OLD.finished_at = 0) <> (NEW.finished_at = 0) BEGIN
  UPDATE meta SET value = value + iif(NEW.finished_at = 0, 1, -1) WHERE key = 'waiting_messages';
END;
CREATE TRIGGER recipient_waits AFTER INSERT ON recipient WHEN NEW.state IN ('queued', 'trying', 'deferred') BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'waiting_recipients';
END;
CREATE TRIGGER recipient_waited AFTER DELETE ON recipient WHEN OLD.state IN ('queued', 'trying', 'deferred') BEGIN
  UPDATE meta SET value = value - 1 WHERE key = 'waiting_recipients';
END;
CREATE TRIGGER recipient_ends AFTER UPDATE OF state ON recipient
WHEN (OLD.state IN ('queued', 'trying', 'deferred')) <> (NEW.state IN ('queued', 'trying', 'deferred')) BEGIN
  UPDATE meta SET value = value + iif(NEW.state IN ('queued', 'trying', 'deferred'), 1, -1)
    WHERE key = 'waiting_recipients';
END;
CREATE INDEX recipient_postponed ON recipient(outgoing_id) WHERE state = 'deferred' AND postponed > 0;
"""

MIGRATIONS = (
    CACHE_1,
    CACHE_2,
    CACHE_3,
    CACHE_4,
    CACHE_5,
    CACHE_6,
    CACHE_7,
    CACHE_8,
    CACHE_9,
    CACHE_10,
    CACHE_11,
    CACHE_12,
    CACHE_13,
    CACHE_14,
    CACHE_15,
    CACHE_16,
    CACHE_17,
    CACHE_18,
    CACHE_19,
    CACHE_20,
    CACHE_21,
    CACHE_22,
    CACHE_23,
    CACHE_24,
    CACHE_25,
    CACHE_26,
    CACHE_27,
    CACHE_28,
    CACHE_29,
    CACHE_30,
    CACHE_31,
    CACHE_32,
    CACHE_33,
    CACHE_34,
    CACHE_35,
    CACHE_36,
    CACHE_37,
    CACHE_38,
    CACHE_39,
    CACHE_40,
    CACHE_41,
    CACHE_42,
    CACHE_43,
    CACHE_44,
    CACHE_45,
    CACHE_46,
    CACHE_47,
    CACHE_48,
    CACHE_49,
    CACHE_50,
    CACHE_51,
    CACHE_52,
    CACHE_53,
    CACHE_54,
)
VERSION = len(MIGRATIONS)

BODY = """
CREATE TABLE IF NOT EXISTS dictionary(id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS raw(
  id INTEGER PRIMARY KEY,
  size INTEGER NOT NULL,                              -- octets of the message as received
  dictionary INTEGER NOT NULL DEFAULT 0,              -- zstd dictionary used; 0: none
  data BLOB NOT NULL) STRICT;
"""
