"""A voice note, recorded from a real sound server: a tone that plays into its microphone."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mua.gui.composer import Composer
from mua.gui.journal import Letter
from mua.gui.voice import Voice

pytestmark = pytest.mark.gui
TONE = "module-sine sink=room frequency=440"
LONGEST = 60.0  # seconds
INSIDE = """
import sys
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QEventLoop
from mua.gui.app import make_application
from mua.gui.composer import Composer
from mua.gui.journal import Letter

application = make_application()
folder = Path(sys.argv[1])
composer = Composer(Letter("k", 1), [], lambda *_: [], lambda _: folder)
composer.show()
voice = composer.voice


def live(until):
    while not until():
        application.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 100)


def record(milliseconds):
    spoken = []
    voice.begin()
    assert voice.recording, composer.banner.text()
    voice._recorder.spoken.connect(spoken.append)
    live(lambda: spoken and spoken[-1] >= milliseconds)


assert "PySide6.QtMultimedia" not in sys.modules, "it is for those who record"
record(600)
composer.close()
assert composer.isVisible() and voice.recording, "closing would lose it"
sent = []
composer.send_wanted.connect(sent.append)
composer.to._paste("x@good.example")
composer.send()
assert not sent, "the letter would go without it"
voice.end()
live(lambda: not voice.recording)
(made,) = composer.strip.attached
data = Path(made.path).read_bytes()
assert made.type == "audio/flac" and made.size == len(data) and data[:4] == b"fLaC"
assert len(data) > 5_000, "silence takes a few octets"
record(200)
voice.end(wanted=False)
live(lambda: not voice.recording)
assert composer.strip.attached == [made] and list(folder.iterdir()) == [Path(made.path)]
print("done", flush=True)
import os
os._exit(0)
"""


@pytest.fixture
def sound(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a program with a microphone: a sound server of its own, whose room hears a tone."""
    if shutil.which("pulseaudio") is None:
        pytest.skip("needs PulseAudio")
    here = tmp_path / "sound"
    here.mkdir(mode=0o700)
    environment = {**os.environ, "HOME": str(here), "XDG_RUNTIME_DIR": str(here), "PULSE_RUNTIME_PATH": str(here)}
    loads = (
        f"module-native-protocol-unix socket={here}/native auth-anonymous=1",
        "module-null-sink sink_name=room",
        "module-remap-source master=room.monitor source_name=microphone",
        TONE,
    )
    words = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    words += [f"--load={one}" for one in loads]
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        end = time.monotonic() + LONGEST
        while not (here / "native").exists():
            assert server.poll() is None and time.monotonic() < end, "the sound server does not start"
            time.sleep(0.02)  # another process: its socket is the only event there is
        yield {**environment, "PULSE_SERVER": f"unix:{here}/native"}
        server.terminate()


def run(folder: Path, environment: dict[str, str]) -> None:
    """The composer in a process of its own: sound stays in a process that once asked for it."""
    folder.mkdir()
    environment = {**environment, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-c", INSIDE, str(folder)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False)
    assert done.stdout == "done\n", done.stderr[-3000:]


@pytest.mark.may_skip("needs a sound server, which not every computer has")
def test_what_is_spoken_is_attached_and_nothing_is_sent_or_closed_before(tmp_path: Path, sound: dict[str, str]) -> None:
    run(tmp_path / "letter", sound)


def test_where_nothing_can_be_recorded_the_reason_is_said(qtbot: QtBot, tmp_path: Path) -> None:
    composer = Composer(Letter("k", 1), [], lambda *_: [], lambda _: tmp_path)
    qtbot.addWidget(composer)
    composer.show()
    voice = Voice(composer, find=lambda: "There is no microphone here.")
    voice.begin()
    assert not voice.recording and composer.banner.text() == "There is no microphone here."
    assert not composer.banner.isHidden() and not composer.strip.busy
