"""What stands in the demo mailbox at the beginning: about two hundred messages of the last year, the newest of today.

Rule of the file: the same ``now`` gives the same mailbox, to the byte.
"""

from mua.demo import series
from mua.demo.compose import message
from mua.demo.letters import DAY, Letter, read
from mua.demo.mailbox import Mailbox
from mua.paths import resources

FOLDERS = (
    *(("Drafts", "\\Drafts"), ("Sent", "\\Sent"), ("Archive", "\\Archive"), ("Junk", "\\Junk"), ("Trash", "\\Trash")),
    *(("Projects", ""), ("Projects/Contour", ""), ("Receipts", "")),
)


def fill(mailbox: Mailbox, now: int) -> None:
    """Make the folders and put the messages in, oldest first.  ``now`` is UTC seconds."""
    for name, use in FOLDERS:
        mailbox.create(name, use)
    for letter, data in messages(now):
        mailbox.find(letter.folder).add(data, letter.date, letter.flags)


def messages(now: int) -> list[tuple[Letter, bytes]]:
    """Every letter that lies in a folder, with its bytes, oldest first."""
    written = read((resources() / "demo" / "letters.txt").read_text("utf-8"), now)
    everything = sorted([*written, *series.letters(now)], key=lambda letter: (letter.date, letter.key))
    by_key = {letter.key: letter for letter in everything}
    made = [(letter, message(letter, by_key, now)) for letter in everything if letter.folder != "none"]
    returned = by_key["bounce-origin"]
    late = returned.date + 2 * DAY - 3600
    notice = Letter("bounce", returned.to[0], [returned.sender], late, "", "", flags=("\\Seen",))
    made.append((notice, series.bounce(returned, late)))
    return sorted(made, key=lambda pair: (pair[0].date, pair[0].key))
