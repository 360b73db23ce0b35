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
    noted("{host} sent something that no mail server should send; Mua hung up and will connect again."),
    noted("{host} says that a limit is reached; Mua will try again later."),
    noted("{host} wants a protected connection; choose TLS in the account's settings."),
    noted("{host} does not offer a protected connection, so your password was not sent; check the port and security."),
    noted("{host} does not offer a protected connection here."),
    noted("Something answers at {host}, but it is no mail server of this kind."),
    noted("This account is set to an unprotected connection, which Mua does not use; choose TLS or STARTTLS."),
    noted("Mua could not open a connection."),
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
    noted("{host} does not accept a password on this connection; choose TLS or STARTTLS."),
    noted("{host} does not offer to sign in as this account does; set it up again with a password."),
    noted("{host} does not let you in and wants you to contact its operator."),
    noted("{host} has POP3 switched off for this account; switch it on in its settings on the web site."),
    noted("{host} could not prove that it is your mail server, so the sign-in was stopped."),
    noted("A user name or password cannot hold a line break; check both in the account's settings."),
    noted("{host} offers no way to sign in that Mua knows; check the server and port in the account's settings."),
    noted("{host} wants a sign-in or a protected connection first; check this account's settings for sending."),
    noted("The sign-in was cancelled; nothing was changed."),
    noted("That sign-in is over; begin it once more."),
    noted("That passphrase does not open the file with your passwords; please try another one."),
    noted(
        "The file with your passwords was changed or damaged, so nothing in it is trusted; enter the passwords again."
    ),
    noted("The file with your passwords cannot be read; check that it is yours and try again."),
    noted("The password could not be saved on this computer; make room on the disk and try again."),
    noted(
        "This computer has no keyring that Mua can use; choose an encrypted file with a passphrase, or this"
        " session only."
    ),
    # mail and folders
    noted("The mailbox at {host} is full; delete something there, then try again."),
    noted("This message is larger than {host} accepts."),
    noted("A message is not there any more; it was moved or deleted elsewhere."),
    noted("This message is not on this computer yet; it is shown as soon as the server can be reached."),
    noted("That folder is not there any more."),
    noted("That account is not there any more."),
    noted("There is nothing to undo."),
    noted("{host} numbered this folder anew; Mua will look at it again."),
    noted("{host} has messages in “{leaf}” that are not on this computer, so it was not deleted."),
    noted("There is a folder “{name}” already; choose another name."),
    noted("A folder needs a name of its own, in one line; nothing was changed."),
    noted("A folder cannot be put into itself; nothing was changed."),
    noted("Messages can be moved within one account only; forward or copy them instead."),
    noted("A tag needs a name of letters and digits that a server can keep; nothing was changed."),
    noted("There is an account named “{name}” already; choose another name."),
    noted("That rule is not there any more."),
    noted("The index could not be checked to its end; searching goes on with what it has. Check again later."),
    noted("The server could not be asked in time; what is listed is on this computer."),
    noted("{host} took too long to search every folder; what it found is listed."),
    noted("A large message could not be saved; check the free space of this computer's disk."),
    noted("A message on {host} is larger than Mua accepts; it stays on the server."),
    noted("{host} could not remove all messages that were to be deleted; Mua will try again."),
    noted("The list of this message does not say that it can be left by one click."),
    # sending
    noted("The message has no recipient; add one first."),
    noted("The disk of this computer is full, so the message was not sent; free some space, then send it again."),
    noted("The attachment “{name}” cannot be read; it may have been moved. Attach it again."),
    noted("This message is on its way already, so its time was not changed; the outbox says where it is."),
    noted("“{name}” has no server for sending; add one in its settings."),
    # people
    noted("That contact is not there any more."),
    noted("That address book is not there any more."),
    noted("An address book needs a name."),
    noted("A group needs a name."),
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
