"""A message that is shown -> the draft that answers or forwards it.

Rules of the file: only what the person saw is quoted (the text of the view); the person's own addresses never end up
among the recipients unless nobody else is left; a prefix is never repeated, in whatever language it was.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, Literal

from mua.mime.build import capped_references
from mua.mime.headers import addresses
from mua.mime.page import quote_of
from mua.mime.prose_html import from_html
from mua.mime.prose_text import from_text, to_text
from mua.mime.subject import FORWARD_PREFIX, LIST_TAG, REPLY_PREFIX
from mua.mime.text import html_to_text
from mua.model import naming
from mua.model.address import Address
from mua.model.message import MessageView
from mua.model.outgoing import Draft
from mua.model.prose import Block, Kind, Prose, Run, is_formatted, quoted
from mua.records import dataclass

Mode = Literal["reply", "all", "list", "forward"]

MAX_QUOTED: Final = 2_500_000  # characters
MAX_RICH: Final = 400_000  # characters of HTML: what is longer is quoted as plain text

_MAILTO = re.compile(r"<\s*mailto:([^?>\s]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """A letter that answers or forwards: to whom and about what (``draft``, without a text), what it quotes (``body``,
    with the line that says whose words they are), and the sections of the original to carry along.
    """

    draft: Draft
    body: Prose
    parts: tuple[str, ...] = ()


def reply(
    shown: MessageView, mode: Mode, *, me: frozenset[str], sender: Address, date_text: str = ""
) -> tuple[Draft, tuple[str, ...]]:
    """The same as ``answer``, in plain text: the draft with its text, and the sections to carry along."""
    made = answer(shown, mode, me=me, sender=sender, date_text=date_text, rich=False)
    text = to_text(made.body)
    return replace(made.draft, text=text if mode == "forward" else text + "\n"), made.parts


def answer(
    shown: MessageView,
    mode: Mode,
    *,
    me: frozenset[str],
    sender: Address,
    date_text: str = "",
    only: str = "",
    attached: bool = False,
    rich: bool = True,
) -> Answer:
    """The letter that answers (``reply``, ``all``, ``list``) or forwards ``shown``.

    ``me`` are the person's own addresses, ``sender`` the identity that writes, ``date_text`` the date of the original
    as the person reads it.  ``only``: this part of the text is quoted and nothing else; ``attached``: it is forwarded
    as a file, so nothing is quoted; ``rich``: with its formats.  The sections are IMAP numbers of the original's
    attachments: empty unless forwarding.
    """
    if mode == "forward":
        return _forward(shown, sender, date_text, attached, rich)
    to, cc = _recipients(shown, mode, frozenset(address.lower() for address in me))
    draft = Draft(
        sender=sender,
        to=to,
        cc=cc,
        subject=reply_subject(shown.subject),
        in_reply_to=shown.message_id,
        references=_references(shown),
    )
    return Answer(draft, _quoted(shown, date_text, only, rich))


def reply_subject(subject: str) -> str:
    """``Re: `` once, whatever prefixes in whatever language were there; a list's [tag] stays where it is."""
    return f"Re: {_bare_subject(subject, REPLY_PREFIX)}"


def forward_subject(subject: str) -> str:
    """``Fwd: `` once."""
    return f"Fwd: {_bare_subject(subject, FORWARD_PREFIX)}"


def _bare_subject(subject: str, prefix: re.Pattern[str]) -> str:
    """The subject without any leading ``prefix``, also behind a list's tag."""
    rest = subject.strip()
    tag = LIST_TAG.match(rest)
    if tag and prefix.match(rest, tag.end()):
        return tag[0] + _bare_subject(rest[tag.end() :], prefix)
    for _ in range(50):
        match = prefix.match(rest)
        if match is None:
            break
        rest = rest[match.end() :]
    return rest


def _references(shown: MessageView) -> tuple[str, ...]:
    """RFC 5322 s.3.6.4: the parent's chain and the parent, shortened in the middle."""
    if not shown.message_id:
        return capped_references(shown.references)
    chain = [one for one in shown.references if one != shown.message_id]
    return capped_references([*chain, shown.message_id])


# --- to whom ---------------------------------------------------------------------------------------------------------


def _recipients(shown: MessageView, mode: Mode, me: frozenset[str]) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    if mode == "list":
        post = _list_post(shown)
        return (post, ()) if post else _recipients(shown, "all", me)
    if mode == "all":
        followup = _field_addresses(shown, "Mail-Followup-To")
        if followup:
            return _without(followup, me) or followup, ()
        return _everybody(shown, me)
    return _authors(shown, me), ()


def _authors(shown: MessageView, me: frozenset[str]) -> tuple[Address, ...]:
    """Reply-To or From; for one's own mail the people it went to."""
    if shown.sender and all(one.address.lower() in me for one in shown.sender):
        others = _without(shown.to, me)
        if others:
            return others
    return _unique(_usable(shown.reply_to) or _usable(shown.sender))


def _everybody(shown: MessageView, me: frozenset[str]) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    to = _without(_authors(shown, me), me)
    others = _without((*shown.to, *shown.cc), me)
    if not to:
        to, others = others, ()
    taken = {one.address.lower() for one in to}
    return to or _authors(shown, me), tuple(one for one in others if one.address.lower() not in taken)


def _list_post(shown: MessageView) -> tuple[Address, ...]:
    """The mailto of List-Post (RFC 2369 s.3.4), as an address only: its other fields are not ours to obey."""
    for name, value in shown.headers:
        match = _MAILTO.search(value) if name.lower() == "list-post" else None
        if match:
            return _usable(addresses(match[1].encode("utf-8", "replace")))
    return ()


def _field_addresses(shown: MessageView, name: str) -> tuple[Address, ...]:
    for field, value in shown.headers:
        if field.lower() == name.lower():
            return _unique(_usable(addresses(value.encode("utf-8", "replace"))))
    return ()


def _usable(many: Iterable[Address]) -> tuple[Address, ...]:
    return tuple(one for one in many if "@" in one.address)


def _without(many: Iterable[Address], me: frozenset[str]) -> tuple[Address, ...]:
    return _unique(one for one in _usable(many) if one.address.lower() not in me)


def _unique(many: Iterable[Address]) -> tuple[Address, ...]:
    found: dict[str, Address] = {}
    for one in many:
        found.setdefault(one.address.lower(), one)
    return tuple(found.values())


# --- what is quoted --------------------------------------------------------------------------------------------------


def _quoted(shown: MessageView, date_text: str, only: str, rich: bool) -> Prose:
    author = naming.people(shown.sender) or "Somebody"
    when = f"On {date_text}, " if date_text else ""
    said = from_text(only.strip("\n")) if only else _without_last_lines(_said(shown, rich))
    return (Block((Run(f"{when}{author} wrote:"),)), *quoted(said))


def _said(shown: MessageView, rich: bool, signed: bool = False) -> Prose:
    """What a message says: with its formats where it has some that mean something.

    Where there is HTML that was read, not the text beside it, which may be another; and of it what can be seen.
    ``signed``: a signature is part of it.
    """
    if shown.html:
        page = "".join(quote_of(shown.html))
        if len(page) > MAX_RICH:
            from mua.mime.unseen import pruned

            return from_text(html_to_text(pruned(page))[:MAX_QUOTED])
        found = from_html(page, colours=False, seen=True)
        return found if rich and is_formatted(found) else from_text(to_text(found))
    text = shown.text[:MAX_QUOTED]
    return from_text(text if signed else _without_signature(text).rstrip("\n"))


def _without_last_lines(prose: Prose) -> Prose:
    """The signature goes (RFC 3676 s.4.3), and empty lines at the end."""
    end = len(prose)
    for at in range(end - 1, max(-1, end - 16), -1):
        if prose[at].text == "-- ":
            end = at
            break
    while end and not prose[end - 1].runs and prose[end - 1].kind is Kind.TEXT:
        end -= 1
    return prose[:end]


def _without_signature(text: str) -> str:
    """RFC 3676 s.4.3: what follows the last ``-- `` line is a signature, and a reply does not repeat it."""
    head, mark, tail = text.rpartition("\n-- \n")
    return head + "\n" if mark and tail.count("\n") <= 15 else text


def _forward(shown: MessageView, sender: Address, date_text: str, attached: bool, rich: bool) -> Answer:
    draft = Draft(sender=sender, subject=forward_subject(shown.subject), references=_references(shown))
    if attached:
        return Answer(draft, ())
    lines = ["-------- Forwarded message --------", f"From: {_listed(shown.sender)}"]
    if date_text:
        lines.append(f"Date: {date_text}")
    lines += [f"Subject: {shown.subject}", f"To: {_listed(shown.to)}"]
    if shown.cc:
        lines.append(f"Cc: {_listed(shown.cc)}")
    head = tuple(Block((Run(line),)) for line in lines)
    said = _said(shown, rich, signed=not rich)
    return Answer(draft, (*head, Block(), *said), tuple(one.part for one in shown.attachments))


def _listed(many: Iterable[Address]) -> str:
    return ", ".join(str(one) for one in many)
