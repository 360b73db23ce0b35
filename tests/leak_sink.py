"""``leak_sink.py LOG``: answers every name with one address, takes every connection, and writes it down.

One line for each question to the DNS ("dns NAME TYPE") and each connection ("tcp PORT WORDS").  Runs until killed.
"""

import re
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import TextIO

ADDRESS = "93.184.216.34"  # a public one, so that nothing is refused for being private
PORTS = (21, 80, 443, 8765)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(PNG) + PNG
)


def names(log: TextIO) -> None:
    """The DNS."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    while True:
        asked, whence = server.recvfrom(4096)
        labels, at = [], 12
        while asked[at]:
            labels.append(asked[at + 1 : at + 1 + asked[at]].decode("latin1"))
            at += asked[at] + 1
        (kind,) = struct.unpack(">H", asked[at + 1 : at + 3])
        log.write(f"dns {'.'.join(labels)} {kind}\n")
        head = asked[:2] + b"\x81\x80\0\1\0" + (b"\1" if kind == 1 else b"\0") + b"\0\0\0\0" + asked[12 : at + 5]
        record = b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4" + socket.inet_aton(ADDRESS) if kind == 1 else b""
        server.sendto(head + record, whence)


def connections(log: TextIO, port: int) -> None:
    """One port."""
    server = socket.create_server(("", port), backlog=200)
    while True:
        client, _ = server.accept()
        threading.Thread(target=_answer, args=(log, port, client), daemon=True).start()


def _answer(log: TextIO, port: int, client: socket.socket) -> None:
    with client:
        client.settimeout(5)
        try:
            words = client.recv(4000)
            log.write(f"tcp {port} {_said(words)}\n")
            client.sendall(ANSWER)
        except OSError as error:
            log.write(f"tcp {port} {error}\n")


def _said(words: bytes) -> str:
    """The first line and the fields; of a TLS greeting the name that it asks for, where that can be seen."""
    if words.startswith(b"\x16"):
        return f"TLS {b' '.join(re.findall(rb'v[0-9]+-[0-9]+.leak.test', words)).decode()}"
    lines = words.decode("latin1").splitlines()
    return " | ".join(one[:200] for one in lines if one)


def main() -> None:
    """Serve until killed."""
    with Path(sys.argv[1]).open("w", buffering=1, encoding="utf-8") as log:
        threading.Thread(target=names, args=(log,), daemon=True).start()
        for port in PORTS:
            threading.Thread(target=connections, args=(log, port), daemon=True).start()
        print("up", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
