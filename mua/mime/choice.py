"""Which parts of a message are its body, and which are attached: RFC 8621 s.4.1.4 (textBody, htmlBody, attachments).

Rule of the file: a part is never in none of them, or it would be nowhere.
"""

from typing import Final

from mua.mime.scan import Part

MEDIA: Final = ("image/", "audio/", "video/")


def choose(root: Part) -> tuple[list[Part], list[Part], list[Part]]:
    """(parts of the text body, of the HTML body, attachments), each in the order of the message."""
    text: list[Part] = []
    html: list[Part] = []
    attached: list[Part] = []
    _structure([root], "mixed", False, html, text, attached)
    if not text and not html:
        _promote(attached, text)
    media = [part for part in text if part.type.startswith(MEDIA)]
    attached += [part for part in media + html if part.type.startswith(MEDIA) and part not in attached]
    return (
        [part for part in text if not part.type.startswith(MEDIA)],
        [part for part in html if not part.type.startswith(MEDIA)],
        sorted(dict.fromkeys(attached), key=lambda part: part.header_start),
    )


def _promote(attached: list[Part], text: list[Part]) -> None:
    """A message of one odd text type (text/enriched ...) is read as text rather than as an attachment only."""
    for part in attached:
        if part.type.startswith("text/") and part.type != "text/calendar" and part.disposition != "attachment":
            attached.remove(part)
            text.append(part)
            return


def _structure(
    parts: list[Part],
    kind: str,
    in_alternative: bool,
    html: list[Part] | None,
    text: list[Part] | None,
    attached: list[Part],
) -> None:
    """RFC 8621 s.4.1.4 ``parseStructure``; the depth is bounded by the scanner."""
    text_before = len(text) if text is not None else -1
    html_before = len(html) if html is not None else -1
    for index, part in enumerate(parts):
        if part.type.startswith("multipart/") and part.children:
            sub = part.type[10:]
            _structure(part.children, sub, in_alternative or sub == "alternative", html, text, attached)
        elif not _is_inline(part, index, kind):
            attached.append(part)
        elif kind == "alternative":
            _choose_alternative(part, html, text, attached)
        else:
            if in_alternative:
                html = None if part.type == "text/plain" else html
                text = None if part.type == "text/html" else text
            _append(part, html, text, attached)
    if kind == "alternative" and text is not None and html is not None:
        _fill_gap(text, text_before, html, html_before)


def _append(part: Part, html: list[Part] | None, text: list[Part] | None, attached: list[Part]) -> None:
    """A part that is shown whichever body is read; media that one of the two lacks is attached as well."""
    for body in (text, html):
        if body is not None:
            body.append(part)
    if (text is None or html is None) and part.type.startswith(MEDIA):
        attached.append(part)


def _fill_gap(text: list[Part], text_before: int, html: list[Part], html_before: int) -> None:
    """An alternative that offers one kind only serves for both."""
    if text_before == len(text) and html_before != len(html):
        text.extend(html[html_before:])
    elif html_before == len(html) and text_before != len(text):
        html.extend(text[text_before:])


def _is_inline(part: Part, index: int, kind: str) -> bool:
    media = part.type.startswith(MEDIA)
    if part.disposition == "attachment" or not (media or part.type in ("text/plain", "text/html")):
        return False
    return index == 0 or (kind != "related" and (media or not part.filename))


def _choose_alternative(part: Part, html: list[Part] | None, text: list[Part] | None, attached: list[Part]) -> None:
    if part.type == "text/plain" and text is not None:
        text.append(part)
    elif part.type == "text/html" and html is not None:
        html.append(part)
    else:
        attached.append(part)


def related(root: Part) -> set[Part]:
    """The parts that a multipart/related root may refer to by Content-ID."""
    return {
        child
        for part in root.walk()
        if part.type == "multipart/related"
        for child in part.children[1:]
        if child.field("content-id") or child.type.startswith("image/")
    }
