"""What a new letter begins with: a blank page, an answer, a forward, a draft to go on with, a mailto: link.

Rules of the file: no widget; plain decisions over ``mime.reply`` and the store.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import replace

from mua.gui import address_text
from mua.gui.journal import Attached, Letter, new_key
from mua.gui.writing import Kind, Writing
from mua.mime.markdown import from_markdown
from mua.mime.page import unfolded
from mua.mime.prose_html import to_html
from mua.mime.prose_text import to_text
from mua.mime.reply import Mode, reply
from mua.model.account import Account
from mua.model.address import Address
from mua.model.message import REQUIRE_TLS, WRITING, Attachment, MessageRow, MessageView
from mua.model.outgoing import Outgoing
from mua.model.prose import is_formatted
from mua.records import dataclass

_MODES: dict[Kind, Mode] = {Kind.REPLY: "reply", Kind.REPLY_ALL: "all", Kind.FORWARD: "forward"}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who can write: the accounts, the one to begin with, and the signature.

    ``receiver`` is the account that fetched the message to be answered, where that is known.
    """

    accounts: Sequence[Account]
    preferred: int = 0
    receiver: int = 0
    signature: str = ""

    def account(self, account_id: int) -> Account:
        """The account of this id, else one that can send, else the first."""
        own = [one for one in self.accounts if one.id == account_id]
        sending = [one for one in self.accounts if one.route != "none"]
        return (own or sending or list(self.accounts))[0]

    def mine(self) -> frozenset[str]:
        """Every address that is the person's own."""
        return frozenset(one.email.lower() for one in self.accounts)


def begin(wish: Writing, who: Identity) -> Letter:
    """The letter that a wish to write begins with."""
    account = who.account(who.receiver or (wish.row.account_id if wish.row else who.preferred))
    sender = Address(account.full_name, account.email)
    if wish.row is not None and wish.view is not None:
        if wish.kind is Kind.DRAFT:
            return _draft(wish.row, wish.view, account)
        if wish.kind in _MODES:
            return _answer(_MODES[wish.kind], wish.row, wish.view, account, who)
    made = address_text.from_mailto(wish.mailto, sender) if wish.mailto else None
    if made is None:
        return Letter(new_key(), account.id, text=_signed("", who.signature))
    return Letter(
        new_key(), account.id, made.to, made.cc, made.bcc, made.subject, _signed(made.text, who.signature)
    )  # fmt: skip


def _answer(mode: Mode, row: MessageRow, view: MessageView, account: Account, who: Identity) -> Letter:
    sender = Address(account.full_name, account.email)
    moment = time.localtime(view.date if view.date is not None else row.date)
    when = time.strftime(f"{moment.tm_mday} %B %Y at %H:%M", moment)  # whole: it is read in other years
    draft, parts = reply(view, mode, me=who.mine(), sender=sender, date_text=when)
    carried = tuple(
        Attached(one.name, one.type, one.size, part=one.part) for one in view.attachments if one.part in parts
    )
    forwarding = mode == "forward"
    return Letter(
        new_key(),
        account.id,
        draft.to,
        draft.cc,
        (),
        draft.subject,
        _signed("", who.signature) + "\n\n" + draft.text,
        attached=carried,
        in_reply_to=draft.in_reply_to,
        references=draft.references,
        answers=None if forwarding else row.id,
        forwards=row.id if forwarding else None,
    )


def _draft(row: MessageRow, view: MessageView, account: Account) -> Letter:
    """A draft to go on with.  Its attachments are sections of itself; ``composing`` makes files of them."""
    written = next((value for name, value in view.headers if name == WRITING), "rich")
    mode = written if written in ("markdown", "plain") else "rich"
    return replace(_shown(view, mode), account_id=account.id, replaces=row.id, require_tls=REQUIRE_TLS in view.headers)


def _shown(view: MessageView, mode: str = "rich") -> Letter:
    """A message as a letter to go on with, from no account yet; its attachments are sections of it."""
    html = unfolded(view.html) if mode == "rich" else ""
    return Letter(
        new_key(),
        0,
        view.to,
        view.cc,
        view.bcc,
        view.subject,
        view.text.rstrip("\n"),
        html,
        tuple(attached(one, html) for one in view.attachments),
        in_reply_to=view.references[-1] if view.references else "",
        references=view.references,
        mode=mode,
    )


def attached(one: Attachment, html: str) -> Attached:
    """An attachment of a message; one that its HTML shows stands in the text."""
    inside = one.content_id if one.content_id and f"cid:{one.content_id}" in html else ""
    return Attached(one.name, one.type, one.size, part=one.part, content_id=inside)


def again(view: MessageView, sent: Outgoing, addresses: Collection[str]) -> Letter:
    """A message that was on its way out, as a letter to those of its recipients whose ``addresses`` these are."""
    wanted = {one.lower() for one in addresses}
    to, cc, bcc = (tuple(one for one in some if one.address.lower() in wanted) for some in (view.to, view.cc, view.bcc))
    return replace(
        _shown(view), account_id=sent.account_id, to=to, cc=cc, bcc=bcc, require_tls=sent.terms.require_tls
    )  # fmt: skip


def _signed(text: str, signature: str) -> str:
    """``text`` with the signature below its separator (RFC 3676 s.4.3)."""
    return f"{text}\n\n-- \n{signature.strip()}" if signature.strip() else text


def bodies(letter: Letter) -> tuple[str, str]:
    """(plain text, HTML) that are sent; no HTML where plain text says as much."""
    if letter.mode == "markdown":
        prose = from_markdown(letter.text)
        return _trimmed(to_text(prose)), to_html(prose) if is_formatted(prose) else ""
    return _trimmed(letter.text), letter.rich if letter.mode == "rich" else ""


def _trimmed(text: str) -> str:
    """Without blanks at line ends, which nobody sees and which would keep lines from flowing (RFC 3676 s.4.2)."""
    return "\n".join(line if line == "-- " else line.rstrip(" \t") for line in text.split("\n"))


_HINTS = (
    "attach", "enclosed", "anhang", "angehängt", "beigefügt", "anlage", "pièce jointe", "ci-joint", "adjunt",
    "allegat", "em anexo", "anexo", "bijlage", "bifog", "vedhæft", "vedlagt", "załącz", "вложен", "прикреп", "添付",
    "附件",
)  # fmt: skip


def forgot_attachment(text: str, subject: str) -> bool:
    """Does the person's own text (not what is quoted) speak of an attachment?"""
    own = [line for line in text.split("\n-- \n")[0].splitlines() if not line.startswith(">")]
    cut = next((at for at, line in enumerate(own) if line.startswith("-------- Forwarded message")), len(own))
    said = f"{subject}\n" + "\n".join(own[:cut])
    return any(hint in said.casefold() for hint in _HINTS)
