"""Ten things that people do when they write, with real keys in Mua and in Thunderbird: ``./run bench tasks``.

Each program has a display of its own, the same mailbox (the demo's, from the demo's servers) and the same tasks.
xdotool presses the keys and the mouse's buttons; what arrived in Sent says whether a task was done.  Counted is each
key and each click but the words themselves, which are the same in both.  A chord (Ctrl+Return) is one.

Thunderbird is set up by its own remote control (``tests/thunderbird.py``), which is not counted: an account, Lena in
its address book, the inbox open.  Its question before a message is sent by a key is off, since it comes only once.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(HERE), str(HERE / "tests")]

from demo_server import House, house  # noqa: E402
from screen_reader import start_display  # noqa: E402
from thunderbird import Marionette, program  # noqa: E402

from mua.demo.mailbox import Mailbox  # noqa: E402

WAIT = 120.0  # seconds that a window or a letter may take
KNOWN = "lena"
SUBJECT = "Quarterly"
"""What the letter is about that is answered."""
REST = b"September"
"""What stands in it elsewhere."""
_PREFS = """
user_pref("app.update.enabled", false);
user_pref("app.donation.eoy.version.viewed", 999);
user_pref("mail.provider.suppress_dialog_on_startup", true);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("mailnews.start_page.enabled", false);
user_pref("datareporting.policy.dataSubmissionPolicyBypassNotification", true);
user_pref("mail.shell.checkDefaultClient", false);
user_pref("mail.warn_on_send_accel_key", false);
user_pref("mail.rights.version", 1);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("trailhead.firstrun.didSeeAboutWelcome", true);
user_pref("mail.inappnotifications.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("spellchecker.dictionary", "en-US");
"""
_SET_UP = """
const [imap, smtp, user, password, done] = arguments;
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const login = async (origin) => {
  const one = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
  one.init(origin, null, origin, user, password, "", "");
  await Services.logins.addLoginAsync(one).catch(() => null);  // it is there
};
(async () => {
  await login("imap://127.0.0.1"); await login("smtp://127.0.0.1");
  const server = MailServices.accounts.createIncomingServer(user, "127.0.0.1", "imap");
  server.port = imap; server.socketType = 0; server.authMethod = 3; server.prettyName = "Robin";
  server.loginAtStartUp = true; server.password = password;
  const out = MailServices.outgoingServer.createServer("smtp").QueryInterface(Ci.nsISmtpServer);
  out.hostname = "127.0.0.1"; out.port = smtp; out.username = user; out.password = password;
  const sender = out.QueryInterface(Ci.nsIMsgOutgoingServer);
  sender.authMethod = 3; sender.socketType = 0;
  const identity = MailServices.accounts.createIdentity();
  identity.email = user; identity.fullName = "Robin Vale"; identity.smtpServerKey = sender.key;
  identity.replyOnTop = 1; identity.valid = true;
  const account = MailServices.accounts.createAccount();
  account.incomingServer = server; account.addIdentity(identity);
  MailServices.accounts.defaultAccount = account;
  const root = server.rootFolder;
  identity.setUnicharAttribute("fcc_folder", root.URI + "/Sent");
  identity.setUnicharAttribute("draft_folder", root.URI + "/Drafts");
  const book = MailServices.ab.getDirectory("jsaddrbook://abook.sqlite");
  const card = Cc["@mozilla.org/addressbook/cardproperty;1"].createInstance(Ci.nsIAbCard);
  card.displayName = "Lena Falk"; card.primaryEmail = "lena.falk@larkspur.example"; book.addCard(card);
  const window = Services.wm.getMostRecentWindow("mail:3pane");
  server.performExpand(window.msgWindow);
  const inbox = () => root.subFolders.find((one) => one.flags & Ci.nsMsgFolderFlags.Inbox);
  for (let turn = 0; turn < 300 && !inbox(); turn++) await new Promise((resolve) => window.setTimeout(resolve, 100));
  window.document.getElementById("tabmail").currentAbout3Pane.displayFolder(inbox().URI);
  done("ready");
})().catch((error) => done("failed: " + error + error.stack));
"""
_CHOOSE = """
const [words, done] = arguments;
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const window = Services.wm.getMostRecentWindow("mail:3pane");
const pane = window.document.getElementById("tabmail").currentAbout3Pane;
pane.displayFolder(MailServices.accounts.defaultAccount.incomingServer.rootFolder.subFolders.find(
  (one) => one.flags & Ci.nsMsgFolderFlags.Inbox).URI);
(async () => {
  const place = () => {
    const view = pane.gDBView;
    for (let row = 0; view && row < view.rowCount; row++) {
      if (view.cellTextForColumn(row, "subjectCol").includes(words)) return row;
    }
    return -1;
  };
  for (let turn = 0; turn < 300 && place() < 0; turn++) await new Promise((r) => window.setTimeout(r, 100));
  pane.threadTree.selectedIndex = place();
  pane.threadTree.scrollToIndex(place(), true);
  pane.threadTree.table.body.focus();
  done(String(place()));
})().catch((error) => done("failed: " + error + error.stack));
"""


class Hand:
    """Keys and the mouse on one display, counted."""

    look = 0.8
    """Seconds that somebody looks at what came of a key: more on a busy machine."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self.keys = self.clicks = 0

    def tool(self, *words: str) -> str:
        """What xdotool does and says."""
        done = subprocess.run(
            ["xdotool", *words], env=self._environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout.strip()

    def press(self, *names: str) -> None:
        """Keys or chords, each counted, and a look at what came of each."""
        for name in names:
            self.tool("key", "--clearmodifiers", name)
            self.keys += 1
            time.sleep(Hand.look)

    def words(self, text: str) -> None:
        """What is written: not counted."""
        self.tool("type", "--delay", "60", text)
        time.sleep(Hand.look)

    def click(self, x: int, y: int, times: int = 1) -> None:
        """The first button, so many times."""
        self.tool("mousemove", str(x), str(y), "click", "--repeat", str(times), "--delay", "120", "1")
        self.clicks += times
        time.sleep(Hand.look)

    def mark(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Drag from one place to another: one click."""
        self.tool("mousemove", *map(str, start), "mousedown", "1")
        self.tool("mousemove", *(str((a + b) // 2) for a, b in zip(start, end, strict=True)))
        self.tool("mousemove", *map(str, end), "mouseup", "1")
        self.clicks += 1
        time.sleep(Hand.look)

    def windows(self) -> set[str]:
        """The windows that are to be seen."""
        return set(self.tool("search", "--onlyvisible", "--name", ".").split())

    def picture(self, path: Path) -> None:
        """What stands on the display."""
        subprocess.run(["import", "-window", "root", str(path)], env=self._environment, check=False, timeout=60)


def until(condition: Callable[[], object], what: str) -> None:
    """Wait.  Raises TimeoutError."""
    end = time.monotonic() + WAIT
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.2)


class Place:
    """One program on one display, with the demo's mail."""

    name = ""
    hand: Hand

    def __init__(self) -> None:
        self._before: set[str] = set()

    def sent(self) -> list[bytes]:
        """What lies in Sent."""
        raise NotImplementedError

    def choose(self) -> None:
        """Select the letter that is answered: not counted."""
        raise NotImplementedError

    line: tuple[tuple[int, int], tuple[int, int]]
    """Where a line of that letter begins and ends on the display."""
    drafts: tuple[int, int]
    """Where the folder of drafts is, in the window as it is at first."""
    first: tuple[int, int]
    """Where the first of a list is."""
    key_new: str
    key_reply: str
    key_reply_all: str
    key_forward: str
    keys_keep: tuple[str, ...]
    """What closes a letter and keeps it."""
    target: str
    """A link, as it has to be typed."""

    # ---- what a task is made of
    def open(self, key: str) -> None:
        """A key that opens a window to write in, and its coming."""
        before = self.hand.windows()
        self.hand.press(key)
        until(lambda: self.hand.windows() - before, f"a window after {key}")
        time.sleep(3 * Hand.look)

    def send(self) -> None:
        """The key that sends."""
        self.hand.press("ctrl+Return")

    # ---- tasks that differ by their keys only
    def new(self) -> None:
        self.open(self.key_new)
        self.hand.words(KNOWN)
        self.hand.press("Return", "Tab")
        self.hand.words("Friday")
        self.hand.press("Return")
        self.hand.words("See you.")
        self.send()

    def reply(self) -> None:
        self.open(self.key_reply)
        self.hand.words("Yes.")
        self.send()

    def reply_all(self) -> None:
        self.open(self.key_reply_all)
        self.hand.words("Yes, all.")
        self.send()

    def forward(self) -> None:
        self.open(self.key_forward)
        self.hand.words(KNOWN)
        self.hand.press("Return")
        self.send()

    def quote(self) -> None:
        self.hand.mark(*self.line)
        self.open(self.key_reply)
        self.hand.words("This one.")
        self.send()

    def link(self) -> None:
        self.open(self.key_reply)
        self.hand.words("Here")
        self.hand.press("ctrl+shift+Left", "ctrl+b", "ctrl+k")
        self.hand.words(self.target)
        self.hand.press("Return")
        self.send()

    def keep(self) -> None:
        self.open(self.key_new)
        self.hand.words(KNOWN)
        self.hand.press("Return", "Tab")
        self.hand.words("Kept")
        self.hand.press(*self.keys_keep)
        time.sleep(8 * Hand.look)
        self.hand.click(*self.drafts)
        time.sleep(3 * Hand.look)
        before = self.hand.windows()
        self.hand.click(*self.first, times=2)
        until(lambda: self.hand.windows() - before, "the draft")
        time.sleep(3 * Hand.look)
        self.send()


class Mua(Place):
    """Our window."""

    name = "Mua"
    line = (700, 300), (1300, 300)
    drafts, first = (85, 367), (430, 195)
    key_new, key_reply, key_reply_all, key_forward = "c", "r", "a", "f"
    keys_keep, target = ("ctrl+w",), "example.org/plan"

    def __init__(self, stack: contextlib.ExitStack, root: Path, environment: dict[str, str]) -> None:
        super().__init__()
        self.hand = Hand(environment)
        self._root = root / "mua" / "demo"
        told = stack.enter_context((root / "mua.err").open("w"))
        command = [sys.executable, "-P", "-m", "mua", "--profile", str(root / "mua"), "--demo"]
        process = stack.enter_context(subprocess.Popen(command, env=environment, stderr=told, cwd=HERE))
        stack.callback(process.terminate)
        until(lambda: self.hand.windows() and len(self.sent()) > 3, "the demo's mail")
        time.sleep(10)

    def sent(self) -> list[bytes]:
        from mua.demo.files import Files

        folders = Files(self._root).load() if self._root.exists() else iter(())
        return [message.path.read_bytes() for one in folders if one.use == "\\Sent" for message in one.messages]

    def choose(self) -> None:
        for key in ("Escape", "Escape", "slash"):
            self.hand.tool("key", key)
        self.hand.tool("type", "--delay", "60", f"subject:{SUBJECT} in:inbox")
        for key in ("Return", "Down"):
            time.sleep(2 * Hand.look)
            self.hand.tool("key", key)
        time.sleep(3 * Hand.look)

    def mend(self) -> None:
        self.open(self.key_reply)
        self.hand.words("Bring the chiars please. ")
        time.sleep(3)
        self.hand.press("ctrl+Home", "F7", "Return")
        self.send()

    def tomorrow(self) -> None:
        self.open(self.key_reply)
        self.hand.words("In the morning.")
        self.hand.press("ctrl+shift+Return", "Return")

    def discard(self) -> None:
        self.open(self.key_new)
        self.hand.words("nobody")
        self.hand.press("ctrl+shift+d")


class Thunderbird(Place):
    """The other one."""

    name = "Thunderbird"
    line = (597, 284), (1118, 284)
    drafts, first = (130, 196), (430, 140)
    key_new, key_reply, key_reply_all, key_forward = "ctrl+n", "ctrl+r", "ctrl+shift+r", "ctrl+l"
    keys_keep, target = ("ctrl+w", "Return"), "https://example.org/plan"

    def __init__(self, stack: contextlib.ExitStack, root: Path, environment: dict[str, str], mail: House) -> None:
        super().__init__()
        self.hand, self._mail = Hand(environment), mail
        profile = root / "thunderbird"
        profile.mkdir()
        (profile / "user.js").write_text(_PREFS)
        command = [program(), "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", str(profile)]
        more = {"HOME": str(root), "NO_AT_BRIDGE": "1", "MOZ_CRASHREPORTER_DISABLE": "1"}
        told = stack.enter_context((root / "thunderbird.err").open("w"))
        process = stack.enter_context(
            subprocess.Popen(command, env={**environment, **more}, stdout=told, stderr=subprocess.STDOUT)
        )
        stack.callback(process.terminate)
        self._control = Marionette(process)
        self._control.ask("WebDriver:NewSession", capabilities={})
        self._control.ask("Marionette:SetContext", value="chrome")
        self._control.ask("WebDriver:SetTimeouts", script=60_000)
        until(self.hand.windows, "Thunderbird's window")
        self._do(_SET_UP, mail.imap_port, mail.smtp_port, mail.login.user, mail.login.password)
        time.sleep(5)

    def _do(self, script: str, *values: object) -> str:
        told = self._control.ask("WebDriver:ExecuteAsyncScript", script=script, args=list(values))["value"]
        if str(told).startswith("failed"):
            raise RuntimeError(told)
        return str(told)

    def sent(self) -> list[bytes]:
        return self._mail.do(lambda: [one.data for one in self._mail.mailbox.find("Sent").messages.values()])

    def choose(self) -> None:
        self._do(_CHOOSE, SUBJECT)
        time.sleep(3 * Hand.look)

    def mend(self) -> None:
        self.open(self.key_reply)
        self.hand.words("Bring the chiars please. ")
        self.hand.press("ctrl+shift+p", "alt+r", "Escape")
        self.send()

    def tomorrow(self) -> None:
        raise NotImplementedError("it has no time to send at; an add-on has")

    def discard(self) -> None:
        self.open(self.key_new)
        self.hand.words("nobody")
        self.hand.press("ctrl+w")
        self.hand.press("alt+d")


TASKS: tuple[tuple[str, str, bytes], ...] = (
    ("new", "a new letter to somebody known: open, person, subject, text, send", b"See you."),
    ("reply", "reply and send", b"Yes."),
    ("reply_all", "reply to all and send", b"Yes, all."),
    ("forward", "forward to somebody known", b"Fwd:"),
    ("quote", "reply to a marked line, which alone is quoted", b"This one."),
    ("mend", "reply, and mend a misspelt word", b"chairs"),
    ("link", "reply with a bold word that is a link", b"example.org/plan"),
    ("tomorrow", "reply, to go tomorrow morning", b""),
    ("keep", "begin a letter, keep it in Drafts, take it up again and send it", b"Kept"),
    ("discard", "begin a letter and discard it", b""),
)


ALONE = ("new", "keep", "discard")
"""Tasks for which nothing is selected."""


def play(place: Place, wanted: list[str], pictures: Path | None) -> Iterator[tuple[str, str]]:
    """Each task: what it is, and what it took."""
    for task in TASKS:
        if wanted and task[0] not in wanted:
            continue
        if task[0] not in ALONE:
            place.choose()
        place.hand.keys = place.hand.clicks = 0
        try:
            done(place, *task)
            clicks = place.hand.clicks
            result = f"{place.hand.keys} keys" + (f", {clicks} clicks" if clicks else "")
        except NotImplementedError as error:
            result = f"not there: {error}"
        except (TimeoutError, AssertionError) as error:
            result = f"failed: {error}"
        if pictures is not None:
            place.hand.picture(pictures / f"{place.name}-{task[0]}.png")
        yield task[1], result


def done(place: Place, name: str, _: str, proof: bytes) -> None:
    """Do one task, and see that it was done.  Raises TimeoutError and AssertionError."""
    before, windows = len(place.sent()), place.hand.windows()
    getattr(place, name)()
    until(lambda: not place.hand.windows() - windows, "the window did not go")
    if proof:
        until(lambda: len(place.sent()) > before, "no letter is in Sent")
        last = place.sent()[-1]
        assert proof in last, last[-600:].decode("utf-8", "replace")
        assert name != "quote" or REST not in last, "more was quoted than the line"


def main() -> int:
    """Play them; 0 where each was done."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started ends with it
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", nargs="*", help="only these: " + ", ".join(one for one, *_ in TASKS))
    parser.add_argument("--pictures", type=Path, help="a folder for what stood on the display after each")
    parser.add_argument("--only", choices=("Mua", "Thunderbird"))
    parser.add_argument("--look", type=float, default=Hand.look, help="seconds after each key (a busy machine: 3)")
    words = sys.argv[1:]
    given = parser.parse_args(
        words[1:] if words[:1] == ["tasks"] else words
    )  # ``./run bench`` leaves its own word there
    Hand.look = given.look
    failed = False
    for make in (Mua, Thunderbird):
        if given.only not in (None, make.name):
            continue
        with contextlib.ExitStack() as stack:
            temporary = tempfile.TemporaryDirectory(prefix="mua-tasks-", ignore_cleanup_errors=True)
            root = Path(stack.enter_context(temporary))
            environment = {**os.environ, "DISPLAY": start_display(stack), "QT_QPA_PLATFORM": "xcb"}
            environment |= {"MUA_SECRETS": "session", "QTWEBENGINE_DISABLE_SANDBOX": "1"}
            manager = stack.enter_context(subprocess.Popen(["openbox"], env=environment, stderr=subprocess.DEVNULL))
            stack.callback(manager.kill)
            place = _place(make, stack, root, environment)
            for words, result in play(place, given.task, given.pictures):
                failed = failed or result.startswith("failed")
                sys.stdout.write(f"{make.name} | {words} | {result}\n")
                sys.stdout.flush()
    return 1 if failed else 0


def _place(make: Any, stack: contextlib.ExitStack, root: Path, environment: dict[str, str]) -> Place:
    if make is Mua:
        return Mua(stack, root, environment)
    from mua.demo.seed import fill

    mailbox = Mailbox()
    fill(mailbox, int(time.time()))
    mail = stack.enter_context(house(mailbox))
    mail.servers.smtp.post.delays = (3600.0, 3600.0)  # whoever answers at once moves the list
    return Thunderbird(stack, root, environment, mail)


if __name__ == "__main__":
    sys.exit(main())
