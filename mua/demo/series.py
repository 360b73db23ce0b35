"""Mail that comes in series: newsletters, receipts, lists, the build bot, notices, junk, and one bounce.

The texts are in ``resources/demo/series.toml`` and two pages beside it.  Rule of the file: pure but for reading these,
and the same for the same ``now``.
"""

import tomllib
from email.utils import formatdate
from functools import cache
from html import escape
from string import Template
from typing import Any

from mua.demo.compose import blocks
from mua.demo.letters import DAY, Attachment, Letter
from mua.demo.people import BY_KEY, Person
from mua.demo.pictures import picture
from mua.demo.stills import still
from mua.paths import resources

ME = BY_KEY["me"]
HOUR = 3600
SEEN = ("\\Seen",)
_MOODS = ("morning", "winter", "autumn", "garden", "evening", "sea")
_PAPER = (
    "Receipt {number} | For: Robin Vale, Larkspur | {what} | Total: {amount} EUR | Paid by card ending 4021. Thank you!"
)
_JUNK = (
    '<html><body bgcolor="#ffffcc"><center><font size="5" color="red"><b>{subject}</b></font><br><br>{text}<br><br>'
    '<a href="http://{site}/go?u=robin">CLICK HERE</a></center>'
    '<img src="http://{site}/pixel.gif?u=robin" width=1 height=1></body></html>'
)
_PRODUCT = "display:block;width:100%;border-radius:6px"
_SHOP = Person("", "Fern & Kettle", "hello@post.fern-kettle.example")
_ALMANAC = Person("", "The Slow Almanac", "letters@almanac.example")
_LISTS = {
    "dev": ("Contour developers <contour-dev.lists.contour.example>", "contour-dev@lists.contour.example"),
    "walkers": ("Sunday Walkers <walkers.lists.footpath.example>", "walkers@lists.footpath.example"),
}


def letters(now: int) -> list[Letter]:
    """All series."""
    series = tomllib.loads(_resource("series.toml"))
    return [
        *_shop(series["shop"], now),
        *_almanac(series["almanac"], now),
        *_threads(series["thread"], now),
        *_builds(series["build"], now),
        *_receipts(series["receipts"]["list"], now),
        *_notices(series["notices"]["list"], now),
        *_junk(series["junk"]["list"], now),
    ]


def bounce(original: Letter, date: int) -> bytes:
    """The delivery status notification for a letter whose mailbox was full (RFC 3464)."""
    words = {"recipient": original.to[0].address, "message_id": original.message_id, "subject": original.subject}
    return Template(_resource("bounce.eml")).substitute(words, date=formatdate(date)).replace("\n", "\r\n").encode()


@cache
def _resource(name: str) -> str:
    return (resources() / "demo" / name).read_text("utf-8")


def _at(now: int, days: int, hour: float) -> int:
    """So many days ago at this hour (UTC); for today and a later hour, yesterday's."""
    moment = now - now % DAY - days * DAY + int(hour * HOUR)
    return moment if moment < now else moment - DAY


def _flags(days: int) -> tuple[str, ...]:
    return SEEN if days > 3 else ()


def _shop(issues: list[dict[str, Any]], now: int) -> list[Letter]:
    return [_shop_letter(issue, place, now) for place, issue in enumerate(issues)]


def _shop_letter(issue: dict[str, Any], place: int, now: int) -> Letter:
    date = now - 95 * 60 if place == 0 else _at(now, 16 * place, 7.5)
    hero = f"hero{place}@fern-kettle.example"
    cells = "".join(_shop_cell(*product) for product in issue["products"])
    words = {name: escape(issue[name]) for name in ("subject", "headline", "lead")}
    names = [product[3] for product in issue["products"]]
    images = [Attachment(f"{name}.png", "image/png", still(name), f"product-{name}") for name in names]
    products = "\n".join(f"- {name} ({price} €): {text}" for name, price, text, _ in issue["products"])
    return Letter(
        key=f"shop-{place}",
        sender=_SHOP,
        to=[ME],
        date=date,
        subject=issue["subject"],
        text=f"{issue['headline']}\n\n{issue['lead']}\n\n{products}\n\nhttps://fern-kettle.example/new?c={place}",
        folder="INBOX" if place < 2 else "Archive",
        flags=() if place == 0 else SEEN,
        html=Template(_resource("shop.html")).substitute(words, hero=hero, products=cells, issue=f"fk{place:03d}"),
        related=[_image(hero, f"{_MOODS[place % 6]}-shop", 720, 360), *images],
        headers={
            "List-Unsubscribe": f"<https://fern-kettle.example/leave?u=robin&c={place}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": "Fern & Kettle news <news.fern-kettle.example>",
        },
    )


def _shop_cell(name: str, price: str, text: str, scene: str) -> str:
    image = f'<img src="cid:product-{scene}" width="170" alt="{escape(name)}" style="{_PRODUCT}">'
    return (
        f'<td class="column" width="33%" valign="top" style="padding:12px">{image}'
        f'<p style="margin:10px 0 2px"><b>{escape(name)}</b></p>'
        f'<p style="margin:0 0 4px;color:#2f6b4f">{price} &euro;</p>'
        f'<p style="margin:0;font-size:13px">{escape(text)}</p></td>'
    )


def _image(cid: str, scene: str, width: int, height: int) -> Attachment:
    return Attachment(f"{scene}.png", "image/png", picture(scene, width, height), cid)


def _almanac(issues: list[dict[str, Any]], now: int) -> list[Letter]:
    made = []
    for place, issue in enumerate(issues):
        number = 212 - place
        days = 1 + 7 * place
        inside = "".join(f"<h2>{escape(head)}</h2>{blocks(text)}" for head, text in issue["items"])
        words = {"subject": escape(issue["subject"]), "items": inside, "number": str(number)}
        text = "\n\n".join(f"**{head}**\n{text}" for head, text in issue["items"])
        made.append(
            Letter(
                key=f"almanac-{place}",
                sender=_ALMANAC,
                to=[ME],
                date=_at(now, days, 6.0),
                subject=f"Letter {number}: {issue['subject']}",
                text=f"{issue['subject']}\n\n{text}\n\nUntil next week, walk slowly.\nThe editors",
                folder="INBOX" if place < 3 else "Archive",
                flags=_flags(days) if place else (),
                html=Template(_resource("almanac.html")).substitute(words),
                headers={
                    "List-Id": "The Slow Almanac <letters.almanac.example>",
                    "List-Unsubscribe": f"<https://almanac.example/leave/{number}>",
                },
            )
        )
    return made


def _threads(threads: list[dict[str, Any]], now: int) -> list[Letter]:
    made: list[Letter] = []
    places = dict.fromkeys(_LISTS, 0)
    for thread in threads:
        name = thread["list"]
        made += [_post(thread, places[name], number, now) for number in range(len(thread["posts"]))]
        places[name] += 1
    return made


def _post(thread: dict[str, Any], place: int, number: int, now: int) -> Letter:
    """One message of a thread on a list; ``place`` counts the threads of the list, the newest first."""
    name, (who, text) = thread["list"], thread["posts"][number]
    list_id, address = _LISTS[name]
    days = 3 + (9 if name == "dev" else 16) * place - number // 2
    folder = "Projects/Contour" if name == "dev" else "Archive" if place else "INBOX"
    return Letter(
        key=f"{name}-{place}-{number}",
        sender=BY_KEY[who],
        to=[Person("", list_id.partition(" <")[0], address)],
        date=_at(now, days, 9.2 + 2.6 * number),
        subject=thread["subject"] if number == 0 else "",
        text=f"{text}\n\n{BY_KEY[who].given_name}",
        folder="Sent" if who == "me" else folder,
        flags=SEEN if who == "me" or place or number == 0 else (),
        answers=f"{name}-{place}-{number - 1}" if number else "",
        headers={
            "List-Id": list_id,
            "List-Post": f"<mailto:{address}>",
            "List-Unsubscribe": f"<mailto:{address.replace('@', '-leave@')}>",
            "Precedence": "list",
        },
    )


def _builds(texts: list[dict[str, Any]], now: int) -> list[Letter]:
    made = []
    for place in range(34):
        issue = texts[place % len(texts)]
        run = 8841 - 7 * place
        subject, text = issue["subject"], issue["text"]
        first, rest = text.split(" ", 2)[:2], text.split(" ", 2)[2]
        made.append(
            Letter(
                key=f"build-{place}",
                sender=BY_KEY["bot"],
                to=[ME],
                date=now - 141 * 60 if place == 0 else _at(now, 3 * place, 5.9),
                subject=subject,
                text=f"{first[0]} {run} {rest}\n\nhttps://builds.contour.example/runs/{run}",
                folder="INBOX" if place < 3 else "Projects/Contour",
                flags=SEEN,
                headers={"Auto-Submitted": "auto-generated", "X-Build-Run": str(run)},
            )
        )
    return made


def _receipts(rows: list[list[str]], now: int) -> list[Letter]:
    made = []
    for place in range(30):
        name, address, what, amount = rows[place % len(rows)]
        days = 5 + 11 * place
        number = 40231 - 111 * place
        made.append(
            Letter(
                key=f"receipt-{place}",
                sender=Person("", name, address),
                to=[ME],
                date=_at(now, days, 8 + place % 9),
                subject=what,
                text=(
                    f"Dear Robin Vale,\n\nthank you. Here is your receipt for the studio's books.\n\n"
                    f"    Receipt {number}\n    {what}\n    Total: {amount} EUR, paid by card ending 4021\n\n"
                    f"The same as PDF is attached.\n\n{name}"
                ),
                folder="INBOX" if place == 0 else "Receipts",
                flags=SEEN,
                attach=[f"receipt-{number}.pdf | {name} | {_PAPER.format(number=number, what=what, amount=amount)}"],
            )
        )
    return made


def _notices(rows: list[list[str]], now: int) -> list[Letter]:
    made = []
    for place in range(22):
        name, address, subject, text = rows[place % len(rows)]
        days = 3 + 6 * place
        folder = "INBOX" if place < 4 else "Trash" if place % 5 == 1 else "Archive"
        sender = Person("", name, address)
        key, date = f"notice-{place}", _at(now, days, 10.4 + place % 5)
        headers = {"Auto-Submitted": "auto-generated"}
        made.append(Letter(key, sender, [ME], date, subject, text, folder=folder, flags=_flags(days), headers=headers))
    return made


def _junk(rows: list[list[str]], now: int) -> list[Letter]:
    made = []
    for place in range(18):
        name, address, subject, text = rows[place % len(rows)]
        sender = Person("", name, address)
        page = _JUNK.format(subject=escape(subject), text=escape(text), site=address.partition("@")[2])
        key, date = f"junk-{place}", _at(now, 1 + 4 * place, 2.2 + place % 7)
        made.append(Letter(key, sender, [ME], date, subject, text, folder="Junk", flags=("$Junk",), html=page))
    return made
