"""Commands about folders: how much of one is fetched, and making, renaming, deleting, emptying one."""

from collections.abc import Callable

from mua import wire
from mua.cli import policies
from mua.cli.session import Result, Session


def folder(session: Session) -> Result:
    """``folder create|rename|delete|empty|read|subscribe|unsubscribe|policy FOLDER``."""
    given = session.arguments
    if given.verb == "policy":
        return policies.folder(session)
    if given.verb == "create":
        made = session.engine.ask(wire.CreateFolder(session.account().id, given.folder), wire.FolderMade)
        return Result({"folder": given.folder, "id": str(made.folder_id)}, f"The folder {given.folder} is there.")
    one = session.folder(given.folder).id
    if given.verb == "use":
        session.engine.ask(wire.SetRole(one, given.role), wire.Done)
        return Result({"folder": given.folder, "role": given.role}, f"{given.folder} is used for {given.role}.")
    commands: dict[str, Callable[[], wire.Command]] = {
        "rename": lambda: wire.RenameFolder(one, given.name),
        "delete": lambda: wire.DeleteFolder(one),
        "empty": lambda: wire.EmptyFolder(one),
        "read": lambda: wire.MarkFolderRead(one),
        "subscribe": lambda: wire.SubscribeFolder(one, True),
        "unsubscribe": lambda: wire.SubscribeFolder(one, False),
    }
    done = session.engine.ask(commands[given.verb](), wire.Acted)
    ids = [str(message) for message in done.messages]
    return Result({"label": done.label, "messages": ids, "history_id": str(done.history_id)}, done.label)


COMMANDS = {"folder": folder}
