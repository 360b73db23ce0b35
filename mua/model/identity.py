"""Who a person writes as: an account's addresses, each with a name, a signature, and where answers and copies go."""

import json

from mua.jsonable import from_json, to_json
from mua.records import dataclass

MAX_IDENTITIES = 200  # of an account


@dataclass(frozen=True, slots=True)
class Identity:
    """One identity.  ``address`` and ``aliases`` are addresses, or patterns of them: ``*@my.example`` is every address
    of that domain, ``me+*@my.example`` each with something behind the plus (and ``me@`` gets those anyway).

    ``signature`` is plain text, ``signature_html`` the same with its formats (pictures as data: URLs), empty where
    plain text says as much; ``above``: it stands before what is quoted.  ``reply_to``: where answers go;
    ``sent_folder``: the folder that keeps what was sent; both empty: as usual.
    """

    address: str
    name: str = ""
    aliases: tuple[str, ...] = ()
    signature: str = ""
    signature_html: str = ""
    above: bool = True
    reply_to: str = ""
    sent_folder: str = ""


def identities_text(identities: tuple[Identity, ...]) -> str:
    """The identities as they are stored; nothing for none."""
    return json.dumps([to_json(one) for one in identities], ensure_ascii=False) if identities else ""


def identities_from(text: str) -> tuple[Identity, ...]:
    """What ``identities_text`` made of them."""
    return tuple(from_json(Identity, one) for one in json.loads(text)) if text else ()
