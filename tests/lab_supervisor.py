"""The process that owns a laboratory's servers and its network namespace, and takes them down with it.

Theory of operation: it reads JSON lines from its standard input and answers each with one line.  When the input ends,
for whatever reason (closed, exception, Ctrl-C, ``kill -9`` of the test process), it stops what it started and removes
the namespace and the folder.  There is one way down, so it is always tested.  It runs in a session of its own, is
the reaper of its descendants, and only ever signals those and the processes inside its own namespace.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 60.0  # seconds that the processes of a laboratory may take to end after SIGKILL
GRACE = 2.0  # seconds between SIGTERM and SIGKILL, when one daemon is stopped


class Supervisor:
    """Daemons by name, one optional network namespace, one folder."""

    def __init__(self, folder: Path, netns: str) -> None:
        self.folder = folder
        self.netns = netns
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}

    def create_namespace(self, addresses: list[str], resolver: str) -> None:
        """Add the namespace (without a name: furnish the one in which we are, the only ones) with loopback up,
        ``addresses`` on it, and its own resolv.conf.
        """
        batch = "link set lo up\n" + "".join(f"addr add {address}/32 dev lo\n" for address in addresses)
        words = f"nameserver {resolver}\noptions timeout:3 attempts:1\n"
        if not self.netns:
            _run("ip", "-batch", "-", stdin=batch)
            Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")
            (self.folder / "resolv.conf").write_text(words)
            _run("mount", "--bind", str(self.folder / "resolv.conf"), "/etc/resolv.conf")
            return
        settings = Path("/etc/netns") / self.netns
        settings.mkdir(parents=True)
        (settings / "resolv.conf").write_text(words)
        _run("ip", "netns", "add", self.netns)
        _run("ip", "-n", self.netns, "-batch", "-", stdin=batch)

    def start(self, name: str, argv: list[str]) -> int:
        """Run one daemon in the foreground, as a child in its own session; its output goes to ``name.out``."""
        inside = ["ip", "netns", "exec", self.netns] if self.netns else []
        with (self.folder / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen(
                inside + argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        return self.daemons[name].pid

    def stop(self, name: str) -> None:
        """End one daemon, with its open connections, and wait until it is gone."""
        daemon = self.daemons.pop(name)
        daemon.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.wait(GRACE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait()
            self._await_end(daemon.pid)

    @staticmethod
    def _await_end(group: int) -> None:
        """Until nobody of a group is left who could hold a port that the next daemon wants."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            os.killpg(group, 0)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-group, os.WNOHANG)
            time.sleep(0.005)
        sys.stderr.write(f"process group {group} does not end\n")

    def tear_down(self) -> None:
        """Everything away, without ceremony: processes, mounts, namespace, folder (nothing here outlives the test)."""
        end = time.monotonic() + PATIENCE
        while stragglers := self._stragglers():
            for pid in stragglers:
                _kill(pid)
            if time.monotonic() > end:
                sys.stderr.write(f"the laboratory's processes do not end: {sorted(stragglers)}\n")
                break
            _reap()
            time.sleep(0.01)
        self._unmount()
        if self.netns:
            subprocess.run(["ip", "netns", "del", self.netns], check=False)
            shutil.rmtree(f"/etc/netns/{self.netns}", ignore_errors=True)
        if not os.environ.get("MUA_LAB_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def _stragglers(self) -> set[int]:
        inside = set()
        if self.netns:
            found = subprocess.run(["ip", "netns", "pids", self.netns], capture_output=True, text=True, check=False)
            inside = {int(pid) for pid in found.stdout.split()}
        return (inside | _descendants(os.getpid())) - {os.getpid(), os.getppid()}

    def _unmount(self) -> None:
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in mounts:
            if mount.startswith(f"{self.folder}/"):
                subprocess.run(["umount", "-l", mount], check=False)


def _run(*argv: str, stdin: str = "") -> None:
    subprocess.run(argv, input=stdin, text=True, check=True, capture_output=True)


def _descendants(root: int) -> set[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found, fresh = set[int](), {root}
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _answer(supervisor: Supervisor, order: dict[str, Any]) -> Any:
    match order.pop("do"):
        case "namespace":
            return supervisor.create_namespace(**order)
        case "start":
            return supervisor.start(**order)
        case "stop":
            return supervisor.stop(**order)
    raise ValueError(order)


def main(folder: str, netns: str) -> None:
    """Serve orders until the input ends, then tear down."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    supervisor = Supervisor(Path(folder), netns)
    pending = b""
    try:
        while True:
            if not select.select([0], [], [], 1.0)[0]:
                continue
            block = os.read(0, 65536)
            if not block:
                return
            *lines, pending = (pending + block).split(b"\n")
            for line in lines:
                try:
                    reply = {"ok": _answer(supervisor, json.loads(line))}
                except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
                    reply = {"error": f"{error!r} {getattr(error, 'stderr', '')}"}
                sys.stdout.write(json.dumps(reply) + "\n")
                sys.stdout.flush()
    finally:
        supervisor.tear_down()


if __name__ == "__main__":
    main(*sys.argv[1:])
