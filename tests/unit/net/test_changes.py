"""That the network changed: from the kernel's own mouth, and from a clock that ran ahead."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mua.engine import network
from mua.engine.network import Network
from mua.net.changes import Heard, NetworkWatch

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import subprocess
from mua.net.changes import Heard, NetworkWatch
watch = NetworkWatch()
assert watch.wait(0) is Heard.NOTHING
for change in ("link set lo up", "address add 127.9.9.9/32 dev lo", "route add blackhole 192.0.2.0/24"):
    subprocess.run(["ip", *change.split()], check=True)
    assert watch.wait(5) is Heard.CHANGE, change
    while watch.wait(0.2) is Heard.CHANGE:
        pass
watch.stop()
assert watch.wait(5) is Heard.STOP
watch.close()
"""


def test_links_addresses_and_routes_are_heard():
    if not sys.platform.startswith("linux") or not shutil.which("ip"):
        pytest.skip("needs Linux and ip(8)")
    alone = ["unshare", "-n" if os.geteuid() == 0 else "-rn"]  # root in a chroot may not make a user namespace
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs a network namespace of its own")
    words = [*alone, sys.executable, "-c", SCRIPT]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_a_watch_is_stopped_from_another_thread():
    watch = NetworkWatch()
    threading.Timer(0.05, watch.stop).start()
    while (heard := watch.wait(10)) is Heard.CHANGE:
        pass
    assert heard is Heard.STOP
    watch.close()


def test_a_computer_that_slept_is_noticed(monkeypatch):
    monkeypatch.setattr(network, "TICK", 0.02)
    asleep = [0.0]
    told = threading.Event()
    reasons: list[str] = []

    def changed(why: str) -> None:
        reasons.append(why)
        told.set()

    watcher = Network(changed, wall=lambda: time.time() + asleep[0])
    watcher.start()
    assert "resumed" not in reasons
    asleep[0] = 3600.0
    assert told.wait(10)
    watcher.stop()
    assert "resumed" in reasons


def test_stopping_ends_the_thread():
    watcher = Network(lambda why: None)
    watcher.start()
    watcher.stop()
    assert not watcher._thread.is_alive(), "it does not wait for its next look at the clocks"
