"""A profile with believable mail, written straight into the store: what the window shows when no engine runs."""

import json
import time
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

from mua import wire
from mua.engine.indexing import Indexing
from mua.engine.reading import facts
from mua.jsonable import to_json
from mua.mime.headers import envelope
from mua.mime.text import html_to_text
from mua.mime.view import view
from mua.model.account import Account, AccountId, Incoming, Route, Security, Server
from mua.model.folder import FolderId, Role
from mua.model.message import Flag, MessageId
from mua.paths import Profile
from mua.store import index, write
from mua.store.blobs import Bodies
from mua.store.db import Store, open_reader
from mua.store.write import NewMessage

HOUR, DAY = 3_600, 86_400
ME = "maya@example.org"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)

LETTER = """\
<p>Hi everyone,</p><p>I spoke to the museum and they can hold the hall until Friday if we send a short confirmation. It
seats 80, has a good projector, and the café next door can do lunch for about 14 € per person.</p>
<p>Three things I still need from you:</p><ul><li><b>Tomas</b>: the final number of speakers (I have seven)</li>
<li><b>Aiko</b>: is the <a href="https://example.org/programme">draft programme</a> ready to share?</li>
<li>A yes or no on the <b>evening boat tour</b>, which must be booked by Thursday</li></ul>
<p>The floor plan and the offer are attached. If nobody objects by tomorrow noon, I will sign.</p><p>Best,<br>Maya</p>
<blockquote><p>On Thu, 20 Nov, Tomas Ferreira wrote:</p><p>The library is fully booked in May, so I would go for the
museum. Can you ask them about the sound system?</p></blockquote>
"""
NEWSLETTER = """\
<html><head><style>body{margin:0;background:#f3f1ec}.card{max-width:560px;margin:24px auto;background:#fff;
border-radius:14px;overflow:hidden;font-family:Georgia,serif}.hero{background:linear-gradient(135deg,#1f6f50,#9cc8a4);
color:#fff;padding:40px 36px}.hero h1{font-weight:400;font-size:34px;margin:8px 0}.button{display:inline-block;
background:#fff;color:#1f6f50;padding:12px 26px;border-radius:24px;text-decoration:none;font-weight:bold}
.shop{display:flex;gap:16px;padding:32px 36px;font-family:sans-serif}.shop div{flex:1;text-align:center;font-size:14px}
.tile{height:90px;border-radius:8px}</style></head><body><div class="card"><div class="hero"><small>GROVE &amp; GARDEN
</small><h1>Your garden, ready for summer</h1><p>Up to <b>40% off</b> furniture, planters and lights. Ends Sunday.</p>
<p><a class="button" href="https://shop.example/sale">Shop the sale</a></p></div><div class="shop">
<div><div class="tile" style="background:#78a08c"></div><p><b>Oak lounge chair</b><br>$149</p></div>
<div><div class="tile" style="background:#e5bd58"></div><p><b>Solar lantern</b><br>$24</p></div>
<div><div class="tile" style="background:#bf6243"></div><p><b>Terracotta planter</b><br>$38</p></div></div>
<img src="https://track.example/p.gif" width="1" height="1"><img src="https://shop.example/a.png"></div></body></html>
"""
NUMBERS = """\
Attached is the sheet with the corrected totals. The only open point is the travel line, which I will close tomorrow.

See https://example.net/numbers for the notes.

--\x20
Tomas
"""
REVIEW = """\
Agreed on the smaller header. I would still keep the attachment strip.

> What about the header?
> > It is too tall on small screens.
> Then let us make it smaller.

Sam
"""
LETTERS = (
    # each: who, whence, subject, text, age in hours; unread and starred and how many files; conversation
    ("Maya Lindqvist", "maya.lindqvist@example.org", "Re: Venue for the spring workshop",
     LETTER, 0.1, (1, 1, 3), "venue"),
    ("Tomas Ferreira", "tomas@example.net", "Quarterly numbers, first draft", NUMBERS, 0.6, (1, 0, 1), ""),
    ("Grove & Garden", "news@shop.example", "Your garden, ready for summer", NEWSLETTER, 1.3, (1, 0, 0), ""),
    ("Build Bot", "ci@builds.example", "main: all 1,284 checks passed",
     "Run 5512 finished in 6 min 12 s. No flaky tests were seen.", 1.9, (0, 0, 0), ""),
    ("Aiko Tanaka", "aiko@example.jp", "Train tickets to Kyoto",
     "Here are both tickets as PDF. Seat reservations are in car 7.", 15, (0, 1, 2), "kyoto"),
    ("Sam Okafor", "sam@example.com", "Re: Re: Notes from the design review", REVIEW, 17.6, (0, 0, 0), "review"),
    ("The Weekly Ledger", "ledger@news.example", "Issue 212: why beans cost 40% more",
     "Good morning. Markets were calm, coffee was not. Here is what matters this week.", 21, (0, 0, 0), ""),
    ("Priya Raman", "priya@example.in", "Lunch on Thursday?",
     "There is a new place by the canal that does good dosas. 12:30 would work for me.", 23, (0, 0, 0), ""),
    ("Jonas Weber", "jonas@example.de", "Contract renewal, please sign",
     "The new term starts on 1 January. Nothing changed apart from the notice period.", 96, (0, 0, 1), ""),
    ("Ines Moreau", "ines@example.fr", "Photos from the hike",
     "What a day! I put the best forty in the folder, the rest are on the drive.", 120, (0, 1, 1), "hike"),
    ("נועה לוי", "noa@example.il", "פגישה ביום שלישי", "שלום, נוכל להיפגש ביום שלישי בעשר?", 140, (0, 0, 0), ""),
    ("Noor Haddad", "noor@example.org", "Welcome to the reading group",
     "We meet every second Tuesday at seven. The first book is a short one.", 150, (0, 0, 0), ""),
)  # fmt: skip
FOLDERS = (
    ("INBOX", Role.INBOX),
    ("Drafts", Role.DRAFTS),
    ("Sent", Role.SENT),
    ("Archive", Role.ARCHIVE),
    ("Junk", Role.JUNK),
    ("Trash", Role.TRASH),
    ("Projects", Role.NONE),
    ("Projects/Museum", Role.NONE),
    ("Receipts", Role.NONE),
)


class Mail:
    """A profile under construction; ``close`` before the window reads on is not needed (WAL)."""

    def __init__(self, root: Path) -> None:
        self.profile = Profile(root).create()
        self.store = Store(self.profile)
        self.bodies = Bodies(self.profile)
        self.folders: dict[str, FolderId] = {}

    def account(self, name: str = ME, email: str = ME) -> AccountId:
        """An IMAP account."""
        server = Server("imap.example.org", 993, Security.TLS, email)
        account = Account(AccountId(0), name, email, "Maya", Incoming.IMAP, server, Route.SMTP, server)
        with self.store.write() as tx:
            return write.add_account(tx, account)

    def folder(self, account: AccountId, name: str, role: Role = Role.NONE) -> FolderId:
        """A folder."""
        with self.store.write() as tx:
            self.folders[name] = write.put_folder(tx, account, name, role=role)
        return self.folders[name]

    def letter(
        self, account: AccountId, folder: FolderId, raw: bytes, when: int, flags: Flag, with_view: bool = True
    ) -> MessageId:
        """One message, with its body and its view."""
        with self.store.write() as tx:
            uid = int(tx.value("SELECT count(*) FROM message") or 0) + 1
            new = NewMessage(envelope(raw), when, len(raw), uid, flags)
            (message_id,) = write.add_messages(tx, account, folder, [new])
        place = self.bodies.put([(message_id, raw)])[message_id]
        with self.store.write() as tx:
            write.set_bodies(tx, [facts(message_id, place, raw)])
            if with_view:
                write.set_view(tx, message_id, wire.VIEW_VERSION, json.dumps(to_json(view(raw))))
        return message_id

    def index(self) -> None:
        """Have all of it found by searches."""
        fts, cache, bodies = (
            index.open_index(self.profile),
            open_reader(self.profile),
            Bodies(self.profile, readonly=True),
        )
        work = Indexing(cache, bodies, fts)
        while work.advance(quiet=True) is not None:
            pass
        for one in (fts, cache, bodies):
            one.close()

    def close(self) -> None:
        """Close the store."""
        self.bodies.close()
        self.store.close()


def letter(
    sender: str, address: str, subject: str, text: str, when: int, files: int = 0, thread: str = "", number: int = 0
) -> bytes:
    """A message as it would arrive."""
    message = EmailMessage()
    message["From"] = f'"{sender}" <{address}>' if sender.isascii() else f"{sender} <{address}>"
    message["To"] = f"{ME}, Tomas <tomas@example.net>, Aiko <aiko@example.jp>"
    message["Subject"] = subject
    message["Date"] = formatdate(when, localtime=True)
    message["Message-ID"] = f"<{number}.{when}@example.org>"
    if thread:
        message["References"] = f"<{thread}@example.org>"
    if "<p>" in text or "<html>" in text:
        message.set_content(html_to_text(text))
        message.add_alternative(text, subtype="html")
    else:
        message.set_content(text)
    names = (("floor-plan.pdf", "application", "pdf"), ("offer-hall-A.xlsx", "application", "vnd.ms-excel"))
    for name, kind, sub in (*names, ("hall.png", "image", "png"))[:files]:
        message.add_attachment(PNG * 600, maintype=kind, subtype=sub, filename=name)
    return message.as_bytes().replace(b"\n", b"\r\n")


def seed(root: Path, now: float | None = None) -> Mail:
    """Two accounts, folders with roles, a dozen letters."""
    mail, now = Mail(root), time.time() if now is None else now
    home = mail.account()
    for name, role in FOLDERS:
        mail.folder(home, name, role)
    inbox = mail.folders["INBOX"]
    for number, (sender, address, subject, text, age, (unread, starred, files), thread) in enumerate(reversed(LETTERS)):
        when = int(now - age * HOUR)
        flags = (Flag(0) if unread else Flag.SEEN) | (Flag.FLAGGED if starred else Flag(0))
        mail.letter(home, inbox, letter(sender, address, subject, text, when, files, thread, number), when, flags)
    for extra, thread in enumerate(["venue"] * 3 + ["kyoto", "review", "review"]):
        when = int(now - (200 + extra) * HOUR)
        raw = letter("Tomas Ferreira", "tomas@example.net", "Earlier", "Earlier words.", when, 0, thread, 100 + extra)
        mail.letter(home, mail.folders["Archive"], raw, when, Flag.SEEN)
    for extra in range(3):
        when = int(now - (30 + extra) * HOUR)
        raw = letter("Win Big", "x@spam.example", "You have won", "Click here.", when, 0, "", 200 + extra)
        mail.letter(home, mail.folders["Junk"], raw, when, Flag(0))
    first = dict(mail.folders)
    work = mail.account("work@corp.example", "work@corp.example")
    for name, role in (*FOLDERS[:1], *FOLDERS[2:3], ("Team", Role.NONE)):
        mail.folder(work, name, role)
    when = int(now - 2.5 * HOUR)
    mail.letter(
        work,
        mail.folders["INBOX"],
        letter("Dana", "dana@corp.example", "Stand-up at ten", "See you.", when),
        when,
        Flag(0),
    )
    mail.folders = {**mail.folders, **first}
    return mail
