"""Telling systemd how the service is (sd_notify(3)): one datagram to ``$NOTIFY_SOCKET``, where there is one."""

import contextlib
import os
import socket


def notify(state: str) -> None:
    """``READY=1``, ``STOPPING=1`` ...; a service manager that is away is no reason to stop working."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.connect("\0" + address[1:] if address.startswith("@") else address)
        line.send(state.encode())
