"""A profile made by the real Thunderbird: started without a window and without a network, told what to do, and ended.

    python tests/thunderbird.py PROGRAM PROFILE MESSAGES     (inside a network namespace: ``make`` does that)

What it does there is what a person would: it makes folders below folders, copies messages in, marks some, tags one,
deletes one, and has an account with an identity.  Its own talk is Marionette's: ``LENGTH:JSON`` over a socket.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

START = 120.0  # seconds
PORT = 2828
_PREFS = """
user_pref("app.update.enabled", false);
user_pref("mail.provider.suppress_dialog_on_startup", true);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("mailnews.start_page.enabled", false);
user_pref("datareporting.policy.dataSubmissionPolicyBypassNotification", true);
user_pref("mail.server.default.login_at_startup", false);
user_pref("mail.server.default.check_new_mail", false);
"""
_SCRIPT = """
const [messages, done] = arguments;
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const file = (path) => {
  const found = Cc["@mozilla.org/file/local;1"].createInstance(Ci.nsIFile);
  found.initWithPath(path);
  return found;
};
const copied = (folder, path, flags, keys) => new Promise((resolve, reject) => {
  MailServices.copy.copyFileMessage(file(path), folder, null, false, flags, keys, {
    QueryInterface: ChromeUtils.generateQI(["nsIMsgCopyServiceListener"]),
    onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId() { return null; },
    onStopCopy(status) { Components.isSuccessCode(status) ? resolve() : reject(new Error("copy " + status)); },
  }, null);
});
(async () => {
  try { MailServices.accounts.localFoldersServer; } catch (error) { MailServices.accounts.createLocalMailAccount(); }
  const root = MailServices.accounts.localFoldersServer.rootFolder;
  const make = (parent, name) => { parent.createSubfolder(name, null); return parent.getChildNamed(name); };
  const old = make(root, "Old letters");
  const deep = make(old, "Büro");
  MailServices.tags.addTagForKey("errand", "Errands", "#00AA00", "");
  const places = [old, deep];
  for (const [number, path] of messages.entries()) {
    await copied(places[number % 2], path, 0, "");
  }
  const headers = (folder) => [...folder.messages];
  const [first, second] = headers(old);
  const told = { deleted: second.messageId, flagged: first.messageId };
  first.folder.markMessagesRead([first], true);
  first.folder.markMessagesFlagged([first], true);
  first.folder.addKeywordsToMessages([first], "errand $label1");
  await new Promise((resolve) => {
    old.deleteMessages([second], null, true, false, {
      QueryInterface: ChromeUtils.generateQI(["nsIMsgCopyServiceListener"]),
      onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId() { return null; },
      onStopCopy() { resolve(); },
    }, false);
  });
  const server = MailServices.accounts.createIncomingServer("robin", "127.0.0.1", "imap");
  server.port = 9993; server.socketType = 3; server.prettyName = "Robin's mail";
  const identity = MailServices.accounts.createIdentity();
  identity.email = "robin@good.test"; identity.fullName = "Robin Vale";
  const account = MailServices.accounts.createAccount();
  account.incomingServer = server; account.addIdentity(identity);
  const book = MailServices.ab.getDirectory("jsaddrbook://abook.sqlite");
  const card = Cc["@mozilla.org/addressbook/cardproperty;1"].createInstance(Ci.nsIAbCard);
  card.displayName = "Ann Büro"; card.primaryEmail = "ann@good.test"; card.setProperty("CellPhone", "+1 2");
  const kept = book.addCard(card);
  const list = Cc["@mozilla.org/addressbook/directoryproperty;1"].createInstance(Ci.nsIAbDirectory);
  list.isMailList = true; list.dirName = "Chess club";
  book.addMailList(list).addCard(kept);
  Services.prefs.savePrefFile(null);
  done(told);
})().catch((error) => done({ error: String(error) }));
"""


def program() -> str:
    """Thunderbird's program (``MUA_THUNDERBIRD``, else the installed one); empty without one."""
    return os.environ.get("MUA_THUNDERBIRD") or shutil.which("thunderbird") or ""


def make(profile: Path, messages: list[Path]) -> dict[str, str]:
    """Make a profile; returns the Message-IDs of what was "deleted" and "flagged"."""
    profile.mkdir(parents=True)
    (profile / "user.js").write_text(_PREFS)
    here = [sys.executable, str(Path(__file__).resolve()), program(), str(profile), *map(str, messages)]
    inside = ["unshare", "-rn", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", *here]
    environment = {**os.environ, "HOME": str(profile.parent), "MOZ_HEADLESS": "1", "NO_AT_BRIDGE": "1"}
    done = subprocess.run(inside, capture_output=True, env=environment, timeout=2 * START, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    told: dict[str, str] = json.loads(done.stdout)
    return told


class Marionette:
    """Thunderbird's own remote control."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + START
        while True:
            assert process.poll() is None and time.monotonic() < deadline, "Thunderbird does not start"
            try:
                self._socket = socket.create_connection(("127.0.0.1", PORT), timeout=START)
                break
            except OSError:
                time.sleep(0.1)  # another process: its port is the only event there is
        self._stream = self._socket.makefile("rb")
        self._number = 0
        self._read()

    def ask(self, name: str, **values: Any) -> Any:
        """One command and its answer."""
        self._number += 1
        text = json.dumps([0, self._number, name, values]).encode()
        self._socket.sendall(b"%d:%s" % (len(text), text))
        _, _, error, result = self._read()
        assert error is None, error
        return result

    def close(self) -> None:
        """Leave."""
        self._stream.close()
        self._socket.close()

    def _read(self) -> Any:
        length = b""
        while (one := self._stream.read(1)) != b":":
            assert one, "Thunderbird went away"
            length += one
        return json.loads(self._stream.read(int(length)))


def main() -> int:
    """Inside the namespace."""
    started, profile, *messages = sys.argv[1:]
    words = [started, "--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", profile]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        control = Marionette(process)
        control.ask("WebDriver:NewSession", capabilities={})
        control.ask("Marionette:SetContext", value="chrome")
        control.ask("WebDriver:SetTimeouts", script=60_000)
        told = control.ask("WebDriver:ExecuteAsyncScript", script=_SCRIPT, args=[messages])["value"]
        control.ask("Marionette:Quit", flags=["eForceQuit"])
        control.close()
        process.wait(START)
    sys.stdout.write(json.dumps(told))
    return 1 if "error" in told else 0


if __name__ == "__main__":
    sys.exit(main())
