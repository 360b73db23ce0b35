"""What the engine says of a failure, in the language of the window.

Rules of the file: the engine speaks English, which scripts, logs and the store have; its sentence is the key here, too,
with what stands in it (a server, a folder) by name.  A sentence that is not here, or that a person wrote elsewhere (a
server's own words), is shown as it is.  A test holds these sentences against those of the engine.
"""

import re
from functools import cache

from mua.language import language, noted, tr

SENTENCES = (
    # connections
    noted("{host} did not answer in time; Mua will try again by itself."),
    noted("{host} refuses connections on this port; the server may be down, and Mua will try again by itself."),
    noted("There is no way to {host}: this computer seems to be offline; Mua goes on by itself when it is back."),
    noted(
        "The address of {host} could not be looked up:"
        " this computer seems to be offline; Mua goes on by itself when it is back."
    ),
    noted("The connection to {host} was lost; Mua will connect again by itself."),
    noted("There is no server named {host}; check its name in the account's settings."),
    noted("{host} could not set up a protected connection, so nothing was sent to it."),
    noted("{host} closed the connection; Mua will connect again by itself."),
    noted("{host} turned Mua away; it will try again by itself."),
    noted("{host} does not take mail right now; Mua will try again by itself."),
    noted("{host} cannot do this right now; Mua will try again by itself."),
    noted("{host} does not let Mua in right now, perhaps because of too many connections; it will try again."),
    noted("{host} does not let Mua in right now, for a reason of its own; it will try again by itself."),
    noted("{host} wants a longer pause between two visits; Mua will try again by itself."),
    noted("Another program has this mailbox open on {host}, or it is busy; Mua will try again by itself."),
    noted("{host} does not offer a protected connection here, so your password was not sent."),
    # signing in
    noted("{host} does not accept this user name and password; check both in the account's settings."),
    noted("{host} knows you, but does not let you in here; check the user name, or ask its operator."),
    noted("{host} says that your password has expired; set a new one there, then enter it here."),
    noted("{host} wants an app password for this account: make one on its web site and enter it here."),
    noted("{host} wants you to sign in on its web site once; then try again here."),
    noted("{host} has IMAP switched off for this account; switch it on in its settings on the web site."),
    noted("{host} has switched off sign-in with a password for this account."),
    noted("{host} does not accept this sign-in any more; sign in again in the account's settings."),
    noted("The password of “{name}” is not known here; enter it once more."),
    noted("The sign-in of “{name}” is not known here; sign in again."),
    noted("The keyring of this computer is locked; unlock it and try again."),
    noted("The file with your passwords is locked; enter its passphrase to go on."),
    # mail and folders
    noted("The mailbox at {host} is full; delete something there, then try again."),
    noted("This message is larger than {host} accepts."),
    noted("A message is not there any more; it was moved or deleted elsewhere."),
    noted("This message is not on this computer yet; it is shown as soon as the server can be reached."),
    noted("That folder is not there any more."),
    noted("That account is not there any more."),
    noted("There is nothing to undo."),
)


def said(text: str) -> str:
    """A sentence of the engine as the person reads it."""
    if not text or language().code == "en":
        return text
    for pattern, sentence in _patterns():
        if found := pattern.fullmatch(text):
            return tr(sentence, **found.groupdict())
    return text


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(one))), one) for one in SENTENCES]
