"""The mail laboratory: real servers on loopback, started in a second, gone without a trace.

``with Lab() as lab:`` gives Dovecot (IMAP, POP3, LMTP, SASL), Postfix (MSA on 587 and 465, three MX hosts on 25), nsd
and unbound inside a network namespace of their own, with real ports and real names.  Root is not needed where the
kernel lets everybody have user namespaces; then Postfix, which needs several users, stays away.  The test process is
outside:
``lab.mua(...)`` runs the program inside, and the oracle (``imap``, ``raw_messages``, ``deliver``) reaches in.
``Lab(namespace=False)`` gives Dovecot, and Postfix as MSA where root, on free ports of 127.0.0.1, so that a test may
connect by itself; it needs no root.

Theory of operation: everything that runs belongs to one supervisor process (``lab_supervisor``), which tears down when
its input closes, so nothing outlives a crashed test run.  ``MUA_LAB_KEEP=1`` keeps the folder for a look afterwards.
"""

import contextlib
import email.utils
import imaplib
import itertools
import json
import os
import re
import secrets
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import lab_config
import lab_dns
import pytest
from certs import Leaf, make_pki
from lab_config import DOMAIN, Plan
from lab_evil import Witness
from lab_net import OWN, Namespace, Network, OwnNamespace, obstacle
from lab_proxy import Proxy

ROOT = Path(__file__).resolve().parents[1]
PASSPHRASE = "open sesame, laboratory"
IMPATIENT = """
import sys, pathlib, mua.engine.main, mua.log, mua.paths
mua.log.start("WARNING")
profile, patience = mua.paths.Profile(pathlib.Path(sys.argv[1])), float(sys.argv[2])
sys.exit(mua.engine.main.main(profile, stay=True, patience=patience))
"""
NEEDED = ("dovecot",)
NEEDED_INSIDE = ("dovecot", "nsd", "unbound", "ldns-signzone", "ip")
NEEDED_AS_ROOT = ("postfix",)
NEEDED_WITHOUT = ("unshare", "nsenter")


class LabError(Exception):
    """The laboratory itself is broken (not the program under test)."""


@dataclass(frozen=True, slots=True)
class User:
    """One mailbox of the laboratory."""

    name: str
    address: str
    password: str


@dataclass(frozen=True, slots=True)
class Run:
    """What a command of the program did.  ``data`` is its JSON document, None when it printed none."""

    code: int
    stdout: bytes
    stderr: str
    argv: tuple[str, ...]

    @property
    def data(self) -> Any:
        """The JSON document on standard output."""
        return json.loads(self.stdout) if self.stdout.strip() else None

    def ok(self) -> Any:
        """``data`` of a command that had to succeed."""
        assert self.code == 0, self.explain()
        return self.data

    def failed(self, code: str) -> str:
        """For a command that had to fail with machine word ``code``: the sentence that it told the person."""
        assert self.code == 1, self.explain()
        said = self.stdout.decode("utf-8", "replace") + self.stderr
        assert code in said, f"expected {code}\n{self.explain()}"
        assert "Traceback" not in said, self.explain()
        return said

    def explain(self) -> str:
        """The whole run, for an assertion's message."""
        return f"{' '.join(self.argv)} -> exit {self.code}\n{self.stdout[-2000:]!r}\n{self.stderr[-4000:]}"


def missing(namespace: bool = True) -> str:
    """Why the laboratory cannot run here, or an empty string."""
    inside = NEEDED_INSIDE + (NEEDED_WITHOUT if os.geteuid() else NEEDED_AS_ROOT)
    absent = [tool for tool in (inside if namespace else NEEDED) if not which(tool)]
    if absent:
        return f"not installed: {', '.join(absent)}"
    if Path("/proc/self").readlink() != Path(str(os.getpid())):
        return "sees another system's processes in /proc: mount /proc inside the container"
    return obstacle() if namespace else ""


def which(tool: str) -> str | None:
    """``shutil.which``, the system folders included (they are not on everybody's PATH)."""
    return shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/local/sbin")


class Lab:
    """The running laboratory; use it as a context manager."""

    def __init__(self, namespace: bool = True, connections: int = 1000, more: str = "") -> None:
        """``connections``: how many Dovecot allows one user from one address.

        ``more``: of its configuration, with {mail} for the folder that the Maildirs are in.
        """
        self._connections, self._more = connections, more
        self.folder = Path(tempfile.mkdtemp(prefix="mua-lab-"))
        self.folder.chmod(0o755)
        self.inside = namespace
        self.has_postfix = os.geteuid() == 0 and which("postfix") is not None
        name = f"mua-{os.getpid()}-{self.folder.name[-6:].replace('_', 'x')}"
        self.netns = name if namespace and os.geteuid() == 0 else ""  # of ``ip netns``
        self.password = secrets.token_urlsafe(12)
        self._numbers = itertools.count(1)
        self._closing: list[Proxy | Witness] = []
        self._profiles: list[Path] = []
        self.plan = self._make_plan()
        self.pki = self.plan.pki
        self.ca = self.plan.pki.ca
        self.network: Network = Network()

    # -- life -------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        own = OWN if self.inside and not self.netns else ()
        self._supervisor = subprocess.Popen(
            [*own, sys.executable, str(Path(__file__).with_name("lab_supervisor.py")), str(self.folder), self.netns],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            self._start_servers()
        except BaseException:
            self._tear_down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tear_down()

    def _tear_down(self) -> None:
        for profile in self._profiles:
            self.stop_engine(profile)
        for item in self._closing:
            item.close()
        self.network.close()
        assert self._supervisor.stdin and self._supervisor.stdout
        self._supervisor.stdin.close()
        self._supervisor.wait()
        self._supervisor.stdout.close()

    def _order(self, do: str, **details: object) -> Any:
        """One order to the supervisor, and its answer."""
        assert self._supervisor.stdin and self._supervisor.stdout
        self._supervisor.stdin.write(json.dumps({"do": do, **details}) + "\n")
        self._supervisor.stdin.flush()
        reply = json.loads(self._supervisor.stdout.readline() or '{"error": "the supervisor died"}')
        if "error" in reply:
            raise LabError(reply["error"])
        return reply["ok"]

    def _make_plan(self) -> Plan:
        hosts = (f"{host}.{DOMAIN}" for host in ("imap", "msa", "mx1", "mx2", "mx3"))
        names = ("localhost", "127.0.0.1", *hosts, *lab_config.WEB_NAMES, *lab_config.GUESSED)
        pki = make_pki(self.folder / "certs", names, (lab_config.CHAIN_NAME,))
        names_of_ports = ("imap", "imaps", "pop3", "pop3s", "lmtp", "submission", "submissions")
        numbers = (143, 993, 110, 995, 24, 587, 465) if self.inside else free_ports(len(names_of_ports))
        return Plan(
            folder=self.folder,
            pki=pki,
            password=self.password,
            imap_host=f"imap.{DOMAIN}" if self.inside else "localhost",
            imap_ip="127.0.25.20" if self.inside else "127.0.0.1",
            msa_host=f"msa.{DOMAIN}" if self.inside else "localhost",
            msa_ip="127.0.25.1" if self.inside else "127.0.0.1",
            with_mx=self.inside,
            connections=self._connections,
            more=self._more,
            **dict(zip(names_of_ports, numbers, strict=True)),
        )

    def _start_servers(self) -> None:
        plan, folder = self.plan, self.folder
        plan.mail.mkdir()
        os.chown(plan.mail, *lab_config.mail_owner())
        (folder / "users").touch()
        (folder / "dovecot.conf").write_text(lab_config.dovecot_conf(plan))
        waits = [(plan.imap_ip, port) for port in (plan.imap, plan.imaps, plan.pop3, plan.pop3s, plan.lmtp)]
        if self.inside:
            self._enter_namespace()
            waits += [(lab_config.RESOLVER, 53), (lab_config.NAMESERVER, 53)]
        self.start("dovecot", which("dovecot"), "-F", "-c", str(folder / "dovecot.conf"))
        if self.has_postfix:
            self.start("postfix", *lab_config.write_postfix(plan))
            waits += [(lab_config.MX1, 25)] if self.inside else []
            waits += [(plan.msa_ip, plan.submission), (plan.msa_ip, plan.submissions)]
        for host, port in waits:
            self.await_port(host, port)

    def _enter_namespace(self) -> None:
        plan, folder = self.plan, self.folder
        exchangers = (lab_config.MX1, lab_config.MX2, lab_config.MX_CLEARTEXT, lab_config.MX_CHAIN, lab_config.MX_SELF)
        addresses = [plan.imap_ip, plan.msa_ip, *exchangers]
        self._order("namespace", addresses=addresses, resolver=lab_config.RESOLVER)
        self.network = Namespace(self.netns) if self.netns else OwnNamespace(self._supervisor.pid)
        lab_dns.write_zones(plan)
        (folder / "nsd.conf").write_text(lab_config.nsd_conf(plan, lab_dns.ZONES))
        (folder / "unbound.conf").write_text(lab_config.unbound_conf(plan))
        self.start("nsd", which("nsd"), "-d", "-c", str(folder / "nsd.conf"))
        self.start("unbound", which("unbound"), "-d", "-c", str(folder / "unbound.conf"))

    def start(self, name: str, *argv: str | None) -> int:
        """Run a server inside, owned by the supervisor; returns its process id."""
        return int(self._order("start", name=name, argv=argv))

    def stop_server(self, name: str) -> None:
        """Stop ``dovecot``, ``postfix``, ``nsd`` or ``unbound``."""
        self._order("stop", name=name)

    def publish(self, *lines: str, reverse: Sequence[str] = ()) -> None:
        """These records of ``own.test``, and of addresses, beside those that are always there, and no others."""
        for name, zone, more in (
            (lab_config.OWN, lab_config.OWN_ZONE, lines),
            (lab_config.REVERSE, lab_config.REVERSE_ZONE, reverse),
        ):
            (self.folder / f"{name}.zone").write_text(zone + "".join(f"{line}\n" for line in more))
        self._restart_nsd()

    def move_plain_mx(self, address: str) -> None:
        """Lead mail for plain.test, which is not signed, to another address; returns when the resolver knows."""
        (self.folder / "plain.zone").write_text(lab_dns.plain_zone(address))
        self._restart_nsd()
        until(lambda: address in self.exec("getent", "ahostsv4", "mx1.plain.test").stdout.decode(), "the new address")

    def _restart_nsd(self) -> None:
        self.stop_server("nsd")
        self.start("nsd", which("nsd"), "-d", "-c", str(self.folder / "nsd.conf"))
        self.await_port(lab_config.NAMESERVER, 53)

    def publish_policies(self, **lines: str) -> None:
        """Have ``https://mta-sts.NAME.test`` serve NAME's MTA-STS policy, and nobody else's."""
        folder = self.folder / "policies"
        if not folder.exists():
            folder.mkdir()
            leaf, script = self.pki.good, Path(__file__).with_name("lab_web.py")
            self.start("web", sys.executable, str(script), str(folder), lab_config.WEB, str(leaf.cert), str(leaf.key))
            self.await_port(lab_config.WEB, 443)
        for path in folder.iterdir():
            path.unlink()
        for name, text in lines.items():
            (folder / f"mta-sts.{name}.test").write_text(text)

    def start_exchangers(self) -> Path:
        """The misbehaving exchangers (``lab_exchangers``), and the folder where the mail that they took is."""
        folder = self.folder / "exchangers"
        if not folder.exists():
            folder.mkdir()
            script = str(Path(__file__).with_name("lab_exchangers.py"))
            self.start("exchangers", which("env"), f"PYTHONPATH={ROOT}", sys.executable, script, str(folder))
            until((folder / "ready").exists, "the exchangers")
        return folder

    def restart_dovecot(self) -> None:
        """Bring Dovecot back after ``stop_server``."""
        self.start("dovecot", which("dovecot"), "-F", "-c", str(self.folder / "dovecot.conf"))
        self.await_port(self.plan.imap_ip, self.plan.imap)

    def await_port(self, host: str, port: int, patience: float = 60.0) -> None:
        deadline = time.monotonic() + patience
        while True:
            try:
                self.network.connect(host, port, timeout=2).close()
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise LabError(f"nothing listens on {host}:{port}: {error}\n{self.tail()}") from error
                time.sleep(0.02)

    def _logs(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*.*") if path.suffix in (".log", ".out"))

    def log_sizes(self) -> dict[Path, int]:
        """How long each server's log is now (for ``tail``)."""
        return {path: path.stat().st_size for path in self._logs()}

    def tail(self, lines: int = 40, since: dict[Path, int] | None = None) -> str:
        """The ends of all servers' logs, of what was written ``since``."""
        shown = []
        for path in self._logs():
            fresh = path.read_bytes()[(since or {}).get(path, 0) :].decode("utf-8", "replace").splitlines()
            if fresh:
                shown.append("\n".join([f"--- {path.name}", *fresh[-lines:]]))
        return "\n".join(shown)

    # -- running things inside --------------------------------------------------------------------------------------

    def command(self, *argv: str) -> list[str]:
        """``argv``, to be run inside."""
        return [*self.network.prefix, *argv]

    def exec(self, *argv: str, timeout: float = 60.0) -> subprocess.CompletedProcess[bytes]:
        """Run anything inside."""
        return subprocess.run(self.command(*argv), capture_output=True, timeout=timeout, check=False)

    def environment(self) -> dict[str, str]:
        """The environment of the program under test: nothing of ours but PATH, secrets in a file."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        ours = {"HOME": str(home), "MUA_SECRETS": "file", "MUA_PASSPHRASE": PASSPHRASE, "PYTHONUNBUFFERED": "1"}
        return kept | ours | {"PYTHONWARNINGS": "default", "TMPDIR": str(self.folder)}

    def mua_argv(self, *args: object, profile: Path | None = None) -> list[str]:
        """The command line that runs the program inside."""
        words = [sys.executable, "-m", "mua", *(str(arg) for arg in args)]
        return self.command(*words, *(["--profile", str(profile)] if profile else []))

    def mua(
        self,
        *args: object,
        profile: Path | None = None,
        stdin: bytes = b"",
        timeout: float = 120.0,
        as_json: bool = True,
    ) -> Run:
        """Run one command of the program, with ``--json`` unless ``as_json`` is false."""
        argv = self.mua_argv(*args, *(["--json"] if as_json else []), profile=profile)
        try:
            done = subprocess.run(
                argv, input=stdin, capture_output=True, timeout=timeout, cwd=ROOT, env=self.environment(), check=False
            )
        except subprocess.TimeoutExpired as late:
            words = " ".join(map(str, args))
            seen = f"{late.stdout!r}\n{late.stderr!r}\n{self.tail(10)}"
            raise AssertionError(f"{words} did not end in {timeout:.0f} s\n{seen}") from None
        return Run(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"), tuple(map(str, args)))

    def mua_many(self, commands: Iterable[Sequence[object]], profile: Path) -> Iterator[Run]:
        """Run many commands one after the other in one process (no process start for each)."""
        argv = self.command(sys.executable, str(Path(__file__).with_name("lab_many.py")))
        environment = self.environment() | {"PYTHONPATH": str(ROOT)}
        with subprocess.Popen(argv, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
            assert worker.stdin and worker.stdout
            for command in commands:
                words = [*map(str, command), "--profile", str(profile)]
                worker.stdin.write(json.dumps(words).encode() + b"\n")
                worker.stdin.flush()
                code, out, err = map(int, worker.stdout.readline().split())
                stdout = worker.stdout.read(out)
                yield Run(code, stdout, worker.stdout.read(err).decode("utf-8", "replace"), tuple(words))

    @contextlib.contextmanager
    def engine(self, profile: Path, patience: float = 0.0) -> Iterator[subprocess.Popen[bytes]]:
        """A running engine of ``profile``, ready to be spoken to; it stays until the block ends.

        ``patience``: how many seconds it waits for a server, where the test wants fewer than a person's minute.
        """
        running = self.start_engine(profile, patience)
        try:
            until(lambda: answers(profile / "engine.sock") or running.poll() is not None, "the engine to listen")
            assert running.poll() is None, f"the engine ended at once\n{self.tail(10)}"
            yield running
        finally:
            running.terminate()
            running.wait(20)

    def start_engine(self, profile: Path, patience: float = 0.0) -> subprocess.Popen[bytes]:
        """``mua engine`` in the foreground, staying without clients; its log is the profile's, as always."""
        profile.mkdir(mode=0o700, exist_ok=True)
        words = ["-m", "mua", "--profile", str(profile), "--stay", "engine"]
        if patience:
            words = ["-c", IMPATIENT, str(profile), str(patience)]
        argv = self.command(sys.executable, *words)
        with (profile / "mua.log").open("ab") as out:
            return subprocess.Popen(
                argv, cwd=ROOT, env=self.environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    def popen_mua(self, *args: object, profile: Path | None = None, **options: Any) -> subprocess.Popen[bytes]:
        """The program, not waited for."""
        return subprocess.Popen(
            self.mua_argv(*args, profile=profile), cwd=ROOT, env=self.environment(), stdin=subprocess.DEVNULL, **options
        )

    def profile(self) -> Path:
        """A fresh, not yet existing profile folder."""
        profile = self.folder / f"profile-{next(self._numbers)}"
        self._profiles.append(profile)
        return profile

    def engine_pid(self, profile: Path) -> int | None:
        """The engine that holds the profile's lock, if it lives."""
        try:
            pid = int((profile / "lock").read_text().split()[0])
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return None
        return pid if b"mua" in words or b"python" in words else None

    @staticmethod
    def warnings(profile: Path) -> list[str]:
        """The warnings, errors and tracebacks in the log of the profile's engine, these whole."""
        log = profile / "mua.log"
        text = log.read_text(errors="replace") if log.exists() else ""
        return re.findall(
            r"(?m)^.* (?:WARNING|ERROR|CRITICAL) .*$|^Traceback.*(?:\n(?!\d{4}-).*)*|^.*Warning: .*$", text
        )

    def stop_engine(self, profile: Path, sign: int = 15, patience: float = 10.0) -> None:
        """Signal the profile's engine, if there is one, and wait until it is gone."""
        pid = self.engine_pid(profile)
        if pid is None:
            return
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience
        while _alive(pid):
            if time.monotonic() > deadline:
                os.kill(pid, 9)
            time.sleep(0.02)

    def small_disk(self, size: str = "4m") -> Path:
        """A folder on a file system of its own, of ``size`` (as ``mount -o size=``); skips the test without root."""
        if os.geteuid():
            pytest.skip("a disk of its own needs root")
        folder = self.folder / f"disk-{next(self._numbers)}"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "lab", str(folder)], check=True)
        return folder

    # -- people and their mail --------------------------------------------------------------------------------------

    def user(self, name: str = "alice") -> User:
        """A mailbox that nobody used before: ``alice-1@good.test``, ``alice-2@...``."""
        unique = f"{name}-{next(self._numbers)}"
        return User(unique, f"{unique}@{DOMAIN}", self.password)

    def add_account(self, profile: Path, user: User, name: str = "lab", kind: str = "imap", **changes: object) -> Run:
        """``account add`` of ``user``; ``changes`` override or (None) drop options: ``smtp="msa.good.test:465"``."""
        plan = self.plan
        options: dict[str, object] = {
            "name": name,
            "email": user.address,
            "user": user.name,
            "smtp": f"{plan.msa_host}:{plan.submission}",
            "smtp_security": "starttls",
            "ca_file": self.ca,
        }
        if kind == "imap":
            options |= {"imap": f"{plan.imap_host}:{plan.imap}", "imap_security": "starttls"}
        elif kind == "pop3":
            options |= {"pop3": f"{plan.imap_host}:{plan.pop3}", "pop3_security": "starttls"}
        password = str(changes.pop("password", user.password))
        options |= changes
        words: list[object] = ["account", "add", *(["--local"] if kind == "local" else [])]
        for option, value in options.items():
            if value is not None:
                words += [f"--{option.replace('_', '-')}", *([] if value is True else [value])]
        return self.mua(*words, "--password-stdin", profile=profile, stdin=password.encode() + b"\n")

    def imap(self, user: User) -> imaplib.IMAP4:
        """A signed-in connection of an independent client: the oracle."""
        client = _Imap(self.network, self.plan.imap_ip, self.plan.imap)
        client.login(user.name, user.password)
        return client

    def raw_messages(self, user: User, folder: str = "INBOX") -> dict[int, bytes]:
        """What the server holds: UID -> the very bytes."""
        return {uid: raw for uid, (raw, _) in self.messages(user, folder).items()}

    def messages(self, user: User, folder: str = "INBOX") -> dict[int, tuple[bytes, frozenset[str]]]:
        """UID -> (bytes, flags without \\Recent)."""
        client = self.imap(user)
        try:
            status, detail = client.select(f'"{folder}"', readonly=True)
            if status != "OK":
                raise LabError(f"{folder}: {detail}")
            _, answers = client.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[])")
            pairs = [answer for answer in answers if isinstance(answer, tuple)]
            return dict(_uid_flags_body(head, raw) for head, raw in pairs)
        finally:
            client.logout()

    def record(self, user: User) -> None:
        """From now on have Dovecot write down what is said in the user's IMAP sessions."""
        folder = self.plan.mail / user.name / "rawlog"
        folder.mkdir(parents=True)
        for path in (folder.parent, folder):
            os.chown(path, *lab_config.mail_owner())

    def recorded(self, user: User) -> str:
        """The recorded sessions: files in order of their start, the client's side (.in) and the server's (.out)."""
        files = sorted((self.plan.mail / user.name / "rawlog").iterdir())
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')}" for path in files)

    def folders(self, user: User) -> list[str]:
        """The names of all folders on the server."""
        client = self.imap(user)
        try:
            return [line.decode().rsplit(' "." ', 1)[-1].strip('"') for line in client.list()[1]]
        finally:
            client.logout()

    def deliver(self, user: User, raw: bytes) -> str:
        """Deliver one message by LMTP; an empty string when taken, else the server's refusal."""
        return self.deliver_all(user, [raw])[0]

    def deliver_all(self, user: User, raws: Iterable[bytes]) -> list[str]:
        """Deliver many on one connection; per message "" or the refusal."""
        with _Lmtp(self.network, self.plan.imap_ip, self.plan.lmtp) as client:
            return [_deliver(client, user.address, raw) for raw in raws]

    def fill(self, user: User, messages: Iterable["bytes | Filled"], folder: str = "INBOX") -> int:
        """Put messages straight into the Maildir (thousands a second); returns how many."""
        maildir = self._maildir(user, folder)
        count = 0
        for message in messages:
            filled = message if isinstance(message, Filled) else Filled(message)
            number = next(self._numbers)
            name = f"{filled.date or int(time.time())}.M{number:06d}P1.lab,S={len(filled.raw)}:2,{filled.flags}"
            path = maildir / "tmp" / name
            path.write_bytes(filled.raw)
            if filled.date:
                os.utime(path, (filled.date, filled.date))
            path.rename(maildir / "cur" / name)  # whole: an engine that runs already may read it at once
            count += 1
        return count

    def renumber(self, user: User) -> None:
        """A new UIDVALIDITY for the inbox: what Dovecot noted is lost while none of its processes holds it open."""
        self.stop_server("dovecot")
        for name in ("dovecot-uidlist", "dovecot.index.log", "dovecot.index", "dovecot.index.cache"):
            (self.plan.mail / user.name / "Maildir" / name).unlink(missing_ok=True)
        self.restart_dovecot()

    def _maildir(self, user: User, folder: str) -> Path:
        top = self.plan.mail / user.name / "Maildir"
        maildir = top if folder == "INBOX" else top / f".{folder}"
        fresh = [path for path in (top.parent, top, maildir) if not path.exists()]
        fresh += [maildir / part for part in ("cur", "new", "tmp") if not (maildir / part).exists()]
        for path in fresh:
            path.mkdir(exist_ok=True)
            os.chown(path, *lab_config.mail_owner())
        return maildir

    # -- trouble ----------------------------------------------------------------------------------------------------

    def proxy(self, port: int, host: str = "", delay: float = 0.0) -> Proxy:
        """A proxy in front of a server's port, at the same address (so the same name and certificate fit)."""
        proxy = Proxy(self.network, host or self.plan.imap_ip, port, delay)
        self._closing.append(proxy)
        return proxy

    def witness(self, protocol: str, leaf: Leaf | None = None, **how: bool) -> Witness:
        """A server at the IMAP (or MSA) host's address that remembers all it hears (see ``lab_evil.Witness``)."""
        host = self.plan.msa_ip if protocol == "smtp" else self.plan.imap_ip
        witness = Witness(self.network, host, protocol, leaf, **how)
        self._closing.append(witness)
        return witness


def until(probe: Callable[[], Any], what: str, patience: float = 60.0) -> Any:
    """Ask ``probe`` until it answers something true, and return that; AssertionError with ``what`` when it does not."""
    deadline = time.monotonic() + patience
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"waited {patience:.0f} s in vain: {what}"
        time.sleep(0.05)
    return answer


@dataclass(frozen=True, slots=True)
class Filled:
    """A message for ``Lab.fill``: received at ``date`` (UTC seconds, 0: now), with Maildir ``flags`` such as "FS"."""

    raw: bytes
    date: int = 0
    flags: str = ""


def message(
    subject: str = "Hello", sender: str = "someone@elsewhere.test", body: str = "Hi.\n", **fields: str
) -> bytes:
    """A small plain message; ``fields`` are more header fields (``message_id="<a@b>"``)."""
    fields = {"message_id": email.utils.make_msgid(domain="elsewhere.test"), "date": email.utils.formatdate()} | fields
    head = f"From: {sender}\nSubject: {subject}\n"
    head += "".join(f"{name.replace('_', '-').title()}: {value}\n" for name, value in fields.items())
    return f"{head}\n{body}".replace("\n", "\r\n").encode()


class _Imap(imaplib.IMAP4):
    """imaplib over a socket that lives inside the laboratory."""

    def __init__(self, network: Network, host: str, port: int) -> None:
        self._network = network
        super().__init__(host, port)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._network.connect(self.host, self.port)


class _Lmtp(smtplib.LMTP):
    """smtplib's LMTP over a socket that lives inside the laboratory."""

    def __init__(self, network: Network, host: str, port: int) -> None:
        self._network = network
        super().__init__(host, port, local_hostname="oracle.test")

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._network.connect(host, port)

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        return smtplib.SMTP.connect(self, host, port)


def _deliver(client: smtplib.LMTP, address: str, raw: bytes) -> str:
    try:
        client.sendmail("sender@elsewhere.test", [address], raw)
    except smtplib.SMTPResponseException as error:
        return f"{error.smtp_code} {error.smtp_error!r}"
    except smtplib.SMTPRecipientsRefused as error:
        return str(error.recipients)
    return ""


def _uid_flags_body(head: bytes, raw: bytes) -> tuple[int, tuple[bytes, frozenset[str]]]:
    uid = re.search(rb"UID (\d+)", head)
    flags = re.search(rb"FLAGS \(([^)]*)\)", head)
    assert uid and flags, head
    return int(uid[1]), (raw, frozenset(flags[1].decode().split()) - {"\\Recent"})


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def answers(path: Path) -> bool:
    """Whether somebody listens on the Unix socket at ``path``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Ports for servers that cannot choose one themselves: below those that the kernel gives away (32,768 and up).

    Each process begins somewhere else, so that between here and the server's start nobody takes one.
    """
    found: list[int] = []
    while len(found) < count:
        port = 20_000 + next(_numbers) % 12_000
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
    return found


_numbers = itertools.count(os.getpid() * 1009)
