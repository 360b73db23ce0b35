"""GNOME Online Accounts: which addresses the person told the desktop about, and their servers, over D-Bus.

Rules of the file: nothing leaves this computer; names and servers are read, never a password or a token; without a
bus, or without that service, there are none.
"""

from typing import Any

from mua.log import NET
from mua.net.bus import Service, ask, connect

MOST = 200  # accounts
PATIENCE = 5.0  # seconds for the bus, and once more for the service, which may have to be started first
_MANAGER = Service("/org/gnome/OnlineAccounts", "org.gnome.OnlineAccounts", "org.freedesktop.DBus.ObjectManager")
_MAIL = "org.gnome.OnlineAccounts.Mail"


def mail_accounts() -> list[dict[str, object]]:
    """The properties of every account that has mail."""
    try:
        bus = connect("SESSION", patience=PATIENCE)
        try:
            (objects,) = ask(bus, _MANAGER, "GetManagedObjects", patience=PATIENCE)
        finally:
            bus.close()
        return [_plain(one[_MAIL]) for one in list(objects.values())[:MOST] if _MAIL in one]
    except Exception as error:  # noqa: BLE001 -- whatever a bus, a service or its library does, others are asked
        NET.debug("no online accounts of the desktop: %s", type(error).__name__)
        return []


def _plain(properties: dict[str, Any]) -> dict[str, object]:
    return {name: value for name, (_, value) in properties.items()}
