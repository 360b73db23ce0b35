"""Chaos for what is written: the window is killed while it types, attaches, saves and sends, and begins again.

The books: every word that was typed a second and a half before a kill is there again; there is never more than one
draft of a letter on the server; what was sent was sent once, and nothing was sent that nobody sent.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from demo_server import House, house

from mua import wire
from mua.cli.client import EngineClient
from mua.demo.mailbox import Mailbox
from mua.gui import preferences as prefs
from mua.model.account import Account, AccountId, Incoming, Route, Security, Server
from mua.paths import Profile, child_environment

JOURNALED = 1.5  # seconds after which a word has to be safe, on a busy machine
PATIENCE = 90.0  # seconds
TYPIST = """
import json, random, sys, time
from pathlib import Path
from PySide6.QtCore import QTimer
from mua.gui import preferences as prefs
from mua.gui.app import Options, Program, make_application
from mua.gui.writing import Kind, Writing
from mua.paths import Profile

root, seed, picture = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
chance = random.Random(seed)
application = make_application()
program = Program(Profile(root), Options())
program.show()

def tell(**what):
    print(json.dumps({"at": time.time(), **what}), flush=True)

def composer():
    found = list(program.rooms.composing.composers.values())
    return found[0] if found else None

def begin():
    if program.client is None or not program.client.is_ready or not program.desk.accounts:
        QTimer.singleShot(20, begin)
        return
    program.rooms.composing.restore()
    one = composer()
    if one is None:
        program.rooms.write(Writing(Kind.NEW))
        one = composer()
        one.to._paste("robin@demo.mua.example")
        one.subject.setText(f"Letter {one.key}")
    one_clock = program.rooms.composing._drafting._clocks[one.key]
    one_clock.setInterval(150)
    tell(begun=one.key, text=one.letter().text, files=len(one.strip.attached))
    clock.start(15)

number = seed * 10_000
def turn():
    global number
    one = composer()
    if one is None or one.letter().sending_at:
        return
    act = chance.random()
    if act < 0.90:
        number += 1
        one.editor.moveCursor(one.editor.textCursor().MoveOperation.End)
        one.editor.insertPlainText(f"w{number} ")
        tell(key=one.key, word=number)
    elif act < 0.93:
        one.attach([picture])
    elif act < 0.96:
        one.editor.toggle_bold()
    elif act < 0.985:
        one.save_wanted.emit()
    elif number % 10_000 > 40:
        tell(sending=one.key)
        one.send()
        for button in one.banner._buttons:
            if button.text() == "Send anyway":
                button.click()

def sent():
    if composer() is None and clock.isActive():
        clock.stop()
        tell(handed=True)
        begin()

clock = QTimer(); clock.timeout.connect(turn)
watch = QTimer(); watch.timeout.connect(sent); watch.start(50)
QTimer.singleShot(0, begin)
application.exec()
"""


@dataclass
class Books:
    """What is known of each letter, by its key."""

    words: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    sending: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    kills: int = 0
    typed: int = 0

    @property
    def good(self) -> bool:
        """Nothing was lost, doubled or sent unasked."""
        return not self.wrong

    def __str__(self) -> str:
        told = f"{self.kills} kills, {self.typed} words typed, {len(self.words)} letters, {len(self.sending)} sent"
        return "\n".join([told, *(self.wrong or ["0 lost, 0 doubled, 0 sent unasked"])])


class WritingStorm:
    """One profile with an engine and servers, and a window that is killed."""

    def __init__(self, folder: Path, seed: int, say: Callable[[str], object] = lambda _: None) -> None:
        self._folder, self._seed, self._say = folder, seed, say
        self._chance = random.Random(seed)
        self.books = Books()

    def run(self, kills: int) -> Books:
        """Kill so often; then look at the servers."""
        profile = Profile(self._folder / "p").create()
        prefs.save(profile, prefs.Preferences(undo_send=0, mark_read_after=-1, notifications=False))
        picture = self._folder / "file.bin"
        picture.write_bytes(bytes(range(256)) * 8)
        mailbox = Mailbox()
        for name in ("Drafts", "Sent", "Trash"):
            mailbox.create(name, f"\\{name}")
        environment = {**child_environment(), "MUA_SECRETS": "session", "QT_QPA_PLATFORM": "offscreen"}
        command = [sys.executable, "-P", "-m", "mua", "--profile", str(profile.root), "--stay", "engine"]
        with house(mailbox) as servers, (self._folder / "engine.txt").open("wb") as words:
            engine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, env=environment)
            try:
                self._add_account(profile, servers)
                for number in range(kills):
                    self._life(profile, environment, picture, number)
                    self._say(f"kill {number + 1}: {len(self.books.wrong)} wrong")
                self._balance(servers)
            finally:
                engine.send_signal(signal.SIGTERM)
                engine.wait(PATIENCE)
        return self.books

    def _add_account(self, profile: Profile, servers: House) -> None:
        login = servers.login
        incoming = Server("127.0.0.1", servers.imap_port, Security.NONE, login.user)
        outgoing = Server("127.0.0.1", servers.smtp_port, Security.NONE, login.user)
        account = Account(
            AccountId(0), login.user, login.user, "Robin", Incoming.IMAP, incoming, Route.SMTP, outgoing
        )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while not profile.socket.exists():
            assert time.monotonic() < deadline, "the engine does not come"
            time.sleep(0.05)
        with EngineClient(profile, lambda: None) as client:  # type: ignore[arg-type,return-value]
            client.ask(wire.AddAccount(account, login.password), wire.AccountAdded)

    def _life(self, profile: Profile, environment: dict[str, str], picture: Path, number: int) -> None:
        arguments = [str(profile.root), str(self._seed * 1000 + number), str(picture)]
        typist = subprocess.Popen(
            [sys.executable, "-c", TYPIST, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        assert typist.stdout is not None
        lines: list[bytes] = []
        first = typist.stdout.readline()
        if not first:
            self.books.wrong.append(f"the window did not come: {typist.communicate()[1][-400:]!r}")
            return
        lines.append(first)
        timer = time.time() + self._chance.uniform(0.2, 3.0)
        os.set_blocking(typist.stdout.fileno(), False)
        rest = b""
        while time.time() < timer:
            time.sleep(0.01)
            rest += typist.stdout.read() or b""
        killed = time.time()
        os.kill(typist.pid, signal.SIGKILL)
        os.set_blocking(typist.stdout.fileno(), True)
        rest += typist.stdout.read()
        typist.communicate()
        self.books.kills += 1
        lines += rest.split(b"\n")
        self._note(lines, killed)

    def _note(self, lines: list[bytes], killed: float) -> None:
        for line in lines:
            try:
                told = json.loads(line)
            except ValueError:
                continue
            if "word" in told:
                self.books.typed += 1
                self.books.words.setdefault(told["key"], []).append((told["at"], told["word"]))
            elif "sending" in told:
                self.books.sending.add(told["sending"])
            elif "begun" in told:
                self._check(told["begun"], told["text"])
        for key, words in self.books.words.items():  # what was typed just before the kill may be lost, for good
            self.books.words[key] = [one for one in words if one[0] < killed - JOURNALED]

    def _check(self, key: str, text: str) -> None:
        """What was typed well before the kill is here again."""
        there = {int(one) for one in re.findall(r"w(\d+)", text)}
        lost = [word for _, word in self.books.words.get(key, ()) if word not in there]
        if lost:
            self.books.wrong.append(f"letter {key} lost {len(lost)} words, the first w{lost[0]}")

    def _balance(self, servers: House) -> None:
        """Drafts and sent mail, when the engine has come to rest."""

        def mails(folder: str) -> list[bytes]:
            return [one.data for one in servers.do(lambda: list(servers.mailbox.find(folder).messages.values()))]

        def keys(raws: list[bytes]) -> list[str]:
            return [found[1].decode() for raw in raws if (found := re.search(rb"Subject: Letter (\w+)", raw))]

        deadline = time.monotonic() + 20
        drafts: list[str] = []
        while time.monotonic() < deadline:
            drafts = keys(mails("Drafts"))
            if len(drafts) == len(set(drafts)) and not set(drafts) & set(keys(mails("INBOX"))):
                break
            time.sleep(0.2)
        sent = keys(mails("INBOX"))
        self.books.wrong += [f"{drafts.count(key)} drafts of {key}" for key in set(drafts) if drafts.count(key) > 1]
        self.books.wrong += [f"{key} was sent {sent.count(key)} times" for key in set(sent) if sent.count(key) > 1]
        self.books.wrong += [f"{key} was sent, and nobody sent it" for key in set(sent) - self.books.sending]
        self.books.wrong += [f"{key} is a draft and was sent" for key in set(sent) & set(drafts)]
