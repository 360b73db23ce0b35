"""A real Radicale (CardDAV) on loopback, with TLS and a user, as a process of the test."""

import base64
import http.client
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import certs
from lab import free_ports

RADICALE = Path("/usr/lib/python3/dist-packages/radicale/__init__.py")
"""Debian's, which runs beside the environment of the tests."""
USER, PASSWORD = "alice", "r4dicale secret"
_COLLECTION = '{"tag": "VADDRESSBOOK", "D:displayname": "Friends"}'


@dataclass(frozen=True)
class Radicale:
    """Where it listens, and where its cards are."""

    port: int
    folder: Path
    ca_file: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/"

    @property
    def book(self) -> str:
        return f"{self.url}{USER}/friends/"

    @property
    def cards(self) -> Path:
        return self.folder / "collection-root" / USER / "friends"

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """What another client does there."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        connection = http.client.HTTPSConnection("localhost", self.port, context=context, timeout=30)
        word = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        connection.request(method, path, body, {"Authorization": f"Basic {word}", **headers})
        answer = connection.getresponse()
        told = answer.status, answer.read()
        connection.close()
        return told

    def put(self, name: str, card: str) -> None:
        """A card that another client writes."""
        status, said = self.ask("PUT", f"/{USER}/friends/{name}", card.encode(), **{"Content-Type": "text/vcard"})
        assert status in (200, 201, 204), (status, said)

    def get(self, name: str) -> str:
        status, said = self.ask("GET", f"/{USER}/friends/{name}")
        assert status == 200, (name, status)
        return said.decode()

    def allow(self, permissions: str) -> None:
        """What its user may do in the book: "rw", or only "r"."""
        rules = (
            f"[root]\nuser: .+\ncollection:\npermissions: R\n[principal]\nuser: .+\ncollection: {{user}}\n"
            f"permissions: RW\n[book]\nuser: .+\ncollection: {{user}}/[^/]+\npermissions: {permissions}\n"
        )
        (self.folder / "rights.new").write_text(rules)
        (self.folder / "rights.new").replace(self.folder / "rights")

    def names(self) -> list[str]:
        """The cards that are there."""
        return sorted(one.name for one in self.cards.iterdir() if one.is_file() and not one.name.startswith("."))


@contextmanager
def radicale(folder: Path) -> Iterator[Radicale]:
    """One that runs while the block does, with the empty address book "Friends"."""
    (port,) = free_ports(1)
    good, authority = certs.authority().leaf("good"), certs.authority().ca_file
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "users").write_text(f"{USER}:{PASSWORD}\n")
    made = folder / "collection-root" / USER / "friends"
    made.mkdir(parents=True)
    (made / ".Radicale.props").write_text(_COLLECTION)
    config = folder / "config"
    config.write_text(
        f"[server]\nhosts = localhost:{port}\nssl = True\ncertificate = {good.cert}\nkey = {good.key}\n"
        f"[auth]\ntype = htpasswd\nhtpasswd_filename = {folder / 'users'}\nhtpasswd_encryption = plain\ndelay = 0\n"
        f"[rights]\ntype = from_file\nfile = {folder / 'rights'}\n"
        f"[storage]\nfilesystem_folder = {folder}\n[logging]\nlevel = info\n"
    )
    found = Radicale(port, folder, Path(authority))
    found.allow("rw")
    with (folder / "log").open("wb") as log:
        command = ["/usr/bin/python3", "-P", "-m", "radicale", "--config", str(config)]
        process = subprocess.Popen(command, stdout=log, stderr=log, env={"PATH": "/usr/bin:/bin", "HOME": str(folder)})
    try:
        deadline = time.monotonic() + 60
        while not _answers(found):
            assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)  # another process: that its port answers is the only event there is
        yield found
    finally:
        process.terminate()
        process.wait(30)


def _answers(found: Radicale) -> bool:
    try:
        return found.ask("OPTIONS", "/")[0] == 200
    except OSError:
        return False
