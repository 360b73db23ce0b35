"""What stands in the demo mailbox at the beginning."""

from mua.demo.mailbox import Mailbox


def fill(mailbox: Mailbox, now: int) -> None:
    """Make the folders; ``now`` is UTC seconds."""
    for name, use in (("Drafts", "\\Drafts"), ("Sent", "\\Sent"), ("Trash", "\\Trash")):
        mailbox.create(name, use)
