"""What the first ``VERSION`` steps of ``schema.MIGRATIONS`` make of an empty file, at once: that is quicker.

Written by ``tests/fresh_schema.py``, and compared with the steps by ``tests/store/test_schema.py``.
"""

VERSION = 54

SCHEMA = r"""
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
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
  allow_plaintext INTEGER NOT NULL DEFAULT 0,
  demo INTEGER NOT NULL DEFAULT 0,
  position INTEGER NOT NULL DEFAULT 0,
  synced_at INTEGER NOT NULL DEFAULT 0,
  server_saves_sent INTEGER NOT NULL DEFAULT -1       -- learned: -1 not known, 0 no, 1 yes
, policy TEXT NOT NULL DEFAULT 'everything', keep_days INTEGER NOT NULL DEFAULT -1, delete_with_ours INTEGER NOT NULL DEFAULT 0, inbox_of INTEGER REFERENCES account(id) ON DELETE SET NULL, client_cert TEXT NOT NULL DEFAULT '', in_mechanism TEXT NOT NULL DEFAULT '', out_mechanism TEXT NOT NULL DEFAULT '', rules TEXT NOT NULL DEFAULT '', direct_ehlo TEXT NOT NULL DEFAULT '', oauth TEXT NOT NULL DEFAULT '', habits TEXT NOT NULL DEFAULT '', identities TEXT NOT NULL DEFAULT '') STRICT;
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
  problem TEXT NOT NULL DEFAULT '', policy TEXT NOT NULL DEFAULT '', left_there INTEGER NOT NULL DEFAULT 0, space TEXT NOT NULL DEFAULT '', prefix TEXT NOT NULL DEFAULT '', object_id TEXT NOT NULL DEFAULT '', octets INTEGER NOT NULL DEFAULT -1, wished_name TEXT NOT NULL DEFAULT '', wished_gone INTEGER NOT NULL DEFAULT 0, wished_subscribed INTEGER NOT NULL DEFAULT -1,
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
, reports INTEGER NOT NULL DEFAULT 0, refused TEXT NOT NULL DEFAULT '', object_id TEXT NOT NULL DEFAULT '', want_keywords TEXT NOT NULL DEFAULT '', shown_keywords TEXT NOT NULL DEFAULT '', topic TEXT NOT NULL DEFAULT '', author TEXT NOT NULL DEFAULT '', addressee TEXT NOT NULL DEFAULT '', bare INTEGER NOT NULL DEFAULT 0, age INTEGER GENERATED ALWAYS AS (-id) VIRTUAL, server_thread TEXT NOT NULL DEFAULT '') STRICT;
CREATE UNIQUE INDEX message_uid ON message(folder_id, uid) WHERE uid IS NOT NULL;
CREATE INDEX message_thread ON message(thread_id);
CREATE INDEX message_mid ON message(message_id) WHERE message_id <> '';
CREATE INDEX message_index ON message(index_seq);
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
, claim TEXT NOT NULL DEFAULT '', sender TEXT NOT NULL DEFAULT '[]', flags INTEGER NOT NULL DEFAULT 0, keywords TEXT NOT NULL DEFAULT '', internaldate INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0, has_body INTEGER NOT NULL DEFAULT 1, restored_as INTEGER, object_id TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX removal_id ON removal(id);
CREATE TABLE history(                                 -- for undo: what was shown before each act
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, label TEXT NOT NULL, undone INTEGER NOT NULL DEFAULT 0
, folders TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE history_item(
  history_id INTEGER NOT NULL REFERENCES history(id) ON DELETE CASCADE,
  message_id INTEGER NOT NULL, folder_id INTEGER NOT NULL, flags INTEGER NOT NULL,
  changed INTEGER NOT NULL, moved INTEGER NOT NULL DEFAULT 0, keywords TEXT NOT NULL DEFAULT '', snoozed_until INTEGER NOT NULL DEFAULT 0, snoozed_from INTEGER,                           -- which flag bits the act touched
  PRIMARY KEY(history_id, message_id)) STRICT, WITHOUT ROWID;
CREATE TABLE uidl(                                    -- POP3: what was fetched (RFC 1939 s.7)
  account_id INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  uidl TEXT NOT NULL, message_id INTEGER NOT NULL, at INTEGER NOT NULL, digest BLOB NOT NULL DEFAULT x'',
  PRIMARY KEY(account_id, uidl)) STRICT, WITHOUT ROWID;
CREATE TABLE outgoing(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  message_id TEXT NOT NULL, subject TEXT NOT NULL, envelope_from TEXT NOT NULL, route TEXT NOT NULL,
  queued_at INTEGER NOT NULL, not_before INTEGER NOT NULL, size INTEGER NOT NULL,
  wire_file TEXT NOT NULL, copy_file TEXT NOT NULL,   -- names in big/: what goes out, and what is filed (with Bcc)
  sent_copy TEXT NOT NULL DEFAULT 'todo',
  answers INTEGER,                                    -- the message answered, to mark it \Answered
  forwards INTEGER,
  finished_at INTEGER NOT NULL DEFAULT 0,
  envid TEXT NOT NULL DEFAULT ''                      -- our own envelope id (RFC 3461), to know its reports again
, via INTEGER REFERENCES account(id) ON DELETE SET NULL, eight_bit INTEGER NOT NULL DEFAULT 0, digest BLOB NOT NULL DEFAULT x'', copy_id INTEGER, scheduled INTEGER NOT NULL DEFAULT 0, require_tls INTEGER NOT NULL DEFAULT 0, deliver_by INTEGER, direct INTEGER NOT NULL DEFAULT 0, uid INTEGER, submission TEXT NOT NULL DEFAULT '', spent INTEGER NOT NULL DEFAULT 0, held INTEGER NOT NULL DEFAULT 0, notify TEXT NOT NULL DEFAULT 'failure,delay', warned INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX outgoing_open ON outgoing(id) WHERE finished_at = 0 OR sent_copy = 'todo';
CREATE TABLE recipient(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  outgoing_id INTEGER NOT NULL REFERENCES outgoing(id) ON DELETE CASCADE,
  address TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'queued', phase TEXT NOT NULL DEFAULT '',
  code INTEGER, text TEXT NOT NULL DEFAULT '', next_attempt INTEGER, attempts INTEGER NOT NULL DEFAULT 0,
  host TEXT NOT NULL DEFAULT '', tls TEXT NOT NULL DEFAULT '',
  postponed INTEGER NOT NULL DEFAULT 0, gone INTEGER NOT NULL DEFAULT 0, unmet TEXT NOT NULL DEFAULT '', domain TEXT NOT NULL DEFAULT '', told INTEGER NOT NULL DEFAULT 0,               -- tries in a row that do not count: no network, no password
  UNIQUE(outgoing_id, address)) STRICT;
CREATE INDEX recipient_due ON recipient(next_attempt) WHERE state IN ('queued', 'trying', 'deferred');
CREATE INDEX recipient_unknown ON recipient(outgoing_id) WHERE state = 'unknown';
CREATE TABLE attempt(                                 -- the timeline: append-only
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  recipient_id INTEGER NOT NULL REFERENCES recipient(id) ON DELETE CASCADE,
  at INTEGER NOT NULL, state TEXT NOT NULL, phase TEXT NOT NULL, host TEXT NOT NULL DEFAULT '',
  tls TEXT NOT NULL DEFAULT '', code INTEGER, text TEXT NOT NULL DEFAULT '', dialogue_id INTEGER REFERENCES dialogue(id) ON DELETE SET NULL) STRICT;
CREATE INDEX attempt_recipient ON attempt(recipient_id);
CREATE INDEX removal_at ON removal(account_id, seq);
CREATE INDEX uidl_digest ON uidl(account_id, digest) WHERE digest <> x'';
CREATE INDEX uidl_message ON uidl(message_id);
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
CREATE TABLE dialogue(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, text TEXT NOT NULL) STRICT;
CREATE INDEX attempt_dialogue ON attempt(dialogue_id) WHERE dialogue_id IS NOT NULL;
CREATE INDEX outgoing_copy ON outgoing(copy_id) WHERE copy_id IS NOT NULL;
CREATE TABLE quota(
  account_id INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  root TEXT NOT NULL, resource TEXT NOT NULL,
  used INTEGER NOT NULL, most INTEGER NOT NULL,       -- STORAGE: octets
  PRIMARY KEY(account_id, root, resource)) STRICT, WITHOUT ROWID;
CREATE TABLE copying(
  message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
  folder_id INTEGER NOT NULL REFERENCES folder(id) ON DELETE CASCADE,
  low INTEGER NOT NULL                                -- that folder's UIDNEXT before; 1: anywhere in it
) STRICT;
CREATE TABLE backscatter(
  message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
  about TEXT NOT NULL) STRICT;
CREATE INDEX message_object ON message(account_id, object_id) WHERE object_id <> '';
CREATE INDEX removal_object ON removal(account_id, object_id) WHERE object_id <> '';
CREATE TABLE sts(
  domain TEXT PRIMARY KEY,                            -- A-label
  id TEXT NOT NULL,                                   -- of the record that announced it
  mode TEXT NOT NULL,
  mx TEXT NOT NULL,                                   -- patterns, with blanks between
  max_age INTEGER NOT NULL,                           -- seconds
  fetched_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE dkim(
  domain TEXT NOT NULL,                               -- A-label
  selector TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  public TEXT NOT NULL,                               -- base64, as in the record
  made_at INTEGER NOT NULL,                           -- UTC seconds
  seen_at INTEGER NOT NULL DEFAULT 0,                 -- its record was found in the DNS; 0: it does not sign
  PRIMARY KEY(domain, selector)) STRICT, WITHOUT ROWID;
CREATE INDEX recipient_domain ON recipient(domain, next_attempt) WHERE state IN ('queued', 'deferred');
CREATE UNIQUE INDEX outgoing_submission ON outgoing(submission) WHERE submission <> '';
CREATE INDEX outgoing_todo ON outgoing(id) WHERE sent_copy = 'todo';
CREATE INDEX recipient_untold ON recipient(outgoing_id) WHERE told = 0 AND state IN ('refused', 'unknown');
CREATE INDEX outgoing_spent ON outgoing(id) WHERE spent = 0 AND finished_at > 0 AND uid IS NOT NULL;
CREATE TABLE protection(
  domain TEXT PRIMARY KEY,                            -- A-label, or an address literal
  level INTEGER NOT NULL,                             -- the best that it had
  proof TEXT NOT NULL,                                -- plan.protection.By
  held INTEGER NOT NULL DEFAULT 0                     -- mail waits, because only less can be had
, seen INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
CREATE TABLE offer(
  domain TEXT PRIMARY KEY,                            -- A-label
  size INTEGER NOT NULL,                              -- octets at most; 0: not said
  utf8 INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX recipient_trying ON recipient(outgoing_id) WHERE state = 'trying';
CREATE INDEX outgoing_of_user ON outgoing(uid, size) WHERE spent = 0 AND uid IS NOT NULL;
CREATE INDEX outgoing_kept ON outgoing(uid) WHERE spent = 2;
CREATE INDEX outgoing_over ON outgoing(uid) WHERE spent = 1;
CREATE INDEX message_unplaced ON message(folder_id) WHERE uid IS NULL;
CREATE TABLE receiving(
  account_id INTEGER PRIMARY KEY REFERENCES account(id) ON DELETE CASCADE,
  hosts TEXT NOT NULL,                                -- organizational domains, with blanks between
  stampers TEXT NOT NULL,
  learned_at INTEGER NOT NULL, relays TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE evidence(
  message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
  data TEXT NOT NULL) STRICT;
CREATE INDEX message_shown ON message(shown_folder, id, thread_id);
CREATE TABLE unsubscribed(
  message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
  at INTEGER NOT NULL) STRICT;
CREATE INDEX message_wish ON message(account_id, folder_id) WHERE want_folder_id IS NOT NULL OR want_set <> 0 OR want_clear <> 0 OR want_gone <> 0 OR want_append <> 0 OR want_keywords <> '';
CREATE TABLE tag(
  name TEXT COLLATE NOCASE NOT NULL, message_id INTEGER NOT NULL,
  PRIMARY KEY(name, message_id)) STRICT, WITHOUT ROWID;
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
CREATE INDEX message_topic ON message(shown_folder, topic, age);
CREATE INDEX message_author ON message(shown_folder, author, age);
CREATE INDEX message_size ON message(shown_folder, size, age);
CREATE INDEX message_unread_here ON message(shown_folder, id) WHERE shown_flags & 1 = 0;
CREATE INDEX message_bare ON message(topic) WHERE bare <> 0;
CREATE TABLE snooze(
  message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
  until INTEGER NOT NULL,                             -- UTC seconds
  folder_id INTEGER REFERENCES folder(id) ON DELETE SET NULL,                -- where it returns to; null: the inbox
  at INTEGER NOT NULL) STRICT;
CREATE INDEX snooze_until ON snooze(until);
CREATE TABLE pin(
  message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  returned INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TRIGGER message_left_aside AFTER UPDATE ON message WHEN OLD.shown_folder IS NOT NEW.shown_folder BEGIN
  DELETE FROM snooze WHERE message_id = NEW.id
    AND NOT EXISTS(SELECT 1 FROM folder WHERE id = NEW.shown_folder AND role = 'snoozed');
END;
CREATE TRIGGER message_was_seen AFTER UPDATE ON message
WHEN OLD.shown_flags & 1 = 0 AND NEW.shown_flags & 1 <> 0 BEGIN
  DELETE FROM pin WHERE message_id = NEW.id AND returned = 1;
END;
CREATE TABLE thread_word(
  message_id TEXT PRIMARY KEY,
  apart INTEGER NOT NULL,                             -- 1: it begins a conversation of its own
  joined TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE quiet(
  thread_id INTEGER PRIMARY KEY,
  ignored INTEGER NOT NULL) STRICT;
CREATE TABLE correspondent(address TEXT COLLATE NOCASE PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TRIGGER message_written AFTER INSERT ON message
WHEN EXISTS(SELECT 1 FROM folder WHERE id = NEW.folder_id AND role = 'sent') BEGIN
  INSERT OR IGNORE INTO correspondent(address)
    SELECT json_extract(value, '$[1]') FROM json_each(NEW.recipients) WHERE json_extract(value, '$[1]') <> ''
    UNION SELECT json_extract(value, '$[1]') FROM json_each(NEW.cc) WHERE json_extract(value, '$[1]') <> '';
END;
CREATE TABLE rule(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  position INTEGER NOT NULL, enabled INTEGER NOT NULL,
  made_at INTEGER NOT NULL,                           -- UTC seconds: mail that came before is left alone
  data TEXT NOT NULL) STRICT;
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
CREATE TABLE draft(
  key TEXT PRIMARY KEY,                               -- of the letter, in the window's journal
  message_id INTEGER NOT NULL,
  at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE bulk(
  history_id INTEGER PRIMARY KEY REFERENCES history(id) ON DELETE CASCADE,
  command TEXT NOT NULL,                              -- a line of the wire; empty: it is being taken back
  messages TEXT NOT NULL) STRICT;
CREATE TABLE bulk_done(
  history_id INTEGER PRIMARY KEY REFERENCES bulk(history_id) ON DELETE CASCADE,
  done INTEGER NOT NULL) STRICT;
CREATE INDEX message_attached ON message(id) WHERE has_attachments <> 0;
CREATE TABLE book(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL, kind TEXT NOT NULL,
  url TEXT NOT NULL DEFAULT '',                       -- of a CardDAV collection, with what signs in there
  user TEXT NOT NULL DEFAULT '',
  account_id INTEGER REFERENCES account(id) ON DELETE SET NULL,
  ca_file TEXT NOT NULL DEFAULT '',
  sync_token TEXT NOT NULL DEFAULT '',
  problem TEXT NOT NULL DEFAULT '',
  synced_at INTEGER NOT NULL DEFAULT 0) STRICT;
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
  problem TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX contact_book ON contact(book_id, gone, sort, id);
CREATE INDEX contact_uid ON contact(book_id, uid);
CREATE INDEX contact_href ON contact(book_id, href) WHERE href <> '';
CREATE INDEX contact_tell ON contact(book_id) WHERE dirty <> 0 OR (gone <> 0 AND href <> '');
CREATE TABLE card(
  contact_id INTEGER PRIMARY KEY REFERENCES contact(id) ON DELETE CASCADE,
  raw BLOB NOT NULL,
  base BLOB) STRICT;
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
CREATE INDEX outgoing_warn ON outgoing(queued_at) WHERE warned = 0 AND uid IS NOT NULL AND finished_at = 0;
CREATE INDEX contact_photo ON contact(id) WHERE has_photo <> 0 AND gone = 0;
CREATE INDEX contact_sort ON contact(gone, sort, id, search);
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
INSERT INTO meta(key, value) VALUES ('index_seq', 0);
INSERT INTO meta(key, value) VALUES ('waiting_messages', 0);
INSERT INTO meta(key, value) VALUES ('waiting_recipients', 0);
"""
