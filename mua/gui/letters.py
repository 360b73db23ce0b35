"""What a new letter begins with: a blank page, an answer, a forward, a draft to go on with, a mailto: link.

Rules of the file: no widget; plain decisions over ``mime.reply`` and the store.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import replace

from mua.gui import address_text
from mua.gui.journal import Attached, Letter, new_key
from mua.gui.writing import Kind, Writing
from mua.mime.markdown import from_markdown, to_markdown
from mua.mime.page import unfolded
from mua.mime.prose_html import by_name, from_html, to_html
from mua.mime.prose_text import from_text, to_text
from mua.mime.reply import Mode, answer
from mua.model.account import Account
from mua.model.message import REQUIRE_TLS, WRITING, Attachment, MessageRow, MessageView
from mua.model.outgoing import Outgoing
from mua.model.prose import Block, Prose, Run, is_formatted
from mua.plan import identities, warnings
from mua.plan.identities import Sender
from mua.records import dataclass

_MODES: dict[Kind, Mode] = {
    Kind.REPLY: "reply", Kind.REPLY_ALL: "all", Kind.REPLY_LIST: "list", Kind.FORWARD: "forward"
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Who:
    """Who can write: the accounts, the one to begin with, and the signature where an identity has none.

    ``receiver`` is the account that fetched the message to be answered, where that is known.
    """

    accounts: Sequence[Account]
    preferred: int = 0
    receiver: int = 0
    signature: str = ""
    writing: str = "rich"
    below: bool = False
    """An answer stands below what it quotes."""

    def account(self, account_id: int) -> Account:
        """The account of this id, else one that can send, else the first."""
        own = [one for one in self.accounts if one.id == account_id]
        sending = [one for one in self.accounts if one.route != "none"]
        return (own or sending or list(self.accounts))[0]

    def usual(self, account_id: int) -> Sender:
        """Who writes from an account when nothing says otherwise."""
        return identities.usual(self.account(account_id))

    def answering(self, account_id: int, view: MessageView) -> Sender:
        """Who answers a message; one's own is gone on with by who wrote it."""
        came = identities.came_to(view.headers, (*view.to, *view.cc))
        own = [one.address for one in view.sender if identities.is_mine(self.accounts, one.address)]
        if self.receiver:  # who fetched it is known: by that account, from whichever of its addresses
            fetched = [one for one in self.accounts if one.id == self.receiver]
            return identities.answering(fetched, self.receiver, own or came) or self.usual(self.receiver)
        return identities.answering(self.accounts, account_id, own or came) or self.usual(account_id)

    def mine(self, view: MessageView) -> frozenset[str]:
        """Those of a message's addresses that are the person's own."""
        everybody = (*view.sender, *view.reply_to, *view.to, *view.cc)
        return identities.mine_among(self.accounts, (one.address for one in everybody))

    def signature_of(self, sender: Sender) -> Prose:
        """What is put below a letter, without its separator."""
        own = sender.identity
        if own.signature_html:
            return from_html(by_name(own.signature_html)[0], pictures=lambda _: True)
        text = own.signature.strip() or self.signature.strip()
        return from_text(text) if text else ()


def begin(wish: Writing, who: Who) -> Letter:
    """The letter that a wish to write begins with."""
    account_id = who.receiver or (wish.row.account_id if wish.row else who.preferred)
    if wish.row is not None and wish.view is not None:
        if wish.kind is Kind.DRAFT:
            return _draft(wish.row, wish.view, who)
        if wish.kind in (Kind.AGAIN, Kind.REDIRECT):
            return _anew(wish, who)
        return _answer(wish, wish.row, wish.view, who.answering(account_id, wish.view), who)
    sender = who.usual(account_id)
    made = address_text.from_mailto(wish.mailto, sender.address) if wish.mailto else None
    body = signed(from_text(made.text if made else ""), who.signature_of(sender))
    blank = Letter(new_key(), sender.account_id, sender=sender.address, mode=who.writing)
    if made is not None:
        blank = replace(blank, to=made.to, cc=made.cc, bcc=made.bcc, subject=made.subject)
    return written(blank, body)


def signed(body: Prose, signature: Prose) -> Prose:
    """A text with a signature below its separator (RFC 3676 s.4.3)."""
    if not signature:
        return body
    return (*(body or (Block(),)), Block(), Block((Run("-- "),)), *signature)


def written(letter: Letter, body: Prose) -> Letter:
    """The letter with this text, in its way of writing."""
    if letter.mode == "markdown":
        return replace(letter, text=to_markdown(body), rich="")
    rich = to_html(body) if letter.mode == "rich" and is_formatted(body) else ""
    return replace(letter, text=to_text(body), rich=rich)


def _answer(wish: Writing, row: MessageRow, view: MessageView, sender: Sender, who: Who) -> Letter:
    mode = _MODES[wish.kind]
    moment = time.localtime(view.date if view.date is not None else row.date)
    when = time.strftime(f"{moment.tm_mday} %B %Y at %H:%M", moment)  # whole: it is read in other years
    made = answer(
        view, mode, me=who.mine(view), sender=sender.address, date_text=when, only=wish.chosen, attached=wish.attached
    )  # fmt: skip
    parts = made.parts if wish.kind is Kind.FORWARD and not wish.bare else ()
    html = unfolded(view.html)
    carried = tuple(attached(one, html if not made.body else "") for one in view.attachments if one.part in parts)
    forwarding = mode == "forward"
    letter = Letter(
        new_key(),
        sender.account_id,
        made.draft.to,
        made.draft.cc,
        (),
        made.draft.subject,
        attached=carried,
        in_reply_to=made.draft.in_reply_to,
        references=made.draft.references,
        answers=None if forwarding else row.id,
        forwards=row.id if forwarding else None,
        sender=sender.address,
        came_to=_came_to(who, sender, view) if not forwarding else "",
        hidden=_came_hidden(who, view) if not forwarding else False,
        mode=who.writing,
    )
    return written(letter, _placed(made.body, who, sender, below=who.below and not forwarding))


def _placed(quote: Prose, who: Who, sender: Sender, *, below: bool) -> Prose:
    """Room for an answer, the signature, and what is quoted, in the order that is chosen."""
    signature = who.signature_of(sender)
    if below:
        return signed((*quote, Block(), Block()), signature)
    if sender.identity.above:
        return (*signed((Block(),), signature), Block(), *quote) if signature else (Block(), Block(), *quote)
    return signed((Block(), Block(), *quote), signature)


def _came_to(who: Who, sender: Sender, view: MessageView) -> str:
    """The person's own address that a message came to; empty where the mail does not say it surely."""
    return sender.address.address if identities.is_mine(who.accounts, sender.address.address) and view.to else ""


def _came_hidden(who: Who, view: MessageView) -> bool:
    lists = any(name.lower() in ("list-id", "list-post") for name, _ in view.headers)
    return warnings.hidden_from(sorted(who.mine(view)), (*view.to, *view.cc), lists)


def _anew(wish: Writing, who: Who) -> Letter:
    """A message as one to write again (its attachments become files of the letter), or to pass on as it is."""
    assert wish.row is not None
    assert wish.view is not None
    sender = who.answering(wish.row.account_id, wish.view)
    if wish.kind is Kind.REDIRECT:
        return Letter(
            new_key(), sender.account_id, subject=wish.view.subject, sender=sender.address, redirects=wish.row.id
        )  # fmt: skip
    letter = replace(_shown(wish.view, _way_of(wish.view)), account_id=sender.account_id, sender=sender.address)
    return replace(letter, in_reply_to="", references=())


def _draft(row: MessageRow, view: MessageView, who: Who) -> Letter:
    """A draft to go on with.  Its attachments are sections of itself; ``composing`` makes files of them."""
    sender = who.answering(row.account_id, view)
    return replace(
        _shown(view, _way_of(view)), account_id=row.account_id, sender=sender.address, replaces=row.id,
        require_tls=REQUIRE_TLS in view.headers,
    )  # fmt: skip


def _way_of(view: MessageView) -> str:
    """In which way a draft or a template is written."""
    how = next((value for name, value in view.headers if name == WRITING), "rich")
    return how if how in ("markdown", "plain") else "rich"


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


def prose_of(letter: Letter) -> Prose:
    """What a letter says, however it is written."""
    if letter.mode == "markdown":
        return from_markdown(letter.text)
    return from_html(letter.rich, pictures=lambda _: True) if letter.rich else from_text(letter.text)


def bodies(letter: Letter) -> tuple[str, str]:
    """(plain text, HTML) that are sent; no HTML where plain text says as much."""
    if letter.mode == "markdown":
        prose = from_markdown(letter.text)
        return _trimmed(to_text(prose)), to_html(prose) if is_formatted(prose) else ""
    return _trimmed(letter.text), letter.rich if letter.mode == "rich" else ""


def _trimmed(text: str) -> str:
    """Without blanks at line ends, which nobody sees and which would keep lines from flowing (RFC 3676 s.4.2)."""
    return "\n".join(line if line == "-- " else line.rstrip(" \t") for line in text.split("\n"))
