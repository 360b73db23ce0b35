"""Conversations that are muted, or ignored: what is new in them tells nobody (``write.add_messages`` sees to that)."""

from collections.abc import Sequence

from mua.store.db import Db, Tx


def hush(tx: Tx, thread_id: int, *, ignored: bool) -> None:
    """What is new in a conversation counts as read from now on; ``ignored``: and leaves the inbox by itself."""
    kept = "ON CONFLICT DO UPDATE SET ignored = max(ignored, excluded.ignored)"
    tx.run(f"INSERT INTO quiet(thread_id, ignored) VALUES (?, ?) {kept}", thread_id, ignored)


def unhush(tx: Tx, thread_id: int) -> None:
    """It is as any other again."""
    tx.run("DELETE FROM quiet WHERE thread_id = ?", thread_id)


def quiet_ones(db: Db, threads: Sequence[int]) -> dict[int, bool]:
    """Which of these conversations are muted, and whether they are ignored besides."""
    if not db.value("SELECT EXISTS(SELECT 1 FROM quiet)"):
        return {}
    found = db.rows_of("SELECT thread_id, ignored FROM quiet WHERE thread_id IN", list(dict.fromkeys(threads)))
    return {thread_id: bool(ignored) for thread_id, ignored in found}


def quiet_together(tx: Tx, *both: int) -> bool | None:
    """Whether two threads as one are ignored (True), muted (False), or heard (None).

    As quiet as the less quiet of the two, where it has mail: whoever is not heard any more could else silence another
    conversation by a mail that refers to both.
    """
    quiet = quiet_ones(tx, both)
    has_mail = "SELECT EXISTS(SELECT 1 FROM message WHERE thread_id = ?)"
    if not quiet or any(one not in quiet and tx.value(has_mail, one) for one in both):
        return None
    return all(quiet.values())
