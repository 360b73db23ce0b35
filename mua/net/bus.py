"""D-Bus: a connection, and one question to a service of the desktop or the system.

Rule of the file: whatever a bus, a service or its library does is raised as it is: nothing that asks depends on it.
"""

from typing import Any, NamedTuple

PATIENCE = 2.0  # seconds that a service may take to answer


class Service(NamedTuple):
    """Who is asked: an object of a service, and which of its interfaces."""

    path: str
    name: str
    interface: str


def connect(name: str, *, fds: bool = False, patience: float = PATIENCE) -> Any:
    """The bus "SYSTEM" or "SESSION", if it lets us in within ``patience`` seconds; ``fds``: files may come with it."""
    from jeepney.io.blocking import open_dbus_connection

    return open_dbus_connection(name, enable_fds=fds, auth_timeout=patience)


def ask(
    bus: Any,
    where: Service,
    method: str,
    signature: str = "",
    values: tuple[object, ...] = (),
    *,
    patience: float = PATIENCE,
) -> Any:
    """What a method answers within ``patience`` seconds."""
    from jeepney import DBusAddress, new_method_call
    from jeepney.wrappers import unwrap_msg

    path, name, interface = where
    message = new_method_call(DBusAddress(path, name, interface), method, signature or None, values)
    return unwrap_msg(bus.send_and_get_reply(message, timeout=patience))
