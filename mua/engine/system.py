"""The engine of a whole computer: who it runs as, and what has to be there.

Rule of the file: an engine never keeps root's rights.  Started by root it makes what is missing, gives it to the user
that it is to be, and becomes that user for good before it opens anything.
"""

import os
import pwd
import stat
from pathlib import Path

from mua.errors import UsageError
from mua.paths import Profile
from mua.store.drop import MODE

USER = "mua"


def become(profile: Profile, drop: Path, user: str = USER) -> None:
    """Be ``user`` from now on, who owns the profile and the drop folder.  Nothing to do where we are not root.

    Raises UsageError: there is no such user, or root itself was not named as one.
    """
    if os.geteuid() != 0:
        return
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        raise UsageError(
            f"the engine is to run as the user {user}, and there is none: "
            f"useradd --system --user-group --no-create-home --home-dir {profile.root} --shell /usr/sbin/nologin {user}"
        ) from None
    _give(profile.root, 0o700, found)
    _give(drop, MODE, found)
    os.initgroups(found.pw_name, found.pw_gid)
    os.setgid(found.pw_gid)
    os.setuid(found.pw_uid)


def _give(folder: Path, mode: int, who: pwd.struct_passwd) -> None:
    """Make a folder that is missing; one that is there has to be theirs."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        folder.mkdir(mode=0o700)
        os.chown(folder, who.pw_uid, who.pw_gid)
        folder.chmod(mode)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != who.pw_uid:
        raise UsageError(f"{folder} does not belong to the user {who.pw_name}; give it to them, or name another user")
